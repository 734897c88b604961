/* SPDX-License-Identifier: MIT */
/*
 * Covariance and correlation.
 *
 * One pass over the returns: deviations are taken from the mean of the first block of periods, and what that mean is off by is corrected
 * at the end. The cancellation is bounded: an offset d between the block's mean and the true one makes the variance at least
 * (block / periods) d^2, so that at most log10(periods / block) digits go. Products are added in blocks of RISK_BLOCK periods, a chain of
 * FMAs in each, and blocks in order; that order is the same for every shape of tile, and so are the bits (kernels/risk/products.c).
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/risk_internal.h"
#include "quant/risk_products.h"

static const assay_risk_covariance_options sample = {0};

/* Of weights beside the last period's: as much of the digits goes. */
static const double LEAST_PAIRED = 1e-6;

static assay_status check_options(const assay_risk_covariance_options *options, size_t periods, size_t assets, assay_error *err) {
  if ((unsigned)options->estimator > ASSAY_RISK_LEDOIT_WOLF_CORRELATION)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no covariance estimator %d", (int)options->estimator);
  if (assets == 0 || assets > ASSAY_RISK_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu assets: 1 to %d can be estimated at once", assets, ASSAY_RISK_MOST_ASSETS);
  size_t least = options->zero_mean ? 1 : 2;
  if (periods < least) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu periods: this covariance needs at least %zu", periods, least);
  if (periods > SIZE_MAX / 64 / assets) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu periods of %zu assets are too many", periods, assets);
  if (options->estimator == ASSAY_RISK_EWMA && options->decay != 0 && !(options->decay > 0 && options->decay < 1))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a decay of %g: it lies between 0 and 1, such as 0.94", options->decay);
  return ASSAY_OK;
}

typedef struct estimate {
  const double *returns;
  size_t periods, assets;
  const assay_risk_covariance_options *options;
  double *roots;  /* square roots of the periods' weights; NULL: all 1 */
  double *sums;   /* sums of weighted deviations from the shifts, by asset */
  double *shifts; /* by asset; 0 with zero_mean */
  double *matrix;
  double unit;                          /* of returns while shrinking: a power of two */
  double total_weight, squared_weights; /* sums over the periods */
  double paired_weights;                /* sum of w w' over different periods: 1 - squared_weights without its cancellation */
} estimate;

/* Normalised weights decay^age; those under the least normal number are 0. */
static bool make_weights(estimate *e) {
  e->total_weight = (double)e->periods;
  e->squared_weights = (double)e->periods;
  if (e->options->estimator != ASSAY_RISK_EWMA) return true;
  e->roots = assay_calloc(ASSAY_TAG_QUANT, e->periods, sizeof *e->roots);
  if (e->roots == NULL) return false;
  double decay = e->options->decay == 0 ? 0.94 : e->options->decay, weight = 1, total = 0;
  for (size_t t = e->periods; t-- > 0; weight *= decay) {
    e->roots[t] = weight < 0x1p-1000 ? 0 : weight;
    total += e->roots[t];
  }
  e->total_weight = 0;
  e->squared_weights = 0;
  e->paired_weights = 0;
  for (size_t t = 0; t < e->periods; t++) {
    double w = e->roots[t] / total;
    e->paired_weights += 2 * w * e->total_weight;
    e->total_weight += w;
    e->squared_weights += w * w;
    e->roots[t] = sqrt(w);
  }
  return true;
}

/* What the sums of products are divided by. */
static double divisor(const estimate *e) {
  switch (e->options->estimator) {
    case ASSAY_RISK_EWMA: return e->options->zero_mean ? e->total_weight : e->paired_weights / e->total_weight;
    case ASSAY_RISK_LEDOIT_WOLF:
    case ASSAY_RISK_LEDOIT_WOLF_CORRELATION: return (double)e->periods;
    case ASSAY_RISK_SAMPLE:
    default: return (double)e->periods - (e->options->zero_mean ? 0 : 1);
  }
}

/* Sums of products in the upper triangle -> covariance in both. */
static void finish(estimate *e) {
  size_t n = e->assets;
  double per = divisor(e);
  for (size_t i = 0; i < n; i++) {
    double correction = e->options->zero_mean ? 0 : e->sums[i] / e->total_weight;
    double *row = e->matrix + i * n;
    for (size_t j = i; j < n; j++) row[j] = (row[j] - correction * e->sums[j]) / per;
    row[i] = fmax(row[i], 0);
  }
  /* What only the rounding of the mean makes vary does not vary. */
  for (size_t i = 0; i < n; i++) {
    double mean = e->shifts[i] + e->sums[i] / e->total_weight;
    if (e->options->zero_mean || sqrt(e->matrix[i * n + i]) > 0x1p-51 * fabs(mean)) continue;
    for (size_t k = 0; k <= i; k++) e->matrix[k * n + i] = 0;
    for (size_t k = i; k < n; k++) e->matrix[i * n + k] = 0;
  }
}

static void mirror(double *matrix, size_t n) {
  enum { TILE = 16 }; /* columns of a tile stay in the cache while they are filled */
  for (size_t i0 = 0; i0 < n; i0 += TILE) {
    for (size_t j0 = i0; j0 < n; j0 += TILE) {
      for (size_t i = i0; i < n && i < i0 + TILE; i++) {
        for (size_t j = j0 > i ? j0 : i + 1; j < n && j < j0 + TILE; j++) matrix[j * n + i] = matrix[i * n + j];
      }
    }
  }
}

/* ---- Shrinkage ------------------------------------------------------------------------------------------------------------------ */

/* Sums over the periods of what the optimal shrinkages need: with these, both cost periods x assets (the papers' formulas cost
 * periods x assets^2). z: deviation from the mean, s: standard deviation. */
typedef struct fourth_moments {
  double squares; /* (sum over assets of z^2)^2 */
  double fourth;  /* sum of z^4 */
  double cross;   /* (sum of z^3 / s)(sum of s z) */
} fourth_moments;

/* In units of `unit`, as the matrix is. */
static fourth_moments fourth_moments_of(const estimate *e) {
  fourth_moments sums = {0};
  size_t n = e->assets;
  for (size_t t = 0; t < e->periods; t++) {
    double squares = 0, fourth = 0, cubes = 0, line = 0;
    for (size_t i = 0; i < n; i++) {
      double s = sqrt(e->matrix[i * n + i]);
      double mean = e->shifts[i] + (e->options->zero_mean ? 0 : e->sums[i] / e->total_weight);
      double z = (e->returns[t * n + i] - mean) / e->unit, zz = z * z;
      squares += zz;
      fourth += zz * zz;
      cubes += s > 0 ? zz * z / s : 0;
      line += s * z;
    }
    sums.squares += squares * squares;
    sums.fourth += fourth;
    sums.cross += cubes * line;
  }
  return sums;
}

/* Ledoit and Wolf 2004: (1 - b^2/d^2) S + b^2/d^2 m I, lemma 3.2 and section 3.3. */
static double shrink_to_identity(estimate *e) {
  size_t n = e->assets;
  double t = (double)e->periods, trace = 0, norm = 0;
  for (size_t i = 0; i < n; i++) {
    trace += e->matrix[i * n + i];
    for (size_t j = 0; j < n; j++) norm += e->matrix[i * n + j] * e->matrix[i * n + j];
  }
  double m = trace / (double)n;
  double d2 = norm - m * trace;
  double b2 = (fourth_moments_of(e).squares / t - norm) / t;
  double share = d2 > 0 ? fmin(fmax(b2 / d2, 0), 1) : 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) e->matrix[i * n + j] *= 1 - share;
    e->matrix[i * n + i] += share * m;
  }
  return share;
}

