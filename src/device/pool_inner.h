/* SPDX-License-Identifier: MIT */
/* What the files of the pool share: pool.c (blocks and slabs), pool_classes.c, pool_keys.c, pool_move.c, pool_stats.c. */
#ifndef ASSAY_DEVICE_POOL_INNER_H
#define ASSAY_DEVICE_POOL_INNER_H

#include <pthread.h>

#include "base/alloc.h"
#include "device/pool.h"

typedef struct assay_pool_class {
  uint64_t allocations, hits, live_buffers, live_bytes, peak_live_bytes;
} assay_pool_class;

struct assay_pool_entry {
  assay_pool_entry *next; /* most recently used first */
  char key[ASSAY_POOL_KEY_SIZE];
  assay_buffer *buffer;
  bool used;
};

/* Handles are made by the hundred and live as long as the pool, so that a handle that was freed twice can be told. */
typedef struct assay_pool_handles {
  assay_buffer items[126];
  struct assay_pool_handles *next;
  void *block; /* what was allocated; the items are aligned inside */
} assay_pool_handles;

struct assay_pool {
  assay_pool_source source;
  pthread_mutex_t lock;
  assay_slab *slabs;
  assay_buffer *(*bins)[ASSAY_POOL_CLASSES]; /* [stream][class]: freed blocks, newest first */
  size_t binned;
  /* Free blocks by the largest class that fits into them, and a bit for each list that is not empty. */
  assay_buffer *free[ASSAY_POOL_CLASSES];
  uint64_t free_bits[(ASSAY_POOL_CLASSES + 63) / 64];
  assay_buffer *spare;
  assay_pool_handles *handles;
  assay_pool_entry *entries;
  assay_pool_class classes[ASSAY_POOL_CLASSES];
  uint64_t allocations, hits, live_buffers, requested_bytes, live_bytes, cached_bytes, reserved_bytes, peak_live_bytes, peak_reserved_bytes;
};

/* pool_classes.c: sizes in units of the alignment. */
unsigned assay_pool_class_of(uint64_t units);    /* the smallest class that holds them */
uint64_t assay_pool_class_units(unsigned index); /* what blocks of a class hold */

/* pool.c, all under the lock */
void assay_pool_empty_bins(assay_pool *pool, unsigned stream); /* ASSAY_POOL_STREAMS: of all streams */
assay_buffer *assay_pool_take_free(assay_pool *pool, unsigned size_class, const assay_slab *not_from);
void assay_pool_put_free(assay_pool *pool, assay_buffer *block);
/* Slabs without a live or binned block go back to the device while more than `keep_bytes` are reserved. */
uint64_t assay_pool_return_slabs(assay_pool *pool, uint64_t keep_bytes);
assay_status assay_pool_alloc_locked(assay_pool *pool, unsigned stream, size_t bytes, const char *label, assay_error *err, bool *hit,
                                     assay_buffer **buffer);
void assay_pool_free_locked(assay_pool *pool, assay_buffer *buffer);
void assay_pool_bin(assay_pool *pool, assay_buffer *block);                       /* the same for one that is not counted as live */
void assay_pool_count_out(assay_pool *pool, const assay_buffer *block, bool hit); /* as an allocation and as live */
void assay_pool_drop_view(assay_pool *pool, assay_buffer *block);
bool assay_pool_make_view(assay_pool *pool, assay_buffer *block, assay_error *err);

/* pool_keys.c, under the lock: frees the longest unused one; false when there is none. */
bool assay_pool_evict(assay_pool *pool);
/* pool_stats.c, under the lock: what fails, and who has the memory. */
assay_status assay_pool_out_of_memory(assay_pool *pool, size_t bytes, const char *label, const char *why, assay_error *err);

#endif
