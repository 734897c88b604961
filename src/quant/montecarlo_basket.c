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
              "(risk.h; in the shell --nearest)",
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

/* L^-1', whose product with independent shocks is the scores of the assets; of a matrix that nearly has none the scores are all noise. */
enum { LEAST_PIVOT_INVERSE = 20 };
static bool invert(size_t n, double l[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS], double inverse[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS]) {
  for (size_t i = 0; i < n; i++) {
    if (!(l[i][i] * LEAST_PIVOT_INVERSE >= 1)) return false;
  }
  for (size_t c = 0; c < n; c++) { /* column c of L^-1 is row c of the transpose */
    for (size_t i = 0; i < n; i++) {
      double sum = i == c ? 1 : 0;
      for (size_t k = c; k < i; k++) sum -= l[i][k] * inverse[c][k];
      inverse[c][i] = i < c ? 0 : sum / l[i][i];
    }
  }
  return true;
}

static assay_status write_terms(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  static const size_t bytes[] = {[ASSAY_MC_F32] = sizeof(float), [ASSAY_MC_F64] = sizeof(double)};
  double l[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS], inverse[ASSAY_MC_MAX_ASSETS][ASSAY_MC_MAX_ASSETS];
  assay_status status = cholesky(o, l, err);
  if (status != ASSAY_OK) return status;
  job->scores = invert(o->assets, l, inverse);
  job->given_bytes = MC_BASKET_ROW * o->assets * bytes[o->precision];
  job->given = assay_calloc(ASSAY_TAG_QUANT, 1, job->given_bytes);
  if (job->given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u assets", o->assets);
  double sign = o->put ? -1 : 1;
  job->control_mean = 0;
  for (size_t j = 0; j < o->assets; j++) {
    size_t row = MC_BASKET_ROW * j;
    double volatility = o->volatilities[j], yield = o->rate - dividend_of(o, j), amount = sign * weight_of(o, j) * o->spots[j];
    double deviation = volatility * sqrt(o->time);
    put_real(o, job->given, row, amount);
    put_real(o, job->given, row + 1, (yield - volatility * volatility / 2) * o->time / ln2);
    put_real(o, job->given, row + MC_BASKET_DEVIATION, deviation);
    put_real(o, job->given, row + MC_BASKET_INVERSE_DEVIATION, 1 / deviation);
    for (size_t k = 0; k <= j; k++) put_real(o, job->given, row + MC_BASKET_MATRIX + k, l[j][k] * deviation / ln2);
    for (size_t k = j; job->scores && k < o->assets; k++) put_real(o, job->given, row + MC_BASKET_INVERSE + k, inverse[j][k]);
    job->control_mean += amount * exp(yield * o->time);
  }
  return ASSAY_OK;
}

void assay_mc_basket_sums(const assay_mc_job *job, const double *in, double out[ASSAY_MC_SUMS], double *extras) {
  const assay_mc_params *o = &job->option;
  for (int s = 0; s < MC_PRICE_SUMS; s++) out[s] = in[s];
  out[MC_SUM_GAMMA] = in[MC_BASKET_GAMMA];
  for (size_t j = 0; j < o->assets; j++, extras += ASSAY_MC_ASSET_FORMS) {
    const double *sums = in + MC_BASKET_ASSETS + MC_BASKET_EACH * j;
    double volatility = o->volatilities[j], mean = o->rate - dividend_of(o, j) - volatility * volatility / 2;
    double part = sums[MC_BASKET_PART], shock = sums[MC_BASKET_SHOCK] * ln2;
    double vega = shock / volatility - volatility * o->time * part;
    out[MC_SUM_DELTA] += part;
    out[MC_SUM_DEVIATION] += vega;
    out[MC_SUM_TIME] += mean * part + shock / (2 * o->time);
    extras[ASSAY_MC_ASSET_DELTA] = job->discount * part / o->spots[j];
    extras[ASSAY_MC_ASSET_GAMMA] = job->discount * sums[MC_BASKET_SCORE] / (volatility * sqrt(o->time) * o->spots[j] * o->spots[j]);
    extras[ASSAY_MC_ASSET_VEGA] = job->discount * vega;
  }
  *extras = job->discount * in[MC_BASKET_CORRELATION];
}

size_t assay_mc_basket_extras(const assay_mc_job *job) { return ASSAY_MC_ASSET_FORMS * (size_t)job->option.assets + 1; }

static assay_status simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                             assay_quant_where *where) {
  if (!job->option.greeks) return assay_mc_path_simulate(job, batch, samples, err, groups, where);
  mc_path_params params = job->params;
  size_t n = assay_mc_kernel_sums(job), extras = assay_mc_basket_extras(job);
  params.samples = samples;
  params.key = assay_mc_key(job->option.seed, batch);
  assay_mc_grid(samples, ASSAY_MC_GROUP, job->option.steps, &params.groups, &params.draws);
  assay_mc_groups made = {0};
  double *out = assay_calloc(ASSAY_TAG_QUANT, params.groups * n, sizeof *out);
  assay_status status = assay_mc_groups_init(&made, params.groups, err);
  if (status == ASSAY_OK) made.extras = assay_calloc(ASSAY_TAG_QUANT, params.groups * extras, sizeof *made.extras);
  if (status == ASSAY_OK && (out == NULL || made.extras == NULL))
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the sums of %u groups of paths", params.groups);
  if (status == ASSAY_OK) status = assay_mc_path_run(job, &params, NULL, 0, err, out, where);
  made.extra_count = extras;
  for (u32 g = 0; status == ASSAY_OK && g < params.groups; g++) {
    assay_mc_basket_sums(job, out + g * n, made.sums[g], made.extras + g * extras);
    made.samples[g] = assay_mc_group_samples(samples, ASSAY_MC_GROUP, params.groups, g);
  }
  assay_free(out);
  if (status == ASSAY_OK) {
    *groups = made;
  } else {
    assay_mc_groups_deinit(&made);
  }
  return status;
}

