/* SPDX-License-Identifier: MIT */
/*
 * What the best of many is worth: Bailey and López de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5), 2014. The
 * greatest of N normal values of mean 0 is about (1 - g) q(1 - 1/N) + g q(1 - 1/(N e)) deviations above it, g being Euler's constant and q
 * the normal quantile. How likely a ratio lies above that is said by its standard error, which grows with losses that are rarer and larger
 * than the gains (Mertens 2002).
 */
#include <math.h>

#include <assay/stats.h>

#include "market/backtest/engine.h"

static const double EULER = 0.57721566490153286061;

double assay_backtest_expected_best(size_t trials, double spread) {
  if (trials < 2 || !(spread > 0)) return trials == 0 ? NAN : 0;
  double n = (double)trials;
  return spread * ((1 - EULER) * assay_stats_normal_quantile(1 - 1 / n) + EULER * assay_stats_normal_quantile(1 - 1 / (n * M_E)));
}

double assay_backtest_deflate(double sharpe, double expected, const assay_backtest_shape *shape) {
  double variance = 1 - shape->skewness * sharpe + (shape->kurtosis - 1) / 4 * sharpe * sharpe;
  if (shape->returns < 2 || !(variance > 0) || !isfinite(sharpe) || !isfinite(expected)) return NAN;
  return erfc(-(sharpe - expected) * sqrt(((double)shape->returns - 1) / variance) / M_SQRT2) / 2;
}

/* Of the returns of a curve, until everything is lost. */
static assay_backtest_shape shape_of(const double *equity, size_t count) {
  double mean = 0, moments[5] = {0};
  size_t n = 0;
  while (n + 1 < count && equity[n] > 0) n++;
  for (size_t i = 0; i < n; i++) mean += (equity[i + 1] / equity[i] - 1) / (double)n;
  for (size_t i = 0; i < n; i++) {
    double from = equity[i + 1] / equity[i] - 1 - mean, power = from * from;
    for (int k = 2; k <= 4; k++, power *= from) moments[k] += power / (double)n;
  }
  double spread = sqrt(moments[2]);
  return (assay_backtest_shape){.returns = n,
                                .skewness = spread > 0 ? moments[3] / (spread * spread * spread) : 0,
                                .kurtosis = spread > 0 ? moments[4] / (moments[2] * moments[2]) : 3};
}

assay_status assay_backtest_measure_luck(const assay_backtest_row *rows, size_t count, const assay_backtest_result *best, assay_error *err,
                                         assay_backtest_luck *luck) {
  if (best->equity == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the best of a sweep has to have kept its equity");
  assay_backtest_luck made = {.best = best->metrics.sharpe};
  double mean = 0, squares = 0;
  for (size_t i = 0; i < count; i++) {
    double sharpe = rows[i].metrics.sharpe;
    if (rows[i].outcome != ASSAY_BACKTEST_DONE || !isfinite(sharpe)) continue;
    double from = sharpe - mean;
    mean += from / (double)++made.trials;
    squares += from * (sharpe - mean);
  }
  made.spread = made.trials > 1 ? sqrt(squares / (double)(made.trials - 1)) : 0;
  made.expected_best = assay_backtest_expected_best(made.trials, made.spread);
  assay_backtest_shape shape = shape_of(best->equity, best->metrics.bars);
  double year = sqrt(best->periods_per_year);
  made.probability = assay_backtest_deflate(made.best / year, made.expected_best / year, &shape);
  *luck = made;
  return ASSAY_OK;
}
