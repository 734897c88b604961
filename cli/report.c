/* SPDX-License-Identifier: MIT */
/* assay report: a result from a file or the history, rendered again. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"

typedef struct report_settings {
  const char *format, *output, *history, *output_dir, *color;
} report_settings;

#define AT(field) .at = offsetof(report_settings, field)

static const char *const formats[] = {
    "terminal", "json", "html", "csv", "markdown", "junit", "openmetrics", "google-benchmark", "pytest-benchmark", "hyperfine", NULL};

static const assay_cli_option options[] = {
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", "terminal", .choices = formats, .help = "What to render.", AT(format)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", "-", .hint = ASSAY_CLI_FILE, .help = "Where to; - is standard output.", AT(output)},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db is looked for.", AT(output_dir)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE,
     .help = "The history to read: a file or postgresql://...", AT(history)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run as a table", "report"},
    {"a saved result as HTML", "report benchmark_results/report.json --format html --output report.html"},
    {"a run of last week as Markdown", "report 4f3a --format markdown"},
    {0}};

static bool is_file(const char *what) {
  size_t length = strlen(what);
  if (strncmp(what, "baseline:", 9) == 0 || strncmp(what, "commit:", 7) == 0) return false; /* a baseline's name may have a slash */
  return strcmp(what, "-") == 0 || strchr(what, '/') != NULL || (length > 5 && strcmp(what + length - 5, ".json") == 0) ||
         assay_os_exists(what);
}

assay_status assay_cli_load(const char *what, const char *history_path, assay_error *err, assay_history **history, assay_result **result) {
  if (is_file(what)) {
    assay_status status = assay_result_read(what, err, result);
    /* A history beside it may give the before and after; without one the report has less. */
    if (status == ASSAY_OK && assay_history_exists(history_path)) assay_history_open_read(history_path, NULL, history);
    return status;
  }
  assay_status status = assay_cli_open_history(history_path, err, history);
  return status == ASSAY_OK ? assay_history_load(*history, what, NULL, err, result) : status;
}

static int render(assay_cli *cli, const report_settings *settings, assay_history *history, const assay_result *result,
                  assay_format format) {
  assay_report_context context = {0};
  assay_error err = {0};
  char *text = NULL;
  int code = ASSAY_EXIT_FINE;
  if (history != NULL) assay_report_context_load(history, result, NULL, &context);
  bool to_stdout = strcmp(settings->output, "-") == 0;
  context.color = to_stdout && assay_cli_use_color(settings->color, stdout);
  context.width = to_stdout ? assay_cli_columns(stdout) : 0;
  assay_status status = ASSAY_OK;
  if (!to_stdout) {
    status = assay_report_write(result, &context, format, settings->output, &err);
  } else {
    status = assay_report_render(result, &context, format, &err, &text);
    if (status == ASSAY_OK) code = assay_cli_print(cli, text);
  }
  if (status != ASSAY_OK) code = assay_cli_fail(cli, &err);
  assay_string_free(text);
  assay_report_context_deinit(&context);
  return code;
}

static int show(assay_cli *cli, const report_settings *settings, const char *what) {
  assay_format format = ASSAY_FORMAT_TERMINAL;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_result *result = NULL;
  const char *path = assay_cli_history_path(cli, settings->history, settings->output_dir);
  if (strcmp(settings->format, "terminal") != 0) assay_format_parse(settings->format, &format);
  assay_status status = assay_cli_load(what, path, &err, &history, &result);
  int code = status == ASSAY_OK ? render(cli, settings, history, result, format) : assay_cli_fail(cli, &err);
  assay_result_destroy(result);
  assay_history_close(history);
  return code;
}

static int run(assay_cli *cli, const void *settings) { return show(cli, settings, cli->operand_count > 0 ? cli->operands[0] : "latest"); }

const assay_cli_verb assay_cli_report = {
    .name = "report",
    .summary = "Render a result again, in any format.",
    .details =
        "The result is a report.json (- for standard input), the id of a run in the history or its beginning, \"latest\" or \"previous\".",
    .operands = "[FILE|RUN]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(report_settings),
    .run = run,
};
