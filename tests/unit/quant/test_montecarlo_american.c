/* SPDX-License-Identifier: MIT */
/* Monte Carlo of American options against trees, and against integrals where there are few dates. */
#include <stdlib.h>
#include <string.h>

#include <assay/options.h>

#include "base/alloc.h"
#include "kernels/lattice/lattice.h"
#include "kernels/variant.h"
#include "montecarlo_exact.h"

/* A lower bound, and not far below the tree. */
static void test_american(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.payoff = ASSAY_MC_AMERICAN, params.put = true, params.greeks = true, params.paths = 1 << 17, params.steps = 50;
  assay_option option = {
      .kind = ASSAY_OPTION_PUT, .spot = 100, .strike = 105, .time = 0.75, .rate = 0.05, .dividend = 0.02, .volatility = 0.25};
  assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 1001};
  assay_tree_greeks greeks;
  assay_error err = {0};
  double price;
  assert_ok(assay_tree_price(&option, &tree, &err, &price, &greeks), err);
  for (int way = 0; way < 4; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2;
    assay_mc_result result = price_of(&params);
    assert_true(result.price < price + 3.6 * result.standard_error);
    assert_true(result.price > 0.995 * price - 3.6 * result.standard_error);
    assert_true(result.price > european(&params) + 3.6 * result.standard_error);
    /* The rest is that 50 dates are not all the time. */
    assert_near(result.greeks.delta.value, greeks.delta, 3.6 * result.greeks.delta.standard_error + 0.0005);
    assert_near(result.greeks.gamma.value, greeks.gamma, 3.6 * result.greeks.gamma.standard_error + 5e-5);
    assert_near(result.greeks.vega.value, greeks.vega, 3.6 * result.greeks.vega.standard_error + 0.05);
    assert_near(result.greeks.theta.value, greeks.theta, 3.6 * result.greeks.theta.standard_error + 0.03);
    assert_near(result.greeks.rho.value, greeks.rho, 3.6 * result.greeks.rho.standard_error + 0.3);
    assert_int_equal(result.greeks.delta.method, ASSAY_MC_LIKELIHOOD_RATIO);
    assert_int_equal(result.greeks_paths, 8192);
    assert_true(result.greeks.delta.standard_error < 3e-4 && result.greeks.gamma.standard_error < 1.5e-4);
    assert_true(result.greeks.vega.standard_error < 0.06 && result.greeks.rho.standard_error < 0.06);
    assert_true(result.greeks.theta.standard_error < 0.006);
  }
  /* A call without dividends is not exercised early. */
  params.put = false, params.dividend = 0, params.precision = ASSAY_MC_F64;
  assay_mc_result call = price_of(&params);
  assert_near(call.price, european(&params), 3.6 * call.standard_error + 0.005 * call.price);
  /* So deep in the money that waiting only loses interest. */
  params.put = true, params.strike = 300;
  assay_mc_result deep = price_of(&params);
  assert_true(deep.price == 200 && deep.standard_error == 0 && deep.greeks.delta.value == -1);
  params.control = true;
  deep = price_of(&params);
  assert_true(deep.price == 200 && deep.standard_error == 0 && deep.greeks.delta.value == -1 && deep.greeks.gamma.value == 0);
}

/* On its last date alone it is a European. */
static void test_one_date(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    assay_mc_params params = base;
    params.payoff = ASSAY_MC_AMERICAN, params.steps = 1, params.paths = 1 << 15, params.greeks = true, params.put = way & 1;
    params.control = way & 2;
    assay_option option = {.kind = way & 1 ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL,
                           .spot = params.spot,
                           .strike = params.strike,
                           .time = params.time,
                           .rate = params.rate,
                           .dividend = params.dividend,
                           .volatility = params.volatility};
    assay_option_greeks exact;
    double price;
    assay_error err = {0};
    assert_ok(assay_option_price(&option, &err, &price, &exact), err);
    assay_mc_result r = price_of(&params);
    assert_within(r.price, r.standard_error, price);
    assert_within(r.greeks.delta.value, r.greeks.delta.standard_error, exact.delta);
    assert_within(r.greeks.gamma.value, r.greeks.gamma.standard_error, exact.gamma);
    assert_within(r.greeks.vega.value, r.greeks.vega.standard_error, exact.vega);
    assert_within(r.greeks.theta.value, r.greeks.theta.standard_error, exact.theta);
    assert_within(r.greeks.rho.value, r.greeks.rho.standard_error, exact.rho);
  }
}

static void assert_same_greeks(const assay_mc_result *a, const assay_mc_result *b) {
  const assay_mc_greek *of_a = &a->greeks.delta, *of_b = &b->greeks.delta;
  for (int g = 0; g < 5; g++) assert_true(of_a[g].value == of_b[g].value && of_a[g].standard_error == of_b[g].standard_error);
}

static double at(const assay_mc_params *p, double x) {
  assay_mc_params later = *p;
  later.spot *= exp(x);
  return european(&later);
}
static double better_part(double x, const assay_mc_params *p) { return fmax(pays(x, p), at(p, x)) * density(x, p); }

