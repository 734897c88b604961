/* SPDX-License-Identifier: MIT */
/*
 * assay/book_backtest.h: what a strategy that quotes would have traded in a recorded order book: latency both ways, the place in the queue,
 * partial fills, fees for making and taking.
 *
 *     assay_book_backtest_options options = {.symbol = 17, .feed_ns = 20000, .order_ns = 30000, .maker_rate = -0.0001};
 *     assay_book_backtest_result *result = NULL;
 *     if (assay_book_backtest_run(&assay_book_strategy_maker, NULL, events, count, &options, &err, &result) != ASSAY_OK)
 *       return fail(err.message);
 *     printf("%zu fills, %.2f earned\n", result->fill_count, result->profit);
 *     assay_book_backtest_result_destroy(result);
 *
 * Events are those that feeds decode to (assay/feeds.h), ascending in time, of one exchange. The recorded market does not know of our
 * orders, and nobody in it reacts to them; that is what such a backtest cannot say.
 *
 * Time: an event at time t reaches the strategy at t + feed_ns; what it orders then reaches the exchange order_ns later, and is dealt with
 * before events of that very instant. A cancellation travels as long, and comes too late for what has traded meanwhile. Callbacks see the
 * book and their own fills as they were at t.
 *
 * Arriving: an order that crosses takes what it meets, level by level, at the prices there, as the taker. What it has taken stays
 * taken: the recorded quantity there counts less for us until the level is gone. What is left rests, or is dropped (immediate, or at any
 * price).
 * Resting: behind everything that rests at its price at that time. Of that, executions and cancellations bring it forward; of what came
 * later, only an execution matters: it would have met us first, so it fills us. An execution at a worse price, or an opposite order at our
 * price or better, fills us too, up to its quantity. Own orders do not meet each other.
 *
 * Two kinds of feeds. One that names orders (ITCH, DBN mbo, FIX) says which of them leave, so the place in the queue is known. A smaller
 * quantity under the same reference keeps its place, everything else goes to the end. Where trades come first and their orders leave by
 * the next events of the same instant (DBN: T, then C), those are executions. One that names levels (Binance's depth, DBN mbp) says only
 * what each holds: then the place is estimated, with care. A trade at our price brings us forward by its quantity, and fills us with what
 * is left of it; a level that shrinks otherwise has been left by those behind us as long as they can have been; and behind the last of the
 * levels that it tells of, everything may be ahead of us (ASSAY_BOOK_MOST_QUANTITY) until it tells.
 *
 * Prices are ticks: `tick` steps of the feed's prices (assay_book_backtest_tick), 1 where the feed has at most four decimals (ITCH), else
 * the greatest number that all prices of the book are multiples of, so that DBN's 10^-9 and Binance's 10^-8 fit 32 bits. Quantities are the
 * feed's units (of Binance at eight decimals: 10^-8). Thread-safety: runs are independent of each other.
 */
#ifndef ASSAY_BOOK_BACKTEST_H
#define ASSAY_BOOK_BACKTEST_H

#include <assay/backtest.h>
#include <assay/book.h>
#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_book_backtest_options {
  uint32_t symbol;            /* others are passed over */
  uint64_t feed_ns, order_ns; /* latencies */
  uint64_t tick;              /* steps of the feed's prices in one price here; 0: as said above */
  double
      price_step; /* money that a unit gains when the price rises by one (with a contract's multiplier); 0: as the feed's scales state it */
  double maker_rate, taker_rate;           /* fees of the value; below 0: a rebate */
  double maker_per_share, taker_per_share; /* fees of a unit */
  uint64_t sample_ns;                      /* equity is kept so often, from the first event on; 0: not at all */
  bool keep_fills;
} assay_book_backtest_options;

typedef struct assay_book_backtest assay_book_backtest;

typedef struct assay_book_backtest_fill {
  uint64_t time_ns, order;
  assay_side side;
  int32_t price;
  uint64_t quantity;
  double fee;
  bool maker;
} assay_book_backtest_fill;

/* Like an assay_strategy; `on_event` is needed. */
typedef struct assay_book_strategy {
  const char *name, *title, *summary;
  unsigned parameter_count;
  assay_strategy_parameter parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  size_t state_size;
  void *user;
  assay_status (*start)(assay_book_backtest *run, const double *parameters, void *state, assay_error *err);
  void (*on_event)(assay_book_backtest *run, const assay_market_event *event, void *state);
  void (*on_fill)(assay_book_backtest *run, const assay_book_backtest_fill *fill, void *state);
  void (*stop)(void *state);
} assay_book_strategy;

