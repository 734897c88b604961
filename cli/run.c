/* SPDX-License-Identifier: MIT */
/* assay run: suites in, reports out. */
#include <assay/machine.h>

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/prim.h"

typedef struct run_settings {
  assay_cli_words suites, formats;
  const char *filter, *output_dir, *log_file, *name, *sla, *profile, *history, *baseline, *alerts, *color;
  uint64_t processes, seed;
  double time_s, timeout_s, settle_s;
  assay_cli_judging judging;
  bool no_settle, quick, regression_check, export_baselines, verbose, json, no_history, remeasure, no_ceilings, progress, no_progress;
} run_settings;

#define AT(field) .at = offsetof(run_settings, field)

static const assay_cli_option options[] = {
    {"suite", 's', ASSAY_CLI_WORDS, "NAME", "all", NULL, NULL, 0, 0, ASSAY_CLI_SUITE, AT(suites),
     "Suites to run; several with commas, spaces or by repeating. `list --suites` shows them."},
    {"filter", 'f', ASSAY_CLI_TEXT, "GLOB", .help = "Only benchmarks whose name or \"suite/name\" matches; a plain word matches anywhere.",
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
    {"settle", 0, ASSAY_CLI_REAL, "SECONDS", .low = 0.1, .high = 86400, AT(settle_s),
     .help = "With --regression-check: what looks worse, or cannot be told, is measured again in fresh processes for at most so long (30 "
             "when not given, 10 in a quick run)."},
    {"no-settle", 0, ASSAY_CLI_FLAG, .help = "Measure nothing again.", AT(no_settle)},
    {"threshold", 0, ASSAY_CLI_TEXT, "PERCENT", AT(judging.threshold),
     .help = "With --regression-check: from how much worse on it counts, for every metric. Without it each kind has its own."},
    {"thresholds", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(judging.thresholds),
     .help = "With --regression-check: TOML file with thresholds by kind, benchmark and metric, over the shipped ones."},
    {"other-machines", 0, ASSAY_CLI_FLAG, AT(judging.other_machines),
     .help = "With --regression-check: compare although the baseline is of another machine."},
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
  assay_cli_inputs inputs; /* the history that knows the noise */
  assay_cli_judge_config judge;
  assay_changes *changes;      /* baseline (or the run before) -> this run */
  assay_alert_rules *rules;    /* NULL: nobody is to be told */
  assay_cli_previous previous; /* what alerts are judged against where there is no baseline */
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

/* Before anything is measured, for the same reason. */
static assay_status check_machine(const job *s, assay_error *err) {
  if (s->baseline->machine_id == NULL || s->settings->judging.other_machines) return ASSAY_OK;
  assay_machine *machine = NULL;
  assay_status status = assay_machine_detect(NULL, err, &machine);
  if (status == ASSAY_OK && strcmp(assay_machine_id(machine), s->baseline->machine_id) != 0)
    status =
        ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                   "the baseline '%s' was measured on another machine (%s); save one of this machine, or compare with --other-machines",
                   s->settings->baseline, s->baseline->machine_label != NULL ? s->baseline->machine_label : s->baseline->machine_id);
  assay_machine_destroy(machine);
  return status;
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
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s", problem.message);
  status = check_machine(s, err);
  if (status != ASSAY_OK) return status;
  assay_cli_inputs_init(s->cli, s->history_path, settings->output_dir, &s->inputs);
  return assay_cli_judge_config_make(&s->inputs, &settings->judging, s->baseline->machine_id, err, &s->judge);
}

/* Alerts without a baseline: what looks worse than last time is measured again, too. */
static assay_status load_previous(job *s, assay_error *err) {
  const run_settings *settings = s->settings;
  if (s->rules == NULL || s->baseline != NULL) return ASSAY_OK;
  assay_status status = assay_cli_load_previous(s->cli, s->history_path, settings->quick, err, &s->previous);
  if (status != ASSAY_OK || s->previous.result == NULL) return status;
  assay_cli_inputs_init(s->cli, s->history_path, settings->output_dir, &s->inputs);
  return assay_cli_judge_config_make(&s->inputs, &settings->judging, s->previous.result->machine_id, err, &s->judge);
}

static assay_status prepare(job *s, assay_error *err) {
  const run_settings *settings = s->settings;
  assay_status status = assay_cli_log_open(settings->log_file, &s->progress, settings->verbose && s->progress.bar, err);
  if (status == ASSAY_OK) status = assay_cli_probe_directory(settings->output_dir, err);
  if (status != ASSAY_OK) return status;
  if (!settings->no_history) s->history_path = assay_cli_history_path(s->cli, settings->history, settings->output_dir);
  if (settings->alerts != NULL && settings->no_history)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alerts need a history to compare with, so --no-history cannot go with --alerts");
  if (settings->alerts != NULL) status = assay_cli_read_rules(settings->alerts, err, &s->rules);
  if (status == ASSAY_OK) status = load_baseline(s, err);
  return status == ASSAY_OK ? load_previous(s, err) : status;
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
                             .against = s->baseline != NULL ? s->baseline : s->previous.result,
                             .compare = &s->judge.config,
                             .settle_s = settings->no_settle      ? 0
                                         : settings->settle_s > 0 ? settings->settle_s
                                         : settings->quick        ? 10
                                                                  : 30,
                             .changes = &s->changes,
                             .stop = assay_cli_stop_on_signal(),
                             .on_progress = on_progress,
                             .on_warning = on_warning,
                             .user = s};
  assay_status status = assay_run(&config, err, result);
  assay_cli_progress_end(&s->progress);
  return status;
}

