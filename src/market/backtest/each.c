/* SPDX-License-Identifier: MIT */
/* Many symbols: each is loaded and run in a process that it may take down with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market/backtest/engine.h"
#include "market/backtest/strategies.h"
#include "market/backtest/workers.h"

typedef struct job {
  const assay_backtest_sweep *sweep;
  const assay_backtest_source *source;
  const assay_backtest_options *options;
  const double *base;
  const assay_backtest_walk_forward *walk; /* NULL: none */
  assay_backtest_objective objective;
} job;

/* ---- A symbol ------------------------------------------------------------------------------------------------------------------------ */

/* A sweep in this process. */
static assay_backtest_sweep sweep_here(const job *j) {
  assay_backtest_sweep here = *j->sweep;
  here.parameters = j->base;
  here.here = true;
  return here;
}

static bool is_whole(const assay_backtest_row *rows, size_t count) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) left += rows[i].outcome == ASSAY_BACKTEST_NOT_RUN;
  return left == 0;
}

/* What its sweep says of the best. The best of a sweep that was cut short is not the best. */
static assay_status choose(const job *j, const assay_backtest_loaded *l, assay_error *err, assay_backtest_symbol *made) {
  const assay_backtest_sweep here = sweep_here(j);
  assay_backtest_row *rows = NULL;
  size_t count = 0;
  assay_status status = assay_backtest_run_sweep(&here, &l->data, &l->options, err, &rows, &count);
  if (status != ASSAY_OK) return status;
  size_t best = assay_backtest_best(rows, count, j->objective);
  const bool stopped = !is_whole(rows, count);
  for (size_t i = 0; i < count; i++) made->configurations += rows[i].outcome == ASSAY_BACKTEST_DONE;
  if (stopped) {
    status = ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "stopped in its sweep");
  } else if (best != SIZE_MAX) {
    memcpy(made->parameters, rows[best].parameters, sizeof made->parameters);
    made->metrics = rows[best].metrics; /* those of its run by itself, to the bit */
  } else {
    char why[160];
    assay_backtest_tell_unscored(rows, count, j->objective, why);
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s", why);
  }
  assay_backtest_rows_free(rows);
  return status;
}

static size_t sample_curve(const assay_backtest_result *r, double *curve) {
  const size_t bars = r->metrics.bars, count = bars < ASSAY_BACKTEST_SAMPLES ? bars : ASSAY_BACKTEST_SAMPLES;
  for (size_t i = 0; i < count; i++) curve[i] = r->equity[count > 1 ? i * (bars - 1) / (count - 1) : 0];
  return count;
}

static assay_status measure(const assay_strategy *strategy, const double *parameters, const assay_backtest_loaded *l, assay_error *err,
                            assay_backtest_metrics *metrics, double *curve) {
  assay_backtest_result *result = NULL;
  assay_status status = assay_backtest_run(strategy, parameters, &l->data, &l->options, err, &result);
  if (status == ASSAY_OK) *metrics = result->metrics;
  if (status == ASSAY_OK && l->options.keep_equity) (void)sample_curve(result, curve);
  assay_backtest_result_destroy(result);
  return status;
}

/* The last choice, or why there is none. */
static void keep_choice(const assay_backtest_walked *walked, assay_backtest_symbol *made) {
  for (size_t i = 0; i < walked->window_count; i++) {
    if (!walked->windows[i].chosen) continue;
    memcpy(made->parameters, walked->windows[i].parameters, sizeof made->parameters);
    made->windows++;
  }
  if (made->windows > 0) return;
  for (size_t p = 0; p < ASSAY_STRATEGY_MOST_PARAMETERS; p++) made->parameters[p] = NAN;
  snprintf(made->why, sizeof made->why, "no window had a choice: in the first %s", walked->windows[0].why);
}

