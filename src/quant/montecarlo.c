/* SPDX-License-Identifier: MIT */
#include "quant/montecarlo.h"

#include <math.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "base/float.h"
#include "os/prim.h"

const char *assay_mc_method_text(assay_mc_method method) {
  static const char *const texts[] = {"none", "pathwise", "likelihood ratio", "mixed", "exact", "same numbers", "conditional"};
  return (unsigned)method < sizeof texts / sizeof *texts ? texts[method] : "unknown";
}

/* What a batch holds at most, so that no launch takes minutes, and what the first holds when there is a target. */
static const uint64_t batch_most = 1ull << 34, batch_first = 1ull << 16;

static uint32_t default_steps(const assay_mc_params *o) {
  if (o->payoff == ASSAY_MC_AMERICAN) {
    double dates = o->model == ASSAY_MC_HESTON ? ceil(50 * o->time) : 50; /* the scheme has an error in time */
    return (uint32_t)fmin(fmax(dates, 50), ASSAY_MC_MAX_EXERCISES);
  }
  if (o->payoff == ASSAY_MC_ASIAN_ARITHMETIC || o->payoff == ASSAY_MC_ASIAN_GEOMETRIC) return 252;
  bool extremes = o->payoff == ASSAY_MC_BARRIER || o->payoff == ASSAY_MC_LOOKBACK_FIXED || o->payoff == ASSAY_MC_LOOKBACK_FLOATING;
  if (extremes && o->watch == ASSAY_MC_AT_STEPS) return 252;
  if (o->model == ASSAY_MC_HESTON) return (uint32_t)fmin(fmax(ceil(100 * o->time), 1), ASSAY_MC_MAX_STEPS);
  return 1;
}

void assay_mc_defaults(assay_mc_params *o) {
  if (o->steps == 0) {
    o->steps = default_steps(o);
    if (o->sampling == ASSAY_MC_SOBOL && o->steps > ASSAY_MC_MAX_SOBOL_STEPS) o->steps = ASSAY_MC_MAX_SOBOL_STEPS;
  }
  /* Only the end counts, and one step goes there without error. */
  if (o->model == ASSAY_MC_GBM && (o->payoff == ASSAY_MC_EUROPEAN || o->payoff == ASSAY_MC_DIGITAL)) o->steps = 1;
  uint64_t most = o->sampling == ASSAY_MC_SOBOL ? ASSAY_MC_MOST_SOBOL_PATHS : ASSAY_MC_MAX_PATHS / o->steps;
  if (o->paths == 0) o->paths = o->target_error > 0 ? most : 1 << 20;
  if (o->payout == 0) o->payout = 1;
  if (o->level == 0) o->level = 0.95;
}

assay_status assay_mc_job_init(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  job->discount = exp(-o->rate * o->time);
  job->control_mean = NAN;
  job->exercise_loss = NAN;
  job->paths_per_sample = o->antithetic ? 2 : 1;
  if (o->payoff == ASSAY_MC_BASKET) {
    assay_status status = assay_mc_basket_job(job, err);
    if (status == ASSAY_OK && o->sampling == ASSAY_MC_SOBOL) status = assay_mc_sobol_job(job, err);
    if (status != ASSAY_OK) assay_mc_job_deinit(job);
    return status;
  }
  assay_status status = assay_mc_path_job(job, err);
  bool plain =
      o->model == ASSAY_MC_GBM && o->payoff == ASSAY_MC_EUROPEAN && !o->antithetic && !o->control && o->sampling == ASSAY_MC_PSEUDO;
  if (status == ASSAY_OK && plain) assay_mc_european_job(job);
  if (status == ASSAY_OK && o->payoff == ASSAY_MC_AMERICAN) status = assay_mc_american_job(job, err);
  if (status == ASSAY_OK && o->sampling == ASSAY_MC_SOBOL) status = assay_mc_sobol_job(job, err);
  if (status != ASSAY_OK) assay_mc_job_deinit(job);
  return status;
}

void assay_mc_job_deinit(assay_mc_job *job) {
  assay_mc_martingale_forget(job);
  assay_free(job->given);
  job->given = NULL;
}

