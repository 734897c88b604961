/* SPDX-License-Identifier: MIT */
/* Bars beside a slow grouping of the same ticks; averages and imbalances by hand. */
#include <assay/bars.h>

#include <math.h>

#include "base/random.h"
#include "test.h"

enum { TICKS = 3000 };

static size_t make_ticks(uint64_t seed, assay_tick *ticks) {
  assay_random random;
  assay_random_init(&random, seed);
  uint64_t now = 1000000;
  int64_t price = 10000;
  for (size_t i = 0; i < TICKS; i++) {
    now += assay_random_below(&random, assay_random_below(&random, 30) == 0 ? 50000 : 900);
    price += (int64_t)assay_random_below(&random, 7) - 3;
    ticks[i] = (assay_tick){now, price, assay_random_below(&random, 500), "BS\0"[assay_random_below(&random, 3)]};
  }
  return TICKS;
}

/* ticks[from, to) as one bar, summed up the plain way. */
static void compare(const assay_bar *bar, const assay_tick *ticks, size_t from, size_t to) {
  int64_t high = ticks[from].price, low = high;
  uint64_t volume = 0, bought = 0, sold = 0;
  double money = 0;
  for (size_t i = from; i < to; i++) {
    if (ticks[i].price > high) high = ticks[i].price;
    if (ticks[i].price < low) low = ticks[i].price;
    volume += ticks[i].quantity;
    bought += ticks[i].side == 'B' ? ticks[i].quantity : 0;
    sold += ticks[i].side == 'S' ? ticks[i].quantity : 0;
    money += (double)ticks[i].price * (double)ticks[i].quantity;
  }
  assert_int_equal(bar->open, ticks[from].price);
  assert_int_equal(bar->close, ticks[to - 1].price);
  assert_int_equal(bar->high, high);
  assert_int_equal(bar->low, low);
  assert_near(bar->volume, (double)volume, 0);
  assert_near(bar->buy_volume, (double)bought, 0);
  assert_near(bar->sell_volume, (double)sold, 0);
  assert_int_equal(bar->ticks, to - from);
  assert_near(bar->vwap, volume > 0 ? money / (double)volume : (double)bar->close, 1e-9);
}

/* Where the bar that begins at `from` ends, the slow way. */
static size_t end_of(assay_bar_by by, uint64_t every, const assay_tick *ticks, size_t from) {
  double sum = 0;
  for (size_t i = from; i < TICKS; i++) {
    if (by == ASSAY_BAR_BY_TIME && ticks[i].time_ns / every != ticks[from].time_ns / every) return i;
    if (by == ASSAY_BAR_BY_TICKS) sum += 1;
    if (by == ASSAY_BAR_BY_VOLUME) sum += (double)ticks[i].quantity;
    if (by == ASSAY_BAR_BY_DOLLARS) sum += (double)ticks[i].quantity * (double)ticks[i].price;
    if (by != ASSAY_BAR_BY_TIME && sum >= (double)every) return i + 1;
  }
  return TICKS;
}

static void test_bars_beside_slow_ones(void **state) {
  (void)state;
  static assay_tick ticks[TICKS];
  static const uint64_t every[] = {10000, 37, 5000, 30000000};
  make_ticks(1, ticks);
  for (int by = ASSAY_BAR_BY_TIME; by <= ASSAY_BAR_BY_DOLLARS; by++) {
    assay_bar_maker bars;
    assay_bar bar;
    assay_error err = {0};
    size_t from = 0, count = 0;
    assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.by = (assay_bar_by)by, .every = every[by]}, &err), err);
    for (size_t i = 0; i < TICKS; i++) {
      assay_bar_maker_add(&bars, &ticks[i]);
      while (assay_bar_maker_take(&bars, &bar)) {
        size_t to = end_of((assay_bar_by)by, every[by], ticks, from);
        compare(&bar, ticks, from, to);
        if (by == ASSAY_BAR_BY_TIME) assert_int_equal(bar.begin_ns, ticks[from].time_ns / every[by] * every[by]);
        from = to;
        count++;
      }
    }
    if (assay_bar_maker_finish(&bars, &bar)) compare(&bar, ticks, from, TICKS);
    assert_false(assay_bar_maker_finish(&bars, &bar));
    assert_true(count > 50);
    assert_int_equal(bars.late + bars.refused, 0);
  }
}

