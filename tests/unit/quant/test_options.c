/* SPDX-License-Identifier: MIT */
#include <assay/options.h>

#include <float.h>
#include <math.h>

#include "base/random.h"
#include "closed_form.h"
#include "test.h"

static double price_of(assay_option option) {
  assay_error err = {0};
  double price;
  assert_ok(assay_option_price(&option, &err, &price, NULL), err);
  return price;
}

static assay_option_greeks greeks_of(assay_option option) {
  assay_error err = {0};
  double price;
  assay_option_greeks greeks;
  assert_ok(assay_option_price(&option, &err, &price, &greeks), err);
  return greeks;
}

/* Examples of Hull, Options, Futures and Other Derivatives, and of Haug, The Complete Guide to Option Pricing Formulas, as printed. */
static void published_prices(void **state) {
  (void)state;
  const enum assay_option_kind call = ASSAY_OPTION_CALL, put = ASSAY_OPTION_PUT;
  assert_near(price_of((assay_option){call, 42, 40, 0.5, 0.1, 0, 0.2}), 4.76, 0.005);             /* Hull, 15.6 */
  assert_near(price_of((assay_option){put, 42, 40, 0.5, 0.1, 0, 0.2}), 0.81, 0.005);              /* Hull, 15.6 */
  assert_near(price_of((assay_option){call, 930, 900, 2.0 / 12, 0.08, 0.03, 0.2}), 51.83, 0.005); /* Hull, 17.1 */
  assert_near(price_of((assay_option){call, 60, 65, 0.25, 0.08, 0, 0.3}), 2.1334, 5e-5);          /* Haug, 1.1.1 */
  assert_near(price_of((assay_option){put, 100, 95, 0.5, 0.1, 0.05, 0.2}), 2.4648, 5e-5);         /* Haug, 1.1.2 */
  assert_near(price_of((assay_option){call, 19, 19, 0.75, 0.1, 0.1, 0.28}), 1.7011, 5e-5);        /* Haug, 1.1.3 */
  assert_near(price_of((assay_option){put, 19, 19, 0.75, 0.1, 0.1, 0.28}), 1.7011, 5e-5);         /* Haug, 1.1.3 */
  assert_near(price_of((assay_option){call, 1.56, 1.6, 0.5, 0.06, 0.08, 0.12}), 0.0291, 5e-5);    /* Haug, 1.1.5 */
}

static void published_greeks(void **state) {
  (void)state;
  const enum assay_option_kind call = ASSAY_OPTION_CALL, put = ASSAY_OPTION_PUT;
  assay_option_greeks hull = greeks_of((assay_option){call, 49, 50, 0.3846, 0.05, 0, 0.2});
  assert_near(hull.delta, 0.522, 5e-4);
  assert_near(hull.gamma, 0.066, 5e-4);
  assert_near(hull.vega, 12.1, 0.05);
  assert_near(hull.theta, -4.31, 0.005);
  assert_near(hull.rho, 8.91, 0.005);
  assert_near(greeks_of((assay_option){call, 105, 100, 0.5, 0.1, 0.1, 0.36}).delta, 0.5946, 5e-5);
  assert_near(greeks_of((assay_option){put, 105, 100, 0.5, 0.1, 0.1, 0.36}).delta, -0.3566, 5e-5);
  assert_near(greeks_of((assay_option){call, 55, 60, 0.75, 0.1, 0, 0.3}).gamma, 0.0278, 5e-5);
  assert_near(greeks_of((assay_option){put, 430, 405, 1.0 / 12, 0.07, 0.05, 0.2}).theta, -31.1924, 5e-5);
  assert_near(greeks_of((assay_option){call, 72, 75, 1, 0.09, 0, 0.19}).rho, 38.7325, 5e-5);
}

static double between(assay_random *random, double low, double high) { return low + (high - low) * assay_random_unit(random); }
static double spread(assay_random *random, double low, double high) { return exp(between(random, log(low), log(high))); }

static assay_option usual_option(assay_random *random) {
  return (assay_option){.kind = (assay_option_kind)assay_random_below(random, 2),
                        .spot = spread(random, 1, 1000),
                        .strike = 0, /* set by the caller */
                        .time = spread(random, 0.01, 10),
                        .rate = between(random, -0.05, 0.15),
                        .dividend = between(random, -0.05, 0.15),
                        .volatility = spread(random, 0.02, 2)};
}

