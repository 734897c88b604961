/* SPDX-License-Identifier: MIT */
/*
 * What an American option is worth on a lattice in ln S, date by date backwards, and with it what each step's shock z does to that value:
 * the coefficients E(V He_k(z)) / k! of its Hermite polynomials. A sum of them is a martingale whatever the lattice rounds, since the
 * polynomials of a normal number have mean 0; how well it follows the option's value is all that the lattice decides.
 *
 *     assay_mc_lattice lattice = {0};
 *     assay_status status = assay_mc_lattice_init(&lattice, job, true, err);
 *     for (size_t date = steps - 1; status == ASSAY_OK && date-- > 0;) {
 *       assay_mc_lattice_back(&lattice, date);       // now it is about the step from `date` on
 *       double worth = lattice.worth[node];          // of going on
 *     }
 *     assay_mc_lattice_deinit(&lattice);
 *
 * The lattice moves with the drift, and its nodes are quarters of a deviation of a step apart, so that the points of the quadrature are
 * nodes. A path's place on it after some steps is `middle` and four times the sum of its shocks.
 */
#ifndef ASSAY_QUANT_MONTECARLO_LATTICE_H
#define ASSAY_QUANT_MONTECARLO_LATTICE_H

#include "kernels/lattice/lattice.h"
#include "quant/montecarlo.h"

typedef struct assay_mc_lattice {
  const assay_lattice_functions *functions;
  size_t size, first, last, middle; /* nodes; those from `first` up to `last` have been worked out, the rest is extended from them */
  double step, drift, discount, sign, spot, strike;
  assay_lattice_weights weights;
  bool with_sums;
  /* A number a node. `worth`: of going on, at the date; `value`: with the right to exercise; `sum`: what is expected of it. */
  double *memory, *price, *worth, *value, *next, *sum[ASSAY_LATTICE_SUMS], *next_sum[ASSAY_LATTICE_SUMS];
  double *rows;                  /* ASSAY_LATTICE_ROW coefficients a node: in money of the date after */
  double stop_above, stop_below; /* it is exercised at places strictly between; nowhere where these cross */
} assay_mc_lattice;

/* At the last date but one, from where all is known. With the sums over dates, if they are wanted. */
assay_status assay_mc_lattice_init(assay_mc_lattice *lattice, const assay_mc_job *job, bool with_sums, assay_error *err);
void assay_mc_lattice_deinit(assay_mc_lattice *lattice);
/* From the date after `date`, where it was, to `date`. */
void assay_mc_lattice_back(assay_mc_lattice *lattice, size_t date);
/* The step of paths from there on. */
assay_lattice_step assay_mc_lattice_step(const assay_mc_lattice *lattice);

/*
 * The same for all dates at once, for whoever goes over them with many paths. A date's step and its rule stay as they are; `start` is the
 * lattice at date 0. Constant once made, so that threads may share it.
 */
typedef struct assay_mc_lattice_date {
  assay_lattice_step step;
  double stop_above, stop_below;
} assay_mc_lattice_date;

typedef struct assay_mc_lattice_dates {
  assay_mc_lattice start;
  assay_mc_lattice_date *dates; /* of all but the last step */
  double *rows;
} assay_mc_lattice_dates;

assay_status assay_mc_lattice_dates_init(assay_mc_lattice_dates *all, const assay_mc_job *job, bool with_sums, assay_error *err);
void assay_mc_lattice_dates_deinit(assay_mc_lattice_dates *all);

/* In place: binary logarithms of prices over the spot at `date` become the sums of their paths' shocks. */
void assay_mc_lattice_sums(const assay_mc_lattice *lattice, size_t date, size_t count, double *row);
/* Expected of a path with that price at the last date but one, if it goes on. */
assay_lattice_future assay_mc_lattice_last(const assay_mc_lattice *lattice, double price);
/* The price after such shocks. */
double assay_mc_lattice_price(const assay_mc_lattice *lattice, size_t date, double sum);

static inline double assay_mc_lattice_payoff(const assay_mc_lattice *l, double price) {
  double difference = l->sign * (price - l->strike);
  return difference > 0 ? difference : 0;
}

#endif
