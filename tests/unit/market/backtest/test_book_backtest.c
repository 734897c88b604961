/* SPDX-License-Identifier: MIT */
/* Own orders in a recorded book: latency, queue and fills, case by case; then a market maker in a generated market. */
#include <assay/book_backtest.h>
#include <assay/feed_itch.h>

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "market/backtest/ages.h"
#include "test.h"

enum { MOST = 256 };

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

static assay_market_event *event(script *s, uint64_t time, assay_market_kind kind, uint64_t order, char side, int64_t price,
                                 uint64_t quantity) {
  assert_true(s->event_count < MOST);
  assay_market_event *made = &s->events[s->event_count++];
  *made = (assay_market_event){.time_ns = time,
                               .kind = (uint8_t)kind,
                               .order_id = order,
                               .side = side,
                               .price = price,
                               .quantity = quantity,
                               .symbol = 5,
                               .decimals = 2};
  return made;
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

/* A hundred levels of 1: an order for all of them gets all, and one at any price that finds no more is over. */
static void test_deep_book(void **state) {
  (void)state;
  script s = {0};
  for (int i = 0; i < 100; i++) event(&s, 1000 + (uint64_t)i, ASSAY_MARKET_ADD, 1 + (uint64_t)i, 'S', 200 + i, 1);
  event(&s, 2000, ASSAY_MARKET_ADD, 500, 'B', 90, 1);
  event(&s, 2001, ASSAY_MARKET_ADD, 501, 'S', 400, 30); /* what comes later is not its */
  event(&s, 2002, ASSAY_MARKET_ADD, 502, 'S', 250, 30);
  s.steps[0] = (__typeof__(s.steps[0])){.at = 99, .side = ASSAY_BUY, .price = INT32_MAX, .quantity = 110};
  s.count = 1;
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->fill_count, 100);
  for (int i = 0; i < 100; i++) assert_int_equal(r->fills[i].price, 200 + i);
  assert_int_equal(r->position, 100);
  assay_book_backtest_result_destroy(r);
  s.steps[0].price = 280; /* up to 280, then it rests, and what comes at 250 is its */
  r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->taker_quantity, 81);
  assert_int_equal(r->maker_quantity, 29);
  assert_int_equal(r->fills[81].price, 280);
  assay_book_backtest_result_destroy(r);
}

/* A smaller quantity under the same reference keeps its place before ours; a larger one, or another price, goes behind. */
static void test_modify(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_STATUS, 'T', 0, 0, 0);
  event(&s, 2001, ASSAY_MARKET_REPLACE, 1, 'B', 100, 99)->other_id = 1;         /* 5: 299 ahead */
  event(&s, 2002, ASSAY_MARKET_REPLACE, 2, 'B', 100, 200)->other_id = 2;        /* 6: nothing changed */
  event(&s, 2003, ASSAY_MARKET_EXECUTE, 1, 0, 0, 99)->flags = ASSAY_MARKET_GAP; /* 7: before us: 200 */
  event(&s, 2004, ASSAY_MARKET_REPLACE, 2, 'B', 100, 300)->other_id = 2;        /* 8: larger: behind us */
  event(&s, 2005, ASSAY_MARKET_EXECUTE, 2, 0, 0, 10);                           /* 9: ours */
  event(&s, 2006, ASSAY_MARKET_REPLACE, 2, 'B', 99, 5)->other_id = 2;           /* 10: another price */
  event(&s, 2007, ASSAY_MARKET_REPLACE, 2, 'B', 100, 5)->other_id = 9;          /* 11: another reference */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  const uint64_t ahead[] = {999, 999, 999, 999, 300, 299, 299, 200, 0, 0, 0, 0};
  for (size_t i = 0; i < s.event_count; i++) assert_int_equal(s.ahead[i], ahead[i]);
  assert_int_equal(r->fill_count, 1);
  assert_int_equal(r->fills[0].quantity, 10);
  assert_int_equal(r->fills[0].time_ns, 2005);
  assert_int_equal(r->unknown, 0);
  assert_int_equal(r->gaps, 1);
  assay_book_backtest_result_destroy(r);
}

