/* SPDX-License-Identifier: MIT */
/*
 * The matching engine's inside. An incoming order is a `taker`, a few registers, until it rests: what trades at once never gets a record
 * nor a place among the ids. A record is enough for a plain order; what only some orders need is in a second array, `extras`, under the
 * same index.
 *
 * A book has six ladders: bids and asks; waiting stops by trigger, and all-or-none orders, which most books never have, in a block of their
 * own.
 */
#ifndef ASSAY_MARKET_ENGINE_H
#define ASSAY_MARKET_ENGINE_H

#include <assay/book.h>

#include <string.h>

#include "market/book/store.h"

/* Flags of an order. */
enum {
  BOOK_SELL = 1,
  BOOK_POST = 2,
  BOOK_AON = 4,
  BOOK_ICEBERG = 8,
  BOOK_STOP = 16,     /* waits for its trigger */
  BOOK_TRAILING = 32, /* the same, and its trigger moves */
  BOOK_MARKET = 64,   /* has no limit: a stop that waits, or in an auction */
  BOOK_EXPIRES = 128,
  BOOK_SELF_TRADE_SHIFT = 8, /* three bits: its policy */
  BOOK_IOC = 0x800,
  BOOK_FOK = 0x1000,
  BOOK_HAS_EXTRA = BOOK_ICEBERG | BOOK_STOP | BOOK_EXPIRES,
  /* What more there is to do than to unlink when it goes. */
  BOOK_HAS_TIES = BOOK_EXPIRES | BOOK_TRAILING | BOOK_AON,
};

/* `prev` of a triggered stop that has not run yet: it is in no ladder. */
#define BOOK_PENDING UINT32_MAX

/* Enough that the sink's call does not count, and few enough to leave the first-level cache to the book. A message begins with
 * room for all events of nearly every message. */
enum { BOOK_EVENTS_AT_ONCE = 64, BOOK_EVENTS_BEHIND = 32 };

typedef struct book_extra {
  uint64_t hidden, display; /* of an iceberg */
  uint64_t expire;
  int32_t limit;                   /* of a stop-limit; of a trailing one: ticks beyond the trigger */
  int32_t distance;                /* of a trailing stop */
  uint32_t heap;                   /* place in the heap of expiries */
  uint32_t trail_next, trail_prev; /* trailing stops of a side, in time order */
} book_extra;

/* Numbers of a book's ladders; the lowest bit is the side. */
enum { BOOK_LIMIT_LADDER = 0, BOOK_STOP_LADDER = 2, BOOK_AON_LADDER = 4, BOOK_LADDERS = 8 };

typedef struct book_rare {
  book_ladder stop[2], aon[2];
  uint32_t trail_head[2], trail_tail[2], trailing;
  uint32_t aons; /* all-or-none orders, stops that will be one too */
  /* What came to rest on a side since the all-or-none orders of the other side were looked at, and what they lacked at least then. */
  uint64_t came[2], lacked[2];
} book_rare;

typedef struct book_position {
  int64_t position;
  uint64_t open[2];
} book_position;

typedef struct book_symbol {
  book_ladder side[2];
  book_rare *rare;          /* NULL: no stop and no all-or-none order was here yet */
  book_position *positions; /* by account; NULL: no order under risk yet */
  int32_t last;
  bool traded;
  uint8_t phase;
  bool plain; /* continuous, nothing rare: what most books are most of the time; swift where no risk is checked besides */
} book_symbol;

/* Orders of an account are a list, in no order, where accounts are known. */
typedef struct book_owned {
  uint32_t next, prev;
} book_owned;

typedef struct book_account {
  uint64_t most_quantity, most_notional, most_position; /* 0: no limit */
  uint64_t second;                                      /* the one that `orders` counts */
  uint32_t orders, most_rate, collar;
  uint32_t first, count; /* of its orders in all books */
  bool killed;
} book_account;

