/* SPDX-License-Identifier: MIT */
#include "market/book/walk.h"

static void push(book_walk *w, uint32_t level) {
  __builtin_prefetch(&w->store->levels[level]);
  w->level[(w->first + w->count++) % BOOK_WALK_ROOM] = level;
}

/* The keys of a bunch are in no order. */
static void push_bunch(book_walk *w, const book_bunch *b) {
  uint64_t ranks[16];
  uint32_t count = 0;
  for (uint32_t used = b->used; used != 0; used &= used - 1) {
    const uint32_t place = (uint32_t)__builtin_ctz(used);
    const uint64_t rank = (uint64_t)b->key[place] << 4 | place;
    uint32_t at = count++;
    for (; at > 0 && ranks[at - 1] > rank; at--) ranks[at] = ranks[at - 1];
    ranks[at] = rank;
  }
  for (uint32_t i = 0; i < count; i++) push(w, b->level[ranks[i] & 15]);
}

static void enter(book_walk *w, uint32_t number) {
  w->node[w->depth] = number;
  w->rest[w->depth++] = *book_bits(w->store, &w->store->nodes[number]);
}

/* What is going to be entered is looked at after some levels more. */
static void prefetch_child(const book_store *s, uint32_t child) {
  if ((child & BOOK_IS_BUNCH) != 0) {
    const book_bunch *b = &s->bunches[child & ~BOOK_IS_BUNCH];
    __builtin_prefetch(b->key);
    __builtin_prefetch(b->level);
  } else if (book_is_node(child)) {
    __builtin_prefetch(&s->nodes[child]);
  }
}

/* One step down, or along: a level, all of a bunch, or into a node. */
static void go_down(book_walk *w) {
  const book_store *s = w->store;
  const book_node *node = &s->nodes[w->node[w->depth - 1]];
  uint64_t *rest = &w->rest[w->depth - 1];
  if (*rest == 0) {
    w->depth--;
    return;
  }
  const uint32_t way = (uint32_t)__builtin_ctzll(*rest), child = node->child[way];
  *rest &= *rest - 1;
  if ((child & BOOK_IS_BUNCH) != 0) {
    const book_bunch *b = &s->bunches[child & ~BOOK_IS_BUNCH];
    const uint32_t last = way | ((1u << b->width) - 1);
    *rest = last == 63 ? 0 : *rest & (~UINT64_C(0) << (last + 1)); /* all ways of the bunch */
    push_bunch(w, b);
  } else if (book_is_node(child)) {
    enter(w, child);
  } else {
    push(w, child & ~BOOK_IS_LEVEL);
  }
  if (*rest != 0) prefetch_child(s, node->child[__builtin_ctzll(*rest)]);
}

/* False: the ladder is at its end. */
static bool go_on_at_top(book_walk *w) {
  while (w->top_rest == 0) {
    if (++w->top >= 4) return false;
    w->top_rest = w->ladder->top[w->top];
  }
  const uint32_t child = w->ladder->root[64 * w->top + (uint32_t)__builtin_ctzll(w->top_rest)];
  w->top_rest &= w->top_rest - 1;
  if (book_is_node(child))
    enter(w, child);
  else
    push_bunch(w, &w->store->bunches[child & ~BOOK_IS_BUNCH]);
  return true;
}

static uint32_t pop(book_walk *w) {
  while (w->count < BOOK_WALK_AHEAD)
    if (w->depth > 0)
      go_down(w);
    else if (!go_on_at_top(w))
      break;
  if (w->count == 0) return 0;
  const uint32_t level = w->level[w->first];
  w->first = (w->first + 1) % BOOK_WALK_ROOM;
  w->count--;
  return level;
}

/* From the first level of all to the one behind `key`. */
static uint32_t begin_walk(book_walk *w, uint32_t key) {
  uint32_t level;
  w->first = w->count = w->depth = w->top = 0;
  w->top_rest = w->ladder->top[0];
  do level = pop(w);
  while (level != 0 && w->store->levels[level].key <= key);
  return level;
}

uint32_t assay_book_walk_next(book_walk *w, uint32_t key) {
  if (w->steps < BOOK_WALK_FEW) {
    w->steps++;
    return assay_book_ladder_after(w->store, w->ladder, key);
  }
  if (w->steps > BOOK_WALK_FEW) return pop(w);
  w->steps++;
  return begin_walk(w, key);
}
