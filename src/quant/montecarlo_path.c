/* SPDX-License-Identifier: MIT */
/* Options on paths of one underlying: from parameters to kernels. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "quant/montecarlo.h"

static const double ln2 = 0.693147180559945309417;

double assay_mc_lognormal_mean(double scale, double shift, double mean, double deviation) {
  /* max(a X - b, 0) with sign: Black's formula on the forward. */
  double sign = scale > 0 ? 1 : -1, forward = fabs(scale) * exp(mean + deviation * deviation / 2), strike = fabs(shift);
  double d1 = log(forward / strike) / deviation + deviation / 2, d2 = d1 - deviation;
  return sign * (forward * 0.5 * erfc(-sign * d1 * M_SQRT1_2) - strike * 0.5 * erfc(-sign * d2 * M_SQRT1_2));
}

/*
 * A path of GBM is a function of the spot, the mean and the deviation of its last logarithm, so rho, vega and theta are linear in the
 * derivatives by these. Merton's too but for the number of jumps, which depends on time (TIME); Heston's mean moves with the rate alone.
 */
static void forms(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  double discount = job->discount, root = sqrt(o->time);
  double(*of)[ASSAY_MC_SUMS] = job->forms.of;
  of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = discount;
  of[ASSAY_MC_FORM_DELTA][MC_SUM_DELTA] = discount / o->spot;
  of[ASSAY_MC_FORM_GAMMA][MC_SUM_GAMMA] = discount / (o->spot * o->spot);
  of[ASSAY_MC_FORM_VEGA][MC_SUM_MEAN] = -discount * o->volatility * o->time;
  of[ASSAY_MC_FORM_VEGA][MC_SUM_DEVIATION] = discount * root;
  of[ASSAY_MC_FORM_THETA][MC_SUM_PAYOFF] = o->rate * discount;
  of[ASSAY_MC_FORM_THETA][MC_SUM_MEAN] = -discount * job->params.mean / o->time;
  of[ASSAY_MC_FORM_THETA][MC_SUM_TIME] = -discount;
  of[ASSAY_MC_FORM_THETA][MC_SUM_DEVIATION] = -discount * o->volatility / (2 * root);
  of[ASSAY_MC_FORM_RHO][MC_SUM_PAYOFF] = -o->time * discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_MEAN] = o->time * discount;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) job->forms.method[f] = ASSAY_MC_PATHWISE;
  job->forms.method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_MIXED;
  if (o->model == ASSAY_MC_MERTON) job->forms.method[ASSAY_MC_FORM_THETA] = ASSAY_MC_MIXED;
  if (o->model != ASSAY_MC_HESTON) return;
  /* DEVIATION is by today's variance there, and what time does besides moving the mean is all in TIME. */
  of[ASSAY_MC_FORM_VEGA][MC_SUM_MEAN] = of[ASSAY_MC_FORM_THETA][MC_SUM_DEVIATION] = 0;
  of[ASSAY_MC_FORM_VEGA][MC_SUM_DEVIATION] = discount * 2 * sqrt(o->variance);
}

void assay_mc_by_same_numbers(assay_mc_job *job, int form) {
  for (int s = 0; s < ASSAY_MC_SUMS; s++) job->forms.of[form][s] = s == ASSAY_MC_SUM_SAME + form;
  job->forms.method[form] = ASSAY_MC_SAME_NUMBERS;
}

/* ---- Models ------------------------------------------------------------------------------------------------------------------------ */

static void gbm(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  p->mean = (o->rate - o->dividend - o->volatility * o->volatility / 2) * o->time;
  p->deviation = o->volatility * sqrt(o->time);
  p->root_steps = sqrt(o->steps);
  p->drift = p->mean / o->steps / ln2;
  p->width = p->deviation / p->root_steps / ln2;
  p->bridge = 2 / (p->width * p->width * ln2);
}

static void merton(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  gbm(job);
  p->walk_model = MC_WALK_MERTON;
  p->mean -= o->jump_rate * o->time * expm1(o->jump_mean + o->jump_volatility * o->jump_volatility / 2);
  p->drift = p->mean / o->steps / ln2;
  double each = o->jump_rate * o->time / o->steps, term = exp(-each), sum = term;
  p->model[0] = each;
  p->model[1] = term;
  p->model[2] = o->jump_mean / ln2;
  p->model[3] = o->jump_volatility / ln2;
  p->model[4] = o->jump_rate;
  p->model[5] = 1 / o->time;
  /* As many jumps as a uniform number of 32 bits can ask for. */
  for (p->jumps = 0; 1 - sum > 0x1p-34 && p->jumps < 200; sum += term) term *= each / ++p->jumps;
}

