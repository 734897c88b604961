/* SPDX-License-Identifier: MIT */
/* Own orders in a recorded book. The rules stand in assay/book_backtest.h. */
#include <assay/book_backtest.h>

#include <math.h>
#include <string.h>

#include "market/backtest/ages.h"
#include "market/backtest/engine.h"
#include "market/book/mbo.h"

typedef struct own {
  assay_book_backtest_own now;
  uint64_t age; /* what came later has a greater one */
  bool immediate, gone;
} own;

/* Something on its way to the exchange. Latency is the same for all, so they arrive in the order in which they were sent. */
typedef struct travelling {
  uint64_t at_ns, id;
  bool cancels;
} travelling;

/* What we have taken from a level that the recording still shows. */
typedef struct taken {
  assay_side side;
  int32_t price;
  uint64_t quantity;
} taken;

/* A trade whose resting orders come off the book by the next events of the same instant (DBN: T, then C). */
typedef struct settling {
  uint64_t time_ns, quantity;
  assay_side side; /* whose orders were hit */
  int32_t price;
} settling;

/* What the recording tells of the book. One symbol has one kind, that of its first event. */
typedef enum book_kind { NOTHING_YET, ORDERS, LEVELS } book_kind;

struct assay_book_backtest {
  const assay_book_strategy *strategy;
  const double *parameters;
  const assay_book_backtest_options *options;
  void *state;
  assay_mbo *book; /* of levels: one order each, its reference made of side and price */
  assay_ages ages;
  book_kind kind;
  settling settling;
  uint64_t age, last_id, now_ns;
  int64_t tick; /* of the feed's steps in one of ours */
  double step, cash;
  int64_t position;
  double last_price; /* in our steps */
  assay_list owns, travels, takens, fills, samples;
  size_t travelled; /* of `travels`, those that have arrived */
  uint64_t first_ns;
  uint8_t decimals; /* of the symbol's prices and quantities */
  bool failed, has_price;
  bool rebuilding; /* a book of levels between CLEAR and the end of the message */
  bool partial;    /* it tells of the best levels only: what rests beyond the last one nobody knows */
  assay_book_backtest_result *result;
};

static own *own_at(const assay_book_backtest *r, size_t i) { return (own *)r->owns.items + i; }

static own *find_own(const assay_book_backtest *r, uint64_t id) {
  for (size_t i = r->owns.count; i > 0; i--)
    if (own_at(r, i - 1)->now.id == id && !own_at(r, i - 1)->gone) return own_at(r, i - 1);
  return NULL;
}

/* ---- What callbacks ask and do ------------------------------------------------------------------------------------------------------- */

uint64_t assay_book_backtest_now(const assay_book_backtest *run) { return run->now_ns; }
int64_t assay_book_backtest_tick(const assay_book_backtest *run) { return run->tick; }
bool assay_book_backtest_best(const assay_book_backtest *run, assay_side side, assay_mbo_level *level) {
  bool there = assay_mbo_best(run->book, 0, side, level);
  if (there && run->kind == LEVELS) level->orders = 0;
  return there;
}
size_t assay_book_backtest_depth(const assay_book_backtest *run, assay_side side, assay_mbo_level *levels, size_t most) {
  size_t count = assay_mbo_depth(run->book, 0, side, levels, most);
  for (size_t i = 0; i < count && run->kind == LEVELS; i++) levels[i].orders = 0;
  return count;
}
int64_t assay_book_backtest_position(const assay_book_backtest *run) { return run->position; }
double assay_book_backtest_cash(const assay_book_backtest *run) { return run->cash; }
const double *assay_book_backtest_parameters(const assay_book_backtest *run) { return run->parameters; }
void *assay_book_backtest_user(const assay_book_backtest *run) { return run->strategy->user; }

bool assay_book_backtest_find(const assay_book_backtest *run, uint64_t id, assay_book_backtest_own *found) {
  const own *o = find_own(run, id);
  if (o == NULL) return false;
  *found = o->now;
  return true;
}

/* What has arrived makes room before the list grows. */
static void drop_arrived(assay_book_backtest *r) {
  if (r->travelled < r->travels.count && 2 * r->travelled < r->travels.capacity) return;
  travelling *t = r->travels.items;
  r->travels.count -= r->travelled;
  if (r->travels.count > 0) memmove(t, t + r->travelled, r->travels.count * sizeof *t);
  r->travelled = 0;
}

