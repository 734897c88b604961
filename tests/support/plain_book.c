/* SPDX-License-Identifier: MIT */
#include "plain_book.h"

#include <stdlib.h>
#include <string.h>

typedef plain_book_order order;

static void give(plain_book *p, assay_book_event event) {
  if (p->rehearses) return;
  event.sequence = ++p->sequence;
  event.time = p->now;
  if (p->event_count == PLAIN_MOST_EVENTS) abort();
  p->events[p->event_count++] = event;
}

static void reject(plain_book *p, const assay_book_message *m, uint8_t reason) {
  give(p, (assay_book_event){.kind = ASSAY_BOOK_REJECTED_EVENT,
                             .id = m->id,
                             .quantity = m->quantity,
                             .price = m->price,
                             .book = m->book,
                             .account = m->account,
                             .side = m->side,
                             .reason = reason});
}

static order *find(plain_book *p, uint64_t id) {
  for (size_t i = 0; i < p->count; i++)
    if (p->orders[i].m.id == id) return &p->orders[i];
  return NULL;
}

static void erase(plain_book *p, uint64_t id) {
  order *o = find(p, id);
  *o = p->orders[--p->count];
}

static uint64_t open_of(const order *o) { return o->shown + o->hidden; }
static bool is_market(const order *o) {
  return o->m.type == ASSAY_BOOK_MARKET || o->m.type == ASSAY_BOOK_STOP || o->m.type == ASSAY_BOOK_TRAILING_STOP;
}
static bool is_trailing_type(unsigned type) { return type == ASSAY_BOOK_TRAILING_STOP || type == ASSAY_BOOK_TRAILING_STOP_LIMIT; }
static bool is_stop_type(unsigned type) { return type == ASSAY_BOOK_STOP || type == ASSAY_BOOK_STOP_LIMIT || is_trailing_type(type); }
static bool is_aon(const order *o) { return o->m.tif == ASSAY_BOOK_AON; }
static int32_t price_of(const order *o) { return o->stop ? o->m.trigger : o->m.price; }
static int32_t clamp(int64_t x) { return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x; }

/* Whether a price suits somebody on that side at least as well as another. */
static bool at_least_as_good(unsigned side, int32_t a, int32_t b) { return side == ASSAY_SELL ? a <= b : a >= b; }

/* The order in which orders of one side stand: price, market orders first, all-or-none orders last, time. */
static bool before(const order *a, const order *b) {
  bool market = a->m.type == ASSAY_BOOK_MARKET;
  if (a->m.price != b->m.price) return a->m.side == ASSAY_SELL ? a->m.price < b->m.price : a->m.price > b->m.price;
  if (market != (b->m.type == ASSAY_BOOK_MARKET)) return market;
  if (is_aon(a) != is_aon(b)) return is_aon(b);
  return a->place < b->place;
}

static bool in_book(const order *o, uint32_t book, unsigned side) {
  return o->m.book == book && o->m.side == side && !o->stop && !o->running;
}

/* First of a side; `aon`: all-or-none orders count, but for those passed. */
static order *first(plain_book *p, uint32_t book, unsigned side, bool aon) {
  order *best = NULL;
  for (size_t i = 0; i < p->count; i++) {
    order *o = &p->orders[i];
    if (!in_book(o, book, side) || (is_aon(o) && (!aon || o->passed))) continue;
    if (best == NULL || before(o, best)) best = o;
  }
  return best;
}

static void removed(plain_book *p, order *o, uint8_t kind, uint8_t reason) {
  give(p, (assay_book_event){.kind = kind,
                             .id = o->m.id,
                             .quantity = open_of(o),
                             .price = price_of(o),
                             .book = o->m.book,
                             .account = o->m.account,
                             .side = o->m.side,
                             .reason = reason});
  erase(p, o->m.id);
}

/* ---- Stops --------------------------------------------------------------------------------------------------------------------------- */

static bool met(const order *o, int32_t price) { return o->m.side == ASSAY_SELL ? price <= o->m.trigger : price >= o->m.trigger; }

static void trigger(plain_book *p, order *o) {
  give(p, (assay_book_event){.kind = ASSAY_BOOK_TRIGGERED_EVENT,
                             .id = o->m.id,
                             .quantity = open_of(o),
                             .remaining = open_of(o),
                             .price = o->m.trigger,
                             .book = o->m.book,
                             .account = o->m.account,
                             .side = o->m.side});
  if (o->m.type == ASSAY_BOOK_TRAILING_STOP_LIMIT)
    o->m.price = clamp(o->m.side == ASSAY_SELL ? (int64_t)o->m.trigger - o->m.price : (int64_t)o->m.trigger + o->m.price);
  o->stop = false;
  o->running = true;
  p->pending[p->pending_count++] = o->m.id;
}

static void mark(plain_book *p, uint32_t book, int32_t price) {
  if (p->book[book].phase != ASSAY_BOOK_CONTINUOUS) return;
  for (unsigned side = 0; side < 2; side++)
    for (;;) {
      order *next = NULL;
      for (size_t i = 0; i < p->count; i++) {
        order *o = &p->orders[i];
        if (!o->stop || o->m.book != book || o->m.side != side || !met(o, price)) continue;
        bool sooner = next == NULL || (side == ASSAY_SELL ? o->m.trigger > next->m.trigger : o->m.trigger < next->m.trigger) ||
                      (o->m.trigger == next->m.trigger && o->place < next->place);
        if (sooner) next = o;
      }
      if (next == NULL) break;
      trigger(p, next);
    }
}

