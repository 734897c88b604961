/* SPDX-License-Identifier: MIT */
#include "imports.h"

#define COMMON                                                                                                               \
  "\"metadata\": {\"hostname\": \"desk\", \"cpu_model_name\": \"Fast 9000\", \"cpu_count\": 4, \"perf_version\": \"2.6.0\"," \
  " \"python_version\": \"3.12.1\", \"platform\": \"Linux\", \"unit\": \"second\"}, \"version\": \"1.0\""
#define RUN(date, values)                                                                                      \
  "{\"metadata\": {\"date\": \"" date "\", \"duration\": 0.5, \"mem_max_rss\": 1048576}, \"values\": [" values \
  "], \"warmups\": [[8, "                                                                                      \
  "0.5]]}"
#define CALIBRATION "{\"metadata\": {\"calibrate_loops\": 8, \"duration\": 1.0}, \"warmups\": [[1, 0.25], [8, 0.5]]}"

static void every_run_is_a_process_and_its_values_are_samples(void **state) {
  (void)state;
  assay_result *r = import_text("pyperf", "{\"benchmarks\": [{\"metadata\": {\"name\": \"telco\", \"loops\": 8}, \"runs\": [" CALIBRATION
                                          ", " RUN("2026-01-02 03:04:05.678", "0.5, 0.25, 0.375") ", " RUN(
                                              "2026-01-02 03:04:07.000", "0.75, 0.5, 0.625") "]}], " COMMON "}");
  const assay_metric_result *time = metric(r, "pyperf", "telco", "time");
  assert_values(time, ASSAY_REPLICATE_PROCESS, 2, 0.375e9, 0.625e9);
  assert_near(time->value, 0.5e9, 0);
  assert_int_equal(time->sample_counts[0], 3);
  assert_near(time->samples[5], 0.625e9, 0);
  assert_int_equal(time->stats.samples, 6);
  assert_near(time->stats.min, 0.25e9, 0);
  assert_values(metric(r, "pyperf", "telco", "peak_rss"), ASSAY_REPLICATE_PROCESS, 2, 1048576.0, 1048576.0);
  assert_string_equal(r->machine_label, "desk, Fast 9000");
  assert_int_equal(r->run.started_at_s, 1767323045);
  assert_near(r->run.duration_s, 2, 0);
  assert_fact(r, "import.metadata.python_version", "3.12.1");
  assert_int_equal(fact(r, "import.benchmarks.pyperf/telco.loops")->integer, 8);
  assert_fact(r, "import.left_out.0", "1 runs that only calibrated the number of loops");
  assert_fact(r, "import.left_out.1", "4 warm-up values");
  assay_result_destroy(r);
}

static void units_and_several_benchmarks(void **state) {
  (void)state;
  assay_result *r =
      import_text("pyperf",
                  "{\"version\": \"1.0\", \"benchmarks\": ["
                  "{\"metadata\": {\"name\": \"peak\", \"unit\": \"byte\"}, \"runs\": [{\"values\": [2048]}, {\"values\": [4096]}]},"
                  "{\"metadata\": {\"name\": \"steps\", \"unit\": \"integer\"}, \"runs\": [{\"values\": [3, 5, 4]}]}]}");
  assert_values(metric(r, "pyperf", "peak", "memory"), ASSAY_REPLICATE_PROCESS, 2, 2048.0, 4096.0);
  assert_values(metric(r, "pyperf", "steps", "value"), ASSAY_REPLICATE_REPETITION, 3, 3.0, 5.0, 4.0);
  assert_null(r->machine_id);
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "pyperf";
  assert_says(refused(f, "{\"benchmarks\": [{\"runs\": [{\"values\": [1]}, {\"values\": [1, Infinity]}]}]}"),
              "benchmarks[0].runs[1].values[1]: expected a number, found Infinity");
  assert_says(refused(f, "{\"benchmarks\": [{\"metadata\": {\"unit\": \"parsec\"}, \"runs\": [{\"values\": [1]}]}]}"), "unit");
  assert_says(refused(f, "{\"benchmarks\": [{\"runs\": [7]}]}"), "benchmarks[0].runs[0]: expected an object, found an integer");
  assert_says(refused(f, "{\"benchmarks\": [{}]}"), "benchmarks[0].runs: expected an array, found nothing");
  assert_says(refused(f, "{\"benchmarks\": [{\"runs\": []}, {\"runs\": []}]}"), "benchmarks[1]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_run_is_a_process_and_its_values_are_samples),
      cmocka_unit_test(units_and_several_benchmarks),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