/* Exercise on either of two dates: what is had on the first, integrated up to and from where exercise begins to be better. */
static double two_dates(const assay_mc_params *params) {
  assay_mc_params p = *params;
  p.time /= 2;
  double low = mean_of(&p) - 11 * deviation_of(&p), high = mean_of(&p) + 11 * deviation_of(&p), out = low, in = high;
  if (p.put) out = high, in = low;
  if (pays(in, &p) > at(&p, in)) {
    for (int i = 0; i < 60; i++) {
      double middle = (in + out) / 2;
      if (pays(middle, &p) > at(&p, middle)) {
        in = middle;
      } else {
        out = middle;
      }
    }
  } else {
    in = (low + high) / 2;
  }
  return exp(-p.rate * p.time) * (integrate(better_part, &p, low, in) + integrate(better_part, &p, in, high));
}

/* Strike, rate, dividend, volatility, put. */
static const double markets[][5] = {{105, 0.05, 0.02, 0.25, 1}, {110, 0.05, 0, 0.2, 1},      {70, 0.08, 0, 0.3, 1},
                                    {104, 0.09, 0.01, 0.3, 1},  {100, 0.02, 0.09, 0.3, 0},   {90, 0, 0.15, 0.35, 0},
                                    {150, 0.03, 0.06, 0.6, 0},  {100, -0.03, -0.04, 0.2, 0}, {100, 0.05, 0, 0.2, 0},
                                    {98, 0, 0, 0.2, 1},         {100, 0.1, 0.05, 1.5, 1}};
enum { MARKETS = sizeof markets / sizeof *markets };

static assay_mc_params in_market(size_t i) {
  return (assay_mc_params){.payoff = ASSAY_MC_AMERICAN,
                           .spot = 100,
                           .strike = markets[i][0],
                           .time = 1,
                           .rate = markets[i][1],
                           .dividend = markets[i][2],
                           .volatility = markets[i][3],
                           .put = markets[i][4] > 0,
                           .paths = 1 << 14,
                           .greeks = true};
}

static void test_two_dates(void **state) {
  (void)state;
  for (size_t i = 0; i < MARKETS; i++) {
    for (int way = 0; way < 4; way++) {
      assay_mc_params params = in_market(i);
      params.steps = 2, params.antithetic = way & 1, params.seed = 1000 + i + 100 * (uint64_t)way;
      params.precision = way & 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.control = true;
      assay_mc_result r = price_of(&params);
      assert_within(r.price, r.standard_error, two_dates(&params));
      assert_greeks(&params, &r, two_dates);
      params.control = false;
      assay_mc_result plain = price_of(&params);
      assert_same_greeks(&r, &plain);
      assert_true(plain.price < r.price + 3.6 * plain.standard_error && plain.price > 0.99 * r.price - 3.6 * plain.standard_error);
      assert_true(r.variance_ratio > 10 && fabs(r.control_coefficient - 1) < 0.1);
    }
  }
}

/* Errors are what they say: prices with a control, and Greeks, of 200 seeds. */
static void test_errors_cover(void **state) {
  (void)state;
  assay_mc_params params = in_market(0), up = params, down = params;
  params.steps = 2, params.control = true;
  double truths[6] = {two_dates(&params)};
  up.spot += 0.01, down.spot -= 0.01;
  truths[1] = (two_dates(&up) - two_dates(&down)) / 0.02, truths[2] = (two_dates(&up) - 2 * truths[0] + two_dates(&down)) / 1e-4;
  up = down = params, up.volatility += 1e-4, down.volatility -= 1e-4;
  truths[3] = (two_dates(&up) - two_dates(&down)) / 2e-4;
  up = down = params, up.time += 1e-4, down.time -= 1e-4;
  truths[4] = (two_dates(&down) - two_dates(&up)) / 2e-4;
  up = down = params, up.rate += 1e-4, down.rate -= 1e-4;
  truths[5] = (two_dates(&up) - two_dates(&down)) / 2e-4;
  int covered[6] = {0};
  for (uint64_t seed = 0; seed < 200; seed++) {
    params.seed = seed, params.antithetic = seed % 2;
    assay_mc_result r = price_of(&params);
    const assay_mc_greek *greeks[] = {&r.greeks.delta, &r.greeks.gamma, &r.greeks.vega, &r.greeks.theta, &r.greeks.rho};
    covered[0] += r.low <= truths[0] && truths[0] <= r.high;
    for (int g = 1; g < 6; g++) covered[g] += fabs(greeks[g - 1]->value - truths[g]) <= 1.96 * greeks[g - 1]->standard_error;
  }
  for (int g = 0; g < 6; g++) assert_in_range(covered[g], 178, 199);
}

