/* SPDX-License-Identifier: MIT */
/*
 * What a user may rely on, as docs/book.md promises it, checked from outside: an observer sees only messages, events and answers to
 * questions, keeps account of every order by them, and knows nothing of how matching is done. All types, times in force, phases and
 * self-trade policies, and then anything at random.
 */
#include "test.h"

#include <assay/book.h>

#include "base/random.h"

enum { BOOKS = 2, ACCOUNTS = 5, MOST_ORDERS = 400, COLLAR = 10, POSITION = 60 };

typedef struct seen_order {
  assay_book_message m;         /* as it came in; id, price, trigger and quantity as they are now */
  uint64_t open, traded, whole; /* `whole`: what an order has to trade that trades in full or not at all */
  uint64_t place;               /* number of the message that put it last in time */
  int64_t extreme;              /* of a trailing stop: the best trade since it came in */
  bool stop, live;
} seen_order;

typedef struct observer {
  assay_book *book;
  uint32_t accounts;
  seen_order orders[MOST_ORDERS];
  size_t count;
  uint64_t now, message, sequence;
  struct {
    bool traded;
    int32_t last;
    unsigned phase;
    int64_t position[ACCOUNTS];
  } books[BOOKS];
  uint64_t taker; /* whose trades these are, and the last trade before them */
  int32_t before;
  bool had_before, in_auction;
  int32_t auction_price;
  const assay_book_message *m;
  size_t events; /* of this message, but for expiries */
  unsigned first_kind, first_reason;
} observer;

static seen_order *find(observer *o, uint64_t id) {
  for (size_t i = 0; i < o->count; i++)
    if (o->orders[i].live && o->orders[i].m.id == id) return &o->orders[i];
  return NULL;
}

static seen_order *must_find(observer *o, uint64_t id) {
  seen_order *x = find(o, id);
  assert_non_null(x);
  return x;
}

static bool is_trailing(const seen_order *x) {
  return x->m.type == ASSAY_BOOK_TRAILING_STOP || x->m.type == ASSAY_BOOK_TRAILING_STOP_LIMIT;
}
static bool is_stop_type(unsigned type) { return type >= ASSAY_BOOK_STOP && type <= ASSAY_BOOK_TRAILING_STOP_LIMIT; }
static bool has_limit(const seen_order *x) {
  return x->m.type != ASSAY_BOOK_MARKET && x->m.type != ASSAY_BOOK_STOP && x->m.type != ASSAY_BOOK_TRAILING_STOP;
}
static bool is_aon(const seen_order *x) { return x->m.tif == ASSAY_BOOK_AON; }
static bool better(unsigned side, int32_t a, int32_t b) { return side == ASSAY_BUY ? a > b : a < b; }

static void leave(seen_order *x) {
  /* All or nothing is what these promise, also where they are cancelled or decremented. */
  if (x->m.tif == ASSAY_BOOK_FOK || is_aon(x)) assert_true(x->traded == 0 || x->traded == x->whole);
  x->live = false;
}

static void lose(seen_order *x, uint64_t quantity) {
  assert_true(quantity > 0 && quantity <= x->open);
  x->open -= quantity;
  if (x->open == 0) leave(x);
}

/* Nobody who stands before the maker was left out. */
static void check_priority(const observer *o, const seen_order *taker, const seen_order *maker) {
  unsigned side = maker->m.side;
  for (size_t i = 0; i < o->count; i++) {
    const seen_order *x = &o->orders[i];
    if (!x->live || x == maker || x == taker || x->m.book != maker->m.book || x->m.side != side || x->stop || x->place > o->message)
      continue;
    if (!has_limit(x)) continue; /* a stop that was triggered and runs later */
    if (x->place == o->message && is_stop_type(x->m.type)) continue;
    if (is_aon(x)) {
      /* Passed over only if what is left would not fill it. */
      if (better(side, x->m.price, maker->m.price)) assert_true(x->open > taker->open || x->place == o->message);
      continue;
    }
    assert_false(better(side, x->m.price, maker->m.price));
    if (x->m.price != maker->m.price) continue;
    assert_false(is_aon(maker));
    assert_true(x->place >= maker->place);
  }
}

