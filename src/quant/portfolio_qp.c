/* SPDX-License-Identifier: MIT */
/*
 * A primal active-set method (Nocedal and Wright 2006, section 16.5) for portfolios: many bounded variables, few rows. Free variables F and
 * binding rows W make an equality-constrained problem
 *
 *     H_FF p = A_WF' v - g_F,   A_WF p = what the rows are short of,
 *
 * which the Cholesky factor L of H_FF solves through the small matrix (L^-1 A_WF')'(L^-1 A_WF'). L grows by a row when a variable is freed
 * and loses one by rotations when a variable meets its bound, so a step costs |F|^2 and not |F|^3. Several variables are freed at once:
 * those that turn back are fixed again at once, and far fewer steps are needed.
 *
 * A singular covariance is made regular by 1e-11 of each asset's own variance, times the distance from a centre; that becomes the solution
 * and the problem is solved again, a few times (the proximal point method, Rockafellar 1976): so what makes it regular costs no accuracy.
 *
 * Where bounds and rows meet in one point (a cap of 1 and a budget of 1), steps have no length and nothing keeps the method from going
 * round in circles. Limits give way by a rounding, which settles nearly all of those; what still stands still is solved with every limit a
 * little off, each by an amount of its own, so that no two of them meet, and the active set of that is then taken with the true limits.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "quant/portfolio_model.h"
#include "quant/portfolio_vector.h"

struct assay_portfolio_qp {
  const assay_portfolio_model *model;
  size_t n, assets, rows;
  const double *covariance;
  const double *low, *high, *row_low, *row_high;   /* limits in force: the model's, or shaken ones */
  double *row_size;                                /* largest coefficient of each row */
  double *regular, *diagonal, *linear, *centre;    /* by asset */
  double *x, *weights, *gradient, *change, *moved; /* moved: H change */
  double *activity, *multipliers, *rates;          /* by row */
  assay_portfolio_place *places, *row_places;
  size_t *free; /* variables, in the order of the factor */
  size_t free_count, capacity;
  double *factor;                /* L by columns, each `capacity` long */
  double *step, *right, *images; /* images: rows x capacity, L^-1 A_WF' */
  double *schur, *small;         /* rows x rows; rows */
  double *shaken;                /* limits of variables, then of rows */
  size_t *binding, binding_count;
  double kkt, scale;
  bool stiffened; /* `regular` is more than usual */
  unsigned steps;
};

static double sign_of(const assay_portfolio_qp *qp, size_t v) { return assay_portfolio_sign(qp->model, v); }
static size_t asset_of(const assay_portfolio_qp *qp, size_t v) { return assay_portfolio_asset(qp->model, v); }

/* ---- The factor ------------------------------------------------------------------------------------------------------------------- */

static bool reserve(assay_portfolio_qp *qp, size_t needed) {
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
  return true;
}

static void forward(const assay_portfolio_qp *qp, double *b, size_t count) {
  for (size_t k = 0; k < count; k++) {
    const double *column = qp->factor + k * qp->capacity;
    b[k] /= column[k];
    assay_axpy(b + k + 1, -b[k], column + k + 1, count - k - 1);
  }
}

static void backward(const assay_portfolio_qp *qp, double *b, size_t count) {
  for (size_t k = count; k-- > 0;) {
    const double *column = qp->factor + k * qp->capacity;
    b[k] = (b[k] - assay_dot(column + k + 1, b + k + 1, count - k - 1)) / column[k];
  }
}

/* Appends a variable; false: the covariance is not positive semidefinite. */
static bool append(assay_portfolio_qp *qp, size_t v) {
  size_t k = qp->free_count, i = asset_of(qp, v);
  double *row = qp->right;
  const double *line = qp->covariance + i * qp->assets;
  for (size_t f = 0; f < k; f++) row[f] = sign_of(qp, qp->free[f]) * sign_of(qp, v) * line[asset_of(qp, qp->free[f])];
  forward(qp, row, k);
  double extra = qp->regular[i] + qp->diagonal[i], own = line[i] + extra;
  double pivot = own - assay_dot(row, row, k);
  if (!(pivot > -1e-9 * own)) return false;
  pivot = fmax(pivot, 0.25 * qp->regular[i]);
  for (size_t f = 0; f < k; f++) qp->factor[f * qp->capacity + k] = row[f];
  qp->factor[k * qp->capacity + k] = sqrt(pivot);
  qp->free[k] = v;
  qp->free_count++;
  qp->places[v] = ASSAY_BASIC;
  return true;
}

