/* SPDX-License-Identifier: MIT */
#include <assay/crossover.h>
#include <assay/device.h>

#include <math.h>

#include "base/arena.h"
#include "run/crossover.h"
#include "test.h"

enum { POINTS = 6 };

/* A device that starts after `latency` and then does `rate` items a second, for sizes 10^1 ... 10^count. */
static assay_crossover_curve make_curve(const char *device, double latency, double rate, size_t count,
                                        assay_crossover_point points[POINTS]) {
  for (size_t i = 0; i < count; i++) {
    double size = pow(10, (double)i + 1), seconds = latency + size / rate;
    points[i] =
        (assay_crossover_point){.size = size, .seconds = seconds, .low = seconds, .high = seconds, .calls = 3, .answer = 1.25 * size};
  }
  return (assay_crossover_curve){
      .operation = "european", .type = "f32", .what = "an option", .unit = "paths", .device = device, .points = points, .count = count};
}

static assay_crossover_advice advise(const assay_crossover_curve *curves, size_t count, assay_arena *arena) {
  const assay_crossover_advice *advice = NULL;
  size_t advised = 0;
  assert_int_equal(assay_crossover_advise(curves, count, arena, &advice, &advised), ASSAY_OK);
  assert_int_equal(advised, 1);
  return advice[0];
}

/* 1e-3 + n/1e8 meets n/1e6 at n = 1010. */
static void the_crossover_is_where_the_lines_meet(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("cuda:0", 1e-3, 1e8, POINTS, b)};
  assay_crossover_advice found = advise(curves, 2, &arena);
  assert_string_equal(found.small, "cpu");
  assert_string_equal(found.large, "cuda:0");
  assert_true(found.from > 900 && found.from < 1100);
  assert_near(found.most, 1.0 / (1e-3 + 0.01), 1e-9);
  assert_true(found.same_bits);
  assert_non_null(strstr(found.sentence, "cpu up to about"));
  assay_arena_deinit(&arena);
}

static void one_that_always_leads_has_no_crossover(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("opencl:0", 1e-6, 5e5, POINTS, b)};
  assay_crossover_advice found = advise(curves, 2, &arena);
  assert_string_equal(found.small, "cpu");
  assert_string_equal(found.large, "cpu");
  assert_true(isnan(found.from));
  assert_non_null(strstr(found.sentence, "cpu at every size"));
  assay_arena_deinit(&arena);
}

/* Ahead at both ends and behind between them is not ahead at every size; a lapse within the noise is none. */
static void one_that_falls_back_between_does_not_lead_everywhere(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  static const struct {
    int from, to;
    double noise;
    const char *says;
  } cases[] = {{2, 3, 0, ": cpu, but opencl:0 from 1 k paths to 10 k paths (cpu is 2 times as fast as opencl:0 at 1 M paths)"},
               {4, 4, 0, ": cpu, but opencl:0 at 100 k paths (cpu is 2 times as fast as opencl:0 at 1 M paths)"},
               {2, 3, 0.6, ": cpu at every size (2 times as fast as opencl:0 at 1 M paths)"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    assay_crossover_point a[POINTS], b[POINTS];
    assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("opencl:0", 0, 5e5, POINTS, b)};
    for (int i = cases[k].from; i <= cases[k].to; i++) {
      b[i].seconds = b[i].high = b[i].low = 0.7 * a[i].seconds;
      a[i].low *= 1 - cases[k].noise;
    }
    assay_crossover_advice found = advise(curves, 2, &arena);
    assert_string_equal(found.small, "cpu");
    assert_string_equal(found.large, "cpu");
    assert_non_null(strstr(found.sentence, cases[k].says));
  }
  assay_arena_deinit(&arena);
}

/* Five per cent ahead with times that vary by ten: the next run may say the opposite, so this one says neither. */
static void a_lead_within_the_noise_is_none(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  for (int swap = 0; swap < 2; swap++) {
    assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("opencl:0", 0, 1e6, POINTS, b)};
    for (int i = 0; i < POINTS; i++) {
      (i < 3 ? a : b)[i].seconds *= swap ? 1.05 : 0.95; /* one leads at small sizes, the other at large ones */
      a[i].low *= 0.9, a[i].high *= 1.1, b[i].low *= 0.9, b[i].high *= 1.1;
    }
    assay_crossover_advice found = advise(curves, 2, &arena);
    assert_true(isnan(found.from) && !found.clear);
    assert_string_equal(found.small, found.large);
    assert_non_null(strstr(found.sentence, "their times overlap"));
  }
  /* A clear lead at the end counts from where it is clear. */
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("cuda:0", 0, 1e6, POINTS, b)};
  for (int i = 0; i < POINTS; i++) {
    a[i].seconds *= 0.95;
    if (i == 0) a[i].seconds *= 0.5, a[i].low *= 0.45, a[i].high *= 0.55;
    a[i].low *= 0.9, a[i].high *= 1.1, b[i].low *= 0.9, b[i].high *= 1.1;
    if (i >= 4) b[i].seconds /= 10, b[i].low /= 10, b[i].high /= 10;
  }
  assay_crossover_advice found = advise(curves, 2, &arena);
  assert_string_equal(found.small, "cpu");
  assert_string_equal(found.large, "cuda:0");
  assert_true(found.clear && found.from >= 1e4 && found.from <= 1e5);
  assay_arena_deinit(&arena);
}

/* One device leads clearly at small sizes, the other is ahead at the end but not clearly: whoever is named first is the one with the ratio.
 */
