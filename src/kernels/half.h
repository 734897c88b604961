/* SPDX-License-Identifier: MIT */
/*
 * One half at a time: IEEE 754 binary16 ("f16": 1 sign, 5 exponent, 10 fraction bits) and bfloat16 (the upper half of a binary32), rounding
 * to nearest even. Inlined into every variant; F16C does the same in hardware.
 */
#ifndef ASSAY_KERNELS_HALF_H
#define ASSAY_KERNELS_HALF_H

#include <stdint.h>

#if defined(__F16C__)
#include <immintrin.h>
#endif

static inline uint32_t assay_half_bits(float value) {
  union {
    float value;
    uint32_t bits;
  } u = {.value = value};
  return u.bits;
}

static inline float assay_half_float(uint32_t bits) {
  union {
    uint32_t bits;
    float value;
  } u = {.bits = bits};
  return u.value;
}

static inline float assay_half_from_bf16(uint16_t half) { return assay_half_float((uint32_t)half << 16); }

static inline uint16_t assay_half_to_bf16(float value) {
  uint32_t bits = assay_half_bits(value);
  uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
  uint32_t quiet = bits >> 16 | 0x40; /* a NaN whose payload sits in the lower half must not become infinity */
  return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

static inline float assay_half_from_f16_portable(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00) return assay_half_float(sign | 0x7F800000u | (magnitude & 0x3FF) << 13 | (magnitude > 0x7C00 ? 0x400000u : 0));
  if (magnitude >= 0x400) return assay_half_float(sign | ((magnitude << 13) + (112u << 23))); /* bias 15 -> 127 */
  float tiny = (float)magnitude * 0x1p-24f;                                                   /* exact: 10 bits */
  return assay_half_float(sign | assay_half_bits(tiny));
}

static inline uint16_t assay_half_to_f16_portable(float value) {
  uint32_t bits = assay_half_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
  if (magnitude >= 0x477FF000u) return (uint16_t)(sign | 0x7C00); /* 65520 and above round to infinity */
  if (magnitude < 0x38800000u) {
    /* Below 2^-14 the result is a multiple of 2^-24: adding 0.5 puts that multiple into the last bits of the sum, rounded by the adder. */
    float shifted = assay_half_float(magnitude) + 0.5f;
    return (uint16_t)(sign | (assay_half_bits(shifted) - 0x3F000000u));
  }
  uint32_t rounded = magnitude - (112u << 23) + 0xFFFu + (magnitude >> 13 & 1);
  return (uint16_t)(sign | rounded >> 13);
}

#if defined(__F16C__)
static inline float assay_half_from_f16(uint16_t half) { return _cvtsh_ss(half); }
static inline uint16_t assay_half_to_f16(float value) { return _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
#else
static inline float assay_half_from_f16(uint16_t half) { return assay_half_from_f16_portable(half); }
static inline uint16_t assay_half_to_f16(float value) { return assay_half_to_f16_portable(value); }
#endif

#endif
