/* SPDX-License-Identifier: MIT */
/* A made market, in no format, and the writers that give it one. */
#ifndef ASSAY_MARKET_FEEDS_GENERATE_H
#define ASSAY_MARKET_FEEDS_GENERATE_H

#include <assay/feeds.h>

#include "base/buf.h"
#include "base/random.h"

/* Prices lie on a grid of 0.01, from the symbol's base on. */
enum { ASSAY_MADE_LEVELS = 1024, ASSAY_MADE_TICK = 100, ASSAY_MADE_DECIMALS = 4 };
#define ASSAY_MADE_NONE UINT32_MAX /* of enum constants, one beyond int would make all of them unsigned (gcc 14) */

/* Set in an event's flags by the market: an order with attribution (ITCH 'F'). */
enum { ASSAY_MADE_ATTRIBUTED = 64 };

typedef struct assay_made_order {
  uint64_t id;
  uint32_t quantity, next, previous; /* in its level, oldest first */
  uint32_t slot;                     /* in the symbol's list of what rests */
  uint16_t level;
  uint8_t side; /* 0: bid, 1: ask */
} assay_made_order;

typedef struct assay_made_level {
  uint32_t head, tail;
  uint64_t quantity;
} assay_made_level;

typedef struct assay_made_symbol {
  assay_made_level *levels; /* ASSAY_MADE_LEVELS; bids below asks */
  uint32_t *resting;        /* places in the pool, in no order */
  uint32_t resting_count;
  int64_t base;           /* price of level 0 */
  double middle;          /* the walk, in levels */
  int best_bid, best_ask; /* levels; -1 and ASSAY_MADE_LEVELS: none */
  uint64_t updates;       /* of its depth, for formats that number them */
} assay_made_symbol;

typedef struct assay_made_market {
  assay_feed_market settings; /* without zeros */
  assay_random random;
  assay_made_symbol *symbols;
  assay_made_order *pool;
  uint32_t *spare, spare_count; /* free places of the pool */
  uint64_t now_ns, next_order, next_match;
  uint64_t fix_out, fix_in, fix_reports; /* numbers of the FIX log */
  uint32_t last_symbol;
  double shares[8]; /* cumulated */
} assay_made_market;

assay_status assay_made_market_create(const assay_feed_market *settings, assay_error *err, assay_made_market **market);
void assay_made_market_destroy(assay_made_market *market);
/* What happens next. `event` is as assay_itch_event would give it; `symbol` counts from 1; *resting (may be NULL) gets the order before it.
 */
void assay_made_market_step(assay_made_market *market, assay_market_event *event, assay_made_order *resting);
/* The price of a level. */
int64_t assay_made_price(const assay_made_market *market, uint32_t symbol, int level);
/* What rests at a price; 0: nothing. */
uint64_t assay_made_market_quantity(const assay_made_market *market, uint32_t symbol, int64_t price);
/* "SYM0001": 7 characters and a NUL. */
void assay_made_name(uint32_t symbol, char name[8]);

/* A writer appends to `out`. All of them may be NULL. */
typedef struct assay_feed_writer {
  void (*begin)(assay_made_market *market, assay_buf *out);
  void (*write)(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out);
  void (*end)(assay_made_market *market, assay_buf *out);
} assay_feed_writer;

extern const assay_feed_writer assay_feed_write_itch, assay_feed_write_json, assay_feed_write_csv, assay_feed_write_dbn,
    assay_feed_write_fix;

#endif
