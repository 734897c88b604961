/* SPDX-License-Identifier: MIT */
/* What the ways to multiply matrices share, with devices too. */
#ifndef ASSAY_KERNELS_GEMM_GEMM_H
#define ASSAY_KERNELS_GEMM_GEMM_H

#include <assay/gemm.h>

#include <stdint.h>

/* The product with all strides filled in, m, n, k > 0 and alpha not 0. */
typedef assay_status (*assay_gemm_fn)(const assay_gemm_args *args, assay_error *err);

/* A library that may be here; where it is not, `cause` says why. */
typedef struct assay_gemm_backend {
  char name[64], cause[1000];
  assay_gemm_fn multiply;
  bool has[ASSAY_DTYPE_COUNT];
  bool here;
} assay_gemm_backend;

/* Each fills its backend once; called by one thread at a time. */
void assay_gemm_open_builtin(assay_gemm_backend *backend);
void assay_gemm_open_onednn(assay_gemm_backend *backend);
void assay_gemm_open_openblas(assay_gemm_backend *backend);

/* Kernels that OpenBLAS should use on a processor with this instruction set (its OPENBLAS_CORETYPE); NULL: it knows better. */
const char *assay_gemm_openblas_core(uint32_t isa);

/* Fills in the strides of tight rows, and how many bytes each matrix takes from its first element to its last. ASSAY_ERR_INVALID as
 * assay_gemm says; pointers are not looked at. */
typedef struct assay_gemm_bytes {
  size_t a, b, c;
} assay_gemm_bytes;
assay_status assay_gemm_check(assay_gemm_args *args, assay_error *err, assay_gemm_bytes *bytes);
/* C = beta * C; a beta of 0 does not read C. */
void assay_gemm_scale(assay_dtype type, void *c, size_t stride, size_t rows, size_t columns, double beta);

/* ---- The built-in kernel (builtin.c drives, micro.c is built once for each instruction set) ------------------------------------ */

/* Adds the product of packed panels to a tile of C: c[i][j] += a[p * rows + i] * b[p * columns + j] for p from 0 to k - 1, each fused. */
typedef void (*assay_gemm_micro)(size_t k, const void *a, const void *b, void *c, size_t stride_c);

/*
 * Packs up to a tile's worth of lines (rows of A, columns of B) of `depth` elements, times `by`: all lines' first elements, then their
 * second. Lines that are missing are zeros; their sums go nowhere. `line` and `step` are bytes from one line, and one element of k, to the
 * next.
 */
typedef void (*assay_gemm_pack)(void *out, const char *from, size_t lines, size_t depth, size_t line, size_t step, double by);

typedef struct assay_gemm_kernel {
  size_t rows, columns; /* of the tile */
  size_t depth;         /* elements of k at once: a panel of B has as many rows, and C is read and written again after each */
  size_t block_bytes;   /* of A that stay in L2 beside it */
  assay_gemm_micro micro;
  assay_gemm_pack pack_rows, pack_columns;
} assay_gemm_kernel;

enum { ASSAY_GEMM_MOST_TILE = 32 * 32 };

/* [0] for f64, [1] for f32. */
extern const assay_gemm_kernel assay_gemm_kernels_c[2];
#if defined(__x86_64__)
extern const assay_gemm_kernel assay_gemm_kernels_avx2[2], assay_gemm_kernels_avx512[2];
#elif defined(__aarch64__)
extern const assay_gemm_kernel assay_gemm_kernels_neon[2];
#endif

/* The kernels usable here, for tests: index from 0, NULL past the last; 0 is the scalar reference. */
const assay_gemm_kernel *assay_gemm_kernel_variant(size_t index, const char **isa);
/* The product with kernels of one variant. */
assay_status assay_gemm_builtin(const assay_gemm_kernel *kernels, const assay_gemm_args *args, assay_error *err);

#endif
