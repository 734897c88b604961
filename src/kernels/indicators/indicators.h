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
 * A group may do fewer series than it has items, `group_series` (0: as many), so that there are groups enough, and enough of a group's own
 * memory for each: the inputs of INDICATOR_FEED batches of rows, which are on their way while the item works on those before, and
 * `local_slots` reals for the windows (0: they stay in the state). Where that is more than INDICATOR_LOCAL bytes, inputs are not fed.
 * A GPU needs more threads than there are series. With part_groups (groups for one row of all series) it gets parts: group
 * part part_groups + g does part_rows rows behind those of the part before, and begins `lead` rows before them without writing, or with row
 * 0 where less than lead + still rows come before; the first, which needs no beginning, does `head` rows more. A part whose registers fade
 * begins as a series does, so flat prices fit at once. After `still` rows (0: nobody says) everything has begun: no step asks any more how
 * many rows came. Each part has a state of its own, one behind the other, and, where `fades` says that parts may not fit, behind all of
 * them what the registers were when it began to write, INDICATOR_REGISTERS a part. If these are the registers that the part before ended
 * with, to the bit, nothing differs from one long walk; join.c looks. Lanes do all rows in the first groups, and nothing in the others.
 *
 * Native lanes, more than one, also take series that lie in one piece each (INDICATOR_TURNED in `layout`): then in_row and out_row are the
 * numbers between two series. INDICATOR_PAST: whole lines of the results are written past the cache, for which out and out_row have to be
 * whole lines. slow_roots: 1 where every other square root goes by FMAs beside the divider, if the lanes can, else 0; the bits are the
 * same.
 */
typedef struct indicator_params {
  i64 input[4], output[6];
  u64 in_row, out_row;
  u64 begin;
  u64 rows;
  u32 series;
  u32 width; /* series, rounded up to a multiple of INDICATOR_PACK */
  u32 slots;
  u32 wanted;                                                     /* bit k: output k is stored */
  u32 warm[6];                                                    /* rows before output k has a value */
  u32 part_groups, still, group_series, local_slots, fades, head; /* see above; part_groups 0: one part */
  u32 layout, slow_roots;
  u64 part_rows, lead;
  u32 n[4];    /* periods; what each is, the step says */
  double x[8]; /* factors; what each is, the step says */
} indicator_params;

/* ind_join: marks of part q of series s, a group for GROUP_SIZE series of a part: marks[q width + s] is 1 where an input was a gap or
 * the registers do not fit those of the part before, else 0. */
typedef struct indicator_join_params {
  u32 series, width, slots, parts, part_groups, fades;
} indicator_join_params;

enum { INDICATOR_REGISTERS = 8, INDICATOR_PACK = 16, INDICATOR_TURNED = 1, INDICATOR_PAST = 2 };

/*
 * By the number of inputs, and whether there are windows: rows of a batch, batches that a ring holds, and series of a group that it is for.
 * INDICATOR_LOCAL bytes of a group's own memory hold the ring and, behind it, the windows.
 */
#define INDICATOR_BATCH(inputs, windows) ((windows) || (inputs) > 1 ? 4 : 8)
#define INDICATOR_FEED(inputs, windows) ((windows) ? (inputs) == 1 ? 8 : (inputs) == 2 ? 4 : 2 : (inputs) < 3 ? 6 : 4)
#define INDICATOR_WIDTH(inputs, windows) ((windows) || (inputs) > 3 ? 64 : 128)
#define INDICATOR_RING(inputs, windows) \
  (INDICATOR_FEED(inputs, windows) * INDICATOR_BATCH(inputs, windows) * (inputs)*INDICATOR_WIDTH(inputs, windows))
#define INDICATOR_LOCAL (48 * 1024)
/* Groups that a processor of a GPU has room for at once, by registers. */
#define INDICATOR_AT_ONCE(windows) ((windows) ? 4 : 2)

#endif
