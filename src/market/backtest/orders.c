/* SPDX-License-Identifier: MIT */
/* Orders as strategies give and take them back, and what happens to all of them at once. */
#include "market/backtest/orders.h"

#include <stdarg.h>
#include <string.h>

#include "base/number.h"

void assay_orders_out_of_memory(assay_backtest *run) {
  if (run->status == ASSAY_OK) run->status = ASSAY_FAIL(run->err, ASSAY_ERR_NO_MEMORY, "out of memory for the orders of a backtest");
}

void assay_backtest_reject(assay_backtest *run, const char *format, ...) {
  run->scores.rejected++;
  if (run->rejection[0] != '\0') return;
  va_list args;
  va_start(args, format);
  assay_vsnprintf(run->rejection, sizeof run->rejection, format, args);
  va_end(args);
}

/* ---- Giving orders ------------------------------------------------------------------------------------------------------------------- */

static const char *wrong_order(const assay_backtest *run, const assay_backtest_order *o) {
  bool has_limit = o->kind == ASSAY_BACKTEST_LIMIT || o->kind == ASSAY_BACKTEST_STOP_LIMIT;
  bool has_stop = o->kind == ASSAY_BACKTEST_STOP || o->kind == ASSAY_BACKTEST_STOP_LIMIT;
  if (o->asset >= run->data->assets) return "there is no such asset";
  if (!isfinite(o->quantity) || o->quantity == 0) return "the quantity is 0 or not finite";
  if (has_limit && !(o->limit > 0 && isfinite(o->limit))) return "the limit is no price above 0";
  if (has_stop && !(o->stop > 0 && isfinite(o->stop))) return "the stop is no price above 0";
  if (!(o->stop_loss >= 0 && isfinite(o->stop_loss))) return "the stop loss is no price";
  if (!(o->take_profit >= 0 && isfinite(o->take_profit))) return "the take profit is no price";
  if (o->kind > ASSAY_BACKTEST_STOP_LIMIT || o->force > ASSAY_BACKTEST_GTD) return "there is no such kind of order";
  return NULL;
}

assay_waiting *assay_orders_append(assay_backtest *run, const assay_waiting *order) {
  assay_waiting *made = assay_list_add(&run->orders, sizeof *made);
  if (made == NULL) {
    assay_orders_out_of_memory(run);
    return NULL;
  }
  *made = *order;
  made->id = ++run->last_id;
  made->given = run->now;
  made->first_bar = made->opened = SIZE_MAX;
  return made;
}

/* Memory is cleared first, so that padding compares too. */
static void note(assay_backtest *run, uint64_t what, uint64_t id, const assay_backtest_order *order, double share) {
  if (run->decisions == NULL) return;
  assay_decision *made = assay_list_add(run->decisions, sizeof *made);
  if (made == NULL) {
    assay_orders_out_of_memory(run);
    return;
  }
  memset(made, 0, sizeof *made);
  made->bar = run->now;
  made->what = what;
  made->id = id;
  made->share = share;
  if (order == NULL) return;
  made->order.asset = order->asset;
  made->order.quantity = order->quantity;
  made->order.kind = order->kind;
  made->order.limit = order->limit;
  made->order.stop = order->stop;
  made->order.force = order->force;
  made->order.until = order->until;
  made->order.stop_loss = order->stop_loss;
  made->order.take_profit = order->take_profit;
}

assay_status assay_backtest_submit(assay_backtest *run, const assay_backtest_order *order, uint64_t *id) {
  note(run, 0, 0, order, 0);
  const char *wrong = wrong_order(run, order);
  if (!run->trading) { /* it warms up */
    if (id != NULL) *id = 0;
    return ASSAY_OK;
  }
  run->scores.orders++;
  if (wrong != NULL) {
    assay_backtest_reject(run, "bar %zu: %s", run->now, wrong);
    return ASSAY_ERR_INVALID;
  }
  double lots = copysign(assay_rules_lots(&run->rules, fabs(order->quantity)), order->quantity);
  if (lots == 0) {
    assay_backtest_reject(run, "bar %zu: %g is less than a lot of %g", run->now, order->quantity, run->rules.lot);
    return ASSAY_ERR_INVALID;
  }
  assay_waiting *made = assay_orders_append(run, &(assay_waiting){.order = *order});
  if (made == NULL) return ASSAY_ERR_NO_MEMORY;
  made->order.quantity = lots;
  if (id != NULL) *id = made->id;
  return ASSAY_OK;
}

void assay_backtest_target(assay_backtest *run, size_t asset, double share) {
  note(run, 1, asset, NULL, share);
  if (asset >= run->data->assets || !isfinite(share)) {
    assay_backtest_reject(run, "bar %zu: a target of %g for asset %zu", run->now, share, asset);
    return;
  }
  if (!run->trading || run->settles) {
    run->wanted[asset] = share;
    return;
  }
  run->wanted[asset] = NAN;
  run->aims[asset] = share;
  run->scores.orders++;
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (o->is_target && !o->done && o->order.asset == asset) o->done = true;
  }
  assay_orders_append(run, &(assay_waiting){.order = {.asset = asset}, .is_target = true, .share = share});
}

bool assay_backtest_cancel(assay_backtest *run, uint64_t id) {
  note(run, 2, id, NULL, 0);
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (o->id != id || o->done) continue;
    o->done = true;
    return true;
  }
  return false;
}

void assay_backtest_cancel_all(assay_backtest *run, size_t asset) {
  note(run, 3, asset, NULL, 0);
  for (size_t i = 0; i < run->orders.count; i++)
    if (assay_order_at(run, i)->order.asset == asset) assay_order_at(run, i)->done = true;
}

bool assay_backtest_find(const assay_backtest *run, uint64_t id, assay_backtest_order *order) {
  for (size_t i = run->orders.count; i > 0; i--) { /* who asks mostly asks for the last */
    const assay_waiting *o = assay_order_at(run, i - 1);
    if (o->id != id || o->done) continue;
    *order = o->order;
    return true;
  }
  return false;
}

size_t assay_backtest_open_orders(const assay_backtest *run, size_t asset) {
  size_t count = 0;
  for (size_t i = 0; i < run->orders.count; i++) count += !assay_order_at(run, i)->done && assay_order_at(run, i)->order.asset == asset;
  return count;
}

/* ---- What happens to all orders ------------------------------------------------------------------------------------------------------ */

void assay_backtest_split_orders(assay_backtest *run, size_t asset, double ratio) {
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_backtest_order *o = &assay_order_at(run, i)->order;
    if (o->asset != asset) continue;
    o->quantity *= ratio;
    o->limit /= ratio;
    o->stop /= ratio;
    o->stop_loss /= ratio;
    o->take_profit /= ratio;
  }
}

void assay_backtest_call_margin(assay_backtest *run) {
  run->scores.margin_calls++;
  run->orders.count = 0;
  for (size_t a = 0; a < run->data->assets; a++) {
    double quantity = run->account->positions[a].quantity;
    if (quantity != 0) assay_orders_append(run, &(assay_waiting){.order = {.asset = a, .quantity = -quantity}, .is_bracket = true});
  }
}
