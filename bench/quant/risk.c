/* SPDX-License-Identifier: MIT */
/* Risk and portfolio: correlation, tails of many scenarios, a long-only optimum; beside this core's own FMA limit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <assay/portfolio.h>
#include <assay/risk.h>

#include "base/alloc.h"
#include "base/random.h"
#include "figure.h"

enum { ASSETS = 500, DAYS = 2520, SCENARIOS = 1000000, FACTORS = 10 };

static void check(assay_status status, const assay_error *err) {
  if (status == ASSAY_OK) return;
  figure_absent("risk", err->message);
  exit(1);
}

/* Returns of a market: factors that all assets load on, and noise of their own. */
static void make_returns(double *returns) {
  static double loadings[ASSETS * FACTORS];
  assay_random random;
  assay_random_init(&random, 1);
  for (size_t i = 0; i < ASSETS * FACTORS; i++) loadings[i] = 0.004 * assay_random_normal(&random);
  for (size_t i = 0; i < ASSETS; i++) loadings[i * FACTORS] += 0.009;
  for (size_t t = 0; t < DAYS; t++) {
    double factors[FACTORS];
    for (size_t f = 0; f < FACTORS; f++) factors[f] = assay_random_normal(&random);
    for (size_t i = 0; i < ASSETS; i++) {
      double sum = 0.0003 + 0.012 * assay_random_normal(&random);
      for (size_t f = 0; f < FACTORS; f++) sum += loadings[i * FACTORS + f] * factors[f];
      returns[t * ASSETS + i] = sum;
    }
  }
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  assay_error err = {0};
  double *returns = assay_calloc(ASSAY_TAG_BENCH, ASSETS * DAYS, sizeof *returns);
  double *matrix = assay_calloc(ASSAY_TAG_BENCH, ASSETS * ASSETS, sizeof *matrix);
  double *scenarios = assay_calloc(ASSAY_TAG_BENCH, SCENARIOS, sizeof *scenarios);
  if (returns == NULL || matrix == NULL || scenarios == NULL) return 1;
  make_returns(returns);
  const char *isa = "";
  double peak = figure_fma_gflops("f64", &isa);
  double flops = 1.0 * ASSETS * (ASSETS + 1) * DAYS; /* the triangle's FMAs, two each */
  double ms = 1e-6 * FIGURE_BEST_NS(15, check(assay_risk_correlation(returns, DAYS, ASSETS, NULL, &err, matrix, NULL), &err));
  peak = fmax(peak, figure_fma_gflops("f64", &isa));
  char note[128];
  snprintf(note, sizeof note, "%.1f GFLOP/s of %.1f that this core's multiply-adds reach (%s)", flops / ms * 1e-6, peak, isa);
  figure_beside("correlation_500x2520", ms, "ms", flops / peak * 1e-6, note);
  assay_random random;
  assay_random_init(&random, 2);
  for (size_t i = 0; i < SCENARIOS; i++) scenarios[i] = assay_random_normal(&random);
  const double levels[] = {0.95, 0.99}, more[] = {0.9, 0.95, 0.975, 0.99, 0.999};
  assay_risk_tail tails[5];
  ms = 1e-6 * FIGURE_BEST_NS(25, check(assay_risk_historical(scenarios, SCENARIOS, levels, 2, &err, tails), &err));
  figure("var_es_1m", ms, "ms", "95 and 99 %");
  ms = 1e-6 * FIGURE_BEST_NS(25, check(assay_risk_historical(scenarios, SCENARIOS, more, 5, &err, tails), &err));
  figure("var_es_1m_5_levels", ms, "ms", "90, 95, 97.5, 99 and 99.9 %");
  static double expected[ASSETS], weights[ASSETS];
  check(assay_risk_covariance(returns, DAYS, ASSETS, NULL, &err, matrix, NULL), &err);
  for (size_t i = 0; i < ASSETS; i++) {
    for (size_t t = 0; t < DAYS; t++) expected[i] += returns[t * ASSETS + i] / DAYS;
  }
  const assay_portfolio_problem problem = {.assets = ASSETS, .covariance = matrix, .expected = expected};
  assay_portfolio_result result;
  ms = 1e-6 * FIGURE_BEST_NS(7, check(assay_portfolio_maximum_sharpe(&problem, 0, &err, weights, &result), &err));
  snprintf(note, sizeof note, "largest Sharpe ratio: %zu held, %u steps, KKT %.1g", result.held, result.steps, result.kkt);
  figure("long_only_500", ms, "ms", note);
  ms = 1e-6 * FIGURE_BEST_NS(7, check(assay_portfolio_minimum_variance(&problem, &err, weights, &result), &err));
  snprintf(note, sizeof note, "%zu held, %u steps, KKT %.1g", result.held, result.steps, result.kkt);
  figure("minimum_variance_500", ms, "ms", note);
  ms = 1e-6 * FIGURE_BEST_NS(3, check(assay_portfolio_risk_parity(&problem, NULL, &err, weights, &result), &err));
  snprintf(note, sizeof note, "%u steps, off by %.1g", result.steps, result.kkt);
  figure("risk_parity_500", ms, "ms", note);
  assay_free(returns);
  assay_free(matrix);
  assay_free(scenarios);
  return figure_end();
}
