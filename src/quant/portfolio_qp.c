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
#include "quant/portfolio_qp.h"

/* Optimality conditions that are off by no more are not worth another turn. */
static const double NEAR_ENOUGH = 1e-13;

/* The largest violation of an optimality condition, of the problem without what makes it regular: the centre becomes the solution. */
static double check(assay_portfolio_qp *qp) {
  memcpy(qp->centre, qp->weights, qp->assets * sizeof *qp->centre);
  assay_portfolio_qp_refresh(qp);
  double scale = assay_portfolio_qp_gradient_scale(qp), worst = 0;
  for (size_t v = 0; v < qp->n; v++) {
    worst = fmax(worst, qp->places[v] == ASSAY_BASIC ? fabs(assay_portfolio_qp_unexplained(qp, v)) : assay_portfolio_qp_wrong(qp, v));
  }
  for (size_t k = 0; k < qp->binding_count; k++) worst = fmax(worst, assay_portfolio_qp_wrong_row(qp, qp->binding[k]));
  return scale > 0 ? worst / scale : 0;
}

/* How far limits are passed, relative to the weights. */
static double outside_by(const assay_portfolio_qp *qp) {
  double off = 0;
  for (size_t v = 0; v < qp->n; v++) off = fmax(off, fmax(qp->low[v] - qp->x[v], qp->x[v] - qp->high[v]));
  const assay_portfolio_model *model = qp->model;
  for (size_t r = 0; r < qp->rows; r++) off = fmax(off, fmax(model->row_low[r] - qp->activity[r], qp->activity[r] - model->row_high[r]));
  return off / qp->scale;
}

static double largest_step(const assay_portfolio_qp *qp) {
  double largest = 0;
  for (size_t f = 0; f < qp->free_count; f++) largest = fmax(largest, fabs(qp->step[f]));
  return largest;
}

/*
 * Once the active set is right: the same step again with everything fresh takes roundings away, of the multipliers as well, many of them
 * where the covariance is singular or rows hardly differ. Rows are brought to their limits exactly, unless that takes something over its
 * own (where rows hardly differ, a rounding of one is a long way); within what limits give way by, then.
 */
static void polish(assay_portfolio_qp *qp) {
  double enough = 1e-15 * assay_portfolio_qp_gradient_scale(qp), give = 0;
  for (int turn = 0; turn < 12; turn++) {
    assay_portfolio_qp_refresh(qp);
    double before = assay_portfolio_qp_left_over(qp, NULL);
    assay_portfolio_qp_equality_step(qp, give);
    assay_portfolio_qp_release_dependent(qp);
    if (turn == 11) break;
    if (largest_step(qp) <= 1e-15 * qp->scale) {
      double after = assay_portfolio_qp_left_over(qp, NULL);
      if (after <= enough || after > 0.5 * before) break;
    } else if (assay_portfolio_qp_ratio_test(qp).length >= 1) {
      assay_portfolio_qp_move(qp, 1);
    } else if (give == 0) {
      give = ASSAY_PORTFOLIO_GIVE * qp->scale;
    } else {
      break;
    }
  }
  assay_portfolio_qp_refresh(qp);
}

/* After a whole step nothing is left of the free variables' gradient but roundings. Where rows hardly differ these are large, and would
 * decide which constraints are let go. */
static void settle(assay_portfolio_qp *qp) {
  double enough = 1e-12 * assay_portfolio_qp_gradient_scale(qp), before = assay_portfolio_qp_left_over(qp, NULL);
  for (int turn = 0; turn < 4 && before > enough; turn++) {
    assay_portfolio_qp_equality_step(qp, ASSAY_PORTFOLIO_GIVE * qp->scale);
    if (assay_portfolio_qp_ratio_test(qp).length < 1) break;
    assay_portfolio_qp_move(qp, 1);
    double after = assay_portfolio_qp_left_over(qp, NULL);
    if (after > 0.5 * before) break;
    before = after;
  }
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
  assay_portfolio_factor_take_out(qp, place);
}

/* Steps until nothing is left to gain. */
static outcome descend(assay_portfolio_qp *qp) {
  size_t most = 40 * (qp->n + qp->rows) + 1000, still = 0, patience = 2 * qp->rows + 50;
  for (size_t count = 0; count < most && still <= patience; count++) {
    if (count % 50 == 49) assay_portfolio_qp_refresh(qp);
    qp->steps++;
    assay_portfolio_qp_equality_step(qp, ASSAY_PORTFOLIO_GIVE * qp->scale);
    assay_portfolio_qp_release_dependent(qp);
    bool stands = largest_step(qp) <= 1e-15 * qp->scale; /* a rounding, which would be dust at a vertex */
    assay_portfolio_block limit = stands ? (assay_portfolio_block){.place = SIZE_MAX, .row = SIZE_MAX} : assay_portfolio_qp_ratio_test(qp);
    still = limit.length * largest_step(qp) > 1e-14 * qp->scale ? 0 : still + 1;
    if (limit.length > 0) assay_portfolio_qp_move(qp, limit.length);
    if (limit.row != SIZE_MAX) {
      assay_portfolio_qp_bind_row(qp, limit.row, limit.at_high ? ASSAY_AT_HIGH : ASSAY_AT_LOW);
      continue;
    }
    if (limit.place != SIZE_MAX) {
      fix_at(qp, limit.place, limit.at_high);
      continue;
    }
    settle(qp);
    switch (assay_portfolio_qp_let_go(qp)) {
      case -1: return INDEFINITE;
      case -2: return NO_MEMORY;
      case 0: return SETTLED;
      default: break;
    }
  }
  return STUCK;
}