static void heston(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  double dt = o->time / o->steps, kappa = o->reversion, theta = o->long_variance, xi = o->variance_volatility, rho = o->correlation;
  double e = exp(-kappa * dt), common = kappa * rho / xi - 0.5;
  p->walk_model = MC_WALK_HESTON;
  p->mean = (o->rate - o->dividend) * o->time;
  p->deviation = 1; /* not a constant here: no form reads what is divided by it */
  p->drift = p->mean / o->steps / ln2;
  p->model[0] = o->variance;
  p->model[1] = e;
  p->model[2] = xi * xi * e * (1 - e) / kappa;
  p->model[3] = theta * xi * xi * (1 - e) * (1 - e) / (2 * kappa);
  p->model[4] = dt / 2 * common - rho / xi;
  p->model[5] = dt / 2 * common + rho / xi;
  p->model[6] = dt / 2 * (1 - rho * rho);
  p->model[7] = theta * (1 - e);
  p->uncorrected = -rho * kappa * theta * dt / xi;
  /* The derivatives of all these by the time, of which a step has its share. */
  double share = 1.0 / o->steps, de = -kappa * e * share, squared = xi * xi / kappa;
  p->by_dt[0] = de;
  p->by_dt[1] = -theta * de;
  p->by_dt[2] = squared * de * (1 - 2 * e);
  p->by_dt[3] = -theta * squared * (1 - e) * de;
  p->by_dt[4] = (common / 2 + (1 - rho * rho) / 4) * share;
  p->by_dt[5] = common / 2 * share;
  p->by_dt[6] = (1 - rho * rho) / 2 * share;
  p->by_dt[7] = -rho * kappa * theta / xi * share;
}

/* ---- Payoffs ----------------------------------------------------------------------------------------------------------------------- */

/* Mean of what is paid on the geometric average, whose logarithm is normal (Kemna and Vorst 1990, for prices at the end of each step). */
static double geometric_mean_payoff(const assay_mc_job *job) {
  double n = job->option.steps, mean = job->params.mean * (n + 1) / (2 * n);
  double deviation = job->params.deviation * sqrt((n + 1) * (2 * n + 1) / (6 * n * n));
  return assay_mc_lognormal_mean(job->params.scale, job->params.shift, mean, deviation);
}

static double mean_of_end(const assay_mc_job *job) { return exp((job->option.rate - job->option.dividend) * job->option.time); }

/*
 * The factor of a step as a polynomial in its shock (kernels/montecarlo/average.c), if what that leaves out of a path is small: its mean is
 * 0, and here its deviation is below 4e-6 of the price (f64: 1e-12), which is nothing beside how far paths are apart.
 */
static bool factor_of_step(const assay_mc_params *o, mc_path_params *p) {
  bool single = o->precision == ASSAY_MC_F32;
  int degree = single ? MC_AVERAGE_DEGREE_F32 : MC_AVERAGE_DEGREE_F64;
  double m = p->drift * ln2, w = p->width * ln2, scale = exp(m + w * w / 2), power = scale; /* scale w^k / k! */
  double he[MC_AVERAGE_DEGREE_F64 + 2] = {1}, before[MC_AVERAGE_DEGREE_F64 + 2] = {0}, c[MC_AVERAGE_DEGREE_F64 + 1] = {0};
  for (int k = 0; k <= degree; k++) {
    for (int i = 0; i <= k; i++) c[i] += power * he[i];
    double next[MC_AVERAGE_DEGREE_F64 + 2] = {0}; /* He_k+1 = z He_k - k He_k-1 */
    for (int i = 0; i <= k; i++) next[i + 1] = he[i];
    for (int i = 0; i < k; i++) next[i] -= k * before[i];
    memcpy(before, he, sizeof before);
    memcpy(he, next, sizeof he);
    power *= w / (k + 1);
  }
  double left_out = power * sqrt(tgamma(degree + 2) * o->steps) / scale; /* w^(d+1) / sqrt((d+1)!), steps times */
  if (left_out > (single ? 4e-6 : 1e-12)) return false;
  /* The first coefficient's rounding would add up over the steps; the third takes it, as z^2 has the expectation 1. */
  if (single) c[2] += c[0] - (float)c[0];
  memcpy(p->model, c, sizeof c);
  return true;
}

