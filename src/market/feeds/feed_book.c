/* SPDX-License-Identifier: MIT */
/*
 * Books from feeds. Orders are assay_mbo's business; what is here is what their events mean, and levels for feeds that have only those.
 */
#include "market/feeds/feed_book.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/gcd.h"
#include "market/feeds/decimal.h"

/* ---- Ticks --------------------------------------------------------------------------------------------------------------------------- */

/*
 * Ladders have 32-bit prices. What a tick is nobody says in advance: a feed of 10^-9 has cents, halves of a 64th and tenths of a pip in it.
 * So a symbol's step is the greatest that divides all of its prices so far, which is a multiple of the real one; when a price comes that it
 * does not divide, it becomes finer (by half at least, so seldom) and the symbol's levels are numbered anew.
 *
 * It pays to do so where a price has four decimals too: a ladder is quick where neighbouring prices are neighbouring numbers, and those of
 * ITCH, in hundredths of a cent, are whole cents. Below a dollar they need not be, whatever else the symbol costs, so those count singly.
 */
static bool best_stays(const feed_grid *g, uint32_t symbol, uint64_t factor) {
  for (unsigned sell = 0; sell < 2; sell++) {
    assay_mbo_level best;
    uint64_t wide;
    if (!book_mbo_best(g->mbo, symbol, sell, &best) || best.price == book_mbo_end(sell) || llabs(best.price) < g->fine) continue;
    if (__builtin_mul_overflow((uint64_t)(llabs(best.price) - g->fine), factor, &wide) || wide >= (uint64_t)(INT32_MAX - g->fine))
      return false;
  }
  return true;
}

static uint64_t size_of(int64_t price) { return price < 0 ? 0 - (uint64_t)price : (uint64_t)price; }

static bool reach_ticks(feed_grid *g, uint32_t symbol) {
  if (symbol < g->count) return true;
  uint32_t count = symbol < UINT32_MAX / 2 ? symbol * 2 + 16 : UINT32_MAX;
  feed_tick *ticks = assay_realloc(ASSAY_TAG_MARKET, g->ticks, count, sizeof *ticks);
  if (ticks == NULL) return false;
  memset(ticks + g->count, 0, (count - g->count) * sizeof *ticks);
  g->ticks = ticks;
  g->count = count;
  return true;
}

/* What of a price its tick has to divide. */
static uint64_t above_fine(const feed_grid *g, int64_t price) {
  uint64_t size = size_of(price), fine = (uint64_t)g->fine;
  return size > fine ? size - fine : 0;
}

/* A price, of which the step divides what it has to, without its sign. */
static uint64_t count_of(const feed_grid *g, int64_t price, uint64_t step) {
  uint64_t above = above_fine(g, price);
  return above == 0 ? size_of(price) : (uint64_t)g->fine + above / step;
}

static int64_t price_of(const feed_grid *g, uint32_t symbol, int32_t ticks);

/* Whether a price is behind the best of its side, so that it does no harm at the end of all. */
static bool is_behind(const feed_grid *g, uint32_t symbol, int64_t price, bool sell) {
  assay_mbo_level best;
  if (!book_mbo_best(g->mbo, symbol, sell, &best) || best.price == book_mbo_end(sell)) return false;
  return sell ? price > price_of(g, symbol, best.price) : price < price_of(g, symbol, best.price);
}

