/* SPDX-License-Identifier: MIT */
/*
 * Runs a string of operations on a memory pool beside a slow reference: a list of what is live. After each operation, blocks must be
 * aligned, large enough, apart from each other and hold what was put into them, and the pool's numbers must be those of the list.
 * An operation is four bytes: what, which stream or buffer, and two bytes of size.
 */
#ifndef TESTS_POOL_SCRIPT_H
#define TESTS_POOL_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/pool.h"

enum { SCRIPT_LIVE_MAX = 96, SCRIPT_ALIGNMENT = 64, SCRIPT_STREAMS = 3 };
#define SCRIPT_LIMIT (UINT64_C(20) << 20)

typedef struct script_live {
  assay_buffer *buffer;
  size_t bytes;
  unsigned char pattern;
  bool kept; /* under a key: freeing keeps it */
} script_live;

typedef struct script {
  assay_pool *pool;
  void *state;
  script_live live[SCRIPT_LIVE_MAX];
  size_t count;
  unsigned char next_pattern;
  char wrong[200];
} script;

static char *script_address(const assay_buffer *buffer) { return (char *)buffer->slab->memory + buffer->offset; }

static bool script_fail(script *s, const char *what) {
  snprintf(s->wrong, sizeof s->wrong, "%s", what);
  return false;
}

static bool script_holds(const script_live *live) {
  const char *at = script_address(live->buffer);
  for (size_t i = 0; i<live->bytes; i += live->bytes> 4096 ? 509 : 1) {
    if ((unsigned char)at[i] != live->pattern) return false;
  }
  return (unsigned char)at[live->bytes - 1] == live->pattern;
}

static bool script_add(script *s, assay_buffer *buffer, size_t bytes, bool kept) {
  const char *begin = script_address(buffer), *end = begin + buffer->bytes;
  if ((uintptr_t)begin % SCRIPT_ALIGNMENT != 0) return script_fail(s, "a block is not aligned");
  if (buffer->bytes < bytes || buffer->requested != bytes) return script_fail(s, "a block is too small");
  if (bytes >= 8 * SCRIPT_ALIGNMENT && (double)(buffer->bytes - bytes) > 0.125 * (double)buffer->bytes)
    return script_fail(s, "more than an eighth of a block is unused");
  if (buffer->offset + buffer->bytes > buffer->slab->bytes) return script_fail(s, "a block leaves its slab");
  for (size_t i = 0; i < s->count; i++) {
    const char *other = script_address(s->live[i].buffer);
    if (begin < other + s->live[i].buffer->bytes && other < end) return script_fail(s, "two live blocks overlap");
  }
  script_live *live = &s->live[s->count++];
  *live = (script_live){.buffer = buffer, .bytes = bytes, .pattern = ++s->next_pattern, .kept = kept};
  memset(script_address(buffer), live->pattern, bytes);
  return true;
}

static bool script_remove(script *s, size_t index) {
  script_live gone = s->live[index];
  if (!script_holds(&gone)) return script_fail(s, "a live block lost its contents");
  if (!assay_pool_free(s->pool, gone.buffer)) return script_fail(s, "a live block could not be freed");
  if (assay_pool_free(s->pool, gone.buffer)) return script_fail(s, "a block could be freed twice");
  s->live[index] = s->live[--s->count];
  return true;
}

static bool script_move(void *user, const assay_slice *to, const assay_slice *from) {
  (void)user;
  memcpy((char *)to->memory + to->offset, (const char *)from->memory + from->offset, from->bytes);
  return true;
}

static bool script_check(script *s) {
  uint64_t requested = 0, live = 0;
  for (size_t i = 0; i < s->count; i++) requested += s->live[i].bytes, live += s->live[i].buffer->bytes;
  assay_memory_stats stats;
  assay_pool_stats(s->pool, &stats);
  const char *wrong = assay_pool_check(s->pool);
  if (wrong != NULL) return script_fail(s, wrong);
  if (stats.live_bytes != live) return script_fail(s, "live bytes are not those of the list");
  if (stats.requested_bytes != requested || stats.live_buffers != s->count)
    return script_fail(s, "requested bytes or live buffers are not those of the list");
  if (stats.reserved_bytes > SCRIPT_LIMIT) return script_fail(s, "the limit was passed");
  if (stats.reserved_bytes < stats.live_bytes + stats.cached_bytes) return script_fail(s, "more is live than reserved");
  return true;
}

