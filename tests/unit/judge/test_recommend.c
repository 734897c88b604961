/* SPDX-License-Identifier: MIT */
#include <assay/judge.h>

#include <math.h>

#include "made_result.h"
#include "test.h"

static assay_benchmark_result *add(assay_result *r, const char *base, const char *param, const char *value, double time_ns) {
  assay_error err = {0};
  char name[ASSAY_NAME_MAX];
  double values[] = {time_ns, time_ns, time_ns};
  assay_metric_result m = {.name = "time",
                           .unit = "ns",
                           .better = ASSAY_LOWER,
                           .value = time_ns,
                           .ci_low = time_ns * 0.99,
                           .ci_high = time_ns * 1.01,
                           .process_count = 3,
                           .processes = values,
                           .ceiling_value = NAN,
                           .ceiling_share = NAN};
  assay_benchmark_result b = {.name = name, .suite = "s", .base_name = base, .metric_count = 1, .metrics = &m, .steady = ASSAY_STEADY_YES};
  snprintf(name, sizeof name, param != NULL ? "%s/%s=%s" : "%s", base, param, value);
  b.params = calloc(1, sizeof *b.params);
  b.param_count = param != NULL;
  b.params[0].name = param;
  b.params[0].value = value;
  assert_ok(assay_result_add_benchmark(r, &b, &err), err);
  free(b.params);
  return &r->benchmarks[r->benchmark_count - 1];
}

static assay_result *quiet_result(void) {
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  add(r, "sum", NULL, NULL, 100);
  return r;
}

/* The recommendation whose title holds `title`; NULL when there is none. */
static const assay_recommendation *advice(assay_result *r, const char *title) {
  assay_error err = {0};
  assert_ok(assay_recommend(r, &err), err);
  for (size_t i = 0; i < r->recommendation_count; i++) {
    assert_true(strlen(r->recommendations[i].because) > 0);
    if (i > 0) assert_true(r->recommendations[i].priority >= r->recommendations[i - 1].priority);
  }
  for (size_t i = 0; i < r->recommendation_count; i++)
    if (strstr(r->recommendations[i].title, title) != NULL) return &r->recommendations[i];
  return NULL;
}

static void nothing_is_said_of_a_good_run(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  r->benchmarks[0].metrics[0].ceiling = "l1.read";
  r->benchmarks[0].metrics[0].ceiling_share = 0.9;
  assert_null(advice(r, ""));
  assert_int_equal(r->recommendation_count, 0);
  assay_result_destroy(r);
}

/* Expects that advice, resting on that figure. */
static void expect(assay_result *r, const char *title, const char *because) {
  const assay_recommendation *a = advice(r, title);
  if (a == NULL || strstr(a->because, because) == NULL) print_error("\"%s\": %s\n", title, a == NULL ? "not said" : a->because);
  assert_non_null(a);
  assert_non_null(strstr(a->because, because));
}

static void noise_is_told_with_its_cause(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  r->benchmarks[0].disturbed_ratio = 0.34;
  r->benchmarks[0].set_aside_why = "17 stolen by the hypervisor";
  expect(r, "Quieten", "34.0 % (17 stolen by the hypervisor)");
  assert_string_equal(advice(r, "Quieten")->command, "assay doctor");
  r->benchmarks[0].disturbed_ratio = 0.05;
  assert_null(advice(r, "Quieten"));
  r->benchmarks[0].metrics[0].ci_low = 70;
  r->benchmarks[0].metrics[0].ci_high = 140;
  expect(r, "processes differ", "1 of 1 benchmarks");
  r->benchmarks[0].steady = ASSAY_STEADY_NO;
  expect(r, "never got steady", "s/sum");
  assay_result_destroy(r);
}

static void misses_and_failures_come_first(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *r = quiet_result();
  r->benchmarks[0].disturbed_ratio = 0.5;
  assay_sla_result sla = {.name = "Order",
                          .benchmark = "s/*",
                          .metric = "time",
                          .unit = "ns",
                          .is_max = true,
                          .limit = 1e7,
                          .value = 1.23e7,
                          .status = ASSAY_SLA_MISSED};
  assert_ok(assay_result_add_sla(r, &sla, &err), err);
  expect(r, "Bring \"Order\" within", "12.3 ms");
  add(r, "bad", NULL, NULL, 1)->status = ASSAY_OUTCOME_FAILED;
  r->benchmarks[1].reason = "killed by signal 9";
  expect(r, "why a benchmark failed", "killed by signal 9");
  assert_int_equal(r->recommendations[0].priority, 1);
  assert_int_equal(r->recommendations[r->recommendation_count - 1].priority, 2);
  assay_result_destroy(r);
}

