/* SPDX-License-Identifier: MIT */
#include "device/pool.h"

#include <string.h>

#include "device/pool_inner.h"

/* A slab is at least this, and grows with what is reserved, so that their number stays small. */
#define SLAB_MIN_BYTES (UINT64_C(8) << 20)
#define SLAB_MAX_BYTES (UINT64_C(256) << 20)
#define REQUEST_MAX_BYTES (UINT64_C(1) << 46)

/* ---- handles --------------------------------------------------------------------------------------------------------------------- */

static assay_buffer *new_handle(assay_pool *pool) {
  if (pool->spare == NULL) {
    void *block = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof(assay_pool_handles) + _Alignof(assay_pool_handles));
    if (block == NULL) return NULL;
    uintptr_t mask = _Alignof(assay_pool_handles) - 1;
    assay_pool_handles *more = (assay_pool_handles *)(((uintptr_t)block + mask) & ~mask);
    more->block = block;
    more->next = pool->handles, pool->handles = more;
    for (size_t i = 0; i < sizeof more->items / sizeof *more->items; i++) {
      more->items[i].next = pool->spare, pool->spare = &more->items[i];
    }
  }
  assay_buffer *handle = pool->spare;
  pool->spare = handle->next;
  memset(handle, 0, sizeof *handle);
  return handle;
}

static void drop_handle(assay_pool *pool, assay_buffer *handle) {
  handle->state = ASSAY_BLOCK_SPARE;
  handle->next = pool->spare, pool->spare = handle;
}

/* ---- views ------------------------------------------------------------------------------------------------------------------------ */

void assay_pool_drop_view(assay_pool *pool, assay_buffer *block) {
  if (block->view != NULL) pool->source.backend->unview(pool->source.state, block->view);
  block->view = NULL;
}

bool assay_pool_make_view(assay_pool *pool, assay_buffer *block, assay_error *err) {
  const assay_backend *backend = pool->source.backend;
  if (backend->view == NULL || block->view != NULL) return true;
  return backend->view(pool->source.state, block->slab->memory, block->offset, block->bytes, err, &block->view) == ASSAY_OK;
}

/* ---- free blocks, joined ------------------------------------------------------------------------------------------------------------ */

/* The list of a free block: the largest class that fits into it. */
static unsigned free_list(const assay_pool *pool, const assay_buffer *block) {
  uint64_t units = block->bytes / pool->source.alignment;
  unsigned index = assay_pool_class_of(units);
  return assay_pool_class_units(index) > units ? index - 1 : index;
}

static void link_free(assay_pool *pool, assay_buffer *block) {
  unsigned list = free_list(pool, block);
  block->state = ASSAY_BLOCK_FREE;
  block->previous = NULL, block->next = pool->free[list];
  if (block->next != NULL) block->next->previous = block;
  pool->free[list] = block;
  pool->free_bits[list / 64] |= UINT64_C(1) << list % 64;
}

static void unlink_free(assay_pool *pool, assay_buffer *block) {
  unsigned list = free_list(pool, block);
  if (block->next != NULL) block->next->previous = block->previous;
  if (block->previous != NULL)
    block->previous->next = block->next;
  else
    pool->free[list] = block->next;
  if (pool->free[list] == NULL) pool->free_bits[list / 64] &= ~(UINT64_C(1) << list % 64);
}

/* `block` swallows its right neighbour. */
static void join_after(assay_pool *pool, assay_buffer *block) {
  assay_buffer *gone = block->after;
  block->bytes += gone->bytes;
  block->streams |= gone->streams;
  block->after = gone->after;
  if (block->after != NULL) block->after->before = block;
  drop_handle(pool, gone);
}

void assay_pool_put_free(assay_pool *pool, assay_buffer *block) {
  assay_pool_drop_view(pool, block);
  block->slab->used_blocks--;
  if (block->after != NULL && block->after->state == ASSAY_BLOCK_FREE) {
    unlink_free(pool, block->after);
    join_after(pool, block);
  }
  if (block->before != NULL && block->before->state == ASSAY_BLOCK_FREE) {
    block = block->before;
    unlink_free(pool, block);
    join_after(pool, block);
  }
  link_free(pool, block);
}

