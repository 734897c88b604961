/* SPDX-License-Identifier: MIT */
/*
 * What five Greeks cost beside a price, for each payoff under each model: the time of a call with Greeks over that of one without, in
 * turns, and each Greek with its standard error.
 */
#include <assay/montecarlo.h>

#include <stdio.h>
#include <string.h>

#include "figure.h"

static double seconds_of(const assay_mc_params *option, assay_mc_result *result) {
  assay_error err = {0};
  uint64_t begin = figure_now_ns();
  if (assay_mc_price(option, &err, result) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    exit(EXIT_FAILURE);
  }
  return (double)(figure_now_ns() - begin) / 1e9;
}

/*
 * A core of a shared host is slow for stretches of a second, and slower for Greeks, which fill its units better, than for prices
 * (seen: 1.31 and 1.21 times as slow, so that 1.46 reads as 1.58). So every row is measured in several passes over all of them, and the
 * best of each side counts: the work is always the same, and nothing can make it faster than it is.
 */
enum { PASSES = 4, MOST_ROWS = 96 };
#define SECONDS_A_PASS 0.02

typedef struct greeks_row {
  double alone, beside;
} greeks_row;

static greeks_row rows[MOST_ROWS];
static size_t next_row;
static bool is_last_pass;

static void better(double *best, double seconds) {
  if (*best == 0 || seconds < *best) *best = seconds;
}

static void measure(greeks_row *best, assay_mc_params option, assay_mc_result *result) {
  double spent = 0;
  do {
    option.greeks = false;
    double alone = seconds_of(&option, result);
    option.greeks = true;
    double beside = seconds_of(&option, result);
    better(&best->alone, alone);
    better(&best->beside, beside);
    spent += alone + beside;
  } while (spent < SECONDS_A_PASS);
}

static void show(const char *what, const greeks_row *best, const assay_mc_result *r) {
  char note[320];
  double paths = (double)r->paths;
  size_t used = (size_t)snprintf(note, sizeof note, "%.1f and %.1f ns a path;", best->alone / paths * 1e9, best->beside / paths * 1e9);
  const struct {
    const char *name;
    const assay_mc_greek *greek;
  } all[] = {{"delta", &r->greeks.delta},
             {"gamma", &r->greeks.gamma},
             {"vega", &r->greeks.vega},
             {"theta", &r->greeks.theta},
             {"rho", &r->greeks.rho}};
  for (size_t g = 0; g < sizeof all / sizeof *all && used < sizeof note; g++) {
    used += (size_t)snprintf(note + used, sizeof note - used, " %s %.4g +- %.2g", all[g].name, all[g].greek->value,
                             all[g].greek->standard_error);
  }
  figure(what, best->beside / best->alone, "ratio", note);
}

static void row(const char *payoff, const char *model, assay_mc_params option) {
  if (next_row == MOST_ROWS) {
    fprintf(stderr, "more than %d rows\n", MOST_ROWS);
    exit(EXIT_FAILURE);
  }
  greeks_row *best = &rows[next_row++];
  assay_mc_result result;
  measure(best, option, &result);
  char what[64];
  snprintf(what, sizeof what, "greeks_ratio_%s_%s_%s", payoff, model, option.precision == ASSAY_MC_F32 ? "f32" : "f64");
  if (is_last_pass) show(what, best, &result);
}

static const assay_mc_params market = {.spot = 100, .strike = 105, .time = 1, .rate = 0.05, .dividend = 0.02, .volatility = 0.2, .seed = 1};

static assay_mc_params under(assay_mc_model model) {
  assay_mc_params o = market;
  o.model = model;
  if (model == ASSAY_MC_MERTON) o.jump_rate = 1.5, o.jump_mean = -0.1, o.jump_volatility = 0.15;
  if (model == ASSAY_MC_HESTON) {
    o.variance = 0.04, o.long_variance = 0.05, o.reversion = 1.5, o.variance_volatility = 0.5, o.correlation = -0.6;
    o.volatility = 0;
  }
  return o;
}

static const char *const models[] = {"gbm", "merton", "heston"};

