/* SPDX-License-Identifier: MIT */
/*
 * Books from feeds. Orders are assay_mbo's business; what is here is what their events mean, levels for feeds that have only those, and the
 * chain of Binance's update ids.
 */
#include <assay/feed_book.h>

#include <string.h>

#include "base/alloc.h"
#include "market/book/mbo.h"
#include "market/feeds/decimal.h"

typedef struct level {
  int64_t price;
  uint64_t quantity;
} level;

/* Sorted with the best at the end, where things happen. */
typedef struct ladder {
  level *items;
  size_t count, capacity;
} ladder;

typedef struct waiting {
  uint64_t first, last, previous;
  bool has_previous;
  size_t bids, asks; /* levels of it, behind those of the ones before */
} waiting;

typedef struct chain {
  ladder sides[2]; /* bids, asks */
  bool begun;      /* a snapshot is there */
  bool fresh;      /* and nothing was applied to it */
  uint64_t last;
  waiting *waits;
  size_t wait_count, wait_capacity;
  assay_binance_level *held;
  size_t held_count, held_capacity;
} chain;

struct assay_feed_book {
  assay_feed_book_options options;
  assay_mbo *orders;
  chain **chains; /* an entry a symbol; NULL: no levels of it */
  uint8_t *stale; /* an entry a symbol */
  assay_feed_book_counts counts;
};

/* ---- Levels ----------------------------------------------------------------------------------------------------------------------------
 */

static bool grow(void **items, size_t count, size_t *capacity, size_t wanted, size_t size) {
  if (count + wanted <= *capacity) return true;
  size_t more = *capacity * 2 > count + wanted ? *capacity * 2 : count + wanted + 16;
  void *grown = assay_realloc(ASSAY_TAG_MARKET, *items, more, size);
  if (grown == NULL) return false;
  *items = grown;
  *capacity = more;
  return true;
}

/* Where a price is or belongs. `sign` 1: ascending (bids), -1: descending (asks). Looked for from the end: most changes are near the best.
 */
static size_t place_of(const ladder *side, int64_t price, int sign) {
  size_t low = 0, high = side->count;
  for (size_t step = 1; high > low; step *= 2) {
    size_t probe = high - low > step ? high - step : low;
    if (sign > 0 ? side->items[probe].price < price : side->items[probe].price > price) {
      low = probe + 1;
      break;
    }
    high = probe;
  }
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sign > 0 ? side->items[middle].price < price : side->items[middle].price > price)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool set_level(ladder *side, int64_t price, uint64_t quantity, int sign) {
  size_t at = place_of(side, price, sign);
  bool there = at < side->count && side->items[at].price == price;
  if (there && quantity > 0) {
    side->items[at].quantity = quantity;
  } else if (there) {
    memmove(side->items + at, side->items + at + 1, (side->count - at - 1) * sizeof *side->items);
    side->count--;
  } else if (quantity > 0) {
    if (!grow((void **)&side->items, side->count, &side->capacity, 1, sizeof *side->items)) return false;
    memmove(side->items + at + 1, side->items + at, (side->count - at) * sizeof *side->items);
    side->items[at] = (level){price, quantity};
    side->count++;
  }
  return true; /* a level that goes and was not there is normal */
}

/* ---- Symbols ----------------------------------------------------------------------------------------------------------------------------
 */

static chain *chain_of(assay_feed_book *book, uint32_t symbol) {
  if (symbol >= book->options.symbols) return NULL;
  if (book->chains[symbol] == NULL) book->chains[symbol] = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof **book->chains);
  return book->chains[symbol];
}

assay_status assay_feed_book_create(const assay_feed_book_options *options, assay_error *err, assay_feed_book **book) {
  assay_feed_book *created = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *created);
  if (created == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for books");
  if (options != NULL) created->options = *options;
  assay_feed_book_options *o = &created->options;
  if (o->symbols == 0) o->symbols = 65536;
  if (o->expected_orders == 0) o->expected_orders = 65536;
  if (o->most_waiting == 0) o->most_waiting = 1000;
  assay_status status = ASSAY_OK;
  if (o->price_step < 0) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the price step of books has to be above 0");
  created->chains = assay_calloc(ASSAY_TAG_MARKET, o->symbols, sizeof *created->chains);
  created->stale = assay_calloc(ASSAY_TAG_MARKET, o->symbols, 1);
  if (status == ASSAY_OK && (created->chains == NULL || created->stale == NULL))
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for books");
  if (status == ASSAY_OK)
    status = assay_mbo_create(&(assay_mbo_options){.books = o->symbols, .expected_orders = o->expected_orders}, err, &created->orders);
  if (status != ASSAY_OK) {
    assay_feed_book_destroy(created);
    return status;
  }
  *book = created;
  return ASSAY_OK;
}

