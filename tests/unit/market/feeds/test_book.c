/* SPDX-License-Identifier: MIT */
/*
 * Books from feeds. The same made market comes as ITCH, as DBN and as Binance's depth: three readers and three ways to keep a book have to
 * come to the same one, which is also that of a slow list of orders.
 */
#include <assay/feed_book.h>
#include <assay/feed_dbn.h>
#include <assay/feed_itch.h>

#include "base/alloc.h"
#include "base/random.h"
#include "test.h"

enum { SYMBOLS = 3, MESSAGES = 6000, DEPTH = 500 };

typedef struct stream {
  uint8_t *bytes;
  size_t size;
} stream;

static stream make(assay_feed_format format, uint64_t seed) {
  assay_error err = {0};
  stream made = {0};
  assay_feed_market market = {.format = format, .seed = seed, .messages = MESSAGES, .symbols = SYMBOLS, .orders = 60, .start_ns = 1};
  assert_ok(assay_feed_generate(&market, &err, &made.bytes, &made.size), err);
  return made;
}

static assay_feed_book *open_book(void) {
  assay_error err = {0};
  assay_feed_book *book = NULL;
  assert_ok(assay_feed_book_create(&(assay_feed_book_options){.symbols = SYMBOLS + 1}, &err, &book), err);
  return book;
}

/* ---- A slow book: every order in a list ---------------------------------------------------------------------------------------------- */

typedef struct slow_order {
  uint64_t id, quantity;
  int64_t price;
  uint32_t symbol;
  char side;
} slow_order;

static slow_order slow[20000];
static size_t slow_count;

static slow_order *slow_find(uint64_t id) {
  for (size_t i = 0; i < slow_count; i++)
    if (slow[i].id == id && slow[i].quantity > 0) return &slow[i];
  fail_msg("no order %llu", (unsigned long long)id);
  return NULL;
}

static void slow_apply(const assay_market_event *e) {
  slow_order *o;
  switch (e->kind) {
    case ASSAY_MARKET_ADD: slow[slow_count++] = (slow_order){e->order_id, e->quantity, e->price, e->symbol, e->side}; break;
    case ASSAY_MARKET_EXECUTE:
    case ASSAY_MARKET_CANCEL:
      o = slow_find(e->order_id);
      assert_true(o->quantity >= e->quantity);
      o->quantity -= e->quantity;
      break;
    case ASSAY_MARKET_DELETE: slow_find(e->order_id)->quantity = 0; break;
    case ASSAY_MARKET_REPLACE:
      o = slow_find(e->order_id);
      slow[slow_count++] = (slow_order){e->other_id, e->quantity, e->price, o->symbol, o->side};
      o->quantity = 0;
      break;
    default: break;
  }
}

/* The index-th best level of a side. */
static bool slow_level(uint32_t symbol, char side, const assay_feed_level *before, assay_feed_level *level) {
  *level = (assay_feed_level){0};
  for (size_t i = 0; i < slow_count; i++) {
    const slow_order *o = &slow[i];
    if (o->quantity == 0 || o->symbol != symbol || o->side != side) continue;
    if (before != NULL && (side == 'B' ? o->price >= before->price : o->price <= before->price)) continue;
    if (level->orders == 0 || (side == 'B' ? o->price > level->price : o->price < level->price))
      *level = (assay_feed_level){.price = o->price};
    if (o->price != level->price) continue;
    level->quantity += o->quantity;
    level->orders++;
  }
  return level->orders > 0;
}

static void compare_with_slow(const assay_feed_book *book) {
  static assay_feed_level found[DEPTH];
  for (uint32_t symbol = 1; symbol <= SYMBOLS; symbol++)
    for (int side = 0; side < 2; side++) {
      size_t count = assay_feed_book_depth(book, symbol, "BS"[side], found, DEPTH);
      assay_feed_level level;
      for (size_t i = 0; i < count; i++) {
        assert_true(slow_level(symbol, "BS"[side], i > 0 ? &found[i - 1] : NULL, &level));
        assert_int_equal(found[i].price, level.price);
        assert_int_equal(found[i].quantity, level.quantity);
        assert_int_equal(found[i].orders, level.orders);
      }
      assert_false(slow_level(symbol, "BS"[side], count > 0 ? &found[count - 1] : NULL, &level) && count < DEPTH);
    }
}

