/* SPDX-License-Identifier: MIT */
/* The ready strategies against what their sentences say, computed plainly. */
#include <assay/backtest.h>
#include <assay/indicators.h>

#include <math.h>

#include "market_data.h"
#include "test.h"

enum { BARS = 500 };
static double columns[2][5][BARS];
static assay_bars bars[2];
static assay_backtest_data data = {.assets = 1, .bars = bars};

static void make(void) {
  for (size_t a = 0; a < 2; a++) {
    double(*c)[BARS] = columns[a];
    assay_error err = {0};
    assay_backtest_walk walk = {.seed = 40 + a, .volatility = 0.02};
    assert_ok(assay_backtest_make_walk(&walk, BARS, &err, c[0], c[1], c[2], c[3], c[4]), err);
    bars[a] = (assay_bars){.count = BARS, .open = c[0], .high = c[1], .low = c[2], .close = c[3], .volume = c[4]};
  }
}

static assay_backtest_result *run(const char *name, const double *parameters) {
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.keep_fills = true, .keep_equity = true, .cash = 1e6};
  assert_ok(assay_backtest_run(assay_strategy_find(name), parameters, &data, &options, &err, &r), err);
  return r;
}

/* What a run that follows these targets gives. */
static void assert_follows(assay_backtest_result *r, const double *targets) {
  assay_error err = {0};
  assay_backtest_result *plain = NULL;
  assay_backtest_options options = {.keep_fills = true, .keep_equity = true, .cash = 1e6};
  assert_ok(assay_backtest_run_targets(bars, targets, &options, &err, &plain), err);
  assert_true(plain->metrics.fills >= 6);
  assert_memory_equal(r->equity, plain->equity, BARS * sizeof *plain->equity);
  assay_backtest_result_destroy(plain);
  assay_backtest_result_destroy(r);
}

/* Wilder's averages by their recursion. */
static void test_rsi(void **state) {
  (void)state;
  make();
  for (int shorts = 0; shorts < 2; shorts++) {
    const double n = 7, p[] = {n, 35, 65, shorts, 0.5}, *c = bars[0].close;
    double targets[BARS] = {0}, up = 0, down = 0, wanted = 0;
    for (size_t i = 1; i < BARS; i++) {
      double change = c[i] - c[i - 1], gain = fmax(change, 0), loss = fmax(-change, 0);
      up = (double)i <= n ? up + gain / n : (up * (n - 1) + gain) / n;
      down = (double)i <= n ? down + loss / n : (down * (n - 1) + loss) / n;
      double rsi = 100 * up / (up + down);
      if ((double)i >= n) wanted = rsi < 35 ? 0.5 : rsi > 65 ? (shorts ? -0.5 : 0) : wanted;
      targets[i] = wanted;
    }
    assert_follows(run("rsi", p), targets);
  }
}

static void test_bollinger(void **state) {
  (void)state;
  make();
  for (int shorts = 0; shorts < 2; shorts++) {
    const double p[] = {15, 1.5, shorts, 1}, *c = bars[0].close;
    double targets[BARS] = {0}, wanted = 0;
    for (size_t i = 14; i < BARS; i++) {
      double mean = 0, square = 0;
      for (size_t k = 0; k < 15; k++) mean += c[i - k] / 15;
      for (size_t k = 0; k < 15; k++) square += (c[i - k] - mean) * (c[i - k] - mean) / 15;
      double width = 1.5 * sqrt(square);
      if (c[i] > mean + width)
        wanted = 1;
      else if (shorts && c[i] < mean - width)
        wanted = -1;
      else if ((wanted > 0 && c[i] < mean) || (wanted < 0 && c[i] > mean))
        wanted = 0;
      targets[i] = wanted;
    }
    assert_follows(run("bollinger", p), targets);
  }
}

