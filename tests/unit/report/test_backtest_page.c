/* SPDX-License-Identifier: MIT */
/* Pages of backtests with names of somebody's own: of assets, strategies and parameters. */
#include <assay/backtest_report.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "test.h"

enum { BARS = 200 };
static const char hostile[] = "<i>&\"x";
static double columns[5][BARS];
static assay_bars bars = {.count = BARS, .open = columns[0], .high = columns[1], .low = columns[2], .close = columns[3]};
static const char *const names[] = {hostile};
static const assay_backtest_data data = {.assets = 1, .bars = &bars, .names = names};

static assay_status above_mean(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)user, (void)err;
  for (size_t i = 0; i < b->count; i++) targets[i] = i % (size_t)parameters[0] < (size_t)parameters[1];
  return ASSAY_OK;
}

static const assay_strategy own = {.name = "<b>own",
                                   .parameter_count = 2,
                                   .parameters = {{hostile, 5, 1, 100, true, "rows"}, {"<u>held", 2, 0, 100, true, "of them"}},
                                   .targets = above_mean};
static const double held[] = {1, 2, 4};
static const assay_backtest_range ranges[] = {{.parameter = 0, .first = 5, .last = 9, .step = 1},
                                              {.parameter = 1, .values = held, .value_count = 3}};

static void make(void) {
  assay_error err = {0};
  assert_ok(
      assay_backtest_make_walk(&(assay_backtest_walk){.seed = 3}, BARS, &err, columns[0], columns[1], columns[2], columns[3], columns[4]),
      err);
}

/* What stands in the page for a name is text. */
static void check_page(const assay_backtest_view *view, const char *expected) {
  assay_error err = {0};
  char *html = NULL, *svg = NULL;
  assert_ok(assay_backtest_render_html(view, &err, &html), err);
  assert_ok(assay_backtest_render_svg(view, &err, &svg), err);
  assert_null(strstr(html, "<i>"));
  assert_null(strstr(html, "<u>"));
  assert_null(strstr(svg, "<i>"));
  assert_non_null(strstr(html, "&lt;i&gt;&amp;"));
  assert_non_null(strstr(html, expected));
  assay_string_free(html);
  assay_string_free(svg);
}

static void test_sweep_page(void **state) {
  (void)state;
  make();
  const assay_backtest_options keep = {.keep_equity = true, .keep_trades = true};
  for (size_t count = 1; count <= 2; count++) {
    const assay_backtest_sweep sweep = {.strategy = &own, .ranges = ranges, .range_count = count, .here = true};
    assay_error err = {0};
    assay_backtest_row *rows = NULL;
    assay_backtest_result *best = NULL;
    assay_backtest_luck luck;
    assay_backtest_choice choice = {.strategy = &own, .ranges = ranges, .range_count = count};
    assert_ok(assay_backtest_run_sweep(&sweep, &data, NULL, &err, &rows, &choice.row_count), err);
    choice.rows = rows;
    choice.best = assay_backtest_best(rows, choice.row_count, choice.objective);
    assert_ok(assay_backtest_run(&own, rows[choice.best].parameters, &data, &keep, &err, &best), err);
    assert_ok(assay_backtest_measure_luck(rows, choice.row_count, best, NAN, &err, &luck), err);
    choice.luck = &luck;
    const assay_backtest_view view = {.title = hostile, .result = best, .names = names, .choice = &choice};
    check_page(&view, "deflated Sharpe ratio");
    assay_backtest_result_destroy(best);
    assay_backtest_rows_free(rows);
  }
}

static void test_walk_page(void **state) {
  (void)state;
  make();
  const assay_backtest_sweep sweep = {.strategy = &own, .ranges = ranges, .range_count = 2, .here = true};
  assay_error err = {0};
  assay_backtest_walked *walked = NULL;
  assert_ok(assay_backtest_run_walk_forward(&(assay_backtest_walk_forward){.windows = 3}, &sweep, &data, NULL, &err, &walked), err);
  const assay_backtest_choice choice = {.strategy = &own, .ranges = ranges, .range_count = 2, .walked = walked};
  const assay_backtest_view view = {.title = "walk", .result = walked->result, .names = names, .choice = &choice};
  check_page(&view, "&lt;u&gt;held=");
  assay_backtest_walked_destroy(walked);
}

