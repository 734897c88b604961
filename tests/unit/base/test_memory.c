/* SPDX-License-Identifier: MIT */
/* Tagged allocation, arenas and buffers. */
#include <math.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/number.h"
#include "test.h"

static void tags_are_weighed(void **state) {
  (void)state;
  assay_tag_stats before = assay_tag_get_stats(ASSAY_TAG_STATS);
  char *a = assay_alloc(ASSAY_TAG_STATS, 100), *b = assay_calloc(ASSAY_TAG_STATS, 10, 5);
  assay_tag_stats now = assay_tag_get_stats(ASSAY_TAG_STATS);
  assert_int_equal(now.live_bytes - before.live_bytes, 150);
  assert_int_equal(now.live_blocks - before.live_blocks, 2);
  assert_int_equal(now.total_allocations - before.total_allocations, 2);
  for (int i = 0; i < 50; i++) assert_int_equal(b[i], 0);
  memset(a, 7, 100);
  a = assay_realloc(ASSAY_TAG_BASE, a, 1000, 1); /* keeps its first tag */
  assert_int_equal(a[99], 7);
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_STATS).live_bytes - before.live_bytes, 1050);
  assay_free(a);
  assay_free(b);
  assay_free(NULL);
  now = assay_tag_get_stats(ASSAY_TAG_STATS);
  assert_int_equal(now.live_bytes, before.live_bytes);
  assert_int_equal(now.live_blocks, before.live_blocks);
  assert_true(now.peak_bytes >= before.live_bytes + 1050);
}

static void sizes_that_overflow_give_null(void **state) {
  (void)state;
  /* volatile: the compiler would otherwise warn about what this test is for */
  volatile size_t huge = SIZE_MAX;
  assert_null(assay_alloc(ASSAY_TAG_BASE, huge));
  assert_null(assay_alloc(ASSAY_TAG_BASE, huge - 8));
  assert_null(assay_calloc(ASSAY_TAG_BASE, huge / 2, 3));
  char *block = assay_strdup(ASSAY_TAG_BASE, "kept");
  assert_null(assay_realloc(ASSAY_TAG_BASE, block, huge / 2, 3));
  assert_string_equal(block, "kept");
  assay_free(block);
}

static void blocks_are_aligned(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BASE);
  for (size_t size = 0; size < 70; size++) {
    void *block = assay_alloc(ASSAY_TAG_BASE, size);
    assert_int_equal((uintptr_t)block % 16, 0);
    assay_free(block);
    assert_int_equal((uintptr_t)assay_arena_alloc(&arena, 1, size) % 16, 0);
  }
  assay_arena_deinit(&arena);
}

static void *churn(void *user) {
  (void)user;
  for (int i = 0; i < 2000; i++) {
    void *block = assay_alloc(ASSAY_TAG_CLI, (size_t)i);
    block = assay_realloc(ASSAY_TAG_CLI, block, (size_t)i + 10, 1);
    assay_free(block);
  }
  return NULL;
}

static void threads_leave_the_books_balanced(void **state) {
  (void)state;
  assay_tag_stats before = assay_tag_get_stats(ASSAY_TAG_CLI);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assay_tag_stats now = assay_tag_get_stats(ASSAY_TAG_CLI);
  assert_int_equal(now.live_bytes, before.live_bytes);
  assert_int_equal(now.live_blocks, before.live_blocks);
  assert_int_equal(now.total_allocations, before.total_allocations + 8000);
}

static void an_arena_frees_all_it_gave(void **state) {
  (void)state;
  uint64_t before = assay_tag_get_stats(ASSAY_TAG_RESULT).live_blocks;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  char *first = assay_arena_strdup(&arena, "first");
  for (int i = 0; i < 3000; i++) {
    unsigned char *block = assay_arena_alloc(&arena, 3, 100);
    for (int j = 0; j < 300; j++) assert_int_equal(block[j], 0);
    memset(block, 0xFF, 300);
  }
  unsigned char *large = assay_arena_alloc(&arena, 1, 3 << 20);
  memset(large, 1, 3 << 20);
  assert_string_equal(first, "first");
  assert_string_equal(assay_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
  assert_string_equal(assay_arena_strndup(&arena, "abcdef", 3), "abc");
  assert_null(assay_arena_strdup(&arena, NULL));
  assert_false(arena.failed);
  assay_arena_deinit(&arena);
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_RESULT).live_blocks, before);
}

