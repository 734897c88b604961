/* SPDX-License-Identifier: MIT */
/*
 * assay/account.h: cash and positions in many assets: fills, cost basis, realised and unrealised profit, exposure, splits and dividends.
 *
 *     assay_account *account = NULL;
 *     assay_account_create(2, 10000, ASSAY_COST_AVERAGE, &err, &account);       // two assets, 10,000 in cash
 *     assay_account_fill(account, 0, 100, 20.0, 1.5, &err);                     // buys 100 of the first at 20, for a fee of 1.50
 *     assay_account_fill(account, 1, -50, 10.0, 1.5, &err);                     // sells 50 of the second short
 *     assay_account_mark(account, (double[]){21.0, 9.0});
 *     assay_account_totals now = assay_account_get_totals(account);             // equity 10,147: 100 + 50 - 3 earned
 *     assay_account_destroy(account);
 *
 * Signs: a quantity above 0 is held (long), below 0 is owed (short). Money is in one currency.
 * Always: equity = cash + sum of quantity x price, and also first cash + deposits + realised + unrealised + dividends - fees, to rounding.
 * Realised profit does not contain fees; those are kept by themselves.
 *
 * Thread-safety: an account belongs to one thread at a time.
 */
#ifndef ASSAY_ACCOUNT_H
#define ASSAY_ACCOUNT_H

#include <stddef.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_ACCOUNT_MOST_ASSETS = 65536 };

/* What an order costs: per_order + per_share |quantity| + rate |value|, and at least `least`. All at least 0. */
typedef struct assay_fees {
  double per_order, per_share;
  double rate;  /* of the traded value: 0.0005 for 5 basis points */
  double least; /* of an order that trades */
} assay_fees;

/* The fee of an order so far: of all that it has traded, as |quantity| and |value|; 0 while that is nothing. */
ASSAY_API double assay_fees_of(const assay_fees *fees, double quantity, double value);

/* Which of the units bought a sale sells. Equity does not depend on it; how profit is parted into realised and unrealised does. */
typedef enum assay_cost_basis {
  ASSAY_COST_AVERAGE, /* all at the average price */
  ASSAY_COST_FIFO     /* those that were bought first */
} assay_cost_basis;

typedef struct assay_account assay_account;

ASSAY_API assay_status assay_account_create(size_t assets, double cash, assay_cost_basis basis, assay_error *err, assay_account **account);
/* Accepts NULL. */
ASSAY_API void assay_account_destroy(assay_account *account);

/*
 * Trades `quantity` (above 0 buys) at `price` (above 0). The last price of the asset becomes this one if it has none yet. Cash may become
 * negative: what may be traded is for others to say. ASSAY_ERR_INVALID for an asset that there is not and for numbers that are not
 * finite; nothing has changed then.
 */
ASSAY_API assay_status assay_account_fill(assay_account *account, size_t asset, double quantity, double price, double fee,
                                          assay_error *err);
/* New prices of all assets; one that is NaN stays what it was. */
ASSAY_API void assay_account_mark(assay_account *account, const double *prices);
/* `ratio` new units for one old: 2 for 2:1, 0.1 for a reverse 1:10. Value and cost stay. */
ASSAY_API assay_status assay_account_split(assay_account *account, size_t asset, double ratio, assay_error *err);
/* Pays `per_unit` on what is held; what is short pays it. */
ASSAY_API assay_status assay_account_dividend(assay_account *account, size_t asset, double per_unit, assay_error *err);
/* Adds to cash, or takes. */
ASSAY_API assay_status assay_account_deposit(assay_account *account, double amount, assay_error *err);

typedef struct assay_account_position {
  double quantity;
  double average_price; /* that the quantity was bought (or sold short) at; 0 without a position */
  double price;         /* the last; 0: none yet */
  double value;         /* quantity x price */
  double unrealised, realised, fees, dividends;
} assay_account_position;

/* Zeros for an asset that there is not. */
ASSAY_API assay_account_position assay_account_get_position(const assay_account *account, size_t asset);

typedef struct assay_account_totals {
  double cash, equity;
  double longs, shorts; /* value of what is held, and of what is owed as a number above 0 */
  double gross, net;    /* longs + shorts, longs - shorts */
  double unrealised, realised, fees, dividends, deposits;
} assay_account_totals;

/* At the prices of the last mark. */
ASSAY_API assay_account_totals assay_account_get_totals(const assay_account *account);

#ifdef __cplusplus
}
#endif
#endif
