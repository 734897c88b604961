/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_csv.h: ticks and bars in tables of text (RFC 4180: quotes, CRLF; commas, semicolons or tabs), columns in any order by the
 * names in the first line.
 *
 *     assay_csv_reader reader;
 *     assay_csv_row row;
 *     assay_csv_open(&reader, text, size, 6, 0);                               // prices in steps of 10^-6, whole quantities
 *     while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE)
 *       if (row.kind == ASSAY_CSV_BAR) use(row.time_ns, row.close, row.quantity);
 *     assay_feed_explain(&reader.in, "prices.csv", &err);                      // names the row, the byte and the column
 *
 * Columns (in any case, also in <> or behind #): time | timestamp | date | datetime | ts | ts_event | transact_time | "open time" ... (with
 * _s, _ms, _us or _ns behind it for the unit), price | px | last | "trade price", quantity | qty | size | amount | volume | vol | shares |
 * sz, side | aggressor | direction, is_buyer_maker, symbol | ticker | instrument_name | ric ...; open, high, low, close (or last). With
 * open, high, low and close rows are bars, else a price has to be there and they are ticks. Where both date and time are there, time is the
 * time of that day (unless dates have times themselves): 09:30, 9:30 AM, 093000, 93000, 0931; or since 1970, from 1973 on.
 * Other columns are passed over. Titles alone in their lines may stand above.
 *
 * Which rows are trades: those that lack their price (empty, NaN, null, N/A) are not, nor are those whose type (eventtype, type) begins
 * with quote, bid or ask. Databento's tables (rtype) have prices in 10^-9 or all with a point, and an action: T is a trade; where there are
 * order ids, rows are about orders. Tables with is_snapshot (Tardis) or update_type (Binance) are about price levels: rows are orders'
 * ASSAY_MARKET_QUOTE, and before the first of a whole book there is one more, ASSAY_MARKET_CLEAR; rows of up to 64 such may take turns.
 *
 * Times: ISO 8601 dates, with a time behind T or a blank, up to nine digits of a second's fraction, Z or an offset (none: UTC); or a number
 * since 1970 in the unit of the column's name, else of its size (below 10^11 seconds, 10^14 ms, 10^17 us, above ns). Seconds may have a
 * fraction. Where the name has no unit, eight digits that are a date are one (20240102), and fourteen or twelve a date and a time
 * (20240102093000, 202401020930). They come as nanoseconds.
 *
 * Without a line of names, the three tables that data.binance.vision has of the spot market are known by what stands where: trades,
 * aggTrades and klines. So are rows that begin with a second since 1970 of ten digits (Kraken), a date with a time, or a date and a time in
 * cells of their own (MetaTrader, HistData), and go on with open, high, low, close, a volume and a count; or with a price and a quantity.
 *
 * So are the message files of LOBSTER (lobsterdata.com), which are about orders: seconds after midnight, type (1 submission, 2 partial
 * cancellation, 3 deletion, 4 execution, 5 of a hidden order, 6 cross trade, 7 halt), order id, size, price in 1/10,000, direction of the
 * order. They begin inside a day, so orders that rested before are not there.
 *
 * Numbers are decimal text and exact, as in feed_json.h; 1e-05, $1,234.50, 1.234,50 and, where no comma parts the cells, 100,03 too. An
 * empty quantity is 0. A row that is wrong can be passed with assay_feed_skip.
 *
 * What a cell leaves open (01/02/2024; 1,234 and 151.234 where no comma parts the cells; 1000 as a time), its column says: the rows before
 * it, else up to 300 behind it, for which the reader asks with ASSAY_FEED_MORE. Where they say nothing either, such a row is malformed.
 * Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_CSV_H
#define ASSAY_FEED_CSV_H

#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_csv_kind {
  ASSAY_CSV_TICK,
  ASSAY_CSV_BAR,
  ASSAY_CSV_ORDER, /* of LOBSTER, Databento's mbo, and levels */
  ASSAY_CSV_OTHER  /* a row that is no trade: a quote among trades, or without its price */
} assay_csv_kind;

typedef struct assay_csv_row {
  assay_csv_kind kind;
  char side; /* of the aggressor: 'B', 'S', or 0 */
  uint64_t time_ns;
  assay_feed_text symbol; /* without its quotes; a quote inside stays doubled */
  int64_t price;          /* of a tick; of a bar its close */
  int64_t open, high, low, close;
  int64_t quantity; /* of a bar its volume */
  uint64_t
      order; /* of ASSAY_CSV_ORDER: the id, and what happens to it (assay_market_kind); `side` is the order's, of a trade the taker's */
  uint8_t event;
} assay_csv_row;

enum { ASSAY_CSV_MOST_COLUMNS = 128, ASSAY_CSV_SNAPSHOTS = 64 };

typedef struct assay_csv_reader {
  assay_feed_reader in;
  unsigned price_decimals, quantity_decimals; /* 0 to 15 */
  bool ready;                                 /* the line of names is read */
  bool bars, quantities;                      /* rows are bars; there is a column of quantities (or volumes) */
  bool orders;                                /* rows are about orders */
  bool levels;                                /* rows are about price levels */
  bool databento;                             /* prices without a point are in 10^-9 */
  bool prices_are_steps, prices_are_readable; /* such a price was there, or one with a point */
  uint8_t clock_style;                        /* what 1000 is, once something says so: 10:00 or 00:10:00 */
  uint8_t day_place;                          /* which number of 01/02/2024 is the day, once something says so */
  uint64_t asked;                             /* rows up to this one were asked what cells mean */
  uint64_t snapshot[ASSAY_CSV_SNAPSHOTS];     /* of levels: the whole books that are being read, by their times and symbols */
  unsigned snapshots;
  unsigned titles;        /* lines above the names */
  bool dates_have_clocks; /* so what the other column says is not added */
  char separator;
  uint8_t columns, roles[ASSAY_CSV_MOST_COLUMNS];
  uint8_t styles[ASSAY_CSV_MOST_COLUMNS]; /* of the numbers of each: what points and commas are, once something says so */
  uint64_t time_scale;                    /* ns of a unit; 0: by the size of the number */
} assay_csv_reader;

ASSAY_API void assay_csv_open(assay_csv_reader *reader, const void *text, size_t size, unsigned price_decimals, unsigned quantity_decimals);
ASSAY_API assay_feed_step assay_csv_next(assay_csv_reader *reader, assay_csv_row *row);
/* A tick as ASSAY_MARKET_TRADE; a bar as one trade of its volume at its close; what happens to an order as that. */
ASSAY_API void assay_csv_event(const assay_csv_reader *reader, const assay_csv_row *row, uint32_t symbol, assay_market_event *event);

/* One time as above; false where it is none. `scale` as assay_csv_reader.time_scale. */
ASSAY_API bool assay_feed_time(const char *text, size_t length, uint64_t scale, uint64_t *time_ns);

#ifdef __cplusplus
}
#endif
#endif
