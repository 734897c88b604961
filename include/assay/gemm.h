/* SPDX-License-Identifier: MIT */
/*
 * assay/gemm.h: C = alpha * op(A) op(B) + beta * C for dense matrices in f64 and f32, by the best library that this machine has.
 *
 *     float a[2 * 3] = {1, 2, 3, 4, 5, 6}, b[3 * 2] = {1, 0, 0, 1, 1, 1}, c[2 * 2];
 *     assay_error err = {0};
 *     assay_gemm_args args = {.type = ASSAY_F32, .m = 2, .n = 2, .k = 3, .alpha = 1, .a = a, .b = b, .c = c};
 *     if (assay_gemm(&args, ASSAY_GEMM_AUTO, &err) != ASSAY_OK) fprintf(stderr, "%s\n", err.message);
 *     printf("%g, by %s\n", c[3], assay_gemm_choice(ASSAY_F32)->name); // 11, by oneDNN 2.6.0
 *
 * Matrices are row-major: op(A) is m x k, op(B) is k x n, C is m x n. Libraries are loaded when the first product asks for one: oneDNN,
 * then OpenBLAS; without them the built-in kernel works everywhere. The environment variable ASSAY_GEMM names one of
 * onednn, openblas, builtin instead.
 *
 * The built-in kernel gives the same bits on every instruction set: each element is one chain of fused multiply-adds
 * over k in ascending order, starting at beta * C, over (alpha * A) * B. Libraries add in an order of their own, and theirs may depend on
 * the processor and on the number of threads.
 *
 * NaN and infinity in A, B and C go through as IEEE 754 has it; with beta = 0 what was in C is not read, and with alpha = 0 or k = 0 A and
 * B are not.
 *
 * Thread-safe. The libraries have threads of their own: OMP_NUM_THREADS (both) and OPENBLAS_NUM_THREADS say how many. The built-in kernel
 * runs in the caller's thread. OpenBLAS reads the kind of processor from the environment while it is being loaded: unless OPENBLAS_CORETYPE
 * is set, it is for that moment, the first call of assay_gemm or assay_gemm_choice. A program whose other threads read or write the
 * environment (getenv, setenv) makes that call before it starts them, or sets the variable itself.
 */
#ifndef ASSAY_GEMM_H
#define ASSAY_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include <assay/elementwise.h>
#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_gemm_library {
  ASSAY_GEMM_AUTO,     /* what assay_gemm_choice says */
  ASSAY_GEMM_BUILTIN,  /* always there */
  ASSAY_GEMM_ONEDNN,   /* f32 only */
  ASSAY_GEMM_OPENBLAS, /* f64, f32 */
  ASSAY_GEMM_LIBRARY_COUNT
} assay_gemm_library;

/* Strides are elements from one row to the next as the matrix is stored (a transposed A is stored k x m); 0: rows lie tight. */
typedef struct assay_gemm_args {
  assay_dtype type; /* ASSAY_F64 or ASSAY_F32, of all three */
  bool transpose_a, transpose_b;
  size_t m, n, k;     /* any may be 0 */
  double alpha, beta; /* finite; rounded to `type` */
  const void *a, *b;
  void *c; /* must not overlap a or b */
  size_t stride_a, stride_b, stride_c;
} assay_gemm_args;

/* ASSAY_ERR_INVALID: a type, factor, pointer, stride or ASSAY_GEMM that cannot be; C is untouched. ASSAY_ERR_UNSUPPORTED: the library that
 * was asked for is not here or has no such type. ASSAY_ERR_NO_MEMORY: no room for the built-in kernel's packed blocks (about 5 MB at most).
 */
ASSAY_API assay_status assay_gemm(const assay_gemm_args *args, assay_gemm_library library, assay_error *err);

typedef struct assay_gemm_chosen {
  assay_gemm_library library; /* AUTO: none, since ASSAY_GEMM names no library; products that leave the choice to AUTO are refused */
  const char *name;           /* with version and kernels: "OpenBLAS 0.3.21 (Haswell)", "built in (avx2)" */
  const char *reason;         /* why this one, and why not those before it */
} assay_gemm_chosen;

/* What AUTO means for a type here; NULL for types other than f64 and f32. Decided at the first call, then always the same. Static. */
ASSAY_API const assay_gemm_chosen *assay_gemm_choice(assay_dtype type);
/* Name of a library with version, or NULL when it is not here; then `cause` (may be NULL) receives a text that says why. Static. */
ASSAY_API const char *assay_gemm_library_name(assay_gemm_library library, const char **cause);

#ifdef __cplusplus
}
#endif
#endif
