/* SPDX-License-Identifier: MIT */
/* Own orders in a recorded book. The rules stand in assay/book_backtest.h. */
#include <assay/book_backtest.h>

#include <math.h>
#include <string.h>

#include "market/backtest/ages.h"
#include "market/backtest/engine.h"

typedef struct own {
  assay_book_backtest_own now;
  uint64_t age; /* what came later has a greater one */
  bool immediate, gone;
} own;

/* Something on its way to the exchange. Latency is the same for all, so they arrive in the order in which they were sent. */
typedef struct travelling {
  uint64_t at_ns, id;
  bool cancels;
} travelling;

/* What we have taken from a level that the recording still shows. */
typedef struct taken {
  assay_side side;
  int32_t price;
  uint64_t quantity;
} taken;

struct assay_book_backtest {
  const assay_book_strategy *strategy;
  const double *parameters;
  const assay_book_backtest_options *options;
  void *state;
  assay_mbo *book;
  assay_ages ages;
  uint64_t age, last_id, now_ns;
  double step, cash;
  int64_t position;
  int32_t last_price;
  assay_list owns, travels, takens, fills, samples;
  size_t travelled; /* of `travels`, those that have arrived */
  uint64_t next_sample_ns;
  bool failed, has_price;
  assay_book_backtest_result *result;
};

static own *own_at(const assay_book_backtest *r, size_t i) { return (own *)r->owns.items + i; }

static own *find_own(const assay_book_backtest *r, uint64_t id) {
  for (size_t i = r->owns.count; i > 0; i--)
    if (own_at(r, i - 1)->now.id == id && !own_at(r, i - 1)->gone) return own_at(r, i - 1);
  return NULL;
}

/* ---- What callbacks ask and do ----------------------------------------------------------------------------------------------------------
 */

uint64_t assay_book_backtest_now(const assay_book_backtest *run) { return run->now_ns; }
bool assay_book_backtest_best(const assay_book_backtest *run, assay_side side, assay_mbo_level *level) {
  return assay_mbo_best(run->book, 0, side, level);
}
size_t assay_book_backtest_depth(const assay_book_backtest *run, assay_side side, assay_mbo_level *levels, size_t most) {
  return assay_mbo_depth(run->book, 0, side, levels, most);
}
int64_t assay_book_backtest_position(const assay_book_backtest *run) { return run->position; }
double assay_book_backtest_cash(const assay_book_backtest *run) { return run->cash; }
const double *assay_book_backtest_parameters(const assay_book_backtest *run) { return run->parameters; }
void *assay_book_backtest_user(const assay_book_backtest *run) { return run->strategy->user; }

bool assay_book_backtest_find(const assay_book_backtest *run, uint64_t id, assay_book_backtest_own *found) {
  const own *o = find_own(run, id);
  if (o == NULL) return false;
  *found = o->now;
  return true;
}

static bool send(assay_book_backtest *r, uint64_t id, bool cancels) {
  travelling *t = assay_list_add(&r->travels, sizeof *t);
  r->failed = r->failed || t == NULL;
  if (t != NULL) *t = (travelling){.at_ns = r->now_ns + r->options->feed_ns + r->options->order_ns, .id = id, .cancels = cancels};
  return t != NULL;
}

uint64_t assay_book_backtest_order(assay_book_backtest *run, assay_side side, int32_t price, uint64_t quantity, bool immediate) {
  if (quantity == 0 || quantity > ASSAY_BOOK_MOST_QUANTITY || (side != ASSAY_BUY && side != ASSAY_SELL)) return 0;
  own *o = assay_list_add(&run->owns, sizeof *o);
  run->failed = run->failed || o == NULL;
  if (o == NULL) return 0;
  *o = (own){.now = {.id = ++run->last_id, .left = quantity, .side = side, .price = price}, .immediate = immediate};
  run->result->orders++;
  return send(run, run->last_id, false) ? run->last_id : 0;
}

void assay_book_backtest_cancel(assay_book_backtest *run, uint64_t id) {
  run->result->cancels++;
  send(run, id, true);
}

