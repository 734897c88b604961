/* SPDX-License-Identifier: MIT */
/*
 * A row-major matrix is its own transpose in cuBLASLt's column-major order, so C = op(A) op(B) is computed as C' = op(B)' op(A)': the
 * operands change places and nothing is transposed that the caller did not ask for. f32 is multiplied in f32, never in TF32, whose ten bits
 * nobody asked for.
 */
#include "device/cuda/gemm.h"

#include <assay/gemm.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/library.h"

/* Which of its kernels to use is asked once for products of one shape: asking takes longer than a small product. */
typedef struct assay_cu_gemm_plan {
  assay_gemm_args shape; /* without factors and pointers */
  cublasLtMatmulDesc_t product;
  cublasLtMatrixLayout_t a, b, c;
  cublasLtMatmulAlgo_t algorithm;
} assay_cu_gemm_plan;

#define FIELD(result, name, arguments) result(*name) arguments;
#define NAME(result, name, arguments) #name,
static struct { ASSAY_LT_FUNCTIONS(FIELD) } lt;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static assay_error load_failure;

static void load(void) {
  static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so", NULL};
  static const char *const symbols[] = {ASSAY_LT_FUNCTIONS(NAME) NULL};
  assay_library_load(names, symbols, (void **)&lt, "a matrix product on a CUDA device", "libcublas (NVIDIA's CUDA toolkit)", &load_failure);
}

bool assay_cu_gemm_here(void) {
  pthread_once(&load_once, load);
  return load_failure.status == ASSAY_OK;
}

static assay_status fail(cublasStatus_t code, const char *device, const char *what, assay_error *err) {
  /* But for a wrong argument, which is ours, the library or the device does not do it: somebody else may. A device that is lost says so to
   * the next call of the driver's. */
  assay_status status = code == CUBLAS_STATUS_ALLOC_FAILED    ? ASSAY_ERR_NO_MEMORY
                        : code == CUBLAS_STATUS_INVALID_VALUE ? ASSAY_ERR_INTERNAL
                                                              : ASSAY_ERR_UNSUPPORTED;
  return ASSAY_FAIL(err, status, "%s failed on %s: cuBLASLt's %s", what, device, lt.cublasLtGetStatusName(code));
}

static void destroy_plan(assay_cu_gemm_plan *plan) {
  if (plan == NULL) return;
  if (plan->a != NULL) lt.cublasLtMatrixLayoutDestroy(plan->a);
  if (plan->b != NULL) lt.cublasLtMatrixLayoutDestroy(plan->b);
  if (plan->c != NULL) lt.cublasLtMatrixLayoutDestroy(plan->c);
  if (plan->product != NULL) lt.cublasLtMatmulDescDestroy(plan->product);
  assay_free(plan);
}

void assay_cu_gemm_deinit(assay_cu_gemm *gemm) {
  destroy_plan(gemm->plan);
  if (gemm->handle != NULL) lt.cublasLtDestroy(gemm->handle);
  *gemm = (assay_cu_gemm){0};
}

static assay_status open_gemm(assay_cu_gemm *gemm, const char *device, assay_error *err) {
  if (!assay_cu_gemm_here()) return ASSAY_FAIL(err, load_failure.status, "%s", load_failure.message);
  if (gemm->handle != NULL) return ASSAY_OK;
  cublasStatus_t code = lt.cublasLtCreate(&gemm->handle);
  return code == CUBLAS_STATUS_SUCCESS ? ASSAY_OK : fail(code, device, "opening cuBLASLt", err);
}

/* ---- Plans ------------------------------------------------------------------------------------------------------------------------ */

static assay_gemm_args shape_of(const assay_gemm_args *args) {
  assay_gemm_args shape;
  memset(&shape, 0, sizeof shape); /* shapes are compared as bytes */
  shape.type = args->type;
  shape.transpose_a = args->transpose_a, shape.transpose_b = args->transpose_b;
  shape.m = args->m, shape.n = args->n, shape.k = args->k;
  shape.stride_a = args->stride_a, shape.stride_b = args->stride_b, shape.stride_c = args->stride_c;
  return shape;
}

/* What is stored row by row with `columns` columns has as many rows in column-major order. */
static cublasStatus_t layout(cublasLtMatrixLayout_t *made, cudaDataType type, size_t rows, size_t columns, size_t stride) {
  return lt.cublasLtMatrixLayoutCreate(made, type, columns, rows, (int64_t)stride);
}

