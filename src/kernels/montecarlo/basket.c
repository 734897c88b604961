/* SPDX-License-Identifier: MIT */
/*
 * Baskets and spreads: several correlated assets at one date. `steps` is their number. `given` has MC_BASKET_ROW reals an asset: weight
 * times spot (negative for a put), drift in binary logarithms, deviation of the natural logarithm and its
 * inverse, then the rows of matrices: L, whose product with independent shocks z is the deviations of the binary logarithms, and, for
 * Greeks, C with C z the scores. The control is the basket itself.
 *
 * Greeks. By an asset's price, volatility or the time a path that pays is differentiated: sums of each asset's part of the basket, and of
 * that times its shock. A second derivative needs the density: with the correlations R = T T', (T^-1' z)_j / deviation_j is the score of
 * asset j's price. Where everything is paid these have expectation 0, so half of that is taken away from all paths, which halves the
 * variance.
 */
#include "kernels/montecarlo/sample.h"

#define MOST_ASSETS (MC_BASKET_INVERSE - MC_BASKET_MATRIX)
#define MOST_SUMS (MC_BASKET_ASSETS + MC_BASKET_EACH * MOST_ASSETS)

/* There are more sums than a GPU's local memory has room for: a thread keeps its own, and they are added up one after the other. */
#if defined(__CUDACC__) || (defined(ASSAY_OPENCL) && LANES == 1)
#define TOTALS              \
  double totals[MOST_SUMS]; \
  LOCAL_ARRAY(double, scratch, GROUP_SIZE)
#define STORE_TOTAL(s, i, d) ((void)(totals[s] = (d)))
#define SUM_OF(s) item_sum(totals[s], scratch)
FUNCTION double item_sum(double mine, LOCAL_POINTER double *scratch) {
  BARRIER;
  ITEMS(i) { scratch[i] = mine; }
  return tree_sum(scratch);
}
#else
#define TOTALS double totals[MOST_SUMS * GROUP_SIZE] __attribute__((aligned(64)))
#define STORE_TOTAL(s, i, d) STORE_D(totals, GROUP_SIZE *(s) + (i), (d))
#define SUM_OF(s) tree_sum(&totals[GROUP_SIZE * (s)])
#endif

FUNCTION void basket_shocks(const mc_path_params p, GLOBAL const real *given, u64 sample, R z[MOST_ASSETS]) {
  R some[BLOCK];
  if (p.given) {
    GLOBAL const real *rows = given + MC_BASKET_ROW * p.steps + (sample - p.first);
    for (u32 k = 0; k < p.steps; k++) z[k] = LOAD(rows, k * p.stride);
    return;
  }
  no_shocks(some);
  for (u32 k = 0; k < p.steps; k++) {
    if (k % BLOCK == 0) {
      W words[4];
      block_words(p, sample, k / BLOCK, 0, words);
      random_normals(words, some);
    }
    z[k] = k % BLOCK == 0 ? some[0] : k % BLOCK == 1 ? some[1] : k % BLOCK == 2 ? some[2] : some[3];
  }
}

/* The shock of asset j, and its part of the basket. */
FUNCTION R basket_part(GLOBAL const real *row, u32 j, const R z[MOST_ASSETS], real sign, R *shock) {
  R sum = ALL(0);
  for (u32 k = 0; k <= j; k++) sum = FMA(ALL(row[MC_BASKET_MATRIX + k]), z[k], sum);
  *shock = sum * sign;
  return r_exp2_plain(*shock + ALL(row[1])) * row[0];
}

FUNCTION mc_sample basket_of(const mc_path_params p, GLOBAL const real *given, const R z[MOST_ASSETS], real sign) {
  mc_sample out;
  R value = ALL(0), shock;
  for (u32 j = 0; j < p.steps; j++) value = value + basket_part(given + MC_BASKET_ROW * j, j, z, sign, &shock);
  out.payoff = MAX(value + ALL(p.shift), ALL(0));
  out.control = value;
  out.delta = out.mean = out.deviation = out.gamma = out.time = ALL(0);
  return out;
}

FUNCTION mc_sample basket_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  R z[MOST_ASSETS];
  basket_shocks(p, given, sample, z);
  mc_sample out = basket_of(p, given, z, RC(1.0));
  (void)greeks;
  return p.antithetic ? sample_mean(out, basket_of(p, given, z, RC(-1.0))) : out;
}

