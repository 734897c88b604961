/* SPDX-License-Identifier: MIT */
/* What is exported and imported again has the same process values: over made-up runs of every size of figure. */
#include <math.h>

#include <assay/import.h>
#include <assay/report.h>

#include "base/random.h"
#include "made_result.h"
#include "os/prim.h"
#include "test.h"

enum { BENCHMARKS = 12, MOST_PROCESSES = 9 };

static assay_result *made_up(uint64_t seed, double values[BENCHMARKS][MOST_PROCESSES], size_t counts[BENCHMARKS]) {
  assay_random random;
  assay_random_init(&random, seed);
  assay_result *r = test_empty_result("0123456789abcdef", 1763688000);
  r->run.command = "assay run";
  for (size_t i = 0; i < BENCHMARKS; i++) {
    char name[32];
    snprintf(name, sizeof name, "bench_%zu", i);
    counts[i] = 1 + assay_random_below(&random, MOST_PROCESSES);
    double scale = pow(10, -3 + 15 * assay_random_unit(&random)); /* a picosecond to a quarter of an hour */
    for (size_t p = 0; p < counts[i]; p++) values[i][p] = scale * (1 + 0.2 * assay_random_unit(&random));
    test_add_made_benchmark(r, "made", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values[i], counts[i]);
  }
  return r;
}

static void there_and_back(assay_format format) {
  const char *path = NULL;
  char file[4096];
  for (uint64_t seed = 1; seed <= 8; seed++) {
    double values[BENCHMARKS][MOST_PROCESSES];
    size_t counts[BENCHMARKS];
    assay_error err = {0};
    assay_result *before = made_up(seed, values, counts), *after = NULL;
    snprintf(file, sizeof file, "%s/%s", test_temp_dir(), assay_format_extension(format));
    path = file;
    assert_ok(assay_report_write(before, NULL, format, path, &err), err);
    assert_string_equal(assay_import_recognise(path, &err), assay_format_text(format));
    assert_ok(assay_import(&path, 1, NULL, &err, &after), err);
    assert_int_equal(after->benchmark_count, BENCHMARKS);
    for (size_t i = 0; i < BENCHMARKS; i++) {
      const assay_metric_result *time = assay_benchmark_metric(&after->benchmarks[i], "time");
      assert_non_null(time);
      assert_string_equal(time->unit, "ns");
      assert_int_equal(time->process_count, counts[i]);
      assert_int_equal(time->replicate, ASSAY_REPLICATE_PROCESS);
      assert_null(assay_benchmark_metric(&after->benchmarks[i], "cpu_time")); /* there was none */
      for (size_t p = 0; p < counts[i]; p++) assert_near(time->processes[p] / values[i][p], 1, 4e-16);
    }
    assay_result_destroy(before);
    assay_result_destroy(after);
  }
}

static void google_benchmark_there_and_back(void **state) {
  (void)state;
  there_and_back(ASSAY_FORMAT_GOOGLE_BENCHMARK);
}

static void pytest_benchmark_there_and_back(void **state) {
  (void)state;
  there_and_back(ASSAY_FORMAT_PYTEST_BENCHMARK);
}

static void hyperfine_there_and_back(void **state) {
  (void)state;
  there_and_back(ASSAY_FORMAT_HYPERFINE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(google_benchmark_there_and_back), cmocka_unit_test(pytest_benchmark_there_and_back),
                                     cmocka_unit_test(hyperfine_there_and_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
