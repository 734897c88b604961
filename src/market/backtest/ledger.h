/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of a fill, in one place: the account, the engine of events and the fast path over targets go through these functions, so
 * that they agree to the last bit.
 */
#ifndef ASSAY_MARKET_LEDGER_H
#define ASSAY_MARKET_LEDGER_H

#include <math.h>
#include <stdbool.h>

#include <assay/account.h>

/* What an account knows of an asset. `cost` is what the quantity was bought for (below 0 when short). */
typedef struct assay_position {
  double quantity, price, cost;
  double realised, fees, dividends;
} assay_position;

static inline double assay_ledger_fee(const assay_fees *fees, double quantity, double value) {
  double fee = fees->per_order + fees->per_share * quantity + fees->rate * value;
  return fee < fees->least ? fees->least : fee;
}

/* What a quantity cost on average is left with it; what leaves realises the difference. */
static inline void assay_ledger_cost(assay_position *p, double quantity, double price) {
  double before = p->quantity, after = before + quantity;
  bool adds = before == 0 || (before > 0) == (quantity > 0);
  if (adds) {
    p->cost += quantity * price;
  } else if (after == 0 || (after > 0) != (before > 0)) {
    p->realised += before * price - p->cost;
    p->cost = after * price;
  } else {
    double leaves = p->cost * (quantity / before); /* below 0 for a long position, as the quantity is */
    p->realised += -quantity * price + leaves;
    p->cost += leaves;
  }
}

/* The money of a fill, without its cost basis. */
static inline void assay_ledger_pay(assay_position *p, double *cash, double quantity, double price, double fee) {
  *cash = *cash - quantity * price - fee;
  p->fees += fee;
}

#endif