/* The book begins anew: nothing is ahead of ours, and what was taken there counts no more. */
static void test_clear(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.steps[1] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 101, .quantity = 50, .immediate = true};
  s.steps[2] = (__typeof__(s.steps[0])){.at = 7, .side = ASSAY_BUY, .price = 101, .quantity = 50, .immediate = true};
  s.count = 3;
  event(&s, 2000, ASSAY_MARKET_STATUS, 'T', 0, 0, 0);
  event(&s, 2001, ASSAY_MARKET_CLEAR, 0, 0, 0, 0);
  event(&s, 2002, ASSAY_MARKET_ADD, 1, 'B', 100, 70); /* 6: behind us now */
  event(&s, 2003, ASSAY_MARKET_ADD, 3, 'S', 101, 50); /* 7 */
  event(&s, 2004, ASSAY_MARKET_EXECUTE, 1, 0, 0, 20); /* 8: ours */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(s.ahead[4], 300);
  assert_int_equal(s.ahead[5], 0);
  assert_int_equal(s.ahead[6], 0);
  assert_int_equal(r->taker_quantity, 100);
  assert_int_equal(r->maker_quantity, 20);
  assert_int_equal(r->unknown, 0);
  assay_book_backtest_result_destroy(r);
}

/* Who met us when it came has nothing left for our next order. */
static void test_arrival_is_taken(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_SELL, .price = 103, .quantity = 60};
  s.steps[1] = (__typeof__(s.steps[0])){.at = 4, .side = ASSAY_SELL, .price = 103, .quantity = 70, .immediate = true};
  s.count = 2;
  event(&s, 2000, ASSAY_MARKET_ADD, 9, 'B', 103, 80);
  event(&s, 2001, ASSAY_MARKET_ADD, 10, 'B', 50, 1);
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->maker_quantity, 60);
  assert_int_equal(r->taker_quantity, 20);
  assay_book_backtest_result_destroy(r);
}

/* A hidden trade whose aggressor nobody tells may have met either side. */
static void test_hidden_trade_of_no_side(void **state) {
  (void)state;
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', 90, 100);
  event(&s, 1001, ASSAY_MARKET_ADD, 2, 'S', 110, 100);
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 95, .quantity = 10};
  s.steps[1] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_SELL, .price = 105, .quantity = 10};
  s.count = 2;
  event(&s, 2000, ASSAY_MARKET_TRADE, 0, 0, 95, 3);  /* at our bid: who was hidden may have been before us */
  event(&s, 2001, ASSAY_MARKET_TRADE, 0, 0, 94, 4);  /* below it: ours */
  event(&s, 2002, ASSAY_MARKET_TRADE, 0, 0, 106, 5); /* above our offer */
  event(&s, 2003, ASSAY_MARKET_TRADE, 0, 0, 0, 5);
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->fill_count, 2);
  assert_true(r->fills[0].side == ASSAY_BUY && r->fills[0].quantity == 4 && r->fills[0].price == 95);
  assert_true(r->fills[1].side == ASSAY_SELL && r->fills[1].quantity == 5 && r->fills[1].price == 105);
  assay_book_backtest_result_destroy(r);
}