/* 250 dates are nearly all the time. */
static void test_many_dates(void **state) {
  (void)state;
  for (size_t i = 0; i < MARKETS; i++) {
    if (markets[i][1] == 0) continue; /* where the rate changes its sign, rho jumps */
    assay_mc_params params = in_market(i);
    params.steps = 250, params.control = true, params.precision = i % 2 ? ASSAY_MC_F32 : ASSAY_MC_F64;
    assay_option option = {.kind = params.put ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL,
                           .spot = params.spot,
                           .strike = params.strike,
                           .time = params.time,
                           .rate = params.rate,
                           .dividend = params.dividend,
                           .volatility = params.volatility};
    assay_tree tree = {ASSAY_TREE_LEISEN_REIMER, ASSAY_EXERCISE_AMERICAN, 2001};
    assay_tree_greeks exact;
    assay_error err = {0};
    double price;
    assert_ok(assay_tree_price(&option, &tree, &err, &price, &exact), err);
    assay_mc_result r = price_of(&params);
    double share = 0.002;
    assert_near(r.price, price, 3.6 * r.standard_error + 0.001 * price);
    assert_near(r.greeks.delta.value, exact.delta, 3.6 * r.greeks.delta.standard_error + share * fabs(exact.delta));
    assert_near(r.greeks.gamma.value, exact.gamma, 3.6 * r.greeks.gamma.standard_error + 2 * share * exact.gamma);
    assert_near(r.greeks.vega.value, exact.vega, 3.6 * r.greeks.vega.standard_error + share * exact.vega);
    assert_near(r.greeks.theta.value, exact.theta, 3.6 * r.greeks.theta.standard_error + 2 * share * (fabs(exact.theta) + 1));
    assert_near(r.greeks.rho.value, exact.rho, 3.6 * r.greeks.rho.standard_error + 4 * share * (fabs(exact.rho) + 1));
  }
}

/* Whatever is asked for within the range that is taken, numbers come out, and Greeks that an option can have. */
static void test_far_corners(void **state) {
  (void)state;
  static const double spots[] = {1e-6, 20, 100, 500, 1e9}, volatilities[] = {1e-7, 0.01, 0.4, 5}, rates[] = {-0.1, 0, 0.2};
  for (int way = 0; way < 5 * 4 * 3 * 4; way++) {
    assay_mc_params params = in_market(0);
    params.put = way & 1, params.control = way & 2, params.spot = spots[way / 4 % 5], params.volatility = volatilities[way / 20 % 4];
    params.rate = rates[way / 80], params.dividend = way % 3 * 0.05, params.steps = way % 7 ? 3 : 40, params.seed = (uint64_t)way;
    params.strike = params.spot * (way % 5 < 3 ? 1 : way % 5 == 3 ? 1.3 : 0.7);
    assay_mc_result r;
    assay_error err = {0};
    assay_status status = assay_mc_price(&params, &err, &r);
    if (status == ASSAY_ERR_LIMIT) continue;
    assert_ok(status, err);
    double sign = params.put ? -1 : 1, delta = sign * r.greeks.delta.value, off = 4 * r.greeks.delta.standard_error + 1e-6;
    assert_true(isfinite(r.greeks.delta.standard_error + r.greeks.gamma.standard_error + r.greeks.rho.value + r.greeks.theta.value));
    if (delta < -off || delta > exp(-fmin(params.dividend, 0)) + off) fail_msg("way %d: delta %g +- %g", way, delta, off);
    if (r.greeks.gamma.value < -4 * r.greeks.gamma.standard_error - 1e-6 / params.spot)
      fail_msg("way %d: gamma %g +- %g", way, r.greeks.gamma.value, r.greeks.gamma.standard_error);
  }
}

/* Loops of every instruction set, on numbers of any kind. */
static void test_loops_have_the_same_bits(void **state) {
  (void)state;
  enum { NODES = 301, PATHS = 37 };
  const assay_lattice_functions *reference = assay_lattice_functions_variant(ASSAY_KERNEL_VARIANT_c);
  static double next[NODES + ASSAY_LATTICE_BLOCK], before[PATHS], after[PATHS];
  static double mean[2][NODES + ASSAY_LATTICE_BLOCK], rows[2][ASSAY_LATTICE_ROW * (NODES + ASSAY_LATTICE_BLOCK)];
  assay_lattice_weights weights;
  for (size_t i = 0; i < sizeof weights / sizeof(double); i++) (&weights[0][0])[i] = sin((double)(3 * i + 1));
  for (size_t i = 0; i < NODES + ASSAY_LATTICE_BLOCK; i++) next[i] = exp(sin((double)i));
  for (size_t i = 0; i < PATHS; i++) before[i] = 20 * sin((double)(7 * i)), after[i] = before[i] + 2 * cos((double)(5 * i));
  for (size_t v = 0; assay_kernel_variant_usable(v) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
    const assay_lattice_functions *both[] = {reference, assay_lattice_functions_variant(assay_kernel_variant_usable(v))};
    assay_lattice_future paths[2][PATHS];
    for (int k = 0; k < 2; k++) {
      memset(rows[k], 0, sizeof rows[k]), memset(mean[k], 0, sizeof mean[k]);
      both[k]->project_value(weights, next, ASSAY_LATTICE_ARM, NODES - ASSAY_LATTICE_ARM, mean[k], rows[k]);
      both[k]->project_sum(weights, next, ASSAY_LATTICE_ARM, NODES - ASSAY_LATTICE_ARM, mean[k], rows[k] + ASSAY_LATTICE_ORDER);
      assay_lattice_step step = {rows[k], ASSAY_LATTICE_ARM, NODES - ASSAY_LATTICE_ARM, NODES / 2, 0.99};
      for (size_t i = 0; i < PATHS; i++) paths[k][i] = (assay_lattice_future){next[i], 1, 2, 3, 4, 5};
      both[k]->back(&step, PATHS, -1, before, after, paths[k]);
      both[k]->back_alone(&step, PATHS, 1, before, after, paths[k]);
    }
    assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
    assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
    assert_memory_equal(paths[0], paths[1], sizeof paths[0]);
  }
}

