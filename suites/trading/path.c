/* SPDX-License-Identifier: MIT */
/*
 * The whole way, from a message of the market to an order of ours in an engine: an ITCH message is decoded and put into its book; where the
 * best prices have moved, the microprice is worked out anew and our quote follows it, through risk checks, into a matching engine.
 */
#include <assay/bars.h>
#include <assay/bench.h>
#include <assay/book.h>
#include <assay/feed_book.h>
#include <assay/feed_itch.h>
#include <assay/feeds.h>

#include <math.h>

enum { MESSAGES = 1 << 16, SYMBOL = 1, ACCOUNT = 1, QUANTITY = 100 };

typedef struct way {
  uint8_t *bytes;
  size_t size;
  assay_feed_reader reader;
  assay_feed_book *market;
  assay_book *book;
  uint64_t id, orders, refused, misfits;
  int32_t quote;
} way;

static void count_refused(void *context, const assay_book_event *event) {
  way *w = context;
  w->refused += event->kind == ASSAY_BOOK_REJECTED_EVENT;
}
ASSAY_BOOK_SINK(look, count_refused)

static assay_status way_open(assay_bench *b, way *w, assay_error *err) {
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = assay_bench_seed(b), .messages = MESSAGES, .symbols = 1, .orders = 5000};
  const assay_book_limits limits = {.quantity = 1000, .notional = UINT64_C(1) << 40, .position = 100000, .rate = 1u << 30};
  assay_book_message allow = assay_book_limits_message(0, ACCOUNT, &limits);
  assay_status status = assay_feed_generate(&market, err, &w->bytes, &w->size);
  if (status == ASSAY_OK) status = assay_feed_book_create(&(assay_feed_book_options){.symbols = SYMBOL + 1}, err, &w->market);
  if (status == ASSAY_OK) status = assay_book_create(&(assay_book_options){.accounts = 2, .sink = look, .context = w}, err, &w->book);
  if (status != ASSAY_OK) return status;
  assay_book_apply(w->book, &allow, 1);
  assay_feed_open(&w->reader, w->bytes, w->size);
  return ASSAY_OK;
}

static void way_close(way *w) {
  assay_book_destroy(w->book);
  assay_feed_book_destroy(w->market);
  assay_feed_generated_free(w->bytes);
}

/* Our bid is a tick below the microprice; 0 where there is none. */
static int32_t wanted(const assay_feed_book *market) {
  assay_feed_level bid, ask;
  if (assay_feed_book_depth(market, SYMBOL, 'B', &bid, 1) == 0 || assay_feed_book_depth(market, SYMBOL, 'S', &ask, 1) == 0) return 0;
  return (int32_t)floor(assay_microprice(&(assay_top){bid.price, ask.price, bid.quantity, ask.quantity})) - 1;
}

static void quote(way *w, uint64_t time, int32_t price) {
  assay_book_message order = {.time = time,
                              .kind = w->id == 0 ? ASSAY_BOOK_NEW : ASSAY_BOOK_REPLACE,
                              .id = w->id,
                              .account = ACCOUNT,
                              .quantity = QUANTITY,
                              .price = price};
  if (w->id == 0)
    order.id = 1;
  else
    order.new_id = w->id + 1;
  assay_book_apply(w->book, &order, 1);
  w->quote = price;
  w->id++;
  w->orders++;
}

/* One message; false at the end of the day. */
static bool step(way *w) {
  assay_itch_message message;
  assay_market_event event;
  if (assay_itch_next(&w->reader, &message) != ASSAY_FEED_MESSAGE) return false;
  assay_itch_event(&message, &event);
  w->misfits += assay_feed_book_apply(w->market, &event, 1);
  int32_t price = event.kind == ASSAY_MARKET_NOTHING ? 0 : wanted(w->market);
  if (price > 0 && price != w->quote) quote(w, event.time_ns, price);
  return true;
}

ASSAY_BENCH(tick_to_order, .suite = "trading", .mode = ASSAY_MODE_LATENCY, .ceiling = "",
            .summary = "a message of the market to an order in the engine: decode, book, microprice, risk, match; each is recorded") {
  way w = {0};
  assay_error err = {0};
  if (way_open(b, &w, &err) != ASSAY_OK) {
    assay_bench_fail(b, "%s", err.message);
  } else {
    uint64_t steps = 0;
    ASSAY_LOOP(b) {
      if (!step(&w)) {
        assay_bench_pause(b);
        (void)assay_feed_book_apply(w.market, &(assay_market_event){.kind = ASSAY_MARKET_CLEAR, .symbol = SYMBOL}, 1);
        assay_feed_open(&w.reader, w.bytes, w.size);
        assay_bench_resume(b);
      }
      steps++;
    }
    if (w.refused > 0) assay_bench_fail(b, "%llu of %llu orders were refused", (unsigned long long)w.refused, (unsigned long long)w.orders);
    if (w.misfits > 0) assay_bench_fail(b, "%llu messages did not fit the book", (unsigned long long)w.misfits);
    assay_bench_items(b, 1);
    if (steps > 0) assay_bench_metric(b, "orders_per_message", (double)w.orders / (double)steps, "ratio", ASSAY_KIND_COUNT, ASSAY_HIGHER);
  }
  way_close(&w);
}