/* Takes out the variable at `place` of the factor. */
static void take_out(assay_portfolio_qp *qp, size_t place) {
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
}

/* All of it anew, after the diagonal changed; false: not positive semidefinite. */
static bool refactor(assay_portfolio_qp *qp) {
  size_t count = qp->free_count;
  qp->free_count = 0;
  for (size_t k = 0; k < count; k++) {
    if (!append(qp, qp->free[k])) return false;
  }
  return true;
}

/* ---- One step --------------------------------------------------------------------------------------------------------------------- */

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

/* Weights, gradient and activities from x. */
static void refresh(assay_portfolio_qp *qp) {
  const double *current = qp->n == qp->assets ? NULL : qp->model->problem->current;
  for (size_t i = 0; i < qp->assets; i++) {
    qp->weights[i] = current == NULL ? qp->x[i] : current[i] + (qp->x[i] - qp->x[i + qp->assets]);
    qp->gradient[i] = 0;
  }
  multiply(qp, qp->weights, qp->gradient);
  for (size_t i = 0; i < qp->assets; i++) qp->gradient[i] += qp->linear[i] - qp->regular[i] * qp->centre[i];
  for (size_t r = 0; r < qp->rows; r++) qp->activity[r] = assay_dot(qp->model->matrix + r * qp->n, qp->x, qp->n);
}

/* Solves with the small matrix schur = images' images (its factor in place; rows without a pivot have multiplier 0). */
static void solve_small(assay_portfolio_qp *qp) {
  size_t w = qp->binding_count;
  double *s = qp->schur, *b = qp->small;
  for (size_t i = 0; i < w; i++) {
    double own = s[i * w + i];
    for (size_t j = 0; j <= i; j++) {
      double sum = s[i * w + j] - assay_dot(s + i * w, s + j * w, j);
      if (j < i) {
        s[i * w + j] = s[j * w + j] > 0 ? sum / s[j * w + j] : 0;
      } else {
        s[i * w + i] = sum > 1e-13 * own ? sqrt(sum) : 0;
      }
    }
    b[i] = s[i * w + i] > 0 ? (b[i] - assay_dot(s + i * w, b, i)) / s[i * w + i] : 0;
  }
  for (size_t i = w; i-- > 0;) {
    b[i] = s[i * w + i] > 0 ? b[i] / s[i * w + i] : 0;
    for (size_t j = 0; j < i; j++) b[j] -= s[i * w + j] * b[i];
  }
}

/* The part of a gradient that the binding rows' multipliers do not explain. */
static double unexplained(const assay_portfolio_qp *qp, size_t v) {
  double z = sign_of(qp, v) * qp->gradient[asset_of(qp, v)];
  for (size_t k = 0; k < qp->binding_count; k++) z -= qp->multipliers[qp->binding[k]] * qp->model->matrix[qp->binding[k] * qp->n + v];
  return z;
}

/* images = L^-1 A_WF' and the factor's small matrix. */
static void make_images(assay_portfolio_qp *qp) {
  size_t count = qp->free_count, w = qp->binding_count;
  for (size_t k = 0; k < w; k++) {
    double *image = qp->images + k * qp->capacity;
    for (size_t f = 0; f < count; f++) image[f] = qp->model->matrix[qp->binding[k] * qp->n + qp->free[f]];
    forward(qp, image, count);
    for (size_t j = 0; j <= k; j++) qp->schur[k * w + j] = assay_dot(image, qp->images + j * qp->capacity, count);
  }
}