assay_status assay_mc_run(const assay_mc_job *job, assay_quant_work work, void *context, assay_error *err, assay_quant_where *where) {
  assay_quant_where here;
  assay_status status = assay_quant_run(job->option.device, work, context, err, &here);
  if (status == ASSAY_OK && !where->fell_back) *where = here;
  return status;
}

/* What is exercised at once is worth its payoff: nothing is left to chance. */
static void exercised_now(const assay_mc_params *o, assay_mc_result *out) {
  double sign = o->put ? -1 : 1;
  out->price = out->low = out->high = sign * (o->spot - o->strike);
  out->standard_error = 0;
  if (o->exercise_loss) out->exercise_loss = 0;
  out->greeks_paths = 0;
  if (!o->greeks) return;
  assay_mc_greek none = {0, 0, ASSAY_MC_EXACT};
  out->greeks = (assay_mc_greeks){{sign, 0, ASSAY_MC_EXACT}, none, none, none, none};
}

/* An American option is worth what it pays at once, whatever a rule of exercise makes of it. */
static void at_least_exercised(const assay_mc_params *o, assay_mc_result *out) {
  double now = o->put ? o->strike - o->spot : o->spot - o->strike;
  if (o->payoff != ASSAY_MC_AMERICAN) return;
  out->price = fmax(out->price, now);
  out->low = fmax(out->low, now);
  out->high = fmax(out->high, now);
}

/* One batch, into the tally. */
static assay_status add_batch(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_tally *tally,
                              assay_quant_where *where) {
  assay_mc_groups groups = {0};
  assay_status status = job->simulate(job, batch, samples, err, &groups, where);
  if (status == ASSAY_OK && job->option.greeks) status = assay_mc_same_numbers(job, batch, samples, err, &groups, where);
  for (size_t g = 0; status == ASSAY_OK && g < groups.count; g++) {
    assay_mc_tally_add(tally, &job->forms, groups.sums[g], groups.samples[g]);
    if (groups.extras != NULL)
      assay_mc_tally_add_extras(tally, groups.extras + g * groups.extra_count, groups.extra_count, groups.samples[g]);
  }
  assay_mc_groups_deinit(&groups);
  return status;
}

typedef struct estimate {
  double price, error, coefficient, ratio;
} estimate;

/* What a payment is of the size of, discounted: the spot, all amounts of a basket, the strike of a put, a digital's payout. */
static double usual_payment(const assay_mc_params *o) {
  double discount = exp(-o->rate * o->time), sum = o->spot * exp(-o->dividend * o->time);
  if (o->payoff == ASSAY_MC_DIGITAL) return o->payout * discount;
  if (o->payoff == ASSAY_MC_BASKET) {
    sum = 0;
    for (size_t j = 0; j < o->assets; j++) {
      double weight = o->weights != NULL ? o->weights[j] : 1.0 / o->assets, dividend = o->dividends != NULL ? o->dividends[j] : 0;
      sum += fabs(weight * o->spots[j]) * exp(-dividend * o->time);
    }
  }
  return o->put && o->payoff != ASSAY_MC_LOOKBACK_FLOATING ? fmax(sum, fabs(o->strike) * discount) : sum;
}

/* The deviation of the logarithm of the price at the end. */
static double deviation_of(const assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  if (o->model == ASSAY_MC_HESTON) return sqrt(fmax(o->variance, o->long_variance) * o->time);
  if (o->payoff != ASSAY_MC_BASKET) return job->params.deviation;
  double most = 0;
  for (size_t j = 0; j < o->assets; j++) most = fmax(most, o->volatilities[j]);
  return most * sqrt(o->time);
}

/*
 * How far the arithmetic's own rounding moves a price, which no number of paths brings down: measured, half a unit in the last place of
 * the underlying to three at 252 steps (tests/unit/quant/test_montecarlo.c). A digital pays all or nothing at a price that is off by so
 * much.
 */