/* Polynomials that are cut off still have the expectation 0 with those of lower order. */
static void test_orthogonal(void **state) {
  (void)state;
  enum { POINTS = 80001 };
  const assay_lattice_functions *functions = assay_lattice_functions_best();
  static double before[POINTS], after[POINTS], rows[3 * ASSAY_LATTICE_ROW];
  static assay_lattice_future paths[POINTS];
  for (int k = 0; k < ASSAY_LATTICE_ORDER; k++) {
    double sums[3] = {0};
    for (int node = 0; node < 3; node++) {
      for (int t = 0; t < ASSAY_LATTICE_ROW; t++) rows[ASSAY_LATTICE_ROW * node + t] = t == k;
    }
    for (size_t i = 0; i < POINTS; i++) after[i] = ((double)i - POINTS / 2) / 4000, paths[i] = (assay_lattice_future){0}; /* to 10 */
    assay_lattice_step step = {rows, 0, 3, 0, 1};
    functions->back_alone(&step, POINTS, 1, before, after, paths);
    for (size_t i = 0; i < POINTS; i++) {
      double z = after[i], weight = exp(-z * z / 2) / sqrt(2 * M_PI) / 4000, value = -paths[i].worth;
      sums[0] += weight * value, sums[1] += weight * value * z, sums[2] += weight * value * (z * z - 1);
      if (k == 2 && fabs(z) < 4) assert_near(value, z * z * z - 3 * z, 0.02);
    }
    assert_near(sums[0], 0, 2e-7);
    assert_near(sums[1], k == 0, 2e-6);
    assert_near(sums[2], k == 1 ? 2 : 0, 2e-6);
  }
}

/* Of two million paths, the first share; a target is met by its first batch; mirror images count. */
static void test_greeks_of_the_first_paths(void **state) {
  (void)state;
  assay_mc_params params = in_market(1);
  params.steps = 3, params.paths = 1 << 21;
  assay_mc_result many = price_of(&params);
  assert_int_equal(many.greeks_paths, 16384);
  params.paths = 20000;
  assay_mc_result few = price_of(&params);
  assert_int_equal(few.greeks_paths, 8192);
  assert_true(many.greeks.delta.standard_error < few.greeks.delta.standard_error);
  params.antithetic = true;
  assert_int_equal(price_of(&params).greeks_paths, 8192);
  params.antithetic = false, params.control = true, params.paths = 0, params.target_error = 0.002;
  assay_mc_result target = price_of(&params);
  assert_true(target.reached && target.paths == 1 << 16 && target.standard_error < 0.002);
  assert_same_greeks(&target, &few);
  params.greeks = false;
  assay_mc_result alone = price_of(&params);
  assert_true(alone.price == target.price && alone.greeks_paths == 0);
}

/* A power of two in the currency changes nothing else, with the martingale too. */
static void test_any_currency(void **state) {
  (void)state;
  assay_mc_params params = in_market(0), moved = params;
  params.steps = moved.steps = 4, params.control = moved.control = true;
  moved.spot = ldexp(params.spot, -900), moved.strike = ldexp(params.strike, -900);
  assay_mc_result usual = price_of(&params), tiny = price_of(&moved);
  assert_true(tiny.price == ldexp(usual.price, -900) && tiny.standard_error == ldexp(usual.standard_error, -900));
  assert_true(tiny.control_coefficient == usual.control_coefficient && tiny.greeks.theta.value == ldexp(usual.greeks.theta.value, -900));
}

/* A binomial tree (Cox, Ross and Rubinstein) of an option that may be exercised on `dates` dates, and now. */
static double tree_on_dates(const assay_mc_params *p, int dates, int between) {
  static double value[8192];
  int n = dates * between;
  double dt = p->time / n, up = exp(p->volatility * sqrt(dt)), chance = (exp((p->rate - p->dividend) * dt) - 1 / up) / (up - 1 / up);
  double discount = exp(-p->rate * dt), sign = p->put ? -1 : 1;
  for (int i = 0; i <= n; i++) value[i] = fmax(sign * (p->spot * pow(up, 2 * i - n) - p->strike), 0);
  for (int step = n - 1; step >= 0; step--) {
    double price = p->spot * pow(up, -step);
    for (int i = 0; i <= step; i++, price *= up * up) {
      value[i] = discount * (chance * value[i + 1] + (1 - chance) * value[i]);
      if (step % between == 0) value[i] = fmax(value[i], sign * (price - p->strike));
    }
  }
  return value[0];
}

