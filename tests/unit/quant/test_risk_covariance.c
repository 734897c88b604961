/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>

#include "base/random.h"
#include "test.h"

/* Two passes in long double, with weights. */
static void obvious(const double *x, size_t periods, size_t n, const double *weights, bool zero_mean, double ddof, double *out) {
  long double total = 0, squares = 0, means[128] = {0};
  for (size_t t = 0; t < periods; t++) {
    long double w = weights == NULL ? 1 : weights[t];
    total += w;
    squares += w * w;
    for (size_t i = 0; i < n && !zero_mean; i++) means[i] += w * x[t * n + i];
  }
  for (size_t i = 0; i < n; i++) means[i] /= total;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      long double sum = 0;
      for (size_t t = 0; t < periods; t++)
        sum += (weights == NULL ? 1 : weights[t]) * (x[t * n + i] - means[i]) * (x[t * n + j] - means[j]);
      out[i * n + j] = (double)(sum / (weights == NULL ? total - ddof : total - ddof * squares / total));
    }
  }
}

static void fill(double *x, size_t periods, size_t n, double level, double scale, uint64_t seed) {
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t t = 0; t < periods; t++) {
    double common = assay_random_normal(&random);
    for (size_t i = 0; i < n; i++) x[t * n + i] = level + scale * (common + (double)(i + 1) * assay_random_normal(&random));
  }
}

static void assert_matrix_near(const double *a, const double *b, size_t n, double tolerance) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      double scale = sqrt(fabs(b[i * n + i] * b[j * n + j]));
      assert_near(a[i * n + j] / scale, b[i * n + j] / scale, tolerance);
    }
  }
}

static void sample_agrees_with_two_passes(void **state) {
  (void)state;
  static double x[1100 * 70], ours[101 * 101], theirs[101 * 101];
  const size_t shapes[][2] = {{2, 1}, {3, 2}, {5, 13}, {255, 4}, {256, 12}, {257, 7}, {40, 70}, {1100, 25}, {513, 49}, {30, 101}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    size_t periods = shapes[s][0], n = shapes[s][1];
    fill(x, periods, n, 0.001, 0.01, s);
    assay_error err = {0};
    assay_risk_covariance_info info;
    assert_ok(assay_risk_covariance(x, periods, n, NULL, &err, ours, &info), err);
    obvious(x, periods, n, NULL, false, 1, theirs);
    assert_matrix_near(ours, theirs, n, 1e-13);
    assert_true(info.shrinkage == 0 && info.weights == (double)periods);
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++) assert_true(ours[i * n + j] == ours[j * n + i]);
    }
    const assay_risk_covariance_options around_zero = {.zero_mean = true};
    assert_ok(assay_risk_covariance(x, periods, n, &around_zero, &err, ours, NULL), err);
    obvious(x, periods, n, NULL, true, 0, theirs);
    assert_matrix_near(ours, theirs, n, 1e-13);
  }
}

/* Prices near 1e8, and a series whose first block says nothing of the rest. */
static void offsets_cost_few_digits(void **state) {
  (void)state;
  enum { PERIODS = 2000, N = 5 };
  static double x[PERIODS * N];
  double ours[N * N], theirs[N * N];
  fill(x, PERIODS, N, 1e8, 1, 3);
  assay_error err = {0};
  assert_ok(assay_risk_covariance(x, PERIODS, N, NULL, &err, ours, NULL), err);
  obvious(x, PERIODS, N, NULL, false, 1, theirs);
  assert_matrix_near(ours, theirs, N, 1e-13);
  fill(x, PERIODS, N, 0, 1e-6, 3);
  for (size_t t = 256; t < PERIODS; t++) {
    for (size_t i = 0; i < N; i++) x[t * N + i] += 1000;
  }
  assert_ok(assay_risk_covariance(x, PERIODS, N, NULL, &err, ours, NULL), err);
  obvious(x, PERIODS, N, NULL, false, 1, theirs);
  assert_matrix_near(ours, theirs, N, 1e-13);
}

