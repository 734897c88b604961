/* SPDX-License-Identifier: MIT */
/*
 * What all indicators share. An indicator is a struct of lanes that it carries from row to row (its registers), some windows in memory, and
 * a step: the values of a row in, its results out. The step is the definition: a stream calls it a row at a time, one series in one lane,
 * a batch with a series in each lane, a GPU with a series in each thread. All of them do the same operations in the same order on the same
 * numbers, so all of them give the same bits.
 *
 * Rows are counted from the first (t), and a window of n rows is cut into blocks of n rows at multiples of n. A sum over the window that
 * ends at row i is the sum over the end of one block plus the sum over the beginning of the next, so nothing is ever subtracted again:
 * no drift, and no trace of a value that has left the window. Both parts are sums of distances from the last row of the first block, which
 * lies inside of every window that has both parts. So a flat window has sums of exactly 0 at any price, and the loss by cancellation in a
 * variance is bounded by the length of the window, not by the price. The same cut serves minima and maxima (van Herk 1992, "A fast
 * algorithm for local minimum and maximum filters"; Gil and Werman 1993).
 *
 * Gaps do not come here: the host leaves them out (assay/indicators.h).
 */
#ifndef ASSAY_KERNELS_INDICATORS_COMMON_H
#define ASSAY_KERNELS_INDICATORS_COMMON_H

#include "kernels/dialect.h"

#include "kernels/indicators/indicators.h"

#if REAL_BITS == 32
#define NOT_A_NUMBER REAL_OF(ALL_U(0x7fc00000u))
#define ABSOLUTE(r) REAL_OF(BITS(r) & ALL_U(0x7fffffffu))
#define GAP_SCALE 1e23f /* overflows from about 3e15 on */
#define TINY 1e-35f
#else
#define NOT_A_NUMBER REAL_OF(ALL_U(0x7ff8000000000000u))
#define ABSOLUTE(r) REAL_OF(BITS(r) & ALL_U(0x7fffffffffffffffu))
#define GAP_SCALE 1e208 /* overflows from about 2e100 on */
#define TINY 1e-300
#endif

/* On GPUs an item is a thread; PREFETCH(p): *p will be needed. */
#if defined(__CUDACC__)
#define ONE_ITEM_A_THREAD 1
#define PREFETCH(p) asm volatile("prefetch.global.L2 [%0];" ::"l"(p))
#elif defined(ASSAY_OPENCL) && !defined(ASSAY_OPENCL_LANES)
#define ONE_ITEM_A_THREAD 1
#define PREFETCH(p) prefetch((p), 1)
#endif

/* ---- Memory of an item ----------------------------------------------------------------------------------------------------------- */

typedef struct memory {
  GLOBAL real *at;
  u64 stride;
} memory;

/* Lanes lie together, slot after slot; a GPU's threads side by side. */
#if defined(ONE_ITEM_A_THREAD)
#define ITEM_SLOTS(item, slots) (item)
#define SLOT_STRIDE(m) ((m).stride)
#else
#define ITEM_SLOTS(item, slots) ((item) * (slots))
#define SLOT_STRIDE(m) LANES
#endif

#if defined(ONE_ITEM_A_THREAD) /* where 64 bits are two operations, and an item has less than 2^32 slots times series */
#define PLACE_OF(m, slot) ((slot) * (u32)SLOT_STRIDE(m))
#else
#define PLACE_OF(m, slot) ((u64)(slot)*SLOT_STRIDE(m))
#endif
FUNCTION R peek(memory m, u32 slot) { return LOAD(m.at, PLACE_OF(m, slot)); }
FUNCTION void poke(memory m, u32 slot, R r) { STORE(m.at, PLACE_OF(m, slot), r); }
FUNCTION memory behind(memory m, u32 slots) {
  m.at += (u64)slots * SLOT_STRIDE(m);
  return m;
}

/* ---- Time: the same for all lanes ------------------------------------------------------------------------------------------------ */

#if defined(ONE_ITEM_A_THREAD)
typedef u32 row_number; /* no series on a GPU has more */
#else
typedef u64 row_number;
#endif

typedef struct moment {
  row_number t; /* rows before this one */
  u32 k[4];     /* t modulo n[...] */
} moment;

