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
#define GAP_SCALE 1e23f /* overflows from about 3e15 on */
#define TINY 1e-35f
#else
#define NOT_A_NUMBER REAL_OF(ALL_U(0x7ff8000000000000u))
#define GAP_SCALE 1e208 /* overflows from about 2e100 on */
#define TINY 1e-300
#endif

/* Where the dialect has nothing better. SQRT_WIDE(a): as SQRT, from 0 to 2^900. KERNEL3_AT_ONCE leaves registers for so many groups. */
#if !defined(SQRT_WIDE)
#define SQRT_WIDE(a) SQRT(a)
#define NO_UNROLL
#define KERNEL3_AT_ONCE(groups, name, P, T0, b0, T1, b1, T2, b2) KERNEL3(name, P, T0, b0, T1, b1, T2, b2)
#endif
#if !defined(ABSOLUTE)
#if REAL_BITS == 32
#define ABSOLUTE(r) REAL_OF(BITS(r) & ALL_U(0x7fffffffu))
#else
#define ABSOLUTE(r) REAL_OF(BITS(r) & ALL_U(0x7fffffffffffffffu))
#endif
#endif

/*
 * Square roots from 0 to 2^700. Where FMAs make them sooner than the divider does (slow_roots), rows take turns between the two, so that
 * both work at once: a moment knows whose turn it is. (Quotients gained nothing by it: there is one a row at most, beside which all else
 * has time.)
 */
#if defined(SQRT_BY_FMA)
FUNCTION R root_by_fma(R a) { return ANY_LESS(a, 0x1p-500) ? SQRT(a) : SQRT_BY_FMA(a); }
#define ROOT(now, a) ((now).turn ? root_by_fma(a) : SQRT(a))
#define TAKES_TURN(now, r) (now).turn = (r)
#else
#define ROOT(now, a) SQRT_WIDE(a)
#define TAKES_TURN(now, r) (void)(r)
#endif

/* On GPUs an item is a thread. */
#if defined(__CUDACC__) || (defined(ASSAY_OPENCL) && !defined(ASSAY_OPENCL_LANES))
#define ONE_ITEM_A_THREAD 1

/* Something that is not less where a number is further from 0, and what it is at least where that is a gap. */
#if REAL_BITS == 32
#define SIZE_OF(r) (BITS(r) & 0x7fffffffu)
#define GAP_SIZE 0x59416d1bu
#else
#define SIZE_OF(r) ((u32)(BITS(r) >> 32) & 0x7fffffffu)
#define GAP_SIZE 0x54c0701au
#endif
FUNCTION u32 larger_size(u32 a, u32 b) { return a > b ? a : b; }
FUNCTION u32 smaller_size(u32 a, u32 b) { return a < b ? a : b; }
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

/* A row after everything has begun: where a step's t is this constant, what depends on it is decided outside of the loop over rows. */
#define SETTLED 0xFFFFFFFFu
#if defined(ONE_ITEM_A_THREAD) || (LANES > 1 && !defined(ASSAY_OPENCL))
#define REACHED(t, row) ((t) == SETTLED || (t) >= (row))
#else
#define REACHED(t, row) ((t) >= (row))
#endif

typedef struct moment {
  row_number t; /* rows before this one */
  u32 k[4];     /* t modulo n[...] */
#if defined(SQRT_BY_FMA)
  u32 turn;
#endif
} moment;

