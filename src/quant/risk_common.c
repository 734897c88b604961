/* SPDX-License-Identifier: MIT */
#include "quant/risk_internal.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/portfolio_vector.h"

void assay_risk_tell_where(const assay_quant_where *from, assay_risk_where *to) {
  _Static_assert(sizeof from->device == sizeof to->device && sizeof from->reason == sizeof to->reason, "they are copied whole");
  memcpy(to->device, from->device, sizeof to->device);
  memcpy(to->reason, from->reason, sizeof to->reason);
}

assay_status assay_risk_check_given(const void *array, const char *what, assay_error *err) {
  return array != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: there is no array (NULL)", what);
}

assay_status assay_risk_check_finite(const double *values, size_t count, const char *what, assay_error *err) {
  if (count > 0 && values == NULL) return assay_risk_check_given(values, what, err);
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s %zu is %g: leave it out or fill it in", what, i, values[i]);
  }
  return ASSAY_OK;
}

assay_status assay_risk_check_matrix(const double *values, size_t rows, size_t columns, const char *what, assay_error *err) {
  if (values == NULL) return assay_risk_check_given(values, what, err);
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
  if (levels == NULL) return assay_risk_check_given(levels, "the levels", err);
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

/* ---- Positive semidefinite matrices ------------------------------------------------------------------------------------------------
 *
 * A right-looking factorisation by blocks of columns: most of it is products of rows of BLOCK numbers, in tiles of 2 x 4 that stay in
 * registers.
 */
enum { BLOCK = 32, TILE_ROWS = 2, TILE_COLUMNS = 4 };

/* Row i of a block of columns, up to the diagonal; false: a pivot that there may not be. */
static bool factor_row(double *matrix, size_t n, size_t i, size_t begin, size_t end, const double *own, double floor, bool semidefinite) {
  double *row = matrix + i * n;
  for (size_t j = begin; j < end && j <= i; j++) {
    const double *other = matrix + j * n;
    double sum = row[j] - assay_dot(row + begin, other + begin, j - begin);
    if (j < i) {
      row[j] = other[j] > 0 ? sum / other[j] : 0;
    } else if (sum > floor * own[i]) {
      row[i] = sqrt(sum);
    } else if (semidefinite) {
      row[i] = 0;
    } else {
      return false;
    }
  }
  return true;
}

static double dot_block(const double *a, const double *b) {
  assay_four sum = {0}, left, right;
  for (size_t k = 0; k < BLOCK; k += 4) {
    assay_four_load(&left, a + k);
    assay_four_load(&right, b + k);
    sum += left * right;
  }
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* One tile of what the block takes away from the rest. */
static void take_tile(double *matrix, size_t n, size_t i, size_t j, size_t begin) {
  assay_four sums[TILE_ROWS][TILE_COLUMNS] = {{{0}}};
  for (size_t k = begin; k < begin + BLOCK; k += 4) {
    assay_four left[TILE_ROWS], right;
    for (size_t a = 0; a < TILE_ROWS; a++) assay_four_load(&left[a], matrix + (i + a) * n + k);
    for (size_t b = 0; b < TILE_COLUMNS; b++) {
      assay_four_load(&right, matrix + (j + b) * n + k);
      for (size_t a = 0; a < TILE_ROWS; a++) sums[a][b] += left[a] * right;
    }
  }
  for (size_t a = 0; a < TILE_ROWS; a++) {
    for (size_t b = 0; b < TILE_COLUMNS; b++) {
      const assay_four *sum = &sums[a][b];
      matrix[(i + a) * n + j + b] -= ((*sum)[0] + (*sum)[2]) + ((*sum)[1] + (*sum)[3]);
    }
  }
}

static void take_block(double *matrix, size_t n, size_t begin) {
  size_t end = begin + BLOCK, i = end;
  for (; i + TILE_ROWS <= n; i += TILE_ROWS) {
    size_t j = end;
    for (; j + TILE_COLUMNS <= i + 1; j += TILE_COLUMNS) take_tile(matrix, n, i, j, begin);
    for (size_t a = 0; a < TILE_ROWS; a++) {
      double *row = matrix + (i + a) * n;
      for (size_t k = j; k <= i + a; k++) row[k] -= dot_block(row + begin, matrix + k * n + begin);
    }
  }
  for (; i < n; i++) {
    double *row = matrix + i * n;
    for (size_t k = end; k <= i; k++) row[k] -= dot_block(row + begin, matrix + k * n + begin);
  }
}

bool assay_risk_cholesky(double *matrix, size_t count, const double *own, double floor, bool semidefinite) {
  for (size_t begin = 0; begin < count; begin += BLOCK) {
    size_t end = begin + BLOCK < count ? begin + BLOCK : count;
    for (size_t i = begin; i < count; i++) {
      if (!factor_row(matrix, count, i, begin, end, own, floor, semidefinite)) return false;
    }
    if (end < count) take_block(matrix, count, begin);
  }
  return true;
}

/* Negative by more than a rounding? Variances and pairs are sound already. */
static assay_status check_semidefinite(const double *covariance, size_t n, const char *what, assay_error *err) {
  static const double SLACK = 1e-9; /* eigenvalues of the correlations may be this far below 0 */
  double *square = assay_alloc(ASSAY_TAG_QUANT, (n * n + 2 * n) * sizeof *square);
  if (square == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a covariance of %zu assets", n);
  double *per = square + n * n, *own = per + n;
  for (size_t i = 0; i < n; i++) {
    double spread = sqrt(covariance[i * n + i]);
    per[i] = spread > 0 ? 1 / spread : 0;
    own[i] = 1;
    for (size_t k = 0; k < i; k++) square[i * n + k] = covariance[i * n + k] * per[i] * per[k];
    square[i * n + i] = 1 + SLACK;
  }
  bool fine = assay_risk_cholesky(square, n, own, 0, false);
  assay_free(square);
  if (fine) return ASSAY_OK;
  return ASSAY_FAIL(
      err, ASSAY_ERR_INVALID,
      "%s is not positive semidefinite: a portfolio would have a negative variance (the nearest correlation matrix mends that)", what);
}

assay_status assay_risk_check_covariance(const double *covariance, size_t n, const char *what, assay_error *err) {
  assay_status status = assay_risk_check_symmetric(covariance, n, what, err);
  for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
    if (covariance[i * n + i] < 0)
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the variance of asset %zu is %g: it cannot be negative", i, covariance[i * n + i]);
  }
  for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
    double own = sqrt(covariance[i * n + i]) * (1 + 1e-9);
    for (size_t k = 0; k < i && status == ASSAY_OK; k++) {
      double most = own * sqrt(covariance[k * n + k]);
      if (fabs(covariance[i * n + k]) > most)
        status = ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                            "%s is not positive semidefinite: assets %zu and %zu have %g, but their variances allow %g at most", what, k, i,
                            covariance[i * n + k], most);
    }
  }
  return status == ASSAY_OK ? check_semidefinite(covariance, n, what, err) : status;
}

void assay_risk_solve_lower(const double *factor, size_t count, double *x) {
  for (size_t i = 0; i < count; i++) x[i] = (x[i] - assay_dot(factor + i * count, x, i)) / factor[i * count + i];
}

void assay_risk_solve_upper(const double *factor, size_t count, double *x) {
  for (size_t i = count; i-- > 0;) {
    x[i] /= factor[i * count + i];
    assay_axpy(x, -x[i], factor + i * count, i);
  }
}
