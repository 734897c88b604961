/* SPDX-License-Identifier: MIT */
/* Fused multiply-add of x86-64-v3: 16 registers, so 12 chains and the operand. */
#include <immintrin.h>
#include <string.h>

#include "machine/ceilings/kernels.h"

#define CHAINS 12
#define SAME(x) (x)
#define REGISTER "x"
#define FMA(op, acc, one) __asm__ volatile(op " %1, %1, %0" : "+x"(acc) : "x"(one))

#define KERNEL assay_flops_f64_scalar_fma
#define VECTOR double
#define ELEMENT double
#define ONE 1.0
#define ZERO 0.0
#define STEP(acc, one) FMA("vfmadd231sd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_scalar_fma
#define VECTOR float
#define ELEMENT float
#define ONE 1.0f
#define ZERO 0.0f
#define STEP(acc, one) FMA("vfmadd231ss", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f64_vector_fma
#define VECTOR __m256d
#define ELEMENT double
#define ONE _mm256_set1_pd(1)
#define ZERO _mm256_setzero_pd()
#define STEP(acc, one) FMA("vfmadd231pd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_vector_fma
#define VECTOR __m256
#define ELEMENT float
#define ONE _mm256_set1_ps(1)
#define ZERO _mm256_setzero_ps()
#define STEP(acc, one) FMA("vfmadd231ps", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

/* The VEX form of AVX-VNNI; only the assembler needs to know it. Four products of bytes a lane. */
#define KERNEL assay_flops_int8_vector_avxvnni
#define TARGET __attribute__((target("avxvnni")))
#define VECTOR __m256i
#define ELEMENT int32_t
#define ONE _mm256_set1_epi8(1)
#define ZERO _mm256_setzero_si256()
#define STEP(acc, one) FMA("%{vex%} vpdpbusd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"