/* The rule of exercise gives too little, the martingale too much, and not by far. */
static void test_bounds(void **state) {
  (void)state;
  static const double ways[][6] = {/* strike, time, rate, dividend, volatility, put */
                                   {100, 1, 0.05, 0, 0.2, 1},      {80, 1, 0.05, 0, 0.2, 1},      {120, 1, 0.05, 0, 0.2, 1},
                                   {100, 0.25, 0.08, 0, 0.3, 1},   {110, 2, 0.03, 0.06, 0.25, 1}, {100, 1, 0.1, 0, 0.5, 1},
                                   {100, 0.5, 0.02, 0.08, 0.3, 0}, {150, 1, 0.05, 0, 0.2, 1}};
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
    const double *w = ways[way];
    assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = w[5] > 0, .spot = 100, .strike = w[0], .time = w[1], .rate = w[2]};
    params.dividend = w[3], params.volatility = w[4], params.paths = 1 << 16, params.steps = 20, params.upper_bound = true;
    params.precision = way % 2 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.seed = way;
    assay_mc_result r = price_of(&params);
    double exact = tree_on_dates(&params, 20, 100), off = 2e-4 * exact; /* of the tree */
    assert_true(r.price <= exact + off + 3.6 * r.standard_error);
    assert_true(r.upper_bound >= exact - off - 3.6 * r.upper_bound_error);
    assert_true(r.upper_bound - r.price >= -3.6 * hypot(r.standard_error, r.upper_bound_error));
    assert_true(r.upper_bound <= 1.01 * exact + 3.6 * r.upper_bound_error && r.upper_bound_error < 0.002 * exact + 1e-9);
    assert_true(r.upper_bound - r.price <= 0.02 * exact + 3.6 * r.standard_error);
    params.upper_bound = false;
    assay_mc_result alone = price_of(&params);
    assert_true(alone.price == r.price && isnan(alone.upper_bound) && isnan(alone.upper_bound_error));
  }
  assay_mc_params params = base;
  assay_mc_result r;
  params.upper_bound = true;
  assert_int_equal(assay_mc_price(&params, NULL, &r), ASSAY_ERR_INVALID);
}

/* An American option's paths are those of any payoff; no rule of exercise has to be found for them. */
static void test_paths_of_an_american(void **state) {
  (void)state;
  double of_american[4 * 3], of_asian[4 * 3];
  assay_error err = {0};
  assay_mc_params params = base;
  params.steps = 3, params.payoff = ASSAY_MC_AMERICAN;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_american), err);
  params.payoff = ASSAY_MC_ASIAN_ARITHMETIC;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_asian), err);
  assert_memory_equal(of_american, of_asian, sizeof of_asian);
  params.model = ASSAY_MC_MERTON, params.jump_rate = 3, params.jump_volatility = 0.2;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_asian), err);
  params.payoff = ASSAY_MC_AMERICAN;
  assert_ok(assay_mc_paths(&params, 0, 3, &err, of_american), err);
  assert_memory_equal(of_american, of_asian, sizeof of_asian);
}

/* However many pieces there are of the paths. */
static void test_one_lattice_for_all_paths(void **state) {
  (void)state;
  assay_mc_params params = in_market(1);
  params.control = true, params.steps = 20, params.paths = 1 << 14;
  uint64_t made[2];
  for (int k = 0; k < 2; k++, params.paths *= 8) {
    uint64_t before = assay_tag_get_stats(ASSAY_TAG_QUANT).total_allocations;
    price_of(&params);
    made[k] = assay_tag_get_stats(ASSAY_TAG_QUANT).total_allocations - before;
  }
  assert_int_equal(made[0], made[1]);
}

static void test_threads_share_the_paths(void **state) {
  (void)state;
  assay_mc_params params = in_market(0);
  params.control = params.antithetic = true, params.steps = 60, params.paths = 40000;
  setenv("ASSAY_THREADS", "1", 1);
  assay_mc_result alone = price_of(&params);
  setenv("ASSAY_THREADS", "5", 1);
  assay_mc_result shared = price_of(&params);
  assert_true(shared.price == alone.price && shared.standard_error == alone.standard_error);
  assert_same_greeks(&shared, &alone);
  setenv("ASSAY_THREADS", "many", 1);
  assay_mc_result none;
  assert_int_equal(assay_mc_price(&params, NULL, &none), ASSAY_ERR_INVALID);
  unsetenv("ASSAY_THREADS");
}

/* ---- Other models ------------------------------------------------------------------------------------------------------------------ */

enum { GRID = 1201 };

/* The density of a step of Merton's logarithm: a normal one for each number of jumps. */
static double jump_density(const assay_mc_params *p, double dt, double x) {
  double factor = exp(p->jump_mean + p->jump_volatility * p->jump_volatility / 2) - 1, sum = 0, chance = exp(-p->jump_rate * dt);
  double drift = (p->rate - p->dividend - p->volatility * p->volatility / 2 - p->jump_rate * factor) * dt;
  for (int k = 0; k < 12; chance *= p->jump_rate * dt / ++k) {
    double mean = drift + k * p->jump_mean, variance = p->volatility * p->volatility * dt + k * p->jump_volatility * p->jump_volatility;
    sum += chance * exp(-(x - mean) * (x - mean) / (2 * variance)) / sqrt(2 * M_PI * variance);
  }
  return sum;
}

