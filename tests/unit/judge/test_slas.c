/* SPDX-License-Identifier: MIT */
#include <assay/judge.h>

#include <math.h>

#include "made_result.h"
#include "os/prim.h"
#include "test.h"

static const char *write_toml(const char *name, const char *text) {
  static char path[4096];
  assay_error err = {0};
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), name);
  assert_ok(assay_os_write_file(path, text, strlen(text), &err), err);
  return path;
}

static void add(assay_result *r, const char *suite, const char *name, const char *metric, const char *unit, double value) {
  double values[] = {value, value};
  bool higher = strstr(unit, "/s") != NULL;
  test_add_made_benchmark(r, suite, name, metric, unit, higher ? ASSAY_KIND_THROUGHPUT : ASSAY_KIND_TIME,
                          higher ? ASSAY_HIGHER : ASSAY_LOWER, values, 2);
}

/* Applies the text's limits. */
static void apply(assay_result *r, const char *toml) {
  assay_error err = {0};
  assay_slas *slas = NULL;
  assert_ok(assay_slas_load(write_toml("limits.toml", toml), &err, &slas), err);
  assert_ok(assay_slas_apply(slas, r, &err), err);
  assay_slas_destroy(slas);
}

static void the_shipped_eight_are_there(void **state) {
  (void)state;
  assay_error err = {0};
  assay_slas *slas = NULL;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add(r, "performance", "alloc_1g/touch=no", "time", "ns", 9e3);
  add(r, "performance", "alloc_1g/touch=yes", "time", "ns", 200e6);
  assert_ok(assay_slas_load(NULL, &err, &slas), err);
  assert_ok(assay_slas_apply(slas, r, &err), err);
  assert_int_equal(r->sla_count, 8);
  static const struct {
    const char *name, *unit;
    double limit;
  } wanted[] = {{"Order execution", "ns", 10e6},    {"Market data", "items/s", 50e3}, {"Risk calculation", "ns", 5e6},
                {"Strategy execution", "ns", 20e6}, {"WebSocket latency", "ns", 2e6}, {"Neural inference", "ns", 5e6},
                {"Container startup", "ns", 5e9},   {"Memory allocation", "ns", 10e6}};
  for (size_t i = 0; i < 8; i++) {
    assert_string_equal(r->slas[i].name, wanted[i].name);
    assert_near(r->slas[i].limit, wanted[i].limit, 0);
    assert_string_equal(r->slas[i].unit, wanted[i].unit);
    assert_int_equal(r->slas[i].is_max, i != 1);
    assert_int_equal(r->slas[i].status, i == 7 ? ASSAY_SLA_MET : ASSAY_SLA_NOT_APPLICABLE);
  }
  assert_non_null(strstr(r->slas[0].reason, "no benchmark matches trading/"));
  assert_near(r->slas[7].value, 9e3, 0);
  assert_ok(assay_slas_apply(slas, r, &err), err); /* again: replaces */
  assert_int_equal(r->sla_count, 8);
  assay_slas_destroy(slas);
  assay_result_destroy(r);
}

static void the_worst_match_counts(void **state) {
  (void)state;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add(r, "s", "order/n=1", "time", "ns", 1e6);
  add(r, "s", "order/n=2", "time", "ns", 3e6);
  add(r, "s", "feed", "items_per_second", "items/s", 60e3);
  apply(r,
        "[[sla]]\nname='a'\nbenchmark='s/order*'\nmax='2 ms'\n"
        "[[sla]]\nname='b'\nbenchmark='s/order*'\nmax='3 ms'\n"
        "[[sla]]\nname='c'\nbenchmark='s/feed'\nmetric='items_per_second'\nmin='50K/s'\n"
        "[[sla]]\nname='d'\nbenchmark='s/feed'\nmetric='items_per_second'\nmin='70K/s'\n");
  assert_int_equal(r->slas[0].status, ASSAY_SLA_MISSED);
  assert_near(r->slas[0].value, 3e6, 0);
  assert_null(r->slas[0].reason);
  assert_int_equal(r->slas[1].status, ASSAY_SLA_MET);
  assert_int_equal(r->slas[2].status, ASSAY_SLA_MET);
  assert_int_equal(r->slas[3].status, ASSAY_SLA_MISSED);
  assay_result_destroy(r);
}

