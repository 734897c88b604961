/* SPDX-License-Identifier: MIT */
/* Bars: what may come in, and a made-up market. */
#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "market/backtest/engine.h"

static const char *asset_name(const assay_backtest_data *data, size_t asset, char text[32]) {
  if (data->names != NULL && data->names[asset] != NULL) return data->names[asset];
  snprintf(text, 32, "asset %zu", asset);
  return text;
}

static bool is_price(double value) { return value > 0 && value < INFINITY; }

const char *assay_backtest_wrong_bar(const assay_bars *b, size_t i) {
  double close = b->close[i];
  if (b->volume != NULL && !isnan(close) && !(b->volume[i] >= 0 && b->volume[i] < INFINITY)) return "the volume is no number from 0 on";
  if (isnan(close)) return b->open != NULL && !isnan(b->open[i]) ? "there is an open, but no close" : NULL;
  if (!is_price(close)) return "the close is no price above 0";
  if (b->open == NULL) return NULL;
  if (!is_price(b->open[i])) return "the open is no price above 0";
  if (!is_price(b->high[i])) return "the high is no price above 0";
  if (!is_price(b->low[i])) return "the low is no price above 0";
  if (b->high[i] < b->low[i]) return "the high lies below the low";
  if (b->high[i] < b->open[i] || b->high[i] < close) return "the high lies below the open or the close";
  if (b->low[i] > b->open[i] || b->low[i] > close) return "the low lies above the open or the close";
  return NULL;
}

static assay_status check_bars(const assay_backtest_data *data, size_t asset, assay_error *err) {
  char text[32];
  const assay_bars *b = &data->bars[asset];
  const char *name = asset_name(data, asset, text);
  if (b->close == NULL || b->count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no bars", name);
  if (b->count != data->bars[0].count)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has %zu bars where the first asset has %zu", name, b->count, data->bars[0].count);
  if ((b->open == NULL) != (b->high == NULL) || (b->open == NULL) != (b->low == NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has some of open, high and low: all three are needed, or none", name);
  const assay_backtest_functions *loops = assay_backtest_functions_best();
  /* The loop stops at what it does not know: mostly a bar that does not trade. */
  for (size_t i = 0; i < b->count; i++) {
    bool has_ranges = b->open != NULL;
    i += has_ranges ? loops->wrong(b->open + i, b->high + i, b->low + i, b->close + i, b->count - i)
                    : loops->wrong(NULL, NULL, NULL, b->close + i, b->count - i);
    const char *wrong = i < b->count ? assay_backtest_wrong_bar(b, i) : NULL;
    if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s, bar %zu: %s", name, i, wrong);
  }
  for (size_t i = 0; b->volume != NULL && i < b->count; i++) {
    const char *wrong = b->volume[i] >= 0 && b->volume[i] < INFINITY ? NULL : assay_backtest_wrong_bar(b, i);
    if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s, bar %zu: %s", name, i, wrong);
  }
  for (size_t i = 1; b->times != NULL && i < b->count; i++) {
    if (b->times[i] <= b->times[i - 1])
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s, bar %zu: its time is not after that of the bar before", name, i);
  }
  const int64_t *first = data->bars[0].times;
  if ((b->times == NULL) != (first == NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: some assets have times and some have none", name);
  for (size_t i = 0; b->times != first && i < b->count; i++) {
    if (b->times[i] != first[i])
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "%s, bar %zu: its time is not that of the first asset: bars of several assets stand side by side", name, i);
  }
  return ASSAY_OK;
}

static assay_status check_actions(const assay_backtest_data *data, assay_error *err) {
  for (size_t i = 0; i < data->action_count; i++) {
    const assay_backtest_action *a = &data->actions[i];
    if (a->asset >= data->assets || a->bar >= data->bars[0].count)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "action %zu is of asset %zu and bar %zu, which there is not", i, a->asset, a->bar);
    if (i > 0 && a->bar < data->actions[i - 1].bar)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "action %zu is of bar %zu, before the one that it follows", i, a->bar);
    if (!(a->split >= 0 && a->split < INFINITY) || !isfinite(a->dividend))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "action %zu: a split of %g, a dividend of %g", i, a->split, a->dividend);
  }
  return ASSAY_OK;
}

assay_status assay_backtest_check_data(const assay_backtest_data *data, assay_error *err) {
  if (data->assets == 0 || data->assets > ASSAY_BACKTEST_MOST_ASSETS || data->bars == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a backtest is of 1 to %d assets, not of %zu", ASSAY_BACKTEST_MOST_ASSETS, data->assets);
  assay_status status = ASSAY_OK;
  for (size_t a = 0; a < data->assets && status == ASSAY_OK; a++) status = check_bars(data, a, err);
  return status == ASSAY_OK ? check_actions(data, err) : status;
}

double assay_backtest_periods_per_year(const assay_bars *bars) {
  static const double usual[] = {252, 365, 52, 12, 4, 1};
  if (bars->times == NULL || bars->count < 2) return 252;
  double years = ((double)bars->times[bars->count - 1] - (double)bars->times[0]) / (365.25 * 86400e9);
  double a_year = (double)(bars->count - 1) / years;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (fabs(a_year / usual[i] - 1) < 0.04) return usual[i];
  return a_year;
}

/* ---- A made-up market ---------------------------------------------------------------------------------------------------------------- */

/* A bar is four steps of the walk: open, two points between, close. */
assay_status assay_backtest_make_walk(const assay_backtest_walk *walk, size_t count, assay_error *err, double *open, double *high,
                                      double *low, double *close, double *volume) {
  double start = walk->start == 0 ? 100 : walk->start, volatility = walk->volatility == 0 ? 0.01 : walk->volatility;
  if (!is_price(start) || !(volatility > 0 && volatility < 1) || !(fabs(walk->drift) < 1))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "a walk from %g with drift %g and volatility %g: a price above 0, and both below 1, are needed", start, walk->drift,
                      volatility);
  assay_random random;
  assay_random_init(&random, walk->seed);
  double step = volatility / 2, logs = 0;
  for (size_t i = 0; i < count; i++) {
    double p[4];
    for (int k = 0; k < 4; k++) {
      logs += step * assay_random_normal(&random) + walk->drift / 4;
      if (fabs(logs) > 300) logs = 0; /* a market that is gone begins anew */
      p[k] = start * exp(logs);
    }
    open[i] = p[0];
    close[i] = p[3];
    high[i] = fmax(fmax(p[0], p[1]), fmax(p[2], p[3]));
    low[i] = fmin(fmin(p[0], p[1]), fmin(p[2], p[3]));
    volume[i] = floor(1000 + 9000 * assay_random_unit(&random));
  }
  return ASSAY_OK;
}
