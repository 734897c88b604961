/* SPDX-License-Identifier: MIT */
/* A made market as TotalView-ITCH 5.0 in a BinaryFILE. */
#include <assay/feed_itch.h>

#include <string.h>

#include "market/feeds/generate.h"

static void put_be(uint8_t *to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}
#define PUT(field, value) put_be(field, value, sizeof(field))

static void begin_message(assay_itch_body *as, char type, uint32_t locate, uint64_t time_ns) {
  memset(as, 0, sizeof *as);
  as->head.type = (uint8_t)type;
  PUT(as->head.locate, locate);
  PUT(as->head.time, time_ns);
}

static void append(const assay_itch_body *as, assay_buf *out) {
  uint8_t length[2];
  PUT(length, assay_itch_lengths[as->head.type]);
  assay_buf_append(out, (const char *)length, sizeof length);
  assay_buf_append(out, (const char *)as, assay_itch_lengths[as->head.type]);
}

static void put_stock(char stock[8], uint32_t symbol) {
  char name[8];
  assay_made_name(symbol, name);
  memset(stock, ' ', 8);
  memcpy(stock, name, strlen(name));
}

static void put_event(const assay_made_market *market, char code, assay_buf *out) {
  assay_itch_body as;
  begin_message(&as, 'S', 0, market->now_ns);
  as.system.event = code;
  append(&as, out);
}

static void put_directory(const assay_made_market *market, uint32_t symbol, assay_buf *out) {
  assay_itch_body as;
  begin_message(&as, 'R', symbol, market->now_ns);
  put_stock(as.directory.stock, symbol);
  as.directory.market_category = 'Q';
  as.directory.financial_status = 'N';
  PUT(as.directory.round_lot_size, 100);
  as.directory.round_lots_only = 'N';
  as.directory.classification = 'C';
  memcpy(as.directory.sub_type, "Z ", 2);
  as.directory.authenticity = 'P';
  as.directory.short_sale_threshold = 'N';
  as.directory.ipo = ' ';
  as.directory.luld_tier = '1';
  as.directory.etp = 'N';
  as.directory.inverse = 'N';
  append(&as, out);
}

static void put_trading(const assay_made_market *market, uint32_t symbol, assay_buf *out) {
  assay_itch_body as;
  begin_message(&as, 'H', symbol, market->now_ns);
  put_stock(as.action.stock, symbol);
  as.action.state = 'T';
  as.action.reserved = ' ';
  memcpy(as.action.reason, "    ", 4);
  append(&as, out);
}

static void begin(assay_made_market *market, assay_buf *out) {
  put_event(market, 'O', out);
  for (uint32_t i = 1; i <= market->settings.symbols; i++) put_directory(market, i, out);
  put_event(market, 'S', out);
  for (uint32_t i = 1; i <= market->settings.symbols; i++) put_trading(market, i, out);
  put_event(market, 'Q', out);
}

static void end(assay_made_market *market, assay_buf *out) {
  put_event(market, 'M', out);
  put_event(market, 'E', out);
  put_event(market, 'C', out);
}

static void write_event(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out) {
  (void)market, (void)resting;
  assay_itch_body as;
  bool attributed = (event->flags & ASSAY_MADE_ATTRIBUTED) != 0;
  static const char types[ASSAY_MARKET_KINDS] = {[ASSAY_MARKET_ADD] = 'A',    [ASSAY_MARKET_EXECUTE] = 'E', [ASSAY_MARKET_CANCEL] = 'X',
                                                 [ASSAY_MARKET_DELETE] = 'D', [ASSAY_MARKET_REPLACE] = 'U', [ASSAY_MARKET_TRADE] = 'P'};
  char type = types[event->kind];
  if (type == 'A' && attributed) type = 'F';
  if (type == 'E' && event->price != 0) type = 'C';
  begin_message(&as, type, event->symbol, event->time_ns);
  switch (type) {
    case 'A':
    case 'F':
      PUT(as.add.order, event->order_id);
      as.add.side = event->side;
      PUT(as.add.shares, event->quantity);
      put_stock(as.add.stock, event->symbol);
      PUT(as.add.price, (uint64_t)event->price);
      if (attributed) memcpy(as.add_attributed.attribution, "MAKR", 4);
      break;
    case 'C':
      as.execute_price.printable = (event->flags & ASSAY_MARKET_HIDDEN) != 0 ? 'N' : 'Y';
      PUT(as.execute_price.price, (uint64_t)event->price);
      /* fall through */
    case 'E':
      PUT(as.execute.order, event->order_id);
      PUT(as.execute.shares, event->quantity);
      PUT(as.execute.match, event->other_id);
      break;
    case 'X':
      PUT(as.cancel.order, event->order_id);
      PUT(as.cancel.shares, event->quantity);
      break;
    case 'D': PUT(as.remove.order, event->order_id); break;
    case 'U':
      PUT(as.replace.order, event->order_id);
      PUT(as.replace.new_order, event->other_id);
      PUT(as.replace.shares, event->quantity);
      PUT(as.replace.price, (uint64_t)event->price);
      break;
    case 'P':
      as.trade.side = 'B'; /* as the venue writes it, whichever side it was */
      PUT(as.trade.shares, event->quantity);
      put_stock(as.trade.stock, event->symbol);
      PUT(as.trade.price, (uint64_t)event->price);
      PUT(as.trade.match, event->other_id);
      break;
    default: return;
  }
  append(&as, out);
}

const assay_feed_writer assay_feed_write_itch = {begin, write_event, end};
