/* SPDX-License-Identifier: MIT */
/*
 * assay/book_flow.h: made order flow for a matching engine, in regimes of a market: for tests, benchmarks and load.
 *
 *     assay_book_message *messages = NULL;
 *     assay_book_flow flow = {.regime = ASSAY_FLOW_CRASH, .seed = 1, .warm = 10000, .count = 1000000, .depth = 10000};
 *     if (assay_book_flow_make(&flow, &err, &messages) != ASSAY_OK) return fail(err.message);
 *     assay_book_apply(book, messages, flow.warm);                        // fills the book
 *     assay_book_apply(book, messages + flow.warm, flow.count);           // the market moves
 *     assay_book_flow_free(messages);
 *
 * Of 100 messages about 46 are new orders that rest, 41 cancellations, 6 changes (half of them less quantity in place, half replaced at
 * another price) and 7 orders that trade (3 limit, 3 immediate-or-cancel, 1 market). About `depth` orders rest at any time, at distances
 * from the middle that fall off exponentially (30 ticks in the mean, 1,000 at most); half of the cancellations take one of the last 500
 * orders, half any. Ids are never used twice, from 1,000,001 on. Book 0, accounts 1 to 64, sizes of 1 to 500, a message every microsecond.
 *
 * The same settings give the same messages on every machine. Thread-safety: pure.
 */
#ifndef ASSAY_BOOK_FLOW_H
#define ASSAY_BOOK_FLOW_H

#include <assay/book.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_flow_regime {
  ASSAY_FLOW_STATIC,   /* the middle stays */
  ASSAY_FLOW_NORMAL,   /* it moves a tick up or down every 40 messages */
  ASSAY_FLOW_SWINGING, /* a sine of 2,000 ticks every 100,000 messages */
  ASSAY_FLOW_TRENDING, /* it rises a tick every 10 messages */
  ASSAY_FLOW_CRASH,  /* normal, but for a fall of 20,000 ticks in 20,000 messages, four in ten of which sell at the market, and a slower way
                        back; it begins in the middle of the stream */
  ASSAY_FLOW_SPARSE, /* normal, with every price at its own place in the whole 32-bit range */
  ASSAY_FLOW_REGIMES
} assay_flow_regime;

/* "static", "normal", "swinging", "trending", "crash", "sparse"; NULL for anything else. Static. */
ASSAY_API const char *assay_flow_regime_text(assay_flow_regime regime);
/* By that word; ASSAY_FLOW_REGIMES where there is none of that name. */
ASSAY_API assay_flow_regime assay_flow_regime_find(const char *name);

enum { ASSAY_BOOK_FLOW_MOST = 1 << 28 }; /* messages, and orders at a time */

typedef struct assay_book_flow {
  assay_flow_regime regime;
  uint64_t seed;
  size_t warm;  /* messages that fill the book, before the others; 0: as many as `depth` */
  size_t count; /* messages after these */
  size_t depth; /* orders that rest; 0: 10,000 */
} assay_book_flow;

/* `warm` and then `count` messages in one block (assay_book_flow_free). ASSAY_ERR_INVALID: a regime that there is not; ASSAY_ERR_LIMIT:
 * more than ASSAY_BOOK_FLOW_MOST. */
ASSAY_API assay_status assay_book_flow_make(const assay_book_flow *flow, assay_error *err, assay_book_message **messages);
/* Accepts NULL. */
ASSAY_API void assay_book_flow_free(assay_book_message *messages);

#ifdef __cplusplus
}
#endif
#endif
