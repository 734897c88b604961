/* SPDX-License-Identifier: MIT */
/* Orders: what may be given, and what a bar does to those that wait. The rules stand in assay/backtest.h. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/number.h"
#include "market/backtest/engine.h"

static assay_waiting *order_at(const assay_backtest *run, size_t i) { return (assay_waiting *)run->orders.items + i; }

static void out_of_memory(assay_backtest *run) {
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

static assay_waiting *append(assay_backtest *run, const assay_waiting *order) {
  assay_waiting *made = assay_list_add(&run->orders, sizeof *made);
  if (made == NULL) {
    out_of_memory(run);
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
    out_of_memory(run);
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
  assay_waiting *made = append(run, &(assay_waiting){.order = *order});
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
    assay_waiting *o = order_at(run, i);
    if (o->is_target && !o->done && o->order.asset == asset) o->done = true;
  }
  append(run, &(assay_waiting){.order = {.asset = asset}, .is_target = true, .share = share});
}

bool assay_backtest_cancel(assay_backtest *run, uint64_t id) {
  note(run, 2, id, NULL, 0);
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = order_at(run, i);
    if (o->id != id || o->done) continue;
    o->done = true;
    return true;
  }
  return false;
}

void assay_backtest_cancel_all(assay_backtest *run, size_t asset) {
  note(run, 3, asset, NULL, 0);
  for (size_t i = 0; i < run->orders.count; i++)
    if (order_at(run, i)->order.asset == asset) order_at(run, i)->done = true;
}

bool assay_backtest_find(const assay_backtest *run, uint64_t id, assay_backtest_order *order) {
  for (size_t i = run->orders.count; i > 0; i--) { /* who asks mostly asks for the last */
    const assay_waiting *o = order_at(run, i - 1);
    if (o->id != id || o->done) continue;
    *order = o->order;
    return true;
  }
  return false;
}

size_t assay_backtest_open_orders(const assay_backtest *run, size_t asset) {
  size_t count = 0;
  for (size_t i = 0; i < run->orders.count; i++) count += !order_at(run, i)->done && order_at(run, i)->order.asset == asset;
  return count;
}

/* ---- A fill -------------------------------------------------------------------------------------------------------------------------- */

typedef struct bar {
  double open, high, low, close;
} bar;

static bar bar_of(const assay_backtest *run, size_t asset) {
  const assay_bars *b = &run->data->bars[asset];
  double close = b->close[run->now];
  if (b->open == NULL) return (bar){close, close, close, close};
  return (bar){b->open[run->now], b->high[run->now], b->low[run->now], close};
}

static bool trades(const assay_backtest *run, size_t asset) { return !isnan(run->data->bars[asset].close[run->now]); }

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
    if (kept == NULL) out_of_memory(run);
    if (kept != NULL) *kept = *fill;
  }
  if (closed == NULL || !run->options->keep_trades) return;
  assay_backtest_trade *trade = assay_list_add(&run->trades, sizeof *trade);
  if (trade == NULL) out_of_memory(run);
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
    assay_waiting *made = append(run, &side);
    if (made != NULL) first = made->id;
  }
  if (profit > 0) {
    side.order.kind = ASSAY_BACKTEST_LIMIT;
    side.order.stop = 0;
    side.order.limit = profit;
    side.sibling = first;
    assay_waiting *made = append(run, &side);
    for (size_t i = 0; made != NULL && first != 0 && i < run->orders.count; i++)
      if (order_at(run, i)->id == first) order_at(run, i)->sibling = made->id;
  }
}

/* The other side of a bracket has that much less to close. */
static void shrink_sibling(assay_backtest *run, uint64_t sibling, double quantity) {
  for (size_t i = 0; sibling != 0 && i < run->orders.count; i++) {
    assay_waiting *o = order_at(run, i);
    if (o->id != sibling) continue;
    o->order.quantity -= quantity;
    if (fabs(o->order.quantity) <= 1e-12 * fabs(quantity)) o->done = true;
  }
}

