/* SPDX-License-Identifier: MIT */
/*
 * Baskets and spreads: several correlated assets at one date. `steps` is their number. `given` has MC_BASKET_ROW reals an asset: weight
 * times spot (negative for a put), drift and ln 2 / volatility, volatility times time, then the row of the triangular matrix that
 * correlates the shocks, all in binary logarithms. MEAN is the derivative when all drifts move, DEVIATION when all volatilities do. The
 * control is the basket itself.
 */
#include "kernels/montecarlo/sample.h"

#define MOST_ASSETS (MC_BASKET_ROW - MC_BASKET_MATRIX)

FUNCTION mc_sample basket_of(const mc_path_params p, GLOBAL const real *given, const R z[MOST_ASSETS], real sign, int greeks) {
  mc_sample out;
  R value = ALL(0), by_volatility = ALL(0), nothing = ALL(0);
  for (u32 j = 0; j < p.steps; j++) {
    GLOBAL const real *row = given + MC_BASKET_ROW * j;
    R shock = ALL(0);
    for (u32 k = 0; k <= j; k++) shock = FMA(ALL(row[MC_BASKET_MATRIX + k]), z[k], shock);
    shock = shock * sign;
    R s = r_exp2_plain(shock + ALL(row[1])) * row[0];
    value = value + s;
    if (greeks) by_volatility = FMA(s, FMA(shock, ALL(row[2]), ALL(-row[3])), by_volatility);
  }
  R in_money = value + ALL(p.shift), paid = SELECT(in_money > nothing, ALL(1), nothing);
  out.payoff = MAX(in_money, nothing);
  out.control = value;
  out.delta = out.mean = paid * value;
  out.deviation = paid * by_volatility;
  out.gamma = nothing;
  return out;
}

FUNCTION mc_sample basket_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R z[MOST_ASSETS], some[BLOCK];
  no_shocks(some);
  for (u32 k = 0; k < p.steps; k++) {
    if (k % BLOCK == 0) {
      W words[4];
      block_words(p, sample, k / BLOCK, 0, words);
      random_normals(words, some);
    }
    z[k] = k % BLOCK == 0 ? some[0] : k % BLOCK == 1 ? some[1] : k % BLOCK == 2 ? some[2] : some[3];
  }
  mc_sample out = basket_of(p, given, z, RC(1.0), greeks);
  return p.antithetic ? sample_mean(out, basket_of(p, given, z, RC(-1.0), greeks)) : out;
}

MC_KERNEL(mc_basket, MC_PRICE_SUMS, basket_sample)
MC_KERNEL(mc_basket_greeks, MC_GREEKS_SUMS, basket_sample)
