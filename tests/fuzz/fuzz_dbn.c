/* SPDX-License-Identifier: MIT */
/* Any bytes as DBN: every field of every record lies in it, whole and in windows the same records. */
#include <assay/feed_dbn.h>

#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(const assay_dbn_record *record) {
  assay_dbn_field field;
  uint64_t sum = 0;
  for (size_t i = 0; assay_dbn_field_at(record, i, &field); i++) {
    if (field.offset + field.bytes > record->length) abort();
    sum += (uint64_t)assay_dbn_number(record, &field);
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_dbn_reader reader, pieces = {0};
  assay_dbn_record record;
  assay_market_event events[ASSAY_DBN_MOST_EVENTS];
  assay_dbn_map *map = NULL;
  if (assay_dbn_map_create(3, NULL, &map) != ASSAY_OK) return 0;
  volatile uint64_t sum = 0;
  assay_dbn_open(&reader, data, size);
  while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
    uint32_t symbol = assay_dbn_map_number(map, &record);
    size_t count = assay_dbn_events(&reader, &record, symbol, events);
    if (symbol > 3 || count > ASSAY_DBN_MOST_EVENTS || (count > 0 && events[count - 1].symbol != symbol)) abort();
    sum += read_all(&record) + count;
    if (record.data + record.length > data + size) abort();
  }
  assay_dbn_map_destroy(map);
  for (uint32_t i = 0; reader.ready && i < reader.metadata.symbols.count; i++) sum += assay_dbn_item(&reader.metadata.symbols, i).length;
  check_end(&reader.in, size);
  (void)sum;
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    next_window(&pieces.in, data, size, &end);
    while ((step = assay_dbn_next(&pieces, &record)) == ASSAY_FEED_MESSAGE) {
    }
  }
  if (pieces.in.count != reader.in.count || (pieces.in.fault.problem == NULL) != (reader.in.fault.problem == NULL)) abort();
  while (assay_feed_skip(&reader.in))
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
    }
  return 0;
}
