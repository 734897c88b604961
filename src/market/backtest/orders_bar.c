/* SPDX-License-Identifier: MIT */
/* What a bar does to the orders that wait: which trade at its open, which within it, and which are over. The rules stand in
 * assay/backtest.h. */
#include "market/backtest/orders.h"

static bool is_stop(const assay_waiting *o) {
  return !o->triggered && (o->order.kind == ASSAY_BACKTEST_STOP || o->order.kind == ASSAY_BACKTEST_STOP_LIMIT);
}

static bool reached(bool upwards, double price, double level) { return upwards ? price >= level : price <= level; }

/* Would it trade at the open? Triggers stops that the open is beyond. */
static bool at_open(assay_waiting *o, const assay_order_bar *b, size_t now) {
  if (o->is_target || o->order.kind == ASSAY_BACKTEST_MARKET) return true;
  bool buys = o->order.quantity > 0;
  if (is_stop(o)) {
    if (!reached(buys, b->open, o->order.stop)) return false;
    o->triggered = true;
    o->limit_from = now;
    if (o->order.kind == ASSAY_BACKTEST_STOP) return true;
  }
  if (o->triggered && o->order.kind == ASSAY_BACKTEST_STOP) return true; /* part of it waits for volume */
  return reached(!buys, b->open, o->order.limit);
}

static bool slips(const assay_waiting *o) { return o->order.kind == ASSAY_BACKTEST_MARKET || o->order.kind == ASSAY_BACKTEST_STOP; }

static bool reduces(const assay_backtest *run, const assay_waiting *o, double market) {
  double held = run->account->positions[o->order.asset].quantity;
  double change = o->is_target ? assay_order_target_quantity(run, o, market) : o->order.quantity;
  return held != 0 && (held > 0) != (change > 0) && fabs(change) <= fabs(held);
}

/* Each order once: what reduces may change its mind on the way, when another has turned the position. */
static void trade_at_open(assay_backtest *run, bool reducing) {
  size_t count = run->orders.count;
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (o->done || o->first_bar == SIZE_MAX || !assay_orders_asset_trades(run, o->order.asset)) continue;
    assay_order_bar b = assay_orders_bar_of(run, o->order.asset);
    if (!at_open(o, &b, run->now) || o->opened == run->now || (reducing && !reduces(run, o, b.open))) continue;
    o->opened = run->now;
    if (o->is_target)
      assay_order_trade_target(run, i, b.open);
    else
      assay_order_trade(run, i, b.open, slips(o), ASSAY_ENTRY_OPEN);
  }
}

static bool is_new(const assay_backtest *run, const assay_waiting *o) { return o->is_bracket && o->given == run->now; }

/* A stop that the bar reaches after its open. True when it traded. */
static bool trade_stop(assay_backtest *run, size_t i) {
  assay_waiting *o = assay_order_at(run, i);
  assay_order_bar b = assay_orders_bar_of(run, o->order.asset);
  bool buys = o->order.quantity > 0;
  double stop = o->order.stop;
  if (!reached(buys, buys ? b.high : b.low, stop)) return false;
  o->triggered = true;
  o->limit_from = run->now + 1;
  if (o->order.kind == ASSAY_BACKTEST_STOP) {
    /* Of a bracket that begins beyond its own stop: where the position began. */
    bool beyond = is_new(run, o) && reached(buys, o->entry_price, stop);
    double before = o->traded;
    assay_order_trade(run, i, beyond ? o->entry_price : stop, true, ASSAY_ENTRY_STOP);
    return assay_order_at(run, i)->traded > before;
  }
  double limit = o->order.limit, market = reached(!buys, stop, limit) ? stop : reached(!buys, b.close, limit) ? limit : NAN;
  if (isnan(market)) return false;
  assay_order_trade(run, i, market, false, ASSAY_ENTRY_STOP);
  return true;
}

