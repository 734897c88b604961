/* SPDX-License-Identifier: MIT */
/* A comparison while it is being made: what its steps in compare.c, difference.c, noise.c and verdict.c hand on. */
#ifndef ASSAY_JUDGE_CHANGES_H
#define ASSAY_JUDGE_CHANGES_H

#include <assay/compare.h>

#include "base/arena.h"

/* What stands behind changes->items[i]; empty for those that only one side has. */
typedef struct assay_pair {
  const assay_metric_result *before, *after;
  const assay_benchmark_result *old, *fresh;
  bool logarithms;        /* step and error are of logarithms: ratios */
  double together, alone; /* noise between runs: how far all moved, and the spread of each beyond that */
  bool lone;              /* a side has only one independent value, so the spread is an assumption */
  double unit;            /* what a step of 1 is in the metric's unit, where it is not a logarithm */
  double step, error, df; /* after - before, its standard error, and that one's degrees of freedom */
  double least_p;         /* too few processes to rule two modes of speed out: no p-value below this; 0: enough */
  double seen;            /* what the history has seen of this benchmark between two runs; 0: nothing */
  double alone_df;        /* degrees of freedom of `alone` */
} assay_pair;

typedef struct assay_comparison {
  const assay_result *before, *after;
  assay_compare_config config;
  assay_changes *changes;
  assay_pair *pairs;                                     /* one an item */
  const assay_benchmark_result **old_index, **new_index; /* sorted by name */
} assay_comparison;

/* Values that are independent of each other: processes or runs, but one for all repetitions of one process. */
size_t assay_independent_values(const assay_metric_result *metric);
/* From a step on its line to a ratio of change (error rates: to points). */
double assay_change_at(const assay_pair *pair, double step);

/* Steps in order: step, error and df of every pair; errors that draw on the other benchmarks; noise between runs; interval, p-value and the
 * rest of each change. ASSAY_ERR_NO_MEMORY. */
assay_status assay_comparison_measure(assay_comparison *comparison);
void assay_comparison_moderate(assay_comparison *comparison);
assay_status assay_comparison_find_noise(assay_comparison *comparison);
void assay_comparison_conclude(assay_comparison *comparison);
/* Sets verdict and reason from figures, q-values and floors. */
void assay_comparison_judge(assay_comparison *comparison);

/* Standard deviation of the change between two runs of the same code, as the history knows it (logarithms); 0: it does not. */
double assay_history_spread(const assay_comparison *comparison, const assay_change *change);
/* Whether item `i` says something of the others: a main metric on both sides that the machine's speed moves. */
bool assay_is_typical(const assay_comparison *comparison, size_t i);
/* Of one process, as both sides of the pair show it. */
double assay_process_variance(const assay_pair *pair);
/* Whether the speed of the machine moves it: times, latencies and rates; not memory, accuracy or counts. */
bool assay_moves_with_machine(assay_metric_kind kind);
/* Robust centre and spread of `values`, which are put in order; false for fewer than `least`. */
bool assay_robust_spread(double *values, size_t count, size_t least, double *centre, double *spread);

/* A step, or a change, in the direction in which more is worse (and back). */
static inline double assay_towards_worse(assay_better better, double step) { return better == ASSAY_LOWER ? step : -step; }

/* Whether a secondary metric is left out of comparisons: what says again what the time says, and what others move as much. */
bool assay_says_nothing_new(const assay_benchmark_result *b, const char *metric);

#endif
