/* SPDX-License-Identifier: MIT */
/* Real fresh processes of this very program, well-behaved and not. */
#include <assay/bench.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void spend(double seconds) {
  uint64_t until = assay_os_now_ns() + (uint64_t)(seconds * 1e9);
  while (assay_os_now_ns() < until) {
  }
}

/* ---- Benchmarks ---- */

ASSAY_BENCH(plain, .suite = "good") { ASSAY_LOOP(b) assay_keep_memory(); }

ASSAY_BENCH(declares, .suite = "good", .params = {{"n", "1Ki"}, {"x", "0.5"}, {"type", "f32"}}) {
  double n = (double)assay_bench_u64(b, "n") + assay_bench_f64(b, "x") + (double)strlen(assay_bench_text(b, "type"));
  ASSAY_LOOP(b) assay_keep_memory();
  assay_bench_items(b, n);
  assay_bench_bytes(b, 10, 20);
  assay_bench_flops(b, 30, "f64");
  assay_bench_working_set(b, 40);
  assay_bench_ceiling(b, "memory.read");
  assay_bench_metric(b, "accuracy", 0.25, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
  assay_bench_metric(b, "accuracy", 0.75, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
}

ASSAY_BENCH(threaded, .suite = "good", .params = {{"threads", "1,3"}}) {
  ASSAY_LOOP(b) assay_keep_memory();
  assay_bench_items(b, 2);
}

ASSAY_BENCH(allocates, .suite = "good") {
  free(malloc(12345)); /* set-up does not count */
  ASSAY_LOOP(b) {
    for (int i = 0; i < 3; i++) {
      void *block = malloc(100);
      assay_keep(block);
      free(block);
    }
    assay_bench_pause(b);
    void *unseen = malloc(1000);
    assay_keep(unseen);
    free(unseen);
    assay_bench_resume(b);
  }
  free(malloc(12345));
}

/* One operation waits 1 ms off the clock for nearly nothing on it. */
ASSAY_BENCH(pauses, .suite = "good") {
  ASSAY_LOOP(b) {
    assay_bench_pause(b);
    spend(0.001);
    assay_bench_resume(b);
    assay_keep_memory();
  }
}

ASSAY_BENCH(seeded, .suite = "seed") {
  ASSAY_LOOP(b) assay_keep_memory();
  assay_bench_metric(b, "seed", (double)(assay_bench_seed(b) >> 12), "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
  const char *padding = getenv("ASSAY_PADDING");
  assay_bench_metric(b, "padding", padding != NULL ? (double)strlen(padding) : NAN, "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
  const char *preload = getenv("LD_PRELOAD");
  assay_bench_metric(b, "preload", preload != NULL && strstr(preload, "assay") != NULL, "1", ASSAY_KIND_COUNT, ASSAY_LOWER);
}
ASSAY_BENCH(seeded_too, .suite = "seed") { ASSAY_LOOP(b) assay_keep_memory(); }
ASSAY_BENCH(seeded_as_well, .suite = "seed") { ASSAY_LOOP(b) assay_keep_memory(); }

ASSAY_BENCH(slow_operation, .suite = "good") { ASSAY_LOOP(b) spend(0.02); }

ASSAY_BENCH(operations, .suite = "latency", .mode = ASSAY_MODE_LATENCY) { ASSAY_LOOP(b) spend(2e-6); }

ASSAY_BENCH(shared_schedule, .suite = "latency", .mode = ASSAY_MODE_LATENCY, .rate_hz = 20000, .params = {{"threads", "2"}}) {
  ASSAY_LOOP(b) assay_keep_memory();
}

/* 1000 a second; one operation stalls for 50 ms. */
ASSAY_BENCH(stalls, .suite = "latency", .mode = ASSAY_MODE_LATENCY, .rate_hz = 1000) {
  uint64_t operation = 0;
  ASSAY_LOOP(b) {
    if (++operation == 150) spend(0.05);
  }
}

ASSAY_BENCH(crashes, .suite = "bad") { ASSAY_LOOP(b) raise(SIGSEGV); }
ASSAY_BENCH(aborts, .suite = "bad") {
  (void)b;
  fputs("first line\nlast words\n", stderr);
  abort();
}
ASSAY_BENCH(exits, .suite = "bad") {
  (void)b;
  exit(3);
}
ASSAY_BENCH(exits_well, .suite = "bad") {
  (void)b;
  exit(0);
}
ASSAY_BENCH(hangs, .suite = "bad", .timeout_s = 0.3) {
  signal(SIGTERM, SIG_IGN);
  ASSAY_LOOP(b) pause();
}
ASSAY_BENCH(eats_memory, .suite = "bad") {
  (void)b;
  for (;;) {
    char *block = malloc(1 << 20);
    memset(block, 1, 1 << 20);
    assay_keep(block);
  }
}
ASSAY_BENCH(writes_everywhere, .suite = "bad") {
  for (int fd = 0; fd < 64; fd++) {
    for (int i = 0; i < 10; i++) {
      ssize_t ignored = write(fd, "garbage\n\x01\xff", 10);
      (void)ignored;
    }
  }
  ASSAY_LOOP(b) assay_keep_memory();
}
ASSAY_BENCH(floods, .suite = "bad", .timeout_s = 20) {
  static char block[65536];
  while (write(3, block, sizeof block) > 0) {
  }
  ASSAY_LOOP(b) assay_keep_memory();
}
ASSAY_BENCH(never_loops, .suite = "bad") { (void)b; }
ASSAY_BENCH(breaks, .suite = "bad") {
  int passes = 0;
  ASSAY_LOOP(b) {
    if (++passes == 3) break;
  }
}
ASSAY_BENCH(does_less_than_nothing, .suite = "bad") {
  ASSAY_LOOP(b) assay_keep_memory();
  assay_bench_bytes(b, 8, -5);
}
ASSAY_BENCH(only_resumes, .suite = "bad") { ASSAY_LOOP(b) assay_bench_resume(b); }
ASSAY_BENCH(only_pauses, .suite = "bad") { ASSAY_LOOP(b) assay_bench_pause(b); }
ASSAY_BENCH(measures_nothing, .suite = "bad") {
  ASSAY_LOOP(b) assay_keep_memory();
  assay_bench_metric(b, "score", 0.0 / 0.0, "1", ASSAY_KIND_COUNT, ASSAY_HIGHER);
}
ASSAY_BENCH(read, .suite = "good") { ASSAY_LOOP(b) assay_keep_memory(); } /* a name that libc has too */
ASSAY_BENCH(asks_wrongly, .suite = "bad", .params = {{"n", "1"}}) { ASSAY_LOOP(b) assay_keep(1000 / assay_bench_u64(b, "m")); }
ASSAY_BENCH(one_thread_fails, .suite = "bad", .params = {{"threads", "3"}}) {
  if (assay_bench_thread(b) == 1) {
    assay_bench_fail(b, "thread one says no");
    return;
  }
  ASSAY_LOOP(b) assay_keep_memory();
}
ASSAY_BENCH(skips, .suite = "bad") { assay_bench_skip(b, "no input %d", 7); }
ASSAY_BENCH(lacks, .suite = "bad") { assay_bench_unsupported(b, "no such device"); }

ASSAY_BENCH(noisy, .suite = "fine") {
  for (int i = 0; i < 20000; i++) puts("noise on stdout"), fputs("noise on stderr\n", stderr);
  ASSAY_LOOP(b) assay_keep_memory();
}
/* Leaves a child behind that holds all descriptors. */
ASSAY_BENCH(forks, .suite = "fine") {
  if (fork() == 0) {
    sleep(100);
    _exit(0);
  }
  ASSAY_LOOP(b) assay_keep_memory();
}

/* Leaves one behind in a session of its own that never stops talking. */
ASSAY_BENCH(leaves_a_daemon, .suite = "daemon") {
  const char *path = getenv("TEST_PID_FILE");
  if (fork() == 0) {
    setsid();
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) fprintf(file, "%d\n", (int)getpid()), fclose(file);
    alarm(40);
    for (;;) fputs("still here\n", stderr);
  }
  for (int i = 0; path != NULL && i < 1000 && access(path, F_OK) != 0; i++) usleep(10000);
  ASSAY_LOOP(b) assay_keep_memory();
}

ASSAY_BENCH(sleeps_long, .suite = "orphan", .timeout_s = 100) {
  const char *path = getenv("TEST_PID_FILE");
  FILE *file = path != NULL ? fopen(path, "w") : NULL;
  if (file != NULL) {
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
  }
  ASSAY_LOOP(b) sleep(100);
}

/* ---- Running them ---- */

static assay_bench_plan *plan;
static assay_bench_outcomes *outcomes;

static const assay_bench_config quick = {.quick = true, .processes = 2, .time_s = 0.005, .warmup_s = 0.005, .seed = 7};

static void forget(void) {
  assay_bench_outcomes_destroy(outcomes);
  assay_bench_plan_destroy(plan);
  outcomes = NULL;
  plan = NULL;
}

static void run(const char *filter, const assay_bench_config *config) {
  forget();
  assay_error err = {0};
  assert_ok(assay_bench_plan_create(NULL, filter, &err, &plan), err);
  assert_true(assay_bench_plan_count(plan) > 0);
  assert_ok(assay_bench_run(plan, config, &err, &outcomes), err);
  assert_int_equal(outcomes->count, assay_bench_plan_count(plan));
}

static const assay_bench_process *process_of(size_t bench, size_t index) {
  assert_true(bench < outcomes->count && index < outcomes->items[bench].process_count);
  return &outcomes->items[bench].processes[index];
}

static double figure(const assay_bench_process *process, const char *name) {
  for (size_t i = 0; i < process->figure_count; i++) {
    if (strcmp(process->figures[i].name, name) == 0) return process->figures[i].value;
  }
  print_error("no figure %s\n", name);
  fail();
  return NAN;
}

static bool has_figure(const assay_bench_process *process, const char *name) {
  for (size_t i = 0; i < process->figure_count; i++) {
    if (strcmp(process->figures[i].name, name) == 0) return true;
  }
  return false;
}

static void assert_outcome(const assay_bench_process *process, assay_outcome outcome, const char *reason) {
  if (process->outcome == outcome && strstr(process->reason, reason) != NULL) return;
  print_error("outcome is %s (%s), expected %s (%s)\n", assay_outcome_text(process->outcome), process->reason, assay_outcome_text(outcome),
              reason);
  fail();
}

static void expect_failure(const char *filter, const char *reason) {
  run(filter, &quick);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, reason);
  assert_int_equal(outcomes->items[0].process_count, 2);
}

/* ---- Tests ---- */

static void a_good_benchmark_gives_samples_of_every_process(void **state) {
  (void)state;
  run("good/plain", &quick);
  assert_int_equal(outcomes->items[0].process_count, 2);
  for (size_t i = 0; i < 2; i++) {
    const assay_bench_process *p = process_of(0, i);
    assert_outcome(p, ASSAY_OUTCOME_OK, "");
    assert_true(p->sample_count >= 5 || p->wall_s > 0.015);
    double own_cpus = 0;
    for (size_t k = 0; k < p->sample_count; k++) own_cpus += p->samples[k].covariates.own_cpus;
    assert_true(own_cpus > 0 && own_cpus < 1.5 * (double)p->sample_count); /* one thread that never waits */
    for (size_t k = 0; k < p->sample_count; k++) {
      assert_true(p->samples[k].ns >= 0 && p->samples[k].operations >= 1);
      assert_int_equal(p->samples[k].aside & ~p->samples[k].marks, 0);
      assert_true(p->samples[k].covariates.spin_ratio > 0);
      const assay_covariates *c = &p->samples[k].covariates;
      assert_true(isnan(c->steal_ms) ? isnan(c->stolen_cpus) : (c->stolen_cpus > 0) == (c->steal_ms > 0));
    }
    assert_true(p->clock_cost_ns > 0 && p->clock_resolution_ns > 0);
    assert_true(figure(p, "cpu_time") >= 0);
    assert_true(figure(p, "peak_rss") > 100e3);
    assert_true(has_figure(p, "cycles") != (p->counters_cause[0] != '\0')); /* there, or the cause is */
    assert_true(has_figure(p, "allocations") != (p->allocations_cause[0] != '\0'));
    assert_null(p->latency);
  }
}

static void what_a_benchmark_declares_arrives(void **state) {
  (void)state;
  run("good/declares", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_near(p->items, 1024 + 0.5 + 3, 0);
  assert_near(p->bytes_read, 10, 0);
  assert_near(p->bytes_written, 20, 0);
  assert_near(p->flops, 30, 0);
  assert_string_equal(p->flop_type, "f64");
  assert_near(p->working_set_bytes, 40, 0);
  assert_true(p->ceiling_set);
  assert_string_equal(p->ceiling, "memory.read");
  assert_near(figure(p, "accuracy"), 0.75, 0);
}

static void threads_all_run_and_their_work_adds_up(void **state) {
  (void)state;
  run("good/threaded", &quick);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_OK, "");
  assert_outcome(process_of(1, 0), ASSAY_OUTCOME_OK, "");
  assert_int_equal(process_of(1, 0)->threads, 3);
  assert_near(process_of(0, 0)->items, 2, 0);
  assert_near(process_of(1, 0)->items, 6, 0);
}

static void allocations_are_counted_exactly(void **state) {
  (void)state;
  run("good/allocates", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  if (p->allocations_cause[0] != '\0') {
    test_skip(p->allocations_cause);
    return;
  }
  assert_near(figure(p, "allocations"), 3, 0);
  assert_near(figure(p, "allocated_bytes"), 300, 0);
}

static void pauses_are_off_the_clock(void **state) {
  (void)state;
  run("good/pauses", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  double fastest = INFINITY; /* 1 ms paused: even a very slow machine measures less than a tenth of that on the clock, at least once */
  for (size_t i = 0; i < p->sample_count; i++) fastest = fmin(fastest, p->samples[i].ns);
  assert_true(fastest < 1e5);
  assert_false(has_figure(p, "cycles"));
}

static void slow_operations_are_not_repeated_for_long(void **state) {
  (void)state;
  run("good/slow_operation", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_true(p->sample_count >= 1 && p->sample_count <= 2);
  assert_true(p->samples[0].ns >= 2e7 && p->samples[0].operations == 1);
  assert_int_equal(p->steady, ASSAY_STEADY_UNTESTED);
}

static void the_seed_repeats_the_order_and_the_environment(void **state) {
  (void)state;
  unsigned order[3][4];
  uint32_t padding[3][4];
  double seeds[4];
  assay_bench_config config = quick;
  config.processes = 4;
  config.time_s = config.warmup_s = 0.001;
  run("seed/", &config);
  bool orders_mix = false, paddings_differ = false;
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = 0; k < 4; k++) {
      order[i][k] = process_of(i, k)->order;
      padding[i][k] = process_of(i, k)->env_padding;
      orders_mix = orders_mix || order[i][k] / 4 != i;
      paddings_differ = paddings_differ || padding[i][k] != padding[0][0];
    }
  }
  assert_true(orders_mix && paddings_differ);
  for (size_t k = 0; k < 4; k++) {
    seeds[k] = figure(process_of(0, k), "seed");
    assert_near(figure(process_of(0, k), "padding"), padding[0][k], 0); /* it got there */
    assert_near(figure(process_of(0, k), "preload"), 0, 0);             /* and its own children would not be counted */
    for (size_t j = 0; j < k; j++) assert_true(seeds[j] != seeds[k]);
  }
  run("seed/", &config);
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = 0; k < 4; k++) {
      assert_int_equal(process_of(i, k)->order, order[i][k]);
      assert_int_equal(process_of(i, k)->env_padding, padding[i][k]);
    }
  }
  assert_near(figure(process_of(0, 1), "seed"), seeds[1], 0);
  config.seed = 8;
  run("seed/", &config);
  bool same = true;
  for (size_t k = 0; k < 4; k++) same = same && process_of(0, k)->order == order[0][k] && process_of(0, k)->env_padding == padding[0][k];
  assert_false(same);
}

static void latency_records_every_operation(void **state) {
  (void)state;
  run("latency/operations", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_non_null(p->latency);
  assert_null(p->service);
  uint64_t operations = 0;
  for (size_t i = 0; i < p->sample_count; i++) operations += p->samples[i].operations;
  assert_true(p->latency->count == operations && operations > 0);
  assert_true(p->latency->max >= 1900); /* each takes 2 us at least */
}

static void threads_share_a_schedule(void **state) {
  (void)state;
  run("latency/shared_schedule", &quick);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_true(p->latency != NULL && p->service != NULL);
  assert_int_equal(p->latency->count, p->service->count);
  assert_true(p->latency->sum >= p->service->sum); /* a response is never shorter than its service */
  assert_true(p->latency->count > 0);
}

static void a_stall_is_seen_by_all_operations_that_it_delays(void **state) {
  (void)state;
  assay_bench_config config = quick;
  config.processes = 1;
  config.time_s = 0.4;
  config.warmup_s = 0.02;
  run("latency/stalls", &config);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_non_null(p->latency);
  assert_non_null(p->service);
  /* 50 ms at 1000 a second delay 49 further operations by 49, 48, ... ms; only one was slow itself. A busy machine adds stalls of its own
   * to both. */
  uint64_t late = 0, slow = 0;
  for (size_t i = assay_histogram_index(5000000); i < ASSAY_HISTOGRAM_BUCKETS; i++) {
    late += p->latency->buckets[i];
    slow += p->service->buckets[i];
  }
  assert_true(slow >= 1);
  assert_true(late >= 30);
  assert_true(late > 3 * slow);
  assert_true(p->rate_achieved_hz > 0 && p->rate_achieved_hz < 1100);
}

static void crashes_lose_only_their_benchmark(void **state) {
  (void)state;
  expect_failure("bad/aborts", "killed by SIGABRT (aborted): last words");
  expect_failure("bad/exits_well", "exited with code 0 inside the benchmark");
  expect_failure("bad/exits", "exited with code 3 inside the benchmark");
  expect_failure("bad/never_loops", "never entered its loop");
  expect_failure("bad/breaks", "`break` left the loop");
  expect_failure("bad/does_less_than_nothing", "cannot do -5 bytes written");
  expect_failure("bad/only_resumes", "without assay_bench_pause");
  expect_failure("bad/only_pauses", "paused twice");
  expect_failure("bad/measures_nothing", "no figure");
  expect_failure("bad/asks_wrongly", "parameter \"m\"");
  expect_failure("bad/one_thread_fails", "thread one says no");
  expect_failure("bad/writes_everywhere", "channel");
  expect_failure("bad/floods", "8 MiB");
}

static void a_segmentation_fault_is_named(void **state) {
  (void)state;
  if (SANITIZED) {
    test_skip("sanitizers catch the signal");
    return;
  }
  expect_failure("bad/crashes", "killed by SIGSEGV (segmentation fault)");
  assert_outcome(process_of(0, 1), ASSAY_OUTCOME_FAILED, "SIGSEGV");
}

static void a_hanging_benchmark_costs_one_timeout(void **state) {
  (void)state;
  assay_bench_config config = quick;
  config.processes = 4;
  run("bad/hangs", &config);
  assert_int_equal(outcomes->items[0].process_count, 4);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, "timed out after 0.3 s");
  for (size_t i = 1; i < 4; i++) {
    assert_outcome(process_of(0, i), ASSAY_OUTCOME_FAILED, "not run: timed out after 0.3 s");
    assert_near(process_of(0, i)->wall_s, 0, 0);
  }
}

static void a_memory_limit_ends_only_the_benchmark(void **state) {
  (void)state;
  if (SANITIZED) {
    test_skip("sanitizers reserve more address space than any limit");
    return;
  }
  assay_bench_config config = quick;
  config.processes = 1;
  config.memory_limit_bytes = 256u << 20;
  run("bad/eats_memory", &config);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, "memory limited to 256");
}

