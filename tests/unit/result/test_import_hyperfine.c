/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <math.h>

static void every_run_is_a_process(void **state) {
  (void)state;
  assay_result *r = import_text("hyperfine",
                                "{\"results\": [{\"command\": \"work 2\", \"mean\": 0.5, \"stddev\": 0.1, \"median\": 0.5, \"user\": 0.25,"
                                " \"system\": 0.125, \"min\": 0.4, \"max\": 0.6, \"times\": [0.4, 0.6, 0.5],"
                                " \"memory_usage_byte\": [1000, 3000, 2000], \"exit_codes\": [0, 0, 0], \"parameters\": {\"n\": \"2\"}}]}");
  const char *name = "work 2/n=2";
  assert_values(metric(r, "hyperfine", name, "time"), ASSAY_REPLICATE_PROCESS, 3, 0.4e9, 0.6e9, 0.5e9);
  assert_true(isfinite(metric(r, "hyperfine", name, "time")->ci_low));
  assert_values(metric(r, "hyperfine", name, "peak_rss"), ASSAY_REPLICATE_PROCESS, 3, 1000.0, 3000.0, 2000.0);
  const assay_metric_result *cpu = metric(r, "hyperfine", name, "cpu_time");
  assert_values(cpu, ASSAY_REPLICATE_RUN, 1, 0.375e9);
  assert_int_equal(cpu->stats.samples, 3);
  assert_string_equal(benchmark(r, "hyperfine", name)->base_name, "work 2");
  assert_int_equal(benchmark(r, "hyperfine", name)->status, ASSAY_OUTCOME_OK);
  assert_int_equal(r->run.processes, 3);
  assert_null(r->machine_id);
  assay_result_destroy(r);
}

static void failed_runs_fail_the_benchmark_and_keep_its_figures(void **state) {
  (void)state;
  assay_result *r =
      import_text("hyperfine",
                  "{\"results\": [{\"command\": \"a\", \"mean\": 1, \"stddev\": null, \"median\": 1, \"user\": 0, \"system\": 0,"
                  " \"min\": 1, \"max\": 1, \"times\": [1, 2], \"exit_codes\": [0, 3]},"
                  "{\"command\": \"b\", \"mean\": 1, \"user\": 0, \"system\": 0, \"times\": [1], \"exit_codes\": [null]},"
                  "{\"command\": \"c\", \"mean\": 1.5, \"stddev\": 0.5, \"median\": 1, \"user\": 0, \"system\": 0, \"min\": 1,"
                  " \"max\": 2}]}");
  const assay_benchmark_result *a = benchmark(r, "hyperfine", "a");
  assert_int_equal(a->status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(a->reason, "1 of 2 runs failed: the first ended with exit code 3");
  assert_int_equal(a->metrics[0].process_count, 2);
  assert_string_equal(benchmark(r, "hyperfine", "b")->reason, "1 of 1 runs failed: the first was ended by a signal");
  const assay_metric_result *c = metric(r, "hyperfine", "c", "time");
  assert_values(c, ASSAY_REPLICATE_RUN, 1, 1e9);
  assert_near(c->stats.stddev, 0.5e9, 0);
  assay_result_destroy(r);
}

#define QUANTITY(name, value, unit) "\"" name "\": {\"value\": " #value ", \"unit\": \"" unit "\"}, "
#define RUN(wall, rss, code)                                                           \
  "{" QUANTITY("time_wall_clock", wall, "second") QUANTITY("time_user", 0.5, "second") \
      QUANTITY("memory_peak_resident", rss, "byte") "\"instructions\": {\"value\": 1000}, \"exit_code\": " #code "}"

static void the_second_version_has_every_quantity_of_every_run(void **state) {
  (void)state;
  assay_result *r =
      import_text("hyperfine",
                  "{\"schema_version\": 2, \"metadata\": {\"hyperfine_version\": \"2.0.0\", \"start_time\": \"2026-10-07T20:00:00Z\","
                  " \"platform\": {\"os\": \"Linux\", \"architecture\": \"x86_64\"}}, \"primary_metric\": \"instructions\","
                  " \"results\": [{\"command\": \"work 4\", \"name\": \"work\", \"measurements\": [" RUN(1.0, 100, 0) ", " RUN(
                      3.0, 300, 0) "], \"parameters\": {\"n\": {\"value\": \"4\"}}, \"summary\": {}}]}");
  const char *name = "work/n=4";
  assert_string_equal(benchmark(r, "hyperfine", name)->metrics[0].name, "instructions");
  assert_values(metric(r, "hyperfine", name, "time"), ASSAY_REPLICATE_PROCESS, 2, 1e9, 3e9);
  assert_values(metric(r, "hyperfine", name, "time_user"), ASSAY_REPLICATE_PROCESS, 2, 0.5e9, 0.5e9);
  assert_values(metric(r, "hyperfine", name, "peak_rss"), ASSAY_REPLICATE_PROCESS, 2, 100.0, 300.0);
  assert_string_equal(benchmark(r, "hyperfine", name)->params[0].value, "4");
  assert_fact(r, "import.tool_version", "2.0.0");
  assert_fact(r, "import.platform.os", "Linux");
  assert_int_equal(r->run.started_at_s, 1791403200);
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "hyperfine";
  assert_says(refused(f, "{\"results\": [{\"command\": \"a\", \"times\": [1, \"x\"]}]}"), "results[0].times[1]: expected a number");
  assert_says(refused(f, "{\"results\": [{\"command\": \"a\", \"times\": {}}]}"), "results[0].times: expected an array");
  assert_says(refused(f, "{\"results\": [{\"times\": [1]}]}"), "results[0].command: expected a string, found nothing");
  assert_says(refused(f, "{\"results\": [{\"command\": \"a\", \"times\": [1]}, {\"command\": \"a\", \"times\": [1]}]}"), "at results[0]");
  assert_says(refused(f, "{\"results\": [{\"command\": \"a\", \"measurements\": [{\"time_wall_clock\": {\"value\": \"1\"}}]}]}"),
              "results[0].measurements[0].time_wall_clock.value: expected a number or null");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_run_is_a_process),
      cmocka_unit_test(failed_runs_fail_the_benchmark_and_keep_its_figures),
      cmocka_unit_test(the_second_version_has_every_quantity_of_every_run),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
