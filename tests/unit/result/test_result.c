/* SPDX-License-Identifier: MIT */
#include <assay/result.h>

#include <math.h>

#include "made_result.h"
#include "os/prim.h"
#include "test.h"

static char *json_of(const assay_result *result) {
  assay_error err = {0};
  char *json = NULL;
  assert_ok(assay_result_to_json(result, &err, &json), err);
  return json;
}

static void json_is_the_golden_one(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *made = test_made_result();
  char *json = json_of(made), *golden = NULL;
  size_t length = 0;
  if (getenv("ASSAY_GOLDEN_UPDATE") != NULL)
    assert_ok(assay_os_write_file(test_source_path("golden/result.json"), json, strlen(json), &err), err);
  assert_ok(assay_os_read_file(test_source_path("golden/result.json"), 1 << 20, &err, &golden, &length), err);
  assert_string_equal(json, golden);
  assay_string_free(json);
  assay_string_free(golden);
  assay_result_destroy(made);
}

static void a_result_survives_the_round_trip_bit_by_bit(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *made = test_made_result(), *back = NULL;
  char *json = json_of(made), *again = NULL;
  assert_ok(assay_result_from_json(json, strlen(json), &err, &back), err);
  again = json_of(back);
  assert_string_equal(again, json);

  assert_true(back->run.seed == UINT64_C(0xfedcba9876543210));
  const assay_benchmark_result *sum = assay_result_find(back, "performance", "sum/n=1000/type=f32");
  assert_non_null(sum);
  assert_string_equal(sum->params[1].value, "f32");
  assert_true(sum->metrics[0].ceiling_share == 62.5 / 100.125);
  assert_true(isnan(sum->metrics[0].stats.p999) && isnan(sum->covariates.pressure_us));
  const assay_benchmark_result *order = assay_result_find(back, "trading", "order");
  assert_true(order->metrics[0].processes[2] == 1 / 3.0 * 2600);
  assert_int_equal(order->service.count, 5);
  assert_string_equal(back->facts[0].text, "Größe™ CPU\t@ 2.0");
  assert_int_equal(back->facts[2].type, ASSAY_FACT_REAL);
  assert_false(back->ceilings[2].available);
  assert_int_equal(back->complexities[0].fit.order, ASSAY_O_N_LOG_N);
  assert_null(assay_result_find(back, "performance", "nothing"));

  assay_string_free(json);
  assay_string_free(again);
  assay_result_destroy(made);
  assay_result_destroy(back);
}

static void doubles_of_every_size_survive(void **state) {
  (void)state;
  assay_error err = {0};
  const double values[] = {0.1,  1e-320, 5e-324, 1.7976931348623157e308, 123456789012345678.0, 9007199254740993.0, -0.0,
                           1e15, 1e22,   1.0 / 3};
  enum { COUNT = sizeof values / sizeof *values };
  assay_result *made = test_empty_result("0123456789abcdef", 1), *back = NULL;
  test_add_made_benchmark(made, "s", "b", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values, COUNT);
  made->benchmarks[0].metrics[0].value = 1;
  char *json = json_of(made), *again = NULL;
  assert_ok(assay_result_from_json(json, strlen(json), &err, &back), err);
  for (size_t i = 0; i < COUNT; i++) assert_true(back->benchmarks[0].metrics[0].processes[i] == values[i]);
  again = json_of(back);
  assert_string_equal(again, json);
  assay_string_free(json);
  assay_string_free(again);
  assay_result_destroy(made);
  assay_result_destroy(back);
}

static void adding_a_benchmark_again_replaces_it(void **state) {
  (void)state;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  const double few[] = {1, 2}, more[] = {1, 2, 3};
  test_add_made_benchmark(r, "s", "a", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, few, 2);
  for (int i = 0; i < 40; i++) {
    char name[16];
    snprintf(name, sizeof name, "b%d", i);
    test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, few, 2);
  }
  test_add_made_benchmark(r, "other", "a", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, few, 2);
  test_add_made_benchmark(r, "s", "a", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, more, 3);
  assert_int_equal(r->benchmark_count, 42);
  assert_int_equal(assay_result_find(r, "s", "a")->metrics[0].process_count, 3);
  assert_int_equal(assay_result_find(r, "other", "a")->metrics[0].process_count, 2);
  assay_result_destroy(r);
}

