/* SPDX-License-Identifier: MIT */
/*
 * assay/options.h: European options in closed form (Black-Scholes-Merton with a continuous dividend yield), all their Greeks, implied
 * volatility, and binomial trees for European and American options; one option at a time, or arrays of them at a few nanoseconds each.
 *
 *     assay_error err = {0};
 *     assay_option option = {.kind = ASSAY_OPTION_CALL, .spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2};
 *     double price, volatility;
 *     assay_option_greeks greeks;
 *     if (assay_option_price(&option, &err, &price, &greeks) != ASSAY_OK) return fail(err.message);
 *     assay_option_implied_volatility(&option, price, &err, &volatility);              // 0.2 again
 *
 *     assay_options many = {.count = n, .kind = ASSAY_OPTION_PUT, .spot = assay_option_each(spots), .strike = assay_option_each(strikes),
 *                           .time = assay_option_all(0.5), .rate = assay_option_all(0.03), .volatility = assay_option_each(volatilities)};
 *     assay_options_out out = {.price = prices, .delta = deltas, .status = states};    // whatever is NULL is not computed
 *     size_t bad;
 *     assay_options_price(&many, &out, &err, &bad);
 *
 * Units: time in years; rate, dividend and volatility a year, as fractions (0.05 is 5 %), rate and dividend compounded continuously.
 * Ranges: spot, strike and time from 1e-140 to 1e140; volatility zero or positive, and times the root of time at most 1e140; rate and
 * dividend of either sign, each times time within +-300. Anything else is ASSAY_ERR_INVALID with a sentence (one option) or a NaN with a
 * status of its own (arrays), never a NaN alone.
 *
 * Accuracy (docs/options.md): a price's error is at most a few units in the last place of the greater of the two discounted amounts, and
 * relative to the price itself about 1e-15 (1 + 1 / (volatility sqrt(time))), also far out of the money.
 *
 * Thread-safety: every function may be called from any thread at once, whatever its rounding mode. Nothing is allocated except by trees.
 * Sources: Black and Scholes 1973; Merton 1973; the Greeks as in Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., chapter 2.
 */
#ifndef ASSAY_OPTIONS_H
#define ASSAY_OPTIONS_H

#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_option_kind { ASSAY_OPTION_CALL, ASSAY_OPTION_PUT } assay_option_kind;

/* One option. `dividend` is the continuous yield of the underlying (the foreign rate for a currency, the rate for a future). */
typedef struct assay_option {
  assay_option_kind kind;
  double spot, strike, time, rate, dividend, volatility;
} assay_option;

/*
 * Derivatives of the price V: a whole unit of each quantity, and a year of passing (calendar) time.
 * At zero volatility they are the limits for volatility to 0 (away from the money: no gamma, vega, vanna, volga).
 */
typedef struct assay_option_greeks {
  double delta; /* dV/dspot */
  double gamma; /* d2V/dspot2 */
  double vega;  /* dV/dvolatility: divide by 100 for a volatility point */
  double theta; /* -dV/dtime: divide by 365 for a day */
  double rho;   /* dV/drate: divide by 10,000 for a basis point */
  double vanna; /* d2V/dspot dvolatility */
  double volga; /* d2V/dvolatility2 */
  double charm; /* -d2V/dspot dtime */
} assay_option_greeks;

/* What is the matter with one element of a batch. */
#define ASSAY_OPTION_STATE_LIST(X)                                                                                        \
  X(ASSAY_OPTION_FINE, "fine")                                                                                            \
  X(ASSAY_OPTION_BAD_KIND, "the kind is neither a call nor a put")                                                        \
  X(ASSAY_OPTION_BAD_SPOT, "the spot is not a positive number")                                                           \
  X(ASSAY_OPTION_BAD_STRIKE, "the strike is not a positive number")                                                       \
  X(ASSAY_OPTION_BAD_TIME, "the time to expiry is not a positive number of years")                                        \
  X(ASSAY_OPTION_BAD_RATE, "the rate is not a finite number")                                                             \
  X(ASSAY_OPTION_BAD_DIVIDEND, "the dividend yield is not a finite number")                                               \
  X(ASSAY_OPTION_BAD_VOLATILITY, "the volatility is not a finite number of at least 0")                                   \
  X(ASSAY_OPTION_BAD_RANGE, "out of range: an amount below 1e-140 or above 1e140, or a rate times the time beyond +-300") \
  X(ASSAY_OPTION_BAD_PRICE, "the price is not a finite number")                                                           \
  X(ASSAY_OPTION_BELOW_BOUND, "the price is below the discounted intrinsic value, which is arbitrage")                    \
  X(ASSAY_OPTION_NO_TIME_VALUE, "the price is the discounted intrinsic value, or so near it that no volatility is told")  \
  X(ASSAY_OPTION_ABOVE_BOUND, "the price is not below the discounted spot (call) or strike (put), so no volatility gives it")

typedef enum assay_option_state {
#define ASSAY_OPTION_STATE_ENUM(symbol, text) symbol,
  ASSAY_OPTION_STATE_LIST(ASSAY_OPTION_STATE_ENUM)
#undef ASSAY_OPTION_STATE_ENUM
      ASSAY_OPTION_STATE_COUNT
} assay_option_state;

