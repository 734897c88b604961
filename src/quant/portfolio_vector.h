/* SPDX-License-Identifier: MIT */
/* Inner loops of the solvers: no FMA and fixed partial sums, so that every compiler and processor gives the same bits. */
#ifndef ASSAY_QUANT_PORTFOLIO_VECTOR_H
#define ASSAY_QUANT_PORTFOLIO_VECTOR_H

#include <stddef.h>
#include <string.h>

typedef double assay_four __attribute__((vector_size(32)));

/* By reference: a vector argument would have another calling convention with AVX. */
static inline void assay_four_load(assay_four *to, const double *from) { memcpy(to, from, sizeof *to); }

static inline double assay_dot(const double *a, const double *b, size_t n) {
  assay_four s0 = {0}, s1 = {0}, a0, a1, b0, b1;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    assay_four_load(&a0, a + i);
    assay_four_load(&a1, a + i + 4);
    assay_four_load(&b0, b + i);
    assay_four_load(&b1, b + i + 4);
    s0 += a0 * b0;
    s1 += a1 * b1;
  }
  s0 += s1;
  double sum = (s0[0] + s0[2]) + (s0[1] + s0[3]);
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* y += f x */
static inline void assay_axpy(double *y, double f, const double *x, size_t n) {
  assay_four ff = {f, f, f, f}, y0, y1, x0, x1;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    assay_four_load(&y0, y + i);
    assay_four_load(&y1, y + i + 4);
    assay_four_load(&x0, x + i);
    assay_four_load(&x1, x + i + 4);
    y0 += ff * x0;
    y1 += ff * x1;
    memcpy(y + i, &y0, sizeof y0);
    memcpy(y + i + 4, &y1, sizeof y1);
  }
  for (; i < n; i++) y[i] += f * x[i];
}

/* y += sum of four f x */
static inline void assay_axpy4(double *y, const double f[4], const double *const x[4], size_t n) {
  assay_four f0 = {f[0], f[0], f[0], f[0]}, f1 = {f[1], f[1], f[1], f[1]}, f2 = {f[2], f[2], f[2], f[2]}, f3 = {f[3], f[3], f[3], f[3]};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    assay_four v, x0, x1, x2, x3;
    assay_four_load(&v, y + i);
    assay_four_load(&x0, x[0] + i);
    assay_four_load(&x1, x[1] + i);
    assay_four_load(&x2, x[2] + i);
    assay_four_load(&x3, x[3] + i);
    v += (f0 * x0 + f1 * x1) + (f2 * x2 + f3 * x3);
    memcpy(y + i, &v, sizeof v);
  }
  for (; i < n; i++) y[i] += (f[0] * x[0][i] + f[1] * x[1][i]) + (f[2] * x[2][i] + f[3] * x[3][i]);
}

#endif
