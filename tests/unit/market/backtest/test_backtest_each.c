/* SPDX-License-Identifier: MIT */
/* Many symbols, each by itself. */
#include <assay/backtest.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "test.h"

enum { SYMBOLS = 37, MOST_BARS = 400 };

/* Loaded from a seed; symbols whose place leaves these rests modulo 10 have something wrong. */
enum { BROKEN = 3, DEADLY = 5, ENDLESS = 7 };

typedef struct shelf {
  bool is_whole; /* nothing is wrong with any */
  double columns[5][MOST_BARS];
  assay_bars bars;
  bool is_open;
} shelf;

static assay_status load(void *user, size_t index, assay_error *err, assay_backtest_loaded *loaded) {
  shelf *s = user;
  const size_t rest = s->is_whole ? 0 : index % 10;
  if (s->is_open) raise(SIGABRT); /* one at a time */
  if (rest == BROKEN) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "symbol of no sense");
  if (rest == DEADLY) raise(SIGSEGV);
  for (volatile bool forever = rest == ENDLESS; forever;) {
  }
  assay_backtest_walk walk = {.seed = index + 1, .volatility = 0.02};
  const size_t count = 200 + index;
  assay_status status =
      assay_backtest_make_walk(&walk, count, err, s->columns[0], s->columns[1], s->columns[2], s->columns[3], s->columns[4]);
  s->bars = (assay_bars){.count = count, .open = s->columns[0], .high = s->columns[1], .low = s->columns[2], .close = s->columns[3]};
  loaded->data = (assay_backtest_data){.assets = 1, .bars = &s->bars};
  loaded->options.first = index % 4;
  assay_snprintf(loaded->note, sizeof loaded->note, "number %zu", index);
  s->is_open = status == ASSAY_OK;
  return status;
}

static void unload(void *user, const assay_backtest_loaded *loaded) {
  shelf *s = user;
  assert_ptr_equal(loaded->data.bars, &s->bars);
  s->is_open = false;
}

static assay_backtest_symbol *run_each(const assay_backtest_sweep *sweep, shelf *s, const assay_backtest_options *options) {
  assay_error err = {0};
  assay_backtest_symbol *symbols = NULL;
  const assay_backtest_source source = {.count = SYMBOLS, .load = load, .unload = unload, .user = s};
  assert_ok(assay_backtest_run_each(sweep, ASSAY_BACKTEST_SHARPE, NULL, &source, options, &err, &symbols), err);
  return symbols;
}

static void test_each_is_a_run_by_itself(void **state) {
  (void)state;
  static shelf s = {.is_whole = true}, own = {.is_whole = true};
  const assay_backtest_options options = {.cash = 5000, .fees = {.rate = 0.001}};
  const assay_strategy *sma = assay_strategy_find("sma");
  const double parameters[ASSAY_STRATEGY_MOST_PARAMETERS] = {5, 20, 1, 1};
  assay_backtest_sweep sweep = {.strategy = sma, .parameters = parameters, .here = true};
  assay_backtest_symbol *symbols = run_each(&sweep, &s, &options);
  for (size_t i = 0; i < SYMBOLS; i++) {
    assay_error err = {0};
    assay_backtest_loaded loaded = {.options = options};
    assay_backtest_result *r = NULL, *hold = NULL;
    char note[32];
    assert_ok(load(&own, i, &err, &loaded), err);
    assert_ok(assay_backtest_run(sma, parameters, &loaded.data, &loaded.options, &err, &r), err);
    assert_ok(assay_backtest_run(assay_strategy_find("hold"), NULL, &loaded.data, &loaded.options, &err, &hold), err);
    unload(&own, &loaded);
    assert_int_equal(symbols[i].outcome, ASSAY_BACKTEST_DONE);
    assert_memory_equal(&symbols[i].metrics, &r->metrics, sizeof r->metrics);
    assert_memory_equal(&symbols[i].hold, &hold->metrics, sizeof hold->metrics);
    assert_memory_equal(symbols[i].parameters, parameters, sizeof parameters);
    snprintf(note, sizeof note, "number %zu", i);
    assert_string_equal(symbols[i].note, note);
    assay_backtest_result_destroy(r);
    assay_backtest_result_destroy(hold);
  }
  sweep.here = false;
  for (sweep.workers = 1; sweep.workers <= 3; sweep.workers++) {
    assay_backtest_symbol *others = run_each(&sweep, &s, &options);
    assert_memory_equal(symbols, others, SYMBOLS * sizeof *symbols);
    assay_backtest_symbols_free(others);
  }
  assay_backtest_symbols_free(symbols);
}

