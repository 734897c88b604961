/* SPDX-License-Identifier: MIT */
/*
 * Streams of messages to a matching engine, in six regimes. Of 100 messages about 46 are new orders that rest, 41 cancellations, 6 changes
 * (half of them less quantity in place, half replaced at another price) and 7 orders that trade (3 limit, 3 immediate-or-cancel, 1 market).
 * About `depth` orders rest at any time, at distances from the middle that fall off exponentially (30 ticks in the mean, 1,000 at most);
 * half of the cancellations take one of the last 500 orders, half any. Ids are never used twice. 64 accounts, sizes of 1 to 500.
 *
 *   static      the middle stays
 *   normal      it moves a tick up or down every 40 messages
 *   swinging    a sine of 2,000 ticks every 100,000 messages
 *   trending    it rises a tick every 10 messages
 *   crash       normal, but for a fall of 20,000 ticks in 20,000 messages, four in ten of which sell at the market, and a slower way back
 *   sparse      normal, with every price at its own place in the whole 32-bit range
 */
#ifndef ASSAY_BENCH_BOOK_STREAM_H
#define ASSAY_BENCH_BOOK_STREAM_H

#include <assay/book.h>

typedef enum stream_regime {
  STREAM_STATIC,
  STREAM_NORMAL,
  STREAM_SWINGING,
  STREAM_TRENDING,
  STREAM_CRASH,
  STREAM_SPARSE,
  STREAM_REGIMES
} stream_regime;

const char *stream_name(stream_regime regime);
/* `warm` messages that fill the book, then `count` more, in one block (free). */
assay_book_message *stream_make(stream_regime regime, uint64_t seed, size_t warm, size_t count, size_t depth);

#endif