MC_KERNEL(mc_basket, MC_PRICE_SUMS, basket_sample)

/* Adds a path, `share` times, to all sums but those of the price, which are the sample's. */
FUNCTION mc_sample basket_add(const mc_path_params p, GLOBAL const real *given, const R z[MOST_ASSETS], real sign, R share, D *total) {
  mc_sample out;
  R part[MOST_ASSETS], shock[MOST_ASSETS], scores[MOST_ASSETS], value = ALL(0), nothing = ALL(0), all = nothing, whole = nothing;
  for (u32 j = 0; j < p.steps; j++) {
    GLOBAL const real *row = given + MC_BASKET_ROW * j;
    part[j] = basket_part(row, j, z, sign, &shock[j]);
    value = value + part[j];
    R score = nothing;
    for (u32 k = j; k < p.steps; k++) score = FMA(ALL(row[MC_BASKET_INVERSE + k]), z[k], score);
    scores[j] = score * sign;
    all = all + scores[j];
    whole = FMA(scores[j], ALL(row[MC_BASKET_INVERSE_DEVIATION]), whole);
  }
  R in_money = value + ALL(p.shift);
  R paid = SELECT(in_money > nothing, share, nothing), centred = FMA(share, ALL(RC(-0.5)), paid), correlation = nothing;
  for (u32 j = 0; j < p.steps; j++) {
    real deviation = given[MC_BASKET_ROW * j + MC_BASKET_DEVIATION];
    D *sums = total + MC_BASKET_ASSETS + MC_BASKET_EACH * j;
    R pays = paid * part[j], half = centred * part[j];
    sums[MC_BASKET_PART] = sums[MC_BASKET_PART] + WIDEN(pays);
    sums[MC_BASKET_SHOCK] = sums[MC_BASKET_SHOCK] + WIDEN(pays * shock[j]);
    sums[MC_BASKET_SCORE] = sums[MC_BASKET_SCORE] + WIDEN(half * (scores[j] - deviation));
    correlation = FMA(half * deviation, all - scores[j], correlation);
  }
  total[MC_BASKET_GAMMA] = total[MC_BASKET_GAMMA] + WIDEN(centred * whole * -(real)p.shift);
  total[MC_BASKET_CORRELATION] = total[MC_BASKET_CORRELATION] + WIDEN(correlation * RC(0.5));
  out.payoff = MAX(in_money, nothing);
  out.control = value;
  out.delta = out.mean = out.deviation = out.gamma = out.time = nothing;
  return out;
}

KERNEL2(mc_basket_greeks, mc_path_params, GLOBAL double *, sums, GLOBAL const real *, given) {
  TOTALS;
  u32 count = MC_BASKET_ASSETS + MC_BASKET_EACH * p.steps;
  ITEMS(i) {
    D total[MOST_SUMS];
    for (u32 s = 0; s < count; s++) total[s] = ALL_D(0);
    for (u32 draw = 0; draw < p.draws; draw++) {
      u64 number = p.first + ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i;
      R z[MOST_ASSETS], exists = number + LANES > p.samples ? sample_exists(p.samples, number) : ALL(1);
      R share = p.antithetic ? exists * RC(0.5) : exists;
      basket_shocks(p, given, number, z);
      mc_sample sample = basket_add(p, given, z, RC(1.0), share, total);
      if (p.antithetic) sample = sample_mean(sample, basket_add(p, given, z, RC(-1.0), share, total));
      if (number + LANES > p.samples) sample_keep(&sample, exists);
      total[MC_SUM_PAYOFF] = total[MC_SUM_PAYOFF] + WIDEN(sample.payoff);
      total[MC_SUM_SQUARE] = total[MC_SUM_SQUARE] + WIDEN(sample.payoff * sample.payoff);
      total[MC_SUM_CONTROL] = total[MC_SUM_CONTROL] + WIDEN(sample.control);
      total[MC_SUM_CONTROL_SQUARE] = total[MC_SUM_CONTROL_SQUARE] + WIDEN(sample.control * sample.control);
      total[MC_SUM_PRODUCT] = total[MC_SUM_PRODUCT] + WIDEN(sample.payoff * sample.control);
    }
    for (u32 s = 0; s < count; s++) STORE_TOTAL(s, i, total[s]);
  }
  for (u32 s = 0; s < count; s++) {
    double sum = SUM_OF(s);
    LEADER sums[count * GROUP + s] = sum;
  }
}
