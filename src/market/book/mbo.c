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
  book_ladder *ladders = assay_alloc(ASSAY_TAG_MARKET, 2 * (size_t)books * sizeof *ladders);
  if (m == NULL || ladders == NULL) {
    assay_free(m);
    assay_free(ladders);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u books", books);
  }
  *m = (assay_mbo){.books = books, .ladders = ladders};
  for (size_t i = 0; i < 2 * (size_t)books; i++) book_ladder_init(&ladders[i]);
  assay_status status = assay_book_store_init(&m->store, o->expected_orders, o->most_orders == 0 ? 1u << 24 : o->most_orders, o->seed, err);
  if (status != ASSAY_OK) {
    assay_mbo_destroy(m);
    return status;
  }
  *mbo = m;
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
assay_status assay_mbo_execute(assay_mbo *mbo, uint64_t reference, uint64_t quantity) { return book_mbo_reduce(mbo, reference, quantity); }
assay_status assay_mbo_cancel(assay_mbo *mbo, uint64_t reference, uint64_t quantity) { return book_mbo_reduce(mbo, reference, quantity); }
assay_status assay_mbo_delete(assay_mbo *mbo, uint64_t reference) { return book_mbo_delete(mbo, reference); }
assay_status assay_mbo_replace(assay_mbo *mbo, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity) {
  return book_mbo_replace(mbo, reference, new_reference, price, quantity);
}

void assay_mbo_clear(assay_mbo *m, uint32_t book) {
  if (book >= m->books) return;
  for (unsigned sell = 0; sell < 2; sell++) {
    const book_ladder *l = book_mbo_ladder(m, book, sell);
    while (l->levels > 0) book_mbo_delete(m, m->store.orders[m->store.levels[l->best_level].head].id);
  }
}

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
  uint32_t tag, at = book_find(&m->store, reference, &tag);
  if (at == 0) return false;
  const book_order *o = &m->store.orders[at];
  const book_level *level = &m->store.levels[o->level];
  unsigned sell = level->ladder & 1;
  *order = (assay_mbo_order){reference, o->quantity, level->ladder / 2, book_price(level->key, sell), (assay_side)sell};
  return true;
}

size_t assay_mbo_orders(const assay_mbo *m) { return m->store.live; }

assay_status assay_mbo_check(const assay_mbo *m, assay_error *err) {
  book_count count = {0};
  for (uint32_t i = 0; i < 2 * m->books; i++) {
    const book_ladder *l = &m->ladders[i];
    assay_status status = assay_book_check_ladder(&m->store, l, i, err, &count);
    if (status != ASSAY_OK) return status;
  }
  return assay_book_check_store(&m->store, &count, err);
}
