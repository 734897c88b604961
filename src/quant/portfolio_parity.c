/* SPDX-License-Identifier: MIT */
/*
 * Risk parity. Where nothing else constrains, y = argmin y'Cy / 2 - sum share log y is parity up to its scale (Spinu 2013): coordinate
 * descent brings it near (Griveau-Billion, Richard and Roncalli 2013), Newton's method to the last digit. Where that breaks a constraint,
 * the same function with a factor c before the logarithms is minimised within the constraints by a sequence of quadratic programs, and c is
 * the one that makes the budget's multiplier 0: so the budget itself moves no risk from one asset to another (Richard and Roncalli 2019).
 */
#include "quant/portfolio_parity.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/portfolio_vector.h"
#include "quant/risk_internal.h"

typedef struct work {
  assay_portfolio_parity *parity;
  size_t n;
  const double *covariance;
  double *shares, *y, *slope, *step, *linear, *diagonal, *trial, *last; /* n each */
  double *matrix;                                                       /* n x n */
  double budget;
  assay_portfolio_model *model; /* with weights held above 0 */
  assay_portfolio_problem problem;
  double *low;
  assay_portfolio_qp *qp;
} work;

static assay_status no_memory(const work *w, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", w->n);
}

static assay_status prepare(work *w, assay_error *err) {
  const double *given = w->parity->shares;
  const assay_portfolio_problem *problem = w->parity->model->problem;
  char text[32];
  double sum = 0;
  for (size_t i = 0; i < w->n; i++) {
    w->shares[i] = given == NULL ? 1 : given[i];
    if (!(w->shares[i] > 0 && w->shares[i] <= 1e100))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: a share of %g in the risk; shares are above 0",
                        assay_portfolio_asset_name(problem, i, text), w->shares[i]);
    if (!(w->covariance[i * w->n + i] > 0))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no variance: it cannot carry a share of the risk",
                        assay_portfolio_asset_name(problem, i, text));
    if (problem->high != NULL && !(problem->high[i] > 0))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "asset %zu: at most %g, but weights of a risk parity are above 0", i, problem->high[i]);
    sum += w->shares[i];
  }
  for (size_t i = 0; i < w->n; i++) w->shares[i] /= sum;
  bool usual = problem->budget_low == 0 && problem->budget_high == 0;
  w->budget = usual ? 1 : problem->budget_low;
  if (!(w->budget > 0) || (!usual && problem->budget_low != problem->budget_high))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "risk parity needs an exact budget above 0, not %g to %g", problem->budget_low,
                      problem->budget_high);
  return ASSAY_OK;
}

static void gradient(const work *w, const double *y, double *out) {
  for (size_t i = 0; i < w->n; i++) out[i] = assay_dot(w->covariance + i * w->n, y, w->n);
}

/* Largest |y (Cy) - share| relative to the share. */
static double off_parity(work *w) {
  double worst = 0;
  gradient(w, w->y, w->slope);
  for (size_t i = 0; i < w->n; i++) {
    double off = fabs(w->y[i] * w->slope[i] / w->shares[i] - 1);
    if (!isfinite(off) || !(w->y[i] > 0)) return INFINITY;
    worst = fmax(worst, off);
  }
  return worst;
}

/* One sweep: each coordinate at its minimum given the others. */
static void descend(work *w) {
  for (size_t i = 0; i < w->n; i++) {
    const double *row = w->covariance + i * w->n;
    double own = row[i], others = assay_dot(row, w->y, w->n) - own * w->y[i];
    double root = sqrt(others * others + 4 * own * w->shares[i]);
    w->y[i] = others > 0 ? 2 * w->shares[i] / (others + root) : (root - others) / (2 * own);
  }
}

static double value(const work *w, const double *y) {
  double sum = 0;
  for (size_t i = 0; i < w->n; i++) sum += 0.5 * y[i] * assay_dot(w->covariance + i * w->n, y, w->n) - w->shares[i] * log(y[i]);
  return sum;
}

