/* SPDX-License-Identifier: MIT */
/* What a run begins with, and what it leaves to the next one. */
#include <math.h>
#include <string.h>

#include "market/backtest/engine.h"

/* ---- From options -------------------------------------------------------------------------------------------------------------------- */

/* Of the close of a bar, or of the last one before that had any, brought over the splits since. 0: there was none. */
static double price_at(const assay_backtest_data *data, size_t asset, size_t bar) {
  const double *close = data->bars[asset].close;
  size_t behind = bar + 1;
  while (behind > 0 && isnan(close[behind - 1])) behind--;
  if (behind == 0) return 0;
  double price = close[behind - 1];
  for (size_t i = 0; i < data->action_count; i++) {
    const assay_backtest_action *a = &data->actions[i];
    if (a->asset == asset && a->bar >= behind && a->bar <= bar && a->split != 0) price /= a->split;
  }
  return price;
}

double assay_backtest_equity_at(const assay_backtest_options *options, const assay_backtest_data *data, size_t first) {
  double value = 0;
  for (size_t a = 0; options->held != NULL && a < data->assets; a++)
    if (options->held[a].quantity != 0) value += options->held[a].quantity * price_at(data, a, first);
  return assay_backtest_cash_of(options) + value;
}

static assay_status wrong_position(const assay_backtest_data *data, size_t asset, const char *what, assay_error *err) {
  if (data->names != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the position in %s to begin with: %s", data->names[asset], what);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the position in asset %zu to begin with: %s", asset, what);
}

assay_status assay_backtest_check_held(const assay_backtest_options *options, const assay_backtest_data *data, size_t first,
                                       assay_error *err) {
  if (options->held == NULL) return ASSAY_OK;
  for (size_t a = 0; a < data->assets; a++) {
    const assay_backtest_held *h = &options->held[a];
    if (!(fabs(h->quantity) <= 1e15)) return wrong_position(data, a, "the quantity is a finite number", err);
    if (!(h->price >= 0 && h->price <= 1e15)) return wrong_position(data, a, "the price is above 0, or 0 for that of its first bar", err);
    if (h->quantity < 0 && options->no_short) return wrong_position(data, a, "it is short, and nothing may be", err);
    if (h->quantity != 0 && price_at(data, a, first) == 0) return wrong_position(data, a, "there is no close up to its first bar", err);
  }
  double equity = assay_backtest_equity_at(options, data, first);
  if (equity > 0 && isfinite(equity)) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "cash and positions to begin with are worth %g at bar %zu: nothing is there to trade with",
                    equity, first);
}

/* As if it had been bought with money from outside. */
static void endow(assay_backtest *run, size_t asset, const assay_backtest_held *held) {
  assay_account *account = run->account;
  double cash = account->cash, price = held->price > 0 ? held->price : account->positions[asset].price;
  assay_status status = assay_account_fill(account, asset, held->quantity, price, 0, run->err);
  if (status != ASSAY_OK && run->status == ASSAY_OK) run->status = status;
  account->cash = cash;
  account->deposits += held->quantity * price;
  assay_trip_open(&run->trips[asset], held->quantity, price, 0, run->now);
}

/* ---- From the run before ------------------------------------------------------------------------------------------------------------- */

static void take_account(assay_backtest *run, assay_carry *carry) {
  assay_account *to = run->account, *from = carry->account;
  assay_lots *lots = to->lots;
  to->cash = from->cash;
  to->deposits = from->deposits;
  to->lots = from->lots;
  from->lots = lots;
  memcpy(to->positions, from->positions, to->assets * sizeof *to->positions);
  memcpy(run->trips, carry->trips, to->assets * sizeof *run->trips);
  memcpy(run->aims, carry->aims, to->assets * sizeof *run->aims);
}

/* Bars count from the same beginning in both runs, so what waits goes on as it is. */
static void take_orders(assay_backtest *run, const assay_carry *carry) {
  for (size_t i = 0; i < carry->orders.count; i++) {
    assay_waiting *made = assay_list_add(&run->orders, sizeof *made);
    if (made == NULL && run->status == ASSAY_OK)
      run->status = ASSAY_FAIL(run->err, ASSAY_ERR_NO_MEMORY, "out of memory for the orders of a backtest");
    if (made == NULL) return;
    *made = ((const assay_waiting *)carry->orders.items)[i];
    run->last_id = made->id;
  }
}