static assay_status own_ticks(feed_grid *g, uint32_t symbol, int64_t price, bool sell, int32_t *ticks) {
  *ticks = book_mbo_end(sell);
  if (price == ASSAY_FEED_NO_PRICE) return ASSAY_OK;
  if (!reach_ticks(g, symbol)) return ASSAY_ERR_NO_MEMORY;
  feed_tick *own = &g->ticks[symbol];
  uint64_t above = above_fine(g, price);
  if (own->step == 0) own->step = above; /* nothing but what counts singly was there */
  uint64_t finer = above == 0 || above % own->step == 0 ? own->step : assay_gcd(own->step, above);
  uint64_t count = count_of(g, price, finer);
  if (count >= INT32_MAX) return sell == (price > 0) || is_behind(g, symbol, price, sell) ? ASSAY_OK : ASSAY_ERR_LIMIT;
  if (finer != own->step) {
    if (!best_stays(g, symbol, own->step / finer)) return is_behind(g, symbol, price, sell) ? ASSAY_OK : ASSAY_ERR_LIMIT;
    assay_status status = assay_mbo_rescale(g->mbo, symbol, own->step / finer, (int32_t)g->fine);
    if (status != ASSAY_OK) return status;
    own->step = finer;
  }
  own->inverse = finer > 0 && finer < INT32_MAX ? (1 + 0x1p-50) / (double)finer : 0;
  *ticks = price < 0 ? -(int32_t)count : (int32_t)count;
  return ASSAY_OK;
}

static __attribute__((noinline)) assay_status other_ticks(feed_grid *g, const assay_market_event *event, int32_t *ticks) {
  if (g->step == 0) { /* the first price says it for all */
    unsigned decimals = assay_market_price_decimals(event);
    g->step = FEED_OWN_TICKS;
    g->fine = decimals <= 4 ? (int64_t)assay_tens[decimals] : 0;
  }
  if (g->step == FEED_OWN_TICKS) {
    bool sell = event->side == 'S';
    uint32_t at = event->kind == ASSAY_MARKET_REPLACE ? book_mbo_find(g->mbo, event->symbol, event->order_id) : 0;
    if (at != 0) { /* it stays on its side, whatever the event says */
      assay_mbo_order order;
      assay_mbo_read(g->mbo, at, &order);
      sell = order.side == ASSAY_SELL;
    }
    return own_ticks(g, event->symbol, event->price, sell, ticks);
  }
  if (event->price % g->step != 0) return ASSAY_ERR_LIMIT;
  int64_t price = event->price / g->step;
  *ticks = (int32_t)price;
  return price > INT32_MIN && price < INT32_MAX ? ASSAY_OK : ASSAY_ERR_LIMIT;
}

/* Nearly always a multiple of its symbol's own tick, which is seen without a division. */
static inline assay_status to_ticks(feed_grid *g, const assay_market_event *event, int32_t *ticks) {
  if (__builtin_expect(event->symbol < g->count, 1)) {
    feed_tick own = g->ticks[event->symbol];
    uint64_t above = (uint64_t)event->price - (uint64_t)g->fine;
    if (__builtin_expect(above >> 62 == 0, 1)) {
      uint64_t count = (uint64_t)(int64_t)((double)(int64_t)above * own.inverse);
      if (__builtin_expect(count < (uint64_t)(INT32_MAX - g->fine) && count * own.step == above, 1)) {
        *ticks = (int32_t)(count + (uint64_t)g->fine);
        return ASSAY_OK;
      }
    }
  }
  return other_ticks(g, event, ticks);
}

static int64_t price_of(const feed_grid *g, uint32_t symbol, int32_t ticks) {
  if (ticks == INT32_MIN || ticks == INT32_MAX) return ASSAY_FEED_NO_PRICE;
  uint64_t step = g->step > 0 ? (uint64_t)g->step : symbol < g->count ? g->ticks[symbol].step : 1;
  if (llabs(ticks) <= g->fine) return ticks;
  uint64_t size = (uint64_t)g->fine + (uint64_t)(llabs(ticks) - g->fine) * step; /* 2^63 too, of which there is only the negative */
  return (int64_t)(ticks < 0 ? 0 - size : size);
}

