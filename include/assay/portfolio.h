/* SPDX-License-Identifier: MIT */
/*
 * assay/portfolio.h: which weights carry the least risk, under constraints.
 *
 * Minimum variance, mean-variance with its frontier, largest Sharpe ratio, and risk parity, with bounds, a budget, groups and turnover.
 * Answers are optimal to 1e-8 of the Karush-Kuhn-Tucker conditions (`kkt` says how well). Constraints that contradict each
 * other are named, with how far they are apart.
 *
 *     assay_portfolio_problem problem = {.assets = 3, .covariance = covariance, .expected = expected};  // long only, fully invested
 *     double weights[3];
 *     assay_portfolio_result result;
 *     assay_error err = {0};
 *     if (assay_portfolio_maximum_sharpe(&problem, 0.02, &err, weights, &result) == ASSAY_OK)
 *       printf("%g %g %g: Sharpe %g\n", weights[0], weights[1], weights[2], result.sharpe);
 *
 * Units: weights are shares of the capital (or money, if the bounds are); returns and covariances are per the same period, whatever it is.
 * Row-major matrices. ASSAY_ERR_INVALID for input that is not finite, not symmetric or not positive semidefinite, and for constraints that
 * no portfolio fits; the message names the asset, the group or the constraints. A singular covariance is fine. `weights` has room for one
 * value an asset; `result` may be NULL; both are untouched on failure. Thread-safe: no function keeps state, and the thread may round as it
 * likes. Always the same bits for the same input. docs/portfolio.md says how it works.
 */
#ifndef ASSAY_PORTFOLIO_H
#define ASSAY_PORTFOLIO_H

#include <stdbool.h>
#include <stddef.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_PORTFOLIO_MOST_ASSETS = 8192, ASSAY_PORTFOLIO_MOST_GROUPS = 512 };

/* low <= sum of the members' weights (times their coefficients) <= high. */
typedef struct assay_portfolio_group {
  const char *name; /* for messages */
  size_t count;
  const size_t *members;
  const double *coefficients; /* NULL: 1 each */
  double low, high;           /* -INFINITY, INFINITY: open on that side */
} assay_portfolio_group;

typedef struct assay_portfolio_problem {
  size_t assets;            /* 1 to ASSAY_PORTFOLIO_MOST_ASSETS */
  const double *covariance; /* assets x assets, positive semidefinite */
  const double *expected;   /* return of each asset; NULL where it is not needed */
  const char *const *names; /* of the assets, for messages; NULL: their numbers */
  const double *low, *high; /* of each weight; NULL: 0 (no short positions) and INFINITY (the budget is limit enough) */
  /* Of the sum of all weights. Both 0: exactly 1. An open budget has -INFINITY and INFINITY. */
  double budget_low, budget_high;
  const assay_portfolio_group *groups;
  size_t group_count;
  const double *current; /* weights now; NULL: turnover is not limited */
  double turnover;       /* sum of |weight - current| at most; counts with `current` */
} assay_portfolio_problem;

typedef struct assay_portfolio_result {
  double expected_return; /* NaN without expected returns */
  double volatility;      /* standard deviation */
  double sharpe;          /* over the risk-free return where one was given, otherwise over 0; NaN without expected returns or volatility */
  size_t held;            /* weights that are not 0 */
  unsigned steps;         /* of the solver */
  double kkt;             /* largest violation of an optimality condition, relative to the terms it is made of */
} assay_portfolio_result;

/* Do any weights satisfy the constraints? ASSAY_ERR_INVALID names those that contradict each other and says by how much. The covariance
 * may be NULL here. */
ASSAY_API assay_status assay_portfolio_feasible(const assay_portfolio_problem *problem, assay_error *err);

ASSAY_API assay_status assay_portfolio_minimum_variance(const assay_portfolio_problem *problem, assay_error *err, double *weights,
                                                        assay_portfolio_result *result);
/* Largest tolerance * return - variance / 2 (Markowitz 1952). tolerance >= 0: 0 is minimum variance. */
ASSAY_API assay_status assay_portfolio_mean_variance(const assay_portfolio_problem *problem, double tolerance, assay_error *err,
                                                     double *weights, assay_portfolio_result *result);
/* Least variance with at least this expected return. */
ASSAY_API assay_status assay_portfolio_target_return(const assay_portfolio_problem *problem, double target, assay_error *err,
                                                     double *weights, assay_portfolio_result *result);
/* Largest (return - risk_free) / volatility, the money that is not invested earning risk_free. ASSAY_ERR_INVALID where no portfolio within
 * the constraints earns more than that, or where one does so without risk. */
ASSAY_API assay_status assay_portfolio_maximum_sharpe(const assay_portfolio_problem *problem, double risk_free, assay_error *err,
                                                      double *weights, assay_portfolio_result *result);
/* The efficient frontier: `points` (2 or more) portfolios of least variance with returns from that of the minimum variance portfolio to the
 * largest possible one, in equal steps. weights: points x assets; results: points. ASSAY_ERR_INVALID where the return has no limit. */
ASSAY_API assay_status assay_portfolio_frontier(const assay_portfolio_problem *problem, size_t points, assay_error *err, double *weights,
                                                assay_portfolio_result *results);
/*
 * Every asset carries its share of the risk: weight (Cov weight) = share * variance. `shares` > 0 (NULL: equal ones), scaled to sum 1.
 * Weights are positive. Where bounds, groups or turnover forbid parity, the assets that they do not hold back share alike: minimum
 * of w'Cov w / 2 - c sum share log w, with c such that the budget costs nothing (Richard and Roncalli 2019). The budget has to be exact and
 * positive.
 */
ASSAY_API assay_status assay_portfolio_risk_parity(const assay_portfolio_problem *problem, const double *shares, assay_error *err,
                                                   double *weights, assay_portfolio_result *result);

#ifdef __cplusplus
}
#endif
#endif
