/* SPDX-License-Identifier: MIT */
/* Each probe on a small made-up machine: it gives a figure or says why not, and heeds the limits it was given. Nothing here depends on
 * speed. */
#include <stdatomic.h>

#include "machine/ceilings/probes.h"

#include "os/prim.h"

#include "test.h"

typedef struct fixture {
  assay_ceilings *set;
  assay_ceilings_run *run;
} fixture;

static void make(fixture *f) {
  assay_error err = {0};
  assert_ok(assay_ceilings_create(&err, &f->set), err);
  f->run = calloc(1, sizeof *f->run);
  assay_ceilings_run_init(f->run, NULL, true);
  f->run->set = f->set;
  f->run->repetitions = 3;
  f->run->slice_ns = 10000;
  f->run->passes = 1;
  f->run->level_bytes[1] = 16 << 10;
  f->run->level_bytes[2] = 64 << 10;
  f->run->level_bytes[3] = f->run->last_level_bytes = 512 << 10;
  f->run->memory_limit_bytes = 64 << 20;
}

static void drop(fixture *f) {
  assay_ceilings_destroy(f->set);
  free(f->run);
}

static assay_ceiling measure(const fixture *f, assay_probe probe, assay_probe_args args, assay_better better) {
  assay_ceiling row = {.name = "row", .unit = "x", .better = better};
  probe(f->run, &args, &row);
  assert_true(row.available == (row.cause == NULL));
  if (!row.available) return row;
  assert_non_null(row.detail);
  assert_true(row.value > 0 && row.spread_ratio >= 0);
  assert_true(better == ASSAY_HIGHER ? row.value >= row.typical : row.value <= row.typical);
  return row;
}

static void bandwidth_of_every_level_and_kind(void **state) {
  (void)state;
  fixture f;
  make(&f);
  for (unsigned level = 1; level <= ASSAY_LEVEL_MEMORY; level++) {
    for (int op = 0; op < ASSAY_STREAM_OPS; op++) {
      assay_ceiling row =
          measure(&f, assay_probe_bandwidth, (assay_probe_args){.level = level, .threads = 1, .op = (assay_stream_op)op}, ASSAY_HIGHER);
      if (op <= ASSAY_STREAM_TRIAD) assert_true(row.available);
#ifdef __x86_64__
      assert_true(row.available);
#endif
    }
  }
  f.run->threads = 3; /* also where there are fewer CPUs */
  assay_ceiling row =
      measure(&f, assay_probe_bandwidth, (assay_probe_args){.level = ASSAY_LEVEL_MEMORY, .op = ASSAY_STREAM_COPY}, ASSAY_HIGHER);
  assert_true(row.available);
  assert_non_null(strstr(row.detail, "3 threads"));
  drop(&f);
}

static void little_memory_makes_the_set_smaller_then_unavailable(void **state) {
  (void)state;
  fixture f;
  make(&f);
  assay_probe_args args = {.level = ASSAY_LEVEL_MEMORY, .threads = 1, .op = ASSAY_STREAM_READ};
  f.run->memory_limit_bytes = 3 * (512 << 10); /* it wants 4 x (512 + 64) KiB */
  assay_ceiling row = measure(&f, assay_probe_bandwidth, args, ASSAY_HIGHER);
  assert_true(row.available);
  assert_non_null(strstr(row.detail, "limited by free memory"));
  f.run->memory_limit_bytes = 1 << 20;
  row = measure(&f, assay_probe_bandwidth, args, ASSAY_HIGHER);
  assert_false(row.available);
  assert_non_null(strstr(row.cause, "2.250 MiB"));
  row = measure(&f, assay_probe_alloc_touched, (assay_probe_args){0}, ASSAY_LOWER);
  assert_false(row.available);
  assert_non_null(strstr(row.cause, "1 GiB"));
  /* Half of the loads of a set of twice the L3 would still hit it. */
  f.run->memory_limit_bytes = (2 << 20) - 1;
  assert_non_null(
      strstr(measure(&f, assay_probe_latency, (assay_probe_args){.level = ASSAY_LEVEL_MEMORY}, ASSAY_LOWER).cause, "2.000 MiB"));
  f.run->memory_limit_bytes = 2 << 20;
  assert_true(measure(&f, assay_probe_latency, (assay_probe_args){.level = ASSAY_LEVEL_MEMORY}, ASSAY_LOWER).available);
  drop(&f);
}

static void a_missing_cache_is_named(void **state) {
  (void)state;
  fixture f;
  make(&f);
  f.run->level_bytes[3] = 0;
  assay_ceiling row = measure(&f, assay_probe_bandwidth, (assay_probe_args){.level = 3, .threads = 1}, ASSAY_HIGHER);
  assert_string_equal(row.cause, "this machine shows no level-3 data cache");
  row = measure(&f, assay_probe_latency, (assay_probe_args){.level = 3}, ASSAY_LOWER);
  assert_string_equal(row.cause, "this machine shows no level-3 data cache");
  drop(&f);
}