static assay_feed_book *itch_book(const stream *made, bool slowly) {
  assay_feed_book *book = open_book();
  assay_feed_reader reader;
  assay_market_event events[100];
  size_t count, round = 0;
  slow_count = 0;
  assay_feed_open(&reader, made->bytes, made->size);
  while ((count = assay_itch_events(&reader, events, 100)) > 0) {
    assert_int_equal(assay_feed_book_apply(book, events, count), 0);
    if (!slowly) continue;
    for (size_t i = 0; i < count; i++) slow_apply(&events[i]);
    if (round++ % 7 == 0) compare_with_slow(book);
  }
  assert_null(reader.fault.problem);
  return book;
}

static void test_itch_beside_a_slow_book(void **state) {
  (void)state;
  stream made = make(ASSAY_FEED_ITCH, 1);
  assay_feed_book *book = itch_book(&made, true);
  compare_with_slow(book);
  for (uint32_t i = 0; i <= SYMBOLS; i++) assert_false(assay_feed_book_is_stale(book, i));
  assay_feed_book_destroy(book);
  assay_feed_generated_free(made.bytes);
}

/* All levels of both books; `scale` is how many steps of b one of a is. */
static void same_books(const assay_feed_book *a, const assay_feed_book *b, int64_t scale, uint64_t quantity_scale) {
  static assay_feed_level left[DEPTH], right[DEPTH];
  for (uint32_t symbol = 1; symbol <= SYMBOLS; symbol++)
    for (int side = 0; side < 2; side++) {
      size_t count = assay_feed_book_depth(a, symbol, "BS"[side], left, DEPTH);
      assert_true(count > 0);
      assert_int_equal(assay_feed_book_depth(b, symbol, "BS"[side], right, DEPTH), count);
      for (size_t i = 0; i < count; i++) {
        assert_int_equal(left[i].price * scale, right[i].price);
        assert_int_equal(left[i].quantity * quantity_scale, right[i].quantity);
      }
    }
}

static void test_three_formats_one_book(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    stream itch = make(ASSAY_FEED_ITCH, seed), dbn = make(ASSAY_FEED_DBN, seed), json = make(ASSAY_FEED_JSON, seed);
    assay_feed_book *a = itch_book(&itch, false), *b = open_book(), *c = open_book();
    assay_dbn_reader reader;
    assay_dbn_record record;
    assay_market_event event;
    assay_dbn_open(&reader, dbn.bytes, dbn.size);
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE)
      if (assay_dbn_event(&reader, &record, &event)) assert_int_equal(assay_feed_book_apply(b, &event, 1), 0);
    assert_null(reader.in.fault.problem);
    same_books(a, b, 100000, 1);
    assay_binance_level levels[16];
    assay_binance_reader text;
    assay_binance_message m;
    assay_binance_open(&text, json.bytes, json.size, 8, 8, levels, 16);
    while (assay_binance_next(&text, &m) == ASSAY_FEED_MESSAGE) {
      uint32_t symbol = (uint32_t)(m.symbol.at[6] - '0');
      if (m.kind == ASSAY_BINANCE_DEPTH) assert_int_equal(assay_feed_book_update(c, symbol, &m), ASSAY_FEED_CHAIN_APPLIED);
      if (m.kind == ASSAY_BINANCE_SNAPSHOT) assert_int_equal(assay_feed_book_snapshot(c, symbol, &m), ASSAY_FEED_CHAIN_APPLIED);
    }
    assert_null(text.in.fault.problem);
    same_books(a, c, 10000, 100000000);
    assay_feed_book_destroy(a);
    assay_feed_book_destroy(b);
    assay_feed_book_destroy(c);
    assay_feed_generated_free(itch.bytes);
    assay_feed_generated_free(dbn.bytes);
    assay_feed_generated_free(json.bytes);
  }
}

