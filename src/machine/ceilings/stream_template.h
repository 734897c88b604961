/* SPDX-License-Identifier: MIT */
/*
 * The bandwidth kernels of one instruction set. The file that includes this defines
 *   ISA          suffix of the functions
 *   BYTES        width of a vector register
 *   KEEP(x)      an empty asm that holds x in a vector register: without it compilers turn these loops into calls of memcpy and memset
 *   STREAM(p, x) a non-temporal store of x to the BYTES-aligned address p, and FENCE; both absent where there is none
 * Blocks of eight vectors keep enough loads and stores in flight; the rest is done one number at a time.
 */
#include "machine/ceilings/kernels.h"

#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#define NAME(op) CAT(CAT(CAT(assay_stream_, op), _), ISA)

/* May alias doubles and need not be aligned to more than one of them. */
typedef double vec __attribute__((vector_size(BYTES), aligned(8), may_alias));
typedef uint64_t bits __attribute__((vector_size(BYTES), aligned(8), may_alias));
typedef uint64_t word __attribute__((may_alias));

enum { LANES = BYTES / 8, BLOCK = 8 * LANES };

#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

#define UNUSED_ARGUMENTS (void)a, (void)b, (void)c, (void)s
/* Memory may have changed: what one pass loaded or stored says nothing about the next. */
#define NEXT_PASS __asm__ volatile("" : : "r"(a) : "memory")

static inline vec splat(double s) {
  vec v;
  for (size_t i = 0; i < LANES; i++) v[i] = s;
  return v;
}

uint64_t NAME(read)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  UNUSED_ARGUMENTS;
  bits x0 = {0}, x1 = {0}, x2 = {0}, x3 = {0}, x4 = {0}, x5 = {0}, x6 = {0}, x7 = {0};
  uint64_t sum = 0;
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
#define LOAD(n) x##n ^= *(const bits *)(a + i + n * LANES);
      EIGHT(LOAD)
    }
    for (; i < count; i++) sum ^= *(const word *)(a + i);
    NEXT_PASS;
  }
  bits all = x0 ^ x1 ^ x2 ^ x3 ^ x4 ^ x5 ^ x6 ^ x7;
  for (size_t lane = 0; lane < LANES; lane++) sum ^= all[lane];
  return sum;
}

uint64_t NAME(write)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  UNUSED_ARGUMENTS;
  vec value = splat(s);
  KEEP(value);
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
#define STORE(n) *(vec *)(a + i + n * LANES) = value;
      EIGHT(STORE)
    }
    for (; i < count; i++) a[i] = s;
    NEXT_PASS;
  }
  return 0;
}

uint64_t NAME(copy)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  UNUSED_ARGUMENTS;
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
#define COPY(n)                                \
  {                                            \
    vec x = *(const vec *)(b + i + n * LANES); \
    KEEP(x);                                   \
    *(vec *)(a + i + n * LANES) = x;           \
  }
      EIGHT(COPY)
    }
    for (; i < count; i++) a[i] = b[i];
    NEXT_PASS;
  }
  return 0;
}

uint64_t NAME(triad)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  vec scale = splat(s);
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
#define TRIAD(n)                                                                           \
  {                                                                                        \
    vec x = *(const vec *)(b + i + n * LANES) + scale * *(const vec *)(c + i + n * LANES); \
    *(vec *)(a + i + n * LANES) = x;                                                       \
  }
      EIGHT(TRIAD)
    }
    for (; i < count; i++) a[i] = b[i] + s * c[i];
    NEXT_PASS;
  }
  return 0;
}

#ifdef STREAM

/* Numbers before the first address that a non-temporal store may use. */
static inline size_t head(const double *a, size_t count) {
  size_t first = (BYTES - (uintptr_t)a % BYTES) % BYTES / 8;
  return first < count ? first : count;
}

uint64_t NAME(write_nt)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  UNUSED_ARGUMENTS;
  vec value = splat(s);
  KEEP(value);
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (size_t first = head(a, count); i < first; i++) a[i] = s;
    for (; i + BLOCK <= count; i += BLOCK) {
#define STORE_NT(n) STREAM(a + i + n * LANES, value);
      EIGHT(STORE_NT)
    }
    for (; i < count; i++) a[i] = s;
    NEXT_PASS;
  }
  FENCE;
  return 0;
}

uint64_t NAME(copy_nt)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  UNUSED_ARGUMENTS;
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (size_t first = head(a, count); i < first; i++) a[i] = b[i];
    for (; i + BLOCK <= count; i += BLOCK) {
#define COPY_NT(n)                             \
  {                                            \
    vec x = *(const vec *)(b + i + n * LANES); \
    STREAM(a + i + n * LANES, x);              \
  }
      EIGHT(COPY_NT)
    }
    for (; i < count; i++) a[i] = b[i];
    NEXT_PASS;
  }
  FENCE;
  return 0;
}

uint64_t NAME(triad_nt)(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  vec scale = splat(s);
  for (size_t pass = 0; pass < passes; pass++) {
    size_t i = 0;
    for (size_t first = head(a, count); i < first; i++) a[i] = b[i] + s * c[i];
    for (; i + BLOCK <= count; i += BLOCK) {
#define TRIAD_NT(n)                                                                        \
  {                                                                                        \
    vec x = *(const vec *)(b + i + n * LANES) + scale * *(const vec *)(c + i + n * LANES); \
    STREAM(a + i + n * LANES, x);                                                          \
  }
      EIGHT(TRIAD_NT)
    }
    for (; i < count; i++) a[i] = b[i] + s * c[i];
    NEXT_PASS;
  }
  FENCE;
  return 0;
}

#endif
