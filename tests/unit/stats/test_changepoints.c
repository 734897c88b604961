/* SPDX-License-Identifier: MIT */
#include <assay/changepoints.h>

#include <float.h>
#include <math.h>

#include "base/random.h"
#include "test.h"

typedef struct found {
  assay_changepoint *points;
  size_t count;
} found;

static found find(const double *values, size_t count, size_t columns) {
  assay_error err = {0};
  found f = {0};
  assert_ok(assay_changepoints_find(values, count, columns, &err, &f.points, &f.count), err);
  for (size_t i = 0; i < f.count; i++) {
    const assay_changepoint *p = &f.points[i];
    assert_true(p->index > 0 && p->index < count);
    assert_true(i == 0 || p->index > f.points[i - 1].index);
    assert_true(p->low <= p->index && p->index <= p->high && p->high < count);
    assert_true(p->p_value >= 0 && p->p_value <= 0.01);
    assert_true(p->column < columns);
  }
  return f;
}

#define expect(values, columns, ...)                                                                                                \
  do {                                                                                                                              \
    const size_t expected_[] = {__VA_ARGS__};                                                                                       \
    expect_at((values), sizeof(values) / sizeof *(values) / (columns), (columns), expected_, sizeof expected_ / sizeof *expected_); \
  } while (0)

static void expect_at(const double *values, size_t count, size_t columns, const size_t *expected, size_t expected_count) {
  found f = find(values, count, columns);
  if (f.count != expected_count)
    for (size_t i = 0; i < f.count; i++) print_error("found %zu (p %.3g)\n", f.points[i].index, f.points[i].p_value);
  assert_int_equal(f.count, expected_count);
  for (size_t i = 0; i < expected_count; i++) assert_int_equal(f.points[i].index, expected[i]);
  assay_changepoints_free(f.points);
}

static void expect_none(const double *values, size_t count) { expect_at(values, count, 1, NULL, 0); }

static void fill(double *values, size_t count, uint64_t seed) {
  assay_random r;
  assay_random_init(&r, seed);
  for (size_t i = 0; i < count; i++) values[i] = assay_random_normal(&r);
}

static void plain_steps_are_found_where_they_are(void **state) {
  (void)state;
  const double rounded[] = {5, 5, 5, 5, 6, 6, 6, 6};
  expect(rounded, 1, 4);
  const double late[] = {10, 10.1, 9.9, 10.05, 10, 9.95, 10.1, 9.9, 10, 10.05, 9.95, 10, 12, 12.1, 11.9};
  expect(late, 1, 12);
  const double twice[] = {1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 1.0, 1.1, 0.95, 1.05, 0.9, 1.0};
  expect(twice, 1, 6, 12);
}

static void one_or_two_outliers_are_no_change(void **state) {
  (void)state;
  const double lone[] = {0, 0, 0, 0, 1, 0, 0, 0};
  expect_none(lone, 8);
  double values[60];
  for (size_t at = 0; at < 60; at++)
    for (size_t width = 1; width <= 2 && at + width <= 60; width++) {
      fill(values, 60, 7);
      for (size_t k = 0; k < width; k++) values[at + k] += 50;
      expect_none(values, 60);
    }
}

static void short_and_constant_series_have_none(void **state) {
  (void)state;
  const double step[] = {1, 1, 1, 9, 9};
  for (size_t n = 0; n <= 5; n++) expect_none(step, n);
  double constant[100];
  for (size_t i = 0; i < 100; i++) constant[i] = 0.1;
  expect_none(constant, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_steps_are_found_where_they_are),
      cmocka_unit_test(one_or_two_outliers_are_no_change),
      cmocka_unit_test(short_and_constant_series_have_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
