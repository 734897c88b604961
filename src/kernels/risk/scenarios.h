/* SPDX-License-Identifier: MIT */
/* What the kernel of scenarios.c takes and gives. */
#ifndef ASSAY_KERNELS_RISK_SCENARIOS_H
#define ASSAY_KERNELS_RISK_SCENARIOS_H

#if !defined(REAL_BITS)
#include "kernels/types.h"
#endif
#include "kernels/random_key.h"

/*
 * risk_scenarios, item = scenario: x = mean + mix L z with standard normal z, r = x or e^x - 1, P&L = offset + sum over assets of position
 * r + gamma r^2 / 2. mix is 1, or sqrt((degrees - 2) / chi^2 of so many degrees). Scenario k (first + its number in the launch) draws
 * normals 4 d to 4 d + 3 at the counter (0, d, 0, k), and those of chi^2 at (1, d, 0, k). factor: L row by row, `padded` long, zeros above
 * the diagonal; lines: positions, mean, gamma, and L'positions, each `padded` long, a multiple of
 * 4. With `linear` P&L = offset + mix (L'positions)'z, and `offset` holds positions'mean. scratch: padded reals an item; pnl: one an item.
 */
typedef struct risk_scenarios_params {
  u32 assets, padded, degrees, linear, log_returns, first;
  random_key key;
  double offset;
} risk_scenarios_params;

#endif