static void on_trade(observer *o, const assay_book_event *e) {
  seen_order *taker = must_find(o, e->id), *maker = must_find(o, e->other);
  uint32_t book = e->book;
  assert_true(taker->m.book == book && maker->m.book == book && taker->m.side != maker->m.side && taker->m.side == e->side);
  assert_false(taker->stop || maker->stop);
  if (has_limit(taker) && !is_trailing(taker))
    assert_true(taker->m.side == ASSAY_BUY ? e->price <= taker->m.price : e->price >= taker->m.price);
  if (o->in_auction) {
    assert_int_equal(e->price, o->auction_price);
    if (has_limit(maker)) assert_true(maker->m.side == ASSAY_BUY ? e->price <= maker->m.price : e->price >= maker->m.price);
  } else {
    assert_int_equal(o->books[book].phase, ASSAY_BOOK_CONTINUOUS);
    assert_int_equal(e->price, maker->m.price);
    assert_int_not_equal(taker->m.type, ASSAY_BOOK_POST_ONLY);
    if (taker->m.account == maker->m.account && taker->m.account != 0) assert_int_equal(taker->m.self_trade, ASSAY_BOOK_ALLOW);
    if (is_aon(maker)) assert_int_equal(e->quantity, maker->open);
    check_priority(o, taker, maker);
    if (o->taker != e->id) {
      o->taker = e->id;
      o->before = o->books[book].last;
      o->had_before = o->books[book].traded;
    }
    bool triggered = is_stop_type(taker->m.type) && taker->place == o->message; /* not one that rested since then */
    bool collared = o->accounts > 0 && o->had_before && (!has_limit(taker) || triggered);
    if (collared)
      assert_true(taker->m.side == ASSAY_BUY ? e->price <= (int64_t)o->before + COLLAR : e->price >= (int64_t)o->before - COLLAR);
  }
  if (o->accounts > 0) {
    uint32_t buyer = e->side == ASSAY_BUY ? taker->m.account : maker->m.account;
    uint32_t seller = e->side == ASSAY_BUY ? maker->m.account : taker->m.account;
    o->books[book].position[buyer] += (int64_t)e->quantity;
    o->books[book].position[seller] -= (int64_t)e->quantity;
  }
  taker->traded += e->quantity;
  maker->traded += e->quantity;
  assert_int_equal(e->remaining, maker->open - e->quantity);
  assert_int_equal((e->flags & ASSAY_BOOK_ID_DONE) != 0, taker->open == e->quantity);
  assert_int_equal((e->flags & ASSAY_BOOK_OTHER_DONE) != 0, maker->open == e->quantity);
  lose(taker, e->quantity);
  lose(maker, e->quantity);
  o->books[book].last = e->price;
  o->books[book].traded = true;
  for (size_t i = 0; i < o->count; i++) {
    seen_order *x = &o->orders[i];
    if (!x->live || !x->stop || !is_trailing(x) || x->m.book != book) continue;
    if (x->m.side == ASSAY_SELL ? e->price > x->extreme : e->price < x->extreme) x->extreme = e->price;
  }
}

static void on_decremented(observer *o, const assay_book_event *e) {
  seen_order *taker = must_find(o, e->id), *maker = must_find(o, e->other);
  assert_true(taker->m.account == maker->m.account && taker->m.account != 0 && taker->m.self_trade == ASSAY_BOOK_DECREMENT);
  assert_true(taker->m.side != maker->m.side && e->price == maker->m.price);
  lose(taker, e->quantity);
  lose(maker, e->quantity);
}

/* Where a waiting stop is triggered: a trailing one behind the best trade that it has seen. */
static int64_t trigger_of(const seen_order *x) {
  if (!is_trailing(x)) return x->m.trigger;
  return x->m.side == ASSAY_SELL ? x->extreme - x->m.trigger : x->extreme + x->m.trigger;
}

/* No stop waits that the last trade has met. */
static void check_triggered(const observer *o, uint32_t book) {
  if (o->books[book].phase != ASSAY_BOOK_CONTINUOUS || !o->books[book].traded) return;
  for (size_t i = 0; i < o->count; i++) {
    const seen_order *x = &o->orders[i];
    if (!x->live || !x->stop || x->m.book != book) continue;
    assert_false(x->m.side == ASSAY_BUY ? o->books[book].last >= trigger_of(x) : o->books[book].last <= trigger_of(x));
  }
}

/* What is left of an incoming order goes when its trades have triggered what they meet. */
static bool is_of_taker(unsigned reason) {
  return reason == ASSAY_BOOK_IMMEDIATE || reason == ASSAY_BOOK_NOT_FILLED || reason == ASSAY_BOOK_NO_LIQUIDITY ||
         reason == ASSAY_BOOK_RISK_COLLAR;
}