FUNCTION moment moment_at(const indicator_params p, u64 t) {
  moment now;
  now.t = (row_number)t;
  for (int j = 0; j < 4; j++) now.k[j] = p.n[j] > 0 ? (u32)(t % p.n[j]) : 0;
  return now;
}
FUNCTION moment moment_next(const indicator_params p, moment now) {
  now.t++;
  for (int j = 0; j < 4; j++) now.k[j] = now.k[j] + 1 == p.n[j] ? 0 : now.k[j] + 1;
  return now;
}

/* ---- Parts of indicators --------------------------------------------------------------------------------------------------------- */

/* The value n rows ago; memory of n. Nothing (0) in the first n rows. */
FUNCTION R lag(memory m, u32 k, R x) {
  R old = peek(m, k);
  poke(m, k, x);
  return old;
}

/* Exponential average y += a (x - y), begun with the mean of n rows from row `first` on. On flat prices it is the price to the bit. */
typedef struct average {
  R y, from;
} average;
FUNCTION R average_step(average *s, u64 t, u64 first, u32 n, R a, R inverse, R x) {
  if (t >= first + n) {
    s->y = FMA(a, x - s->y, s->y);
#if defined(ONE_ITEM_A_THREAD)
    s->from = ALL(0); /* nobody reads it any more, but parts are compared */
#endif
  } else if (t >= first) {
    if (t == first) {
      s->from = x;
      s->y = ALL(0);
    } else {
      s->y = s->y + (x - s->from);
    }
    if (t + 1 == first + n) s->y = FMA(s->y, inverse, s->from);
  }
  return s->y;
}

/* Mean of n rows; memory of n: values of this block up to row k, behind it the sums over the rest of the block before. */
typedef struct window {
  R from, sum;
} window;
FUNCTION R mean_step(window *s, memory m, u32 k, u32 n, R inverse, R x) {
  if (k + 1 == n) {
    R sum = ALL(0);
    for (u32 j = n - 1; j > 0; j--) {
      sum = sum + (peek(m, j - 1) - x);
      poke(m, j - 1, sum);
    }
    s->from = x;
    s->sum = ALL(0);
    poke(m, k, ALL(0));
    return FMA(sum, inverse, x);
  }
  s->sum = s->sum + (x - s->from);
  R sum = peek(m, k + 1) + s->sum;
  poke(m, k, x);
  return FMA(sum, inverse, s->from);
}

/* Sum of n rows of what is never negative; memory of n. */
FUNCTION R sum_step(R *s, memory m, u32 k, u32 n, R x) {
  if (k + 1 == n) {
    R sum = x;
    poke(m, k, x);
    for (u32 j = n - 1; j > 0; j--) {
      sum = sum + peek(m, j - 1);
      poke(m, j - 1, sum);
    }
    *s = ALL(0);
    return sum;
  }
  *s = *s + x;
  R sum = peek(m, k + 1) + *s;
  poke(m, k, x);
  return sum;
}

/* Mean and sum of squared distances from it; memory of 2n. */
typedef struct spread {
  R from, sum, square;
} spread;
FUNCTION void spread_step(spread *s, memory m, u32 k, u32 n, R inverse, R x, R *mean, R *variance) {
  memory squares = behind(m, n);
  R sum, square;
  if (k + 1 == n) {
    sum = square = ALL(0);
    for (u32 j = n - 1; j > 0; j--) {
      R d = peek(m, j - 1) - x;
      sum = sum + d;
      square = FMA(d, d, square);
      poke(m, j - 1, sum);
      poke(squares, j - 1, square);
    }
    s->from = x;
    s->sum = s->square = ALL(0);
    poke(m, k, ALL(0));
    poke(squares, k, ALL(0));
  } else {
    R d = x - s->from;
    s->sum = s->sum + d;
    s->square = FMA(d, d, s->square);
    sum = peek(m, k + 1) + s->sum;
    square = peek(squares, k + 1) + s->square;
    poke(m, k, x);
  }
  R part = sum * inverse;
  *mean = part + s->from;
  *variance = MAX(FMA(-part, sum, square) * inverse, ALL(0));
}

/* Sum of distances from `from`, and the same weighted with 1 for the oldest to n for the newest; memory of 2n. The weights of the
 * block's end go up by one with every row further back, so they are sums of sums. */
