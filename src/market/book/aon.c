/* SPDX-License-Identifier: MIT */
/*
 * Orders that trade in full or not at all. An all-or-none order that waits may cross the book; at its price it comes after all ordinary
 * orders. An incoming order meets prices from the best on, at each price the ordinary orders, then those all-or-none orders that it can
 * fill entirely; it passes over the others.
 */
#include "market/book/engine.h"
#include "market/book/walk.h"

static bool is_own(const book_taker *t, const book_order *o) {
  return book_policy(t->flags) != ASSAY_BOOK_ALLOW && t->account != 0 && o->account == t->account;
}

/* Asking whether an order can be filled. Levels with orders of its own account have to be walked order by order: all levels, until that
 * would take longer than to go through the account's own orders and mark the levels where they are. Of accounts that nobody registered
 * these are looked for among all records, one behind the other, which is a hundred times as fast as to follow the lists of levels. */
typedef struct question {
  assay_book *e;
  book_symbol *b;
  const book_taker *t;
  uint64_t need;
  uint64_t walked; /* orders, so far */
  bool careful, marked;
} question;

/* In `special` of a level: an order of the asking account is there. Gone again when the question is answered. */
#define OWN_HERE 0x80000000u

static void mark_one(const question *q, uint32_t order, bool mark) {
  const assay_book *e = q->e;
  const book_order *o = &e->store.orders[order];
  unsigned other = book_flags_sell(q->t->flags) ^ 1;
  if (book_flags_sell((uint32_t)o->flags) != other || (o->flags & (BOOK_STOP | BOOK_AON)) != 0 || o->prev == BOOK_PENDING) return;
  book_level *level = &e->store.levels[o->level];
  if (&e->symbols[level->ladder / BOOK_LADDERS] != q->b) return;
  level->special = mark ? level->special | OWN_HERE : level->special & ~OWN_HERE;
}

static void mark_own(const question *q, bool mark) {
  const assay_book *e = q->e;
  const book_store *s = &e->store;
  if (e->account_count != 0)
    for (uint32_t order = e->accounts[q->t->account].first; order != 0; order = e->owned[order].next) mark_one(q, order, mark);
  else
    for (uint32_t order = book_store_next(s, 0, q->t->account); order != 0; order = book_store_next(s, order, q->t->account))
      mark_one(q, order, mark);
}

/* How many orders are walked before levels are marked. */
static uint64_t patience(const question *q) {
  const assay_book *e = q->e;
  return e->account_count != 0 ? e->accounts[q->t->account].count : e->store.order_pool.used / 64;
}

static void take(question *q, uint64_t quantity) { q->need -= quantity < q->need ? quantity : q->need; }

/* How much of `need` the orders of a level leave; false: self-trade prevention would end the matching there. What icebergs hide comes
 * behind all that stands there, slice by slice, so it is counted last: an own order may end the matching before. */
static bool take_level(question *q, uint32_t at, bool whole) {
  const assay_book *e = q->e;
  uint64_t hidden = 0; /* as much as is needed, at least */
  for (uint32_t order = e->store.levels[at].head; order != 0 && q->need > 0; order = e->store.orders[order].next) {
    const book_order *o = &e->store.orders[order];
    if (whole && o->quantity > q->need) continue;
    if (is_own(q->t, o)) {
      if (book_policy(q->t->flags) != ASSAY_BOOK_CANCEL_OLDEST) return false;
      continue;
    }
    take(q, o->quantity);
    if (hidden < q->need) hidden += book_hidden(e, order);
  }
  take(q, hidden);
  return true;
}

/* What a plain level holds is at hand. */
static bool take_level_fast(question *q, uint32_t at) {
  const book_level *level = &q->e->store.levels[at];
  if (q->careful && !q->marked) {
    q->walked += level->count;
    if (q->walked <= patience(q)) return take_level(q, at, false);
    mark_own(q, true);
    q->marked = true;
  }
  if (level->special > 0) return take_level(q, at, false);
  take(q, level->quantity);
  return true;
}

static uint64_t key_of(const assay_book *e, uint32_t at) { return at == 0 ? BOOK_NO_KEY : e->store.levels[at].key; }

