/* SPDX-License-Identifier: MIT */
/*
 * Orders in a matching engine whose book is as deep as a market's (10,000 orders): how many a second, in five markets and with prices all
 * over the place, with risk checks or without; and how long one of each type takes, back to back and on a schedule.
 */
#include <assay/bench.h>
#include <assay/book_flow.h>

#include <stdlib.h>
#include <string.h>

enum { WARM = 10000, COUNT = 1 << 16, BURST = 256, ACCOUNTS = 65 };

static void count_trades(void *context, const assay_book_event *event) {
  uint64_t *trades = context;
  *trades += event->kind == ASSAY_BOOK_TRADE_EVENT;
}
ASSAY_BOOK_SINK(count_all, count_trades)

typedef struct market {
  assay_book_message *messages; /* WARM, then COUNT */
  assay_book *book;
  bool risk;
  size_t at;
  uint64_t trades;
} market;

/* An engine whose book is full, where the messages begin. */
static assay_status begin_anew(market *m, assay_error *err) {
  assay_book_destroy(m->book);
  m->book = NULL;
  m->at = 0;
  assay_book_options options = {.accounts = m->risk ? ACCOUNTS : 0, .sink = count_all, .context = &m->trades};
  assay_status status = assay_book_create(&options, err, &m->book);
  if (status != ASSAY_OK) return status;
  const assay_book_limits limits = {
      .quantity = 10000, .notional = UINT64_MAX / 2, .position = 1u << 30, .rate = 1u << 30, .collar = 1u << 30};
  for (uint32_t account = 0; m->risk && account < ACCOUNTS; account++) {
    assay_book_message message = assay_book_limits_message(0, account, &limits);
    assay_book_apply(m->book, &message, 1);
  }
  assay_book_apply(m->book, m->messages, WARM);
  return ASSAY_OK;
}

static bool market_open(assay_bench *b, market *m, assay_flow_regime regime, bool risk) {
  assay_error err = {0};
  *m = (market){.risk = risk};
  assay_book_flow flow = {.regime = regime, .seed = assay_bench_seed(b), .warm = WARM, .count = COUNT, .depth = WARM};
  assay_status status = assay_book_flow_make(&flow, &err, &m->messages);
  if (status == ASSAY_OK) status = begin_anew(m, &err);
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  return status == ASSAY_OK;
}

static void market_close(assay_bench *b, market *m) {
  assay_error err = {0};
  if (m->book != NULL && assay_book_check(m->book, &err) != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_book_destroy(m->book);
  assay_book_flow_free(m->messages);
}

ASSAY_BENCH(order_throughput, .suite = "trading", .summary = "256 messages of order flow in one call; the book holds 10,000 orders",
            .ceiling = "", .params = {{"market", "static,normal,swinging,trending,crash,sparse"}, {"risk", "no,yes"}}) {
  market m;
  assay_flow_regime regime = assay_flow_regime_find(assay_bench_text(b, "market"));
  if (!market_open(b, &m, regime, strcmp(assay_bench_text(b, "risk"), "yes") == 0)) return;
  assay_error err = {0};
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    if (m.at == COUNT && status == ASSAY_OK) {
      assay_bench_pause(b);
      status = begin_anew(&m, &err);
      assay_bench_resume(b);
    }
    if (status == ASSAY_OK) assay_book_apply(m.book, m.messages + WARM + m.at, BURST);
    m.at += BURST;
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, BURST);
  market_close(b, &m);
}

/* ---- One order of each type ------------------------------------------------------------------------------------------------------ */

enum { BLOCK = 256, FIRST_ID = 1 << 30, MAKER = 7, TAKER = 9, QUANTITY = 100 };

/* What comes before, the messages that are measured, and what brings the book back to where it was. */
typedef struct block {
  assay_book_message before[BLOCK], order[BLOCK], after[BLOCK];
  bool has_before, has_after;
} block;

static assay_book_message resting(size_t i, int32_t best) {
  return (assay_book_message){
      .id = FIRST_ID + i, .account = MAKER, .side = ASSAY_BUY, .quantity = QUANTITY, .price = best - 1 - (int32_t)(i * 7919 % 64)};
}

static assay_book_message cancel_of(uint64_t id) {
  return (assay_book_message){.kind = ASSAY_BOOK_CANCEL, .id = id, .account = MAKER, .side = ASSAY_BUY};
}

/* Orders that meet others: each takes the one that `before` has put in front of all. */
static void make_taker(block *all, size_t i, int32_t best, uint8_t type, uint8_t tif) {
  all->has_before = true;
  all->before[i] = resting(i, best);
  all->before[i].price = best + 1; /* inside the spread, so that nothing else trades */
  all->order[i] = (assay_book_message){
      .id = FIRST_ID + BLOCK + i, .account = TAKER, .side = ASSAY_SELL, .quantity = QUANTITY, .price = best + 1, .type = type, .tif = tif};
}

/* Orders that are there already are changed. */
static void make_change(block *all, size_t i, int32_t best, uint8_t kind) {
  all->has_before = true;
  all->before[i] = resting(i, best);
  all->order[i] =
      (assay_book_message){.kind = kind, .id = FIRST_ID + i, .account = MAKER, .side = ASSAY_BUY, .price = all->before[i].price};
  all->order[i].quantity = kind == ASSAY_BOOK_MODIFY ? QUANTITY / 2 : QUANTITY;
  if (kind == ASSAY_BOOK_REPLACE) {
    all->order[i].new_id = FIRST_ID + BLOCK + i;
    all->order[i].price--;
  }
  all->has_after = kind != ASSAY_BOOK_CANCEL;
  all->after[i] = cancel_of(kind == ASSAY_BOOK_REPLACE ? FIRST_ID + BLOCK + i : FIRST_ID + i);
}

