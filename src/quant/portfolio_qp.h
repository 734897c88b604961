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
  const double *low, *high, *row_low, *row_high;   /* limits in force: the model's and accepted, or shaken ones */
  double *row_size;                                /* largest coefficient of each row */
  double *regular, *diagonal, *linear, *centre;    /* by asset */
  double *x, *weights, *gradient, *change, *moved; /* moved: H change */
  double *activity, *rates;                        /* by row */
  double *row_terms;                               /* sum of |coefficient x|: what an activity is rounded by */
  double *multipliers, *multiplier_rests;          /* by row: a multiplier, and what a double has no room for of it */
  assay_portfolio_place *places, *row_places;
  size_t *free; /* variables, in the order of the factor */
  size_t free_count, capacity;
  double *factor;                /* L by columns, each `capacity` long */
  double *step, *right, *images; /* images: rows x capacity, L^-1 Q', where A_WF = spans Q */
  double *schur, *spans, *small; /* the small matrix' factor, rows x rows; rows x rows; rows */
  double *shaken;                /* limits of variables, then of rows */
  double *accepted;              /* limits of rows, given way to what the start makes of them */
  size_t *binding, binding_count;
  double kkt, scale;
  bool stiffened; /* `regular` is more than usual */
  bool prepared;  /* images, spans and schur are those of the free variables and binding rows */
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

/* ---- The binding rows on the free variables (portfolio_rows.c) ----------------------------------------------------------------------- */

/* Makes them orthonormal (a line of zeros: the others say it already), with their images and the factor of those images' small matrix; a
 * row without a pivot there has a diagonal of 0. Once for each active set. */
void assay_portfolio_rows_prepare(assay_portfolio_qp *qp);
/* Solves with the small matrix, in `small`; rows without a pivot have multiplier 0. */
void assay_portfolio_rows_solve_small(assay_portfolio_qp *qp);
/* What the difference of a row's activity and a limit is rounded by. */
double assay_portfolio_rows_rounding(const assay_portfolio_qp *qp, size_t row, double limit);
/* What the orthonormal rows are short of; a row that is by no more than `give`, or its own rounding, is not. */
void assay_portfolio_rows_short(const assay_portfolio_qp *qp, double give, double *by);
void assay_portfolio_rows_set_multiplier(assay_portfolio_qp *qp, size_t row, double value);
/* Adds what the orthonormal rows' multipliers change by, which is overwritten. */
void assay_portfolio_rows_add_multipliers(assay_portfolio_qp *qp, double *change);
/* The part of a gradient that the multipliers do not explain. */
double assay_portfolio_qp_unexplained(const assay_portfolio_qp *qp, size_t v);

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
/* What the multipliers leave of the free variables' gradients: the largest, and each one in `of` (NULL: nowhere). */
double assay_portfolio_qp_left_over(const assay_portfolio_qp *qp, double *of);
/* The step on the free variables and new multipliers on the binding rows; rows that are off by no more than `give` stay where they are. */
void assay_portfolio_qp_equality_step(assay_portfolio_qp *qp, double give);
/* What stops it. */
assay_portfolio_block assay_portfolio_qp_ratio_test(const assay_portfolio_qp *qp);
void assay_portfolio_qp_move(assay_portfolio_qp *qp, double length);
void assay_portfolio_qp_bind_row(assay_portfolio_qp *qp, size_t row, assay_portfolio_place place);
/* Rows that say nothing beyond the others bind no more, nor do rows that are not at their limit (which the model may have moved). */
void assay_portfolio_qp_release_dependent(assay_portfolio_qp *qp);
void assay_portfolio_qp_release_slack(assay_portfolio_qp *qp);
/* By how much a fixed variable's sign is wrong, or a row's; 0: it is right. */
double assay_portfolio_qp_wrong(const assay_portfolio_qp *qp, size_t v);
double assay_portfolio_qp_wrong_row(const assay_portfolio_qp *qp, size_t row);
/* Size of the terms that gradients are made of: what rounding and tolerances are measured by. */
double assay_portfolio_qp_gradient_scale(const assay_portfolio_qp *qp);
/* Frees what gains most. Returns 1: something was freed, 0: all is optimal, -1: the covariance is not positive semidefinite, -2: no
 * memory. */
int assay_portfolio_qp_let_go(assay_portfolio_qp *qp);

#endif
