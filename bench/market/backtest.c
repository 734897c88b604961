/* SPDX-License-Identifier: MIT */
/*
 * Backtests: bars a second of a moving-average cross, bar-configurations a second of a sweep on two cores, and an update of 100 positions;
 * each beside a plain loop over the same bars, in turns.
 */
#include <assay/backtest.h>
#include <assay/indicators.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "figure.h"
#include "os/prim.h"

enum { BARS = 200000, SWEEP_BARS = 5000, ROUNDS = 15, ASSETS = 100 };

static double columns[5][BARS];
static assay_bars bars = {.count = BARS, .open = columns[0], .high = columns[1], .low = columns[2], .close = columns[3]};
static assay_backtest_data data = {.assets = 1, .bars = &bars};
static const assay_backtest_options costs = {.fees = {.rate = 0.0005}, .slippage = {.rate = 0.0001}};

static void stop(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* What one writes first: running sums, a position, an equity; return, Sharpe's sums and drawdown on the way. */
static double plain_cross(size_t count, size_t fast, size_t slow, double *sharpe) {
  double cash = 100000, held = 0, sum_fast = 0, sum_slow = 0, last = cash, peak = cash, deepest = 0, sum = 0, squares = 0;
  int wanted = 0;
  for (size_t t = 0; t < count; t++) {
    double open = bars.open[t], close = bars.close[t];
    if (wanted && held == 0) {
      double price = open * 1.0001;
      held = cash / (price * 1.0005);
      cash -= held * price * 1.0005;
    } else if (!wanted && held > 0) {
      cash += held * open * 0.9999 * 0.9995;
      held = 0;
    }
    double equity = cash + held * close, change = equity / last - 1;
    sum += change;
    squares += change * change;
    last = equity;
    peak = equity > peak ? equity : peak;
    double depth = 1 - equity / peak;
    deepest = depth > deepest ? depth : deepest;
    sum_fast += close - (t >= fast ? bars.close[t - fast] : 0);
    sum_slow += close - (t >= slow ? bars.close[t - slow] : 0);
    if (t + 1 >= slow) wanted = sum_fast / (double)fast > sum_slow / (double)slow;
  }
  double n = (double)(count - 1), mean = sum / n;
  *sharpe = mean / sqrt(squares / n - mean * mean) * sqrt(252) - deepest * 1e-300;
  return last;
}

static assay_backtest_metrics run_cross(bool events) {
  assay_backtest_options o = costs;
  o.events = events;
  assay_error err = {0};
  assay_backtest_result *result = NULL;
  if (assay_backtest_run(assay_strategy_find("sma"), (double[]){10, 50, 0, 1}, &data, &o, &err, &result) != ASSAY_OK) stop(err.message);
  assay_backtest_metrics m = result->metrics;
  assay_backtest_result_destroy(result);
  return m;
}

/* The work is always the same, so a busy neighbour can only make it slower. */
static double best(double *times) {
  figure_median(times, ROUNDS);
  return times[0];
}

static void crosses(void) {
  double fast[ROUNDS], events[ROUNDS], plain[ROUNDS], sharpe = 0, equity = 0;
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t at = figure_now_ns();
    assay_backtest_metrics m = run_cross(false);
    fast[i] = (double)(figure_now_ns() - at);
    at = figure_now_ns();
    m = run_cross(true);
    events[i] = (double)(figure_now_ns() - at);
    at = figure_now_ns();
    equity = plain_cross(BARS, 10, 50, &sharpe);
    plain[i] = (double)(figure_now_ns() - at);
    if (fabs(m.last_equity / equity - 1) > 1e-6 || fabs(m.sharpe - sharpe) > 1e-4) stop("the plain loop earns something else");
  }
  double bar_ns = BARS / 1e-9;
  figure("backtest_cross", bar_ns / best(fast), "bars/s", "10 and 50 rows, fees and slippage, all metrics");
  figure("backtest_cross_events", bar_ns / best(events), "bars/s", "called back bar by bar, indicator streams");
  figure("backtest_cross_plain", bar_ns / best(plain), "bars/s", "the plain loop, three metrics");
}

