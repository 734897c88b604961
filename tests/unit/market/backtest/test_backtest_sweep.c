/* SPDX-License-Identifier: MIT */
/* Sweeps, walk-forward, and strategies that look ahead. */
#include <assay/backtest.h>

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "market_data.h"
#include "test.h"

/* Where memory cannot be taken away from a process: sanitizers die of it, and other systems do not mind the limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__linux__)
#define UNLIMITED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNLIMITED 1
#endif
#endif
#ifndef UNLIMITED
#define UNLIMITED 0
#endif

enum { BARS = 700 };
static double columns[5][BARS];
static assay_bars bars;
static assay_backtest_data data = {.assets = 1, .bars = &bars};

static void make(uint64_t seed) {
  assay_error err = {0};
  assay_backtest_walk walk = {.seed = seed, .volatility = 0.02};
  assert_ok(assay_backtest_make_walk(&walk, BARS, &err, columns[0], columns[1], columns[2], columns[3], columns[4]), err);
  bars = (assay_bars){.count = BARS, .open = columns[0], .high = columns[1], .low = columns[2], .close = columns[3], .volume = columns[4]};
}

static assay_backtest_row *sweep_of(assay_backtest_sweep *sweep, const assay_backtest_options *options, size_t *count) {
  assay_error err = {0};
  assay_backtest_row *rows = NULL;
  assert_ok(assay_backtest_run_sweep(sweep, &data, options, &err, &rows, count), err);
  return rows;
}

/* ---- Sweeps -------------------------------------------------------------------------------------------------------------------------- */

/* Each row to the bit what a run by itself gives, through the callbacks; for windows on both sides of words of 64 bars. */
static void test_rows_equal_runs(void **state) {
  (void)state;
  make(1);
  const assay_strategy *sma = assay_strategy_find("sma");
  const assay_backtest_range ranges[] = {{0, 2, 40, 19}, {1, 3, 130, 7}, {2, 0, 1, 1}};
  for (size_t first = 0; first < 400; first += 57) {
    assay_backtest_options options = {
        .fees = {.rate = 0.001}, .first = first, .end = first % 2 ? 0 : BARS - 33, .leverage = 2, .close_at_end = first % 3 == 0};
    assay_backtest_sweep sweep = {.strategy = sma, .ranges = ranges, .range_count = 3, .here = true};
    size_t count = 0, done = 0;
    assay_backtest_row *rows = sweep_of(&sweep, &options, &count);
    assert_int_equal(count, 3 * 19 * 2);
    options.events = true;
    for (size_t i = 0; i < count; i++) {
      assay_error err = {0};
      assay_backtest_result *r = NULL;
      bool goes = rows[i].parameters[0] < rows[i].parameters[1];
      assert_int_equal(rows[i].outcome, goes ? ASSAY_BACKTEST_DONE : ASSAY_BACKTEST_SKIPPED);
      if (!goes) continue;
      assert_ok(assay_backtest_run(sma, rows[i].parameters, &data, &options, &err, &r), err);
      assert_memory_equal(&rows[i].metrics, &r->metrics, sizeof r->metrics);
      done += r->metrics.fills > 0;
      assay_backtest_result_destroy(r);
    }
    assert_true(done > 20);
    assay_backtest_rows_free(rows);
  }
}