FUNCTION moment moment_at(const indicator_params p, u64 t) {
  moment now;
  now.t = (row_number)t;
  TAKES_TURN(now, 0);
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
  if (REACHED(t, first + n)) {
    s->y = FMA(a, x - s->y, s->y);
    s->from = ALL(0); /* nobody reads it any more, but parts are compared */
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

/* A step in two parts: what depends on the rows before, name_carry, and what follows from name_carried numbers alone, name_give. */
#define STEP_BY_PARTS(name, carried)                                                                             \
  enum { name##_carried = (carried) };                                                                           \
  FUNCTION void name##_step(const indicator_params p, moment now, name##_state *s, memory m, const R *x, R *y) { \
    R c[carried];                                                                                                \
    name##_carry(p, now, s, m, x, c);                                                                            \
    name##_give(p, now, c, y);                                                                                   \
  }                                                                                                              \
  typedef int name##_has_parts

/* ---- The kernel around a step ---------------------------------------------------------------------------------------------------- */

FUNCTION memory memory_of(const indicator_params p, GLOBAL real *state, u64 item) {
  memory m;
  m.at = state + p.width + ITEM_SLOTS(item, p.slots);
  m.stride = p.width;
  return m;
}

#define REGISTERS(name) (sizeof(name##_state) / sizeof(R))

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

/*
 * A thread waits long for memory and has few others beside it. So rows come in batches, and while it works on one the next are on their
 * way: with CUDA INDICATOR_FEED less one of them, through the group's own memory, of which each thread reads only what it copied itself;
 * elsewhere one, through registers. Behind the last whole batch nothing new is asked for.
 */
typedef struct feed {
  GLOBAL const real *from; /* the next batch to ask for */
  u64 step;                /* from one batch to the next */
  u32 left;                /* batches behind it */
#if defined(__CUDACC__)
  local_place first, put, take; /* of the ring, of the batch to ask for, of the one to work on */
#endif
} feed;

#if defined(__CUDACC__)
#define FEED_ROOM(rows, inputs) real ahead[1]
/* Of input j of row a of a batch. */
#define RING_PLACE(a, j, inputs, windowed) (((a) * (inputs) + (j)) * INDICATOR_WIDTH(inputs, windowed) * (u32)sizeof(real))
#define FEEDS(p, inputs, windows)                                                  \
  ((p).group_series > 0 && (p).group_series <= INDICATOR_WIDTH(inputs, windows) && \
   (INDICATOR_RING(inputs, windows) + (p).group_series * (p).local_slots) * sizeof(real) <= INDICATOR_LOCAL)
#define WINDOWS_ARE_QUICK(p) ((p).local_slots > 0 || (p).slots == INDICATOR_REGISTERS)
FUNCTION void feed_ask(const indicator_params p, feed *f, const u32 inputs, const u32 windowed) {
  UNROLL
  for (u32 a = 0; a < INDICATOR_BATCH(inputs, windowed); a++) {
    UNROLL
    for (u32 j = 0; j < inputs; j++)
      COPY_TO_LOCAL(f->put + RING_PLACE(a, j, inputs, windowed), f->from + ((i64)(a * p.in_row) + p.input[j]));
  }
  COPIES_ENDED;
  f->from += f->left > 0 ? f->step : 0;
  f->left -= f->left > 0 ? 1 : 0;
}
FUNCTION local_place feed_after(const feed *f, local_place place, const u32 inputs, const u32 windowed) {
  const u32 batch = RING_PLACE(INDICATOR_BATCH(inputs, windowed), 0, inputs, windowed);
  return place + batch == f->first + INDICATOR_FEED(inputs, windowed) * batch ? f->first : place + batch;
}
FUNCTION void feed_begin(const indicator_params p, feed *f, real *ahead, const u32 inputs, const u32 windowed) {
  (void)ahead;
  NO_UNROLL
  for (u32 batch = 0; batch + 1 < INDICATOR_FEED(inputs, windowed); batch++) {
    feed_ask(p, f, inputs, windowed);
    f->put = feed_after(f, f->put, inputs, windowed);
  }
}
/* Asks into the place of the batch before, which is done, and gives x the next. */
FUNCTION void feed_next(const indicator_params p, feed *f, real *ahead, const u32 inputs, const u32 windowed, R *x) {
  (void)ahead;
  feed_ask(p, f, inputs, windowed);
  if (INDICATOR_FEED(inputs, windowed) == 8)
    COPIES_WAIT(7);
  else if (INDICATOR_FEED(inputs, windowed) == 6)
    COPIES_WAIT(5);
  else if (INDICATOR_FEED(inputs, windowed) == 4)
    COPIES_WAIT(3);
  else
    COPIES_WAIT(1);
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(inputs, windowed) * inputs; k++) x[k] = LOCAL_AT(f->take, RING_PLACE(0, k, inputs, windowed));
  f->put = f->take;
  f->take = feed_after(f, f->take, inputs, windowed);
}
#else
#define FEED_ROOM(rows, inputs) real ahead[(rows) * (inputs)]
#define FEEDS(p, inputs, windows) 1
#define WINDOWS_ARE_QUICK(p) 1
FUNCTION void feed_begin(const indicator_params p, feed *f, real *ahead, const u32 inputs, const u32 windowed) {
  UNROLL
  for (u32 a = 0; a < INDICATOR_BATCH(inputs, windowed); a++) {
    UNROLL
    for (u32 j = 0; j < inputs; j++) ahead[a * inputs + j] = f->from[(i64)(a * p.in_row) + p.input[j]];
  }
  f->from += f->left > 0 ? f->step : 0;
  f->left -= f->left > 0 ? 1 : 0;
}
FUNCTION void feed_next(const indicator_params p, feed *f, real *ahead, const u32 inputs, const u32 windowed, R *x) {
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(inputs, windowed) * inputs; k++) x[k] = ahead[k];
  feed_begin(p, f, ahead, inputs, windowed);
}
#endif

