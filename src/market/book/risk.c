/* SPDX-License-Identifier: MIT */
/* Checks before the trade, and what concerns an account as a whole. */
#include "market/book/engine.h"

#include <stdlib.h>

static int64_t apart(int32_t a, int32_t b) { return a > b ? (int64_t)a - b : (int64_t)b - a; }

/* A market order's worth is taken from what it would meet first, else from the last trade; there is none without either. In an auction
 * market orders wait at the end of the range, which is no price. */
static bool price_for_notional(const assay_book *e, const book_symbol *b, unsigned sell, uint32_t flags, int32_t *price) {
  if ((flags & BOOK_TRAILING) != 0) {
    *price = b->last;
  } else if ((flags & (BOOK_MARKET | BOOK_STOP)) == BOOK_MARKET) {
    const book_ladder *other = &b->side[sell ^ 1];
    uint32_t at = other->levels > 0 ? other->best_level : 0;
    if (b->phase == ASSAY_BOOK_AUCTION && other->best == 0) at = assay_book_ladder_after(&e->store, other, 0);
    if (at == 0 && !b->traded) return false;
    *price = at != 0 ? book_price(e->store.levels[at].key, sell ^ 1) : b->last;
  }
  return true;
}

static bool within_rate(const assay_book *e, book_account *a) {
  uint64_t second = e->now / UINT64_C(1000000000);
  if (second != a->second) {
    a->second = second;
    a->orders = 0;
  }
  if (a->most_rate != 0 && a->orders >= a->most_rate) return false;
  a->orders++;
  return true;
}

/* What the account may hold in the worst case. */
static bool within_position(const book_position *p, const book_account *a, unsigned sell, uint64_t quantity, uint64_t released) {
  uint64_t most = a->most_position == 0 || a->most_position > INT64_MAX ? INT64_MAX : a->most_position;
  return book_worst(p, sell) - released + quantity <= (__int128)most;
}

assay_book_reason assay_book_risk_check(assay_book *e, uint32_t number, uint32_t account, unsigned sell, uint32_t flags, int32_t price,
                                        uint64_t quantity, uint64_t released) {
  book_symbol *b = &e->symbols[number];
  if (account >= e->account_count) return ASSAY_BOOK_UNKNOWN_ACCOUNT;
  book_account *a = &e->accounts[account];
  if (a->killed) return ASSAY_BOOK_KILLED;
  if (!assay_book_need_positions(e, b) || !assay_book_need_owned(e)) return ASSAY_BOOK_NO_MEMORY;
  if (a->most_quantity != 0 && quantity > a->most_quantity) return ASSAY_BOOK_RISK_QUANTITY;
  if (a->most_notional != 0 && price_for_notional(e, b, sell, flags, &price)) {
    uint64_t magnitude = price < 0 ? (uint64_t)(-(int64_t)price) : (uint64_t)price;
    if ((unsigned __int128)magnitude * quantity > a->most_notional) return ASSAY_BOOK_RISK_NOTIONAL;
  }
  if (a->collar != 0 && b->traded && (flags & (BOOK_MARKET | BOOK_TRAILING)) == 0 && apart(price, b->last) > a->collar)
    return ASSAY_BOOK_RISK_COLLAR;
  if (!within_position(&b->positions[account], a, sell, quantity, released)) return ASSAY_BOOK_RISK_POSITION;
  return within_rate(e, a) ? ASSAY_BOOK_NONE : ASSAY_BOOK_RISK_RATE; /* last, as it counts what comes in */
}

assay_book_reason assay_book_risk_count(assay_book *e, uint32_t account) {
  return within_rate(e, &e->accounts[account]) ? ASSAY_BOOK_NONE : ASSAY_BOOK_RISK_RATE;
}

uint64_t assay_book_risk_limit(const assay_book *e, const book_symbol *b, uint32_t account, unsigned sell) {
  uint32_t collar = e->accounts[account].collar;
  if (collar == 0 || !b->traded) return UINT32_MAX;
  int64_t worst = sell ? (int64_t)b->last - collar : (int64_t)b->last + collar;
  if (worst < INT32_MIN || worst > INT32_MAX) return UINT32_MAX;
  return (uint32_t)~book_key((int32_t)worst, sell);
}

/* ---- All orders of an account -------------------------------------------------------------------------------------------------------- */

typedef struct found_order {
  uint64_t id;
  uint32_t number, order;
} found_order;

/* Those that were found, in memory that is there already or grows. */
typedef struct finding {
  assay_book *e;
  uint32_t count;
  bool full;
} finding;

static found_order *found_at(const assay_book *e, uint32_t at) { return (found_order *)(void *)e->scratch + at; }

static void find_one(finding *f, uint32_t order) {
  enum { WORDS = sizeof(found_order) / sizeof(uint32_t) };
  assay_book *e = f->e;
  uint64_t wanted = (uint64_t)(f->count + 1) * WORDS;
  if (wanted > e->scratch_capacity && !assay_book_need_scratch(e, wanted + 64)) {
    f->full = true;
    return;
  }
  const book_order *o = &e->store.orders[order];
  *found_at(e, f->count++) = (found_order){o->id, book_order_number(e, o), order};
}