static void european_or_asian(assay_mc_job *job) {
  mc_path_params *p = &job->params;
  job->kernel = "mc_asian";
  /* A European is paid on the geometric average of one price. */
  p->kind = job->option.payoff == ASSAY_MC_ASIAN_ARITHMETIC ? MC_ASIAN_ARITHMETIC : MC_ASIAN_GEOMETRIC;
  job->control_mean = job->option.payoff == ASSAY_MC_ASIAN_ARITHMETIC ? geometric_mean_payoff(job) : mean_of_end(job);
  job->control_is_money = job->option.payoff == ASSAY_MC_ASIAN_ARITHMETIC;
  const assay_mc_params *o = &job->option;
  bool bare = !o->antithetic && !o->control && !o->greeks && o->sampling == ASSAY_MC_PSEUDO;
  if (bare && o->payoff == ASSAY_MC_ASIAN_ARITHMETIC && factor_of_step(o, p)) {
    job->kernel = "mc_average";
    job->bare = true;
  }
}

static bool is_up(const assay_mc_params *o) { return o->barrier_kind == ASSAY_MC_UP_OUT || o->barrier_kind == ASSAY_MC_UP_IN; }
static bool is_in(const assay_mc_params *o) { return o->barrier_kind == ASSAY_MC_DOWN_IN || o->barrier_kind == ASSAY_MC_UP_IN; }

static void barrier(assay_mc_job *job) {
  mc_path_params *p = &job->params;
  job->kernel = "mc_barrier";
  p->kind = (is_up(&job->option) ? MC_BARRIER_UP : 0) | (is_in(&job->option) ? MC_BARRIER_IN : 0);
  p->barrier = log2(job->option.barrier / job->option.spot);
  job->control_mean = assay_mc_lognormal_mean(p->scale, p->shift, p->mean, p->deviation);
  job->control_is_money = true;
  job->forms.method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_MIXED;
}

/* A fixed call and a floating put are about the maximum. */
static bool of_maximum(const assay_mc_params *o) { return o->put == (o->payoff == ASSAY_MC_LOOKBACK_FLOATING); }

static void lookback(assay_mc_job *job) {
  mc_path_params *p = &job->params;
  bool floating = job->option.payoff == ASSAY_MC_LOOKBACK_FLOATING;
  job->kernel = "mc_lookback";
  p->kind = (of_maximum(&job->option) ? MC_LOOKBACK_MAXIMUM : 0) | (floating ? MC_LOOKBACK_FLOATING : 0);
  p->barrier = floating ? 0 : log2(job->option.strike / job->option.spot);
  job->control_mean = mean_of_end(job);
  if (floating) job->forms.method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_EXACT; /* 0: the price is proportional to the spot */
}

/*
 * What is expected over the end, given variances, is smooth as far as the shocks vary then. They do not when all chance is that of the
 * variance, or when the variance may rest at 0 from the start; shortly before that all of it is noise.
 */
static bool is_conditional(const assay_mc_params *o) {
  if (o->model != ASSAY_MC_HESTON) return true;
  return o->variance > 1e-6 * o->long_variance && 1 - o->correlation * o->correlation >= 0.01;
}

static void without_conditions(assay_mc_job *job) {
  bool jumps = job->option.payoff == ASSAY_MC_DIGITAL || job->option.payoff == ASSAY_MC_BARRIER;
  job->prices = jumps;
  assay_mc_by_same_numbers(job, ASSAY_MC_FORM_GAMMA);
  assay_mc_by_same_numbers(job, ASSAY_MC_FORM_VEGA);
  assay_mc_by_same_numbers(job, ASSAY_MC_FORM_THETA);
  if (jumps) assay_mc_by_same_numbers(job, ASSAY_MC_FORM_DELTA);
  if (jumps) assay_mc_by_same_numbers(job, ASSAY_MC_FORM_RHO);
}

static void set_bump(assay_mc_job *job, double deviation) {
  mc_path_params *p = &job->params;
  double apart = job->option.precision == ASSAY_MC_F32 ? MC_WALK_BUMP_SINGLE : MC_WALK_BUMP;
  p->bump = deviation * fmin(apart, MC_WALK_BUMP_STEP / sqrt(p->steps));
  p->bump_up = expm1(p->bump); /* a rounded e^bump would be the same off for every path, and is divided by the bump's square */
  p->bump_down = expm1(-p->bump);
}

