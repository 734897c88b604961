/* SPDX-License-Identifier: MIT */
/* One step of geometric Brownian motion and the payoff of a European option; nothing is stored but the sums of a group. */
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

/* Adds a path of shock z, or nothing where `weight` is 0. `greeks` and `all_exist` are known where this is inlined. */
FUNCTION void add_path(const mc_european_params p, R z, R weight, int greeks, int all_exist, european_sums *sums) {
  R nothing = ALL(0), spot = r_exp2_plain(FMA(ALL(p.width), z, ALL(p.drift)));
  R pay = MAX(FMA(ALL(p.scale), spot, ALL(p.shift)), nothing);
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
FUNCTION void add_draw(const mc_european_params p, W item, u64 first, u32 draw, int greeks, int all_exist, european_sums *sums) {
  W words[4];
  R z[NORMALS];
  random_words(item, draw, p.stream, 0, p.key, words);
  random_normals(words, z);
  UNROLL
  for (u32 k = 0; k < NORMALS; k++) add_path(p, z[k], all_exist ? ALL(1) : path_exists(p.paths, first, k), greeks, all_exist, sums);
}

#if LANES > 1
/* The same for `count` draws from `draw` on, all of whose paths exist. */
FUNCTION void add_draws(const mc_european_params p, W item, u32 draw, u32 count, int greeks, european_sums *sums) {
  R z[NORMALS * DRAWS_AT_ONCE];
  european_sums some = *sums;
  random_many_normals(item, draw, p.stream, 0, p.key, count, z);
  for (u32 k = 0; k < NORMALS * count; k++) add_path(p, z[k], ALL(1), greeks, 1, &some);
  *sums = some;
}
#endif

FUNCTION void add_item(const mc_european_params p, u32 i, u32 group, int greeks, D total[MC_EUROPEAN_GREEKS_SUMS]) {
  const int count = greeks ? MC_EUROPEAN_GREEKS_SUMS : MC_EUROPEAN_SUMS;
  u32 number = group * GROUP_SIZE + i;
  W item = LANE(number);
  /* The last draw that the header calls full, or the one behind it, where this group's part of that is full too. */
  u64 next = NORMALS * (((u64)p.full * p.groups + group + 1) * GROUP_SIZE);
  u32 all_full = p.full < p.draws && next <= p.paths ? p.full + 1 : p.full;
  UNROLL
  for (int s = 0; s < count; s++) total[s] = ALL_D(0);
  for (u32 begin = 0; begin < p.draws; begin += DRAWS_AT_ONCE) {
    u32 end = begin + DRAWS_AT_ONCE < p.draws ? begin + DRAWS_AT_ONCE : p.draws, full = end < all_full ? end : all_full, draw = begin;
    european_sums sums;
    UNROLL
    for (int s = 0; s < count; s++) sums.some[s] = ALL(0);
#if LANES > 1
    if (draw < full) {
      add_draws(p, item, draw, full - draw, greeks, &sums);
      draw = full;
    }
#endif
    for (; draw < full; draw++) add_draw(p, item, 0, draw, greeks, 1, &sums);
    for (; draw < end; draw++) add_draw(p, item, (u64)draw * p.groups * GROUP_SIZE + number, draw, greeks, 0, &sums);
    UNROLL
    for (int s = 0; s < count; s++) total[s] = total[s] + WIDEN(sums.some[s]);
  }
}

KERNEL1(mc_european, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_EUROPEAN_SUMS *GROUP_SIZE);
  ITEMS(i) {
    D total[MC_EUROPEAN_GREEKS_SUMS];
    add_item(p, i, GROUP, 0, total);
    UNROLL
    for (int s = 0; s < MC_EUROPEAN_SUMS; s++) STORE_D(totals, GROUP_SIZE * s + i, total[s]);
  }
  for (int s = 0; s < MC_EUROPEAN_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    LEADER sums[MC_EUROPEAN_SUMS * GROUP + s] = sum;
  }
}

KERNEL1(mc_european_greeks, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_EUROPEAN_GREEKS_SUMS *GROUP_SIZE);
  ITEMS(i) {
    D total[MC_EUROPEAN_GREEKS_SUMS];
    add_item(p, i, GROUP, 1, total);
    UNROLL
    for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) STORE_D(totals, GROUP_SIZE * s + i, total[s]);
  }
  for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    LEADER sums[MC_EUROPEAN_GREEKS_SUMS * GROUP + s] = sum;
  }
}
