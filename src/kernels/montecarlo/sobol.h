/* SPDX-License-Identifier: MIT */
/* What the kernel of sobol.c takes and gives. */
#ifndef ASSAY_KERNELS_MONTECARLO_SOBOL_H
#define ASSAY_KERNELS_MONTECARLO_SOBOL_H

/*
 * Item i of the launch is point number first + i of a Sobol sequence (`first` a multiple of 256). There are `walks` Brownian bridges over
 * the steps; coordinate c < walks steps is point c / walks of bridge c % walks. The differences of bridge w go to rows[skip + (w steps + s)
 * stride + i] as shocks of step s, as path.h's `given` wants them; later coordinates are uniform numbers, in rows of their own behind
 * those.
 *
 * table: MC_SOBOL_ROW words a coordinate: 32 direction numbers with their bits in reverse, the seed of its scrambling, and for a point of
 * the bridge the step that it gives and the two beside it (0: the start; the end has none and is the first). bridge: three reals a point:
 * the weights of the left and the right one, and the deviation between.
 */
typedef struct mc_sobol_params {
  u64 stride;
  u32 first, steps, coordinates;
  u32 bits; /* no point's number has more */
  u32 walks, skip;
} mc_sobol_params;

enum { MC_SOBOL_ROW = 36, MC_SOBOL_SEED = 32, MC_SOBOL_AT, MC_SOBOL_LEFT, MC_SOBOL_RIGHT, MC_SOBOL_BRIDGE = 3 };

#endif
