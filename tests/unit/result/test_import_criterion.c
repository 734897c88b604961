/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#include "os/prim.h"

#define ESTIMATE(name, value, low, high)                                                                                  \
  "\"" name "\": {\"confidence_interval\": {\"confidence_level\": 0.95, \"lower_bound\": " low ", \"upper_bound\": " high \
  "},"                                                                                                                    \
  " \"point_estimate\": " value ", \"standard_error\": 0.1}"
#define ESTIMATES(slope)                                                                            \
  "{" ESTIMATE("mean", "12", "11", "13") ", " ESTIMATE("median", "11.5", "11", "12") ", " ESTIMATE( \
      "median_abs_dev", "1", "0", "2") ", \"slope\": " slope ", " ESTIMATE("std_dev", "2", "1", "3") "}"
#define ESTIMATES_SLOPE                                                                                                                 \
  "{\"confidence_interval\": {\"confidence_level\": 0.95, \"lower_bound\": 11.5, \"upper_bound\": 11.875}, \"point_estimate\": 11.75, " \
  "\"standard_error\": 0.1}"
#define SAMPLE "{\"sampling_mode\": \"Linear\", \"iters\": [10.0, 20.0, 30.0], \"times\": [100.0, 240.0, 330.0]}"
#define ID(throughput)                                                                                       \
  "{\"group_id\": \"sums\", \"function_id\": \"fast\", \"value_str\": \"1000\", \"throughput\": " throughput \
  ", \"full_id\": \"sums/fast/1000\", \"directory_name\": \"sums/fast/1000\", \"title\": \"sums/fast/1000\"}"

static assay_result *import_path(const char *relative) { return import_tree("criterion", relative); }

static void a_tree_gives_the_samples_of_its_new(void **state) {
  (void)state;
  put_file("t/criterion/sums/fast/1000/new", "benchmark.json", ID("{\"Elements\": 1000}"));
  put_file("t/criterion/sums/fast/1000/new", "sample.json", SAMPLE);
  put_file("t/criterion/sums/fast/1000/new", "estimates.json", ESTIMATES("null"));
  put_file("t/criterion/sums/fast/1000/base", "benchmark.json", ID("{\"Elements\": 1000}"));
  put_file("t/criterion/sums/fast/1000/base", "sample.json", "{\"sampling_mode\": \"Flat\", \"iters\": [1.0], \"times\": [50.0]}");
  put_file("t/criterion/sums/fast/1000/change", "estimates.json", ESTIMATES("null"));
  put_file("t/criterion/lone/new", "estimates.json", ESTIMATES(ESTIMATES_SLOPE));
  assay_result *r = import_path("t/criterion");
  const assay_metric_result *m = metric(r, "criterion", "sums/fast/1000", "time");
  assert_values(m, ASSAY_REPLICATE_REPETITION, 3, 10.0, 12.0, 11.0);
  assert_near(metric(r, "criterion", "sums/fast/1000", "items_per_second")->value, 1000 / 11.0 * 1e9, 1);
  const assay_benchmark_result *b = benchmark(r, "criterion", "sums/fast/1000");
  assert_string_equal(b->base_name, "sums/fast");
  assert_string_equal(b->params[0].value, "1000");
  assert_fact(r, "import.benchmarks.criterion/sums/fast/1000.sampling_mode", "Linear");
  const assay_metric_result *lone = metric(r, "criterion", "lone", "time");
  assert_values(lone, ASSAY_REPLICATE_RUN, 1, 11.75);
  assert_near(lone->stats.mean, 12, 0);
  assert_near(lone->stats.median, 11.5, 0);
  assert_near(lone->stats.stddev, 2, 0);
  assert_near(lone->stats.ci_high, 11.875, 0);
  assert_int_equal(r->benchmark_count, 2);
  assay_result_destroy(r);
  r = import_path("t/criterion/sums/fast/1000/base/");
  assert_values(metric(r, "criterion", "sums/fast/1000", "time"), ASSAY_REPLICATE_PROCESS, 1, 50.0);
  assay_result_destroy(r);
  r = import_path("t/criterion/sums/fast/1000/new/estimates.json");
  assert_values(metric(r, "criterion", "sums/fast/1000", "time"), ASSAY_REPLICATE_RUN, 1, 12.0);
  assert_near(metric(r, "criterion", "sums/fast/1000", "items_per_second")->stats.ci_low, 1000 / 13.0 * 1e9, 1);
  assay_result_destroy(r);
}

