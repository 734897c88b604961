/* SPDX-License-Identifier: MIT */
/* What the pool says about itself: numbers, classes, labels, and the message when memory is out. */
#include <math.h>
#include <string.h>

#include <assay/metric.h>

#include "base/buf.h"
#include "device/pool_inner.h"

enum { LABELS_MAX = 256 };

static void free_blocks(const assay_pool *pool, uint64_t *total, uint64_t *largest) {
  *total = *largest = 0;
  for (const assay_slab *slab = pool->slabs; slab != NULL; slab = slab->next) {
    uint64_t run = 0;
    /* What lies in bins is free too, and would be joined with its neighbours before the device is asked. */
    for (const assay_buffer *block = slab->first; block != NULL; block = block->after) {
      run = block->state == ASSAY_BLOCK_LIVE ? 0 : run + block->bytes;
      if (run > 0) *total += block->bytes;
      if (run > *largest) *largest = run;
    }
  }
}

static assay_memory_pressure pressure_of(double free_bytes, double total_bytes) {
  double share = total_bytes > 0 ? free_bytes / total_bytes : 1;
  return share < 1.0 / 30 ? ASSAY_PRESSURE_CRITICAL
         : share < 0.1    ? ASSAY_PRESSURE_HIGH
         : share < 0.25   ? ASSAY_PRESSURE_MODERATE
                          : ASSAY_PRESSURE_NONE;
}

/* The worse of: what the device has free, and what the limit leaves; memory that the pool holds free counts as free. */
static void put_pressure(const assay_pool *pool, assay_memory_stats *stats) {
  const assay_pool_source *source = &pool->source;
  double own_free = (double)(stats->reserved_bytes - stats->live_bytes);
  double left = (double)stats->limit_bytes - (double)stats->live_bytes;
  stats->pressure = pressure_of(left, (double)stats->limit_bytes);
  if (source->backend->memory_info == NULL ||
      source->backend->memory_info(source->state, NULL, &stats->device_free_bytes, &stats->device_total_bytes) != ASSAY_OK) {
    stats->device_free_bytes = stats->device_total_bytes = 0;
    return;
  }
  assay_memory_pressure device = pressure_of((double)stats->device_free_bytes + own_free, (double)stats->device_total_bytes);
  if (device > stats->pressure) stats->pressure = device;
}

void assay_pool_stats(assay_pool *pool, assay_memory_stats *stats) {
  uint64_t free_bytes = 0, largest = 0;
  pthread_mutex_lock(&pool->lock);
  free_blocks(pool, &free_bytes, &largest);
  *stats = (assay_memory_stats){
      .allocations = pool->allocations,
      .hits = pool->hits,
      .hit_ratio = pool->allocations > 0 ? (double)pool->hits / (double)pool->allocations : NAN,
      .live_buffers = pool->live_buffers,
      .requested_bytes = pool->requested_bytes,
      .live_bytes = pool->live_bytes,
      .cached_bytes = pool->cached_bytes,
      .reserved_bytes = pool->reserved_bytes,
      .peak_live_bytes = pool->peak_live_bytes,
      .peak_reserved_bytes = pool->peak_reserved_bytes,
      .internal_fragmentation = pool->live_bytes > 0 ? 1 - (double)pool->requested_bytes / (double)pool->live_bytes : 0,
      .external_fragmentation = free_bytes > 0 ? 1 - (double)largest / (double)free_bytes : 0,
      .limit_bytes = pool->source.limit_bytes,
  };
  pthread_mutex_unlock(&pool->lock);
  put_pressure(pool, stats);
}

size_t assay_pool_classes(assay_pool *pool, assay_memory_row *rows, size_t capacity) {
  size_t count = 0;
  pthread_mutex_lock(&pool->lock);
  for (unsigned i = 0; i < ASSAY_POOL_CLASSES; i++) {
    const assay_pool_class *class = &pool->classes[i];
    if (class->allocations == 0) continue;
    if (count < capacity) {
      rows[count] = (assay_memory_row){.class_bytes = (size_t)assay_pool_class_units(i) * pool->source.alignment,
                                       .allocations = class->allocations,
                                       .hits = class->hits,
                                       .live_buffers = class->live_buffers,
                                       .live_bytes = class->live_bytes,
                                       .peak_live_bytes = class->peak_live_bytes};
    }
    count++;
  }
  pthread_mutex_unlock(&pool->lock);
  return count;
}

static void add_label(assay_memory_row *rows, size_t *count, const assay_buffer *block) {
  size_t i = 0;
  while (i < *count && strcmp(rows[i].label, block->label) != 0) i++;
  if (i == LABELS_MAX) return;
  if (i == *count) rows[(*count)++] = (assay_memory_row){.label = block->label};
  rows[i].allocations++, rows[i].live_buffers++;
  rows[i].live_bytes += block->bytes;
}

static void sort_by_bytes(assay_memory_row *rows, size_t count) {
  for (size_t i = 1; i < count; i++) {
    assay_memory_row row = rows[i];
    size_t j = i;
    for (; j > 0 && rows[j - 1].live_bytes < row.live_bytes; j--) rows[j] = rows[j - 1];
    rows[j] = row;
  }
}

