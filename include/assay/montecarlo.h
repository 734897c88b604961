/* SPDX-License-Identifier: MIT */
/*
 * assay/montecarlo.h: prices by Monte Carlo, with their standard errors and Greeks from the same paths; the same price to the last bit on
 * every device, instruction set and number of threads.
 *
 *     assay_mc_params option = {.payoff = ASSAY_MC_ASIAN_ARITHMETIC, .spot = 100, .strike = 110, .time = 1, .rate = 0.05,
 *                               .volatility = 0.2, .steps = 252, .paths = 1000000, .seed = 7, .control = true, .greeks = true};
 *     assay_error err = {0};
 *     assay_mc_result result;
 *     if (assay_mc_price(&option, &err, &result) != ASSAY_OK) {
 *       fprintf(stderr, "%s\n", err.message);
 *       return assay_status_exit_code(err.status);
 *     }
 *     printf("%.4f +- %.4f, delta %.4f\n", result.price, result.standard_error, result.greeks.delta.value);
 *
 * Units: time in years; rates, dividend yields and volatilities a year, as fractions, compounded continuously; prices in the money of spot.
 * A zeroed field is its default. Greeks are derivatives by whole units, theta by a year of passing time, as in <assay/options.h>.
 *
 * The result is a function of the parameters alone. Random numbers are Philox4x32-10 (Salmon et al. 2011) by counter; sums run over fixed
 * groups of paths in a fixed order. Paths are never stored, unless assay_mc_paths asks for them.
 *
 * Errors: ASSAY_ERR_INVALID with a sentence that names the field and the mend; ASSAY_ERR_LIMIT for requests that are too large, and results
 * that are; ASSAY_ERR_UNSUPPORTED for combinations that there are no formulas for here, which the sentence names; what a device says
 * otherwise. Thread-safety: every function may be called from any thread at once, whatever its rounding mode and whether it flushes
 * denormals: that is the thread's again afterwards. docs/montecarlo.md has methods, sources and figures.
 */
#ifndef ASSAY_MONTECARLO_H
#define ASSAY_MONTECARLO_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the underlying moves. */
typedef enum assay_mc_model {
  ASSAY_MC_GBM,    /* geometric Brownian motion (Black and Scholes 1973) */
  ASSAY_MC_MERTON, /* with lognormal jumps (Merton 1976) */
  ASSAY_MC_HESTON, /* stochastic variance (Heston 1993), by the quadratic-exponential scheme with martingale correction (Andersen 2008) */
} assay_mc_model;

/* What is paid at the end; S is the underlying at the end, K the strike. Calls; puts change the sign of the difference. */
typedef enum assay_mc_payoff {
  ASSAY_MC_EUROPEAN,          /* max(S - K, 0) */
  ASSAY_MC_DIGITAL,           /* `payout` when S > K */
  ASSAY_MC_ASIAN_ARITHMETIC,  /* max(A - K, 0), A the mean of the prices after each step */
  ASSAY_MC_ASIAN_GEOMETRIC,   /* the same with the geometric mean */
  ASSAY_MC_BARRIER,           /* max(S - K, 0) unless, or only if, `barrier` was touched */
  ASSAY_MC_LOOKBACK_FIXED,    /* call max(maximum - K, 0), put max(K - minimum, 0) */
  ASSAY_MC_LOOKBACK_FLOATING, /* call S - minimum, put maximum - S; K is not read */
  ASSAY_MC_AMERICAN,          /* may be exercised after every step: a lower bound, by regression (Longstaff and Schwartz 2001) */
  ASSAY_MC_BASKET,            /* max(sum of weights times prices - K, 0) of several assets at the end; a spread has weights 1 and -1 */
} assay_mc_payoff;

typedef enum assay_mc_barrier {
  ASSAY_MC_DOWN_OUT,
  ASSAY_MC_UP_OUT,
  ASSAY_MC_DOWN_IN,
  ASSAY_MC_UP_IN,
} assay_mc_barrier;

/* When a barrier or an extreme is looked at. */
typedef enum assay_mc_watch {
  ASSAY_MC_CONTINUOUS, /* always: what happens between two steps is drawn from the Brownian bridge, without error (GBM) */
  ASSAY_MC_AT_STEPS,   /* at the end of each step (an extreme: and at the start) */
} assay_mc_watch;

