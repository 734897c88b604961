/* SPDX-License-Identifier: MIT */
#include "machine/ceilings/kernels.h"

#define ROW(isa) \
  { assay_stream_read_##isa, assay_stream_write_##isa, assay_stream_copy_##isa, assay_stream_triad_##isa, NULL, NULL, NULL }
#define ROW_NT(isa)                                                                                                                    \
  {                                                                                                                                    \
    assay_stream_read_##isa, assay_stream_write_##isa, assay_stream_copy_##isa, assay_stream_triad_##isa, assay_stream_write_nt_##isa, \
        assay_stream_copy_nt_##isa, assay_stream_triad_nt_##isa                                                                        \
  }

/* In ascending order; the ceiling is the best of those that this processor has, since the widest is not always the fastest. */
const assay_stream_variant assay_stream_variants[] = {
#if defined(__x86_64__)
    {"sse2", ASSAY_ISA_BASE, ROW_NT(base)},
    {"avx2", ASSAY_ISA_AVX2, ROW_NT(avx2)},
    {"avx512", ASSAY_ISA_AVX512, ROW_NT(avx512)},
#elif defined(__aarch64__)
    {"neon", ASSAY_ISA_BASE, ROW(base)},
#else
    {"generic", ASSAY_ISA_BASE, ROW(base)},
#endif
    {NULL, 0, {NULL}},
};

/* Operations = 2 x lanes x chains x products a lane; where multiply and add are apart, half the chains do each, so half of both. */
const assay_flops_variant assay_flops_variants[] = {
#if defined(__x86_64__)
    {"f64", "scalar", "sse2", ASSAY_ISA_BASE, 12, 6, assay_flops_f64_scalar_base},
    {"f32", "scalar", "sse2", ASSAY_ISA_BASE, 12, 6, assay_flops_f32_scalar_base},
    {"f64", "vector", "sse2", ASSAY_ISA_BASE, 12 * 2, 6 * 2, assay_flops_f64_vector_base},
    {"f32", "vector", "sse2", ASSAY_ISA_BASE, 12 * 4, 6 * 4, assay_flops_f32_vector_base},
    {"f64", "scalar", "fma", ASSAY_ISA_AVX2 | ASSAY_ISA_FMA, 2 * 12, 12, assay_flops_f64_scalar_fma},
    {"f32", "scalar", "fma", ASSAY_ISA_AVX2 | ASSAY_ISA_FMA, 2 * 12, 12, assay_flops_f32_scalar_fma},
    {"f64", "vector", "avx2 fma", ASSAY_ISA_AVX2 | ASSAY_ISA_FMA, 2 * 12 * 4, 12 * 4, assay_flops_f64_vector_fma},
    {"f32", "vector", "avx2 fma", ASSAY_ISA_AVX2 | ASSAY_ISA_FMA, 2 * 12 * 8, 12 * 8, assay_flops_f32_vector_fma},
    {"int8", "vector", "avx-vnni", ASSAY_ISA_AVX2 | ASSAY_ISA_AVX_VNNI, 2 * 12 * 32, 12 * 32, assay_flops_int8_vector_avxvnni},
    {"f64", "vector", "avx512", ASSAY_ISA_AVX512, 2 * 24 * 8, 24 * 8, assay_flops_f64_vector_avx512},
    {"f32", "vector", "avx512", ASSAY_ISA_AVX512, 2 * 24 * 16, 24 * 16, assay_flops_f32_vector_avx512},
    {"f16", "vector", "avx512 fp16", ASSAY_ISA_AVX512 | ASSAY_ISA_AVX512_FP16, 2 * 24 * 32, 24 * 32, assay_flops_f16_vector_avx512},
    {"bf16", "vector", "avx512 bf16", ASSAY_ISA_AVX512 | ASSAY_ISA_AVX512_BF16, 2 * 24 * 32, 24 * 32, assay_flops_bf16_vector_avx512},
    {"int8", "vector", "avx512 vnni", ASSAY_ISA_AVX512 | ASSAY_ISA_AVX512_VNNI, 2 * 24 * 64, 24 * 64, assay_flops_int8_vector_avx512},
#else
    {"f64", "scalar", "base", ASSAY_ISA_BASE, 2 * 24, 24, assay_flops_f64_scalar_base},
    {"f32", "scalar", "base", ASSAY_ISA_BASE, 2 * 24, 24, assay_flops_f32_scalar_base},
    {"f64", "vector", "base", ASSAY_ISA_BASE, 2 * 24 * 2, 24 * 2, assay_flops_f64_vector_base},
    {"f32", "vector", "base", ASSAY_ISA_BASE, 2 * 24 * 4, 24 * 4, assay_flops_f32_vector_base},
#if defined(__aarch64__)
    {"f16", "vector", "neon fp16", ASSAY_ISA_ARM_FP16, 2 * 24 * 8, 24 * 8, assay_flops_f16_vector_arm},
    {"bf16", "vector", "neon bfdot", ASSAY_ISA_ARM_BF16, 2 * 24 * 8, 24 * 8, assay_flops_bf16_vector_dot},
    {"bf16", "vector", "neon bfmmla", ASSAY_ISA_ARM_BF16, 2 * 24 * 16, 24 * 16, assay_flops_bf16_vector_matrix},
    {"int8", "vector", "neon sdot", ASSAY_ISA_ARM_DOTPROD, 2 * 24 * 16, 24 * 16, assay_flops_int8_vector_dot},
    {"int8", "vector", "neon smmla", ASSAY_ISA_ARM_I8MM, 2 * 24 * 32, 24 * 32, assay_flops_int8_vector_matrix},
#endif
#endif
    {NULL, NULL, NULL, 0, 0, 0, NULL},
};
