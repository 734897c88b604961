/* SPDX-License-Identifier: MIT */
/* Messages of every kind, checked and carried out: what is not plain comes here. */
#include "market/book/match.h"

void assay_book_reject(assay_book *e, const assay_book_message *m, unsigned reason) {
  book_event(e, ASSAY_BOOK_REJECTED_EVENT, m->id, 0, m->quantity, 0, m->price, m->book, m->account, m->side, reason, 0);
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
  uint32_t order = assay_book_record_of(e, t);
  e->store.orders[order].quantity = m->quantity;
  e->extras[order].limit = m->price;
  e->extras[order].distance = m->trigger;
  assay_book_stop_new(e, b, m->book, order, m->trigger);
  assay_book_run_pending(e, b);
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

/* The trigger that a waiting stop has after a change. A trailing one's moves by as much as its distance does, so it goes on following the
 * same trade; no distance at all leaves it as it is. */
static int32_t new_trigger(const assay_book *e, const assay_book_message *m, uint32_t order) {
  const book_order *o = &e->store.orders[order];
  if ((o->flags & BOOK_TRAILING) == 0) return m->trigger;
  int64_t further = m->trigger == 0 ? 0 : (int64_t)m->trigger - e->extras[order].distance;
  return book_clamp_price(book_order_price(e, o) + (book_flags_sell((uint32_t)o->flags) ? -further : further));
}

/* Whether an order asks for more than before, or for something else. */
static bool adds(const assay_book *e, const assay_book_message *m, uint32_t order) {
  const book_order *o = &e->store.orders[order];
  if (m->quantity > book_open(e, order)) return true;
  if ((o->flags & BOOK_STOP) == 0) return m->price != book_order_price(e, o);
  return ((o->flags & BOOK_MARKET) == 0 && m->price != e->extras[order].limit) || new_trigger(e, m, order) != book_order_price(e, o);
}

/* Why it cannot be changed so. */
static unsigned check_change(assay_book *e, book_symbol *b, const assay_book_message *m, uint32_t order) {
  uint32_t flags = (uint32_t)e->store.orders[order].flags;
  unsigned sell = book_flags_sell(flags);
  if (b->phase > ASSAY_BOOK_AUCTION) return ASSAY_BOOK_WRONG_PHASE;
  if (b->phase == ASSAY_BOOK_AUCTION && (flags & (BOOK_STOP | BOOK_AON)) != 0) return ASSAY_BOOK_WRONG_PHASE;
  if ((flags & (BOOK_MARKET | BOOK_STOP)) == BOOK_MARKET) return ASSAY_BOOK_MALFORMED;
  if ((flags & BOOK_TRAILING) != 0 && (m->trigger < 0 || ((flags & BOOK_MARKET) == 0 && m->price < 0))) return ASSAY_BOOK_MALFORMED;
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
  book_extra *x = &e->extras[order];
  bool trails = (o->flags & BOOK_TRAILING) != 0;
  int32_t trigger = new_trigger(e, m, order);
  bool keeps = m->kind == ASSAY_BOOK_MODIFY && !adds(e, m, order);
  x->limit = m->price;
  if (trails && m->trigger != 0) x->distance = m->trigger;
  if (keeps) {
    shrink(e, order, m->quantity);
    return;
  }
  book_take_out(e, order);
  o->quantity = m->quantity;
  if (trails) assay_book_trail_again(e, m->book, order);
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

void assay_book_apply_other(assay_book *e, const assay_book_message *m) {
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