/* Adds a benchmark of five processes; their 95 % interval goes from `low` to `high`. */
static void add_interval(assay_result *r, const char *name, double low, double value, double high) {
  double values[] = {low, value, value, value, high};
  test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values, 5);
  assay_metric_result *m = &r->benchmarks[r->benchmark_count - 1].metrics[0];
  m->value = value;
  m->ci_low = low;
  m->ci_high = high;
}

static void a_limit_within_the_interval_is_inconclusive(void **state) {
  (void)state;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add_interval(r, "order", 8e6, 9e6, 11e6);
  apply(r,
        "[[sla]]\nname='in'\nbenchmark='s/order'\nmax='10 ms'\n"
        "[[sla]]\nname='in above'\nbenchmark='s/order'\nmax='8500 us'\n"
        "[[sla]]\nname='above'\nbenchmark='s/order'\nmax='11 ms'\n"
        "[[sla]]\nname='below'\nbenchmark='s/order'\nmax='7 ms'\n"
        "[[sla]]\nname='min in'\nbenchmark='s/order'\nmin='10 ms'\n"
        "[[sla]]\nname='min met'\nbenchmark='s/order'\nmin='8 ms'\n"
        "[[sla]]\nname='min missed'\nbenchmark='s/order'\nmin='12 ms'\n");
  static const assay_sla_status wanted[] = {ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_MET,   ASSAY_SLA_MISSED,
                                            ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_MET,          ASSAY_SLA_MISSED};
  assert_int_equal(r->sla_count, 7);
  for (size_t i = 0; i < 7; i++) assert_string_equal(assay_sla_status_text(r->slas[i].status), assay_sla_status_text(wanted[i]));
  assert_string_equal(r->slas[0].reason, "its 95 % interval, 8.000 ms to 11.0 ms, holds the limit");
  assert_int_equal(assay_result_exit_code(r), ASSAY_EXIT_MISSED);
  apply(r, "[[sla]]\nname='in'\nbenchmark='s/order'\nmax='10 ms'\n");
  assert_int_equal(assay_result_exit_code(r), ASSAY_EXIT_INCONCLUSIVE);
  assay_result_destroy(r);
}

static void of_several_the_worst_verdict_counts_and_the_unjudged_are_told(void **state) {
  (void)state;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add_interval(r, "order/n=1", 9.8e6, 9.9e6, 9.95e6); /* met, and the larger figure */
  add_interval(r, "order/n=2", 8e6, 9e6, 11e6);
  add(r, "s", "order/n=3", "time", "ns", 1e6);
  r->benchmarks[2].status = ASSAY_OUTCOME_UNSUPPORTED;
  r->benchmarks[2].reason = "no such device";
  static const char limit[] = "[[sla]]\nname='a'\nbenchmark='s/order*'\nmax='10 ms'\n";
  apply(r, limit);
  assert_int_equal(r->slas[0].status, ASSAY_SLA_INCONCLUSIVE);
  assert_near(r->slas[0].value, 9e6, 0);
  assert_non_null(
      strstr(r->slas[0].reason, "holds the limit; 2 of 3 benchmarks that match were judged; s/order/n=3 is unsupported: no such"));
  r->benchmarks[1].metrics[0].ci_high = 9.5e6;
  apply(r, limit);
  assert_int_equal(r->slas[0].status, ASSAY_SLA_MET);
  assert_near(r->slas[0].value, 9.9e6, 0);
  assert_string_equal(r->slas[0].reason, "2 of 3 benchmarks that match were judged; s/order/n=3 is unsupported: no such device");
  assay_result_destroy(r);
}

static void what_gives_no_figure_is_not_applicable_with_the_reason(void **state) {
  (void)state;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add(r, "s", "crash", "time", "ns", 1);
  r->benchmarks[0].status = ASSAY_OUTCOME_FAILED;
  r->benchmarks[0].reason = "killed by signal 11";
  add(r, "s", "copy", "time", "ns", 1);
  apply(r,
        "[[sla]]\nname='a'\nbenchmark='s/crash'\nmax='2 ms'\n"
        "[[sla]]\nname='b'\nbenchmark='s/copy'\nmax='2 GB'\n"
        "[[sla]]\nname='c'\nbenchmark='s/copy'\nmetric='latency'\nmax='2 ms'\n"
        "[[sla]]\nname='d'\nbenchmark='s/none*'\nmax='2 ms'\n");
  /* A limit that its benchmark's figures do not fit must not pass for kept. */
  static const assay_sla_status wanted[] = {ASSAY_SLA_NOT_APPLICABLE, ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_INCONCLUSIVE,
                                            ASSAY_SLA_NOT_APPLICABLE};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(r->slas[i].status, wanted[i]);
    assert_true(isnan(r->slas[i].value));
  }
  assert_string_equal(r->slas[0].reason, "s/crash failed: killed by signal 11");
  assert_non_null(strstr(r->slas[1].reason, "the limit is in B, but time of s/copy is in ns"));
  assert_non_null(strstr(r->slas[2].reason, "has no metric \"latency\""));
  assert_non_null(strstr(r->slas[3].reason, "no benchmark matches s/none*"));
  assay_result_destroy(r);
}

