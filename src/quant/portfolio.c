/* SPDX-License-Identifier: MIT */
/* Portfolios of least variance, along the frontier and at the largest Sharpe ratio: what is asked, as quadratic programs. */
#include <assay/portfolio.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/portfolio_model.h"
#include "quant/portfolio_parity.h"
#include "quant/portfolio_vector.h"
#include "quant/risk_internal.h"

/* One call's own things. */
typedef struct job {
  const assay_portfolio_problem *problem;
  assay_portfolio_model *model;
  assay_portfolio_vertex *vertex;
  assay_portfolio_qp *qp;
  double *covariance; /* exactly symmetric, its largest variance near 1 */
  double scale;       /* covariance = given * scale */
  double *linear, *direction;
} job;

static assay_status no_memory(const assay_portfolio_problem *problem, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", problem->assets);
}

static assay_status check_weights(const double *weights, assay_error *err) {
  return weights != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no array for the weights (NULL)");
}

static void end(job *j) {
  assay_portfolio_qp_destroy(j->qp);
  assay_portfolio_vertex_destroy(j->vertex);
  assay_portfolio_model_destroy(j->model);
  assay_free(j->covariance);
  assay_free(j->linear);
}

/* A power of two, so that nothing is rounded. */
static double scale_of(const double *covariance, size_t n) {
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, covariance[i * n + i]);
  if (largest == 0) return 1;
  int exponent;
  frexp(largest, &exponent);
  return ldexp(1, exponent > 1000 ? -1000 : exponent < -1000 ? 1000 : -exponent);
}

static assay_status begin(job *j, const assay_portfolio_problem *problem, bool needs_expected, const double *weights, assay_error *err) {
  *j = (job){.problem = problem};
  assay_status status = check_weights(weights, err);
  if (status == ASSAY_OK) status = assay_portfolio_model_create(problem, err, &j->model);
  if (status != ASSAY_OK) return status;
  size_t n = problem->assets;
  if (needs_expected && problem->expected == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "this needs the assets' expected returns");
  if (problem->covariance == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a portfolio needs a covariance");
  status = assay_risk_check_covariance(problem->covariance, n, "the covariance", err);
  if (status != ASSAY_OK) return status;
  j->covariance = assay_alloc(ASSAY_TAG_QUANT, n * n * sizeof *j->covariance);
  j->linear = assay_calloc(ASSAY_TAG_QUANT, 3 * n, sizeof *j->linear);
  if (j->covariance == NULL || j->linear == NULL) return no_memory(problem, err);
  j->direction = j->linear + n;
  j->scale = scale_of(problem->covariance, n);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k <= i; k++)
      j->covariance[i * n + k] = (problem->covariance[i * n + k] / 2 + problem->covariance[k * n + i] / 2) * j->scale;
  }
  enum { TILE = 32 };
  for (size_t i0 = 0; i0 < n; i0 += TILE) {
    for (size_t k0 = 0; k0 <= i0; k0 += TILE) {
      for (size_t i = i0; i < n && i < i0 + TILE; i++) {
        for (size_t k = k0; k < i && k < k0 + TILE; k++) j->covariance[k * n + i] = j->covariance[i * n + k];
      }
    }
  }
  return assay_portfolio_vertex_create(j->model, err, &j->vertex);
}

/* A vertex to start from, the cheapest one by a cost for each asset. *unbounded: the cost has no limit. */
static assay_status start(job *j, const double *cost, assay_error *err, bool *unbounded) {
  size_t n = j->model->count;
  double *costs = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *costs);
  if (costs == NULL) return no_memory(j->problem, err);
  for (size_t v = 0; v < n; v++) costs[v] = assay_portfolio_sign(j->model, v) * cost[assay_portfolio_asset(j->model, v)];
  assay_portfolio_lp answer = assay_portfolio_vertex_find(j->model, costs, NULL, j->vertex);
  assay_free(costs);
  if (unbounded != NULL) *unbounded = answer == ASSAY_LP_UNBOUNDED;
  switch (answer) {
    case ASSAY_LP_OPTIMAL:
    case ASSAY_LP_UNBOUNDED: return ASSAY_OK;
    case ASSAY_LP_INFEASIBLE: return assay_portfolio_explain(j->model, j->vertex, err);
    case ASSAY_LP_NO_MEMORY: return no_memory(j->problem, err);
    case ASSAY_LP_FAILED:
    default: return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the constraints are too badly scaled to be solved");
  }
}

