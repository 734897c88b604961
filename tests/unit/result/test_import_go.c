/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#define HEADER "goos: linux\ngoarch: amd64\npkg: example.com/sums\ncpu: Some CPU @ 2.00GHz\n"
#define END "PASS\nok  \texample.com/sums\t1.500s\n"

static void counts_of_one_process_are_repetitions(void **state) {
  (void)state;
  assay_result *r = import_text(
      "go", HEADER
      "BenchmarkSum/size=10/kind=int-8         \t     100\t        36.50 ns/op\t2182.81 MB/s\t        10.00 items/op\t       "
      "16 B/op\t       2 allocs/op\n"
      "BenchmarkSum/size=10/kind=int-8         \t     100\t        26.50 ns/op\t2969.56 MB/s\t        10.00 items/op\t       "
      "16 B/op\t       2 allocs/op\n"
      "BenchmarkLog-8                          \t     200\t       174.7 ns/op\t         3.500 p99-us/op\t 7e+06 rows/s\t -2 latency\n" END);
  const char *suite = "example.com/sums", *name = "BenchmarkSum/size=10/kind=int-8";
  const assay_benchmark_result *b = benchmark(r, suite, name);
  assert_string_equal(b->base_name, "BenchmarkSum");
  assert_int_equal(b->param_count, 3);
  assert_string_equal(b->params[0].name, "size");
  assert_string_equal(b->params[0].value, "10");
  assert_string_equal(b->params[1].value, "int");
  assert_string_equal(b->params[2].name, "gomaxprocs");
  assert_string_equal(b->params[2].value, "8");
  assert_values(metric(r, suite, name, "time"), ASSAY_REPLICATE_REPETITION, 2, 36.5, 26.5);
  assert_string_equal(b->metrics[0].name, "time");
  assert_values(metric(r, suite, name, "bytes_per_second"), ASSAY_REPLICATE_REPETITION, 2, 2182.81e6, 2969.56e6);
  assert_values(metric(r, suite, name, "allocated_bytes"), ASSAY_REPLICATE_REPETITION, 2, 16.0, 16.0);
  assert_values(metric(r, suite, name, "allocations"), ASSAY_REPLICATE_REPETITION, 2, 2.0, 2.0);
  assert_string_equal(metric(r, suite, name, "items/op")->unit, "items/op");
  const assay_metric_result *p99 = metric(r, suite, "BenchmarkLog-8", "p99-us/op"), *rows = metric(r, suite, "BenchmarkLog-8", "rows/s");
  assert_string_equal(p99->unit, "ns");
  assert_near(p99->value, 3500, 1e-9);
  assert_int_equal(p99->better, ASSAY_LOWER);
  assert_int_equal(rows->better, ASSAY_HIGHER);
  assert_near(rows->value, 7e6, 0);
  assert_near(metric(r, suite, "BenchmarkLog-8", "counter.latency")->value, -2, 0);
  assert_fact(r, "import.goos", "linux");
  assert_fact(r, "import.cpu", "Some CPU @ 2.00GHz");
  assert_int_equal(fact(r, "import.benchmarks.example.com/sums/BenchmarkLog-8.iterations")->integer, 200);
  assert_near(r->run.duration_s, 1.5, 1e-9);
  assert_string_equal(r->run.suites[0].name, suite);
  assert_int_equal(r->run.suites[0].status, ASSAY_OUTCOME_OK);
  assert_int_equal(r->run.suite_count, 1);
  assay_result_destroy(r);
}

static void blocks_are_invocations_and_so_processes(void **state) {
  (void)state;
  assay_result *r = import_text("go", HEADER "BenchmarkA-2 10 5 ns/op\nBenchmarkA-2 10 7 ns/op\n" END HEADER "BenchmarkA-2 10 8 ns/op\n" END
                                             "goos: linux\ngoarch: amd64\npkg: example.com/other\n"
                                             "BenchmarkA-2 10 1 ns/op\nPASS\nok  \texample.com/other\t0.1s\n");
  const assay_metric_result *m = metric(r, "example.com/sums", "BenchmarkA-2", "time");
  assert_values(m, ASSAY_REPLICATE_PROCESS, 2, 6.0, 8.0);
  assert_int_equal(m->sample_counts[0], 2);
  assert_near(m->samples[1], 7, 0);
  assert_values(metric(r, "example.com/other", "BenchmarkA-2", "time"), ASSAY_REPLICATE_PROCESS, 1, 1.0);
  assay_result_destroy(r);
}

