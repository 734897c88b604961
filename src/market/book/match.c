/* SPDX-License-Identifier: MIT */
/* The path that nearly all messages take. */
#include "market/book/engine.h"

#include <string.h>

void assay_book_flush(assay_book *e) {
  size_t count = (size_t)(e->next_event - e->events);
  e->next_event = e->events;
  if (count > 0 && e->sink != NULL) e->sink(e->context, e->events, count);
}

void assay_book_reject(assay_book *e, const assay_book_message *m, unsigned reason) {
  book_event(e, ASSAY_BOOK_REJECTED_EVENT, m->id, 0, m->quantity, 0, m->price, m->book, m->account, m->side & 1, reason, 0);
}

/* ---- Matching -------------------------------------------------------------------------------------------------------------------- */

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

/* What a maker may have and still trade as the plain ones do. Of a record with anything else, or of none at all, the masked bits are more
 * than any quantity. */
#define PLAIN_MAKER (~((uint64_t)(BOOK_SELL | BOOK_POST | 7u << BOOK_SELF_TRADE_SHIFT) << 48))
_Static_assert(((BOOK_ICEBERG | BOOK_HAS_TIES) & (BOOK_SELL | BOOK_POST | 7u << BOOK_SELF_TRADE_SHIFT)) == 0, "those need care");

/* The incoming order, as far as a trade needs it. */
typedef struct taking {
  uint64_t id, left;
  uint64_t own; /* the account that it must not meet; UINT64_MAX: none */
  uint32_t number, account;
  unsigned sell;
} taking;

/* The orders of the best level, as long as they are plain and not the taker's own. Those that are taken whole are the first of the level's,
 * and chained already as free records are. The level is brought up to date once, behind them. Whether a trade is the last one nobody can
 * foresee, so nothing else asks. `swift`: no risk is checked, and no order is its own. False: the one that is first now is not plain. */
static inline __attribute__((always_inline)) bool take_best(assay_book *e, book_symbol *b, book_ladder *other, taking *t, bool swift) {
  book_store *s = &e->store;
  book_order *orders = s->orders;
  uint32_t at = other->best_level, first = s->levels[at].head, order = first, last = 0, gone = 0;
  uint64_t left = t->left, before = left;
  int32_t price = book_price((uint32_t)other->best, t->sell ^ 1);
  book_order *o = &orders[order];
  do {
    uint64_t open = o->bits & PLAIN_MAKER;
    if (__builtin_expect(open > BOOK_MOST_QUANTITY || (!swift && o->account == t->own), false)) break;
    uint64_t quantity = open < left ? open : left, rest = open - quantity;
    left -= quantity;
    unsigned flags = (unsigned)(rest == 0) * ASSAY_BOOK_OTHER_DONE | (unsigned)(left == 0) * ASSAY_BOOK_ID_DONE;
    book_event(e, ASSAY_BOOK_TRADE_EVENT, t->id, o->id, quantity, rest, price, t->number, t->account, t->sell, 0, flags);
    if (!swift && e->account_count != 0) {
      book_risk_trade(e, b, t->sell ? o->account : t->account, t->sell ? t->account : o->account, quantity);
      if (rest == 0) book_disown(e, order);
    }
    if (rest != 0) {
      o->bits -= quantity;
      break;
    }
    book_id_remove(s, o->id, order);
    gone++;
    last = order;
    order = o->next;
    o = &orders[order];
  } while (left > 0);
  book_level *level = &s->levels[at];
  t->left = left;
  level->quantity -= before - left;
  if (gone > 0) {
    level->count -= gone;
    s->live -= gone;
    orders[last].next = s->order_pool.free;
    s->order_pool.free = first;
    level->head = order;
    o->prev = 0;
    if (order == 0) {
      level->tail = 0;
      book_ladder_close(s, other, at);
      return true;
    }
  }
  return left < before;
}

static inline uint64_t own_account(uint32_t flags, uint32_t account) {
  return book_policy(flags) != ASSAY_BOOK_ALLOW && account != 0 ? account : UINT64_MAX;
}

/* No all-or-none order waits on the other side. */
static void match_plain(assay_book *e, book_symbol *b, book_taker *t) {
  unsigned sell = book_flags_sell(t->flags);
  book_ladder *other = &b->side[sell ^ 1];
  while (other->best <= t->limit) {
    taking k = {t->id, t->quantity, own_account(t->flags, t->account), t->number, t->account, sell};
    int32_t price = book_price((uint32_t)other->best, sell ^ 1);
    if (take_best(e, b, other, &k, false)) {
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

/* The record that a plain order never needed until now. */
static uint32_t record_of(assay_book *e, book_taker *t) {
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
  uint32_t order = record_of(e, t);
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

/* Why what is left of it does not rest. */
static unsigned drop_reason(const book_taker *t, const book_ladder *other) {
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
      assay_book_drop(e, b, t, drop_reason(t, other));
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

/* ---- New orders ---------------------------------------------------------------------------------------------------------------------- */

static const uint16_t flags_of_type[ASSAY_BOOK_TYPES] = {[ASSAY_BOOK_MARKET] = BOOK_MARKET,
                                                         [ASSAY_BOOK_STOP] = BOOK_STOP | BOOK_MARKET,
                                                         [ASSAY_BOOK_STOP_LIMIT] = BOOK_STOP,
                                                         [ASSAY_BOOK_TRAILING_STOP] = BOOK_STOP | BOOK_TRAILING | BOOK_MARKET,
                                                         [ASSAY_BOOK_TRAILING_STOP_LIMIT] = BOOK_STOP | BOOK_TRAILING,
                                                         [ASSAY_BOOK_ICEBERG] = BOOK_ICEBERG,
                                                         [ASSAY_BOOK_POST_ONLY] = BOOK_POST};
static const uint16_t flags_of_tif[ASSAY_BOOK_TIFS] = {
    [ASSAY_BOOK_IOC] = BOOK_IOC, [ASSAY_BOOK_FOK] = BOOK_FOK, [ASSAY_BOOK_AON] = BOOK_AON, [ASSAY_BOOK_GTD] = BOOK_EXPIRES};

/* Which times in force go with a type, a bit each. */
enum {
  GTC_BIT = 1 << ASSAY_BOOK_GTC,
  IOC_BIT = 1 << ASSAY_BOOK_IOC,
  FOK_BIT = 1 << ASSAY_BOOK_FOK,
  AON_BIT = 1 << ASSAY_BOOK_AON,
  GTD_BIT = 1 << ASSAY_BOOK_GTD
};
static const uint8_t tifs_of_type[ASSAY_BOOK_TYPES] = {[ASSAY_BOOK_LIMIT] = GTC_BIT | IOC_BIT | FOK_BIT | AON_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_MARKET] = GTC_BIT | IOC_BIT | FOK_BIT,
                                                       [ASSAY_BOOK_STOP] = GTC_BIT | FOK_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_STOP_LIMIT] = GTC_BIT | IOC_BIT | FOK_BIT | AON_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_TRAILING_STOP] = GTC_BIT | FOK_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_TRAILING_STOP_LIMIT] = GTC_BIT | IOC_BIT | FOK_BIT | AON_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_ICEBERG] = GTC_BIT | GTD_BIT,
                                                       [ASSAY_BOOK_POST_ONLY] = GTC_BIT | GTD_BIT};

