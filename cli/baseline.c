/* SPDX-License-Identifier: MIT */
/* assay baseline: names for runs to compare with. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cli.h"
#include "os/prim.h"

typedef struct baseline_settings {
  const char *history, *output_dir, *description, *name, *from, *color;
  assay_cli_judging judging;
  bool json, if_better, force;
} baseline_settings;

#define AT(field) .at = offsetof(baseline_settings, field)
#define WHERE ASSAY_CLI_WHERE(baseline_settings, "The history that the baselines are kept in: a file or postgresql://...")

enum { MOST_BYTES = 256 << 20 };

/* ---- What they share -------------------------------------------------------------------------------------------------------------- */

typedef struct job {
  assay_cli *cli;
  const baseline_settings *settings;
  assay_cli_inputs inputs;
  assay_history *history;
  assay_buf out; /* what is printed when all went well */
} job;

/* Runs `work` with the history open, and prints what it wrote. */
static int with_history(assay_cli *cli, const void *settings, bool write, assay_status (*work)(job *j, assay_error *err)) {
  job j = {.cli = cli, .settings = settings};
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

/* The row of a baseline; ASSAY_ERR_NOT_FOUND names the nearest. */
static assay_status find(job *j, const char *name, assay_error *err, assay_history_baseline *found) {
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

static const char *when(int64_t at_s, bool iso, char out[32]) {
  time_t at = (time_t)at_s;
  struct tm parts;
  if (gmtime_r(&at, &parts) == NULL || strftime(out, 32, iso ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M", &parts) == 0) return "";
  return out;
}

static void say(job *j, const char *text) {
  assay_cli_put_lines(&j->out, text);
  assay_buf_putc(&j->out, '\n');
}

static void say_saved(job *j, const char *name, const assay_result *result, const char *how) {
  assay_buf line = {0};
  assay_buf_printf(&line, "Baseline '%s' %s run %s (%zu benchmarks).", name, how, result->run.id, result->benchmark_count);
  if (line.failed) j->out.failed = true;
  if (line.data != NULL) say(j, line.data);
  assay_buf_deinit(&line);
}

static assay_status load_run(job *j, const char *word, assay_error *err, assay_result **result) {
  assay_status status = assay_history_load(j->history, word, NULL, err, result);
  if (status == ASSAY_OK && (*result)->run.interrupted) {
    ASSAY_FAIL(err, ASSAY_ERR_INVALID, "run %s was interrupted; a baseline must be whole", (*result)->run.id);
    assay_result_destroy(*result);
    *result = NULL;
    status = ASSAY_ERR_INVALID;
  }
  return status;
}

/* ---- save, delete ----------------------------------------------------------------------------------------------------------------- */

/* The run that the name stands for; "" where it stands for none yet. */
static assay_status held_by(job *j, const char *name, assay_error *err, char run_id[17]) {
  assay_history_baseline *all = NULL;
  size_t count = 0;
  run_id[0] = '\0';
  assay_status status = assay_history_baselines(j->history, err, &all, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(all[i].name, name) == 0) snprintf(run_id, 17, "%s", all[i].run_id);
  assay_history_baselines_free(all);
  return status;
}

/* A baseline of a release is the one thing that must not be lost by a name typed twice. */
static assay_status check_free(job *j, const char *name, const char *run_id, assay_error *err) {
  char held[17];
  assay_status status = held_by(j, name, err, held);
  if (status != ASSAY_OK || held[0] == '\0' || strcmp(held, run_id) == 0 || j->settings->force) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "baseline '%s' is run %s already; --force moves it to run %s (so does `baseline update %s`)",
                    name, held, run_id, name);
}

static assay_status save(job *j, assay_error *err) {
  const char *name = j->cli->operands[0], *word = j->cli->operand_count > 1 ? j->cli->operands[1] : "latest";
  assay_result *result = NULL;
  assay_status status = load_run(j, word, err, &result);
  if (status == ASSAY_OK) status = check_free(j, name, result->run.id, err);
  if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, result->run.id, j->settings->description, err);
  if (status == ASSAY_OK) say_saved(j, name, result, "is now");
  assay_result_destroy(result);
  return status;
}

static assay_status delete_one(job *j, assay_error *err) {
  assay_status status = assay_history_delete_baseline(j->history, j->cli->operands[0], err);
  if (status == ASSAY_OK) {
    assay_buf line = {0};
    assay_buf_printf(&line, "Baseline '%s' is no more; its run stays in the history.", j->cli->operands[0]);
    if (line.data != NULL) say(j, line.data);
    assay_buf_deinit(&line);
  }
  return status;
}

/* ---- list, show, export ------------------------------------------------------------------------------------------------------------ */

static void put_row_json(assay_json *json, const assay_history_baseline *b) {
  const char *const texts[][2] = {
      {"name", b->name},     {"description", b->description}, {"run_id", b->run_id},        {"version", b->version},
      {"commit", b->commit}, {"machine_id", b->machine_id},   {"machine", b->machine_label}};
  assay_json_object(json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_json_key(json, texts[i][0]);
    assay_json_string(json, texts[i][1][0] != '\0' ? texts[i][1] : NULL);
  }
  assay_json_key(json, "saved_at_s");
  assay_json_int(json, b->saved_at_s);
  assay_json_key(json, "started_at_s");
  assay_json_int(json, b->started_at_s);
  assay_json_key(json, "benchmarks");
  assay_json_uint(json, b->benchmarks);
  assay_json_end(json);
}

static void put_list_json(assay_buf *out, const assay_history_baseline *all, size_t count) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_key(&json, "schema");
  assay_json_string(&json, "assay-baselines/1");
  assay_json_key(&json, "baselines");
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) put_row_json(&json, &all[i]);
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
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
    assay_buf_printf(out, "  %-16s  %-16s  %-12.12s  %-9.9s  %5zu  ", all[i].run_id, when(all[i].started_at_s, false, measured),
                     all[i].commit[0] != '\0' ? all[i].commit : "-", all[i].version[0] != '\0' ? all[i].version : "-", all[i].benchmarks);
    assay_buf_plain(out, all[i].description);
    assay_buf_putc(out, '\n');
  }
}

