/* SPDX-License-Identifier: MIT */
/*
 * assay/backtest_report.h: a backtest as a page or a picture: equity beside a benchmark, drawdown, figures, trades.
 *
 *     assay_backtest_view view = {.title = "sma fast=10 slow=50", .result = result, .benchmark = hold, .times = bars.times};
 *     char *html = NULL;
 *     if (assay_backtest_render_html(&view, &err, &html) == ASSAY_OK) write_somewhere(html);
 *     assay_string_free(html);
 *
 * The page asks nothing of any network and needs no script. Rendering is pure: the same input gives the same bytes. Thread-safe.
 */
#ifndef ASSAY_BACKTEST_REPORT_H
#define ASSAY_BACKTEST_REPORT_H

#include <assay/backtest.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_backtest_view {
  const char *title, *subtitle;           /* subtitle may be NULL */
  const assay_backtest_result *result;    /* with equity; trades are listed where they are kept */
  const assay_backtest_result *benchmark; /* with equity, of the same bars; NULL: none */
  const char *benchmark_name;             /* NULL: "benchmark" */
  const int64_t *times;                   /* of all bars of the data; NULL: bars have numbers */
  const char *const *names;               /* of assets; NULL: numbers */
} assay_backtest_view;

/* ASSAY_ERR_INVALID for a result without equity. Free the text with assay_string_free. */
ASSAY_API assay_status assay_backtest_render_svg(const assay_backtest_view *view, assay_error *err, char **svg);
ASSAY_API assay_status assay_backtest_render_html(const assay_backtest_view *view, assay_error *err, char **html);

/* One row a metric, for whoever shows them: "Sharpe", "0.42". False past the last. */
ASSAY_API bool assay_backtest_metric_text(const assay_backtest_metrics *metrics, size_t index, const char **name, char value[48]);

#ifdef __cplusplus
}
#endif
#endif