/* ---- Fills ------------------------------------------------------------------------------------------------------------------------------
 */

static void fill(assay_book_backtest *r, uint64_t id, int32_t price, uint64_t quantity, bool maker) {
  own *o = find_own(r, id);
  if (o == NULL || quantity == 0) return;
  const assay_book_backtest_options *opt = r->options;
  if (quantity > o->now.left) quantity = o->now.left;
  bool buys = o->now.side == ASSAY_BUY;
  double units = (double)quantity, value = units * price * r->step;
  double fee = (maker ? opt->maker_rate : opt->taker_rate) * fabs(value) + (maker ? opt->maker_per_share : opt->taker_per_share) * units;
  assay_book_backtest_fill made = {
      .time_ns = r->now_ns, .order = id, .side = o->now.side, .price = price, .quantity = quantity, .fee = fee, .maker = maker};
  o->now.left -= quantity;
  o->gone = o->now.left == 0;
  r->cash += (buys ? -value : value) - fee;
  r->position += buys ? (int64_t)quantity : -(int64_t)quantity;
  int64_t size = r->position < 0 ? -r->position : r->position;
  if (size > r->result->most_position) r->result->most_position = size;
  *(maker ? &r->result->maker_quantity : &r->result->taker_quantity) += quantity;
  r->result->fees += fee;
  r->result->fill_count++;
  if (opt->keep_fills) {
    assay_book_backtest_fill *kept = assay_list_add(&r->fills, sizeof *kept);
    r->failed = r->failed || kept == NULL;
    if (kept != NULL) *kept = made;
  }
  if (r->strategy->on_fill != NULL) r->strategy->on_fill(r, &made, r->state);
}

/* ---- Arriving ---------------------------------------------------------------------------------------------------------------------------
 */

static uint64_t *taken_of(assay_book_backtest *r, assay_side side, int32_t price, bool make) {
  taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count; i++)
    if (t[i].side == side && t[i].price == price) return &t[i].quantity;
  if (!make) return NULL;
  taken *made = assay_list_add(&r->takens, sizeof *made);
  r->failed = r->failed || made == NULL;
  if (made == NULL) return NULL;
  *made = (taken){side, price, 0};
  return &made->quantity;
}

static bool crosses(assay_side side, int32_t own_price, int32_t other) {
  return side == ASSAY_BUY ? own_price >= other : own_price <= other;
}

/* What of the other side an order meets when it comes. */
static void take(assay_book_backtest *r, uint64_t id) {
  enum { LEVELS = 64 };
  const own *o = find_own(r, id);
  assay_side other = o->now.side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  int32_t limit = o->now.price;
  assay_side side = o->now.side;
  assay_mbo_level levels[LEVELS];
  size_t count = assay_mbo_depth(r->book, 0, other, levels, LEVELS);
  for (size_t i = 0; i < count && crosses(side, limit, levels[i].price); i++) {
    o = find_own(r, id);
    if (o == NULL) return;
    const uint64_t *gone = taken_of(r, other, levels[i].price, false);
    uint64_t there = gone == NULL ? levels[i].quantity : levels[i].quantity > *gone ? levels[i].quantity - *gone : 0;
    uint64_t quantity = there < o->now.left ? there : o->now.left;
    if (quantity == 0) continue;
    uint64_t *all = taken_of(r, other, levels[i].price, true);
    if (all != NULL) *all += quantity;
    fill(r, id, levels[i].price, quantity, false);
  }
}

/* What rests at a price; levels beyond the first thousand count as empty, which no order is likely to see. */
static uint64_t resting_at(const assay_book_backtest *r, assay_side side, int32_t price) {
  enum { LEVELS = 1024 };
  static _Thread_local assay_mbo_level levels[LEVELS];
  size_t count = assay_mbo_depth(r->book, 0, side, levels, LEVELS);
  for (size_t i = 0; i < count; i++)
    if (levels[i].price == price) return levels[i].quantity;
  return 0;
}