static assay_buffer *first_free(assay_pool *pool, unsigned from) {
  unsigned word = from / 64;
  uint64_t bits = pool->free_bits[word] & (~UINT64_C(0) << from % 64);
  while (bits == 0 && ++word < sizeof pool->free_bits / sizeof *pool->free_bits) bits = pool->free_bits[word];
  return bits == 0 ? NULL : pool->free[word * 64 + (unsigned)__builtin_ctzll(bits)];
}

/* Cuts the front of a free block off, which becomes live; the rest stays free. False: no memory for a handle. */
static bool cut(assay_pool *pool, assay_buffer *block, size_t bytes) {
  if (block->bytes == bytes) {
    unlink_free(pool, block);
    return true;
  }
  assay_buffer *rest = new_handle(pool);
  if (rest == NULL) return false;
  unlink_free(pool, block);
  *rest = (assay_buffer){.slab = block->slab,
                         .before = block,
                         .after = block->after,
                         .offset = block->offset + bytes,
                         .bytes = block->bytes - bytes,
                         .streams = block->streams};
  if (rest->after != NULL) rest->after->before = rest;
  block->after = rest, block->bytes = bytes;
  link_free(pool, rest);
  return true;
}

assay_buffer *assay_pool_take_free(assay_pool *pool, unsigned size_class, const assay_slab *not_from) {
  size_t bytes = (size_t)assay_pool_class_units(size_class) * pool->source.alignment;
  assay_buffer *block = first_free(pool, size_class);
  if (not_from != NULL) {
    block = NULL;
    for (unsigned list = size_class; list < ASSAY_POOL_CLASSES && block == NULL; list++) {
      for (block = pool->free[list]; block != NULL && block->slab == not_from;) block = block->next;
    }
  }
  if (block == NULL || !cut(pool, block, bytes)) return NULL;
  block->size_class = (uint16_t)size_class;
  block->state = ASSAY_BLOCK_LIVE;
  block->slab->used_blocks++;
  return block;
}

void assay_pool_empty_bins(assay_pool *pool, unsigned stream) {
  unsigned first = stream == ASSAY_POOL_STREAMS ? 0 : stream, last = stream == ASSAY_POOL_STREAMS ? ASSAY_POOL_STREAMS : stream + 1;
  for (unsigned s = first; s < last && pool->binned > 0; s++) {
    for (unsigned c = 0; c < ASSAY_POOL_CLASSES; c++) {
      for (assay_buffer *block = pool->bins[s][c], *next; block != NULL; block = next) {
        next = block->next;
        pool->binned--;
        assay_pool_put_free(pool, block);
      }
      pool->bins[s][c] = NULL;
    }
  }
}

/* ---- slabs ------------------------------------------------------------------------------------------------------------------------- */

static uint64_t lower(uint64_t a, uint64_t b) { return a < b ? a : b; }

static assay_status add_slab(assay_pool *pool, size_t bytes, assay_error *err) {
  const assay_pool_source *source = &pool->source;
  assay_slab *slab = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *slab);
  assay_buffer *block = new_handle(pool);
  assay_status status = ASSAY_ERR_NO_MEMORY;
  if (slab == NULL || block == NULL) {
    ASSAY_FAIL(err, status, "%s: out of host memory for a slab's description", source->name);
  } else {
    status = source->backend->memory_alloc(source->state, bytes, err, &slab->memory);
  }
  if (status != ASSAY_OK) {
    if (block != NULL) drop_handle(pool, block);
    assay_free(slab);
    return status;
  }
  slab->bytes = bytes, slab->first = block, slab->next = pool->slabs;
  if (slab->next != NULL) slab->next->previous = slab;
  pool->slabs = slab;
  block->slab = slab, block->bytes = bytes;
  link_free(pool, block);
  pool->reserved_bytes += bytes;
  if (pool->reserved_bytes > pool->peak_reserved_bytes) pool->peak_reserved_bytes = pool->reserved_bytes;
  return ASSAY_OK;
}