/* From step = L^-1 of a gradient on the free variables to the step itself; `small` becomes what the multipliers change by. */
static void finish_step(assay_portfolio_qp *qp, bool rows_move) {
  size_t count = qp->free_count, w = qp->binding_count;
  for (size_t k = 0; k < w; k++) {
    size_t row = qp->binding[k];
    double target = qp->row_places[row] == ASSAY_AT_LOW ? qp->row_low[row] : qp->row_high[row];
    qp->small[k] = assay_dot(qp->images + k * qp->capacity, qp->step, count) + (rows_move ? target - qp->activity[row] : 0);
  }
  solve_small(qp);
  for (size_t f = 0; f < count; f++) qp->step[f] = -qp->step[f];
  for (size_t k = 0; k < w; k++) assay_axpy(qp->step, qp->small[k], qp->images + k * qp->capacity, count);
  backward(qp, qp->step, count);
}

/*
 * The step on the free variables and new multipliers on the binding rows. Only what the last multipliers leave of the gradient is solved
 * for: where the covariance is nearly singular, a solution is so large that two of them would not cancel.
 */
static void equality_step(assay_portfolio_qp *qp) {
  for (size_t f = 0; f < qp->free_count; f++) qp->step[f] = unexplained(qp, qp->free[f]);
  forward(qp, qp->step, qp->free_count);
  make_images(qp);
  finish_step(qp, true);
  for (size_t k = 0; k < qp->binding_count; k++) qp->multipliers[qp->binding[k]] += qp->small[k];
}

typedef struct block {
  double length;
  size_t place; /* of the factor; SIZE_MAX: a row, or nothing */
  size_t row;   /* SIZE_MAX: none */
  bool at_high;
} block;

static double rate_of_row(const assay_portfolio_qp *qp, size_t row) {
  double sum = 0;
  for (size_t f = 0; f < qp->free_count; f++) sum += qp->model->matrix[row * qp->n + qp->free[f]] * qp->step[f];
  return sum;
}

/* By how much a limit gives way, relative to the weights. */
static const double GIVE = 1e-13;
/* Optimality conditions that are off by no more are not worth another turn. */
static const double NEAR_ENOUGH = 1e-13;

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
static block ratio_test(const assay_portfolio_qp *qp) {
  block found = {.length = 1, .place = SIZE_MAX, .row = SIZE_MAX};
  double give = GIVE * qp->scale, most = 1, fastest = 0;
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
    found = (block){.length = length, .place = f, .row = SIZE_MAX, .at_high = rate > 0};
    fastest = fabs(rate);
  }
  for (size_t r = 0; r < qp->rows; r++) {
    if (qp->row_places[r] != ASSAY_BASIC) continue;
    double rate = qp->rates[r], speed = fabs(rate) / qp->row_size[r];
    if (rate == 0 || speed <= fastest) continue;
    double length = reach_of(room_of_row(qp, r, rate), rate);
    if (length > most) continue;
    found = (block){.length = length, .place = SIZE_MAX, .row = r, .at_high = rate > 0};
    fastest = speed;
  }
  found.length = fmin(found.length, 1);
  return found;
}

static void move(assay_portfolio_qp *qp, double length) {
  memset(qp->change, 0, qp->assets * sizeof *qp->change);
  memset(qp->moved, 0, qp->assets * sizeof *qp->moved);
  for (size_t r = 0; r < qp->rows; r++) qp->activity[r] += length * rate_of_row(qp, r);
  for (size_t f = 0; f < qp->free_count; f++) {
    size_t v = qp->free[f];
    qp->x[v] += length * qp->step[f];
    qp->change[asset_of(qp, v)] += sign_of(qp, v) * length * qp->step[f];
  }
  multiply(qp, qp->change, qp->moved);
  for (size_t i = 0; i < qp->assets; i++) {
    qp->gradient[i] += qp->moved[i];
    qp->weights[i] += qp->change[i];
  }
}

static void bind_row(assay_portfolio_qp *qp, size_t row, assay_portfolio_place place) {
  qp->row_places[row] = place;
  qp->multipliers[row] = 0;
  qp->binding[qp->binding_count++] = row;
}

