/* SPDX-License-Identifier: MIT */
/* The roofline on ceilings that were made up, so that every expected figure can be worked out by hand. */
#include <assay/ceilings.h>

#include "test.h"

/* L1 32 KiB, L2 1 MiB, L3 32 MiB, 4 threads. GB/s are bytes a ns. */
static const char *const header =
    "{\"schema\":\"assay-ceilings/1\",\"method\":1,\"assay\":\"x\",\"machine\":\"m\",\"kernel\":\"k\",\"measured_at_s\":1,\"quick\":false,"
    "\"took_s\":1.5,\"threads\":4,\"last_level_bytes\":67108864,\"levels\":[{\"name\":\"l1\",\"size_bytes\":32768},{\"name\":\"l2\",\"size_"
    "bytes\":"
    "1048576},{\"name\":\"l3\",\"size_bytes\":33554432}],\"ceilings\":[";

typedef struct row {
  const char *name;
  double giga;
} row;

static const row usual[] = {
    {"l1.read", 200},
    {"l1.write", 100},
    {"l1.copy", 160},
    {"l1.triad", 180},
    {"l2.read", 100},
    {"l2.write", 50},
    {"l2.copy", 80},
    {"l2.triad", 90},
    {"l3.read", 50},
    {"l3.write", 25},
    {"l3.copy", 40},
    {"l3.triad", 45},
    {"memory.read.1t", 20},
    {"memory.write.1t", 10},
    {"memory.copy.1t", 14},
    {"memory.triad.1t", 15},
    {"memory.write_nt.1t", 18},
    {"memory.copy_nt.1t", 16},
    {"memory.triad_nt.1t", 12},
    {"memory.read.Nt", 60},
    {"memory.read.2t", 35},
    {"flops.f64.vector", 40},
    {"flops.f32.vector", 80},
    {"flops.f32.vector.Nt", 300},
    {"ops.int8.vector", 400},
    {NULL, 0},
};

static assay_ceilings *make(const row *rows) {
  char *text = malloc(100000);
  size_t used = (size_t)snprintf(text, 100000, "%s", header);
  for (const row *r = rows; r->name != NULL; r++) {
    used += (size_t)snprintf(
        text + used, 100000 - used,
        "%s{\"name\":\"%s\",\"unit\":\"B/s\",\"better\":\"higher\",\"available\":true,\"value\":%.0f,\"typical\":1,\"spread_ratio\":0}",
        r == rows ? "" : ",", r->name, r->giga * 1e9);
  }
  used += (size_t)snprintf(text + used, 100000 - used, "]}");
  assay_ceilings *ceilings = NULL;
  assay_error err = {0};
  assert_ok(assay_ceilings_from_json(text, used, &err, &ceilings), err);
  free(text);
  return ceilings;
}

static void check(const assay_ceilings *ceilings, assay_work work, const char *name, double ns) {
  const char *found = NULL;
  double limit = 0;
  assert_int_equal(assay_ceilings_bind(ceilings, &work, &found, &limit), ASSAY_OK);
  assert_string_equal(found, name);
  assert_near(limit, ns, 1e-9 * ns);
}

static void the_working_set_chooses_the_level(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  check(c, (assay_work){.bytes_read = 16384}, "l1.read", 16384 / 200.0);
  check(c, (assay_work){.bytes_read = 16384, .working_set_bytes = 1 << 19}, "l2.read", 16384 / 100.0);
  check(c, (assay_work){.bytes_read = 16384, .working_set_bytes = 1 << 24}, "l3.read", 16384 / 50.0);
  check(c, (assay_work){.bytes_read = 1 << 28}, "memory.read.1t", (1 << 28) / 20.0);
  /* a quarter above the L1: 2 * 32 / 40 - 1 = 0.6 of it still comes from there */
  check(c, (assay_work){.bytes_read = 40960}, "l2.read", 0.6 * 40960 / 200 + 0.4 * 40960 / 100);
  assay_ceilings_destroy(c);
}

static void reads_and_writes_are_split_into_measured_mixes(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  check(c, (assay_work){.bytes_written = 1000}, "l1.write", 10);
  check(c, (assay_work){.bytes_read = 800, .bytes_written = 800}, "l1.copy", 10);
  check(c, (assay_work){.bytes_read = 1200, .bytes_written = 600}, "l1.triad", 10);
  check(c, (assay_work){.bytes_read = 1200 + 4000, .bytes_written = 600}, "l1.read", 10 + 20);
  check(c, (assay_work){.bytes_read = 800, .bytes_written = 800 + 2000}, "l1.write", 10 + 20);
  /* 3:2 is one triad (2:1) and one copy (1:1) */
  check(c, (assay_work){.bytes_read = 600 * 3, .bytes_written = 600 * 2}, "l1.triad", 1800 / 180.0 + 1200 / 160.0);
  assay_ceilings_destroy(c);
}