static void test_a_broken_symbol_loses_itself_only(void **state) {
  (void)state;
  static shelf s, whole = {.is_whole = true};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("rsi"), .workers = 2, .seconds = 0.2};
  assay_backtest_symbol *symbols = run_each(&sweep, &s, NULL), *wanted = run_each(&sweep, &whole, NULL);
  size_t lost = 0;
  for (size_t i = 0; i < SYMBOLS; i++) {
    const size_t rest = i % 10;
    const assay_backtest_outcome outcome = rest == BROKEN    ? ASSAY_BACKTEST_FAILED
                                           : rest == DEADLY  ? ASSAY_BACKTEST_CRASHED
                                           : rest == ENDLESS ? ASSAY_BACKTEST_TIMED_OUT
                                                             : ASSAY_BACKTEST_DONE;
    assert_int_equal(symbols[i].outcome, outcome);
    lost += outcome != ASSAY_BACKTEST_DONE;
    if (outcome == ASSAY_BACKTEST_FAILED) assert_string_equal(symbols[i].why, "symbol of no sense");
    if (outcome == ASSAY_BACKTEST_CRASHED) assert_non_null(strstr(symbols[i].why, "signal 11"));
    if (outcome == ASSAY_BACKTEST_DONE) assert_memory_equal(&symbols[i], &wanted[i], sizeof *symbols);
  }
  assay_backtest_summary summary;
  assay_error err = {0};
  assert_ok(assay_backtest_summarise(symbols, SYMBOLS, &err, &summary), err);
  assert_int_equal(summary.symbols, SYMBOLS);
  assert_int_equal(summary.done, SYMBOLS - lost);
  assert_true(lost >= 9);
  assay_backtest_symbols_free(symbols);
  assay_backtest_symbols_free(wanted);
}

static void test_each_has_a_sweep_of_its_own(void **state) {
  (void)state;
  static shelf s = {.is_whole = true};
  const assay_backtest_range ranges[] = {{0, 2, 10, 2}, {1, 6, 30, 6}};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .workers = 2};
  assay_backtest_symbol *symbols = run_each(&sweep, &s, NULL);
  size_t kinds = 0;
  for (size_t i = 0; i < SYMBOLS; i += 6) {
    assay_error err = {0};
    assay_backtest_loaded loaded = {0};
    assay_backtest_row *rows = NULL;
    size_t count = 0, done = 0;
    assert_ok(load(&s, i, &err, &loaded), err);
    assert_ok(assay_backtest_run_sweep(&sweep, &loaded.data, &loaded.options, &err, &rows, &count), err);
    unload(&s, &loaded);
    const assay_backtest_row *best = &rows[assay_backtest_best(rows, count, ASSAY_BACKTEST_SHARPE)];
    for (size_t k = 0; k < count; k++) done += rows[k].outcome == ASSAY_BACKTEST_DONE;
    assert_memory_equal(symbols[i].parameters, best->parameters, sizeof best->parameters);
    assert_memory_equal(&symbols[i].metrics, &best->metrics, sizeof best->metrics);
    assert_int_equal(symbols[i].configurations, done);
    kinds += best->parameters[1] != symbols[0].parameters[1];
    assay_backtest_rows_free(rows);
  }
  assert_true(kinds > 0);
  assay_backtest_symbols_free(symbols);
}

/* Stopped by a callback: at the first bar of a run that begins after so many others. */
typedef struct brake {
  volatile int stop;
  size_t runs, most;
} brake;

static assay_status count_runs(assay_backtest *run, const double *parameters, void *state, assay_error *err) {
  brake *b = assay_backtest_user(run);
  (void)parameters, (void)state, (void)err;
  b->stop = b->runs++ == b->most;
  return ASSAY_OK;
}

static void buy_and_sell(assay_backtest *run, void *state) {
  (void)state;
  const size_t now = assay_backtest_now(run);
  if (now % 7 == 0) assay_backtest_target(run, 0, (double)(now % 2) * assay_backtest_parameters(run)[0]);
}

/* In this process: four runs a symbol, or in a walk-forward four and a test for each of two windows. What is cut short is not run; what was
 * done before has the bits that it has anyway. */