/* Ledoit and Wolf 2003, appendix B: pi, rho and gamma. */
static double shrink_to_correlation(estimate *e, const double *spreads) {
  size_t n = e->assets;
  double t = (double)e->periods, correlations = 0, norm = 0, weighted = 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      double s = e->matrix[i * n + j], scale = spreads[i] * spreads[j];
      norm += s * s;
      if (i == j) continue;
      correlations += scale > 0 ? s / scale : 0;
      weighted += scale * s;
    }
  }
  double mean = n > 1 ? correlations / (double)n / (double)(n - 1) : 0;
  fourth_moments sums = fourth_moments_of(e);
  double diagonal = sums.fourth / t, gamma = 0;
  for (size_t i = 0; i < n; i++) {
    diagonal -= e->matrix[i * n + i] * e->matrix[i * n + i];
    for (size_t j = 0; j < n; j++) {
      double off = i == j ? 0 : e->matrix[i * n + j] - mean * spreads[i] * spreads[j];
      gamma += off * off;
    }
  }
  double pi = sums.squares / t - norm;
  double rho = diagonal + mean * ((sums.cross - sums.fourth) / t - weighted);
  double share = gamma > 0 ? fmin(fmax((pi - rho) / gamma / t, 0), 1) : 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      if (i != j) e->matrix[i * n + j] += share * (mean * spreads[i] * spreads[j] - e->matrix[i * n + j]);
    }
  }
  return share;
}