static void on_gone(observer *o, const assay_book_event *e) {
  seen_order *x = must_find(o, e->id);
  assert_int_equal(e->quantity, x->open);
  assert_int_equal(e->account, x->m.account);
  if (e->kind == ASSAY_BOOK_EXPIRED_EVENT) assert_true(x->m.tif == ASSAY_BOOK_GTD && x->m.expire <= o->now);
  if (e->reason == ASSAY_BOOK_IMMEDIATE) assert_int_equal(x->m.tif, ASSAY_BOOK_IOC);
  if (e->reason == ASSAY_BOOK_NOT_FILLED) assert_true(x->m.tif == ASSAY_BOOK_FOK && x->traded == 0);
  if (e->reason == ASSAY_BOOK_NO_LIQUIDITY || e->reason == ASSAY_BOOK_RISK_COLLAR) assert_false(has_limit(x));
  if (e->reason == ASSAY_BOOK_KILLED) assert_true(o->m->kind == ASSAY_BOOK_KILL && x->m.account == o->m->account);
  if (is_of_taker(e->reason)) check_triggered(o, x->m.book);
  leave(x);
}

static void on_changed(observer *o, const assay_book_event *e) {
  seen_order *x = must_find(o, e->id);
  const assay_book_message *m = o->m;
  assert_true(x->m.account == m->account && x->m.book == m->book);
  int32_t trigger = is_trailing(x) && m->trigger == 0 ? x->m.trigger : m->trigger;
  bool same = x->stop ? trigger == x->m.trigger && (!has_limit(x) || m->price == x->m.price) : m->price == x->m.price && !is_aon(x);
  bool keeps = e->kind == ASSAY_BOOK_MODIFIED_EVENT && m->quantity <= x->open && same;
  if (e->kind == ASSAY_BOOK_REPLACED_EVENT) {
    assert_null(find(o, e->other));
    assert_int_equal(e->other, m->new_id);
    x->m.id = e->other;
  }
  x->open = x->whole = m->quantity;
  x->traded = 0;
  x->m.price = m->price;
  if (x->stop) x->m.trigger = trigger;
  if (!keeps) x->place = o->message;
}

static void on_accepted(observer *o, const assay_book_event *e) {
  const assay_book_message *m = o->m;
  assert_true(m->kind == ASSAY_BOOK_NEW && e->id == m->id && e->quantity == m->quantity);
  assert_null(find(o, m->id));
  size_t at = 0;
  while (at < o->count && o->orders[at].live) at++;
  assert_true(at < MOST_ORDERS);
  if (at == o->count) o->count++;
  o->orders[at] = (seen_order){.m = *m,
                               .open = m->quantity,
                               .whole = m->quantity,
                               .place = o->message,
                               .live = true,
                               .stop = is_stop_type(m->type),
                               .extreme = o->books[m->book].last};
}

/* Nobody's trigger was nearer, and nobody waited longer at the same one. (When a trailing stop came to its trigger is not looked at.) */
static void check_trigger_priority(const observer *o, const seen_order *x) {
  for (size_t i = 0; i < o->count; i++) {
    const seen_order *y = &o->orders[i];
    if (y == x || !y->live || !y->stop || is_trailing(x) || is_trailing(y) || y->m.book != x->m.book || y->m.side != x->m.side) continue;
    if (x->place == o->message) continue; /* just now given a trigger that is met already */
    assert_false(better(x->m.side ^ 1, y->m.trigger, x->m.trigger));
    if (x->m.trigger == y->m.trigger) assert_true(y->place > x->place);
  }
}

static void on_triggered(observer *o, const assay_book_event *e) {
  seen_order *x = must_find(o, e->id);
  assert_true(x->stop && o->books[x->m.book].traded);
  int32_t last = o->books[x->m.book].last;
  if (!is_trailing(x)) assert_int_equal(e->price, x->m.trigger);
  check_trigger_priority(o, x);
  /* Met by the last trade, or by one of the same order before it. */
  if (o->taker == 0) assert_true(x->m.side == ASSAY_BUY ? last >= e->price : last <= e->price);
  x->stop = false;
  x->place = o->message;
  if (x->m.type == ASSAY_BOOK_TRAILING_STOP_LIMIT) x->m.price = x->m.side == ASSAY_BUY ? e->price + x->m.price : e->price - x->m.price;
}

