/* SPDX-License-Identifier: MIT */
/* A cuBLASLt over fake_cuda.c's memory: column-major products, one element after the other, at once. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/cuda/gemm.h"

#define EXPORT __attribute__((visibility("default")))

struct assay_lt_desc {
  bool single, transposed[2];
};
struct assay_lt_layout {
  bool single;
  uint64_t rows, columns;
  int64_t stride;
};
struct assay_lt_preference {
  size_t workspace;
};

enum { INVALID = 7 };

EXPORT size_t cublasLtGetVersion(void) { return 130000; }
EXPORT const char *cublasLtGetStatusName(cublasStatus_t code) {
  return code == INVALID ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_OTHER";
}
EXPORT cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  return (*handle = calloc(1, 8)) != NULL ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}
EXPORT cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return free(handle), CUBLAS_STATUS_SUCCESS; }

EXPORT cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *made, cublasComputeType_t compute, cudaDataType scale) {
  if (compute != (scale == CUDA_R_32F ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F)) return INVALID;
  *made = calloc(1, sizeof **made);
  (*made)->single = scale == CUDA_R_32F;
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return free(desc), CUBLAS_STATUS_SUCCESS; }
EXPORT cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t which, const void *value,
                                                     size_t size) {
  if (size != sizeof(int32_t) || (which != CUBLASLT_MATMUL_DESC_TRANSA && which != CUBLASLT_MATMUL_DESC_TRANSB)) return INVALID;
  desc->transposed[which - CUBLASLT_MATMUL_DESC_TRANSA] = *(const int32_t *)value == CUBLAS_OP_T;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *made, cudaDataType type, uint64_t rows, uint64_t columns,
                                                 int64_t stride) {
  if (stride < (int64_t)rows) return INVALID;
  *made = calloc(1, sizeof **made);
  **made = (struct assay_lt_layout){type == CUDA_R_32F, rows, columns, stride};
  return CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return free(layout), CUBLAS_STATUS_SUCCESS; }

EXPORT cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *made) {
  return (*made = calloc(1, sizeof **made)) != NULL ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}
EXPORT cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return free(preference), CUBLAS_STATUS_SUCCESS;
}
EXPORT cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                           cublasLtMatmulPreferenceAttributes_t which, const void *value, size_t size) {
  if (which != CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES || size != sizeof(size_t)) return INVALID;
  memcpy(&preference->workspace, value, size);
  return CUBLAS_STATUS_SUCCESS;
}

/* Sizes as the product sees them have to fit together. */
static bool fits(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c) {
  uint64_t m = desc->transposed[0] ? a->columns : a->rows, k = desc->transposed[0] ? a->rows : a->columns;
  uint64_t deep = desc->transposed[1] ? b->columns : b->rows, n = desc->transposed[1] ? b->rows : b->columns;
  return m == c->rows && n == c->columns && k == deep && a->single == desc->single && b->single == desc->single &&
         c->single == desc->single;
}

EXPORT cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                                     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                     cublasLtMatmulPreference_t preference, int wanted,
                                                     cublasLtMatmulHeuristicResult_t *results, int *count) {
  if (handle == NULL || c != d || preference->workspace == 0 || wanted != 1 || !fits(desc, a, b, c)) return INVALID;
  *results = (cublasLtMatmulHeuristicResult_t){.algo = {.data = {42}}, .workspaceSize = preference->workspace};
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}

static double element(cublasLtMatrixLayout_t layout, const void *data, bool transposed, uint64_t row, uint64_t column) {
  uint64_t at = transposed ? column + row * (uint64_t)layout->stride : row + column * (uint64_t)layout->stride;
  return layout->single ? (double)((const float *)data)[at] : ((const double *)data)[at];
}

/* What is enqueued in the streams has to be done first: the driver's own wait does it. */
static void wait_for_streams(cudaStream_t stream) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  CUresult (*wait)(CUstream) = NULL;
  if (driver != NULL) *(void **)&wait = dlsym(driver, "cuStreamSynchronize");
  if (wait != NULL) wait(stream);
}

EXPORT cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,
                                     cublasLtMatrixLayout_t layout_a, const void *b, cublasLtMatrixLayout_t layout_b, const void *beta,
                                     const void *c, cublasLtMatrixLayout_t layout_c, void *d, cublasLtMatrixLayout_t layout_d,
                                     const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t workspace_bytes, cudaStream_t stream) {
  if (handle == NULL || algorithm->data[0] != 42 || workspace == NULL || workspace_bytes == 0 || c != d || layout_c != layout_d ||
      !fits(desc, layout_a, layout_b, layout_c))
    return INVALID;
  wait_for_streams(stream);
  double by = desc->single ? (double)*(const float *)alpha : *(const double *)alpha;
  double keep = desc->single ? (double)*(const float *)beta : *(const double *)beta;
  uint64_t depth = desc->transposed[0] ? layout_a->rows : layout_a->columns;
  for (uint64_t j = 0; j < layout_c->columns; j++) {
    for (uint64_t i = 0; i < layout_c->rows; i++) {
      uint64_t at = i + j * (uint64_t)layout_c->stride;
      double sum = keep == 0 ? 0 : keep * element(layout_c, c, false, i, j);
      for (uint64_t p = 0; p < depth; p++)
        sum += by * element(layout_a, a, desc->transposed[0], i, p) * element(layout_b, b, desc->transposed[1], p, j);
      if (desc->single) ((float *)d)[at] = (float)sum;
      if (!desc->single) ((double *)d)[at] = sum;
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}