/* As DBN says it: the trade, then what it took off the book. What leaves before us brings us forward, what leaves behind us was ours. */
static void test_trade_then_cancel(void **state) {
  (void)state;
  script s = begin();
  s.steps[0] = (__typeof__(s.steps[0])){.at = 3, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_ADD, 5, 'B', 100, 500);    /* 4: behind us */
  event(&s, 2001, ASSAY_MARKET_TRADE, 0, 'S', 100, 150);  /* 5 */
  event(&s, 2001, ASSAY_MARKET_CANCEL, 1, 'B', 100, 100); /* 6: 200 ahead */
  event(&s, 2001, ASSAY_MARKET_CANCEL, 5, 'B', 100, 50);  /* 7: behind us, and traded: ours */
  event(&s, 2001, ASSAY_MARKET_CANCEL, 5, 'B', 100, 7);   /* 8: more than the trade: withdrawn */
  event(&s, 2002, ASSAY_MARKET_CANCEL, 5, 'B', 100, 7);   /* 9: another instant */
  event(&s, 2003, ASSAY_MARKET_TRADE, 0, 'S', 99, 4);     /* 10: a worse price: ours at once */
  event(&s, 2003, ASSAY_MARKET_CANCEL, 5, 'B', 100, 4);   /* 11: not once more */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(s.ahead[5], 300);
  assert_int_equal(s.ahead[6], 200);
  assert_int_equal(r->fill_count, 2);
  assert_int_equal(r->fills[0].quantity, 50);
  assert_int_equal(r->fills[1].quantity, 4);
  assay_book_backtest_result_destroy(r);
}

/* ---- Levels and scales --------------------------------------------------------------------------------------------------------------- */

/* A level of 300: what trades at it brings us forward, then is ours; what leaves it otherwise was behind us as long as it can have been. */
static void test_levels(void **state) {
  (void)state;
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 300);
  event(&s, 1001, ASSAY_MARKET_QUOTE, 0, 'S', 102, 50);
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 400);                            /* 2: behind us */
  event(&s, 2001, ASSAY_MARKET_QUOTE, 0, 'B', 100, 320);                            /* 3: they left again */
  event(&s, 2002, ASSAY_MARKET_TRADE, 0, 'S', 100, 120);                            /* 4: 180 ahead */
  event(&s, 2003, ASSAY_MARKET_QUOTE, 0, 'B', 100, 200);                            /* 5 */
  event(&s, 2004, ASSAY_MARKET_QUOTE, 0, 'B', 100, 150);                            /* 6: at most 150 are ahead */
  event(&s, 2005, ASSAY_MARKET_CLEAR, 0, 0, 0, 0);                                  /* 7: a whole book comes */
  event(&s, 2005, ASSAY_MARKET_QUOTE, 0, 'S', 103, 5);                              /* 8 */
  event(&s, 2005, ASSAY_MARKET_QUOTE, 0, 'B', 100, 140)->flags = ASSAY_MARKET_LAST; /* 9: at most 140 */
  event(&s, 2006, ASSAY_MARKET_TRADE, 0, 'S', 100, 150);                            /* 10: 10 of it ours */
  event(&s, 2007, ASSAY_MARKET_TRADE, 0, 'S', 99, 5);                               /* 11: all of it */
  event(&s, 2008, ASSAY_MARKET_QUOTE, 0, 'S', 100, 7);                              /* 12: it met us */
  event(&s, 2009, ASSAY_MARKET_QUOTE, 0, 'S', 100, 9);                              /* 13: 2 more did */
  event(&s, 2010, ASSAY_MARKET_CLEAR, 0, 0, 0, 0);
  event(&s, 2010, ASSAY_MARKET_QUOTE, 0, 'S', 100, 9)->flags = ASSAY_MARKET_LAST; /* 15: the same again */
  event(&s, 2011, ASSAY_MARKET_ADD, 1, 'S', 100, 9);                              /* 16: no feed does both */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  const uint64_t ahead[] = {999, 999, 300, 300, 180, 180, 150, 150, 150, 140, 0};
  for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) assert_int_equal(s.ahead[i], ahead[i]);
  const uint64_t filled[] = {10, 5, 7, 2};
  assert_int_equal(r->fill_count, 4);
  for (size_t i = 0; i < 4; i++) assert_int_equal(r->fills[i].quantity, filled[i]);
  assert_int_equal(r->unknown, 1);
  assay_book_backtest_result_destroy(r);
}

/* Records of best prices (DBN's mbp) say all of a side: what stood there before is gone, and nobody is ahead of us where nobody is. An
 * order without a price is in no book. */
