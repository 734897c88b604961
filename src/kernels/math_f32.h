/* SPDX-License-Identifier: MIT */
/* Single precision. Coefficients: tools/coefficients.sollya (minimax with single-precision coefficients). */
#ifndef ASSAY_KERNELS_MATH_F32_H
#define ASSAY_KERNELS_MATH_F32_H

/* Adding it rounds to an integer, which then stands in the lowest bits. */
#define R_ROUND 0x1.8p23f

/* 2^n p for p near 1, n in the lowest bits of `rounded` (what adding R_ROUND left). */
FUNCTION R r_scale(R p, R rounded) { return REAL_OF(BITS(p) + (BITS(rounded) << 23)); }

COEFFICIENTS(r_exp2_plain_c) = {0x1.5d39ap-10f, 0x1.3d21b2p-7f, 0x1.c6b3d8p-5f, 0x1.ebf8aep-3f, 0x1.62e42cp-1f, 0x1.000002p0f};
/* 2^(f + n) for |f| <= 1/2, n in the lowest bits of `rounded`. 3 ulp: 2^-23 of the polynomial and the roundings of the last steps. */
FUNCTION R r_exp2_reduced(R f, R rounded) {
  R p = FMA(ALL(r_exp2_plain_c[0]), f, ALL(r_exp2_plain_c[1]));
  p = FMA(p, f, ALL(r_exp2_plain_c[2]));
  p = FMA(p, f, ALL(r_exp2_plain_c[3]));
  p = FMA(p, f, ALL(r_exp2_plain_c[4]));
  p = FMA(p, f, ALL(r_exp2_plain_c[5]));
  return r_scale(p, rounded);
}
FUNCTION R r_exp2_plain(R x) {
  R rounded = x + R_ROUND;
  return r_exp2_reduced(x - (rounded - R_ROUND), rounded); /* the difference is exact */
}
FUNCTION R r_exp2_product(R a, R b) {
  R rounded = FMA(a, b, ALL(R_ROUND));
  return r_exp2_reduced(FMA(a, b, R_ROUND - rounded), rounded);
}

COEFFICIENTS(r_exp_c) = {88.37f,         -87.33f,        0x1.715476p0f,  -0x1.62e4p-1f, -0x1.7f7d1cp-20f, 0x1.6850e2p-10f, 0x1.123bccp-7f,
                         0x1.555b98p-5f, 0x1.55548ep-3f, 0x1.fffff8p-2f, 1.0f};
/* 1 ulp from -87.33 to 88.37; limited to these beyond. */
FUNCTION R r_exp(R x) {
  x = r_min(ALL(r_exp_c[0]), r_max(ALL(r_exp_c[1]), x));
  R rounded = FMA(x, ALL(r_exp_c[2]), ALL(R_ROUND));
  R n = rounded - R_ROUND;
  R r = FMA(n, ALL(r_exp_c[3]), x); /* ln 2 to 15 bits: exact product */
  r = FMA(n, ALL(r_exp_c[4]), r);   /* and the rest */
  R p = FMA(ALL(r_exp_c[5]), r, ALL(r_exp_c[6]));
  p = FMA(p, r, ALL(r_exp_c[7]));
  p = FMA(p, r, ALL(r_exp_c[8]));
  p = FMA(p, r, ALL(r_exp_c[9]));
  p = FMA(p, r, ALL(r_exp_c[10]));
  p = FMA(p, r, ALL(r_exp_c[10]));
  return r_scale(p, rounded);
}

COEFFICIENTS(r_log_c) = {0x1.1f1bbap-3f,  -0x1.3b0c38p-3f, 0x1.1eaacap-3f,  -0x1.5038e4p-3f, 0x1.99d398p-3f,
                         -0x1.00144ep-2f, 0x1.5554fcp-2f,  -0x1.ffffd6p-2f, 0x1.7f7d1cp-20f, 0x1.62e4p-1f};
