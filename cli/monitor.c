/* SPDX-License-Identifier: MIT */
/*
 * assay monitor: a run every so often, judged against the recent history, with somebody told. The run is a process of its own, so that a
 * round that goes wrong ends nothing but itself. docs/monitor.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/prim.h"

extern char **environ;

typedef struct monitor_settings {
  const char *every, *alerts, *history, *output_dir, *baseline, *jitter, *timeout, *log_file;
  uint64_t rounds;
  double max_load;
} monitor_settings;

#define AT(field) .at = offsetof(monitor_settings, field)

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

#define HISTORY_VARIABLE "ASSAY_HISTORY="

static const double GRACE_S = 15; /* a run that is told to stop reports what it has */

/* ---- Waiting, and being told to stop ----------------------------------------------------------------------------------------------- */

static int wake_pipe[2] = {-1, -1};
static volatile sig_atomic_t stop_signal, stop_count;

static void on_signal(int number) {
  int saved = errno;
  if (number != SIGCHLD) {
    if (stop_signal == 0) stop_signal = number;
    stop_count++;
  }
  ssize_t ignored = write(wake_pipe[1], "", 1);
  (void)ignored;
  errno = saved;
}

static assay_status catch_signals(assay_error *err) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
  if (pipe(wake_pipe) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot make a pipe");
  for (int i = 0; i < 2; i++) {
    fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
    fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK);
  }
  stop_signal = stop_count = 0;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
  return ASSAY_OK;
}

static void release_signals(void) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
  close(wake_pipe[0]);
  close(wake_pipe[1]);
}

/* Until a signal comes, or so long. */
static void wait_s(double seconds) {
  struct pollfd wake = {.fd = wake_pipe[0], .events = POLLIN};
  char drained[64];
  double ms = ceil(seconds * 1e3);
  if (poll(&wake, 1, ms > 1e6 ? 1000000 : ms > 0 ? (int)ms : 0) > 0)
    while (read(wake_pipe[0], drained, sizeof drained) > 0) {
    }
}

/* ---- One instance, and what it remembers -------------------------------------------------------------------------------------------- */

typedef struct monitor {
  assay_cli *cli;
  const monitor_settings *settings;
  const char *history, *shown_history; /* `shown` without a password */
  const char *lock_path, *state_path;
  const char *baseline;
  double every_s, jitter_s, timeout_s;
  const char *rules;           /* file */
  char **words, **environment; /* of each round's process */
  assay_random random;
  int lock;
  int64_t due_s; /* of the next round, without jitter */
  uint64_t rounds, failed;
  int code; /* the gravest of the rounds */
} monitor;

/* Beside the history; of a URL in the cache directory, under a name that tells one from the other. */
static assay_status find_places(monitor *m, assay_error *err) {
  assay_arena *arena = &m->cli->arena;
  const char *stem = NULL;
  if (assay_history_is_url(m->history)) {
    char *cache = NULL;
    assay_status status = assay_os_cache_dir(err, &cache);
    if (status != ASSAY_OK) return status;
    uint64_t hash = assay_hash(ASSAY_HASH_START, m->history, strlen(m->history));
    stem = assay_arena_printf(arena, "%s/monitor-%016llx", cache, (unsigned long long)hash);
    assay_free(cache);
  } else {
    const char *slash = strrchr(m->history, '/');
    char *folder = slash != NULL && slash != m->history ? assay_arena_strndup(arena, m->history, (size_t)(slash - m->history)) : NULL;
    assay_status status = folder != NULL ? assay_os_make_dirs(folder, err) : ASSAY_OK;
    if (status != ASSAY_OK) return status;
    stem = assay_arena_printf(arena, "%s.monitor", assay_cli_absolute(m->cli, m->history));
  }
  char *shown = assay_history_shown(m->history);
  m->shown_history = shown != NULL ? assay_arena_strdup(arena, shown) : NULL;
  assay_string_free(shown);
  m->lock_path = assay_arena_printf(arena, "%s.lock", stem);
  m->state_path = assay_arena_printf(arena, "%s.json", stem);
  return arena->failed || m->shown_history == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory") : ASSAY_OK;
}