static double rounding_of(const assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  bool martingale = o->payoff == ASSAY_MC_AMERICAN && o->model == ASSAY_MC_GBM && o->control; /* that is in f64 */
  bool single = o->precision == ASSAY_MC_F32 && !martingale;
  double unit = single ? 0x1p-23 : 0x1p-52, share = unit * (1 + sqrt(job->params.steps) / 8);
  if (o->model == ASSAY_MC_HESTON) share += assay_mc_heston_rounding(o);
  return usual_payment(o) * (o->payoff == ASSAY_MC_DIGITAL ? fmin(0.4 * share / deviation_of(job), 1) : share);
}

/*
 * Of how many samples the payments are, at least: as if they were all of one size. When next to nothing was paid, the spread of what was
 * says next to nothing: then three payments more might have been seen (with 95 % probability no more than that, if none was), each of a
 * usual size. A digital that always pays knows as little.
 */
enum { FEW_PAYMENTS = 30 };

/*
 * What a control cannot say. A European in the money is the control and the strike but where the option out of the money pays, a barrier at
 * steps is the option without one but where it is touched. If hardly any sample has shown that, the residuals' spread is next to nothing,
 * however much is missing. Returns of how many samples such payments are, as above.
 */
static double payments_beside_control(const assay_mc_job *job, const assay_mc_tally *tally) {
  const assay_mc_params *o = &job->option;
  const double *s = tally->sums, n = tally->samples;
  /* residual = a payoff + b control + c */
  double a, b, c = 0;
  if (o->payoff == ASSAY_MC_EUROPEAN)
    a = 1, b = o->put ? o->spot : -o->spot, c = o->put ? -o->strike : o->strike;
  else if (o->payoff == ASSAY_MC_BARRIER && o->watch == ASSAY_MC_AT_STEPS)
    a = -1, b = 1;
  else
    return n;
  double terms = a * a * s[MC_SUM_SQUARE] + b * b * s[MC_SUM_CONTROL_SQUARE] + n * c * c;
  double sum = a * s[MC_SUM_PAYOFF] + b * s[MC_SUM_CONTROL] + n * c;
  double square = terms + 2 * (a * b * s[MC_SUM_PRODUCT] + a * c * s[MC_SUM_PAYOFF] + b * c * s[MC_SUM_CONTROL]);
  double noise = terms / sqrt(n) * (o->precision == ASSAY_MC_F32 ? 0x1p-21 : 0x1p-50);
  return square > noise ? sum * sum / square : 0;
}

static double payments_of(const assay_mc_job *job, const assay_mc_tally *tally) {
  const double *s = tally->sums;
  double payments = s[MC_SUM_SQUARE] > 0 ? s[MC_SUM_PAYOFF] * s[MC_SUM_PAYOFF] / s[MC_SUM_SQUARE] : 0;
  return job->option.payoff == ASSAY_MC_DIGITAL ? fmin(payments, tally->samples - payments) : payments;
}

static double unseen_error(const assay_mc_job *job, const assay_mc_tally *tally) {
  double payments = payments_of(job, tally);
  if (job->option.control) payments = fmin(payments, payments_beside_control(job, tally));
  return payments < FEW_PAYMENTS ? usual_payment(&job->option) * sqrt(3) / tally->samples : 0;
}

/*
 * Points that fill the space are not independent; replicates are. Those of a digital count how many of so many evenly spread points lie
 * beyond the strike, so all of them may well agree: on a count that is off by a part of one.
 */
static double error_of_replicates(const assay_mc_job *job, const assay_mc_tally *tally) {
  double error = assay_mc_tally_error(tally, &job->forms, ASSAY_MC_FORM_PRICE);
  if (job->option.payoff != ASSAY_MC_DIGITAL) return error;
  return fmax(error, usual_payment(&job->option) * sqrt(3) / tally->samples);
}

/* The mean of the payoff, or with a control of payoff - coefficient (control - its mean) with the coefficient that is best for the sample.
 */