/* What somebody types is what a range comes to. */
static void test_values_are_decimals(void **state) {
  (void)state;
  static const struct {
    assay_backtest_range range;
    size_t index;
    double value;
  } rows[] = {{{0, 0.5, 3, 0.1}, 24, 2.9},
              {{0, 0.1, 1, 0.1}, 2, 0.3},
              {{0, -0.3, 1, 0.1}, 3, 0},
              {{0, 5, 50, 5}, 9, 50},
              {{0, 1e-3, 1, 7e-12}, 3, 1.000000021e-3},
              {{0, 0.25, 9, 0.125}, 7, 1.125},
              {{0, 1e15, 1e18, 1e14}, 3, 1.3e15},
              {{0, 1.0 / 3, 9, 1}, 2, 1.0 / 3 + 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_true(assay_backtest_range_value(&rows[i].range, rows[i].index) == rows[i].value);
  assert_int_equal(assay_backtest_range_values(&rows[0].range), 26);
}

static void test_same_for_any_workers(void **state) {
  (void)state;
  make(2);
  const assay_backtest_range ranges[] = {{0, 2, 30, 1}, {1, 10, 90, 5}};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .here = true};
  size_t count = 0, again = 0;
  assay_backtest_row *rows = sweep_of(&sweep, NULL, &count);
  sweep.here = false;
  for (unsigned workers = 1; workers <= 4; workers++) {
    sweep.workers = workers;
    assay_backtest_row *others = sweep_of(&sweep, NULL, &again);
    assert_int_equal(again, count);
    assert_memory_equal(rows, others, count * sizeof *rows);
    assay_backtest_rows_free(others);
  }
  assay_backtest_rows_free(rows);
}

/* A strategy that dies in the way that its parameter says. */
static void die(assay_backtest *run, void *state) {
  (void)state;
  int way = (int)assay_backtest_parameters(run)[0];
  if (assay_backtest_now(run) == 0) assay_backtest_target(run, 0, 0.5);
  if (assay_backtest_now(run) != 300) return;
  if (way == 3) raise(SIGSEGV);
  if (way == 7) _exit(5);
  if (way == 11) abort();
  if (way == 13) assay_backtest_fail(run, "no luck");
}

static void die_or_hang(assay_backtest *run, void *state) {
  die(run, state);
  for (volatile int forever = assay_backtest_parameters(run)[0] == 17; forever;) {
  }
}

static const assay_strategy dying = {.name = "dying", .parameter_count = 1, .parameters = {{"way", 0, 0, 99, true, "how"}}, .on_bar = die};

static const assay_strategy dying_or_hanging = {
    .name = "dying", .parameter_count = 1, .parameters = {{"way", 0, 0, 99, true, "how"}}, .on_bar = die_or_hang};

static void test_a_crash_loses_itself_only(void **state) {
  (void)state;
  make(3);
  const assay_backtest_range range = {0, 0, 40, 1};
  for (unsigned workers = 1; workers <= 3; workers += 2) {
    /* So long that only what hangs takes it; with one worker nothing hangs. */
    assay_backtest_sweep sweep = {
        .strategy = workers == 1 ? &dying : &dying_or_hanging, .ranges = &range, .range_count = 1, .workers = workers, .seconds = 4};
    size_t count = 0;
    assay_backtest_row *rows = sweep_of(&sweep, NULL, &count);
    assert_int_equal(count, 41);
    for (size_t i = 0; i < count; i++) {
      assay_backtest_outcome expected = i == 3 || i == 7 || i == 11 ? ASSAY_BACKTEST_CRASHED
                                        : i == 13                   ? ASSAY_BACKTEST_FAILED
                                        : i == 17 && workers > 1    ? ASSAY_BACKTEST_TIMED_OUT
                                                                    : ASSAY_BACKTEST_DONE;
      assert_int_equal(rows[i].outcome, expected);
      assert_near(rows[i].parameters[0], (double)i, 0);
      if (expected == ASSAY_BACKTEST_DONE) assert_near(rows[i].metrics.last_equity, rows[0].metrics.last_equity, 0);
    }
    assert_int_equal(rows[11].signal, SIGABRT);
    assert_non_null(strstr(rows[13].why, "no luck"));
    assay_backtest_rows_free(rows);
  }
}

static void test_best(void **state) {
  (void)state;
  assay_backtest_row rows[4] = {{.metrics = {.sharpe = NAN}},
                                {.metrics = {.sharpe = 2, .max_drawdown = 0.5, .fills = 1}},
                                {.outcome = ASSAY_BACKTEST_CRASHED, .metrics = {.sharpe = 9}},
                                {.metrics = {.sharpe = 2, .max_drawdown = 0.4, .fills = 1}}};
  assert_int_equal(assay_backtest_best(rows, 4, ASSAY_BACKTEST_SHARPE), 1);
  assert_int_equal(assay_backtest_best(rows, 4, ASSAY_BACKTEST_DRAWDOWN), 3);
  assert_true(assay_backtest_best(rows, 1, ASSAY_BACKTEST_SHARPE) == SIZE_MAX);
}

static void test_refuses(void **state) {
  (void)state;
  make(4);
  const assay_strategy *sma = assay_strategy_find("sma");
  const assay_backtest_range wrong[] = {{9, 1, 2, 1}, {0, 5, 2, 1}, {0, 1, 5, 0}, {0, 1, NAN, 1}, {0, 1, 1e9, 1e-3}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assay_backtest_sweep sweep = {.strategy = sma, .ranges = &wrong[i], .range_count = 1};
    assay_backtest_row *rows = NULL;
    size_t count = 0;
    assert_int_not_equal(assay_backtest_run_sweep(&sweep, &data, NULL, NULL, &rows, &count), ASSAY_OK);
    assert_null(rows);
  }
  const double values[] = {1, 3, 2, NAN};
  for (size_t count = 0; count <= 4; count++) {
    const assay_backtest_range list = {.values = values, .value_count = count};
    assay_backtest_sweep sweep = {.strategy = sma, .ranges = &list, .range_count = 1, .here = true};
    assay_backtest_row *rows = NULL;
    size_t made = 0;
    bool goes = count == 1 || count == 2;
    assert_int_equal(assay_backtest_run_sweep(&sweep, &data, NULL, NULL, &rows, &made), goes ? ASSAY_OK : ASSAY_ERR_INVALID);
    assert_int_equal(made, goes ? count : 0);
    assay_backtest_rows_free(rows);
  }
  const assay_backtest_range twice[] = {{0, 1, 2, 1}, {0, 1, 2, 1}};
  assay_backtest_sweep sweep = {.strategy = sma, .ranges = twice, .range_count = 2};
  assay_backtest_row *rows = NULL;
  size_t count = 0;
  assert_int_equal(assay_backtest_run_sweep(&sweep, &data, NULL, NULL, &rows, &count), ASSAY_ERR_INVALID);
}

/* ---- Walk-forward -------------------------------------------------------------------------------------------------------------------- */

/* Each window by hand: the best of a sweep over its training, then a run over its test with the equity that was left. */
static void test_walk_forward(void **state) {
  (void)state;
  make(5);
  const assay_backtest_range ranges[] = {{0, 2, 10, 2}, {1, 12, 40, 4}};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .here = true};
  for (int anchored = 0; anchored < 2; anchored++) {
    assay_backtest_walk_forward walk = {.windows = 4, .train = 3, .anchored = anchored == 1};
    assay_backtest_options options = {.cash = 1000, .fees = {.rate = 0.0005}, .keep_fills = true};
    assay_error err = {0};
    assay_backtest_walked *walked = NULL;
    assert_ok(assay_backtest_run_walk_forward(&walk, &sweep, &data, &options, &err, &walked), err);
    assert_int_equal(walked->window_count, 4);
    double cash = 1000;
    size_t trades = 0, closed = 0;
    for (size_t i = 0; i < 4; i++) {
      const assay_backtest_window *w = &walked->windows[i];
      assert_int_equal(w->train_first, anchored ? 0 : 100 * i);
      assert_int_equal(w->test_first, 100 * (i + 3));
      assert_int_equal(w->test_end, 100 * (i + 4));
      assay_backtest_options o = options;
      o.first = w->train_first, o.end = w->test_first;
      size_t count = 0;
      assay_backtest_row *rows = sweep_of(&sweep, &o, &count);
      size_t best = assay_backtest_best(rows, count, ASSAY_BACKTEST_SHARPE);
      assert_memory_equal(w->parameters, rows[best].parameters, sizeof w->parameters);
      assay_backtest_rows_free(rows);
      o = (assay_backtest_options){
          .cash = cash, .fees = options.fees, .first = w->test_first - 1, .end = w->test_end, .keep_equity = true, .close_at_end = true};
      assay_backtest_result *r = NULL;
      assert_ok(assay_backtest_run(sweep.strategy, w->parameters, &data, &o, &err, &r), err);
      for (size_t k = 0; k < 100; k++) assert_true(walked->result->equity[1 + 100 * i + k] == r->equity[1 + k]);
      cash = r->metrics.last_equity;
      trades += r->metrics.trades;
      assay_backtest_result_destroy(r);
    }
    for (size_t i = 0; i < walked->result->metrics.fills; i++) {
      const assay_backtest_fill *f = &walked->result->fills[i];
      if (f->order == 0) closed++;
      if (f->order == 0) assert_near(f->fee, fabs(f->quantity) * bars.close[f->bar] * 0.0005, 1e-9);
      if (f->order == 0) assert_int_equal((f->bar + 1) % 100, 0);
    }
    assert_true(closed > 0); /* what windows leave open is a trade that ends there and costs what trades cost */
    double profit = 0, held = 0;
    for (size_t i = 0; i < trades; i++) profit += walked->result->trades[i].profit;
    for (size_t i = 0; i < walked->result->metrics.fills; i++) held += walked->result->fills[i].quantity;
    assert_near(profit, cash - 1000, 1e-9);
    assert_near(held, 0, 1e-9);
    assert_near(walked->result->metrics.last_equity, cash, 0);
    assert_int_equal(walked->result->metrics.trades, trades);
    assert_int_equal(walked->result->metrics.bars, 401);
    assay_backtest_walked_destroy(walked);
    walk.windows = 400;
    assert_int_equal(assay_backtest_run_walk_forward(&walk, &sweep, &data, &options, NULL, &walked), ASSAY_ERR_INVALID);
  }
}

