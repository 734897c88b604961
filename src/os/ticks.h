/* SPDX-License-Identifier: MIT */
/*
 * The cheapest clock, inlined: the time-stamp counter where its rate is constant, else the monotonic clock in ns. Which of them is decided
 * when the program is loaded. assay_ticks_per_ns is measured once at start and is 1 where ticks are ns already.
 */
#ifndef ASSAY_OS_TICKS_H
#define ASSAY_OS_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "os/prim.h"

/* Ticks a nanosecond; calibrated at the first call (takes about 5 ms on a system that does not publish it), then cached. Thread-safe. */
double assay_ticks_per_ns(void);
/* Saves a fresh process the 5 ms: the value that its parent measured on the same machine. Before the first call of assay_ticks_per_ns. */
void assay_ticks_adopt(double ticks_per_ns);

/* What a tick comes from, for people: "rdtscp and lfence". Static. */
const char *assay_ticks_source(void);
/* Whether the x86 counter may be used: it can be read in order, and its rate is constant by the CPU's word, or by that of the kernel, which
 * uses it as its own clock (a hypervisor may hide the CPU's word). `clock_source` NULL: not known. */
bool assay_ticks_trusted(bool has_rdtscp, bool invariant, const char *clock_source);

#if defined(__x86_64__)
/* Set before main, then only read; always foreseen by the branch predictor. */
extern bool assay_ticks_are_ns;

/* Ordered after all earlier loads and instructions: rdtscp waits for them, the fence keeps later ones from starting early. */
static inline uint64_t assay_ticks(void) {
  if (__builtin_expect(assay_ticks_are_ns, false)) return assay_os_now_ns();
  uint32_t low, high, aux;
  __asm__ volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high), "=c"(aux) : : "memory");
  return (uint64_t)high << 32 | low;
}

/* Not ordered, and half the cost: it may be read some instructions early or late. For stamps, not for what takes nanoseconds. */
static inline uint64_t assay_ticks_stamp(void) {
  if (__builtin_expect(assay_ticks_are_ns, false)) return assay_os_now_ns();
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}
#elif defined(__aarch64__)
static inline uint64_t assay_ticks(void) {
  uint64_t value;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
  return value;
}
static inline uint64_t assay_ticks_stamp(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
}
#else
static inline uint64_t assay_ticks(void) { return assay_os_now_ns(); }
static inline uint64_t assay_ticks_stamp(void) { return assay_os_now_ns(); }
#endif

#endif