static void test_whole_sides(void **state) {
  (void)state;
  enum { WHOLE = ASSAY_MARKET_WHOLE_SIDE, LAST = ASSAY_MARKET_LAST };
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 300)->flags = WHOLE;
  event(&s, 1000, ASSAY_MARKET_QUOTE, 0, 'S', 102, 50)->flags = WHOLE | LAST;
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 100, .quantity = 60};
  s.steps[1] = (__typeof__(s.steps[1])){.at = 5, .side = ASSAY_BUY, .price = 103, .quantity = 5, .immediate = true};
  s.count = 2;
  event(&s, 2000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 200)->flags = WHOLE;
  event(&s, 2000, ASSAY_MARKET_QUOTE, 0, 'S', 104, 50)->flags = WHOLE | LAST; /* 3: nobody is at 102 */
  event(&s, 2001, ASSAY_MARKET_QUOTE, 0, 'B', 99, 200)->flags = WHOLE;
  event(&s, 2001, ASSAY_MARKET_QUOTE, 0, 'S', INT64_MAX, 0)->flags = WHOLE | LAST; /* 5: nobody offers */
  event(&s, 2002, ASSAY_MARKET_QUOTE, 0, 'B', 98, 200)->flags = WHOLE | LAST;
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  const uint64_t ahead[] = {999, 999, 200, 200, 200, 0, 0};
  for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) assert_int_equal(s.ahead[i], ahead[i]);
  assert_int_equal(r->fill_count, 0);
  assert_int_equal(r->unknown, 0);
  assay_book_backtest_result_destroy(r);
  /* Prices above 31 bits have ticks of their own. */
  s = (script){0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', INT64_C(4000000000), 100);
  event(&s, 1001, ASSAY_MARKET_ADD, 2, 'S', INT64_C(4000000100), 100);
  event(&s, 1002, ASSAY_MARKET_EXECUTE, 2, 0, 0, 100);
  r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->unknown, 0);
  assert_int_equal(r->events, 3);
  assay_book_backtest_result_destroy(r);
  s = begin();
  event(&s, 1004, ASSAY_MARKET_ADD, 9, 'B', INT64_MAX, 10);
  r = run(&s, (assay_book_backtest_options){0});
  assert_int_equal(r->unknown, 0);
  assay_book_backtest_result_destroy(r);
}

/* The best level only: what rests behind it nobody knows, so all may be ahead of us there, until it is told. */
static void test_partial_levels(void **state) {
  (void)state;
  script s = {0};
  const uint8_t whole = ASSAY_MARKET_WHOLE_SIDE, last = ASSAY_MARKET_WHOLE_SIDE | ASSAY_MARKET_LAST;
  event(&s, 1000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 300)->flags = whole;
  event(&s, 1000, ASSAY_MARKET_QUOTE, 0, 'S', 102, 50)->flags = last;
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 99, .quantity = 60};
  s.count = 1;
  event(&s, 2000, ASSAY_MARKET_QUOTE, 0, 'B', 100, 200)->flags = last; /* 2: nothing is said of 99 */
  event(&s, 2001, ASSAY_MARKET_TRADE, 0, 'S', 99, 500);                /* 3: who knows */
  event(&s, 2002, ASSAY_MARKET_QUOTE, 0, 'B', 99, 50)->flags = last;   /* 4: at most 50 */
  event(&s, 2003, ASSAY_MARKET_QUOTE, 0, 'B', 100, 10)->flags = last;  /* 5: out of sight, and no better for it */
  event(&s, 2004, ASSAY_MARKET_TRADE, 0, 'S', 99, 60);                 /* 6: 10 of it ours */
  event(&s, 2005, ASSAY_MARKET_QUOTE, 0, 'B', 98, 1)->flags = last;    /* 7 */
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){0});
  assert_true(s.ahead[2] == ASSAY_BOOK_MOST_QUANTITY && s.ahead[3] == ASSAY_BOOK_MOST_QUANTITY - 500);
  assert_int_equal(s.ahead[4], 50);
  assert_int_equal(s.ahead[5], 50);
  assert_int_equal(s.ahead[6], 0);
  assert_int_equal(r->fill_count, 1);
  assert_int_equal(r->fills[0].quantity, 10);
  assay_book_backtest_result_destroy(r);
}

