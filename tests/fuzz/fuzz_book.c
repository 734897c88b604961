/* SPDX-License-Identifier: MIT */
/*
 * Any messages to the matching engine: it gives the events of the slow and obvious one, byte for byte, stays consistent, and goes on from
 * its snapshot as if nothing had been. Each message is 12 bytes; most values are small, so that orders meet.
 */
#include <assay/book.h>

#include <stdlib.h>
#include <string.h>

#include "../support/plain_book.h"

enum { BYTES = 12, MOST_MESSAGES = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct heard {
  assay_book_event events[PLAIN_MOST_EVENTS];
  size_t count;
} heard;

static void hear(void *context, const assay_book_event *events, size_t count) {
  heard *h = context;
  if (h->count + count > PLAIN_MOST_EVENTS) abort();
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
  m.trigger = price_of(b[6]);
  m.display = quantity_of(b[7]);
  m.expire = m.kind == ASSAY_BOOK_REPLACE ? b[8] % 64 : p->now + b[8];
  m.time = p->now + b[9];
  if (b[10] > 250) m.book = b[11];
  return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static plain_book plain;
  static heard h;
  memset(&plain, 0, offsetof(plain_book, orders));
  plain.count = plain.pending_count = 0;
  plain.sequence = plain.now = plain.places = 0;
  memset(plain.book, 0, sizeof plain.book);
  memset(plain.account, 0, sizeof plain.account);
  plain.books = 2;
  plain.accounts = size > 0 && (data[0] & 1) != 0 ? 3 : 0;
  plain.most_orders = 40;
  plain.most_trailing = 3;
  assay_book *book = NULL;
  assay_book_options options = {
      .books = 2, .accounts = plain.accounts, .most_orders = 40, .most_trailing = 3, .expected_orders = 4, .sink = hear, .context = &h};
  if (assay_book_create(&options, NULL, &book) != ASSAY_OK) return 0;
  for (size_t i = 0; (i + 1) * BYTES <= size && i < MOST_MESSAGES; i++) {
    assay_book_message m = message_of(data + i * BYTES, &plain);
    plain_book_apply(&plain, &m);
    h.count = 0;
    assay_book_apply(book, &m, 1);
    if (h.count != plain.event_count || memcmp(h.events, plain.events, h.count * sizeof *h.events) != 0) abort();
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
  if (assay_book_check(book, NULL) != ASSAY_OK) abort();
  assay_book_destroy(book);
  return 0;
}
