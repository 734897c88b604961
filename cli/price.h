/* SPDX-License-Identifier: MIT */
/* What the verbs of `assay price` share: one settings structure, rows for their tables of options, and the answer in three forms. */
#ifndef ASSAY_CLI_PRICE_H
#define ASSAY_CLI_PRICE_H

#include <assay/options.h>

#include "base/json.h"
#include "cli/cli.h"

typedef struct assay_price_settings {
  double spot, strike, time, rate, dividend, volatility, price;
  const char *type, *method, *tree, *device;
  uint64_t steps;
  bool json;
  /* Monte Carlo */
  const char *model, *average, *barrier_kind, *watch, *style, *precision, *sampling;
  double payout, barrier, target_error, level, correlation;
  double jump_rate, jump_mean, jump_volatility, variance, long_variance, reversion, variance_volatility;
  uint64_t paths, seed;
  bool antithetic, control, no_greeks, upper_bound, nearest;
  assay_cli_words spots, volatilities, dividends, weights, correlations; /* of several assets */
} assay_price_settings;

#define ASSAY_PRICE_AT(field) .at = offsetof(assay_price_settings, field)
#define ASSAY_PRICE_TYPE                                                                           \
  {                                                                                                \
    "type", 0, ASSAY_CLI_TEXT, "TYPE", "call", .choices = assay_price_types, ASSAY_PRICE_AT(type), \
                                               .help = "The right to buy (call) or to sell (put)." \
  }
#define ASSAY_PRICE_SPOT \
  { "spot", 's', ASSAY_CLI_REAL, "PRICE", .needed = true, ASSAY_PRICE_AT(spot), .help = "The underlying's price now." }
#define ASSAY_PRICE_STRIKE \
  { "strike", 'k', ASSAY_CLI_REAL, "PRICE", .needed = true, ASSAY_PRICE_AT(strike), .help = "The price of exercise." }
#define ASSAY_PRICE_TIME \
  { "time", 't', ASSAY_CLI_REAL, "YEARS", .needed = true, ASSAY_PRICE_AT(time), .help = "To expiry, in years: three months are 0.25." }
#define ASSAY_PRICE_RATE                                                                                           \
  {                                                                                                                \
    "rate", 'r', ASSAY_CLI_REAL, "RATE", .needed = true, ASSAY_PRICE_AT(rate),                                     \
                                         .help = "The interest rate a year, continuously compounded: 0.05 is 5 %." \
  }
#define ASSAY_PRICE_RATES                                                                 \
  ASSAY_PRICE_RATE, {                                                                     \
    "dividend", 0, ASSAY_CLI_REAL, "RATE", "0", ASSAY_PRICE_AT(dividend),                 \
        .help = "The continuous dividend yield a year (of a currency, the foreign rate)." \
  }
#define ASSAY_PRICE_VOLATILITY                                                                         \
  {                                                                                                    \
    "volatility", 'v', ASSAY_CLI_REAL, "VOLATILITY", ASSAY_PRICE_AT(volatility),                       \
        .help = "Of the underlying a year, as a fraction: 0.2 is 20 %. Needed, but by Heston's model." \
  }