static cublasStatus_t describe(assay_cu_gemm_plan *plan) {
  const assay_gemm_args *s = &plan->shape;
  bool single = s->type == ASSAY_F32, ta = s->transpose_a, tb = s->transpose_b;
  cudaDataType type = single ? CUDA_R_32F : CUDA_R_64F;
  int32_t first = tb ? CUBLAS_OP_T : CUBLAS_OP_N, second = ta ? CUBLAS_OP_T : CUBLAS_OP_N;
  cublasStatus_t code = lt.cublasLtMatmulDescCreate(&plan->product, single ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F, type);
  if (code == CUBLAS_STATUS_SUCCESS)
    code = lt.cublasLtMatmulDescSetAttribute(plan->product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first);
  if (code == CUBLAS_STATUS_SUCCESS)
    code = lt.cublasLtMatmulDescSetAttribute(plan->product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second);
  if (code == CUBLAS_STATUS_SUCCESS) code = layout(&plan->a, type, ta ? s->k : s->m, ta ? s->m : s->k, s->stride_a);
  if (code == CUBLAS_STATUS_SUCCESS) code = layout(&plan->b, type, tb ? s->n : s->k, tb ? s->k : s->n, s->stride_b);
  if (code == CUBLAS_STATUS_SUCCESS) code = layout(&plan->c, type, s->m, s->n, s->stride_c);
  return code;
}

static cublasStatus_t choose(cublasLtHandle_t handle, assay_cu_gemm_plan *plan) {
  cublasLtMatmulPreference_t preference = NULL;
  cublasLtMatmulHeuristicResult_t best;
  size_t workspace = ASSAY_CU_GEMM_ROOM;
  int count = 0;
  memset(&best, 0, sizeof best);
  cublasStatus_t code = lt.cublasLtMatmulPreferenceCreate(&preference);
  if (code != CUBLAS_STATUS_SUCCESS) return code;
  code = lt.cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
  if (code == CUBLAS_STATUS_SUCCESS)
    code = lt.cublasLtMatmulAlgoGetHeuristic(handle, plan->product, plan->b, plan->a, plan->c, plan->c, preference, 1, &best, &count);
  if (code == CUBLAS_STATUS_SUCCESS) code = count > 0 ? best.state : CUBLAS_STATUS_NOT_SUPPORTED;
  plan->algorithm = best.algo;
  lt.cublasLtMatmulPreferenceDestroy(preference);
  return code;
}

static assay_status plan_for(assay_cu_gemm *gemm, const char *device, const assay_gemm_args *args, assay_error *err) {
  assay_gemm_args shape = shape_of(args);
  if (gemm->plan != NULL && memcmp(&gemm->plan->shape, &shape, sizeof shape) == 0) return ASSAY_OK;
  assay_cu_gemm_plan *plan = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *plan);
  if (plan == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to plan a matrix product");
  memcpy(&plan->shape, &shape, sizeof shape);
  cublasStatus_t code = describe(plan);
  if (code == CUBLAS_STATUS_SUCCESS) code = choose(gemm->handle, plan);
  if (code != CUBLAS_STATUS_SUCCESS) {
    char what[120];
    snprintf(what, sizeof what, "planning a matrix product of %zu x %zu x %zu", args->m, args->n, args->k);
    destroy_plan(plan);
    return fail(code, device, what, err);
  }
  destroy_plan(gemm->plan);
  gemm->plan = plan;
  return ASSAY_OK;
}

/* The driver's addresses are numbers, cuBLASLt's are pointers. */
static void *pointer(CUdeviceptr address) { return (void *)(uintptr_t)address; }

assay_status assay_cu_gemm_multiply(assay_cu_gemm *gemm, const char *device, CUstream stream, const assay_gemm_args *args, CUdeviceptr a,
                                    CUdeviceptr b, CUdeviceptr c, CUdeviceptr room, assay_error *err) {
  assay_status status = open_gemm(gemm, device, err);
  if (status == ASSAY_OK) status = plan_for(gemm, device, args, err);
  if (status != ASSAY_OK) return status;
  const assay_cu_gemm_plan *plan = gemm->plan;
  const float alpha32 = (float)args->alpha, beta32 = (float)args->beta;
  bool single = args->type == ASSAY_F32;
  const void *alpha = single ? (const void *)&alpha32 : &args->alpha, *beta = single ? (const void *)&beta32 : &args->beta;
  cublasStatus_t code = lt.cublasLtMatmul(gemm->handle, plan->product, alpha, pointer(b), plan->b, pointer(a), plan->a, beta, pointer(c),
                                          plan->c, pointer(c), plan->c, &plan->algorithm, pointer(room), ASSAY_CU_GEMM_ROOM, stream);
  return code == CUBLAS_STATUS_SUCCESS ? ASSAY_OK : fail(code, device, "a matrix product", err);
}
