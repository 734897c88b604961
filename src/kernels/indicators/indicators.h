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
 */
typedef struct indicator_params {
  i64 input[4], output[6];
  u64 in_row, out_row;
  u64 begin;
  u64 rows;
  u32 series;
  u32 width; /* series, rounded up to a multiple of INDICATOR_PACK */
  u32 slots;
  u32 wanted;  /* bit k: output k is stored */
  u32 warm[6]; /* rows before output k has a value */
  u32 n[4];    /* periods; what each is, the step says */
  double x[8]; /* factors; what each is, the step says */
} indicator_params;

enum { INDICATOR_REGISTERS = 16, INDICATOR_PACK = 16 };

#endif
