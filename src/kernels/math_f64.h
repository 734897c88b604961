/* SPDX-License-Identifier: MIT */
/* Double precision. Coefficients: tools/coefficients.sollya (minimax with double-precision coefficients). */
#ifndef ASSAY_KERNELS_MATH_F64_H
#define ASSAY_KERNELS_MATH_F64_H

/* Adding it rounds to an integer, which then stands in the lowest bits. */
#define R_ROUND 0x1.8p52

/* 2^n p for p near 1, n in the lowest bits of `rounded` (what adding R_ROUND left). */
FUNCTION R r_scale(R p, R rounded) { return REAL_OF(BITS(p) + (BITS(rounded) << 52)); }

/* e^r for |r| <= ln 2 / 2, error 2^-57.8. Two halves of a degree each, so that half of the steps run side by side. */
FUNCTION R r_exp_reduced(R r) {
  R w = r * r;
  R odd = FMA(ALL(0x1.ade1547570323p-26), w, ALL(0x1.71dee62554e81p-19));
  R even = FMA(ALL(0x1.28af3fdcc3ed4p-22), w, ALL(0x1.a01997c891551p-16));
  odd = FMA(odd, w, ALL(0x1.a01a014761726p-13));
  even = FMA(even, w, ALL(0x1.6c16c1852b7d4p-10));
  odd = FMA(odd, w, ALL(0x1.1111111122323p-7));
  even = FMA(even, w, ALL(0x1.55555555502a1p-5));
  odd = FMA(odd, w, ALL(0x1.5555555555511p-3));
  even = FMA(even, w, ALL(0x1.000000000000bp-1));
  R p = FMA(odd, r, even);
  return FMA(p, w, r) + 1.0;
}

/* 1 ulp from -708.3 to 709.4; limited to these beyond. */
FUNCTION R r_exp(R x) {
  x = r_min(ALL(709.4), r_max(ALL(-708.3), x));
  R rounded = FMA(x, ALL(0x1.71547652b82fep0), ALL(R_ROUND));
  R n = rounded - R_ROUND;
  R r = FMA(n, ALL(-0x1.62e42fefa38p-1), x); /* ln 2 to 42 bits: exact product */
  r = FMA(n, ALL(-0x1.ef35793c7673p-45), r); /* and the rest */
  return r_scale(r_exp_reduced(r), rounded);
}

/* 2 ulp: 2^-57.3 of the polynomial and the roundings of the last steps. */
FUNCTION R r_exp2_plain(R x) {
  R rounded = x + R_ROUND;
  R f = x - (rounded - R_ROUND), w = f * f; /* the difference is exact */
  R odd = FMA(ALL(0x1.e9506e7458f2ep-32), w, ALL(0x1.b525395b42f4fp-24));
  R even = FMA(ALL(0x1.e61c16c1056fp-28), w, ALL(0x1.62bfc71b3397fp-20));
  odd = FMA(odd, w, ALL(0x1.ffcbfc5c18559p-17));
  even = FMA(even, w, ALL(0x1.4309130f14ca6p-13));
  odd = FMA(odd, w, ALL(0x1.5d87fe78a08fdp-10));
  even = FMA(even, w, ALL(0x1.3b2ab6fb9ffafp-7));
  odd = FMA(odd, w, ALL(0x1.c6b08d704a124p-5));
  even = FMA(even, w, ALL(0x1.ebfbdff82c5a5p-3));
  odd = FMA(odd, w, ALL(0x1.62e42fefa39efp-1));
  even = FMA(even, w, ALL(1.0));
  return r_scale(FMA(odd, f, even), rounded);
}