static estimate estimate_price(const assay_mc_job *job, const assay_mc_tally *tally) {
  const double *s = tally->sums, n = tally->samples;
  double mean = s[MC_SUM_PAYOFF] / n, square = s[MC_SUM_SQUARE] / n, variance = square - mean * mean;
  /* What is left of the squares is off by their rounding. */
  variance = (variance < 0 ? 0 : variance) + square * (job->option.precision == ASSAY_MC_F32 ? 0x1p-24 : 0x1p-53);
  estimate e = {.price = mean, .coefficient = NAN, .ratio = NAN};
  if (job->option.control) {
    double control = s[MC_SUM_CONTROL] / n, spread = s[MC_SUM_CONTROL_SQUARE] / n - control * control;
    double both = s[MC_SUM_PRODUCT] / n - mean * control, before = variance;
    /* A control that moves less than its squares are rounded by says nothing. */
    double noise = s[MC_SUM_CONTROL_SQUARE] / n * (job->option.precision == ASSAY_MC_F32 ? 0x1p-17 : 0x1p-46);
    e.coefficient = spread > noise ? both / spread : 0;
    e.price = mean - e.coefficient * (control - job->control_mean);
    /* The residuals' variance is lost to cancellation when the control says nearly all. */
    double residual = variance - e.coefficient * both;
    variance = residual < 1e-15 * before ? 1e-15 * before : residual;
    e.ratio = variance > 0 ? before / variance : 1;
  }
  e.price *= job->discount;
  e.error = job->discount * sqrt(variance / (n - 1));
  if (job->option.sampling == ASSAY_MC_SOBOL) e.error = error_of_replicates(job, tally);
  e.error = hypot(hypot(e.error, rounding_of(job)), unseen_error(job, tally));
  return e;
}

/* What one payment of a usual size makes of a Greek: the payment moves with the spot, and where it jumps its probability does. */
static double usual_greek(const assay_mc_job *job, int form) {
  const assay_mc_params *o = &job->option;
  double spot = o->payoff == ASSAY_MC_BASKET ? 1 : o->spot, deviation = deviation_of(job), root = sqrt(o->time);
  double jump = o->payoff == ASSAY_MC_DIGITAL || o->payoff == ASSAY_MC_BARRIER ? fmax(1 / deviation, 1) : 1, by_volatility = root * jump;
  const double of[ASSAY_MC_FORMS] = {[ASSAY_MC_FORM_DELTA] = jump / spot,
                                     [ASSAY_MC_FORM_GAMMA] = jump / (spot * spot * deviation),
                                     [ASSAY_MC_FORM_VEGA] = by_volatility,
                                     [ASSAY_MC_FORM_THETA] = by_volatility * deviation / o->time + fabs(o->rate),
                                     [ASSAY_MC_FORM_RHO] = o->time * jump};
  return usual_payment(o) * of[form];
}

/* As of the price: what was not seen is part of the error, be it payments or paths that pay nothing. One step of Sobol points counts. */
static assay_mc_greek greek(const assay_mc_job *job, const assay_mc_tally *tally, int form) {
  const assay_mc_params *o = &job->option;
  if (!o->greeks) return (assay_mc_greek){NAN, NAN, ASSAY_MC_NO_METHOD};
  assay_mc_greek made = {assay_mc_tally_mean(tally, &job->forms, form), assay_mc_tally_error(tally, &job->forms, form),
                         job->forms.method[form]};
  double three = usual_greek(job, form) * sqrt(3) / tally->samples;
  bool counts = o->sampling == ASSAY_MC_PSEUDO || (o->steps == 1 && (form != ASSAY_MC_FORM_GAMMA || o->payoff == ASSAY_MC_DIGITAL));
  if (made.method == ASSAY_MC_EXACT || o->payoff == ASSAY_MC_AMERICAN) return made;
  if (payments_of(job, tally) < FEW_PAYMENTS)
    made.standard_error = hypot(made.standard_error, three);
  else if (counts)
    made.standard_error = fmax(made.standard_error, three);
  return made;
}

/* A target that the precision cannot reach would be tried for ever. */
static assay_status check_target(const assay_mc_job *job, double target, const assay_mc_units *units, assay_error *err) {
  double rounding = rounding_of(job);
  bool single = job->option.precision == ASSAY_MC_F32;
  if (target == 0 || job->option.target_error > rounding) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the target error %g is below what %s rounds this price to, about %.2g: take %sa larger one",
                    target, single ? "f32" : "f64", ldexp(rounding, units->price), single ? "f64 or " : "");
}