static void release_row(assay_portfolio_qp *qp, size_t row) {
  size_t k = 0;
  while (qp->binding[k] != row) k++;
  memmove(qp->binding + k, qp->binding + k + 1, (qp->binding_count - k - 1) * sizeof *qp->binding);
  qp->binding_count--;
  qp->row_places[row] = ASSAY_BASIC;
  qp->multipliers[row] = 0;
}

/* Rows that say nothing beyond the others bind no more, nor do rows that are not at their limit (which the model may have moved). The
 * ratio test keeps them all the same. */
static void release_dependent(assay_portfolio_qp *qp) {
  size_t w = qp->binding_count;
  for (size_t k = w; k-- > 0;) {
    if (qp->schur[k * w + k] == 0) release_row(qp, qp->binding[k]);
  }
}

static void release_slack(assay_portfolio_qp *qp) {
  for (size_t k = qp->binding_count; k-- > 0;) {
    size_t row = qp->binding[k];
    double target = qp->row_places[row] == ASSAY_AT_LOW ? qp->row_low[row] : qp->row_high[row];
    if (!(fabs(target - qp->activity[row]) <= 1e-9 * qp->scale)) release_row(qp, row);
  }
}

/* ---- Which constraints to let go ----------------------------------------------------------------------------------------------------- */

/* By how much a fixed variable's sign is wrong; 0: it is right. */
static double wrong(const assay_portfolio_qp *qp, size_t v) {
  if (qp->low[v] == qp->high[v]) return 0;
  double z = unexplained(qp, v);
  switch (qp->places[v]) {
    case ASSAY_AT_LOW: return fmax(-z, 0);
    case ASSAY_AT_HIGH: return fmax(z, 0);
    case ASSAY_AT_ZERO: return fabs(z);
    case ASSAY_BASIC:
    default: return 0;
  }
}

static double wrong_row(const assay_portfolio_qp *qp, size_t row) {
  if (qp->row_low[row] == qp->row_high[row]) return 0;
  double v = qp->multipliers[row];
  return fmax(qp->row_places[row] == ASSAY_AT_LOW ? -v : v, 0);
}

/* Size of the terms that gradients are made of: what rounding and tolerances are measured by. Where only cash is held all of them vanish,
 * and it is a millionth of what the riskiest asset would make. */
