/* SPDX-License-Identifier: MIT */
/*
 * Books rebuilt from a feed, inlined: what <assay/book.h> offers as functions, for the loop that decodes a feed. The status is as there.
 */
#ifndef ASSAY_MARKET_MBO_H
#define ASSAY_MARKET_MBO_H

#include <assay/book.h>

#include "market/book/store.h"

struct assay_mbo {
  book_store store;
  uint32_t books, most_books; /* that have ladders, and that may */
  book_ladder *ladders;       /* two a book, by side; zeroed until a book is used first, so that those which never are cost no memory */
};

/* Ladders for a book that has none yet, and those before it. */
assay_status assay_mbo_reach(assay_mbo *mbo, uint32_t book);

static inline book_ladder *book_mbo_ladder(const assay_mbo *m, uint32_t book, unsigned sell) {
  return &m->ladders[2 * (size_t)book + sell];
}

/* ---- Orders by reference ----------------------------------------------------------------------------------------------------------- */

/* References are of all books together (scope 0), or with `scopes` of each book: feeds of several venues number their orders alike. 0:
 * there is none. */
static inline uint32_t book_mbo_find(const assay_mbo *m, uint32_t book, uint64_t reference) {
  return book_scoped_find(&m->store, book & m->store.scopes, reference);
}
/* The order at a place of the pool. */
void assay_mbo_read(const assay_mbo *mbo, uint32_t at, assay_mbo_order *order);

/* In front of a message that comes soon: its reference's place; a little later the order that is likely there; then what is around that. */
static inline void book_mbo_prefetch(const assay_mbo *m, uint64_t reference) {
  __builtin_prefetch(&m->store.window[reference & m->store.window_mask], 1);
}
static inline void book_mbo_prefetch_order(const assay_mbo *m, uint64_t reference) {
  __builtin_prefetch(&m->store.orders[m->store.window[reference & m->store.window_mask]], 1);
}
static inline void book_mbo_prefetch_around(const assay_mbo *m, uint64_t reference) {
  const book_order *o = &m->store.orders[m->store.window[reference & m->store.window_mask]];
  __builtin_prefetch(&m->store.orders[o->next], 1);
  __builtin_prefetch(&m->store.orders[o->prev], 1);
  __builtin_prefetch(&m->store.levels[o->level], 1);
}

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

#define BOOK_MBO_INLINE static inline __attribute__((always_inline)) /* each has two callers, of which one matters */

