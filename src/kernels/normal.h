/* SPDX-License-Identifier: MIT */
/*
 * The normal distribution in lanes, with the same bits on every target. Included by kernels only.
 *
 *   r_normal_cdf(x)      (1 + erf(x / sqrt 2)) / 2, also relative in the lower tail; 0 below -37.6 (f32: -13.1)
 *   r_erfc(x)            also relative in its tail; 0 above 26.5 (f32: 9.2)
 *   r_normal_inverse(p)  the x whose cdf is p, for p from the least normal number to 1 - 2^-53 (f32: 2^-24); limited to these
 *   r_mills_parts(z, &above, &slope, &below)  for z >= 0: above / below = M(z) = (1 - cdf(z)) / density(z), slope / below = -M'(z)
 *
 * NaN gives NaN. Largest errors seen on dense grids (tests/unit/kernels/test_normal.c holds them to these), in units in the last place:
 *                    f64   f32
 *   r_normal_cdf      5     5
 *   r_erfc            5     5
 *   r_normal_inverse  4     4
 *   above / below     3     3
 *
 * Everything rests on Mills' ratio M, which is tame: it falls from sqrt(pi / 2) like 1 / z, so one rational function has all of it, and the
 * fall of the tail is exp's alone. As -M' = 1 - z M, the denominator is z above + slope, and errors of both cancel in part. Coefficients:
 * tools/coefficients_normal.py.
 */
#ifndef ASSAY_KERNELS_NORMAL_H
#define ASSAY_KERNELS_NORMAL_H

#include "kernels/elementary.h"

#if REAL_BITS == 32

/* 2^-27.2 for z from 0 to 15. */
FUNCTION void r_mills_parts(R z, R *above, R *slope, R *below) {
  R p = FMA(ALL(0x1.f7d624p-9f), z, ALL(0x1.612ddcp-5f));
  p = FMA(p, z, ALL(0x1.e4696p-3f));
  R n = FMA(ALL(0x1.f7da6ap-9f), z, ALL(0x1.611e2ep-5f));
  p = FMA(p, z, ALL(0x1.83a6b4p-1f));
  n = FMA(n, z, ALL(0x1.d50e5cp-3f));
  p = FMA(p, z, ALL(0x1.687ce8p+0f));
  n = FMA(n, z, ALL(0x1.561348p-1f));
  p = FMA(p, z, ALL(0x1.40d932p+0f));
  n = FMA(n, z, ALL(0x1p+0f));
  *above = p;
  *slope = n;
  *below = FMA(z, p, n);
}

/* 2^-27.5 of the quantile. */
FUNCTION R r_quantile_central(R r) {
  R p = FMA(ALL(0x1.97f632p+4f), r, ALL(0x1.884f0ap+7f));
  R q = FMA(ALL(0x1.21388ep+7f), r, ALL(0x1.bbd47p+6f));
  p = FMA(p, r, ALL(0x1.161a6ap+6f));
  q = FMA(q, r, ALL(0x1.44963ap+4f));
  p = FMA(p, r, ALL(0x1.37fc2ap+2f));
  q = FMA(q, r, ALL(0x1p+0f));
  return p / q;
}

/* 2^-27.3 of the quantile. */
FUNCTION R r_quantile_tail(R t) {
  R q = FMA(ALL(0x1.90651cp-9f), t, ALL(0x1.d23ff2p-3f));
  R p = FMA(ALL(0x1.4de50cp-6f), t, ALL(0x1.daf9d2p-1f));
  q = FMA(q, t, ALL(0x1.1328a6p+1f));
  p = FMA(p, t, ALL(0x1.3eb8bep+2f));
  q = FMA(q, t, ALL(0x1.cc0f72p+1f));
  p = FMA(p, t, ALL(0x1.76f63ap+1f));
  q = FMA(q, t, ALL(0x1p+0f));
  return p / q;
}

/* Above, the density is no normal number. */
#define R_NORMAL_LIMIT 13.1f
#define R_ERFC_LIMIT 9.2f
#define R_LEAST_NORMAL 0x1p-126f
#define R_MAGNITUDE 0x7FFFFFFFu

