/* SPDX-License-Identifier: MIT */
/* Whole backtests against a slow and obvious one, the two paths against each other, and properties. */
#include <assay/backtest.h>
#include <assay/risk.h>

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "kernels/backtest/backtest.h"
#include "kernels/variant.h"
#include "slow_backtest.h"
#include "test.h"

/* ---- The same bits ------------------------------------------------------------------------------------------------------------------- */

static void test_events_equal_targets(void **state) {
  (void)state;
  static test_market m;
  static double targets[BARS];
  assay_random random;
  assay_random_init(&random, 11);
  for (uint64_t round = 0; round < 150; round++) {
    size_t bars = 2 + (size_t)assay_random_below(&random, BARS - 2);
    make_market(&m, round, bars);
    random_targets(&random, targets, bars);
    assay_backtest_options options = random_options(&random, bars);
    if (round % 5 == 0) options.fees.per_order = 1500; /* soon nothing is left */
    assay_error err = {0};
    assay_backtest_result *fast = NULL, *events = NULL;
    assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &fast), err);
    options.events = true;
    assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &events), err);
    assert_same(fast, events);
    assay_backtest_result_destroy(fast);
    assay_backtest_result_destroy(events);
  }
}

static void test_callbacks_equal_targets(void **state) {
  (void)state;
  static test_market m;
  make_market(&m, 3, BARS);
  for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
    const assay_strategy *strategy = assay_strategy_at(i);
    if (strategy->targets == NULL || strategy->on_bar == NULL) continue;
    for (int first = 0; first < 3; first++) {
      assay_backtest_options options = {
          .fees = {.rate = 0.001}, .keep_equity = true, .keep_fills = true, .keep_trades = true, .first = (size_t)first * 100};
      assay_error err = {0};
      assay_backtest_result *fast = NULL, *events = NULL;
      assert_ok(assay_backtest_run(strategy, NULL, &m.data, &options, &err, &fast), err);
      options.events = true;
      assert_ok(assay_backtest_run(strategy, NULL, &m.data, &options, &err, &events), err);
      assert_true(fast->metrics.fills > 0);
      assert_same(fast, events);
      assay_backtest_result_destroy(fast);
      assay_backtest_result_destroy(events);
    }
  }
}

static void test_instruction_sets(void **state) {
  (void)state;
  static test_market m;
  static double a[BARS], b[BARS];
  assay_random random;
  assay_random_init(&random, 5);
  for (size_t round = 0; round < 40; round++) {
    make_market(&m, round, BARS);
    size_t begin = (size_t)assay_random_below(&random, 60), end = begin + (size_t)assay_random_below(&random, BARS - begin),
           seen = 1 + round % 9;
    double cash = 2000 * (assay_random_unit(&random) - 0.3), quantity = (round % 3 == 0 ? -30 : 30) * assay_random_unit(&random);
    if (round % 3 == 0) cash = 5000;
    assay_tally plain = {.last = 900, .peak = 1000, .trough = 900, .count = seen, .lane = seen % 8};
    size_t stop = begin; /* one at a time */
    for (; stop < end; stop++) {
      double equity = cash + quantity * m.close[stop];
      if (!(equity > 0)) break;
      assay_tally_add(&plain, equity);
      a[stop] = equity;
    }
    uint64_t bits[BARS / 64 + 1];
    for (size_t v = 0; assay_kernel_variant_usable(v) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
      const assay_backtest_functions *f = assay_backtest_functions_variant(assay_kernel_variant_usable(v));
      assay_tally t = {.last = 900, .peak = 1000, .trough = 900, .count = seen, .lane = seen % 8};
      assert_int_equal(f->hold(&t, m.close, begin, end, cash, quantity, b), stop);
      assert_memory_equal(&t, &plain, sizeof t);
      assert_memory_equal(a + begin, b + begin, (stop - begin) * sizeof *a);
      f->above(m.open, m.close, end, bits);
      for (size_t i = 0; i < end; i++) assert_int_equal(bits[i / 64] >> (i % 64) & 1, m.open[i] > m.close[i]);
      if (end % 64 != 0) assert_int_equal(bits[end / 64] >> (end % 64), 0);
    }
  }
}

