/* SPDX-License-Identifier: MIT */
/* Own orders in a recorded book: latency, queue and fills, case by case; then a market maker in a generated market. */
#include <assay/book_backtest.h>
#include <assay/feed_itch.h>

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "market/backtest/ages.h"
#include "test.h"

enum { MOST = 64 };

/* A strategy that sends these when it sees the event of that number. */
typedef struct script {
  struct {
    size_t at;
    assay_side side;
    int32_t price;
    uint64_t quantity;
    bool immediate;
    uint64_t cancel; /* an order of ours by its number; 0: none */
  } steps[8];
  size_t count;
  assay_market_event events[MOST];
  size_t event_count, seen;
  uint64_t ahead[MOST]; /* of the first order, after each event */
} script;

static void play(assay_book_backtest *run, const assay_market_event *event, void *state) {
  (void)state;
  script *s = assay_book_backtest_user(run);
  size_t number = s->seen++;
  assay_book_backtest_own own;
  assert_int_equal(assay_book_backtest_now(run), event->time_ns);
  s->ahead[number] = assay_book_backtest_find(run, 1, &own) ? own.ahead : 999;
  for (size_t i = 0; i < s->count; i++) {
    if (s->steps[i].at != number) continue;
    if (s->steps[i].cancel != 0)
      assay_book_backtest_cancel(run, s->steps[i].cancel);
    else
      assert_int_not_equal(assay_book_backtest_order(run, s->steps[i].side, s->steps[i].price, s->steps[i].quantity, s->steps[i].immediate),
                           0);
  }
}

static void event(script *s, uint64_t time, assay_market_kind kind, uint64_t order, char side, int32_t price, uint64_t quantity) {
  s->events[s->event_count++] = (assay_market_event){.time_ns = time,
                                                     .kind = (uint8_t)kind,
                                                     .order_id = order,
                                                     .side = side,
                                                     .price = price,
                                                     .quantity = quantity,
                                                     .symbol = 5,
                                                     .decimals = 2};
}

static assay_book_backtest_result *run(script *s, assay_book_backtest_options options) {
  assay_book_strategy strategy = {.name = "script", .on_event = play, .user = s};
  options.symbol = 5;
  options.keep_fills = true;
  assay_error err = {0};
  assay_book_backtest_result *r = NULL;
  s->seen = 0;
  assert_ok(assay_book_backtest_run(&strategy, NULL, s->events, s->event_count, &options, &err, &r), err);
  return r;
}

/* 1: bids of 300 at 100 (orders 1, 2), asks of 50 at 101 (3) and 70 at 102 (4). */
static script begin(void) {
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', 100, 100);
  event(&s, 1001, ASSAY_MARKET_ADD, 2, 'B', 100, 200);
  event(&s, 1002, ASSAY_MARKET_ADD, 3, 'S', 101, 50);
  event(&s, 1003, ASSAY_MARKET_ADD, 4, 'S', 102, 70);
  return s;
}

/* Behind 300: an execution and a cancellation ahead bring it forward, one behind does not; then it fills in parts. */
static void test_queue(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_ADD, 5, 'B', 100, 500); /* 4: behind us */
  event(&s, 2001, ASSAY_MARKET_EXECUTE, 1, 0, 0, 100); /* 5: 200 ahead */
  event(&s, 2002, ASSAY_MARKET_CANCEL, 5, 0, 0, 100);  /* 6: behind: nothing */
  event(&s, 2003, ASSAY_MARKET_CANCEL, 2, 0, 0, 50);   /* 7: 150 ahead */
  event(&s, 2004, ASSAY_MARKET_EXECUTE, 2, 0, 0, 150); /* 8: 0 ahead */
  event(&s, 2005, ASSAY_MARKET_EXECUTE, 5, 0, 0, 40);  /* 9: would have been ours */
  event(&s, 2006, ASSAY_MARKET_EXECUTE, 5, 0, 0, 100); /* 10: the other 20 */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.maker_rate = 0.001});
  const uint64_t ahead[] = {999, 999, 999, 999, 300, 200, 200, 150, 0, 0, 999};
  for (size_t i = 0; i < s.event_count; i++) assert_int_equal(s.ahead[i], ahead[i]);
  assert_int_equal(r->fill_count, 2);
  assert_int_equal(r->fills[0].quantity, 40);
  assert_int_equal(r->fills[0].time_ns, 2005);
  assert_int_equal(r->fills[1].quantity, 20);
  assert_true(r->fills[0].maker && r->fills[0].price == 100);
  assert_near(r->fees, 60 * 1.00 * 0.001, 1e-12);
  assert_near(r->cash, -60 - 0.06, 1e-9);
  assert_int_equal(r->position, 60);
  assert_near(r->profit, 60 * (1.005 - 1) - 0.06, 1e-9); /* the middle of 1.00 and 1.01 */
  assay_book_backtest_result_destroy(r);
}

