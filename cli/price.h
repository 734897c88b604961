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
#define ASSAY_PRICE_RATES                                                                 \
  {"rate",                                                                                \
   'r',                                                                                   \
   ASSAY_CLI_REAL,                                                                        \
   "RATE",                                                                                \
   .needed = true,                                                                        \
   ASSAY_PRICE_AT(rate),                                                                  \
   .help = "The interest rate a year, continuously compounded: 0.05 is 5 %."},            \
  {                                                                                       \
    "dividend", 0, ASSAY_CLI_REAL, "RATE", "0", ASSAY_PRICE_AT(dividend),                 \
        .help = "The continuous dividend yield a year (of a currency, the foreign rate)." \
  }
#define ASSAY_PRICE_VOLATILITY                                                                                       \
  {                                                                                                                  \
    "volatility", 'v', ASSAY_CLI_REAL, "VOLATILITY", .needed = true, ASSAY_PRICE_AT(volatility),                     \
                                                     .help = "Of the underlying a year, as a fraction: 0.2 is 20 %." \
  }
#define ASSAY_PRICE_JSON \
  { "json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_PRICE_AT(json) }

extern const char *const assay_price_types[];

typedef struct assay_price_greek {
  const char *name;
  double value, error; /* NaN: none */
  const char *method;  /* NULL: none */
} assay_price_greek;

enum { ASSAY_PRICE_MOST_GREEKS = 8, ASSAY_PRICE_MOST_FACTS = 16 };

/* A price and what is known about it. */
typedef struct assay_price_answer {
  const char *payoff, *method, *how; /* "european", "closed-form", "Black-Scholes-Merton" */
  double price, standard_error;      /* NaN: it has none, being no estimate */
  double low, high, level;           /* the interval; NaN without */
  assay_price_greek greeks[ASSAY_PRICE_MOST_GREEKS];
  size_t greek_count;
  const char *device, *reason;
  struct {
    const char *name;
    double number;
    const char *text; /* NULL: the number */
  } facts[ASSAY_PRICE_MOST_FACTS];
  size_t fact_count;
} assay_price_answer;

void assay_price_add_greek(assay_price_answer *answer, const char *name, double value, double error, const char *method);
void assay_price_add_fact(assay_price_answer *answer, const char *name, double number, const char *text);
/* As JSON or as text, as the user wants it; the exit code. */
int assay_price_show(assay_cli *cli, const assay_price_settings *settings, const assay_price_answer *answer);

#endif