/* ---- Slow and obvious ---------------------------------------------------------------------------------------------------------------- */

static void test_against_slow(void **state) {
  (void)state;
  static test_market m;
  static double targets[BARS], equity[BARS];
  assay_random random;
  assay_random_init(&random, 21);
  for (uint64_t round = 0; round < 60; round++) {
    make_market(&m, 1000 + round, 400);
    random_targets(&random, targets, 400);
    assay_backtest_options options = random_options(&random, 400);
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &r), err);
    slow_backtest(&m, targets, &options, equity);
    bool ruined = r->metrics.ruined_at != SIZE_MAX;
    for (size_t i = 0; i < r->metrics.bars && !ruined; i++) assert_near(r->equity[i], equity[i], 1e-6 * fabs(equity[i]) + 1e-6);
    double fees = 0, profit = 0;
    for (size_t i = 0; i < r->metrics.fills; i++) fees += r->fills[i].fee;
    for (size_t i = 0; i < r->metrics.trades; i++) profit += r->trades[i].profit;
    assert_near(r->metrics.fees, fees, 1e-9 * (1 + fees));
    assert_near(r->metrics.last_equity, options.cash + r->metrics.realised + r->metrics.unrealised - fees, 1e-7);
    if (!r->metrics.open_at_end) assert_near(options.cash + profit, r->metrics.last_equity, 1e-7);
    assay_backtest_result_destroy(r);
  }
}

/* The definitions are those of assay/risk.h, which computes them in another way. */
static void test_metrics_agree_with_risk(void **state) {
  (void)state;
  static test_market m;
  static double targets[BARS], returns[BARS];
  assay_random random;
  assay_random_init(&random, 31);
  for (uint64_t round = 0; round < 30; round++) {
    make_market(&m, 2000 + round, BARS);
    random_targets(&random, targets, BARS);
    assay_backtest_options options = {.cash = 1000, .keep_equity = true, .fees = {.rate = 0.001}, .periods_per_year = 252};
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &r), err);
    for (size_t i = 1; i < BARS; i++) returns[i - 1] = r->equity[i] / r->equity[i - 1] - 1;
    assay_risk_performance p;
    assay_risk_drawdown d;
    assert_ok(assay_risk_get_performance(returns, BARS - 1, &(assay_risk_performance_options){.periods_per_year = 252}, &err, &p), err);
    assert_ok(assay_risk_get_drawdown(r->equity, BARS, &err, NULL, &d), err);
    assert_near(r->metrics.total_return, p.total, 1e-10);
    assert_near(r->metrics.annual_return, p.annual_return, 1e-11);
    assert_near(r->metrics.volatility, p.volatility, 1e-11);
    assert_near(r->metrics.downside, p.downside, 1e-11);
    assert_near(r->metrics.sharpe, p.sharpe, 1e-9);
    assert_near(r->metrics.sortino, p.sortino, 1e-9);
    assert_near(r->metrics.calmar, p.calmar, 1e-9);
    assert_near(r->metrics.max_drawdown, d.deepest, 1e-14);
    assert_int_equal(r->metrics.longest_drawdown, d.longest);
    assay_backtest_result_destroy(r);
  }
}

/* ---- Properties ---------------------------------------------------------------------------------------------------------------------- */

