/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <math.h>

#define HEAD(mode, threads)                                                                                                          \
  "{\"jmhVersion\": \"1.37\", \"benchmark\": \"org.acme.SumBench.sum\", \"mode\": \"" mode "\", \"threads\": " #threads              \
  ", \"forks\": 2,"                                                                                                                  \
  " \"jvm\": \"/opt/jdk/bin/java\", \"jvmArgs\": [\"-Xmx1g\"], \"jdkVersion\": \"21.0.1\", \"vmName\": \"OpenJDK\", \"vmVersion\": " \
  "\"21\", "                                                                                                                         \
  "\"warmupIterations\": 3, \"measurementTime\": \"10 s\", \"params\": {\"size\": \"100\"}, "
#define SCORE "\"score\": 2.0, \"scoreError\": \"NaN\", \"scoreConfidence\": [\"-INF\", \"+INF\"], "
#define PERCENTILES "\"scorePercentiles\": {\"0.0\": 1.0, \"50.0\": 2.0, \"90.0\": 3.0, \"99.0\": 3.5, \"99.9\": 3.75, \"100.0\": 4.0}, "

static void a_fork_is_a_process(void **state) {
  (void)state;
  assay_result *r = import_text(
      "jmh", "[" HEAD("avgt", 1) "\"primaryMetric\": {" SCORE PERCENTILES
                                 "\"scoreUnit\": \"us/op\", \"rawData\": [[1.0, 3.0, 2.0], [4.0, 5.0, 9.0]]}, \"secondaryMetrics\": {"
                                 "\"\xc2\xb7gc.alloc.rate.norm\": {\"score\": 24.0, \"scoreError\": 0.1, \"scoreUnit\": \"B/op\", "
                                 "\"rawData\": [[24.0, 24.0], [32.0]]},"
                                 "\"gc.alloc.rate\": {\"score\": 100.0, \"scoreUnit\": \"MB/sec\", \"rawData\": [[100.0], [200.0]]},"
                                 "\"gc.count\": {\"score\": 5.0, \"scoreUnit\": \"counts\", \"rawData\": [[2.0], [3.0]]}}}]");
  const char *suite = "org.acme.SumBench", *name = "sum/size=100";
  const assay_metric_result *time = metric(r, suite, name, "time");
  assert_values(time, ASSAY_REPLICATE_PROCESS, 2, 2000.0, 5000.0);
  assert_int_equal(time->sample_counts[1], 3);
  assert_near(time->stats.max, 9000, 0);
  const assay_metric_result *norm = metric(r, suite, name, "gc.alloc.rate.norm");
  assert_values(norm, ASSAY_REPLICATE_PROCESS, 2, 24.0, 32.0);
  assert_int_equal(norm->kind, ASSAY_KIND_MEMORY);
  const assay_metric_result *rate = metric(r, suite, name, "gc.alloc.rate");
  assert_near(rate->value, 150e6, 1);
  assert_int_equal(rate->better, ASSAY_LOWER); /* more garbage a second is no gain */
  assert_string_equal(metric(r, suite, name, "gc.count")->unit, "1");
  assert_string_equal(benchmark(r, suite, name)->base_name, "sum");
  assert_fact(r, "import.jdkVersion", "21.0.1");
  assert_fact(r, "import.jvmArgs.0", "-Xmx1g");
  assert_fact(r, "import.tool_version", "1.37");
  assay_result_destroy(r);
}

static void modes_are_metrics_of_one_benchmark(void **state) {
  (void)state;
  assay_result *r =
      import_text("jmh", "[" HEAD("thrpt", 4) "\"primaryMetric\": {" SCORE "\"scoreUnit\": \"ops/ms\", \"rawData\": [[1.0, 3.0]]}},\n" HEAD(
                             "ss", 4) "\"primaryMetric\": {" SCORE "\"scoreUnit\": \"ms/op\", \"rawData\": [[7.0], [8.0]]}}]");
  const char *suite = "org.acme.SumBench", *name = "sum/size=100/threads=4";
  const assay_metric_result *rate = metric(r, suite, name, "items_per_second");
  assert_values(rate, ASSAY_REPLICATE_REPETITION, 2, 1000.0, 3000.0);
  assert_int_equal(rate->better, ASSAY_HIGHER);
  assert_values(metric(r, suite, name, "single_shot"), ASSAY_REPLICATE_PROCESS, 2, 7e6, 8e6);
  assay_result_destroy(r);
}

