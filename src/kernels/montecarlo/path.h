/* SPDX-License-Identifier: MIT */
/* What the kernels of Monte Carlo paths take and give: asian.c, average.c, extremes.c, walk.c. */
#ifndef ASSAY_KERNELS_MONTECARLO_PATH_H
#define ASSAY_KERNELS_MONTECARLO_PATH_H

#include "kernels/random_key.h"

/*
 * A path has `steps` steps of equal length; x is the binary logarithm of the underlying over its price at the start, and a step of
 * geometric Brownian motion adds drift + width z. Sample number q is draw d of item i in group g, q = first + (d groups + g) GROUP_SIZE +
 * i; it is a path, or with `antithetic` a path and its mirror image, of which the mean counts. Samples from `samples` on count nothing.
 *
 * The shocks z come from Philox under `key`: counter (high q, block, stream, low q), or, where `given` is 1, from the buffer
 * `given`: row s (of `stride` reals) has step s, column q - first the sample. Behind those, walk.c has the rows of the shocks of the
 * variance (Heston), or of the uniform numbers of how many jumps and of how large they are (Merton). basket.c has a row an asset, all
 * behind its terms; mc_exercise has its rows behind the rule.
 *
 * Pays max(scale X + shift, 0), where X is in units of the spot: a call is (spot, -strike), a put (-spot, strike).
 * `mean` and `deviation` are of ln of the underlying at the end: steps drift ln 2, sqrt(steps) width ln 2.
 * In all |mean| + 9 deviation must stay below 83 (120 powers of two).
 */
typedef struct mc_path_params {
  u64 samples, first;
  u32 draws, groups, steps, unused_draws;
  random_key key;
  u32 antithetic, given, kind;
  u64 stride;
  double drift, width, scale, shift;
  double mean, deviation, root_steps; /* sqrt(steps) */
  double barrier;                     /* binary logarithm of the barrier over the spot */
  double bridge;   /* 2 / (width^2 ln 2): -bridge d d' is the binary logarithm of the chance to cross between distances d and d' */
  double payout;   /* of a digital */
  double model[8]; /* walk.c and average.c say what they are */
  double uncorrected;
  double level;                    /* walk.c: binary logarithm of the strike over the spot */
  double bump, bump_up, bump_down; /* see MC_WALK_BUMP; e^bump - 1, e^-bump - 1 */
  double by_dt[8];                 /* walk.c */
  u32 jumps, walk_model;
} mc_path_params;

/*
 * Sums of group g: sums[n g + ...]. For prices the first MC_PRICE_SUMS; with Greeks MC_GREEKS_SUMS. In units of the payoff, undiscounted:
 * DELTA is d payoff / d ln spot; MEAN and DEVIATION are derivatives by `mean` and `deviation`; GAMMA is spot^2 d2 payoff / d spot^2.
 */
enum {
  MC_SUM_PAYOFF,
  MC_SUM_SQUARE,
  MC_SUM_CONTROL,
  MC_SUM_CONTROL_SQUARE,
  MC_SUM_PRODUCT,
  MC_PRICE_SUMS,
  MC_SUM_DELTA = MC_PRICE_SUMS,
  MC_SUM_MEAN,
  MC_SUM_DEVIATION,
  MC_SUM_GAMMA,
  MC_GREEKS_SUMS,
  MC_SUM_TIME = MC_GREEKS_SUMS, /* walk.c: by time, besides what `mean` and `deviation` do */
  MC_WALK_GREEKS_SUMS
};

/* average.c: the sums of a group, the first two of the above, and the degrees of the factor of a step, whose coefficients are `model`, the
 * lowest power first. */
enum { MC_AVERAGE_SUMS = 2, MC_AVERAGE_DEGREE_F32 = 3, MC_AVERAGE_DEGREE_F64 = 7 };

/* `kind` of asian.c: which average is paid; the control is the geometric one, or the end for that itself. */
enum { MC_ASIAN_ARITHMETIC, MC_ASIAN_GEOMETRIC };
/* `kind` of barriers: bits. The control pays as if there were no barrier. */
enum { MC_BARRIER_UP = 1, MC_BARRIER_IN = 2 };
/* `kind` of lookbacks: bits. The control is the end. */
enum { MC_LOOKBACK_MAXIMUM = 1, MC_LOOKBACK_FLOATING = 2 };

