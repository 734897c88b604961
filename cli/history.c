/* SPDX-License-Identifier: MIT */
/* assay history: the runs there were. */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"

typedef struct history_settings {
  const char *history, *output_dir, *color;
  uint64_t limit;
  bool json;
} history_settings;

#define AT(field) .at = offsetof(history_settings, field)
#define WHERE ASSAY_CLI_WHERE(history_settings, "The history to read: a file or postgresql://...")

static const assay_cli_option options[] = {
    WHERE,
    {"limit", 'n', ASSAY_CLI_UNSIGNED, "N", "20", .help = "At most so many, the newest; 0: all.", AT(limit)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
    ASSAY_CLI_END};

static const assay_cli_option show_options[] = {
    WHERE,
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const char *state_text(assay_run_state state) {
  switch (state) {
    case ASSAY_RUN_RUNNING: return "running";
    case ASSAY_RUN_COMPLETE: return "complete";
    case ASSAY_RUN_INTERRUPTED: return "interrupted";
  }
  return "unknown";
}

static assay_status open_existing(assay_cli *cli, const history_settings *settings, assay_error *err, assay_history **history) {
  return assay_cli_open_history(assay_cli_history_path(cli, settings->history, settings->output_dir), err, history);
}

static void put_text(assay_buf *out, const assay_history_run *runs, size_t count) {
  if (count == 0) assay_buf_puts(out, "no runs yet\n");
  if (count > 0)
    assay_buf_printf(out, "%-16s  %-16s  %-11s  %9s  %5s  %10s  %s\n", "run", "started", "state", "took", "cases", "failed", "name");
  for (size_t i = 0; i < count; i++) {
    const assay_history_run *run = &runs[i];
    time_t started = (time_t)run->started_at_s;
    struct tm local;
    char when[32], took[32];
    localtime_r(&started, &local);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    assay_format_value(run->duration_s, "s", took, sizeof took);
    assay_buf_printf(out, "%-16s  %-16s  %-11s  %9s  %5zu  %10zu  ", run->id, when, state_text(run->state),
                     run->state == ASSAY_RUN_COMPLETE ? took : "-", run->benchmarks, run->failed);
    assay_buf_plain(out, run->name);
    assay_buf_puts(out, run->quick ? " (quick)\n" : "\n");
  }
}

static void put_json(assay_buf *out, const assay_history_run *runs, size_t count) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-history/1");
  assay_json_key(&json, "runs");
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) {
    const assay_history_run *run = &runs[i];
    const char *const texts[][2] = {{"id", run->id},
                                    {"name", run->name},
                                    {"state", state_text(run->state)},
                                    {"machine_id", run->machine_id},
                                    {"machine", run->machine_label},
                                    {"version", run->version},
                                    {"commit", run->commit}};
    assay_json_object(&json);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
      assay_json_put_string(&json, texts[t][0], texts[t][1][0] != '\0' ? texts[t][1] : NULL);
    assay_json_key(&json, "started_at_s");
    assay_json_int(&json, run->started_at_s);
    assay_json_put_double(&json, "duration_s", run->duration_s);
    assay_json_key(&json, "quick");
    assay_json_bool(&json, run->quick);
    assay_json_put_uint(&json, "benchmarks", run->benchmarks);
    assay_json_put_uint(&json, "failed", run->failed);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

static int list_runs(assay_cli *cli, const void *raw) {
  const history_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_history_run *runs = NULL;
  size_t count = 0;
  assay_status status = open_existing(cli, settings, &err, &history);
  if (status == ASSAY_OK) status = assay_history_runs(history, NULL, (size_t)settings->limit, &err, &runs, &count);
  int code = status == ASSAY_OK ? ASSAY_EXIT_FINE : assay_cli_fail(cli, &err);
  if (status == ASSAY_OK) {
    assay_buf out = {0};
    if (settings->json)
      put_json(&out, runs, count);
    else
      put_text(&out, runs, count);
    code = assay_cli_print(cli, out.data);
    assay_buf_deinit(&out);
  }
  assay_history_runs_free(runs);
  assay_history_close(history);
  return code;
}

static int show_run(assay_cli *cli, const void *raw) {
  const history_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_result *result = NULL;
  assay_report_context context = {.color = assay_cli_use_color(settings->color, stdout), .width = assay_cli_columns(stdout)};
  char *text = NULL;
  assay_status status = open_existing(cli, settings, &err, &history);
  if (status == ASSAY_OK) status = assay_history_load(history, cli->operand_count > 0 ? cli->operands[0] : "latest", NULL, &err, &result);
  if (status == ASSAY_OK)
    status = assay_report_render(result, &context, settings->json ? ASSAY_FORMAT_JSON : ASSAY_FORMAT_TERMINAL, &err, &text);
  int code = status == ASSAY_OK ? assay_cli_print(cli, text) : assay_cli_fail(cli, &err);
  assay_string_free(text);
  assay_result_destroy(result);
  assay_history_close(history);
  return code;
}

const assay_cli_verb assay_cli_history = {
    .name = "history",
    .summary = "List the runs in the history, newest first.",
    .options = options,
    .settings_size = sizeof(history_settings),
    .run = list_runs,
};

const assay_cli_verb assay_cli_history_show = {
    .name = "history show",
    .summary = "Show a run of the history.",
    .details = "RUN is its id or the beginning of it, \"latest\" (when not given) or \"previous\".",
    .operands = "[RUN]",
    .operands_most = 1,
    .options = show_options,
    .settings_size = sizeof(history_settings),
    .run = show_run,
};
