/* SPDX-License-Identifier: MIT */
/* What a bar does to an order, case by case, computed by hand. */
#include <assay/backtest.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "test.h"

enum { MOST = 8 };

/* A strategy that gives these orders at the close of their bars. */
typedef struct script {
  struct {
    size_t bar;
    assay_backtest_order order;
    double target; /* when the order's quantity is 0 */
    bool cancel;   /* all that waits */
  } steps[MOST];
  size_t count;
} script;

static void play(assay_backtest *run, void *state) {
  (void)state;
  const script *s = assay_backtest_user(run);
  for (size_t i = 0; i < s->count; i++) {
    if (s->steps[i].bar != assay_backtest_now(run)) continue;
    if (s->steps[i].cancel)
      assay_backtest_cancel_all(run, 0);
    else if (s->steps[i].order.quantity != 0)
      assay_backtest_submit(run, &s->steps[i].order, NULL);
    else
      assay_backtest_target(run, s->steps[i].order.asset, s->steps[i].target);
  }
}

/* Bars as rows of open, high, low, close, volume. */
static assay_backtest_result *play_on(script *s, const double (*rows)[5], size_t count, const assay_backtest_options *given) {
  static double o[64], h[64], l[64], c[64], v[64];
  for (size_t i = 0; i < count; i++) o[i] = rows[i][0], h[i] = rows[i][1], l[i] = rows[i][2], c[i] = rows[i][3], v[i] = rows[i][4];
  assay_bars bars = {.count = count, .open = o, .high = h, .low = l, .close = c, .volume = v};
  assay_backtest_data data = {.assets = 1, .bars = &bars};
  assay_strategy strategy = {.name = "script", .on_bar = play, .user = s};
  assay_backtest_options options = given != NULL ? *given : (assay_backtest_options){.cash = 10000};
  options.keep_equity = options.keep_fills = options.keep_trades = true;
  assay_error err = {0};
  assay_backtest_result *result = NULL;
  assert_ok(assay_backtest_run(&strategy, NULL, &data, &options, &err, &result), err);
  return result;
}

static void expect(const assay_backtest_result *r, size_t at, size_t bar, double quantity, double price) {
  assert_true(at < r->metrics.fills);
  assert_int_equal(r->fills[at].bar, bar);
  assert_near(r->fills[at].quantity, quantity, 1e-12);
  assert_near(r->fills[at].price, price, 1e-12);
}

/* One order of 10 at the close of bar 0, on three bars that are given; where it trades (0: nowhere) and for how much. */
static void one(assay_backtest_order order, const double (*rows)[5], size_t bar, double price) {
  script s = {.steps = {{.bar = 0, .order = order}}, .count = 1};
  assay_backtest_result *r = play_on(&s, rows, 4, &(assay_backtest_options){.cash = 10000, .leverage = 10});
  assert_int_equal(r->metrics.fills, bar == 0 ? 0 : 1);
  if (bar != 0) expect(r, 0, bar, order.quantity, price);
  assert_int_equal(r->metrics.rejected, 0);
  assay_backtest_result_destroy(r);
}

static void test_market(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 101, 99, 100, 1}, {102, 105, 101, 104, 1}, {104, 104, 104, 104, 1}, {1, 1, 1, 1, 1}};
  one((assay_backtest_order){.quantity = 10}, rows, 1, 102);
  one((assay_backtest_order){.quantity = -10}, rows, 1, 102);
}

static void test_limits(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 103, 97, 101, 1}, {95, 99, 94, 98, 1}, {110, 112, 109, 111, 1}};
  assay_backtest_order buy = {.quantity = 10, .kind = ASSAY_BACKTEST_LIMIT}, sell = buy;
  sell.quantity = -10;
  buy.limit = 98, one(buy, rows, 1, 98); /* within the bar */
  buy.limit = 97, one(buy, rows, 1, 97); /* touched */
  buy.limit = 96, one(buy, rows, 2, 95); /* the next bar opens below */
  buy.limit = 94.5, one(buy, rows, 2, 94.5);
  buy.limit = 90, one(buy, rows, 0, 0);
  buy.limit = 120, one(buy, rows, 1, 100); /* marketable: at the open */
  sell.limit = 102, one(sell, rows, 1, 102);
  sell.limit = 103, one(sell, rows, 1, 103);
  sell.limit = 105, one(sell, rows, 3, 110);
  sell.limit = 111.5, one(sell, rows, 3, 111.5);
  sell.limit = 90, one(sell, rows, 1, 100);
}