/* `kind` of walk.c: a payoff and bits. The control is the end; of a barrier, the payoff without it. */
enum {
  MC_WALK_END,
  MC_WALK_DIGITAL,
  MC_WALK_ARITHMETIC,
  MC_WALK_GEOMETRIC,
  MC_WALK_BARRIER,
  MC_WALK_LOOKBACK,
  MC_WALK_PAYOFF = 7,
  MC_WALK_UP = 8, /* a barrier above, a maximum */
  MC_WALK_IN = 16,
  MC_WALK_FLOATING = 32,
  MC_WALK_AVERAGE = 64 /* with MC_WALK_ARITHMETIC */
};
/* A bit of `kind` for mc_paths, above all others: binary logarithms over the price at the start in place of prices, or the variances of
 * Heston's model. */
enum { MC_PATHS_LOGARITHMS = 128, MC_PATHS_VARIANCES = 256 };
/* `walk_model`. Merton: model[0] jumps expected in a step, [1] e^-that, [2] and [3] mean and deviation of a jump in binary logarithms; at
 * most `jumps` in a step; for Greeks [4] jumps expected a year, [5] 1 / time. Heston: model[0] variance now; [1] and [7] its mean after a
 * step is [1] v + [7]; [2], [3] its variance [2] v + [3]; [4] to [6] K1 to K3 = K4, `uncorrected` K0, in Andersen's letters. `by_dt`:
 * derivatives by the time at the end, of [1], [7], [2], [3], K2 + K3 / 2, K1 = K2, K3 and `uncorrected`. */
enum { MC_WALK_GBM, MC_WALK_MERTON, MC_WALK_HESTON };
/* `bump`: how far apart the spots are between which a barrier's gamma is taken, as a share of the deviation at the end, and at most of that
 * of a step: what an option is worth near a barrier that is looked at after steps changes within one. The bias of gamma is of its square's
 * order; what rounding does to it, which single precision feels shortly before expiry, is divided by its square. */
#define MC_WALK_BUMP 0.03
#define MC_WALK_BUMP_SINGLE 0.06
#define MC_WALK_BUMP_STEP 0.25

/*
 * A step's rule of exercise, MC_RULE reals (american.c, mc_exercise of walk.c). Going on is worth a cubic in t = slope S + shift, S over
 * the spot, plus w (c0 + c1 t + c2 t^2 + c3 w) with w = slope v + shift of the variance. CARRY discounts the underlying, DISCOUNT what is
 * paid.
 */
enum {
  MC_RULE_DISCOUNT,
  MC_RULE_SLOPE,
  MC_RULE_SHIFT,
  MC_RULE_TERMS,
  MC_RULE_V_SLOPE = MC_RULE_TERMS + 4,
  MC_RULE_V_SHIFT,
  MC_RULE_V_TERMS,
  MC_RULE_CARRY = MC_RULE_V_TERMS + 4,
  MC_RULE = 16
};
/* Reals of an asset in basket.c, and where its rows of matrices begin: of the triangular one that correlates the shocks, and of its inverse
 * transposed. */
enum {
  MC_BASKET_DEVIATION = 2,
  MC_BASKET_INVERSE_DEVIATION,
  MC_BASKET_MATRIX,
  MC_BASKET_INVERSE = MC_BASKET_MATRIX + 64,
  MC_BASKET_ROW = 132
};
/* Sums of mc_basket_greeks: those of a price, two for all assets, and MC_BASKET_EACH for each: a path that pays is worth the asset's part,
 * that times its shock, and the latter's score (see basket.c). */
enum {
  MC_BASKET_GAMMA = MC_PRICE_SUMS,
  MC_BASKET_CORRELATION,
  MC_BASKET_ASSETS,
  MC_BASKET_PART = 0,
  MC_BASKET_SHOCK,
  MC_BASKET_SCORE,
  MC_BASKET_EACH
};

#endif