static bool send(assay_book_backtest *r, uint64_t id, bool cancels) {
  if (r->travels.count == r->travels.capacity) drop_arrived(r);
  travelling *t = assay_list_add(&r->travels, sizeof *t);
  r->failed = r->failed || t == NULL;
  uint64_t latency = r->options->feed_ns + r->options->order_ns, at = r->now_ns + latency;
  if (t != NULL) *t = (travelling){.at_ns = at < latency ? UINT64_MAX : at, .id = id, .cancels = cancels};
  return t != NULL;
}

uint64_t assay_book_backtest_order(assay_book_backtest *run, assay_side side, int32_t price, uint64_t quantity, bool immediate) {
  if (quantity == 0 || quantity > ASSAY_BOOK_MOST_QUANTITY || (side != ASSAY_BUY && side != ASSAY_SELL)) return 0;
  own *o = assay_list_add(&run->owns, sizeof *o);
  run->failed = run->failed || o == NULL;
  if (o == NULL) return 0;
  bool any_price = price == (side == ASSAY_BUY ? INT32_MAX : INT32_MIN); /* is no price to rest at */
  *o = (own){.now = {.id = ++run->last_id, .left = quantity, .side = side, .price = price}, .immediate = immediate || any_price};
  run->result->orders++;
  return send(run, run->last_id, false) ? run->last_id : 0;
}

void assay_book_backtest_cancel(assay_book_backtest *run, uint64_t id) {
  run->result->cancels++;
  send(run, id, true);
}

/* ---- Fills --------------------------------------------------------------------------------------------------------------------------- */

static void fill(assay_book_backtest *r, uint64_t id, int32_t price, uint64_t quantity, bool maker) {
  own *o = find_own(r, id);
  if (o == NULL || quantity == 0) return;
  const assay_book_backtest_options *opt = r->options;
  if (quantity > o->now.left) quantity = o->now.left;
  bool buys = o->now.side == ASSAY_BUY;
  double units = (double)quantity, value = units * price * r->step;
  double fee = (maker ? opt->maker_rate : opt->taker_rate) * fabs(value) + (maker ? opt->maker_per_share : opt->taker_per_share) * units;
  assay_book_backtest_fill made = {
      .time_ns = r->now_ns, .order = id, .side = o->now.side, .price = price, .quantity = quantity, .fee = fee, .maker = maker};
  o->now.left -= quantity;
  o->gone = o->now.left == 0;
  r->cash += (buys ? -value : value) - fee;
  r->position += buys ? (int64_t)quantity : -(int64_t)quantity;
  int64_t size = r->position < 0 ? -r->position : r->position;
  if (size > r->result->most_position) r->result->most_position = size;
  *(maker ? &r->result->maker_quantity : &r->result->taker_quantity) += quantity;
  r->result->fees += fee;
  r->result->fill_count++;
  if (opt->keep_fills) {
    assay_book_backtest_fill *kept = assay_list_add(&r->fills, sizeof *kept);
    r->failed = r->failed || kept == NULL;
    if (kept != NULL) *kept = made;
  }
  if (r->strategy->on_fill != NULL) r->strategy->on_fill(r, &made, r->state);
}

/* ---- Arriving ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t *taken_of(assay_book_backtest *r, assay_side side, int32_t price, bool make) {
  taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count; i++)
    if (t[i].side == side && t[i].price == price) return &t[i].quantity;
  if (!make) return NULL;
  taken *made = assay_list_add(&r->takens, sizeof *made);
  r->failed = r->failed || made == NULL;
  if (made == NULL) return NULL;
  *made = (taken){side, price, 0};
  return &made->quantity;
}

static bool crosses(assay_side side, int32_t own_price, int32_t other) {
  return side == ASSAY_BUY ? own_price >= other : own_price <= other;
}

static void note_taken(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  uint64_t *all = quantity > 0 ? taken_of(r, side, price, true) : NULL;
  if (all != NULL) *all += quantity;
}

/* What is left for us of what the recording shows at a level. */
static uint64_t left_at(assay_book_backtest *r, assay_side side, const assay_mbo_level *level) {
  const uint64_t *gone = taken_of(r, side, level->price, false);
  return gone == NULL ? level->quantity : level->quantity > *gone ? level->quantity - *gone : 0;
}

