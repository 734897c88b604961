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

/*
 * Items that go through a kernel side by side. From a counter to a sum is a chain of some 300 cycles and 1,000 instructions, of which a
 * processor sees half at once; and what is the same for all items is then fetched once for some. They stand a quarter of a group apart, so
 * that the first two levels of the tree that adds a group up are theirs, and a quarter of the memory does for the rest.
 */
#if LANES > 1
#define AT_ONCE 4
#define APART (GROUP_SIZE / AT_ONCE)
#define ITEMS_AT_ONCE(i) for (u32 i = 0; i < APART; i += LANES)
#define EACH(n) UNROLL_4 for (u32 n = 0; n < AT_ONCE; n++)
/* A sum of these items, from those that stand `stride` apart. */
FUNCTION D together(const D *total, u32 stride) { return (total[0] + total[2 * stride]) + (total[stride] + total[3 * stride]); }
FUNCTION double rest_of_tree(double *a) {
  for (u32 half = APART / 2; half > 0; half /= 2) {
    for (u32 i = 0; i < half; i++) a[i] += a[i + half];
  }
  return a[0];
}
#else
#define AT_ONCE 1
#define APART GROUP_SIZE
#define ITEMS_AT_ONCE(i) ITEMS(i)
#define EACH(n) UNROLL for (u32 n = 0; n < AT_ONCE; n++)
FUNCTION D together(const D *total, u32 stride) {
  (void)stride;
  return total[0];
}
#define rest_of_tree tree_sum
#endif

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
#define TOTALS double totals[MOST_SUMS * APART] __attribute__((aligned(64)))
#define STORE_TOTAL(s, i, d) STORE_D(totals, APART *(s) + (i), (d))
#define SUM_OF(s) rest_of_tree(&totals[APART * (s)])
#endif

/* Lanes of these items. */
typedef struct some_items {
  R of[AT_ONCE];
} some_items;

FUNCTION void basket_shocks(const mc_path_params p, GLOBAL const real *given, u64 first, some_items z[MOST_ASSETS]) {
  if (p.given) {
    GLOBAL const real *rows = given + MC_BASKET_ROW * p.steps + (first - p.first);
    for (u32 k = 0; k < p.steps; k++) {
      EACH(n) z[k].of[n] = LOAD(rows, k * p.stride + n * APART);
    }
    return;
  }
  for (u32 block = 0; BLOCK * block < p.steps; block++) {
    W words[AT_ONCE][4];
    R normals[AT_ONCE][BLOCK];
    EACH(n) block_words(p, first + n * APART, block, 0, words[n]);
    EACH(n) random_normals(words[n], normals[n]);
    for (u32 k = 0; k < BLOCK && BLOCK * block + k < p.steps; k++) {
      EACH(n) z[BLOCK * block + k].of[n] = k == 0 ? normals[n][0] : k == 1 ? normals[n][1] : k == 2 ? normals[n][2] : normals[n][3];
    }
  }
}

/* The sum of a row's elements from `begin` on times shocks. */
FUNCTION some_items basket_product(GLOBAL const real *row, u32 begin, u32 end, const some_items z[MOST_ASSETS]) {
  some_items sum;
  EACH(n) sum.of[n] = ALL(0);
  for (u32 k = begin; k < end; k++) {
    R element = ALL(row[k]);
    EACH(n) sum.of[n] = FMA(element, z[k].of[n], sum.of[n]);
  }
  return sum;
}

/* The shock of asset j, and its part of the basket. */
FUNCTION some_items basket_part(GLOBAL const real *row, u32 j, const some_items z[MOST_ASSETS], real sign, some_items *shock) {
  some_items part;
  *shock = basket_product(row + MC_BASKET_MATRIX, 0, j + 1, z);
  EACH(n) {
    shock->of[n] = shock->of[n] * sign;
    part.of[n] = r_exp2_plain(shock->of[n] + ALL(row[1])) * row[0];
  }
  return part;
}

FUNCTION some_items basket_values(const mc_path_params p, GLOBAL const real *given, const some_items z[MOST_ASSETS], real sign) {
  some_items value, shock;
  EACH(n) value.of[n] = ALL(0);
  for (u32 j = 0; j < p.steps; j++) {
    some_items part = basket_part(given + MC_BASKET_ROW * j, j, z, sign, &shock);
    EACH(n) value.of[n] = value.of[n] + part.of[n];
  }
  return value;
}

/* What an asset's sums are made of. */
typedef struct basket_asset {
  some_items part, shock, score;
} basket_asset;