static void test_stops(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 103, 97, 101, 1}, {95, 99, 94, 98, 1}, {110, 112, 109, 111, 1}};
  assay_backtest_order buy = {.quantity = 10, .kind = ASSAY_BACKTEST_STOP}, sell = buy;
  sell.quantity = -10;
  buy.stop = 102, one(buy, rows, 1, 102);
  buy.stop = 103, one(buy, rows, 1, 103);
  buy.stop = 104, one(buy, rows, 3, 110); /* gapped through */
  buy.stop = 99, one(buy, rows, 1, 100);
  sell.stop = 98, one(sell, rows, 1, 98);
  sell.stop = 96, one(sell, rows, 2, 95);
  sell.stop = 90, one(sell, rows, 0, 0);
}

static void test_stop_limits(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 106, 97, 101, 1}, {104, 105, 102, 104, 1}, {110, 112, 101.5, 111, 1}};
  assay_backtest_order buy = {.quantity = 10, .kind = ASSAY_BACKTEST_STOP_LIMIT};
  buy.stop = 103, buy.limit = 104, one(buy, rows, 1, 103); /* triggered within, marketable there */
  buy.stop = 103, buy.limit = 102, one(buy, rows, 1, 102); /* above its limit when triggered; the close below shows that it came back */
  buy.stop = 103, buy.limit = 100.5, one(buy, rows, 0, 0); /* the low of bar 1 may have been before */
  buy.stop = 103, buy.limit = 101.75, one(buy, rows, 1, 101.75);
  buy.stop = 107, buy.limit = 109, one(buy, rows, 3, 109); /* triggered by the open of 110, falls back within the bar */
  buy.stop = 107, buy.limit = 111, one(buy, rows, 3, 110);
  assay_backtest_order sell = {.quantity = -10, .kind = ASSAY_BACKTEST_STOP_LIMIT, .stop = 98, .limit = 97.5};
  one(sell, rows, 1, 98);
  sell.limit = 102.5, one(sell, rows, 2, 104); /* C is 101: not back at 102.5; rests, and the next open is better */
}

static void test_time_in_force(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 103, 97, 101, 1}, {95, 99, 94, 98, 1}, {110, 112, 90, 111, 1}};
  assay_backtest_order buy = {.quantity = 10, .kind = ASSAY_BACKTEST_LIMIT, .limit = 94.5};
  buy.force = ASSAY_BACKTEST_DAY, one(buy, rows, 0, 0); /* without times a day is a bar */
  buy.force = ASSAY_BACKTEST_IOC, one(buy, rows, 0, 0);
  buy.force = ASSAY_BACKTEST_GTD, buy.until = 1, one(buy, rows, 0, 0);
  buy.until = 2, one(buy, rows, 2, 94.5);
  buy.limit = 98, buy.force = ASSAY_BACKTEST_DAY, one(buy, rows, 1, 98);
}

static void test_partial_fills(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 50}, {100, 100, 100, 100, 80}, {101, 101, 101, 101, 40}, {102, 102, 102, 102, 400}};
  assay_backtest_options options = {.cash = 10000, .slippage = {.volume_share = 0.1}, .fees = {.per_order = 1, .per_share = 0.5}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 15}}}, .count = 1};
  assay_backtest_result *r = play_on(&s, rows, 4, &options);
  assert_int_equal(r->metrics.fills, 3);
  expect(r, 0, 1, 8, 100);
  expect(r, 1, 2, 4, 101);
  expect(r, 2, 3, 3, 102);
  assert_near(r->fills[0].fee, 5, 1e-12); /* the order's fee once */
  assert_near(r->fills[1].fee, 2, 1e-12);
  assert_near(r->metrics.fees, 8.5, 1e-12);
  assay_backtest_result_destroy(r);
  s.steps[0].order.force = ASSAY_BACKTEST_IOC;
  r = play_on(&s, rows, 4, &options);
  assert_int_equal(r->metrics.fills, 1);
  assay_backtest_result_destroy(r);
  s.steps[0].order.force = ASSAY_BACKTEST_FOK;
  r = play_on(&s, rows, 4, &options);
  assert_int_equal(r->metrics.fills, 0);
  assay_backtest_result_destroy(r);
  /* An order of a quarter of the volume pays 100 (1 + 0.16 / 16). */
  options = (assay_backtest_options){.cash = 10000, .slippage = {.impact = 0.16}};
  s.steps[0].order = (assay_backtest_order){.quantity = 20};
  r = play_on(&s, rows, 4, &options);
  expect(r, 0, 1, 20, 101);
  assay_backtest_result_destroy(r);
}

