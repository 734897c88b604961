/* SPDX-License-Identifier: MIT */
/* assay changepoints: where a plain series of numbers changed. */
#include <assay/changepoints.h>

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "cli/cli.h"
#include "os/prim.h"
#include "result/series.h"

typedef struct changepoints_settings {
  assay_cli_words columns;
  const char *color;
  bool json;
} changepoints_settings;

static const assay_cli_option options[] = {
    {"column", 'c', ASSAY_CLI_REPEAT, "NAME|N", .help = "The column to look at, by its name or its number from 1. Several make one series.",
     .at = offsetof(changepoints_settings, columns)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", .at = offsetof(changepoints_settings, json)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the plot.",
     .at = offsetof(changepoints_settings, color)},
    ASSAY_CLI_END};

/* What was read and what was found in it. */
typedef struct findings {
  const char *source;
  assay_series series;
  assay_changepoint *points;
  size_t count;
} findings;

/* ---- JSON -------------------------------------------------------------------------------------------------------------------------- */

static void put_json(assay_buf *out, const findings *found) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-changepoints/1");
  assay_json_put_string(&json, "source", found->source);
  assay_json_put_uint(&json, "values", found->series.rows);
  assay_json_key(&json, "columns");
  assay_json_array_inline(&json);
  for (size_t c = 0; c < found->series.columns; c++) assay_json_string(&json, found->series.names[c]);
  assay_json_end(&json);
  assay_json_key(&json, "changepoints");
  assay_json_array(&json);
  for (size_t i = 0; i < found->count; i++) {
    const assay_changepoint *p = &found->points[i];
    assay_json_object_inline(&json);
    assay_json_put_uint(&json, "index", p->index);
    assay_json_put_uint(&json, "low", p->low);
    assay_json_put_uint(&json, "high", p->high);
    assay_json_put_string(&json, "kind", assay_changepoint_kind_text(p->kind));
    assay_json_put_string(&json, "column", found->series.names[p->column]);
    assay_json_put_double(&json, "before", p->before);
    assay_json_put_double(&json, "after", p->after);
    assay_json_put_double(&json, "change_ratio", p->change_ratio);
    assay_json_put_double(&json, "p_value", p->p_value);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

/* ---- The table --------------------------------------------------------------------------------------------------------------------- */

static void put_ratio(double ratio, char *text, size_t size) {
  if (isnan(ratio))
    snprintf(text, size, "-");
  else if (fabs(ratio) < 10)
    assay_snprintf(text, size, "%+.1f %%", 100 * ratio);
  else
    assay_snprintf(text, size, "%+.3g times", ratio);
}

static void put_table(assay_buf *out, const findings *found) {
  size_t widest = 6;
  for (size_t c = 0; c < found->series.columns; c++) {
    size_t width = assay_cli_text_width(found->series.names[c]);
    if (width > widest) widest = width > 24 ? 24 : width;
  }
  bool several = found->series.columns > 1;
  assay_buf_printf(out, "%8s  %-15s  %-6s  %10s  %10s  %11s  %8s%s\n", "index", "somewhere in", "kind", "before", "after", "change", "p",
                   several ? "  column" : "");
  for (size_t i = 0; i < found->count; i++) {
    const assay_changepoint *p = &found->points[i];
    char range[48], ratio[32];
    snprintf(range, sizeof range, "%zu..%zu", p->low, p->high);
    put_ratio(p->change_ratio, ratio, sizeof ratio);
    assay_buf_printf(out, "%8zu  %-15s  %-6s  %10.5g  %10.5g  %11s  %8.2g", p->index, range, assay_changepoint_kind_text(p->kind),
                     p->before, p->after, ratio, p->p_value);
    if (several) {
      assay_buf_puts(out, "  ");
      assay_buf_plain(out, found->series.names[p->column]);
    }
    assay_buf_putc(out, '\n');
  }
}

static void put_text(assay_buf *out, const findings *found, const char *color) {
  assay_buf_plain(out, found->source);
  if (found->series.rows == 0) {
    assay_buf_puts(out, ": no values, so no change point.\n");
    return;
  }
  assay_buf_printf(out, ": %zu values", found->series.rows);
  if (found->series.columns > 1) assay_buf_printf(out, " in each of %zu columns", found->series.columns);
  if (found->count == 0) {
    assay_buf_puts(out, ", no change point.\n");
    return;
  }
  assay_buf_printf(out, ", %zu change point%s.\n\n", found->count, found->count == 1 ? "" : "s");
  size_t column = found->points[0].column;
  assay_cli_plot plot = {.values = found->series.values + column,
                         .stride = found->series.columns,
                         .count = found->series.rows,
                         .changes = found->points,
                         .change_count = found->count};
  assay_cli_put_plot(out, &plot, assay_cli_use_color(color, stdout));
  put_table(out, found);
}

/* ---- The verb ---------------------------------------------------------------------------------------------------------------------- */

static const size_t LARGEST_FILE = (size_t)1 << 30;

static assay_status read_and_find(assay_cli *cli, const changepoints_settings *settings, assay_error *err, findings *found) {
  char *text = NULL;
  size_t length = 0;
  const char *path = cli->operands[0];
  found->source = strcmp(path, "-") == 0 ? "standard input" : path;
  assay_status status = assay_os_read_file(path, LARGEST_FILE, err, &text, &length);
  if (status == ASSAY_OK && strspn(text, " \t\r\n") == length) { /* nothing was measured, so nothing changed */
    assay_free(text);
    return ASSAY_OK;
  }
  if (status == ASSAY_OK)
    status =
        assay_series_read(text, length, found->source, settings->columns.items, settings->columns.count, &cli->arena, err, &found->series);
  assay_free(text);
  if (status != ASSAY_OK) return status;
  return assay_changepoints_find(found->series.values, found->series.rows, found->series.columns, err, &found->points, &found->count);
}

static int run(assay_cli *cli, const void *raw) {
  const changepoints_settings *settings = raw;
  assay_error err = {0};
  findings found = {0};
  if (read_and_find(cli, settings, &err, &found) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_buf out = {0};
  if (settings->json)
    put_json(&out, &found);
  else
    put_text(&out, &found, settings->color);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  assay_changepoints_free(found.points);
  return code;
}

static const assay_cli_example examples[] = {{"one number a line", "changepoints times.txt"},
                                             {"a column of a table", "changepoints --column median results.csv"},
                                             {"what another program prints, for another program", "changepoints --json - < times.txt"},
                                             {"several columns that changed together", "changepoints -c p50 -c p99 -c memory nightly.csv"},
                                             {NULL, NULL}};

const assay_cli_verb assay_cli_changepoints = {
    .name = "changepoints",
    .summary = "Say where a series of numbers changed.",
    .details =
        "FILE has one number a line, or columns separated by commas, semicolons, tabs or blanks, with or without a line of names. An empty "
        "cell or `nan` is a row without a measurement. Without --column all columns of numbers are taken together, but for a first one "
        "that "
        "only counts. Indices count rows from 0; a change point is the first value after the change. There is nothing to tune. "
        "Exit code 0 whether or not there is a change.",
    .operands = "FILE|-",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(changepoints_settings),
    .run = run,
};