/* Both sides trade on the same bars, in opposite directions, for as much money. */
static void test_pairs(void **state) {
  (void)state;
  make();
  data.assets = 2;
  assay_backtest_result *r = run("pairs", (double[]){30, 1.5, 0.3, 1});
  data.assets = 1;
  assert_true(r->metrics.fills >= 8 && r->metrics.fills % 2 == 0);
  double held[2] = {0};
  for (size_t i = 0; i < r->metrics.fills; i += 2) {
    const assay_backtest_fill *x = &r->fills[i], *y = &r->fills[i + 1];
    assert_int_equal(x->bar, y->bar);
    assert_int_not_equal(x->asset, y->asset);
    bool was_out = held[0] == 0 && held[1] == 0;
    held[x->asset] += x->quantity;
    held[y->asset] += y->quantity;
    /* The ratio at the close before: dear when its first asset is short. */
    double mean = 0, square = 0, now = log(bars[0].close[x->bar - 1] / bars[1].close[x->bar - 1]);
    for (size_t k = 0; k < 30; k++) mean += log(bars[0].close[x->bar - 1 - k] / bars[1].close[x->bar - 1 - k]) / 30;
    for (size_t k = 0; k < 30; k++) square += pow(log(bars[0].close[x->bar - 1 - k] / bars[1].close[x->bar - 1 - k]) - mean, 2) / 30;
    double z = (now - mean) / sqrt(square);
    if (fabs(held[0]) < 1e-9) {
      assert_true(fabs(z) < 0.3 && fabs(held[1]) < 1e-9);
    } else {
      assert_true(fabs(z) > 1.5 && (z > 0) == (held[0] < 0) && (held[0] > 0) == (held[1] < 0));
      double a = fabs(held[0]) * bars[0].open[x->bar], b = fabs(held[1]) * bars[1].open[x->bar];
      if (was_out) assert_near(a / b, 1, 1e-9); /* turning round at once, margin may cut the one that comes first */
    }
  }
  assay_backtest_result_destroy(r);
}

static void test_twap(void **state) {
  (void)state;
  make();
  assay_backtest_result *r = run("twap", (double[]){-1000, 8, 5});
  assert_int_equal(r->metrics.fills, 8);
  double sold = 0;
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(r->fills[i].bar, 6 + i);
    assert_near(r->fills[i].quantity, -125, 1e-9);
    sold += r->fills[i].quantity;
  }
  assert_near(sold, -1000, 0);
  assay_backtest_result_destroy(r);
}

static void test_vwap(void **state) {
  (void)state;
  make();
  assay_backtest_result *r = run("vwap", (double[]){600, 10, 50, 20});
  double bought = 0, expected = 0, seen = 0;
  for (size_t i = 30; i < 50; i++) expected += bars[0].volume[i] / 20;
  for (size_t i = 0; i < r->metrics.fills; i++) {
    size_t bar = r->fills[i].bar - 1;
    bought += r->fills[i].quantity;
    seen = 0;
    for (size_t k = 50; k <= bar; k++) seen += bars[0].volume[k];
    if (bar < 59) assert_near(bought, fmin(600 * seen / (10 * expected), 600), 1e-9);
  }
  assert_near(bought, 600, 1e-9);
  assert_true(r->fills[r->metrics.fills - 1].bar <= 60);
  assay_backtest_result_destroy(r);
}

static assay_backtest_result *run_lots(const char *name, const double *parameters, double lot, size_t first) {
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assay_backtest_options options = {.keep_fills = true, .cash = 1e9, .lot = lot, .first = first};
  assert_ok(assay_backtest_run(assay_strategy_find(name), parameters, &data, &options, &err, &r), err);
  return r;
}

