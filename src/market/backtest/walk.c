/* SPDX-License-Identifier: MIT */
/* Walk-forward: what was best on the past, tried on what came next. */
#include <math.h>
#include <string.h>

#include "market/backtest/engine.h"

typedef struct walker {
  const assay_backtest_walk_forward *walk;
  assay_backtest_sweep sweep;
  const assay_backtest_data *data;
  assay_backtest_options options;
  assay_error *err;
  assay_backtest_walked *made;
  assay_scores scores; /* of all tests together */
  assay_finish finish;
  double first_equity, equity;
  assay_carry carry;         /* nothing in it: the next test begins with cash */
  assay_backtest_held *held; /* what of it options say */
  bool begun;                /* a test has run; before that what is held is what the options say */
  size_t train, first, end, piece;
  assay_list trades, fills;
} walker;

static size_t piece_at(const walker *w, size_t i) { return i == w->walk->windows + w->train ? w->end : w->first + i * w->piece; }

/* The best configuration of the bars from train_first to before test_first. */
static assay_status train(walker *w, assay_backtest_window *window) {
  assay_backtest_row *rows = NULL;
  size_t count = 0;
  assay_backtest_options o = w->options;
  o.first = window->train_first;
  o.end = window->test_first;
  o.cash = w->first_equity;
  o.held = NULL;
  assay_status status = assay_backtest_run_sweep(&w->sweep, w->data, &o, w->err, &rows, &count);
  if (status != ASSAY_OK) return status;
  if (w->sweep.stop != NULL && *w->sweep.stop != 0) {
    assay_backtest_rows_free(rows);
    return ASSAY_FAIL(w->err, ASSAY_ERR_INTERRUPTED, "stopped in window %zu of %zu", (size_t)(window - w->made->windows) + 1,
                      w->walk->windows);
  }
  size_t best = assay_backtest_best(rows, count, w->walk->objective);
  window->chosen = best != SIZE_MAX;
  if (window->chosen) {
    memcpy(window->parameters, rows[best].parameters, sizeof window->parameters);
    window->trained = rows[best].metrics;
  } else {
    assay_backtest_tell_unscored(rows, count, w->walk->objective, window->why);
  }
  assay_backtest_rows_free(rows);
  return ASSAY_OK;
}

static assay_status add_trade(walker *w, const assay_backtest_trade *trade) {
  assay_backtest_trade *to = assay_list_add(&w->trades, sizeof *to);
  if (to == NULL) return ASSAY_FAIL(w->err, ASSAY_ERR_NO_MEMORY, "out of memory for the trades of a walk-forward");
  *to = *trade;
  w->scores.trades++;
  w->scores.profit += trade->profit;
  w->scores.wins += trade->profit > 0;
  w->scores.gains += trade->profit > 0 ? trade->profit : 0;
  w->scores.losses -= trade->profit < 0 ? trade->profit : 0;
  w->scores.best = fmax(w->scores.best, trade->profit);
  w->scores.worst = fmin(w->scores.worst, trade->profit);
  return ASSAY_OK;
}

static assay_status add_fill(walker *w, const assay_backtest_fill *fill) {
  assay_backtest_fill *to = assay_list_add(&w->fills, sizeof *to);
  if (to == NULL) return ASSAY_FAIL(w->err, ASSAY_ERR_NO_MEMORY, "out of memory for the fills of a walk-forward");
  *to = *fill;
  return ASSAY_OK;
}

/* The curve of a test goes on where the one before ended: its first value is the last bar of the training. */
static assay_status add_curve(walker *w, const assay_backtest_result *r, const assay_backtest_window *window) {
  for (size_t i = 1; i < r->metrics.bars; i++) {
    if (r->equity[i] > 0)
      assay_tally_add(&w->scores.tally, r->equity[i]);
    else if (w->scores.ruined_at == SIZE_MAX)
      assay_tally_ruin(&w->scores.tally, r->equity[i]), w->scores.ruined_at = window->test_first + i - 1;
    w->made->result->equity[window->test_first + i - 1 - w->made->result->first] = r->equity[i];
  }
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < r->metrics.trades && status == ASSAY_OK; i++) status = add_trade(w, &r->trades[i]);
  for (size_t i = 0; r->fills != NULL && i < r->metrics.fills && status == ASSAY_OK; i++) status = add_fill(w, &r->fills[i]);
  return status;
}

