/* SPDX-License-Identifier: MIT */
/* Binance's JSON, message by message: streams and snapshots name a pair differently, or not at all, and may tell of a trade twice. */
#include <string.h>

#include "base/alloc.h"
#include "cli/feed_walk.h"

/* Streams name in small letters what messages name in capitals. Snapshots and trades that were asked for name nothing: they are of the
 * file's one symbol (which may have no name yet). */
static uint32_t number_pair(assay_cli_feed_file *feed, const assay_binance_message *m) {
  char name[ASSAY_CLI_FEED_NAME];
  if (m->kind == ASSAY_BINANCE_OTHER) return 0;
  if (m->symbol.at == NULL) return feed->named <= 1 ? 1 : 0;
  if (m->symbol.length >= sizeof name) return 0;
  for (size_t i = 0; i < m->symbol.length; i++) {
    char c = m->symbol.at[i];
    name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  return assay_cli_feed_number(feed, (assay_feed_text){.at = name, .length = m->symbol.length});
}

/* Who captures a pair's trades and its aggTrades has all of them twice: the kind that came first counts. */
static bool says_again(assay_cli_feed_file *feed, uint32_t symbol, assay_binance_kind kind) {
  if (kind != ASSAY_BINANCE_TRADE && kind != ASSAY_BINANCE_AGGREGATE) return false;
  if (symbol >= feed->trade_room) {
    uint32_t room = 2 * symbol + 64;
    uint8_t *kinds = assay_realloc(ASSAY_TAG_CLI, feed->trade_kinds, room, 1);
    if (kinds == NULL) return false;
    memset(kinds + feed->trade_room, 0, room - feed->trade_room);
    feed->trade_kinds = kinds;
    feed->trade_room = room;
  }
  uint8_t *own = &feed->trade_kinds[symbol];
  if (*own == 0) *own = (uint8_t)kind;
  if (*own == kind) return false;
  feed->said_again[kind == ASSAY_BINANCE_AGGREGATE]++;
  return true;
}

void assay_cli_feed_walk_json(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  static assay_market_event events[ASSAY_CLI_FEED_LEVELS + 1];
  assay_binance_reader reader;
  assay_binance_message m;
  assay_binance_open(&reader, NULL, 0, feed->price_decimals, feed->quantity_decimals, feed->levels, ASSAY_CLI_FEED_LEVELS);
  assay_feed_file_begin(feed->file, &reader.in);
  do {
    while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      uint32_t symbol = number_pair(feed, &m);
      size_t count = assay_binance_events(&reader, &m, symbol, 0, events, ASSAY_CLI_FEED_LEVELS + 1);
      const bool again = says_again(feed, symbol, m.kind);
      for (size_t i = 0; i < count; i++)
        if (events[i].time_ns == 0) events[i].time_ns = ASSAY_CLI_FEED_NO_TIME;
      if (!visit(context, feed,
                 &(assay_cli_feed_message){&reader.in, assay_binance_kind_text(m.kind), "", &m, events, count, symbol, again}))
        return;
    }
  } while (assay_cli_feed_go_on(feed, &reader.in, visit, context));
}
