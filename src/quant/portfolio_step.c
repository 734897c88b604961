/* SPDX-License-Identifier: MIT */
/* One step of the active-set method: its direction and length, and which constraints to let go afterwards. */
#include <math.h>
#include <string.h>

#include "quant/portfolio_qp.h"
#include "quant/portfolio_vector.h"

/* out += (covariance + diagonals) in */
static void multiply(const assay_portfolio_qp *qp, const double *in, double *out) {
  const double *rows[4];
  double factors[4];
  size_t n = qp->assets, count = 0;
  for (size_t i = 0; i < n; i++) {
    if (in[i] == 0) continue;
    out[i] += (qp->regular[i] + qp->diagonal[i]) * in[i];
    rows[count] = qp->covariance + i * n;
    factors[count++] = in[i];
    if (count < 4) continue;
    assay_axpy4(out, factors, rows, n);
    count = 0;
  }
  for (size_t k = 0; k < count; k++) assay_axpy(out, factors[k], rows[k], n);
}

void assay_portfolio_qp_refresh(assay_portfolio_qp *qp) {
  const double *current = qp->n == qp->assets ? NULL : qp->model->problem->current;
  for (size_t i = 0; i < qp->assets; i++) {
    qp->weights[i] = current == NULL ? qp->x[i] : current[i] + (qp->x[i] - qp->x[i + qp->assets]);
    qp->gradient[i] = 0;
  }
  multiply(qp, qp->weights, qp->gradient);
  for (size_t i = 0; i < qp->assets; i++) qp->gradient[i] += qp->linear[i] - qp->regular[i] * qp->centre[i];
  for (size_t r = 0; r < qp->rows; r++) {
    const double *row = qp->model->matrix + r * qp->n;
    qp->activity[r] = assay_dot(row, qp->x, qp->n);
    qp->row_terms[r] = 0;
    for (size_t v = 0; v < qp->n; v++) qp->row_terms[r] += fabs(row[v] * qp->x[v]);
  }
}

/* From step = L^-1 of a gradient on the free variables to the step itself. `small`, what the rows are short of, becomes what their
 * multipliers change by. */
static void finish_step(assay_portfolio_qp *qp) {
  size_t count = qp->free_count, w = qp->binding_count;
  for (size_t k = 0; k < w; k++) qp->small[k] += assay_dot(qp->images + k * qp->capacity, qp->step, count);
  assay_portfolio_rows_solve_small(qp);
  for (size_t f = 0; f < count; f++) qp->step[f] = -qp->step[f];
  for (size_t k = 0; k < w; k++) assay_axpy(qp->step, qp->small[k], qp->images + k * qp->capacity, count);
  assay_portfolio_factor_backward(qp, qp->step, count);
}

double assay_portfolio_qp_left_over(const assay_portfolio_qp *qp, double *of) {
  double largest = 0;
  for (size_t f = 0; f < qp->free_count; f++) {
    double z = assay_portfolio_qp_unexplained(qp, qp->free[f]);
    if (of != NULL) of[f] = z;
    if (fabs(z) > largest) largest = fabs(z);
  }
  return largest;
}

/*
 * Only what the last multipliers leave of the gradient is solved for: where the covariance is nearly singular, a solution is so large that
 * two of them would not cancel. Where the new ones leave next to nothing of that, the step has drowned in what cancelled (rows hold the
 * free variables in place, or one that hardly differs from another binds no more), and they are solved from once more.
 */
void assay_portfolio_qp_equality_step(assay_portfolio_qp *qp, double give) {
  for (int turn = 0; turn < 4; turn++) {
    double before = assay_portfolio_qp_left_over(qp, qp->step);
    assay_portfolio_factor_forward(qp, qp->step, qp->free_count);
    assay_portfolio_rows_prepare(qp);
    assay_portfolio_rows_short(qp, give, qp->small);
    finish_step(qp);
    assay_portfolio_rows_add_multipliers(qp, qp->small);
    if (!(assay_portfolio_qp_left_over(qp, NULL) < 1e-3 * before)) return;
  }
}

/* How a row's activity moves; what is no more than rounding is none, for a row that moves so says nothing (and its sign less). */
static double rate_of_row(const assay_portfolio_qp *qp, size_t row) {
  double sum = 0, terms = 0;
  for (size_t f = 0; f < qp->free_count; f++) {
    double term = qp->model->matrix[row * qp->n + qp->free[f]] * qp->step[f];
    sum += term;
    terms += fabs(term);
  }
  return fabs(sum) > 4e-16 * terms ? sum : 0;
}

/* How far something can go at `rate` that has `room` left; below 0 it is over its limit. */
static double reach_of(double room, double rate) { return fmax(room, 0) / fabs(rate); }