/* ---- Symbols ------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_feed_book_create(const assay_feed_book_options *options, assay_error *err, assay_feed_book **book) {
  assay_feed_book *created = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *created);
  if (created == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for books");
  if (options != NULL) created->options = *options;
  assay_feed_book_options *o = &created->options;
  if (o->symbols == 0) o->symbols = 65536;
  if (o->expected_orders == 0) o->expected_orders = 65536;
  if (o->most_waiting == 0) o->most_waiting = 1000;
  if (o->most_levels == 0) o->most_levels = 1u << 22;
  created->orders.step = o->price_step;
  created->levels.step = FEED_OWN_TICKS; /* and nothing counts singly */
  assay_status status = ASSAY_OK;
  if (o->price_step < 0) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the price step of books has to be above 0");
  if (o->most_levels > 1u << 30) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "books hold 2^30 levels at most, not %u", o->most_levels);
  created->chains = assay_calloc(ASSAY_TAG_MARKET, o->symbols, sizeof *created->chains);
  created->stale = assay_calloc(ASSAY_TAG_MARKET, o->symbols, 1);
  if (status == ASSAY_OK && (created->chains == NULL || created->stale == NULL))
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for books");
  if (status == ASSAY_OK)
    status = assay_mbo_create(&(assay_mbo_options){.books = o->symbols, .expected_orders = o->expected_orders}, err, &created->orders.mbo);
  if (status != ASSAY_OK) {
    assay_feed_book_destroy(created);
    return status;
  }
  created->orders.mbo->store.scopes = UINT32_MAX;
  *book = created;
  return ASSAY_OK;
}