/* A sentence without a full stop. Never NULL. */
ASSAY_API const char *assay_option_state_text(assay_option_state state);

/* The price and, unless `greeks` is NULL, its derivatives. */
ASSAY_API assay_status assay_option_price(const assay_option *option, assay_error *err, double *price, assay_option_greeks *greeks);

/*
 * The volatility that gives `price` (option->volatility is not read), to 1e-12 of itself where the price determines it that well: one unit
 * in the last place of the price, or of the discounted spot or strike when the option is in the money, moves the volatility by vega's
 * inverse of it. ASSAY_ERR_INVALID when the price is outside the no-arbitrage bounds, with the bound in the message.
 * After: Jaeckel, Let's be rational, Wilmott 2015 (the normalised price and third-order steps); docs/options.md says what is our own.
 */
ASSAY_API assay_status assay_option_implied_volatility(const assay_option *option, double price, assay_error *err, double *volatility);

/* ---- Arrays ------------------------------------------------------------------------------------------------------------------ */

/* One input of a batch: an array of `count`, borrowed, or one value for all (`values` NULL). A zeroed one is 0 for all. */
typedef struct assay_option_input {
  const double *values;
  double value;
} assay_option_input;

static inline assay_option_input assay_option_each(const double *values) {
  assay_option_input input;
  input.values = values;
  input.value = 0;
  return input;
}
static inline assay_option_input assay_option_all(double value) {
  assay_option_input input;
  input.values = NULL;
  input.value = value;
  return input;
}

typedef struct assay_options {
  size_t count;
  const uint8_t *kinds;   /* an array of assay_option_kind, or NULL: `kind` for all */
  assay_option_kind kind; /* read when `kinds` is NULL */
  assay_option_input spot, strike, time, rate, dividend, volatility;
} assay_options;

/* Where the results go: arrays of `count`, each NULL when not wanted. They must not overlap each other or an input, except that an output
 * may be the very same array as an input. */
typedef struct assay_options_out {
  double *price, *delta, *gamma, *vega, *theta, *rho, *vanna, *volga, *charm;
  uint8_t *status; /* an assay_option_state each */
} assay_options_out;

/*
 * Prices and Greeks of `count` options. An element with bad input gets NaN in every output and its cause in `status`; the others are
 * unaffected by it. `bad` (may be NULL) receives how many there were. With neither `bad` nor `status` to tell the caller, a bad element is
 * ASSAY_ERR_INVALID, naming the first (all outputs are written all the same).
 * The same bits as assay_option_price, whatever the instruction set and wherever in an array an option stands.
 */
ASSAY_API assay_status assay_options_price(const assay_options *options, const assay_options_out *out, assay_error *err, size_t *bad);

/* Implied volatilities of `count` prices in the same manner; options->volatility is not read, `status` may be NULL. */
ASSAY_API assay_status assay_options_implied_volatility(const assay_options *options, assay_option_input price, double *volatility,
                                                        uint8_t *status, assay_error *err, size_t *bad);

/* ---- Binomial trees ----------------------------------------------------------------------------------------------------------- */

typedef enum assay_tree_method {
  ASSAY_TREE_CRR,           /* Cox, Ross and Rubinstein 1979: recombines at the spot; error of order 1/steps, which oscillates */
  ASSAY_TREE_LEISEN_REIMER, /* Leisen and Reimer 1996 (Peizer-Pratt inversion 2): order 1/steps^2; an even number of steps is made odd */
} assay_tree_method;

typedef enum assay_exercise { ASSAY_EXERCISE_EUROPEAN, ASSAY_EXERCISE_AMERICAN } assay_exercise;

typedef struct assay_tree {
  assay_tree_method method;
  assay_exercise exercise;
  uint32_t steps; /* 2 to ASSAY_TREE_MAX_STEPS */
} assay_tree;

enum { ASSAY_TREE_MAX_STEPS = 100000 };

/* The Greeks that a tree gives. delta and gamma come from its first levels, off by the order 1/steps; vega, rho and, for a Leisen-Reimer
 * tree, theta from two more trees each (central differences), so asking for Greeks costs five trees, or seven. A European option's delta
 * and gamma on a Leisen-Reimer tree come from three more, ten, and are off by the order 1/steps^2 as its price is, down to 2e-7 (delta) and
 * 1e-5 of it (gamma); seconds before expiry, a ten-thousandth. An option that is best exercised now has no theta. */
typedef struct assay_tree_greeks {
  double delta, gamma, vega, theta, rho;
} assay_tree_greeks;

/*
 * Price, and unless `greeks` is NULL its derivatives, in the units of assay_option_greeks. Besides the ranges above: the volatility must be
 * positive, and the tree's probabilities must lie within 0 and 1: for CRR |rate - dividend| sqrt(time / steps) < volatility; the message
 * says how many steps would do. Memory: 16 bytes a step.
 */
ASSAY_API assay_status assay_tree_price(const assay_option *option, const assay_tree *tree, assay_error *err, double *price,
                                        assay_tree_greeks *greeks);

#ifdef __cplusplus
}
#endif
#endif
