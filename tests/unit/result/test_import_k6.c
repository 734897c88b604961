/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#define TREND "{\"avg\": 2.5, \"min\": 1, \"med\": 2, \"max\": 9, \"p(90)\": 4, \"p(95)\": 5, \"p(99.9)\": 8.5, \"count\": 40}"
#define DATA                                                                                                                             \
  "{\"root_group\": {\"name\": \"\", \"path\": \"\", \"id\": \"d4\", \"groups\": [{\"name\": \"login\", \"path\": \"::login\", \"id\": " \
  "\"x\","                                                                                                                               \
  " \"groups\": [], \"checks\": [{\"name\": \"status is 200\", \"path\": \"::login::status is 200\", \"id\": \"a\", \"passes\": 95, "    \
  "\"fails\": 5}]}],"                                                                                                                    \
  " \"checks\": [{\"name\": \"fast\", \"path\": \"::fast\", \"id\": \"b\", \"passes\": 9, \"fails\": 0}]},\n"                            \
  "\"options\": {\"summaryTrendStats\": [\"avg\", \"med\"], \"summaryTimeUnit\": \"\", \"noColor\": false},\n"                           \
  "\"state\": {\"isStdOutTTY\": false, \"isStdErrTTY\": false, \"testRunDurationMs\": 1500},\n\"metrics\": {\n"                          \
  "\"http_req_duration\": {\"type\": \"trend\", \"contains\": \"time\", \"values\": " TREND                                              \
  ", \"thresholds\": {\"p(95)<4\": {\"ok\": false}}},\n"                                                                                 \
  "\"http_req_duration{status:200,method:GET}\": {\"type\": \"trend\", \"contains\": \"time\", \"values\": " TREND                       \
  "},\n"                                                                                                                                 \
  "\"queue\": {\"type\": \"trend\", \"contains\": \"default\", \"values\": {\"avg\": 3, \"med\": 2.5}},\n"                               \
  "\"http_req_failed\": {\"type\": \"rate\", \"contains\": \"default\", \"values\": {\"rate\": 0.25, \"passes\": 5, \"fails\": 15}},\n"  \
  "\"checks\": {\"type\": \"rate\", \"contains\": \"default\", \"values\": {\"rate\": 0.95, \"passes\": 104, \"fails\": 5}},\n"          \
  "\"quality\": {\"type\": \"rate\", \"contains\": \"default\", \"values\": {\"rate\": 0.9, \"passes\": 9, \"fails\": 1}, "              \
  "\"thresholds\": {\"rate>0.8\": {\"ok\": true}}},\n"                                                                                   \
  "\"http_reqs\": {\"type\": \"counter\", \"contains\": \"default\", \"values\": {\"count\": 300, \"rate\": 200}},\n"                    \
  "\"dropped_iterations\": {\"type\": \"counter\", \"contains\": \"default\", \"values\": {\"count\": 3, \"rate\": 2}},\n"               \
  "\"data_received\": {\"type\": \"counter\", \"contains\": \"data\", \"values\": {\"count\": 3000, \"rate\": 2000}},\n"                 \
  "\"heap\": {\"type\": \"gauge\", \"contains\": \"data\", \"values\": {\"value\": 64, \"min\": 1, \"max\": 80}},\n"                     \
  "\"vus\": {\"type\": \"gauge\", \"contains\": \"default\", \"values\": {\"value\": 1, \"min\": 1, \"max\": 12}}\n}}"

