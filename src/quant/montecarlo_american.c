/* SPDX-License-Identifier: MIT */
/*
 * The rule of exercise for American options (Longstaff and Schwartz 2001): backwards from the end, what a path pays later is regressed on
 * a cubic in its price now, over the paths that are in the money. The paths of the regression are not those of the price, so the price is
 * a lower bound on average, whatever the rule.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

enum { CALIBRATION_PATHS = 16384, TERMS = 4, LEAST_PATHS = 64 };
/* A batch that no price reaches. */
static const uint64_t calibration_batch = 1ull << 60;

/* Least squares by the normal equations: cubics over a variable of mean 0 and deviation 1 are far from singular, and where they are not
 * (few different prices), the pivot says so. */
static bool solve(double a[TERMS][TERMS], double b[TERMS]) {
  for (int i = 0; i < TERMS; i++) {
    double floor = 1e-10 * a[i][i];
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
    for (int k = 0; k < i; k++) a[i][i] -= a[i][k] * a[i][k];
    if (!(a[i][i] > floor)) return false;
    a[i][i] = sqrt(a[i][i]);
  }
  for (int i = 0; i < TERMS; i++) {
    for (int k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (int i = TERMS - 1; i >= 0; i--) {
    for (int k = i + 1; k < TERMS; k++) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return true;
}

typedef struct rule {
  double slope, shift, terms[TERMS]; /* t = slope S + shift, S relative to the spot; what going on is worth */
} rule;

static const rule never = {.terms = {1e30}};

static double going_on(const rule *r, double s) {
  double t = r->slope * s + r->shift;
  return ((r->terms[3] * t + r->terms[2]) * t + r->terms[1]) * t + r->terms[0];
}

/* From the prices of paths in the money and what they pay later, discounted to now. */
static rule regress(const double *s, const double *later, size_t count) {
  if (count < LEAST_PATHS) return never;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += s[i], squares += s[i] * s[i];
  double mean = sum / (double)count, deviation = sqrt(fmax(squares / (double)count - mean * mean, 0));
  if (!(deviation > 1e-9 * mean)) return never;
  rule r = {.slope = 1 / deviation, .shift = -mean / deviation};
  double moments[2 * TERMS - 1] = {0}, products[TERMS] = {0};
  for (size_t i = 0; i < count; i++) {
    double t = r.slope * s[i] + r.shift, t2 = t * t, t3 = t2 * t, y = later[i];
    moments[1] += t, moments[2] += t2, moments[3] += t3, moments[4] += t2 * t2, moments[5] += t2 * t3, moments[6] += t3 * t3;
    products[0] += y, products[1] += y * t, products[2] += y * t2, products[3] += y * t3;
  }
  moments[0] = (double)count;
  double a[TERMS][TERMS];
  for (int i = 0; i < TERMS; i++)
    for (int j = 0; j < TERMS; j++) a[i][j] = moments[i + j];
  if (!solve(a, products)) return never;
  memcpy(r.terms, products, sizeof r.terms);
  return r;
}

/* Rules for all steps from `paths` (row s has the prices after step s), and what going on is worth at the start. */
static double calibrate(const assay_mc_job *job, const double *paths, double *scratch, rule *rules) {
  const assay_mc_params *o = &job->option;
  size_t n = CALIBRATION_PATHS, steps = o->steps;
  double *value = scratch, *s = scratch + n, *later = scratch + 2 * n, step_discount = exp(-o->rate * o->time / (double)steps),
         sign = o->put ? -1 : 1;
  for (size_t i = 0; i < n; i++) value[i] = fmax(sign * (paths[steps * n + i] - o->strike), 0);
  rules[steps - 1] = (rule){0};
  for (size_t step = steps - 1; step >= 1; step--) {
    const double *now = paths + step * n;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
      value[i] *= step_discount;
      s[count] = now[i] / o->spot;
      later[count] = value[i];
      count += sign * (now[i] - o->strike) > 0;
    }
    rules[step - 1] = regress(s, later, count);
    for (size_t i = 0; i < n; i++) {
      double pays = sign * (now[i] - o->strike);
      if (pays > 0 && pays >= going_on(&rules[step - 1], now[i] / o->spot)) value[i] = pays;
    }
  }
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += value[i];
  return step_discount * sum / (double)n;
}

/* The rules as the kernel reads them, in its precision. */
static void write_rules(const assay_mc_job *job, const rule *rules, void *out) {
  const assay_mc_params *o = &job->option;
  for (size_t step = 0; step < o->steps; step++) {
    const rule *r = &rules[step];
    double row[MC_RULE] = {
        exp(-o->rate * o->time * (double)(step + 1) / o->steps), r->slope, r->shift, r->terms[0], r->terms[1], r->terms[2], r->terms[3]};
    for (int k = 0; k < MC_RULE; k++) {
      if (o->precision == ASSAY_MC_F32) {
        ((float *)out)[MC_RULE * step + k] = (float)row[k];
      } else {
        ((double *)out)[MC_RULE * step + k] = row[k];
      }
    }
  }
}

/* Payoffs are discounted where they are paid, so the price's form has no discount. Greeks are the martingale's. */
static void forms(assay_mc_job *job) {
  memset(job->forms.of, 0, sizeof job->forms.of);
  job->forms.of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = 1;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) job->forms.method[f] = ASSAY_MC_LIKELIHOOD_RATIO;
  job->discount = 1;
  job->prices = true;
}

assay_status assay_mc_american_job(assay_mc_job *job, assay_error *err) {
  assay_mc_params *o = &job->option;
  if (o->model != ASSAY_MC_GBM)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "American options are priced under geometric Brownian motion only");
  if (o->steps > ASSAY_MC_MAX_EXERCISES) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u dates of exercise: at most %d are taken", o->steps, ASSAY_MC_MAX_EXERCISES);
  }
  if (job->only_paths) return ASSAY_OK;
  forms(job);
  if (o->control) return assay_mc_martingale_job(job, err);
  job->kernel = "mc_american";
  size_t rows = o->steps + (size_t)1, real_bytes = o->precision == ASSAY_MC_F32 ? sizeof(float) : sizeof(double);
  double *paths = assay_alloc(ASSAY_TAG_QUANT, rows * CALIBRATION_PATHS * sizeof *paths);
  double *scratch = assay_alloc(ASSAY_TAG_QUANT, 3 * CALIBRATION_PATHS * sizeof *scratch);
  rule *rules = assay_calloc(ASSAY_TAG_QUANT, o->steps, sizeof *rules);
  job->given_bytes = MC_RULE * o->steps * real_bytes;
  job->given = assay_alloc(ASSAY_TAG_QUANT, job->given_bytes);
  assay_status status = ASSAY_OK;
  if (paths == NULL || scratch == NULL || rules == NULL || job->given == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %d paths of %u steps", CALIBRATION_PATHS, o->steps);
  }
  if (status == ASSAY_OK) status = assay_mc_store_paths(job, calibration_batch, 0, CALIBRATION_PATHS, false, err, paths, &job->where);
  if (status == ASSAY_OK) {
    double worth = calibrate(job, paths, scratch, rules), now = o->put ? o->strike - o->spot : o->spot - o->strike;
    job->exercised = now > 0 && now >= worth;
    write_rules(job, rules, job->given);
  }
  assay_free(paths);
  assay_free(scratch);
  assay_free(rules);
  return status;
}
