/* SPDX-License-Identifier: MIT */
#include <assay/feed_json.h>

#include "base/utf8.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"
#include "market/feeds/json.h"

#if defined(__x86_64__)
#include <stdatomic.h>

#include "os/isa.h"
#endif

const char *const assay_binance_kinds[ASSAY_BINANCE_KINDS] = {"other", "trade", "aggTrade", "depthUpdate", "snapshot", "bookTicker"};

const char *assay_binance_kind_text(assay_binance_kind kind) {
  return (unsigned)kind < ASSAY_BINANCE_KINDS ? assay_binance_kinds[kind] : assay_binance_kinds[ASSAY_BINANCE_OTHER];
}

/* ---- Lists of documents ----------------------------------------------------------------------------------------------------------------
 */

enum { ELEMENT_OR_END, ELEMENT, COMMA_OR_END, ANYTHING };

/* Of a mark that is wrong: it goes on behind it. */
static assay_feed_step wrong_mark(assay_feed_reader *in, const char *problem, const char *mend) {
  return assay_feed_fail(in, in->at, in->at + 1, "JSON", problem, mend);
}

/* What is missing is told once, and what stands there is read all the same. */
static assay_feed_step no_comma(assay_binance_reader *reader) {
  assay_feed_reader *in = &reader->in;
  reader->list.due = ELEMENT;
  (void)assay_feed_fail(in, in->at, 0, "JSON", "a comma or the end of the list has to follow a document",
                        "put a comma between the two, or each on a line of its own without a list around them (jq -c .[])");
  in->fault.next = in->fault.offset;
  return ASSAY_FEED_MALFORMED;
}

static assay_feed_step take_comma(assay_binance_reader *reader) {
  assay_binance_list *list = &reader->list;
  if (list->depth == 0)
    return wrong_mark(&reader->in, "a comma between documents that are no list",
                      "put one document a line without it, or [ and ] around all of them");
  if (list->due != COMMA_OR_END && list->due != ANYTHING) return wrong_mark(&reader->in, "a comma without a document before it", "drop it");
  if (list->due == COMMA_OR_END) list->due = ELEMENT;
  return ASSAY_FEED_MESSAGE;
}

static assay_feed_step begin_list(assay_binance_reader *reader) {
  assay_binance_list *list = &reader->list;
  if (list->depth > 0 && list->due == COMMA_OR_END) return no_comma(reader);
  if (list->due == ANYTHING) list->depth = 0; /* the list before it has been passed with what was malformed in it */
  list->depth++;
  list->due = ELEMENT_OR_END;
  return ASSAY_FEED_MESSAGE;
}

static assay_feed_step end_list(assay_binance_reader *reader) {
  assay_binance_list *list = &reader->list;
  if (list->due == ANYTHING) return ASSAY_FEED_MESSAGE;
  if (list->depth == 0) return wrong_mark(&reader->in, "the end of a list that has not begun", "drop it, or put a [ before its documents");
  const bool is_awaited = list->due == ELEMENT;
  list->depth--;
  list->due = COMMA_OR_END;
  return is_awaited ? wrong_mark(&reader->in, "a comma without a document behind it", "drop the comma") : ASSAY_FEED_MESSAGE;
}

/* Where it has been before, and more bytes have come meanwhile, the same one begins. */
static assay_feed_step begin_document(assay_binance_reader *reader) {
  assay_binance_list *list = &reader->list;
  const uint64_t at = reader->in.base + reader->in.at;
  if (list->depth == 0 || list->due == ANYTHING || (list->due == COMMA_OR_END && at == list->begun_at)) return ASSAY_FEED_MESSAGE;
  if (list->due == COMMA_OR_END) return no_comma(reader);
  list->due = COMMA_OR_END;
  list->begun_at = at;
  return ASSAY_FEED_MESSAGE;
}

assay_feed_step assay_binance_pass_marks(assay_binance_reader *reader) {
  assay_feed_reader *in = &reader->in;
  for (; in->at < in->size; in->at++) {
    assay_feed_step step = ASSAY_FEED_MESSAGE;
    switch (in->data[in->at]) {
      case ' ':
      case '\t':
      case '\r':
      case '\n': break;
      case ',': step = take_comma(reader); break;
      case '[': step = begin_list(reader); break;
      case ']': step = end_list(reader); break;
      default: return begin_document(reader);
    }
    if (step != ASSAY_FEED_MESSAGE) return step;
  }
  if (!in->last) return ASSAY_FEED_MORE;
  if (reader->list.depth == 0 || reader->list.due == ANYTHING) return ASSAY_FEED_END;
  return assay_feed_fail(in, in->size, 0, "JSON", "the stream ends inside a list", "fetch the rest of it, or put a ] behind it");
}

