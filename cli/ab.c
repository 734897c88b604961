/* SPDX-License-Identifier: MIT */
/* assay ab: two commands, two builds of a benchmark executable, or two revisions, measured in turns until the difference is known. */
#include <assay/ab.h>

#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"

typedef struct ab_settings {
  const char *filter, *detect, *threshold, *thresholds, *build, *run, *shell, *prepare, *label_a, *label_b, *format, *output, *color;
  uint64_t blocks, warmup, seed;
  double max_time_s, timeout_s, alpha;
  bool git, json, ignore_failure, progress, no_progress;
} ab_settings;

#define AT(field) .at = offsetof(ab_settings, field)

static const char *const format_choices[] = {"terminal", "json", "html", "csv", "markdown", "junit", NULL};

static const assay_cli_option options[] = {
    {"filter", 'f', ASSAY_CLI_TEXT, "GLOB", AT(filter),
     .help = "A and B are two builds of a benchmark executable (made with <assay/bench.h>): compare those of their benchmarks whose "
             "name or \"suite/name\" matches; '' compares all of them."},
    {"detect", 'd', ASSAY_CLI_TEXT, "SIZE", "2%", AT(detect),
     .help = "The difference that must not be missed: it goes on until such a one would be found, and half of it ruled out."},
    {"max-time", 't', ASSAY_CLI_REAL, "SECONDS", "60", .low = 0.1, .high = 1e6, .help = "At most so long, for all benchmarks together.",
     AT(max_time_s)},
    {"blocks", 0, ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 100000,
     .help = "At least so many blocks of four runs (A B B A or B A A B) of each, even when the time is spent.", AT(blocks)},
    {"alpha", 0, ASSAY_CLI_REAL, "SHARE", "0.01", .low = 0.000001, .high = 0.5, AT(alpha),
     .help = "Share of false alarms that is accepted where nothing changed."},
    {"threshold", 0, ASSAY_CLI_TEXT, "SIZE", AT(threshold),
     .help = "Only a change of at least so much (e.g. 5%) is better or worse; 2.5 times that is critical. Every difference counts when "
             "not given."},
    {"thresholds", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Thresholds by metric and benchmark, a TOML file.",
     AT(thresholds)},
    {"git", 0, ASSAY_CLI_FLAG, AT(git),
     .help = "A and B are revisions of this directory's Git repository: both are checked out into temporary work trees and built there."},
    {"build", 0, ASSAY_CLI_TEXT, "COMMAND", .help = "With --git: builds a work tree, e.g. 'make -j'.", AT(build)},
    {"run", 0, ASSAY_CLI_TEXT, "COMMAND", AT(run),
     .help = "With --git: the command that is timed in each work tree; with --filter the benchmark executable, a path in the work tree."},
    {"prepare", 0, ASSAY_CLI_TEXT, "COMMAND", .help = "Run before every timing of a command, untimed.", AT(prepare)},
    {"shell", 0, ASSAY_CLI_TEXT, "SHELL", "/bin/sh", .hint = ASSAY_CLI_FILE,
     .help = "Shell that runs the commands; --shell= runs the words directly.", AT(shell)},
    {"warmup", 'w', ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 100000, .help = "Untimed runs of each command first.", AT(warmup)},
    {"ignore-failure", 'i', ASSAY_CLI_FLAG, .help = "A command that ends with another code than 0 counts all the same.",
     AT(ignore_failure)},
    {"timeout", 0, ASSAY_CLI_REAL, "SECONDS", .low = 0.1, .high = 86400, .help = "After this long a run counts as hung. 60 when not given.",
     AT(timeout_s)},
    {"label-a", 0, ASSAY_CLI_TEXT, "TEXT", .help = "What A is called in the answer.", AT(label_a)},
    {"label-b", 0, ASSAY_CLI_TEXT, "TEXT", .help = "What B is called in the answer.", AT(label_b)},
    {"seed", 0, ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 9007199254740991.0,
     .help = "Of the random order, to repeat it; 0: from the clock.", AT(seed)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "Print the answer as JSON, like --format json.", AT(json)},
    {"format", 0, ASSAY_CLI_TEXT, "FORMAT", "terminal", .choices = format_choices, .help = "How the answer is written.", AT(format)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Where the answer goes; standard output when not given.",
     AT(output)},
    {"progress", 0, ASSAY_CLI_FLAG, .help = "Show the progress bar also where stderr is no terminal.", AT(progress)},
    {"no-progress", 0, ASSAY_CLI_FLAG, .help = "Never show progress.", AT(no_progress)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"two commands", "ab 'sort data.txt' 'sort --parallel=1 data.txt'"},
    {"two builds of a benchmark executable, at most 10 seconds", "ab --filter 'sort*' ./bench_old ./bench_new --max-time 10"},
    {"two revisions of this repository", "ab --git main HEAD --build 'make -j4' --run './prog input.txt'"},
    {"the same with a benchmark executable that the build makes", "ab --git main HEAD --build make --run build/bench --filter ''"},
    {0}};

