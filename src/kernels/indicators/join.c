/* SPDX-License-Identifier: MIT */
/* Whether the parts of series fit together (indicators.h). Looked at as integers, since the bits have to be the same. */
#include "kernels/dialect.h"

#include "kernels/indicators/indicators.h"

FUNCTION u32 join_mark(const indicator_join_params p, GLOBAL const real_u *state, u32 part, u32 series) {
  u64 each = (u64)p.width * (1 + p.slots), registers = (u64)p.width * INDICATOR_REGISTERS;
  GLOBAL const real_u *mine = state + part * each + series;
  real_u differ = mine[0];
  if (part > 0 && p.fades) {
    GLOBAL const real_u *ended = mine - each + p.width, *began = state + p.parts * each + part * registers + series;
    UNROLL
    for (u32 j = 0; j < INDICATOR_REGISTERS; j++) differ |= ended[(u64)j * p.width] ^ began[(u64)j * p.width];
  }
  return differ != 0 ? 1 : 0;
}

KERNEL2(ind_join, indicator_join_params, GLOBAL const real_u *, state, GLOBAL u32 *, marks) {
  FOLLOWS;
  u32 part = (u32)GROUP / p.part_groups, first = (u32)GROUP % p.part_groups * GROUP_SIZE;
  ITEMS(i) {
    for (u32 lane = 0; lane < LANES; lane++) {
      u32 series = first + i + lane;
      if (series < p.series) marks[(u64)part * p.width + series] = join_mark(p, state, part, series);
    }
  }
}
