/* SPDX-License-Identifier: MIT */
/* Books rebuilt from a feed against a list of orders that is searched from end to end for every answer. */
#include "test.h"

#include <assay/book.h>

#include "base/random.h"

enum { BOOKS = 3, MOST = 500 };

typedef struct plain_order {
  uint64_t reference, quantity;
  uint32_t book;
  int32_t price;
  unsigned sell;
} plain_order;

/* In time order. */
typedef struct plain {
  plain_order orders[MOST];
  size_t count;
} plain;

static plain_order *plain_find(plain *p, uint64_t reference) {
  for (size_t i = 0; i < p->count; i++)
    if (p->orders[i].reference == reference) return &p->orders[i];
  return NULL;
}

static void plain_drop(plain *p, plain_order *o) {
  size_t at = (size_t)(o - p->orders);
  memmove(o, o + 1, (--p->count - at) * sizeof *o);
}

static bool better(unsigned sell, int32_t a, int32_t b) { return sell ? a < b : a > b; }

/* The best level behind `after` (NULL: of all). */
static bool plain_level(const plain *p, uint32_t book, unsigned sell, const int32_t *after, assay_mbo_level *level) {
  bool any = false;
  for (size_t i = 0; i < p->count; i++) {
    const plain_order *o = &p->orders[i];
    if (o->book != book || o->sell != sell || (after != NULL && !better(sell, *after, o->price))) continue;
    if (!any || better(sell, o->price, level->price)) *level = (assay_mbo_level){.price = o->price};
    if (o->price == level->price) {
      level->orders++;
      level->quantity += o->quantity;
    }
    any = true;
  }
  return any;
}

static void compare(const assay_mbo *mbo, const plain *p) {
  assay_mbo_level levels[MOST];
  for (uint32_t book = 0; book < BOOKS; book++)
    for (unsigned sell = 0; sell < 2; sell++) {
      size_t count = assay_mbo_depth(mbo, book, (assay_side)sell, levels, MOST), seen = 0;
      assay_mbo_level level, best;
      for (const int32_t *after = NULL; plain_level(p, book, sell, after, &level); after = &levels[seen++].price) {
        assert_true(seen < count);
        assert_int_equal(levels[seen].price, level.price);
        assert_int_equal(levels[seen].orders, level.orders);
        assert_int_equal(levels[seen].quantity, level.quantity);
      }
      assert_int_equal(seen, count);
      assert_int_equal(assay_mbo_best(mbo, book, (assay_side)sell, &best), count > 0);
      if (count > 0) assert_memory_equal(&best, &levels[0], sizeof best);
    }
}

static int32_t some_price(assay_random *random, unsigned regime) {
  uint64_t x = assay_random_next(random);
  switch (regime) {
    case 0: return (int32_t)(x % 40) - 20;
    case 1: return (int32_t)(x % 3000) + 100000;
    case 2: return (int32_t)(uint32_t)x;
    default: return (int32_t)((x % 8) << (x >> 8 & 31)) ^ (x >> 60 == 0 ? INT32_MIN : 0); /* keys that share long beginnings */
  }
}

static assay_status plain_add(plain *p, uint32_t book, uint64_t reference, unsigned sell, int32_t price, uint64_t quantity) {
  if (book >= BOOKS || quantity == 0 || quantity > ASSAY_BOOK_MOST_QUANTITY || plain_find(p, reference) != NULL) return ASSAY_ERR_INVALID;
  if (p->count == MOST) return ASSAY_ERR_LIMIT;
  p->orders[p->count++] = (plain_order){reference, quantity, book, price, sell};
  return ASSAY_OK;
}

static assay_status plain_reduce(plain *p, uint64_t reference, uint64_t quantity) {
  plain_order *o = plain_find(p, reference);
  if (o == NULL) return ASSAY_ERR_NOT_FOUND;
  if (quantity == 0 || quantity > o->quantity) return ASSAY_ERR_INVALID;
  o->quantity -= quantity;
  if (o->quantity == 0) plain_drop(p, o);
  return ASSAY_OK;
}

static assay_status plain_replace(plain *p, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity) {
  plain_order *o = plain_find(p, reference);
  if (o == NULL) return ASSAY_ERR_NOT_FOUND;
  if (quantity == 0 || quantity > ASSAY_BOOK_MOST_QUANTITY || (reference != new_reference && plain_find(p, new_reference) != NULL))
    return ASSAY_ERR_INVALID;
  plain_order changed = {new_reference, quantity, o->book, price, o->sell};
  plain_drop(p, o);
  p->orders[p->count++] = changed;
  return ASSAY_OK;
}

static void step(assay_random *random, unsigned regime, uint64_t ids, assay_mbo *mbo, plain *p) {
  uint64_t reference = assay_random_below(random, ids), other = assay_random_below(random, ids);
  uint64_t quantity =
      assay_random_below(random, 50) == 0 ? assay_random_next(random) >> assay_random_below(random, 64) : assay_random_below(random, 12);
  uint32_t book = (uint32_t)assay_random_below(random, BOOKS + (assay_random_below(random, 100) == 0));
  unsigned sell = (unsigned)assay_random_below(random, 2);
  int32_t price = some_price(random, regime);
  switch (assay_random_below(random, 8)) {
    case 0:
    case 1:
    case 2:
    case 3:
      assert_int_equal(assay_mbo_add(mbo, book, reference, (assay_side)sell, price, quantity),
                       plain_add(p, book, reference, sell, price, quantity));
      break;
    case 4: assert_int_equal(assay_mbo_execute(mbo, reference, quantity), plain_reduce(p, reference, quantity)); break;
    case 5: assert_int_equal(assay_mbo_cancel(mbo, reference, quantity), plain_reduce(p, reference, quantity)); break;
    case 6: {
      plain_order *o = plain_find(p, reference);
      assert_int_equal(assay_mbo_delete(mbo, reference), o == NULL ? ASSAY_ERR_NOT_FOUND : ASSAY_OK);
      if (o != NULL) plain_drop(p, o);
      break;
    }
    default:
      assert_int_equal(assay_mbo_replace(mbo, reference, other, price, quantity), plain_replace(p, reference, other, price, quantity));
      break;
  }
}

