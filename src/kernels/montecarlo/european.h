/* SPDX-License-Identifier: MIT */
/* What the kernels of european.c take and give. */
#ifndef ASSAY_KERNELS_MONTECARLO_EUROPEAN_H
#define ASSAY_KERNELS_MONTECARLO_EUROPEAN_H

#include "kernels/random_key.h"

/*
 * Simulates S = 2^(drift + width z) for `paths` paths and pays max(scale S + shift, 0): a call is (spot, -strike), a put (-spot, strike).
 * Draw d of item i (counted over the whole grid: GROUP * GROUP_SIZE + its number in the group) has the counter (stream, d, 0, i) and gives
 * the paths NORMALS (d items + i) to NORMALS (d items + i + 1) - 1, where items = groups GROUP_SIZE. Each item makes `draws` of them; in
 * the first `full` every path exists, from there on paths from `paths` on count nothing. |drift| + 9 |width| must stay below 120. Sums of
 * group g, one double each: sums[SUMS g + ...].
 */
typedef struct mc_european_params {
  u64 paths;
  u32 draws, full, groups, stream;
  random_key key;
  double drift, width, scale, shift;
} mc_european_params;

/* mc_european: payoff and its square. mc_european_greeks adds over the paths that pay: their number, S, S z and z. */
enum { MC_EUROPEAN_PAYOFF, MC_EUROPEAN_SQUARE, MC_EUROPEAN_SUMS };
enum { MC_EUROPEAN_COUNT = MC_EUROPEAN_SUMS, MC_EUROPEAN_SPOT, MC_EUROPEAN_SPOT_Z, MC_EUROPEAN_Z, MC_EUROPEAN_GREEKS_SUMS };

#endif
