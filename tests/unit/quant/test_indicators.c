/* SPDX-License-Identifier: MIT */
/*
 * Indicators against formulas written down straight, a walk over the window for every row, and against themselves: a stream, one series,
 * both layouts, threads, every instruction set and gaps have to give the same bits.
 */
#include "test.h"

#include <assay/indicators.h>

#include <math.h>

#include "base/random.h"
#include "kernels/kernel.h"
#include "kernels/variant.h"

#include "kernels/indicators/indicators.h"

enum { ROWS = 400 };

typedef struct bars {
  double high[ROWS], low[ROWS], close[ROWS], volume[ROWS];
} bars;

static void random_bars(bars *b, uint64_t seed, double start, double width) {
  assay_random random;
  assay_random_init(&random, seed);
  double price = start;
  for (size_t t = 0; t < ROWS; t++) {
    price += width * assay_random_normal(&random);
    if (price < start / 2) price = start / 2;
    b->close[t] = price;
    b->high[t] = price + width * assay_random_unit(&random);
    b->low[t] = price - width * assay_random_unit(&random);
    b->volume[t] = 1000 + floor(1e5 * assay_random_unit(&random));
  }
}

static assay_indicator_data data_of(const bars *b, size_t rows) {
  return (assay_indicator_data){.values = {b->high, b->low, b->close, b->volume}, .rows = rows, .series = 1};
}

/* ---- Straight formulas --------------------------------------------------------------------------------------------------------- */

static double mean(const double *x, size_t end, size_t n) {
  long double sum = 0;
  for (size_t j = 0; j < n; j++) sum += x[end - j];
  return (double)(sum / n);
}
static double deviation(const double *x, size_t end, size_t n) {
  long double centre = 0, sum = 0;
  for (size_t j = 0; j < n; j++) centre += x[end - j];
  centre /= n;
  for (size_t j = 0; j < n; j++) sum += (x[end - j] - centre) * (x[end - j] - centre);
  return (double)sqrtl(sum / n);
}
static double highest(const double *x, size_t end, size_t n) {
  double best = x[end];
  for (size_t j = 1; j < n; j++) best = fmax(best, x[end - j]);
  return best;
}
static double lowest(const double *x, size_t end, size_t n) {
  double best = x[end];
  for (size_t j = 1; j < n; j++) best = fmin(best, x[end - j]);
  return best;
}
/* Exponential average of x from row `first` on; earlier rows are left alone. */
static void exponential(const double *x, size_t first, size_t n, double *y) {
  double a = 2.0 / (double)(n + 1);
  y[first + n - 1] = mean(x, first + n - 1, n);
  for (size_t t = first + n; t < ROWS; t++) y[t] = a * x[t] + (1 - a) * y[t - 1];
}
/* Wilder's, begun with a mean. */
static void wilder(const double *x, size_t first, size_t n, double *y) {
  y[first + n - 1] = mean(x, first + n - 1, n);
  for (size_t t = first + n; t < ROWS; t++) y[t] = (y[t - 1] * (double)(n - 1) + x[t]) / (double)n;
}
static void true_ranges(const bars *b, double *range) {
  range[0] = NAN;
  for (size_t t = 1; t < ROWS; t++)
    range[t] = fmax(b->high[t] - b->low[t], fmax(fabs(b->high[t] - b->close[t - 1]), fabs(b->low[t] - b->close[t - 1])));
}
static void strength(const double *x, size_t n, double *y) {
  double up[ROWS] = {0}, down[ROWS] = {0}, ups[ROWS], downs[ROWS];
  for (size_t t = 1; t < ROWS; t++) {
    up[t] = fmax(x[t] - x[t - 1], 0);
    down[t] = fmax(x[t - 1] - x[t], 0);
  }
  wilder(up, 1, n, ups);
  wilder(down, 1, n, downs);
  for (size_t t = n; t < ROWS; t++) y[t] = 100 - 100 / (1 + ups[t] / downs[t]);
}
static size_t age_of_best(const double *x, size_t end, size_t n, int sign) {
  size_t best = 0;
  for (size_t j = 1; j <= n; j++) {
    if (sign * x[end - j] > sign * x[end - best]) best = j;
  }
  return best;
}
static void typical_prices(const bars *b, double *price) {
  for (size_t t = 0; t < ROWS; t++) price[t] = (b->high[t] + b->low[t] + b->close[t]) / 3;
}