static void arrive(assay_book_backtest *r, const travelling *t) {
  own *o = find_own(r, t->id);
  if (t->cancels) {
    if (o == NULL) r->result->too_late++;
    if (o != NULL) o->gone = true;
    return;
  }
  if (o == NULL) return; /* its cancellation cannot have come first, but a fill callback may not know that */
  take(r, t->id);
  o = find_own(r, t->id);
  if (o == NULL) return;
  if (o->immediate) {
    o->gone = true;
    return;
  }
  o->now.resting = true;
  o->now.ahead = resting_at(r, o->now.side, o->now.price);
  o->age = ++r->age;
}

static void arrive_until(assay_book_backtest *r, uint64_t time_ns) {
  while (r->travelled < r->travels.count) {
    travelling t = ((travelling *)r->travels.items)[r->travelled];
    if (t.at_ns > time_ns) break;
    r->travelled++;
    r->now_ns = t.at_ns;
    arrive(r, &t);
  }
  if (r->travelled == r->travels.count) r->travelled = r->travels.count = 0;
}

/* ---- The recording
 * ----------------------------------------------------------------------------------------------------------------------- */

/* Orders that are gone make room, the others keep their order. */
static void tidy(assay_book_backtest *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->owns.count; i++) {
    if (own_at(r, i)->gone) continue;
    if (kept != i) *own_at(r, kept) = *own_at(r, i);
    kept++;
  }
  r->owns.count = kept;
  taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count;) {
    if (resting_at(r, t[i].side, t[i].price) == 0)
      t[i] = t[--r->takens.count];
    else
      i++;
  }
}

static bool is_better(assay_side side, int32_t a, int32_t b) { return side == ASSAY_BUY ? a > b : a < b; }

/* One of ours trades as much of `*quantity` as it has left. */
static void share(assay_book_backtest *r, const own *o, uint64_t *quantity) {
  uint64_t traded = *quantity < o->now.left ? *quantity : o->now.left;
  *quantity -= traded;
  fill(r, o->now.id, o->now.price, traded, true);
}

/* `quantity` of the recorded order at `price` of `side` traded: who of ours would have been there first? */
static void meet_execution(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity, uint64_t age) {
  uint64_t left = quantity;
  for (size_t i = 0, count = r->owns.count; i < count; i++) {
    own *o = own_at(r, i);
    if (o->gone || !o->now.resting || o->now.side != side) continue;
    bool same = o->now.price == price;
    if (same && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
    else if (same || is_better(side, o->now.price, price))
      share(r, o, &left);
  }
}

static void meet_withdrawal(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity, uint64_t age) {
  for (size_t i = 0; i < r->owns.count; i++) {
    own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == side && o->now.price == price && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
  }
}

/* An order that comes to rest where one of ours stands against it: it would have traded with us. */
static void meet_arrival(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  assay_side other = side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  for (size_t i = 0, count = r->owns.count; i < count && quantity > 0; i++) {
    const own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == other && crosses(other, o->now.price, price)) share(r, o, &quantity);
  }
}

static bool add(assay_book_backtest *r, assay_side side, uint64_t reference, int32_t price, uint64_t quantity) {
  if (assay_mbo_add(r->book, 0, reference, side, price, quantity) != ASSAY_OK) return false;
  if (!assay_ages_set(&r->ages, reference, ++r->age)) r->failed = true;
  meet_arrival(r, side, price, quantity);
  return true;
}

static bool take_off(assay_book_backtest *r, const assay_market_event *e, bool executes) {
  assay_mbo_order order;
  if (!assay_mbo_find(r->book, e->order_id, &order)) return false;
  uint64_t quantity = e->kind == ASSAY_MARKET_DELETE || e->kind == ASSAY_MARKET_REPLACE ? order.quantity : e->quantity;
  uint64_t age = assay_ages_get(&r->ages, e->order_id);
  if (quantity == 0 || quantity > order.quantity || assay_mbo_cancel(r->book, e->order_id, quantity) != ASSAY_OK) return false;
  if (quantity == order.quantity) assay_ages_remove(&r->ages, e->order_id);
  if (executes) {
    r->last_price = order.price;
    r->has_price = true;
    meet_execution(r, order.side, order.price, quantity, age);
  } else {
    meet_withdrawal(r, order.side, order.price, quantity, age);
  }
  return e->kind != ASSAY_MARKET_REPLACE || add(r, order.side, e->other_id, (int32_t)e->price, e->quantity);
}

