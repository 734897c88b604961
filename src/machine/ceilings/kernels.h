/* SPDX-License-Identifier: MIT */
/*
 * The instruction streams that the ceilings time: one table a kind, a row a variant. Each instruction set has its own object files,
 * compiled with its own flags; only assay_isa_usable() decides which rows run.
 */
#ifndef ASSAY_CEILINGS_KERNELS_H
#define ASSAY_CEILINGS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "os/isa.h"

typedef enum assay_stream_op {
  ASSAY_STREAM_READ,
  ASSAY_STREAM_WRITE,
  ASSAY_STREAM_COPY,
  ASSAY_STREAM_TRIAD,
  ASSAY_STREAM_WRITE_NT,
  ASSAY_STREAM_COPY_NT,
  ASSAY_STREAM_TRIAD_NT,
  ASSAY_STREAM_OPS
} assay_stream_op;

/* a = destination or what is read, b and c = sources, all 8-byte aligned, `count` doubles each, any count, all of it
 * `passes` times. READ returns the exclusive or of
 * the bits of everything it read (so it cannot be skipped), the others 0. WRITE stores `s`; TRIAD is a = b + s * c. */
typedef uint64_t (*assay_stream_kernel)(double *a, const double *b, const double *c, double s, size_t count, size_t passes);

typedef struct assay_stream_variant {
  const char *name; /* "avx2" */
  uint32_t isa;
  assay_stream_kernel kernels[ASSAY_STREAM_OPS]; /* NULL where the variant has none */
} assay_stream_variant;

/* Ends with a row whose name is NULL. */
extern const assay_stream_variant assay_stream_variants[];

/* Runs `iterations` of independent chains of multiply-accumulates whose operands are all 1, and returns the sum of all accumulators:
 * exactly `counted` * iterations, as long as that can be represented (f16: up to 2048 iterations). */
typedef double (*assay_flops_kernel)(uint64_t iterations);

typedef struct assay_flops_variant {
  const char *type;  /* "f64", "f32", "f16", "bf16", "int8" */
  const char *shape; /* "scalar", "vector" */
  const char *name;  /* "avx2" */
  uint32_t isa;
  unsigned operations; /* floating-point or integer operations an iteration: a multiply-accumulate is 2 */
  unsigned counted;    /* by how much the sum grows an iteration */
  assay_flops_kernel kernel;
} assay_flops_variant;

/* Ends with a row whose type is NULL. */
extern const assay_flops_variant assay_flops_variants[];

#define ASSAY_STREAM_DECLARE(isa)                                                                                           \
  uint64_t assay_stream_read_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);     \
  uint64_t assay_stream_write_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);    \
  uint64_t assay_stream_copy_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);     \
  uint64_t assay_stream_triad_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);    \
  uint64_t assay_stream_write_nt_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes); \
  uint64_t assay_stream_copy_nt_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);  \
  uint64_t assay_stream_triad_nt_##isa(double *a, const double *b, const double *c, double s, size_t count, size_t passes);

ASSAY_STREAM_DECLARE(base)
ASSAY_STREAM_DECLARE(avx2)
ASSAY_STREAM_DECLARE(avx512)

/* One row of the flops kernels: X(function suffix, type, shape, name, isa, operations, counted). `operations` and `counted` follow from the
 * number of chains and lanes in the file that defines it. */
double assay_flops_f64_scalar_base(uint64_t iterations);
double assay_flops_f64_vector_base(uint64_t iterations);
double assay_flops_f32_scalar_base(uint64_t iterations);
double assay_flops_f32_vector_base(uint64_t iterations);
double assay_flops_f64_scalar_fma(uint64_t iterations);
double assay_flops_f64_vector_fma(uint64_t iterations);
double assay_flops_f32_scalar_fma(uint64_t iterations);
double assay_flops_f32_vector_fma(uint64_t iterations);
double assay_flops_int8_vector_avxvnni(uint64_t iterations);
double assay_flops_f64_vector_avx512(uint64_t iterations);
double assay_flops_f32_vector_avx512(uint64_t iterations);
double assay_flops_f16_vector_avx512(uint64_t iterations);
double assay_flops_bf16_vector_avx512(uint64_t iterations);
double assay_flops_int8_vector_avx512(uint64_t iterations);
double assay_flops_f16_vector_arm(uint64_t iterations);
double assay_flops_bf16_vector_dot(uint64_t iterations);
double assay_flops_bf16_vector_matrix(uint64_t iterations);
double assay_flops_int8_vector_dot(uint64_t iterations);
double assay_flops_int8_vector_matrix(uint64_t iterations);

#endif