static void skipped_and_unsupported_stay_apart_and_run_once(void **state) {
  (void)state;
  run("bad/skips", &quick);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_SKIPPED, "no input 7");
  assert_outcome(process_of(0, 1), ASSAY_OUTCOME_SKIPPED, "no input 7");
  assert_near(process_of(0, 1)->wall_s, 0, 0);
  run("bad/lacks", &quick);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_UNSUPPORTED, "no such device");
}

static size_t open_descriptors(void) {
  size_t count = 0;
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL) return 0;
  while (readdir(dir) != NULL) count++;
  closedir(dir);
  return count;
}

static void noise_and_left_children_do_no_harm(void **state) {
  (void)state;
  size_t before = open_descriptors();
  run("fine/", &quick);
  for (size_t i = 0; i < 2; i++) assert_outcome(process_of(i, 0), ASSAY_OUTCOME_OK, "");
  assert_int_equal(open_descriptors(), before);
  assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* no zombie */
}

static volatile int stop_flag;

static void stop_after_two(const assay_bench_outcome *so_far, size_t index, size_t done, size_t total, void *user) {
  (void)so_far;
  (void)index;
  (void)user;
  assert_int_equal(total, 12);
  if (done == 2) stop_flag = 1;
}

static void a_stop_ends_the_run_and_keeps_what_there_is(void **state) {
  (void)state;
  assay_bench_config config = quick;
  config.processes = 4;
  config.stop = &stop_flag;
  config.on_process = stop_after_two;
  stop_flag = 0;
  run("seed/", &config);
  assert_true(outcomes->interrupted);
  size_t ended = 0;
  for (size_t i = 0; i < outcomes->count; i++) ended += outcomes->items[i].process_count;
  assert_int_equal(ended, 2);
}

