/* SPDX-License-Identifier: MIT */
/* Which instruction sets of this processor *and* operating system kernels may use. Pure and thread-safe. */
#ifndef ASSAY_OS_ISA_H
#define ASSAY_OS_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  ASSAY_ISA_BASE = 0, /* what the compiler may always assume */
  ASSAY_ISA_AVX2 = 1 << 0,
  ASSAY_ISA_FMA = 1 << 1,
  ASSAY_ISA_AVX512 = 1 << 2, /* F, BW, CD, DQ and VL together */
  ASSAY_ISA_AVX512_FP16 = 1 << 3,
  ASSAY_ISA_AVX512_BF16 = 1 << 4,
  ASSAY_ISA_AVX512_VNNI = 1 << 5,
  ASSAY_ISA_AVX_VNNI = 1 << 6,
  ASSAY_ISA_ARM_FP16 = 1 << 7,
  ASSAY_ISA_ARM_BF16 = 1 << 8,
  ASSAY_ISA_ARM_DOTPROD = 1 << 9,
  ASSAY_ISA_ARM_I8MM = 1 << 10,
  ASSAY_ISA_SSE42 = 1 << 11, /* with POPCNT */
  ASSAY_ISA_F16C = 1 << 12,
  ASSAY_ISA_BMI2 = 1 << 13,
  ASSAY_ISA_NEON = 1 << 14,
  /* What the compilers' -march=x86-64-v2, v3 and v4 may use (the rest of a level came with these on every processor). */
  ASSAY_ISA_X86_64_V2 = ASSAY_ISA_SSE42,
  ASSAY_ISA_X86_64_V3 = ASSAY_ISA_X86_64_V2 | ASSAY_ISA_AVX2 | ASSAY_ISA_FMA | ASSAY_ISA_F16C | ASSAY_ISA_BMI2,
  ASSAY_ISA_X86_64_V4 = ASSAY_ISA_X86_64_V3 | ASSAY_ISA_AVX512,
};

uint32_t assay_isa_usable(void);
/* A square root of eight doubles takes the divider some 24 cycles (Intel), not 8 (Zen 5): two ways at once are then faster. */
bool assay_isa_has_slow_roots(void);
/* Names of the bits in `isa` that are missing from `have`, such as "AVX-512 FP16"; writes at most `size` bytes and returns `out`. */
const char *assay_isa_missing(uint32_t isa, uint32_t have, char *out, size_t size);

#endif
