/* SPDX-License-Identifier: MIT */
/* Double precision. Coefficients: tools/coefficients.sollya (minimax with double-precision coefficients). */
#ifndef ASSAY_KERNELS_MATH_F64_H
#define ASSAY_KERNELS_MATH_F64_H

/* Adding it rounds to an integer, which then stands in the lowest bits. */
#define R_ROUND 0x1.8p52

/* 2^n p for p near 1, n in the lowest bits of `rounded` (what adding R_ROUND left). */
FUNCTION R r_scale(R p, R rounded) { return REAL_OF(BITS(p) + (BITS(rounded) << 52)); }

COEFFICIENTS(r_exp_reduced_c) = {0x1.ade1547570323p-26, 0x1.71dee62554e81p-19, 0x1.28af3fdcc3ed4p-22, 0x1.a01997c891551p-16,
                                 0x1.a01a014761726p-13, 0x1.6c16c1852b7d4p-10, 0x1.1111111122323p-7,  0x1.55555555502a1p-5,
                                 0x1.5555555555511p-3,  0x1.000000000000bp-1};
/* e^r for |r| <= ln 2 / 2, error 2^-57.8. Two halves of a degree each, so that half of the steps run side by side. */
FUNCTION R r_exp_reduced(R r) {
  R w = r * r;
  R odd = FMA(ALL(r_exp_reduced_c[0]), w, ALL(r_exp_reduced_c[1]));
  R even = FMA(ALL(r_exp_reduced_c[2]), w, ALL(r_exp_reduced_c[3]));
  odd = FMA(odd, w, ALL(r_exp_reduced_c[4]));
  even = FMA(even, w, ALL(r_exp_reduced_c[5]));
  odd = FMA(odd, w, ALL(r_exp_reduced_c[6]));
  even = FMA(even, w, ALL(r_exp_reduced_c[7]));
  odd = FMA(odd, w, ALL(r_exp_reduced_c[8]));
  even = FMA(even, w, ALL(r_exp_reduced_c[9]));
  R p = FMA(odd, r, even);
  return FMA(p, w, r) + 1.0;
}

COEFFICIENTS(r_exp_c) = {709.4, -708.3, 0x1.71547652b82fep0, -0x1.62e42fefa38p-1, -0x1.ef35793c7673p-45};
/* 1 ulp from -708.3 to 709.4; of nothing else. */
FUNCTION R r_exp_plain(R x) {
  R rounded = FMA(x, ALL(r_exp_c[2]), ALL(R_ROUND));
  R n = rounded - R_ROUND;
  R r = FMA(n, ALL(r_exp_c[3]), x); /* ln 2 to 42 bits: exact product */
  r = FMA(n, ALL(r_exp_c[4]), r);   /* and the rest */
  return r_scale(r_exp_reduced(r), rounded);
}

/* Limited to that range. */
FUNCTION R r_exp(R x) { return r_exp_plain(r_min(ALL(r_exp_c[0]), r_max(ALL(r_exp_c[1]), x))); }

COEFFICIENTS(r_exp2_plain_c) = {0x1.e9506e7458f2ep-32, 0x1.b525395b42f4fp-24, 0x1.e61c16c1056fp-28,  0x1.62bfc71b3397fp-20,
                                0x1.ffcbfc5c18559p-17, 0x1.4309130f14ca6p-13, 0x1.5d87fe78a08fdp-10, 0x1.3b2ab6fb9ffafp-7,
                                0x1.c6b08d704a124p-5,  0x1.ebfbdff82c5a5p-3,  0x1.62e42fefa39efp-1,  1.0};
/* 2^(f + n) for |f| <= 1/2, n in the lowest bits of `rounded`. 2 ulp: 2^-57.3 of the polynomial and the roundings of the last steps. */
FUNCTION R r_exp2_reduced(R f, R rounded) {
  R w = f * f;
  R odd = FMA(ALL(r_exp2_plain_c[0]), w, ALL(r_exp2_plain_c[1]));
  R even = FMA(ALL(r_exp2_plain_c[2]), w, ALL(r_exp2_plain_c[3]));
  odd = FMA(odd, w, ALL(r_exp2_plain_c[4]));
  even = FMA(even, w, ALL(r_exp2_plain_c[5]));
  odd = FMA(odd, w, ALL(r_exp2_plain_c[6]));
  even = FMA(even, w, ALL(r_exp2_plain_c[7]));
  odd = FMA(odd, w, ALL(r_exp2_plain_c[8]));
  even = FMA(even, w, ALL(r_exp2_plain_c[9]));
  odd = FMA(odd, w, ALL(r_exp2_plain_c[10]));
  even = FMA(even, w, ALL(r_exp2_plain_c[11]));
  return r_scale(FMA(odd, f, even), rounded);
}
FUNCTION R r_exp2_plain(R x) {
  R rounded = x + R_ROUND;
  return r_exp2_reduced(x - (rounded - R_ROUND), rounded); /* the difference is exact */
}
FUNCTION R r_exp2_product(R a, R b) {
  R rounded = FMA(a, b, ALL(R_ROUND));
  return r_exp2_reduced(FMA(a, b, R_ROUND - rounded), rounded);
}

COEFFICIENTS(r_log_c) = {0x1.2f041b8e6ae61p-3, 0x1.39a1e2daf37a5p-3, 0x1.74663d04574f6p-3, 0x1.c71c5214811cdp-3, 0x1.24924941e0829p-2,
                         0x1.999999997ff2bp-2, 0x1.5555555555592p-1, 0x1.ef35793c7673p-45, 0x1.62e42fefa38p-1};
