/* SPDX-License-Identifier: MIT */
/*
 * An upper bound for American options (Rogers 2002; Haugh and Kogan 2004): whoever knew the whole path could not get more, on average, than
 * E max over dates (discounted payoff - M), for any martingale M that begins at 0. The better M follows the option's value, the tighter.
 *
 * Andersen and Broadie (2004) find M by simulation within the simulation. Here an increment of M is a sum over k of c_k(t, S) He_k(z), z
 * the shock of the step, which is a martingale whatever the functions c_k are, as Hermite polynomials of a normal number have mean 0 (as in
 * Belomestny, Bender and Schoenmakers 2009, where regression finds the functions). The c_k are those of the option's value itself, E(V
 * He_k) / k!, from a lattice in ln S: that is quick for one asset, and what the lattice rounds makes the bound looser, never wrong.
 *
 * The lattice moves with the drift, and its nodes are QUARTERS a deviation of a step apart, so that the points of the quadrature are nodes.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

enum { UPPER_PATHS = 16384, ORDER = 6, QUARTERS = 4, REACH = 6 };
enum { ARM = REACH * QUARTERS, BRANCHES = 2 * ARM + 1 };
/* A batch that no price and no rule of exercise reaches. */
static const uint64_t upper_batch = 1ull << 61;

typedef struct lattice {
  size_t size; /* nodes, of which the first and last ARM have the payoff for a value */
  double step, drift, discount, sign, strike;
  double weights[ORDER + 1][BRANCHES];  /* of the quadrature of V He_k / k! */
  double *price, *value, *next, *terms; /* terms: ORDER + 1 a node */
} lattice;

static void hermite(double z, double he[ORDER + 1]) {
  he[0] = 1, he[1] = z;
  for (int k = 1; k < ORDER; k++) he[k + 1] = z * he[k] - k * he[k - 1];
}

static void make_weights(lattice *l) {
  double sum = 0;
  for (int b = 0; b < BRANCHES; b++) sum += exp(-(b - ARM) * (b - ARM) / (2.0 * QUARTERS * QUARTERS));
  for (int b = 0; b < BRANCHES; b++) {
    double he[ORDER + 1], z = (double)(b - ARM) / QUARTERS, factorial = 1;
    hermite(z, he);
    for (int k = 0; k <= ORDER; k++) {
      l->weights[k][b] = exp(-z * z / 2) / sum * he[k] / factorial;
      factorial *= k + 1;
    }
  }
}

static double payoff(const lattice *l, double price) { return fmax(l->sign * (price - l->strike), 0); }

