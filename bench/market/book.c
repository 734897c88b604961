/* SPDX-License-Identifier: MIT */
/*
 * The matching engine in six regimes (assay/book_flow.h): messages a second when they come in bursts of 256 and when each is a call of its
 * own, the time of each message with the timer's own time in it, and a design as many write it (a tree of prices, lists of orders, a hash
 * table of ids: book_map.cc) over the same messages.
 */
#include <assay/book_flow.h>

#include <stdio.h>
#include <string.h>

#include "book_map.h"
#include "figure.h"
#include "os/ticks.h"

enum { DEPTH = 10000, WARM = DEPTH, COUNT = 1000000, BURST = 256, ROUNDS = 5, LONGEST = 1 << 16 };

typedef struct seen {
  uint64_t events, trades, volume;
} seen;

/* Looks at every event, without a branch for its kind: what the sink cannot foresee would count as the engine's time. */
static void look_at_all(void *context, const assay_book_event *events, size_t count) {
  seen *s = context;
  uint64_t trades = 0, volume = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t trade = events[i].kind == ASSAY_BOOK_TRADE_EVENT;
    trades += trade;
    volume += events[i].quantity & (0 - trade);
  }
  s->events += count;
  s->trades += trades;
  s->volume += volume;
}

static assay_book *fresh(const assay_book_message *messages, uint32_t accounts, seen *s) {
  assay_error err = {0};
  assay_book *book = NULL;
  if (assay_book_create(&(assay_book_options){.accounts = accounts, .sink = look_at_all, .context = s, .seed = 1}, &err, &book) !=
      ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    exit(1);
  }
  for (uint32_t i = 0; i < accounts; i++) {
    assay_book_message limits = assay_book_limits_message(
        0, i,
        &(assay_book_limits){.quantity = 10000, .notional = UINT64_MAX / 2, .position = 1u << 30, .rate = 1u << 30, .collar = 1u << 30});
    assay_book_apply(book, &limits, 1);
  }
  assay_book_apply(book, messages, WARM);
  *s = (seen){0};
  return book;
}

/* ns a message, `burst` of them a call. */
static double burst_time(const assay_book_message *messages, uint32_t accounts, size_t burst, seen *s) {
  double times[ROUNDS];
  for (unsigned round = 0; round < ROUNDS; round++) {
    assay_book *book = fresh(messages, accounts, s);
    uint64_t begin = figure_now_ns();
    for (size_t i = 0; i < COUNT; i += burst) assay_book_apply(book, messages + WARM + i, COUNT - i < burst ? COUNT - i : burst);
    times[round] = (double)(figure_now_ns() - begin) / COUNT;
    assay_book_destroy(book);
  }
  return figure_median(times, ROUNDS);
}

static double map_time(const assay_book_message *messages, seen *s) {
  double times[ROUNDS];
  for (unsigned round = 0; round < ROUNDS; round++) {
    map_book *book = map_book_create(look_at_all, s);
    if (book == NULL) return 0;
    map_book_apply(book, messages, WARM);
    *s = (seen){0};
    uint64_t begin = figure_now_ns();
    for (size_t i = 0; i < COUNT; i += BURST) map_book_apply(book, messages + WARM + i, COUNT - i < BURST ? COUNT - i : BURST);
    times[round] = (double)(figure_now_ns() - begin) / COUNT;
    map_book_destroy(book);
  }
  return figure_median(times, ROUNDS);
}

typedef struct percentiles {
  double p50, p99, p999;
} percentiles;

/* The counter may advance in steps of many ticks, so a reading stands for all times half way to those beside it, and the share that is
 * below goes evenly over them. */
static double percentile(const uint32_t *histogram, double share) {
  double below = 0, wanted = share * COUNT;
  uint32_t last = 0, at = 0;
  for (; at < LONGEST - 1 && below + histogram[at] <= wanted; at++) {
    below += histogram[at];
    if (histogram[at] > 0) last = at;
  }
  uint32_t next = at + 1;
  while (next < LONGEST - 1 && histogram[next] == 0) next++;
  double from = (last + at) / 2.0, to = (at + next) / 2.0;
  return (from + (to - from) * (wanted - below) / histogram[at]) / assay_ticks_per_ns();
}

