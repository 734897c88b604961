/* SPDX-License-Identifier: MIT */
/* The windows of a walk-forward: what was chosen, what it had earned in training, and what it earned on bars that it had not seen. */
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "report/backtest.h"

enum { WIDTH = ASSAY_BACKTEST_WIDTH, ROW = 22, TOP = 24, MOST = 60, LABEL = 2 * ASSAY_REPORT_TEXT + 8 };

/* What has no place on an axis: no choice, or a return a year of bars so short that it is infinite. */
static bool is_drawable(const assay_backtest_window *v) {
  return v->chosen && isfinite(v->trained.annual_return) && isfinite(v->tested.annual_return);
}

static size_t count_drawable(const assay_backtest_walked *w) {
  size_t count = 0;
  for (size_t i = 0; i < w->window_count; i++) count += is_drawable(&w->windows[i]);
  return count;
}

static void range_of(const assay_backtest_walked *w, double *low, double *high) {
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    if (!is_drawable(v)) continue;
    *low = fmin(*low, fmin(v->trained.annual_return, v->tested.annual_return));
    *high = fmax(*high, fmax(v->trained.annual_return, v->tested.annual_return));
  }
}

static void label_of(const assay_backtest_view *view, const assay_backtest_window *v, char text[LABEL]) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  assay_backtest_moment_text(view, v->test_first, from);
  assay_backtest_moment_text(view, v->test_end - 1, to);
  snprintf(text, LABEL, "%s to %s", from, to);
}

/* Room for the longest label: days are short, times of a day are not. */
static double left_of(const assay_backtest_view *view) {
  const assay_backtest_walked *w = view->choice->walked;
  unsigned columns = 26;
  for (size_t i = 0; i < w->window_count; i++) {
    char text[LABEL];
    label_of(view, &w->windows[i], text);
    if (assay_report_columns(text) > columns) columns = assay_report_columns(text);
  }
  return 26 + 6.3 * columns;
}

/* A line a window: from what training gave to what the test gave. */
static void draw_windows(assay_buf *out, const assay_backtest_view *view) {
  const assay_backtest_walked *w = view->choice->walked;
  double low = 0, high = 0, bottom = TOP + (double)w->window_count * ROW, ticks[ASSAY_AXIS_TICKS], left = left_of(view);
  range_of(w, &low, &high);
  assay_axis x = assay_axis_nice(low, high, false, left, WIDTH - 2 * ASSAY_BACKTEST_RIGHT);
  assay_html_plot_begin(out, WIDTH, bottom + 22, "Returns a year in training and in the test, window by window");
  for (size_t i = 0, count = assay_axis_ticks(&x, 6, ticks); i < count; i++) {
    char text[48];
    double at = assay_axis_at(&x, ticks[i]);
    assay_svg_line(out, fabs(ticks[i]) < 1e-12 ? "z" : "gr", at, TOP - 6, at, bottom);
    assay_snprintf(text, sizeof text, "%.4g %%", 100 * ticks[i]);
    assay_svg_text(out, "tk", at, bottom + 15, "middle", text);
  }
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char text[LABEL];
    double y = TOP + ((double)i + 0.5) * ROW;
    label_of(view, v, text);
    assay_svg_text(out, "tk", left - 12, y + 4, "end", text);
    if (!is_drawable(v)) continue;
    double trained = assay_axis_at(&x, v->trained.annual_return), tested = assay_axis_at(&x, v->tested.annual_return);
    assay_svg_line(out, v->tested.annual_return < v->trained.annual_return ? "worse" : "better", trained, y, tested, y);
    assay_svg_dot(out, "far", trained, y, 4);
    assay_svg_dot(out, "pt", tested, y, 5);
  }
  assay_html_plot_end(out, "Return a year: hollow in training, filled on the bars behind it, which the choice had not seen.");
}

static void put_moment(assay_buf *out, const assay_backtest_view *view, size_t bar) {
  char text[ASSAY_REPORT_TEXT];
  assay_backtest_moment_text(view, bar, text);
  assay_buf_printf(out, "<td class=\"w\">%s</td>", text);
}

static void put_window(assay_buf *out, const assay_backtest_view *view, const assay_backtest_window *v) {
  assay_buf_puts(out, "<tr>");
  put_moment(out, view, v->train_first);
  put_moment(out, view, v->test_first);
  put_moment(out, view, v->test_end - 1);
  if (!v->chosen) {
    assay_buf_puts(out, "<td colspan=\"7\" class=\"soft\">nothing: ");
    assay_html_text(out, v->why[0] != '\0' ? v->why : "no configuration has a score");
    assay_buf_puts(out, "</td></tr>\n");
    return;
  }
  assay_buf_puts(out, "<td class=\"w\">");
  assay_backtest_html_parameters(out, view->choice, v->parameters);
  assay_buf_puts(out, "</td>");
  assay_backtest_html_figure(out, v->trained.annual_return, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, v->tested.annual_return, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, v->trained.sharpe, ASSAY_FIGURE_RATIO);
  assay_backtest_html_figure(out, v->tested.sharpe, ASSAY_FIGURE_RATIO);
  assay_backtest_html_figure(out, v->tested.max_drawdown, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, (double)v->tested.trades, ASSAY_FIGURE_COUNT);
  assay_buf_puts(out, "</tr>\n");
}

#define TRIED "Each time the best of the sweep on the bars before was tried on those behind them. "

void assay_backtest_html_windows(assay_buf *out, const assay_backtest_view *view) {
  const assay_backtest_walked *w = view->choice != NULL ? view->choice->walked : NULL;
  char kept[48];
  if (w == NULL) return;
  assay_html_begin(out, "windows", "Windows",
                   w->carry ? TRIED "What a window holds at its end goes over to the next."
                            : TRIED "What a window holds at its end is sold there, with fees and slippage.");
  if (isfinite(w->efficiency)) {
    assay_backtest_figure_text(w->efficiency, ASSAY_FIGURE_PERCENT, kept);
    assay_buf_printf(out, "<p>Of the return a year that the choices had in training, <b>%s</b> were left in the tests.</p>\n", kept);
  }
  if (w->window_count <= MOST && count_drawable(w) > 0) draw_windows(out, view);
  assay_buf_puts(out,
                 "<div class=\"scroll\"><table class=\"tight\"><thead><tr><th>trained from</th><th>tested from</th><th>to</th>"
                 "<th>chosen</th><th class=\"r\">a year, trained</th><th class=\"r\">tested</th><th class=\"r\">Sharpe, trained</th>"
                 "<th class=\"r\">tested</th><th class=\"r\">drawdown</th><th class=\"r\">trades</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < w->window_count; i++) put_window(out, view, &w->windows[i]);
  assay_buf_puts(out, "</tbody></table></div>\n");
  assay_html_end(out);
}
