/* SPDX-License-Identifier: MIT */
#include <assay/account.h>

#include <math.h>

#include "base/random.h"
#include "test.h"

static assay_account *make(size_t assets, double cash, assay_cost_basis basis) {
  assay_error err = {0};
  assay_account *account = NULL;
  assert_ok(assay_account_create(assets, cash, basis, &err, &account), err);
  return account;
}

/* 100 at 10, 100 at 20, 150 sold at 30: the average of 15 realises 2250, first in first out 100 x 20 + 50 x 10 = 2500. */
static void test_cost_basis(void **state) {
  (void)state;
  for (int fifo = 0; fifo < 2; fifo++) {
    assay_error err = {0};
    assay_account *a = make(1, 5000, fifo ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE);
    assert_ok(assay_account_fill(a, 0, 100, 10, 1, &err), err);
    assert_ok(assay_account_fill(a, 0, 100, 20, 1, &err), err);
    assert_ok(assay_account_fill(a, 0, -150, 30, 2, &err), err);
    assay_account_mark(a, (double[]){25});
    assay_account_position p = assay_account_get_position(a, 0);
    assay_account_totals t = assay_account_get_totals(a);
    assert_near(p.quantity, 50, 0);
    assert_near(p.average_price, fifo ? 20 : 15, 1e-12);
    assert_near(p.realised, fifo ? 2500 : 2250, 1e-9);
    assert_near(p.unrealised, fifo ? 250 : 500, 1e-9);
    assert_near(p.fees, 4, 0);
    assert_near(t.cash, 5000 - 1000 - 2000 + 4500 - 4, 1e-9);
    assert_near(t.equity, t.cash + 1250, 1e-9);
    assay_account_destroy(a);
  }
}

static void test_short_and_through_zero(void **state) {
  (void)state;
  assay_error err = {0};
  assay_account *a = make(1, 1000, ASSAY_COST_AVERAGE);
  assert_ok(assay_account_fill(a, 0, -10, 50, 0, &err), err);
  assay_account_mark(a, (double[]){40});
  assert_near(assay_account_get_position(a, 0).unrealised, 100, 1e-12);
  assert_near(assay_account_get_totals(a).shorts, 400, 1e-12);
  assert_ok(assay_account_fill(a, 0, 15, 45, 0, &err), err); /* closes 10 short for 50 earned, and is 5 long at 45 */
  assert_near(assay_account_get_position(a, 0).realised, 50, 1e-12);
  assert_near(assay_account_get_position(a, 0).average_price, 45, 1e-12);
  assert_near(assay_account_get_totals(a).equity, 1000 + 50 - 5 * 5, 1e-12);
  assay_account_destroy(a);
}

static void test_actions(void **state) {
  (void)state;
  for (int fifo = 0; fifo < 2; fifo++) {
    assay_error err = {0};
    assay_account *a = make(2, 10000, fifo ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE);
    assert_ok(assay_account_fill(a, 0, 100, 30, 0, &err), err);
    assert_ok(assay_account_fill(a, 1, -20, 10, 0, &err), err);
    double before = assay_account_get_totals(a).equity;
    assert_ok(assay_account_split(a, 0, 3, &err), err);
    assert_near(assay_account_get_totals(a).equity, before, 1e-9);
    assert_near(assay_account_get_position(a, 0).quantity, 300, 0);
    assert_near(assay_account_get_position(a, 0).average_price, 10, 1e-12);
    assert_ok(assay_account_dividend(a, 0, 0.5, &err), err);
    assert_ok(assay_account_dividend(a, 1, 1, &err), err);
    assert_near(assay_account_get_totals(a).dividends, 150 - 20, 1e-12);
    assert_ok(assay_account_fill(a, 0, -300, 12, 0, &err), err);
    assert_near(assay_account_get_position(a, 0).realised, 600, 1e-9);
    assay_account_destroy(a);
  }
}

/* Against lots in an array that only grows: the first of them that still have something. */
typedef struct slow_lot {
  double left, price;
} slow_lot;

