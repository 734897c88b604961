/* SPDX-License-Identifier: MIT */
/* The page of a backtest: its picture and its sections, a file each. What they write is HTML and well-formed XML at once, as in html.h. */
#ifndef ASSAY_REPORT_BACKTEST_H
#define ASSAY_REPORT_BACKTEST_H

#include <assay/backtest_report.h>

#include "report/html.h"
#include "report/svg.h"

enum { ASSAY_BACKTEST_WIDTH = 860, ASSAY_BACKTEST_LEFT = 76, ASSAY_BACKTEST_RIGHT = 20, ASSAY_BACKTEST_HEIGHT = 446 };

/* Equity and drawdown, into an SVG of ASSAY_BACKTEST_WIDTH x ASSAY_BACKTEST_HEIGHT that is open. */
assay_status assay_backtest_draw(assay_buf *out, const assay_backtest_view *view, assay_error *err);

/* Whether there are returns of months, of more than one. */
bool assay_backtest_has_months(const assay_backtest_view *view);
/* Sections; each writes nothing where it has nothing to show. Returns over months and years; */
assay_status assay_backtest_html_months(assay_buf *out, const assay_backtest_view *view, assay_error *err);
/* the configurations of a sweep: what the best is worth, a map, a table; */
assay_status assay_backtest_html_tried(assay_buf *out, const assay_backtest_view *view, assay_error *err);
/* and the windows of a walk-forward. */
void assay_backtest_html_windows(assay_buf *out, const assay_backtest_view *view);

/* "2004-05-17", with the time of day where bars are shorter than a day; without times the number of the bar. */
void assay_backtest_moment_text(const assay_backtest_view *view, size_t bar, char text[ASSAY_REPORT_TEXT]);
typedef enum assay_figure_kind { ASSAY_FIGURE_PERCENT, ASSAY_FIGURE_RATIO, ASSAY_FIGURE_MONEY, ASSAY_FIGURE_COUNT } assay_figure_kind;
/* A dash where there is no value. */
void assay_backtest_figure_text(double value, assay_figure_kind kind, char text[48]);
/* A cell of a table: <td class="r" data-v="0.123">12.30 %</td>, the value for sorting. */
void assay_backtest_html_figure(assay_buf *out, double value, assay_figure_kind kind);
/* What was written becomes the caller's, unless the status says that something went wrong. */
assay_status assay_backtest_take_text(assay_buf *out, assay_status status, assay_error *err, char **text);
/* The order of a table: the best score first, of equals the first; those without a score behind, and last what was not run at all. */
typedef struct assay_ranked {
  double score; /* NaN: none */
  size_t row;
  bool is_lost;
} assay_ranked;
assay_ranked assay_ranked_of(assay_backtest_outcome outcome, const assay_backtest_metrics *metrics, assay_backtest_objective objective,
                             size_t row);
void assay_rank(assay_ranked *rows, size_t count);
/* "fast=10 slow=50": what was swept, or all parameters where nothing was. */
void assay_backtest_html_parameters(assay_buf *out, const assay_backtest_choice *choice, const double *parameters);

#endif