/* Anything goes: from a second to a millennium, rates of both signs, volatilities from nothing to madness, strikes worlds apart. */
static assay_option hostile_option(assay_random *random) {
  assay_option option = usual_option(random);
  option.spot = spread(random, 1e-12, 1e12);
  option.strike = assay_random_below(random, 3) == 0 ? option.spot : option.spot * spread(random, 1e-6, 1e6);
  option.time = spread(random, 1e-8, 1000);
  option.rate = between(random, -1, 1) / fmax(option.time, 1);
  option.dividend = assay_random_below(random, 3) == 0 ? option.rate : between(random, -1, 1) / fmax(option.time, 1);
  option.volatility = spread(random, 1e-6, 100);
  return option;
}

static void prices_are_the_formula_s(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 1);
  for (int i = 0; i < 20000; i++) {
    assay_option option = hostile_option(&random);
    double price = price_of(option), deviation = option.volatility * sqrt(option.time);
    long double exact = exact_of(&option);
    double scale = option.spot * exp(-option.dividend * option.time) + option.strike * exp(-option.rate * option.time);
    double x = fabs(log(option.spot / option.strike)) + fabs(option.rate - option.dividend) * option.time;
    /* Near the money relative to the amounts; far from it also relative to the price, whose condition is that of its exponent. */
    assert_true(fabsl(price - exact) <= 4e-16L * scale);
    double steepness = x / deviation * (x / deviation);
    if (exact > 0 && exact < 1e-3 * scale && exact > 1e-290)
      assert_true(fabsl(price / exact - 1) <= 2e-14L * (1 + 1 / deviation + steepness) || fabsl(price - exact) < 1e-19L * scale);
  }
}

/* Put-call parity, and values that bound a price. */
static void prices_keep_parity_and_bounds(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 2);
  for (int i = 0; i < 20000; i++) {
    assay_option option = hostile_option(&random);
    double s = option.spot * exp(-option.dividend * option.time), k = option.strike * exp(-option.rate * option.time);
    option.kind = ASSAY_OPTION_CALL;
    double call = price_of(option);
    option.kind = ASSAY_OPTION_PUT;
    double put = price_of(option);
    assert_near(call - put, s - k, 4e-16 * (s + k));
    assert_true(call >= 0 && put >= 0 && call <= s * (1 + 4e-16) && put <= k * (1 + 4e-16));
    assert_true(call >= (s - k) - 4e-16 * (s + k) && put >= (k - s) - 4e-16 * (s + k));
  }
}

/* Central differences of the long double price, of order h^4: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h. */
typedef struct nudge {
  long double spot, time, rate, volatility;
} nudge;
static long double nudged(const assay_option *o, nudge n, long double h) {
  return exact_price(o->kind, o->spot * (1 + n.spot * h), o->strike, o->time * (1 + n.time * h), o->rate + n.rate * h, o->dividend,
                     o->volatility * (1 + n.volatility * h));
}
static long double first(const assay_option *o, nudge n) {
  const long double h = 0x1p-11L;
  return (8 * (nudged(o, n, h) - nudged(o, n, -h)) - (nudged(o, n, 2 * h) - nudged(o, n, -2 * h))) / (12 * h);
}
static long double second(const assay_option *o, nudge n) {
  const long double h = 0x1p-9L;
  return (16 * (nudged(o, n, h) + nudged(o, n, -h)) - (nudged(o, n, 2 * h) + nudged(o, n, -2 * h)) - 30 * nudged(o, n, 0)) / (12 * h * h);
}
/* d2/da db = (d2 along a + b less d2 along a - b) / 4. */
static long double mixed(const assay_option *o, nudge a, nudge b) {
  nudge sum = {a.spot + b.spot, a.time + b.time, 0, a.volatility + b.volatility};
  nudge difference = {a.spot - b.spot, a.time - b.time, 0, a.volatility - b.volatility};
  return (second(o, sum) - second(o, difference)) / 4;
}

