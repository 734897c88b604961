/* SPDX-License-Identifier: MIT */
/*
 * Moving live buffers together. A buffer's handle stays where it is, only the place it names changes, so nobody notices who does not hold
 * an address: buffers whose host address was given out are pinned.
 */
#include "device/pool_inner.h"

static uint64_t live_bytes(const assay_slab *slab) {
  uint64_t bytes = 0;
  for (const assay_buffer *block = slab->first; block != NULL; block = block->after) {
    if (block->state == ASSAY_BLOCK_LIVE) bytes += block->bytes;
  }
  return bytes;
}

static bool all_can_move(const assay_slab *slab) {
  for (const assay_buffer *block = slab->first; block != NULL; block = block->after) {
    if (block->state == ASSAY_BLOCK_LIVE && block->pinned) return false;
  }
  return true;
}

static void settle(assay_buffer *block) {
  if (block->before != NULL)
    block->before->after = block;
  else
    block->slab->first = block;
  if (block->after != NULL) block->after->before = block;
}

/* Of two blocks in different slabs. */
static void swap_places(assay_buffer *a, assay_buffer *b) {
  assay_buffer was = *a;
  a->slab = b->slab, a->before = b->before, a->after = b->after, a->offset = b->offset, a->view = b->view;
  b->slab = was.slab, b->before = was.before, b->after = was.after, b->offset = was.offset, b->view = was.view;
  settle(a), settle(b);
}

static bool move_block(assay_pool *pool, assay_buffer *block, assay_pool_move move, void *user) {
  assay_buffer *place = assay_pool_take_free(pool, block->size_class, block->slab);
  if (place == NULL) return false;
  const assay_slice from = {block->slab->memory, block->offset, block->bytes, block->view};
  bool moved = assay_pool_make_view(pool, place, NULL);
  if (moved) {
    const assay_slice to = {place->slab->memory, place->offset, place->bytes, place->view};
    moved = move(user, &to, &from);
  }
  if (moved) swap_places(block, place), block->streams = 0;
  assay_pool_put_free(pool, place);
  return moved;
}

/* False when something had to stay. */
static bool move_out(assay_pool *pool, assay_slab *slab, assay_pool_move move, void *user) {
  for (assay_buffer *block = slab->first; block != NULL;) {
    if (block->state != ASSAY_BLOCK_LIVE) {
      block = block->after;
      continue;
    }
    if (!move_block(pool, block, move, user)) return false;
    block = slab->first; /* neighbours were joined: begin again, at what is still there */
  }
  return true;
}

/* The slab with the least to move, at most half full, that was not tried. */
static assay_slab *emptiest(const assay_pool *pool, assay_slab *const *tried, size_t count) {
  assay_slab *best = NULL;
  uint64_t least = UINT64_MAX;
  for (assay_slab *slab = pool->slabs; slab != NULL; slab = slab->next) {
    uint64_t bytes = live_bytes(slab);
    bool done = false;
    for (size_t i = 0; i < count; i++) done = done || tried[i] == slab;
    if (!done && bytes <= slab->bytes / 2 && bytes < least && all_can_move(slab)) best = slab, least = bytes;
  }
  return best;
}

uint64_t assay_pool_defragment(assay_pool *pool, assay_pool_move move, void *user) {
  enum { TRIED_MAX = 64 };
  assay_slab *tried[TRIED_MAX];
  pthread_mutex_lock(&pool->lock);
  assay_pool_empty_bins(pool, ASSAY_POOL_STREAMS);
  uint64_t returned = assay_pool_return_slabs(pool, 0);
  for (size_t count = 0; count < TRIED_MAX; count++) {
    assay_slab *slab = emptiest(pool, tried, count);
    if (slab == NULL) break;
    tried[count] = slab;
    if (!move_out(pool, slab, move, user)) continue;
    returned += assay_pool_return_slabs(pool, 0);
  }
  pthread_mutex_unlock(&pool->lock);
  return returned;
}