/* Its tests are what is shown, and *first to before *end their bars. */
static assay_status walk(const job *j, const assay_backtest_loaded *l, assay_error *err, assay_backtest_symbol *made, size_t *first,
                         size_t *end) {
  const assay_backtest_sweep here = sweep_here(j);
  assay_backtest_walked *walked = NULL;
  assay_status status = assay_backtest_run_walk_forward(j->walk, &here, &l->data, &l->options, err, &walked);
  if (status != ASSAY_OK) return status;
  made->metrics = walked->result->metrics;
  made->efficiency = walked->efficiency;
  keep_choice(walked, made);
  if (l->options.keep_equity) (void)sample_curve(walked->result, made->curve);
  *first = walked->result->first;
  *end = *first + made->metrics.bars;
  assay_backtest_walked_destroy(walked);
  return ASSAY_OK;
}

static void keep_times(const assay_backtest_loaded *l, assay_backtest_symbol *made) {
  const assay_bars *b = l->data.bars;
  size_t end = l->options.end != 0 ? l->options.end : b->count;
  made->has_times = b->times != NULL;
  if (!made->has_times) return;
  made->first_ns = b->times[l->options.first];
  made->last_ns = b->times[end - 1];
}

static assay_status run_symbol(const job *j, const assay_backtest_loaded *loaded, assay_error *err, assay_backtest_symbol *made) {
  assay_backtest_loaded l = *loaded;
  const bool swept = j->sweep->range_count > 0, keeps = l.options.keep_equity;
  assay_status status = ASSAY_OK;
  memcpy(made->parameters, j->base, sizeof made->parameters);
  if (j->walk != NULL)
    status = walk(j, &l, err, made, &l.options.first, &l.options.end);
  else if (swept)
    status = choose(j, &l, err, made);
  if (status == ASSAY_OK && j->walk == NULL && (!swept || keeps))
    status = measure(j->sweep->strategy, made->parameters, &l, err, &made->metrics, made->curve);
  if (status == ASSAY_OK) status = measure(&assay_strategy_hold, NULL, &l, err, &made->hold, made->hold_curve);
  if (status == ASSAY_OK) keep_times(&l, made);
  if (keeps) made->samples = made->metrics.bars < ASSAY_BACKTEST_SAMPLES ? made->metrics.bars : ASSAY_BACKTEST_SAMPLES;
  return status;
}

/* What became of a symbol that a process could not say, because it died or was stopped. */
static assay_backtest_symbol lost_symbol(unsigned char state, unsigned char ended_by) {
  assay_backtest_row row;
  assay_backtest_explain(state, ended_by, &row);
  assay_backtest_symbol lost = {.outcome = row.outcome, .signal = row.signal};
  memcpy(lost.why, row.why, sizeof row.why);
  return lost;
}

static bool is_stopped(const job *j) { return j->sweep->stop != NULL && *j->sweep->stop != 0; }

static void do_symbol(void *user, void *context, size_t index, void *cell) {
  const job *j = user;
  (void)context;
  assay_error err = {0};
  assay_backtest_symbol made;
  assay_backtest_loaded loaded = {.options = *j->options};
  memset(&made, 0, sizeof made); /* the same bits, between its fields too */
  assay_status status = j->source->load(j->source->user, index, &err, &loaded);
  bool is_loaded = status == ASSAY_OK;
  if (is_loaded) {
    loaded.options.keep_equity = j->options->keep_equity;
    loaded.options.keep_fills = loaded.options.keep_trades = false;
    status = run_symbol(j, &loaded, &err, &made);
    memcpy(made.note, loaded.note, sizeof made.note);
  }
  if (is_loaded && j->source->unload != NULL) j->source->unload(j->source->user, &loaded);
  if (is_loaded && status == ASSAY_ERR_INTERRUPTED && is_stopped(j)) {
    made = lost_symbol(ASSAY_WORK_OPEN, 0);
  } else if (status != ASSAY_OK) {
    memset(&made, 0, sizeof made);
    made.outcome = ASSAY_BACKTEST_FAILED;
    snprintf(made.why, sizeof made.why, "%.*s", (int)sizeof made.why - 1, err.message);
  }
  memcpy(cell, &made, sizeof made);
}

/* ---- All of them --------------------------------------------------------------------------------------------------------------------- */