/* Bought at 100 on bar 1 with a stop loss of 95 and a take profit of 110. */
static void bracket(assay_backtest_order entry, const double (*rows)[5], size_t bar, double price) {
  entry.quantity = 10, entry.stop_loss = 95, entry.take_profit = 110;
  script s = {.steps = {{.bar = 0, .order = entry}}, .count = 1};
  assay_backtest_result *r = play_on(&s, rows, 4, NULL);
  assert_int_equal(r->metrics.fills, bar == 0 ? 1 : 2);
  if (bar > 0) expect(r, 1, bar, -10, price);
  assert_int_equal(r->metrics.open_at_end, bar == 0);
  assay_backtest_result_destroy(r);
}

static void test_brackets(void **state) {
  (void)state;
  const double both[4][5] = {{100, 100, 100, 100, 1}, {100, 111, 94, 100, 1}, {100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}};
  bracket((assay_backtest_order){0}, both, 1, 95); /* the worse of the two */
  const double gain[4][5] = {{100, 100, 100, 100, 1}, {100, 111, 99, 105, 1}, {100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}};
  bracket((assay_backtest_order){0}, gain, 1, 110); /* in at the open: 111 came later */
  assay_backtest_order limit = {.kind = ASSAY_BACKTEST_LIMIT, .limit = 99.5};
  bracket(limit, gain, 0, 0); /* in at 99.5 within the bar: 111 may have been before */
  const double close[4][5] = {{100, 100, 100, 100, 1}, {100, 112, 99, 111, 1}, {100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}};
  bracket(limit, close, 1, 110); /* the close is beyond: it came later */
  const double fall[4][5] = {{100, 100, 100, 100, 1}, {100, 100, 94, 99, 1}, {100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}};
  bracket(limit, fall, 1, 95); /* 95 lies beyond 99.5, so it came later */
  const double gap[4][5] = {{100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {90, 92, 89, 91, 1}, {100, 100, 100, 100, 1}};
  bracket((assay_backtest_order){0}, gap, 2, 90);
  const double up[4][5] = {{100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {115, 116, 80, 91, 1}, {100, 100, 100, 100, 1}};
  bracket((assay_backtest_order){0}, up, 2, 115); /* it opened beyond the take profit */
}

/* A bracket closes what there is, and never opens the other side. */
static void test_bracket_only_closes(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {100, 101, 99, 100, 1}, {90, 92, 89, 91, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 10, .stop_loss = 95}}, {.bar = 1, .order = {.quantity = -10}}}, .count = 2};
  assay_backtest_result *r = play_on(&s, rows, 4, NULL);
  assert_int_equal(r->metrics.fills, 2);
  assert_int_equal(r->metrics.open_at_end, 0);
  assay_backtest_result_destroy(r);
}