static void several_files_are_processes(void **state) {
  (void)state;
  char paths[2][512];
  const char *names[] = {paths[0], paths[1]};
  for (int i = 0; i < 2; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/go-%d.txt", test_temp_dir(), i);
    FILE *file = fopen(paths[i], "w");
    assert_non_null(file);
    fprintf(file, HEADER "BenchmarkA-2 10 %d ns/op\r\n" END, 5 + i);
    fclose(file);
  }
  assay_error err = {0};
  assay_result *r = NULL;
  assert_ok(assay_import(names, 2, NULL, &err, &r), err);
  assert_values(metric(r, "example.com/sums", "BenchmarkA-2", "time"), ASSAY_REPLICATE_PROCESS, 2, 5.0, 6.0);
  assay_result_destroy(r);
}

static void gomaxprocs_is_no_part_of_a_size(void **state) {
  (void)state;
  /* -cpu 1: no number is GOMAXPROCS. */
  assay_result *r = import_text("go", HEADER "BenchmarkA 10 5 ns/op\nBenchmarkB/n-10 10 7 ns/op\n" END);
  assert_int_equal(benchmark(r, "example.com/sums", "BenchmarkB/n-10")->param_count, 0);
  assert_string_equal(benchmark(r, "example.com/sums", "BenchmarkB/n-10")->base_name, "BenchmarkB/n-10");
  assay_result_destroy(r);
  /* -cpu 1,4 */
  r = import_text("go", HEADER "BenchmarkB/n-10 10 7 ns/op\nBenchmarkB/n-10-4 10 3 ns/op\n" END);
  assert_int_equal(benchmark(r, "example.com/sums", "BenchmarkB/n-10")->param_count, 0);
  const assay_benchmark_result *four = benchmark(r, "example.com/sums", "BenchmarkB/n-10-4");
  assert_string_equal(four->params[0].value, "4");
  assert_string_equal(four->base_name, "BenchmarkB/n-10");
  assay_result_destroy(r);
}

static void output_between_name_and_figures_is_passed_over(void **state) {
  (void)state;
  assay_result *r = import_text("go", HEADER
                                "BenchmarkPrint\nBenchmarkPrint-2      \tnoise: 7 of 9\nBenchmarking now\nwarning: slow\n"
                                "     100\t       120.5 ns/op\nBenchmarkPrint-2  \tnoise\n     100\t 130 ns/op\n" END);
  assert_values(metric(r, "example.com/sums", "BenchmarkPrint-2", "time"), ASSAY_REPLICATE_REPETITION, 2, 120.5, 130.0);
  assert_null(fact(r, "import.warning"));
  assay_result_destroy(r);
}