/* By hand: 9.9 units for 1,000 at 100 with 1 % of fees; what is left of them at 120 after 1 % more. With slippage both prices are 1 %
 * worse. */
static void test_close_at_end(void **state) {
  (void)state;
  static const double closes[] = {100, 100, 110, 120}, longs[] = {1, NAN, NAN, NAN}, shorts[] = {-0.5, NAN, NAN, NAN};
  const assay_bars small = {.count = 4, .close = closes};
  const struct {
    const double *targets;
    double slippage, equity;
  } cases[] = {
      {longs, 0, 1000 / 101.0 * 120 * 0.99}, {longs, 0.01, 1000 / (101 * 1.01) * 118.8 * 0.99}, {shorts, 0, 1000 + 500 - 5 - 600 - 6}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int events = 0; events < 2; events++) {
      assay_backtest_options o = {.cash = 1000,
                                  .fees = {.rate = 0.01},
                                  .slippage = {.rate = cases[i].slippage},
                                  .close_at_end = true,
                                  .keep_equity = true,
                                  .keep_fills = true,
                                  .keep_trades = true,
                                  .events = events == 1};
      assay_error err = {0};
      assay_backtest_result *r = NULL;
      assert_ok(assay_backtest_run_targets(&small, cases[i].targets, &o, &err, &r), err);
      assert_near(r->metrics.last_equity, cases[i].equity, 1e-9);
      assert_near(r->equity[3], cases[i].equity, 1e-9);
      assert_int_equal(r->metrics.trades, 1);
      assert_int_equal(r->metrics.fills, 2);
      assert_int_equal(r->metrics.open_at_end, 0);
      assert_int_equal(r->fills[1].order, 0);
      assert_near(r->trades[0].profit, cases[i].equity - 1000, 1e-9);
      assert_near(r->metrics.unrealised, 0, 0);
      assay_backtest_result_destroy(r);
    }
  }
}