/* The lock goes with the process however it ends, so a monitor that was killed leaves nothing to clear away. */
static assay_status take_lock(monitor *m, assay_error *err) {
  char holder[120] = "";
  m->lock = open(m->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (m->lock < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", m->lock_path);
  if (flock(m->lock, LOCK_EX | LOCK_NB) != 0) {
    int code = errno;
    ssize_t got = pread(m->lock, holder, sizeof holder - 1, 0);
    holder[got > 0 ? got : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    if (code != EWOULDBLOCK) return ASSAY_FAIL_ERRNO(err, code, "cannot lock %s", m->lock_path);
    return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "another monitor works on %s (%s); stop it, or give this one another --history",
                      m->shown_history, holder[0] != '\0' ? holder : m->lock_path);
  }
  int length = snprintf(holder, sizeof holder, "process %d, since %lld\n", (int)getpid(), (long long)assay_os_wall_s());
  if (ftruncate(m->lock, 0) != 0 || pwrite(m->lock, holder, (size_t)length, 0) != length)
    return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", m->lock_path);
  return ASSAY_OK;
}

static void read_state(monitor *m) {
  char *text = NULL;
  size_t length = 0;
  if (assay_os_read_file(m->state_path, 65536, NULL, &text, &length) != ASSAY_OK) return;
  json_t *state = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
  int64_t due = (int64_t)json_integer_value(json_object_get(state, "due_s"));
  int64_t now = assay_os_wall_s();
  /* Shorter than before, or a clock that went back: nobody waits longer than one interval. */
  if (due > 0) m->due_s = due > now + (int64_t)ceil(m->every_s) ? now + (int64_t)ceil(m->every_s) : due;
  json_decref(state);
  assay_free(text);
}

static void write_state(const monitor *m) {
  assay_buf out = {0};
  assay_json json = {.out = &out, .indent = 2};
  assay_error err = {0};
  assay_json_object(&json);
  assay_json_key(&json, "schema");
  assay_json_string(&json, "assay-monitor/1");
  assay_json_key(&json, "due_s");
  assay_json_int(&json, m->due_s);
  assay_json_key(&json, "rounds");
  assay_json_uint(&json, m->rounds);
  assay_json_key(&json, "failed");
  assay_json_uint(&json, m->failed);
  assay_json_end(&json);
  assay_buf_putc(&out, '\n');
  if (out.failed || assay_os_write_file(m->state_path, out.data, out.length, &err) != ASSAY_OK) assay_cli_fail(m->cli, &err);
  assay_buf_deinit(&out);
}

/* ---- Saying ------------------------------------------------------------------------------------------------------------------------- */

static const char *clock_text(int64_t at_s, char out[32]) {
  time_t at = (time_t)at_s;
  struct tm local;
  localtime_r(&at, &local);
  strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local);
  return out;
}

static void say(const char *format, ...) ASSAY_PRINTF(1, 2);
static void say(const char *format, ...) {
  char line[1200], now[32];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(line, sizeof line, format, args);
  va_end(args);
  assay_buf shown = {0};
  assay_buf_plain(&shown, line);
  printf("%s %s\n", clock_text(assay_os_wall_s(), now), shown.data != NULL ? shown.data : "");
  fflush(stdout);
  assay_log(ASSAY_LOG_INFO, "%s", line);
  assay_buf_deinit(&shown);
}

/* ---- One round ---------------------------------------------------------------------------------------------------------------------- */

/* The group is there as long as its leader was not reaped. */
static void end_group(int pid, int number) { kill(-pid, number); }

/* Until it ends. A signal to us goes on to all of its group; one that does not heed it is killed. *in_time: it was not ended by a limit. */
static int wait_for_child(const monitor *m, int pid, bool *in_time) {
  uint64_t start = assay_os_now_ns(), told_ns = 0;
  int passed_on = 0, status = 0;
  *in_time = true;
  while (!assay_os_has_ended(pid)) {
    uint64_t now = assay_os_now_ns();
    if (*in_time && m->timeout_s > 0 && (double)(now - start) / 1e9 >= m->timeout_s) {
      *in_time = false;
      told_ns = now;
      end_group(pid, SIGTERM);
    }
    if (stop_count > passed_on) {
      if (told_ns == 0) told_ns = now;
      end_group(pid, passed_on == 0 ? SIGTERM : SIGKILL);
      passed_on = stop_count;
    }
    if (told_ns != 0 && (double)(now - told_ns) / 1e9 > GRACE_S) end_group(pid, SIGKILL);
    double left = told_ns != 0 ? 0.2 : m->timeout_s > 0 ? m->timeout_s - (double)(now - start) / 1e9 : 60;
    wait_s(left > 60 ? 60 : left); /* the end of the child wakes it */
  }
  end_group(pid, SIGKILL); /* what it left behind */
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

static char **child_words(monitor *m) {
  const char *const more[] = {"--output-dir",  m->settings->output_dir, "--alerts",   m->rules,   "--json",
                              "--no-progress", "--regression-check",    "--baseline", m->baseline};
  size_t own = sizeof more / sizeof *more - (m->baseline == NULL ? 3 : 0), count = 0;
  const char **words = assay_arena_alloc(&m->cli->arena, m->cli->operand_count + own + 2, sizeof *words);
  if (words == NULL) return NULL;
  words[count++] = m->cli->program;
  words[count++] = m->cli->operands[0];
  /* Ours first, so that an output directory that the user gives to the run wins. */
  for (size_t i = 0; i < own; i++) words[count++] = more[i];
  for (size_t i = 1; i < m->cli->operand_count; i++) words[count++] = m->cli->operands[i];
  return (char **)(uintptr_t)words;
}

/* Everybody can read the words of a process, and the history may be a URL with a password: so it goes by the environment. */
static char **child_environment(monitor *m) {
  size_t count = 0, kept = 0;
  while (environ[count] != NULL) count++;
  char **envp = assay_arena_alloc(&m->cli->arena, count + 2, sizeof *envp);
  if (envp == NULL) return NULL;
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], HISTORY_VARIABLE, strlen(HISTORY_VARIABLE)) != 0) envp[kept++] = environ[i];
  envp[kept] = assay_arena_printf(&m->cli->arena, "%s%s", HISTORY_VARIABLE, m->history);
  return envp[kept] != NULL ? envp : NULL;
}

