/* SPDX-License-Identifier: MIT */
/* assay baseline: names for runs to compare with. What its verbs share, and those that only keep and forget names. */
#include "cli/baseline.h"

#include <string.h>
#include <time.h>

#include "base/json.h"

/* ---- What the verbs share ------------------------------------------------------------------------------------------------------------ */

int assay_cli_baseline_work(assay_cli *cli, const void *settings, bool write,
                            assay_status (*work)(assay_cli_baseline_job *j, assay_error *err)) {
  assay_cli_baseline_job j = {.cli = cli, .settings = settings};
  assay_error err = {0};
  assay_cli_inputs_init(cli, j.settings->history, j.settings->output_dir, &j.inputs);
  assay_status status = assay_cli_inputs_history(&j.inputs, write, &err);
  j.history = j.inputs.history;
  if (status == ASSAY_OK) status = work(&j, &err);
  if (status == ASSAY_OK && j.out.failed) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory");
  int code = ASSAY_EXIT_FINE;
  if (status != ASSAY_OK)
    code = assay_cli_fail(cli, &err);
  else if (j.out.data != NULL)
    code = assay_cli_print(cli, j.out.data);
  assay_buf_deinit(&j.out);
  assay_cli_inputs_deinit(&j.inputs);
  return code;
}

const char *assay_cli_baseline_time(int64_t at_s, bool iso, char out[32]) {
  time_t at = (time_t)at_s;
  struct tm parts;
  if (gmtime_r(&at, &parts) == NULL || strftime(out, 32, iso ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M", &parts) == 0) return "";
  return out;
}

void assay_cli_baseline_say(assay_cli_baseline_job *j, const char *text) {
  assay_cli_put_lines(&j->out, text);
  assay_buf_putc(&j->out, '\n');
}

void assay_cli_baseline_say_saved(assay_cli_baseline_job *j, const char *name, const assay_result *result, const char *how) {
  assay_buf line = {0};
  assay_buf_printf(&line, "Baseline '%s' %s run %s (%zu benchmarks).", name, how, result->run.id, result->benchmark_count);
  if (line.failed) j->out.failed = true;
  if (line.data != NULL) assay_cli_baseline_say(j, line.data);
  assay_buf_deinit(&line);
}

assay_status assay_cli_baseline_load_run(assay_cli_baseline_job *j, const char *word, assay_error *err, assay_result **result) {
  assay_status status = assay_history_load(j->history, word, NULL, err, result);
  if (status == ASSAY_OK && (*result)->run.interrupted) {
    ASSAY_FAIL(err, ASSAY_ERR_INVALID, "run %s was interrupted; a baseline must be whole", (*result)->run.id);
    assay_result_destroy(*result);
    *result = NULL;
    status = ASSAY_ERR_INVALID;
  }
  return status;
}

assay_status assay_cli_baseline_held_by(assay_cli_baseline_job *j, const char *name, assay_error *err, char run_id[17]) {
  assay_history_baseline *all = NULL;
  size_t count = 0;
  run_id[0] = '\0';
  assay_status status = assay_history_baselines(j->history, err, &all, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(all[i].name, name) == 0) snprintf(run_id, 17, "%s", all[i].run_id);
  assay_history_baselines_free(all);
  return status;
}

/* ---- save ---------------------------------------------------------------------------------------------------------------------------- */

/* A baseline of a release is the one thing that must not be lost by a name typed twice. */
static assay_status check_free(assay_cli_baseline_job *j, const char *name, const char *run_id, assay_error *err) {
  char held[17];
  assay_status status = assay_cli_baseline_held_by(j, name, err, held);
  if (status != ASSAY_OK || held[0] == '\0' || strcmp(held, run_id) == 0 || j->settings->force) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "baseline '%s' is run %s already; --force moves it to run %s (so does `baseline update %s`)",
                    name, held, run_id, name);
}

static assay_status save(assay_cli_baseline_job *j, assay_error *err) {
  const char *name = j->cli->operands[0], *word = j->cli->operand_count > 1 ? j->cli->operands[1] : "latest";
  assay_result *result = NULL;
  assay_status status = assay_cli_baseline_load_run(j, word, err, &result);
  if (status == ASSAY_OK) status = check_free(j, name, result->run.id, err);
  if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, result->run.id, j->settings->description, err);
  if (status == ASSAY_OK) assay_cli_baseline_say_saved(j, name, result, "is now");
  assay_result_destroy(result);
  return status;
}

static int run_save(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, true, save); }

static const assay_cli_option save_options[] = {
    ASSAY_BASELINE_DESCRIPTION,
    {"force", 0, ASSAY_CLI_FLAG, .help = "Move the name when it stands for another run already.", ASSAY_BASELINE_AT(force)},
    ASSAY_BASELINE_WHERE,
    ASSAY_CLI_END};
