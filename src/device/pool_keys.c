/* SPDX-License-Identifier: MIT */
/* Buffers that are kept under keys, the most recently used first. There are few of them, so a list is looked through. */
#include <string.h>

#include "device/pool_inner.h"

bool assay_pool_evict(assay_pool *pool) {
  assay_pool_entry **oldest = NULL;
  for (assay_pool_entry **at = &pool->entries; *at != NULL; at = &(*at)->next) {
    if (!(*at)->used) oldest = at;
  }
  if (oldest == NULL) return false;
  assay_pool_entry *gone = *oldest;
  *oldest = gone->next;
  pool->cached_bytes -= gone->buffer->bytes;
  assay_pool_bin(pool, gone->buffer);
  assay_free(gone);
  return true;
}

void assay_pool_forget(assay_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  while (assay_pool_evict(pool)) {
  }
  pthread_mutex_unlock(&pool->lock);
}

void assay_pool_forget_one(assay_pool *pool, assay_buffer *buffer) {
  pthread_mutex_lock(&pool->lock);
  for (assay_pool_entry **at = &pool->entries; *at != NULL; at = &(*at)->next) {
    assay_pool_entry *entry = *at;
    if (entry->buffer != buffer || !entry->used) continue;
    *at = entry->next;
    buffer->entry = NULL;
    assay_free(entry);
    break;
  }
  pthread_mutex_unlock(&pool->lock);
}

/* Moves it to the front. */
static assay_pool_entry *find_entry(assay_pool *pool, const char *key, size_t bytes) {
  for (assay_pool_entry **at = &pool->entries; *at != NULL; at = &(*at)->next) {
    assay_pool_entry *entry = *at;
    if (entry->buffer->requested != bytes || strcmp(entry->key, key) != 0) continue;
    *at = entry->next;
    entry->next = pool->entries, pool->entries = entry;
    return entry;
  }
  return NULL;
}

/* What commands of other streams wrote must be there before `stream` reads it. */
static assay_status hand_out(assay_pool *pool, assay_pool_entry *entry, unsigned stream, assay_error *err) {
  assay_buffer *buffer = entry->buffer;
  uint64_t others = buffer->streams & ~(UINT64_C(1) << stream);
  if (others != 0 && !pool->source.in_order) {
    assay_status status = pool->source.order(pool->source.user, others, stream, err);
    if (status != ASSAY_OK) return status;
  }
  entry->used = true;
  pool->cached_bytes -= buffer->bytes;
  assay_pool_count_out(pool, buffer, true);
  return ASSAY_OK;
}

static assay_status make_entry(assay_pool *pool, const char *key, assay_buffer *buffer, assay_error *err) {
  assay_pool_entry *entry = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *entry);
  if (entry == NULL) {
    assay_pool_free_locked(pool, buffer);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the key '%s'", key);
  }
  memcpy(entry->key, key, strlen(key) + 1);
  entry->buffer = buffer, entry->used = true;
  entry->next = pool->entries, pool->entries = entry;
  buffer->entry = entry;
  return ASSAY_OK;
}

assay_status assay_pool_cached(assay_pool *pool, unsigned stream, const char *key, size_t bytes, const char *label, assay_error *err,
                               bool *fresh, bool *hit, assay_buffer **buffer) {
  if (strlen(key) >= ASSAY_POOL_KEY_SIZE)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the key '%.20s...' of a buffer is longer than %d characters", key, ASSAY_POOL_KEY_SIZE - 1);
  pthread_mutex_lock(&pool->lock);
  assay_pool_entry *entry = find_entry(pool, key, bytes);
  assay_buffer *made = NULL;
  bool is_new = entry == NULL || entry->used;
  assay_status status = is_new ? assay_pool_alloc_locked(pool, stream, bytes, label, err, hit, &made) : hand_out(pool, entry, stream, err);
  if (status == ASSAY_OK && entry == NULL) status = make_entry(pool, key, made, err);
  if (status == ASSAY_OK) {
    *buffer = is_new ? made : entry->buffer;
    *fresh = is_new;
  }
  pthread_mutex_unlock(&pool->lock);
  return status;
}