static void greeks_are_the_price_s_derivatives(void **state) {
  (void)state;
  const nudge spot = {.spot = 1}, time = {.time = 1}, rate = {.rate = 1}, volatility = {.volatility = 1};
  assay_random random;
  assay_random_init(&random, 3);
  for (int i = 0; i < 3000; i++) {
    assay_option o = usual_option(&random);
    o.time = spread(&random, 0.05, 3);
    o.volatility = spread(&random, 0.1, 0.8);
    double deviation = o.volatility * sqrt(o.time);
    o.strike = o.spot * exp(deviation * between(&random, -3, 3));
    assay_option_greeks g = greeks_of(o);
    double unit = o.spot + o.strike, s = o.spot, v = o.volatility, t = o.time; /* what a relative nudge of each is worth */
    assert_near(g.delta * s, (double)first(&o, spot), 1e-7 * unit);
    assert_near(g.vega * v, (double)first(&o, volatility), 1e-7 * unit);
    assert_near(g.theta * t, (double)-first(&o, time), 1e-7 * unit);
    assert_near(g.rho, (double)first(&o, rate), 1e-7 * unit * fmax(t, 1));
    assert_near(g.gamma * s * s, (double)second(&o, spot), 2e-5 * unit / deviation);
    assert_near(g.volga * v * v, (double)second(&o, volatility), 2e-5 * unit / deviation);
    assert_near(g.vanna * s * v, (double)mixed(&o, spot, volatility), 2e-5 * unit / deviation);
    assert_near(g.charm * s * t, (double)-mixed(&o, spot, time), 2e-5 * unit / deviation);
  }
}

static void all_greeks_finite(const assay_option *option) {
  assay_option_greeks g = greeks_of(*option);
  const double all[] = {g.delta, g.gamma, g.vega, g.theta, g.rho, g.vanna, g.volga, g.charm};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(isfinite(all[i]));
}

static void greeks_are_numbers_everywhere(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 4);
  for (int i = 0; i < 20000; i++) {
    assay_option option = hostile_option(&random);
    if (i % 10 == 0) option.volatility = 0;
    all_greeks_finite(&option);
  }
}

/* The limits for a volatility of 0: what is sure to be paid, and what it changes with. */
static void without_volatility_the_forward_decides(void **state) {
  (void)state;
  assay_option option = {ASSAY_OPTION_CALL, 100, 90, 2, 0.05, 0.01, 0};
  double s = 100 * exp(-0.02), k = 90 * exp(-0.1);
  assert_near(price_of(option), s - k, 1e-13);
  assay_option_greeks g = greeks_of(option);
  assert_near(g.delta, exp(-0.02), 1e-15);
  assert_near(g.rho, 2 * k, 1e-12);
  assert_true(g.gamma == 0 && g.vega == 0 && g.vanna == 0 && g.volga == 0);
  option.kind = ASSAY_OPTION_PUT;
  assert_true(price_of(option) == 0);
}

static void bad_input_is_a_status_with_a_sentence(void **state) {
  (void)state;
  const assay_option good = {ASSAY_OPTION_CALL, 100, 100, 1, 0.05, 0.02, 0.2};
  const double bads[] = {NAN, INFINITY, -INFINITY, -1, 0};
  for (int field = 0; field < 6; field++) {
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
      if (field >= 3 && i >= (field == 5 ? 4 : 3)) continue; /* rates may be negative or 0, volatilities 0 */
      assay_option option = good;
      double *fields[] = {&option.spot, &option.strike, &option.time, &option.rate, &option.dividend, &option.volatility};
      *fields[field] = bads[i];
      assay_error err = {0};
      double price = 7;
      assay_option_greeks greeks = {.delta = 7};
      assert_int_equal(assay_option_price(&option, &err, &price, &greeks), ASSAY_ERR_INVALID);
      assert_true(price == 7 && greeks.delta == 7);
      const char *words[] = {"spot", "strike", "time", "rate", "dividend", "volatility"};
      assert_non_null(strstr(err.message, words[field]));
    }
  }
  assay_option far = good;
  far.rate = -10;
  far.time = 100;
  double price;
  assay_error err = {0};
  assert_int_equal(assay_option_price(&far, &err, &price, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "range"));
  assay_option odd = good;
  odd.kind = (assay_option_kind)9;
  assert_int_equal(assay_option_price(&odd, NULL, &price, NULL), ASSAY_ERR_INVALID);
}

