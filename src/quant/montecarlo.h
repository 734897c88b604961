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
#define ASSAY_MC_MOST_SOBOL_PATHS ((uint64_t)1 << 32)

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

/* The sums of path.h, and behind them what the Greeks by the same numbers are, summed over a group's samples. */
enum { ASSAY_MC_SUM_SAME = MC_WALK_GREEKS_SUMS, ASSAY_MC_SUMS = ASSAY_MC_SUM_SAME + ASSAY_MC_FORMS };

/* Each number is a linear form of the sums. */
typedef struct assay_mc_forms {
  double of[ASSAY_MC_FORMS][ASSAY_MC_SUMS];
  assay_mc_method method[ASSAY_MC_FORMS];
  int used; /* the first so many; Greeks that nobody asked for would cost a microsecond every twenty groups */
} assay_mc_forms;

/* What a basket's groups have besides: delta, gamma and vega of each asset, in money, and the derivative by the correlations. */
enum { ASSAY_MC_ASSET_DELTA, ASSAY_MC_ASSET_GAMMA, ASSAY_MC_ASSET_VEGA, ASSAY_MC_ASSET_FORMS };
enum { ASSAY_MC_MOST_EXTRAS = ASSAY_MC_ASSET_FORMS * ASSAY_MC_MAX_ASSETS + 1 };

/* Of a number that is added up group by group: its sum; and of what it is over the mean of the first group, the sums of its square and of
 * it times the group's samples. Groups that hardly differ would have nothing left of squares of the numbers themselves. */
typedef struct assay_mc_spread {
  double sum, first, square, product;
} assay_mc_spread;

/* Where a sum is of n samples of one group, what the tally keeps is sums over groups. */
typedef struct assay_mc_tally {
  double samples, sums[ASSAY_MC_SUMS];
  double groups, sizes; /* sizes: sum of n^2 */
  assay_mc_spread forms[ASSAY_MC_FORMS], extras[ASSAY_MC_MOST_EXTRAS];
} assay_mc_tally;

void assay_mc_tally_add(assay_mc_tally *tally, const assay_mc_forms *forms, const double sums[ASSAY_MC_SUMS], double samples);
/* Mean of a form, and its standard error from the spread of the groups. */
double assay_mc_tally_mean(const assay_mc_tally *tally, const assay_mc_forms *forms, int form);
double assay_mc_tally_error(const assay_mc_tally *tally, const assay_mc_forms *forms, int form);
void assay_mc_tally_add_extras(assay_mc_tally *tally, const double *extras, size_t count, double samples);
/* Of extra number `extra`. */
assay_mc_greek assay_mc_tally_extra(const assay_mc_tally *tally, size_t extra, assay_mc_method method);

/* How many samples of `total` group g has, of `groups` with `size` samples a draw and item row. */
double assay_mc_group_samples(uint64_t total, uint64_t size, uint64_t groups, uint64_t group);

/* ---- Units (montecarlo_units.c) ------------------------------------------------------------------------------------------------------ */

/* Powers of two that prices, and the spot, are divided by. */
typedef struct assay_mc_units {
  int price, spot;
  double spots[ASSAY_MC_MAX_ASSETS];
} assay_mc_units;
/* Changes checked parameters, which then borrow from `units`; and a result back. */
void assay_mc_units_take(assay_mc_params *params, assay_mc_units *units);
void assay_mc_units_give(const assay_mc_units *units, assay_mc_result *result);
/* Of a basket, the largest weight times spot. */
double assay_mc_largest_amount(const assay_mc_params *params);

/* ---- One price (montecarlo.c) ---------------------------------------------------------------------------------------------------- */

typedef struct assay_mc_job assay_mc_job;

/* What a simulation found: for each group its samples and sums. Zeroed, it is empty. */
typedef struct assay_mc_groups {
  size_t count;
  double *samples, (*sums)[ASSAY_MC_SUMS];
  size_t extra_count; /* of each group */
  double *extras;
} assay_mc_groups;
assay_status assay_mc_groups_init(assay_mc_groups *groups, size_t count, assay_error *err);
/* One group of all: where nobody asks how much groups differ. `sums` are n a group, the first of path.h. */
assay_status assay_mc_groups_total(assay_mc_groups *groups, const double *sums, size_t n, size_t count, double samples, assay_error *err);
void assay_mc_groups_deinit(assay_mc_groups *groups);

/* Simulates `samples` samples of batch `batch`; `groups` is made by it, on success. */
typedef assay_status (*assay_mc_simulate)(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err,
                                          assay_mc_groups *groups, assay_quant_where *where);

/* assay_quant_run for one of several pieces of work: `where`, zeroed at first, keeps what a device failed at. */
assay_status assay_mc_run(const assay_mc_job *job, assay_quant_work work, void *context, assay_error *err, assay_quant_where *where);

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
  assay_quant_where where;                /* what found the rule of exercise */
  struct assay_mc_lattice_dates *lattice; /* of an American option with a control, with the sums where Greeks are wanted. Owned */
  void *given;                            /* a second buffer for the kernel; NULL: it reads none. Owned */
  size_t given_bytes;
  double exercise_loss;  /* what chance makes a regressed rule of exercise miss; NaN: there is none */
  bool scores;           /* a basket's correlations have an inverse */
  bool bare;             /* of mc_average: its kernel takes no second buffer and sums the payoff alone */
  bool prices;           /* the Greeks are all differences of prices: the kernel has none */
  bool total;            /* one group of all will do */
  bool exercised;        /* an American option is best exercised at once */
  bool only_paths;       /* nothing is priced: an American option needs no rule of exercise */
  bool control_is_money; /* the control has the unit of what is paid; else it is the underlying over the spot */
};