static void users_add_and_replace(void **state) {
  (void)state;
  assay_error err = {0};
  assay_slas *slas = NULL;
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  assert_ok(assay_slas_load(NULL, &err, &slas), err);
  const char *mine = write_toml("mine.toml",
                                "[[sla]]\nname='Memory allocation'\nbenchmark='performance/alloc*'\nmax='1 ms'\n"
                                "[[sla]]\nname='Mine'\nbenchmark='s/*'\nmax='1 s'\n");
  assert_ok(assay_slas_add_file(slas, mine, &err), err);
  assert_ok(assay_slas_apply(slas, r, &err), err);
  assert_int_equal(r->sla_count, 9);
  assert_near(r->slas[7].limit, 1e6, 0);
  assert_string_equal(r->slas[8].name, "Mine");
  assay_slas_destroy(slas);
  assay_result_destroy(r);
}

/* What is missed beside others is not decided; what is met is, and what others cannot worsen is judged as it is. */
static void what_others_worsen_is_not_missed(void **state) {
  (void)state;
  static const char limits[] =
      "[[sla]]\nname='slow'\nbenchmark='s/order'\nmax='1 ms'\n"
      "[[sla]]\nname='met'\nbenchmark='s/order'\nmax='3 ms'\n"
      "[[sla]]\nname='too fast'\nbenchmark='s/order'\nmin='3 ms'\n"
      "[[sla]]\nname='rate'\nbenchmark='s/feed'\nmetric='items_per_second'\nmin='70K/s'\n"
      "[[sla]]\nname='memory'\nbenchmark='s/big'\nmetric='rss'\nmax='1 MiB'\n"
      "[[sla]]\nname='one alone'\nbenchmark='s/*order'\nmax='1 ms'\n"
      "[[sla]]\nname='far beyond'\nbenchmark='s/order'\nmax='190 us'\n"
      "[[sla]]\nname='far below'\nbenchmark='s/feed'\nmetric='items_per_second'\nmin='610K/s'\n"
      "[[sla]]\nname='a tail'\nbenchmark='s/tail'\nmetric='latency'\nmax='2 us'\n"
      "[[sla]]\nname='beyond'\nbenchmark='s/order'\nmax='500 us'\n";
  static const struct {
    double others, own, stolen, marked;
    bool excused, waited;
    const char *says;
  } cases[] = {
      {0.6, 1, 0, 0, true, false, "other programs kept 0.6 of 2 CPUs busy"},
      {0.6, 2, 0, 0, true, true, "other programs kept 0.6 of 2 CPUs busy"},
      {1.5, NAN, 0, 0, true, true, "other programs kept 1.5 of 2 CPUs busy"},
      {1.4, NAN, 0, 0, true, false, "other programs kept 1.4 of 2 CPUs busy"},
      {0.4, 2, 0, 0, false, false, ""},
      {0, 1, 0.6, 0.3, true, true, "the hypervisor took the time of 0.6 CPUs while it was measured"},
      {0.6, 1, 0.6, 0.3, true, true, "other programs kept 0.6 of 2 CPUs busy and the hypervisor took the time of 0.6 CPUs while"},
      {0.6, 2, 0.1, 0.3, true, true, "other programs kept 0.6"},
      /* twice as slow, 2.08 times as slow: both together are more than four times, each alone is not */
      {0.6, 1, 0.26, 0.3, true, true, "other programs kept 0.6 of 2 CPUs busy and the hypervisor took the time of 0.26 CPUs while"},
      {0, 1, 0.26, 0.3, true, false, "but the hypervisor took the time of 0.26 CPUs while it was measured"},
      {0, 1, 0, 0.9, false, false, ""}, /* its own threads may have marked them */
      {0, 1, NAN, 0.9, false, false, ""},
      {NAN, NAN, NAN, NAN, false, false, ""}};
  static const assay_fact two = {.key = "cpu.threads", .component = "c", .type = ASSAY_FACT_INTEGER, .integer = 2, .real = 2};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_result *r = test_empty_result("0123456789abcdef", 1);
    assay_fact facts[] = {two};
    r->facts = facts;
    r->fact_count = 1;
    add(r, "s", "order", "time", "ns", 2e6);
    add(r, "s", "feed", "items_per_second", "items/s", 60e3);
    add(r, "s", "big", "rss", "B", 2 << 20);
    r->benchmarks[2].metrics[0].kind = ASSAY_KIND_MEMORY;
    add(r, "s", "tail", "latency", "ns", 4e6);
    r->benchmarks[3].metrics[0].kind = ASSAY_KIND_LATENCY;
    for (size_t b = 0; b < 4; b++) {
      r->benchmarks[b].covariates.others_cpus = cases[i].others;
      r->benchmarks[b].covariates.own_cpus = cases[i].own;
      r->benchmarks[b].covariates.steal_ms = 5;
      r->benchmarks[b].covariates.stolen_cpus = cases[i].stolen;
      r->benchmarks[b].disturbed_ratio = cases[i].marked;
    }
    add(r, "s", "quiet_order", "time", "ns", 1.5e6);
    r->benchmarks[4].covariates.others_cpus = 0;
    apply(r, limits);
    assay_sla_status slow = cases[i].excused ? ASSAY_SLA_INCONCLUSIVE : ASSAY_SLA_MISSED;
    assay_sla_status beyond = cases[i].waited ? ASSAY_SLA_INCONCLUSIVE : ASSAY_SLA_MISSED;
    const assay_sla_status missed = ASSAY_SLA_MISSED,
                           wanted[] = {slow, ASSAY_SLA_MET, missed, slow, missed, missed, missed, missed, slow, beyond};
    for (size_t k = 0; k < 10; k++) {
      if (r->slas[k].status != wanted[k])
        fail_msg("case %zu, %s: %s, not %s", i, r->slas[k].name, assay_sla_status_text(r->slas[k].status),
                 assay_sla_status_text(wanted[k]));
    }
    if (cases[i].excused) assert_non_null(strstr(r->slas[0].reason, "the limit is missed, but "));
    if (cases[i].excused) assert_non_null(strstr(r->slas[0].reason, cases[i].says));
    apply(r, "[[sla]]\nname='slow'\nbenchmark='s/order'\nmax='1 ms'\n");
    assert_int_equal(assay_result_exit_code(r), cases[i].excused ? ASSAY_EXIT_INCONCLUSIVE : ASSAY_EXIT_MISSED);
    r->facts = NULL;
    r->fact_count = 0;
    assay_result_destroy(r);
  }
}

