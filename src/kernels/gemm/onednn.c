/* SPDX-License-Identifier: MIT */
/* oneDNN's BLAS-like entry: row-major, f32 only. Declared here, so that its headers are not needed to build. */
#include <stdio.h>

#include "kernels/gemm/gemm.h"
#include "os/library.h"

/* The head of its dnnl_version_t, which has grown at its end. */
typedef struct version {
  int major, minor, patch;
} version;

enum { OUT_OF_MEMORY = 1 }; /* of its status codes */

/* In the order of `symbols` below. */
static struct {
  int (*sgemm)(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t stride_a,
               const float *b, int64_t stride_b, float beta, float *c, int64_t stride_c);
  const version *(*version)(void);
} dnnl;

static assay_status multiply(const assay_gemm_args *args, assay_error *err) {
  int failed = dnnl.sgemm(args->transpose_a ? 'T' : 'N', args->transpose_b ? 'T' : 'N', (int64_t)args->m, (int64_t)args->n,
                          (int64_t)args->k, (float)args->alpha, args->a, (int64_t)args->stride_a, args->b, (int64_t)args->stride_b,
                          (float)args->beta, args->c, (int64_t)args->stride_c);
  if (failed == 0) return ASSAY_OK;
  return ASSAY_FAIL(err, failed == OUT_OF_MEMORY ? ASSAY_ERR_NO_MEMORY : ASSAY_ERR_INTERNAL,
                    "oneDNN refuses a product of %zu x %zu x %zu (its status %d)", args->m, args->n, args->k, failed);
}

void assay_gemm_open_onednn(assay_gemm_backend *backend) {
  static const char *const names[] = {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", "libdnnl.3.dylib", "libdnnl.dylib", NULL};
  static const char *const symbols[] = {"dnnl_sgemm", "dnnl_version", NULL};
  assay_error err = {0};
  if (assay_library_load(names, symbols, (void **)&dnnl, "a product by oneDNN", "libdnnl2 or libdnnl3", &err) != ASSAY_OK) {
    snprintf(backend->cause, sizeof backend->cause, "%s", err.message);
    return;
  }
  const version *is = dnnl.version();
  snprintf(backend->name, sizeof backend->name, "oneDNN %d.%d.%d", is->major, is->minor, is->patch);
  backend->multiply = multiply;
  backend->has[ASSAY_F32] = true;
  backend->here = true;
}