static void on_replenished(observer *o, const assay_book_event *e) {
  seen_order *x = must_find(o, e->id);
  assert_int_equal(x->m.type, ASSAY_BOOK_ICEBERG);
  assert_true(e->quantity <= x->m.display && e->remaining == x->open && e->quantity <= x->open);
  x->place = o->message;
}

static void on_event(void *context, const assay_book_event *e) {
  observer *o = context;
  assert_int_equal(e->sequence, ++o->sequence);
  assert_int_equal(e->time, o->now);
  if (e->kind != ASSAY_BOOK_EXPIRED_EVENT && o->events++ == 0) {
    o->first_kind = e->kind;
    o->first_reason = e->reason;
  }
  switch (e->kind) {
    case ASSAY_BOOK_ACCEPTED_EVENT: on_accepted(o, e); break;
    case ASSAY_BOOK_TRADE_EVENT: on_trade(o, e); break;
    case ASSAY_BOOK_DECREMENTED_EVENT: on_decremented(o, e); break;
    case ASSAY_BOOK_CANCELLED_EVENT:
    case ASSAY_BOOK_EXPIRED_EVENT: on_gone(o, e); break;
    case ASSAY_BOOK_MODIFIED_EVENT:
    case ASSAY_BOOK_REPLACED_EVENT: on_changed(o, e); break;
    case ASSAY_BOOK_TRIGGERED_EVENT: on_triggered(o, e); break;
    case ASSAY_BOOK_REPLENISHED_EVENT: on_replenished(o, e); break;
    case ASSAY_BOOK_AUCTION_EVENT:
      o->in_auction = true;
      o->auction_price = e->price;
      break;
    case ASSAY_BOOK_PHASE_EVENT:
      o->books[e->book].phase = e->flags;
      o->in_auction = false;
      break;
    default: break;
  }
}
ASSAY_BOOK_SINK(on_events, on_event)

/* ---- After a message ----------------------------------------------------------------------------------------------------------------- */

static bool goes_together(unsigned type, unsigned tif) {
  if (type >= ASSAY_BOOK_TYPES || tif >= ASSAY_BOOK_TIFS) return false;
  if (type == ASSAY_BOOK_MARKET) return tif <= ASSAY_BOOK_FOK;
  if (type == ASSAY_BOOK_STOP || type == ASSAY_BOOK_TRAILING_STOP)
    return tif == ASSAY_BOOK_GTC || tif == ASSAY_BOOK_FOK || tif == ASSAY_BOOK_GTD;
  if (type == ASSAY_BOOK_ICEBERG || type == ASSAY_BOOK_POST_ONLY) return tif == ASSAY_BOOK_GTC || tif == ASSAY_BOOK_GTD;
  return true;
}

/* A message that may not be is rejected, and what is rejected does nothing. */
static void check_answer(observer *o, unsigned phase_before) {
  const assay_book_message *m = o->m;
  bool rejected = o->events > 0 && o->first_kind == ASSAY_BOOK_REJECTED_EVENT;
  if (rejected) assert_int_equal(o->events, 1);
  if (m->book >= BOOKS) return;
  if (m->kind == ASSAY_BOOK_NEW) {
    bool malformed = !goes_together(m->type, m->tif) || m->side > 1 || m->self_trade >= ASSAY_BOOK_SELF_TRADES;
    if (malformed) assert_true(rejected && o->first_reason == ASSAY_BOOK_MALFORMED);
    if (phase_before == ASSAY_BOOK_HALTED || phase_before == ASSAY_BOOK_CLOSED) assert_true(rejected);
    if (phase_before == ASSAY_BOOK_AUCTION &&
        (m->tif == ASSAY_BOOK_IOC || m->tif == ASSAY_BOOK_FOK || m->tif == ASSAY_BOOK_AON || is_stop_type(m->type)))
      assert_true(rejected);
  }
  if ((m->kind == ASSAY_BOOK_MODIFY || m->kind == ASSAY_BOOK_REPLACE) && phase_before > ASSAY_BOOK_AUCTION) assert_true(rejected);
  if (m->kind == ASSAY_BOOK_PHASE && phase_before == ASSAY_BOOK_AUCTION) assert_true(rejected);
  if (m->kind == ASSAY_BOOK_UNCROSS && phase_before != ASSAY_BOOK_AUCTION) assert_true(rejected);
}

