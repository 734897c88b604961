/* SPDX-License-Identifier: MIT */
/*
 * Whole blocks of rows in native lanes. In memory a block is a few whole lines, whichever way it lies. So it is read, turned, worked on and
 * written at once: while the processor works on one block the lines of a later one are on their way to it, and those of an earlier one from
 * it.
 *
 * A block has as many rows as a line of the cache has numbers, and as many series as two registers have lanes; where one register has a
 * line's lanes, 16 rows of the series of one. With doubles these are two lines of each series, which go past the cache a third faster than
 * single ones of twice as many series (docs/indicators.md).
 */
#ifndef ASSAY_KERNELS_INDICATORS_LANES_H
#define ASSAY_KERNELS_INDICATORS_LANES_H

#include "kernels/dialect.h"

#include "kernels/indicators/indicators.h"
#include "kernels/indicators/turn_lines.h"

#if defined(__AVX512F__)
enum { BLOCK_ROWS = 16, BLOCK_SERIES = LANES };
#else
enum { BLOCK_ROWS = 64 / sizeof(real), BLOCK_SERIES = 2 * LANES };
#endif
enum { LINE_ROWS = 64 / sizeof(real), BLOCK_AHEAD = 1024 / sizeof(real), PAGE_ROWS = 4096 / sizeof(real) };
enum { SERIES_AHEAD = 128 / sizeof(real) };
#if defined(__AVX2__) && REAL_BITS == 64
#define BY_SQUARES 1
#endif

/* A sum that overflows, times GAP_LIMIT, where one of the numbers is a gap (GAP_SCALE). AVX2 is slower with squares. */
#if defined(__AVX512F__)
#define WITH_SIZE(sum, r) FMA((r), (r), (sum))
#define GAP_LIMIT (REAL_BITS == 32 ? 3.2e7 : 6e107)
#else
#define WITH_SIZE(sum, r) ((sum) + ABSOLUTE(r))
#define GAP_LIMIT GAP_SCALE
#endif
/* In squares all rows are summed up: a series of numbers beyond 1e98 is done again, to the same results. */
#define SQUARES_LIMIT 6e107

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

/*
 * Stores past the cache go in order, and all wait while the processor looks up where a page is that the first of them goes to. So a line of
 * the page after is asked for when a page begins; of one series after the other, a block each.
 */
FUNCTION void page_after(const real *to, u64 step, u64 row) {
  const u64 series = row / BLOCK_ROWS % (PAGE_ROWS / BLOCK_ROWS);
  if (series < BLOCK_SERIES) __builtin_prefetch(to + series * step + PAGE_ROWS, 0, 0);
}
/* A block of series that lie in one piece each, `step` apart. What comes BLOCK_AHEAD rows later is asked for: the processor's own guesses
 * follow too few series at once. */