static void ewma_is_a_weighted_covariance(void **state) {
  (void)state;
  enum { PERIODS = 600, N = 9 };
  static double x[PERIODS * N], weights[PERIODS];
  double ours[N * N], theirs[N * N];
  fill(x, PERIODS, N, 0.01, 0.01, 8);
  for (int t = 0; t < PERIODS; t++) weights[t] = pow(0.97, PERIODS - 1 - t);
  assay_risk_covariance_options options = {.estimator = ASSAY_RISK_EWMA, .decay = 0.97};
  assay_risk_covariance_info info;
  assay_error err = {0};
  assert_ok(assay_risk_covariance(x, PERIODS, N, &options, &err, ours, &info), err);
  obvious(x, PERIODS, N, weights, false, 1, theirs);
  assert_matrix_near(ours, theirs, N, 1e-12);
  assert_near(info.weights, 1.97 / 0.03, 1e-4); /* (1 + decay) / (1 - decay) of an endless series */
  options.zero_mean = true;
  assert_ok(assay_risk_covariance(x, PERIODS, N, &options, &err, ours, NULL), err);
  obvious(x, PERIODS, N, weights, true, 0, theirs);
  assert_matrix_near(ours, theirs, N, 1e-12);
}

static void correlation_has_unit_diagonal(void **state) {
  (void)state;
  enum { PERIODS = 30, N = 20 };
  static double x[PERIODS * N];
  double c[N * N], s[N * N];
  fill(x, PERIODS, N, 5, 1e-3, 2);
  for (int t = 0; t < PERIODS; t++) x[t * N + 7] = -3 * x[t * N + 4]; /* the mirror image */
  assay_error err = {0};
  assert_ok(assay_risk_correlation(x, PERIODS, N, NULL, &err, c, NULL), err);
  assert_ok(assay_risk_covariance(x, PERIODS, N, NULL, &err, s, NULL), err);
  for (int i = 0; i < N; i++) {
    assert_true(c[i * N + i] == 1);
    for (int j = 0; j < N; j++) {
      assert_true(c[i * N + j] == c[j * N + i] && fabs(c[i * N + j]) <= 1);
      assert_near(c[i * N + j], s[i * N + j] / sqrt(s[i * N + i] * s[j * N + j]), 1e-12);
    }
  }
  assert_near(c[4 * N + 7], -1, 1e-10);
  for (int t = 0; t < PERIODS; t++) x[t * N + 11] = 0.1;
  assert_int_equal(assay_risk_correlation(x, PERIODS, N, NULL, &err, c, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "asset 11 does not vary"));
}

/* The papers' own formulas, asset pair by asset pair. */
static double obvious_identity(const double *x, size_t periods, size_t n, double *out) {
  static double s[128 * 128], mean[128];
  obvious(x, periods, n, NULL, false, 0, s);
  double m = 0, d2 = 0, b2 = 0, count = (double)periods;
  for (size_t i = 0; i < n; i++) {
    m += s[i * n + i] / (double)n;
    mean[i] = 0;
    for (size_t t = 0; t < periods; t++) mean[i] += x[t * n + i] / count;
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) d2 += pow(s[i * n + j] - (i == j ? m : 0), 2) / (double)n;
  }
  for (size_t t = 0; t < periods; t++) {
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++)
        b2 += pow((x[t * n + i] - mean[i]) * (x[t * n + j] - mean[j]) - s[i * n + j], 2) / (double)n / (count * count);
    }
  }
  double share = fmin(b2, d2) / d2;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) out[i * n + j] = (1 - share) * s[i * n + j] + (i == j ? share * m : 0);
  }
  return share;
}

