/* SPDX-License-Identifier: MIT */
#include "os/isa.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"

static const struct {
  uint32_t bit;
  const char *name;
} names[] = {
    {ASSAY_ISA_AVX2, "AVX2"},
    {ASSAY_ISA_FMA, "FMA"},
    {ASSAY_ISA_AVX512, "AVX-512"},
    {ASSAY_ISA_AVX512_FP16, "AVX-512 FP16"},
    {ASSAY_ISA_AVX512_BF16, "AVX-512 BF16"},
    {ASSAY_ISA_AVX512_VNNI, "AVX-512 VNNI"},
    {ASSAY_ISA_AVX_VNNI, "AVX-VNNI"},
    {ASSAY_ISA_ARM_FP16, "half-precision arithmetic (FEAT_FP16)"},
    {ASSAY_ISA_ARM_BF16, "bfloat16 (FEAT_BF16)"},
    {ASSAY_ISA_ARM_DOTPROD, "int8 dot product (FEAT_DotProd)"},
    {ASSAY_ISA_ARM_I8MM, "int8 matrix product (FEAT_I8MM)"},
    {ASSAY_ISA_SSE42, "SSE4.2"},
    {ASSAY_ISA_F16C, "F16C"},
    {ASSAY_ISA_BMI2, "BMI2"},
    {ASSAY_ISA_NEON, "NEON"},
};

const char *assay_isa_missing(uint32_t isa, uint32_t have, char *out, size_t size) {
  size_t used = 0;
  if (size > 0) out[0] = '\0';
  for (size_t i = 0; i < sizeof names / sizeof *names && used < size; i++) {
    if ((isa & ~have & names[i].bit) != 0) used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", names[i].name);
  }
  return out;
}

#if defined(__x86_64__)
#include <cpuid.h>

/* Own cpuid instead of __builtin_cpu_supports: clang 14 does not know the newer names there. */
static uint64_t enabled_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

uint32_t assay_isa_usable(void) {
  unsigned a, b, c, d, b7, c7, d7, a71 = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  bool has_xsave = (c >> 27 & 1) != 0, has_avx = (c >> 28 & 1) != 0, has_fma = (c >> 12 & 1) != 0;
  uint32_t isa = (c >> 20 & 1) != 0 && (c >> 23 & 1) != 0 ? ASSAY_ISA_SSE42 : 0;
  bool has_f16c = (c >> 29 & 1) != 0;
  if (!has_xsave || !has_avx || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) return isa;
  if (a >= 1) {
    unsigned ignored_b, ignored_c, ignored_d;
    __cpuid_count(7, 1, a71, ignored_b, ignored_c, ignored_d);
  }
  uint64_t state = enabled_state();
  if ((state & 0x6) != 0x6) return isa; /* the system does not save ymm registers */
  if ((b7 >> 5 & 1) != 0) isa |= ASSAY_ISA_AVX2;
  if (has_fma) isa |= ASSAY_ISA_FMA;
  if (has_f16c) isa |= ASSAY_ISA_F16C;
  if ((b7 >> 8 & 1) != 0) isa |= ASSAY_ISA_BMI2;
  if ((a71 >> 4 & 1) != 0) isa |= ASSAY_ISA_AVX_VNNI;
  const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* F, DQ, CD, BW, VL */
  if ((state & 0xe6) != 0xe6 || (b7 & avx512) != avx512) return isa;            /* nor zmm and mask registers */
  isa |= ASSAY_ISA_AVX512;
  if ((d7 >> 23 & 1) != 0) isa |= ASSAY_ISA_AVX512_FP16;
  if ((a71 >> 5 & 1) != 0) isa |= ASSAY_ISA_AVX512_BF16;
  if ((c7 >> 11 & 1) != 0) isa |= ASSAY_ISA_AVX512_VNNI;
  return isa;
}

static bool is_intel(void) {
  unsigned a, b, c, d;
  return __get_cpuid(0, &a, &b, &c, &d) != 0 && b == signature_INTEL_ebx && c == signature_INTEL_ecx && d == signature_INTEL_edx;
}

/* Asked once: a virtual machine stops for each CPUID, microseconds that a short series would notice. */
bool assay_isa_has_slow_roots(void) {
  enum { UNKNOWN, NO, YES };
  static int known;
  int now = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (now == UNKNOWN) {
    now = is_intel() ? YES : NO;
    __atomic_store_n(&known, now, __ATOMIC_RELAXED);
  }
  return now == YES;
}

#elif defined(__aarch64__)

#if defined(__APPLE__)
/* Every Apple Silicon has FP16 and DotProd; BF16 and I8MM came with the M2 and are not assumed. */
uint32_t assay_isa_usable(void) { return ASSAY_ISA_NEON | ASSAY_ISA_ARM_FP16 | ASSAY_ISA_ARM_DOTPROD; }
#else
/* The kernel hands the feature bits to every process in its auxiliary vector (arch/arm64/include/uapi/asm/hwcap.h). */
uint32_t assay_isa_usable(void) {
  char *data = NULL;
  size_t length = 0;
  if (assay_os_read_file("/proc/self/auxv", 65536, NULL, &data, &length) != ASSAY_OK) return ASSAY_ISA_NEON;
  uint64_t hwcap = 0, hwcap2 = 0;
  for (size_t at = 0; at + 16 <= length; at += 16) {
    uint64_t pair[2];
    memcpy(pair, data + at, sizeof pair);
    if (pair[0] == 16) hwcap = pair[1];
    if (pair[0] == 26) hwcap2 = pair[1];
  }
  assay_free(data);
  uint32_t isa = ASSAY_ISA_NEON;                         /* part of the base architecture */
  if ((hwcap >> 10 & 1) != 0) isa |= ASSAY_ISA_ARM_FP16; /* ASIMDHP */
  if ((hwcap >> 20 & 1) != 0) isa |= ASSAY_ISA_ARM_DOTPROD;
  if ((hwcap2 >> 13 & 1) != 0) isa |= ASSAY_ISA_ARM_I8MM;
  if ((hwcap2 >> 14 & 1) != 0) isa |= ASSAY_ISA_ARM_BF16;
  return isa;
}
#endif

#else
uint32_t assay_isa_usable(void) { return 0; }
#endif

#if !defined(__x86_64__)
bool assay_isa_has_slow_roots(void) { return false; }
#endif