/* What one unit in the last place of the price, and of the amounts that it is a difference of, can move the volatility. */
static double volatility_error_allowed(const assay_option *option, double price) {
  double s = option->spot * exp(-option->dividend * option->time), k = option->strike * exp(-option->rate * option->time);
  double vega = greeks_of(*option).vega, intrinsic = fmax(option->kind == ASSAY_OPTION_CALL ? s - k : k - s, 0);
  double bound = option->kind == ASSAY_OPTION_CALL ? s : k;
  double amounts = intrinsic > 0 || price > bound / 2 ? s + k : 0;
  return 1e-12 * option->volatility + 4 * DBL_EPSILON * (price + amounts) / vega;
}

static void volatility_comes_back(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 5);
  int tight = 0;
  for (int i = 0; i < 20000; i++) {
    assay_option option = usual_option(&random);
    option.time = spread(&random, 1e-4, 30);
    option.volatility = spread(&random, 1e-3, 4);
    double deviation = option.volatility * sqrt(option.time);
    option.strike = option.spot * exp((option.rate - option.dividend) * option.time - deviation * between(&random, -8, 8));
    double price = (double)exact_of(&option), found, allowed = volatility_error_allowed(&option, price);
    if (!(allowed < 0.01 * option.volatility)) continue;
    assay_error err = {0};
    assert_ok(assay_option_implied_volatility(&option, price, &err, &found), err);
    assert_near(found, option.volatility, allowed);
    tight += allowed < 2e-12 * option.volatility;
  }
  assert_true(tight > 8000);
}

/* Far out of the money the price is tiny, yet it determines the volatility well. */
static void tiny_prices_have_a_volatility(void **state) {
  (void)state;
  for (double power = -5; power >= -280; power -= 5) {
    assay_option option = {ASSAY_OPTION_CALL, 100, 200, 1, 0, 0, 0};
    double price = pow(10, power), volatility;
    assay_error err = {0};
    assert_ok(assay_option_implied_volatility(&option, price, &err, &volatility), err);
    option.volatility = volatility;
    assert_near((double)(exact_of(&option) / price), 1, 1e-12 * 300);
  }
}