BOOK_MBO_INLINE assay_status book_mbo_add(assay_mbo *m, uint32_t book, uint64_t reference, unsigned sell, int32_t price,
                                          uint64_t quantity) {
  book_store *s = &m->store;
  if (sell > 1 || quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_ERR_INVALID;
  if (book >= m->books) {
    assay_status status = assay_mbo_reach(m, book);
    if (status != ASSAY_OK) return status;
  }
  uint32_t scope = book & s->scopes;
  if (book_scoped_taken(s, scope, reference)) return ASSAY_ERR_INVALID;
  if (!book_store_room(s)) return s->live >= s->most ? ASSAY_ERR_LIMIT : ASSAY_ERR_NO_MEMORY;
  uint32_t ladder = 2 * book + sell, level = book_ladder_open(s, &m->ladders[ladder], book_key(price, sell), ladder);
  if (level == 0) return ASSAY_ERR_NO_MEMORY;
  if (s->levels[level].quantity + quantity > BOOK_MOST_AT_LEVEL) return ASSAY_ERR_LIMIT;
  uint32_t order = book_record_take(s);
  book_level_enter(s, level, order, reference, quantity, 0, scope);
  book_scoped_add(s, scope, reference, order);
  return ASSAY_OK;
}

BOOK_MBO_INLINE void book_mbo_remove(assay_mbo *m, uint32_t order) {
  book_store *s = &m->store;
  const book_order *o = &s->orders[order];
  book_level *level = &s->levels[o->level];
  book_level_unlink(s, level, o);
  if (level->count == 0) book_ladder_close(s, &m->ladders[level->ladder], o->level);
  book_scoped_remove(s, o->account, o->id, order);
  book_record_free(s, order);
}

/* Takes `quantity` off an order, or all there is: one way for both, since which it is cannot be foreseen. `book` matters here and below
 * only with `scopes`. */
BOOK_MBO_INLINE assay_status book_mbo_take(assay_mbo *m, uint32_t book, uint64_t reference, uint64_t quantity, bool all) {
  book_store *s = &m->store;
  uint32_t order = book_mbo_find(m, book, reference);
  if (order == 0) return ASSAY_ERR_NOT_FOUND;
  book_order *o = &s->orders[order];
  uint64_t there = o->quantity, taken = all ? there : quantity;
  if (taken - 1 >= there) return ASSAY_ERR_INVALID;
  if (taken == there) {
    book_mbo_remove(m, order);
    return ASSAY_OK;
  }
  o->quantity = there - taken;
  s->levels[o->level].quantity -= taken;
  return ASSAY_OK;
}

static inline assay_status book_mbo_reduce(assay_mbo *m, uint32_t book, uint64_t reference, uint64_t quantity) {
  return book_mbo_take(m, book, reference, quantity, false);
}
static inline assay_status book_mbo_delete(assay_mbo *m, uint32_t book, uint64_t reference) {
  return book_mbo_take(m, book, reference, 0, true);
}

static inline assay_status book_mbo_replace(assay_mbo *m, uint32_t book, uint64_t reference, uint64_t new_reference, int32_t price,
                                            uint64_t quantity) {
  book_store *s = &m->store;
  uint32_t order = book_mbo_find(m, book, reference), scope = book & s->scopes;
  if (order == 0) return ASSAY_ERR_NOT_FOUND;
  if (quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_ERR_INVALID;
  if (new_reference != reference && book_scoped_taken(s, scope, new_reference)) return ASSAY_ERR_INVALID;
  uint32_t old_level = s->orders[order].level, ladder = s->levels[old_level].ladder;
  /* The new level first: what can fail comes before what changes anything. */
  uint32_t level = book_ladder_open(s, &m->ladders[ladder], book_key(price, ladder & 1), ladder);
  if (level == 0) return ASSAY_ERR_NO_MEMORY;
  if (s->levels[level].quantity + quantity > BOOK_MOST_AT_LEVEL) return ASSAY_ERR_LIMIT;
  book_level_unlink(s, &s->levels[old_level], &s->orders[order]);
  if (new_reference != reference) {
    book_scoped_remove(s, scope, reference, order);
    s->orders[order].id = new_reference;
    book_scoped_add(s, scope, new_reference, order);
  }
  s->orders[order].quantity = quantity;
  book_level_append(s, level, order);
  if (s->levels[old_level].count == 0) book_ladder_close(s, &m->ladders[ladder], old_level);
  return ASSAY_OK;
}

/* ---- Levels without orders ----------------------------------------------------------------------------------------------------------- */

/* For feeds of levels, in an assay_mbo that has no orders: what is at a price now; 0 and the level is gone. */
assay_status assay_mbo_set_level(assay_mbo *mbo, uint32_t book, unsigned sell, int32_t price, uint64_t quantity, uint32_t orders);
/* One side of a book, of orders or of levels. */
void assay_mbo_clear_side(assay_mbo *mbo, uint32_t book, unsigned sell);
/*
 * All prices of a book times a factor, but for their first `fine`, which stay: its tick has become finer. What has no place any more at 32
 * bits goes to the side's end, where it was worse than all others anyway (book_mbo_end). ASSAY_ERR_NO_MEMORY: orders are lost, or nothing
 * was done.
 */
assay_status assay_mbo_rescale(assay_mbo *mbo, uint32_t book, uint64_t factor, int32_t fine);
/* The price behind all others, for orders without one. */
static inline int32_t book_mbo_end(unsigned sell) { return sell ? INT32_MAX : INT32_MIN; }

static inline void book_mbo_read_level(const book_level *level, assay_mbo_level *out) {
  *out = (assay_mbo_level){book_price(level->key, level->ladder & 1), level->count, level->quantity};
}

static inline bool book_mbo_best(const assay_mbo *m, uint32_t book, unsigned sell, assay_mbo_level *out) {
  if (book >= m->books) return false;
  const book_ladder *l = book_mbo_ladder(m, book, sell);
  if (l->levels == 0) return false;
  book_mbo_read_level(&m->store.levels[l->best_level], out);
  return true;
}

#endif