static assay_status read_result(FILE *output, assay_error *err, assay_result **result) {
  struct stat info;
  if (fstat(fileno(output), &info) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot read what the run said");
  size_t size = (size_t)info.st_size;
  char *text = assay_alloc(ASSAY_TAG_CLI, size + 1);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the result of the run");
  rewind(output);
  size_t got = fread(text, 1, size, output);
  assay_status status = assay_result_from_json(text, got, err, result);
  assay_free(text);
  return status;
}

static size_t failures_of(const assay_result *result) {
  size_t failed = 0;
  for (size_t i = 0; i < result->benchmark_count; i++) failed += result->benchmarks[i].status == ASSAY_OUTCOME_FAILED;
  return failed;
}

static void say_measured(const monitor *m, const assay_result *result) {
  size_t failed = failures_of(result);
  char took[64], more[64] = "";
  if (failed > 0) snprintf(more, sizeof more, ", %zu failed", failed);
  say("round %llu: run %s, %zu benchmarks in %s%s", (unsigned long long)m->rounds, result->run.id, result->benchmark_count,
      assay_format_value(result->run.duration_s, "s", took, sizeof took), more);
}

/*
 * What the run said on its standard error: the lines of its alerts are what a round is about, the rest (warnings) is passed on but for
 * where the reports lie, which is the same every time.
 */
static void pass_on(FILE *said) {
  char line[1024];
  bool of_alerts = false;
  rewind(said);
  while (fgets(line, sizeof line, said) != NULL) {
    const char *report = strstr(line, " report: ");
    of_alerts = strncmp(line, "Alerts", 6) == 0 || (of_alerts && line[0] == ' ');
    if (of_alerts)
      fputs(line, stdout);
    else if (line[0] != '\n' && (report == NULL || report - line > 12))
      fputs(line, stderr);
  }
  fflush(stdout);
  fflush(stderr);
}

/* A run in a process of its own; the result comes as JSON on its standard output. */
static assay_status measure(monitor *m, assay_error *err, assay_result **result) {
  FILE *output = tmpfile(), *complaints = tmpfile();
  if (output == NULL || complaints == NULL) {
    assay_status failed = ASSAY_FAIL_ERRNO(err, errno, "cannot prepare a run");
    if (output != NULL) fclose(output);
    if (complaints != NULL) fclose(complaints);
    return failed;
  }
  assay_os_spawn spawn = {.path = assay_os_self_executable(),
                          .argv = m->words,
                          .envp = m->environment,
                          .in = -1,
                          .out = fileno(output),
                          .error = fileno(complaints),
                          .channel = -1};
  int pid = 0, ended = 0;
  bool in_time = true;
  assay_status status = spawn.path != NULL ? assay_os_start(&spawn, err, &pid)
                                           : ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "this system does not say where this program lies");
  if (status == ASSAY_OK) ended = wait_for_child(m, pid, &in_time);
  if (status == ASSAY_OK && stop_signal != 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "stopped in the middle of a round");
  else if (status == ASSAY_OK && !in_time)
    status = ASSAY_FAIL(err, ASSAY_ERR_TIMEOUT, "the run was ended: it took longer than --timeout %s", m->settings->timeout);
  else if (status == ASSAY_OK && WIFSIGNALED(ended))
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the run was ended by signal %d", WTERMSIG(ended));
  /* A run that could only not deliver its reports or alerts has measured all the same, and gives its result. */
  if (status == ASSAY_OK && read_result(output, NULL, result) != ASSAY_OK)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the run ended with exit code %d", WEXITSTATUS(ended));
  if (status == ASSAY_OK) {
    say_measured(m, *result);
    m->code = assay_cli_gravest(m->code, WEXITSTATUS(ended));
  }
  pass_on(complaints);
  fclose(complaints);
  fclose(output);
  return status;
}

