/* SPDX-License-Identifier: MIT */
/*
 * The rules one by one, as docs/book.md states them, and the traps that other engines are known to have fallen into: what a modification
 * compares with (the open quantity, not the original one), a stop that is cancelled, modified or met before it waits, a trailing stop that
 * works only once, an all-or-none order at somebody else's price, a fill-or-kill that counts what self-trade prevention will take away.
 */
#include "test.h"

#include <assay/market.h>

#include <limits.h>

#include "base/alloc.h"
#include "base/random.h"

typedef struct bench {
  assay_book *book;
  char text[4000];
} bench;

static void write_event(void *context, const assay_book_event *e) {
  bench *t = context;
  size_t at = strlen(t->text);
  char *out = t->text + at;
  size_t left = sizeof t->text - at;
  const char *gap = at == 0 ? "" : "; ";
  unsigned long long id = e->id, other = e->other, quantity = e->quantity, remaining = e->remaining;
  switch (e->kind) {
    case ASSAY_BOOK_TRADE_EVENT: snprintf(out, left, "%strade %llu %llu %llu@%d", gap, id, other, quantity, e->price); break;
    case ASSAY_BOOK_DECREMENTED_EVENT: snprintf(out, left, "%sdecremented %llu %llu %llu", gap, id, other, quantity); break;
    case ASSAY_BOOK_REJECTED_EVENT: snprintf(out, left, "%srejected: %s", gap, assay_book_reason_text(e->reason)); break;
    case ASSAY_BOOK_CANCELLED_EVENT:
      snprintf(out, left, "%scancelled %llu %llu: %s", gap, id, quantity, assay_book_reason_text(e->reason));
      break;
    case ASSAY_BOOK_REPLACED_EVENT: snprintf(out, left, "%sreplaced %llu %llu", gap, id, other); break;
    case ASSAY_BOOK_TRIGGERED_EVENT: snprintf(out, left, "%striggered %llu@%d", gap, id, e->price); break;
    case ASSAY_BOOK_REPLENISHED_EVENT: snprintf(out, left, "%sreplenished %llu %llu/%llu", gap, id, quantity, remaining); break;
    case ASSAY_BOOK_PHASE_EVENT: snprintf(out, left, "%sphase %u", gap, e->flags); break;
    case ASSAY_BOOK_AUCTION_EVENT: snprintf(out, left, "%sauction %llu@%d left %llu", gap, quantity, e->price, remaining); break;
    default: snprintf(out, left, "%s%s %llu", gap, assay_book_event_text(e->kind), id); break;
  }
}
ASSAY_BOOK_SINK(write_events, write_event)

static int set_up(void **state) {
  bench *t = calloc(1, sizeof *t);
  *state = t;
  return assay_book_create(&(assay_book_options){.accounts = 10, .sink = write_events, .context = t}, NULL, &t->book);
}
static int tear_down(void **state) {
  bench *t = *state;
  assay_error err = {0};
  assay_status status = assay_book_check(t->book, &err);
  assay_book_destroy(t->book);
  free(t);
  return status;
}

/* What the engine says to a message. */
static void say(bench *t, assay_book_message m, const char *expected) {
  t->text[0] = 0;
  assay_book_apply(t->book, &m, 1);
  assert_string_equal(t->text, expected);
}

#define BUY(i, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_NEW, .id = (i), .quantity = (q), .price = (p), .side = ASSAY_BUY, .account = 1, ##__VA_ARGS__})
#define SELL(i, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_NEW, .id = (i), .quantity = (q), .price = (p), .side = ASSAY_SELL, .account = 2, ##__VA_ARGS__})
#define MODIFY(i, a, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_MODIFY, .id = (i), .account = (a), .quantity = (q), .price = (p), ##__VA_ARGS__})
#define REPLACE(i, a, n, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_REPLACE, .id = (i), .account = (a), .new_id = (n), .quantity = (q), .price = (p), ##__VA_ARGS__})
#define CANCEL(i, a) ((assay_book_message){.kind = ASSAY_BOOK_CANCEL, .id = (i), .account = (a)})

static assay_book_message by(uint32_t account, assay_book_message m) {
  m.account = account;
  return m;
}

static void test_price_then_time(void **state) {
  bench *t = *state;
  say(t, SELL(1, 5, 101), "accepted 1");
  say(t, SELL(2, 5, 100), "accepted 2");
  say(t, SELL(3, 5, 100), "accepted 3");
  say(t, BUY(4, 12, 101), "accepted 4; trade 4 2 5@100; trade 4 3 5@100; trade 4 1 2@101");
  assay_mbo_level level;
  assert_true(assay_book_best(t->book, 0, ASSAY_SELL, &level));
  assert_int_equal(level.price, 101);
  assert_int_equal(level.quantity, 3);
  assert_false(assay_book_best(t->book, 0, ASSAY_BUY, &level));
}

static void test_times_in_force(void **state) {
  bench *t = *state;
  say(t, SELL(1, 5, 100), "accepted 1");
  say(t, BUY(2, 8, 100, .tif = ASSAY_BOOK_FOK), "accepted 2; cancelled 2 8: fill or kill, and not enough there");
  say(t, BUY(3, 8, 100, .tif = ASSAY_BOOK_IOC), "accepted 3; trade 3 1 5@100; cancelled 3 3: immediate or cancel");
  say(t, BUY(4, 8, 0, .type = ASSAY_BOOK_MARKET), "accepted 4; cancelled 4 8: market order, and nothing left to trade with");
  say(t, BUY(5, 8, 90, .tif = ASSAY_BOOK_GTD, .expire = 50, .time = 10), "accepted 5");
  say(t, BUY(6, 8, 90, .tif = ASSAY_BOOK_GTD, .expire = 10), "rejected: expired already"); /* time does not go back */
  say(t, SELL(7, 8, 90, .time = 50), "expired 5; accepted 7");
  say(t, BUY(8, 1, 90, .type = ASSAY_BOOK_POST_ONLY), "rejected: post-only, and would trade");
  say(t, BUY(8, 1, 89, .type = ASSAY_BOOK_POST_ONLY), "accepted 8");
  say(t, BUY(9, 1, 89, .type = ASSAY_BOOK_POST_ONLY, .tif = ASSAY_BOOK_IOC), "rejected: fields that do not go together");
}

/* Quantity down keeps the place; up, or another price, loses it. What counts is what is open. */
static void test_modify(void **state) {
  bench *t = *state;
  say(t, BUY(1, 10, 100), "accepted 1");
  say(t, BUY(2, 10, 100), "accepted 2");
  say(t, SELL(3, 4, 100), "accepted 3; trade 3 1 4@100");
  say(t, MODIFY(1, 1, 5, 100), "modified 1");
  say(t, SELL(4, 2, 100), "accepted 4; trade 4 1 2@100");
  say(t, MODIFY(1, 1, 9, 100), "modified 1"); /* below the original 10, above the open 3 */
  say(t, SELL(5, 12, 100), "accepted 5; trade 5 2 10@100; trade 5 1 2@100");
  say(t, SELL(6, 10, 105), "accepted 6");
  say(t, MODIFY(1, 1, 8, 105), "modified 1; trade 1 6 8@105");
  say(t, MODIFY(1, 1, 8, 105), "rejected: no such order");
  say(t, MODIFY(6, 1, 1, 105), "rejected: another account's order");
  say(t, MODIFY(6, 2, 0, 105), "rejected: quantity out of range");
}

