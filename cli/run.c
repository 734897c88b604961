/* SPDX-License-Identifier: MIT */
/* assay run: suites in, reports out. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/prim.h"

typedef struct run_settings {
  assay_cli_words suites, formats;
  const char *filter, *output_dir, *log_file, *name, *sla, *profile, *history, *baseline, *alerts, *color;
  uint64_t processes, seed;
  double time_s, timeout_s;
  bool quick, regression_check, export_baselines, verbose, json, no_history, remeasure, no_ceilings, progress, no_progress;
} run_settings;

#define AT(field) .at = offsetof(run_settings, field)

static const assay_cli_option options[] = {
    {"suite", 's', ASSAY_CLI_WORDS, "NAME", "all", NULL, NULL, 0, 0, ASSAY_CLI_SUITE, AT(suites),
     "Suites to run; several with commas, spaces or by repeating. `list --suites` shows them."},
    {"filter", 'f', ASSAY_CLI_TEXT, "GLOB", .help = "Only benchmarks whose \"suite/name\" matches; a plain word matches anywhere.",
     AT(filter)},
    {"quick-run", 'q', ASSAY_CLI_FLAG, .help = "Short form: 3 processes of 0.03 s a benchmark instead of 5 of 0.5 s.", AT(quick)},
    {"output-dir", 'o', ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY, AT(output_dir),
     .help = "Where the reports and history.db go."},
    {"format", 0, ASSAY_CLI_WORDS, "FORMAT", "html,json", "ASSAY_FORMAT", assay_cli_formats, AT(formats),
     .help = "Reports to write; several at once."},
    {"regression-check", 0, ASSAY_CLI_FLAG, AT(regression_check),
     .help = "Compare with the saved baseline: exit 1 when something became worse beyond its threshold and its noise, 3 when it is too "
             "noisy to say, or when the baseline and this run do not have the same benchmarks."},
    {"export-baselines", 0, ASSAY_CLI_FLAG, .help = "Save this run as the baseline.", AT(export_baselines)},
    {"baseline", 0, ASSAY_CLI_TEXT, "NAME", "default", .help = "Name of the baseline that the two options above mean.", AT(baseline)},
    {"alerts", 0, ASSAY_CLI_TEXT, "RULES", .hint = ASSAY_CLI_FILE, AT(alerts),
     .help =
         "Tell of what became worse than in the run before (or than the baseline, with --regression-check) by these rules, YAML or TOML; "
         "exit 1 when there is a new alert."},
    {"json", 0, ASSAY_CLI_FLAG, .help = "Print the result as JSON on standard output instead of the table.", AT(json)},
    {"processes", 'n', ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 1000, .help = "Fresh processes a benchmark.", AT(processes)},
    {"time", 't', ASSAY_CLI_REAL, "SECONDS", .low = 0.001, .high = 3600, .help = "Measured time a process.", AT(time_s)},
    {"timeout", 0, ASSAY_CLI_REAL, "SECONDS", .low = 0.1, .high = 86400,
     .help = "After this long a process counts as hung (60 when the benchmark does not say).", AT(timeout_s)},
    {"seed", 0, ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 9007199254740991.0,
     .help = "Of the random order and of the benchmarks' data, to repeat a run; 0: from the clock.", AT(seed)},
    {"name", 0, ASSAY_CLI_TEXT, "TEXT", .help = "What this run is called in the history.", AT(name)},
    {"sla", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "More limits to check, a TOML file beside the shipped ones.",
     AT(sla)},
    {"profile", 'p', ASSAY_CLI_TEXT, "NAME", .hint = ASSAY_CLI_FILE, AT(profile),
     .help = "Machine profile that the hardware suite checks against, a shipped name (m4-max) or a TOML file; without one the machine is "
             "checked against itself."},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, AT(history),
     .help = "The history to append to, a file or postgresql://...; OUTPUT-DIR/history.db when not given."},
    {"no-history", 0, ASSAY_CLI_FLAG, .help = "Leave no trace in a history.", AT(no_history)},
    {"remeasure-ceilings", 0, ASSAY_CLI_FLAG, .help = "Measure the machine's ceilings again instead of taking the cached ones.",
     AT(remeasure)},
    {"no-ceilings", 0, ASSAY_CLI_FLAG, .help = "Neither measure nor show the machine's ceilings.", AT(no_ceilings)},
    {"progress", 0, ASSAY_CLI_FLAG, .help = "Show the progress bar also where stderr is no terminal.", AT(progress)},
    {"no-progress", 0, ASSAY_CLI_FLAG, .help = "Never show progress.", AT(no_progress)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    {"verbose", 'v', ASSAY_CLI_FLAG, .help = "Say on stderr what is being done.", AT(verbose)},
    {"log-file", 0, ASSAY_CLI_TEXT, "FILE", "benchmark_run.log", "ASSAY_LOG_FILE", .hint = ASSAY_CLI_FILE, AT(log_file),
     .help = "The timeline of the run is appended here; --log-file= for none."},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"every suite, short form, HTML and JSON into benchmark_results/", "run --quick-run"},
    {"one suite in full, all report formats", "run --suite performance --format json html csv markdown junit"},
    {"only some benchmarks, the result to another program", "run --filter 'performance/alloc*' --json"},
    {"in CI: keep a baseline on the main branch ...", "run --suite performance --export-baselines"},
    {"... and fail a pull request that is slower", "run --suite performance --regression-check"},
    {"tell somebody when it is slower than last time", "run --suite performance --alerts alerts.yaml"},
    {0}};

typedef struct job {
  assay_cli *cli;
  const run_settings *settings;
  assay_cli_progress progress;
  const char *history_path;
  assay_result *baseline;
  assay_alert_rules *rules; /* NULL: nobody is to be told */
} job;

