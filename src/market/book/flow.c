/* SPDX-License-Identifier: MIT */
#include <assay/book_flow.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

enum { RECENT = 500, ACCOUNTS = 64, MIDDLE = 1000000, FIRST_ID = 1000001, USUAL_DEPTH = 10000 };

typedef struct live_order {
  uint64_t id, quantity;
  int32_t price;
  uint32_t account;
  uint8_t side;
} live_order;

/* The engine itself says what is left of each order. */
typedef struct stream {
  assay_random random;
  assay_flow_regime regime;
  assay_book *book;
  live_order *live; /* oldest first */
  size_t count, capacity, depth, at, total;
  uint64_t next_id;
  double middle;
} stream;

static const char *const names[ASSAY_FLOW_REGIMES] = {"static", "normal", "swinging", "trending", "crash", "sparse"};

const char *assay_flow_regime_text(assay_flow_regime regime) { return (unsigned)regime < ASSAY_FLOW_REGIMES ? names[regime] : NULL; }

assay_flow_regime assay_flow_regime_find(const char *name) {
  unsigned at = 0;
  while (at < ASSAY_FLOW_REGIMES && strcmp(names[at], name) != 0) at++;
  return (assay_flow_regime)at;
}

static uint64_t below(stream *s, uint64_t bound) { return assay_random_below(&s->random, bound); }

static void move_middle(stream *s) {
  size_t crash = s->total / 2;
  switch (s->regime) {
    case ASSAY_FLOW_STATIC: return;
    case ASSAY_FLOW_SWINGING: s->middle = MIDDLE + 2000 * sin((double)s->at * 2 * 3.14159265358979 / 100000); return;
    case ASSAY_FLOW_TRENDING: s->middle += 0.1; return;
    case ASSAY_FLOW_CRASH:
      if (s->at >= crash && s->at < crash + 20000) s->middle -= 1;
      if (s->at >= crash + 20000 && s->at < crash + 120000) s->middle += 0.2;
      break;
    default: break;
  }
  if (s->at % 40 == 0) s->middle += below(s, 2) == 0 ? -1 : 1;
}

static bool crashing(const stream *s) { return s->regime == ASSAY_FLOW_CRASH && s->at >= s->total / 2 && s->at < s->total / 2 + 20000; }

/* Sparse: what was a tick becomes 300,000, and every order has a price of its own between. */
static int32_t place(stream *s, double price) {
  if (s->regime != ASSAY_FLOW_SPARSE) return (int32_t)floor(price);
  double spread = (price - MIDDLE) * 300000 + (double)below(s, 300000);
  return spread < -2147483000.0 ? -2147483000 : spread > 2147483000.0 ? 2147483000 : (int32_t)spread;
}

static double away(stream *s) { return fmin(-30 * log(1 - assay_random_unit(&s->random)), 1000); }

static size_t pick(stream *s) {
  size_t recent = s->count < RECENT ? s->count : RECENT;
  return below(s, 2) == 0 ? s->count - 1 - below(s, recent) : below(s, s->count);
}

static void forget(stream *s, size_t at) { memmove(&s->live[at], &s->live[at + 1], (--s->count - at) * sizeof *s->live); }

static assay_book_message make_order(stream *s, bool trades) {
  uint8_t side = crashing(s) && trades ? ASSAY_SELL : (uint8_t)below(s, 2);
  double distance = trades ? -(double)below(s, 8) : 1 + away(s);
  assay_book_message m = {.kind = ASSAY_BOOK_NEW, .id = s->next_id++, .account = 1 + (uint32_t)below(s, ACCOUNTS), .side = side};
  m.quantity = 1 + below(s, trades ? 200 : 500);
  m.price = place(s, side == ASSAY_SELL ? s->middle + distance : s->middle - distance);
  if (!trades) return m;
  uint64_t lot = below(s, 7);
  if (lot == 0 || crashing(s)) m.type = ASSAY_BOOK_MARKET;
  if (lot >= 1 && lot <= 3) m.tif = ASSAY_BOOK_IOC;
  return m;
}

static assay_book_message make_change(stream *s) {
  live_order *o = &s->live[pick(s)];
  assay_book_message m = {.kind = ASSAY_BOOK_MODIFY, .id = o->id, .account = o->account, .side = o->side, .price = o->price};
  m.quantity = (o->quantity + 1) / 2;
  if (below(s, 2) == 0) return m;
  m.kind = ASSAY_BOOK_REPLACE;
  m.new_id = s->next_id++;
  m.quantity = o->quantity;
  double distance = 1 + away(s);
  m.price = place(s, o->side == ASSAY_SELL ? s->middle + distance : s->middle - distance);
  return m;
}

