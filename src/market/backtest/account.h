/* SPDX-License-Identifier: MIT */
/* The inside of an account, for the engine, which looks at every position on every bar. */
#ifndef ASSAY_MARKET_ACCOUNT_H
#define ASSAY_MARKET_ACCOUNT_H

#include "market/backtest/ledger.h"

typedef struct assay_lots assay_lots;

struct assay_account {
  size_t assets;
  double cash, deposits;
  assay_lots *lots; /* NULL: average cost */
  assay_position positions[];
};

#endif
