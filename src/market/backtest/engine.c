/* SPDX-License-Identifier: MIT */
/* A backtest bar by bar, and the choice between that and the fast path. */
#include "market/backtest/engine.h"
#include "market/backtest/strategies.h"

#include <math.h>
#include <string.h>

/* ---- Options ------------------------------------------------------------------------------------------------------------------------- */

static bool is_share(double value, double most) { return value >= 0 && value <= most; }

static const char *wrong_option(const assay_backtest_options *o, const assay_backtest_data *data) {
  const assay_slippage *s = &o->slippage;
  if (!(fabs(o->cash) <= 1e15) || (o->cash < 0 && o->held == NULL)) return "cash is 0 to 1e15, below 0 only beside positions";
  if (!is_share(o->fees.per_order, 1e9) || !is_share(o->fees.per_share, 1e9) || !is_share(o->fees.least, 1e9)) return "fees are 0 or more";
  if (!is_share(o->fees.rate, 1)) return "a fee's rate is 0 to 1";
  if (!is_share(s->rate, 0.5)) return "slippage is 0 to half of the price";
  if (!is_share(s->ticks, 1e6) || !is_share(s->tick, 1e9)) return "ticks of slippage and their size are 0 or more";
  if (!is_share(s->volume_share, 1)) return "a share of the volume is 0 to 1";
  if (!is_share(s->impact, 1e6)) return "impact is 0 or more";
  if (!is_share(o->lot, 1e12)) return "a lot is 0 or more";
  if (o->leverage != 0 && !(o->leverage > 0 && o->leverage <= 1000)) return "leverage is above 0, to 1000";
  if (!is_share(o->maintenance, 1)) return "the maintenance margin is 0 to 1";
  if (!is_share(o->periods_per_year, 1e9)) return "periods per year are 0 or more";
  if (!(fabs(o->risk_free) < 10)) return "the risk-free return is a ratio per year";
  if (o->basis != ASSAY_COST_AVERAGE && o->basis != ASSAY_COST_FIFO) return "there is no such cost basis";
  bool needs_volume = s->volume_share > 0 || s->impact > 0;
  for (size_t a = 0; a < data->assets && needs_volume; a++)
    if (data->bars[a].volume == NULL) return "slippage by volume needs bars with volumes";
  return NULL;
}

assay_status assay_backtest_read_options(const assay_backtest_options *o, const assay_backtest_data *data, assay_error *err,
                                         assay_rules *rules, size_t *first, size_t *end) {
  size_t bars = data->bars[0].count, stop = o->end == 0 ? bars : o->end;
  const char *wrong = wrong_option(o, data);
  if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "options of the backtest: %s", wrong);
  if (stop > bars || o->first >= stop)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "bars %zu to %zu are asked for, and there are %zu", o->first, stop, bars);
  assay_status status = assay_backtest_check_held(o, data, o->first, err);
  if (status != ASSAY_OK) return status;
  double away = o->slippage.ticks * o->slippage.tick;
  *rules = (assay_rules){.fees = o->fees,
                         .up = 1 + o->slippage.rate,
                         .down = 1 - o->slippage.rate,
                         .away = away,
                         .lot = o->lot,
                         .leverage = o->leverage == 0 ? 1 : o->leverage,
                         .maintenance = o->maintenance,
                         .volume_share = o->slippage.volume_share,
                         .impact = o->slippage.impact,
                         .no_short = o->no_short,
                         .close_at_end = o->close_at_end};
  *first = o->first;
  *end = stop;
  return ASSAY_OK;
}

double assay_backtest_cash_of(const assay_backtest_options *o) { return o->cash == 0 && o->held == NULL ? 100000 : o->cash; }

void *assay_list_add(assay_list *list, size_t size) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    void *grown = assay_realloc(ASSAY_TAG_MARKET, list->items, capacity, size);
    if (grown == NULL) return NULL;
    list->items = grown;
    list->capacity = capacity;
  }
  return (char *)list->items + list->count++ * size;
}

/* ---- What callbacks ask -------------------------------------------------------------------------------------------------------------- */

