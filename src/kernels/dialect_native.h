/* SPDX-License-Identifier: MIT */
/* The dialect as vector lanes of gcc and clang: as many as a register of the instruction set holds; the reference "c" has one lane. */
#ifndef ASSAY_KERNELS_DIALECT_NATIVE_H
#define ASSAY_KERNELS_DIALECT_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(ASSAY_ONE_LANE)
#include <math.h>
#elif defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

typedef uint32_t u32;
typedef int32_t i32;
typedef uint64_t u64;
typedef int64_t i64;
#if REAL_BITS == 32
typedef float real;
typedef u32 real_u;
typedef i32 real_i;
#else
typedef double real;
typedef u64 real_u;
typedef i64 real_i;
#endif

#if defined(__clang__)
#define UNROLL_10 _Pragma("clang loop unroll_count(10)")
#else
#define UNROLL_10 _Pragma("GCC unroll 10")
#endif
#define UNROLL
#define FUNCTION static inline __attribute__((always_inline, unused))
#define GLOBAL
#define COEFFICIENTS(name) static const real name[] __attribute__((unused))
#define LOCAL_ARRAY(type, name, n) type name[n] __attribute__((aligned(64)))
#define LOCAL_POINTER
#define BARRIER ((void)0)
#define LEADER
#define GROUP kernel_group
#define ITEMS(i) for (u32 i = 0; i < GROUP_SIZE; i += LANES)

#if defined(ASSAY_ONE_LANE)
#define LANES 1
typedef real R;
typedef real_u U;
typedef real_i I;
typedef int M;
typedef u32 W;
typedef double D;
#define ALL(x) ((real)(x))
#define ALL_U(x) ((real_u)(x))
#define ALL_W(x) ((u32)(x))
#define ALL_D(x) ((double)(x))
#define LANE(i) (i)
#define SELECT(m, a, b) ((m) ? (a) : (b))
#define SELECT_U(m, a, b) ((m) ? (a) : (b))
#define WIDEN(r) ((double)(r))
#if REAL_BITS == 32
#define FMA(a, b, c) fmaf((a), (b), (c))
#define SQRT(a) sqrtf(a)
#else
#define FMA(a, b, c) fma((a), (b), (c))
#define SQRT(a) sqrt(a)
#endif
#define INT_OF(u) ((I)(u))
#define SMALL_TO_REAL(i) ((real)(i))
#define BIASED_TO_REAL(u, bias) ((real)((i32)(u) - (bias)))
#define WORDS_JOIN(high, low) ((u64)(high) << 32 | (low))
#define STORE_D(p, i, d) ((void)((p)[i] = (d)))
#define SQRT_NORMAL(a) SQRT(a)
#define DIVIDE_NORMAL(a, b) ((a) / (b))

FUNCTION R r_min(R a, R b) { return a < b ? a : b; }
FUNCTION R r_max(R a, R b) { return a > b ? a : b; }

#else /* vectors */

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define LANES (VECTOR_BYTES * 8 / REAL_BITS)
typedef real R __attribute__((vector_size(VECTOR_BYTES)));
typedef real_u U __attribute__((vector_size(VECTOR_BYTES)));
typedef real_i I __attribute__((vector_size(VECTOR_BYTES)));
typedef I M;
typedef U W;
typedef double D __attribute__((vector_size(LANES * 8)));
#define ALL(x) ((R){0} + (real)(x))
#define ALL_U(x) ((U){0} + (real_u)(x))
#define ALL_W(x) ((W){0} + (real_u)(x))
#define ALL_D(x) ((D){0} + (double)(x))
#define INT_OF(u) ((I)(u))
#define SELECT_U(m, a, b) ((U)(((U)(m) & (U)(a)) | (~(U)(m) & (U)(b))))

FUNCTION U lane_numbers(void) {
  U numbers;
  for (int lane = 0; lane < LANES; lane++) numbers[lane] = (real_u)lane;
  return numbers;
}
#define LANE(i) (lane_numbers() + (real_u)(i))

#if REAL_BITS == 32
#define WIDEN(r) __builtin_convertvector((r), D)
#else
#define WIDEN(r) (r)
#endif

