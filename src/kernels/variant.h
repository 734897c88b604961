/* SPDX-License-Identifier: MIT */
/* The instruction sets that kernels are built for, in ascending order; the scalar reference "c" is first. */
#ifndef ASSAY_KERNELS_VARIANT_H
#define ASSAY_KERNELS_VARIANT_H

#include <stddef.h>

#include <assay/status.h>

/* X(name of the build, name for people, ASSAY_ISA_ bits needed) */
#if defined(__x86_64__)
#define ASSAY_KERNEL_VARIANTS(X)          \
  X(c, "c", 0)                            \
  X(sse42, "sse4.2", ASSAY_ISA_X86_64_V2) \
  X(avx2, "avx2", ASSAY_ISA_X86_64_V3)    \
  X(avx512, "avx512", ASSAY_ISA_X86_64_V4)
#elif defined(__aarch64__)
#define ASSAY_KERNEL_VARIANTS(X) \
  X(c, "c", 0)                   \
  X(neon, "neon", ASSAY_ISA_NEON)
#else
#define ASSAY_KERNEL_VARIANTS(X) X(c, "c", 0)
#endif

enum {
#define ASSAY_KERNEL_VARIANT_ENUM(name, text, needs) ASSAY_KERNEL_VARIANT_##name,
  ASSAY_KERNEL_VARIANTS(ASSAY_KERNEL_VARIANT_ENUM)
#undef ASSAY_KERNEL_VARIANT_ENUM
      ASSAY_KERNEL_VARIANT_COUNT
};

/* The best that this CPU has and ASSAY_ISA (a comma list of names, or of levels: x86-64-v3 allows all that it has) allows; the reference
 * when it allows none that this CPU has. Names that are none do not count; if there are no others, nothing was said. Thread-safe. */
size_t assay_kernel_variant_best(void);
/* ASSAY_ERR_INVALID names what in ASSAY_ISA is no name. */
assay_status assay_kernel_variant_check(assay_error *err);
/* The index-th that this CPU has, from 0, whatever ASSAY_ISA says; ASSAY_KERNEL_VARIANT_COUNT past the last. */
size_t assay_kernel_variant_usable(size_t index);
const char *assay_kernel_variant_text(size_t variant);

#endif
