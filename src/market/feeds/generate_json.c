/* SPDX-License-Identifier: MIT */
/* A made market as Binance's combined streams: a snapshot of each symbol, then trades and differences of the depth, a document a line. */
#include <inttypes.h>

#include "market/feeds/generate.h"

static void put_head(const assay_made_market *market, uint32_t symbol, const char *stream, assay_buf *out) {
  char name[8];
  (void)market;
  assay_made_name(symbol, name);
  assay_buf_printf(out, "{\"stream\":\"sym%s@%s\",\"data\":{", name + 3, stream);
}

static void put_price(int64_t price, assay_buf *out) {
  assay_buf_printf(out, "\"%" PRId64 ".%04d0000\"", price / 10000, (int)(price % 10000));
}

static void put_trade(const assay_made_market *market, const assay_market_event *event, int64_t price, bool maker_buys, assay_buf *out) {
  char name[8];
  uint64_t ms = event->time_ns / 1000000;
  assay_made_name(event->symbol, name);
  put_head(market, event->symbol, "trade", out);
  assay_buf_printf(out, "\"e\":\"trade\",\"E\":%" PRIu64 ",\"s\":\"%s\",\"t\":%" PRIu64 ",\"p\":", ms, name, event->other_id);
  put_price(price, out);
  assay_buf_printf(out, ",\"q\":\"%" PRIu64 ".00000000\",\"T\":%" PRIu64 ",\"m\":%s,\"M\":true}}\n", event->quantity, ms,
                   maker_buys ? "true" : "false");
}

typedef struct change {
  uint8_t side;
  int64_t price;
} change;

static void put_side(const assay_made_market *market, uint32_t symbol, const change *changes, size_t count, uint8_t side, assay_buf *out) {
  bool filled = false;
  for (size_t i = 0; i < count; i++) {
    if (changes[i].side != side) continue;
    assay_buf_puts(out, filled ? ",[" : "[");
    put_price(changes[i].price, out);
    assay_buf_printf(out, ",\"%" PRIu64 ".00000000\"]", assay_made_market_quantity(market, symbol, changes[i].price));
    filled = true;
  }
}

static void put_depth(assay_made_market *market, const assay_market_event *event, const change *changes, size_t count, assay_buf *out) {
  char name[8];
  assay_made_symbol *symbol = &market->symbols[event->symbol - 1];
  assay_made_name(event->symbol, name);
  put_head(market, event->symbol, "depth", out);
  assay_buf_printf(out, "\"e\":\"depthUpdate\",\"E\":%" PRIu64 ",\"s\":\"%s\",\"U\":%" PRIu64 ",\"u\":%" PRIu64 ",\"b\":[",
                   event->time_ns / 1000000, name, symbol->updates + 1, symbol->updates + count);
  symbol->updates += count;
  put_side(market, event->symbol, changes, count, 0, out);
  assay_buf_puts(out, "],\"a\":[");
  put_side(market, event->symbol, changes, count, 1, out);
  assay_buf_puts(out, "]}}\n");
}

static void begin(assay_made_market *market, assay_buf *out) {
  for (uint32_t i = 1; i <= market->settings.symbols; i++) {
    market->symbols[i - 1].updates = 1000;
    put_head(market, i, "depth", out);
    assay_buf_puts(out, "\"lastUpdateId\":1000,\"bids\":[],\"asks\":[]}}\n");
  }
}

static void write_event(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out) {
  change changes[2];
  size_t count = 0;
  if (event->kind == ASSAY_MARKET_TRADE) {
    put_trade(market, event, event->price, event->side == 'S', out);
    return;
  }
  int64_t old_price = assay_made_price(market, event->symbol, resting->level);
  if (event->kind == ASSAY_MARKET_EXECUTE) put_trade(market, event, old_price, resting->side == 0, out);
  if (event->kind != ASSAY_MARKET_ADD) changes[count++] = (change){resting->side, old_price};
  if (event->kind == ASSAY_MARKET_ADD) changes[count++] = (change){event->side == 'S', event->price};
  if (event->kind == ASSAY_MARKET_REPLACE && event->price != old_price) changes[count++] = (change){resting->side, event->price};
  put_depth(market, event, changes, count, out);
}

static void end(assay_made_market *market, assay_buf *out) { (void)market, (void)out; }

const assay_feed_writer assay_feed_write_json = {begin, write_event, end};