/* Closed by hand, a position takes its bracket with it: the next one is not stopped by it. */
static void test_bracket_goes_with_its_position(void **state) {
  (void)state;
  const double rows[5][5] = {
      {100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {100, 101, 99, 100, 1}, {100, 101, 99, 100, 1}, {94, 112, 93, 94, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 10, .stop_loss = 95, .take_profit = 110}},
                        {.bar = 1, .order = {.quantity = -10}},
                        {.bar = 2, .order = {.quantity = 10}}},
              .count = 3};
  assay_backtest_result *r = play_on(&s, rows, 5, NULL);
  assert_int_equal(r->metrics.fills, 3);
  assert_int_equal(r->metrics.open_at_end, 1);
  assay_backtest_result_destroy(r);
  s.steps[1] = (__typeof__(s.steps[1])){.bar = 1, .target = 0}; /* by a target */
  r = play_on(&s, rows, 5, NULL);
  assert_int_equal(r->metrics.fills, 3);
  assay_backtest_result_destroy(r);
  s.steps[1] = (__typeof__(s.steps[1])){.bar = 1, .order = {.quantity = -20}}; /* through 0, and back */
  s.steps[2].order.quantity = 20;
  r = play_on(&s, rows, 5, &(assay_backtest_options){.cash = 10000, .leverage = 2});
  assert_int_equal(r->metrics.fills, 3);
  assay_backtest_result_destroy(r);
}

/* Held are 10. Selling 15 does not reduce, nor does buying 3; once sold, it does, and trades at the same open all the same. */
static void test_every_order_meets_the_open(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {102, 103, 101, 102, 1}, {105, 106, 104, 105, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 10}},
                        {.bar = 1, .order = {.quantity = -15}},
                        {.bar = 1, .order = {.quantity = 3, .kind = ASSAY_BACKTEST_LIMIT, .limit = 120, .force = ASSAY_BACKTEST_IOC}},
                        {.bar = 1, .order = {.quantity = 1}}},
              .count = 4};
  assay_backtest_result *r = play_on(&s, rows, 4, NULL);
  assert_int_equal(r->metrics.fills, 4);
  expect(r, 1, 2, -15, 102);
  expect(r, 2, 2, 3, 102);
  expect(r, 3, 2, 1, 102);
  assay_backtest_result_destroy(r);
}

/* A bracket is of what its order opened, and has no more to close than is left. */
static void test_bracket_closes_its_own(void **state) {
  (void)state;
  const double rows[5][5] = {
      {100, 100, 100, 100, 1}, {100, 101, 99, 100, 1}, {100, 101, 99, 100, 1}, {100, 101, 99, 100, 1}, {94, 106, 93, 94, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 20, .stop_loss = 95}},
                        {.bar = 1, .order = {.quantity = -15}},
                        {.bar = 2, .order = {.quantity = 10}}},
              .count = 3};
  assay_backtest_result *r = play_on(&s, rows, 5, NULL);
  assert_int_equal(r->metrics.fills, 4);
  expect(r, 3, 4, -5, 94);
  assay_backtest_result_destroy(r);
  /* 25 sold where 10 were held: 15 are short, and those it stops. What only closes has nothing to guard. */
  s = (script){.steps = {{.bar = 0, .order = {.quantity = 10}},
                         {.bar = 1, .order = {.quantity = -25, .stop_loss = 105}},
                         {.bar = 2, .order = {.quantity = 2, .take_profit = 101}}},
               .count = 3};
  r = play_on(&s, rows, 5, NULL);
  assert_int_equal(r->metrics.fills, 4);
  expect(r, 3, 4, 13, 105);
  assert_int_equal(r->metrics.open_at_end, 0);
  assay_backtest_result_destroy(r);
}

/* 10,000 in cash, all in at 102 with 2 ticks of 0.25 and 10 bp on top, a fee of 0.1 % and 3 an order:
 * price 102 x 1.001 + 0.5 = 102.602, units (10000 - 3) / (102.602 x 1.001). */
static void test_costs(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 101, 99, 100, 1}, {102, 105, 101, 104, 1}, {104, 106, 103, 105, 1}, {100, 100, 100, 100, 1}};
  assay_backtest_options options = {
      .cash = 10000, .slippage = {.rate = 0.001, .ticks = 2, .tick = 0.25}, .fees = {.per_order = 3, .rate = 0.001}};
  script s = {.steps = {{.bar = 0, .target = 1}, {.bar = 1, .target = 0}}, .count = 2};
  assay_backtest_result *r = play_on(&s, rows, 4, &options);
  double units = 9997 / (102.602 * 1.001), out = 104 * 0.999 - 0.5;
  expect(r, 0, 1, units, 102.602);
  expect(r, 1, 2, -units, out);
  assert_near(r->fills[0].fee, 3 + units * 102.602 * 0.001, 1e-9);
  assert_near(r->equity[1], units * 104, 1e-8);
  assert_near(r->equity[2], units * out * 0.999 - 3, 1e-8);
  assert_near(r->equity[3], r->equity[2], 0);
  assert_int_equal(r->metrics.trades, 1);
  assert_near(r->trades[0].profit, r->equity[3] - 10000, 1e-8);
  assert_near(r->metrics.fees, r->fills[0].fee + r->fills[1].fee, 1e-12);
  assay_backtest_result_destroy(r);
}