void assay_feed_book_destroy(assay_feed_book *book) {
  if (book == NULL) return;
  for (uint32_t i = 0; book->chains != NULL && i < book->options.symbols; i++) {
    chain *c = book->chains[i];
    if (c == NULL) continue;
    assay_free(c->sides[0].items);
    assay_free(c->sides[1].items);
    assay_free(c->waits);
    assay_free(c->held);
    assay_free(c);
  }
  assay_free(book->chains);
  assay_free(book->stale);
  assay_mbo_destroy(book->orders);
  assay_free(book);
}

/* ---- Events
 * ------------------------------------------------------------------------------------------------------------------------------ */

static inline bool to_ticks(assay_feed_book *book, const assay_market_event *event, int32_t *ticks) {
  int64_t step = book->options.price_step, price = event->price;
  if (step == 0) { /* the first price says it for all */
    unsigned decimals = assay_market_price_decimals(event);
    book->options.price_step = step = decimals > 4 ? (int64_t)assay_feed_ten_to[decimals - 4] : 1;
  }
  if (step != 1) {
    if (price % step != 0) return false;
    price /= step;
  }
  *ticks = (int32_t)price;
  return price >= INT32_MIN && price <= INT32_MAX;
}

static assay_status apply_quote(assay_feed_book *book, const assay_market_event *event) {
  chain *c = chain_of(book, event->symbol);
  bool ask = event->side == 'S';
  if (c == NULL) return ASSAY_ERR_NO_MEMORY;
  return set_level(&c->sides[ask], event->price, event->quantity, ask ? -1 : 1) ? ASSAY_OK : ASSAY_ERR_NO_MEMORY;
}

static void clear(assay_feed_book *book, uint32_t symbol) {
  chain *c = book->chains[symbol];
  assay_mbo_clear(book->orders, symbol);
  if (c != NULL) c->sides[0].count = c->sides[1].count = 0;
  book->stale[symbol] = 0;
}

static inline assay_status apply_one(assay_feed_book *book, const assay_market_event *event) {
  int32_t ticks = 0;
  switch (event->kind) {
    case ASSAY_MARKET_ADD:
      if ((event->side != 'B' && event->side != 'S') || !to_ticks(book, event, &ticks)) return ASSAY_ERR_LIMIT;
      return book_mbo_add(book->orders, event->symbol, event->order_id, event->side == 'S', ticks, event->quantity);
    case ASSAY_MARKET_EXECUTE: return book_mbo_reduce(book->orders, event->order_id, event->quantity);
    case ASSAY_MARKET_CANCEL: return book_mbo_reduce(book->orders, event->order_id, event->quantity);
    case ASSAY_MARKET_DELETE: return book_mbo_delete(book->orders, event->order_id);
    case ASSAY_MARKET_REPLACE: {
      if (!to_ticks(book, event, &ticks)) return ASSAY_ERR_LIMIT;
      assay_status status = book_mbo_replace(book->orders, event->order_id, event->other_id, ticks, event->quantity);
      /* DBN: what modifies an order that is not known is to be taken for an addition. */
      if (status != ASSAY_ERR_NOT_FOUND || event->order_id != event->other_id || event->side == 0) return status;
      return book_mbo_add(book->orders, event->symbol, event->order_id, event->side == 'S', ticks, event->quantity);
    }
    case ASSAY_MARKET_QUOTE: return apply_quote(book, event);
    case ASSAY_MARKET_CLEAR: clear(book, event->symbol); return ASSAY_OK;
    default: return ASSAY_OK; /* trades of what was hidden, states: nothing that rests changes */
  }
}

static bool misfit(assay_feed_book *book, const assay_market_event *event, assay_status status) {
  if (status == ASSAY_ERR_NOT_FOUND || status == ASSAY_ERR_INVALID)
    book->counts.impossible++;
  else
    book->counts.refused++;
  if (event->symbol < book->options.symbols) book->stale[event->symbol] = 1;
  return true;
}

/* Memory that an event is going to need: first where its order is found, a few events later the order itself. A batch is known in advance,
 * and nothing else hides what a cache miss costs. */
