/* SPDX-License-Identifier: MIT */
/* The trades of a made market as a table of ticks. */
#include <inttypes.h>

#include "market/feeds/generate.h"

static void begin(assay_made_market *market, assay_buf *out) {
  (void)market;
  assay_buf_puts(out, "time,symbol,price,quantity,side\n");
}

static void write_event(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out) {
  bool executed = event->kind == ASSAY_MARKET_EXECUTE;
  if (!executed && event->kind != ASSAY_MARKET_TRADE) return;
  char name[8];
  assay_made_name(event->symbol, name);
  int64_t price = executed ? assay_made_price(market, event->symbol, resting->level) : event->price;
  char side = executed ? (resting->side == 0 ? 'S' : 'B') : event->side;
  assay_buf_printf(out, "%" PRIu64 ",%s,%" PRId64 ".%04d,%" PRIu64 ",%s\n", event->time_ns, name, price / 10000, (int)(price % 10000),
                   event->quantity, side == 'B' ? "buy" : "sell");
}

static void end(assay_made_market *market, assay_buf *out) { (void)market, (void)out; }

const assay_feed_writer assay_feed_write_csv = {begin, write_event, end};
