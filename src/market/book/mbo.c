/* SPDX-License-Identifier: MIT */
#include "market/book/mbo.h"

#include "base/alloc.h"
#include "market/book/check.h"

assay_status assay_mbo_create(const assay_mbo_options *options, assay_error *err, assay_mbo **mbo) {
  static const assay_mbo_options defaults;
  const assay_mbo_options *o = options == NULL ? &defaults : options;
  uint32_t books = o->books == 0 ? 1 : o->books;
  if (books > 1u << 24) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u books are more than 2^24", books);
  assay_mbo *m = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *m);
  if (m == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u books", books);
  m->most_books = books;
  assay_status status = assay_book_store_init(&m->store, o->expected_orders, o->most_orders == 0 ? 1u << 24 : o->most_orders, o->seed, err);
  if (status == ASSAY_OK && !assay_book_store_window(&m->store))
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the references of %u orders: expect fewer of them", o->expected_orders);
  if (status != ASSAY_OK) {
    assay_mbo_destroy(m);
    return status;
  }
  m->store.is_sparing = true;
  *mbo = m;
  return ASSAY_OK;
}

/* Twice as many each time. Memory that nobody wrote to is only promised by the system, and a ladder is written to when it is used. */
assay_status assay_mbo_reach(assay_mbo *m, uint32_t book) {
  enum { FIRST = 16 };
  if (book >= m->most_books) return ASSAY_ERR_INVALID;
  uint32_t books = m->books < FIRST / 2 ? FIRST : 2 * m->books;
  if (books <= book) books = book + 1;
  if (books > m->most_books) books = m->most_books;
  book_ladder *ladders = assay_calloc(ASSAY_TAG_MARKET, 2 * (size_t)books, sizeof *ladders);
  if (ladders == NULL) return ASSAY_ERR_NO_MEMORY;
  for (size_t i = 0; i < 2 * (size_t)m->books; i++)
    if (m->ladders[i].levels > 0) ladders[i] = m->ladders[i];
  assay_free(m->ladders);
  m->ladders = ladders;
  m->books = books;
  return ASSAY_OK;
}

void assay_mbo_destroy(assay_mbo *m) {
  if (m == NULL) return;
  assay_book_store_deinit(&m->store);
  assay_free(m->ladders);
  assay_free(m);
}

assay_status assay_mbo_add(assay_mbo *mbo, uint32_t book, uint64_t reference, assay_side side, int32_t price, uint64_t quantity) {
  return book_mbo_add(mbo, book, reference, (unsigned)side, price, quantity);
}
assay_status assay_mbo_execute(assay_mbo *mbo, uint64_t reference, uint64_t quantity) {
  return book_mbo_reduce(mbo, 0, reference, quantity);
}
assay_status assay_mbo_cancel(assay_mbo *mbo, uint64_t reference, uint64_t quantity) {
  return book_mbo_reduce(mbo, 0, reference, quantity);
}
assay_status assay_mbo_delete(assay_mbo *mbo, uint64_t reference) { return book_mbo_delete(mbo, 0, reference); }
assay_status assay_mbo_replace(assay_mbo *mbo, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity) {
  return book_mbo_replace(mbo, 0, reference, new_reference, price, quantity);
}

void assay_mbo_clear_side(assay_mbo *m, uint32_t book, unsigned sell) {
  if (book >= m->books) return;
  book_ladder *l = book_mbo_ladder(m, book, sell);
  while (l->levels > 0) {
    uint32_t at = l->best_level, head = m->store.levels[at].head;
    if (head != 0)
      (void)book_mbo_delete(m, book, m->store.orders[head].id);
    else
      book_ladder_close(&m->store, l, at);
  }
}

void assay_mbo_clear(assay_mbo *m, uint32_t book) {
  assay_mbo_clear_side(m, book, 0);
  assay_mbo_clear_side(m, book, 1);
}

/* ---- Levels -------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_mbo_set_level(assay_mbo *m, uint32_t book, unsigned sell, int32_t price, uint64_t quantity, uint32_t orders) {
  book_store *s = &m->store;
  uint32_t key = book_key(price, sell), ladder = 2 * book + sell;
  if (quantity == 0) { /* a level that goes and was not there is normal */
    uint32_t at = book < m->books ? book_ladder_find(s, &m->ladders[ladder], key) : 0;
    if (at != 0) book_ladder_close(s, &m->ladders[ladder], at);
    return ASSAY_OK;
  }
  if (book >= m->books) {
    assay_status status = assay_mbo_reach(m, book);
    if (status != ASSAY_OK) return status;
  }
  book_ladder *l = &m->ladders[ladder];
  if (s->level_pool.free == 0 && s->level_pool.used >= BOOK_FIRST_LEVEL + s->most && book_ladder_find(s, l, key) == 0)
    return ASSAY_ERR_LIMIT;
  uint32_t at = book_ladder_open(s, l, key, ladder);
  if (at == 0) return ASSAY_ERR_NO_MEMORY;
  s->levels[at].quantity = quantity;
  s->levels[at].count = orders;
  return ASSAY_OK;
}

/* What a level holds, taken out of its ladder. */
typedef struct taken {
  uint64_t quantity;
  uint32_t key, head, count;
} taken;

