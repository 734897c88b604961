/* SPDX-License-Identifier: MIT */
/* Checks before the trade, and what concerns an account as a whole. */
#include "market/book/engine.h"

static int64_t apart(int32_t a, int32_t b) { return a > b ? (int64_t)a - b : (int64_t)b - a; }

/* A market order's worth is taken from what it would meet first, else from the last trade; there is none without either. */
static bool price_for_notional(const book_symbol *b, unsigned sell, uint32_t flags, int32_t *price) {
  if ((flags & BOOK_TRAILING) != 0) {
    *price = b->last;
  } else if ((flags & (BOOK_MARKET | BOOK_STOP)) == BOOK_MARKET) {
    const book_ladder *other = &b->side[sell ^ 1];
    if (other->levels == 0 && !b->traded) return false;
    *price = other->levels > 0 ? book_price((uint32_t)other->best, sell ^ 1) : b->last;
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
  if (!assay_book_need_positions(e, b)) return ASSAY_BOOK_NO_MEMORY;
  if (a->most_quantity != 0 && quantity > a->most_quantity) return ASSAY_BOOK_RISK_QUANTITY;
  if (a->most_notional != 0 && price_for_notional(b, sell, flags, &price)) {
    uint64_t magnitude = price < 0 ? (uint64_t)(-(int64_t)price) : (uint64_t)price;
    if ((unsigned __int128)magnitude * quantity > a->most_notional) return ASSAY_BOOK_RISK_NOTIONAL;
  }
  if (a->collar != 0 && b->traded && (flags & (BOOK_MARKET | BOOK_TRAILING)) == 0 && apart(price, b->last) > a->collar)
    return ASSAY_BOOK_RISK_COLLAR;
  if (!within_position(&b->positions[account], a, sell, quantity, released)) return ASSAY_BOOK_RISK_POSITION;
  return within_rate(e, a) ? ASSAY_BOOK_NONE : ASSAY_BOOK_RISK_RATE; /* last, as it counts what comes in */
}

uint64_t assay_book_risk_limit(const assay_book *e, const book_symbol *b, uint32_t account, unsigned sell) {
  uint32_t collar = e->accounts[account].collar;
  if (collar == 0 || !b->traded) return UINT32_MAX;
  int64_t worst = sell ? (int64_t)b->last - collar : (int64_t)b->last + collar;
  if (worst < INT32_MIN || worst > INT32_MAX) return UINT32_MAX;
  return (uint32_t)~book_key((int32_t)worst, sell);
}

/* All of an account's orders in one ladder, in the order in which they stand. */
static void cancel_in(assay_book *e, const book_ladder *l, uint32_t account, unsigned reason) {
  uint32_t next;
  for (uint32_t at = l->levels > 0 ? l->best_level : 0; at != 0;) {
    uint32_t key = e->store.levels[at].key;
    for (uint32_t order = e->store.levels[at].head; order != 0; order = next) {
      next = e->store.orders[order].next;
      if (e->store.orders[order].account == account) assay_book_cancel_order(e, order, ASSAY_BOOK_CANCELLED_EVENT, reason);
    }
    at = assay_book_ladder_after(&e->store, l, key);
  }
}

static void cancel_all(assay_book *e, uint32_t from, uint32_t to, uint32_t account, unsigned reason) {
  for (uint32_t number = from; number < to; number++) {
    const book_symbol *b = &e->symbols[number];
    for (unsigned sell = 0; sell < 2; sell++) cancel_in(e, &b->side[sell], account, reason);
    if (b->rare == NULL) continue;
    for (unsigned sell = 0; sell < 2; sell++) cancel_in(e, &b->rare->stop[sell], account, reason);
    for (unsigned sell = 0; sell < 2; sell++) cancel_in(e, &b->rare->aon[sell], account, reason);
  }
}

static void mass_cancel(assay_book *e, const assay_book_message *m) {
  if (m->book == ASSAY_BOOK_ALL)
    cancel_all(e, 0, e->symbol_count, m->account, ASSAY_BOOK_USER);
  else if (m->book < e->symbol_count)
    cancel_all(e, m->book, m->book + 1, m->account, ASSAY_BOOK_USER);
  else
    assay_book_reject(e, m, ASSAY_BOOK_UNKNOWN_BOOK);
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
    if (a->killed) cancel_all(e, 0, e->symbol_count, m->account, ASSAY_BOOK_KILLED);
    return;
  }
  a->most_quantity = m->quantity;
  a->most_notional = m->display;
  a->most_position = m->expire;
  a->most_rate = (uint32_t)m->price;
  a->collar = (uint32_t)m->trigger;
  book_event(e, ASSAY_BOOK_LIMITS_EVENT, 0, 0, 0, 0, 0, 0, m->account, 0, 0, 0);
}
