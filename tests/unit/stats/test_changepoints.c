/* SPDX-License-Identifier: MIT */
#include <assay/changepoints.h>

#include <float.h>
#include <math.h>

#include "base/random.h"
#include "stats/changepoints_inner.h"
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

/* White noise with steps of that many sigma: the series of most tests below. */
enum { N = 120 };
static void steps(double *values, uint64_t seed, double size) {
  fill(values, N, seed);
  for (size_t i = 40; i < N; i++) values[i] += size;
  for (size_t i = 85; i < N; i++) values[i] -= 2 * size;
}

static void expect_same(found a, found b) {
  assert_int_equal(a.count, b.count);
  for (size_t i = 0; i < a.count; i++) assert_int_equal(a.points[i].index, b.points[i].index);
}

static void units_and_origin_do_not_matter(void **state) {
  (void)state;
  static const double factors[] = {3.7, -1, 1e-300, 1e300, 4096}, origins[] = {0, 17, 0, 0, 1e6};
  double values[N], other[N];
  steps(values, 3, 5);
  found plain = find(values, N, 1);
  assert_int_equal(plain.count, 2);
  for (size_t k = 0; k < 5; k++) {
    for (size_t i = 0; i < N; i++) other[i] = values[i] * factors[k] + origins[k];
    found moved = find(other, N, 1);
    expect_same(plain, moved);
    assert_near(moved.points[0].before, plain.points[0].before * factors[k] + origins[k], fabs(factors[k]) * 1e-6);
    assay_changepoints_free(moved.points);
  }
  assay_changepoints_free(plain.points);
}

static void a_series_read_backwards_changes_at_the_same_places(void **state) {
  (void)state;
  double values[N], other[N];
  for (uint64_t seed = 1; seed <= 20; seed++) {
    steps(values, seed, 4);
    for (size_t i = 0; i < N; i++) other[i] = values[N - 1 - i];
    found ahead = find(values, N, 1), back = find(other, N, 1);
    assert_int_equal(ahead.count, back.count);
    for (size_t i = 0; i < ahead.count; i++)
      assert_near((double)(N - back.points[back.count - 1 - i].index), (double)ahead.points[i].index, 1);
    assay_changepoints_free(ahead.points);
    assay_changepoints_free(back.points);
  }
}

static void the_same_values_give_the_same_answer(void **state) {
  (void)state;
  double values[N];
  steps(values, 8, 2);
  found a = find(values, N, 1), b = find(values, N, 1);
  assert_int_equal(a.count, b.count);
  for (size_t i = 0; i < a.count; i++) {
    assert_int_equal(a.points[i].index, b.points[i].index);
    assert_true(a.points[i].p_value == b.points[i].p_value && a.points[i].before == b.points[i].before);
  }
  assay_changepoints_free(a.points);
  assay_changepoints_free(b.points);
}

static void rows_without_a_measurement_are_counted(void **state) {
  (void)state;
  double values[N], gaps[N + 6];
  steps(values, 4, 6);
  size_t n = 0;
  for (size_t i = 0; i < N; i++) {
    if (i == 0 || i == 20 || i == 40 || i == 41 || i == 60 || i == 119) gaps[n++] = NAN;
    gaps[n++] = values[i];
  }
  /* The gap in front of value 40 is no part of the change. */
  const size_t expected[] = {43, 90};
  expect_at(gaps, n, 1, expected, 2);
  for (size_t i = 0; i < n; i++) gaps[i] = NAN;
  expect_none(gaps, n);
}

static void figures_are_those_of_the_values(void **state) {
  (void)state;
  const double values[] = {10, 11, 9, 10, 10, 11, 9, 10, NAN, 20, 21, 19, 20, 20, 21, 19, 20};
  found f = find(values, 17, 1);
  assert_int_equal(f.count, 1);
  assert_int_equal(f.points[0].index, 9);
  assert_int_equal(f.points[0].kind, ASSAY_CHANGEPOINT_LEVEL);
  assert_near(f.points[0].before, 10, 0);
  assert_near(f.points[0].after, 20, 0);
  assert_near(f.points[0].change_ratio, 1, 0);
  assay_changepoints_free(f.points);
  const double from_zero[] = {0, 0, 0, 0, 0, 3, 3, 3, 3, 3};
  f = find(from_zero, 10, 1);
  assert_int_equal(f.count, 1);
  assert_true(isnan(f.points[0].change_ratio));
  assay_changepoints_free(f.points);
}

