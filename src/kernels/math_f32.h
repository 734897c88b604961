/* SPDX-License-Identifier: MIT */
/* Single precision. Coefficients: tools/coefficients.sollya (minimax with single-precision coefficients). */
#ifndef ASSAY_KERNELS_MATH_F32_H
#define ASSAY_KERNELS_MATH_F32_H

/* Adding it rounds to an integer, which then stands in the lowest bits. */
#define R_ROUND 0x1.8p23f

/* 2^n p for p near 1, n in the lowest bits of `rounded` (what adding R_ROUND left). */
FUNCTION R r_scale(R p, R rounded) { return REAL_OF(BITS(p) + (BITS(rounded) << 23)); }

/* 1 ulp: 2^-28.1 of the polynomial and the roundings of the last three steps. */
FUNCTION R r_exp2_plain(R x) {
  R rounded = x + R_ROUND;
  R f = x - (rounded - R_ROUND); /* exact */
  R p = FMA(ALL(0x1.3f9068p-13f), f, ALL(0x1.5f0a66p-10f));
  p = FMA(p, f, ALL(0x1.3b30bp-7f));
  p = FMA(p, f, ALL(0x1.c6af78p-5f));
  p = FMA(p, f, ALL(0x1.ebfbd8p-3f));
  p = FMA(p, f, ALL(0x1.62e43p-1f));
  p = FMA(p, f, ALL(1.0f));
  return r_scale(p, rounded);
}

/* 1 ulp from -87.33 to 88.37; limited to these beyond. */
FUNCTION R r_exp(R x) {
  x = r_min(ALL(88.37f), r_max(ALL(-87.33f), x));
  R rounded = FMA(x, ALL(0x1.715476p0f), ALL(R_ROUND));
  R n = rounded - R_ROUND;
  R r = FMA(n, ALL(-0x1.62e4p-1f), x);  /* ln 2 to 15 bits: exact product */
  r = FMA(n, ALL(-0x1.7f7d1cp-20f), r); /* and the rest */
  R p = FMA(ALL(0x1.6850e2p-10f), r, ALL(0x1.123bccp-7f));
  p = FMA(p, r, ALL(0x1.555b98p-5f));
  p = FMA(p, r, ALL(0x1.55548ep-3f));
  p = FMA(p, r, ALL(0x1.fffff8p-2f));
  p = FMA(p, r, ALL(1.0f));
  p = FMA(p, r, ALL(1.0f));
  return r_scale(p, rounded);
}

/* 2 ulp. x = 2^e m with m in [2/3, 4/3), where ln m keeps its relative accuracy round 1. */
FUNCTION R r_log(R x) {
  U shifted = BITS(x) - 0x3F2AAAABu;
  R e = SMALL_TO_REAL(INT_OF(shifted) >> 23);
  R r = REAL_OF((shifted & 0x7FFFFFu) + 0x3F2AAAABu) - 1.0f;
  R p = FMA(ALL(0x1.1f1bbap-3f), r, ALL(-0x1.3b0c38p-3f));
  p = FMA(p, r, ALL(0x1.1eaacap-3f));
  p = FMA(p, r, ALL(-0x1.5038e4p-3f));
  p = FMA(p, r, ALL(0x1.99d398p-3f));
  p = FMA(p, r, ALL(-0x1.00144ep-2f));
  p = FMA(p, r, ALL(0x1.5554fcp-2f));
  p = FMA(p, r, ALL(-0x1.ffffd6p-2f));
  R rest = FMA(e, ALL(0x1.7f7d1cp-20f), (r * r) * p);
  return FMA(e, ALL(0x1.62e4p-1f), r + rest);
}

/* Sine: 2^-25.1 relative; cosine: 2^-29.7 absolute, and the roundings. */
FUNCTION void r_sincos_turn(R v, R *sine, R *cosine) {
  R w = v * v;
  R s = FMA(ALL(0x1.407998p5f), w, ALL(-0x1.328004p6f));
  s = FMA(s, w, ALL(0x1.466b26p6f));
  s = FMA(s, w, ALL(-0x1.4abbd8p5f));
  s = FMA(s, w, ALL(0x1.921fb6p2f));
  R c = FMA(ALL(-0x1.8c0b5p4f), w, ALL(0x1.e0dbdep5f));
  c = FMA(c, w, ALL(-0x1.55ce5cp6f));
  c = FMA(c, w, ALL(0x1.03c1d8p6f));
  c = FMA(c, w, ALL(-0x1.3bd3ccp4f));
  *sine = s * v;
  *cosine = FMA(c, w, ALL(1.0f));
}

#endif
