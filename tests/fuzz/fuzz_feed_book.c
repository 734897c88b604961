/* SPDX-License-Identifier: MIT */
/* Any events for books that follow feeds, beside lists of orders and of levels that are looked through each time. */
#include <stdlib.h>
#include <string.h>

#include <assay/book.h>
#include <assay/feed_book.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SYMBOLS = 3, IDS = 24, MOST = 400, EVENT = 8 };

typedef struct item {
  uint64_t id, quantity;
  int64_t price;
  uint32_t symbol;
  char side; /* 0: this place is free */
} item;

typedef struct model {
  item orders[SYMBOLS * IDS], levels[MOST];
  bool stale[SYMBOLS];
} model;

/* Prices of many steps, all of which have room beside each other. */
static int64_t price_of(uint8_t chosen, unsigned how) {
  static const int64_t steps[] = {1000000000, 10000000, 15625000, 7812500, 50000, 500000000, -10000000, 0};
  if (how == 0) return chosen;
  if (how == 2) return chosen < 30 ? chosen * 100 : INT64_C(3350000000) + chosen * 100; /* of 10^-4, above 31 bits */
  if (chosen == 255) return ASSAY_FEED_NO_PRICE;
  return steps[chosen & 7] * (1 + (chosen >> 3));
}

static item *find(model *m, uint32_t symbol, uint64_t id) {
  for (size_t i = 0; i < SYMBOLS * IDS; i++)
    if (m->orders[i].side != 0 && m->orders[i].symbol == symbol && m->orders[i].id == id) return &m->orders[i];
  return NULL;
}

static bool sound(uint64_t quantity) { return quantity > 0 && quantity <= ASSAY_BOOK_MOST_QUANTITY; }

static bool add(model *m, const assay_market_event *e, uint64_t id) {
  if ((e->side != 'B' && e->side != 'S') || !sound(e->quantity) || find(m, e->symbol, id) != NULL) return false;
  item *place = m->orders;
  while (place->side != 0) place++;
  *place = (item){id, e->quantity, e->price, e->symbol, e->side};
  return true;
}

static bool replace(model *m, const assay_market_event *e) {
  item *order = find(m, e->symbol, e->order_id);
  if (order == NULL) return e->order_id == e->other_id && add(m, e, e->order_id);
  const item *other = find(m, e->symbol, e->other_id);
  if (!sound(e->quantity) || (other != NULL && other != order)) return false;
  order->id = e->other_id;
  order->price = e->price;
  order->quantity = e->quantity;
  return true;
}

static void clear(item *items, size_t count, uint32_t symbol, char side) {
  for (size_t i = 0; i < count; i++)
    if (items[i].symbol == symbol && (side == 0 || items[i].side == side)) items[i].side = 0;
}

static bool quote(model *m, const assay_market_event *e) {
  if (e->side != 'B' && e->side != 'S') return false;
  if ((e->flags & ASSAY_MARKET_WHOLE_SIDE) != 0) clear(m->levels, MOST, e->symbol, e->side);
  for (size_t i = 0; i < MOST; i++) {
    item *level = &m->levels[i];
    if (level->side == e->side && level->symbol == e->symbol && level->price == e->price) level->side = 0;
  }
  if (e->quantity == 0) return true;
  if (e->price == ASSAY_FEED_NO_PRICE) return false;
  item *place = m->levels;
  while (place->side != 0) place++;
  *place = (item){0, e->quantity, e->price, e->symbol, e->side};
  return true;
}

static bool apply(model *m, const assay_market_event *e) {
  item *order;
  if (e->symbol >= SYMBOLS) return false;
  switch (e->kind) {
    case ASSAY_MARKET_ADD: return add(m, e, e->order_id);
    case ASSAY_MARKET_EXECUTE:
    case ASSAY_MARKET_CANCEL:
      order = find(m, e->symbol, e->order_id);
      if (order == NULL || e->quantity == 0 || e->quantity > order->quantity) return false;
      order->quantity -= e->quantity;
      if (order->quantity == 0) order->side = 0;
      return true;
    case ASSAY_MARKET_DELETE:
      order = find(m, e->symbol, e->order_id);
      if (order != NULL) order->side = 0;
      return order != NULL;
    case ASSAY_MARKET_REPLACE: return replace(m, e);
    case ASSAY_MARKET_QUOTE: return quote(m, e);
    case ASSAY_MARKET_CLEAR:
      clear(m->orders, SYMBOLS * IDS, e->symbol, 0);
      clear(m->levels, MOST, e->symbol, 0);
      m->stale[e->symbol] = false;
      return true;
    default: return true;
  }
}

