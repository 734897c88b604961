/* SPDX-License-Identifier: MIT */
#include "result/series.h"

#include <math.h>

#include "test.h"

static assay_arena arena;

static int open_arena(void **state) {
  (void)state;
  assay_arena_init(&arena, ASSAY_TAG_CLI);
  return 0;
}

static int close_arena(void **state) {
  (void)state;
  assay_arena_deinit(&arena);
  return 0;
}

static assay_series read(const char *text, const char *column) {
  assay_error err = {0};
  assay_series series = {0};
  assert_ok(assay_series_read(text, strlen(text), "f.csv", &column, column != NULL, &arena, &err, &series), err);
  return series;
}

/* `expected` ends where its count is reached; NAN is no measurement. */
static void expect(const char *text, const char *column, size_t columns, size_t count, const double *expected) {
  assay_series series = read(text, column);
  assert_int_equal(series.columns, columns);
  assert_int_equal(series.rows * series.columns, count);
  for (size_t i = 0; i < count; i++) {
    if (isnan(expected[i]) != isnan(series.values[i])) fail_msg("%s: value %zu is %g and not %g", text, i, series.values[i], expected[i]);
    if (!isnan(expected[i])) assert_true(series.values[i] == expected[i]);
  }
}
#define expect_values(text, column, columns, ...)                                         \
  do {                                                                                    \
    const double expected_[] = {__VA_ARGS__};                                             \
    expect((text), (column), (columns), sizeof expected_ / sizeof *expected_, expected_); \
  } while (0)

static void refuse(const char *text, const char *column, const char *says) {
  assay_error err = {0};
  assay_series series = {0};
  assert_int_not_equal(assay_series_read(text, strlen(text), "f.csv", &column, column != NULL, &arena, &err, &series), ASSAY_OK);
  if (strstr(err.message, says) == NULL) fail_msg("'%s' is not in: %s", says, err.message);
  assert_null(series.values);
}

static void one_number_a_line(void **state) {
  (void)state;
  expect_values("1\n2.5\n-3e2\n", NULL, 1, 1, 2.5, -300);
  expect_values("\xEF\xBB\xBF# made by hand\r\n1\r\n2\r\n# in between\r\n3", NULL, 1, 1, 2, 3);
  expect_values("time\n  4\n+5\n", NULL, 1, 4, 5);
  expect_values("response time\n4\n5\n", NULL, 1, 4, 5);
}

static void rows_without_a_measurement_count(void **state) {
  (void)state;
  expect_values("1\n\n3\nnan\nNULL\nN/A\n7\n\n\n", NULL, 1, 1, NAN, 3, NAN, NAN, NAN, 7);
  expect_values("a,b\n1,\n,2\n\n3,NaN\n", NULL, 2, 1, NAN, NAN, 2, 3, NAN);
}

static void every_usual_separator(void **state) {
  (void)state;
  expect_values("1,2\n4,3\n", NULL, 2, 1, 2, 4, 3);
  expect_values("1;2,5\n4;3,5\n", NULL, 2, 1, 2.5, 4, 3.5);
  expect_values("a\tb\n1\t2\n4\t3\n", NULL, 2, 1, 2, 4, 3);
  expect_values("  1  2\n  4 3 \n", NULL, 2, 1, 2, 4, 3);
  expect_values("1,2,\n4,3,\n", NULL, 2, 1, 2, 4, 3);
}

static void columns_by_name_and_by_number(void **state) {
  (void)state;
  const char *text = "day,\"p50, ms\",\"p\"\"99\"\"\"\n2024-01-01,1,\"5\"\n2024-01-02,2,6\n";
  expect_values(text, NULL, 2, 1, 5, 2, 6);
  expect_values(text, "p50, ms", 1, 1, 2);
  expect_values(text, "p\"99\"", 1, 5, 6);
  expect_values(text, "3", 1, 5, 6);
  assert_string_equal(read(text, "3").names[0], "p\"99\"");
  assert_string_equal(read("1,2\n3,4\n", "2").names[0], "2");
  expect_values("2,1\n5,6\n7,8\n", "2", 1, 1, 6, 8);
}

static void a_date_in_the_first_line_is_no_name(void **state) {
  (void)state;
  expect_values("2024-01-01,1\n2024-01-02,2\n", NULL, 1, 1, 2);
}

static void a_column_that_only_counts_is_left_out(void **state) {
  (void)state;
  expect_values("0,5\n1,6\n2,7\n3,9\n", NULL, 1, 5, 6, 7, 9);
  expect_values("year,x\n1990,5\n1991,6\n1992,7\n", NULL, 1, 5, 6, 7);
  expect_values("1\n2\n3\n4\n", NULL, 1, 1, 2, 3, 4);
  expect_values("0,5\n1,6\n2,7\n3,9\n", "1", 1, 0, 1, 2, 3);
  expect_values("0,5\n3,6\n1,7\n3,9\n", NULL, 2, 0, 5, 3, 6, 1, 7, 3, 9);
}

static void mistakes_are_named_with_their_place(void **state) {
  (void)state;
  refuse("1\n2\nx\n", NULL, "f.csv:3: column 1: 'x' is no number");
  refuse("a,b\n1,2\n3,oops\n", NULL, "f.csv:3: column 2: 'oops' is no number");
  refuse("1,2\n3\n", NULL, "f.csv:2: 1 column here, and 2 in line 1");
  refuse("1\ninf\n", NULL, "f.csv:2: column 1: 'inf' is infinite");
  refuse("1\n-1e999\n", NULL, "f.csv:2: column 1: '-1e999' is too large");
  refuse("1\n0x10\n", NULL, "'0x10' is no number");
  refuse("a,b\n\"1,2\n3,4\n", NULL, "f.csv:2: the quote that opens in column 1 is not closed");
  refuse("a,b\n\"1\"2,3\n", NULL, "f.csv:2: column 1 goes on behind its closing quote");
  refuse("", NULL, "f.csv has no values");
  refuse("# nothing\n\n", NULL, "f.csv has no values");
  refuse("time\n", NULL, "'time' is no number");
  refuse("1,2,3,4\n", NULL, "one line of 4 values");
  refuse("time,size\n1,2\n3,4\n", "tme", "did you mean 'time'?");
  refuse("time,size\n1,2\n3,4\n", "3", "no column '3'; it has 2");
  refuse("t,t\n1,2\n3,4\n", "t", "2 columns are called 't'");
  assay_error err = {0};
  assay_series series = {0};
  assert_int_equal(assay_series_read("1\n2\0\n", 5, "f.csv", NULL, 0, &arena, &err, &series), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "f.csv:2: this is no text"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_number_a_line, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(rows_without_a_measurement_count, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(every_usual_separator, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(columns_by_name_and_by_number, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(a_date_in_the_first_line_is_no_name, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(a_column_that_only_counts_is_left_out, open_arena, close_arena),
      cmocka_unit_test_setup_teardown(mistakes_are_named_with_their_place, open_arena, close_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