static void add_metrics(walker *w, const assay_backtest_metrics *m) {
  double bars = (double)(m->bars - 1);
  w->scores.fills += m->fills;
  w->scores.orders += m->orders;
  w->scores.rejected += m->rejected;
  w->scores.margin_calls += m->margin_calls;
  w->scores.exposed += (size_t)lround(m->exposure * bars);
  w->scores.turnover += m->turnover * bars / w->finish.periods_per_year;
  w->finish.fees += m->fees;
  w->finish.realised += m->realised;
  w->finish.dividends += m->dividends;
}

static void keep_cash(walker *w, const assay_backtest_window *window) {
  for (size_t i = window->test_first; i < window->test_end; i++) {
    if (w->scores.ruined_at == SIZE_MAX) assay_tally_add(&w->scores.tally, w->equity);
    w->made->result->equity[i - w->made->result->first] = w->equity;
  }
}

/* Without a choice nothing is wanted; what is held from before is closed. */
static void want_nothing(assay_backtest *run, void *state) {
  (void)state;
  if (assay_backtest_now(run) != assay_backtest_get_options(run)->first) return;
  for (size_t a = 0; a < assay_backtest_assets(run); a++) assay_backtest_target(run, a, 0);
}
static const assay_strategy no_choice = {.name = "no choice", .on_bar = want_nothing};

static const assay_backtest_held *held_now(const walker *w) {
  if (!w->begun) return w->options.held;
  return w->carry.account != NULL ? w->held : NULL;
}

static bool holds(const walker *w) {
  const assay_backtest_held *held = held_now(w);
  bool any = w->carry.orders.count > 0;
  for (size_t a = 0; held != NULL && a < w->data->assets; a++) any = any || held[a].quantity != 0;
  return any;
}

static assay_backtest_options test_options(const walker *w, const assay_backtest_window *window) {
  bool carry = w->walk->carry, last = window->test_end == w->end;
  assay_backtest_options o = w->options;
  o.first = window->test_first - 1;
  o.end = window->test_end;
  o.held = held_now(w);
  if (w->begun) o.cash = w->carry.account != NULL ? w->carry.account->cash : w->equity;
  o.keep_equity = o.keep_trades = true;
  o.close_at_end = carry ? w->options.close_at_end && last : true; /* the next test begins without positions: those of this one are sold */
  return o;
}

static void take_note(walker *w, const assay_backtest_result *r) {
  char *to = w->made->result->rejection;
  if (to[0] == '\0') memcpy(to, r->rejection, sizeof r->rejection);
  w->equity = r->metrics.last_equity;
  w->finish.unrealised = r->metrics.unrealised;
  w->finish.open_at_end = r->metrics.open_at_end;
  w->begun = true;
  if (w->carry.account != NULL) assay_carry_put_held(&w->carry, w->data->assets, w->held);
}

static assay_status try_out(walker *w, assay_backtest_window *window) {
  if (!(w->equity > 0) || (!window->chosen && !holds(w))) {
    keep_cash(w, window);
    return ASSAY_OK;
  }
  assay_backtest_options o = test_options(w, window);
  const assay_strategy *strategy = window->chosen ? w->sweep.strategy : &no_choice;
  for (size_t a = 0; !window->chosen && w->carry.aims != NULL && a < w->data->assets; a++)
    if (w->held[a].quantity != 0 || w->carry.aims[a] != 0) w->carry.aims[a] = NAN; /* nothing has to be wanted aloud */
  w->carry.last = window->test_end == w->end;
  assay_backtest_result *r = NULL;
  assay_status status =
      assay_backtest_run_checked(strategy, window->parameters, w->data, &o, w->walk->carry ? &w->carry : NULL, w->err, &r);
  if (status != ASSAY_OK) return status;
  window->tested = r->metrics;
  status = add_curve(w, r, window);
  add_metrics(w, &r->metrics);
  take_note(w, r);
  assay_backtest_result_destroy(r);
  return status;
}

static assay_status make_room(walker *w) {
  size_t bars = w->end - piece_at(w, w->train);
  w->made = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *w->made);
  if (w->made == NULL) return ASSAY_FAIL(w->err, ASSAY_ERR_NO_MEMORY, "out of memory for a walk-forward");
  w->made->windows = assay_calloc(ASSAY_TAG_MARKET, w->walk->windows, sizeof *w->made->windows);
  w->made->result = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *w->made->result);
  if (w->made->result != NULL) w->made->result->equity = assay_calloc(ASSAY_TAG_MARKET, bars + 1, sizeof(double));
  w->held = assay_calloc(ASSAY_TAG_MARKET, w->data->assets, sizeof *w->held);
  if (w->held == NULL || w->made->windows == NULL || w->made->result == NULL || w->made->result->equity == NULL)
    return ASSAY_FAIL(w->err, ASSAY_ERR_NO_MEMORY, "out of memory for a walk-forward of %zu bars", bars);
  w->made->window_count = w->walk->windows;
  w->made->carry = w->walk->carry;
  w->made->result->first = piece_at(w, w->train) - 1;
  return ASSAY_OK;
}