/* Sent at 1003 with 100 + 400 ns: an execution at 1502 is before it, what rests at 1503 is ahead of it. */
static void test_latency(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 1502, ASSAY_MARKET_EXECUTE, 1, 0, 0, 100); /* 4: it is not there yet */
  event(&s, 1503, ASSAY_MARKET_ADD, 6, 'B', 100, 10);  /* 5: of the same instant: we were first */
  event(&s, 1504, ASSAY_MARKET_EXECUTE, 2, 0, 0, 200); /* 6 */
  event(&s, 1505, ASSAY_MARKET_EXECUTE, 6, 0, 0, 10);  /* 7 */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.feed_ns = 100, .order_ns = 400});
  assert_int_equal(s.ahead[4], 0); /* it travels */
  assert_int_equal(s.ahead[5], 200);
  assert_int_equal(r->fill_count, 1);
  assert_int_equal(r->fills[0].quantity, 10);
  assay_book_backtest_result_destroy(r);
}

/* Its cancellation is sent before the fill and arrives after it. */
static void test_cancel_comes_too_late(void **state) {
  (void)state;
  for (uint64_t latency = 10; latency <= 1000; latency += 990) {
    script s = begin();
    s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_SELL, .price = 101, .quantity = 10};
    s.steps[1] = (__typeof__(s.steps[0])){.at = 4, .cancel = 1};
    s.count = 2;
    event(&s, 5000, ASSAY_MARKET_EXECUTE, 3, 0, 0, 50);
    event(&s, 5500, ASSAY_MARKET_ADD, 7, 'B', 101, 30); /* meets us */
    assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.order_ns = latency});
    bool late = latency == 1000;
    assert_int_equal(r->fill_count, late ? 1 : 0);
    assert_int_equal(r->position, late ? -10 : 0);
    assay_book_backtest_result_destroy(r);
  }
}

/* Takes 50 at 101 and 30 of 70 at 102; what it took is gone for the next one. */
static void test_taking(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 102, .quantity = 80};
  s.steps[1] = (__typeof__(s.steps[0])){.at = 4, .side = ASSAY_BUY, .price = INT32_MAX, .quantity = 100, .immediate = true};
  s.count = 2;
  event(&s, 2000, ASSAY_MARKET_ADD, 8, 'B', 90, 1);
  event(&s, 2001, ASSAY_MARKET_ADD, 9, 'B', 90, 1);
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.taker_per_share = 0.01});
  assert_int_equal(r->fill_count, 3);
  assert_true(r->fills[0].price == 101 && r->fills[0].quantity == 50 && !r->fills[0].maker);
  assert_true(r->fills[1].price == 102 && r->fills[1].quantity == 30);
  assert_true(r->fills[2].price == 102 && r->fills[2].quantity == 40);
  assert_int_equal(r->taker_quantity, 120);
  assert_near(r->fees, 1.2, 1e-12);
  assay_book_backtest_result_destroy(r);
}

/* The recording trades at 99 although we bid 100: the seller would have met us before. */
static void test_swept(void **state) {
  (void)state;
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', 99, 100);
  event(&s, 1001, ASSAY_MARKET_ADD, 2, 'S', 101, 50);
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_EXECUTE, 1, 0, 0, 25);
  event(&s, 2001, ASSAY_MARKET_DELETE, 1, 0, 0, 0);
  event(&s, 2002, ASSAY_MARKET_TRADE, 0, 'S', 98, 5);  /* hidden, and worse than ours */
  event(&s, 2003, ASSAY_MARKET_TRADE, 0, 'S', 100, 5); /* at our price: somebody hidden may have been first */
  event(&s, 2004, ASSAY_MARKET_EXECUTE, 77, 0, 0, 5);  /* of an order that nobody knows */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.price_step = 1});
  assert_int_equal(r->fill_count, 2);
  assert_int_equal(r->fills[0].quantity, 25);
  assert_int_equal(r->fills[0].price, 100);
  assert_int_equal(r->fills[1].quantity, 5);
  assert_int_equal(r->unknown, 1);
  assert_int_equal(r->events, 7);
  assay_book_backtest_result_destroy(r);
}

static void test_refuses(void **state) {
  (void)state;
  script s = begin();
  assay_book_strategy strategy = {.name = "script", .on_event = play, .user = &s};
  assay_book_backtest_result *r = NULL;
  assay_book_backtest_options options = {.symbol = 5};
  s.events[2].time_ns = 5;
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 4, &options, NULL, &r), ASSAY_ERR_INVALID);
  s = begin();
  s.events[2].price = INT64_C(1) << 40;
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 4, &options, NULL, &r), ASSAY_ERR_INVALID);
  options.maker_rate = NAN;
  s = begin();
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 4, &options, NULL, &r), ASSAY_ERR_INVALID);
  assert_null(r);
}

