/* SPDX-License-Identifier: MIT */
/* Any text as Binance-style JSON: the same messages whether it comes whole or in windows, levels within the room there is. */
#include <stdlib.h>
#include <string.h>

#include <assay/feed_json.h>

#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 8 };

static bool is_inside(assay_feed_text text, const char *from, size_t size) {
  return text.at >= from && text.at + text.length <= from + size;
}

/* The same place, or of what has escapes the same words in each reader. */
static bool is_same(assay_feed_text a, assay_feed_text b) {
  if (a.at == b.at || a.at == NULL || b.at == NULL) return a.at == b.at && a.length == b.length;
  return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static uint64_t check(const assay_binance_reader *reader, const assay_binance_message *m, const uint8_t *data, size_t size) {
  assay_market_event events[ROOM + 1];
  if (m->bid_count + m->ask_count > ROOM) abort();
  const char *window = (const char *)data;
  if (m->symbol.at != NULL && !is_inside(m->symbol, window, size) && !is_inside(m->symbol, reader->texts.symbol, ASSAY_BINANCE_TEXT) &&
      !is_inside(m->symbol, reader->texts.stream, ASSAY_BINANCE_TEXT))
    abort();
  size_t count = assay_binance_events(reader, m, 1, 0, events, ROOM + 1);
  if (count != assay_binance_event_count(m)) abort();
  return (uint64_t)m->kind + (uint64_t)m->price + (uint64_t)m->quantity + m->last_update + m->time_ns + count;
}

/* A reader that has read nothing before finds the same message here; which lists it stands in it has to be told. */
static void check_fresh(const uint8_t *data, size_t size, const assay_binance_list *list, const assay_binance_message *m) {
  assay_binance_level levels[ROOM];
  assay_binance_reader fresh;
  assay_binance_message other;
  assay_binance_open(&fresh, data, size, 8, 4, levels, ROOM);
  fresh.list = *list;
  if (assay_binance_next(&fresh, &other) != ASSAY_FEED_MESSAGE) abort();
  if (other.kind != m->kind || !is_same(other.symbol, m->symbol) || !is_same(other.stream, m->stream) || !is_same(other.event, m->event))
    abort();
  if (other.maker_buys != m->maker_buys || other.time_ns != m->time_ns || other.trade_ns != m->trade_ns || other.id != m->id ||
      other.first_id != m->first_id || other.last_id != m->last_id || other.price != m->price || other.quantity != m->quantity)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_binance_level levels[ROOM];
  assay_binance_reader reader, pieces;
  assay_binance_message m;
  uint64_t whole = 0, sum = 0;
  assay_binance_open(&reader, data, size, 8, 4, levels, ROOM);
  assay_binance_list list = reader.list;
  for (size_t at = 0; assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE; at = reader.in.at, list = reader.list) {
    whole = whole * 31 + check(&reader, &m, data, size);
    check_fresh(data + at, size - at, &list, &m);
  }
  check_end(&reader.in, size);
  assay_binance_open(&pieces, data, 0, 8, 4, levels, ROOM);
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    next_window(&pieces.in, data, size, &end);
    while ((step = assay_binance_next(&pieces, &m)) == ASSAY_FEED_MESSAGE) sum = sum * 31 + check(&pieces, &m, data, size);
  }
  if (sum != whole || pieces.in.count != reader.in.count || (pieces.in.fault.problem == NULL) != (reader.in.fault.problem == NULL)) abort();
  while (assay_feed_skip(&reader.in))
    while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    }
  return 0;
}
