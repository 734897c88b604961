/* SPDX-License-Identifier: MIT */
/*
 * Going over many levels of a ladder, in order. To look for each level from the one before costs a descent, and a wait for each record on
 * the way, 0.2 us where a million lie far apart in memory. A walk that goes over the trie from one end to the other knows what comes next,
 * so it has the next dozens of levels on their way into the cache before they are asked for.
 */
#ifndef ASSAY_MARKET_WALK_H
#define ASSAY_MARKET_WALK_H

#include "market/book/store.h"

/* A queue of levels that come next; what a node or a bunch has goes in at once. */
enum { BOOK_WALK_AHEAD = 48, BOOK_WALK_ROOM = 64, BOOK_WALK_FEW = 6 };

typedef struct book_walk {
  const book_store *store;
  const book_ladder *ladder;
  uint32_t steps; /* so far; the first few are taken one by one, as most orders go no further */
  uint32_t first, count;
  uint32_t depth, node[BOOK_PATH]; /* the nodes that it is in */
  uint64_t rest[BOOK_PATH];        /* of each, the ways that it has not gone */
  uint32_t top;                    /* of the ladder's four words, the one that it is in */
  uint64_t top_rest;
  uint32_t level[BOOK_WALK_ROOM];
} book_walk;

/* What it finds is right as long as nothing comes into the ladder or leaves it. */
static inline void book_walk_begin(book_walk *w, const book_store *s, const book_ladder *l) {
  w->store = s;
  w->ladder = l;
  w->steps = 0;
}
/* The level behind the one of this key, which is the one that it was at; 0: none. */
uint32_t assay_book_walk_next(book_walk *w, uint32_t key);

#endif
