/* SPDX-License-Identifier: MIT */
/* From processes to metrics: made-up processes whose metrics are known by hand. */
#include <assay/result.h>

#include <math.h>

#include "made_result.h"
#include "test.h"

enum { PROCESSES = 3, SAMPLES = 5 };

/* What one test works on: a case and its processes, all zero to begin with. */
typedef struct fixture {
  assay_bench_desc desc;
  assay_bench_case bench;
  assay_bench_process processes[PROCESSES];
  assay_bench_sample samples[PROCESSES][SAMPLES];
  assay_bench_outcome outcome;
  assay_result *result;
} fixture;

static const assay_covariates quiet = {0, 0, 0, 0, 0, 0, NAN, 0, 1};

/* Process p has samples of base[p] + 0..4 ns: medians are base[p] + 2. */
static int set_up(void **state) {
  static const double base[PROCESSES] = {100, 104, 96};
  fixture *f = calloc(1, sizeof *f);
  f->desc = (assay_bench_desc){.name = "sum", .suite = "mine"};
  f->bench = (assay_bench_case){.desc = &f->desc, .name = "sum/n=8", .suite = "mine", .param_count = 1};
  f->bench.params[0].name = "n";
  f->bench.params[0].value = "8";
  for (int p = 0; p < PROCESSES; p++) {
    for (int i = 0; i < SAMPLES; i++) f->samples[p][i] = (assay_bench_sample){.ns = base[p] + i, .operations = 10, .covariates = quiet};
    f->processes[p] = (assay_bench_process){.steady = ASSAY_STEADY_YES,
                                            .clock_cost_ns = 20,
                                            .clock_resolution_ns = 1,
                                            .sample_count = SAMPLES,
                                            .samples = f->samples[p],
                                            .threads = 1};
  }
  f->outcome = (assay_bench_outcome){.bench = &f->bench, .process_count = PROCESSES, .processes = f->processes};
  f->result = test_empty_result("0123456789abcdef", 1);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  assay_result_destroy(f->result);
  free(f);
  return 0;
}

static assay_ceilings *make_ceilings(void) {
  static const char json[] =
      "{\"schema\":\"assay-ceilings/1\",\"method\":1,\"assay\":null,\"machine\":null,\"kernel\":null,\"measured_at_s\":1,\"quick\":false,"
      "\"took_s\":1,\"threads\":2,\"last_level_bytes\":0,\"levels\":[{\"name\":\"l1\",\"size_bytes\":32768}],\"ceilings\":["
      "{\"name\":\"l1.read\",\"unit\":\"B/s\",\"better\":\"higher\",\"available\":true,\"value\":2e10,\"typical\":2e10,\"spread_ratio\":0,"
      "\"detail\":\"\",\"cause\":null},"
      "{\"name\":\"memory.read.2t\",\"unit\":\"B/s\",\"better\":\"higher\",\"available\":true,\"value\":8e9,\"typical\":8e9,"
      "\"spread_ratio\":0,\"detail\":\"\",\"cause\":null},"
      "{\"name\":\"os.syscall\",\"unit\":\"ns\",\"better\":\"lower\",\"available\":true,\"value\":51,\"typical\":60,\"spread_ratio\":0,"
      "\"detail\":\"\",\"cause\":null},"
      "{\"name\":\"os.fsync\",\"unit\":\"ns\",\"better\":\"lower\",\"available\":false,\"value\":null,\"typical\":null,"
      "\"spread_ratio\":null,\"detail\":null,\"cause\":\"read-only\"}]}";
  assay_error err = {0};
  assay_ceilings *ceilings = NULL;
  assert_ok(assay_ceilings_from_json(json, sizeof json - 1, &err, &ceilings), err);
  return ceilings;
}

static const assay_benchmark_result *add(fixture *f, const assay_ceilings *ceilings) {
  assay_error err = {0};
  assert_ok(assay_result_add_outcome(f->result, &f->outcome, ceilings, &err), err);
  const assay_benchmark_result *b = assay_result_find(f->result, "mine", "sum/n=8");
  assert_non_null(b);
  return b;
}

