/* SPDX-License-Identifier: MIT */
/* A strategy in a recorded book: its scale, the replay, the result. The rules stand in assay/book_backtest.h. */
#include <math.h>
#include <string.h>

#include "base/gcd.h"
#include "market/backtest/book_run.h"

/* ---- A run --------------------------------------------------------------------------------------------------------------------------- */

/* Position at the middle; without one at the last price. */
static double worth(const assay_book_backtest *r) {
  assay_mbo_level bid, ask;
  bool both = assay_mbo_best(r->book, 0, ASSAY_BUY, &bid) && assay_mbo_best(r->book, 0, ASSAY_SELL, &ask);
  double price = both ? ((double)bid.price + ask.price) / 2 : r->has_price ? r->last_price : 0;
  return r->cash + (double)r->position * price * r->step;
}

/* What the strategy is worth at each instant of the grid up to an event, orders that arrive until then included. */
static void sample_until(assay_book_backtest *r, uint64_t time_ns) {
  uint64_t every = r->options->sample_ns;
  while (every != 0 && r->samples.count <= (time_ns - r->first_ns) / every && !r->failed) {
    assay_book_own_arrive_until(r, r->first_ns + r->samples.count * every);
    double *made = assay_list_add(&r->samples, sizeof *made);
    r->failed = r->failed || made == NULL;
    if (made != NULL) *made = worth(r);
  }
}

/* ---- The scale ----------------------------------------------------------------------------------------------------------------------- */

/* Events that put a price into the book. */
static bool names_price(const assay_market_event *e) {
  if (e->price == ASSAY_FEED_NO_PRICE) return false;
  return e->kind == ASSAY_MARKET_ADD || e->kind == ASSAY_MARKET_REPLACE || (e->kind == ASSAY_MARKET_QUOTE && e->quantity > 0);
}

uint64_t assay_book_backtest_common_tick(const assay_market_event *events, size_t count, uint32_t symbol) {
  uint64_t common = 0;
  for (size_t i = 0; i < count && common != 1; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != symbol || !names_price(e)) continue;
    uint64_t price = e->price < 0 ? -(uint64_t)e->price : (uint64_t)e->price;
    if (common == 0 || price % common != 0) common = assay_gcd(price, common);
  }
  return common == 0 ? 1 : common;
}

typedef struct span {
  uint64_t first_ns, last_ns;
  const assay_market_event *first; /* that has a price; NULL: there is none */
  bool is_large;                   /* some price is none of 31 bits, such as BRK.A's 400,000 dollars in 1/10,000 */
} span;

static span span_of(const assay_market_event *events, size_t count, uint32_t symbol) {
  span s = {.first_ns = UINT64_MAX};
  for (size_t i = 0; i < count; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != symbol || e->kind == ASSAY_MARKET_NOTHING) continue;
    if (s.first_ns == UINT64_MAX) s.first_ns = e->time_ns;
    s.last_ns = e->time_ns;
    if (s.first == NULL && (names_price(e) || e->kind == ASSAY_MARKET_TRADE)) s.first = e;
    s.is_large = s.is_large || (names_price(e) && (e->price <= INT32_MIN || e->price >= INT32_MAX));
  }
  return s;
}

/* The feed's scale becomes ours. */
static assay_status set_scale(assay_book_backtest *r, const assay_market_event *events, size_t count, assay_error *err) {
  enum { PLAIN_DECIMALS = 4, MOST_SAMPLES = 100000000 };
  const assay_book_backtest_options *o = r->options;
  span s = span_of(events, count, o->symbol);
  unsigned decimals = s.first != NULL ? assay_market_price_decimals(s.first) : 0;
  unsigned all_decimals = decimals + (s.first != NULL ? assay_market_quantity_decimals(s.first) : 0);
  uint64_t tick = o->tick;
  if (tick == 0) tick = decimals <= PLAIN_DECIMALS && !s.is_large ? 1 : assay_book_backtest_common_tick(events, count, o->symbol);
  if (tick > INT64_MAX / 4) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a tick of %llu steps is too large", (unsigned long long)tick);
  r->tick = (int64_t)tick;
  if (r->step == 0) r->step = (double)tick * pow(10, -(double)all_decimals);
  r->first_ns = s.first_ns;
  r->decimals = s.first != NULL ? s.first->decimals : 0;
  if (o->sample_ns != 0 && s.last_ns > s.first_ns && (s.last_ns - s.first_ns) / o->sample_ns >= MOST_SAMPLES)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a sample every %llu ns of %llu ns is more than %d: sample_ns has to be larger",
                      (unsigned long long)o->sample_ns, (unsigned long long)(s.last_ns - s.first_ns), MOST_SAMPLES);
  return ASSAY_OK;
}

static assay_status check_event(const assay_book_backtest *r, const assay_market_event *e, size_t at, uint64_t before_ns,
                                assay_error *err) {
  if (e->time_ns < before_ns) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu is earlier than the one before", at);
  if (!names_price(e)) return ASSAY_OK;
  if (e->decimals != r->decimals) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu has another scale than those before", at);
  if (assay_book_seen_has_price(r, e)) return ASSAY_OK;
  if (e->price % r->tick != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu: a price of %lld steps lies between ticks of %lld", at, (long long)e->price,
                      (long long)r->tick);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "event %zu: a price of %lld ticks of %lld steps does not fit a book of 32 bits", at,
                    (long long)(e->price / r->tick), (long long)r->tick);
}

/* ---- The whole ----------------------------------------------------------------------------------------------------------------------- */

static assay_status replay(assay_book_backtest *r, const assay_market_event *events, size_t count, assay_error *err) {
  uint64_t before_ns = 0;
  for (size_t i = 0; i < count && !r->failed; i++) {
    const assay_market_event *e = &events[i];
    if (e->symbol != r->options->symbol || e->kind == ASSAY_MARKET_NOTHING) continue;
    assay_status status = check_event(r, e, i, before_ns, err);
    if (status != ASSAY_OK) return status;
    before_ns = e->time_ns;
    sample_until(r, e->time_ns);
    assay_book_own_arrive_until(r, e->time_ns);
    r->now_ns = e->time_ns;
    r->result->events++;
    r->result->gaps += (e->flags & ASSAY_MARKET_GAP) != 0;
    if (!assay_book_seen_apply(r, e)) r->result->unknown++;
    if (r->rebuilding && (e->flags & ASSAY_MARKET_LAST) != 0) assay_book_seen_end_rebuilding(r);
    assay_book_own_tidy(r);
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
  memcpy(r.ages.seed, r.book->store.seed, sizeof r.ages.seed);
  r.result = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *r.result);
  r.state = assay_calloc(ASSAY_TAG_MARKET, 1, strategy->state_size + 1);
  if (r.result == NULL || r.state == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a backtest");
  if (status == ASSAY_OK) status = set_scale(&r, events, count, err);
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
