/* SPDX-License-Identifier: MIT */
/* The ring of activities, and operations that are timed with it. */
#include "device/ring.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fake.h"
#include "os/ticks.h"

static void push(const char *label, double bytes) {
  const assay_ring_row row = {
      .kind = ASSAY_ACTIVITY_COPY, .label = label, .begin_ticks = assay_ticks_stamp(), .bytes = bytes, .flops = -bytes};
  assay_ring_push(&row);
}

static void rows_come_back_in_order(void **state) {
  (void)state;
  assay_activity rows[8];
  uint64_t cursor = 0, lost = 0;
  while (assay_activity_read(&cursor, rows, 8, &lost) > 0) {
  }
  double before = (double)assay_os_now_ns();
  for (int i = 0; i < 5; i++) push("a", i);
  double after = (double)assay_os_now_ns();
  assert_int_equal(assay_activity_read(&cursor, rows, 3, &lost), 3);
  assert_int_equal(assay_activity_read(&cursor, rows + 3, 5, &lost), 2);
  assert_int_equal(assay_activity_read(&cursor, rows, 0, &lost), 0);
  assert_int_equal(lost, 0);
  for (int i = 0; i < 5; i++) {
    assert_true(rows[i].bytes == i && rows[i].flops == -i);
    assert_true(i == 0 || rows[i].number == rows[i - 1].number + 1);
    assert_true(rows[i].begin_ns > before - 1e6 && rows[i].begin_ns < after + 1e6);
    assert_string_equal(rows[i].label, "a");
  }
}

static void a_full_ring_says_what_was_overwritten(void **state) {
  (void)state;
  static assay_activity rows[256];
  uint64_t cursor = 0, lost = 0, first_lost = 0, got = 0;
  while (assay_activity_read(&cursor, rows, 256, &first_lost) > 0) {
  }
  for (int i = 0; i < ASSAY_RING_SLOTS + 1000; i++) push("b", i);
  for (size_t n; (n = assay_activity_read(&cursor, rows, 256, &lost)) > 0; got += n) {
    if (got == 0) assert_true(rows[0].bytes == 1000);
  }
  assert_int_equal(lost, 1000);
  assert_int_equal(got, ASSAY_RING_SLOTS);
  uint64_t covered = 0, dropped = 0;
  assay_activity_stats stats[4];
  assert_int_equal(assay_activity_summarise(stats, 4, &covered, &dropped), 1);
  assert_int_equal(stats[0].count, ASSAY_RING_SLOTS);
  assert_int_equal(covered, ASSAY_RING_SLOTS);
  assert_true(dropped >= 1000);
}

enum { WRITERS = 3, PUSHES = 100000 };
static atomic_uint running;

static void *write_rows(void *user) {
  for (int i = 0; i < PUSHES; i++) push(user, i);
  atomic_fetch_sub(&running, 1);
  return NULL;
}

/* A reader alongside: every row is whole (its fields belong together) and no row is neither read nor counted as lost. */
static void writers_never_wait_and_rows_are_whole(void **state) {
  (void)state;
  static const char labels[WRITERS][8] = {"one", "two", "three"};
  static assay_activity rows[1024];
  double last[WRITERS] = {-1, -1, -1};
  uint64_t cursor = 0, before = 0, lost = 0, got = 0;
  pthread_t ids[WRITERS];
  while (assay_activity_read(&cursor, rows, 1024, &before) > 0) {
  }
  atomic_store(&running, WRITERS);
  for (int i = 0; i < WRITERS; i++) assert_int_equal(pthread_create(&ids[i], NULL, write_rows, (void *)(uintptr_t)labels[i]), 0);
  for (bool more = true; more;) {
    more = atomic_load(&running) > 0;
    for (size_t n; (n = assay_activity_read(&cursor, rows, 1024, &lost)) > 0; got += n) {
      for (size_t i = 0; i < n; i++) {
        int who = 0;
        while (who < WRITERS && rows[i].label != labels[who]) who++;
        assert_true(who < WRITERS);
        assert_true(rows[i].flops == -rows[i].bytes);
        assert_true(rows[i].bytes > last[who]);
        last[who] = rows[i].bytes;
      }
    }
  }
  for (int i = 0; i < WRITERS; i++) pthread_join(ids[i], NULL);
  assert_int_equal(got + lost, WRITERS * PUSHES);
  assert_true(got > 0);
}

