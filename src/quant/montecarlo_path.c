/* SPDX-License-Identifier: MIT */
/* Options on paths of one underlying: from parameters to kernels. */
#include <math.h>

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
 * All of GBM's paths are a function of the spot, the mean and the deviation of the last logarithm, so rho, vega and theta are linear in
 * the derivatives by these.
 */
static void gbm_forms(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  double discount = job->discount, root = sqrt(o->time);
  double(*of)[MC_GREEKS_SUMS] = job->forms.of;
  of[ASSAY_MC_FORM_PRICE][MC_SUM_PAYOFF] = discount;
  of[ASSAY_MC_FORM_DELTA][MC_SUM_DELTA] = discount / o->spot;
  of[ASSAY_MC_FORM_GAMMA][MC_SUM_GAMMA] = discount / (o->spot * o->spot);
  of[ASSAY_MC_FORM_VEGA][MC_SUM_MEAN] = -discount * o->volatility * o->time;
  of[ASSAY_MC_FORM_VEGA][MC_SUM_DEVIATION] = discount * root;
  of[ASSAY_MC_FORM_THETA][MC_SUM_PAYOFF] = o->rate * discount;
  of[ASSAY_MC_FORM_THETA][MC_SUM_MEAN] = -discount * (o->rate - o->dividend - o->volatility * o->volatility / 2);
  of[ASSAY_MC_FORM_THETA][MC_SUM_DEVIATION] = -discount * o->volatility / (2 * root);
  of[ASSAY_MC_FORM_RHO][MC_SUM_PAYOFF] = -o->time * discount;
  of[ASSAY_MC_FORM_RHO][MC_SUM_MEAN] = o->time * discount;
  for (int f = ASSAY_MC_FORM_DELTA; f < ASSAY_MC_FORMS; f++) job->forms.method[f] = ASSAY_MC_PATHWISE;
  job->forms.method[ASSAY_MC_FORM_GAMMA] = ASSAY_MC_MIXED;
}

static void gbm(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  double dt = o->time / o->steps;
  p->mean = (o->rate - o->dividend - o->volatility * o->volatility / 2) * o->time;
  p->deviation = o->volatility * sqrt(o->time);
  p->drift = p->mean / o->steps / ln2;
  p->width = o->volatility * sqrt(dt) / ln2;
  p->bridge = 2 / (p->width * p->width * ln2);
}

/* Mean and deviation of the logarithm of the geometric average (Kemna and Vorst 1990, for averages at the end of each step). */
static double geometric_mean_payoff(const assay_mc_job *job) {
  double n = job->option.steps, mean = job->params.mean * (n + 1) / (2 * n);
  double deviation = job->params.deviation * sqrt((n + 1) * (2 * n + 1) / (6 * n * n));
  return assay_mc_lognormal_mean(job->params.scale, job->params.shift, mean, deviation);
}

static double mean_of_end(const assay_mc_job *job) { return exp((job->option.rate - job->option.dividend) * job->option.time); }

void assay_mc_path_job(assay_mc_job *job) {
  const assay_mc_params *o = &job->option;
  mc_path_params *p = &job->params;
  p->steps = o->steps;
  p->antithetic = o->antithetic;
  p->scale = o->put ? -o->spot : o->spot;
  p->shift = o->put ? o->strike : -o->strike;
  p->payout = o->payout;
  p->barrier = log2(o->barrier / o->spot);
  job->simulate = assay_mc_path_simulate;
  gbm(job);
  gbm_forms(job);
  switch (o->payoff) {
    case ASSAY_MC_EUROPEAN: /* the geometric average of one date */
      job->kernel = "mc_asian";
      p->kind = MC_ASIAN_GEOMETRIC;
      job->control_mean = mean_of_end(job);
      break;
    case ASSAY_MC_ASIAN_ARITHMETIC:
      job->kernel = "mc_asian";
      p->kind = MC_ASIAN_ARITHMETIC;
      job->control_mean = geometric_mean_payoff(job);
      break;
    case ASSAY_MC_ASIAN_GEOMETRIC:
      job->kernel = "mc_asian";
      p->kind = MC_ASIAN_GEOMETRIC;
      job->control_mean = mean_of_end(job);
      break;
    default: break;
  }
}

random_key assay_mc_key(uint64_t seed, uint64_t batch) {
  /* Batches are far apart: the increment of a Weyl sequence, as SplitMix64 has it. */
  uint64_t key = seed + batch * 0x9E3779B97F4A7C15u;
  return random_key_make((u32)key, (u32)(key >> 32));
}

void assay_mc_grid(uint64_t samples, uint64_t size, uint32_t steps, u32 *groups, u32 *draws) {
  /* One draw an item until there is enough to fill a large GPU many times over; then longer groups, so that what is read back stays small.
   * Of the number of samples alone, so that the order of sums is the same on every device. */
  uint64_t blocks = (samples + size - 1) / size, most = steps >= 16 ? 16384u : 2048 + blocks / 64;
  if (most > 131072) most = 131072;
  *draws = (u32)((blocks + most - 1) / most);
  *groups = (u32)((blocks + *draws - 1) / *draws);
}

typedef struct path_work {
  char kernel[40];
  unsigned bits;
  mc_path_params params;
  size_t sums;
  double *out;
} path_work;

static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
  const path_work *w = context;
  assay_quant_buffer *sums;
  assay_status status = assay_quant_out(session, w->out, w->params.groups * w->sums * sizeof *w->out, "sums of paths", err, &sums);
  if (status != ASSAY_OK) return status;
  assay_quant_buffer *buffers[] = {sums, sums}; /* nothing is given, so the second is not read */
  status = assay_quant_launch(session, w->kernel, w->bits, w->params.groups, &w->params, sizeof w->params, buffers, 2, err);
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

assay_status assay_mc_path_simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_tally *tally,
                                    assay_quant_where *where) {
  path_work w = {.bits = job->option.precision == ASSAY_MC_F32 ? 32 : 64,
                 .sums = job->option.greeks ? MC_GREEKS_SUMS : MC_PRICE_SUMS,
                 .params = job->params};
  assay_snprintf(w.kernel, sizeof w.kernel, "%s%s", job->kernel, job->option.greeks ? "_greeks" : "");
  w.params.samples = samples;
  w.params.key = assay_mc_key(job->option.seed, batch);
  assay_mc_grid(samples, ASSAY_MC_GROUP, job->option.steps, &w.params.groups, &w.params.draws);
  w.out = assay_calloc(ASSAY_TAG_QUANT, w.params.groups * w.sums, sizeof *w.out);
  if (w.out == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the sums of %u groups of paths", w.params.groups);
  assay_status status = assay_quant_run(job->option.device, work, &w, err, where);
  for (u32 g = 0; status == ASSAY_OK && g < w.params.groups; g++) {
    double sums[MC_GREEKS_SUMS] = {0};
    for (size_t s = 0; s < w.sums; s++) sums[s] = w.out[g * w.sums + s];
    assay_mc_tally_add(tally, &job->forms, sums, assay_mc_group_samples(samples, ASSAY_MC_GROUP, w.params.groups, g));
  }
  assay_free(w.out);
  return status;
}