/* A damped Newton step; false: there is none. */
static bool newton(work *w) {
  size_t n = w->n;
  memcpy(w->matrix, w->covariance, n * n * sizeof *w->matrix);
  gradient(w, w->y, w->slope);
  for (size_t i = 0; i < n; i++) {
    w->matrix[i * n + i] += w->shares[i] / (w->y[i] * w->y[i]);
    w->step[i] = w->shares[i] / w->y[i] - w->slope[i];
  }
  if (!assay_risk_cholesky(w->matrix, n, w->shares, 0, false)) return false;
  assay_risk_solve_lower(w->matrix, n, w->step);
  assay_risk_solve_upper(w->matrix, n, w->step);
  double length = 1, before = value(w, w->y);
  for (size_t i = 0; i < n; i++) {
    if (w->step[i] < 0) length = fmin(length, -0.95 * w->y[i] / w->step[i]);
  }
  for (int half = 0; half < 30; half++, length /= 2) {
    for (size_t i = 0; i < n; i++) w->trial[i] = w->y[i] + length * w->step[i];
    if (value(w, w->trial) <= before + 1e-14 * fabs(before)) break;
  }
  memcpy(w->y, w->trial, n * sizeof *w->y);
  return true;
}

static assay_status without_constraints(work *w, assay_error *err) {
  for (size_t i = 0; i < w->n; i++) w->y[i] = sqrt(w->shares[i] / w->covariance[i * w->n + i]);
  double off = INFINITY;
  for (int sweep = 0; sweep < 100 && off > 1e-13; sweep++, w->parity->steps++) {
    double before = off;
    descend(w);
    off = off_parity(w);
    /* Newton's method costs as much as some hundred sweeps altogether: are more than that to come at this pace? */
    if (sweep > 4 && off > 1e-13 && log(off / 1e-13) > -200 * log(off / before)) break;
  }
  for (int turn = 0; turn < 60 && off > 1e-13; turn++, w->parity->steps++) {
    if (!newton(w)) break;
    double now = off_parity(w);
    if (now > 0.5 * off && now < 1e-9) break; /* rounding */
    off = now;
  }
  if (!(off_parity(w) < 1e-8))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "some assets cancel each other's risk, so that no weights share it as asked");
  double sum = 0;
  for (size_t i = 0; i < w->n; i++) sum += w->y[i];
  for (size_t i = 0; i < w->n; i++) w->y[i] *= w->budget / sum;
  return ASSAY_OK;
}

/* Does y satisfy bounds, groups and turnover? */
static bool fits(const work *w, const double *y) {
  const assay_portfolio_problem *problem = w->parity->model->problem;
  double slack = 1e-12 * w->budget, turnover = 0;
  for (size_t i = 0; i < w->n; i++) {
    if (problem->low != NULL && y[i] < problem->low[i] - slack) return false;
    if (problem->high != NULL && y[i] > problem->high[i] + slack) return false;
    if (problem->current != NULL) turnover += fabs(y[i] - problem->current[i]);
  }
  if (problem->current != NULL && turnover > problem->turnover + slack) return false;
  for (size_t g = 0; g < problem->group_count; g++) {
    const assay_portfolio_group *group = &problem->groups[g];
    double sum = 0;
    for (size_t k = 0; k < group->count; k++) sum += y[group->members[k]] * (group->coefficients == NULL ? 1 : group->coefficients[k]);
    if (sum < group->low - slack || sum > group->high + slack) return false;
  }
  return true;
}

/* ---- With constraints --------------------------------------------------------------------------------------------------------------- */