static void histograms_give_percentiles_and_a_median_a_fork(void **state) {
  (void)state;
  assay_result *r = import_text("jmh", "[" HEAD("sample", 1) "\"primaryMetric\": {" SCORE PERCENTILES
                                                             "\"scoreUnit\": \"us/op\", \"rawDataHistogram\": [[[[1.0, 400], [3.5, 5]], "
                                                             "[[2.0, 590], [4.0, 5]]], [[[3.0, 10], [2.0, 1]]]]}}]");
  const char *suite = "org.acme.SumBench", *name = "sum/size=100";
  const assay_metric_result *m = metric(r, suite, name, "latency");
  assert_values(m, ASSAY_REPLICATE_PROCESS, 2, 2000.0, 3000.0);
  assert_int_equal(m->stats.samples, 1011);
  assert_near(m->stats.p99, 3500, 0);
  assert_near(m->stats.min, 1000, 0);
  assert_values(metric(r, suite, name, "latency_p99"), ASSAY_REPLICATE_PROCESS, 1, 2000.0);
  assert_null(assay_benchmark_metric(benchmark(r, suite, name), "latency_p999")); /* one operation beyond is no tail */
  assay_result_destroy(r);
}

static void a_report_without_raw_data_is_a_run(void **state) {
  (void)state;
  assay_result *r =
      import_text("jmh", "[" HEAD("avgt", 1) "\"primaryMetric\": {" SCORE PERCENTILES "\"scoreUnit\": \"ns/op\", \"rawData\": []}}]");
  const assay_metric_result *m = metric(r, "org.acme.SumBench", "sum/size=100", "time");
  assert_values(m, ASSAY_REPLICATE_RUN, 1, 2.0);
  assert_near(m->stats.p90, 3, 0);
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "jmh";
  assert_says(refused(f, "[" HEAD("avgt", 1) "\"primaryMetric\": {\"scoreUnit\": \"us/op\", \"rawData\": [[1.0], [\"x\"]]}}]"),
              "[0].primaryMetric.rawData[1][0]: expected a number, found the string \"x\"");
  assert_says(refused(f, "[" HEAD("fast", 1) "\"primaryMetric\": {}}]"), "[0].mode: expected");
  assert_says(refused(f, "[" HEAD("avgt", 1) "\"primaryMetric\": {\"scoreUnit\": \"ops/s\", \"rawData\": [[1.0]]}}]"), "no unit of mode");
  assert_says(refused(f, "[" HEAD("sample", 1) "\"primaryMetric\": {\"scoreUnit\": \"us/op\", \"rawDataHistogram\": [[[[1.0]]]]}}]"),
              "rawDataHistogram[0][0][0]: expected a pair");
  assert_says(refused(f, "[" HEAD("avgt", 1) "\"primaryMetric\": {\"scoreUnit\": \"us/op\", \"rawData\": [[1]]}}," HEAD(
                             "avgt", 1) "\"primaryMetric\": {\"scoreUnit\": \"us/op\", \"rawData\": [[1]]}}]"),
              "[1]: \"org.acme.SumBench.sum\" in mode \"avgt\" is there twice: also in [0]");
  assert_says(
      refused(f, "[" HEAD("avgt", 1) "\"primaryMetric\": {" SCORE "\"scorePercentiles\": {\"0.0\": -1.0}, \"scoreUnit\": \"ns/op\"}}]"),
      "[0].primaryMetric: a statistic of time is below zero");
  assert_says(refused(f, "{}"), "expected an array of benchmarks");
  assert_says(refused(f, "[]"), "no benchmark");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fork_is_a_process),
      cmocka_unit_test(modes_are_metrics_of_one_benchmark),
      cmocka_unit_test(histograms_give_percentiles_and_a_median_a_fork),
      cmocka_unit_test(a_report_without_raw_data_is_a_run),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