/* 2 ulp. x = 2^e m with m in [sqrt(1/2), sqrt 2); ln m = 2 atanh s with s = (m - 1) / (m + 1), error 2^-59.5. */
FUNCTION R r_log(R x) {
  U shifted = BITS(x) - 0x3FE6A09E667F3BCDul;
  /* Moved to where it is positive: AVX2 cannot shift 64 bits with their sign. */
  R e = BIASED_TO_REAL((shifted + 0x4000000000000000ul) >> 52, 1024);
  R m = REAL_OF((shifted & 0xFFFFFFFFFFFFFul) + 0x3FE6A09E667F3BCDul);
  R f = m - 1.0;
  R s = f / (m + 1.0);
  R w = s * s;
  R p = FMA(ALL(0x1.2f041b8e6ae61p-3), w, ALL(0x1.39a1e2daf37a5p-3));
  p = FMA(p, w, ALL(0x1.74663d04574f6p-3));
  p = FMA(p, w, ALL(0x1.c71c5214811cdp-3));
  p = FMA(p, w, ALL(0x1.24924941e0829p-2));
  p = FMA(p, w, ALL(0x1.999999997ff2bp-2));
  p = FMA(p, w, ALL(0x1.5555555555592p-1));
  /* 2 s = f - s f, so the rounding of s touches the second term only. */
  R tail = s * FMA(p, w, -f);
  R rest = FMA(e, ALL(0x1.ef35793c7673p-45), tail);
  return FMA(e, ALL(0x1.62e42fefa38p-1), f + rest);
}

/* -2 ln x of 0 < x <= 1, 2 ulp: what the radius of a normal number needs (random.h). */
FUNCTION R r_minus_2_log(R x) {
  U shifted = BITS(x) - 0x3FE6A09E667F3BCDul;
  R e = BIASED_TO_REAL((shifted + 0x4000000000000000ul) >> 52, 1024);
  R m = REAL_OF((shifted & 0xFFFFFFFFFFFFFul) + 0x3FE6A09E667F3BCDul);
  R s = (m - 1.0) / (m + 1.0), w = s * s;
  R p = FMA(ALL(-0x1.2f0edc7587e42p-2), w, ALL(-0x1.39a0bb5f6a888p-2));
  p = FMA(p, w, ALL(-0x1.74664992e5112p-2));
  p = FMA(p, w, ALL(-0x1.c71c51d01b16cp-2));
  p = FMA(p, w, ALL(-0x1.249249424137p-1));
  p = FMA(p, w, ALL(-0x1.999999997f6f8p-1));
  p = FMA(p, w, ALL(-0x1.5555555555594p0));
  p = FMA(p, w, ALL(-4.0));
  return FMA(e, ALL(-0x1.62e42fefa39efp0), p * s);
}

/* Sine: 2^-54.6 relative; cosine: 2^-57.4 absolute, and the roundings. */
FUNCTION void r_sincos_turn(R v, R *sine, R *cosine) {
  R w = v * v;
  R s = FMA(ALL(0x1.8f9e5a085a082p-4), w, ALL(-0x1.6f0536efc7098p-1));
  R c = FMA(ALL(0x1.167c2b6d41893p-2), w, ALL(-0x1.b695b651cf483p0));
  s = FMA(s, w, ALL(0x1.e8f023f73b57bp1));
  c = FMA(c, w, ALL(0x1.f9d2561ecdb23p2));
  s = FMA(s, w, ALL(-0x1.e30741a6ba9a8p3));
  c = FMA(c, w, ALL(-0x1.a6d1efd029efp4));
  s = FMA(s, w, ALL(0x1.5078346ab756fp5));
  c = FMA(c, w, ALL(0x1.e1f506815e381p5));
  s = FMA(s, w, ALL(-0x1.32d2cce5e66ebp6));
  c = FMA(c, w, ALL(-0x1.55d3c7e3c0267p6));
  s = FMA(s, w, ALL(0x1.466bc67759fccp6));
  c = FMA(c, w, ALL(0x1.03c1f081b59a7p6));
  s = FMA(s, w, ALL(-0x1.4abbce625be39p5));
  c = FMA(c, w, ALL(-0x1.3bd3cc9be45dcp4));
  s = FMA(s, w, ALL(0x1.921fb54442d18p2));
  *sine = s * v;
  *cosine = FMA(c, w, ALL(1.0));
}

#endif