static void test_no_trades_is_flat(void **state) {
  (void)state;
  static test_market m;
  static double targets[BARS];
  make_market(&m, 1, BARS);
  for (size_t i = 0; i < BARS; i++) targets[i] = i % 2 ? NAN : 0;
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.keep_equity = true, .fees = {.least = 5}};
  assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &r), err);
  for (size_t i = 0; i < BARS; i++) assert_true(r->equity[i] == 100000);
  assert_true(r->metrics.total_return == 0 && r->metrics.volatility == 0 && r->metrics.max_drawdown == 0 && r->metrics.fees == 0);
  assert_true(isnan(r->metrics.sharpe) && isnan(r->metrics.win_rate) && isnan(r->metrics.calmar));
  assert_int_equal(r->metrics.fills, 0);
  assay_backtest_result_destroy(r);
}

/* What a strategy is on [first, end) is what it is on that piece alone, but for what it knows from before. */
static void test_pieces(void **state) {
  (void)state;
  static test_market m;
  static double targets[BARS];
  make_market(&m, 9, BARS);
  assay_random random;
  assay_random_init(&random, 4);
  random_targets(&random, targets, BARS);
  targets[300] = 0.25; /* given anew, so that both see it */
  assay_error err = {0};
  assay_backtest_result *whole = NULL, *piece = NULL;
  assay_backtest_options options = {.keep_equity = true, .first = 300, .end = 900};
  assert_ok(assay_backtest_run_targets(&m.bars, targets, &options, &err, &whole), err);
  assay_bars part = {.count = 600, .open = m.open + 300, .high = m.high + 300, .low = m.low + 300, .close = m.close + 300};
  options.first = options.end = 0;
  assert_ok(assay_backtest_run_targets(&part, targets + 300, &options, &err, &piece), err);
  assert_int_equal(whole->metrics.bars, 600);
  assert_memory_equal(whole->equity, piece->equity, 600 * sizeof *piece->equity);
  assay_backtest_result_destroy(whole);
  assay_backtest_result_destroy(piece);
}

/* The same market with prices as they were traded, and a 4:1 split and a dividend on the way; adjusted prices give the same curve. */
static void test_splits_change_nothing(void **state) {
  (void)state;
  static test_market adjusted, raw;
  static double targets[BARS];
  make_market(&adjusted, 17, BARS);
  make_market(&raw, 17, BARS);
  assay_random random;
  assay_random_init(&random, 2);
  random_targets(&random, targets, BARS);
  for (size_t i = 0; i < 500; i++) raw.open[i] *= 4, raw.high[i] *= 4, raw.low[i] *= 4, raw.close[i] *= 4;
  assay_backtest_action split = {.bar = 500, .split = 4};
  raw.data.actions = &split;
  raw.data.action_count = 1;
  assay_strategy follow = {.name = "follow", .on_bar = test_follow_targets, .user = targets};
  assay_error err = {0};
  assay_backtest_result *a = NULL, *b = NULL;
  assay_backtest_options options = {.keep_equity = true, .fees = {.rate = 0.001}, .slippage = {.rate = 0.0005}};
  assert_ok(assay_backtest_run(&follow, NULL, &adjusted.data, &options, &err, &a), err);
  assert_ok(assay_backtest_run(&follow, NULL, &raw.data, &options, &err, &b), err);
  for (size_t i = 0; i < BARS; i++) assert_near(b->equity[i], a->equity[i], 1e-9 * a->equity[i]);
  assert_near(a->metrics.sharpe, b->metrics.sharpe, 1e-9);
  assay_backtest_result_destroy(a);
  assay_backtest_result_destroy(b);
}

static void test_dividends(void **state) {
  (void)state;
  double open[4] = {10, 10, 9, 9}, close[4] = {10, 10, 9, 9};
  assay_bars bars = {.count = 4, .open = open, .high = close, .low = close, .close = close};
  assay_backtest_action paid = {.bar = 2, .dividend = 1};
  assay_backtest_data data = {.assets = 1, .bars = &bars, .actions = &paid, .action_count = 1};
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.cash = 1000, .keep_equity = true};
  assert_ok(assay_backtest_run(assay_strategy_find("HOLD"), NULL, &data, &options, &err, &r), err);
  assert_near(r->equity[2], 1000, 1e-9); /* 100 units: 900 in prices and 100 in cash */
  assert_near(r->metrics.dividends, 100, 1e-12);
  assay_backtest_result_destroy(r);
}