static void test_replace(void **state) {
  bench *t = *state;
  say(t, BUY(1, 10, 100), "accepted 1");
  say(t, BUY(2, 10, 100), "accepted 2");
  say(t, REPLACE(1, 1, 2, 5, 100), "rejected: id in use");
  say(t, REPLACE(1, 1, 3, 5, 100), "replaced 1 3");
  say(t, SELL(4, 12, 100), "accepted 4; trade 4 2 10@100; trade 4 3 2@100");
  say(t, CANCEL(1, 1), "rejected: no such order");
  say(t, CANCEL(3, 1), "cancelled 3 3: asked for");
  say(t, BUY(1, 1, 100), "accepted 1"); /* free again */
}

static void test_stops(void **state) {
  bench *t = *state;
  say(t, SELL(1, 5, 100), "accepted 1");
  say(t, BUY(2, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 105), "accepted 2");
  say(t, CANCEL(2, 1), "cancelled 2 1: asked for"); /* while it waits */
  say(t, BUY(3, 2, 0, .type = ASSAY_BOOK_STOP, .trigger = 101), "accepted 3");
  say(t, BUY(4, 2, 103, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 101), "accepted 4");
  say(t, SELL(5, 10, 103), "accepted 5");
  say(t, BUY(6, 5, 100), "accepted 6; trade 6 1 5@100");
  say(t, BUY(7, 1, 103), "accepted 7; trade 7 5 1@103; triggered 3@101; triggered 4@101; trade 3 5 2@103; trade 4 5 2@103");
  /* Met before it waits: it runs at once. */
  say(t, BUY(8, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 102), "accepted 8; triggered 8@102; trade 8 5 1@103");
  /* A new trigger that is met. */
  say(t, BUY(9, 1, 104, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 110), "accepted 9");
  say(t, MODIFY(9, 1, 2, 104, .trigger = 103), "modified 9; triggered 9@103; trade 9 5 2@103");
  /* A stop that the trades of another stop meet, in one message. */
  say(t, BUY(10, 3, 99), "accepted 10");
  say(t, BUY(11, 3, 90), "accepted 11");
  say(t, SELL(12, 4, 0, .type = ASSAY_BOOK_STOP, .trigger = 99), "accepted 12");
  say(t, SELL(13, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 95), "accepted 13");
  say(t, SELL(14, 1, 99),
      "accepted 14; trade 14 10 1@99; triggered 12@99; trade 12 10 2@99; trade 12 11 2@90; triggered 13@95; trade 13 11 1@90");
}

/* The same again and again: the reference of a trailing stop is the trades since it came, not those of an earlier one. */
static void test_trailing_stops(void **state) {
  bench *t = *state;
  say(t, SELL(1, 1, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 5), "rejected: no trade yet to trail");
  for (uint64_t round = 0; round < 3; round++) {
    uint64_t id = 100 * round;
    assay_book_message sell = SELL(id + 1, 1, 100), buy = BUY(id + 2, 1, 100);
    assay_book_apply(t->book, &sell, 1);
    assay_book_apply(t->book, &buy, 1);
    assay_book_message stop = SELL(id + 3, 1, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 5), up = SELL(id + 4, 1, 110),
                       take = BUY(id + 5, 1, 110);
    assay_book_message bid = BUY(id + 6, 2, 105), low = SELL(id + 7, 1, 105);
    assay_book_apply(t->book, &stop, 1);
    assay_book_order order;
    assert_true(assay_book_find(t->book, id + 3, &order));
    assert_int_equal(order.price, 95);
    assay_book_apply(t->book, &up, 1);
    assay_book_apply(t->book, &take, 1);
    assert_true(assay_book_find(t->book, id + 3, &order));
    assert_int_equal(order.price, 105);
    assay_book_apply(t->book, &bid, 1);
    t->text[0] = 0;
    assay_book_apply(t->book, &low, 1);
    char expected[200];
    snprintf(expected, sizeof expected, "accepted %llu; trade %llu %llu 1@105; triggered %llu@105; trade %llu %llu 1@105",
             (unsigned long long)id + 7, (unsigned long long)id + 7, (unsigned long long)id + 6, (unsigned long long)id + 3,
             (unsigned long long)id + 3, (unsigned long long)id + 6);
    assert_string_equal(t->text, expected);
    assert_int_equal(assay_book_orders(t->book), 0);
  }
}

/* Everybody at the price of the order that was there, never at an all-or-none order's own limit. */
static void test_all_or_none(void **state) {
  bench *t = *state;
  say(t, SELL(1, 100, 5, .tif = ASSAY_BOOK_AON), "accepted 1");
  say(t, BUY(2, 50, 99999999), "accepted 2");
  say(t, BUY(3, 25, 5), "accepted 3");
  say(t, BUY(4, 25, 5), "accepted 4; trade 1 2 50@99999999; trade 1 3 25@5; trade 1 4 25@5");
  assert_int_equal(assay_book_orders(t->book), 0);
  /* Passed over by what cannot fill it, and behind the ordinary orders of its price. */
  say(t, BUY(5, 10, 20, .tif = ASSAY_BOOK_AON), "accepted 5");
  say(t, BUY(6, 4, 20), "accepted 6");
  say(t, SELL(7, 6, 20), "accepted 7; trade 7 6 4@20");
  say(t, SELL(8, 8, 20), "accepted 8; trade 5 7 2@20; trade 5 8 8@20");
  /* Not displayed. */
  say(t, BUY(9, 10, 20, .tif = ASSAY_BOOK_AON), "accepted 9");
  assay_mbo_level level;
  assert_false(assay_book_best(t->book, 0, ASSAY_BUY, &level));
  /* An incoming one whose counterparties are all or none, too. */
  say(t, SELL(10, 30, 19, .tif = ASSAY_BOOK_AON), "accepted 10");
  say(t, BUY(11, 20, 19, .tif = ASSAY_BOOK_AON), "accepted 11; trade 10 9 10@20; trade 10 11 20@19");
  assert_int_equal(assay_book_orders(t->book), 0);
}

static void test_iceberg(void **state) {
  bench *t = *state;
  say(t, SELL(1, 10, 100, .type = ASSAY_BOOK_ICEBERG, .display = 4), "accepted 1");
  say(t, SELL(2, 5, 100), "accepted 2");
  assay_mbo_level level;
  assert_true(assay_book_best(t->book, 0, ASSAY_SELL, &level));
  assert_int_equal(level.quantity, 9);
  say(t, BUY(3, 6, 100), "accepted 3; trade 3 1 4@100; replenished 1 4/6; trade 3 2 2@100");
  say(t, MODIFY(1, 2, 5, 100), "modified 1"); /* from what is hidden first */
  say(t, BUY(4, 8, 100, .tif = ASSAY_BOOK_FOK), "accepted 4; trade 4 2 3@100; trade 4 1 4@100; replenished 1 1/1; trade 4 1 1@100");
  say(t, SELL(5, 5000, 100, .type = ASSAY_BOOK_ICEBERG, .display = 0), "rejected: display size out of range");
  say(t, SELL(5, 100000000, 100, .type = ASSAY_BOOK_ICEBERG, .display = 1), "rejected: display size out of range");
}

