/* SPDX-License-Identifier: MIT */
#include <assay/options.h>

#include <math.h>

#include "closed_form.h"
#include "kernels/tree/tree.h"
#include "kernels/variant.h"
#include "test.h"

static double price_of(assay_option option, assay_tree tree, assay_tree_greeks *greeks) {
  assay_error err = {0};
  double price;
  assert_ok(assay_tree_price(&option, &tree, &err, &price, greeks), err);
  return price;
}

/* Recursion over the nodes as the paper has it. */
static double slow_crr(const assay_option *o, bool american, int steps, int level, int rises) {
  double dt = o->time / steps, up = exp(o->volatility * sqrt(dt)), sign = o->kind == ASSAY_OPTION_CALL ? 1 : -1;
  double pays = fmax(sign * (o->spot * pow(up, 2 * rises - level) - o->strike), 0);
  if (level == steps) return pays;
  double p = (exp((o->rate - o->dividend) * dt) - 1 / up) / (up - 1 / up);
  double hold = exp(-o->rate * dt) *
                (p * slow_crr(o, american, steps, level + 1, rises + 1) + (1 - p) * slow_crr(o, american, steps, level + 1, rises));
  return american ? fmax(hold, pays) : hold;
}

static void small_trees_are_the_definition(void **state) {
  (void)state;
  for (int steps = 2; steps <= 11; steps++) {
    for (int variant = 0; variant < 4; variant++) {
      assay_option option = {(assay_option_kind)(variant & 1), 100, 104, 0.7, 0.06, 0.03, 0.35};
      bool american = variant >= 2;
      assay_tree tree = {ASSAY_TREE_CRR, american ? ASSAY_EXERCISE_AMERICAN : ASSAY_EXERCISE_EUROPEAN, (uint32_t)steps};
      assert_near(price_of(option, tree, NULL), slow_crr(&option, american, steps, 0, 0), 1e-11);
    }
  }
}

/* Hull's American put on five steps and what his program gives with more; Haug's American put. */
static void published_american_puts(void **state) {
  (void)state;
  const assay_option hull = {ASSAY_OPTION_PUT, 50, 50, 5.0 / 12, 0.1, 0, 0.4};
  assay_tree tree = {ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 5};
  assay_tree_greeks greeks;
  assert_near(price_of(hull, tree, &greeks), 4.49, 0.005);
  assert_near(greeks.delta, -0.41, 0.005);
  assert_near(greeks.gamma, 0.03, 0.005);
  assert_near(greeks.theta, -4.3, 0.05);
  const struct {
    uint32_t steps;
    double price;
  } more[] = {{30, 4.263}, {50, 4.272}, {100, 4.278}, {500, 4.283}};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    tree.steps = more[i].steps;
    assert_near(price_of(hull, tree, NULL), more[i].price, 6e-4);
  }
  tree.steps = 5;
  assert_near(price_of((assay_option){ASSAY_OPTION_PUT, 100, 95, 0.5, 0.08, 0, 0.3}, tree, NULL), 4.9192, 5e-5);
}

static void european_trees_converge_to_the_closed_form(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    for (double strike = 70; strike <= 140; strike += 17) {
      assay_option option = {(assay_option_kind)kind, 100, strike, 0.75, 0.05, 0.02, 0.3};
      double exact = (double)exact_of(&option);
      assert_near(price_of(option, (assay_tree){ASSAY_TREE_CRR, ASSAY_EXERCISE_EUROPEAN, 1000}, NULL), exact, 0.01);
      assert_near(price_of(option, (assay_tree){ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_EUROPEAN, 1001}, NULL), exact, 2e-5);
      assert_near(price_of(option, (assay_tree){ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_EUROPEAN, 4001}, NULL), exact, 2e-6);
    }
  }
}