/* Orders that rest. */
static void make_maker(block *all, size_t i, int32_t best, uint8_t type, uint8_t tif) {
  all->order[i] = resting(i, best);
  all->order[i].type = type;
  all->order[i].tif = tif;
  if (type == ASSAY_BOOK_ICEBERG) all->order[i].display = QUANTITY / 10;
  if (type == ASSAY_BOOK_STOP || type == ASSAY_BOOK_STOP_LIMIT) all->order[i].trigger = best + 10000;
  if (type == ASSAY_BOOK_TRAILING_STOP) all->order[i].trigger = 10000; /* behind the best trade */
  if (tif == ASSAY_BOOK_GTD) all->order[i].expire = UINT64_MAX;
  all->has_after = true;
  all->after[i] = cancel_of(FIRST_ID + i);
}

static void make_order(block *all, size_t i, int32_t best, const char *what) {
  static const struct {
    const char *name;
    uint8_t kind, type, tif; /* kind: of a change; NEW otherwise */
    bool takes;
  } rows[] = {{"limit", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, 0, false},
              {"post_only", ASSAY_BOOK_NEW, ASSAY_BOOK_POST_ONLY, 0, false},
              {"iceberg", ASSAY_BOOK_NEW, ASSAY_BOOK_ICEBERG, 0, false},
              {"stop", ASSAY_BOOK_NEW, ASSAY_BOOK_STOP, 0, false},
              {"stop_limit", ASSAY_BOOK_NEW, ASSAY_BOOK_STOP_LIMIT, 0, false},
              {"trailing_stop", ASSAY_BOOK_NEW, ASSAY_BOOK_TRAILING_STOP, 0, false},
              {"aon", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_AON, false},
              {"gtd", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_GTD, false},
              {"market", ASSAY_BOOK_NEW, ASSAY_BOOK_MARKET, 0, true},
              {"ioc", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_IOC, true},
              {"fok", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_FOK, true},
              {"cancel", ASSAY_BOOK_CANCEL, 0, 0, false},
              {"modify", ASSAY_BOOK_MODIFY, 0, 0, false},
              {"replace", ASSAY_BOOK_REPLACE, 0, 0, false}};
  size_t at = 0;
  while (strcmp(rows[at].name, what) != 0) at++;
  if (rows[at].takes)
    make_taker(all, i, best, rows[at].type, rows[at].tif);
  else if (rows[at].kind == ASSAY_BOOK_NEW)
    make_maker(all, i, best, rows[at].type, rows[at].tif);
  else
    make_change(all, i, best, rows[at].kind);
}

/* A gap between the sides, wide enough for orders that are to meet nothing but each other: the flow's orders inside it are taken out. */
static int32_t open_spread(assay_book *book) {
  assay_mbo_level bid = {0}, ask = {0};
  for (int side = 0; side < 2; side++) {
    assay_book_message sweep = {.id = FIRST_ID - 1, .account = TAKER, .side = (uint8_t)side, .quantity = 20000, .type = ASSAY_BOOK_MARKET};
    assay_book_apply(book, &sweep, 1);
  }
  assay_book_best(book, 0, ASSAY_BUY, &bid);
  assay_book_best(book, 0, ASSAY_SELL, &ask);
  return ask.price - bid.price > 2 ? bid.price : INT32_MIN;
}

#define ORDERS \
  { "order", "limit,post_only,iceberg,stop,stop_limit,trailing_stop,aon,gtd,market,ioc,fok,cancel,modify,replace" }

static void execute(assay_bench *b) {
  market m;
  static block all;
  all = (block){0};
  if (!market_open(b, &m, ASSAY_FLOW_STATIC, false)) return;
  int32_t best = open_spread(m.book);
  if (best == INT32_MIN) {
    assay_bench_fail(b, "the book has no room between its sides");
  } else {
    for (size_t i = 0; i < BLOCK; i++) make_order(&all, i, best, assay_bench_text(b, "order"));
    size_t at = BLOCK, resting_orders = assay_book_orders(m.book);
    bool begun = false;
    ASSAY_LOOP(b) {
      if (at == BLOCK) {
        assay_bench_pause(b);
        if (begun && all.has_after && assay_book_orders(m.book) != resting_orders + BLOCK) assay_bench_fail(b, "orders were turned away");
        if (begun && all.has_after) assay_book_apply(m.book, all.after, BLOCK);
        if (begun && assay_book_orders(m.book) != resting_orders) assay_bench_fail(b, "orders were left over");
        if (all.has_before) assay_book_apply(m.book, all.before, BLOCK);
        begun = true;
        at = 0;
        assay_bench_resume(b);
      }
      assay_book_apply(m.book, &all.order[at++], 1);
    }
    assay_bench_items(b, 1);
  }
  market_close(b, &m);
}

ASSAY_BENCH(order_execution, .suite = "trading", .mode = ASSAY_MODE_LATENCY,
            .summary = "one order of each type, back to back; each is recorded", .ceiling = "", .params = {ORDERS}) {
  execute(b);
}

ASSAY_BENCH(order_execution_100k, .suite = "trading", .mode = ASSAY_MODE_LATENCY, .rate_hz = 100000, .ceiling = "",
            .summary = "the same on a schedule of 100,000 a second: time from when each was due", .params = {ORDERS}) {
  execute(b);
}

ASSAY_BENCH(order_execution_1m, .suite = "trading", .mode = ASSAY_MODE_LATENCY, .rate_hz = 1000000, .ceiling = "",
            .summary = "the same on a schedule of 1,000,000 a second", .params = {{"order", "limit,market,cancel"}}) {
  execute(b);
}