static void test_self_trade(void **state) {
  bench *t = *state;
  say(t, by(1, SELL(1, 5, 100)), "accepted 1");
  say(t, BUY(2, 7, 100, .self_trade = ASSAY_BOOK_CANCEL_NEWEST), "accepted 2; cancelled 2 7: would trade with the same account");
  say(t, BUY(3, 7, 100, .self_trade = ASSAY_BOOK_DECREMENT), "accepted 3; decremented 3 1 5");
  say(t, CANCEL(3, 1), "cancelled 3 2: asked for");
  say(t, by(1, SELL(4, 5, 100)), "accepted 4");
  say(t, SELL(5, 5, 100), "accepted 5");
  say(t, BUY(6, 7, 100, .self_trade = ASSAY_BOOK_CANCEL_OLDEST, .tif = ASSAY_BOOK_FOK),
      "accepted 6; cancelled 6 7: fill or kill, and not enough there");
  say(t, BUY(7, 5, 100, .self_trade = ASSAY_BOOK_CANCEL_OLDEST, .tif = ASSAY_BOOK_FOK),
      "accepted 7; cancelled 4 5: would trade with the same account; trade 7 5 5@100");
  say(t, by(1, SELL(8, 5, 100)), "accepted 8");
  say(t, BUY(9, 7, 100, .self_trade = ASSAY_BOOK_CANCEL_BOTH),
      "accepted 9; cancelled 8 5: would trade with the same account; cancelled 9 7: would trade with the same account");
  say(t, by(1, SELL(10, 5, 100)), "accepted 10");
  say(t, BUY(11, 5, 100), "accepted 11; trade 11 10 5@100");
}

#define PHASE(p) ((assay_book_message){.kind = ASSAY_BOOK_PHASE, .type = (p)})
#define UNCROSS(p, r) ((assay_book_message){.kind = ASSAY_BOOK_UNCROSS, .type = (p), .price = (r)})

/* An order "at any price" is no price. */
static void test_market_orders_in_an_auction(void **state) {
  bench *t = *state;
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, BUY(1, 10, 0, .type = ASSAY_BOOK_MARKET), "accepted 1");
  say(t, SELL(2, 5, 100), "accepted 2");
  say(t, SELL(3, 2, 0, .type = ASSAY_BOOK_MARKET), "accepted 3");
  say(t, UNCROSS(ASSAY_BOOK_HALTED, 90),
      "auction 7@100 left 3; trade 1 3 2@100; trade 1 2 5@100; cancelled 1 3: market order, and nothing left to trade with; phase 2");
}

/* Nor where it would leave less over than any limit. */
static void test_market_orders_that_match_each_other(void **state) {
  bench *t = *state;
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, BUY(1, 2, 0, .type = ASSAY_BOOK_MARKET), "accepted 1");
  say(t, SELL(2, 2, 0, .type = ASSAY_BOOK_MARKET), "accepted 2");
  say(t, SELL(3, 2, 24), "accepted 3");
  say(t, SELL(4, 4, 29), "accepted 4");
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 31), "auction 2@24 left 2; trade 1 2 2@24; phase 0");
}

/* They come first also where somebody names the end of the range as his limit, and came earlier. */
static void test_market_orders_at_the_end_of_the_range(void **state) {
  bench *t = *state;
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, BUY(1, 4, INT32_MAX), "accepted 1");
  say(t, BUY(2, 5, 0, .type = ASSAY_BOOK_MARKET), "accepted 2");
  say(t, BUY(3, 1, INT32_MAX), "accepted 3");
  say(t, BUY(4, 6, 0, .type = ASSAY_BOOK_MARKET), "accepted 4");
  say(t, SELL(5, 13, 100), "accepted 5");
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 100), "auction 13@100 left 3; trade 2 5 5@100; trade 4 5 6@100; trade 1 5 2@100; phase 0");
  say(t, SELL(6, 3, 100), "accepted 6; trade 6 1 2@2147483647; trade 6 3 1@2147483647");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, SELL(7, 2, INT32_MIN), "accepted 7");
  say(t, SELL(8, 2, 0, .type = ASSAY_BOOK_MARKET), "accepted 8");
  say(t, BUY(9, 3, 100), "accepted 9");
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 100), "auction 3@100 left 1; trade 9 8 2@100; trade 9 7 1@100; phase 0");
}

static void test_books_that_wrap_around(void **state) {
  bench *t = *state;
  say(t, BUY(1, 5, 100), "accepted 1");
  say(t, ((assay_book_message){.kind = ASSAY_BOOK_CANCEL, .id = 1, .account = 1, .book = 0x20000000}), "rejected: no such order");
  say(t, CANCEL(1, 1), "cancelled 1 5: asked for");
}

static void test_auction(void **state) {
  bench *t = *state;
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 50), "auction 0@50 left 0; phase 0");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, BUY(1, 100, 105), "accepted 1");
  say(t, SELL(2, 100, 95), "accepted 2");
  say(t, BUY(9, 1, 105, .tif = ASSAY_BOOK_IOC), "rejected: not in this phase");
  say(t, PHASE(ASSAY_BOOK_CONTINUOUS), "rejected: not in this phase");
  /* Nobody is left at any price between: the nearest to the reference. */
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 101), "auction 100@101 left 0; trade 1 2 100@101; phase 0");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, BUY(3, 100, 105), "accepted 3");
  say(t, BUY(4, 50, 103), "accepted 4");
  say(t, SELL(5, 120, 95), "accepted 5");
  say(t, SELL(6, 5, 0, .type = ASSAY_BOOK_MARKET), "accepted 6");
  /* 125 trade at 95 to 103, and 25 buyers are left at all of these: the highest. Market orders come first. */
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 90), "auction 125@103 left 25; trade 3 6 5@103; trade 3 5 95@103; trade 4 5 25@103; phase 0");
  say(t, PHASE(ASSAY_BOOK_HALTED), "phase 2");
  say(t, BUY(7, 1, 1), "rejected: not in this phase");
  say(t, CANCEL(4, 1), "cancelled 4 25: asked for");
}

/* A triggered stop-limit ends at the collar as well, however far beyond its limit lies; what is left rests there. */
static void test_collar_of_triggered_stops(void **state) {
  bench *t = *state;
  assay_book_limits limits = {.collar = 5};
  say(t, assay_book_limits_message(0, 1, &limits), "limits 0");
  say(t, SELL(1, 1, 100), "accepted 1");
  say(t, by(3, BUY(2, 1, 100)), "accepted 2; trade 2 1 1@100");
  say(t, by(1, SELL(3, 9, INT32_MAX, .type = ASSAY_BOOK_TRAILING_STOP_LIMIT, .trigger = 1)), "accepted 3");
  say(t, by(3, BUY(4, 1, 99)), "accepted 4");
  say(t, by(3, BUY(5, 5, 94)), "accepted 5");
  say(t, by(3, BUY(6, 5, 10)), "accepted 6");
  say(t, SELL(7, 1, 99), "accepted 7; trade 7 4 1@99; triggered 3@99; trade 3 5 5@94");
  assay_book_order order;
  assert_true(assay_book_find(t->book, 3, &order));
  assert_int_equal(order.price, 94);
  assert_int_equal(order.quantity, 4);
  /* Of a buyer, and of a plain stop-limit whose account got a collar while it waited. */
  say(t, by(3, CANCEL(6, 3)), "cancelled 6 5: asked for");
  say(t, by(4, BUY(8, 3, 1000, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 96)), "accepted 8");
  say(t, assay_book_limits_message(0, 4, &limits), "limits 0");
  say(t, SELL(9, 1, 97), "accepted 9");
  say(t, SELL(10, 1, 102), "accepted 10");
  say(t, SELL(11, 1, 103), "accepted 11");
  say(t, by(3, BUY(12, 5, 97)), "accepted 12; trade 12 3 4@94; trade 12 9 1@97; triggered 8@96; trade 8 10 1@102");
  assert_true(assay_book_find(t->book, 8, &order));
  assert_int_equal(order.price, 102);
}

