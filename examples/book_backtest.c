/* SPDX-License-Identifier: MIT */
/*
 * A strategy of one's own in a recorded book: joins the best bid while more is bid than offered, and sells what it got at the best offer.
 * The recording is made up here, in DBN, whose prices are in 10^-9; a real one is read in the same way.
 */
#include <assay/book_backtest.h>
#include <assay/feed_dbn.h>

#include <stdio.h>
#include <stdlib.h>

enum { SYMBOL = 1, UNITS = 10 };

/* What it has out, by its ids; 0: nothing. */
typedef struct quotes {
  uint64_t bid, offer;
} quotes;

static void join(assay_book_backtest *run, uint64_t *id, assay_side side, int32_t price, uint64_t quantity) {
  assay_book_backtest_own own;
  bool there = *id != 0 && assay_book_backtest_find(run, *id, &own);
  if (there && own.price == price && quantity > 0) return; /* keep the place in the queue */
  if (there) assay_book_backtest_cancel(run, *id);
  *id = quantity > 0 ? assay_book_backtest_order(run, side, price, quantity, false) : 0;
}

static void on_event(assay_book_backtest *run, const assay_market_event *event, void *state) {
  quotes *q = state;
  assay_mbo_level bid, ask;
  if ((event->flags & ASSAY_MARKET_LAST) == 0) return; /* more of this instant is to come */
  if (!assay_book_backtest_best(run, ASSAY_BUY, &bid) || !assay_book_backtest_best(run, ASSAY_SELL, &ask)) return;
  int64_t held = assay_book_backtest_position(run);
  join(run, &q->bid, ASSAY_BUY, bid.price, held <= 0 && bid.quantity > ask.quantity ? UNITS : 0);
  join(run, &q->offer, ASSAY_SELL, ask.price, held > 0 ? (uint64_t)held : 0);
}

static const assay_book_strategy leaning = {
    .name = "leaning", .title = "Joins the heavier side", .state_size = sizeof(quotes), .on_event = on_event};

/* All events of a DBN stream, as of one symbol. */
static assay_market_event *decode(const uint8_t *bytes, size_t size, size_t *count) {
  assay_market_event *events = malloc(ASSAY_DBN_MOST_EVENTS * (size / 32 + 1) * sizeof *events);
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_dbn_open(&reader, bytes, size);
  for (*count = 0; events != NULL && assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE;)
    *count += assay_dbn_events(&reader, &record, SYMBOL, events + *count);
  return events;
}

int main(void) {
  assay_error err = {0};
  assay_feed_market market = {.format = ASSAY_FEED_DBN, .seed = 5, .messages = 30000, .symbols = 1, .orders = 300};
  assay_book_backtest_options options = {
      .symbol = SYMBOL, .feed_ns = 20000, .order_ns = 30000, .maker_rate = -0.00002, .taker_rate = 0.00003, .sample_ns = 1000000};
  assay_book_backtest_result *result = NULL;
  uint8_t *bytes = NULL;
  size_t size = 0, count = 0;
  if (assay_feed_generate(&market, &err, &bytes, &size) != ASSAY_OK) goto failed;
  assay_market_event *events = decode(bytes, size, &count);
  assay_feed_generated_free(bytes);
  if (events == NULL) return 1;
  assay_status status = assay_book_backtest_run(&leaning, NULL, events, count, &options, &err, &result);
  if (status == ASSAY_OK)
    printf("ticks of %llu steps of 10^-9; %zu fills, %lld held, %.2f earned, %.4f a sample in its deviations\n",
           (unsigned long long)assay_book_backtest_common_tick(events, count, SYMBOL), result->fill_count, (long long)result->position,
           result->profit, result->sharpe_sample);
  assay_book_backtest_result_destroy(result);
  free(events);
  if (status == ASSAY_OK) return 0;
failed:
  fprintf(stderr, "%s\n", err.message);
  return 1;
}
