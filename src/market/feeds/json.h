/* SPDX-License-Identifier: MIT */
/* The builds of the reader of JSON: the same messages and the same faults. */
#ifndef ASSAY_MARKET_FEEDS_JSON_H
#define ASSAY_MARKET_FEEDS_JSON_H

#include <assay/feed_json.h>

extern const char *const assay_binance_kinds[ASSAY_BINANCE_KINDS];

assay_feed_step assay_binance_next_any(assay_binance_reader *reader, assay_binance_message *message);
assay_feed_step assay_binance_next_avx2(assay_binance_reader *reader, assay_binance_message *message);

/*
 * Passes what stands between documents: blanks, and the marks of lists. ASSAY_FEED_MESSAGE: at in->at something begins that has to be a
 * document; else what there is to say (the end, that more is needed, a mark that is wrong).
 */
assay_feed_step assay_binance_pass_marks(assay_binance_reader *reader);
/* A document in a list is malformed, and what follows may be passed with it: which marks come next is not known. */
void assay_binance_lose_marks(assay_binance_reader *reader);

#endif
