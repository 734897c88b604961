/* SPDX-License-Identifier: MIT */
/* Figures over runs whose changes are known, in every form they are drawn in. */
#include <assay/report.h>
#include <assay/trend.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"
#include "made_result.h"
#include "os/prim.h"
#include "test.h"

enum { RUNS = 60, CHANGED_AT = 40 };

static char *dir;
static assay_history *history;

static void add_run(int i, assay_random *random) {
  char id[17], commit[41];
  snprintf(id, sizeof id, "%016x", i + 1);
  snprintf(commit, sizeof commit, "%040x", 0xabc000 + i);
  assay_result *r = test_empty_result(id, 1700000000 + i * 86400);
  r->run.commit = assay_result_text(r, commit);
  r->machine_id = "00112233aabbccdd";
  r->machine_label = "Made up";
  double noise = exp(0.01 * assay_random_normal(random)), slower = i >= CHANGED_AT ? 1.2 : 1;
  double spiked[] = {1e6 * noise * (i == 20 ? 50 : 1), 1.01e6 * noise * (i == 20 ? 50 : 1)}, faster = i >= CHANGED_AT ? 1.3 : 1;
  double rate[] = {1e6 * noise * faster, 1.01e6 * noise * faster};
  double changed[] = {1e6 * noise * slower, 1.01e6 * noise * slower}, still[] = {5e5 * noise, 5.05e5 * noise}, memory[] = {1e8, 1.001e8};
  test_add_made_benchmark(r, "performance", "alloc_1g", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, changed, 2);
  test_add_made_benchmark(r, "performance", "sum<&>", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, still, 2);
  test_add_made_benchmark(r, "memory", "load", "peak_rss", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER, memory, 2);
  test_add_made_benchmark(r, "more", "spiked", "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, spiked, 2);
  test_add_made_benchmark(r, "more", "rate", "rows", "rows/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, rate, 2);
  for (int n = 1; n <= 4; n++) {
    char name[32], size[16];
    double cost[] = {1000.0 * n, 1001.0 * n};
    snprintf(name, sizeof name, "scan/n=%d000", n);
    snprintf(size, sizeof size, "%d000", n);
    test_add_made_benchmark(r, "performance", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, cost, 2);
    assay_benchmark_result copy = r->benchmarks[r->benchmark_count - 1];
    copy.base_name = "scan";
    copy.complexity = "n";
    copy.param_count = 1;
    copy.params = calloc(1, sizeof *copy.params);
    copy.params[0].name = "n";
    copy.params[0].value = size;
    assert_int_equal(assay_result_add_benchmark(r, &copy, NULL), ASSAY_OK);
    free(copy.params);
  }
  assert_int_equal(assay_result_fit_complexity(r, NULL), ASSAY_OK);
  assay_error err = {0};
  assert_ok(assay_history_put_result(history, r, &err), err);
  assay_result_destroy(r);
}

static int set_up(void **state) {
  (void)state;
  char path[4096];
  assert_int_equal(assay_os_temp_dir(NULL, &dir), ASSAY_OK);
  snprintf(path, sizeof path, "%s/history.db", dir);
  assert_int_equal(assay_history_open(path, NULL, &history), ASSAY_OK);
  assay_random random;
  assay_random_init(&random, 11);
  for (int i = 0; i < RUNS; i++) add_run(i, &random);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assay_history_close(history);
  assay_os_remove_tree(dir);
  assay_free(dir);
  return 0;
}

static assay_trends *load(const char *glob, const char *metric, size_t limit) {
  assay_error err = {0};
  assay_trends *trends = NULL;
  assert_ok(assay_trends_load(history, NULL, glob, metric, limit, &err, &trends), err);
  return trends;
}

static void the_change_is_found_with_its_commits(void **state) {
  (void)state;
  assay_trends *t = load("alloc_1g", NULL, 0);
  assert_int_equal(t->count, 1);
  assert_string_equal(t->items[0].metric, "time");
  assert_int_equal(t->items[0].count, RUNS);
  assert_int_equal(t->items[0].change_count, 1);
  const assay_changepoint *c = &t->items[0].changes[0];
  assert_int_equal(c->index, CHANGED_AT);
  assert_near(c->change_ratio, 0.2, 0.02);
  const char *from, *to;
  assay_trend_commits(&t->items[0], c, &from, &to);
  char after[41], not_after[41];
  snprintf(after, sizeof after, "%040x", 0xabc000 + (int)c->low - 1);
  snprintf(not_after, sizeof not_after, "%040x", 0xabc000 + (int)c->high);
  assert_string_equal(from, after);
  assert_string_equal(to, not_after);
  assay_trends_destroy(t);
  t = load("alloc_1g", NULL, 15); /* all of them after the change */
  assert_int_equal(t->items[0].count, 15);
  assert_int_equal(t->items[0].change_count, 0);
  assay_trends_destroy(t);
  t = load("*", "peak_rss", 0);
  assert_int_equal(t->count, 1);
  assay_trends_destroy(t);
}

static void what_is_not_there_is_said(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"aloc_1g", NULL, "did you mean 'alloc_1g'"}, {"alloc_1g", "energy", "no metric 'energy'"}, {"zzzzzzzzz", NULL, "matches"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assay_trends *t = NULL;
    assert_int_equal(assay_trends_load(history, NULL, cases[i][0], cases[i][1], 0, &err, &t), ASSAY_ERR_NOT_FOUND);
    if (strstr(err.message, cases[i][2]) == NULL) fail_msg("%s", err.message);
    assert_null(t);
  }
}

static void json_has_points_and_changes(void **state) {
  (void)state;
  assay_trends *t = load("alloc_1g", NULL, 0);
  assay_error err = {0};
  char *text = NULL;
  assert_ok(assay_trends_json(t, &err, &text), err);
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(root);
  json_t *series = json_array_get(json_object_get(root, "series"), 0), *change = json_array_get(json_object_get(series, "changepoints"), 0);
  assert_int_equal(json_array_size(json_object_get(series, "points")), RUNS);
  assert_int_equal(json_integer_value(json_object_get(change, "index")), CHANGED_AT);
  assert_int_equal(strlen(json_string_value(json_object_get(change, "commit_to"))), 40);
  json_decref(root);
  assay_string_free(text);
  assay_trends_destroy(t);
}

static void the_picture_shows_it(void **state) {
  (void)state;
  assay_trends *t = load("*", NULL, 0);
  assay_error err = {0};
  char *svg = NULL, *again = NULL;
  assert_ok(assay_trends_svg(t, "All & <everything>", &err, &svg), err);
  assert_ok(assay_trends_svg(t, "All & <everything>", &err, &again), err);
  assert_string_equal(svg, again);
  assert_non_null(strstr(svg, "All &amp; &lt;everything&gt;"));
  assert_non_null(strstr(svg, "sum&lt;&amp;&gt;"));
  assert_non_null(strstr(svg, "class=\"chg\""));
  assert_null(strstr(svg, "nan"));
  char *png = NULL;
  size_t length = 0;
  assay_status status = assay_report_png(svg, 1, &err, &png, &length);
  if (status == ASSAY_ERR_UNSUPPORTED) {
    assert_non_null(strstr(err.message, "librsvg2-2"));
    print_message("skipped: %s\n", err.message);
  } else {
    assert_ok(status, err);
    assert_true(length > 1000 && memcmp(png, "\x89PNG\r\n\x1a\n", 8) == 0);
  }
  assay_string_free(png);
  assay_string_free(svg);
  assay_string_free(again);
  assay_trends_destroy(t);
}

static char *picture_of(const char *glob) {
  assay_error err = {0};
  assay_trends *t = load(glob, NULL, 0);
  char *svg = NULL;
  assert_ok(assay_trends_svg(t, glob, &err, &svg), err);
  assay_trends_destroy(t);
  return svg;
}

/* A rate that rises is an improvement, a time that rises is not. */
static void an_improvement_has_a_colour_of_its_own(void **state) {
  (void)state;
  char *worse = picture_of("alloc_1g"), *better = picture_of("more/rate");
  assert_non_null(strstr(worse, "class=\"chg\""));
  assert_null(strstr(worse, "class=\"chb\""));
  assert_non_null(strstr(better, "class=\"chb\""));
  assert_null(strstr(better, "class=\"chg\""));
  assay_string_free(worse);
  assay_string_free(better);
}

/* One run took 50 times as long: the scale stays that of the others, and the spike stands at its edge with its figure. */
static void a_spike_does_not_flatten_the_rest(void **state) {
  (void)state;
  char *svg = picture_of("more/spiked"), *still = picture_of("sum*");
  assert_non_null(strstr(svg, "class=\"spk\""));
  assert_null(strstr(still, "class=\"spk\""));
  double low = 1e9, high = 0;
  const char *path = strstr(svg, "class=\"ln\"");
  assert_non_null(path);
  size_t beyond = 0;
  for (const char *p = path; *p != '>'; p++) {
    if (*p != ' ' || strchr("0123456789.", p[1]) == NULL) continue;
    double y = strtod(p + 1, NULL);
    beyond += y <= 16;
    if (y > 16) low = fmin(low, y), high = fmax(high, y);
  }
  assert_int_equal(beyond, 1);       /* the spike, at the upper edge of the frame */
  assert_true(high - low > 190 / 4); /* the others have a good part of the height */
  assay_string_free(svg);
  assay_string_free(still);
}

static bool file_has(const char *name, const char *text) {
  char path[4096], *data = NULL;
  size_t length = 0;
  snprintf(path, sizeof path, "%s/page/%s", dir, name);
  if (assay_os_read_file(path, 1 << 24, NULL, &data, &length) != ASSAY_OK) return false;
  bool found = strstr(data, text) != NULL;
  assay_free(data);
  return found;
}

static void four_plots_and_a_page(void **state) {
  (void)state;
  assay_error err = {0};
  char path[4096], *note = NULL;
  snprintf(path, sizeof path, "%s/page", dir);
  assert_ok(assay_trends_report(history, NULL, path, &err, &note), err);
  assert_true(file_has("time-over-time.svg", "alloc_1g"));
  assert_false(file_has("time-over-time.svg", "load"));
  assert_true(file_has("memory-over-time.svg", "load"));
  assert_true(file_has("time-by-size.svg", "scan"));
  assert_true(file_has("time-by-size.svg", "O(n)"));
  assert_true(file_has("energy-over-time.svg", "No run has an energy figure"));
  assert_true(file_has("trends.md", "| alloc\\_1g | +") || file_has("trends.md", "| alloc_1g | +"));
  assert_true(file_has("trends.md", note == NULL ? "time-over-time.png" : "time-over-time.svg"));

  assay_string_free(note);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_change_is_found_with_its_commits),
      cmocka_unit_test(what_is_not_there_is_said),
      cmocka_unit_test(json_has_points_and_changes),
      cmocka_unit_test(the_picture_shows_it),
      cmocka_unit_test(an_improvement_has_a_colour_of_its_own),
      cmocka_unit_test(a_spike_does_not_flatten_the_rest),
      cmocka_unit_test(four_plots_and_a_page),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
