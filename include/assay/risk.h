/* SPDX-License-Identifier: MIT */
/*
 * assay/risk.h: how much can be lost, and what moves together.
 *
 * Value at risk and expected shortfall (from history, from moments, by simulation), covariance and correlation with their better
 * estimators, drawdown, performance ratios, beta, stress scenarios. Results have the same bits for every instruction set and number
 * of threads.
 *
 *     const double levels[] = {0.95, 0.99};
 *     assay_risk_tail tails[2];
 *     assay_error err = {0};
 *     if (assay_risk_historical(pnl, 1000, levels, 2, &err, tails) == ASSAY_OK) // of 1000 days; gains positive
 *       printf("one day in a hundred loses %g or more, %g on average\n", tails[1].var, tails[1].es);
 *
 * Units: returns and profits are per period, as fractions or as money; a gain is positive. VaR, ES and drawdowns are given as losses:
 * positive where money is lost. Matrices are row-major; returns are periods x assets, a row for each period in ascending time, as NumPy and
 * pandas hold them. Every input has to be finite: a NaN or an infinity is ASSAY_ERR_INVALID with its place. Arrays are only read.
 * ASSAY_ERR_NO_MEMORY where a copy is needed and there is no memory. Thread-safe: no function keeps state, and the
 * thread may round as it likes. docs/risk.md derives the formulas and shows accuracy and speed.
 */
#ifndef ASSAY_RISK_H
#define ASSAY_RISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Value at risk and expected shortfall ------------------------------------------------------------------------------------- */

enum { ASSAY_RISK_MOST_LEVELS = 256, ASSAY_RISK_MOST_ASSETS = 16384 };

typedef struct assay_risk_tail {
  double level;      /* as asked for, e.g. 0.99 */
  double var;        /* the smallest loss that at least this share of the scenarios does not exceed (Hyndman and Fan type 1) */
  double var_linear; /* interpolated between scenarios (type 7, NumPy's default); the same as `var` where there is a formula */
  double es;         /* mean of the worst 1 - level of all scenarios, the one on the edge in part (Acerbi and Tasche 2002); >= var */
} assay_risk_tail;

/*
 * From scenarios: past periods, or simulated ones. `levels` in (0, 1), in any order, at most ASSAY_RISK_MOST_LEVELS; `tails[i]` answers
 * `levels[i]`. Exact: order statistics, and sums of tails as if added without rounding errors in any order (to 2^-90 of the
 * largest loss), so the order of scenarios never matters. A count times a level within four roundings of a whole number is that number.
 */
ASSAY_API assay_status assay_risk_historical(const double *pnl, size_t count, const double *levels, size_t level_count, assay_error *err,
                                             assay_risk_tail *tails);

typedef struct assay_risk_moments {
  double mean;
  double stddev;          /* sample (count - 1) */
  double skewness;        /* of the population: m3 / m2^1.5; 0 without spread */
  double excess_kurtosis; /* m4 / m2^2 - 3; 0 without spread */
} assay_risk_moments;

/* Of at least two values. ASSAY_ERR_INVALID also where their spread overflows. */
ASSAY_API assay_status assay_risk_get_moments(const double *values, size_t count, assay_error *err, assay_risk_moments *moments);

/* From mean and standard deviation alone, as if normal. stddev >= 0; skewness and kurtosis do not count. */
ASSAY_API assay_status assay_risk_normal(const assay_risk_moments *moments, const double *levels, size_t level_count, assay_error *err,
                                         assay_risk_tail *tails);
/*
 * Corrected for skewness and kurtosis (Cornish and Fisher 1938, as "modified VaR" by Favre and Galeano 2002); ES is the mean of the
 * corrected quantile beyond the level, in closed form (Maillard 2012). ASSAY_ERR_INVALID where the correction is not monotone in the tail
 * asked for: then it is no quantile function, and the moments are too far from a normal's.
 */
ASSAY_API assay_status assay_risk_cornish_fisher(const assay_risk_moments *moments, const double *levels, size_t level_count,
                                                 assay_error *err, assay_risk_tail *tails);

/* What answered, and why it and not another. */
typedef struct assay_risk_where {
  char device[32];  /* "cpu", "cuda:0" */
  char reason[256]; /* also: what failed, where the work moved to the processor */
} assay_risk_where;

/* ---- Monte Carlo -------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_RISK_MOST_SIMULATED = 1024 };

typedef struct assay_risk_simulation {
  size_t assets;            /* 1 to ASSAY_RISK_MOST_SIMULATED */
  const double *positions;  /* money in each asset, negative for short */
  const double *mean;       /* of the returns over the horizon; NULL: 0 */
  const double *covariance; /* assets x assets, over the horizon; symmetric, positive semidefinite */
  const double *gamma;      /* second derivative of each position to its return, in money; NULL: none. P&L = position r + gamma r^2 / 2 */
  bool log_returns;         /* r is e^x - 1 of the simulated x */
  unsigned degrees;         /* of freedom of a multivariate Student t with this covariance, 3 to 64; 0: normal */
  uint64_t scenarios;       /* 100 to 2^26 */
  uint64_t seed;
  const char *device;      /* as for covariances; NULL: the calling thread alone */
  assay_risk_where *where; /* gets what answered; NULL: not wanted. Untouched on failure */
} assay_risk_simulation;