/* An all-or-none order that can be filled is, also when an auction ended in a halt before. */
static void test_all_or_none_after_a_halt(void **state) {
  bench *t = *state;
  say(t, BUY(1, 10, 100, .tif = ASSAY_BOOK_AON), "accepted 1");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, SELL(2, 10, 100), "accepted 2");
  say(t, UNCROSS(ASSAY_BOOK_HALTED, 100), "auction 0@100 left 0; phase 2");
  say(t, PHASE(ASSAY_BOOK_CONTINUOUS), "phase 0; trade 1 2 10@100");
  assert_int_equal(assay_book_orders(t->book), 0);
  /* And the trade is one that stops hear of. */
  say(t, BUY(3, 10, 105, .tif = ASSAY_BOOK_AON), "accepted 3");
  say(t, BUY(4, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 105), "accepted 4");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, SELL(5, 11, 105), "accepted 5");
  say(t, UNCROSS(ASSAY_BOOK_CLOSED, 100), "auction 0@100 left 0; phase 3");
  say(t, PHASE(ASSAY_BOOK_HALTED), "phase 2");
  say(t, PHASE(ASSAY_BOOK_CONTINUOUS), "phase 0; trade 3 5 10@105; triggered 4@105; trade 4 5 1@105");
  /* What it lacked before the auction came in there. */
  say(t, BUY(6, 10, 100, .tif = ASSAY_BOOK_AON), "accepted 6");
  say(t, SELL(7, 5, 100), "accepted 7");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, SELL(8, 5, 100), "accepted 8");
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 100), "auction 0@100 left 0; phase 0; trade 6 7 5@100; trade 6 8 5@100");
}

/* They are looked at whenever something comes to rest, so there are only so many; stops that will be one count. */
static void test_most_all_or_none(void **state) {
  (void)state;
  assay_error err = {0};
  bench t = {0};
  assert_ok(assay_book_create(&(assay_book_options){.most_aon = 3, .sink = write_events, .context = &t}, &err, &t.book), err);
  say(&t, BUY(1, 10, 100, .tif = ASSAY_BOOK_AON), "accepted 1");
  say(&t, BUY(2, 10, 99, .tif = ASSAY_BOOK_AON), "accepted 2");
  say(&t, SELL(3, 10, 120, .tif = ASSAY_BOOK_AON, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 90), "accepted 3");
  say(&t, SELL(4, 1, 110, .tif = ASSAY_BOOK_AON), "rejected: no room for more orders");
  say(&t, REPLACE(2, 1, 5, 11, 98), "replaced 2 5");
  say(&t, SELL(6, 10, 100), "accepted 6; trade 6 1 10@100");
  say(&t, SELL(7, 1, 110, .tif = ASSAY_BOOK_AON), "accepted 7");
  say(&t, SELL(8, 1, 110, .tif = ASSAY_BOOK_AON), "rejected: no room for more orders");
  say(&t, CANCEL(5, 1), "cancelled 5 11: asked for");
  say(&t, BUY(9, 1, 110), "accepted 9; trade 9 7 1@110");
  say(&t, SELL(10, 1, 110, .tif = ASSAY_BOOK_AON), "accepted 10");
  assert_ok(assay_book_check(t.book, &err), err);
  assay_book_destroy(t.book);
}

/* Of an account in one book or in all, by book, then id; it counts as an order does, the kill switch does not. */
static void test_mass_cancel(void **state) {
  (void)state;
  assay_error err = {0};
  for (unsigned accounts = 0; accounts <= 3; accounts += 3) {
    bench t = {0};
    assay_book_options options = {.books = 3, .accounts = accounts, .sink = write_events, .context = &t};
    assert_ok(assay_book_create(&options, &err, &t.book), err);
    say(&t, BUY(30, 1, 100, .book = 2), "accepted 30");
    say(&t, BUY(20, 2, 101, .tif = ASSAY_BOOK_AON), "accepted 20");
    say(&t, BUY(40, 3, 99), "accepted 40");
    say(&t, SELL(10, 4, 120), "accepted 10");
    say(&t, BUY(5, 5, 0, .type = ASSAY_BOOK_STOP, .trigger = 130), "accepted 5");
    say(&t, BUY(35, 6, 90, .book = 1), "accepted 35");
    say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 1},
        "cancelled 5 5: asked for; cancelled 20 2: asked for; cancelled 40 3: asked for");
    say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 1, .book = ASSAY_BOOK_ALL},
        "cancelled 35 6: asked for; cancelled 30 1: asked for");
    say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 1, .book = 3}, "rejected: no such book");
    say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 3}, accounts == 0 ? "" : "rejected: no such account");
    if (accounts != 0) {
      say(&t, assay_book_limits_message(0, 2, &(assay_book_limits){.rate = 3}), "limits 0"); /* one came in already */
      say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 2, .book = 1}, "");
      say(&t, SELL(11, 1, 121), "accepted 11");
      say(&t, (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 2}, "rejected: too many orders this second");
      say(&t, (assay_book_message){.kind = ASSAY_BOOK_KILL, .account = 2, .type = 1},
          "kill 0; cancelled 10 4: account killed; cancelled 11 1: account killed");
    }
    assert_ok(assay_book_check(t.book, &err), err);
    assay_book_destroy(t.book);
  }
}

