/* SPDX-License-Identifier: MIT */
#include "quant/risk_products.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK = 256 };

assay_status assay_risk_get_products(const assay_risk_products *products, assay_error *err, double *matrix, double *sums, double *shifts) {
  size_t n = products->assets, first = products->periods < BLOCK ? products->periods : BLOCK;
  double *block = assay_calloc(ASSAY_TAG_QUANT, BLOCK * n, sizeof *block);
  if (block == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for products of %zu assets", n);
  memset(matrix, 0, n * n * sizeof *matrix);
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t t = 0; t < first; t++) sum += products->returns[t * n + i];
    shifts[i] = products->shift ? sum / (double)first : 0;
    sums[i] = 0;
  }
  for (size_t begin = 0; begin < products->periods; begin += BLOCK) {
    size_t count = products->periods - begin < BLOCK ? products->periods - begin : BLOCK;
    for (size_t i = 0; i < n; i++) {
      double sum = 0;
      for (size_t t = 0; t < count; t++) {
        double root = products->roots == NULL ? 1 : products->roots[begin + t];
        double z = (products->returns[(begin + t) * n + i] - shifts[i]) * root;
        block[i * BLOCK + t] = z;
        sum = fma(z, root, sum);
      }
      sums[i] += sum;
    }
    for (size_t i = 0; i < n; i++) {
      for (size_t j = i; j < n; j++) {
        double sum = 0;
        for (size_t t = 0; t < count; t++) sum = fma(block[i * BLOCK + t], block[j * BLOCK + t], sum);
        matrix[i * n + j] += sum;
      }
    }
  }
  assay_free(block);
  return ASSAY_OK;
}