static void the_column_that_moved_is_named(void **state) {
  (void)state;
  double values[3 * N], noise[3 * N];
  fill(noise, 3 * N, 11);
  for (size_t i = 0; i < N; i++) {
    values[3 * i] = 1e6 * noise[3 * i];
    values[3 * i + 1] = i % 7 == 3 ? NAN : noise[3 * i + 1] + (i >= 50 ? 4 : 0);
    values[3 * i + 2] = 1e-6 * (noise[3 * i + 2] - (i >= 90 ? 5 : 0));
  }
  found f = find(values, N, 3);
  assert_int_equal(f.count, 2);
  assert_near((double)f.points[0].index, 50, 1);
  assert_int_equal(f.points[0].column, 1);
  assert_near((double)f.points[1].index, 90, 1);
  assert_int_equal(f.points[1].column, 2);
  assay_changepoints_free(f.points);
}

static void slopes_and_spreads_have_their_kind(void **state) {
  (void)state;
  double values[200];
  fill(values, 200, 5);
  for (size_t i = 0; i < 200; i++) values[i] = 0.2 * values[i] + (i >= 90 ? 0.3 * (double)(i - 90) : 0);
  found f = find(values, 200, 1);
  assert_int_equal(f.count, 1);
  assert_int_equal(f.points[0].kind, ASSAY_CHANGEPOINT_TREND);
  assert_near((double)f.points[0].index, 90, 8);
  assay_changepoints_free(f.points);
  fill(values, 200, 6);
  for (size_t i = 110; i < 200; i++) values[i] *= 5;
  f = find(values, 200, 1);
  assert_int_equal(f.count, 1);
  assert_int_equal(f.points[0].kind, ASSAY_CHANGEPOINT_SPREAD);
  assert_near((double)f.points[0].index, 110, 8);
  assert_near(f.points[0].before, 1, 0.3);
  assert_near(f.points[0].after, 5, 1.5);
  assay_changepoints_free(f.points);
}

typedef enum still { WHITE, RELATED, HEAVY, DRIFT, SEASON, STILLS } still;

static double still_value(assay_random *r, still kind, size_t i, double *before) {
  double z = assay_random_normal(r);
  switch (kind) {
    case WHITE:
    case STILLS: return z;
    case RELATED: return *before = 0.5 * *before + z;
    case HEAVY: return z / fmax(fabs(assay_random_normal(r)), 0.02); /* Cauchy, nearly */
    case DRIFT: return z + 0.05 * (double)i;
    case SEASON: return z + (i % 7 == 5 ? 4 : i % 7 == 6 ? 3 : 0);
  }
  return z;
}

/* docs/changepoints.md: a series without a change gets one in fewer than 1 of 20 cases; of 60 that are 3, and 8 or more come by chance less
 * than once in a hundred times. The seeds are fixed, so the counts are too. */
static void noise_is_no_change(void **state) {
  (void)state;
  for (int kind = 0; kind < STILLS; kind++) {
    size_t alarms = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
      assay_random r;
      double values[N], before = 0;
      assay_random_init(&r, 100 + seed);
      for (size_t i = 0; i < N; i++) values[i] = still_value(&r, (still)kind, i, &before);
      found f = find(values, N, 1);
      alarms += f.count > 0;
      assay_changepoints_free(f.points);
    }
    if (alarms > 6) fail_msg("noise of kind %d: %zu of 60 series got a change point", kind, alarms);
  }
}

/* Two or three narrow modes; which one a value is of is chance. Runs of equal modes are chance too. */
static double of_modes(assay_random *r, size_t kind) {
  static const double slow[] = {0.1, 0.2, 0.3, 0.5, 0.3}, slower[] = {0, 0, 0, 0, 0.15};
  double z = assay_random_normal(r), u = assay_random_unit(r);
  return 100 + 0.3 * z + (u < slower[kind] ? 20 : u < slower[kind] + slow[kind] ? 10 : 0);
}

/* Less than one series in twenty, as for other noise; of 40 that are 2, and 6 come by chance in one case of a hundred. */
static void runs_of_equal_modes_are_no_change(void **state) {
  (void)state;
  static const size_t counts[] = {40, 120, 400, 1000};
  static double values[1000];
  for (size_t kind = 0; kind < 5; kind++) {
    size_t alarms = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
      assay_random r;
      assay_random_init(&r, 900 + seed);
      size_t n = counts[seed % 4];
      for (size_t i = 0; i < n; i++) values[i] = of_modes(&r, kind);
      found f = find(values, n, 1);
      alarms += f.count > 0;
      assay_changepoints_free(f.points);
    }
    if (alarms > 5) fail_msg("modes of kind %zu: %zu of 40 series got a change point", kind, alarms);
  }
}

