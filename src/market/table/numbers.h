/* SPDX-License-Identifier: MIT */
/*
 * Cells of tables as spreadsheets and data vendors write them: "1,234.50", "1.234,50", "$12.5", "58.29M", "0.53%", "(12)", "#N/A". What a
 * point and a comma mean is asked of the column, and of the other columns where it leaves that open, since "1,234" alone says nothing.
 */
#ifndef ASSAY_MARKET_TABLE_NUMBERS_H
#define ASSAY_MARKET_TABLE_NUMBERS_H

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
/* The number without what people put around it, as assay_parse_f64 and exact readers take it: "1,234.50" is 1234.50, "58.29M" 58.29e6. */
enum { ASSAY_CELL_PLAIN = 80 };
bool assay_cell_plain(const char *cell, assay_cell_style style, char plain[ASSAY_CELL_PLAIN]);
/* A finite or infinite number; false and *value stays. */
bool assay_cell_number(const char *cell, assay_cell_style style, double *value);
/* Whether it has one that is not NaN. */
bool assay_cell_is_number(const char *cell, assay_cell_style style);
/* What the numbers of a column say: of a point as the mark of decimals, of a comma, or only that one of them is there ("151.234", "1,234").
 */
typedef struct assay_cell_evidence {
  size_t point, comma, comma_surely; /* surely: with the other mark too, or twice */
  size_t open_points, open_commas, numbers, others;
} assay_cell_evidence;
void assay_cell_look_at(const char *cell, assay_cell_evidence *evidence);
/* What points and commas mean in a column. What it leaves open the columns of numbers beside it decide (`all`: their sum of `point` and
 * `comma`), and what they leave open `separator`: a point alone is one of decimals in a table that commas part. */
assay_cell_style assay_cell_style_of(const assay_cell_evidence *column, const assay_cell_evidence *all, char separator);

#endif
