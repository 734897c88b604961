/* SPDX-License-Identifier: MIT */
/*
 * How far single precision is from double, on the same numbers: the bounds of docs/indicators.md, in units of 2^-24 of what the output is
 * about. At usual prices, at 1e8 (where floats are 8 apart) with wide and with narrow moves, and where nothing moves.
 */
#include "test.h"

#include <assay/indicators.h>

#include <math.h>

#include "base/random.h"

enum { ROWS = 3000, LEVELS = 4 };
static const struct level { double start, move; } levels[LEVELS] = {{100, 1}, {0.01, 1e-6}, {1e8, 1e4}, {1e8, 64}};

static float single[4][ROWS], results[4][ROWS];
static double wide[4][ROWS], exact[4][ROWS];

static void fill_row(size_t t, double high, double low, double close, double volume) {
  single[0][t] = (float)high, single[1][t] = (float)low, single[2][t] = (float)close, single[3][t] = (float)volume;
  for (int k = 0; k < 4; k++) wide[k][t] = single[k][t];
}

static void random_rows(uint64_t seed, const struct level *at) {
  assay_random random;
  assay_random_init(&random, seed);
  double price = at->start;
  for (size_t t = 0; t < ROWS; t++) {
    price = fmax(price + at->move * assay_random_normal(&random), at->start / 2);
    double above = at->move * assay_random_unit(&random), below = at->move * assay_random_unit(&random);
    fill_row(t, price + above, price - below, price, 1000 + floor(1e5 * assay_random_unit(&random)));
  }
}

static void run_both(const assay_indicator *indicator) {
  assay_error err = {0};
  assay_indicator_data_f32 narrow = {.values = {single[0], single[1], single[2], single[3]}, .rows = ROWS, .series = 1};
  assay_indicator_data data = {.values = {wide[0], wide[1], wide[2], wide[3]}, .rows = ROWS, .series = 1};
  float *outputs[] = {results[0], results[1], results[2], results[3]};
  double *others[] = {exact[0], exact[1], exact[2], exact[3]};
  assert_ok(assay_indicator_run_f32(indicator, NULL, &narrow, NULL, &err, outputs), err);
  assert_ok(assay_indicator_run(indicator, NULL, &data, NULL, &err, others), err);
}

/* What an output's error is measured against. */
typedef enum scale {
  PRICE,  /* the highest price of the series */
  ITSELF, /* the largest value of the output */
  HUNDRED
} scale;

/* Every output but those that turn on a comparison of what rounding makes equal: where one price is not above the other any more, another
 * money flow counts (mfi), a trend ends a row later (psar), a level is not crossed (rsi's crossing); and cci, whose distances go to 0. */