/* What a plain limit order need not be asked. `*flags` may change in an auction. */
static unsigned check_unusual(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t *flags) {
  if ((*flags & BOOK_ICEBERG) != 0 && (m->display == 0 || m->quantity / ASSAY_BOOK_MOST_SLICES > m->display)) return ASSAY_BOOK_DISPLAY;
  if ((*flags & BOOK_EXPIRES) != 0 && m->expire <= e->now) return ASSAY_BOOK_TOO_LATE;
  if (b->phase == ASSAY_BOOK_AUCTION && (*flags & (BOOK_IOC | BOOK_FOK | BOOK_AON | BOOK_STOP)) != 0) return ASSAY_BOOK_WRONG_PHASE;
  if (b->phase > ASSAY_BOOK_AUCTION) return ASSAY_BOOK_WRONG_PHASE;
  if ((*flags & BOOK_TRAILING) != 0) {
    if (m->trigger <= 0 || ((*flags & BOOK_MARKET) == 0 && m->price < 0)) return ASSAY_BOOK_MALFORMED;
    if (!b->traded) return ASSAY_BOOK_NO_REFERENCE;
    if (b->rare != NULL && b->rare->trailing >= e->most_trailing) return ASSAY_BOOK_FULL;
  }
  if ((*flags & BOOK_AON) != 0 && b->rare != NULL && b->rare->aons >= e->most_aon) return ASSAY_BOOK_FULL;
  if ((*flags & (BOOK_STOP | BOOK_AON)) != 0 && !assay_book_need_rare(e, b)) return ASSAY_BOOK_NO_MEMORY;
  if ((*flags & BOOK_AON) != 0 && !assay_book_need_scratch(e, b->rare->aons + 1u)) return ASSAY_BOOK_NO_MEMORY;
  if ((*flags & BOOK_HAS_EXTRA) != 0 && !assay_book_need_extras(e)) return ASSAY_BOOK_NO_MEMORY;
  if ((*flags & BOOK_EXPIRES) != 0 && !assay_book_need_heap(e)) return ASSAY_BOOK_NO_MEMORY;
  return ASSAY_BOOK_NONE;
}