size_t assay_backtest_now(const assay_backtest *run) { return run->now; }
size_t assay_backtest_assets(const assay_backtest *run) { return run->data->assets; }
const assay_bars *assay_backtest_bars(const assay_backtest *run, size_t asset) {
  return asset < run->data->assets ? &run->views[asset] : NULL;
}
void *assay_backtest_user(const assay_backtest *run) { return run->strategy->user; }
const double *assay_backtest_parameters(const assay_backtest *run) { return run->parameters; }
double assay_backtest_position(const assay_backtest *run, size_t asset) {
  return asset < run->data->assets ? run->account->positions[asset].quantity : 0;
}
double assay_backtest_cash(const assay_backtest *run) { return run->account->cash; }
double assay_backtest_equity(const assay_backtest *run) {
  double value = 0;
  for (size_t a = 0; a < run->data->assets; a++) value += run->account->positions[a].quantity * run->account->positions[a].price;
  return run->account->cash + value;
}
const assay_backtest_options *assay_backtest_get_options(const assay_backtest *run) { return run->options; }
const assay_account *assay_backtest_account(const assay_backtest *run) { return run->account; }
void assay_backtest_fail(assay_backtest *run, const char *why) {
  if (run->status == ASSAY_OK) run->status = ASSAY_FAIL(run->err, ASSAY_ERR_INVALID, "bar %zu: %s", run->now, why);
}

/* ---- Bar by bar ---------------------------------------------------------------------------------------------------------------------- */

static void act(assay_backtest *run, const assay_backtest_action *a) {
  assay_position *p = &run->account->positions[a->asset];
  if (a->dividend != 0) {
    run->trips[a->asset].flow += p->quantity * a->dividend;
    assay_account_dividend(run->account, a->asset, a->dividend, NULL);
  }
  if (a->split == 0 || a->split == 1) return;
  assay_account_split(run->account, a->asset, a->split, NULL);
  assay_backtest_split_orders(run, a->asset, a->split);
  run->trips[a->asset].in *= a->split;
  run->trips[a->asset].out *= a->split;
}

static void reveal_number(const double *to, const double *from, size_t bar) {
  if (to != NULL) memcpy((double *)(uintptr_t)to + bar, from + bar, sizeof *from);
}

/* A bar has closed: now the strategy may see it. */
static void reveal(const assay_backtest *run, size_t asset) {
  const assay_bars *to = &run->views[asset], *from = &run->data->bars[asset];
  reveal_number(to->open, from->open, run->now);
  reveal_number(to->high, from->high, run->now);
  reveal_number(to->low, from->low, run->now);
  reveal_number(to->close, from->close, run->now);
  reveal_number(to->volume, from->volume, run->now);
  if (to->times != NULL) memcpy((int64_t *)(uintptr_t)to->times + run->now, from->times + run->now, sizeof *from->times);
}

/* Marks to the close; false when nothing is left. */
static bool close_bar(assay_backtest *run) {
  assay_account *account = run->account;
  double value = 0, gross = 0;
  for (size_t a = 0; a < account->assets; a++) {
    assay_position *p = &account->positions[a];
    double close = run->data->bars[a].close[run->now];
    p->price = close == close ? close : p->price;
    value += p->quantity * p->price;
    gross += fabs(p->quantity) * p->price;
    if (run->reveals) reveal(run, a);
    run->views[a].count = run->now + 1;
  }
  if (!run->trading) return true;
  if (run->now == run->first) {
    assay_backtest_take_over(run);
    if (run->equity != NULL) run->equity[0] = run->first_equity;
    return true;
  }
  if (run->rules.close_at_end && run->now + 1 == run->end && account->cash + value > 0) value = assay_backtest_close_all(run);
  double equity = account->cash + value;
  if (!(equity > 0)) {
    assay_backtest_ruin(run);
    assay_tally_ruin(&run->scores.tally, equity);
    run->scores.ruined_at = run->now;
    for (size_t i = run->now; run->equity != NULL && i < run->end; i++) run->equity[i - run->first] = equity;
    return false;
  }
  assay_tally_add(&run->scores.tally, equity);
  run->scores.exposed += gross > 0;
  if (run->equity != NULL) run->equity[run->now - run->first] = equity;
  if (run->rules.maintenance > 0 && equity < run->rules.maintenance * gross) assay_backtest_call_margin(run);
  return true;
}

/* Before it trades a strategy only warms up; at its first bar the last target that it had counts, unless it has a new one. What is held
 * then is brought to it; what it says is there already is left in peace. */
static void want_now(assay_backtest *run) {
  bool begins_held = run->settles, aims = run->strategy->targets != NULL;
  run->settles = false;
  for (size_t a = 0; a < run->data->assets; a++) {
    double wanted = begins_held && aims && isnan(run->wanted[a]) ? 0 : run->wanted[a], is_there = begins_held ? run->aims[a] : 0;
    if (!isnan(wanted) && wanted != is_there) assay_backtest_target(run, a, wanted);
  }
}