/* By less than the modes are apart, by as much, and by twice as much. Where modes are equally likely or three (kinds 3, 4) only the last is
 * found reliably: docs/changepoints.md says so. */
static void steps_under_modes_are_found(void **state) {
  (void)state;
  static const double sizes[] = {3, 10, 20};
  double values[N];
  for (size_t kind = 0; kind < 5; kind++)
    for (size_t size = kind >= 3 ? 2 : 0; size < 3; size++) {
      size_t hits = 0, all = 0;
      for (uint64_t seed = 0; seed < 20; seed++) {
        assay_random r;
        assay_random_init(&r, 300 + seed);
        for (size_t i = 0; i < N; i++) values[i] = of_modes(&r, kind) + (i >= 60 ? sizes[size] : 0);
        found f = find(values, N, 1);
        bool hit = false;
        for (size_t i = 0; i < f.count; i++) hit |= llabs((long long)f.points[i].index - 60) <= 5;
        hits += hit;
        all += f.count;
        assay_changepoints_free(f.points);
      }
      if (hits < 13 || all > hits + 12)
        fail_msg("modes of kind %zu, a step of %g: %zu of 20 found, %zu in all", kind, sizes[size], hits, all);
    }
}

static void steps_of_three_sigma_are_found(void **state) {
  (void)state;
  size_t hits = 0, all = 0, covered = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    double values[N];
    steps(values, seed, 3);
    found f = find(values, N, 1);
    for (size_t i = 0; i < f.count; i++) {
      const assay_changepoint *p = &f.points[i];
      hits += llabs((long long)p->index - 40) <= 3 || llabs((long long)p->index - 85) <= 3;
      covered += (p->low <= 40 && 40 <= p->high) || (p->low <= 85 && 85 <= p->high);
    }
    all += f.count;
    assay_changepoints_free(f.points);
  }
  assert_true(hits >= 190);      /* of 200 */
  assert_true(all <= hits + 10); /* nearly nothing else */
  assert_true(covered >= 186);   /* the range holds the place in 95 %, with some room for chance */
}

static void a_step_near_the_end_is_found(void **state) {
  (void)state;
  size_t hits = 0;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    double values[N];
    fill(values, N, seed);
    for (size_t i = N - 4; i < N; i++) values[i] += 8;
    found f = find(values, N, 1);
    hits += f.count >= 1 && f.points[f.count - 1].index == N - 4;
    assay_changepoints_free(f.points);
  }
  assert_true(hits >= 45);
}

static void flat_parts_and_rounded_values_are_fine(void **state) {
  (void)state;
  double values[90];
  for (size_t i = 0; i < 90; i++) values[i] = i < 30 ? 7 : i < 60 ? 9 : 7;
  expect(values, 1, 30, 60);
  assay_random r;
  assay_random_init(&r, 2);
  for (size_t i = 0; i < 90; i++) values[i] = assay_random_unit(&r) < 0.4 ? 12 : 13;
  expect_none(values, 90);
  for (size_t i = 0; i < 90; i++) values[i] = i % 2 == 0 ? 1 : 2;
  expect_none(values, 90);
  for (size_t i = 0; i < 90; i++) values[i] = (double)i;
  expect_none(values, 90);
  for (size_t i = 0; i < 90; i++) values[i] = exp(0.05 * (double)i);
  expect_none(values, 90);
}

/* Instruction counts and sizes have no noise at all, however long they stay as they are. */
static void steps_without_noise_are_found(void **state) {
  (void)state;
  static double values[5000];
  static const size_t counts[] = {10, 60, 92, 93, 100, 200, 1000, 5000};
  for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
    size_t n = counts[k], places[] = {n / 2, n - 5, n / 4};
    for (size_t p = 0; p < 3; p++) {
      size_t at = places[p] < 4 ? 4 : places[p];
      for (size_t i = 0; i < n; i++) values[i] = i < at ? 1734 : 1740;
      expect_at(values, n, 1, &at, 1);
    }
  }
}

