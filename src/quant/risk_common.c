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

typedef double two __attribute__((vector_size(16))); /* what every processor has: all sums of a tile stay in registers */

static two load_two(const double *from) {
  two to;
  memcpy(&to, from, sizeof to);
  return to;
}

static double dot_block(const double *a, const double *b) {
  two sum = {0};
  for (size_t k = 0; k < BLOCK; k += 2) sum += load_two(a + k) * load_two(b + k);
  return sum[0] + sum[1];
}

/* One tile of what the block takes away from the rest: two rows, four columns. Spelt out, as a loop over them would keep the sums in
 * memory. */
static void take_tile(double *matrix, size_t n, size_t i, size_t j, size_t begin) {
  const double *r0 = matrix + i * n, *r1 = r0 + n, *c0 = matrix + j * n, *c1 = c0 + n, *c2 = c1 + n, *c3 = c2 + n;
  two s00 = {0}, s01 = {0}, s02 = {0}, s03 = {0}, s10 = {0}, s11 = {0}, s12 = {0}, s13 = {0};
  for (size_t k = begin; k < begin + BLOCK; k += 2) {
    two left0 = load_two(r0 + k), left1 = load_two(r1 + k), right = load_two(c0 + k);
    s00 += left0 * right, s10 += left1 * right;
    right = load_two(c1 + k);
    s01 += left0 * right, s11 += left1 * right;
    right = load_two(c2 + k);
    s02 += left0 * right, s12 += left1 * right;
    right = load_two(c3 + k);
    s03 += left0 * right, s13 += left1 * right;
  }
  double *out0 = matrix + i * n + j, *out1 = out0 + n;
  out0[0] -= s00[0] + s00[1], out0[1] -= s01[0] + s01[1], out0[2] -= s02[0] + s02[1], out0[3] -= s03[0] + s03[1];
  out1[0] -= s10[0] + s10[1], out1[1] -= s11[0] + s11[1], out1[2] -= s12[0] + s12[1], out1[3] -= s13[0] + s13[1];
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