/* No number that is none gets out: what is checked beforehand is not all that can go wrong at the ends of the range. */
static assay_status check_result(const assay_mc_result *r, bool greeks, bool bounded, assay_error *err) {
  const struct {
    const char *name;
    double value;
    bool counts;
  } numbers[] = {{"price", r->price, true},
                 {"standard error", r->standard_error, true},
                 {"interval", r->high - r->low, true},
                 {"upper bound", r->upper_bound + r->upper_bound_error, bounded},
                 {"delta", r->greeks.delta.value + r->greeks.delta.standard_error, greeks},
                 {"gamma", r->greeks.gamma.value + r->greeks.gamma.standard_error, greeks},
                 {"vega", r->greeks.vega.value + r->greeks.vega.standard_error, greeks},
                 {"theta", r->greeks.theta.value + r->greeks.theta.standard_error, greeks},
                 {"rho", r->greeks.rho.value + r->greeks.rho.standard_error, greeks}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (numbers[i].counts && !isfinite(numbers[i].value)) {
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the %s leaves the range of numbers with these parameters: %s", numbers[i].name,
                        i < 4 ? "take a smaller volatility, time or rate, or f64" : "ask for the price alone, or move them away from it");
    }
  }
  return ASSAY_OK;
}

uint64_t assay_mc_batch_paths(const assay_mc_params *o, uint64_t used) {
  uint64_t left = o->paths - used, size = left;
  if (o->target_error > 0) size = used == 0 ? batch_first : used;
  if (size > batch_most) size = batch_most;
  return size < left ? size : left;
}

/* The parameters of a call, checked and in units of the job's own, which can be simulated then. */
static assay_status begin(assay_mc_job *job, assay_error *err, assay_mc_units *units) {
  double target = job->option.target_error;
  assay_mc_defaults(&job->option);
  assay_status status = assay_mc_check(&job->option, err);
  if (status != ASSAY_OK) return status;
  assay_mc_units_take(&job->option, units);
  status = assay_mc_job_init(job, err);
  if (status != ASSAY_OK) return status;
  status = check_target(job, target, units, err);
  if (status != ASSAY_OK) assay_mc_job_deinit(job);
  return status;
}

/* Such an option's Greeks are not from the sums of the price's paths. */
static bool has_own_greeks(const assay_mc_params *o) { return o->payoff == ASSAY_MC_AMERICAN && o->model == ASSAY_MC_GBM; }

static void choose_forms(assay_mc_job *job) {
  job->total = !job->option.greeks || has_own_greeks(&job->option); /* the price's error comes from squares */
  job->forms.used = !job->total ? ASSAY_MC_FORMS : ASSAY_MC_FORM_PRICE + 1;
}

/* What has been simulated, and what it says. */
typedef struct progress {
  assay_mc_tally tally;
  estimate found;
  uint64_t paths;
  bool reached; /* the target error */
  assay_quant_where where;
} progress;

/* Batch after batch, until all paths are used or the target error is reached. */
static assay_status simulate(const assay_mc_job *job, assay_error *err, progress *p) {
  const assay_mc_params *o = &job->option;
  for (uint64_t batch = 0; p->paths < o->paths && !p->reached; batch++) {
    uint64_t samples = (assay_mc_batch_paths(o, p->paths) + job->paths_per_sample - 1) / job->paths_per_sample;
    assay_status status = add_batch(job, batch, samples, err, &p->tally, &p->where);
    if (status != ASSAY_OK) return status;
    p->paths =
        (uint64_t)p->tally.samples * job->paths_per_sample; /* replicates of Sobol points are of one size, so they may be a few more */
    p->found = estimate_price(job, &p->tally);
    p->reached = o->target_error > 0 && p->found.error <= o->target_error;
  }
  return ASSAY_OK;
}

