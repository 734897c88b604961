/* SPDX-License-Identifier: MIT */
/* What swings between two bounds or around zero. */
#include "kernels/indicators/common.h"

/* Smoothed changes with their sign, and without; Wilder's averages of gains and losses are their half sum and half difference. */
typedef struct strength {
  R before, net, path;
} strength;
FUNCTION void strength_move(strength *s, u64 t, u32 n, R a, R x) {
  R change = t == 0 ? ALL(0) : x - s->before, size = ABSOLUTE(change);
  s->before = x;
  if (REACHED(t, (u64)n + 1)) {
    s->net = FMA(a, change - s->net, s->net);
    s->path = FMA(a, size - s->path, s->path);
  } else {
    s->net = s->net + change;
    s->path = s->path + size;
    if (t == n) {
      s->net = s->net * a;
      s->path = s->path * a;
    }
  }
}
/* 0 to 100; 50 where nothing ever moved. Meaningful from row n on. */
FUNCTION R strength_step(strength *s, u64 t, u32 n, R a, R x) {
  strength_move(s, t, n, a, x);
  return percent(s->net / MAX(s->path, ALL(TINY)));
}

/* n: period; x: 1/period, overbought, oversold */
typedef struct rsi_state {
  strength changes;
  R before;
} rsi_state;
enum { rsi_carried = 1 };
FUNCTION void rsi_carry(const indicator_params p, moment now, rsi_state *s, memory m, const R *x, R *c) {
  (void)m;
  c[0] = strength_step(&s->changes, now.t, p.n[0], ALL(p.x[0]), x[0]);
}
FUNCTION void rsi_give(const indicator_params p, moment now, const R *c, R *y) {
  (void)p, (void)now;
  y[0] = c[0];
  y[1] = ALL(0);
}
FUNCTION void rsi_step(const indicator_params p, moment now, rsi_state *s, memory m, const R *x, R *y) {
  R rsi;
  rsi_carry(p, now, s, m, x, &rsi);
  rsi_give(p, now, &rsi, y);
  if ((p.wanted & 2) == 0) return;
  R high = ALL(p.x[1]), low = ALL(p.x[2]), before = REACHED(now.t, (u64)p.n[0] + 1) ? s->before : rsi;
  y[1] = SELECT((rsi > high) & (before <= high), ALL(1), SELECT((rsi < low) & (before >= low), ALL(-1), ALL(0)));
  s->before = rsi;
}
#if defined(ONE_ITEM_A_THREAD)
/* What a division takes apart from what it is for waits for nothing in the rows before. */
FUNCTION void rsi_batch(const indicator_params p, moment now, rsi_state *s, memory m, const R *x, R *y) {
  strength before = s->changes;
  R a = ALL(p.x[0]), net[INDICATOR_BATCH(1, 0)], path[INDICATOR_BATCH(1, 0)];
  u32 least = SIZE_OF(ALL(1)), most = 0;
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(1, 0); k++) {
    strength_move(&s->changes, SETTLED, p.n[0], a, x[k]);
    net[k] = s->changes.net;
    path[k] = s->changes.path;
    least = smaller_size(least, SIZE_OF(path[k]));
  }
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(1, 0); k++) net[k] = DIVIDE_NORMAL(net[k], path[k]);
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(1, 0); k++) {
    most = larger_size(most, SIZE_OF(net[k]));
    y[2 * k] = FMA(ALL(50), net[k], ALL(50));
  }
  if (least >= SIZE_OF(ALL(RC(0x1p-100))) && most < SIZE_OF(ALL(1))) return;
  s->changes = before;
  UNROLL
  for (u32 k = 0; k < INDICATOR_BATCH(1, 0); k++) rsi_step(p, now, s, m, &x[k], &y[2 * k]);
}
#endif
INDICATOR_IN_BATCHES(ind_rsi, rsi, 1, 2, 1);

/* n: of the RSI, of its range, of the average; x: 1/period of the RSI, of the average */
typedef struct stochrsi_state {
  strength changes;
  R high, low;
  window mean;
} stochrsi_state;
FUNCTION void stochrsi_step(const indicator_params p, moment now, stochrsi_state *s, memory m, const R *x, R *y) {
  R rsi = strength_step(&s->changes, now.t, p.n[0], ALL(p.x[0]), x[0]);
  R high = highest_step(&s->high, m, now.k[1], p.n[1], rsi);
  R low = -highest_step(&s->low, behind(m, p.n[1]), now.k[1], p.n[1], -rsi);
  y[0] = percent(place_between(rsi, low, high));
  y[1] = mean_step(&s->mean, behind(m, 2 * p.n[1]), now.k[2], p.n[2], ALL(p.x[1]), y[0]);
}
INDICATOR(ind_stochrsi, stochrsi, 1, 2);

/* Place of the close between the extremes of n rows; memory of 2n. Inputs: high, low, close. */
typedef struct extremes {
  R high, low;
} extremes;
FUNCTION R place_step(extremes *s, memory m, u32 k, u32 n, const R *x) {
  R high = highest_step(&s->high, m, k, n, x[0]), low = -highest_step(&s->low, behind(m, n), k, n, -x[1]);
  return place_between(x[2], low, high);
}

