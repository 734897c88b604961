/* SPDX-License-Identifier: MIT */
/* The inside of a backtest over a recorded book: what both of its halves know, the recording (book_seen.c) and our orders in it
 * (book_own.c). */
#ifndef ASSAY_MARKET_BOOK_RUN_H
#define ASSAY_MARKET_BOOK_RUN_H

#include <assay/book_backtest.h>

#include "market/backtest/ages.h"
#include "market/backtest/engine.h"
#include "market/book/mbo.h"

typedef struct assay_own_order {
  assay_book_backtest_own now;
  uint64_t age; /* what came later has a greater one */
  bool immediate, gone;
} assay_own_order;

/* Something on its way to the exchange. Latency is the same for all, so they arrive in the order in which they were sent. */
typedef struct assay_travelling {
  uint64_t at_ns, id;
  bool cancels;
} assay_travelling;

/* What we have taken from a level that the recording still shows. */
typedef struct assay_taken {
  assay_side side;
  int32_t price;
  uint64_t quantity;
} assay_taken;

/* A trade whose resting orders come off the book by the next events of the same instant (DBN: T, then C). */
typedef struct assay_settling {
  uint64_t time_ns, quantity;
  assay_side side; /* whose orders were hit */
  int32_t price;
} assay_settling;

/* What the recording tells of the book. One symbol has one kind, that of its first event. */
typedef enum assay_seen_kind { ASSAY_SEEN_NOTHING, ASSAY_SEEN_ORDERS, ASSAY_SEEN_LEVELS } assay_seen_kind;

struct assay_book_backtest {
  const assay_book_strategy *strategy;
  const double *parameters;
  const assay_book_backtest_options *options;
  void *state;
  assay_mbo *book; /* of levels: one order each, its reference made of side and price */
  assay_ages ages;
  assay_seen_kind kind;
  assay_settling settling;
  uint64_t age, last_id, now_ns;
  int64_t tick; /* of the feed's steps in one of ours */
  double step, cash;
  int64_t position;
  double last_price; /* in our steps */
  assay_list owns, travels, takens, fills, samples;
  size_t travelled; /* of `travels`, those that have arrived */
  uint64_t first_ns;
  uint8_t decimals; /* of the symbol's prices and quantities */
  bool failed, has_price;
  bool rebuilding; /* a book of levels between CLEAR and the end of the message */
  bool partial;    /* it tells of the best levels only: what rests beyond the last one nobody knows */
  assay_book_backtest_result *result;
};

static inline assay_own_order *assay_book_own_at(const assay_book_backtest *r, size_t i) { return (assay_own_order *)r->owns.items + i; }

/* ---- Ours (book_own.c) --------------------------------------------------------------------------------------------------------------- */

/* What has been sent arrives, up to this time. */
void assay_book_own_arrive_until(assay_book_backtest *r, uint64_t time_ns);
/* We have taken so much of a level that the recording still shows; what is left of it for us; what the recording shows there. */
void assay_book_own_take(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity);
uint64_t assay_book_own_left_at(assay_book_backtest *r, assay_side side, const assay_mbo_level *level);
uint64_t assay_book_own_resting_at(const assay_book_backtest *r, assay_side side, int32_t price);
/* Whether the recording tells of a level there, also that it is empty. */
bool assay_book_own_is_told(const assay_book_backtest *r, assay_side side, int32_t price);
void assay_book_own_share(assay_book_backtest *r, const assay_own_order *o, uint64_t *quantity);
void assay_book_own_meet_execution(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age, bool better_too);
void assay_book_own_meet_withdrawal(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age);
uint64_t assay_book_own_meet_arrival(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity);
void assay_book_own_tidy(assay_book_backtest *r);

/* ---- The recording (book_seen.c) ----------------------------------------------------------------------------------------------------- */

bool assay_book_seen_has_price(const assay_book_backtest *r, const assay_market_event *e);
bool assay_book_seen_apply(assay_book_backtest *r, const assay_market_event *e);
void assay_book_seen_end_rebuilding(assay_book_backtest *r);

#endif
