/* SPDX-License-Identifier: MIT */
/* The path that nearly all messages take. */
#include "market/book/match.h"

#include <string.h>

void assay_book_flush(assay_book *e) {
  size_t count = (size_t)(e->next_event - e->events);
  e->next_event = e->events;
  if (count > 0 && e->sink != NULL) e->sink(e->context, e->events, count);
}

/* ---- New orders ---------------------------------------------------------------------------------------------------------------------- */

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
    assay_book_drop(e, b, &t, assay_book_drop_reason(&t, &b->side[m->side ^ 1]));
}

/* Goes on with what is left of a plain order. */
static __attribute__((noinline)) void cross_on(assay_book *e, book_symbol *b, const assay_book_message *m, uint64_t bytes, uint64_t limit,
                                               uint64_t left) {
  unsigned sell = m->side;
  book_ladder *other = &b->side[sell ^ 1];
  taking k = {m->id, left, own_account(plain_flags(m), m->account), m->book, m->account, sell};
  while (other->best <= limit) {
    int32_t price = book_price((uint32_t)other->best, sell ^ 1);
    if (__builtin_expect(take_best(e, b, other, &k), true)) {
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
  uint64_t left = m->quantity, best = other->best, where = 0;
  uint32_t flip = 0x80000000u - m->side;
  uint64_t what = m->account | (uint64_t)(ASSAY_BOOK_TRADE_EVENT | (unsigned)m->side << 8 | ASSAY_BOOK_OTHER_DONE << 24) << 32;
  uint64_t id = m->id, book = (uint64_t)m->book << 32;
  assay_book_event *end = e->last_event + BOOK_EVENTS_BEHIND;
  while (best <= limit) {
    uint64_t before = left;
    where = book | ((uint32_t)best ^ flip);
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
      traded_at(other, m, (int32_t)where);
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
  if (left < m->quantity) traded_at(other, m, (int32_t)where);
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
  book_level *level = &s->levels[at];
  if (__builtin_expect(level->key != key || level->quantity > BOOK_MOST_AT_LEVEL - BOOK_MOST_QUANTITY, false))
    return rest_swift(e, (book_symbol *)(ladder - sell), m);
  book_level *header = &s->levels[block] - 1;
  e->sequence = sequence;
  e->next_event = event;
  s->order_pool.free = s->orders[order].next;
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

/* ---- Cancel, modify, replace --------------------------------------------------------------------------------------------------------- */

/* What more there is to an order than its place in a ladder. */
#define NOT_PLAIN_ORDER ((uint64_t)(BOOK_ICEBERG | BOOK_STOP | BOOK_AON | BOOK_HAS_TIES) << 48)

/* Whether a message may be about that order, a plain one that rests. */
static inline bool is_plain_order(const assay_book *e, const assay_book_message *m, uint32_t order) {
  const book_order *o = &e->store.orders[order];
  return order != 0 && (o->bits & NOT_PLAIN_ORDER) == 0 && o->account == m->account &&
         e->store.levels[o->level].ladder == (uint64_t)m->book * BOOK_LADDERS + (o->bits >> 48 & BOOK_SELL);
}

/* An order that has nothing special is cancelled. False: it has, and nothing happened yet. */
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

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

/* What does not go the swift way, or is no new order nor a cancellation: the latter first, as that is in every book. */
static __attribute__((noinline)) void apply_more(assay_book *e, const assay_book_message *m, uint64_t bytes) {
  if ((uint8_t)bytes == ASSAY_BOOK_MODIFY || (uint8_t)bytes == ASSAY_BOOK_REPLACE) {
    if (change_plain(e, m)) return;
  } else if ((bytes & NOT_PLAIN) == 0) {
    if (new_plain(e, m, bytes)) return;
  } else if ((uint8_t)bytes == ASSAY_BOOK_CANCEL) {
    if (cancel_plain(e, m)) return;
  }
  assay_book_apply_other(e, m);
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