typedef struct ramp {
  R from, sum, weighted;
} ramp;
FUNCTION void ramp_step(ramp *s, memory m, u32 k, u32 n, R x, R *sum, R *weighted) {
  memory weights = behind(m, n);
  if (k + 1 == n) {
    R a = ALL(0), w = ALL(0);
    for (u32 j = n - 1; j > 0; j--) {
      a = a + (peek(m, j - 1) - x);
      w = w + a;
      poke(m, j - 1, a);
      poke(weights, j - 1, w);
    }
    s->from = x;
    s->sum = s->weighted = ALL(0);
    poke(m, k, ALL(0));
    poke(weights, k, ALL(0));
    *sum = a;
    *weighted = w;
    return;
  }
  R d = x - s->from;
  s->sum = s->sum + d;
  s->weighted = FMA(ALL((real)(k + 1)), d, s->weighted);
  *sum = peek(m, k + 1) + s->sum;
  *weighted = peek(weights, k + 1) + FMA(ALL((real)(n - 1 - k)), s->sum, s->weighted);
  poke(m, k, x);
}

/* Highest of n rows; memory of n. The lowest is -highest(-x). */
FUNCTION R highest_step(R *s, memory m, u32 k, u32 n, R x) {
  if (k + 1 == n) {
    R best = x;
    for (u32 j = n - 1; j > 0; j--) {
      best = MAX(best, peek(m, j - 1));
      poke(m, j - 1, best);
    }
    poke(m, k, x);
    return best;
  }
  *s = k == 0 ? x : MAX(*s, x);
  R best = MAX(peek(m, k + 1), *s);
  poke(m, k, x);
  return best;
}

/* Rows since the highest of n rows, the newest where several are as high; memory of 2n. */
typedef struct peak {
  R best, at;
} peak;
FUNCTION R peak_age_step(peak *s, memory m, u32 k, u32 n, R x) {
  memory places = behind(m, n);
  if (k + 1 == n) {
    R best = x, at = ALL((real)k);
    poke(m, k, best);
    poke(places, k, at);
    for (u32 j = n - 1; j > 0; j--) {
      R value = peek(m, j - 1);
      at = SELECT(value > best, ALL((real)(j - 1)), at);
      best = MAX(best, value);
      poke(m, j - 1, best);
      poke(places, j - 1, at);
    }
    return (real)k - at;
  }
  R place = ALL((real)k);
  s->at = k == 0 ? place : SELECT(x >= s->best, place, s->at);
  s->best = k == 0 ? x : MAX(s->best, x);
  R before = peek(m, k + 1), age = SELECT(before > s->best, (real)(k + n) - peek(places, k + 1), (real)k - s->at);
  poke(m, k, x);
  return age;
}

/* Where x lies between low (-1) and high (1) around the middle: 0 when there is no range. */
FUNCTION R place_between(R x, R low, R high) {
  R range = high - low, above = x - low, below = high - x;
  return (above - below) / MAX(range, ALL(TINY));
}

/* 50 + 50 q, never outside of 0 to 100: what all oscillators of that scale give, and 50 where nothing moves. */
FUNCTION R percent(R q) { return FMA(ALL(50), MAX(MIN(q, ALL(1)), ALL(-1)), ALL(50)); }

/* Typical price: the mean of high, low and close, and the price itself where they are one. */
FUNCTION R typical(const R *x) { return FMA((x[0] - x[2]) + (x[1] - x[2]), ALL(1.0 / 3), x[2]); }

/* ---- The kernel around a step ---------------------------------------------------------------------------------------------------- */

/* Lanes at the end of a row, of which `live` exist. */
FUNCTION R load_some(GLOBAL const real *from, const u32 live) {
  if (live == LANES) return LOAD(from, 0);
  real lanes[LANES];
  for (u32 lane = 0; lane < LANES; lane++) lanes[lane] = from[lane < live ? lane : 0];
  return LOAD(lanes, 0);
}
FUNCTION void store_some(GLOBAL real *to, const u32 live, R r) {
  if (live == LANES) {
    STORE(to, 0, r);
    return;
  }
  real lanes[LANES];
  STORE(lanes, 0, r);
  for (u32 lane = 0; lane < LANES; lane++) {
    if (lane < live) to[lane] = lanes[lane];
  }
}

FUNCTION memory memory_of(const indicator_params p, GLOBAL real *state, u64 item) {
  memory m;
  m.at = state + p.width + ITEM_SLOTS(item, p.slots);
  m.stride = p.width;
  return m;
}

