/* SPDX-License-Identifier: MIT */
#include "quant/risk_internal.h"

#include <math.h>

assay_status assay_risk_check_finite(const double *values, size_t count, const char *what, assay_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s %zu is %g: leave it out or fill it in", what, i, values[i]);
  }
  return ASSAY_OK;
}

assay_status assay_risk_check_matrix(const double *values, size_t rows, size_t columns, const char *what, assay_error *err) {
  for (size_t i = 0; i < rows * columns; i++) {
    if (!isfinite(values[i])) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s in row %zu, column %zu is %g: leave it out or fill it in", what, i / columns,
                        i % columns, values[i]);
    }
  }
  return ASSAY_OK;
}

assay_status assay_risk_check_symmetric(const double *matrix, size_t count, const char *what, assay_error *err) {
  assay_status status = assay_risk_check_matrix(matrix, count, count, what, err);
  if (status != ASSAY_OK) return status;
  double largest = 0;
  for (size_t i = 0; i < count * count; i++) largest = fmax(largest, fabs(matrix[i]));
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < i; j++) {
      double a = matrix[i * count + j], b = matrix[j * count + i];
      if (fabs(a - b) > 1e-10 * largest)
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is not symmetric: row %zu, column %zu has %g, and the other way round %g", what, i, j,
                          a, b);
    }
  }
  return ASSAY_OK;
}

assay_status assay_risk_check_levels(const double *levels, size_t level_count, assay_error *err) {
  if (level_count == 0 || level_count > ASSAY_RISK_MOST_LEVELS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu levels: 1 to %d can be asked for at once", level_count, ASSAY_RISK_MOST_LEVELS);
  for (size_t i = 0; i < level_count; i++) {
    if (!(levels[i] > 0 && levels[i] < 1))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "level %zu is %g: a level lies between 0 and 1, such as 0.99", i, levels[i]);
  }
  return ASSAY_OK;
}

void assay_risk_sum_init(assay_risk_sum *sum, double largest, size_t count) {
  int exponent, count_bits;
  frexp(largest, &exponent); /* largest < 2^exponent */
  frexp((double)count, &count_bits);
  /* All pieces of one grid together stay below 2^(e + 1), so sums of multiples of 2^(e - 52) are exact. */
  int e = exponent + count_bits;
  for (int fold = 0; fold < ASSAY_RISK_FOLDS; fold++) {
    sum->grids[fold] = ldexp(1.5, e);
    sum->folds[fold] = 0;
    e += count_bits - 53; /* what is left of a value is at most half a place of the last grid */
    if (e < -1000) e = -1000;
  }
}

double assay_risk_sum_get(const assay_risk_sum *sum) {
  double total = 0, rest = 0;
  for (int fold = 0; fold < ASSAY_RISK_FOLDS; fold++) {
    double next = total + sum->folds[fold];
    double taken = next - total;
    rest += (total - (next - taken)) + (sum->folds[fold] - taken);
    total = next;
  }
  return total + rest;
}

bool assay_risk_cholesky(double *matrix, size_t count, double floor, bool semidefinite) {
  for (size_t i = 0; i < count; i++) {
    double *row = matrix + i * count;
    for (size_t j = 0; j <= i; j++) {
      const double *other = matrix + j * count;
      double sum = row[j];
      for (size_t k = 0; k < j; k++) sum -= row[k] * other[k];
      if (j < i) {
        row[j] = other[j] > 0 ? sum / other[j] : 0;
      } else if (sum > floor) {
        row[i] = sqrt(sum);
      } else if (semidefinite) {
        row[i] = 0;
      } else {
        return false;
      }
    }
  }
  return true;
}

void assay_risk_solve_lower(const double *factor, size_t count, double *x) {
  for (size_t i = 0; i < count; i++) {
    double sum = x[i];
    for (size_t k = 0; k < i; k++) sum -= factor[i * count + k] * x[k];
    x[i] = sum / factor[i * count + i];
  }
}

void assay_risk_solve_upper(const double *factor, size_t count, double *x) {
  for (size_t i = count; i-- > 0;) {
    x[i] /= factor[i * count + i];
    for (size_t k = 0; k < i; k++) x[k] -= factor[i * count + k] * x[i];
  }
}