static assay_status find_greeks(assay_mc_job *job, assay_error *err, progress *p, assay_mc_result *out) {
  const assay_mc_tally *tally = &p->tally;
  out->greeks = (assay_mc_greeks){greek(job, tally, ASSAY_MC_FORM_DELTA), greek(job, tally, ASSAY_MC_FORM_GAMMA),
                                  greek(job, tally, ASSAY_MC_FORM_VEGA), greek(job, tally, ASSAY_MC_FORM_THETA),
                                  greek(job, tally, ASSAY_MC_FORM_RHO)};
  out->greeks_paths = job->option.greeks ? p->paths : 0;
  if (!job->option.greeks || !has_own_greeks(&job->option) || job->exercised) return ASSAY_OK;
  return assay_mc_martingale_greeks(job, p->paths, err, &out->greeks, &out->greeks_paths, &p->where);
}

static void write_estimate(const assay_mc_job *job, const progress *p, const assay_mc_units *units, assay_mc_result *out) {
  const assay_mc_params *o = &job->option;
  const estimate *e = &p->found;
  bool replicates = o->sampling == ASSAY_MC_SOBOL;
  double reach = assay_stats_t_quantile(0.5 + o->level / 2, replicates ? p->tally.groups - 1 : INFINITY) * e->error;
  out->price = e->price;
  out->standard_error = e->error;
  out->low = fmin(fmax(e->price - reach, 0), e->price); /* nobody pays to be rid of an option */
  out->high = e->price + reach;
  out->level = o->level;
  out->correlation = (assay_mc_greek){NAN, NAN, ASSAY_MC_NO_METHOD};
  out->exercise_loss = job->exercise_loss;
  out->control_coefficient = job->control_is_money ? e->coefficient : ldexp(e->coefficient, units->price);
  out->variance_ratio = e->ratio;
  out->reached = p->reached || o->target_error == 0;
  out->paths = p->paths;
  out->steps = o->steps;
  out->replicates = replicates ? (uint32_t)p->tally.groups : 0;
}

/* All numbers of a result, in the job's own units. */
static assay_status find_result(assay_mc_job *job, const assay_mc_units *units, assay_error *err, progress *p, assay_mc_result *out) {
  const assay_mc_params *o = &job->option;
  *out = (assay_mc_result){.upper_bound = NAN, .upper_bound_error = NAN};
  assay_status status = simulate(job, err, p);
  if (status == ASSAY_OK) status = find_greeks(job, err, p, out);
  if (status == ASSAY_OK && o->upper_bound) status = assay_mc_upper_bound(job, err, &out->upper_bound, &out->upper_bound_error, &p->where);
  if (status != ASSAY_OK) return status;
  write_estimate(job, p, units, out);
  at_least_exercised(o, out);
  if (job->exercised) exercised_now(o, out);
  if (o->payoff == ASSAY_MC_BASKET) assay_mc_basket_result(job, &p->tally, out);
  return ASSAY_OK;
}

assay_status assay_mc_price(const assay_mc_params *params, assay_error *err, assay_mc_result *result) {
  ASSAY_FLOAT_USUAL;
  uint64_t start = assay_os_now_ns();
  if (params == NULL || result == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_mc_price needs %s (NULL)", params == NULL ? "parameters" : "a place for its result");
  assay_mc_job job = {.option = *params};
  assay_mc_units units;
  assay_status status = begin(&job, err, &units);
  if (status != ASSAY_OK) return status;
  choose_forms(&job);
  progress p = {.where = job.where};
  assay_mc_result out;
  status = find_result(&job, &units, err, &p, &out);
  assay_mc_job_deinit(&job);
  if (status != ASSAY_OK) return status;
  assay_mc_units_give(&units, &out);
  status = check_result(&out, params->greeks, params->upper_bound, err);
  if (status != ASSAY_OK) return status;
  memcpy(out.device, p.where.device, sizeof out.device);
  memcpy(out.isa, p.where.isa, sizeof out.isa);
  memcpy(out.reason, p.where.reason, sizeof out.reason);
  out.seconds = (double)(assay_os_now_ns() - start) * 1e-9;
  *result = out;
  return ASSAY_OK;
}
