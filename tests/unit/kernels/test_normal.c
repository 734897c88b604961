/* SPDX-License-Identifier: MIT */
/* The normal distribution of the kernels against the C library in long double, on dense grids; built for each precision with one lane. */
#include <float.h>
#include <math.h>

#include "kernels/normal.h"
#include "test.h"

#if REAL_BITS == 32
#define NEXT nextafterf
enum { FINEST = -149, DIGITS = 24 };
#else
#define NEXT nextafter
enum { FINEST = -1074, DIGITS = 53 };
#endif

/* Distance in units in the last place of the exact value. */
static long double ulps(real found, long double exact) {
  int exponent;
  frexpl(exact, &exponent);
  long double unit = ldexpl(1, exponent - DIGITS < FINEST ? FINEST : exponent - DIGITS);
  return fabsl((long double)found - exact) / unit;
}

static long double exact_cdf(long double x) { return 0.5L * erfcl(-x * 0.70710678118654752440084436210485L); }

#define GRID(x, from, to, count) \
  for (long double at = 0, x = (from); at <= (count); at++, x = (real)((from) + ((to) - (from)) * at / (count)))

static void cdf(void **state) {
  (void)state;
  long double worst = 0;
  GRID(x, -R_NORMAL_LIMIT + 0.3L, 9.0L, 100000) worst = fmaxl(worst, ulps(r_normal_cdf((real)x), exact_cdf((real)x)));
  GRID(x, -1e-3L, 1e-3L, 1000) worst = fmaxl(worst, ulps(r_normal_cdf((real)x), exact_cdf((real)x)));
  assert_true(worst <= 5);
  assert_true(r_normal_cdf(-100) == 0 && r_normal_cdf(100) == 1 && r_normal_cdf(0) == RC(0.5));
  assert_true(r_normal_cdf(-INFINITY) == 0 && r_normal_cdf(INFINITY) == 1 && isnan(r_normal_cdf(NAN)));
}

static void erfc_tail(void **state) {
  (void)state;
  long double worst = 0;
  GRID(x, -6.0L, R_ERFC_LIMIT - 0.3L, 100000) worst = fmaxl(worst, ulps(r_erfc((real)x), erfcl((real)x)));
  assert_true(worst <= 5);
  assert_true(r_erfc(100) == 0 && r_erfc(-100) == 2 && r_erfc(0) == 1 && isnan(r_erfc(NAN)));
}

/* The error of x in p = cdf(x), seen through the density: |x' - x| = |cdf(x') - p| / density(x). */
static long double quantile_ulps(real p) {
  real x = r_normal_inverse(p);
  long double density = expl(-(long double)x * x / 2) * 0.39894228040143267793994605993438L;
  long double off = p > RC(0.5) ? exact_cdf(-(long double)x) - (1 - (long double)p) : exact_cdf(x) - p;
  return ulps(x, x + off / density * (p > RC(0.5) ? -1 : 1));
}

static void inverse(void **state) {
  (void)state;
  long double worst = 0;
  GRID(p, 1e-4L, 1 - 1e-4L, 100000) {
    if ((real)p != RC(0.5)) worst = fmaxl(worst, quantile_ulps((real)p));
  }
  GRID(e, -1.0L, (long double)FLT_MIN_10_EXP * (REAL_BITS == 32 ? 1 : 8), 100000) worst = fmaxl(worst, quantile_ulps((real)powl(10, e)));
  GRID(u, 1e-9L, 1e-6L, 1000) worst = fmaxl(worst, REAL_BITS == 64 ? quantile_ulps((real)(0.5L + u)) : 0);
  assert_true(worst <= 4);
  assert_true(r_normal_inverse(RC(0.5)) == 0 && isnan(r_normal_inverse(NAN)));
  assert_true(isfinite(r_normal_inverse(0)) && isfinite(r_normal_inverse(1)) && r_normal_inverse(NEXT(1, 0)) > 5);
}

static void mills(void **state) {
  (void)state;
  long double worst = 0;
  GRID(z, 0, R_NORMAL_LIMIT, 100000) {
    real above, slope, below;
    r_mills_parts((real)z, &above, &slope, &below);
    long double x = (real)z, exact = 1.2533141373155002512078826424055L * erfcl(x * 0.70710678118654752440084436210485L) * expl(x * x / 2);
    worst = fmaxl(worst, ulps(above / below, exact));
  }
  assert_true(worst <= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cdf), cmocka_unit_test(erfc_tail), cmocka_unit_test(inverse),
                                     cmocka_unit_test(mills)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