static void greeks_converge_to_the_closed_form(void **state) {
  (void)state;
  for (int method = 0; method < 2; method++) {
    for (double strike = 80; strike <= 125; strike += 11) {
      assay_option option = {ASSAY_OPTION_PUT, 100, strike, 0.75, 0.05, 0.02, 0.3};
      assay_error err = {0};
      double price;
      assay_option_greeks exact;
      assay_tree_greeks greeks;
      assert_ok(assay_option_price(&option, &err, &price, &exact), err);
      price_of(option, (assay_tree){(assay_tree_method)method, ASSAY_EXERCISE_EUROPEAN, 2001}, &greeks);
      double loose = method == ASSAY_TREE_CRR ? 10 : 1;
      assert_near(greeks.delta, exact.delta, 2e-4 * loose);
      assert_near(greeks.gamma, exact.gamma, 2e-5 * loose);
      assert_near(greeks.theta, exact.theta, 5e-3 * loose);
      assert_near(greeks.vega, exact.vega, 1e-2 * loose);
      assert_near(greeks.rho, exact.rho, 5e-3 * loose);
    }
  }
}

/* A Leisen-Reimer tree's price, delta and gamma: four times nearer with twice the steps, within a constant over their square. */
static void leisen_reimer_is_of_second_order(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    for (double strike = 82; strike <= 124; strike += 6) {
      assay_option option = {(assay_option_kind)kind, 100, strike, 0.75, 0.06, 0.02, 0.3};
      double exact, last[3] = {0};
      assay_option_greeks by_formula;
      assert_ok(assay_option_price(&option, &(assay_error){0}, &exact, &by_formula), (assay_error){0});
      for (uint32_t steps = 49; steps <= 385; steps = 2 * steps - 1) {
        assay_tree_greeks greeks;
        double price = price_of(option, (assay_tree){ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_EUROPEAN, steps}, &greeks);
        const double off[] = {price / exact - 1, greeks.delta - by_formula.delta, greeks.gamma / by_formula.gamma - 1};
        const double constants[] = {4, 0.05, 1}, floors[] = {1e-12, 2e-7, 2e-5};
        for (int k = 0; k < 3; k++) {
          assert_near(off[k], 0, constants[k] / ((double)steps * steps) + floors[k]);
          if (steps > 49 && fabs(off[k]) > 20 * floors[k]) assert_true(fabs(last[k]) > 3.2 * fabs(off[k]));
          last[k] = off[k];
        }
      }
    }
  }
}

/* From a second before expiry to years, and far in and out of the money: call and put have the same gamma, and it is no rounding. */
static void leisen_reimer_greeks_of_any_deviation(void **state) {
  (void)state;
  const assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_EUROPEAN, 501};
  for (double volatility = 1e-6; volatility < 3; volatility *= 7) {
    for (int away = -6; away <= 6; away++) {
      const double drift = fmin(0.05, volatility);
      assay_option option = {ASSAY_OPTION_CALL, 100 * exp(away * volatility), 100, 1.5, drift, drift / 3, volatility};
      double price, gammas[2], deltas[2];
      for (int kind = 0; kind < 2; kind++) {
        option.kind = (assay_option_kind)kind;
        assay_option_greeks exact;
        assay_tree_greeks greeks;
        assert_ok(assay_option_price(&option, &(assay_error){0}, &price, &exact), (assay_error){0});
        price_of(option, tree, &greeks);
        assert_near(greeks.delta, exact.delta, 2e-5);
        assert_near(greeks.gamma / exact.gamma, 1, 2e-3);
        gammas[kind] = greeks.gamma;
        deltas[kind] = greeks.delta;
      }
      assert_true(gammas[0] == gammas[1]);
      assert_near(deltas[0] - deltas[1], exp(-option.dividend * option.time), 1e-15);
    }
  }
}

/* Of a pegged currency, and of less: no difference is wider than the whole option. */
static void rho_of_small_volatilities(void **state) {
  (void)state;
  for (int method = 0; method < 2; method++) {
    for (double volatility = 1e-6; volatility < 0.5; volatility *= 7) {
      const double rate = fmin(0.02, 0.3 * volatility);
      const assay_option option = {ASSAY_OPTION_CALL, 100, 100, 1, rate, rate / 3, volatility};
      assay_option_greeks exact;
      assay_tree_greeks greeks;
      double price;
      assert_ok(assay_option_price(&option, &(assay_error){0}, &price, &exact), (assay_error){0});
      price_of(option, (assay_tree){(assay_tree_method)method, ASSAY_EXERCISE_EUROPEAN, 501}, &greeks);
      assert_near(greeks.rho / exact.rho, 1, 3e-4);
    }
  }
}

