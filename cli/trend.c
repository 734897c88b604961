/* SPDX-License-Identifier: MIT */
/* assay trend: a figure over all runs, and where it changed. */
#include <assay/trend.h>

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "cli/cli.h"
#include "os/prim.h"
#include "report/render.h"

typedef struct trend_settings {
  const char *metric, *machine, *format, *output, *history, *output_dir, *color;
  uint64_t limit;
  double scale;
  bool json;
} trend_settings;

#define AT(field) .at = offsetof(trend_settings, field)

static const char *const formats[] = {"terminal", "svg", "png", "json", NULL};

static const assay_cli_option options[] = {
    {"metric", 'm', ASSAY_CLI_TEXT, "GLOB", AT(metric), .help = "Other metrics than the one that says most, e.g. peak_rss or 'p9*'."},
    {"limit", 'n', ASSAY_CLI_UNSIGNED, "N", "0", .help = "Only the newest so many runs; 0: all.", AT(limit)},
    {"machine", 0, ASSAY_CLI_TEXT, "ID", .help = "Only runs of that machine (`assay machine` shows an id); all machines when not given.",
     AT(machine)},
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", "terminal", .choices = formats, .help = "What to draw.", AT(format)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", "-", .hint = ASSAY_CLI_FILE,
     .help = "Where to; - is standard output. A name that ends in .svg, .png or .json says the format.", AT(output)},
    {"scale", 0, ASSAY_CLI_REAL, "N", "2", .low = 0.1, .high = 20, .help = "Pixels of a PNG for each of the SVG.", AT(scale)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "The same as --format json.", AT(json)},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db is looked for.", AT(output_dir)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, .help = "The history to read.",
     AT(history)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the plot.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {{"one benchmark in the terminal", "trend alloc_1g"},
                                             {"a whole suite as a picture", "trend 'performance/*' --output performance.png"},
                                             {"memory instead of time, the last 50 runs", "trend 'alloc*' --metric peak_rss --limit 50"},
                                             {"for another program", "trend 'trading/*' --json"},
                                             {0}};

/* ---- In the terminal ----------------------------------------------------------------------------------------------------------------- */

static const char *day_of(int64_t at_s, char out[24]) {
  time_t at = (time_t)at_s;
  struct tm utc;
  if (gmtime_r(&at, &utc) == NULL) return "-";
  strftime(out, 24, "%Y-%m-%d %H:%M UTC", &utc);
  return out;
}

static void put_change(assay_buf *out, const assay_trend *trend, const assay_changepoint *c) {
  char before[ASSAY_REPORT_TEXT], after[ASSAY_REPORT_TEXT], day[24], ratio[32] = "-";
  const char *from, *to;
  assay_trend_commits(trend, c, &from, &to);
  assay_report_value(c->before, trend->unit, before);
  assay_report_value(c->after, trend->unit, after);
  if (isfinite(c->change_ratio))
    assay_snprintf(ratio, sizeof ratio, "%s%.1f %%", c->change_ratio < 0 ? "\u2212" : "+", 100 * fabs(c->change_ratio));
  assay_buf_printf(out, "  %s  %-6s  %*s%s  %s \u2192 %s  run %s", day_of(trend->points[c->index].at_s, day),
                   assay_changepoint_kind_text(c->kind), 9 - (int)assay_cli_text_width(ratio), "", ratio, before, after,
                   trend->points[c->index].run_id);
  if (from[0] != '\0' || to[0] != '\0')
    assay_buf_printf(out, "  commits %.10s..%.10s", from[0] != '\0' ? from : "?", to[0] != '\0' ? to : "?");
  assay_buf_printf(out, "  p %.2g\n", c->p_value);
}

static void put_trend(assay_cli *cli, assay_buf *out, const assay_trend *trend, bool color) {
  char first[24], last[24];
  assay_buf_plain(out, trend->suite);
  assay_buf_putc(out, '/');
  assay_buf_plain(out, trend->benchmark);
  assay_buf_puts(out, ": ");
  assay_buf_plain(out, trend->metric);
  assay_buf_printf(out, " on machine %s, %zu run%s", trend->machine_id, trend->count, trend->count == 1 ? "" : "s");
  if (trend->count > 0)
    assay_buf_printf(out, " from %s to %s", day_of(trend->points[0].at_s, first), day_of(trend->points[trend->count - 1].at_s, last));
  assay_buf_printf(out, ", %zu change point%s\n", trend->change_count, trend->change_count == 1 ? "" : "s");
  double *values = assay_arena_alloc(&cli->arena, trend->count + 1, sizeof *values);
  for (size_t i = 0; values != NULL && i < trend->count; i++) values[i] = trend->points[i].value;
  assay_cli_plot plot = {.values = values,
                         .stride = 1,
                         .count = trend->count,
                         .unit = trend->unit,
                         .changes = trend->changes,
                         .change_count = trend->change_count};
  if (values != NULL && trend->count > 0) assay_cli_put_plot(out, &plot, color);
  for (size_t i = 0; i < trend->change_count; i++) put_change(out, trend, &trend->changes[i]);
  assay_buf_putc(out, '\n');
}