static void on_progress(const assay_run_progress *event, void *user) {
  job *s = user;
  assay_cli_progress_update(&s->progress, event);
}

static void on_warning(const char *message, void *user) {
  job *s = user;
  assay_buf line = {0};
  assay_buf_printf(&line, "%s run: warning: ", s->cli->program);
  assay_cli_put_lines(&line, message);
  if (!line.failed) assay_cli_progress_say(&s->progress, line.data);
  assay_buf_deinit(&line);
}

/* The baseline is read before anything is measured: a missing one should not cost a run. */
static assay_status load_baseline(job *s, assay_error *err) {
  const run_settings *settings = s->settings;
  if (!settings->regression_check && !settings->export_baselines) return ASSAY_OK;
  if (s->history_path == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "baselines are kept in the history, so --no-history cannot go with --%s",
                      settings->regression_check ? "regression-check" : "export-baselines");
  if (!settings->regression_check) return ASSAY_OK;
  assay_history *history = NULL;
  assay_error problem = {0};
  assay_status status = assay_history_open(s->history_path, err, &history);
  if (status != ASSAY_OK) return status;
  status = assay_history_load_baseline(history, settings->baseline, &problem, &s->baseline);
  assay_history_close(history);
  if (status == ASSAY_ERR_NOT_FOUND && settings->export_baselines) return ASSAY_OK; /* the first run of a pipeline that does both */
  if (status == ASSAY_ERR_NOT_FOUND) return ASSAY_FAIL(err, status, "%s; --export-baselines saves one", problem.message);
  return status == ASSAY_OK ? ASSAY_OK : ASSAY_FAIL(err, status, "%s", problem.message);
}

static assay_status prepare(job *s, assay_error *err) {
  const run_settings *settings = s->settings;
  assay_status status = assay_cli_log_open(settings->log_file, &s->progress, settings->verbose && s->progress.bar, err);
  if (status == ASSAY_OK) status = assay_cli_probe_directory(settings->output_dir, err);
  if (status != ASSAY_OK) return status;
  if (!settings->no_history) s->history_path = assay_cli_history_path(s->cli, settings->history, settings->output_dir);
  if (settings->alerts != NULL && settings->no_history)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alerts need a history to compare with, so --no-history cannot go with --alerts");
  if (settings->alerts != NULL) status = assay_alert_rules_read(settings->alerts, err, &s->rules);
  return status == ASSAY_OK ? load_baseline(s, err) : status;
}

static assay_status measure(job *s, assay_error *err, assay_result **result) {
  const run_settings *settings = s->settings;
  assay_run_config config = {.suites = settings->suites.items,
                             .filter = settings->filter,
                             .quick = settings->quick,
                             .processes = (unsigned)settings->processes,
                             .time_s = settings->time_s,
                             .timeout_s = settings->timeout_s,
                             .seed = settings->seed,
                             .history_path = s->history_path,
                             .name = settings->name,
                             .command = s->cli->command_line,
                             .sla_path = settings->sla,
                             .profile = settings->profile,
                             .remeasure_ceilings = settings->remeasure,
                             .no_ceilings = settings->no_ceilings,
                             /* A user's own program should be over in a moment, also on a machine that is new to Assay. */
                             .cached_ceilings_only = assay_suite_count() == 0 && !settings->remeasure,
                             .stop = assay_cli_stop_on_signal(),
                             .on_progress = on_progress,
                             .on_warning = on_warning,
                             .user = s};
  assay_status status = assay_run(&config, err, result);
  assay_cli_progress_end(&s->progress);
  return status;
}