/* The matrix in units of unit^2. Powers of two, in halves so that none leaves the range. */
static void measure_in(estimate *e, double unit) {
  for (size_t i = 0; i < e->assets * e->assets; i++) e->matrix[i] = e->matrix[i] / unit / unit;
}

/* Fourth moments of returns near 1e90 or 1e-90 leave the range of doubles: the largest variance becomes about 1. */
static double unit_of(const estimate *e) {
  double largest = 0;
  for (size_t i = 0; i < e->assets; i++) largest = fmax(largest, e->matrix[i * e->assets + i]);
  int exponent = 0;
  frexp(sqrt(largest), &exponent);
  return largest > 0 ? ldexp(1, exponent) : 1;
}

static bool shrink_in_units(estimate *e, double *share);

static bool shrink(estimate *e, double *share) {
  *share = 0;
  if (e->options->estimator != ASSAY_RISK_LEDOIT_WOLF && e->options->estimator != ASSAY_RISK_LEDOIT_WOLF_CORRELATION) return true;
  e->unit = unit_of(e);
  measure_in(e, e->unit);
  bool done = shrink_in_units(e, share);
  measure_in(e, 1 / e->unit);
  return done;
}

static bool shrink_in_units(estimate *e, double *share) {
  if (e->options->estimator == ASSAY_RISK_LEDOIT_WOLF) *share = shrink_to_identity(e);
  if (e->options->estimator != ASSAY_RISK_LEDOIT_WOLF_CORRELATION) return true;
  double *spreads = assay_calloc(ASSAY_TAG_QUANT, e->assets, sizeof *spreads);
  if (spreads == NULL) return false;
  for (size_t i = 0; i < e->assets; i++) spreads[i] = sqrt(e->matrix[i * e->assets + i]);
  *share = shrink_to_correlation(e, spreads);
  assay_free(spreads);
  return true;
}

/* ---- The calls ------------------------------------------------------------------------------------------------------------------ */

/* A sum that is not finite: either an input was not, or products left the range of doubles. */
static assay_status why_not_finite(const estimate *e, assay_error *err) {
  assay_status status = assay_risk_check_matrix(e->returns, e->periods, e->assets, "the return", err);
  if (status != ASSAY_OK) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the returns are so large that their squares overflow: scale them down");
}

