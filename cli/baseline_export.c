/* SPDX-License-Identifier: MIT */
/* assay baseline export and show: a baseline with what it is of, as JSON that `baseline import` reads back, or as a report. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "cli/baseline.h"
#include "os/prim.h"

/* The row of a baseline; ASSAY_ERR_NOT_FOUND names the nearest. */
static assay_status find(assay_cli_baseline_job *j, const char *name, assay_error *err, assay_history_baseline *found) {
  assay_history_baseline *all = NULL;
  assay_result *result = NULL;
  size_t count = 0;
  assay_status status = assay_history_baselines(j->history, err, &all, &count);
  bool there = false;
  for (size_t i = 0; i < count && !there; i++) {
    there = strcmp(all[i].name, name) == 0;
    if (there) *found = all[i];
  }
  assay_history_baselines_free(all);
  if (status != ASSAY_OK || there) return status;
  status = assay_history_load_baseline(j->history, name, err, &result); /* it words the message */
  assay_result_destroy(result);
  return status != ASSAY_OK ? status : ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no baseline '%s'", name);
}

/* ---- export -------------------------------------------------------------------------------------------------------------------------- */

/* What an imported file said of it. */
static void put_imported(assay_json *json, const assay_result *result) {
  static const char prefix[] = "import.environment.";
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *fact = &result->facts[i];
    if (strncmp(fact->key, prefix, sizeof prefix - 1) != 0 || fact->type == ASSAY_FACT_UNAVAILABLE) continue;
    assay_json_key(json, fact->key + sizeof prefix - 1);
    if (fact->type == ASSAY_FACT_TEXT)
      assay_json_string(json, fact->text);
    else
      assay_json_double(json, fact->real);
  }
}

/* In the words that such files have for it, as far as the facts say it. */
static void put_environment(assay_json *json, const assay_result *result) {
  static const char *const texts[][2] = {{"cpu", "cpu.model"}, {"os", "os.name"}, {"kernel", "kernel.release"}};
  assay_json_key(json, "environment");
  assay_json_object(json);
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    for (size_t i = 0; i < result->fact_count; i++) {
      const assay_fact *fact = &result->facts[i];
      if (strcmp(fact->key, texts[t][1]) != 0 || fact->type != ASSAY_FACT_TEXT) continue;
      assay_json_put_string(json, texts[t][0], fact->text);
    }
  }
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *fact = &result->facts[i];
    if (strcmp(fact->key, "memory.total_bytes") != 0 || fact->type == ASSAY_FACT_UNAVAILABLE) continue;
    assay_json_put_double(json, "memory_gb", floor(fact->real / 1e8 + 0.5) / 10);
  }
  put_imported(json, result);
  assay_json_put_string(json, "machine", result->machine_label);
  assay_json_put_string(json, "machine_id", result->machine_id);
  assay_json_end(json);
}

static void put_baseline(assay_buf *out, const assay_history_baseline *b, const assay_result *result) {
  char at[32];
  assay_json json = {.out = out, .indent = 2};
  const char *const texts[][2] = {{"name", b->name},
                                  {"description", b->description},
                                  {"version", b->version},
                                  {"timestamp", assay_cli_baseline_time(b->saved_at_s, true, at)}};
  assay_json_object(&json);
  assay_json_key(&json, "baseline");
  assay_json_object(&json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_json_put_string(&json, texts[i][0], texts[i][1][0] != '\0' ? texts[i][1] : NULL);
  }
  put_environment(&json, result);
  assay_json_end(&json);
}

/* The result as it is, with one more key behind its schema that says what it is a baseline of; readers of results pass over it. */
static assay_status export_text(const assay_history_baseline *b, const assay_result *result, assay_buf *out, assay_error *err) {
  char *text = NULL;
  assay_buf about = {0};
  assay_status status = assay_result_to_json(result, err, &text);
  if (status != ASSAY_OK) return status;
  put_baseline(&about, b, result);
  const char *comma = strchr(text, ',');
  if (about.failed || comma == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the baseline");
  } else {
    assay_buf_append(out, text, (size_t)(comma - text));
    assay_buf_printf(out, ",%s%s", about.data + 1, comma); /* without the brace that opens it */
    if (out->data != NULL && out->data[out->length - 1] != '\n') assay_buf_putc(out, '\n');
  }
  assay_buf_deinit(&about);
  assay_string_free(text);
  return status;
}