void assay_binance_lose_marks(assay_binance_reader *reader) {
  if (reader->list.depth > 0) reader->list.due = ANYTHING;
}

#define READ_NEXT assay_binance_next_any
#include "market/feeds/json_read.h"

#if defined(__x86_64__)
/* Asked once: in a virtual machine the question itself takes microseconds. */
static bool has_avx2(void) {
  static _Atomic int known; /* 0: not asked, 1: no, 2: yes */
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    answer = (assay_isa_usable() & ASSAY_ISA_X86_64_V3) == ASSAY_ISA_X86_64_V3 ? 2 : 1;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  return answer == 2;
}
#endif

assay_feed_step assay_binance_next(assay_binance_reader *reader, assay_binance_message *message) {
#if defined(__x86_64__)
  if (has_avx2()) return assay_binance_next_avx2(reader, message);
#endif
  return assay_binance_next_any(reader, message);
}

void assay_binance_open(assay_binance_reader *reader, const void *text, size_t size, unsigned price_decimals, unsigned quantity_decimals,
                        assay_binance_level *levels_, size_t capacity) {
  /* Not all of it is zeroed: the shape is large, and a reader is opened for each message by who has them one by one. */
  reader->price_decimals = price_decimals < ASSAY_FEED_MOST_DECIMALS ? price_decimals : ASSAY_FEED_MOST_DECIMALS;
  reader->quantity_decimals = quantity_decimals < ASSAY_FEED_MOST_DECIMALS ? quantity_decimals : ASSAY_FEED_MOST_DECIMALS;
  reader->levels = levels_;
  reader->capacity = levels_ != NULL ? capacity : 0;
  reader->list = (assay_binance_list){0};
  memset(reader->hints, 0, sizeof reader->hints);
  memset(&reader->shape, 0, offsetof(assay_binance_shape, message));
  reader->level_decimals = 0;
  assay_feed_open(&reader->in, text, size);
}

/* ---- Events
 * -------------------------------------------------------------------------------------------------------------------------------------------------
 */

size_t assay_binance_event_count(const assay_binance_message *message) {
  switch (message->kind) {
    case ASSAY_BINANCE_TRADE:
    case ASSAY_BINANCE_AGGREGATE: return 1;
    case ASSAY_BINANCE_TICKER:
    case ASSAY_BINANCE_DEPTH: return message->bid_count + message->ask_count;
    case ASSAY_BINANCE_SNAPSHOT: return message->bid_count + message->ask_count + 1;
    default: return 0;
  }
}

size_t assay_binance_events(const assay_binance_reader *reader, const assay_binance_message *message, uint32_t symbol, size_t first,
                            assay_market_event *events, size_t capacity) {
  size_t count = assay_binance_event_count(message), written = 0;
  bool is_trade = message->kind == ASSAY_BINANCE_TRADE || message->kind == ASSAY_BINANCE_AGGREGATE;
  bool is_snapshot = message->kind == ASSAY_BINANCE_SNAPSHOT;
  for (size_t i = first; i < count && written < capacity; i++, written++) {
    assay_market_event *event = &events[written];
    *event = (assay_market_event){.time_ns = message->trade_ns != 0 ? message->trade_ns : message->time_ns,
                                  .symbol = symbol,
                                  .decimals = (uint8_t)(reader->price_decimals | reader->quantity_decimals << 4),
                                  .flags = i + 1 == count ? ASSAY_MARKET_LAST : 0};
    if (is_trade) {
      event->kind = ASSAY_MARKET_TRADE;
      event->side = message->maker_buys ? 'S' : 'B';
      event->price = message->price;
      event->quantity = (uint64_t)message->quantity;
      event->other_id = message->id;
      continue;
    }
    event->other_id = message->last_update;
    event->kind = is_snapshot && i == 0 ? ASSAY_MARKET_CLEAR : ASSAY_MARKET_QUOTE;
    if (event->kind == ASSAY_MARKET_CLEAR) continue;
    size_t at = i - is_snapshot;
    const assay_binance_level *found = at < message->bid_count ? &message->bids[at] : &message->asks[at - message->bid_count];
    event->side = at < message->bid_count ? 'B' : 'S';
    event->price = found->price;
    event->quantity = (uint64_t)found->quantity;
    if (message->kind == ASSAY_BINANCE_TICKER) event->flags |= ASSAY_MARKET_WHOLE_SIDE;
  }
  return written;
}