static inline void look_ahead(const assay_mbo *orders, const assay_market_event *events, size_t at, size_t count) {
  enum { PLACE = 16, ORDER = 8 };
  const book_store *s = &orders->store;
  if (at + PLACE < count) book_mbo_prefetch(orders, events[at + PLACE].order_id);
  if (at + ORDER < count) __builtin_prefetch(&s->orders[s->places[book_tag(s, events[at + ORDER].order_id) >> s->place_shift].order], 1);
}

size_t assay_feed_book_apply(assay_feed_book *book, const assay_market_event *events, size_t count) {
  size_t misfits = 0;
  for (size_t i = 0; i < count; i++) {
    look_ahead(book->orders, events, i, count);
    assay_status status = events[i].symbol < book->options.symbols ? apply_one(book, &events[i]) : ASSAY_ERR_LIMIT;
    if (__builtin_expect(status != ASSAY_OK, 0)) misfits += misfit(book, &events[i], status);
  }
  book->counts.applied += count - misfits;
  return misfits;
}

assay_feed_book_counts assay_feed_book_get_counts(const assay_feed_book *book) { return book->counts; }
size_t assay_feed_book_orders(const assay_feed_book *book) { return assay_mbo_orders(book->orders); }

bool assay_feed_book_find(const assay_feed_book *book, uint64_t order_id, assay_feed_order *order) {
  assay_mbo_order found;
  if (!assay_mbo_find(book->orders, order_id, &found)) return false;
  *order = (assay_feed_order){.price = found.price * (book->options.price_step > 0 ? book->options.price_step : 1),
                              .quantity = found.quantity,
                              .symbol = found.book,
                              .side = found.side == ASSAY_BUY ? 'B' : 'S'};
  return true;
}

bool assay_feed_book_is_stale(const assay_feed_book *book, uint32_t symbol) {
  return symbol >= book->options.symbols || book->stale[symbol] != 0;
}
void assay_feed_book_lost(assay_feed_book *book) { memset(book->stale, 1, book->options.symbols); }

size_t assay_feed_book_depth(const assay_feed_book *book, uint32_t symbol, char side, assay_feed_level *levels, size_t most) {
  if (symbol >= book->options.symbols || (side != 'B' && side != 'S')) return 0;
  const chain *c = book->chains[symbol];
  size_t count = 0;
  if (c != NULL && c->sides[0].count + c->sides[1].count > 0) {
    const ladder *l = &c->sides[side == 'S'];
    for (; count < most && count < l->count; count++) {
      const level *at = &l->items[l->count - 1 - count];
      levels[count] = (assay_feed_level){.price = at->price, .quantity = at->quantity};
    }
    return count;
  }
  enum { AT_ONCE = 64 };
  assay_mbo_level found[AT_ONCE];
  /* More than that is asked for seldom: then from the start again, in a larger piece. */
  size_t wanted = most < AT_ONCE ? most : AT_ONCE;
  assay_mbo_level *all = found;
  if (most > AT_ONCE) {
    all = assay_alloc(ASSAY_TAG_MARKET, most * sizeof *all);
    if (all == NULL)
      all = found;
    else
      wanted = most;
  }
  int64_t step = book->options.price_step > 0 ? book->options.price_step : 1; /* 0: nothing was ever added */
  count = assay_mbo_depth(book->orders, symbol, side == 'B' ? ASSAY_BUY : ASSAY_SELL, all, wanted);
  for (size_t i = 0; i < count; i++)
    levels[i] = (assay_feed_level){.price = all[i].price * step, .quantity = all[i].quantity, .orders = all[i].orders};
  if (all != found) assay_free(all);
  return count;
}

/* ---- Binance's chain
 * -------------------------------------------------------------------------------------------------------------------------- */

static bool set_all(chain *c, const assay_binance_level *bids, size_t bid_count, const assay_binance_level *asks, size_t ask_count) {
  bool fits = true;
  for (size_t i = 0; i < bid_count; i++) fits &= set_level(&c->sides[0], bids[i].price, (uint64_t)bids[i].quantity, 1);
  for (size_t i = 0; i < ask_count; i++) fits &= set_level(&c->sides[1], asks[i].price, (uint64_t)asks[i].quantity, -1);
  return fits;
}

typedef enum fit { NEXT, BEFORE, BEHIND_A_GAP } fit;

