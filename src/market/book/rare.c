/* SPDX-License-Identifier: MIT */
/* Stops, expiry, and room for what most books and orders never have. */
#include "market/book/engine.h"

#include "base/alloc.h"

bool assay_book_need_rare(assay_book *e, book_symbol *b) {
  if (b->rare != NULL) return true;
  b->rare = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *b->rare);
  if (b->rare == NULL) return false;
  for (unsigned sell = 0; sell < 2; sell++) {
    book_ladder_init(&b->rare->stop[sell]);
    book_ladder_init(&b->rare->aon[sell]);
  }
  book_set_plain(e, b);
  return true;
}

static bool need(void **records, uint32_t *capacity, uint32_t wanted, size_t size) {
  if (*capacity >= wanted) return true;
  void *grown = assay_realloc(ASSAY_TAG_MARKET, *records, wanted, size);
  if (grown == NULL) return false;
  *records = grown;
  *capacity = wanted;
  return true;
}

bool assay_book_need_extras(assay_book *e) {
  void *records = e->extras;
  bool there = need(&records, &e->extra_capacity, e->store.order_pool.capacity, sizeof *e->extras);
  e->extras = records;
  return there;
}

bool assay_book_need_heap(assay_book *e) {
  void *records = e->heap;
  bool there = need(&records, &e->heap_capacity, e->store.order_pool.capacity + 1, sizeof *e->heap);
  e->heap = records;
  return there;
}

/* Place 0 is written to, never read. */
bool assay_book_need_owned(assay_book *e) {
  void *records = e->owned;
  bool there = need(&records, &e->owned_capacity, e->store.order_pool.capacity, sizeof *e->owned);
  e->owned = records;
  return there;
}

bool assay_book_need_scratch(assay_book *e, uint64_t count) {
  if (count > UINT32_MAX / 2) return false;
  if (count <= e->scratch_capacity) return true;
  void *records = e->scratch;
  uint32_t twice = e->scratch_capacity > UINT32_MAX / 4 ? UINT32_MAX / 2 : 2 * e->scratch_capacity;
  bool there = need(&records, &e->scratch_capacity, count > twice ? (uint32_t)count : twice, sizeof *e->scratch);
  e->scratch = records;
  return there;
}

bool assay_book_need_positions(assay_book *e, book_symbol *b) {
  if (b->positions == NULL) b->positions = assay_calloc(ASSAY_TAG_MARKET, e->account_count, sizeof *b->positions);
  return b->positions != NULL;
}

/* ---- Stops --------------------------------------------------------------------------------------------------------------------------- */

static void trail_unlink(assay_book *e, book_rare *r, uint32_t order, unsigned sell) {
  const book_extra *x = &e->extras[order];
  *(x->trail_prev != 0 ? &e->extras[x->trail_prev].trail_next : &r->trail_head[sell]) = x->trail_next;
  *(x->trail_next != 0 ? &e->extras[x->trail_next].trail_prev : &r->trail_tail[sell]) = x->trail_prev;
  r->trailing--;
}

void assay_book_trail_append(assay_book *e, uint32_t number, uint32_t order) {
  book_rare *r = e->symbols[number].rare;
  book_extra *x = &e->extras[order];
  unsigned sell = book_flags_sell((uint32_t)e->store.orders[order].flags);
  x->trail_next = 0;
  x->trail_prev = r->trail_tail[sell];
  *(x->trail_prev != 0 ? &e->extras[x->trail_prev].trail_next : &r->trail_head[sell]) = order;
  r->trail_tail[sell] = order;
  r->trailing++;
}

void assay_book_trail_again(assay_book *e, uint32_t number, uint32_t order) {
  trail_unlink(e, e->symbols[number].rare, order, book_flags_sell((uint32_t)e->store.orders[order].flags));
  assay_book_trail_append(e, number, order);
}

void assay_book_untie(assay_book *e, uint32_t order, book_symbol *b) {
  const book_order *o = &e->store.orders[order];
  if ((o->flags & BOOK_EXPIRES) != 0) assay_book_heap_remove(e, order);
  if ((o->flags & BOOK_TRAILING) != 0) trail_unlink(e, b->rare, order, book_flags_sell((uint32_t)o->flags));
  if ((o->flags & BOOK_AON) != 0) b->rare->aons--;
}