static void two_trees_are_two_processes(void **state) {
  (void)state;
  char first[700], second[700];
  const char *paths[] = {first, second};
  assay_error err = {0};
  assay_result *r = NULL;
  snprintf(first, sizeof first, "%s", put_file("u/one/criterion/a/new", "sample.json", SAMPLE));
  snprintf(second, sizeof second, "%s", put_file("u/two/criterion/a/new", "sample.json", "[[2.0, 4.0], [10.0, 24.0]]"));
  assert_ok(assay_import(paths, 2, "criterion", &err, &r), err);
  assert_values(metric(r, "criterion", "a", "time"), ASSAY_REPLICATE_PROCESS, 2, 11.0, 5.5);
  assay_result_destroy(r);
}

static void cargo_bench_gives_figures_and_bounds(void **state) {
  (void)state;
  assay_result *r = import_text(
      "criterion",
      "   Compiling sums v0.1.0 (/src)\n     Running benches/b.rs (target/release/deps/b-1)\nGnuplot not found, using plotters backend\n"
      "Benchmarking fib 20: Warming up for 3.0000 s\nBenchmarking fib 20: Collecting 100 samples in estimated 5.0 s (1M "
      "iterations)\nBenchmarking fib 20: Analyzing\n"
      "fib 20                  time:   [24.161 \xc2\xb5s 24.235 \xc2\xb5s 24.318 \xc2\xb5s]\n"
      "                        thrpt:  [1.5000 MiB/s 2.0000 MiB/s 2.5000 MiB/s]\n"
      "                        change: [-1.2341% +0.5312% +2.0123%] (p = 0.60 > 0.05)\n                        No change in performance "
      "detected.\n"
      "Found 8 outliers among 100 measurements (8.00%)\n  3 (3.00%) high mild\n\n"
      "Benchmarking group/with a rather long name/1000: Warming up for 3.0000 s\n"
      "group/with a rather long name/1000\n                        time:   [1.1 ms 1.2 ms 1.3 ms]\n                        thrpt:  [10.5 "
      "Melem/s 11.5 Melem/s 12.5 Melem/s]\n"
      "                 change:\n                        time:   [-1.2% -1.0% -0.8%] (p = 0.00 < 0.05)\n                        thrpt:  "
      "[+0.8% +1.0% +1.2%]\n                        Performance has improved.\n");
  const assay_metric_result *m = metric(r, "criterion", "fib 20", "time");
  assert_values(m, ASSAY_REPLICATE_RUN, 1, 24235.0);
  assert_near(m->stats.ci_low, 24161, 1e-6);
  assert_near(m->stats.ci_high, 24318, 1e-6);
  assert_near(metric(r, "criterion", "fib 20", "bytes_per_second")->value, 2 * 1048576, 0);
  assert_near(metric(r, "criterion", "group/with a rather long name/1000", "time")->value, 1.2e6, 1e-6);
  assert_near(metric(r, "criterion", "group/with a rather long name/1000", "items_per_second")->value, 11.5e6, 1e-6);
  assert_int_equal(benchmark(r, "criterion", "fib 20")->metric_count, 2);
  assert_int_equal(r->benchmark_count, 2);
  assay_result_destroy(r);
}

static void libtest_gives_medians(void **state) {
  (void)state;
  assay_result *r = import_text(
      "criterion",
      "running 3 tests\ntest tests::it_works ... ignored\ntest tests::bench_xor ... bench:       1,234.50 ns/iter (+/- 56) = 1600 MB/s\n"
      "test tests::bench_old ... bench:         200 ns/iter (+/- 1,002)\n\ntest result: ok. 0 passed; 0 failed; 1 ignored; 2 measured; 0 "
      "filtered out\n"
      "thread 'main' panicked at 'oops', src/lib.rs:3:5\ntest tests::bench_bad ... FAILED\ntest result: FAILED. 0 passed; 1 failed\n");
  assert_values(metric(r, "criterion", "tests::bench_xor", "time"), ASSAY_REPLICATE_RUN, 1, 1234.5);
  assert_near(metric(r, "criterion", "tests::bench_xor", "bytes_per_second")->value, 1.6e9, 0);
  assert_near(fact(r, "import.benchmarks.criterion/tests::bench_old.spread_ns")->real, 1002, 0);
  assert_int_equal(benchmark(r, "criterion", "tests::bench_bad")->status, ASSAY_OUTCOME_FAILED);
  assert_says(benchmark(r, "criterion", "tests::bench_bad")->reason, "panicked at 'oops'");
  assert_null(assay_result_find(r, "criterion", "tests::it_works"));
  assert_int_equal(r->run.suites[0].status, ASSAY_OUTCOME_FAILED);
  assay_result_destroy(r);
}