typedef enum assay_mc_precision { ASSAY_MC_F64, ASSAY_MC_F32 } assay_mc_precision;

typedef enum assay_mc_sampling {
  ASSAY_MC_PSEUDO,
  ASSAY_MC_SOBOL, /* Sobol points (Joe and Kuo 2008), Owen-scrambled, laid on the path by a Brownian bridge; error from replicates */
} assay_mc_sampling;

/* How a Greek was found. */
typedef enum assay_mc_method {
  ASSAY_MC_NO_METHOD,        /* it was not asked for: the numbers are NaN */
  ASSAY_MC_PATHWISE,         /* the derivative of what each path pays */
  ASSAY_MC_LIKELIHOOD_RATIO, /* the payoff times a weight: the derivative of the paths' density, or an integration by parts */
  ASSAY_MC_MIXED,            /* one after the other */
  ASSAY_MC_EXACT,            /* known without simulation, such as 0 */
  ASSAY_MC_SAME_NUMBERS,     /* difference of two prices from the same random numbers */
  ASSAY_MC_CONDITIONAL,      /* the derivative of what is expected over a path's end, given the rest: no jump of a payoff is left in it */
} assay_mc_method;
ASSAY_API const char *assay_mc_method_text(assay_mc_method method);

enum {
  ASSAY_MC_MAX_STEPS = 65536,
  ASSAY_MC_MAX_EXERCISES = 1024,  /* steps of an American option */
  ASSAY_MC_MAX_SOBOL_STEPS = 512, /* of 1,024 coordinates; Merton's model takes three a step, so 341 */
  ASSAY_MC_MAX_ASSETS = 64,
  ASSAY_MC_GREEKS_MIN_PATHS = 16384, /* their standard errors come from groups of paths */
};
#define ASSAY_MC_MAX_PATHS 1000000000000u /* of one call; on an H200: 2 s of Europeans in f32, 6 minutes of Asians of 252 steps */

typedef struct assay_mc_params {
  assay_mc_model model;
  assay_mc_payoff payoff;
  bool put;
  double spot, strike, time, rate, dividend, volatility; /* positive, positive, positive, any, any, positive (GBM, Merton) */
  uint32_t steps; /* 0: 252 for an Asian, 50 for an American (Heston: a year), for Heston 100 a year, else 1 */

  double payout; /* digital; 0: 1 */
  double barrier;
  assay_mc_barrier barrier_kind;
  assay_mc_watch watch; /* barrier, lookback */

  /* Merton: jumps a year; mean and deviation of the logarithm of a jump's factor. */
  double jump_rate, jump_mean, jump_volatility;
  /* Heston: variance now and in the long run, speed of return to it, volatility of variance, correlation with the underlying. */
  double variance, long_variance, reversion, variance_volatility, correlation;

  /* Basket: arrays of `assets` (borrowed); spot, dividend and volatility are not read. `correlations` is assets x assets, row by row. */
  uint32_t assets;
  const double *spots, *weights, *dividends, *volatilities, *correlations; /* weights, dividends NULL: 1 / assets, 0 */

  uint64_t paths; /* 0: 1,048,576; at least 512, with Greeks 16,384; antithetic pairs count two */
  uint64_t seed;
  assay_mc_precision precision;
  assay_mc_sampling sampling;
  bool antithetic;    /* each path with its mirror image */
  bool control;       /* control variate: the geometric for the arithmetic average, else the underlying or the option without barrier;
                       * American: a martingale from a lattice, which also has the better rule of exercise (GBM, double precision), or the
                       * underlying where the path stops */
  bool greeks;        /* delta, gamma, vega, theta, rho */
  bool exercise_loss; /* American: how much the price is low by chance, beside it, for twice the time that a rule from 16,384 paths takes */
  bool upper_bound;   /* American (GBM): an upper bound beside the price, which is a lower one; 16,384 paths more */
  double target_error; /* of the price, above 0: batches until the standard error is at most this, or `paths` (0: the limit) are used;
                        * ASSAY_ERR_INVALID below what the precision rounds */
  double level;        /* of the interval; 0: 0.95 */
  const char *device;  /* "auto", "cpu", "opencl[:n]", "cuda[:n]"; NULL: what ASSAY_DEVICE says, else auto */
} assay_mc_params;