/* A limit that the bar reaches after its open. */
static bool trade_limit(assay_backtest *run, size_t i) {
  assay_waiting *o = assay_order_at(run, i);
  assay_order_bar b = assay_orders_bar_of(run, o->order.asset);
  bool buys = o->order.quantity > 0, surely_later = is_new(run, o) && o->entry == ASSAY_ENTRY_LIMIT;
  double limit = o->order.limit, best = surely_later ? b.close : buys ? b.low : b.high;
  if (!reached(!buys, best, limit)) return false;
  bool better = is_new(run, o) && o->entry != ASSAY_ENTRY_LIMIT && reached(!buys, o->entry_price, limit);
  double before = o->traded;
  assay_order_trade(run, i, better ? o->entry_price : limit, false, ASSAY_ENTRY_LIMIT);
  return assay_order_at(run, i)->traded > before;
}

/* Once through all stops, then all limits; brackets that are born on the way are looked at by the next pass. */
static bool trade_within(assay_backtest *run) {
  bool any = false;
  size_t count = run->orders.count;
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    bool waits = !o->done && (o->first_bar != SIZE_MAX || is_new(run, o)) && is_stop(o) && assay_orders_asset_trades(run, o->order.asset);
    if (waits && trade_stop(run, i)) any = true;
  }
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    bool has_limit =
        o->order.kind == ASSAY_BACKTEST_LIMIT || (o->order.kind == ASSAY_BACKTEST_STOP_LIMIT && o->triggered && o->limit_from <= run->now);
    bool waits = !o->done && !o->is_target && (o->first_bar != SIZE_MAX || is_new(run, o)) && has_limit &&
                 assay_orders_asset_trades(run, o->order.asset);
    if (waits && trade_limit(run, i)) any = true;
  }
  return any;
}

static int64_t day_of(const assay_backtest *run, size_t at) {
  const int64_t *times = run->data->bars[0].times;
  int64_t day = INT64_C(86400000000000);
  return times == NULL ? (int64_t)at : times[at] / day - (times[at] % day < 0);
}

static bool has_expired(const assay_backtest *run, const assay_waiting *o) {
  if (o->order.force == ASSAY_BACKTEST_GTD) return run->now > o->order.until;
  return o->order.force == ASSAY_BACKTEST_DAY && o->first_bar != SIZE_MAX && day_of(run, run->now) != day_of(run, o->first_bar);
}

static void begin_bar(assay_backtest *run) {
  run->equity_now = run->account->cash;
  run->gross_now = 0;
  for (size_t a = 0; a < run->data->assets; a++) {
    assay_position *p = &run->account->positions[a];
    if (assay_orders_asset_trades(run, a)) p->price = assay_orders_bar_of(run, a).open;
    run->equity_now += p->quantity * p->price;
    run->gross_now += fabs(p->quantity) * p->price;
    if (run->volume_left == NULL) continue;
    double volume = run->data->bars[a].volume[run->now];
    run->volume_left[a] = assay_orders_asset_trades(run, a) ? run->rules.volume_share * volume : 0;
  }
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    if (has_expired(run, o)) o->done = true;
    if (o->first_bar == SIZE_MAX && assay_orders_asset_trades(run, o->order.asset)) o->first_bar = run->now;
  }
}

static void end_bar(assay_backtest *run) {
  size_t kept = 0;
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = assay_order_at(run, i);
    bool at_once = o->order.force == ASSAY_BACKTEST_IOC || o->order.force == ASSAY_BACKTEST_FOK;
    if (o->done || (at_once && o->first_bar == run->now)) continue;
    if (kept != i) *assay_order_at(run, kept) = *o;
    kept++;
  }
  run->orders.count = kept;
}

void assay_backtest_trade_bar(assay_backtest *run) {
  begin_bar(run);
  trade_at_open(run, true);
  trade_at_open(run, false);
  /* A market order has traded by now; orders that wait for a price may go on. */
  for (bool any = true; any && run->status == ASSAY_OK;) any = trade_within(run);
  end_bar(run);
}