/* One instruction each; the names differ by instruction set and width. */
#if defined(__AVX512F__) && REAL_BITS == 32
#define FMA(a, b, c) ((R)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define SQRT(a) ((R)_mm512_sqrt_ps((__m512)(a)))
#define r_min(a, b) ((R)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define r_max(a, b) ((R)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define SELECT(m, a, b) ((R)SELECT_U((m), (U)(a), (U)(b)))
#elif defined(__AVX512F__)
#define FMA(a, b, c) ((R)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define SQRT(a) ((R)_mm512_sqrt_pd((__m512d)(a)))
#define r_min(a, b) ((R)_mm512_min_pd((__m512d)(a), (__m512d)(b)))
#define r_max(a, b) ((R)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define SELECT(m, a, b) ((R)SELECT_U((m), (U)(a), (U)(b)))
#elif defined(__AVX2__) && REAL_BITS == 32
#define FMA(a, b, c) ((R)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define SQRT(a) ((R)_mm256_sqrt_ps((__m256)(a)))
#define r_min(a, b) ((R)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define r_max(a, b) ((R)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define SELECT(m, a, b) ((R)_mm256_blendv_ps((__m256)(b), (__m256)(a), (__m256)(m)))
#elif defined(__AVX2__)
#define FMA(a, b, c) ((R)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define SQRT(a) ((R)_mm256_sqrt_pd((__m256d)(a)))
#define r_min(a, b) ((R)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define r_max(a, b) ((R)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define SELECT(m, a, b) ((R)_mm256_blendv_pd((__m256d)(b), (__m256d)(a), (__m256d)(m)))
#elif defined(__x86_64__) && REAL_BITS == 32
#define SQRT(a) ((R)_mm_sqrt_ps((__m128)(a)))
#define r_min(a, b) ((R)_mm_min_ps((__m128)(a), (__m128)(b)))
#define r_max(a, b) ((R)_mm_max_ps((__m128)(a), (__m128)(b)))
#define SELECT(m, a, b) ((R)_mm_blendv_ps((__m128)(b), (__m128)(a), (__m128)(m)))
#elif defined(__x86_64__)
#define SQRT(a) ((R)_mm_sqrt_pd((__m128d)(a)))
#define r_min(a, b) ((R)_mm_min_pd((__m128d)(a), (__m128d)(b)))
#define r_max(a, b) ((R)_mm_max_pd((__m128d)(a), (__m128d)(b)))
#define SELECT(m, a, b) ((R)_mm_blendv_pd((__m128d)(b), (__m128d)(a), (__m128d)(m)))
#else
#if REAL_BITS == 32
#define FMA(a, b, c) ((R)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define SQRT(a) ((R)vsqrtq_f32((float32x4_t)(a)))
#else
#define FMA(a, b, c) ((R)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define SQRT(a) ((R)vsqrtq_f64((float64x2_t)(a)))
#endif
#define SELECT(m, a, b) ((R)SELECT_U((m), (U)(a), (U)(b)))
FUNCTION R r_min(R a, R b) { return SELECT(a < b, a, b); }
FUNCTION R r_max(R a, R b) { return SELECT(a > b, a, b); }
#endif

/* x86-64-v2 has no such instruction; the C library rounds correctly too, slowly. */
#if !defined(FMA)
FUNCTION R fma_by_lane(R a, R b, R c) {
  R sum;
  for (int lane = 0; lane < LANES; lane++)
    sum[lane] = REAL_BITS == 32 ? (real)__builtin_fmaf((float)a[lane], (float)b[lane], (float)c[lane])
                                : (real)__builtin_fma(a[lane], b[lane], c[lane]);
  return sum;
}
#define FMA(a, b, c) fma_by_lane((a), (b), (c))
#endif

/* AVX2 cannot convert 64-bit integers; adding to the bits of a large constant works everywhere, and is exact. */
#if REAL_BITS == 32
#define SMALL_TO_REAL(i) __builtin_convertvector((I)(i), R)
#define BIASED_TO_REAL(u, bias) SMALL_TO_REAL((I)(u) - (bias))
#else
#define SMALL_TO_REAL(i) ((R)((U)(i) + 0x4338000000000000u) - 0x1.8p52)
#define BIASED_TO_REAL(u, bias) ((R)((U)(u) + 0x4338000000000000u) - (0x1.8p52 + (bias)))
#if defined(__AVX2__) && !defined(__AVX512F__)
#define WORDS_JOIN(high, low) ((U)_mm256_blend_epi32((__m256i)(low), (__m256i)((high) << 32), 0xAA))
#else
#define WORDS_JOIN(high, low) ((high) << 32 | ((low)&0xFFFFFFFFu))
#endif
#endif

#define SQRT_NORMAL(a) SQRT(a)
#define DIVIDE_NORMAL(a, b) ((a) / (b))

/*
 * The bits of SQRT by FMAs, beside a divider that is slow: 8 cycles of a Xeon's for eight doubles, where that takes 24. From 2^-500 to
 * 2^700: the estimate is right to 2^-14, two steps bring the root to the last bit but one, and the last is exact but for its rounding
 * (dialect_cuda.h has the same).
 */
