/* SPDX-License-Identifier: MIT */
/*
 * The floating point environment that numbers are worked out in: round to nearest, denormals kept, no traps. A caller that flushes
 * denormals, or rounds otherwise, would get other bits than the other devices. What has the same bits everywhere begins with
 *
 *     ASSAY_FLOAT_USUAL;
 *
 * and the caller's environment is back when the block is left. It costs a nanosecond where nothing has to be changed.
 */
#ifndef ASSAY_BASE_FLOAT_H
#define ASSAY_BASE_FLOAT_H

#include <stdint.h>

/* What is read after it is not computed with before, and what is written before it is finished: compilers know of no environment. */
#define ASSAY_FLOAT_FENCE __asm__ volatile("" : : : "memory")

#if defined(__x86_64__)
#include <immintrin.h>
enum { ASSAY_FLOAT_DEFAULT = 0x1f80, ASSAY_FLOAT_FLAGS = 0x3f }; /* MXCSR: all exceptions masked; the low bits say what occurred */
static inline uint64_t assay_float_enter(void) {
  uint64_t before = _mm_getcsr();
  if ((before & ~(uint64_t)ASSAY_FLOAT_FLAGS) != ASSAY_FLOAT_DEFAULT) _mm_setcsr(ASSAY_FLOAT_DEFAULT);
  ASSAY_FLOAT_FENCE;
  return before;
}
static inline void assay_float_leave(uint64_t before) {
  ASSAY_FLOAT_FENCE;
  if ((before & ~(uint64_t)ASSAY_FLOAT_FLAGS) != ASSAY_FLOAT_DEFAULT) _mm_setcsr((unsigned)before);
}
#elif defined(__aarch64__)
static inline uint64_t assay_float_enter(void) {
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  if (before != 0) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  ASSAY_FLOAT_FENCE;
  return before;
}
static inline void assay_float_leave(uint64_t before) {
  ASSAY_FLOAT_FENCE;
  if (before != 0) __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else
static inline uint64_t assay_float_enter(void) { return 0; }
static inline void assay_float_leave(uint64_t before) { (void)before; }
#endif

static inline void assay_float_restore(const uint64_t *before) { assay_float_leave(*before); }
#define ASSAY_FLOAT_USUAL __attribute__((cleanup(assay_float_restore), unused)) const uint64_t float_of_caller = assay_float_enter()

#endif
