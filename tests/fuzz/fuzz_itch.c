/* SPDX-License-Identifier: MIT */
/* Any bytes as TotalView-ITCH: one by one, in batches and in windows the same messages and the same faults; every field can be read. */
#include <stdlib.h>
#include <string.h>

#include <assay/feed_itch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_fields(const assay_itch_message *message) {
  size_t count = 0;
  uint64_t sum = 0;
  const assay_itch_field *fields = assay_itch_fields(message->type, &count);
  if (count == 0) abort();
  for (size_t i = 0; i < count; i++) sum += assay_itch_number(message, &fields[i]);
  return sum;
}

/* The fast way's events are those of one message after the other, whatever it is. */
static void in_batches(const uint8_t *data, size_t size, uint64_t expected, const assay_feed_fault *fault) {
  assay_feed_reader reader, slow;
  assay_market_event events[7], event;
  assay_itch_message message;
  size_t count;
  assay_feed_open(&reader, data, size);
  assay_feed_open(&slow, data, size);
  while ((count = assay_itch_events(&reader, events, 7)) > 0)
    for (size_t i = 0; i < count; i++) {
      if (assay_itch_next(&slow, &message) != ASSAY_FEED_MESSAGE) abort();
      assay_itch_event(&message, &event);
      if (memcmp(&event, &events[i], sizeof event) != 0) abort();
    }
  if (reader.count != expected || reader.fault.offset != fault->offset || reader.fault.field != fault->field) abort();
}

static void in_windows(const uint8_t *data, size_t size, uint64_t expected, const assay_feed_fault *fault) {
  assay_feed_reader reader = {0};
  assay_itch_message message;
  size_t end = 0;
  assay_feed_step step = ASSAY_FEED_MORE;
  while (step == ASSAY_FEED_MORE) {
    size_t begin = (size_t)(reader.base + reader.at);
    end = end + 1 + size / 5 < size ? end + 1 + size / 5 : size;
    assay_feed_window(&reader, data + begin, end - begin, end == size);
    while ((step = assay_itch_next(&reader, &message)) == ASSAY_FEED_MESSAGE) {
    }
  }
  if (reader.count != expected || reader.fault.offset != fault->offset || reader.fault.field != fault->field) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_feed_reader reader;
  assay_itch_message message;
  assay_feed_fault fault = {0};
  volatile uint64_t sum = 0;
  assay_feed_open(&reader, data, size);
  while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) {
    sum += read_fields(&message) + assay_itch_check(&message, &fault);
    if ((const uint8_t *)message.as + message.length > data + size) abort();
  }
  if (reader.fault.problem == NULL ? reader.at != size : reader.fault.offset > size) abort();
  (void)sum;
  in_batches(data, size, reader.count, &reader.fault);
  in_windows(data, size, reader.count, &reader.fault);
  while (assay_feed_skip(&reader))
    while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) {
    }
  return 0;
}