void assay_backtest_take_over(assay_backtest *run) {
  const assay_backtest_held *held = run->options->held;
  if (run->carry != NULL && run->carry->account != NULL) {
    take_account(run, run->carry);
    take_orders(run, run->carry);
    assay_carry_drop(run->carry);
  } else {
    for (size_t a = 0; held != NULL && a < run->data->assets; a++) {
      if (held[a].quantity == 0) continue;
      endow(run, a, &held[a]);
      run->aims[a] = NAN;
    }
  }
  run->settles = held != NULL;
  run->first_equity = assay_backtest_equity(run);
  run->scores.tally = assay_tally_first(run->first_equity);
}

/* ---- To the next run ----------------------------------------------------------------------------------------------------------------- */

/* What has been earned and paid so far was this run's. */
static void begin_anew(assay_account *account) {
  account->deposits = account->cash;
  for (size_t a = 0; a < account->assets; a++) {
    assay_position *p = &account->positions[a];
    p->realised = p->fees = p->dividends = 0;
    account->deposits += p->cost;
  }
}

static bool goes_over(const assay_waiting *o) { return !o->done && (o->is_target || o->is_bracket); }

/* Sides of a bracket are numbered anew, and find each other. */
static bool hand_orders(assay_backtest *run, assay_list *to) {
  const assay_waiting *from = run->orders.items;
  for (size_t i = 0; i < run->orders.count; i++) {
    if (!goes_over(&from[i])) continue;
    assay_waiting *made = assay_list_add(to, sizeof *made);
    if (made == NULL) return false;
    *made = from[i];
  }
  assay_waiting *all = to->items;
  for (size_t i = 0; i < to->count; i++) {
    uint64_t sibling = 0;
    for (size_t k = 0; all[i].sibling != 0 && k < run->orders.count && sibling == 0; k++) {
      size_t place = 0;
      if (from[k].id != all[i].sibling || !goes_over(&from[k])) continue;
      for (size_t before = 0; before < k; before++) place += goes_over(&from[before]);
      sibling = place + 1;
    }
    all[i].sibling = sibling;
  }
  for (size_t i = 0; i < to->count; i++) all[i].id = i + 1;
  return true;
}

static assay_status no_memory(assay_error *err) { return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for what is held"); }

assay_status assay_backtest_hand_over(assay_backtest *run, assay_error *err) {
  assay_carry made = {.account = run->account, .trips = run->trips, .aims = run->aims, .last = run->carry->last};
  bool done = hand_orders(run, &made.orders);
  if (done) {
    run->account = NULL;
    run->trips = NULL;
    run->aims = NULL;
    begin_anew(made.account);
    *run->carry = made;
    return ASSAY_OK;
  }
  assay_free(made.orders.items);
  return no_memory(err);
}

/* ---- The fast path ------------------------------------------------------------------------------------------------------------------- */

void assay_fast_take_over(assay_fast *fast, const assay_carry *carry) {
  fast->cash = carry->account->cash;
  fast->position = carry->account->positions[0];
  fast->trip = carry->trips[0];
  fast->aim = carry->aims[0];
}

assay_status assay_fast_hand_over(const assay_fast *fast, assay_carry *carry, assay_error *err) {
  assay_carry made = {.last = carry->last};
  assay_status status = assay_account_create(1, fast->cash, ASSAY_COST_AVERAGE, err, &made.account);
  made.trips = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made.trips);
  made.aims = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made.aims);
  if (status == ASSAY_OK && (made.trips == NULL || made.aims == NULL)) status = no_memory(err);
  if (status != ASSAY_OK) {
    assay_carry_drop(&made);
    return status;
  }
  made.account->positions[0] = fast->position;
  made.trips[0] = fast->trip;
  made.aims[0] = fast->aim;
  begin_anew(made.account);
  assay_carry_drop(carry);
  *carry = made;
  return ASSAY_OK;
}

/* ---- Between runs -------------------------------------------------------------------------------------------------------------------- */

void assay_carry_put_held(const assay_carry *carry, size_t assets, assay_backtest_held *held) {
  for (size_t a = 0; a < assets; a++) {
    assay_account_position p = assay_account_get_position(carry->account, a);
    held[a] = (assay_backtest_held){p.quantity, p.average_price};
  }
}

void assay_carry_drop(assay_carry *carry) {
  assay_account_destroy(carry->account);
  assay_free(carry->trips);
  assay_free(carry->aims);
  assay_free(carry->orders.items);
  *carry = (assay_carry){.last = carry->last};
}
