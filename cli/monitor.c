/* SPDX-License-Identifier: MIT */
/* assay monitor: a run every so often, judged against the recent history, with somebody told. docs/monitor.md. */
#include "cli/monitor.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "os/prim.h"

static const char *clock_text(int64_t at_s, char out[32]) {
  time_t at = (time_t)at_s;
  struct tm local;
  localtime_r(&at, &local);
  strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local);
  return out;
}

void assay_monitor_say(const assay_monitor *m, const char *format, ...) {
  char line[1200], now[32];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(line, sizeof line, format, args);
  va_end(args);
  (void)assay_cli_print_line(m->cli, "%s %s", clock_text(assay_os_wall_s(), now), line); /* it measures on where nobody listens */
  assay_log(ASSAY_LOG_INFO, "%s", line);
}

/* ---- The rounds ---------------------------------------------------------------------------------------------------------------------- */

/* The round that follows the one that was due; those whose time has passed meanwhile are left out. */
static void set_next_due(assay_monitor *m) {
  int64_t now = assay_os_wall_s(), every = (int64_t)ceil(m->every_s);
  int64_t passed = now >= m->due_s ? (now - m->due_s) / every : 0;
  m->due_s += (passed + 1) * every;
  if (m->due_s > now + every) m->due_s = now + every; /* the clock went back */
}

static void wait_until_due(const assay_monitor *m, double later_s) {
  while (assay_monitor_stop_signal() == 0) {
    double left = (double)(m->due_s - assay_os_wall_s()) + later_s;
    if (left <= 0) return;
    assay_monitor_wait(left > 30 ? 30 : left); /* somebody may set the clock */
  }
}

static double pick_jitter(assay_monitor *m) { return m->jitter_s > 0 ? m->jitter_s * assay_random_unit(&m->random) : 0; }

static int watch(assay_monitor *m) {
  char due[32];
  uint64_t first = m->rounds;
  bool late = m->due_s < assay_os_wall_s();
  assay_monitor_say(m, "monitoring %s every %s, history %s", m->cli->operands[0], m->settings->every, m->shown_history);
  if (!late) assay_monitor_say(m, "the next round is due at %s", clock_text(m->due_s, due));
  while (assay_monitor_stop_signal() == 0 && (m->settings->rounds == 0 || m->rounds - first < m->settings->rounds)) {
    wait_until_due(m, late ? 0 : pick_jitter(m));
    if (assay_monitor_stop_signal() != 0) break;
    late = false;
    assay_monitor_round(m);
    if (assay_monitor_stop_signal() != 0) break; /* the round that was cut short is made up for */
    set_next_due(m);
    assay_monitor_write_state(m);
  }
  const int stopped = assay_monitor_stop_signal();
  if (stopped == 0) return m->code;
  assay_monitor_say(m, "stopped by %s", stopped == SIGTERM ? "SIGTERM" : stopped == SIGINT ? "SIGINT" : "SIGHUP");
  assay_monitor_write_state(m);
  return stopped == SIGTERM ? ASSAY_EXIT_FINE : 128 + stopped;
}

/* ---- From the words ------------------------------------------------------------------------------------------------------------------ */

/* What the monitor gives to the run itself. */
static assay_status check_words(const assay_cli *cli, assay_error *err) {
  static const char *const taken[] = {"--history", "--alerts", NULL};
  if (strcmp(cli->operands[0], "run") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "what is monitored is a run: write -- run and its options, not '%s'", cli->operands[0]);
  for (size_t i = 1; i < cli->operand_count; i++) {
    const char *word = cli->operands[i];
    if (strcmp(word, "--no-history") == 0)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a monitor judges by the history, so the run cannot do without (%s)", word);
    for (const char *const *option = taken; *option != NULL; option++) {
      size_t length = strlen(*option);
      if (strncmp(word, *option, length) == 0 && (word[length] == '\0' || word[length] == '='))
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "give %s to monitor, before the --, not to the run", *option);
    }
  }
  return ASSAY_OK;
}

