/* SPDX-License-Identifier: MIT */
/* assay report: a result from a file or the history, rendered again; and the comment on a pull request. */
#include <assay/trend.h>

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"

typedef struct report_settings {
  const char *format, *output, *history, *output_dir, *color, *baseline, *against;
  assay_cli_judging judging;
  bool pull_request, trends;
} report_settings;

#define AT(field) .at = offsetof(report_settings, field)

static const char *const formats[] = {
    "terminal", "json", "html", "csv", "markdown", "junit", "openmetrics", "google-benchmark", "pytest-benchmark", "hyperfine", NULL};

static const assay_cli_option options[] = {
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", "terminal", .choices = formats, .help = "What to render.", AT(format)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", "-", .hint = ASSAY_CLI_FILE, .help = "Where to; - is standard output.", AT(output)},
    {"pr", 0, ASSAY_CLI_FLAG,
     .help = "The comment on a pull request: what changed, as Markdown. Its verdict does not change the exit code.", AT(pull_request)},
    {"baseline", 'b', ASSAY_CLI_TEXT, "NAME", .help = "Compare with this baseline instead of the run before.", AT(baseline)},
    {"against", 0, ASSAY_CLI_TEXT, "FILE|RUN", .hint = ASSAY_CLI_FILE, .help = "Compare with this file, run or commit.", AT(against)},
    {"threshold", 0, ASSAY_CLI_TEXT, "PERCENT", .help = "From how much worse on it counts, for every metric.", AT(judging.threshold)},
    {"thresholds", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "TOML file with thresholds, over the shipped ones.",
     AT(judging.thresholds)},
    {"other-machines", 0, ASSAY_CLI_FLAG, .help = "Compare although the two sides were measured on different machines.",
     AT(judging.other_machines)},
    {"trends", 0, ASSAY_CLI_FLAG, AT(trends),
     .help = "Write four plots of the history (time, memory and energy over time, time by size) as SVG and PNG, and trends.md, into "
             "OUTPUT-DIR."},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db is looked for, and where --trends writes.", AT(output_dir)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE,
     .help = "The history to read: a file or postgresql://...", AT(history)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run as a table", "report"},
    {"a saved result as HTML", "report benchmark_results/report.json --format html --output report.html"},
    {"a run of last week as Markdown", "report 4f3a --format markdown"},
    {"four plots and a page about all runs", "report --trends --output-dir benchmark_results"},
    {"the comment on a pull request", "report --format markdown --pr --baseline main --output comment.md"},
    {0}};

/* A context lends its parts as const; here they are owned. */
static void *owned(const void *part) { return (void *)(uintptr_t)part; }

