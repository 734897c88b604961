/* SPDX-License-Identifier: MIT */
/* Moments, drawdown, performance and beta of one series. */
#include <math.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/risk_internal.h"

/* Neumaier's compensated sum: series of prices near 1e8 have differences in the last places. */
typedef struct compensated {
  double sum, rest;
} compensated;

static void add(compensated *to, double value) {
  double next = to->sum + value;
  to->rest += fabs(to->sum) >= fabs(value) ? (to->sum - next) + value : (value - next) + to->sum;
  to->sum = next;
}

static double total(const compensated *of) { return of->sum + of->rest; }

/* A power of two that brings the largest magnitude near 1, so that fourth powers neither overflow nor vanish. */
static double unit_scale(const double *values, size_t count) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(values[i]));
  if (largest == 0) return 1;
  int exponent;
  frexp(largest, &exponent);
  return ldexp(1, exponent > 1000 ? -1000 : exponent < -1000 ? 1000 : -exponent);
}

static double mean_of(const double *values, size_t count, double scale) {
  compensated sum = {0};
  for (size_t i = 0; i < count; i++) add(&sum, values[i] * scale);
  return total(&sum) / (double)count;
}

assay_status assay_risk_get_moments(const double *values, size_t count, assay_error *err, assay_risk_moments *moments) {
  ASSAY_FLOAT_USUAL;
  if (moments == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_risk_get_moments needs a place for the moments (NULL)");
  if (count < 2) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu values: moments need at least two", count);
  assay_status status = assay_risk_check_finite(values, count, "value", err);
  if (status != ASSAY_OK) return status;
  double scale = unit_scale(values, count), mean = mean_of(values, count, scale), n = (double)count;
  compensated left = {0};
  double spread = 0;
  for (size_t i = 0; i < count; i++) {
    double d = values[i] * scale - mean;
    add(&left, d);
    spread = fmax(spread, fabs(d));
  }
  double rest = total(&left) / n; /* what the mean, rounded to a double, is off by */
  compensated m2 = {0}, m3 = {0}, m4 = {0};
  bool flat = !(spread > 4e-16 * fabs(mean)); /* equal values, up to the rounding of their mean */
  for (size_t i = 0; i < count && !flat; i++) {
    double d = (values[i] * scale - mean - rest) / spread;
    add(&m2, d * d);
    add(&m3, d * d * d);
    add(&m4, d * d * d * d);
  }
  double variance = total(&m2) / n;
  *moments = (assay_risk_moments){
      .mean = (mean + rest) / scale,
      .stddev = flat ? 0 : sqrt(total(&m2) / (n - 1)) * spread / scale,
      .skewness = flat ? 0 : total(&m3) / n / (variance * sqrt(variance)),
      .excess_kurtosis = flat ? 0 : total(&m4) / n / (variance * variance) - 3,
  };
  if (!isfinite(moments->stddev)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the values lie so far apart that their spread overflows");
  return ASSAY_OK;
}

assay_status assay_risk_get_drawdown(const double *values, size_t count, assay_error *err, double *series, assay_risk_drawdown *drawdown) {
  ASSAY_FLOAT_USUAL;
  if (drawdown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_risk_get_drawdown needs a place for the drawdown (NULL)");
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no values: a drawdown needs at least one");
  assay_status status = assay_risk_check_finite(values, count, "value", err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < count; i++) {
    if (!(values[i] > 0))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "value %zu is %g: a drawdown is a ratio of a positive peak", i, values[i]);
  }
  assay_risk_drawdown found = {.recovery = SIZE_MAX};
  compensated sum = {0}, squares = {0};
  size_t peak = 0;
  for (size_t i = 0; i < count; i++) {
    if (values[i] >= values[peak]) {
      size_t under = i - peak;
      if (under > 1 && under > found.longest) found.longest = under;
      if (found.recovery == SIZE_MAX && found.deepest > 0 && peak == found.peak) found.recovery = i;
      peak = i;
    }
    double below = (values[peak] - values[i]) / values[peak];
    if (below > found.deepest) {
      found.deepest = below;
      found.peak = peak;
      found.trough = i;
      found.recovery = SIZE_MAX;
    }
    add(&sum, below);
    add(&squares, below * below);
    if (series != NULL) series[i] = below;
    found.current = below;
  }
  if (found.current > 0 && count - 1 - peak > found.longest) found.longest = count - 1 - peak;
  found.average = total(&sum) / (double)count;
  found.ulcer = sqrt(total(&squares) / (double)count);
  *drawdown = found;
  return ASSAY_OK;
}

static double compounded(double log_growth) { return expm1(log_growth); }

static const char *undefined_text(bool flat, bool no_downside, bool no_drawdown) {
  static const char *const texts[8] = {
      NULL,
      "Sharpe: the returns do not vary",
      "Sortino: no return is below the target",
      "Sharpe: the returns do not vary; Sortino: no return is below the target",
      "Calmar: the curve never falls",
      "Sharpe: the returns do not vary; Calmar: the curve never falls",
      "Sortino: no return is below the target; Calmar: the curve never falls",
      "Sharpe: the returns do not vary; Sortino: no return is below the target; Calmar: the curve never falls",
  };
  return texts[(flat ? 1 : 0) | (no_downside ? 2 : 0) | (no_drawdown ? 4 : 0)];
}

/* Root of the mean squared shortfall below the target. */
static double downside_of(const double *returns, size_t count, double target) {
  compensated squares = {0};
  double worst = 0;
  for (size_t i = 0; i < count; i++) worst = fmax(worst, target - returns[i]);
  if (worst == 0) return 0;
  for (size_t i = 0; i < count; i++) {
    double short_by = fmax(target - returns[i], 0) / worst;
    add(&squares, short_by * short_by);
  }
  return worst * sqrt(total(&squares) / (double)count);
}

assay_status assay_risk_get_performance(const double *returns, size_t count, const assay_risk_performance_options *options,
                                        assay_error *err, assay_risk_performance *performance) {
  ASSAY_FLOAT_USUAL;
  static const assay_risk_performance_options defaults = {0};
  if (options == NULL) options = &defaults;
  if (returns == NULL || performance == NULL)
    return assay_risk_check_given(NULL, returns == NULL ? "the returns" : "the performance to write", err);
  double year = options->periods_per_year == 0 ? 1 : options->periods_per_year;
  if (!(year > 0 && isfinite(year)) || !isfinite(options->risk_free) || !isfinite(options->target)) {
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "%g periods per year, risk-free return %g, target %g: numbers, and a positive count, are needed", year,
                      options->risk_free, options->target);
  }
  assay_risk_moments moments;
  assay_status status = assay_risk_get_moments(returns, count, err, &moments);
  if (status != ASSAY_OK) return status;
  double *curve = assay_calloc(ASSAY_TAG_QUANT, count + 1, sizeof *curve);
  if (curve == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a curve of %zu values", count + 1);
  compensated growth = {0};
  curve[0] = 1;
  for (size_t i = 0; i < count; i++) {
    if (!(returns[i] > -1)) {
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "return %zu is %g: a loss of everything or more cannot be compounded", i, returns[i]);
      goto done;
    }
    add(&growth, log1p(returns[i]));
    curve[i + 1] = exp(total(&growth));
    if (!isfinite(curve[i + 1]) || !(curve[i + 1] > 0)) {
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "compounded up to return %zu the curve is %g: are these returns as fractions?", i,
                          curve[i + 1]);
      goto done;
    }
  }
  assay_risk_performance made = {0};
  status = assay_risk_get_drawdown(curve, count + 1, err, NULL, &made.drawdown);
  if (status != ASSAY_OK) goto done;
  double downside = downside_of(returns, count, options->target);
  double per_period = (moments.mean - options->risk_free) / moments.stddev;
  double spread_of_sharpe = 1 + per_period * per_period * (moments.excess_kurtosis + 2) / 4 - per_period * moments.skewness;
  bool flat = moments.stddev == 0;
  made.total = compounded(total(&growth));
  made.annual_return = compounded(total(&growth) / (double)count * year);
  made.volatility = moments.stddev * sqrt(year);
  made.downside = downside * sqrt(year);
  made.sharpe = flat ? NAN : per_period * sqrt(year);
  made.sharpe_error = flat ? NAN : sqrt(fmax(spread_of_sharpe, 0) / (double)count * year);
  made.sortino = downside > 0 ? (moments.mean - options->target) / downside * sqrt(year) : NAN;
  made.calmar = made.drawdown.deepest > 0 ? made.annual_return / made.drawdown.deepest : NAN;
  made.undefined = undefined_text(flat, !(downside > 0), !(made.drawdown.deepest > 0));
  *performance = made;
done:
  assay_free(curve);
  return status;
}

