/* SPDX-License-Identifier: MIT */
/*
 * The binding rows on the free variables, and their multipliers.
 *
 * Two rows may differ by hardly anything there: where two assets with returns of 0.1 and 0.1 + 1e-9 are the free ones, a target return says
 * nearly what the budget says. The rows' own Gram matrix would square that and take 1e-9 for nothing; so the rows are made orthonormal
 * first, A_WF = R Q with R triangular (Gram-Schmidt, twice where it matters: Daniel and others 1976), and a step keeps Q p = 0, which is as
 * well posed as the covariance is. Only the multipliers of the rows themselves are large then, R'^-1 times those of Q, and cancel in every
 * gradient: they are kept to twice the digits (Dekker 1971), and each step takes away what they leave of the gradient, which refines them.
 */
#include <math.h>
#include <string.h>

#include "quant/portfolio_qp.h"
#include "quant/portfolio_vector.h"

/* A row of which the others leave no more than this share says nothing of its own: rounding leaves some 1e-16 of it. */
static const double NOTHING_NEW = 1e-14;

/* Takes away what the lines before have of a line; what is left of its length. */
static double take_away_others(assay_portfolio_qp *qp, size_t k, double *line, double *spans) {
  for (size_t j = 0; j < k; j++) {
    const double *other = qp->images + j * qp->capacity;
    double part = assay_dot(line, other, qp->free_count);
    if (part == 0) continue; /* groups without a common asset */
    assay_axpy(line, -part, other, qp->free_count);
    spans[j] += part;
  }
  return sqrt(assay_dot(line, line, qp->free_count));
}

/* One line of Q, and of R. */
static void separate(assay_portfolio_qp *qp, size_t k) {
  size_t count = qp->free_count;
  double *line = qp->images + k * qp->capacity, *spans = qp->spans + k * qp->rows;
  const double *row = qp->model->matrix + qp->binding[k] * qp->n;
  for (size_t f = 0; f < count; f++) line[f] = row[qp->free[f]];
  double whole = sqrt(assay_dot(line, line, count));
  memset(spans, 0, (k + 1) * sizeof *spans);
  double left = take_away_others(qp, k, line, spans);
  if (left < 0.5 * whole) left = take_away_others(qp, k, line, spans); /* what little is left is not orthogonal yet */
  bool new = left > NOTHING_NEW *whole;
  spans[k] = new ? left : 0;
  for (size_t f = 0; f < count; f++) line[f] = new ? line[f] / left : 0;
}

/* The Cholesky factor of the small matrix, in place. */
static void factor_small(assay_portfolio_qp *qp) {
  size_t w = qp->binding_count;
  double *s = qp->schur;
  for (size_t i = 0; i < w; i++) {
    double own = s[i * w + i];
    for (size_t j = 0; j < i; j++) s[i * w + j] = s[j * w + j] > 0 ? (s[i * w + j] - assay_dot(s + i * w, s + j * w, j)) / s[j * w + j] : 0;
    double left = own - assay_dot(s + i * w, s + i * w, i);
    s[i * w + i] = left > 1e-13 * own ? sqrt(left) : 0;
  }
}

void assay_portfolio_rows_prepare(assay_portfolio_qp *qp) {
  if (qp->prepared) return;
  size_t count = qp->free_count, w = qp->binding_count;
  for (size_t k = 0; k < w; k++) separate(qp, k);
  for (size_t k = 0; k < w; k++) {
    double *image = qp->images + k * qp->capacity;
    assay_portfolio_factor_forward(qp, image, count);
    for (size_t j = 0; j <= k; j++) qp->schur[k * w + j] = assay_dot(image, qp->images + j * qp->capacity, count);
  }
  factor_small(qp);
  qp->prepared = true;
}

void assay_portfolio_rows_solve_small(assay_portfolio_qp *qp) {
  size_t w = qp->binding_count;
  const double *s = qp->schur;
  double *b = qp->small;
  for (size_t i = 0; i < w; i++) b[i] = s[i * w + i] > 0 ? (b[i] - assay_dot(s + i * w, b, i)) / s[i * w + i] : 0;
  for (size_t i = w; i-- > 0;) {
    b[i] = s[i * w + i] > 0 ? b[i] / s[i * w + i] : 0;
    for (size_t j = 0; j < i; j++) b[j] -= s[i * w + j] * b[i];
  }
}

double assay_portfolio_rows_rounding(const assay_portfolio_qp *qp, size_t row, double limit) {
  return 4e-16 * (qp->row_terms[row] + fabs(limit));
}

void assay_portfolio_rows_short(const assay_portfolio_qp *qp, double give, double *by) {
  for (size_t k = 0; k < qp->binding_count; k++) {
    size_t row = qp->binding[k];
    const double *spans = qp->spans + k * qp->rows;
    double target = qp->row_places[row] == ASSAY_AT_LOW ? qp->row_low[row] : qp->row_high[row], off = target - qp->activity[row];
    if (fabs(off) <= give * qp->row_size[row] + assay_portfolio_rows_rounding(qp, row, target)) off = 0;
    by[k] = spans[k] > 0 ? (off - assay_dot(spans, by, k)) / spans[k] : 0;
  }
}

/* ---- Multipliers --------------------------------------------------------------------------------------------------------------------- */

/* to = a + b, and what that rounds away. */
static double two_sum(double a, double b, double *lost) {
  double sum = a + b, part = sum - a;
  *lost = (a - (sum - part)) + (b - part);
  return sum;
}

static double upper_half(double a) {
  double shifted = 134217729 * a; /* 2^27 + 1 */
  return shifted - (shifted - a);
}

static double two_product(double a, double b, double *lost) {
  double product = a * b, ah = upper_half(a), al = a - ah, bh = upper_half(b), bl = b - bh;
  *lost = al * bl - (((product - ah * bh) - al * bh) - ah * bl);
  return product;
}

void assay_portfolio_rows_set_multiplier(assay_portfolio_qp *qp, size_t row, double value) {
  qp->multipliers[row] = value;
  qp->multiplier_rests[row] = 0;
}

void assay_portfolio_rows_add_multipliers(assay_portfolio_qp *qp, double *change) {
  for (size_t k = qp->binding_count; k-- > 0;) {
    const double *spans = qp->spans + k * qp->rows;
    double own = spans[k] > 0 ? change[k] / spans[k] : 0;
    for (size_t j = 0; j < k; j++) change[j] -= spans[j] * own;
    size_t row = qp->binding[k];
    double lost, *high = &qp->multipliers[row], *low = &qp->multiplier_rests[row];
    double sum = two_sum(*high, own, &lost);
    *high = two_sum(sum, lost + *low, low);
  }
}

double assay_portfolio_qp_unexplained(const assay_portfolio_qp *qp, size_t v) {
  double z = assay_portfolio_qp_sign(qp, v) * qp->gradient[assay_portfolio_qp_asset(qp, v)], rest = 0;
  for (size_t k = 0; k < qp->binding_count; k++) {
    size_t row = qp->binding[k];
    double coefficient = qp->model->matrix[row * qp->n + v], lost, missing;
    if (coefficient == 0) continue;
    double product = two_product(qp->multipliers[row], coefficient, &missing);
    z = two_sum(z, -product, &lost);
    rest += (lost - missing) - qp->multiplier_rests[row] * coefficient;
  }
  return z + rest;
}
