/* SPDX-License-Identifier: MIT */
/* Sweeps: all combinations of parameters, each run by itself in a process that it may take down with it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "market/backtest/engine.h"
#include "market/backtest/strategies.h"
#include "market/backtest/workers.h"

const char *assay_backtest_outcome_text(assay_backtest_outcome outcome) {
  static const char *const texts[] = {"done", "skipped", "failed", "crashed", "timed out", "not run"};
  return (unsigned)outcome < sizeof texts / sizeof *texts ? texts[outcome] : "unknown";
}

/* ---- The grid ------------------------------------------------------------------------------------------------------------------------ */

size_t assay_backtest_range_values(const assay_backtest_range *r) {
  if (r->values != NULL) return r->value_count;
  return (size_t)floor((r->last - r->first) / r->step * (1 + 1e-12) + 1e-9) + 1;
}

/* 0.5 in steps of 0.1 comes to 2.9 and not to 2.9000000000000004: where both have few decimals it is counted in whole ones. */
double assay_backtest_range_value(const assay_backtest_range *r, size_t index) {
  if (r->values != NULL) return r->values[index];
  double scale = 1;
  for (int decimals = 0; decimals <= 12; decimals++, scale *= 10) {
    const double first = nearbyint(r->first * scale), step = nearbyint(r->step * scale), whole = first + (double)index * step;
    if (first / scale == r->first && step / scale == r->step && fabs(whole) < 0x1p53) return whole / scale;
  }
  return r->first + (double)index * r->step;
}

static bool rises(const assay_backtest_range *r) {
  bool fine = r->value_count > 0;
  for (size_t i = 0; i < r->value_count; i++) fine = fine && isfinite(r->values[i]) && (i == 0 || r->values[i] > r->values[i - 1]);
  return fine;
}

assay_status assay_backtest_check_ranges(const assay_backtest_sweep *sweep, assay_error *err, size_t *count) {
  const assay_strategy *s = sweep->strategy;
  size_t all = 1;
  for (size_t i = 0; i < sweep->range_count; i++) {
    const assay_backtest_range *r = &sweep->ranges[i];
    if (r->parameter >= s->parameter_count) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no parameter %u", s->name, r->parameter);
    const char *name = s->parameters[r->parameter].name;
    if (r->values != NULL && !rises(r)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the values of %s have to rise", name);
    bool steps = r->values == NULL;
    if (steps && (!isfinite(r->first) || !isfinite(r->last) || !(r->step > 0) || !isfinite(r->step) || r->first > r->last))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s from %g to %g in steps of %g: it has to rise", name, r->first, r->last, r->step);
    for (size_t k = 0; k < i; k++)
      if (sweep->ranges[k].parameter == r->parameter) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is swept twice", name);
    if ((steps && (r->last - r->first) / r->step > ASSAY_BACKTEST_MOST_CONFIGURATIONS) ||
        assay_backtest_range_values(r) > ASSAY_BACKTEST_MOST_CONFIGURATIONS / all)
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the sweep has more than %d configurations: take larger steps",
                        ASSAY_BACKTEST_MOST_CONFIGURATIONS);
    all *= assay_backtest_range_values(r);
  }
  *count = all;
  return ASSAY_OK;
}

static void configuration(const assay_backtest_sweep *sweep, const double *base, size_t index, double *parameters) {
  memcpy(parameters, base, sweep->strategy->parameter_count * sizeof *parameters);
  for (size_t i = sweep->range_count; i > 0; i--) {
    const assay_backtest_range *r = &sweep->ranges[i - 1];
    size_t values = assay_backtest_range_values(r);
    parameters[r->parameter] = assay_backtest_range_value(r, index % values);
    index /= values;
  }
}

/* ---- A configuration ----------------------------------------------------------------------------------------------------------------- */

typedef struct job {
  const assay_backtest_sweep *sweep;
  const assay_backtest_data *data;
  const assay_backtest_options *options;
  const double *base;
  const uint32_t *order; /* which configuration comes when; NULL: as they are */
  bool shares_averages;
} job;

static size_t config_at(const job *j, size_t place) { return j->order != NULL ? j->order[place] : place; }

/*
 * Averages that are compared with each other should be near: groups of slower ones that a core's cache holds, with all of the faster ones.
 * The order changes no result, only how far the numbers have to come.
 */