static void check_order(observer *o, seen_order *x) {
  assay_book_order now;
  unsigned phase = o->books[x->m.book].phase;
  assert_true(assay_book_find(o->book, x->m.id, &now));
  assert_true(now.quantity == x->open && now.account == x->m.account && now.book == x->m.book && (unsigned)now.side == x->m.side &&
              now.stop == x->stop && now.aon == is_aon(x));
  if (x->stop || is_aon(x)) assert_int_equal(now.displayed, 0);
  if (x->m.type == ASSAY_BOOK_ICEBERG) assert_true(now.displayed > 0 && now.displayed <= x->m.display && now.displayed <= x->open);
  if (x->m.tif == ASSAY_BOOK_GTD) assert_true(x->m.expire > o->now);
  if (!x->stop) {
    /* What may not rest does not. */
    assert_true(x->m.tif != ASSAY_BOOK_IOC && x->m.tif != ASSAY_BOOK_FOK);
    if (!has_limit(x)) {
      assert_int_equal(phase, ASSAY_BOOK_AUCTION);
      return;
    }
    /* A triggered stop's limit may have come nearer by the collar, never gone further. */
    if (is_stop_type(x->m.type) && o->accounts > 0)
      assert_false(better(x->m.side, now.price, x->m.price));
    else
      assert_int_equal(now.price, x->m.price);
    x->m.price = now.price;
    return;
  }
  assert_int_equal(now.price, trigger_of(x));
  if (phase == ASSAY_BOOK_CONTINUOUS && o->books[x->m.book].traded)
    assert_false(x->m.side == ASSAY_BUY ? o->books[x->m.book].last >= now.price : o->books[x->m.book].last <= now.price);
}

static void check_depth(const observer *o, uint32_t book) {
  assay_mbo_level levels[2][MOST_ORDERS];
  size_t counts[2];
  for (unsigned side = 0; side < 2; side++) {
    counts[side] = assay_book_depth(o->book, book, (assay_side)side, levels[side], MOST_ORDERS);
    uint64_t shown = 0, expected = 0;
    for (size_t i = 0; i < counts[side]; i++) {
      if (i > 0) assert_true(better(side, levels[side][i - 1].price, levels[side][i].price));
      uint64_t quantity = 0;
      uint32_t orders = 0;
      for (size_t k = 0; k < o->count; k++) {
        const seen_order *x = &o->orders[k];
        assay_book_order now;
        if (!x->live || x->m.book != book || x->m.side != side || x->stop || is_aon(x) || !has_limit(x) ||
            x->m.price != levels[side][i].price)
          continue;
        assert_true(assay_book_find(o->book, x->m.id, &now));
        quantity += now.displayed;
        orders++;
      }
      assert_true(levels[side][i].quantity == quantity && levels[side][i].orders == orders && orders > 0);
      shown += orders;
    }
    for (size_t k = 0; k < o->count; k++) {
      const seen_order *x = &o->orders[k];
      expected += x->live && x->m.book == book && x->m.side == side && !x->stop && !is_aon(x) && has_limit(x);
    }
    assert_int_equal(shown, expected);
  }
  if (o->books[book].phase != ASSAY_BOOK_AUCTION && counts[0] > 0 && counts[1] > 0) assert_true(levels[0][0].price < levels[1][0].price);
}

static void check_all(observer *o) {
  size_t live = 0;
  for (size_t i = 0; i < o->count; i++) {
    if (!o->orders[i].live) continue;
    live++;
    check_order(o, &o->orders[i]);
  }
  assert_int_equal(assay_book_orders(o->book), live);
  for (uint32_t book = 0; book < BOOKS; book++) {
    check_depth(o, book);
    int32_t last = 0;
    assert_int_equal(assay_book_last_price(o->book, book, &last), o->books[book].traded);
    if (o->books[book].traded) assert_int_equal(last, o->books[book].last);
    for (uint32_t account = 0; account < o->accounts; account++) {
      int64_t position;
      assert_true(assay_book_position(o->book, book, account, &position));
      assert_int_equal(position, o->books[book].position[account]);
      assert_true(position <= POSITION && position >= -POSITION);
    }
  }
}

static void send(observer *o, const assay_book_message *m) {
  unsigned phase = m->book < BOOKS ? o->books[m->book].phase : 0;
  o->m = m;
  o->message++;
  o->events = 0;
  o->taker = 0;
  if (m->time > o->now) o->now = m->time;
  assay_book_apply(o->book, m, 1);
  check_answer(o, phase);
  check_all(o);
}