static double gradient_scale(const assay_portfolio_qp *qp) {
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

/* Frees what gains most. Returns 1: something was freed, 0: all is optimal, -1: the covariance is not positive semidefinite, -2: no
 * memory. */
static int let_go(assay_portfolio_qp *qp) {
  double tolerance = 1e-11 * gradient_scale(qp);
  size_t worst_row = SIZE_MAX;
  double worst = tolerance;
  for (size_t k = 0; k < qp->binding_count; k++) {
    size_t row = qp->binding[k];
    if (wrong_row(qp, row) > worst) worst = wrong_row(qp, row), worst_row = row;
  }
  if (worst_row != SIZE_MAX) {
    release_row(qp, worst_row);
    return 1;
  }
  size_t found[AT_ONCE], count = 0, most = qp->free_count / 3 + 1;
  double gains[AT_ONCE];
  if (most > AT_ONCE) most = AT_ONCE;
  for (size_t v = 0; v < qp->n; v++) {
    double by = wrong(qp, v);
    if (by <= tolerance) continue;
    size_t i = asset_of(qp, v);
    double own = qp->covariance[i * qp->assets + i] + qp->regular[i] + qp->diagonal[i], gain = by * by / own;
    if (count == most && gain <= gains[count - 1]) continue;
    size_t at = count < most ? count++ : most - 1;
    for (; at > 0 && gains[at - 1] < gain; at--) gains[at] = gains[at - 1], found[at] = found[at - 1];
    gains[at] = gain;
    found[at] = v;
  }
  if (count == 0) return 0;
  if (!reserve(qp, qp->free_count + count)) return -2;
  for (size_t k = 0; k < count && gains[k] >= 0.1 * gains[0]; k++) {
    if (!append(qp, found[k])) return -1;
  }
  return 1;
}

/* ---- The call --------------------------------------------------------------------------------------------------------------------- */

/* The largest violation of an optimality condition, of the problem without what makes it regular: the centre becomes the solution. */
static double check(assay_portfolio_qp *qp) {
  memcpy(qp->centre, qp->weights, qp->assets * sizeof *qp->centre);
  refresh(qp);
  double scale = gradient_scale(qp), worst = 0;
  for (size_t v = 0; v < qp->n; v++) {
    worst = fmax(worst, qp->places[v] == ASSAY_BASIC ? fabs(unexplained(qp, v)) : wrong(qp, v));
  }
  for (size_t k = 0; k < qp->binding_count; k++) worst = fmax(worst, wrong_row(qp, qp->binding[k]));
  return scale > 0 ? worst / scale : 0;
}

/* How far limits are passed, relative to the weights. */
static double outside_by(const assay_portfolio_qp *qp) {
  double off = 0;
  for (size_t v = 0; v < qp->n; v++) off = fmax(off, fmax(qp->low[v] - qp->x[v], qp->x[v] - qp->high[v]));
  for (size_t r = 0; r < qp->rows; r++) off = fmax(off, fmax(qp->row_low[r] - qp->activity[r], qp->activity[r] - qp->row_high[r]));
  return off / qp->scale;
}

/* Once the active set is right: the same step again with everything fresh takes roundings away, many of them where the covariance is
 * singular. */
static void polish(assay_portfolio_qp *qp) {
  for (int turn = 0; turn < 12; turn++) {
    refresh(qp);
    equality_step(qp);
    double largest = 0;
    for (size_t f = 0; f < qp->free_count; f++) largest = fmax(largest, fabs(qp->step[f]));
    if (turn == 11 || largest <= 1e-15 * qp->scale || ratio_test(qp).length < 1) break;
    move(qp, 1);
  }
  refresh(qp);
}

static assay_status not_semidefinite(assay_error *err) {
  return ASSAY_FAIL(
      err, ASSAY_ERR_INVALID,
      "the covariance is not positive semidefinite: a portfolio would have a negative variance (the nearest correlation matrix "
      "mends that)");
}

typedef enum outcome { SETTLED, STUCK, INDEFINITE, NO_MEMORY } outcome;

static void fix_at(assay_portfolio_qp *qp, size_t place, bool at_high) {
  size_t v = qp->free[place];
  qp->x[v] = at_high ? qp->high[v] : qp->low[v];
  qp->places[v] = at_high ? ASSAY_AT_HIGH : ASSAY_AT_LOW;
  take_out(qp, place);
}

/* Steps until nothing is left to gain. */
static outcome descend(assay_portfolio_qp *qp) {
  size_t most = 40 * (qp->n + qp->rows) + 1000, still = 0, patience = 2 * qp->rows + 50;
  for (size_t count = 0; count < most && still <= patience; count++) {
    if (count % 50 == 49) refresh(qp);
    qp->steps++;
    equality_step(qp);
    release_dependent(qp);
    block limit = ratio_test(qp);
    double largest = 0;
    for (size_t f = 0; f < qp->free_count; f++) largest = fmax(largest, fabs(qp->step[f]));
    still = limit.length * largest > 1e-14 * qp->scale ? 0 : still + 1;
    if (limit.length > 0) move(qp, limit.length);
    if (limit.row != SIZE_MAX) {
      bind_row(qp, limit.row, limit.at_high ? ASSAY_AT_HIGH : ASSAY_AT_LOW);
      continue;
    }
    if (limit.place != SIZE_MAX) {
      fix_at(qp, limit.place, limit.at_high);
      continue;
    }
    switch (let_go(qp)) {
      case -1: return INDEFINITE;
      case -2: return NO_MEMORY;
      case 0: return SETTLED;
      default: break;
    }
  }
  return STUCK;
}

static outcome begin_descent(assay_portfolio_qp *qp) {
  if (!refactor(qp)) return INDEFINITE;
  memset(qp->centre, 0, qp->assets * sizeof *qp->centre);
  refresh(qp);
  release_slack(qp);
  return descend(qp);
}

/* What is at its limit but for a rounding is there: no weights of 1e-17. */
static void tidy(assay_portfolio_qp *qp) {
  double near = 2 * GIVE * qp->scale;
  bool any = false;
  for (size_t f = qp->free_count; f-- > 0;) {
    size_t v = qp->free[f];
    double below = qp->x[v] - qp->low[v], above = qp->high[v] - qp->x[v];
    if (!(below <= near || above <= near)) continue;
    fix_at(qp, f, above < below);
    any = true;
  }
  if (any) polish(qp);
}

/* From the solution as the centre, until that changes nothing any more. */
static outcome recentre(assay_portfolio_qp *qp) {
  qp->kkt = check(qp);
  for (int turn = 0; turn < 30 && qp->kkt > NEAR_ENOUGH; turn++) {
    double before = qp->kkt;
    outcome found = descend(qp);
    if (found != SETTLED) return found;
    polish(qp);
    qp->kkt = check(qp);
    if (qp->kkt > 0.7 * before) break;
  }
  return SETTLED;
}

/* Every limit a little off, outwards, by an amount of its own; but for those that leave no choice. */
static void shake(assay_portfolio_qp *qp, double by, uint64_t seed) {
  const assay_portfolio_model *model = qp->model;
  double *low = qp->shaken, *high = low + qp->n, *row_low = high + qp->n, *row_high = row_low + qp->rows;
  assay_random random;
  assay_random_init(&random, seed);
  by *= qp->scale;
  for (size_t v = 0; v < qp->n; v++) {
    bool open = model->low[v] < model->high[v];
    low[v] = model->low[v] - (open ? by * (1 + assay_random_unit(&random)) : 0);
    high[v] = model->high[v] + (open ? by * (1 + assay_random_unit(&random)) : 0);
  }
  for (size_t r = 0; r < qp->rows; r++) {
    double size = model->row_low[r] < model->row_high[r] ? by * qp->row_size[r] : 0;
    row_low[r] = model->row_low[r] - size * (1 + assay_random_unit(&random));
    row_high[r] = model->row_high[r] + size * (1 + assay_random_unit(&random));
  }
  qp->low = low;
  qp->high = high;
  qp->row_low = row_low;
  qp->row_high = row_high;
}

static void use_model_limits(assay_portfolio_qp *qp) {
  qp->low = qp->model->low;
  qp->high = qp->model->high;
  qp->row_low = qp->model->row_low;
  qp->row_high = qp->model->row_high;
}

/* Takes the places of x and of the rows as the active set. */
static outcome adopt(assay_portfolio_qp *qp) {
  size_t count = 0;
  qp->free_count = qp->binding_count = 0;
  for (size_t v = 0; v < qp->n; v++) count += qp->places[v] == ASSAY_BASIC;
  if (!reserve(qp, count)) return NO_MEMORY;
  for (size_t v = 0; v < qp->n; v++) {
    if (qp->places[v] == ASSAY_BASIC) qp->free[qp->free_count++] = v;
  }
  for (size_t r = 0; r < qp->rows; r++) {
    qp->multipliers[r] = 0;
    if (qp->row_places[r] != ASSAY_BASIC) qp->binding[qp->binding_count++] = r;
  }
  return SETTLED;
}

/* A vertex within the limits in force. */
static outcome start_again(assay_portfolio_qp *qp) {
  assay_portfolio_model model = *qp->model;
  double *low = qp->shaken;
  model.low = low;
  model.high = low + qp->n;
  model.row_low = low + 2 * qp->n;
  model.row_high = model.row_low + qp->rows;
  assay_portfolio_vertex vertex = {.x = qp->x, .places = qp->places, .row_places = qp->row_places};
  switch (assay_portfolio_vertex_find(&model, NULL, NULL, &vertex)) {
    case ASSAY_LP_OPTIMAL: return adopt(qp);
    case ASSAY_LP_NO_MEMORY: return NO_MEMORY;
    case ASSAY_LP_INFEASIBLE:
    case ASSAY_LP_UNBOUNDED:
    case ASSAY_LP_FAILED:
    default: return STUCK;
  }
}

/* The active set of shaken limits, with the true ones. */
static outcome descend_shaken(assay_portfolio_qp *qp, double by, uint64_t seed) {
  shake(qp, by, seed);
  outcome found = start_again(qp);
  if (found == SETTLED) found = begin_descent(qp);
  use_model_limits(qp);
  for (size_t v = 0; v < qp->n; v++) {
    if (qp->places[v] == ASSAY_AT_LOW) qp->x[v] = qp->low[v];
    if (qp->places[v] == ASSAY_AT_HIGH) qp->x[v] = qp->high[v];
  }
  refresh(qp);
  if (found != SETTLED) return found;
  equality_step(qp);
  move(qp, 1);
  return SETTLED;
}

/* Each attempt starts elsewhere: another vertex, other shaken limits (gaps between limits may be small), a more regular covariance. */
typedef struct attempt {
  double shake, regular;
} attempt;

enum { ATTEMPTS = 12 };
static const attempt attempts[ATTEMPTS] = {{0, 1},      {0, 1e3},     {1e-9, 1},    {1e-11, 1e3}, {1e-10, 1e4}, {1e-12, 1e2},
                                           {1e-8, 1e4}, {1e-12, 1e5}, {1e-11, 1e5}, {1e-12, 1e3}, {1e-7, 1e4},  {1e-12, 1e6}};
static const double USUAL = 1e-8, MOST_OFF = 1e-6, MOST_OUTSIDE = 1e-10;

static void make_regular(assay_portfolio_qp *qp, double factor) {
  double largest = 0;
  for (size_t i = 0; i < qp->assets; i++) largest = fmax(largest, qp->covariance[i * qp->assets + i]);
  for (size_t i = 0; i < qp->assets; i++) {
    double own = qp->covariance[i * qp->assets + i];
    qp->regular[i] = factor * 1e-11 * (own > 1e-13 * largest ? own : largest > 0 ? largest : 1);
  }
}

assay_status assay_portfolio_qp_solve(assay_portfolio_qp *qp, assay_error *err) {
  double off = INFINITY;
  for (int k = 0; k < ATTEMPTS; k++) {
    if (k > 0 || qp->stiffened) make_regular(qp, attempts[k].regular);
    qp->stiffened = k > 0;
    outcome found = k == 0 ? begin_descent(qp) : descend_shaken(qp, attempts[k].shake, (uint64_t)k);
    if (found == INDEFINITE) return not_semidefinite(err);
    if (found == NO_MEMORY) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", qp->assets);
    if (found == STUCK) continue;
    polish(qp);
    if (recentre(qp) != SETTLED) continue;
    tidy(qp);
    qp->kkt = check(qp);
    double outside = outside_by(qp);
    off = fmin(off, fmax(qp->kkt, outside));
    qp->kkt = fmax(qp->kkt, outside);
    if (qp->kkt < (k + 1 < ATTEMPTS ? USUAL : MOST_OFF) && outside < MOST_OUTSIDE) return ASSAY_OK;
  }
  if (isinf(off)) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "no optimum in %u steps: the solver went round in circles", qp->steps);
  return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the solver stopped %g away from an optimum, relative to the terms of its conditions", off);
}