/* A model whose weights are at least `share` of parity's, and a vertex of it. */
static assay_status model_above(work *w, double share, assay_error *err) {
  w->problem = *w->parity->model->problem;
  for (size_t i = 0; i < w->n; i++) {
    double low = w->problem.low == NULL ? 0 : w->problem.low[i], least = share * w->y[i];
    if (w->problem.high != NULL) least = fmin(least, 0.5 * w->problem.high[i]);
    w->low[i] = fmax(low, least);
  }
  w->problem.low = w->low;
  assay_portfolio_model_destroy(w->model);
  w->model = NULL;
  assay_status status = assay_portfolio_model_create(&w->problem, err, &w->model);
  if (status != ASSAY_OK) return status;
  assay_portfolio_lp answer = assay_portfolio_vertex_find(w->model, NULL, NULL, w->parity->vertex);
  if (answer == ASSAY_LP_INFEASIBLE) return assay_portfolio_explain(w->model, w->parity->vertex, err);
  return answer == ASSAY_LP_OPTIMAL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the constraints are too badly scaled to be solved");
}

/* The feasible weights nearest to parity, relative to each: where the search begins. */
static assay_status nearest_start(work *w, assay_error *err) {
  assay_status status = model_above(w, 1e-3, NULL);
  if (status != ASSAY_OK) status = model_above(w, 1e-9, err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < w->n; i++) {
    w->linear[i] = -1 / w->y[i];
    w->diagonal[i] = 1 / (w->y[i] * w->y[i]);
  }
  memset(w->matrix, 0, w->n * w->n * sizeof *w->matrix);
  status = assay_portfolio_qp_create(w->model, w->matrix, w->parity->vertex, err, &w->qp);
  if (status != ASSAY_OK) return status;
  assay_portfolio_qp_set_linear(w->qp, w->linear);
  assay_portfolio_qp_set_diagonal(w->qp, w->diagonal);
  status = assay_portfolio_qp_solve(w->qp, err);
  if (status == ASSAY_OK) memcpy(w->y, assay_portfolio_qp_weights(w->qp), w->n * sizeof *w->y);
  assay_portfolio_qp_destroy(w->qp);
  w->qp = NULL;
  return status;
}

static double value_at(const work *w, const double *y, double c) {
  double sum = 0;
  for (size_t i = 0; i < w->n; i++) sum += 0.5 * y[i] * assay_dot(w->covariance + i * w->n, y, w->n) - c * w->shares[i] * log(y[i]);
  return sum;
}

/* Minimum for one c: quadratic models around y, each solved within the constraints. *price: the budget's multiplier. */
static assay_status minimise(work *w, double c, assay_error *err, double *price) {
  for (int turn = 0; turn < 100; turn++) {
    for (size_t i = 0; i < w->n; i++) {
      w->diagonal[i] = c * w->shares[i] / (w->y[i] * w->y[i]);
      w->linear[i] = -2 * c * w->shares[i] / w->y[i];
    }
    assay_portfolio_qp_set_linear(w->qp, w->linear);
    assay_portfolio_qp_set_diagonal(w->qp, w->diagonal);
    assay_status status = assay_portfolio_qp_solve(w->qp, err);
    if (status != ASSAY_OK) return status;
    w->parity->steps++;
    const double *aim = assay_portfolio_qp_weights(w->qp);
    double length = 1, largest = 0, before = value_at(w, w->y, c);
    for (size_t i = 0; i < w->n; i++) {
      w->step[i] = aim[i] - w->y[i];
      largest = fmax(largest, fabs(w->step[i]) / w->y[i]);
      if (w->step[i] < 0) length = fmin(length, -0.9 * w->y[i] / w->step[i]);
    }
    *price = assay_portfolio_qp_multiplier(w->qp, 0);
    for (int half = 0; half < 30 && largest > 1e-6; half++, length /= 2) {
      for (size_t i = 0; i < w->n; i++) w->trial[i] = w->y[i] + length * w->step[i];
      if (value_at(w, w->trial, c) <= before) break;
    }
    for (size_t i = 0; i < w->n; i++) w->y[i] += length * w->step[i];
    if (largest < 1e-9) return ASSAY_OK; /* the next step would be its square */
  }
  return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the risk parity did not settle: the constraints leave hardly any room");
}

