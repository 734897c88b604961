/* SPDX-License-Identifier: MIT */
#include "kernels/random.h"

#include "probe.h"

KERNEL2(probe, probe_params, GLOBAL const real *, in, GLOBAL real *, out) {
  ITEMS(i) {
    u32 at = GROUP * GROUP_SIZE + i;
    R x = LOAD(in, at), first = x, second = x;
    if (p.function == PROBE_EXP) first = r_exp(x);
    if (p.function == PROBE_EXP2) first = r_exp2_plain(x);
    if (p.function == PROBE_LOG) first = r_log(x);
    if (p.function == PROBE_MINUS_2_LOG) first = r_minus_2_log(x);
    if (p.function == PROBE_SINCOS) r_sincos_turn(x, &first, &second);
#if defined(SQRT_BY_FMA)
    if (p.function == PROBE_SQRT) first = SQRT(x), second = SQRT_BY_FMA(x);
#else
    if (p.function == PROBE_SQRT) first = SQRT(x), second = SQRT_NORMAL(x);
#endif
    if (p.function == PROBE_DIVIDE) first = ALL(1.0) / x;
    STORE(out, at, first);
    STORE(out, p.items + at, second);
  }
}

/* words[4 item + k] and normals[NORMALS item + k]. */
KERNEL2(probe_random, probe_params, GLOBAL u32 *, words, GLOBAL real *, normals) {
  ITEMS(i) {
    u32 at = GROUP * GROUP_SIZE + i;
    W drawn[4];
    R z[NORMALS];
    random_words(LANE(p.first + at), p.c1, p.c2, p.c3, p.key, drawn);
    random_normals(drawn, z);
    for (u32 lane = 0; lane < LANES; lane++) {
#if LANES == 1
      for (u32 k = 0; k < 4; k++) words[4 * at + k] = drawn[k];
      for (u32 k = 0; k < NORMALS; k++) normals[NORMALS * at + k] = z[k];
#else
      for (u32 k = 0; k < 4; k++) words[4 * (at + lane) + k] = (u32)drawn[k][lane];
      for (u32 k = 0; k < NORMALS; k++) normals[NORMALS * (at + lane) + k] = z[k][lane];
#endif
    }
  }
}