assay_status assay_risk_get_beta(const double *asset, const double *market, size_t count, assay_error *err, assay_risk_beta *beta) {
  ASSAY_FLOAT_USUAL;
  if (beta == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_risk_get_beta needs a place for beta (NULL)");
  if (count < 2) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu periods: beta needs at least two", count);
  assay_risk_moments of_asset, of_market;
  assay_status status = assay_risk_check_finite(asset, count, "the asset's return", err);
  if (status == ASSAY_OK) status = assay_risk_check_finite(market, count, "the market's return", err);
  if (status == ASSAY_OK) status = assay_risk_get_moments(asset, count, err, &of_asset);
  if (status == ASSAY_OK) status = assay_risk_get_moments(market, count, err, &of_market);
  if (status != ASSAY_OK) return status;
  if (of_market.stddev == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the market does not vary: it explains nothing");
  /* In units of both spreads, so that no product leaves the range of doubles. */
  double n = (double)count, scale = of_asset.stddev > 0 ? of_asset.stddev : 1;
  compensated products = {0}, left = {0};
  for (size_t i = 0; i < count; i++) add(&products, (asset[i] - of_asset.mean) / scale * ((market[i] - of_market.mean) / of_market.stddev));
  double slope = total(&products) / (n - 1); /* the correlation, where the asset varies */
  for (size_t i = 0; i < count; i++) {
    double off = (asset[i] - of_asset.mean) / scale - slope * ((market[i] - of_market.mean) / of_market.stddev);
    add(&left, off * off);
  }
  double residual = count > 2 ? sqrt(total(&left) / (n - 2)) * scale : 0;
  double market_mean = of_market.mean / of_market.stddev;
  double slope_error = count > 2 ? residual / (of_market.stddev * sqrt(n - 1)) : NAN;
  double slope_out = slope * (scale / of_market.stddev);
  *beta = (assay_risk_beta){
      .beta = slope_out,
      .alpha = of_asset.mean - slope_out * of_market.mean,
      .beta_error = slope_error,
      .alpha_error = count > 2 ? residual * sqrt(1 / n + market_mean * market_mean / (n - 1)) : NAN,
      .correlation = of_asset.stddev > 0 ? fmin(fmax(slope, -1), 1) : 0,
      .residual = residual,
  };
  bool errors = count == 2 || (isfinite(beta->beta_error) && isfinite(beta->alpha_error)); /* two periods leave nothing to judge by */
  if (!isfinite(beta->beta) || !isfinite(beta->alpha) || !errors)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the asset varies so much more than the market that beta overflows");
  return ASSAY_OK;
}