/* Half of 1000 in each of two assets; the second does not trade on bar 1, so its order waits for bar 2. */
static void test_many_assets(void **state) {
  (void)state;
  double a[4] = {10, 10, 20, 20}, b[4] = {5, NAN, 4, 8};
  assay_bars bars[2] = {{.count = 4, .close = a}, {.count = 4, .close = b}};
  assay_backtest_data data = {.assets = 2, .bars = bars};
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.cash = 1000, .keep_equity = true, .keep_fills = true};
  assert_ok(assay_backtest_run(assay_strategy_find("hold"), NULL, &data, &options, &err, &r), err);
  assert_int_equal(r->metrics.fills, 2);
  assert_int_equal(r->fills[1].bar, 2);
  assert_near(r->fills[1].quantity, 500 / 4.0, 1e-9); /* half of 1500 is 750; only 500 are there */
  assert_near(r->equity[3], 50 * 20 + 125 * 8, 1e-9);
  assay_backtest_result_destroy(r);
}

/* ---- Real data ----------------------------------------------------------------------------------------------------------------------- */

static void test_sp500(void **state) {
  (void)state;
  test_bars real;
  if (!test_read_bars("data/prices/sp500-2000.csv", &real)) test_skip("the shared data are not here");
  assay_backtest_data data = {.assets = 1, .bars = &real.bars};
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.keep_equity = true};
  assert_ok(assay_backtest_run(assay_strategy_find("hold"), NULL, &data, &options, &err, &r), err);
  size_t last = real.bars.count - 1;
  assert_near(r->metrics.total_return, real.bars.close[last] / real.bars.open[1] - 1, 1e-12);
  for (size_t i = 1; i <= last; i++) assert_near(r->equity[i] / 100000, real.bars.close[i] / real.bars.open[1], 1e-12);
  assay_backtest_result_destroy(r);
  /* The cross with averages by their definition. */
  static double targets[20000];
  for (size_t i = 0; i <= last; i++) {
    double fast = 0, slow = 0;
    for (size_t k = 0; k < 50 && i >= 49; k++) slow += real.bars.close[i - k] / 50;
    for (size_t k = 0; k < 10 && i >= 49; k++) fast += real.bars.close[i - k] / 10;
    targets[i] = fast > slow;
  }
  assay_backtest_result *sma = NULL, *same = NULL;
  options.fees.rate = 0.0005;
  assert_ok(assay_backtest_run(assay_strategy_find("sma"), NULL, &data, &options, &err, &sma), err);
  assert_ok(assay_backtest_run_targets(&real.bars, targets, &options, &err, &same), err);
  assert_true(sma->metrics.fills > 100);
  assert_memory_equal(sma->equity, same->equity, (last + 1) * sizeof *same->equity);
  assay_backtest_result_destroy(sma);
  assay_backtest_result_destroy(same);
  test_free_bars(&real);
}

/* ---- What is refused ----------------------------------------------------------------------------------------------------------------- */

static void refuse(const test_market *m, const char *says) {
  assay_error err = {0};
  assert_int_equal(assay_backtest_check_data(&m->data, &err), ASSAY_ERR_INVALID);
  if (strstr(err.message, says) == NULL) fail_msg("'%s' is not in '%s'", says, err.message);
}

