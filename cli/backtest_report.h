/* SPDX-License-Identifier: MIT */
/* The files behind `backtest --report`: a page, a picture or a table, as the name ends. */
#ifndef ASSAY_CLI_BACKTEST_REPORT_H
#define ASSAY_CLI_BACKTEST_REPORT_H

#include <assay/backtest_report.h>

#include "cli/cli.h"

/* Before anything is computed: a page in a file that says it is something else helps nobody. */
assay_status assay_cli_check_backtest_reports(const assay_cli_words *paths, assay_error *err);
/* Where there is nothing but a table to write. */
assay_status assay_cli_backtest_only_tables(const assay_cli_words *paths, assay_error *err);
/* `table` is what stands in FILE.csv; NULL: no path ends so, or out of memory. */
assay_status assay_cli_write_backtest_reports(const assay_backtest_view *view, const assay_buf *table, const assay_cli_words *paths,
                                              assay_error *err);

#endif
