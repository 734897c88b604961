/* SPDX-License-Identifier: MIT */
/* What a recording tells of the book, orders by their names or levels only, and how it reaches our orders. */
#include <string.h>

#include "market/backtest/book_run.h"

/* Whether its price is one of ours: whole ticks, 32 bits, and not one of those that stand for any price. */
bool assay_book_seen_has_price(const assay_book_backtest *r, const assay_market_event *e) {
  return e->price % r->tick == 0 && e->price / r->tick > INT32_MIN && e->price / r->tick < INT32_MAX;
}

/* ---- Books of orders ----------------------------------------------------------------------------------------------------------------- */

static bool add(assay_book_backtest *r, assay_side side, uint64_t reference, int32_t price, uint64_t quantity) {
  if (assay_mbo_add(r->book, 0, reference, side, price, quantity) != ASSAY_OK) return false;
  if (!assay_ages_set(&r->ages, reference, ++r->age)) r->failed = true;
  assay_book_own_take(r, side, price, assay_book_own_meet_arrival(r, side, price, quantity));
  return true;
}

/* What of a cancellation belongs to a trade of the same instant that was told of before. */
static uint64_t settle(assay_book_backtest *r, uint64_t time_ns, const assay_mbo_order *order, uint64_t quantity) {
  assay_settling *s = &r->settling;
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
    assay_book_own_meet_execution(r, order, quantity, age, true);
    return true;
  }
  uint64_t traded = settle(r, e->time_ns, order, quantity);
  if (traded > 0) assay_book_own_meet_execution(r, order, traded, age, false);
  if (quantity > traded) assay_book_own_meet_withdrawal(r, order, quantity - traded, age);
  return true;
}

static bool take_off(assay_book_backtest *r, const assay_market_event *e) {
  assay_mbo_order order;
  if (!assay_mbo_find(r->book, e->order_id, &order)) return false;
  return reduce(r, e, &order, e->kind == ASSAY_MARKET_DELETE ? order.quantity : e->quantity);
}

static bool is_side(const assay_market_event *e) { return e->side == 'B' || e->side == 'S'; }

/* Under the same reference a smaller quantity keeps its place (DBN's Modify), and an order that is not known is an addition, as in a feed's
 * book; all else goes to the end of its queue. */
static bool replace(assay_book_backtest *r, const assay_market_event *e, int32_t price) {
  assay_mbo_order order;
  if (e->quantity == 0 || e->quantity > ASSAY_BOOK_MOST_QUANTITY) return false;
  if (!assay_mbo_find(r->book, e->order_id, &order))
    return e->other_id == e->order_id && is_side(e) && add(r, e->side == 'S' ? ASSAY_SELL : ASSAY_BUY, e->order_id, price, e->quantity);
  bool stays = e->other_id == e->order_id && price == order.price && e->quantity <= order.quantity;
  if (stays) return e->quantity == order.quantity || reduce(r, e, &order, order.quantity - e->quantity);
  return reduce(r, e, &order, order.quantity) && add(r, order.side, e->other_id, price, e->quantity);
}

/* ---- Books of levels ----------------------------------------------------------------------------------------------------------------- */

static uint64_t level_reference(assay_side side, int32_t price) { return UINT64_C(1) << 63 | (uint64_t)side << 32 | (uint32_t)price; }

/* Nobody knows who left a level: those behind us as long as they can have been, so what is ahead is at most what the level shows. */
static void see_level(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  for (size_t i = 0; i < r->owns.count; i++) {
    assay_own_order *o = assay_book_own_at(r, i);
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
  assay_book_own_take(r, side, price, assay_book_own_meet_arrival(r, side, price, assay_book_own_left_at(r, side, &level)));
  return true;
}

/* The message is over: levels that it did not name again after it emptied the book are gone. */
void assay_book_seen_end_rebuilding(assay_book_backtest *r) {
  r->rebuilding = false;
  for (size_t i = 0; i < r->owns.count; i++) {
    assay_own_order *o = assay_book_own_at(r, i);
    if (!o->now.resting || o->gone || !assay_book_own_is_told(r, o->now.side, o->now.price)) continue;
    uint64_t there = assay_book_own_resting_at(r, o->now.side, o->now.price);
    if (o->now.ahead > there) o->now.ahead = there;
  }
}

/* ---- Trades -------------------------------------------------------------------------------------------------------------------------- */

static bool beats(assay_side side, const assay_own_order *o, int64_t price, int64_t tick) {
  int64_t ours = (int64_t)o->now.price * tick;
  return side == ASSAY_BUY ? ours > price : ours < price;
}

/* Whoever of ours stood at a better price was there before. Returns what they left. */
static uint64_t meet_better(assay_book_backtest *r, assay_side side, int64_t price, uint64_t quantity) {
  for (size_t i = 0, count = r->owns.count; i < count && quantity > 0; i++) {
    const assay_own_order *o = assay_book_own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == side && beats(side, o, price, r->tick)) assay_book_own_share(r, o, &quantity);
  }
  return quantity;
}

