/* SPDX-License-Identifier: MIT */
/* Many symbols as a page: what they come to together, and a line with a small curve for each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "report/backtest.h"

enum { CURVE_WIDTH = 130, CURVE_HEIGHT = 30, SHOWN = 500 };

/* ---- Together ------------------------------------------------------------------------------------------------------------------------ */

static void put_tile(assay_buf *out, const char *name, double value, assay_figure_kind kind, const char *sub) {
  char text[48];
  assay_backtest_figure_text(value, kind, text);
  assay_buf_printf(out, "<div><dt>%s</dt><dd class=\"fig\">%s</dd>", name, text);
  if (sub != NULL) assay_buf_printf(out, "<dd class=\"sub\">%s</dd>", sub);
  assay_buf_puts(out, "</div>\n");
}

static void put_tiles(assay_buf *out, const assay_backtest_summary *s) {
  char lost[48] = "", hold[64], median[48];
  if (s->done < s->symbols) snprintf(lost, sizeof lost, "%zu not run", s->symbols - s->done);
  assay_backtest_figure_text(s->hold_return.median, ASSAY_FIGURE_PERCENT, median);
  snprintf(hold, sizeof hold, "hold %s", median);
  assay_buf_puts(out, "<dl class=\"tiles\">\n");
  put_tile(out, "Symbols", (double)s->done, ASSAY_FIGURE_COUNT, lost[0] != '\0' ? lost : NULL);
  put_tile(out, "Gained", (double)s->gained, ASSAY_FIGURE_COUNT, NULL);
  put_tile(out, "Better than hold", (double)s->beat_hold, ASSAY_FIGURE_COUNT, NULL);
  put_tile(out, "Median return", s->total_return.median, ASSAY_FIGURE_PERCENT, hold);
  put_tile(out, "Median Sharpe ratio", s->sharpe.median, ASSAY_FIGURE_RATIO, NULL);
  put_tile(out, "Median drawdown", s->max_drawdown.median, ASSAY_FIGURE_PERCENT, NULL);
  assay_buf_puts(out, "</dl>\n");
}

static void put_spreads(assay_buf *out, const assay_backtest_summary *s) {
  const struct {
    const char *name;
    const assay_backtest_spread *spread;
    assay_figure_kind kind;
  } rows[] = {{"total return", &s->total_return, ASSAY_FIGURE_PERCENT},
              {"return a year", &s->annual_return, ASSAY_FIGURE_PERCENT},
              {"Sharpe ratio", &s->sharpe, ASSAY_FIGURE_RATIO},
              {"deepest drawdown", &s->max_drawdown, ASSAY_FIGURE_PERCENT},
              {"hold: total return", &s->hold_return, ASSAY_FIGURE_PERCENT}};
  assay_html_begin(out, "together", "Together", "Over all symbols that have the figure.");
  assay_buf_puts(out,
                 "<table class=\"figs\"><thead><tr><th></th><th class=\"r\">mean</th><th class=\"r\">median</th><th class=\"r\">least</th>"
                 "<th class=\"r\">most</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const assay_backtest_spread *of = rows[i].spread;
    const double values[] = {of->mean, of->median, of->least, of->most};
    assay_buf_printf(out, "<tr><td>%s</td>", rows[i].name);
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) assay_backtest_html_figure(out, values[k], rows[i].kind);
    assay_buf_puts(out, "</tr>\n");
  }
  assay_buf_puts(out, "</tbody></table>\n");
  assay_html_end(out);
}

/* ---- A symbol ------------------------------------------------------------------------------------------------------------------------ */

static void draw_line(assay_buf *out, const char *css_class, const double *curve, size_t count, const assay_axis *y) {
  double at[ASSAY_BACKTEST_SAMPLES], value[ASSAY_BACKTEST_SAMPLES];
  const assay_axis x = {0, (double)(count - 1), false, 2, CURVE_WIDTH - 2};
  for (size_t i = 0; i < count; i++) {
    at[i] = assay_axis_at(&x, (double)i);
    value[i] = assay_axis_at(y, curve[i]);
  }
  assay_svg_polyline(out, css_class, at, value, count);
}

/* The strategy's equity over that of buying and holding, which is dashed. */
static void put_curve(assay_buf *out, const assay_backtest_symbol *s) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < s->samples; i++) {
    low = fmin(low, fmin(s->curve[i], s->hold_curve[i]));
    high = fmax(high, fmax(s->curve[i], s->hold_curve[i]));
  }
  assay_buf_puts(out, "<td>");
  if (s->samples > 1 && isfinite(low) && isfinite(high)) {
    const assay_axis y = {low, high > low ? high : low + 1, false, CURVE_HEIGHT - 2, 2};
    assay_svg_begin(out, "p", CURVE_WIDTH, CURVE_HEIGHT, NULL);
    draw_line(out, "roof3", s->hold_curve, s->samples, &y);
    draw_line(out, "ln", s->curve, s->samples, &y);
    assay_svg_end(out);
  }
  assay_buf_puts(out, "</td>");
}

static void put_choice(assay_buf *out, const assay_backtest_each_view *view, const assay_backtest_symbol *s) {
  const assay_backtest_choice choice = {.strategy = view->strategy, .ranges = view->ranges, .range_count = view->range_count};
  assay_buf_puts(out, "<td class=\"w\">");
  assay_backtest_html_parameters(out, &choice, s->parameters);
  assay_buf_puts(out, "</td>");
}

/* A dash in a column of parameters; who rests on it is told why. */
static void put_no_choice(assay_buf *out, const assay_backtest_symbol *s) {
  assay_buf_puts(out, "<td class=\"w\" title=\"");
  assay_html_text(out, s->why);
  assay_buf_puts(out, "\">-</td>");
}

