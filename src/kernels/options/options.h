/* SPDX-License-Identifier: MIT */
/*
 * What the kernels of options take and give: tiles of GROUP_SIZE options, one a group, an array of GROUP_SIZE for each quantity:
 *     in[(group * OPTION_INPUTS + quantity) * GROUP_SIZE + item], out[(group * outputs + quantity) * GROUP_SIZE + item]
 * Options from `count` on are left alone (by lanes: some behind the last are written).
 */
#ifndef ASSAY_KERNELS_OPTIONS_H
#define ASSAY_KERNELS_OPTIONS_H

/* The sign is 1 for a call, -1 for a put. */
enum {
  OPTION_SIGN,
  OPTION_SPOT,
  OPTION_STRIKE,
  OPTION_TIME,
  OPTION_RATE,
  OPTION_DIVIDEND,
  OPTION_VOLATILITY, /* for option_volatility: the price */
  OPTION_INPUTS
};

/* option_price has the first, option_greeks those up to rho, option_greeks_all all, option_volatility one of its own. What is not in range
 * has NaN in every output. */
enum {
  OPTION_PRICE,
  OPTION_PRICE_OUTPUTS,
  OPTION_DELTA = OPTION_PRICE_OUTPUTS,
  OPTION_GAMMA,
  OPTION_VEGA,
  OPTION_THETA,
  OPTION_RHO,
  OPTION_GREEKS_OUTPUTS,
  OPTION_VANNA = OPTION_GREEKS_OUTPUTS,
  OPTION_VOLGA,
  OPTION_CHARM,
  OPTION_ALL_OUTPUTS
};

typedef struct option_params {
  u64 count;
  u32 no_dividends; /* 1: every dividend is 0. The same numbers, an exponential less */
  u32 unused;
  /* Addresses of arrays that are read and written where they lie instead of in the tiles, in a launch of one whole group on the host. 0:
   * the tile. No result may lie where an input does. */
  u64 in_at[OPTION_INPUTS];
  u64 out_at[OPTION_ALL_OUTPUTS];
} option_params;

/* option_volatility's: the volatility, and the bounds that the price must lie between. */
enum { OPTION_IMPLIED, OPTION_LOWER, OPTION_UPPER, OPTION_VOLATILITY_OUTPUTS };

/* Ranges: spot, strike, time, and volatility times the root of time are at most LARGEST, the first three at least SMALLEST, rate and
 * dividend times time within +-EXPONENT. So no product below leaves the doubles. */
#define OPTION_SMALLEST 1e-140
#define OPTION_LARGEST 1e140
#define OPTION_EXPONENT 300.0
/* A price's time value over the lesser of the discounted amounts; below, no volatility is looked for. */
#define OPTION_LEAST_TIME_VALUE 1e-300

#endif
