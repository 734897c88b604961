/* SPDX-License-Identifier: MIT */
/* What the columns of a table are: by the names in its first line, or by what stands where; and what their cells mean. */
#ifndef ASSAY_MARKET_FEEDS_CSV_H
#define ASSAY_MARKET_FEEDS_CSV_H

#include <assay/feed_csv.h>

#include "market/table/names.h"

bool assay_csv_has(const assay_csv_reader *reader, assay_column wanted);
/* The roles of a line of names, and what follows from them. *missing is the column that is missing, *at where in the line a cell is wrong.
 */
typedef enum assay_csv_names { ASSAY_CSV_NAMED, ASSAY_CSV_MISSING, ASSAY_CSV_OPEN_QUOTE, ASSAY_CSV_TOO_MANY } assay_csv_names;
assay_csv_names assay_csv_read_names(assay_csv_reader *reader, const char *line, size_t length, size_t *at, const char **missing);
/* The same of a table without names, by its first row. */
bool assay_csv_read_bare(assay_csv_reader *reader, const char *line, size_t length);
/* Whether a line is a title above a table ("https://...", "Historical Prices"): one cell, and no number or date; or "sep=;". */
bool assay_csv_is_title(const char *line, size_t length);

/* ---- Cells that need their column (csv_ask.c) ---------------------------------------------------------------------------------------- */

/* What styles of numbers a column has. */
typedef enum assay_csv_style { ASSAY_CSV_UNSAID, ASSAY_CSV_POINTS, ASSAY_CSV_COMMAS } assay_csv_style;

/* These answer with what is wrong with a cell; NULL: nothing. assay_csv_ask: assay_csv_ask_rows, and read the row again. */
extern const char assay_csv_ask[], assay_csv_no_date[], assay_csv_no_number[];
const char *assay_csv_written(assay_csv_reader *reader, unsigned column, assay_feed_text cell, unsigned decimals, int64_t *value);
const char *assay_csv_date(assay_csv_reader *reader, assay_feed_text cell, uint64_t *ns);
const char *assay_csv_clock(const assay_csv_reader *reader, assay_feed_text cell, int64_t *ns);
/* What to do about a problem of these; NULL: nothing that is its own. */
const char *assay_csv_mend(const char *problem);
/* Decides what the rows from this one on say. ASSAY_FEED_MORE: they are not all here. */
assay_feed_step assay_csv_ask_rows(assay_csv_reader *reader);
/* What programs write where there is nothing. */
bool assay_csv_is_gap(assay_feed_text cell);

#endif