/* ---- Against the baseline -------------------------------------------------------------------------------------------------------- */

/* Whether this run was asked for what the baseline has: another suite's benchmarks, or those that the filter leaves out, are not missing.
 */
static bool was_asked_for(const job *s, const assay_result *result, const assay_change *missing) {
  const assay_benchmark_result *old = assay_result_find(s->baseline, missing->suite, missing->benchmark);
  bool chosen = false;
  for (size_t i = 0; i < result->run.suite_count; i++) chosen |= strcmp(result->run.suites[i].name, missing->suite) == 0;
  if (!chosen || s->settings->filter == NULL) return chosen;
  return assay_glob_match_benchmark(s->settings->filter, missing->suite, missing->benchmark, NULL) ||
         assay_glob_match_benchmark(s->settings->filter, missing->suite, old->base_name, NULL);
}

typedef struct asked {
  const job *job;
  const assay_result *result;
} asked;

static bool is_told(const assay_change *change, void *user) {
  const asked *a = user;
  return change->verdict != ASSAY_VERDICT_MISSING || was_asked_for(a->job, a->result, change);
}

/* The code that the changes deserve: 1 worse, 3 when that cannot be known of everything that was asked for, 0 neither. */
static int show_changes(job *s, const assay_result *result, assay_changes *changes) {
  const run_settings *settings = s->settings;
  FILE *stream = settings->json ? stderr : stdout;
  assay_error err = {0};
  char *text = NULL;
  assay_changes_filter(changes, is_told, &(asked){s, result});
  assay_changes_context context = {.before = s->baseline,
                                   .after = result,
                                   .before_label = assay_arena_printf(&s->cli->arena, "baseline %s", settings->baseline),
                                   .after_label = "this run",
                                   .color = assay_cli_use_color(settings->color, stream),
                                   .width = assay_cli_columns(stream)};
  if (assay_report_changes(changes, &context, ASSAY_FORMAT_TERMINAL, &err, &text) != ASSAY_OK) return assay_cli_fail(s->cli, &err);
  fprintf(stream, "\n%s", text);
  if (changes->count == changes->verdicts[ASSAY_VERDICT_NEW] + changes->verdicts[ASSAY_VERDICT_MISSING])
    fputs("Save a baseline of these benchmarks with --export-baselines.\n", stream);
  fflush(stream);
  assay_string_free(text);
  if (assay_cli_summarize_changes(changes, &context, &err) != ASSAY_OK) assay_cli_fail(s->cli, &err);
  return assay_changes_exit_code(changes);
}

static int check_regressions(job *s, const assay_result *result) {
  assay_error err = {0};
  if (s->baseline == NULL) return ASSAY_EXIT_FINE;
  /* A run without benchmarks has judged nothing. */
  if (s->changes == NULL && assay_compare(s->baseline, result, &s->judge.config, &err, &s->changes) != ASSAY_OK)
    return assay_cli_fail(s->cli, &err);
  return show_changes(s, result, s->changes);
}

/* `verdict`: of the comparison with the baseline. What did not pass is no baseline, else a regression would be red only once. */
static int export_baseline(job *s, const assay_result *result, int verdict) {
  if (!s->settings->export_baselines) return ASSAY_EXIT_FINE;
  assay_error err = {0};
  if (verdict != ASSAY_EXIT_FINE) {
    fprintf(s->settings->json ? stderr : stdout,
            "Baseline '%s' stays as it is, since this run did not pass; `baseline update %s` moves it.\n", s->settings->baseline,
            s->settings->baseline);
    return ASSAY_EXIT_FINE;
  }
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

/* Half a run says nothing of what is missing from it. */
static int alert(job *s, const assay_result *result) {
  if (s->rules == NULL || result->run.interrupted) return ASSAY_EXIT_FINE;
  assay_cli_alerting alerting = {.history_path = s->history_path,
                                 .after = result,
                                 .before = s->baseline,
                                 .previous = s->baseline == NULL ? &s->previous : NULL,
                                 .changes = s->changes,
                                 .stream = s->settings->json ? stderr : stdout};
  return assay_cli_alert(s->cli, s->rules, &alerting);
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
  code = assay_cli_gravest(code, assay_result_exit_code(result));
  int verdict = check_regressions(s, result);
  code = assay_cli_gravest(code, verdict);
  code = assay_cli_gravest(code, alert(s, result));
  code = assay_cli_gravest(code, export_baseline(s, result, verdict));
  return result->run.interrupted ? assay_cli_gravest(code, 130) : code;
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
  if (assay_cli_log_close(&log) != ASSAY_OK) code = assay_cli_gravest(code, assay_cli_fail(cli, &log));
  assay_alert_rules_destroy(s.rules);
  assay_changes_destroy(s.changes);
  assay_cli_judge_config_deinit(&s.judge);
  assay_cli_inputs_deinit(&s.inputs);
  assay_result_destroy(s.baseline);
  assay_result_destroy(s.previous.result);
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