static double room_of_row(const assay_portfolio_qp *qp, size_t row, double rate) {
  return rate < 0 ? qp->activity[row] - qp->row_low[row] : qp->row_high[row] - qp->activity[row];
}

static double room_of(const assay_portfolio_qp *qp, size_t v, double rate) {
  return rate < 0 ? qp->x[v] - qp->low[v] : qp->high[v] - qp->x[v];
}

/* How far the step can go, at most 1: of all that would be over its limit by more than a rounding first, what moves fastest (Harris 1973),
 * for a slow one may do so by rounding alone. */
assay_portfolio_block assay_portfolio_qp_ratio_test(const assay_portfolio_qp *qp) {
  assay_portfolio_block found = {.length = 1, .place = SIZE_MAX, .row = SIZE_MAX};
  double give = ASSAY_PORTFOLIO_GIVE * qp->scale, most = 1, fastest = 0;
  for (size_t f = 0; f < qp->free_count; f++) {
    double rate = qp->step[f];
    if (rate != 0) most = fmin(most, reach_of(room_of(qp, qp->free[f], rate) + give, rate));
  }
  for (size_t r = 0; r < qp->rows; r++) {
    if (qp->row_places[r] != ASSAY_BASIC) continue;
    double rate = qp->rates[r] = rate_of_row(qp, r);
    if (rate != 0) most = fmin(most, reach_of(room_of_row(qp, r, rate) + give * qp->row_size[r], rate));
  }
  if (most >= 1) return found;
  for (size_t f = 0; f < qp->free_count; f++) {
    double rate = qp->step[f];
    if (fabs(rate) <= fastest) continue;
    double length = reach_of(room_of(qp, qp->free[f], rate), rate);
    if (length > most) continue;
    found = (assay_portfolio_block){.length = length, .place = f, .row = SIZE_MAX, .at_high = rate > 0};
    fastest = fabs(rate);
  }
  for (size_t r = 0; r < qp->rows; r++) {
    if (qp->row_places[r] != ASSAY_BASIC) continue;
    double rate = qp->rates[r], speed = fabs(rate) / qp->row_size[r];
    if (rate == 0 || speed <= fastest) continue;
    double length = reach_of(room_of_row(qp, r, rate), rate);
    if (length > most) continue;
    found = (assay_portfolio_block){.length = length, .place = SIZE_MAX, .row = r, .at_high = rate > 0};
    fastest = speed;
  }
  found.length = fmin(found.length, 1);
  return found;
}

void assay_portfolio_qp_move(assay_portfolio_qp *qp, double length) {
  memset(qp->change, 0, qp->assets * sizeof *qp->change);
  memset(qp->moved, 0, qp->assets * sizeof *qp->moved);
  for (size_t r = 0; r < qp->rows; r++) qp->activity[r] += length * rate_of_row(qp, r);
  for (size_t f = 0; f < qp->free_count; f++) {
    size_t v = qp->free[f];
    qp->x[v] += length * qp->step[f];
    qp->change[assay_portfolio_qp_asset(qp, v)] += assay_portfolio_qp_sign(qp, v) * length * qp->step[f];
  }
  multiply(qp, qp->change, qp->moved);
  for (size_t i = 0; i < qp->assets; i++) {
    qp->gradient[i] += qp->moved[i];
    qp->weights[i] += qp->change[i];
  }
}

void assay_portfolio_qp_bind_row(assay_portfolio_qp *qp, size_t row, assay_portfolio_place place) {
  qp->row_places[row] = place;
  assay_portfolio_rows_set_multiplier(qp, row, 0);
  qp->binding[qp->binding_count++] = row;
  qp->prepared = false;
}

static void release_row(assay_portfolio_qp *qp, size_t row) {
  size_t k = 0;
  while (qp->binding[k] != row) k++;
  memmove(qp->binding + k, qp->binding + k + 1, (qp->binding_count - k - 1) * sizeof *qp->binding);
  qp->binding_count--;
  qp->prepared = false;
  qp->row_places[row] = ASSAY_BASIC;
  assay_portfolio_rows_set_multiplier(qp, row, 0);
}

/* The ratio test keeps such rows all the same. */
void assay_portfolio_qp_release_dependent(assay_portfolio_qp *qp) {
  size_t w = qp->binding_count;
  for (size_t k = w; k-- > 0;) {
    if (qp->schur[k * w + k] == 0) release_row(qp, qp->binding[k]);
  }
}

void assay_portfolio_qp_release_slack(assay_portfolio_qp *qp) {
  for (size_t k = qp->binding_count; k-- > 0;) {
    size_t row = qp->binding[k];
    double target = qp->row_places[row] == ASSAY_AT_LOW ? qp->row_low[row] : qp->row_high[row];
    if (!(fabs(target - qp->activity[row]) <= 1e-9 * qp->scale)) release_row(qp, row);
  }
}

