/* SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"

#include <string.h>

#include "kernels/indicators/indicators.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "kernels/montecarlo/sobol.h"
#include "kernels/options/options.h"
#include "kernels/risk/keep.h"
#include "kernels/risk/products.h"
#include "kernels/risk/scenarios.h"

#define DECLARE(name, bits, variant) extern void assay_kernel_##name##_f##bits##_##variant(const void *, void *const *, size_t, size_t);
#if defined(__x86_64__)
#define KERNEL(name, bits, file, buffers, params) \
  DECLARE(name, bits, c) DECLARE(name, bits, sse42) DECLARE(name, bits, avx2) DECLARE(name, bits, avx512)
#define VARIANTS(name, bits)                                                                                        \
  {                                                                                                                 \
    assay_kernel_##name##_f##bits##_c, assay_kernel_##name##_f##bits##_sse42, assay_kernel_##name##_f##bits##_avx2, \
        assay_kernel_##name##_f##bits##_avx512                                                                      \
  }
#elif defined(__aarch64__)
#define KERNEL(name, bits, file, buffers, params) DECLARE(name, bits, c) DECLARE(name, bits, neon)
#define VARIANTS(name, bits) \
  { assay_kernel_##name##_f##bits##_c, assay_kernel_##name##_f##bits##_neon }
#else
#define KERNEL(name, bits, file, buffers, params) DECLARE(name, bits, c)
#define VARIANTS(name, bits) \
  { assay_kernel_##name##_f##bits##_c }
#endif
#include "kernels/kernels.def"
#undef KERNEL

static const assay_kernel kernels[] = {
#define ROW(name, bits, file, buffers, params, follows) \
  {#name "_f" #bits, file, bits, buffers, sizeof(params), follows, VARIANTS(name, bits)},
#define KERNEL(name, bits, file, buffers, params) ROW(name, bits, file, buffers, params, false)
#define KERNEL_THAT_FOLLOWS(name, bits, file, buffers, params) ROW(name, bits, file, buffers, params, true)
#include "kernels/kernels.def"
#undef KERNEL
};

const assay_kernel *assay_kernel_table(size_t *count) {
  *count = sizeof kernels / sizeof *kernels;
  return kernels;
}

const assay_kernel *assay_kernel_find(const char *name) {
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
  }
  return NULL;
}

assay_kernel_fn assay_kernel_function(const assay_kernel *kernel, const char **isa) {
  size_t variant = assay_kernel_variant_best();
  if (isa != NULL) *isa = assay_kernel_variant_text(variant);
  return kernel->variants[variant];
}
