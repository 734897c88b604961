/* SPDX-License-Identifier: MIT */
/*
 * The memory pool of one device. It takes slabs from the backend and cuts them into blocks of size classes, eight to a power of two.
 *
 * A freed block goes into the bin of its stream and class, from where the next allocation of that stream takes it: commands of one stream
 * run in order, so nothing has to be waited for. Only when bins do not help are they emptied and neighbours joined; a block that goes to
 * another stream then makes that stream wait for the ones that used it. What is known of a block stands outside of the memory, which the
 * host cannot touch on most devices.
 *
 * Thread-safe.
 */
#ifndef ASSAY_DEVICE_POOL_H
#define ASSAY_DEVICE_POOL_H

#include "device/backend.h"

enum { ASSAY_POOL_STREAMS = 64, ASSAY_POOL_CLASSES = 352, ASSAY_POOL_KEY_SIZE = 64 };

typedef struct assay_slab assay_slab;
typedef struct assay_pool assay_pool;
typedef struct assay_pool_entry assay_pool_entry;

typedef enum assay_block_state { ASSAY_BLOCK_SPARE, ASSAY_BLOCK_FREE, ASSAY_BLOCK_BINNED, ASSAY_BLOCK_LIVE } assay_block_state;

/* A block of a slab, or an array of the caller's (slab NULL). The public handle is the block itself, so a hit allocates nothing; what a hit
 * touches stands in the first cache line. */
struct assay_buffer {
  _Alignas(64) assay_buffer *next; /* in the one list that the state says */
  const char *label;
  void *owner;             /* the core's: the device that it is of */
  size_t requested, bytes; /* bytes is the size of its class */
  uint64_t streams;        /* a bit for each stream whose commands may still use it */
  assay_pool_entry *entry; /* kept under a key */
  uint16_t size_class;
  uint8_t state;  /* assay_block_state */
  uint8_t stream; /* it was allocated for */
  bool pinned;    /* the host knows its address */
  bool wrapped;   /* memory is the backend's for the caller's array */
  bool direct;    /* memory is the backend's, and the host's */
  /* the second line */
  assay_slab *slab;
  size_t offset; /* in the slab */
  void *view, *memory;
  void *array;                  /* borrowed: where to download to; NULL: nothing to do */
  assay_buffer *before, *after; /* neighbours in the slab */
  union {
    assay_buffer *previous;   /* of a free block */
    assay_buffer *scope_next; /* of a live one */
  };
};

struct assay_slab {
  void *memory;
  size_t bytes, used_blocks; /* live or in a bin */
  assay_buffer *first;
  assay_slab *next, *previous;
};

typedef struct assay_pool_source {
  const assay_backend *backend;
  void *state;
  const char *name; /* id of the device, for messages */
  size_t alignment;
  uint64_t max_buffer_bytes, limit_bytes;
  bool in_order; /* commands are done when their call returns: no stream ever waits for another */
  /* Makes stream `to` wait for all that is in the streams of `from`. Not called when in_order. */
  assay_status (*order)(void *user, uint64_t from, unsigned to, assay_error *err);
  void *user;
} assay_pool_source;

assay_status assay_pool_create(const assay_pool_source *source, assay_error *err, assay_pool **pool);
/* Live buffers become invalid. */
void assay_pool_destroy(assay_pool *pool);

/* `hit` (may be NULL): served without asking the device. */
assay_status assay_pool_alloc(assay_pool *pool, unsigned stream, size_t bytes, const char *label, assay_error *err, bool *hit,
                              assay_buffer **buffer);
/* False when it is not live: freed twice. A buffer under a key stays. */
bool assay_pool_free(assay_pool *pool, assay_buffer *buffer);
/* A handle without memory, for borrowed arrays; NULL: out of memory. Freed like any other. */
assay_buffer *assay_pool_handle(assay_pool *pool);
/* Counts an allocation that was served with memory which the backend keeps for that (direct_alloc). */
void assay_pool_count_served(assay_pool *pool);

/* A buffer that is in use is kept under its key no more. */
void assay_pool_forget_one(assay_pool *pool, assay_buffer *buffer);
/* The buffer under `key` and `bytes` when it is there and not in use, else a new one, which is kept under it unless one in use is. */
assay_status assay_pool_cached(assay_pool *pool, unsigned stream, const char *key, size_t bytes, const char *label, assay_error *err,
                               bool *fresh, bool *hit, assay_buffer **buffer);
/* Forgets what is kept and not in use. */
void assay_pool_forget(assay_pool *pool);

uint64_t assay_pool_trim(assay_pool *pool, uint64_t keep_bytes);
/* Moves blocks out of nearly empty slabs with `move`, which copies and waits; no command may be under way. */
typedef bool (*assay_pool_move)(void *user, const assay_slice *to, const assay_slice *from);
uint64_t assay_pool_defragment(assay_pool *pool, assay_pool_move move, void *user);
void assay_pool_set_limit(assay_pool *pool, uint64_t bytes);

void assay_pool_stats(assay_pool *pool, assay_memory_stats *stats);
size_t assay_pool_classes(assay_pool *pool, assay_memory_row *rows, size_t capacity);
size_t assay_pool_labels(assay_pool *pool, assay_memory_row *rows, size_t capacity);

/* Size of the blocks that a request of so many bytes gets; pure. */
size_t assay_pool_class_bytes(size_t bytes, size_t alignment);
/* NULL when the pool is sound, else what is wrong; for tests. */
const char *assay_pool_check(assay_pool *pool);

#endif