void assay_mc_basket_result(const assay_mc_job *job, const assay_mc_tally *tally, assay_mc_result *result) {
  const assay_mc_greek none = {NAN, NAN, ASSAY_MC_NO_METHOD};
  const assay_mc_params *o = &job->option;
  result->assets = o->greeks ? o->assets : 0;
  for (size_t j = 0; j < result->assets; j++) {
    size_t first = ASSAY_MC_ASSET_FORMS * j;
    result->by_asset[j] =
        (assay_mc_asset){.delta = assay_mc_tally_extra(tally, first + ASSAY_MC_ASSET_DELTA, ASSAY_MC_PATHWISE),
                         .gamma = job->scores ? assay_mc_tally_extra(tally, first + ASSAY_MC_ASSET_GAMMA, ASSAY_MC_MIXED) : none,
                         .vega = assay_mc_tally_extra(tally, first + ASSAY_MC_ASSET_VEGA, ASSAY_MC_PATHWISE)};
  }
  if (o->greeks && job->scores) {
    result->correlation = assay_mc_tally_extra(tally, ASSAY_MC_ASSET_FORMS * (size_t)o->assets, ASSAY_MC_MIXED);
  }
}

assay_status assay_mc_basket_job(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  if (o->model != ASSAY_MC_GBM) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "baskets are priced under geometric Brownian motion only");
  assay_status status = write_terms(job, err);
  if (status != ASSAY_OK) return status;
  job->control_is_money = true;
  job->kernel = "mc_basket";
  job->simulate = simulate;
  job->params.steps = o->assets;
  job->params.antithetic = o->antithetic;
  job->params.shift = o->put ? o->strike : -o->strike;
  double(*of)[ASSAY_MC_SUMS] = job->forms.of;
  of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = job->discount;
  of[ASSAY_MC_FORM_DELTA][MC_SUM_DELTA] = job->discount;
  of[ASSAY_MC_FORM_GAMMA][MC_SUM_GAMMA] = job->discount;
  of[ASSAY_MC_FORM_VEGA][MC_SUM_DEVIATION] = job->discount;
  of[ASSAY_MC_FORM_THETA][MC_SUM_PAYOFF] = o->rate * job->discount;
  of[ASSAY_MC_FORM_THETA][MC_SUM_TIME] = -job->discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_PAYOFF] = -o->time * job->discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_DELTA] = o->time * job->discount;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) job->forms.method[f] = ASSAY_MC_PATHWISE;
  job->forms.method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_MIXED;
  if (!job->scores) assay_mc_by_same_numbers(job, ASSAY_MC_FORM_GAMMA);
  return ASSAY_OK;
}