/* So many whole batches lie between two rows. */
FUNCTION u32 batches_between(u64 from, u64 to, const u32 rows) { return from < to ? (u32)((to - from) / rows) : 0; }

/* A batch before the rows that are written: at first, and after everything has begun. Then those that are written. */
#define BEGIN_ROWS(name, inputs, rows)                     \
  UNROLL                                                   \
  for (u32 a = 0; a < (rows); a++) {                       \
    name##_step(q, now, &s, windows, &x[a * (inputs)], y); \
    now = moment_next(p, now);                             \
  }
#define LEAD_ROWS(name, inputs, rows)                    \
  UNROLL                                                 \
  for (u32 a = 0; a < (rows); a++) {                     \
    now.t = SETTLED;                                     \
    name##_step(q, now, &s, quick, &x[a * (inputs)], y); \
    now = moment_next(p, now);                           \
  }
#define LOOK_FOR_GAPS(inputs, rows) \
  UNROLL                            \
  for (u32 k = 0; k < (rows) * (inputs); k++) most = larger_size(most, SIZE_OF(x[k]));
#define MAIN_ROWS(name, inputs, outputs, rows)           \
  LOOK_FOR_GAPS(inputs, rows)                            \
  UNROLL                                                 \
  for (u32 a = 0; a < (rows); a++) {                     \
    now.t = SETTLED;                                     \
    name##_step(q, now, &s, quick, &x[a * (inputs)], y); \
    name##_put(q, now.t, to, y);                         \
    to += p.out_row;                                     \
    now = moment_next(p, now);                           \
  }
/* The same by name_batch, which does all of them at once. */
#define MAIN_BATCH(name, inputs, outputs, rows)    \
  LOOK_FOR_GAPS(inputs, rows)                      \
  R all[(rows) * (outputs)];                       \
  now.t = SETTLED;                                 \
  name##_batch(q, now, &s, quick, x, all);         \
  UNROLL                                           \
  for (u32 a = 0; a < (rows); a++) {               \
    name##_put(q, now.t, to, &all[a * (outputs)]); \
    to += p.out_row;                               \
  }

#if defined(__CUDACC__)
#define LOCAL_OF_GROUP LOCAL_ARRAY(real, own, INDICATOR_LOCAL / sizeof(real))
#define FEED_FROM(from, step, left) \
  { from, step, left, LOCAL_PLACE_OF(own), LOCAL_PLACE_OF(own), LOCAL_PLACE_OF(own) }
/* The windows' place is said once more where it is quick, so that the compiler sees which memory it is. */
#define WINDOWS(p, m, inputs, windowed)                                            \
  memory windows = behind(m, INDICATOR_REGISTERS);                                 \
  const memory quick = {own + INDICATOR_RING(inputs, windowed), (p).group_series}; \
  if (fed && (p).local_slots > 0) windows = quick;                                 \
  if (fed)                                                                         \
    for (u32 slot = 0; slot < (p).local_slots; slot++) poke(quick, slot, RC(0.0))
