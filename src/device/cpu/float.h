/* SPDX-License-Identifier: MIT */
/* The floating point environment that kernels run in: round to nearest, denormals kept, no traps. A caller that flushes denormals, or
 * rounds otherwise, would get other bits than the other devices. */
#ifndef ASSAY_DEVICE_CPU_FLOAT_H
#define ASSAY_DEVICE_CPU_FLOAT_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
enum { ASSAY_FLOAT_DEFAULT = 0x1f80, ASSAY_FLOAT_FLAGS = 0x3f }; /* MXCSR: all exceptions masked; the low bits say what occurred */
static inline uint64_t assay_float_enter(void) {
  uint64_t before = _mm_getcsr();
  if ((before & ~(uint64_t)ASSAY_FLOAT_FLAGS) != ASSAY_FLOAT_DEFAULT) _mm_setcsr(ASSAY_FLOAT_DEFAULT);
  return before;
}
static inline void assay_float_leave(uint64_t before) {
  if ((before & ~(uint64_t)ASSAY_FLOAT_FLAGS) != ASSAY_FLOAT_DEFAULT) _mm_setcsr((unsigned)before);
}
#elif defined(__aarch64__)
static inline uint64_t assay_float_enter(void) {
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  if (before != 0) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  return before;
}
static inline void assay_float_leave(uint64_t before) {
  if (before != 0) __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else
static inline uint64_t assay_float_enter(void) { return 0; }
static inline void assay_float_leave(uint64_t before) { (void)before; }
#endif

#endif
