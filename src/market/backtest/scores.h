/* SPDX-License-Identifier: MIT */
/* What is counted while a backtest runs, beside the equity curve: round trips, turnover, exposure. Shared by both paths like rules.h. */
#ifndef ASSAY_MARKET_SCORES_H
#define ASSAY_MARKET_SCORES_H

#include <assay/backtest.h>

#include "kernels/backtest/backtest.h"
#include "market/backtest/ledger.h"

/* The round trip that a position is on. */
typedef struct assay_trip {
  double flow;                         /* money that came out of it so far */
  double in, in_value, out, out_value; /* units and their value, as numbers above 0 */
  double fees;
  size_t entry_bar;
} assay_trip;

typedef struct assay_scores {
  assay_tally tally;
  double turnover, gains, losses, best, worst, profit;
  size_t trades, wins, fills, orders, rejected, margin_calls, exposed;
  size_t ruined_at;
} assay_scores;

static inline assay_tally assay_tally_first(double equity) {
  return (assay_tally){.last = equity, .peak = equity, .trough = equity, .count = 1};
}

static inline void assay_scores_begin(assay_scores *s, double equity) {
  *s = (assay_scores){.tally = assay_tally_first(equity), .best = -INFINITY, .worst = INFINITY, .ruined_at = SIZE_MAX};
}

/* The last return of an account that has lost everything. */
static inline void assay_tally_ruin(assay_tally *t, double equity) {
  double change = equity / t->last - 1;
  size_t lane = t->lane;
  t->sum[lane] += change;
  t->squares[lane] += change * change;
  t->falls[lane] += change * change;
  t->deepest = 1;
  t->last = equity;
  t->count++;
}

static inline void assay_trip_open(assay_trip *trip, double quantity, double price, double fee, size_t bar) {
  double value = quantity * price;
  *trip = (assay_trip){.flow = -value - fee, .in = fabs(quantity), .in_value = fabs(value), .fees = fee, .entry_bar = bar};
}

static inline void assay_trip_close(assay_trip *trip, assay_scores *s, double quantity, double price, double fee) {
  double value = quantity * price;
  trip->flow = trip->flow - value - fee;
  trip->out += fabs(quantity);
  trip->out_value += fabs(value);
  trip->fees += fee;
  s->trades++;
  s->profit += trip->flow;
  s->wins += trip->flow > 0;
  s->gains += trip->flow > 0 ? trip->flow : 0;
  s->losses -= trip->flow < 0 ? trip->flow : 0;
  s->best = trip->flow > s->best ? trip->flow : s->best;
  s->worst = trip->flow < s->worst ? trip->flow : s->worst;
}

/* What a trip was that closed a position of direction `before`. */
static inline assay_backtest_trade assay_trip_trade(const assay_trip *trip, size_t asset, size_t bar, double before) {
  return (assay_backtest_trade){.asset = asset,
                                .entry_bar = trip->entry_bar,
                                .exit_bar = bar,
                                .quantity = before > 0 ? trip->in : -trip->in,
                                .entry_price = trip->in_value / trip->in,
                                .exit_price = trip->out_value / trip->out,
                                .profit = trip->flow,
                                .fees = trip->fees};
}

/* A fill of a position that was `before`. True when a trip has ended (of direction `before`): *closed is it; what goes through 0 begins
 * the next with its part of the fee. */
static inline bool assay_scores_fill(assay_scores *s, assay_trip *trip, double before, double quantity, double price, double fee,
                                     size_t bar, double equity, assay_trip *closed) {
  double after = before + quantity, value = quantity * price;
  assay_tally_fill(&s->tally);
  s->fills++;
  s->turnover += fabs(value) / equity;
  if (before == 0) {
    assay_trip_open(trip, quantity, price, fee, bar);
    return false;
  }
  if ((before > 0) == (quantity > 0)) {
    trip->flow = trip->flow - value - fee;
    trip->in += fabs(quantity);
    trip->in_value += fabs(value);
    trip->fees += fee;
    return false;
  }
  if (after != 0 && (after > 0) == (before > 0)) {
    trip->flow = trip->flow - value - fee;
    trip->out += fabs(quantity);
    trip->out_value += fabs(value);
    trip->fees += fee;
    return false;
  }
  double part = after == 0 ? fee : fee * (-before / quantity);
  assay_trip_close(trip, s, -before, price, part);
  *closed = *trip;
  if (after != 0) assay_trip_open(trip, after, price, fee - part, bar);
  return true;
}

#endif
