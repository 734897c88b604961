/* SPDX-License-Identifier: MIT */
/*
 * Slow-downs of a known size in a real kernel, for planted.py. PLANTED (per mille, at build time) is how much more work a pass does: the
 * passes go over 10000 keys, and the slower builds look 10, 20, 50 or 100 of every 1000 keys up once more, with the same code. So the size
 * is exact in look-ups, and within what code around the loop costs in instructions (planted.py --verify counts them under cachegrind).
 */
#include <assay/bench.h>

#include <stdlib.h>

#ifndef PLANTED
#define PLANTED 0
#endif

enum { KEYS = 10000, SLOTS = 32768, EXTRA = KEYS * PLANTED / 1000 };

typedef struct table {
  uint32_t keys[SLOTS], values[SLOTS];
  uint32_t wanted[KEYS + KEYS / 10]; /* KEYS of them, then some once more */
} table;

static uint32_t mix(uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

static uint32_t place_of(const table *t, uint32_t key) {
  uint32_t at = mix(key) & (SLOTS - 1);
  while (t->keys[at] != key && t->keys[at] != 0) at = (at + 1) & (SLOTS - 1);
  return at;
}

/* Looks `count` keys up and adds what is found; the one loop of all builds. */
__attribute__((noinline)) static uint64_t look_up(const table *t, const volatile uint32_t *count) {
  uint64_t sum = 0;
  for (uint32_t i = 0, end = *count; i < end; i++) sum += t->values[place_of(t, t->wanted[i])];
  return sum;
}

static table *make_table(void) {
  table *t = calloc(1, sizeof *t);
  for (uint32_t i = 0; t != NULL && i < KEYS; i++) {
    uint32_t key = mix(i + 1) | 1, at = place_of(t, key);
    t->keys[at] = key;
    t->values[at] = i;
    t->wanted[i] = key;
  }
  /* From all over: those that came first into the table are found with fewer steps. */
  for (uint32_t i = 0; t != NULL && i < KEYS / 10; i++) t->wanted[KEYS + i] = t->wanted[i * 6181 % KEYS];
  return t;
}

ASSAY_BENCH(table, .suite = "planted", .summary = "10000 look-ups in a hash table, and a few more in the slower builds") {
  table *t = make_table();
  if (t == NULL) {
    assay_bench_fail(b, "out of memory");
    return;
  }
  volatile uint32_t count = KEYS + EXTRA;
  ASSAY_LOOP(b) assay_keep(look_up(t, &count));
  free(t);
}

/* So many passes and nothing else, for counting their instructions. */
static int passes(unsigned long wanted) {
  table *t = make_table();
  volatile uint32_t count = KEYS + EXTRA;
  if (t == NULL) return 1;
  for (unsigned long i = 0; i < wanted; i++) assay_keep(look_up(t, &count));
  free(t);
  return 0;
}

int main(int argc, char **argv) {
  const char *wanted = getenv("PLANTED_PASSES");
  return wanted != NULL ? passes(strtoul(wanted, NULL, 10)) : assay_main(argc, argv);
}
