/* SPDX-License-Identifier: MIT */
/* Ranges, channels, trends and volume. */
#include "kernels/indicators/common.h"

/* Highest of high, low and the last close, less the lowest of them. */
FUNCTION R true_range(R high, R low, R close_before) { return MAX(high, close_before) - MIN(low, close_before); }

/* Wilder's average of the true range from row 1 on. */
typedef struct range_average {
  R close, y;
} range_average;
FUNCTION R range_average_step(range_average *s, u64 t, u32 n, R a, const R *x) {
  R range = t == 0 ? ALL(0) : true_range(x[0], x[1], s->close);
  s->close = x[2];
  if (REACHED(t, (u64)n + 1)) {
    s->y = FMA(a, range - s->y, s->y);
  } else {
    s->y = s->y + range;
    if (t == n) s->y = s->y * a;
  }
  return s->y;
}

/* n: period; x: 1/period. Inputs: high, low, close */
typedef struct atr_state {
  range_average ranges;
} atr_state;
FUNCTION void atr_step(const indicator_params p, moment now, atr_state *s, memory m, const R *x, R *y) {
  (void)m;
  y[0] = range_average_step(&s->ranges, now.t, p.n[0], ALL(p.x[0]), x);
}
INDICATOR_OF_REGISTERS(ind_atr, atr, 3, 1);

/* n: period; x: 1/period, 1 - 1/period. Inputs: high, low, close */
typedef struct adx_state {
  R high, low, close, range, up, down, y;
} adx_state;
FUNCTION void adx_step(const indicator_params p, moment now, adx_state *s, memory m, const R *x, R *y) {
  (void)m;
  u64 t = now.t, n = p.n[0];
  R nothing = ALL(0), a = ALL(p.x[0]), keep = ALL(p.x[1]);
  if (t > 0) {
    R rise = x[0] - s->high, fall = s->low - x[1], range = true_range(x[0], x[1], s->close);
    R up = SELECT((rise > nothing) & (rise > fall), rise, nothing), down = SELECT((fall > nothing) & (fall > rise), fall, nothing);
    if (REACHED(t, n)) {
      s->range = FMA(keep, s->range, range);
      s->up = FMA(keep, s->up, up);
      s->down = FMA(keep, s->down, down);
    } else {
      s->range = s->range + range;
      s->up = s->up + up;
      s->down = s->down + down;
    }
  }
  s->high = x[0];
  s->low = x[1];
  s->close = x[2];
  R whole = MAX(s->range, ALL(TINY));
  y[1] = ALL(100) * (s->up / whole);
  y[2] = ALL(100) * (s->down / whole);
  R index = ALL(100) * (ABSOLUTE(s->up - s->down) / MAX(s->up + s->down, ALL(TINY)));
  if (REACHED(t, 2 * n)) {
    s->y = FMA(a, index - s->y, s->y);
  } else if (t >= n) {
    s->y = s->y + index;
    if (t + 1 == 2 * n) s->y = s->y * a;
  }
  y[0] = s->y;
}
INDICATOR_OF_REGISTERS(ind_adx, adx, 3, 3);

/* n: period. Inputs: high, low */
typedef struct donchian_state {
  R high, low;
} donchian_state;
FUNCTION void donchian_step(const indicator_params p, moment now, donchian_state *s, memory m, const R *x, R *y) {
  u32 n = p.n[0];
  R high = highest_step(&s->high, m, now.k[0], n, x[0]), low = -highest_step(&s->low, behind(m, n), now.k[0], n, -x[1]);
  y[0] = high;
  y[1] = FMA(high - low, ALL(0.5), low);
  y[2] = low;
}
INDICATOR(ind_donchian, donchian, 2, 3);

/* n: period of the average, of the range; x: factor and 1/period of the average, 1/period of the range, width. Inputs: high, low, close */
typedef struct keltner_state {
  average middle;
  range_average ranges;
} keltner_state;
FUNCTION void keltner_step(const indicator_params p, moment now, keltner_state *s, memory m, const R *x, R *y) {
  (void)m;
  R middle = average_step(&s->middle, now.t, 0, p.n[0], ALL(p.x[0]), ALL(p.x[1]), x[2]);
  R range = range_average_step(&s->ranges, now.t, p.n[1], ALL(p.x[2]), x);
  y[0] = FMA(ALL(p.x[3]), range, middle);
  y[1] = middle;
  y[2] = FMA(ALL(-p.x[3]), range, middle);
}
INDICATOR_OF_REGISTERS(ind_keltner, keltner, 3, 3);

/* n: conversion, base, span, displacement. Inputs: high, low */
typedef struct midpoint {
  R high, low;
} midpoint;
FUNCTION R midpoint_step(midpoint *s, memory m, u32 k, u32 n, const R *x) {
  R high = highest_step(&s->high, m, k, n, x[0]), low = -highest_step(&s->low, behind(m, n), k, n, -x[1]);
  return FMA(high - low, ALL(0.5), low);
}
typedef struct ichimoku_state {
  midpoint conversion, base, span;
} ichimoku_state;
FUNCTION void ichimoku_step(const indicator_params p, moment now, ichimoku_state *s, memory m, const R *x, R *y) {
  memory base = behind(m, 2 * p.n[0]), span = behind(base, 2 * p.n[1]), early = behind(span, 2 * p.n[2]);
  y[0] = midpoint_step(&s->conversion, m, now.k[0], p.n[0], x);
  y[1] = midpoint_step(&s->base, base, now.k[1], p.n[1], x);
  y[2] = lag(early, now.k[3], (y[0] + y[1]) * ALL(0.5));
  y[3] = lag(behind(early, p.n[3]), now.k[3], midpoint_step(&s->span, span, now.k[2], p.n[2], x));
}
INDICATOR(ind_ichimoku, ichimoku, 2, 4);

