/* SPDX-License-Identifier: MIT */
/* Making an engine, and asking it. */
#include "market/book/engine.h"

#include "base/alloc.h"
#include "market/book/check.h"

enum { LINE = 64 };

const char *assay_book_event_text(unsigned kind) {
  static const char *const texts[ASSAY_BOOK_EVENTS] = {
#define TEXT(symbol, text) text,
      ASSAY_BOOK_EVENT_LIST(TEXT)
#undef TEXT
  };
  return kind < ASSAY_BOOK_EVENTS ? texts[kind] : "unknown";
}

const char *assay_book_reason_text(unsigned reason) {
  static const char *const texts[ASSAY_BOOK_REASONS] = {
#define TEXT(symbol, text) text,
      ASSAY_BOOK_REASON_LIST(TEXT)
#undef TEXT
  };
  return reason < ASSAY_BOOK_REASONS ? texts[reason] : "unknown";
}

assay_status assay_book_create(const assay_book_options *options, assay_error *err, assay_book **book) {
  static const assay_book_options defaults;
  const assay_book_options *o = options == NULL ? &defaults : options;
  uint32_t books = o->books == 0 ? 1 : o->books;
  if (books > 1u << 24) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u books are more than 2^24", books);
  assay_book *e = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *e);
  if (e == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a matching engine");
  *e = (assay_book){.sink = o->sink,
                    .context = o->context,
                    .symbol_count = books,
                    .account_count = o->accounts,
                    .most_trailing = o->most_trailing == 0 ? 1024 : o->most_trailing,
                    .most_aon = o->most_aon == 0 ? 1024 : o->most_aon,
                    .next_expiry = UINT64_MAX};
  assay_status status = assay_book_store_init(&e->store, o->expected_orders, o->most_orders == 0 ? 1u << 24 : o->most_orders, o->seed, err);
  if (status != ASSAY_OK) {
    assay_free(e);
    return status;
  }
  e->event_block = assay_alloc(ASSAY_TAG_MARKET, (BOOK_EVENTS_AT_ONCE + BOOK_EVENTS_BEHIND) * sizeof *e->events + LINE);
  e->events = (assay_book_event *)(((uintptr_t)e->event_block + LINE - 1) & ~(uintptr_t)(LINE - 1));
  e->next_event = e->events;
  e->last_event = e->events + BOOK_EVENTS_AT_ONCE - 1;
  e->symbols = assay_calloc(ASSAY_TAG_MARKET, books + 1, sizeof *e->symbols); /* the last one stands for books that are none */
  e->accounts = assay_calloc(ASSAY_TAG_MARKET, o->accounts == 0 ? 1 : o->accounts, sizeof *e->accounts);
  if (!assay_book_store_window(&e->store) || e->event_block == NULL || e->symbols == NULL || e->accounts == NULL) {
    assay_book_destroy(e);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u books and %u accounts", books, o->accounts);
  }
  for (uint32_t i = 0; i < books; i++) {
    for (unsigned sell = 0; sell < 2; sell++) book_ladder_init(&e->symbols[i].side[sell]);
    book_set_plain(e, &e->symbols[i]);
  }
  *book = e;
  return ASSAY_OK;
}

void assay_book_destroy(assay_book *e) {
  if (e == NULL) return;
  for (uint32_t i = 0; e->symbols != NULL && i < e->symbol_count; i++) {
    assay_free(e->symbols[i].rare);
    assay_free(e->symbols[i].positions);
  }
  assay_book_store_deinit(&e->store);
  assay_free(e->event_block);
  assay_free(e->symbols);
  assay_free(e->accounts);
  assay_free(e->extras);
  assay_free(e->owned);
  assay_free(e->heap);
  assay_free(e->scratch);
  assay_free(e);
}

void assay_book_set_sink(assay_book *e, assay_book_sink sink, void *context) {
  e->sink = sink;
  e->context = context;
}

static void read_level(const book_level *level, assay_mbo_level *out) {
  *out = (assay_mbo_level){book_price(level->key, level->ladder & 1), level->count, level->quantity};
}

/* In an auction market orders wait at the end of the range; only orders that name it as their limit stand there. False: none does. */
static bool read_end(const assay_book *e, const book_level *level, assay_mbo_level *out) {
  *out = (assay_mbo_level){.price = book_price(level->key, level->ladder & 1)};
  for (uint32_t order = level->head; order != 0; order = e->store.orders[order].next) {
    const book_order *o = &e->store.orders[order];
    if ((o->flags & BOOK_MARKET) != 0) continue;
    out->orders++;
    out->quantity += o->quantity;
  }
  return out->orders > 0;
}