static void exit_code_is_one_when_anything_was_missed(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  const double times[] = {1, 2};
  test_add_made_benchmark(r, "s", "a", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, times, 2);
  assert_ok(assay_result_add_suite(r, "ai", ASSAY_OUTCOME_UNSUPPORTED, "not built yet", &err), err);
  assert_int_equal(assay_result_exit_code(r), 0);
  r->benchmarks[0].status = ASSAY_OUTCOME_FAILED;
  assert_int_equal(assay_result_exit_code(r), 1);
  r->benchmarks[0].status = ASSAY_OUTCOME_SKIPPED;
  assert_int_equal(assay_result_exit_code(r), 0);
  assay_sla_result missed = {.name = "x", .benchmark = "s/*", .metric = "time", .unit = "ns", .status = ASSAY_SLA_MISSED};
  assert_ok(assay_result_add_sla(r, &missed, &err), err);
  assert_int_equal(assay_result_exit_code(r), 1);
  r->slas[0].status = ASSAY_SLA_INCONCLUSIVE;
  assert_int_equal(assay_result_exit_code(r), ASSAY_EXIT_INCONCLUSIVE);
  r->slas[0].status = ASSAY_SLA_NOT_APPLICABLE;
  assert_int_equal(assay_result_exit_code(r), 0);
  assay_check row = {.suite = "hardware", .name = "c", .status = ASSAY_CHECK_FAIL};
  assay_check_list list = {.items = &row, .count = 1};
  assert_ok(assay_result_add_checks(r, &list, &err), err);
  assert_int_equal(assay_result_exit_code(r), 1);
  assay_result_destroy(r);
}

/* The golden document with the first `from` replaced by `to` must be refused with a message that holds `message`. */
static void refused(const char *golden, const char *from, const char *to, assay_status status, const char *message) {
  const char *at = strstr(golden, from);
  assert_non_null(at);
  size_t before = (size_t)(at - golden), length = strlen(golden) - strlen(from) + strlen(to);
  char *broken = malloc(length + 1);
  snprintf(broken, length + 1, "%.*s%s%s", (int)before, golden, to, at + strlen(from));
  assay_error err = {0};
  assay_result *result = (void *)1;
  assay_status got = assay_result_from_json(broken, length, &err, &result);
  if (got != status || strstr(err.message, message) == NULL)
    print_error("%s -> %s: %s: %s\n", from, to, assay_status_text(got), err.message);
  assert_int_equal(got, status);
  assert_non_null(strstr(err.message, message));
  assert_true(result == (void *)1); /* untouched */
  free(broken);
}

