/* SPDX-License-Identifier: MIT */
/*
 * assay/backtest_report.h: a backtest as a page or a picture: equity beside a benchmark, drawdown, figures, returns over months, trades; of
 * a sweep its configurations as a map and a table, and what the best of them is worth; of a walk-forward its windows.
 *
 *     assay_backtest_view view = {.title = "sma fast=10 slow=50", .result = result, .benchmark = hold, .times = bars.times};
 *     char *html = NULL;
 *     if (assay_backtest_render_html(&view, &err, &html) == ASSAY_OK) write_somewhere(html);
 *     assay_string_free(html);
 *
 * The page asks nothing of any network and needs no script (with one, tables can be sorted). Rendering is pure: the same input gives the
 * same bytes. Thread-safe.
 */
#ifndef ASSAY_BACKTEST_REPORT_H
#define ASSAY_BACKTEST_REPORT_H

#include <assay/backtest.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the parameters of a result were chosen. */
typedef struct assay_backtest_choice {
  const assay_strategy *strategy;
  const assay_backtest_range *ranges; /* what was swept */
  size_t range_count;
  assay_backtest_objective objective;
  /* Of a sweep, whose best is the view's result; NULL: none. */
  const assay_backtest_row *rows; /* of assay_backtest_run_sweep with these ranges */
  size_t row_count, best;
  const assay_backtest_luck *luck; /* NULL: not known */
  size_t most_rows;                /* in the table; 0: 200 */
  /* Of a walk-forward, whose result is the view's; NULL: none. */
  const assay_backtest_walked *walked;
} assay_backtest_choice;

typedef struct assay_backtest_view {
  const char *title, *subtitle;           /* subtitle may be NULL */
  const assay_backtest_result *result;    /* with equity; trades are listed where they are kept */
  const assay_backtest_result *benchmark; /* with equity, of the same bars; NULL: none */
  const char *benchmark_name;             /* NULL: "benchmark" */
  const int64_t *times;                   /* of all bars of the data; NULL: bars have numbers */
  const char *const *names;               /* of assets; NULL: numbers */
  const assay_backtest_choice *choice;    /* NULL: the parameters were given */
} assay_backtest_view;

/* ASSAY_ERR_INVALID for a result without equity. Free the text with assay_string_free. */
ASSAY_API assay_status assay_backtest_render_svg(const assay_backtest_view *view, assay_error *err, char **svg);
ASSAY_API assay_status assay_backtest_render_html(const assay_backtest_view *view, assay_error *err, char **html);

/* Many symbols, each run by itself. */
typedef struct assay_backtest_each_view {
  const char *title, *subtitle; /* subtitle may be NULL */
  const assay_strategy *strategy;
  const assay_backtest_symbol *symbols; /* of assay_backtest_run_each; with curves where options kept equity */
  const char *const *names;             /* theirs */
  size_t count;
  const assay_backtest_range *ranges; /* what was swept; none: the parameters were given */
  size_t range_count;
  bool is_walked; /* each has a walk-forward of its own */
  assay_backtest_objective objective;
  size_t most_rows; /* in the table, the best first; 0: 500 */
} assay_backtest_each_view;

/* A page of them all: figures together, and a line with a small curve for each. Free the text with assay_string_free. */
ASSAY_API assay_status assay_backtest_render_each_html(const assay_backtest_each_view *view, assay_error *err, char **html);

/* One row a metric, for whoever shows them: "Sharpe", "0.42". False past the last. */
ASSAY_API bool assay_backtest_metric_text(const assay_backtest_metrics *metrics, size_t index, const char **name, char value[48]);

#ifdef __cplusplus
}
#endif
#endif
