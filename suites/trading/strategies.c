/* SPDX-License-Identifier: MIT */
/* What a desk computes: risk of its scenarios and positions, one step of a strategy, a backtest, and a sweep over parameters. */
#include <assay/account.h>
#include <assay/backtest.h>
#include <assay/bench.h>
#include <assay/indicators.h>
#include <assay/risk.h>

#include <math.h>
#include <stdlib.h>

/* A made walk of prices. */
enum { BARS = 10000, ASSETS = 100, SCENARIOS = 1000000 };
static double columns[5][BARS];

static bool make_bars(assay_bench *b, assay_bars *bars) {
  assay_error err = {0};
  assay_backtest_walk walk = {.seed = assay_bench_seed(b)};
  if (assay_backtest_make_walk(&walk, BARS, &err, columns[0], columns[1], columns[2], columns[3], columns[4]) != ASSAY_OK)
    return assay_bench_fail(b, "%s", err.message), false;
  *bars = (assay_bars){.count = BARS, .open = columns[0], .high = columns[1], .low = columns[2], .close = columns[3], .volume = columns[4]};
  return true;
}

/* ---- Risk --------------------------------------------------------------------------------------------------------------------------- */

ASSAY_BENCH(risk_scenarios, .suite = "trading", .summary = "value at risk and expected shortfall of 1,000,000 scenarios at two levels",
            .ceiling = "") {
  static double pnl[SCENARIOS];
  static const double levels[] = {0.95, 0.99};
  uint64_t state = assay_bench_seed(b) | 1;
  for (size_t i = 0; i < SCENARIOS; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    pnl[i] = (double)(int64_t)state * 0x1p-63;
  }
  assay_error err = {0};
  assay_risk_tail tails[2];
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    status |= assay_risk_historical(pnl, SCENARIOS, levels, 2, &err, tails);
    assay_keep(tails[0].var);
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, SCENARIOS);
  assay_bench_bytes(b, sizeof pnl, 0);
}

ASSAY_BENCH(risk_positions, .suite = "trading", .summary = "new prices for 100 positions: value, profit and exposure of all",
            .ceiling = "") {
  assay_error err = {0};
  assay_account *account = NULL;
  double prices[ASSETS];
  assay_status status = assay_account_create(ASSETS, 1e7, ASSAY_COST_AVERAGE, &err, &account);
  for (size_t a = 0; a < ASSETS && status == ASSAY_OK; a++) {
    prices[a] = 50 + (double)a;
    status = assay_account_fill(account, a, a % 3 == 0 ? -100 : 100, prices[a], 1, &err);
  }
  if (status != ASSAY_OK) {
    assay_account_destroy(account);
    return assay_bench_fail(b, "%s", err.message);
  }
  ASSAY_LOOP(b) {
    for (size_t a = 0; a < ASSETS; a++) prices[a] += 0x1p-10;
    assay_account_mark(account, prices);
    assay_keep(assay_account_get_totals(account).equity);
  }
  assay_bench_items(b, ASSETS);
  assay_account_destroy(account);
}

/* ---- Strategies --------------------------------------------------------------------------------------------------------------------- */

ASSAY_BENCH(strategy_step, .suite = "trading", .summary = "one bar: two averages move on, and a position is decided", .ceiling = "") {
  assay_bars bars;
  if (!make_bars(b, &bars)) return;
  assay_error err = {0};
  const assay_indicator *sma = assay_indicator_find("sma");
  assay_indicator_stream *fast = NULL, *slow = NULL;
  assay_status status = assay_indicator_stream_create(sma, (double[]){10}, &err, &fast);
  if (status == ASSAY_OK) status = assay_indicator_stream_create(sma, (double[]){50}, &err, &slow);
  if (status != ASSAY_OK) {
    assay_bench_fail(b, "%s", err.message);
  } else {
    size_t at = 0;
    int64_t position = 0;
    ASSAY_LOOP(b) {
      double quick, steady;
      assay_indicator_stream_update(fast, &bars.close[at], &quick);
      assay_indicator_stream_update(slow, &bars.close[at], &steady);
      if (!isnan(steady)) position += quick > steady ? 1 : -1;
      at = at + 1 < BARS ? at + 1 : 0;
      assay_keep(position);
    }
    assay_bench_items(b, 1);
  }
  assay_indicator_stream_destroy(fast);
  assay_indicator_stream_destroy(slow);
}

ASSAY_BENCH(strategy_backtest, .suite = "trading", .summary = "a ready strategy over 10,000 bars, with fees and slippage", .ceiling = "",
            .params = {{"strategy", "sma,rsi,bollinger"}, {"path", "targets,events"}}) {
  assay_bars bars;
  const assay_strategy *strategy = assay_strategy_find(assay_bench_text(b, "strategy"));
  if (strategy == NULL) return assay_bench_fail(b, "there is no strategy '%s'", assay_bench_text(b, "strategy"));
  if (!make_bars(b, &bars)) return;
  assay_error err = {0};
  assay_backtest_data data = {.assets = 1, .bars = &bars};
  assay_backtest_options options = {
      .fees = {.rate = 0.0005}, .slippage = {.rate = 0.0001}, .events = assay_bench_text(b, "path")[0] == 'e'};
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    assay_backtest_result *result = NULL;
    status |= assay_backtest_run(strategy, NULL, &data, &options, &err, &result);
    assay_backtest_result_destroy(result);
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, BARS);
}

ASSAY_BENCH(backtest_sweep, .suite = "trading", .summary = "a moving-average cross with 46 x 181 pairs of periods over 10,000 bars",
            .ceiling = "", .params = {{"workers", "1,cpus"}}) {
  assay_bars bars;
  if (!make_bars(b, &bars)) return;
  assay_error err = {0};
  const assay_strategy *sma = assay_strategy_find("sma");
  assay_backtest_data data = {.assets = 1, .bars = &bars};
  const assay_backtest_range ranges[] = {{(unsigned)assay_strategy_parameter_at(sma, "fast"), 5, 50, 1},
                                         {(unsigned)assay_strategy_parameter_at(sma, "slow"), 20, 200, 1}};
  assay_backtest_sweep sweep = {.strategy = sma, .ranges = ranges, .range_count = 2, .workers = (unsigned)assay_bench_u64(b, "workers")};
  size_t count = 0;
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    assay_backtest_row *rows = NULL;
    status |= assay_backtest_run_sweep(&sweep, &data, NULL, &err, &rows, &count);
    assay_backtest_rows_free(rows);
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, (double)count * BARS);
}