static bool same_weights(const work *w) {
  for (size_t i = 0; i < w->n; i++) {
    if (fabs(w->y[i] - w->last[i]) > 1e-10 * w->y[i]) return false;
  }
  return true;
}

static assay_status with_constraints(work *w, assay_error *err) {
  assay_status status = nearest_start(w, err);
  /* From here on the logarithm alone keeps weights above 0. */
  if (status == ASSAY_OK) status = model_above(w, 1e-12, err);
  if (status == ASSAY_OK) status = assay_portfolio_qp_create(w->model, w->covariance, w->parity->vertex, err, &w->qp);
  if (status != ASSAY_OK) return status;
  double variance = 0;
  for (size_t i = 0; i < w->n; i++) variance += w->y[i] * assay_dot(w->covariance + i * w->n, w->y, w->n);
  double c = variance, low = 0, high = INFINITY, last_c = 0, last_price = 0, price = 0;
  for (int turn = 0; turn < 100; turn++) {
    memcpy(w->last, w->y, w->n * sizeof *w->y);
    status = minimise(w, c, err, &price);
    if (status != ASSAY_OK) return status;
    price *= w->budget;
    if (turn > 0 && fabs(c - last_c) >= 1e-3 * last_c && same_weights(w)) {
      price = 0; /* the constraints leave no choice, so that the budget's price means nothing */
      break;
    }
    if (fabs(price) <= 1e-11 * c) break;
    if (price > 0) {
      low = c;
    } else {
      high = c;
    }
    double next = turn == 0 || price == last_price ? c + price : c - price * (c - last_c) / (price - last_price);
    if (!(next > low && next < high)) next = isinf(high) ? 2 * c : (low + high) / 2;
    if (fabs(next - c) <= 1e-13 * c) break;
    last_c = c;
    last_price = price;
    c = next;
  }
  w->parity->kkt = fmax(assay_portfolio_qp_kkt(w->qp), fabs(price) / c);
  return ASSAY_OK;
}

assay_status assay_portfolio_parity_solve(assay_portfolio_parity *parity, assay_error *err) {
  size_t n = parity->model->assets;
  work w = {.parity = parity, .n = n, .covariance = parity->covariance};
  double *block = assay_calloc(ASSAY_TAG_QUANT, 9 * n + n * n, sizeof *block);
  if (block == NULL) return no_memory(&w, err);
  double **const lines[] = {&w.shares, &w.y, &w.slope, &w.step, &w.linear, &w.diagonal, &w.trial, &w.low, &w.last};
  for (size_t k = 0; k < 9; k++) *lines[k] = block + k * n;
  w.matrix = block + 9 * n;
  parity->steps = 0;
  assay_status status = prepare(&w, err);
  /* Contradictions are told in the terms of the problem, before weights are held above 0. */
  if (status == ASSAY_OK && assay_portfolio_vertex_find(parity->model, NULL, NULL, parity->vertex) == ASSAY_LP_INFEASIBLE)
    status = assay_portfolio_explain(parity->model, parity->vertex, err);
  if (status == ASSAY_OK) status = without_constraints(&w, err);
  if (status == ASSAY_OK) {
    gradient(&w, w.y, w.slope);
    if (fits(&w, w.y)) {
      double variance = assay_dot(w.y, w.slope, n);
      parity->kkt = 0;
      for (size_t i = 0; i < n; i++) parity->kkt = fmax(parity->kkt, fabs(w.y[i] * w.slope[i] / (w.shares[i] * variance) - 1));
    } else {
      status = with_constraints(&w, err);
    }
  }
  if (status == ASSAY_OK) memcpy(parity->weights, w.y, n * sizeof *w.y);
  assay_portfolio_qp_destroy(w.qp);
  assay_portfolio_model_destroy(w.model);
  assay_free(block);
  return status;
}
