/* SPDX-License-Identifier: MIT */
/* One step of geometric Brownian motion and the payoff of a European option; nothing is stored but the sums of a group. */
#if REAL_BITS == 32
#define PHILOX_AT_ONCE 3 /* six draws, as a path has of four million, are two times three */
#endif
#include "kernels/random.h"

#include "kernels/montecarlo/european.h"

/* So many draws (at most RANDOM_AT_ONCE) are added up in the kernel's own precision before they go to doubles: exact enough, and rare
 * enough to cost nothing. */
#define DRAWS_AT_ONCE 16

/* The sums over an item's paths: some draws in R, all in D. */
typedef struct european_sums {
  R some[MC_EUROPEAN_GREEKS_SUMS];
} european_sums;

/* Lane by lane 1 where path number NORMALS (first + lane) + k exists, 0 elsewhere. */
FUNCTION R path_exists(u64 paths, u64 first, u32 k) {
#if LANES == 1
  return NORMALS * first + k < paths ? RC(1.0) : RC(0.0);
#else
  R weight = ALL(0);
  for (u32 lane = 0; lane < LANES; lane++) weight[lane] = NORMALS * (first + lane) + k < paths ? RC(1.0) : RC(0.0);
  return weight;
#endif
}

/* The drift is the same for all paths: a factor of the scale, and of the spot where that is wanted. */
FUNCTION R drift_factor(const mc_european_params p) { return r_exp2_plain(ALL(p.drift)); }

/*
 * Adds a path of shock z, or nothing where `weight` is 0; its spot without the drift, which `scale` has instead. `greeks` and `all_exist`
 * are known where this is inlined.
 */
FUNCTION void add_path(const mc_european_params p, R scale, R z, R weight, int greeks, int all_exist, european_sums *sums) {
  R nothing = ALL(0), spot = r_exp2_product(ALL(p.width), z);
  R pay = MAX(FMA(scale, spot, ALL(p.shift)), nothing);
  if (!all_exist) pay = pay * weight;
  sums->some[MC_EUROPEAN_PAYOFF] = sums->some[MC_EUROPEAN_PAYOFF] + pay;
  sums->some[MC_EUROPEAN_SQUARE] = FMA(pay, pay, sums->some[MC_EUROPEAN_SQUARE]);
  if (greeks) {
    R paid = SELECT(pay > nothing, ALL(1), nothing), spot_paid = SELECT(pay > nothing, spot, nothing);
    sums->some[MC_EUROPEAN_COUNT] = sums->some[MC_EUROPEAN_COUNT] + paid;
    sums->some[MC_EUROPEAN_SPOT] = sums->some[MC_EUROPEAN_SPOT] + spot_paid;
    sums->some[MC_EUROPEAN_SPOT_Z] = FMA(spot_paid, z, sums->some[MC_EUROPEAN_SPOT_Z]);
    sums->some[MC_EUROPEAN_Z] = FMA(paid, z, sums->some[MC_EUROPEAN_Z]);
  }
}

/* Adds the paths of draw number `draw`. */
FUNCTION void add_draw(const mc_european_params p, R scale, W item, u64 first, u32 draw, int greeks, int all_exist, european_sums *sums) {
  W words[4];
  R z[NORMALS];
  random_words(item, draw, p.stream, 0, p.key, words);
  random_normals(words, z);
  UNROLL
  for (u32 k = 0; k < NORMALS; k++) add_path(p, scale, z[k], all_exist ? ALL(1) : path_exists(p.paths, first, k), greeks, all_exist, sums);
}

/* Draws from here on have paths that do not exist: the header's, or one more where this group's part of that is full too. */
FUNCTION u32 full_draws(const mc_european_params p, u32 group) {
  u64 next = NORMALS * (((u64)p.full * p.groups + group + 1) * GROUP_SIZE);
  return p.full < p.draws && next <= p.paths ? p.full + 1 : p.full;
}

FUNCTION u32 lesser(u32 a, u32 b) { return a < b ? a : b; }

#if LANES > 1

/* Without the draws at the end of which no path exists in this group. */
FUNCTION u32 draws_with_paths(const mc_european_params p, u32 group) {
  u32 draws = p.draws;
  while (draws > 0 && NORMALS * (((u64)(draws - 1) * p.groups + group) * GROUP_SIZE) >= p.paths) draws--;
  return draws;
}

/* So many lanes of items go through the stages together: what begins and ends a stage is then little beside it. */
#define ITEMS_AT_ONCE 4

