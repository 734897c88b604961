/* SPDX-License-Identifier: MIT */
/* A backtest as a page or a picture. */
#include <assay/backtest_report.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "report/html.h"
#include "report/render.h"
#include "report/svg.h"

/* ---- Figures as text ---------------------------------------------------------------------------------------------------------------- */

typedef enum figure_kind { PERCENT, RATIO, MONEY, COUNT } figure_kind;

static void figure_text(double value, figure_kind kind, char text[48]) {
  static const char *const forms[] = {"%.2f %%", "%.2f", "%.2f", "%.0f"};
  if (isnan(value))
    snprintf(text, 48, "\u2013");
  else if (isinf(value))
    snprintf(text, 48, value > 0 ? "\u221e" : "-\u221e");
  else
    assay_snprintf(text, 48,
                   fabs(value) < 1e10 ? forms[kind]
                   : kind == PERCENT  ? "%.3g %%"
                                      : "%.6g",
                   kind == PERCENT ? 100 * value
                   : value == 0    ? 0
                                   : value);
}

bool assay_backtest_metric_text(const assay_backtest_metrics *m, size_t index, const char **name, char value[48]) {
  const struct {
    const char *name;
    double value;
    figure_kind kind;
  } rows[] = {
      {"total return", m->total_return, PERCENT},
      {"return a year", m->annual_return, PERCENT},
      {"volatility a year", m->volatility, PERCENT},
      {"Sharpe ratio", m->sharpe, RATIO},
      {"Sortino ratio", m->sortino, RATIO},
      {"Calmar ratio", m->calmar, RATIO},
      {"deepest drawdown", m->max_drawdown, PERCENT},
      {"longest drawdown, bars", (double)m->longest_drawdown, COUNT},
      {"exposure", m->exposure, PERCENT},
      {"turnover a year", m->turnover, RATIO},
      {"trades", (double)m->trades, COUNT},
      {"win rate", m->win_rate, PERCENT},
      {"profit factor", m->profit_factor, RATIO},
      {"average trade", m->average_trade, MONEY},
      {"best trade", m->best_trade, MONEY},
      {"worst trade", m->worst_trade, MONEY},
      {"fees", m->fees, MONEY},
      {"dividends", m->dividends, MONEY},
      {"rejected orders", (double)m->rejected, COUNT},
      {"margin calls", (double)m->margin_calls, COUNT},
      {"first equity", m->first_equity, MONEY},
      {"last equity", m->last_equity, MONEY},
      {"bars", (double)m->bars, COUNT},
  };
  if (index >= sizeof rows / sizeof *rows) return false;
  *name = rows[index].name;
  figure_text(rows[index].value, rows[index].kind, value);
  return true;
}

/* "2004-05-17", with the time of day where bars are shorter than a day; without times the number of the bar. */
static void moment_text(const assay_backtest_view *view, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  if (view->times == NULL) {
    snprintf(text, ASSAY_REPORT_TEXT, "%zu", bar);
    return;
  }
  int64_t at = view->times[bar] / 1000000000;
  assay_report_when(at, text);
  if (at % 86400 == 0 && strlen(text) > 10) text[10] = '\0';
}

/* ---- The picture --------------------------------------------------------------------------------------------------------------------- */

enum {
  WIDTH = 860,
  LEFT = 76,
  RIGHT = 20,
  TOP = 26,
  EQUITY = 250,
  GAP = 34,
  DRAWDOWN = 110,
  BOTTOM = 26,
  MOST = 2 * (WIDTH - LEFT - RIGHT)
};
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

static void draw_scale(assay_buf *out, const assay_axis *y, bool percent) {
  double ticks[ASSAY_AXIS_TICKS];
  size_t count = assay_axis_ticks(y, percent ? 3 : 5, ticks);
  for (size_t i = 0; i < count; i++) {
    char text[ASSAY_REPORT_TEXT];
    double at = assay_axis_at(y, ticks[i]);
    assay_svg_line(out, "gr", LEFT, at, WIDTH - RIGHT, at);
    assay_snprintf(text, sizeof text, percent ? "%.4g %%" : "%.7g", percent ? 100 * ticks[i] : ticks[i]);
    assay_svg_text(out, "tk", LEFT - 6, at + 4, "end", text);
  }
}