#define ASSAY_PRICE_JSON \
  { "json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_PRICE_AT(json) }

extern const char *const assay_price_types[], *const assay_price_models[], *const assay_price_precisions[], *const assay_price_samplings[];

/* What a simulation is made of, whatever is paid. */
#define ASSAY_PRICE_SIMULATION                                                                                                        \
  {"paths", 'n', ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 1e12, ASSAY_PRICE_AT(paths), .help = "To simulate; 0: 1,048,576."},  \
      {"seed", 0, ASSAY_CLI_UNSIGNED, "N", "0", ASSAY_PRICE_AT(seed), .help = "The same seed gives the same price to the last bit."}, \
      {"target-error",                                                                                                                \
       0,                                                                                                                             \
       ASSAY_CLI_REAL,                                                                                                                \
       "E",                                                                                                                           \
       "0",                                                                                                                           \
       .low = 0,                                                                                                                      \
       .high = 1e300,                                                                                                                 \
       ASSAY_PRICE_AT(target_error),                                                                                                  \
       .help = "Simulate until the standard error is at most this; 0: --paths decides."},                                             \
      {"level", 0, ASSAY_CLI_REAL, "P", "0.95", .low = 0.01, .high = 0.999999, ASSAY_PRICE_AT(level), .help = "Of the interval."},    \
      {"precision",                                                                                                                   \
       0,                                                                                                                             \
       ASSAY_CLI_TEXT,                                                                                                                \
       "TYPE",                                                                                                                        \
       "f64",                                                                                                                         \
       .choices = assay_price_precisions,                                                                                             \
       ASSAY_PRICE_AT(precision),                                                                                                     \
       .help = "Of the simulation."},                                                                                                 \
      {"sampling",                                                                                                                    \
       0,                                                                                                                             \
       ASSAY_CLI_TEXT,                                                                                                                \
       "KIND",                                                                                                                        \
       "pseudo",                                                                                                                      \
       .choices = assay_price_samplings,                                                                                              \
       ASSAY_PRICE_AT(sampling),                                                                                                      \
       .help = "Pseudo-random numbers, or Sobol points."},                                                                            \
      {"antithetic", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(antithetic), .help = "Each path with its mirror image."},                      \
      {"control", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(control), .help = "With a control variate."},                                     \
      {"no-greeks", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(no_greeks), .help = "The price alone."}, {                                      \
    "device", 'd', ASSAY_CLI_TEXT, "DEVICE", .environment = "ASSAY_DEVICE", ASSAY_PRICE_AT(device),                                   \
                                             .help = "auto, cpu, opencl[:n] or cuda[:n]; auto when not given."                        \
  }

/* How the underlying moves. */
#define ASSAY_PRICE_MODEL                                                                                                        \
  {"model",                                                                                                                      \
   0,                                                                                                                            \
   ASSAY_CLI_TEXT,                                                                                                               \
   "MODEL",                                                                                                                      \
   "gbm",                                                                                                                        \
   .choices = assay_price_models,                                                                                                \
   ASSAY_PRICE_AT(model),                                                                                                        \
   .help = "Geometric Brownian motion, with jumps (Merton), or with a variance of its own (Heston)."},                           \
      {"jump-rate", 0, ASSAY_CLI_REAL, "N", "0", ASSAY_PRICE_AT(jump_rate), .help = "Merton: jumps a year."},                    \
      {"jump-mean", 0, ASSAY_CLI_REAL, "M", "0", ASSAY_PRICE_AT(jump_mean), .help = "Merton: mean of the logarithm of a jump."}, \
      {"jump-volatility", 0, ASSAY_CLI_REAL, "S", "0", ASSAY_PRICE_AT(jump_volatility), .help = "Merton: its deviation."},       \
      {"variance", 0, ASSAY_CLI_REAL, "V", "0", ASSAY_PRICE_AT(variance), .help = "Heston: now."},                               \
      {"long-variance", 0, ASSAY_CLI_REAL, "V", "0", ASSAY_PRICE_AT(long_variance), .help = "Heston: in the long run."},         \
      {"reversion", 0, ASSAY_CLI_REAL, "K", "0", ASSAY_PRICE_AT(reversion), .help = "Heston: speed of return to it."},           \
      {"variance-volatility",                                                                                                    \
       0,                                                                                                                        \
       ASSAY_CLI_REAL,                                                                                                           \
       "X",                                                                                                                      \
       "0",                                                                                                                      \
       ASSAY_PRICE_AT(variance_volatility),                                                                                      \
       .help = "Heston: volatility of the variance."},                                                                           \
  {                                                                                                                              \
    "correlation", 0, ASSAY_CLI_REAL, "R", "0", .low = -1, .high = 1, ASSAY_PRICE_AT(correlation),                               \
                                                .help = "Heston: of the variance with the underlying."                           \
  }

/* ---- Pricing ------------------------------------------------------------------------------------------------------------------------- */

assay_option assay_price_option(const assay_price_settings *settings); /* price.c */
/* Refuses an option without a volatility, where its model has one, and what its model or method would not look at (price_check.c). */
assay_status assay_price_check(const assay_cli *cli, const assay_price_settings *settings, assay_error *err);
/* A table of European options, the verb's operand: their prices, or (with `implied`) the volatilities that theirs imply. The exit code. */
int assay_price_table(assay_cli *cli, const assay_price_settings *settings, bool implied);
/* By simulation; `payoff` and `how` are words for the answer. Returns the exit code. */
int assay_price_simulate(assay_cli *cli, const assay_price_settings *settings, const char *payoff);

/* ---- The answer (price_answer.c) ----------------------------------------------------------------------------------------------------- */

typedef struct assay_price_greek {
  const char *name;
  double value, error; /* NaN: none */
  const char *method;  /* NULL: none */
} assay_price_greek;

/* Of one asset of several. */
typedef struct assay_price_asset {
  assay_price_greek delta, gamma, vega;
} assay_price_asset;

enum { ASSAY_PRICE_MOST_GREEKS = 8, ASSAY_PRICE_MOST_FACTS = 16 };

/* A price and what is known about it. */
typedef struct assay_price_answer {
  const char *payoff, *method, *how; /* "european", "closed-form", "Black-Scholes-Merton" */
  double price, standard_error;      /* NaN: it has none, being no estimate */
  double low, high, level;           /* the interval; NaN without */
  assay_price_greek greeks[ASSAY_PRICE_MOST_GREEKS];
  size_t greek_count;
  const assay_price_asset *assets;
  size_t asset_count;
  const char *device, *reason;
  struct {
    const char *name;
    double number;
    const char *text; /* NULL: the number */
    bool whole;       /* `count` instead, to the last digit */
    uint64_t count;
  } facts[ASSAY_PRICE_MOST_FACTS];
  size_t fact_count;
} assay_price_answer;

void assay_price_add_greek(assay_price_answer *answer, const char *name, double value, double error, const char *method);
void assay_price_add_fact(assay_price_answer *answer, const char *name, double number, const char *text);
void assay_price_add_count(assay_price_answer *answer, const char *name, uint64_t count);
/* As JSON or as text, as the user wants it; the exit code. */
int assay_price_show(assay_cli *cli, const assay_price_settings *settings, const assay_price_answer *answer);

#endif