static void trends_become_latencies(void **state) {
  (void)state;
  assay_result *r = import_text("k6", DATA);
  const assay_metric_result *m = metric(r, "k6", "http_req_duration", "latency");
  assert_values(m, ASSAY_REPLICATE_RUN, 1, 2e6);
  assert_string_equal(m->unit, "ns");
  assert_int_equal(m->kind, ASSAY_KIND_LATENCY);
  assert_near(m->stats.mean, 2.5e6, 0);
  assert_near(m->stats.max, 9e6, 0);
  assert_near(m->stats.p95, 5e6, 0);
  assert_int_equal(m->stats.samples, 40);
  assert_near(metric(r, "k6", "http_req_duration", "latency_p95")->value, 5e6, 0);
  assert_near(metric(r, "k6", "http_req_duration", "latency_p999")->value, 8.5e6, 0);
  assert_near(metric(r, "k6", "http_req_duration", "latency_mean")->value, 2.5e6, 0);
  const assay_benchmark_result *tagged = benchmark(r, "k6", "http_req_duration{status:200,method:GET}");
  assert_string_equal(tagged->base_name, "http_req_duration");
  assert_int_equal(tagged->param_count, 2);
  assert_string_equal(tagged->params[1].name, "method");
  assert_string_equal(tagged->params[1].value, "GET");
  assert_values(metric(r, "k6", "queue", "value"), ASSAY_REPLICATE_RUN, 1, 2.5);
  assert_near(r->run.duration_s, 1.5, 0);
  assay_result_destroy(r);
}

static void rates_counters_and_gauges(void **state) {
  (void)state;
  assay_result *r = import_text("k6", DATA);
  const assay_metric_result *failed = metric(r, "k6", "http_req_failed", "error_rate"), *checks = metric(r, "k6", "checks", "ratio");
  assert_near(failed->value, 0.25, 0);
  assert_int_equal(failed->kind, ASSAY_KIND_ERROR_RATE);
  assert_int_equal(failed->better, ASSAY_LOWER);
  assert_int_equal(checks->better, ASSAY_HIGHER);
  assert_int_equal(metric(r, "k6", "quality", "ratio")->better, ASSAY_HIGHER); /* its threshold says so */
  assert_near(metric(r, "k6", "http_reqs", "items_per_second")->value, 200, 0);
  assert_near(metric(r, "k6", "http_reqs", "count")->value, 300, 0);
  assert_int_equal(metric(r, "k6", "http_reqs", "items_per_second")->better, ASSAY_HIGHER);
  assert_int_equal(metric(r, "k6", "dropped_iterations", "count")->better, ASSAY_LOWER);
  assert_near(metric(r, "k6", "data_received", "bytes_per_second")->value, 2000, 0);
  assert_string_equal(metric(r, "k6", "data_received", "count")->unit, "B");
  assert_near(metric(r, "k6", "heap", "value")->value, 64, 0);
  assert_near(metric(r, "k6", "heap", "value")->stats.max, 80, 0);
  assert_null(assay_result_find(r, "k6", "vus"));
  assert_int_equal(fact(r, "import.vus")->integer, 12);
  assert_int_equal(fact(r, "import.benchmarks.k6/http_req_failed.passes")->integer, 5);
  assay_result_destroy(r);
}

static const assay_check *check_named(const assay_result *r, const char *name) {
  for (size_t i = 0; i < r->check_count; i++)
    if (strcmp(r->checks[i].name, name) == 0) return &r->checks[i];
  fail_msg("there is no check %s", name);
  return NULL;
}

static void thresholds_and_checks_are_rows(void **state) {
  (void)state;
  assay_result *r = import_text("k6", DATA);
  const assay_check *slow = check_named(r, "http_req_duration: p(95)<4");
  assert_int_equal(slow->status, ASSAY_CHECK_FAIL);
  assert_string_equal(slow->measured, "p(95)=5");
  assert_int_equal(check_named(r, "quality: rate>0.8")->status, ASSAY_CHECK_PASS);
  assert_int_equal(check_named(r, "fast")->status, ASSAY_CHECK_PASS);
  assert_int_equal(check_named(r, "login::status is 200")->status, ASSAY_CHECK_FAIL);
  assert_string_equal(check_named(r, "login::status is 200")->measured, "95 of 100 passed");
  assert_int_equal(r->check_count, 4);
  assay_result_destroy(r);
}

