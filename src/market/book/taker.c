/* SPDX-License-Identifier: MIT */
/* What comes in trades as far as it may, then rests or goes. */
#include "market/book/match.h"

static inline void trade_event(assay_book *e, const book_taker *t, uint64_t maker, uint64_t quantity, uint64_t left, int32_t price,
                               unsigned kind) {
  unsigned flags = (t->quantity == 0 ? ASSAY_BOOK_ID_DONE : 0) | (left == 0 ? ASSAY_BOOK_OTHER_DONE : 0);
  book_event(e, kind, t->id, maker, quantity, left, price, t->number, t->account, book_flags_sell(t->flags), 0, flags);
}

/* An iceberg whose slice is gone shows the next one behind all others, or is done. */
static void replenish(assay_book *e, book_symbol *b, uint32_t order, uint32_t at) {
  book_store *s = &e->store;
  book_order *o = &s->orders[order];
  book_extra *x = &e->extras[order];
  book_level_unlink(s, &s->levels[at], o);
  if (x->hidden == 0) {
    s->levels[at].special--;
    book_gone(e, b, order);
    return;
  }
  uint64_t slice = x->hidden < x->display ? x->hidden : x->display;
  x->hidden -= slice;
  o->quantity = slice;
  book_level_append(s, at, order);
  book_event(e, ASSAY_BOOK_REPLENISHED_EVENT, o->id, 0, slice, slice + x->hidden, book_order_price(e, o), book_order_number(e, o),
             o->account, book_flags_sell((uint32_t)o->flags), 0, 0);
}

/* Two orders of one account meet. False: the taker is done. */
static bool prevent_self_trade(assay_book *e, book_symbol *b, book_taker *t, uint32_t maker) {
  switch (book_policy(t->flags)) {
    case ASSAY_BOOK_CANCEL_OLDEST: assay_book_cancel_order(e, maker, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_SELF_TRADE); return true;
    case ASSAY_BOOK_CANCEL_BOTH:
      assay_book_cancel_order(e, maker, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_SELF_TRADE);
      assay_book_drop(e, b, t, ASSAY_BOOK_SELF_TRADE);
      return false;
    default: assay_book_drop(e, b, t, ASSAY_BOOK_SELF_TRADE); return false;
  }
}

bool assay_book_meet(assay_book *e, book_symbol *b, book_taker *t, uint32_t maker) {
  book_store *s = &e->store;
  book_order *o = &s->orders[maker];
  unsigned kind = ASSAY_BOOK_TRADE_EVENT, policy = book_policy(t->flags);
  if (policy != ASSAY_BOOK_ALLOW && o->account == t->account && t->account != 0) {
    if (policy != ASSAY_BOOK_DECREMENT) return prevent_self_trade(e, b, t, maker);
    kind = ASSAY_BOOK_DECREMENTED_EVENT;
  }
  uint32_t at = o->level;
  book_level *level = &s->levels[at];
  uint64_t quantity = o->quantity < t->quantity ? o->quantity : t->quantity;
  unsigned sell = book_flags_sell(t->flags);
  int32_t price = book_price(level->key, sell ^ 1);
  t->quantity -= quantity;
  trade_event(e, t, o->id, quantity, book_open(e, maker) - quantity, price, kind);
  if (kind == ASSAY_BOOK_TRADE_EVENT) {
    if (!t->traded) t->first = price;
    t->traded = true;
    t->last = price;
    if (sell)
      book_risk_trade(e, b, o->account, t->account, quantity);
    else
      book_risk_trade(e, b, t->account, o->account, quantity);
  } else {
    book_risk_close(e, b, t->account, sell, quantity);
    book_risk_close(e, b, o->account, sell ^ 1, quantity);
  }
  if (quantity < o->quantity) {
    o->quantity -= quantity;
    level->quantity -= quantity;
  } else if ((o->flags & BOOK_ICEBERG) != 0) {
    replenish(e, b, maker, at);
    if (s->levels[at].count == 0) book_ladder_close(s, book_ladder_of(e, s->levels[at].ladder), at);
  } else {
    book_level_unlink(s, level, o);
    if (level->count == 0) book_ladder_close(s, book_ladder_of(e, level->ladder), at);
    book_gone(e, b, maker);
  }
  return t->quantity > 0;
}

/* No all-or-none order waits on the other side. */
static void match_plain(assay_book *e, book_symbol *b, book_taker *t) {
  unsigned sell = book_flags_sell(t->flags);
  book_ladder *other = &b->side[sell ^ 1];
  while (other->best <= t->limit) {
    taking k = {t->id, t->quantity, own_account(t->flags, t->account), t->number, t->account, sell};
    int32_t price = book_price((uint32_t)other->best, sell ^ 1);
    if (take_best(e, b, other, &k)) {
      t->first = t->traded ? t->first : price;
      t->traded = true;
      t->last = price;
      t->quantity = k.left;
      if (k.left == 0) return;
      continue;
    }
    /* What stopped there is not plain. */
    if (!assay_book_meet(e, b, t, e->store.levels[other->best_level].head)) return;
  }
}

void assay_book_match(assay_book *e, book_symbol *b, book_taker *t) {
  if (b->rare != NULL && b->rare->aon[book_flags_sell(t->flags) ^ 1].levels > 0)
    assay_book_match_aon(e, b, t);
  else
    match_plain(e, b, t);
}

/* ---- Coming to rest ---------------------------------------------------------------------------------------------------------------- */

