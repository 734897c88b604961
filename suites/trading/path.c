/* SPDX-License-Identifier: MIT */
/*
 * The whole way, from a message of the market to an order of ours in an engine: an ITCH message is decoded and put into its book; where the
 * best prices have moved, the microprice is worked out anew and our quote follows it, through risk checks, into a matching engine.
 */
#include <assay/bench.h>
#include <assay/book.h>
#include <assay/feed_itch.h>
#include <assay/feeds.h>

#include <math.h>

enum { MESSAGES = 1 << 16, ACCOUNT = 1, QUANTITY = 100 };

typedef struct way {
  uint8_t *bytes;
  size_t size;
  assay_feed_reader reader;
  assay_mbo *mbo;
  assay_book *book;
  uint64_t id, orders, refused;
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
  if (status == ASSAY_OK) status = assay_mbo_create(&(assay_mbo_options){.books = 2}, err, &w->mbo);
  if (status == ASSAY_OK) status = assay_book_create(&(assay_book_options){.accounts = 2, .sink = look, .context = w}, err, &w->book);
  if (status != ASSAY_OK) return status;
  assay_book_apply(w->book, &allow, 1);
  assay_feed_open(&w->reader, w->bytes, w->size);
  return ASSAY_OK;
}

static void way_close(way *w) {
  assay_book_destroy(w->book);
  assay_mbo_destroy(w->mbo);
  assay_feed_generated_free(w->bytes);
}

static void follow(assay_mbo *mbo, const assay_market_event *e) {
  switch ((assay_market_kind)e->kind) {
    case ASSAY_MARKET_ADD:
      (void)assay_mbo_add(mbo, e->symbol, e->order_id, e->side == 'B' ? ASSAY_BUY : ASSAY_SELL, (int32_t)e->price, e->quantity);
      break;
    case ASSAY_MARKET_EXECUTE: (void)assay_mbo_execute(mbo, e->order_id, e->quantity); break;
    case ASSAY_MARKET_CANCEL: (void)assay_mbo_cancel(mbo, e->order_id, e->quantity); break;
    case ASSAY_MARKET_DELETE: (void)assay_mbo_delete(mbo, e->order_id); break;
    case ASSAY_MARKET_REPLACE: (void)assay_mbo_replace(mbo, e->order_id, e->other_id, (int32_t)e->price, e->quantity); break;
    default: break;
  }
}

/* Bid and ask weighed by what stands on the other side (Gatheral and Oomen 2010); our bid is a tick below. */
static int32_t wanted(const assay_mbo *mbo, uint32_t symbol) {
  assay_mbo_level bid, ask;
  if (!assay_mbo_best(mbo, symbol, ASSAY_BUY, &bid) || !assay_mbo_best(mbo, symbol, ASSAY_SELL, &ask)) return 0;
  double share = (double)bid.quantity / (double)(bid.quantity + ask.quantity);
  return (int32_t)floor(share * ask.price + (1 - share) * bid.price) - 1;
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
  follow(w->mbo, &event);
  int32_t price = event.kind == ASSAY_MARKET_NOTHING ? 0 : wanted(w->mbo, event.symbol);
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
        assay_mbo_clear(w.mbo, 1);
        assay_feed_open(&w.reader, w.bytes, w.size);
        assay_bench_resume(b);
      }
      steps++;
    }
    if (w.refused > 0) assay_bench_fail(b, "%llu of %llu orders were refused", (unsigned long long)w.refused, (unsigned long long)w.orders);
    assay_bench_items(b, 1);
    if (steps > 0) assay_bench_metric(b, "orders_per_message", (double)w.orders / (double)steps, "ratio", ASSAY_KIND_COUNT, ASSAY_HIGHER);
  }
  way_close(&w);
}