static void an_undecided_limit_wants_more_processes(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *r = quiet_result();
  assay_sla_result sla = {.name = "Order",
                          .benchmark = "s/sum",
                          .metric = "time",
                          .unit = "ns",
                          .is_max = true,
                          .limit = 105,
                          .value = 100,
                          .status = ASSAY_SLA_INCONCLUSIVE,
                          .reason = "its 95 % interval, 90 ns to 110 ns, holds the limit"};
  assert_ok(assay_result_add_sla(r, &sla, &err), err);
  r->run.quick = false;
  r->run.processes = 5;
  expect(r, "Measure more processes to decide \"Order\"", "at most 105.0 ns is asked; its 95 % interval, 90 ns to 110 ns");
  assert_string_equal(advice(r, "Measure more")->command, "assay run --processes 20 --filter 's/sum'");
  r->run.quick = true;
  assert_string_equal(advice(r, "without --quick-run to decide")->command, "assay run --filter 's/sum'");
  assay_result_destroy(r);
}

static void a_limit_missed_beside_others_wants_a_quiet_machine(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *r = quiet_result();
  assay_fact two = {.key = "cpu.threads", .component = "c", .type = ASSAY_FACT_INTEGER, .integer = 2, .real = 2};
  r->facts = &two;
  r->fact_count = 1;
  r->benchmarks[0].covariates.others_cpus = 1.25;
  assay_sla_result sla = {.name = "Order",
                          .benchmark = "s/sum",
                          .metric = "time",
                          .unit = "ns",
                          .is_max = true,
                          .limit = 50,
                          .value = 100,
                          .status = ASSAY_SLA_INCONCLUSIVE,
                          .reason = "the limit is missed, but other programs kept 1.2 of 2 CPUs busy while it was measured"};
  assert_ok(assay_result_add_sla(r, &sla, &err), err);
  expect(r, "Measure on a quiet machine to decide \"Order\"", "at most 50.0 ns is asked; other programs kept 1.2 of 2 CPUs busy");
  assert_string_equal(advice(r, "quiet machine")->command, "assay doctor");
  r->facts = NULL;
  r->fact_count = 0;
  assay_result_destroy(r);
}

static void advice_is_in_the_words_of_the_report(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  r->run.quick = true;
  r->run.command = "assay run --quick-run --suite s";
  add(r, "slow", NULL, NULL, 42.5e3);
  assay_metric_result *m = &r->benchmarks[1].metrics[0];
  m->ci_low = 20e3;
  m->ci_high = 70e3;
  expect(r, "Run without --quick-run before you compare", "42.5 \u00B5s within");
  assert_string_equal(advice(r, "before you compare")->command, "assay run --suite s");
  r->run.command = "./mine -q";
  assert_string_equal(advice(r, "before you compare")->command, "./mine");
  r->run.command = "./mine -quiet";
  assert_null(advice(r, "before you compare")->command);
  assay_result_destroy(r);
}

static void pairs_that_differ_in_one_parameter_are_compared(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  add(r, "add", "layout", "contiguous", 100);
  add(r, "add", "layout", "strided", 420);
  add(r, "mul", "type", "f32", 100);
  add(r, "mul", "type", "f16", 300);
  add(r, "mul", "type", "bf16", 50);
  add(r, "loop", "cores", "performance", 100);
  add(r, "loop", "cores", "efficiency", 180);
  expect(r, "contiguous: strides cost up to 4.2 times", "s/add/layout=strided: 420");
  expect(r, "Compute in f32 instead of f16", "300");
  expect(r, "Use bf16 where its precision suffices: up to 2.0 times", "50.0 ns of mul/type=bf16");
  expect(r, "performance cores", "180");
  assay_result_destroy(r);
}