static void on_alarm(int number) {
  (void)number;
  stop_flag = 1;
}

static void a_stop_ends_the_process_in_flight(void **state) {
  (void)state;
  assay_bench_config config = quick;
  config.stop = &stop_flag;
  stop_flag = 0;
  signal(SIGALRM, on_alarm);
  alarm(1);
  run("orphan/", &config); /* would take 100 s */
  assert_true(outcomes->interrupted);
  assert_int_equal(outcomes->items[0].process_count, 0);
}

static bool is_alive(int pid) {
  char path[64], *text = NULL;
  size_t length = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (assay_os_read_file(path, 4096, NULL, &text, &length) != ASSAY_OK) return false;
  const char *behind = strrchr(text, ')');
  bool zombie = behind != NULL && behind[2] == 'Z'; /* waiting for whoever adopted it */
  assay_free(text);
  return !zombie;
}

static void a_killed_parent_leaves_no_process(void **state) {
  (void)state;
#ifdef __linux__
  char path[4200];
  snprintf(path, sizeof path, "%s/pid", test_temp_dir());
  forget();
  pid_t parent = fork();
  if (parent == 0) {
    setenv("TEST_PID_FILE", path, 1);
    assay_error err = {0};
    if (assay_bench_plan_create(NULL, "orphan/", &err, &plan) == ASSAY_OK) assay_bench_run(plan, &quick, &err, &outcomes);
    _exit(1);
  }
  int child = 0;
  for (int i = 0; i < 1000 && child == 0; i++) {
    FILE *file = fopen(path, "r");
    if (file != NULL) {
      if (fscanf(file, "%d", &child) != 1) child = 0;
      fclose(file);
    }
    usleep(10000);
  }
  assert_true(child > 0 && is_alive(child));
  kill(parent, SIGKILL);
  waitpid(parent, NULL, 0);
  for (int i = 0; i < 500 && is_alive(child); i++) usleep(10000);
  assert_false(is_alive(child));
#else
  test_skip("needs Linux");
#endif
}

