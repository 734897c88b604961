/* SPDX-License-Identifier: MIT */
/* Whether pools, ladders and the map of ids fit together: for tests, which walk all of it. */
#ifndef ASSAY_MARKET_CHECK_H
#define ASSAY_MARKET_CHECK_H

#include "market/book/store.h"

/* What the ladders hold together. */
typedef struct book_count {
  uint64_t orders, levels, nodes, bunches, blocks; /* levels: those that are in no block */
} book_count;

/* One ladder: its trie, its fingers, its best, its levels' orders and sums. Adds to `count`. */
assay_status assay_book_check_ladder(const book_store *s, const book_ladder *l, uint32_t ladder, assay_error *err, book_count *count);
/* The pools hold just that, and every order is found by its id. Orders that are in no ladder the caller has added to `count`. */
assay_status assay_book_check_store(const book_store *s, const book_count *count, assay_error *err);

#endif