/* The same, and adds paths, `share` times, to all sums but those of the price. */
FUNCTION some_items basket_add(const mc_path_params p, GLOBAL const real *given, const some_items z[MOST_ASSETS], real sign,
                               const some_items *share, D *total) {
  basket_asset asset[MOST_ASSETS];
  some_items value, all, whole, paid, centred, correlation;
  EACH(n) value.of[n] = all.of[n] = whole.of[n] = correlation.of[n] = ALL(0);
  for (u32 j = 0; j < p.steps; j++) {
    GLOBAL const real *row = given + MC_BASKET_ROW * j;
    asset[j].part = basket_part(row, j, z, sign, &asset[j].shock);
    asset[j].score = basket_product(row + MC_BASKET_INVERSE, j, p.steps, z);
    R inverse_deviation = ALL(row[MC_BASKET_INVERSE_DEVIATION]);
    EACH(n) {
      value.of[n] = value.of[n] + asset[j].part.of[n];
      asset[j].score.of[n] = asset[j].score.of[n] * sign;
      all.of[n] = all.of[n] + asset[j].score.of[n];
      whole.of[n] = FMA(asset[j].score.of[n], inverse_deviation, whole.of[n]);
    }
  }
  EACH(n) {
    paid.of[n] = SELECT(value.of[n] + ALL(p.shift) > RC(0.0), share->of[n], ALL(0));
    centred.of[n] = FMA(share->of[n], ALL(RC(-0.5)), paid.of[n]);
  }
  for (u32 j = 0; j < p.steps; j++) {
    real deviation = given[MC_BASKET_ROW * j + MC_BASKET_DEVIATION];
    EACH(n) {
      D *sums = total + MOST_SUMS * n + MC_BASKET_ASSETS + MC_BASKET_EACH * j;
      R pays = paid.of[n] * asset[j].part.of[n], half = centred.of[n] * asset[j].part.of[n], score = asset[j].score.of[n];
      ADD_D(sums[MC_BASKET_PART], pays);
      ADD_D(sums[MC_BASKET_SHOCK], pays * asset[j].shock.of[n]);
      ADD_D(sums[MC_BASKET_SCORE], half * (score - deviation));
      correlation.of[n] = FMA(half * deviation, all.of[n] - score, correlation.of[n]);
    }
  }
  EACH(n) {
    ADD_D(total[MOST_SUMS * n + MC_BASKET_GAMMA], centred.of[n] * whole.of[n] * -(real)p.shift);
    ADD_D(total[MOST_SUMS * n + MC_BASKET_CORRELATION], correlation.of[n] * RC(0.5));
  }
  return value;
}

FUNCTION void basket_add_price(R payoff, R control, D *total) {
  ADD_D(total[MC_SUM_PAYOFF], payoff);
  ADD_D(total[MC_SUM_SQUARE], payoff * payoff);
  ADD_D(total[MC_SUM_CONTROL], control);
  ADD_D(total[MC_SUM_CONTROL_SQUARE], control * control);
  ADD_D(total[MC_SUM_PRODUCT], payoff * control);
}

/* The draw whose first lane has the sample `first`; an item has `count` sums. */
FUNCTION void basket_draw(const mc_path_params p, GLOBAL const real *given, u64 first, u32 count, D *total) {
  int greeks = count > MC_PRICE_SUMS;
  some_items z[MOST_ASSETS], exists, share, value, mirror;
  EACH(n) {
    u64 number = first + n * APART;
    exists.of[n] = number + LANES > p.samples ? sample_exists(p.samples, number) : ALL(1);
    share.of[n] = p.antithetic ? exists.of[n] * RC(0.5) : exists.of[n];
  }
  basket_shocks(p, given, first, z);
  value = mirror = greeks ? basket_add(p, given, z, RC(1.0), &share, total) : basket_values(p, given, z, RC(1.0));
  if (p.antithetic) mirror = greeks ? basket_add(p, given, z, RC(-1.0), &share, total) : basket_values(p, given, z, RC(-1.0));
  EACH(n) {
    R payoff = MAX(value.of[n] + ALL(p.shift), ALL(0)), control = value.of[n];
    if (p.antithetic) {
      payoff = (payoff + MAX(mirror.of[n] + ALL(p.shift), ALL(0))) * RC(0.5);
      control = (control + mirror.of[n]) * RC(0.5);
    }
    if (first + n * APART + LANES > p.samples) {
      payoff = keep(exists.of[n], payoff);
      control = keep(exists.of[n], control);
    }
    basket_add_price(payoff, control, total + count * n);
  }
}

KERNEL2(mc_basket, mc_path_params, GLOBAL double *, sums, GLOBAL const real *, given) {
  LOCAL_ARRAY(double, totals, MC_PRICE_SUMS *APART);
  ITEMS_AT_ONCE(i) {
    D total[AT_ONCE * MC_PRICE_SUMS];
    for (int s = 0; s < AT_ONCE * MC_PRICE_SUMS; s++) total[s] = ALL_D(0);
    for (u32 draw = 0; draw < p.draws; draw++)
      basket_draw(p, given, p.first + ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i, MC_PRICE_SUMS, total);
    for (int s = 0; s < MC_PRICE_SUMS; s++) STORE_D(totals, APART * s + i, together(&total[s], MC_PRICE_SUMS));
  }
  for (int s = 0; s < MC_PRICE_SUMS; s++) {
    double sum = rest_of_tree(&totals[APART * s]);
    LEADER sums[MC_PRICE_SUMS * GROUP + s] = sum;
  }
}

KERNEL2(mc_basket_greeks, mc_path_params, GLOBAL double *, sums, GLOBAL const real *, given) {
  TOTALS;
  u32 count = MC_BASKET_ASSETS + MC_BASKET_EACH * p.steps;
  ITEMS_AT_ONCE(i) {
    D total[AT_ONCE * MOST_SUMS];
    for (u32 s = 0; s < count; s++) {
      EACH(n) total[MOST_SUMS * n + s] = ALL_D(0);
    }
    for (u32 draw = 0; draw < p.draws; draw++)
      basket_draw(p, given, p.first + ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i, MOST_SUMS, total);
    for (u32 s = 0; s < count; s++) STORE_TOTAL(s, i, together(&total[s], MOST_SUMS));
  }
  for (u32 s = 0; s < count; s++) {
    double sum = SUM_OF(s);
    LEADER sums[count * GROUP + s] = sum;
  }
}