static void test_what_cannot_be(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  const assay_market_event add = {
      .kind = ASSAY_MARKET_ADD, .symbol = 1, .order_id = 5, .side = 'B', .price = 10001, .quantity = 10, .decimals = 4};
  assay_market_event bad[] = {add, add, add, add, add, add, add};
  bad[1].quantity = 11; /* the id is in use */
  bad[2].kind = ASSAY_MARKET_DELETE, bad[2].order_id = 6, bad[2].symbol = 3;
  bad[3].kind = ASSAY_MARKET_EXECUTE, bad[3].quantity = 11;
  bad[4].symbol = 77;
  bad[5].order_id = 7, bad[5].side = 'x';
  bad[6].order_id = 8, bad[6].price = INT64_C(1) << 40;
  assert_int_equal(assay_feed_book_apply(book, bad, 7), 6);
  assay_feed_book_counts counts = assay_feed_book_get_counts(book);
  assert_int_equal(counts.applied, 1);
  assert_int_equal(counts.impossible, 3);
  assert_int_equal(counts.refused, 3);
  assert_true(assay_feed_book_is_stale(book, 1) && !assay_feed_book_is_stale(book, 2) && assay_feed_book_is_stale(book, 3));
  assert_true(assay_feed_book_is_stale(book, 77));
  assay_market_event clear = {.kind = ASSAY_MARKET_CLEAR, .symbol = 1};
  assert_int_equal(assay_feed_book_apply(book, &clear, 1), 0);
  assert_false(assay_feed_book_is_stale(book, 1));
  assert_int_equal(assay_feed_book_orders(book), 0);
  assay_feed_book_lost(book);
  assert_true(assay_feed_book_is_stale(book, 0));
  assay_feed_book_destroy(book);
}

/* Venues that count their orders alike, and jump at times: each symbol's orders are its own. */
static void test_the_same_ids_everywhere(void **state) {
  (void)state;
  enum { IDS = 4000 };
  static uint64_t ids[IDS], left[SYMBOLS + 1][IDS];
  assay_feed_book *book = open_book();
  assay_error err = {0};
  assay_random random;
  assay_random_init(&random, 11);
  memset(left, 0, sizeof left);
  uint64_t id = 0, live = 0;
  for (int i = 0; i < IDS; i++) {
    uint64_t far = assay_random_below(&random, 300);
    id += far == 0 ? 1000000 : far == 1 ? UINT64_C(1) << 40 : 1 + assay_random_below(&random, 3);
    ids[i] = i % 500 == 499 ? (uint64_t)i : id; /* some are late */
    for (int k = 0; k < 12; k++) {
      uint32_t symbol = 1 + (uint32_t)assay_random_below(&random, SYMBOLS);
      int which = i - (int)assay_random_below(&random, i < 600 ? (uint64_t)i + 1 : 600);
      uint64_t *rests = &left[symbol][which];
      assay_market_event event = {.kind = ASSAY_MARKET_ADD, .symbol = symbol, .order_id = ids[which], .side = 'B', .decimals = 4};
      event.price = 1000000 + 100 * which;
      event.quantity = 7;
      if (*rests > 0 && k % 3 != 0)
        event.kind = k % 3 == 1 ? ASSAY_MARKET_DELETE : ASSAY_MARKET_CANCEL, event.quantity = 1 + (uint64_t)k % 7;
      bool there = *rests > 0,
           fits = event.kind == ASSAY_MARKET_ADD ? !there : event.kind == ASSAY_MARKET_DELETE || event.quantity <= *rests;
      assert_int_equal(assay_feed_book_apply(book, &event, 1), !fits);
      if (!fits) continue;
      *rests = event.kind == ASSAY_MARKET_ADD ? 7 : event.kind == ASSAY_MARKET_DELETE ? 0 : *rests - event.quantity;
      live += (*rests > 0) - (uint64_t)there;
    }
    if (i % 400 == 0) assert_ok(assay_feed_book_check(book, &err), err);
  }
  assert_int_equal(assay_feed_book_orders(book), live);
  for (uint32_t symbol = 1; symbol <= SYMBOLS; symbol++)
    for (int i = 0; i < IDS; i++) {
      assay_feed_order order = {0};
      assert_int_equal(assay_feed_book_find(book, symbol, ids[i], &order), left[symbol][i] > 0);
      assert_int_equal(order.quantity, left[symbol][i]);
    }
  assert_ok(assay_feed_book_check(book, &err), err);
  assay_feed_book_destroy(book);
}