void assay_book_drop(assay_book *e, book_symbol *b, book_taker *t, unsigned reason) {
  unsigned sell = book_flags_sell(t->flags);
  book_event(e, ASSAY_BOOK_CANCELLED_EVENT, t->id, 0, t->quantity, 0, t->price, t->number, t->account, sell, reason, 0);
  book_risk_close(e, b, t->account, sell, t->quantity);
  t->quantity = 0;
}

uint32_t assay_book_record_of(assay_book *e, book_taker *t) {
  if (t->order != 0) return t->order;
  uint32_t order = t->order = book_order_new(&e->store, t->id);
  e->store.orders[order] = (book_order){.id = t->id, .flags = t->flags, .account = t->account};
  if ((t->flags & BOOK_HAS_EXTRA) != 0) {
    e->extras[order] = (book_extra){.display = t->display, .expire = t->expire};
    if ((t->flags & BOOK_EXPIRES) != 0) assay_book_heap_add(e, order);
  }
  if ((t->flags & BOOK_AON) != 0) e->symbols[t->number].rare->aons++;
  if (e->account_count != 0) book_own(e, order);
  return order;
}

void assay_book_rest(assay_book *e, book_symbol *b, book_taker *t) {
  book_store *s = &e->store;
  unsigned sell = book_flags_sell(t->flags);
  bool aon = (t->flags & BOOK_AON) != 0;
  book_ladder *ladder = aon ? &b->rare->aon[sell] : &b->side[sell];
  uint32_t at = book_ladder_open(s, ladder, book_key(t->price, sell), t->number * BOOK_LADDERS + (aon ? BOOK_AON_LADDER : 0) + sell);
  if (at == 0 || s->levels[at].quantity + t->quantity > BOOK_MOST_AT_LEVEL) {
    assay_book_drop(e, b, t, at == 0 ? ASSAY_BOOK_NO_MEMORY : ASSAY_BOOK_LEVEL_FULL);
    if (t->order != 0) book_gone(e, b, t->order);
    t->order = 0;
    return;
  }
  uint32_t order = assay_book_record_of(e, t);
  uint64_t shown = t->quantity;
  if ((t->flags & BOOK_ICEBERG) != 0) {
    book_extra *x = &e->extras[order];
    if (shown > x->display) shown = x->display;
    x->hidden = t->quantity - shown;
    s->levels[at].special++;
  }
  s->orders[order].quantity = shown;
  book_level_append(s, at, order);
  uint64_t quantity = t->quantity;
  t->quantity = 0;
  t->order = 0;                           /* the book has it now */
  if (aon) b->rare->lacked[sell ^ 1] = 0; /* nobody knows yet what this one lacks */
  if (b->rare != NULL && b->rare->aon[sell ^ 1].levels > 0 && b->phase == ASSAY_BOOK_CONTINUOUS)
    assay_book_retry_aon(e, b, t->number, sell, quantity);
}

unsigned assay_book_drop_reason(const book_taker *t, const book_ladder *other) {
  if ((t->flags & BOOK_FOK) != 0) return ASSAY_BOOK_NOT_FILLED;
  if ((t->flags & BOOK_MARKET) == 0) return ASSAY_BOOK_IMMEDIATE;
  return other->levels > 0 && t->limit < UINT32_MAX ? ASSAY_BOOK_RISK_COLLAR : ASSAY_BOOK_NO_LIQUIDITY;
}

/* What the taker's trades mean for stops, then what becomes of the rest. */
void assay_book_run_taker(assay_book *e, book_symbol *b, book_taker *t) {
  book_ladder *other = &b->side[book_flags_sell(t->flags) ^ 1];
  bool whole = (t->flags & (BOOK_FOK | BOOK_AON)) != 0;
  bool crosses = other->best <= t->limit || (b->rare != NULL && b->rare->aon[book_flags_sell(t->flags) ^ 1].best <= t->limit);
  if (crosses && (t->flags & BOOK_POST) == 0 && (!whole || assay_book_fillable(e, b, t))) {
    assay_book_match(e, b, t);
    if (t->traded) {
      if (b->rare != NULL) {
        assay_book_price_seen(e, b, t->first);
        assay_book_price_seen(e, b, t->last);
      }
      b->last = t->last;
      b->traded = true;
    }
  }
  if (t->quantity > 0) {
    if ((t->flags & (BOOK_IOC | BOOK_FOK | BOOK_MARKET)) == 0)
      assay_book_rest(e, b, t);
    else
      assay_book_drop(e, b, t, assay_book_drop_reason(t, other));
  }
  if (t->order != 0) book_gone(e, b, t->order);
}

void assay_book_taker_of(assay_book *e, uint32_t number, uint32_t order, int32_t price, book_taker *t) {
  const book_order *o = &e->store.orders[order];
  uint32_t flags = (uint32_t)o->flags;
  *t = (book_taker){.id = o->id,
                    .quantity = book_open(e, order),
                    .limit = (uint32_t)~book_key(price, book_flags_sell(flags)),
                    .account = o->account,
                    .number = number,
                    .flags = flags,
                    .order = order,
                    .price = price};
}

void assay_book_cancel_order(assay_book *e, uint32_t order, unsigned kind, unsigned reason) {
  book_order *o = &e->store.orders[order];
  uint32_t number = book_order_number(e, o);
  book_symbol *b = &e->symbols[number];
  uint64_t open = book_open(e, order);
  unsigned sell = book_flags_sell((uint32_t)o->flags);
  book_event(e, kind, o->id, 0, open, 0, book_order_price(e, o), number, o->account, sell, reason, 0);
  book_risk_close(e, b, o->account, sell, open);
  book_take_out(e, order);
  book_gone(e, b, order);
}
