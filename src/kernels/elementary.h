/* SPDX-License-Identifier: MIT */
/*
 * exp, log, sine and cosine of our own, in lanes: the same bits on every target. Included by kernels only, behind dialect.h.
 *
 *   r_exp(x)             e^x; x is limited to where the result is a normal number, NaN stays NaN
 *   r_exp2_plain(x)      2^x without limiting: |x| <= 125 (f32), 1021 (f64)
 *   r_exp2_product(a, b) 2^(a b) for such a product, which is not rounded
 *   r_log(x)             ln x of a positive normal number; of nothing else
 *   r_sincos_turn(v, &s, &c)  sin and cos of 2 pi v for |v| <= 1/4
 *
 * Errors are stated where the coefficients stand (math_f32.h, math_f64.h) and tested in tests/unit/kernels/test_math.c.
 */
#ifndef ASSAY_KERNELS_ELEMENTARY_H
#define ASSAY_KERNELS_ELEMENTARY_H

#include "kernels/dialect.h"

#if REAL_BITS == 32
#include "kernels/math_f32.h"
#else
#include "kernels/math_f64.h"
#endif

#endif