/* Where a step's volatility is hardly more than a rounding, probabilities still come to 1: the price is what the forward pays. */
static void prices_of_next_to_no_volatility(void **state) {
  (void)state;
  for (double volatility = 1e-14; volatility < 1e-7; volatility *= 3) {
    const assay_option option = {ASSAY_OPTION_CALL, 100.025, 100, 1, volatility / 100, volatility / 200, volatility};
    for (uint32_t steps = 5; steps < 100; steps += 13) {
      const double crr = price_of(option, (assay_tree){ASSAY_TREE_CRR, ASSAY_EXERCISE_EUROPEAN, steps}, NULL);
      assert_near(crr, 100.025 * exp(-option.dividend) - 100 * exp(-option.rate), 1e-10);
    }
  }
}

/* Where a tree of a higher spot has no probabilities any more, the first levels say what they can. */
static void greeks_at_the_end_of_the_range(void **state) {
  (void)state;
  for (double spot = 100; spot < 1e6; spot *= 1.02) {
    const assay_option option = {ASSAY_OPTION_CALL, spot, 100, 1, 0.02, 0, 0.2};
    const assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_EUROPEAN, 51};
    assay_tree_greeks greeks;
    double price;
    if (assay_tree_price(&option, &tree, NULL, &price, &greeks) != ASSAY_OK) return;
    assert_true(isfinite(greeks.delta) && isfinite(greeks.gamma));
    assert_near(greeks.delta, 1, spot < 150 ? 1 : 0.1);
  }
  fail_msg("no spot was refused");
}

/* A Leisen-Reimer tree drifts towards its strike; its theta does not. */
static void theta_of_early_exercise(void **state) {
  (void)state;
  const assay_option deep = {ASSAY_OPTION_PUT, 100, 518.028, 1.9271, 0.0299, 0.0286, 0.7184},
                     money = {ASSAY_OPTION_PUT, 100, 130, 1, 0.08, 0, 0.3};
  const assay_tree fine = {ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 8000}, tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 1001};
  assay_tree_greeks greeks, reference;
  assert_near(price_of(deep, tree, &greeks), 518.028 - 100, 1e-9);
  assert_near(greeks.theta, 0, 1e-6);
  price_of(money, tree, &greeks);
  price_of(money, fine, &reference);
  assert_near(greeks.theta, reference.theta, 2e-3);
}

/* Early exercise is worth something for a put, nothing for a call that pays no dividend; both methods agree on how much. */
static void early_exercise(void **state) {
  (void)state;
  assay_option option = {ASSAY_OPTION_CALL, 100, 95, 1, 0.05, 0, 0.25};
  for (int method = 0; method < 2; method++) {
    assay_tree european = {(assay_tree_method)method, ASSAY_EXERCISE_EUROPEAN, 501}, american = european;
    american.exercise = ASSAY_EXERCISE_AMERICAN;
    option.kind = ASSAY_OPTION_CALL;
    assert_near(price_of(option, american, NULL), price_of(option, european, NULL), 1e-11);
    option.kind = ASSAY_OPTION_PUT;
    assert_true(price_of(option, american, NULL) > price_of(option, european, NULL) + 0.2);
    assay_option deep = option;
    deep.spot = 20;
    assert_near(price_of(deep, american, NULL), 75, 1e-9); /* exercised at once */
  }
  assay_tree crr = {ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 4000}, lr = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 4001};
  assert_near(price_of(option, crr, NULL), price_of(option, lr, NULL), 1e-3);
}