/* A step waits for the one before it; lanes that go two by two fill that time. */
#if LANES > 1 && !defined(ASSAY_OPENCL)
#define TOGETHER 2
#else
#define TOGETHER 1
#endif

#define REGISTERS(name) (sizeof(name##_state) / sizeof(R))

/* For the first lanes, and for the second where they go together: written out, since arrays by a loop's index do not lie in registers. */
#define EACH(body)              \
  {                             \
    const u32 l = 0;            \
    body                        \
  }                             \
  if (count > 1) {              \
    const u32 l = TOGETHER - 1; \
    body                        \
  }

/* What an indicator carries, into registers and back. */
#define INDICATOR_REGISTERS_OF(name)                                                     \
  typedef int name##_has_room[REGISTERS(name) <= INDICATOR_REGISTERS ? 1 : -1];          \
  FUNCTION void name##_load(memory m, const u32 old, name##_state *s) {                  \
    union {                                                                              \
      name##_state named;                                                                \
      R all[REGISTERS(name)];                                                            \
    } stored;                                                                            \
    for (u32 j = 0; j < REGISTERS(name); j++) stored.all[j] = old ? peek(m, j) : ALL(0); \
    *s = stored.named;                                                                   \
  }                                                                                      \
  FUNCTION void name##_store(memory m, name##_state s) {                                 \
    union {                                                                              \
      name##_state named;                                                                \
      R all[REGISTERS(name)];                                                            \
    } stored;                                                                            \
    stored.named = s;                                                                    \
    for (u32 j = 0; j < REGISTERS(name); j++) poke(m, j, stored.all[j]);                 \
  }

#if defined(ONE_ITEM_A_THREAD)

/* A thread waits long for memory and has few others beside it: while it works on some rows, the values of as many more are on their way to
 * registers, and those of many more to the cache. */
#define AHEAD 4
#define FAR 48

FUNCTION void fetch_rows(const indicator_params p, GLOBAL const real *from, const u32 inputs, R *x) {
  UNROLL
  for (u32 a = 0; a < AHEAD; a++) {
    UNROLL
    for (u32 j = 0; j < inputs; j++) x[a * inputs + j] = from[(i64)(a * p.in_row) + p.input[j]];
  }
}

FUNCTION void prefetch_rows(const indicator_params p, GLOBAL const real *from, const u32 inputs) {
  UNROLL
  for (u32 a = 0; a < AHEAD; a++) {
    UNROLL
    for (u32 j = 0; j < inputs; j++) PREFETCH(from + ((i64)((FAR + a) * p.in_row) + p.input[j]));
  }
}

/* Rows from `row` to `stop`: AHEAD at a time, then one by one; EACH(x) does one with its values. */
#define WALK(name, inputs, stop, EACH)                                     \
  if (row + AHEAD <= (stop)) {                                             \
    R x[AHEAD * (inputs)], next[AHEAD * (inputs)];                         \
    fetch_rows(p, from, inputs, x);                                        \
    for (; row + AHEAD <= (stop); row += AHEAD) {                          \
      if (row + FAR + AHEAD <= end) prefetch_rows(p, from, inputs);        \
      from += AHEAD * p.in_row;                                            \
      if (row + 2 * AHEAD <= (stop)) fetch_rows(p, from, inputs, next);    \
      UNROLL                                                               \
      for (u32 a = 0; a < AHEAD; a++) EACH(name, inputs, &x[a * (inputs)]) \
      UNROLL                                                               \
      for (u32 k = 0; k < AHEAD * (inputs); k++) x[k] = next[k];           \
    }                                                                      \
  }                                                                        \
  for (; row < (stop); row++, from += p.in_row) {                          \
    R x[inputs];                                                           \
    for (u32 j = 0; j < (inputs); j++) x[j] = from[p.input[j]];            \
    EACH(name, inputs, x)                                                  \
  }

/* A row, and with its results. Where the number of a row is a constant, what depends on it is decided outside of the loop. */
#define SETTLED 0xFFFFFFFFu
#define LEAD_ROW(name, inputs, x)                                    \
  {                                                                  \
    name##_step(p, now, &s, behind(m, INDICATOR_REGISTERS), (x), y); \
    now = moment_next(p, now);                                       \
  }
#define SETTLED_LEAD_ROW(name, inputs, x) \
  {                                       \
    now.t = SETTLED;                      \
    LEAD_ROW(name, inputs, x)             \
  }