/* Pieces of 150 in lots of 100: what a lot does not divide is carried on, never more than a lot behind the plan, and all of it trades. */
static void test_pieces_of_whole_lots(void **state) {
  (void)state;
  make();
  for (int sells = 0; sells < 2; sells++) {
    const double whole = sells ? -3000 : 3000;
    assay_backtest_result *r = run_lots("twap", (double[]){whole, 20, 5}, 100, 0);
    double done = 0;
    for (size_t i = 0; i < r->metrics.fills; i++) {
      const assay_backtest_fill *f = &r->fills[i];
      assert_near(remainder(f->quantity, 100), 0, 0);
      done += f->quantity;
      double planned = 150 * (double)(f->bar - 5);
      assert_true(fabs(done) <= planned && fabs(done) > planned - 100);
    }
    assert_near(done, whole, 0);
    assert_int_equal(r->metrics.rejected, 0);
    assay_backtest_result_destroy(r);
    r = run_lots("vwap", (double[]){whole, 20, 50, 20}, 100, 0);
    done = 0;
    for (size_t i = 0; i < r->metrics.fills; i++) done += r->fills[i].quantity;
    assert_near(done, whole, 0);
    assert_int_equal(r->metrics.rejected, 0);
    assay_backtest_result_destroy(r);
  }
  /* 50 of 1,050 are no lot: said once, with the reason. */
  assay_backtest_result *r = run_lots("twap", (double[]){1050, 20, 5}, 100, 0);
  double done = 0;
  for (size_t i = 0; i < r->metrics.fills; i++) done += r->fills[i].quantity;
  assert_near(done, 1000, 0);
  assert_int_equal(r->metrics.rejected, 1);
  assert_non_null(strstr(r->rejection, "50 is less than a lot"));
  assay_backtest_result_destroy(r);
}

/* What warms up does not trade: the pieces begin with the first bar that does. */
static void test_pieces_after_the_first_bar(void **state) {
  (void)state;
  make();
  const char *const names[] = {"twap", "vwap"};
  for (int k = 0; k < 2; k++) {
    assay_backtest_result *r = run_lots(names[k], (double[]){1000, 8, 0, 20}, 0, 100);
    double done = 0;
    for (size_t i = 0; i < r->metrics.fills; i++) done += r->fills[i].quantity;
    assert_near(done, 1000, 1e-9);
    assert_int_equal(r->fills[0].bar, 101);
    assay_backtest_result_destroy(r);
  }
  /* Where no row is before, nothing says what volume comes: equal pieces. */
  assay_backtest_result *r = run_lots("vwap", (double[]){1000, 8, 0, 20}, 0, 0);
  assert_int_equal(r->metrics.fills, 8);
  for (size_t i = 0; i < 8; i++) assert_near(r->fills[i].quantity, 125, 1e-9);
  assay_backtest_result_destroy(r);
}

/* Shorter than any window, flat, and with gaps: nothing breaks. */
static void test_strange_bars(void **state) {
  (void)state;
  make();
  for (size_t i = 0; i < BARS; i++)
    for (int k = 0; k < 4; k++) columns[0][k][i] = columns[1][k][i] = 50;
  for (int kind = 0; kind < 3; kind++) {
    for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
      const assay_strategy *s = assay_strategy_at(i);
      size_t count = kind == 0 ? 3 : BARS;
      data.assets = s->assets_least > 1 ? 2 : 1;
      bars[0].count = bars[1].count = count;
      for (size_t t = 10; kind == 2 && t < BARS; t += 7)
        for (int k = 0; k < 5; k++) columns[0][k][t] = NAN;
      assay_backtest_result *r = run(s->name, NULL);
      assert_true(isfinite(r->metrics.last_equity));
      assert_near(r->metrics.last_equity, 1e6, 1e-6);
      assay_backtest_result_destroy(r);
    }
  }
  data.assets = 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rsi),
      cmocka_unit_test(test_bollinger),
      cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_twap),
      cmocka_unit_test(test_vwap),
      cmocka_unit_test(test_pieces_of_whole_lots),
      cmocka_unit_test(test_pieces_after_the_first_bar),
      cmocka_unit_test(test_strange_bars),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