static __attribute__((noinline, unused)) void block_turned_in(const real *from, u64 step, real *block) {
  for (u32 series = 0; series < BLOCK_SERIES; series++) {
    for (u32 line = 0; line < BLOCK_ROWS; line += LINE_ROWS) __builtin_prefetch(from + series * step + line + BLOCK_AHEAD);
  }
  TURN_COLUMNS(from, step, block, BLOCK_SERIES, BLOCK_SERIES, BLOCK_ROWS);
}
/* Of rows that lie in one piece each, two lines on. */
FUNCTION void block_ahead(const real *from, u64 step) {
  for (u32 row = 0; row < BLOCK_ROWS; row++) __builtin_prefetch(from + row * step + SERIES_AHEAD);
}
FUNCTION void put_row(real *to, R r, u32 past) {
  if (past) {
    STORE_PAST(to, r);
  } else {
    STORE(to, 0, r);
  }
}
/* Lines of one series one after the other: what goes past the cache so is a twentieth faster. */
static __attribute__((noinline, unused)) void block_turned_out(const real *block, real *to, u64 step, u32 past) {
#if defined(__AVX512F__) && REAL_BITS == 64
  __m512d near[LANES], far[LANES];
  turn_square_f64(block, BLOCK_SERIES, near);
  turn_square_f64(block + LINE_ROWS * BLOCK_SERIES, BLOCK_SERIES, far);
  for (u32 series = 0; series < BLOCK_SERIES; series++) {
    put_row(to + series * step, (R)near[series], past);
    put_row(to + series * step + LINE_ROWS, (R)far[series], past);
  }
#else
  TURN_LINES(block, BLOCK_SERIES, to, step, BLOCK_SERIES, past != 0);
#endif
}
/* A block whose rows lie in one piece each. */
static __attribute__((noinline, unused)) void block_out(const real *block, real *to, u64 step, u32 past) {
  for (u32 row = 0; row < BLOCK_ROWS; row++) {
    for (u32 at = 0; at < BLOCK_SERIES; at += LANES) put_row(to + row * step + at, LOAD(block, row * BLOCK_SERIES + at), past);
  }
}
/* Rows from t on that are before `warm`. */
static __attribute__((noinline, unused)) void block_not_yet(real *block, u64 t, u64 warm) {
  for (u32 row = 0; row < BLOCK_ROWS && t + row < warm; row++) {
    for (u32 at = 0; at < BLOCK_SERIES; at += LANES) STORE(block, row * BLOCK_SERIES + at, NOT_A_NUMBER);
  }
}

/*
 * Two by two: a step waits for the one before it, and the other lanes fill that time. Written out, since arrays by a loop's index do not
 * lie in registers. AVX-512 has one register of series; two of its rows are written out, for their square roots (common.h).
 */
#define ONE_OF_TWO(number, value, ...) \
  {                                    \
    const u32 number = value;          \
    __VA_ARGS__                        \
  }
#if defined(__AVX512F__)
enum { VECTORS = 1, ROWS_A_TURN = 2 };
#define EACH_VECTOR(...) ONE_OF_TWO(l, 0, __VA_ARGS__)
#define EACH_ROW_OF_TURN(...) ONE_OF_TWO(r, 0, __VA_ARGS__) ONE_OF_TWO(r, 1, __VA_ARGS__)
#else
enum { VECTORS = 2, ROWS_A_TURN = 1 };
#define EACH_VECTOR(...) ONE_OF_TWO(l, 0, __VA_ARGS__) ONE_OF_TWO(l, 1, __VA_ARGS__)
#define EACH_ROW_OF_TURN(...) ONE_OF_TWO(r, 0, __VA_ARGS__)
#endif

/* The rows of a block, of which outputs `stored` are made: into `after`, or where they belong where that is one piece and every output has
 * begun. (Half lines past the cache wait for the other half, which takes too long where a step walks over a window.) */
#define ROW_OF_BLOCK(name, inputs, outputs, p, stored, row_of_step)                 \
  row_of_step;                                                                      \
  EACH_VECTOR({                                                                     \
    R x[inputs], y[outputs];                                                        \
    for (u32 j = 0; j < (inputs); j++) {                                            \
      x[j] = LOAD(from[j], a * step + l * LANES);                                   \
      gap[l] = WITH_SIZE(gap[l], x[j]);                                             \
    }                                                                               \
    name##_step(p, now, &s[l], behind(m[l], INDICATOR_REGISTERS), x, y);            \
    for (u32 j = 0; j < (outputs); j++) {                                           \
      if (((stored) >> j & 1) == 0) continue;                                       \
      if (!direct) {                                                                \
        STORE(after, (j * BLOCK_ROWS + a) * BLOCK_SERIES + l * LANES, y[j]);        \
      } else if (p.wanted >> j & 1) {                                               \
        put_row(out + p.output[j] + (row + a) * p.out_row + l * LANES, y[j], past); \
      }                                                                             \
    }                                                                               \
  })                                                                                \
  now = moment_next(p, now);