static void open_observer(observer *o, uint32_t accounts) {
  assay_error err = {0};
  *o = (observer){.accounts = accounts};
  assert_ok(
      assay_book_create(&(assay_book_options){.books = BOOKS, .accounts = accounts, .sink = on_events, .context = o, .expected_orders = 8},
                        &err, &o->book),
      err);
  for (uint32_t i = 0; i < accounts; i++) {
    assay_book_message m = assay_book_limits_message(0, i, &(assay_book_limits){.position = POSITION, .collar = COLLAR});
    send(o, &m);
  }
}

/* ---- Every kind of order in every phase ---------------------------------------------------------------------------------------------- */

#define ORDER(i, a, s, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_NEW, .id = (i), .account = (a), .side = (s), .quantity = (q), .price = (p), ##__VA_ARGS__})

/* A market around 100 with everything in it, own orders of account 1 among others. */
static void make_market(observer *o) {
  const assay_book_message begin[] = {
      ORDER(1, 2, ASSAY_SELL, 1, 100),
      ORDER(2, 3, ASSAY_BUY, 1, 100),
      ORDER(3, 2, ASSAY_SELL, 5, 101),
      ORDER(4, 1, ASSAY_SELL, 3, 101),
      ORDER(5, 2, ASSAY_SELL, 12, 102, .type = ASSAY_BOOK_ICEBERG, .display = 4),
      ORDER(6, 3, ASSAY_SELL, 6, 102, .tif = ASSAY_BOOK_AON),
      ORDER(7, 3, ASSAY_SELL, 20, 110),
      ORDER(8, 2, ASSAY_BUY, 5, 99),
      ORDER(9, 1, ASSAY_BUY, 3, 99),
      ORDER(10, 2, ASSAY_BUY, 12, 98, .type = ASSAY_BOOK_ICEBERG, .display = 4),
      ORDER(11, 3, ASSAY_BUY, 6, 98, .tif = ASSAY_BOOK_AON),
      ORDER(12, 3, ASSAY_BUY, 20, 90),
      ORDER(13, 2, ASSAY_BUY, 2, 0, .type = ASSAY_BOOK_STOP, .trigger = 102),
      ORDER(14, 3, ASSAY_SELL, 2, 95, .type = ASSAY_BOOK_STOP_LIMIT, .trigger = 98),
      ORDER(15, 2, ASSAY_SELL, 2, 0, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 3),
      ORDER(16, 3, ASSAY_BUY, 2, 2, .type = ASSAY_BOOK_TRAILING_STOP_LIMIT, .trigger = 3),
      ORDER(17, 4, ASSAY_BUY, 2, 97, .tif = ASSAY_BOOK_GTD, .expire = 1000),
      ORDER(18, 4, ASSAY_SELL, 2, 104, .type = ASSAY_BOOK_POST_ONLY),
  };
  for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) send(o, &begin[i]);
}

static void enter(observer *o, unsigned phase) {
  if (phase != ASSAY_BOOK_CONTINUOUS) send(o, &(assay_book_message){.kind = ASSAY_BOOK_PHASE, .type = (uint8_t)phase});
}

static void come_back(observer *o) {
  unsigned phase = o->books[0].phase;
  if (phase == ASSAY_BOOK_AUCTION)
    send(o, &(assay_book_message){.kind = ASSAY_BOOK_UNCROSS, .price = 100});
  else
    send(o, &(assay_book_message){.kind = ASSAY_BOOK_PHASE});
}