/* Own orders are found whichever way is shorter, also while others of the account are between stop and book. */
static void test_fill_or_kill_among_own(void **state) {
  (void)state;
  assay_error err = {0};
  enum { BOOK = 9999, LEVELS = 40 };
  for (unsigned policy = ASSAY_BOOK_CANCEL_NEWEST; policy < ASSAY_BOOK_SELF_TRADES; policy++) {
    bench t = {0};
    assay_book_options options = {.books = BOOK + 1, .accounts = 4, .expected_orders = 4, .sink = write_events, .context = &t};
    assert_ok(assay_book_create(&options, &err, &t.book), err);
    for (uint64_t i = 0; i < LEVELS; i++) {
      assay_book_message m = SELL(100 + i, 10, 200 + (int32_t)i, .book = BOOK);
      assay_book_apply(t.book, &m, 1);
    }
    say(&t, SELL(1, 1, 150, .book = BOOK), "accepted 1");
    say(&t, by(3, BUY(2, 1, 150, .book = BOOK)), "accepted 2; trade 2 1 1@150");
    say(&t, by(1, SELL(3, 10, 230, .book = BOOK)), "accepted 3"); /* behind another's at that price */
    /* 310 of others stand up to 230, and 10 own ones. */
    bool oldest = policy == ASSAY_BOOK_CANCEL_OLDEST;
    say(&t, BUY(4, 311, 230, .book = BOOK, .tif = ASSAY_BOOK_FOK, .self_trade = policy),
        "accepted 4; cancelled 4 311: fill or kill, and not enough there");
    t.text[0] = 0;
    assay_book_message m = BUY(5, 310, 230, .book = BOOK, .tif = ASSAY_BOOK_FOK, .self_trade = policy);
    assay_book_apply(t.book, &m, 1);
    assert_null(strstr(t.text, "cancelled"));
    assert_true(assay_book_find(t.book, 3, &(assay_book_order){0}));
    /* 90 more up to 239; with the own ones between. */
    t.text[0] = 0;
    m = BUY(6, 90, 239, .book = BOOK, .tif = ASSAY_BOOK_FOK, .self_trade = policy);
    assay_book_apply(t.book, &m, 1);
    assert_true((strstr(t.text, "not enough") == NULL) == oldest);
    assert_ok(assay_book_check(t.book, &err), err);
    /* A fill-or-kill stop asks while a stop of the same account on the other side was triggered by the same order. */
    assay_book_message begin[] = {{.kind = ASSAY_BOOK_MASS_CANCEL, .book = BOOK, .account = 1},
                                  {.kind = ASSAY_BOOK_MASS_CANCEL, .book = BOOK, .account = 2},
                                  SELL(20, 1, 150, .book = BOOK),
                                  by(3, BUY(21, 1, 150, .book = BOOK)),
                                  by(3, BUY(22, 1, 160, .book = BOOK)),
                                  by(3, BUY(23, 1, 140, .book = BOOK)),
                                  by(1, SELL(24, 1, 500, .book = BOOK)),
                                  BUY(25, 50, 0, .book = BOOK, .type = ASSAY_BOOK_STOP, .tif = ASSAY_BOOK_FOK, .trigger = 155),
                                  by(1, SELL(26, 1, 0, .book = BOOK, .type = ASSAY_BOOK_STOP, .trigger = 145))};
    begin[7].self_trade = (uint8_t)policy;
    assay_book_apply(t.book, begin, sizeof begin / sizeof *begin);
    for (uint64_t i = 0; i < 6; i++) {
      m = SELL(30 + i, 10, 170 + (int32_t)i, .book = BOOK);
      assay_book_apply(t.book, &m, 1);
    }
    t.text[0] = 0;
    m = by(3, SELL(40, 2, 140, .book = BOOK));
    assay_book_apply(t.book, &m, 1);
    assert_non_null(strstr(t.text, "trade 40 22 1@160; trade 40 23 1@140; triggered 25@155; triggered 26@145; trade 25 30 10@170"));
    assert_ok(assay_book_check(t.book, &err), err);
    assay_book_destroy(t.book);
  }
}

/* What an iceberg hides comes behind the own order, where self-trade prevention ends the matching: in full, or not at all. */
static void test_in_full_beside_own_orders(void **state) {
  (void)state;
  assay_error err = {0};
  static const uint8_t tifs[] = {ASSAY_BOOK_FOK, ASSAY_BOOK_AON};
  for (unsigned policy = ASSAY_BOOK_CANCEL_NEWEST; policy < ASSAY_BOOK_SELF_TRADES; policy++)
    for (size_t i = 0; i < 2; i++) {
      bool fok = tifs[i] == ASSAY_BOOK_FOK, oldest = policy == ASSAY_BOOK_CANCEL_OLDEST;
      bench t = {0};
      assert_ok(assay_book_create(&(assay_book_options){.sink = write_events, .context = &t}, &err, &t.book), err);
      say(&t, SELL(2, 46, 104, .type = ASSAY_BOOK_ICEBERG, .display = 17), "accepted 2");
      say(&t, by(1, SELL(3, 10, 104)), "accepted 3");
      say(&t, BUY(1, 40, 104, .tif = tifs[i], .self_trade = (uint8_t)policy),
          oldest
              ? "accepted 1; trade 1 2 17@104; replenished 2 17/29; cancelled 3 10: would trade with the same account; trade 1 2 17@104; "
                "replenished 2 12/12; trade 1 2 6@104"
          : fok ? "accepted 1; cancelled 1 40: fill or kill, and not enough there"
                : "accepted 1");
      if (!oldest && !fok) { /* nor when something else comes; where enough stands before the own order, it is filled */
        say(&t, SELL(4, 1, 104), "accepted 4");
        say(&t, SELL(5, 23, 103), "accepted 5; trade 1 5 23@103; trade 1 2 17@104; replenished 2 17/29");
      }
      assert_ok(assay_book_check(t.book, &err), err);
      assay_book_destroy(t.book);
    }
}

/* ---- A fill-or-kill that reaches far --------------------------------------------------------------------------------------------------
 */

enum { FAR_LEVELS = 3000 };

typedef struct far_side {
  assay_book *book;
  unsigned side; /* that rests */
  int32_t price[FAR_LEVELS];
  uint64_t quantity[FAR_LEVELS], next_id;
  uint64_t traded, not_filled;
} far_side;

static void count_far(void *context, const assay_book_event *e) {
  far_side *f = context;
  if (e->kind == ASSAY_BOOK_TRADE_EVENT) f->traded += e->quantity;
  f->not_filled += e->kind == ASSAY_BOOK_CANCELLED_EVENT && e->reason == ASSAY_BOOK_NOT_FILLED;
}
ASSAY_BOOK_SINK(count_far_events, count_far)

static assay_book_message far_order(far_side *f, uint64_t quantity, int32_t price, unsigned side) {
  return (assay_book_message){.kind = ASSAY_BOOK_NEW, .id = f->next_id++, .quantity = quantity, .price = price, .side = (uint8_t)side};
}

/* At one price two orders, or one that hides a part. */
static void rest_far(far_side *f, size_t at) {
  const bool hides = at % 5 == 0;
  const uint64_t first = hides ? f->quantity[at] : f->quantity[at] / 2;
  assay_book_message m = far_order(f, first, f->price[at], f->side);
  if (hides) m.type = ASSAY_BOOK_ICEBERG, m.display = 1 + first / 3;
  assay_book_apply(f->book, &m, 1);
  if (hides) return;
  m.id = f->next_id++;
  m.quantity = f->quantity[at] - first;
  assay_book_apply(f->book, &m, 1);
}

static uint64_t trade_far(far_side *f, uint64_t quantity, int32_t limit) {
  assay_book_message m = far_order(f, quantity, limit, f->side ^ 1);
  m.tif = ASSAY_BOOK_FOK;
  f->traded = f->not_filled = 0;
  assay_book_apply(f->book, &m, 1);
  assert_int_equal(f->not_filled, f->traded == 0);
  return f->traded;
}

