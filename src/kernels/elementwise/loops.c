/* SPDX-License-Identifier: MIT */
/*
 * The loops, built once for each variant (meson.build names ASSAY_VARIANT and the ISA flags). Plain C that the compiler turns into the
 * widest vectors of the target; the half conversions are the exception, since compilers do not vectorise them from bit operations with
 * hardware instructions. The contiguous path is separate, so that its loop has no multiplication by a stride and vectorises.
 */
#include "kernels/elementwise/variant.h"

#include "kernels/half.h"

#if defined(__F16C__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define TABLE CONCAT(assay_elementwise_, ASSAY_VARIANT)

#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))

/* z may be the same array as x or y, so the loops carry no `restrict`; `ivdep` says that equal arrays are all the overlap there is. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

#define DEFINE_NATIVE(name, type, OP)                                                                                       \
  static void name(void *z_, const void *x_, const void *y_, size_t n, size_t stride_z, size_t stride_x, size_t stride_y) { \
    type *z = z_;                                                                                                           \
    const type *x = x_, *y = y_;                                                                                            \
    if (stride_z == 1 && stride_x == 1 && stride_y == 1) {                                                                  \
      INDEPENDENT for (size_t i = 0; i < n; i++) z[i] = OP(x[i], y[i]);                                                     \
    } else {                                                                                                                \
      for (size_t i = 0; i < n; i++) z[i * stride_z] = OP(x[i * stride_x], y[i * stride_y]);                                \
    }                                                                                                                       \
  }

DEFINE_NATIVE(add_f64, double, ADD)
DEFINE_NATIVE(mul_f64, double, MUL)
DEFINE_NATIVE(add_f32, float, ADD)
DEFINE_NATIVE(mul_f32, float, MUL)

#define DEFINE_BF16(name, OP)                                                                                                           \
  static void name(void *z_, const void *x_, const void *y_, size_t n, size_t stride_z, size_t stride_x, size_t stride_y) {             \
    uint16_t *z = z_;                                                                                                                   \
    const uint16_t *x = x_, *y = y_;                                                                                                    \
    if (stride_z == 1 && stride_x == 1 && stride_y == 1) {                                                                              \
      INDEPENDENT for (size_t i = 0; i < n; i++) z[i] = assay_half_to_bf16(OP(assay_half_from_bf16(x[i]), assay_half_from_bf16(y[i]))); \
    } else {                                                                                                                            \
      for (size_t i = 0; i < n; i++)                                                                                                    \
        z[i * stride_z] = assay_half_to_bf16(OP(assay_half_from_bf16(x[i * stride_x]), assay_half_from_bf16(y[i * stride_y])));         \
    }                                                                                                                                   \
  }

DEFINE_BF16(add_bf16, ADD)
DEFINE_BF16(mul_bf16, MUL)

/* WIDTH halves at once in the hardware's own conversion; the rest, and strides, one at a time. */
#if defined(__AVX512F__)
#define WIDTH 16
typedef __m512 wide;
static inline wide load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
static inline void store_f16(uint16_t *p, wide v) {
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif defined(__F16C__)
#define WIDTH 8
typedef __m256 wide;
static inline wide load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
static inline void store_f16(uint16_t *p, wide v) {
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define WIDTH 4
typedef float32x4_t wide;
static inline wide load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline void store_f16(uint16_t *p, wide v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
#endif

#ifdef WIDTH
#define WIDE_PART(OP) \
  for (; i + WIDTH <= n; i += WIDTH) store_f16(z + i, OP(load_f16(x + i), load_f16(y + i)));
#else
#define WIDE_PART(OP)
#endif

#define DEFINE_F16(name, OP)                                                                                                \
  static void name(void *z_, const void *x_, const void *y_, size_t n, size_t stride_z, size_t stride_x, size_t stride_y) { \
    uint16_t *z = z_;                                                                                                       \
    const uint16_t *x = x_, *y = y_;                                                                                        \
    size_t i = 0;                                                                                                           \
    if (stride_z == 1 && stride_x == 1 && stride_y == 1) {                                                                  \
      WIDE_PART(OP)                                                                                                         \
    }                                                                                                                       \
    for (; i < n; i++)                                                                                                      \
      z[i * stride_z] = assay_half_to_f16(OP(assay_half_from_f16(x[i * stride_x]), assay_half_from_f16(y[i * stride_y])));  \
  }

DEFINE_F16(add_f16, ADD)
DEFINE_F16(mul_f16, MUL)

const assay_elementwise_table TABLE = {{
    [ASSAY_ADD] = {[ASSAY_F64] = add_f64, [ASSAY_F32] = add_f32, [ASSAY_F16] = add_f16, [ASSAY_BF16] = add_bf16},
    [ASSAY_MUL] = {[ASSAY_F64] = mul_f64, [ASSAY_F32] = mul_f32, [ASSAY_F16] = mul_f16, [ASSAY_BF16] = mul_bf16},
}};