/* Fills out[k][t] from row warm[k] on. False: there is no formula here for that name. */
static bool straight(const char *name, const double *p, const bars *b, double out[4][ROWS], const size_t *warm) {
  const double *x = b->close;
  size_t n = (size_t)p[0];
  double a[ROWS], c[ROWS], d[ROWS], price[ROWS];
  typical_prices(b, price);
  if (strcmp(name, "sma") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) out[0][t] = mean(x, t, n);
  } else if (strcmp(name, "ema") == 0) {
    exponential(x, 0, n, out[0]);
  } else if (strcmp(name, "wma") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      double sum = 0;
      for (size_t j = 0; j < n; j++) sum += (double)(n - j) * x[t - j];
      out[0][t] = sum / ((double)(n * (n + 1)) / 2);
    }
  } else if (strcmp(name, "dema") == 0 || strcmp(name, "tema") == 0 || strcmp(name, "trix") == 0) {
    exponential(x, 0, n, a);
    exponential(a, n - 1, n, c);
    exponential(c, 2 * (n - 1), n, d);
    for (size_t t = warm[0]; t < ROWS; t++) {
      out[0][t] = name[0] == 'd' ? 2 * a[t] - c[t] : strcmp(name, "tema") == 0 ? 3 * a[t] - 3 * c[t] + d[t] : 100 * (d[t] / d[t - 1] - 1);
    }
  } else if (strcmp(name, "kama") == 0) {
    double y = x[n - 1];
    for (size_t t = n; t < ROWS; t++) {
      double path = 0;
      for (size_t j = 0; j < n; j++) path += fabs(x[t - j] - x[t - j - 1]);
      double factor = fabs(x[t] - x[t - n]) / path * (2 / (p[1] + 1) - 2 / (p[2] + 1)) + 2 / (p[2] + 1);
      out[0][t] = y += factor * factor * (x[t] - y);
    }
  } else if (strcmp(name, "macd") == 0) {
    size_t slow = (size_t)p[1];
    exponential(x, slow - n, n, a);
    exponential(x, 0, slow, c);
    for (size_t t = slow - 1; t < ROWS; t++) out[0][t] = a[t] - c[t];
    exponential(out[0], slow - 1, (size_t)p[2], out[1]);
    for (size_t t = warm[2]; t < ROWS; t++) out[2][t] = out[0][t] - out[1][t];
  } else if (strcmp(name, "bollinger") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      out[1][t] = mean(x, t, n);
      out[0][t] = out[1][t] + p[1] * deviation(x, t, n);
      out[2][t] = out[1][t] - p[1] * deviation(x, t, n);
    }
  } else if (strcmp(name, "stddev") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) out[0][t] = deviation(x, t, n);
  } else if (strcmp(name, "linreg") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      long double top = 0, bottom = 0, centre = (long double)(n - 1) / 2;
      for (size_t j = 0; j < n; j++) {
        long double at = (long double)(n - 1 - j) - centre;
        top += at * x[t - j];
        bottom += at * at;
      }
      double slope = (double)(top / bottom), middle = mean(x, t, n);
      out[0][t] = middle + slope * (double)centre;
      out[1][t] = slope;
      out[2][t] = middle - slope * (double)centre;
    }
  } else if (strcmp(name, "rsi") == 0) {
    strength(x, n, out[0]);
    for (size_t t = n; t < ROWS; t++) {
      double before = t == n ? out[0][t] : out[0][t - 1];
      out[1][t] = out[0][t] > p[1] && before <= p[1] ? 1 : out[0][t] < p[2] && before >= p[2] ? -1 : 0;
    }
  } else if (strcmp(name, "stochrsi") == 0) {
    strength(x, n, a);
    for (size_t t = warm[0]; t < ROWS; t++) {
      double low = lowest(a, t, (size_t)p[1]), high = highest(a, t, (size_t)p[1]);
      out[0][t] = 100 * (a[t] - low) / (high - low);
    }
    for (size_t t = warm[1]; t < ROWS; t++) out[1][t] = mean(out[0], t, (size_t)p[2]);
  } else if (strncmp(name, "stoch", 5) == 0 || strcmp(name, "williams") == 0) {
    for (size_t t = n - 1; t < ROWS; t++) {
      double low = lowest(b->low, t, n), high = highest(b->high, t, n);
      a[t] = 100 * (x[t] - low) / (high - low);
      if (name[0] == 'w') out[0][t] = -100 * (high - x[t]) / (high - low);
    }
    if (name[0] == 'w') return true;
    bool fast = strcmp(name, "stochf") == 0;
    for (size_t t = warm[0]; t < ROWS; t++) out[0][t] = fast ? a[t] : mean(a, t, (size_t)p[1]);
    for (size_t t = warm[1]; t < ROWS; t++) out[1][t] = mean(out[0], t, (size_t)(fast ? p[1] : p[2]));
  } else if (strcmp(name, "cci") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      double centre = mean(price, t, n), distance = 0;
      for (size_t j = 0; j < n; j++) distance += fabs(price[t - j] - centre);
      out[0][t] = (price[t] - centre) / (0.015 * distance / (double)n);
    }
  } else if (strcmp(name, "mfi") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      double up = 0, down = 0;
      for (size_t j = t - n + 1; j <= t; j++) {
        if (price[j] > price[j - 1]) up += price[j] * b->volume[j];
        if (price[j] < price[j - 1]) down += price[j] * b->volume[j];
      }
      out[0][t] = 100 - 100 / (1 + up / down);
    }
  } else if (strcmp(name, "roc") == 0 || strcmp(name, "momentum") == 0) {
    for (size_t t = n; t < ROWS; t++) out[0][t] = name[0] == 'm' ? x[t] - x[t - n] : 100 * (x[t] / x[t - n] - 1);
  } else if (strcmp(name, "aroon") == 0) {
    for (size_t t = n; t < ROWS; t++) {
      out[0][t] = 100 * (double)(n - age_of_best(b->high, t, n, 1)) / (double)n;
      out[1][t] = 100 * (double)(n - age_of_best(b->low, t, n, -1)) / (double)n;
      out[2][t] = out[0][t] - out[1][t];
    }
  } else if (strcmp(name, "atr") == 0) {
    true_ranges(b, a);
    wilder(a, 1, n, out[0]);
  } else if (strcmp(name, "adx") == 0) {
    true_ranges(b, a);
    double range = 0, up = 0, down = 0;
    for (size_t t = 1; t < ROWS; t++) {
      double rise = b->high[t] - b->high[t - 1], fall = b->low[t - 1] - b->low[t], keep = t < n ? 1 : 1 - 1.0 / (double)n;
      range = range * keep + a[t];
      up = up * keep + (rise > fall && rise > 0 ? rise : 0);
      down = down * keep + (fall > rise && fall > 0 ? fall : 0);
      if (t < n) continue;
      out[1][t] = 100 * up / range;
      out[2][t] = 100 * down / range;
      c[t] = 100 * fabs(out[1][t] - out[2][t]) / (out[1][t] + out[2][t]);
    }
    wilder(c, n, n, out[0]);
  } else if (strcmp(name, "donchian") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      out[0][t] = highest(b->high, t, n);
      out[2][t] = lowest(b->low, t, n);
      out[1][t] = (out[0][t] + out[2][t]) / 2;
    }
  } else if (strcmp(name, "keltner") == 0) {
    true_ranges(b, a);
    wilder(a, 1, (size_t)p[1], c);
    exponential(x, 0, n, out[1]);
    for (size_t t = warm[0]; t < ROWS; t++) {
      out[0][t] = out[1][t] + p[2] * c[t];
      out[2][t] = out[1][t] - p[2] * c[t];
    }
  } else if (strcmp(name, "ichimoku") == 0) {
    size_t away = (size_t)p[3];
    for (int k = 0; k < 2; k++) {
      for (size_t t = warm[k]; t < ROWS; t++) out[k][t] = (highest(b->high, t, (size_t)p[k]) + lowest(b->low, t, (size_t)p[k])) / 2;
    }
    for (size_t t = warm[2]; t < ROWS; t++) out[2][t] = (out[0][t - away] + out[1][t - away]) / 2;
    for (size_t t = warm[3]; t < ROWS; t++) {
      out[3][t] = (highest(b->high, t - away, (size_t)p[2]) + lowest(b->low, t - away, (size_t)p[2])) / 2;
    }
  } else if (strcmp(name, "psar") == 0) {
    double rise = b->high[1] - b->high[0], fall = b->low[0] - b->low[1], step = fmin(p[0], p[1]), faster = step;
    bool up = !(fall > 0 && fall > rise);
    double extreme = up ? b->high[1] : b->low[1], stop = up ? b->low[0] : b->high[0];
    for (size_t t = 1; t < ROWS; t++) {
      double high = b->high[t], low = b->low[t], high_before = t == 1 ? high : b->high[t - 1], low_before = t == 1 ? low : b->low[t - 1];
      bool turns = up ? low <= stop : high >= stop;
      if (turns) {
        up = !up;
        stop = up ? fmin(extreme, fmin(low, low_before)) : fmax(extreme, fmax(high, high_before));
        out[0][t] = stop;
        faster = step;
        extreme = up ? high : low;
      } else {
        out[0][t] = stop;
        if (up ? high > extreme : low < extreme) {
          extreme = up ? high : low;
          faster = fmin(faster + step, p[1]);
        }
      }
      stop += faster * (extreme - stop);
      stop = up ? fmin(stop, fmin(low, low_before)) : fmax(stop, fmax(high, high_before));
    }
  } else if (strcmp(name, "obv") == 0) {
    out[0][0] = b->volume[0];
    for (size_t t = 1; t < ROWS; t++) out[0][t] = out[0][t - 1] + b->volume[t] * ((x[t] > x[t - 1]) - (x[t] < x[t - 1]));
  } else if (strcmp(name, "vwap") == 0 || strcmp(name, "rvwap") == 0) {
    for (size_t t = warm[0]; t < ROWS; t++) {
      long double top = 0, bottom = 0;
      for (size_t j = name[0] == 'v' ? 0 : t - n + 1; j <= t; j++) {
        top += (long double)price[j] * b->volume[j];
        bottom += b->volume[j];
      }
      out[0][t] = (double)(top / bottom);
    }
  } else {
    return false;
  }
  return true;
}