/* Bars of hours and of milliseconds: labels are long, and have room; a return a year that is infinite has no place on the axis. */
static void test_windows_of_short_bars(void **state) {
  (void)state;
  make();
  static int64_t times[BARS];
  const struct {
    int64_t step;
    const char *label;
    bool is_drawn;
  } cases[] = {{INT64_C(3600000000000), "UTC to ", true}, {1000000, " 00:00:00.", false}};
  for (size_t k = 0; k < 2; k++) {
    const assay_backtest_sweep sweep = {.strategy = &own, .ranges = ranges, .range_count = 2, .here = true};
    assay_error err = {0};
    assay_backtest_walked *walked = NULL;
    char *html = NULL;
    for (size_t i = 0; i < data.bars->count; i++) times[i] = (int64_t)i * cases[k].step;
    assert_ok(assay_backtest_run_walk_forward(&(assay_backtest_walk_forward){.windows = 3}, &sweep, &data, NULL, &err, &walked), err);
    for (size_t i = 0; i < 3 && k == 1; i++) walked->windows[i].tested.annual_return = INFINITY;
    const assay_backtest_choice choice = {.strategy = &own, .ranges = ranges, .range_count = 2, .walked = walked};
    const assay_backtest_view view = {.title = "walk", .result = walked->result, .names = names, .times = times, .choice = &choice};
    assert_ok(assay_backtest_render_html(&view, &err, &html), err);
    assert_non_null(strstr(html, cases[k].label));
    const char *plot = strstr(html, "aria-label=\"Returns a year in training");
    assert_true((plot != NULL) == cases[k].is_drawn);
    for (const char *at = plot; at != NULL && (at = strstr(at, "UTC to ")) != NULL && at < strstr(plot, "</svg>"); at++) {
      const char *label = at;
      double x = 0;
      while (label[0] != '>') label--;
      while (strncmp(label, " x=", 3) != 0) label--;
      assert_int_equal(sscanf(label, " x=\"%lf\"", &x), 1);
      assert_true(x > 6 * strlen("1970-01-01 00:00 UTC to 1970-01-01 00:00 UTC"));
    }
    assay_string_free(html);
    assay_backtest_walked_destroy(walked);
  }
}

static assay_status load_one(void *user, size_t index, assay_error *err, assay_backtest_loaded *loaded) {
  (void)user;
  if (index == 1) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "<i>no table");
  loaded->data = data;
  return ASSAY_OK;
}

static void test_page_of_many(void **state) {
  (void)state;
  make();
  static const char *const many[] = {hostile, "<u>lost", "third"};
  const assay_backtest_source source = {.count = 3, .load = load_one};
  const assay_backtest_options keep = {.keep_equity = true};
  const assay_backtest_walk_forward walk = {.windows = 3};
  for (int way = 0; way < 3; way++) {
    const assay_backtest_sweep sweep = {.strategy = &own, .ranges = ranges, .range_count = way > 0 ? 2 : 0, .here = true};
    assay_error err = {0};
    assay_backtest_symbol *symbols = NULL;
    char *html = NULL;
    assert_ok(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_SHARPE, way == 2 ? &walk : NULL, &source, &keep, &err, &symbols), err);
    const assay_backtest_each_view view = {.title = hostile,
                                           .strategy = &own,
                                           .symbols = symbols,
                                           .names = many,
                                           .count = 3,
                                           .ranges = ranges,
                                           .range_count = sweep.range_count,
                                           .is_walked = way == 2};
    assert_ok(assay_backtest_render_each_html(&view, &err, &html), err);
    assert_null(strstr(html, "<i>"));
    assert_null(strstr(html, "<u>"));
    assert_non_null(strstr(html, "&lt;i&gt;no table"));
    assert_non_null(strstr(html, "&lt;i&gt;&amp;"));
    assert_true((strstr(html, "&lt;u&gt;held=") != NULL) == (way > 0));
    assert_true((strstr(html, "chosen last") != NULL) == (way == 2));
    assert_int_equal(symbols[0].samples, 64);
    assert_true(symbols[0].curve[0] == symbols[0].metrics.first_equity && symbols[0].curve[63] == symbols[0].metrics.last_equity);
    assert_true(symbols[0].hold_curve[63] == symbols[0].hold.last_equity);
    assay_string_free(html);
    assay_backtest_symbols_free(symbols);
  }
}

static void test_leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_REPORT).live_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sweep_page),   cmocka_unit_test(test_walk_page),      cmocka_unit_test(test_windows_of_short_bars),
      cmocka_unit_test(test_page_of_many), cmocka_unit_test(test_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
