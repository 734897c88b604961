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
  uint32_t books;
  book_ladder *ladders; /* two a book, by side */
};

static inline book_ladder *book_mbo_ladder(const assay_mbo *m, uint32_t book, unsigned sell) {
  return &m->ladders[2 * (size_t)book + sell];
}

/* In front of a message that comes soon: its reference's place, and the order that is likely there. */
static inline void book_mbo_prefetch(const assay_mbo *m, uint64_t reference) {
  const book_place *place = &m->store.places[book_tag(&m->store, reference) >> m->store.place_shift];
  __builtin_prefetch(place);
}

static inline assay_status book_mbo_add(assay_mbo *m, uint32_t book, uint64_t reference, unsigned sell, int32_t price, uint64_t quantity) {
  book_store *s = &m->store;
  if (book >= m->books || sell > 1 || quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_ERR_INVALID;
  uint32_t tag = book_tag(s, reference), place;
  if (!book_store_room(s)) {
    if (book_find(s, reference, &tag) != 0) return ASSAY_ERR_INVALID;
    return s->live >= s->most ? ASSAY_ERR_LIMIT : ASSAY_ERR_NO_MEMORY;
  }
  if (book_seek(s, reference, tag, &place) != 0) return ASSAY_ERR_INVALID;
  uint32_t ladder = 2 * book + sell, level = book_ladder_open(s, &m->ladders[ladder], book_key(price, sell), ladder);
  if (level == 0) return ASSAY_ERR_NO_MEMORY;
  if (s->levels[level].quantity + quantity > BOOK_MOST_AT_LEVEL) return ASSAY_ERR_LIMIT;
  book_level_enter(s, level, book_order_new_at(s, tag, place), reference, quantity, 0, 0);
  return ASSAY_OK;
}

static inline void book_mbo_remove(assay_mbo *m, uint32_t order, uint32_t place) {
  book_store *s = &m->store;
  const book_order *o = &s->orders[order];
  book_level *level = &s->levels[o->level];
  book_level_unlink(s, level, o);
  if (level->count == 0) book_ladder_close(s, &m->ladders[level->ladder], o->level);
  book_order_free_at(s, order, place);
}

static inline assay_status book_mbo_reduce(assay_mbo *m, uint64_t reference, uint64_t quantity) {
  book_store *s = &m->store;
  uint32_t place, order = book_seek(s, reference, book_tag(s, reference), &place);
  if (order == 0) return ASSAY_ERR_NOT_FOUND;
  book_order *o = &s->orders[order];
  if (quantity - 1 >= o->quantity) return ASSAY_ERR_INVALID;
  if (quantity == o->quantity) {
    book_mbo_remove(m, order, place);
    return ASSAY_OK;
  }
  o->quantity -= quantity;
  s->levels[o->level].quantity -= quantity;
  return ASSAY_OK;
}

static inline assay_status book_mbo_delete(assay_mbo *m, uint64_t reference) {
  uint32_t place, order = book_seek(&m->store, reference, book_tag(&m->store, reference), &place);
  if (order == 0) return ASSAY_ERR_NOT_FOUND;
  book_mbo_remove(m, order, place);
  return ASSAY_OK;
}

static inline assay_status book_mbo_replace(assay_mbo *m, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity) {
  book_store *s = &m->store;
  uint32_t tag, new_tag, order = book_find(s, reference, &tag);
  if (order == 0) return ASSAY_ERR_NOT_FOUND;
  if (quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_ERR_INVALID;
  uint32_t other = book_find(s, new_reference, &new_tag);
  if (other != 0 && other != order) return ASSAY_ERR_INVALID;
  uint32_t old_level = s->orders[order].level, ladder = s->levels[old_level].ladder;
  /* The new level first: what can fail comes before what changes anything. */
  uint32_t level = book_ladder_open(s, &m->ladders[ladder], book_key(price, ladder & 1), ladder);
  if (level == 0) return ASSAY_ERR_NO_MEMORY;
  if (s->levels[level].quantity + quantity > BOOK_MOST_AT_LEVEL) return ASSAY_ERR_LIMIT;
  book_level_unlink(s, &s->levels[old_level], &s->orders[order]);
  if (new_reference != reference) {
    book_place_remove(s, tag, order);
    book_place_add(s, new_tag, order);
    s->orders[order].id = new_reference;
  }
  s->orders[order].quantity = quantity;
  book_level_append(s, level, order);
  if (s->levels[old_level].count == 0) book_ladder_close(s, &m->ladders[ladder], old_level);
  return ASSAY_OK;
}

static inline void book_mbo_read_level(const book_level *level, assay_mbo_level *out) {
  *out = (assay_mbo_level){book_price(level->key, level->ladder & 1), level->count, level->quantity};
}

static inline bool book_mbo_best(const assay_mbo *m, uint32_t book, unsigned sell, assay_mbo_level *out) {
  const book_ladder *l = book_mbo_ladder(m, book, sell);
  if (l->levels == 0) return false;
  book_mbo_read_level(&m->store.levels[l->best_level], out);
  return true;
}

#endif