static void memory_takes_the_faster_kind_of_store(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  double big = 1e9;
  check(c, (assay_work){.bytes_written = big}, "memory.write_nt.1t", big / 18);
  check(c, (assay_work){.bytes_read = big, .bytes_written = big}, "memory.copy_nt.1t", 2 * big / 16);
  check(c, (assay_work){.bytes_read = 2 * big, .bytes_written = big}, "memory.triad.1t", 3 * big / 15);
  assay_ceilings_destroy(c);
}

static void threads_scale_caches_and_share_memory(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  check(c, (assay_work){.bytes_read = 1e5, .threads = 4}, "l1.read", 1e5 / 800);       /* 25 KB each */
  check(c, (assay_work){.bytes_read = 1e9, .threads = 2}, "memory.read.1t", 1e9 / 40); /* two threads cannot do more than twice one */
  check(c, (assay_work){.bytes_read = 1e9, .threads = 4}, "memory.read.Nt", 1e9 / 60);
  check(c, (assay_work){.bytes_read = 1e9, .threads = 64}, "memory.read.Nt", 1e9 / 60); /* only 4 CPUs */
  check(c, (assay_work){.bytes_read = 6e7, .threads = 4}, "l3.read", 6e7 / 200);        /* all L3 together hold 64 MiB */
  assay_ceilings_destroy(c);
}

static void many_threads_are_never_slower_than_one(void **state) {
  (void)state;
  const row noisy[] = {{"memory.read.1t", 30}, {"memory.read.Nt", 12}, {NULL, 0}};
  assay_ceilings *c = make(noisy);
  check(c, (assay_work){.bytes_read = 3e9, .threads = 4}, "memory.read.1t", 1e8);
  assay_ceilings_destroy(c);
}

static void the_longer_of_traffic_and_arithmetic_binds(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  check(c, (assay_work){.bytes_read = 2000, .flops = 4000}, "flops.f64.vector", 100); /* f64 unless told */
  check(c, (assay_work){.bytes_read = 2000, .flops = 40}, "l1.read", 10);
  check(c, (assay_work){.flops = 8000, .flop_type = "f32"}, "flops.f32.vector", 100);
  check(c, (assay_work){.flops = 8000, .flop_type = "int8"}, "ops.int8.vector", 20);
  check(c, (assay_work){.flops = 30000, .flop_type = "f32", .threads = 4}, "flops.f32.vector.Nt", 100);
  check(c, (assay_work){.flops = 16000, .flop_type = "f32", .threads = 2}, "flops.f32.vector", 100);
  assay_ceilings_destroy(c);
}

static void work_without_a_ceiling_is_not_found(void **state) {
  (void)state;
  assay_ceilings *c = make(usual);
  const char *name = "untouched";
  double ns = -1;
  assert_int_equal(assay_ceilings_bind(c, &(assay_work){0}, &name, &ns), ASSAY_ERR_NOT_FOUND);
  assert_int_equal(assay_ceilings_bind(c, &(assay_work){.flops = 1, .flop_type = "bf16"}, &name, &ns), ASSAY_ERR_NOT_FOUND);
  assert_string_equal(name, "untouched");
  assert_true(ns == -1);
  assay_ceilings_destroy(c);
}

static void a_level_that_was_not_measured_is_passed_over(void **state) {
  (void)state;
  const row no_l1[] = {{"l2.read", 100}, {"memory.read.1t", 20}, {NULL, 0}};
  assay_ceilings *c = make(no_l1);
  check(c, (assay_work){.bytes_read = 1000}, "l2.read", 10);
  assay_ceilings_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_working_set_chooses_the_level),      cmocka_unit_test(reads_and_writes_are_split_into_measured_mixes),
      cmocka_unit_test(memory_takes_the_faster_kind_of_store),  cmocka_unit_test(threads_scale_caches_and_share_memory),
      cmocka_unit_test(many_threads_are_never_slower_than_one), cmocka_unit_test(the_longer_of_traffic_and_arithmetic_binds),
      cmocka_unit_test(work_without_a_ceiling_is_not_found),    cmocka_unit_test(a_level_that_was_not_measured_is_passed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