static void trail(plain_book *p, uint32_t book, int32_t price) {
  for (uint64_t last = 0;;) {
    order *next = NULL;
    for (size_t i = 0; i < p->count; i++) {
      order *o = &p->orders[i];
      if (o->stop && o->m.book == book && is_trailing_type(o->m.type) && o->trail > last && (next == NULL || o->trail < next->trail))
        next = o;
    }
    if (next == NULL) return;
    last = next->trail;
    int64_t distance = (int64_t)next->m.display; /* kept there for trailing stops */
    int32_t wanted = clamp(next->m.side == ASSAY_SELL ? price - distance : price + distance);
    if (next->m.side == ASSAY_SELL ? wanted > next->m.trigger : wanted < next->m.trigger) {
      next->m.trigger = wanted;
      next->place = ++p->places;
    }
  }
}

static void seen(plain_book *p, uint32_t book, int32_t price) {
  if (p->book[book].traded && p->book[book].last == price) return;
  p->book[book].traded = true;
  p->book[book].last = price;
  trail(p, book, price);
  mark(p, book, price);
}

/* ---- Matching ------------------------------------------------------------------------------------------------------------------------ */

typedef struct taker {
  uint64_t id, left, traded;
  bool any;
  int32_t first, last;
  int32_t limit;
  bool limited;
} taker;

static bool own(const order *a, const order *b) {
  return a->m.self_trade != ASSAY_BOOK_ALLOW && a->m.account != 0 && a->m.account == b->m.account;
}

static void drop(plain_book *p, taker *t, uint8_t reason) {
  order *o = find(p, t->id);
  give(p, (assay_book_event){.kind = ASSAY_BOOK_CANCELLED_EVENT,
                             .id = t->id,
                             .quantity = t->left,
                             .price = o->m.price,
                             .book = o->m.book,
                             .account = o->m.account,
                             .side = o->m.side,
                             .reason = reason});
  t->left = 0;
}

static bool reaches(const taker *t, unsigned side, const order *maker) {
  return !t->limited || at_least_as_good(side ^ 1, maker->m.price, t->limit);
}

static int compare(const void *a, const void *b) {
  const order *const *x = a, *const *y = b;
  return before(*x, *y) ? -1 : 1;
}

static void meet(plain_book *p, taker *t, order *maker) {
  order *o = find(p, t->id);
  uint8_t kind = ASSAY_BOOK_TRADE_EVENT, policy = o->m.self_trade;
  uint32_t book = o->m.book;
  unsigned side = o->m.side;
  if (own(o, maker)) {
    kind = ASSAY_BOOK_DECREMENTED_EVENT;
    if (policy == ASSAY_BOOK_CANCEL_OLDEST || policy == ASSAY_BOOK_CANCEL_BOTH)
      removed(p, maker, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_SELF_TRADE);
    if (policy == ASSAY_BOOK_CANCEL_NEWEST || policy == ASSAY_BOOK_CANCEL_BOTH) drop(p, t, ASSAY_BOOK_SELF_TRADE);
    if (policy != ASSAY_BOOK_DECREMENT) return;
  }
  uint64_t quantity = maker->shown < t->left ? maker->shown : t->left;
  t->left -= quantity;
  maker->shown -= quantity;
  give(p,
       (assay_book_event){.kind = kind,
                          .id = t->id,
                          .other = maker->m.id,
                          .quantity = quantity,
                          .remaining = open_of(maker),
                          .price = maker->m.price,
                          .book = book,
                          .account = o->m.account,
                          .side = (uint8_t)side,
                          .flags = (uint8_t)((t->left == 0 ? ASSAY_BOOK_ID_DONE : 0) | (open_of(maker) == 0 ? ASSAY_BOOK_OTHER_DONE : 0))});
  if (kind == ASSAY_BOOK_TRADE_EVENT) {
    if (!t->any) t->first = maker->m.price;
    t->any = true;
    t->traded += quantity;
    t->last = maker->m.price;
    if (p->accounts > 0) {
      p->book[book].positions[o->m.account] += side == ASSAY_BUY ? (int64_t)quantity : -(int64_t)quantity;
      p->book[book].positions[maker->m.account] += side == ASSAY_BUY ? -(int64_t)quantity : (int64_t)quantity;
    }
  }
  if (open_of(maker) == 0) {
    erase(p, maker->m.id);
  } else if (maker->shown == 0) {
    maker->shown = maker->hidden < maker->m.display ? maker->hidden : maker->m.display;
    maker->hidden -= maker->shown;
    maker->place = ++p->places;
    give(p, (assay_book_event){.kind = ASSAY_BOOK_REPLENISHED_EVENT,
                               .id = maker->m.id,
                               .quantity = maker->shown,
                               .remaining = open_of(maker),
                               .price = maker->m.price,
                               .book = book,
                               .account = maker->m.account,
                               .side = maker->m.side});
  }
}