static assay_status list(job *j, assay_error *err) {
  assay_history_baseline *all = NULL;
  size_t count = 0;
  assay_status status = assay_history_baselines(j->history, err, &all, &count);
  if (status == ASSAY_OK && j->settings->json) put_list_json(&j->out, all, count);
  if (status == ASSAY_OK && !j->settings->json) put_list(&j->out, all, count);
  assay_history_baselines_free(all);
  return status;
}

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
      assay_json_key(json, texts[t][0]);
      assay_json_string(json, fact->text);
    }
  }
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *fact = &result->facts[i];
    if (strcmp(fact->key, "memory.total_bytes") != 0 || fact->type == ASSAY_FACT_UNAVAILABLE) continue;
    assay_json_key(json, "memory_gb");
    assay_json_double(json, floor(fact->real / 1e8 + 0.5) / 10);
  }
  put_imported(json, result);
  assay_json_key(json, "machine");
  assay_json_string(json, result->machine_label);
  assay_json_key(json, "machine_id");
  assay_json_string(json, result->machine_id);
  assay_json_end(json);
}

static void put_baseline(assay_buf *out, const assay_history_baseline *b, const assay_result *result) {
  char at[32];
  assay_json json = {.out = out, .indent = 2};
  const char *const texts[][2] = {
      {"name", b->name}, {"description", b->description}, {"version", b->version}, {"timestamp", when(b->saved_at_s, true, at)}};
  assay_json_object(&json);
  assay_json_key(&json, "baseline");
  assay_json_object(&json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_json_key(&json, texts[i][0]);
    assay_json_string(&json, texts[i][1][0] != '\0' ? texts[i][1] : NULL);
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

static assay_status export_one(job *j, assay_error *err) {
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
    if (status == ASSAY_OK) say_saved(j, name, result, assay_arena_printf(&j->cli->arena, "is in %s:", assay_cli_absolute(j->cli, path)));
  }
  assay_buf_deinit(&text);
  assay_result_destroy(result);
  return status;
}

static void put_about(assay_buf *out, const assay_history_baseline *b) {
  char saved[32];
  assay_buf_puts(out, "Baseline ");
  assay_buf_plain(out, b->name);
  assay_buf_printf(out, ": run %s, saved %s UTC", b->run_id, when(b->saved_at_s, false, saved));
  if (b->description[0] != '\0') assay_buf_puts(out, "\n"), assay_buf_plain(out, b->description);
  assay_buf_puts(out, "\n\n");
}

static assay_status show(job *j, assay_error *err) {
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

/* ---- update -------------------------------------------------------------------------------------------------------------------------- */

static assay_status check_machine(const assay_result *old, const assay_result *run, assay_error *err) {
  if (old->machine_id == NULL || run->machine_id == NULL || strcmp(old->machine_id, run->machine_id) == 0) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                    "run %s is of another machine (%s) than the baseline (%s); `baseline save` gives the name to it all the same",
                    run->run.id, run->machine_label != NULL ? run->machine_label : run->machine_id,
                    old->machine_label != NULL ? old->machine_label : old->machine_id);
}

/* Says what was taken over, a line each. */
static size_t say_taken(job *j, const assay_changes *changes) {
  size_t taken = 0;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (!c->is_main || !assay_baseline_takes(changes, c->suite, c->benchmark)) continue;
    assay_buf line = {0};
    taken++;
    assay_buf_printf(&line, "  %-6s  %s/%s", c->verdict == ASSAY_VERDICT_NEW ? "new" : "better", c->suite, c->benchmark);
    if (isfinite(c->change_ratio)) assay_buf_printf(&line, "  %s %+.1f %%", c->metric, c->change_ratio * 100);
    if (line.data != NULL) say(j, line.data);
    assay_buf_deinit(&line);
  }
  return taken;
}