/* Hundredths of a cent: whole cents, fractions below a dollar, and once a fraction above it; a share that costs more than 2^31 of them; and
 * prices around nothing. */
static int64_t some_price(assay_random *random, uint32_t symbol, int round) {
  int64_t at = (int64_t)assay_random_below(random, 300);
  if (assay_random_below(random, 10) == 0) return 1 + at * 33;
  if (symbol == 1) return 500000 + at * 100 + (round > 1500 && at == 7 ? 50 : 0);
  if (symbol == 2) return INT64_C(7000000000) + at * 100;
  return (at - 150) * 100 + (round > 1000) * 25;
}

static void test_cents_and_their_parts(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  assay_error err = {0};
  assay_random random;
  assay_random_init(&random, 10);
  slow_count = 0;
  for (int round = 0; round < 3000; round++) {
    uint32_t symbol = 1 + (uint32_t)assay_random_below(&random, SYMBOLS);
    assay_market_event event = {.kind = ASSAY_MARKET_ADD,
                                .symbol = symbol,
                                .order_id = (uint64_t)round + 1,
                                .side = "BS"[assay_random_below(&random, 2)],
                                .quantity = 1 + assay_random_below(&random, 50),
                                .price = some_price(&random, symbol, round),
                                .decimals = 4};
    slow_order *old = slow_count > 0 ? &slow[assay_random_below(&random, slow_count)] : NULL;
    if (old != NULL && old->quantity > 0 && assay_random_below(&random, 2) == 0) {
      event.kind = assay_random_below(&random, 2) == 0 ? ASSAY_MARKET_DELETE : ASSAY_MARKET_REPLACE;
      event.other_id = event.order_id;
      event.order_id = old->id;
      event.symbol = old->symbol;
      event.price = some_price(&random, old->symbol, round);
    }
    assert_int_equal(assay_feed_book_apply(book, &event, 1), 0);
    slow_apply(&event);
    if (round % 200 == 0) compare_with_slow(book);
  }
  compare_with_slow(book);
  assert_ok(assay_feed_book_check(book, &err), err);
  for (uint32_t i = 1; i <= SYMBOLS; i++) assert_false(assay_feed_book_is_stale(book, i));
  assay_feed_book_destroy(book);
}

/* The ids of another symbol are other ids; the same one twice is not. Memory goes with what is used. */
static void test_many_symbols(void **state) {
  (void)state;
  assay_error err = {0};
  assay_feed_book *book = NULL;
  uint64_t before = assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes;
  assert_ok(assay_feed_book_create(NULL, &err, &book), err);
  assert_true(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes - before < 10000000);
  assay_market_event add = {.kind = ASSAY_MARKET_ADD, .order_id = 5, .side = 'B', .price = 100, .quantity = 10, .decimals = 4};
  for (uint32_t symbol = 0; symbol < 600; symbol++) {
    add.symbol = symbol * 3;
    add.quantity = symbol + 1;
    assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  }
  assert_true(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes - before < 20000000);
  assert_ok(assay_feed_book_check(book, &err), err);
  for (uint32_t symbol = 0; symbol < 600; symbol++) {
    assay_feed_order order;
    assert_true(assay_feed_book_find(book, symbol * 3, 5, &order));
    assert_int_equal(order.quantity, symbol + 1);
    assert_int_equal(order.symbol, symbol * 3);
    assert_false(assay_feed_book_find(book, symbol * 3 + 1, 5, &order));
  }
  assay_feed_book_destroy(book);
}