static void put_row(assay_buf *out, const assay_backtest_each_view *view, size_t index) {
  const assay_backtest_symbol *s = &view->symbols[index];
  const bool swept = view->range_count > 0;
  assay_buf_puts(out, "<tr><td>");
  assay_html_name(out, view->names[index]);
  assay_buf_puts(out, "</td>");
  if (s->outcome != ASSAY_BACKTEST_DONE) {
    assay_buf_printf(out, "<td colspan=\"%d\" class=\"soft\">%s: ", 8 + swept + view->is_walked, assay_backtest_outcome_text(s->outcome));
    assay_html_text(out, s->why);
    assay_buf_puts(out, "</td></tr>\n");
    return;
  }
  put_curve(out, s);
  assay_backtest_html_figure(out, s->metrics.total_return, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, s->metrics.annual_return, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, s->metrics.sharpe, ASSAY_FIGURE_RATIO);
  assay_backtest_html_figure(out, s->metrics.max_drawdown, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, (double)s->metrics.trades, ASSAY_FIGURE_COUNT);
  assay_backtest_html_figure(out, s->hold.total_return, ASSAY_FIGURE_PERCENT);
  assay_backtest_html_figure(out, (double)s->metrics.bars, ASSAY_FIGURE_COUNT);
  if (view->is_walked) assay_backtest_html_figure(out, s->efficiency, ASSAY_FIGURE_PERCENT);
  if (swept) {
    if (view->is_walked && s->windows == 0)
      put_no_choice(out, s);
    else
      put_choice(out, view, s);
  }
  assay_buf_puts(out, "</tr>\n");
}

/* ---- All of them --------------------------------------------------------------------------------------------------------------------- */

static void put_heads(assay_buf *out, const assay_backtest_each_view *view) {
  static const char *const heads[] = {"return", "a year", "Sharpe", "drawdown", "trades", "hold", "bars", "kept"};
  static const int columns[] = {2, -1, -1, 0, 3}; /* that an objective ranks by */
  assay_buf_puts(out, "<div class=\"scroll\"><table class=\"sorts tight curves\"><thead><tr><th>symbol</th><th>equity</th>");
  for (int i = 0; i < 7 + view->is_walked; i++)
    assay_buf_printf(out, "<th class=\"r\" scope=\"col\"%s><button type=\"button\">%s</button></th>",
                     columns[view->objective] != i                ? ""
                     : view->objective == ASSAY_BACKTEST_DRAWDOWN ? " aria-sort=\"ascending\""
                                                                  : " aria-sort=\"descending\"",
                     heads[i]);
  if (view->range_count > 0) assay_buf_puts(out, view->is_walked ? "<th>chosen last</th>" : "<th>chosen</th>");
  assay_buf_puts(out, "</tr></thead><tbody>\n");
}

static const char *lead_of(const assay_backtest_each_view *view) {
  if (view->is_walked)
    return "Each was chosen on the past and tried on what came next, again and again; shown are the tests. Kept: how much of the return a "
           "year in training was left in them. The dashed line is buying and holding.";
  if (view->range_count > 0)
    return "Each with the best of its own sweep, on the bars that it was chosen on. The dashed line is buying and holding.";
  return "The dashed line is buying and holding the same at the same costs.";
}

/* The best first; those that were not run come last. */
static assay_status put_symbols(assay_buf *out, const assay_backtest_each_view *view, assay_error *err) {
  assay_ranked *order = assay_alloc(ASSAY_TAG_REPORT, view->count * sizeof *order);
  if (order == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a table of %zu rows", view->count);
  for (size_t i = 0; i < view->count; i++)
    order[i] = assay_ranked_of(view->symbols[i].outcome, &view->symbols[i].metrics, view->objective, i);
  assay_rank(order, view->count);
  const size_t most = view->most_rows > 0 ? view->most_rows : SHOWN, shown = view->count < most ? view->count : most;
  assay_html_begin(out, "symbols", "Symbols", lead_of(view));
  put_heads(out, view);
  for (size_t i = 0; i < shown; i++) put_row(out, view, order[i].row);
  assay_buf_puts(out, "</tbody></table></div>\n");
  if (shown < view->count)
    assay_buf_printf(out, "<p class=\"soft\">The first %zu of %zu; a table (.csv) has all of them.</p>\n", shown, view->count);
  assay_html_end(out);
  assay_free(order);
  return ASSAY_OK;
}

assay_status assay_backtest_render_each_html(const assay_backtest_each_view *view, assay_error *err, char **html) {
  assay_buf out = {0};
  assay_backtest_summary summary;
  static const assay_html_section sections[] = {{true, "summary", "Summary"}, {true, "symbols", "Symbols"}, {true, "together", "Together"}};
  if (view->title == NULL || view->symbols == NULL || view->names == NULL || view->strategy == NULL || view->count == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a page of many symbols needs a title, a strategy, symbols and their names");
  assay_status status = assay_backtest_summarise(view->symbols, view->count, err, &summary);
  if (status != ASSAY_OK) return status;
  assay_html_page_begin(&out, "Backtest", view->title);
  assay_html_contents(&out, sections, sizeof sections / sizeof *sections);
  assay_html_main_begin(&out, view->title, view->subtitle);
  put_tiles(&out, &summary);
  assay_html_end(&out);
  status = put_symbols(&out, view, err);
  put_spreads(&out, &summary);
  assay_html_page_end(&out);
  return assay_backtest_take_text(&out, status, err, html);
}
