/* SPDX-License-Identifier: MIT */
/* assay backtest over a recorded order book: what it was given, out of the verb's options. */
#ifndef ASSAY_CLI_BACKTEST_BOOK_H
#define ASSAY_CLI_BACKTEST_BOOK_H

#include <assay/book_backtest.h>

#include "cli/cli.h"

typedef struct assay_cli_book_settings {
  const char *feed, *format, *symbol;
  double feed_us, order_us, maker_bps, taker_bps;
  const assay_cli_words *reports; /* files */
  bool skip_malformed;            /* messages of the feed are passed and told; else the first is an error */
  double cash;                    /* that a report's equity begins with */
} assay_cli_book_settings;

/* The strategy of a book by name, in any case; NULL when there is none. */
const assay_book_strategy *assay_cli_book_strategy(const char *name);
/* Runs it on the file; `parameters` are "NAME=NUMBER". Returns the exit code. */
int assay_cli_backtest_book(assay_cli *cli, const assay_book_strategy *strategy, const assay_cli_book_settings *settings,
                            const assay_cli_words *parameters, bool json, bool color);

#endif