static void a_daemon_is_ended_and_holds_nobody(void **state) {
  (void)state;
#ifdef __linux__
  char path[4200];
  snprintf(path, sizeof path, "%s/daemon", test_temp_dir());
  setenv("TEST_PID_FILE", path, 1);
  assay_bench_config config = quick;
  config.processes = 1;
  run("daemon/", &config);
  unsetenv("TEST_PID_FILE");
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_OK, "");
  FILE *file = fopen(path, "r");
  int daemon = 0;
  assert_true(file != NULL && fscanf(file, "%d", &daemon) == 1);
  fclose(file);
  for (int i = 0; i < 500 && is_alive(daemon); i++) usleep(10000);
  assert_false(is_alive(daemon));
#else
  test_skip("needs Linux");
#endif
}

static void bad_configurations_are_refused(void **state) {
  (void)state;
  forget();
  assay_error err = {0};
  assert_ok(assay_bench_plan_create(NULL, "good/plain", &err, &plan), err);
  assay_bench_config config = quick;
  config.time_s = -1;
  assert_int_equal(assay_bench_run(plan, &config, &err, &outcomes), ASSAY_ERR_INVALID);
  config.time_s = NAN;
  assert_int_equal(assay_bench_run(plan, &config, &err, &outcomes), ASSAY_ERR_INVALID);
  assert_null(outcomes);
}

