/* SPDX-License-Identifier: MIT */
#include "stats/inner.h"

#include <float.h>
#include <math.h>

/* log Gamma without the global `signgam` that lgamma() writes: callers may be on any thread. */
static double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

/*
 * log(Gamma(z + 1/2) / Gamma(z)). lgamma(z) grows as z log z, so the plain difference loses all digits for large z; there, the expansion of
 * Gamma(z + 1/2) / Gamma(z) = sqrt(z) (1 - 1/8z + 1/128z^2 + 5/1024z^3 - 21/32768z^4 - 399/262144z^5 + ...) (Tricomi and Erdelyi 1951)
 * is good to 1e-14 from z = 100 on.
 */
static double log_gamma_half_step(double z) {
  if (z < 100) return log_gamma(z + 0.5) - log_gamma(z);
  double w = 1 / z;
  double series = w * (-1.0 / 8 + w * (1.0 / 128 + w * (5.0 / 1024 + w * (-21.0 / 32768 - w * 399.0 / 262144))));
  return 0.5 * log(z) + log1p(series);
}

static const double half_log_pi = 0.57236494292470008707;

static double log_beta(double a, double b) {
  if (a == 0.5) return half_log_pi - log_gamma_half_step(b);
  if (b == 0.5) return half_log_pi - log_gamma_half_step(a);
  if (a == b) return (1 - 2 * a) * M_LN2 + half_log_pi - log_gamma_half_step(a); /* duplication formula */
  return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
}

static double away_from_zero(double x) { return fabs(x) < DBL_MIN ? DBL_MIN : x; }

/*
 * The continued fraction of I_x(a, b) (Abramowitz and Stegun 26.5.8; NIST DLMF 8.17.22) from the front by the modified Lentz method. It
 * converges in about sqrt(max(a, b)) steps for x < (a + 1) / (a + b + 2).
 */
static double beta_fraction(double a, double b, double x) {
  double value = 1, c = INFINITY, d = 1;
  for (int step = 1; step < 100000; step++) {
    double m = step / 2; /* whole */
    double numerator =
        step % 2 == 1 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + numerator * d);
    c = away_from_zero(1 + numerator / c);
    value *= c * d;
    if (fabs(c * d - 1) < DBL_EPSILON) break;
  }
  return value;
}

void assay_special_beta(double a, double b, double log_x, double log_y, double *lower, double *upper) {
  double front = exp(a * log_x + b * log_y - log_beta(a, b));
  double x = exp(log_x), y = exp(log_y);
  if (x < (a + 1) / (a + b + 2)) {
    *lower = front > 0 ? front * beta_fraction(a, b, x) / a : 0;
    *upper = 1 - *lower;
  } else {
    *upper = front > 0 ? front * beta_fraction(b, a, y) / b : 0;
    *lower = 1 - *upper;
  }
}
