/* SPDX-License-Identifier: MIT */
/* The inside of orders: how they are given (orders.c), what a bar does to them (orders_bar.c), and how they trade (orders_fill.c). */
#ifndef ASSAY_MARKET_ORDERS_H
#define ASSAY_MARKET_ORDERS_H

#include <math.h>

#include "market/backtest/engine.h"

static inline assay_waiting *assay_order_at(const assay_backtest *run, size_t i) { return (assay_waiting *)run->orders.items + i; }
/* The run ends with this. */
void assay_orders_out_of_memory(assay_backtest *run);
/* As the last one, with an id; it moves the list. NULL: out of memory, which the run knows. */
assay_waiting *assay_orders_append(assay_backtest *run, const assay_waiting *order);

/* The bar that is being traded. */
typedef struct assay_order_bar {
  double open, high, low, close;
} assay_order_bar;

static inline assay_order_bar assay_orders_bar_of(const assay_backtest *run, size_t asset) {
  const assay_bars *b = &run->data->bars[asset];
  double close = b->close[run->now];
  if (b->open == NULL) return (assay_order_bar){close, close, close, close};
  return (assay_order_bar){b->open[run->now], b->high[run->now], b->low[run->now], close};
}

static inline bool assay_orders_asset_trades(const assay_backtest *run, size_t asset) {
  return !isnan(run->data->bars[asset].close[run->now]);
}

/* Order `i` at this market; `slips`: as an order at the market, so that slippage counts. Fills may add orders. */
void assay_order_trade(assay_backtest *run, size_t i, double market, bool slips, assay_entry entry);
void assay_order_trade_target(assay_backtest *run, size_t i, double market);
double assay_order_target_quantity(const assay_backtest *run, const assay_waiting *o, double market);

#endif