static void test_gaps_are_filled_when_asked(void **state) {
  (void)state;
  assay_bar_maker bars;
  assay_bar bar;
  assay_error err = {0};
  assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 10, .fill = true}, &err), err);
  assay_bar_maker_add(&bars, &(assay_tick){5, 7, 1, 0});
  assert_false(assay_bar_maker_take(&bars, &bar));
  assay_bar_maker_add(&bars, &(assay_tick){31, 9, 1, 0});
  static const uint64_t begins[] = {0, 10, 20};
  for (size_t i = 0; i < 3; i++) {
    assert_true(assay_bar_maker_take(&bars, &bar));
    assert_int_equal(bar.begin_ns, begins[i]);
    assert_int_equal(bar.end_ns, begins[i] + 10);
    assert_int_equal(bar.close, 7);
    assert_int_equal(bar.ticks, i == 0);
  }
  assert_false(assay_bar_maker_take(&bars, &bar));
  assert_true(assay_bar_maker_finish(&bars, &bar));
  assert_int_equal(bar.begin_ns, 30);
}

/* A tick of a wrong year is no thousand million bars. */
static void test_far_gaps_stay_open(void **state) {
  (void)state;
  assay_bar_maker bars;
  assay_bar bar;
  assay_error err = {0};
  for (uint64_t gap = 3; gap <= 5; gap++) {
    assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 10, .fill = true, .most_fill = 3}, &err), err);
    assay_bar_maker_add(&bars, &(assay_tick){5, 7, 1, 0});
    assay_bar_maker_add(&bars, &(assay_tick){gap * 10 + 5, 9, 1, 0});
    size_t count = 0;
    while (assay_bar_maker_take(&bars, &bar)) count++;
    assert_int_equal(count, gap < 5 ? gap : 1);
    assert_int_equal(bars.gaps, gap == 5);
  }
  assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 1000000000, .fill = true, .most_jump_ns = UINT64_MAX}, &err),
            err);
  assay_bar_maker_add(&bars, &(assay_tick){1000000000, 7, 1, 0});
  assay_bar_maker_add(&bars, &(assay_tick){UINT64_C(1700000000000000000), 9, 1, 0});
  assert_true(assay_bar_maker_take(&bars, &bar));
  assert_false(assay_bar_maker_take(&bars, &bar));
  assert_true(assay_bar_maker_finish(&bars, &bar));
}

static void test_ticks_out_of_order(void **state) {
  (void)state;
  assay_bar_maker bars;
  assay_bar bar;
  assay_error err = {0};
  assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 10}, &err), err);
  assay_bar_maker_add(&bars, &(assay_tick){12, 5, 1, 0});
  assay_bar_maker_add(&bars, &(assay_tick){18, 6, 1, 0});
  assay_bar_maker_add(&bars, &(assay_tick){15, 9, 2, 0}); /* late, but of this bar */
  assay_bar_maker_add(&bars, &(assay_tick){9, 99, 1, 0}); /* of one that is over */
  assert_int_equal(bars.late, 1);
  assert_true(assay_bar_maker_finish(&bars, &bar));
  assert_int_equal(bar.open, 5);
  assert_int_equal(bar.close, 6);
  assert_int_equal(bar.high, 9);
  assert_near(bar.volume, 4, 0);
  assay_bar_maker_add(&bars, &(assay_tick){19, 99, 1, 0}); /* that one is over, too */
  assert_int_equal(bars.late, 2);
  assert_int_equal(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 0}, &err), ASSAY_ERR_INVALID);
}

/* Ticks at these times (in days), and the days of the bars that come out. */
static void expect_days(const double *days, size_t count, const double *wanted, size_t wanted_count, uint64_t far, uint64_t late) {
  const double day_ns = 86400e9;
  assay_bar_maker bars;
  assay_bar bar;
  assay_error err = {0};
  size_t made = 0;
  assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 60000000000}, &err), err);
  for (size_t i = 0; i < count; i++) {
    assay_bar_maker_add(&bars, &(assay_tick){(uint64_t)(days[i] * day_ns), 7, 1, 0});
    while (assay_bar_maker_take(&bars, &bar)) {
      assert_true(made < wanted_count);
      assert_near((double)bar.begin_ns / day_ns, wanted[made++], 1e-3);
    }
  }
  while (assay_bar_maker_finish(&bars, &bar)) {
    assert_true(made < wanted_count);
    assert_near((double)bar.begin_ns / day_ns, wanted[made++], 1e-3);
  }
  assert_int_equal(made, wanted_count);
  assert_int_equal(bars.far, far);
  assert_int_equal(bars.late, late);
  assert_int_equal(bars.refused, 0);
}
#define DAYS(...) (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

