/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_book.h: books from feeds: events of orders (ITCH, DBN mbo) or of price levels (Binance's depth) go in, the best prices and the
 * depth come out, and it is known of each symbol whether its book can be believed.
 *
 *     assay_feed_book *book = NULL;
 *     if (assay_feed_book_create(&(assay_feed_book_options){.symbols = 65536}, &err, &book) != ASSAY_OK) return fail(err.message);
 *     while ((count = assay_itch_events(&reader, events, 256)) > 0) assay_feed_book_apply(book, events, count);
 *     assay_feed_level best;
 *     if (assay_feed_book_depth(book, symbol, 'B', &best, 1) == 1 && !assay_feed_book_is_stale(book, symbol))
 *       use(best.price, best.quantity);
 *
 * Gaps. A receiver that is missing messages (assay_mold_receiver.stale) holds back what lies behind the gap, so a book is late but right
 * until the gap is filled. Once it is given up, call assay_feed_book_lost: every symbol is stale until its book is emptied
 * (ASSAY_MARKET_CLEAR) or comes whole (a snapshot). An event that cannot be (an order that is not there, more executed than rests) is
 * counted and makes its symbol stale.
 *
 * Recovery. Where messages are lost for good (ITCH without a re-request that reaches back far enough), take a snapshot: NASDAQ's Glimpse
 * sends the orders that rest as 'A' messages, and the sequence number to go on from. assay_feed_book_restart empties all books, the
 * snapshot's messages are applied, then assay_mold_resume(receiver, that number). A new day (ITCH's system event 'O', with
 * ASSAY_MARKET_ALL_SYMBOLS) restarts all books by itself.
 *
 * Orders are told apart by their symbol and id together: venues number theirs alike, so give each venue's symbols numbers of their own
 * (assay_dbn_map does).
 *
 * Ticks. Each symbol's tick is found out: the greatest step that divides all of its prices so far, be it a cent, 0.00005 or half of 1/64.
 * Where prices have up to four decimals, those below 1 count singly, so that an order at 0.0001 makes nothing finer. An order without a
 * price, or 2^31 ticks and more behind the best ones, rests but is in no depth.
 *
 * Binance. assay_feed_book_update and assay_feed_book_snapshot keep the chain of update ids: differences wait for a snapshot (it says when
 * it needs one), those that it has already are dropped, and one that is missing makes the symbol stale until the next snapshot. Spot: the
 * first has U <= lastUpdateId + 1 <= u, each other U <= last u + 1. Futures (with pu): the first has U or pu <= lastUpdateId <= u, each
 * other pu = last u.
 *
 * Sources: Binance, "How to manage a local order book correctly" (spot, futures). Thread-safety: one book belongs to one thread at a time.
 */
#ifndef ASSAY_FEED_BOOK_H
#define ASSAY_FEED_BOOK_H

#include <assay/feed_json.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_feed_book assay_feed_book;

typedef struct assay_feed_book_options {
  uint32_t symbols;         /* numbers from 0 to symbols - 1; 0: 65,536, which is all of ITCH. Memory goes with the highest that is used */
  uint32_t expected_orders; /* at one time; 0: 65,536 */
  int64_t price_step;       /* of orders: steps of the events' prices in one tick; 0: found out (see "Ticks") */
  size_t most_waiting;      /* differences of one symbol that wait for a snapshot; 0: 1,000 */
  uint32_t most_levels;     /* of feeds of levels, all symbols and sides together; 0: 4,194,304 */
} assay_feed_book_options;

typedef struct assay_feed_level {
  int64_t price; /* in steps of the events */
  uint64_t quantity;
  uint32_t orders; /* 0: not known (feeds of levels) */
} assay_feed_level;

typedef struct assay_feed_book_counts {
  uint64_t applied;
  uint64_t impossible; /* events about what is not there */
  uint64_t refused;    /* a symbol or a price out of range, a side that is none, no memory */
} assay_feed_book_counts;

/* `options` may be NULL. */
ASSAY_API assay_status assay_feed_book_create(const assay_feed_book_options *options, assay_error *err, assay_feed_book **book);
/* Accepts NULL. */
ASSAY_API void assay_feed_book_destroy(assay_feed_book *book);
/* All of them, whatever any of them is; returns how many did not fit (and are counted). */
ASSAY_API size_t assay_feed_book_apply(assay_feed_book *book, const assay_market_event *events, size_t count);
ASSAY_API assay_feed_book_counts assay_feed_book_get_counts(const assay_feed_book *book);

/* The best `most` levels of a side ('B' or 'S'), best first; returns how many. */
ASSAY_API size_t assay_feed_book_depth(const assay_feed_book *book, uint32_t symbol, char side, assay_feed_level *levels, size_t most);
ASSAY_API size_t assay_feed_book_orders(const assay_feed_book *book);

typedef struct assay_feed_order {
  int64_t price; /* in steps of the events; ASSAY_FEED_NO_PRICE: it has none */
  uint64_t quantity;
  uint32_t symbol;
  char side; /* 'B' or 'S' */
} assay_feed_order;

/* An order that rests, such as the one that an execution is about; false: there is none of that id. */
ASSAY_API bool assay_feed_book_find(const assay_feed_book *book, uint32_t symbol, uint64_t order_id, assay_feed_order *order);
ASSAY_API bool assay_feed_book_is_stale(const assay_feed_book *book, uint32_t symbol);
/* Messages are lost for good: all symbols are stale. */
ASSAY_API void assay_feed_book_lost(assay_feed_book *book);
/* All books are empty, and none is stale: before a snapshot of all, or a new day. */
ASSAY_API void assay_feed_book_restart(assay_feed_book *book);
/* As assay_mbo_check. */
ASSAY_API assay_status assay_feed_book_check(const assay_feed_book *book, assay_error *err);

typedef enum assay_feed_chain {
  ASSAY_FEED_CHAIN_APPLIED,
  ASSAY_FEED_CHAIN_OLD,     /* older than the snapshot, or seen before: dropped */
  ASSAY_FEED_CHAIN_WAITING, /* kept until a snapshot comes: fetch one */
  ASSAY_FEED_CHAIN_GAP,     /* differences are missing: stale; this one waits; fetch a snapshot */
  ASSAY_FEED_CHAIN_REFUSED  /* a symbol out of range, no memory, or no message of that kind */
} assay_feed_chain;

/* A message of kind ASSAY_BINANCE_DEPTH. */
ASSAY_API assay_feed_chain assay_feed_book_update(assay_feed_book *book, uint32_t symbol, const assay_binance_message *message);
/* A message of kind ASSAY_BINANCE_SNAPSHOT; what waited behind it is applied. ASSAY_FEED_CHAIN_GAP: it is older than what waits: fetch a
 * newer one. */
ASSAY_API assay_feed_chain assay_feed_book_snapshot(assay_feed_book *book, uint32_t symbol, const assay_binance_message *message);

#ifdef __cplusplus
}
#endif
#endif
