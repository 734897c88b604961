/* SPDX-License-Identifier: MIT */
/*
 * The two loops of a backtest that are worth lanes: what an account does while its quantity stays the same, and where one series is above
 * another. Additions, multiplications, divisions and comparisons only, one rounding each and in a stated order, so all instruction sets
 * give the same bits.
 *
 * The limit: a held bar needs a division (its return); a core that divides four doubles in five cycles takes 1.25 cycles a bar. A
 * comparison needs two loads a lane, so four lanes do four bars a cycle.
 */
#ifndef ASSAY_KERNELS_BACKTEST_H
#define ASSAY_KERNELS_BACKTEST_H

#include <stddef.h>
#include <stdint.h>

enum { ASSAY_TALLY_LANES = 8 };

/*
 * What metrics need of an equity curve. Returns are added to lanes in turn; a fill puts the turn at the last lane, so that what is held
 * from the next bar on begins at the first.
 */
typedef struct assay_tally {
  double sum[ASSAY_TALLY_LANES], squares[ASSAY_TALLY_LANES], falls[ASSAY_TALLY_LANES]; /* of returns, their squares, squares of losses */
  double last, peak, trough;                                                           /* equity; trough: since the peak */
  double deepest;                                                                      /* drawdown as a ratio of its peak */
  size_t count;                                                                        /* of equities seen */
  size_t peak_at, longest;                                                             /* bars */
  size_t lane;                                                                         /* whose turn it is */
} assay_tally;

/* One more equity, above 0. The definition of what the loops do. */
static inline void assay_tally_add(assay_tally *t, double equity) {
  double change = equity / t->last - 1, fall = change < 0 ? change : 0;
  size_t lane = t->lane;
  t->lane = (lane + 1) % ASSAY_TALLY_LANES;
  t->sum[lane] += change;
  t->squares[lane] += change * change;
  t->falls[lane] += fall * fall;
  if (equity >= t->peak) {
    size_t under = t->count - t->peak_at;
    double depth = (t->peak - t->trough) / t->peak;
    if (under > 1 && under > t->longest) t->longest = under;
    if (depth > t->deepest) t->deepest = depth;
    t->peak = t->trough = equity;
    t->peak_at = t->count;
  } else if (equity < t->trough) {
    t->trough = equity;
  }
  t->last = equity;
  t->count++;
}

static inline void assay_tally_fill(assay_tally *t) { t->lane = ASSAY_TALLY_LANES - 1; }

typedef struct assay_backtest_functions {
  /* Adds cash + quantity x close[i] for begin <= i < end, while it is above 0; returns the first i that was not added. `equity` (NULL: not
   * wanted) gets them at the same i. */
  size_t (*hold)(assay_tally *tally, const double *close, size_t begin, size_t end, double cash, double quantity, double *equity);
  /* The first i whose prices are not all above 0, finite, and within low and high; `count` when there is none. NULL: closes only. */
  size_t (*wrong)(const double *open, const double *high, const double *low, const double *close, size_t count);
  /* Bit i % 64 of bits[i / 64] says whether a[i] > b[i]; bits beyond `count` in the last word are 0. */
  void (*above)(const double *a, const double *b, size_t count, uint64_t *bits);
} assay_backtest_functions;

/* The best for this CPU that ASSAY_ISA allows; and of one of ASSAY_KERNEL_VARIANTS (kernels/variant.h), for tests. */
const assay_backtest_functions *assay_backtest_functions_best(void);
const assay_backtest_functions *assay_backtest_functions_variant(size_t variant);

#endif
