/* SPDX-License-Identifier: MIT */
/* OpenBLAS through its C interface. Declared here, so that its headers are not needed to build. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm/gemm.h"
#include "os/isa.h"
#include "os/library.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

/* In the order of `symbols` below. */
static struct {
  void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int stride_a, const float *b,
                int stride_b, float beta, float *c, int stride_c);
  void (*dgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double *a, int stride_a,
                const double *b, int stride_b, double beta, double *c, int stride_c);
  char *(*config)(void);
  char *(*core)(void);
} blas;

static assay_status multiply(const assay_gemm_args *args, assay_error *err) {
  const size_t sizes[] = {args->m, args->n, args->k, args->stride_a, args->stride_b, args->stride_c};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (sizes[i] > INT_MAX)
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "OpenBLAS multiplies up to %d rows and columns, not %zu", INT_MAX, sizes[i]);
  }
  int a = args->transpose_a ? TRANSPOSED : PLAIN, b = args->transpose_b ? TRANSPOSED : PLAIN;
  int m = (int)args->m, n = (int)args->n, k = (int)args->k;
  int stride_a = (int)args->stride_a, stride_b = (int)args->stride_b, stride_c = (int)args->stride_c;
  if (args->type == ASSAY_F32)
    blas.sgemm(ROW_MAJOR, a, b, m, n, k, (float)args->alpha, args->a, stride_a, args->b, stride_b, (float)args->beta, args->c, stride_c);
  else
    blas.dgemm(ROW_MAJOR, a, b, m, n, k, args->alpha, args->a, stride_a, args->b, stride_b, args->beta, args->c, stride_c);
  return ASSAY_OK;
}

/*
 * A release knows the processors of its day: 0.3.21 takes a recent Xeon for a Prescott of 2004 and multiplies five times slower than
 * that Xeon can. So the kernels are named by what the processor can do. Haswell's use AVX2 and FMA, SkylakeX's AVX-512; both are the
 * fastest, or within 2 % of it, also on AMD's processors of that width (Zen 4 without AVX-512, 2048: Haswell 82, Zen 80 GFLOP/s in f32).
 */
const char *assay_gemm_openblas_core(uint32_t isa) {
  if ((isa & ASSAY_ISA_X86_64_V4) == ASSAY_ISA_X86_64_V4) return "SKYLAKEX";
  if ((isa & ASSAY_ISA_X86_64_V3) == ASSAY_ISA_X86_64_V3) return "HASWELL";
  return NULL;
}

/* It reads its core type once, while it is being loaded. The environment is left as it was, for the processes that are started later. */
static assay_status load(assay_error *err) {
  static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", NULL};
  static const char *const symbols[] = {"cblas_sgemm", "cblas_dgemm", "openblas_get_config", "openblas_get_corename", NULL};
  const char *core = getenv("OPENBLAS_CORETYPE") == NULL ? assay_gemm_openblas_core(assay_isa_usable()) : NULL;
  if (core != NULL) setenv("OPENBLAS_CORETYPE", core, 0);
  assay_status status = assay_library_load(names, symbols, (void **)&blas, "a product by OpenBLAS", "libopenblas0", err);
  if (core != NULL) unsetenv("OPENBLAS_CORETYPE");
  return status;
}

void assay_gemm_open_openblas(assay_gemm_backend *backend) {
  assay_error err = {0};
  if (load(&err) != ASSAY_OK) {
    snprintf(backend->cause, sizeof backend->cause, "%s", err.message);
    return;
  }
  /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": its name and version are the first two words. */
  const char *config = blas.config(), *rest = strchr(config, ' ');
  size_t length = rest != NULL ? (size_t)(rest - config) + 1 + strcspn(rest + 1, " ") : strlen(config);
  snprintf(backend->name, sizeof backend->name, "%.*s (%s)", (int)length, config, blas.core());
  backend->multiply = multiply;
  backend->has[ASSAY_F64] = backend->has[ASSAY_F32] = true;
  backend->here = true;
}
