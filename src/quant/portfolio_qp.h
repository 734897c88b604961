/* SPDX-License-Identifier: MIT */
/* The inside of the quadratic programs of portfolios: the problem and where its solution stands, its factor, and one step. */
#ifndef ASSAY_QUANT_PORTFOLIO_QP_H
#define ASSAY_QUANT_PORTFOLIO_QP_H

#include <stdint.h>

#include "quant/portfolio_model.h"

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

static inline double assay_portfolio_qp_sign(const assay_portfolio_qp *qp, size_t v) { return assay_portfolio_sign(qp->model, v); }
static inline size_t assay_portfolio_qp_asset(const assay_portfolio_qp *qp, size_t v) { return assay_portfolio_asset(qp->model, v); }

/* ---- The factor (portfolio_factor.c) ------------------------------------------------------------------------------------------------- */

/* Room for so many free variables; false: no memory. */
bool assay_portfolio_factor_reserve(assay_portfolio_qp *qp, size_t needed);
/* b becomes L^-1 b, or L'^-1 b. */
void assay_portfolio_factor_forward(const assay_portfolio_qp *qp, double *b, size_t count);
void assay_portfolio_factor_backward(const assay_portfolio_qp *qp, double *b, size_t count);
/* Appends a variable; false: the covariance is not positive semidefinite. */
bool assay_portfolio_factor_append(assay_portfolio_qp *qp, size_t v);
/* Takes out the variable at `place` of the factor. */
void assay_portfolio_factor_take_out(assay_portfolio_qp *qp, size_t place);
/* All of it anew, after the diagonal changed; false: not positive semidefinite. */
bool assay_portfolio_factor_refactor(assay_portfolio_qp *qp);

/* ---- One step (portfolio_step.c) ----------------------------------------------------------------------------------------------------- */

/* By how much a limit gives way, relative to the weights. */
#define ASSAY_PORTFOLIO_GIVE 1e-13

typedef struct assay_portfolio_block {
  double length; /* how far the step can go, at most 1 */
  size_t place;  /* of the factor; SIZE_MAX: a row, or nothing */
  size_t row;    /* SIZE_MAX: none */
  bool at_high;
} assay_portfolio_block;

/* Weights, gradient and activities from x. */
void assay_portfolio_qp_refresh(assay_portfolio_qp *qp);
/* The step on the free variables and new multipliers on the binding rows. */
void assay_portfolio_qp_equality_step(assay_portfolio_qp *qp);
/* What stops it. */
assay_portfolio_block assay_portfolio_qp_ratio_test(const assay_portfolio_qp *qp);
void assay_portfolio_qp_move(assay_portfolio_qp *qp, double length);
void assay_portfolio_qp_bind_row(assay_portfolio_qp *qp, size_t row, assay_portfolio_place place);
/* Rows that say nothing beyond the others bind no more, nor do rows that are not at their limit (which the model may have moved). */
void assay_portfolio_qp_release_dependent(assay_portfolio_qp *qp);
void assay_portfolio_qp_release_slack(assay_portfolio_qp *qp);
/* The part of a gradient that the binding rows' multipliers do not explain. */
double assay_portfolio_qp_unexplained(const assay_portfolio_qp *qp, size_t v);
/* By how much a fixed variable's sign is wrong, or a row's; 0: it is right. */
double assay_portfolio_qp_wrong(const assay_portfolio_qp *qp, size_t v);
double assay_portfolio_qp_wrong_row(const assay_portfolio_qp *qp, size_t row);
/* Size of the terms that gradients are made of: what rounding and tolerances are measured by. */
double assay_portfolio_qp_gradient_scale(const assay_portfolio_qp *qp);
/* Frees what gains most. Returns 1: something was freed, 0: all is optimal, -1: the covariance is not positive semidefinite, -2: no
 * memory. */
int assay_portfolio_qp_let_go(assay_portfolio_qp *qp);

#endif