static void one_of_each(uint32_t accounts, unsigned phase) {
  static const struct {
    uint64_t quantity;
    int32_t price, trigger;
  } sizes[] = {{4, 103, 2}, {40, 103, 104}, {9, 98, 97}};
  observer *o = malloc(sizeof *o);
  for (unsigned type = 0; type <= ASSAY_BOOK_TYPES; type++)
    for (unsigned tif = 0; tif <= ASSAY_BOOK_TIFS; tif++)
      for (unsigned policy = 0; policy <= ASSAY_BOOK_SELF_TRADES; policy++)
        for (unsigned side = 0; side < 2; side++) {
          size_t size = (type + tif + policy) % 3;
          open_observer(o, accounts);
          make_market(o);
          enter(o, phase);
          /* Buyers' prices mirrored for sellers. */
          assay_book_message m =
              ORDER(50, 1, (uint8_t)side, sizes[size].quantity, side == ASSAY_BUY ? sizes[size].price : 200 - sizes[size].price,
                    .type = (uint8_t)type, .tif = (uint8_t)tif, .self_trade = (uint8_t)policy, .display = 2, .expire = 500, .time = 10);
          bool trails = type == ASSAY_BOOK_TRAILING_STOP || type == ASSAY_BOOK_TRAILING_STOP_LIMIT;
          m.trigger = trails ? 2 : side == ASSAY_BUY ? sizes[size].trigger : 200 - sizes[size].trigger;
          if (type == ASSAY_BOOK_TRAILING_STOP_LIMIT) m.price = 3;
          send(o, &m);
          bool valid = goes_together(type, tif) && policy < ASSAY_BOOK_SELF_TRADES && phase < ASSAY_BOOK_HALTED;
          bool accepted = o->first_kind == ASSAY_BOOK_ACCEPTED_EVENT;
          if (!valid) assert_false(accepted);
          /* Whatever became of it, it can be changed and cancelled by its owner only, and only while it is there. */
          bool there = find(o, 50) != NULL;
          assay_book_message change = {
              .kind = ASSAY_BOOK_MODIFY, .id = 50, .account = 2, .quantity = 1, .price = m.price, .trigger = m.trigger};
          send(o, &change);
          assert_int_equal(o->first_kind, ASSAY_BOOK_REJECTED_EVENT);
          assert_int_equal(o->first_reason, there ? ASSAY_BOOK_NOT_OWNER : ASSAY_BOOK_UNKNOWN_ORDER);
          change.account = 1;
          change.kind = type % 2 == 0 ? ASSAY_BOOK_MODIFY : ASSAY_BOOK_REPLACE;
          change.new_id = 60;
          send(o, &change);
          if (!there) assert_int_equal(o->first_reason, ASSAY_BOOK_UNKNOWN_ORDER);
          /* Somebody takes the best of both sides; then the day goes on. */
          send(o, &ORDER(70, 4, ASSAY_BUY, 8, 102));
          send(o, &ORDER(71, 4, ASSAY_SELL, 8, 98));
          come_back(o);
          send(o, &ORDER(72, 3, ASSAY_SELL, 30, 90, .tif = ASSAY_BOOK_IOC));
          send(o, &(assay_book_message){.kind = ASSAY_BOOK_CLOCK, .time = 2000});
          assert_true(find(o, 17) == NULL);
          send(o, &(assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = 1, .book = ASSAY_BOOK_ALL});
          for (size_t i = 0; i < o->count; i++) assert_false(o->orders[i].live && o->orders[i].m.account == 1);
          assay_book_destroy(o->book);
        }
  free(o);
}

static void test_every_kind_in_every_phase(void **state) {
  (void)state;
  for (unsigned phase = 0; phase < ASSAY_BOOK_PHASES; phase++)
    for (uint32_t accounts = 0; accounts <= ACCOUNTS; accounts += ACCOUNTS) one_of_each(accounts, phase);
}

/* ---- Anything at random -------------------------------------------------------------------------------------------------------------- */

static uint64_t below(assay_random *random, uint64_t bound) { return assay_random_below(random, bound); }

static assay_book_message random_order(assay_random *random, const observer *o) {
  assay_book_message m =
      ORDER(1 + below(random, 200), (uint32_t)below(random, ACCOUNTS), (uint8_t)below(random, 2), 1 + below(random, 20), 0);
  m.price = (m.side == ASSAY_BUY ? 92 : 97) + (int32_t)below(random, 12);
  m.book = (uint32_t)below(random, BOOKS);
  m.self_trade = (uint8_t)below(random, ASSAY_BOOK_SELF_TRADES);
  if (below(random, 2) == 0) return m;
  m.type = (uint8_t)below(random, ASSAY_BOOK_TYPES);
  m.tif = (uint8_t)below(random, ASSAY_BOOK_TIFS);
  m.display = 1 + below(random, 4);
  m.expire = o->now + below(random, 60);
  m.trigger = 90 + (int32_t)below(random, 20);
  if (m.type == ASSAY_BOOK_TRAILING_STOP || m.type == ASSAY_BOOK_TRAILING_STOP_LIMIT) {
    m.trigger = 1 + (int32_t)below(random, 8);
    m.price = (int32_t)below(random, 60);
  }
  return m;
}