static unsigned check_new(assay_book *e, const assay_book_message *m, uint32_t *flags) {
  if (m->book >= e->symbol_count) return ASSAY_BOOK_UNKNOWN_BOOK;
  book_symbol *b = &e->symbols[m->book];
  if (m->type >= ASSAY_BOOK_TYPES || m->tif >= ASSAY_BOOK_TIFS || m->side > 1 || m->self_trade >= ASSAY_BOOK_SELF_TRADES)
    return ASSAY_BOOK_MALFORMED;
  if ((tifs_of_type[m->type] >> m->tif & 1) == 0) return ASSAY_BOOK_MALFORMED;
  if (m->quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_BOOK_QUANTITY;
  *flags = m->side | flags_of_type[m->type] | flags_of_tif[m->tif] | (uint32_t)m->self_trade << BOOK_SELF_TRADE_SHIFT;
  if (book_taken(&e->store, m->id)) return ASSAY_BOOK_DUPLICATE;
  if (!book_store_room(&e->store)) return e->store.live >= e->store.most ? ASSAY_BOOK_FULL : ASSAY_BOOK_NO_MEMORY;
  if (b->phase != ASSAY_BOOK_CONTINUOUS || (*flags & (BOOK_HAS_EXTRA | BOOK_AON | BOOK_FOK | BOOK_IOC | BOOK_TRAILING)) != 0) {
    unsigned reason = check_unusual(e, b, m, flags);
    if (reason != ASSAY_BOOK_NONE) return reason;
  }
  if (m->type == ASSAY_BOOK_POST_ONLY && b->phase == ASSAY_BOOK_CONTINUOUS &&
      b->side[m->side ^ 1].best <= (uint32_t)~book_key(m->price, m->side))
    return ASSAY_BOOK_WOULD_TRADE;
  if (e->account_count != 0) {
    int32_t price = (*flags & (BOOK_STOP | BOOK_MARKET)) == (BOOK_STOP | BOOK_MARKET) ? m->trigger : m->price;
    return assay_book_risk_check(e, m->book, m->account, m->side, *flags, price, m->quantity, 0);
  }
  return ASSAY_BOOK_NONE;
}

static void new_stop(assay_book *e, book_symbol *b, const assay_book_message *m, book_taker *t) {
  uint32_t order = record_of(e, t);
  e->store.orders[order].quantity = m->quantity;
  e->extras[order].limit = m->price;
  e->extras[order].distance = m->trigger;
  assay_book_stop_new(e, b, m->book, order, m->trigger);
  assay_book_run_pending(e, b);
}

/* Of kind, side, type, tif, self_trade and what is reserved: all that a plain order does not have. It is a limit or market order that rests
 * or does not. */
#define NOT_PLAIN UINT64_C(0xFFFFFFFCFEFEFEFF)
#define IS_MARKET (UINT64_C(1) << 16)
#define IS_IOC (UINT64_C(1) << 24)
_Static_assert(ASSAY_BOOK_MARKET == 1 && ASSAY_BOOK_IOC == 1 && ASSAY_BOOK_DECREMENT == 4, "as the bits say");

static inline uint64_t bytes_of(const assay_book_message *m) {
  _Static_assert(offsetof(assay_book_message, kind) + 8 == sizeof *m && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                 "kind, side, type, tif, self_trade");
  uint64_t bytes;
  memcpy(&bytes, &m->kind, sizeof bytes);
  return bytes;
}

static inline uint32_t plain_flags(const assay_book_message *m) { return m->side | (uint32_t)m->self_trade << BOOK_SELF_TRADE_SHIFT; }

/* A plain order behind all others of its price: its record. 0: no memory, or no room at that level, and nothing happened. */
static inline __attribute__((always_inline)) uint32_t rest_plain(assay_book *e, book_symbol *b, const assay_book_message *m,
                                                                 uint64_t quantity) {
  book_store *s = &e->store;
  unsigned sell = m->side;
  uint32_t at = book_ladder_open(s, &b->side[sell], book_key(m->price, sell), m->book * BOOK_LADDERS + sell);
  if (__builtin_expect(at == 0 || s->levels[at].quantity > BOOK_MOST_AT_LEVEL - BOOK_MOST_QUANTITY, false)) return 0;
  uint32_t order = book_order_new(s, m->id);
  book_level_enter(s, at, order, m->id, quantity, plain_flags(m), m->account);
  return order;
}

static inline void accept_plain(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t order) {
  if (e->account_count != 0) {
    book_risk_open(e, b, m->account, m->side, m->quantity);
    if (order != 0) book_own(e, order);
  }
  book_event(e, ASSAY_BOOK_ACCEPTED_EVENT, m->id, 0, m->quantity, m->quantity, m->price, m->book, m->account, m->side, 0, 0);
}

/* The taker of a message, where more is to be done with it than to trade with plain orders. */
static book_taker plain_taker(const assay_book_message *m, uint64_t bytes, uint64_t limit, uint64_t left) {
  bool market = (bytes & IS_MARKET) != 0;
  return (book_taker){.id = m->id,
                      .quantity = left,
                      .limit = limit,
                      .account = m->account,
                      .number = m->book,
                      .flags = plain_flags(m) | (market ? BOOK_MARKET : 0) | ((bytes & IS_IOC) != 0 ? BOOK_IOC : 0),
                      .price = !market        ? m->price
                               : m->side != 0 ? INT32_MIN
                                              : INT32_MAX};
}

/* The rest of a plain order that traded all it could. */
static __attribute__((noinline)) void finish_plain(assay_book *e, book_symbol *b, const assay_book_message *m, uint64_t bytes,
                                                   uint64_t limit, uint64_t left) {
  book_taker t = plain_taker(m, bytes, limit, left);
  if ((bytes & (IS_MARKET | IS_IOC)) == 0)
    assay_book_rest(e, b, &t);
  else
    assay_book_drop(e, b, &t, drop_reason(&t, &b->side[m->side ^ 1]));
}

/* Goes on with what is left of a plain order. */
static __attribute__((noinline)) void cross_on(assay_book *e, book_symbol *b, const assay_book_message *m, uint64_t bytes, uint64_t limit,
                                               uint64_t left) {
  unsigned sell = m->side;
  book_ladder *other = &b->side[sell ^ 1];
  taking k = {m->id, left, own_account(plain_flags(m), m->account), m->book, m->account, sell};
  while (other->best <= limit) {
    int32_t price = book_price((uint32_t)other->best, sell ^ 1);
    if (__builtin_expect(take_best(e, b, other, &k, false), true)) {
      b->last = price;
      b->traded = true;
      if (k.left == 0) return;
      continue;
    }
    /* What stopped there is not plain. */
    book_taker t = plain_taker(m, bytes, limit, k.left);
    bool more = assay_book_meet(e, b, &t, e->store.levels[other->best_level].head);
    k.left = t.quantity;
    if (t.traded) {
      b->last = t.last;
      b->traded = true;
    }
    if (!more) break;
  }
  if (k.left == 0) return;
  uint32_t order = (bytes & (IS_MARKET | IS_IOC)) != 0 ? 0 : rest_plain(e, b, m, k.left);
  if (order == 0)
    finish_plain(e, b, m, bytes, limit, k.left);
  else if (e->account_count != 0)
    book_own(e, order);
}

/* One that trades or does not rest, or for which there is no room. */
static __attribute__((noinline)) void cross_plain(assay_book *e, book_symbol *b, const assay_book_message *m, uint64_t bytes) {
  accept_plain(e, b, m, 0);
  uint64_t limit = (uint32_t)~book_key(m->price, m->side);
  if ((bytes & IS_MARKET) != 0) limit = e->account_count == 0 ? UINT32_MAX : assay_book_risk_limit(e, b, m->account, m->side);
  cross_on(e, b, m, bytes, limit, m->quantity);
}

/* A plain order, which is what most messages are: the same as new_order with nothing to ask. False: it is not one, and nothing happened
 * yet. */
static inline __attribute__((always_inline)) bool new_plain(assay_book *e, const assay_book_message *m, uint64_t bytes) {
  book_store *s = &e->store;
  if (m->book >= e->symbol_count) return false;
  book_symbol *b = &e->symbols[m->book];
  if (!b->plain || m->quantity - 1 >= BOOK_MOST_QUANTITY || book_taken(s, m->id) || !book_store_room(s)) return false;
  if (__builtin_expect(e->account_count != 0, false)) {
    uint32_t flags = m->side | ((bytes & IS_MARKET) != 0 ? BOOK_MARKET : 0);
    unsigned reason = assay_book_risk_check(e, m->book, m->account, m->side, flags, m->price, m->quantity, 0);
    if (reason != ASSAY_BOOK_NONE) {
      assay_book_reject(e, m, reason);
      return true;
    }
  }
  bool trades = b->side[m->side ^ 1].best <= (uint32_t)~book_key(m->price, m->side) || (bytes & (IS_MARKET | IS_IOC)) != 0;
  uint32_t order;
  if (trades || (order = rest_plain(e, b, m, m->quantity)) == 0)
    cross_plain(e, b, m, bytes);
  else
    accept_plain(e, b, m, order);
  return true;
}

/* Out of the way of what is always done, to which it would leave no registers. */
static __attribute__((noinline, cold)) void stray_gone(book_store *s, uint64_t id, uint32_t order) {
  book_place_remove(s, book_tag(s, id), order);
}

/* The same for a level that is not in a block with the next one. */
static __attribute__((noinline)) void close_slowly(book_store *s, book_ladder *l, uint32_t at) { book_ladder_close(s, l, at); }

/* The book of the ladder that a message meets. */
static inline book_symbol *symbol_that_meets(book_ladder *other, const assay_book_message *m) {
  return (book_symbol *)(other - (m->side ^ 1));
}

static inline void traded_at(book_ladder *other, const assay_book_message *m, int32_t price) {
  book_symbol *b = symbol_that_meets(other, m);
  b->last = price;
  b->traded = true;
}

/* The best level is empty. The next one is nearly always in the same block. */
static inline __attribute__((always_inline)) void best_emptied(book_store *s, book_ladder *l, book_level *level, uint64_t best) {
  uint32_t way = (uint32_t)best & 63, at = l->best_level;
  book_level *header = level - way - 1;
  uint64_t rest = header->quantity & (header->quantity - 1);
  level->tail = 0;
  if (__builtin_expect(header->count == BOOK_IS_HEADER && rest != 0, true)) {
    uint32_t after = (uint32_t)__builtin_ctzll(rest), key = ((uint32_t)best & ~63u) | after;
    if (__builtin_expect(header[1 + after].key == key, true)) {
      header->quantity = rest;
      l->levels--;
      l->best = key;
      l->best_level = at - way + after;
      return;
    }
  }
  close_slowly(s, l, at);
}

/* The same in a book without risk checks, from an order that may meet everybody, whose ACCEPTED event is the one before `event`; `other` is
 * the ladder that it meets. What happens to an order at a time is as in take_best. A wrong guess costs as long as what it hangs on takes,
 * so the next order is looked at before the last one's event is written. */
static __attribute__((noinline)) void cross_swift(assay_book *e, book_ladder *other, const assay_book_message *m, uint64_t limit,
                                                  assay_book_event *event, uint64_t sequence) {
  book_store *s = &e->store;
  book_order *orders = s->orders;
  book_level *level = &s->levels[other->best_level];
  uint32_t order = level->head;
  book_order *o = &orders[order];
  uint64_t open = o->bits & PLAIN_MAKER;
  uint64_t left = m->quantity, best = other->best;
  uint32_t flip = 0x80000000u - m->side;
  uint64_t what = m->account | (uint64_t)(ASSAY_BOOK_TRADE_EVENT | (unsigned)m->side << 8 | ASSAY_BOOK_OTHER_DONE << 24) << 32;
  uint64_t id = m->id, book = (uint64_t)m->book << 32;
  assay_book_event *end = e->last_event + BOOK_EVENTS_BEHIND;
  while (best <= limit) {
    uint64_t where = book | ((uint32_t)best ^ flip), before = left;
    uint32_t first = order, last = 0, gone = 0;
    /* Those that are taken whole. */
    while (open <= left && event < end) {
      uint32_t next = o->next;
      uint64_t maker = o->id, next_open = orders[next].bits & PLAIN_MAKER;
      left -= open;
      book_put_event(event++, ++sequence, e->now, id, maker, open, 0, where, what);
      uint32_t *place = &s->window[maker & s->window_mask];
      if (__builtin_expect(*place == order, true))
        *place = 0;
      else
        stray_gone(s, maker, order);
      gone++;
      last = order;
      order = next;
      if (order == 0) goto emptied; /* known before the next guess, and settles it */
      o = &orders[order];
      open = next_open;
    }
    /* The one that is not. */
    if (__builtin_expect(open <= BOOK_MOST_QUANTITY && open > left && left > 0, true)) {
      book_put_event(event++, ++sequence, e->now, id, o->id, left, open - left, where,
                     what + ((uint64_t)(ASSAY_BOOK_ID_DONE - ASSAY_BOOK_OTHER_DONE) << 56));
      o->bits -= left;
      left = 0;
      __builtin_prefetch(&orders[o->next], 1); /* an order that trades soon */
    }
  emptied:
    level->quantity -= before - left;
    if (left < before) traded_at(other, m, (int32_t)where);
    if (gone > 0) {
      if (left == 0) event[-1].flags |= ASSAY_BOOK_ID_DONE;
      level->count -= gone;
      s->live -= gone;
      orders[last].next = s->order_pool.free;
      s->order_pool.free = first;
      level->head = order;
      if (order == 0)
        best_emptied(s, other, level, best);
      else
        o->prev = 0;
    }
    if (left == 0) {
      e->sequence = sequence;
      e->next_event = event;
      return;
    }
    if (order != 0) break; /* it is special, or there is no room for more events */
    best = other->best;
    level = &s->levels[other->best_level];
    order = level->head;
    o = &orders[order];
    open = o->bits & PLAIN_MAKER;
  }
  e->sequence = sequence;
  e->next_event = event;
  cross_on(e, symbol_that_meets(other, m), m, bytes_of(m), limit, left);
}

/* A plain order at a price that has no place in a block; the ACCEPTED event is there but not given. False: no room, and nothing happened
 * yet. */
static __attribute__((noinline)) bool rest_anywhere(assay_book *e, book_symbol *b, const assay_book_message *m) {
  if (rest_plain(e, b, m, m->quantity) == 0) return false;
  e->sequence++;
  e->next_event++;
  return true;
}

/* The same where in a sparse book it nearly always is: alone at its price, and its level comes into a bunch. */
static __attribute__((noinline)) bool rest_swift(assay_book *e, book_symbol *b, const assay_book_message *m) {
  book_store *s = &e->store;
  unsigned sell = m->side;
  book_ladder *ladder = &b->side[sell];
  uint32_t key = book_key(m->price, sell), child = book_ladder_walk(s, ladder, key), at = s->level_pool.free, order = s->order_pool.free;
  if (__builtin_expect((child & BOOK_IS_BUNCH) == 0 || at == 0, false)) return rest_anywhere(e, b, m);
  uint32_t number = child & ~BOOK_IS_BUNCH;
  const book_bunch *bunch = &s->bunches[number];
  if (__builtin_expect(bunch->used == BOOK_FULL_BUNCH || book_bunch_places(bunch, key, ~63u) != 0, false)) return rest_anywhere(e, b, m);
  book_level *level = &s->levels[at];
  s->level_pool.free = level->special;
  book_bunch_put(s, number, key, at);
  s->order_pool.free = s->orders[order].next;
  s->live++;
  s->window[m->id & s->window_mask] = order;
  *level =
      (book_level){.key = key, .count = 1, .head = order, .tail = order, .quantity = m->quantity, .ladder = m->book * BOOK_LADDERS + sell};
  s->orders[order] = (book_order){.id = m->id, .bits = m->quantity | (uint64_t)plain_flags(m) << 48, .level = at, .account = m->account};
  book_ladder_grew(ladder, key, at);
  e->sequence++;
  e->next_event++;
  return true;
}

/* A plain order in a book without risk checks, with an id that the window knows: straight through where its price has a place in a block.
 * All that it has in common with one that trades comes before the guess. False: it is something else, and nothing happened yet. */
static inline __attribute__((always_inline)) bool new_swift(assay_book *e, const assay_book_message *m, uint64_t bytes, book_ladder *other,
                                                            uint64_t now) {
  book_store *s = &e->store;
  unsigned sell = (unsigned)(bytes >> 8) & 1;
  uint32_t key = book_key(m->price, sell), order = s->order_pool.free, *place = &s->window[m->id & s->window_mask];
  uint64_t id = m->id, quantity = m->quantity, best = other->best;
  if (__builtin_expect(quantity - 1 >= other->swift || !book_in_window(s, id) || order == 0 || *place != 0, false)) return false;
  assay_book_event *event = e->next_event;
  uint64_t sequence = e->sequence + 1;
  book_put_event(event++, sequence, now, id, 0, quantity, quantity, book_where(m->price, m->book),
                 m->account | (bytes & 0xFF00) << 32); /* kind 0, as of the message, and the side */
  if (best <= (uint32_t)~key || (bytes & (IS_MARKET | IS_IOC)) != 0) {
    if (__builtin_expect(m->self_trade != 0 && m->account != 0, false)) return false;
    cross_swift(e, other, m, (uint32_t)~key | (uint32_t)(0 - (bytes >> 16 & 1)), event, sequence);
    return true;
  }
  book_ladder *ladder = other + (2 * (ptrdiff_t)sell - 1);
  uint32_t block = ladder->block[(key >> 6) % BOOK_FINGERS], at = block + (key & 63);
  book_level *header = &s->levels[block] - 1, *level = &s->levels[at];
  if (__builtin_expect(level->key != key || level->quantity > BOOK_MOST_AT_LEVEL - BOOK_MOST_QUANTITY, false))
    return rest_swift(e, (book_symbol *)(ladder - sell), m);
  book_order *orders = s->orders, *o = &orders[order];
  e->sequence = sequence;
  e->next_event = event;
  s->order_pool.free = o->next;
  s->live++;
  *place = order;
  /* It may be the first of its level; nobody can foresee it. */
  header->quantity |= UINT64_C(1) << (key & 63);
  ladder->levels += level->count == 0;
  book_level_enter(s, at, order, id, quantity, plain_flags(m), m->account);
  if (__builtin_expect(key < ladder->best, false)) {
    ladder->best = key;
    ladder->best_level = at;
  }
  return true;
}

static void new_order(assay_book *e, const assay_book_message *m) {
  uint32_t flags = 0;
  unsigned reason = check_new(e, m, &flags);
  if (__builtin_expect(reason != ASSAY_BOOK_NONE, false)) {
    assay_book_reject(e, m, reason);
    return;
  }
  book_symbol *b = &e->symbols[m->book];
  unsigned sell = m->side;
  book_event(e, ASSAY_BOOK_ACCEPTED_EVENT, m->id, 0, m->quantity, m->quantity, m->price, m->book, m->account, sell, 0, 0);
  book_risk_open(e, b, m->account, sell, m->quantity);
  book_taker t = {.id = m->id,
                  .quantity = m->quantity,
                  .display = m->display,
                  .expire = m->expire,
                  .limit = (uint32_t)~book_key(m->price, sell),
                  .account = m->account,
                  .number = m->book,
                  .flags = flags,
                  .price = m->price};
  if ((flags & BOOK_STOP) != 0) {
    new_stop(e, b, m, &t);
    return;
  }
  if ((flags & BOOK_MARKET) != 0) {
    t.limit = e->account_count == 0 ? UINT32_MAX : assay_book_risk_limit(e, b, m->account, sell);
    t.price = sell ? INT32_MIN : INT32_MAX;
  }
  if (b->phase == ASSAY_BOOK_AUCTION) {
    assay_book_rest(e, b, &t);
    return;
  }
  assay_book_run_taker(e, b, &t);
  if (e->pending_head != 0) assay_book_run_pending(e, b);
}

/* ---- Cancel, modify, replace --------------------------------------------------------------------------------------------------------- */

/* The order that a message is about; 0: rejected. */
static inline uint32_t order_of(assay_book *e, const assay_book_message *m) {
  uint32_t order = book_find(&e->store, m->id);
  if (order == 0 || book_order_number(e, &e->store.orders[order]) != m->book) {
    assay_book_reject(e, m, ASSAY_BOOK_UNKNOWN_ORDER);
    return 0;
  }
  if (e->store.orders[order].account != m->account) {
    assay_book_reject(e, m, ASSAY_BOOK_NOT_OWNER);
    return 0;
  }
  return order;
}

static void cancel(assay_book *e, const assay_book_message *m) {
  uint32_t order = order_of(e, m);
  if (order != 0) assay_book_cancel_order(e, order, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_USER);
}

/* What more there is to an order than its place in a ladder. */
#define NOT_PLAIN_ORDER ((uint64_t)(BOOK_ICEBERG | BOOK_STOP | BOOK_AON | BOOK_HAS_TIES) << 48)

/* Whether a message may be about that order, a plain one that rests. */
static inline bool is_plain_order(const assay_book *e, const assay_book_message *m, uint32_t order) {
  const book_order *o = &e->store.orders[order];
  return order != 0 && (o->bits & NOT_PLAIN_ORDER) == 0 && o->account == m->account &&
         e->store.levels[o->level].ladder == (uint64_t)m->book * BOOK_LADDERS + (o->bits >> 48 & BOOK_SELL);
}

/* The same for an order that has nothing special. False: it has, and nothing happened yet. */
static inline __attribute__((always_inline)) bool cancel_plain(assay_book *e, const assay_book_message *m) {
  book_store *s = &e->store;
  uint32_t order = book_find(s, m->id);
  if (!is_plain_order(e, m, order)) return false;
  const book_order *o = &s->orders[order];
  uint32_t at = o->level;
  book_level *level = &s->levels[at];
  unsigned sell = (unsigned)(o->bits >> 48) & BOOK_SELL;
  book_first_event(e, ASSAY_BOOK_CANCELLED_EVENT, m->id, o->quantity, 0, book_price(level->key, sell), m->book, m->account, sell,
                   ASSAY_BOOK_USER);
  if (__builtin_expect(e->account_count != 0, false)) {
    book_risk_close(e, &e->symbols[m->book], m->account, sell, o->quantity);
    book_disown(e, order);
  }
  if (__builtin_expect(level->count == 1, false))
    book_level_end(s, &e->symbols[m->book].side[sell], at);
  else
    book_level_unlink(s, level, o);
  book_order_free(s, order);
  return true;
}

/* Whether an order asks for more than before, or for something else. */
static bool adds(const assay_book *e, const assay_book_message *m, uint32_t order) {
  const book_order *o = &e->store.orders[order];
  if (m->quantity > book_open(e, order)) return true;
  if ((o->flags & BOOK_STOP) == 0) return m->price != book_order_price(e, o);
  return ((o->flags & BOOK_MARKET) == 0 && m->price != e->extras[order].limit) ||
         ((o->flags & BOOK_TRAILING) == 0 && m->trigger != book_order_price(e, o));
}

/* Why it cannot be changed so. */
static unsigned check_change(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t order) {
  uint32_t flags = (uint32_t)e->store.orders[order].flags;
  unsigned sell = book_flags_sell(flags);
  if (b->phase > ASSAY_BOOK_AUCTION) return ASSAY_BOOK_WRONG_PHASE;
  if (b->phase == ASSAY_BOOK_AUCTION && (flags & (BOOK_STOP | BOOK_AON)) != 0) return ASSAY_BOOK_WRONG_PHASE;
  if ((flags & (BOOK_MARKET | BOOK_STOP)) == BOOK_MARKET) return ASSAY_BOOK_MALFORMED;
  if ((flags & (BOOK_TRAILING | BOOK_MARKET)) == BOOK_TRAILING && m->price < 0) return ASSAY_BOOK_MALFORMED;
  if (m->quantity - 1 >= ASSAY_BOOK_MOST_QUANTITY) return ASSAY_BOOK_QUANTITY;
  if ((flags & BOOK_ICEBERG) != 0 && m->quantity / ASSAY_BOOK_MOST_SLICES > e->extras[order].display) return ASSAY_BOOK_DISPLAY;
  bool keeps = m->kind == ASSAY_BOOK_MODIFY && (flags & BOOK_AON) == 0 && m->quantity <= book_open(e, order) &&
               m->price == book_order_price(e, &e->store.orders[order]);
  if ((flags & (BOOK_POST | BOOK_STOP)) == BOOK_POST && !keeps && b->phase == ASSAY_BOOK_CONTINUOUS &&
      b->side[sell ^ 1].best <= (uint32_t)~book_key(m->price, sell))
    return ASSAY_BOOK_WOULD_TRADE;
  if (e->account_count != 0) {
    if (!adds(e, m, order)) return assay_book_risk_count(e, m->account);
    int32_t price = (flags & (BOOK_STOP | BOOK_MARKET)) == (BOOK_STOP | BOOK_MARKET) ? m->trigger : m->price;
    return assay_book_risk_check(e, m->book, m->account, sell, flags, price, m->quantity, book_open(e, order));
  }
  return ASSAY_BOOK_NONE;
}

static void set_quantity(assay_book *e, uint32_t order, uint64_t quantity) {
  book_order *o = &e->store.orders[order];
  o->quantity = quantity;
  if ((o->flags & BOOK_ICEBERG) != 0) e->extras[order].hidden = 0;
}

/* Less of the same: from what is hidden first. */
static void shrink(assay_book *e, uint32_t order, uint64_t quantity) {
  book_order *o = &e->store.orders[order];
  uint64_t shown = o->quantity < quantity ? o->quantity : quantity;
  if ((o->flags & BOOK_ICEBERG) != 0) e->extras[order].hidden = quantity - shown;
  e->store.levels[o->level].quantity -= o->quantity - shown;
  o->quantity = shown;
}

/* A waiting stop keeps its place only if nothing but its quantity changed, downwards. */
static void change_stop(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t order) {
  book_order *o = &e->store.orders[order];
  int32_t old = book_order_price(e, o), trigger = (o->flags & BOOK_TRAILING) != 0 ? old : m->trigger;
  e->extras[order].limit = m->price;
  if (m->kind == ASSAY_BOOK_MODIFY && trigger == old && m->quantity <= o->quantity) {
    shrink(e, order, m->quantity);
    return;
  }
  book_take_out(e, order);
  o->quantity = m->quantity;
  if ((o->flags & BOOK_TRAILING) != 0) assay_book_trail_again(e, m->book, order);
  assay_book_stop_rest(e, b, m->book, order, trigger);
}

static void rename_order(assay_book *e, uint32_t order, uint64_t new_id) {
  book_order *o = &e->store.orders[order];
  bool expires = (o->flags & BOOK_EXPIRES) != 0;
  if (expires) assay_book_heap_remove(e, order); /* which is ordered by id, too */
  book_id_remove(&e->store, o->id, order);
  book_id_add(&e->store, new_id, order);
  o->id = new_id;
  if (expires) assay_book_heap_add(e, order);
}

static void change(assay_book *e, const assay_book_message *m) {
  uint32_t order = order_of(e, m);
  if (order == 0) return;
  book_symbol *b = &e->symbols[m->book];
  bool replace = m->kind == ASSAY_BOOK_REPLACE;
  unsigned reason = replace && book_taken(&e->store, m->new_id) ? ASSAY_BOOK_DUPLICATE : check_change(e, b, m, order);
  if (reason != ASSAY_BOOK_NONE) {
    assay_book_reject(e, m, reason);
    return;
  }
  book_order *o = &e->store.orders[order];
  uint32_t flags = (uint32_t)o->flags;
  unsigned sell = book_flags_sell(flags);
  uint64_t open = book_open(e, order);
  book_event(e, replace ? ASSAY_BOOK_REPLACED_EVENT : ASSAY_BOOK_MODIFIED_EVENT, m->id, replace ? m->new_id : 0, m->quantity, m->quantity,
             m->price, m->book, m->account, sell, 0, 0);
  book_risk_close(e, b, m->account, sell, open);
  book_risk_open(e, b, m->account, sell, m->quantity);
  if (replace) rename_order(e, order, m->new_id);
  if ((flags & BOOK_STOP) != 0) {
    change_stop(e, b, m, order);
  } else if (!replace && (flags & BOOK_AON) == 0 && m->quantity <= open && m->price == book_order_price(e, o)) {
    shrink(e, order, m->quantity);
  } else {
    book_take_out(e, order);
    set_quantity(e, order, m->quantity);
    book_taker t;
    assay_book_taker_of(e, m->book, order, m->price, &t);
    if (b->phase == ASSAY_BOOK_AUCTION)
      assay_book_rest(e, b, &t);
    else
      assay_book_run_taker(e, b, &t);
  }
  if (e->pending_head != 0) assay_book_run_pending(e, b);
}

/* A replaced order that trades at once: it goes, and comes in again as a new one would. Only for one without a policy, in a swift book. */
static __attribute__((noinline)) void replace_swift(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t order,
                                                    unsigned sell) {
  book_store *s = &e->store;
  const book_order *o = &s->orders[order];
  uint32_t from = o->level;
  assay_book_message again = {
      .id = m->new_id, .quantity = m->quantity, .price = m->price, .account = m->account, .book = m->book, .side = (uint8_t)sell};
  book_first_event(e, ASSAY_BOOK_REPLACED_EVENT, m->id, m->quantity, m->quantity, m->price, m->book, m->account, sell, 0);
  e->next_event[-1].other = m->new_id;
  book_level_unlink(s, &s->levels[from], o);
  if (s->levels[from].count == 0) book_ladder_close(s, &b->side[sell], from);
  book_order_free(s, order);
  cross_swift(e, &b->side[sell ^ 1], &again, (uint32_t)~book_key(m->price, sell), e->next_event, e->sequence);
}

/* What changes most: less of the same, or a plain order that comes to rest elsewhere under its new id. False: it is something else, and
 * nothing happened yet. */
static bool change_plain(assay_book *e, const assay_book_message *m) {
  book_store *s = &e->store;
  uint32_t order = book_find(s, m->id);
  if (!is_plain_order(e, m, order) || e->account_count != 0) return false;
  book_symbol *b = &e->symbols[m->book];
  book_order *o = &s->orders[order];
  unsigned sell = (unsigned)(o->bits >> 48) & BOOK_SELL;
  uint32_t key = book_key(m->price, sell);
  if (!b->plain || m->quantity - 1 >= BOOK_MOST_QUANTITY) return false;
  if (m->kind == ASSAY_BOOK_MODIFY) {
    if (key != s->levels[o->level].key || m->quantity > o->quantity) return false;
    s->levels[o->level].quantity -= o->quantity - m->quantity;
    o->quantity = m->quantity;
    book_event(e, ASSAY_BOOK_MODIFIED_EVENT, m->id, 0, m->quantity, m->quantity, m->price, m->book, m->account, sell, 0, 0);
    return true;
  }
  if (book_taken(s, m->new_id)) return false;
  if (b->side[sell ^ 1].best <= (uint32_t)~key) {
    if ((o->bits >> 48 & ~(uint64_t)BOOK_SELL) != 0) return false;
    replace_swift(e, b, m, order, sell);
    return true;
  }
  uint32_t to = book_ladder_open(s, &b->side[sell], key, m->book * BOOK_LADDERS + sell);
  if (to == 0 || s->levels[to].quantity > BOOK_MOST_AT_LEVEL - BOOK_MOST_QUANTITY) return false;
  uint32_t from = o->level; /* which may have moved just now */
  book_event(e, ASSAY_BOOK_REPLACED_EVENT, m->id, m->new_id, m->quantity, m->quantity, m->price, m->book, m->account, sell, 0, 0);
  book_id_remove(s, m->id, order);
  book_id_add(s, m->new_id, order);
  book_level_unlink(s, &s->levels[from], o);
  o->id = m->new_id;
  o->quantity = m->quantity;
  book_level_append(s, to, order);
  if (s->levels[from].count == 0) book_ladder_close(s, &b->side[sell], from);
  return true;
}

/* ---- All else ------------------------------------------------------------------------------------------------------------------------ */

static void set_phase(assay_book *e, const assay_book_message *m) {
  if (m->book >= e->symbol_count) {
    assay_book_reject(e, m, ASSAY_BOOK_UNKNOWN_BOOK);
    return;
  }
  book_symbol *b = &e->symbols[m->book];
  /* Only an uncross leaves an auction: what gathered there may cross. */
  if (m->type >= ASSAY_BOOK_PHASES || b->phase == ASSAY_BOOK_AUCTION) {
    assay_book_reject(e, m, m->type >= ASSAY_BOOK_PHASES ? ASSAY_BOOK_MALFORMED : ASSAY_BOOK_WRONG_PHASE);
    return;
  }
  assay_book_enter_phase(e, m->book, m->type);
  assay_book_run_pending(e, b);
}

void assay_book_enter_phase(assay_book *e, uint32_t number, unsigned phase) {
  book_symbol *b = &e->symbols[number];
  b->phase = (uint8_t)phase;
  book_set_plain(e, b);
  book_event(e, ASSAY_BOOK_PHASE_EVENT, 0, 0, 0, 0, 0, number, 0, 0, 0, phase);
  if (phase != ASSAY_BOOK_CONTINUOUS) return;
  if (b->traded) assay_book_mark_stops(e, b, b->last);
  for (unsigned sell = 2; b->rare != NULL && sell-- > 0;) {
    b->rare->lacked[sell] = 0;
    if (b->rare->aon[sell ^ 1].levels > 0) assay_book_retry_aon(e, b, number, sell, 0);
  }
}

static __attribute__((noinline)) void apply_other(assay_book *e, const assay_book_message *m) {
  switch (m->kind) {
    case ASSAY_BOOK_NEW: new_order(e, m); break;
    case ASSAY_BOOK_CANCEL: cancel(e, m); break;
    case ASSAY_BOOK_MODIFY:
    case ASSAY_BOOK_REPLACE: change(e, m); break;
    case ASSAY_BOOK_CLOCK: break;
    case ASSAY_BOOK_PHASE: set_phase(e, m); break;
    case ASSAY_BOOK_UNCROSS: assay_book_uncross(e, m); break;
    case ASSAY_BOOK_MASS_CANCEL:
    case ASSAY_BOOK_LIMITS:
    case ASSAY_BOOK_KILL: assay_book_account_message(e, m); break;
    default: assay_book_reject(e, m, ASSAY_BOOK_MALFORMED); break;
  }
}

/* What does not go the swift way, or is no new order nor a cancellation: the latter first, as that is in every book. */
static __attribute__((noinline)) void apply_more(assay_book *e, const assay_book_message *m, uint64_t bytes) {
  if ((uint8_t)bytes == ASSAY_BOOK_MODIFY || (uint8_t)bytes == ASSAY_BOOK_REPLACE) {
    if (change_plain(e, m)) return;
  } else if ((bytes & NOT_PLAIN) == 0) {
    if (new_plain(e, m, bytes)) return;
  } else if ((uint8_t)bytes == ASSAY_BOOK_CANCEL) {
    if (cancel_plain(e, m)) return;
  }
  apply_other(e, m);
}

static inline __attribute__((always_inline)) void apply_one(assay_book *e, const assay_book_message *m, uint64_t bytes,
                                                            book_ladder *other) {
  if (__builtin_expect(e->next_event > e->last_event, false)) assay_book_flush(e);
  uint64_t now = m->time > e->now ? m->time : e->now;
  e->now = now;
  if (__builtin_expect(now >= e->next_expiry, false)) assay_book_expire(e);
  if ((bytes & NOT_PLAIN) == 0) {
    if (__builtin_expect(new_swift(e, m, bytes, other, now), true)) return;
  } else if ((uint8_t)bytes == ASSAY_BOOK_CANCEL) {
    if (__builtin_expect(cancel_plain(e, m), true)) return;
  }
  apply_more(e, m, bytes);
}
/* While one message is worked on, the places of the ids of those that come are on their way into the cache; a few messages later the orders
 * at these places; then, where there is much, what lies around these orders, which the second-level cache holds elsewhere. */
enum { PLACE_AHEAD = 8, ORDER_AHEAD = 5, AROUND_AHEAD = 2, MANY_LEVELS = 4096 };

static inline __attribute__((always_inline)) void fetch_ahead(const assay_book *e, const assay_book_message *m) {
  const book_store *s = &e->store;
  const uint32_t *window = s->window;
  __builtin_prefetch(&window[m[PLACE_AHEAD].id & s->window_mask], 1);
  __builtin_prefetch(&s->orders[window[m[ORDER_AHEAD].id & s->window_mask]], 1);
  if (__builtin_expect(s->lone_levels <= MANY_LEVELS, true)) return;
  const book_order *o = &s->orders[window[m[AROUND_AHEAD].id & s->window_mask]];
  __builtin_prefetch(&s->orders[o->next], 1);
  __builtin_prefetch(&s->orders[o->prev], 1);
  __builtin_prefetch(&s->levels[o->level], 1);
}

/* The ladder on the other side of a message's, of any book if there is none of that number. */
static inline book_ladder *opposite(const assay_book *e, const assay_book_message *m, uint64_t bytes) {
  return &e->symbols[m->book < e->symbol_count ? m->book : e->symbol_count].side[(bytes >> 8 & 1) ^ 1];
}

/* What the first guesses about a message hang on is looked up while the one before it is worked on. */
void assay_book_apply(assay_book *e, const assay_book_message *messages, size_t count) {
  const assay_book_message *m = messages;
  e->applied += count;
  if (__builtin_expect(count > PLACE_AHEAD, true)) {
    const assay_book_message *end = messages + count - PLACE_AHEAD;
    uint64_t bytes = bytes_of(m);
    book_ladder *other = opposite(e, m, bytes);
    do {
      uint64_t next_bytes = bytes_of(m + 1);
      book_ladder *next_other = opposite(e, m + 1, next_bytes);
      fetch_ahead(e, m);
      apply_one(e, m, bytes, other);
      bytes = next_bytes;
      other = next_other;
    } while (++m < end);
  }
  for (; m < messages + count; m++) {
    uint64_t bytes = bytes_of(m);
    apply_one(e, m, bytes, opposite(e, m, bytes));
  }
  assay_book_flush(e);
}
