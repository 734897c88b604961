/* SPDX-License-Identifier: MIT */
/*
 * A strategy of one's own in C: buys what closes above the highest high of the last rows, with a stop loss at their lowest low, and leaves
 * when it closes below the middle. Run on a made-up market, checked for look-ahead, and swept over its parameter.
 */
#include <assay/backtest.h>

#include <stdio.h>

enum { BARS = 2000, ROWS = 0 };

static void channel(const assay_bars *bars, size_t rows, double *high, double *low) {
  size_t now = bars->count - 1; /* the bar that has just closed; there is nothing to see behind it */
  *high = bars->high[now - 1];
  *low = bars->low[now - 1];
  for (size_t i = now - rows; i < now; i++) {
    if (bars->high[i] > *high) *high = bars->high[i];
    if (bars->low[i] < *low) *low = bars->low[i];
  }
}

static void on_bar(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *bars = assay_backtest_bars(run, 0);
  size_t rows = (size_t)assay_backtest_parameters(run)[ROWS];
  double high, low, held = assay_backtest_position(run, 0);
  if (bars->count <= rows) return;
  channel(bars, rows, &high, &low);
  double close = bars->close[bars->count - 1];
  if (held == 0 && close > high) {
    double units = 0.5 * assay_backtest_equity(run) / close;
    assay_backtest_submit(run, &(assay_backtest_order){.quantity = units, .stop_loss = low}, NULL);
  } else if (held > 0 && close < (high + low) / 2) {
    assay_backtest_cancel_all(run, 0);
    assay_backtest_target(run, 0, 0);
  }
}

static const assay_strategy breakout = {
    .name = "breakout",
    .title = "Channel breakout",
    .parameter_count = 1,
    .parameters = {{"rows", 20, 2, 500, true, "rows of the channel"}},
    .on_bar = on_bar,
};

static int fail(const assay_error *err) {
  fprintf(stderr, "%s\n", err->message);
  return 1;
}

int main(void) {
  static double open[BARS], high[BARS], low[BARS], close[BARS], volume[BARS];
  assay_error err = {0};
  assay_backtest_walk walk = {.seed = 7, .drift = 0.0003, .volatility = 0.012};
  if (assay_backtest_make_walk(&walk, BARS, &err, open, high, low, close, volume) != ASSAY_OK) return fail(&err);
  assay_bars bars = {.count = BARS, .open = open, .high = high, .low = low, .close = close, .volume = volume};
  assay_backtest_data data = {.assets = 1, .bars = &bars};
  assay_backtest_options options = {.cash = 10000, .fees = {.rate = 0.0005}, .slippage = {.rate = 0.0002}, .keep_trades = true};

  assay_backtest_result *result = NULL;
  if (assay_backtest_run(&breakout, NULL, &data, &options, &err, &result) != ASSAY_OK) return fail(&err);
  const assay_backtest_metrics *m = &result->metrics;
  printf("20 rows: %.2f %% in %zu bars, Sharpe %.2f, drawdown %.1f %%, %zu trades\n", 100 * m->total_return, m->bars, m->sharpe,
         100 * m->max_drawdown, m->trades);
  assay_backtest_result_destroy(result);

  assay_backtest_peek peek;
  if (assay_backtest_check_lookahead(&breakout, NULL, &data, &options, 8, &err, &peek) != ASSAY_OK) return fail(&err);
  printf("looks ahead: %s\n", peek.found ? peek.what : "no");

  const assay_backtest_range rows = {.parameter = ROWS, .first = 5, .last = 100, .step = 5};
  assay_backtest_sweep sweep = {.strategy = &breakout, .ranges = &rows, .range_count = 1};
  assay_backtest_row *found = NULL;
  size_t count = 0;
  if (assay_backtest_run_sweep(&sweep, &data, &options, &err, &found, &count) != ASSAY_OK) return fail(&err);
  size_t best = assay_backtest_best(found, count, ASSAY_BACKTEST_SHARPE);
  if (best != SIZE_MAX) printf("best of %zu: %g rows, Sharpe %.2f\n", count, found[best].parameters[ROWS], found[best].metrics.sharpe);
  assay_backtest_rows_free(found);
  return peek.found ? 1 : 0;
}