static void find_in_ladder(finding *f, const book_ladder *l, uint32_t account) {
  const book_store *s = &f->e->store;
  for (uint32_t at = l->levels > 0 ? l->best_level : 0; at != 0; at = assay_book_ladder_after(s, l, s->levels[at].key))
    for (uint32_t order = s->levels[at].head; order != 0; order = s->orders[order].next)
      if (s->orders[order].account == account) find_one(f, order);
}

static void find_in_book(finding *f, const book_symbol *b, uint32_t account) {
  for (unsigned sell = 0; sell < 2; sell++) {
    find_in_ladder(f, &b->side[sell], account);
    if (b->rare == NULL) continue;
    find_in_ladder(f, &b->rare->stop[sell], account);
    find_in_ladder(f, &b->rare->aon[sell], account);
  }
}

static void find_in_pool(finding *f, uint32_t account) {
  const book_store *s = &f->e->store;
  for (uint32_t order = book_store_next(s, 0, account); order != 0; order = book_store_next(s, order, account)) find_one(f, order);
}

static void find_in_list(finding *f, uint32_t account, uint32_t book) {
  const assay_book *e = f->e;
  for (uint32_t order = e->accounts[account].first; order != 0; order = e->owned[order].next)
    if (book == ASSAY_BOOK_ALL || book_order_number(e, &e->store.orders[order]) == book) find_one(f, order);
}

static int by_book_and_id(const void *a, const void *b) {
  const found_order *x = a, *y = b;
  if (x->number != y->number) return x->number < y->number ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

/* Book by book, by id. False: no memory, and nothing happened. */
static bool cancel_all(assay_book *e, uint32_t account, uint32_t book, unsigned reason) {
  finding f = {.e = e};
  if (e->account_count != 0)
    find_in_list(&f, account, book);
  else if (book == ASSAY_BOOK_ALL || e->symbol_count == 1) /* accounts that nobody registered have no list: all orders are looked at */
    find_in_pool(&f, account);
  else
    find_in_book(&f, &e->symbols[book], account);
  if (f.full) return false;
  if (f.count > 1) qsort(e->scratch, f.count, sizeof(found_order), by_book_and_id);
  for (uint32_t i = 0; i < f.count; i++) assay_book_cancel_order(e, found_at(e, i)->order, ASSAY_BOOK_CANCELLED_EVENT, reason);
  return true;
}

static void mass_cancel(assay_book *e, const assay_book_message *m) {
  unsigned reason = ASSAY_BOOK_NONE;
  if (m->book != ASSAY_BOOK_ALL && m->book >= e->symbol_count)
    reason = ASSAY_BOOK_UNKNOWN_BOOK;
  else if (e->account_count != 0 && m->account >= e->account_count)
    reason = ASSAY_BOOK_UNKNOWN_ACCOUNT;
  else if (e->account_count != 0 && !within_rate(e, &e->accounts[m->account]))
    reason = ASSAY_BOOK_RISK_RATE;
  else if (!cancel_all(e, m->account, m->book, ASSAY_BOOK_USER))
    reason = ASSAY_BOOK_NO_MEMORY;
  if (reason != ASSAY_BOOK_NONE) assay_book_reject(e, m, reason);
}

/* The switch works without memory, too: in the order of the list then. */
static void cancel_killed(assay_book *e, uint32_t account) {
  if (cancel_all(e, account, ASSAY_BOOK_ALL, ASSAY_BOOK_KILLED)) return;
  for (uint32_t order; (order = e->accounts[account].first) != 0;)
    assay_book_cancel_order(e, order, ASSAY_BOOK_CANCELLED_EVENT, ASSAY_BOOK_KILLED);
}

void assay_book_account_message(assay_book *e, const assay_book_message *m) {
  if (m->kind == ASSAY_BOOK_MASS_CANCEL) {
    mass_cancel(e, m);
    return;
  }
  if (m->account >= e->account_count) {
    assay_book_reject(e, m, ASSAY_BOOK_UNKNOWN_ACCOUNT);
    return;
  }
  book_account *a = &e->accounts[m->account];
  if (m->kind == ASSAY_BOOK_KILL) {
    a->killed = m->type != 0;
    book_event(e, ASSAY_BOOK_KILL_EVENT, 0, 0, 0, 0, 0, m->book, m->account, 0, 0, a->killed);
    if (a->killed) cancel_killed(e, m->account);
    return;
  }
  a->most_quantity = m->quantity;
  a->most_notional = m->display;
  a->most_position = m->expire;
  a->most_rate = (uint32_t)m->price;
  a->collar = (uint32_t)m->trigger;
  book_event(e, ASSAY_BOOK_LIMITS_EVENT, 0, 0, 0, 0, 0, 0, m->account, 0, 0, 0);
}
