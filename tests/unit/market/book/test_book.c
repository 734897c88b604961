/* SPDX-License-Identifier: MIT */
/* The matching engine against one that is slow and obvious, event for event and byte for byte, over messages of every kind. */
#include "test.h"

#include <assay/book.h>

#include "book_messages.h"

enum { MOST_HEARD = 2 * PLAIN_MOST_EVENTS, MOST_BURST = 256 };

typedef struct heard {
  assay_book_event events[MOST_HEARD];
  size_t count;
} heard;

static void hear(void *context, const assay_book_event *events, size_t count) {
  heard *h = context;
  assert_true(h->count + count <= MOST_HEARD);
  memcpy(h->events + h->count, events, count * sizeof *events);
  h->count += count;
}

static void show(const char *who, const assay_book_event *e) {
  print_message("%-6s %llu %s id %llu other %llu quantity %llu remaining %llu price %d book %u account %u side %u (%s) flags %u\n", who,
                (unsigned long long)e->sequence, assay_book_event_text(e->kind), (unsigned long long)e->id, (unsigned long long)e->other,
                (unsigned long long)e->quantity, (unsigned long long)e->remaining, e->price, e->book, e->account, e->side,
                assay_book_reason_text(e->reason), e->flags);
}

static void show_message(const assay_book_message *m) {
  print_message(
      "message kind %u id %llu quantity %llu display %llu expire %llu price %d trigger %d account %u book %u side %u type %u tif %u self "
      "%u\n",
      m->kind, (unsigned long long)m->id, (unsigned long long)m->quantity, (unsigned long long)m->display, (unsigned long long)m->expire,
      m->price, m->trigger, m->account, m->book, m->side, m->type, m->tif, m->self_trade);
}

/* The same events; otherwise says which differ first. */
static void compare_events(const plain_book *p, const heard *h, const assay_book_message *m) {
  if (p->event_count == h->count && memcmp(p->events, h->events, h->count * sizeof *h->events) == 0) return;
  show_message(m);
  for (size_t i = 0; i < p->event_count || i < h->count; i++) {
    if (i < p->event_count) show("plain", &p->events[i]);
    if (i < h->count) show("engine", &h->events[i]);
  }
  fail_msg("the events differ");
}

/* `book` gets message by message, `many` the same in bursts. */
typedef struct pair {
  assay_book *book, *many;
  plain_book *plain;
  heard *heard, *heard_of_many, *expected; /* of the burst so far */
  assay_book_message burst[MOST_BURST];
  size_t burst_count, burst_size;
} pair;

static void open_pair(pair *q, const assay_book_options *options) {
  assay_error err = {0};
  *q = (pair){.plain = calloc(1, sizeof *q->plain),
              .heard = calloc(1, sizeof *q->heard),
              .heard_of_many = calloc(1, sizeof *q->heard),
              .expected = calloc(1, sizeof *q->heard),
              .burst_size = 1};
  assay_book_options o = *options;
  o.sink = hear;
  o.context = q->heard_of_many;
  assert_ok(assay_book_create(&o, &err, &q->many), err);
  o.context = q->heard;
  assert_ok(assay_book_create(&o, &err, &q->book), err);
  q->plain->books = o.books;
  q->plain->accounts = o.accounts;
  q->plain->most_orders = o.most_orders;
  q->plain->most_trailing = o.most_trailing;
  q->plain->most_aon = o.most_aon;
}

static void close_pair(pair *q) {
  assay_book_destroy(q->book);
  assay_book_destroy(q->many);
  free(q->plain);
  free(q->heard);
  free(q->heard_of_many);
  free(q->expected);
}

/* The burst gives the events that its messages gave one by one. */
static void send_burst(pair *q) {
  q->heard_of_many->count = 0;
  assay_book_apply(q->many, q->burst, q->burst_count);
  assert_int_equal(q->heard_of_many->count, q->expected->count);
  assert_memory_equal(q->heard_of_many->events, q->expected->events, q->expected->count * sizeof *q->expected->events);
  q->expected->count = 0;
  q->burst_count = 0;
  q->burst_size = 1 + (7 * q->burst_size + 5) % MOST_BURST;
}

static void send(pair *q, const assay_book_message *m) {
  plain_book_apply(q->plain, m);
  q->heard->count = 0;
  assay_book_apply(q->book, m, 1);
  compare_events(q->plain, q->heard, m);
  memcpy(q->expected->events + q->expected->count, q->plain->events, q->plain->event_count * sizeof *q->plain->events);
  q->expected->count += q->plain->event_count;
  q->burst[q->burst_count++] = *m;
  if (q->burst_count == q->burst_size || q->expected->count >= PLAIN_MOST_EVENTS) send_burst(q);
}

static const book_mix mixes[] = {
    {.ids = 200, .width = 20, .middle = 1000, .plain = 50, .auctions = 20, .hostile = 5, .cancels = 18},
    {.ids = 800, .width = 200, .middle = -50, .plain = 70, .auctions = 5, .hostile = 2, .cancels = 10},
    {.ids = 300, .width = 40, .middle = 100000, .plain = 40, .auctions = 10, .cancels = 20, .step = 60},
    {.ids = 900, .width = 1000, .sparse = true, .plain = 80, .auctions = 3, .hostile = 5, .cancels = 25},
    {.ids = 100, .width = 6, .middle = INT32_MAX - 2, .plain = 30, .auctions = 30, .cancels = 20},
    {.ids = 150, .width = 10, .middle = INT32_MIN + 3, .plain = 30, .auctions = 5, .hostile = 100, .cancels = 5},
    {.ids = 2000, .width = 3000, .middle = 50000, .plain = 90, .auctions = 1, .cancels = 20, .step = 3},
    {.ids = 400, .width = 12, .middle = 7, .plain = 100, .auctions = 40, .cancels = 10},
    {.ids = 2000, .width = 100000, .middle = 5000, .plain = 100, .cancels = 25, .step = 50},
    {.ids = 900, .width = 600, .middle = -77, .plain = 100, .cancels = 45, .step = 7},
};