assay_status assay_portfolio_qp_create(const assay_portfolio_model *model, const double *covariance, const assay_portfolio_vertex *start,
                                       assay_error *err, assay_portfolio_qp **qp) {
  assay_portfolio_qp *made = assay_calloc(ASSAY_TAG_QUANT, 1, sizeof *made);
  if (made == NULL) goto no_memory;
  size_t n = made->n = model->count, assets = made->assets = model->assets, rows = made->rows = model->rows;
  made->model = model;
  made->covariance = covariance;
  double **const lines[] = {&made->regular, &made->diagonal, &made->linear, &made->weights, &made->gradient, &made->change, &made->moved};
  double *numbers = assay_calloc(ASSAY_TAG_QUANT, 8 * assets + 3 * n + rows * rows + 7 * rows + 1, sizeof *numbers);
  made->x = numbers; /* owns them all */
  made->places = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *made->places);
  made->row_places = assay_calloc(ASSAY_TAG_QUANT, rows + 1, sizeof *made->row_places);
  made->free = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *made->free);
  made->binding = assay_calloc(ASSAY_TAG_QUANT, rows + 1, sizeof *made->binding);
  if (numbers == NULL || made->places == NULL || made->row_places == NULL || made->free == NULL || made->binding == NULL) goto no_memory;
  for (size_t k = 0; k < 7; k++) *lines[k] = numbers + n + k * assets;
  made->activity = numbers + n + 7 * assets;
  made->multipliers = made->activity + rows;
  made->small = made->multipliers + rows;
  made->rates = made->small + rows;
  made->row_size = made->rates + rows;
  made->shaken = made->row_size + rows;
  made->centre = made->shaken + 2 * n + 2 * rows;
  made->schur = made->centre + assets;
  memcpy(made->x, start->x, n * sizeof *made->x);
  memcpy(made->places, start->places, n * sizeof *made->places);
  make_regular(made, 1);
  use_model_limits(made);
  if (!reserve(made, rows + 16 < n ? rows + 16 : n)) goto no_memory;
  for (size_t v = 0; v < n; v++) {
    made->scale = fmax(made->scale, fabs(start->x[v]));
    if (start->places[v] == ASSAY_BASIC) made->free[made->free_count++] = v;
  }
  for (size_t i = 0; i < assets && n > assets; i++) made->scale = fmax(made->scale, fabs(model->problem->current[i]));
  for (size_t r = 0; r < rows; r++) {
    made->row_places[r] = start->row_places[r];
    if (start->row_places[r] != ASSAY_BASIC) made->binding[made->binding_count++] = r;
    for (size_t v = 0; v < n; v++) made->row_size[r] = fmax(made->row_size[r], fabs(model->matrix[r * n + v]));
    if (isfinite(model->row_low[r])) made->scale = fmax(made->scale, fabs(model->row_low[r]));
  }
  if (made->scale == 0) made->scale = 1;
  *qp = made;
  return ASSAY_OK;
