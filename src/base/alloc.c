/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <assay/status.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* In front of every block; 16 bytes so that the block keeps malloc's alignment. */
typedef struct header {
  uint64_t size;
  uint32_t tag;
  uint32_t magic;
} header;

enum { MAGIC = 0xA55A1ABu };

static struct { atomic_uint_fast64_t live_bytes, live_blocks, peak_bytes, total; } tags[ASSAY_TAG_COUNT];

static void account_add(uint32_t tag, uint64_t bytes) {
  uint64_t live = atomic_fetch_add_explicit(&tags[tag].live_bytes, bytes, memory_order_relaxed) + bytes;
  uint64_t peak = atomic_load_explicit(&tags[tag].peak_bytes, memory_order_relaxed);
  while (live > peak &&
         !atomic_compare_exchange_weak_explicit(&tags[tag].peak_bytes, &peak, live, memory_order_relaxed, memory_order_relaxed)) {
  }
}

void *assay_alloc(assay_tag tag, size_t size) {
  if (size > SIZE_MAX - sizeof(header)) return NULL;
  header *h = malloc(sizeof *h + size);
  if (h == NULL) return NULL;
  *h = (header){.size = size, .tag = (uint32_t)tag, .magic = MAGIC};
  account_add(h->tag, size);
  atomic_fetch_add_explicit(&tags[tag].live_blocks, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&tags[tag].total, 1, memory_order_relaxed);
  return h + 1;
}

void *assay_calloc(assay_tag tag, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *block = assay_alloc(tag, bytes);
  if (block != NULL) memset(block, 0, bytes);
  return block;
}

void *assay_realloc(assay_tag tag, void *block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - sizeof(header)) return NULL;
  if (block == NULL) return assay_alloc(tag, bytes);
  header *old = (header *)block - 1;
  if (old->magic != MAGIC) abort();
  uint64_t old_size = old->size;
  header *h = realloc(old, sizeof *h + bytes);
  if (h == NULL) return NULL;
  h->size = bytes;
  atomic_fetch_sub_explicit(&tags[h->tag].live_bytes, old_size, memory_order_relaxed);
  account_add(h->tag, bytes);
  return h + 1;
}

char *assay_strdup(assay_tag tag, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = assay_alloc(tag, size);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}

void assay_free(void *block) {
  if (block == NULL) return;
  header *h = (header *)block - 1;
  if (h->magic != MAGIC) abort(); /* our own bug: a block from elsewhere, or freed twice */
  h->magic = 0;
  atomic_fetch_sub_explicit(&tags[h->tag].live_bytes, h->size, memory_order_relaxed);
  atomic_fetch_sub_explicit(&tags[h->tag].live_blocks, 1, memory_order_relaxed);
  free(h);
}

void assay_string_free(char *text) { assay_free(text); }

assay_tag_stats assay_tag_get_stats(assay_tag tag) {
  return (assay_tag_stats){
      .live_bytes = atomic_load_explicit(&tags[tag].live_bytes, memory_order_relaxed),
      .live_blocks = atomic_load_explicit(&tags[tag].live_blocks, memory_order_relaxed),
      .peak_bytes = atomic_load_explicit(&tags[tag].peak_bytes, memory_order_relaxed),
      .total_allocations = atomic_load_explicit(&tags[tag].total, memory_order_relaxed),
  };
}

const char *assay_tag_name(assay_tag tag) {
  static const char *const names[ASSAY_TAG_COUNT] = {"base",   "stats",   "machine", "device", "kernels", "bench",
                                                     "result", "history", "report",  "cli",    "quant",   "market"};
  return tag < ASSAY_TAG_COUNT ? names[tag] : "unknown";
}
