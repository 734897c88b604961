/* SPDX-License-Identifier: MIT */
/*
 * Whole blocks of rows in native lanes: as many rows as a line of the cache has numbers of one series, of as many series as two registers
 * have lanes. In memory a block is a few whole lines, whichever way it lies. So it is read, turned, worked on and written at once: while
 * the processor works on one block the lines of a later one are on their way to it, and those of an earlier one from it.
 */
#ifndef ASSAY_KERNELS_INDICATORS_LANES_H
#define ASSAY_KERNELS_INDICATORS_LANES_H

#include "kernels/dialect.h"

#include "kernels/indicators/indicators.h"
#include "kernels/indicators/turn_lines.h"

enum { BLOCK_ROWS = 64 / sizeof(real), BLOCK_SERIES = 2 * LANES, BLOCK_AHEAD = 1024 / sizeof(real) };

#if REAL_BITS == 32
#define TURN_COLUMNS turn_columns_f32
#define TURN_LINES turn_lines_f32
#else
#define TURN_COLUMNS turn_columns_f64
#define TURN_LINES turn_lines_f64
#endif

#if defined(__AVX512F__)
#define STORE_PAST(p, r) _mm512_stream_si512((__m512i *)(void *)(p), (__m512i)(r))
#elif defined(__AVX2__)
#define STORE_PAST(p, r) _mm256_stream_si256((__m256i *)(void *)(p), (__m256i)(r))
#elif defined(__x86_64__)
#define STORE_PAST(p, r) _mm_stream_si128((__m128i *)(void *)(p), (__m128i)(r))
#else
#define STORE_PAST(p, r) STORE(p, 0, r)
#endif

/* A block of series that lie in one piece each, `step` apart. What comes BLOCK_AHEAD rows later is asked for: the processor's own guesses
 * follow too few series at once. */
static __attribute__((noinline, unused)) void block_turned_in(const real *from, u64 step, real *block) {
  for (u32 series = 0; series < BLOCK_SERIES; series++) __builtin_prefetch(from + series * step + BLOCK_AHEAD);
  TURN_COLUMNS(from, step, block, BLOCK_SERIES, BLOCK_SERIES, BLOCK_ROWS);
}
static __attribute__((noinline, unused)) void block_turned_out(const real *block, real *to, u64 step, u32 past) {
  TURN_LINES(block, BLOCK_SERIES, to, step, BLOCK_SERIES, past != 0);
}
/* A block whose rows lie in one piece each. */
static __attribute__((noinline, unused)) void block_out(const real *block, real *to, u64 step, u32 past) {
  for (u32 row = 0; row < BLOCK_ROWS; row++) {
    const real *from = block + row * BLOCK_SERIES;
    for (u32 at = 0; at < BLOCK_SERIES; at += LANES) {
      if (past) {
        STORE_PAST(to + row * step + at, LOAD(from, at));
      } else {
        STORE(to, row * step + at, LOAD(from, at));
      }
    }
  }
}
/* Rows from t on that are before `warm`. */
static __attribute__((noinline, unused)) void block_not_yet(real *block, u64 t, u64 warm) {
  for (u32 row = 0; row < BLOCK_ROWS && t + row < warm; row++) {
    for (u32 at = 0; at < BLOCK_SERIES; at += LANES) STORE(block, row * BLOCK_SERIES + at, NOT_A_NUMBER);
  }
}

/* Two by two: a step waits for the one before it, and the other lanes fill that time. Written out, since arrays by a loop's index do not
 * lie in registers. */
#define EACH_OF_TWO(...) \
  {                      \
    const u32 l = 0;     \
    __VA_ARGS__          \
  }                      \
  {                      \
    const u32 l = 1;     \
    __VA_ARGS__          \
  }

/* The rows of a block, of which outputs `stored` are wanted. */
#define ROWS_OF_BLOCK(name, inputs, outputs, p, stored, row_of_step)                                \
  for (u32 a = 0; a < BLOCK_ROWS; a++) {                                                            \
    row_of_step;                                                                                    \
    EACH_OF_TWO({                                                                                   \
      R x[inputs], y[outputs];                                                                      \
      for (u32 j = 0; j < (inputs); j++) {                                                          \
        x[j] = LOAD(from[j], a * step + l * LANES);                                                 \
        gap[l] = gap[l] + ABSOLUTE(x[j]);                                                           \
      }                                                                                             \
      name##_step(p, now, &s[l], behind(m[l], INDICATOR_REGISTERS), x, y);                          \
      for (u32 j = 0; j < (outputs); j++) {                                                         \
        if ((stored) >> j & 1) STORE(after, (j * BLOCK_ROWS + a) * BLOCK_SERIES + l * LANES, y[j]); \
      }                                                                                             \
    })                                                                                              \
    now = moment_next(p, now);                                                                      \
  }