/* A put's value by trapezoids over the density of each step, backwards from the end; below the grid it is exercised. */
static double merton_on_dates(const assay_mc_params *p) {
  static double value[2][GRID], weight[2 * GRID - 1], below[GRID];
  double dt = p->time / p->steps, h = 0.006, discount = exp(-p->rate * dt), low = -h * (GRID / 2);
  for (int k = 0; k < 2 * GRID - 1; k++) weight[k] = h * jump_density(p, dt, h * (k - (GRID - 1)));
  for (int j = 0; j < GRID; j++) { /* what ends below the grid, in the money */
    below[j] = 0;
    for (int k = 1; k < GRID; k++) {
      double x = low - h * k, step = x - (low + h * j);
      if (step > -2.5) below[j] += h * jump_density(p, dt, step) * (p->strike - p->spot * exp(x));
    }
  }
  for (int j = 0; j < GRID; j++) value[0][j] = fmax(p->strike - p->spot * exp(low + h * j), 0);
  for (uint32_t step = p->steps; step-- > 0;) {
    const double *next = value[(p->steps - 1 - step) % 2];
    double *now = value[(p->steps - step) % 2];
    for (int j = 0; j < GRID; j++) {
      double sum = below[j];
      for (int k = 0; k < GRID; k++) sum += weight[k - j + GRID - 1] * next[k];
      now[j] = fmax(discount * sum, step > 0 ? p->strike - p->spot * exp(low + h * j) : 0);
    }
  }
  return value[p->steps % 2][GRID / 2];
}

/* A lower bound, of a share that is small; Greeks of its own derivatives. */
static void assert_near_below(double value, double error, double exact, double share) {
  if (!(value < exact + 3.6 * error && value > exact * (1 - share) - 3.6 * error))
    fail_msg("%.6g +- %.2g is not a lower bound near %.6g", value, error, exact);
}

static void test_jumps(void **state) {
  (void)state;
  assay_mc_params params = base;
  params.model = ASSAY_MC_MERTON, params.jump_rate = 1.5, params.jump_mean = -0.1, params.jump_volatility = 0.15;
  params.payoff = ASSAY_MC_AMERICAN, params.put = true, params.steps = 8, params.paths = 1 << 17, params.strike = 110;
  double exact = merton_on_dates(&params), european = merton(&params);
  assert_true(exact > 1.01 * european);
  for (int way = 0; way < 8; way++) {
    params.precision = way & 1 ? ASSAY_MC_F32 : ASSAY_MC_F64, params.antithetic = way & 2, params.control = way & 4;
    params.greeks = way == 4, params.seed = (uint64_t)way;
    assay_mc_result r = price_of(&params);
    assert_near_below(r.price, r.standard_error, exact, 0.004);
    if (params.control) assert_true(r.variance_ratio > 1.2);
    if (!params.greeks) continue;
    assay_mc_params up = params, down = params;
    up.spot += 0.5, down.spot -= 0.5;
    double above = merton_on_dates(&up), below = merton_on_dates(&down);
    assert_near(r.greeks.delta.value, above - below, 3.6 * r.greeks.delta.standard_error + 0.01);
    assert_near(r.greeks.gamma.value, (above - 2 * exact + below) / 0.25, 3.6 * r.greeks.gamma.standard_error + 0.001);
    up = down = params, up.volatility += 1e-3, down.volatility -= 1e-3;
    assert_near(r.greeks.vega.value, (merton_on_dates(&up) - merton_on_dates(&down)) / 2e-3, 3.6 * r.greeks.vega.standard_error + 0.5);
    up = down = params, up.rate += 1e-3, down.rate -= 1e-3;
    assert_near(r.greeks.rho.value, (merton_on_dates(&up) - merton_on_dates(&down)) / 2e-3, 3.6 * r.greeks.rho.standard_error + 0.5);
    up = down = params, up.time += 5e-3, down.time -= 5e-3;
    assert_near(r.greeks.theta.value, (merton_on_dates(&down) - merton_on_dates(&up)) / 1e-2, 3.6 * r.greeks.theta.standard_error + 0.2);
    assert_int_equal(r.greeks.theta.method, ASSAY_MC_SAME_NUMBERS);
    assert_true(r.greeks_paths == r.paths);
  }
  /* So deep in the money that waiting only loses interest. */
  params.strike = 400, params.greeks = true, params.control = false;
  assay_mc_result deep = price_of(&params);
  assert_true(deep.price == 300 && deep.standard_error == 0 && deep.greeks.delta.value == -1);
}

/* Where delta bends most: a difference over the step that gamma needs would be off by several standard errors. Without jumps the martingale
 * knows the Greeks. */
static void test_delta_of_a_bent_curve(void **state) {
  (void)state;
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 118, .strike = 100, .time = 1, .rate = 0.05};
  params.volatility = 0.2, params.steps = 8, params.paths = 1 << 18, params.greeks = params.control = true;
  assay_mc_result exact = price_of(&params);
  params.control = false, params.model = ASSAY_MC_MERTON;
  assay_mc_result r = price_of(&params);
  assert_int_equal(r.greeks.delta.method, ASSAY_MC_SAME_NUMBERS);
  assert_near(r.greeks.delta.value, exact.greeks.delta.value, 2 * r.greeks.delta.standard_error);
  assert_near(r.greeks.gamma.value, exact.greeks.gamma.value, 2 * r.greeks.gamma.standard_error + 0.02 * exact.greeks.gamma.value);
}