/* A slab with some room for others; when the device or the limit has no room for that, one that just fits. */
static assay_status grow(assay_pool *pool, size_t bytes, assay_error *err) {
  uint64_t limit = pool->source.limit_bytes, room = limit > pool->reserved_bytes ? limit - pool->reserved_bytes : 0;
  if (room < bytes) return ASSAY_ERR_NO_MEMORY;
  uint64_t wish = lower(pool->reserved_bytes / 4, SLAB_MAX_BYTES);
  if (wish < SLAB_MIN_BYTES) wish = SLAB_MIN_BYTES;
  wish = lower(lower(wish, room), pool->source.max_buffer_bytes);
  wish -= wish % pool->source.alignment;
  if (wish > bytes) {
    assay_error first = {0};
    assay_status status = add_slab(pool, (size_t)wish, &first);
    if (status != ASSAY_ERR_NO_MEMORY) {
      if (status != ASSAY_OK) ASSAY_FAIL(err, status, "%s", first.message);
      return status;
    }
  }
  return add_slab(pool, bytes, err);
}

static void drop_slab(assay_pool *pool, assay_slab *slab) {
  if (slab->next != NULL) slab->next->previous = slab->previous;
  if (slab->previous != NULL)
    slab->previous->next = slab->next;
  else
    pool->slabs = slab->next;
  pool->reserved_bytes -= slab->bytes;
  pool->source.backend->memory_free(pool->source.state, slab->memory);
  assay_free(slab);
}

uint64_t assay_pool_return_slabs(assay_pool *pool, uint64_t keep_bytes) {
  uint64_t before = pool->reserved_bytes;
  for (assay_slab *slab = pool->slabs, *next; slab != NULL && pool->reserved_bytes > keep_bytes; slab = next) {
    next = slab->next;
    if (slab->first->state != ASSAY_BLOCK_FREE || slab->first->after != NULL) continue;
    unlink_free(pool, slab->first);
    drop_handle(pool, slab->first);
    drop_slab(pool, slab);
  }
  return before - pool->reserved_bytes;
}

/* ---- allocating --------------------------------------------------------------------------------------------------------------------- */

/* From cheap to dear: joined blocks, own bins, all bins, a new slab, what is kept under keys, all slabs that are empty. */
static assay_status find_block(assay_pool *pool, unsigned stream, unsigned size_class, assay_error *err, bool *hit, assay_buffer **found) {
  size_t bytes = (size_t)assay_pool_class_units(size_class) * pool->source.alignment;
  *hit = true;
  if ((*found = assay_pool_take_free(pool, size_class, NULL)) != NULL) return ASSAY_OK;
  assay_pool_empty_bins(pool, stream);
  if ((*found = assay_pool_take_free(pool, size_class, NULL)) != NULL) return ASSAY_OK;
  assay_pool_empty_bins(pool, ASSAY_POOL_STREAMS);
  if ((*found = assay_pool_take_free(pool, size_class, NULL)) != NULL) return ASSAY_OK;
  *hit = false;
  assay_error first = {0};
  assay_status status = grow(pool, bytes, &first);
  while (status == ASSAY_ERR_NO_MEMORY && assay_pool_evict(pool)) {
    assay_pool_empty_bins(pool, ASSAY_POOL_STREAMS);
    if ((*found = assay_pool_take_free(pool, size_class, NULL)) != NULL) return ASSAY_OK;
  }
  if (status == ASSAY_ERR_NO_MEMORY) {
    assay_pool_return_slabs(pool, 0);
    assay_error second = {0};
    status = grow(pool, bytes, &second);
    if (second.message[0] != '\0') first = second;
  }
  if (status == ASSAY_OK && (*found = assay_pool_take_free(pool, size_class, NULL)) == NULL) status = ASSAY_ERR_NO_MEMORY;
  if (status != ASSAY_OK) ASSAY_FAIL(err, status, "%s", first.message);
  return status;
}

