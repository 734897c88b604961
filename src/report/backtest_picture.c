/* SPDX-License-Identifier: MIT */
/* A backtest as a picture: equity beside its benchmark, and below it how far it fell. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "report/backtest.h"

enum { LEFT = ASSAY_BACKTEST_LEFT, RIGHT = ASSAY_BACKTEST_RIGHT, WIDTH = ASSAY_BACKTEST_WIDTH };
enum { TOP = 26, EQUITY = 250, GAP = 34, DRAWDOWN = 110, BOTTOM = 26, MOST = 2 * (WIDTH - LEFT - RIGHT) };
enum { HEIGHT = TOP + EQUITY + GAP + DRAWDOWN + BOTTOM };

typedef struct line {
  double x[MOST], y[MOST];
  size_t count;
} line;

/* As many points as there are pixels for: of each stretch its least and its largest value, in their order. */
static void thin(const double *values, size_t count, const assay_axis *x, const assay_axis *y, line *made) {
  size_t stretches = count < MOST / 2 ? count : MOST / 2;
  made->count = 0;
  for (size_t s = 0; s < stretches; s++) {
    size_t from = s * count / stretches, to = (s + 1) * count / stretches, low = from, high = from;
    for (size_t i = from; i < to; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    size_t ends[] = {low < high ? low : high, low < high ? high : low};
    for (int k = 0; k < (low == high ? 1 : 2); k++) {
      made->x[made->count] = assay_axis_at(x, (double)ends[k]);
      made->y[made->count++] = assay_axis_at(y, values[ends[k]]);
    }
  }
}

static void range_of(const assay_backtest_result *r, double *low, double *high) {
  for (size_t i = 0; r != NULL && i < r->metrics.bars; i++) {
    *low = fmin(*low, r->equity[i]);
    *high = fmax(*high, r->equity[i]);
  }
}

/* `user` is the axis: where it is narrow, seven digits do not tell its ticks apart. */
static void tick_of_money(const void *user, double value, char text[ASSAY_TICK_TEXT]) {
  const assay_axis *y = user;
  const double step = (y->high - y->low) / 10;
  if (step < 1e-6 * fabs(value) && step > 1e-9 * fabs(value))
    assay_snprintf(text, ASSAY_TICK_TEXT, "%.*f", (int)fmax(ceil(-log10(step)), 0), value);
  else
    assay_snprintf(text, ASSAY_TICK_TEXT, "%.7g", value);
}

static void tick_of_share(const void *user, double value, char text[ASSAY_TICK_TEXT]) {
  (void)user;
  assay_snprintf(text, ASSAY_TICK_TEXT, "%.4g %%", 100 * value);
}

/* As short as tells them apart, so that six stand side by side: days, or the time of the day. */
static void axis_text(const assay_backtest_view *view, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t second = 1000000000, day = 86400 * second;
  assay_backtest_moment_text(view, bar, text);
  if (view->times == NULL) return;
  size_t first = view->result->first, last = first + view->result->metrics.bars - 1;
  double span = (double)view->times[last] - (double)view->times[first];
  if (span >= 2.0 * (double)day) {
    if (strlen(text) > 10) text[10] = '\0';
    return;
  }
  int64_t at = (view->times[bar] % day + day) % day;
  if (at == 0 && span >= (double)day) return;
  snprintf(text, ASSAY_REPORT_TEXT, "%02d:%02d:%02d", (int)(at / second / 3600), (int)(at / second / 60 % 60), (int)(at / second % 60));
  if (span < 10.0 * (double)second) snprintf(text + 8, ASSAY_REPORT_TEXT - 8, ".%03d", (int)(at % second / 1000000));
}

static void draw_moments(assay_buf *out, const assay_backtest_view *view, const assay_axis *x) {
  enum { LABELS = 6 };
  size_t bars = view->result->metrics.bars;
  for (size_t i = 0; i < LABELS; i++) {
    char text[ASSAY_REPORT_TEXT];
    size_t bar = (bars - 1) * i / (LABELS - 1);
    if (i > 0 && bar == (bars - 1) * (i - 1) / (LABELS - 1)) continue;
    axis_text(view, view->result->first + bar, text);
    assay_svg_text(out, "tk", assay_axis_at(x, (double)bar), HEIGHT - 8, i == 0 ? "start" : i == LABELS - 1 ? "end" : "middle", text);
  }
}

/* Where the windows of a walk-forward begin: from here on other parameters. */
static void draw_windows(assay_buf *out, const assay_backtest_view *view, const assay_axis *x) {
  const assay_backtest_walked *walked = view->choice != NULL ? view->choice->walked : NULL;
  for (size_t i = 1; walked != NULL && i < walked->window_count && walked->window_count <= 60; i++) {
    double at = assay_axis_at(x, (double)(walked->windows[i].test_first - view->result->first));
    assay_svg_line(out, "ax", at, TOP, at, TOP + EQUITY + GAP + DRAWDOWN);
  }
}

/* On a logarithmic axis round values are far from each other: lines stand there, and the ends where the curves need them. */
static assay_axis equity_axis(double low, double high) {
  if (!(low > 0 && high > 4 * low)) return assay_axis_nice(low, high, false, TOP + EQUITY, TOP);
  double margin = pow(high / low, 0.04);
  return (assay_axis){low / margin, high * margin, true, TOP + EQUITY, TOP};
}

static void draw_equity(assay_buf *out, const assay_backtest_view *view, const assay_axis *x, line *made) {
  double low = INFINITY, high = -INFINITY;
  range_of(view->result, &low, &high);
  range_of(view->benchmark, &low, &high);
  assay_axis y = equity_axis(low, high);
  assay_svg_rows(out, &y, y.log ? 6 : 5, LEFT, WIDTH - RIGHT, tick_of_money, &y);
  assay_svg_text(out, "em", LEFT, TOP - 10, "start", y.log ? "Equity (logarithmic)" : "Equity");
  if (view->benchmark != NULL) {
    char text[120];
    snprintf(text, sizeof text, "dashed: %s", view->benchmark_name != NULL ? view->benchmark_name : "benchmark");
    assay_svg_text(out, "lb", WIDTH - RIGHT, TOP - 10, "end", text);
    thin(view->benchmark->equity, view->benchmark->metrics.bars, x, &y, made);
    assay_svg_polyline(out, "roof3", made->x, made->y, made->count);
  }
  thin(view->result->equity, view->result->metrics.bars, x, &y, made);
  assay_svg_polyline(out, "ln", made->x, made->y, made->count);
}

static void draw_drawdown(assay_buf *out, const assay_backtest_view *view, const assay_axis *x, const double *depths, line *made) {
  double deepest = 0, top = TOP + EQUITY + GAP, zero[MOST];
  for (size_t i = 0; i < view->result->metrics.bars; i++) deepest = fmin(deepest, depths[i]);
  assay_axis y = assay_axis_nice(deepest < 0 ? deepest : -0.01, 0, false, top + DRAWDOWN, top);
  assay_svg_rows(out, &y, 3, LEFT, WIDTH - RIGHT, tick_of_share, NULL);
  assay_svg_text(out, "em", LEFT, top - 8, "start", "Below the highest equity so far");
  thin(depths, view->result->metrics.bars, x, &y, made);
  for (size_t i = 0; i < made->count; i++) zero[i] = top;
  assay_svg_band(out, "area", made->x, made->y, zero, made->count);
}

assay_status assay_backtest_draw(assay_buf *out, const assay_backtest_view *view, assay_error *err) {
  size_t bars = view->result->metrics.bars;
  double *depths = assay_alloc(ASSAY_TAG_REPORT, bars * sizeof *depths), peak = -INFINITY;
  line *made = assay_alloc(ASSAY_TAG_REPORT, sizeof *made);
  if (depths == NULL || made == NULL) {
    assay_free(depths);
    assay_free(made);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the picture of %zu bars", bars);
  }
  for (size_t i = 0; i < bars; i++) {
    peak = fmax(peak, view->result->equity[i]);
    depths[i] = fmax(view->result->equity[i] / peak - 1, -1);
  }
  assay_axis x = {0, bars > 1 ? (double)(bars - 1) : 1, false, LEFT, WIDTH - RIGHT};
  draw_windows(out, view, &x);
  draw_equity(out, view, &x, made);
  draw_drawdown(out, view, &x, depths, made);
  draw_moments(out, view, &x);
  assay_free(depths);
  assay_free(made);
  return ASSAY_OK;
}