void assay_feed_book_destroy(assay_feed_book *book) {
  if (book == NULL) return;
  for (uint32_t i = 0; book->chains != NULL && i < book->options.symbols; i++) {
    feed_chain *c = book->chains[i];
    if (c == NULL) continue;
    assay_free(c->waits);
    assay_free(c->held);
    assay_free(c);
  }
  assay_free(book->chains);
  assay_free(book->stale);
  assay_mbo_destroy(book->orders.mbo);
  assay_mbo_destroy(book->levels.mbo);
  assay_free(book->orders.ticks);
  assay_free(book->levels.ticks);
  assay_free(book);
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

bool assay_feed_book_has_levels(assay_feed_book *book) {
  const assay_mbo_options options = {.books = book->options.symbols, .expected_orders = 64, .most_orders = book->options.most_levels};
  return book->levels.mbo != NULL || assay_mbo_create(&options, NULL, &book->levels.mbo) == ASSAY_OK;
}

assay_status assay_feed_book_set_level(assay_feed_book *book, uint32_t symbol, bool sell, int64_t price, uint64_t quantity,
                                       uint64_t orders) {
  feed_grid *g = &book->levels;
  int32_t ticks = 0;
  if (quantity == 0) {
    uint64_t step = symbol < g->count ? g->ticks[symbol].step : 0, size = size_of(price);
    if (price != 0 && (step == 0 || size % step != 0 || size / step >= INT32_MAX)) return ASSAY_OK;
    ticks = price == 0 ? 0 : (price < 0 ? -1 : 1) * (int32_t)(size / step);
  } else {
    if (price == ASSAY_FEED_NO_PRICE) return ASSAY_ERR_INVALID;
    assay_status status = own_ticks(g, symbol, price, sell, &ticks);
    if (status != ASSAY_OK) return status;
  }
  return assay_mbo_set_level(g->mbo, symbol, sell, ticks, quantity, orders < UINT32_MAX ? (uint32_t)orders : UINT32_MAX);
}

static assay_status apply_quote(assay_feed_book *book, const assay_market_event *event) {
  bool sell = event->side == 'S';
  if (!sell && event->side != 'B') return ASSAY_ERR_INVALID;
  if (!assay_feed_book_has_levels(book)) return ASSAY_ERR_NO_MEMORY;
  if ((event->flags & ASSAY_MARKET_WHOLE_SIDE) != 0) assay_mbo_clear_side(book->levels.mbo, event->symbol, sell);
  return assay_feed_book_set_level(book, event->symbol, sell, event->price, event->quantity, event->order_id);
}

/* A book that is empty finds its step out anew. */
static void empty_one(feed_grid *g, uint32_t symbol) {
  if (g->mbo == NULL) return;
  assay_mbo_clear(g->mbo, symbol);
  if (symbol < g->count) g->ticks[symbol] = (feed_tick){0};
}

void assay_feed_book_empty(assay_feed_book *book, uint32_t symbol) {
  empty_one(&book->orders, symbol);
  empty_one(&book->levels, symbol);
}

static __attribute__((noinline)) assay_status apply_other(assay_feed_book *book, const assay_market_event *event) {
  assay_mbo *orders = book->orders.mbo;
  assay_status status;
  int32_t ticks = 0;
  switch (event->kind) {
    case ASSAY_MARKET_REPLACE:
      status = to_ticks(&book->orders, event, &ticks);
      if (status != ASSAY_OK) return status;
      status = book_mbo_replace(orders, event->symbol, event->order_id, event->other_id, ticks, event->quantity);
      /* DBN: what modifies an order that is not known is to be taken for an addition. */
      if (status != ASSAY_ERR_NOT_FOUND || event->order_id != event->other_id || (event->side != 'B' && event->side != 'S')) return status;
      return book_mbo_add(orders, event->symbol, event->order_id, event->side == 'S', ticks, event->quantity);
    case ASSAY_MARKET_QUOTE: return apply_quote(book, event);
    case ASSAY_MARKET_CLEAR:
      assay_feed_book_empty(book, event->symbol);
      book->stale[event->symbol] &= (uint8_t)~FEED_MISFIT; /* a chain that waits for its snapshot waits on */
      return ASSAY_OK;
    default: return ASSAY_OK; /* trades of what was hidden, states: nothing that rests changes */
  }
}

/* What comes next cannot be foreseen, so the less there is to choose from, the better: an order comes, it goes in part or whole, or the
 * rest. */
static inline assay_status apply_one(assay_feed_book *book, const assay_market_event *event) {
  assay_mbo *orders = book->orders.mbo;
  unsigned kind = event->kind;
  if (kind == ASSAY_MARKET_ADD) {
    int32_t ticks = 0;
    if (event->side != 'B' && event->side != 'S') return ASSAY_ERR_LIMIT;
    assay_status status = to_ticks(&book->orders, event, &ticks);
    if (status != ASSAY_OK) return status;
    return book_mbo_add(orders, event->symbol, event->order_id, event->side == 'S', ticks, event->quantity);
  }
  if (kind == ASSAY_MARKET_DELETE || kind == ASSAY_MARKET_EXECUTE || kind == ASSAY_MARKET_CANCEL)
    return book_mbo_take(orders, event->symbol, event->order_id, event->quantity, kind == ASSAY_MARKET_DELETE);
  return apply_other(book, event);
}

static bool misfit(assay_feed_book *book, const assay_market_event *event, assay_status status) {
  if (status == ASSAY_ERR_NOT_FOUND || status == ASSAY_ERR_INVALID)
    book->counts.impossible++;
  else
    book->counts.refused++;
  if (event->symbol < book->options.symbols) book->stale[event->symbol] |= FEED_MISFIT;
  return true;
}

/* Memory that an event is going to need: first where its order is found, a few events later the order itself, then its neighbours and its
 * level. A batch is known in advance, and nothing else hides what a cache miss costs. */
enum { PLACE_AHEAD = 16, ORDER_AHEAD = 10, AROUND_AHEAD = 5 };
static inline void look_ahead(const assay_mbo *orders, const assay_market_event *event) {
  book_mbo_prefetch(orders, event[PLACE_AHEAD].order_id);
  book_mbo_prefetch_order(orders, event[ORDER_AHEAD].order_id);
  book_mbo_prefetch_around(orders, event[AROUND_AHEAD].order_id);
}

/* A day begins, or messages before this one are lost. */
static void apply_flags(assay_feed_book *book, const assay_market_event *event) {
  if ((event->flags & ASSAY_MARKET_ALL_SYMBOLS) != 0) assay_feed_book_restart(book);
  if ((event->flags & ASSAY_MARKET_GAP) != 0 && event->symbol < book->options.symbols) book->stale[event->symbol] |= FEED_MISFIT;
}

size_t assay_feed_book_apply(assay_feed_book *book, const assay_market_event *events, size_t count) {
  size_t misfits = 0;
  for (size_t i = 0; i < count; i++) {
    if (i + PLACE_AHEAD < count) look_ahead(book->orders.mbo, &events[i]); /* of a batch's last few most is there already */
    assay_status status = events[i].symbol < book->options.symbols ? apply_one(book, &events[i]) : ASSAY_ERR_LIMIT;
    if (__builtin_expect((events[i].flags & (ASSAY_MARKET_ALL_SYMBOLS | ASSAY_MARKET_GAP)) != 0, 0)) apply_flags(book, &events[i]);
    if (__builtin_expect(status != ASSAY_OK, 0)) misfits += misfit(book, &events[i], status);
  }
  book->counts.applied += count - misfits;
  return misfits;
}

assay_feed_book_counts assay_feed_book_get_counts(const assay_feed_book *book) { return book->counts; }
size_t assay_feed_book_orders(const assay_feed_book *book) { return assay_mbo_orders(book->orders.mbo); }

bool assay_feed_book_find(const assay_feed_book *book, uint32_t symbol, uint64_t order_id, assay_feed_order *order) {
  assay_mbo_order found;
  uint32_t at = book_mbo_find(book->orders.mbo, symbol, order_id);
  if (at == 0) return false;
  assay_mbo_read(book->orders.mbo, at, &found);
  *order = (assay_feed_order){.price = price_of(&book->orders, symbol, found.price),
                              .quantity = found.quantity,
                              .symbol = found.book,
                              .side = found.side == ASSAY_BUY ? 'B' : 'S'};
  return true;
}

bool assay_feed_book_is_stale(const assay_feed_book *book, uint32_t symbol) {
  return symbol >= book->options.symbols || book->stale[symbol] != 0;
}
void assay_feed_book_lost(assay_feed_book *book) {
  for (uint32_t i = 0; i < book->options.symbols; i++) book->stale[i] |= FEED_MISFIT;
}

assay_status assay_feed_book_check(const assay_feed_book *book, assay_error *err) { return assay_mbo_check(book->orders.mbo, err); }

void assay_feed_book_restart(assay_feed_book *book) {
  for (uint32_t i = 0; i < book->orders.mbo->books; i++) empty_one(&book->orders, i);
  for (uint32_t i = 0; book->levels.mbo != NULL && i < book->levels.mbo->books; i++) empty_one(&book->levels, i);
  for (uint32_t i = 0; i < book->options.symbols; i++) {
    feed_chain *c = book->chains[i];
    if (c != NULL) c->begun = false, c->wait_count = c->held_count = 0;
  }
  memset(book->stale, 0, book->options.symbols);
}

static size_t read_depth(const feed_grid *g, uint32_t symbol, char side, assay_feed_level *levels, size_t most) {
  enum { AT_ONCE = 64 };
  assay_mbo_level found[AT_ONCE], *all = found;
  size_t wanted = most < AT_ONCE ? most : AT_ONCE;
  /* More than that is asked for seldom. */
  if (most > AT_ONCE) {
    all = assay_alloc(ASSAY_TAG_MARKET, most * sizeof *all);
    if (all == NULL)
      all = found;
    else
      wanted = most;
  }
  size_t count = assay_mbo_depth(g->mbo, symbol, side == 'B' ? ASSAY_BUY : ASSAY_SELL, all, wanted);
  if (count > 0 && all[count - 1].price == book_mbo_end(side == 'S')) count--; /* where those are that have no price */
  for (size_t i = 0; i < count; i++)
    levels[i] = (assay_feed_level){.price = price_of(g, symbol, all[i].price), .quantity = all[i].quantity, .orders = all[i].orders};
  if (all != found) assay_free(all);
  return count;
}

size_t assay_feed_book_depth(const assay_feed_book *book, uint32_t symbol, char side, assay_feed_level *levels, size_t most) {
  const assay_mbo *l = book->levels.mbo;
  if (symbol >= book->options.symbols || (side != 'B' && side != 'S')) return 0;
  bool of_levels = l != NULL && symbol < l->books && book_mbo_ladder(l, symbol, 0)->levels + book_mbo_ladder(l, symbol, 1)->levels > 0;
  return read_depth(of_levels ? &book->levels : &book->orders, symbol, side, levels, most);
}
