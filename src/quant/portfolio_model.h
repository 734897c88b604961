/* SPDX-License-Identifier: MIT */
/*
 * A portfolio problem as linear constraints on variables: low <= x <= high, row_low <= A x <= row_high. Without a turnover limit x are the
 * weights; with one, weight = current + bought - sold, and x are the bought, then the sold.
 */
#ifndef ASSAY_QUANT_PORTFOLIO_MODEL_H
#define ASSAY_QUANT_PORTFOLIO_MODEL_H

#include <assay/portfolio.h>

typedef enum assay_portfolio_row { ASSAY_ROW_BUDGET, ASSAY_ROW_GROUP, ASSAY_ROW_TURNOVER, ASSAY_ROW_TARGET } assay_portfolio_row;

typedef struct assay_portfolio_model {
  const assay_portfolio_problem *problem;
  size_t assets, count; /* variables: assets, or twice as many */
  size_t rows, capacity;
  double *low, *high;
  double *matrix; /* capacity x count */
  double *row_low, *row_high;
  assay_portfolio_row *kinds;
  size_t *groups; /* which one, where the kind is ASSAY_ROW_GROUP */
} assay_portfolio_model;

/* Checks the problem but for the covariance. */
assay_status assay_portfolio_model_create(const assay_portfolio_problem *problem, assay_error *err, assay_portfolio_model **model);
void assay_portfolio_model_destroy(assay_portfolio_model *model);
/* What it is called, or its number, which `text` has then. */
const char *assay_portfolio_asset_name(const assay_portfolio_problem *problem, size_t asset, char text[32]);
/* One more row: low <= coefficients' weights <= high; not for turnover. At most two can be added. */
void assay_portfolio_model_add(assay_portfolio_model *model, assay_portfolio_row kind, const double *coefficients, double low, double high);

static inline double assay_portfolio_sign(const assay_portfolio_model *model, size_t variable) { return variable < model->assets ? 1 : -1; }
static inline size_t assay_portfolio_asset(const assay_portfolio_model *model, size_t variable) {
  return variable < model->assets ? variable : variable - model->assets;
}

/* ---- Linear programs (portfolio_lp.c) ------------------------------------------------------------------------------------------- */

typedef enum assay_portfolio_place { ASSAY_AT_LOW, ASSAY_AT_HIGH, ASSAY_AT_ZERO, ASSAY_BASIC } assay_portfolio_place;

/* A vertex: the basic variables and the rows that hold them there. */
typedef struct assay_portfolio_vertex {
  double *x;
  assay_portfolio_place *places;     /* of variables */
  assay_portfolio_place *row_places; /* ASSAY_BASIC: the row does not bind */
} assay_portfolio_vertex;

typedef enum assay_portfolio_lp {
  ASSAY_LP_OPTIMAL,
  ASSAY_LP_INFEASIBLE,
  ASSAY_LP_UNBOUNDED,
  ASSAY_LP_FAILED,
  ASSAY_LP_NO_MEMORY
} assay_portfolio_lp;

/*
 * Bounded simplex method: any vertex (cost NULL), or one of least cost. `skip` (NULL: none) marks rows that do not count. The vertex is
 * filled in also when the cost has no limit: any feasible one.
 */
assay_portfolio_lp assay_portfolio_vertex_find(const assay_portfolio_model *model, const double *cost, const bool *skip,
                                               assay_portfolio_vertex *vertex);
assay_status assay_portfolio_vertex_create(const assay_portfolio_model *model, assay_error *err, assay_portfolio_vertex **vertex);
void assay_portfolio_vertex_destroy(assay_portfolio_vertex *vertex);

/* Says which constraints of an infeasible model contradict each other, and by how much. */
assay_status assay_portfolio_explain(const assay_portfolio_model *model, assay_portfolio_vertex *scratch, assay_error *err);

/* ---- Quadratic programs (portfolio_qp.c) ------------------------------------------------------------------------------------------ */

typedef struct assay_portfolio_qp assay_portfolio_qp;

/* Least weights' (covariance + diagonal) weights / 2 + linear' weights. Starts at the vertex, which is copied. The covariance is borrowed.
 */
assay_status assay_portfolio_qp_create(const assay_portfolio_model *model, const double *covariance, const assay_portfolio_vertex *start,
                                       assay_error *err, assay_portfolio_qp **qp);
void assay_portfolio_qp_destroy(assay_portfolio_qp *qp);
/* By asset; NULL: 0. Copied. They may change between solutions, and so may the model's row bounds, as long as the last solution stays
 * feasible. */
void assay_portfolio_qp_set_linear(assay_portfolio_qp *qp, const double *linear);
void assay_portfolio_qp_set_diagonal(assay_portfolio_qp *qp, const double *diagonal);
assay_status assay_portfolio_qp_solve(assay_portfolio_qp *qp, assay_error *err);
/* Of the last solution, by asset. */
const double *assay_portfolio_qp_weights(const assay_portfolio_qp *qp);
double assay_portfolio_qp_kkt(const assay_portfolio_qp *qp);
unsigned assay_portfolio_qp_steps(const assay_portfolio_qp *qp);
/* Multiplier of a row; 0 where it does not bind. */
double assay_portfolio_qp_multiplier(const assay_portfolio_qp *qp, size_t row);
/* How the weights move while `linear` falls by `along` and nothing else begins or stops to bind; by asset. */
void assay_portfolio_qp_sensitivity(assay_portfolio_qp *qp, const double *along, double *direction);

#endif