/* A trade that no visible order was part of: whoever of ours stood at a better price was there before. */
static void meet_trade(assay_book_backtest *r, const assay_market_event *e) {
  if (e->price == 0) return;
  r->last_price = (int32_t)e->price;
  r->has_price = true;
  assay_side hit = e->side == 'B' ? ASSAY_SELL : ASSAY_BUY; /* the aggressor bought: sellers were met */
  uint64_t quantity = e->quantity;
  for (size_t i = 0, count = r->owns.count; i < count && quantity > 0; i++) {
    const own *o = own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == hit && is_better(hit, o->now.price, (int32_t)e->price)) share(r, o, &quantity);
  }
}

static bool apply(assay_book_backtest *r, const assay_market_event *e) {
  switch (e->kind) {
    case ASSAY_MARKET_ADD: return add(r, e->side == 'S' ? ASSAY_SELL : ASSAY_BUY, e->order_id, (int32_t)e->price, e->quantity);
    case ASSAY_MARKET_EXECUTE: return take_off(r, e, true);
    case ASSAY_MARKET_CANCEL:
    case ASSAY_MARKET_DELETE:
    case ASSAY_MARKET_REPLACE: return take_off(r, e, false);
    case ASSAY_MARKET_TRADE: meet_trade(r, e); return true;
    case ASSAY_MARKET_CLEAR:
      assay_mbo_clear(r->book, 0);
      assay_free(r->ages.places);
      r->ages = (assay_ages){0};
      return true;
    default: return true;
  }
}

/* ---- A run
 * ------------------------------------------------------------------------------------------------------------------------------- */

/* Position at the middle; without one at the last price. */
static double worth(const assay_book_backtest *r) {
  assay_mbo_level bid, ask;
  bool both = assay_mbo_best(r->book, 0, ASSAY_BUY, &bid) && assay_mbo_best(r->book, 0, ASSAY_SELL, &ask);
  double price = both ? ((double)bid.price + ask.price) / 2 : r->has_price ? r->last_price : 0;
  return r->cash + (double)r->position * price * r->step;
}

static void sample(assay_book_backtest *r, uint64_t time_ns) {
  uint64_t every = r->options->sample_ns;
  if (every == 0 || time_ns < r->next_sample_ns) return;
  double *made = assay_list_add(&r->samples, sizeof *made);
  r->failed = r->failed || made == NULL;
  if (made != NULL) *made = worth(r);
  r->next_sample_ns = time_ns - time_ns % every + every;
}

static assay_status check_event(const assay_market_event *e, size_t at, uint64_t before_ns, assay_error *err) {
  if (e->time_ns < before_ns) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu is earlier than the one before", at);
  if (e->price > INT32_MAX || e->price < INT32_MIN)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu: a price of %lld steps does not fit a book of 32 bits", at, (long long)e->price);
  return ASSAY_OK;
}

static assay_status replay(assay_book_backtest *r, const assay_market_event *events, size_t count, assay_error *err) {
  uint64_t before_ns = 0;
  for (size_t i = 0; i < count && !r->failed; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != r->options->symbol || e->kind == ASSAY_MARKET_NOTHING) continue;
    assay_status status = check_event(e, i, before_ns, err);
    if (status != ASSAY_OK) return status;
    before_ns = e->time_ns;
    if (r->step == 0) r->step = pow(10, -(double)assay_market_price_decimals(e));
    arrive_until(r, e->time_ns);
    sample(r, e->time_ns);
    r->now_ns = e->time_ns;
    r->result->events++;
    if (!apply(r, e)) r->result->unknown++;
    tidy(r);
    r->strategy->on_event(r, e, r->state);
  }
  return r->failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the orders of a backtest") : ASSAY_OK;
}