/* Against an array that is searched from end to end. */
static void test_ages(void **state) {
  (void)state;
  enum { KEYS = 300, TIMES = 20000 };
  uint64_t ages[KEYS] = {0};
  assay_ages a = {0};
  assay_random random;
  assay_random_init(&random, 3);
  for (uint64_t i = 1; i <= TIMES; i++) {
    uint64_t key = assay_random_below(&random, KEYS), reference = key << 40; /* alike in their low bits */
    if (assay_random_below(&random, 2)) {
      assert_true(assay_ages_set(&a, reference, i));
      ages[key] = i;
    } else {
      assay_ages_remove(&a, reference);
      ages[key] = 0;
    }
    for (uint64_t k = 0; k < KEYS && i % 50 == 0; k++) assert_int_equal(assay_ages_get(&a, k << 40), ages[k]);
  }
  size_t count = 0;
  for (size_t k = 0; k < KEYS; k++) count += ages[k] != 0;
  assert_int_equal(a.count, count);
  assay_free(a.places);
}

/* ---- A generated market
 * -------------------------------------------------------------------------------------------------------------------- */

static assay_market_event *decode(size_t *count) {
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 9, .messages = 60000, .symbols = 1, .orders = 300};
  assay_error err = {0};
  uint8_t *bytes = NULL;
  size_t size = 0, room = 80000;
  assert_ok(assay_feed_generate(&market, &err, &bytes, &size), err);
  assay_market_event *events = calloc(room, sizeof *events);
  assay_feed_reader reader;
  assay_feed_open(&reader, bytes, size);
  *count = 0;
  for (size_t got; *count + 256 <= room && (got = assay_itch_events(&reader, events + *count, 256)) > 0;) *count += got;
  assay_feed_generated_free(bytes);
  return events;
}

/* Money and position are what its fills add up to, the position keeps to its limit, it only makes, and a run repeats itself. */
static void test_market_making(void **state) {
  (void)state;
  size_t count = 0;
  assay_market_event *events = decode(&count);
  uint32_t symbol = 0;
  for (size_t i = 0; i < count && symbol == 0; i++) symbol = events[i].kind == ASSAY_MARKET_ADD ? events[i].symbol : 0;
  const double parameters[] = {100, 0, 500, 2};
  assay_book_backtest_options options = {
      .symbol = symbol, .feed_ns = 2000, .order_ns = 3000, .maker_rate = -0.0001, .sample_ns = 1000000, .keep_fills = true};
  assay_error err = {0};
  assay_book_backtest_result *r = NULL, *again = NULL;
  assert_ok(assay_book_backtest_run(&assay_book_strategy_maker, parameters, events, count, &options, &err, &r), err);
  assert_ok(assay_book_backtest_run(&assay_book_strategy_maker, parameters, events, count, &options, &err, &again), err);
  assert_true(r->fill_count > 20);
  assert_int_equal(r->unknown, 0);
  assert_int_equal(r->fill_count, again->fill_count);
  for (size_t i = 0; i < r->fill_count; i++) {
    const assay_book_backtest_fill *f = &r->fills[i], *g = &again->fills[i];
    assert_true(f->time_ns == g->time_ns && f->order == g->order && f->side == g->side && f->price == g->price &&
                f->quantity == g->quantity && f->fee == g->fee && f->maker == g->maker);
  }
  assert_memory_equal(r->equity, again->equity, r->sample_count * sizeof *r->equity);
  double cash = 0, fees = 0, step = pow(10, -(double)assay_market_price_decimals(&events[count / 2]));
  int64_t position = 0;
  uint64_t last = 0;
  for (size_t i = 0; i < r->fill_count; i++) {
    const assay_book_backtest_fill *f = &r->fills[i];
    double value = f->price * step * (double)f->quantity;
    assert_true(f->quantity > 0 && f->quantity <= 100 && f->time_ns >= last);
    cash += (f->side == ASSAY_SELL ? value : -value) - f->fee;
    fees += f->fee;
    position += f->side == ASSAY_BUY ? (int64_t)f->quantity : -(int64_t)f->quantity;
    last = f->time_ns;
  }
  assert_near(r->cash, cash, 1e-6 * fabs(cash) + 1e-6);
  assert_near(r->fees, fees, 1e-9 * fabs(fees) + 1e-9);
  assert_int_equal(r->position, position);
  /* A quote that is on its way, or whose cancellation is, may fill beside the one that replaced it. */
  assert_true(r->most_position <= 500 + 200);
  assert_true(isfinite(r->profit) && r->sample_count > 10);
  assay_book_backtest_result_destroy(r);
  assay_book_backtest_result_destroy(again);
  free(events);
}

static void test_leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_queue),  cmocka_unit_test(test_latency),       cmocka_unit_test(test_cancel_comes_too_late),
      cmocka_unit_test(test_taking), cmocka_unit_test(test_swept),         cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_ages),   cmocka_unit_test(test_market_making), cmocka_unit_test(test_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
