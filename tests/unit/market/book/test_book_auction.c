/* SPDX-License-Identifier: MIT */
/*
 * Auctions against what exchanges publish: order books and the price that they say is right. The reference engine was written by those who
 * wrote the engine, and once shared its mistake; these numbers come from elsewhere. Then the properties that every such rule promises, over
 * random books.
 */
#include "test.h"

#include <assay/book.h>

#include "base/random.h"

enum { MOST_PRICES = 12, MOST_TRADES = 4096 };

typedef struct call_level {
  int32_t price;
  uint32_t bid, ask;
} call_level;

typedef struct published {
  const char *source;
  call_level levels[MOST_PRICES];
  uint32_t market_bid, market_ask;
  int32_t references[4]; /* the same price with each of them; 0: no more */
  int32_t price;
  uint64_t volume, surplus;
  assay_side surplus_side;
} published;

static const published examples[] = {
    {.source = "CME Group, Application of the Indicative Opening Price Rules, rule 1 (most volume)",
     .levels = {{51, 10, 30}, {50, 20, 100}, {49, 30, 1}, {48, 40, 25}, {47, 50, 1}, {46, 70, 100}, {45, 100, 90}, {44, 1, 4}, {43, 30, 6}},
     .references = {46, 1, 47, 60},
     .price = 46,
     .volume = 200,
     .surplus = 20,
     .surplus_side = ASSAY_BUY},
    {.source = "CME Group, the same page, rule 2 (least left over)",
     .levels = {{51, 10, 30}, {50, 20, 100}, {49, 30, 1}, {48, 40, 25}, {47, 50, 0}, {46, 30, 50}, {45, 100, 90}, {44, 1, 4}, {43, 30, 6}},
     .references = {46, 1, 47, 60},
     .price = 47,
     .volume = 150,
     .surplus = 0},
    {.source = "CME Group, the same page, rule 3 (buyers left at all of these: the highest)",
     .levels = {{51, 10, 30}, {50, 20, 100}, {49, 30, 1}, {48, 40, 25}, {47, 80, 0}, {46, 0, 50}, {45, 20, 90}, {44, 30, 4}, {43, 30, 6}},
     .references = {46, 1, 47, 60},
     .price = 47,
     .volume = 150,
     .surplus = 30,
     .surplus_side = ASSAY_BUY},
    {.source = "Stock Exchange of Hong Kong, closing auction examples, example 1 (in cents)",
     .levels = {{2405, 200, 800}, {2400, 1000, 600}, {2395, 400, 400}},
     .references = {2400, 2000, 2402, 3000},
     .price = 2400,
     .volume = 1000,
     .surplus = 200,
     .surplus_side = ASSAY_BUY},
    {.source = "SGX-ST, Practice Note 8.2.1, example 1 (in tenths of a cent; what bids above 3.790, at 3.800)",
     .levels = {{3750, 0, 10}, {3760, 0, 20}, {3770, 50, 50}, {3780, 100, 80}, {3790, 70, 30}, {3800, 120, 0}},
     .references = {3790, 3000, 3780, 4000},
     .price = 3790,
     .volume = 190,
     .surplus = 0},
    {.source =
         "ASX's four principles, UNSW trading engine course, appendix (in cents): the least surplus at 635 to 639, and buyers are left",
     .levels =
         {{640, 500, 500}, {639, 1000, 0}, {634, 1000, 0}, {633, 500, 0}, {610, 0, 1000}, {641, 0, 520}, {642, 0, 550}, {643, 0, 519}},
     .references = {620, 636, 639, 700},
     .price = 639,
     .volume = 1000,
     .surplus = 500,
     .surplus_side = ASSAY_BUY},
    {.source = "NSE, pre-open session, determination of the equilibrium price (what bids above 107, at 108)",
     .levels = {{103, 13500, 11500}, {104, 9500, 9800}, {105, 12000, 15000}, {106, 6500, 12000}, {107, 5000, 12500}, {108, 4000, 0}},
     .references = {105, 90, 104, 120},
     .price = 105,
     .volume = 27500,
     .surplus = 8800,
     .surplus_side = ASSAY_SELL},
    {.source = "MarketGrid, single-price auction",
     .levels = {{13100, 0, 35},
                {13000, 45, 50},
                {12900, 95, 10},
                {12800, 25, 15},
                {12700, 35, 10},
                {12600, 25, 20},
                {12500, 55, 90},
                {12400, 200, 155},
                {12300, 80, 125},
                {12200, 60, 10}},
     .references = {12400, 12000, 12450, 13500},
     .price = 12400,
     .volume = 290,
     .surplus = 190,
     .surplus_side = ASSAY_BUY},
    {.source = "Borsa Italiana, rule 4.7.6: only orders without a limit trade at the reference",
     .market_bid = 100,
     .market_ask = 100,
     .references = {10},
     .price = 10,
     .volume = 100,
     .surplus = 0},
    {.source = "Borsa Italiana, rule 4.7.6 c: all prices between the limits do as well, so the one nearest to the reference",
     .levels = {{105, 100, 0}, {95, 0, 100}},
     .references = {101},
     .price = 101,
     .volume = 100,
     .surplus = 0},
    {.source = "the same, a reference above what the limits allow",
     .levels = {{105, 100, 0}, {95, 0, 100}},
     .references = {300},
     .price = 105,
     .volume = 100,
     .surplus = 0},
    {.source = "the same, a reference below",
     .levels = {{105, 100, 0}, {95, 0, 100}},
     .references = {1},
     .price = 95,
     .volume = 100,
     .surplus = 0},
    {.source = "HKEX, IEP rule 3: sellers are left at all of these, so the lowest",
     .levels = {{105, 100, 0}, {95, 0, 150}},
     .references = {95, 101, 105, 300},
     .price = 95,
     .volume = 100,
     .surplus = 50,
     .surplus_side = ASSAY_SELL},
};