static void trade(plain_book *p, taker *t) {
  const order *o = find(p, t->id);
  uint32_t book = o->m.book;
  unsigned side = o->m.side;
  for (size_t i = 0; i < p->count; i++) p->orders[i].passed = false;
  while (t->left > 0) {
    order *maker = first(p, book, side ^ 1, true);
    if (maker == NULL || !reaches(t, side, maker)) break;
    if (is_aon(maker) && maker->shown > t->left)
      maker->passed = true;
    else
      meet(p, t, maker);
  }
}

/* Tries it out, and makes it undone. */
static bool fillable(plain_book *p, const taker *t) {
  taker tried = *t;
  size_t count = p->count;
  uint64_t places = p->places;
  plain_symbol *book = &p->book[find(p, t->id)->m.book], before = *book;
  order *orders = malloc(count * sizeof *orders);
  memcpy(orders, p->orders, count * sizeof *orders);
  find(p, t->id)->running = true;
  p->rehearses = true;
  trade(p, &tried);
  p->rehearses = false;
  memcpy(p->orders, orders, count * sizeof *orders);
  free(orders);
  p->count = count;
  p->places = places;
  *book = before;
  return tried.traded == t->left;
}

static void match(plain_book *p, taker *t) {
  uint32_t book = find(p, t->id)->m.book;
  trade(p, t);
  if (t->any) {
    seen(p, book, t->first);
    seen(p, book, t->last);
  }
}

static void retry(plain_book *p, uint32_t book, unsigned side) {
  uint64_t ids[PLAIN_MOST_ORDERS];
  const order *waiting[PLAIN_MOST_ORDERS];
  size_t count = 0;
  for (size_t i = 0; i < p->count; i++)
    if (in_book(&p->orders[i], book, side) && is_aon(&p->orders[i])) waiting[count++] = &p->orders[i];
  qsort(waiting, count, sizeof *waiting, compare);
  for (size_t i = 0; i < count; i++) ids[i] = waiting[i]->m.id;
  for (size_t i = 0; i < count; i++) {
    order *o = find(p, ids[i]);
    taker t = {.id = ids[i], .left = o->shown, .limit = o->m.price, .limited = true};
    if (!fillable(p, &t)) continue;
    o->running = true;
    match(p, &t);
    erase(p, ids[i]);
  }
}

static void rest(plain_book *p, taker *t) {
  order *o = find(p, t->id);
  uint64_t sum = t->left;
  for (size_t i = 0; i < p->count; i++) {
    const order *x = &p->orders[i];
    if (in_book(x, o->m.book, o->m.side) && x->m.price == o->m.price && is_aon(x) == is_aon(o) && x != o) sum += x->shown;
  }
  if (sum > (UINT64_C(1) << 62)) {
    drop(p, t, ASSAY_BOOK_LEVEL_FULL);
    erase(p, t->id);
    return;
  }
  o->shown = t->left;
  o->hidden = 0;
  if (o->m.type == ASSAY_BOOK_ICEBERG && o->shown > o->m.display) {
    o->shown = o->m.display;
    o->hidden = t->left - o->shown;
  }
  o->place = ++p->places;
  o->running = false;
  if (p->book[o->m.book].phase == ASSAY_BOOK_CONTINUOUS) retry(p, o->m.book, o->m.side ^ 1);
}

/* The worst price that the account's collar lets it trade at; false: none. */
static bool collar_of(const plain_book *p, const order *o, int32_t *worst) {
  uint32_t book = o->m.book;
  if (p->accounts == 0 || p->account[o->m.account].limits.collar == 0 || !p->book[book].traded) return false;
  int64_t collar = p->account[o->m.account].limits.collar, price = p->book[book].last + (o->m.side == ASSAY_SELL ? -collar : collar);
  *worst = (int32_t)price;
  return price >= INT32_MIN && price <= INT32_MAX;
}

/* The order has been accepted or has lost its place; it is in the array, running. */
static void run(plain_book *p, uint64_t id) {
  order *o = find(p, id);
  uint32_t book = o->m.book;
  taker t = {.id = id, .left = open_of(o), .limit = o->m.price, .limited = !is_market(o)};
  bool market = is_market(o), immediate = o->m.tif == ASSAY_BOOK_IOC, whole = o->m.tif == ASSAY_BOOK_FOK, collared = false;
  int32_t worst;
  if (market && collar_of(p, o, &worst)) {
    collared = t.limited = true;
    t.limit = worst;
  }
  if (market) o->m.price = o->m.side == ASSAY_SELL ? INT32_MIN : INT32_MAX;
  bool post = o->m.type == ASSAY_BOOK_POST_ONLY;
  if (!post && ((!whole && !is_aon(o)) || fillable(p, &t))) match(p, &t);
  if (t.left > 0) {
    o = find(p, id);
    bool others = first(p, book, o->m.side ^ 1, false) != NULL && collared &&
                  !(o->m.side == ASSAY_SELL ? t.limit == INT32_MIN : t.limit == INT32_MAX);
    if (whole)
      drop(p, &t, ASSAY_BOOK_NOT_FILLED);
    else if (market)
      drop(p, &t, others ? ASSAY_BOOK_RISK_COLLAR : ASSAY_BOOK_NO_LIQUIDITY);
    else if (immediate)
      drop(p, &t, ASSAY_BOOK_IMMEDIATE);
    else {
      rest(p, &t);
      return;
    }
  }
  erase(p, id);
}