static void test_a_stopped_symbol_is_not_done(void **state) {
  (void)state;
  static shelf s = {.is_whole = true}, own = {.is_whole = true};
  brake b = {0};
  const assay_strategy braking = {.name = "braking",
                                  .parameter_count = 1,
                                  .parameters = {{"size", 1, 0, 1, false, "share"}},
                                  .user = &b,
                                  .start = count_runs,
                                  .on_bar = buy_and_sell};
  const assay_backtest_range range = {0, 0.25, 1, 0.25};
  const assay_backtest_sweep sweep = {.strategy = &braking, .ranges = &range, .range_count = 1, .here = true, .stop = &b.stop};
  const assay_backtest_walk_forward walk = {.windows = 2, .train = 1};
  const assay_backtest_source source = {.count = 3, .load = load, .unload = unload, .user = &s};
  for (int walks = 0; walks < 2; walks++) {
    const size_t runs = walks ? 10 : 4;
    assay_error err = {0};
    assay_backtest_symbol *whole = NULL;
    const assay_backtest_source all = {.count = 3, .load = load, .unload = unload, .user = &own};
    b = (brake){.most = SIZE_MAX};
    assert_ok(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_RETURN, walks ? &walk : NULL, &all, NULL, &err, &whole), err);
    assert_int_equal(b.runs, 3 * runs);
    for (size_t most = runs; most < 2 * runs - 1; most++) { /* in the second symbol; its last run is not cut short by a stop in it */
      assay_backtest_symbol *symbols = NULL;
      b = (brake){.most = most};
      assert_ok(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_RETURN, walks ? &walk : NULL, &source, NULL, &err, &symbols), err);
      assert_memory_equal(&symbols[0], &whole[0], sizeof *symbols);
      for (size_t i = 1; i < 3; i++) {
        assert_int_equal(symbols[i].outcome, ASSAY_BACKTEST_NOT_RUN);
        assert_string_equal(symbols[i].why, "all was stopped before it was done");
        assert_int_equal(symbols[i].metrics.bars, 0);
      }
      assay_backtest_symbols_free(symbols);
    }
    assay_backtest_symbols_free(whole);
  }
}

static void test_what_cannot_be_run_is_refused(void **state) {
  (void)state;
  static shelf s;
  assay_error err = {0};
  assay_backtest_symbol *symbols = NULL, *const untouched = symbols;
  const assay_backtest_source source = {.count = 1, .load = load, .user = &s}, none = {.load = load, .user = &s};
  const double wrong[ASSAY_STRATEGY_MOST_PARAMETERS] = {50, 10, 0, 1};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .parameters = wrong};
  assert_int_equal(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_SHARPE, NULL, &source, NULL, &err, &symbols), ASSAY_ERR_INVALID);
  sweep.parameters = NULL;
  assert_int_equal(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_SHARPE, NULL, &none, NULL, &err, &symbols), ASSAY_ERR_INVALID);
  const assay_backtest_range twice[] = {{0, 2, 10, 2}, {0, 6, 30, 6}};
  sweep.ranges = twice;
  sweep.range_count = 2;
  assert_int_equal(assay_backtest_run_each(&sweep, ASSAY_BACKTEST_SHARPE, NULL, &source, NULL, &err, &symbols), ASSAY_ERR_INVALID);
  assert_ptr_equal(symbols, untouched);
}

/* By hand: returns of 0.1, 0.3, 0.2 and a lost one. */
static void test_together(void **state) {
  (void)state;
  assay_backtest_symbol symbols[5] = {0};
  const double returns[] = {0.1, 0.3, 0.2, -1}, sharpes[] = {1, NAN, 2, -3};
  for (int i = 0; i < 4; i++) {
    symbols[i].metrics.total_return = returns[i];
    symbols[i].metrics.sharpe = sharpes[i];
    symbols[i].metrics.ruined_at = i == 3 ? 5 : SIZE_MAX;
    symbols[i].hold.total_return = 0.15;
  }
  symbols[4].outcome = ASSAY_BACKTEST_FAILED;
  symbols[4].metrics.total_return = 99;
  assay_backtest_summary s;
  assay_error err = {0};
  assert_ok(assay_backtest_summarise(symbols, 5, &err, &s), err);
  assert_int_equal(s.symbols, 5);
  assert_int_equal(s.done, 4);
  assert_int_equal(s.gained, 3);
  assert_int_equal(s.beat_hold, 2);
  assert_int_equal(s.ruined, 1);
  assert_true(fabs(s.total_return.mean - -0.1) < 1e-15);
  assert_true(fabs(s.total_return.median - 0.15) < 1e-15);
  assert_true(s.total_return.least == -1 && s.total_return.most == 0.3);
  assert_int_equal(s.sharpe.count, 3);
  assert_true(s.sharpe.mean == 0 && s.sharpe.median == 1);
  assert_ok(assay_backtest_summarise(symbols + 4, 1, &err, &s), err);
  assert_int_equal(s.total_return.count, 0);
  assert_true(isnan(s.total_return.mean) && isnan(s.total_return.median));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_is_a_run_by_itself),       cmocka_unit_test(test_a_broken_symbol_loses_itself_only),
      cmocka_unit_test(test_each_has_a_sweep_of_its_own),   cmocka_unit_test(test_a_stopped_symbol_is_not_done),
      cmocka_unit_test(test_what_cannot_be_run_is_refused), cmocka_unit_test(test_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
