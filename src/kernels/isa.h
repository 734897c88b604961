/* SPDX-License-Identifier: MIT */
/* Instruction sets that kernels are built for, as far as both the CPU and the operating system allow them here. Thread-safe. */
#ifndef ASSAY_KERNELS_ISA_H
#define ASSAY_KERNELS_ISA_H

enum {
  ASSAY_ISA_SSE42 = 1,  /* x86-64-v2 */
  ASSAY_ISA_AVX2 = 2,   /* x86-64-v3: AVX2, FMA, F16C, BMI2 */
  ASSAY_ISA_AVX512 = 4, /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
  ASSAY_ISA_NEON = 8
};

unsigned assay_isa_usable(void);

#endif
