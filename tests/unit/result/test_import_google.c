/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#define CONTEXT                                                                                                          \
  "{\"context\": {\"date\": \"2026-03-01T12:00:00+01:00\", \"host_name\": \"box\", \"executable\": \"./out/bench_sum\"," \
  " \"num_cpus\": 8, \"mhz_per_cpu\": 3000, \"cpu_scaling_enabled\": true,"                                              \
  " \"caches\": [{\"type\": \"Data\", \"level\": 1, \"size\": 32768, \"num_sharing\": 2}],"                              \
  " \"load_avg\": [0.5, 0.25, 0.125], \"library_version\": \"1.9.1\", \"library_build_type\": \"debug\"},\n"
#define ROW(name, index, real, more)                                                                                                    \
  "{\"name\": \"" name "\", \"run_name\": \"" name "\", \"run_type\": \"iteration\", \"repetitions\": 3, \"repetition_index\": " #index \
  ", \"threads\": 1, \"iterations\": 100, \"real_time\": " #real ", \"cpu_time\": 1.5, \"time_unit\": \"us\"" more "}"
#define AGGREGATE(name, aggregate, unit, real, more)                                                                   \
  "{\"name\": \"" name "_" aggregate "\", \"run_name\": \"" name                                                       \
  "\", \"run_type\": \"aggregate\", \"repetitions\": 3, \"threads\": 1,"                                               \
  " \"aggregate_name\": \"" aggregate "\", \"aggregate_unit\": \"" unit "\", \"iterations\": 3, \"real_time\": " #real \
  ", \"cpu_time\": 1.25, \"time_unit\": \"us\"" more "}"
#define DOCUMENT(rows) CONTEXT "\"benchmarks\": [\n" rows "\n]}"

static void repetitions_of_one_process_are_told_apart_from_processes(void **state) {
  (void)state;
  assay_result *r = import_text(
      "google-benchmark",
      DOCUMENT(ROW("sum/n:64/8/threads:2", 0, 2.0, ", \"bytes_per_second\": 4e9, \"hit_rate\": 0.5, \"label\": \"fast\"") ",\n" ROW(
          "sum/n:64/8/threads:2", 1, 4.0,
          ", \"bytes_per_second\": 2e9, \"hit_rate\": 0.25") ",\n" ROW("sum/n:64/8/threads:2", 2, 3.0,
                                                                       ", \"bytes_per_second\": 3e9, \"hit_rate\": "
                                                                       "0.75") ",\n" AGGREGATE("sum/n:64/8/threads:2", "mean", "time", 3.0,
                                                                                               "")));
  const char *name = "sum/n=64/8/threads=2";
  const assay_metric_result *time = metric(r, "bench_sum", name, "time");
  assert_ptr_equal(time, &benchmark(r, "bench_sum", name)->metrics[0]);
  assert_values(time, ASSAY_REPLICATE_REPETITION, 3, 2000.0, 4000.0, 3000.0);
  assert_string_equal(time->unit, "ns");
  assert_near(time->value, 3000, 0);
  assert_true(isnan(time->ci_low) && isfinite(time->stats.ci_low)); /* nothing is known of the next process */
  assert_int_equal(time->stats.processes, 1);
  assert_values(metric(r, "bench_sum", name, "cpu_time"), ASSAY_REPLICATE_REPETITION, 3, 1500.0, 1500.0, 1500.0);
  const assay_metric_result *bytes = metric(r, "bench_sum", name, "bytes_per_second");
  assert_near(bytes->value, 3e9, 0);
  assert_int_equal(bytes->better, ASSAY_HIGHER);
  assert_int_equal(metric(r, "bench_sum", name, "hit_rate")->better, ASSAY_HIGHER);
  const assay_benchmark_result *b = benchmark(r, "bench_sum", name);
  assert_string_equal(b->base_name, "sum");
  assert_int_equal(b->param_count, 3);
  assert_string_equal(b->params[0].name, "n");
  assert_string_equal(b->params[0].value, "64");
  assert_string_equal(b->params[1].name, "arg");
  assert_string_equal(b->params[2].name, "threads");
  assert_fact(r, "import.benchmarks.bench_sum/sum/n=64/8/threads=2.label", "fast");
  assert_fact(r, "import.left_out.0", "1 rows of aggregates: the repetitions they were made of are here");
  assay_result_destroy(r);
}

static void the_context_becomes_facts_and_a_machine(void **state) {
  (void)state;
  assay_result *r = import_text("google-benchmark", DOCUMENT(ROW("sum", 0, 2.0, "")));
  assert_string_equal(r->run.source, "google-benchmark");
  assert_int_equal(r->run.started_at_s, 1772362800);
  assert_string_equal(r->machine_label, "box, 8 CPUs");
  assert_int_equal(strlen(r->machine_id), 16);
  assert_fact(r, "import.host_name", "box");
  assert_fact(r, "import.tool_version", "1.9.1");
  assert_int_equal(fact(r, "import.cpu_mhz")->integer, 3000);
  assert_int_equal(fact(r, "import.caches.0.size")->integer, 32768);
  assert_near(fact(r, "import.load_avg.2")->real, 0.125, 0);
  assert_says(fact(r, "import.warning.0")->text, "built for debugging");
  assert_says(fact(r, "import.warning.1")->text, "frequency");
  assert_values(metric(r, "bench_sum", "sum", "time"), ASSAY_REPLICATE_PROCESS, 1, 2000.0);
  assert_int_equal(r->run.processes, 1);
  assert_string_equal(r->run.suites[0].name, "bench_sum");
  assay_result_destroy(r);
}