typedef struct outcome {
  assay_book_event auction;
  assay_book_event trades[MOST_TRADES];
  size_t trade_count;
} outcome;

static void note(void *context, const assay_book_event *e) {
  outcome *o = context;
  if (e->kind == ASSAY_BOOK_AUCTION_EVENT) o->auction = *e;
  if (e->kind != ASSAY_BOOK_TRADE_EVENT) return;
  assert_true(o->trade_count < MOST_TRADES);
  o->trades[o->trade_count++] = *e;
}
ASSAY_BOOK_SINK(note_all, note)

static assay_book *in_auction(outcome *o) {
  assay_error err = {0};
  assay_book *book = NULL;
  assert_ok(assay_book_create(&(assay_book_options){.sink = note_all, .context = o}, &err, &book), err);
  assay_book_apply(book, &(assay_book_message){.kind = ASSAY_BOOK_PHASE, .type = ASSAY_BOOK_AUCTION}, 1);
  return book;
}

/* In two or three orders, as they would come. */
static void gather(assay_book *book, uint64_t *id, assay_side side, assay_book_type type, int32_t price, uint64_t quantity) {
  for (uint64_t part = 1; quantity > 0; part++) {
    uint64_t some = part == 3 ? quantity : (quantity + 2) / 3;
    assay_book_apply(book,
                     &(assay_book_message){.kind = ASSAY_BOOK_NEW,
                                           .id = ++*id,
                                           .side = (uint8_t)side,
                                           .type = (uint8_t)type,
                                           .price = price,
                                           .quantity = some,
                                           .account = 1 + (uint32_t)side},
                     1);
    quantity -= some;
  }
}

static void uncross(assay_book *book, int32_t reference) {
  assay_book_apply(book, &(assay_book_message){.kind = ASSAY_BOOK_UNCROSS, .price = reference}, 1);
}

static uint64_t volume_of(const outcome *o) {
  uint64_t volume = 0;
  for (size_t i = 0; i < o->trade_count; i++) {
    assert_int_equal(o->trades[i].price, o->auction.price);
    volume += o->trades[i].quantity;
  }
  return volume;
}

static void test_published_examples(void **state) {
  (void)state;
  outcome *o = calloc(1, sizeof *o);
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    for (size_t r = 0; r < 4 && examples[i].references[r] != 0; r++) {
      const published *p = &examples[i];
      *o = (outcome){0};
      assay_book *book = in_auction(o);
      uint64_t id = 0;
      for (size_t k = 0; k < MOST_PRICES; k++) {
        gather(book, &id, ASSAY_SELL, ASSAY_BOOK_LIMIT, p->levels[k].price, p->levels[k].ask);
        gather(book, &id, ASSAY_BUY, ASSAY_BOOK_LIMIT, p->levels[k].price, p->levels[k].bid);
      }
      gather(book, &id, ASSAY_BUY, ASSAY_BOOK_MARKET, 0, p->market_bid);
      gather(book, &id, ASSAY_SELL, ASSAY_BOOK_MARKET, 0, p->market_ask);
      uncross(book, p->references[r]);
      if (o->auction.price != p->price || o->auction.quantity != p->volume || o->auction.remaining != p->surplus)
        print_message("%s, reference %d: %llu@%d, %llu left\n", p->source, p->references[r], (unsigned long long)o->auction.quantity,
                      o->auction.price, (unsigned long long)o->auction.remaining);
      assert_int_equal(o->auction.price, p->price);
      assert_int_equal(o->auction.quantity, p->volume);
      assert_int_equal(o->auction.remaining, p->surplus);
      if (p->surplus > 0) assert_int_equal(o->auction.side, p->surplus_side);
      assert_int_equal(volume_of(o), p->volume);
      assay_book_destroy(book);
    }
  free(o);
}