/* What is looked at after steps only, under any model. */
static void walk(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  static const u32 kinds[] = {[ASSAY_MC_EUROPEAN] = MC_WALK_END,
                              [ASSAY_MC_DIGITAL] = MC_WALK_DIGITAL,
                              [ASSAY_MC_ASIAN_ARITHMETIC] = MC_WALK_ARITHMETIC | MC_WALK_AVERAGE,
                              [ASSAY_MC_ASIAN_GEOMETRIC] = MC_WALK_GEOMETRIC,
                              [ASSAY_MC_BARRIER] = MC_WALK_BARRIER,
                              [ASSAY_MC_LOOKBACK_FIXED] = MC_WALK_LOOKBACK,
                              [ASSAY_MC_LOOKBACK_FLOATING] = MC_WALK_LOOKBACK | MC_WALK_FLOATING};
  job->kernel = "mc_walk";
  p->kind = kinds[o->payoff];
  p->level = o->payoff == ASSAY_MC_LOOKBACK_FLOATING ? 0 : log2(o->strike / o->spot);
  set_bump(job, o->model == ASSAY_MC_HESTON ? sqrt((o->variance + o->long_variance) / 2 * o->time) : p->deviation);
  job->control_mean = mean_of_end(job);
  assay_mc_method *method = job->forms.method;
  method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_CONDITIONAL;
  switch (o->payoff) {
    case ASSAY_MC_EUROPEAN:
    case ASSAY_MC_ASIAN_GEOMETRIC: break;
    case ASSAY_MC_DIGITAL:
      for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) {
        method[f] = o->model == ASSAY_MC_GBM ? ASSAY_MC_LIKELIHOOD_RATIO : ASSAY_MC_CONDITIONAL;
      }
      break;
    case ASSAY_MC_ASIAN_ARITHMETIC: method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_MIXED; break;
    case ASSAY_MC_BARRIER:
      p->kind |= (is_up(o) ? MC_WALK_UP : 0) | (is_in(o) ? MC_WALK_IN : 0);
      p->barrier = log2(o->barrier / o->spot);
      job->control_mean = o->model == ASSAY_MC_GBM ? assay_mc_lognormal_mean(p->scale, p->shift, p->mean, p->deviation) : NAN;
      job->control_is_money = true;
      for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) method[f] = ASSAY_MC_CONDITIONAL;
      break;
    default: p->kind |= of_maximum(o) ? MC_WALK_UP : 0; break;
  }
  if (o->model == ASSAY_MC_MERTON) method[ASSAY_MC_FORM_THETA] = ASSAY_MC_MIXED; /* the number of jumps has a likelihood ratio */
  if (!is_conditional(o)) without_conditions(job);
  if (o->payoff == ASSAY_MC_LOOKBACK_FLOATING) {
    for (int s = 0; s < ASSAY_MC_SUMS; s++) job->forms.of[ASSAY_MC_FORM_GAMMA][s] = 0;
    method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_EXACT;
  }
}

assay_status assay_mc_path_job(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  p->steps = o->steps;
  p->antithetic = o->antithetic;
  p->scale = o->put ? -o->spot : o->spot;
  p->shift = o->put ? o->strike : -o->strike;
  if (o->payoff == ASSAY_MC_LOOKBACK_FLOATING) p->shift = 0;
  p->payout = o->payout;
  job->simulate = assay_mc_path_simulate;
  bool gbm_model = o->model == ASSAY_MC_GBM, extremes = o->payoff == ASSAY_MC_LOOKBACK_FIXED || o->payoff == ASSAY_MC_LOOKBACK_FLOATING;
  if (o->model == ASSAY_MC_GBM) gbm(job);
  if (o->model == ASSAY_MC_MERTON) merton(job);
  if (o->model == ASSAY_MC_HESTON) heston(job);
  forms(job);
  if (!gbm_model && (o->payoff == ASSAY_MC_BARRIER || extremes) && o->watch == ASSAY_MC_CONTINUOUS) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "between two steps a bridge is known for geometric Brownian motion only: take ASSAY_MC_AT_STEPS with enough steps");
  }
  if (o->payoff == ASSAY_MC_AMERICAN) return ASSAY_OK; /* goes on in montecarlo_american.c */
  if (gbm_model && o->payoff <= ASSAY_MC_ASIAN_GEOMETRIC && o->payoff != ASSAY_MC_DIGITAL) {
    european_or_asian(job);
  } else if (gbm_model && o->payoff == ASSAY_MC_BARRIER && o->watch == ASSAY_MC_CONTINUOUS) {
    barrier(job);
  } else if (gbm_model && extremes && o->watch == ASSAY_MC_CONTINUOUS) {
    lookback(job);
  } else {
    walk(job);
  }
  if (o->control && isnan(job->control_mean)) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "there is no control variate for barriers under this model: leave `control` out");
  }
  return ASSAY_OK;
}

