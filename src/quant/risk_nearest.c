/* SPDX-License-Identifier: MIT */
/*
 * The nearest correlation matrix. Higham (2002) posed the problem and showed that alternating projections solve it, slowly. Its dual has
 * one unknown for each asset: with (.)+ the projection on the positive semidefinite matrices, find y so that (A + Diag y)+ has a unit
 * diagonal. That is the gradient of a convex function, and Newton's method on it converges quadratically (Qi and Sun 2006).
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/risk_internal.h"

typedef struct dual {
  size_t n;
  const double *target; /* A, symmetric */
  double *shifted;      /* A + Diag y, then the projection */
  double *y, *trial, *gradient, *direction;
  double *values, *vectors;                 /* of A + Diag y; vectors as rows */
  double *residual, *search, *image, *line; /* of conjugate gradients */
  double *weights;                          /* scratch: one row */
  double value;
  size_t first; /* eigenvalues from here on are positive */
} dual;

static double dot(const double *a, const double *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* Value and gradient at y, and the eigenvalues that the second derivative is made of. */
static assay_status evaluate(dual *d, const double *y, assay_error *err) {
  size_t n = d->n;
  memcpy(d->shifted, d->target, n * n * sizeof *d->shifted);
  for (size_t i = 0; i < n; i++) d->shifted[i * n + i] += y[i];
  assay_status status = assay_risk_eigen(d->shifted, n, err, d->values, d->vectors);
  if (status != ASSAY_OK) return status;
  d->value = 0;
  d->first = n;
  for (size_t i = 0; i < n; i++) {
    d->gradient[i] = -1;
    d->value -= y[i];
  }
  for (size_t r = n; r-- > 0 && d->values[r] > 0;) {
    d->first = r;
    d->value += 0.5 * d->values[r] * d->values[r];
    const double *v = d->vectors + r * n;
    for (size_t i = 0; i < n; i++) d->gradient[i] += d->values[r] * v[i] * v[i];
  }
  return ASSAY_OK;
}

/* out = V h: diagonal of P' (W o (P Diag(h) P')) P, where W is 1 among positive eigenvalues, a / (a - b) between a > 0 and b <= 0. */
static void second_derivative(dual *d, const double *h, double *out) {
  size_t n = d->n;
  memset(out, 0, n * sizeof *out);
  for (size_t r = d->first; r < n; r++) {
    const double *v = d->vectors + r * n;
    for (size_t i = 0; i < n; i++) d->weights[i] = v[i] * h[i];
    memset(d->line, 0, n * sizeof *d->line);
    for (size_t s = 0; s < n; s++) {
      const double *other = d->vectors + s * n;
      double w = s >= d->first ? 1 : 2 * d->values[r] / (d->values[r] - d->values[s]);
      double b = w * dot(d->weights, other, n);
      for (size_t i = 0; i < n; i++) d->line[i] += b * other[i];
    }
    for (size_t i = 0; i < n; i++) out[i] += v[i] * d->line[i];
  }
}

/* direction = -V^-1 gradient to the accuracy that Newton's method can use. */
static void conjugate_gradients(dual *d) {
  size_t n = d->n;
  double start = sqrt(dot(d->gradient, d->gradient, n)), accuracy = start * fmin(0.01, start);
  memset(d->direction, 0, n * sizeof *d->direction);
  for (size_t i = 0; i < n; i++) d->search[i] = d->residual[i] = -d->gradient[i];
  double rr = start * start;
  for (int step = 0; step < 200 && sqrt(rr) > accuracy; step++) {
    second_derivative(d, d->search, d->image);
    for (size_t i = 0; i < n; i++) d->image[i] += 1e-12 * d->search[i];
    double curvature = dot(d->search, d->image, n);
    if (!(curvature > 0)) break;
    double along = rr / curvature;
    for (size_t i = 0; i < n; i++) {
      d->direction[i] += along * d->search[i];
      d->residual[i] -= along * d->image[i];
    }
    double next = dot(d->residual, d->residual, n);
    for (size_t i = 0; i < n; i++) d->search[i] = d->residual[i] + next / rr * d->search[i];
    rr = next;
  }
}

/* Goes down the direction until the value falls enough. */
static assay_status step_down(dual *d, assay_error *err) {
  size_t n = d->n;
  double before = d->value, slope = dot(d->gradient, d->direction, n);
  if (!(slope < 0)) { /* conjugate gradients stopped at once: steepest descent */
    for (size_t i = 0; i < n; i++) d->direction[i] = -d->gradient[i];
    slope = -dot(d->gradient, d->gradient, n);
  }
  double length = 1;
  for (int half = 0; half < 40; half++, length /= 2) {
    for (size_t i = 0; i < n; i++) d->trial[i] = d->y[i] + length * d->direction[i];
    assay_status status = evaluate(d, d->trial, err);
    if (status != ASSAY_OK) return status;
    if (d->value <= before + 1e-4 * length * slope + 1e-13 * fabs(before)) break;
  }
  memcpy(d->y, d->trial, n * sizeof *d->y);
  return ASSAY_OK;
}

/* The projection at the last y, scaled to an exact unit diagonal. */
static void project(dual *d) {
  size_t n = d->n;
  memset(d->shifted, 0, n * n * sizeof *d->shifted);
  for (size_t r = d->first; r < n; r++) {
    const double *v = d->vectors + r * n;
    for (size_t i = 0; i < n; i++) {
      double a = d->values[r] * v[i];
      for (size_t j = 0; j <= i; j++) d->shifted[i * n + j] += a * v[j];
    }
  }
  for (size_t i = 0; i < n; i++) d->weights[i] = 1 / sqrt(d->shifted[i * n + i]);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < i; j++) {
      double value = fmin(fmax(d->shifted[i * n + j] * d->weights[i] * d->weights[j], -1), 1);
      d->shifted[i * n + j] = d->shifted[j * n + i] = value;
    }
    d->shifted[i * n + i] = 1;
  }
}