static void failures_keep_their_reason(void **state) {
  (void)state;
  assay_result *r =
      import_text("go", HEADER
                  "BenchmarkGood-2 10 5 ns/op\n--- FAIL: BenchmarkBad\n    sums_test.go:33: it broke\n    sums_test.go:34: badly\n"
                  "--- SKIP: BenchmarkLater\n    sums_test.go:40: no data\nFAIL\nexit status 1\nFAIL\texample.com/sums\t0.026s\n"
                  "# example.com/broken\nFAIL\texample.com/broken [build failed]\n?   \texample.com/none\t[no test files]\n");
  const assay_benchmark_result *bad = benchmark(r, "example.com/sums", "BenchmarkBad-2"),
                               *later = benchmark(r, "example.com/sums", "BenchmarkLater-2");
  assert_int_equal(bad->status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(bad->reason, "sums_test.go:33: it broke; sums_test.go:34: badly");
  assert_int_equal(later->status, ASSAY_OUTCOME_SKIPPED);
  assert_string_equal(later->reason, "sums_test.go:40: no data");
  assert_int_equal(benchmark(r, "example.com/sums", "BenchmarkGood-2")->status, ASSAY_OUTCOME_OK);
  assert_int_equal(r->run.suite_count, 3);
  assert_int_equal(r->run.suites[0].status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(r->run.suites[1].reason, "build failed");
  assert_int_equal(r->run.suites[2].status, ASSAY_OUTCOME_SKIPPED);
  assert_int_equal(assay_result_exit_code(r), ASSAY_EXIT_MISSED);
  assay_result_destroy(r);
}

static void what_a_benchmark_logs_is_no_reason_of_the_next(void **state) {
  (void)state;
  assay_result *r = import_text("go", HEADER
                                "BenchmarkLog-2 10 5 ns/op\n--- BENCH: BenchmarkLog-2\n    sums_test.go:29: hello\n"
                                "--- FAIL: BenchmarkBad\n    sums_test.go:33: it broke\nFAIL\nFAIL\texample.com/sums\t0.026s\n");
  assert_string_equal(benchmark(r, "example.com/sums", "BenchmarkBad-2")->reason, "sums_test.go:33: it broke");
  assay_result_destroy(r);
}

static void a_panic_fails_the_benchmark_that_its_trace_names(void **state) {
  (void)state;
  assay_result *r =
      import_text("go", HEADER
                  "BenchmarkGood-2 10 5 ns/op\npanic: oops\n\ngoroutine 19 [running]:\nexample.com/sums.BenchmarkBad(0xc0000e4240?)\n"
                  "\t/src/p_test.go:3 +0x27\nexit status 2\nFAIL\texample.com/sums\t0.005s\n");
  assert_string_equal(benchmark(r, "example.com/sums", "BenchmarkBad-2")->reason, "panic: oops");
  assert_string_equal(r->run.suites[0].reason, "panic: oops");
  assay_result_destroy(r);
}

static void unit_lines_and_configuration_count(void **state) {
  (void)state;
  assay_result *r = import_text("go", "commit: abc123\ndate: 2026-03-01T11:00:00Z\ntoolchain: old\n" HEADER
                                      "Unit insns/op better=lower assume=exact\nUnit score better=higher\n"
                                      "BenchmarkA-2 10 500 insns/op 3 score\nPASS\ntoolchain: new\nBenchmarkA-2 10 400 insns/op 4 score\n");
  const assay_metric_result *m = metric(r, "example.com/sums", "BenchmarkA-2/toolchain=old", "insns/op");
  assert_values(m, ASSAY_REPLICATE_EXACT, 1, 500.0);
  assert_int_equal(metric(r, "example.com/sums", "BenchmarkA-2/toolchain=new", "score")->better, ASSAY_HIGHER);
  assert_string_equal(r->run.commit, "abc123");
  assert_int_equal(r->run.started_at_s, 1772362800);
  assay_result_destroy(r);
}

#define EVENT(output) \
  "{\"Time\":\"2026-11-21T06:36:10.2Z\",\"Action\":\"output\",\"Package\":\"example.com/sums\",\"Output\":\"" output "\"}\n"
#define OTHER(output) "{\"Action\":\"output\",\"Package\":\"example.com/other\",\"Output\":\"" output "\"}\n"

static void events_are_put_together(void **state) {
  (void)state;
  assay_result *r = import_text(
      "go",
      "{\"Time\":\"2026-11-21T06:36:10Z\",\"Action\":\"start\",\"Package\":\"example.com/sums\"}\n" EVENT("goos: linux\\n")
          EVENT("pkg: example.com/sums\\n") EVENT("BenchmarkA\\n") OTHER("pkg: example.com/other\\n") EVENT("BenchmarkA-2 \\t")
              OTHER("BenchmarkB-2 \\t") "# stray line of the go command\n" EVENT("     100\\t   14.5 ns/op\\t 3 B/op\\n") OTHER(
                  "  7\\t 9 ns/op\\n") EVENT("BenchmarkBad\\n") EVENT("    sums_test.go:33: it broke\\n") EVENT("--- FAIL: BenchmarkBad\\n")
                  EVENT("FAIL\\n") EVENT("FAIL\\texample.com/sums\\t0.007s\\n") OTHER("PASS\\n") OTHER(
                      "ok  \\texample.com/other\\t0.1s\\n") "{\"Action\":\"fail\",\"Package\":\"example.com/sums\",\"Elapsed\":0.007}\n");
  assert_values(metric(r, "example.com/sums", "BenchmarkA-2", "time"), ASSAY_REPLICATE_PROCESS, 1, 14.5);
  assert_values(metric(r, "example.com/other", "BenchmarkB-2", "time"), ASSAY_REPLICATE_PROCESS, 1, 9.0);
  assert_string_equal(benchmark(r, "example.com/sums", "BenchmarkBad-2")->reason, "sums_test.go:33: it broke");
  assay_result_destroy(r);
  assert_says(refused("go", EVENT("pkg: x\\n") EVENT("BenchmarkA-2 \\t") EVENT("  5\\t seven ns/op\\n")),
              "file:3: in the output: expected a number");
  assert_says(refused("go", EVENT("pkg: x\\n") "{\"Action\":\"outp"), "file:2: column");
  assert_says(refused("go", EVENT("pkg: x\\n") "{\"Action\":5}\n"), "file:2: no event");
  assert_says(refused("go", EVENT("pkg: x\\n") EVENT("BenchmarkA-2 \\t")), "cut off");
}

static void mistakes_name_line_and_column(void **state) {
  (void)state;
  assert_says(refused("go", HEADER "BenchmarkA-2 10 NaN ns/op\n"), "file:5: column 17: expected a number");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 +Inf ns/op\n"), "file:5: column 17");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 0x10 ns/op\n"), "file:5: column 17");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 5 ns/op 7\n"), "file:5: column 25: a figure without its unit");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 5 ns/op\nBenchmarkA-2 10"), "file:6: column 16: a result without figures");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 5 ns/op\nBenchmarkA-2 10 5 ns/o"), "file:6: ends in the middle of the unit");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 5 ns/op\nBenchmarkB-2"), "file:6: the file ends before the figures of BenchmarkB-2");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 -5 ns/op\n"), "below zero");
  assert_says(refused("go", HEADER "BenchmarkA-2 10 5 ns/op \xff\xfe\n"), "file:5: column 25: bytes that are not UTF-8");
  assert_says(refused("go", "\xff\xfeg"), "UTF-16");
  assert_says(refused("go", HEADER "PASS\nok  \texample.com/sums\t0.1s\n"), "there is no benchmark in it");
  assert_says(refused("go", "hello\n"), "is it what \"go test -bench .\" printed?");
}

