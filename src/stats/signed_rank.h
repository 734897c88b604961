/* SPDX-License-Identifier: MIT */
/*
 * Wilcoxon's signed ranks (1945) and the estimate of Hodges and Lehmann (1963) that belongs to them: the middle of differences whose signs
 * were drawn by lot. The test is exact whatever the differences look like, as long as each could as well have had the other sign. Pure,
 * thread-safe.
 */
#ifndef ASSAY_STATS_SIGNED_RANK_H
#define ASSAY_STATS_SIGNED_RANK_H

#include <assay/stats.h>

/* Two-sided p-value of "the middle is 0" (exact up to 64 values, then normal with a correction for continuity). Values of 0 count half for
 * either sign. 1 for no values. NaN when out of memory. */
double assay_signed_rank_pvalue(const double *values, size_t count);

/* Median of all averages of two values (each with itself too). `sorted` is ascending, count > 0. */
double assay_hodges_lehmann_sorted(const double *sorted, size_t count);

/* The middles that the test does not refuse at 1 - level. Infinite where so few values cannot give that level (95 %: fewer than 6). */
assay_interval assay_signed_rank_interval_sorted(const double *sorted, size_t count, double level);

/* The sign test alone (Arbuthnott 1710): as exact, and a better judge where many values are wild. Two-sided; 0 counts half for either sign.
 */
double assay_sign_test_pvalue(const double *values, size_t count);
/* The medians that it does not refuse at 1 - level (not interpolated); infinite where so few values cannot give that level. */
assay_interval assay_sign_test_interval_sorted(const double *sorted, size_t count, double level);

#endif