/* The stop has left its ladder; from now on it is the order that it stood for. */
static void trigger_stop(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger) {
  book_order *o = &e->store.orders[order];
  book_extra *x = &e->extras[order];
  unsigned sell = book_flags_sell((uint32_t)o->flags);
  if ((o->flags & BOOK_TRAILING) != 0) {
    trail_unlink(e, b->rare, order, sell);
    x->limit = book_clamp_price((int64_t)trigger + (sell ? -(int64_t)x->limit : (int64_t)x->limit));
  }
  o->flags &= (uint16_t) ~(BOOK_STOP | BOOK_TRAILING);
  book_event(e, ASSAY_BOOK_TRIGGERED_EVENT, o->id, 0, o->quantity, o->quantity, trigger, number, o->account, sell, 0, 0);
  o->level = number; /* it is at no level now, and its book has to be known */
  o->next = 0;
  o->prev = BOOK_PENDING;
  *(e->pending_head != 0 ? &e->store.orders[e->pending_tail].next : &e->pending_head) = order;
  e->pending_tail = order;
}

void assay_book_mark_stops(assay_book *e, book_symbol *b, int32_t price) {
  if (b->rare == NULL || b->phase != ASSAY_BOOK_CONTINUOUS) return;
  uint32_t number = (uint32_t)(b - e->symbols);
  for (unsigned sell = 0; sell < 2; sell++) {
    const book_ladder *l = &b->rare->stop[sell];
    while (l->best <= book_key(price, sell ^ 1)) {
      int32_t trigger = book_price((uint32_t)l->best, sell ^ 1);
      uint32_t order = e->store.levels[l->best_level].head;
      book_take_out(e, order);
      trigger_stop(e, b, number, order, trigger);
    }
  }
}

static bool stop_wait(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger) {
  book_store *s = &e->store;
  unsigned sell = book_flags_sell((uint32_t)s->orders[order].flags);
  uint32_t at = book_ladder_open(s, &b->rare->stop[sell], book_key(trigger, sell ^ 1), number * BOOK_LADDERS + BOOK_STOP_LADDER + sell);
  unsigned reason = at == 0                                                                   ? ASSAY_BOOK_NO_MEMORY
                    : s->levels[at].quantity + s->orders[order].quantity > BOOK_MOST_AT_LEVEL ? ASSAY_BOOK_LEVEL_FULL
                                                                                              : ASSAY_BOOK_NONE;
  if (reason == ASSAY_BOOK_NONE) {
    book_level_append(s, at, order);
    return true;
  }
  const book_order *o = &s->orders[order];
  book_event(e, ASSAY_BOOK_CANCELLED_EVENT, o->id, 0, o->quantity, 0, trigger, number, o->account, sell, reason, 0);
  book_risk_close(e, b, o->account, sell, o->quantity);
  book_gone(e, b, order);
  return false;
}

void assay_book_stop_rest(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger) {
  unsigned sell = book_flags_sell((uint32_t)e->store.orders[order].flags);
  if (b->traded && book_key(trigger, sell ^ 1) <= book_key(b->last, sell ^ 1))
    trigger_stop(e, b, number, order, trigger);
  else
    stop_wait(e, b, number, order, trigger);
}

void assay_book_stop_new(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger) {
  const book_order *o = &e->store.orders[order];
  unsigned sell = book_flags_sell((uint32_t)o->flags);
  if ((o->flags & BOOK_TRAILING) != 0) {
    assay_book_trail_append(e, number, order);
    trigger = book_clamp_price((int64_t)b->last + (sell ? -(int64_t)trigger : (int64_t)trigger));
  }
  assay_book_stop_rest(e, b, number, order, trigger);
}

