/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <math.h>

#define DOCUMENT(rows)                                                                                                     \
  "{\"machine_info\": {\"node\": \"desk\", \"machine\": \"x86_64\", \"python_version\": \"3.12.1\", \"release\": \"6.1\"," \
  " \"cpu\": {\"brand_raw\": \"Fast 9000\", \"count\": 16}},\n"                                                            \
  "\"commit_info\": {\"id\": \"0123456789abcdef0123456789abcdef01234567\", \"dirty\": true, \"branch\": \"main\"},\n"      \
  "\"benchmarks\": [\n" rows "\n], \"datetime\": \"2026-02-03T04:05:06.789+00:00\", \"version\": \"5.1.0\"}"
#define OPTIONS "\"options\": {\"disable_gc\": false, \"timer\": \"perf_counter\", \"min_rounds\": 5}, "
#define ROW(name, params, more, stats)                                                                               \
  "{\"group\": \"math\", \"name\": \"" name "\", \"fullname\": \"tests/test_sum.py::" name "\", \"params\": " params \
  ", \"param\": null, " more OPTIONS "\"stats\": {" stats "}}"
#define STATS "\"min\": 1e-6, \"max\": 4e-6, \"mean\": 2.5e-6, \"stddev\": 0.5e-6, \"rounds\": 4, \"median\": 2e-6, \"iterations\": 10"

static void rounds_are_repetitions_of_one_process(void **state) {
  (void)state;
  assay_result *r = import_text("pytest-benchmark", DOCUMENT(ROW("test_sum[8-fast]", "{\"n\": 8, \"how\": \"fast\"}",
                                                                 "\"extra_info\": {\"peak_mb\": 1.5, \"note\": \"warm\"}, ",
                                                                 STATS ", \"data\": [1e-6, 2e-6, 2e-6, 4e-6]")));
  const char *suite = "tests/test_sum.py", *name = "test_sum/n=8/how=fast";
  const assay_metric_result *time = metric(r, suite, name, "time");
  assert_values(time, ASSAY_REPLICATE_REPETITION, 4, 1000.0, 2000.0, 2000.0, 4000.0);
  assert_near(time->value, 2000, 0);
  assert_string_equal(benchmark(r, suite, name)->base_name, "test_sum");
  assert_string_equal(benchmark(r, suite, name)->params[1].value, "fast");
  const assay_metric_result *peak = metric(r, suite, name, "peak");
  assert_near(peak->value, 1.5e6, 0);
  assert_int_equal(peak->kind, ASSAY_KIND_MEMORY);
  assert_fact(r, "import.benchmarks.tests/test_sum.py/test_sum/n=8/how=fast.extra_info.note", "warm");
  assert_fact(r, "import.benchmarks.tests/test_sum.py/test_sum/n=8/how=fast.group", "math");
  assert_fact(r, "import.options.timer", "perf_counter");
  assert_string_equal(r->run.commit, "0123456789abcdef0123456789abcdef01234567");
  assert_says(fact(r, "import.warning.0")->text, "not in the commit");
  assert_string_equal(r->machine_label, "desk, Fast 9000, x86_64");
  assert_int_equal(r->run.started_at_s, 1770091506);
  assert_int_equal(fact(r, "import.machine_info.cpu.count")->integer, 16);
  assert_int_equal(r->run.processes, 1);
  assay_result_destroy(r);
}

static void statistics_alone_are_a_run(void **state) {
  (void)state;
  assay_result *r = import_text("pytest-benchmark", DOCUMENT(ROW("test_sum", "null", "\"extra_info\": {}, ", STATS)));
  const assay_metric_result *m = metric(r, "tests/test_sum.py", "test_sum", "time");
  assert_values(m, ASSAY_REPLICATE_RUN, 1, 2000.0);
  assert_near(m->stats.mean, 2500, 1e-9);
  assert_near(m->stats.stddev, 500, 1e-9);
  assert_near(m->stats.max, 4000, 1e-9);
  assert_int_equal(m->stats.samples, 4);
  assert_true(isnan(m->ci_low));
  assay_result_destroy(r);
}

static void parameters_that_have_no_text_leave_the_name(void **state) {
  (void)state;
  assay_result *r = import_text("pytest-benchmark", DOCUMENT(ROW("test_sum[f0]", "{\"f\": \"UNSERIALIZABLE[<function f at 0x7f>]\"}", "",
                                                                 STATS) ",\n" ROW("test_sum[f1]", "{\"f\": [1, 2]}", "", STATS)));
  assert_string_equal(benchmark(r, "tests/test_sum.py", "test_sum[f0]")->base_name, "test_sum");
  assert_string_equal(benchmark(r, "tests/test_sum.py", "test_sum[f1]")->params[0].value, "[1,2]");
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "pytest-benchmark";
  assert_says(refused(f, DOCUMENT(ROW("a", "null", "", STATS ", \"data\": [1e-6, NaN]"))),
              "benchmarks[0].stats.data[1]: expected a number, found NaN");
  assert_says(refused(f, DOCUMENT(ROW("a", "null", "", STATS ", \"data\": [1e-6, -1]"))),
              "benchmarks[0].stats.data[1]: time is below zero");
  assert_says(refused(f, DOCUMENT(ROW("a", "null", "", STATS ", \"data\": 3"))), "benchmarks[0].stats.data: expected an array");
  assert_says(refused(f, DOCUMENT(ROW("a", "null", "", "\"rounds\": 1"))), "benchmarks[0].stats.mean: expected a number, found nothing");
  assert_says(refused(f, DOCUMENT(ROW("a", "[1]", "", STATS))), "benchmarks[0].params: expected an object, found an array");
  assert_says(refused(f, DOCUMENT(ROW("a", "null", "", STATS) "," ROW("a", "null", "", STATS))),
              "benchmarks[1]: the benchmark \"a\" of tests/test_sum.py is there already, at benchmarks[0]");
  assert_says(refused(f, DOCUMENT("")), "no benchmark");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rounds_are_repetitions_of_one_process),
      cmocka_unit_test(statistics_alone_are_a_run),
      cmocka_unit_test(parameters_that_have_no_text_leave_the_name),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