static void ask_for_tick(assay_book_backtest *run, const assay_market_event *event, void *state) {
  (void)event, (void)state;
  *(int64_t *)assay_book_backtest_user(run) = assay_book_backtest_tick(run);
}

/* DBN's steps of 10^-9 in ticks of 1/64, and Binance's of 10^-8 in cents with quantities of 10^-8: the money is the same. */
static void test_scales(void **state) {
  (void)state;
  const struct {
    int64_t price, tick;
    uint8_t decimals;
    double unit;
  } cases[] = {{110015625000, 15625000, 9, 1}, {6283519000000, 1000000, 8 | 8 << 4, 1e-8}, {-2500000000, 2500000000, 9, 1}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    script s = {0};
    int64_t price = cases[k].price, tick = cases[k].tick, seen = 0;
    event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', price - 3 * tick, 100);
    event(&s, 1001, ASSAY_MARKET_ADD, 2, 'S', price, 40);
    event(&s, 1002, ASSAY_MARKET_ADD, 3, 'S', price + 2 * tick, 60);
    event(&s, 1003, ASSAY_MARKET_TRADE, 0, 0, price - tick / 2, 1); /* between ticks: hidden orders may be */
    for (size_t i = 0; i < s.event_count; i++) s.events[i].decimals = cases[k].decimals;
    assert_int_equal(assay_book_backtest_common_tick(s.events, s.event_count, 5), tick);
    assay_book_strategy asks = {.name = "tick", .on_event = ask_for_tick, .user = &seen};
    assay_book_backtest_options options = {.symbol = 5};
    assay_book_backtest_result *r = NULL;
    assay_error err = {0};
    assert_ok(assay_book_backtest_run(&asks, NULL, s.events, s.event_count, &options, &err, &r), err);
    assert_int_equal(seen, tick);
    assay_book_backtest_result_destroy(r);
    s.steps[0] = (__typeof__(s.steps[0])){.at = 2, .side = ASSAY_BUY, .price = INT32_MAX, .quantity = 70};
    s.count = 1;
    r = run(&s, (assay_book_backtest_options){.taker_rate = 0.001});
    double scale = pow(10, -(double)(cases[k].decimals & 15)) * cases[k].unit;
    double first = 40 * (double)price * scale, second = 30 * (double)(price + 2 * tick) * scale;
    assert_int_equal(r->fill_count, 2);
    assert_int_equal(r->fills[0].price, price / tick);
    assert_near(r->cash, -first - second - 0.001 * (fabs(first) + fabs(second)), 1e-12 * (fabs(first) + fabs(second)));
    assay_book_backtest_result_destroy(r);
  }
}

static void test_scales_that_do_not_fit(void **state) {
  (void)state;
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', 99810000001, 100)->decimals = 9;
  event(&s, 1001, ASSAY_MARKET_ADD, 2, 'S', 99820000000, 100)->decimals = 9;
  assay_book_strategy strategy = {.name = "script", .on_event = play, .user = &s};
  assay_book_backtest_options options = {.symbol = 5};
  assay_book_backtest_result *r = NULL;
  assay_error err = {0};
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 2, &options, &err, &r), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "event 0"));
  s.events[0].price--;
  options.tick = 20000000;
  err = (assay_error){0};
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 2, &options, &err, &r), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "between ticks"));
  options.tick = 0;
  s.events[1].decimals = 8;
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 2, &options, NULL, &r), ASSAY_ERR_INVALID);
  s.events[1].decimals = 9;
  s.events[1].time_ns = UINT64_MAX;
  options.sample_ns = 1;
  assert_int_equal(assay_book_backtest_run(&strategy, NULL, s.events, 2, &options, NULL, &r), ASSAY_ERR_LIMIT);
  assert_null(r);
}

