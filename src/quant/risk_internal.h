/* SPDX-License-Identifier: MIT */
/* What the parts of risk and portfolio share: checks of input, exact sums, small dense linear algebra. */
#ifndef ASSAY_QUANT_RISK_INTERNAL_H
#define ASSAY_QUANT_RISK_INTERNAL_H

#include <assay/risk.h>

#include "quant/launch.h"

/* Every value is finite; otherwise ASSAY_ERR_INVALID names `what`, the index and the value. */
assay_status assay_risk_check_finite(const double *values, size_t count, const char *what, assay_error *err);
/* The same for rows x columns, naming both. */
assay_status assay_risk_check_matrix(const double *values, size_t rows, size_t columns, const char *what, assay_error *err);
/* Square, finite, symmetric to 1e-10 of its largest value. */
assay_status assay_risk_check_symmetric(const double *matrix, size_t count, const char *what, assay_error *err);
/* And positive semidefinite, to 1e-9 of the correlations' eigenvalues. */
assay_status assay_risk_check_covariance(const double *covariance, size_t count, const char *what, assay_error *err);
/* An array that has to be there is. */
assay_status assay_risk_check_given(const void *array, const char *what, assay_error *err);
void assay_risk_tell_where(const assay_quant_where *from, assay_risk_where *to);
assay_status assay_risk_check_levels(const double *levels, size_t level_count, assay_error *err);

/*
 * A sum whose bits depend neither on the order nor on the grouping of its values: each is cut into pieces on grids that are set by the
 * largest magnitude and the count beforehand, and sums on one grid have no rounding error (Rump, Ogita and Oishi 2008, ExtractVector).
 * What lies under the last grid, 2^-90 of the largest value or less, is dropped.
 */
enum { ASSAY_RISK_FOLDS = 4 };
typedef struct assay_risk_sum {
  double grids[ASSAY_RISK_FOLDS]; /* 1.5 * 2^e: adding and subtracting it rounds to its last place */
  double folds[ASSAY_RISK_FOLDS];
} assay_risk_sum;
/* For up to `count` values of magnitude up to `largest` <= 2^900. */
void assay_risk_sum_init(assay_risk_sum *sum, double largest, size_t count);
static inline void assay_risk_sum_add(assay_risk_sum *sum, double value) {
  for (int fold = 0; fold < ASSAY_RISK_FOLDS; fold++) {
    double piece = (sum->grids[fold] + value) - sum->grids[fold];
    sum->folds[fold] += piece;
    value -= piece;
  }
}
double assay_risk_sum_get(const assay_risk_sum *sum);

/* Lower Cholesky factor, in place of the lower triangle of a symmetric matrix; false: not positive definite. A pivot at or below
 * `floor` (>= 0) times the row's `own` variance makes the row dependent: with `semidefinite` its column becomes 0, otherwise it is a
 * failure. */
bool assay_risk_cholesky(double *matrix, size_t count, const double *own, double floor, bool semidefinite);
/* L x = b and L' x = b in place. */
void assay_risk_solve_lower(const double *factor, size_t count, double *x);
void assay_risk_solve_upper(const double *factor, size_t count, double *x);

#endif