/* ---- Commands ---- */

static void run_commands(const assay_bench_config *config, size_t count, const char *const *commands) {
  forget();
  assay_error err = {0};
  const char *const none[] = {NULL};
  assert_ok(assay_bench_plan_create(none, NULL, &err, &plan), err);
  for (size_t i = 0; i < count; i++) assert_ok(assay_bench_plan_add_command(plan, commands[i], NULL, 0, &err), err);
  assert_ok(assay_bench_run(plan, config, &err, &outcomes), err);
}

static void commands_are_timed_and_fail_with_their_reason(void **state) {
  (void)state;
  const char *const commands[] = {"sleep 0.05", "echo oops >&2; exit 4", "kill -9 $$", "echo noise; head -c 1000000 /dev/zero >&2"};
  run_commands(&quick, 4, commands);
  const assay_bench_process *p = process_of(0, 0);
  assert_outcome(p, ASSAY_OUTCOME_OK, "");
  assert_int_equal(p->sample_count, 1);
  assert_true(p->samples[0].ns > 2e7); /* 50 ms less the start of a shell */
  assert_true(figure(p, "peak_rss") > 100e3);
  assert_true(figure(p, "cpu_time") >= 0);
  assert_outcome(process_of(1, 0), ASSAY_OUTCOME_FAILED, "exited with code 4: oops");
  assert_outcome(process_of(2, 0), ASSAY_OUTCOME_FAILED, "killed by signal 9");
  assert_outcome(process_of(3, 0), ASSAY_OUTCOME_OK, "");
}

