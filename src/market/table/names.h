/* SPDX-License-Identifier: MIT */
/*
 * What columns of market tables are called: the one list for feeds, whose rows are read one by one, and for the tables of finance, which
 * are read whole. Names are in any case, in <> (MetaTrader, Stooq), behind # (Refinitiv), with another language behind a / (OKX). Pure.
 */
#ifndef ASSAY_MARKET_TABLE_NAMES_H
#define ASSAY_MARKET_TABLE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum assay_column {
  ASSAY_COLUMN_PASSED,
  ASSAY_COLUMN_TIME,
  ASSAY_COLUMN_DATE,
  ASSAY_COLUMN_PRICE,
  ASSAY_COLUMN_QUANTITY,
  ASSAY_COLUMN_SIDE,
  ASSAY_COLUMN_MAKER,
  ASSAY_COLUMN_SYMBOL,
  ASSAY_COLUMN_OPEN,
  ASSAY_COLUMN_HIGH,
  ASSAY_COLUMN_LOW,
  ASSAY_COLUMN_CLOSE,
  ASSAY_COLUMN_EVENT,     /* LOBSTER's */
  ASSAY_COLUMN_ORDER_ID,  /* LOBSTER's, Databento's */
  ASSAY_COLUMN_PRICE4,    /* LOBSTER's */
  ASSAY_COLUMN_DIRECTION, /* LOBSTER's */
  ASSAY_COLUMN_ACTION,    /* Databento's */
  ASSAY_COLUMN_WORD,      /* "Trade", "QUOTE BID": what a row is about */
  ASSAY_COLUMN_SNAPSHOT,  /* of levels: whether the row is of a whole book */
  ASSAY_COLUMN_ADJUSTED,  /* a close that splits and dividends are worked into */
  ASSAY_COLUMN_ROLES
} assay_column;

/* Several of them as a set. */
#define ASSAY_COLUMN_BIT(role) (UINT32_C(1) << (role))
enum {
  ASSAY_COLUMNS_OF_TIME = 1 << ASSAY_COLUMN_TIME | 1 << ASSAY_COLUMN_DATE,
  ASSAY_COLUMNS_OF_CLOSE = 1 << ASSAY_COLUMN_CLOSE | 1 << ASSAY_COLUMN_PRICE | 1 << ASSAY_COLUMN_ADJUSTED
};

/* Where a name says so much. "amount" is a quantity of a feed, and may be an asset of a table; "value" the other way round. */
typedef enum assay_column_use {
  ASSAY_IN_FEEDS = 1,
  ASSAY_IN_TABLES = 2,
  ASSAY_PERHAPS_IN_TABLES = 4 /* unless the column holds numbers: a wide table may have an asset of that name */
} assay_column_use;

/* What messages call a column of a feed: "time", "price", ... */
extern const char *const assay_column_texts[ASSAY_COLUMN_ROLES];

/* Whether the text is `name` in any case; `name` is in small letters. */
bool assay_is_word(const char *text, size_t length, const char *name);
/* A name without what sites put around it. */
const char *assay_column_plain(const char *text, size_t *length);
/* What a column of a feed is by its name. *scale becomes the ns of the unit that a time's name ends with (_s, _ms, _us, _ns), else it
 * stays.
 */
assay_column assay_column_of(const char *name, size_t length, uint64_t *scale);
/* The names of these roles, best first: *at is 0 at the beginning. NULL: there are no more. */
const char *assay_column_next_name(uint32_t roles, unsigned use, size_t *at);
/* Whether what a table calls a column means `name`, both in any case. */
bool assay_column_is_called(const char *given, const char *name);
/* "Volume BTC", "Volume_(BTC)": of several the first is meant. */
bool assay_column_is_some_volume(const char *given, size_t length);

#endif