/* A least fee of 50 leaves 9,950 for 1 % fees not to reach it. */
static void test_least_fee_and_lots(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 101, 99, 100, 1}, {102, 105, 101, 104, 1}, {104, 106, 103, 105, 1}, {100, 100, 100, 100, 1}};
  script s = {.steps = {{.bar = 0, .target = 1}}, .count = 1};
  assay_backtest_result *r = play_on(&s, rows, 4, &(assay_backtest_options){.cash = 10000, .fees = {.rate = 0.001, .least = 50}});
  expect(r, 0, 1, 9950.0 / 102, 102);
  assay_backtest_result_destroy(r);
  r = play_on(&s, rows, 4, &(assay_backtest_options){.cash = 10000, .lot = 5});
  expect(r, 0, 1, 95, 102); /* 98.04 */
  assay_backtest_result_destroy(r);
}

static void test_margin(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}, {100, 100, 90, 90, 1}, {88, 90, 88, 89, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 150}}}, .count = 1};
  assay_backtest_result *r = play_on(&s, rows, 4, NULL);
  assert_int_equal(r->metrics.fills, 0); /* 15,000 with 10,000 */
  assert_int_equal(r->metrics.rejected, 1);
  assert_non_null(strstr(r->rejection, "150"));
  assay_backtest_result_destroy(r);
  assay_backtest_options options = {.cash = 10000, .leverage = 2, .maintenance = 0.65};
  r = play_on(&s, rows, 4, &options); /* at 90: equity 8,500, exposure 13,500, 63 %: closed at 88 */
  assert_int_equal(r->metrics.fills, 2);
  expect(r, 1, 3, -150, 88);
  assert_int_equal(r->metrics.margin_calls, 1);
  assay_backtest_result_destroy(r);
  s = (script){.steps = {{.bar = 0, .target = -1}}, .count = 1};
  r = play_on(&s, rows, 4, NULL);
  expect(r, 0, 1, -100, 100);
  assert_near(r->equity[3], 10000 + 100 * 11, 1e-9);
  assay_backtest_result_destroy(r);
  r = play_on(&s, rows, 4, &(assay_backtest_options){.cash = 10000, .no_short = true});
  assert_int_equal(r->metrics.fills, 0);
  assay_backtest_result_destroy(r);
}

/* Three times short, and the price doubles: nothing is left, and it stays so. */
static void test_ruin(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 100, 100, 100, 1}, {100, 200, 100, 200, 1}, {10, 10, 10, 10, 1}};
  for (int events = 0; events < 2; events++) {
    double o[4], h[4], l[4], c[4], targets[4] = {-3, -3, -3, -3};
    for (int i = 0; i < 4; i++) o[i] = rows[i][0], h[i] = rows[i][1], l[i] = rows[i][2], c[i] = rows[i][3];
    assay_bars bars = {.count = 4, .open = o, .high = h, .low = l, .close = c};
    assay_backtest_options options = {.cash = 10000, .leverage = 4, .keep_equity = true, .events = events == 1};
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run_targets(&bars, targets, &options, &err, &r), err);
    assert_int_equal(r->metrics.ruined_at, 2);
    assert_near(r->equity[2], 10000 - 300 * 100, 1e-9);
    assert_near(r->equity[3], r->equity[2], 0);
    assert_near(r->metrics.total_return, -3, 1e-12);
    assert_near(r->metrics.max_drawdown, 1, 0);
    assert_near(r->metrics.annual_return, -1, 0);
    assert_int_equal(r->metrics.trades, 1);
    assert_int_equal(r->metrics.bars, 4);
    assay_backtest_result_destroy(r);
  }
}

