/* SPDX-License-Identifier: MIT */
/* Moving averages, and what is made of them. */
#include "kernels/indicators/common.h"

/* n: period; x: 1/period */
typedef struct sma_state {
  window mean;
} sma_state;
FUNCTION void sma_step(const indicator_params p, moment now, sma_state *s, memory m, const R *x, R *y) {
  y[0] = mean_step(&s->mean, m, now.k[0], p.n[0], ALL(p.x[0]), x[0]);
}
INDICATOR(ind_sma, sma, 1, 1);

/* n: period; x: smoothing factor, 1/period; also of what is made of several */
typedef struct ema_state {
  average one;
} ema_state;
FUNCTION void ema_step(const indicator_params p, moment now, ema_state *s, memory m, const R *x, R *y) {
  (void)m;
  y[0] = average_step(&s->one, now.t, 0, p.n[0], ALL(p.x[0]), ALL(p.x[1]), x[0]);
}
INDICATOR_OF_REGISTERS(ind_ema, ema, 1, 1);

/* Averages of averages: each begins where the one before has its first value. */
typedef struct chain {
  average one, two, three;
} chain;
FUNCTION void chain_step(const indicator_params p, moment now, chain *s, R x) {
  u32 n = p.n[0];
  R a = ALL(p.x[0]), inverse = ALL(p.x[1]);
  average_step(&s->one, now.t, 0, n, a, inverse, x);
  average_step(&s->two, now.t, n - 1, n, a, inverse, s->one.y);
  average_step(&s->three, now.t, 2 * (u64)(n - 1), n, a, inverse, s->two.y);
}

typedef struct dema_state {
  average one, two;
} dema_state;
FUNCTION void dema_step(const indicator_params p, moment now, dema_state *s, memory m, const R *x, R *y) {
  (void)m;
  u32 n = p.n[0];
  R a = ALL(p.x[0]), inverse = ALL(p.x[1]);
  average_step(&s->one, now.t, 0, n, a, inverse, x[0]);
  average_step(&s->two, now.t, n - 1, n, a, inverse, s->one.y);
  y[0] = s->one.y + (s->one.y - s->two.y);
}
INDICATOR_OF_REGISTERS(ind_dema, dema, 1, 1);

typedef struct tema_state {
  chain averages;
} tema_state;
FUNCTION void tema_step(const indicator_params p, moment now, tema_state *s, memory m, const R *x, R *y) {
  (void)m;
  chain_step(p, now, &s->averages, x[0]);
  y[0] = FMA(ALL(3), s->averages.one.y - s->averages.two.y, s->averages.three.y);
}
INDICATOR_OF_REGISTERS(ind_tema, tema, 1, 1);

typedef struct trix_state {
  chain averages;
  R before;
} trix_state;
FUNCTION void trix_step(const indicator_params p, moment now, trix_state *s, memory m, const R *x, R *y) {
  (void)m;
  chain_step(p, now, &s->averages, x[0]);
  R now_at = s->averages.three.y, rise = ALL(100) * (now_at - s->before);
  y[0] = SELECT(s->before == ALL(0), NOT_A_NUMBER, rise / s->before);
  s->before = now_at;
}
INDICATOR_OF_REGISTERS(ind_trix, trix, 1, 1);

/* n: period; x: 2 / (period (period + 1)) */
typedef struct wma_state {
  ramp values;
} wma_state;
FUNCTION void wma_step(const indicator_params p, moment now, wma_state *s, memory m, const R *x, R *y) {
  R sum, weighted;
  ramp_step(&s->values, m, now.k[0], p.n[0], x[0], &sum, &weighted);
  y[0] = FMA(weighted, ALL(p.x[0]), s->values.from);
}
INDICATOR(ind_wma, wma, 1, 1);