static const struct bound {
  const char *name, *output;
  double units;
  scale of;
} bounds[] = {
    {"sma", "sma", 3, PRICE},
    {"ema", "ema", 10, PRICE},
    {"wma", "wma", 3, PRICE},
    {"dema", "dema", 25, PRICE},
    {"tema", "tema", 50, PRICE},
    {"kama", "kama", 18, PRICE},
    {"trix", "trix", 5, HUNDRED},
    {"macd", "macd", 16, PRICE},
    {"macd", "signal", 16, PRICE},
    {"macd", "histogram", 10, PRICE},
    {"bollinger", "upper", 5, PRICE},
    {"bollinger", "middle", 3, PRICE},
    {"bollinger", "lower", 5, PRICE},
    {"stddev", "stddev", 24, ITSELF},
    {"linreg", "value", 3, PRICE},
    {"linreg", "slope", 20, ITSELF},
    {"linreg", "intercept", 3, PRICE},
    {"rsi", "rsi", 8, HUNDRED},
    {"stochrsi", "k", 100, HUNDRED},
    {"stochrsi", "d", 60, HUNDRED},
    {"stochf", "k", 3, HUNDRED},
    {"stochf", "d", 4, HUNDRED},
    {"stoch", "k", 5, HUNDRED},
    {"stoch", "d", 5, HUNDRED},
    {"williams", "williams", 4, HUNDRED},
    {"roc", "roc", 5, ITSELF},
    {"momentum", "momentum", 1, ITSELF},
    {"aroon", "up", 2, HUNDRED},
    {"aroon", "down", 2, HUNDRED},
    {"aroon", "oscillator", 2, HUNDRED},
    {"atr", "atr", 12, ITSELF},
    {"adx", "adx", 20, HUNDRED},
    {"adx", "plus_di", 18, HUNDRED},
    {"adx", "minus_di", 18, HUNDRED},
    {"donchian", "upper", 0, PRICE},
    {"donchian", "middle", 3, PRICE},
    {"donchian", "lower", 0, PRICE},
    {"keltner", "upper", 14, PRICE},
    {"keltner", "middle", 10, PRICE},
    {"keltner", "lower", 14, PRICE},
    {"ichimoku", "conversion", 3, PRICE},
    {"ichimoku", "base", 3, PRICE},
    {"ichimoku", "span_a", 4, PRICE},
    {"ichimoku", "span_b", 3, PRICE},
    {"obv", "obv", 1, ITSELF},
    {"rvwap", "rvwap", 4, PRICE},
};

static double scale_of(scale of, unsigned output) {
  if (of == HUNDRED) return 100;
  const double *values = of == PRICE ? wide[0] : exact[output];
  double largest = 0;
  for (size_t t = 0; t < ROWS; t++) largest = isfinite(values[t]) ? fmax(largest, fabs(values[t])) : largest;
  return largest;
}

static void check_bound(const struct bound *bound, const struct level *at) {
  const assay_indicator *indicator = assay_indicator_find(bound->name);
  unsigned output = (unsigned)assay_indicator_output_at(indicator, bound->output);
  run_both(indicator);
  double most = bound->units * 0x1p-24 * scale_of(bound->of, output);
  for (size_t t = 0; t < ROWS; t++) {
    double off = fabs(results[output][t] - exact[output][t]);
    if (isnan(exact[output][t]) ? isnan(results[output][t]) : off <= most) continue;
    fail_msg("%s.%s near %g, moves of %g, row %zu: %.9g instead of %.17g, which is %.3g off, not %.3g", bound->name, bound->output,
             at->start, at->move, t, (double)results[output][t], exact[output][t], off, most);
  }
}

static void test_bounds(void **state) {
  (void)state;
  for (size_t level = 0; level < LEVELS; level++) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
      random_rows(seed, &levels[level]);
      for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) check_bound(&bounds[i], &levels[level]);
    }
  }
}

/* What no bound is stated for is near at usual prices all the same, and only there. */
static void test_the_others_at_usual_prices(void **state) {
  (void)state;
  static const struct bound others[] = {{"cci", "cci", 2000, HUNDRED}, {"mfi", "mfi", 8, HUNDRED}, {"vwap", "vwap", 40, PRICE}};
  random_rows(1, &levels[0]);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) check_bound(&others[i], &levels[0]);
}

/* Nothing moves: the same to the bit, at any price. */
static void test_flat_prices(void **state) {
  (void)state;
  static const float prices[] = {100, 0.1f, 99999999.99f, 1e-9f};
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
    for (size_t t = 0; t < ROWS; t++) fill_row(t, prices[i], prices[i], prices[i], 3);
    for (size_t k = 0; k < count; k++) {
      run_both(&table[k]);
      for (unsigned output = 0; output < table[k].output_count; output++) {
        if ((double)results[output][ROWS - 1] != exact[output][ROWS - 1])
          fail_msg("%s.%s of %.9g is %.9g, not %.9g", table[k].name, table[k].outputs[output], (double)prices[i],
                   (double)results[output][ROWS - 1], exact[output][ROWS - 1]);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_the_others_at_usual_prices),
      cmocka_unit_test(test_flat_prices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