static void latency_of_every_level(void **state) {
  (void)state;
  fixture f;
  make(&f);
  for (unsigned level = 1; level <= ASSAY_LEVEL_MEMORY; level++)
    assert_true(measure(&f, assay_probe_latency, (assay_probe_args){.level = level}, ASSAY_LOWER).available);
  drop(&f);
}

static void arithmetic_needs_its_instructions(void **state) {
  (void)state;
  fixture f;
  make(&f);
  static const char *const types[] = {"f64", "f32", "f16", "bf16", "int8"};
  for (size_t i = 0; i < 5; i++) {
    assay_ceiling row = measure(&f, assay_probe_flops, (assay_probe_args){.type = types[i], .shape = "vector", .threads = 1}, ASSAY_HIGHER);
    if (i < 2) assert_true(row.available);
  }
  assert_true(measure(&f, assay_probe_flops, (assay_probe_args){.type = "f32", .shape = "vector"}, ASSAY_HIGHER).available);
  f.run->isa = 0;
  assay_ceiling row = measure(&f, assay_probe_flops, (assay_probe_args){.type = "f16", .shape = "vector", .threads = 1}, ASSAY_HIGHER);
  assert_false(row.available);
  assert_non_null(strstr(row.cause, "f16"));
  assert_true(measure(&f, assay_probe_flops, (assay_probe_args){.type = "f64", .shape = "scalar", .threads = 1}, ASSAY_HIGHER).available);
  drop(&f);
}

static void the_system_answers_or_says_why_not(void **state) {
  (void)state;
  setenv("ASSAY_CACHE_DIR", test_temp_dir(), 1);
  fixture f;
  make(&f);
  const assay_probe probes[] = {assay_probe_syscall,      assay_probe_context_switch, assay_probe_wakeup_same_core,
                                assay_probe_thread_start, assay_probe_page_fault,     assay_probe_alloc_untouched,
                                assay_probe_fsync,        assay_probe_clock_cost,     assay_probe_clock_resolution};
  for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
    assay_ceiling row = measure(&f, probes[i], (assay_probe_args){0}, ASSAY_LOWER);
    if (!row.available) fail_msg("probe %zu: %s", i, row.cause);
  }
  assert_string_equal(measure(&f, assay_probe_wakeup_cross_core, (assay_probe_args){0}, ASSAY_LOWER).cause,
                      "which CPUs share a core is not known here");
  f.run->no_other_core = NULL;
  f.run->other_core = f.run->cpus[f.run->threads > 1];
  assert_true(measure(&f, assay_probe_wakeup_cross_core, (assay_probe_args){0}, ASSAY_LOWER).available);
  f.run->pins = false;
  assert_string_equal(measure(&f, assay_probe_context_switch, (assay_probe_args){0}, ASSAY_LOWER).cause,
                      "this system does not let a thread choose its CPU");
  drop(&f);
}

/* ---- The arithmetic of the figures: work of known speed on a clock that only this work moves -------------------------------------- */

/* Three ticks a ns. Each thread has a clock of its own, so that threads that do the same are equally late. */
enum { TICKS_PER_NS = 3, BYTES_PER_NS = 2, LOAD_NS = 5, OPERATIONS = 16, ITERATION_NS = 4 };

static _Thread_local uint64_t fake_now;

static uint64_t fake_ticks(void) { return fake_now; }

static uint64_t pass_time(size_t arrays, size_t count, size_t passes) {
  fake_now += arrays * count * sizeof(double) * passes * TICKS_PER_NS / BYTES_PER_NS;
  return 0;
}

static uint64_t fake_read(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  (void)a, (void)b, (void)c, (void)s;
  return pass_time(1, count, passes);
}

static uint64_t fake_copy(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  (void)a, (void)b, (void)c, (void)s;
  return pass_time(2, count, passes);
}

static uint64_t fake_triad(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  (void)a, (void)b, (void)c, (void)s;
  return pass_time(3, count, passes);
}

static double fake_flops(uint64_t iterations) {
  fake_now += iterations * ITERATION_NS * TICKS_PER_NS;
  return 0;
}

static void *fake_chase(void *start, size_t steps) {
  fake_now += steps * LOAD_NS * TICKS_PER_NS;
  return start;
}

static const assay_stream_variant fake_streams[] = {{"fake", 0, {fake_read, NULL, fake_copy, fake_triad, NULL, NULL, NULL}}, {0}};
static const assay_flops_variant fake_kernels[] = {{"f32", "vector", "fake", 0, OPERATIONS, OPERATIONS / 2, fake_flops}, {0}};

static void make_fake(fixture *f) {
  make(f);
  f->run->ticks = fake_ticks;
  f->run->ticks_per_ns = TICKS_PER_NS;
  f->run->streams = fake_streams;
  f->run->flops = fake_kernels;
  f->run->chase = fake_chase;
}