/* Periods that differ, of every size that a block can be cut into. */
static void random_parameters(const assay_indicator *indicator, assay_random *random, double *parameters) {
  assay_indicator_defaults(indicator, parameters);
  if (assay_random_below(random, 3) == 0) return;
  for (unsigned k = 0; k < indicator->parameter_count; k++) {
    const assay_indicator_parameter *parameter = &indicator->parameters[k];
    if (parameter->whole) parameters[k] = parameter->least + (double)assay_random_below(random, 40);
  }
  int fast = assay_indicator_parameter_at(indicator, "fast"), slow = assay_indicator_parameter_at(indicator, "slow");
  if (fast >= 0 && parameters[fast] >= parameters[slow]) parameters[slow] = parameters[fast] + 1;
}

static void test_equals_straight_formulas(void **state) {
  (void)state;
  static bars b;
  static double expected[4][ROWS], actual[4][ROWS];
  assay_random random;
  assay_random_init(&random, 7);
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < count; i++) {
    for (int round = 0; round < 12; round++) {
      double parameters[ASSAY_INDICATOR_MAX_PARAMETERS];
      size_t warm[ASSAY_INDICATOR_MAX_OUTPUTS];
      assay_error err = {0};
      random_bars(&b, 100 + (uint64_t)round, 100, 1);
      random_parameters(&table[i], &random, parameters);
      assert_ok(assay_indicator_warmup(&table[i], parameters, &err, warm), err);
      double *outputs[] = {actual[0], actual[1], actual[2], actual[3]};
      assay_indicator_data data = data_of(&b, ROWS);
      assert_ok(assay_indicator_run(&table[i], parameters, &data, NULL, &err, outputs), err);
      assert_true(straight(table[i].name, parameters, &b, expected, warm));
      for (unsigned k = 0; k < table[i].output_count; k++) {
        for (size_t t = 0; t < ROWS; t++) {
          bool fine = t < warm[k] ? isnan(actual[k][t]) : fabs(actual[k][t] - expected[k][t]) <= 1e-9 * fmax(1, fabs(expected[k][t]));
          /* 0/0 where the window is a row: the middle, here and nowhere else. */
          if (t >= warm[k] && !isfinite(expected[k][t])) fine = isfinite(actual[k][t]);
          if (!fine)
            fail_msg("%s.%s row %zu, period %g: %.17g instead of %.17g", table[i].name, table[i].outputs[k], t, parameters[0], actual[k][t],
                     expected[k][t]);
        }
      }
    }
  }
}

