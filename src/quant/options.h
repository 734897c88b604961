/* SPDX-License-Identifier: MIT */
/* What the files of <assay/options.h> share. */
#ifndef ASSAY_QUANT_OPTIONS_H
#define ASSAY_QUANT_OPTIONS_H

#include <assay/options.h>

#include <math.h>
#include <stdbool.h>

/* Amounts outside are refused. */
#define ASSAY_OPTION_SMALLEST 1e-290
#define ASSAY_OPTION_LARGEST 1e290

/* spot e^(-dividend time) and strike e^(-rate time). */
typedef struct assay_discounted {
  double spot, strike;
} assay_discounted;

static inline assay_discounted assay_option_discount(const assay_option *option) {
  return (assay_discounted){.spot = option->spot * exp(-option->dividend * option->time),
                            .strike = option->strike * exp(-option->rate * option->time)};
}

typedef struct assay_closed_form {
  double price;
  assay_option_greeks greeks;
} assay_closed_form;

/* The first thing that is wrong with an option, or with a price for one (then the volatility is not looked at). */
assay_option_state assay_option_check(const assay_option *option);
assay_option_state assay_option_check_price(const assay_option *option, double price);
/* ASSAY_ERR_INVALID with a sentence that holds the value. `price` is only read for states about one. */
assay_status assay_option_fail(const assay_option *option, assay_option_state state, double price, assay_error *err);

/* Of input that assay_option_check and assay_option_check_price found fine. */
assay_closed_form assay_option_closed_form(const assay_option *option);
double assay_option_solve_volatility(const assay_option *option, double price);

#endif
