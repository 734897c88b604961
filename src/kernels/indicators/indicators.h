/* SPDX-License-Identifier: MIT */
/* What the kernels of the indicators take: one layout for all of them. */
#ifndef ASSAY_KERNELS_INDICATORS_INDICATORS_H
#define ASSAY_KERNELS_INDICATORS_INDICATORS_H

/*
 * An item is a series. A launch does `rows` rows of `series` series: value (row, series) of input k is in[input[k] + row in_row + series],
 * of output k out[output[k] + row out_row + series]. Offsets and rows count elements. `begin` rows came before, in earlier launches whose
 * `state` this one goes on with; where none came, it may hold anything.
 *
 * state holds `width` marks, one a series: 0, or NaN once an input was a gap (the series is then to be done again without its gaps), and
 * behind them `slots` reals for each of them: INDICATOR_REGISTERS, then the indicator's windows.
 *
 * A group may do fewer series than it has items, `group_series` (0: as many), so that there are groups enough.
 * A GPU needs more threads than there are series. With part_groups (groups for one row of all series) it gets parts: group
 * part part_groups + g does rows from part part_rows on, and begins `lead` rows before them without writing, or with row 0 where less than
 * lead + still rows come before. After `still` rows everything has begun: no step asks any more how many rows came. Each part has a state
 * of its own, one behind the other, and behind all of them what the registers were when it began to write, INDICATOR_REGISTERS a part. If
 * these are the registers that the part before ended with, to the bit, nothing differs from one long walk; join.c looks. Lanes do all rows
 * in the first part_groups groups, and nothing in the others.
 */
typedef struct indicator_params {
  i64 input[4], output[6];
  u64 in_row, out_row;
  u64 begin;
  u64 rows;
  u32 series;
  u32 width; /* series, rounded up to a multiple of INDICATOR_PACK */
  u32 slots;
  u32 wanted;                                   /* bit k: output k is stored */
  u32 warm[6];                                  /* rows before output k has a value */
  u32 part_groups, still, group_series, unused; /* see below; 0: one part */
  u64 part_rows, lead;
  u32 n[4];    /* periods; what each is, the step says */
  double x[8]; /* factors; what each is, the step says */
} indicator_params;

/* ind_join: marks of part q of series s, a group for GROUP_SIZE series of a part: marks[q width + s] is 1 where an input was a gap or
 * the registers do not fit those of the part before, else 0. */
typedef struct indicator_join_params {
  u32 series, width, slots, parts, part_groups, unused;
} indicator_join_params;

enum { INDICATOR_REGISTERS = 16, INDICATOR_PACK = 16 };

#endif