static assay_status take_better(job *j, const char *name, assay_result *old, assay_result *run, assay_error *err) {
  assay_cli_pair pair = {.before = old, .after = run};
  assay_result *merged = NULL;
  assay_status status = assay_cli_judge(&j->inputs, &j->settings->judging, err, &pair);
  if (status != ASSAY_OK) return status;
  size_t taken = say_taken(j, pair.changes);
  if (taken == 0) {
    assay_buf_printf(&j->out, "Nothing became significantly better: the baseline stays as it is.\n");
  } else {
    status = assay_baseline_merge(old, run, pair.changes, err, &merged);
    if (status == ASSAY_OK) {
      const char *called = assay_arena_printf(&j->cli->arena, "%s, the better of %.8s and %.8s", name, old->run.id, run->run.id);
      merged->run.name = assay_result_text(merged, called);
    }
    if (status == ASSAY_OK) status = assay_history_put_result(j->history, merged, err);
    if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, merged->run.id, j->settings->description, err);
    if (status == ASSAY_OK)
      say_saved(j, name, merged, assay_arena_printf(&j->cli->arena, "took over %zu of run %s and is now", taken, run->run.id));
  }
  assay_changes_destroy(pair.changes);
  assay_result_destroy(merged);
  return status;
}

static assay_status update(job *j, assay_error *err) {
  const char *name = j->cli->operands[0], *word = j->cli->operand_count > 1 ? j->cli->operands[1] : "latest";
  assay_result *old = NULL, *run = NULL;
  assay_status status = assay_history_load_baseline(j->history, name, err, &old);
  if (status == ASSAY_OK) status = load_run(j, word, err, &run);
  if (status == ASSAY_OK) status = check_machine(old, run, err);
  if (status == ASSAY_OK && j->settings->if_better) {
    status = take_better(j, name, old, run, err);
  } else if (status == ASSAY_OK) {
    status = assay_history_save_baseline(j->history, name, run->run.id, j->settings->description, err);
    if (status == ASSAY_OK) say_saved(j, name, run, "is now");
  }
  assay_result_destroy(old);
  assay_result_destroy(run);
  return status;
}

/* ---- import -------------------------------------------------------------------------------------------------------------------------- */

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

static assay_status import_one(job *j, assay_error *err) {
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
  if (status == ASSAY_OK) status = held_by(j, name, err, held);
  if (status == ASSAY_OK) status = assay_history_check_import(j->history, result, err);
  if (status == ASSAY_OK) status = assay_history_put_result(j->history, result, err);
  if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, result->run.id, description, err);
  if (held[0] != '\0' && strcmp(held, result->run.id) != 0) how = assay_arena_printf(&j->cli->arena, "was run %s and is now", held);
  if (status == ASSAY_OK) say_saved(j, name, result, how != NULL ? how : "is now");
  assay_result_destroy(result);
  return status;
}

/* An imported baseline may be the first thing that a history has. */
static int run_import(assay_cli *cli, const void *raw) {
  const baseline_settings *settings = raw;
  assay_error err = {0};
  assay_cli_inputs inputs;
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  assay_status status = ASSAY_OK;
  if (settings->history == NULL) status = assay_os_make_dirs(settings->output_dir, &err);
  if (status == ASSAY_OK) status = assay_history_open(inputs.history_path, &err, &inputs.history);
  assay_cli_inputs_deinit(&inputs);
  return status == ASSAY_OK ? with_history(cli, raw, true, import_one) : assay_cli_fail(cli, &err);
}

static int run_save(assay_cli *cli, const void *settings) { return with_history(cli, settings, true, save); }
static int run_delete(assay_cli *cli, const void *settings) { return with_history(cli, settings, true, delete_one); }
static int run_list(assay_cli *cli, const void *settings) { return with_history(cli, settings, false, list); }
static int run_show(assay_cli *cli, const void *settings) { return with_history(cli, settings, false, show); }
static int run_export(assay_cli *cli, const void *settings) { return with_history(cli, settings, false, export_one); }
static int run_update(assay_cli *cli, const void *settings) { return with_history(cli, settings, true, update); }