/* What is held is there when the first test begins, not where training does. */
static assay_status check_walk(walker *w) {
  assay_rules rules;
  assay_backtest_options o = w->options;
  o.held = NULL;
  if (w->options.held != NULL) o.cash = 0;
  assay_status status = assay_backtest_read_options(&o, w->data, w->err, &rules, &w->first, &w->end);
  if (status != ASSAY_OK) return status;
  w->train = w->walk->train == 0 ? 3 : w->walk->train;
  size_t bars = w->end - w->first, pieces = w->walk->windows + w->train;
  if (w->walk->windows == 0 || w->walk->windows > bars || w->train > bars || bars / pieces < 2)
    return ASSAY_FAIL(w->err, ASSAY_ERR_INVALID, "%zu bars cannot be cut into %zu windows after %zu pieces to train on: each needs 2 bars",
                      bars, w->walk->windows, w->train);
  w->piece = bars / pieces;
  o = w->options;
  o.first = piece_at(w, w->train) - 1;
  status = assay_backtest_read_options(&o, w->data, w->err, &rules, &o.first, &o.end);
  if (status == ASSAY_OK) w->first_equity = w->equity = assay_backtest_equity_at(&o, w->data, o.first);
  return status;
}

static double efficiency_of(const assay_backtest_walked *made) {
  double trained = 0, tested = 0;
  for (size_t i = 0; i < made->window_count; i++) {
    trained += made->windows[i].trained.annual_return;
    tested += made->windows[i].tested.annual_return;
  }
  return trained > 0 ? tested / trained : NAN;
}

assay_status assay_backtest_run_walk_forward(const assay_backtest_walk_forward *walk, const assay_backtest_sweep *sweep,
                                             const assay_backtest_data *data, const assay_backtest_options *options, assay_error *err,
                                             assay_backtest_walked **walked) {
  walker w = {.walk = walk, .sweep = *sweep, .data = data, .err = err};
  if (options != NULL) w.options = *options;
  assay_status status = assay_backtest_check_data(data, err);
  if (status == ASSAY_OK) status = check_walk(&w);
  if (status == ASSAY_OK) status = make_room(&w);
  if (w.made == NULL) return status;
  if (status == ASSAY_OK) w.made->result->equity[0] = w.first_equity;
  assay_scores_begin(&w.scores, w.first_equity);
  double year = w.options.periods_per_year;
  w.finish = (assay_finish){.scores = &w.scores,
                            .first_equity = w.first_equity,
                            .periods_per_year = year == 0 ? assay_backtest_periods_per_year(data->bars) : year,
                            .risk_free = w.options.risk_free};
  for (size_t i = 0; i < walk->windows && status == ASSAY_OK; i++) {
    assay_backtest_window *window = &w.made->windows[i];
    window->train_first = walk->anchored ? w.first : piece_at(&w, i);
    window->test_first = piece_at(&w, i + w.train);
    window->test_end = piece_at(&w, i + w.train + 1);
    status = train(&w, window);
    if (status == ASSAY_OK) status = try_out(&w, window);
  }
  if (status == ASSAY_OK) {
    assay_backtest_result *r = w.made->result;
    w.finish.bars = w.end - r->first;
    assay_backtest_finish(&w.finish, &r->metrics);
    status = assay_backtest_check_metrics(&r->metrics, err);
  }
  assay_carry_drop(&w.carry);
  assay_free(w.held);
  if (status == ASSAY_OK) {
    assay_backtest_result *r = w.made->result;
    r->trades = w.trades.items;
    r->fills = w.fills.items;
    r->periods_per_year = w.finish.periods_per_year;
    w.made->efficiency = efficiency_of(w.made);
    *walked = w.made;
    return ASSAY_OK;
  }
  assay_free(w.trades.items);
  assay_free(w.fills.items);
  assay_backtest_walked_destroy(w.made);
  return status;
}

void assay_backtest_walked_destroy(assay_backtest_walked *walked) {
  if (walked == NULL) return;
  assay_backtest_result_destroy(walked->result);
  assay_free(walked->windows);
  assay_free(walked);
}
