/* SPDX-License-Identifier: MIT */
/* Two assets that move together: the one that has become dear is sold short, the other bought, until they have come back. */
#include <assay/indicators.h>

#include <math.h>

#include "market/backtest/strategies.h"

enum { PERIOD, ENTRY, EXIT, SIZE };

typedef struct pairs_state {
  assay_indicator_stream *mean, *spread;
  double side; /* of the first asset: 1 held, -1 short, 0 out */
} pairs_state;

static void pairs_stop(void *state) {
  pairs_state *s = state;
  assay_indicator_stream_destroy(s->mean);
  assay_indicator_stream_destroy(s->spread);
}

static assay_status pairs_start(assay_backtest *run, const double *parameters, void *state, assay_error *err) {
  const assay_backtest_held *held = assay_backtest_get_options(run)->held;
  pairs_state *s = state;
  assay_status status = assay_indicator_stream_create(assay_indicator_find("sma"), &parameters[PERIOD], err, &s->mean);
  if (status == ASSAY_OK) status = assay_indicator_stream_create(assay_indicator_find("stddev"), &parameters[PERIOD], err, &s->spread);
  if (held != NULL) s->side = (held[0].quantity > 0) - (held[0].quantity < 0); /* that is ended like one of its own */
  if (status != ASSAY_OK) pairs_stop(s);
  return status;
}

/* z is how many standard deviations the logarithm of the ratio of prices is from its mean. */
static double side_of(const double *p, double z, double before) {
  if (z > p[ENTRY]) return -1;
  if (z < -p[ENTRY]) return 1;
  return fabs(z) < p[EXIT] ? 0 : before;
}

static void pairs_bar(assay_backtest *run, void *state) {
  pairs_state *s = state;
  const double *p = assay_backtest_parameters(run);
  size_t now = assay_backtest_now(run);
  double a = assay_backtest_bars(run, 0)->close[now], b = assay_backtest_bars(run, 1)->close[now];
  if (isnan(a) || isnan(b)) return;
  double ratio = log(a / b), mean = NAN, spread = NAN;
  assay_indicator_stream_update(s->mean, &ratio, &mean);
  assay_indicator_stream_update(s->spread, &ratio, &spread);
  if (!(spread > 0)) return;
  double side = side_of(p, (ratio - mean) / spread, s->side);
  if (side == s->side) return;
  s->side = side;
  assay_backtest_target(run, 0, side * p[SIZE] / 2);
  assay_backtest_target(run, 1, -side * p[SIZE] / 2);
}

static assay_status pairs_check(const double *p, assay_error *err) {
  if (p[EXIT] < p[ENTRY]) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "pairs: exit (%g) has to be less than entry (%g)", p[EXIT], p[ENTRY]);
}

const assay_strategy assay_strategy_pairs = {
    .name = "pairs",
    .title = "Pairs",
    .summary = "Two assets: sells the dear one short and buys the other when their ratio is far from its mean, until it is back.",
    .assets_least = 2,
    .assets_most = 2,
    .parameter_count = 4,
    .parameters = {{"period", 60, 2, 100000, true, "rows of the ratio's mean and standard deviation"},
                   {"entry", 2, 0.01, 100, false, "standard deviations to begin at"},
                   {"exit", 0.5, 0, 100, false, "standard deviations to end at"},
                   {"size", 1, 0.001, 1000, false, "share of equity, both sides together"}},
    .state_size = sizeof(pairs_state),
    .check = pairs_check,
    .start = pairs_start,
    .on_bar = pairs_bar,
    .stop = pairs_stop,
};
