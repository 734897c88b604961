/* SPDX-License-Identifier: MIT */
/* What ARMv8.2 and later may have. The matrix forms (bfmmla, smmla) do twice the work of the dot products where both exist. */
#include <arm_neon.h>
#include <string.h>

#include "machine/ceilings/kernels.h"

#define CHAINS 24
#define SAME(x) (x)
#define REGISTER "w"
#define ARM(text, acc, one) __asm__ volatile(text : "+w"(acc) : "w"(one))

static inline float half_to_float(uint16_t half) {
  __fp16 value;
  memcpy(&value, &half, sizeof value);
  return (float)value;
}

#define KERNEL assay_flops_f16_vector_arm
#define VECTOR uint16x8_t
#define ELEMENT uint16_t
#define ONE vdupq_n_u16(0x3c00)
#define ZERO vdupq_n_u16(0)
#define STEP(acc, one) ARM("fmla %0.8h, %1.8h, %1.8h", acc, one)
#define TO_DOUBLE half_to_float
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_bf16_vector_dot
#define VECTOR uint16x8_t
#define ELEMENT float
#define ONE vdupq_n_u16(0x3f80)
#define ZERO vdupq_n_u16(0)
#define STEP(acc, one) ARM("bfdot %0.4s, %1.8h, %1.8h", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_bf16_vector_matrix
#define VECTOR uint16x8_t
#define ELEMENT float
#define ONE vdupq_n_u16(0x3f80)
#define ZERO vdupq_n_u16(0)
#define STEP(acc, one) ARM("bfmmla %0.4s, %1.8h, %1.8h", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_int8_vector_dot
#define VECTOR int8x16_t
#define ELEMENT int32_t
#define ONE vdupq_n_s8(1)
#define ZERO vdupq_n_s8(0)
#define STEP(acc, one) ARM("sdot %0.4s, %1.16b, %1.16b", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_int8_vector_matrix
#define VECTOR int8x16_t
#define ELEMENT int32_t
#define ONE vdupq_n_s8(1)
#define ZERO vdupq_n_s8(0)
#define STEP(acc, one) ARM("smmla %0.4s, %1.16b, %1.16b", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"