/* ---- The same bits ---------------------------------------------------------------------------------------------------------------- */

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

/* Rows of `series` random series in series-major order, gaps in about one of `gaps` rows (0: none). */
static double *random_batch(uint64_t seed, size_t series, unsigned gaps, assay_indicator_data *data) {
  double *block = malloc(4 * series * ROWS * sizeof *block);
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t s = 0; s < series; s++) {
    bars b;
    random_bars(&b, seed + s, s % 3 == 0 ? 1e8 : 100, 1);
    memcpy(block + s * ROWS, b.high, sizeof b.high);
    memcpy(block + (series + s) * ROWS, b.low, sizeof b.low);
    memcpy(block + (2 * series + s) * ROWS, b.close, sizeof b.close);
    memcpy(block + (3 * series + s) * ROWS, b.volume, sizeof b.volume);
  }
  for (size_t at = 0; gaps > 0 && at < 4 * series * ROWS; at++) {
    double odd[] = {NAN, INFINITY, -INFINITY, 1e300};
    if ((at / ROWS) % 2 == 0 && assay_random_below(&random, gaps) == 0) block[at] = odd[assay_random_below(&random, 4)];
  }
  *data = (assay_indicator_data){.rows = ROWS, .series = series};
  for (size_t k = 0; k < 4; k++) data->values[k] = block + k * series * ROWS;
  return block;
}

static void turn(const double *from, size_t rows, size_t series, double *to) {
  for (size_t s = 0; s < series; s++) {
    for (size_t t = 0; t < rows; t++) to[t * series + s] = from[s * rows + t];
  }
}

/* Streams say what is right; batches in both layouts have to agree. */
static void check_batch(const assay_indicator *indicator, const double *parameters, const assay_indicator_data *data, unsigned threads) {
  size_t series = data->series, size = series * ROWS;
  double *expected = malloc(4 * size * sizeof *expected), *actual = malloc(4 * size * sizeof *actual);
  double *turned = malloc(4 * size * sizeof *turned), *turned_out = malloc(4 * size * sizeof *turned_out);
  assay_error err = {0};
  assay_indicator_stream *stream;
  assert_ok(assay_indicator_stream_create(indicator, parameters, &err, &stream), err);
  for (size_t s = 0; s < series; s++) {
    assay_indicator_stream_reset(stream);
    for (size_t t = 0; t < ROWS; t++) {
      double in[4], out[4];
      for (unsigned k = 0; k < indicator->input_count; k++) in[k] = data->values[indicator->inputs[k]][s * ROWS + t];
      assay_indicator_stream_update(stream, in, out);
      for (unsigned k = 0; k < indicator->output_count; k++) expected[k * size + s * ROWS + t] = out[k];
    }
  }
  assay_indicator_stream_destroy(stream);

  double *outputs[] = {actual, actual + size, actual + 2 * size, actual + 3 * size};
  assay_indicator_options options = {.threads = threads};
  assert_ok(assay_indicator_run(indicator, parameters, data, &options, &err, outputs), err);
  for (size_t at = 0; at < indicator->output_count * size; at++) {
    if (!same(actual[at], expected[at])) {
      fail_msg("%s, series-major: series %zu of %zu, row %zu: %a instead of %a", indicator->name, at % size / ROWS, series, at % ROWS,
               actual[at], expected[at]);
    }
  }
  assay_indicator_data other = *data;
  other.layout = ASSAY_INDICATOR_TIME_MAJOR;
  for (size_t k = 0; k < 4; k++) {
    turn(data->values[k], ROWS, series, turned + k * size);
    other.values[k] = turned + k * size;
    outputs[k] = turned_out + k * size;
  }
  assert_ok(assay_indicator_run(indicator, parameters, &other, &options, &err, outputs), err);
  for (unsigned k = 0; k < indicator->output_count; k++) {
    turn(expected + k * size, ROWS, series, actual);
    for (size_t at = 0; at < size; at++) {
      if (!same(turned_out[k * size + at], actual[at])) {
        fail_msg("%s, time-major: series %zu of %zu, row %zu: %a instead of %a", indicator->name, at % series, series, at / series,
                 turned_out[k * size + at], actual[at]);
      }
    }
  }
  free(expected), free(actual), free(turned), free(turned_out);
}

static void check_batches(size_t series, unsigned gaps, unsigned threads) {
  assay_random random;
  assay_random_init(&random, series + gaps);
  assay_indicator_data data;
  double *block = random_batch(series, series, gaps, &data);
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < count; i++) {
    double parameters[ASSAY_INDICATOR_MAX_PARAMETERS];
    random_parameters(&table[i], &random, parameters);
    check_batch(&table[i], parameters, &data, threads);
  }
  free(block);
}

static void test_batches_equal_streams(void **state) {
  (void)state;
  const size_t series[] = {1, 2, 7, 16, 37, 300};
  for (size_t i = 0; i < sizeof series / sizeof *series; i++) check_batches(series[i], 0, i % 3);
}