typedef struct job {
  assay_cli *cli;
  const ab_settings *settings;
  assay_cli_progress progress;
  assay_format format;
  assay_thresholds *thresholds;
  assay_ab_trees *trees;
  assay_ab_config config;
} job;

/* ---- What is asked for ------------------------------------------------------------------------------------------------------------- */

static assay_status load_thresholds(job *j, assay_error *err) {
  const ab_settings *s = j->settings;
  double share = 0;
  if (s->threshold != NULL && s->thresholds != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--threshold and --thresholds are two answers to one question");
  if (s->thresholds != NULL) return assay_thresholds_load(s->thresholds, err, &j->thresholds);
  if (s->threshold == NULL) return ASSAY_OK;
  assay_status status = assay_cli_parse_percent(s->threshold, "threshold", err, &share);
  return status == ASSAY_OK ? assay_thresholds_uniform(share, err, &j->thresholds) : status;
}

static assay_status check_words(const ab_settings *s, assay_error *err) {
  if (s->git && s->run == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--git needs --run, the command that is timed in both work trees");
  if (!s->git && (s->build != NULL || s->run != NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is for --git; without it the two operands are what is compared",
                      s->build != NULL ? "build" : "run");
  if (s->filter != NULL && s->prepare != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--prepare is for commands; a benchmark prepares before its loop");
  return ASSAY_OK;
}

static assay_status prepare(job *j, assay_error *err) {
  const ab_settings *s = j->settings;
  assay_status status = check_words(s, err);
  if (!assay_format_parse(s->json ? "json" : s->format, &j->format)) j->format = ASSAY_FORMAT_TERMINAL;
  if (status == ASSAY_OK) status = load_thresholds(j, err);
  j->config = (assay_ab_config){.a = {.command = j->cli->operands[0], .label = s->label_a},
                                .b = {.command = j->cli->operands[1], .label = s->label_b},
                                .filter = s->filter,
                                .max_time_s = s->max_time_s,
                                .alpha = s->alpha,
                                .least_blocks = (size_t)s->blocks,
                                .timeout_s = s->timeout_s,
                                .seed = s->seed,
                                .shell = s->shell,
                                .prepare = s->prepare,
                                .command_warmup = (unsigned)s->warmup,
                                .ignore_failure = s->ignore_failure,
                                .thresholds = j->thresholds,
                                .command_line = j->cli->command_line};
  if (status == ASSAY_OK) status = assay_cli_parse_percent(s->detect, "detect", err, &j->config.detect_ratio);
  if (status == ASSAY_OK && !(j->config.detect_ratio > 0 && j->config.detect_ratio <= 10))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--detect needs a percentage above 0 and at most 1000, such as 2, not '%s'", s->detect);
  return status;
}

/* ---- While it goes on --------------------------------------------------------------------------------------------------------------- */

static void on_progress(const assay_run_progress *event, void *user) {
  job *j = user;
  assay_cli_progress_update(&j->progress, event);
}

static void on_step(const char *what, double elapsed_s, void *user) {
  job *j = user;
  assay_cli_progress_update(&j->progress, &(assay_run_progress){.phase = what, .item = "", .elapsed_s = elapsed_s, .remaining_s = NAN});
}

static assay_status check_out(job *j, assay_error *err) {
  const ab_settings *s = j->settings;
  if (!s->git) return ASSAY_OK;
  assay_ab_trees_config config = {.revision_a = j->cli->operands[0],
                                  .revision_b = j->cli->operands[1],
                                  .build = s->build,
                                  .stop = j->config.stop,
                                  .on_step = on_step,
                                  .user = j};
  assay_status status = assay_ab_trees_create(&config, err, &j->trees);
  if (status != ASSAY_OK) return status;
  assay_ab_side *sides[] = {&j->config.a, &j->config.b};
  for (int i = 0; i < 2; i++) {
    sides[i]->command = s->run;
    sides[i]->directory = i == 0 ? j->trees->directory_a : j->trees->directory_b;
    sides[i]->commit = i == 0 ? j->trees->commit_a : j->trees->commit_b;
    if (sides[i]->label == NULL) sides[i]->label = j->cli->operands[i];
  }
  return ASSAY_OK;
}

static assay_status measure(job *j, assay_error *err, assay_ab **ab) {
  const ab_settings *s = j->settings;
  assay_cli_progress_init(&j->progress, s->no_progress ? -1 : s->progress ? 1 : 0, false, s->color);
  j->config.stop = assay_cli_stop_on_signal();
  j->config.on_progress = on_progress;
  j->config.user = j;
  assay_status status = check_out(j, err);
  if (status == ASSAY_OK) status = assay_ab_run(&j->config, err, ab);
  assay_cli_progress_end(&j->progress);
  return status;
}

/* ---- The answer -------------------------------------------------------------------------------------------------------------------- */

static const char *label_of(const assay_ab_side *side) { return side->label != NULL ? side->label : side->command; }

/* Failures of commands and benchmarks, on stderr: the answer has no place for them but a missing figure. */
static bool say_failures(const job *j, const assay_ab *ab) {
  bool failed = false;
  for (int side = 0; side < 2; side++) {
    const assay_result *result = side == 0 ? ab->before : ab->after;
    for (size_t i = 0; i < result->benchmark_count; i++) {
      const assay_benchmark_result *b = &result->benchmarks[i];
      if (b->status != ASSAY_OUTCOME_FAILED) continue;
      failed = true;
      assay_buf line = {0};
      assay_buf_printf(&line, "%s ab: ", j->cli->program);
      assay_buf_plain(&line, label_of(side == 0 ? &j->config.a : &j->config.b));
      if (j->config.filter != NULL) assay_buf_printf(&line, ", %s/%s", b->suite, b->name);
      assay_buf_puts(&line, " failed: ");
      assay_buf_plain(&line, b->reason);
      if (!line.failed) fprintf(stderr, "%s\n", line.data);
      assay_buf_deinit(&line);
    }
  }
  return failed;
}

static void put_effort(const job *j, const assay_ab *ab, assay_buf *out) {
  size_t processes = 4 * ab->blocks;
  assay_buf_printf(out, "\n%zu block%s of A B B A or B A A B (%zu fresh processes) in %.1f s, to detect %.3g %%", ab->blocks,
                   ab->blocks == 1 ? "" : "s", processes, ab->took_s, 100 * j->config.detect_ratio);
  if (ab->interrupted) assay_buf_puts(out, "; interrupted");
  if (ab->out_of_time && !ab->interrupted) assay_buf_puts(out, "; the time was spent before all intervals were narrow enough");
  assay_buf_puts(out, ".\n");
}

static int deliver(const job *j, const assay_ab *ab) {
  const ab_settings *s = j->settings;
  bool to_file = s->output != NULL && strcmp(s->output, "-") != 0;
  assay_changes_context context = {.before = ab->before,
                                   .after = ab->after,
                                   .before_label = label_of(&j->config.a),
                                   .after_label = label_of(&j->config.b),
                                   .all = true,
                                   .color = !to_file && assay_cli_use_color(s->color, stdout),
                                   .width = to_file ? 0 : assay_cli_columns(stdout)};
  assay_error err = {0};
  char *text = NULL;
  if (assay_report_changes(ab->changes, &context, j->format, &err, &text) != ASSAY_OK) return assay_cli_fail(j->cli, &err);
  assay_buf out = {0};
  assay_buf_puts(&out, text);
  assay_string_free(text);
  if (j->format == ASSAY_FORMAT_TERMINAL) put_effort(j, ab, &out);
  int code = ASSAY_EXIT_FINE;
  if (out.failed)
    ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  else if (to_file)
    assay_os_write_file(s->output, out.data, out.length, &err);
  else
    code = assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  return err.status == ASSAY_OK ? code : assay_cli_fail(j->cli, &err);
}

static int finish(const job *j, const assay_ab *ab) {
  int code = deliver(j, ab);
  bool failed = say_failures(j, ab);
  if (code != ASSAY_EXIT_FINE) return code;
  if (ab->interrupted) return 130;
  return failed ? ASSAY_EXIT_MISSED : assay_changes_exit_code(ab->changes);
}

static int run(assay_cli *cli, const void *raw) {
  job j = {.cli = cli, .settings = raw};
  assay_error err = {0};
  assay_ab *ab = NULL;
  assay_status status = prepare(&j, &err);
  if (status == ASSAY_OK) status = measure(&j, &err, &ab);
  if (status == ASSAY_ERR_INTERRUPTED && err.status == ASSAY_OK) ASSAY_FAIL(&err, status, "interrupted before anything was measured");
  int code = status == ASSAY_OK ? finish(&j, ab) : assay_cli_fail(cli, &err);
  assay_ab_destroy(ab);
  assay_ab_trees_destroy(j.trees);
  assay_thresholds_destroy(j.thresholds);
  return code;
}

const assay_cli_verb assay_cli_ab = {
    .name = "ab",
    .summary = "Compare two commands, builds or revisions in turns.",
    .details =
        "Both sides run in fresh processes, in blocks of A B B A or B A A B by lot, until the difference is known well enough or the time "
        "is spent. A is the old one: \"worse\" means that B is slower. \"same\" means that no difference of half of --detect or more can "
        "be there; what lies between is \"inconclusive\".\n\n"
        "Exit code: 0 the same or better, 1 worse or a command failed, 2 wrong use or it cannot run, 3 inconclusive, 130 interrupted.",
    .operands = "A B",
    .operands_least = 2,
    .operands_most = 2,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(ab_settings),
    .run = run,
};