static void the_process_is_the_unit(void **state) {
  const assay_benchmark_result *b = add(*state, NULL);
  assert_int_equal(b->status, ASSAY_OUTCOME_OK);
  assert_null(b->reason);
  assert_string_equal(b->base_name, "sum");
  assert_string_equal(b->params[0].value, "8");
  assert_int_equal(b->metric_count, 1);
  const assay_metric_result *time = &b->metrics[0];
  assert_string_equal(time->name, "time");
  assert_int_equal(time->process_count, 3);
  assert_near(time->processes[0], 102, 0);
  assert_near(time->processes[1], 106, 0);
  assert_near(time->processes[2], 98, 0);
  assert_near(time->value, 102, 0);
  assert_true(time->ci_low < 102 && time->ci_high > 102);
  assert_near(time->stats.stddev, 4, 1e-12); /* of 102, 106, 98 */
  assert_near(time->stats.min, 96, 0);
  assert_near(time->stats.max, 108, 0);
  assert_int_equal(time->stats.samples, 15);
  assert_null(time->ceiling);
  assert_true(b->steady);
  assert_true(isnan(b->covariates.pressure_us)); /* never published: not 0 */
  assert_near(b->covariates.spin_ratio, 1, 0);
  assert_near(b->clock_cost_ns, 20, 0);
}

static void set_aside_samples_do_not_count_but_are_told(void **state) {
  fixture *f = *state;
  f->samples[0][4] = (assay_bench_sample){
      .ns = 5000, .aside = ASSAY_ASIDE_PREEMPTED | ASSAY_ASIDE_MIGRATED, .covariates = {1.5, 0, 1, 1, 0, 0, NAN, 0, 1.2}};
  f->samples[1][4].aside = ASSAY_ASIDE_PREEMPTED;
  for (int p = 0; p < PROCESSES; p++)
    for (int i = 0; i < SAMPLES; i++) {
      f->samples[p][i].covariates.others_cpus = 0.5 * p;
      f->samples[p][i].covariates.own_cpus = p == 2 ? 2 : 1;
      f->samples[p][i].covariates.stolen_cpus = 0.25 * p;
    }
  const assay_benchmark_result *b = add(f, NULL);
  assert_near(b->covariates.others_cpus, 0.5, 1e-12); /* means */
  assert_near(b->covariates.own_cpus, 4.0 / 3, 1e-12);
  assert_near(b->covariates.stolen_cpus, 0.25, 1e-12);
  assert_near(b->set_aside_ratio, 2.0 / 15, 1e-12);
  assert_string_equal(b->set_aside_why, "2 preempted, 1 migrated");
  assert_near(b->metrics[0].processes[0], 101.5, 0); /* of 100 .. 103 */
  assert_near(b->metrics[0].stats.max, 107, 0);
  assert_int_equal(b->metrics[0].stats.set_aside, 2);
  assert_near(b->covariates.steal_ms, 1.5, 0);
  assert_near(b->covariates.migrations, 1, 0);
}

static void a_process_disturbed_for_the_most_part_is_kept_and_told(void **state) {
  fixture *f = *state;
  for (int i = 0; i < SAMPLES; i++) f->samples[1][i].marks = ASSAY_ASIDE_STOLEN; /* as the engine leaves them */
  f->samples[2][0].marks = f->samples[2][0].aside = ASSAY_ASIDE_FAULTED;
  const assay_benchmark_result *b = add(f, NULL);
  assert_int_equal(b->metrics[0].process_count, 3);
  assert_near(b->metrics[0].processes[1], 106, 0);
  assert_near(b->set_aside_ratio, 1.0 / 15, 1e-12);
  assert_near(b->disturbed_ratio, 6.0 / 15, 1e-12);
  assert_non_null(strstr(b->set_aside_why, "5 stolen by the hypervisor, 1 faulted; 1 of 3 processes were disturbed"));
  for (int i = 0; i < SAMPLES; i++) f->samples[2][i].aside = ASSAY_ASIDE_THROTTLED; /* none left */
  b = add(f, NULL);
  assert_int_equal(b->metrics[0].process_count, 3);
  assert_near(b->metrics[0].processes[2], 98, 0);
}

static void one_failed_process_fails_the_benchmark_and_the_rest_is_kept(void **state) {
  fixture *f = *state;
  f->processes[1] = (assay_bench_process){.outcome = ASSAY_OUTCOME_FAILED, .reason = "killed by signal 11"};
  const assay_benchmark_result *b = add(f, NULL);
  assert_int_equal(b->status, ASSAY_OUTCOME_FAILED);
  assert_string_equal(b->reason, "1 of 3 processes: killed by signal 11");
  assert_int_equal(b->metrics[0].process_count, 2);
  assert_near(b->metrics[0].value, 100, 0);
}

