/* SPDX-License-Identifier: MIT */
/* assay regress: a run against a baseline, as a test of a pipeline. */
#include "cli/cli.h"

typedef struct regress_settings {
  assay_cli_words versions;
  assay_cli_judging judging;
  const char *baseline, *from, *format, *output, *history, *output_dir, *color;
  bool json, all;
} regress_settings;

#define AT(field) .at = offsetof(regress_settings, field)

static const assay_cli_option options[] = {
    {"baseline", 'b', ASSAY_CLI_TEXT, "NAME|FILE", "default", .hint = ASSAY_CLI_FILE, AT(baseline),
     .help = "What to compare with: a baseline's name, a file of results, or a run as `compare` knows them."},
    {"compare-versions", 0, ASSAY_CLI_WORDS, "OLD,NEW", AT(versions),
     .help = "Test one baseline, run or file against another: the same as --baseline OLD NEW."},
    ASSAY_CLI_JUDGING(regress_settings),
    {"output-format", 'f', ASSAY_CLI_TEXT, "FORMAT", "text", .choices = assay_cli_change_formats, .help = "What to write.", AT(format)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "Same as --output-format json.", AT(json)},
    {"output-file", 'o', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Where to; standard output when not given.", AT(output)},
    {"all", 'a', ASSAY_CLI_FLAG, .help = "Also show what stayed the same.", AT(all)},
    {"from", 0, ASSAY_CLI_TEXT, "TOOL", AT(from), .help = "Which tool wrote the files, where that cannot be recognised."},
    {"history", 0, ASSAY_CLI_TEXT, "FILE", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, AT(history),
     .help = "The history with the baseline and the run."},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db is looked for.", AT(output_dir)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run against a baseline", "regress --baseline stable_v1.0"},
    {"for a program that reads the verdict",
     "regress --baseline stable_v1.0 --threshold 10 --output-format json --output-file regression_results.json"},
    {"two versions that were kept", "regress --compare-versions v1.0,v2.0"},
    {"two files, as test cases", "regress --baseline before.json after.json --output-format junit --output-file regress.junit.xml"},
    {0}};

static assay_status check_versions(const assay_cli *cli, const regress_settings *settings, assay_error *err) {
  size_t count = settings->versions.count;
  if (count == 0 || (count == 2 && cli->operand_count == 0)) return ASSAY_OK;
  if (count != 2) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--compare-versions needs two names with a comma between, OLD,NEW");
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--compare-versions names both sides; '%s' is one too many", cli->operands[0]);
}

static int run(assay_cli *cli, const void *raw) {
  const regress_settings *settings = raw;
  static const char latest[] = "latest";
  const char *old = settings->baseline, *now = cli->operand_count > 0 ? cli->operands[0] : latest;
  if (settings->versions.count == 2) old = settings->versions.items[0], now = settings->versions.items[1];
  assay_cli_side before = {.words = &old, .count = 1, .from = settings->from}, after = {.words = &now, .count = 1, .from = settings->from};
  assay_error err = {0};
  assay_cli_inputs inputs;
  assay_cli_pair pair = {0};
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  inputs.any_machine = settings->judging.other_machines;
  assay_status status = check_versions(cli, settings, &err);
  if (status == ASSAY_OK) status = assay_cli_load_pair(&inputs, &before, &after, &err, &pair);
  if (status == ASSAY_OK) status = assay_cli_judge(&inputs, &settings->judging, &err, &pair);
  assay_cli_showing showing = {.format = settings->json ? ASSAY_FORMAT_JSON : assay_cli_change_format(settings->format),
                               .output = settings->output,
                               .color = settings->color,
                               .all = settings->all};
  int code = status == ASSAY_OK ? assay_cli_show_changes(cli, &pair, &showing) : assay_cli_fail(cli, &err);
  assay_cli_pair_deinit(&pair);
  assay_cli_inputs_deinit(&inputs);
  return code;
}

const assay_cli_verb assay_cli_regress = {
    .name = "regress",
    .summary = "Test a run against a baseline: did anything become worse?",
    .details =
        "The status is AllPass, HasRegressions, HasCriticalRegressions or Inconclusive; the exit code 0, 1, 1 or 3 (2: wrong use, or a "
        "side "
        "cannot be read). Faster is never a failure. RUN is the latest run when not given; all that `compare` takes may stand on either "
        "side.",
    .operands = "[RUN|FILE]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(regress_settings),
    .run = run,
};