static void several_files_are_processes(void **state) {
  (void)state;
  char paths[2][512];
  const char *texts[] = {DOCUMENT(ROW("sum", 0, 2.0, "") "," ROW("sum", 1, 3.0, "") "," ROW("sum", 2, 4.0, "")),
                         DOCUMENT(ROW("sum", 0, 7.0, ""))};
  for (int i = 0; i < 2; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/google-%d.json", test_temp_dir(), i);
    FILE *file = fopen(paths[i], "w");
    assert_non_null(file);
    fputs(texts[i], file);
    fclose(file);
  }
  assay_error err = {0};
  assay_result *r = NULL, *again = NULL;
  const char *names[] = {paths[0], paths[1]};
  assert_string_equal(assay_import_recognise(paths[0], &err), "google-benchmark");
  assert_ok(assay_import(names, 2, NULL, &err, &r), err);
  const assay_metric_result *m = metric(r, "bench_sum", "sum", "time");
  assert_values(m, ASSAY_REPLICATE_PROCESS, 2, 3000.0, 7000.0);
  assert_int_equal(m->sample_counts[0], 3);
  assert_int_equal(m->sample_counts[1], 1);
  assert_near(m->samples[2], 4000, 0);
  assert_near(m->samples[3], 7000, 0);
  assert_int_equal(m->stats.samples, 4);
  assert_true(isfinite(m->ci_low));
  assert_round_trip(r);
  assert_ok(assay_import(names, 2, NULL, &err, &again), err);
  assert_string_equal(r->run.id, again->run.id); /* the same files are the same run */
  assay_result_destroy(r);
  assay_result_destroy(again);
}

static void aggregates_alone_are_a_run(void **state) {
  (void)state;
  assay_result *r = import_text("google-benchmark",
                                DOCUMENT(AGGREGATE("sum", "mean", "time", 3.5, ", \"ops\": 5") ",\n" AGGREGATE(
                                    "sum", "median", "time", 3.0,
                                    ", \"ops\": 4") ",\n" AGGREGATE("sum", "stddev", "time", 0.5,
                                                                    ", \"ops\": 1") ",\n" AGGREGATE("sum", "cv", "percentage", 0.1, "")));
  const assay_metric_result *m = metric(r, "bench_sum", "sum", "time");
  assert_values(m, ASSAY_REPLICATE_RUN, 1, 3000.0);
  assert_near(m->stats.mean, 3500, 0);
  assert_near(m->stats.stddev, 500, 0);
  assert_int_equal(m->stats.samples, 3);
  assert_true(isnan(m->ci_low) && isnan(m->stats.min));
  assert_near(metric(r, "bench_sum", "sum", "ops")->value, 4, 0);
  assay_result_destroy(r);
}