/* n: period, average; x: 1/period of the average */
typedef struct stochf_state {
  extremes range;
  window mean;
} stochf_state;
FUNCTION void stochf_step(const indicator_params p, moment now, stochf_state *s, memory m, const R *x, R *y) {
  y[0] = percent(place_step(&s->range, m, now.k[0], p.n[0], x));
  y[1] = mean_step(&s->mean, behind(m, 2 * p.n[0]), now.k[1], p.n[1], ALL(p.x[0]), y[0]);
}
INDICATOR(ind_stochf, stochf, 3, 2);

/* n: period, slowing, average; x: 1/period of the slowing, of the average */
typedef struct stoch_state {
  extremes range;
  window slow, mean;
} stoch_state;
FUNCTION void stoch_step(const indicator_params p, moment now, stoch_state *s, memory m, const R *x, R *y) {
  R fast = percent(place_step(&s->range, m, now.k[0], p.n[0], x));
  memory behind_range = behind(m, 2 * p.n[0]);
  y[0] = mean_step(&s->slow, behind_range, now.k[1], p.n[1], ALL(p.x[0]), fast);
  y[1] = mean_step(&s->mean, behind(behind_range, p.n[1]), now.k[2], p.n[2], ALL(p.x[1]), y[0]);
}
INDICATOR(ind_stoch, stoch, 3, 2);

/* n: period */
typedef struct williams_state {
  extremes range;
} williams_state;
FUNCTION void williams_step(const indicator_params p, moment now, williams_state *s, memory m, const R *x, R *y) {
  y[0] = percent(place_step(&s->range, m, now.k[0], p.n[0], x)) - RC(100.0);
}
INDICATOR(ind_williams, williams, 3, 1);

/* n: period; x: 1/period. The mean distance from a mean that moves has no short cut: a walk over the window a row. */
typedef struct cci_state {
  R unused;
} cci_state;
FUNCTION void cci_step(const indicator_params p, moment now, cci_state *s, memory m, const R *x, R *y) {
  (void)s;
  R price = typical(x), sum = ALL(0), distance = ALL(0);
  poke(m, now.k[0], price);
  for (u32 j = 0; j < p.n[0]; j++) sum = sum + (peek(m, j) - price);
  R mean = sum * ALL(p.x[0]);
  for (u32 j = 0; j < p.n[0]; j++) distance = distance + ABSOLUTE((peek(m, j) - price) - mean);
  R scale = RC(0.015) * (distance * ALL(p.x[0]));
  y[0] = SELECT(scale > ALL(TINY), -mean / MAX(scale, ALL(TINY)), ALL(0));
}
INDICATOR(ind_cci, cci, 3, 1);

/* n: period. Inputs: high, low, close, volume */
typedef struct mfi_state {
  R before, up, down;
} mfi_state;
FUNCTION void mfi_step(const indicator_params p, moment now, mfi_state *s, memory m, const R *x, R *y) {
  R price = typical(x), before = now.t == 0 ? price : s->before, flow = price * x[3];
  R up = sum_step(&s->up, m, now.k[0], p.n[0], SELECT(price > before, flow, ALL(0)));
  R down = sum_step(&s->down, behind(m, p.n[0]), now.k[0], p.n[0], SELECT(price < before, flow, ALL(0)));
  s->before = price;
  y[0] = percent((up - down) / MAX(up + down, ALL(TINY)));
}
INDICATOR(ind_mfi, mfi, 4, 1);

/* n: period; also of the next */
typedef struct roc_state {
  R unused;
} roc_state;
FUNCTION void roc_step(const indicator_params p, moment now, roc_state *s, memory m, const R *x, R *y) {
  (void)p, (void)s;
  R old = lag(m, now.k[0], x[0]);
  y[0] = SELECT(old == ALL(0), NOT_A_NUMBER, ALL(100) * (x[0] - old) / old);
}
INDICATOR(ind_roc, roc, 1, 1);

typedef struct momentum_state {
  R unused;
} momentum_state;
FUNCTION void momentum_step(const indicator_params p, moment now, momentum_state *s, memory m, const R *x, R *y) {
  (void)p, (void)s;
  y[0] = x[0] - lag(m, now.k[0], x[0]);
}
INDICATOR(ind_momentum, momentum, 1, 1);

/* n: period + 1; x: 100/period. Inputs: high, low */
typedef struct aroon_state {
  peak high, low;
} aroon_state;
FUNCTION void aroon_step(const indicator_params p, moment now, aroon_state *s, memory m, const R *x, R *y) {
  u32 n = p.n[0];
  R since_high = peak_age_step(&s->high, m, now.k[0], n, x[0]), since_low = peak_age_step(&s->low, behind(m, 2 * n), now.k[0], n, -x[1]);
  R rows = ALL((real)(n - 1));
  y[0] = (rows - since_high) * ALL(p.x[0]);
  y[1] = (rows - since_low) * ALL(p.x[0]);
  y[2] = (since_low - since_high) * ALL(p.x[0]);
}
INDICATOR(ind_aroon, aroon, 2, 3);