/* Every variant of the loops against the scalar one, also where they begin and end within a vector. */
static void all_instruction_sets_give_the_same_bits(void **state) {
  (void)state;
  enum { NODES = 101 };
  double start[NODES + 1], ratio[NODES + 1], expected[NODES + 1], found[NODES + 1];
  for (int j = 0; j <= NODES; j++) {
    start[j] = 10 * sin(j) + 10;
    ratio[j] = exp(0.02 * j);
  }
  const assay_tree_functions *reference = assay_tree_functions_variant(ASSAY_KERNEL_VARIANT_c);
  for (size_t i = 0; assay_kernel_variant_usable(i) != ASSAY_KERNEL_VARIANT_COUNT; i++) {
    const assay_tree_functions *functions = assay_tree_functions_variant(assay_kernel_variant_usable(i));
    for (size_t begin = 0; begin < 9; begin++) {
      for (size_t end = begin; end <= NODES; end += 1 + end % 7) {
        memcpy(expected, start, sizeof start);
        memcpy(found, start, sizeof start);
        reference->european(expected, begin, end, 0.51, 0.48);
        functions->european(found, begin, end, 0.51, 0.48);
        assert_memory_equal(found, expected, sizeof found);
        reference->american(expected, ratio, begin, end, 0.51, 0.48, -7, -17);
        functions->american(found, ratio, begin, end, 0.51, 0.48, -7, -17);
        assert_memory_equal(found, expected, sizeof found);
      }
    }
  }
}

static void bad_trees_are_refused(void **state) {
  (void)state;
  const assay_option good = {ASSAY_OPTION_PUT, 100, 100, 1, 0.05, 0, 0.2};
  double price = 7;
  const assay_tree trees[] = {{ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 1},
                              {ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, ASSAY_TREE_MAX_STEPS + 1},
                              {ASSAY_TREE_CRR, (assay_exercise)5, 10},
                              {(assay_tree_method)5, ASSAY_EXERCISE_AMERICAN, 10}};
  for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
    assert_int_equal(assay_tree_price(&good, &trees[i], NULL, &price, NULL), ASSAY_ERR_INVALID);
  const assay_tree tree = {ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 100};
  assay_option bad = good;
  bad.volatility = 0;
  assert_int_equal(assay_tree_price(&bad, &tree, NULL, &price, NULL), ASSAY_ERR_INVALID);
  bad.volatility = NAN;
  assert_int_equal(assay_tree_price(&bad, &tree, NULL, &price, NULL), ASSAY_ERR_INVALID);
  /* A drift that the volatility cannot carry says how many steps can: 0.5^2 / 0.01^2 x 1 = 2500. */
  bad = good;
  bad.rate = 0.5;
  bad.volatility = 0.01;
  assay_error err = {0};
  assert_int_equal(assay_tree_price(&bad, &tree, &err, &price, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "more than 2500 steps"));
  assert_true(price == 7);
  assert_ok(assay_tree_price(&bad, &(assay_tree){ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 2600}, &err, &price, NULL), err);
  bad = good;
  bad.volatility = 1e-16;
  bad.rate = 0;
  err = (assay_error){0};
  assert_int_equal(assay_tree_price(&bad, &tree, &err, &price, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "less than spots are rounded by"));
  bad.volatility = 100;
  assert_int_equal(assay_tree_price(&bad, &(assay_tree){ASSAY_TREE_CRR, ASSAY_EXERCISE_AMERICAN, 1000}, NULL, &price, NULL),
                   ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_trees_are_the_definition),
      cmocka_unit_test(published_american_puts),
      cmocka_unit_test(european_trees_converge_to_the_closed_form),
      cmocka_unit_test(greeks_converge_to_the_closed_form),
      cmocka_unit_test(leisen_reimer_is_of_second_order),
      cmocka_unit_test(leisen_reimer_greeks_of_any_deviation),
      cmocka_unit_test(rho_of_small_volatilities),
      cmocka_unit_test(prices_of_next_to_no_volatility),
      cmocka_unit_test(greeks_at_the_end_of_the_range),
      cmocka_unit_test(theta_of_early_exercise),
      cmocka_unit_test(early_exercise),
      cmocka_unit_test(all_instruction_sets_give_the_same_bits),
      cmocka_unit_test(bad_trees_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
