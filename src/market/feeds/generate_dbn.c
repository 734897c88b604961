/* SPDX-License-Identifier: MIT */
/* A made market as DBN records of orders (mbo), with metadata of the version that was asked for. */
#include <string.h>

#include <assay/feed_dbn.h>

#include "market/feeds/generate.h"

static void put(assay_buf *out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) assay_buf_putc(out, (char)(uint8_t)(value >> 8 * i));
}

static void put_text(assay_buf *out, const char *text, size_t width) {
  size_t length = strlen(text);
  assay_buf_append(out, text, length);
  for (size_t i = length; i < width; i++) assay_buf_putc(out, '\0');
}

static void put_mappings(const assay_made_market *market, size_t width, assay_buf *out) {
  put(out, market->settings.symbols, 4);
  for (uint32_t i = 1; i <= market->settings.symbols; i++) {
    char name[8], number[12];
    assay_made_name(i, name);
    assay_buf digits = {0};
    assay_buf_printf(&digits, "%u", i);
    memcpy(number, digits.data != NULL ? digits.data : "", digits.length + 1);
    assay_buf_deinit(&digits);
    put_text(out, name, width);
    put(out, 1, 4);
    put(out, 20240102, 4);
    put(out, 20240103, 4);
    put_text(out, number, width);
  }
}

static void begin(assay_made_market *market, assay_buf *out) {
  const unsigned version = market->settings.version;
  const size_t width = version == 1 ? 22 : 71, symbols = market->settings.symbols;
  size_t length = 100 + 4 + 4 + symbols * width + 4 + 4 + 4 + symbols * (width + 4 + 8 + width);
  size_t padding = version == 3 ? (8 - length % 8) % 8 : 0; /* records of version 3 begin at a multiple of 8 */
  assay_buf_append(out, "DBN", 3);
  put(out, version, 1);
  put(out, length + padding, 4);
  put_text(out, "ASSAY.MADE", 16);
  put(out, 0, 2); /* schema mbo */
  put(out, market->now_ns, 8);
  put(out, UINT64_MAX, 8);
  put(out, 0, 8);
  if (version == 1) put(out, UINT64_MAX, 8); /* how many records: not known */
  put(out, 1, 1);                            /* raw symbol */
  put(out, 0, 1);                            /* instrument id */
  put(out, 0, 1);
  if (version > 1) put(out, width, 2);
  put_text(out, "", version == 1 ? 47 : 53);
  put(out, 0, 4);
  put(out, symbols, 4);
  for (uint32_t i = 1; i <= symbols; i++) {
    char name[8];
    assay_made_name(i, name);
    put_text(out, name, width);
  }
  put(out, 0, 4);
  put(out, 0, 4);
  put_mappings(market, width, out);
  put_text(out, "", padding);
}

static void put_record(const assay_market_event *event, uint64_t order, char action, char side, int64_t price, uint64_t size, bool last,
                       assay_buf *out) {
  put(out, 56 / 4, 1);
  put(out, ASSAY_DBN_MBO, 1);
  put(out, 1, 2);
  put(out, event->symbol, 4);
  put(out, event->time_ns, 8);
  put(out, order, 8);
  put(out, (uint64_t)price * 100000, 8); /* from 10^-4 to 10^-9 */
  put(out, size, 4);
  put(out, last ? 128 : 0, 1);
  put(out, 0, 1);
  put(out, (uint8_t)action, 1);
  put(out, (uint8_t)side, 1);
  put(out, event->time_ns + 1000, 8);
  put(out, 1000, 4);
  put(out, (uint32_t)order, 4);
}

static void write_event(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out) {
  char side = resting->side == 0 ? 'B' : 'A';
  int64_t price = assay_made_price(market, event->symbol, resting->level);
  switch (event->kind) {
    case ASSAY_MARKET_ADD:
      put_record(event, event->order_id, 'A', event->side == 'B' ? 'B' : 'A', event->price, event->quantity, true, out);
      break;
    case ASSAY_MARKET_TRADE: put_record(event, 0, 'T', event->side == 'B' ? 'B' : 'A', event->price, event->quantity, true, out); break;
    case ASSAY_MARKET_EXECUTE: /* the aggressor's trade, the fill of what rested, and what is taken off it */
      put_record(event, 0, 'T', side == 'B' ? 'A' : 'B', price, event->quantity, false, out);
      put_record(event, event->order_id, 'F', side, price, event->quantity, false, out);
      put_record(event, event->order_id, 'C', side, price, event->quantity, true, out);
      break;
    case ASSAY_MARKET_CANCEL: put_record(event, event->order_id, 'C', side, price, event->quantity, true, out); break;
    case ASSAY_MARKET_DELETE: put_record(event, event->order_id, 'C', side, price, resting->quantity, true, out); break;
    case ASSAY_MARKET_REPLACE:
      put_record(event, event->order_id, 'C', side, price, resting->quantity, false, out);
      put_record(event, event->other_id, 'A', side, event->price, event->quantity, true, out);
      break;
    default: break;
  }
}

static void end(assay_made_market *market, assay_buf *out) { (void)market, (void)out; }

const assay_feed_writer assay_feed_write_dbn = {begin, write_event, end};