/* One each 100 ns, whatever happened meanwhile: bought at 102 for 1,000 each, and the middle goes 101, 103, 105. */
static void test_samples(void **state) {
  (void)state;
  script s = {0};
  event(&s, 1000, ASSAY_MARKET_ADD, 1, 'B', 100, 10);
  event(&s, 1010, ASSAY_MARKET_ADD, 2, 'S', 102, 10);
  s.steps[0] = (__typeof__(s.steps[0])){.at = 1, .side = ASSAY_BUY, .price = 102, .quantity = 10};
  s.count = 1;
  event(&s, 1310, ASSAY_MARKET_ADD, 3, 'B', 104, 10);
  event(&s, 1500, ASSAY_MARKET_DELETE, 3, 0, 0, 0);
  event(&s, 1505, ASSAY_MARKET_ADD, 4, 'B', 101, 10);
  assay_book_backtest_result *r = run(&s, (assay_book_backtest_options){.sample_ns = 100, .order_ns = 50, .price_step = 1});
  /* 1000, then 1100 to 1300 at the middle of 101, 1400 and 1500 (before its event) at 103. */
  const double expected[] = {0, -10, -10, -10, 10, 10};
  assert_int_equal(r->sample_count, 6);
  for (size_t i = 0; i < 6; i++) assert_near(r->equity[i], expected[i], 1e-9);
  double mean = 10.0 / 5, square = 0;
  for (size_t i = 1; i < 6; i++) square += pow(expected[i] - expected[i - 1] - mean, 2) / 4;
  assert_near(r->sharpe_sample, mean / sqrt(square), 1e-12);
  assert_near(r->deepest, 10, 1e-12);
  assay_book_backtest_result_destroy(r);
}

/* ---- Against a queue that is written down
 * ------------------------------------------------------------------------------------------------
 */

enum { LINES = 4000 };

/* The whole market as a list in the order of arrival, ours among them: who stands where is read off it. */
typedef struct line {
  bool ours, gone;
  uint64_t id, left;
  char side;
  int64_t price;
} line;

typedef struct plain {
  line lines[LINES];
  size_t count;
  uint64_t sent; /* ours so far */
  int64_t position;
  double cash;
  size_t fills;
} plain;

static void plain_fill(plain *p, line *l, int64_t price, uint64_t *quantity) {
  uint64_t traded = l->left < *quantity ? l->left : *quantity;
  if (traded == 0) return;
  l->left -= traded;
  l->gone = l->left == 0;
  *quantity -= traded;
  p->position += l->side == 'B' ? (int64_t)traded : -(int64_t)traded;
  p->cash -= (l->side == 'B' ? 1 : -1) * (double)traded * (double)price;
  p->fills++;
}

static line *plain_find(plain *p, bool ours, uint64_t id) {
  for (size_t i = 0; i < p->count; i++)
    if (!p->lines[i].gone && p->lines[i].ours == ours && p->lines[i].id == id) return &p->lines[i];
  return NULL;
}

static uint64_t plain_ahead(plain *p, const line *mine) {
  uint64_t ahead = 0;
  for (const line *l = p->lines; l < mine; l++)
    if (!l->ours && !l->gone && l->side == mine->side && l->price == mine->price) ahead += l->left;
  return ahead;
}

static bool plain_is_better(char side, int64_t a, int64_t b) { return side == 'B' ? a > b : a < b; }

static void plain_execute(plain *p, uint64_t id, uint64_t quantity) {
  line *l = plain_find(p, false, id);
  uint64_t left = quantity;
  for (line *o = p->lines; o < p->lines + p->count; o++) {
    if (!o->ours || o->gone || o->side != l->side) continue;
    if (plain_is_better(o->side, o->price, l->price) || (o->price == l->price && o < l)) plain_fill(p, o, o->price, &left);
  }
  l->left -= quantity;
  l->gone = l->left == 0;
}