static assay_status export_one(assay_cli_baseline_job *j, assay_error *err) {
  const char *name = j->cli->operands[0], *path = j->cli->operand_count > 1 ? j->cli->operands[1] : "-";
  assay_history_baseline b;
  assay_result *result = NULL;
  assay_buf text = {0};
  assay_status status = find(j, name, err, &b);
  if (status == ASSAY_OK) status = assay_history_load_baseline(j->history, name, err, &result);
  if (status == ASSAY_OK) status = export_text(&b, result, &text, err);
  if (status == ASSAY_OK && text.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the baseline");
  if (status == ASSAY_OK && strcmp(path, "-") == 0) assay_buf_append(&j->out, text.data, text.length);
  if (status == ASSAY_OK && strcmp(path, "-") != 0) {
    status = assay_os_write_file(path, text.data, text.length, err);
    if (status == ASSAY_OK)
      assay_cli_baseline_say_saved(j, name, result, assay_arena_printf(&j->cli->arena, "is in %s:", assay_cli_absolute(j->cli, path)));
  }
  assay_buf_deinit(&text);
  assay_result_destroy(result);
  return status;
}

static int run_export(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, false, export_one); }

static const assay_cli_option export_options[] = {ASSAY_BASELINE_WHERE, ASSAY_CLI_END};
const assay_cli_verb assay_cli_baseline_export = {
    .name = "baseline export",
    .summary = "Write a baseline as JSON.",
    .details =
        "The result schema with a key \"baseline\": name, description, version, timestamp, environment. `baseline import` reads it back.",
    .operands = "NAME [FILE]",
    .operands_least = 1,
    .operands_most = 2,
    .operand_hint = ASSAY_CLI_FILE,
    .options = export_options,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_export,
};

/* ---- show ---------------------------------------------------------------------------------------------------------------------------- */

static void put_about(assay_buf *out, const assay_history_baseline *b) {
  char saved[32];
  assay_buf_puts(out, "Baseline ");
  assay_buf_plain(out, b->name);
  assay_buf_printf(out, ": run %s, saved %s UTC", b->run_id, assay_cli_baseline_time(b->saved_at_s, false, saved));
  if (b->description[0] != '\0') assay_buf_puts(out, "\n"), assay_buf_plain(out, b->description);
  assay_buf_puts(out, "\n\n");
}

static assay_status show(assay_cli_baseline_job *j, assay_error *err) {
  if (j->settings->json) return export_one(j, err);
  const char *name = j->cli->operands[0];
  assay_report_context context = {.color = assay_cli_use_color(j->settings->color, stdout), .width = assay_cli_columns(stdout)};
  assay_history_baseline b;
  assay_result *result = NULL;
  char *text = NULL;
  assay_status status = find(j, name, err, &b);
  if (status == ASSAY_OK) status = assay_history_load_baseline(j->history, name, err, &result);
  if (status == ASSAY_OK) status = assay_report_render(result, &context, ASSAY_FORMAT_TERMINAL, err, &text);
  if (status == ASSAY_OK) put_about(&j->out, &b), assay_buf_puts(&j->out, text);
  assay_string_free(text);
  assay_result_destroy(result);
  return status;
}

static int run_show(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, false, show); }

static const assay_cli_option show_options[] = {ASSAY_BASELINE_JSON,
                                                ASSAY_BASELINE_WHERE,
                                                {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices,
                                                 .help = "Colour of the table.", ASSAY_BASELINE_AT(color)},
                                                ASSAY_CLI_END};
const assay_cli_verb assay_cli_baseline_show = {
    .name = "baseline show",
    .summary = "Show a baseline's figures.",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .options = show_options,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_show,
};
