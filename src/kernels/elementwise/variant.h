/* SPDX-License-Identifier: MIT */
/* The table of one build of loops.c: [op][type]. */
#ifndef ASSAY_KERNELS_ELEMENTWISE_VARIANT_H
#define ASSAY_KERNELS_ELEMENTWISE_VARIANT_H

#include <assay/elementwise.h>

typedef struct assay_elementwise_table {
  assay_elementwise_fn loops[ASSAY_ELEMENTWISE_OP_COUNT][ASSAY_DTYPE_COUNT];
} assay_elementwise_table;

extern const assay_elementwise_table assay_elementwise_c;
#if defined(__x86_64__)
extern const assay_elementwise_table assay_elementwise_sse42, assay_elementwise_avx2, assay_elementwise_avx512;
#elif defined(__aarch64__)
extern const assay_elementwise_table assay_elementwise_neon;
#endif

#endif