#define MAIN_ROW(name, inputs, x)                                                   \
  {                                                                                 \
    UNROLL                                                                          \
    for (u32 j = 0; j < (inputs); j++) gap = FMA((x)[j] * GAP_SCALE, RC(0.0), gap); \
    name##_step(p, now, &s, behind(m, INDICATOR_REGISTERS), (x), y);                \
    name##_put(p, now.t, to, y);                                                    \
    to += p.out_row;                                                                \
    now = moment_next(p, now);                                                      \
  }
#define SETTLED_MAIN_ROW(name, inputs, x) \
  {                                       \
    now.t = SETTLED;                      \
    MAIN_ROW(name, inputs, x)             \
  }
/* The same, for the few rows until everything has begun. */
#define CRAWL(name, inputs, stop, EACH)                         \
  for (; row < (stop); row++, from += p.in_row) {               \
    R x[inputs];                                                \
    for (u32 j = 0; j < (inputs); j++) x[j] = from[p.input[j]]; \
    EACH(name, inputs, x)                                       \
  }

#define INDICATOR(kernel, name, inputs, outputs)                                                                                         \
  INDICATOR_REGISTERS_OF(name)                                                                                                           \
  FUNCTION void name##_store_all(GLOBAL real *to, u64 stride, name##_state s) {                                                          \
    union {                                                                                                                              \
      name##_state named;                                                                                                                \
      R all[REGISTERS(name)];                                                                                                            \
    } stored;                                                                                                                            \
    stored.named = s;                                                                                                                    \
    UNROLL                                                                                                                               \
    for (u32 j = 0; j < INDICATOR_REGISTERS; j++)                                                                                        \
      to[j * stride] = j < REGISTERS(name) ? stored.all[j < REGISTERS(name) ? j : 0] : RC(0.0);                                          \
  }                                                                                                                                      \
  FUNCTION void name##_put(const indicator_params p, const row_number t, GLOBAL real *to, const R *y) {                                  \
    UNROLL                                                                                                                               \
    for (u32 j = 0; j < outputs; j++) {                                                                                                  \
      if (p.wanted >> j & 1) to[p.output[j]] = t < p.warm[j] ? NOT_A_NUMBER : y[j];                                                      \
    }                                                                                                                                    \
  }                                                                                                                                      \
  FUNCTION void name##_part(const indicator_params p, GLOBAL const real *in, GLOBAL real *out, GLOBAL real *state, u32 part, u32 item) { \
    u64 begin = part * p.part_rows, end = p.part_groups > 0 && begin + p.part_rows < p.rows ? begin + p.part_rows : p.rows;              \
    u64 row = begin > p.lead + p.still ? begin - p.lead : 0, each = (u64)p.width * (1 + p.slots);                                        \
    GLOBAL real *began = state + (p.part_groups > 0 ? (p.rows + p.part_rows - 1) / p.part_rows * each : 0);                              \
    GLOBAL const real *from = in + (row * p.in_row + item);                                                                              \
    GLOBAL real *to = out + (begin * p.out_row + item);                                                                                  \
    state += part * each;                                                                                                                \
    memory m = memory_of(p, state, item);                                                                                                \
    name##_state s;                                                                                                                      \
    name##_load(m, p.begin > 0, &s);                                                                                                     \
    R gap = p.begin > 0 ? state[item] : RC(0.0), y[outputs];                                                                             \
    moment now = moment_at(p, p.begin + row);                                                                                            \
    u64 begun = p.still < end ? p.still : end, lead_begun = begun < begin ? begun : begin;                                               \
    CRAWL(name, inputs, lead_begun, LEAD_ROW)                                                                                            \
    WALK(name, inputs, begin, SETTLED_LEAD_ROW)                                                                                          \
    if (part > 0) name##_store_all(began + (u64)part * INDICATOR_REGISTERS * p.width + item, p.width, s);                                \
    if (p.part_groups > 0) {                                                                                                             \
      CRAWL(name, inputs, begun, MAIN_ROW)                                                                                               \
      WALK(name, inputs, end, SETTLED_MAIN_ROW)                                                                                          \
    } else {                                                                                                                             \
      WALK(name, inputs, end, MAIN_ROW)                                                                                                  \
    }                                                                                                                                    \
    if (p.part_groups > 0) {                                                                                                             \
      name##_store_all(m.at, p.width, s);                                                                                                \
    } else {                                                                                                                             \
      name##_store(m, s);                                                                                                                \
    }                                                                                                                                    \
    state[item] = gap;                                                                                                                   \
  }                                                                                                                                      \
  KERNEL3(kernel, indicator_params, GLOBAL const real *, in, GLOBAL real *, out, GLOBAL real *, state) {                                 \
    u32 part = p.part_groups > 0 ? (u32)GROUP / p.part_groups : 0, each = p.group_series > 0 ? p.group_series : GROUP_SIZE;              \
    ITEMS(i) {                                                                                                                           \
      u32 item = ((u32)GROUP - part * p.part_groups) * each + i;                                                                         \
      if (i < each && item < p.series) name##_part(p, in, out, state, part, item);                                                       \
    }                                                                                                                                    \
  }                                                                                                                                      \
  typedef int name##_is_done