static void prices_outside_their_bounds_are_refused(void **state) {
  (void)state;
  const assay_option call = {ASSAY_OPTION_CALL, 110, 100, 1, 0, 0, 0}, put = {ASSAY_OPTION_PUT, 90, 100, 1, 0, 0, 0};
  double volatility = 7;
  assay_error err = {0};
  assert_int_equal(assay_option_implied_volatility(&call, 9.99, &err, &volatility), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "between 10 and 110"));
  assert_int_equal(assay_option_implied_volatility(&call, 10, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_int_equal(assay_option_implied_volatility(&call, 110, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_int_equal(assay_option_implied_volatility(&put, 100, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_int_equal(assay_option_implied_volatility(&put, 10, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_int_equal(assay_option_implied_volatility(&put, NAN, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_int_equal(assay_option_implied_volatility(&put, -1, NULL, &volatility), ASSAY_ERR_INVALID);
  assert_true(volatility == 7);
  assert_ok(assay_option_implied_volatility(&put, nextafter(100, 0), &err, &volatility), err);
  assert_true(volatility > 10 && isfinite(volatility));
  assert_ok(assay_option_implied_volatility(&call, nextafter(10, 11), &err, &volatility), err);
  assert_true(volatility > 0 && volatility < 0.1);
}

enum { MANY = 1003 };

/* A batch gives the bits of one at a time, with any mixture of arrays and single values, and whatever is not wanted left out. */
static void arrays_give_the_same_bits(void **state) {
  (void)state;
  static double columns[6][MANY], out[9][MANY], volatilities[MANY];
  static uint8_t kinds[MANY], status[MANY];
  assay_random random;
  assay_random_init(&random, 6);
  for (int i = 0; i < MANY; i++) {
    assay_option o = usual_option(&random);
    o.strike = o.spot * spread(&random, 0.5, 2);
    const double fields[] = {o.spot, o.strike, o.time, o.rate, o.dividend, o.volatility};
    for (int field = 0; field < 6; field++) columns[field][i] = fields[field];
    kinds[i] = (uint8_t)o.kind;
  }
  for (unsigned shared = 0; shared < 128; shared++) {
    size_t count = shared < 8 ? MANY : 1 + assay_random_below(&random, 40);
    assay_option_input inputs[6];
    for (int field = 0; field < 6; field++)
      inputs[field] = (shared >> field) & 1 ? assay_option_all(columns[field][7]) : assay_option_each(columns[field]);
    assay_options options = {
        count, (shared >> 6) & 1 ? NULL : kinds, ASSAY_OPTION_PUT, inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5]};
    for (int o = 0; o < 9; o++) {
      for (int i = 0; i < MANY; i++) out[o][i] = -7;
    }
    assay_options_out wanted = {
        out[0], out[1], out[2], out[3], out[4], out[5], shared % 3 ? out[6] : NULL, shared % 3 ? out[7] : NULL, shared % 3 ? out[8] : NULL,
        status};
    assay_error err = {0};
    size_t bad = 9;
    assert_ok(assay_options_price(&options, &wanted, &err, &bad), err);
    assert_int_equal(bad, 0);
    assert_ok(assay_options_implied_volatility(&options, assay_option_each(out[0]), volatilities, status, &err, &bad), err);
    for (size_t i = 0; i < count; i++) {
#define FIELD(f) (inputs[f].values ? columns[f][i] : columns[f][7])
      assay_option one = {
          options.kinds ? (assay_option_kind)kinds[i] : ASSAY_OPTION_PUT, FIELD(0), FIELD(1), FIELD(2), FIELD(3), FIELD(4), FIELD(5)};
#undef FIELD
      double price, volatility = NAN;
      assay_option_greeks g;
      assert_ok(assay_option_price(&one, &err, &price, &g), err);
      const double expected[] = {price, g.delta, g.gamma, g.vega, g.theta, g.rho, g.vanna, g.volga, g.charm};
      for (int o = 0; o < (shared % 3 ? 9 : 6); o++) assert_memory_equal(&out[o][i], &expected[o], sizeof(double));
      assay_status solved = assay_option_implied_volatility(&one, price, NULL, &volatility);
      assert_int_equal(solved == ASSAY_OK, status[i] == ASSAY_OPTION_FINE);
      if (solved == ASSAY_OK) assert_memory_equal(&volatility, &volatilities[i], sizeof volatility);
      if (solved != ASSAY_OK) assert_true(isnan(volatilities[i]));
    }
    for (int o = 0; o < 9; o++) assert_true(count == MANY || out[o][count] == -7);
  }
}

/* Results may take the place of what they were made from, and arrays may begin anywhere. */
static void results_may_replace_inputs(void **state) {
  (void)state;
  static double strikes[MANY], volatilities[MANY], price[MANY], delta[MANY], rho[MANY], strikes_copy[MANY + 1], volatilities_copy[MANY + 3];
  assay_random random;
  assay_random_init(&random, 8);
  for (int i = 0; i < MANY; i++) {
    strikes[i] = strikes_copy[i + 1] = between(&random, 80, 120);
    volatilities[i] = volatilities_copy[i + 3] = between(&random, 0.1, 0.5);
  }
  assay_options options = {.count = MANY,
                           .spot = assay_option_all(100),
                           .strike = assay_option_each(strikes),
                           .time = assay_option_all(1),
                           .rate = assay_option_all(0.05),
                           .volatility = assay_option_each(volatilities)};
  assay_error err = {0};
  assert_ok(assay_options_price(&options, &(assay_options_out){.price = price, .delta = delta, .rho = rho}, &err, NULL), err);
  options.strike = assay_option_each(&strikes_copy[1]), options.volatility = assay_option_each(&volatilities_copy[3]);
  static double rho_copy[MANY];
  assay_options_out over = {.price = &strikes_copy[1], .delta = &volatilities_copy[3], .rho = rho_copy};
  assert_ok(assay_options_price(&options, &over, &err, NULL), err);
  assert_memory_equal(&strikes_copy[1], price, sizeof price);
  assert_memory_equal(&volatilities_copy[3], delta, sizeof delta);
  assert_memory_equal(rho_copy, rho, sizeof rho);
}

static void bad_elements_leave_the_others_alone(void **state) {
  (void)state;
  double spots[MANY], prices[MANY], deltas[MANY], good, delta;
  uint8_t status[MANY];
  for (int i = 0; i < MANY; i++) spots[i] = 100;
  spots[3] = -1;
  spots[500] = NAN;
  spots[MANY - 1] = 0;
  assay_options options = {.count = MANY,
                           .spot = assay_option_each(spots),
                           .strike = assay_option_all(100),
                           .time = assay_option_all(1),
                           .volatility = assay_option_all(0.2)};
  assay_option one = {.spot = 100, .strike = 100, .time = 1, .volatility = 0.2};
  assay_error err = {0};
  assay_option_greeks greeks;
  assert_ok(assay_option_price(&one, &err, &good, &greeks), err);
  delta = greeks.delta;
  size_t bad = 0;
  assert_ok(assay_options_price(&options, &(assay_options_out){.price = prices, .delta = deltas, .status = status}, &err, &bad), err);
  assert_int_equal(bad, 3);
  for (int i = 0; i < MANY; i++) {
    bool fine = i != 3 && i != 500 && i != MANY - 1;
    assert_int_equal(status[i], fine ? ASSAY_OPTION_FINE : ASSAY_OPTION_BAD_SPOT);
    if (fine) assert_true(prices[i] == good && deltas[i] == delta);
    if (!fine) assert_true(isnan(prices[i]) && isnan(deltas[i]));
  }
  /* Nobody would be told: then it is an error that names the first. */
  assert_int_equal(assay_options_price(&options, &(assay_options_out){.price = prices}, &err, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "option 3"));
  assert_true(prices[4] == good);
  /* Every cause has its own state. */
  const double nan = NAN;
  assay_options cases[] = {options, options, options, options, options, options};
  for (int i = 0; i < 6; i++) cases[i].spot = assay_option_all(100), cases[i].count = 1;
  cases[0].kind = (assay_option_kind)5;
  cases[1].strike = assay_option_all(-3);
  cases[2].time = assay_option_all(0);
  cases[3].rate = assay_option_each(&nan);
  cases[4].dividend = assay_option_all(INFINITY);
  cases[5].volatility = assay_option_all(-0.1);
  const assay_option_state expected[] = {ASSAY_OPTION_BAD_KIND, ASSAY_OPTION_BAD_STRIKE,   ASSAY_OPTION_BAD_TIME,
                                         ASSAY_OPTION_BAD_RATE, ASSAY_OPTION_BAD_DIVIDEND, ASSAY_OPTION_BAD_VOLATILITY};
  for (int i = 0; i < 6; i++) {
    assert_ok(assay_options_price(&cases[i], &(assay_options_out){.price = prices, .status = status}, &err, NULL), err);
    assert_int_equal(status[0], expected[i]);
    assert_true(isnan(prices[0]));
  }
  /* Prices that no volatility gives, beside one that 20 % gives. */
  const double targets[] = {good, -1, 0, 100, NAN, 101};
  const assay_option_state states[] = {ASSAY_OPTION_FINE,        ASSAY_OPTION_BELOW_BOUND, ASSAY_OPTION_NO_TIME_VALUE,
                                       ASSAY_OPTION_ABOVE_BOUND, ASSAY_OPTION_BAD_PRICE,   ASSAY_OPTION_ABOVE_BOUND};
  options.count = 6;
  options.spot = assay_option_all(100);
  options.volatility = assay_option_all(NAN); /* is not read */
  assert_ok(assay_options_implied_volatility(&options, assay_option_each(targets), prices, status, &err, &bad), err);
  assert_int_equal(bad, 5);
  for (int i = 0; i < 6; i++) assert_int_equal(status[i], states[i]);
  assert_near(prices[0], 0.2, 1e-12);
  for (int i = 1; i < 6; i++) assert_true(isnan(prices[i]));
  options.count = 0;
  assert_ok(assay_options_price(&options, &(assay_options_out){.price = prices}, &err, &bad), err);
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_prices),
      cmocka_unit_test(published_greeks),
      cmocka_unit_test(prices_are_the_formula_s),
      cmocka_unit_test(prices_keep_parity_and_bounds),
      cmocka_unit_test(greeks_are_the_price_s_derivatives),
      cmocka_unit_test(greeks_are_numbers_everywhere),
      cmocka_unit_test(without_volatility_the_forward_decides),
      cmocka_unit_test(bad_input_is_a_status_with_a_sentence),
      cmocka_unit_test(volatility_comes_back),
      cmocka_unit_test(tiny_prices_have_a_volatility),
      cmocka_unit_test(prices_outside_their_bounds_are_refused),
      cmocka_unit_test(arrays_give_the_same_bits),
      cmocka_unit_test(results_may_replace_inputs),
      cmocka_unit_test(bad_elements_leave_the_others_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