static void arena_arrays_grow_and_failure_sticks(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BASE);
  int *items = NULL;
  size_t capacity = 0;
  for (size_t count = 0; count < 1000; count++) {
    if (count == capacity) items = assay_arena_grow(&arena, items, count, &capacity, sizeof *items);
    items[count] = (int)count;
  }
  for (size_t i = 0; i < 1000; i++) assert_int_equal(items[i], i);
  volatile size_t huge = SIZE_MAX;
  assert_null(assay_arena_alloc(&arena, huge, 2));
  assert_true(arena.failed);
  assert_non_null(assay_arena_alloc(&arena, 1, 1));
  assert_true(arena.failed);
  assay_arena_deinit(&arena);
}

static void buffers_grow_and_stay_terminated(void **state) {
  (void)state;
  assay_buf buf = {0};
  for (int i = 0; i < 1000; i++) assay_buf_printf(&buf, "%d,", i);
  assert_int_equal(buf.length, 3890);
  assert_int_equal(strlen(buf.data), buf.length);
  assert_memory_equal(buf.data + buf.length - 8, "998,999,", 8);
  assay_buf_clear(&buf);
  assert_string_equal(buf.data, "");
  assay_buf_append(&buf, "a\0b", 3);
  assert_int_equal(buf.length, 3);
  assert_memory_equal(buf.data, "a\0b", 4);
  char *taken = assay_buf_take(&buf);
  assert_null(buf.data);
  assert_null(assay_buf_take(&buf));
  assay_free(taken);
  assert_false(buf.failed);
  assay_buf_deinit(&buf);
}

static void doubles_are_short_and_exact(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } cases[] = {
      {0.1, "0.1"},       {1e21, "1e+21"}, {100, "100"}, {-0.0, "-0"}, {1.0 / 3, "0.3333333333333333"}, {5e-324, "4.94065645841247e-324"},
      {2.5e-8, "2.5e-08"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_buf buf = {0};
    assay_buf_double(&buf, cases[i].value);
    assert_string_equal(buf.data, cases[i].text);
    assay_buf_deinit(&buf);
  }
}

/* The short way gives what printf and strtod would, on both sides of powers of two and ten. */
static void doubles_are_as_printf_has_them(void **state) {
  (void)state;
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 40000; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    double power = i % 2 == 0 ? ldexp(1, (int)(random % 70) - 15) : pow(10, (int)(random % 20) - 4);
    double candidates[] = {power,
                           nextafter(power, 0),
                           nextafter(power, INFINITY),
                           (double)(random % 1000000007) / 1000,
                           -(double)(random >> 3) / 1e13,
                           exp((double)(random >> 11) * 0x1p-53 * 45 - 10)};
    for (size_t k = 0; k < sizeof candidates / sizeof *candidates; k++) {
      char text[ASSAY_NUMBER_TEXT], expected[ASSAY_NUMBER_TEXT];
      for (int digits = 15; digits <= 17; digits++) {
        snprintf(expected, sizeof expected, "%.*g", digits, candidates[k]);
        if (strtod(expected, NULL) == candidates[k]) break;
      }
      assert_int_equal(assay_write_double(candidates[k], text), strlen(expected));
      assert_string_equal(text, expected);
    }
  }
}

static void markup_is_escaped(void **state) {
  (void)state;
  assay_buf buf = {0};
  assay_buf_xml(&buf, "<a href=\"x\">'&'</a>\t\n\x01\xC3\xA9");
  assert_string_equal(buf.data, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;\t\n\xEF\xBF\xBD\xC3\xA9");
  assay_buf_deinit(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tags_are_weighed),
      cmocka_unit_test(sizes_that_overflow_give_null),
      cmocka_unit_test(blocks_are_aligned),
      cmocka_unit_test(threads_leave_the_books_balanced),
      cmocka_unit_test(an_arena_frees_all_it_gave),
      cmocka_unit_test(arena_arrays_grow_and_failure_sticks),
      cmocka_unit_test(buffers_grow_and_stay_terminated),
      cmocka_unit_test(doubles_are_short_and_exact),
      cmocka_unit_test(doubles_are_as_printf_has_them),
      cmocka_unit_test(markup_is_escaped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