#else

/* 2^-53.3 for M, 2^-52.8 for the slope, for z from 0 to 40 (2^-43 at 64). All coefficients are positive, so nothing cancels. */
FUNCTION void r_mills_parts(R z, R *above, R *slope, R *below) {
  R p = FMA(ALL(0x1.00ce102df6aeap-20), z, ALL(0x1.cac8f3b597223p-16));
  p = FMA(p, z, ALL(0x1.98a924c469f26p-12));
  R n = FMA(ALL(0x1.00ce102de8fd9p-20), z, ALL(0x1.cac8f3b652014p-16));
  p = FMA(p, z, ALL(0x1.d554d5560798p-9));
  n = FMA(n, z, ALL(0x1.96a7889f8d3e1p-12));
  p = FMA(p, z, ALL(0x1.7d023517bcd7ap-6));
  n = FMA(n, z, ALL(0x1.ce29b1a8ab41dp-9));
  p = FMA(p, z, ALL(0x1.c65c0a0a8369cp-4));
  n = FMA(n, z, ALL(0x1.70650b7b48a57p-6));
  p = FMA(p, z, ALL(0x1.9203ac836f82dp-2));
  n = FMA(n, z, ALL(0x1.aa257f1fc1c4p-4));
  p = FMA(p, z, ALL(0x1.04a8f3f97eccep+0));
  n = FMA(n, z, ALL(0x1.664e6331c973p-2));
  p = FMA(p, z, ALL(0x1.dbb87f8a14723p+0));
  n = FMA(n, z, ALL(0x1.a907def504855p-1));
  p = FMA(p, z, ALL(0x1.15fc818aecec7p+1));
  n = FMA(n, z, ALL(0x1.470316aad8db1p+0));
  p = FMA(p, z, ALL(0x1.40d931ff62706p+0));
  n = FMA(n, z, ALL(0x1p+0));
  *above = p;
  *slope = n;
  *below = FMA(z, p, n);
}

/* 2^-56.9 of the quantile. */
FUNCTION R r_quantile_central(R r) {
  R p = FMA(ALL(0x1.1961a2bc69005p+9), r, ALL(0x1.1b5bb24fcf22cp+15));
  R q = FMA(ALL(0x1.33b3e17fe38e6p+14), r, ALL(0x1.06973d309ed97p+16));
  p = FMA(p, r, ALL(0x1.4dc6cf17b569fp+16));
  q = FMA(q, r, ALL(0x1.0ea48fbf7b18p+16));
  p = FMA(p, r, ALL(0x1.e2f7c0cbb9db4p+15));
  q = FMA(q, r, ALL(0x1.e306e159a19bdp+14));
  p = FMA(p, r, ALL(0x1.29566697d640cp+14));
  q = FMA(q, r, ALL(0x1.acce722e9d004p+12));
  p = FMA(p, r, ALL(0x1.5b7e78e654c25p+11));
  q = FMA(q, r, ALL(0x1.8ae70080204d9p+9));
  p = FMA(p, r, ALL(0x1.7be461e57d643p+7));
  q = FMA(q, r, ALL(0x1.67ea75fc6c5e8p+5));
  p = FMA(p, r, ALL(0x1.37fc2a497deaap+2));
  q = FMA(q, r, ALL(0x1p+0));
  return p / q;
}