/* 2 ulp. x = 2^e m with m in [2/3, 4/3), where ln m keeps its relative accuracy round 1. */
FUNCTION R r_log(R x) {
  U shifted = BITS(x) - 0x3F2AAAABu;
  R e = SMALL_TO_REAL(INT_OF(shifted) >> 23);
  R r = REAL_OF((shifted & 0x7FFFFFu) + 0x3F2AAAABu) - 1.0f;
  R p = FMA(ALL(r_log_c[0]), r, ALL(r_log_c[1]));
  p = FMA(p, r, ALL(r_log_c[2]));
  p = FMA(p, r, ALL(r_log_c[3]));
  p = FMA(p, r, ALL(r_log_c[4]));
  p = FMA(p, r, ALL(r_log_c[5]));
  p = FMA(p, r, ALL(r_log_c[6]));
  p = FMA(p, r, ALL(r_log_c[7]));
  R rest = FMA(e, ALL(r_log_c[8]), (r * r) * p);
  return FMA(e, ALL(r_log_c[9]), r + rest);
}

COEFFICIENTS(r_minus_2_log_c) = {0x1.3acbdcp-2f, -0x1.5ea472p-2f, 0x1.5043aap-2f, -0x1.955cccp-2f,
                                 0x1.001418p-1f, -0x1.5561d2p-1f, 0x1.ffffd6p-1f, -0x1.fffffap0f};
/* -2 ln x of 0 < x <= 1, relative error 2^-21: what the radius of a normal number needs (random.h), at two thirds of the price. */
FUNCTION R r_minus_2_log(R x) {
  U shifted = (BITS(x) - 0x3F2AAAABu) & 0xFF800000u;
  R e = SMALL_TO_REAL(INT_OF(shifted)); /* 2^23 times the exponent: a shift less */
  R r = REAL_OF(BITS(x) - shifted) - 1.0f;
  R p = FMA(ALL(r_minus_2_log_c[0]), r, ALL(r_minus_2_log_c[1]));
  p = FMA(p, r, ALL(r_minus_2_log_c[2]));
  p = FMA(p, r, ALL(r_minus_2_log_c[3]));
  p = FMA(p, r, ALL(r_minus_2_log_c[4]));
  p = FMA(p, r, ALL(r_minus_2_log_c[5]));
  p = FMA(p, r, ALL(r_minus_2_log_c[6]));
  p = FMA(p, r, ALL(r_minus_2_log_c[7]));
  return FMA(p, r, e * -0x1.62e43p-23f);
}

COEFFICIENTS(r_sincos_turn_c) = {0x1.407998p5f, -0x1.328004p6f, 0x1.c1ac2ep5f,  -0x1.54f172p6f, 0x1.466b26p6f,
                                 0x1.03bcdp6f,  -0x1.4abbd8p5f, -0x1.3bd3a2p4f, 0x1.921fb6p2f,  0x1.fffffep-1f};
/* Sine: 2^-25.1 relative; cosine: 2^-24 absolute, and the roundings. */
FUNCTION void r_sincos_turn(R v, R *sine, R *cosine) {
  R w = v * v;
  R s = FMA(ALL(r_sincos_turn_c[0]), w, ALL(r_sincos_turn_c[1]));
  R c = FMA(ALL(r_sincos_turn_c[2]), w, ALL(r_sincos_turn_c[3]));
  s = FMA(s, w, ALL(r_sincos_turn_c[4]));
  c = FMA(c, w, ALL(r_sincos_turn_c[5]));
  s = FMA(s, w, ALL(r_sincos_turn_c[6]));
  c = FMA(c, w, ALL(r_sincos_turn_c[7]));
  s = FMA(s, w, ALL(r_sincos_turn_c[8]));
  *sine = s * v;
  *cosine = FMA(c, w, ALL(r_sincos_turn_c[9]));
}

#endif