static void rates_of_known_work_are_exact(void **state) {
  (void)state;
  fixture f;
  make_fake(&f);
  for (unsigned threads = 1; threads <= 3; threads++) {
    for (unsigned level = 1; level <= ASSAY_LEVEL_MEMORY; level++) {
      if (threads > 1 && level < ASSAY_LEVEL_MEMORY) continue;
      static const assay_stream_op ops[] = {ASSAY_STREAM_READ, ASSAY_STREAM_TRIAD, ASSAY_STREAM_COPY};
      /* inside the caches the C library's own copy takes part, which does not move this clock */
      for (size_t op = 0; op < (level == ASSAY_LEVEL_MEMORY ? 3 : 2); op++) {
        assay_ceiling row =
            measure(&f, assay_probe_bandwidth, (assay_probe_args){.level = level, .threads = threads, .op = ops[op]}, ASSAY_HIGHER);
        assert_near(row.value, BYTES_PER_NS * 1e9 * threads, 1e3);
        assert_near(row.typical, BYTES_PER_NS * 1e9 * threads, 1e3);
      }
    }
    assay_ceiling row =
        measure(&f, assay_probe_flops, (assay_probe_args){.type = "f32", .shape = "vector", .threads = threads}, ASSAY_HIGHER);
    assert_near(row.value, (double)OPERATIONS / ITERATION_NS * 1e9 * threads, 1e3);
  }
  for (unsigned level = 1; level <= ASSAY_LEVEL_MEMORY; level++) {
    assay_ceiling row = measure(&f, assay_probe_latency, (assay_probe_args){.level = level}, ASSAY_LOWER);
    assert_near(row.value, LOAD_NS, 1e-9);
    assert_near(row.typical, LOAD_NS, 1e-9);
  }
  drop(&f);
}

/* A microsecond passes from each reading to the next, whoever reads. */
static uint64_t stepping_ticks(void) {
  static _Atomic uint64_t now;
  return atomic_fetch_add(&now, 1000 * TICKS_PER_NS) + 1000 * TICKS_PER_NS;
}

static void costs_are_per_call_page_and_switch(void **state) {
  (void)state;
  setenv("ASSAY_CACHE_DIR", test_temp_dir(), 1);
  fixture f;
  make_fake(&f);
  f.run->ticks = stepping_ticks;
  f.run->no_other_core = NULL;
  f.run->other_core = f.run->cpus[f.run->threads > 1];
  const struct {
    assay_probe probe;
    double ns;
  } cases[] = {
      {assay_probe_syscall, 1000.0 / 2000},
      {assay_probe_thread_start, 1000.0 / 20},
      {assay_probe_context_switch, 1000.0 / 200 / 2},
      {assay_probe_wakeup_same_core, 1000},
      {assay_probe_wakeup_cross_core, 1000},
      {assay_probe_page_fault, 1000.0 / ((16 << 20) / (double)assay_os_page_size())},
      {assay_probe_alloc_untouched, 1000},
      {assay_probe_fsync, 1000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_ceiling row = measure(&f, cases[i].probe, (assay_probe_args){0}, ASSAY_LOWER);
    if (!row.available) fail_msg("case %zu: %s", i, row.cause);
    assert_near(row.value, cases[i].ns, 1e-6);
    assert_near(row.typical, cases[i].ns, 1e-6);
  }
  drop(&f);
}

static void samples_give_best_median_and_spread(void **state) {
  (void)state;
  fixture f;
  make(&f);
  assay_samples samples = {0};
  assay_ceiling row = {.better = ASSAY_HIGHER};
  assay_samples_finish(f.run, &samples, &row);
  assert_false(row.available);
  const double values[] = {4, 1, 0, 3, 2}; /* 0 is no measurement */
  for (size_t i = 0; i < 5; i++) assay_samples_add(&samples, values[i]);
  assay_samples_finish(f.run, &samples, &row);
  assert_true(row.available && row.value == 4 && row.typical == 2.5);
  assert_near(row.spread_ratio, 3 / 2.5, 1e-12);
  row.better = ASSAY_LOWER;
  assay_samples_finish(f.run, &samples, &row);
  assert_true(row.value == 1);
  assert_near(f.set->gap_ratio, 3.0 / 1 - 1, 1e-12); /* 1, 2, 3 */
  row.better = ASSAY_HIGHER;
  assay_samples_finish(f.run, &samples, &row);
  assert_near(f.set->gap_ratio, 4.0 / 2 - 1, 1e-12); /* 4, 3, 2 */
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bandwidth_of_every_level_and_kind),
      cmocka_unit_test(little_memory_makes_the_set_smaller_then_unavailable),
      cmocka_unit_test(a_missing_cache_is_named),
      cmocka_unit_test(latency_of_every_level),
      cmocka_unit_test(arithmetic_needs_its_instructions),
      cmocka_unit_test(the_system_answers_or_says_why_not),
      cmocka_unit_test(rates_of_known_work_are_exact),
      cmocka_unit_test(costs_are_per_call_page_and_switch),
      cmocka_unit_test(samples_give_best_median_and_spread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