static void hostile_values_are_survived(void **state) {
  (void)state;
  static const double hostile[] = {DBL_MAX, -DBL_MAX, DBL_MIN, 4.9e-324, 0, -0.0, 1e308, 1, NAN};
  double values[60];
  for (uint64_t seed = 1; seed <= 200; seed++) {
    assay_random r;
    assay_random_init(&r, seed);
    size_t kinds = 1 + (size_t)assay_random_below(&r, 9), n = (size_t)assay_random_below(&r, 61),
           columns = 1 + (size_t)assay_random_below(&r, 3);
    for (size_t i = 0; i < n; i++) values[i] = hostile[assay_random_below(&r, kinds)];
    assay_changepoints_free(find(values, n / columns, columns).points);
  }
  for (size_t i = 0; i < 60; i++) values[i] = i < 30 ? DBL_MAX : -DBL_MAX;
  expect(values, 1, 30);
}
/* A tiny level among denormals, and a step on top of a huge one, are steps as well. */
static void magnitudes_do_not_hide_a_step(void **state) {
  (void)state;
  double values[40];
  for (size_t i = 0; i < 40; i++) values[i] = (i < 20 ? 10 : 20) * 4.9e-324 + (i % 3 == 0 ? 4.9e-324 : 0);
  found f = find(values, 40, 1);
  assert_int_equal(f.count, 1);
  assert_int_equal(f.points[0].index, 20);
  assay_changepoints_free(f.points);
  for (size_t i = 0; i < 40; i++) values[i] = 1e15 + (i < 20 ? 0 : 50) + (double)(i * 7 % 5);
  f = find(values, 40, 1);
  assert_int_equal(f.count, 1);
  assert_int_equal(f.points[0].index, 20);
  assay_changepoints_free(f.points);
}

static void wrong_input_is_refused_and_nothing_is_touched(void **state) {
  (void)state;
  double values[] = {1, 2, INFINITY, 4};
  assay_changepoint *points = (assay_changepoint *)values;
  size_t count = 77;
  assay_error err = {0};
  assert_int_equal(assay_changepoints_find(values, 2, 2, &err, &points, &count), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "row 1, column 0"));
  assay_error_clear(&err);
  assert_int_equal(assay_changepoints_find(values, 4, 0, &err, &points, &count), ASSAY_ERR_INVALID);
  assert_int_equal(assay_changepoints_find(values, SIZE_MAX / 2, 3, NULL, &points, &count), ASSAY_ERR_INVALID);
  assert_ptr_equal(points, values);
  assert_int_equal(count, 77);
}

/* 10,000 values take some 30 ms because no more than a million segments are looked at, whatever the values. */
static void work_is_bounded(void **state) {
  (void)state;
  static double values[10000];
  for (int kind = 0; kind < 4; kind++) {
    fill(values, 10000, 9);
    for (size_t i = 1; i < 10000; i++) {
      if (kind == 1) values[i] += values[i - 1];
      if (kind == 2) values[i] += 8 * (double)(i * 2654435761u % 97 / 9 % 3);
      if (kind == 3) values[i] += 6 * (double)(i / 11 % 2) + (double)(i / 970 % 3);
    }
    assay_error err = {0};
    assay_changepoint *points = NULL;
    size_t count = 0;
    assay_cp_work work = {0};
    assert_ok(assay_cp_find(values, 10000, 1, &work, &err, &points, &count), err);
    assay_changepoints_free(points);
    if (work.costs > 3000000) fail_msg("series of kind %d: %zu segments", kind, work.costs);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_steps_are_found_where_they_are),
      cmocka_unit_test(one_or_two_outliers_are_no_change),
      cmocka_unit_test(short_and_constant_series_have_none),
      cmocka_unit_test(units_and_origin_do_not_matter),
      cmocka_unit_test(a_series_read_backwards_changes_at_the_same_places),
      cmocka_unit_test(the_same_values_give_the_same_answer),
      cmocka_unit_test(rows_without_a_measurement_are_counted),
      cmocka_unit_test(figures_are_those_of_the_values),
      cmocka_unit_test(the_column_that_moved_is_named),
      cmocka_unit_test(slopes_and_spreads_have_their_kind),
      cmocka_unit_test(noise_is_no_change),
      cmocka_unit_test(runs_of_equal_modes_are_no_change),
      cmocka_unit_test(steps_under_modes_are_found),
      cmocka_unit_test(steps_of_three_sigma_are_found),
      cmocka_unit_test(a_step_near_the_end_is_found),
      cmocka_unit_test(flat_parts_and_rounded_values_are_fine),
      cmocka_unit_test(steps_without_noise_are_found),
      cmocka_unit_test(hostile_values_are_survived),
      cmocka_unit_test(magnitudes_do_not_hide_a_step),
      cmocka_unit_test(wrong_input_is_refused_and_nothing_is_touched),
      cmocka_unit_test(work_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