static double obvious_correlation(const double *x, size_t periods, size_t n, double *out) {
  static double s[128 * 128], mean[128];
  obvious(x, periods, n, NULL, false, 0, s);
  double r = 0, count = (double)periods, pi = 0, rho = 0, gamma = 0;
  for (size_t i = 0; i < n; i++) {
    mean[i] = 0;
    for (size_t t = 0; t < periods; t++) mean[i] += x[t * n + i] / count;
    for (size_t j = 0; j < n; j++) r += i == j ? 0 : s[i * n + j] / sqrt(s[i * n + i] * s[j * n + j]) / (double)(n * (n - 1));
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      double p = 0, theta_i = 0, theta_j = 0, sii = s[i * n + i], sjj = s[j * n + j], sij = s[i * n + j];
      for (size_t t = 0; t < periods; t++) {
        double a = x[t * n + i] - mean[i], b = x[t * n + j] - mean[j];
        p += pow(a * b - sij, 2) / count;
        theta_i += (a * a - sii) * (a * b - sij) / count;
        theta_j += (b * b - sjj) * (a * b - sij) / count;
      }
      pi += p;
      rho += i == j ? p : r / 2 * (sqrt(sjj / sii) * theta_i + sqrt(sii / sjj) * theta_j);
      gamma += i == j ? 0 : pow(r * sqrt(sii * sjj) - sij, 2);
    }
  }
  double share = fmax(0, fmin(1, (pi - rho) / gamma / count));
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++)
      out[i * n + j] = i == j ? s[i * n + i] : share * r * sqrt(s[i * n + i] * s[j * n + j]) + (1 - share) * s[i * n + j];
  }
  return share;
}

static void shrinkage_agrees_with_the_papers(void **state) {
  (void)state;
  static double x[120 * 24], ours[24 * 24], theirs[24 * 24];
  const size_t shapes[][2] = {{10, 3}, {120, 24}, {15, 24}, {2, 5}};
  for (size_t s = 0; s < 4; s++) {
    size_t periods = shapes[s][0], n = shapes[s][1];
    fill(x, periods, n, 0.3, 0.02, 40 + s);
    assay_risk_covariance_options options = {.estimator = ASSAY_RISK_LEDOIT_WOLF};
    assay_risk_covariance_info info;
    assay_error err = {0};
    assert_ok(assay_risk_covariance(x, periods, n, &options, &err, ours, &info), err);
    assert_near(info.shrinkage, obvious_identity(x, periods, n, theirs), 1e-10);
    assert_matrix_near(ours, theirs, n, 1e-11);
    options.estimator = ASSAY_RISK_LEDOIT_WOLF_CORRELATION;
    assert_ok(assay_risk_covariance(x, periods, n, &options, &err, ours, &info), err);
    assert_near(info.shrinkage, obvious_correlation(x, periods, n, theirs), 1e-10);
    assert_matrix_near(ours, theirs, n, 1e-11);
  }
}

/* Fewer periods than assets: singular as a sample, regular once shrunk. */
static void shrinkage_makes_regular(void **state) {
  (void)state;
  enum { PERIODS = 10, N = 30 };
  static double x[PERIODS * N], c[N * N];
  double values[N];
  fill(x, PERIODS, N, 0, 1, 6);
  assay_error err = {0};
  assert_ok(assay_risk_covariance(x, PERIODS, N, NULL, &err, c, NULL), err);
  assert_ok(assay_risk_eigen(c, N, &err, values, NULL), err);
  assert_true(values[0] > -1e-12 * values[N - 1] && values[N - PERIODS] < 1e-12 * values[N - 1]);
  const assay_risk_covariance_options options = {.estimator = ASSAY_RISK_LEDOIT_WOLF};
  assert_ok(assay_risk_covariance(x, PERIODS, N, &options, &err, c, NULL), err);
  assert_ok(assay_risk_eigen(c, N, &err, values, NULL), err);
  assert_true(values[0] > 1e-3 * values[N - 1]);
}

static void refused(const double *x, size_t periods, size_t n, const assay_risk_covariance_options *options, const char *says) {
  double c[9] = {7};
  assay_error err = {0};
  assert_int_equal(assay_risk_covariance(x, periods, n, options, &err, c, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, says));
  assert_true(c[0] == 7);
}