static assay_status loop(assay_backtest *run) {
  const assay_backtest_data *data = run->data;
  for (run->now = 0; run->now < run->end && run->status == ASSAY_OK; run->now++) {
    run->trading = run->now >= run->first;
    while (run->next_action < data->action_count && data->actions[run->next_action].bar == run->now)
      act(run, &data->actions[run->next_action++]);
    if (run->orders.count > 0) assay_backtest_trade_bar(run);
    if (!close_bar(run) || (run->now + 1 == run->end && assay_backtest_hands_over(run))) break;
    run->strategy->on_bar(run, run->state);
    if (run->now == run->first) want_now(run);
  }
  return run->status;
}

/* ---- Results ------------------------------------------------------------------------------------------------------------------------- */

void assay_backtest_result_destroy(assay_backtest_result *result) {
  if (result == NULL) return;
  assay_free(result->equity);
  assay_free(result->fills);
  assay_free(result->trades);
  assay_free(result);
}

/* With room for the curve where it is kept. */
static assay_backtest_result *make_result(const assay_backtest_data *data, const assay_backtest_options *options, size_t first, size_t end,
                                          assay_error *err) {
  assay_backtest_result *made = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made);
  if (made != NULL && options->keep_equity) made->equity = assay_calloc(ASSAY_TAG_MARKET, end - first, sizeof *made->equity);
  if (made == NULL || (options->keep_equity && made->equity == NULL)) {
    assay_free(made);
    ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a curve of %zu bars", end - first);
    return NULL;
  }
  made->first = first;
  made->periods_per_year = options->periods_per_year == 0 ? assay_backtest_periods_per_year(data->bars) : options->periods_per_year;
  return made;
}

static assay_finish finish_of(const assay_scores *scores, const assay_backtest_options *options, double first_equity, size_t bars,
                              double periods_per_year) {
  return (assay_finish){
      .scores = scores, .bars = bars, .first_equity = first_equity, .periods_per_year = periods_per_year, .risk_free = options->risk_free};
}

/* ---- The path of events -------------------------------------------------------------------------------------------------------------- */

