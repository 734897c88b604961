/* SPDX-License-Identifier: MIT */
/* What the files of stats share. Pure, thread-safe. */
#ifndef ASSAY_STATS_INNER_H
#define ASSAY_STATS_INNER_H

#include <assay/stats.h>

/*
 * Regularised incomplete beta function I_x(a, b) and its complement, for a, b > 0. The caller gives log(x) and log(1 - x), each from the
 * formula that loses nothing there, so both tails keep their digits however small they are.
 */
void assay_special_beta(double a, double b, double log_x, double log_y, double *lower, double *upper);

/* A power of two by which sums and squares of these values can neither overflow nor vanish; 1 for ordinary magnitudes, so nothing is
 * rounded. */
double assay_stats_safe_scale(const double *values, size_t count);

/* Exact bootstrap standard error of the median of ascending values (Maritz and Jarrett 1978). */
double assay_stats_median_error_sorted(const double *sorted, size_t count);

/* The two halves of assay_stats_interval, for at least 2 ascending values. By order: only where level <= 1 - 2^(1 - count). */
assay_interval assay_stats_interval_by_error(const double *sorted, size_t count, double level);
assay_interval assay_stats_interval_by_order(const double *sorted, size_t count, double level);

#endif
