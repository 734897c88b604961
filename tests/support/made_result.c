/* SPDX-License-Identifier: MIT */
#include "made_result.h"

#include <math.h>

#include "test.h"

static assay_error problem;

#define OK(call) assert_ok(call, problem)

assay_result *test_empty_result(const char *run_id, int64_t started_at_s) {
  assay_result *r = NULL;
  OK(assay_result_create(&problem, &r));
  r->run.id = assay_result_text(r, run_id);
  r->run.version = "0.1.0";
  r->run.started_at_s = started_at_s;
  r->run.processes = 5;
  r->machine_id = "00112233aabbccdd";
  r->machine_label = "A machine, 2 cores";
  return r;
}

void test_add_made_benchmark(assay_result *result, const char *suite, const char *name, const char *metric, const char *unit,
                             assay_metric_kind kind, assay_better better, const double *processes, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += processes[i];
  double mean = sum / (double)count;
  assay_metric_result m = {.name = metric,
                           .unit = unit,
                           .kind = kind,
                           .better = better,
                           .value = mean,
                           .ci_low = NAN,
                           .ci_high = NAN,
                           .stats = {.processes = count, .samples = count, .median = mean, .mean = mean, .ci_low = NAN, .ci_high = NAN},
                           .process_count = count,
                           .processes = (double *)(uintptr_t)processes,
                           .ceiling_value = NAN,
                           .ceiling_share = NAN};
  assay_benchmark_result b = {
      .name = name, .suite = suite, .base_name = name, .metric_count = 1, .metrics = &m, .steady = ASSAY_STEADY_YES};
  OK(assay_result_add_benchmark(result, &b, &problem));
}

static void add_sum(assay_result *r) {
  static double times[] = {101.5, 99.25, 100.125}, rates[] = {9.85e6, 1.0075e7, 9.9875e6};
  assay_metric_result metrics[] = {
      {.name = "time",
       .unit = "ns",
       .kind = ASSAY_KIND_TIME,
       .better = ASSAY_LOWER,
       .value = 100.125,
       .ci_low = 98.2,
       .ci_high = 102.1,
       .stats = {3, 297, 3, 100.125, 100.29166666666667, 1.134, 97, 130, 100, 103, 105, 120, NAN, 98.2, 102.1},
       .process_count = 3,
       .processes = times,
       .ceiling = "l1.read",
       .ceiling_value = 62.5,
       .ceiling_share = 62.5 / 100.125},
      {.name = "items_per_second",
       .unit = "items/s",
       .kind = ASSAY_KIND_THROUGHPUT,
       .better = ASSAY_HIGHER,
       .value = 9.9875e6,
       .ci_low = NAN,
       .ci_high = NAN,
       .stats = {3, 3, 0, 9.9875e6, 9.970833333333334e6, 113423.5, 9.85e6, 1.0075e7, 9.9875e6, NAN, NAN, NAN, NAN, NAN, NAN},
       .process_count = 3,
       .processes = rates,
       .ceiling_value = NAN,
       .ceiling_share = NAN},
  };
  assay_benchmark_result b = {.name = "sum/n=1000/type=f32",
                              .suite = "performance",
                              .base_name = "sum",
                              .param_count = 2,
                              .complexity = "n",
                              .metric_count = 2,
                              .metrics = metrics,
                              .steady = ASSAY_STEADY_YES,
                              .set_aside_ratio = 0.01,
                              .disturbed_ratio = 0.01,
                              .set_aside_why = "2 preempted, 1 migrated",
                              .clock_resolution_ns = 1,
                              .clock_cost_ns = 21.7,
                              .covariates = {1.5, 0, 2, 1, 12, 0, NAN, 0, 1.01, 0.25, 1.5, 0.125},
                              .counters_cause = "perf_event_open: Permission denied (kernel.perf_event_paranoid is 3)"};
  b.params = calloc(2, sizeof *b.params);
  b.params[0].name = "n";
  b.params[0].value = "1000";
  b.params[1].name = "type";
  b.params[1].value = "f32";
  OK(assay_result_add_benchmark(r, &b, &problem));
  free(b.params);
}

static void add_order(assay_result *r) {
  static double latencies[] = {850, 870, 1 / 3.0 * 2600};
  static double quantiles[] = {0, 0.5, 0.9, 0.99, 1}, values[] = {700, 860, 1200, 4000, 91000}, starts[] = {650, 800, 1100, 2000, 90000};
  assay_metric_result latency = {.name = "latency",
                                 .unit = "ns",
                                 .kind = ASSAY_KIND_LATENCY,
                                 .better = ASSAY_LOWER,
                                 .value = 866.6666666666666,
                                 .ci_low = 840,
                                 .ci_high = 890,
                                 .stats = {3, 30000, 0, 866.6666666666666, 862.2, 10.7, 700, 91000, 860, 1200, 1900, 4000, 20000, 840, 890},
                                 .process_count = 3,
                                 .processes = latencies,
                                 .ceiling_value = NAN,
                                 .ceiling_share = NAN};
  assay_benchmark_result b = {.name = "order",
                              .suite = "trading",
                              .base_name = "order",
                              .metric_count = 1,
                              .metrics = &latency,
                              .clock_resolution_ns = 1,
                              .clock_cost_ns = 21.7,
                              .covariates = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
                              .allocations_cause = "the allocation counter is not preloaded",
                              .latency = {5, quantiles, values},
                              .service = {5, quantiles, starts},
                              .rate_hz = 10000,
                              .rate_achieved_hz = 9999.5};
  OK(assay_result_add_benchmark(r, &b, &problem));
}

