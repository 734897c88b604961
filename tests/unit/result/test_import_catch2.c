/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#include "base/buf.h"

#define BENCHMARK(name, mean, low, high)                                                                                                  \
  "<BenchmarkResults name=\"" name                                                                                                        \
  "\" samples=\"50\" resamples=\"1000\" iterations=\"1362\" clockResolution=\"36.0413\""                                                  \
  " estimatedDuration=\"354120\">\n<!--All values in nano seconds-->\n<mean value=\"" mean "\" lowerBound=\"" low "\" upperBound=\"" high \
  "\" ci=\"0.95\"/>\n<standardDeviation value=\"3.5\" lowerBound=\"2.3\" upperBound=\"4.8\" ci=\"0.95\"/>\n"                              \
  "<outliers variance=\"0.38\" lowMild=\"0\" lowSevere=\"0\" highMild=\"2\" highSevere=\"0\"/>\n</BenchmarkResults>\n"
#define V3(cases)                                                                                                      \
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Catch2TestRun name=\"bench\" rng-seed=\"7\" xml-format-version=\"3\" " \
  "catch2-version=\"3.4.0\">\n" cases                                                                                  \
  "<OverallResults successes=\"1\" failures=\"0\" expectedFailures=\"0\" skips=\"0\"/>\n</Catch2TestRun>\n"
#define V2(cases) \
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Catch name=\"bench\">\n  <Group name=\"bench\">\n" cases "  </Group>\n</Catch>\n"
#define CASE(name, inside, success) \
  "<TestCase name=\"" name "\" filename=\"t.cpp\" line=\"6\">\n" inside "<OverallResult success=\"" success "\"/>\n</TestCase>\n"

static void means_are_figures_of_a_run(void **state) {
  (void)state;
  const char *documents[] = {V2(CASE("fib", BENCHMARK("fib 5", "32.5", "29.5", "34.25"), "true")),
                             V3(CASE("fib", BENCHMARK("fib 5", "32.5", "29.5", "34.25"), "true"))};
  for (int i = 0; i < 2; i++) {
    assay_result *r = import_text("catch2", documents[i]);
    const assay_metric_result *m = metric(r, "fib", "fib 5", "time");
    assert_values(m, ASSAY_REPLICATE_RUN, 1, 32.5);
    assert_string_equal(m->unit, "ns");
    assert_near(m->stats.mean, 32.5, 0);
    assert_near(m->stats.stddev, 3.5, 0);
    assert_near(m->stats.ci_low, 29.5, 0);
    assert_near(m->stats.ci_high, 34.25, 0);
    assert_int_equal(m->stats.samples, 50);
    assert_fact(r, "import.program", "bench");
    assert_int_equal(fact(r, "import.benchmarks.fib/fib_5.iterations")->integer, 1362);
    assert_near(fact(r, "import.benchmarks.fib/fib_5.clockResolution")->real, 36.0413, 1e-9);
    if (i == 1) assert_fact(r, "import.tool_version", "3.4.0");
    assay_result_destroy(r);
  }
}

static void sections_are_part_of_the_name(void **state) {
  (void)state;
  assay_result *r =
      import_text("catch2", V2(CASE("fib &amp; more",
                                    "<Section name=\"large\" filename=\"t.cpp\" line=\"9\">\n<Section name=\"&lt;odd>\">" BENCHMARK(
                                        "a", "2", "1", "3") "</Section></Section>" BENCHMARK("a", "5", "4", "6"),
                                    "true")));
  assert_near(metric(r, "fib & more", "large/<odd>/a", "time")->value, 2, 0);
  assert_near(metric(r, "fib & more", "a", "time")->value, 5, 0);
  assert_string_equal(benchmark(r, "fib & more", "large/<odd>/a")->base_name, "a");
  assay_result_destroy(r);
}