/* A new tick, finer than the ones before, wherever it comes; and what no tick of 32 bits has room for. */
static void test_ticks(void **state) {
  (void)state;
  enum { COUNT = 300 };
  assay_feed_book *book = open_book();
  assay_error err = {0};
  int64_t sorted[COUNT];
  size_t live = 0;
  assay_market_event add = {.kind = ASSAY_MARKET_ADD, .symbol = 1, .side = 'S', .quantity = 10, .decimals = 9};
  for (int i = 0; i < COUNT; i++) { /* steps of 1, then 1/2, 1/4 ... of 0.64 */
    add.order_id = (uint64_t)i + 1;
    add.price = (100 + 7 * i % 61) * INT64_C(640000000) >> (i / 30);
    assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
    size_t at = 0;
    while (at < live && sorted[at] < add.price) at++;
    if (at < live && sorted[at] == add.price) continue;
    memmove(sorted + at + 1, sorted + at, (live - at) * sizeof *sorted);
    sorted[at] = add.price;
    live++;
  }
  assay_feed_level levels[COUNT + 8];
  assert_int_equal(assay_feed_book_depth(book, 1, 'S', levels, COUNT + 8), live);
  for (size_t i = 0; i < live; i++) assert_int_equal(levels[i].price, sorted[i]);
  assert_ok(assay_feed_book_check(book, &err), err);
  assert_false(assay_feed_book_is_stale(book, 1));
  /* Far behind all others: it rests, is in no depth, and comes back to life. */
  add.order_id = 1000;
  add.price = INT64_C(9000000000000000001);
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  assert_int_equal(assay_feed_book_depth(book, 1, 'S', levels, COUNT + 8), live);
  assert_int_equal(assay_feed_book_orders(book), COUNT + 1);
  add.kind = ASSAY_MARKET_REPLACE;
  add.other_id = 1001;
  add.price = 1250000;
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  assert_int_equal(assay_feed_book_depth(book, 1, 'S', levels, COUNT + 8), live + 1);
  assert_int_equal(levels[0].price, 1250000);
  /* A price so fine that the others would have no place: refused, and said. */
  add.kind = ASSAY_MARKET_ADD;
  add.order_id = 1002;
  add.price = 1;
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0); /* the best one has still */
  add.symbol = 2;
  add.price = 187500000000;
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  add.order_id = 1003;
  add.price = 1;
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 1);
  assert_true(assay_feed_book_is_stale(book, 2));
  assert_int_equal(assay_feed_book_depth(book, 2, 'S', levels, COUNT + 8), 1);
  assay_feed_book_destroy(book);
}

/* BRK.A: 400,000 dollars in 1/10,000 are more than 31 bits. Its stubs at a cent and at 1/10,000 fit beside them; the symbols beside it stay
 * as they are. */
