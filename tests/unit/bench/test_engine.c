/* SPDX-License-Identifier: MIT */
/* The engine's arithmetic and its state machine, under a clock of the test's own (fake_system.h). */
#include "bench/engine.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bench/engine_parts.h"
#include "bench/process.h"
#include "test.h"

#undef pthread_create

/* ---- The system ---- */

enum { CLOCK_READ = 25 }; /* ns that a reading takes; its value is that of its beginning */

static _Atomic uint64_t now, slept; /* ns */
static atomic_int cpu;
static _Atomic uint64_t usage_read, usage_cost, preempted_every;
static atomic_int threads_left; /* how many may still be started */

uint64_t fake_ticks(void) { return atomic_fetch_add(&now, CLOCK_READ); }
double fake_ticks_per_ns(void) { return 1; }
uint64_t fake_thread_cpu_ns(void) { return now - slept; }
int fake_current_cpu(void) { return cpu; }
assay_os_noise_source *fake_noise_open(void) { return NULL; }

int fake_counter_open(assay_os_counter counter, char *cause, size_t size) {
  (void)counter;
  snprintf(cause, size, "none here");
  return -1;
}

/* Every so many readings somebody was preempted. */
void fake_get_usage(assay_os_usage *usage) {
  uint64_t readings = ++usage_read;
  now += usage_cost;
  *usage = (assay_os_usage){.cpu_ns = (double)(now - slept)};
  if (preempted_every > 0) usage->involuntary_switches = (double)(readings / preempted_every);
}

int fake_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return threads_left-- > 0 ? pthread_create(thread, attributes, run, argument) : EAGAIN;
}

static void work(double ns) { now += (uint64_t)ns; }

static void block(double ns) {
  slept += (uint64_t)ns;
  now += (uint64_t)ns;
}

/* ---- Running a benchmark ---- */

static assay_bench_process process;

static void reset(void) {
  assay_bench_process_deinit(&process);
  process = (assay_bench_process){0};
  now = 1000000;
  slept = usage_read = usage_cost = preempted_every = 0;
  cpu = 0;
  threads_left = 1000;
}

static const assay_bench_process *run(const assay_bench_desc *desc, const char *threads) {
  assay_bench_case bench = {.desc = desc, .name = "made", .suite = "made"};
  if (threads != NULL) {
    bench.param_count = 1;
    bench.params[0].name = "threads";
    bench.params[0].value = threads;
  }
  assay_engine_options options = {.time_s = 0.03, .warmup_s = 0.02, .seed = 1};
  assay_engine_run(&bench, &options, &process);
  return &process;
}

static const assay_bench_process *run_function(void (*function)(assay_bench *b)) {
  assay_bench_desc desc = {.name = "made", .run = function};
  return run(&desc, NULL);
}

static double figure(const assay_bench_process *p, const char *name) {
  for (size_t i = 0; i < p->figure_count; i++) {
    if (strcmp(p->figures[i].name, name) == 0) return p->figures[i].value;
  }
  return NAN;
}

static void assert_ran(const assay_bench_process *p) {
  if (p->outcome == ASSAY_OUTCOME_OK) return;
  print_error("%s\n", p->reason);
  fail();
}

/* ---- Batches ---- */

static void takes_100_ns(assay_bench *b) { ASSAY_LOOP(b) work(100); }

static void the_clock_is_subtracted(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(takes_100_ns);
  assert_ran(p);
  assert_near(p->clock_cost_ns, CLOCK_READ, 0);
  assert_true(p->sample_count >= 5);
  for (size_t i = 0; i < p->sample_count; i++) assert_near(p->samples[i].ns, 100, 1e-9);
}

static void batches_dwarf_the_clock(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(takes_100_ns);
  assert_ran(p);
  for (size_t i = 0; i < p->sample_count; i++) {
    double batch_ns = p->samples[i].ns * (double)p->samples[i].operations;
    assert_true(batch_ns >= 1000 * CLOCK_READ && batch_ns >= 50e3);
    assert_true(batch_ns <= 0.03e9 / 5); /* and there is more than one */
  }
}

static void the_measuring_lasts_as_long_as_asked(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(takes_100_ns);
  double all_ns = 0;
  for (size_t i = 0; i < p->sample_count; i++) all_ns += p->samples[i].ns * (double)p->samples[i].operations;
  assert_near(all_ns, 0.03e9, 0.001e9);
}