size_t assay_book_depth(const assay_book *e, uint32_t number, assay_side side, assay_mbo_level *levels, size_t most) {
  if (number >= e->symbol_count || (unsigned)side > 1) return 0;
  const book_symbol *b = &e->symbols[number];
  const book_ladder *l = &b->side[side];
  size_t count = 0;
  for (uint32_t at = l->levels > 0 ? l->best_level : 0; at != 0 && count < most;) {
    const book_level *level = &e->store.levels[at];
    bool shown = true;
    if (b->phase == ASSAY_BOOK_AUCTION && level->key == 0)
      shown = read_end(e, level, &levels[count]);
    else
      read_level(level, &levels[count]);
    count += shown;
    at = assay_book_ladder_after(&e->store, l, level->key);
  }
  return count;
}

bool assay_book_best(const assay_book *e, uint32_t number, assay_side side, assay_mbo_level *level) {
  return assay_book_depth(e, number, side, level, 1) == 1;
}

bool assay_book_find(const assay_book *e, uint64_t id, assay_book_order *order) {
  uint32_t at = book_find(&e->store, id);
  if (at == 0) return false;
  const book_order *o = &e->store.orders[at];
  *order = (assay_book_order){.id = id,
                              .quantity = book_open(e, at),
                              .displayed = (o->flags & (BOOK_STOP | BOOK_AON)) != 0 ? 0 : o->quantity,
                              .book = book_order_number(e, o),
                              .account = o->account,
                              .price = book_order_price(e, o),
                              .side = (assay_side)book_flags_sell((uint32_t)o->flags),
                              .stop = (o->flags & BOOK_STOP) != 0,
                              .aon = (o->flags & BOOK_AON) != 0};
  return true;
}

bool assay_book_last_price(const assay_book *e, uint32_t number, int32_t *price) {
  if (number >= e->symbol_count || !e->symbols[number].traded) return false;
  *price = e->symbols[number].last;
  return true;
}

bool assay_book_position(const assay_book *e, uint32_t number, uint32_t account, int64_t *position) {
  if (number >= e->symbol_count || account >= e->account_count) return false;
  *position = e->symbols[number].positions == NULL ? 0 : e->symbols[number].positions[account].position;
  return true;
}

size_t assay_book_orders(const assay_book *e) { return e->store.live; }
uint64_t assay_book_applied(const assay_book *e) { return e->applied; }
uint64_t assay_book_sequence(const assay_book *e) { return e->sequence; }

/* ---- Whether all fits together ------------------------------------------------------------------------------------------------------- */

#define BROKEN(...) ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, __VA_ARGS__)

/* What the engine knows of orders beyond what is in the store. */
typedef struct engine_count {
  uint64_t expiring, trailing, aons;
} engine_count;

static assay_status check_orders(const assay_book *e, const book_ladder *l, uint32_t ladder, uint64_t *open, assay_error *err,
                                 engine_count *count) {
  uint32_t kind = ladder % BOOK_LADDERS, number = ladder / BOOK_LADDERS;
  for (uint32_t at = l->levels > 0 ? l->best_level : 0; at != 0; at = assay_book_ladder_after(&e->store, l, e->store.levels[at].key)) {
    uint32_t special = 0;
    for (uint32_t order = e->store.levels[at].head; order != 0; order = e->store.orders[order].next) {
      const book_order *o = &e->store.orders[order];
      unsigned long long id = o->id;
      if ((o->flags & BOOK_SELL) != (kind & 1)) return BROKEN("order %llu is on the wrong side", id);
      if (((o->flags & BOOK_STOP) != 0) != ((kind & BOOK_STOP_LADDER) != 0)) return BROKEN("order %llu waits in the wrong place", id);
      if (((o->flags & BOOK_AON) != 0 && (o->flags & BOOK_STOP) == 0) != ((kind & BOOK_AON_LADDER) != 0))
        return BROKEN("order %llu is all or none in the wrong place", id);
      special += (o->flags & BOOK_ICEBERG) != 0;
      count->trailing += (o->flags & BOOK_TRAILING) != 0;
      count->aons += (o->flags & BOOK_AON) != 0;
      if ((o->flags & BOOK_EXPIRES) != 0) {
        count->expiring++;
        uint32_t place = e->extras[order].heap;
        if (place == 0 || place > e->heap_count || e->heap[place] != order) return BROKEN("order %llu is not where it expires", id);
      }
      if (e->account_count != 0) {
        if (o->account >= e->account_count) return BROKEN("order %llu has no account", id);
        open[o->account] += book_open(e, order);
      }
    }
    if (special != e->store.levels[at].special) return BROKEN("a level of book %u miscounts its icebergs", number);
  }
  return ASSAY_OK;
}