/* Of any number of prices, near each other or far apart, an order takes what stands there to the last unit, and not one unit more. */
static void far_reach(far_side *f, uint32_t spread, assay_random *random) {
  int32_t price = 1 - INT32_MAX / 2;
  assert_int_equal(assay_book_create(&(assay_book_options){.sink = count_far_events, .context = f}, NULL, &f->book), ASSAY_OK);
  f->next_id = 1;
  for (size_t i = 0; i < FAR_LEVELS; i++) {
    price += 1 + (int32_t)assay_random_below(random, spread);
    f->price[i] = f->side == ASSAY_SELL ? price : -price;
    f->quantity[i] = 2 + assay_random_below(random, 90);
  }
  for (size_t i = 0; i < FAR_LEVELS; i++) rest_far(f, i * 1999 % FAR_LEVELS);
  for (int trial = 0; trial < 12; trial++) {
    const size_t reach = trial == 0 ? FAR_LEVELS : 1 + (size_t)assay_random_below(random, trial < 6 ? 20 : FAR_LEVELS);
    uint64_t sum = 0;
    for (size_t i = 0; i < reach; i++) sum += f->quantity[i];
    assert_int_equal(trade_far(f, sum + 1, f->price[reach - 1]), 0);
    assert_int_equal(trade_far(f, sum, f->price[reach - 1]), sum);
    for (size_t i = 0; i < reach; i++) rest_far(f, i);
  }
  assay_book_destroy(f->book);
}

static void test_fill_or_kill_that_reaches_far(void **state) {
  (void)state;
  static far_side f;
  assay_random random;
  assay_random_init(&random, 5);
  static const uint32_t spreads[] = {1, 3, 40, 3000, 100000, 700000};
  for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++)
    for (f.side = 0; f.side < 2; f.side++) far_reach(&f, spreads[i], &random);
}

/* Hidden quantity has no bound at a level; its sum in an auction does not wrap. */
static void test_much_hidden_in_an_auction(void **state) {
  (void)state;
  enum { ICEBERGS = (1 << 16) + 2 };
  assay_error err = {0};
  bench t = {0};
  assert_ok(assay_book_create(NULL, &err, &t.book), err);
  assay_book_message m = PHASE(ASSAY_BOOK_AUCTION);
  assay_book_apply(t.book, &m, 1);
  for (uint64_t i = 1; i <= ICEBERGS; i++) {
    m = SELL(i, ASSAY_BOOK_MOST_QUANTITY, 100, .type = ASSAY_BOOK_ICEBERG, .display = UINT64_C(1) << 36);
    assay_book_apply(t.book, &m, 1);
  }
  m = BUY(ICEBERGS + 1, ASSAY_BOOK_MOST_QUANTITY, 100);
  assay_book_apply(t.book, &m, 1);
  assay_book_set_sink(t.book, write_events, &t);
  char expected[200];
  snprintf(expected, sizeof expected, "auction %llu@100 left %llu; trade %d 1 %llu@100; phase 0",
           (unsigned long long)ASSAY_BOOK_MOST_QUANTITY, ULLONG_MAX, ICEBERGS + 1, (unsigned long long)ASSAY_BOOK_MOST_QUANTITY);
  say(&t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 100), expected);
  assay_book_destroy(t.book);
}

/* One that lost its place is the last of those that the next extreme moves, too. */
static void test_place_of_changed_trailing_stops(void **state) {
  bench *t = *state;
  for (uint64_t round = 0; round < 2; round++) {
    bool replace = round == 0;
    uint64_t id = 100 * round;
    assay_book_message begin[] = {SELL(id + 1, 1, 100),
                                  BUY(id + 2, 1, 100),
                                  SELL(id + 3, 1, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 5),
                                  SELL(id + 4, 1, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 5),
                                  replace ? REPLACE(id + 3, 2, id + 9, 1, 0) : MODIFY(id + 3, 2, 2, 0),
                                  SELL(id + 5, 1, 110),
                                  BUY(id + 6, 1, 110),
                                  BUY(id + 7, 4, 105)};
    assay_book_apply(t->book, begin, sizeof begin / sizeof *begin);
    char expected[300];
    unsigned long long changed = replace ? id + 9 : id + 3;
    snprintf(expected, sizeof expected,
             "accepted %llu; trade %llu %llu 1@105; triggered %llu@105; triggered %llu@105; trade %llu %llu 1@105; trade %llu %llu "
             "%d@105",
             (unsigned long long)id + 8, (unsigned long long)id + 8, (unsigned long long)id + 7, (unsigned long long)id + 4, changed,
             (unsigned long long)id + 4, (unsigned long long)id + 7, changed, (unsigned long long)id + 7, replace ? 1 : 2);
    say(t, SELL(id + 8, 1, 105), expected);
    if (replace) say(t, CANCEL(id + 7, 1), "cancelled 7 1: asked for");
    assert_int_equal(assay_book_orders(t->book), 0);
  }
}

static int32_t price_of(const bench *t, uint64_t id) {
  assay_book_order order = {0};
  assert_true(assay_book_find(t->book, id, &order));
  return order.price;
}

/* The trigger stays behind the same trade, the best since it came in, as far as is said now. */
static void test_distance_of_trailing_stops(void **state) {
  bench *t = *state;
  const assay_book_message begin[] = {SELL(1, 1, 100),
                                      BUY(2, 1, 100),
                                      SELL(9, 24, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 4),
                                      BUY(8, 5, 1, .type = ASSAY_BOOK_TRAILING_STOP_LIMIT, .trigger = 9),
                                      SELL(3, 1, 102),
                                      BUY(4, 1, 102)};
  assay_book_apply(t->book, begin, sizeof begin / sizeof *begin);
  assert_int_equal(price_of(t, 9), 98);
  assert_int_equal(price_of(t, 8), 109);
  say(t, MODIFY(9, 2, 23, 0, .trigger = 3), "modified 9");
  assert_int_equal(price_of(t, 9), 99);
  say(t, MODIFY(8, 1, 5, 1, .trigger = 20), "modified 8");
  assert_int_equal(price_of(t, 8), 120);
  say(t, REPLACE(8, 1, 18, 5, 1, .trigger = 6), "replaced 8 18");
  assert_int_equal(price_of(t, 18), 106);
  say(t, MODIFY(9, 2, 24, 0), "modified 9"); /* no distance: as it was */
  assert_int_equal(price_of(t, 9), 99);
  say(t, MODIFY(9, 2, 20, 0, .trigger = -1), "rejected: fields that do not go together");
  say(t, SELL(5, 1, 108), "accepted 5");
  /* It goes on at the new distance, and one that the last trade has met already runs at once. */
  say(t, BUY(6, 1, 108), "accepted 6; trade 6 5 1@108; triggered 18@106");
  assert_int_equal(price_of(t, 9), 105);
  say(t, BUY(7, 1, 106), "accepted 7");
  say(t, SELL(10, 1, 106), "accepted 10; trade 10 18 1@107");
  say(t, MODIFY(9, 2, 1, 0, .trigger = 1), "modified 9; triggered 9@107; trade 9 18 1@107");
}