static uint32_t scaled(uint32_t key, unsigned sell, uint64_t factor, int32_t fine) {
  int32_t price = book_price(key, sell);
  int64_t size = price < 0 ? -(int64_t)price : price, wide = 0;
  if (price == book_mbo_end(sell) || size <= fine) return key;
  if (__builtin_mul_overflow(size - fine, (int64_t)factor, &wide) || wide >= INT32_MAX - fine) return book_key(book_mbo_end(sell), sell);
  return book_key((int32_t)(price < 0 ? -(wide + fine) : wide + fine), sell);
}

static void drop_orders(assay_mbo *m, uint32_t head) {
  book_store *s = &m->store;
  for (uint32_t order = head, next; order != 0; order = next) {
    const book_order *o = &s->orders[order];
    next = o->next;
    book_scoped_remove(s, o->account, o->id, order);
    book_record_free(s, order);
  }
}

/* In order of price, so that each side's best is right from the first on. */
static assay_status rescale_side(assay_mbo *m, uint32_t ladder, uint64_t factor, int32_t fine) {
  book_store *s = &m->store;
  book_ladder *l = &m->ladders[ladder];
  uint32_t count = l->levels;
  if (count == 0) return ASSAY_OK;
  taken *all = assay_alloc(ASSAY_TAG_MARKET, count * sizeof *all);
  if (all == NULL) return ASSAY_ERR_NO_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    const book_level *level = &s->levels[l->best_level];
    all[i] = (taken){level->quantity, scaled(level->key, ladder & 1, factor, fine), level->head, level->count};
    book_ladder_close(s, l, l->best_level);
  }
  assay_status status = ASSAY_OK;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = book_ladder_open(s, l, all[i].key, ladder);
    if (at == 0) { /* of a node's memory: levels have just become free */
      drop_orders(m, all[i].head);
      status = ASSAY_ERR_NO_MEMORY;
      continue;
    }
    if (all[i].head == 0) {
      s->levels[at].quantity += all[i].quantity;
      s->levels[at].count += all[i].count;
    }
    for (uint32_t order = all[i].head, next; order != 0; order = next) {
      next = s->orders[order].next;
      book_level_append(s, at, order);
    }
  }
  assay_free(all);
  return status;
}

assay_status assay_mbo_rescale(assay_mbo *m, uint32_t book, uint64_t factor, int32_t fine) {
  if (book >= m->books) return ASSAY_OK;
  if (factor > INT64_MAX) factor = INT64_MAX;
  assay_status bids = rescale_side(m, 2 * book, factor, fine), asks = rescale_side(m, 2 * book + 1, factor, fine);
  return bids != ASSAY_OK ? bids : asks;
}

/* ---- Questions ----------------------------------------------------------------------------------------------------------------------- */

size_t assay_mbo_depth(const assay_mbo *m, uint32_t book, assay_side side, assay_mbo_level *levels, size_t most) {
  if (book >= m->books || (unsigned)side > 1) return 0;
  const book_ladder *l = book_mbo_ladder(m, book, (unsigned)side);
  size_t count = 0;
  for (uint32_t at = l->levels > 0 ? l->best_level : 0; at != 0 && count < most; count++) {
    book_mbo_read_level(&m->store.levels[at], &levels[count]);
    at = assay_book_ladder_after(&m->store, l, m->store.levels[at].key);
  }
  return count;
}

bool assay_mbo_best(const assay_mbo *m, uint32_t book, assay_side side, assay_mbo_level *level) {
  return book < m->books && (unsigned)side <= 1 && book_mbo_best(m, book, (unsigned)side, level);
}

bool assay_mbo_level_at(const assay_mbo *m, uint32_t book, assay_side side, int32_t price, assay_mbo_level *level) {
  if (book >= m->books || (unsigned)side > 1) return false;
  uint32_t at = book_ladder_find(&m->store, book_mbo_ladder(m, book, (unsigned)side), book_key(price, (unsigned)side));
  if (at != 0) book_mbo_read_level(&m->store.levels[at], level);
  return at != 0;
}

bool assay_mbo_level_after(const assay_mbo *m, uint32_t book, assay_side side, int32_t price, assay_mbo_level *level) {
  if (book >= m->books || (unsigned)side > 1) return false;
  uint32_t at = assay_book_ladder_after(&m->store, book_mbo_ladder(m, book, (unsigned)side), book_key(price, (unsigned)side));
  if (at != 0) book_mbo_read_level(&m->store.levels[at], level);
  return at != 0;
}

bool assay_mbo_find(const assay_mbo *m, uint64_t reference, assay_mbo_order *order) {
  uint32_t at = book_mbo_find(m, 0, reference);
  return at != 0 && (assay_mbo_read(m, at, order), true);
}

void assay_mbo_read(const assay_mbo *m, uint32_t at, assay_mbo_order *order) {
  const book_order *o = &m->store.orders[at];
  const book_level *level = &m->store.levels[o->level];
  unsigned sell = level->ladder & 1;
  *order = (assay_mbo_order){o->id, o->quantity, level->ladder / 2, book_price(level->key, sell), (assay_side)sell};
}

size_t assay_mbo_orders(const assay_mbo *m) { return m->store.live; }

assay_status assay_mbo_check(const assay_mbo *m, assay_error *err) {
  book_count count = {0};
  for (uint32_t i = 0; i < 2 * m->books; i++) {
    book_ladder l = m->ladders[i];
    if (l.levels == 0) l.best = BOOK_NO_KEY; /* it may never have been used */
    assay_status status = assay_book_check_ladder(&m->store, &l, i, err, &count);
    if (status != ASSAY_OK) return status;
  }
  return assay_book_check_store(&m->store, &count, err);
}