/* A buffer is live from being handed out until it is freed, also where it is kept under a key before and after. */
void assay_pool_count_out(assay_pool *pool, const assay_buffer *block, bool hit) {
  assay_pool_class *class = &pool->classes[block->size_class];
  class->allocations++, class->live_buffers++, class->live_bytes += block->bytes;
  if (class->live_bytes > class->peak_live_bytes) class->peak_live_bytes = class->live_bytes;
  pool->allocations++, pool->live_buffers++;
  if (hit) class->hits++, pool->hits++;
  pool->requested_bytes += block->requested;
  pool->live_bytes += block->bytes;
  if (pool->live_bytes > pool->peak_live_bytes) pool->peak_live_bytes = pool->live_bytes;
}

static void count_back(assay_pool *pool, const assay_buffer *block) {
  assay_pool_class *class = &pool->classes[block->size_class];
  class->live_buffers--, class->live_bytes -= block->bytes;
  pool->live_buffers--;
  pool->requested_bytes -= block->requested;
  pool->live_bytes -= block->bytes;
}

/* Commands of other streams may still use the block: `stream` waits for them. */
static assay_status wait_for_users(assay_pool *pool, assay_buffer *block, unsigned stream, assay_error *err) {
  uint64_t others = block->streams & ~(UINT64_C(1) << stream);
  assay_status status = others == 0 || pool->source.in_order ? ASSAY_OK : pool->source.order(pool->source.user, others, stream, err);
  if (status == ASSAY_OK) block->streams = 0;
  return status;
}

static assay_status take_slowly(assay_pool *pool, unsigned stream, size_t bytes, unsigned size_class, const char *label, assay_error *err,
                                bool *hit, assay_buffer **buffer) {
  assay_error cause = {0};
  assay_buffer *block = NULL;
  assay_status status = find_block(pool, stream, size_class, &cause, hit, &block);
  if (status == ASSAY_ERR_NO_MEMORY) return assay_pool_out_of_memory(pool, bytes, label, cause.message, err);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s", cause.message);
  if (!assay_pool_make_view(pool, block, &cause)) {
    assay_pool_put_free(pool, block);
    return ASSAY_FAIL(err, cause.status, "%s", cause.message);
  }
  *buffer = block;
  return ASSAY_OK;
}

assay_status assay_pool_alloc_locked(assay_pool *pool, unsigned stream, size_t bytes, const char *label, assay_error *err, bool *hit,
                                     assay_buffer **buffer) {
  const assay_pool_source *source = &pool->source;
  if (bytes > source->max_buffer_bytes || bytes > REQUEST_MAX_BYTES)
    return assay_pool_out_of_memory(pool, bytes, label, "no buffer of the device can be that large", err);
  unsigned size_class = assay_pool_class_of(bytes <= source->alignment ? 1 : (bytes - 1) / source->alignment + 1);
  assay_buffer *block = pool->bins[stream][size_class];
  *hit = true;
  if (block != NULL) {
    pool->bins[stream][size_class] = block->next;
    pool->binned--;
  } else {
    assay_status status = take_slowly(pool, stream, bytes, size_class, label, err, hit, &block);
    if (status != ASSAY_OK) return status;
  }
  if (block->streams != 0) {
    assay_status status = wait_for_users(pool, block, stream, err);
    if (status != ASSAY_OK) {
      assay_pool_put_free(pool, block);
      return status;
    }
  }
  block->state = ASSAY_BLOCK_LIVE;
  block->stream = (uint8_t)stream, block->requested = bytes, block->label = label;
  assay_pool_count_out(pool, block, *hit);
  *buffer = block;
  return ASSAY_OK;
}

void assay_pool_free_locked(assay_pool *pool, assay_buffer *block) {
  if (block->slab == NULL) return drop_handle(pool, block);
  count_back(pool, block);
  assay_pool_bin(pool, block);
}