/* As short as tells them apart, so that six stand side by side: days, or the time of the day. */
static void axis_text(const assay_backtest_view *view, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t second = 1000000000, day = 86400 * second;
  moment_text(view, bar, text);
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

static void draw_equity(assay_buf *out, const assay_backtest_view *view, const assay_axis *x, line *made) {
  double low = INFINITY, high = -INFINITY;
  range_of(view->result, &low, &high);
  range_of(view->benchmark, &low, &high);
  assay_axis y = assay_axis_nice(low, high, low > 0 && high > 4 * low, TOP + EQUITY, TOP);
  draw_scale(out, &y, false);
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
  draw_scale(out, &y, true);
  assay_svg_text(out, "em", LEFT, top - 8, "start", "Below the highest equity so far");
  thin(depths, view->result->metrics.bars, x, &y, made);
  for (size_t i = 0; i < made->count; i++) zero[i] = top;
  assay_svg_band(out, "area", made->x, made->y, zero, made->count);
}

static assay_status draw(assay_buf *out, const assay_backtest_view *view, assay_error *err) {
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
  draw_equity(out, view, &x, made);
  draw_drawdown(out, view, &x, depths, made);
  draw_moments(out, view, &x);
  assay_free(depths);
  assay_free(made);
  return ASSAY_OK;
}

static assay_status check(const assay_backtest_view *view, assay_error *err) {
  if (view->result == NULL || view->result->equity == NULL || view->title == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a picture of a backtest needs a title and a result that has kept its equity");
  if (view->benchmark != NULL && (view->benchmark->equity == NULL || view->benchmark->metrics.bars != view->result->metrics.bars))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the benchmark needs equity over the same bars");
  return ASSAY_OK;
}

static assay_status take(assay_buf *out, assay_status status, assay_error *err, char **text) {
  char *taken = status == ASSAY_OK ? assay_buf_take(out) : NULL;
  assay_buf_deinit(out);
  if (status != ASSAY_OK) return status;
  if (taken == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the report of a backtest");
  *text = taken;
  return ASSAY_OK;
}

assay_status assay_backtest_render_svg(const assay_backtest_view *view, assay_error *err, char **svg) {
  assay_buf out = {0};
  assay_status status = check(view, err);
  if (status != ASSAY_OK) return status;
  assay_svg_document(&out, WIDTH, HEIGHT, view->title);
  status = draw(&out, view, err);
  assay_svg_end(&out);
  assay_buf_putc(&out, '\n');
  return take(&out, status, err, svg);
}

/* ---- The page ------------------------------------------------------------------------------------------------------------------------ */

static void put_figures(assay_buf *out, const assay_backtest_view *view) {
  const char *name;
  char value[48];
  assay_html_begin(out, "figures", "Figures", NULL);
  assay_buf_puts(out, "<table><thead><tr><th></th><th>strategy</th>");
  if (view->benchmark != NULL) {
    assay_buf_puts(out, "<th>");
    assay_html_text(out, view->benchmark_name != NULL ? view->benchmark_name : "benchmark");
    assay_buf_puts(out, "</th>");
  }
  assay_buf_puts(out, "</tr></thead><tbody>\n");
  for (size_t i = 0; assay_backtest_metric_text(&view->result->metrics, i, &name, value); i++) {
    assay_buf_printf(out, "<tr><td>%s</td><td>%s</td>", name, value);
    if (view->benchmark != NULL && assay_backtest_metric_text(&view->benchmark->metrics, i, &name, value))
      assay_buf_printf(out, "<td>%s</td>", value);
    assay_buf_puts(out, "</tr>\n");
  }
  assay_buf_puts(out, "</tbody></table>\n");
  assay_html_end(out);
}

static void put_trade(assay_buf *out, const assay_backtest_view *view, const assay_backtest_trade *t) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  moment_text(view, t->entry_bar, from);
  moment_text(view, t->exit_bar, to);
  assay_buf_puts(out, "<tr><td>");
  if (view->names != NULL)
    assay_html_text(out, view->names[t->asset]);
  else
    assay_buf_printf(out, "%zu", t->asset);
  assay_buf_printf(out, "</td><td>%s</td><td>%s</td>", from, to);
  const double figures[] = {t->quantity, t->entry_price, t->exit_price, t->profit, t->fees};
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    char text[48];
    assay_snprintf(text, sizeof text, "%.6g", figures[i]);
    assay_buf_printf(out, "<td>%s</td>", text);
  }
  assay_buf_puts(out, "</tr>\n");
}

static void put_trades(assay_buf *out, const assay_backtest_view *view) {
  enum { SHOWN = 500 };
  size_t count = view->result->metrics.trades, shown = count < SHOWN ? count : SHOWN;
  if (view->result->trades == NULL || count == 0) return;
  assay_html_begin(out, "trades", "Trades", shown < count ? "The first 500 round trips." : "Round trips: from no position to none again.");
  assay_buf_puts(out,
                 "<table><thead><tr><th>asset</th><th>in</th><th>out</th><th>quantity</th><th>at</th><th>out at</th><th>profit</th>"
                 "<th>fees</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < shown; i++) put_trade(out, view, &view->result->trades[i]);
  assay_buf_puts(out, "</tbody></table>\n");
  assay_html_end(out);
}

assay_status assay_backtest_render_html(const assay_backtest_view *view, assay_error *err, char **html) {
  assay_buf out = {0};
  assay_status status = check(view, err);
  if (status != ASSAY_OK) return status;
  assay_html_page_begin(&out, "Backtest", view->title);
  assay_buf_puts(&out, "<main>\n<section id=\"summary\" class=\"first\"><h1>");
  assay_html_text(&out, view->title);
  assay_buf_puts(&out, "</h1>\n");
  if (view->subtitle != NULL) {
    assay_buf_puts(&out, "<p class=\"lead\">");
    assay_html_text(&out, view->subtitle);
    assay_buf_puts(&out, "</p>\n");
  }
  assay_svg_begin(&out, "plot", WIDTH, HEIGHT, "Equity and drawdown over time");
  status = draw(&out, view, err);
  assay_svg_end(&out);
  assay_html_end(&out);
  put_figures(&out, view);
  put_trades(&out, view);
  assay_buf_puts(&out, "</main>\n</body>\n</html>\n");
  return take(&out, status, err, html);
}
