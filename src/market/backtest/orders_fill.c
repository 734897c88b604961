/* SPDX-License-Identifier: MIT */
/* How an order trades: what margin, volume and costs leave of it, what it does to position and brackets; and how an account ends. */
#include "market/backtest/orders.h"

/* A part of a fill that is left after the bar's volume is shared out, and the price that its size moves. */
static double within_volume(const assay_backtest *run, size_t asset, double quantity) {
  if (run->volume_left == NULL) return quantity;
  double most = assay_rules_lots(&run->rules, run->volume_left[asset]);
  return fabs(quantity) <= most ? quantity : copysign(most, quantity);
}

static double moved(const assay_backtest *run, size_t asset, double quantity, double price) {
  if (run->rules.impact == 0) return price;
  double volume = run->data->bars[asset].volume[run->now], share = volume > 0 ? fabs(quantity) / volume : 1;
  double by = run->rules.impact * share * share;
  return quantity > 0 ? price * (1 + by) : price * (by < 0.999 ? 1 - by : 0.001);
}

static void keep(assay_backtest *run, const assay_backtest_fill *fill, double before, const assay_trip *closed) {
  if (run->options->keep_fills) {
    assay_backtest_fill *kept = assay_list_add(&run->fills, sizeof *kept);
    if (kept == NULL) assay_orders_out_of_memory(run);
    if (kept != NULL) *kept = *fill;
  }
  if (closed == NULL || !run->options->keep_trades) return;
  assay_backtest_trade *trade = assay_list_add(&run->trades, sizeof *trade);
  if (trade == NULL) assay_orders_out_of_memory(run);
  if (trade != NULL) *trade = assay_trip_trade(closed, fill->asset, fill->bar, before);
}

/* The stop loss and take profit of what has just traded. */
static void add_bracket(assay_backtest *run, const assay_waiting *parent, double quantity, double price, assay_entry entry) {
  assay_backtest_order o = parent->order;
  double stop = o.stop_loss, profit = o.take_profit;
  assay_waiting side = {.order = {.asset = o.asset, .quantity = -quantity}, .is_bracket = true, .entry = entry, .entry_price = price};
  uint64_t first = 0;
  if (stop > 0) {
    side.order.kind = ASSAY_BACKTEST_STOP;
    side.order.stop = stop;
    assay_waiting *made = assay_orders_append(run, &side);
    if (made != NULL) first = made->id;
  }
  if (profit > 0) {
    side.order.kind = ASSAY_BACKTEST_LIMIT;
    side.order.stop = 0;
    side.order.limit = profit;
    side.sibling = first;
    assay_waiting *made = assay_orders_append(run, &side);
    for (size_t i = 0; made != NULL && first != 0 && i < run->orders.count; i++)
      if (assay_order_at(run, i)->id == first) assay_order_at(run, i)->sibling = made->id;
  }
}

/* The other side of a bracket has that much less to close. */
static void shrink_sibling(assay_backtest *run, uint64_t sibling, double quantity) {
  for (size_t i = 0; sibling != 0 && i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (o->id != sibling) continue;
    o->order.quantity -= quantity;
    if (fabs(o->order.quantity) <= 1e-12 * fabs(quantity)) o->done = true;
  }
}

/* Brackets belong to the position that they close: they go with it, and never have more to close than there is. */
static void hold_brackets(assay_backtest *run, size_t asset) {
  double held = run->account->positions[asset].quantity;
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (!o->is_bracket || o->done || o->order.asset != asset) continue;
    bool closes = held != 0 && (held > 0) != (o->order.quantity > 0);
    if (!closes)
      o->done = true;
    else if (fabs(o->order.quantity) > fabs(held))
      o->order.quantity = -held;
  }
}

/* What of a fill opened a position or added to one. */
static double opened_by(double before, double quantity) {
  bool turns = before != 0 && (before > 0) != (quantity > 0);
  if (!turns) return quantity;
  return fabs(quantity) > fabs(before) ? before + quantity : 0;
}

/* `i`, not a pointer: a fill may add orders, and the list moves. */
static void fill(assay_backtest *run, size_t i, double quantity, double market, double price, assay_entry entry) {
  assay_waiting *o = assay_order_at(run, i);
  size_t asset = o->order.asset;
  assay_position *p = &run->account->positions[asset];
  double size = fabs(quantity), before = p->quantity, equity = run->equity_now;
  o->traded += size;
  o->value += size * price;
  double fee = assay_ledger_fee(&run->rules.fees, o->traded, o->value) - o->fee;
  o->fee += fee;
  assay_error problem = {0};
  if (assay_account_fill(run->account, asset, quantity, price, fee, &problem) != ASSAY_OK) {
    if (run->status == ASSAY_OK) run->status = ASSAY_FAIL(run->err, problem.status, "bar %zu: %s", run->now, problem.message);
    o->done = true;
    return;
  }
  p->price = market;
  run->equity_now = run->equity_now - fee - quantity * (price - market);
  run->gross_now += fabs(p->quantity) * market - fabs(before) * market;
  if (run->volume_left != NULL) run->volume_left[asset] -= size;
  assay_backtest_fill made = {.order = o->id, .bar = run->now, .asset = asset, .quantity = quantity, .price = price, .fee = fee};
  assay_trip closed;
  bool ends = assay_scores_fill(&run->scores, &run->trips[asset], before, quantity, price, fee, run->now, equity, &closed);
  keep(run, &made, before, ends ? &closed : NULL);
  if (!o->is_target) {
    o->order.quantity -= quantity;
    o->done = o->done || fabs(o->order.quantity) <= 1e-12 * o->traded;
  }
  uint64_t sibling = o->sibling;
  double opened = opened_by(before, quantity);
  bool has_bracket = opened != 0 && !o->is_target && (o->order.stop_loss > 0 || o->order.take_profit > 0);
  if (sibling != 0) shrink_sibling(run, sibling, quantity);
  if (opened != quantity) hold_brackets(run, asset);
  if (has_bracket) add_bracket(run, &(assay_waiting){.order = assay_order_at(run, i)->order}, opened, price, entry);
  if (run->strategy->on_fill != NULL) run->strategy->on_fill(run, &made, run->state);
}

