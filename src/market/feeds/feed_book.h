/* SPDX-License-Identifier: MIT */
/* The inside of books from feeds: books of orders and of levels on grids of ticks, and the chain of Binance's update ids. */
#ifndef ASSAY_MARKET_FEEDS_FEED_BOOK_H
#define ASSAY_MARKET_FEEDS_FEED_BOOK_H

#include <assay/feed_book.h>

#include "market/book/mbo.h"

typedef struct feed_waiting {
  uint64_t first, last, previous;
  bool has_previous;
  size_t bids, asks; /* levels of it, behind those of the ones before */
} feed_waiting;

typedef struct feed_chain {
  bool begun; /* a snapshot is there */
  bool fresh; /* and nothing was applied to it */
  uint64_t last;
  feed_waiting *waits;
  size_t wait_count, wait_capacity;
  assay_binance_level *held;
  size_t held_count, held_capacity;
} feed_chain;

/* A symbol's tick. */
typedef struct feed_tick {
  uint64_t step;  /* in steps of the events; 0: no price yet */
  double inverse; /* a little more than 1 / step, so that what is cut off a multiple is its quotient; 0 where that would not be exact */
} feed_tick;

/* Books of orders, or of levels, whose prices are ticks. */
typedef struct feed_grid {
  assay_mbo *mbo;
  int64_t step; /* steps of the events in a tick; 0: not known yet, FEED_OWN_TICKS: each symbol has its own */
  int64_t fine; /* with FEED_OWN_TICKS: prices below this are ticks as they are */
  feed_tick *ticks;
  uint32_t count;
} feed_grid;
enum { FEED_OWN_TICKS = -1 };

enum { FEED_MISFIT = 1, FEED_UNCHAINED = 2 }; /* why a symbol is stale: something did not fit or is lost; it waits for a snapshot */

struct assay_feed_book {
  assay_feed_book_options options;
  feed_grid orders, levels; /* levels.mbo is NULL until there is one */
  feed_chain **chains;      /* an entry a symbol; NULL: no levels of it */
  uint8_t *stale;           /* an entry a symbol */
  assay_feed_book_counts counts;
};

/* Room for levels, where there was none yet; false without memory. */
bool assay_feed_book_has_levels(assay_feed_book *book);
/* What is at a price now. One that goes is not looked at closely: at a price where nothing can be, nothing is. */
assay_status assay_feed_book_set_level(assay_feed_book *book, uint32_t symbol, bool sell, int64_t price, uint64_t quantity,
                                       uint64_t orders);
/* A symbol's orders and levels. */
void assay_feed_book_empty(assay_feed_book *book, uint32_t symbol);

#endif