#define ROWS_OF_BLOCK(name, inputs, outputs, p, stored, row_of_step) \
  for (u32 first = 0; first < BLOCK_ROWS; first += ROWS_A_TURN) {    \
    EACH_ROW_OF_TURN({                                               \
      const u32 a = first + r;                                       \
      TAKES_TURN(now, r > 0 ? p.slow_roots : 0);                     \
      ROW_OF_BLOCK(name, inputs, outputs, p, stored, row_of_step)    \
    })                                                               \
  }

/*
 * Squares: once everything has begun, as many rows as a register has lanes, of as many series that lie in one piece each, stay in registers
 * from the lines that are read to where they are worked on. A block in the cache costs three stores a register, and a store takes a cycle.
 *
 * Only what an indicator carries out of a row is turned (name_carry); what follows from that alone (name_give) is made of whole lines.
 * Lines of one output go one after the other: where each goes to another output than the one before, they take half as long again on their
 * way to memory (Zen 4), and where single lines go to eight series and not two to each, a third (Emerald Rapids).
 */
#if defined(BY_SQUARES)
/* gcc would keep a pointer for each of two dozen places, in memory, where a base and a step do. */
#define PLACE_UNKNOWN(pointer) __asm__("" : "+r"(pointer))

/* Some rows on, where no window has fewer. A branch in each of their steps would be guessed wrong now and then. */
FUNCTION moment moment_after(const indicator_params p, moment now, u32 rows) {
  for (u32 j = 0; j < 4; j++) {
    const u32 k = now.k[j] + rows;
    now.k[j] = k >= p.n[j] ? k - p.n[j] : k;
  }
  return now;
}

#define NEXT_ROW           \
  at = moment_next(p, at); \
  at.t = SETTLED;
/* inside: none of the rows of a square is the last of its window's block, which no step has to ask then. */
#define ROW_INSIDE(name, r, inside)                               \
  if ((inside) && at.k[0] + 1 == p.n[0]) __builtin_unreachable(); \
  CARRY_ROW(name, r)                                              \
  NEXT_ROW

#if defined(__AVX512F__)
/* What row r of eight carries waits in the cache: in registers, the eight roots of a square would keep from the processor's schedulers what
 * follows. */