static assay_status newton(dual *d, double tolerance, unsigned most, assay_error *err, unsigned *steps) {
  size_t n = d->n;
  for (size_t i = 0; i < n; i++) d->y[i] = 1 - d->target[i * n + i];
  assay_status status = evaluate(d, d->y, err);
  double best = INFINITY;
  unsigned stalled = 0;
  for (*steps = 0; status == ASSAY_OK; ++*steps) {
    double norm = sqrt(dot(d->gradient, d->gradient, n) / (double)n);
    if (norm <= tolerance) return ASSAY_OK;
    stalled = norm < 0.9 * best ? 0 : stalled + 1;
    best = fmin(best, norm);
    if (stalled > 8 && norm <= 1e-8) return ASSAY_OK; /* as near as rounding allows: the diagonal is scaled to 1 afterwards */
    if (*steps == most)
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "after %u steps the diagonal is still %g off: allow more steps or a wider tolerance", most,
                        norm);
    conjugate_gradients(d);
    status = step_down(d, err);
  }
  return status;
}

static bool make_room(dual *d, double **block) {
  size_t n = d->n;
  double *at = *block = assay_calloc(ASSAY_TAG_QUANT, 3 * n * n + 10 * n, sizeof *at);
  if (at == NULL) return false;
  d->target = at;
  d->shifted = at + n * n;
  d->vectors = at + 2 * n * n;
  double **const lines[] = {&d->y,        &d->trial,  &d->gradient, &d->direction, &d->values,
                            &d->residual, &d->search, &d->image,    &d->line,      &d->weights};
  for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) *lines[k] = at + 3 * n * n + k * n;
  return true;
}

static double distance(const double *a, const double *b, size_t count) {
  double squares = 0;
  for (size_t i = 0; i < count; i++) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(squares);
}

/* Is it one already? Its least eigenvalue in any case. */
static assay_status look(const double *matrix, dual *d, double least, assay_error *err, bool *fine, double *found) {
  size_t n = d->n;
  assay_status status = assay_risk_eigen(matrix, n, err, d->values, NULL);
  if (status != ASSAY_OK) return status;
  *found = d->values[0];
  *fine = d->values[0] >= least - 1e-15 * (double)n * d->values[n - 1];
  for (size_t i = 0; i < n; i++) {
    if (matrix[i * n + i] != 1) *fine = false;
    for (size_t j = 0; j < i; j++) {
      if (matrix[i * n + j] != matrix[j * n + i]) *fine = false;
    }
  }
  return ASSAY_OK;
}

assay_status assay_risk_nearest_correlation(const double *matrix, size_t assets, const assay_risk_nearest_options *options,
                                            assay_error *err, double *nearest, assay_risk_nearest_info *info) {
  ASSAY_FLOAT_USUAL;
  static const assay_risk_nearest_options defaults = {0};
  if (options == NULL) options = &defaults;
  size_t n = assets;
  if (n == 0 || n > ASSAY_RISK_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu assets: a correlation matrix has 1 to %d", n, ASSAY_RISK_MOST_ASSETS);
  double least = options->least_eigenvalue, tolerance = options->tolerance == 0 ? 1e-10 : options->tolerance;
  if (!(least >= 0 && least < 1))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a least eigenvalue of %g: a correlation matrix can have one in [0, 1)", least);
  if (!(tolerance > 0 && tolerance < 1)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a tolerance of %g", tolerance);
  assay_status status = assay_risk_check_symmetric(matrix, n, "the matrix", err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < n * n; i++) {
    if (fabs(matrix[i]) > 1e6) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the matrix holds %g: this is no correlation", matrix[i]);
  }
  dual d = {.n = n};
  double *block = NULL, *target = NULL;
  if (!make_room(&d, &block)) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a correlation of %zu assets", n);
  target = block;
  assay_risk_nearest_info found = {0};
  bool fine = false;
  status = look(matrix, &d, least, err, &fine, &found.least_eigenvalue);
  if (status != ASSAY_OK) goto done;
  if (fine) {
    memmove(nearest, matrix, n * n * sizeof *nearest);
  } else {
    /* X >= least I with unit diagonal is least I + (1 - least) C of a correlation matrix C. */
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++) target[i * n + j] = ((matrix[i * n + j] + matrix[j * n + i]) / 2 - (i == j ? least : 0)) / (1 - least);
    }
    status = newton(&d, tolerance, options->most_steps == 0 ? 500 : options->most_steps, err, &found.steps);
    if (status != ASSAY_OK) goto done;
    project(&d);
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++) {
        if (i != j) d.shifted[i * n + j] *= 1 - least;
      }
    }
    found.distance = distance(d.shifted, matrix, n * n);
    memcpy(nearest, d.shifted, n * n * sizeof *nearest);
  }
  if (info != NULL) *info = found;
done:
  assay_free(block);
  return status;
}
