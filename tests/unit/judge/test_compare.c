/* SPDX-License-Identifier: MIT */
#include <assay/compare.h>

#include <math.h>

#include "base/random.h"
#include "made_result.h"
#include "test.h"

enum { BENCHMARKS = 400, PROCESSES = 5 };

static const assay_change *find(const assay_changes *changes, const char *name) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->items[i].benchmark, name) == 0) return &changes->items[i];
  fail_msg("%s was not compared", name);
  return NULL;
}

static assay_changes *compare(const assay_result *before, const assay_result *after) {
  assay_error err = {0};
  assay_changes *changes = NULL;
  assert_ok(assay_compare(before, after, NULL, &err, &changes), err);
  return changes;
}

/* Compares one benchmark of such process values. */
static assay_change compare_one(assay_metric_kind kind, assay_better better, const double *x, size_t nx, const double *y, size_t ny) {
  assay_result *before = test_empty_result("00000000000000aa", 1), *after = test_empty_result("00000000000000bb", 2);
  test_add_made_benchmark(before, "s", "a", "m", "ns", kind, better, x, nx);
  test_add_made_benchmark(after, "s", "a", "m", "ns", kind, better, y, ny);
  assay_changes *changes = compare(before, after);
  assert_int_equal(changes->count, 1);
  assay_change change = changes->items[0];
  change.suite = change.benchmark = change.metric = change.unit = NULL; /* borrowed */
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
  return change;
}

/* The expected figures are from mpmath 1.3 with 15 digits: Welch's t on the logarithms, df = 5.6286. */
static void figures_are_those_of_welch(void **state) {
  (void)state;
  const double x[] = {100, 103, 98, 101, 105}, y[] = {112, 115, 109, 118};
  assay_change c = compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, x, 5, y, 4);
  assert_near(c.change_ratio, 0.1191577266465279, 1e-12);
  assert_near(c.p_value, 0.00202075236644429, 1e-10);
  assert_near(c.ci_low, 0.0627151211188024, 1e-9);
  assert_near(c.ci_high, 0.178598094844088, 1e-9);
  assert_near(c.after / c.before - 1, c.change_ratio, 1e-12);
  assert_int_equal(c.verdict, ASSAY_VERDICT_WORSE);
  assert_true(c.detectable > 0.05 && c.detectable < 0.12);
}

/* Five fast and four slow processes come by the toss of a coin in at most (5/9)^5 (4/9)^4 + (4/9)^5 (5/9)^4 of all cases. */
static void times_may_have_modes(void **state) {
  (void)state;
  const double x[] = {100, 103, 98, 101, 105}, y[] = {112, 115, 109, 118}, fast[] = {100, 100, 100}, slow[] = {106, 106, 106};
  assert_near(compare_one(ASSAY_KIND_TIME, ASSAY_LOWER, x, 5, y, 4).p_value,
              pow(5 / 9., 5) * pow(4 / 9., 4) + pow(4 / 9., 5) * pow(5 / 9., 4), 1e-12);
  assert_near(compare_one(ASSAY_KIND_TIME, ASSAY_LOWER, fast, 3, slow, 3).p_value, 2 / 64., 1e-12); /* that they tie proves nothing */
  assert_near(compare_one(ASSAY_KIND_TIME, ASSAY_LOWER, fast, 3, fast, 3).p_value, 1, 0);
}