static void judge(assay_book_backtest *r) {
  assay_book_backtest_result *result = r->result;
  const double *equity = r->samples.items;
  double sum = 0, squares = 0, n = 0, peak = -INFINITY;
  for (size_t i = 0; i < r->samples.count; i++) {
    peak = fmax(peak, equity[i]);
    result->deepest = fmax(result->deepest, peak - equity[i]);
    if (i == 0) continue;
    double change = equity[i] - equity[i - 1];
    sum += change;
    squares += change * change;
    n++;
  }
  double spread = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0;
  result->sharpe_sample = spread > 0 ? sum / n / sqrt(spread) : NAN;
  result->profit = worth(r);
  result->cash = r->cash;
  result->position = r->position;
  result->fills = r->fills.items;
  result->equity = r->samples.items;
  result->sample_count = r->samples.count;
  r->fills.items = r->samples.items = NULL;
}

void assay_book_backtest_result_destroy(assay_book_backtest_result *result) {
  if (result == NULL) return;
  assay_free(result->fills);
  assay_free(result->equity);
  assay_free(result);
}

static const char *wrong_option(const assay_book_backtest_options *o) {
  if (!(o->price_step >= 0 && o->price_step < INFINITY)) return "the money of a price step is 0 or more";
  if (!(fabs(o->maker_rate) <= 1) || !(fabs(o->taker_rate) <= 1)) return "fees are -1 to 1 of the value";
  if (!isfinite(o->maker_per_share) || !isfinite(o->taker_per_share)) return "fees of a unit are finite";
  if (o->feed_ns > UINT64_C(1) << 60 || o->order_ns > UINT64_C(1) << 60) return "latencies are at most 2^60 ns";
  return NULL;
}

static assay_status check_parameters(const assay_book_strategy *s, const double *parameters, assay_error *err) {
  if (s->on_event == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no on_event", s->name);
  for (unsigned i = 0; i < s->parameter_count; i++) {
    const assay_strategy_parameter *p = &s->parameters[i];
    if (!(parameters[i] >= p->least && parameters[i] <= p->most) || (p->whole && parameters[i] != floor(parameters[i])))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is%s from %g to %g, not %g", s->name, p->name, p->whole ? " a whole number" : "",
                        p->least, p->most, parameters[i]);
  }
  return ASSAY_OK;
}

assay_status assay_book_backtest_run(const assay_book_strategy *strategy, const double *parameters, const assay_market_event *events,
                                     size_t count, const assay_book_backtest_options *options, assay_error *err,
                                     assay_book_backtest_result **result) {
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  for (unsigned i = 0; i < strategy->parameter_count && i < ASSAY_STRATEGY_MOST_PARAMETERS; i++) usual[i] = strategy->parameters[i].usual;
  assay_book_backtest r = {
      .strategy = strategy, .parameters = parameters != NULL ? parameters : usual, .options = options, .step = options->price_step};
  const char *wrong = wrong_option(options);
  if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "options of the backtest: %s", wrong);
  assay_status status = check_parameters(strategy, r.parameters, err);
  if (status == ASSAY_OK) status = assay_mbo_create(NULL, err, &r.book);
  if (status != ASSAY_OK) return status;
  r.result = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *r.result);
  r.state = assay_calloc(ASSAY_TAG_MARKET, 1, strategy->state_size + 1);
  if (r.result == NULL || r.state == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a backtest");
  if (status == ASSAY_OK && strategy->start != NULL) status = strategy->start(&r, r.parameters, r.state, err);
  bool started = status == ASSAY_OK;
  if (started) status = replay(&r, events, count, err);
  if (started && strategy->stop != NULL) strategy->stop(r.state);
  if (status == ASSAY_OK) judge(&r);
  assay_mbo_destroy(r.book);
  assay_free(r.ages.places);
  assay_free(r.state);
  assay_free(r.owns.items);
  assay_free(r.travels.items);
  assay_free(r.takens.items);
  assay_free(r.fills.items);
  assay_free(r.samples.items);
  if (status == ASSAY_OK)
    *result = r.result;
  else
    assay_book_backtest_result_destroy(r.result);
  return status;
}
