/* SPDX-License-Identifier: MIT */
/*
 * Orders that trade in full or not at all. An all-or-none order that waits may cross the book; at its price it comes after all ordinary
 * orders. An incoming order meets prices from the best on, at each price the ordinary orders, then those all-or-none orders that it can
 * fill entirely; it passes over the others.
 */
#include "market/book/engine.h"

static bool is_own(const book_taker *t, const book_order *o) {
  return book_policy(t->flags) != ASSAY_BOOK_ALLOW && t->account != 0 && o->account == t->account;
}

/* How much of `*need` the orders of a level leave; false: self-trade prevention would end the matching there. */
static bool take_level(const assay_book *e, const book_taker *t, uint32_t at, bool whole, uint64_t *need) {
  for (uint32_t order = e->store.levels[at].head; order != 0 && *need > 0; order = e->store.orders[order].next) {
    const book_order *o = &e->store.orders[order];
    uint64_t open = book_open(e, order);
    if (whole && open > *need) continue;
    if (is_own(t, o)) {
      if (book_policy(t->flags) != ASSAY_BOOK_CANCEL_OLDEST) return false;
      continue;
    }
    *need -= open < *need ? open : *need;
  }
  return true;
}

/* What a plain level holds is at hand. */
static bool take_level_fast(const assay_book *e, const book_taker *t, uint32_t at, uint64_t *need) {
  const book_level *level = &e->store.levels[at];
  if (level->special > 0 || (t->account != 0 && book_policy(t->flags) != ASSAY_BOOK_ALLOW)) return take_level(e, t, at, false, need);
  *need -= level->quantity < *need ? level->quantity : *need;
  return true;
}

static uint64_t key_of(const assay_book *e, uint32_t at) { return at == 0 ? BOOK_NO_KEY : e->store.levels[at].key; }

bool assay_book_fillable(assay_book *e, book_symbol *b, const book_taker *t) {
  unsigned other = book_flags_sell(t->flags) ^ 1;
  const book_ladder *plain = &b->side[other], *aon = b->rare != NULL ? &b->rare->aon[other] : NULL;
  uint32_t at = plain->levels > 0 ? plain->best_level : 0, at_aon = aon != NULL && aon->levels > 0 ? aon->best_level : 0;
  uint64_t need = t->quantity;
  while (need > 0) {
    uint64_t key = key_of(e, at), key_aon = key_of(e, at_aon);
    bool first = key <= key_aon;
    if ((first ? key : key_aon) > t->limit) return false;
    if (!(first ? take_level_fast(e, t, at, &need) : take_level(e, t, at_aon, true, &need))) return false;
    if (first)
      at = assay_book_ladder_after(&e->store, plain, (uint32_t)key);
    else
      at_aon = assay_book_ladder_after(&e->store, aon, (uint32_t)key_aon);
  }
  return true;
}

void assay_book_match_aon(assay_book *e, book_symbol *b, book_taker *t) {
  unsigned other = book_flags_sell(t->flags) ^ 1;
  const book_ladder *plain = &b->side[other], *aon = &b->rare->aon[other];
  uint32_t at_aon = aon->best_level;
  for (;;) {
    uint64_t key_aon = key_of(e, at_aon);
    if (plain->best > t->limit && key_aon > t->limit) return;
    if (plain->best <= key_aon) {
      if (!assay_book_meet(e, b, t, e->store.levels[plain->best_level].head)) return;
      continue;
    }
    uint32_t next;
    for (uint32_t order = e->store.levels[at_aon].head; order != 0; order = next) {
      next = e->store.orders[order].next;
      if (e->store.orders[order].quantity <= t->quantity && !assay_book_meet(e, b, t, order)) return;
    }
    at_aon = assay_book_ladder_after(&e->store, aon, (uint32_t)key_aon);
  }
}

/* One of them, if it can be filled now: at the prices of those that it meets. */
static void retry_one(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t price) {
  book_taker t;
  assay_book_taker_of(e, number, order, price, &t);
  if (!assay_book_fillable(e, b, &t)) return;
  book_take_out(e, order);
  assay_book_match(e, b, &t);
  assay_book_price_seen(e, b, t.first);
  assay_book_price_seen(e, b, t.last);
  book_gone(e, b, order, t.tag);
}

void assay_book_retry_aon(assay_book *e, book_symbol *b, uint32_t number, unsigned sell) {
  const book_ladder *waiting = &b->rare->aon[sell ^ 1];
  uint32_t at = waiting->levels > 0 ? waiting->best_level : 0, next;
  while (at != 0) {
    uint32_t key = e->store.levels[at].key;
    if (b->side[sell].best > (uint32_t)~key && b->rare->aon[sell].best > (uint32_t)~key) return;
    for (uint32_t order = e->store.levels[at].head; order != 0; order = next) {
      next = e->store.orders[order].next;
      retry_one(e, b, number, order, book_price(key, sell ^ 1));
    }
    at = assay_book_ladder_after(&e->store, waiting, key);
  }
}
