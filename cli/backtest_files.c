/* SPDX-License-Identifier: MIT */
/* assay backtest --report: pages and pictures of a result, and its tables. */
#include "cli/backtest.h"

#include <string.h>

#include "cli/backtest_report.h"
#include "cli/table.h"

/* ---- Tables -------------------------------------------------------------------------------------------------------------------------- */

static void put_cell(assay_buf *out, double value) {
  assay_buf_putc(out, ',');
  assay_cli_put_number_cell(out, value);
}

static void table_of_trades(const assay_cli_backtest_job *j, const assay_backtest_result *r, assay_buf *out) {
  assay_buf_puts(out, "asset,entry,exit,quantity,entry_price,exit_price,profit,fees,bars\n");
  for (size_t i = 0; i < r->metrics.trades; i++) {
    const assay_backtest_trade *t = &r->trades[i];
    char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
    assay_csv_text(out, j->bars.data.names[t->asset]);
    assay_buf_printf(out, ",%s,%s", assay_cli_backtest_iso(j, t->entry_bar, from), assay_cli_backtest_iso(j, t->exit_bar, to));
    const double cells[] = {t->quantity, t->entry_price, t->exit_price, t->profit, t->fees};
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) put_cell(out, cells[k]);
    assay_buf_printf(out, ",%zu\n", t->exit_bar - t->entry_bar);
  }
}

static void put_names(const assay_strategy *strategy, assay_buf *out) {
  for (unsigned i = 0; i < strategy->parameter_count; i++) assay_buf_printf(out, "%s%s", i > 0 ? "," : "", strategy->parameters[i].name);
}

static void put_values(const assay_strategy *strategy, const double *parameters, assay_buf *out) {
  for (unsigned i = 0; i < strategy->parameter_count; i++) {
    if (i > 0) assay_buf_putc(out, ',');
    if (parameters != NULL) assay_buf_double(out, parameters[i]);
  }
}

static void table_of_rows(const assay_cli_backtest_job *j, const assay_backtest_choice *c, assay_buf *out) {
  put_names(j->strategy, out);
  assay_buf_puts(out, ",outcome,why");
  assay_cli_backtest_csv_names(out, "");
  assay_buf_putc(out, '\n');
  for (size_t i = 0; i < c->row_count; i++) {
    const assay_backtest_row *row = &c->rows[i];
    bool done = row->outcome == ASSAY_BACKTEST_DONE;
    put_values(j->strategy, row->parameters, out);
    assay_buf_printf(out, ",%s,", assay_backtest_outcome_text(row->outcome));
    assay_csv_text(out, done ? "" : row->why);
    assay_cli_backtest_csv_metrics(out, done ? &row->metrics : NULL);
    assay_buf_putc(out, '\n');
  }
}

static void table_of_windows(const assay_cli_backtest_job *j, const assay_backtest_walked *w, assay_buf *out) {
  assay_buf_puts(out, "train_from,test_from,test_to,");
  put_names(j->strategy, out);
  assay_cli_backtest_csv_names(out, "trained_");
  assay_cli_backtest_csv_names(out, "tested_");
  assay_buf_puts(out, ",why\n");
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char text[3][ASSAY_REPORT_TEXT];
    assay_buf_printf(out, "%s,%s,%s,", assay_cli_backtest_iso(j, v->train_first, text[0]),
                     assay_cli_backtest_iso(j, v->test_first, text[1]), assay_cli_backtest_iso(j, v->test_end - 1, text[2]));
    put_values(j->strategy, v->chosen ? v->parameters : NULL, out);
    assay_cli_backtest_csv_metrics(out, v->chosen ? &v->trained : NULL);
    assay_cli_backtest_csv_metrics(out, v->tested.bars > 0 ? &v->tested : NULL);
    assay_buf_putc(out, ',');
    assay_csv_text(out, v->why);
    assay_buf_putc(out, '\n');
  }
}

/* ---- All files ----------------------------------------------------------------------------------------------------------------------- */

static void put_title(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s, assay_buf *out) {
  assay_buf_printf(out, "%s ", j->strategy->name);
  if (s->parameters != NULL)
    assay_cli_backtest_put_parameters(out, j->strategy, s->parameters);
  else
    assay_buf_puts(out, "walk-forward");
}

static void put_subtitle(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s, assay_buf *out) {
  enum { SHOWN = 8 };
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  size_t first = s->result->first, assets = j->bars.data.assets;
  for (size_t a = 0; a < assets && a < SHOWN; a++) assay_buf_printf(out, "%s%s", a > 0 ? ", " : "", j->bars.data.names[a]);
  assay_buf_printf(out, "%s: %s to %s, ", assets > SHOWN ? " and more" : "", assay_cli_backtest_moment(j, first, from),
                   assay_cli_backtest_moment(j, first + s->result->metrics.bars - 1, to));
  assay_report_plural(out, s->result->metrics.bars, "bar");
  assay_buf_putc(out, '.');
  if (j->bars.note != NULL) assay_buf_printf(out, " %s", j->bars.note);
}

assay_status assay_cli_backtest_write(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s) {
  if (j->settings->reports.count == 0) return ASSAY_OK;
  assay_buf title = {0}, subtitle = {0}, table = {0};
  put_title(j, s, &title);
  put_subtitle(j, s, &subtitle);
  if (s->choice != NULL && s->choice->rows != NULL)
    table_of_rows(j, s->choice, &table);
  else if (s->choice != NULL && s->choice->walked != NULL)
    table_of_windows(j, s->choice->walked, &table);
  else
    table_of_trades(j, s->result, &table);
  assay_backtest_view view = {.title = title.data,
                              .subtitle = subtitle.data,
                              .result = s->result,
                              .benchmark = s->benchmark,
                              .benchmark_name = "hold",
                              .times = j->bars.data.bars->times,
                              .names = j->bars.data.names,
                              .choice = s->choice};
  assay_status status = title.failed || subtitle.failed ? ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the report")
                                                        : assay_cli_write_backtest_reports(&view, &table, &j->settings->reports, j->err);
  assay_buf_deinit(&title);
  assay_buf_deinit(&subtitle);
  assay_buf_deinit(&table);
  return status;
}