/* Two windows of a strategy that always wants to be in: each sells at its end and buys again behind it, at 1 % each time. */
static assay_status always(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)parameters, (void)user, (void)err;
  for (size_t i = 0; i < b->count; i++) targets[i] = 1;
  return ASSAY_OK;
}

static void test_windows_pay(void **state) {
  (void)state;
  static double flat[12];
  for (size_t i = 0; i < 12; i++) flat[i] = 100 + (double)(i % 2); /* something varies, so that there is a Sharpe ratio */
  const assay_bars small = {.count = 12, .close = flat};
  const assay_backtest_data one = {.assets = 1, .bars = &small};
  const assay_strategy in = {.name = "in", .parameter_count = 1, .parameters = {{"x", 0, 0, 1, true, "nothing"}}, .targets = always};
  const assay_backtest_range range = {0, 0, 1, 1};
  const assay_backtest_sweep sweep = {.strategy = &in, .ranges = &range, .range_count = 1, .here = true};
  const assay_backtest_walk_forward walk = {.windows = 2, .train = 1, .objective = ASSAY_BACKTEST_RETURN};
  const assay_backtest_options o = {.cash = 1000, .fees = {.rate = 0.01}};
  assay_error err = {0};
  assay_backtest_walked *walked = NULL;
  assert_ok(assay_backtest_run_walk_forward(&walk, &sweep, &one, &o, &err, &walked), err);
  /* Bought at the closes of bars 4 and 8 (100), sold at those of bars 7 and 11 (101). */
  double round_trip = 1.01 * 0.99 / 1.01;
  assert_near(walked->result->metrics.last_equity, 1000 * round_trip * round_trip, 1e-9);
  assert_near(walked->windows[0].tested.total_return, round_trip - 1, 1e-12);
  assert_int_equal(walked->result->metrics.fills, 4);
  assay_backtest_walked_destroy(walked);
}

/* ---- The best of many ---------------------------------------------------------------------------------------------------------------- */

/* The example that the paper counts through: 100 tries with a variance of 1/2 a year, a ratio of 2.5 over 1,250 days. */
static void test_deflated(void **state) {
  (void)state;
  double expected = assay_backtest_expected_best(100, sqrt(0.5 / 250));
  assert_near(expected, 0.1132, 5e-5);
  const assay_backtest_shape crashes = {1250, -3, 10};
  assert_near(assay_backtest_deflate(2.5 / sqrt(250), expected, &crashes), 0.9004, 5e-5);
  /* With 46 tries it would have been 95 %. */
  assert_near(assay_backtest_deflate(2.5 / sqrt(250), assay_backtest_expected_best(46, sqrt(0.5 / 250)), &crashes), 0.9505, 5e-5);
  assert_true(isnan(assay_backtest_expected_best(0, 1)));
  assert_near(assay_backtest_expected_best(1, 1), 0, 0);
  assert_near(assay_backtest_expected_best(1.5, 1), assay_backtest_expected_best(2, 1) / 2, 1e-15);
  assert_true(isnan(assay_backtest_deflate(NAN, 0, &crashes)));
}