static void test_large_prices(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  assay_error err = {0};
  assay_feed_level levels[8];
  const int64_t bids[] = {2000100, 100, INT64_C(4000000000), INT64_C(4000000100), 1},
                shown[] = {INT64_C(4000000100), INT64_C(4000000000), 2000100, 100, 1};
  assay_market_event add = {
      .kind = ASSAY_MARKET_ADD, .symbol = 2, .side = 'B', .quantity = 10, .decimals = 4, .order_id = 1, .price = 12345};
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  add.symbol = 1;
  for (uint64_t i = 0; i < 5; i++) {
    add.order_id = i;
    add.price = bids[i];
    assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  }
  add.side = 'S';
  add.order_id = 9;
  add.price = UINT32_MAX / 100 * INT64_C(100);
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  assert_int_equal(assay_feed_book_depth(book, 1, 'B', levels, 8), 5);
  for (size_t i = 0; i < 5; i++) assert_int_equal(levels[i].price, shown[i]);
  assert_int_equal(assay_feed_book_depth(book, 1, 'S', levels, 8), 1);
  assert_int_equal(levels[0].price, add.price);
  add = (assay_market_event){.kind = ASSAY_MARKET_DELETE, .symbol = 1, .order_id = 4};
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  assert_int_equal(assay_feed_book_depth(book, 2, 'B', levels, 8), 1);
  assert_int_equal(levels[0].price, 12345);
  add = (assay_market_event){
      .kind = ASSAY_MARKET_ADD, .symbol = 2, .side = 'B', .quantity = 10, .decimals = 4, .order_id = 2, .price = 12346};
  assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
  assert_false(assay_feed_book_is_stale(book, 1) || assay_feed_book_is_stale(book, 2));
  assert_ok(assay_feed_book_check(book, &err), err);
  assay_feed_book_destroy(book);
}

/* Levels come in any order without being moved each time, and no more of them than there may be. */
static void test_levels_are_bounded(void **state) {
  (void)state;
  enum { COUNT = 100000 };
  assay_error err = {0};
  assay_feed_book *book = NULL;
  assert_ok(assay_feed_book_create(&(assay_feed_book_options){.symbols = 2, .most_levels = COUNT}, &err, &book), err);
  assay_market_event quote = {.kind = ASSAY_MARKET_QUOTE, .symbol = 1, .side = 'S', .decimals = 8, .quantity = 1};
  for (int64_t i = 0; i < COUNT; i++) { /* the worst first: each belongs before all others */
    quote.price = 1000000 * (2 * COUNT - i);
    assert_int_equal(assay_feed_book_apply(book, &quote, 1), 0);
  }
  quote.price = 1000000;
  assert_int_equal(assay_feed_book_apply(book, &quote, 1), 1);
  assert_int_equal(assay_feed_book_get_counts(book).refused, 1);
  quote.price = INT64_C(1000000) * (COUNT + 1);
  quote.quantity = 7; /* one that is there may change */
  assert_int_equal(assay_feed_book_apply(book, &quote, 1), 0);
  quote.quantity = 0;
  assert_int_equal(assay_feed_book_apply(book, &quote, 1), 0);
  quote.price = 1000000;
  quote.quantity = 3;
  assert_int_equal(assay_feed_book_apply(book, &quote, 1), 0);
  assay_feed_level best;
  assert_int_equal(assay_feed_book_depth(book, 1, 'S', &best, 1), 1);
  assert_int_equal(best.price, 1000000);
  assert_int_equal(assay_feed_book_create(&(assay_feed_book_options){.most_levels = UINT32_MAX}, NULL, &book), ASSAY_ERR_INVALID);
  assay_feed_book_destroy(book);
}

/* After a gap that is not filled: everything is stale, and a snapshot of all or a new day begins again. */
static void test_restart(void **state) {
  (void)state;
  const assay_market_event add = {
      .kind = ASSAY_MARKET_ADD, .symbol = 1, .order_id = 5, .side = 'B', .price = 100, .quantity = 10, .decimals = 4};
  const assay_market_event day = {.kind = ASSAY_MARKET_STATUS, .order_id = 'O', .flags = ASSAY_MARKET_ALL_SYMBOLS};
  for (int how = 0; how < 2; how++) {
    assay_feed_book *book = open_book();
    assert_int_equal(assay_feed_book_apply(book, &add, 1), 0);
    assay_feed_book_lost(book);
    assert_true(assay_feed_book_is_stale(book, 1) && assay_feed_book_is_stale(book, 2));
    if (how == 0)
      assay_feed_book_restart(book);
    else
      assert_int_equal(assay_feed_book_apply(book, &day, 1), 0);
    assert_int_equal(assay_feed_book_orders(book), 0);
    assert_int_equal(assay_feed_book_apply(book, &add, 1), 0); /* not in use any more */
    assert_false(assay_feed_book_is_stale(book, 1) || assay_feed_book_is_stale(book, 2));
    assay_feed_book_destroy(book);
  }
}