static assay_status lattice_init(lattice *l, const assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  double steps = o->steps;
  *l = (lattice){.size = 2 * ((size_t)ceil(QUARTERS * REACH * sqrt(steps)) + ARM) + 1,
                 .drift = job->params.mean / steps,
                 .step = job->params.deviation / sqrt(steps),
                 .discount = exp(-o->rate * o->time / steps),
                 .sign = o->put ? -1 : 1,
                 .strike = o->strike};
  l->price = assay_alloc(ASSAY_TAG_QUANT, l->size * sizeof(double));
  l->value = assay_alloc(ASSAY_TAG_QUANT, l->size * sizeof(double));
  l->next = assay_alloc(ASSAY_TAG_QUANT, l->size * sizeof(double));
  l->terms = assay_calloc(ASSAY_TAG_QUANT, l->size * (ORDER + 1), sizeof(double));
  if (l->price == NULL || l->value == NULL || l->next == NULL || l->terms == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a lattice of %zu prices", l->size);
  make_weights(l);
  return ASSAY_OK;
}

static void lattice_deinit(lattice *l) {
  assay_free(l->price);
  assay_free(l->value);
  assay_free(l->next);
  assay_free(l->terms);
}

static void set_prices(lattice *l, double spot, size_t step) {
  double middle = (double)(l->size / 2);
  for (size_t j = 0; j < l->size; j++) l->price[j] = spot * exp(l->drift * (double)step + ((double)j - middle) * l->step / QUARTERS);
}

/* From the values after a step to those before it, and the terms of the step's martingale. */
static void step_back(lattice *l) {
  double *swapped = l->next;
  l->next = l->value, l->value = swapped;
  for (size_t j = 0; j < l->size; j++) {
    l->value[j] = payoff(l, l->price[j]);
    if (j < ARM || j + ARM >= l->size) continue;
    double *terms = l->terms + (ORDER + 1) * j;
    const double *reached = l->next + j - ARM;
    for (int k = 0; k <= ORDER; k++) {
      double sum = 0;
      for (int b = 0; b < BRANCHES; b++) sum += l->weights[k][b] * reached[b];
      terms[k] = sum;
    }
    l->value[j] = fmax(l->value[j], l->discount * terms[0]);
  }
}

/* The increment of the martingale from a node's place (in nodes) by the shock z. */
static double increment(const lattice *l, double place, double z) {
  double he[ORDER + 1], least = ARM, most = (double)(l->size - ARM - 2), sum = 0;
  double at = fmin(fmax(place, least), most), part = at - floor(at);
  const double *terms = l->terms + (ORDER + 1) * (size_t)at;
  hermite(z, he);
  for (int k = 1; k <= ORDER; k++) sum += (terms[k] + part * (terms[ORDER + 1 + k] - terms[k])) * he[k];
  return sum;
}

/* Backwards, as the values come: the most that is had from a step on, less the martingale from there on, in money of that step. */
static void bound_paths(lattice *l, const assay_mc_job *job, double *paths, double *most) {
  const assay_mc_params *o = &job->option;
  size_t n = UPPER_PATHS, steps = o->steps;
  double middle = (double)(l->size / 2);
  set_prices(l, o->spot, steps);
  for (size_t j = 0; j < l->size; j++) l->value[j] = payoff(l, l->price[j]);
  for (size_t i = 0; i < n; i++) most[i] = payoff(l, paths[steps * n + i]);
  double *after = paths + steps * n;
  for (size_t i = 0; i < n; i++) after[i] = log(after[i] / o->spot);
  for (size_t step = steps; step-- > 0;) {
    double *before = paths + step * n;
    set_prices(l, o->spot, step);
    step_back(l);
    for (size_t i = 0; i < n; i++) {
      double price = before[i], x = log(price / o->spot), z = (after[i] - x - l->drift) / l->step;
      double place = (x - l->drift * (double)step) / l->step * QUARTERS + middle;
      most[i] = fmax(payoff(l, price), l->discount * (most[i] - increment(l, place, z)));
      before[i] = x; /* what the step before needs */
    }
    after = before;
  }
}

assay_status assay_mc_upper_bound(const assay_mc_job *job, assay_error *err, double *bound, double *error, assay_quant_where *where) {
  size_t rows = job->option.steps + (size_t)1;
  double *paths = assay_alloc(ASSAY_TAG_QUANT, rows * UPPER_PATHS * sizeof *paths);
  double *most = assay_alloc(ASSAY_TAG_QUANT, UPPER_PATHS * sizeof *most);
  lattice l = {0};
  assay_status status = ASSAY_OK;
  if (paths == NULL || most == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %d paths of %u steps", UPPER_PATHS, job->option.steps);
  if (status == ASSAY_OK) status = lattice_init(&l, job, err);
  if (status == ASSAY_OK) status = assay_mc_store_paths(job, upper_batch, UPPER_PATHS, err, paths, where);
  if (status == ASSAY_OK) {
    double sum = 0, squares = 0, n = UPPER_PATHS;
    bound_paths(&l, job, paths, most);
    for (size_t i = 0; i < UPPER_PATHS; i++) sum += most[i];
    for (size_t i = 0; i < UPPER_PATHS; i++) squares += (most[i] - sum / n) * (most[i] - sum / n);
    *bound = sum / n;
    *error = sqrt(squares / (n - 1) / n);
  }
  lattice_deinit(&l);
  assay_free(paths);
  assay_free(most);
  return status;
}