/* n: period; x: fastest factor - slowest factor, slowest factor */
typedef struct kama_state {
  R before, changes, y;
} kama_state;
FUNCTION void kama_step(const indicator_params p, moment now, kama_state *s, memory m, const R *x, R *y) {
  u32 n = p.n[0];
  R change = now.t == 0 ? ALL(0) : ABSOLUTE(x[0] - s->before);
  R path = sum_step(&s->changes, m, now.k[0], n, change), way = ABSOLUTE(x[0] - lag(behind(m, n), now.k[0], x[0]));
  s->before = x[0];
  R efficiency = SELECT(path > way, way / MAX(path, ALL(TINY)), ALL(1));
  R factor = FMA(efficiency, ALL(p.x[0]), ALL(p.x[1]));
  s->y = REACHED(now.t, n) ? FMA(factor * factor, x[0] - s->y, s->y) : x[0];
  y[0] = s->y;
}
INDICATOR(ind_kama, kama, 1, 1);

/* n: fast, slow, signal; x: factor and 1/period of each. All begin together: the fast average with the mean of its last rows there. */
typedef struct macd_state {
  average fast, slow, signal;
} macd_state;
FUNCTION void macd_carry(const indicator_params p, moment now, macd_state *s, memory m, const R *x, R *c) {
  (void)m;
  u64 slow = p.n[1];
  average_step(&s->fast, now.t, slow - p.n[0], p.n[0], ALL(p.x[0]), ALL(p.x[1]), x[0]);
  average_step(&s->slow, now.t, 0, p.n[1], ALL(p.x[2]), ALL(p.x[3]), x[0]);
  c[0] = s->fast.y - s->slow.y;
  average_step(&s->signal, now.t, slow - 1, p.n[2], ALL(p.x[4]), ALL(p.x[5]), c[0]);
  c[1] = s->signal.y;
}
FUNCTION void macd_give(const indicator_params p, moment now, const R *c, R *y) {
  (void)p, (void)now;
  y[0] = c[0];
  y[1] = c[1];
  y[2] = c[0] - c[1];
}
STEP_BY_PARTS(macd, 2);
INDICATOR_CARRIED_OF_REGISTERS(ind_macd, macd, 3);

/* n: period; x: 1/period, deviations */
typedef struct bollinger_state {
  spread values;
} bollinger_state;
FUNCTION void bollinger_carry(const indicator_params p, moment now, bollinger_state *s, memory m, const R *x, R *c) {
  spread_step(&s->values, m, now.k[0], p.n[0], ALL(p.x[0]), x[0], &c[0], &c[1]);
  c[1] = ROOT(now, c[1]);
}
FUNCTION void bollinger_give(const indicator_params p, moment now, const R *c, R *y) {
  (void)now;
  y[0] = FMA(ALL(p.x[1]), c[1], c[0]);
  y[1] = c[0];
  y[2] = FMA(ALL(-p.x[1]), c[1], c[0]);
}
STEP_BY_PARTS(bollinger, 2);
INDICATOR_CARRIED(ind_bollinger, bollinger, 3);

/* n: period; x: 1/period */
typedef struct stddev_state {
  spread values;
} stddev_state;
FUNCTION void stddev_step(const indicator_params p, moment now, stddev_state *s, memory m, const R *x, R *y) {
  R mean, variance;
  spread_step(&s->values, m, now.k[0], p.n[0], ALL(p.x[0]), x[0], &mean, &variance);
  y[0] = ROOT(now, variance);
}
INDICATOR(ind_stddev, stddev, 1, 1);

/* n: period; x: 1/period, (period + 1) / 2, 12 / (period (period^2 - 1)), (period - 1) / 2 */
typedef struct linreg_state {
  ramp values;
} linreg_state;
FUNCTION void linreg_step(const indicator_params p, moment now, linreg_state *s, memory m, const R *x, R *y) {
  R sum, weighted;
  ramp_step(&s->values, m, now.k[0], p.n[0], x[0], &sum, &weighted);
  R slope = FMA(ALL(-p.x[1]), sum, weighted) * ALL(p.x[2]), mean = sum * ALL(p.x[0]);
  y[0] = FMA(slope, ALL(p.x[3]), mean) + s->values.from;
  y[1] = slope;
  y[2] = FMA(slope, ALL(-p.x[3]), mean) + s->values.from;
}
INDICATOR(ind_linreg, linreg, 1, 3);