static assay_book_message make_message(stream *s, bool warm) {
  double pull = 0.02 * ((double)s->count - (double)s->depth) / (double)s->depth * 20; /* back to the wanted depth */
  double lot = assay_random_unit(&s->random);
  double trades = crashing(s) ? 0.4 : 0.07;
  if (warm || s->count < RECENT) return make_order(s, false);
  if (lot < trades) return make_order(s, true);
  if (lot < trades + 0.06) return make_change(s);
  if (lot < trades + 0.06 + (0.94 - trades) * (0.53 - fmax(fmin(pull, 0.3), -0.3))) return make_order(s, false);
  const live_order *o = &s->live[pick(s)];
  return (assay_book_message){.kind = ASSAY_BOOK_CANCEL, .id = o->id, .account = o->account, .side = o->side, .price = o->price};
}

static size_t find(const stream *s, uint64_t id) {
  for (size_t at = s->count; at-- > 0;)
    if (s->live[at].id == id) return at;
  return SIZE_MAX;
}

/* Keeps the list of what rests. An order that traded a bit only matters when it is changed, so its quantity is asked for then. */
static void follow(void *context, const assay_book_event *events, size_t count) {
  stream *s = context;
  for (size_t i = 0; i < count; i++) {
    const assay_book_event *e = &events[i];
    size_t at;
    if (e->kind == ASSAY_BOOK_TRADE_EVENT && (e->flags & ASSAY_BOOK_OTHER_DONE) != 0 && (at = find(s, e->other)) != SIZE_MAX) forget(s, at);
    if (e->kind == ASSAY_BOOK_CANCELLED_EVENT && (at = find(s, e->id)) != SIZE_MAX) forget(s, at);
    if (e->kind == ASSAY_BOOK_REPLACED_EVENT && (at = find(s, e->id)) != SIZE_MAX) forget(s, at);
  }
}

static void enter(stream *s, const assay_book_message *m) {
  uint64_t id = m->kind == ASSAY_BOOK_REPLACE ? m->new_id : m->id;
  assay_book_order order;
  if (!assay_book_find(s->book, id, &order)) return;
  size_t at = m->kind == ASSAY_BOOK_MODIFY ? find(s, id) : s->count++;
  if (at < s->capacity) s->live[at] = (live_order){id, order.quantity, order.price, order.account, (uint8_t)order.side};
}

static void make_all(stream *s, size_t warm, size_t count, assay_book_message *messages) {
  for (size_t i = 0; i < warm + count; i++) {
    if (i >= warm) {
      s->at = i - warm;
      move_middle(s);
    }
    messages[i] = make_message(s, i < warm);
    messages[i].time = 1000 * i;
    assay_book_apply(s->book, &messages[i], 1);
    if (messages[i].kind != ASSAY_BOOK_CANCEL && s->count < s->capacity) enter(s, &messages[i]);
  }
}

assay_status assay_book_flow_make(const assay_book_flow *flow, assay_error *err, assay_book_message **messages) {
  size_t depth = flow->depth != 0 ? flow->depth : USUAL_DEPTH, warm = flow->warm != 0 ? flow->warm : depth;
  if ((unsigned)flow->regime >= ASSAY_FLOW_REGIMES) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no regime %d", (int)flow->regime);
  if (depth > ASSAY_BOOK_FLOW_MOST || warm > ASSAY_BOOK_FLOW_MOST || flow->count > ASSAY_BOOK_FLOW_MOST)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a flow has at most %d messages and orders", ASSAY_BOOK_FLOW_MOST);
  stream s = {
      .regime = flow->regime, .depth = depth, .capacity = 4 * depth + warm, .next_id = FIRST_ID, .middle = MIDDLE, .total = flow->count};
  assay_random_init(&s.random, flow->seed);
  assay_book_message *made = assay_calloc(ASSAY_TAG_MARKET, warm + flow->count, sizeof *made);
  s.live = assay_calloc(ASSAY_TAG_MARKET, s.capacity, sizeof *s.live);
  assay_status status = made != NULL && s.live != NULL
                            ? ASSAY_OK
                            : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a flow of %zu messages", warm + flow->count);
  if (status == ASSAY_OK) status = assay_book_create(&(assay_book_options){.sink = follow, .context = &s, .seed = 1}, err, &s.book);
  if (status == ASSAY_OK) make_all(&s, warm, flow->count, made);
  assay_book_destroy(s.book);
  assay_free(s.live);
  if (status == ASSAY_OK)
    *messages = made;
  else
    assay_free(made);
  return status;
}

void assay_book_flow_free(assay_book_message *messages) { assay_free(messages); }