/* Adds the draws [begin, end), of which those before `full` are full, of some lanes of items. */
FUNCTION void add_some_items(const mc_european_params p, R scale, u32 number, u32 begin, u32 full, u32 end, const philox_draw *draws,
                             int greeks, european_sums sums[ITEMS_AT_ONCE]) {
  W words[ITEMS_AT_ONCE * 4 * DRAWS_AT_ONCE];
  R radius2[ITEMS_AT_ONCE * NORMALS / 2 * DRAWS_AT_ONCE], z[ITEMS_AT_ONCE * NORMALS * DRAWS_AT_ONCE];
  u32 count = full > begin ? full - begin : 0;
  for (u32 n = 0; n < ITEMS_AT_ONCE; n++)
    random_many_words(LANE(number + n * LANES), p.stream, 0, p.key, draws, count, &words[n * 4 * count]);
  random_normals_of_words(words, ITEMS_AT_ONCE * count, radius2, z);
  for (u32 n = 0; n < ITEMS_AT_ONCE; n++) {
    european_sums some;
    UNROLL
    for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) some.some[s] = ALL(0);
    for (u32 k = 0; k < count; k++) {
      const R *four = &z[NORMALS * (n * count + k)];
      UNROLL_4
      for (u32 j = 0; j < NORMALS; j++) add_path(p, scale, four[j], ALL(1), greeks, 1, &some);
    }
    sums[n] = some;
  }
  for (u32 draw = begin + count; draw < end; draw++) {
    for (u32 n = 0; n < ITEMS_AT_ONCE; n++) {
      u32 item = number + n * LANES;
      add_draw(p, scale, LANE(item), (u64)draw * p.groups * GROUP_SIZE + item, draw, greeks, 0, &sums[n]);
    }
  }
}

FUNCTION void add_group(const mc_european_params p, u32 group, int greeks, LOCAL_POINTER double *totals) {
  const int count = greeks ? MC_EUROPEAN_GREEKS_SUMS : MC_EUROPEAN_SUMS;
  u32 full = full_draws(p, group), draws = draws_with_paths(p, group);
  R scale = ALL(p.scale) * drift_factor(p);
  D total[MC_EUROPEAN_GREEKS_SUMS][GROUP_SIZE / LANES];
  for (int s = 0; s < count; s++) {
    for (u32 i = 0; i < GROUP_SIZE / LANES; i++) total[s][i] = ALL_D(0);
  }
  for (u32 begin = 0; begin < draws; begin += DRAWS_AT_ONCE) {
    u32 end = lesser(draws, begin + DRAWS_AT_ONCE);
    philox_draw draw[DRAWS_AT_ONCE];
    random_draws(begin, p.stream, 0, p.key, end - begin, draw);
    for (u32 i = 0; i < GROUP_SIZE / LANES; i += ITEMS_AT_ONCE) {
      european_sums sums[ITEMS_AT_ONCE];
      add_some_items(p, scale, group * GROUP_SIZE + i * LANES, begin, lesser(end, full), end, draw, greeks, sums);
      for (u32 n = 0; n < ITEMS_AT_ONCE; n++) {
        UNROLL
        for (int s = 0; s < count; s++) total[s][i + n] = total[s][i + n] + WIDEN(sums[n].some[s]);
      }
    }
  }
  for (int s = 0; s < count; s++) {
    for (u32 i = 0; i < GROUP_SIZE / LANES; i++) STORE_D(totals, GROUP_SIZE * s + i * LANES, total[s][i]);
  }
}

#else

FUNCTION void add_group(const mc_european_params p, u32 group, int greeks, LOCAL_POINTER double *totals) {
  const int count = greeks ? MC_EUROPEAN_GREEKS_SUMS : MC_EUROPEAN_SUMS;
  u32 all_full = full_draws(p, group);
  ITEMS(i) {
    u32 number = group * GROUP_SIZE + i;
    W item = LANE(number);
    R scale = ALL(p.scale) * drift_factor(p);
    D total[MC_EUROPEAN_GREEKS_SUMS];
    UNROLL
    for (int s = 0; s < count; s++) total[s] = ALL_D(0);
    for (u32 begin = 0; begin < p.draws; begin += DRAWS_AT_ONCE) {
      u32 end = lesser(p.draws, begin + DRAWS_AT_ONCE), full = lesser(end, all_full), draw = begin;
      european_sums sums;
      UNROLL
      for (int s = 0; s < count; s++) sums.some[s] = ALL(0);
      for (; draw < full; draw++) add_draw(p, scale, item, 0, draw, greeks, 1, &sums);
      for (; draw < end; draw++) add_draw(p, scale, item, (u64)draw * p.groups * GROUP_SIZE + number, draw, greeks, 0, &sums);
      UNROLL
      for (int s = 0; s < count; s++) total[s] = total[s] + WIDEN(sums.some[s]);
    }
    UNROLL
    for (int s = 0; s < count; s++) STORE_D(totals, GROUP_SIZE * s + i, total[s]);
  }
}

#endif

KERNEL1(mc_european, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_EUROPEAN_SUMS *GROUP_SIZE);
  add_group(p, GROUP, 0, totals);
  for (int s = 0; s < MC_EUROPEAN_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    LEADER sums[MC_EUROPEAN_SUMS * GROUP + s] = sum;
  }
}

KERNEL1(mc_european_greeks, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_EUROPEAN_GREEKS_SUMS *GROUP_SIZE);
  D factors = WIDEN(drift_factor(p));
#if LANES == 1
  double factor = factors;
#else
  double factor = factors[0];
#endif
  add_group(p, GROUP, 1, totals);
  for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    if (s == MC_EUROPEAN_SPOT || s == MC_EUROPEAN_SPOT_Z) sum *= factor;
    LEADER sums[MC_EUROPEAN_GREEKS_SUMS * GROUP + s] = sum;
  }
}
