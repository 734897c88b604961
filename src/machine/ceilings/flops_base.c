/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic that every processor of the architecture has: on x86-64 SSE2, where multiply and add are two instructions on separate chains;
 * on ARM64 the fused multiply-add of NEON.
 */
#include <string.h>

#include "machine/ceilings/kernels.h"

#define CHAINS 12
#define SAME(x) (x)

typedef double v2d __attribute__((vector_size(16)));
typedef float v4f __attribute__((vector_size(16)));

#if defined(__x86_64__)
#define REGISTER "x"
#define ADD(op, acc, one) __asm__ volatile(op " %1, %0" : "+x"(acc) : "x"(one))

#define KERNEL assay_flops_f64_scalar_base
#define VECTOR double
#define ELEMENT double
#define ONE 1.0
#define ZERO 0.0
#define STEP(acc, one) ADD("addsd", acc, one)
#define OTHER(acc, one) ADD("mulsd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_scalar_base
#define VECTOR float
#define ELEMENT float
#define ONE 1.0f
#define ZERO 0.0f
#define STEP(acc, one) ADD("addss", acc, one)
#define OTHER(acc, one) ADD("mulss", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f64_vector_base
#define VECTOR v2d
#define ELEMENT double
#define ONE \
  (v2d) { 1, 1 }
#define ZERO \
  { 0 }
#define STEP(acc, one) ADD("addpd", acc, one)
#define OTHER(acc, one) ADD("mulpd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_vector_base
#define VECTOR v4f
#define ELEMENT float
#define ONE \
  (v4f) { 1, 1, 1, 1 }
#define ZERO \
  { 0 }
#define STEP(acc, one) ADD("addps", acc, one)
#define OTHER(acc, one) ADD("mulps", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#else
/* NEON has 32 registers and big cores four pipes of latency 4. */
#undef CHAINS
#define CHAINS 24
#if defined(__aarch64__)
#define REGISTER "w"
#define FMA_F64(acc, one) __asm__ volatile("fmadd %d0, %d1, %d1, %d0" : "+w"(acc) : "w"(one))
#define FMA_F32(acc, one) __asm__ volatile("fmadd %s0, %s1, %s1, %s0" : "+w"(acc) : "w"(one))
#define FMLA_F64(acc, one) __asm__ volatile("fmla %0.2d, %1.2d, %1.2d" : "+w"(acc) : "w"(one))
#define FMLA_F32(acc, one) __asm__ volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(acc) : "w"(one))
#else
/* Any other processor: whatever the compiler makes of it; the asm only keeps it from folding the loop. */
#define REGISTER "m"
#define FMA_F64(acc, one)             \
  do {                                \
    acc += one * one;                 \
    __asm__ volatile("" : "+m"(acc)); \
  } while (0)
#define FMA_F32 FMA_F64
#define FMLA_F64 FMA_F64
#define FMLA_F32 FMA_F64
#endif

#define KERNEL assay_flops_f64_scalar_base
#define VECTOR double
#define ELEMENT double
#define ONE 1.0
#define ZERO 0.0
#define STEP FMA_F64
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_scalar_base
#define VECTOR float
#define ELEMENT float
#define ONE 1.0f
#define ZERO 0.0f
#define STEP FMA_F32
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f64_vector_base
#define VECTOR v2d
#define ELEMENT double
#define ONE \
  (v2d) { 1, 1 }
#define ZERO \
  { 0 }
#define STEP FMLA_F64
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_vector_base
#define VECTOR v4f
#define ELEMENT float
#define ONE \
  (v4f) { 1, 1, 1, 1 }
#define ZERO \
  { 0 }
#define STEP FMLA_F32
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"
#endif