/* The mean of the greatest of n, drawn. */
static void test_expected_best(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 4);
  for (size_t n = 5; n <= 500; n *= 10) {
    double mean = 0;
    for (size_t i = 0; i < 4000; i++) {
      double most = -INFINITY;
      for (size_t k = 0; k < n; k++) most = fmax(most, 3 * assay_random_normal(&random));
      mean += most / 4000;
    }
    assert_near(assay_backtest_expected_best((double)n, 3), mean, 0.05 * mean);
  }
}

static double correlation_of(const double *a, const double *b, size_t count) {
  double n = (double)(count - 1), x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (size_t t = 1; t < count; t++) x += (a[t] / a[t - 1] - 1) / n, y += (b[t] / b[t - 1] - 1) / n;
  for (size_t t = 1; t < count; t++) {
    double from_x = a[t] / a[t - 1] - 1 - x, from_y = b[t] / b[t - 1] - 1 - y;
    xx += from_x * from_x, yy += from_y * from_y, xy += from_x * from_y;
  }
  return xy / sqrt(xx * yy);
}

/* All pairs, one by one; of more than 32 configurations those that are looked at. */
static void test_correlation_of_a_sweep(void **state) {
  (void)state;
  make(12);
  const assay_backtest_range small[] = {{0, 2, 10, 4}, {1, 15, 60, 15}}, large[] = {{0, 2, 14, 1}, {1, 15, 60, 5}};
  for (int which = 0; which < 2; which++) {
    assay_backtest_sweep sweep = {
        .strategy = assay_strategy_find("sma"), .ranges = which == 0 ? small : large, .range_count = 2, .here = true};
    const assay_backtest_options options = {.first = 20, .keep_equity = true};
    assay_backtest_result *results[32];
    size_t count = 0, runs = 0;
    assay_error err = {0};
    assay_backtest_row *rows = sweep_of(&sweep, &options, &count);
    const size_t wanted = count < 32 ? count : 32; /* all are done: fast is below slow */
    for (; runs < wanted; runs++)
      assert_ok(assay_backtest_run(sweep.strategy, rows[runs * count / wanted].parameters, &data, &options, &err, &results[runs]), err);
    double mean = 0, measured = 0, pairs = (double)(runs * (runs - 1)) / 2;
    for (size_t i = 0; i < runs; i++)
      for (size_t k = 0; k < i; k++) mean += correlation_of(results[i]->equity, results[k]->equity, results[i]->metrics.bars) / pairs;
    assert_ok(assay_backtest_correlate(&sweep, &data, &options, rows, count, &err, &measured), err);
    assert_true(mean > 0.1 && mean < 0.9);
    assert_near(measured, mean, 1e-10);
    assert_ok(assay_backtest_correlate(&sweep, &data, &options, rows, 1, &err, &measured), err);
    assert_true(isnan(measured)); /* there is no pair */
    for (size_t i = 0; i < runs; i++) assay_backtest_result_destroy(results[i]);
    assay_backtest_rows_free(rows);
  }
  /* Larger bets on the same thing are one try. */
  const assay_backtest_range sizes = {3, 0.2, 1, 0.1};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = &sizes, .range_count = 1, .here = true};
  size_t count = 0;
  double measured = 0;
  assay_error err = {0};
  assay_backtest_row *rows = sweep_of(&sweep, NULL, &count);
  assert_ok(assay_backtest_correlate(&sweep, &data, NULL, rows, count, &err, &measured), err);
  assert_true(measured > 0.99 && measured <= 1);
  assay_backtest_rows_free(rows);
}

