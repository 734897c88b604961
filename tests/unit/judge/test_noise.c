/* SPDX-License-Identifier: MIT */
/* What speaks against a difference: noise between runs, a busy machine, another machine; and what counts as one: thresholds. */
#include <assay/compare.h>

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "made_result.h"
#include "os/prim.h"
#include "test.h"

enum { BENCHMARKS = 40, PROCESSES = 5 };

/* Benchmarks whose processes differ by 0.5 %, each moved by run[i] as a whole. */
static assay_result *made(uint64_t seed, const double *run) {
  assay_random random;
  assay_random_init(&random, seed);
  assay_result *r = test_empty_result("00000000000000aa", 1);
  for (int i = 0; i < BENCHMARKS; i++) {
    char name[16];
    double values[PROCESSES];
    snprintf(name, sizeof name, "b%02d", i);
    for (int p = 0; p < PROCESSES; p++) values[p] = 1000 * exp(run[i] + 0.005 * assay_random_normal(&random));
    test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values, PROCESSES);
  }
  return r;
}

static assay_changes *compare(const assay_result *before, const assay_result *after, const assay_compare_config *config) {
  assay_error err = {0};
  assay_changes *changes = NULL;
  assert_ok(assay_compare(before, after, config, &err, &changes), err);
  return changes;
}

static size_t alarms(const assay_changes *c) {
  return c->verdicts[ASSAY_VERDICT_WORSE] + c->verdicts[ASSAY_VERDICT_CRITICAL] + c->verdicts[ASSAY_VERDICT_BETTER];
}

