/* SPDX-License-Identifier: MIT */
/*
 * Greeks for which a path has no derivative, or none that was worked out: the price again with one parameter moved up and down, from the
 * same random numbers. Groups of paths are compared with themselves, so the standard error is that of the difference.
 */
#include <math.h>

#include "quant/montecarlo.h"

/* The discounted payoffs of the groups when something has moved. */
static assay_status moved_prices(const assay_mc_params *moved, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                 assay_quant_where *where) {
  assay_mc_job other = {.option = *moved};
  other.option.greeks = other.option.control = other.option.exercise_loss = false;
  assay_status status = assay_mc_job_init(&other, err);
  if (status != ASSAY_OK) return status;
  status = other.simulate(&other, batch, samples, err, groups, where);
  double now = moved->put ? moved->strike - moved->spot : moved->spot - moved->strike;
  for (size_t g = 0; status == ASSAY_OK && g < groups->count; g++) {
    groups->sums[g][MC_SUM_PAYOFF] *= other.discount;
    if (other.exercised) groups->sums[g][MC_SUM_PAYOFF] = now * groups->samples[g];
  }
  assay_mc_job_deinit(&other);
  return status;
}

/* Adds factor_up up + factor_middle middle + factor_down down to sum `to` of each group. */
typedef struct difference {
  assay_mc_params up, down;
  int form;
  double factor_up, factor_down, factor_middle;
} difference;

static assay_status add(const assay_mc_job *job, const difference *d, uint64_t batch, uint64_t samples, assay_error *err,
                        assay_mc_groups *groups, assay_quant_where *where) {
  assay_mc_groups up = {0}, down = {0};
  assay_status status = moved_prices(&d->up, batch, samples, err, &up, where);
  if (status == ASSAY_OK) status = moved_prices(&d->down, batch, samples, err, &down, where);
  for (size_t g = 0; status == ASSAY_OK && g < groups->count; g++) {
    groups->sums[g][ASSAY_MC_SUM_SAME + d->form] = d->factor_up * up.sums[g][MC_SUM_PAYOFF] + d->factor_down * down.sums[g][MC_SUM_PAYOFF] +
                                                   d->factor_middle * job->discount * groups->sums[g][MC_SUM_PAYOFF];
  }
  assay_mc_groups_deinit(&up);
  assay_mc_groups_deinit(&down);
  return status;
}

/*
 * What an American option's spot moves by: a fifth of the deviation at the end, as the rule is found anew for each price, so that more of
 * a difference is noise. Jumps count by the chance that there is one: rare ones smooth little.
 */
static double step_of_american(const assay_mc_params *o) {
  double variance = o->volatility * o->volatility;
  if (o->model == ASSAY_MC_HESTON) variance = fmax(o->variance, o->long_variance);
  if (o->model == ASSAY_MC_MERTON) {
    variance -= expm1(-o->jump_rate * o->time) * o->jump_rate * (o->jump_mean * o->jump_mean + o->jump_volatility * o->jump_volatility);
  }
  return fmin(0.2 * sqrt(variance * o->time), 0.1) * o->spot;
}

/*
 * Delta and gamma of an American option: gamma is the difference over h, which leaves a hundredth of it out. Delta's error would be as
 * large and its noise is a fraction of that, so it is taken of half the step as well, and what goes with the step's square cancels
 * (Richardson).
 */
static assay_status add_of_spot(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                assay_quant_where *where) {
  enum { DOWN, HALF_DOWN, HALF_UP, UP, PRICES };
  static const double moves[PRICES] = {-1, -0.5, 0.5, 1};
  assay_mc_groups moved[PRICES] = {0};
  double h = step_of_american(&job->option);
  assay_status status = ASSAY_OK;
  for (int k = 0; status == ASSAY_OK && k < PRICES; k++) {
    assay_mc_params option = job->option;
    option.spot += moves[k] * h;
    status = moved_prices(&option, batch, samples, err, &moved[k], where);
  }
  for (size_t g = 0; status == ASSAY_OK && g < groups->count; g++) {
    double price[PRICES], *sums = groups->sums[g];
    for (int k = 0; k < PRICES; k++) price[k] = moved[k].sums[g][MC_SUM_PAYOFF];
    double whole = (price[UP] - price[DOWN]) / (2 * h), half = (price[HALF_UP] - price[HALF_DOWN]) / h;
    sums[ASSAY_MC_SUM_SAME + ASSAY_MC_FORM_DELTA] = half + (half - whole) / 3;
    sums[ASSAY_MC_SUM_SAME + ASSAY_MC_FORM_GAMMA] = (price[UP] - 2 * job->discount * sums[MC_SUM_PAYOFF] + price[DOWN]) / (h * h);
  }
  for (int k = 0; k < PRICES; k++) assay_mc_groups_deinit(&moved[k]);
  return status;
}