/* ---- The verb ---------------------------------------------------------------------------------------------------------------------- */

/* A table in a file that promises a picture or a page would be found out late. */
static assay_status check_output(const trend_settings *settings, assay_error *err) {
  static const char *const others[] = {"pdf", "jpg", "jpeg", "gif", "webp", "eps", "html", "csv", "md", "xlsx"};
  const char *dot = strrchr(settings->output, '.');
  for (size_t i = 0; dot != NULL && i < sizeof others / sizeof *others; i++)
    if (strcmp(dot + 1, others[i]) == 0)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "%s: there is no trend as %s; --output takes .svg, .png or .json, any other name gets the text", settings->output,
                        dot);
  return ASSAY_OK;
}

static const char *format_of(const trend_settings *settings) {
  size_t length = strlen(settings->output);
  if (settings->json) return "json";
  for (size_t i = 1; i < sizeof formats / sizeof *formats - 1; i++) {
    size_t end = strlen(formats[i]) + 1;
    if (length > end && settings->output[length - end] == '.' && strcmp(settings->output + length - end + 1, formats[i]) == 0 &&
        strcmp(settings->format, "terminal") == 0)
      return formats[i];
  }
  return settings->format;
}

static assay_status draw(assay_cli *cli, const trend_settings *settings, const assay_trends *trends, assay_error *err, char **text,
                         size_t *length) {
  const char *format = format_of(settings);
  char *svg = NULL;
  assay_status status = ASSAY_OK;
  *length = 0;
  if (strcmp(format, "json") == 0) {
    status = assay_trends_json(trends, err, text);
  } else if (strcmp(format, "terminal") == 0) {
    assay_buf out = {0};
    bool color = strcmp(settings->output, "-") == 0 && assay_cli_use_color(settings->color, stdout);
    for (size_t i = 0; i < trends->count; i++) put_trend(cli, &out, &trends->items[i], color);
    *text = assay_buf_take(&out);
    if (*text == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  } else {
    status = assay_trends_svg(trends, cli->operand_count > 0 ? cli->operands[0] : "All benchmarks over time", err, &svg);
    if (status == ASSAY_OK && strcmp(format, "png") == 0) {
      status = assay_report_png(svg, settings->scale, err, text, length);
      assay_string_free(svg);
    } else if (status == ASSAY_OK) {
      *text = svg;
    }
  }
  if (status == ASSAY_OK && *length == 0) *length = strlen(*text);
  return status;
}

static int deliver(assay_cli *cli, const trend_settings *settings, const char *text, size_t length) {
  assay_error err = {0};
  if (strcmp(settings->output, "-") != 0)
    return assay_os_write_file(settings->output, text, length, &err) == ASSAY_OK ? ASSAY_EXIT_FINE : assay_cli_fail(cli, &err);
  if (strcmp(format_of(settings), "png") != 0) return assay_cli_print(cli, text);
  if (assay_cli_columns(stdout) > 0) {
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "a PNG is not for a terminal; name a file with --output");
    return assay_cli_fail(cli, &err);
  }
  if (fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0) return ASSAY_EXIT_FINE;
  ASSAY_FAIL(&err, ASSAY_ERR_IO, "the picture could not be written to standard output");
  return assay_cli_fail(cli, &err);
}

static int run(assay_cli *cli, const void *raw) {
  const trend_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_trends *trends = NULL;
  char *text = NULL;
  size_t length = 0;
  const char *glob = cli->operand_count > 0 ? cli->operands[0] : "*";
  assay_status status = check_output(settings, &err);
  if (status == ASSAY_OK)
    status = assay_cli_open_history(assay_cli_history_path(cli, settings->history, settings->output_dir), &err, &history);
  if (status == ASSAY_OK)
    status = assay_trends_load(history, settings->machine, glob, settings->metric, (size_t)settings->limit, &err, &trends);
  if (status == ASSAY_OK) status = draw(cli, settings, trends, &err, &text, &length);
  int code = status == ASSAY_OK ? deliver(cli, settings, text, length) : assay_cli_fail(cli, &err);
  assay_string_free(text);
  assay_trends_destroy(trends);
  assay_history_close(history);
  return code;
}

const assay_cli_verb assay_cli_trend = {
    .name = "trend",
    .summary = "Draw a figure over all runs, and say where it changed.",
    .details =
        "NAME is a glob over the benchmark's name or \"suite/name\"; a plain word matches anywhere. A change point stands at the first run "
        "after a change; "
        "the "
        "commits that it lies between are those of the runs that were surely before and surely after it (docs/changepoints.md). Only "
        "complete runs count.",
    .operands = "[NAME]",
    .operands_most = 1,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(trend_settings),
    .run = run,
};