static outcome begin_descent(assay_portfolio_qp *qp) {
  if (!assay_portfolio_factor_refactor(qp)) return INDEFINITE;
  memset(qp->centre, 0, qp->assets * sizeof *qp->centre);
  assay_portfolio_qp_refresh(qp);
  assay_portfolio_qp_release_slack(qp);
  return descend(qp);
}

/* What is at its limit but for a rounding is there: no weights of 1e-17. False: nothing was. */
static bool tidy(assay_portfolio_qp *qp) {
  double near = 2 * ASSAY_PORTFOLIO_GIVE * qp->scale;
  bool any = false;
  for (size_t f = qp->free_count; f-- > 0;) {
    size_t v = qp->free[f];
    double below = qp->x[v] - qp->low[v], above = qp->high[v] - qp->x[v];
    if (!(below <= near || above <= near)) continue;
    fix_at(qp, f, above < below);
    any = true;
  }
  if (any) polish(qp);
  return any;
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

/* From where nothing is left to gain to the answer. */
static outcome finish(assay_portfolio_qp *qp) {
  polish(qp);
  outcome found = recentre(qp);
  if (found != SETTLED) return found;
  double before = qp->kkt;
  bool tidied = tidy(qp);
  qp->kkt = check(qp);
  if (!tidied || qp->kkt <= fmax(NEAR_ENOUGH, 2 * before)) return SETTLED;
  /* It was not for a rounding: a target that only a trace of the asset reaches. */
  found = descend(qp);
  polish(qp);
  qp->kkt = check(qp);
  return found;
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
  qp->row_low = qp->accepted;
  qp->row_high = qp->accepted + qp->rows;
}

/*
 * A row that the start passes by what the simplex method takes for nothing, or keeps but for the rounding of its sum, has its limit where
 * the start is, which may be as far as it can go. Where rows hardly differ a rounding is a long way.
 */
static void accept_limits(assay_portfolio_qp *qp) {
  double *low = qp->accepted, *high = low + qp->rows;
  assay_portfolio_qp_refresh(qp);
  for (size_t r = 0; r < qp->rows; r++) {
    double at = qp->activity[r], nothing = 1e-11 * qp->scale * qp->row_size[r];
    low[r] = qp->model->row_low[r];
    high[r] = qp->model->row_high[r];
    if (low[r] == high[r]) continue;
    if (at >= low[r] - nothing && at <= low[r] + assay_portfolio_rows_rounding(qp, r, low[r])) low[r] = at;
    if (at <= high[r] + nothing && at >= high[r] - assay_portfolio_rows_rounding(qp, r, high[r])) high[r] = at;
  }
}

/* Limits of rows that give way by what sums are known to: another active set may be right with them where rows hardly differ. */
static void widen(assay_portfolio_qp *qp) {
  double *low = qp->accepted, *high = low + qp->rows;
  for (size_t r = 0; r < qp->rows; r++) {
    if (low[r] == high[r]) continue;
    low[r] -= 1e-12 * qp->scale * qp->row_size[r];
    high[r] += 1e-12 * qp->scale * qp->row_size[r];
  }
}

/* Takes the places of x and of the rows as the active set. */
static outcome adopt(assay_portfolio_qp *qp) {
  size_t count = 0;
  qp->free_count = qp->binding_count = 0;
  qp->prepared = false;
  for (size_t v = 0; v < qp->n; v++) count += qp->places[v] == ASSAY_BASIC;
  if (!assay_portfolio_factor_reserve(qp, count)) return NO_MEMORY;
  for (size_t v = 0; v < qp->n; v++) {
    if (qp->places[v] == ASSAY_BASIC) qp->free[qp->free_count++] = v;
  }
  for (size_t r = 0; r < qp->rows; r++) {
    assay_portfolio_rows_set_multiplier(qp, r, 0);
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
  assay_portfolio_qp_refresh(qp);
  if (found != SETTLED) return found;
  assay_portfolio_qp_equality_step(qp, 0);
  assay_portfolio_qp_move(qp, 1);
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
  accept_limits(qp);
  for (int k = 0; k < ATTEMPTS; k++) {
    if (k == 2) widen(qp);
    if (k > 0 || qp->stiffened) make_regular(qp, attempts[k].regular);
    qp->stiffened = k > 0;
    outcome found = k == 0 ? begin_descent(qp) : descend_shaken(qp, attempts[k].shake, (uint64_t)k);
    if (found == INDEFINITE) return not_semidefinite(err);
    if (found == NO_MEMORY) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", qp->assets);
    if (found == STUCK) continue;
    if (finish(qp) != SETTLED) continue;
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
  double *numbers = assay_calloc(ASSAY_TAG_QUANT, 8 * assets + 3 * n + 2 * rows * rows + 11 * rows + 1, sizeof *numbers);
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
  made->spans = made->schur + rows * rows;
  made->row_terms = made->spans + rows * rows;
  made->multiplier_rests = made->row_terms + rows;
  made->accepted = made->multiplier_rests + rows;
  memcpy(made->x, start->x, n * sizeof *made->x);
  memcpy(made->places, start->places, n * sizeof *made->places);
  make_regular(made, 1);
  use_model_limits(made);
  if (!assay_portfolio_factor_reserve(made, rows + 16 < n ? rows + 16 : n)) goto no_memory;
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