typedef struct assay_risk_simulated {
  assay_risk_tail tail;
  double var_low, var_high; /* 95 % interval of the VaR, from order statistics */
  double es_error;          /* standard error of the ES (Manistre and Hancock 2005) */
} assay_risk_simulated;

/*
 * Simulates scenarios and takes their tails. Scenario k draws from the counter-based generator Philox4x32-10 at counter k: the same seed
 * gives the same bits on every device. `pnl` (NULL: not wanted) gets the P&L of all scenarios, in their order.
 */
ASSAY_API assay_status assay_risk_monte_carlo(const assay_risk_simulation *simulation, const double *levels, size_t level_count,
                                              assay_error *err, double *pnl, assay_risk_simulated *tails);

/* ---- Covariance and correlation ----------------------------------------------------------------------------------------------- */

typedef enum assay_risk_estimator {
  ASSAY_RISK_SAMPLE,      /* sum of products of deviations / (periods - 1) */
  ASSAY_RISK_EWMA,        /* weight decay^age; see `decay` */
  ASSAY_RISK_LEDOIT_WOLF, /* shrunk towards a multiple of the identity (Ledoit and Wolf 2004), divided by periods as in the paper */
  ASSAY_RISK_LEDOIT_WOLF_CORRELATION, /* shrunk towards constant correlation (Ledoit and Wolf 2003), divided by periods */
} assay_risk_estimator;

typedef struct assay_risk_covariance_options {
  assay_risk_estimator estimator;
  double decay;       /* EWMA: in (0, 1); 0: RiskMetrics' 0.94 */
  bool zero_mean;     /* deviations from 0 instead of from the mean; EWMA as RiskMetrics has it */
  const char *device; /* "auto", "cpu", "opencl", "cuda" or with a number; NULL: the calling thread alone. The bits do not depend on it */
} assay_risk_covariance_options;

typedef struct assay_risk_covariance_info {
  double shrinkage; /* weight of the target in [0, 1]; 0 where nothing is shrunk */
  double weights;   /* effective number of periods: periods, or 1 / sum of squared weights */
  assay_risk_where where;
} assay_risk_covariance_info;

/*
 * `matrix`: assets x assets, exactly symmetric. `options` NULL: the sample covariance. `info` may be NULL. At least two periods (one with
 * zero_mean), 1 to ASSAY_RISK_MOST_ASSETS assets. The matrix is positive semidefinite up to rounding, also with fewer periods than assets;
 * only shrinkage makes it regular then. EWMA around the mean is divided by 1 - sum of squared weights, and so unbiased; a decay under about
 * 1e-6 leaves nothing to estimate a mean and a variance from, and is refused.
 */
ASSAY_API assay_status assay_risk_covariance(const double *returns, size_t periods, size_t assets,
                                             const assay_risk_covariance_options *options, assay_error *err, double *matrix,
                                             assay_risk_covariance_info *info);
/* The same as correlation: unit diagonal, all values in [-1, 1]. ASSAY_ERR_INVALID names an asset that does not vary. */
ASSAY_API assay_status assay_risk_correlation(const double *returns, size_t periods, size_t assets,
                                              const assay_risk_covariance_options *options, assay_error *err, double *matrix,
                                              assay_risk_covariance_info *info);

typedef struct assay_risk_nearest_options {
  double least_eigenvalue; /* of the result, in [0, 1); 0: positive semidefinite only */
  double tolerance;        /* root mean square of what the diagonal is off before it is scaled to 1; 0: 1e-10 */
  unsigned most_steps;     /* 0: 500 */
} assay_risk_nearest_options;

typedef struct assay_risk_nearest_info {
  double distance;         /* Frobenius norm of result - input */
  double least_eigenvalue; /* of the input */
  unsigned steps;
} assay_risk_nearest_info;

/*
 * The correlation matrix nearest to a symmetric one in the Frobenius norm (Higham 2002), by Newton's method on the dual (Qi and Sun 2006).
 * A matrix that is one already comes back as it is. `options` and `info` may be NULL.
 * ASSAY_ERR_INVALID for an input that is not symmetric to 1e-10 of its largest value; ASSAY_ERR_LIMIT when the steps do not suffice.
 */
