/* SPDX-License-Identifier: MIT */
/* The four plots of a team's history: time, memory and energy over time, and time by size. */
#include <assay/report.h>
#include <assay/trend.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "os/prim.h"
#include "report/render.h"
#include "report/svg.h"
#include "report/trend_svg.h"

enum { POINTS = 200, MOST_SIZES = 64, MOST_SWEEPS = 9 };

typedef struct trend_page {
  assay_history *history;
  const char *machine_id, *directory;
  assay_buf markdown, note;
  assay_error *err;
} trend_page;

/* ---- Files ------------------------------------------------------------------------------------------------------------------------- */

static assay_status write_file(const trend_page *page, const char *name, const char *extension, const char *data, size_t length) {
  assay_buf path = {0};
  assay_buf_printf(&path, "%s/%s.%s", page->directory, name, extension);
  if (path.failed) return ASSAY_FAIL(page->err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  assay_status status = assay_os_write_file(path.data, data, length, page->err);
  assay_buf_deinit(&path);
  return status;
}

static assay_status write_picture(trend_page *page, const char *name, const char *title, const char *caption, assay_buf *svg) {
  if (svg->failed) return ASSAY_FAIL(page->err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  assay_status status = write_file(page, name, "svg", svg->data, svg->length);
  if (status != ASSAY_OK) return status;
  char *png = NULL;
  size_t length = 0;
  assay_error problem = {0};
  bool painted = assay_report_png(svg->data, 0, &problem, &png, &length) == ASSAY_OK;
  if (painted) status = write_file(page, name, "png", png, length);
  if (!painted && page->note.length == 0) assay_buf_printf(&page->note, "no PNG: %s", problem.message);
  assay_string_free(png);
  assay_buf_printf(&page->markdown, "## %s\n\n%s\n\n![%s](%s.%s)\n\n", title, caption, title, name, painted ? "png" : "svg");
  return status;
}

/* ---- Over time --------------------------------------------------------------------------------------------------------------------- */

/* Those that changed come first, then those with most runs. */
static int by_interest(const void *a, const void *b) {
  const assay_trend *x = a, *y = b;
  if (x->change_count != y->change_count) return x->change_count < y->change_count ? 1 : -1;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  int suite = strcmp(x->suite, y->suite);
  return suite != 0 ? suite : strcmp(x->benchmark, y->benchmark);
}

static void list_changes(assay_buf *out, const assay_trends *trends) {
  bool any = false;
  for (size_t i = 0; i < trends->count; i++) {
    const assay_trend *t = &trends->items[i];
    for (size_t k = 0; k < t->change_count; k++) {
      const assay_changepoint *c = &t->changes[k];
      char before[ASSAY_REPORT_TEXT], after[ASSAY_REPORT_TEXT], change[ASSAY_REPORT_TEXT], when[ASSAY_REPORT_TEXT];
      const char *from, *to;
      assay_trend_commits(t, c, &from, &to);
      if (!any)
        assay_buf_puts(out, "| benchmark | change | before | after | since | after commit | not after |\n|---|---|---|---|---|---|---|\n");
      any = true;
      assay_buf_puts(out, "| ");
      assay_markdown_text(out, t->benchmark);
      if (c->kind == ASSAY_CHANGEPOINT_SPREAD) assay_buf_puts(out, " (spread)");
      assay_buf_printf(out, " | %s | %s | %s | %s | %.12s | %.12s |\n", assay_report_signed_percent(c->change_ratio, change),
                       assay_report_value(c->before, t->unit, before), assay_report_value(c->after, t->unit, after),
                       assay_report_when(t->points[c->index].at_s, when), from, to);
    }
  }
  assay_buf_puts(out, any ? "\n" : "No change points.\n\n");
}

/* Those in that unit (NULL: any) first, in their order; how many they are. */
static size_t move_to_front(assay_trend *items, size_t count, const char *unit) {
  size_t front = 0;
  for (size_t i = 0; i < count; i++) {
    if (unit != NULL && strcmp(items[i].unit, unit) != 0) continue;
    assay_trend wanted = items[i];
    memmove(items + front + 1, items + front, (i - front) * sizeof *items);
    items[front++] = wanted;
  }
  return front;
}

static assay_status over_time(trend_page *page, const char *name, const char *title, const char *metric, const char *unit,
                              const char *nothing) {
  assay_trends *trends = NULL, none = {0};
  assay_error problem = {0};
  assay_status status = assay_trends_load(page->history, page->machine_id, "*", metric, POINTS, &problem, &trends);
  if (status != ASSAY_OK && status != ASSAY_ERR_NOT_FOUND) return ASSAY_FAIL(page->err, status, "%s", problem.message);
  assay_trends picked = none;
  if (trends != NULL) {
    qsort(trends->items, trends->count, sizeof *trends->items, by_interest);
    picked = *trends;
    picked.count = move_to_front(trends->items, trends->count, unit);
  }
  const assay_trends *shown = &picked;
  assay_buf svg = {0};
  assay_trends_draw(&svg, shown, title, nothing);
  status = write_picture(page, name, title, shown->count == 0 ? nothing : "Each panel is one benchmark; shaded is where a change may lie.",
                         &svg);
  if (shown->count > 0) list_changes(&page->markdown, shown);
  assay_buf_deinit(&svg);
  assay_trends_destroy(trends);
  return status;
}

/* ---- By size ------------------------------------------------------------------------------------------------------------------------- */

typedef struct sweep {
  const assay_complexity_result *fit;
  double sizes[MOST_SIZES], costs[MOST_SIZES];
  size_t count;
} sweep;

static void collect_sweep(const assay_result *result, const assay_complexity_result *fit, sweep *s) {
  *s = (sweep){.fit = fit};
  for (size_t i = 0; i < result->benchmark_count && s->count < MOST_SIZES; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (strcmp(b->suite, fit->suite) != 0 || strcmp(b->base_name, fit->base_name) != 0 || assay_report_main_metric(b) == NULL) continue;
    for (size_t k = 0; k < b->param_count; k++) {
      double size = 0, cost = assay_report_main_metric(b)->value;
      if (strcmp(b->params[k].name, fit->param) != 0 || !assay_parse_f64(b->params[k].value, &size) || !(size > 0) || !(cost > 0)) continue;
      s->sizes[s->count] = size;
      s->costs[s->count++] = cost;
      break;
    }
  }
}

static void widen(const sweep *s, double range[4]) {
  for (size_t i = 0; i < s->count; i++) {
    range[0] = fmin(range[0], s->sizes[i]);
    range[1] = fmax(range[1], s->sizes[i]);
    range[2] = fmin(range[2], s->costs[i]);
    range[3] = fmax(range[3], s->costs[i]);
  }
}

enum { PLOT_WIDTH = 860, PLOT_HEIGHT = 420, PLOT_LEFT = 70, PLOT_RIGHT = 260, PLOT_TOP = 46, PLOT_BOTTOM = 46 };

static void draw_axes(assay_buf *out, const assay_axis *x, const assay_axis *y) {
  double ticks[ASSAY_AXIS_TICKS];
  char text[ASSAY_REPORT_TEXT];
  assay_svg_rows(out, y, 6, PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, assay_tick_of_unit, "ns");
  size_t count = assay_axis_ticks(x, 8, ticks);
  for (size_t i = 0; i < count; i++)
    assay_svg_text(out, "tk", assay_axis_at(x, ticks[i]), PLOT_HEIGHT - PLOT_BOTTOM + 16, "middle", assay_report_tick(ticks[i], "", text));
  assay_svg_line(out, "ax", PLOT_LEFT, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_WIDTH - PLOT_RIGHT, PLOT_HEIGHT - PLOT_BOTTOM);
  assay_svg_text(out, "lb", PLOT_WIDTH - PLOT_RIGHT, PLOT_HEIGHT - 12, "end", "size");
}

/* Each sweep has its colour and its place in the legend. */
static void draw_sweep(assay_buf *out, const sweep *s, const assay_axis *x, const assay_axis *y, size_t place) {
  double xs[MOST_SIZES], ys[MOST_SIZES];
  for (size_t i = 0; i < s->count; i++) {
    xs[i] = assay_axis_at(x, s->sizes[i]);
    ys[i] = assay_axis_at(y, s->costs[i]);
  }
  assay_buf_printf(out, "<g class=\"sw%zu\">", place);
  assay_svg_polyline(out, "ln", xs, ys, s->count);
  for (size_t i = 0; i < s->count; i++) assay_svg_dot(out, "pt", xs[i], ys[i], 3.5);
  double at = PLOT_TOP + 10 + (double)place * 30;
  assay_svg_line(out, "ln", PLOT_WIDTH - PLOT_RIGHT + 16, at, PLOT_WIDTH - PLOT_RIGHT + 40, at);
  assay_buf_puts(out, "</g>\n");
  assay_svg_text(out, "em", PLOT_WIDTH - PLOT_RIGHT + 48, at + 4, "start", s->fit->name != NULL ? s->fit->name : s->fit->base_name);
  assay_svg_text(out, "tk", PLOT_WIDTH - PLOT_RIGHT + 48, at + 17, "start", assay_big_o_text(s->fit->fit.order));
}

static size_t collect_sweeps(const assay_result *result, sweep *sweeps) {
  size_t count = 0;
  for (size_t i = 0; result != NULL && i < result->complexity_count && count < MOST_SWEEPS; i++) {
    collect_sweep(result, &result->complexities[i], &sweeps[count]);
    count += sweeps[count].count > 1;
  }
  return count;
}

static const char sweep_style[] =
    "<style>.sw0 *{stroke:#1d5f9e}.sw1 *{stroke:#c2571a}.sw2 *{stroke:#2f7d4f}.sw3 *{stroke:#7a4aa3}.sw4 *{stroke:#a88a0d}"
    ".sw5 *{stroke:#b03060}.sw6 *{stroke:#2a8c93}.sw7 *{stroke:#6b6b6b}.sw8 *{stroke:#8a5a2b}.sw0 circle,.sw1 circle,.sw2 circle,.sw3 "
    "circle,"
    ".sw4 circle,.sw5 circle,.sw6 circle,.sw7 circle,.sw8 circle{fill:#fdfcfa}</style>";

static assay_status by_size(trend_page *page) {
  static const char title[] = "Time by size",
                    nothing[] = "The newest run has no sweep over a size (a benchmark that names its complexity parameter).";
  assay_result *result = NULL;
  assay_error problem = {0};
  assay_status status = assay_history_load(page->history, "latest", page->machine_id, &problem, &result);
  if (status != ASSAY_OK && status != ASSAY_ERR_NOT_FOUND) return ASSAY_FAIL(page->err, status, "%s", problem.message);
  sweep *sweeps = assay_calloc(ASSAY_TAG_REPORT, MOST_SWEEPS + 1, sizeof *sweeps);
  if (sweeps == NULL) {
    assay_result_destroy(result);
    return ASSAY_FAIL(page->err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  }
  size_t count = collect_sweeps(result, sweeps);
  double range[4] = {INFINITY, 0, INFINITY, 0};
  for (size_t i = 0; i < count; i++) widen(&sweeps[i], range);
  assay_buf svg = {0};
  assay_svg_document(&svg, PLOT_WIDTH, count == 0 ? 80 : PLOT_HEIGHT, title);
  assay_buf_puts(&svg, sweep_style);
  assay_svg_text(&svg, "ti", 16, 26, "start", title);
  if (count == 0) assay_svg_text(&svg, "lb", 16, 60, "start", nothing);
  if (count > 0) {
    assay_axis x = assay_axis_nice(range[0], range[1], true, PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT);
    assay_axis y = assay_axis_nice(range[2], range[3], true, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_TOP);
    draw_axes(&svg, &x, &y);
    for (size_t i = 0; i < count; i++) draw_sweep(&svg, &sweeps[i], &x, &y, i);
  }
  assay_svg_end(&svg);
  status = write_picture(page, "time-by-size", title,
                         count == 0 ? nothing : "Sweeps of the newest run on logarithmic axes, with the growth that fits best.", &svg);
  assay_buf_deinit(&svg);
  assay_free(sweeps);
  assay_result_destroy(result);
  return status;
}

/* ---- The page ------------------------------------------------------------------------------------------------------------------------ */

static assay_status write_all(trend_page *page) {
  assay_buf_puts(&page->markdown, "# Performance over time\n\n");
  assay_status status = over_time(page, "time-over-time", "Time over time", NULL, "ns", "No complete run has a time yet.");
  if (status == ASSAY_OK)
    status = over_time(page, "memory-over-time", "Memory over time", "peak_rss", NULL, "No run has recorded memory (peak_rss) yet.");
  if (status == ASSAY_OK) status = by_size(page);
  if (status == ASSAY_OK)
    status = over_time(
        page, "energy-over-time", "Energy over time", "energy*", NULL,
        "No run has an energy figure: this machine publishes no energy counter, or no benchmark reports one (assay doctor says).");
  if (status != ASSAY_OK) return status;
  if (page->markdown.failed) return ASSAY_FAIL(page->err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  return write_file(page, "trends", "md", page->markdown.data, page->markdown.length);
}

assay_status assay_trends_report(assay_history *history, const char *machine_id, const char *directory, assay_error *err, char **note) {
  trend_page page = {.history = history, .machine_id = machine_id, .directory = directory, .err = err};
  assay_status status = assay_os_make_dirs(directory, err);
  if (status == ASSAY_OK) status = write_all(&page);
  assay_buf_deinit(&page.markdown);
  char *said = status == ASSAY_OK && page.note.length > 0 ? assay_buf_take(&page.note) : NULL;
  assay_buf_deinit(&page.note);
  if (status == ASSAY_OK) *note = said;
  return status;
}
