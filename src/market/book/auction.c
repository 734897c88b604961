/* SPDX-License-Identifier: MIT */
/*
 * The uncross. The price is chosen among the limits of the orders that cross (market orders have none) and the reference price: most volume
 * first, then least surplus, then the highest price if buyers are left at all of these, the lowest if sellers are, and else the one nearest
 * to the reference (the higher of two). All trade at that price, by price, then time; an iceberg with all it has. Self-trade prevention and
 * all-or-none orders stay out of it.
 */
#include "market/book/engine.h"

/* What the orders at one price want, on the way from the lowest price to the highest. */
typedef struct price_point {
  int32_t price;
  uint64_t quantity[2];
} price_point;

typedef struct choice {
  int32_t price;
  unsigned __int128 volume;
  __int128 surplus; /* positive: buyers are left */
} choice;

unsigned __int128 assay_book_level_open(const assay_book *e, uint32_t at) {
  const book_level *level = &e->store.levels[at];
  unsigned __int128 open = level->quantity;
  if (level->special > 0)
    for (uint32_t order = level->head; order != 0; order = e->store.orders[order].next) open += book_hidden(e, order);
  return open;
}

/* Levels of a side from the best to the last that crosses the other side's best, written to `levels` where that is not NULL. */
static uint32_t crossing(const assay_book *e, const book_symbol *b, unsigned sell, uint32_t *levels) {
  const book_ladder *l = &b->side[sell];
  uint64_t worst = b->side[sell ^ 1].levels > 0 ? (uint32_t) ~(uint32_t)b->side[sell ^ 1].best : 0;
  uint32_t count = 0;
  if (b->side[sell ^ 1].levels == 0 || l->levels == 0) return 0;
  for (uint32_t at = l->best_level; at != 0 && e->store.levels[at].key <= worst; count++) {
    if (levels != NULL) levels[count] = at;
    at = assay_book_ladder_after(&e->store, l, e->store.levels[at].key);
  }
  return count;
}

static unsigned __int128 magnitude(__int128 x) { return x < 0 ? -(unsigned __int128)x : (unsigned __int128)x; }
static uint64_t distance(int32_t a, int32_t b) { return a > b ? (uint64_t)((int64_t)a - b) : (uint64_t)((int64_t)b - a); }

/* Candidates of the most volume and the least surplus: their ends, the one nearest to the reference, and what is left at them. */
typedef struct tied {
  choice best, nearest, lowest, highest;
  bool any, all_buy, all_sell;
} tied;

/* Where market orders wait, which name no price: the ends of the range count only where no price in between trades as much. */
static bool unnamed(const choice *c) { return c->price == INT32_MIN || c->price == INT32_MAX; }

static bool is_better(const choice *c, const choice *best) {
  if (c->volume != best->volume) return c->volume > best->volume;
  if (unnamed(c) != unnamed(best)) return unnamed(best);
  return magnitude(c->surplus) < magnitude(best->surplus);
}

/* Prices come in ascending order. */
static void consider(tied *t, const choice *c, int32_t reference) {
  if (!t->any || is_better(c, &t->best)) {
    *t = (tied){*c, *c, *c, *c, true, c->surplus > 0, c->surplus < 0};
    return;
  }
  if (is_better(&t->best, c)) return;
  if (distance(c->price, reference) <= distance(t->nearest.price, reference)) t->nearest = *c;
  t->highest = *c;
  t->all_buy &= c->surplus > 0;
  t->all_sell &= c->surplus < 0;
}

/* What is wanted and offered at a price: offers up to it, bids from it on. */
static choice at_price(int32_t price, unsigned __int128 bids, unsigned __int128 offers) {
  return (choice){price, bids < offers ? bids : offers, (__int128)bids - (__int128)offers};
}

/* All candidates in ascending order. `bids` come worst first, as `levels` has them best first; `offers` best first. */
static tied choose(const assay_book *e, const uint32_t *bids, uint32_t bid_count, const uint32_t *offers, uint32_t offer_count,
                   int32_t reference) {
  tied t = {0};
  unsigned __int128 wanted = 0, offered = 0;
  for (uint32_t i = 0; i < bid_count; i++) wanted += assay_book_level_open(e, bids[i]);
  uint32_t bid = bid_count, offer = 0;
  bool pending_reference = true;
  while (bid > 0 || offer < offer_count) {
    int64_t next_bid = bid > 0 ? book_price(e->store.levels[bids[bid - 1]].key, ASSAY_BUY) : INT64_MAX;
    int64_t next_offer = offer < offer_count ? book_price(e->store.levels[offers[offer]].key, ASSAY_SELL) : INT64_MAX;
    int64_t price = next_bid < next_offer ? next_bid : next_offer;
    if (pending_reference && reference < price) {
      choice c = at_price(reference, wanted, offered);
      consider(&t, &c, reference);
    }
    if (reference <= price) pending_reference = false;
    if (next_offer == price) offered += assay_book_level_open(e, offers[offer++]);
    choice c = at_price((int32_t)price, wanted, offered);
    consider(&t, &c, reference);
    if (next_bid == price) wanted -= assay_book_level_open(e, bids[--bid]);
  }
  if (pending_reference) {
    choice c = at_price(reference, wanted, offered);
    consider(&t, &c, reference);
  }
  return t;
}