/* Row by row: the batch in the ring, if it is whole. */
#define ROW_BY_ROW_FROM const local_place batch = f.take
#define ROW_BY_ROW(a, j, inputs, windowed) \
  (whole ? LOCAL_AT(batch, RING_PLACE(a, j, inputs, windowed)) : in[(i64)(row * p.in_row) + p.input[j]])
#else
#define LOCAL_OF_GROUP real *own = 0 /* not used */
#define FEED_FROM(from, step, left) \
  { from, step, left }
#define WINDOWS(p, m, inputs, windowed)            \
  memory windows = behind(m, INDICATOR_REGISTERS); \
  const memory quick = windows
#define ROW_BY_ROW_FROM (void)whole
#define ROW_BY_ROW(a, j, inputs, windowed) in[(i64)(row * p.in_row) + p.input[j]]
#endif

/*
 * What a thread does. After the rows until everything has begun, whole batches go quickly; those that hold the first row to write or the
 * end go row by row. `own` is this thread's first place in the group's own memory.
 */
#define INDICATOR_BY(kernel, name, inputs, outputs, usual, windowed, MAIN)                                                              \
  INDICATOR_REGISTERS_OF(name)                                                                                                          \
  FUNCTION void name##_store_all(GLOBAL real *to, u64 stride, name##_state s) {                                                         \
    union {                                                                                                                             \
      name##_state named;                                                                                                               \
      R all[REGISTERS(name)];                                                                                                           \
    } stored;                                                                                                                           \
    stored.named = s;                                                                                                                   \
    UNROLL                                                                                                                              \
    for (u32 j = 0; j < INDICATOR_REGISTERS; j++)                                                                                       \
      to[j * stride] = j < REGISTERS(name) ? stored.all[j < REGISTERS(name) ? j : 0] : RC(0.0);                                         \
  }                                                                                                                                     \
  FUNCTION void name##_put(const indicator_params p, const row_number t, GLOBAL real *to, const R *y) {                                 \
    UNROLL                                                                                                                              \
    for (u32 j = 0; j < outputs; j++) {                                                                                                 \
      if (p.wanted >> j & 1) to[p.output[j]] = t < p.warm[j] ? NOT_A_NUMBER : y[j];                                                     \
    }                                                                                                                                   \
  }                                                                                                                                     \
  FUNCTION void name##_part(const indicator_params p, GLOBAL const real *in, GLOBAL real *out, GLOBAL real *state, real *own, u32 part, \
                            u32 item) {                                                                                                 \
    enum { ROWS = INDICATOR_BATCH(inputs, windowed) };                                                                                  \
    u64 begin = part > 0 ? part * p.part_rows + p.head : 0, behind_part = (part + 1) * p.part_rows + p.head;                            \
    u64 end = p.part_groups > 0 && behind_part < p.rows ? behind_part : p.rows;                                                         \
    u64 row = begin > p.lead + p.still ? begin - p.lead : 0, each = (u64)p.width * (1 + p.slots);                                       \
    u64 since = p.fades ? row : 0, begun = p.part_groups > 0 ? since + p.still : p.rows, asked = batches_between(row, p.rows, ROWS);    \
    const u32 fed = asked > 0 && FEEDS(p, inputs, windowed),                                                                            \
              quickly = fed && WINDOWS_ARE_QUICK(p) && (p.wanted & ((1u << (outputs)) - 1)) == (usual);                                 \
    if (asked > batches_between(row, end + ROWS - 1, ROWS)) asked = batches_between(row, end + ROWS - 1, ROWS);                         \
    GLOBAL real *began = state + (p.part_groups > 0 ? (p.rows - p.head + p.part_rows - 1) / p.part_rows * each : 0);                    \
    GLOBAL real *to = out + (begin * p.out_row + item);                                                                                 \
    in += item;                                                                                                                         \
    began += (u64)part * INDICATOR_REGISTERS * p.width + item;                                                                          \
    state += part * each;                                                                                                               \
    memory m = memory_of(p, state, item);                                                                                               \
    name##_state s;                                                                                                                     \
    WINDOWS(p, m, inputs, windowed);                                                                                                    \
    name##_load(m, p.begin > 0, &s);                                                                                                    \
    R gap = p.begin > 0 ? state[item] : RC(0.0), y[outputs], x[ROWS * (inputs)];                                                        \
    u32 most = 0;                                                                                                                       \
    indicator_params q = p;                                                                                                             \
    q.wanted = (usual);                                                                                                                 \
    moment now = moment_at(p, p.begin + row);                                                                                           \
    FEED_ROOM(ROWS, inputs);                                                                                                            \
    feed f = FEED_FROM(in + row * p.in_row, ROWS * p.in_row, (u32)asked - 1);                                                           \
    if (fed) feed_begin(p, &f, ahead, inputs, windowed);                                                                                \
    while (row < end) {                                                                                                                 \
      u32 batches = quickly && p.fades && row < begun && begun + ROWS <= begin ? batches_between(row, begun + ROWS - 1, ROWS) : 0;      \
      now.t = (row_number)(p.begin + row - since);                                                                                      \
      row += (u64)batches * ROWS;                                                                                                       \
      NO_UNROLL                                                                                                                         \
      for (; batches > 0; batches--) {                                                                                                  \
        feed_next(p, &f, ahead, inputs, windowed, x);                                                                                   \
        BEGIN_ROWS(name, inputs, ROWS)                                                                                                  \
      }                                                                                                                                 \
      batches = quickly && row >= begun ? batches_between(row, begin, ROWS) : 0;                                                        \
      row += (u64)batches * ROWS;                                                                                                       \
      NO_UNROLL                                                                                                                         \
      for (; batches > 0; batches--) {                                                                                                  \
        feed_next(p, &f, ahead, inputs, windowed, x);                                                                                   \
        LEAD_ROWS(name, inputs, ROWS)                                                                                                   \
      }                                                                                                                                 \
      if (part > 0 && p.fades && row == begin) name##_store_all(began, p.width, s);                                                     \
      batches = quickly && row >= begun && row >= begin ? batches_between(row, end, ROWS) : 0;                                          \
      row += (u64)batches * ROWS;                                                                                                       \
      NO_UNROLL                                                                                                                         \
      for (; batches > 0; batches--) {                                                                                                  \
        feed_next(p, &f, ahead, inputs, windowed, x);                                                                                   \
        MAIN(name, inputs, outputs, ROWS)                                                                                               \
      }                                                                                                                                 \
      if (row >= end) break;                                                                                                            \
      const u32 rows = end - row < ROWS ? (u32)(end - row) : ROWS, whole = fed && row + ROWS <= p.rows;                                 \
      ROW_BY_ROW_FROM;                                                                                                                  \
      if (fed) feed_next(p, &f, ahead, inputs, windowed, x);                                                                            \
      NO_UNROLL                                                                                                                         \
      for (u32 a = 0; a < rows; a++, row++) {                                                                                           \
        if (a > 0 && part > 0 && p.fades && row == begin) name##_store_all(began, p.width, s);                                          \
        UNROLL                                                                                                                          \
        for (u32 j = 0; j < (inputs); j++) x[j] = ROW_BY_ROW(a, j, inputs, windowed);                                                   \
        now.t = (row_number)(p.begin + row - since);                                                                                    \
        name##_step(p, now, &s, windows, x, y);                                                                                         \
        if (row >= begin) {                                                                                                             \
          UNROLL                                                                                                                        \
          for (u32 j = 0; j < (inputs); j++) most = larger_size(most, SIZE_OF(x[j]));                                                   \
          name##_put(p, (row_number)(p.begin + row), to, y);                                                                            \
          to += p.out_row;                                                                                                              \
        }                                                                                                                               \
        now = moment_next(p, now);                                                                                                      \
      }                                                                                                                                 \
    }                                                                                                                                   \
    if (p.part_groups > 0 && p.fades) name##_store_all(m.at, p.width, s);                                                               \
    if (p.part_groups == 0) name##_store(m, s);                                                                                         \
    state[item] = most >= GAP_SIZE ? NOT_A_NUMBER : gap;                                                                                \
  }                                                                                                                                     \
  KERNEL3_AT_ONCE(INDICATOR_AT_ONCE(windowed), kernel, indicator_params, GLOBAL const real *, in, GLOBAL real *, out, GLOBAL real *,    \
                  state) {                                                                                                              \
    MAY_FOLLOW;                                                                                                                         \
    LOCAL_OF_GROUP;                                                                                                                     \
    u32 part = p.part_groups > 0 ? (u32)GROUP / p.part_groups : 0, each = p.group_series > 0 ? p.group_series : GROUP_SIZE;             \
    ITEMS(i) {                                                                                                                          \
      u32 item = ((u32)GROUP - part * p.part_groups) * each + i;                                                                        \
      if (i < each && item < p.series) name##_part(p, in, out, state, own + i, part, item);                                             \
    }                                                                                                                                   \
  }                                                                                                                                     \
  typedef int name##_is_done