/* 2^-55.2 of the quantile. */
FUNCTION R r_quantile_tail(R t) {
  R p = FMA(ALL(0x1.6179c959abef2p-37), t, ALL(0x1.8177fc5ad1f5fp-24));
  R q = FMA(ALL(0x1.83097dbb8e108p-27), t, ALL(0x1.456de568d1a78p-18));
  p = FMA(p, t, ALL(0x1.f7ae42f306533p-16));
  q = FMA(q, t, ALL(0x1.10e3aa1be02e8p-11));
  p = FMA(p, t, ALL(0x1.58c301eb5502ep-9));
  q = FMA(q, t, ALL(0x1.4ca16f80676ap-6));
  p = FMA(p, t, ALL(0x1.584164fe75accp-4));
  q = FMA(q, t, ALL(0x1.59346dc822ac2p-2));
  p = FMA(p, t, ALL(0x1.211afbc6703f1p+0));
  q = FMA(q, t, ALL(0x1.537e84d236ab3p+1));
  p = FMA(p, t, ALL(0x1.c7cfb3b0f0893p+2));
  q = FMA(q, t, ALL(0x1.64f14aeea807bp+3));
  p = FMA(p, t, ALL(0x1.82c7b4a95b467p+4));
  q = FMA(q, t, ALL(0x1.ac3d996d57fc6p+4));
  p = FMA(p, t, ALL(0x1.5e9e2c8e8af31p+5));
  q = FMA(q, t, ALL(0x1.e9455792525d5p+4));
  p = FMA(p, t, ALL(0x1.bd4224be2520fp+4));
  q = FMA(q, t, ALL(0x1.898a34a052724p+3));
  p = FMA(p, t, ALL(0x1.c7ee1df808099p+1));
  q = FMA(q, t, ALL(0x1p+0));
  return p / q;
}

#define R_NORMAL_LIMIT 37.6
#define R_ERFC_LIMIT 26.5
#define R_LEAST_NORMAL 0x1p-1022
#define R_MAGNITUDE 0x7FFFFFFFFFFFFFFFul

#endif

FUNCTION R r_abs(R x) { return REAL_OF(BITS(x) & R_MAGNITUDE); }

/* e^(-scale z^2) for scale 1/2 or 1. The square's rounding would be an error of the exponent, so it is taken along. */
FUNCTION R r_bell(R z, R scale) {
  R square = z * z, rest = FMA(z, z, -square);
  R e = r_exp(-scale * square);
  return FMA(e, -scale * rest, e);
}

/* 1 - cdf(z) for z >= 0. */
FUNCTION R r_normal_tail(R z) {
  R above, slope, below, bounded = MIN(ALL(R_NORMAL_LIMIT), z);
  r_mills_parts(bounded, &above, &slope, &below);
  R tail = r_bell(bounded, ALL(RC(0.5))) * (above / (below * RC(2.5066282746310005024)));
  return SELECT(z > R_NORMAL_LIMIT, ALL(0), tail);
}

FUNCTION R r_normal_cdf(R x) {
  R tail = r_normal_tail(r_abs(x));
  return SELECT(x > RC(0.0), RC(1.0) - tail, tail);
}

/* erfc(x) for x >= 0: M needs sqrt(2) x to a few places only, the exponent x^2 to all. */
FUNCTION R r_erfc_tail(R x) {
  R above, slope, below, bounded = MIN(ALL(R_ERFC_LIMIT), x);
  r_mills_parts(bounded * RC(1.4142135623730950488), &above, &slope, &below);
  R tail = r_bell(bounded, ALL(RC(1.0))) * (above / (below * RC(1.2533141373155002512)));
  return SELECT(x > R_ERFC_LIMIT, ALL(0), tail);
}

FUNCTION R r_erfc(R x) {
  R tail = r_erfc_tail(r_abs(x));
  return SELECT(x < RC(0.0), RC(2.0) - tail, tail);
}

/* Near the median the slope there and a correction, in the tail sqrt(-2 ln p) and one: their own errors count in part only. */
/* Near the median the slope there and a correction, in the tail sqrt(-2 ln p) and one: their own errors count in part only. */
FUNCTION R r_normal_inverse(R p) {
  R u = p - RC(0.5), square = u * u, tail = MIN(p, RC(1.0) - p);
  R near = FMA(u * square, r_quantile_central(FMA(-u, u, ALL(RC(0.180625)))), u * RC(2.5066282746310005024));
  R root = SQRT(RC(-2.0) * r_log(MAX(ALL(R_LEAST_NORMAL), tail)));
  R far = root - r_quantile_tail(root);
  far = SELECT(u < RC(0.0), -far, far);
  return SELECT(r_abs(u) > RC(0.425), far, near);
}

#endif