/* What the report is compared with: what was named, else the run before, where there is one. Its changes are judged as `compare` does. */
static assay_status set_reference(assay_cli_inputs *inputs, const report_settings *settings, const assay_result *result,
                                  assay_report_context *context, const char **label, assay_error *err) {
  const char *word = settings->against;
  if (settings->baseline != NULL && word != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--baseline and --against both name what to compare with");
  if (settings->baseline != NULL) word = assay_arena_printf(&inputs->cli->arena, "baseline:%s", settings->baseline);
  if (word != NULL) {
    assay_result *before = NULL;
    assay_status status =
        assay_cli_load_side(inputs, &(assay_cli_side){.words = &word, .count = 1}, result->machine_id, err, &before, label);
    if (status != ASSAY_OK) return status;
    if (settings->baseline != NULL) *label = assay_arena_printf(&inputs->cli->arena, "baseline %s", settings->baseline);
    assay_result_destroy(owned(context->previous));
    context->previous = before;
  }
  if (context->previous == NULL) return ASSAY_OK;
  assay_cli_judging judging = settings->judging;
  judging.alpha = 0.05;
  assay_cli_pair pair = {.before = owned(context->previous), .after = owned(result)};
  assay_status status = assay_cli_judge(inputs, &judging, err, &pair);
  if (status != ASSAY_OK) return word == NULL ? ASSAY_OK : status; /* the run before is only a help */
  assay_changes_destroy(owned(context->changes));
  context->changes = pair.changes;
  return ASSAY_OK;
}

/* Exit code 0 whatever the verdict: the comment is written, and `compare`, `regress` and `run --regression-check` give the verdict. */
static int write_comment(assay_cli *cli, const report_settings *settings, const assay_result *result, const assay_report_context *context,
                         const char *before_label, const char *after_label) {
  assay_error err = {0};
  if (context->changes == NULL) {
    ASSAY_FAIL(&err, ASSAY_ERR_NOT_FOUND, "there is no run before %s on its machine to compare with; name one with --baseline or --against",
               result->run.id);
    return assay_cli_fail(cli, &err);
  }
  assay_cli_pair pair = {.before = owned(context->previous),
                         .after = owned(result),
                         .before_label = before_label,
                         .after_label = after_label,
                         .changes = owned(context->changes)};
  assay_cli_showing showing = {.format = ASSAY_FORMAT_MARKDOWN, .output = settings->output, .color = "never", .pull_request = true};
  int code = assay_cli_show_changes(cli, &pair, &showing);
  return code == ASSAY_EXIT_CANNOT_RUN ? code : ASSAY_EXIT_FINE;
}

static int render(assay_cli *cli, const report_settings *settings, const assay_result *result, assay_format format,
                  assay_report_context *context) {
  assay_error err = {0};
  char *text = NULL;
  int code = ASSAY_EXIT_FINE;
  bool to_stdout = strcmp(settings->output, "-") == 0;
  context->color = to_stdout && assay_cli_use_color(settings->color, stdout);
  context->width = to_stdout ? assay_cli_columns(stdout) : 0;
  assay_status status = ASSAY_OK;
  if (!to_stdout) {
    status = assay_report_write(result, context, format, settings->output, &err);
  } else {
    status = assay_report_render(result, context, format, &err, &text);
    if (status == ASSAY_OK) code = assay_cli_print(cli, text);
  }
  if (status != ASSAY_OK) code = assay_cli_fail(cli, &err);
  assay_string_free(text);
  return code;
}

static assay_status check_words(const report_settings *settings, assay_error *err) {
  if (settings->trends && strcmp(settings->output, "-") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--trends writes several files into a directory: name it with --output-dir, not --output %s",
                      settings->output);
  if (!settings->pull_request || strcmp(settings->format, "terminal") == 0 || strcmp(settings->format, "markdown") == 0) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--pr is Markdown, not %s; `compare` writes comparisons in other formats", settings->format);
}

static int write_trends(assay_cli *cli, const report_settings *settings) {
  assay_error err = {0};
  if (check_words(settings, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_history *history = NULL;
  char *note = NULL;
  assay_status status = assay_cli_open_history(assay_cli_history_path(cli, settings->history, settings->output_dir), &err, &history);
  if (status == ASSAY_OK) status = assay_trends_report(history, NULL, settings->output_dir, &err, &note);
  assay_history_close(history);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (note != NULL) fprintf(stderr, "%s report: %s\n", cli->program, note);
  assay_string_free(note);
  assay_buf out = {0};
  assay_buf_printf(&out, "%s/trends.md\n", assay_cli_absolute(cli, settings->output_dir));
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

static int show(assay_cli *cli, const report_settings *settings) {
  const char *what = cli->operand_count > 0 ? cli->operands[0] : "latest", *after_label = NULL, *before_label = NULL;
  assay_format format = ASSAY_FORMAT_TERMINAL;
  assay_error err = {0};
  assay_result *result = NULL;
  assay_report_context context = {0};
  assay_cli_inputs inputs;
  int code = ASSAY_EXIT_FINE;
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  assay_format_parse(settings->format, &format);
  assay_status status = check_words(settings, &err);
  if (status == ASSAY_OK)
    status = assay_cli_load_side(&inputs, &(assay_cli_side){.words = &what, .count = 1}, NULL, &err, &result, &after_label);
  /* A history beside a file may give the before and after; without one the report has less. */
  if (status == ASSAY_OK && assay_cli_inputs_history(&inputs, false, NULL) == ASSAY_OK)
    assay_report_context_load(inputs.history, result, NULL, &context);
  if (status == ASSAY_OK) status = set_reference(&inputs, settings, result, &context, &before_label, &err);
  if (status != ASSAY_OK)
    code = assay_cli_fail(cli, &err);
  else if (settings->pull_request)
    code = write_comment(cli, settings, result, &context, before_label, after_label);
  else
    code = render(cli, settings, result, format, &context);
  assay_report_context_deinit(&context);
  assay_result_destroy(result);
  assay_cli_inputs_deinit(&inputs);
  return code;
}

static int run(assay_cli *cli, const void *settings) {
  return ((const report_settings *)settings)->trends ? write_trends(cli, settings) : show(cli, settings);
}

const assay_cli_verb assay_cli_report = {
    .name = "report",
    .summary = "Render a result again, in any format, or as the comment on a pull request.",
    .details =
        "The result is a file (report.json, or another tool's; - for standard input), or a run of the history: its id or the beginning "
        "of it, \"latest\" (the default), \"previous\", a baseline's name, a commit.",
    .operands = "[FILE|RUN]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(report_settings),
    .run = run,
};