/* What of the other side an order meets when it comes. Fills call the strategy, which sends orders but does not touch the book. */
static void take(assay_book_backtest *r, uint64_t id) {
  const own *o = find_own(r, id);
  assay_side side = o->now.side, other = side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  int32_t limit = o->now.price;
  assay_mbo_level level;
  bool there = assay_mbo_best(r->book, 0, other, &level);
  for (; there && crosses(side, limit, level.price); there = assay_mbo_level_after(r->book, 0, other, level.price, &level)) {
    o = find_own(r, id);
    if (o == NULL) return;
    uint64_t left = left_at(r, other, &level), quantity = left < o->now.left ? left : o->now.left;
    note_taken(r, other, level.price, quantity);
    fill(r, id, level.price, quantity, false);
  }
}

static uint64_t resting_at(const assay_book_backtest *r, assay_side side, int32_t price) {
  assay_mbo_level level;
  return assay_mbo_level_at(r->book, 0, side, price, &level) ? level.quantity : 0;
}

/* Whether the recording says what rests at a price: of the best levels only, down to the worst of them. */
static bool is_told(const assay_book_backtest *r, assay_side side, int32_t price) {
  assay_mbo_level level;
  bool there = !r->partial || assay_mbo_best(r->book, 0, side, &level);
  while (r->partial && there) {
    if (side == ASSAY_BUY ? level.price <= price : level.price >= price) return true;
    there = assay_mbo_level_after(r->book, 0, side, level.price, &level);
  }
  return there;
}

static void arrive(assay_book_backtest *r, const travelling *t) {
  own *o = find_own(r, t->id);
  if (t->cancels) {
    if (o == NULL) r->result->too_late++;
    if (o != NULL) o->gone = true;
    return;
  }
  if (o == NULL) return; /* its cancellation cannot have come first, but a fill callback may not know that */
  take(r, t->id);
  o = find_own(r, t->id);
  if (o == NULL) return;
  if (o->immediate) {
    o->gone = true;
    return;
  }
  o->now.resting = true;
  o->now.ahead = is_told(r, o->now.side, o->now.price) ? resting_at(r, o->now.side, o->now.price) : ASSAY_BOOK_MOST_QUANTITY;
  o->age = ++r->age;
}

static void arrive_until(assay_book_backtest *r, uint64_t time_ns) {
  while (r->travelled < r->travels.count) {
    travelling t = ((travelling *)r->travels.items)[r->travelled];
    if (t.at_ns > time_ns) break;
    r->travelled++;
    r->now_ns = t.at_ns;
    arrive(r, &t);
  }
  drop_arrived(r);
}

/* ---- The recording ------------------------------------------------------------------------------------------------------------------- */

/* Whether its price is one of ours: whole ticks, 32 bits, and not one of those that stand for any price. */
static bool has_price(const assay_book_backtest *r, const assay_market_event *e) {
  return e->price % r->tick == 0 && e->price / r->tick > INT32_MIN && e->price / r->tick < INT32_MAX;
}

/* Orders that are gone make room, the others keep their order. */
static void tidy(assay_book_backtest *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->owns.count; i++) {
    if (own_at(r, i)->gone) continue;
    if (kept != i) *own_at(r, kept) = *own_at(r, i);
    kept++;
  }
  r->owns.count = kept;
  taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count && !r->rebuilding;) {
    if (resting_at(r, t[i].side, t[i].price) == 0)
      t[i] = t[--r->takens.count];
    else
      i++;
  }
}

static bool is_better(assay_side side, int32_t a, int32_t b) { return side == ASSAY_BUY ? a > b : a < b; }

/* One of ours trades as much of `*quantity` as it has left. */
static void share(assay_book_backtest *r, const own *o, uint64_t *quantity) {
  uint64_t traded = *quantity < o->now.left ? *quantity : o->now.left;
  *quantity -= traded;
  fill(r, o->now.id, o->now.price, traded, true);
}

/* `quantity` of the recorded order at `price` of `side` traded: who of ours would have been there first? Those at better prices, unless
 * the trade was told of before and they have had it. */
