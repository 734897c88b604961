/* SPDX-License-Identifier: MIT */
/* The file behind `backtest --report`: a page or a picture, as its name ends. */
#ifndef ASSAY_CLI_BACKTEST_REPORT_H
#define ASSAY_CLI_BACKTEST_REPORT_H

#include <assay/backtest_report.h>

/* Before anything is computed: a page in a file that says it is something else helps nobody. NULL is fine. */
assay_status assay_cli_check_backtest_report(const char *path, assay_error *err);
assay_status assay_cli_write_backtest_report(const assay_backtest_view *view, const char *path, assay_error *err);

#endif
