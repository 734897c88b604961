/* SPDX-License-Identifier: MIT */
/* What an option may be, and one option at a time. */
#include "quant/options.h"

#include <math.h>

static const char *const state_texts[ASSAY_OPTION_STATE_COUNT] = {
#define STATE_TEXT(symbol, text) [symbol] = text,
    ASSAY_OPTION_STATE_LIST(STATE_TEXT)
#undef STATE_TEXT
};

const char *assay_option_state_text(assay_option_state state) {
  return (unsigned)state < ASSAY_OPTION_STATE_COUNT ? state_texts[state] : "unknown";
}

static bool positive(double value) { return value > 0 && value <= ASSAY_OPTION_LARGEST; }

/* Far enough from the ends of the doubles that products of two factors of a Greek stay inside. */
static bool in_range(double amount) { return amount >= ASSAY_OPTION_SMALLEST && amount <= ASSAY_OPTION_LARGEST; }

static assay_option_state check_market(const assay_option *option) {
  if (option->kind != ASSAY_OPTION_CALL && option->kind != ASSAY_OPTION_PUT) return ASSAY_OPTION_BAD_KIND;
  if (!positive(option->spot)) return ASSAY_OPTION_BAD_SPOT;
  if (!positive(option->strike)) return ASSAY_OPTION_BAD_STRIKE;
  if (!positive(option->time)) return ASSAY_OPTION_BAD_TIME;
  if (!isfinite(option->rate)) return ASSAY_OPTION_BAD_RATE;
  if (!isfinite(option->dividend)) return ASSAY_OPTION_BAD_DIVIDEND;
  assay_discounted amounts = assay_option_discount(option);
  return in_range(amounts.spot) && in_range(amounts.strike) ? ASSAY_OPTION_FINE : ASSAY_OPTION_BAD_RANGE;
}

assay_option_state assay_option_check(const assay_option *option) {
  assay_option_state state = check_market(option);
  if (state != ASSAY_OPTION_FINE) return state;
  if (!(option->volatility >= 0) || !isfinite(option->volatility)) return ASSAY_OPTION_BAD_VOLATILITY;
  return option->volatility * sqrt(option->time) <= ASSAY_OPTION_LARGEST ? ASSAY_OPTION_FINE : ASSAY_OPTION_BAD_RANGE;
}

assay_option_state assay_option_check_price(const assay_option *option, double price) {
  assay_option_state state = check_market(option);
  if (state != ASSAY_OPTION_FINE) return state;
  if (!isfinite(price)) return ASSAY_OPTION_BAD_PRICE;
  assay_discounted amounts = assay_option_discount(option);
  double bound = option->kind == ASSAY_OPTION_CALL ? amounts.spot : amounts.strike;
  double intrinsic = fmax(bound - (option->kind == ASSAY_OPTION_CALL ? amounts.strike : amounts.spot), 0);
  if (price < intrinsic) return ASSAY_OPTION_BELOW_BOUND;
  if (price == intrinsic) return ASSAY_OPTION_NO_TIME_VALUE;
  return price < bound ? ASSAY_OPTION_FINE : ASSAY_OPTION_ABOVE_BOUND;
}

assay_status assay_option_fail(const assay_option *option, assay_option_state state, double price, assay_error *err) {
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
    case ASSAY_OPTION_ABOVE_BOUND: {
      assay_discounted amounts = assay_option_discount(option);
      double bound = option->kind == ASSAY_OPTION_CALL ? amounts.spot : amounts.strike;
      double other = option->kind == ASSAY_OPTION_CALL ? amounts.strike : amounts.spot;
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s (%.17g; it must lie between %.17g and %.17g)", text, price, fmax(bound - other, 0),
                        bound);
    }
    default: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s", text);
  }
}

assay_status assay_option_price(const assay_option *option, assay_error *err, double *price, assay_option_greeks *greeks) {
  assay_option_state state = assay_option_check(option);
  if (state != ASSAY_OPTION_FINE) return assay_option_fail(option, state, 0, err);
  assay_closed_form form = assay_option_closed_form(option);
  *price = form.price;
  if (greeks != NULL) *greeks = form.greeks;
  return ASSAY_OK;
}

assay_status assay_option_implied_volatility(const assay_option *option, double price, assay_error *err, double *volatility) {
  assay_option_state state = assay_option_check_price(option, price);
  if (state != ASSAY_OPTION_FINE) return assay_option_fail(option, state, price, err);
  *volatility = assay_option_solve_volatility(option, price);
  return ASSAY_OK;
}
