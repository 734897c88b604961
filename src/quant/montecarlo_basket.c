/* SPDX-License-Identifier: MIT */
/* Baskets and spreads of correlated assets. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

static const double ln2 = 0.693147180559945309417;

#define REFUSE(...) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, __VA_ARGS__)

static double dividend_of(const assay_mc_params *o, size_t j) { return o->dividends != NULL ? o->dividends[j] : 0; }
static double weight_of(const assay_mc_params *o, size_t j) { return o->weights != NULL ? o->weights[j] : 1.0 / o->assets; }

assay_status assay_mc_check_basket(const assay_mc_params *o, assay_error *err) {
  if (o->assets < 1 || o->assets > ASSAY_MC_MAX_ASSETS) REFUSE("a basket of %u assets: 1 to %d are taken", o->assets, ASSAY_MC_MAX_ASSETS);
  if (o->spots == NULL || o->volatilities == NULL || o->correlations == NULL) REFUSE("a basket needs spots, volatilities and correlations");
  for (size_t j = 0; j < o->assets; j++) {
    double spot = o->spots[j], volatility = o->volatilities[j], dividend = dividend_of(o, j), weight = weight_of(o, j);
    if (!(spot > 0) || !(spot < 1e30)) REFUSE("spots[%zu] is %g: it must be positive and below 1e30", j, spot);
    if (!(volatility > 0) || !isfinite(volatility)) REFUSE("volatilities[%zu] is %g: it must be positive and finite", j, volatility);
    if (!isfinite(dividend)) REFUSE("dividends[%zu] is %g: it must be a finite number", j, dividend);
    if (!(fabs(weight) < 1e30)) REFUSE("weights[%zu] is %g: it must be a finite number below 1e30", j, weight);
    double deviation = volatility * sqrt(o->time), mean = (o->rate - dividend) * o->time - deviation * deviation / 2,
           reach = fabs(mean) + 9 * deviation;
    if (deviation < assay_mc_least_deviation(o))
      REFUSE("volatilities[%zu] is %g: over %g years it must make at least %g, as less is lost in rounding", j, volatility, o->time,
             assay_mc_least_deviation(o));
    if (!(reach < 83))
      REFUSE("asset %zu may be e^%.3g times its spot: time, volatilities[%zu] and rates must keep that below e^83", j, reach, j);
    for (size_t k = 0; k < o->assets; k++) {
      double c = o->correlations[j * o->assets + k], mirrored = o->correlations[k * o->assets + j];
      if (!(fabs(c) <= 1)) REFUSE("correlations[%zu][%zu] is %g: it must lie within -1 and 1", j, k, c);
      if (c != mirrored) REFUSE("correlations[%zu][%zu] is %g and [%zu][%zu] is %g: they must be the same", j, k, c, k, j, mirrored);
      if (j == k && c != 1) REFUSE("correlations[%zu][%zu] is %g: on the diagonal stands 1", j, j, c);
    }
  }
  double largest = assay_mc_largest_amount(o);
  if (o->strike != 0 && largest > 0 && !(fabs(log(fabs(o->strike) / largest)) < 80)) {
    REFUSE("the strike %g is %g times the largest weight times spot: more than e^80 apart is not taken", o->strike, o->strike / largest);
  }
  return ASSAY_OK;
}

/* The lower triangle L with L L' = correlations; an asset that others determine has a column of zeros. */
static assay_status cholesky(const assay_mc_params *o, double l[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS], assay_error *err) {
  size_t n = o->assets;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = o->correlations[i * n + j];
      for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i == j) {
        if (sum < -1e-9)
          REFUSE(
              "the correlations are not positive semi-definite: row %zu contradicts the rows above it: take the nearest matrix that is "
              "(risk.h)",
              i);
        l[i][i] = sqrt(fmax(sum, 0));
      } else if (l[j][j] > 1e-8) {
        l[i][j] = sum / l[j][j];
      } else {
        if (fabs(sum) > 1e-7)
          REFUSE("the correlations are not positive semi-definite: correlations[%zu][%zu] contradicts the rows above it", i, j);
        l[i][j] = 0;
      }
    }
  }
  return ASSAY_OK;
}

static void put_real(const assay_mc_params *o, void *table, size_t at, double value) {
  if (o->precision == ASSAY_MC_F32) {
    ((float *)table)[at] = (float)value;
  } else {
    ((double *)table)[at] = value;
  }
}

assay_status assay_mc_basket_job(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  if (o->model != ASSAY_MC_GBM) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "baskets are priced under geometric Brownian motion only");
  double l[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS];
  assay_status status = cholesky(o, l, err);
  if (status != ASSAY_OK) return status;
  job->given_bytes = MC_BASKET_ROW * o->assets * (o->precision == ASSAY_MC_F32 ? sizeof(float) : sizeof(double));
  job->given = assay_calloc(ASSAY_TAG_QUANT, 1, job->given_bytes);
  if (job->given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u assets", o->assets);
  double sign = o->put ? -1 : 1;
  job->control_mean = 0;
  for (size_t j = 0; j < o->assets; j++) {
    size_t row = MC_BASKET_ROW * j;
    double volatility = o->volatilities[j], yield = o->rate - dividend_of(o, j), amount = sign * weight_of(o, j) * o->spots[j];
    put_real(o, job->given, row, amount);
    put_real(o, job->given, row + 1, (yield - volatility * volatility / 2) * o->time / ln2);
    put_real(o, job->given, row + 2, ln2 / volatility);
    put_real(o, job->given, row + 3, volatility * o->time);
    for (size_t k = 0; k <= j; k++) put_real(o, job->given, row + MC_BASKET_MATRIX + k, l[j][k] * volatility * sqrt(o->time) / ln2);
    job->control_mean += amount * exp(yield * o->time);
  }
  job->control_is_money = true;
  job->kernel = "mc_basket";
  job->simulate = assay_mc_path_simulate;
  job->params.steps = o->assets;
  job->params.antithetic = o->antithetic;
  job->params.shift = -sign * o->strike;
  double(*of)[ASSAY_MC_SUMS] = job->forms.of;
  of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = job->discount;
  of[ASSAY_MC_FORM_DELTA][MC_SUM_DELTA] = job->discount;
  of[ASSAY_MC_FORM_VEGA][MC_SUM_DEVIATION] = job->discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_PAYOFF] = -o->time * job->discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_MEAN] = o->time * job->discount;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) job->forms.method[f] = ASSAY_MC_PATHWISE;
  assay_mc_by_same_numbers(job, ASSAY_MC_FORM_THETA);
  assay_mc_by_same_numbers(job, ASSAY_MC_FORM_GAMMA);
  return ASSAY_OK;
}