/* ---- Against the baseline -------------------------------------------------------------------------------------------------------- */

static void put_change(const assay_change *change, assay_buf *out) {
  char before[64], after[64];
  assay_format_value(change->before, change->unit, before, sizeof before);
  assay_format_value(change->after, change->unit, after, sizeof after);
  assay_buf_printf(out, "  %-12s %s/%s %s: %s -> %s (%+.1f %%", assay_verdict_text(change->verdict), change->suite, change->benchmark,
                   change->metric, before, after, change->change_ratio * 100);
  if (!isnan(change->ci_low)) assay_buf_printf(out, ", 95 %%: %+.1f to %+.1f %%", change->ci_low * 100, change->ci_high * 100);
  assay_buf_puts(out, ")\n");
}

/* Whether this run was asked for what the baseline has: another suite's benchmarks, or those that the filter leaves out, are not missing.
 */
static bool was_asked_for(const job *s, const assay_result *result, const assay_change *missing) {
  const assay_benchmark_result *old = assay_result_find(s->baseline, missing->suite, missing->benchmark);
  char full[2 * ASSAY_NAME_MAX], base[2 * ASSAY_NAME_MAX];
  bool chosen = false;
  for (size_t i = 0; i < result->run.suite_count; i++) chosen |= strcmp(result->run.suites[i].name, missing->suite) == 0;
  if (!chosen || s->settings->filter == NULL) return chosen;
  snprintf(full, sizeof full, "%s/%s", missing->suite, missing->benchmark);
  snprintf(base, sizeof base, "%s/%s", missing->suite, old->base_name);
  return assay_glob_match(s->settings->filter, full) || assay_glob_match(s->settings->filter, base);
}

/* A check that compared nothing, or not everything it should, has not found that all is well. */
static int verdict_of(const size_t counts[], size_t missing, assay_buf *out) {
  size_t compared = counts[ASSAY_VERDICT_SAME] + counts[ASSAY_VERDICT_BETTER] + counts[ASSAY_VERDICT_WORSE] +
                    counts[ASSAY_VERDICT_CRITICAL] + counts[ASSAY_VERDICT_INCONCLUSIVE];
  if (compared == 0)
    assay_buf_puts(out, "  inconclusive: nothing could be compared; save a baseline of these benchmarks with --export-baselines\n");
  if (counts[ASSAY_VERDICT_WORSE] + counts[ASSAY_VERDICT_CRITICAL] > 0) return ASSAY_EXIT_MISSED;
  return compared == 0 || missing > 0 || counts[ASSAY_VERDICT_INCONCLUSIVE] > 0 ? ASSAY_EXIT_INCONCLUSIVE : ASSAY_EXIT_FINE;
}

/* Returns the exit code: 1 worse, 3 when that cannot be known of everything that was asked for, 0 neither. */
static int judge_changes(const job *s, const assay_result *result, const assay_changes *changes, assay_buf *out) {
  size_t counts[ASSAY_VERDICT_COUNT] = {0}, missing = 0;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *change = &changes->items[i];
    counts[change->verdict]++;
    if (change->verdict == ASSAY_VERDICT_MISSING) {
      if (!was_asked_for(s, result, change)) continue;
      missing++;
      assay_buf_printf(out, "  %-12s %s/%s is in the baseline, but was not measured now\n", assay_verdict_text(change->verdict),
                       change->suite, change->benchmark);
    } else if (change->verdict != ASSAY_VERDICT_SAME && change->verdict != ASSAY_VERDICT_NEW) {
      put_change(change, out);
    }
  }
  assay_buf_printf(out, "  %zu worse, %zu better, %zu the same, %zu inconclusive, %zu missing, %zu new\n",
                   counts[ASSAY_VERDICT_WORSE] + counts[ASSAY_VERDICT_CRITICAL], counts[ASSAY_VERDICT_BETTER], counts[ASSAY_VERDICT_SAME],
                   counts[ASSAY_VERDICT_INCONCLUSIVE], missing, counts[ASSAY_VERDICT_NEW]);
  return verdict_of(counts, missing, out);
}