/* What would trade at a price, and what is left then, from the orders as they were sent. */
typedef struct call_order {
  assay_side side;
  bool market;
  int32_t price;
  uint64_t quantity;
} call_order;

static bool wants(const call_order *c, int32_t price) {
  return c->market || (c->side == ASSAY_BUY ? c->price >= price : c->price <= price);
}

static uint64_t volume_at(const call_order *orders, size_t count, int32_t price, int64_t *surplus) {
  uint64_t sums[2] = {0};
  for (size_t i = 0; i < count; i++)
    if (wants(&orders[i], price)) sums[orders[i].side] += orders[i].quantity;
  *surplus = (int64_t)(sums[ASSAY_BUY] - sums[ASSAY_SELL]);
  return sums[ASSAY_BUY] < sums[ASSAY_SELL] ? sums[ASSAY_BUY] : sums[ASSAY_SELL];
}

static bool is_candidate(const call_order *orders, size_t count, int32_t price, int32_t reference) {
  bool named = price == reference;
  for (size_t i = 0; i < count; i++) named |= !orders[i].market && orders[i].price == price;
  return named;
}

/* No price would trade more; of the limits and the reference that trade as much none leaves less; nobody trades beyond his limit, and
 * nobody with a better limit than the price goes without on the shorter side. */
static void check_promises(const call_order *orders, size_t count, int32_t reference, const outcome *o) {
  int64_t surplus;
  uint64_t most = 0, least = UINT64_MAX, traded[64] = {0};
  for (int32_t price = 0; price <= 60; price++) {
    uint64_t volume = volume_at(orders, count, price, &surplus);
    if (volume > most) most = volume;
  }
  for (int32_t price = 0; price <= 60; price++)
    if (is_candidate(orders, count, price, reference) && volume_at(orders, count, price, &surplus) == most &&
        (uint64_t)llabs(surplus) < least)
      least = (uint64_t)llabs(surplus);
  assert_int_equal(o->auction.quantity, most);
  assert_int_equal(volume_of(o), most);
  if (most == 0) return;
  assert_int_equal(o->auction.remaining, least);
  assert_in_range(o->auction.price, 0, 60); /* never the end of the range, where market orders wait */
  volume_at(orders, count, o->auction.price, &surplus);
  for (size_t i = 0; i < o->trade_count; i++) {
    const assay_book_event *e = &o->trades[i];
    assert_true(wants(&orders[e->id - 1], e->price) && wants(&orders[e->other - 1], e->price));
    traded[e->id - 1] += e->quantity;
    traded[e->other - 1] += e->quantity;
  }
  for (size_t i = 0; i < count; i++) {
    bool longer = surplus != 0 && (orders[i].side == ASSAY_BUY) == (surplus > 0);
    if (!longer && wants(&orders[i], o->auction.price)) assert_int_equal(traded[i], orders[i].quantity);
  }
}

static void test_promises(void **state) {
  (void)state;
  outcome *o = calloc(1, sizeof *o);
  assay_random random;
  assay_random_init(&random, 11);
  for (unsigned round = 0; round < 3000; round++) {
    call_order orders[64];
    size_t count = (size_t)assay_random_below(&random, 24);
    unsigned market = (unsigned)assay_random_below(&random, 4);
    *o = (outcome){0};
    assay_book *book = in_auction(o);
    for (size_t i = 0; i < count; i++) {
      orders[i] = (call_order){.side = (assay_side)assay_random_below(&random, 2),
                               .market = assay_random_below(&random, 10) < market,
                               .price = 20 + (int32_t)assay_random_below(&random, 20),
                               .quantity = 1 + assay_random_below(&random, 5)};
      assay_book_message m = {.kind = ASSAY_BOOK_NEW,
                              .id = i + 1,
                              .side = (uint8_t)orders[i].side,
                              .type = orders[i].market ? ASSAY_BOOK_MARKET : ASSAY_BOOK_LIMIT,
                              .price = orders[i].market ? 0 : orders[i].price,
                              .quantity = orders[i].quantity};
      if (!orders[i].market && assay_random_below(&random, 4) == 0) {
        m.type = ASSAY_BOOK_ICEBERG;
        m.display = 1;
      }
      assay_book_apply(book, &m, 1);
    }
    int32_t reference = (int32_t)assay_random_below(&random, 61);
    uncross(book, reference);
    check_promises(orders, count, reference, o);
    assay_error err = {0};
    assert_ok(assay_book_check(book, &err), err);
    assay_book_destroy(book);
  }
  free(o);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_examples), cmocka_unit_test(test_promises)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
