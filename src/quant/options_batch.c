/* SPDX-License-Identifier: MIT */
/* Arrays of options. */
#include "quant/options.h"

static double at(assay_option_input input, size_t index) { return input.values != NULL ? input.values[index] : input.value; }

static assay_option option_at(const assay_options *options, size_t index) {
  return (assay_option){.kind = options->kinds != NULL ? (assay_option_kind)options->kinds[index] : options->kind,
                        .spot = at(options->spot, index),
                        .strike = at(options->strike, index),
                        .time = at(options->time, index),
                        .rate = at(options->rate, index),
                        .dividend = at(options->dividend, index),
                        .volatility = at(options->volatility, index)};
}

/* Counts what is bad and keeps the first for a caller who would not see it otherwise. */
typedef struct bad_ones {
  size_t bad, first;
  assay_option_state state;
} bad_ones;

static void note(bad_ones *tally, size_t index, assay_option_state state) {
  if (state == ASSAY_OPTION_FINE) return;
  if (tally->bad++ > 0) return;
  tally->first = index;
  tally->state = state;
}

static assay_status conclude(const bad_ones *tally, bool told, assay_error *err, size_t *bad) {
  if (bad != NULL) *bad = tally->bad;
  if (tally->bad == 0 || told) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "option %zu: %s (%zu in all; pass `bad` or `status` to get the others)", tally->first,
                    assay_option_state_text(tally->state), tally->bad);
}

static void put(double *array, size_t index, double value) {
  if (array != NULL) array[index] = value;
}

static void put_all(const assay_options_out *out, size_t index, const assay_closed_form *form) {
  put(out->price, index, form->price);
  put(out->delta, index, form->greeks.delta);
  put(out->gamma, index, form->greeks.gamma);
  put(out->vega, index, form->greeks.vega);
  put(out->theta, index, form->greeks.theta);
  put(out->rho, index, form->greeks.rho);
  put(out->vanna, index, form->greeks.vanna);
  put(out->volga, index, form->greeks.volga);
  put(out->charm, index, form->greeks.charm);
}

assay_status assay_options_price(const assay_options *options, const assay_options_out *out, assay_error *err, size_t *bad) {
  static const assay_closed_form nothing = {NAN, {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}};
  bad_ones tally = {0};
  for (size_t i = 0; i < options->count; i++) {
    assay_option option = option_at(options, i);
    assay_option_state state = assay_option_check(&option);
    assay_closed_form form = state == ASSAY_OPTION_FINE ? assay_option_closed_form(&option) : nothing;
    put_all(out, i, &form);
    if (out->status != NULL) out->status[i] = (uint8_t)state;
    note(&tally, i, state);
  }
  return conclude(&tally, out->status != NULL || bad != NULL, err, bad);
}

assay_status assay_options_implied_volatility(const assay_options *options, assay_option_input price, double *volatility, uint8_t *status,
                                              assay_error *err, size_t *bad) {
  bad_ones tally = {0};
  for (size_t i = 0; i < options->count; i++) {
    assay_option option = option_at(options, i);
    double target = at(price, i);
    assay_option_state state = assay_option_check_price(&option, target);
    volatility[i] = state == ASSAY_OPTION_FINE ? assay_option_solve_volatility(&option, target) : NAN;
    if (status != NULL) status[i] = (uint8_t)state;
    note(&tally, i, state);
  }
  return conclude(&tally, status != NULL || bad != NULL, err, bad);
}