/* `watched` when something is looked at after steps. */
static void of_one_asset(assay_mc_precision precision) {
  static const struct {
    const char *name;
    assay_mc_payoff payoff;
    assay_mc_watch watch;
  } payoffs[] = {{"european", ASSAY_MC_EUROPEAN, 0},
                 {"digital", ASSAY_MC_DIGITAL, 0},
                 {"asian", ASSAY_MC_ASIAN_ARITHMETIC, 0},
                 {"geometric", ASSAY_MC_ASIAN_GEOMETRIC, 0},
                 {"barrier", ASSAY_MC_BARRIER, ASSAY_MC_CONTINUOUS},
                 {"lookback", ASSAY_MC_LOOKBACK_FIXED, ASSAY_MC_CONTINUOUS},
                 {"floating", ASSAY_MC_LOOKBACK_FLOATING, ASSAY_MC_CONTINUOUS},
                 {"barrier_steps", ASSAY_MC_BARRIER, ASSAY_MC_AT_STEPS},
                 {"lookback_steps", ASSAY_MC_LOOKBACK_FIXED, ASSAY_MC_AT_STEPS},
                 {"floating_steps", ASSAY_MC_LOOKBACK_FLOATING, ASSAY_MC_AT_STEPS}};
  for (int model = ASSAY_MC_GBM; model <= ASSAY_MC_HESTON; model++) {
    for (size_t k = 0; k < sizeof payoffs / sizeof *payoffs; k++) {
      bool extremes = payoffs[k].payoff >= ASSAY_MC_BARRIER, always = extremes && payoffs[k].watch == ASSAY_MC_CONTINUOUS;
      if (always && model != ASSAY_MC_GBM) continue;
      assay_mc_params o = under((assay_mc_model)model);
      o.payoff = payoffs[k].payoff, o.watch = payoffs[k].watch, o.precision = precision, o.barrier = 85;
      bool one_step = always || (model != ASSAY_MC_HESTON && payoffs[k].payoff <= ASSAY_MC_DIGITAL);
      o.steps = one_step ? 1 : 50;
      o.paths = one_step ? 1 << 20 : 1 << 15;
      row(payoffs[k].name, models[model], o);
    }
  }
}

enum { ASSETS = 5 };

static void of_several(assay_mc_precision precision) {
  double spots[ASSETS] = {100, 90, 110, 95, 105}, volatilities[ASSETS] = {0.2, 0.3, 0.25, 0.15, 0.35}, correlations[ASSETS * ASSETS];
  for (int i = 0; i < ASSETS * ASSETS; i++) correlations[i] = i / ASSETS == i % ASSETS ? 1 : 0.5;
  assay_mc_params basket = {.payoff = ASSAY_MC_BASKET,
                            .assets = ASSETS,
                            .spots = spots,
                            .volatilities = volatilities,
                            .correlations = correlations,
                            .strike = 105,
                            .time = 1,
                            .rate = 0.05,
                            .paths = 1 << 18,
                            .seed = 1,
                            .precision = precision};
  row("basket", "gbm", basket);
  double weights[2] = {1, -1}, pair[4] = {1, 0.5, 0.5, 1};
  basket.assets = 2, basket.weights = weights, basket.correlations = pair, basket.strike = 5;
  row("spread", "gbm", basket);
}

static void american(assay_mc_precision precision) {
  assay_mc_params o = market;
  o.payoff = ASSAY_MC_AMERICAN, o.put = true, o.steps = 50, o.paths = 1 << 17, o.precision = precision;
  row("american", "gbm", o);
}

static void in(assay_mc_precision precision) {
  of_one_asset(precision);
  of_several(precision);
  american(precision);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  setenv("ASSAY_THREADS", "1", 0);
  setenv("ASSAY_DEVICE", "cpu", 0);
  for (int pass = 0; pass < PASSES; pass++) {
    next_row = 0;
    is_last_pass = pass == PASSES - 1;
    in(ASSAY_MC_F64);
    in(ASSAY_MC_F32);
  }
  return figure_end();
}