static assay_status load_baseline(const monitor *m, assay_error *err, assay_result **baseline) {
  assay_history *history = NULL;
  if (m->baseline == NULL) return ASSAY_OK;
  assay_status status = assay_history_open_read(m->history, err, &history);
  if (status == ASSAY_OK) status = assay_history_load_baseline(history, m->baseline, err, baseline);
  assay_history_close(history);
  return status;
}

static bool is_too_busy(const monitor *m) {
  double load = 0;
  if (!(m->settings->max_load > 0) || getloadavg(&load, 1) != 1 || load <= m->settings->max_load) return false;
  say("round %llu: skipped, the load is %.2f and --max-load %.2f", (unsigned long long)m->rounds, load, m->settings->max_load);
  return true;
}

static void do_round(monitor *m) {
  assay_error err = {0};
  assay_result *result = NULL;
  m->rounds++;
  if (is_too_busy(m)) return;
  assay_status status = measure(m, &err, &result);
  if (status != ASSAY_OK && stop_signal == 0) {
    m->failed++;
    m->code = ASSAY_EXIT_CANNOT_RUN;
    say("round %llu: failed: %s", (unsigned long long)m->rounds, err.message);
  }
  assay_result_destroy(result);
}

/* ---- The rounds --------------------------------------------------------------------------------------------------------------------- */

/* The round that follows the one that was due; those whose time has passed meanwhile are left out. */
static void set_next_due(monitor *m) {
  int64_t now = assay_os_wall_s(), every = (int64_t)ceil(m->every_s);
  int64_t passed = now >= m->due_s ? (now - m->due_s) / every : 0;
  m->due_s += (passed + 1) * every;
  if (m->due_s > now + every) m->due_s = now + every; /* the clock went back */
}