#define INDICATOR(kernel, name, inputs, outputs) INDICATOR_BY(kernel, name, inputs, outputs, (1u << (outputs)) - 1, 1, MAIN_ROWS)
#define INDICATOR_OF_REGISTERS(kernel, name, inputs, outputs) \
  INDICATOR_BY(kernel, name, inputs, outputs, (1u << (outputs)) - 1, 0, MAIN_ROWS)
#define INDICATOR_IN_BATCHES(kernel, name, inputs, outputs, usual) INDICATOR_BY(kernel, name, inputs, outputs, usual, 0, MAIN_BATCH)
#define INDICATOR_CARRIED(kernel, name, outputs) INDICATOR(kernel, name, 1, outputs)
#define INDICATOR_CARRIED_OF_REGISTERS(kernel, name, outputs) INDICATOR_OF_REGISTERS(kernel, name, 1, outputs)

#else

#define INDICATOR(kernel, name, inputs, outputs) INDICATOR_IN_LANES(kernel, name, inputs, outputs, (1u << (outputs)) - 1, 0, NO_SQUARES)
#define INDICATOR_OF_REGISTERS(kernel, name, inputs, outputs) \
  INDICATOR_IN_LANES(kernel, name, inputs, outputs, (1u << (outputs)) - 1, 1, NO_SQUARES)