static fit fit_of(const chain *c, const waiting *w) {
  if (w->has_previous) {
    if (c->fresh) return w->last < c->last ? BEFORE : w->first <= c->last ? NEXT : BEHIND_A_GAP;
    return w->previous == c->last ? NEXT : w->last <= c->last ? BEFORE : BEHIND_A_GAP;
  }
  if (w->last <= c->last) return BEFORE;
  if (c->fresh) return w->first <= c->last + 1 ? NEXT : BEHIND_A_GAP;
  return w->first == c->last + 1 ? NEXT : BEHIND_A_GAP;
}

static bool hold(assay_feed_book *book, chain *c, const waiting *w, const assay_binance_message *message) {
  if (c->wait_count == book->options.most_waiting) c->wait_count = c->held_count = 0; /* a snapshot that comes now is newer than those */
  if (!grow((void **)&c->waits, c->wait_count, &c->wait_capacity, 1, sizeof *c->waits)) return false;
  if (!grow((void **)&c->held, c->held_count, &c->held_capacity, w->bids + w->asks, sizeof *c->held)) return false;
  c->waits[c->wait_count++] = *w;
  if (w->bids > 0) memcpy(c->held + c->held_count, message->bids, w->bids * sizeof *c->held);
  if (w->asks > 0) memcpy(c->held + c->held_count + w->bids, message->asks, w->asks * sizeof *c->held);
  c->held_count += w->bids + w->asks;
  return true;
}

static assay_feed_chain refuse(assay_feed_book *book) {
  book->counts.refused++;
  return ASSAY_FEED_CHAIN_REFUSED;
}

assay_feed_chain assay_feed_book_update(assay_feed_book *book, uint32_t symbol, const assay_binance_message *message) {
  chain *c = message->kind == ASSAY_BINANCE_DEPTH ? chain_of(book, symbol) : NULL;
  if (c == NULL) return refuse(book);
  const waiting w = {message->first_update, message->last_update, message->previous_update,
                     message->has_previous, message->bid_count,   message->ask_count};
  if (!c->begun) {
    book->stale[symbol] = 1;
    return hold(book, c, &w, message) ? ASSAY_FEED_CHAIN_WAITING : refuse(book);
  }
  switch (fit_of(c, &w)) {
    case BEFORE: return ASSAY_FEED_CHAIN_OLD;
    case NEXT: break;
    default:
      c->begun = false;
      book->stale[symbol] = 1;
      return hold(book, c, &w, message) ? ASSAY_FEED_CHAIN_GAP : refuse(book);
  }
  if (!set_all(c, message->bids, message->bid_count, message->asks, message->ask_count)) {
    book->stale[symbol] = 1;
    return refuse(book);
  }
  c->last = w.last;
  c->fresh = false;
  book->counts.applied++;
  return ASSAY_FEED_CHAIN_APPLIED;
}

assay_feed_chain assay_feed_book_snapshot(assay_feed_book *book, uint32_t symbol, const assay_binance_message *message) {
  chain *c = message->kind == ASSAY_BINANCE_SNAPSHOT ? chain_of(book, symbol) : NULL;
  if (c == NULL) return refuse(book);
  c->sides[0].count = c->sides[1].count = 0;
  c->last = message->last_update;
  c->begun = c->fresh = true;
  bool fits = set_all(c, message->bids, message->bid_count, message->asks, message->ask_count), gap = false;
  size_t held = 0, i = 0;
  for (; i < c->wait_count && !gap; i++) {
    const waiting *w = &c->waits[i];
    fit how = fit_of(c, w);
    gap = how == BEHIND_A_GAP;
    if (gap) break;
    if (how == NEXT) {
      fits &= set_all(c, c->held + held, w->bids, c->held + held + w->bids, w->asks);
      c->last = w->last;
      c->fresh = false;
      book->counts.applied++;
    }
    held += w->bids + w->asks;
  }
  book->stale[symbol] = gap || !fits;
  c->begun = !gap;
  /* What lies behind a gap goes on waiting for a newer snapshot. */
  if (c->wait_count > i) memmove(c->waits, c->waits + i, (c->wait_count - i) * sizeof *c->waits);
  if (c->held_count > held) memmove(c->held, c->held + held, (c->held_count - held) * sizeof *c->held);
  c->wait_count -= i;
  c->held_count -= held;
  book->counts.applied++;
  return gap ? ASSAY_FEED_CHAIN_GAP : fits ? ASSAY_FEED_CHAIN_APPLIED : ASSAY_FEED_CHAIN_REFUSED;
}