/* Another limit is another price, also while it waits; less of the same is not. */
static void test_place_of_changed_stops(void **state) {
  bench *t = *state;
  for (uint64_t round = 0; round < 3; round++) {
    uint64_t id = 100 * round;
    const assay_book_message begin[] = {BUY(id + 1, 5, 110, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 105),
                                        BUY(id + 2, 5, 110, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 105),
                                        BUY(id + 3, 5, 0, .type = ASSAY_BOOK_STOP, .trigger = 105),
                                        MODIFY(id + 1, 1, 5, round == 0 ? 109 : 110, .trigger = 105),
                                        MODIFY(id + 2, 1, 5, round == 1 ? 111 : 110, .trigger = 105),
                                        MODIFY(id + 3, 1, 4, 77, .trigger = 105), /* it has no limit */
                                        SELL(id + 4, 1, 105)};
    assay_book_apply(t->book, begin, sizeof begin / sizeof *begin);
    char expected[200];
    unsigned long long first = id + (round == 0 ? 2 : 1), second = id + (round == 2 ? 2 : 3),
                       third = id + (round == 0   ? 1
                                     : round == 1 ? 2
                                                  : 3);
    snprintf(expected, sizeof expected, "accepted %llu; trade %llu %llu 1@105; triggered %llu@105; triggered %llu@105; triggered %llu@105",
             (unsigned long long)id + 5, (unsigned long long)id + 5, (unsigned long long)id + 4, first, second, third);
    t->text[0] = 0;
    const assay_book_message go = BUY(id + 5, 1, 105);
    assay_book_apply(t->book, &go, 1);
    t->text[strlen(expected)] = 0;
    assert_string_equal(t->text, expected);
    const assay_book_message end[] = {{.kind = ASSAY_BOOK_MASS_CANCEL, .account = 1}, SELL(id + 6, 1, 90), BUY(id + 7, 1, 90)};
    assay_book_apply(t->book, end, sizeof end / sizeof *end);
  }
}

/* What docs/book.md says of the order of events, in its own examples. */
static void test_order_of_events(void **state) {
  bench *t = *state;
  say(t, BUY(1, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 100), "accepted 1");
  say(t, SELL(2, 1, 100), "accepted 2");
  say(t, BUY(3, 3, 0, .type = ASSAY_BOOK_MARKET),
      "accepted 3; trade 3 2 1@100; triggered 1@100; cancelled 3 2: market order, and nothing left to trade with; cancelled 1 1: market "
      "order, and nothing left to trade with");
  /* Those that the first trade meets come before those that only the last one does. */
  say(t, SELL(4, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 99), "accepted 4");
  say(t, BUY(5, 1, 0, .type = ASSAY_BOOK_STOP, .trigger = 110), "accepted 5");
  say(t, SELL(6, 1, 99), "accepted 6");
  say(t, SELL(7, 1, 110), "accepted 7");
  say(t, BUY(8, 2, 110),
      "accepted 8; trade 8 6 1@99; trade 8 7 1@110; triggered 4@99; triggered 5@110; cancelled 4 1: market order, and nothing left to "
      "trade "
      "with; cancelled 5 1: market order, and nothing left to trade with");
}

static void keep_last(void *context, const assay_book_event *events, size_t count) { *(assay_book_event *)context = events[count - 1]; }

/* A message that is rejected is answered as it came. */
static void test_rejected_as_it_came(void **state) {
  bench *t = *state;
  assay_book_event event = {0};
  assay_book_set_sink(t->book, keep_last, &event);
  static const uint8_t sides[] = {0, 1, 2, 255};
  for (size_t i = 0; i < sizeof sides; i++) {
    assay_book_message m = by(7, BUY(UINT64_MAX, 0, INT32_MIN));
    m.side = sides[i];
    assay_book_apply(t->book, &m, 1);
    assert_int_equal(event.kind, ASSAY_BOOK_REJECTED_EVENT);
    assert_int_equal(event.side, sides[i]);
    assert_true(event.id == m.id && event.price == m.price && event.account == m.account && event.quantity == 0);
  }
}

static void test_risk(void **state) {
  bench *t = *state;
  assay_book_limits limits = {.quantity = 100, .notional = 5000, .position = 150, .rate = 2, .collar = 10};
  say(t, assay_book_limits_message(0, 1, &limits), "limits 0");
  say(t, BUY(1, 101, 10), "rejected: above the account's quantity");
  say(t, BUY(1, 100, 51), "rejected: above the account's notional");
  say(t, BUY(1, 100, 50), "accepted 1");
  say(t, BUY(2, 51, 50), "rejected: above the account's position");
  say(t, SELL(3, 100, 50), "accepted 3; trade 3 1 100@50");
  say(t, BUY(2, 10, 61), "rejected: outside the price collar");
  int64_t position = 0;
  assert_true(assay_book_position(t->book, 0, 1, &position));
  assert_int_equal(position, 100);
  say(t, BUY(2, 50, 60), "accepted 2");
  say(t, by(1, SELL(4, 1, 65)), "rejected: outside the price collar");
  say(t, by(1, SELL(4, 1, 59)), "rejected: too many orders this second"); /* two came in; what was rejected does not count */
  say(t, BUY(4, 1, 50, .time = 1000000000), "rejected: above the account's position");
  say(t, (assay_book_message){.kind = ASSAY_BOOK_KILL, .account = 1, .type = 1}, "kill 0; cancelled 2 50: account killed");
  say(t, BUY(5, 1, 50), "rejected: account killed");
  say(t, (assay_book_message){.kind = ASSAY_BOOK_KILL, .account = 1}, "kill 0");
  say(t, SELL(6, 5, 59), "accepted 6");
  say(t, SELL(7, 5, 61), "accepted 7");
  say(t, BUY(8, 10, 0, .type = ASSAY_BOOK_MARKET), "accepted 8; trade 8 6 5@59; cancelled 8 5: outside the price collar");
  say(t, by(10, BUY(9, 1, 50)), "rejected: no such account");
}

/* Who is beyond his limits may always go back: a change that adds nothing is asked for the rate only. */
static void test_risk_lets_orders_shrink(void **state) {
  bench *t = *state;
  say(t, BUY(1, 100, 50), "accepted 1");
  say(t, BUY(2, 60, 40, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 90), "accepted 2");
  say(t, by(3, BUY(3, 1, 80)), "accepted 3");
  say(t, SELL(4, 1, 80), "accepted 4; trade 4 3 1@80");
  assay_book_limits limits = {.quantity = 10, .notional = 100, .position = 20, .collar = 5, .rate = 100};
  say(t, assay_book_limits_message(0, 1, &limits), "limits 0");
  say(t, MODIFY(1, 1, 99, 50), "modified 1");
  say(t, REPLACE(1, 1, 5, 98, 50), "replaced 1 5");
  say(t, MODIFY(5, 1, 99, 50), "rejected: above the account's quantity");
  say(t, MODIFY(5, 1, 97, 51), "rejected: above the account's quantity");
  say(t, MODIFY(2, 1, 59, 40, .trigger = 90), "modified 2");
  say(t, MODIFY(2, 1, 58, 41, .trigger = 90), "rejected: above the account's quantity");
  say(t, MODIFY(2, 1, 58, 40, .trigger = 91), "rejected: above the account's quantity");
  limits.rate = 2;
  say(t, assay_book_limits_message(1000000000, 1, &limits), "limits 0");
  say(t, MODIFY(5, 1, 90, 50), "modified 5");
  say(t, MODIFY(5, 1, 80, 50), "modified 5");
  say(t, MODIFY(5, 1, 70, 50), "rejected: too many orders this second");
}