static void add_without_figures(assay_result *r) {
  assay_benchmark_result failed = {.name = "bad \"quoted\" <name>/n=1",
                                   .suite = "performance",
                                   .base_name = "bad",
                                   .status = ASSAY_OUTCOME_FAILED,
                                   .reason = "1 of 3 processes: killed by signal 11 (Segmentation fault)",
                                   .clock_resolution_ns = NAN,
                                   .clock_cost_ns = NAN,
                                   .covariates = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}};
  assay_benchmark_result absent = failed;
  absent.name = absent.base_name = "efficiency";
  absent.status = ASSAY_OUTCOME_UNSUPPORTED;
  absent.reason = "this machine has no efficiency cores";
  OK(assay_result_add_benchmark(r, &failed, &problem));
  OK(assay_result_add_benchmark(r, &absent, &problem));
}

static void add_machine(assay_result *r) {
  static assay_fact facts[] = {
      {.key = "cpu.model", .component = "linux-cpu", .type = ASSAY_FACT_TEXT, .text = "Größe™ CPU\t@ 2.0"},
      {.key = "cpu.cores", .component = "linux-cpu", .type = ASSAY_FACT_INTEGER, .integer = 2, .real = 2},
      {.key = "cpu.frequency_max_hz", .component = "linux-cpu", .type = ASSAY_FACT_REAL, .real = 2e9},
      {.key = "virtual.is_guest", .component = "linux-virtual", .type = ASSAY_FACT_BOOL, .integer = 1, .real = 1},
      {.key = "power.package.0.watts",
       .component = "linux-power",
       .type = ASSAY_FACT_UNAVAILABLE,
       .text = "/sys/class/powercap is not there"},
  };
  static assay_ceiling ceilings[] = {
      {"l1.read", "B/s", ASSAY_HIGHER, true, 1.28e11, 1.2e11, 0.04, "avx512, 32 KiB, 1 thread", NULL},
      {"os.fsync", "ns", ASSAY_LOWER, true, 812345.25, 9e5, 0.5, "tmpfs", NULL},
      {"flops.bf16.vector", "FLOP/s", ASSAY_HIGHER, false, 0, 0, 0, NULL, "no AVX512_BF16"},
  };
  r->facts = facts;
  r->fact_count = sizeof facts / sizeof *facts;
  r->ceilings = ceilings;
  r->ceiling_count = sizeof ceilings / sizeof *ceilings;
  r->ceilings_quick = true;
}

static void add_judgement(assay_result *r) {
  static assay_complexity_result fit = {"performance", "sum", "n", "sum/type=f32", {ASSAY_O_N_LOG_N, 0.25, 0.031}};
  static assay_check checks[] = {
      {"hardware", "Cores", ASSAY_CHECK_PASS, "2", "2", NULL, NULL},
      {"hardware", "Bandwidth", ASSAY_CHECK_FAIL, "546 GB/s", "16.0 GB/s", "memory.read.2t", "check that all channels are filled"},
      {"hardware", "Power", ASSAY_CHECK_UNAVAILABLE, NULL, NULL, "/sys/class/powercap is not there", NULL},
  };
  assay_check_list list = {.items = checks, .count = 3};
  OK(assay_result_add_checks(r, &list, &problem));
  assay_sla_result met = {"Order", "One order", "trading/order*", "latency", "ns", true, 1e7, 866.6666666666666, ASSAY_SLA_MET, NULL};
  assay_sla_result none = {"Risk", NULL, "trading/risk*", "time", "ns", true, 5e6, NAN, ASSAY_SLA_NOT_APPLICABLE, "no benchmark matches"};
  assay_sla_result missed = {"Sums", NULL, "performance/sum*", "items_per_second", "items/s", false, 1e8, 9.9875e6, ASSAY_SLA_MISSED, NULL};
  OK(assay_result_add_sla(r, &met, &problem));
  OK(assay_result_add_sla(r, &none, &problem));
  OK(assay_result_add_sla(r, &missed, &problem));
  assay_recommendation advice = {"Look for noise", "1.0 % of the samples were set aside", "assay doctor", 2};
  OK(assay_result_add_recommendation(r, &advice, &problem));
  r->complexities = &fit;
  r->complexity_count = 1;
}

assay_result *test_made_result(void) {
  assay_result *r = test_empty_result("0123456789abcdef", 1763688000);
  r->run.name = "nightly";
  r->run.command = "assay run --quick-run";
  r->run.commit = "4743812f00ba4743812f00ba4743812f00ba4743";
  r->run.host = "A machine, 2 cores";
  r->run.duration_s = 12.75;
  r->run.quick = true;
  r->run.processes = 3;
  r->run.seed = UINT64_C(0xfedcba9876543210);
  OK(assay_result_add_suite(r, "performance", ASSAY_OUTCOME_OK, NULL, &problem));
  OK(assay_result_add_suite(r, "ai", ASSAY_OUTCOME_UNSUPPORTED, "not built yet", &problem));
  add_sum(r);
  add_order(r);
  add_without_figures(r);
  add_machine(r);
  add_judgement(r);
  return r;
}