static void plain_add(plain *p, bool ours, uint64_t id, char side, int64_t price, uint64_t quantity) {
  assert_true(p->count < LINES);
  p->lines[p->count++] = (line){.ours = ours, .id = id, .left = quantity, .side = side, .price = price};
  uint64_t left = quantity;
  for (size_t i = 0; i < p->count && !ours; i++) {
    line *o = &p->lines[i];
    if (o->ours && !o->gone && o->side != side && !plain_is_better(side, o->price, price)) plain_fill(p, o, o->price, &left);
  }
}

typedef struct random_run {
  assay_random *random;
  plain *plain;
  size_t compared;
} random_run;

/* Sends what rests behind the best prices, so that taking does not come into it, and compares where it stands. */
static void random_event(assay_book_backtest *run, const assay_market_event *event, void *state) {
  (void)state;
  random_run *r = assay_book_backtest_user(run);
  plain *p = r->plain;
  for (uint64_t id = 1; id <= p->sent; id++) {
    assay_book_backtest_own own;
    line *l = plain_find(p, true, id);
    bool there = assay_book_backtest_find(run, id, &own);
    assert_true(there == (l != NULL));
    if (!there) continue;
    assert_int_equal(own.left, l->left);
    assert_int_equal(own.ahead, plain_ahead(p, l));
    r->compared++;
  }
  if (event->kind == ASSAY_MARKET_NOTHING || assay_random_below(r->random, 4) != 0) return;
  char side = assay_random_below(r->random, 2) ? 'B' : 'S';
  int32_t price = side == 'B' ? 98 + (int32_t)assay_random_below(r->random, 3) : 102 + (int32_t)assay_random_below(r->random, 3);
  uint64_t quantity = 1 + assay_random_below(r->random, 30), id = p->sent == 0 ? 0 : 1 + assay_random_below(r->random, p->sent);
  if (assay_random_below(r->random, 5) == 0 && id != 0) {
    assay_book_backtest_cancel(run, id);
    line *l = plain_find(p, true, id);
    if (l != NULL) l->gone = true;
    return;
  }
  plain_add(p, true, ++p->sent, side, price, quantity);
  assert_int_equal(assay_book_backtest_order(run, side == 'B' ? ASSAY_BUY : ASSAY_SELL, price, quantity, false), p->sent);
}

static void feed_plain(plain *p, const assay_market_event *e) {
  line *l = e->kind == ASSAY_MARKET_ADD ? NULL : plain_find(p, false, e->order_id);
  switch (e->kind) {
    case ASSAY_MARKET_ADD: plain_add(p, false, e->order_id, e->side, e->price, e->quantity); break;
    case ASSAY_MARKET_EXECUTE: plain_execute(p, e->order_id, e->quantity); break;
    case ASSAY_MARKET_CANCEL:
      l->left -= e->quantity;
      l->gone = l->left == 0;
      break;
    case ASSAY_MARKET_DELETE: l->gone = true; break;
    case ASSAY_MARKET_REPLACE:
      if (e->other_id == e->order_id && e->price == l->price && e->quantity <= l->left) {
        l->left = e->quantity;
        break;
      }
      l->gone = true;
      plain_add(p, false, e->other_id, l->side, e->price, e->quantity);
      break;
    default: break;
  }
}

static void plain_then_compare(assay_book_backtest *run, const assay_market_event *event, void *state) {
  random_run *r = assay_book_backtest_user(run);
  feed_plain(r->plain, event);
  random_event(run, event, state);
}