/* Closing costs more than there is: nothing is held then, and nothing is left. */
static void test_ruin_by_fees(void **state) {
  (void)state;
  for (int events = 0; events < 2; events++) {
    const double closes[5] = {100, 100, 100, 100, 100}, targets[5] = {0.5, 0.5, 0, 0.5, 0.5};
    const assay_bars bars = {.count = 5, .close = closes};
    const assay_backtest_options options = {
        .cash = 10000, .fees = {.per_order = 5000}, .lot = 1, .keep_equity = true, .keep_fills = true, .events = events == 1};
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run_targets(&bars, targets, &options, &err, &r), err);
    assert_int_equal(r->metrics.fills, 2);
    assert_int_equal(r->metrics.ruined_at, 3);
    assert_int_equal(r->metrics.orders, 2); /* the last wish is not asked for any more */
    assert_near(r->metrics.max_drawdown, 1, 0);
    assert_near(r->metrics.annual_return, -1, 0);
    for (size_t i = 3; i < 5; i++) assert_near(r->equity[i], 0, 1e-9);
    assay_backtest_result_destroy(r);
  }
}

static void test_cancel(void **state) {
  (void)state;
  const double rows[4][5] = {{100, 100, 100, 100, 1}, {100, 103, 97, 101, 1}, {95, 99, 94, 98, 1}, {110, 112, 90, 111, 1}};
  script s = {.steps = {{.bar = 0, .order = {.quantity = 10, .kind = ASSAY_BACKTEST_LIMIT, .limit = 96}}, {.bar = 1, .cancel = true}},
              .count = 2};
  assay_backtest_result *r = play_on(&s, rows, 4, NULL);
  assert_int_equal(r->metrics.fills, 0);
  assay_backtest_result_destroy(r);
}

/* ---- Against the table of docs/backtest.md
 * -------------------------------------------------------------------------------------------------
 */

enum { RANDOM_BARS = 80, RANDOM_ORDERS = 400 };

typedef struct random_market {
  double o[RANDOM_BARS], h[RANDOM_BARS], l[RANDOM_BARS], c[RANDOM_BARS];
  assay_random random;
  struct {
    assay_backtest_order order;
    size_t given;
    size_t bar; /* of its fill, as the run says; 0: none */
    double price;
  } sent[RANDOM_ORDERS];
} random_market;

static double random_price(assay_random *r) { return 90 + (double)assay_random_below(r, 41) / 2; }

static void send_randomly(assay_backtest *run, void *state) {
  (void)state;
  random_market *m = assay_backtest_user(run);
  size_t now = assay_backtest_now(run);
  for (uint64_t k = assay_random_below(&m->random, 5); k > 0; k--) {
    assay_backtest_order o = {.quantity = assay_random_below(&m->random, 2) ? 1 : -1,
                              .kind = (assay_backtest_kind)assay_random_below(&m->random, 4),
                              .force = (assay_backtest_force)assay_random_below(&m->random, 5),
                              .limit = random_price(&m->random),
                              .stop = random_price(&m->random),
                              .until = now + assay_random_below(&m->random, 6)};
    uint64_t id = 0;
    assert_int_equal(assay_backtest_submit(run, &o, &id), ASSAY_OK);
    assert_true(id < RANDOM_ORDERS);
    m->sent[id].order = o;
    m->sent[id].given = now;
  }
}

static void hear_fill(assay_backtest *run, const assay_backtest_fill *fill, void *state) {
  (void)state;
  random_market *m = assay_backtest_user(run);
  assert_int_equal(m->sent[fill->order].bar, 0);
  m->sent[fill->order].bar = fill->bar;
  m->sent[fill->order].price = fill->price;
}

/* A limit on a bar: its price there, or NaN. Sales are purchases in a mirror. */
static double limit_on(const random_market *m, size_t t, double limit, bool buys) {
  double open = m->o[t], reach = buys ? m->l[t] : m->h[t];
  if (buys ? open <= limit : open >= limit) return open;
  return (buys ? reach <= limit : reach >= limit) ? limit : NAN;
}