static void meet_execution(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age, bool better_too) {
  uint64_t left = quantity;
  for (size_t i = 0, count = r->owns.count; i < count; i++) {
    own *o = own_at(r, i);
    if (o->gone || !o->now.resting || o->now.side != order->side) continue;
    bool same = o->now.price == order->price;
    if (same && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
    else if (same || (better_too && is_better(order->side, o->now.price, order->price)))
      share(r, o, &left);
  }
}

static void meet_withdrawal(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age) {
  for (size_t i = 0; i < r->owns.count; i++) {
    own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == order->side && o->now.price == order->price && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
  }
}

/* `quantity` of the other side comes to where ours stand against it: it would have traded with us. Returns what it did. */
static uint64_t meet_arrival(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  assay_side other = side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  uint64_t left = quantity;
  for (size_t i = 0, count = r->owns.count; i < count && left > 0; i++) {
    const own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == other && crosses(other, o->now.price, price)) share(r, o, &left);
  }
  return quantity - left;
}

/* ---- Books of orders ----------------------------------------------------------------------------------------------------------------- */

static bool add(assay_book_backtest *r, assay_side side, uint64_t reference, int32_t price, uint64_t quantity) {
  if (assay_mbo_add(r->book, 0, reference, side, price, quantity) != ASSAY_OK) return false;
  if (!assay_ages_set(&r->ages, reference, ++r->age)) r->failed = true;
  note_taken(r, side, price, meet_arrival(r, side, price, quantity));
  return true;
}

/* What of a cancellation belongs to a trade of the same instant that was told of before. */
static uint64_t settle(assay_book_backtest *r, uint64_t time_ns, const assay_mbo_order *order, uint64_t quantity) {
  settling *s = &r->settling;
  if (s->quantity == 0 || s->time_ns != time_ns || s->side != order->side || s->price != order->price) return 0;
  uint64_t traded = quantity < s->quantity ? quantity : s->quantity;
  s->quantity -= traded;
  return traded;
}

/* `quantity` of an order is gone; what stays keeps its place. */
static bool reduce(assay_book_backtest *r, const assay_market_event *e, const assay_mbo_order *order, uint64_t quantity) {
  uint64_t age = assay_ages_get(&r->ages, e->order_id);
  if (quantity == 0 || quantity > order->quantity || assay_mbo_cancel(r->book, e->order_id, quantity) != ASSAY_OK) return false;
  if (quantity == order->quantity) assay_ages_remove(&r->ages, e->order_id);
  if (e->kind == ASSAY_MARKET_EXECUTE) {
    r->last_price = e->price != 0 ? (double)e->price / (double)r->tick : order->price;
    r->has_price = true;
    meet_execution(r, order, quantity, age, true);
    return true;
  }
  uint64_t traded = settle(r, e->time_ns, order, quantity);
  if (traded > 0) meet_execution(r, order, traded, age, false);
  if (quantity > traded) meet_withdrawal(r, order, quantity - traded, age);
  return true;
}

static bool take_off(assay_book_backtest *r, const assay_market_event *e) {
  assay_mbo_order order;
  if (!assay_mbo_find(r->book, e->order_id, &order)) return false;
  return reduce(r, e, &order, e->kind == ASSAY_MARKET_DELETE ? order.quantity : e->quantity);
}

/* Under the same reference a smaller quantity keeps its place (DBN's Modify); all else goes to the end of its queue. */
static bool replace(assay_book_backtest *r, const assay_market_event *e, int32_t price) {
  assay_mbo_order order;
  if (!assay_mbo_find(r->book, e->order_id, &order)) return false;
  if (e->quantity == 0 || e->quantity > ASSAY_BOOK_MOST_QUANTITY) return false;
  bool stays = e->other_id == e->order_id && price == order.price && e->quantity <= order.quantity;
  if (stays) return e->quantity == order.quantity || reduce(r, e, &order, order.quantity - e->quantity);
  return reduce(r, e, &order, order.quantity) && add(r, order.side, e->other_id, price, e->quantity);
}

/* ---- Books of levels ----------------------------------------------------------------------------------------------------------------- */

static uint64_t level_reference(assay_side side, int32_t price) { return UINT64_C(1) << 63 | (uint64_t)side << 32 | (uint32_t)price; }

/* Nobody knows who left a level: those behind us as long as they can have been, so what is ahead is at most what the level shows. */
static void see_level(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  for (size_t i = 0; i < r->owns.count; i++) {
    own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == side && o->now.price == price && o->now.ahead > quantity) o->now.ahead = quantity;
  }
}