static void bad_input_is_named(void **state) {
  (void)state;
  double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 5, 2};
  const assay_risk_covariance_options decay = {.estimator = ASSAY_RISK_EWMA, .decay = 1}, unknown = {.estimator = (assay_risk_estimator)9};
  refused(x, 1, 3, NULL, "1 periods");
  refused(x, 4, 0, NULL, "0 assets");
  refused(x, 4, 3, &decay, "decay of 1");
  refused(x, 4, 3, &unknown, "estimator 9");
  x[7] = NAN;
  refused(x, 4, 3, NULL, "row 2, column 1 is nan");
  x[7] = -INFINITY;
  refused(x, 4, 3, NULL, "row 2, column 1 is -inf");
  x[7] = 1e200;
  refused(x, 4, 3, NULL, "overflow");
}

/* A decay that leaves one period leaves nothing to estimate; before that, every digit counts. */
static void ewma_that_forgets_nearly_all(void **state) {
  (void)state;
  const double r[] = {0.03, -0.01, 0.02, 0.05};
  double matrix[1];
  assay_error err = {0};
  assay_risk_covariance_options o = {.estimator = ASSAY_RISK_EWMA, .decay = 1e-5};
  assert_ok(assay_risk_covariance(r, 4, 1, &o, &err, matrix, NULL), err);
  assert_near(matrix[0] / (0.03 * 0.03 / 2), 1, 1e-4); /* the last two periods, equally unbiased: (a - b)^2 / 2 */
  const double tiny[] = {1e-8, 1e-15, 1e-20, 1e-300, 1e-320};
  for (int k = 0; k < 5; k++) {
    o.decay = tiny[k];
    assay_error_clear(&err);
    assert_int_equal(assay_risk_covariance(r, 4, 1, &o, &err, matrix, NULL), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "decay"));
  }
  o.zero_mean = true;
  assert_ok(assay_risk_covariance(r, 4, 1, &o, &err, matrix, NULL), err);
  assert_near(matrix[0], 0.05 * 0.05, 1e-15);
}

/* The share does not depend on the unit of returns. */
static void shrinkage_has_no_unit(void **state) {
  (void)state;
  const double r[] = {1, -1, 1, 2, -3, 1, 0.5, 2, -1, 1.5, -2, 0.25}, units[] = {1e90, 1e-90, 1e140, 1e-140};
  double scaled[12], matrix[9];
  assay_error err = {0};
  for (int e = ASSAY_RISK_LEDOIT_WOLF; e <= ASSAY_RISK_LEDOIT_WOLF_CORRELATION; e++) {
    const assay_risk_covariance_options o = {.estimator = (assay_risk_estimator)e};
    assay_risk_covariance_info plain, info;
    double first[9];
    assert_ok(assay_risk_covariance(r, 4, 3, &o, &err, first, &plain), err);
    for (int k = 0; k < 4; k++) {
      for (int i = 0; i < 12; i++) scaled[i] = r[i] * units[k];
      assert_ok(assay_risk_covariance(scaled, 4, 3, &o, &err, matrix, &info), err);
      assert_near(info.shrinkage, plain.shrinkage, 1e-12);
      for (int i = 0; i < 9; i++) assert_near(matrix[i] / units[k] / units[k], first[i], 1e-12);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sample_agrees_with_two_passes),
      cmocka_unit_test(offsets_cost_few_digits),
      cmocka_unit_test(ewma_is_a_weighted_covariance),
      cmocka_unit_test(correlation_has_unit_diagonal),
      cmocka_unit_test(shrinkage_agrees_with_the_papers),
      cmocka_unit_test(shrinkage_makes_regular),
      cmocka_unit_test(ewma_that_forgets_nearly_all),
      cmocka_unit_test(shrinkage_has_no_unit),
      cmocka_unit_test(bad_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