static bool answer(question *q) {
  const assay_book *e = q->e;
  unsigned other = book_flags_sell(q->t->flags) ^ 1;
  const book_ladder *plain = &q->b->side[other], *aon = q->b->rare != NULL ? &q->b->rare->aon[other] : NULL;
  uint32_t at = plain->levels > 0 ? plain->best_level : 0, at_aon = aon != NULL && aon->levels > 0 ? aon->best_level : 0;
  book_walk walk;
  book_walk_begin(&walk, &e->store, plain);
  while (q->need > 0) {
    uint64_t key = key_of(e, at), key_aon = key_of(e, at_aon);
    bool first = key <= key_aon;
    if ((first ? key : key_aon) > q->t->limit) return false;
    if (!(first ? take_level_fast(q, at) : take_level(q, at_aon, true))) return false;
    if (first)
      at = assay_book_walk_next(&walk, (uint32_t)key);
    else
      at_aon = assay_book_ladder_after(&e->store, aon, (uint32_t)key_aon);
  }
  return true;
}

bool assay_book_fillable(assay_book *e, book_symbol *b, const book_taker *t) {
  bool careful = book_policy(t->flags) != ASSAY_BOOK_ALLOW && t->account != 0 &&
                 (e->account_count == 0 || b->positions[t->account].open[book_flags_sell(t->flags) ^ 1] > 0);
  question q = {.e = e, .b = b, .t = t, .need = t->quantity, .careful = careful};
  bool yes = answer(&q);
  if (q.marked) mark_own(&q, false);
  return yes;
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
  book_gone(e, b, order);
}

/* What stands on a side up to a key, on a walk from the best key on. */
typedef struct supply {
  const assay_book *e;
  const book_ladder *ladders[2]; /* ordinary orders, all-or-none orders */
  book_walk walks[2];
  uint32_t at[2];
  unsigned __int128 sum;
} supply;

static void begin_supply(supply *s, const assay_book *e, const book_symbol *b, unsigned sell) {
  s->e = e;
  s->sum = 0;
  s->ladders[0] = &b->side[sell];
  s->ladders[1] = &b->rare->aon[sell];
  for (unsigned i = 0; i < 2; i++) {
    s->at[i] = s->ladders[i]->levels > 0 ? s->ladders[i]->best_level : 0;
    book_walk_begin(&s->walks[i], &e->store, s->ladders[i]);
  }
}

static void supply_up_to(supply *s, uint32_t key) {
  for (unsigned i = 0; i < 2; i++)
    while (key_of(s->e, s->at[i]) <= key) {
      s->sum += assay_book_level_open(s->e, s->at[i]);
      s->at[i] = assay_book_walk_next(&s->walks[i], s->e->store.levels[s->at[i]].key);
    }
}

/* Those that wait, by price, then time, in `scratch`. There is room for them since they came in. */
static uint32_t list_waiting(assay_book *e, const book_ladder *waiting) {
  uint32_t count = 0;
  for (uint32_t at = waiting->levels > 0 ? waiting->best_level : 0; at != 0;
       at = assay_book_ladder_after(&e->store, waiting, e->store.levels[at].key))
    for (uint32_t order = e->store.levels[at].head; order != 0; order = e->store.orders[order].next) e->scratch[count++] = order;
  return count;
}

/* Strikes out those for which not enough stands there, one walk over the other side for all of them; how much is lacking at least. */
static uint64_t strike_out(assay_book *e, const book_symbol *b, unsigned sell, uint32_t count) {
  supply s;
  begin_supply(&s, e, b, sell);
  uint64_t lacked = UINT64_MAX;
  for (uint32_t i = count; i-- > 0;) {
    const book_order *o = &e->store.orders[e->scratch[i]];
    supply_up_to(&s, ~e->store.levels[o->level].key);
    uint64_t lacks = s.sum >= o->quantity ? 0 : o->quantity - (uint64_t)s.sum;
    if (lacks < lacked) lacked = lacks;
    if (lacks > 0) e->scratch[i] = 0;
  }
  return lacked;
}

/* Only what comes to rest brings them nearer to being filled: until that is as much as lacked before, there is nothing to look at. */
void assay_book_retry_aon(assay_book *e, book_symbol *b, uint32_t number, unsigned sell, uint64_t quantity) {
  book_rare *r = b->rare;
  const book_ladder *waiting = &r->aon[sell ^ 1];
  uint64_t came = r->came[sell] + quantity;
  r->came[sell] = came < quantity ? UINT64_MAX : came;
  uint32_t worst = ~(uint32_t)waiting->best;
  if ((b->side[sell].best > worst && r->aon[sell].best > worst) || r->came[sell] < r->lacked[sell]) return;
  uint32_t count = list_waiting(e, waiting);
  r->came[sell] = 0;
  r->lacked[sell] = strike_out(e, b, sell, count);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t order = e->scratch[i];
    if (order != 0) retry_one(e, b, number, order, book_price(e->store.levels[e->store.orders[order].level].key, sell ^ 1));
  }
}
