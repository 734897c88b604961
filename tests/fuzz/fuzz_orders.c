/* SPDX-License-Identifier: MIT */
/* Any text as a table of orders: the same messages whether it comes whole or in windows, and an engine that takes them stays sound. */
#include <assay/feed_orders.h>

#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t add_up(uint64_t sum, const assay_book_message *m) {
  return sum * 31 + m->time + m->id + m->quantity + m->new_id + (uint64_t)m->price + m->kind + m->type;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_order_reader reader, pieces;
  assay_order_row row;
  assay_error err = {0};
  assay_book *book = NULL;
  uint64_t whole = 0, sum = 0;
  if (assay_book_create(&(assay_book_options){.books = 4, .accounts = 16, .expected_orders = 16}, &err, &book) != ASSAY_OK) return 0;
  assay_orders_open(&reader, data, size, 2, 0);
  while (assay_orders_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
    check_inside(row.symbol, data, size);
    if (row.message.quantity > ASSAY_BOOK_MOST_QUANTITY && row.message.kind != ASSAY_BOOK_LIMITS) abort();
    whole = add_up(whole, &row.message);
    assay_book_apply(book, &row.message, 1);
  }
  if (assay_book_check(book, &err) != ASSAY_OK) abort();
  assay_book_destroy(book);
  check_end(&reader.in, size);
  assay_orders_open(&pieces, data, 0, 2, 0);
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    next_window(&pieces.in, data, size, &end);
    while ((step = assay_orders_next(&pieces, &row)) == ASSAY_FEED_MESSAGE) sum = add_up(sum, &row.message);
  }
  if (sum != whole || pieces.in.fault.offset != reader.in.fault.offset) abort();
  while (assay_feed_skip(&reader.in))
    while (assay_orders_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
    }
  return 0;
}