static void run_pending(plain_book *p) {
  while (p->pending_count > 0) {
    uint64_t id = p->pending[0];
    memmove(p->pending, p->pending + 1, --p->pending_count * sizeof *p->pending);
    order *o = find(p, id);
    int32_t worst;
    if (!is_market(o) && collar_of(p, o, &worst) && at_least_as_good(o->m.side ^ 1, worst, o->m.price)) o->m.price = worst;
    run(p, id);
  }
}

/* ---- Risk ---------------------------------------------------------------------------------------------------------------------------- */

/* Of those that come in. */
static uint8_t count_order(const plain_book *p, plain_account *a) {
  uint64_t second = p->now / 1000000000, before = a->second == second ? a->orders : 0;
  if (a->limits.rate != 0 && before >= a->limits.rate) return ASSAY_BOOK_RISK_RATE;
  a->second = second;
  a->orders = before + 1;
  return ASSAY_BOOK_NONE;
}

static uint8_t risk(plain_book *p, const assay_book_message *m, const order *o, uint64_t released) {
  if (p->accounts == 0) return ASSAY_BOOK_NONE;
  if (m->account >= p->accounts) return ASSAY_BOOK_UNKNOWN_ACCOUNT;
  plain_account *a = &p->account[m->account];
  const assay_book_limits *l = &a->limits;
  bool traded = p->book[m->book].traded;
  int32_t last = p->book[m->book].last;
  if (a->killed) return ASSAY_BOOK_KILLED;
  if (l->quantity != 0 && m->quantity > l->quantity) return ASSAY_BOOK_RISK_QUANTITY;
  unsigned type = o->m.type;
  bool waiting = is_stop_type(type) && (o->stop || m->kind == ASSAY_BOOK_NEW);
  int64_t price = m->price;
  bool known = true;
  if (waiting && is_trailing_type(type))
    price = last;
  else if (waiting && type == ASSAY_BOOK_STOP)
    price = m->trigger;
  else if (is_market(o)) {
    const order *maker = NULL;
    for (size_t i = 0; i < p->count; i++) {
      const order *x = &p->orders[i];
      bool end = x->m.price == (x->m.side == ASSAY_SELL ? INT32_MIN : INT32_MAX) && p->book[m->book].phase == ASSAY_BOOK_AUCTION;
      if (in_book(x, m->book, o->m.side ^ 1) && !is_aon(x) && !end && (maker == NULL || before(x, maker))) maker = x;
    }
    known = maker != NULL || traded;
    price = maker != NULL ? maker->m.price : last;
  }
  if (l->notional != 0 && known && (unsigned __int128)(price < 0 ? -price : price) * m->quantity > l->notional)
    return ASSAY_BOOK_RISK_NOTIONAL;
  if (l->collar != 0 && traded && !is_market(o) && !(waiting && is_trailing_type(type)) &&
      (price > last ? price - last : last - price) > (int64_t)l->collar)
    return ASSAY_BOOK_RISK_COLLAR;
  __int128 worst = p->book[m->book].positions[m->account];
  if (o->m.side == ASSAY_SELL) worst = -worst;
  for (size_t i = 0; i < p->count; i++)
    if (p->orders[i].m.book == m->book && p->orders[i].m.account == m->account && p->orders[i].m.side == o->m.side)
      worst += open_of(&p->orders[i]);
  worst += (__int128)m->quantity - released;
  __int128 most = l->position == 0 || l->position > INT64_MAX ? INT64_MAX : (__int128)l->position;
  return worst > most ? ASSAY_BOOK_RISK_POSITION : count_order(p, a);
}

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

static bool goes_with(unsigned type, unsigned tif) {
  switch (type) {
    case ASSAY_BOOK_MARKET: return tif == ASSAY_BOOK_GTC || tif == ASSAY_BOOK_IOC || tif == ASSAY_BOOK_FOK;
    case ASSAY_BOOK_STOP:
    case ASSAY_BOOK_TRAILING_STOP: return tif == ASSAY_BOOK_GTC || tif == ASSAY_BOOK_FOK || tif == ASSAY_BOOK_GTD;
    case ASSAY_BOOK_ICEBERG:
    case ASSAY_BOOK_POST_ONLY: return tif == ASSAY_BOOK_GTC || tif == ASSAY_BOOK_GTD;
    default: return true;
  }
}

static bool would_trade(plain_book *p, uint32_t book, unsigned side, int32_t price) {
  const order *maker = first(p, book, side ^ 1, false);
  return maker != NULL && at_least_as_good(side ^ 1, maker->m.price, price);
}

