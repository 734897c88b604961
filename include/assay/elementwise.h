/* SPDX-License-Identifier: MIT */
/*
 * assay/elementwise.h: z[i] = x[i] op y[i] over arrays, in f64, f32, f16 (IEEE binary16) and bf16, contiguous and strided, in the best
 * variant that this CPU has.
 *
 *     assay_elementwise_fn add = assay_elementwise(ASSAY_ADD, ASSAY_F32, NULL);
 *     add(z, x, y, n, 1, 1, 1);
 *
 * Every variant gives the same bits as the scalar reference: one IEEE operation an element (f16 and bf16 compute in f32 and round to
 * nearest even). A result that is not a number is one in every variant, with whatever payload.
 */
#ifndef ASSAY_ELEMENTWISE_H
#define ASSAY_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_dtype { ASSAY_F64, ASSAY_F32, ASSAY_F16, ASSAY_BF16, ASSAY_DTYPE_COUNT } assay_dtype;
typedef enum assay_elementwise_op { ASSAY_ADD, ASSAY_MUL, ASSAY_ELEMENTWISE_OP_COUNT } assay_elementwise_op;

/* Strides in elements, >= 1; arrays must not overlap unless identical. f16 and bf16 are stored as uint16_t. No alignment needed. */
typedef void (*assay_elementwise_fn)(void *z, const void *x, const void *y, size_t n, size_t stride_z, size_t stride_x, size_t stride_y);

/* The best variant for this CPU. `isa` (may be NULL) receives its name: "c", "sse4.2", "avx2", "avx512", "neon". Never NULL. Thread-safe.
 * The environment variable ASSAY_ISA (a comma list of names) restricts the choice. */
ASSAY_API assay_elementwise_fn assay_elementwise(assay_elementwise_op op, assay_dtype type, const char **isa);
/* The variants usable here, for tests and comparisons: index from 0; NULL past the last. Index 0 is the scalar reference "c". */
ASSAY_API assay_elementwise_fn assay_elementwise_variant(assay_elementwise_op op, assay_dtype type, size_t index, const char **isa);

ASSAY_API size_t assay_dtype_size(assay_dtype type);                  /* bytes */
ASSAY_API const char *assay_dtype_text(assay_dtype type);             /* "f64", "f32", "f16", "bf16" */
ASSAY_API int assay_dtype_parse(const char *text, assay_dtype *type); /* 0 when unknown */
ASSAY_API uint16_t assay_f16_from_f32(float value);                   /* round to nearest even */
ASSAY_API float assay_f16_to_f32(uint16_t bits);
ASSAY_API uint16_t assay_bf16_from_f32(float value);
ASSAY_API float assay_bf16_to_f32(uint16_t bits);

#ifdef __cplusplus
}
#endif
#endif