static void each_kind_has_its_threshold_and_direction(void **state) {
  (void)state;
  const double base[] = {99.9, 100, 100.1, 100, 100};
  static const struct {
    assay_metric_kind kind;
    assay_better better;
    double factor;
    assay_verdict verdict;
  } cases[] = {
      {ASSAY_KIND_TIME, ASSAY_LOWER, 1.06, ASSAY_VERDICT_WORSE},        {ASSAY_KIND_TIME, ASSAY_LOWER, 1.04, ASSAY_VERDICT_SAME},
      {ASSAY_KIND_TIME, ASSAY_LOWER, 0.9, ASSAY_VERDICT_BETTER},        {ASSAY_KIND_LATENCY, ASSAY_LOWER, 1.18, ASSAY_VERDICT_SAME},
      {ASSAY_KIND_LATENCY, ASSAY_LOWER, 1.22, ASSAY_VERDICT_WORSE},     {ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 0.92, ASSAY_VERDICT_SAME},
      {ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 0.88, ASSAY_VERDICT_WORSE}, {ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 1.2, ASSAY_VERDICT_BETTER},
      {ASSAY_KIND_ACCURACY, ASSAY_HIGHER, 0.97, ASSAY_VERDICT_WORSE},   {ASSAY_KIND_ACCURACY, ASSAY_HIGHER, 0.99, ASSAY_VERDICT_SAME},
      {ASSAY_KIND_TIME, ASSAY_LOWER, 1.05, ASSAY_VERDICT_INCONCLUSIVE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double scaled[5];
    for (int k = 0; k < 5; k++) scaled[k] = base[k] * cases[i].factor;
    assay_change c = compare_one(cases[i].kind, cases[i].better, base, 5, scaled, 5);
    if (c.verdict != cases[i].verdict) print_error("case %zu: %s\n", i, assay_verdict_text(c.verdict));
    assert_int_equal(c.verdict, cases[i].verdict);
  }
}

static void error_rates_are_compared_in_points(void **state) {
  (void)state;
  const double none[] = {0, 0, 0}, few[] = {0.005, 0.006, 0.005}, many[] = {0.02, 0.021, 0.02};
  assert_int_equal(compare_one(ASSAY_KIND_ERROR_RATE, ASSAY_LOWER, none, 3, few, 3).verdict, ASSAY_VERDICT_SAME);
  assay_change c = compare_one(ASSAY_KIND_ERROR_RATE, ASSAY_LOWER, none, 3, many, 3);
  assert_int_equal(c.verdict, ASSAY_VERDICT_WORSE);
  assert_near(c.change_ratio, 0.0203333333, 1e-9);
}

static void values_without_spread_leave_no_doubt(void **state) {
  (void)state;
  const double two[] = {2, 2, 2}, three[] = {3, 3, 3}, none[] = {0, 0, 0};
  assert_int_equal(compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, two, 3, two, 3).verdict, ASSAY_VERDICT_SAME);
  assert_int_equal(compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, two, 3, three, 3).verdict, ASSAY_VERDICT_CRITICAL);
  assert_int_equal(compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, none, 3, three, 3).verdict, ASSAY_VERDICT_CRITICAL);
  assert_int_equal(compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, three, 3, none, 3).verdict, ASSAY_VERDICT_BETTER);
  assert_int_equal(compare_one(ASSAY_KIND_COUNT, ASSAY_LOWER, none, 3, none, 3).verdict, ASSAY_VERDICT_SAME);
}