static void what_all_processes_say_is_said_plainly(void **state) {
  fixture *f = *state;
  for (int p = 0; p < PROCESSES; p++) f->processes[p] = (assay_bench_process){.outcome = ASSAY_OUTCOME_UNSUPPORTED, .reason = "no AVX-512"};
  const assay_benchmark_result *b = add(f, NULL);
  assert_int_equal(b->status, ASSAY_OUTCOME_UNSUPPORTED);
  assert_string_equal(b->reason, "no AVX-512");
  assert_int_equal(b->metric_count, 0);
  f->outcome.process_count = 0; /* interrupted before it began */
  b = add(f, NULL);
  assert_int_equal(b->status, ASSAY_OUTCOME_SKIPPED);
  assert_non_null(b->reason);
}

static void work_becomes_rates_with_their_ceilings(void **state) {
  fixture *f = *state;
  for (int p = 0; p < PROCESSES; p++) {
    f->processes[p].items = 8;
    f->processes[p].bytes_read = 1024;
  }
  assay_ceilings *ceilings = make_ceilings();
  const assay_benchmark_result *b = add(f, ceilings);
  /* 1024 B at 20 GB/s take 51.2 ns at least. */
  assert_string_equal(b->metrics[0].ceiling, "l1.read");
  assert_near(b->metrics[0].ceiling_value, 51.2, 1e-9);
  assert_near(b->metrics[0].ceiling_share, 51.2 / 102, 1e-12);
  const assay_metric_result *items = assay_benchmark_metric(b, "items_per_second");
  assert_near(items->value, 8 / 102e-9, 1);
  assert_near(items->ceiling_value, 8 / 51.2e-9, 1);
  assert_near(items->ceiling_share, 51.2 / 102, 1e-9);
  const assay_metric_result *bytes = assay_benchmark_metric(b, "bytes_per_second");
  assert_near(bytes->ceiling_value, 2e10, 1);
  assert_int_equal(bytes->better, ASSAY_HIGHER);
  assert_null(assay_benchmark_metric(b, "flops"));
  assay_ceilings_destroy(ceilings);
}

static void a_named_ceiling_goes_before_the_roofline(void **state) {
  fixture *f = *state;
  assay_ceilings *ceilings = make_ceilings();
  for (int p = 0; p < PROCESSES; p++) f->processes[p].bytes_read = 400;
  f->desc.ceiling = "os.syscall";
  assert_near(add(f, ceilings)->metrics[0].ceiling_share, 0.5, 1e-12); /* 51 of 102 ns */
  f->desc.ceiling = "memory.read.2t";
  f->processes[0].threads = 2;
  assert_near(add(f, ceilings)->metrics[0].ceiling_value, 50, 1e-9); /* 400 B at 8 GB/s of all threads */
  f->desc.ceiling = "l1.read";
  assert_near(add(f, ceilings)->metrics[0].ceiling_value, 10, 1e-9); /* 400 B at 20 GB/s of each of two */
  f->desc.ceiling = "os.fsync";
  assert_null(add(f, ceilings)->metrics[0].ceiling); /* unavailable: no share, no guess */
  f->desc.ceiling = "";
  assert_null(add(f, ceilings)->metrics[0].ceiling);
  assay_ceilings_destroy(ceilings);
}