/* An option under geometric Brownian motion, of which the martingale knows all, and as one of Merton's model without jumps or of Heston's
 * whose variance hardly moves, with the Greeks that are differences. */
static assay_mc_result exactly(assay_mc_params params) {
  params.control = true, params.paths = 1 << 17;
  return price_of(&params);
}

static assay_mc_params without_jumps(assay_mc_params params) {
  params.model = ASSAY_MC_MERTON, params.control = true;
  return params;
}

static assay_mc_params at_rest(assay_mc_params params) {
  params.model = ASSAY_MC_HESTON, params.control = true;
  params.variance = params.long_variance = params.volatility * params.volatility;
  params.reversion = 1e-4, params.variance_volatility = 1e-3, params.volatility = 0;
  return params;
}

/* What a finite step leaves out is below the standard error, and so is what the rules of the prices miss. */
static void test_limits(void **state) {
  (void)state;
  static const double strikes[] = {92, 100, 108};
  for (int way = 0; way < 6; way++) {
    assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 100, .strike = strikes[way % 3], .time = 1, .rate = 0.05};
    params.volatility = 0.25, params.steps = 10, params.paths = 1 << 18, params.greeks = true;
    assay_mc_result exact = exactly(params);
    assay_mc_params limit = way < 3 ? without_jumps(params) : at_rest(params);
    assay_mc_result r = price_of(&limit);
    const assay_mc_greek *known = &exact.greeks.delta, *found = &r.greeks.delta;
    assert_near(r.price, exact.price, 3.6 * r.standard_error);
    for (int g = 0; g < 5; g++) assert_near(found[g].value, known[g].value, 3.6 * found[g].standard_error + 0.002 * fabs(known[g].value));
  }
}

/* With a negative rate a put is not exercised, so rho has a bend at 0, which its step must not reach over. */
static void test_rho_beside_no_rate(void **state) {
  (void)state;
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 100, .strike = 120, .time = 10, .rate = 0.001};
  params.volatility = 0.2, params.steps = 50, params.paths = 1 << 18, params.greeks = true;
  assay_mc_result exact = exactly(params);
  assay_mc_params limit = without_jumps(params);
  assay_mc_result r = price_of(&limit);
  assert_near(r.greeks.rho.value, exact.greeks.rho.value, 3.6 * r.greeks.rho.standard_error);
}

/* Nearly all of the price is known, so the standard error is small: a rule from few paths would miss tens of it. */
static void test_more_paths_make_a_better_rule(void **state) {
  (void)state;
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 100, .strike = 110, .time = 0.1, .rate = 0.05};
  params.volatility = 0.2, params.steps = 50;
  double exact = exactly(params).price;
  params = without_jumps(params);
  params.paths = 1 << 17;
  double few = exact - price_of(&params).price;
  params.paths = 1 << 20;
  double many = exact - price_of(&params).price;
  assert_true(many > 0 && many < 0.4 * few);
}

/* Waiting and exercise are worth the same, nearly: whatever the rule is worth, exercise is worth what it pays. */
static void test_no_less_than_exercise(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = way % 2 == 0, .spot = 100, .strike = way % 2 ? 80 : 120, .time = 0.1};
    params.volatility = 0.2, params.steps = 50, params.paths = 1 << 15, params.rate = 0.001, params.dividend = way % 2 ? 0.001 : 0;
    if (way > 1) params = without_jumps(params);
    assay_mc_result r = price_of(&params);
    assert_true(r.price >= 20 && r.low >= 20 && r.high >= r.price && r.price < 20.01);
  }
}

/* Hardly anything but jumps moves the price: steps of a share of the diffusion's deviation would be noise alone. */
static void test_jumps_alone(void **state) {
  (void)state;
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .model = ASSAY_MC_MERTON, .put = true, .spot = 100, .strike = 100, .time = 1};
  params.rate = 0.05, params.volatility = 1e-4, params.jump_rate = 1, params.jump_mean = -0.1, params.jump_volatility = 0.1;
  params.paths = 1 << 15, params.greeks = true;
  assay_mc_result r = price_of(&params);
  assert_true(r.greeks.gamma.standard_error < 0.01 && fabs(r.greeks.gamma.value) < 0.1);
}

/* The American puts of Ikonen and Toivanen (2008), Efficient numerical methods for pricing American options under stochastic volatility:
 * their finest grid. */
static void test_heston_puts(void **state) {
  (void)state;
  static const double known[][3] = {{0.0625, 9, 1.1076}, {0.0625, 10, 0.5200}, {0.0625, 11, 0.2137}, {0.25, 8, 2.0784},
                                    {0.25, 9, 1.3336},   {0.25, 10, 0.7960},   {0.25, 11, 0.4483},   {0.25, 12, 0.2428}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .model = ASSAY_MC_HESTON, .put = true, .strike = 10, .time = 0.25, .rate = 0.1};
    params.variance = known[i][0], params.spot = known[i][1], params.long_variance = 0.16, params.reversion = 5;
    params.variance_volatility = 0.9, params.correlation = 0.1, params.paths = 1 << 16, params.seed = i;
    params.control = i % 2, params.antithetic = i % 3 == 0, params.precision = i % 4 == 3 ? ASSAY_MC_F32 : ASSAY_MC_F64;
    assay_mc_result r = price_of(&params);
    assert_near_below(r.price, r.standard_error, known[i][2], 0.006);
    assert_int_equal(r.steps, 50);
  }
}