static void test_luck_of_a_sweep(void **state) {
  (void)state;
  make(9);
  const assay_backtest_range ranges[] = {{0, 2, 20, 2}, {1, 15, 60, 5}};
  assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .here = true};
  assay_backtest_options options = {.keep_equity = true};
  size_t count = 0, trials = 0;
  assay_backtest_row *rows = sweep_of(&sweep, &options, &count);
  size_t best = assay_backtest_best(rows, count, ASSAY_BACKTEST_SHARPE);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) {
    if (rows[i].outcome != ASSAY_BACKTEST_DONE) continue;
    trials++;
    sum += rows[i].metrics.sharpe;
    squares += rows[i].metrics.sharpe * rows[i].metrics.sharpe;
  }
  double spread = sqrt((squares - sum * sum / (double)trials) / (double)(trials - 1));
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_luck luck;
  assert_ok(assay_backtest_run(sweep.strategy, rows[best].parameters, &data, &options, &err, &r), err);
  assert_ok(assay_backtest_measure_luck(rows, count, r, NAN, &err, &luck), err);
  assert_int_equal(luck.trials, trials);
  assert_near(luck.spread, spread, 1e-9);
  assert_near(luck.best, rows[best].metrics.sharpe, 0);
  assert_near(luck.expected_best, assay_backtest_expected_best((double)trials, spread), 1e-9);
  assert_true(luck.independent == (double)trials && isnan(luck.correlation));
  assay_backtest_luck alike;
  assert_ok(assay_backtest_measure_luck(rows, count, r, 0.75, &err, &alike), err);
  assert_near(alike.independent, 0.75 + 0.25 * (double)trials, 1e-12);
  assert_near(alike.expected_best, assay_backtest_expected_best(0.75 + 0.25 * (double)trials, spread), 1e-12);
  assert_true(alike.probability > luck.probability);
  assert_ok(assay_backtest_measure_luck(rows, count, r, 1, &err, &alike), err);
  assert_true(alike.independent == 1 && alike.expected_best == 0);
  assert_true(luck.probability > 0 && luck.probability < 1);
  assay_backtest_result_destroy(r);
  r = NULL;
  assert_ok(assay_backtest_run(sweep.strategy, rows[best].parameters, &data, NULL, &err, &r), err);
  assert_int_equal(assay_backtest_measure_luck(rows, count, r, NAN, NULL, &luck), ASSAY_ERR_INVALID);
  assay_backtest_result_destroy(r);
  assay_backtest_rows_free(rows);
}

/* ---- Look-ahead ---------------------------------------------------------------------------------------------------------------------- */

static assay_backtest_peek peek_of(const assay_strategy *strategy) {
  assay_error err = {0};
  assay_backtest_peek peek;
  assert_ok(assay_backtest_check_lookahead(strategy, NULL, &data, NULL, 0, &err, &peek), err);
  return peek;
}

/* Buys when the next bar will close higher: through the pointer, beyond the count. */
static void cheat_next(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = assay_backtest_now(run);
  if (now + 1 < BARS) assay_backtest_target(run, 0, b->close[now + 1] > b->close[now]);
}

/* Knows the mean of all prices from the start, as people do who standardise a table before they cut it. */
static assay_status mean_targets(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)parameters, (void)user, (void)err;
  double mean = 0;
  for (size_t i = 0; i < b->count; i++) mean += b->close[i] / (double)b->count;
  for (size_t i = 0; i < b->count; i++) targets[i] = b->close[i] < mean;
  return ASSAY_OK;
}

/* One row too early. */
static assay_status shifted_targets(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)parameters, (void)user, (void)err;
  for (size_t i = 0; i < b->count; i++) targets[i] = i + 1 < b->count && b->close[i + 1] > b->close[i];
  return ASSAY_OK;
}

/* Only once in a hundred bars, and at bars that no cut follows. */
static void cheat_rarely(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = assay_backtest_now(run);
  if (now % 100 == 77) assay_backtest_target(run, 0, b->close[now + 1] > b->close[now]);
}

/* The limit is tomorrow's low: the order is the same, its price is not. */
static void cheat_low(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = assay_backtest_now(run), next = now + 1 < BARS ? now + 1 : now;
  assay_backtest_submit(
      run, &(assay_backtest_order){.quantity = 1, .kind = ASSAY_BACKTEST_LIMIT, .limit = b->low[next], .force = ASSAY_BACKTEST_IOC}, NULL);
}

static void honest(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = b->count - 1;
  if (now > 0 && b->close[now] > b->close[now - 1])
    assay_backtest_submit(
        run, &(assay_backtest_order){.quantity = 1, .kind = ASSAY_BACKTEST_LIMIT, .limit = b->low[now], .stop_loss = b->low[now] / 2},
        NULL);
  else if (now > 5)
    assay_backtest_cancel_all(run, 0);
}