static void cpu_time_is_that_of_the_operations(void **state) {
  (void)state;
  reset();
  assert_near(figure(run_function(takes_100_ns), "cpu_time"), 100, 1);
}

static void works_and_blocks(assay_bench *b) {
  ASSAY_LOOP(b) {
    work(300);
    block(700);
  }
}

static void blocking_is_time_and_not_cpu_time(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(works_and_blocks);
  assert_near(p->samples[0].ns, 1000, 1e-6);
  assert_near(figure(p, "cpu_time"), 300, 3);
}

static void pauses_and_blocks(assay_bench *b) {
  ASSAY_LOOP(b) {
    work(20000);
    assay_bench_pause(b);
    block(100000);
    work(5000);
    assay_bench_resume(b);
  }
}

static void a_pause_takes_its_own_cpu_time_only(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(pauses_and_blocks);
  assert_ran(p);
  for (size_t i = 0; i < p->sample_count; i++) assert_near(p->samples[i].ns, 20000, 1);
  assert_near(figure(p, "cpu_time"), 20000, 200);
}

/* ---- Steady or not ---- */

/* 200 ns, then less and less until 5 ms have gone. */
static void warms_up(assay_bench *b) { ASSAY_LOOP(b) work(now < 6000000 ? 100 + (double)(6000000 - now) / 50000 : 100); }

static void samples_begin_when_it_is_warm(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(warms_up);
  assert_ran(p);
  assert_int_equal(p->steady, ASSAY_STEADY_YES);
  assert_true(p->warmup_s > 0.004 && p->warmup_s < 0.02);
  for (size_t i = 0; i < p->sample_count; i++) assert_near(p->samples[i].ns, 100, 0.5);
}

static void gets_slower(assay_bench *b) { ASSAY_LOOP(b) work(100 + (double)now / 50000); }

static void what_always_drifts_is_not_steady(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(gets_slower);
  assert_ran(p);
  assert_int_equal(p->steady, ASSAY_STEADY_NO);
  assert_true(p->warmup_s > 0.019 && p->warmup_s < 0.022); /* the limit */
}

static void turns_slower(assay_bench *b) { ASSAY_LOOP(b) work(now < 17000000 ? 100 : 105); }

static void what_changes_while_it_is_measured_is_not_steady(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(turns_slower);
  assert_ran(p);
  assert_int_equal(p->steady, ASSAY_STEADY_NO);
  assert_near(p->samples[0].ns, 100, 0.5);
  assert_near(p->samples[p->sample_count - 1].ns, 105, 0.5);
}

static void is_slow_at_first(assay_bench *b) {
  int operation = 0;
  ASSAY_LOOP(b) work(operation++ < 3 ? 60e6 : 30e6);
}

static void a_few_slow_operations_test_nothing(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(is_slow_at_first);
  assert_ran(p);
  assert_true(p->sample_count < 5);
  assert_int_equal(p->steady, ASSAY_STEADY_UNTESTED);
}

/* ---- Figures ---- */

static int metric_count;
static const char *metric_name;