static bool quote(assay_book_backtest *r, const assay_market_event *e, int32_t price) {
  assay_side side = e->side == 'S' ? ASSAY_SELL : ASSAY_BUY;
  uint64_t reference = level_reference(side, price), quantity = e->quantity;
  if (quantity > ASSAY_BOOK_MOST_QUANTITY) return false;
  assay_mbo_delete(r->book, reference);
  if (quantity > 0 && assay_mbo_add(r->book, 0, reference, side, price, quantity) != ASSAY_OK) return false;
  see_level(r, side, price, quantity);
  if (quantity == 0) return true;
  const assay_mbo_level level = {.price = price, .quantity = quantity};
  note_taken(r, side, price, meet_arrival(r, side, price, left_at(r, side, &level)));
  return true;
}

/* The message is over: levels that it did not name again after it emptied the book are gone. */
static void end_rebuilding(assay_book_backtest *r) {
  r->rebuilding = false;
  for (size_t i = 0; i < r->owns.count; i++) {
    own *o = own_at(r, i);
    if (!o->now.resting || o->gone || !is_told(r, o->now.side, o->now.price)) continue;
    uint64_t there = resting_at(r, o->now.side, o->now.price);
    if (o->now.ahead > there) o->now.ahead = there;
  }
}

/* ---- Trades -------------------------------------------------------------------------------------------------------------------------- */

static bool beats(assay_side side, const own *o, int64_t price, int64_t tick) {
  int64_t ours = (int64_t)o->now.price * tick;
  return side == ASSAY_BUY ? ours > price : ours < price;
}

/* Whoever of ours stood at a better price was there before. Returns what they left. */
static uint64_t meet_better(assay_book_backtest *r, assay_side side, int64_t price, uint64_t quantity) {
  for (size_t i = 0, count = r->owns.count; i < count && quantity > 0; i++) {
    const own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == side && beats(side, o, price, r->tick)) share(r, o, &quantity);
  }
  return quantity;
}

/* At our price in a book of levels: first what is ahead of us, then we, one after the other. */
static void meet_at_level(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  uint64_t given = 0;
  for (size_t i = 0, count = r->owns.count; i < count; i++) {
    own *o = own_at(r, i);
    if (o->gone || !o->now.resting || o->now.side != side || o->now.price != price) continue;
    uint64_t ahead = o->now.ahead < quantity ? o->now.ahead : quantity, passes = quantity - ahead;
    o->now.ahead -= ahead;
    uint64_t left = passes > given ? passes - given : 0, before = left;
    share(r, o, &left);
    given += before - left;
  }
}

/*
 * A trade that no order of the book was named for. Of a book of orders: hidden, and who stood at its price may have been hidden before us;
 * or, where its aggressor is told, its orders leave by the next events, and they say who was first.
 */
static void meet_trade(assay_book_backtest *r, const assay_market_event *e) {
  if (e->price == 0 || e->quantity == 0) return;
  r->last_price = (double)e->price / (double)r->tick;
  r->has_price = true;
  bool whole = e->price % r->tick == 0, has_side = e->side == 'B' || e->side == 'S';
  int64_t price = e->price / r->tick;
  whole = whole && price > INT32_MIN && price < INT32_MAX;
  for (int side = ASSAY_BUY; side <= ASSAY_SELL; side++) {
    bool hit = !has_side || side == (e->side == 'B' ? ASSAY_SELL : ASSAY_BUY); /* the aggressor bought: sellers were met */
    if (!hit) continue;
    uint64_t left = meet_better(r, (assay_side)side, e->price, e->quantity);
    if (!whole || left == 0) continue;
    if (r->kind == LEVELS)
      meet_at_level(r, (assay_side)side, (int32_t)price, left);
    else if (has_side)
      r->settling = (settling){.time_ns = e->time_ns, .quantity = left, .side = (assay_side)side, .price = (int32_t)price};
  }
}

static void clear(assay_book_backtest *r) {
  assay_mbo_clear(r->book, 0);
  assay_ages_clear(&r->ages);
  r->rebuilding = r->partial = r->kind == LEVELS; /* most likely it comes anew at once */
  if (r->rebuilding) return;
  r->takens.count = 0;
  for (size_t i = 0; i < r->owns.count; i++) own_at(r, i)->now.ahead = 0;
}