static void figures_of_processes_become_metrics(void **state) {
  fixture *f = *state;
  for (int p = 0; p < PROCESSES; p++) {
    f->processes[p].figures[0] = (assay_bench_figure){"accuracy", "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER, 0.9 + p / 100.0};
    f->processes[p].figures[1] = (assay_bench_figure){"drift", "1", ASSAY_KIND_COUNT, ASSAY_LOWER, NAN};
    f->processes[p].figure_count = 2;
  }
  f->processes[2].figure_count = 0;
  snprintf(f->processes[1].counters_cause, 256, "no counters");
  f->processes[1].steady = ASSAY_STEADY_NO;
  f->processes[2].steady = ASSAY_STEADY_UNTESTED;
  const assay_benchmark_result *b = add(f, NULL);
  const assay_metric_result *accuracy = assay_benchmark_metric(b, "accuracy");
  assert_int_equal(accuracy->process_count, 2);
  assert_near(accuracy->value, 0.905, 1e-12);
  assert_null(assay_benchmark_metric(b, "drift")); /* never a number: not a metric */
  assert_string_equal(b->counters_cause, "no counters");
  assert_null(b->allocations_cause);
  assert_int_equal(b->steady, ASSAY_STEADY_NO);
  f->processes[1].steady = ASSAY_STEADY_YES;
  assert_int_equal(add(f, NULL)->steady, ASSAY_STEADY_UNTESTED); /* one of them could not be tested */
}

static void latency_is_of_operations(void **state) {
  fixture *f = *state;
  f->desc.mode = ASSAY_MODE_LATENCY;
  f->desc.rate_hz = 1000;
  for (int p = 0; p < PROCESSES; p++) {
    assay_histogram *h = calloc(1, sizeof *h);
    assay_histogram_init(h);
    for (uint64_t i = 1; i <= 2000; i++) assay_histogram_record(h, i + (uint64_t)p); /* uniform 1 .. 2000 */
    f->processes[p].latency = h;
    f->processes[p].rate_achieved_hz = 990;
    f->processes[p].items = 3;
    f->samples[p][0].marks = f->samples[p][0].aside = ASSAY_ASIDE_PREEMPTED;
  }
  const assay_benchmark_result *b = add(f, NULL);
  const assay_metric_result *latency = &b->metrics[0];
  assert_string_equal(latency->name, "latency");
  assert_int_equal(latency->kind, ASSAY_KIND_LATENCY);
  assert_near(latency->value, 1001, 1001 / 256.0 + 1);
  assert_near(latency->stats.p99, 1980, 1980 / 256.0 + 2);
  assert_int_equal(latency->stats.samples, 6000);
  assert_near(b->set_aside_ratio, 0, 0); /* its histogram has every operation */
  assert_int_equal(latency->stats.set_aside, 0);
  assert_true(b->disturbed_ratio > 0 && b->set_aside_why != NULL);
  assert_near(latency->stats.min, 1, 0);
  assert_near(latency->stats.max, 2002, 0);
  assert_near(assay_benchmark_metric(b, "latency_p99")->value, 1981, 1981 / 256.0 + 1);
  assert_null(assay_benchmark_metric(b, "latency_p999")); /* two operations beyond it in each process: not known */
  assert_near(assay_benchmark_metric(b, "items_per_second")->value, 2970, 1e-6);
  assert_true(b->latency.count > 20 && b->service.count == 0);
  for (size_t i = 1; i < b->latency.count; i++) {
    assert_true(b->latency.quantiles[i] > b->latency.quantiles[i - 1]);
    assert_true(b->latency.values_ns[i] >= b->latency.values_ns[i - 1]);
    assert_near(b->latency.values_ns[i], fmax(1, 2001 * b->latency.quantiles[i]), 12);
  }
  assert_near(b->latency.quantiles[b->latency.count - 1], 1, 0);
  assert_near(b->rate_achieved_hz, 990, 0);
  for (int p = 0; p < PROCESSES; p++) free(f->processes[p].latency);
}

static void sweeps_are_fitted_apart(void **state) {
  fixture *f = *state;
  assay_error err = {0};
  char sizes[5][8];
  f->desc.complexity = "n";
  f->bench.param_count = 2;
  f->bench.params[1].name = "type";
  for (int t = 0; t < 2; t++) {
    for (int k = 0; k < 5; k++) {
      int n = 100 << k;
      snprintf(sizes[k], sizeof sizes[k], "%d", n);
      f->bench.params[0].value = sizes[k];
      f->bench.params[1].value = t == 0 ? "linear" : "square";
      snprintf(f->bench.name, sizeof f->bench.name, "sum/n=%d/type=%d", n, t);
      for (int p = 0; p < PROCESSES; p++)
        for (int i = 0; i < SAMPLES; i++) f->samples[p][i].ns = t == 0 ? 2.0 * n : 0.5 * n * n;
      assert_ok(assay_result_add_outcome(f->result, &f->outcome, NULL, &err), err);
    }
  }
  for (int again = 0; again < 2; again++) {
    assert_ok(assay_result_fit_complexity(f->result, &err), err);
    assert_int_equal(f->result->complexity_count, 2);
  }
  assert_string_equal(f->result->complexities[0].name, "sum/type=linear");
  assert_int_equal(f->result->complexities[0].fit.order, ASSAY_O_N);
  assert_near(f->result->complexities[0].fit.coefficient, 2, 1e-9);
  assert_string_equal(f->result->complexities[1].name, "sum/type=square");
  assert_int_equal(f->result->complexities[1].fit.order, ASSAY_O_N2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_process_is_the_unit),
      TEST(set_aside_samples_do_not_count_but_are_told),
      TEST(a_process_disturbed_for_the_most_part_is_kept_and_told),
      TEST(one_failed_process_fails_the_benchmark_and_the_rest_is_kept),
      TEST(what_all_processes_say_is_said_plainly),
      TEST(work_becomes_rates_with_their_ceilings),
      TEST(a_named_ceiling_goes_before_the_roofline),
      TEST(figures_of_processes_become_metrics),
      TEST(latency_is_of_operations),
      TEST(sweeps_are_fitted_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