/* Long enough to be cut into lanes. */
static void test_long_series_equal_streams(void **state) {
  (void)state;
  enum { LONG = 20011 };
  double *block = malloc((4 + 4) * LONG * sizeof *block);
  assay_random random;
  assay_random_init(&random, 5);
  for (int gaps = 0; gaps < 2; gaps++) {
    for (size_t t = 0; t < LONG; t++) {
      double price = 1e6 + assay_random_normal(&random);
      block[t] = price + assay_random_unit(&random), block[LONG + t] = price - assay_random_unit(&random);
      block[2 * LONG + t] = gaps && t % 5000 == 77 ? NAN : price, block[3 * LONG + t] = assay_random_unit(&random);
    }
    size_t count;
    const assay_indicator *table = assay_indicator_table(&count);
    for (size_t i = 0; i < count; i++) {
      assay_indicator_data data = {.values = {block, block + LONG, block + 2 * LONG, block + 3 * LONG}, .rows = LONG, .series = 1};
      double *outputs[] = {block + 4 * LONG, block + 5 * LONG, block + 6 * LONG, block + 7 * LONG};
      assay_error err = {0};
      assert_ok(assay_indicator_run(&table[i], NULL, &data, NULL, &err, outputs), err);
      assay_indicator_stream *stream;
      assert_ok(assay_indicator_stream_create(&table[i], NULL, &err, &stream), err);
      for (size_t t = 0; t < LONG; t++) {
        double in[4], out[4];
        for (unsigned k = 0; k < table[i].input_count; k++) in[k] = data.values[table[i].inputs[k]][t];
        assay_indicator_stream_update(stream, in, out);
        for (unsigned k = 0; k < table[i].output_count; k++) {
          if (!same(out[k], outputs[k][t])) fail_msg("%s, row %zu: %a, stream %a", table[i].name, t, outputs[k][t], out[k]);
        }
      }
      assay_indicator_stream_destroy(stream);
    }
  }
  free(block);
}

static void test_gaps_poison_nothing(void **state) {
  (void)state;
  check_batches(1, 10, 1);
  check_batches(37, 500, 1);
  check_batches(21, 3, 2);
}

/* The processor as a device, and a GPU where there is one; gaps too. (OpenCL runs every kernel in tests/unit/gpu.) */
static void test_devices_give_the_same_bits(void **state) {
  (void)state;
  enum { SERIES = 270 };
  static const char *const devices[] = {"cpu", "cuda"}, *const names[] = {"rsi", "bollinger", "adx", "stoch"};
  assay_indicator_data data;
  double *block = random_batch(77, SERIES, 2000, &data);
  size_t size = (size_t)SERIES * ROWS;
  double *expected = malloc(4 * size * sizeof *expected), *actual = malloc(4 * size * sizeof *actual);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const assay_indicator *indicator = assay_indicator_find(names[i]);
    double *here[] = {expected, expected + size, expected + 2 * size, expected + 3 * size};
    double *there[] = {actual, actual + size, actual + 2 * size, actual + 3 * size};
    for (int layout = 0; layout < 2; layout++) {
      data.layout = (assay_indicator_layout)layout;
      assay_error err = {0};
      assert_ok(assay_indicator_run(indicator, NULL, &data, NULL, &err, here), err);
      for (size_t d = 0; d < sizeof devices / sizeof *devices; d++) {
        char answered[32];
        assay_indicator_options options = {.device = devices[d], .answered = answered};
        assay_status status = assay_indicator_run(indicator, NULL, &data, &options, &err, there);
        if (status == ASSAY_ERR_NOT_FOUND && d > 0) {
          if (i == 0 && layout == 0) printf("%s: %s\n", devices[d], err.message);
          assay_error_clear(&err);
          continue;
        }
        assert_ok(status, err);
        assert_int_equal(strncmp(answered, devices[d], strlen(devices[d])), 0);
        for (size_t at = 0; at < indicator->output_count * size; at++) {
          if (!same(actual[at], expected[at]))
            fail_msg("%s on %s: number %zu is %a, not %a", names[i], devices[d], at, actual[at], expected[at]);
        }
      }
    }
  }
  free(block), free(expected), free(actual);
}

/* The values of a series with gaps are those of the series without these rows. */
static void test_gap_rows_are_left_out(void **state) {
  (void)state;
  static bars b;
  static double with[4][ROWS], without[4][ROWS];
  random_bars(&b, 3, 100, 1);
  bars gappy = b;
  memmove(gappy.close + 101, b.close + 100, (ROWS - 101) * sizeof(double));
  memmove(gappy.high + 101, b.high + 100, (ROWS - 101) * sizeof(double));
  memmove(gappy.low + 101, b.low + 100, (ROWS - 101) * sizeof(double));
  memmove(gappy.volume + 101, b.volume + 100, (ROWS - 101) * sizeof(double));
  gappy.close[100] = gappy.high[100] = NAN;
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < count; i++) {
    assay_error err = {0};
    double *outputs[] = {with[0], with[1], with[2], with[3]}, *others[] = {without[0], without[1], without[2], without[3]};
    assay_indicator_data data = data_of(&gappy, ROWS), plain = data_of(&b, ROWS);
    assert_ok(assay_indicator_run(&table[i], NULL, &data, NULL, &err, outputs), err);
    assert_ok(assay_indicator_run(&table[i], NULL, &plain, NULL, &err, others), err);
    for (unsigned k = 0; k < table[i].output_count; k++) {
      assert_true(isnan(with[k][100]));
      for (size_t t = 0; t < ROWS; t++) {
        if (t != 100) assert_true(same(with[k][t], without[k][t - (t > 100)]));
      }
    }
  }
}