/* How a figure so many times beyond its limit is judged, where the hypervisor took so much. */
static assay_sla_status judged_beside_theft(const char *metric, assay_metric_kind kind, double times, double stolen) {
  char limit[128];
  bool is_rate = kind == ASSAY_KIND_THROUGHPUT;
  const char *unit = is_rate ? "items/s" : kind == ASSAY_KIND_MEMORY ? "B" : "ns";
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add(r, "s", "work", metric, unit, is_rate ? 1e6 / times : 1e6 * times);
  r->benchmarks[0].metrics[0].kind = kind;
  r->benchmarks[0].covariates = (assay_covariates){.steal_ms = 5, .others_cpus = 0, .own_cpus = 1, .stolen_cpus = stolen};
  r->benchmarks[0].disturbed_ratio = 0.9;
  snprintf(limit, sizeof limit, "[[sla]]\nname='limit'\nbenchmark='s/work'\nmetric='%s'\n%s='1000000 %s'\n", metric,
           is_rate ? "min" : "max", unit);
  apply(r, limit);
  assay_sla_status status = r->slas[0].status;
  assay_result_destroy(r);
  return status;
}

/* However many samples are marked: a stolen share explains what is so much slower, and no more. */
static void stolen_time_excuses_as_much_as_it_explains(void **state) {
  (void)state;
  static const struct {
    double stolen, explained; /* times beyond the limit */
  } works[] = {{0.005, 1 / 0.99}, {0.02, 1 / 0.96}, {0.1, 1.25}, {0.25, 2}, {0.4, 5}, {0.45, 10}, {0.49, 10}, {0.6, 10}, {3, 10}};
  static const struct {
    const char *metric;
    double least; /* stolen CPUs that explain any delay */
  } answers[] = {{"latency", 0.05},         {"latency_p90", 0.01}, {"latency_p99", 0.001},  {"latency_p999", 0.0001},
                 {"round_trip_p99", 0.001}, {"round_trip", 0.05},  {"latency_worst", 0.05}, {"http_p", 0.05}};
  for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
    for (int rate = 0; rate < 2; rate++) {
      const char *metric = rate ? "items_per_second" : "time";
      assay_metric_kind kind = rate ? ASSAY_KIND_THROUGHPUT : ASSAY_KIND_TIME;
      double within = 1 + 0.99 * (works[i].explained - 1), beyond = 1 + 1.01 * (works[i].explained - 1);
      assert_int_equal(judged_beside_theft(metric, kind, within, works[i].stolen), ASSAY_SLA_INCONCLUSIVE);
      assert_int_equal(judged_beside_theft(metric, kind, beyond, works[i].stolen), ASSAY_SLA_MISSED);
      assert_int_equal(judged_beside_theft(metric, kind, 100, works[i].stolen), ASSAY_SLA_MISSED);
      assert_int_equal(judged_beside_theft(metric, kind, 0.9, works[i].stolen), ASSAY_SLA_MET);
    }
    assert_int_equal(judged_beside_theft("rss", ASSAY_KIND_MEMORY, 1.001, works[i].stolen), ASSAY_SLA_MISSED);
  }
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    for (double times = 1.001; times < 2000; times *= 100) {
      assert_int_equal(judged_beside_theft(answers[i].metric, ASSAY_KIND_LATENCY, times, 1.01 * answers[i].least), ASSAY_SLA_INCONCLUSIVE);
      assert_int_equal(judged_beside_theft(answers[i].metric, ASSAY_KIND_LATENCY, times, 0.99 * answers[i].least), ASSAY_SLA_MISSED);
      assert_int_equal(judged_beside_theft(answers[i].metric, ASSAY_KIND_LATENCY, times, 0), ASSAY_SLA_MISSED);
    }
  }
  assert_int_equal(judged_beside_theft("time", ASSAY_KIND_TIME, 1.001, 0), ASSAY_SLA_MISSED);
  assert_int_equal(judged_beside_theft("time", ASSAY_KIND_TIME, 1.001, NAN), ASSAY_SLA_MISSED); /* of a result of an earlier version */
}

