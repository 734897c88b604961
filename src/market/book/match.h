/* SPDX-License-Identifier: MIT */
/*
 * What the three parts of the path of an order share: match.c, which nearly all messages take; orders.c, where a message of any kind is
 * checked and carried out; taker.c, the walk of whatever comes in.
 */
#ifndef ASSAY_MARKET_MATCH_H
#define ASSAY_MARKET_MATCH_H

#include "market/book/engine.h"

/* Any message at all. */
void assay_book_apply_other(assay_book *e, const assay_book_message *m);
/* The record of a taker, which a plain order never needs until it rests. */
uint32_t assay_book_record_of(assay_book *e, book_taker *t);
/* Why what is left of it does not rest. */
unsigned assay_book_drop_reason(const book_taker *t, const book_ladder *other);

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
 * foresee, so nothing else asks. False: the one that is first now is not plain. */
static inline __attribute__((always_inline)) bool take_best(assay_book *e, book_symbol *b, book_ladder *other, taking *t) {
  book_store *s = &e->store;
  book_order *orders = s->orders;
  uint32_t at = other->best_level, first = s->levels[at].head, order = first, last = 0, gone = 0;
  uint64_t left = t->left, before = left;
  int32_t price = book_price((uint32_t)other->best, t->sell ^ 1);
  book_order *o = &orders[order];
  do {
    uint64_t open = o->bits & PLAIN_MAKER;
    if (__builtin_expect(open > BOOK_MOST_QUANTITY || o->account == t->own, false)) break;
    uint64_t quantity = open < left ? open : left, rest = open - quantity;
    left -= quantity;
    unsigned flags = (unsigned)(rest == 0) * ASSAY_BOOK_OTHER_DONE | (unsigned)(left == 0) * ASSAY_BOOK_ID_DONE;
    book_event(e, ASSAY_BOOK_TRADE_EVENT, t->id, o->id, quantity, rest, price, t->number, t->account, t->sell, 0, flags);
    if (e->account_count != 0) {
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

#endif