static double variance_of(const job *j, const double *weights);

static void weights_of_vertex(const job *j, double *weights) {
  size_t n = j->problem->assets;
  for (size_t i = 0; i < n; i++) weights[i] = j->problem->current != NULL ? j->problem->current[i] : 0;
  for (size_t v = 0; v < j->model->count; v++)
    weights[assay_portfolio_asset(j->model, v)] += assay_portfolio_sign(j->model, v) * j->vertex->x[v];
}

/* From the vertex of the quietest assets. */
static assay_status start_quiet(job *j, assay_error *err) {
  size_t n = j->problem->assets;
  for (size_t i = 0; i < n; i++) j->linear[i] = j->covariance[i * n + i];
  assay_status status = start(j, j->linear, err, NULL);
  if (status == ASSAY_OK) return assay_portfolio_qp_create(j->model, j->covariance, j->vertex, err, &j->qp);
  return status;
}

/* ---- Rays -------------------------------------------------------------------------------------------------------------------------
 *
 * Where weights have no bounds, return may rise without end while risk does not: along a ray d that the constraints leave open, with no
 * variance of its own. What makes a singular covariance regular would end it somewhere, at weights of a million.
 */

static double opened(double limit) { return isinf(limit) ? limit : 0; }

/* The directions that the constraints leave open, as a problem: every finite limit is 0. False: out of memory. `groups` has one more. */
static bool open_cone(const job *j, double *numbers, size_t *members, assay_portfolio_group *groups, assay_portfolio_problem *cone) {
  const assay_portfolio_problem *given = j->problem;
  size_t n = given->assets;
  double *low = numbers, *high = numbers + n;
  bool usual = given->budget_low == 0 && given->budget_high == 0;
  for (size_t i = 0; i < n; i++) {
    low[i] = given->low == NULL ? 0 : opened(given->low[i]);
    high[i] = given->high == NULL ? INFINITY : opened(given->high[i]);
    members[i] = i;
  }
  for (size_t g = 0; g < given->group_count; g++) {
    groups[g] = given->groups[g];
    groups[g].low = opened(groups[g].low);
    groups[g].high = opened(groups[g].high);
  }
  groups[given->group_count] = (assay_portfolio_group){.name = "budget",
                                                       .count = n,
                                                       .members = members,
                                                       .low = usual ? 0 : opened(given->budget_low),
                                                       .high = usual ? 0 : opened(given->budget_high)};
  *cone = (assay_portfolio_problem){.assets = n,
                                    .low = low,
                                    .high = high,
                                    .budget_low = -INFINITY,
                                    .budget_high = INFINITY,
                                    .groups = groups,
                                    .group_count = given->group_count + 1};
  return given->group_count < ASSAY_PORTFOLIO_MOST_GROUPS;
}

/* The least variance of a direction of that problem that gains 1, relative to what its weights would have alone; infinite: none gains. */
static double least_ray(const job *j, const assay_portfolio_problem *cone, const double *gains) {
  size_t n = cone->assets;
  job ray = {.problem = cone, .covariance = j->covariance};
  double found = INFINITY;
  if (assay_portfolio_model_create(cone, NULL, &ray.model) == ASSAY_OK) {
    assay_portfolio_model_add(ray.model, ASSAY_ROW_TARGET, gains, 1, INFINITY);
    bool starts = assay_portfolio_vertex_create(ray.model, NULL, &ray.vertex) == ASSAY_OK &&
                  assay_portfolio_vertex_find(ray.model, NULL, NULL, ray.vertex) == ASSAY_LP_OPTIMAL;
    if (starts && assay_portfolio_qp_create(ray.model, j->covariance, ray.vertex, NULL, &ray.qp) == ASSAY_OK &&
        assay_portfolio_qp_solve(ray.qp, NULL) == ASSAY_OK) {
      const double *d = assay_portfolio_qp_weights(ray.qp);
      double size = 0, variance = 0;
      for (size_t i = 0; i < n; i++) {
        size += fabs(d[i]) * sqrt(j->covariance[i * n + i]);
        variance += d[i] * assay_dot(j->covariance + i * n, d, n);
      }
      found = size > 0 ? fmax(variance, 0) / (size * size) : 0;
    }
  }
  ray.covariance = NULL; /* borrowed */
  end(&ray);
  return found;
}

