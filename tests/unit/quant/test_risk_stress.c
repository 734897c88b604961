/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/risk.h>

#include "test.h"

static const double positions[] = {100, -50, 200};
static const double covariance[] = {0.04, 0.01, 0.00, 0.01, 0.09, 0.02, 0.00, 0.02, 0.01};

static void shocks_alone(void **state) {
  (void)state;
  const size_t both[] = {0, 1};
  const double shocks[] = {-0.2, 0.3};
  const assay_risk_scenario scenarios[] = {{"crash", 2, both, shocks}, {"nothing", 0, NULL, NULL}};
  assay_risk_stress results[2];
  assay_error err = {0};
  assert_ok(assay_risk_get_stress(positions, 3, NULL, scenarios, 2, &err, results), err);
  assert_near(results[0].pnl, -35, 1e-13);
  assert_int_equal(results[0].worst, 0);
  assert_near(results[0].worst_pnl, -20, 1e-14);
  assert_int_equal(results[0].best, 2);
  assert_true(results[0].best_pnl == 0 && isnan(results[0].distance));
  assert_true(results[1].pnl == 0);
}

/* One shock: the others move by their betas to it. Two: the normal equations by hand. */
static void the_others_follow(void **state) {
  (void)state;
  const size_t second[] = {1}, pair[] = {2, 0};
  const double one[] = {-0.3}, two[] = {0.1, -0.2};
  const assay_risk_scenario scenarios[] = {{"one", 1, second, one}, {"two", 2, pair, two}};
  assay_risk_stress results[2];
  assay_error err = {0};
  assert_ok(assay_risk_get_stress(positions, 3, covariance, scenarios, 2, &err, results), err);
  assert_near(results[0].pnl, 100 * (0.01 / 0.09 * -0.3) - 50 * -0.3 + 200 * (0.02 / 0.09 * -0.3), 1e-12);
  assert_near(results[0].distance, 1, 1e-14);              /* 0.3 is one standard deviation */
  double follows = 0.02 / 0.01 * 0.1 + 0.01 / 0.04 * -0.2; /* 0 and 2 are uncorrelated */
  assert_near(results[1].pnl, 100 * -0.2 - 50 * follows + 200 * 0.1, 1e-12);
  assert_near(results[1].distance, sqrt(2), 1e-14);
}

static void shocks_that_contradict_a_singular_covariance(void **state) {
  (void)state;
  const double twins[] = {0.04, 0.04, 0.04, 0.04};
  const size_t both[] = {0, 1};
  const double same[] = {-0.1, -0.1}, different[] = {-0.1, 0.1};
  const assay_risk_scenario fine = {"twins", 2, both, same}, impossible = {"torn apart", 2, both, different};
  assay_risk_stress result;
  assay_error err = {0};
  assert_ok(assay_risk_get_stress(positions, 2, twins, &fine, 1, &err, &result), err);
  assert_near(result.distance, 0.5, 1e-14);
  assert_int_equal(assay_risk_get_stress(positions, 2, twins, &impossible, 1, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "torn apart"));
  assert_non_null(strstr(err.message, "implies -0.1 and not 0.1"));
}

static void a_matrix_that_is_no_covariance(void **state) {
  (void)state;
  const double indefinite[] = {1, 2, 2, 1}, negative[] = {-1, 0, 0, 1}, uneven[] = {1e-4, 0, 0, 1e-18}, held[] = {1, 1};
  const size_t both[] = {0, 1};
  const double shocks[] = {0.01, 2e-9};
  const assay_risk_scenario one = {"one", 1, both, shocks}, two = {"two", 2, both, shocks};
  assay_risk_stress result;
  assay_error err = {0};
  assert_int_equal(assay_risk_get_stress(held, 2, indefinite, &one, 1, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "not positive semidefinite"));
  assay_error_clear(&err);
  assert_int_equal(assay_risk_get_stress(held, 2, negative, &one, 1, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "variance of asset 0"));
  assay_error_clear(&err);
  assert_ok(assay_risk_get_stress(held, 2, uneven, &two, 1, &err, &result), err);
  assert_near(result.distance, sqrt(1 + 4), 1e-9);
}

static void bad_input_is_named(void **state) {
  (void)state;
  const size_t outside[] = {3}, twice[] = {1, 1}, first[] = {0};
  const double shocks[] = {0.1, 0.2}, not_finite[] = {NAN};
  const assay_risk_scenario a = {"outside", 1, outside, shocks}, b = {"twice", 2, twice, shocks}, c = {"nan", 1, first, not_finite};
  assay_risk_stress result;
  assay_error err = {0};
  assert_int_equal(assay_risk_get_stress(positions, 3, NULL, &a, 1, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "outside shocks asset 3"));
  assay_error_clear(&err);
  assert_int_equal(assay_risk_get_stress(positions, 3, NULL, &b, 1, &err, &result), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "asset 1 twice"));
  assert_int_equal(assay_risk_get_stress(positions, 3, NULL, &c, 1, NULL, &result), ASSAY_ERR_INVALID);
  assert_int_equal(assay_risk_get_stress(positions, 0, NULL, &c, 1, NULL, &result), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shocks_alone),
      cmocka_unit_test(the_others_follow),
      cmocka_unit_test(shocks_that_contradict_a_singular_covariance),
      cmocka_unit_test(a_matrix_that_is_no_covariance),
      cmocka_unit_test(bad_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
