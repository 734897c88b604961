/* SPDX-License-Identifier: MIT */
/* Matrix products of 2048 by each library that is here, in turns, beside the multiply-adds that this core can do. One thread. */
#include <assay/ceilings.h>
#include <assay/gemm.h>

#include <stdio.h>
#include <string.h>

#include "figure.h"

enum { N = 2048, ROUNDS = 3 };

static double flops(double ns) { return 2.0 * N * N * N / ns; }

/* A number of independent chains that keeps both units busy, in the widest vectors of this build's own instruction set. */
typedef struct way {
  assay_gemm_library library;
  const char *name;
  double best_ns;
} way;

static void fill(void *data, assay_dtype type) {
  for (size_t i = 0; i < (size_t)N * N; i++) {
    double value = (double)(i * 2654435761u % 1000) / 1000 - 0.5;
    if (type == ASSAY_F64) ((double *)data)[i] = value;
    if (type == ASSAY_F32) ((float *)data)[i] = (float)value;
  }
}