static uint8_t check_new(plain_book *p, const assay_book_message *m) {
  if (m->book >= p->books) return ASSAY_BOOK_UNKNOWN_BOOK;
  if (m->type >= ASSAY_BOOK_TYPES || m->tif >= ASSAY_BOOK_TIFS || m->side > 1 || m->self_trade >= ASSAY_BOOK_SELF_TRADES ||
      !goes_with(m->type, m->tif))
    return ASSAY_BOOK_MALFORMED;
  if (m->quantity == 0 || m->quantity > ASSAY_BOOK_MOST_QUANTITY) return ASSAY_BOOK_QUANTITY;
  if (find(p, m->id) != NULL) return ASSAY_BOOK_DUPLICATE;
  if (p->count >= p->most_orders) return ASSAY_BOOK_FULL;
  uint8_t phase = p->book[m->book].phase;
  if (m->type == ASSAY_BOOK_ICEBERG && (m->display == 0 || m->quantity / ASSAY_BOOK_MOST_SLICES > m->display)) return ASSAY_BOOK_DISPLAY;
  if (m->tif == ASSAY_BOOK_GTD && m->expire <= p->now) return ASSAY_BOOK_TOO_LATE;
  if (phase == ASSAY_BOOK_HALTED || phase == ASSAY_BOOK_CLOSED) return ASSAY_BOOK_WRONG_PHASE;
  if (phase == ASSAY_BOOK_AUCTION &&
      (m->tif == ASSAY_BOOK_IOC || m->tif == ASSAY_BOOK_FOK || m->tif == ASSAY_BOOK_AON || is_stop_type(m->type)))
    return ASSAY_BOOK_WRONG_PHASE;
  if (is_trailing_type(m->type)) {
    size_t trailing = 0;
    for (size_t i = 0; i < p->count; i++)
      trailing += p->orders[i].stop && p->orders[i].m.book == m->book && is_trailing_type(p->orders[i].m.type);
    if (m->trigger <= 0 || (m->type == ASSAY_BOOK_TRAILING_STOP_LIMIT && m->price < 0)) return ASSAY_BOOK_MALFORMED;
    if (!p->book[m->book].traded) return ASSAY_BOOK_NO_REFERENCE;
    if (trailing >= p->most_trailing) return ASSAY_BOOK_FULL;
  }
  if (m->tif == ASSAY_BOOK_AON) {
    size_t aons = 0;
    for (size_t i = 0; i < p->count; i++) aons += is_aon(&p->orders[i]) && p->orders[i].m.book == m->book;
    if (aons >= p->most_aon) return ASSAY_BOOK_FULL;
  }
  if (m->type == ASSAY_BOOK_POST_ONLY && phase == ASSAY_BOOK_CONTINUOUS && would_trade(p, m->book, m->side, m->price))
    return ASSAY_BOOK_WOULD_TRADE;
  order o = {.m = *m};
  return risk(p, m, &o, 0);
}

/* A stop waits, or is triggered at once. */
static void wait(plain_book *p, order *o) {
  uint64_t sum = open_of(o);
  for (size_t i = 0; i < p->count; i++) {
    const order *x = &p->orders[i];
    if (x != o && x->stop && x->m.book == o->m.book && x->m.side == o->m.side && x->m.trigger == o->m.trigger) sum += x->shown;
  }
  o->stop = true;
  o->running = false;
  o->place = ++p->places;
  if (p->book[o->m.book].traded && met(o, p->book[o->m.book].last))
    trigger(p, o);
  else if (sum > (UINT64_C(1) << 62))
    removed(p, o, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_LEVEL_FULL);
}

static void new_order(plain_book *p, const assay_book_message *m) {
  uint8_t reason = check_new(p, m);
  if (reason != ASSAY_BOOK_NONE) {
    reject(p, m, reason);
    return;
  }
  give(p, (assay_book_event){.kind = ASSAY_BOOK_ACCEPTED_EVENT,
                             .id = m->id,
                             .quantity = m->quantity,
                             .remaining = m->quantity,
                             .price = m->price,
                             .book = m->book,
                             .account = m->account,
                             .side = m->side});
  order *o = &p->orders[p->count++];
  *o = (order){.m = *m, .shown = m->quantity, .running = true};
  if (is_stop_type(m->type)) {
    if (is_trailing_type(m->type)) {
      o->trail = ++p->places;
      o->m.display = (uint64_t)m->trigger;
      o->m.trigger = clamp((int64_t)p->book[m->book].last + (m->side == ASSAY_SELL ? -(int64_t)m->trigger : (int64_t)m->trigger));
    }
    wait(p, o);
  } else if (p->book[m->book].phase == ASSAY_BOOK_AUCTION) {
    if (is_market(o)) o->m.price = m->side == ASSAY_SELL ? INT32_MIN : INT32_MAX;
    taker t = {.id = m->id, .left = m->quantity};
    rest(p, &t);
  } else {
    run(p, m->id);
  }
}

static order *order_of(plain_book *p, const assay_book_message *m) {
  order *o = find(p, m->id);
  if (o == NULL || o->m.book != m->book) {
    reject(p, m, ASSAY_BOOK_UNKNOWN_ORDER);
    return NULL;
  }
  if (o->m.account != m->account) {
    reject(p, m, ASSAY_BOOK_NOT_OWNER);
    return NULL;
  }
  return o;
}

static bool keeps_place(const assay_book_message *m, const order *o) {
  return m->kind == ASSAY_BOOK_MODIFY && !is_aon(o) && m->quantity <= open_of(o) && m->price == o->m.price;
}

