/* SPDX-License-Identifier: MIT */
/* Strategies that follow: holding, and the cross of two moving averages. */
#include <assay/indicators.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "market/backtest/strategies.h"

/* ---- Buy and hold -------------------------------------------------------------------------------------------------------------------- */

typedef struct hold_state {
  bool bought;
} hold_state;

/* An equal share of each asset. */
static void hold_bar(assay_backtest *run, void *state) {
  hold_state *s = state;
  size_t assets = assay_backtest_assets(run);
  if (s->bought) return;
  s->bought = true;
  for (size_t a = 0; a < assets; a++) assay_backtest_target(run, a, assay_backtest_parameters(run)[0] / (double)assets);
}

static assay_status hold_targets(const assay_bars *bars, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)user;
  (void)err;
  for (size_t i = 0; i < bars->count; i++) targets[i] = parameters[0];
  return ASSAY_OK;
}

const assay_strategy assay_strategy_hold = {
    .name = "hold",
    .title = "Buy and hold",
    .summary = "Buys at the first open and keeps it: what others have to beat.",
    .assets_least = 1,
    .assets_most = ASSAY_BACKTEST_MOST_ASSETS,
    .parameter_count = 1,
    .parameters = {{"size", 1, -1000, 1000, false, "share of equity, all assets together"}},
    .state_size = sizeof(hold_state),
    .on_bar = hold_bar,
    .targets = hold_targets,
};

/* ---- Moving averages ----------------------------------------------------------------------------------------------------------------- */

enum { FAST, SLOW, SHORT, SIZE };

assay_status assay_strategy_average(const assay_bars *bars, double rows, assay_error *err, double *average) {
  const assay_indicator *sma = assay_indicator_find("sma");
  assay_indicator_data data = {.values[ASSAY_INDICATOR_CLOSE] = bars->close, .rows = bars->count, .series = 1};
  if (rows > (double)bars->count) { /* too short for a value: the strategy waits to the end */
    for (size_t i = 0; i < bars->count; i++) average[i] = NAN;
    return ASSAY_OK;
  }
  return assay_indicator_run(sma, &rows, &data, NULL, err, (double *[]){average});
}

static assay_status sma_check(const double *parameters, assay_error *err) {
  if (parameters[FAST] < parameters[SLOW]) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "sma: fast (%g) has to be less than slow (%g)", parameters[FAST], parameters[SLOW]);
}

typedef struct sma_state {
  assay_indicator_stream *fast, *slow;
  double last;
} sma_state;

static void sma_stop(void *state) {
  sma_state *s = state;
  assay_indicator_stream_destroy(s->fast);
  assay_indicator_stream_destroy(s->slow);
}

static assay_status sma_start(assay_backtest *run, const double *parameters, void *state, assay_error *err) {
  (void)run;
  sma_state *s = state;
  const assay_indicator *sma = assay_indicator_find("sma");
  assay_status status = assay_indicator_stream_create(sma, &parameters[FAST], err, &s->fast);
  if (status == ASSAY_OK) status = assay_indicator_stream_create(sma, &parameters[SLOW], err, &s->slow);
  if (status != ASSAY_OK) sma_stop(s);
  return status;
}

/* Held while the faster average is above the slower one; out (or short) otherwise, and out until both are known. */
static double sma_target(const double *parameters, double fast, double slow) {
  double out = parameters[SHORT] != 0 ? -parameters[SIZE] : 0;
  return fast > slow ? parameters[SIZE] : slow == slow ? out : 0;
}

static void sma_bar(assay_backtest *run, void *state) {
  sma_state *s = state;
  double fast = NAN, slow = NAN, close = assay_backtest_bars(run, 0)->close[assay_backtest_now(run)];
  assay_indicator_stream_update(s->fast, &close, &fast);
  assay_indicator_stream_update(s->slow, &close, &slow);
  if (isnan(close)) return;
  double wanted = sma_target(assay_backtest_parameters(run), fast, slow);
  if (wanted == s->last) return;
  s->last = wanted;
  assay_backtest_target(run, 0, wanted);
}

static assay_status sma_targets(const assay_bars *bars, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)user;
  double *slow = assay_alloc(ASSAY_TAG_MARKET, bars->count * sizeof *slow);
  if (slow == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an average of %zu bars", bars->count);
  assay_status status = assay_strategy_average(bars, parameters[FAST], err, targets);
  if (status == ASSAY_OK) status = assay_strategy_average(bars, parameters[SLOW], err, slow);
  double in = parameters[SIZE], out = parameters[SHORT] != 0 ? -in : 0;
  for (size_t i = 0; i < bars->count && status == ASSAY_OK; i++) {
    double other = slow[i] == slow[i] ? out : 0;
    targets[i] = targets[i] > slow[i] ? in : other;
  }
  for (size_t i = 0; i < bars->count && status == ASSAY_OK; i++)
    if (bars->close[i] != bars->close[i]) targets[i] = NAN;
  assay_free(slow);
  return status;
}

const assay_strategy assay_strategy_sma = {
    .name = "sma",
    .title = "Moving-average cross",
    .summary = "Holds while the average of the last `fast` closes is above that of the last `slow`.",
    .parameter_count = 4,
    .parameters = {{"fast", 10, 1, 1000000, true, "rows of the faster average"},
                   {"slow", 50, 2, 1000000, true, "rows of the slower average"},
                   {"short", 0, 0, 1, true, "1: short instead of out"},
                   {"size", 1, 0.001, 1000, false, "share of equity"}},
    .state_size = sizeof(sma_state),
    .check = sma_check,
    .start = sma_start,
    .on_bar = sma_bar,
    .stop = sma_stop,
    .targets = sma_targets,
};