/* From here on an engine that was made from a snapshot of the other goes on. */
static void swap_for_restored(pair *q) {
  assay_error err = {0};
  char *bytes = NULL, *again = NULL;
  size_t length = 0, length_again = 0;
  assert_ok(assay_book_snapshot(q->book, &err, &bytes, &length), err);
  send_burst(q);
  assert_ok(assay_book_snapshot(q->many, &err, &again, &length_again), err);
  assert_int_equal(length, length_again);
  assert_memory_equal(bytes, again, length);
  assay_string_free(again);
  again = NULL;
  assay_book *restored = NULL;
  assert_ok(assay_book_restore(&(assay_book_options){.sink = hear, .context = q->heard}, bytes, length, &err, &restored), err);
  assert_ok(assay_book_snapshot(restored, &err, &again, &length_again), err);
  assert_int_equal(length, length_again);
  assert_memory_equal(bytes, again, length);
  assay_string_free(bytes);
  assay_string_free(again);
  assay_book_destroy(q->book);
  q->book = restored;
}

static void run_mix(unsigned number, uint64_t seed, unsigned count) {
  book_mix mix = mixes[number];
  pair q;
  assay_error err = {0};
  open_pair(&q, &(assay_book_options){.books = 1 + number % 3,
                                      .accounts = seed % 2 == 0 ? 0 : 5,
                                      .expected_orders = 16,
                                      .most_orders = 250,
                                      .most_trailing = 6,
                                      .most_aon = 4 + 20 * (seed % 2),
                                      .seed = seed + 1});
  assay_random random;
  assay_random_init(&random, 1000 * seed + number);
  for (unsigned i = 0; i < count; i++) {
    assay_book_message m = book_random_message(&random, &mix, q.plain);
    send(&q, &m);
    if (i % 1500 == 1499) swap_for_restored(&q);
    if (i % 64 == 0) assert_ok(assay_book_check(q.book, &err), err);
    if (i % 512 == 0) assert_ok(assay_book_check(q.many, &err), err);
    assert_int_equal(assay_book_orders(q.book), q.plain->count);
  }
  for (uint32_t book = 0; book < q.plain->books; book++) {
    int32_t price = 0;
    assert_int_equal(assay_book_last_price(q.book, book, &price), q.plain->book[book].traded);
    assert_int_equal(price, q.plain->book[book].last);
    for (uint32_t account = 0; account < q.plain->accounts; account++) {
      int64_t position = 0;
      assert_true(assay_book_position(q.book, book, account, &position));
      assert_int_equal(position, q.plain->book[book].positions[account]);
    }
  }
  assert_int_equal(assay_book_sequence(q.book), q.plain->sequence);
  send_burst(&q);
  close_pair(&q);
}

/* ASSAY_BOOK_ROUNDS=1000 looks longer. */
static void test_random_messages(void **state) {
  (void)state;
  const char *rounds = getenv("ASSAY_BOOK_ROUNDS");
  unsigned most = rounds == NULL ? 4 : (unsigned)atoi(rounds);
  for (unsigned seed = 0; seed < most; seed++)
    for (unsigned number = 0; number < sizeof mixes / sizeof *mixes; number++) run_mix(number, seed, 10000);
}

/* Where ids come from: counted up as venues do, with gaps, far apart, at the end of the range, or now one and now the other. */
static uint64_t id_of(unsigned kind, uint64_t id, unsigned i) {
  switch (kind) {
    case 0: return 1000 + 3 * (uint64_t)i + id;
    case 1: return 5000000000u + 900 * (uint64_t)i + id;
    case 2: return id * 1000003;
    case 3: return UINT64_MAX - id;
    case 4: return UINT64_MAX - 40000 + 4 * (uint64_t)i + id;
    case 5: return (i / 700 % 2 == 0 ? 1u << 20 : 1u << 30) + id * (i / 1400 % 2 == 0 ? 1 : 5000);
    default: return id * UINT64_C(0x9E3779B97F4A7C15);
  }
}

static void test_ids(void **state) {
  (void)state;
  enum { COUNT = 12000 };
  for (unsigned kind = 0; kind < 7; kind++) {
    book_mix mix = {.ids = 2000, .width = 300, .middle = 1000, .plain = 95, .cancels = 20, .step = 2};
    pair q;
    assay_error err = {0};
    open_pair(&q, &(assay_book_options){
                      .books = 2, .expected_orders = 16, .most_orders = 700, .most_trailing = 6, .most_aon = 6, .seed = kind + 1});
    assay_random random;
    assay_random_init(&random, kind);
    for (unsigned i = 0; i < COUNT; i++) {
      assay_book_message m = book_random_message(&random, &mix, q.plain);
      if (m.id <= mix.ids) m.id = id_of(kind, m.id, i);
      if (m.kind == ASSAY_BOOK_REPLACE && m.new_id <= mix.ids) m.new_id = id_of(kind, m.new_id, i);
      send(&q, &m);
      if (i % 500 == 0) assert_ok(assay_book_check(q.book, &err), err);
      if (i % 3000 == 1500) swap_for_restored(&q);
    }
    assert_int_equal(assay_book_orders(q.book), q.plain->count);
    close_pair(&q);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_random_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
