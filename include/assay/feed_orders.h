/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_orders.h: tables of orders as messages for a matching engine (<assay/book.h>), so that a stream that somebody else has
 * written can be matched: a row a message, columns in any order by the names in the first line (RFC 4180: quotes, CRLF; commas, semicolons
 * or tabs). `assay feed match` is made of it; docs/book.md ("A stream of your own") has it at more length.
 *
 *     assay_order_reader reader;
 *     assay_order_row row;
 *     assay_orders_open(&reader, text, size, 2, 0);                            // prices in hundredths, whole quantities
 *     while (assay_orders_next(&reader, &row) == ASSAY_FEED_MESSAGE)
 *       assay_book_apply(book, &row.message, 1);
 *     assay_feed_explain(&reader.in, "orders.csv", &err);                      // names the row, the byte and the column
 *
 * Columns (in any case; blanks, - and _ do not count): kind | action | op | msg_type | message_type | event_type, id | order_id |
 * order_ref, new_id | new_order_id | new_order_ref, time | timestamp | ts (_ns), account | account_id, book, symbol | ticker | instrument,
 * side, type | order_type | ord_type, tif | time_in_force, price | px | limit_price, quantity | qty | size | sz | shares, display
 * (_qty, _quantity, _size), trigger | trigger_price | stop_price | stop_px, expire | expiry | expire_time, self_trade
 * (_prevention) | stp, phase. Other columns are passed over: `roles` of them is 0. A column that is not there, and an empty cell, is 0: a
 * new limit order until cancelled, of book 0 and account 0, at the time of the message before it. Only id has to be a column.
 *
 * Words (in any case; blanks, - and _ do not count):
 *   kind        new | add | submit | insert | limit, cancel | delete, modify | amend, replace, clock, phase, uncross, mass_cancel,
 *               limits, kill, revive; market and ioc too: new orders that name no type, or no time in force. Where no column is of
 *               kinds, type may have them
 *   side        buy | bid | b | 1, sell | ask | s | 2
 *   type        limit, market, stop, stop_limit, trailing_stop, trailing_stop_limit, iceberg, post_only
 *   tif         gtc | day, ioc, fok, aon, gtd
 *   self_trade  allow | none, cancel_newest, cancel_oldest, cancel_both, decrement
 *   phase       continuous, auction, halted, closed: where a phase or uncross leads to
 *   book        its number, or "all" (mass_cancel)
 *
 * Numbers are decimal text and exact, as in feed_json.h; what does not fit into its field of the message is malformed, never wrapped.
 * Prices and triggers are in steps of 10^-price_decimals, quantities and display in 10^-quantity_decimals. Ids are numbers up to 2^64 - 1;
 * those that are none are hashed (FNV-1a, 64 bits), as in FIX. Times are nanoseconds of any origin, or ISO 8601 dates. Of limits, price is
 * the rate and trigger the collar, and display and expire are notional and position (assay_book_limits_message); none of them has decimals.
 *
 * A row that is wrong can be passed with assay_feed_skip. Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_ORDERS_H
#define ASSAY_FEED_ORDERS_H

#include <assay/book.h>
#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_ORDERS_MOST_COLUMNS = 64 };

typedef struct assay_order_row {
  assay_book_message message;
  assay_feed_text symbol; /* without its quotes; NULL: no such column. Which book that is, is the caller's to say */
} assay_order_row;

typedef struct assay_order_reader {
  assay_feed_reader in;
  unsigned price_decimals, quantity_decimals; /* 0 to 15 */
  bool ready;                                 /* the line of names is read */
  char separator;
  uint8_t columns, roles[ASSAY_ORDERS_MOST_COLUMNS]; /* 0: passed over */
} assay_order_reader;

ASSAY_API void assay_orders_open(assay_order_reader *reader, const void *text, size_t size, unsigned price_decimals,
                                 unsigned quantity_decimals);
ASSAY_API assay_feed_step assay_orders_next(assay_order_reader *reader, assay_order_row *row);

/* The line of names that assay_orders_put_event's columns have, with its line end. Static. */
ASSAY_API const char *assay_orders_event_names(void);
/*
 * An event as a row of text with its line end: sequence, time, kind, id, other, side, price, quantity, remaining, book, account, reason,
 * flags. Kinds and reasons are words (reasons as assay_orders_reason has them), a side is "buy" or "sell" (a number where what is
 * rejected named neither), all else whole numbers. The same events are the same bytes everywhere. Returns its bytes, at most
 * ASSAY_ORDERS_MOST_ROW.
 */
enum { ASSAY_ORDERS_MOST_ROW = 320 };
ASSAY_API size_t assay_orders_put_event(const assay_book_event *event, char row[ASSAY_ORDERS_MOST_ROW]);
/* "NONE", "WOULD_TRADE", "NO_LIQUIDITY": the reason as <assay/book.h> calls it; "UNKNOWN" for anything else. Static. */
ASSAY_API const char *assay_orders_reason(unsigned reason);

#ifdef __cplusplus
}
#endif
#endif
