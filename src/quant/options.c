/* SPDX-License-Identifier: MIT */
/* What an option may be, and one option at a time. */
#include "quant/options.h"
#include "base/float.h"

#include <math.h>

#include "kernels/types.h"

#include "kernels/options/options.h"

static const char *const state_texts[ASSAY_OPTION_STATE_COUNT] = {
#define STATE_TEXT(symbol, text) [symbol] = text,
    ASSAY_OPTION_STATE_LIST(STATE_TEXT)
#undef STATE_TEXT
};

const char *assay_option_state_text(assay_option_state state) {
  return (unsigned)state < ASSAY_OPTION_STATE_COUNT ? state_texts[state] : "unknown";
}

static bool positive(double value) { return value > 0 && isfinite(value); }
static bool in_range(double value) { return value >= OPTION_SMALLEST && value <= OPTION_LARGEST; }

/* As the kernels have it (kernels/options/lanes.h). */
static assay_option_state check_market(const assay_option *option) {
  if (option->kind != ASSAY_OPTION_CALL && option->kind != ASSAY_OPTION_PUT) return ASSAY_OPTION_BAD_KIND;
  if (!positive(option->spot)) return ASSAY_OPTION_BAD_SPOT;
  if (!positive(option->strike)) return ASSAY_OPTION_BAD_STRIKE;
  if (!positive(option->time)) return ASSAY_OPTION_BAD_TIME;
  if (!isfinite(option->rate)) return ASSAY_OPTION_BAD_RATE;
  if (!isfinite(option->dividend)) return ASSAY_OPTION_BAD_DIVIDEND;
  bool amounts = in_range(option->spot) && in_range(option->strike) && in_range(option->time);
  bool exponents = fabs(option->rate * option->time) <= OPTION_EXPONENT && fabs(option->dividend * option->time) <= OPTION_EXPONENT;
  return amounts && exponents ? ASSAY_OPTION_FINE : ASSAY_OPTION_BAD_RANGE;
}

assay_option_state assay_option_check(const assay_option *option) {
  assay_option_state state = check_market(option);
  if (state != ASSAY_OPTION_FINE) return state;
  if (!(option->volatility >= 0) || !isfinite(option->volatility)) return ASSAY_OPTION_BAD_VOLATILITY;
  return option->volatility * sqrt(option->time) <= OPTION_LARGEST ? ASSAY_OPTION_FINE : ASSAY_OPTION_BAD_RANGE;
}

assay_option_state assay_option_check_price(const assay_option *option, double price, double lower, double upper) {
  assay_option_state state = check_market(option);
  if (state != ASSAY_OPTION_FINE) return state;
  if (!isfinite(price)) return ASSAY_OPTION_BAD_PRICE;
  if (price < lower) return ASSAY_OPTION_BELOW_BOUND;
  return price >= upper ? ASSAY_OPTION_ABOVE_BOUND : ASSAY_OPTION_NO_TIME_VALUE;
}

assay_status assay_option_fail(const assay_option *option, assay_option_state state, double price, const assay_implied *implied,
                               assay_error *err) {
  const char *text = assay_option_state_text(state);
  switch (state) {
    case ASSAY_OPTION_BAD_KIND: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%d)", text, (int)option->kind);
    case ASSAY_OPTION_BAD_SPOT: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->spot);
    case ASSAY_OPTION_BAD_STRIKE: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->strike);
    case ASSAY_OPTION_BAD_TIME: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->time);
    case ASSAY_OPTION_BAD_RATE: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->rate);
    case ASSAY_OPTION_BAD_DIVIDEND: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->dividend);
    case ASSAY_OPTION_BAD_VOLATILITY: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, option->volatility);
    case ASSAY_OPTION_BAD_PRICE: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%g)", text, price);
    case ASSAY_OPTION_BELOW_BOUND:
    case ASSAY_OPTION_NO_TIME_VALUE:
    case ASSAY_OPTION_ABOVE_BOUND:
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%.17g; it must lie between %.17g and %.17g)", text, price, implied->lower,
                        implied->upper);
    default: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s", text);
  }
}

assay_status assay_option_price(const assay_option *option, assay_error *err, double *price, assay_option_greeks *greeks) {
  ASSAY_FLOAT_USUAL;
  if (option == NULL || price == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_option_price needs %s (NULL)", option == NULL ? "an option" : "a place for the price");
  double found = assay_option_closed_form(option, greeks);
  if (isnan(found)) return assay_option_fail(option, assay_option_check(option), 0, NULL, err);
  *price = found;
  return ASSAY_OK;
}

assay_status assay_option_implied_volatility(const assay_option *option, double price, assay_error *err, double *volatility) {
  ASSAY_FLOAT_USUAL;
  if (option == NULL || volatility == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_option_implied_volatility needs %s (NULL)",
                      option == NULL ? "an option" : "a place for the volatility");
  assay_implied implied = assay_option_implied(option, price);
  if (isnan(implied.volatility))
    return assay_option_fail(option, assay_option_check_price(option, price, implied.lower, implied.upper), price, &implied, err);
  *volatility = implied.volatility;
  return ASSAY_OK;
}