static bool is_side(const assay_market_event *e) { return e->side == 'B' || e->side == 'S'; }

static bool is_of(assay_book_backtest *r, book_kind kind) {
  if (r->kind == NOTHING_YET) r->kind = kind;
  return r->kind == kind;
}

/* An order without a price (at the market, before an auction) has no place in the book. */
static bool apply_unpriced(assay_book_backtest *r, const assay_market_event *e) {
  assay_mbo_order order;
  if (e->kind != ASSAY_MARKET_REPLACE || !assay_mbo_find(r->book, e->order_id, &order)) return true;
  return reduce(r, e, &order, order.quantity);
}

static bool apply_quote(assay_book_backtest *r, const assay_market_event *e, int32_t price) {
  if (!is_of(r, LEVELS) || !is_side(e)) return false;
  if ((e->flags & ASSAY_MARKET_WHOLE_SIDE) != 0) {
    assay_mbo_clear_side(r->book, 0, e->side == 'S');
    r->rebuilding = r->partial = true;
  }
  return has_price(r, e) ? quote(r, e, price) : e->quantity == 0;
}

static bool apply(assay_book_backtest *r, const assay_market_event *e) {
  if (e->price == ASSAY_FEED_NO_PRICE && (e->kind == ASSAY_MARKET_ADD || e->kind == ASSAY_MARKET_REPLACE)) return apply_unpriced(r, e);
  int32_t price = (int32_t)(e->price / r->tick); /* was checked where it counts */
  switch (e->kind) {
    case ASSAY_MARKET_ADD:
      return is_of(r, ORDERS) && is_side(e) && add(r, e->side == 'S' ? ASSAY_SELL : ASSAY_BUY, e->order_id, price, e->quantity);
    case ASSAY_MARKET_EXECUTE:
    case ASSAY_MARKET_CANCEL:
    case ASSAY_MARKET_DELETE: return is_of(r, ORDERS) && take_off(r, e);
    case ASSAY_MARKET_REPLACE: return is_of(r, ORDERS) && replace(r, e, price);
    case ASSAY_MARKET_QUOTE: return apply_quote(r, e, price);
    case ASSAY_MARKET_TRADE: meet_trade(r, e); return true;
    case ASSAY_MARKET_CLEAR: clear(r); return true;
    default: return true;
  }
}

/* ---- A run --------------------------------------------------------------------------------------------------------------------------- */

/* Position at the middle; without one at the last price. */
static double worth(const assay_book_backtest *r) {
  assay_mbo_level bid, ask;
  bool both = assay_mbo_best(r->book, 0, ASSAY_BUY, &bid) && assay_mbo_best(r->book, 0, ASSAY_SELL, &ask);
  double price = both ? ((double)bid.price + ask.price) / 2 : r->has_price ? r->last_price : 0;
  return r->cash + (double)r->position * price * r->step;
}

/* What the strategy is worth at each instant of the grid up to an event, orders that arrive until then included. */
static void sample_until(assay_book_backtest *r, uint64_t time_ns) {
  uint64_t every = r->options->sample_ns;
  while (every != 0 && r->samples.count <= (time_ns - r->first_ns) / every && !r->failed) {
    arrive_until(r, r->first_ns + r->samples.count * every);
    double *made = assay_list_add(&r->samples, sizeof *made);
    r->failed = r->failed || made == NULL;
    if (made != NULL) *made = worth(r);
  }
}

/* ---- The scale ----------------------------------------------------------------------------------------------------------------------- */

/* Events that put a price into the book. */
static bool names_price(const assay_market_event *e) {
  if (e->price == ASSAY_FEED_NO_PRICE) return false;
  return e->kind == ASSAY_MARKET_ADD || e->kind == ASSAY_MARKET_REPLACE || (e->kind == ASSAY_MARKET_QUOTE && e->quantity > 0);
}

static uint64_t divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

uint64_t assay_book_backtest_common_tick(const assay_market_event *events, size_t count, uint32_t symbol) {
  uint64_t common = 0;
  for (size_t i = 0; i < count && common != 1; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != symbol || !names_price(e)) continue;
    uint64_t price = e->price < 0 ? -(uint64_t)e->price : (uint64_t)e->price;
    if (common == 0 || price % common != 0) common = divisor(price, common);
  }
  return common == 0 ? 1 : common;
}

