/* SPDX-License-Identifier: MIT */
/*
 * Cells of tables as spreadsheets and data vendors write them: "1,234.50", "1.234,50", "$12.5", "58.29M", "0.53%", "(12)", "#N/A". What a
 * point and a comma mean is asked of the whole table, since "1,234" alone says nothing.
 */
#ifndef ASSAY_CLI_CELLS_H
#define ASSAY_CLI_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum assay_cell_style {
  ASSAY_CELL_POINT,   /* 1,234.5; nothing said otherwise */
  ASSAY_CELL_COMMA,   /* 1.234,5 */
  ASSAY_CELL_UNKNOWN, /* a comma may be either: what has one is no number */
} assay_cell_style;

/* What stands where there is no number: nothing, "NA", "#N/A", "null", "-", "." */
bool assay_cell_is_gap(const char *cell);
/* A finite or infinite number; false and *value stays. */
bool assay_cell_number(const char *cell, assay_cell_style style, double *value);
/* What the cells that have a comma (or several points) say together; `separator` decides where they leave it open. */
assay_cell_style assay_cell_style_of(const char *const *cells, size_t count, char separator);

/* A date, with or without a time, of the forms that assay_cli_parse_moment leaves out: 02/01/2024, 2.1.2024 17:30, 2-Jan-24, Jan 2, 2024.
 * Seconds since 1970. Which of two numbers is the day, `day_first` says; with points it is
 * the first. */
bool assay_cell_date(const char *cell, bool day_first, int64_t *seconds);

#endif
