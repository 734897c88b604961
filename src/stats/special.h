/* SPDX-License-Identifier: MIT */
/* Special functions behind the distributions. Pure, thread-safe. */
#ifndef ASSAY_STATS_SPECIAL_H
#define ASSAY_STATS_SPECIAL_H

/*
 * Regularised incomplete beta function I_x(a, b) and its complement, for a, b > 0. The caller gives log(x) and log(1 - x), each from the formula
 * that loses nothing there, so both tails keep their digits however small they are.
 */
void assay_special_beta(double a, double b, double log_x, double log_y, double *lower, double *upper);

#endif
