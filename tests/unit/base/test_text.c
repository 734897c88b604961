/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/text.h"

#include "test.h"

static void globs_match_whole_text_and_words_anywhere(void **state) {
  (void)state;
  assert_true(assay_glob_match("sum", "mine/sum/n=10"));
  assert_true(assay_glob_match("mine/*/n=1?", "mine/sum/n=10"));
  assert_true(assay_glob_match("[a-m]ine/*", "mine/sum"));
  assert_false(assay_glob_match("[!a-m]ine/*", "mine/sum"));
  assert_false(assay_glob_match("mine/?", "mine/sum"));
  assert_true(assay_glob_match("*", ""));
  assert_false(assay_glob_match("a[bc", "ab")); /* an open set is plain text */
  assert_true(assay_glob_match("*a[bc", "xa[bc"));
}

static void a_benchmark_is_meant_by_its_name_with_and_without_suite(void **state) {
  (void)state;
  assert_true(assay_glob_match_benchmark("mine/s*", "mine", "sum/n=10", NULL));
  assert_true(assay_glob_match_benchmark("s*", "mine", "sum/n=10", NULL));
  assert_true(assay_glob_match_benchmark("sum/n=1?", "a/b", "sum/n=10", NULL));
  assert_true(assay_glob_match_benchmark("ne/su", "mine", "sum", NULL)); /* without a sign: anywhere */
  assert_false(assay_glob_match_benchmark("ine/*", "mine", "sum", NULL));
  assert_false(assay_glob_match_benchmark("s*:time", "mine", "sum", NULL));
  assert_true(assay_glob_match_benchmark("s*:time", "mine", "sum", "time"));
  assert_true(assay_glob_match_benchmark("mine/*:t*", "mine", "sum", "time"));
  assert_true(assay_glob_match_benchmark("s*m", "mine", "sum", "time"));
  char name[900];
  memset(name, 'x', sizeof name - 1), name[sizeof name - 1] = '\0';
  assert_true(assay_glob_match_benchmark("xx*x:time", "mine", name, "time"));
}

static void nearest_word_is_offered_only_when_near(void **state) {
  (void)state;
  const char *const words[] = {"performance", "hardware", "trading", NULL};
  assert_string_equal(assay_nearest_word("performence", words), "performance");
  assert_string_equal(assay_nearest_word("HARDWARE", words), "hardware");
  assert_null(assay_nearest_word("zzz", words));
}

static void numbers_are_whole_or_refused(void **state) {
  (void)state;
  uint64_t u = 7;
  assert_true(assay_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
  assert_false(assay_parse_u64("18446744073709551616", &u));
  assert_false(assay_parse_u64("-1", &u));
  assert_false(assay_parse_u64("1x", &u));
  double d = 0;
  assert_true(assay_parse_f64("1e-3", &d) && d == 1e-3);
  assert_false(assay_parse_f64("", &d));
}

static void plain_text_cannot_drive_a_terminal(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"\033[31mred", "\uFFFD[31mred"},
                                         {"\xff\xfe", "\uFFFD\uFFFD"},
                                         {"a\u202Eb\u2066c\u2069", "a\uFFFDb\uFFFDc\uFFFD"},
                                         {"\xC2\x9B"
                                          "2J\x7F",
                                          "\uFFFD2J\uFFFD"},
                                         {"\u00B5s \u2264 \u6F22 \U0001F600", "\u00B5s \u2264 \u6F22 \U0001F600"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_buf out = {0};
    assay_buf_plain(&out, cases[i][0]);
    assert_string_equal(out.data, cases[i][1]);
    assay_buf_deinit(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(globs_match_whole_text_and_words_anywhere),
      cmocka_unit_test(a_benchmark_is_meant_by_its_name_with_and_without_suite),
      cmocka_unit_test(nearest_word_is_offered_only_when_near),
      cmocka_unit_test(plain_text_cannot_drive_a_terminal),
      cmocka_unit_test(numbers_are_whole_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