ASSAY_API assay_status assay_risk_nearest_correlation(const double *matrix, size_t assets, const assay_risk_nearest_options *options,
                                                      assay_error *err, double *nearest, assay_risk_nearest_info *info);

/* Ascending eigenvalues of a symmetric matrix, of which the lower triangle counts, and unit eigenvectors as the rows of `vectors`
 * (NULL: not wanted). Householder reduction and implicit QL steps. */
ASSAY_API assay_status assay_risk_eigen(const double *matrix, size_t count, assay_error *err, double *values, double *vectors);

/* ---- Performance -------------------------------------------------------------------------------------------------------------- */

typedef struct assay_risk_drawdown {
  double deepest;      /* greatest loss from a peak, as a ratio of the peak in [0, 1]; 0: it never fell */
  size_t peak, trough; /* of the deepest one */
  size_t recovery;     /* first value at the peak again; SIZE_MAX: not yet */
  size_t longest;      /* most periods under water, from a peak to its recovery or to the end */
  double current;      /* ratio below the highest value so far, at the end */
  double average;      /* mean ratio below the highest value so far, over all values */
  double ulcer;        /* its root mean square (Martin 1987) */
} assay_risk_drawdown;

/* Of a curve of positive values: prices, or an account. `series` (NULL: not wanted) gets the ratio below the peak at each value. */
ASSAY_API assay_status assay_risk_get_drawdown(const double *values, size_t count, assay_error *err, double *series,
                                               assay_risk_drawdown *drawdown);

typedef struct assay_risk_performance_options {
  double periods_per_year; /* 252 for days; 0: 1, nothing is annualised */
  double risk_free;        /* return per period that Sharpe's ratio is over */
  double target;           /* return per period below which Sortino's ratio sees risk */
} assay_risk_performance_options;

typedef struct assay_risk_performance {
  double total;                 /* compounded return over all periods */
  double annual_return;         /* compounded, per year; per period where nothing is annualised */
  double volatility;            /* standard deviation, per year */
  double downside;              /* root of the mean squared shortfall below the target over all periods, per year */
  double sharpe;                /* (mean - risk_free) / standard deviation, per year (Sharpe 1994) */
  double sortino;               /* (mean - target) / downside (Sortino and van der Meer 1991) */
  double calmar;                /* annual_return / deepest drawdown (Young 1991) */
  double sharpe_error;          /* standard error of `sharpe` (Mertens 2002: with skewness and kurtosis) */
  assay_risk_drawdown drawdown; /* of the compounded curve that starts at 1: its indices count that start as 0 */
  const char *undefined;        /* names ratios that have no value (and are NaN) and why; NULL: all have one. Static text */
} assay_risk_performance;

/* Of simple returns per period, at least two, each above -1. `options` NULL: all 0. */
ASSAY_API assay_status assay_risk_get_performance(const double *returns, size_t count, const assay_risk_performance_options *options,
                                                  assay_error *err, assay_risk_performance *performance);

typedef struct assay_risk_beta {
  double beta, alpha;             /* least squares: asset = alpha + beta market */
  double beta_error, alpha_error; /* standard errors; NaN for two periods, which leave none */
  double correlation;             /* 0 where the asset does not vary */
  double residual;                /* standard deviation of what the line leaves, count - 2 */
} assay_risk_beta;

/* At least two periods. ASSAY_ERR_INVALID where the market does not vary, or so much less than the asset that beta overflows. */
ASSAY_API assay_status assay_risk_get_beta(const double *asset, const double *market, size_t count, assay_error *err,
                                           assay_risk_beta *beta);

/* ---- Stress ------------------------------------------------------------------------------------------------------------------- */

/* What happens to some assets: `shocks[k]` is the return of asset `shocked[k]`. Assets that are not named follow, see below. */
typedef struct assay_risk_scenario {
  const char *name; /* for messages */
  size_t count;
  const size_t *shocked;
  const double *shocks;
} assay_risk_scenario;

typedef struct assay_risk_stress {
  double pnl;
  size_t worst, best; /* the assets that lose and gain most */
  double worst_pnl, best_pnl;
  double distance; /* Mahalanobis distance of the shocks: how far out the scenario is, in standard deviations; NaN without a covariance */
} assay_risk_stress;

/*
 * P&L of the positions (money in each asset) in each scenario. Without a covariance an asset that is not named does not move; with one
 * it moves by its expectation given the shocks, Cov(other, shocked) Cov(shocked)^-1 shocks (Kupiec 1998). ASSAY_ERR_INVALID names the
 * scenario whose assets are out of range or named twice, or whose shocks contradict a singular covariance.
 */
ASSAY_API assay_status assay_risk_get_stress(const double *positions, size_t assets, const double *covariance,
                                             const assay_risk_scenario *scenarios, size_t scenario_count, assay_error *err,
                                             assay_risk_stress *results);

#ifdef __cplusplus
}
#endif
#endif
