/* SPDX-License-Identifier: MIT */
/*
 * A table of text: a CSV file (RFC 4180; commas, semicolons, tabs or bars; with or without quotes) with a line of names. Cells become
 * numbers when a verb asks for a column of them, and what is none is refused with its line and column.
 */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

#include "cli/cli.h"
#include "market/table/names.h"
#include "market/table/numbers.h"

typedef struct assay_cli_table {
  const char *source; /* for messages */
  char separator;
  const assay_cell_style *styles; /* of each column; NULL: points everywhere */
  size_t columns, rows;
  const char **names;
  const char **cells; /* [row * columns + column], without quotes and blanks at the ends */
  size_t *lines;      /* of each row, from 1 */
  const char *shape;  /* of a table without names, what its columns were taken for ("date, open, ..."), for a note; NULL: nothing */
} assay_cli_table;

/* ---- Reading (table_read.c) ---------------------------------------------------------------------------------------------------------- */

/* `path` "-" is standard input. A first line of nothing but numbers and dates is no line of names: then the columns are called "1", "2",
 * ..., or what they are of bars (`shape`). Before the names there may be "sep=;", comments behind '#' and titles; behind them yfinance's
 * lines of tickers; under the table a sentence. All is in the invocation's arena. */
assay_status assay_cli_table_read(assay_cli *cli, const char *path, assay_error *err, assay_cli_table *table);

/* ---- Columns (table.c) --------------------------------------------------------------------------------------------------------------- */

/* By name, in any case and with or without <>, or by number from 1; ASSAY_ERR_NOT_FOUND names the nearest, or all. */
assay_status assay_cli_table_column(const assay_cli_table *table, const char *name, assay_error *err, size_t *column);
/* The first column that is called like one of these roles (names.h), best first; false: none. */
bool assay_cli_table_finds(const assay_cli_table *table, uint32_t roles, size_t *column);
bool assay_cli_table_is(const assay_cli_table *table, size_t column, uint32_t roles);
/* The first of these names (NULL ends them) that the table has; false: none. */
bool assay_cli_table_has(const assay_cli_table *table, const char *const *names, size_t *column);
bool assay_cli_table_is_one_of(const assay_cli_table *table, size_t column, const char *const *names);
/* Refuses a table whose rows are of several assets, which nobody told apart (--by): they would be one that jumps. */
assay_status assay_cli_table_is_of_one(const assay_cli_table *table, assay_error *err);
/* The column as numbers (market/table/numbers.h); what stands for none (empty, "NA", "null", "-") is NaN where `gaps` are allowed. */
assay_status assay_cli_table_numbers(assay_cli *cli, const assay_cli_table *table, size_t column, bool gaps, assay_error *err,
                                     double **values);
/* Whether there are more numbers in it than anything else but gaps: what else there is, assay_cli_table_numbers refuses by its line. */
bool assay_cli_table_is_numeric(const assay_cli_table *table, size_t column);

/* Texts in the order in which they first come, each with its place. */
typedef struct assay_cli_places {
  const char **items;
  size_t count;
  size_t *buckets, bucket_count; /* places + 1; a power of two */
} assay_cli_places;
assay_status assay_cli_places_begin(assay_cli *cli, size_t most, assay_error *err, assay_cli_places *places);
/* Of a text, which it keeps if it is new; at most so many as were said. */
size_t assay_cli_place_of(assay_cli_places *places, const char *text);

/* ---- Times (table_times.c) ----------------------------------------------------------------------------------------------------------- */

/* When the rows are, where the table says so: in a column that is called a date or a time (or in `column`; NULL: none named). */
typedef struct assay_cli_times {
  bool named, known; /* there is such a column; all of it can be read */
  size_t column;
  int64_t *at;    /* seconds since 1970, a row each; of a row that does not say, that of the row before */
  int64_t *nanos; /* of that second, 0 to 999999999 */
  /* The same where 02/01/2024 can also be read the other way and every series is in order both ways; NULL: there is one way. */
  int64_t *otherwise;
  bool unclear; /* both ways can be read, and the order of the rows does not say which it is: not known */
} assay_cli_times;
assay_status assay_cli_table_times(assay_cli *cli, const assay_cli_table *table, const char *column, assay_error *err,
                                   assay_cli_times *times);
/* The same of a table with several series, each in an order of its own: `by` is the column that says which; SIZE_MAX: there is one. */
assay_status assay_cli_table_times_by(assay_cli *cli, const assay_cli_table *table, const char *column, size_t by, assay_error *err,
                                      assay_cli_times *times);
/* Refuses times that are unclear, with the sentence that says so. */
assay_status assay_cli_times_are_clear(const assay_cli_table *table, const assay_cli_times *times, assay_error *err);
/* Whether `count` of the rows (NULL: all) go back in time, as tables from many sites do. ASSAY_ERR_PARSE names the line where they turn. */
assay_status assay_cli_times_direction(const assay_cli_table *table, const assay_cli_times *times, const size_t *rows, size_t count,
                                       assay_error *err, bool *back);

/* ---- Out (table.c) ------------------------------------------------------------------------------------------------------------------- */

/* A cell as CSV, quoted where it has to be. */
void assay_cli_put_cell(assay_buf *out, const char *text, char separator);
/* A number as the shortest text that reads back the same; nothing for NaN. */
void assay_cli_put_number_cell(assay_buf *out, double value);

#endif