/* What closes a position may always trade; what opens one needs room. A bracket only closes. */
static double allowed(assay_backtest *run, assay_waiting *o, double market, double price) {
  const assay_position *p = &run->account->positions[o->order.asset];
  double quantity = o->order.quantity, held = fabs(p->quantity), size = fabs(quantity);
  bool turns = p->quantity != 0 && (p->quantity > 0) != (quantity > 0);
  double closing = !turns ? 0 : size < held ? size : held, opening = size - closing;
  if (o->is_bracket) {
    if (closing == 0) o->done = true;
    return copysign(closing, quantity);
  }
  if (opening == 0) return quantity;
  if (run->rules.no_short && quantity < 0) {
    assay_backtest_reject(run, "bar %zu: an order sells %g where %g are held, and nothing may be sold short", run->now, size,
                          turns ? held : 0);
    o->done = true;
    return 0;
  }
  double others = run->gross_now - held * market;
  double room = assay_rules_room(&run->rules, run->equity_now, others, closing, turns ? 0 : held, market, price);
  if (opening <= room * (1 + 1e-12)) return quantity;
  assay_backtest_reject(run, "bar %zu: an order of %g at %g needs more than the equity of %g allows (%g)", run->now, quantity, price,
                        run->equity_now, copysign(closing + room, quantity));
  o->done = true;
  return 0;
}

void assay_order_trade(assay_backtest *run, size_t i, double market, bool slips, assay_entry entry) {
  assay_waiting *o = assay_order_at(run, i);
  bool buys = o->order.quantity > 0;
  double price = slips ? assay_rules_price(&run->rules, market, buys) : market;
  double wanted = allowed(run, o, market, price), quantity = wanted == 0 ? 0 : within_volume(run, o->order.asset, wanted);
  if (o->order.force == ASSAY_BACKTEST_FOK && quantity != wanted) {
    o->done = true;
    return;
  }
  if (quantity != 0) fill(run, i, quantity, market, slips ? moved(run, o->order.asset, quantity, price) : price, entry);
}

double assay_order_target_quantity(const assay_backtest *run, const assay_waiting *o, double market) {
  const assay_position *p = &run->account->positions[o->order.asset];
  double others = run->gross_now - fabs(p->quantity) * market;
  return assay_rules_target(&run->rules, o->share, run->equity_now, others, p->quantity, market);
}

void assay_order_trade_target(assay_backtest *run, size_t i, double market) {
  assay_waiting *o = assay_order_at(run, i);
  o->done = true;
  if (!(run->equity_now > 0)) return;
  double wanted = assay_order_target_quantity(run, o, market);
  if (wanted == 0) return;
  double quantity = within_volume(run, o->order.asset, wanted);
  o->done = quantity == wanted;
  if (quantity != 0)
    fill(run, i, quantity, market, moved(run, o->order.asset, quantity, assay_rules_price(&run->rules, market, quantity > 0)),
         ASSAY_ENTRY_OPEN);
}

/* ---- The end of an account ----------------------------------------------------------------------------------------------------------- */

double assay_backtest_close_all(assay_backtest *run) {
  for (size_t a = 0; a < run->data->assets && run->status == ASSAY_OK; a++) {
    assay_position *p = &run->account->positions[a];
    double before = p->quantity, market = p->price, equity = assay_backtest_equity(run);
    if (before == 0) continue;
    double price = assay_rules_price(&run->rules, market, before < 0);
    if (assay_orders_asset_trades(run, a)) price = moved(run, a, -before, price);
    double fee = assay_ledger_fee(&run->rules.fees, fabs(before), fabs(before) * price);
    assay_backtest_fill made = {.bar = run->now, .asset = a, .quantity = -before, .price = price, .fee = fee};
    assay_trip closed;
    run->status = assay_account_fill(run->account, a, -before, price, fee, run->err);
    if (run->status != ASSAY_OK) break;
    p->price = market;
    assay_scores_fill(&run->scores, &run->trips[a], before, -before, price, fee, run->now, equity, &closed);
    keep(run, &made, before, &closed);
    if (run->strategy->on_fill != NULL) run->strategy->on_fill(run, &made, run->state);
  }
  return 0;
}

void assay_backtest_ruin(assay_backtest *run) {
  run->orders.count = 0;
  for (size_t a = 0; a < run->data->assets; a++) {
    assay_position *p = &run->account->positions[a];
    double before = p->quantity;
    if (before == 0) continue;
    assay_trip_close(&run->trips[a], &run->scores, -before, p->price, 0);
    if (run->options->keep_trades) {
      assay_backtest_trade *made = assay_list_add(&run->trades, sizeof *made);
      if (made == NULL) assay_orders_out_of_memory(run);
      if (made != NULL) *made = assay_trip_trade(&run->trips[a], a, run->now, before);
    }
    assay_account_fill(run->account, a, -before, p->price, 0, NULL);
  }
}