static void wait_until_due(const monitor *m, double later_s) {
  while (stop_signal == 0) {
    double left = (double)(m->due_s - assay_os_wall_s()) + later_s;
    if (left <= 0) return;
    wait_s(left > 30 ? 30 : left); /* somebody may set the clock */
  }
}

static double pick_jitter(monitor *m) { return m->jitter_s > 0 ? m->jitter_s * assay_random_unit(&m->random) : 0; }

static int watch(monitor *m) {
  char due[32];
  uint64_t first = m->rounds;
  bool late = m->due_s < assay_os_wall_s();
  say("monitoring %s every %s, history %s", m->cli->operands[0], m->settings->every, m->shown_history);
  if (!late) say("the next round is due at %s", clock_text(m->due_s, due));
  while (stop_signal == 0 && (m->settings->rounds == 0 || m->rounds - first < m->settings->rounds)) {
    wait_until_due(m, late ? 0 : pick_jitter(m));
    if (stop_signal != 0) break;
    late = false;
    do_round(m);
    if (stop_signal != 0) break; /* the round that was cut short is made up for */
    set_next_due(m);
    write_state(m);
  }
  if (stop_signal != 0) {
    say("stopped by %s", stop_signal == SIGTERM ? "SIGTERM" : stop_signal == SIGINT ? "SIGINT" : "SIGHUP");
    write_state(m);
    return stop_signal == SIGTERM ? ASSAY_EXIT_FINE : 128 + stop_signal;
  }
  return m->code;
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

static assay_status read_settings(monitor *m, assay_error *err) {
  const monitor_settings *s = m->settings;
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

/* A baseline that is not there is said at once, not after the first round. */
static assay_status prepare(monitor *m, assay_error *err) {
  assay_result *baseline = NULL;
  assay_status status = read_settings(m, err);
  if (status == ASSAY_OK) status = find_places(m, err);
  if (status == ASSAY_OK) status = take_lock(m, err);
  if (status == ASSAY_OK) {
    m->words = child_words(m);
    m->environment = child_environment(m);
    if (m->words == NULL || m->environment == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  if (status == ASSAY_OK) status = load_baseline(m, err, &baseline);
  assay_result_destroy(baseline);
  if (status == ASSAY_OK) status = catch_signals(err);
  m->due_s = assay_os_wall_s();
  if (status == ASSAY_OK) read_state(m);
  return status;
}

static int run(assay_cli *cli, const void *raw) {
  const monitor_settings *settings = raw;
  monitor m = {.cli = cli, .settings = settings, .lock = -1};
  assay_cli_progress progress;
  assay_error err = {0};
  assay_random_init(&m.random, assay_os_now_ns() ^ (uint64_t)getpid());
  assay_cli_progress_init(&progress, -1, false, "never");
  assay_status status = assay_cli_log_open(settings->log_file, &progress, false, &err);
  if (status == ASSAY_OK) status = prepare(&m, &err);
  int code = status == ASSAY_OK ? watch(&m) : assay_cli_fail(cli, &err);
  if (status == ASSAY_OK) release_signals();
  if (m.lock >= 0) close(m.lock);
  assay_error log = {0};
  if (assay_cli_log_close(&log) != ASSAY_OK) code = assay_cli_fail(cli, &log);
  return code;
}

const assay_cli_verb assay_cli_monitor = {
    .name = "monitor",
    .summary = "Measure on an interval, judge, and tell.",
    .details =
        "Each round is a `run` in a process of its own, with the words behind `--`; it is compared with the rounds before it (or a "
        "baseline), "
        "and what is worse is told by the rules of --alerts. The time of the next round is kept beside the history, so that a restart "
        "neither "
        "forgets nor repeats one; a round that was missed is made up for once. One monitor a history; SIGTERM stops it cleanly. A round "
        "that "
        "fails is said and does not end it.\n\n"
        "Exit code: 0 stopped by SIGTERM; after --rounds the gravest of the runs: 0 fine, 1 a new alert or a limit missed, 2 a round "
        "failed, 3 inconclusive.",
    .operands = "-- run [OPTION]...",
    .operands_least = 1,
    .operands_most = 4096,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(monitor_settings),
    .run = run,
};