void assay_portfolio_qp_sensitivity(assay_portfolio_qp *qp, const double *along, double *direction) {
  for (size_t f = 0; f < qp->free_count; f++)
    qp->step[f] = -assay_portfolio_qp_sign(qp, qp->free[f]) * along[assay_portfolio_qp_asset(qp, qp->free[f])];
  assay_portfolio_factor_forward(qp, qp->step, qp->free_count);
  assay_portfolio_rows_prepare(qp);
  memset(qp->small, 0, qp->binding_count * sizeof *qp->small);
  finish_step(qp);
  memset(direction, 0, qp->assets * sizeof *direction);
  for (size_t f = 0; f < qp->free_count; f++)
    direction[assay_portfolio_qp_asset(qp, qp->free[f])] += assay_portfolio_qp_sign(qp, qp->free[f]) * qp->step[f];
}

/* ---- Which constraints to let go ----------------------------------------------------------------------------------------------------- */

double assay_portfolio_qp_wrong(const assay_portfolio_qp *qp, size_t v) {
  if (qp->low[v] == qp->high[v]) return 0;
  double z = assay_portfolio_qp_unexplained(qp, v);
  switch (qp->places[v]) {
    case ASSAY_AT_LOW: return fmax(-z, 0);
    case ASSAY_AT_HIGH: return fmax(z, 0);
    case ASSAY_AT_ZERO: return fabs(z);
    case ASSAY_BASIC:
    default: return 0;
  }
}

double assay_portfolio_qp_wrong_row(const assay_portfolio_qp *qp, size_t row) {
  if (qp->row_low[row] == qp->row_high[row]) return 0;
  double v = qp->multipliers[row];
  return fmax(qp->row_places[row] == ASSAY_AT_LOW ? -v : v, 0);
}

/* Where only cash is held all terms vanish, and it is a millionth of what the riskiest asset would make. */
double assay_portfolio_qp_gradient_scale(const assay_portfolio_qp *qp) {
  double scale = 0, riskiest = 0, heaviest = 0;
  for (size_t i = 0; i < qp->assets; i++) {
    riskiest = fmax(riskiest, qp->covariance[i * qp->assets + i] + qp->diagonal[i]);
    heaviest = fmax(heaviest, fabs(qp->weights[i]));
    if (qp->weights[i] == 0) continue;
    double own = (qp->covariance[i * qp->assets + i] + qp->diagonal[i]) * fabs(qp->weights[i]);
    scale = fmax(scale, fabs(qp->linear[i]) + fmax(fabs(qp->gradient[i] - qp->linear[i]), own));
  }
  return fmax(scale, 1e-6 * riskiest * heaviest);
}

enum { AT_ONCE = 24 };

int assay_portfolio_qp_let_go(assay_portfolio_qp *qp) {
  double tolerance = 1e-11 * assay_portfolio_qp_gradient_scale(qp);
  size_t worst_row = SIZE_MAX;
  double worst = tolerance;
  for (size_t k = 0; k < qp->binding_count; k++) {
    size_t row = qp->binding[k];
    if (assay_portfolio_qp_wrong_row(qp, row) > worst) worst = assay_portfolio_qp_wrong_row(qp, row), worst_row = row;
  }
  if (worst_row != SIZE_MAX) {
    release_row(qp, worst_row);
    return 1;
  }
  size_t found[AT_ONCE], count = 0, most = qp->free_count / 3 + 1;
  double gains[AT_ONCE];
  if (most > AT_ONCE) most = AT_ONCE;
  for (size_t v = 0; v < qp->n; v++) {
    double by = assay_portfolio_qp_wrong(qp, v);
    if (by <= tolerance) continue;
    size_t i = assay_portfolio_qp_asset(qp, v);
    double own = qp->covariance[i * qp->assets + i] + qp->regular[i] + qp->diagonal[i], gain = by * by / own;
    if (count == most && gain <= gains[count - 1]) continue;
    size_t at = count < most ? count++ : most - 1;
    for (; at > 0 && gains[at - 1] < gain; at--) gains[at] = gains[at - 1], found[at] = found[at - 1];
    gains[at] = gain;
    found[at] = v;
  }
  if (count == 0) return 0;
  if (!assay_portfolio_factor_reserve(qp, qp->free_count + count)) return -2;
  for (size_t k = 0; k < count && gains[k] >= 0.1 * gains[0]; k++) {
    if (!assay_portfolio_factor_append(qp, found[k])) return -1;
  }
  return 1;
}