/* A shell whose start costs much more than the command: none of it is the command's, neither wall time nor CPU time. */
static void the_start_of_the_shell_is_off_all_times(void **state) {
  (void)state;
  char shell[4200], text[4300];
  snprintf(shell, sizeof shell, "%s/slow-shell", test_temp_dir());
  static const char script[] = "#!/bin/sh\ni=0\nwhile [ $i -lt 40000 ]; do i=$((i+1)); done\nexec /bin/sh \"$@\"\n";
  assay_error err = {0};
  assert_ok(assay_os_write_file(shell, script, sizeof script - 1, &err), err);
  assert_int_equal(chmod(shell, 0700), 0);
  struct rusage before, after;
  snprintf(text, sizeof text, "'%s' -c true", shell);
  getrusage(RUSAGE_CHILDREN, &before);
  assert_int_equal(system(text), 0);
  getrusage(RUSAGE_CHILDREN, &after);
  double start_ns =
      (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e9 + (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e3;
  assay_bench_config config = quick;
  config.processes = 5;
  config.shell = shell;
  const char *const commands[] = {"true"};
  run_commands(&config, 1, commands);
  int cheap = 0, quick_ones = 0;
  for (size_t i = 0; i < 5; i++) {
    assert_outcome(process_of(0, i), ASSAY_OUTCOME_OK, "");
    cheap += figure(process_of(0, i), "cpu_time") < start_ns / 2;
    quick_ones += figure(process_of(0, i), "user_time") < start_ns / 2;
  }
  assert_true(cheap >= 3 && quick_ones >= 3); /* the CPU may change its speed meanwhile */
}

/* Preparation and command, twice, are longer than the timeout together, and none is alone. */
static void a_timeout_is_of_one_execution(void **state) {
  (void)state;
  assay_bench_config config = quick;
  config.processes = 1;
  config.timeout_s = 3;
  config.prepare = "sleep 1";
  config.command_warmup = 1;
  const char *const commands[] = {"sleep 1"};
  run_commands(&config, 1, commands);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_OK, "");
  config.processes = 3;
  config.timeout_s = 0.3;
  config.prepare = NULL;
  config.command_warmup = 0;
  const char *const hangs[] = {"sleep 100; true"};
  run_commands(&config, 1, hangs);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, "the command timed out after 0.3 s");
  assert_outcome(process_of(0, 1), ASSAY_OUTCOME_FAILED, "not run: ");
  config.prepare = "sleep 100";
  const char *const quick_one[] = {"true"};
  run_commands(&config, 1, quick_one);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, "the preparation timed out after 0.3 s");
}

