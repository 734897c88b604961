/* SPDX-License-Identifier: MIT */
/* The files behind `backtest --report`: a page, a picture or a table, as the name ends. */
#ifndef ASSAY_CLI_BACKTEST_REPORT_H
#define ASSAY_CLI_BACKTEST_REPORT_H

#include <assay/backtest_report.h>

#include "cli/cli.h"

/* Before anything is computed: a page in a file that says it is something else helps nobody. */
assay_status assay_cli_check_backtest_reports(const assay_cli_words *paths, assay_error *err);
/* Where there is a page and a table, and no picture. */
assay_status assay_cli_backtest_no_pictures(const assay_cli_words *paths, assay_error *err);
bool assay_cli_backtest_has_page(const assay_cli_words *paths);
/* `table` is what stands in FILE.csv; NULL: no path ends so, or out of memory. */
assay_status assay_cli_write_backtest_reports(const assay_backtest_view *view, const assay_buf *table, const assay_cli_words *paths,
                                              assay_error *err);
/* The same of many symbols. */
assay_status assay_cli_write_each_reports(const assay_backtest_each_view *view, const assay_buf *table, const assay_cli_words *paths,
                                          assay_error *err);

#endif