static assay_book_message random_message(assay_random *random, const observer *o) {
  uint64_t lot = below(random, 100);
  assay_book_message m = random_order(random, o);
  if (o->count > 0 && lot < 40) {
    const seen_order *x = &o->orders[below(random, o->count)];
    m.kind = lot < 15 ? ASSAY_BOOK_CANCEL : lot < 28 ? ASSAY_BOOK_MODIFY : ASSAY_BOOK_REPLACE;
    m.id = x->m.id;
    m.account = below(random, 20) == 0 ? m.account : x->m.account;
    m.book = x->m.book;
    if (below(random, 2) == 0) m.price = x->m.price;
    if (below(random, 2) == 0) m.trigger = is_trailing(x) ? (int32_t)below(random, 9) : x->m.trigger;
    if (x->open > 0 && below(random, 2) == 0) m.quantity = 1 + below(random, x->open);
    m.new_id = 1 + below(random, 200);
  } else if (lot == 99 && below(random, 4) == 0) {
    bool auction = o->books[m.book].phase == ASSAY_BOOK_AUCTION;
    m = (assay_book_message){
        .kind = auction ? ASSAY_BOOK_UNCROSS : ASSAY_BOOK_PHASE, .book = m.book, .price = 95 + (int32_t)below(random, 10)};
    m.type = (uint8_t)(auction ? 2 * below(random, 2) : below(random, 3));
  } else if (lot == 98 && below(random, 4) == 0) {
    m = (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL, .account = m.account, .book = below(random, 2) == 0 ? ASSAY_BOOK_ALL : m.book};
  }
  m.time = o->now + below(random, 4);
  return m;
}

static void test_anything(void **state) {
  (void)state;
  observer *o = malloc(sizeof *o);
  for (unsigned round = 0; round < 60; round++) {
    assay_random random;
    assay_random_init(&random, 500 + round);
    open_observer(o, round % 2 == 0 ? 0 : ACCOUNTS);
    for (unsigned i = 0; i < 800; i++) {
      assay_book_message m = random_message(&random, o);
      /* Halts are short, or nothing would happen. */
      for (uint32_t book = 0; book < BOOKS; book++)
        if (o->books[book].phase > ASSAY_BOOK_AUCTION && below(&random, 30) == 0) {
          send(o, &(assay_book_message){.kind = ASSAY_BOOK_PHASE, .book = book});
        } else if (o->books[book].phase == ASSAY_BOOK_AUCTION && below(&random, 40) == 0) {
          send(o, &(assay_book_message){.kind = ASSAY_BOOK_UNCROSS, .book = book, .price = 100});
        }
      send(o, &m);
    }
    assay_error err = {0};
    assert_ok(assay_book_check(o->book, &err), err);
    assay_book_destroy(o->book);
  }
  free(o);
}

/* Those that trade in full or not at all, where they meet their own account's orders among icebergs at few prices. */
static void test_in_full_or_not_at_all(void **state) {
  (void)state;
  observer *o = malloc(sizeof *o);
  for (unsigned round = 0; round < 40; round++) {
    assay_random random;
    assay_random_init(&random, 900 + round);
    open_observer(o, 0);
    for (unsigned i = 0; i < 600; i++) {
      assay_book_message m =
          ORDER(1 + below(&random, 40), 1 + (uint32_t)below(&random, 3), (uint8_t)below(&random, 2), 1 + below(&random, 30), 0);
      bool whole = below(&random, 3) == 0;
      m.price =
          (m.side == ASSAY_BUY ? 99 : 100) + (whole && m.side == ASSAY_BUY) - (whole && m.side == ASSAY_SELL) + (int32_t)below(&random, 2);
      m.self_trade = (uint8_t)below(&random, ASSAY_BOOK_SELF_TRADES);
      m.display = 1 + below(&random, 8);
      if (whole)
        m.tif = below(&random, 3) == 0 ? ASSAY_BOOK_AON : ASSAY_BOOK_FOK;
      else if (below(&random, 2) == 0)
        m.type = ASSAY_BOOK_ICEBERG;
      send(o, &m);
    }
    assay_book_destroy(o->book);
  }
  free(o);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kind_in_every_phase), cmocka_unit_test(test_anything),
                                     cmocka_unit_test(test_in_full_or_not_at_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