static void a_count_that_no_integer_holds_stays_a_number(void **state) {
  (void)state;
  assay_result *r = import_text("go", "goos: linux\nBenchmarkA-2 99999999999999999999999 12 ns/op\n");
  bool found = false;
  for (size_t i = 0; i < r->fact_count; i++) {
    if (strstr(r->facts[i].key, ".iterations") == NULL) continue;
    found = true;
    assert_int_equal(r->facts[i].type, ASSAY_FACT_REAL);
    assert_true(r->facts[i].real > 9e22);
  }
  assert_true(found);
  assay_result_destroy(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_count_that_no_integer_holds_stays_a_number),
      cmocka_unit_test(counts_of_one_process_are_repetitions),
      cmocka_unit_test(blocks_are_invocations_and_so_processes),
      cmocka_unit_test(several_files_are_processes),
      cmocka_unit_test(gomaxprocs_is_no_part_of_a_size),
      cmocka_unit_test(output_between_name_and_figures_is_passed_over),
      cmocka_unit_test(failures_keep_their_reason),
      cmocka_unit_test(what_a_benchmark_logs_is_no_reason_of_the_next),
      cmocka_unit_test(a_panic_fails_the_benchmark_that_its_trace_names),
      cmocka_unit_test(unit_lines_and_configuration_count),
      cmocka_unit_test(events_are_put_together),
      cmocka_unit_test(mistakes_name_line_and_column),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
