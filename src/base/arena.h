/* SPDX-License-Identifier: MIT */
/*
 * An arena owns many small blocks that live and die together: a result, a machine, a parsed file.
 * Not thread-safe. Out of memory is sticky: once a call returned NULL, `failed` stays true, so a builder may check it once at the end.
 */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <assay/status.h>

#include "base/alloc.h"

typedef struct assay_arena_block assay_arena_block;

typedef struct assay_arena {
  assay_arena_block *head;
  assay_tag tag;
  bool failed;
} assay_arena;

void assay_arena_init(assay_arena *arena, assay_tag tag);
void assay_arena_deinit(assay_arena *arena);
/* Zeroed, 16-byte aligned; NULL when out of memory or the size overflows. */
void *assay_arena_alloc(assay_arena *arena, size_t count, size_t size);
/* Copies of text; NULL text gives NULL. */
char *assay_arena_strdup(assay_arena *arena, const char *text);
char *assay_arena_strndup(assay_arena *arena, const char *text, size_t length);
char *assay_arena_printf(assay_arena *arena, const char *format, ...) ASSAY_PRINTF(2, 3);
/* A copy with room for twice the elements, for arrays that grow inside an arena; the old array stays until deinit. */
void *assay_arena_grow(assay_arena *arena, const void *items, size_t count, size_t *capacity, size_t size);

#endif
