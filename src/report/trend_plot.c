/* SPDX-License-Identifier: MIT */
#include "report/trend_plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/render.h"
#include "report/svg.h"

bool assay_trend_has_figure(const assay_history_point *points, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (isfinite(points[i].value)) return true;
  return false;
}

/* "2026-09-17", or "09-17 08:00" when all runs are within two days and dates would not tell them apart. */
static void moment(int64_t at_s, bool near, char out[ASSAY_REPORT_TEXT]) {
  assay_report_when(at_s, out);
  if (strlen(out) < 16) return; /* a dash */
  if (near)
    memmove(out, out + 5, 11), out[11] = '\0';
  else
    out[10] = '\0';
}

enum { FILTER = 2, LEAST_TO_FILTER = 5 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of a figure and up to two on either side: one or two spikes in a row do not move it, a step does at once. */
static double filtered(const assay_history_point *points, size_t count, size_t at) {
  double near[2 * FILTER + 1];
  size_t found = 0, from = at > FILTER ? at - FILTER : 0, to = at + FILTER < count ? at + FILTER : count - 1;
  for (size_t i = from; i <= to; i++)
    if (isfinite(points[i].value)) near[found++] = points[i].value;
  qsort(near, found, sizeof *near, ascending);
  return found > 0 ? (near[(found - 1) / 2] + near[found / 2]) / 2 : NAN;
}

/* From the least to the largest figure; where these are lone spikes, only as much again as the others span. The newest run is never left
 * out: it is what the picture is looked at for. */
static void find_range(const assay_history_point *points, size_t count, double *least, double *most) {
  double low = INFINITY, high = -INFINITY;
  *least = INFINITY, *most = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(points[i].value)) continue;
    double calm = i + 1 == count || count < LEAST_TO_FILTER ? points[i].value : filtered(points, count, i);
    low = fmin(low, calm), high = fmax(high, calm);
    *least = fmin(*least, points[i].value), *most = fmax(*most, points[i].value);
  }
  double room = fmax(high - low, fabs(high) * 0.04);
  *least = fmax(*least, low - room);
  *most = fmin(*most, high + room);
}

/* The scale follows the figures: room for the intervals, but at most as much again as the figures span on either side, so that one wide
 * interval does not press all runs into a line. The band is cut there. */
static void find_scale(const assay_history_point *points, size_t count, double *low, double *high) {
  double least, most;
  find_range(points, count, &least, &most);
  *low = INFINITY, *high = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    const assay_history_point *p = &points[i];
    if (isfinite(p->ci_low)) *low = fmin(*low, p->ci_low);
    if (isfinite(p->ci_high)) *high = fmax(*high, p->ci_high);
  }
  double middle = (least + most) / 2, span = fmax(most - least, fabs(middle) * 0.04); /* a finer scale makes mountains of noise */
  *low = fmax(fmin(*low, least), middle - span * 1.5);
  *high = fmin(fmax(*high, most), middle + span * 1.5);
  *low = fmin(*low, middle - span / 2);
  *high = fmax(*high, middle + span / 2);
}

typedef struct panel {
  assay_buf *out;
  const assay_trend_frame *frame;
  const assay_trend_line *line;
  assay_axis x, y;
} panel;

static double pixel(const assay_axis *axis, double value) { return isfinite(value) ? assay_axis_at(axis, value) : NAN; }

static void draw_scale(const panel *p) {
  char text[ASSAY_REPORT_TEXT];
  double right = p->frame->width - p->frame->right;
  assay_svg_line(p->out, "gr", p->frame->left, p->y.to, right, p->y.to);
  assay_svg_line(p->out, "gr", p->frame->left, p->y.from, right, p->y.from);
  assay_svg_text(p->out, "tk", p->frame->left - 6, p->y.to + 4, "end", assay_report_value(p->y.high, p->line->unit, text));
  assay_svg_text(p->out, "tk", p->frame->left - 6, p->y.from + 4, "end", assay_report_value(p->y.low, p->line->unit, text));
}

static void draw_line(const panel *p) {
  size_t count = p->line->count;
  double *xs = assay_calloc(ASSAY_TAG_REPORT, 4 * count + 4, sizeof *xs), *ys = xs + count, *lows = ys + count, *highs = lows + count;
  if (xs == NULL) {
    p->out->failed = true;
    return;
  }
  for (size_t i = 0; i < count; i++) {
    xs[i] = assay_axis_at(&p->x, (double)i);
    ys[i] = pixel(&p->y, p->line->points[i].value);
    lows[i] = pixel(&p->y, p->line->points[i].ci_low);
    highs[i] = pixel(&p->y, p->line->points[i].ci_high);
  }
  assay_svg_band(p->out, "area", xs, lows, highs, count);
  assay_svg_polyline(p->out, "ln", xs, ys, count);
  assay_free(xs);
}

