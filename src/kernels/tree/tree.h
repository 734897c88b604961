/* SPDX-License-Identifier: MIT */
/*
 * One step back through a binomial tree, in place: value[j] = rise value[j + 1] + fall value[j] for j < count, and for an American option
 * at least what exercise pays, scale ratio[j] - strike (both negated for a put). Multiplications and additions only, one rounding each, so
 * all instruction sets give the same bits. Arrays have ASSAY_TREE_PADDING elements more than are counted.
 */
#ifndef ASSAY_KERNELS_TREE_H
#define ASSAY_KERNELS_TREE_H

#include <stddef.h>

enum { ASSAY_TREE_PADDING = 64 };

typedef struct assay_tree_functions {
  void (*european)(double *value, size_t count, double rise, double fall);
  void (*american)(double *value, const double *ratio, size_t count, double rise, double fall, double scale, double strike);
} assay_tree_functions;

/* The best for this CPU that ASSAY_ISA allows. */
const assay_tree_functions *assay_tree_functions_best(void);

#endif
