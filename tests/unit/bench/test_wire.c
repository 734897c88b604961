/* SPDX-License-Identifier: MIT */
/* What crosses between the processes, and the rule over samples: pure functions. */
#include "bench/wire.h"

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "bench/process.h"
#include "test.h"

static void fill(assay_bench_process *p) {
  *p = (assay_bench_process){.outcome = ASSAY_OUTCOME_OK,
                             .steady = ASSAY_STEADY_UNTESTED,
                             .warmup_s = 0.5,
                             .clock_cost_ns = 20,
                             .items = 3,
                             .threads = 2,
                             .ceiling_set = true};
  p->sample_count = 7;
  p->samples = assay_calloc(ASSAY_TAG_BENCH, 7, sizeof *p->samples);
  for (size_t i = 0; i < 7; i++)
    p->samples[i] = (assay_bench_sample){.ns = (double)i, .operations = i + 1, .covariates = {.steal_ms = NAN}};
  assay_bench_process_add(p, "accuracy", 0.5, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
  assay_bench_process_add(p, "cpu_time", 5, "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  p->latency = assay_alloc(ASSAY_TAG_BENCH, sizeof *p->latency);
  assay_histogram_init(p->latency);
  for (uint64_t v = 1; v < 100000000; v *= 7) assay_histogram_record(p->latency, v);
}

static void a_report_survives_the_way(void **state) {
  (void)state;
  assay_bench_process sent, got = {.order = 5, .env_padding = 9};
  assay_error err = {0};
  fill(&sent);
  assay_buf out = {0};
  assay_wire_put_report(&out, &sent);
  assert_ok(assay_wire_get_report(out.data, out.length, &err, &got), err);
  assert_int_equal(got.order, 5); /* the runner's own */
  assert_int_equal(got.env_padding, 9);
  assert_true(got.steady == ASSAY_STEADY_UNTESTED && got.ceiling_set && got.threads == 2);
  assert_int_equal(got.sample_count, 7);
  assert_memory_equal(got.samples, sent.samples, 7 * sizeof *got.samples);
  assert_int_equal(got.figure_count, 2);
  assert_string_equal(got.figures[1].name, "cpu_time");
  assert_memory_equal(got.latency, sent.latency, sizeof *got.latency);
  assert_null(got.service);
  assay_buf_deinit(&out);
  assay_bench_process_deinit(&sent);
  assay_bench_process_deinit(&got);
}

static void a_histogram_that_contradicts_itself_is_refused(void **state) {
  (void)state;
  for (int lie = 0; lie < 6; lie++) {
    assay_bench_process sent, got = {0};
    fill(&sent);
    assay_histogram *h = sent.latency;
    if (lie == 1) h->min = 1000;
    if (lie == 2) h->max *= 2;
    if (lie == 3) h->sum = -5;
    if (lie == 4) h->sum = 1e30;
    if (lie == 5) h->over_range = 100;
    assay_buf out = {0};
    assay_wire_put_report(&out, &sent);
    assert_int_equal(assay_wire_get_report(out.data, out.length, NULL, &got), lie == 0 ? ASSAY_OK : ASSAY_ERR_CORRUPT);
    assay_buf_deinit(&out);
    assay_bench_process_deinit(&sent);
    assay_bench_process_deinit(&got);
  }
}

/* Flips bytes and cuts the end. The hash in the frame catches them; with the hash mended by hand the reader itself has to. */
static void a_damaged_report_is_refused_or_read_without_harm(void **state) {
  (void)state;
  assay_bench_process sent;
  fill(&sent);
  assay_buf out = {0};
  assay_wire_put_report(&out, &sent);
  assay_random random;
  assay_random_init(&random, 1);
  for (int round = 0; round < 3000; round++) {
    char *copy = malloc(out.length);
    memcpy(copy, out.data, out.length);
    size_t length = round % 3 == 0 ? (size_t)assay_random_below(&random, out.length) : out.length;
    for (int i = 0; i < 3; i++) copy[24 + assay_random_below(&random, out.length - 24)] ^= (char)(1 << assay_random_below(&random, 8));
    assay_bench_process got = {0};
    assert_int_equal(assay_wire_get_report(copy, length, NULL, &got), ASSAY_ERR_CORRUPT);
    assert_null(got.samples);
    if (length > 24) {
      uint64_t frame[2] = {length - 24, 0xcbf29ce484222325u};
      for (size_t i = 24; i < length; i++) frame[1] = (frame[1] ^ (unsigned char)copy[i]) * 0x100000001b3u;
      memcpy(copy + 8, frame, sizeof frame);
      if (assay_wire_get_report(copy, length, NULL, &got) == ASSAY_OK) {
        assert_true(got.outcome <= ASSAY_OUTCOME_FAILED && got.figure_count <= ASSAY_BENCH_MAX_METRICS + ASSAY_BENCH_OWN_METRICS);
        for (size_t i = 0; i < got.sample_count; i++) assert_true(isfinite(got.samples[i].ns) && got.samples[i].ns >= 0);
        for (size_t i = 0; i < got.figure_count; i++) assert_true(got.figures[i].kind <= ASSAY_KIND_COUNT);
        assay_bench_process_deinit(&got);
      }
    }
    free(copy);
  }
  assay_buf_deinit(&out);
  assay_bench_process_deinit(&sent);
}

static void a_request_survives_the_way(void **state) {
  (void)state;
  assay_request sent = {.time_s = 0.5,
                        .seed = 42,
                        .suite = "s",
                        .name = "n",
                        .param_count = 1,
                        .params = {{"p", ""}},
                        .shell = "",
                        .preloaded = true},
                got;
  assay_buf out = {0};
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_error err = {0};
  assay_wire_put_request(&out, &sent);
  assert_ok(assay_wire_get_request(out.data, out.length, &arena, &err, &got), err);
  assert_string_equal(got.suite, "s");
  assert_string_equal(got.params[0].value, "");
  assert_string_equal(got.shell, "");
  assert_null(got.prepare);
  assert_null(got.command);
  assert_true(got.seed == 42 && got.preloaded);
  assert_int_equal(assay_wire_get_request(out.data, out.length - 1, &arena, &err, &got), ASSAY_ERR_CORRUPT);
  assay_arena_deinit(&arena);
  assay_buf_deinit(&out);
}

static void make_samples(assay_bench_sample *samples, size_t count) {
  for (size_t i = 0; i < count; i++)
    samples[i] = (assay_bench_sample){.ns = 1, .operations = 1, .covariates = {NAN, 0, 0, NAN, 0, 0, NAN, NAN, 1000}};
}

static void samples_are_set_aside_on_covariates_only(void **state) {
  (void)state;
  assay_bench_sample s[20];
  make_samples(s, 20);
  s[0].ns = 1e9; /* slow is no reason */
  s[1].covariates.involuntary_switches = 1;
  s[2].covariates.migrations = 1;
  s[3].covariates.steal_ms = 10;
  s[4].covariates.major_faults = 2;
  s[5].covariates.throttled_us = 1;
  s[6].covariates.spin_ratio = 1101;
  s[7].covariates.spin_ratio = 1099;
  s[8].covariates.voluntary_switches = s[8].covariates.minor_faults = s[8].covariates.pressure_us =
      100; /* the benchmark's own doing, or others' */
  assay_bench_judge_samples(s, 20);
  const uint32_t expected[] = {0,
                               ASSAY_ASIDE_PREEMPTED,
                               ASSAY_ASIDE_MIGRATED,
                               ASSAY_ASIDE_STOLEN,
                               ASSAY_ASIDE_FAULTED,
                               ASSAY_ASIDE_THROTTLED,
                               ASSAY_ASIDE_SPIN,
                               0,
                               0,
                               0};
  for (size_t i = 0; i < 10; i++) {
    assert_int_equal(s[i].aside, expected[i]);
    assert_int_equal(s[i].marks, expected[i]);
  }
  assert_near(s[6].covariates.spin_ratio, 1.101, 1e-12);
}

static void a_machine_that_is_always_disturbed_keeps_all_samples(void **state) {
  (void)state;
  assay_bench_sample s[10];
  make_samples(s, 10);
  for (size_t i = 0; i < 5; i++) s[i].covariates.steal_ms = 10;
  assay_bench_judge_samples(s, 10);
  assert_int_equal(s[0].aside, ASSAY_ASIDE_STOLEN); /* half is not more than half */
  make_samples(s, 10);
  for (size_t i = 0; i < 6; i++) s[i].covariates.steal_ms = 10;
  assay_bench_judge_samples(s, 10);
  for (size_t i = 0; i < 10; i++) {
    assert_int_equal(s[i].aside, 0);
    assert_int_equal(s[i].marks, i < 6 ? ASSAY_ASIDE_STOLEN : 0);
  }
  assay_bench_judge_samples(s, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_report_survives_the_way),
      cmocka_unit_test(a_histogram_that_contradicts_itself_is_refused),
      cmocka_unit_test(a_damaged_report_is_refused_or_read_without_harm),
      cmocka_unit_test(a_request_survives_the_way),
      cmocka_unit_test(samples_are_set_aside_on_covariates_only),
      cmocka_unit_test(a_machine_that_is_always_disturbed_keeps_all_samples),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
