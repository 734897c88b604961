/* SPDX-License-Identifier: MIT */
/*
 * Matrix products by cuBLASLt, loaded when the first is asked for; types, numbers and signatures are typed from its published
 * documentation, as in api.h, and held against the real header by tests/unit/gpu/check_cublas_api.c.
 */
#ifndef ASSAY_DEVICE_CUDA_GEMM_H
#define ASSAY_DEVICE_CUDA_GEMM_H

#include "device/backend.h"
#include "device/cuda/api.h"

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
typedef int cublasStatus_t, cudaDataType, cublasComputeType_t;
typedef int cublasLtMatmulDescAttributes_t, cublasLtMatmulPreferenceAttributes_t;
typedef struct cublasLtContext *cublasLtHandle_t;
typedef struct assay_lt_desc *cublasLtMatmulDesc_t;
typedef struct assay_lt_layout *cublasLtMatrixLayout_t;
typedef struct assay_lt_preference *cublasLtMatmulPreference_t;
typedef struct CUstream_st *cudaStream_t;
typedef struct cublasLtMatmulAlgo_t {
  uint64_t data[8];
} cublasLtMatmulAlgo_t;
typedef struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
} cublasLtMatmulHeuristicResult_t;
#endif

/* X(name, value) */
#define ASSAY_LT_NUMBERS(X)          \
  X(CUBLAS_STATUS_SUCCESS, 0)        \
  X(CUBLAS_STATUS_ALLOC_FAILED, 3)   \
  X(CUBLAS_STATUS_INVALID_VALUE, 7)  \
  X(CUBLAS_STATUS_NOT_SUPPORTED, 15) \
  X(CUBLAS_OP_N, 0)                  \
  X(CUBLAS_OP_T, 1)                  \
  X(CUDA_R_32F, 0)                   \
  X(CUDA_R_64F, 1)                   \
  X(CUBLAS_COMPUTE_32F, 68)          \
  X(CUBLAS_COMPUTE_64F, 70)          \
  X(CUBLASLT_MATMUL_DESC_TRANSA, 3)  \
  X(CUBLASLT_MATMUL_DESC_TRANSB, 4)  \
  X(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1)

/* X(result, name, arguments) */
#define ASSAY_LT_FUNCTIONS(X)                                                                                                          \
  X(size_t, cublasLtGetVersion, (void))                                                                                                \
  X(const char *, cublasLtGetStatusName, (cublasStatus_t))                                                                             \
  X(cublasStatus_t, cublasLtCreate, (cublasLtHandle_t *))                                                                              \
  X(cublasStatus_t, cublasLtDestroy, (cublasLtHandle_t))                                                                               \
  X(cublasStatus_t, cublasLtMatmulDescCreate, (cublasLtMatmulDesc_t *, cublasComputeType_t, cudaDataType))                             \
  X(cublasStatus_t, cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t))                                                                 \
  X(cublasStatus_t, cublasLtMatmulDescSetAttribute, (cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void *, size_t))      \
  X(cublasStatus_t, cublasLtMatrixLayoutCreate, (cublasLtMatrixLayout_t *, cudaDataType, uint64_t, uint64_t, int64_t))                 \
  X(cublasStatus_t, cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t))                                                             \
  X(cublasStatus_t, cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t *))                                                    \
  X(cublasStatus_t, cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t))                                                     \
  X(cublasStatus_t, cublasLtMatmulPreferenceSetAttribute,                                                                              \
    (cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t, const void *, size_t))                                          \
  X(cublasStatus_t, cublasLtMatmulAlgoGetHeuristic,                                                                                    \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,                   \
     cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t *, int *))                               \
  X(cublasStatus_t, cublasLtMatmul,                                                                                                    \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, const void *, const void *, cublasLtMatrixLayout_t, const void *, cublasLtMatrixLayout_t, \
     const void *, const void *, cublasLtMatrixLayout_t, void *, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t *, void *, size_t, \
     cudaStream_t))

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
enum {
#define ASSAY_LT_ENUM(name, value) name = value,
  ASSAY_LT_NUMBERS(ASSAY_LT_ENUM)
#undef ASSAY_LT_ENUM
};
#endif

/* What one stream needs for products; zero-initialise. The plan is that of its last product: many products are alike. */
typedef struct assay_cu_gemm {
  cublasLtHandle_t handle;
  struct assay_cu_gemm_plan *plan;
} assay_cu_gemm;

/* NVIDIA's advice for Hopper: with less, its best kernels are left out. */
enum { ASSAY_CU_GEMM_ROOM = 32 << 20 };

/* In the current context, enqueued in `stream`, which has `room` (ASSAY_CU_GEMM_ROOM bytes) to itself meanwhile. `device` is its name, for
 * messages. */
assay_status assay_cu_gemm_multiply(assay_cu_gemm *gemm, const char *device, CUstream stream, const struct assay_gemm_args *args,
                                    CUdeviceptr a, CUdeviceptr b, CUdeviceptr c, CUdeviceptr room, assay_error *err);
void assay_cu_gemm_deinit(assay_cu_gemm *gemm);
/* Whether cuBLASLt can be loaded. */
bool assay_cu_gemm_here(void);

#endif
