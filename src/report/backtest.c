/* SPDX-License-Identifier: MIT */
/* A backtest as a page: the frame, the figures, the trades. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "report/backtest.h"

/* ---- Figures as text ---------------------------------------------------------------------------------------------------------------- */

/* Rounded to 0 it has no sign. */
static void drop_sign_of_zero(char text[48]) {
  if (text[0] == '-' && strpbrk(text, "123456789") == NULL) memmove(text, text + 1, strlen(text));
}

void assay_backtest_figure_text(double value, assay_figure_kind kind, char text[48]) {
  static const char *const forms[] = {"%.2f %%", "%.2f", "%.2f", "%.0f"};
  if (isnan(value)) {
    snprintf(text, 48, "\u2013");
    return;
  }
  if (isinf(value)) {
    snprintf(text, 48, value > 0 ? "\u221e" : "-\u221e");
    return;
  }
  const char *form = fabs(value) < 1e10 ? forms[kind] : kind == ASSAY_FIGURE_PERCENT ? "%.3g %%" : "%.6g";
  assay_snprintf(text, 48, form, kind == ASSAY_FIGURE_PERCENT ? 100 * value : value);
  drop_sign_of_zero(text);
}

typedef struct figure {
  const char *name;
  double value;
  assay_figure_kind kind;
} figure;

/* False past the last. */
static bool find_figure(const assay_backtest_metrics *m, size_t index, figure *found) {
  const figure rows[] = {
      {"total return", m->total_return, ASSAY_FIGURE_PERCENT},
      {"return a year", m->annual_return, ASSAY_FIGURE_PERCENT},
      {"volatility a year", m->volatility, ASSAY_FIGURE_PERCENT},
      {"Sharpe ratio", m->sharpe, ASSAY_FIGURE_RATIO},
      {"Sortino ratio", m->sortino, ASSAY_FIGURE_RATIO},
      {"Calmar ratio", m->calmar, ASSAY_FIGURE_RATIO},
      {"deepest drawdown", m->max_drawdown, ASSAY_FIGURE_PERCENT},
      {"longest drawdown, bars", (double)m->longest_drawdown, ASSAY_FIGURE_COUNT},
      {"exposure", m->exposure, ASSAY_FIGURE_PERCENT},
      {"turnover a year", m->turnover, ASSAY_FIGURE_RATIO},
      {"trades", (double)m->trades, ASSAY_FIGURE_COUNT},
      {"positions open at the end", (double)m->open_at_end, ASSAY_FIGURE_COUNT},
      {"win rate", m->win_rate, ASSAY_FIGURE_PERCENT},
      {"profit factor", m->profit_factor, ASSAY_FIGURE_RATIO},
      {"average trade", m->average_trade, ASSAY_FIGURE_MONEY},
      {"best trade", m->best_trade, ASSAY_FIGURE_MONEY},
      {"worst trade", m->worst_trade, ASSAY_FIGURE_MONEY},
      {"fees", m->fees, ASSAY_FIGURE_MONEY},
      {"dividends", m->dividends, ASSAY_FIGURE_MONEY},
      {"rejected orders", (double)m->rejected, ASSAY_FIGURE_COUNT},
      {"margin calls", (double)m->margin_calls, ASSAY_FIGURE_COUNT},
      {"first equity", m->first_equity, ASSAY_FIGURE_MONEY},
      {"last equity", m->last_equity, ASSAY_FIGURE_MONEY},
      {"bars", (double)m->bars, ASSAY_FIGURE_COUNT},
  };
  if (index >= sizeof rows / sizeof *rows) return false;
  *found = rows[index];
  return true;
}

bool assay_backtest_metric_text(const assay_backtest_metrics *m, size_t index, const char **name, char value[48]) {
  figure f;
  if (!find_figure(m, index, &f)) return false;
  *name = f.name;
  assay_backtest_figure_text(f.value, f.kind, value);
  return true;
}

