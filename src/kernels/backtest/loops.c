/* SPDX-License-Identifier: MIT */
/* Built once for each variant (meson.build names ASSAY_VARIANT and its flags): plain loops that the compiler turns into vectors. */
#include "kernels/backtest/backtest.h"

#include <math.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FUNCTIONS JOIN(assay_backtest_functions_, ASSAY_VARIANT)

enum { LANES = ASSAY_TALLY_LANES, WORD = 64 };

/* As many lanes as a register has; all of them are PARTS registers. */
#if defined(__AVX512F__)
enum { WIDTH = 8 };
#elif defined(__AVX__)
enum { WIDTH = 4 };
#else
enum { WIDTH = 2 };
#endif
enum { PARTS = LANES / WIDTH };
typedef double lanes __attribute__((vector_size(sizeof(double) * WIDTH)));
typedef int64_t masks __attribute__((vector_size(sizeof(int64_t) * WIDTH)));
#define EACH _Pragma("GCC unroll 8") for (int p = 0; p < PARTS; p++)

static inline lanes load(const double *from) {
  lanes made;
  memcpy(&made, from, sizeof made);
  return made;
}

static inline int any(masks m) {
#if defined(__AVX512DQ__)
  return _mm512_movepi64_mask((__m512i)m) != 0;
#elif defined(__AVX__)
  return _mm256_movemask_pd((__m256d)m) != 0;
#else
  return (m[0] | m[1]) != 0;
#endif
}

/*
 * Whole groups of lanes, from `begin` on, as long as they neither reach a new peak nor lose everything: only their returns and their least
 * equity count. Returns where it stopped.
 */
static size_t hold_groups(assay_tally *t, const double *close, size_t begin, size_t end, double cash, double quantity, double *equity) {
  lanes sum[PARTS], squares[PARTS], falls[PARTS], low[PARTS], last = {0};
  EACH {
    sum[p] = load(t->sum + p * WIDTH);
    squares[p] = load(t->squares + p * WIDTH);
    falls[p] = load(t->falls + p * WIDTH);
    low[p] = last + t->trough;
  }
  size_t i = begin;
  for (; end - i >= LANES; i += LANES) {
    lanes now[PARTS];
    masks stops = {0};
    EACH {
      now[p] = cash + quantity * load(close + i + p * WIDTH);
      stops |= (now[p] >= t->peak) | (now[p] <= 0);
    }
    if (any(stops)) break;
    EACH {
      lanes change = now[p] / (cash + quantity * load(close + i + p * WIDTH - 1)) - 1, fall = (lanes)((masks)change & (change < 0));
      masks lower = now[p] < low[p];
      sum[p] += change;
      squares[p] += change * change;
      falls[p] += fall * fall;
      low[p] = (lanes)(((masks)now[p] & lower) | ((masks)low[p] & ~lower));
      if (equity != NULL) memcpy(equity + i + p * WIDTH, &now[p], sizeof now[p]);
    }
    last = now[PARTS - 1];
  }
  if (i == begin) return i;
  EACH {
    memcpy(t->sum + p * WIDTH, &sum[p], sizeof sum[p]);
    memcpy(t->squares + p * WIDTH, &squares[p], sizeof squares[p]);
    memcpy(t->falls + p * WIDTH, &falls[p], sizeof falls[p]);
    for (int k = 0; k < WIDTH; k++) t->trough = low[p][k] < t->trough ? low[p][k] : t->trough;
  }
  t->last = last[WIDTH - 1];
  t->count += i - begin;
  return i;
}

/* The equity before a group must be of this quantity, so the first bar goes alone; and a group begins with the first lane. */
static size_t hold(assay_tally *tally, const double *close, size_t begin, size_t end, double cash, double quantity, double *equity) {
  size_t i = begin;
  while (i < end) {
    size_t alone = 1;
    if (i > begin && tally->lane == 0) {
      i = hold_groups(tally, close, i, end, cash, quantity, equity);
      alone = end - i < LANES ? end - i : LANES;
    }
    for (size_t stop = i + alone; i < stop; i++) {
      double now = cash + quantity * close[i];
      if (!(now > 0)) return i;
      assay_tally_add(tally, now);
      if (equity != NULL) equity[i] = now;
    }
  }
  return i;
}

static size_t wrong(const double *open, const double *high, const double *low, const double *close, size_t count) {
  size_t at = 0;
  for (; at + WORD <= count; at += WORD) {
    int right = 1;
    for (size_t i = at; i < at + WORD; i++) right &= (close[i] > 0) & (close[i] < HUGE_VAL);
    for (size_t i = at; open != NULL && i < at + WORD; i++)
      right &=
          (low[i] > 0) & (high[i] < HUGE_VAL) & (low[i] <= open[i]) & (low[i] <= close[i]) & (high[i] >= open[i]) & (high[i] >= close[i]);
    if (!right) break;
  }
  for (; at < count; at++) {
    int right = (close[at] > 0) & (close[at] < HUGE_VAL);
    if (open != NULL)
      right &= (low[at] > 0) & (high[at] < HUGE_VAL) & (low[at] <= open[at]) & (low[at] <= close[at]) & (high[at] >= open[at]) &
               (high[at] >= close[at]);
    if (!right) break;
  }
  return at;
}

/* 1 << i, for lanes that cannot shift by their number. */
#define EIGHT(i)                                                                                                            \
  UINT64_C(1) << (i), UINT64_C(2) << (i), UINT64_C(4) << (i), UINT64_C(8) << (i), UINT64_C(16) << (i), UINT64_C(32) << (i), \
      UINT64_C(64) << (i), UINT64_C(128) << (i)
static const uint64_t bit[WORD] = {EIGHT(0), EIGHT(8), EIGHT(16), EIGHT(24), EIGHT(32), EIGHT(40), EIGHT(48), EIGHT(56)};

static void above(const double *a, const double *b, size_t count, uint64_t *bits) {
  for (size_t word = 0; word < count / WORD; word++) {
    const double *x = a + word * WORD, *y = b + word * WORD;
    uint64_t made = 0;
    for (int i = 0; i < WORD; i++) made |= x[i] > y[i] ? bit[i] : 0;
    bits[word] = made;
  }
  if (count % WORD == 0) return;
  uint64_t made = 0;
  for (size_t i = count / WORD * WORD; i < count; i++) made |= (uint64_t)(a[i] > b[i]) << (i % WORD);
  bits[count / WORD] = made;
}

extern const assay_backtest_functions FUNCTIONS;
const assay_backtest_functions FUNCTIONS = {hold, wrong, above};
