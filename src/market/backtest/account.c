/* SPDX-License-Identifier: MIT */
#include <assay/account.h>

#include <string.h>

#include "base/alloc.h"
#include "market/backtest/account.h"

/* ---- Lots (first in, first out) ------------------------------------------------------------------------------------------------------ */

/* Units bought (or sold short) at once; all lots of an asset have the same sign. */
typedef struct lot {
  double quantity, price;
} lot;

struct assay_lots {
  lot *items;
  size_t first, count, capacity; /* those that are gone stand before `first` until room is needed */
};

static bool make_room(assay_lots *lots) {
  if (lots->first + lots->count < lots->capacity) return true;
  if (lots->first > lots->capacity / 2) {
    memmove(lots->items, lots->items + lots->first, lots->count * sizeof *lots->items);
    lots->first = 0;
    return true;
  }
  size_t capacity = lots->capacity == 0 ? 16 : 2 * lots->capacity;
  lot *grown = assay_realloc(ASSAY_TAG_MARKET, lots->items, capacity, sizeof *grown);
  if (grown == NULL) return false;
  lots->items = grown;
  lots->capacity = capacity;
  return true;
}

/* Takes from the oldest lots; what is left over opens a new one. The room for it is there already. */
static void fill_lots(assay_lots *lots, assay_position *p, double quantity, double price) {
  double left = quantity;
  while (left != 0 && lots->count > 0 && (lots->items[lots->first].quantity > 0) != (left > 0)) {
    lot *oldest = &lots->items[lots->first];
    bool whole = fabs(left) >= fabs(oldest->quantity);
    double leaves = whole ? oldest->quantity : -left;
    p->realised += leaves * (price - oldest->price);
    p->cost -= leaves * oldest->price;
    left += leaves;
    oldest->quantity -= leaves;
    lots->first += whole;
    lots->count -= whole;
  }
  if (p->quantity + quantity == 0) { /* what rounding left of lots that are gone */
    lots->count = 0;
    p->cost = 0;
  } else if (left != 0) {
    lots->items[lots->first + lots->count++] = (lot){left, price};
    p->cost += left * price;
  }
}

/* ---- The account --------------------------------------------------------------------------------------------------------------------- */

static bool is_amount(double value) { return isfinite(value); }

assay_status assay_account_create(size_t assets, double cash, assay_cost_basis basis, assay_error *err, assay_account **account) {
  if (assets == 0 || assets > ASSAY_ACCOUNT_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an account has 1 to %d assets, not %zu", ASSAY_ACCOUNT_MOST_ASSETS, assets);
  if (!is_amount(cash)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the cash of an account is a finite number, not %g", cash);
  assay_account *made = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made + assets * sizeof *made->positions);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an account of %zu assets", assets);
  made->assets = assets;
  made->cash = made->deposits = cash;
  if (basis == ASSAY_COST_FIFO) {
    made->lots = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *made->lots);
    if (made->lots == NULL) {
      assay_free(made);
      return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an account of %zu assets", assets);
    }
  }
  *account = made;
  return ASSAY_OK;
}

void assay_account_destroy(assay_account *account) {
  if (account == NULL) return;
  for (size_t a = 0; account->lots != NULL && a < account->assets; a++) assay_free(account->lots[a].items);
  assay_free(account->lots);
  assay_free(account);
}

static assay_status check_asset(const assay_account *account, size_t asset, assay_error *err) {
  if (asset < account->assets) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no asset %zu: the account has %zu", asset, account->assets);
}

assay_status assay_account_fill(assay_account *account, size_t asset, double quantity, double price, double fee, assay_error *err) {
  assay_status status = check_asset(account, asset, err);
  if (status != ASSAY_OK) return status;
  if (quantity == 0 || !(price > 0) || !is_amount(quantity * price + fee))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "a fill of %g at %g for a fee of %g: needs a quantity other than 0 and a price above 0, all finite", quantity, price,
                      fee);
  assay_position *p = &account->positions[asset];
  if (account->lots != NULL && !make_room(&account->lots[asset]))
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the lots of asset %zu", asset);
  assay_ledger_pay(p, &account->cash, quantity, price, fee);
  if (account->lots != NULL)
    fill_lots(&account->lots[asset], p, quantity, price);
  else
    assay_ledger_cost(p, quantity, price);
  p->quantity += quantity;
  if (p->quantity == 0) p->quantity = 0; /* no -0 */
  if (p->price == 0) p->price = price;
  return ASSAY_OK;
}

void assay_account_mark(assay_account *account, const double *prices) {
  for (size_t a = 0; a < account->assets; a++) {
    double price = prices[a];
    account->positions[a].price = price == price ? price : account->positions[a].price;
  }
}

assay_status assay_account_split(assay_account *account, size_t asset, double ratio, assay_error *err) {
  assay_status status = check_asset(account, asset, err);
  if (status != ASSAY_OK) return status;
  if (!(ratio > 0) || !is_amount(ratio))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a split gives more than 0 units for one, not %g", ratio);
  assay_position *p = &account->positions[asset];
  p->quantity *= ratio;
  p->price /= ratio;
  assay_lots *lots = account->lots != NULL ? &account->lots[asset] : NULL;
  for (size_t i = 0; lots != NULL && i < lots->count; i++) {
    lots->items[lots->first + i].quantity *= ratio;
    lots->items[lots->first + i].price /= ratio;
  }
  return ASSAY_OK;
}

assay_status assay_account_dividend(assay_account *account, size_t asset, double per_unit, assay_error *err) {
  assay_status status = check_asset(account, asset, err);
  if (status != ASSAY_OK) return status;
  if (!is_amount(per_unit)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a dividend is a finite number, not %g", per_unit);
  double paid = account->positions[asset].quantity * per_unit;
  account->cash += paid;
  account->positions[asset].dividends += paid;
  return ASSAY_OK;
}

assay_status assay_account_deposit(assay_account *account, double amount, assay_error *err) {
  if (!is_amount(amount)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a deposit is a finite number, not %g", amount);
  account->cash += amount;
  account->deposits += amount;
  return ASSAY_OK;
}

assay_account_position assay_account_get_position(const assay_account *account, size_t asset) {
  if (asset >= account->assets) return (assay_account_position){0};
  const assay_position *p = &account->positions[asset];
  double value = p->quantity * p->price;
  return (assay_account_position){.quantity = p->quantity,
                                  .average_price = p->quantity != 0 ? p->cost / p->quantity : 0,
                                  .price = p->price,
                                  .value = value,
                                  .unrealised = value - p->cost,
                                  .realised = p->realised,
                                  .fees = p->fees,
                                  .dividends = p->dividends};
}

assay_account_totals assay_account_get_totals(const assay_account *account) {
  assay_account_totals t = {.cash = account->cash, .deposits = account->deposits};
  for (size_t a = 0; a < account->assets; a++) {
    const assay_position *p = &account->positions[a];
    double value = p->quantity * p->price;
    t.longs += value > 0 ? value : 0;
    t.shorts -= value < 0 ? value : 0;
    t.unrealised += value - p->cost;
    t.realised += p->realised;
    t.fees += p->fees;
    t.dividends += p->dividends;
  }
  t.gross = t.longs + t.shorts;
  t.net = t.longs - t.shorts;
  t.equity = t.cash + t.net;
  return t;
}

double assay_fees_of(const assay_fees *fees, double quantity, double value) {
  return quantity == 0 ? 0 : assay_ledger_fee(fees, fabs(quantity), fabs(value));
}