typedef struct span {
  uint64_t first_ns, last_ns;
  const assay_market_event *first; /* that has a price; NULL: there is none */
  bool is_large;                   /* some price is none of 31 bits, such as BRK.A's 400,000 dollars in 1/10,000 */
} span;

static span span_of(const assay_market_event *events, size_t count, uint32_t symbol) {
  span s = {.first_ns = UINT64_MAX};
  for (size_t i = 0; i < count; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != symbol || e->kind == ASSAY_MARKET_NOTHING) continue;
    if (s.first_ns == UINT64_MAX) s.first_ns = e->time_ns;
    s.last_ns = e->time_ns;
    if (s.first == NULL && (names_price(e) || e->kind == ASSAY_MARKET_TRADE)) s.first = e;
    s.is_large = s.is_large || (names_price(e) && (e->price <= INT32_MIN || e->price >= INT32_MAX));
  }
  return s;
}

/* The feed's scale becomes ours. */
static assay_status set_scale(assay_book_backtest *r, const assay_market_event *events, size_t count, assay_error *err) {
  enum { PLAIN_DECIMALS = 4, MOST_SAMPLES = 100000000 };
  const assay_book_backtest_options *o = r->options;
  span s = span_of(events, count, o->symbol);
  unsigned decimals = s.first != NULL ? assay_market_price_decimals(s.first) : 0;
  unsigned all_decimals = decimals + (s.first != NULL ? assay_market_quantity_decimals(s.first) : 0);
  uint64_t tick = o->tick;
  if (tick == 0) tick = decimals <= PLAIN_DECIMALS && !s.is_large ? 1 : assay_book_backtest_common_tick(events, count, o->symbol);
  if (tick > INT64_MAX / 4) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a tick of %llu steps is too large", (unsigned long long)tick);
  r->tick = (int64_t)tick;
  if (r->step == 0) r->step = (double)tick * pow(10, -(double)all_decimals);
  r->first_ns = s.first_ns;
  r->decimals = s.first != NULL ? s.first->decimals : 0;
  if (o->sample_ns != 0 && s.last_ns > s.first_ns && (s.last_ns - s.first_ns) / o->sample_ns >= MOST_SAMPLES)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a sample every %llu ns of %llu ns is more than %d: sample_ns has to be larger",
                      (unsigned long long)o->sample_ns, (unsigned long long)(s.last_ns - s.first_ns), MOST_SAMPLES);
  return ASSAY_OK;
}

static assay_status check_event(const assay_book_backtest *r, const assay_market_event *e, size_t at, uint64_t before_ns,
                                assay_error *err) {
  if (e->time_ns < before_ns) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu is earlier than the one before", at);
  if (!names_price(e)) return ASSAY_OK;
  if (e->decimals != r->decimals) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu has another scale than those before", at);
  if (has_price(r, e)) return ASSAY_OK;
  if (e->price % r->tick != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu: a price of %lld steps lies between ticks of %lld", at, (long long)e->price,
                      (long long)r->tick);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu: a price of %lld ticks of %lld steps does not fit a book of 32 bits", at,
                    (long long)(e->price / r->tick), (long long)r->tick);
}

/* ---- The whole ----------------------------------------------------------------------------------------------------------------------- */

static assay_status replay(assay_book_backtest *r, const assay_market_event *events, size_t count, assay_error *err) {
  uint64_t before_ns = 0;
  for (size_t i = 0; i < count && !r->failed; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != r->options->symbol || e->kind == ASSAY_MARKET_NOTHING) continue;
    assay_status status = check_event(r, e, i, before_ns, err);
    if (status != ASSAY_OK) return status;
    before_ns = e->time_ns;
    sample_until(r, e->time_ns);
    arrive_until(r, e->time_ns);
    r->now_ns = e->time_ns;
    r->result->events++;
    r->result->gaps += (e->flags & ASSAY_MARKET_GAP) != 0;
    if (!apply(r, e)) r->result->unknown++;
    if (r->rebuilding && (e->flags & ASSAY_MARKET_LAST) != 0) end_rebuilding(r);
    tidy(r);
    r->strategy->on_event(r, e, r->state);
  }
  return r->failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the orders of a backtest") : ASSAY_OK;
}