/* What lies beyond the scale, as a mark at its edge; the figure stands beside it while there are few. */
static void draw_spikes(const panel *p) {
  enum { FEW_SPIKES = 2, SIZE = 7 };
  size_t beyond = 0;
  for (size_t i = 0; i < p->line->count; i++)
    beyond += isfinite(p->line->points[i].value) && (p->line->points[i].value > p->y.high || p->line->points[i].value < p->y.low);
  for (size_t i = 0; i < p->line->count; i++) {
    double value = p->line->points[i].value, x = assay_axis_at(&p->x, (double)i);
    if (!isfinite(value) || (value <= p->y.high && value >= p->y.low)) continue;
    bool above = value > p->y.high, leftwards = x > p->frame->width / 2;
    char text[ASSAY_REPORT_TEXT];
    assay_svg_pointer(p->out, "spk", x, above ? p->y.to : p->y.from, above ? -SIZE : SIZE);
    if (beyond <= FEW_SPIKES)
      assay_svg_text(p->out, "tk", leftwards ? x - SIZE : x + SIZE, above ? p->y.to + 10 : p->y.from - 4, leftwards ? "end" : "start",
                     assay_report_value(value, p->line->unit, text));
  }
}

static void draw_newest(const panel *p) {
  char text[ASSAY_REPORT_TEXT];
  const assay_history_point *newest = &p->line->points[p->line->count - 1];
  double x = assay_axis_at(&p->x, (double)(p->line->count - 1)), y = pixel(&p->y, newest->value);
  if (isnan(y)) return;
  assay_svg_dot(p->out, p->line->last, x, y, 3.6);
  assay_svg_text(p->out, "em", p->frame->width - p->frame->right + 7, y + 4, "start",
                 assay_report_value(newest->value, p->line->unit, text));
}

static void draw_dates(const panel *p) {
  char text[ASSAY_REPORT_TEXT];
  const assay_history_point *points = p->line->points;
  bool near = points[p->line->count - 1].at_s - points[0].at_s < 2 * 86400;
  moment(points[0].at_s, near, text);
  assay_svg_text(p->out, "tk", p->frame->left, p->frame->height - 4, "start", text);
  moment(points[p->line->count - 1].at_s, near, text);
  assay_svg_text(p->out, "tk", p->frame->width - p->frame->right, p->frame->height - 4, "end", text);
}

/* Shaded from the last run that was surely before to the first that was surely after. Labels stand over it, and are left out where the last
 * one still is. */
static void draw_changes(const panel *p) {
  enum { LABEL = 62 };
  double free_from = -INFINITY;
  for (size_t i = 0; i < p->line->change_count; i++) {
    const assay_changepoint *c = &p->line->changes[i];
    double from = assay_axis_at(&p->x, (double)c->low - 1), to = assay_axis_at(&p->x, (double)c->high), middle = (from + to) / 2;
    bool spread = c->kind == ASSAY_CHANGEPOINT_SPREAD, better = !spread && (c->after < c->before) == (p->line->better == ASSAY_LOWER);
    assay_svg_rect(p->out, better ? "chb" : "chg", from, p->y.to, fmax(to - from, 3), p->y.from - p->y.to);
    if (middle - LABEL / 2 < free_from) continue;
    char text[ASSAY_REPORT_TEXT];
    assay_svg_text(p->out, better ? "chbl" : "chl", middle, p->y.to - 4, "middle",
                   spread ? "spread" : assay_report_signed_percent(c->change_ratio, text));
    free_from = middle + LABEL / 2;
  }
}

void assay_trend_panel(assay_buf *out, const assay_trend_frame *frame, const assay_trend_line *line) {
  double low, high;
  find_scale(line->points, line->count, &low, &high);
  panel p = {.out = out, .frame = frame, .line = line};
  p.y = (assay_axis){low, high > low ? high : low + 1, false, frame->height - frame->bottom, frame->top};
  p.x = (assay_axis){0, line->count > 1 ? (double)(line->count - 1) : 1, false, frame->left, frame->width - frame->right};
  draw_scale(&p);
  draw_changes(&p);
  draw_line(&p);
  draw_spikes(&p);
  draw_newest(&p);
  draw_dates(&p);
}
