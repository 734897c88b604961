/* SPDX-License-Identifier: MIT */
/* Strategies that act when an indicator passes a level and then wait for the next one: RSI reversion, Bollinger breakout. */
#include <assay/indicators.h>

#include <math.h>

#include "base/alloc.h"
#include "market/backtest/strategies.h"

/* What is wanted after a bar, given what was wanted before; the two strategies differ in nothing else. */
typedef double (*level_rule)(const double *parameters, const double *row, double close, double before);

typedef struct level_state {
  assay_indicator_stream *stream;
  double wanted;
} level_state;

static void level_stop(void *state) { assay_indicator_stream_destroy(((level_state *)state)->stream); }

static void level_bar(assay_backtest *run, level_state *s, level_rule rule) {
  double row[ASSAY_INDICATOR_MAX_OUTPUTS], close = assay_backtest_bars(run, 0)->close[assay_backtest_now(run)];
  assay_indicator_stream_update(s->stream, &close, row);
  if (isnan(close)) return;
  double wanted = rule(assay_backtest_parameters(run), row, close, s->wanted);
  if (wanted == s->wanted) return;
  s->wanted = wanted;
  assay_backtest_target(run, 0, wanted);
}

static assay_status level_targets(const char *name, const double *of_indicator, level_rule rule, const assay_bars *bars,
                                  const double *parameters, assay_error *err, double *targets) {
  const assay_indicator *indicator = assay_indicator_find(name);
  size_t count = bars->count, warmup[ASSAY_INDICATOR_MAX_OUTPUTS] = {0};
  assay_status status = assay_indicator_warmup(indicator, of_indicator, err, warmup);
  for (size_t i = 0; i < count; i++) targets[i] = 0;
  if (status != ASSAY_OK || warmup[0] >= count) return status; /* too short: it waits to the end */
  double *values = assay_alloc(ASSAY_TAG_MARKET, indicator->output_count * count * sizeof *values);
  if (values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu bars of %s", count, name);
  double *outputs[ASSAY_INDICATOR_MAX_OUTPUTS] = {NULL};
  for (unsigned k = 0; k < indicator->output_count; k++) outputs[k] = values + k * count;
  assay_indicator_data data = {.values[ASSAY_INDICATOR_CLOSE] = bars->close, .rows = count, .series = 1};
  status = assay_indicator_run(indicator, of_indicator, &data, NULL, err, outputs);
  double wanted = 0;
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    double row[ASSAY_INDICATOR_MAX_OUTPUTS];
    for (unsigned k = 0; k < indicator->output_count; k++) row[k] = outputs[k][i];
    if (!isnan(bars->close[i])) wanted = rule(parameters, row, bars->close[i], wanted);
    targets[i] = isnan(bars->close[i]) ? NAN : wanted;
  }
  assay_free(values);
  return status;
}

/* ---- RSI ----------------------------------------------------------------------------------------------------------------------------- */

enum { RSI_PERIOD, RSI_LOW, RSI_HIGH, RSI_SHORT, RSI_SIZE };

static double rsi_rule(const double *p, const double *row, double close, double before) {
  (void)close;
  if (row[0] < p[RSI_LOW]) return p[RSI_SIZE];
  if (row[0] > p[RSI_HIGH]) return p[RSI_SHORT] != 0 ? -p[RSI_SIZE] : 0;
  return before;
}

static assay_status rsi_check(const double *p, assay_error *err) {
  if (p[RSI_LOW] < p[RSI_HIGH]) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "rsi: low (%g) has to be less than high (%g)", p[RSI_LOW], p[RSI_HIGH]);
}

static assay_status rsi_start(assay_backtest *run, const double *p, void *state, assay_error *err) {
  (void)run;
  const double of_indicator[] = {p[RSI_PERIOD], 70, 30};
  return assay_indicator_stream_create(assay_indicator_find("rsi"), of_indicator, err, &((level_state *)state)->stream);
}

static void rsi_bar(assay_backtest *run, void *state) { level_bar(run, state, rsi_rule); }

static assay_status rsi_targets(const assay_bars *bars, const double *p, void *user, assay_error *err, double *targets) {
  (void)user;
  const double of_indicator[] = {p[RSI_PERIOD], 70, 30};
  return level_targets("rsi", of_indicator, rsi_rule, bars, p, err, targets);
}

const assay_strategy assay_strategy_rsi = {
    .name = "rsi",
    .title = "RSI reversion",
    .summary = "Buys when the RSI falls below `low`, sells when it rises above `high`.",
    .parameter_count = 5,
    .parameters = {{"period", 14, 2, 100000, true, "rows of the RSI"},
                   {"low", 30, 0, 100, false, "oversold below it"},
                   {"high", 70, 0, 100, false, "overbought above it"},
                   {"short", 0, 0, 1, true, "1: short instead of out"},
                   {"size", 1, 0.001, 1000, false, "share of equity"}},
    .state_size = sizeof(level_state),
    .check = rsi_check,
    .start = rsi_start,
    .on_bar = rsi_bar,
    .stop = level_stop,
    .targets = rsi_targets,
};

/* ---- Bollinger ----------------------------------------------------------------------------------------------------------------------- */

enum { BAND_PERIOD, BAND_WIDTH, BAND_SHORT, BAND_SIZE };
enum { UPPER, MIDDLE, LOWER };

/* In where the close leaves the band, out where it is back at its middle. */
static double band_rule(const double *p, const double *row, double close, double before) {
  if (close > row[UPPER]) return p[BAND_SIZE];
  if (p[BAND_SHORT] != 0 && close < row[LOWER]) return -p[BAND_SIZE];
  bool back = (before > 0 && close < row[MIDDLE]) || (before < 0 && close > row[MIDDLE]);
  return back ? 0 : before;
}

static assay_status band_start(assay_backtest *run, const double *p, void *state, assay_error *err) {
  (void)run;
  return assay_indicator_stream_create(assay_indicator_find("bollinger"), p, err, &((level_state *)state)->stream);
}

static void band_bar(assay_backtest *run, void *state) { level_bar(run, state, band_rule); }

static assay_status band_targets(const assay_bars *bars, const double *p, void *user, assay_error *err, double *targets) {
  (void)user;
  return level_targets("bollinger", p, band_rule, bars, p, err, targets);
}

const assay_strategy assay_strategy_bollinger = {
    .name = "bollinger",
    .title = "Bollinger breakout",
    .summary = "Buys when the close rises above the upper band, sells when it falls below the middle.",
    .parameter_count = 4,
    .parameters = {{"period", 20, 2, 100000, true, "rows of the band"},
                   {"deviations", 2, 0.01, 100, false, "standard deviations from the middle to each side"},
                   {"short", 0, 0, 1, true, "1: short below the lower band"},
                   {"size", 1, 0.001, 1000, false, "share of equity"}},
    .state_size = sizeof(level_state),
    .start = band_start,
    .on_bar = band_bar,
    .stop = level_stop,
    .targets = band_targets,
};
