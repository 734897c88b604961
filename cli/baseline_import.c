/* SPDX-License-Identifier: MIT */
/* assay baseline import: a file of an exported baseline, or of any other tool's results. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/baseline.h"
#include "os/prim.h"

enum { MOST_BYTES = 256 << 20 };

/* Name and description that an exported baseline says of itself; both stay NULL where it does not. */
static void read_about(assay_cli *cli, const char *path, const char **name, const char **description) {
  char *text = NULL;
  size_t length = 0;
  if (assay_os_read_file(path, MOST_BYTES, NULL, &text, &length) != ASSAY_OK) return;
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
  const json_t *about = json_object_get(root, "baseline");
  const char *own = json_string_value(json_object_get(about, "name")), *says = json_string_value(json_object_get(about, "description"));
  if (own != NULL) *name = assay_arena_strdup(&cli->arena, own);
  if (says != NULL) *description = assay_arena_strdup(&cli->arena, says);
  json_decref(root);
  assay_free(text);
}

/* "main" of "baselines/main.json". */
static const char *stem_of(assay_cli *cli, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path, *dot = strrchr(base, '.');
  return dot != NULL && dot != base ? assay_arena_strndup(&cli->arena, base, (size_t)(dot - base)) : base;
}

static assay_status import_one(assay_cli_baseline_job *j, assay_error *err) {
  const char *path = j->cli->operands[0], *name = NULL, *description = NULL, *how = "is now";
  char held[17] = "";
  assay_result *result = NULL;
  bool from_stdin = strcmp(path, "-") == 0;
  if (from_stdin && j->settings->name == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "standard input has no name: --name gives the baseline one");
  assay_status status = assay_cli_read_files(&path, 1, j->settings->from, err, &result);
  if (status != ASSAY_OK) return status;
  if (!from_stdin) read_about(j->cli, path, &name, &description);
  if (j->settings->name != NULL || name == NULL) name = j->settings->name != NULL ? j->settings->name : stem_of(j->cli, path);
  if (j->settings->description != NULL) description = j->settings->description;
  /* Before anything is stored: a file that cannot become a baseline leaves no run behind. */
  status = assay_history_check_baseline_name(name, err);
  if (status == ASSAY_OK) status = assay_cli_baseline_held_by(j, name, err, held);
  if (status == ASSAY_OK) status = assay_history_check_import(j->history, result, err);
  if (status == ASSAY_OK) status = assay_history_put_result(j->history, result, err);
  if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, result->run.id, description, err);
  if (held[0] != '\0' && strcmp(held, result->run.id) != 0) how = assay_arena_printf(&j->cli->arena, "was run %s and is now", held);
  if (status == ASSAY_OK) assay_cli_baseline_say_saved(j, name, result, how != NULL ? how : "is now");
  assay_result_destroy(result);
  return status;
}

/* An imported baseline may be the first thing that a history has. */
static int run_import(assay_cli *cli, const void *raw) {
  const assay_cli_baseline_settings *settings = raw;
  assay_error err = {0};
  assay_cli_inputs inputs;
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  assay_status status = ASSAY_OK;
  if (settings->history == NULL) status = assay_os_make_dirs(settings->output_dir, &err);
  if (status == ASSAY_OK) status = assay_history_open(inputs.history_path, &err, &inputs.history);
  assay_cli_inputs_deinit(&inputs);
  return status == ASSAY_OK ? assay_cli_baseline_work(cli, raw, true, import_one) : assay_cli_fail(cli, &err);
}

static const assay_cli_option import_options[] = {
    {"name", 0, ASSAY_CLI_TEXT, "NAME", ASSAY_BASELINE_AT(name),
     .help = "How the baseline is called; the name it was exported with, or the file's, when not given."},
    {"from", 0, ASSAY_CLI_TEXT, "TOOL", ASSAY_BASELINE_AT(from), .help = "Which tool wrote the file, where that cannot be recognised."},
    ASSAY_BASELINE_DESCRIPTION,
    ASSAY_BASELINE_WHERE,
    ASSAY_CLI_END};
static const assay_cli_example import_examples[] = {{"one that was exported elsewhere", "baseline import stable.json"},
                                                    {"a plain file of names and numbers", "baseline import historical.json --name v0.1.0"},
                                                    {0}};
const assay_cli_verb assay_cli_baseline_import = {
    .name = "baseline import",
    .summary = "Read a baseline from a file.",
    .details =
        "FILE is an exported baseline, a report.json, any other tool's results that `import` reads, or plain JSON of names and numbers "
        "({\"version\", \"timestamp\", \"benchmarks\": {GROUP: {NAME_UNIT: NUMBER}}, \"environment\"}).",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = import_options,
    .examples = import_examples,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_import,
};
