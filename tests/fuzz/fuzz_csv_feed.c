/* SPDX-License-Identifier: MIT */
/* Any text as a table of ticks or bars: the same rows whether it comes whole or in windows. */
#include <assay/feed_csv.h>

#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_csv_reader reader, pieces;
  assay_csv_row row;
  uint64_t whole = 0, sum = 0;
  assay_csv_open(&reader, data, size, 4, 2);
  while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
    check_inside(row.symbol, data, size);
    if (row.quantity < 0 || row.high < row.low || row.event >= ASSAY_MARKET_KINDS) abort();
    assay_market_event event;
    assay_csv_event(&reader, &row, 1, &event);
    if ((event.kind == ASSAY_MARKET_TRADE) !=
        (row.kind < ASSAY_CSV_ORDER || (row.kind == ASSAY_CSV_ORDER && row.event == ASSAY_MARKET_TRADE)))
      abort();
    whole = whole * 31 + row.time_ns + (uint64_t)row.price + (uint64_t)row.quantity;
  }
  check_end(&reader.in, size);
  assay_csv_open(&pieces, data, 0, 4, 2);
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    next_window(&pieces.in, data, size, &end);
    while ((step = assay_csv_next(&pieces, &row)) == ASSAY_FEED_MESSAGE)
      sum = sum * 31 + row.time_ns + (uint64_t)row.price + (uint64_t)row.quantity;
  }
  if (sum != whole || pieces.in.fault.offset != reader.in.fault.offset) abort();
  while (assay_feed_skip(&reader.in))
    while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
    }
  return 0;
}