static size_t gather_labels(const assay_pool *pool, assay_memory_row rows[LABELS_MAX]) {
  size_t count = 0;
  for (const assay_slab *slab = pool->slabs; slab != NULL; slab = slab->next) {
    for (const assay_buffer *block = slab->first; block != NULL; block = block->after) {
      if (block->state == ASSAY_BLOCK_LIVE) add_label(rows, &count, block);
    }
  }
  sort_by_bytes(rows, count);
  return count;
}

size_t assay_pool_labels(assay_pool *pool, assay_memory_row *rows, size_t capacity) {
  assay_memory_row all[LABELS_MAX];
  pthread_mutex_lock(&pool->lock);
  size_t count = gather_labels(pool, all);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 0; i < count && i < capacity; i++) rows[i] = all[i];
  return count;
}

assay_status assay_pool_out_of_memory(assay_pool *pool, size_t bytes, const char *label, const char *why, assay_error *err) {
  enum { NAMED = 5 };
  assay_memory_row all[LABELS_MAX];
  size_t count = gather_labels(pool, all);
  uint64_t free_bytes = 0, largest = 0;
  free_blocks(pool, &free_bytes, &largest);
  char wanted[32], reserved[32], limit[32], rest[32], piece[32], held[32];
  assay_buf holders = {0};
  for (size_t i = 0; i < count && i < NAMED; i++) {
    assay_buf_printf(&holders, "%s%s by %s (%llu buffer%s)", i > 0 ? ", " : "",
                     assay_format_value((double)all[i].live_bytes, "B", held, sizeof held), all[i].label,
                     (unsigned long long)all[i].live_buffers, all[i].live_buffers == 1 ? "" : "s");
  }
  if (count > NAMED) assay_buf_printf(&holders, " and others");
  ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY,
             "%s: out of memory: %s wanted for %s, %s of at most %s taken: %s; %s of it free, in pieces of up to %s%s%s", pool->source.name,
             assay_format_value((double)bytes, "B", wanted, sizeof wanted), label,
             assay_format_value((double)pool->reserved_bytes, "B", reserved, sizeof reserved),
             assay_format_value((double)pool->source.limit_bytes, "B", limit, sizeof limit),
             holders.data != NULL ? holders.data : "held by nobody", assay_format_value((double)free_bytes, "B", rest, sizeof rest),
             assay_format_value((double)largest, "B", piece, sizeof piece), why[0] != '\0' ? "; " : "", why);
  assay_buf_deinit(&holders);
  return ASSAY_ERR_NO_MEMORY;
}

/* ---- for tests ----------------------------------------------------------------------------------------------------------------------- */

static const char *check_slab(const assay_pool *pool, const assay_slab *slab, uint64_t *live, uint64_t *binned, uint64_t *blocks) {
  size_t offset = 0;
  const assay_buffer *before = NULL;
  *blocks = 0;
  for (const assay_buffer *block = slab->first; block != NULL; before = block, block = block->after) {
    if (block->slab != slab || block->before != before) return "a block's neighbours are wrong";
    if (block->offset != offset || block->bytes == 0 || block->bytes % pool->source.alignment != 0) return "a block's place is wrong";
    if (block->state == ASSAY_BLOCK_SPARE) return "a block in a slab is a spare handle";
    if (block->state == ASSAY_BLOCK_FREE && before != NULL && before->state == ASSAY_BLOCK_FREE) return "free neighbours are not joined";
    if (block->state == ASSAY_BLOCK_LIVE) *live += block->bytes;
    *binned += block->state == ASSAY_BLOCK_BINNED;
    *blocks += block->state != ASSAY_BLOCK_FREE;
    offset += block->bytes;
  }
  return offset == slab->bytes ? NULL : "the blocks of a slab do not fill it";
}

static const char *check_all(const assay_pool *pool) {
  uint64_t live = 0, binned = 0, reserved = 0;
  for (const assay_slab *slab = pool->slabs; slab != NULL; slab = slab->next) {
    uint64_t blocks = 0;
    const char *wrong = check_slab(pool, slab, &live, &binned, &blocks);
    if (wrong != NULL) return wrong;
    if (blocks != slab->used_blocks) return "a slab miscounts its blocks";
    reserved += slab->bytes;
  }
  if (live != pool->live_bytes + pool->cached_bytes) return "live or kept bytes are miscounted";
  if (binned != pool->binned) return "binned blocks are miscounted";
  if (reserved != pool->reserved_bytes) return "reserved bytes are miscounted";
  for (unsigned list = 0; list < ASSAY_POOL_CLASSES; list++) {
    if ((pool->free[list] != NULL) != (pool->free_bits[list / 64] >> list % 64 & 1)) return "a bit of the free lists is wrong";
    for (const assay_buffer *block = pool->free[list]; block != NULL; block = block->next) {
      if (block->state != ASSAY_BLOCK_FREE) return "a free list holds a block that is not free";
    }
  }
  return NULL;
}

const char *assay_pool_check(assay_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  const char *wrong = check_all(pool);
  pthread_mutex_unlock(&pool->lock);
  return wrong;
}
