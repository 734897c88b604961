/* SPDX-License-Identifier: MIT */
#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>

unsigned assay_isa_usable(void) {
  unsigned isa = 0, a, b, c, d;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) isa |= ASSAY_ISA_SSE42;
  /* The compilers' test for F16C came late (clang 16), so it is read here; the OS support for AVX state is part of their test for AVX2. */
  int f16c = __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
  if (f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) isa |= ASSAY_ISA_AVX2;
  if ((isa & ASSAY_ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    isa |= ASSAY_ISA_AVX512;
  return isa;
}
#elif defined(__aarch64__)
unsigned assay_isa_usable(void) { return ASSAY_ISA_NEON; } /* part of the base architecture */
#else
unsigned assay_isa_usable(void) { return 0; }
#endif
