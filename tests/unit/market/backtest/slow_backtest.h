/* SPDX-License-Identifier: MIT */
/* A made market, any options and any targets, and a backtest of them that is slow and obvious. */
#ifndef ASSAY_TEST_SLOW_BACKTEST_H
#define ASSAY_TEST_SLOW_BACKTEST_H

#include <assay/backtest.h>

#include <math.h>

#include "base/random.h"
#include "market_data.h"

enum { BARS = 1200 };

typedef struct test_market {
  double open[BARS], high[BARS], low[BARS], close[BARS], volume[BARS];
  assay_bars bars;
  assay_backtest_data data;
} test_market;

static inline void make_market(test_market *m, uint64_t seed, size_t count) {
  assay_error err = {0};
  assay_backtest_walk walk = {.seed = seed, .volatility = 0.02};
  assert_ok(assay_backtest_make_walk(&walk, count, &err, m->open, m->high, m->low, m->close, m->volume), err);
  m->bars = (assay_bars){.count = count, .open = m->open, .high = m->high, .low = m->low, .close = m->close, .volume = m->volume};
  m->data = (assay_backtest_data){.assets = 1, .bars = &m->bars};
}

static inline void random_targets(assay_random *random, double *targets, size_t count) {
  double now = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t dice = assay_random_below(random, 20);
    if (dice == 0) now = (double)assay_random_below(random, 5) / 2 - 1;
    if (dice == 1) now = 2 * assay_random_unit(random) - 1;
    targets[i] = dice == 2 ? NAN : now;
  }
}

static inline assay_backtest_options random_options(assay_random *random, size_t bars) {
  assay_backtest_options o = {.cash = 5000, .keep_equity = true, .keep_fills = true, .keep_trades = true};
  if (assay_random_below(random, 2)) o.fees.rate = 0.002 * assay_random_unit(random);
  if (assay_random_below(random, 2)) o.fees.per_order = 3 * assay_random_unit(random);
  if (assay_random_below(random, 3) == 0) o.fees.per_share = 0.02;
  if (assay_random_below(random, 3) == 0) o.fees.least = 4;
  if (assay_random_below(random, 2)) o.slippage.rate = 0.001;
  if (assay_random_below(random, 3) == 0) o.slippage.ticks = 1, o.slippage.tick = 0.01;
  if (assay_random_below(random, 3) == 0) o.lot = 1;
  if (assay_random_below(random, 3) == 0) o.leverage = 2;
  if (assay_random_below(random, 4) == 0) o.no_short = true;
  o.close_at_end = assay_random_below(random, 3) == 0;
  if (assay_random_below(random, 2)) o.first = (size_t)assay_random_below(random, bars / 2);
  if (assay_random_below(random, 2)) o.end = bars - (size_t)assay_random_below(random, bars / 4);
  return o;
}

static inline double fee_of(const assay_backtest_options *o, double units, double price) {
  return units == 0 ? 0 : fmax(o->fees.per_order + o->fees.per_share * units + o->fees.rate * units * price, o->fees.least);
}

/* Whether so many more units, of which `closing` close, leave an exposure that equity allows. */
static inline bool fits(const assay_backtest_options *o, double cash, double held, double change, double market, double price) {
  double leverage = o->leverage == 0 ? 1 : o->leverage, after = held + change;
  double left = cash - change * price - fee_of(o, fabs(change), price) + after * market;
  return fabs(after) * market <= leverage * left * (1 + 1e-12);
}

/* By bisection instead of a formula. */
static inline double slow_quantity(const assay_backtest_options *o, double cash, double held, double share, double market) {
  double wish = (o->no_short && share < 0 ? 0 : share * (cash + held * market) / market), change = wish - held;
  if (fabs(change) * market <= 1e-12 * (cash + held * market)) return 0;
  double sign = change > 0 ? 1 : -1, price = change > 0 ? market * (1 + o->slippage.rate) + o->slippage.ticks * o->slippage.tick
                                                        : market * (1 - o->slippage.rate) - o->slippage.ticks * o->slippage.tick;
  double closing = held * change < 0 ? fmin(fabs(held), fabs(change)) : 0, units = fabs(change);
  if (units > closing && !fits(o, cash, held, sign * units, market, price)) {
    double low = closing, high = units;
    for (int i = 0; i < 200; i++) {
      double middle = (low + high) / 2;
      *(fits(o, cash, held, sign * middle, market, price) ? &low : &high) = middle;
    }
    units = low;
  }
  if (units * market <= 1e-9 * (cash + held * market)) return 0; /* what halving leaves of no room at all */
  if (o->lot > 0 && !(wish == 0 && units == fabs(held))) units = floor(units / o->lot + 1e-9) * o->lot;
  return sign * units;
}

static inline void slow_backtest(const test_market *m, const double *targets, const assay_backtest_options *o, double *equity) {
  double cash = o->cash, held = o->held != NULL ? o->held->quantity : 0, wanted = o->held != NULL ? NAN : 0, done = held != 0 ? NAN : 0;
  size_t end = o->end == 0 ? m->bars.count : o->end;
  for (size_t t = 0; t < end; t++) {
    if (t > o->first && !isnan(wanted) && wanted != done) {
      double quantity = slow_quantity(o, cash, held, wanted, m->open[t]);
      double price = quantity > 0 ? m->open[t] * (1 + o->slippage.rate) + o->slippage.ticks * o->slippage.tick
                                  : m->open[t] * (1 - o->slippage.rate) - o->slippage.ticks * o->slippage.tick;
      cash -= quantity * price + fee_of(o, fabs(quantity), price);
      held += quantity;
      done = wanted;
    }
    bool closes = o->close_at_end && t + 1 == end && fabs(held) > 1e-9; /* what rounding leaves is nothing */
    if (closes) {
      double sign = held > 0 ? -1 : 1, price = m->close[t] * (1 + sign * o->slippage.rate) + sign * o->slippage.ticks * o->slippage.tick;
      cash += held * price - fee_of(o, fabs(held), price);
      held = 0;
    }
    if (t >= o->first) equity[t - o->first] = cash + held * m->close[t];
    if (!isnan(targets[t])) wanted = targets[t];
  }
}

/* To the bit. */
static inline void assert_same(const assay_backtest_result *a, const assay_backtest_result *b) {
  assert_memory_equal(&a->metrics, &b->metrics, sizeof a->metrics);
  assert_memory_equal(a->equity, b->equity, a->metrics.bars * sizeof *a->equity);
  assert_memory_equal(a->fills, b->fills, a->metrics.fills * sizeof *a->fills);
  assert_memory_equal(a->trades, b->trades, a->metrics.trades * sizeof *a->trades);
}

#endif