/* Every instruction set gives what the scalar reference gives, in both precisions, also when the work is cut anywhere. */
static void test_variants_give_the_same_bits(void **state) {
  (void)state;
  enum { SERIES = 37 };
  static const struct {
    unsigned bits;
    size_t size;
  } types[] = {{32, 4}, {64, 8}};
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  assay_indicator_data data;
  double *block = random_batch(5, SERIES, 0, &data);
  size_t numbers = (size_t)ROWS * SERIES;
  char *in = malloc(4 * numbers * 8), *outs[2] = {malloc(4 * numbers * 8), malloc(4 * numbers * 8)};
  for (size_t type = 0; type < 2; type++) {
    for (size_t at = 0; at < 4 * numbers; at++) {
      size_t k = at / numbers, t = at % numbers / SERIES, s = at % SERIES;
      double value = data.values[k][s * ROWS + t];
      float single = (float)value;
      memcpy(in + at * types[type].size, type == 1 ? (void *)&value : (void *)&single, types[type].size);
    }
    for (size_t i = 0; i < count; i++) {
      char name[64];
      snprintf(name, sizeof name, "ind_%s_f%u", table[i].name, types[type].bits);
      const assay_kernel *kernel = assay_kernel_find(name);
      assert_non_null(kernel);
      indicator_params params = {.in_row = SERIES,
                                 .out_row = SERIES,
                                 .series = SERIES,
                                 .width = 48,
                                 .slots = INDICATOR_REGISTERS + 600,
                                 .wanted = 15,
                                 .n = {9, 12, 5, 7},
                                 .x = {0.11, 0.2, 0.3, 0.25, 0.4, 0.5, 0.6, 0.7},
                                 .warm = {3, 4, 5, 6}};
      char *memory = malloc(48 * 1000 * 8);
      for (size_t index = 0; assay_kernel_variant_usable(index) < ASSAY_KERNEL_VARIANT_COUNT; index++) {
        size_t variant = assay_kernel_variant_usable(index);
        memset(memory, 0, 48 * 1000 * 8);
        memset(outs[index > 0], 0, 4 * numbers * 8);
        size_t cuts[] = {0, ROWS, ROWS, ROWS};
        if (index > 0) cuts[1] = 1, cuts[2] = 150;
        for (size_t part = 0; part < 3; part++) {
          params.begin = cuts[part];
          params.rows = cuts[part + 1] - cuts[part];
          for (size_t k = 0; k < 4; k++) {
            params.input[k] = (int64_t)(k * numbers + cuts[part] * SERIES);
            params.output[k] = params.input[k];
          }
          void *buffers[] = {in, outs[index > 0], memory};
          kernel->variants[variant](&params, buffers, 0, 1);
        }
        for (size_t at = 0; index > 0 && at < 4 * numbers; at++) {
          const char *a = outs[0] + at * types[type].size, *b = outs[1] + at * types[type].size;
          if (memcmp(a, b, types[type].size) == 0) continue;
          fail_msg("%s %s: output %zu row %zu series %zu", name, assay_kernel_variant_text(variant), at / numbers, at % numbers / SERIES,
                   at % SERIES);
        }
      }
      free(memory);
    }
  }
  free(block), free(in), free(outs[0]), free(outs[1]);
}

static void test_single_precision_is_near(void **state) {
  (void)state;
  static bars b;
  static float values[4][ROWS], results[4][ROWS];
  static double exact[4][ROWS];
  random_bars(&b, 11, 100, 1);
  for (size_t t = 0; t < ROWS; t++) {
    values[0][t] = (float)b.high[t], values[1][t] = (float)b.low[t], values[2][t] = (float)b.close[t], values[3][t] = (float)b.volume[t];
    b.high[t] = values[0][t], b.low[t] = values[1][t], b.close[t] = values[2][t], b.volume[t] = values[3][t];
  }
  const char *const names[] = {"sma", "ema", "bollinger", "atr", "linreg", "donchian", "rsi"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const assay_indicator *indicator = assay_indicator_find(names[i]);
    assay_error err = {0};
    assay_indicator_data_f32 data = {.values = {values[0], values[1], values[2], values[3]}, .rows = ROWS, .series = 1};
    assay_indicator_data wide = data_of(&b, ROWS);
    float *outputs[] = {results[0], results[1], results[2], results[3]};
    double *others[] = {exact[0], exact[1], exact[2], exact[3]};
    assert_ok(assay_indicator_run_f32(indicator, NULL, &data, NULL, &err, outputs), err);
    assert_ok(assay_indicator_run(indicator, NULL, &wide, NULL, &err, others), err);
    for (size_t t = 50; t < ROWS; t++) assert_near(results[0][t], exact[0][t], 2e-3);
  }
}

/* ---- Where others go wrong ---------------------------------------------------------------------------------------------------------- */

static double run_last(const char *name, const bars *b, unsigned output) {
  static double results[4][ROWS];
  double *outputs[] = {results[0], results[1], results[2], results[3]};
  assay_error err = {0};
  assay_indicator_data data = data_of(b, ROWS);
  assert_ok(assay_indicator_run(assay_indicator_find(name), NULL, &data, NULL, &err, outputs), err);
  return results[output][ROWS - 1];
}

