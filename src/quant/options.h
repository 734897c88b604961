/* SPDX-License-Identifier: MIT */
/* What the files of <assay/options.h> share. */
#ifndef ASSAY_QUANT_OPTIONS_H
#define ASSAY_QUANT_OPTIONS_H

#include <assay/options.h>

#include <math.h>
#include <stdbool.h>

/* What the kernel for implied volatility says: NaN where none gives the price, and the bounds that it must lie between. */
typedef struct assay_implied {
  double volatility, lower, upper;
} assay_implied;

/* The first thing that is wrong with an option. ASSAY_OPTION_FINE exactly where assay_option_closed_form gives a number. */
assay_option_state assay_option_check(const assay_option *option);
/* What is wrong with a price for which there is no volatility. */
assay_option_state assay_option_check_price(const assay_option *option, double price, double lower, double upper);

/* The price, and unless it is NaN, what an option that is not fine has, the Greeks (NULL: not wanted). */
double assay_option_closed_form(const assay_option *option, assay_option_greeks *greeks);
assay_implied assay_option_implied(const assay_option *option, double price);

/* ASSAY_ERR_INVALID with a sentence that holds the value. `implied` is read for states about a price. */
assay_status assay_option_fail(const assay_option *option, assay_option_state state, double price, const assay_implied *implied,
                               assay_error *err);

#endif
