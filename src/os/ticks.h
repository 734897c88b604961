/* SPDX-License-Identifier: MIT */
/*
 * The cheapest clock, inlined: the time-stamp counter where it is constant-rate, else the monotonic clock in ns. assay_ticks_per_ns is
 * measured once at start and is 1 where ticks are ns already.
 */
#ifndef ASSAY_OS_TICKS_H
#define ASSAY_OS_TICKS_H

#include <stdint.h>

#include "os/prim.h"

/* Ticks a nanosecond; calibrated at the first call (takes about 5 ms on a system that does not publish it), then cached. Thread-safe. */
double assay_ticks_per_ns(void);
/* Saves a fresh process the 5 ms: the value that its parent measured on the same machine. Before the first call of assay_ticks_per_ns. */
void assay_ticks_adopt(double ticks_per_ns);

#if defined(__x86_64__)
/* Ordered after all earlier loads and instructions: rdtscp waits for them, the fence keeps later ones from starting early. */
static inline uint64_t assay_ticks(void) {
  uint32_t low, high, aux;
  __asm__ volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high), "=c"(aux) : : "memory");
  return (uint64_t)high << 32 | low;
}
#elif defined(__aarch64__)
static inline uint64_t assay_ticks(void) {
  uint64_t value;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
  return value;
}
#else
static inline uint64_t assay_ticks(void) { return assay_os_now_ns(); }
#endif

#endif
