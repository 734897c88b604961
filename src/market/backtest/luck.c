/* SPDX-License-Identifier: MIT */
/*
 * What the best of many is worth: Bailey and López de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5), 2014. The
 * greatest of N normal values of mean 0 is about (1 - g) q(1 - 1/N) + g q(1 - 1/(N e)) deviations above it, g being Euler's constant and q
 * the normal quantile. How likely a ratio lies above that is said by its standard error, which grows with losses that are rarer and larger
 * than the gains (Mertens 2002).
 *
 * N counts independent tries. Of M whose returns have the mean correlation r the paper's appendix takes r + (1 - r) M: M where they have
 * nothing in common, 1 where all are the same.
 */
#include <math.h>

#include <assay/stats.h>

#include "market/backtest/engine.h"

static const double EULER = 0.57721566490153286061;

double assay_backtest_expected_best(double trials, double spread) {
  if (!(trials >= 1)) return NAN;
  if (!(spread > 0)) return 0;
  if (trials < 2) return (trials - 1) * assay_backtest_expected_best(2, spread);
  double n = trials;
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

static bool counts(const assay_backtest_row *row) { return row->outcome == ASSAY_BACKTEST_DONE && isfinite(row->metrics.sharpe); }

assay_status assay_backtest_measure_luck(const assay_backtest_row *rows, size_t count, const assay_backtest_result *best,
                                         double correlation, assay_error *err, assay_backtest_luck *luck) {
  if (best->equity == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the best of a sweep has to have kept its equity");
  assay_backtest_luck made = {.best = best->metrics.sharpe, .correlation = correlation};
  double mean = 0, squares = 0;
  for (size_t i = 0; i < count; i++) {
    const double sharpe = rows[i].metrics.sharpe;
    if (!counts(&rows[i])) continue;
    double from = sharpe - mean;
    mean += from / (double)++made.trials;
    squares += from * (sharpe - mean);
  }
  made.spread = made.trials > 1 ? sqrt(squares / (double)(made.trials - 1)) : 0;
  made.independent = (double)made.trials;
  if (made.trials > 1 && correlation > 0) made.independent = correlation + (1 - correlation) * (double)made.trials;
  made.expected_best = assay_backtest_expected_best(made.independent, made.spread);
  assay_backtest_shape shape = shape_of(best->equity, best->metrics.bars);
  double year = sqrt(best->periods_per_year);
  made.probability = assay_backtest_deflate(made.best / year, made.expected_best / year, &shape);
  *luck = made;
  return ASSAY_OK;
}

/* ---- What configurations have in common ---------------------------------------------------------------------------------------------- */

/* Returns of mean 0 and deviation 1, added to the sums; false where they do not vary, or everything is lost. */
static bool add_returns(const double *equity, size_t bars, double *sums) {
  const double n = (double)(bars - 1);
  double mean = 0, squares = 0;
  for (size_t t = 0; t < bars; t++)
    if (!(equity[t] > 0)) return false;
  for (size_t t = 1; t < bars; t++) mean += (equity[t] / equity[t - 1] - 1) / n;
  for (size_t t = 1; t < bars; t++) {
    const double from = equity[t] / equity[t - 1] - 1 - mean;
    squares += from * from / n;
  }
  if (!(squares > 0) || !isfinite(squares)) return false;
  for (size_t t = 1; t < bars; t++) sums[t - 1] += (equity[t] / equity[t - 1] - 1 - mean) / sqrt(squares);
  return true;
}

/* Of k series of deviation 1 the sum has the variance k + k (k - 1) r, r being the mean correlation of all pairs. */
static double correlation_of(const double *sums, size_t count, double k) {
  double variance = 0;
  for (size_t t = 0; t < count; t++) variance += sums[t] * sums[t] / (double)count;
  const double r = (variance - k) / (k * (k - 1));
  return r < 0 ? 0 : r > 1 ? 1 : r;
}

assay_status assay_backtest_correlate(const assay_backtest_sweep *sweep, const assay_backtest_data *data,
                                      const assay_backtest_options *options, const assay_backtest_row *rows, size_t count, assay_error *err,
                                      double *correlation) {
  enum { MOST_RUNS = 32 };
  assay_backtest_options keeping = options != NULL ? *options : (assay_backtest_options){0};
  keeping.keep_equity = true;
  keeping.keep_fills = keeping.keep_trades = false;
  size_t trials = 0, place = 0, runs = 0, added = 0, bars = 0;
  for (size_t i = 0; i < count; i++) trials += counts(&rows[i]);
  const size_t wanted = trials < MOST_RUNS ? trials : MOST_RUNS;
  double *sums = data->bars->count > 0 ? assay_calloc(ASSAY_TAG_MARKET, data->bars->count, sizeof *sums) : NULL;
  if (sums == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu returns", data->bars->count);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < count && runs < wanted && status == ASSAY_OK; i++) {
    if (!counts(&rows[i]) || place++ != runs * trials / wanted) continue;
    assay_backtest_result *result = NULL;
    status = assay_backtest_run(sweep->strategy, rows[i].parameters, data, &keeping, err, &result);
    runs++;
    if (status != ASSAY_OK) break;
    bars = result->metrics.bars;
    if (bars > 1) added += add_returns(result->equity, bars, sums);
    assay_backtest_result_destroy(result);
  }
  if (status == ASSAY_OK) *correlation = added > 1 ? correlation_of(sums, bars - 1, (double)added) : NAN;
  assay_free(sums);
  return status;
}