/*
 * x: acceleration, its maximum. Inputs: high, low. While the trend is down everything is done on prices with the sign changed, so that
 * both trends are one.
 */
typedef struct psar_state {
  R high, low;             /* of the row before */
  R sign;                  /* 1 while the trend is up, -1 while it is down */
  R stop, extreme, faster; /* with that sign */
} psar_state;
FUNCTION void psar_step(const indicator_params p, moment now, psar_state *s, memory m, const R *x, R *y) {
  (void)m;
  R step = ALL(p.x[0]), most = ALL(p.x[1]), high_before = s->high, low_before = s->low;
  s->high = x[0];
  s->low = x[1];
  y[0] = x[0];
  if (now.t == 0) return;
  if (now.t == 1) {
    R rise = x[0] - high_before, fall = low_before - x[1];
    M down = (fall > ALL(0)) & (rise < fall);
    s->sign = SELECT(down, ALL(-1), ALL(1));
    s->stop = SELECT(down, -high_before, low_before);
    s->extreme = SELECT(down, -x[1], x[0]);
    s->faster = step;
    high_before = x[0];
    low_before = x[1];
  }
  M rising = s->sign > ALL(0);
  R high = SELECT(rising, x[0], -x[1]), low = SELECT(rising, x[1], -x[0]);
  R before_high = SELECT(rising, high_before, -low_before), before_low = SELECT(rising, low_before, -high_before);
  M turns = low <= s->stop;
  R beyond = MAX(high, before_high), within = MIN(low, before_low);

  R turned = MAX(s->extreme, beyond), turned_next = MAX(FMA(step, low - turned, turned), beyond);
  R further = MAX(s->extreme, high), faster = SELECT(high > s->extreme, MIN(s->faster + step, most), s->faster);
  R next = MIN(FMA(faster, further - s->stop, s->stop), within);

  y[0] = s->sign * SELECT(turns, turned, s->stop);
  s->stop = SELECT(turns, -turned_next, next);
  s->extreme = SELECT(turns, -low, further);
  s->faster = SELECT(turns, step, faster);
  s->sign = SELECT(turns, -s->sign, s->sign);
}
INDICATOR_OF_REGISTERS(ind_psar, psar, 2, 1);

/* Inputs: close, volume */
typedef struct obv_state {
  R before, y;
} obv_state;
FUNCTION void obv_step(const indicator_params p, moment now, obv_state *s, memory m, const R *x, R *y) {
  (void)p, (void)m;
  R change = SELECT(x[0] > s->before, x[1], SELECT(x[0] < s->before, -x[1], ALL(0)));
  s->y = now.t == 0 ? x[1] : s->y + change;
  s->before = x[0];
  y[0] = s->y;
}
INDICATOR_OF_REGISTERS(ind_obv, obv, 2, 1);

/* Inputs: high, low, close, volume. Distances from the first price, so that a flat price is itself. */
typedef struct vwap_state {
  R from, amount, volume;
} vwap_state;
FUNCTION void vwap_step(const indicator_params p, moment now, vwap_state *s, memory m, const R *x, R *y) {
  (void)p, (void)m;
  R price = typical(x);
  if (now.t == 0) s->from = price;
  s->amount = FMA(price - s->from, x[3], s->amount);
  s->volume = s->volume + x[3];
  y[0] = SELECT(s->volume > ALL(0), s->from + s->amount / MAX(s->volume, ALL(TINY)), price);
}
INDICATOR_OF_REGISTERS(ind_vwap, vwap, 4, 1);

/* n: period. Inputs: high, low, close, volume. As mean_step, with the volume as weight. */
typedef struct rvwap_state {
  R from, amount, volume;
} rvwap_state;
FUNCTION void rvwap_step(const indicator_params p, moment now, rvwap_state *s, memory m, const R *x, R *y) {
  u32 n = p.n[0], k = now.k[0];
  memory volumes = behind(m, n);
  R price = typical(x), amount, volume;
  if (k + 1 == n) {
    amount = ALL(0);
    volume = x[3];
    poke(m, k, amount);
    poke(volumes, k, volume);
    for (u32 j = n - 1; j > 0; j--) {
      R weight = peek(volumes, j - 1);
      amount = FMA(peek(m, j - 1) - price, weight, amount);
      volume = volume + weight;
      poke(m, j - 1, amount);
      poke(volumes, j - 1, volume);
    }
    s->from = price;
    s->amount = s->volume = ALL(0);
  } else {
    s->amount = FMA(price - s->from, x[3], s->amount);
    s->volume = s->volume + x[3];
    amount = peek(m, k + 1) + s->amount;
    volume = peek(volumes, k + 1) + s->volume;
    poke(m, k, price);
    poke(volumes, k, x[3]);
  }
  y[0] = SELECT(volume > ALL(0), s->from + amount / MAX(volume, ALL(TINY)), price);
}
INDICATOR(ind_rvwap, rvwap, 4, 1);
