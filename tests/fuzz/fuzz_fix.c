/* SPDX-License-Identifier: MIT */
/* Any bytes as FIX, whole and in windows, with the sums put right so that what lies behind them is reached; and a session that is fed them.
 */
#include <stdlib.h>
#include <string.h>

#include <assay/feed_fix.h>

#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lengths and sums of whatever looks like messages. */
static void put_right(char *text, size_t size) {
  for (size_t at = 0; at + 20 < size; at++) {
    if (memcmp(text + at, "8=FIX.4.", 8) != 0 || text[at + 8] < '2' || text[at + 8] > '4' || memcmp(text + at + 9, "\0019=", 3) != 0)
      continue;
    const char *body = memchr(text + at + 12, 1, size - at - 12);
    if (body == NULL) return;
    size_t from = (size_t)(body + 1 - text), end = from;
    while (end + 7 <= size && !(memcmp(text + end, "10=", 3) == 0 && text[end - 1] == 1 && text[end + 6] == 1)) end++;
    if (end + 7 > size) return;
    size_t length = end - from, width = from - at - 13;
    for (size_t i = width; i-- > 0; length /= 10) text[at + 12 + i] = (char)('0' + length % 10);
    unsigned sum = 0;
    for (size_t i = at; i < end; i++) sum += (unsigned char)text[i];
    sum &= 255;
    text[end + 3] = (char)('0' + sum / 100), text[end + 4] = (char)('0' + sum / 10 % 10), text[end + 5] = (char)('0' + sum % 10);
    at = end + 6;
  }
}

/* An order that is understood can be written, and is the same then. */
static void there_and_back(const assay_fix_message *m) {
  assay_fix_terms terms = {.book = 1, .account = 2, .price_decimals = 4, .quantity_decimals = 2};
  assay_book_message order, again;
  assay_feed_fault fault;
  assay_feed_reader reader;
  assay_fix_message second;
  uint32_t tag;
  char body[1000], text[1400];
  const char *type = NULL;
  if (!assay_fix_order(m, &terms, &order, &tag, &fault)) return;
  if (order.kind != ASSAY_BOOK_NEW && order.kind != ASSAY_BOOK_CANCEL && order.kind != ASSAY_BOOK_MODIFY &&
      order.kind != ASSAY_BOOK_REPLACE)
    abort();
  size_t length = assay_fix_put_order(body, sizeof body, &terms, "A", &order, 5, &type);
  if (length == 0) abort();
  size_t size = assay_fix_write(text, sizeof text, type, "A", "B", 1, order.time, 0, body, length);
  assay_feed_open(&reader, text, size);
  if (assay_fix_next(&reader, &second) != ASSAY_FEED_MESSAGE || !assay_fix_order(&second, &terms, &again, &tag, &fault)) abort();
  order.time -= order.time % 1000000, again.time -= again.time % 1000000; /* FIX 4.4 writes milliseconds */
  if (order.tif == ASSAY_BOOK_GTD) order.expire -= order.expire % 1000000, again.expire -= again.expire % 1000000;
  if (memcmp(&order, &again, sizeof order) != 0) abort();
}

static void read_all(const char *text, size_t size) {
  static char out[4096];
  assay_feed_reader reader, pieces = {0};
  assay_fix_message m;
  assay_fix_session session;
  volatile uint64_t sum = 0;
  assay_fix_options options = {.sender = "ASSAY", .target = "FIRM", .resend_most = size % 5, .accuracy_s = size % 7 == 0 ? 120 : 0};
  if (assay_fix_session_init(&session, &options, out, sizeof out, NULL) != ASSAY_OK) abort();
  assay_feed_open(&reader, text, size);
  do {
    while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_fix_cursor cursor = {0};
      assay_fix_field field;
      assay_market_event events[ASSAY_FIX_MOST_EVENTS];
      uint32_t tag;
      assay_feed_fault fault;
      while (assay_fix_field_next(&m, &cursor, &field)) {
        if (field.value.at < m.data || field.value.at + field.value.length > m.data + m.length) abort();
        sum += field.tag;
      }
      if (cursor.at != m.body_length) abort();
      sum += assay_fix_check(&m, &tag, &fault) + assay_fix_events(&m, 1, 4, 2, events) + (assay_fix_name(&m) != NULL);
      there_and_back(&m);
      assay_fix_session_receive(&session, reader.count * 1000000000u, &m);
      if (session.out_length > session.out_capacity) abort();
      session.out_length = 0;
      session.overflow = false;
    }
    if (reader.fault.problem != NULL) assay_fix_session_garbled(&session, reader.count * 1000000000u, &reader.fault);
    session.out_length = 0;
  } while (assay_feed_skip(&reader));
  (void)sum;
  assay_feed_open(&reader, text, size);
  do {
    while (assay_fix_next_older(&reader, &m) == ASSAY_FEED_MESSAGE)
      if (m.data < text || m.data + m.length > text + size) abort();
  } while (assay_feed_skip(&reader));
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    next_window(&pieces, text, size, &end);
    while ((step = assay_fix_next(&pieces, &m)) == ASSAY_FEED_MESSAGE) {
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size + 1);
  if (copy == NULL) abort();
  memcpy(copy, data, size);
  read_all(copy, size);
  put_right(copy, size);
  read_all(copy, size);
  free(copy);
  return 0;
}