/* Those who sell follow a price that rises, those who buy one that falls. */
static void move_trailing(assay_book *e, book_symbol *b, unsigned sell, int32_t price) {
  uint32_t number = (uint32_t)(b - e->symbols), next;
  for (uint32_t order = b->rare->trail_head[sell]; order != 0; order = next) {
    const book_extra *x = &e->extras[order];
    next = x->trail_next;
    int32_t old = book_order_price(e, &e->store.orders[order]);
    int32_t trigger = book_clamp_price((int64_t)price + (sell ? -(int64_t)x->distance : (int64_t)x->distance));
    if (sell ? trigger <= old : trigger >= old) continue;
    book_take_out(e, order);
    stop_wait(e, b, number, order, trigger);
  }
}

void assay_book_price_seen(assay_book *e, book_symbol *b, int32_t price) {
  int32_t before = b->last;
  bool traded = b->traded;
  if (traded && before == price) return;
  b->last = price;
  b->traded = true;
  if (b->rare == NULL) return;
  if (traded && b->rare->trailing > 0) move_trailing(e, b, price > before ? ASSAY_SELL : ASSAY_BUY, price);
  assay_book_mark_stops(e, b, price);
}

/* One after the other, those that they trigger in turn behind them. Every order is triggered once, so this ends. */
void assay_book_run_pending(assay_book *e, book_symbol *b) {
  while (e->pending_head != 0) {
    uint32_t order = e->pending_head;
    const book_order *o = &e->store.orders[order];
    e->pending_head = o->next;
    unsigned sell = book_flags_sell((uint32_t)o->flags);
    bool market = (o->flags & BOOK_MARKET) != 0;
    book_taker t;
    assay_book_taker_of(e, o->level, order, market ? (sell ? INT32_MIN : INT32_MAX) : e->extras[order].limit, &t);
    uint64_t collar = e->account_count == 0 ? UINT32_MAX : assay_book_risk_limit(e, b, t.account, sell);
    if (market) {
      t.limit = collar;
    } else if (collar < t.limit) { /* its limit was never checked against the trades that it would meet */
      t.limit = collar;
      t.price = book_price(~(uint32_t)collar, sell);
    }
    assay_book_run_taker(e, b, &t);
  }
}

/* ---- Expiry -------------------------------------------------------------------------------------------------------------------------- */

/* By time, then by id: the same in an engine that was restored. */
static bool sooner(const assay_book *e, uint32_t a, uint32_t b) {
  uint64_t when = e->extras[a].expire, other = e->extras[b].expire;
  return when != other ? when < other : e->store.orders[a].id < e->store.orders[b].id;
}

static void heap_put(assay_book *e, uint32_t at, uint32_t order) {
  e->heap[at] = order;
  e->extras[order].heap = at;
}

static void heap_settle(assay_book *e, uint32_t at) {
  uint32_t order = e->heap[at];
  for (; at > 1 && sooner(e, order, e->heap[at / 2]); at /= 2) heap_put(e, at, e->heap[at / 2]);
  for (uint32_t child; (child = 2 * at) <= e->heap_count; at = child) {
    if (child < e->heap_count && sooner(e, e->heap[child + 1], e->heap[child])) child++;
    if (!sooner(e, e->heap[child], order)) break;
    heap_put(e, at, e->heap[child]);
  }
  heap_put(e, at, order);
}

static void heap_changed(assay_book *e) { e->next_expiry = e->heap_count == 0 ? UINT64_MAX : e->extras[e->heap[1]].expire; }

void assay_book_heap_add(assay_book *e, uint32_t order) {
  e->heap[++e->heap_count] = order;
  heap_settle(e, e->heap_count);
  heap_changed(e);
}

void assay_book_heap_remove(assay_book *e, uint32_t order) {
  uint32_t at = e->extras[order].heap, last = e->heap[e->heap_count--];
  if (last != order) {
    e->heap[at] = last;
    heap_settle(e, at);
  }
  heap_changed(e);
}

void assay_book_expire(assay_book *e) {
  while (e->heap_count > 0 && e->extras[e->heap[1]].expire <= e->now)
    assay_book_cancel_order(e, e->heap[1], ASSAY_BOOK_EXPIRED_EVENT, ASSAY_BOOK_NONE);
}
