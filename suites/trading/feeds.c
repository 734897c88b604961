/* SPDX-License-Identifier: MIT */
/* Market data: messages of a made TotalView-ITCH day decoded, and the books of all symbols kept by them. */
#include <assay/bench.h>
#include <assay/book.h>
#include <assay/feed_itch.h>
#include <assay/feeds.h>

enum { SYMBOLS = 16, MESSAGES = 1 << 17, EVENTS = 256 };

typedef struct day {
  uint8_t *bytes;
  size_t size, messages;
} day;

static bool day_open(assay_bench *b, day *d) {
  assay_error err = {0};
  assay_feed_market market = {
      .format = ASSAY_FEED_ITCH, .seed = assay_bench_seed(b), .messages = MESSAGES, .symbols = SYMBOLS, .orders = 1000};
  *d = (day){0};
  if (assay_feed_generate(&market, &err, &d->bytes, &d->size) != ASSAY_OK) return assay_bench_fail(b, "%s", err.message), false;
  assay_feed_reader reader;
  assay_itch_message message;
  assay_feed_open(&reader, d->bytes, d->size);
  while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) d->messages++;
  if (assay_feed_explain(&reader, "the made day", &err) != ASSAY_OK) return assay_bench_fail(b, "%s", err.message), false;
  return true;
}

ASSAY_BENCH(market_data_decode, .suite = "trading", .summary = "a made day of ITCH, every message visited and its time read",
            .ceiling = "") {
  day d;
  if (!day_open(b, &d)) return;
  uint64_t sum = 0;
  ASSAY_LOOP(b) {
    assay_feed_reader reader;
    assay_itch_message message;
    assay_feed_open(&reader, d.bytes, d.size);
    while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) sum += assay_itch_time_ns(&message);
    assay_keep(sum);
  }
  assay_bench_items(b, (double)d.messages);
  assay_bench_bytes(b, (double)d.size, 0);
  assay_feed_generated_free(d.bytes);
}

/* False where the book does not know what the feed tells it. */
static bool follow(assay_mbo *mbo, const assay_market_event *e) {
  switch ((assay_market_kind)e->kind) {
    case ASSAY_MARKET_ADD:
      return assay_mbo_add(mbo, e->symbol, e->order_id, e->side == 'B' ? ASSAY_BUY : ASSAY_SELL, (int32_t)e->price, e->quantity) ==
             ASSAY_OK;
    case ASSAY_MARKET_EXECUTE: return assay_mbo_execute(mbo, e->order_id, e->quantity) == ASSAY_OK;
    case ASSAY_MARKET_CANCEL: return assay_mbo_cancel(mbo, e->order_id, e->quantity) == ASSAY_OK;
    case ASSAY_MARKET_DELETE: return assay_mbo_delete(mbo, e->order_id) == ASSAY_OK;
    case ASSAY_MARKET_REPLACE: return assay_mbo_replace(mbo, e->order_id, e->other_id, (int32_t)e->price, e->quantity) == ASSAY_OK;
    default: return true;
  }
}

static bool follow_day(assay_mbo *mbo, const day *d) {
  static assay_market_event events[EVENTS];
  assay_feed_reader reader;
  bool right = true;
  assay_feed_open(&reader, d->bytes, d->size);
  for (size_t count; (count = assay_itch_events(&reader, events, EVENTS)) > 0;)
    for (size_t i = 0; i < count; i++) right = follow(mbo, &events[i]) && right;
  return right && reader.fault.problem == NULL;
}

ASSAY_BENCH(market_data_books, .suite = "trading", .summary = "a made day of ITCH into the order books of 16 symbols", .ceiling = "") {
  day d;
  assay_error err = {0};
  assay_mbo *mbo = NULL;
  if (!day_open(b, &d)) return;
  if (assay_mbo_create(&(assay_mbo_options){.books = SYMBOLS + 1, .expected_orders = MESSAGES}, &err, &mbo) != ASSAY_OK) {
    assay_bench_fail(b, "%s", err.message);
  } else {
    bool right = true;
    ASSAY_LOOP(b) {
      right = follow_day(mbo, &d) && right;
      assay_bench_pause(b);
      for (uint32_t book = 0; book <= SYMBOLS; book++) assay_mbo_clear(mbo, book);
      assay_bench_resume(b);
    }
    if (!right) assay_bench_fail(b, "a book does not know what the feed says");
    assay_bench_items(b, (double)d.messages);
    assay_bench_bytes(b, (double)d.size, 0);
  }
  assay_mbo_destroy(mbo);
  assay_feed_generated_free(d.bytes);
}