assay_status assay_backtest_run_each(const assay_backtest_sweep *sweep, assay_backtest_objective objective,
                                     const assay_backtest_walk_forward *walk_forward, const assay_backtest_source *source,
                                     const assay_backtest_options *options, assay_error *err, assay_backtest_symbol **symbols) {
  double base[ASSAY_STRATEGY_MOST_PARAMETERS] = {0};
  size_t configurations = 0;
  if (source->count == 0 || source->load == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there are no symbols to run");
  if (walk_forward != NULL && sweep->range_count == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a walk-forward chooses between parameters, and no range says which");
  assay_strategy_defaults(sweep->strategy, base);
  if (sweep->parameters != NULL) memcpy(base, sweep->parameters, sweep->strategy->parameter_count * sizeof *base);
  assay_status status =
      sweep->range_count > 0 ? assay_backtest_check_ranges(sweep, err, &configurations) : assay_strategy_check(sweep->strategy, base, err);
  if (status != ASSAY_OK) return status;
  const assay_backtest_options none = {0};
  job j = {.sweep = sweep,
           .source = source,
           .options = options != NULL ? options : &none,
           .base = base,
           .walk = walk_forward,
           .objective = objective};
  assay_work work = {.count = source->count,
                     .cell_bytes = sizeof(assay_backtest_symbol),
                     .workers = sweep->workers,
                     .seconds = sweep->seconds,
                     .here = sweep->here,
                     .stop = sweep->stop,
                     .user = &j,
                     .item = do_symbol};
  assay_backtest_symbol *made = assay_calloc(ASSAY_TAG_MARKET, source->count, sizeof *made);
  unsigned char *states = assay_calloc(ASSAY_TAG_MARKET, source->count, 2);
  status = made == NULL || states == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu symbols", source->count)
                                          : assay_work_run(&work, err, made, states, states + source->count);
  for (size_t i = 0; status == ASSAY_OK && i < source->count; i++) {
    if (states[i] != ASSAY_WORK_DONE) made[i] = lost_symbol(states[i], states[source->count + i]);
  }
  assay_free(states);
  if (status == ASSAY_OK)
    *symbols = made;
  else
    assay_free(made);
  return status;
}

void assay_backtest_symbols_free(assay_backtest_symbol *symbols) { assay_free(symbols); }

/* ---- Together ------------------------------------------------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of those that have a value. */
static assay_backtest_spread spread_of(double *values, size_t count) {
  assay_backtest_spread s = {.count = count, .mean = NAN, .median = NAN, .least = NAN, .most = NAN};
  if (count == 0) return s;
  qsort(values, count, sizeof *values, ascending);
  s.mean = 0;
  for (size_t i = 0; i < count; i++) s.mean += values[i];
  s.mean /= (double)count;
  s.median = (values[(count - 1) / 2] + values[count / 2]) / 2;
  s.least = values[0];
  s.most = values[count - 1];
  return s;
}

static assay_backtest_spread gather(const assay_backtest_symbol *symbols, size_t count, size_t at, double *values) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    double value;
    memcpy(&value, (const char *)&symbols[i] + at, sizeof value);
    if (symbols[i].outcome == ASSAY_BACKTEST_DONE && isfinite(value)) values[found++] = value;
  }
  return spread_of(values, found);
}

assay_status assay_backtest_summarise(const assay_backtest_symbol *symbols, size_t count, assay_error *err,
                                      assay_backtest_summary *summary) {
  double *values = assay_alloc(ASSAY_TAG_MARKET, (count + 1) * sizeof *values);
  if (values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu symbols", count);
  assay_backtest_summary s = {.symbols = count};
  for (size_t i = 0; i < count; i++) {
    const assay_backtest_metrics *m = &symbols[i].metrics;
    if (symbols[i].outcome != ASSAY_BACKTEST_DONE) continue;
    s.done++;
    s.gained += m->total_return > 0;
    s.beat_hold += m->total_return > symbols[i].hold.total_return;
    s.ruined += m->ruined_at != SIZE_MAX;
  }
#define SPREAD(field) gather(symbols, count, offsetof(assay_backtest_symbol, field), values)
  s.total_return = SPREAD(metrics.total_return);
  s.annual_return = SPREAD(metrics.annual_return);
  s.sharpe = SPREAD(metrics.sharpe);
  s.max_drawdown = SPREAD(metrics.max_drawdown);
  s.hold_return = SPREAD(hold.total_return);
  assay_free(values);
  *summary = s;
  return ASSAY_OK;
}
