/* SPDX-License-Identifier: MIT */
/*
 * A matching engine as slow and as obvious as can be: one array of orders, searched from end to end for every question. It keeps the rules
 * of docs/book.md and shares no code with the engine that it is compared with.
 */
#ifndef ASSAY_PLAIN_BOOK_H
#define ASSAY_PLAIN_BOOK_H

#include <assay/book.h>

enum { PLAIN_MOST_BOOKS = 4, PLAIN_MOST_ACCOUNTS = 8, PLAIN_MOST_ORDERS = 4096, PLAIN_MOST_EVENTS = 1 << 16 };

typedef struct plain_book_order {
  assay_book_message m; /* as it came in; price, trigger, quantity and id as they are now */
  uint64_t shown, hidden;
  uint64_t place; /* smaller: earlier */
  uint64_t trail; /* of trailing stops: in the order in which they came */
  bool stop;      /* waits for its trigger */
  bool running;   /* has left the book for the moment */
  bool passed;
} plain_book_order;

typedef struct plain_account {
  assay_book_limits limits;
  uint64_t second, orders;
  bool killed;
} plain_account;

typedef struct plain_symbol {
  bool traded;
  int32_t last;
  uint8_t phase;
  int64_t positions[PLAIN_MOST_ACCOUNTS];
} plain_symbol;

typedef struct plain_book {
  uint32_t books, accounts, most_orders, most_trailing, most_aon;
  plain_book_order orders[PLAIN_MOST_ORDERS]; /* in no order */
  size_t count;
  uint64_t pending[PLAIN_MOST_ORDERS]; /* ids of triggered stops */
  size_t pending_count;
  assay_book_event events[PLAIN_MOST_EVENTS]; /* of the last message */
  size_t event_count;
  uint64_t sequence, now, places;
  bool rehearses; /* nobody hears of it, and it is undone afterwards */
  plain_symbol book[PLAIN_MOST_BOOKS];
  plain_account account[PLAIN_MOST_ACCOUNTS];
} plain_book;

/* Zero-initialised but for the five numbers at its head. */
void plain_book_apply(plain_book *p, const assay_book_message *m);

#endif
