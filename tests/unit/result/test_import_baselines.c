/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <math.h>

#include "made_result.h"

static void names_say_units_and_direction(void **state) {
  (void)state;
  assay_result *r = import_text(
      "baselines",
      "{\"version\": \"0.2.0\", \"timestamp\": \"2026-01-15T10:30:00Z\", \"benchmarks\": {"
      " \"build\": {\"small_ms\": 85.5, \"peak_mb\": 2.5, \"cold_seconds\": 2},"
      " \"run\": {\"ops_per_sec\": 1200, \"efficiency_pj_per_mac\": 0.5, \"drift_deg_c\": -0.25, \"accuracy\": 0.98, \"error_percent\": 2,"
      " \"copy_gb_per_sec\": 3}},"
      " \"environment\": {\"cpu\": \"Fast 9000\", \"memory_gb\": 64, \"os\": \"Linux\"}}");
  static const struct {
    const char *suite, *name, *metric, *unit;
    double value;
    assay_better better;
  } rows[] = {
      {"build", "small_ms", "time", "ns", 85.5e6, ASSAY_LOWER},
      {"build", "peak_mb", "memory", "B", 2.5e6, ASSAY_LOWER},
      {"build", "cold_seconds", "time", "ns", 2e9, ASSAY_LOWER},
      {"run", "ops_per_sec", "items_per_second", "items/s", 1200, ASSAY_HIGHER},
      {"run", "efficiency_pj_per_mac", "energy", "J", 0.5e-12, ASSAY_LOWER},
      {"run", "drift_deg_c", "value",
       "\xc2\xb0"
       "C",
       -0.25, ASSAY_LOWER},
      {"run", "accuracy", "accuracy", "ratio", 0.98, ASSAY_HIGHER},
      {"run", "error_percent", "error_rate", "ratio", 0.02, ASSAY_LOWER},
      {"run", "copy_gb_per_sec", "bytes_per_second", "B/s", 3e9, ASSAY_HIGHER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const assay_metric_result *m = metric(r, rows[i].suite, rows[i].name, rows[i].metric);
    assert_string_equal(m->unit, rows[i].unit);
    assert_values(m, ASSAY_REPLICATE_RUN, 1, rows[i].value);
    assert_int_equal(m->better, rows[i].better);
    assert_true(isnan(m->ci_low));
  }
  assert_int_equal(r->run.started_at_s, 1768473000);
  assert_string_equal(r->machine_label, "Fast 9000");
  assert_int_equal(fact(r, "import.environment.memory_gb")->integer, 64);
  assay_result_destroy(r);
}

static void a_flat_object_is_enough(void **state) {
  (void)state;
  assay_result *r = import_text("baselines", "{\"sum_us\": 3, \"copy_us\": 4.5}");
  assert_near(metric(r, "baselines", "copy_us", "time")->value, 4500, 0);
  assert_int_equal(r->benchmark_count, 2);
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  assert_says(refused("baselines", "{\"benchmarks\": {\"a\": {\"b_ms\": \"fast\"}}}"), "file: benchmarks.a.b_ms: expected a number");
  assert_says(refused("baselines", "{\"benchmarks\": {\"a\": {\"b_ms\": -1}}}"), "below zero");
  assert_says(refused("baselines", "{\"benchmarks\": {\"a\": {\"b_ms\": NaN}}}"), "found NaN");
  assert_says(refused("baselines", "{\"timestamp\": \"soon\", \"benchmarks\": {\"a\": 1}}"), "timestamp: \"soon\" is no time");
  assert_says(refused(NULL, "{\"name\": \"left-pad\", \"version\": \"1.0\"}"), "none of the formats");
  assert_says(refused(NULL, "[1, 2, 3]"), "none of the formats");
}

/* ---- Assay's own ------------------------------------------------------------------------------------------------------------------- */

static char *written(const assay_result *result, const char *path) {
  assay_error err = {0};
  char *json = NULL;
  assert_ok(assay_result_to_json(result, &err, &json), err);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(json, file);
  fclose(file);
  return json;
}

static void own_results_come_back_as_they_were_and_several_are_put_together(void **state) {
  (void)state;
  const double first[] = {100, 102, 101}, second[] = {110, 111};
  char paths[2][512];
  assay_error err = {0};
  assay_result *a = test_empty_result("00000000000000aa", 5), *b = test_empty_result("00000000000000bb", 9), *r = NULL;
  test_add_made_benchmark(a, "s", "sum", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, first, 3);
  test_add_made_benchmark(b, "s", "sum", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, second, 2);
  for (int i = 0; i < 2; i++) snprintf(paths[i], sizeof paths[i], "%s/own-%d.json", test_temp_dir(), i);
  char *json_a = written(a, paths[0]), *json_b = written(b, paths[1]), *again = NULL;
  const char *names[] = {paths[0], paths[1]};
  assert_ok(assay_import(names, 1, NULL, &err, &r), err);
  assert_ok(assay_result_to_json(r, &err, &again), err);
  assert_string_equal(again, json_a);
  assay_result_destroy(r);
  assert_ok(assay_import(names, 2, NULL, &err, &r), err);
  assert_values(metric(r, "s", "sum", "time"), ASSAY_REPLICATE_PROCESS, 5, 100.0, 102.0, 101.0, 110.0, 111.0);
  assert_round_trip(r);
  assay_string_free(json_a);
  assay_string_free(json_b);
  assay_string_free(again);
  assay_result_destroy(a);
  assay_result_destroy(b);
  assay_result_destroy(r);
}

/* ---- Several machines -------------------------------------------------------------------------------------------------------------- */

#define ON(cpu) "{\"benchmarks\": {\"a\": {\"b_ms\": 1}}, \"environment\": {\"cpu\": \"" cpu "\"}}"

static void machines_are_told_apart_by_what_the_file_says(void **state) {
  (void)state;
  assay_result *a = import_text("baselines", ON("one")), *b = import_text("baselines", ON("two")), *c = import_text("baselines", ON("one"));
  assert_string_not_equal(a->machine_id, b->machine_id);
  assert_string_equal(a->machine_id, c->machine_id);
  assay_result_destroy(a);
  assay_result_destroy(b);
  assay_result_destroy(c);
}

static void times_of_day(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t at_s;
  } good[] = {{"1970-01-01T00:00:00Z", 0},
              {"2000-02-29T12:00:00Z", 951825600},
              {"2026-03-01T12:00:00+01:00", 1772362800},
              {"2026-03-01 12:00:00.25", 1772366400},
              {"20260301T120000-0130", 1772371800},
              {"2026-03-01", 1772323200}};
  int64_t at_s = 0;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(assay_import_parse_time(good[i].text, &at_s));
    assert_int_equal(at_s, good[i].at_s);
  }
  static const char *const bad[] = {"", "today", "2026-13-01T00:00:00Z", "2026-03-01T12", "2026-03-01T12:00:00Zulu", "99"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(assay_import_parse_time(bad[i], &at_s));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_say_units_and_direction),
      cmocka_unit_test(a_flat_object_is_enough),
      cmocka_unit_test(mistakes_name_the_place),
      cmocka_unit_test(own_results_come_back_as_they_were_and_several_are_put_together),
      cmocka_unit_test(machines_are_told_apart_by_what_the_file_says),
      cmocka_unit_test(times_of_day),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