/* One clock that is wrong once does not make all that comes later late. */
static void test_a_tick_of_next_year(void **state) {
  (void)state;
  expect_days(DAYS(1, 1.1, 366, 1.2, 1.3), DAYS(1, 1.1, 1.2, 1.3), 1, 0);
  expect_days(DAYS(366, 1, 1.1), DAYS(1, 1.1), 1, 0);                    /* the first of all */
  expect_days(DAYS(1, 366, 366.1, 1.2, 1.3), DAYS(1, 366, 366.1), 0, 2); /* two say the same: it is so */
  expect_days(DAYS(1, 3.5, 3.6, 3.7), DAYS(1, 3.5, 3.6, 3.7), 0, 0);     /* a weekend */
  expect_days(DAYS(1, 8, 15, 22), DAYS(1, 8, 15, 22), 0, 0);             /* prices of weeks */
  expect_days(DAYS(1, 1.5, 9), DAYS(1, 1.5, 9), 0, 0);                   /* at the end nothing contradicts it */
  expect_days(DAYS(5), DAYS(5), 0, 0);
  expect_days(DAYS(1, 1.5, 1.2), DAYS(1, 1.5), 0, 1); /* what is late is late */
}

static void test_averages(void **state) {
  (void)state;
  assay_vwap vwap = {0};
  assert_true(isnan(assay_vwap_price(&vwap)));
  assay_vwap_add(&vwap, 100, 3);
  assay_vwap_add(&vwap, 200, 1);
  assert_near(assay_vwap_price(&vwap), 125, 1e-12);
  assay_vwap big = {0};
  for (int i = 0; i < 4; i++) assay_vwap_add(&big, INT64_MAX, UINT64_C(1) << 61);
  assert_near(assay_vwap_price(&big) / 9223372036854775807.0, 1, 1e-12);
  assay_vwap below = {0};
  assay_vwap_add(&below, -100, 1);
  assay_vwap_add(&below, 50, 1);
  assert_near(assay_vwap_price(&below), -25, 1e-12);
  assert_near(assay_microprice(&(assay_top){100, 101, 30, 10}), 100.75, 1e-12);
  assert_true(isnan(assay_microprice(&(assay_top){100, 101, 0, 10})));
}

/* More steps than 64 bits can count, as a length and as a volume. */
/* Sums are beyond 2^53: their quotient as doubles was a step of the last place below the only price that there was. */
static void test_averages_lie_between_prices(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 11);
  for (int i = 0; i < 20000; i++) {
    const int64_t price = ((int64_t)assay_random_below(&random, 20000001) - 10000000) * 50000001, width = i % 2 * 1000;
    int64_t low = INT64_MAX, high = INT64_MIN;
    assay_vwap vwap = {0};
    for (int k = 0; k < 3; k++) {
      const int64_t at = price + (width > 0 ? (int64_t)assay_random_below(&random, (uint64_t)width) : 0);
      assay_vwap_add(&vwap, at, assay_random_below(&random, 100000000000) + 1);
      if (at < low) low = at;
      if (at > high) high = at;
    }
    assert_true(assay_vwap_price(&vwap) >= (double)low && assay_vwap_price(&vwap) <= (double)high);
  }
}

static void test_lengths_and_volumes_of_any_size(void **state) {
  (void)state;
  assay_bar_maker bars;
  assay_bar bar;
  assay_error err = {0};
  const assay_tick tick = {.time_ns = 1, .price = 3, .quantity = UINT64_C(1) << 63, .side = 'B'};
  for (int by = ASSAY_BAR_BY_VOLUME; by <= ASSAY_BAR_BY_DOLLARS; by++) {
    const uint64_t high = by == ASSAY_BAR_BY_VOLUME ? 2 : 6, low = by == ASSAY_BAR_BY_VOLUME ? 1 : 0;
    const unsigned ticks = by == ASSAY_BAR_BY_VOLUME ? 5 : 4; /* the fourth reaches 2^65 steps and 6 x 2^64 of money */
    assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.by = (assay_bar_by)by, .every = low, .every_high = high}, &err), err);
    for (unsigned i = 1; i <= ticks; i++) {
      assay_bar_maker_add(&bars, &tick);
      assert_int_equal(assay_bar_maker_take(&bars, &bar), i == ticks);
    }
    assert_near(bar.volume, ticks * 0x1p63, 0);
    assert_near(bar.buy_volume, ticks * 0x1p63, 0);
    assert_near(bar.sell_volume, 0, 0);
    assert_near(bar.vwap, 3, 0);
  }
  const assay_tick below = {.time_ns = 1, .price = -3, .quantity = 10};
  assert_ok(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.by = ASSAY_BAR_BY_DOLLARS, .every = 30}, &err), err);
  assay_bar_maker_add(&bars, &below);
  assert_false(assay_bar_maker_take(&bars, &bar)); /* a sum of -30 has not come to 30 */
  assert_int_equal(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.every = 1, .every_high = 1}, &err), ASSAY_ERR_INVALID);
  assert_int_equal(assay_bar_maker_init(&bars, &(assay_bar_maker_options){.by = ASSAY_BAR_BY_VOLUME}, &err), ASSAY_ERR_INVALID);
}