static uint32_t *near_order(const job *j, size_t count) {
  enum { NEAR_BYTES = 512 << 10, SLOW = 1 };
  size_t group = NEAR_BYTES / (j->data->bars->count * sizeof(double)) + 1, groups = 0, at = 0, run = 1, values = 1;
  for (size_t i = 0; i < j->sweep->range_count; i++) {
    const assay_backtest_range *r = &j->sweep->ranges[i];
    if (r->parameter == SLOW) values = assay_backtest_range_values(r);
    run = r->parameter == SLOW ? 1 : run * assay_backtest_range_values(r);
  }
  uint32_t *order = values > group ? assay_alloc(ASSAY_TAG_MARKET, count * sizeof *order) : NULL;
  groups = (values + group - 1) / group;
  for (size_t g = 0; order != NULL && g < groups; g++)
    for (size_t i = 0; i < count; i++)
      if (i / run % values / group == g) order[at++] = (uint32_t)i;
  return order;
}

static void begin_worker(void *user, void **context) {
  const job *j = user;
  *context = j->shares_averages ? assay_averages_create(j->data, true) : NULL;
}

static void end_worker(void *context) { assay_averages_destroy(context); }

static void run_item(void *user, void *context, size_t index, void *cell) {
  const job *j = user;
  assay_backtest_row *row = cell;
  configuration(j->sweep, j->base, config_at(j, index), row->parameters);
  assay_error err = {0};
  if (assay_strategy_check(j->sweep->strategy, row->parameters, &err) != ASSAY_OK) {
    row->outcome = ASSAY_BACKTEST_SKIPPED;
    snprintf(row->why, sizeof row->why, "%.*s", (int)sizeof row->why - 1, err.message);
    return;
  }
  if (context != NULL && assay_averages_measure(context, row->parameters, j->options, &row->metrics)) return;
  assay_backtest_result *result = NULL;
  if (assay_backtest_run_checked(j->sweep->strategy, row->parameters, j->data, j->options, NULL, &err, &result) != ASSAY_OK) {
    row->outcome = ASSAY_BACKTEST_FAILED;
    snprintf(row->why, sizeof row->why, "%.*s", (int)sizeof row->why - 1, err.message);
    return;
  }
  row->metrics = result->metrics;
  assay_backtest_result_destroy(result);
}

void assay_backtest_explain(unsigned char state, unsigned char ended_by, assay_backtest_row *row) {
  *row = (assay_backtest_row){.outcome = state == ASSAY_WORK_OPEN        ? ASSAY_BACKTEST_NOT_RUN
                                         : state == ASSAY_WORK_TIMED_OUT ? ASSAY_BACKTEST_TIMED_OUT
                                                                         : ASSAY_BACKTEST_CRASHED,
                              .signal = ended_by};
  if (state == ASSAY_WORK_OPEN)
    snprintf(row->why, sizeof row->why, "all was stopped before it was done");
  else if (state == ASSAY_WORK_TIMED_OUT)
    snprintf(row->why, sizeof row->why, "it took longer than it may");
  else if (ended_by != 0)
    snprintf(row->why, sizeof row->why, "its process died of signal %d (%s)", ended_by, strsignal(ended_by));
  else
    snprintf(row->why, sizeof row->why, "its process ended");
}

/* ---- All of them --------------------------------------------------------------------------------------------------------------------- */

/* Everything that does not depend on the configuration is refused at once. */
static assay_status check_sweep(const assay_backtest_sweep *sweep, const assay_backtest_data *data, const assay_backtest_options *options,
                                assay_error *err) {
  const assay_strategy *s = sweep->strategy;
  assay_rules rules;
  size_t first, end;
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_strategy_defaults(s, usual);
  assay_status status = assay_backtest_check_run(s, usual, data, err);
  return status == ASSAY_OK ? assay_backtest_read_options(options, data, err, &rules, &first, &end) : status;
}

static bool shares_averages(const assay_backtest_sweep *sweep, const assay_backtest_data *data, const assay_backtest_options *options) {
  assay_rules rules;
  size_t first, end;
  return sweep->strategy == &assay_strategy_sma && assay_backtest_read_options(options, data, NULL, &rules, &first, &end) == ASSAY_OK &&
         assay_targets_are_plain(data, &rules);
}