/* Limit: averages are shared, so a configuration has to compare two of them a bar and, where it holds, divide once a bar. */
/* Two cores, also where the program was started on one. */
static void take_all_cores(void) {
  unsigned cpus[64], count = 0;
  long here = sysconf(_SC_NPROCESSORS_ONLN);
  while ((long)count < here && count < 64) cpus[count] = count, count++;
  assay_os_pin_thread(cpus, count, NULL);
}

/* Of worker processes that have ended. */
static double children_ns(void) {
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

/* Two processes: what they and this one worked, theirs at once. On a machine with two free cores that is the time on the wall. */
static void sweeps(void) {
  const assay_backtest_range ranges[] = {{0, 5, 50, 1}, {1, 55, 200, 1}};
  bars.count = SWEEP_BARS;
  take_all_cores();
  double wall[ROUNDS], two[ROUNDS], one[ROUNDS], plain[ROUNDS], sharpe;
  size_t count = 0;
  for (int i = 0; i < ROUNDS; i++) {
    for (int here = 0; here < 2; here++) {
      assay_backtest_sweep sweep = {
          .strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .workers = 2, .here = here == 1};
      assay_backtest_row *rows = NULL;
      assay_error err = {0};
      uint64_t at = figure_now_ns(), at_wall = figure_wall_ns();
      double children = children_ns();
      if (assay_backtest_run_sweep(&sweep, &data, &costs, &err, &rows, &count) != ASSAY_OK) stop(err.message);
      double worked = (double)(figure_now_ns() - at);
      if (here) {
        one[i] = worked;
      } else {
        wall[i] = (double)(figure_wall_ns() - at_wall);
        two[i] = worked + (children_ns() - children) / 2;
      }
      assay_backtest_rows_free(rows);
    }
    uint64_t at = figure_now_ns();
    for (size_t slow = 55; slow <= 200; slow += 20) plain_cross(SWEEP_BARS, 10, slow, &sharpe);
    plain[i] = (double)(figure_now_ns() - at) / 8;
  }
  double all = (double)count * SWEEP_BARS / 1e-9;
  figure("backtest_sweep_two", all / best(two), "bar-configurations/s", "two processes, 6,716 configurations of 5,000 bars");
  figure("backtest_sweep_two_wall", all / best(wall), "bar-configurations/s", "the same on the wall, with whatever else runs here");
  figure("backtest_sweep_one", all / best(one), "bar-configurations/s", "one core, CPU time");
  figure("backtest_sweep_plain", SWEEP_BARS / 1e-9 / best(plain), "bar-configurations/s", "the plain loop for each, one core");
  bars.count = BARS;
}

static void accounts(void) {
  assay_error err = {0};
  assay_account *account = NULL;
  if (assay_account_create(ASSETS, 1e6, ASSAY_COST_AVERAGE, &err, &account) != ASSAY_OK) stop(err.message);
  double prices[8][ASSETS], equity = 0;
  for (int i = 0; i < 8; i++)
    for (int a = 0; a < ASSETS; a++) prices[i][a] = columns[3][100 * a + i];
  for (size_t a = 0; a < ASSETS; a++) assay_account_fill(account, a, a % 3 == 0 ? -10.0 : 10.0, prices[0][a], 1, &err);
  enum { TIMES = 2000 };
  double mark = FIGURE_BEST_NS(
      ROUNDS, for (int i = 0; i < TIMES; i++) {
        assay_account_mark(account, prices[i & 7]);
        equity += assay_account_get_totals(account).equity;
      });
  double fill = FIGURE_BEST_NS(ROUNDS, for (int i = 0; i < TIMES; i++) for (size_t a = 0; a < ASSETS; a++)
                                           assay_account_fill(account, a, i & 1 ? 1 : -1, prices[i & 7][a], 0.01, NULL));
  if (!isfinite(equity)) stop("no equity");
  figure("portfolio_mark_100", mark / TIMES, "ns", "new prices of 100 positions, equity, exposure, profit");
  figure("portfolio_fill_100", fill / TIMES, "ns", "a fill in each of 100 positions, with cost basis");
  assay_account_destroy(account);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  assay_error err = {0};
  assay_backtest_walk walk = {.seed = 1, .volatility = 0.01};
  if (assay_backtest_make_walk(&walk, BARS, &err, columns[0], columns[1], columns[2], columns[3], columns[4]) != ASSAY_OK)
    stop(err.message);
  crosses();
  accounts();
  sweeps();
  return figure_end();
}
