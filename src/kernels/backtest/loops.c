/* SPDX-License-Identifier: MIT */
/* Built once for each variant (meson.build names ASSAY_VARIANT and its flags): plain loops that the compiler turns into vectors. */
#include "kernels/backtest/backtest.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FUNCTIONS JOIN(assay_backtest_functions_, ASSAY_VARIANT)

enum { LANES = ASSAY_TALLY_LANES, BLOCK = 4 * LANES, WORD = 64 };

/*
 * A block that neither reaches a new peak nor loses everything: only its returns and its least equity count. `falls` are taken as
 * differences from 0, which keeps a comparison out of the sums.
 */
static int add_block(assay_tally *t, const double *restrict close, double cash, double quantity, double *restrict equity) {
  double e[BLOCK], change[BLOCK], high[LANES], low[LANES];
  for (int i = 0; i < BLOCK; i++) e[i] = cash + quantity * close[i];
  for (int i = 0; i < LANES; i++) high[i] = low[i] = e[i];
  for (int k = LANES; k < BLOCK; k += LANES) {
    for (int i = 0; i < LANES; i++) high[i] = e[k + i] > high[i] ? e[k + i] : high[i];
    for (int i = 0; i < LANES; i++) low[i] = e[k + i] < low[i] ? e[k + i] : low[i];
  }
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) high[i] = high[i] > high[i + half] ? high[i] : high[i + half];
    for (int i = 0; i < half; i++) low[i] = low[i] < low[i + half] ? low[i] : low[i + half];
  }
  if (!(high[0] < t->peak) || !(low[0] > 0)) return 0;
  for (int i = 0; i < BLOCK; i++) change[i] = e[i] / (cash + quantity * close[i - 1]) - 1;
  for (int k = 0; k < BLOCK; k += LANES) {
    for (int i = 0; i < LANES; i++) t->sum[i] += change[k + i];
    for (int i = 0; i < LANES; i++) t->squares[i] += change[k + i] * change[k + i];
    for (int i = 0; i < LANES; i++) {
      double fall = change[k + i] < 0 ? change[k + i] : 0;
      t->falls[i] += fall * fall;
    }
  }
  if (low[0] < t->trough) t->trough = low[0];
  t->last = e[BLOCK - 1];
  t->count += BLOCK;
  if (equity != NULL)
    for (int i = 0; i < BLOCK; i++) equity[i] = e[i];
  return 1;
}

static size_t hold(assay_tally *tally, const double *close, size_t begin, size_t end, double cash, double quantity, double *equity) {
  size_t i = begin;
  while (i < end) {
    /* The equity before a block must be of this quantity, and lane 0 must be its first. */
    size_t single = i == begin ? 1 : 0;
    single += (LANES - (tally->count + single) % LANES) % LANES;
    if (single == 0 && end - i >= BLOCK) {
      if (add_block(tally, close + i, cash, quantity, equity != NULL ? equity + i : NULL)) {
        i += BLOCK;
        continue;
      }
      single = BLOCK;
    }
    if (single == 0 || single > end - i) single = end - i;
    for (size_t stop = i + single; i < stop; i++) {
      double now = cash + quantity * close[i];
      if (!(now > 0)) return i;
      assay_tally_add(tally, now);
      if (equity != NULL) equity[i] = now;
    }
  }
  return i;
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
const assay_backtest_functions FUNCTIONS = {hold, above};