void assay_pool_bin(assay_pool *pool, assay_buffer *block) {
  block->state = ASSAY_BLOCK_BINNED;
  block->pinned = false;
  block->entry = NULL;
  block->next = pool->bins[block->stream][block->size_class];
  pool->bins[block->stream][block->size_class] = block;
  pool->binned++;
}

/* ---- the outside -------------------------------------------------------------------------------------------------------------------- */

assay_status assay_pool_create(const assay_pool_source *source, assay_error *err, assay_pool **out) {
  assay_pool *pool = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *pool);
  if (pool != NULL) pool->bins = assay_calloc(ASSAY_TAG_DEVICE, ASSAY_POOL_STREAMS, sizeof *pool->bins);
  if (pool == NULL || pool->bins == NULL) {
    assay_free(pool);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the memory pool of %s", source->name);
  }
  pool->source = *source;
  pthread_mutex_init(&pool->lock, NULL);
  *out = pool;
  return ASSAY_OK;
}

void assay_pool_destroy(assay_pool *pool) {
  if (pool == NULL) return;
  for (assay_slab *slab = pool->slabs, *next; slab != NULL; slab = next) {
    next = slab->next;
    for (assay_buffer *block = slab->first; block != NULL; block = block->after) assay_pool_drop_view(pool, block);
    drop_slab(pool, slab);
  }
  for (assay_pool_entry *entry = pool->entries, *next; entry != NULL; entry = next) {
    next = entry->next;
    assay_free(entry);
  }
  for (assay_pool_handles *handles = pool->handles, *next; handles != NULL; handles = next) {
    next = handles->next;
    assay_free(handles->block);
  }
  pthread_mutex_destroy(&pool->lock);
  assay_free(pool->bins);
  assay_free(pool);
}

assay_status assay_pool_alloc(assay_pool *pool, unsigned stream, size_t bytes, const char *label, assay_error *err, bool *hit,
                              assay_buffer **buffer) {
  bool served = false;
  pthread_mutex_lock(&pool->lock);
  assay_status status = assay_pool_alloc_locked(pool, stream, bytes, label, err, &served, buffer);
  pthread_mutex_unlock(&pool->lock);
  if (hit != NULL) *hit = served;
  return status;
}

bool assay_pool_free(assay_pool *pool, assay_buffer *buffer) {
  pthread_mutex_lock(&pool->lock);
  bool live = buffer->state == ASSAY_BLOCK_LIVE && (buffer->entry == NULL || buffer->entry->used);
  if (live && buffer->entry != NULL) {
    buffer->entry->used = false;
    count_back(pool, buffer);
    pool->cached_bytes += buffer->bytes;
  } else if (live) {
    assay_pool_free_locked(pool, buffer);
  }
  pthread_mutex_unlock(&pool->lock);
  return live;
}

assay_buffer *assay_pool_handle(assay_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  assay_buffer *handle = new_handle(pool);
  if (handle != NULL) handle->state = ASSAY_BLOCK_LIVE;
  pthread_mutex_unlock(&pool->lock);
  return handle;
}

void assay_pool_count_served(assay_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->allocations++, pool->hits++;
  pthread_mutex_unlock(&pool->lock);
}

uint64_t assay_pool_trim(assay_pool *pool, uint64_t keep_bytes) {
  pthread_mutex_lock(&pool->lock);
  assay_pool_empty_bins(pool, ASSAY_POOL_STREAMS);
  uint64_t returned = assay_pool_return_slabs(pool, keep_bytes);
  while (pool->reserved_bytes > keep_bytes && assay_pool_evict(pool)) {
    assay_pool_empty_bins(pool, ASSAY_POOL_STREAMS);
    returned += assay_pool_return_slabs(pool, keep_bytes);
  }
  pthread_mutex_unlock(&pool->lock);
  return returned;
}

void assay_pool_set_limit(assay_pool *pool, uint64_t bytes) {
  pthread_mutex_lock(&pool->lock);
  pool->source.limit_bytes = bytes;
  pthread_mutex_unlock(&pool->lock);
}