/* 2 ulp. x = 2^e m with m in [sqrt(1/2), sqrt 2); ln m = 2 atanh s with s = (m - 1) / (m + 1), error 2^-59.5. */
FUNCTION R r_log(R x) {
  U shifted = BITS(x) - 0x3FE6A09E667F3BCDul;
  /* Moved to where it is positive: AVX2 cannot shift 64 bits with their sign. */
  R e = BIASED_TO_REAL((shifted + 0x4000000000000000ul) >> 52, 1024);
  R m = REAL_OF((shifted & 0xFFFFFFFFFFFFFul) + 0x3FE6A09E667F3BCDul);
  R f = m - 1.0;
  R s = f / (m + 1.0);
  R w = s * s;
  R p = FMA(ALL(r_log_c[0]), w, ALL(r_log_c[1]));
  p = FMA(p, w, ALL(r_log_c[2]));
  p = FMA(p, w, ALL(r_log_c[3]));
  p = FMA(p, w, ALL(r_log_c[4]));
  p = FMA(p, w, ALL(r_log_c[5]));
  p = FMA(p, w, ALL(r_log_c[6]));
  /* 2 s = f - s f, so the rounding of s touches the second term only. */
  R tail = s * FMA(p, w, -f);
  R rest = FMA(e, ALL(r_log_c[7]), tail);
  return FMA(e, ALL(r_log_c[8]), f + rest);
}

COEFFICIENTS(r_minus_2_log_c) = {-0x1.2f0edc7587e42p-2, -0x1.39a0bb5f6a888p-2, -0x1.74664992e5112p-2, -0x1.c71c51d01b16cp-2,
                                 -0x1.249249424137p-1,  -0x1.999999997f6f8p-1, -0x1.5555555555594p0,  -4.0,
                                 -0x1.62e42fefa39efp0};
/* -2 ln x of 0 < x <= 1, 2 ulp: what the radius of a normal number needs (random.h). */
FUNCTION R r_minus_2_log(R x) {
  U shifted = BITS(x) - 0x3FE6A09E667F3BCDul;
  R e = BIASED_TO_REAL((shifted + 0x4000000000000000ul) >> 52, 1024);
  R m = REAL_OF((shifted & 0xFFFFFFFFFFFFFul) + 0x3FE6A09E667F3BCDul);
  R s = DIVIDE_NORMAL(m - 1.0, m + 1.0), w = s * s;
  R p = FMA(ALL(r_minus_2_log_c[0]), w, ALL(r_minus_2_log_c[1]));
  p = FMA(p, w, ALL(r_minus_2_log_c[2]));
  p = FMA(p, w, ALL(r_minus_2_log_c[3]));
  p = FMA(p, w, ALL(r_minus_2_log_c[4]));
  p = FMA(p, w, ALL(r_minus_2_log_c[5]));
  p = FMA(p, w, ALL(r_minus_2_log_c[6]));
  p = FMA(p, w, ALL(r_minus_2_log_c[7]));
  return FMA(e, ALL(r_minus_2_log_c[8]), p * s);
}

COEFFICIENTS(r_sincos_turn_c) = {
    0x1.8f9e5a085a082p-4, -0x1.6f0536efc7098p-1, 0x1.167c2b6d41893p-2, -0x1.b695b651cf483p0, 0x1.e8f023f73b57bp1,  0x1.f9d2561ecdb23p2,
    -0x1.e30741a6ba9a8p3, -0x1.a6d1efd029efp4,   0x1.5078346ab756fp5,  0x1.e1f506815e381p5,  -0x1.32d2cce5e66ebp6, -0x1.55d3c7e3c0267p6,
    0x1.466bc67759fccp6,  0x1.03c1f081b59a7p6,   -0x1.4abbce625be39p5, -0x1.3bd3cc9be45dcp4, 0x1.921fb54442d18p2,  1.0};
/* Sine: 2^-54.6 relative; cosine: 2^-57.4 absolute, and the roundings. */
FUNCTION void r_sincos_turn(R v, R *sine, R *cosine) {
  R w = v * v;
  R s = FMA(ALL(r_sincos_turn_c[0]), w, ALL(r_sincos_turn_c[1]));
  R c = FMA(ALL(r_sincos_turn_c[2]), w, ALL(r_sincos_turn_c[3]));
  s = FMA(s, w, ALL(r_sincos_turn_c[4]));
  c = FMA(c, w, ALL(r_sincos_turn_c[5]));
  s = FMA(s, w, ALL(r_sincos_turn_c[6]));
  c = FMA(c, w, ALL(r_sincos_turn_c[7]));
  s = FMA(s, w, ALL(r_sincos_turn_c[8]));
  c = FMA(c, w, ALL(r_sincos_turn_c[9]));
  s = FMA(s, w, ALL(r_sincos_turn_c[10]));
  c = FMA(c, w, ALL(r_sincos_turn_c[11]));
  s = FMA(s, w, ALL(r_sincos_turn_c[12]));
  c = FMA(c, w, ALL(r_sincos_turn_c[13]));
  s = FMA(s, w, ALL(r_sincos_turn_c[14]));
  c = FMA(c, w, ALL(r_sincos_turn_c[15]));
  s = FMA(s, w, ALL(r_sincos_turn_c[16]));
  *sine = s * v;
  *cosine = FMA(c, w, ALL(r_sincos_turn_c[17]));
}

#endif
