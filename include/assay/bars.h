/* SPDX-License-Identifier: MIT */
/*
 * assay/bars.h: bars, averages and imbalances from ticks and quotes, one at a time.
 *
 *     assay_bar_maker bars;
 *     assay_bar bar;
 *     assay_bar_maker_init(&bars, &(assay_bar_maker_options){.by = ASSAY_BAR_BY_TIME, .every = 60000000000}, &err);
 *     while (next_tick(&tick)) {
 *       assay_bar_maker_add(&bars, &tick);
 *       while (assay_bar_maker_take(&bars, &bar)) use(&bar);
 *     }
 *     while (assay_bar_maker_finish(&bars, &bar)) use(&bar);                         // the last one, which is not full
 *
 * Prices and quantities are whole steps as everywhere in feeds.h. Sums are exact (128 bits); a bar shows its volumes and its average as the
 * doubles next to them, since a day of coins that cost nothing is more steps than 64 bits can count. A sum that is beyond 2^127 either way
 * stays there, and what it would divide is NaN.
 *
 * Policy. A tick is never split: the one that fills a bar of ticks, volume or dollars belongs to it whole. Bars by time begin at multiples
 * of their length since time 0 and hold [begin, begin + every). Where no tick fell there is no bar, or with `fill` a flat one at the last
 * close, but for a gap of more than most_fill bars: one tick of a wrong year would be a thousand million of them. Ticks out of order: one
 * that is older than the last, but of the bar that is being made, counts for its volume, high and low, not for its open and close; one of a
 * bar that is over is left out and counted in `late`. Bars by ticks, volume and dollars take what comes as it comes.
 *
 * A clock that is wrong once. One tick of next year would make all that come behind it late. So in bars by time, the first tick and one
 * that is more than `most_jump_ns` ahead of the last one wait for the next: where that is as late, or not more than most_jump_ns earlier,
 * both count (a weekend is such a jump), else the one that waited is left out and counted in `far`. At the end it counts.
 *
 * Sources: Lopez de Prado, Advances in Financial Machine Learning (2018), 2.3 (tick, volume and dollar bars); Cont, Kukanov, Stoikov, "The
 * Price Impact of Order Book Events" (2014), eq. 3 (order-flow imbalance). Thread-safety: each struct belongs to one thread at a time.
 */
#ifndef ASSAY_BARS_H
#define ASSAY_BARS_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_tick {
  uint64_t time_ns;
  int64_t price;
  uint64_t quantity;
  char side; /* of the aggressor: 'B', 'S', or 0 */
} assay_tick;

typedef struct assay_bar {
  uint64_t begin_ns, end_ns; /* by time: [begin, begin + every); else of the first and the last tick */
  int64_t open, high, low, close;
  double volume, buy_volume, sell_volume; /* in quantity steps, exact up to 2^53; of the aggressors that are known */
  uint64_t ticks;                         /* 0: filled */
  double vwap;                            /* in price steps; the close where the volume is 0; NaN where the money is beyond its sum */
} assay_bar;

typedef enum assay_bar_by { ASSAY_BAR_BY_TIME, ASSAY_BAR_BY_TICKS, ASSAY_BAR_BY_VOLUME, ASSAY_BAR_BY_DOLLARS } assay_bar_by;

typedef struct assay_bar_maker_options {
  assay_bar_by by;
  uint64_t every;        /* ns, ticks, quantity steps, or price steps times quantity steps (scale a sum of money by both decimals) */
  uint64_t every_high;   /* by volume and dollars: 2^64 of those each; a million dollars with 8 decimals twice are 542 of them and a rest */
  bool fill;             /* of bars by time */
  uint64_t most_fill;    /* flat bars between two ticks; where more would be needed there are none. 0: 1,000,000 (11 days of seconds) */
  uint64_t most_jump_ns; /* of bars by time: between two ticks without a third that confirms it. 0: a day; UINT64_MAX: any */
} assay_bar_maker_options;

/* From -2^127 to 2^127 - 1, which both mean that it is no longer known. */
typedef struct assay_bar_sum {
  uint64_t low;
  int64_t high;
} assay_bar_sum;
/* The double next to it; an infinity where it is not known. */
ASSAY_API double assay_bar_sum_value(const assay_bar_sum *sum);

typedef struct assay_bar_maker {
  assay_bar_maker_options options;
  bool open, ready; /* a bar is being made; one is done and waits */
  uint64_t late;    /* ticks left out */
  uint64_t far;     /* ticks left out because the next one was far behind them */
  uint64_t refused; /* bars that were not taken before the next was done */
  uint64_t gaps;    /* that were too long to be filled */
  assay_bar now, done;
  uint64_t latest_ns; /* of the ticks in `now` */
  uint64_t fill_ns;   /* begin of the next flat bar; up to now.begin_ns */
  int64_t fill_price;
  assay_bar_sum money, volume, bought, sold; /* of `now` */
  bool begun, waits, follows;                /* a tick counts; `held` waits for the next one; `behind` came with it and is in no bar yet */
  assay_tick held, behind;
  uint64_t newest_ns; /* of the ticks that count */
} assay_bar_maker;

/* ASSAY_ERR_INVALID: the length is 0, or every_high is set for bars by time or ticks. */
ASSAY_API assay_status assay_bar_maker_init(assay_bar_maker *bars, const assay_bar_maker_options *options, assay_error *err);
ASSAY_API void assay_bar_maker_add(assay_bar_maker *bars, const assay_tick *tick);
/* The next bar that is done; false: none. */
ASSAY_API bool assay_bar_maker_take(assay_bar_maker *bars, assay_bar *bar);
/* What was begun and is not full; false: nothing (any more: where a tick waited, its bar comes second). Take what is done first. */
ASSAY_API bool assay_bar_maker_finish(assay_bar_maker *bars, assay_bar *bar);

/* ---- Averages ------------------------------------------------------------------------------------------------------------------------ */

/* The volume-weighted average price of all that was added. Zero it to begin. */
typedef struct assay_vwap {
  assay_bar_sum money, volume;
} assay_vwap;

ASSAY_API void assay_vwap_add(assay_vwap *vwap, int64_t price, uint64_t quantity);
/* In price steps; NaN before anything was traded, and where the money is beyond its sum. */
ASSAY_API double assay_vwap_price(const assay_vwap *vwap);

/* ---- Quotes -------------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_top {
  int64_t bid, ask;
  uint64_t bid_quantity, ask_quantity; /* 0: that side is empty */
} assay_top;

/* The middle weighted by the other side's quantity, in price steps: near the ask when there is more to buy. NaN where a side is empty. */
ASSAY_API double assay_microprice(const assay_top *top);

/*
 * Order-flow imbalance: what a change of the best prices and their quantities says of demand less supply, summed since the last reset.
 * A bid at the same or a higher price adds its new quantity, at the same or a lower one takes away the old one; asks the other way round.
 */
typedef struct assay_flow {
  assay_top last;
  bool begun;
  assay_bar_sum imbalance; /* in quantity steps */
  uint64_t changes;
} assay_flow;

/* Zero it to begin. Returns what this change adds, exact up to 2^53. An empty side counts as quantity 0 at the price it last had. */
ASSAY_API double assay_flow_add(assay_flow *flow, const assay_top *top);

#ifdef __cplusplus
}
#endif
#endif