/* Of a stop that waits. The trigger of one that trails goes where its distance takes it. */
static int32_t changed_trigger(const assay_book_message *m, const order *o) {
  if (!is_trailing_type(o->m.type)) return m->trigger;
  if (m->trigger == 0) return o->m.trigger;
  int64_t best = o->m.side == ASSAY_SELL ? o->m.trigger + (int64_t)o->m.display : o->m.trigger - (int64_t)o->m.display;
  return clamp(o->m.side == ASSAY_SELL ? best - m->trigger : best + m->trigger);
}

static uint8_t check_change(plain_book *p, const assay_book_message *m, const order *o) {
  uint8_t phase = p->book[m->book].phase;
  if (m->kind == ASSAY_BOOK_REPLACE && find(p, m->new_id) != NULL) return ASSAY_BOOK_DUPLICATE;
  if (phase == ASSAY_BOOK_HALTED || phase == ASSAY_BOOK_CLOSED) return ASSAY_BOOK_WRONG_PHASE;
  if (phase == ASSAY_BOOK_AUCTION && (o->stop || is_aon(o))) return ASSAY_BOOK_WRONG_PHASE;
  if (!o->stop && is_market(o)) return ASSAY_BOOK_MALFORMED;
  if (o->stop && o->m.type == ASSAY_BOOK_TRAILING_STOP_LIMIT && m->price < 0) return ASSAY_BOOK_MALFORMED;
  if (o->stop && is_trailing_type(o->m.type) && m->trigger < 0) return ASSAY_BOOK_MALFORMED;
  if (m->quantity == 0 || m->quantity > ASSAY_BOOK_MOST_QUANTITY) return ASSAY_BOOK_QUANTITY;
  if (o->m.type == ASSAY_BOOK_ICEBERG && m->quantity / ASSAY_BOOK_MOST_SLICES > o->m.display) return ASSAY_BOOK_DISPLAY;
  if (o->m.type == ASSAY_BOOK_POST_ONLY && phase == ASSAY_BOOK_CONTINUOUS && !keeps_place(m, o) &&
      would_trade(p, m->book, o->m.side, m->price))
    return ASSAY_BOOK_WOULD_TRADE;
  bool adds = m->quantity > open_of(o) || (!o->stop && m->price != o->m.price) || (o->stop && !is_market(o) && m->price != o->m.price) ||
              (o->stop && changed_trigger(m, o) != o->m.trigger);
  if (!adds) return p->accounts == 0 ? ASSAY_BOOK_NONE : count_order(p, &p->account[m->account]);
  return risk(p, m, o, open_of(o));
}

static void change(plain_book *p, const assay_book_message *m) {
  order *o = order_of(p, m);
  if (o == NULL) return;
  uint8_t reason = check_change(p, m, o);
  if (reason != ASSAY_BOOK_NONE) {
    reject(p, m, reason);
    return;
  }
  bool replace = m->kind == ASSAY_BOOK_REPLACE;
  give(p, (assay_book_event){.kind = replace ? ASSAY_BOOK_REPLACED_EVENT : ASSAY_BOOK_MODIFIED_EVENT,
                             .id = m->id,
                             .other = replace ? m->new_id : 0,
                             .quantity = m->quantity,
                             .remaining = m->quantity,
                             .price = m->price,
                             .book = m->book,
                             .account = m->account,
                             .side = o->m.side});
  uint64_t id = o->m.id = replace ? m->new_id : m->id;
  if (o->stop) {
    int32_t wanted = changed_trigger(m, o);
    bool keeps = !replace && wanted == o->m.trigger && (is_market(o) || m->price == o->m.price) && m->quantity <= o->shown;
    if (is_trailing_type(o->m.type) && m->trigger != 0) o->m.display = (uint64_t)m->trigger;
    o->m.price = m->price;
    o->m.trigger = wanted;
    o->shown = m->quantity;
    if (!keeps) {
      o->trail = ++p->places;
      wait(p, o);
    }
  } else if (keeps_place(m, o)) {
    if (o->shown > m->quantity) o->shown = m->quantity;
    o->hidden = m->quantity - o->shown;
  } else {
    o->m.price = m->price;
    o->shown = m->quantity;
    o->hidden = 0;
    o->running = true;
    if (p->book[m->book].phase == ASSAY_BOOK_AUCTION) {
      taker t = {.id = id, .left = m->quantity};
      rest(p, &t);
    } else {
      run(p, id);
    }
  }
}

static void enter(plain_book *p, uint32_t book, uint8_t phase) {
  p->book[book].phase = phase;
  give(p, (assay_book_event){.kind = ASSAY_BOOK_PHASE_EVENT, .book = book, .flags = phase});
  if (phase != ASSAY_BOOK_CONTINUOUS) return;
  if (p->book[book].traded) mark(p, book, p->book[book].last);
  retry(p, book, ASSAY_BUY);
  retry(p, book, ASSAY_SELL);
}

/* ---- Auction ------------------------------------------------------------------------------------------------------------------------- */

typedef struct candidate {
  int32_t price;
  unsigned __int128 volume, size;
  __int128 surplus;
} candidate;