static void test_random_feeds(void **state) {
  (void)state;
  for (unsigned round = 0; round < 8; round++) {
    assay_random random;
    assay_random_init(&random, 100 + round);
    assay_error err = {0};
    assay_mbo *mbo = NULL;
    assert_ok(assay_mbo_create(&(assay_mbo_options){.books = BOOKS, .expected_orders = 16, .most_orders = MOST, .seed = round}, &err, &mbo),
              err);
    plain *p = calloc(1, sizeof *p);
    for (unsigned i = 0; i < 30000; i++) {
      step(&random, round % 4, round < 4 ? 300 : 1200, mbo, p);
      assert_int_equal(assay_mbo_orders(mbo), p->count);
      if (i % 300 == 0) {
        compare(mbo, p);
        assert_ok(assay_mbo_check(mbo, &err), err);
      }
    }
    for (size_t i = 0; i < p->count; i++) {
      assay_mbo_order order;
      assert_true(assay_mbo_find(mbo, p->orders[i].reference, &order));
      assert_int_equal(order.price, p->orders[i].price);
      assert_int_equal(order.quantity, p->orders[i].quantity);
      assert_int_equal(order.book, p->orders[i].book);
      assert_int_equal(order.side, p->orders[i].sell);
    }
    for (uint32_t book = 0; book < BOOKS; book++) assay_mbo_clear(mbo, book);
    assert_int_equal(assay_mbo_orders(mbo), 0);
    assert_ok(assay_mbo_check(mbo, &err), err);
    assay_mbo_destroy(mbo);
    free(p);
  }
}

/* However far apart prices are: levels come until there are many, and go until there are few, three times over. */
static void test_every_spread(void **state) {
  (void)state;
  for (unsigned bits = 4; bits <= 32; bits += 2) {
    assay_random random;
    assay_random_init(&random, bits);
    assay_error err = {0};
    assay_mbo *mbo = NULL;
    assert_ok(assay_mbo_create(&(assay_mbo_options){.books = BOOKS, .expected_orders = 16, .most_orders = MOST, .seed = bits}, &err, &mbo),
              err);
    plain *p = calloc(1, sizeof *p);
    for (uint64_t i = 0, id = 1; i < 3 * 2 * (uint64_t)MOST; i++) {
      if (i / MOST % 2 == 0) {
        int32_t price = (int32_t)((uint32_t)(assay_random_next(&random) >> (64 - bits)) + 77777u);
        unsigned sell = (unsigned)assay_random_below(&random, 4) != 0;
        assert_int_equal(assay_mbo_add(mbo, 1, id, (assay_side)sell, price, 5), plain_add(p, 1, id, sell, price, 5));
        id++;
      } else if (p->count > 3) {
        plain_order *o = &p->orders[assay_random_below(&random, p->count)];
        assert_int_equal(assay_mbo_delete(mbo, o->reference), ASSAY_OK);
        plain_drop(p, o);
      }
      if (i % 25 == 0) assert_ok(assay_mbo_check(mbo, &err), err);
      if (i % 125 == 0) compare(mbo, p);
    }
    assay_mbo_destroy(mbo);
    free(p);
  }
}

static void test_the_ends_of_the_range(void **state) {
  (void)state;
  static const int32_t prices[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX};
  assay_error err = {0};
  assay_mbo *mbo = NULL;
  assert_ok(assay_mbo_create(NULL, &err, &mbo), err);
  for (unsigned i = 0; i < 7; i++)
    for (unsigned sell = 0; sell < 2; sell++)
      assert_int_equal(assay_mbo_add(mbo, 0, 10 * sell + i, (assay_side)sell, prices[i], i + 1), ASSAY_OK);
  assay_mbo_level levels[8];
  assert_int_equal(assay_mbo_depth(mbo, 0, ASSAY_SELL, levels, 8), 7);
  for (unsigned i = 0; i < 7; i++) assert_int_equal(levels[i].price, prices[i]);
  assert_int_equal(assay_mbo_depth(mbo, 0, ASSAY_BUY, levels, 8), 7);
  for (unsigned i = 0; i < 7; i++) assert_int_equal(levels[i].price, prices[6 - i]);
  assert_ok(assay_mbo_check(mbo, &err), err);
  assay_mbo_destroy(mbo);
}

static void test_bad_options(void **state) {
  (void)state;
  assay_error err = {0};
  assay_mbo *mbo = NULL;
  assert_int_equal(assay_mbo_create(&(assay_mbo_options){.books = UINT32_MAX}, &err, &mbo), ASSAY_ERR_INVALID);
  assert_int_equal(assay_mbo_create(&(assay_mbo_options){.most_orders = UINT32_MAX}, NULL, &mbo), ASSAY_ERR_INVALID);
  assert_null(mbo);
  assay_mbo_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_feeds),
      cmocka_unit_test(test_every_spread),
      cmocka_unit_test(test_the_ends_of_the_range),
      cmocka_unit_test(test_bad_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