/* The same by the table: the bar and the price of an order that nothing else holds up. */
static size_t by_the_table(const random_market *m, const assay_backtest_order *o, size_t given, double *price) {
  bool buys = o->quantity > 0, triggered = false, begun = false;
  for (size_t t = given + 1; t < RANDOM_BARS; t++) {
    if (isnan(m->c[t])) continue;
    if (o->force == ASSAY_BACKTEST_GTD && t > o->until) return 0;
    if (begun && o->force != ASSAY_BACKTEST_GTC && o->force != ASSAY_BACKTEST_GTD) return 0;
    begun = true;
    double open = m->o[t], stop = o->stop, limit = o->limit, far = buys ? m->h[t] : m->l[t];
    bool opens_beyond = buys ? open >= stop : open <= stop, reaches = buys ? far >= stop : far <= stop;
    *price = NAN;
    switch (o->kind) {
      case ASSAY_BACKTEST_MARKET: *price = open; break;
      case ASSAY_BACKTEST_LIMIT: *price = limit_on(m, t, limit, buys); break;
      case ASSAY_BACKTEST_STOP: *price = opens_beyond ? open : reaches ? stop : NAN; break;
      case ASSAY_BACKTEST_STOP_LIMIT:
        if (triggered || opens_beyond) {
          *price = limit_on(m, t, limit, buys);
        } else if (reaches) {
          bool came_back = buys ? m->c[t] <= limit : m->c[t] >= limit;
          *price = (buys ? stop <= limit : stop >= limit) ? stop : came_back ? limit : NAN;
        }
        triggered = triggered || opens_beyond || reaches;
    }
    if (!isnan(*price)) return t;
  }
  return 0;
}

static void test_by_the_table(void **state) {
  (void)state;
  static random_market m;
  size_t fills = 0, waits = 0;
  for (uint64_t seed = 1; seed <= 150; seed++) {
    memset(&m, 0, sizeof m);
    assay_random_init(&m.random, seed);
    for (size_t t = 0; t < RANDOM_BARS; t++) {
      bool gap = assay_random_below(&m.random, 10) == 0;
      m.o[t] = gap ? NAN : random_price(&m.random);
      m.c[t] = gap ? NAN : random_price(&m.random);
      m.h[t] = gap ? NAN : fmax(m.o[t], m.c[t]) + (double)assay_random_below(&m.random, 8) / 2;
      m.l[t] = gap ? NAN : fmin(m.o[t], m.c[t]) - (double)assay_random_below(&m.random, 8) / 2;
    }
    assay_bars bars = {.count = RANDOM_BARS, .open = m.o, .high = m.h, .low = m.l, .close = m.c};
    assay_backtest_data data = {.assets = 1, .bars = &bars};
    assay_strategy strategy = {.name = "random", .on_bar = send_randomly, .on_fill = hear_fill, .user = &m};
    assay_backtest_options options = {.cash = 1e6, .leverage = 1000};
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run(&strategy, NULL, &data, &options, &err, &r), err);
    assert_int_equal(r->metrics.rejected, 0);
    assay_backtest_result_destroy(r);
    for (size_t id = 1; id < RANDOM_ORDERS && m.sent[id].order.quantity != 0; id++) {
      double price = 0;
      size_t bar = by_the_table(&m, &m.sent[id].order, m.sent[id].given, &price);
      assert_int_equal(m.sent[id].bar, bar);
      if (bar > 0) assert_near(m.sent[id].price, price, 0);
      fills += bar > 0;
      waits += bar > m.sent[id].given + 1;
    }
  }
  assert_true(fills > 5000 && waits > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_market),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_stops),
      cmocka_unit_test(test_stop_limits),
      cmocka_unit_test(test_brackets),
      cmocka_unit_test(test_bracket_only_closes),
      cmocka_unit_test(test_time_in_force),
      cmocka_unit_test(test_costs),
      cmocka_unit_test(test_partial_fills),
      cmocka_unit_test(test_margin),
      cmocka_unit_test(test_ruin),
      cmocka_unit_test(test_ruin_by_fees),
      cmocka_unit_test(test_least_fee_and_lots),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_bracket_goes_with_its_position),
      cmocka_unit_test(test_bracket_closes_its_own),
      cmocka_unit_test(test_every_order_meets_the_open),
      cmocka_unit_test(test_by_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
