/* SPDX-License-Identifier: MIT */
/*
 * The loops of a lattice in ln S that knows what an option is worth, and of the martingale that follows it
 * (src/quant/montecarlo_lattice.h). Multiplications and additions only, one rounding each, so all instruction sets give the same bits.
 *
 * The limit: a node's projection on ORDER + 1 polynomials is 24 times 16 operations, or half that many instructions a lane; a path's step
 * is a row of 12 coefficients and its neighbour, some 60 instructions of four lanes.
 */
#ifndef ASSAY_KERNELS_LATTICE_H
#define ASSAY_KERNELS_LATTICE_H

#include <stddef.h>

/* Polynomials of the value and of each sum; nodes a deviation of a step, and how many deviations of a shock count. */
enum { ASSAY_LATTICE_ORDER = 6, ASSAY_LATTICE_SUM_ORDER = 2, ASSAY_LATTICE_QUARTERS = 4, ASSAY_LATTICE_REACH = 6 };
enum { ASSAY_LATTICE_ARM = ASSAY_LATTICE_REACH * ASSAY_LATTICE_QUARTERS };
/* Sums over the dates, and where a node's row of coefficients has theirs, behind those of the value, from order 1 on. */
enum { ASSAY_LATTICE_TIMES, ASSAY_LATTICE_SLOPES, ASSAY_LATTICE_CURVATURES, ASSAY_LATTICE_SUMS };
enum { ASSAY_LATTICE_ROW = ASSAY_LATTICE_ORDER + ASSAY_LATTICE_SUMS * ASSAY_LATTICE_SUM_ORDER };
/* Nodes at a time: projections may write so many places less one behind the last, and read an arm farther. */
enum { ASSAY_LATTICE_BLOCK = 8 };

/* weights[b][k]: of the node b up for order k; that b down has (-1)^k times it. Those of order 0 add up to 1. */
typedef double assay_lattice_weights[ASSAY_LATTICE_ARM + 1][ASSAY_LATTICE_ORDER + 1];

/* A step of paths: the rows of its start's nodes, of which `first` to `last` count, the node of those who had no shock, a discount. */
typedef struct assay_lattice_step {
  const double *rows;
  double first, last, middle, discount;
} assay_lattice_step;

/* Of a path from a date on, in money of that date: what is paid less the martingale; its sums less theirs; sums of shocks and of their
 * second polynomials. */
typedef struct assay_lattice_future {
  double worth, times, slopes, curvatures, score, score2;
} assay_lattice_future;

typedef struct assay_lattice_functions {
  /* The mean of `next` after a step from each node from `first` to `last`, and the coefficients of order 1 on, a row of ASSAY_LATTICE_ROW
   * each: ASSAY_LATTICE_ORDER of them, or ASSAY_LATTICE_SUM_ORDER. */
  void (*project_value)(const assay_lattice_weights weights, const double *next, size_t first, size_t last, double *mean, double *rows);
  void (*project_sum)(const assay_lattice_weights weights, const double *next, size_t first, size_t last, double *mean, double *rows);
  /* Back over a step for `count` paths whose shocks amount to sign * before[i] until then and sign * after[i] then. The second does `worth`
   * alone, and discounts `times` for a payment. */
  void (*back)(const assay_lattice_step *step, size_t count, double sign, const double *before, const double *after,
               assay_lattice_future *paths);
  void (*back_alone)(const assay_lattice_step *step, size_t count, double sign, const double *before, const double *after,
                     assay_lattice_future *paths);
} assay_lattice_functions;

/* The best for this CPU that ASSAY_ISA allows; and of one of ASSAY_KERNEL_VARIANTS (kernels/variant.h), for tests. */
const assay_lattice_functions *assay_lattice_functions_best(void);
const assay_lattice_functions *assay_lattice_functions_variant(size_t variant);

#endif