struct assay_book {
  /* What every message looks at comes first. */
  assay_book_event *next_event, *last_event; /* where the next one goes; there is room for it and BOOK_EVENTS_BEHIND more up to here */
  uint64_t sequence, now;
  uint64_t next_expiry; /* UINT64_MAX: none */
  book_symbol *symbols;
  uint32_t symbol_count, account_count;
  uint64_t applied;
  book_store store;
  assay_book_event *events; /* on a cache line, in `event_block` */
  void *event_block;
  assay_book_sink sink;
  void *context;
  book_account *accounts;
  book_extra *extras;
  uint32_t extra_capacity;
  book_owned *owned; /* by order */
  uint32_t owned_capacity;
  uint32_t most_trailing, most_aon;
  uint32_t *heap; /* orders that expire, from 1 on; the first to go on top */
  uint32_t heap_count, heap_capacity;
  uint32_t pending_head, pending_tail; /* triggered stops that have not run yet, chained by `next` */
  uint32_t *scratch;
  uint32_t scratch_capacity;
};

/* An order on its way through the book. */
typedef struct book_taker {
  uint64_t id, quantity;
  uint64_t display, expire;
  uint64_t limit; /* the worst key that it takes on the other side */
  uint32_t account, number, flags;
  uint32_t order; /* its record; 0: none yet */
  int32_t price;
  int32_t first, last; /* prices of its trades */
  bool traded;
} book_taker;

static inline unsigned book_flags_sell(uint32_t flags) { return flags & BOOK_SELL; }
static inline int32_t book_clamp_price(int64_t price) {
  return price < INT32_MIN ? INT32_MIN : price > INT32_MAX ? INT32_MAX : (int32_t)price;
}
static inline unsigned book_policy(uint32_t flags) { return (flags >> BOOK_SELF_TRADE_SHIFT) & 7; }

/* ---- Events ---------------------------------------------------------------------------------------------------------------------- */

void assay_book_flush(assay_book *e);

/* For code that has to give events one after the other, what they have in common. */
static inline __attribute__((always_inline)) void book_put_event(assay_book_event *event, uint64_t sequence, uint64_t time, uint64_t id,
                                                                 uint64_t other, uint64_t quantity, uint64_t remaining, uint64_t where,
                                                                 uint64_t what) {
  _Static_assert(offsetof(assay_book_event, flags) == 63 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "written as words");
  event->sequence = sequence;
  event->time = time;
  event->id = id;
  event->other = other;
  event->quantity = quantity;
  event->remaining = remaining;
  memcpy(&event->price, &where, sizeof where);
  memcpy(&event->account, &what, sizeof what);
}
static inline uint64_t book_where(int32_t price, uint32_t number) { return (uint32_t)price | (uint64_t)number << 32; }
static inline uint64_t book_what(unsigned kind, uint32_t account, unsigned side, unsigned reason, unsigned flags) {
  return account | (uint64_t)(kind | side << 8 | reason << 16 | flags << 24) << 32;
}

/* Where a message begins: for the first of its events. */
static inline __attribute__((always_inline)) void book_first_event(assay_book *e, unsigned kind, uint64_t id, uint64_t quantity,
                                                                   uint64_t remaining, int32_t price, uint32_t number, uint32_t account,
                                                                   unsigned side, unsigned reason) {
  book_put_event(e->next_event++, ++e->sequence, e->now, id, 0, quantity, remaining, book_where(price, number),
                 book_what(kind, account, side, reason, 0));
}

/* Anywhere. */
static inline void book_event(assay_book *e, unsigned kind, uint64_t id, uint64_t other, uint64_t quantity, uint64_t remaining,
                              int32_t price, uint32_t number, uint32_t account, unsigned side, unsigned reason, unsigned flags) {
  if (__builtin_expect(e->next_event > e->last_event, false)) assay_book_flush(e);
  book_put_event(e->next_event++, ++e->sequence, e->now, id, other, quantity, remaining, book_where(price, number),
                 book_what(kind, account, side, reason, flags));
}

/* ---- Ladders and orders ------------------------------------------------------------------------------------------------------------ */

static inline book_ladder *book_ladder_of(assay_book *e, uint32_t ladder) {
  book_symbol *b = &e->symbols[ladder / BOOK_LADDERS];
  unsigned sell = ladder & 1;
  if ((ladder & (BOOK_STOP_LADDER | BOOK_AON_LADDER)) == 0) return &b->side[sell];
  return (ladder & BOOK_STOP_LADDER) != 0 ? &b->rare->stop[sell] : &b->rare->aon[sell];
}

