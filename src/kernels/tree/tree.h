/* SPDX-License-Identifier: MIT */
/*
 * One step back through a binomial tree, in place: value[j] = rise value[j + 1] + fall value[j] for begin <= j < end, and for an American
 * option at least what exercise pays, scale ratio[j] - strike (both negated for a put). Multiplications, additions and maxima only, one
 * rounding each, so all instruction sets give the same bits. The arrays do not overlap.
 *
 * The limit: two multiplications and an addition for each node, two nodes' loads and a store; a core that starts two multiplications a
 * cycle does a vector of nodes a cycle, so 1,000 steps (500,500 nodes) take 125,000 cycles with four lanes.
 */
#ifndef ASSAY_KERNELS_TREE_H
#define ASSAY_KERNELS_TREE_H

#include <stddef.h>

typedef struct assay_tree_functions {
  void (*european)(double *value, size_t begin, size_t end, double rise, double fall);
  void (*american)(double *value, const double *ratio, size_t begin, size_t end, double rise, double fall, double scale, double strike);
} assay_tree_functions;

/* The best for this CPU that ASSAY_ISA allows; and of one of ASSAY_KERNEL_VARIANTS (kernels/variant.h), for tests. */
const assay_tree_functions *assay_tree_functions_best(void);
const assay_tree_functions *assay_tree_functions_variant(size_t variant);

#endif
