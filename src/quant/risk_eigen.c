/* SPDX-License-Identifier: MIT */
/*
 * Eigenvalues and vectors of a symmetric matrix: Householder reduction to tridiagonal form, then implicit QL steps with Wilkinson's shift
 * (Golub and Van Loan, sections 8.3.1 and 8.3.5). Vectors are kept as rows, so that both the reflections and the rotations run along
 * memory. Always the same operations in the same order, so the same bits everywhere.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/risk_internal.h"

/*
 * a (full, symmetric, n x n) -> diagonal and off[1..n-1]. Step k reflects rows and columns 0..k-1 so that row k keeps only its neighbour;
 * the reflection's vector stays in row k, its factor in tau[k].
 */
static void reduce(double *a, size_t n, double *diagonal, double *off, double *tau, double *p) {
  for (size_t k = n - 1; k > 0; k--) {
    double *v = a + k * n, scale = 0;
    for (size_t j = 0; j < k; j++) scale = fmax(scale, fabs(v[j]));
    tau[k] = 0;
    off[k] = v[k - 1];
    if (k == 1 || scale == 0) continue;
    double norm = 0;
    for (size_t j = 0; j < k; j++) {
      v[j] /= scale;
      norm += v[j] * v[j];
    }
    double length = sqrt(norm), head = v[k - 1];
    double alpha = head > 0 ? -length : length;
    off[k] = alpha * scale;
    v[k - 1] = head - alpha;
    double h = norm - head * alpha; /* |v|^2 / 2 */
    if (!(h > 0)) continue;
    tau[k] = 1 / h;
    /* p = A v / h over the leading block, of which all of every row is kept up to date. */
    double along = 0;
    for (size_t i = 0; i < k; i++) {
      double sum = 0;
      const double *row = a + i * n;
      for (size_t j = 0; j < k; j++) sum += row[j] * v[j];
      p[i] = sum / h;
      along += p[i] * v[i];
    }
    along /= 2 * h;
    for (size_t i = 0; i < k; i++) p[i] -= along * v[i];
    for (size_t i = 0; i < k; i++) {
      double *row = a + i * n, vi = v[i], pi = p[i];
      for (size_t j = 0; j < k; j++) row[j] -= vi * p[j] + pi * v[j];
    }
  }
  for (size_t i = 0; i < n; i++) diagonal[i] = a[i * n + i];
}

/* Rows of q: the product of the reflections, transposed; row r is what unit vector r becomes. */
static void accumulate(const double *a, size_t n, const double *tau, double *q) {
  memset(q, 0, n * n * sizeof *q);
  for (size_t i = 0; i < n; i++) q[i * n + i] = 1;
  for (size_t k = 1; k < n; k++) {
    if (tau[k] == 0) continue;
    const double *v = a + k * n;
    /* Rows 0..k-1 of q have their entries in columns 0..k-1 so far. */
    for (size_t i = 0; i < k; i++) {
      double sum = 0, *row = q + i * n;
      for (size_t j = 0; j < k; j++) sum += row[j] * v[j];
      sum *= tau[k];
      for (size_t j = 0; j < k; j++) row[j] -= sum * v[j];
    }
  }
}

static void rotate(double *upper, double *lower, size_t n, double c, double s) {
  for (size_t j = 0; j < n; j++) {
    double f = lower[j], u = upper[j];
    lower[j] = s * u + c * f;
    upper[j] = c * u - s * f;
  }
}

/* QL on the tridiagonal matrix; `q` (NULL: not wanted) has the vectors as rows. False: it did not converge, which does not happen. */
static bool ql(double *d, double *e, size_t n, double *q) {
  for (size_t i = 1; i < n; i++) e[i - 1] = e[i];
  e[n - 1] = 0;
  for (size_t l = 0; l < n; l++) {
    for (int step = 0;; step++) {
      size_t m = l;
      for (; m + 1 < n; m++) {
        double near = fabs(d[m]) + fabs(d[m + 1]);
        if (fabs(e[m]) <= DBL_EPSILON * near) break;
      }
      if (m == l) break;
      if (step == 60) return false;
      double g = (d[l + 1] - d[l]) / (2 * e[l]), r = hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + copysign(r, g));
      double s = 1, c = 1, p = 0;
      size_t i = m;
      bool split = false;
      while (i-- > l) {
        double f = s * e[i], b = c * e[i];
        r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
          d[i + 1] -= p;
          e[m] = 0;
          split = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        if (q != NULL) rotate(q + i * n, q + (i + 1) * n, n, c, s);
      }
      if (split) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}

/* Ascending; insertion by whole rows is n^2 moves of pointers' worth, against n^3 above. */
static void sort_values(double *values, double *q, size_t n) {
  for (size_t i = 0; i + 1 < n; i++) {
    size_t least = i;
    for (size_t j = i + 1; j < n; j++) {
      if (values[j] < values[least]) least = j;
    }
    if (least == i) continue;
    double swap = values[i];
    values[i] = values[least];
    values[least] = swap;
    for (size_t j = 0; q != NULL && j < n; j++) {
      swap = q[i * n + j];
      q[i * n + j] = q[least * n + j];
      q[least * n + j] = swap;
    }
  }
}

assay_status assay_risk_eigen(const double *matrix, size_t count, assay_error *err, double *values, double *vectors) {
  ASSAY_FLOAT_USUAL;
  size_t n = count;
  if (n == 0 || n > ASSAY_RISK_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu rows: eigenvalues are found for 1 to %d", n, ASSAY_RISK_MOST_ASSETS);
  assay_status status = assay_risk_check_matrix(matrix, n, n, "the matrix", err);
  if (status != ASSAY_OK) return status;
  double *a = assay_calloc(ASSAY_TAG_QUANT, n * n, sizeof *a);
  double *q = vectors != NULL ? assay_calloc(ASSAY_TAG_QUANT, n * n, sizeof *q) : NULL;
  double *lines = assay_calloc(ASSAY_TAG_QUANT, 4 * n, sizeof *lines);
  if (a == NULL || lines == NULL || (vectors != NULL && q == NULL)) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the eigenvalues of %zu rows", n);
    goto done;
  }
  double largest = 0, *diagonal = lines, *off = lines + n, *tau = lines + 2 * n;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) largest = fmax(largest, fabs(matrix[i * n + j]));
  }
  int exponent = 0;
  frexp(largest, &exponent);
  double scale = largest > 0 ? ldexp(1, exponent > 1000 ? -1000 : exponent < -1000 ? 1000 : -exponent) : 1;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = matrix[i * n + j] * scale;
  }
  reduce(a, n, diagonal, off, tau, lines + 3 * n);
  if (q != NULL) accumulate(a, n, tau, q);
  if (!ql(diagonal, off, n, q)) {
    status = ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "eigenvalues of %zu rows did not converge", n);
    goto done;
  }
  sort_values(diagonal, q, n);
  for (size_t i = 0; i < n; i++) values[i] = diagonal[i] / scale;
  if (vectors != NULL) memcpy(vectors, q, n * n * sizeof *vectors);
done:
  assay_free(a);
  assay_free(q);
  assay_free(lines);
  return status;
}