static void test_flat_prices(void **state) {
  (void)state;
  static bars b;
  const double prices[] = {0.1, 1.0 / 3, 123.456, 99999999.99, 1e-9};
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
    double price = prices[i];
    for (size_t t = 0; t < ROWS; t++) b.high[t] = b.low[t] = b.close[t] = price, b.volume[t] = 3;
    const char *const same_as_price[] = {"sma",  "ema",   "wma",      "dema",    "tema",      "kama",     "linreg",
                                         "vwap", "rvwap", "donchian", "keltner", "bollinger", "ichimoku", "psar"};
    for (size_t k = 0; k < sizeof same_as_price / sizeof *same_as_price; k++) {
      if (run_last(same_as_price[k], &b, 0) != price)
        fail_msg("%s of %.17g is %.17g", same_as_price[k], price, run_last(same_as_price[k], &b, 0));
    }
    assert_true(run_last("bollinger", &b, 1) == price && run_last("bollinger", &b, 2) == price);
    const char *const zero[] = {"stddev", "macd", "trix", "roc", "momentum", "atr", "adx", "cci"};
    for (size_t k = 0; k < sizeof zero / sizeof *zero; k++) assert_true(run_last(zero[k], &b, 0) == 0);
    assert_true(run_last("linreg", &b, 1) == 0 && run_last("macd", &b, 2) == 0);
    const char *const middle[] = {"rsi", "stochrsi", "stoch", "stochf", "mfi"};
    for (size_t k = 0; k < sizeof middle / sizeof *middle; k++) assert_true(run_last(middle[k], &b, 0) == 50);
    assert_true(run_last("williams", &b, 0) == -50);
  }
}

/* One way only: exactly the end of the scale. */
static void test_ends_of_the_scale(void **state) {
  (void)state;
  static bars b;
  for (int sign = -1; sign <= 1; sign += 2) {
    for (size_t t = 0; t < ROWS; t++) b.high[t] = b.low[t] = b.close[t] = 1000 + sign * 0.1 * (double)t, b.volume[t] = 7;
    double end = sign > 0 ? 100 : 0;
    assert_true(run_last("rsi", &b, 0) == end && run_last("mfi", &b, 0) == end && run_last("stochf", &b, 0) == end);
    assert_true(run_last("williams", &b, 0) == end - 100);
    assert_true(run_last("aroon", &b, 0) == end);
  }
}

/* A narrow band at a price near 1e8, with a jump from far away inside the block before. */
static void test_high_prices(void **state) {
  (void)state;
  static bars b, shifted;
  random_bars(&b, 21, 64, 0.01);
  for (size_t t = 0; t < ROWS; t++) b.close[t] = floor(b.close[t] * 1048576) / 1048576; /* so that adding 1e8 loses nothing */
  for (double base = 1e8; base < 2e9; base *= 16) {
    static double low[3][ROWS], high[3][ROWS];
    for (size_t t = 0; t < ROWS; t++) shifted.close[t] = b.close[t] + base;
    double *lows[] = {low[0], low[1], low[2]}, *highs[] = {high[0], high[1], high[2]};
    assay_error err = {0};
    assay_indicator_data data = data_of(&b, ROWS), other = data_of(&shifted, ROWS);
    assert_ok(assay_indicator_run(assay_indicator_find("stddev"), NULL, &data, NULL, &err, lows), err);
    assert_ok(assay_indicator_run(assay_indicator_find("stddev"), NULL, &other, NULL, &err, highs), err);
    for (size_t t = 19; t < ROWS; t++) assert_near(high[0][t] / low[0][t], 1, 1e-12);
  }
  /* What left the window leaves no trace. */
  for (size_t t = 0; t < ROWS; t++) b.close[t] = t == 200 ? 1e90 : 5 + (double)(t % 4);
  assert_true(run_last("stddev", &b, 0) == sqrt(1.25));
  assert_true(run_last("sma", &b, 0) == 6.5);
  for (size_t t = 0; t < ROWS; t++) b.close[t] = t < 251 ? 1e8 : 1;
  assert_true(run_last("stddev", &b, 0) == 0);
}

/* ---- RSI and its levels ------------------------------------------------------------------------------------------------------------ */

/* Wilder's example, New Concepts in Technical Trading Systems (1978), section VI, as printed to two places. */
static void test_rsi_of_wilder(void **state) {
  (void)state;
  const double closes[] = {54.80, 56.80, 57.85, 59.85, 60.57, 61.10, 62.17, 60.60, 62.35, 62.15, 62.35, 61.45,
                           62.80, 61.37, 62.50, 62.57, 60.80, 59.37, 60.35, 62.35, 62.17, 62.55, 64.55, 64.37,
                           65.30, 64.42, 62.90, 61.60, 62.05, 60.05, 59.70, 60.90, 60.25, 58.27, 58.70, 57.72};
  double rsi[36], crossing[36], *outputs[] = {rsi, crossing};
  assay_indicator_data data = {.values[ASSAY_INDICATOR_CLOSE] = closes, .rows = 36, .series = 1};
  assay_error err = {0};
  assert_ok(assay_indicator_run(assay_indicator_find("RSI"), NULL, &data, NULL, &err, outputs), err);
  assert_true(isnan(rsi[13]));
  assert_near(rsi[14], 74.21, 0.02);
  assert_near(rsi[15], 74.34, 0.02);
  assert_near(rsi[16], 65.87, 0.02);
}

