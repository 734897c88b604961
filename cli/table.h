/* SPDX-License-Identifier: MIT */
/*
 * A table of text: a CSV file (RFC 4180; commas, semicolons or tabs; with or without quotes) with a line of names. Cells become numbers
 * when a verb asks for a column of them, and what is none is refused with its line and column.
 */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

#include "cli/cli.h"

typedef struct assay_cli_table {
  const char *source; /* for messages */
  char separator;
  size_t columns, rows;
  const char **names;
  const char **cells; /* [row * columns + column], without quotes and blanks at the ends */
  size_t *lines;      /* of each row, from 1 */
} assay_cli_table;

/* `path` "-" is standard input. A first line of nothing but numbers is no line of names: then the columns are called "1", "2", ... All is
 * in the invocation's arena. */
assay_status assay_cli_table_read(assay_cli *cli, const char *path, assay_error *err, assay_cli_table *table);
/* By name, in any case, or by number from 1; ASSAY_ERR_NOT_FOUND names the nearest, or all. */
assay_status assay_cli_table_column(const assay_cli_table *table, const char *name, assay_error *err, size_t *column);
/* The first of these names (NULL ends them) that the table has; false: none. */
bool assay_cli_table_has(const assay_cli_table *table, const char *const *names, size_t *column);
/* The column as numbers; an empty cell, "nan", "NA" and "null" are NaN where `gaps` are allowed. */
assay_status assay_cli_table_numbers(assay_cli *cli, const assay_cli_table *table, size_t column, bool gaps, assay_error *err,
                                     double **values);
/* Whether every cell that is not empty is a number, and there is one. */
bool assay_cli_table_is_numeric(const assay_cli_table *table, size_t column);
/* A cell as CSV, quoted where it has to be. */
void assay_cli_put_cell(assay_buf *out, const char *text, char separator);
/* A number as the shortest text that reads back the same; nothing for NaN. */
void assay_cli_put_number_cell(assay_buf *out, double value);

#endif