static void devices_leave_rows(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  double sums[3 * MC_EUROPEAN_SUMS];
  uint64_t cursor = 0, lost = 0;
  static assay_activity rows[64];
  unsigned seen[ASSAY_ACTIVITY_KIND_COUNT] = {0};
  assert_ok(assay_device_open("dummy", &err, &device), err);
  while (assay_activity_read(&cursor, rows, 64, &lost) > 0) {
  }
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(small_run(device, stream, 3, sums, &err), err);
  assay_stream_destroy(stream);
  size_t count = assay_activity_read(&cursor, rows, 64, &lost);
  for (size_t i = 0; i < count; i++) {
    seen[rows[i].kind]++;
    assert_string_equal(assay_activity_device(rows[i].device), "dummy");
    if (rows[i].kind == ASSAY_ACTIVITY_LAUNCH) assert_string_equal(rows[i].label, "mc_european_f64");
    if (rows[i].kind == ASSAY_ACTIVITY_ALLOC) assert_true(rows[i].bytes == sizeof sums && !rows[i].hit);
  }
  assert_int_equal(seen[ASSAY_ACTIVITY_ALLOC], 1);
  assert_int_equal(seen[ASSAY_ACTIVITY_FREE], 1);
  assert_int_equal(seen[ASSAY_ACTIVITY_LAUNCH], 1);
  assert_int_equal(seen[ASSAY_ACTIVITY_READ], 1);
  assert_true(seen[ASSAY_ACTIVITY_SYNC] >= 1);
  assay_device_close(device);
}

static void an_operation_is_timed(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  assay_perf perf;
  assay_perf_report report;
  assay_activity row;
  uint64_t cursor = 0, lost = 0;
  assert_ok(assay_device_open("cpu", &err, &device), err);
  assay_perf_begin(&perf, "nothing");
  assay_perf_end(&perf, 1, 1);
  assert_false(assay_perf_get(&perf, 0, &report)); /* off */
  assay_perf_enable(true);
  static assay_activity rows[256];
  while (assay_activity_read(&cursor, rows, 256, &lost) > 0) {
  }
  assay_perf_begin(&perf, "nap");
  assay_perf_set_device(&perf, device);
  uint64_t begin = assay_os_now_ns();
  assay_os_sleep_ns(2000000);
  double slept = (double)(assay_os_now_ns() - begin);
  assay_perf_end(&perf, 4e6, 0);
  assert_true(assay_perf_get(&perf, 1e6, &report));
  assert_true(report.ns >= slept * 0.99 && slept >= 2e6);
  assert_near(report.bytes_per_s, 4e6 / report.ns * 1e9, 1);
  assert_true(isnan(report.flops_per_s));
  assert_near(report.ceiling_ratio, 1e6 / report.ns, 1e-12);
  assert_string_equal(report.device, "cpu");
  assert_int_equal(assay_activity_read(&cursor, &row, 1, &lost), 1);
  assert_int_equal(row.kind, ASSAY_ACTIVITY_OPERATION);
  assert_string_equal(row.label, "nap");
  assert_near(row.duration_ns, report.ns, 1);
  assay_perf_enable(false);
  assay_perf_end(&perf, 1, 1); /* its begin was on, but it is off now */
  assert_int_equal(assay_activity_read(&cursor, &row, 1, &lost), 0);
  assay_device_close(device);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_come_back_in_order),
      cmocka_unit_test(a_full_ring_says_what_was_overwritten),
      cmocka_unit_test(writers_never_wait_and_rows_are_whole),
      cmocka_unit_test(devices_leave_rows),
      cmocka_unit_test(an_operation_is_timed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
