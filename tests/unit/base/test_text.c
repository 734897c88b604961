/* SPDX-License-Identifier: MIT */
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(globs_match_whole_text_and_words_anywhere),
      cmocka_unit_test(nearest_word_is_offered_only_when_near),
      cmocka_unit_test(numbers_are_whole_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