static bool has_ray(const job *j, const double *returns) {
  size_t n = j->problem->assets, groups = j->problem->group_count + 1;
  double unit = 0;
  for (size_t i = 0; i < n; i++) unit = fmax(unit, fabs(returns[i]));
  if (unit == 0 || (j->problem->current != NULL && isfinite(j->problem->turnover))) return false;
  double *numbers = assay_calloc(ASSAY_TAG_QUANT, 3 * n, sizeof *numbers);
  size_t *members = assay_calloc(ASSAY_TAG_QUANT, n, sizeof *members);
  assay_portfolio_group *limits = assay_calloc(ASSAY_TAG_QUANT, groups, sizeof *limits);
  assay_portfolio_problem cone;
  bool found = false;
  if (numbers != NULL && members != NULL && limits != NULL && open_cone(j, numbers, members, limits, &cone)) {
    for (size_t i = 0; i < n; i++) numbers[2 * n + i] = returns[i] / unit;
    found = least_ray(j, &cone, numbers + 2 * n) <= 1e-10;
  }
  assay_free(numbers);
  assay_free(members);
  assay_free(limits);
  return found;
}

/* After a solution, or none: does it end only where rounding does? Weights have hardly any risk for their size then. */
static assay_status check_ray(const job *j, const double *returns, assay_status status, assay_error *err) {
  size_t n = j->problem->assets;
  if (status != ASSAY_OK && status != ASSAY_ERR_INTERNAL && status != ASSAY_ERR_LIMIT) return status;
  if (status == ASSAY_OK) {
    const double *w = assay_portfolio_qp_weights(j->qp);
    double size = 0;
    for (size_t i = 0; i < n; i++) size += fabs(w[i]) * sqrt(j->covariance[i * n + i]);
    if (variance_of(j, w) > 1e-6 * size * size) return status;
  }
  if (!has_ray(j, returns)) return status;
  assay_error_clear(err);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                    "the return rises without limit at no more risk: some assets cancel each other's risk and nothing bounds their weights "
                    "(give bounds, or a turnover limit)");
}

static double variance_of(const job *j, const double *weights) {
  size_t n = j->problem->assets;
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    if (weights[i] != 0) sum += weights[i] * assay_dot(j->covariance + i * n, weights, n);
  }
  return fmax(sum, 0);
}

static void report(const job *j, const double *found, double risk_free, double *out, assay_portfolio_result *result) {
  size_t n = j->problem->assets;
  double *weights = j->linear, heaviest = 0; /* no longer needed */
  for (size_t i = 0; i < n; i++) heaviest = fmax(heaviest, fabs(found[i]));
  for (size_t i = 0; i < n; i++) weights[i] = fabs(found[i]) > 1e-15 * heaviest ? found[i] : 0; /* no dust */
  assay_portfolio_result made = {.expected_return = NAN, .sharpe = NAN};
  made.volatility = sqrt(variance_of(j, weights) / j->scale);
  double excess = 0;
  if (j->problem->expected != NULL) {
    made.expected_return = 0;
    for (size_t i = 0; i < n; i++) {
      made.expected_return += weights[i] * j->problem->expected[i];
      excess += weights[i] * (j->problem->expected[i] - risk_free);
    }
    if (made.volatility > 0) made.sharpe = excess / made.volatility;
  }
  for (size_t i = 0; i < n; i++) made.held += weights[i] != 0;
  if (j->qp != NULL) {
    made.steps = assay_portfolio_qp_steps(j->qp);
    made.kkt = assay_portfolio_qp_kkt(j->qp);
  }
  memmove(out, weights, n * sizeof *out);
  if (result != NULL) *result = made;
}

assay_status assay_portfolio_feasible(const assay_portfolio_problem *problem, assay_error *err) {
  ASSAY_FLOAT_USUAL;
  job j = {.problem = problem};
  assay_status status = assay_portfolio_model_create(problem, err, &j.model);
  if (status == ASSAY_OK) status = assay_portfolio_vertex_create(j.model, err, &j.vertex);
  if (status == ASSAY_OK) {
    j.linear = assay_calloc(ASSAY_TAG_QUANT, problem->assets, sizeof *j.linear);
    status = j.linear == NULL ? no_memory(problem, err) : start(&j, j.linear, err, NULL);
  }
  end(&j);
  return status;
}