/* Quotes both sides at the best prices (or `offset` steps behind), leaning against its position. */
ASSAY_API extern const assay_book_strategy assay_book_strategy_maker;

/* What callbacks may ask. Time of the event that is looked at, at the exchange: */
ASSAY_API uint64_t assay_book_backtest_now(const assay_book_backtest *run);
/* Steps of the feed's prices (event->price) in one price of orders, fills and levels. */
ASSAY_API int64_t assay_book_backtest_tick(const assay_book_backtest *run);
/* False when the side is empty. Of feeds of levels, `orders` is 0. */
ASSAY_API bool assay_book_backtest_best(const assay_book_backtest *run, assay_side side, assay_mbo_level *level);
ASSAY_API size_t assay_book_backtest_depth(const assay_book_backtest *run, assay_side side, assay_mbo_level *levels, size_t most);
ASSAY_API int64_t assay_book_backtest_position(const assay_book_backtest *run);
ASSAY_API double assay_book_backtest_cash(const assay_book_backtest *run);
ASSAY_API const double *assay_book_backtest_parameters(const assay_book_backtest *run);
ASSAY_API void *assay_book_backtest_user(const assay_book_backtest *run);

typedef struct assay_book_backtest_own {
  uint64_t id, left;
  uint64_t ahead; /* of what rests at its price, at most so much of a feed of levels; 0 while it travels */
  assay_side side;
  int32_t price;
  bool resting; /* false: it travels */
} assay_book_backtest_own;

/* False when it is filled, cancelled or was never there. */
ASSAY_API bool assay_book_backtest_find(const assay_book_backtest *run, uint64_t id, assay_book_backtest_own *own);

/* What callbacks may do. Sends an order; `immediate`: what it does not take on arrival is dropped. 0: refused (a quantity of 0 or above
 * ASSAY_BOOK_MOST_QUANTITY), or out of memory. INT32_MAX and INT32_MIN as prices buy and sell at any price, at
 * once. */
ASSAY_API uint64_t assay_book_backtest_order(assay_book_backtest *run, assay_side side, int32_t price, uint64_t quantity, bool immediate);
ASSAY_API void assay_book_backtest_cancel(assay_book_backtest *run, uint64_t id);

typedef struct assay_book_backtest_result {
  double profit; /* cash and position at the last middle (the last price where a side is empty), after fees */
  double fees, cash;
  int64_t position, most_position; /* at the end; the largest either way */
  uint64_t events, unknown;        /* of the symbol; those that did not fit the book (lost messages) */
  uint64_t gaps;                   /* events before which messages are lost, as the feed says (ASSAY_MARKET_GAP): the book may be wrong */
  uint64_t orders, cancels, too_late; /* sent; cancellations that found nothing */
  uint64_t maker_quantity, taker_quantity;
  double sharpe_sample;            /* mean over standard deviation of the changes between samples; NaN without */
  double deepest;                  /* most money below the highest sample so far */
  assay_book_backtest_fill *fills; /* NULL: not kept */
  double *equity;                  /* profit at each sample; NULL: not kept */
  size_t fill_count, sample_count;
} assay_book_backtest_result;

/* The greatest number of steps that all prices in a symbol's book are multiples of: its tick, as far as a recording shows it; 1: nothing
 * does. */
ASSAY_API uint64_t assay_book_backtest_common_tick(const assay_market_event *events, size_t count, uint32_t symbol);

/* `parameters` NULL: the usual ones. ASSAY_ERR_INVALID for times that descend, prices between ticks or that do not fit 32 bits, and scales
 * that change, with the event; ASSAY_ERR_LIMIT for more than 10^8 samples. */
ASSAY_API assay_status assay_book_backtest_run(const assay_book_strategy *strategy, const double *parameters,
                                               const assay_market_event *events, size_t count, const assay_book_backtest_options *options,
                                               assay_error *err, assay_book_backtest_result **result);
/* Accepts NULL. */
ASSAY_API void assay_book_backtest_result_destroy(assay_book_backtest_result *result);

#ifdef __cplusplus
}
#endif
#endif
