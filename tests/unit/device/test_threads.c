/* SPDX-License-Identifier: MIT */
/* Work shared by threads: all of it once, the same bits for every number of them. */
#include "device/cpu/copy.h"
#include "device/cpu/threads.h"

#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "fake.h"
#include "kernels/variant.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { TOTAL_MAX = 5000 };

typedef struct tally {
  atomic_uchar times[TOTAL_MAX];
  unsigned delay;
} tally;

static void count(void *context, size_t begin, size_t end) {
  tally *t = context;
  for (size_t i = begin; i < end; i++) {
    atomic_fetch_add_explicit(&t->times[i], 1, memory_order_relaxed);
    for (volatile unsigned k = 0; k < t->delay; k++) {
    }
  }
}

/* Every byte, and none beside: ends that are no multiple of anything, by one thread and several. */
static void large_copies_are_whole(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 1000, ((size_t)32 << 20) - 1, (size_t)32 << 20, ((size_t)33 << 20) + 77};
  size_t room = (size_t)34 << 20;
  unsigned char *from = malloc(room), *to = malloc(room);
  assert_true(from != NULL && to != NULL);
  for (size_t i = 0; i < room; i++) from[i] = (unsigned char)(i * 2654435761u >> 13);
  for (unsigned threads = 1; threads <= 4; threads += 3) {
    assay_threads *pool = assay_threads_create(threads, NULL, 0);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      size_t at = 64 + 5 * k + threads, with = 3 * k;
      memset(to, 0xEE, room);
      assay_cpu_copy(pool, to + at, from + with, sizes[k]);
      assert_memory_equal(to + at, from + with, sizes[k]);
      assert_true(to[at - 1] == 0xEE && to[at + sizes[k]] == 0xEE);
    }
    assay_threads_destroy(pool);
  }
  free(from), free(to);
}

#define DECLARE(name, text, needs) void assay_copy_past_##name(void *, const void *, size_t);
ASSAY_KERNEL_VARIANTS(DECLARE)
#undef DECLARE

/* Parts that end before a line begins, with it and beside it, by every instruction set. */
static void small_parts_are_whole(void **state) {
  (void)state;
#define ROW(name, text, needs) assay_copy_past_##name,
  static void (*const copies[])(void *, const void *, size_t) = {ASSAY_KERNEL_VARIANTS(ROW)};
#undef ROW
  enum { MOST = 200, GUARD = 64, ROOM = 64 + MOST + 2 * GUARD };
  static _Alignas(64) unsigned char from[ROOM], to[ROOM];
  size_t variant;
  for (size_t i = 0; i < ROOM; i++) from[i] = (unsigned char)(i + 1);
  for (size_t index = 0; (variant = assay_kernel_variant_usable(index)) < ASSAY_KERNEL_VARIANT_COUNT; index++) {
    for (size_t at = GUARD; at < GUARD + 64; at++) {
      for (size_t bytes = 0; bytes <= MOST; bytes++) {
        memset(to, 0, sizeof to);
        copies[variant](to + at, from + bytes % 64, bytes);
        assert_memory_equal(to + at, from + bytes % 64, bytes);
        for (size_t i = 0; i < ROOM; i++) assert_true(to[i] == 0 || (i >= at && i < at + bytes));
      }
    }
  }
}

static void every_part_is_done_once(void **state) {
  (void)state;
  static tally t;
  assay_random random;
  assay_random_init(&random, 5);
  for (unsigned threads = 1; threads <= 5; threads++) {
    assay_threads *pool = assay_threads_create(threads, NULL, 0);
    assert_int_equal(assay_threads_count(pool), threads);
    for (int round = 0; round < 30; round++) {
      size_t total = 1 + (size_t)assay_random_below(&random, TOTAL_MAX);
      memset((void *)&t, 0, sizeof t);
      t.delay = round % 3 * 200;
      assay_threads_run(pool, total, count, &t);
      for (size_t i = 0; i < TOTAL_MAX; i++) assert_int_equal(t.times[i], i < total);
    }
    assay_threads_destroy(pool);
  }
}

typedef struct caller {
  assay_threads *pool;
  tally t;
} caller;

static void *call(void *user) {
  caller *self = user;
  for (int i = 0; i < 20; i++) assay_threads_run(self->pool, TOTAL_MAX, count, &self->t);
  return NULL;
}

static void two_callers_at_once_are_fine(void **state) {
  (void)state;
  static caller callers[3];
  pthread_t ids[3];
  assay_threads *pool = assay_threads_create(3, NULL, 0);
  for (int i = 0; i < 3; i++) {
    callers[i].pool = pool, callers[i].t.delay = 50;
    assert_int_equal(pthread_create(&ids[i], NULL, call, &callers[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    pthread_join(ids[i], NULL);
    for (size_t k = 0; k < TOTAL_MAX; k++) assert_int_equal(callers[i].t.times[k], 20);
  }
  assay_threads_destroy(pool);
}

static void run_with(const char *threads, size_t groups, double *sums) {
  const assay_backend *list[] = {assay_backend_cpu()};
  assay_registry *registry = NULL;
  setenv("ASSAY_THREADS", threads, 1);
  assay_error err = {0};
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assert_ok(assay_registry_open(registry, "cpu", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(small_run(device, stream, groups, sums, &err), err);
  assay_stream_destroy(stream);
  assay_device_close(device);
  assay_registry_destroy(registry);
  unsetenv("ASSAY_THREADS");
}

static void the_bits_do_not_depend_on_the_threads(void **state) {
  (void)state;
  enum { GROUPS = 700 };
  static double one[GROUPS * MC_EUROPEAN_SUMS], many[GROUPS * MC_EUROPEAN_SUMS];
  run_with("1", GROUPS, one);
  assert_true(one[0] > 0);
  run_with("4", GROUPS, many);
  assert_memory_equal(one, many, sizeof one);
  run_with("7", GROUPS, many);
  assert_memory_equal(one, many, sizeof one);
}

/* A caller that rounds otherwise or flushes denormals gets the same bits, and its own environment back. */
static void the_bits_do_not_depend_on_the_caller_s_rounding(void **state) {
  (void)state;
  enum { GROUPS = 300 };
  static double usual[GROUPS * MC_EUROPEAN_SUMS], odd[GROUPS * MC_EUROPEAN_SUMS];
  run_with("2", GROUPS, usual);
  fesetround(FE_UPWARD);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
  run_with("2", GROUPS, odd);
  assert_int_equal(fegetround(), FE_UPWARD);
#if defined(__x86_64__)
  assert_int_equal(_mm_getcsr() & 0x8040, 0x8040);
  _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
  fesetround(FE_TONEAREST);
  assert_memory_equal(usual, odd, sizeof usual);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(large_copies_are_whole),
      cmocka_unit_test(small_parts_are_whole),
      cmocka_unit_test(every_part_is_done_once),
      cmocka_unit_test(two_callers_at_once_are_fine),
      cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
      cmocka_unit_test(the_bits_do_not_depend_on_the_caller_s_rounding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