assay_status assay_portfolio_minimum_variance(const assay_portfolio_problem *problem, assay_error *err, double *weights,
                                              assay_portfolio_result *result) {
  ASSAY_FLOAT_USUAL;
  return assay_portfolio_mean_variance(problem, 0, err, weights, result);
}

assay_status assay_portfolio_mean_variance(const assay_portfolio_problem *problem, double tolerance, assay_error *err, double *weights,
                                           assay_portfolio_result *result) {
  ASSAY_FLOAT_USUAL;
  job j;
  if (!(tolerance >= 0 && isfinite(tolerance)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a risk tolerance of %g: it is 0 or more", tolerance);
  assay_status status = begin(&j, problem, tolerance > 0, weights, err);
  if (status == ASSAY_OK) status = start_quiet(&j, err);
  if (status == ASSAY_OK) {
    for (size_t i = 0; i < problem->assets; i++) j.linear[i] = tolerance > 0 ? -tolerance * problem->expected[i] * j.scale : 0;
    assay_portfolio_qp_set_linear(j.qp, j.linear);
    status = assay_portfolio_qp_solve(j.qp, err);
    if (tolerance > 0) status = check_ray(&j, problem->expected, status, err);
  }
  if (status == ASSAY_OK) report(&j, assay_portfolio_qp_weights(j.qp), 0, weights, result);
  end(&j);
  return status;
}

/* The vertex of the largest return; *unbounded: it has no limit, and the vertex is any. */
static assay_status start_at_most(job *j, assay_error *err, bool *unbounded) {
  for (size_t i = 0; i < j->problem->assets; i++) j->linear[i] = -j->problem->expected[i];
  return start(j, j->linear, err, unbounded);
}

/* A target as a constraint that the vertex does not use yet. */
static void add_target(job *j, double target) {
  j->vertex->row_places[j->model->rows] = ASSAY_BASIC;
  assay_portfolio_model_add(j->model, ASSAY_ROW_TARGET, j->problem->expected, target, INFINITY);
}

/* What the target row may be short of at the vertex of the largest return: roundings of the sum. */
static bool reaches_target(const job *j) {
  size_t n = j->model->count, row = j->model->rows - 1;
  const double *coefficients = j->model->matrix + row * n;
  double sum = 0, terms = fabs(j->model->row_low[row]);
  for (size_t v = 0; v < n; v++) {
    sum += coefficients[v] * j->vertex->x[v];
    terms += fabs(coefficients[v] * j->vertex->x[v]);
  }
  return sum >= j->model->row_low[row] - 1e-12 * terms;
}

/*
 * The solver goes down from the vertex of the largest return. A vertex with the target as one of its constraints would lie between two
 * assets, and where their returns hardly differ it could lie anywhere between them.
 */
static assay_status start_above_target(job *j, double target, assay_error *err) {
  bool unbounded = false;
  assay_status status = start_at_most(j, err, &unbounded);
  if (status != ASSAY_OK) return status;
  add_target(j, target);
  if (unbounded || !reaches_target(j)) return start_quiet(j, err);
  return assay_portfolio_qp_create(j->model, j->covariance, j->vertex, err, &j->qp);
}

assay_status assay_portfolio_target_return(const assay_portfolio_problem *problem, double target, assay_error *err, double *weights,
                                           assay_portfolio_result *result) {
  ASSAY_FLOAT_USUAL;
  job j;
  if (!isfinite(target)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a target return of %g", target);
  assay_status status = begin(&j, problem, true, weights, err);
  if (status == ASSAY_OK) status = start_above_target(&j, target, err);
  if (status == ASSAY_OK) status = assay_portfolio_qp_solve(j.qp, err);
  if (status == ASSAY_OK) report(&j, assay_portfolio_qp_weights(j.qp), 0, weights, result);
  end(&j);
  return status;
}

/* ---- Sharpe ----------------------------------------------------------------------------------------------------------------------- */

/*
 * With e the returns over the risk-free one, w(l) = argmin w'Cw / 2 - l e'w runs along the frontier, and the ratio is largest where
 * l = variance / excess. While the active set stays, w moves on a line, w = a + b l, along which variance is Va + q l^2 and excess
 * Ea + q l (q = e'b): so the root is l = Va / Ea, and the right one once the active set at it is the same. Brackets
 * keep the search from going in circles.
 */
static assay_status search_sharpe(job *j, const double *excess, double unit, double first, assay_error *err) {
  size_t n = j->problem->assets;
  double low = 0, high = INFINITY, l = first;
  for (int turn = 0; turn < 200; turn++) {
    for (size_t i = 0; i < n; i++) j->linear[i] = -l * excess[i];
    assay_portfolio_qp_set_linear(j->qp, j->linear);
    assay_status status = assay_portfolio_qp_solve(j->qp, err);
    if (status != ASSAY_OK) return status;
    const double *w = assay_portfolio_qp_weights(j->qp);
    double variance = variance_of(j, w), earned = assay_dot(excess, w, n), size = 0;
    for (size_t i = 0; i < n; i++) size += fabs(excess[i] * w[i]);
    if (earned > 0 && variance <= 1e-20 * earned * earned / (size > 0 ? size * size : 1))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "a portfolio earns %g over the risk-free return without any risk: its Sharpe ratio has no limit", earned * unit);
    double off = l * earned - variance;
    if (fabs(off) <= 4e-15 * variance && earned > 0) return ASSAY_OK;
    if (off < 0) {
      low = l;
    } else {
      high = l;
    }
    assay_portfolio_qp_sensitivity(j->qp, excess, j->direction);
    double q = assay_dot(excess, j->direction, n);
    double next = (variance - q * l * l) / (earned - q * l);
    if (!(next > low && next < high)) next = isinf(high) ? 4 * l : (low + high) / 2;
    if (fabs(next - l) <= 1e-15 * l) return ASSAY_OK;
    if (!(next < 1e200)) break;
    l = next;
  }
  const double *w = assay_portfolio_qp_weights(j->qp);
  if (!(assay_dot(excess, w, n) > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio within the constraints earns more than the risk-free return");
  return ASSAY_OK; /* between two neighbouring numbers */
}

assay_status assay_portfolio_maximum_sharpe(const assay_portfolio_problem *problem, double risk_free, assay_error *err, double *weights,
                                            assay_portfolio_result *result) {
  ASSAY_FLOAT_USUAL;
  job j;
  if (!isfinite(risk_free)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a risk-free return of %g", risk_free);
  assay_status status = begin(&j, problem, true, weights, err);
  double *excess = status == ASSAY_OK ? assay_calloc(ASSAY_TAG_QUANT, problem->assets, sizeof *excess) : NULL;
  if (status == ASSAY_OK && excess == NULL) status = no_memory(problem, err);
  bool unbounded = false;
  double unit = 0;
  if (status == ASSAY_OK) {
    for (size_t i = 0; i < problem->assets; i++) {
      excess[i] = problem->expected[i] - risk_free;
      unit = fmax(unit, fabs(excess[i]));
      j.linear[i] = -excess[i];
    }
    status = start(&j, j.linear, err, &unbounded);
  }
  if (status == ASSAY_OK) {
    for (size_t i = 0; i < problem->assets; i++) excess[i] /= unit > 0 ? unit : 1; /* only their proportions count */
    status = assay_portfolio_qp_create(j.model, j.covariance, j.vertex, err, &j.qp);
  }
  if (status == ASSAY_OK) {
    double earned = 0, *held = j.direction;
    weights_of_vertex(&j, held);
    earned = assay_dot(excess, held, problem->assets);
    if (!unbounded && !(earned > 0)) {
      status =
          ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                     "no portfolio within the constraints earns more than the risk-free return: the most is %g over it", earned * unit);
    } else {
      double variance = variance_of(&j, held);
      status = search_sharpe(&j, excess, unit, variance > 0 && earned > 0 ? variance / earned : 1, err);
      if (unbounded) status = check_ray(&j, excess, status, err);
    }
  }
  if (status == ASSAY_OK) report(&j, assay_portfolio_qp_weights(j.qp), risk_free, weights, result);
  assay_free(excess);
  end(&j);
  return status;
}

/* ---- Frontier --------------------------------------------------------------------------------------------------------------------- */

static double return_of(const job *j, const double *weights) { return assay_dot(j->problem->expected, weights, j->problem->assets); }

/* From the largest return down: every solution stays feasible for the next lower target. */
static assay_status walk_frontier(job *j, size_t points, double lowest, double highest, assay_error *err, double *weights,
                                  assay_portfolio_result *results) {
  size_t n = j->problem->assets;
  size_t row = j->model->rows;
  assay_status status = start_at_most(j, err, NULL);
  if (status != ASSAY_OK) return status;
  add_target(j, highest);
  double offset = highest - j->model->row_low[row]; /* what is held now earns */
  status = assay_portfolio_qp_create(j->model, j->covariance, j->vertex, err, &j->qp);
  for (size_t k = points; k-- > 0 && status == ASSAY_OK;) {
    double target = lowest + (highest - lowest) * (double)k / (double)(points - 1);
    double low = target - offset;
    if (low < j->model->row_low[row]) j->model->row_low[row] = low;
    status = assay_portfolio_qp_solve(j->qp, err);
    if (status != ASSAY_OK) break;
    const double *found = assay_portfolio_qp_weights(j->qp);
    report(j, found, 0, weights + k * n, &results[k]);
  }
  return status;
}

assay_status assay_portfolio_frontier(const assay_portfolio_problem *problem, size_t points, assay_error *err, double *weights,
                                      assay_portfolio_result *results) {
  ASSAY_FLOAT_USUAL;
  if (points < 2 || points > 100000) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a frontier of %zu points: 2 to 100000", points);
  job j;
  assay_status status = begin(&j, problem, true, weights, err);
  size_t n = status == ASSAY_OK ? problem->assets : 0;
  double *made = status == ASSAY_OK ? assay_calloc(ASSAY_TAG_QUANT, points * n, sizeof *made) : NULL;
  assay_portfolio_result *found = status == ASSAY_OK ? assay_calloc(ASSAY_TAG_QUANT, points, sizeof *found) : NULL;
  if (status == ASSAY_OK && (made == NULL || found == NULL)) status = no_memory(problem, err);
  double lowest = 0, highest = 0;
  bool unbounded = false;
  if (status == ASSAY_OK) {
    status = start_at_most(&j, err, &unbounded);
  }
  if (status == ASSAY_OK && unbounded)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the expected return has no limit: give the weights bounds, or a turnover limit");
  if (status == ASSAY_OK) {
    for (size_t v = 0; v < j.model->count; v++)
      highest += assay_portfolio_sign(j.model, v) * j.vertex->x[v] * problem->expected[assay_portfolio_asset(j.model, v)];
    if (problem->current != NULL) highest += return_of(&j, problem->current);
    status = start_quiet(&j, err);
  }
  if (status == ASSAY_OK) status = assay_portfolio_qp_solve(j.qp, err);
  if (status == ASSAY_OK) {
    lowest = fmin(return_of(&j, assay_portfolio_qp_weights(j.qp)), highest);
    assay_portfolio_qp_destroy(j.qp);
    j.qp = NULL;
    assay_portfolio_vertex_destroy(j.vertex);
    j.vertex = NULL;
    status = assay_portfolio_vertex_create(j.model, err, &j.vertex);
  }
  if (status == ASSAY_OK) status = walk_frontier(&j, points, lowest, highest, err, made, found);
  if (status == ASSAY_OK) {
    memcpy(weights, made, points * n * sizeof *weights);
    if (results != NULL) memcpy(results, found, points * sizeof *results);
  }
  assay_free(made);
  assay_free(found);
  end(&j);
  return status;
}

/* ---- Parity ----------------------------------------------------------------------------------------------------------------------- */

assay_status assay_portfolio_risk_parity(const assay_portfolio_problem *problem, const double *shares, assay_error *err, double *weights,
                                         assay_portfolio_result *result) {
  ASSAY_FLOAT_USUAL;
  job j;
  assay_status status = begin(&j, problem, false, weights, err);
  if (status == ASSAY_OK) {
    assay_portfolio_parity parity = {
        .model = j.model, .vertex = j.vertex, .covariance = j.covariance, .shares = shares, .weights = j.linear};
    status = assay_portfolio_parity_solve(&parity, err);
    if (status == ASSAY_OK) {
      assay_portfolio_result made;
      report(&j, j.linear, 0, weights, &made);
      made.steps = parity.steps;
      made.kkt = parity.kkt;
      if (result != NULL) *result = made;
    }
  }
  end(&j);
  return status;
}
