/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

static const uint64_t limit = (UINT64_C(1) << ASSAY_HISTOGRAM_MAX_BITS) - 1;

/* Static: 70 KiB each. */
static assay_histogram one, two, both;

static uint64_t any_magnitude(assay_random *random) {
  return assay_random_next(random) >> (64 - 1 - assay_random_below(random, ASSAY_HISTOGRAM_MAX_BITS));
}

static void buckets_tile_the_range_without_gap_or_overlap(void **state) {
  (void)state;
  uint64_t next = 0;
  for (size_t i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
    uint64_t low = assay_histogram_bucket_low(i), width = assay_histogram_bucket_width(i);
    assert_true(low == next && width > 0);
    assert_true(assay_histogram_index(low) == i && assay_histogram_index(low + width - 1) == i);
    next = low + width;
  }
  assert_true(next == limit + 1);
}

static void every_value_is_within_the_stated_error_of_its_bucket(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 6);
  for (int trial = 0; trial < 1000000; trial++) {
    uint64_t value = any_magnitude(&random);
    size_t index = assay_histogram_index(value);
    uint64_t low = assay_histogram_bucket_low(index), width = assay_histogram_bucket_width(index);
    if (!(value >= low && value - low < width)) fail_msg("%llu is not in its bucket", (unsigned long long)value);
    if (value < 512) assert_true(width == 1);
    double middle = (double)low + 0.5 * (double)(width - 1);
    if (fabs(middle - (double)value) * 512 > (double)value) fail_msg("%llu is over 1/512 from %g", (unsigned long long)value, middle);
    assert_true(width * 256 <= value || width == 1);
  }
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void quantiles_are_within_the_stated_error_of_sorting(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 7);
  static uint64_t values[20000];
  static const double q[] = {0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
  for (int trial = 0; trial < 60; trial++) {
    size_t count = 1 + (size_t)assay_random_below(&random, trial < 20 ? 10 : 20000);
    double scale = exp(20 * assay_random_unit(&random));
    assay_histogram_init(&one);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
      values[i] = trial % 3 == 0 ? any_magnitude(&random) : (uint64_t)(scale * exp(assay_random_normal(&random)));
      assay_histogram_record(&one, values[i]);
      sum += (double)values[i];
    }
    qsort(values, count, sizeof *values, ascending);
    assert_true(one.count == count && one.min == values[0] && one.max == values[count - 1] && one.sum == sum);
    double last = 0;
    for (size_t i = 0; i < sizeof q / sizeof *q; i++) {
      double rank = ceil(q[i] * (double)count - 1e-9);
      double exact = (double)values[rank < 1 ? 0 : (size_t)rank - 1], actual = assay_histogram_quantile(&one, q[i]);
      assert_near(actual, exact, exact / 512);
      assert_true(actual >= last);
      last = actual;
    }
    assert_near(assay_histogram_quantile(&one, 0), (double)values[0], 0);
    assert_near(assay_histogram_quantile(&one, 1), (double)values[count - 1], 0);
  }
}

static void merging_equals_recording_all_in_one(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 8);
  assay_histogram_init(&one);
  assay_histogram_init(&two);
  assay_histogram_init(&both);
  for (int i = 0; i < 10000; i++) {
    uint64_t value = any_magnitude(&random) >> 12; /* sums stay exact */
    assay_histogram_record(i % 3 ? &one : &two, value);
    assay_histogram_record(&both, value);
  }
  assay_histogram_record(&two, UINT64_C(1) << 50);
  assay_histogram_record(&both, UINT64_C(1) << 50);
  assay_histogram_merge(&one, &two);
  assert_memory_equal(&one, &both, sizeof one);

  assay_histogram_init(&two); /* an empty one adds nothing, and takes all */
  assay_histogram_merge(&one, &two);
  assert_memory_equal(&one, &both, sizeof one);
  assay_histogram_merge(&two, &one);
  assert_memory_equal(&two, &both, sizeof one);
}

static void values_over_the_range_are_counted_and_kept_at_the_limit(void **state) {
  (void)state;
  assay_histogram_init(&one);
  assert_true(isnan(assay_histogram_quantile(&one, 0.5)));
  assert_true(one.min > one.max);
  assay_histogram_record(&one, 1000);
  assay_histogram_record(&one, limit);
  assert_true(one.over_range == 0);
  assay_histogram_record(&one, limit + 1);
  assay_histogram_record(&one, UINT64_MAX);
  assert_true(one.over_range == 2 && one.count == 4 && one.max == UINT64_MAX);
  assert_true(one.buckets[ASSAY_HISTOGRAM_BUCKETS - 1] == 3);
  assert_true(assay_histogram_index(UINT64_MAX) == ASSAY_HISTOGRAM_BUCKETS - 1);
  assert_near(assay_histogram_quantile(&one, 0.75), (double)limit, (double)limit / 512);
  assert_true(isnan(assay_histogram_quantile(&one, -0.1)) && isnan(assay_histogram_quantile(&one, NAN)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(buckets_tile_the_range_without_gap_or_overlap),
      cmocka_unit_test(every_value_is_within_the_stated_error_of_its_bucket),
      cmocka_unit_test(quantiles_are_within_the_stated_error_of_sorting),
      cmocka_unit_test(merging_equals_recording_all_in_one),
      cmocka_unit_test(values_over_the_range_are_counted_and_kept_at_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