void assay_backtest_moment_text(const assay_backtest_view *view, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  if (view->times == NULL) {
    snprintf(text, ASSAY_REPORT_TEXT, "%zu", bar);
    return;
  }
  assay_report_moment(view->times[bar], text);
}

/* ---- Either
 * ------------------------------------------------------------------------------------------------------------------------------ */

static assay_status check(const assay_backtest_view *view, assay_error *err) {
  if (view->result == NULL || view->result->equity == NULL || view->title == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a picture of a backtest needs a title and a result that has kept its equity");
  if (view->benchmark != NULL && (view->benchmark->equity == NULL || view->benchmark->metrics.bars != view->result->metrics.bars))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the benchmark needs equity over the same bars");
  return ASSAY_OK;
}

assay_status assay_backtest_take_text(assay_buf *out, assay_status status, assay_error *err, char **text) {
  char *taken = status == ASSAY_OK ? assay_buf_take(out) : NULL;
  assay_buf_deinit(out);
  if (status != ASSAY_OK) return status;
  if (taken == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the report of a backtest");
  *text = taken;
  return ASSAY_OK;
}

/* A picture stands alone: what it is of stands above it. */
enum { HEAD = 52, TITLE_COLUMNS = 90, SUBTITLE_COLUMNS = 130 };

static void put_fitting(assay_buf *out, const char *css_class, double y, const char *text, unsigned columns) {
  assay_buf shown = {0};
  if (text != NULL) assay_report_fit(&shown, text, assay_report_columns(text) > columns ? columns : assay_report_columns(text), false);
  if (shown.failed) out->failed = true;
  if (shown.data != NULL) assay_svg_text(out, css_class, ASSAY_BACKTEST_LEFT, y, "start", shown.data);
  assay_buf_deinit(&shown);
}

static void put_head(assay_buf *out, const assay_backtest_view *view) {
  put_fitting(out, "ti", 22, view->title, TITLE_COLUMNS);
  put_fitting(out, "lb", 39, view->subtitle, SUBTITLE_COLUMNS);
}

assay_status assay_backtest_render_svg(const assay_backtest_view *view, assay_error *err, char **svg) {
  assay_buf out = {0};
  assay_status status = check(view, err);
  if (status != ASSAY_OK) return status;
  assay_svg_document(&out, ASSAY_BACKTEST_WIDTH, HEAD + ASSAY_BACKTEST_HEIGHT, view->title);
  put_head(&out, view);
  assay_buf_printf(&out, "<g transform=\"translate(0 %d)\">\n", HEAD);
  status = assay_backtest_draw(&out, view, err);
  assay_buf_puts(&out, "</g>\n");
  assay_svg_end(&out);
  assay_buf_putc(&out, '\n');
  return assay_backtest_take_text(&out, status, err, svg);
}

/* ---- The page ------------------------------------------------------------------------------------------------------------------------ */

void assay_backtest_html_figure(assay_buf *out, double value, assay_figure_kind kind) {
  char text[48];
  assay_backtest_figure_text(value, kind, text);
  assay_buf_puts(out, "<td class=\"r\" data-v=\"");
  if (isinf(value))
    assay_buf_puts(out, value > 0 ? "Infinity" : "-Infinity");
  else if (!isnan(value))
    assay_buf_double(out, value);
  assay_buf_printf(out, "\">%s</td>", text);
}

void assay_backtest_html_parameters(assay_buf *out, const assay_backtest_choice *c, const double *parameters) {
  bool swept = c->range_count > 0;
  for (size_t i = 0; i < (swept ? c->range_count : c->strategy->parameter_count); i++) {
    size_t place = swept ? c->ranges[i].parameter : i;
    assay_buf_puts(out, i > 0 ? " " : "");
    assay_html_text(out, c->strategy->parameters[place].name);
    assay_buf_putc(out, '=');
    assay_buf_double(out, parameters[place]);
  }
}

/* Of a recorded book fills are known, and nothing by the year, by the bar or by the trade. */
static bool knows_trades(const assay_backtest_result *r) { return r->trades != NULL || r->metrics.fills == 0; }

/* What is asked first, with the same of buying and holding below. */
static void put_tiles(assay_buf *out, const assay_backtest_view *view) {
  const assay_backtest_metrics *m = &view->result->metrics, *b = view->benchmark != NULL ? &view->benchmark->metrics : NULL;
  const struct {
    const char *name;
    double value, other;
    assay_figure_kind kind;
  } tiles[] = {{"Total return", m->total_return, b != NULL ? b->total_return : NAN, ASSAY_FIGURE_PERCENT},
               {"Return a year", m->annual_return, b != NULL ? b->annual_return : NAN, ASSAY_FIGURE_PERCENT},
               {"Sharpe ratio", m->sharpe, b != NULL ? b->sharpe : NAN, ASSAY_FIGURE_RATIO},
               {"Deepest drawdown", m->max_drawdown, b != NULL ? b->max_drawdown : NAN, ASSAY_FIGURE_PERCENT},
               {"Exposure", m->exposure, b != NULL ? b->exposure : NAN, ASSAY_FIGURE_PERCENT},
               {"Trades", (double)m->trades, NAN, ASSAY_FIGURE_COUNT}};
  const bool trades_are_known = knows_trades(view->result);
  assay_buf_puts(out, "<dl class=\"tiles\">\n");
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
    char value[48], other[48];
    if (isnan(tiles[i].value) || (tiles[i].kind == ASSAY_FIGURE_COUNT && !trades_are_known)) continue;
    assay_backtest_figure_text(tiles[i].value, tiles[i].kind, value);
    assay_buf_printf(out, "<div><dt>%s</dt><dd class=\"fig\">%s</dd>", tiles[i].name, value);
    if (b != NULL && !isnan(tiles[i].other)) {
      assay_backtest_figure_text(tiles[i].other, tiles[i].kind, other);
      assay_buf_puts(out, "<dd class=\"sub\">");
      assay_html_text(out, view->benchmark_name != NULL ? view->benchmark_name : "benchmark");
      assay_buf_printf(out, " %s</dd>", other);
    }
    if (tiles[i].kind == ASSAY_FIGURE_COUNT && !isnan(m->win_rate)) {
      assay_backtest_figure_text(m->win_rate, ASSAY_FIGURE_PERCENT, other);
      assay_buf_printf(out, "<dd class=\"sub\">%s won</dd>", other);
    }
    assay_buf_puts(out, "</div>\n");
  }
  if (!trades_are_known) assay_buf_printf(out, "<div><dt>Fills</dt><dd class=\"fig\">%zu</dd></div>\n", m->fills);
  assay_buf_puts(out, "</dl>\n");
}

static void put_figures(assay_buf *out, const assay_backtest_view *view) {
  const bool shows_all = knows_trades(view->result);
  const char *name;
  char value[48];
  figure f;
  assay_html_begin(out, "figures", "Figures", NULL);
  assay_buf_puts(out, "<table class=\"figs\"><thead><tr><th></th><th class=\"r\">strategy</th>");
  if (view->benchmark != NULL) {
    assay_buf_puts(out, "<th class=\"r\">");
    assay_html_text(out, view->benchmark_name != NULL ? view->benchmark_name : "benchmark");
    assay_buf_puts(out, "</th>");
  }
  assay_buf_puts(out, "</tr></thead><tbody>\n");
  for (size_t i = 0; find_figure(&view->result->metrics, i, &f); i++) {
    if (!shows_all && (isnan(f.value) || f.kind == ASSAY_FIGURE_COUNT)) continue;
    assay_backtest_figure_text(f.value, f.kind, value);
    assay_buf_printf(out, "<tr><td>%s</td><td class=\"r\">%s</td>", f.name, value);
    if (view->benchmark != NULL && assay_backtest_metric_text(&view->benchmark->metrics, i, &name, value))
      assay_buf_printf(out, "<td class=\"r\">%s</td>", value);
    assay_buf_puts(out, "</tr>\n");
  }
  assay_buf_puts(out, "</tbody></table>\n");
  assay_html_end(out);
}

static void put_trade(assay_buf *out, const assay_backtest_view *view, const assay_backtest_trade *t) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  assay_backtest_moment_text(view, t->entry_bar, from);
  assay_backtest_moment_text(view, t->exit_bar, to);
  assay_buf_puts(out, "<tr><td>");
  if (view->names != NULL)
    assay_html_text(out, view->names[t->asset]);
  else
    assay_buf_printf(out, "%zu", t->asset);
  assay_buf_printf(out, "</td><td class=\"w\">%s</td><td class=\"w\">%s</td>", from, to);
  const double figures[] = {t->quantity, t->entry_price, t->exit_price, t->profit, t->fees};
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    char text[48];
    assay_snprintf(text, sizeof text, "%.6g", figures[i]);
    assay_buf_printf(out, "<td class=\"r\" data-v=\"%s\">%s</td>", text, text);
  }
  assay_buf_puts(out, "</tr>\n");
}

