/* SPDX-License-Identifier: MIT */
/* A baseline takes over what became better and what is new, and nothing else. */
#include <assay/compare.h>

#include <assay/history.h>

#include "made_result.h"
#include "test.h"

/* Five processes that agree to a tenth of a percent. */
static void add(assay_result *result, const char *name, double time) {
  static const double spread[] = {0.999, 1.0005, 1, 1.001, 0.9995};
  double processes[5];
  for (size_t i = 0; i < 5; i++) processes[i] = time * spread[i];
  test_add_made_benchmark(result, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, processes, 5);
}

typedef struct sides {
  assay_result *before, *after;
  assay_changes *changes;
} sides;

static void begin(sides *s) {
  assay_error err = {0};
  *s = (sides){.before = test_empty_result("00000000000000aa", 1000), .after = test_empty_result("00000000000000bb", 2000)};
  const char *names[] = {"same", "better", "worse", "gone"};
  for (size_t i = 0; i < 4; i++) add(s->before, names[i], 100);
  add(s->after, "same", 100.2);
  add(s->after, "better", 60);
  add(s->after, "worse", 190);
  add(s->after, "fresh", 10);
  assert_ok(assay_compare(s->before, s->after, NULL, &err, &s->changes), err);
}

static void end(sides *s) {
  assay_changes_destroy(s->changes);
  assay_result_destroy(s->before);
  assay_result_destroy(s->after);
}

static double time_of(const assay_result *result, const char *name) {
  const assay_benchmark_result *b = assay_result_find(result, "s", name);
  return b != NULL ? b->metrics[0].value : -1;
}

static void better_and_new_ones_are_taken(void **state) {
  (void)state;
  sides s;
  begin(&s);
  assay_error err = {0};
  assay_result *merged = NULL, *again = NULL;
  assert_ok(assay_baseline_merge(s.before, s.after, s.changes, &err, &merged), err);
  assert_near(time_of(merged, "same"), 100, 0.5);
  assert_true(time_of(merged, "same") == time_of(s.before, "same"));
  assert_near(time_of(merged, "better"), 60, 0.5);
  assert_near(time_of(merged, "worse"), 100, 0.5);
  assert_near(time_of(merged, "gone"), 100, 0.5);
  assert_near(time_of(merged, "fresh"), 10, 0.5);
  assert_int_equal(merged->benchmark_count, 5);
  assert_string_not_equal(merged->run.id, s.before->run.id);
  assert_string_not_equal(merged->run.id, s.after->run.id);
  assert_int_equal(strlen(merged->run.id), 16);
  assert_int_equal(merged->run.started_at_s, s.before->run.started_at_s);
  assert_ok(assay_baseline_merge(s.before, s.after, s.changes, &err, &again), err);
  assert_string_equal(merged->run.id, again->run.id);
  assay_result_destroy(again);
  assay_result_destroy(merged);
  end(&s);
}

static void what_it_wins_and_loses_is_not_taken(void **state) {
  (void)state;
  assay_change items[] = {{.suite = "s", .benchmark = "a", .metric = "time", .is_main = true, .verdict = ASSAY_VERDICT_BETTER},
                          {.suite = "s", .benchmark = "a", .metric = "peak_rss", .verdict = ASSAY_VERDICT_WORSE},
                          {.suite = "s", .benchmark = "b", .metric = "time", .is_main = true, .verdict = ASSAY_VERDICT_INCONCLUSIVE},
                          {.suite = "s", .benchmark = "b", .metric = "peak_rss", .verdict = ASSAY_VERDICT_BETTER},
                          {.suite = "s", .benchmark = "c", .metric = "time", .is_main = true, .verdict = ASSAY_VERDICT_SAME},
                          {.suite = "s", .benchmark = "c", .metric = "peak_rss", .verdict = ASSAY_VERDICT_BETTER}};
  assay_changes changes = {.items = items, .count = 6};
  assert_false(assay_baseline_takes(&changes, "s", "a"));
  assert_false(assay_baseline_takes(&changes, "s", "b"));
  assert_true(assay_baseline_takes(&changes, "s", "c"));
  assert_false(assay_baseline_takes(&changes, "t", "c"));
}

static void another_machine_is_refused(void **state) {
  (void)state;
  sides s;
  begin(&s);
  assay_error err = {0};
  assay_result *merged = NULL;
  s.after->machine_id = "ffffffffffffffff";
  assert_int_equal(assay_baseline_merge(s.before, s.after, s.changes, &err, &merged), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "another machine"));
  assert_null(merged);
  end(&s);
}

/* What is put together is no third measurement: the series and the latest run stay what was measured. */
static void the_series_keep_what_was_measured(void **state) {
  (void)state;
  sides s;
  begin(&s);
  assay_error err = {0};
  char path[4200];
  snprintf(path, sizeof path, "%s/history.db", test_temp_dir());
  assay_history *history = NULL;
  assay_history_point *points = NULL;
  assay_result *merged = NULL, *latest = NULL, *kept = NULL;
  size_t count = 0;
  assert_ok(assay_history_open(path, &err, &history), err);
  assert_ok(assay_history_put_result(history, s.before, &err), err);
  assert_ok(assay_history_put_result(history, s.after, &err), err);
  assert_ok(assay_baseline_merge(s.before, s.after, s.changes, &err, &merged), err);
  assert_ok(assay_history_put_result(history, merged, &err), err);
  assert_ok(assay_history_save_baseline(history, "best", merged->run.id, NULL, &err), err);
  assert_ok(assay_history_series(history, NULL, "s", "better", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 2);
  assert_ok(assay_history_load(history, "latest", NULL, &err, &latest), err);
  assert_string_equal(latest->run.id, s.after->run.id);
  assay_result_destroy(latest);
  assert_ok(assay_history_load(history, "previous", NULL, &err, &latest), err);
  assert_string_equal(latest->run.id, s.before->run.id); /* though what was put together bears the same time */
  assert_ok(assay_history_load_baseline(history, "best", &err, &kept), err);
  assert_near(time_of(kept, "better"), 60, 0.5);
  assert_near(time_of(kept, "worse"), 100, 0.5);
  assay_history_points_free(points);
  assay_result_destroy(kept);
  assay_result_destroy(latest);
  assay_result_destroy(merged);
  assay_history_close(history);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(better_and_new_ones_are_taken),
      cmocka_unit_test(what_it_wins_and_loses_is_not_taken),
      cmocka_unit_test(another_machine_is_refused),
      cmocka_unit_test(the_series_keep_what_was_measured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
