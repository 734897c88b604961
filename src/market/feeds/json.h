/* SPDX-License-Identifier: MIT */
/* The builds of the reader of JSON: the same messages and the same faults. */
#ifndef ASSAY_MARKET_FEEDS_JSON_H
#define ASSAY_MARKET_FEEDS_JSON_H

#include <assay/feed_json.h>

extern const char *const assay_binance_kinds[ASSAY_BINANCE_KINDS];

assay_feed_step assay_binance_next_any(assay_binance_reader *reader, assay_binance_message *message);
assay_feed_step assay_binance_next_avx2(assay_binance_reader *reader, assay_binance_message *message);

#endif
