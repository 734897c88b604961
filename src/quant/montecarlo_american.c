/* SPDX-License-Identifier: MIT */
/*
 * The rule of exercise for American options (Longstaff and Schwartz 2001): backwards from the end, what a path pays later is regressed on
 * a cubic in its price now, and under Heston's model on its variance too, over the paths that are in the money. The paths of the regression
 * are not those of the price, so the price is a lower bound on average, whatever the rule.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

enum { CUBIC = 4, TERMS = 8, LEAST_PATHS = 64 };
/* Paths of the regression: one in SHARE of the price's, of LEAST and MOST at least and at most. */
enum { CALIBRATION_SHARE = 8, CALIBRATION_LEAST = 16384, CALIBRATION_MOST = 131072 };
/* A batch that no price reaches. */
static const uint64_t calibration_batch = 1ull << 60;

/*
 * What chance makes a rule miss goes with one over the number of its paths, and is in no standard error; so they become more where the
 * standard error becomes small. They never take more memory than the least do with the most dates. A target does not say how many paths
 * there will be.
 */
static size_t calibration_paths(const assay_mc_params *o) {
  uint64_t paths = o->target_error > 0 ? 0 : o->paths / CALIBRATION_SHARE;
  uint64_t room = (uint64_t)CALIBRATION_LEAST * (ASSAY_MC_MAX_EXERCISES + 1) / (o->steps + 1);
  if (paths > CALIBRATION_MOST) paths = CALIBRATION_MOST;
  if (paths > room) paths = room;
  if (paths < CALIBRATION_LEAST) paths = CALIBRATION_LEAST;
  return (size_t)(paths / ASSAY_MC_GROUP * ASSAY_MC_GROUP);
}

/* Least squares by the normal equations: cubics over a variable of mean 0 and deviation 1 are far from singular, and where they are not
 * (few different prices), the pivot says so. */