/* A put is worth waiting for when the rate is negative, so rho jumps where the rate changes its sign: no step reaches beyond, but of rates
 * so small that the difference would be noise alone. */
static double step_of_rate(const assay_mc_params *o) {
  double rate = fabs(o->rate);
  return rate == 0 ? 5e-3 : fmin(5e-3, fmax(rate, 1e-4));
}

/*
 * Steps of a hundredth: large enough that payoffs that jump are not all noise, small enough that curvature does not matter much; of an
 * American option five times as much.
 */
static difference difference_of(const assay_mc_params *o, int form) {
  difference d = {.up = *o, .down = *o, .form = form};
  bool american = o->payoff == ASSAY_MC_AMERICAN;
  double h, share = american ? 0.05 : 0.01;
  switch (form) {
    case ASSAY_MC_FORM_DELTA:
    case ASSAY_MC_FORM_GAMMA:
      if (o->payoff == ASSAY_MC_BASKET) { /* all spots by 1 +- h: homogeneous, so as the strike the other way */
        h = 0.01;
        d.up.strike /= 1 + h;
        d.down.strike /= 1 - h;
        d.factor_up = (1 + h) / (h * h);
        d.factor_down = (1 - h) / (h * h);
        d.factor_middle = -2 / (h * h);
        break;
      }
      h = 0.01 * o->spot;
      d.up.spot += h;
      d.down.spot -= h;
      d.factor_up = form == ASSAY_MC_FORM_DELTA ? 1 / (2 * h) : 1 / (h * h);
      d.factor_down = form == ASSAY_MC_FORM_DELTA ? -d.factor_up : d.factor_up;
      d.factor_middle = form == ASSAY_MC_FORM_DELTA ? 0 : -2 * d.factor_up;
      break;
    case ASSAY_MC_FORM_VEGA:
      if (o->model == ASSAY_MC_HESTON) {
        double root = sqrt(o->variance), move = share * fmax(root, 0.05), above = root + move, below = fmax(root - move, 0);
        d.up.variance = above * above;
        d.down.variance = below * below;
        d.factor_up = 1 / (above - below);
      } else {
        h = share * o->volatility;
        d.up.volatility += h;
        d.down.volatility -= h;
        d.factor_up = 1 / (2 * h);
      }
      d.factor_down = -d.factor_up;
      break;
    case ASSAY_MC_FORM_THETA:
      h = share * o->time;
      d.up.time += h;
      d.down.time -= h;
      d.factor_up = -1 / (2 * h);
      d.factor_down = -d.factor_up;
      break;
    default:
      h = american ? step_of_rate(o) : 1e-3;
      d.up.rate += h;
      d.down.rate -= h;
      d.factor_up = 1 / (2 * h);
      d.factor_down = -d.factor_up;
      break;
  }
  return d;
}

assay_status assay_mc_same_numbers(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                   assay_quant_where *where) {
  assay_status status = ASSAY_OK;
  int form = ASSAY_MC_FORM_DELTA;
  if (job->option.payoff == ASSAY_MC_AMERICAN) { /* whose forms have all one method */
    if (job->forms.method[form] == ASSAY_MC_SAME_NUMBERS) status = add_of_spot(job, batch, samples, err, groups, where);
    form = ASSAY_MC_FORM_GAMMA + 1;
  }
  for (; status == ASSAY_OK && form < ASSAY_MC_FORMS; form++) {
    if (job->forms.method[form] != ASSAY_MC_SAME_NUMBERS) continue;
    difference d = difference_of(&job->option, form);
    status = add(job, &d, batch, samples, err, groups, where);
  }
  return status;
}