static void commands_run_without_a_shell_and_after_a_preparation(void **state) {
  (void)state;
  char command[4300], prepare[4300], text[4200];
  snprintf(text, sizeof text, "%s/ran", test_temp_dir());
  snprintf(command, sizeof command, "test -e '%s'", text);
  snprintf(prepare, sizeof prepare, "echo x >> '%s'", text);
  assay_bench_config config = quick;
  config.shell = "";
  config.prepare = prepare;
  config.command_warmup = 3;
  const char *const commands[] = {command, "no-such-program-anywhere"};
  run_commands(&config, 1, commands);
  assert_outcome(process_of(0, 1), ASSAY_OUTCOME_OK, "");
  FILE *file = fopen(text, "r");
  assert_non_null(file);
  int lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  assert_int_equal(lines, 3 + 2); /* before each warm-up and before each timing */
  config.prepare = NULL;
  run_commands(&config, 1, commands + 1);
  assert_outcome(process_of(0, 0), ASSAY_OUTCOME_FAILED, "cannot be started (no-such-program-anywhere)");
}

int main(int argc, char **argv) {
  assay_bench_worker(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_benchmark_gives_samples_of_every_process),
      cmocka_unit_test(what_a_benchmark_declares_arrives),
      cmocka_unit_test(threads_all_run_and_their_work_adds_up),
      cmocka_unit_test(allocations_are_counted_exactly),
      cmocka_unit_test(pauses_are_off_the_clock),
      cmocka_unit_test(slow_operations_are_not_repeated_for_long),
      cmocka_unit_test(the_seed_repeats_the_order_and_the_environment),
      cmocka_unit_test(latency_records_every_operation),
      cmocka_unit_test(threads_share_a_schedule),
      cmocka_unit_test(a_stall_is_seen_by_all_operations_that_it_delays),
      cmocka_unit_test(crashes_lose_only_their_benchmark),
      cmocka_unit_test(a_segmentation_fault_is_named),
      cmocka_unit_test(a_hanging_benchmark_costs_one_timeout),
      cmocka_unit_test(a_memory_limit_ends_only_the_benchmark),
      cmocka_unit_test(skipped_and_unsupported_stay_apart_and_run_once),
      cmocka_unit_test(noise_and_left_children_do_no_harm),
      cmocka_unit_test(a_stop_ends_the_run_and_keeps_what_there_is),
      cmocka_unit_test(a_stop_ends_the_process_in_flight),
      cmocka_unit_test(a_killed_parent_leaves_no_process),
      cmocka_unit_test(a_daemon_is_ended_and_holds_nobody),
      cmocka_unit_test(bad_configurations_are_refused),
      cmocka_unit_test(commands_are_timed_and_fail_with_their_reason),
      cmocka_unit_test(the_start_of_the_shell_is_off_all_times),
      cmocka_unit_test(a_timeout_is_of_one_execution),
      cmocka_unit_test(commands_run_without_a_shell_and_after_a_preparation),
  };
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  forget();
  return failures;
}