typedef struct assay_mc_greek {
  double value, standard_error;
  assay_mc_method method;
} assay_mc_greek;

typedef struct assay_mc_greeks {
  assay_mc_greek delta; /* dV/dspot; of a basket dV/dx when all spots are multiplied by x, at x = 1; gamma likewise */
  assay_mc_greek gamma;
  assay_mc_greek vega;  /* dV/dvolatility; Heston: by the root of today's variance; basket: all volatilities by the same amount */
  assay_mc_greek theta; /* -dV/dtime */
  assay_mc_greek rho;   /* dV/drate */
} assay_mc_greeks;

/* What a basket or spread is worth moves so with one of its assets. */
typedef struct assay_mc_asset {
  assay_mc_greek delta; /* dV/dspot of this asset */
  assay_mc_greek gamma; /* the second derivative by that; NaN with ASSAY_MC_NO_METHOD where the correlations (nearly) have no inverse */
  assay_mc_greek vega;  /* by its volatility */
} assay_mc_asset;

/*
 * `exercise_loss`: the price of an American option is that of a rule of exercise, which can only be worth less than the best one. So it is
 * low on average, and the interval with it. What the rule misses by chance, as other paths would have found another, is estimated from two
 * rules of half of 16,384 paths each; one estimate is off by a third to a half of itself. What its form misses (a cubic) is not in it, and
 * it is added to nothing. NaN unless asked for, and with the martingale's rule (`control`, GBM), which is not found by chance.
 *
 * Numbers that were asked for are finite. The standard error is of chance, of rounding, and of payments so rare that hardly any was seen;
 * it is 0 only where an American option is best exercised at once. It knows nothing of what the rule of exercise misses, which other paths
 * found (an eighth as many, 16,384 to 131,072; `exercise_loss` says what chance makes it miss), nor of the share of gamma that a difference
 * over a fifth of the deviation leaves out (American, other models than GBM). */
typedef struct assay_mc_result {
  double price, standard_error;
  double low, high, level;               /* an interval that holds the expectation with probability `level` */
  double exercise_loss;                  /* American: what the price is low by, by chance; see above */
  double upper_bound, upper_bound_error; /* American: the price is at most that, but for its standard error; NaN unless asked for */
  assay_mc_greeks greeks;                /* NaN with ASSAY_MC_NO_METHOD unless asked for */
  uint32_t assets;                       /* of a basket, when Greeks were asked for: so many of `by_asset` are filled in, else 0 */
  assay_mc_asset by_asset[ASSAY_MC_MAX_ASSETS];
  assay_mc_greek correlation; /* of these: dV by all correlations when they move by the same amount; NaN like gamma, and without assets */
  double control_coefficient; /* what the control variate was multiplied by; NaN without */
  double variance_ratio;      /* variance without control over variance with it; NaN without */
  bool reached;               /* the standard error is at most target_error (true without a target) */
  uint64_t paths;             /* simulated; an American option's calibration uses more */
  uint64_t greeks_paths;      /* of these the Greeks are of: all, or an American option's first ones, which say more than enough; 0 without
                               * Greeks, and where an option is exercised at once */
  uint32_t steps;             /* of each path */
  uint32_t replicates;        /* of Sobol points; 0 for pseudo-random paths */
  double seconds;             /* of the whole call */
  char device[32], isa[16];   /* that gave the answer: "cpu", "avx2"; isa is "" on other devices */
  char reason[256];           /* why this device */
} assay_mc_result;

ASSAY_API assay_status assay_mc_price(const assay_mc_params *params, assay_error *err, assay_mc_result *result);

/*
 * The paths that assay_mc_price simulates, from path `first` on: values[s * count + i] is the underlying after step s (0: the start) on
 * path first + i, so `values` has (steps + 1) * count places and is ordered by time, one row a step. `steps` as in the parameters (never
 * 0 here; a European or digital option under GBM is simulated in one, so more are refused); an antithetic pair is paths 2 q and 2 q + 1.
 * GBM, Merton and Heston with one asset, pseudo-random. Prices that are batches of one call (a target error, or beyond 2^34 paths) take the
 * numbers of later batches from other counters; these are the paths of the first.
 */
ASSAY_API assay_status assay_mc_paths(const assay_mc_params *params, uint64_t first, uint64_t count, assay_error *err, double *values);

#ifdef __cplusplus
}
#endif
#endif