static assay_status estimate_into(estimate *e, assay_error *err, assay_risk_covariance_info *info) {
  size_t n = e->assets;
  e->sums = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *e->sums);
  e->shifts = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *e->shifts);
  if (e->sums == NULL || e->shifts == NULL || !make_weights(e))
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a covariance of %zu assets", n);
  if (e->options->estimator == ASSAY_RISK_EWMA && !e->options->zero_mean && e->paired_weights < LEAST_PAIRED)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "a decay of %g leaves hardly more than the last period, whose mean is itself: take a larger one, or a mean of zero",
                      e->options->decay);
  assay_risk_products products = {.returns = e->returns,
                                  .periods = e->periods,
                                  .assets = n,
                                  .roots = e->roots,
                                  .shift = !e->options->zero_mean,
                                  .device = e->options->device};
  assay_quant_where where;
  assay_status status = assay_risk_get_products(&products, err, e->matrix, e->sums, e->shifts, &where);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(e->matrix[i * n + i]) || !isfinite(e->sums[i])) return why_not_finite(e, err);
  }
  finish(e);
  mirror(e->matrix, n);
  double share = 0;
  if (!shrink(e, &share)) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a covariance of %zu assets", n);
  if (info != NULL) {
    *info = (assay_risk_covariance_info){.shrinkage = share, .weights = e->total_weight * e->total_weight / e->squared_weights};
    assay_risk_tell_where(&where, &info->where);
  }
  return ASSAY_OK;
}

static assay_status covariance(const double *returns, size_t periods, size_t assets, const assay_risk_covariance_options *options,
                               assay_error *err, double **matrix, assay_risk_covariance_info *info) {
  if (options == NULL) options = &sample;
  assay_status status = check_options(options, periods, assets, err);
  if (status == ASSAY_OK) status = assay_risk_check_given(returns, "the returns", err);
  if (status != ASSAY_OK) return status;
  estimate e = {.returns = returns, .periods = periods, .assets = assets, .options = options};
  e.matrix = assay_alloc(ASSAY_TAG_QUANT, assets * assets * sizeof *e.matrix);
  if (e.matrix == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a covariance of %zu assets", assets);
  status = estimate_into(&e, err, info);
  assay_free(e.sums);
  assay_free(e.shifts);
  assay_free(e.roots);
  if (status == ASSAY_OK) {
    *matrix = e.matrix;
  } else {
    assay_free(e.matrix);
  }
  return status;
}

assay_status assay_risk_covariance(const double *returns, size_t periods, size_t assets, const assay_risk_covariance_options *options,
                                   assay_error *err, double *matrix, assay_risk_covariance_info *info) {
  ASSAY_FLOAT_USUAL;
  if (matrix == NULL) return assay_risk_check_given(matrix, "the matrix to write", err);
  double *made = NULL;
  assay_status status = covariance(returns, periods, assets, options, err, &made, info);
  if (status != ASSAY_OK) return status;
  memcpy(matrix, made, assets * assets * sizeof *matrix);
  assay_free(made);
  return ASSAY_OK;
}

assay_status assay_risk_correlation(const double *returns, size_t periods, size_t assets, const assay_risk_covariance_options *options,
                                    assay_error *err, double *matrix, assay_risk_covariance_info *info) {
  ASSAY_FLOAT_USUAL;
  if (matrix == NULL) return assay_risk_check_given(matrix, "the matrix to write", err);
  double *made = NULL;
  assay_risk_covariance_info found;
  assay_status status = covariance(returns, periods, assets, options, err, &made, &found);
  if (status != ASSAY_OK) return status;
  double *per = assay_calloc(ASSAY_TAG_QUANT, assets, sizeof *per);
  if (per == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a correlation of %zu assets", assets);
  for (size_t i = 0; i < assets && status == ASSAY_OK; i++) {
    double spread = sqrt(made[i * assets + i]);
    per[i] = 1 / spread;
    if (!(spread > 0) || !isfinite(per[i]))
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "asset %zu does not vary: it has no correlation with others", i);
  }
  for (size_t i = 0; i < assets && status == ASSAY_OK; i++) {
    double *row = matrix + i * assets;
    for (size_t j = 0; j < assets; j++) {
      double value = made[i * assets + j] * (per[i] * per[j]);
      row[j] = value > 1 ? 1 : value < -1 ? -1 : value;
    }
    row[i] = 1;
  }
  if (status == ASSAY_OK && info != NULL) *info = found;
  assay_free(per);
  assay_free(made);
  return status;
}