/* An order trades `quantity` in the auction; what is left keeps its place, and shows what it may. */
static void take(assay_book *e, book_symbol *b, uint32_t order, uint64_t quantity) {
  book_order *o = &e->store.orders[order];
  uint64_t left = book_open(e, order) - quantity;
  if (left == 0) {
    book_take_out(e, order);
    book_gone(e, b, order);
    return;
  }
  uint64_t shown = left;
  if ((o->flags & BOOK_ICEBERG) != 0) {
    book_extra *x = &e->extras[order];
    if (shown > x->display) shown = x->display;
    x->hidden = left - shown;
  }
  book_level *level = &e->store.levels[o->level];
  level->quantity = level->quantity - o->quantity + shown;
  o->quantity = shown;
}

/* Market orders stand in front of all, also where somebody names the end of the range as his limit: they come first among the orders of
 * that price, each of the two in the order in which it stood. */
static void market_first(assay_book *e, const book_symbol *b, unsigned sell) {
  if (b->side[sell].best != 0) return;
  book_store *s = &e->store;
  book_level *level = &s->levels[b->side[sell].best_level];
  uint32_t first[2] = {0}, last[2] = {0}; /* market orders, others */
  for (uint32_t order = level->head, next; order != 0; order = next) {
    unsigned other = (s->orders[order].flags & BOOK_MARKET) == 0;
    next = s->orders[order].next;
    s->orders[order].prev = last[other];
    s->orders[order].next = 0;
    *(last[other] != 0 ? &s->orders[last[other]].next : &first[other]) = order;
    last[other] = order;
  }
  if (first[0] == 0 || first[1] == 0) return;
  s->orders[last[0]].next = first[1];
  s->orders[first[1]].prev = last[0];
  level->head = first[0];
  level->tail = last[1];
}

static void trade_all(assay_book *e, book_symbol *b, uint32_t number, int32_t price) {
  book_store *s = &e->store;
  while (b->side[ASSAY_BUY].best <= book_key(price, ASSAY_BUY) && b->side[ASSAY_SELL].best <= book_key(price, ASSAY_SELL)) {
    uint32_t buy = s->levels[b->side[ASSAY_BUY].best_level].head, sell = s->levels[b->side[ASSAY_SELL].best_level].head;
    uint64_t buys = book_open(e, buy), sells = book_open(e, sell), quantity = buys < sells ? buys : sells;
    const book_order *buyer = &s->orders[buy], *seller = &s->orders[sell];
    unsigned flags = (buys == quantity ? ASSAY_BOOK_ID_DONE : 0) | (sells == quantity ? ASSAY_BOOK_OTHER_DONE : 0);
    book_event(e, ASSAY_BOOK_TRADE_EVENT, buyer->id, seller->id, quantity, sells - quantity, price, number, buyer->account, ASSAY_BUY, 0,
               flags);
    book_risk_trade(e, b, buyer->account, seller->account, quantity);
    take(e, b, buy, quantity);
    take(e, b, sell, quantity);
  }
}

/* Market orders that found nobody go. They are first of all, at the best key that there is. */
static void drop_market(assay_book *e, book_symbol *b, unsigned sell) {
  if (b->side[sell].best != 0) return;
  uint32_t next;
  for (uint32_t order = e->store.levels[b->side[sell].best_level].head; order != 0; order = next) {
    next = e->store.orders[order].next;
    if ((e->store.orders[order].flags & BOOK_MARKET) != 0)
      assay_book_cancel_order(e, order, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_NO_LIQUIDITY);
  }
}

static uint64_t clamp_quantity(unsigned __int128 x) { return x > UINT64_MAX ? UINT64_MAX : (uint64_t)x; }

void assay_book_uncross(assay_book *e, const assay_book_message *m) {
  if (m->book >= e->symbol_count) {
    assay_book_reject(e, m, ASSAY_BOOK_UNKNOWN_BOOK);
    return;
  }
  book_symbol *b = &e->symbols[m->book];
  if (m->type >= ASSAY_BOOK_PHASES || m->type == ASSAY_BOOK_AUCTION || b->phase != ASSAY_BOOK_AUCTION) {
    assay_book_reject(e, m, b->phase != ASSAY_BOOK_AUCTION ? ASSAY_BOOK_WRONG_PHASE : ASSAY_BOOK_MALFORMED);
    return;
  }
  uint32_t bids = crossing(e, b, ASSAY_BUY, NULL), offers = crossing(e, b, ASSAY_SELL, NULL);
  if (!assay_book_need_scratch(e, (uint64_t)bids + offers + 1)) { /* there is an array also for none */
    assay_book_reject(e, m, ASSAY_BOOK_NO_MEMORY);
    return;
  }
  crossing(e, b, ASSAY_BUY, e->scratch);
  crossing(e, b, ASSAY_SELL, e->scratch + bids);
  tied t = choose(e, e->scratch, bids, e->scratch + bids, offers, m->price);
  choice c = t.all_buy ? t.highest : t.all_sell ? t.lowest : t.nearest;
  if (c.volume == 0) c = (choice){.price = m->price};
  book_event(e, ASSAY_BOOK_AUCTION_EVENT, 0, 0, clamp_quantity(c.volume), clamp_quantity(magnitude(c.surplus)), c.price, m->book, 0,
             c.surplus < 0, 0, 0);
  if (c.volume > 0) {
    market_first(e, b, ASSAY_BUY);
    market_first(e, b, ASSAY_SELL);
    trade_all(e, b, m->book, c.price);
    assay_book_price_seen(e, b, c.price);
  }
  drop_market(e, b, ASSAY_BUY);
  drop_market(e, b, ASSAY_SELL);
  assay_book_enter_phase(e, m->book, m->type);
  assay_book_run_pending(e, b);
}