/* All whole blocks of BLOCK_SERIES series from `item` on, whose places `in` and `out` are; how many rows that was. Where a step asks how
 * many rows came (`asks`), it does so until everything has begun only, if outputs are wanted as usual. */
#define INDICATOR_BLOCKS(name, inputs, outputs, usual, asks)                                                                     \
  static u64 name##_blocks(const indicator_params *params, const real *in, real *out, real *state, u64 item, moment now) {       \
    const indicator_params p = *params;                                                                                          \
    indicator_params q = p;                                                                                                      \
    q.wanted = (usual);                                                                                                          \
    const u32 turned = IS_TURNED(p), past = p.layout & INDICATOR_PAST, every = (1u << (outputs)) - 1;                            \
    const u64 rows = p.rows / BLOCK_ROWS * BLOCK_ROWS, begun = p.still > 0 && (p.wanted & every) == (usual) ? p.still : (u64)-1; \
    LOCAL_ARRAY(real, before, (inputs)*BLOCK_ROWS *BLOCK_SERIES);                                                                \
    LOCAL_ARRAY(real, after, (outputs)*BLOCK_ROWS *BLOCK_SERIES);                                                                \
    name##_state s[2];                                                                                                           \
    memory m[2];                                                                                                                 \
    R gap[2];                                                                                                                    \
    EACH_OF_TWO({                                                                                                                \
      m[l] = memory_of(p, state, item + l * LANES);                                                                              \
      name##_load(m[l], p.begin > 0, &s[l]);                                                                                     \
      gap[l] = p.begin > 0 ? LOAD(state, item + l * LANES) : ALL(0);                                                             \
    })                                                                                                                           \
    for (u64 row = 0; row < rows; row += BLOCK_ROWS) {                                                                           \
      const real *from[inputs];                                                                                                  \
      const u64 step = turned ? (u64)BLOCK_SERIES : p.in_row, t = p.begin + row;                                                 \
      for (u32 j = 0; j < (inputs); j++) {                                                                                       \
        from[j] = in + p.input[j] + (turned ? row : row * p.in_row);                                                             \
        if (turned) {                                                                                                            \
          block_turned_in(from[j], p.in_row, before + j * BLOCK_ROWS * BLOCK_SERIES);                                            \
          from[j] = before + j * BLOCK_ROWS * BLOCK_SERIES;                                                                      \
        }                                                                                                                        \
      }                                                                                                                          \
      if ((asks) && t >= begun) {                                                                                                \
        ROWS_OF_BLOCK(name, inputs, outputs, q, usual, now.t = SETTLED)                                                          \
      } else {                                                                                                                   \
        ROWS_OF_BLOCK(name, inputs, outputs, p, every, now.t = t + a)                                                            \
      }                                                                                                                          \
      EACH_OF_TWO(gap[l] = gap[l] * ALL(GAP_SCALE) * ALL(0);) /* 0 or NaN: a long sum of usual numbers is no gap */              \
      for (u32 j = 0; j < (outputs); j++) {                                                                                      \
        if ((p.wanted >> j & 1) == 0) continue;                                                                                  \
        real *block = after + j * BLOCK_ROWS * BLOCK_SERIES, *to = out + p.output[j];                                            \
        if (t < p.warm[j]) block_not_yet(block, t, p.warm[j]);                                                                   \
        if (turned) {                                                                                                            \
          block_turned_out(block, to + row, p.out_row, past);                                                                    \
        } else {                                                                                                                 \
          block_out(block, to + row * p.out_row, p.out_row, past);                                                               \
        }                                                                                                                        \
      }                                                                                                                          \
    }                                                                                                                            \
    EACH_OF_TWO({                                                                                                                \
      name##_store(m[l], s[l]);                                                                                                  \
      STORE(state, item + l * LANES, gap[l]);                                                                                    \
    })                                                                                                                           \
    return rows;                                                                                                                 \
  }

#define IS_TURNED(p) ((p).layout & INDICATOR_TURNED)
/* Once each; what is left over is little. */
#define ROWS_FUNCTION static __attribute__((noinline))

/* BLOCK_SERIES at once, where that many are left: blocks, and then the rows that fill none. */
#define DO_BLOCKS(name)                                                                                                  \
  if (item + BLOCK_SERIES <= p.series) {                                                                                 \
    const u64 done = p.rows >= BLOCK_ROWS ? name##_blocks(&p, in_at, out_at, state, item, first) : 0;                    \
    const moment rest = done > 0 ? moment_at(p, p.begin + done) : first;                                                 \
    for (u32 l = 0; done < p.rows && l < BLOCK_SERIES; l += LANES)                                                       \
      name##_rows(q, in_at + l * in_lane, in_lane, out_at + l * out_lane, out_lane, state, item + l, LANES, rest, done); \
    i += BLOCK_SERIES - LANES;                                                                                           \
    continue;                                                                                                            \
  }

#endif