static void one_process_proves_little(void **state) {
  (void)state;
  const double x[] = {100}, y[] = {112, 113}, twice[] = {200};
  assay_change c = compare_one(ASSAY_KIND_TIME, ASSAY_LOWER, x, 1, y, 2);
  assert_int_equal(c.verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_near(c.change_ratio, 0.12499, 1e-4);
  assert_true(isnan(c.p_value) && isnan(c.ci_low) && isnan(c.detectable)); /* nobody measured how much processes differ */
  assert_int_equal(compare_one(ASSAY_KIND_TIME, ASSAY_LOWER, x, 1, twice, 1).verdict, ASSAY_VERDICT_INCONCLUSIVE);
}

static void what_is_on_one_side_only_is_said(void **state) {
  (void)state;
  const double x[] = {1, 1.01};
  assay_result *before = test_empty_result("00000000000000aa", 1), *after = test_empty_result("00000000000000bb", 2);
  test_add_made_benchmark(before, "s", "gone", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  test_add_made_benchmark(before, "s", "breaks", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  test_add_made_benchmark(before, "s", "never", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  before->benchmarks[2].status = ASSAY_OUTCOME_UNSUPPORTED;
  test_add_made_benchmark(after, "s", "breaks", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  after->benchmarks[0].status = ASSAY_OUTCOME_FAILED;
  test_add_made_benchmark(after, "s", "never", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  after->benchmarks[1].status = ASSAY_OUTCOME_UNSUPPORTED;
  test_add_made_benchmark(after, "s", "fresh", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, x, 2);
  assay_changes *changes = compare(before, after);
  assert_int_equal(changes->count, 3);
  assert_int_equal(find(changes, "gone")->verdict, ASSAY_VERDICT_MISSING);
  assert_int_equal(find(changes, "breaks")->verdict, ASSAY_VERDICT_MISSING);
  assert_int_equal(find(changes, "fresh")->verdict, ASSAY_VERDICT_NEW);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* One benchmark: a time that stays, and other metrics at `scale`. */
static assay_result *with_others(double scale, const char *memory_unit) {
  double time[] = {99.9, 100, 100.1, 100, 100}, scaled[5];
  for (int p = 0; p < 5; p++) scaled[p] = time[p] * scale;
  assay_metric_result metrics[] = {
      {.name = "time", .unit = "ns", .kind = ASSAY_KIND_TIME, .better = ASSAY_LOWER},
      {.name = "peak_rss", .unit = memory_unit, .kind = ASSAY_KIND_MEMORY, .better = ASSAY_LOWER},
      {.name = "accuracy", .unit = "ratio", .kind = ASSAY_KIND_ACCURACY, .better = ASSAY_HIGHER},
      {.name = "latency_p99", .unit = "ns", .kind = ASSAY_KIND_LATENCY, .better = ASSAY_LOWER},
      {.name = "retries", .unit = "1", .kind = ASSAY_KIND_COUNT, .better = ASSAY_LOWER},
      {.name = "items_per_second", .unit = "items/s", .kind = ASSAY_KIND_THROUGHPUT, .better = ASSAY_HIGHER},
      {.name = "cpu_time", .unit = "ns", .kind = ASSAY_KIND_TIME, .better = ASSAY_LOWER},
  };
  enum { METRICS = sizeof metrics / sizeof *metrics };
  for (size_t i = 0; i < METRICS; i++) {
    metrics[i].processes = i == 0 ? time : scaled;
    metrics[i].process_count = 5;
    metrics[i].value = metrics[i].processes[1];
  }
  assay_error err = {0};
  assay_result *r = test_empty_result("00000000000000aa", 1);
  assay_benchmark_result b = {.name = "a", .suite = "s", .base_name = "a", .metric_count = METRICS, .metrics = metrics};
  assert_ok(assay_result_add_benchmark(r, &b, &err), err);
  return r;
}

static assay_verdict verdict_of(const assay_changes *changes, const char *metric) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->items[i].metric, metric) == 0) return changes->items[i].verdict;
  return ASSAY_VERDICT_NEW; /* not told */
}

static void other_metrics_that_got_worse_are_told(void **state) {
  (void)state;
  assay_result *before = with_others(1, "B"), *after = with_others(1.22, "B");
  assay_changes *changes = compare(before, after);
  assert_int_equal(verdict_of(changes, "time"), ASSAY_VERDICT_SAME);
  assert_int_equal(verdict_of(changes, "peak_rss"), ASSAY_VERDICT_WORSE);
  assert_int_equal(verdict_of(changes, "accuracy"), ASSAY_VERDICT_BETTER);
  assert_int_equal(verdict_of(changes, "latency_p99"), ASSAY_VERDICT_WORSE);
  assert_int_equal(verdict_of(changes, "retries"), ASSAY_VERDICT_CRITICAL);
  assert_int_equal(changes->count, 5); /* neither the rate, which follows from the time, nor the CPU time */
  for (size_t i = 0; i < changes->count; i++) assert_int_equal(changes->items[i].is_main, strcmp(changes->items[i].metric, "time") == 0);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void other_metrics_that_did_not_change_are_not_told(void **state) {
  (void)state;
  assay_result *before = with_others(1, "B"), *after = with_others(1.01, "pages");
  assay_changes *changes = compare(before, after);
  assert_int_equal(changes->count, 1);
  assert_string_equal(changes->items[0].metric, "time");
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* ---- Simulated machines ------------------------------------------------------------------------------------------------------- */

/* Benchmarks of 1 us whose processes differ by `noise` (log-normal); those with an even number are slower by `factor`. */
static assay_result *simulate(uint64_t seed, double noise, double factor) {
  assay_random random;
  assay_random_init(&random, seed);
  assay_result *r = test_empty_result("00000000000000aa", 1);
  for (int i = 0; i < BENCHMARKS; i++) {
    char name[16];
    double values[PROCESSES];
    snprintf(name, sizeof name, "b%03d", i);
    for (int p = 0; p < PROCESSES; p++) values[p] = 1000 * exp(noise * assay_random_normal(&random)) * (i % 2 == 0 ? factor : 1);
    test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values, PROCESSES);
  }
  return r;
}

typedef struct tally {
  size_t verdicts[ASSAY_VERDICT_COUNT];       /* of those that were changed */
  size_t false_verdicts[ASSAY_VERDICT_COUNT]; /* of the others */
} tally;

static tally tally_of(double noise, double factor) {
  tally t = {0};
  assay_result *before = simulate(1, noise, 1), *after = simulate(2, noise, factor);
  assay_changes *changes = compare(before, after);
  assert_int_equal(changes->count, BENCHMARKS);
  for (size_t i = 0; i < changes->count; i++) (i % 2 == 0 ? t.verdicts : t.false_verdicts)[changes->items[i].verdict]++;
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
  return t;
}

static void the_same_code_raises_no_alarm_however_noisy(void **state) {
  (void)state;
  static const double noises[] = {0.001, 0.01, 0.03, 0.1, 0.3};
  for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
    tally t = tally_of(noises[i], 1);
    size_t alarms = t.verdicts[ASSAY_VERDICT_WORSE] + t.verdicts[ASSAY_VERDICT_BETTER] + t.false_verdicts[ASSAY_VERDICT_WORSE] +
                    t.false_verdicts[ASSAY_VERDICT_BETTER];
    assert_true(alarms <= 1); /* of 400 */
  }
  tally quiet = tally_of(0.01, 1), loud = tally_of(0.1, 1);
  assert_true(quiet.verdicts[ASSAY_VERDICT_SAME] >= 190);        /* of 200: a quiet machine can say so */
  assert_true(loud.verdicts[ASSAY_VERDICT_INCONCLUSIVE] >= 190); /* and a loud one says that it cannot */
}

static void a_slowdown_is_found_and_only_where_it_is(void **state) {
  (void)state;
  tally t = tally_of(0.01, 1.11);
  assert_true(t.verdicts[ASSAY_VERDICT_WORSE] >= 198); /* of 200 */
  assert_int_equal(t.verdicts[ASSAY_VERDICT_SAME], 0);
  assert_int_equal(t.false_verdicts[ASSAY_VERDICT_WORSE] + t.false_verdicts[ASSAY_VERDICT_BETTER], 0);
  t = tally_of(0.01, 1.2);
  assert_true(t.verdicts[ASSAY_VERDICT_CRITICAL] >= 198);
  t = tally_of(0.01, 0.8);
  assert_true(t.verdicts[ASSAY_VERDICT_BETTER] >= 198);
  t = tally_of(0.05, 1.08); /* too little for so much noise: never called the same */
  assert_true(t.verdicts[ASSAY_VERDICT_SAME] <= 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(figures_are_those_of_welch),
      cmocka_unit_test(times_may_have_modes),
      cmocka_unit_test(each_kind_has_its_threshold_and_direction),
      cmocka_unit_test(error_rates_are_compared_in_points),
      cmocka_unit_test(values_without_spread_leave_no_doubt),
      cmocka_unit_test(one_process_proves_little),
      cmocka_unit_test(what_is_on_one_side_only_is_said),
      cmocka_unit_test(other_metrics_that_got_worse_are_told),
      cmocka_unit_test(other_metrics_that_did_not_change_are_not_told),
      cmocka_unit_test(the_same_code_raises_no_alarm_however_noisy),
      cmocka_unit_test(a_slowdown_is_found_and_only_where_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
