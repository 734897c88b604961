/* SPDX-License-Identifier: MIT */
/* What the files of <assay/montecarlo.h> share. */
#ifndef ASSAY_QUANT_MONTECARLO_H
#define ASSAY_QUANT_MONTECARLO_H

#include <assay/montecarlo.h>

#include "kernels/kernel.h"
#include "kernels/types.h"

#include "kernels/montecarlo/path.h"
#include "quant/launch.h"

enum { ASSAY_MC_GROUP = ASSAY_KERNEL_GROUP_SIZE };

/* ---- Sums of paths become numbers (montecarlo_tally.c) ------------------------------------------------------------------------------ */

enum {
  ASSAY_MC_FORM_PRICE,
  ASSAY_MC_FORM_DELTA,
  ASSAY_MC_FORM_GAMMA,
  ASSAY_MC_FORM_VEGA,
  ASSAY_MC_FORM_THETA,
  ASSAY_MC_FORM_RHO,
  ASSAY_MC_FORMS
};

/* Each number is a linear form of the sums of path.h. */
typedef struct assay_mc_forms {
  double of[ASSAY_MC_FORMS][MC_GREEKS_SUMS];
  assay_mc_method method[ASSAY_MC_FORMS];
} assay_mc_forms;

/* Where a sum is of n samples of one group, what the tally keeps is sums over groups. */
typedef struct assay_mc_tally {
  double samples, sums[MC_GREEKS_SUMS];
  double groups, sizes;                                     /* sizes: sum of n^2 */
  double squares[ASSAY_MC_FORMS], products[ASSAY_MC_FORMS]; /* of form^2, of form n */
} assay_mc_tally;

void assay_mc_tally_add(assay_mc_tally *tally, const assay_mc_forms *forms, const double sums[MC_GREEKS_SUMS], double samples);
/* Mean of a form, and its standard error from the spread of the groups. */
double assay_mc_tally_mean(const assay_mc_tally *tally, const assay_mc_forms *forms, int form);
double assay_mc_tally_error(const assay_mc_tally *tally, const assay_mc_forms *forms, int form);

/* How many samples of `total` group g has, of `groups` with `size` samples a draw and item row. */
double assay_mc_group_samples(uint64_t total, uint64_t size, uint64_t groups, uint64_t group);

/* ---- One price (montecarlo.c) ---------------------------------------------------------------------------------------------------- */

typedef struct assay_mc_job assay_mc_job;

/* Simulates `samples` samples of batch `batch` and adds them to the tally. */
typedef assay_status (*assay_mc_simulate)(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err,
                                          assay_mc_tally *tally, assay_quant_where *where);

/* What there is to do, made from checked parameters with defaults filled in. */
struct assay_mc_job {
  assay_mc_params option;
  assay_mc_simulate simulate;
  const char *kernel; /* without "_greeks" */
  mc_path_params params;
  assay_mc_forms forms;
  double discount;     /* e^(-rate time) */
  double control_mean; /* undiscounted expectation of the control; NaN: there is none */
  uint64_t paths_per_sample;
};

/* Fills in what a zero stands for. */
void assay_mc_defaults(assay_mc_params *params);
/* ASSAY_ERR_INVALID, _LIMIT or _UNSUPPORTED with a sentence; of parameters with defaults filled in (montecarlo_check.c). */
assay_status assay_mc_check(const assay_mc_params *params, assay_error *err);

/* Fills the parts of a job that all kernels of paths share: shocks, payoff, forms of pathwise Greeks (montecarlo_path.c). */
void assay_mc_path_job(assay_mc_job *job);
assay_status assay_mc_path_simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_tally *tally,
                                    assay_quant_where *where);
/* European options with nothing special: the fastest kernel (montecarlo_european.c). */
void assay_mc_european_job(assay_mc_job *job);

/* Groups and draws of a launch over `samples` samples, `size` of them in a draw of a group. */
void assay_mc_grid(uint64_t samples, uint64_t size, uint32_t steps, u32 *groups, u32 *draws);
/* The key of a batch: that of the seed for batch 0. */
random_key assay_mc_key(uint64_t seed, uint64_t batch);
/* Expectations of max(scale exp(mean + deviation z) + shift, 0), undiscounted: scale and shift of opposite signs. */
double assay_mc_lognormal_mean(double scale, double shift, double mean, double deviation);

#endif