static void a_program_that_ran_twice_is_two_invocations(void **state) {
  (void)state;
  assay_result *r = import_text("criterion",
                                "     Running benches/b.rs (target/release/deps/b-1)\na   time:   [1 ns 2 ns 3 ns]\n"
                                "     Running benches/c.rs (target/release/deps/c-1)\nc   time:   [1 ns 2 ns 3 ns]\n"
                                "     Running benches/b.rs (target/release/deps/b-2)\na   time:   [3 ns 4 ns 5 ns]\n");
  assert_values(metric(r, "criterion", "a", "time"), ASSAY_REPLICATE_RUN, 2, 2.0, 4.0);
  assert_values(metric(r, "criterion", "c", "time"), ASSAY_REPLICATE_RUN, 1, 2.0);
  assay_result_destroy(r);
}

static void a_tree_is_known_by_what_it_holds(void **state) {
  (void)state;
  char ids[3][17];
  const char *samples[] = {SAMPLE, SAMPLE, "[[1.0], [7.0]]"};
  for (int i = 0; i < 3; i++) {
    put_file("v/criterion/a/new", "sample.json", samples[i]);
    assay_result *r = import_path("v/criterion");
    snprintf(ids[i], sizeof ids[i], "%s", r->run.id);
    assay_result_destroy(r);
  }
  assert_string_equal(ids[0], ids[1]);
  assert_string_not_equal(ids[1], ids[2]);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "criterion";
  assert_says(refused(f, "{\"iters\": [1, 2], \"times\": [3]}"), "file: iters: 2 counts of iterations for 1 times");
  assert_says(refused(f, "{\"iters\": [1, 0], \"times\": [3, 4]}"), "file: iters[1]: expected a count of iterations above zero");
  assert_says(refused(f, "{\"iters\": [1, 2], \"times\": [3, \"x\"]}"), "file: times[1]: expected a number, found the string \"x\"");
  assert_says(refused(f, "{\"iters\": [1, 2], \"times\": [3, Infinity]}"), "file: times[1]: expected a number, found Infinity");
  assert_says(refused(f, "{\"iters\": [], \"times\": []}"), "times: there is no sample");
  assert_says(refused(f, "{\"iters\": [1], \"times\": [-3]}"), "below zero");
  assert_says(refused(f, "{\"iters\": [1], \"times\": "), "file:1:");
  assert_says(refused(f, "{\"mean\": {\"point_estimate\": null}}"), "file: mean.point_estimate: expected a number, found null");
  assert_says(refused(f, "{" ESTIMATE("mean", "1", "3", "2") "}"), "mean.confidence_interval: lower_bound is above upper_bound");
  assert_says(refused(f, "{\"median\": null}"), "expected the estimates \"mean\" or \"slope\"");
  assert_says(refused(f, ID("null")), "benchmark.json has no figures");
  assert_says(refused(f, "a   time:   [1.0 ns 2.0 ns]\n"), "file:1: column");
  assert_says(refused(f, "a   time:   [1.0 ns 2.0 ns"), "is not closed: is the file cut off?");
  assert_says(refused(f, "a   time:   [1.0 ns NaN ns 2.0 ns]\n"), "column 21: expected three figures");
  assert_says(refused(f, "a   time:   [1 ns 2 ns 3 ns]\na   time:   [1 ns 2 ns 3 ns]\n"), "line 2");
  assert_says(refused(f, "Benchmarking a: Warming up for 3.0000 s\n"), "file:1: the file ends before the time of a");
  assert_says(refused(f, "test a ... bench:  fast ns/iter (+/- 5)\n"), "file:1: column 18: expected a time");
  assert_says(refused(f, "hello\n"), "is it what \"cargo bench\" printed?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tree_gives_the_samples_of_its_new),
      cmocka_unit_test(two_trees_are_two_processes),
      cmocka_unit_test(cargo_bench_gives_figures_and_bounds),
      cmocka_unit_test(libtest_gives_medians),
      cmocka_unit_test(a_program_that_ran_twice_is_two_invocations),
      cmocka_unit_test(a_tree_is_known_by_what_it_holds),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
