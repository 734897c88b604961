/* SPDX-License-Identifier: MIT */
/*
 * Any events, with orders that any bytes send on the way: what it has at the end is what its fills add up to, what stands ahead of an order
 * is at most what rests at its price, and fills are of orders that were sent. Each event is 12 bytes; most values are small, so that orders
 * meet.
 */
#include <assay/book_backtest.h>

#include <math.h>
#include <stdlib.h>

enum { BYTES = 12, MOST_EVENTS = 500, MOST_ORDERS = 2000, SYMBOL = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct sent {
  const uint8_t *data;
  size_t event, orders;
  uint64_t left[MOST_ORDERS + 1];
  bool buys[MOST_ORDERS + 1];
  int64_t position;
  size_t fills;
} sent;

static int64_t price_of(uint8_t byte) {
  static const int64_t ends[] = {INT64_MAX, INT64_MIN, (int64_t)INT32_MAX + 1, INT32_MIN, -7, 0};
  return byte >= 250 ? ends[byte - 250] : 100 + byte % 16;
}
static uint64_t quantity_of(uint8_t byte) {
  static const uint64_t ends[] = {UINT64_MAX, ASSAY_BOOK_MOST_QUANTITY, ASSAY_BOOK_MOST_QUANTITY + 1, 0};
  return byte >= 252 ? ends[byte - 252] : byte % 40;
}

static void order(assay_book_backtest *run, sent *s, const uint8_t *b) {
  if (s->orders == MOST_ORDERS || b[8] % 3 != 0) return;
  bool buys = b[9] & 1;
  int32_t price = b[9] >= 252 ? (buys ? INT32_MAX : INT32_MIN) : (int32_t)(100 / assay_book_backtest_tick(run)) + b[9] / 2 % 16;
  uint64_t id = assay_book_backtest_order(run, buys ? ASSAY_BUY : ASSAY_SELL, price, quantity_of(b[10]), (b[8] & 64) != 0);
  if (id == 0) return;
  if (id != ++s->orders) abort();
  s->left[id] = quantity_of(b[10]);
  s->buys[id] = buys;
}

static void on_event(assay_book_backtest *run, const assay_market_event *event, void *state) {
  sent *s = assay_book_backtest_user(run);
  const uint8_t *b = s->data + s->event++ * BYTES;
  (void)state;
  if (assay_book_backtest_now(run) != event->time_ns) abort();
  for (uint64_t id = 1; id <= s->orders; id++) {
    assay_book_backtest_own own;
    if (!assay_book_backtest_find(run, id, &own)) continue;
    if (own.left != s->left[id] || own.left == 0 || (own.side == ASSAY_BUY) != s->buys[id]) abort();
    assay_mbo_level levels[64];
    size_t count = assay_book_backtest_depth(run, own.side, levels, 64);
    uint64_t there = 0;
    for (size_t i = 0; i < count; i++)
      if (levels[i].price == own.price) there = levels[i].quantity;
    /* What is behind the last level of a partial book nobody knows. */
    bool told = there > 0 || (count > 0 && levels[0].orders > 0);
    if (count < 64 && own.ahead > there && told && (event->flags & ASSAY_MARKET_LAST) != 0) abort();
  }
  order(run, s, b);
  if (b[11] > 200) assay_book_backtest_cancel(run, b[11] - 200u);
}

static void on_fill(assay_book_backtest *run, const assay_book_backtest_fill *fill, void *state) {
  sent *s = assay_book_backtest_user(run);
  (void)state;
  if (fill->order == 0 || fill->order > s->orders || fill->quantity == 0 || fill->quantity > s->left[fill->order]) abort();
  if ((fill->side == ASSAY_BUY) != s->buys[fill->order] || fill->price == INT32_MAX || fill->price == INT32_MIN) abort();
  s->left[fill->order] -= fill->quantity;
  s->position += fill->side == ASSAY_BUY ? (int64_t)fill->quantity : -(int64_t)fill->quantity;
  s->fills++;
  if (s->position != assay_book_backtest_position(run)) abort();
}

static assay_market_event event_of(const uint8_t *b, uint64_t before_ns, uint8_t decimals) {
  assay_market_event e = {.time_ns = b[0] >= 250 ? (uint64_t)b[0] << 56 : before_ns + b[0] % 8,
                          .kind = b[1] % (ASSAY_MARKET_KINDS + 1),
                          .order_id = b[2] % 32,
                          .other_id = b[3] < 128 ? b[2] % 32 : b[3] % 32,
                          .side = b[4] == 255 ? 0
                                  : b[4] & 1  ? 'B'
                                              : 'S',
                          .price = price_of(b[5]),
                          .quantity = quantity_of(b[6]),
                          .symbol = b[7] >= 250 ? 4 : SYMBOL,
                          .decimals = b[7] == 249 ? 1 : decimals,
                          .flags = b[7]};
  return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static assay_market_event events[MOST_EVENTS];
  static uint8_t seen[MOST_EVENTS * BYTES];
  static sent s;
  if (size < 2) return 0;
  const assay_book_backtest_options options = {.symbol = SYMBOL,
                                               .feed_ns = data[0] & 3,
                                               .order_ns = data[0] >> 2 & 3,
                                               .tick = data[0] >> 4 & 3,
                                               .sample_ns = data[0] >> 6,
                                               .maker_rate = -0.01,
                                               .keep_fills = true};
  const uint8_t decimals = data[1];
  size_t count = 0, ours = 0;
  uint64_t before_ns = 0;
  for (size_t at = 2; at + BYTES <= size && count < MOST_EVENTS; at += BYTES, count++) {
    events[count] = event_of(data + at, before_ns, decimals);
    if (events[count].time_ns > before_ns) before_ns = events[count].time_ns;
    if (events[count].symbol != SYMBOL || events[count].kind == ASSAY_MARKET_NOTHING) continue;
    for (size_t k = 0; k < BYTES; k++) seen[ours * BYTES + k] = data[at + k];
    ours++;
  }
  s = (sent){.data = seen};
  const assay_book_strategy strategy = {.name = "fuzz", .on_event = on_event, .on_fill = on_fill, .user = &s};
  assay_book_backtest_result *result = NULL;
  assay_error err = {0};
  if (assay_book_backtest_run(&strategy, NULL, events, count, &options, &err, &result) != ASSAY_OK) {
    if (result != NULL || err.message[0] == '\0') abort();
  } else {
    if (result->position != s.position || result->fill_count != s.fills || result->events != s.event) abort();
    if (!isfinite(result->profit) || !isfinite(result->fees)) abort();
    assay_book_backtest_result_destroy(result);
  }
  result = NULL;
  if (assay_book_backtest_run(&assay_book_strategy_maker, NULL, events, count, &options, NULL, &result) == ASSAY_OK)
    assay_book_backtest_result_destroy(result);
  return 0;
}
