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

/*
 * The half types: as many at once as a register holds, the rest and strides one at a time. f16 uses the hardware's own conversion. A bf16
 * is the upper half of an f32, so unpacking against zeros widens it and packing narrows it; both work within 128-bit lanes, so the order of
 * elements comes back. (Compilers vectorise the plain loop too, at half the speed.)
 */
#if defined(__AVX512F__)
enum { F16_AT_ONCE = 16, BF16_AT_ONCE = 32 };
typedef __m512 floats;
typedef __m512i words;
static inline floats load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
static inline void store_f16(uint16_t *p, floats v) {
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
static inline words load_words(const uint16_t *p) { return _mm512_loadu_si512(p); }
static inline void store_words(uint16_t *p, words v) { _mm512_storeu_si512(p, v); }
static inline floats widen_low(words v) { return _mm512_castsi512_ps(_mm512_unpacklo_epi16(_mm512_setzero_si512(), v)); }
static inline floats widen_high(words v) { return _mm512_castsi512_ps(_mm512_unpackhi_epi16(_mm512_setzero_si512(), v)); }
static inline words round_bf16(floats v) {
  words bits = _mm512_castps_si512(v), upper = _mm512_srli_epi32(bits, 16);
  words up = _mm512_add_epi32(_mm512_and_si512(upper, _mm512_set1_epi32(1)), _mm512_set1_epi32(0x7FFF));
  words rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
  return _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), upper, _mm512_set1_epi32(0x40));
}
static inline words narrow(floats low, floats high) { return _mm512_packus_epi32(round_bf16(low), round_bf16(high)); }
#elif defined(__F16C__)
enum { F16_AT_ONCE = 8, BF16_AT_ONCE = 16 };
typedef __m256 floats;
typedef __m256i words;
static inline floats load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
static inline void store_f16(uint16_t *p, floats v) {
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
static inline words load_words(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline void store_words(uint16_t *p, words v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }
static inline floats widen_low(words v) { return _mm256_castsi256_ps(_mm256_unpacklo_epi16(_mm256_setzero_si256(), v)); }
static inline floats widen_high(words v) { return _mm256_castsi256_ps(_mm256_unpackhi_epi16(_mm256_setzero_si256(), v)); }
static inline words round_bf16(floats v) {
  words bits = _mm256_castps_si256(v), upper = _mm256_srli_epi32(bits, 16);
  words up = _mm256_add_epi32(_mm256_and_si256(upper, _mm256_set1_epi32(1)), _mm256_set1_epi32(0x7FFF));
  words rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16), quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
  return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}
static inline words narrow(floats low, floats high) { return _mm256_packus_epi32(round_bf16(low), round_bf16(high)); }
#elif defined(__ARM_NEON) && defined(__aarch64__)
enum { F16_AT_ONCE = 4 };
typedef float32x4_t floats;
static inline floats load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline void store_f16(uint16_t *p, floats v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
#endif

#if defined(__F16C__) || defined(__AVX512F__)
#define WIDE_BF16(OP)                                                                             \
  for (; i + BF16_AT_ONCE <= n; i += BF16_AT_ONCE) {                                              \
    words a = load_words(x + i), b = load_words(y + i);                                           \
    store_words(z + i, narrow(OP(widen_low(a), widen_low(b)), OP(widen_high(a), widen_high(b)))); \
  }
#else
#define WIDE_BF16(OP)
#endif
#if defined(__F16C__) || defined(__AVX512F__) || (defined(__ARM_NEON) && defined(__aarch64__))
#define WIDE_F16(OP) \
  for (; i + F16_AT_ONCE <= n; i += F16_AT_ONCE) store_f16(z + i, OP(load_f16(x + i), load_f16(y + i)));
#else
#define WIDE_F16(OP)
#endif

#define DEFINE_HALF(name, OP, WIDE, FROM, TO)                                                                               \
  static void name(void *z_, const void *x_, const void *y_, size_t n, size_t stride_z, size_t stride_x, size_t stride_y) { \
    uint16_t *z = z_;                                                                                                       \
    const uint16_t *x = x_, *y = y_;                                                                                        \
    size_t i = 0;                                                                                                           \
    if (stride_z == 1 && stride_x == 1 && stride_y == 1) {                                                                  \
      WIDE(OP)                                                                                                              \
    }                                                                                                                       \
    for (; i < n; i++) z[i * stride_z] = TO(OP(FROM(x[i * stride_x]), FROM(y[i * stride_y])));                              \
  }

DEFINE_HALF(add_f16, ADD, WIDE_F16, assay_half_from_f16, assay_half_to_f16)
DEFINE_HALF(mul_f16, MUL, WIDE_F16, assay_half_from_f16, assay_half_to_f16)
DEFINE_HALF(add_bf16, ADD, WIDE_BF16, assay_half_from_bf16, assay_half_to_bf16)
DEFINE_HALF(mul_bf16, MUL, WIDE_BF16, assay_half_from_bf16, assay_half_to_bf16)

const assay_elementwise_table TABLE = {{
    [ASSAY_ADD] = {[ASSAY_F64] = add_f64, [ASSAY_F32] = add_f32, [ASSAY_F16] = add_f16, [ASSAY_BF16] = add_bf16},
    [ASSAY_MUL] = {[ASSAY_F64] = mul_f64, [ASSAY_F32] = mul_f32, [ASSAY_F16] = mul_f16, [ASSAY_BF16] = mul_bf16},
}};
