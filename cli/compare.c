/* SPDX-License-Identifier: MIT */
/* assay compare: two runs against each other. */
#include <string.h>

#include "cli/cli.h"

typedef struct compare_settings {
  assay_cli_words before, after;
  assay_cli_judging judging;
  const char *from, *format, *output, *history, *output_dir, *color;
  bool all, json, pull_request;
} compare_settings;

#define AT(field) .at = offsetof(compare_settings, field)

static const assay_cli_option options[] = {
    {"old", 0, ASSAY_CLI_REPEAT, "FILE|RUN", .hint = ASSAY_CLI_FILE, .follows = true, AT(before),
     .help = "The side before, instead of the first operand; several files of one program as the shell lists them."},
    {"new", 0, ASSAY_CLI_REPEAT, "FILE|RUN", .hint = ASSAY_CLI_FILE, .follows = true, AT(after), .help = "The side after."},
    {"from", 0, ASSAY_CLI_TEXT, "TOOL", AT(from),
     .help = "Which tool wrote the files, where that cannot be recognised (`assay import --help`)."},
    ASSAY_CLI_JUDGING(compare_settings),
    {"all", 'a', ASSAY_CLI_FLAG, .help = "Also show what stayed the same.", AT(all)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "Same as --format json.", AT(json)},
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", "terminal", .choices = assay_cli_change_formats, .help = "What to write.", AT(format)},
    {"pr", 0, ASSAY_CLI_FLAG, .help = "Markdown in the short form for the comment on a pull request.", AT(pull_request)},
    {"output-file", 'o', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Where to; standard output when not given.", AT(output)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, AT(history),
     .help = "The history that runs are looked for in, and that knows their noise."},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db is looked for.", AT(output_dir)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run with the one before it", "compare previous latest"},
    {"a baseline with the last run", "compare main"},
    {"two commits that were measured", "compare 4743812f e3d9a20"},
    {"two versions that were kept as baselines", "compare v1.0 v2.0 --all"},
    {"files of another tool, several invocations a side", "compare before-1.json,before-2.json after-1.json,after-2.json"},
    {"the same with all files of a kind", "compare --old before-*.json --new after-*.json"},
    {"for a pull request", "compare main --format markdown --pr --output-file comment.md"},
    {0}};

static assay_status choose_side(const assay_cli_words *given, const char *operand, const char *option, const char *from,
                                assay_cli_side *side, assay_error *err) {
  static const char *const latest[] = {"latest"};
  *side = (assay_cli_side){.words = latest, .count = 1, .from = from};
  if (given->count > 0 && operand != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "'%s' and --%s both name that side", operand, option);
  if (given->count > 0) *side = (assay_cli_side){.words = given->items, .count = given->count, .from = from};
  return ASSAY_OK;
}

/* One word behind the files of the only side that an option names is the other side ("--old OLD NEW"); several could be either. */
static assay_status give_back(assay_cli *cli, assay_cli_words *given, const assay_cli_words *other, const char *option,
                              const char *other_option, assay_error *err) {
  if (given->followed == 0 || other->count > 0 || cli->operand_count > 0) return ASSAY_OK;
  if (given->followed > 1)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s names %zu files; name those of the other side with --%s", option, given->count,
                      other_option);
  cli->operands = &given->items[--given->count];
  cli->operand_count = 1;
  return ASSAY_OK;
}

static assay_status choose_sides(assay_cli *cli, compare_settings *settings, const char **operands, assay_cli_side *before,
                                 assay_cli_side *after, assay_error *err) {
  assay_status returned = give_back(cli, &settings->before, &settings->after, "old", "new", err);
  if (returned == ASSAY_OK) returned = give_back(cli, &settings->after, &settings->before, "new", "old", err);
  if (returned != ASSAY_OK) return returned;
  /* With --old the first operand is the new side. */
  size_t given = 0;
  const char *old = settings->before.count == 0 && given < cli->operand_count ? cli->operands[given++] : NULL;
  const char *new = given < cli->operand_count ? cli->operands[given++] : NULL;
  if (old == NULL && settings->before.count == 0)
    return ASSAY_FAIL(
        err, ASSAY_ERR_INVALID,
        "name what to compare: a file, a run, a baseline or a commit (`compare OLD NEW`; NEW is the latest run when not given)");
  if (given < cli->operand_count)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "'%s' is one too many: --old names the old side already", cli->operands[given]);
  assay_status status = choose_side(&settings->before, old, "old", settings->from, before, err);
  if (status == ASSAY_OK) status = choose_side(&settings->after, new, "new", settings->from, after, err);
  operands[0] = old;
  operands[1] = new;
  if (old != NULL) before->words = &operands[0];
  if (new != NULL) after->words = &operands[1];
  return status;
}

static int run(assay_cli *cli, const void *raw) {
  compare_settings chosen = *(const compare_settings *)raw;
  const compare_settings *settings = &chosen;
  assay_error err = {0};
  assay_cli_inputs inputs;
  assay_cli_side before = {0}, after = {0};
  assay_cli_pair pair = {0};
  const char *operands[2];
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  inputs.any_machine = settings->judging.other_machines;
  assay_status status = choose_sides(cli, &chosen, operands, &before, &after, &err);
  if (status == ASSAY_OK) status = assay_cli_load_pair(&inputs, &before, &after, &err, &pair);
  if (status == ASSAY_OK) status = assay_cli_judge(&inputs, &settings->judging, &err, &pair);
  assay_cli_showing showing = {.format = settings->json ? ASSAY_FORMAT_JSON : assay_cli_change_format(settings->format),
                               .output = settings->output,
                               .color = settings->color,
                               .all = settings->all,
                               .pull_request = settings->pull_request};
  if (settings->pull_request && !settings->json && strcmp(settings->format, "terminal") == 0) showing.format = ASSAY_FORMAT_MARKDOWN;
  int code = status == ASSAY_OK ? assay_cli_show_changes(cli, &pair, &showing) : assay_cli_fail(cli, &err);
  assay_cli_pair_deinit(&pair);
  assay_cli_inputs_deinit(&inputs);
  return code;
}

const assay_cli_verb assay_cli_compare = {
    .name = "compare",
    .summary = "Compare two runs: what became better or worse, by how much, and how sure that is.",
    .details =
        "OLD and NEW are files (Assay's report.json or another tool's results; - for standard input; several invocations of one program "
        "joined by commas, or behind --old and --new), or runs of the history: \"latest\", \"previous\", an id or its beginning, a "
        "baseline's name, a commit. A file "
        "goes first where there is one of that name. NEW is the latest run when not given.\n\n"
        "A verdict needs a change beyond its threshold and the noise floor, and a p-value that is small after correction for how many "
        "comparisons were made; docs/compare.md says why that holds. Different machines are compared only with --other-machines.\n\n"
        "Exit code: 0 nothing became worse, 1 something did, 2 wrong use or it cannot be read, 3 too noisy to say.",
    .operands = "OLD [NEW]",
    .operands_most = 2,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(compare_settings),
    .run = run,
};