static void test_crossings(void **state) {
  (void)state;
  const double values[] = {NAN, 80, 75, 70, 69, 30, 29.9, NAN, 20, 30, 71, 10, 90};
  const assay_indicator_crossing expected[] = {{3, ASSAY_INDICATOR_LEAVES_HIGH},  {6, ASSAY_INDICATOR_ENTERS_LOW},
                                               {9, ASSAY_INDICATOR_LEAVES_LOW},   {10, ASSAY_INDICATOR_ENTERS_HIGH},
                                               {11, ASSAY_INDICATOR_LEAVES_HIGH}, {11, ASSAY_INDICATOR_ENTERS_LOW},
                                               {12, ASSAY_INDICATOR_LEAVES_LOW},  {12, ASSAY_INDICATOR_ENTERS_HIGH}};
  assay_indicator_crossing found[8];
  assert_int_equal(assay_indicator_crossings(values, 13, 30, 70, 8, found), 8);
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(found[i].row, expected[i].row);
    assert_int_equal(found[i].event, expected[i].event);
  }
  assert_int_equal(assay_indicator_crossings(values, 13, 30, 70, 0, NULL), 8);
}

/* ---- Bad input ---------------------------------------------------------------------------------------------------------------------- */

static void expect_refused(const char *name, const double *parameters, assay_indicator_data data, const char *words) {
  static double results[4][ROWS];
  double *outputs[] = {results[0], results[1], results[2], results[3]};
  results[0][0] = 42;
  assay_error err = {0};
  assert_int_equal(assay_indicator_run(assay_indicator_find(name), parameters, &data, NULL, &err, outputs), ASSAY_ERR_INVALID);
  if (strstr(err.message, words) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.message, words);
  assert_true(results[0][0] == 42);
}

static void test_bad_input(void **state) {
  (void)state;
  static bars b;
  random_bars(&b, 1, 100, 1);
  assay_indicator_data data = data_of(&b, ROWS), few = data_of(&b, 14), none = data_of(&b, 0), half = data, odd = data;
  half.values[ASSAY_INDICATOR_LOW] = NULL;
  odd.lengths[ASSAY_INDICATOR_HIGH] = ROWS - 1;
  expect_refused("rsi", NULL, few, "14 rows are too few: rsi has its first value in row 15");
  expect_refused("sma", (double[]){ROWS + 1}, data, "too few");
  expect_refused("sma", (double[]){0}, data, "period is 0, which is not between 1 and");
  expect_refused("sma", (double[]){-1}, data, "period is -1");
  expect_refused("sma", (double[]){NAN}, data, "period is nan");
  expect_refused("sma", (double[]){2.5}, data, "whole rows");
  expect_refused("sma", (double[]){1e18}, data, "not between");
  expect_refused("macd", (double[]){26, 12, 9}, data, "fast must be less than slow");
  expect_refused("rsi", (double[]){14, 30, 70}, data, "oversold must be less than overbought");
  expect_refused("bollinger", (double[]){20, -1}, data, "deviations is -1");
  expect_refused("sma", NULL, none, "0 rows");
  expect_refused("atr", NULL, half, "needs low prices");
  expect_refused("atr", NULL, odd, "399 numbers of input \"high\" are not 400 rows of 1 series");
  assay_indicator_data sideways = data;
  sideways.layout = (assay_indicator_layout)7;
  expect_refused("sma", NULL, sideways, "no layout 7");
  const assay_indicator *sma = assay_indicator_find("sma");
  assay_indicator_stream *stream = NULL;
  double *no_outputs[ASSAY_INDICATOR_MAX_OUTPUTS] = {NULL};
  assert_int_equal(assay_indicator_run(NULL, NULL, &data, NULL, NULL, no_outputs), ASSAY_ERR_INVALID);
  assert_int_equal(assay_indicator_run(sma, NULL, NULL, NULL, NULL, no_outputs), ASSAY_ERR_INVALID);
  assert_int_equal(assay_indicator_run(sma, NULL, &data, NULL, NULL, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_indicator_stream_create(NULL, NULL, NULL, &stream), ASSAY_ERR_INVALID);
  /* Gaps only: no value, and no failure. */
  for (size_t t = 0; t < ROWS; t++) b.close[t] = NAN;
  assert_true(isnan(run_last("rsi", &b, 0)));
}

static void test_lookup(void **state) {
  (void)state;
  assert_ptr_equal(assay_indicator_find("BBands"), assay_indicator_find("bollinger"));
  assert_null(assay_indicator_find("nonsense"));
  assert_null(assay_indicator_find(NULL));
  assert_string_equal(assay_indicator_suggest("bolinger"), "bollinger");
  const assay_indicator *macd = assay_indicator_find("macd");
  assert_int_equal(assay_indicator_parameter_at(macd, "Signal"), 2);
  assert_int_equal(assay_indicator_output_at(macd, "histogram"), 2);
  assert_int_equal(assay_indicator_output_at(macd, "rsi"), -1);
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < count; i++) assert_ptr_equal(assay_indicator_find(table[i].name), &table[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_equals_straight_formulas),
      cmocka_unit_test(test_batches_equal_streams),
      cmocka_unit_test(test_long_series_equal_streams),
      cmocka_unit_test(test_gaps_poison_nothing),
      cmocka_unit_test(test_gap_rows_are_left_out),
      cmocka_unit_test(test_devices_give_the_same_bits),
      cmocka_unit_test(test_variants_give_the_same_bits),
      cmocka_unit_test(test_single_precision_is_near),
      cmocka_unit_test(test_flat_prices),
      cmocka_unit_test(test_ends_of_the_scale),
      cmocka_unit_test(test_high_prices),
      cmocka_unit_test(test_rsi_of_wilder),
      cmocka_unit_test(test_crossings),
      cmocka_unit_test(test_bad_input),
      cmocka_unit_test(test_lookup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
