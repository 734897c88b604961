/* SPDX-License-Identifier: MIT */
/* Any bytes as an option and a price for it: numbers that keep to their bounds and come back, or a status; never a NaN without one. */
#include <assay/options.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
  double spot, strike, time, rate, dividend, volatility, price;
  uint8_t kind, steps, flags;
} input;

static void need(int holds) {
  if (!holds) abort();
}

/* A batch says what a single call says, bit by bit. */
static void same_in_a_batch(const assay_option *o, assay_status status, double price, const assay_option_greeks *g) {
  assay_options many = {.count = 1,
                        .kind = o->kind,
                        .spot = assay_option_each(&o->spot),
                        .strike = assay_option_all(o->strike),
                        .time = assay_option_each(&o->time),
                        .rate = assay_option_all(o->rate),
                        .dividend = assay_option_each(&o->dividend),
                        .volatility = assay_option_all(o->volatility)};
  double found, gamma;
  uint8_t state;
  size_t bad;
  need(assay_options_price(&many, &(assay_options_out){.price = &found, .gamma = &gamma, .status = &state}, NULL, &bad) == ASSAY_OK);
  need((state == ASSAY_OPTION_FINE) == (status == ASSAY_OK) && bad == (status != ASSAY_OK));
  if (status == ASSAY_OK) need(memcmp(&found, &price, sizeof price) == 0 && memcmp(&gamma, &g->gamma, sizeof gamma) == 0);
  if (status != ASSAY_OK) need(isnan(found) && isnan(gamma));
}

static void volatility_comes_back(assay_option o, double price) {
  assay_error err = {0};
  double volatility = -1, again;
  if (assay_option_implied_volatility(&o, price, &err, &volatility) != ASSAY_OK) {
    need(volatility == -1 && err.message[0] != '\0');
    return;
  }
  need(volatility > 0 && isfinite(volatility));
  o.volatility = volatility;
  if (assay_option_price(&o, NULL, &again, NULL) != ASSAY_OK) return;
  double amounts = o.spot * exp(-o.dividend * o.time) + o.strike * exp(-o.rate * o.time);
  need(fabs(again - price) <= 1e-12 * amounts);
}

static void tree(const assay_option *o, const input *in) {
  assay_tree tree = {(assay_tree_method)(in->flags & 1), (assay_exercise)((in->flags >> 1) & 1), (uint32_t)in->steps % 64};
  assay_tree_greeks greeks;
  double price = -1;
  assay_error err = {0};
  if (assay_tree_price(o, &tree, &err, &price, &greeks) != ASSAY_OK) need(price == -1 && err.message[0] != '\0');
  need(!isnan(price));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {100, 100, 1, 0.05, 0.01, 0.2, 9, 0, 10, 0};
  memcpy(&in, data, size < sizeof in ? size : sizeof in);
  assay_option option = {(assay_option_kind)(in.kind % 3), in.spot, in.strike, in.time, in.rate, in.dividend, in.volatility};
  assay_option_greeks g = {0};
  double price = -1;
  assay_error err = {0};
  assay_status status = assay_option_price(&option, &err, &price, &g);
  if (status == ASSAY_OK) {
    double s = option.spot * exp(-option.dividend * option.time), k = option.strike * exp(-option.rate * option.time);
    need(price >= 0 && price <= (option.kind == ASSAY_OPTION_CALL ? s : k) * (1 + 1e-12));
    need(!isnan(g.delta) && !isnan(g.gamma) && !isnan(g.vega) && !isnan(g.theta) && !isnan(g.rho));
    need(!isnan(g.vanna) && !isnan(g.volga) && !isnan(g.charm));
    volatility_comes_back(option, price);
  } else {
    need(price == -1 && err.message[0] != '\0');
  }
  same_in_a_batch(&option, status, price, &g);
  volatility_comes_back(option, in.price);
  tree(&option, &in);
  return 0;
}