/* At our price in a book of levels: first what is ahead of us, then we, one after the other. */
static void meet_at_level(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  uint64_t given = 0;
  for (size_t i = 0, count = r->owns.count; i < count; i++) {
    assay_own_order *o = assay_book_own_at(r, i);
    if (o->gone || !o->now.resting || o->now.side != side || o->now.price != price) continue;
    uint64_t ahead = o->now.ahead < quantity ? o->now.ahead : quantity, passes = quantity - ahead;
    o->now.ahead -= ahead;
    uint64_t left = passes > given ? passes - given : 0, before = left;
    assay_book_own_share(r, o, &left);
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
    if (r->kind == ASSAY_SEEN_LEVELS)
      meet_at_level(r, (assay_side)side, (int32_t)price, left);
    else if (has_side)
      r->settling = (assay_settling){.time_ns = e->time_ns, .quantity = left, .side = (assay_side)side, .price = (int32_t)price};
  }
}

static void clear(assay_book_backtest *r) {
  assay_mbo_clear(r->book, 0);
  assay_ages_clear(&r->ages);
  r->rebuilding = r->partial = r->kind == ASSAY_SEEN_LEVELS; /* most likely it comes anew at once */
  if (r->rebuilding) return;
  r->takens.count = 0;
  for (size_t i = 0; i < r->owns.count; i++) assay_book_own_at(r, i)->now.ahead = 0;
}

static bool is_of(assay_book_backtest *r, assay_seen_kind kind) {
  if (r->kind == ASSAY_SEEN_NOTHING) r->kind = kind;
  return r->kind == kind;
}

/* An order without a price (at the market, before an auction) has no place in the book. */
static bool apply_unpriced(assay_book_backtest *r, const assay_market_event *e) {
  assay_mbo_order order;
  if (e->kind != ASSAY_MARKET_REPLACE || !assay_mbo_find(r->book, e->order_id, &order)) return true;
  return reduce(r, e, &order, order.quantity);
}

static bool apply_quote(assay_book_backtest *r, const assay_market_event *e, int32_t price) {
  if (!is_of(r, ASSAY_SEEN_LEVELS) || !is_side(e)) return false;
  if ((e->flags & ASSAY_MARKET_WHOLE_SIDE) != 0) {
    assay_mbo_clear_side(r->book, 0, e->side == 'S');
    r->rebuilding = r->partial = true;
  }
  return assay_book_seen_has_price(r, e) ? quote(r, e, price) : e->quantity == 0;
}

bool assay_book_seen_apply(assay_book_backtest *r, const assay_market_event *e) {
  if (e->price == ASSAY_FEED_NO_PRICE && (e->kind == ASSAY_MARKET_ADD || e->kind == ASSAY_MARKET_REPLACE)) return apply_unpriced(r, e);
  int32_t price = (int32_t)(e->price / r->tick); /* was checked where it counts */
  switch (e->kind) {
    case ASSAY_MARKET_ADD:
      return is_of(r, ASSAY_SEEN_ORDERS) && is_side(e) && add(r, e->side == 'S' ? ASSAY_SELL : ASSAY_BUY, e->order_id, price, e->quantity);
    case ASSAY_MARKET_EXECUTE:
    case ASSAY_MARKET_CANCEL:
    case ASSAY_MARKET_DELETE: return is_of(r, ASSAY_SEEN_ORDERS) && take_off(r, e);
    case ASSAY_MARKET_REPLACE: return is_of(r, ASSAY_SEEN_ORDERS) && replace(r, e, price);
    case ASSAY_MARKET_QUOTE: return apply_quote(r, e, price);
    case ASSAY_MARKET_TRADE: meet_trade(r, e); return true;
    case ASSAY_MARKET_CLEAR: clear(r); return true;
    default: return true;
  }
}