static const assay_cli_example save_examples[] = {{"keep the last run", "baseline save stable_v1.0 --description 'what we shipped'"},
                                                  {"keep an earlier one", "baseline save before 4f3a"},
                                                  {0}};
const assay_cli_verb assay_cli_baseline_save = {
    .name = "baseline save",
    .summary = "Give a run a name to compare with.",
    .details =
        "RUN is \"latest\" (when not given), \"previous\", an id or its beginning, another baseline's name or a commit. A name that "
        "stands for another run already is moved with --force only (`baseline update` moves it too).",
    .operands = "NAME [RUN]",
    .operands_least = 1,
    .operands_most = 2,
    .options = save_options,
    .examples = save_examples,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_save,
};

/* ---- delete -------------------------------------------------------------------------------------------------------------------------- */

static assay_status delete_one(assay_cli_baseline_job *j, assay_error *err) {
  assay_status status = assay_history_delete_baseline(j->history, j->cli->operands[0], err);
  if (status == ASSAY_OK) {
    assay_buf line = {0};
    assay_buf_printf(&line, "Baseline '%s' is no more; its run stays in the history.", j->cli->operands[0]);
    if (line.data != NULL) assay_cli_baseline_say(j, line.data);
    assay_buf_deinit(&line);
  }
  return status;
}

static int run_delete(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, true, delete_one); }

static const assay_cli_option delete_options[] = {ASSAY_BASELINE_WHERE, ASSAY_CLI_END};
const assay_cli_verb assay_cli_baseline_delete = {
    .name = "baseline delete",
    .summary = "Forget a name; the run stays.",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .options = delete_options,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_delete,
};

/* ---- list ---------------------------------------------------------------------------------------------------------------------------- */

static void put_row_json(assay_json *json, const assay_history_baseline *b) {
  const char *const texts[][2] = {
      {"name", b->name},     {"description", b->description}, {"run_id", b->run_id},        {"version", b->version},
      {"commit", b->commit}, {"machine_id", b->machine_id},   {"machine", b->machine_label}};
  assay_json_object(json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_json_put_string(json, texts[i][0], texts[i][1][0] != '\0' ? texts[i][1] : NULL);
  }
  assay_json_key(json, "saved_at_s");
  assay_json_int(json, b->saved_at_s);
  assay_json_key(json, "started_at_s");
  assay_json_int(json, b->started_at_s);
  assay_json_put_uint(json, "benchmarks", b->benchmarks);
  assay_json_end(json);
}

static void put_list_json(assay_buf *out, const assay_history_baseline *all, size_t count) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-baselines/1");
  assay_json_key(&json, "baselines");
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) put_row_json(&json, &all[i]);
  assay_json_end(&json);
  assay_json_end(&json);
}

static void put_list(assay_buf *out, const assay_history_baseline *all, size_t count) {
  size_t width = 4;
  if (count == 0) assay_buf_puts(out, "no baselines yet; `baseline save NAME` keeps the last run as one\n");
  if (count == 0) return;
  for (size_t i = 0; i < count; i++) width = assay_cli_text_width(all[i].name) > width ? assay_cli_text_width(all[i].name) : width;
  assay_cli_pad(out, "name", width);
  assay_buf_printf(out, "  %-16s  %-16s  %-12s  %-9s  %5s  %s\n", "run", "measured (UTC)", "commit", "version", "cases", "description");
  for (size_t i = 0; i < count; i++) {
    char measured[32];
    assay_cli_pad(out, all[i].name, width);
    assay_buf_printf(out, "  %-16s  %-16s  %-12.12s  %-9.9s  %5zu  ", all[i].run_id,
                     assay_cli_baseline_time(all[i].started_at_s, false, measured), all[i].commit[0] != '\0' ? all[i].commit : "-",
                     all[i].version[0] != '\0' ? all[i].version : "-", all[i].benchmarks);
    assay_buf_plain(out, all[i].description);
    assay_buf_putc(out, '\n');
  }
}

static assay_status list(assay_cli_baseline_job *j, assay_error *err) {
  assay_history_baseline *all = NULL;
  size_t count = 0;
  assay_status status = assay_history_baselines(j->history, err, &all, &count);
  if (status == ASSAY_OK && j->settings->json) put_list_json(&j->out, all, count);
  if (status == ASSAY_OK && !j->settings->json) put_list(&j->out, all, count);
  assay_history_baselines_free(all);
  return status;
}

static int run_list(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, false, list); }

static const assay_cli_option list_options[] = {ASSAY_BASELINE_JSON, ASSAY_BASELINE_WHERE, ASSAY_CLI_END};
const assay_cli_verb assay_cli_baseline = {
    .name = "baseline",
    .summary = "List the baselines (the same as `baseline list`).",
    .hidden = true,
    .options = list_options,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_list,
};
const assay_cli_verb assay_cli_baseline_list = {
    .name = "baseline list",
    .summary = "List the baselines.",
    .options = list_options,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_list,
};
