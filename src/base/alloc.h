/* SPDX-License-Identifier: MIT */
/*
 * Tagged allocation: every heap block of the library belongs to a tag, so the lab can weigh itself.
 * All functions are thread-safe. Blocks are 16-byte aligned and must be freed with assay_free.
 */
#ifndef ASSAY_BASE_ALLOC_H
#define ASSAY_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum assay_tag {
  ASSAY_TAG_BASE,
  ASSAY_TAG_STATS,
  ASSAY_TAG_MACHINE,
  ASSAY_TAG_DEVICE,
  ASSAY_TAG_KERNELS,
  ASSAY_TAG_BENCH,
  ASSAY_TAG_RESULT,
  ASSAY_TAG_HISTORY,
  ASSAY_TAG_REPORT,
  ASSAY_TAG_CLI,
  ASSAY_TAG_QUANT,
  ASSAY_TAG_MARKET,
  ASSAY_TAG_COUNT
} assay_tag;

typedef struct assay_tag_stats {
  uint64_t live_bytes, live_blocks, peak_bytes, total_allocations;
} assay_tag_stats;

/* NULL when memory is out or the size overflows. assay_calloc zeroes. */
void *assay_alloc(assay_tag tag, size_t size);
void *assay_calloc(assay_tag tag, size_t count, size_t size);
/* Grows or shrinks; `block` may be NULL. On failure the old block stays valid. The block keeps its first tag. */
void *assay_realloc(assay_tag tag, void *block, size_t count, size_t size);
char *assay_strdup(assay_tag tag, const char *text);
/* Accepts NULL. */
void assay_free(void *block);
assay_tag_stats assay_tag_get_stats(assay_tag tag);
const char *assay_tag_name(assay_tag tag);

#endif