static int check_regressions(job *s, const assay_result *result) {
  if (s->baseline == NULL) return ASSAY_EXIT_FINE;
  assay_error err = {0};
  assay_changes *changes = NULL;
  if (assay_compare(s->baseline, result, NULL, &err, &changes) != ASSAY_OK) return assay_cli_fail(s->cli, &err);
  assay_buf text = {0};
  assay_buf_printf(&text, "Against the baseline '%s' (run %s):\n", s->settings->baseline, s->baseline->run.id);
  if (s->baseline->machine_id != NULL && result->machine_id != NULL && strcmp(s->baseline->machine_id, result->machine_id) != 0)
    assay_buf_printf(&text, "  note: it was measured on another machine (%s)\n", s->baseline->machine_label);
  int code = judge_changes(s, result, changes, &text);
  assay_buf shown = {0};
  if (text.data != NULL) assay_cli_put_lines(&shown, text.data);
  if (shown.data != NULL) fputs(shown.data, s->settings->json ? stderr : stdout);
  assay_buf_deinit(&shown);
  assay_buf_deinit(&text);
  assay_changes_destroy(changes);
  return code;
}

static int export_baseline(job *s, const assay_result *result) {
  if (!s->settings->export_baselines) return ASSAY_EXIT_FINE;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_status status = ASSAY_OK;
  if (result->run.interrupted) status = ASSAY_FAIL(&err, ASSAY_ERR_INTERRUPTED, "an interrupted run is not saved as the baseline");
  if (status == ASSAY_OK) status = assay_history_open(s->history_path, &err, &history);
  if (status == ASSAY_OK) status = assay_history_save_baseline(history, s->settings->baseline, result->run.id, s->settings->name, &err);
  assay_history_close(history);
  if (status != ASSAY_OK) return assay_cli_fail(s->cli, &err);
  fprintf(s->settings->json ? stderr : stdout, "Baseline '%s' is now this run (%s).\n", s->settings->baseline, result->run.id);
  return ASSAY_EXIT_FINE;
}

/* The gravest of what happened: could not deliver, interrupted, missed, inconclusive, fine. */
static int gravest(int a, int b) {
  static const int order[] = {ASSAY_EXIT_CANNOT_RUN, 130, ASSAY_EXIT_MISSED, ASSAY_EXIT_INCONCLUSIVE};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (a == order[i] || b == order[i]) return order[i];
  }
  return ASSAY_EXIT_FINE;
}

static int finish(job *s, const assay_result *result) {
  const run_settings *settings = s->settings;
  assay_cli_delivery delivery = {.output_dir = settings->output_dir,
                                 .formats = &settings->formats,
                                 .history_path = s->history_path,
                                 .color = settings->color,
                                 .json = settings->json,
                                 .table = true};
  int code = assay_cli_deliver(s->cli, &delivery, result);
  code = gravest(code, assay_result_exit_code(result));
  code = gravest(code, check_regressions(s, result));
  /* Half a run says nothing of what is missing from it. */
  if (s->rules != NULL && !result->run.interrupted)
    code = gravest(code, assay_cli_alert(s->cli, s->rules, s->history_path, result, s->baseline, settings->json ? stderr : stdout));
  code = gravest(code, export_baseline(s, result));
  return result->run.interrupted ? gravest(code, 130) : code;
}

static int run(assay_cli *cli, const void *raw) {
  const run_settings *settings = raw;
  job s = {.cli = cli, .settings = settings};
  assay_error err = {0};
  assay_result *result = NULL;
  assay_cli_progress_init(&s.progress, settings->no_progress ? -1 : settings->progress ? 1 : 0, settings->verbose, settings->color);
  assay_status status = prepare(&s, &err);
  if (status == ASSAY_OK) assay_log(ASSAY_LOG_INFO, "%s", cli->command_line);
  if (status == ASSAY_OK) status = measure(&s, &err, &result);
  int code = status == ASSAY_OK ? finish(&s, result) : assay_cli_fail(cli, &err);
  assay_log(ASSAY_LOG_INFO, "exit code %d%s%s", code, status == ASSAY_OK ? "" : ": ", status == ASSAY_OK ? "" : err.message);
  assay_error log = {0};
  if (assay_cli_log_close(&log) != ASSAY_OK) code = gravest(code, assay_cli_fail(cli, &log));
  assay_alert_rules_destroy(s.rules);
  assay_result_destroy(s.baseline);
  assay_result_destroy(result);
  return code;
}

const assay_cli_verb assay_cli_run = {
    .name = "run",
    .summary = "Run benchmark suites and write reports.",
    .details =
        "Every benchmark runs in several fresh processes, in random interleaved order; each figure stands beside the measured limit of "
        "this machine "
        "that binds it. Completed benchmarks are in the history the moment they complete; Ctrl-C reports what there is.\n\n"
        "Exit code: 0 fine, 1 a limit was missed, a benchmark failed or something became slower, 2 wrong use or it cannot run, 3 "
        "inconclusive, "
        "130 interrupted.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(run_settings),
    .run = run,
};