#if defined(__AVX512F__) && REAL_BITS == 64
FUNCTION R sqrt_by_fma(R a) {
  R r = (R)_mm512_rsqrt14_pd((__m512d)a), e = FMA(-a, r * r, ALL(1));
  r = FMA(FMA(e, ALL(0.375), ALL(0.5)), e * r, r);
  R root = a * r, half_r = r * ALL(0.5);
  root = FMA(FMA(-root, root, a), half_r, root);
  return FMA(FMA(-root, root, a), half_r, root);
}
#define SQRT_BY_FMA(a) sqrt_by_fma(a)
#define ANY_LESS(a, least) (_mm512_cmp_pd_mask((__m512d)(a), _mm512_set1_pd(least), _CMP_LT_OQ) != 0)
#endif

FUNCTION void store_doubles(double *p, D d) { memcpy(p, &d, sizeof d); }
#define STORE_D(p, i, d) store_doubles((p) + (i), (d))

#endif /* vectors */

FUNCTION U real_bits(R r) {
  U u;
  memcpy(&u, &r, sizeof u);
  return u;
}
FUNCTION R bits_real(U u) {
  R r;
  memcpy(&r, &u, sizeof r);
  return r;
}
FUNCTION R load_reals(const real *p) {
  R r;
  memcpy(&r, p, sizeof r);
  return r;
}
FUNCTION void store_reals(real *p, R r) { memcpy(p, &r, sizeof r); }
#define BITS(r) real_bits(r)
#define REAL_OF(u) bits_real(u)
#define LOAD(p, i) load_reals((p) + (i))
#define STORE(p, i, r) store_reals((p) + (i), (r))

FUNCTION double tree_sum(double *a) {
  for (u32 half = GROUP_SIZE / 2; half > 0; half /= 2) {
    for (u32 i = 0; i < half; i++) a[i] += a[i + half];
  }
  return a[0];
}

#define JOIN_(a, b, c, d) a##b##c##d
#define JOIN(a, b, c, d) JOIN_(a, b, c, d)
#if REAL_BITS == 32
#define KERNEL_NAME(name) JOIN(assay_kernel_, name, _f32_, ASSAY_VARIANT)
#else
#define KERNEL_NAME(name) JOIN(assay_kernel_, name, _f64_, ASSAY_VARIANT)
#endif

#define KERNEL_ENTRY(name, P)                                                                              \
  void KERNEL_NAME(name)(const void *params, void *const *buffers, size_t group_begin, size_t group_end);  \
  void KERNEL_NAME(name)(const void *params, void *const *buffers, size_t group_begin, size_t group_end) { \
    P p;                                                                                                   \
    memcpy(&p, params, sizeof p);                                                                          \
    for (size_t group = group_begin; group < group_end; group++)
#define KERNEL_BODY static inline __attribute__((always_inline))
#define KERNEL1(name, P, T0, b0)                                     \
  KERNEL_BODY void name##_group(P p, T0 b0, u32 GROUP);              \
  KERNEL_ENTRY(name, P) name##_group(p, (T0)buffers[0], (u32)group); \
  }                                                                  \
  KERNEL_BODY void name##_group(P p, T0 b0, u32 GROUP)
#define KERNEL2(name, P, T0, b0, T1, b1)                                             \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, u32 GROUP);                       \
  KERNEL_ENTRY(name, P) name##_group(p, (T0)buffers[0], (T1)buffers[1], (u32)group); \
  }                                                                                  \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, u32 GROUP)
#define KERNEL3(name, P, T0, b0, T1, b1, T2, b2)                                                     \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, u32 GROUP);                                \
  KERNEL_ENTRY(name, P) name##_group(p, (T0)buffers[0], (T1)buffers[1], (T2)buffers[2], (u32)group); \
  }                                                                                                  \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, u32 GROUP)
#define KERNEL4(name, P, T0, b0, T1, b1, T2, b2, T3, b3)                                                             \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, u32 GROUP);                                         \
  KERNEL_ENTRY(name, P) name##_group(p, (T0)buffers[0], (T1)buffers[1], (T2)buffers[2], (T3)buffers[3], (u32)group); \
  }                                                                                                                  \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, u32 GROUP)
#define KERNEL5(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4)                                                                     \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, u32 GROUP);                                                  \
  KERNEL_ENTRY(name, P) name##_group(p, (T0)buffers[0], (T1)buffers[1], (T2)buffers[2], (T3)buffers[3], (T4)buffers[4], (u32)group); \
  }                                                                                                                                  \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, u32 GROUP)
#define KERNEL6(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4, T5, b5)                                                       \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, T5 b5, u32 GROUP);                                     \
  KERNEL_ENTRY(name, P)                                                                                                        \
  name##_group(p, (T0)buffers[0], (T1)buffers[1], (T2)buffers[2], (T3)buffers[3], (T4)buffers[4], (T5)buffers[5], (u32)group); \
  }                                                                                                                            \
  KERNEL_BODY void name##_group(P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, T5 b5, u32 GROUP)

#endif
