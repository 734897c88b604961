/* SPDX-License-Identifier: MIT */
/* What the columns of a table are: by the names in its first line, or by what stands where. */
#ifndef ASSAY_MARKET_FEEDS_CSV_H
#define ASSAY_MARKET_FEEDS_CSV_H

#include <assay/feed_csv.h>

typedef enum assay_csv_role {
  ASSAY_CSV_PASSED,
  ASSAY_CSV_TIME,
  ASSAY_CSV_DATE,
  ASSAY_CSV_PRICE,
  ASSAY_CSV_QUANTITY,
  ASSAY_CSV_SIDE,
  ASSAY_CSV_MAKER,
  ASSAY_CSV_SYMBOL,
  ASSAY_CSV_OPEN,
  ASSAY_CSV_HIGH,
  ASSAY_CSV_LOW,
  ASSAY_CSV_CLOSE,
  ASSAY_CSV_EVENT,     /* LOBSTER's */
  ASSAY_CSV_ORDER_ID,  /* LOBSTER's, Databento's */
  ASSAY_CSV_PRICE4,    /* LOBSTER's */
  ASSAY_CSV_DIRECTION, /* LOBSTER's */
  ASSAY_CSV_ACTION,    /* Databento's */
  ASSAY_CSV_WORD,      /* "Trade", "QUOTE BID": what a row is about */
  ASSAY_CSV_SNAPSHOT,  /* of levels: whether the row is of a whole book */
  ASSAY_CSV_ROLES
} assay_csv_role;

extern const char *const assay_csv_role_names[ASSAY_CSV_ROLES];

bool assay_csv_has(const assay_csv_reader *reader, assay_csv_role wanted);
/* The roles of a line of names, and what follows from them. *missing is the column that is missing, *at where in the line a cell is wrong.
 */
typedef enum assay_csv_names { ASSAY_CSV_NAMED, ASSAY_CSV_MISSING, ASSAY_CSV_OPEN_QUOTE, ASSAY_CSV_TOO_MANY } assay_csv_names;
assay_csv_names assay_csv_read_names(assay_csv_reader *reader, const char *line, size_t length, size_t *at, const char **missing);
/* The same of a table without names, by its first row. */
bool assay_csv_read_bare(assay_csv_reader *reader, const char *line, size_t length);
/* Whether a line is a title above a table ("https://...", "Historical Prices"): one cell, and no number or date. */
bool assay_csv_is_title(const char *line, size_t length);

#endif
