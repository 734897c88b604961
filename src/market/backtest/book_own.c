/* SPDX-License-Identifier: MIT */
/* Our orders in a recorded book: how they travel, what they take when they arrive, and what of the recording would have traded with them.
 */
#include <math.h>
#include <string.h>

#include "market/backtest/book_run.h"

static assay_own_order *find_own(const assay_book_backtest *r, uint64_t id) {
  for (size_t i = r->owns.count; i > 0; i--)
    if (assay_book_own_at(r, i - 1)->now.id == id && !assay_book_own_at(r, i - 1)->gone) return assay_book_own_at(r, i - 1);
  return NULL;
}

/* ---- What callbacks ask and do ------------------------------------------------------------------------------------------------------- */

uint64_t assay_book_backtest_now(const assay_book_backtest *run) { return run->now_ns; }
int64_t assay_book_backtest_tick(const assay_book_backtest *run) { return run->tick; }
bool assay_book_backtest_best(const assay_book_backtest *run, assay_side side, assay_mbo_level *level) {
  bool there = assay_mbo_best(run->book, 0, side, level);
  if (there && run->kind == ASSAY_SEEN_LEVELS) level->orders = 0;
  return there;
}
size_t assay_book_backtest_depth(const assay_book_backtest *run, assay_side side, assay_mbo_level *levels, size_t most) {
  size_t count = assay_mbo_depth(run->book, 0, side, levels, most);
  for (size_t i = 0; i < count && run->kind == ASSAY_SEEN_LEVELS; i++) levels[i].orders = 0;
  return count;
}
int64_t assay_book_backtest_position(const assay_book_backtest *run) { return run->position; }
double assay_book_backtest_cash(const assay_book_backtest *run) { return run->cash; }
const double *assay_book_backtest_parameters(const assay_book_backtest *run) { return run->parameters; }
void *assay_book_backtest_user(const assay_book_backtest *run) { return run->strategy->user; }

bool assay_book_backtest_find(const assay_book_backtest *run, uint64_t id, assay_book_backtest_own *found) {
  const assay_own_order *o = find_own(run, id);
  if (o == NULL) return false;
  *found = o->now;
  return true;
}

/* What has arrived makes room before the list grows. */
static void drop_arrived(assay_book_backtest *r) {
  if (r->travelled < r->travels.count && 2 * r->travelled < r->travels.capacity) return;
  assay_travelling *t = r->travels.items;
  r->travels.count -= r->travelled;
  if (r->travels.count > 0) memmove(t, t + r->travelled, r->travels.count * sizeof *t);
  r->travelled = 0;
}

static bool send(assay_book_backtest *r, uint64_t id, bool cancels) {
  if (r->travels.count == r->travels.capacity) drop_arrived(r);
  assay_travelling *t = assay_list_add(&r->travels, sizeof *t);
  r->failed = r->failed || t == NULL;
  uint64_t latency = r->options->feed_ns + r->options->order_ns, at = r->now_ns + latency;
  if (t != NULL) *t = (assay_travelling){.at_ns = at < latency ? UINT64_MAX : at, .id = id, .cancels = cancels};
  return t != NULL;
}

uint64_t assay_book_backtest_order(assay_book_backtest *run, assay_side side, int32_t price, uint64_t quantity, bool immediate) {
  if (quantity == 0 || quantity > ASSAY_BOOK_MOST_QUANTITY || (side != ASSAY_BUY && side != ASSAY_SELL)) return 0;
  assay_own_order *o = assay_list_add(&run->owns, sizeof *o);
  run->failed = run->failed || o == NULL;
  if (o == NULL) return 0;
  bool any_price = price == (side == ASSAY_BUY ? INT32_MAX : INT32_MIN); /* is no price to rest at */
  *o =
      (assay_own_order){.now = {.id = ++run->last_id, .left = quantity, .side = side, .price = price}, .immediate = immediate || any_price};
  run->result->orders++;
  return send(run, run->last_id, false) ? run->last_id : 0;
}

void assay_book_backtest_cancel(assay_book_backtest *run, uint64_t id) {
  run->result->cancels++;
  send(run, id, true);
}

/* ---- Fills --------------------------------------------------------------------------------------------------------------------------- */

