/* SPDX-License-Identifier: MIT */
/* Tables without a line of names that are known by what stands where, in feeds and in tables of finance. Pure. */
#ifndef ASSAY_MARKET_TABLE_BARE_H
#define ASSAY_MARKET_TABLE_BARE_H

#include <assay/feeds.h>

/* Digits, at most one point among them: no sign. */
bool assay_bare_is_number(assay_feed_text cell);
bool assay_bare_is_count(assay_feed_text cell);
/* true or false, in any case. */
bool assay_bare_is_truth(assay_feed_text cell);

/*
 * The bulk files of data.binance.vision, by where times (thirteen digits of milliseconds or sixteen of microseconds) and truth values
 * stand; most have no line of names:
 * - trades: id, price, quantity, quote quantity, time, buyer is maker[, best match]
 * - aggTrades: id, price, quantity, first id, last id, time, buyer is maker[, best match]
 * - klines: open time, open, high, low, close, volume, close time, and five more
 * - bookTicker: update id, bid, its quantity, ask, its quantity, transaction time, event time
 */
typedef enum assay_bare_table {
  ASSAY_BARE_OTHER,
  ASSAY_BARE_TRADES,
  ASSAY_BARE_AGG_TRADES,
  ASSAY_BARE_KLINES,
  ASSAY_BARE_BOOK_TICKER
} assay_bare_table;
assay_bare_table assay_bare_binance(const assay_feed_text *cells, size_t count);
/* What Binance calls them; NULL: it is something else. */
const char *assay_bare_table_text(assay_bare_table table);

/*
 * Bars that sites give away without names (Kraken, HistData, NinjaTrader, FirstRate, MetaTrader, Kibot): when, then open, high, low, close,
 * mostly a volume, seldom a count of trades.
 */
enum { ASSAY_BARE_LEAST_BAR = 4, ASSAY_BARE_MOST_BAR = 6 };
/* How many of the first columns say when it was: a date in whichever order, perhaps with a time of its day in the next one, or a count
 * since 1970. 0: none does. */
size_t assay_bare_moment(const assay_feed_text *cells, size_t count);
/* Whether what stands behind that is a bar, as far as one row alone can say it: four numbers may be a bid, an ask and their sizes.
 * `is_counted`: when is a count, which any first number may be. */
bool assay_bare_is_bar(const assay_feed_text *cells, size_t count, bool is_counted);

#endif
