/* SPDX-License-Identifier: MIT */
/* Bandwidth with the C library's own routines (the code that programs really use), and latency by chasing pointers. */
#include <assay/bench.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZES \
  { "bytes", "16Ki,256Ki,4Mi,256Mi" }

static void *touched(assay_bench *b, size_t bytes) {
  void *block = aligned_alloc(4096, bytes);
  if (block == NULL)
    assay_bench_unsupported(b, "%zu bytes do not fit in memory", bytes);
  else
    memset(block, 2, bytes);
  return block;
}

ASSAY_BENCH(memory_read, .suite = "performance", .summary = "memchr for a byte that is not there", .params = {SIZES}) {
  size_t bytes = assay_bench_u64(b, "bytes");
  char *block = touched(b, bytes);
  if (block == NULL) return;
  ASSAY_LOOP(b) assay_keep(memchr(block, 1, bytes));
  assay_bench_bytes(b, (double)bytes, 0);
  free(block);
}

ASSAY_BENCH(memory_write, .suite = "performance", .summary = "memset", .params = {SIZES}) {
  size_t bytes = assay_bench_u64(b, "bytes");
  char *block = touched(b, bytes);
  if (block == NULL) return;
  ASSAY_LOOP(b) {
    memset(block, 3, bytes);
    assay_keep_memory();
  }
  assay_bench_bytes(b, 0, (double)bytes);
  free(block);
}

ASSAY_BENCH(memory_copy, .suite = "performance", .summary = "memcpy, on one CPU and on all of them",
            .params = {SIZES, {"threads", "1..cpus*2"}}) {
  size_t bytes = assay_bench_u64(b, "bytes") / 2;
  char *from = touched(b, bytes), *to = from == NULL ? NULL : touched(b, bytes);
  if (to != NULL) {
    ASSAY_LOOP(b) {
      memcpy(to, from, bytes);
      assay_keep_memory();
    }
    assay_bench_bytes(b, (double)bytes, (double)bytes);
    assay_bench_working_set(b, 2.0 * (double)bytes);
  }
  free(from);
  free(to);
}

/* One pointer a cache line, linked into a single random cycle (Sattolo), so that every load waits for the one before and no prefetcher
 * guesses it. */
enum { LINE = 64 };

typedef union line {
  union line *next;
  char bytes[LINE];
} line;

static line *make_cycle(line *lines, size_t count, uint64_t seed) {
  size_t *order = malloc(count * sizeof *order);
  if (order == NULL) return NULL;
  for (size_t i = 0; i < count; i++) order[i] = i;
  for (size_t i = count - 1; i > 0; i--) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    size_t j = (size_t)((seed >> 33) % i), swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  for (size_t i = 0; i < count; i++) lines[order[i]].next = &lines[order[(i + 1) % count]];
  free(order);
  return lines;
}

/*
 * Sizes as the ceilings use them: half of L1 and L2, so that it fits with what else is there; an eighth of L3, since guests and neighbours
 * see only a part of what is published; four times the last level for memory. 0 where it is not published.
 */
static size_t level_bytes(const char *level) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = sysconf(_SC_LEVEL3_CACHE_SIZE), size = 0;
  if (strcmp(level, "l1") == 0) size = l1 / 2;
  if (strcmp(level, "l2") == 0) size = l2 / 2;
  if (strcmp(level, "l3") == 0) size = l3 / 8 > 4 * l2 ? l3 / 8 : l3 / 2 < 4 * l2 ? l3 / 2 : 4 * l2;
  if (strcmp(level, "memory") == 0) size = 4 * (l3 > 0 ? l3 : l2);
  return size > 0 ? (size_t)size : 0;
#else
  (void)level;
  return 0;
#endif
}

ASSAY_BENCH(memory_latency, .suite = "performance", .summary = "one dependent load after another at random",
            .params = {{"level", "l1,l2,l3,memory"}}) {
  const char *level = assay_bench_text(b, "level");
  size_t bytes = level_bytes(level);
  if (bytes == 0) return assay_bench_unsupported(b, "the size of %s is not published here", level);
  line *lines = touched(b, bytes), *at = lines == NULL ? NULL : make_cycle(lines, bytes / LINE, assay_bench_seed(b));
  if (at != NULL) {
    char ceiling[32] = "latency.";
    strncat(ceiling, level, sizeof ceiling - sizeof "latency.");
    assay_bench_ceiling(b, ceiling);
    ASSAY_LOOP(b) {
      at = at->next;
      assay_keep(at);
    }
    assay_bench_working_set(b, (double)bytes);
  }
  free(lines);
}