static double slow_fifo(slow_lot *lots, size_t *count, double quantity, double price) {
  double realised = 0;
  for (size_t i = 0; i < *count && quantity != 0; i++) {
    if (lots[i].left == 0 || (lots[i].left > 0) == (quantity > 0)) continue;
    double leaves = fabs(lots[i].left) < fabs(quantity) ? lots[i].left : -quantity;
    realised += leaves * (price - lots[i].price);
    lots[i].left -= leaves;
    quantity += leaves;
  }
  if (quantity != 0) lots[(*count)++] = (slow_lot){quantity, price};
  return realised;
}

static void test_random_fills(void **state) {
  (void)state;
  enum { FILLS = 3000, ASSETS = 3 };
  static slow_lot lots[ASSETS][FILLS];
  size_t counts[ASSETS] = {0};
  double realised[ASSETS] = {0}, fees = 0, cash = 0, held[ASSETS] = {0};
  assay_error err = {0};
  assay_account *average = make(ASSETS, 0, ASSAY_COST_AVERAGE), *fifo = make(ASSETS, 0, ASSAY_COST_FIFO);
  assay_random random;
  assay_random_init(&random, 7);
  double prices[ASSETS] = {100, 20, 3};
  for (int i = 0; i < FILLS; i++) {
    size_t a = (size_t)assay_random_below(&random, ASSETS);
    double quantity = (double)assay_random_below(&random, 41) - 20, fee = assay_random_unit(&random);
    if (quantity == 0) quantity = held[a] != 0 ? -held[a] : 1;
    prices[a] *= exp(0.02 * assay_random_normal(&random));
    realised[a] += slow_fifo(lots[a], &counts[a], quantity, prices[a]);
    held[a] += quantity;
    cash -= quantity * prices[a] + fee;
    fees += fee;
    assert_ok(assay_account_fill(average, a, quantity, prices[a], fee, &err), err);
    assert_ok(assay_account_fill(fifo, a, quantity, prices[a], fee, &err), err);
    assay_account_mark(average, prices);
    assay_account_mark(fifo, prices);
    assay_account_totals x = assay_account_get_totals(average), y = assay_account_get_totals(fifo);
    double equity = cash;
    for (size_t k = 0; k < ASSETS; k++) equity += held[k] * prices[k];
    assert_near(x.equity, equity, 1e-7);
    assert_true(x.equity == y.equity);
    assert_near(x.realised + x.unrealised - x.fees, equity, 1e-7);
    assert_near(y.realised + y.unrealised - y.fees, equity, 1e-7);
    assert_near(x.fees, fees, 1e-9);
    assert_near(assay_account_get_position(fifo, a).realised, realised[a], 1e-7);
  }
  assay_account_destroy(average);
  assay_account_destroy(fifo);
}

static void test_refuses(void **state) {
  (void)state;
  assay_account *a = NULL;
  assert_int_equal(assay_account_create(0, 1, ASSAY_COST_AVERAGE, NULL, &a), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_create(1, NAN, ASSAY_COST_AVERAGE, NULL, &a), ASSAY_ERR_INVALID);
  assert_null(a);
  a = make(1, 100, ASSAY_COST_AVERAGE);
  assert_int_equal(assay_account_fill(a, 1, 1, 1, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_fill(a, 0, 0, 1, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_fill(a, 0, NAN, 1, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_fill(a, 0, 1, -1, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_fill(a, 0, 1e300, 1e300, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_split(a, 0, 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_account_dividend(a, 0, INFINITY, NULL), ASSAY_ERR_INVALID);
  assert_near(assay_account_get_totals(a).cash, 100, 0);
  assay_account_destroy(a);
  assay_account_destroy(NULL);
}

static void test_fees(void **state) {
  (void)state;
  assay_fees fees = {.per_order = 1, .per_share = 0.01, .rate = 0.001, .least = 5};
  assert_near(assay_fees_of(&fees, 0, 0), 0, 0);
  assert_near(assay_fees_of(&fees, 100, 2000), 5, 0); /* 1 + 1 + 2 = 4 */
  assert_near(assay_fees_of(&fees, -200, -4000), 1 + 2 + 4, 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cost_basis), cmocka_unit_test(test_short_and_through_zero),
      cmocka_unit_test(test_actions),    cmocka_unit_test(test_random_fills),
      cmocka_unit_test(test_refuses),    cmocka_unit_test(test_fees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