static bool solve(double a[TERMS][TERMS], double b[TERMS], int terms) {
  for (int i = 0; i < terms; i++) {
    double floor = 1e-10 * a[i][i];
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
    for (int k = 0; k < i; k++) a[i][i] -= a[i][k] * a[i][k];
    if (!(a[i][i] > floor)) return false;
    a[i][i] = sqrt(a[i][i]);
  }
  for (int i = 0; i < terms; i++) {
    for (int k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (int i = terms - 1; i >= 0; i--) {
    for (int k = i + 1; k < terms; k++) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return true;
}

/* A number less its mean, over its deviation; 0 where it hardly moves. */
typedef struct standard {
  double slope, shift;
} standard;

static standard standard_of(const double *x, size_t count) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += x[i], squares += x[i] * x[i];
  double mean = sum / (double)count, deviation = sqrt(fmax(squares / (double)count - mean * mean, 0));
  return deviation > 1e-9 * mean ? (standard){1 / deviation, -mean / deviation} : (standard){0};
}

/* What going on is worth: a cubic in the price over the spot, and what a variance adds (path.h). */
typedef struct rule {
  standard price, variance;
  double terms[TERMS];
} rule;

static const rule never = {.terms = {1e30}};

static double going_on(const rule *r, double s, double v) {
  double t = r->price.slope * s + r->price.shift, w = r->variance.slope * v + r->variance.shift;
  const double *c = r->terms, *d = c + CUBIC;
  return ((c[3] * t + c[2]) * t + c[1]) * t + c[0] + w * ((d[2] * t + d[1]) * t + d[3] * w + d[0]);
}

static bool fit_cubic(rule *r, const double *s, const double *later, size_t count) {
  double moments[2 * CUBIC - 1] = {0}, products[TERMS] = {0};
  for (size_t i = 0; i < count; i++) {
    double t = r->price.slope * s[i] + r->price.shift, t2 = t * t, t3 = t2 * t, y = later[i];
    moments[1] += t, moments[2] += t2, moments[3] += t3, moments[4] += t2 * t2, moments[5] += t2 * t3, moments[6] += t3 * t3;
    products[0] += y, products[1] += y * t, products[2] += y * t2, products[3] += y * t3;
  }
  moments[0] = (double)count;
  double a[TERMS][TERMS];
  for (int i = 0; i < CUBIC; i++)
    for (int j = 0; j < CUBIC; j++) a[i][j] = moments[i + j];
  if (!solve(a, products, CUBIC)) return false;
  memcpy(r->terms, products, sizeof r->terms);
  return true;
}

static bool fit_both(rule *r, const double *s, const double *v, const double *later, size_t count) {
  double a[TERMS][TERMS] = {{0}}, products[TERMS] = {0};
  for (size_t i = 0; i < count; i++) {
    double t = r->price.slope * s[i] + r->price.shift, w = r->variance.slope * v[i] + r->variance.shift;
    const double basis[TERMS] = {1, t, t * t, t * t * t, w, w * t, w * t * t, w * w};
    for (int j = 0; j < TERMS; j++) {
      for (int k = 0; k <= j; k++) a[j][k] += basis[j] * basis[k];
      products[j] += basis[j] * later[i];
    }
  }
  if (!solve(a, products, TERMS)) return false;
  memcpy(r->terms, products, sizeof r->terms);
  return true;
}

/* From the prices of paths in the money, their variances (NULL: they have none) and what they pay later, discounted to now. */
static rule regress(const double *s, const double *v, const double *later, size_t count) {
  if (count < LEAST_PATHS) return never;
  rule r = {.price = standard_of(s, count)};
  if (r.price.slope == 0) return never;
  if (v != NULL) r.variance = standard_of(v, count);
  if (r.variance.slope > 0 && fit_both(&r, s, v, later, count)) return r;
  r.variance = (standard){0};
  return fit_cubic(&r, s, later, count) ? r : never;
}

/* The paths of the regression, row s after step s; and what it works with, one number a path each. */
typedef struct calibration {
  size_t paths;
  double *prices, *variances; /* variances: NULL but under Heston's model */
  double *value, *s, *v, *later;
  rule *rules;
} calibration;

static double sign_of(const assay_mc_params *o) { return o->put ? -1 : 1; }
static double step_discount(const assay_mc_params *o) { return exp(-o->rate * o->time / (double)o->steps); }

/* What the first `count` paths pay at the end. */
static void pay_at_end(const assay_mc_params *o, const calibration *c, size_t count, double *value) {
  const double *last = c->prices + o->steps * c->paths;
  for (size_t i = 0; i < count; i++) value[i] = fmax(sign_of(o) * (last[i] - o->strike), 0);
}

/* The rule of a step from paths `first` to `end`, with what they pay later. */
static rule find_step(const assay_mc_params *o, const calibration *c, size_t step, size_t first, size_t end, const double *later) {
  const double *now = c->prices + step * c->paths, *variances = c->variances == NULL ? NULL : c->variances + step * c->paths;
  double sign = sign_of(o);
  size_t count = 0;
  for (size_t i = first; i < end; i++) {
    c->s[count] = now[i] / o->spot;
    c->v[count] = variances == NULL ? 0 : variances[i];
    c->later[count] = later[i];
    count += sign * (now[i] - o->strike) > 0;
  }
  return regress(c->s, variances == NULL ? NULL : c->v, c->later, count);
}

/* What the first `count` paths pay that are exercised by it. */
static void follow(const assay_mc_params *o, const calibration *c, size_t step, const rule *r, size_t count, double *value) {
  const double *now = c->prices + step * c->paths, *variances = c->variances == NULL ? NULL : c->variances + step * c->paths;
  double sign = sign_of(o);
  for (size_t i = 0; i < count; i++) {
    double pays = sign * (now[i] - o->strike);
    if (pays > 0 && pays >= going_on(r, now[i] / o->spot, variances == NULL ? 0 : variances[i])) value[i] = pays;
  }
}

/* Rules for all steps, and what going on is worth at the start. */
static double calibrate(const assay_mc_params *o, const calibration *c) {
  double discount = step_discount(o), sum = 0;
  pay_at_end(o, c, c->paths, c->value);
  c->rules[o->steps - 1] = (rule){0};
  for (size_t step = o->steps - 1; step >= 1; step--) {
    for (size_t i = 0; i < c->paths; i++) c->value[i] *= discount;
    c->rules[step - 1] = find_step(o, c, step, 0, c->paths, c->value);
    follow(o, c, step, &c->rules[step - 1], c->paths, c->value);
  }
  for (size_t i = 0; i < c->paths; i++) sum += c->value[i];
  return discount * sum / (double)c->paths;
}

/*
 * What chance makes the rule miss, on average. Two rules are found, each from one half of some paths, and both are followed on all of them.
 * On the half that found it a rule gains by chance what it fits of that half, on the other half it loses by chance, in first order as much
 * (as residuals do: Mallows 1973); the difference is twice what a rule from so many paths loses, and that goes with one over their number.
 * The differences are small where the two rules decide alike, so few paths tell enough.
 */
static assay_status find_loss(const assay_mc_params *o, const calibration *c, assay_error *err, double *loss) {
  size_t half = CALIBRATION_LEAST / 2, all = 2 * half;
  double discount = step_discount(o), difference = 0, *values = assay_alloc(ASSAY_TAG_QUANT, 2 * all * sizeof *values);
  if (values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for two rules of %zu paths", half);
  for (size_t h = 0; h < 2; h++) {
    double *value = values + h * all;
    pay_at_end(o, c, all, value);
    for (size_t step = o->steps - 1; step >= 1; step--) {
      for (size_t i = 0; i < all; i++) value[i] *= discount;
      rule r = find_step(o, c, step, h * half, (h + 1) * half, value);
      follow(o, c, step, &r, all, value);
    }
  }
  for (size_t i = 0; i < half; i++) difference += values[i] - values[all + i];
  for (size_t i = half; i < all; i++) difference += values[all + i] - values[i];
  *loss = fmax(discount * difference / (double)all, 0) / 2 * (double)half / (double)c->paths;
  assay_free(values);
  return ASSAY_OK;
}

/* The rules as the kernel reads them, in its precision. */
static void write_rules(const assay_mc_job *job, const rule *rules, void *out) {
  const assay_mc_params *o = &job->option;
  for (size_t step = 0; step < o->steps; step++) {
    const rule *r = &rules[step];
    double passed = o->time * (double)(step + 1) / o->steps;
    double row[MC_RULE] = {[MC_RULE_DISCOUNT] = exp(-o->rate * o->time * (double)(step + 1) / o->steps),
                           [MC_RULE_SLOPE] = r->price.slope,
                           [MC_RULE_SHIFT] = r->price.shift,
                           [MC_RULE_V_SLOPE] = r->variance.slope,
                           [MC_RULE_V_SHIFT] = r->variance.shift,
                           [MC_RULE_CARRY] = exp((o->dividend - o->rate) * passed)};
    memcpy(row + MC_RULE_TERMS, r->terms, CUBIC * sizeof *row);
    memcpy(row + MC_RULE_V_TERMS, r->terms + CUBIC, CUBIC * sizeof *row);
    for (int k = 0; k < MC_RULE; k++) {
      if (o->precision == ASSAY_MC_F32) {
        ((float *)out)[MC_RULE * step + k] = (float)row[k];
      } else {
        ((double *)out)[MC_RULE * step + k] = row[k];
      }
    }
  }
}

/* Payoffs are discounted where they are paid, so the price's form has no discount. Greeks are the martingale's (GBM), or differences: the
 * rule is found anew for each. */
static void forms(assay_mc_job *job) {
  memset(job->forms.of, 0, sizeof job->forms.of);
  job->forms.of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = 1;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) {
    job->forms.method[f] = ASSAY_MC_LIKELIHOOD_RATIO;
    if (job->option.model != ASSAY_MC_GBM) assay_mc_by_same_numbers(job, f);
  }
  job->discount = 1;
  job->prices = true;
}

static void calibration_deinit(calibration *c) {
  assay_free(c->prices);
  assay_free(c->variances);
  assay_free(c->value);
  assay_free(c->rules);
}

static assay_status calibration_init(calibration *c, const assay_mc_job *job, assay_error *err) {
  size_t n = calibration_paths(&job->option), rows = job->option.steps + (size_t)1;
  bool heston = job->option.model == ASSAY_MC_HESTON;
  *c = (calibration){.paths = n,
                     .prices = assay_alloc(ASSAY_TAG_QUANT, rows * n * sizeof *c->prices),
                     .variances = heston ? assay_alloc(ASSAY_TAG_QUANT, rows * n * sizeof *c->variances) : NULL,
                     .value = assay_alloc(ASSAY_TAG_QUANT, 4 * n * sizeof *c->value),
                     .rules = assay_calloc(ASSAY_TAG_QUANT, job->option.steps, sizeof *c->rules)};
  if (c->prices == NULL || (heston && c->variances == NULL) || c->value == NULL || c->rules == NULL) {
    calibration_deinit(c);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu paths of %u steps", n, job->option.steps);
  }
  c->s = c->value + n, c->v = c->s + n, c->later = c->v + n;
  return ASSAY_OK;
}

static assay_status find_rule(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  calibration c;
  assay_status status = calibration_init(&c, job, err);
  if (status != ASSAY_OK) return status;
  status = assay_mc_store_paths(job, calibration_batch, 0, c.paths, 0, err, c.prices, &job->where);
  if (status == ASSAY_OK && c.variances != NULL)
    status = assay_mc_store_paths(job, calibration_batch, 0, c.paths, MC_PATHS_VARIANCES, err, c.variances, &job->where);
  if (status == ASSAY_OK) {
    double worth = calibrate(o, &c), now = o->put ? o->strike - o->spot : o->spot - o->strike;
    job->exercised = now > 0 && now >= worth;
    write_rules(job, c.rules, job->given);
    if (o->exercise_loss && !job->exercised) status = find_loss(o, &c, err, &job->exercise_loss);
  }
  calibration_deinit(&c);
  return status;
}

assay_status assay_mc_american_job(assay_mc_job *job, assay_error *err) {
  assay_mc_params *o = &job->option;
  bool gbm = o->model == ASSAY_MC_GBM;
  if (o->steps > ASSAY_MC_MAX_EXERCISES) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u dates of exercise: at most %d are taken", o->steps, ASSAY_MC_MAX_EXERCISES);
  }
  if (o->upper_bound && !gbm) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "an upper bound is known under geometric Brownian motion only: leave `upper_bound` out, or take that model");
  }
  if (job->only_paths) return ASSAY_OK;
  forms(job);
  if (o->control && gbm) return assay_mc_martingale_job(job, err);
  job->kernel = gbm && o->sampling == ASSAY_MC_PSEUDO ? "mc_american" : "mc_exercise"; /* which takes points too */
  job->control_mean = 1;
  size_t real_bytes = o->precision == ASSAY_MC_F32 ? sizeof(float) : sizeof(double);
  job->given_bytes = MC_RULE * o->steps * real_bytes;
  job->given = assay_alloc(ASSAY_TAG_QUANT, job->given_bytes);
  if (job->given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the rule of %u dates", o->steps);
  return find_rule(job, err);
}
