/* SPDX-License-Identifier: MIT */
/* The Cholesky factor of the free variables' covariance, which grows and shrinks by a row. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/portfolio_qp.h"
#include "quant/portfolio_vector.h"

bool assay_portfolio_factor_reserve(assay_portfolio_qp *qp, size_t needed) {
  if (needed <= qp->capacity) return true;
  size_t capacity = qp->capacity * 2 > needed ? qp->capacity * 2 : needed;
  if (capacity > qp->n) capacity = qp->n;
  double *factor = assay_calloc(ASSAY_TAG_QUANT, capacity * capacity, sizeof *factor);
  double *step = assay_calloc(ASSAY_TAG_QUANT, capacity, sizeof *step);
  double *right = assay_calloc(ASSAY_TAG_QUANT, capacity, sizeof *right);
  double *images = assay_calloc(ASSAY_TAG_QUANT, capacity * (qp->rows + 1), sizeof *images);
  if (factor == NULL || step == NULL || right == NULL || images == NULL) {
    assay_free(factor);
    assay_free(step);
    assay_free(right);
    assay_free(images);
    return false;
  }
  for (size_t k = 0; k < qp->free_count; k++)
    memcpy(factor + k * capacity + k, qp->factor + k * qp->capacity + k, (qp->free_count - k) * sizeof *factor);
  assay_free(qp->factor);
  assay_free(qp->step);
  assay_free(qp->right);
  assay_free(qp->images);
  qp->factor = factor;
  qp->step = step;
  qp->right = right;
  qp->images = images;
  qp->capacity = capacity;
  qp->prepared = false;
  return true;
}

void assay_portfolio_factor_forward(const assay_portfolio_qp *qp, double *b, size_t count) {
  for (size_t k = 0; k < count; k++) {
    const double *column = qp->factor + k * qp->capacity;
    b[k] /= column[k];
    assay_axpy(b + k + 1, -b[k], column + k + 1, count - k - 1);
  }
}

void assay_portfolio_factor_backward(const assay_portfolio_qp *qp, double *b, size_t count) {
  for (size_t k = count; k-- > 0;) {
    const double *column = qp->factor + k * qp->capacity;
    b[k] = (b[k] - assay_dot(column + k + 1, b + k + 1, count - k - 1)) / column[k];
  }
}

bool assay_portfolio_factor_append(assay_portfolio_qp *qp, size_t v) {
  size_t k = qp->free_count, i = assay_portfolio_qp_asset(qp, v);
  double *row = qp->right;
  const double *line = qp->covariance + i * qp->assets;
  for (size_t f = 0; f < k; f++)
    row[f] = assay_portfolio_qp_sign(qp, qp->free[f]) * assay_portfolio_qp_sign(qp, v) * line[assay_portfolio_qp_asset(qp, qp->free[f])];
  assay_portfolio_factor_forward(qp, row, k);
  double extra = qp->regular[i] + qp->diagonal[i], own = line[i] + extra;
  double pivot = own - assay_dot(row, row, k);
  if (!(pivot > -1e-9 * own)) return false;
  pivot = fmax(pivot, 0.25 * qp->regular[i]);
  for (size_t f = 0; f < k; f++) qp->factor[f * qp->capacity + k] = row[f];
  qp->factor[k * qp->capacity + k] = sqrt(pivot);
  qp->free[k] = v;
  qp->free_count++;
  qp->prepared = false;
  qp->places[v] = ASSAY_BASIC;
  return true;
}

void assay_portfolio_factor_take_out(assay_portfolio_qp *qp, size_t place) {
  size_t count = qp->free_count, stride = qp->capacity;
  for (size_t k = 0; k < count; k++) {
    double *column = qp->factor + k * stride;
    size_t from = place + 1 > k ? place + 1 : k;
    if (from < count) memmove(column + from - 1, column + from, (count - from) * sizeof *column);
  }
  /* Row i >= place now reaches to column i + 1: rotations of neighbouring columns take that away. */
  for (size_t k = place; k + 1 < count; k++) {
    double *a = qp->factor + k * stride, *b = qp->factor + (k + 1) * stride;
    double length = hypot(a[k], b[k]), c = a[k] / length, s = b[k] / length;
    a[k] = length;
    for (size_t i = k + 1; i + 1 < count; i++) {
      double x = a[i], y = b[i];
      a[i] = c * x + s * y;
      b[i] = c * y - s * x;
    }
  }
  memmove(qp->free + place, qp->free + place + 1, (count - place - 1) * sizeof *qp->free);
  qp->free_count--;
  qp->prepared = false;
}

bool assay_portfolio_factor_refactor(assay_portfolio_qp *qp) {
  size_t count = qp->free_count;
  qp->free_count = 0;
  qp->prepared = false;
  for (size_t k = 0; k < count; k++) {
    if (!assay_portfolio_factor_append(qp, qp->free[k])) return false;
  }
  return true;
}
