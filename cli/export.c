/* SPDX-License-Identifier: MIT */
/* assay export: a result as another tool's file. */
#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"

typedef struct export_settings {
  const char *to, *from, *output, *history, *output_dir;
} export_settings;

#define AT(field) .at = offsetof(export_settings, field)

static const char *const formats[] = {"google-benchmark", "pytest-benchmark", "hyperfine", "openmetrics", "csv", "json", NULL};

static const assay_cli_option options[] = {
    {"to", 't', ASSAY_CLI_TEXT, "FORMAT", .choices = formats, .help = "What to write.", AT(to)},
    {"from", 0, ASSAY_CLI_TEXT, "TOOL", AT(from), .help = "Which tool wrote the file, where that cannot be recognised."},
    {"output-file", 'o', ASSAY_CLI_TEXT, "FILE", "-", .hint = ASSAY_CLI_FILE, .help = "Where to; - is standard output.", AT(output)},
    ASSAY_CLI_WHERE(export_settings, "The history to read: a file or postgresql://..."),
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run for Google Benchmark's compare.py", "export --to google-benchmark --output-file after.json"},
    {"a saved result as OpenMetrics, checked", "export benchmark_results/report.json --to openmetrics | promtool check metrics"},
    {0}};

/* What such a file cannot hold is said; a file that could hold nothing at all is not written. */
static assay_status check_left_out(const assay_cli *cli, const assay_result *result, assay_format format, assay_error *err) {
  size_t left_out = assay_report_left_out(result, format), count = result->benchmark_count;
  if (left_out == 0) return ASSAY_OK;
  if (left_out == count)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "no benchmark of this run has a time, and %s holds times only; json, csv and openmetrics hold everything",
                      assay_format_text(format));
  fprintf(stderr, "%s %s: %zu of %zu benchmarks have no time, which is all that %s holds; they are left out\n", cli->program,
          cli->verb->name, left_out, count, assay_format_text(format));
  return ASSAY_OK;
}

static assay_status write_out(assay_cli *cli, const export_settings *settings, const assay_result *result, assay_format format,
                              assay_error *err) {
  char *text = NULL;
  assay_status status = assay_report_render(result, NULL, format, err, &text);
  if (status == ASSAY_OK && strcmp(settings->output, "-") != 0)
    status = assay_os_write_file(settings->output, text, strlen(text), err);
  else if (status == ASSAY_OK && assay_cli_print(cli, text) != ASSAY_EXIT_FINE)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the export could not be printed");
  assay_string_free(text);
  return status;
}

static int run(assay_cli *cli, const void *given) {
  const export_settings *settings = given;
  assay_format format = ASSAY_FORMAT_JSON;
  assay_error err = {0};
  assay_result *result = NULL;
  assay_status status = ASSAY_OK;
  assay_cli_inputs inputs;
  const char *what = cli->operand_count > 0 ? cli->operands[0] : "latest", *label = NULL;
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  if (settings->to == NULL || !assay_format_parse(settings->to, &format))
    status =
        ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "--to is missing: google-benchmark, pytest-benchmark, hyperfine, openmetrics, csv or json");
  if (status == ASSAY_OK)
    status =
        assay_cli_load_side(&inputs, &(assay_cli_side){.words = &what, .count = 1, .from = settings->from}, NULL, &err, &result, &label);
  if (status == ASSAY_OK) status = check_left_out(cli, result, format, &err);
  if (status == ASSAY_OK) status = write_out(cli, settings, result, format, &err);
  assay_result_destroy(result);
  assay_cli_inputs_deinit(&inputs);
  return status == ASSAY_OK ? ASSAY_EXIT_FINE : assay_cli_fail(cli, &err);
}

const assay_cli_verb assay_cli_export = {
    .name = "export",
    .summary = "Write a result as another tool's file.",
    .details =
        "The result is a file (report.json, or another tool's; - for standard input), or a run of the history: its id or the beginning "
        "of it, \"latest\" (the default), \"previous\", a baseline's name, a commit. A process becomes a repetition, a round or a run of "
        "the other tool. OpenMetrics is valid as Prometheus' text "
        "format 0.0.4 too.",
    .operands = "[FILE|RUN]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(export_settings),
    .run = run,
};