/* Brackets belong to the position that they close: they go with it, and never have more to close than there is. */
static void hold_brackets(assay_backtest *run, size_t asset) {
  double held = run->account->positions[asset].quantity;
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = order_at(run, i);
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
  assay_waiting *o = order_at(run, i);
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
  if (has_bracket) add_bracket(run, &(assay_waiting){.order = order_at(run, i)->order}, opened, price, entry);
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

/* Trades an order of a fixed quantity; `slips`: at the market, so that slippage counts. */
static void trade(assay_backtest *run, size_t i, double market, bool slips, assay_entry entry) {
  assay_waiting *o = order_at(run, i);
  bool buys = o->order.quantity > 0;
  double price = slips ? assay_rules_price(&run->rules, market, buys) : market;
  double wanted = allowed(run, o, market, price), quantity = wanted == 0 ? 0 : within_volume(run, o->order.asset, wanted);
  if (o->order.force == ASSAY_BACKTEST_FOK && quantity != wanted) {
    o->done = true;
    return;
  }
  if (quantity != 0) fill(run, i, quantity, market, slips ? moved(run, o->order.asset, quantity, price) : price, entry);
}

static double target_quantity(const assay_backtest *run, const assay_waiting *o, double market) {
  const assay_position *p = &run->account->positions[o->order.asset];
  double others = run->gross_now - fabs(p->quantity) * market;
  return assay_rules_target(&run->rules, o->share, run->equity_now, others, p->quantity, market);
}

static void trade_target(assay_backtest *run, size_t i, double market) {
  assay_waiting *o = order_at(run, i);
  o->done = true;
  if (!(run->equity_now > 0)) return;
  double wanted = target_quantity(run, o, market);
  if (wanted == 0) return;
  double quantity = within_volume(run, o->order.asset, wanted);
  o->done = quantity == wanted;
  if (quantity != 0)
    fill(run, i, quantity, market, moved(run, o->order.asset, quantity, assay_rules_price(&run->rules, market, quantity > 0)),
         ASSAY_ENTRY_OPEN);
}

/* ---- A bar --------------------------------------------------------------------------------------------------------------------------- */

static bool is_stop(const assay_waiting *o) {
  return !o->triggered && (o->order.kind == ASSAY_BACKTEST_STOP || o->order.kind == ASSAY_BACKTEST_STOP_LIMIT);
}

static bool reached(bool upwards, double price, double level) { return upwards ? price >= level : price <= level; }

/* Would it trade at the open? Triggers stops that the open is beyond. */
static bool at_open(assay_waiting *o, const bar *b, size_t now) {
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
  double change = o->is_target ? target_quantity(run, o, market) : o->order.quantity;
  return held != 0 && (held > 0) != (change > 0) && fabs(change) <= fabs(held);
}

/* Each order once: what reduces may change its mind on the way, when another has turned the position. */
static void trade_at_open(assay_backtest *run, bool reducing) {
  size_t count = run->orders.count;
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = order_at(run, i);
    if (o->done || o->first_bar == SIZE_MAX || !trades(run, o->order.asset)) continue;
    bar b = bar_of(run, o->order.asset);
    if (!at_open(o, &b, run->now) || o->opened == run->now || (reducing && !reduces(run, o, b.open))) continue;
    o->opened = run->now;
    if (o->is_target)
      trade_target(run, i, b.open);
    else
      trade(run, i, b.open, slips(o), ASSAY_ENTRY_OPEN);
  }
}

static bool is_new(const assay_backtest *run, const assay_waiting *o) { return o->is_bracket && o->given == run->now; }

/* A stop that the bar reaches after its open. True when it traded. */
static bool trade_stop(assay_backtest *run, size_t i) {
  assay_waiting *o = order_at(run, i);
  bar b = bar_of(run, o->order.asset);
  bool buys = o->order.quantity > 0;
  double stop = o->order.stop;
  if (!reached(buys, buys ? b.high : b.low, stop)) return false;
  o->triggered = true;
  o->limit_from = run->now + 1;
  if (o->order.kind == ASSAY_BACKTEST_STOP) {
    /* Of a bracket that begins beyond its own stop: where the position began. */
    bool beyond = is_new(run, o) && reached(buys, o->entry_price, stop);
    double before = o->traded;
    trade(run, i, beyond ? o->entry_price : stop, true, ASSAY_ENTRY_STOP);
    return order_at(run, i)->traded > before;
  }
  double limit = o->order.limit, market = reached(!buys, stop, limit) ? stop : reached(!buys, b.close, limit) ? limit : NAN;
  if (isnan(market)) return false;
  trade(run, i, market, false, ASSAY_ENTRY_STOP);
  return true;
}