static void broken_documents_are_refused_with_the_place(void **state) {
  (void)state;
  assay_result *made = test_made_result();
  char *json = json_of(made);
  refused(json, "assay-result/1", "assay-result/2", ASSAY_ERR_VERSION, "upgrade Assay");
  refused(json, "assay-result/1", "assay-machine/1", ASSAY_ERR_PARSE, "not a result of Assay");
  refused(json, "\"run\":", "\"walk\":", ASSAY_ERR_PARSE, "run: expected an object, found nothing");
  refused(json, "0123456789abcdef", "0123456789ABCDEF", ASSAY_ERR_PARSE, "run.id: expected 16 hexadecimal digits");
  refused(json, "\"processes\": 3", "\"processes\": -3", ASSAY_ERR_PARSE, "run.processes: expected a whole number");
  refused(json, "\"quick\": true", "\"quick\": 1", ASSAY_ERR_PARSE, "run.quick: expected true or false, found an integer");
  refused(json, "\"status\": \"unsupported\"", "\"status\": \"absent\"", ASSAY_ERR_PARSE, "run.suites[1].status: expected one of \"ok\"");
  refused(json, "\"value\": 100.125", "\"value\": \"100.125\"", ASSAY_ERR_PARSE,
          "benchmarks[0].metrics[0].value: expected a number, found a string");
  refused(json, "101.5, 99.25", "101.5, null", ASSAY_ERR_PARSE, "benchmarks[0].metrics[0].processes[1]: expected a number, found null");
  refused(json, "\"kind\": \"time\"", "\"kind\": \"speed\"", ASSAY_ERR_PARSE, "\"error_rate\"");
  refused(json, "\"order\": \"O(n log n)\"", "\"order\": \"O(n!)\"", ASSAY_ERR_PARSE, "complexities[0].order");
  refused(json, "[0, 0.5, 0.9, 0.99, 1]", "[0, 0.5, 0.9, 0.99]", ASSAY_ERR_PARSE, "as many values as quantiles");
  refused(json, "[0, 0.5, 0.9, 0.99, 1]", "[0, 0.5, 0.9, 0.99, 2]", ASSAY_ERR_PARSE, "numbers from 0 to 1");
  refused(json, "\"suite\": \"trading\",\n      \"base_name\": \"order\"", "\"suite\": 5,\n      \"base_name\": \"order\"", ASSAY_ERR_PARSE,
          "benchmarks[1].suite");
  refused(json, "\"name\": \"efficiency\",\n      \"suite\"", "\"name\": \"bad \\\"quoted\\\" <name>/n=1\",\n      \"suite\"",
          ASSAY_ERR_PARSE, "is there twice");
  refused(json, "\"name\": \"nightly\"", "\"name\": \"nightly\", \"name\": \"x\"", ASSAY_ERR_PARSE, "duplicate");
  refused(json, "\"value\": 100.125", "\"value\": -5", ASSAY_ERR_PARSE,
          "benchmarks[0].metrics[0].value: expected no negative number, found -5");
  refused(json, "[101.5, 99.25, 100.125]", "[]", ASSAY_ERR_PARSE, "benchmarks[0].metrics[0].processes: expected at least one value");
  refused(json, "101.5, 99.25", "101.5, -99.25", ASSAY_ERR_PARSE, "benchmarks[0].metrics[0].processes: expected no negative number");
  refused(json, "[0, 0.5, 0.9, 0.99, 1]", "[0, 0.9, 0.5, 0.99, 1]", ASSAY_ERR_PARSE, "quantiles: expected an ascending order");
  refused(json, "\"priority\": 2", "\"priority\": 4", ASSAY_ERR_PARSE, "recommendations[0].priority");
  refused(json, "\"priority\": 2", "\"priority\": 2,", ASSAY_ERR_PARSE, "line ");
  assay_string_free(json);
  assay_result_destroy(made);
}

static void unknown_keys_are_let_be(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *made = test_made_result(), *back = NULL;
  char *json = json_of(made), *wider = malloc(strlen(json) + 64);
  sprintf(wider, "{\"later\": {\"a\": [1]},%s", json + 1);
  assert_ok(assay_result_from_json(wider, strlen(wider), &err, &back), err);
  char *again = json_of(back);
  assert_string_equal(again, json);
  free(wider);
  assay_string_free(json);
  assay_string_free(again);
  assay_result_destroy(made);
  assay_result_destroy(back);
}

static void a_file_that_cannot_be_read_is_named(void **state) {
  (void)state;
  char path[4096];
  snprintf(path, sizeof path, "%s/torn.json", test_temp_dir());
  assay_error err = {0};
  assay_result *result = NULL;
  assert_int_equal(assay_result_read(path, &err, &result), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "torn.json"));
  assay_error_clear(&err);
  assert_ok(assay_os_write_file(path, "{\"schema\":", 10, &err), err);
  assert_int_equal(assay_result_read(path, &err, &result), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "torn.json: not valid JSON at line 1"));
  assert_null(result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_is_the_golden_one),
      cmocka_unit_test(a_result_survives_the_round_trip_bit_by_bit),
      cmocka_unit_test(doubles_of_every_size_survive),
      cmocka_unit_test(adding_a_benchmark_again_replaces_it),
      cmocka_unit_test(exit_code_is_one_when_anything_was_missed),
      cmocka_unit_test(broken_documents_are_refused_with_the_place),
      cmocka_unit_test(unknown_keys_are_let_be),
      cmocka_unit_test(a_file_that_cannot_be_read_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