static void broken_files_name_the_place(void **state) {
  (void)state;
  static const struct {
    const char *toml, *message;
  } cases[] = {
      {"[[sla]]\nname='a'\nbenchmark='s/*'\nmaximum='1 ms'\n", "broken.toml:4:"},
      {"[[sla]]\nname='a'\nbenchmark='s/*'\n", "needs either max or min"},
      {"[[sla]]\nname='a'\nbenchmark='s/*'\nmax='1 ms'\nmin='1 ms'\n", "not both"},
      {"[[sla]]\nname='a'\nmax='1 ms'\n", "needs a benchmark"},
      {"[[sla]]\nbenchmark='s/*'\nmax='1 ms'\n", "needs a name"},
      {"[[sla]]\nname='a'\nbenchmark='s/*'\nmax=10\n", "broken.toml:4:"},
      {"[[sla]]\nname='a'\nbenchmark='s/*'\nmax='fast'\n", "broken.toml:4:"},
      {"[[slas]]\nname='a'\n", "sla"},
      {"sla = 5\n", "[[sla]]"},
      {"[[sla]\n", "broken.toml:1:"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assay_slas *slas = NULL;
    assay_status status = assay_slas_load(write_toml("broken.toml", cases[i].toml), &err, &slas);
    if (status == ASSAY_OK || strstr(err.message, cases[i].message) == NULL) print_error("case %zu: %s\n", i, err.message);
    assert_int_not_equal(status, ASSAY_OK);
    assert_non_null(strstr(err.message, cases[i].message));
    assert_null(slas);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shipped_eight_are_there),
      cmocka_unit_test(the_worst_match_counts),
      cmocka_unit_test(a_limit_within_the_interval_is_inconclusive),
      cmocka_unit_test(of_several_the_worst_verdict_counts_and_the_unjudged_are_told),
      cmocka_unit_test(what_gives_no_figure_is_not_applicable_with_the_reason),
      cmocka_unit_test(users_add_and_replace),
      cmocka_unit_test(what_others_worsen_is_not_missed),
      cmocka_unit_test(stolen_time_excuses_as_much_as_it_explains),
      cmocka_unit_test(broken_files_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
