/* SPDX-License-Identifier: MIT */
/* One step of geometric Brownian motion and the payoff of a European option; nothing is stored but the sums of a group. */
#include "kernels/random.h"

#include "kernels/montecarlo/european.h"

/* So many draws are added up in the kernel's own precision before they go to doubles: exact enough, and rare enough to cost nothing. */
#define DRAWS_AT_ONCE 16

/* The paths of one draw; `alive` is how many of them count when that is not all. */
FUNCTION void draw_paths(const mc_european_params p, W low, u32 high, R pays[NORMALS], R spots[NORMALS], R z[NORMALS]) {
  W words[4];
  random_words(low, high, 0, 0, p.key0, p.key1, words);
  random_normals(words, z);
  R drift = ALL(p.drift), width = ALL(p.width), scale = ALL(p.scale), shift = ALL(p.shift), nothing = ALL(0);
  for (int k = 0; k < NORMALS; k++) {
    spots[k] = r_exp2_plain(FMA(width, z[k], drift));
    pays[k] = MAX(FMA(scale, spots[k], shift), nothing);
  }
}

/* 1 where path number NORMALS (first + lane) + k exists, 0 elsewhere. */
FUNCTION R exists(u64 paths, u64 first, u32 k) {
  u64 left = paths > NORMALS * first + k ? (paths - NORMALS * first - k + NORMALS - 1) / NORMALS : 0; /* lanes that exist */
  R weight = ALL(0);
  for (u32 lane = 0; lane < LANES; lane++) {
#if LANES == 1
    weight = left > 0 ? RC(1.0) : RC(0.0);
#else
    weight[lane] = left > lane ? RC(1.0) : RC(0.0);
#endif
  }
  return weight;
}

KERNEL1(mc_european, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, payoff, GROUP_SIZE);
  LOCAL_ARRAY(double, square, GROUP_SIZE);
  ITEMS(i) {
    D payoffs = ALL_D(0), squares = ALL_D(0);
    for (u32 begin = 0; begin < p.draws; begin += DRAWS_AT_ONCE) {
      u32 end = begin + DRAWS_AT_ONCE < p.draws ? begin + DRAWS_AT_ONCE : p.draws;
      R some = ALL(0), some_squares = ALL(0);
      for (u32 draw = begin; draw < end; draw++) {
        u64 first = ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i;
        R pays[NORMALS], spots[NORMALS], z[NORMALS];
        draw_paths(p, LANE((u32)first), (u32)(first >> 32), pays, spots, z);
        if (NORMALS * (first + LANES) > p.paths) {
          for (int k = 0; k < NORMALS; k++) pays[k] = pays[k] * exists(p.paths, first, (u32)k);
        }
        for (int k = 0; k < NORMALS; k++) {
          some = some + pays[k];
          some_squares = FMA(pays[k], pays[k], some_squares);
        }
      }
      payoffs = payoffs + WIDEN(some);
      squares = squares + WIDEN(some_squares);
    }
    STORE_D(payoff, i, payoffs);
    STORE_D(square, i, squares);
  }
  double payoff_sum = tree_sum(payoff), square_sum = tree_sum(square);
  LEADER {
    sums[MC_EUROPEAN_SUMS * GROUP + MC_EUROPEAN_PAYOFF] = payoff_sum;
    sums[MC_EUROPEAN_SUMS * GROUP + MC_EUROPEAN_SQUARE] = square_sum;
  }
}

KERNEL1(mc_european_greeks, mc_european_params, GLOBAL double *, sums) {
  LOCAL_ARRAY(double, totals, MC_EUROPEAN_GREEKS_SUMS *GROUP_SIZE);
  ITEMS(i) {
    D total[MC_EUROPEAN_GREEKS_SUMS];
    for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) total[s] = ALL_D(0);
    for (u32 begin = 0; begin < p.draws; begin += DRAWS_AT_ONCE) {
      u32 end = begin + DRAWS_AT_ONCE < p.draws ? begin + DRAWS_AT_ONCE : p.draws;
      R some[MC_EUROPEAN_GREEKS_SUMS];
      for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) some[s] = ALL(0);
      for (u32 draw = begin; draw < end; draw++) {
        u64 first = ((u64)draw * p.groups + GROUP) * GROUP_SIZE + i;
        R pays[NORMALS], spots[NORMALS], z[NORMALS];
        draw_paths(p, LANE((u32)first), (u32)(first >> 32), pays, spots, z);
        if (NORMALS * (first + LANES) > p.paths) {
          for (int k = 0; k < NORMALS; k++) pays[k] = pays[k] * exists(p.paths, first, (u32)k);
        }
        for (int k = 0; k < NORMALS; k++) {
          R paid = SELECT(pays[k] > RC(0.0), ALL(1), ALL(0)), spot = paid * spots[k];
          some[MC_EUROPEAN_PAYOFF] = some[MC_EUROPEAN_PAYOFF] + pays[k];
          some[MC_EUROPEAN_SQUARE] = FMA(pays[k], pays[k], some[MC_EUROPEAN_SQUARE]);
          some[MC_EUROPEAN_COUNT] = some[MC_EUROPEAN_COUNT] + paid;
          some[MC_EUROPEAN_SPOT] = some[MC_EUROPEAN_SPOT] + spot;
          some[MC_EUROPEAN_SPOT_Z] = FMA(spot, z[k], some[MC_EUROPEAN_SPOT_Z]);
          some[MC_EUROPEAN_Z] = FMA(paid, z[k], some[MC_EUROPEAN_Z]);
        }
      }
      for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) total[s] = total[s] + WIDEN(some[s]);
    }
    for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) STORE_D(totals, GROUP_SIZE * s + i, total[s]);
  }
  for (int s = 0; s < MC_EUROPEAN_GREEKS_SUMS; s++) {
    double sum = tree_sum(&totals[GROUP_SIZE * s]);
    LEADER sums[MC_EUROPEAN_GREEKS_SUMS * GROUP + s] = sum;
  }
}
