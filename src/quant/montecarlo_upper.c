/* SPDX-License-Identifier: MIT */
/*
 * An upper bound for American options (Rogers 2002; Haugh and Kogan 2004): whoever knew the whole path could not get more, on average, than
 * E max over dates (discounted payoff - M), for any martingale M that begins at 0. The better M follows the option's value, the tighter.
 *
 * Andersen and Broadie (2004) find M by simulation within the simulation. Here an increment of M is a sum over k of c_k(t, S) He_k(z), z
 * the shock of the step, which is a martingale whatever the functions c_k are, as Hermite polynomials of a normal number have mean 0 (as in
 * Belomestny, Bender and Schoenmakers 2009, where regression finds the functions). The c_k are those of the option's value itself, E(V
 * He_k) / k!, from a lattice in ln S: that is quick for one asset, and what the lattice rounds makes the bound looser, never wrong.
 */
#include <math.h>

#include "base/alloc.h"
#include "quant/montecarlo_lattice.h"

enum { UPPER_PATHS = 16384 };
/* A batch that no price and no rule of exercise reaches. */
static const uint64_t upper_batch = 1ull << 61;

/* Backwards, as the values come: the most that is had from a date on, less the martingale from there on, in money of that date. */
static void bound_paths(assay_mc_lattice *l, const assay_mc_job *job, double *sums, assay_lattice_future *most) {
  size_t n = UPPER_PATHS, last = job->option.steps - (size_t)1;
  double *after = sums + last * n;
  assay_mc_lattice_sums(l, last, n, after);
  for (size_t i = 0; i < n; i++) {
    double price = assay_mc_lattice_price(l, last, after[i]);
    most[i].worth = fmax(assay_mc_lattice_last(l, price).worth, assay_mc_lattice_payoff(l, price));
  }
  for (size_t date = last; date-- > 0; after -= n) {
    double *before = after - n;
    assay_mc_lattice_sums(l, date, n, before);
    assay_mc_lattice_back(l, date);
    assay_lattice_step step = assay_mc_lattice_step(l);
    l->functions->back_alone(&step, n, 1, before, after, most);
    for (size_t i = 0; i < n; i++)
      most[i].worth = fmax(most[i].worth, assay_mc_lattice_payoff(l, assay_mc_lattice_price(l, date, before[i])));
  }
}

assay_status assay_mc_upper_bound(const assay_mc_job *job, assay_error *err, double *bound, double *error, assay_quant_where *where) {
  size_t rows = job->option.steps + (size_t)1;
  double *paths = assay_alloc(ASSAY_TAG_QUANT, rows * UPPER_PATHS * sizeof *paths);
  assay_lattice_future *most = assay_calloc(ASSAY_TAG_QUANT, UPPER_PATHS, sizeof *most);
  assay_mc_lattice l = {0};
  assay_status status = ASSAY_OK;
  if (paths == NULL || most == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %d paths of %u steps", UPPER_PATHS, job->option.steps);
  if (status == ASSAY_OK) status = assay_mc_lattice_init(&l, job, false, err);
  if (status == ASSAY_OK) status = assay_mc_store_paths(job, upper_batch, 0, UPPER_PATHS, MC_PATHS_LOGARITHMS, err, paths, where);
  if (status == ASSAY_OK) {
    double sum = 0, squares = 0, n = UPPER_PATHS;
    bound_paths(&l, job, paths, most);
    for (size_t i = 0; i < UPPER_PATHS; i++) sum += most[i].worth;
    for (size_t i = 0; i < UPPER_PATHS; i++) squares += (most[i].worth - sum / n) * (most[i].worth - sum / n);
    *bound = sum / n;
    *error = sqrt(squares / (n - 1) / n);
  }
  assay_mc_lattice_deinit(&l);
  assay_free(paths);
  assay_free(most);
  return status;
}
