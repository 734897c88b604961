/* SPDX-License-Identifier: MIT */
/* Binance's chain: differences that go on from a snapshot by their update ids, in whichever order they and it come. */
#include <string.h>

#include "base/alloc.h"
#include "market/feeds/feed_book.h"

static bool grow(void **items, size_t count, size_t *capacity, size_t wanted, size_t size) {
  if (count + wanted <= *capacity) return true;
  size_t more = *capacity * 2 > count + wanted ? *capacity * 2 : count + wanted + 16;
  void *grown = assay_realloc(ASSAY_TAG_MARKET, *items, more, size);
  if (grown == NULL) return false;
  *items = grown;
  *capacity = more;
  return true;
}

static feed_chain *chain_of(assay_feed_book *book, uint32_t symbol) {
  if (symbol >= book->options.symbols) return NULL;
  if (book->chains[symbol] == NULL) book->chains[symbol] = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof **book->chains);
  return book->chains[symbol];
}

static bool set_all(assay_feed_book *book, uint32_t symbol, const assay_binance_level *bids, size_t bid_count,
                    const assay_binance_level *asks, size_t ask_count) {
  bool fits = true;
  for (size_t i = 0; i < bid_count; i++)
    fits &= assay_feed_book_set_level(book, symbol, false, bids[i].price, (uint64_t)bids[i].quantity, 0) == ASSAY_OK;
  for (size_t i = 0; i < ask_count; i++)
    fits &= assay_feed_book_set_level(book, symbol, true, asks[i].price, (uint64_t)asks[i].quantity, 0) == ASSAY_OK;
  return fits;
}

typedef enum fit { NEXT, BEFORE, BEHIND_A_GAP } fit;

/* Quantities are absolute, so a difference that begins before where we are does no harm; one that begins behind it leaves something out.
 * Ids of futures have holes: what a difference goes on from is its `pu`. */
static fit fit_of(const feed_chain *c, const feed_waiting *w) {
  if (w->has_previous) {
    if (c->fresh) return w->last < c->last ? BEFORE : w->first <= c->last || w->previous <= c->last ? NEXT : BEHIND_A_GAP;
    return w->previous == c->last ? NEXT : w->last <= c->last ? BEFORE : BEHIND_A_GAP;
  }
  if (w->last <= c->last) return BEFORE;
  return w->first == 0 || w->first - 1 <= c->last ? NEXT : BEHIND_A_GAP;
}

static bool hold(assay_feed_book *book, feed_chain *c, const feed_waiting *w, const assay_binance_message *message) {
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
  feed_chain *c = message->kind == ASSAY_BINANCE_DEPTH && assay_feed_book_has_levels(book) ? chain_of(book, symbol) : NULL;
  if (c == NULL) return refuse(book);
  const feed_waiting w = {message->first_update, message->last_update, message->previous_update,
                          message->has_previous, message->bid_count,   message->ask_count};
  if (!c->begun) {
    book->stale[symbol] |= FEED_UNCHAINED;
    return hold(book, c, &w, message) ? ASSAY_FEED_CHAIN_WAITING : refuse(book);
  }
  switch (fit_of(c, &w)) {
    case BEFORE: return ASSAY_FEED_CHAIN_OLD;
    case NEXT: break;
    default:
      c->begun = false;
      book->stale[symbol] |= FEED_UNCHAINED;
      return hold(book, c, &w, message) ? ASSAY_FEED_CHAIN_GAP : refuse(book);
  }
  if (!set_all(book, symbol, message->bids, message->bid_count, message->asks, message->ask_count)) {
    c->begun = false;
    book->stale[symbol] |= FEED_UNCHAINED;
    return refuse(book);
  }
  c->last = w.last;
  c->fresh = false;
  book->counts.applied++;
  return ASSAY_FEED_CHAIN_APPLIED;
}

assay_feed_chain assay_feed_book_snapshot(assay_feed_book *book, uint32_t symbol, const assay_binance_message *message) {
  feed_chain *c = message->kind == ASSAY_BINANCE_SNAPSHOT && assay_feed_book_has_levels(book) ? chain_of(book, symbol) : NULL;
  if (c == NULL) return refuse(book);
  assay_feed_book_empty(book, symbol);
  c->last = message->last_update;
  c->begun = c->fresh = true;
  bool fits = set_all(book, symbol, message->bids, message->bid_count, message->asks, message->ask_count), gap = false;
  size_t held = 0, i = 0;
  for (; i < c->wait_count && !gap; i++) {
    const feed_waiting *w = &c->waits[i];
    fit how = fit_of(c, w);
    gap = how == BEHIND_A_GAP;
    if (gap) break;
    if (how == NEXT) {
      fits &= set_all(book, symbol, c->held + held, w->bids, c->held + held + w->bids, w->asks);
      c->last = w->last;
      c->fresh = false;
      book->counts.applied++;
    }
    held += w->bids + w->asks;
  }
  book->stale[symbol] = gap || !fits ? FEED_UNCHAINED : 0;
  c->begun = !gap && fits;
  /* What lies behind a gap goes on waiting for a newer snapshot. */
  if (c->wait_count > i) memmove(c->waits, c->waits + i, (c->wait_count - i) * sizeof *c->waits);
  if (c->held_count > held) memmove(c->held, c->held + held, (c->held_count - held) * sizeof *c->held);
  c->wait_count -= i;
  c->held_count -= held;
  book->counts.applied++;
  return gap ? ASSAY_FEED_CHAIN_GAP : fits ? ASSAY_FEED_CHAIN_APPLIED : ASSAY_FEED_CHAIN_REFUSED;
}
