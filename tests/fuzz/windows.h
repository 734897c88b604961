/* SPDX-License-Identifier: MIT */
/* A stream that comes in about seven windows, and what every reader of one keeps to. */
#ifndef ASSAY_FUZZ_WINDOWS_H
#define ASSAY_FUZZ_WINDOWS_H

#include <stdlib.h>

#include <assay/feeds.h>

/* Hands a reader that wants more the next window; *end is where the last one ended, 0 at first. */
static inline void next_window(assay_feed_reader *in, const void *data, size_t size, size_t *end) {
  size_t begin = (size_t)(in->base + in->at);
  *end = *end + 1 + size / 7 < size ? *end + 1 + size / 7 : size;
  assay_feed_window(in, (const char *)data + begin, *end - begin, *end == size);
}

/* A reader that has read all that it can is at the end, or at a fault inside. */
static inline void check_end(const assay_feed_reader *in, size_t size) {
  if (in->fault.problem == NULL ? in->at != size : in->fault.offset > size) abort();
}

/* Text that a reader found lies in what it read. */
static inline void check_inside(assay_feed_text text, const void *data, size_t size) {
  if (text.at != NULL && (text.at < (const char *)data || text.at + text.length > (const char *)data + size)) abort();
}

#endif