/* A stop's ladder is turned round: the buyer's lowest trigger is met first. */
static inline int32_t book_order_price(const assay_book *e, const book_order *o) {
  return book_price(e->store.levels[o->level].key, book_flags_sell((uint32_t)o->flags) ^ ((o->flags & BOOK_STOP) != 0));
}
static inline uint32_t book_order_number(const assay_book *e, const book_order *o) {
  return e->store.levels[o->level].ladder / BOOK_LADDERS;
}
static inline uint64_t book_hidden(const assay_book *e, uint32_t order) {
  return (e->store.orders[order].flags & BOOK_ICEBERG) != 0 ? e->extras[order].hidden : 0;
}
/* All that is open. */
static inline uint64_t book_open(const assay_book *e, uint32_t order) { return e->store.orders[order].quantity + book_hidden(e, order); }

static inline void book_set_plain(const assay_book *e, book_symbol *b) {
  b->plain = b->phase == ASSAY_BOOK_CONTINUOUS && b->rare == NULL;
  b->side[0].swift = b->side[1].swift = b->plain && e->account_count == 0 ? BOOK_MOST_QUANTITY : 0;
}

/* The order leaves its ladder, and keeps its record. */
static inline void book_take_out(assay_book *e, uint32_t order) {
  book_store *s = &e->store;
  book_order *o = &s->orders[order];
  book_level *level = &s->levels[o->level];
  book_level_unlink(s, level, o);
  if (__builtin_expect((o->flags & BOOK_ICEBERG) != 0, false)) level->special--;
  if (level->count == 0) book_ladder_close(s, book_ladder_of(e, level->ladder), o->level);
}

/* With risk checks on: an order of an account has a record now, or has it no more. Whatever is written to place 0 nobody reads. */
static inline void book_own(assay_book *e, uint32_t order) {
  book_account *a = &e->accounts[e->store.orders[order].account];
  e->owned[order] = (book_owned){.next = a->first};
  e->owned[a->first].prev = order;
  a->first = order;
  a->count++;
}
static inline void book_disown(assay_book *e, uint32_t order) {
  book_account *a = &e->accounts[e->store.orders[order].account];
  book_owned *owned = e->owned, at = owned[order];
  *(at.prev != 0 ? &owned[at.prev].next : &a->first) = at.next;
  owned[at.next].prev = at.prev;
  a->count--;
}

void assay_book_untie(assay_book *e, uint32_t order, book_symbol *b);

/* The order is gone for good. It is in no ladder any more. */
static inline void book_gone(assay_book *e, book_symbol *b, uint32_t order) {
  if (e->account_count != 0) book_disown(e, order);
  if ((e->store.orders[order].flags & BOOK_HAS_TIES) != 0) assay_book_untie(e, order, b);
  book_order_free(&e->store, order);
}

/* ---- Risk ---------------------------------------------------------------------------------------------------------------------------- */

static inline void book_risk_open(assay_book *e, book_symbol *b, uint32_t account, unsigned sell, uint64_t quantity) {
  if (e->account_count != 0) b->positions[account].open[sell] += quantity;
}
static inline void book_risk_close(assay_book *e, book_symbol *b, uint32_t account, unsigned sell, uint64_t quantity) {
  if (e->account_count != 0) b->positions[account].open[sell] -= quantity;
}
static inline void book_risk_trade(assay_book *e, book_symbol *b, uint32_t buyer, uint32_t seller, uint64_t quantity) {
  if (e->account_count == 0) return;
  b->positions[buyer].open[ASSAY_BUY] -= quantity;
  b->positions[buyer].position += (int64_t)quantity;
  b->positions[seller].open[ASSAY_SELL] -= quantity;
  b->positions[seller].position -= (int64_t)quantity;
}

/* What an account holds on a side when all that it has open there trades; never above 2^63 - 1. */
static inline __int128 book_worst(const book_position *p, unsigned sell) {
  return (sell ? -(__int128)p->position : (__int128)p->position) + (__int128)p->open[sell];
}

/* Why an order may not come in; ASSAY_BOOK_NONE: it may. `released`: what the same order had open before. */
assay_book_reason assay_book_risk_check(assay_book *e, uint32_t number, uint32_t account, unsigned sell, uint32_t flags, int32_t price,
                                        uint64_t quantity, uint64_t released);