#define CARRY_ROW(name, r)                                                                                             \
  {                                                                                                                    \
    R of_row[name##_carried];                                                                                          \
    TAKES_TURN(at, (r) % 2 > 0 ? p.slow_roots : 0);                                                                    \
    name##_carry(p, at, &s[0], m[0], &x[r], of_row);                                                                   \
    for (u32 j = 0; j < name##_carried; j++) STORE(waiting, (j * BLOCK_ROWS + half * LANES + (r)) * LANES, of_row[j]); \
  }
#define EIGHT_ROWS(name, inside) \
  ROW_INSIDE(name, 0, inside)    \
  ROW_INSIDE(name, 1, inside)    \
  ROW_INSIDE(name, 2, inside)    \
  ROW_INSIDE(name, 3, inside)    \
  ROW_INSIDE(name, 4, inside)    \
  ROW_INSIDE(name, 5, inside)    \
  ROW_INSIDE(name, 6, inside)    \
  ROW_INSIDE(name, 7, inside)
#define SQUARE_ROWS(name, windows)                                         \
  for (u32 half = 0; half < 2; half++) {                                   \
    moment at = now;                                                       \
    __m512d turned[LANES];                                                 \
    R x[LANES];                                                            \
    turn_square_f64(from + half * LANES, in_step, turned);                 \
    for (u32 r = 0; r < LANES; r++) {                                      \
      __builtin_prefetch(from + r * in_step + half * LANES + BLOCK_AHEAD); \
      x[r] = (R)turned[r];                                                 \
      sizes[0] = FMA(x[r], x[r], sizes[0]);                                \
    }                                                                      \
    if (!(windows) || now.k[0] + LANES < p.n[0]) {                         \
      EIGHT_ROWS(name, windows)                                            \
    } else {                                                               \
      EIGHT_ROWS(name, 0)                                                  \
    }                                                                      \
    now = moment_after(p, now, LANES);                                     \
  }
/* Both lines of four series. */
#define SQUARE_LINES(name, outputs, stored)                                       \
  for (u32 first = 0; first < LANES; first += 4) {                                \
    __m512d c[2][name##_carried][4];                                              \
    for (u32 i = 0; i < name##_carried; i++) {                                    \
      const real *near = waiting + i * BLOCK_ROWS * LANES + first;                \
      turn_half_square_f64(near, LANES, c[0][i]);                                 \
      turn_half_square_f64(near + LANES * LANES, LANES, c[1][i]);                 \
    }                                                                             \
    for (u32 j = 0; j < (outputs); j++) {                                         \
      if (((stored) >> j & 1) == 0) continue;                                     \
      for (u32 k = 0; k < 4; k++) {                                               \
        for (u32 half = 0; half < 2; half++) {                                    \
          R carried[name##_carried], y[outputs];                                  \
          for (u32 i = 0; i < name##_carried; i++) carried[i] = (R)c[half][i][k]; \
          name##_give(p, now, carried, y);                                        \
          STORE_PAST(to[j] + (first + k) * out_step + half * LANES, y[j]);        \
        }                                                                         \
      }                                                                           \
    }                                                                             \
  }
#define WAITING_ROWS BLOCK_ROWS
#define BLOCK_BY_SQUARES(name, outputs, stored, windows) \
  SQUARE_ROWS(name, windows)                             \
  SQUARE_LINES(name, outputs, stored)

#else
/* The first half of a line waits in the cache for the other. */
FUNCTION R two_halves(const real *low, const real *high) {
  return (R)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
}
FUNCTION void square_in(const real *from, u64 step, R x[4]) {
  R a = two_halves(from, from + 2 * step), b = two_halves(from + step, from + 3 * step);
  R c = two_halves(from + 2, from + 2 * step + 2), d = two_halves(from + step + 2, from + 3 * step + 2);
  x[0] = (R)_mm256_unpacklo_pd((__m256d)a, (__m256d)b);
  x[1] = (R)_mm256_unpackhi_pd((__m256d)a, (__m256d)b);
  x[2] = (R)_mm256_unpacklo_pd((__m256d)c, (__m256d)d);
  x[3] = (R)_mm256_unpackhi_pd((__m256d)c, (__m256d)d);
}
FUNCTION void square_turn(R c[4]) {
  __m256d turned[4];
  turn_four_registers((__m256d)c[0], (__m256d)c[1], (__m256d)c[2], (__m256d)c[3], turned);
  for (u32 k = 0; k < 4; k++) c[k] = (R)turned[k];
}

/* Row r of four of one register of series: x to what is carried, c. */
#define CARRY_ROW(name, r)                                        \
  {                                                               \
    R of_row[name##_carried];                                     \
    name##_carry(p, at, &s[l], m[l], &x[r], of_row);              \
    for (u32 j = 0; j < name##_carried; j++) c[j][r] = of_row[j]; \
  }
#define ROW_OF_ALL(name, r) \
  EACH_VECTOR({             \
    const R *x = all_x[l];  \
    R(*c)[4] = all_c[l];    \
    CARRY_ROW(name, r)      \
  })                        \
  NEXT_ROW

#define PUT_LINES(name, outputs, stored)                                   \
  for (u32 j = 0; j < (outputs); j++) {                                    \
    if (((stored) >> j & 1) == 0) continue;                                \
    for (u32 k = 0; k < 4; k++) {                                          \
      R a[name##_carried], b[name##_carried], near[outputs], far[outputs]; \
      for (u32 i = 0; i < name##_carried; i++) {                           \
        a[i] = LOAD(waiting, ((l * name##_carried + i) * 4 + k) * LANES);  \
        b[i] = c[i][k];                                                    \
      }                                                                    \
      name##_give(p, now, a, near);                                        \
      name##_give(p, now, b, far);                                         \
      real *line = to[j] + (4 * l + k) * out_step;                         \
      STORE_PAST(line, near[j]);                                           \
      STORE_PAST(line + 4, far[j]);                                        \
    }                                                                      \
  }

#define SQUARE_IN(half)                                       \
  square_in(from + 4 * l * in_step + 4 * (half), in_step, x); \
  for (u32 r = 0; r < 4; r++) sizes[l] = FMA(x[r], x[r], sizes[l]);
#define SQUARE_OUT(name, outputs, stored, half)                                                                     \
  for (u32 j = 0; j < name##_carried; j++) {                                                                        \
    square_turn(c[j]);                                                                                              \
    for (u32 k = 0; k < 4 && (half) == 0; k++) STORE(waiting, ((l * name##_carried + j) * 4 + k) * LANES, c[j][k]); \
  }                                                                                                                 \
  if ((half) == 1) {                                                                                                \
    PUT_LINES(name, outputs, stored)                                                                                \
  }
/* Four rows of all series: one register of them after the other, or, where a window ends, row by row. The sums over a window are chains of
 * operations that each wait for the one before: two chains are done in the time of one. */
#define FOUR_ROWS(name, outputs, stored, windows, half)     \
  if (!(windows) || now.k[0] + 4 < p.n[0]) {                \
    EACH_VECTOR({                                           \
      R x[4], c[name##_carried][4];                         \
      moment at = now;                                      \
      SQUARE_IN(half)                                       \
      ROW_INSIDE(name, 0, windows)                          \
      ROW_INSIDE(name, 1, windows)                          \
      ROW_INSIDE(name, 2, windows)                          \
      ROW_INSIDE(name, 3, windows)                          \
      SQUARE_OUT(name, outputs, stored, half)               \
    })                                                      \
  } else {                                                  \
    R all_x[VECTORS][4], all_c[VECTORS][name##_carried][4]; \
    moment at = now;                                        \
    EACH_VECTOR({                                           \
      R *x = all_x[l];                                      \
      SQUARE_IN(half)                                       \
    })                                                      \
    ROW_OF_ALL(name, 0)                                     \
    ROW_OF_ALL(name, 1)                                     \
    ROW_OF_ALL(name, 2)                                     \
    ROW_OF_ALL(name, 3)                                     \
    EACH_VECTOR({                                           \
      R(*c)[4] = all_c[l];                                  \
      SQUARE_OUT(name, outputs, stored, half)               \
    })                                                      \
  }                                                         \
  now = moment_after(p, now, LANES);

#define WAITING_ROWS LANES
#define BLOCK_BY_SQUARES(name, outputs, stored, windows) \
  FOUR_ROWS(name, outputs, stored, windows, 0)           \
  FOUR_ROWS(name, outputs, stored, windows, 1)
#endif

/* name_head: rows that blocks do before squares can begin; name_squares: all whole blocks from row `row` on, how many rows that was.
 * stored: the outputs that have to be wanted; windows: there is one, of n[0] rows. */
#define SQUARES(name, outputs, stored, windows)                                                                   \
  FUNCTION u64 name##_head(const indicator_params *p) {                                                           \
    const u32 every = (1u << (outputs)) - 1;                                                                      \
    if (p->layout != (INDICATOR_TURNED | INDICATOR_PAST) || p->still == 0) return p->rows;                        \
    if ((p->wanted & every) != (stored) || ((windows) && p->n[0] < LANES)) return p->rows;                        \
    const u64 head = p->begin < p->still ? (p->still - p->begin + BLOCK_ROWS - 1) / BLOCK_ROWS * BLOCK_ROWS : 0;  \
    return head < p->rows ? head : p->rows;                                                                       \
  }                                                                                                               \
  static __attribute__((noinline))                                                                                \
  u64 name##_squares(const indicator_params *params, const real *in, real *out, real *state, u64 item, u64 row) { \
    indicator_params p = *params;                                                                                 \
    p.wanted = (stored);                                                                                          \
    const u64 in_step = p.in_row, out_step = p.out_row, rows = (p.rows - row) / BLOCK_ROWS * BLOCK_ROWS;          \
    LOCAL_ARRAY(real, waiting, VECTORS *name##_carried *WAITING_ROWS *LANES);                                     \
    name##_state s[VECTORS];                                                                                      \
    memory m[VECTORS];                                                                                            \
    R sizes[VECTORS];                                                                                             \
    const real *from = in + p.input[0] + row;                                                                     \
    real *to[outputs];                                                                                            \
    for (u32 j = 0; j < (outputs); j++) to[j] = out + p.output[j] + row;                                          \
    EACH_VECTOR({                                                                                                 \
      m[l] = memory_of(p, state, item + l * LANES);                                                               \
      name##_load(m[l], 1, &s[l]);                                                                                \
      m[l] = behind(m[l], INDICATOR_REGISTERS);                                                                   \
      sizes[l] = ALL(0);                                                                                          \
    })                                                                                                            \
    moment now = moment_at(p, p.begin + row);                                                                     \
    now.t = SETTLED;                                                                                              \
    for (u64 done = 0; done < rows; done += BLOCK_ROWS) {                                                         \
      PLACE_UNKNOWN(from);                                                                                        \
      for (u32 j = 0; j < (outputs); j++) {                                                                       \
        PLACE_UNKNOWN(to[j]);                                                                                     \
        if ((stored) >> j & 1) page_after(to[j], out_step, done);                                                 \
      }                                                                                                           \
      BLOCK_BY_SQUARES(name, outputs, stored, windows)                                                            \
      from += BLOCK_ROWS;                                                                                         \
      for (u32 j = 0; j < (outputs); j++) to[j] += BLOCK_ROWS;                                                    \
    }                                                                                                             \
    EACH_VECTOR({                                                                                                 \
      name##_store(memory_of(p, state, item + l * LANES), s[l]);                                                  \
      STORE(state, item + l * LANES, LOAD(state, item + l * LANES) + sizes[l] * ALL(SQUARES_LIMIT) * ALL(0));     \
    })                                                                                                            \
    return rows;                                                                                                  \
  }
#else
#define SQUARES NO_SQUARES
#endif
#define NO_SQUARES(name, outputs, stored, windows)                                                                    \
  FUNCTION u64 name##_head(const indicator_params *p) { return p->rows; }                                             \
  FUNCTION u64 name##_squares(const indicator_params *p, const real *in, real *out, real *state, u64 item, u64 row) { \
    (void)p, (void)in, (void)out, (void)state, (void)item, (void)row;                                                 \
    return 0;                                                                                                         \
  }

/* All whole blocks, of `most` rows, of BLOCK_SERIES series from `item` on, whose places `in` and `out` are; how many rows that was. Where a
 * step asks how many rows came (`asks`), it does so until everything has begun only, if outputs are wanted as usual. */
#define INDICATOR_BLOCKS(name, inputs, outputs, usual, asks)                                                                         \
  static u64 name##_blocks(const indicator_params *params, const real *in, real *out, real *state, u64 item, moment now, u64 most) { \
    const indicator_params p = *params;                                                                                              \
    indicator_params q = p;                                                                                                          \
    q.wanted = (usual);                                                                                                              \
    const u32 turned = IS_TURNED(p), past = p.layout & INDICATOR_PAST, every = (1u << (outputs)) - 1;                                \
    const u64 rows = most / BLOCK_ROWS * BLOCK_ROWS, begun = p.still > 0 && (p.wanted & every) == (usual) ? p.still : (u64)-1;       \
    u32 warm = 0;                                                                                                                    \
    for (u32 j = 0; j < (outputs); j++) warm = p.warm[j] > warm ? p.warm[j] : warm;                                                  \
    LOCAL_ARRAY(real, before, (inputs)*BLOCK_ROWS *BLOCK_SERIES);                                                                    \
    LOCAL_ARRAY(real, after, (outputs)*BLOCK_ROWS *BLOCK_SERIES);                                                                    \
    name##_state s[VECTORS];                                                                                                         \
    memory m[VECTORS];                                                                                                               \
    R gap[VECTORS];                                                                                                                  \
    EACH_VECTOR({                                                                                                                    \
      m[l] = memory_of(p, state, item + l * LANES);                                                                                  \
      name##_load(m[l], p.begin > 0, &s[l]);                                                                                         \
      gap[l] = p.begin > 0 ? LOAD(state, item + l * LANES) : ALL(0);                                                                 \
    })                                                                                                                               \
    for (u64 row = 0; row < rows; row += BLOCK_ROWS) {                                                                               \
      const real *from[inputs];                                                                                                      \
      const u64 step = turned ? (u64)BLOCK_SERIES : p.in_row, t = p.begin + row;                                                     \
      const u32 direct = !turned && t >= warm && ((asks) || sizeof(R) == 64);                                                        \
      for (u32 j = 0; j < (inputs); j++) {                                                                                           \
        from[j] = in + p.input[j] + (turned ? row : row * p.in_row);                                                                 \
        if (turned) {                                                                                                                \
          block_turned_in(from[j], p.in_row, before + j * BLOCK_ROWS * BLOCK_SERIES);                                                \
          from[j] = before + j * BLOCK_ROWS * BLOCK_SERIES;                                                                          \
        } else {                                                                                                                     \
          block_ahead(from[j], step);                                                                                                \
        }                                                                                                                            \
      }                                                                                                                              \
      if ((asks) && t >= begun) {                                                                                                    \
        ROWS_OF_BLOCK(name, inputs, outputs, q, usual, now.t = SETTLED)                                                              \
      } else {                                                                                                                       \
        ROWS_OF_BLOCK(name, inputs, outputs, p, every, now.t = t + a)                                                                \
      }                                                                                                                              \
      EACH_VECTOR(gap[l] = gap[l] * ALL(GAP_LIMIT) * ALL(0);) /* 0 or NaN: a long sum of usual numbers is no gap */                  \
      for (u32 j = 0; j < (outputs) && !direct; j++) {                                                                               \
        if ((p.wanted >> j & 1) == 0) continue;                                                                                      \
        real *block = after + j * BLOCK_ROWS * BLOCK_SERIES, *to = out + p.output[j];                                                \
        if (t < p.warm[j]) block_not_yet(block, t, p.warm[j]);                                                                       \
        if (turned) {                                                                                                                \
          block_turned_out(block, to + row, p.out_row, past);                                                                        \
        } else {                                                                                                                     \
          block_out(block, to + row * p.out_row, p.out_row, past);                                                                   \
        }                                                                                                                            \
      }                                                                                                                              \
    }                                                                                                                                \
    EACH_VECTOR({                                                                                                                    \
      name##_store(m[l], s[l]);                                                                                                      \
      STORE(state, item + l * LANES, gap[l]);                                                                                        \
    })                                                                                                                               \
    return rows;                                                                                                                     \
  }

#define IS_TURNED(p) ((p).layout & INDICATOR_TURNED)
/* Once each; what is left over is little. */
#define ROWS_FUNCTION static __attribute__((noinline))

/* BLOCK_SERIES at once, where that many are left: blocks, squares where these can be, and then the rows that fill none. */
#define DO_BLOCKS(name)                                                                                                  \
  if (item + BLOCK_SERIES <= p.series) {                                                                                 \
    const u64 head = name##_head(&p);                                                                                    \
    u64 done = head >= BLOCK_ROWS ? name##_blocks(&p, in_at, out_at, state, item, first, head) : 0;                      \
    if (head < p.rows) done += name##_squares(&p, in_at, out_at, state, item, done);                                     \
    const moment rest = done > 0 ? moment_at(p, p.begin + done) : first;                                                 \
    for (u32 l = 0; done < p.rows && l < BLOCK_SERIES; l += LANES)                                                       \
      name##_rows(q, in_at + l * in_lane, in_lane, out_at + l * out_lane, out_lane, state, item + l, LANES, rest, done); \
    i += BLOCK_SERIES - LANES;                                                                                           \
    continue;                                                                                                            \
  }

#endif
