/* SPDX-License-Identifier: MIT */
/* Market data: messages of a made TotalView-ITCH day decoded, and the books of all symbols kept by them. */
#include <assay/bench.h>
#include <assay/feed_book.h>
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

/* False where a book does not know what the feed tells it. */
static bool follow_day(assay_feed_book *books, const day *d) {
  static assay_market_event events[EVENTS];
  assay_feed_reader reader;
  size_t misfits = 0;
  assay_feed_open(&reader, d->bytes, d->size);
  for (size_t count; (count = assay_itch_events(&reader, events, EVENTS)) > 0;) misfits += assay_feed_book_apply(books, events, count);
  return misfits == 0 && reader.fault.problem == NULL;
}

static void clear(assay_feed_book *books) {
  for (uint32_t symbol = 0; symbol <= SYMBOLS; symbol++)
    (void)assay_feed_book_apply(books, &(assay_market_event){.kind = ASSAY_MARKET_CLEAR, .symbol = symbol}, 1);
}

ASSAY_BENCH(market_data_books, .suite = "trading", .summary = "a made day of ITCH into the order books of 16 symbols", .ceiling = "") {
  day d;
  assay_error err = {0};
  assay_feed_book *books = NULL;
  if (!day_open(b, &d)) return;
  if (assay_feed_book_create(&(assay_feed_book_options){.symbols = SYMBOLS + 1, .expected_orders = MESSAGES}, &err, &books) != ASSAY_OK) {
    assay_bench_fail(b, "%s", err.message);
  } else {
    bool right = true;
    ASSAY_LOOP(b) {
      right = follow_day(books, &d) && right;
      assay_bench_pause(b);
      clear(books);
      assay_bench_resume(b);
    }
    if (!right) assay_bench_fail(b, "a book does not know what the feed says");
    assay_bench_items(b, (double)d.messages);
    assay_bench_bytes(b, (double)d.size, 0);
  }
  assay_feed_book_destroy(books);
  assay_feed_generated_free(d.bytes);
}