static void errors_skips_and_fits_are_told(void **state) {
  (void)state;
  assay_result *r = import_text(
      "google-benchmark",
      DOCUMENT(ROW("broken", 0, 0.0, ", \"error_occurred\": true, \"error_message\": \"no such file\"") "," ROW(
          "left", 0, 0.0,
          ", \"skipped\": true, \"skip_message\": \"not here\"") "," ROW("odd", 0, 1.0,
                                                                         ", \"ratio\": NaN, \"most\": -Infinity") ","
                                                                                                                  "{\"name\": "
                                                                                                                  "\"odd_BigO\", "
                                                                                                                  "\"run_name\": \"odd\", "
                                                                                                                  "\"run_type\": "
                                                                                                                  "\"aggregate\", "
                                                                                                                  "\"aggregate_name\": "
                                                                                                                  "\"BigO\","
                                                                                                                  " \"cpu_coefficient\": "
                                                                                                                  "1, "
                                                                                                                  "\"real_coefficient\": "
                                                                                                                  "2, \"big_o\": \"N\", "
                                                                                                                  "\"time_unit\": \"ns\"},"
                                                                                                                  "{\"name\": \"odd_RMS\", "
                                                                                                                  "\"run_name\": \"odd\", "
                                                                                                                  "\"run_type\": "
                                                                                                                  "\"aggregate\", "
                                                                                                                  "\"aggregate_name\": "
                                                                                                                  "\"RMS\", \"rms\": "
                                                                                                                  "0.01}"));
  assert_int_equal(benchmark(r, "bench_sum", "broken")->status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(benchmark(r, "bench_sum", "broken")->reason, "no such file");
  assert_int_equal(benchmark(r, "bench_sum", "left")->status, ASSAY_OUTCOME_SKIPPED);
  assert_int_equal(benchmark(r, "bench_sum", "odd")->metric_count, 2);
  assert_says(fact(r, "import.left_out.0")->text, "2 rows of fitted complexity");
  assay_result_destroy(r);
}

static void rows_of_old_versions_have_no_types(void **state) {
  (void)state;
  assay_result *r = import_text("google-benchmark",
                                "{\"context\": {\"num_cpus\": 2}, \"benchmarks\": ["
                                "{\"name\": \"a\", \"iterations\": 5, \"real_time\": 10, \"cpu_time\": 9, \"time_unit\": \"ms\"},"
                                "{\"name\": \"a\", \"iterations\": 5, \"real_time\": 12, \"cpu_time\": 9, \"time_unit\": \"ms\"},"
                                "{\"name\": \"a_mean\", \"iterations\": 5, \"real_time\": 11, \"cpu_time\": 9, \"time_unit\": \"ms\"}]}");
  assert_int_equal(r->benchmark_count, 1);
  assert_values(metric(r, "google-benchmark", "a", "time"), ASSAY_REPLICATE_REPETITION, 2, 10e6, 12e6);
  assay_result_destroy(r);
}

static void mistakes_name_file_and_place(void **state) {
  (void)state;
  const char *f = "google-benchmark";
  assert_says(refused(f, DOCUMENT(ROW("a", 0, "fast", ""))), "file: benchmarks[0].real_time: expected a number, found the string \"fast\"");
  assert_says(refused(f, DOCUMENT(ROW("a", 0, NaN, ""))), "file: benchmarks[0].real_time: expected a number, found NaN");
  assert_says(refused(f, DOCUMENT(ROW("a", 0, null, ""))), "found null");
  assert_says(refused(f, DOCUMENT(ROW("a", 0, 1.0, "") "," ROW("a", 0, 2.0, ""))),
              "benchmarks[1].name: \"a\" is there twice: also in benchmarks[0]");
  assert_says(refused(f, DOCUMENT(ROW("a", 0, -1.0, ""))), "below zero");
  assert_says(refused(f, DOCUMENT(ROW("a", 0, 1e308, ""))), "not a finite number");
  assert_says(refused(f, DOCUMENT("3")), "benchmarks[0]: expected an object, found an integer");
  assert_says(refused(f, "{\"context\": {}, \"benchmarks\": []}"), "there is no benchmark in it");
  assert_says(refused(f, "{\"context\": {}}"), "benchmarks: expected an array, found nothing");
  assert_says(refused(f, "[]"), "benchmarks: expected an array");
  assert_says(refused(f, DOCUMENT("{\"name\": \"a\", \"name\": \"b\"}")), "file:3:20: not valid JSON: duplicate object key");
  assert_says(refused(f, CONTEXT "\"benchmarks\": [\n" ROW("a", 0, 1.0, "") ",\n"), "file:4:");
  assert_says(refused(f, "{\"benchmarks\": [NaN, Infinity, -Infinity, oops]}"), "file:1:46");
  assert_says(refused(f, "{\"benchmarks\": [\"\xff\"]}"), "file:1:");
  assert_says(refused(NULL, "hello"), "looks like none of the formats");
  assert_says(refused(NULL, ""), "file is empty");
}

static void limits_are_kept(void **state) {
  (void)state;
  char path[512], *deep = malloc(100001);
  snprintf(path, sizeof path, "%s/large.json", test_temp_dir());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(DOCUMENT(ROW("sum", 0, 2.0, "")), file);
  fclose(file);
  const char *paths[] = {path};
  assay_error err = {0};
  assay_result *r = NULL;
  setenv("ASSAY_IMPORT_LIMIT", "100", 1);
  assert_int_equal(assay_import(paths, 1, NULL, &err, &r), ASSAY_ERR_LIMIT);
  assert_says(err.message, "large.json is larger than 100 bytes");
  unsetenv("ASSAY_IMPORT_LIMIT");
  memset(deep, '[', 100000);
  deep[100000] = '\0';
  assert_says(refused("google-benchmark", deep), "depth");
  free(deep);
  err = (assay_error){0};
  paths[0] = "no/such/file.json";
  assert_int_equal(assay_import(paths, 1, NULL, &err, &r), ASSAY_ERR_NOT_FOUND);
  assert_null(assay_import_recognise("-", &err));
  err = (assay_error){0};
  paths[0] = path;
  assert_int_equal(assay_import(paths, 1, "google-bench", &err, &r), ASSAY_ERR_INVALID);
  assert_says(err.message, "did you mean \"google-benchmark\"?");
  assert_null(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(repetitions_of_one_process_are_told_apart_from_processes),
      cmocka_unit_test(the_context_becomes_facts_and_a_machine),
      cmocka_unit_test(several_files_are_processes),
      cmocka_unit_test(aggregates_alone_are_a_run),
      cmocka_unit_test(errors_skips_and_fits_are_told),
      cmocka_unit_test(rows_of_old_versions_have_no_types),
      cmocka_unit_test(mistakes_name_file_and_place),
      cmocka_unit_test(limits_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
