/* SPDX-License-Identifier: MIT */
/* Any datagrams (each behind a byte of length) to a receiver: sequence numbers only go up, and its memory holds. */
#include <stdlib.h>

#include <assay/feed_itch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t memory[600];
  assay_mold_receiver receiver;
  assay_itch_message message;
  uint8_t request[ASSAY_MOLD_HEAD];
  assay_mold_init(&receiver, memory, sizeof memory);
  for (size_t at = 0; at < size;) {
    size_t length = data[at++];
    if (length > size - at) length = size - at;
    uint64_t before = receiver.expected;
    assay_feed_step step;
    assay_mold_receive(&receiver, data + at, length);
    while ((step = assay_mold_take(&receiver, &message)) != ASSAY_FEED_END) {
      if (receiver.joined && receiver.expected <= before && before != 0) abort();
      before = receiver.expected;
    }
    if (receiver.used > receiver.capacity) abort();
    if ((assay_mold_request(&receiver, request) > 0) != receiver.stale) abort();
    if (length == 77 && assay_mold_give_up(&receiver) == 0 && receiver.stale) abort();
    at += length;
  }
  return 0;
}