static void what_happened_to_be_ahead_is_named_first(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("opencl:0", 1e-3, 1e6, POINTS, b)};
  for (int i = 0; i < POINTS; i++) b[i].high *= 1.3;
  b[POINTS - 1].seconds = 0.8 * a[POINTS - 1].seconds;
  assay_crossover_advice found = advise(curves, 2, &arena);
  assert_true(isnan(found.from) && !found.clear);
  assert_string_equal(found.small, "cpu");
  assert_string_equal(found.large, "cpu");
  assert_near(found.most, 1.25, 1e-9);
  assert_non_null(strstr(found.sentence, "opencl:0 or cpu: their times overlap at 1 M paths (1.25 times as fast"));
  assert_non_null(strstr(found.sentence, "; cpu at small sizes"));
  assay_arena_deinit(&arena);
}

static void a_point_or_two_are_not_every_size(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  static const char *const said[] = {"cpu, as far as it was measured (2 times as fast as opencl:0 at 10 paths, the only size of both)",
                                     "cpu, as far as it was measured (2 times as fast as opencl:0 at 100 paths, the larger of two sizes)",
                                     "cpu at every size (2 times as fast as opencl:0 at 1 k paths)"};
  for (size_t common = 1; common <= 3; common++) {
    assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("opencl:0", 0, 5e5, common, b)};
    assay_crossover_advice found = advise(curves, 2, &arena);
    assert_non_null(strstr(found.sentence, said[common - 1]));
  }
  assay_arena_deinit(&arena);
}

static void curves_that_end_early_or_never_began_do_not_mislead(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, 5, a), make_curve("cuda:0", 1e-3, 1e8, POINTS, b),
                                    make_curve("opencl:0", 0, 1, 0, b)};
  curves[2].cause = "no double precision";
  assay_crossover_advice found = advise(curves, 3, &arena);
  assert_string_equal(found.large, "cuda:0");
  assert_near(found.most, 0.1 / (1e-3 + 1e-3), 1e-9); /* at the largest size that both have */
  curves[0].cause = curves[1].cause = "lost";
  found = advise(curves, 3, &arena);
  assert_null(found.small);
  assert_non_null(strstr(found.sentence, "no device here can do it"));
  assay_arena_deinit(&arena);
}

static void answers_that_differ_are_said(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_crossover_point a[POINTS], b[POINTS];
  assay_crossover_curve curves[] = {make_curve("cpu", 0, 1e6, POINTS, a), make_curve("cuda:0", 1e-3, 1e8, POINTS, b)};
  b[3].answer = nextafter(b[3].answer, 0);
  assay_crossover_advice found = advise(curves, 2, &arena);
  assert_false(found.same_bits);
  assert_non_null(strstr(found.sentence, "same answers"));
  assay_arena_deinit(&arena);
}

static void the_processor_is_measured_and_shown(void **state) {
  (void)state;
  assay_error err = {0};
  assay_crossover *found = NULL;
  assay_crossover_config config = {.operations = "euro,copy", .devices = "cpu", .seconds = 0.5};
  assert_ok(assay_crossover_measure(&config, &err, &found), err);
  assert_int_equal(found->curve_count, 3);
  for (size_t i = 0; i < found->curve_count; i++) {
    assert_null(found->curves[i].cause);
    assert_true(found->curves[i].count >= 2 && found->curves[i].points[0].seconds > 0 && found->curves[i].points[0].calls >= 3);
  }
  const char *const marks[] = {"Which device for what", "assay-crossover/1", "</html>"};
  for (int format = 0; format < 3; format++) {
    char *text = NULL;
    assert_ok(assay_crossover_render(found, (assay_crossover_format)format, &err, &text), err);
    assert_non_null(strstr(text, marks[format]));
    assay_string_free(text);
  }
  assay_crossover_destroy(found);
}

static void what_is_not_there_is_named(void **state) {
  (void)state;
  assay_crossover *found = NULL;
  assay_error err = {0};
  assert_int_equal(assay_crossover_measure(&(assay_crossover_config){.operations = "swap"}, &err, &found), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "'swap'; there are: upload, download"));
  err = (assay_error){0};
  assert_int_equal(assay_crossover_measure(&(assay_crossover_config){.devices = "cpu,vulkan:0"}, &err, &found), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "'vulkan:0'"));
  assay_device_row rows[16];
  size_t count = assay_device_list(rows, 16);
  for (size_t i = 0; i < count && i < 16; i++) {
    if (rows[i].available) continue;
    err = (assay_error){0};
    assert_int_equal(assay_crossover_measure(&(assay_crossover_config){.devices = rows[i].info.id}, &err, &found), ASSAY_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, rows[i].cause)); /* not only that it is not there */
  }
  err = (assay_error){0};
  assert_int_equal(assay_crossover_measure(&(assay_crossover_config){.seconds = NAN}, &err, &found), ASSAY_ERR_INVALID);
  const int stop = 1;
  err = (assay_error){0};
  assert_int_equal(assay_crossover_measure(&(assay_crossover_config){.devices = "cpu", .stop = &stop}, &err, &found),
                   ASSAY_ERR_INTERRUPTED);
  assert_null(found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_crossover_is_where_the_lines_meet),
      cmocka_unit_test(one_that_always_leads_has_no_crossover),
      cmocka_unit_test(one_that_falls_back_between_does_not_lead_everywhere),
      cmocka_unit_test(a_lead_within_the_noise_is_none),
      cmocka_unit_test(what_happened_to_be_ahead_is_named_first),
      cmocka_unit_test(a_point_or_two_are_not_every_size),
      cmocka_unit_test(curves_that_end_early_or_never_began_do_not_mislead),
      cmocka_unit_test(answers_that_differ_are_said),
      cmocka_unit_test(the_processor_is_measured_and_shown),
      cmocka_unit_test(what_is_not_there_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
