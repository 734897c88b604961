/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <math.h>

#include "test.h"

static void sequence_is_the_published_one(void **state) {
  (void)state;
  /* xoshiro256++ from the state {1, 2, 3, 4}, by its authors' definition; the first is rotl(1 + 4, 23) + 1. */
  static const uint64_t expected[] = {UINT64_C(41943041),
                                      UINT64_C(58720359),
                                      UINT64_C(3588806011781223),
                                      UINT64_C(3591011842654386),
                                      UINT64_C(9228616714210784205),
                                      UINT64_C(9973669472204895162),
                                      UINT64_C(14011001112246962877),
                                      UINT64_C(12406186145184390807),
                                      UINT64_C(15849039046786891736),
                                      UINT64_C(10450023813501588000)};
  assay_random random = {{1, 2, 3, 4}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) assert_true(assay_random_next(&random) == expected[i]);
  /* SplitMix64 of 1234567, as it is published. */
  assay_random_init(&random, 1234567);
  assert_true(random.state[0] == UINT64_C(6457827717110365317));
  assert_true(random.state[1] == UINT64_C(3203168211198807973));
  assert_true(random.state[2] == UINT64_C(9817491932198370423));
  assert_true(random.state[3] == UINT64_C(4593380528125082431));
}

enum { DRAWS = 200000 };

static void moments_are_those_of_the_distributions(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 42);
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0, normal_cubes = 0, normal_fourths = 0;
  for (int i = 0; i < DRAWS; i++) {
    double u = assay_random_unit(&random), z = assay_random_normal(&random);
    assert_true(u >= 0 && u < 1);
    sum += u;
    squares += u * u;
    normal_sum += z;
    normal_squares += z * z;
    normal_cubes += z * z * z;
    normal_fourths += z * z * z * z;
  }
  /* Five standard errors each; the seed is fixed, so this is a matter of the code, not of luck. */
  double root = sqrt(DRAWS);
  assert_near(sum / DRAWS, 0.5, 5 * sqrt(1.0 / 12) / root);
  assert_near(squares / DRAWS, 1.0 / 3, 5 * sqrt(4.0 / 45) / root);
  assert_near(normal_sum / DRAWS, 0, 5 / root);
  assert_near(normal_squares / DRAWS, 1, 5 * sqrt(2) / root);
  assert_near(normal_cubes / DRAWS, 0, 5 * sqrt(15) / root);
  assert_near(normal_fourths / DRAWS, 3, 5 * sqrt(96) / root);
}

static void bounded_draws_are_even(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 1);
  size_t counts[7] = {0};
  for (int i = 0; i < 70000; i++) counts[assay_random_below(&random, 7)]++;
  double chi_square = 0;
  for (int i = 0; i < 7; i++) chi_square += ((double)counts[i] - 10000) * ((double)counts[i] - 10000) / 10000;
  assert_true(chi_square < 22.5); /* the 99.9th percentile with 6 degrees of freedom */
  for (int i = 0; i < 100; i++) assert_int_equal(assay_random_below(&random, 1), 0);
  /* A bound of 3/4 of the range: without rejection the first third would come twice as often. */
  uint64_t bound = UINT64_C(3) << 62, low = 0;
  for (int i = 0; i < 30000; i++) {
    uint64_t x = assay_random_below(&random, bound);
    assert_true(x < bound);
    low += x < bound / 3;
  }
  assert_near((double)low, 10000, 5 * sqrt(30000 * 2.0 / 9));
}

static void shuffles_reach_every_order_evenly(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 5);
  size_t orders[27] = {0}, seen = 0;
  for (int i = 0; i < 60000; i++) {
    size_t items[3] = {0, 1, 2};
    assay_random_shuffle(&random, items, 3);
    assert_int_equal(items[0] + items[1] + items[2], 3);
    orders[items[0] * 9 + items[1] * 3 + items[2]]++;
  }
  for (int i = 0; i < 27; i++) {
    if (orders[i] == 0) continue;
    seen++;
    assert_near((double)orders[i], 10000, 5 * sqrt(60000 * 5.0 / 36));
  }
  assert_int_equal(seen, 6);
  assay_random_shuffle(&random, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sequence_is_the_published_one),
      cmocka_unit_test(moments_are_those_of_the_distributions),
      cmocka_unit_test(bounded_draws_are_even),
      cmocka_unit_test(shuffles_reach_every_order_evenly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