/* ---- Tables -------------------------------------------------------------------------------------------------------------------------- */

#define DESCRIPTION \
  { "description", 'd', ASSAY_CLI_TEXT, "TEXT", .help = "What it is, for `baseline list`.", AT(description) }
#define AS_JSON \
  { "json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json) }

static const assay_cli_option save_options[] = {
    DESCRIPTION,
    {"force", 0, ASSAY_CLI_FLAG, .help = "Move the name when it stands for another run already.", AT(force)},
    WHERE,
    ASSAY_CLI_END};
static const assay_cli_option list_options[] = {AS_JSON, WHERE, ASSAY_CLI_END};
static const assay_cli_option show_options[] = {
    AS_JSON,
    WHERE,
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};
static const assay_cli_option plain_options[] = {WHERE, ASSAY_CLI_END};
static const assay_cli_option update_options[] = {
    {"if-better", 0, ASSAY_CLI_FLAG, AT(if_better),
     .help = "Take over only the benchmarks that became significantly better, and new ones; the others keep their figures."},
    DESCRIPTION,
    WHERE,
    {"threshold", 0, ASSAY_CLI_TEXT, "PERCENT", AT(judging.threshold),
     .help = "With --if-better: from how much better on it counts. Without it each kind of metric has its own."},
    {"thresholds", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(judging.thresholds),
     .help = "With --if-better: TOML file with thresholds by kind, benchmark and metric."},
    ASSAY_CLI_END};
static const assay_cli_option import_options[] = {
    {"name", 0, ASSAY_CLI_TEXT, "NAME", AT(name),
     .help = "How the baseline is called; the name it was exported with, or the file's, when not given."},
    {"from", 0, ASSAY_CLI_TEXT, "TOOL", AT(from), .help = "Which tool wrote the file, where that cannot be recognised."},
    DESCRIPTION,
    WHERE,
    ASSAY_CLI_END};

static const assay_cli_example save_examples[] = {{"keep the last run", "baseline save stable_v1.0 --description 'what we shipped'"},
                                                  {"keep an earlier one", "baseline save before 4f3a"},
                                                  {0}};
static const assay_cli_example update_examples[] = {
    {"move it to the last run", "baseline update main"}, {"only ever forward", "baseline update main --if-better"}, {0}};
static const assay_cli_example import_examples[] = {{"one that was exported elsewhere", "baseline import stable.json"},
                                                    {"a plain file of names and numbers", "baseline import historical.json --name v0.1.0"},
                                                    {0}};

#define VERB .settings_size = sizeof(baseline_settings)

const assay_cli_verb assay_cli_baseline = {
    .name = "baseline",
    .summary = "List the baselines (the same as `baseline list`).",
    .hidden = true,
    .options = list_options,
    VERB,
    .run = run_list,
};
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
    VERB,
    .run = run_save,
};
const assay_cli_verb assay_cli_baseline_list = {
    .name = "baseline list",
    .summary = "List the baselines.",
    .options = list_options,
    VERB,
    .run = run_list,
};
const assay_cli_verb assay_cli_baseline_show = {
    .name = "baseline show",
    .summary = "Show a baseline's figures.",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .options = show_options,
    VERB,
    .run = run_show,
};
const assay_cli_verb assay_cli_baseline_delete = {
    .name = "baseline delete",
    .summary = "Forget a name; the run stays.",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .options = plain_options,
    VERB,
    .run = run_delete,
};
const assay_cli_verb assay_cli_baseline_update = {
    .name = "baseline update",
    .summary = "Move a baseline to a newer run.",
    .details =
        "RUN is the latest when not given. A run of another machine is refused. With --if-better the result is put together: what became "
        "significantly "
        "better (and nothing of it worse) and what is new comes from the run, the rest stays.",
    .operands = "NAME [RUN]",
    .operands_least = 1,
    .operands_most = 2,
    .options = update_options,
    .examples = update_examples,
    VERB,
    .run = run_update,
};
const assay_cli_verb assay_cli_baseline_export = {
    .name = "baseline export",
    .summary = "Write a baseline as JSON.",
    .details =
        "The result schema with a key \"baseline\": name, description, version, timestamp, environment. `baseline import` reads it back.",
    .operands = "NAME [FILE]",
    .operands_least = 1,
    .operands_most = 2,
    .operand_hint = ASSAY_CLI_FILE,
    .options = plain_options,
    VERB,
    .run = run_export,
};
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
    VERB,
    .run = run_import,
};