static assay_status make_run(assay_backtest *run, const assay_bars *shown, assay_error *err) {
  size_t assets = run->data->assets;
  assay_status status = assay_account_create(assets, assay_backtest_cash_of(run->options), run->options->basis, err, &run->account);
  if (status != ASSAY_OK) return status;
  run->views = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *run->views);
  run->trips = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *run->trips);
  run->wanted = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *run->wanted);
  run->aims = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *run->aims);
  run->state = assay_calloc(ASSAY_TAG_MARKET, 1, run->strategy->state_size + 1);
  bool shares_volume = run->rules.volume_share > 0;
  if (shares_volume) run->volume_left = assay_calloc(ASSAY_TAG_MARKET, assets, sizeof *run->volume_left);
  if (run->views == NULL || run->trips == NULL || run->wanted == NULL || run->aims == NULL || run->state == NULL ||
      (shares_volume && run->volume_left == NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a backtest of %zu assets", assets);
  for (size_t a = 0; a < assets; a++) {
    run->views[a] = shown[a];
    run->views[a].count = 0;
    run->wanted[a] = NAN;
  }
  assay_scores_begin(&run->scores, assay_backtest_cash_of(run->options));
  return ASSAY_OK;
}

static void drop_run(assay_backtest *run) {
  assay_account_destroy(run->account);
  assay_free(run->views);
  assay_free(run->trips);
  assay_free(run->wanted);
  assay_free(run->aims);
  assay_free(run->volume_left);
  assay_free(run->state);
  assay_free(run->orders.items);
  assay_free(run->fills.items);
  assay_free(run->trades.items);
}

static void take_result(assay_backtest *run, assay_backtest_result *result) {
  assay_account_totals totals = assay_account_get_totals(run->account);
  assay_finish f = finish_of(&run->scores, run->options, run->first_equity, run->end - run->first, result->periods_per_year);
  f.fees = totals.fees;
  f.realised = totals.realised;
  f.unrealised = totals.unrealised;
  f.dividends = totals.dividends;
  for (size_t a = 0; a < run->data->assets; a++) f.open_at_end += run->account->positions[a].quantity != 0;
  assay_backtest_finish(&f, &result->metrics);
  result->fills = run->fills.items;
  result->trades = run->trades.items;
  run->fills.items = run->trades.items = NULL;
  memcpy(result->rejection, run->rejection, sizeof result->rejection);
}

static assay_status run_events(assay_backtest *run, const assay_bars *shown, assay_backtest_result *result, assay_error *err) {
  run->err = err;
  run->equity = result->equity;
  assay_status status = make_run(run, shown, err);
  bool started = status == ASSAY_OK;
  if (started && run->strategy->start != NULL) status = run->strategy->start(run, run->parameters, run->state, err);
  started = status == ASSAY_OK;
  if (started) status = loop(run);
  if (started && run->strategy->stop != NULL) run->strategy->stop(run->state);
  if (status == ASSAY_OK) take_result(run, result);
  if (status == ASSAY_OK) status = assay_backtest_check_metrics(&result->metrics, err);
  if (status == ASSAY_OK && run->carry != NULL) status = assay_backtest_hand_over(run, err);
  drop_run(run);
  return status;
}

/* ---- Targets bar by bar: what the fast path is the same as --------------------------------------------------------------------------- */

typedef struct given_targets {
  bool begun;
  double last;
} given_targets;

/* Nothing is what is wanted before the first target, unless something is held: that stays until one comes. */
static double wanted_before(const assay_backtest_options *options) { return options->held != NULL ? NAN : 0; }

static void follow_targets(assay_backtest *run, void *state) {
  given_targets *given = state;
  if (!given->begun) *given = (given_targets){true, wanted_before(run->options)};
  double wanted = ((const double *)run->strategy->user)[run->now];
  if (isnan(wanted) || wanted == given->last) return;
  if (!isfinite(wanted)) {
    assay_backtest_fail(run, "the target is infinite");
    return;
  }
  given->last = wanted;
  assay_backtest_target(run, 0, wanted);
}

/* ---- The fast path ------------------------------------------------------------------------------------------------------------------- */

static assay_status follow_fast(const assay_backtest *run, const double *targets, assay_fast *fast, assay_error *err) {
  double last = wanted_before(run->options);
  for (size_t t = 0; t < run->end; t++) {
    double wanted = targets[t];
    bool changes = wanted == wanted && wanted != last, begins = t == run->first && last == last && (fast->begins_held || last != 0);
    if (!changes && !begins) continue;
    if (changes && !isfinite(wanted)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "bar %zu: the target is infinite", t);
    if (changes) last = wanted;
    bool is_there = t == run->first && fast->begins_held && last == fast->aim;
    if (t >= run->first && !is_there) assay_fast_want(fast, t, last);
  }
  assay_fast_end(fast);
  return ASSAY_OK;
}

static assay_status cross_fast(const assay_backtest *run, assay_fast *fast, assay_error *err) {
  assay_averages *averages = assay_averages_create(run->data, false);
  bool done = averages != NULL && assay_averages_run(averages, run->parameters, fast);
  assay_averages_destroy(averages);
  return done ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for moving averages");
}

/* `targets` NULL: the cross of moving averages. */
static assay_status run_fast(assay_backtest *run, const double *targets, assay_backtest_result *result, assay_error *err) {
  const assay_backtest_options *o = run->options;
  assay_fast fast = {.bars = run->data->bars,
                     .rules = &run->rules,
                     .loops = assay_backtest_functions_best(),
                     .first = run->first,
                     .end = run->end,
                     .equity = result->equity,
                     .fills = o->keep_fills ? &run->fills : NULL,
                     .trades = o->keep_trades ? &run->trades : NULL,
                     .hands_over = assay_backtest_hands_over(run)};
  assay_fast_begin(&fast, o);
  if (run->carry != NULL && run->carry->account != NULL) assay_fast_take_over(&fast, run->carry);
  assay_status status = targets != NULL ? follow_fast(run, targets, &fast, err) : cross_fast(run, &fast, err);
  if (status != ASSAY_OK) return status;
  if (fast.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the fills of a backtest");
  assay_fast_finish(&fast, o, result->periods_per_year, &result->metrics);
  result->fills = run->fills.items;
  result->trades = run->trades.items;
  run->fills.items = run->trades.items = NULL;
  status = assay_backtest_check_metrics(&result->metrics, err);
  return status == ASSAY_OK && run->carry != NULL ? assay_fast_hand_over(&fast, run->carry, err) : status;
}

void assay_fast_finish(const assay_fast *fast, const assay_backtest_options *options, double periods_per_year,
                       assay_backtest_metrics *metrics) {
  const assay_position *p = &fast->position;
  assay_finish f = finish_of(&fast->scores, options, fast->first_equity, fast->end - fast->first, periods_per_year);
  f.fees = p->fees;
  f.realised = p->realised;
  f.unrealised = p->quantity * p->price - p->cost;
  f.open_at_end = p->quantity != 0;
  assay_backtest_finish(&f, metrics);
}

/* ---- Either -------------------------------------------------------------------------------------------------------------------------- */

static bool is_plain(const assay_backtest *run) {
  return !run->options->events && run->options->basis == ASSAY_COST_AVERAGE && assay_targets_are_plain(run->data, &run->rules);
}

/* `targets` NULL: the strategy is called, or is the cross that has a path of its own. */
static assay_status run_either(assay_backtest *run, const double *targets, bool fast, assay_error *err, assay_backtest_result **result) {
  assay_strategy follow = {.state_size = sizeof(given_targets), .on_bar = follow_targets, .user = (void *)(uintptr_t)targets};
  assay_backtest_result *made = make_result(run->data, run->options, run->first, run->end, err);
  if (made == NULL) return ASSAY_ERR_NO_MEMORY;
  if (targets != NULL && !fast) run->strategy = &follow;
  assay_status status = fast ? run_fast(run, targets, made, err) : run_events(run, run->data->bars, made, err);
  assay_free(fast ? run->fills.items : NULL);
  assay_free(fast ? run->trades.items : NULL);
  if (status == ASSAY_OK)
    *result = made;
  else
    assay_backtest_result_destroy(made);
  return status;
}

assay_status assay_backtest_record(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                   const assay_backtest_options *options, const assay_bars *shown, assay_error *err,
                                   assay_list *decisions) {
  assay_backtest run = {.strategy = strategy, .parameters = parameters, .data = data, .options = options, .decisions = decisions};
  run.reveals = shown != NULL;
  assay_status status = assay_backtest_read_options(options, data, err, &run.rules, &run.first, &run.end);
  assay_backtest_result *result = status == ASSAY_OK ? make_result(data, options, run.first, run.end, err) : NULL;
  if (status == ASSAY_OK) status = result != NULL ? run_events(&run, shown != NULL ? shown : data->bars, result, err) : ASSAY_ERR_NO_MEMORY;
  assay_backtest_result_destroy(result);
  return status;
}

assay_status assay_backtest_run_checked(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                        const assay_backtest_options *options, assay_carry *carry, assay_error *err,
                                        assay_backtest_result **result) {
  assay_backtest run = {.strategy = strategy, .parameters = parameters, .data = data, .options = options, .carry = carry};
  assay_status status = assay_backtest_read_options(options, data, err, &run.rules, &run.first, &run.end);
  if (status != ASSAY_OK) return status;
  bool has_targets = strategy->targets != NULL && data->assets == 1 && (!options->events || strategy->on_bar == NULL);
  if (!has_targets) return run_either(&run, NULL, false, err, result);
  bool plain = is_plain(&run);
  if (plain && strategy == &assay_strategy_sma) return run_either(&run, NULL, true, err, result);
  double *targets = assay_alloc(ASSAY_TAG_MARKET, data->bars->count * sizeof *targets);
  if (targets == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu targets", data->bars->count);
  status = strategy->targets(data->bars, parameters, strategy->user, err, targets);
  if (status == ASSAY_OK) status = run_either(&run, targets, plain, err, result);
  assay_free(targets);
  return status;
}

assay_status assay_backtest_check_run(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                      assay_error *err) {
  size_t least = strategy->assets_least == 0 ? 1 : strategy->assets_least,
         most = strategy->assets_most == 0 ? least : strategy->assets_most;
  assay_status status = assay_strategy_check(strategy, parameters, err);
  if (status == ASSAY_OK) status = assay_backtest_check_data(data, err);
  if (status != ASSAY_OK || (data->assets >= least && data->assets <= most)) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s trades %zu asset%s%s, and the data have %zu", strategy->name, least, least == 1 ? "" : "s",
                    most > least ? " or more" : "", data->assets);
}

assay_status assay_backtest_run(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                const assay_backtest_options *options, assay_error *err, assay_backtest_result **result) {
  static const assay_backtest_options none = {0};
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_strategy_defaults(strategy, usual);
  if (parameters == NULL) parameters = usual;
  assay_status status = assay_backtest_check_run(strategy, parameters, data, err);
  if (status != ASSAY_OK) return status;
  return assay_backtest_run_checked(strategy, parameters, data, options != NULL ? options : &none, NULL, err, result);
}

assay_status assay_backtest_run_targets(const assay_bars *bars, const double *targets, const assay_backtest_options *options,
                                        assay_error *err, assay_backtest_result **result) {
  static const assay_backtest_options none = {0};
  assay_backtest_data data = {.assets = 1, .bars = bars};
  assay_backtest run = {.data = &data, .options = options != NULL ? options : &none};
  assay_status status = assay_backtest_check_data(&data, err);
  if (status == ASSAY_OK) status = assay_backtest_read_options(run.options, &data, err, &run.rules, &run.first, &run.end);
  return status == ASSAY_OK ? run_either(&run, targets, is_plain(&run), err, result) : status;
}