static assay_status read_settings(assay_monitor *m, assay_error *err) {
  const assay_monitor_settings *s = m->settings;
  assay_status status = check_words(m->cli, err);
  if (status == ASSAY_OK) status = assay_cli_parse_duration(s->every, "every", err, &m->every_s);
  if (status == ASSAY_OK && m->every_s < 1) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--every must be at least 1s, not %s", s->every);
  if (status == ASSAY_OK && s->jitter != NULL) status = assay_cli_parse_duration(s->jitter, "jitter", err, &m->jitter_s);
  if (status == ASSAY_OK && m->jitter_s > m->every_s)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--jitter %s is longer than --every %s", s->jitter, s->every);
  if (status == ASSAY_OK && s->timeout != NULL) status = assay_cli_parse_duration(s->timeout, "timeout", err, &m->timeout_s);
  if (status == ASSAY_OK) {
    m->history = assay_cli_history_path(m->cli, s->history, s->output_dir);
    if (m->history == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  m->baseline = s->baseline;
  if (status != ASSAY_OK) return status;
  m->rules = s->alerts != NULL ? s->alerts : ASSAY_CLI_SHIPPED_RULES;
  assay_alert_rules *rules = NULL;
  status = assay_cli_read_rules(m->rules, err, &rules);
  assay_alert_rules_destroy(rules);
  return status;
}

static assay_status load_baseline(const assay_monitor *m, assay_error *err, assay_result **baseline) {
  assay_history *history = NULL;
  if (m->baseline == NULL) return ASSAY_OK;
  assay_status status = assay_history_open_read(m->history, err, &history);
  if (status == ASSAY_OK) status = assay_history_load_baseline(history, m->baseline, err, baseline);
  assay_history_close(history);
  return status;
}

/* A baseline that is not there is said at once, not after the first round. */
static assay_status prepare(assay_monitor *m, assay_error *err) {
  assay_result *baseline = NULL;
  assay_status status = read_settings(m, err);
  if (status == ASSAY_OK) status = assay_monitor_find_places(m, err);
  if (status == ASSAY_OK) status = assay_monitor_take_lock(m, err);
  if (status == ASSAY_OK) status = assay_monitor_set_child(m, err);
  if (status == ASSAY_OK) status = load_baseline(m, err, &baseline);
  assay_result_destroy(baseline);
  if (status == ASSAY_OK) status = assay_monitor_catch_signals(err);
  m->due_s = assay_os_wall_s();
  if (status == ASSAY_OK) assay_monitor_read_state(m);
  return status;
}

static int run(assay_cli *cli, const void *raw) {
  const assay_monitor_settings *settings = raw;
  assay_monitor m = {.cli = cli, .settings = settings, .lock = -1};
  assay_cli_progress progress;
  assay_error err = {0};
  assay_random_init(&m.random, assay_os_now_ns() ^ (uint64_t)getpid());
  assay_cli_progress_init(&progress, -1, false, "never");
  assay_status status = assay_cli_log_open(settings->log_file, &progress, false, &err);
  if (status == ASSAY_OK) status = prepare(&m, &err);
  int code = status == ASSAY_OK ? watch(&m) : assay_cli_fail(cli, &err);
  if (status == ASSAY_OK) assay_monitor_release_signals();
  if (m.lock >= 0) close(m.lock);
  assay_error log = {0};
  if (assay_cli_log_close(&log) != ASSAY_OK) code = assay_cli_fail(cli, &log);
  return code;
}

/* ---- The verb ------------------------------------------------------------------------------------------------------------------------ */

#define AT(field) .at = offsetof(assay_monitor_settings, field)
static const assay_cli_option options[] = {
    {"every", 'e', ASSAY_CLI_TEXT, "LENGTH", "1h", .help = "From the start of one round to the start of the next: 90s, 30m, 1h, 1d.",
     AT(every)},
    {"alerts", 0, ASSAY_CLI_TEXT, "RULES", .hint = ASSAY_CLI_FILE, AT(alerts),
     .help = "Rules and channels, YAML or TOML (`help alerts check`); without them what is worse by the shipped thresholds is said here. "
             "They are read anew each round."},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, AT(history),
     .help = "Where the rounds go and are judged from; OUTPUT-DIR/history.db when not given."},
    {"output-dir", 'o', ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY, AT(output_dir),
     .help = "Where history.db is looked for, and where the reports of each round go."},
    {"baseline", 'b', ASSAY_CLI_TEXT, "NAME", AT(baseline),
     .help = "Compare each round with this baseline instead of the rounds before it."},
    {"rounds", 'n', ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 1e9, .help = "End after so many; 0: never.", AT(rounds)},
    {"jitter", 0, ASSAY_CLI_TEXT, "LENGTH", AT(jitter),
     .help = "Start each round up to so much later, at random, so that many machines do not start together."},
    {"max-load", 0, ASSAY_CLI_REAL, "LOAD", .low = 0.01, .high = 1e6, AT(max_load),
     .help = "Skip a round when the system's load over the last minute is above this."},
    {"timeout", 0, ASSAY_CLI_TEXT, "LENGTH", .help = "End a round that takes longer than this.", AT(timeout)},
    {"log-file", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Append what happens to this file too.", AT(log_file)},
    ASSAY_CLI_END};
static const assay_cli_example examples[] = {
    {"one suite every hour, told by the rules of a file", "monitor --every 1h --alerts alerts.yaml -- run --suite performance"},
    {"a user's own benchmarks every night, against a baseline", "monitor --every 1d --baseline release -- run --filter 'parser/*'"},
    {"in a test: two rounds, ten seconds apart", "monitor --every 10s --rounds 2 -- run --quick-run"},
    {0}};
const assay_cli_verb assay_cli_monitor = {
    .name = "monitor",
    .summary = "Measure on an interval, judge, and tell.",
    .details =
        "Each round is a `run` in a process of its own, with the words behind `--`; it is compared with the rounds before it (or a "
        "baseline), and what is worse is told by the rules of --alerts. The time of the next round is kept beside the history, so that a "
        "restart neither forgets nor repeats one; a round that was missed is made up for once. One monitor a history; SIGTERM stops it "
        "cleanly. A round that fails is said and does not end it.\n\n"
        "Exit code: 0 stopped by SIGTERM; after --rounds the gravest of the runs: 0 fine, 1 a new alert or a limit missed, 2 a round "
        "failed, 3 inconclusive.",
    .operands = "-- run [OPTION]...",
    .operands_least = 1,
    .operands_most = 4096,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(assay_monitor_settings),
    .run = run,
};