/* One call a message, and the counter read once after each: from one reading to the next is a message and a reading. The middle of the
 * rounds, as a neighbour may disturb one. `messages` NULL: the readings alone. */
static percentiles message_time(const assay_book_message *messages) {
  double p50[ROUNDS], p99[ROUNDS], p999[ROUNDS];
  static uint32_t histogram[LONGEST];
  seen s;
  for (unsigned round = 0; round < ROUNDS; round++) {
    assay_book *book = messages == NULL ? NULL : fresh(messages, 0, &s);
    memset(histogram, 0, sizeof histogram);
    uint64_t before = assay_ticks_stamp();
    for (size_t i = 0; i < COUNT; i++) {
      if (messages != NULL) assay_book_apply(book, messages + WARM + i, 1);
      uint64_t now = assay_ticks_stamp(), took = now - before;
      histogram[took < LONGEST ? took : LONGEST - 1]++;
      before = now;
    }
    assay_book_destroy(book);
    p50[round] = percentile(histogram, 0.5);
    p99[round] = percentile(histogram, 0.99);
    p999[round] = percentile(histogram, 0.999);
  }
  return (percentiles){figure_median(p50, ROUNDS), figure_median(p99, ROUNDS), figure_median(p999, ROUNDS)};
}

static void one_regime(assay_flow_regime regime) {
  assay_error err = {0};
  assay_book_message *messages = NULL;
  assay_book_flow flow = {.regime = regime, .seed = 1, .warm = WARM, .count = COUNT, .depth = DEPTH};
  if (assay_book_flow_make(&flow, &err, &messages) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    exit(1);
  }
  char name[64], note[200];
  seen s = {0}, theirs = {0};
  double single_ns = burst_time(messages, 0, 1, &s), ns = burst_time(messages, 0, BURST, &s);
  double risk_ns = burst_time(messages, 65, BURST, &theirs), map_ns = map_time(messages, &theirs);
  percentiles p = message_time(messages);
  snprintf(note, sizeof note, "%.2f events and %.2f trades a message, with risk checks %.1f M/s", (double)s.events / COUNT,
           (double)s.trades / COUNT, 1e3 / risk_ns);
  snprintf(name, sizeof name, "book_%s", assay_flow_regime_text(regime));
  figure(name, 1e9 / ns, "msg/s", note);
  snprintf(name, sizeof name, "book_%s_single", assay_flow_regime_text(regime));
  figure(name, 1e9 / single_ns, "msg/s", "one message a call");
  snprintf(name, sizeof name, "book_%s_p50", assay_flow_regime_text(regime));
  figure(name, p.p50, "ns", NULL);
  snprintf(name, sizeof name, "book_%s_p99", assay_flow_regime_text(regime));
  figure(name, p.p99, "ns", NULL);
  snprintf(name, sizeof name, "book_%s_p999", assay_flow_regime_text(regime));
  figure(name, p.p999, "ns", NULL);
  snprintf(name, sizeof name, "book_%s_map", assay_flow_regime_text(regime));
  if (map_ns == 0) {
    figure_absent(name, "no C++ compiler");
  } else {
    bool same = theirs.trades == s.trades && theirs.volume == s.volume;
    snprintf(note, sizeof note, "std::map, std::list, std::unordered_map%s", same ? "; the same trades" : "; OTHER TRADES");
    figure(name, 1e9 / map_ns, "msg/s", note);
  }
  assay_book_flow_free(messages);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  figure("book_timer", message_time(NULL).p50, "ns", "two readings of the counter with nothing between; it counts in steps");
  for (assay_flow_regime regime = 0; regime < ASSAY_FLOW_REGIMES; regime++) one_regime(regime);
  return figure_end();
}