/* Events of a market that bids 95 to 100 and asks 102 to 107, some of which step over to the other side's orders of ours. */
static size_t make_events(assay_random *random, assay_market_event *events, size_t most) {
  plain *p = calloc(1, sizeof *p);
  size_t count = 0;
  for (uint64_t id = 1; count < most; id++) {
    assay_market_event *e = &events[count];
    *e = (assay_market_event){.time_ns = 1000 + 10 * count, .symbol = 5, .decimals = 2};
    uint64_t what = assay_random_below(random, 10), other = id > 1 ? 1 + assay_random_below(random, id - 1) : 0;
    line *l = other != 0 && what >= 5 ? plain_find(p, false, other) : NULL;
    e->order_id = l != NULL ? other : id;
    e->side = assay_random_below(random, 2) ? 'B' : 'S';
    e->price = e->side == 'B' ? 95 + (int64_t)assay_random_below(random, 7) : 101 + (int64_t)assay_random_below(random, 7);
    e->quantity = 1 + assay_random_below(random, 50);
    e->kind = ASSAY_MARKET_ADD;
    if (l != NULL) {
      e->kind = (uint8_t)(what < 7    ? ASSAY_MARKET_EXECUTE
                          : what == 7 ? ASSAY_MARKET_CANCEL
                          : what == 8 ? ASSAY_MARKET_DELETE
                                      : ASSAY_MARKET_REPLACE);
      bool takes = e->kind == ASSAY_MARKET_EXECUTE || e->kind == ASSAY_MARKET_CANCEL;
      if (takes) e->quantity = 1 + assay_random_below(random, l->left), e->price = 0;
      if (e->kind == ASSAY_MARKET_REPLACE) {
        bool same = assay_random_below(random, 2) == 0;
        e->other_id = same ? other : id;
        if (same && assay_random_below(random, 2)) e->price = l->price;
        if (plain_is_better(l->side, e->price, 101) || e->price == 101) e->price = l->price;
      }
    }
    feed_plain(p, e);
    count++;
  }
  free(p);
  return count;
}

static void test_against_a_plain_queue(void **state) {
  (void)state;
  enum { EVENTS = 700 };
  static assay_market_event events[EVENTS];
  size_t compared = 0, fills = 0;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    assay_random random;
    assay_random_init(&random, seed);
    size_t count = make_events(&random, events, EVENTS);
    random_run f = {.random = &random, .plain = calloc(1, sizeof(plain))};
    assay_book_strategy strategy = {.name = "plain", .on_event = plain_then_compare, .user = &f};
    assay_book_backtest_options options = {.symbol = 5, .price_step = 1, .keep_fills = true};
    assay_error err = {0};
    assay_book_backtest_result *r = NULL;
    assert_ok(assay_book_backtest_run(&strategy, NULL, events, count, &options, &err, &r), err);
    assert_int_equal(r->unknown, 0);
    assert_int_equal(r->fill_count, f.plain->fills);
    assert_int_equal(r->position, f.plain->position);
    assert_near(r->cash, f.plain->cash, 1e-6);
    compared += f.compared;
    fills += r->fill_count;
    assay_book_backtest_result_destroy(r);
    free(f.plain);
  }
  assert_true(compared > 10000 && fills > 500);
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

/* ---- A generated market -------------------------------------------------------------------------------------------------------------- */

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
      cmocka_unit_test(test_queue),
      cmocka_unit_test(test_latency),
      cmocka_unit_test(test_cancel_comes_too_late),
      cmocka_unit_test(test_taking),
      cmocka_unit_test(test_swept),
      cmocka_unit_test(test_deep_book),
      cmocka_unit_test(test_modify),
      cmocka_unit_test(test_clear),
      cmocka_unit_test(test_arrival_is_taken),
      cmocka_unit_test(test_hidden_trade_of_no_side),
      cmocka_unit_test(test_trade_then_cancel),
      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_partial_levels),
      cmocka_unit_test(test_scales),
      cmocka_unit_test(test_scales_that_do_not_fit),
      cmocka_unit_test(test_whole_sides),
      cmocka_unit_test(test_samples),
      cmocka_unit_test(test_against_a_plain_queue),
      cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_ages),
      cmocka_unit_test(test_market_making),
      cmocka_unit_test(test_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