static void put_trades(assay_buf *out, const assay_backtest_view *view) {
  enum { SHOWN = 500 };
  size_t count = view->result->metrics.trades, shown = count < SHOWN ? count : SHOWN;
  if (view->result->trades == NULL || count == 0) return;
  assay_html_begin(out, "trades", "Trades", shown < count ? "The first 500 round trips." : "Round trips: from no position to none again.");
  static const char *const heads[] = {"quantity", "at", "out at", "profit", "fees"};
  assay_buf_puts(out, "<div class=\"scroll tall\"><table class=\"sorts tight\"><thead><tr><th>asset</th><th>in</th><th>out</th>");
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
    assay_buf_printf(out, "<th class=\"r\" scope=\"col\"><button type=\"button\">%s</button></th>", heads[i]);
  assay_buf_puts(out, "</tr></thead><tbody>\n");
  for (size_t i = 0; i < shown; i++) put_trade(out, view, &view->result->trades[i]);
  assay_buf_puts(out, "</tbody></table></div>\n");
  assay_html_end(out);
}

static void put_contents(assay_buf *out, const assay_backtest_view *view) {
  const assay_backtest_choice *c = view->choice;
  const assay_html_section sections[] = {{true, "summary", "Summary"},
                                         {c != NULL && c->rows != NULL, "configurations", "Configurations"},
                                         {c != NULL && c->walked != NULL, "windows", "Windows"},
                                         {true, "figures", "Figures"},
                                         {assay_backtest_has_months(view), "months", "Months"},
                                         {view->result->trades != NULL && view->result->metrics.trades > 0, "trades", "Trades"}};
  assay_html_contents(out, sections, sizeof sections / sizeof *sections);
}

assay_status assay_backtest_render_html(const assay_backtest_view *view, assay_error *err, char **html) {
  assay_buf out = {0};
  assay_status status = check(view, err);
  if (status != ASSAY_OK) return status;
  assay_html_page_begin(&out, "Backtest", view->title);
  put_contents(&out, view);
  assay_html_main_begin(&out, view->title, view->subtitle);
  put_tiles(&out, view);
  assay_html_plot_begin(&out, ASSAY_BACKTEST_WIDTH, ASSAY_BACKTEST_HEIGHT, "Equity and drawdown over time");
  status = assay_backtest_draw(&out, view, err);
  assay_html_plot_end(&out, NULL);
  assay_html_end(&out);
  if (status == ASSAY_OK) status = assay_backtest_html_tried(&out, view, err);
  assay_backtest_html_windows(&out, view);
  put_figures(&out, view);
  if (status == ASSAY_OK) status = assay_backtest_html_months(&out, view, err);
  put_trades(&out, view);
  assay_html_page_end(&out);
  return assay_backtest_take_text(&out, status, err, html);
}