/* Money beyond what the sum holds has no average, of either sign; it does not come round, nor back. */
static void test_money_beyond_its_sum(void **state) {
  (void)state;
  const int64_t prices[] = {INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < 2; i++) {
    const assay_tick most = {.time_ns = 1, .price = prices[i], .quantity = UINT64_MAX},
                     back = {.time_ns = 1, .price = prices[1 - i], .quantity = 1};
    assay_bar_maker bars;
    assay_bar bar;
    assay_error err = {0};
    const assay_bar_maker_options options = {.by = ASSAY_BAR_BY_TICKS, .every = 4};
    assert_ok(assay_bar_maker_init(&bars, &options, &err), err);
    assay_vwap vwap = {0};
    assay_vwap_add(&vwap, most.price, most.quantity);
    assert_near(assay_vwap_price(&vwap), (double)most.price, 0); /* one alone fits */
    for (int k = 0; k < 3; k++) {
      assay_vwap_add(&vwap, k < 2 ? most.price : back.price, k < 2 ? most.quantity : back.quantity);
      assert_true(isnan(assay_vwap_price(&vwap)));
    }
    assay_bar_maker_add(&bars, &most);
    assay_bar_maker_add(&bars, &most);
    assay_bar_maker_add(&bars, &most);
    assay_bar_maker_add(&bars, &back);
    assert_true(assay_bar_maker_take(&bars, &bar));
    assert_true(isnan(bar.vwap));
    assert_near(bar.volume, 3 * 0x1p64, 0);
    assert_true(bar.close == back.price);
    for (int k = 0; k < 4; k++) assay_bar_maker_add(&bars, &(assay_tick){.time_ns = 2, .price = 7, .quantity = 1});
    assert_true(assay_bar_maker_take(&bars, &bar));
    assert_near(bar.vwap, 7, 0); /* the next bar begins anew */
    assert_near(assay_bar_sum_value(&vwap.money), i == 0 ? INFINITY : -INFINITY, 0);
  }
}

/* Cont, Kukanov and Stoikov's six cases. */
static void test_order_flow(void **state) {
  (void)state;
  assay_flow flow = {0};
  assert_near(assay_flow_add(&flow, &(assay_top){100, 102, 5, 7}), 0, 0);
  assert_near(assay_flow_add(&flow, &(assay_top){100, 102, 9, 7}), 4, 0);  /* more bid */
  assert_near(assay_flow_add(&flow, &(assay_top){101, 102, 3, 7}), 3, 0);  /* a better bid: all of it */
  assert_near(assay_flow_add(&flow, &(assay_top){100, 102, 9, 7}), -3, 0); /* which goes */
  assert_near(assay_flow_add(&flow, &(assay_top){100, 102, 9, 8}), -1, 0); /* more ask */
  assert_near(assay_flow_add(&flow, &(assay_top){100, 101, 9, 2}), -2, 0); /* a better ask */
  assert_near(assay_flow_add(&flow, &(assay_top){100, 102, 9, 8}), 2, 0);
  assert_near(assay_flow_add(&flow, &(assay_top){0, 102, 0, 8}), -9, 0); /* no bid left */
  assert_near(assay_bar_sum_value(&flow.imbalance), -6, 0);
  assert_int_equal(flow.changes, 7);
  /* Quantities of 64 bits: each better bid adds all of them. */
  assay_flow large = {0};
  const assay_top first = {100, 200, UINT64_MAX, UINT64_MAX};
  assert_near(assay_flow_add(&large, &first), 0, 0);
  for (int64_t bid = 101; bid <= 104; bid++) assert_near(assay_flow_add(&large, &(assay_top){bid, 200, UINT64_MAX, UINT64_MAX}), 0x1p64, 0);
  assert_near(assay_flow_add(&large, &(assay_top){105, 201, UINT64_MAX, UINT64_MAX}), 0x1p65, 0);
  assert_near(assay_bar_sum_value(&large.imbalance), 6 * 0x1p64, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bars_beside_slow_ones),
      cmocka_unit_test(test_gaps_are_filled_when_asked),
      cmocka_unit_test(test_far_gaps_stay_open),
      cmocka_unit_test(test_ticks_out_of_order),
      cmocka_unit_test(test_a_tick_of_next_year),
      cmocka_unit_test(test_lengths_and_volumes_of_any_size),
      cmocka_unit_test(test_averages),
      cmocka_unit_test(test_averages_lie_between_prices),
      cmocka_unit_test(test_money_beyond_its_sum),
      cmocka_unit_test(test_order_flow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