/* In the export `true` says that the threshold was crossed, rates are called value, and groups and checks are objects. */
static void the_export_is_read_the_other_way_round(void **state) {
  (void)state;
  assay_result *r =
      import_text("k6",
                  "{\"metrics\": {\"http_req_waiting\": {\"avg\": 2.5, \"min\": 1, \"med\": 2, \"max\": 9, \"p(90)\": 4, \"p(95)\": 5,"
                  " \"thresholds\": {\"p(95)<4\": true, \"med<4\": false}},"
                  " \"http_req_failed\": {\"value\": 0.25, \"passes\": 5, \"fails\": 15, \"thresholds\": {\"rate<0.5\": false}},"
                  " \"http_reqs\": {\"count\": 300, \"rate\": 200}, \"vus_max\": {\"value\": 3, \"min\": 3, \"max\": 3}},"
                  " \"root_group\": {\"name\": \"\", \"path\": \"\", \"id\": \"d\", \"groups\": {\"in\": {\"name\": \"in\", \"path\": "
                  "\"::in\", \"id\": \"e\","
                  " \"groups\": {}, \"checks\": {\"ok\": {\"name\": \"ok\", \"path\": \"::in::ok\", \"id\": \"f\", \"passes\": 7, "
                  "\"fails\": 0}}}}, \"checks\": {}}}");
  assert_near(metric(r, "k6", "http_req_waiting", "latency")->value, 2e6, 0);
  assert_near(metric(r, "k6", "http_req_failed", "error_rate")->value, 0.25, 0);
  assert_int_equal(check_named(r, "http_req_waiting: p(95)<4")->status, ASSAY_CHECK_FAIL);
  assert_int_equal(check_named(r, "http_req_waiting: med<4")->status, ASSAY_CHECK_PASS);
  assert_string_equal(check_named(r, "http_req_failed: rate<0.5")->measured, "rate=0.25");
  assert_int_equal(check_named(r, "in::ok")->status, ASSAY_CHECK_PASS);
  assay_result_destroy(r);
}

#define ONE(metric) "{\"metrics\": {\"http_reqs\": " metric "}, \"root_group\": {}}"

static void mistakes_name_the_path(void **state) {
  (void)state;
  const char *f = "k6";
  assert_says(refused(f, ONE("{\"type\": \"trend\", \"contains\": \"time\", \"values\": {\"med\": \"fast\"}}")),
              "file: metrics.http_reqs.values.med: expected a number");
  assert_says(refused(f, ONE("{\"type\": \"counter\", \"contains\": \"time\", \"values\": {\"count\": 1, \"rate\": NaN}}")),
              "metrics.http_reqs.values.rate: expected a number, found NaN");
  assert_says(refused(f, ONE("{\"type\": \"histogram\", \"values\": {}}")),
              "metrics.http_reqs.type: expected trend, counter, rate or gauge");
  assert_says(refused(f, ONE("{\"type\": \"trend\"}")), "metrics.http_reqs.values: expected an object, found nothing");
  assert_says(refused(f, ONE("7")), "metrics.http_reqs: expected an object, found an integer");
  assert_says(refused(f, ONE("{\"count\": 1, \"rate\": 2, \"thresholds\": {\"count>1\": \"no\"}}")),
              "metrics.http_reqs.thresholds.count>1: expected true or false");
  assert_says(refused(f,
                      "{\"metrics\": {\"http_reqs\": {\"count\": 1, \"rate\": 2}}, \"root_group\": {\"checks\": [{\"name\": \"a\", "
                      "\"passes\": -1, \"fails\": 0}]}}"),
              "root_group.checks[0].passes");
  assert_says(refused(f, "{\"metrics\": [], \"root_group\": {}}"), "metrics: expected an object, found an array");
  assert_says(refused(f, "{\"metrics\": {}, \"root_group\": {}}"), "there is no benchmark in it");
  assert_says(refused(f, "{\"metrics\": {\"a\": {}, \"a\": {}}}"), "duplicate object key");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trends_become_latencies),        cmocka_unit_test(rates_counters_and_gauges),
      cmocka_unit_test(thresholds_and_checks_are_rows), cmocka_unit_test(the_export_is_read_the_other_way_round),
      cmocka_unit_test(mistakes_name_the_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
