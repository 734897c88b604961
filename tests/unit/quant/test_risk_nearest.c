/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>

#include "base/random.h"
#include "test.h"

enum { MOST = 63 };

static void symmetric(double *a, size_t n, uint64_t seed) {
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = assay_random_normal(&random);
  }
}

static void eigenvectors_reproduce_the_matrix(void **state) {
  (void)state;
  static double a[MOST * MOST], vectors[MOST * MOST], values[MOST];
  const double scales[] = {1, 1e-200, 1e200};
  for (size_t n = 1; n <= MOST; n = n * 2 + 1) {
    for (size_t s = 0; s < 3; s++) {
      symmetric(a, n, n);
      for (size_t i = 0; i < n * n; i++) a[i] *= scales[s];
      assay_error err = {0};
      assert_ok(assay_risk_eigen(a, n, &err, values, vectors), err);
      for (size_t i = 0; i < n; i++) {
        if (i > 0) assert_true(values[i] >= values[i - 1]);
        for (size_t j = 0; j < n; j++) {
          double sum = 0, inner = 0;
          for (size_t r = 0; r < n; r++) {
            sum += values[r] / scales[s] * vectors[r * n + i] * vectors[r * n + j];
            inner += vectors[i * n + r] * vectors[j * n + r];
          }
          assert_near(sum, a[i * n + j] / scales[s], 1e-13 * (double)n);
          assert_near(inner, i == j, 1e-13);
        }
      }
    }
  }
}

/* Higham 2002, section 4: the tridiagonal 1 1 0; 1 1 1; 0 1 1 has the nearest correlation matrix 0.7607 and 0.1573. */
static void the_papers_example(void **state) {
  (void)state;
  const double a[] = {1, 1, 0, 1, 1, 1, 0, 1, 1};
  double x[9];
  assay_risk_nearest_info info;
  assay_error err = {0};
  assert_ok(assay_risk_nearest_correlation(a, 3, NULL, &err, x, &info), err);
  assert_near(x[1], 0.7607, 5e-5);
  assert_near(x[2], 0.1573, 5e-5);
  assert_near(x[5], 0.7607, 5e-5);
  assert_near(info.least_eigenvalue, 1 - sqrt(2), 1e-14);
  assert_true(info.distance > 0.5 && info.distance < 0.6 && info.steps < 12);
}

/* Alternating projections with Dykstra's correction, many of them: slow, and independent of Newton's method. */
static void obvious(const double *a, size_t n, double least, double *y) {
  double r[81], x[81], correction[81] = {0}, values[9], vectors[81];
  memcpy(y, a, n * n * sizeof *y);
  for (int step = 0; step < 3000; step++) {
    for (size_t i = 0; i < n * n; i++) r[i] = y[i] - correction[i];
    assert_int_equal(assay_risk_eigen(r, n, NULL, values, vectors), ASSAY_OK);
    memset(x, 0, n * n * sizeof *x);
    for (size_t k = 0; k < n; k++) {
      for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) x[i * n + j] += fmax(values[k], least) * vectors[k * n + i] * vectors[k * n + j];
      }
    }
    for (size_t i = 0; i < n * n; i++) correction[i] = x[i] - r[i];
    memcpy(y, x, n * n * sizeof *y);
    for (size_t i = 0; i < n; i++) y[i * n + i] = 1;
  }
}

static void agrees_with_alternating_projections(void **state) {
  (void)state;
  double a[81], x[81], y[81], values[9];
  for (size_t n = 2; n <= 8; n += 3) {
    for (int with_floor = 0; with_floor < 2; with_floor++) {
      symmetric(a, n, 100 + n);
      const assay_risk_nearest_options options = {.least_eigenvalue = with_floor ? 0.05 : 0};
      assay_error err = {0};
      assert_ok(assay_risk_nearest_correlation(a, n, &options, &err, x, NULL), err);
      obvious(a, n, options.least_eigenvalue, y);
      for (size_t i = 0; i < n * n; i++) assert_near(x[i], y[i], 1e-7);
      assert_ok(assay_risk_eigen(x, n, &err, values, NULL), err);
      assert_true(values[0] >= options.least_eigenvalue - 1e-9);
      for (size_t i = 0; i < n; i++) assert_true(x[i * n + i] == 1);
    }
  }
}

static void a_correlation_matrix_stays(void **state) {
  (void)state;
  const double a[] = {1, 0.5, 0.2, 0.5, 1, -0.3, 0.2, -0.3, 1}, singular[] = {1, 1, 1, 1}, one[] = {1};
  double x[9];
  assay_risk_nearest_info info;
  assay_error err = {0};
  assert_ok(assay_risk_nearest_correlation(a, 3, NULL, &err, x, &info), err);
  assert_memory_equal(a, x, sizeof a);
  assert_true(info.steps == 0 && info.distance == 0);
  assert_ok(assay_risk_nearest_correlation(singular, 2, NULL, &err, x, &info), err);
  assert_memory_equal(singular, x, sizeof singular);
  assert_ok(assay_risk_nearest_correlation(one, 1, NULL, &err, x, NULL), err);
  assert_true(x[0] == 1);
}

static void larger_matrices(void **state) {
  (void)state;
  enum { N = 60 };
  static double a[N * N], x[N * N], values[N];
  assay_random random;
  assay_random_init(&random, 12);
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j < i; j++) {
      double base = exp(-0.02 * (double)(i - j));
      a[i * N + j] = a[j * N + i] = fmin(1, base + 0.2 * (assay_random_unit(&random) - 0.5));
    }
    a[i * N + i] = 1;
  }
  assay_risk_nearest_info info;
  assay_error err = {0};
  assert_ok(assay_risk_nearest_correlation(a, N, NULL, &err, x, &info), err);
  assert_ok(assay_risk_eigen(x, N, &err, values, NULL), err);
  assert_true(values[0] > -1e-12 && info.least_eigenvalue < -0.1 && info.steps < 20);
}

static void bad_input_is_named(void **state) {
  (void)state;
  const double skew[] = {1, 0.5, 0.4, 1}, with_nan[] = {1, NAN, NAN, 1}, huge[] = {1, 1e9, 1e9, 1};
  double x[4];
  assay_error err = {0};
  assert_int_equal(assay_risk_nearest_correlation(skew, 2, NULL, &err, x, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "not symmetric: row 1, column 0"));
  assert_int_equal(assay_risk_nearest_correlation(with_nan, 2, NULL, NULL, x, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_nearest_correlation(huge, 2, NULL, NULL, x, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_nearest_correlation(skew, 0, NULL, NULL, x, NULL), ASSAY_ERR_INVALID);
  const assay_risk_nearest_options floor = {.least_eigenvalue = 1};
  assert_int_equal(assay_risk_nearest_correlation(huge, 2, &floor, NULL, x, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_eigen(with_nan, 2, NULL, x, NULL), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eigenvectors_reproduce_the_matrix),
      cmocka_unit_test(the_papers_example),
      cmocka_unit_test(agrees_with_alternating_projections),
      cmocka_unit_test(a_correlation_matrix_stays),
      cmocka_unit_test(larger_matrices),
      cmocka_unit_test(bad_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
