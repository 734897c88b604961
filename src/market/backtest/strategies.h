/* SPDX-License-Identifier: MIT */
/* The ready strategies, a row of the table each. */
#ifndef ASSAY_MARKET_STRATEGIES_H
#define ASSAY_MARKET_STRATEGIES_H

#include <assay/backtest.h>

extern const assay_strategy assay_strategy_hold, assay_strategy_sma, assay_strategy_rsi, assay_strategy_bollinger, assay_strategy_pairs,
    assay_strategy_twap, assay_strategy_vwap;

/* Moving averages of a close: what the sma strategy compares, NaN while it warms up. */
assay_status assay_strategy_average(const assay_bars *bars, double rows, assay_error *err, double *average);

#endif
