/* SPDX-License-Identifier: MIT */
/*
 * A market that comes faster than it can be taken: order flow of 10,000 messages a second of its own clock or ten times as many, steady or
 * with a crash in it, against accounts that may send 1.6 times the usual rate, with somebody behind a bounded queue who reads the events,
 * quickly or slowly. What the limits turn away and what the queue sheds is counted; nothing else may be lost, and the book is whole
 * afterwards.
 */
#include <assay/bench.h>
#include <assay/book_flow.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { WARM = 10000, COUNT = 1 << 16, BURST = 256, ACCOUNTS = 65, ROOM = 4096, SPREAD = 100, USUAL_RATE = 1000000 / SPREAD / 64 };

/* Who reads. */
typedef struct reader {
  assay_book_queue *queue;
  bool slow;
  atomic_bool over;
  uint64_t seen, lost, last; /* events; those that are missing between two; sequence of the last */
  bool backwards;
} reader;

static void take(reader *r, const assay_book_event *events, size_t count) {
  for (size_t i = 0; i < count; i++) {
    r->backwards = r->backwards || events[i].sequence <= r->last;
    r->lost += events[i].sequence - r->last - 1;
    r->last = events[i].sequence;
    volatile unsigned work = r->slow ? 2000 : 0; /* a microsecond or so for each: an archive, a screen, a bad day */
    while (work > 0) work--;
  }
  r->seen += count;
}

static void *read_events(void *user) {
  reader *r = user;
  assay_book_event events[64];
  for (bool over = false; !over;) {
    over = atomic_load_explicit(&r->over, memory_order_acquire); /* asked before the last look */
    for (size_t count; (count = assay_book_queue_take(r->queue, events, 64)) > 0;) take(r, events, count);
    if (!over) sched_yield();
  }
  return NULL;
}

typedef struct load {
  assay_book *book;
  assay_book_message *messages;
  uint64_t applied, last_warm_id, ids; /* highest id of the warm messages; how many more the others use */
  assay_book_queue *queue;
  uint64_t turned_away;
} load;

static void hand_on(void *context, const assay_book_event *events, size_t count) {
  load *l = context;
  for (size_t i = 0; i < count; i++)
    l->turned_away += events[i].kind == ASSAY_BOOK_REJECTED_EVENT && events[i].reason == ASSAY_BOOK_RISK_RATE;
  assay_book_queue_sink(l->queue, events, count);
}

static uint64_t new_id_of(const assay_book_message *m) { return m->kind == ASSAY_BOOK_REPLACE ? m->new_id : m->id; }

static void count_ids(load *l) {
  uint64_t last = 0;
  for (size_t i = 0; i < WARM + COUNT; i++) {
    last = new_id_of(&l->messages[i]) > last ? new_id_of(&l->messages[i]) : last;
    if (i == WARM - 1) l->last_warm_id = last;
  }
  l->ids = last - l->last_warm_id;
}

static assay_status load_open(load *l, const assay_book_flow *flow, uint64_t hurry, assay_error *err) {
  assay_status status = assay_book_flow_make(flow, err, &l->messages);
  if (status == ASSAY_OK)
    status = assay_book_create(&(assay_book_options){.accounts = ACCOUNTS, .sink = hand_on, .context = l}, err, &l->book);
  if (status != ASSAY_OK) return status;
  const assay_book_limits limits = {.quantity = 10000, .rate = USUAL_RATE * 8 / 5};
  for (uint32_t account = 0; account < ACCOUNTS; account++) {
    assay_book_message message = assay_book_limits_message(0, account, &limits);
    assay_book_apply(l->book, &message, 1);
  }
  for (size_t i = 0; i < WARM + COUNT; i++) l->messages[i].time = l->messages[i].time * SPREAD / hurry;
  count_ids(l);
  return ASSAY_OK;
}

/* The same flow again and again, later each time and with ids of its own. */
static void next_burst(load *l) {
  size_t at = WARM + l->applied % COUNT;
  assay_book_apply(l->book, l->messages + at, BURST);
  l->applied += BURST;
  if (l->applied % COUNT != 0) return;
  uint64_t span = l->messages[WARM + COUNT - 1].time - l->messages[WARM].time + 1;
  for (assay_book_message *m = l->messages + WARM; m < l->messages + WARM + COUNT; m++) {
    m->time += span;
    if (m->id > l->last_warm_id) m->id += l->ids;
    if (m->kind == ASSAY_BOOK_REPLACE) m->new_id += l->ids;
  }
}

static void put_outcome(assay_bench *b, const load *l, const reader *r) {
  assay_error err = {0};
  uint64_t events = assay_book_sequence(l->book), shed = assay_book_queue_shed(r->queue);
  uint64_t lost = r->lost + (events - r->last); /* what was shed at the very end has nothing behind it */
  if (assay_book_check(l->book, &err) != ASSAY_OK) return assay_bench_fail(b, "the book is corrupt: %s", err.message);
  if (r->backwards || r->seen + lost != events || lost != shed)
    return assay_bench_fail(b, "%llu events: %llu read and %llu missing, and the queue says that it shed %llu", (unsigned long long)events,
                            (unsigned long long)r->seen, (unsigned long long)lost, (unsigned long long)shed);
  assay_bench_metric(b, "events_shed", (double)shed / (double)events, "ratio", ASSAY_KIND_ERROR_RATE, ASSAY_LOWER);
  assay_bench_metric(b, "orders_turned_away", (double)l->turned_away / (double)(l->applied + WARM), "ratio", ASSAY_KIND_ERROR_RATE,
                     ASSAY_LOWER);
  assay_bench_metric(b, "orders_resting", (double)assay_book_orders(l->book), "orders", ASSAY_KIND_COUNT, ASSAY_LOWER);
}

ASSAY_BENCH(
    high_frequency, .suite = "stress", .ceiling = "",
    .summary =
        "256 messages of order flow under overload, with a reader behind a bounded queue; what is shed is counted, nothing else is lost",
    .params = {{"market", "normal,crash"}, {"hurry", "1,10"}, {"reader", "quick,slow"}}) {
  assay_error err = {0};
  load l = {0};
  reader r = {.slow = strcmp(assay_bench_text(b, "reader"), "slow") == 0};
  pthread_t thread;
  assay_book_flow flow = {.regime = assay_flow_regime_find(assay_bench_text(b, "market")),
                          .seed = assay_bench_seed(b),
                          .warm = WARM,
                          .count = COUNT,
                          .depth = WARM};
  assay_status status = assay_book_queue_create(ROOM, false, &err, &r.queue);
  if (status == ASSAY_OK) {
    l.queue = r.queue;
    status = load_open(&l, &flow, assay_bench_u64(b, "hurry"), &err);
  }
  if (status == ASSAY_OK && pthread_create(&thread, NULL, read_events, &r) != 0)
    status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "no thread");
  if (status != ASSAY_OK) {
    assay_bench_fail(b, "%s", err.message);
  } else {
    assay_book_apply(l.book, l.messages, WARM);
    ASSAY_LOOP(b) next_burst(&l);
    assay_bench_items(b, BURST);
    atomic_store_explicit(&r.over, true, memory_order_release);
    pthread_join(thread, NULL);
    put_outcome(b, &l, &r);
  }
  assay_book_destroy(l.book);
  assay_book_flow_free(l.messages);
  assay_book_queue_destroy(r.queue);
}
