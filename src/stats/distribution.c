/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

#include "stats/inner.h"

/*
 * From here on the continued fraction is slow and loses digits, and the normal deviate below is exact to more than 1e-13.
 */
static const double df_normal = 1e4;

/* z > 0 such that the normal's P(|Z| > z) is Student's P(|T| > t): Hill 1970 (ACM Algorithm 395). */
static double normal_deviate(double t, double df) {
  if (isinf(df)) return t;
  double a = df - 0.5, b = 48 * a * a;
  double w2 = a * log1p(t * t / df);
  return sqrt(w2) * (1 + (w2 + 3) / b - (((4 * w2 + 33) * w2 + 240) * w2 + 855) / (10 * b * b));
}

/* P(|T| > t) and its complement for t >= 0; the normal's where df is infinite. */
static void two_sided(double t, double df, double *outside, double *inside) {
  if (df >= df_normal) {
    double z = normal_deviate(t, df) * M_SQRT1_2;
    *outside = erfc(z);
    *inside = erf(z);
    return;
  }
  /* P(|T| > t) = I_x(df / 2, 1 / 2) with x = df / (df + t^2) = 1 / (1 + r^2). */
  double r = t / sqrt(df);
  double log_x = r > 1 ? -2 * log(r) - log1p(1 / r / r) : -log1p(r * r);
  double log_y = r > 1 ? -log1p(1 / r / r) : 2 * log(r) - log1p(r * r);
  assay_special_beta(0.5 * df, 0.5, log_x, log_y, outside, inside);
}

static double density(double t, double df) {
  if (df >= df_normal) return exp(-0.5 * t * t) / sqrt(2 * M_PI); /* only steers the Newton steps */
  int sign;
  double log_norm = lgamma_r(0.5 * (df + 1), &sign) - lgamma_r(0.5 * df, &sign) - 0.5 * log(df * M_PI);
  double r = t / sqrt(df);
  double log_one_plus_r2 = r > 1 ? 2 * log(r) + log1p(1 / r / r) : log1p(r * r);
  return exp(log_norm - 0.5 * (df + 1) * log_one_plus_r2);
}

/*
 * t > 0 with P(|T| <= t) = inside. Newton in u = log t on the logarithm of the smaller of the two probabilities: there it is nearly a
 * straight line (the inside is proportional to t for small t, the outside to t^-df for large t), so a few steps give all digits from 1e-300
 * to 1 - 1e-300. A bracket with bisection catches what Newton overshoots.
 */
static double solve(double outside, double inside, double df) {
  bool by_inside = inside < outside;
  double target = log(by_inside ? inside : outside);
  double low = -750, high = 709.7;
  double u = by_inside ? log(inside) : 0.5 * log(-2 * log(outside)); /* the normal's tail is below exp(-t^2 / 2) */
  for (int step = 0; step < 200; step++) {
    double t = exp(u), now_outside, now_inside;
    two_sided(t, df, &now_outside, &now_inside);
    double now = by_inside ? now_inside : now_outside;
    double difference = by_inside ? log(now) - target : target - log(now); /* rises with u */
    if (difference > 0)
      high = u;
    else
      low = u;
    double next = u - difference * now / (2 * density(t, df) * t);
    if (!(next > low && next < high)) next = fabs(difference) < 1e-15 ? u : 0.5 * (low + high);
    if (fabs(next - u) < 1e-15 * fmax(1, fabs(u))) return exp(next);
    u = next;
  }
  return exp(u);
}

double assay_stats_t_quantile(double p, double df) {
  if (!(p > 0 && p < 1 && df > 0)) return NAN;
  double inside = fabs(2 * p - 1); /* exact */
  if (inside == 0) return 0;
  double t = solve(2 * fmin(p, 1 - p), inside, df);
  return p < 0.5 ? -t : t;
}

double assay_stats_normal_quantile(double p) { return assay_stats_t_quantile(p, INFINITY); }

double assay_stats_t_pvalue(double t, double df) {
  if (isnan(t) || !(df > 0)) return NAN;
  if (t == 0) return 1;
  if (isinf(t)) return 0;
  double outside, inside;
  two_sided(fabs(t), df, &outside, &inside);
  return outside;
}