static void test_cheats_are_caught(void **state) {
  (void)state;
  make(6);
  const assay_strategy cheats[] = {{.name = "next", .on_bar = cheat_next},
                                   {.name = "low", .on_bar = cheat_low},
                                   {.name = "rarely", .on_bar = cheat_rarely},
                                   {.name = "mean", .targets = mean_targets},
                                   {.name = "shifted", .targets = shifted_targets}};
  for (size_t i = 0; i < sizeof cheats / sizeof *cheats; i++) {
    assay_backtest_peek peek = peek_of(&cheats[i]);
    if (!peek.found) fail_msg("%s was not caught", cheats[i].name);
    assert_true(peek.bar < peek.cut && peek.cut < BARS && peek.what[0] != '\0');
  }
}

/* k bars ahead, k being `user`: the direction, how far (whichever way), the volume; at every bar, or at some. */
enum { FEW = 120 };
typedef enum what { DIRECTION, SIZE, VOLUME, ONE_IN_FIFTY, ONE_IN_TEN, CRASH, KINDS } what;
static size_t ahead_of(const void *user) { return *(const size_t *)user; }

static bool sees(what kind, const assay_bars *b, size_t i, size_t count, size_t ahead) {
  if (i + ahead >= count || (kind == ONE_IN_FIFTY && i % 50 != 23) || (kind == ONE_IN_TEN && i % 10 != 3)) return false;
  double move = b->close[i + ahead] / b->close[i + ahead - 1] - 1;
  return kind == SIZE     ? fabs(move) < 0.015
         : kind == CRASH  ? fabs(move) > 0.2
         : kind == VOLUME ? b->volume[i + ahead] > 7000
                          : b->close[i + ahead] > b->close[i];
}

static what kind_now;
static assay_status ahead_targets(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)parameters, (void)err;
  for (size_t i = 0; i < b->count; i++) targets[i] = sees(kind_now, b, i, b->count, ahead_of(user));
  return ASSAY_OK;
}

static void ahead_called(assay_backtest *run, void *state) {
  (void)state;
  size_t now = assay_backtest_now(run);
  assay_backtest_target(run, 0, sees(kind_now, assay_backtest_bars(run, 0), now, FEW, ahead_of(assay_backtest_user(run))));
}

static void test_every_distance_is_caught(void **state) {
  (void)state;
  make(10);
  bars.count = FEW;
  for (what kind = 0; kind < KINDS; kind++) {
    for (size_t ahead = 1; ahead <= 20; ahead++) {
      const assay_strategy array = {.name = "array", .targets = ahead_targets, .user = &ahead};
      const assay_strategy called = {.name = "called", .on_bar = ahead_called, .user = &ahead};
      kind_now = kind;
      assay_backtest_peek peek = peek_of(&array);
      if (!peek.found) fail_msg("kind %d, %zu bars ahead, was not caught", kind, ahead);
      assert_true(peek.bar < peek.cut && peek.bar + ahead >= peek.cut);
      if (kind == DIRECTION && !peek_of(&called).found) fail_msg("%zu bars ahead, called back, was not caught", ahead);
    }
  }
}

/* Who flees from a crash that these bars do not have decides as if he did not look. */
static void test_what_does_not_happen_is_caught(void **state) {
  (void)state;
  make(12);
  size_t ahead = 1;
  const assay_strategy array = {.name = "array", .targets = ahead_targets, .user = &ahead};
  double targets[BARS];
  kind_now = CRASH;
  assert_int_equal(ahead_targets(&bars, NULL, &ahead, NULL, targets), ASSAY_OK);
  for (size_t i = 0; i < BARS; i++) assert_true(targets[i] == 0);
  assert_true(peek_of(&array).found);
}

/* 70 cuts of 699 at regular distances would lie behind every tenth bar, and never behind the one that is looked ahead from. */
static void test_cuts_are_not_regular(void **state) {
  (void)state;
  make(11);
  size_t ahead = 1;
  const assay_strategy array = {.name = "array", .targets = ahead_targets, .user = &ahead};
  assay_error err = {0};
  assay_backtest_peek peek, again;
  kind_now = ONE_IN_TEN;
  assert_ok(assay_backtest_check_lookahead(&array, NULL, &data, NULL, 70, &err, &peek), err);
  assert_true(peek.found);
  assert_int_equal(peek.cuts, 70);
  assert_ok(assay_backtest_check_lookahead(&array, NULL, &data, NULL, 70, &err, &again), err);
  assert_int_equal(peek.cut, again.cut);
}

static void test_honest_ones_are_not(void **state) {
  (void)state;
  make(7);
  const assay_strategy plain = {.name = "honest", .on_bar = honest};
  assert_false(peek_of(&plain).found);
  for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
    if (assay_strategy_at(i)->assets_least > 1) continue;
    assay_backtest_peek peek = peek_of(assay_strategy_at(i));
    if (peek.found) fail_msg("%s: %s", assay_strategy_at(i)->name, peek.what);
  }
}

