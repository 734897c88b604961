/* SPDX-License-Identifier: MIT */
/* The inside of assay backtest on bars: what was asked for, and the parts of an answer that its kinds share. */
#ifndef ASSAY_CLI_BACKTEST_H
#define ASSAY_CLI_BACKTEST_H

#include <assay/backtest_report.h>

#include "base/json.h"
#include "cli/backtest_book.h"
#include "cli/bars.h"
#include "report/render.h"

typedef struct assay_cli_backtest_settings {
  assay_cli_bars_settings from;
  assay_cli_book_settings book;
  assay_cli_words parameters, sweep, reports, positions;
  const char *strategy, *rank, *begin, *end, *color, *actions;
  double fast, slow, period;
  double cash, fee_bps, fee_share, fee_order, fee_least, slippage_bps, ticks, tick, volume_share, impact, lot, leverage, maintenance,
      periods, risk_free, seconds;
  uint64_t windows, train, workers, top, cuts;
  bool no_short, close_at_end, fifo, anchored, carry, json, list, check, events, each;
} assay_cli_backtest_settings;

typedef struct assay_cli_backtest_job {
  assay_cli *cli;
  const assay_cli_backtest_settings *settings;
  assay_error *err;
  const assay_strategy *strategy;
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_backtest_range ranges[ASSAY_STRATEGY_MOST_PARAMETERS];
  size_t range_count;
  assay_cli_bars bars;
  assay_backtest_options options;
  assay_backtest_objective objective;
} assay_cli_backtest_job;

/* ---- What is asked for (backtest_ask.c) ---------------------------------------------------------------------------------------------- */

/* The words of --rank, by assay_backtest_objective; NULL ends them. */
extern const char *const assay_cli_backtest_objectives[];
/* Strategy, parameters and ranges; then the bars, and the options that go with them (--each reads those of each symbol by itself). */
assay_status assay_cli_backtest_read(assay_cli_backtest_job *j);
assay_status assay_cli_backtest_read_bars(assay_cli_backtest_job *j);
assay_status assay_cli_backtest_read_options(assay_cli_backtest_job *j);

/* ---- What is done: each prints its answer and returns the exit code ------------------------------------------------------------------ */

int assay_cli_backtest_once(assay_cli_backtest_job *j);
int assay_cli_backtest_sweep(assay_cli_backtest_job *j);
int assay_cli_backtest_walk(assay_cli_backtest_job *j);
int assay_cli_backtest_check(assay_cli_backtest_job *j);
int assay_cli_backtest_each(assay_cli_backtest_job *j);
int assay_cli_backtest_list(assay_cli_backtest_job *j);

/* ---- Parts of an answer -------------------------------------------------------------------------------------------------------------- */

typedef struct assay_cli_backtest_shown {
  const assay_backtest_result *result, *benchmark;
  const double *parameters;            /* NULL: they change on the way */
  const char *note;                    /* below the figures; NULL: none */
  const assay_backtest_choice *choice; /* of a sweep or a walk-forward */
} assay_cli_backtest_shown;

void assay_cli_backtest_put_text(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s, bool color, assay_buf *out);
/* The files of --report (backtest_files.c): pages, pictures, and as tables the trades, configurations or windows. */
assay_status assay_cli_backtest_write(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s);
/* One configuration with its curve and trades. */
assay_status assay_cli_backtest_run(const assay_cli_backtest_job *j, const double *parameters, assay_backtest_result **result);
/* Buying and holding over the same bars at the same costs. */
assay_status assay_cli_backtest_hold(const assay_cli_backtest_job *j, size_t first, size_t end, assay_backtest_result **result);
assay_backtest_sweep assay_cli_backtest_sweep_of(const assay_cli_backtest_job *j);
/* `windows` is 0 where none was asked for. */
assay_backtest_walk_forward assay_cli_backtest_walk_of(const assay_cli_backtest_job *j);

/* "fast=10 slow=50" */
void assay_cli_backtest_put_parameters(assay_buf *out, const assay_strategy *strategy, const double *parameters);
/* A time for programs: a date, or ISO 8601 to the fraction of a second that there is. For people: assay_report_moment. */
const char *assay_cli_moment_iso(int64_t ns, char text[ASSAY_REPORT_TEXT]);
/* When a bar was; without dates its number. */
const char *assay_cli_backtest_moment(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]);
const char *assay_cli_backtest_iso(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]);

/* What begins every document, up to the strategy. */
void assay_cli_backtest_json_begin(const assay_cli_backtest_job *j, assay_json *json, const char *what);
void assay_cli_backtest_json_head(const assay_cli_backtest_job *j, assay_json *json, const char *what);
void assay_cli_backtest_json_parameters(assay_json *json, const assay_strategy *strategy, const double *parameters);
void assay_cli_backtest_json_metrics(assay_json *json, const char *key, const assay_backtest_metrics *m);
/* ",fees,..." after other cells, each name behind `prefix`; the same many cells, empty for NULL. */
void assay_cli_backtest_csv_names(assay_buf *out, const char *prefix);
void assay_cli_backtest_csv_metrics(assay_buf *out, const assay_backtest_metrics *m);
void assay_cli_backtest_json_result(const assay_cli_backtest_job *j, assay_json *json, const assay_backtest_result *r);

#endif