/* ---- Binance's chain ----------------------------------------------------------------------------------------------------------------- */

static assay_feed_chain update(assay_feed_book *book, uint64_t first, uint64_t last, int64_t price, int64_t quantity) {
  const assay_binance_level level = {price, quantity};
  const assay_binance_message m = {.kind = ASSAY_BINANCE_DEPTH, .first_update = first, .last_update = last, .bids = &level, .bid_count = 1};
  return assay_feed_book_update(book, 1, &m);
}
static assay_feed_chain snapshot(assay_feed_book *book, uint64_t last, int64_t price, int64_t quantity) {
  const assay_binance_level level = {price, quantity};
  const assay_binance_message m = {.kind = ASSAY_BINANCE_SNAPSHOT, .last_update = last, .bids = &level, .bid_count = 1};
  return assay_feed_book_snapshot(book, 1, &m);
}
static int64_t bid(const assay_feed_book *book, int64_t price) {
  assay_feed_level levels[20];
  size_t count = assay_feed_book_depth(book, 1, 'B', levels, 20);
  for (size_t i = 0; i < count; i++)
    if (levels[i].price == price) return (int64_t)levels[i].quantity;
  return 0;
}

static void test_the_chain_of_spot(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  assert_int_equal(update(book, 90, 95, 1, 1), ASSAY_FEED_CHAIN_WAITING);
  assert_int_equal(update(book, 96, 102, 2, 2), ASSAY_FEED_CHAIN_WAITING);
  assert_int_equal(update(book, 103, 105, 3, 3), ASSAY_FEED_CHAIN_WAITING);
  assert_true(assay_feed_book_is_stale(book, 1));
  assert_int_equal(snapshot(book, 100, 9, 9), ASSAY_FEED_CHAIN_APPLIED); /* the first is older, the second is around it */
  assert_false(assay_feed_book_is_stale(book, 1));
  assert_int_equal(bid(book, 1), 0);
  assert_int_equal(bid(book, 2), 2);
  assert_int_equal(bid(book, 3), 3);
  assert_int_equal(bid(book, 9), 9);
  assert_int_equal(update(book, 96, 102, 2, 7), ASSAY_FEED_CHAIN_OLD);
  assert_int_equal(update(book, 106, 106, 9, 0), ASSAY_FEED_CHAIN_APPLIED);
  assert_int_equal(bid(book, 9), 0);
  assert_int_equal(update(book, 104, 107, 3, 3), ASSAY_FEED_CHAIN_APPLIED); /* of another connection: begins before where we are */
  assert_false(assay_feed_book_is_stale(book, 1));
  assert_int_equal(update(book, 109, 110, 4, 4), ASSAY_FEED_CHAIN_GAP);
  assert_true(assay_feed_book_is_stale(book, 1));
  assert_int_equal(bid(book, 4), 0);
  assert_int_equal(update(book, 111, 111, 5, 5), ASSAY_FEED_CHAIN_WAITING);
  assert_int_equal(snapshot(book, 107, 8, 8), ASSAY_FEED_CHAIN_GAP); /* too old: 108 is still missing */
  assert_true(assay_feed_book_is_stale(book, 1));
  assert_int_equal(snapshot(book, 109, 8, 8), ASSAY_FEED_CHAIN_APPLIED);
  assert_int_equal(bid(book, 3), 0);
  assert_int_equal(bid(book, 4), 4);
  assert_int_equal(bid(book, 5), 5);
  assert_int_equal(bid(book, 8), 8);
  assay_feed_book_destroy(book);
}