no_memory:
  assay_portfolio_qp_destroy(made);
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", model->assets);
}

void assay_portfolio_qp_destroy(assay_portfolio_qp *qp) {
  if (qp == NULL) return;
  assay_free(qp->x);
  assay_free(qp->places);
  assay_free(qp->row_places);
  assay_free(qp->free);
  assay_free(qp->binding);
  assay_free(qp->factor);
  assay_free(qp->step);
  assay_free(qp->right);
  assay_free(qp->images);
  assay_free(qp);
}

void assay_portfolio_qp_set_linear(assay_portfolio_qp *qp, const double *linear) {
  for (size_t i = 0; i < qp->assets; i++) qp->linear[i] = linear == NULL ? 0 : linear[i];
}

void assay_portfolio_qp_set_diagonal(assay_portfolio_qp *qp, const double *diagonal) {
  for (size_t i = 0; i < qp->assets; i++) qp->diagonal[i] = diagonal == NULL ? 0 : diagonal[i];
}

const double *assay_portfolio_qp_weights(const assay_portfolio_qp *qp) { return qp->weights; }
double assay_portfolio_qp_kkt(const assay_portfolio_qp *qp) { return qp->kkt; }
unsigned assay_portfolio_qp_steps(const assay_portfolio_qp *qp) { return qp->steps; }
double assay_portfolio_qp_multiplier(const assay_portfolio_qp *qp, size_t row) { return qp->multipliers[row]; }

void assay_portfolio_qp_sensitivity(assay_portfolio_qp *qp, const double *along, double *direction) {
  for (size_t f = 0; f < qp->free_count; f++) qp->step[f] = -sign_of(qp, qp->free[f]) * along[asset_of(qp, qp->free[f])];
  forward(qp, qp->step, qp->free_count);
  make_images(qp);
  finish_step(qp, false);
  memset(direction, 0, qp->assets * sizeof *direction);
  for (size_t f = 0; f < qp->free_count; f++) direction[asset_of(qp, qp->free[f])] += sign_of(qp, qp->free[f]) * qp->step[f];
}