#define INDICATOR_CARRIED(kernel, name, outputs) INDICATOR_IN_LANES(kernel, name, 1, outputs, (1u << (outputs)) - 1, 0, SQUARES)
#define INDICATOR_CARRIED_OF_REGISTERS(kernel, name, outputs) \
  INDICATOR_IN_LANES(kernel, name, 1, outputs, (1u << (outputs)) - 1, 1, SQUARES)
#define INDICATOR_IN_BATCHES(kernel, name, inputs, outputs, usual) INDICATOR_IN_LANES(kernel, name, inputs, outputs, usual, 1, SQUARES)

/* Lanes `step` apart, of which `live` exist. */
FUNCTION R load_some(GLOBAL const real *from, u64 step, const u32 live) {
  if (LANES == 1 || (step == 1 && live == LANES)) return LOAD(from, 0);
  real lanes[LANES];
  for (u32 lane = 0; lane < LANES; lane++) lanes[lane] = from[(lane < live ? lane : 0) * step];
  return LOAD(lanes, 0);
}
FUNCTION void store_some(GLOBAL real *to, u64 step, const u32 live, R r) {
  if (LANES == 1 || (step == 1 && live == LANES)) {
    STORE(to, 0, r);
    return;
  }
  real lanes[LANES];
  STORE(lanes, 0, r);
  for (u32 lane = 0; lane < LANES; lane++) {
    if (lane < live) to[lane * step] = lanes[lane];
  }
}