static bool script_alloc(script *s, unsigned stream, size_t bytes, const char *key) {
  static const char *const labels[] = {"paths", "prices", "weights"};
  assay_buffer *buffer = NULL;
  assay_error err = {0};
  bool fresh = true, hit = false;
  if (s->count == SCRIPT_LIVE_MAX) return true;
  assay_status status = key != NULL ? assay_pool_cached(s->pool, stream, key, bytes, "table", &err, &fresh, &hit, &buffer)
                                    : assay_pool_alloc(s->pool, stream, bytes, labels[stream], &err, &hit, &buffer);
  if (status == ASSAY_OK) return script_add(s, buffer, bytes, key != NULL);
  if (status != ASSAY_ERR_NO_MEMORY || buffer != NULL) return script_fail(s, "an allocation failed with another status");
  assay_memory_stats stats;
  assay_pool_stats(s->pool, &stats);
  /* A block and its slab's rest may be split between slabs; three times is far more than that takes. */
  if (stats.live_bytes == 0 && 3 * bytes < SCRIPT_LIMIT) return script_fail(s, "memory is out though nothing is live");
  return strstr(err.message, "out of memory") != NULL || script_fail(s, "running out of memory is not said");
}

static bool script_step(script *s, const unsigned char *op) {
  size_t bytes = 1 + ((size_t)op[3] << 8 | op[2]);
  unsigned stream = op[1] % SCRIPT_STREAMS;
  char key[8];
  switch (op[0] % 16) {
    case 0:
    case 1:
    case 2:
    case 3: return script_alloc(s, stream, bytes, NULL);
    case 4: return script_alloc(s, stream, bytes * 40, NULL);
    case 5: return script_alloc(s, stream, 1 + bytes % 600, NULL);
    case 6: snprintf(key, sizeof key, "k%u", op[1] % 4u); return script_alloc(s, stream, 4096, key);
    case 7: assay_pool_trim(s->pool, bytes * 64); return true;
    case 8: assay_pool_defragment(s->pool, script_move, NULL); return true;
    case 9: assay_pool_forget(s->pool); return true;
    case 10:
      if (s->count > 0) s->live[op[1] % s->count].buffer->pinned = true;
      return true;
    default: return s->count == 0 || script_remove(s, op[1] % s->count);
  }
}

/* NULL when all went well, else what went wrong (static text). */
static const char *script_run(const unsigned char *ops, size_t size) {
  static char wrong[200];
  script s = {0};
  assay_error err = {0};
  if (assay_backend_cpu()->open(0, &err, &s.state) != ASSAY_OK) return "the cpu device does not open";
  const assay_pool_source source = {.backend = assay_backend_cpu(),
                                    .state = s.state,
                                    .name = "cpu",
                                    .alignment = SCRIPT_ALIGNMENT,
                                    .max_buffer_bytes = SCRIPT_LIMIT,
                                    .limit_bytes = SCRIPT_LIMIT,
                                    .in_order = true};
  if (assay_pool_create(&source, &err, &s.pool) != ASSAY_OK) return "the pool is not made";
  bool fine = true;
  for (size_t i = 0; i + 4 <= size && fine; i += 4) fine = script_step(&s, ops + i) && script_check(&s);
  while (fine && s.count > 0) fine = script_remove(&s, s.count - 1);
  if (fine) {
    assay_memory_stats stats;
    assay_pool_trim(s.pool, 0);
    assay_pool_stats(s.pool, &stats);
    if (stats.reserved_bytes != 0 || stats.live_buffers != 0 || stats.cached_bytes != 0)
      fine = script_fail(&s, "memory stays when all is free");
  }
  assay_pool_destroy(s.pool);
  assay_backend_cpu()->close(s.state);
  memcpy(wrong, s.wrong, sizeof wrong);
  return fine ? NULL : wrong;
}

#endif