static void test_what_other_models_have_not(void **state) {
  (void)state;
  assay_mc_params params = base;
  assay_mc_result r;
  assay_error err = {0};
  params.payoff = ASSAY_MC_AMERICAN, params.model = ASSAY_MC_MERTON, params.upper_bound = true;
  assert_int_equal(assay_mc_price(&params, &err, &r), ASSAY_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "upper_bound"));
}

/* What chance costs a rule from 16,384 paths: about what its prices are below those of the martingale's, of which a cubic misses some too.
 */
static void test_exercise_loss(void **state) {
  (void)state;
  enum { TIMES = 16 };
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 100, .time = 1, .rate = 0.05, .volatility = 0.2};
  for (params.strike = 90; params.strike <= 110; params.strike += 10) {
    assay_mc_params best = params;
    best.sampling = ASSAY_MC_PSEUDO, best.control = true, best.paths = 1 << 16;
    double below = price_of(&best).price, loss = 0;
    params.exercise_loss = true, params.sampling = ASSAY_MC_SOBOL, params.paths = 1 << 15;
    for (params.seed = 0; params.seed < TIMES; params.seed++) {
      assay_mc_result r = price_of(&params);
      below -= r.price / TIMES, loss += r.exercise_loss / TIMES;
    }
    if (!(loss > 0.3 * below && loss < 1.5 * below)) fail_msg("strike %g: %g below, of which %g by chance", params.strike, below, loss);
  }
}

/* It says how much, and changes nothing. */
static void test_exercise_loss_beside_the_price(void **state) {
  (void)state;
  assay_mc_params params = {.payoff = ASSAY_MC_AMERICAN, .put = true, .spot = 100, .strike = 105, .time = 1, .rate = 0.05};
  params.volatility = 0.2, params.variance = params.long_variance = 0.04, params.reversion = 2, params.variance_volatility = 0.3;
  params.jump_rate = 1, params.jump_volatility = 0.2, params.paths = 1 << 14, params.seed = 3;
  const assay_mc_model models[] = {ASSAY_MC_GBM, ASSAY_MC_MERTON, ASSAY_MC_HESTON};
  for (size_t m = 0; m < 3; m++) {
    params.model = models[m], params.exercise_loss = false;
    assay_mc_result without = price_of(&params);
    params.exercise_loss = true;
    assay_mc_result r = price_of(&params);
    assert_true(isnan(without.exercise_loss) && r.exercise_loss > 0 && r.exercise_loss < 0.01 * r.price);
    assert_true(r.price == without.price && r.standard_error == without.standard_error && r.high == without.high);
    /* In the money of the price. */
    assay_mc_params large = params;
    large.spot *= 1024, large.strike *= 1024;
    assert_true(price_of(&large).exercise_loss == 1024 * r.exercise_loss);
    /* One over the number of the rule's paths: those of 2^18 are twice as many. */
    large = params, large.paths = 1 << 18;
    assert_near(price_of(&large).exercise_loss, r.exercise_loss / 2, 1e-12);
  }
  params.model = ASSAY_MC_GBM;
  assay_mc_params other = params;
  other.control = true;
  assert_true(isnan(price_of(&other).exercise_loss)); /* the lattice's rule is not found by chance */
  other = params, other.steps = 1;
  assert_true(price_of(&other).exercise_loss == 0);
  other = params, other.strike = 300;
  assert_true(price_of(&other).exercise_loss == 0); /* exercised at once */
  other = params, other.payoff = ASSAY_MC_EUROPEAN;
  assay_error err = {0};
  assay_mc_result r;
  assert_int_equal(assay_mc_price(&other, &err, &r), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "exercise_loss"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_american),
      cmocka_unit_test(test_exercise_loss),
      cmocka_unit_test(test_exercise_loss_beside_the_price),
      cmocka_unit_test(test_one_date),
      cmocka_unit_test(test_two_dates),
      cmocka_unit_test(test_errors_cover),
      cmocka_unit_test(test_many_dates),
      cmocka_unit_test(test_far_corners),
      cmocka_unit_test(test_loops_have_the_same_bits),
      cmocka_unit_test(test_orthogonal),
      cmocka_unit_test(test_greeks_of_the_first_paths),
      cmocka_unit_test(test_any_currency),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_paths_of_an_american),
      cmocka_unit_test(test_one_lattice_for_all_paths),
      cmocka_unit_test(test_threads_share_the_paths),
      cmocka_unit_test(test_jumps),
      cmocka_unit_test(test_delta_of_a_bent_curve),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_rho_beside_no_rate),
      cmocka_unit_test(test_more_paths_make_a_better_rule),
      cmocka_unit_test(test_no_less_than_exercise),
      cmocka_unit_test(test_jumps_alone),
      cmocka_unit_test(test_heston_puts),
      cmocka_unit_test(test_what_other_models_have_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