/* Orders without a limit gather at no price: depth does not show one, and no notional is reckoned with one. */
static void test_market_orders_show_no_price(void **state) {
  bench *t = *state;
  assay_mbo_level levels[4];
  say(t, BUY(1, 1, 100), "accepted 1");
  say(t, SELL(2, 1, 100), "accepted 2; trade 2 1 1@100");
  say(t, assay_book_limits_message(0, 1, &(assay_book_limits){.notional = 1000}), "limits 0");
  say(t, PHASE(ASSAY_BOOK_AUCTION), "phase 1");
  say(t, SELL(3, 7, 0, .type = ASSAY_BOOK_MARKET), "accepted 3");
  assert_false(assay_book_best(t->book, 0, ASSAY_SELL, &levels[0]));
  say(t, BUY(4, 10, 0, .type = ASSAY_BOOK_MARKET), "accepted 4"); /* at the last trade: nobody named a price */
  say(t, BUY(5, 11, 0, .type = ASSAY_BOOK_MARKET), "rejected: above the account's notional");
  say(t, SELL(6, 7, 300), "accepted 6");
  say(t, BUY(7, 4, 0, .type = ASSAY_BOOK_MARKET), "rejected: above the account's notional"); /* at the best limit */
  say(t, BUY(7, 3, 0, .type = ASSAY_BOOK_MARKET), "accepted 7");
  say(t, BUY(8, 2, 90), "accepted 8");
  assert_int_equal(assay_book_depth(t->book, 0, ASSAY_SELL, levels, 4), 1);
  assert_int_equal(levels[0].price, 300);
  assert_int_equal(assay_book_depth(t->book, 0, ASSAY_BUY, levels, 4), 1);
  assert_int_equal(levels[0].price, 90);
  /* A limit at the end of the range is one. */
  say(t, by(5, BUY(9, 2, INT32_MAX)), "accepted 9");
  assert_int_equal(assay_book_depth(t->book, 0, ASSAY_BUY, levels, 4), 2);
  assert_int_equal(levels[0].price, INT32_MAX);
  assert_int_equal(levels[0].quantity, 2);
  assert_int_equal(levels[0].orders, 1);
  say(t, UNCROSS(ASSAY_BOOK_CONTINUOUS, 100),
      "auction 14@300 left 1; trade 4 3 7@300; trade 4 6 3@300; trade 7 6 3@300; trade 9 6 1@300; phase 0");
}

/* Nothing wraps: not a level, not a position. */
static void test_overflow(void **state) {
  (void)state;
  assay_error err = {0};
  assay_book *book = NULL;
  assert_ok(assay_book_create(&(assay_book_options){.accounts = 2}, &err, &book), err);
  bench t = {.book = book};
  assay_book_set_sink(book, write_events, &t);
  uint64_t most = ASSAY_BOOK_MOST_QUANTITY, count = (UINT64_C(1) << 62) / most;
  for (uint64_t i = 1; i <= count; i++) {
    assay_book_message m = BUY(i, most, 7);
    t.text[0] = 0;
    assay_book_apply(book, &m, 1);
  }
  assert_int_equal(assay_book_orders(book), count);
  t.text[0] = 0;
  assay_book_message m = BUY(count + 1, most, 7);
  assay_book_apply(book, &m, 1);
  assert_non_null(strstr(t.text, "the price level would overflow"));
  m = BUY(count + 2, most + 1, 7);
  say(&t, m, "rejected: quantity out of range");
  /* The account's open quantity may not pass 2^63 - 1 either. */
  for (uint64_t i = 0; i <= count; i++) {
    m = BUY(2 * count + i, most, 6);
    t.text[0] = 0;
    assay_book_apply(book, &m, 1);
  }
  assert_string_equal(t.text, "rejected: above the account's position");
  assert_ok(assay_book_check(book, &err), err);
  assay_book_destroy(book);
}

/* Where prices lie does not decide how much memory a book takes: neighbours, all over the range, or pairs of neighbours all over the range,
 * which takes the most nodes that there can be. */
static void test_memory_of_sparse_prices(void **state) {
  (void)state;
  enum { ORDERS = 100000 };
  uint64_t before = assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, bytes[3];
  for (unsigned kind = 0; kind < 3; kind++) {
    assay_error err = {0};
    assay_mbo *mbo = NULL;
    assert_ok(assay_mbo_create(NULL, &err, &mbo), err);
    for (uint32_t i = 0; i < ORDERS; i++) {
      uint32_t price = kind == 0 ? i : kind == 1 ? i * 42949u : (i / 2) * 85899u + i % 2;
      assert_int_equal(assay_mbo_add(mbo, 0, i, ASSAY_SELL, (int32_t)(price ^ 0x80000000u), 1), ASSAY_OK);
    }
    bytes[kind] = assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes - before;
    assert_ok(assay_mbo_check(mbo, &err), err);
    assay_mbo_destroy(mbo);
  }
  assert_true(bytes[0] < 20u * 1024 * 1024);
  assert_true(bytes[1] < 25u * 1024 * 1024);
  assert_true(bytes[2] < 120u * 1024 * 1024);
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, before);
  print_message("bytes an order: neighbours %.0f, apart %.0f, pairs %.0f\n", (double)bytes[0] / ORDERS, (double)bytes[1] / ORDERS,
                (double)bytes[2] / ORDERS);
}

static void test_bad_options(void **state) {
  (void)state;
  assay_book *book = NULL;
  assert_int_equal(assay_book_create(&(assay_book_options){.books = UINT32_MAX}, NULL, &book), ASSAY_ERR_INVALID);
  assert_int_equal(assay_book_create(&(assay_book_options){.most_orders = UINT32_MAX}, NULL, &book), ASSAY_ERR_INVALID);
  assert_null(book);
  assay_book_destroy(NULL);
  assert_string_equal(assay_book_event_text(999), "unknown");
  assert_string_equal(assay_book_reason_text(999), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define RULE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      RULE(test_price_then_time),
      RULE(test_times_in_force),
      RULE(test_modify),
      RULE(test_replace),
      RULE(test_stops),
      RULE(test_trailing_stops),
      RULE(test_all_or_none),
      RULE(test_iceberg),
      RULE(test_self_trade),
      RULE(test_auction),
      RULE(test_market_orders_in_an_auction),
      RULE(test_market_orders_that_match_each_other),
      RULE(test_market_orders_at_the_end_of_the_range),
      RULE(test_books_that_wrap_around),
      RULE(test_collar_of_triggered_stops),
      RULE(test_all_or_none_after_a_halt),
      RULE(test_place_of_changed_trailing_stops),
      RULE(test_distance_of_trailing_stops),
      RULE(test_place_of_changed_stops),
      RULE(test_order_of_events),
      RULE(test_rejected_as_it_came),
      cmocka_unit_test(test_most_all_or_none),
      cmocka_unit_test(test_mass_cancel),
      cmocka_unit_test(test_fill_or_kill_among_own),
      cmocka_unit_test(test_fill_or_kill_that_reaches_far),
      cmocka_unit_test(test_in_full_beside_own_orders),
      cmocka_unit_test(test_much_hidden_in_an_auction),
      RULE(test_risk),
      RULE(test_risk_lets_orders_shrink),
      RULE(test_market_orders_show_no_price),
      cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_memory_of_sparse_prices),
      cmocka_unit_test(test_bad_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