static assay_status check_symbol(const assay_book *e, uint32_t number, uint64_t *open, assay_error *err, book_count *total,
                                 engine_count *count) {
  const book_symbol *b = &e->symbols[number];
  assay_status status = ASSAY_OK;
  count->trailing = count->aons = 0;
  for (unsigned sell = 0; sell < 2; sell++) {
    const book_ladder *ladders[] = {&b->side[sell], b->rare == NULL ? NULL : &b->rare->stop[sell],
                                    b->rare == NULL ? NULL : &b->rare->aon[sell]};
    static const uint32_t kinds[] = {BOOK_LIMIT_LADDER, BOOK_STOP_LADDER, BOOK_AON_LADDER};
    for (uint32_t i = 0; i < e->account_count; i++) open[i] = 0;
    for (unsigned i = 0; i < 3 && ladders[i] != NULL; i++) {
      uint32_t ladder = number * BOOK_LADDERS + kinds[i] + sell;
      status = assay_book_check_ladder(&e->store, ladders[i], ladder, err, total);
      if (status == ASSAY_OK) status = check_orders(e, ladders[i], ladder, open, err, count);
      if (status != ASSAY_OK) return status;
    }
    for (uint32_t i = 0; i < e->account_count; i++)
      if (open[i] != (b->positions == NULL ? 0 : b->positions[i].open[sell]))
        return BROKEN("account %u of book %u miscounts what is open", i, number);
    for (uint32_t i = 0; b->positions != NULL && i < e->account_count; i++)
      if (book_worst(&b->positions[i], sell) > INT64_MAX) return BROKEN("account %u of book %u may pass 2^63", i, number);
  }
  if (count->trailing != (b->rare == NULL ? 0 : b->rare->trailing)) return BROKEN("book %u miscounts its trailing stops", number);
  if (count->aons != (b->rare == NULL ? 0 : b->rare->aons)) return BROKEN("book %u miscounts its all-or-none orders", number);
  if (b->phase != ASSAY_BOOK_AUCTION && b->side[0].best <= (uint32_t) ~(uint32_t)b->side[1].best && b->side[1].levels > 0)
    return BROKEN("book %u crosses", number);
  return ASSAY_OK;
}

/* Every order is in its account's list: those that are there are as many, and no two are one. */
static assay_status check_owned(const assay_book *e, assay_error *err) {
  uint64_t all = 0;
  for (uint32_t i = 0; i < e->account_count; i++) {
    uint32_t count = 0, prev = 0;
    for (uint32_t order = e->accounts[i].first; order != 0; prev = order, order = e->owned[order].next, count++)
      if (count >= e->store.live || e->store.orders[order].account != i || e->owned[order].prev != prev)
        return BROKEN("the list of account %u's orders is broken", i);
    if (count != e->accounts[i].count) return BROKEN("account %u miscounts its orders", i);
    all += count;
  }
  return all == (e->account_count == 0 ? 0 : e->store.live) ? ASSAY_OK : BROKEN("an order is in no account's list");
}

assay_status assay_book_check(const assay_book *e, assay_error *err) {
  if (e->pending_head != 0) return BROKEN("a triggered stop did not run");
  uint64_t *open = assay_calloc(ASSAY_TAG_MARKET, (size_t)e->account_count + 1, sizeof *open);
  if (open == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to check");
  book_count total = {0};
  engine_count count = {0};
  assay_status status = ASSAY_OK;
  for (uint32_t i = 0; i < e->symbol_count && status == ASSAY_OK; i++) status = check_symbol(e, i, open, err, &total, &count);
  assay_free(open);
  if (status == ASSAY_OK) status = assay_book_check_store(&e->store, &total, err);
  if (status == ASSAY_OK) status = check_owned(e, err);
  if (status != ASSAY_OK) return status;
  if (count.expiring != e->heap_count)
    return BROKEN("%llu orders expire, %u are waited for", (unsigned long long)count.expiring, e->heap_count);
  for (uint32_t i = 2; i <= e->heap_count; i++)
    if (e->extras[e->heap[i]].expire < e->extras[e->heap[i / 2]].expire) return BROKEN("the heap of expiries is no heap");
  return ASSAY_OK;
}