/* The next better-or-worse level of a side behind `before`; false: none. */
static bool next_level(const item *items, size_t count, uint32_t symbol, char side, const assay_feed_level *before,
                       assay_feed_level *next) {
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    const item *o = &items[i];
    if (o->side != side || o->symbol != symbol || o->price == ASSAY_FEED_NO_PRICE) continue;
    if (before != NULL && (side == 'B' ? o->price >= before->price : o->price <= before->price)) continue;
    if (found && (side == 'B' ? o->price < next->price : o->price > next->price)) continue;
    if (!found || o->price != next->price) *next = (assay_feed_level){.price = o->price};
    next->quantity += o->quantity;
    found = true;
  }
  return found;
}

static void compare(const assay_feed_book *book, const model *m) {
  for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++) {
    bool of_levels = false;
    for (size_t i = 0; i < MOST; i++) of_levels |= m->levels[i].side != 0 && m->levels[i].symbol == symbol;
    if (assay_feed_book_is_stale(book, symbol) != m->stale[symbol]) abort();
    for (int s = 0; s < 2; s++) {
      assay_feed_level found[MOST], level, before;
      size_t count = assay_feed_book_depth(book, symbol, "BS"[s], found, MOST), at = 0;
      while (next_level(of_levels ? m->levels : m->orders, of_levels ? MOST : SYMBOLS * IDS, symbol, "BS"[s], at > 0 ? &before : NULL,
                        &level)) {
        if (at == count || found[at].price != level.price || found[at].quantity != level.quantity) abort();
        before = level;
        at++;
      }
      if (at != count) abort();
    }
  }
}

static assay_market_event read_event(const uint8_t *bytes, unsigned how) {
  static const char sides[] = {'B', 'S', 'B', 'S', 'B', 'S', 0, 'x'};
  assay_market_event e = {.kind = bytes[0] % ASSAY_MARKET_KINDS,
                          .symbol = bytes[1] % (SYMBOLS + (bytes[1] > 250)),
                          .side = sides[bytes[2] & 7],
                          .order_id = bytes[3] % IDS,
                          .other_id = bytes[4] % IDS,
                          .price = price_of(bytes[5], how),
                          .quantity = bytes[6],
                          .decimals = (how & 1) != 0 ? 9 : 4,
                          .flags = bytes[7] & ASSAY_MARKET_WHOLE_SIDE};
  if (bytes[7] >= 252) e.flags |= ASSAY_MARKET_GAP;
  if (bytes[7] == 251) e.flags |= ASSAY_MARKET_ALL_SYMBOLS;
  if (bytes[6] == 255) e.quantity = UINT64_C(1) << 48;
  return e;
}

/* Numbers as they come: nothing is compared, but everything has to stay consistent. */
static void apply_anything(assay_feed_book *book, const uint8_t *data, size_t size) {
  assay_market_event e;
  for (size_t at = 0; at + sizeof e <= size; at += sizeof e) {
    memcpy(&e, data + at, sizeof e);
    e.kind %= ASSAY_MARKET_KINDS;
    if ((e.side & 1) == 0) e.symbol %= SYMBOLS;
    e.side = "BSBS"[e.side & 3];
    if ((e.other_id & 1) == 0) e.order_id &= 7;
    assay_feed_book_apply(book, &e, 1);
  }
  for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++) {
    assay_feed_level levels[8];
    for (int s = 0; s < 2; s++) {
      size_t count = assay_feed_book_depth(book, symbol, "BS"[s], levels, 8);
      for (size_t i = 1; i < count; i++)
        if (s == 0 ? levels[i].price >= levels[i - 1].price : levels[i].price <= levels[i - 1].price) abort();
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static model m;
  assay_feed_book *book = NULL;
  if (size < 1 || size > 1 + EVENT * MOST) return 0;
  const assay_feed_book_options options = {.symbols = SYMBOLS, .expected_orders = 4, .most_levels = 1000};
  if (assay_feed_book_create(&options, NULL, &book) != ASSAY_OK) return 0;
  memset(&m, 0, sizeof m);
  if (data[0] >= 0xf0) {
    apply_anything(book, data + 1, size - 1);
  } else {
    for (size_t at = 1; at + EVENT <= size; at += EVENT) {
      assay_market_event e = read_event(data + at, data[0] & 3);
      bool fits = apply(&m, &e);
      if (e.symbol < SYMBOLS) m.stale[e.symbol] |= !fits;
      if ((e.flags & ASSAY_MARKET_GAP) != 0 && e.symbol < SYMBOLS) m.stale[e.symbol] = true;
      if ((e.flags & ASSAY_MARKET_ALL_SYMBOLS) != 0) {
        memset(&m, 0, sizeof m);
        if (e.symbol < SYMBOLS) m.stale[e.symbol] = !fits;
      }
      if ((assay_feed_book_apply(book, &e, 1) == 0) != fits) abort();
      if (at % (4 * EVENT) == 1) compare(book, &m);
    }
    compare(book, &m);
  }
  if (assay_feed_book_check(book, NULL) != ASSAY_OK) abort();
  assay_feed_book_destroy(book);
  return 0;
}