static candidate candidate_at(const plain_book *p, uint32_t book, int32_t price) {
  unsigned __int128 bids = 0, offers = 0;
  for (size_t i = 0; i < p->count; i++) {
    const order *o = &p->orders[i];
    if (o->m.book != book || o->stop || is_aon(o)) continue;
    if (o->m.side == ASSAY_BUY && o->m.price >= price) bids += open_of(o);
    if (o->m.side == ASSAY_SELL && o->m.price <= price) offers += open_of(o);
  }
  __int128 surplus = (__int128)bids - (__int128)offers;
  return (candidate){price, bids < offers ? bids : offers, (unsigned __int128)(surplus < 0 ? -surplus : surplus), surplus};
}

static int64_t apart(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

/* The price that the rules choose. */
static candidate choose(const plain_book *p, uint32_t book, int32_t reference) {
  candidate *all = malloc((p->count + 1) * sizeof *all);
  size_t count = 0;
  all[count++] = candidate_at(p, book, reference);
  for (size_t i = 0; i < p->count; i++)
    if (p->orders[i].m.book == book && !p->orders[i].stop && !is_aon(&p->orders[i]))
      all[count++] = candidate_at(p, book, p->orders[i].m.price);
  unsigned __int128 most = 0, least = ~(unsigned __int128)0;
  for (size_t i = 0; i < count; i++)
    if (all[i].volume > most) most = all[i].volume;
  /* The ends of the range are where market orders wait: no prices, where others trade as much. */
  size_t kept = 0, named = 0;
  for (size_t i = 0; i < count; i++)
    if (all[i].volume == most) all[kept++] = all[i];
  for (size_t i = 0; i < kept; i++)
    if (all[i].price != INT32_MIN && all[i].price != INT32_MAX) all[named++] = all[i];
  if (named > 0) kept = named;
  for (size_t i = 0; i < kept; i++)
    if (all[i].size < least) least = all[i].size;
  count = 0;
  for (size_t i = 0; i < kept; i++)
    if (all[i].size == least) all[count++] = all[i];
  candidate best = all[0];
  bool buyers = true, sellers = true;
  for (size_t i = 0; i < count; i++) {
    buyers &= all[i].surplus > 0;
    sellers &= all[i].surplus < 0;
  }
  for (size_t i = 0; i < count; i++) {
    const candidate *c = &all[i];
    int64_t nearer = apart(best.price, reference) - apart(c->price, reference);
    bool better = buyers ? c->price > best.price : sellers ? c->price < best.price : nearer > 0 || (nearer == 0 && c->price > best.price);
    if (better) best = *c;
  }
  free(all);
  return best;
}

static void auction_fill(plain_book *p, order *o, uint64_t quantity) {
  uint64_t left = open_of(o) - quantity;
  o->shown = left;
  o->hidden = 0;
  if (o->m.type == ASSAY_BOOK_ICEBERG && left > o->m.display) {
    o->shown = o->m.display;
    o->hidden = left - o->shown;
  }
  if (left == 0) erase(p, o->m.id);
}

static void uncross(plain_book *p, const assay_book_message *m) {
  if (m->book >= p->books) {
    reject(p, m, ASSAY_BOOK_UNKNOWN_BOOK);
    return;
  }
  if (p->book[m->book].phase != ASSAY_BOOK_AUCTION || m->type >= ASSAY_BOOK_PHASES || m->type == ASSAY_BOOK_AUCTION) {
    reject(p, m, p->book[m->book].phase != ASSAY_BOOK_AUCTION ? ASSAY_BOOK_WRONG_PHASE : ASSAY_BOOK_MALFORMED);
    return;
  }
  candidate c = choose(p, m->book, m->price);
  if (c.volume == 0) c = (candidate){.price = m->price};
  give(p, (assay_book_event){.kind = ASSAY_BOOK_AUCTION_EVENT,
                             .quantity = c.volume > UINT64_MAX ? UINT64_MAX : (uint64_t)c.volume,
                             .remaining = c.size > UINT64_MAX ? UINT64_MAX : (uint64_t)c.size,
                             .price = c.price,
                             .book = m->book,
                             .side = c.surplus < 0});
  for (unsigned __int128 left = c.volume; left > 0;) {
    order *buy = first(p, m->book, ASSAY_BUY, false), *sell = first(p, m->book, ASSAY_SELL, false);
    uint64_t quantity = open_of(buy) < open_of(sell) ? open_of(buy) : open_of(sell), buy_id = buy->m.id, sell_id = sell->m.id;
    left -= quantity;
    give(p, (assay_book_event){.kind = ASSAY_BOOK_TRADE_EVENT,
                               .id = buy_id,
                               .other = sell_id,
                               .quantity = quantity,
                               .remaining = open_of(sell) - quantity,
                               .price = c.price,
                               .book = m->book,
                               .account = buy->m.account,
                               .side = ASSAY_BUY,
                               .flags = (uint8_t)((open_of(buy) == quantity ? ASSAY_BOOK_ID_DONE : 0) |
                                                  (open_of(sell) == quantity ? ASSAY_BOOK_OTHER_DONE : 0))});
    if (p->accounts > 0) {
      p->book[m->book].positions[buy->m.account] += (int64_t)quantity;
      p->book[m->book].positions[sell->m.account] -= (int64_t)quantity;
    }
    auction_fill(p, buy, quantity);
    auction_fill(p, find(p, sell_id), quantity);
  }
  if (c.volume > 0) seen(p, m->book, c.price);
  for (unsigned side = 0; side < 2; side++)
    for (;;) {
      order *next = NULL;
      for (size_t i = 0; i < p->count; i++) {
        order *o = &p->orders[i];
        if (in_book(o, m->book, side) && o->m.type == ASSAY_BOOK_MARKET && (next == NULL || o->place < next->place)) next = o;
      }
      if (next == NULL) break;
      removed(p, next, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_NO_LIQUIDITY);
    }
  enter(p, m->book, m->type);
}

/* ---- Accounts ------------------------------------------------------------------------------------------------------------------------ */

/* The order in which a mass cancellation goes over orders. */
static bool cancelled_before(const order *a, const order *b) { return a->m.book != b->m.book ? a->m.book < b->m.book : a->m.id < b->m.id; }

static void cancel_all(plain_book *p, uint32_t account, uint32_t book, uint8_t reason) {
  for (;;) {
    order *next = NULL;
    for (size_t i = 0; i < p->count; i++) {
      order *o = &p->orders[i];
      if (o->m.account == account && (book == ASSAY_BOOK_ALL || o->m.book == book) && (next == NULL || cancelled_before(o, next))) next = o;
    }
    if (next == NULL) return;
    removed(p, next, ASSAY_BOOK_CANCELLED_EVENT, reason);
  }
}

static void account_message(plain_book *p, const assay_book_message *m) {
  if (m->kind == ASSAY_BOOK_MASS_CANCEL) {
    uint8_t reason = ASSAY_BOOK_NONE;
    if (m->book != ASSAY_BOOK_ALL && m->book >= p->books)
      reason = ASSAY_BOOK_UNKNOWN_BOOK;
    else if (p->accounts > 0)
      reason = m->account >= p->accounts ? ASSAY_BOOK_UNKNOWN_ACCOUNT : count_order(p, &p->account[m->account]);
    if (reason != ASSAY_BOOK_NONE)
      reject(p, m, reason);
    else
      cancel_all(p, m->account, m->book, ASSAY_BOOK_USER);
    return;
  }
  if (m->account >= p->accounts) {
    reject(p, m, ASSAY_BOOK_UNKNOWN_ACCOUNT);
    return;
  }
  plain_account *a = &p->account[m->account];
  if (m->kind == ASSAY_BOOK_KILL) {
    a->killed = m->type != 0;
    give(p, (assay_book_event){.kind = ASSAY_BOOK_KILL_EVENT, .book = m->book, .account = m->account, .flags = a->killed});
    if (a->killed) cancel_all(p, m->account, ASSAY_BOOK_ALL, ASSAY_BOOK_KILLED);
    return;
  }
  a->limits = (assay_book_limits){m->quantity, m->display, m->expire, (uint32_t)m->price, (uint32_t)m->trigger};
  give(p, (assay_book_event){.kind = ASSAY_BOOK_LIMITS_EVENT, .account = m->account});
}

static void expire(plain_book *p) {
  for (;;) {
    order *next = NULL;
    for (size_t i = 0; i < p->count; i++) {
      order *o = &p->orders[i];
      if (o->m.tif != ASSAY_BOOK_GTD || o->m.expire > p->now) continue;
      if (next == NULL || o->m.expire < next->m.expire || (o->m.expire == next->m.expire && o->m.id < next->m.id)) next = o;
    }
    if (next == NULL) return;
    removed(p, next, ASSAY_BOOK_EXPIRED_EVENT, 0);
  }
}

void plain_book_apply(plain_book *p, const assay_book_message *m) {
  p->event_count = 0;
  if (m->time > p->now) p->now = m->time;
  expire(p);
  switch (m->kind) {
    case ASSAY_BOOK_NEW: new_order(p, m); break;
    case ASSAY_BOOK_CANCEL: {
      order *o = order_of(p, m);
      if (o != NULL) removed(p, o, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_USER);
      break;
    }
    case ASSAY_BOOK_MODIFY:
    case ASSAY_BOOK_REPLACE: change(p, m); break;
    case ASSAY_BOOK_CLOCK: break;
    case ASSAY_BOOK_PHASE:
      if (m->book >= p->books)
        reject(p, m, ASSAY_BOOK_UNKNOWN_BOOK);
      else if (m->type >= ASSAY_BOOK_PHASES || p->book[m->book].phase == ASSAY_BOOK_AUCTION)
        reject(p, m, m->type >= ASSAY_BOOK_PHASES ? ASSAY_BOOK_MALFORMED : ASSAY_BOOK_WRONG_PHASE);
      else
        enter(p, m->book, m->type);
      break;
    case ASSAY_BOOK_UNCROSS: uncross(p, m); break;
    case ASSAY_BOOK_MASS_CANCEL:
    case ASSAY_BOOK_LIMITS:
    case ASSAY_BOOK_KILL: account_message(p, m); break;
    default: reject(p, m, ASSAY_BOOK_MALFORMED); break;
  }
  run_pending(p);
}