static assay_status put_in_order(assay_backtest_row **rows, const uint32_t *order, size_t count, assay_error *err) {
  assay_backtest_row *sorted = assay_alloc(ASSAY_TAG_MARKET, count * sizeof *sorted);
  if (sorted == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu configurations", count);
  for (size_t i = 0; i < count; i++) sorted[order[i]] = (*rows)[i];
  assay_free(*rows);
  *rows = sorted;
  return ASSAY_OK;
}

assay_status assay_backtest_run_sweep(const assay_backtest_sweep *sweep, const assay_backtest_data *data,
                                      const assay_backtest_options *options, assay_error *err, assay_backtest_row **rows, size_t *count) {
  assay_backtest_options plain = options != NULL ? *options : (assay_backtest_options){0};
  plain.keep_equity = plain.keep_fills = plain.keep_trades = false;
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_strategy_defaults(sweep->strategy, usual);
  const double *base = sweep->parameters != NULL ? sweep->parameters : usual;
  size_t all = 0;
  assay_status status = check_sweep(sweep, data, &plain, err);
  if (status == ASSAY_OK) status = assay_backtest_check_ranges(sweep, err, &all);
  if (status != ASSAY_OK) return status;
  job j = {.sweep = sweep, .data = data, .options = &plain, .base = base, .shares_averages = shares_averages(sweep, data, &plain)};
  assay_backtest_row *made = assay_calloc(ASSAY_TAG_MARKET, all, sizeof *made);
  unsigned char *states = assay_calloc(ASSAY_TAG_MARKET, all, 2);
  assay_work work = {.count = all,
                     .cell_bytes = sizeof *made,
                     .workers = sweep->workers,
                     .seconds = sweep->seconds,
                     .here = sweep->here,
                     .stop = sweep->stop,
                     .user = &j,
                     .begin = begin_worker,
                     .end = end_worker,
                     .item = run_item};
  uint32_t *order = j.shares_averages ? near_order(&j, all) : NULL;
  j.order = order;
  if (made == NULL || states == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu configurations", all);
  else
    status = assay_work_run(&work, err, made, states, states + all);
  for (size_t i = 0; i < all && status == ASSAY_OK; i++) {
    if (states[i] == ASSAY_WORK_DONE) continue;
    assay_backtest_explain(states[i], states[all + i], &made[i]);
    configuration(sweep, base, config_at(&j, i), made[i].parameters);
  }
  if (status == ASSAY_OK && order != NULL) status = put_in_order(&made, order, all, err);
  assay_free(order);
  assay_free(states);
  if (status == ASSAY_OK) {
    *rows = made;
    *count = all;
  } else {
    assay_free(made);
  }
  return status;
}

void assay_backtest_rows_free(assay_backtest_row *rows) { assay_free(rows); }

/* ---- The best ------------------------------------------------------------------------------------------------------------------------ */

const char *assay_backtest_objective_text(assay_backtest_objective objective) {
  static const char *const texts[] = {"sharpe", "sortino", "calmar", "return", "drawdown"};
  return (unsigned)objective < sizeof texts / sizeof *texts ? texts[objective] : "unknown";
}

double assay_backtest_score(const assay_backtest_metrics *m, assay_backtest_objective objective) {
  switch (objective) {
    case ASSAY_BACKTEST_SHARPE: return m->sharpe;
    case ASSAY_BACKTEST_SORTINO: return m->sortino;
    case ASSAY_BACKTEST_CALMAR: return m->calmar;
    case ASSAY_BACKTEST_RETURN: return m->total_return;
    case ASSAY_BACKTEST_DRAWDOWN: return m->fills > 0 ? -m->max_drawdown : NAN; /* who does nothing loses nothing */
  }
  return NAN;
}

size_t assay_backtest_best(const assay_backtest_row *rows, size_t count, assay_backtest_objective objective) {
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (rows[i].outcome != ASSAY_BACKTEST_DONE) continue;
    double score = assay_backtest_score(&rows[i].metrics, objective);
    if (isnan(score)) continue;
    if (best == SIZE_MAX || score > assay_backtest_score(&rows[best].metrics, objective)) best = i;
  }
  return best;
}

/* Why those that ran have no score; NULL: there are none. */
static const char *why_unscored(const assay_backtest_row *rows, size_t count, assay_backtest_objective objective) {
  size_t done = 0, traded = 0;
  for (size_t i = 0; i < count; i++) {
    done += rows[i].outcome == ASSAY_BACKTEST_DONE;
    traded += rows[i].outcome == ASSAY_BACKTEST_DONE && rows[i].metrics.fills > 0;
  }
  if (done == 0) return NULL;
  if (traded == 0) return "none has traded";
  return objective == ASSAY_BACKTEST_SHARPE ? "the equity of none varies" : "the equity of none falls";
}

void assay_backtest_tell_unscored(const assay_backtest_row *rows, size_t count, assay_backtest_objective objective, char text[160]) {
  const char *why = why_unscored(rows, count, objective);
  snprintf(text, 160, "none of %zu configurations has a score (%s)", count, why != NULL ? why : rows[0].why);
}