/* Frees what a job owns. */
void assay_mc_job_deinit(assay_mc_job *job);

/* Fills in what a zero stands for. */
void assay_mc_defaults(assay_mc_params *params);
/* ASSAY_ERR_INVALID, _LIMIT or _UNSUPPORTED with a sentence; of parameters with defaults filled in (montecarlo_check.c). */
assay_status assay_mc_check(const assay_mc_params *params, assay_error *err);
/* The least deviation of the logarithm at the end that a precision can simulate. */
double assay_mc_least_deviation(const assay_mc_params *params);
/* What rounding costs under Heston's model, as a share of the spot. */
double assay_mc_heston_rounding(const assay_mc_params *params);

/* A job from checked parameters in job->option; ASSAY_ERR_UNSUPPORTED where there are no formulas. */
assay_status assay_mc_job_init(assay_mc_job *job, assay_error *err);
/* Options on paths of one underlying (montecarlo_path.c). */
assay_status assay_mc_path_job(assay_mc_job *job, assay_error *err);
assay_status assay_mc_path_simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                    assay_quant_where *where);
/* Adds the Greeks that are differences of prices from the same random numbers (montecarlo_same.c). */
assay_status assay_mc_same_numbers(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                   assay_quant_where *where);
/* American options; finds the rule of exercise (montecarlo_american.c). The job is one of paths already. */
assay_status assay_mc_american_job(assay_mc_job *job, assay_error *err);
/* What such an option is worth to one who goes on now, by a lattice, if that is less than exercise pays: then it is exercised; and the
 * price of one that is not, with the lattice's martingale for a control (montecarlo_martingale.c). */
assay_status assay_mc_martingale_job(assay_mc_job *job, assay_error *err);
void assay_mc_martingale_forget(assay_mc_job *job);
/* Its Greeks, from `paths` paths of the `used` ones. */
assay_status assay_mc_martingale_greeks(const assay_mc_job *job, uint64_t used, assay_error *err, assay_mc_greeks *greeks, uint64_t *paths,
                                        assay_quant_where *where);
/* An upper bound of such a price, and its standard error (montecarlo_upper.c). */
assay_status assay_mc_upper_bound(const assay_mc_job *job, assay_error *err, double *bound, double *error, assay_quant_where *where);
assay_status assay_mc_basket_job(assay_mc_job *job, assay_error *err);
/* Greeks by asset, and by the correlations, of a basket's job. */
size_t assay_mc_basket_extras(const assay_mc_job *job);
/* The sums of a group from its kernel, as those of path.h and as the extras. */
void assay_mc_basket_sums(const assay_mc_job *job, const double *in, double out[ASSAY_MC_SUMS], double *extras);
void assay_mc_basket_result(const assay_mc_job *job, const assay_mc_tally *tally, assay_mc_result *result);
assay_status assay_mc_check_basket(const assay_mc_params *params, assay_error *err);
/* Makes a job one of Sobol points (montecarlo_sobol.c). */
assay_status assay_mc_sobol_job(assay_mc_job *job, assay_error *err);
/* Direction numbers of the first coordinates (at most twice ASSAY_MC_MAX_SOBOL_STEPS), what they would be of a later one with each draw
 * of its initial numbers (tools/sobol_draws.c), and a scrambled word of a point. */
void assay_mc_sobol_directions(size_t coordinates, uint32_t (*v)[32]);
void assay_mc_sobol_draws(uint32_t coordinate, uint32_t count, uint32_t (*v)[32]);
uint32_t assay_mc_sobol_word(const uint32_t v[32], uint32_t index, uint32_t seed);
/* Sums that a group of a job's kernel gives: the first ones of path.h. */
size_t assay_mc_kernel_sums(const assay_mc_job *job);
/* One launch of a job's kernel over params->groups groups: its sums into `out`. `given` NULL: the job's own. */
assay_status assay_mc_path_run(const assay_mc_job *job, const mc_path_params *params, const void *given, size_t given_bytes,
                               assay_error *err, double *out, assay_quant_where *where);
/* Says that a Greek is found by differences. */
void assay_mc_by_same_numbers(assay_mc_job *job, int form);
/* `count` samples of a batch from sample `first` on (multiples of a group), in double precision without mirror images, as assay_mc_paths
 * has them, or their binary logarithms over the spot (montecarlo_paths.c). */
assay_status assay_mc_store_paths(const assay_mc_job *job, uint64_t batch, uint64_t first, uint64_t count, u32 what, assay_error *err,
                                  double *values, assay_quant_where *where);
/* European options with nothing special: the fastest kernel (montecarlo_european.c). */
void assay_mc_european_job(assay_mc_job *job);

/* Paths of the batch that comes after `used` paths. */
uint64_t assay_mc_batch_paths(const assay_mc_params *params, uint64_t used);
/* Groups and draws of a launch over `samples` samples, `size` of them in a draw of a group. */
void assay_mc_grid(uint64_t samples, uint64_t size, uint32_t steps, u32 *groups, u32 *draws);
/* The key of a batch: that of the seed for batch 0. */
random_key assay_mc_key(uint64_t seed, uint64_t batch);
/* Expectations of max(scale exp(mean + deviation z) + shift, 0), undiscounted: scale and shift of opposite signs. */
double assay_mc_lognormal_mean(double scale, double shift, double mean, double deviation);

#endif