/* What empties a book does not end the wait for its snapshot. */
static void test_clear_while_waiting(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  const assay_market_event empty = {.kind = ASSAY_MARKET_CLEAR, .symbol = 1};
  assert_int_equal(update(book, 101, 103, 10, 1), ASSAY_FEED_CHAIN_WAITING);
  assert_int_equal(assay_feed_book_apply(book, &empty, 1), 0);
  assert_true(assay_feed_book_is_stale(book, 1));
  assert_int_equal(snapshot(book, 100, 9, 2), ASSAY_FEED_CHAIN_APPLIED);
  assert_false(assay_feed_book_is_stale(book, 1));
  assay_feed_book_destroy(book);
}

static void test_the_chain_of_futures(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  const assay_binance_level level = {5, 5};
  assay_binance_message m = {.kind = ASSAY_BINANCE_DEPTH, .has_previous = true, .bids = &level, .bid_count = 1};
  snapshot(book, 100, 9, 9);
  m.first_update = 90, m.last_update = 99, m.previous_update = 80;
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_OLD);
  m.first_update = 98, m.last_update = 104, m.previous_update = 99;
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_APPLIED);
  m.first_update = 120, m.last_update = 130, m.previous_update = 104; /* ids may jump, pu says that nothing is missing */
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_APPLIED);
  m.first_update = 140, m.last_update = 150, m.previous_update = 139;
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_GAP);
  assert_int_equal(snapshot(book, 160, 9, 9), ASSAY_FEED_CHAIN_APPLIED);
  m.first_update = 165, m.last_update = 170, m.previous_update = 158; /* the snapshot lies in a hole of the ids */
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_APPLIED);
  m.kind = ASSAY_BINANCE_TRADE;
  assert_int_equal(assay_feed_book_update(book, 1, &m), ASSAY_FEED_CHAIN_REFUSED);
  m.kind = ASSAY_BINANCE_DEPTH;
  assert_int_equal(assay_feed_book_update(book, 99, &m), ASSAY_FEED_CHAIN_REFUSED);
  assay_feed_book_destroy(book);
}

/* Levels beside a plain array of quantities. */
static void test_levels_beside_an_array(void **state) {
  (void)state;
  assay_feed_book *book = open_book();
  assay_random random;
  assay_random_init(&random, 9);
  static uint64_t quantities[2][200];
  memset(quantities, 0, sizeof quantities);
  for (int round = 0; round < 20000; round++) {
    int side = (int)assay_random_below(&random, 2), price = (int)assay_random_below(&random, 200);
    uint64_t quantity = assay_random_below(&random, 3);
    assay_market_event event = {.kind = ASSAY_MARKET_QUOTE, .symbol = 2, .side = "BS"[side], .price = price, .quantity = quantity};
    assert_int_equal(assay_feed_book_apply(book, &event, 1), 0);
    quantities[side][price] = quantity;
    if (round % 100 != 0) continue;
    for (int s = 0; s < 2; s++) {
      assay_feed_level levels[200];
      size_t count = assay_feed_book_depth(book, 2, "BS"[s], levels, 200), at = 0;
      for (int i = 0; i < 200; i++) {
        int p = s == 0 ? 199 - i : i;
        if (quantities[s][p] == 0) continue;
        assert_true(at < count);
        assert_int_equal(levels[at].price, p);
        assert_int_equal(levels[at++].quantity, quantities[s][p]);
      }
      assert_int_equal(at, count);
    }
  }
  assay_feed_book_destroy(book);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_itch_beside_a_slow_book),
      cmocka_unit_test(test_three_formats_one_book),
      cmocka_unit_test(test_what_cannot_be),
      cmocka_unit_test(test_the_chain_of_spot),
      cmocka_unit_test(test_the_chain_of_futures),
      cmocka_unit_test(test_levels_beside_an_array),
      cmocka_unit_test(test_many_symbols),
      cmocka_unit_test(test_ticks),
      cmocka_unit_test(test_cents_and_their_parts),
      cmocka_unit_test(test_the_same_ids_everywhere),
      cmocka_unit_test(test_large_prices),
      cmocka_unit_test(test_levels_are_bounded),
      cmocka_unit_test(test_restart),
      cmocka_unit_test(test_clear_while_waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
