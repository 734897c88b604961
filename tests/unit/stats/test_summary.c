/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "base/random.h"
#include "test.h"

static void medians_come_from_processes_and_quantiles_from_all_samples(void **state) {
  (void)state;
  const double a[] = {3, 1, 2}, b[] = {10, 20}, d[] = {5, 5, 5, 5, 100};
  const double *values[] = {a, b, NULL, d};
  const size_t counts[] = {3, 2, 0, 5};
  assay_error err = {0};
  assay_summary s;
  assert_ok(assay_stats_summarize(values, counts, 4, &err, &s), err);
  assert_true(s.processes == 3 && s.samples == 10 && s.set_aside == 0);
  assert_near(s.median, 5, 0); /* of 2, 15, 5 */
  assert_near(s.mean, 22.0 / 3, 1e-15);
  const double medians[] = {2, 15, 5};
  assert_near(s.stddev, sqrt(139.0 / 3), 1e-14); /* between 2, 15 and 5 */
  assert_near(s.min, 1, 0);
  assert_near(s.max, 100, 0);
  assert_near(s.p50, 5, 0); /* of 1 2 3 5 5 5 5 10 20 100 */
  assert_near(s.p90, 28, 1e-12);
  assert_true(isnan(s.p95) && isnan(s.p99) && isnan(s.p999));
  assay_interval ci;
  assert_int_equal(assay_stats_interval(medians, 3, 0.95, &ci), ASSAY_OK);
  assert_true(ci.low < 0 && s.ci_low == 0 && s.ci_high == ci.high); /* no sample is negative, so neither is the truth */
  const double signs[] = {-2, 15, 5}, *signed_values[] = {&signs[0], &signs[1], &signs[2]};
  const size_t ones[] = {1, 1, 1};
  assert_ok(assay_stats_summarize(signed_values, ones, 3, &err, &s), err);
  assert_true(s.ci_low < 0);
  assert_true(a[0] == 3 && d[4] == 100); /* inputs stay */
}

static void one_process_has_no_spread_between_processes(void **state) {
  (void)state;
  const double only = 4, *values[] = {&only};
  const size_t counts[] = {1};
  assay_error err = {0};
  assay_summary s;
  assert_ok(assay_stats_summarize(values, counts, 1, &err, &s), err);
  assert_true(s.median == 4 && s.mean == 4 && s.min == 4 && s.max == 4 && s.p50 == 4);
  assert_true(isnan(s.stddev) && isnan(s.ci_low) && isnan(s.ci_high) && isnan(s.p90));
}

static void a_quantile_appears_when_its_tail_can_hold_a_value(void **state) {
  (void)state;
  static double samples[1000];
  for (size_t i = 0; i < 1000; i++) samples[i] = (double)i;
  const struct {
    size_t count;
    bool p90, p95, p99, p999;
  } cases[] = {{9, 0, 0, 0, 0},  {10, 1, 0, 0, 0},  {19, 1, 0, 0, 0},  {20, 1, 1, 0, 0},
               {99, 1, 1, 0, 0}, {100, 1, 1, 1, 0}, {999, 1, 1, 1, 0}, {1000, 1, 1, 1, 1}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const double *values[] = {samples, samples + 4};
    const size_t counts[] = {4, cases[c].count - 4}; /* pooled over processes */
    assay_summary s;
    assert_int_equal(assay_stats_summarize(values, counts, 2, NULL, &s), ASSAY_OK);
    assert_true(isnan(s.p90) == !cases[c].p90 && isnan(s.p95) == !cases[c].p95);
    assert_true(isnan(s.p99) == !cases[c].p99 && isnan(s.p999) == !cases[c].p999);
    static assay_histogram histogram;
    assay_histogram_init(&histogram);
    for (size_t i = 0; i < cases[c].count; i++) assay_histogram_record(&histogram, i);
    assay_summary h = s;
    assay_histogram_summarize(&histogram, &h);
    assert_true(isnan(h.p90) == !cases[c].p90 && isnan(h.p95) == !cases[c].p95);
    assert_true(isnan(h.p99) == !cases[c].p99 && isnan(h.p999) == !cases[c].p999);
    assert_near(h.p50, s.p50, 0.51);
    assert_true(h.min == 0 && h.max == (double)cases[c].count - 1 && h.median == s.median && h.samples == s.samples);
  }
}

static void what_cannot_be_summarized_is_refused_with_the_place(void **state) {
  (void)state;
  const double good[] = {1, 2}, bad[] = {1, 2, NAN}, endless[] = {INFINITY};
  const double *values[] = {good, bad, endless};
  const size_t none[] = {0, 0, 0}, with_nan[] = {2, 3, 0}, with_inf[] = {2, 2, 1};
  assay_summary s = {.processes = 42};
  assay_error err = {0};
  assert_int_equal(assay_stats_summarize(values, none, 3, &err, &s), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "no process gave a sample"));
  assay_error_clear(&err);
  assert_int_equal(assay_stats_summarize(values, with_nan, 3, &err, &s), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "sample 2 of process 1"));
  assert_int_equal(assay_stats_summarize(values, with_inf, 3, NULL, &s), ASSAY_ERR_INVALID);
  assert_int_equal(s.processes, 42);
}

static void order_of_processes_and_samples_does_not_matter(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 12);
  for (int trial = 0; trial < 200; trial++) {
    double samples[5][40], back[5][40];
    const double *values[5], *back_values[5];
    size_t counts[5], back_counts[5];
    for (size_t p = 0; p < 5; p++) {
      values[p] = samples[p], back_values[4 - p] = back[p];
      counts[p] = back_counts[4 - p] = 1 + (size_t)assay_random_below(&random, 40);
      for (size_t i = 0; i < counts[p]; i++) samples[p][i] = back[p][counts[p] - 1 - i] = exp(assay_random_normal(&random));
    }
    assay_summary one, two;
    assert_int_equal(assay_stats_summarize(values, counts, 5, NULL, &one), ASSAY_OK);
    assert_int_equal(assay_stats_summarize(back_values, back_counts, 5, NULL, &two), ASSAY_OK);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(one.ci_low <= one.median && one.median <= one.ci_high && one.min <= one.p50 && one.p50 <= one.max);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(medians_come_from_processes_and_quantiles_from_all_samples),
      cmocka_unit_test(one_process_has_no_spread_between_processes),
      cmocka_unit_test(a_quantile_appears_when_its_tail_can_hold_a_value),
      cmocka_unit_test(what_cannot_be_summarized_is_refused_with_the_place),
      cmocka_unit_test(order_of_processes_and_samples_does_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