#else

/* name_rows does all rows of the lanes from `item` on, `count` (a constant) times LANES of them; at the end of a row only `live` exist. */
#define INDICATOR(kernel, name, inputs, outputs)                                                                             \
  INDICATOR_REGISTERS_OF(name)                                                                                               \
  FUNCTION void name##_rows(const indicator_params p, GLOBAL const real *in, GLOBAL real *out, GLOBAL real *state, u64 item, \
                            const u32 count, const u32 live) {                                                               \
    name##_state s[TOGETHER];                                                                                                \
    memory m[TOGETHER];                                                                                                      \
    R gap[TOGETHER];                                                                                                         \
    EACH({                                                                                                                   \
      m[l] = memory_of(p, state, item + l * LANES);                                                                          \
      name##_load(m[l], p.begin > 0, &s[l]);                                                                                 \
      gap[l] = p.begin > 0 ? LOAD(state, item + l * LANES) : ALL(0);                                                         \
    })                                                                                                                       \
    moment now = moment_at(p, p.begin);                                                                                      \
    for (u64 row = 0; row < p.rows; row++) {                                                                                 \
      R y[TOGETHER][outputs];                                                                                                \
      GLOBAL const real *from = in + (i64)(row * p.in_row + item);                                                           \
      GLOBAL real *to = out + (i64)(row * p.out_row + item);                                                                 \
      EACH({                                                                                                                 \
        R x[inputs];                                                                                                         \
        for (u32 j = 0; j < inputs; j++) {                                                                                   \
          x[j] = load_some(from + (p.input[j] + (i64)(l * LANES)), live);                                                    \
          gap[l] = FMA(x[j] * GAP_SCALE, ALL(0), gap[l]);                                                                    \
        }                                                                                                                    \
        name##_step(p, now, &s[l], behind(m[l], INDICATOR_REGISTERS), x, y[l]);                                              \
      })                                                                                                                     \
      for (u32 j = 0; j < outputs; j++) {                                                                                    \
        if ((p.wanted >> j & 1) == 0) continue;                                                                              \
        EACH(store_some(to + (p.output[j] + (i64)(l * LANES)), live, now.t < p.warm[j] ? NOT_A_NUMBER : y[l][j]);)           \
      }                                                                                                                      \
      now = moment_next(p, now);                                                                                             \
    }                                                                                                                        \
    EACH({                                                                                                                   \
      name##_store(m[l], s[l]);                                                                                              \
      STORE(state, item + l * LANES, gap[l]);                                                                                \
    })                                                                                                                       \
  }                                                                                                                          \
  KERNEL3(kernel, indicator_params, GLOBAL const real *, in, GLOBAL real *, out, GLOBAL real *, state) {                     \
    ITEMS(i) {                                                                                                               \
      u64 item = (u64)GROUP * GROUP_SIZE + i;                                                                                \
      if (item >= p.series) break;                                                                                           \
      if (TOGETHER > 1 && item + TOGETHER * LANES <= p.series) {                                                             \
        name##_rows(p, in, out, state, item, TOGETHER, LANES);                                                               \
        i += (TOGETHER - 1) * LANES;                                                                                         \
      } else if (item + LANES <= p.series) {                                                                                 \
        name##_rows(p, in, out, state, item, 1, LANES);                                                                      \
      } else {                                                                                                               \
        name##_rows(p, in, out, state, item, 1, (u32)(p.series - item));                                                     \
      }                                                                                                                      \
    }                                                                                                                        \
  }                                                                                                                          \
  typedef int name##_is_done

#endif

#endif