static void judge(assay_book_backtest *r) {
  assay_book_backtest_result *result = r->result;
  const double *equity = r->samples.items;
  double sum = 0, squares = 0, n = 0, peak = -INFINITY;
  for (size_t i = 0; i < r->samples.count; i++) {
    peak = fmax(peak, equity[i]);
    result->deepest = fmax(result->deepest, peak - equity[i]);
    if (i == 0) continue;
    double change = equity[i] - equity[i - 1];
    sum += change;
    squares += change * change;
    n++;
  }
  double spread = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0;
  result->sharpe_sample = spread > 0 ? sum / n / sqrt(spread) : NAN;
  result->profit = worth(r);
  result->cash = r->cash;
  result->position = r->position;
  result->fills = r->fills.items;
  result->equity = r->samples.items;
  result->sample_count = r->samples.count;
  r->fills.items = r->samples.items = NULL;
}

void assay_book_backtest_result_destroy(assay_book_backtest_result *result) {
  if (result == NULL) return;
  assay_free(result->fills);
  assay_free(result->equity);
  assay_free(result);
}

static const char *wrong_option(const assay_book_backtest_options *o) {
  if (!(o->price_step >= 0 && o->price_step < INFINITY)) return "the money of a price step is 0 or more";
  if (!(fabs(o->maker_rate) <= 1) || !(fabs(o->taker_rate) <= 1)) return "fees are -1 to 1 of the value";
  if (!isfinite(o->maker_per_share) || !isfinite(o->taker_per_share)) return "fees of a unit are finite";
  if (o->feed_ns > UINT64_C(1) << 60 || o->order_ns > UINT64_C(1) << 60) return "latencies are at most 2^60 ns";
  return NULL;
}

static assay_status check_parameters(const assay_book_strategy *s, const double *parameters, assay_error *err) {
  if (s->on_event == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no on_event", s->name);
  for (unsigned i = 0; i < s->parameter_count; i++) {
    const assay_strategy_parameter *p = &s->parameters[i];
    if (!(parameters[i] >= p->least && parameters[i] <= p->most) || (p->whole && parameters[i] != floor(parameters[i])))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is%s from %g to %g, not %g", s->name, p->name, p->whole ? " a whole number" : "",
                        p->least, p->most, parameters[i]);
  }
  return ASSAY_OK;
}

assay_status assay_book_backtest_run(const assay_book_strategy *strategy, const double *parameters, const assay_market_event *events,
                                     size_t count, const assay_book_backtest_options *options, assay_error *err,
                                     assay_book_backtest_result **result) {
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  for (unsigned i = 0; i < strategy->parameter_count && i < ASSAY_STRATEGY_MOST_PARAMETERS; i++) usual[i] = strategy->parameters[i].usual;
  assay_book_backtest r = {
      .strategy = strategy, .parameters = parameters != NULL ? parameters : usual, .options = options, .step = options->price_step};
  const char *wrong = wrong_option(options);
  if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "options of the backtest: %s", wrong);
  assay_status status = check_parameters(strategy, r.parameters, err);
  if (status == ASSAY_OK) status = assay_mbo_create(NULL, err, &r.book);
  if (status != ASSAY_OK) return status;
  memcpy(r.ages.seed, r.book->store.seed, sizeof r.ages.seed);
  r.result = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *r.result);
  r.state = assay_calloc(ASSAY_TAG_MARKET, 1, strategy->state_size + 1);
  if (r.result == NULL || r.state == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a backtest");
  if (status == ASSAY_OK) status = set_scale(&r, events, count, err);
  if (status == ASSAY_OK && strategy->start != NULL) status = strategy->start(&r, r.parameters, r.state, err);
  bool started = status == ASSAY_OK;
  if (started) status = replay(&r, events, count, err);
  if (started && strategy->stop != NULL) strategy->stop(r.state);
  if (status == ASSAY_OK) judge(&r);
  assay_mbo_destroy(r.book);
  assay_free(r.ages.places);
  assay_free(r.state);
  assay_free(r.owns.items);
  assay_free(r.travels.items);
  assay_free(r.takens.items);
  assay_free(r.fills.items);
  assay_free(r.samples.items);
  if (status == ASSAY_OK)
    *result = r.result;
  else
    assay_book_backtest_result_destroy(r.result);
  return status;
}