/* Where data end, memory ends: who reads on crashes, and only the check does not. */
static void read_on(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *b = assay_backtest_bars(run, 0);
  volatile double far = b->close[assay_backtest_now(run) + 1 < BARS ? assay_backtest_now(run) + 1 : 0];
  (void)far;
}

static void test_reading_on_is_caught(void **state) {
  (void)state;
  make(8);
  const assay_strategy reader = {.name = "reader", .on_bar = read_on};
  assay_backtest_peek peek = peek_of(&reader);
  assert_true(peek.found);
}

/* Two assets whose prices keep together within a few parts in a hundred, and what is out of the market when they part tomorrow. They never
 * do, so only futures in which each goes its own way show it. It reads on, but never at the start of a page: where data end, memory does.
 */
static void pair_called(assay_backtest *run, void *state) {
  (void)state;
  const assay_bars *a = assay_backtest_bars(run, 0), *b = assay_backtest_bars(run, 1);
  size_t next = assay_backtest_now(run) + 1;
  bool is_end = next >= BARS || (uintptr_t)(a->close + next) % 4096 == 0 || (uintptr_t)(b->close + next) % 4096 == 0;
  assay_backtest_target(run, 0, is_end || fabs(a->close[next] / b->close[next] - 1) < 0.2 ? 0.5 : 0);
}

static void test_assets_go_their_own_ways(void **state) {
  (void)state;
  make(9);
  static double others[4][BARS];
  assay_random random;
  assay_random_init(&random, 9);
  for (size_t i = 0; i < BARS; i++) {
    double by = 0.99 + 0.02 * assay_random_unit(&random);
    for (int k = 0; k < 4; k++) others[k][i] = columns[k][i] * by;
  }
  assay_bars both[] = {bars, bars};
  both[1].open = others[0], both[1].high = others[1], both[1].low = others[2], both[1].close = others[3];
  const assay_backtest_data pair = {.assets = 2, .bars = both};
  const assay_strategy cheat = {.name = "pair", .assets_least = 2, .assets_most = 2, .on_bar = pair_called};
  assay_error err = {0};
  assay_backtest_peek peek;
  assert_ok(assay_backtest_check_lookahead(&cheat, NULL, &pair, NULL, 0, &err, &peek), err);
  assert_true(peek.found);
  if (strstr(peek.what, "jump at random") == NULL) fail_msg("%s", peek.what);
}

/* In whichever process it is called but the first one, memory is out from then on. */
static pid_t first_process;
static void starve(assay_backtest *run, void *state) {
  (void)state;
  if (getpid() != first_process) setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY});
  if (assay_backtest_now(run) == 5) assay_backtest_target(run, 0, 1);
}

/* What could not be tried is no proof of anything. */
static void test_out_of_memory_is_no_pass(void **state) {
  (void)state;
  if (UNLIMITED) skip();
  make(10);
  first_process = getpid();
  const assay_strategy plain = {.name = "starved", .on_bar = starve};
  assay_error err = {0};
  assay_backtest_peek peek = {.bar = 77};
  assert_int_equal(assay_backtest_check_lookahead(&plain, NULL, &data, NULL, 0, &err, &peek), ASSAY_ERR_NO_MEMORY);
  assert_int_equal(peek.bar, 77);
}

static void test_leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows_equal_runs),
      cmocka_unit_test(test_values_are_decimals),
      cmocka_unit_test(test_same_for_any_workers),
      cmocka_unit_test(test_a_crash_loses_itself_only),
      cmocka_unit_test(test_best),
      cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_walk_forward),
      cmocka_unit_test(test_close_at_end),
      cmocka_unit_test(test_windows_pay),
      cmocka_unit_test(test_deflated),
      cmocka_unit_test(test_expected_best),
      cmocka_unit_test(test_correlation_of_a_sweep),
      cmocka_unit_test(test_luck_of_a_sweep),
      cmocka_unit_test(test_cheats_are_caught),
      cmocka_unit_test(test_every_distance_is_caught),
      cmocka_unit_test(test_what_does_not_happen_is_caught),
      cmocka_unit_test(test_cuts_are_not_regular),
      cmocka_unit_test(test_honest_ones_are_not),
      cmocka_unit_test(test_reading_on_is_caught),
      cmocka_unit_test(test_assets_go_their_own_ways),
      cmocka_unit_test(test_out_of_memory_is_no_pass),
      cmocka_unit_test(test_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