/* The same for a change that adds nothing. */
assay_book_reason assay_book_risk_count(assay_book *e, uint32_t account);
/* The same for the worst price that a market order takes. */
uint64_t assay_book_risk_limit(const assay_book *e, const book_symbol *b, uint32_t account, unsigned sell);

/* ---- The path of an order (taker.c) -------------------------------------------------------------------------------------------------- */

/* What comes in: trades as far as it may, then rests or goes. */
void assay_book_run_taker(assay_book *e, book_symbol *b, book_taker *t);
/* Trades until nothing is left or nothing fits. */
void assay_book_match(assay_book *e, book_symbol *b, book_taker *t);
/* Puts what is left into the book; cancels it when there is no room. */
void assay_book_rest(assay_book *e, book_symbol *b, book_taker *t);
/* What is left is cancelled. */
void assay_book_drop(assay_book *e, book_symbol *b, book_taker *t, unsigned reason);
/* An order with a record, as a taker of `quantity`; it has left its ladder. */
void assay_book_taker_of(assay_book *e, uint32_t number, uint32_t order, int32_t price, book_taker *t);
/* An order in a ladder is cancelled, or expires (`kind`). */
void assay_book_cancel_order(assay_book *e, uint32_t order, unsigned kind, unsigned reason);

/* ---- What most messages do not need (rare.c, aon.c, auction.c, expiry.c) ------------------------------------------------------------- */

/* Room for what a book or an order rarely has; false: out of memory. */
bool assay_book_need_rare(assay_book *e, book_symbol *b);
bool assay_book_need_extras(assay_book *e);
bool assay_book_need_positions(assay_book *e, book_symbol *b);
bool assay_book_need_heap(assay_book *e);
bool assay_book_need_owned(assay_book *e);
bool assay_book_need_scratch(assay_book *e, uint64_t count);

/* A trade price was seen: trailing triggers move, stops that are met become pending. */
void assay_book_price_seen(assay_book *e, book_symbol *b, int32_t price);
/* Waiting stops that are met at this price become pending, in a phase in which they may run. */
void assay_book_mark_stops(assay_book *e, book_symbol *b, int32_t price);
void assay_book_run_pending(assay_book *e, book_symbol *b);
/* A new one, with record and extra; `trigger` of a trailing one is its distance. */
void assay_book_stop_new(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger);
/* A trailing stop becomes the last of its side's. */
void assay_book_trail_append(assay_book *e, uint32_t number, uint32_t order);
/* The same for one that was in front. */
void assay_book_trail_again(assay_book *e, uint32_t number, uint32_t order);
/* Waits, or is pending at once. */
void assay_book_stop_rest(assay_book *e, book_symbol *b, uint32_t number, uint32_t order, int32_t trigger);

/* Whether matching would fill it entirely. */
bool assay_book_fillable(assay_book *e, book_symbol *b, const book_taker *t);
/* Matching where all-or-none orders wait on the other side. */
void assay_book_match_aon(assay_book *e, book_symbol *b, book_taker *t);
/* So much came to rest on side `sell`: all-or-none orders of the other side try again. */
void assay_book_retry_aon(assay_book *e, book_symbol *b, uint32_t number, unsigned sell, uint64_t quantity);
/* All that is open at a level. */
unsigned __int128 assay_book_level_open(const assay_book *e, uint32_t level);
/* One trade, or what self-trade prevention makes of it, with the order `maker`; false: the taker's matching ends. */
bool assay_book_meet(assay_book *e, book_symbol *b, book_taker *t, uint32_t maker);

void assay_book_uncross(assay_book *e, const assay_book_message *m);
/* Says so; where trading begins, stops whose trigger was met meanwhile become pending, and all-or-none orders try again. */
void assay_book_enter_phase(assay_book *e, uint32_t number, unsigned phase);
/* MASS_CANCEL, LIMITS, KILL. */
void assay_book_account_message(assay_book *e, const assay_book_message *m);
void assay_book_reject(assay_book *e, const assay_book_message *m, unsigned reason);

void assay_book_heap_add(assay_book *e, uint32_t order);
void assay_book_heap_remove(assay_book *e, uint32_t order);
/* Orders whose time has come go. */
void assay_book_expire(assay_book *e);

#endif