static void sets_metrics(assay_bench *b) {
  ASSAY_LOOP(b) work(100);
  for (int i = 0; i < metric_count; i++) {
    char name[16];
    snprintf(name, sizeof name, "m%u.%d", assay_bench_thread(b), i);
    assay_bench_metric(b, name, i, "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
  }
  if (metric_name != NULL) assay_bench_metric(b, metric_name, assay_bench_thread(b), "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
}

static void figures_arrive_or_the_benchmark_says_why_not(void **state) {
  (void)state;
  assay_bench_desc desc = {.name = "made", .run = sets_metrics};
  metric_name = NULL;
  reset();
  metric_count = ASSAY_BENCH_MAX_METRICS;
  const assay_bench_process *p = run(&desc, NULL);
  assert_ran(p);
  assert_near(figure(p, "m0.31"), 31, 0);
  assert_near(figure(p, "cpu_time"), 100, 1);
  reset();
  metric_count = ASSAY_BENCH_MAX_METRICS + 1;
  run(&desc, NULL);
  assert_int_equal(p->outcome, ASSAY_OUTCOME_FAILED);
  assert_non_null(strstr(p->reason, "more than 32 metrics"));
  reset();
  metric_count = 16;
  run(&desc, "3");
  assert_int_equal(p->outcome, ASSAY_OUTCOME_FAILED);
  assert_non_null(strstr(p->reason, "more than 32 metrics"));
  reset();
  metric_count = 8;
  metric_name = "shared";
  run(&desc, "3");
  assert_ran(p);
  assert_near(figure(p, "m2.7"), 7, 0);
  assert_near(figure(p, "shared"), 0, 0); /* thread 0's */
  static const char *const refused[] = {
      "time", "peak_rss", "cpu_time", "latency_p99", "items_per_second", "", "a name of more than forty-seven bytes, as none should be"};
  metric_count = 0;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    reset();
    metric_name = refused[i];
    run(&desc, NULL);
    assert_int_equal(p->outcome, ASSAY_OUTCOME_FAILED);
    assert_non_null(strstr(p->reason, refused[i]));
  }
}

/* ---- What else happened ---- */

static void a_preempted_sample_is_set_aside(void **state) {
  (void)state;
  reset();
  preempted_every = 40;
  const assay_bench_process *p = run_function(takes_100_ns);
  assert_ran(p);
  size_t aside = 0;
  for (size_t i = 0; i < p->sample_count; i++) {
    bool preempted = p->samples[i].covariates.involuntary_switches > 0;
    assert_int_equal(p->samples[i].aside, preempted ? ASSAY_ASIDE_PREEMPTED : 0);
    aside += preempted;
  }
  /* Two readings a sample, and every 40th reading counts one more. */
  assert_true(aside >= p->sample_count / 40 && aside > 0 && aside <= p->sample_count / 20 + 1);
}

static void moves_once_a_batch(assay_bench *b) {
  uint64_t last = 0;
  ASSAY_LOOP(b) {
    work(100);
    if (now - last > 40000) {
      cpu++;
      last = now;
    }
  }
}

static void a_change_of_cpu_is_a_migration_of_one_thread(void **state) {
  (void)state;
  reset();
  const assay_bench_process *p = run_function(moves_once_a_batch);
  assert_ran(p);
  for (size_t i = 0; i < p->sample_count; i++) assert_near(p->samples[i].covariates.migrations, 1, 0);
}

static void readings_of_different_threads_are_no_migration(void **state) {
  (void)state;
  reset();
  assay_bench_desc desc = {.name = "made", .run = moves_once_a_batch};
  const assay_bench_process *p = run(&desc, "2");
  assert_ran(p);
  for (size_t i = 0; i < p->sample_count; i++) {
    assert_true(isnan(p->samples[i].covariates.migrations));
    assert_int_equal(p->samples[i].marks & ASSAY_ASIDE_MIGRATED, 0);
  }
}

/* ---- Threads ---- */

/* Thread 0 comes from each meeting 20 us late, as where threads share a CPU; the others do nothing. */
static void meets_late(assay_bench *b) {
  uint64_t release = 0;
  ASSAY_LOOP(b) {
    if (assay_bench_thread(b) > 0) continue;
    if (b->engine->release != release) {
      release = b->engine->release;
      work(20000);
    }
    work(100);
  }
}

static void the_meeting_of_threads_is_outlasted(void **state) {
  (void)state;
  reset();
  assay_bench_desc desc = {.name = "made", .run = meets_late};
  const assay_bench_process *p = run(&desc, "2");
  assert_ran(p);
  assert_int_equal(p->threads, 2);
  /* 20 us are below 1.4 % of the batch that a twentieth of the time allows; 40 % of one of 50 us. */
  for (size_t i = 0; i < p->sample_count; i++) assert_true(p->samples[i].ns >= 99.9 && p->samples[i].ns < 102);
}

static void one_returns_early(assay_bench *b) {
  if (assay_bench_thread(b) == 1) return;
  ASSAY_LOOP(b) work(100);
}

static void threads_that_do_not_start_hold_nobody(void **state) {
  (void)state;
  assay_bench_mode modes[] = {ASSAY_MODE_BATCH, ASSAY_MODE_LATENCY};
  for (int mode = 0; mode < 2; mode++) {
    for (int started = 0; started < 3; started++) {
      for (int round = 0; round < 20; round++) {
        reset();
        threads_left = started;
        alarm(30);
        assay_bench_desc desc = {.name = "made", .run = one_returns_early, .mode = modes[mode]};
        const assay_bench_process *p = run(&desc, "4");
        alarm(0);
        assert_int_equal(p->outcome, ASSAY_OUTCOME_FAILED);
        assert_non_null(strstr(p->reason, "cannot start thread"));
      }
    }
  }
}

/* ---- Latency ---- */

static uint64_t quantile(const assay_histogram *h, double q) { return (uint64_t)assay_histogram_quantile(h, q); }

static void works_5_us_and_pauses(assay_bench *b) {
  ASSAY_LOOP(b) {
    work(5000);
    assay_bench_pause(b);
    block(150000);
    assay_bench_resume(b);
  }
}

static void a_pause_is_no_backlog(void **state) {
  (void)state;
  reset();
  assay_bench_desc desc = {.name = "made", .run = works_5_us_and_pauses, .mode = ASSAY_MODE_LATENCY, .rate_hz = 10000};
  const assay_bench_process *p = run(&desc, NULL);
  assert_ran(p);
  assert_true(p->latency->count > 10);
  assert_near((double)quantile(p->latency, 0.5), 5000, 60);
  assert_near((double)quantile(p->latency, 0.99), 5000, 60);
  assert_near(p->rate_achieved_hz, 10000, 10);
  assert_near(figure(p, "cpu_time"), 5000, 200);
}

static void works_5_us(assay_bench *b) { ASSAY_LOOP(b) work(5000); }

static void waiting_for_the_schedule_is_not_cpu_time(void **state) {
  (void)state;
  reset();
  assay_bench_desc desc = {.name = "made", .run = works_5_us, .mode = ASSAY_MODE_LATENCY, .rate_hz = 10000};
  const assay_bench_process *p = run(&desc, NULL);
  assert_ran(p);
  assert_near(p->rate_achieved_hz, 10000, 10);
  assert_near(figure(p, "cpu_time"), 5000, 100);
}

static void what_cannot_keep_up_is_late(void **state) {
  (void)state;
  reset();
  assay_bench_desc desc = {.name = "made", .run = works_5_us, .mode = ASSAY_MODE_LATENCY, .rate_hz = 400000};
  const assay_bench_process *p = run(&desc, NULL);
  assert_ran(p);
  assert_near(p->rate_achieved_hz, 199000, 1500); /* 5 us each, and the clock */
  assert_near((double)quantile(p->service, 0.9), 5000, 60);
  assert_true(quantile(p->latency, 0.5) > 1000000); /* half of them wait for the other half */
}

static void works_little(assay_bench *b) { ASSAY_LOOP(b) work(100); }

/* Thread 0 works for the engine at the end of a window, 20 us each time, while the other goes on. */
static void threads_do_not_exceed_their_schedule(void **state) {
  (void)state;
  for (int round = 0; round < 5; round++) {
    reset();
    usage_cost = 20000;
    assay_bench_desc desc = {.name = "made", .run = works_little, .mode = ASSAY_MODE_LATENCY, .rate_hz = 200000};
    const assay_bench_process *p = run(&desc, "2");
    assert_ran(p);
    assert_true(p->rate_achieved_hz > 0);
    assert_true(p->rate_achieved_hz <= 1.01 * 200000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clock_is_subtracted),
      cmocka_unit_test(batches_dwarf_the_clock),
      cmocka_unit_test(the_measuring_lasts_as_long_as_asked),
      cmocka_unit_test(cpu_time_is_that_of_the_operations),
      cmocka_unit_test(blocking_is_time_and_not_cpu_time),
      cmocka_unit_test(a_pause_takes_its_own_cpu_time_only),
      cmocka_unit_test(samples_begin_when_it_is_warm),
      cmocka_unit_test(what_always_drifts_is_not_steady),
      cmocka_unit_test(what_changes_while_it_is_measured_is_not_steady),
      cmocka_unit_test(a_few_slow_operations_test_nothing),
      cmocka_unit_test(figures_arrive_or_the_benchmark_says_why_not),
      cmocka_unit_test(a_preempted_sample_is_set_aside),
      cmocka_unit_test(a_change_of_cpu_is_a_migration_of_one_thread),
      cmocka_unit_test(readings_of_different_threads_are_no_migration),
      cmocka_unit_test(the_meeting_of_threads_is_outlasted),
      cmocka_unit_test(threads_that_do_not_start_hold_nobody),
      cmocka_unit_test(a_pause_is_no_backlog),
      cmocka_unit_test(waiting_for_the_schedule_is_not_cpu_time),
      cmocka_unit_test(what_cannot_keep_up_is_late),
      cmocka_unit_test(threads_do_not_exceed_their_schedule),
  };
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  reset();
  return failures;
}
