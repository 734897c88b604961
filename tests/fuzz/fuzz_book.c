/* SPDX-License-Identifier: MIT */
/*
 * Any messages to the matching engine: it gives the events of the slow and obvious one, byte for byte, stays consistent, and goes on from
 * its snapshot as if nothing had been; a second engine that gets them in bursts says the same. Each message is 12 bytes; most values are
 * small, so that orders meet, and some prices are far apart.
 */
#include <assay/book.h>

#include <stdlib.h>
#include <string.h>

#include "../support/plain_book.h"

enum { BYTES = 12, MOST_MESSAGES = 400, MOST_BURST = 64, MOST_HEARD = 2 * PLAIN_MOST_EVENTS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct heard {
  assay_book_event events[MOST_HEARD];
  size_t count;
} heard;

static void hear(void *context, const assay_book_event *events, size_t count) {
  heard *h = context;
  if (h->count + count > MOST_HEARD) abort();
  memcpy(h->events + h->count, events, count * sizeof *events);
  h->count += count;
}

/* Now and then a value from the ends of its range. */
static int32_t price_of(uint8_t byte) { return byte == 255 ? INT32_MAX : byte == 254 ? INT32_MIN : byte == 253 ? -1000000 : byte % 32; }
static uint64_t quantity_of(uint8_t byte) {
  return byte == 255 ? ASSAY_BOOK_MOST_QUANTITY : byte == 254 ? UINT64_MAX : byte == 253 ? UINT64_C(1) << 40 : byte % 40;
}

static assay_book_message message_of(const uint8_t *b, const plain_book *p) {
  assay_book_message m = {
      .kind = b[0] < 120 ? ASSAY_BOOK_NEW : b[0] % 11, .id = b[1] % 64, .price = price_of(b[2]), .quantity = quantity_of(b[3])};
  m.side = b[4] & 1;
  m.account = b[4] >> 1 & 3;
  m.book = b[4] >> 3 & 1;
  m.self_trade = (b[4] >> 4) % 6;
  m.type = b[5] % 9;
  m.tif = b[5] / 9 % 6;
  if (b[2] < 253) m.price <<= 6 * (b[5] / 54);
  m.trigger = price_of(b[6]);
  m.display = quantity_of(b[7]);
  m.expire = m.kind == ASSAY_BOOK_REPLACE ? b[8] % 64 : p->now + b[8];
  m.time = p->now + b[9];
  if (b[10] > 250) m.book |= b[11] < 200 ? b[11] : UINT32_C(1) << b[11] % 32; /* or one that looks like ours in fewer bits */
  return m;
}

/* An engine that gets messages in bursts, and what they should give. */
typedef struct follower {
  assay_book *book;
  assay_book_message messages[MOST_BURST];
  size_t count;
  heard said, expected;
} follower;

static void send_burst(follower *f) {
  f->said.count = 0;
  assay_book_apply(f->book, f->messages, f->count);
  if (f->said.count != f->expected.count || memcmp(f->said.events, f->expected.events, f->said.count * sizeof *f->said.events) != 0)
    abort();
  f->expected.count = f->count = 0;
}

static void follow(follower *f, const assay_book_message *m, const plain_book *p) {
  memcpy(f->expected.events + f->expected.count, p->events, p->event_count * sizeof *p->events);
  f->expected.count += p->event_count;
  f->messages[f->count++] = *m;
  if (f->count == MOST_BURST || f->expected.count >= PLAIN_MOST_EVENTS) send_burst(f);
}

static void expect_same_snapshot(const assay_book *a, const assay_book *b) {
  char *bytes[2] = {NULL};
  size_t length[2] = {0};
  if (assay_book_snapshot(a, NULL, &bytes[0], &length[0]) != ASSAY_OK || assay_book_snapshot(b, NULL, &bytes[1], &length[1]) != ASSAY_OK)
    abort();
  if (length[0] != length[1] || memcmp(bytes[0], bytes[1], length[0]) != 0) abort();
  assay_string_free(bytes[0]);
  assay_string_free(bytes[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static plain_book plain;
  static heard h;
  static follower f;
  memset(&plain, 0, offsetof(plain_book, orders));
  plain.count = plain.pending_count = 0;
  plain.sequence = plain.now = plain.places = 0;
  memset(plain.book, 0, sizeof plain.book);
  memset(plain.account, 0, sizeof plain.account);
  plain.books = 2;
  plain.accounts = size > 0 && (data[0] & 1) != 0 ? 3 : 0;
  plain.most_orders = 40;
  plain.most_trailing = 3;
  plain.most_aon = 5;
  assay_book *book = NULL;
  assay_book_options options = {.books = 2,
                                .accounts = plain.accounts,
                                .most_orders = 40,
                                .most_trailing = 3,
                                .most_aon = 5,
                                .expected_orders = 4,
                                .sink = hear,
                                .context = &h};
  assay_book_options others = options;
  others.context = &f.said;
  f.count = f.expected.count = 0;
  if (assay_book_create(&options, NULL, &book) != ASSAY_OK) return 0;
  if (assay_book_create(&others, NULL, &f.book) != ASSAY_OK) abort();
  for (size_t i = 0; (i + 1) * BYTES <= size && i < MOST_MESSAGES; i++) {
    assay_book_message m = message_of(data + i * BYTES, &plain);
    plain_book_apply(&plain, &m);
    h.count = 0;
    assay_book_apply(book, &m, 1);
    if (h.count != plain.event_count || memcmp(h.events, plain.events, h.count * sizeof *h.events) != 0) abort();
    follow(&f, &m, &plain);
    if (data[i * BYTES + 9] % 16 == 0) send_burst(&f);
    if (data[i * BYTES + 11] != 0 || data[i * BYTES + 10] % 8 != 0) continue;
    char *bytes = NULL;
    size_t length = 0;
    assay_book *restored = NULL;
    if (assay_book_check(book, NULL) != ASSAY_OK || assay_book_snapshot(book, NULL, &bytes, &length) != ASSAY_OK) abort();
    if (assay_book_restore(&options, bytes, length, NULL, &restored) != ASSAY_OK) abort();
    assay_string_free(bytes);
    assay_book_destroy(book);
    book = restored;
  }
  send_burst(&f);
  if (assay_book_check(book, NULL) != ASSAY_OK || assay_book_check(f.book, NULL) != ASSAY_OK) abort();
  expect_same_snapshot(book, f.book);
  assay_book_destroy(book);
  assay_book_destroy(f.book);
  return 0;
}
