/* SPDX-License-Identifier: MIT */
/* Bars of one asset or of several out of tables: a file an asset, or one file whose rows name their asset. */
#ifndef ASSAY_CLI_BARS_H
#define ASSAY_CLI_BARS_H

#include <assay/backtest.h>

#include "cli/table.h"

typedef struct assay_cli_bars_settings {
  assay_cli_words files, assets; /* assets: those wanted of `by`; empty: all */
  const char *by, *column;       /* column of the close; NULL: the usual ones */
  bool adjusted;
} assay_cli_bars_settings;

typedef struct assay_cli_bars {
  assay_backtest_data data; /* in the invocation's arena; assets that are not in all rows are NaN there */
  size_t rows;              /* bars */
  bool is_part;             /* there are other assets too: what is said of those is no mistake */
  const char *note;         /* what was taken for granted: a sentence for people; NULL: nothing */
} assay_cli_bars;

assay_status assay_cli_bars_read(assay_cli *cli, const assay_cli_bars_settings *settings, assay_error *err, assay_cli_bars *bars);
/* What a file calls its asset: "dir/MSFT.csv.gz" is "MSFT". */
const char *assay_cli_bars_name(assay_arena *arena, const char *path);
/* One asset of several by itself: the bars at which it trades, in the invocation's arena. */
assay_status assay_cli_bars_take(assay_cli *cli, const assay_cli_bars *all, size_t asset, assay_error *err, assay_cli_bars *own);
/*
 * Splits and dividends out of a table with the columns date, split and dividend (one of the two may be missing, and cells may be empty),
 * and asset where there are several: they go into bars->data, each before the first bar that is not before its date.
 */
assay_status assay_cli_bars_actions(assay_cli *cli, const char *path, assay_error *err, assay_cli_bars *bars);

/* ---- What the files about bars share (bars_times.c) ---------------------------------------------------------------------------------- */

/*
 * 01/05/2024: which number is the day the whole column says (a 13th month, or an order in time of each series that only one of both has),
 * or nothing does: then it is refused, since a guess would be a wrong year of bars. Such names as "day" may as well be those of numbers.
 */
assay_status assay_cli_bars_times(assay_cli *cli, const assay_cli_table *table, size_t by, assay_error *err, assay_cli_times *times);
/* The date of a row; false: its cell says none, which is refused where the row is a bar. */
bool assay_cli_bars_date(const assay_cli_table *table, const assay_cli_times *times, size_t row, int64_t *ns);
/* That refusal. */
assay_status assay_cli_bars_odd_date(const assay_cli_table *table, const assay_cli_times *times, size_t row, assay_error *err);

#endif