static void failures_are_told(void **state) {
  (void)state;
  assay_result *r = import_text(
      "catch2",
      V2(CASE("throwing",
              "<BenchmarkResults name=\"t\"><failed message=\"no &quot;memory&quot;\"/></BenchmarkResults>" BENCHMARK("b", "2", "1", "3"),
              "true") CASE("wrong",
                           BENCHMARK("c", "2", "1", "3") "<Expression success=\"false\" type=\"CHECK\" filename=\"t.cpp\" "
                                                         "line=\"12\"><Original>1 == 2</Original></Expression>",
                           "false")));
  assert_int_equal(benchmark(r, "throwing", "t")->status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(benchmark(r, "throwing", "t")->reason, "no \"memory\"");
  assert_int_equal(benchmark(r, "throwing", "b")->status, ASSAY_OUTCOME_OK);
  bool said = false;
  for (size_t i = 0; i < r->run.suite_count; i++)
    said |= strcmp(r->run.suites[i].name, "wrong") == 0 && r->run.suites[i].status == ASSAY_OUTCOME_FAILED &&
            strcmp(r->run.suites[i].reason, "a check failed at t.cpp:12") == 0;
  assert_true(said);
  assert_int_equal(r->run.suite_count, 2);
  assay_result_destroy(r);
}

static void mistakes_name_line_and_column(void **state) {
  (void)state;
  const char *f = "catch2";
  assert_says(refused(f, V2(CASE("a", BENCHMARK("b", "fast", "1", "2"), "true"))),
              "file:7: column 1: <mean value=\"fast\">: expected a number");
  assert_says(refused(f, V2(CASE("a", BENCHMARK("b", "nan", "1", "2"), "true"))), "file:7: column 1: <mean value=\"nan\">");
  assert_says(refused(f, V2(CASE("a", BENCHMARK("b", "2", "3", "1"), "true"))), "lowerBound is above upperBound");
  assert_says(refused(f, V2(CASE("a", BENCHMARK("b", "-2", "3", "4"), "true"))), "below zero");
  assert_says(refused(f, V2(CASE("a", "<BenchmarkResults name=\"x\"><mean value=\"1\"/></BenchmarkResults>", "true"))),
              "has no attribute \"lowerBound\"");
  assert_says(refused(f, V2(BENCHMARK("b", "2", "1", "3"))), "outside of a <TestCase>");
  assert_says(refused(f, "<Catch name=\"x\">\n<TestCase name=\"a\">\n<BenchmarkRes"), "file:3: column");
  assert_says(refused(f, "<Catch name=\"x\">\n<TestCase name=\"a\">\n"), "cut off");
  assert_says(refused(f, "<Catch name=\"x\"><A></B></Catch>"), "file:1: column");
  assert_says(refused(f, "<Catch name=\"x\xff\"></Catch>"), "file:1: column");
  assert_says(refused(f, "<testsuites></testsuites>"), "neither <Catch> nor");
  assert_says(refused(f, V2(CASE("a", "", "true"))), "there is no benchmark in it");
  assert_says(refused(f, ""), "file");
}

static void entities_and_depth_are_refused(void **state) {
  (void)state;
  assert_says(
      refused(
          "catch2",
          "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>\n<Catch name=\"&b;\"/>"),
      "file:2: column 13: a document type");
  assert_says(refused("catch2", "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">\n<Catch name=\"x\"/>"), "file:1: column 40: a document type");
  assay_buf deep = {0};
  assay_buf_puts(&deep, "<Catch name=\"x\">");
  for (int i = 0; i < 100000; i++) assay_buf_puts(&deep, "<Section name=\"x\">");
  assert_says(refused("catch2", deep.data), "more than 100 elements inside each other");
  assay_buf_deinit(&deep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_are_figures_of_a_run),
      cmocka_unit_test(sections_are_part_of_the_name),
      cmocka_unit_test(failures_are_told),
      cmocka_unit_test(mistakes_name_line_and_column),
      cmocka_unit_test(entities_and_depth_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