/* A limit that the bar reaches after its open. */
static bool trade_limit(assay_backtest *run, size_t i) {
  assay_waiting *o = order_at(run, i);
  bar b = bar_of(run, o->order.asset);
  bool buys = o->order.quantity > 0, surely_later = is_new(run, o) && o->entry == ASSAY_ENTRY_LIMIT;
  double limit = o->order.limit, best = surely_later ? b.close : buys ? b.low : b.high;
  if (!reached(!buys, best, limit)) return false;
  bool better = is_new(run, o) && o->entry != ASSAY_ENTRY_LIMIT && reached(!buys, o->entry_price, limit);
  double before = o->traded;
  trade(run, i, better ? o->entry_price : limit, false, ASSAY_ENTRY_LIMIT);
  return order_at(run, i)->traded > before;
}

/* Once through all stops, then all limits; brackets that are born on the way are looked at by the next pass. */
static bool trade_within(assay_backtest *run) {
  bool any = false;
  size_t count = run->orders.count;
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = order_at(run, i);
    bool waits = !o->done && (o->first_bar != SIZE_MAX || is_new(run, o)) && is_stop(o) && trades(run, o->order.asset);
    if (waits && trade_stop(run, i)) any = true;
  }
  for (size_t i = 0; i < count; i++) {
    assay_waiting *o = order_at(run, i);
    bool has_limit =
        o->order.kind == ASSAY_BACKTEST_LIMIT || (o->order.kind == ASSAY_BACKTEST_STOP_LIMIT && o->triggered && o->limit_from <= run->now);
    bool waits = !o->done && !o->is_target && (o->first_bar != SIZE_MAX || is_new(run, o)) && has_limit && trades(run, o->order.asset);
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
    if (trades(run, a)) p->price = bar_of(run, a).open;
    run->equity_now += p->quantity * p->price;
    run->gross_now += fabs(p->quantity) * p->price;
    if (run->volume_left == NULL) continue;
    double volume = run->data->bars[a].volume[run->now];
    run->volume_left[a] = trades(run, a) ? run->rules.volume_share * volume : 0;
  }
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = order_at(run, i);
    if (has_expired(run, o)) o->done = true;
    if (o->first_bar == SIZE_MAX && trades(run, o->order.asset)) o->first_bar = run->now;
  }
}

static void end_bar(assay_backtest *run) {
  size_t kept = 0;
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_waiting *o = order_at(run, i);
    bool at_once = o->order.force == ASSAY_BACKTEST_IOC || o->order.force == ASSAY_BACKTEST_FOK;
    if (o->done || (at_once && o->first_bar == run->now)) continue;
    if (kept != i) *order_at(run, kept) = *o;
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

/* ---- What happens to all orders ------------------------------------------------------------------------------------------------------ */

void assay_backtest_split_orders(assay_backtest *run, size_t asset, double ratio) {
  for (size_t i = 0; i < run->orders.count; i++) {
    assay_backtest_order *o = &order_at(run, i)->order;
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
    if (quantity != 0) append(run, &(assay_waiting){.order = {.asset = a, .quantity = -quantity}, .is_bracket = true});
  }
}

/* ---- The end of an account ----------------------------------------------------------------------------------------------------------- */

double assay_backtest_close_all(assay_backtest *run) {
  for (size_t a = 0; a < run->data->assets && run->status == ASSAY_OK; a++) {
    assay_position *p = &run->account->positions[a];
    double before = p->quantity, market = p->price, equity = assay_backtest_equity(run);
    if (before == 0) continue;
    double price = assay_rules_price(&run->rules, market, before < 0);
    if (trades(run, a)) price = moved(run, a, -before, price);
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
      if (made == NULL) out_of_memory(run);
      if (made != NULL) *made = assay_trip_trade(&run->trips[a], a, run->now, before);
    }
    assay_account_fill(run->account, a, -before, p->price, 0, NULL);
  }
}
