/* SPDX-License-Identifier: MIT */
/* Which instruction sets of this processor *and* operating system the ceilings' kernels may use. Pure and thread-safe. */
#ifndef ASSAY_CEILINGS_ISA_H
#define ASSAY_CEILINGS_ISA_H

#include <stddef.h>
#include <stdint.h>

enum {
  ASSAY_ISA_BASE = 0, /* what the compiler may always assume */
  ASSAY_ISA_AVX2 = 1 << 0,
  ASSAY_ISA_FMA = 1 << 1,
  ASSAY_ISA_AVX512 = 1 << 2, /* F, BW, DQ and VL together */
  ASSAY_ISA_AVX512_FP16 = 1 << 3,
  ASSAY_ISA_AVX512_BF16 = 1 << 4,
  ASSAY_ISA_AVX512_VNNI = 1 << 5,
  ASSAY_ISA_AVX_VNNI = 1 << 6,
  ASSAY_ISA_ARM_FP16 = 1 << 7,
  ASSAY_ISA_ARM_BF16 = 1 << 8,
  ASSAY_ISA_ARM_DOTPROD = 1 << 9,
  ASSAY_ISA_ARM_I8MM = 1 << 10,
};

uint32_t assay_ceilings_isa(void);
/* Names of the bits in `isa` that are missing from `have`, such as "AVX-512 FP16"; writes at most `size` bytes and returns `out`. */
const char *assay_ceilings_isa_missing(uint32_t isa, uint32_t have, char *out, size_t size);

#endif