/* Compares results whose benchmarks moved by `run`, once with and once without the noise between runs in view. */
static void count_alarms(const double *run, size_t *separate, size_t *in_turns) {
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  assay_changes *one = compare(before, after, NULL), *other = compare(before, after, &(assay_compare_config){.interleaved = true});
  *separate = alarms(one);
  *in_turns = alarms(other);
  assay_changes_destroy(one);
  assay_changes_destroy(other);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void runs_that_scatter_are_noise(void **state) {
  (void)state;
  double run[BENCHMARKS];
  assay_random random;
  assay_random_init(&random, 3);
  for (int i = 0; i < BENCHMARKS; i++) run[i] = 0.05 * assay_random_normal(&random);
  size_t separate, in_turns;
  count_alarms(run, &separate, &in_turns);
  assert_true(in_turns >= 8); /* the processes of each run agree, so they know nothing of it */
  assert_true(separate <= 2);
}

static void a_slow_machine_is_noise_and_a_few_slow_benchmarks_are_not(void **state) {
  (void)state;
  double run[BENCHMARKS];
  for (int i = 0; i < BENCHMARKS; i++) run[i] = 0.07;
  size_t separate, in_turns;
  count_alarms(run, &separate, &in_turns);
  assert_int_equal(separate, 0);
  assert_int_equal(in_turns, BENCHMARKS);
  for (int i = 0; i < BENCHMARKS; i++) run[i] = i < BENCHMARKS / 2 ? 0.07 : 0; /* half of them */
  count_alarms(run, &separate, &in_turns);
  assert_int_equal(separate, BENCHMARKS / 2);
}

static size_t noise_questions; /* each is a query of the history */

static double known_noise(const char *suite, const char *benchmark, const char *metric, void *user) {
  (void)suite, (void)metric;
  noise_questions++;
  return strcmp(benchmark, "b00") == 0 ? *(double *)user : NAN;
}

static void the_history_knows_the_noise(void **state) {
  (void)state;
  double run[BENCHMARKS] = {0.1, 0.1}, noise = 0.12;
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  assay_changes *changes = compare(before, after, &(assay_compare_config){.noise = known_noise, .noise_user = &noise});
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_near(changes->items[0].noise_floor, 0.12, 1e-12);
  assert_non_null(strstr(changes->items[0].reason, "12.0 %"));
  assert_int_equal(changes->items[1].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(changes->status, ASSAY_REGRESS_HAS_REGRESSIONS);
  assert_int_equal(assay_changes_exit_code(changes), 1);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void a_busy_machine_is_no_verdict(void **state) {
  (void)state;
  double run[BENCHMARKS] = {0.1, 0.1, -0.1, 1};
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  for (int i = 0; i < 4; i++) before->benchmarks[i].covariates.others_cpus = 0.05;
  for (int i = 0; i < 4; i++) after->benchmarks[i].covariates.others_cpus = i == 1 ? 0.1 : 0.9;
  assay_changes *changes = compare(before, after, NULL);
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_non_null(strstr(changes->items[0].reason, "0.9 CPUs"));
  assert_int_equal(changes->items[1].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(changes->items[2].verdict, ASSAY_VERDICT_BETTER);   /* it was faster although others were busy */
  assert_int_equal(changes->items[3].verdict, ASSAY_VERDICT_CRITICAL); /* nearly one more busy CPU does not make it 2.7 times as slow */
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void nobody_is_slow_on_a_machine_that_others_have_taken(void **state) {
  (void)state;
  double run[BENCHMARKS] = {0.1, 1, -0.1, 1};
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  assay_fact cpus = {.key = "cpu.threads", .type = ASSAY_FACT_INTEGER, .integer = 2, .real = 2};
  before->facts = after->facts = &cpus;
  before->fact_count = after->fact_count = 1;
  for (int i = 0; i < 4; i++) before->benchmarks[i].covariates.others_cpus = 1.8; /* ten compilers */
  for (int i = 0; i < 4; i++) after->benchmarks[i].covariates.others_cpus = i == 3 ? 1 : 1.9;
  assay_changes *changes = compare(before, after, NULL);
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE); /* or fifty */
  assert_int_equal(changes->items[1].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_non_null(strstr(changes->items[1].reason, "all of the machine"));
  assert_int_equal(changes->items[2].verdict, ASSAY_VERDICT_INCONCLUSIVE); /* the faster side says as little */
  assert_int_equal(changes->items[3].verdict, ASSAY_VERDICT_CRITICAL);
  assay_changes_destroy(changes);
  before->facts = after->facts = NULL;
  before->fact_count = after->fact_count = 0;
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* A neighbour kept one of two CPUs busy while `before` (or `after`) was measured. */
static assay_changes *beside_a_neighbour(assay_result *before, assay_result *after, bool then, double own) {
  static assay_fact cpus = {.key = "cpu.threads", .type = ASSAY_FACT_INTEGER, .integer = 2, .real = 2};
  before->facts = after->facts = &cpus;
  before->fact_count = after->fact_count = 1;
  for (int i = 0; i < BENCHMARKS; i++) {
    before->benchmarks[i].covariates.others_cpus = then ? 1 : 0.05;
    after->benchmarks[i].covariates.others_cpus = then ? 0.05 : 1;
    before->benchmarks[i].covariates.own_cpus = after->benchmarks[i].covariates.own_cpus = own;
  }
  assay_changes *changes = compare(before, after, NULL);
  before->facts = after->facts = NULL;
  before->fact_count = after->fact_count = 0;
  return changes;
}

static void what_a_neighbour_explains(void **state) {
  (void)state;
  /* Beside the neighbour: 65 %, 94 %, 170 % slower, 40 % faster, and the middle of its interval a little beyond what 0.95 CPUs explain. */
  double run[BENCHMARKS] = {0.5, log(1.94), 1, -0.5, log(1.956)};
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  assay_changes *one_thread = beside_a_neighbour(before, after, false, 1), *two_threads = beside_a_neighbour(before, after, false, 1.9);
  assay_changes *free_again = beside_a_neighbour(before, after, true, 1), *two_free_again = beside_a_neighbour(before, after, true, 1.9);
  assert_int_equal(one_thread->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_int_equal(one_thread->items[1].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_int_equal(one_thread->items[2].verdict, ASSAY_VERDICT_CRITICAL); /* one more busy CPU makes it at most twice as slow */
  assert_int_equal(one_thread->items[3].verdict, ASSAY_VERDICT_BETTER);
  assert_true(one_thread->items[4].change_ratio > 0.95 && one_thread->items[4].ci_low < 0.95);
  assert_int_equal(one_thread->items[4].verdict, ASSAY_VERDICT_INCONCLUSIVE); /* some of it may be the neighbour's, or all */
  assert_int_equal(free_again->items[2].verdict, ASSAY_VERDICT_CRITICAL);     /* slower with the machine to itself */
  assert_int_equal(free_again->items[3].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  for (int i = 0; i < 4; i++) assert_int_equal(two_threads->items[i].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  for (int i = 0; i < 4; i++) assert_int_equal(two_free_again->items[i].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assay_changes_destroy(one_thread);
  assay_changes_destroy(two_threads);
  assay_changes_destroy(free_again);
  assay_changes_destroy(two_free_again);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void threads_that_wait_may_be_faster_beside_others(void **state) {
  (void)state;
  double run[BENCHMARKS] = {1, 1, 1};
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, run);
  after->benchmarks[0].covariates.voluntary_switches = 10000; /* sleeps in each sample */
  assay_changes *changes = beside_a_neighbour(before, after, true, 1);
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_int_equal(changes->items[1].verdict, ASSAY_VERDICT_CRITICAL);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* What is only a breath for a program alone is a cause for one that waits: a tenth of a CPU. */
static void a_tenth_of_a_cpu_counts_for_threads_that_wait(void **state) {
  (void)state;
  double run[BENCHMARKS] = {1, 1, 1, 1};
  static const double still[BENCHMARKS], more[4] = {0.2, 0.2, 0.05, 0.05};
  assay_result *before = made(1, still), *after = made(2, run);
  for (int i = 0; i < 4; i++) before->benchmarks[i].covariates.others_cpus = 0;
  for (int i = 0; i < 4; i++) after->benchmarks[i].covariates.others_cpus = more[i];
  for (int i = 0; i < 4; i += 2) after->benchmarks[i].covariates.voluntary_switches = 10000;
  assay_changes *changes = compare(before, after, NULL);
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  for (int i = 1; i < 4; i++) assert_int_equal(changes->items[i].verdict, ASSAY_VERDICT_CRITICAL);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

static void other_machines_are_refused_unless_asked_for(void **state) {
  (void)state;
  static const double still[BENCHMARKS];
  assay_result *before = made(1, still), *after = made(2, still);
  before->machine_id = "1111111111111111";
  after->machine_id = "2222222222222222";
  assay_error err = {0};
  assay_changes *changes = NULL;
  assert_int_equal(assay_compare(before, after, NULL, &err, &changes), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "--other-machines"));
  assert_null(changes);
  changes = compare(before, after, &(assay_compare_config){.other_machines = true});
  assert_true(changes->other_machine);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* ---- One process a side ----------------------------------------------------------------------------------------------------------- */

static assay_result *lone(int count, double first, double jitter, uint64_t seed) {
  assay_random random;
  assay_random_init(&random, seed);
  assay_result *r = test_empty_result("00000000000000aa", 1);
  for (int i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "b%02d", i);
    double values[20], process = (i == 0 ? first : 1) * exp(jitter * assay_random_normal(&random));
    for (int k = 0; k < 20; k++) values[k] = 1000 * process * exp(0.002 * assay_random_normal(&random));
    test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, values, 20);
    r->benchmarks[i].metrics[0].replicate = ASSAY_REPLICATE_REPETITION;
  }
  return r;
}

static assay_verdict first_of_lone(int count, double factor, size_t *false_alarms) {
  assay_result *before = lone(count, 1, 0.01, 5), *after = lone(count, factor, 0.01, 6);
  assay_changes *changes = compare(before, after, NULL);
  assay_verdict verdict = changes->items[0].verdict;
  *false_alarms = alarms(changes) - (verdict == ASSAY_VERDICT_WORSE || verdict == ASSAY_VERDICT_CRITICAL);
  assert_int_equal(changes->items[0].before_count, 1);
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
  return verdict;
}

static void repetitions_of_one_process_are_one_value(void **state) {
  (void)state;
  size_t false_alarms;
  assert_int_equal(first_of_lone(1, 1.1, &false_alarms), ASSAY_VERDICT_INCONCLUSIVE); /* 20 repetitions that agree to 0.2 % prove nothing */
  assert_int_equal(first_of_lone(1, 2, &false_alarms), ASSAY_VERDICT_INCONCLUSIVE);
  assert_int_equal(first_of_lone(30, 1.1, &false_alarms), ASSAY_VERDICT_WORSE); /* 29 others show how much processes differ */
  assert_int_equal(false_alarms, 0);
}

static void the_history_knows_how_much_processes_differ(void **state) {
  (void)state;
  double noise = 0.03;
  noise_questions = 0;
  assay_result *before = lone(1, 1, 0.01, 5), *after = lone(1, 1.12, 0.01, 6);
  assay_changes *changes = compare(before, after, &(assay_compare_config){.noise = known_noise, .noise_user = &noise});
  assert_int_equal(changes->items[0].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(noise_questions, 1);
  assert_true(changes->items[0].p_value > 1e-6); /* 12 % where 19 of 20 differ by less than 3 */
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
}

/* ---- Thresholds --------------------------------------------------------------------------------------------------------------------- */

static assay_status load(const char *text, assay_error *err, assay_thresholds **thresholds) {
  char *dir = NULL, path[4096];
  assert_int_equal(assay_os_temp_dir(NULL, &dir), ASSAY_OK);
  snprintf(path, sizeof path, "%s/t.toml", dir);
  assert_int_equal(assay_os_write_file(path, text, strlen(text), NULL), ASSAY_OK);
  assay_status status = assay_thresholds_load(path, err, thresholds);
  assay_os_remove_tree(dir);
  assay_free(dir);
  return status;
}

static void thresholds_come_from_files(void **state) {
  (void)state;
  assay_error err = {0};
  assay_thresholds *t = NULL;
  assert_ok(assay_thresholds_load(NULL, &err, &t), err);
  for (int kind = 0; kind <= ASSAY_KIND_COUNT; kind++) { /* the shipped file says what the code falls back to */
    assay_threshold shipped = assay_threshold_for(t, "s", "b", "m", (assay_metric_kind)kind);
    assay_threshold built_in = assay_threshold_for(NULL, "s", "b", "m", (assay_metric_kind)kind);
    assert_near(shipped.warning, built_in.warning, 1e-12);
    assert_near(shipped.critical, built_in.critical, 1e-12);
  }
  assay_thresholds_destroy(t);
  assert_ok(load("[thresholds]\ntime = \"3 %\"\nmemory = { warning = 0.2, critical = \"90 %\" }\n"
                 "[[threshold]]\nbenchmark = \"s/alloc*\"\nwarning = \"40 %\"\n"
                 "[[threshold]]\nbenchmark = \"s/alloc_1g\"\nmetric = \"time\"\nwarning = \"1 %\"\ncritical = \"2 %\"\n",
                 &err, &t),
            err);
  assert_near(assay_threshold_for(t, "s", "b", "time", ASSAY_KIND_TIME).warning, 0.03, 1e-12);
  assert_near(assay_threshold_for(t, "s", "b", "time", ASSAY_KIND_TIME).critical, 0.075, 1e-12);
  assert_near(assay_threshold_for(t, "s", "b", "peak_rss", ASSAY_KIND_MEMORY).critical, 0.9, 1e-12);
  assert_near(assay_threshold_for(t, "s", "alloc_2g", "time", ASSAY_KIND_TIME).warning, 0.4, 1e-12);
  assert_near(assay_threshold_for(t, "s", "alloc_1g", "time", ASSAY_KIND_TIME).critical, 0.02, 1e-12);
  assert_near(assay_threshold_for(t, "s", "alloc_1g", "peak_rss", ASSAY_KIND_MEMORY).warning, 0.4, 1e-12);
  assert_near(assay_threshold_for(t, "s", "b", "l", ASSAY_KIND_LATENCY).warning, 0.2, 1e-12); /* as shipped */
  assay_thresholds_destroy(t);
}

static void bad_thresholds_name_the_place(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"[thresholds]\ntime = \"5 ms\"\n", "t.toml:2:8"},
      {"[thresholds]\ntime = -1\n", "t.toml:2:8"},
      {"[thresholds]\ntimes = \"5 %\"\n", "'time'"},
      {"[thresholds]\ntime = { critical = \"5 %\" }\n", "warning"},
      {"[thresholds]\ntime = { warning = \"5 %\", critical = \"4 %\" }\n", "below"},
      {"[[threshold]]\nbenchmark = \"x\"\n", "warning"},
      {"[[threshold]]\nbench = \"x\"\nwarning = 1\n", "benchmark"},
      {"threshold = 5\n", "[[threshold]]"},
      {"[other]\n", "neither"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assay_thresholds *t = NULL;
    assert_int_not_equal(load(cases[i][0], &err, &t), ASSAY_OK);
    if (strstr(err.message, cases[i][1]) == NULL) fail_msg("'%s' does not say %s", err.message, cases[i][1]);
    assert_null(t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_that_scatter_are_noise),
      cmocka_unit_test(a_slow_machine_is_noise_and_a_few_slow_benchmarks_are_not),
      cmocka_unit_test(the_history_knows_the_noise),
      cmocka_unit_test(a_busy_machine_is_no_verdict),
      cmocka_unit_test(nobody_is_slow_on_a_machine_that_others_have_taken),
      cmocka_unit_test(what_a_neighbour_explains),
      cmocka_unit_test(threads_that_wait_may_be_faster_beside_others),
      cmocka_unit_test(a_tenth_of_a_cpu_counts_for_threads_that_wait),
      cmocka_unit_test(other_machines_are_refused_unless_asked_for),
      cmocka_unit_test(repetitions_of_one_process_are_one_value),
      cmocka_unit_test(the_history_knows_how_much_processes_differ),
      cmocka_unit_test(thresholds_come_from_files),
      cmocka_unit_test(bad_thresholds_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
