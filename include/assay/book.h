/* SPDX-License-Identifier: MIT */
/*
 * assay/book.h: books of orders.
 *
 * A rebuilt book (`assay_mbo`, market by order) follows a feed: orders are added, executed, cancelled, deleted and replaced by reference as
 * the feed says, for many symbols at once, without any matching; it answers what the best prices and the depth are.
 *
 *     assay_mbo *mbo = NULL;
 *     if (assay_mbo_create(&(assay_mbo_options){.books = 8192}, &err, &mbo) != ASSAY_OK) return fail(err.message);
 *     assay_mbo_add(mbo, symbol, reference, ASSAY_BUY, 1000000, 300);       // price in ticks, quantity
 *     assay_mbo_execute(mbo, reference, 100);
 *     assay_mbo_level best;
 *     if (assay_mbo_depth(mbo, symbol, ASSAY_BUY, &best, 1) == 1) use(best.price, best.quantity);
 *     assay_mbo_destroy(mbo);
 *
 * Prices are whole ticks from INT32_MIN to INT32_MAX, negative ones too. Quantities are whole and from 1 to ASSAY_BOOK_MOST_QUANTITY. What
 * would overflow is refused, never wrapped. Memory goes with the number of orders and of price levels, never with how far prices lie apart;
 * ids are hashed with a secret seed, so no choice of ids is slow. Nothing depends on that seed but memory addresses.
 *
 * Thread-safety: one object belongs to one thread at a time.
 */
#ifndef ASSAY_BOOK_H
#define ASSAY_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_side { ASSAY_BUY = 0, ASSAY_SELL = 1 } assay_side;

#define ASSAY_BOOK_MOST_QUANTITY ((UINT64_C(1) << 48) - 1)

/* ---- Books rebuilt from a feed ------------------------------------------------------------------------------------------------- */

typedef struct assay_mbo assay_mbo;

typedef struct assay_mbo_options {
  uint32_t books;           /* symbols, numbered from 0; 0: 1 */
  uint32_t expected_orders; /* at one time, over all books: room that is there from the start; 0: 8192 */
  uint32_t most_orders;     /* never more than so many at one time; 0: 2^24, at most 2^30 */
  uint64_t seed;            /* of the map from references to orders; 0: a random one */
} assay_mbo_options;

typedef struct assay_mbo_level {
  int32_t price;
  uint32_t orders;
  uint64_t quantity;
} assay_mbo_level;

typedef struct assay_mbo_order {
  uint64_t reference, quantity;
  uint32_t book;
  int32_t price;
  assay_side side;
} assay_mbo_order;

/* `options` may be NULL. */
ASSAY_API assay_status assay_mbo_create(const assay_mbo_options *options, assay_error *err, assay_mbo **mbo);
ASSAY_API void assay_mbo_destroy(assay_mbo *mbo);

/* Messages of a feed. All answer ASSAY_OK; ASSAY_ERR_INVALID: no such book, a reference in use, a quantity of 0 or above what is there;
 * ASSAY_ERR_NOT_FOUND: no order of that reference; ASSAY_ERR_LIMIT: more orders or a larger level than there may be; ASSAY_ERR_NO_MEMORY.
 * On failure nothing changed. */
ASSAY_API assay_status assay_mbo_add(assay_mbo *mbo, uint32_t book, uint64_t reference, assay_side side, int32_t price, uint64_t quantity);
/* Takes `quantity` off the order, which leaves the book when nothing is left; its place in time stays. Execute and cancel differ only in
 * name. */
ASSAY_API assay_status assay_mbo_execute(assay_mbo *mbo, uint64_t reference, uint64_t quantity);
ASSAY_API assay_status assay_mbo_cancel(assay_mbo *mbo, uint64_t reference, uint64_t quantity);
ASSAY_API assay_status assay_mbo_delete(assay_mbo *mbo, uint64_t reference);
/* The order leaves, and one with a new reference (or the same), price and quantity comes in last in time, on the same side. */
ASSAY_API assay_status assay_mbo_replace(assay_mbo *mbo, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity);
/* Empties one book, for a feed that starts it anew. */
ASSAY_API void assay_mbo_clear(assay_mbo *mbo, uint32_t book);

/* The best `most` levels of a side, best first; how many there were to write. */
ASSAY_API size_t assay_mbo_depth(const assay_mbo *mbo, uint32_t book, assay_side side, assay_mbo_level *levels, size_t most);
/* False when a side is empty; then `*level` stays. */
ASSAY_API bool assay_mbo_best(const assay_mbo *mbo, uint32_t book, assay_side side, assay_mbo_level *level);
ASSAY_API bool assay_mbo_find(const assay_mbo *mbo, uint64_t reference, assay_mbo_order *order);
/* Orders in all books together. */
ASSAY_API size_t assay_mbo_orders(const assay_mbo *mbo);
/* Walks all there is; ASSAY_ERR_CORRUPT names the first thing that does not fit, which would be our bug. For tests; slow. */
ASSAY_API assay_status assay_mbo_check(const assay_mbo *mbo, assay_error *err);

#ifdef __cplusplus
}
#endif
#endif