random_key assay_mc_key(uint64_t seed, uint64_t batch) {
  /* Batches are far apart: the increment of a Weyl sequence, as SplitMix64 has it. */
  uint64_t key = seed + batch * 0x9E3779B97F4A7C15u;
  return random_key_make((u32)key, (u32)(key >> 32));
}

void assay_mc_grid(uint64_t samples, uint64_t size, uint32_t steps, u32 *groups, u32 *draws) {
  /* Of the number of samples alone, so that the order of sums is the same on every device: enough groups to fill a large GPU (132
   * multiprocessors of 8 groups), few enough that adding them up on the host stays small beside making them. */
  uint64_t blocks = (samples + size - 1) / size, most = steps >= 16 ? 16384 : 264 + blocks / 8;
  if (most > 8448 && steps < 16) most = 8448;
  *draws = (u32)((blocks + most - 1) / most);
  *groups = (u32)((blocks + *draws - 1) / *draws);
}

typedef struct path_work {
  char kernel[40];
  unsigned bits;
  mc_path_params params;
  size_t sums;
  bool bare;
  double *out;
  const void *given;
  size_t given_bytes;
} path_work;

static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
  const path_work *w = context;
  assay_quant_buffer *sums;
  assay_status status = assay_quant_out(session, w->out, w->params.groups * w->sums * sizeof *w->out, "sums of paths", err, &sums);
  if (status != ASSAY_OK) return status;
  assay_quant_buffer *buffers[] = {sums, sums}; /* where nothing is given, the second is not read */
  size_t count = w->bare ? 1 : 2;
  if (w->given != NULL) status = assay_quant_in(session, w->given, w->given_bytes, "terms of the option", err, &buffers[1]);
  if (status != ASSAY_OK) return status;
  status = assay_quant_launch(session, w->kernel, w->bits, w->params.groups, &w->params, sizeof w->params, buffers, count, err);
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

size_t assay_mc_kernel_sums(const assay_mc_job *job) {
  if (job->bare) return MC_AVERAGE_SUMS;
  if (!job->option.greeks || job->prices) return MC_PRICE_SUMS;
  if (job->option.payoff == ASSAY_MC_BASKET) return MC_BASKET_ASSETS + MC_BASKET_EACH * (size_t)job->option.assets;
  return strcmp(job->kernel, "mc_walk") == 0 ? MC_WALK_GREEKS_SUMS : MC_GREEKS_SUMS;
}

assay_status assay_mc_path_run(const assay_mc_job *job, const mc_path_params *params, const void *given, size_t given_bytes,
                               assay_error *err, double *out, assay_quant_where *where) {
  bool greeks = job->option.greeks && !job->prices, own = given == NULL;
  path_work w = {.bits = job->option.precision == ASSAY_MC_F32 ? 32 : 64,
                 .sums = assay_mc_kernel_sums(job),
                 .bare = job->bare,
                 .params = *params,
                 .out = out,
                 .given = own ? job->given : given,
                 .given_bytes = own ? job->given_bytes : given_bytes};
  assay_snprintf(w.kernel, sizeof w.kernel, "%s%s", job->kernel, greeks ? "_greeks" : "");
  return assay_mc_run(job, work, &w, err, where);
}

assay_status assay_mc_path_simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                    assay_quant_where *where) {
  mc_path_params params = job->params;
  size_t n = assay_mc_kernel_sums(job);
  params.samples = samples;
  params.key = assay_mc_key(job->option.seed, batch);
  assay_mc_grid(samples, ASSAY_MC_GROUP, job->option.steps, &params.groups, &params.draws);
  double *out = assay_calloc(ASSAY_TAG_QUANT, params.groups * n, sizeof *out);
  if (out == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the sums of %u groups of paths", params.groups);
  assay_status status = assay_mc_path_run(job, &params, NULL, 0, err, out, where);
  if (status == ASSAY_OK && job->total)
    status = assay_mc_groups_total(groups, out, n, params.groups, (double)samples, err);
  else if (status == ASSAY_OK)
    status = assay_mc_groups_init(groups, params.groups, err);
  for (u32 g = 0; status == ASSAY_OK && !job->total && g < params.groups; g++) {
    for (size_t s = 0; s < n; s++) groups->sums[g][s] = out[g * n + s];
    groups->samples[g] = assay_mc_group_samples(samples, ASSAY_MC_GROUP, params.groups, g);
  }
  assay_free(out);
  return status;
}
