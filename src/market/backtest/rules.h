/* SPDX-License-Identifier: MIT */
/* What a trade may be and what it costs, as the options say: shared by the engine of events and the fast path, to the last bit. */
#ifndef ASSAY_MARKET_RULES_H
#define ASSAY_MARKET_RULES_H

#include <assay/backtest.h>

#include "market/backtest/ledger.h"

typedef struct assay_rules {
  assay_fees fees;
  double up, down, away; /* a buy pays market x up + away, a sale gets market x down - away */
  double lot, leverage, maintenance;
  double volume_share, impact;
  bool no_short, close_at_end;
} assay_rules;

static inline double assay_rules_price(const assay_rules *r, double market, bool buys) {
  double price = buys ? market * r->up + r->away : market * r->down - r->away;
  return price > 0 ? price : market * 1e-3; /* ticks that are worth more than the price */
}

/* Whole lots, and a hair more where a division rounded down. */
static inline double assay_rules_lots(const assay_rules *r, double units) {
  return r->lot > 0 ? floor(units / r->lot + 1e-9) * r->lot : units;
}

/*
 * Units that may be added to `existing` ones of the same direction after `closing` ones of the other are gone. Exposure is valued at the
 * market, equity is what is left after slippage and fees:
 *   (existing + d) market + others <= leverage (equity - fees(closing + d) - (closing + d) |price - market|)
 * solved for d. A least fee makes the fee the greater of two lines, so both have to hold.
 */
static inline double assay_rules_room(const assay_rules *r, double equity, double others, double closing, double existing, double market,
                                      double price) {
  double slip = fabs(price - market), unit = slip + r->fees.per_share + r->fees.rate * price;
  double used = others + existing * market;
  double room = (r->leverage * (equity - r->fees.per_order - closing * unit) - used) / (market + r->leverage * unit);
  if (r->fees.least > 0) {
    double other = (r->leverage * (equity - r->fees.least - closing * slip) - used) / (market + r->leverage * slip);
    room = other < room ? other : room;
  }
  return room > 0 ? room : 0;
}

/* What to trade at the market to hold `share` of equity; 0: it is there already, up to rounding. */
static inline double assay_rules_target(const assay_rules *r, double share, double equity, double others, double quantity, double market) {
  double wish = r->no_short && share < 0 ? 0 : share * equity / market;
  double change = wish - quantity, size = fabs(change);
  if (size * market <= 1e-12 * equity) return 0;
  bool buys = change > 0, turns = quantity != 0 && (quantity > 0) != buys;
  double held = fabs(quantity), closing = !turns ? 0 : size < held ? size : held, opening = size - closing;
  if (opening > 0) {
    double room = assay_rules_room(r, equity, others, closing, turns ? 0 : held, market, assay_rules_price(r, market, buys));
    if (opening > room) opening = room;
  }
  bool leaves = wish == 0 && opening == 0; /* out is out, also of what a split has made of whole lots */
  double units = leaves ? closing : assay_rules_lots(r, closing + opening);
  return buys ? units : -units;
}

#endif