static void what_is_not_known_well_is_not_compared(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  add(r, "add", "layout", "contiguous", 100);
  add(r, "add", "layout", "strided", 420)->metrics[0].ci_high = 900;
  assert_null(advice(r, "contiguous"));
  assert_non_null(advice(r, "processes differ"));
  assay_result_destroy(r);
}

static void low_shares_name_the_ceiling_once_a_sweep(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  for (int i = 0; i < 6; i++) {
    char n[8];
    snprintf(n, sizeof n, "%d", i);
    assay_benchmark_result *b = add(r, "walk", "n", n, 100);
    b->metrics[0].ceiling = "memory.read.1t";
    b->metrics[0].ceiling_share = 0.02 + i / 100.0;
  }
  expect(r, "what keeps walk from its limit", "reaches 2.000 % of memory.read.1t");
  assert_int_equal(r->recommendation_count, 1);
  assay_result_destroy(r);
}

static void settings_are_named_only_where_they_can_be_changed(void **state) {
  (void)state;
  assay_result *r = quiet_result();
  r->benchmarks[0].counters_cause = "this machine has no counters";
  assert_null(advice(r, "counters"));
  r->benchmarks[0].counters_cause = "perf_event_open: kernel.perf_event_paranoid is 4";
  expect(r, "counters", "paranoid is 4");
  assay_fact facts[] = {{.key = "cpu.frequency_governor", .type = ASSAY_FACT_TEXT, .text = "powersave"},
                        {.key = "cpu.frequency_driver", .type = ASSAY_FACT_TEXT, .text = "acpi-cpufreq"}};
  r->facts = facts;
  r->fact_count = 2;
  expect(r, "clock", "powersave");
  facts[1].text = "intel_pstate"; /* there powersave is as fast as the hardware can */
  assert_null(advice(r, "clock"));
  assay_result_destroy(r);
}

static void threads_that_do_not_scale_are_found(void **state) {
  (void)state;
  assay_error err = {0};
  assay_result *r = test_empty_result("0123456789abcdef", 1);
  assay_fact cpus = {.key = "cpu.threads_allowed", .type = ASSAY_FACT_INTEGER, .integer = 4, .real = 4};
  r->facts = &cpus;
  r->fact_count = 1;
  static const struct {
    const char *threads;
    double rate;
  } sweep[] = {{"1", 1e6}, {"4", 1.2e6}, {"8", 1.2e6}};
  for (size_t i = 0; i < 3; i++) {
    double rate = sweep[i].rate;
    assay_metric_result metrics[] = {
        {.name = "time", .unit = "ns", .better = ASSAY_LOWER, .value = 100, .ci_low = NAN, .ceiling_share = NAN},
        {.name = "items_per_second", .unit = "items/s", .better = ASSAY_HIGHER, .value = rate, .ceiling_share = NAN}};
    assay_benchmark_result b = {
        .suite = "s", .base_name = "churn", .metric_count = 2, .metrics = metrics, .steady = ASSAY_STEADY_YES, .param_count = 1};
    char name[32];
    snprintf(name, sizeof name, "churn/threads=%s", sweep[i].threads);
    b.name = name;
    b.params = calloc(1, sizeof *b.params);
    b.params[0].name = "threads";
    b.params[0].value = sweep[i].threads;
    assert_ok(assay_result_add_benchmark(r, &b, &err), err);
    free(b.params);
  }
  expect(r, "threads of churn share", "s/churn/threads=4 does 1.20 times the work of one thread");
  assay_result_destroy(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_said_of_a_good_run),
      cmocka_unit_test(noise_is_told_with_its_cause),
      cmocka_unit_test(misses_and_failures_come_first),
      cmocka_unit_test(an_undecided_limit_wants_more_processes),
      cmocka_unit_test(a_limit_missed_beside_others_wants_a_quiet_machine),
      cmocka_unit_test(advice_is_in_the_words_of_the_report),
      cmocka_unit_test(pairs_that_differ_in_one_parameter_are_compared),
      cmocka_unit_test(what_is_not_known_well_is_not_compared),
      cmocka_unit_test(low_shares_name_the_ceiling_once_a_sweep),
      cmocka_unit_test(settings_are_named_only_where_they_can_be_changed),
      cmocka_unit_test(threads_that_do_not_scale_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