static void test_refuses_data(void **state) {
  (void)state;
  static test_market m;
  make_market(&m, 1, 100);
  int64_t times[100];
  for (int i = 0; i < 100; i++) times[i] = i;
  m.close[7] = -1, refuse(&m, "bar 7"), make_market(&m, 1, 100);
  m.close[7] = INFINITY, refuse(&m, "bar 7"), make_market(&m, 1, 100);
  m.open[3] = NAN, refuse(&m, "bar 3"), make_market(&m, 1, 100);
  m.high[4] = m.close[4] / 2, refuse(&m, "high"), make_market(&m, 1, 100);
  m.low[4] = m.high[4], refuse(&m, "low"), make_market(&m, 1, 100);
  m.volume[9] = -1, refuse(&m, "volume"), make_market(&m, 1, 100);
  m.bars.times = times, times[50] = 49, refuse(&m, "bar 50"), make_market(&m, 1, 100);
  m.bars.high = NULL, refuse(&m, "all three"), make_market(&m, 1, 100);
  assay_bars two[2] = {m.bars, m.bars};
  int64_t others[100];
  for (int i = 0; i < 100; i++) times[i] = others[i] = i;
  m.data.assets = 2, m.data.bars = two, two[0].times = times, refuse(&m, "some have none");
  two[1].times = others, others[99] = 100, refuse(&m, "asset 1, bar 99"), make_market(&m, 1, 100);
  m.bars.count = 0, refuse(&m, "no bars"), make_market(&m, 1, 100);
  m.data.assets = 0, refuse(&m, "assets"), make_market(&m, 1, 100);
  assay_backtest_action bad = {.bar = 100};
  m.data.actions = &bad, m.data.action_count = 1, refuse(&m, "action 0");
}

static void test_refuses_options(void **state) {
  (void)state;
  static test_market m;
  make_market(&m, 1, 100);
  const assay_backtest_options wrong[] = {{.cash = -1},       {.cash = NAN},          {.lot = -1},      {.fees = {.rate = 2}},
                                          {.first = 100},     {.end = 101},           {.leverage = -1}, {.slippage = {.rate = NAN}},
                                          {.maintenance = 2}, {.risk_free = INFINITY}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assay_backtest_result *r = NULL;
    assert_int_equal(assay_backtest_run(assay_strategy_find("hold"), NULL, &m.data, &wrong[i], NULL, &r), ASSAY_ERR_INVALID);
    assert_null(r);
  }
  assay_backtest_result *r = NULL;
  const assay_strategy *sma = assay_strategy_find("sma");
  assert_int_equal(assay_backtest_run(sma, (double[]){50, 10, 0, 1}, &m.data, NULL, NULL, &r), ASSAY_ERR_INVALID);
  assert_int_equal(assay_backtest_run(sma, (double[]){1.5, 10, 0, 1}, &m.data, NULL, NULL, &r), ASSAY_ERR_INVALID);
  assert_int_equal(assay_backtest_run(sma, (double[]){NAN, 10, 0, 1}, &m.data, NULL, NULL, &r), ASSAY_ERR_INVALID);
  double targets[100] = {0};
  targets[5] = INFINITY;
  assert_int_equal(assay_backtest_run_targets(&m.bars, targets, NULL, NULL, &r), ASSAY_ERR_INVALID);
  assert_int_equal(assay_backtest_run_targets(&m.bars, targets, &(assay_backtest_options){.events = true}, NULL, &r), ASSAY_ERR_INVALID);
  assert_null(assay_strategy_find("smaa"));
  assert_string_equal(assay_strategy_suggest("smaa"), "sma");
}

static void test_leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_events_equal_targets),
      cmocka_unit_test(test_callbacks_equal_targets),
      cmocka_unit_test(test_instruction_sets),
      cmocka_unit_test(test_against_slow),
      cmocka_unit_test(test_no_trades_is_flat),
      cmocka_unit_test(test_metrics_agree_with_risk),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_splits_change_nothing),
      cmocka_unit_test(test_dividends),
      cmocka_unit_test(test_many_assets),
      cmocka_unit_test(test_sp500),
      cmocka_unit_test(test_refuses_data),
      cmocka_unit_test(test_refuses_options),
      cmocka_unit_test(test_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
