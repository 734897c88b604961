/* SPDX-License-Identifier: MIT */
/* 64-byte registers: 32 of them, so 24 chains. The f16, bf16 and int8 rows need more than AVX-512 itself; the table says what. */
#include <immintrin.h>
#include <string.h>

#include "machine/ceilings/kernels.h"

#define CHAINS 24
#define SAME(x) (x)
#define REGISTER "v"
#define FMA(op, acc, one) __asm__ volatile(op " %1, %1, %0" : "+v"(acc) : "v"(one))

#define KERNEL assay_flops_f64_vector_avx512
#define VECTOR __m512d
#define ELEMENT double
#define ONE _mm512_set1_pd(1)
#define ZERO _mm512_setzero_pd()
#define STEP(acc, one) FMA("vfmadd231pd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_f32_vector_avx512
#define VECTOR __m512
#define ELEMENT float
#define ONE _mm512_set1_ps(1)
#define ZERO _mm512_setzero_ps()
#define STEP(acc, one) FMA("vfmadd231ps", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

static inline float half_to_float(uint16_t half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

#define KERNEL assay_flops_f16_vector_avx512
#define TARGET __attribute__((target("avx512fp16")))
#define VECTOR __m512i
#define ELEMENT uint16_t
#define ONE _mm512_set1_epi16(0x3c00)
#define ZERO _mm512_setzero_si512()
#define STEP(acc, one) FMA("vfmadd231ph", acc, one)
#define TO_DOUBLE half_to_float
#include "machine/ceilings/flops_template.h"

/* Two products of bfloat16 a lane, summed in f32. */
#define KERNEL assay_flops_bf16_vector_avx512
#define TARGET __attribute__((target("avx512bf16")))
#define VECTOR __m512i
#define ELEMENT float
#define ONE _mm512_set1_epi16(0x3f80)
#define ZERO _mm512_setzero_si512()
#define STEP(acc, one) FMA("vdpbf16ps", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"

#define KERNEL assay_flops_int8_vector_avx512
#define TARGET __attribute__((target("avx512vnni")))
#define VECTOR __m512i
#define ELEMENT int32_t
#define ONE _mm512_set1_epi8(1)
#define ZERO _mm512_setzero_si512()
#define STEP(acc, one) FMA("vpdpbusd", acc, one)
#define TO_DOUBLE SAME
#include "machine/ceilings/flops_template.h"