static void fill(assay_book_backtest *r, uint64_t id, int32_t price, uint64_t quantity, bool maker) {
  assay_own_order *o = find_own(r, id);
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

/* ---- Arriving ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t *taken_of(assay_book_backtest *r, assay_side side, int32_t price, bool make) {
  assay_taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count; i++)
    if (t[i].side == side && t[i].price == price) return &t[i].quantity;
  if (!make) return NULL;
  assay_taken *made = assay_list_add(&r->takens, sizeof *made);
  r->failed = r->failed || made == NULL;
  if (made == NULL) return NULL;
  *made = (assay_taken){side, price, 0};
  return &made->quantity;
}

static bool crosses(assay_side side, int32_t own_price, int32_t other) {
  return side == ASSAY_BUY ? own_price >= other : own_price <= other;
}

void assay_book_own_take(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  uint64_t *all = quantity > 0 ? taken_of(r, side, price, true) : NULL;
  if (all != NULL) *all += quantity;
}

/* What is left for us of what the recording shows at a level. */
uint64_t assay_book_own_left_at(assay_book_backtest *r, assay_side side, const assay_mbo_level *level) {
  const uint64_t *gone = taken_of(r, side, level->price, false);
  return gone == NULL ? level->quantity : level->quantity > *gone ? level->quantity - *gone : 0;
}

/* What of the other side an order meets when it comes. Fills call the strategy, which sends orders but does not touch the book. */
static void take(assay_book_backtest *r, uint64_t id) {
  const assay_own_order *o = find_own(r, id);
  assay_side side = o->now.side, other = side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  int32_t limit = o->now.price;
  assay_mbo_level level;
  bool there = assay_mbo_best(r->book, 0, other, &level);
  for (; there && crosses(side, limit, level.price); there = assay_mbo_level_after(r->book, 0, other, level.price, &level)) {
    o = find_own(r, id);
    if (o == NULL) return;
    uint64_t left = assay_book_own_left_at(r, other, &level), quantity = left < o->now.left ? left : o->now.left;
    assay_book_own_take(r, other, level.price, quantity);
    fill(r, id, level.price, quantity, false);
  }
}

uint64_t assay_book_own_resting_at(const assay_book_backtest *r, assay_side side, int32_t price) {
  assay_mbo_level level;
  return assay_mbo_level_at(r->book, 0, side, price, &level) ? level.quantity : 0;
}

/* Whether the recording says what rests at a price: of the best levels only, down to the worst of them. */
bool assay_book_own_is_told(const assay_book_backtest *r, assay_side side, int32_t price) {
  assay_mbo_level level;
  bool there = !r->partial || assay_mbo_best(r->book, 0, side, &level);
  while (r->partial && there) {
    if (side == ASSAY_BUY ? level.price <= price : level.price >= price) return true;
    there = assay_mbo_level_after(r->book, 0, side, level.price, &level);
  }
  return there;
}

static void arrive(assay_book_backtest *r, const assay_travelling *t) {
  assay_own_order *o = find_own(r, t->id);
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
  o->now.ahead = assay_book_own_is_told(r, o->now.side, o->now.price) ? assay_book_own_resting_at(r, o->now.side, o->now.price)
                                                                      : ASSAY_BOOK_MOST_QUANTITY;
  o->age = ++r->age;
}

void assay_book_own_arrive_until(assay_book_backtest *r, uint64_t time_ns) {
  while (r->travelled < r->travels.count) {
    assay_travelling t = ((assay_travelling *)r->travels.items)[r->travelled];
    if (t.at_ns > time_ns) break;
    r->travelled++;
    r->now_ns = t.at_ns;
    arrive(r, &t);
  }
  drop_arrived(r);
}

/* ---- Meeting what trades
 * ----------------------------------------------------------------------------------------------------------------- */

/* Orders that are gone make room, the others keep their order. */
void assay_book_own_tidy(assay_book_backtest *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->owns.count; i++) {
    if (assay_book_own_at(r, i)->gone) continue;
    if (kept != i) *assay_book_own_at(r, kept) = *assay_book_own_at(r, i);
    kept++;
  }
  r->owns.count = kept;
  assay_taken *t = r->takens.items;
  for (size_t i = 0; i < r->takens.count && !r->rebuilding;) {
    if (assay_book_own_resting_at(r, t[i].side, t[i].price) == 0)
      t[i] = t[--r->takens.count];
    else
      i++;
  }
}

static bool is_better(assay_side side, int32_t a, int32_t b) { return side == ASSAY_BUY ? a > b : a < b; }

/* One of ours trades as much of `*quantity` as it has left. */
void assay_book_own_share(assay_book_backtest *r, const assay_own_order *o, uint64_t *quantity) {
  uint64_t traded = *quantity < o->now.left ? *quantity : o->now.left;
  *quantity -= traded;
  fill(r, o->now.id, o->now.price, traded, true);
}

/* `quantity` of the recorded order at `price` of `side` traded: who of ours would have been there first? Those at better prices, unless
 * the trade was told of before and they have had it. */
void assay_book_own_meet_execution(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age, bool better_too) {
  uint64_t left = quantity;
  for (size_t i = 0, count = r->owns.count; i < count; i++) {
    assay_own_order *o = assay_book_own_at(r, i);
    if (o->gone || !o->now.resting || o->now.side != order->side) continue;
    bool same = o->now.price == order->price;
    if (same && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
    else if (same || (better_too && is_better(order->side, o->now.price, order->price)))
      assay_book_own_share(r, o, &left);
  }
}

void assay_book_own_meet_withdrawal(assay_book_backtest *r, const assay_mbo_order *order, uint64_t quantity, uint64_t age) {
  for (size_t i = 0; i < r->owns.count; i++) {
    assay_own_order *o = assay_book_own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == order->side && o->now.price == order->price && age < o->age)
      o->now.ahead -= quantity < o->now.ahead ? quantity : o->now.ahead;
  }
}

/* `quantity` of the other side comes to where ours stand against it: it would have traded with us. Returns what it did. */
uint64_t assay_book_own_meet_arrival(assay_book_backtest *r, assay_side side, int32_t price, uint64_t quantity) {
  assay_side other = side == ASSAY_BUY ? ASSAY_SELL : ASSAY_BUY;
  uint64_t left = quantity;
  for (size_t i = 0, count = r->owns.count; i < count && left > 0; i++) {
    const assay_own_order *o = assay_book_own_at(r, i);
    if (!o->gone && o->now.resting && o->now.side == other && crosses(other, o->now.price, price)) assay_book_own_share(r, o, &left);
  }
  return quantity - left;
}