/* Native lanes go in blocks where there are whole ones, and take series that lie in one piece each. */
#if LANES > 1 && !defined(ASSAY_OPENCL)
#include "kernels/indicators/lanes.h"
#else
#define IS_TURNED(p) 0
#define ROWS_FUNCTION FUNCTION
#define NO_SQUARES(name, outputs, stored, windows)
#define SQUARES(name, outputs, stored, windows)
#define INDICATOR_BLOCKS(name, inputs, outputs, usual, asks)
#define DO_BLOCKS(name)
#endif

/* name_rows does rows from `row` on of the lanes from `item` on, of which `live` exist; `in` and `out` are the places of the first, in_lane
 * and out_lane the numbers to the next. */
#define INDICATOR_IN_LANES(kernel, name, inputs, outputs, usual, asks, squares)                                                \
  INDICATOR_REGISTERS_OF(name)                                                                                                 \
  ROWS_FUNCTION void name##_rows(const indicator_params p, GLOBAL const real *in, u64 in_lane, GLOBAL real *out, u64 out_lane, \
                                 GLOBAL real *state, u64 item, const u32 live, moment now, u64 row) {                          \
    name##_state s;                                                                                                            \
    memory m = memory_of(p, state, item);                                                                                      \
    const u32 old = p.begin + row > 0;                                                                                         \
    R gap = old ? LOAD(state, item) : ALL(0);                                                                                  \
    name##_load(m, old, &s);                                                                                                   \
    for (; row < p.rows; row++) {                                                                                              \
      R x[inputs], y[outputs];                                                                                                 \
      for (u32 j = 0; j < inputs; j++) {                                                                                       \
        x[j] = load_some(in + (p.input[j] + (i64)(row * p.in_row)), in_lane, live);                                            \
        gap = FMA(x[j] * GAP_SCALE, ALL(0), gap);                                                                              \
      }                                                                                                                        \
      name##_step(p, now, &s, behind(m, INDICATOR_REGISTERS), x, y);                                                           \
      for (u32 j = 0; j < outputs; j++) {                                                                                      \
        if ((p.wanted >> j & 1) == 0) continue;                                                                                \
        store_some(out + (p.output[j] + (i64)(row * p.out_row)), out_lane, live, now.t < p.warm[j] ? NOT_A_NUMBER : y[j]);     \
      }                                                                                                                        \
      now = moment_next(p, now);                                                                                               \
    }                                                                                                                          \
    name##_store(m, s);                                                                                                        \
    STORE(state, item, gap);                                                                                                   \
  }                                                                                                                            \
  squares(name, outputs, usual, !(asks)) INDICATOR_BLOCKS(name, inputs, outputs, usual, asks)                                  \
      KERNEL3(kernel, indicator_params, GLOBAL const real *, in, GLOBAL real *, out, GLOBAL real *, state) {                   \
    const u64 in_lane = IS_TURNED(p) ? p.in_row : 1, out_lane = IS_TURNED(p) ? p.out_row : 1;                                  \
    const moment first = moment_at(p, p.begin);                                                                                \
    indicator_params q = p;                                                                                                    \
    if (IS_TURNED(p)) q.in_row = q.out_row = 1;                                                                                \
    ITEMS(i) {                                                                                                                 \
      const u64 item = (u64)GROUP * GROUP_SIZE + i;                                                                            \
      if (item >= p.series) break;                                                                                             \
      GLOBAL const real *in_at = in + item * in_lane;                                                                          \
      GLOBAL real *out_at = out + item * out_lane;                                                                             \
      DO_BLOCKS(name)                                                                                                          \
      if (LANES == 1 || item + LANES <= p.series) {                                                                            \
        name##_rows(q, in_at, in_lane, out_at, out_lane, state, item, LANES, first, 0);                                        \
      } else {                                                                                                                 \
        name##_rows(q, in_at, in_lane, out_at, out_lane, state, item, (u32)(p.series - item), first, 0);                       \
      }                                                                                                                        \
    }                                                                                                                          \
  }                                                                                                                            \
  typedef int name##_is_done

#endif

#endif
