/* SPDX-License-Identifier: MIT */
/*
 * Prices in Databento's tables, as feeds and as tables of finance read them: whole numbers of 10^-9, or, where they were asked for like
 * that, readable ones with a point. A table has one or the other. Pure.
 */
#ifndef ASSAY_MARKET_TABLE_DATABENTO_H
#define ASSAY_MARKET_TABLE_DATABENTO_H

#include <assay/feeds.h>

enum { ASSAY_DATABENTO_DECIMALS = 9 };

typedef enum assay_databento_unit {
  ASSAY_DATABENTO_EITHER, /* 0, which is the same in both, and what is no price */
  ASSAY_DATABENTO_STEPS,
  ASSAY_DATABENTO_READABLE
} assay_databento_unit;
assay_databento_unit assay_databento_unit_of(assay_feed_text cell);
/* What stands where there is no price, beside nothing at all: the largest number of 64 bits. */
bool assay_databento_is_none(assay_feed_text cell);

#endif
