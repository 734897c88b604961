/* SPDX-License-Identifier: MIT */
/* Profits of a portfolio under simulated returns of its assets. */
#include "kernels/random.h"

#include "kernels/risk/scenarios.h"

/* Where normal number j of the item lies: an item's own numbers are a group apart, so that lanes lie side by side. */
#define PLACE(j) ((u64)(j)*GROUP_SIZE + i)

FUNCTION R chi_squared(W scenario, u32 degrees, random_key key) {
  R sum = ALL(0);
  for (u32 d = 0; d * NORMALS < degrees; d++) {
    W words[4];
    R z[NORMALS];
    random_words(scenario, d, 1, 0, key, words);
    random_normals(words, z);
    for (u32 k = 0; k < NORMALS && d * NORMALS + k < degrees; k++) sum = FMA(z[k], z[k], sum);
  }
  return sum;
}

/* Four assets at once share the loads of z. */
FUNCTION R revalue(GLOBAL const real *factor, GLOBAL const real *lines, GLOBAL const real *z, const risk_scenarios_params p, u32 i, R mix,
                   R pnl) {
  for (u32 row = 0; row < p.assets; row += 4) {
    R sum[4];
    for (u32 k = 0; k < 4; k++) sum[k] = ALL(0);
    for (u32 j = 0; j < row + 4; j++) {
      R zj = LOAD(z, PLACE(j));
      for (u32 k = 0; k < 4; k++) sum[k] = FMA(ALL(factor[(u64)(row + k) * p.padded + j]), zj, sum[k]);
    }
    for (u32 k = 0; k < 4; k++) {
      R r = FMA(mix, sum[k], ALL(lines[p.padded + row + k]));
      if (p.log_returns) r = r_exp(r) - ALL(1);
      R curve = ALL(lines[2 * p.padded + row + k]) * RC(0.5);
      pnl = FMA(FMA(curve, r, ALL(lines[row + k])), r, pnl);
    }
  }
  return pnl;
}

KERNEL4(risk_scenarios, risk_scenarios_params, GLOBAL const real *, factor, GLOBAL const real *, lines, GLOBAL real *, scratch,
        GLOBAL real *, pnl) {
  GLOBAL real *z_of_group = scratch + (u64)GROUP * p.padded * GROUP_SIZE;
  ITEMS(i) {
    W scenario = LANE(p.first + GROUP * GROUP_SIZE + i);
    R mix = ALL(1), sum = ALL(0), profit = ALL((real)p.offset);
    if (p.degrees > 0) mix = SQRT(ALL((real)(p.degrees - 2)) / chi_squared(scenario, p.degrees, p.key));
    for (u32 d = 0; d * NORMALS < p.assets; d++) {
      W words[4];
      R z[NORMALS];
      random_words(scenario, d, 0, 0, p.key, words);
      random_normals(words, z);
      for (u32 k = 0; k < NORMALS; k++) {
        u32 j = d * NORMALS + k;
        if (p.linear) {
          sum = FMA(ALL(lines[3 * p.padded + j]), z[k], sum);
        } else {
          STORE(z_of_group, PLACE(j), z[k]);
        }
      }
    }
    profit = p.linear ? FMA(mix, sum, profit) : revalue(factor, lines, z_of_group, p, i, mix, profit);
    STORE(pnl, (u64)GROUP * GROUP_SIZE + i, profit);
  }
}
