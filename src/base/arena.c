/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

struct assay_arena_block {
  assay_arena_block *next;
  size_t used, capacity;
  size_t pad_; /* keeps `data` 16-byte aligned */
  unsigned char data[];
};

enum { FIRST_BLOCK = 4096, ALIGNMENT = 16 };

void assay_arena_init(assay_arena *arena, assay_tag tag) { *arena = (assay_arena){.tag = tag}; }

void assay_arena_deinit(assay_arena *arena) {
  for (assay_arena_block *block = arena->head; block != NULL;) {
    assay_arena_block *next = block->next;
    assay_free(block);
    block = next;
  }
  arena->head = NULL;
}

static assay_arena_block *add_block(assay_arena *arena, size_t bytes) {
  size_t capacity = arena->head == NULL ? FIRST_BLOCK : arena->head->capacity * 2;
  if (capacity > (size_t)1 << 20) capacity = (size_t)1 << 20;
  if (capacity < bytes) capacity = bytes;
  assay_arena_block *block = assay_alloc(arena->tag, sizeof *block + capacity);
  if (block == NULL) return NULL;
  *block = (assay_arena_block){.next = arena->head, .capacity = capacity};
  arena->head = block;
  return block;
}

void *assay_arena_alloc(assay_arena *arena, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
    arena->failed = true;
    return NULL;
  }
  bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  assay_arena_block *block = arena->head;
  if (block == NULL || block->capacity - block->used < bytes) block = add_block(arena, bytes);
  if (block == NULL) {
    arena->failed = true;
    return NULL;
  }
  void *result = block->data + block->used;
  block->used += bytes;
  memset(result, 0, bytes);
  return result;
}

char *assay_arena_strndup(assay_arena *arena, const char *text, size_t length) {
  if (text == NULL) return NULL;
  char *copy = assay_arena_alloc(arena, length + 1, 1);
  if (copy != NULL) memcpy(copy, text, length);
  return copy;
}

char *assay_arena_strdup(assay_arena *arena, const char *text) {
  return text == NULL ? NULL : assay_arena_strndup(arena, text, strlen(text));
}

char *assay_arena_printf(assay_arena *arena, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = assay_vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *text = length < 0 ? NULL : assay_arena_alloc(arena, (size_t)length + 1, 1);
  if (text != NULL) assay_vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

void *assay_arena_grow(assay_arena *arena, const void *items, size_t count, size_t *capacity, size_t size) {
  size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
  void *grown = assay_arena_alloc(arena, wanted, size);
  if (grown == NULL) return NULL;
  if (count > 0) memcpy(grown, items, count * size);
  *capacity = wanted;
  return grown;
}
