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

/* Each fills out[k][t] from row warm[k] on; p holds the parameters. */
typedef struct call {
  const char *name;
  const double *p;
  const bars *b;
  const size_t *warm;
  double (*out)[ROWS];
} call;

static size_t period(const call *c) { return (size_t)c->p[0]; }

static void straight_sma(const call *c) {
  for (size_t t = c->warm[0]; t < ROWS; t++) c->out[0][t] = mean(c->b->close, t, period(c));
}

static void straight_ema(const call *c) { exponential(c->b->close, 0, period(c), c->out[0]); }

static void straight_wma(const call *c) {
  size_t n = period(c);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)(n - j) * c->b->close[t - j];
    c->out[0][t] = sum / ((double)(n * (n + 1)) / 2);
  }
}

/* dema, tema, trix */
static void straight_chain(const call *c) {
  size_t n = period(c);
  double one[ROWS], two[ROWS], three[ROWS];
  exponential(c->b->close, 0, n, one);
  exponential(one, n - 1, n, two);
  exponential(two, 2 * (n - 1), n, three);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    c->out[0][t] = c->name[0] == 'd'              ? 2 * one[t] - two[t]
                   : strcmp(c->name, "tema") == 0 ? 3 * one[t] - 3 * two[t] + three[t]
                                                  : 100 * (three[t] / three[t - 1] - 1);
  }
}

static void straight_kama(const call *c) {
  const double *x = c->b->close, slowest = 2 / (c->p[2] + 1);
  size_t n = period(c);
  double y = x[n - 1];
  for (size_t t = n; t < ROWS; t++) {
    double path = 0;
    for (size_t j = 0; j < n; j++) path += fabs(x[t - j] - x[t - j - 1]);
    double factor = fabs(x[t] - x[t - n]) / path * (2 / (c->p[1] + 1) - slowest) + slowest;
    c->out[0][t] = y += factor * factor * (x[t] - y);
  }
}

static void straight_macd(const call *c) {
  size_t n = period(c), slow = (size_t)c->p[1];
  double fast_average[ROWS], slow_average[ROWS];
  exponential(c->b->close, slow - n, n, fast_average);
  exponential(c->b->close, 0, slow, slow_average);
  for (size_t t = slow - 1; t < ROWS; t++) c->out[0][t] = fast_average[t] - slow_average[t];
  exponential(c->out[0], slow - 1, (size_t)c->p[2], c->out[1]);
  for (size_t t = c->warm[2]; t < ROWS; t++) c->out[2][t] = c->out[0][t] - c->out[1][t];
}

static void straight_bollinger(const call *c) {
  size_t n = period(c);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    double middle = mean(c->b->close, t, n), width = c->p[1] * deviation(c->b->close, t, n);
    c->out[0][t] = middle + width;
    c->out[1][t] = middle;
    c->out[2][t] = middle - width;
  }
}

static void straight_stddev(const call *c) {
  for (size_t t = c->warm[0]; t < ROWS; t++) c->out[0][t] = deviation(c->b->close, t, period(c));
}

static void straight_linreg(const call *c) {
  size_t n = period(c);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    long double top = 0, bottom = 0, centre = (long double)(n - 1) / 2;
    for (size_t j = 0; j < n; j++) {
      long double at = (long double)(n - 1 - j) - centre;
      top += at * c->b->close[t - j];
      bottom += at * at;
    }
    double slope = (double)(top / bottom), middle = mean(c->b->close, t, n);
    c->out[0][t] = middle + slope * (double)centre;
    c->out[1][t] = slope;
    c->out[2][t] = middle - slope * (double)centre;
  }
}

static void straight_rsi(const call *c) {
  size_t n = period(c);
  double *rsi = c->out[0];
  strength(c->b->close, n, rsi);
  for (size_t t = n; t < ROWS; t++) {
    double before = t == n ? rsi[t] : rsi[t - 1];
    c->out[1][t] = rsi[t] > c->p[1] && before <= c->p[1] ? 1 : rsi[t] < c->p[2] && before >= c->p[2] ? -1 : 0;
  }
}

static void straight_stochrsi(const call *c) {
  double rsi[ROWS];
  size_t k = (size_t)c->p[1];
  strength(c->b->close, period(c), rsi);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    double low = lowest(rsi, t, k), high = highest(rsi, t, k);
    c->out[0][t] = 100 * (rsi[t] - low) / (high - low);
  }
  for (size_t t = c->warm[1]; t < ROWS; t++) c->out[1][t] = mean(c->out[0], t, (size_t)c->p[2]);
}

/* %K from row n - 1 on. */
static void places(const call *c, double *place) {
  size_t n = period(c);
  for (size_t t = n - 1; t < ROWS; t++) {
    double low = lowest(c->b->low, t, n), high = highest(c->b->high, t, n);
    place[t] = 100 * (c->b->close[t] - low) / (high - low);
  }
}

static void straight_stochf(const call *c) {
  places(c, c->out[0]);
  for (size_t t = c->warm[1]; t < ROWS; t++) c->out[1][t] = mean(c->out[0], t, (size_t)c->p[1]);
}

static void straight_stoch(const call *c) {
  double place[ROWS];
  places(c, place);
  for (size_t t = c->warm[0]; t < ROWS; t++) c->out[0][t] = mean(place, t, (size_t)c->p[1]);
  for (size_t t = c->warm[1]; t < ROWS; t++) c->out[1][t] = mean(c->out[0], t, (size_t)c->p[2]);
}

static void straight_williams(const call *c) {
  size_t n = period(c);
  for (size_t t = n - 1; t < ROWS; t++) {
    double low = lowest(c->b->low, t, n), high = highest(c->b->high, t, n);
    c->out[0][t] = -100 * (high - c->b->close[t]) / (high - low);
  }
}

static void straight_cci(const call *c) {
  size_t n = period(c);
  double price[ROWS];
  typical_prices(c->b, price);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    double centre = mean(price, t, n), distance = 0;
    for (size_t j = 0; j < n; j++) distance += fabs(price[t - j] - centre);
    c->out[0][t] = (price[t] - centre) / (0.015 * distance / (double)n);
  }
}

static void straight_mfi(const call *c) {
  size_t n = period(c);
  double price[ROWS];
  typical_prices(c->b, price);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    double up = 0, down = 0;
    for (size_t j = t - n + 1; j <= t; j++) {
      if (price[j] > price[j - 1]) up += price[j] * c->b->volume[j];
      if (price[j] < price[j - 1]) down += price[j] * c->b->volume[j];
    }
    c->out[0][t] = 100 - 100 / (1 + up / down);
  }
}

static void straight_roc(const call *c) {
  size_t n = period(c);
  for (size_t t = n; t < ROWS; t++) c->out[0][t] = 100 * (c->b->close[t] / c->b->close[t - n] - 1);
}

static void straight_momentum(const call *c) {
  size_t n = period(c);
  for (size_t t = n; t < ROWS; t++) c->out[0][t] = c->b->close[t] - c->b->close[t - n];
}

static void straight_aroon(const call *c) {
  size_t n = period(c);
  for (size_t t = n; t < ROWS; t++) {
    c->out[0][t] = 100 * (double)(n - age_of_best(c->b->high, t, n, 1)) / (double)n;
    c->out[1][t] = 100 * (double)(n - age_of_best(c->b->low, t, n, -1)) / (double)n;
    c->out[2][t] = c->out[0][t] - c->out[1][t];
  }
}

static void straight_atr(const call *c) {
  double range[ROWS];
  true_ranges(c->b, range);
  wilder(range, 1, period(c), c->out[0]);
}

static void straight_adx(const call *c) {
  size_t n = period(c);
  const bars *b = c->b;
  double ranges[ROWS], index[ROWS], range = 0, up = 0, down = 0;
  true_ranges(b, ranges);
  for (size_t t = 1; t < ROWS; t++) {
    double rise = b->high[t] - b->high[t - 1], fall = b->low[t - 1] - b->low[t], keep = t < n ? 1 : 1 - 1.0 / (double)n;
    range = range * keep + ranges[t];
    up = up * keep + (rise > fall && rise > 0 ? rise : 0);
    down = down * keep + (fall > rise && fall > 0 ? fall : 0);
    if (t < n) continue;
    c->out[1][t] = 100 * up / range;
    c->out[2][t] = 100 * down / range;
    index[t] = 100 * fabs(c->out[1][t] - c->out[2][t]) / (c->out[1][t] + c->out[2][t]);
  }
  wilder(index, n, n, c->out[0]);
}

static void straight_donchian(const call *c) {
  size_t n = period(c);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    c->out[0][t] = highest(c->b->high, t, n);
    c->out[2][t] = lowest(c->b->low, t, n);
    c->out[1][t] = (c->out[0][t] + c->out[2][t]) / 2;
  }
}

static void straight_keltner(const call *c) {
  double ranges[ROWS], range[ROWS];
  true_ranges(c->b, ranges);
  wilder(ranges, 1, (size_t)c->p[1], range);
  exponential(c->b->close, 0, period(c), c->out[1]);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    c->out[0][t] = c->out[1][t] + c->p[2] * range[t];
    c->out[2][t] = c->out[1][t] - c->p[2] * range[t];
  }
}

static double midpoint(const bars *b, size_t end, size_t n) { return (highest(b->high, end, n) + lowest(b->low, end, n)) / 2; }

static void straight_ichimoku(const call *c) {
  size_t away = (size_t)c->p[3];
  for (int k = 0; k < 2; k++) {
    for (size_t t = c->warm[k]; t < ROWS; t++) c->out[k][t] = midpoint(c->b, t, (size_t)c->p[k]);
  }
  for (size_t t = c->warm[2]; t < ROWS; t++) c->out[2][t] = (c->out[0][t - away] + c->out[1][t - away]) / 2;
  for (size_t t = c->warm[3]; t < ROWS; t++) c->out[3][t] = midpoint(c->b, t - away, (size_t)c->p[2]);
}

static void straight_psar(const call *c) {
  const bars *b = c->b;
  double rise = b->high[1] - b->high[0], fall = b->low[0] - b->low[1], step = fmin(c->p[0], c->p[1]), faster = step;
  bool up = !(fall > 0 && fall > rise);
  double extreme = up ? b->high[1] : b->low[1], stop = up ? b->low[0] : b->high[0];
  for (size_t t = 1; t < ROWS; t++) {
    double high = b->high[t], low = b->low[t], high_before = t == 1 ? high : b->high[t - 1], low_before = t == 1 ? low : b->low[t - 1];
    if (up ? low <= stop : high >= stop) { /* turns */
      up = !up;
      stop = up ? fmin(extreme, fmin(low, low_before)) : fmax(extreme, fmax(high, high_before));
      c->out[0][t] = stop;
      faster = step;
      extreme = up ? high : low;
    } else {
      c->out[0][t] = stop;
      if (up ? high > extreme : low < extreme) {
        extreme = up ? high : low;
        faster = fmin(faster + step, c->p[1]);
      }
    }
    stop += faster * (extreme - stop);
    stop = up ? fmin(stop, fmin(low, low_before)) : fmax(stop, fmax(high, high_before));
  }
}

static void straight_obv(const call *c) {
  const double *x = c->b->close;
  c->out[0][0] = c->b->volume[0];
  for (size_t t = 1; t < ROWS; t++) c->out[0][t] = c->out[0][t - 1] + c->b->volume[t] * ((x[t] > x[t - 1]) - (x[t] < x[t - 1]));
}

/* vwap from the first row, rvwap over a period */
static void straight_vwap(const call *c) {
  double price[ROWS];
  typical_prices(c->b, price);
  for (size_t t = c->warm[0]; t < ROWS; t++) {
    long double top = 0, bottom = 0;
    for (size_t j = c->name[0] == 'v' ? 0 : t - period(c) + 1; j <= t; j++) {
      top += (long double)price[j] * c->b->volume[j];
      bottom += c->b->volume[j];
    }
    c->out[0][t] = (double)(top / bottom);
  }
}

static const struct {
  const char *name;
  void (*fill)(const call *c);
} formulas[] = {{"sma", straight_sma},           {"ema", straight_ema},           {"wma", straight_wma},
                {"dema", straight_chain},        {"tema", straight_chain},        {"trix", straight_chain},
                {"kama", straight_kama},         {"macd", straight_macd},         {"bollinger", straight_bollinger},
                {"stddev", straight_stddev},     {"linreg", straight_linreg},     {"rsi", straight_rsi},
                {"stochrsi", straight_stochrsi}, {"stochf", straight_stochf},     {"stoch", straight_stoch},
                {"williams", straight_williams}, {"cci", straight_cci},           {"mfi", straight_mfi},
                {"roc", straight_roc},           {"momentum", straight_momentum}, {"aroon", straight_aroon},
                {"atr", straight_atr},           {"adx", straight_adx},           {"donchian", straight_donchian},
                {"keltner", straight_keltner},   {"ichimoku", straight_ichimoku}, {"psar", straight_psar},
                {"obv", straight_obv},           {"vwap", straight_vwap},         {"rvwap", straight_vwap}};

/* False: there is no formula here for that name. */
static bool straight(const char *name, const double *p, const bars *b, double out[4][ROWS], const size_t *warm) {
  for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
    if (strcmp(formulas[i].name, name) != 0) continue;
    formulas[i].fill(&(call){.name = name, .p = p, .b = b, .warm = warm, .out = out});
    return true;
  }
  return false;
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
    double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -2e100};
    if ((at / ROWS) % 2 == 0 && assay_random_below(&random, gaps) == 0) block[at] = odd[assay_random_below(&random, 5)];
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

/* All indicators over one series of bars, as streams have them. */
static void check_one_series(double *block, size_t rows, double **outputs) {
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count);
  for (size_t i = 0; i < count; i++) {
    assay_indicator_data data = {.values = {block, block + rows, block + 2 * rows, block + 3 * rows}, .rows = rows, .series = 1};
    assay_error err = {0};
    assert_ok(assay_indicator_run(&table[i], NULL, &data, NULL, &err, outputs), err);
    assay_indicator_stream *stream;
    assert_ok(assay_indicator_stream_create(&table[i], NULL, &err, &stream), err);
    for (size_t t = 0; t < rows; t++) {
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

/* Long enough to be cut into lanes, also where averages have to be forgotten first: from prices that one of the jumps left behind they are
 * not, and the parts behind it do not fit. */
static void test_long_series_equal_streams(void **state) {
  (void)state;
  enum { LONG = 150011 };
  double *block = malloc((4 + 4) * LONG * sizeof *block);
  double *outputs[] = {block + 4 * LONG, block + 5 * LONG, block + 6 * LONG, block + 7 * LONG};
  assay_random random;
  assay_random_init(&random, 5);
  for (int way = 0; way < 3; way++) {
    for (size_t t = 0; t < LONG; t++) {
      double scale = way == 2 && t / 9000 % 2 == 1 ? 1e90 : 1, price = 1e6 + assay_random_normal(&random);
      block[t] = scale * (price + assay_random_unit(&random)), block[LONG + t] = scale * (price - assay_random_unit(&random));
      block[2 * LONG + t] = way == 1 && t % 50000 == 77 ? NAN : scale * price, block[3 * LONG + t] = assay_random_unit(&random);
    }
    check_one_series(block, LONG, outputs);
  }
  free(block);
}

/* In single precision there are no streams: two series that are the same, which are not cut. */
static void test_long_series_in_single_precision(void **state) {
  (void)state;
  enum { LONG = 150011, BOTH = 2 * LONG };
  static const char *const names[] = {"ema", "trix", "macd", "rsi", "atr", "adx", "bollinger"};
  float *block = malloc(9 * BOTH * sizeof *block);
  assay_random random;
  assay_random_init(&random, 8);
  for (size_t t = 0; t < LONG; t++) {
    double price = (t / 9000 % 2 == 1 ? 1e12 : 1) * (100 + assay_random_normal(&random)), place[] = {1.01, 0.99, 1};
    for (size_t k = 0; k < 3; k++) block[k * BOTH + t] = block[k * BOTH + LONG + t] = (float)(price * place[k]);
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const assay_indicator *indicator = assay_indicator_find(names[i]);
    float *one[4] = {NULL}, *two[4] = {NULL};
    for (unsigned k = 0; k < indicator->output_count; k++) one[k] = block + (3 + k) * BOTH, two[k] = block + (6 + k) * BOTH;
    assay_indicator_data_f32 data = {.values = {block, block + BOTH, block + 2 * BOTH}, .rows = LONG, .series = 1};
    assay_error err = {0};
    assert_ok(assay_indicator_run_f32(indicator, NULL, &data, NULL, &err, one), err);
    data.series = 2;
    assert_ok(assay_indicator_run_f32(indicator, NULL, &data, NULL, &err, two), err);
    for (unsigned k = 0; k < indicator->output_count; k++) {
      if (memcmp(one[k], two[k], LONG * sizeof(float)) != 0) fail_msg("%s, output %u", names[i], k);
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

/* Outputs so large that they are written past the cache, beginning at a line of it, all as far off one, or each differently: those of the
 * series one by one. */
static void test_large_batches(void **state) {
  (void)state;
  enum { SERIES = 1413, NUMBERS = SERIES * ROWS };
  static const size_t off[][3] = {{0, 0, 0}, {5, 5, 5}, {5, 10, 0}};
  /* With windows that end in every row of four and more than once in four rows, and with what is wanted usually and with all. */
  static const struct {
    const char *name;
    unsigned wanted;
    double parameters[3];
  } cases[] = {{"rsi", 1, {14, 70, 30}},  {"rsi", 2, {14, 70, 30}}, {"rsi", 1, {1, 70, 30}},    {"macd", 3, {12, 26, 9}},
               {"macd", 1, {12, 26, 9}},  {"sma", 1, {20}},         {"bollinger", 3, {20, 2}},  {"bollinger", 3, {2, 2}},
               {"bollinger", 3, {3, 2}},  {"bollinger", 3, {4, 2}}, {"bollinger", 3, {5, 1.5}}, {"bollinger", 3, {7, 2}},
               {"bollinger", 3, {31, 2}}, {"bollinger", 2, {20, 2}}};
  assay_indicator_data data;
  double *block = random_batch(9, SERIES, 3000, &data), *turned = malloc(NUMBERS * sizeof *turned), *expected[3], *actual[3];
  for (int k = 0; k < 3; k++) {
    expected[k] = malloc(NUMBERS * sizeof **expected);
    actual[k] = aligned_alloc(64, (NUMBERS + 64) * sizeof **actual);
  }
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const assay_indicator *indicator = assay_indicator_find(cases[i].name);
    assay_error err = {0};
    for (size_t s = 0; s < SERIES; s++) {
      assay_indicator_data one = {.rows = ROWS, .series = 1};
      one.values[ASSAY_INDICATOR_CLOSE] = data.values[ASSAY_INDICATOR_CLOSE] + s * ROWS;
      double *outputs[4] = {expected[0] + s * ROWS, expected[1] + s * ROWS, expected[2] + s * ROWS, NULL};
      assert_ok(assay_indicator_run(indicator, cases[i].parameters, &one, NULL, &err, outputs), err);
    }
    for (size_t o = 0; o < (i < 4 ? sizeof off / sizeof *off : 1); o++) {
      size_t series = off[o][0] > 0 ? SERIES : SERIES / 8 * 8, numbers = series * ROWS;
      turn(data.values[ASSAY_INDICATOR_CLOSE], ROWS, series, turned);
      for (int layout = 0; layout < 2; layout++) {
        double *outputs[4] = {actual[0] + off[o][0], actual[1] + off[o][1], actual[2] + off[o][2], NULL};
        for (unsigned k = cases[i].wanted; k < 3; k++) outputs[k] = NULL;
        assay_indicator_data other = {.rows = ROWS, .series = series, .layout = (assay_indicator_layout)layout};
        other.values[ASSAY_INDICATOR_CLOSE] = layout == ASSAY_INDICATOR_TIME_MAJOR ? turned : data.values[ASSAY_INDICATOR_CLOSE];
        assert_ok(assay_indicator_run(indicator, cases[i].parameters, &other, NULL, &err, outputs), err);
        for (size_t at = 0; at < cases[i].wanted * numbers; at++) {
          size_t k = at / numbers, s = at % numbers / ROWS, t = at % ROWS;
          double found = outputs[k][layout == ASSAY_INDICATOR_TIME_MAJOR ? t * series + s : s * ROWS + t];
          if (!same(found, expected[k][s * ROWS + t]))
            fail_msg("%s (case %zu), layout %d, %zu numbers off a line: series %zu row %zu: %a, not %a", cases[i].name, i, layout,
                     off[o][k], s, t, found, expected[k][s * ROWS + t]);
        }
      }
    }
  }
  for (int k = 0; k < 3; k++) free(expected[k]), free(actual[k]);
  free(block), free(turned);
}

/* One series, cut into lanes, whose outputs begin at different places of a line. */
static void test_a_large_series(void **state) {
  (void)state;
  enum { LONG = 1 << 18, OUTPUTS = 3 };
  double *prices = malloc(LONG * sizeof *prices), *expected[4] = {NULL}, *actual[4] = {NULL}, *outputs[4] = {NULL};
  assay_random random;
  assay_random_init(&random, 11);
  for (size_t t = 0; t < LONG; t++) prices[t] = 100 + assay_random_normal(&random);
  for (size_t k = 0; k < OUTPUTS; k++) {
    expected[k] = aligned_alloc(64, LONG * sizeof **expected);
    actual[k] = aligned_alloc(64, (LONG + 8) * sizeof **actual);
    outputs[k] = actual[k] + 2 * k;
  }
  assay_indicator_data data = {.rows = LONG, .series = 1};
  data.values[ASSAY_INDICATOR_CLOSE] = prices;
  assay_error err = {0};
  assert_ok(assay_indicator_run(assay_indicator_find("bollinger"), NULL, &data, NULL, &err, expected), err);
  assert_ok(assay_indicator_run(assay_indicator_find("bollinger"), NULL, &data, NULL, &err, outputs), err);
  for (size_t at = 0; at < OUTPUTS * (size_t)LONG; at++) assert_true(same(outputs[at / LONG][at % LONG], expected[at / LONG][at % LONG]));
  for (size_t k = 0; k < OUTPUTS; k++) free(expected[k]), free(actual[k]);
  free(prices);
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

/* One kernel of an instruction set over VARIANT_SERIES series of numbers of `size` bytes, cut into three. */
enum { VARIANT_SERIES = 37, VARIANT_NUMBERS = VARIANT_SERIES * ROWS };

/* How lanes are asked: for all outputs or the first alone, with square roots by FMAs as well or without. */
typedef struct variant_call {
  uint32_t layout, wanted, slow_roots;
} variant_call;

static void run_variant(assay_kernel_fn function, variant_call way, size_t size, const size_t *cuts, char *in, char *out) {
  bool turned = (way.layout & INDICATOR_TURNED) != 0;
  size_t row_step = turned ? 1 : VARIANT_SERIES;
  indicator_params params = {.in_row = turned ? ROWS : VARIANT_SERIES,
                             .out_row = turned ? ROWS : VARIANT_SERIES,
                             .series = VARIANT_SERIES,
                             .width = 48,
                             .slots = INDICATOR_REGISTERS + 600,
                             .still = 64,
                             .layout = way.layout,
                             .slow_roots = way.slow_roots,
                             .wanted = way.wanted,
                             .n = {9, 12, 5, 7},
                             .x = {0.11, 0.2, 0.3, 0.25, 0.4, 0.5, 0.6, 0.7},
                             .warm = {3, 4, 5, 6}};
  char *memory = calloc((size_t)params.width * (1 + params.slots), size);
  memset(out, 0, 4 * VARIANT_NUMBERS * size);
  for (size_t part = 0; part < 3; part++) {
    params.begin = cuts[part];
    params.rows = cuts[part + 1] - cuts[part];
    for (size_t k = 0; k < 4; k++) params.input[k] = params.output[k] = (int64_t)(k * VARIANT_NUMBERS);
    size_t skipped = cuts[part] * row_step * size;
    void *buffers[] = {in + skipped, out + skipped, memory};
    function(&params, buffers, 0, 1);
  }
  free(memory);
}

/* All kernels of a precision: `in` time-major and turned, out[0] for the reference and out[1] for the others. */
static void check_variants(const assay_kernel *kernel, size_t size, char *const *in, char *const *out) {
  static const size_t at_once[] = {0, ROWS, ROWS, ROWS}, anywhere[] = {0, 1, 150, ROWS}, at_lines[] = {0, 16, 160, ROWS};
  run_variant(kernel->variants[assay_kernel_variant_usable(0)], (variant_call){.wanted = 15}, size, at_once, in[0], out[0]);
  for (size_t index = 0; assay_kernel_variant_usable(index) < ASSAY_KERNEL_VARIANT_COUNT; index++) {
    for (uint32_t ways = 0; ways < (index > 0 ? 8 : 1); ways++) { /* the reference has no lanes */
      size_t variant = assay_kernel_variant_usable(index);
      bool turned = (ways & 1) != 0;
      variant_call way = {turned ? INDICATOR_TURNED | INDICATOR_PAST : 0, (ways & 2) != 0 ? 1 : 15, ways >> 2};
      run_variant(kernel->variants[variant], way, size, turned ? at_lines : anywhere, in[turned], out[1]);
      for (size_t at = 0; at < 4 * VARIANT_NUMBERS; at++) {
        size_t k = at / VARIANT_NUMBERS, t = at % VARIANT_NUMBERS / VARIANT_SERIES, s = at % VARIANT_SERIES;
        size_t there = turned ? k * VARIANT_NUMBERS + s * ROWS + t : at;
        if ((way.wanted >> k & 1) == 0 || memcmp(out[0] + at * size, out[1] + there * size, size) == 0) continue;
        fail_msg("%s %s%s, outputs %u%s: output %zu row %zu series %zu", kernel->name, assay_kernel_variant_text(variant),
                 turned ? ", turned" : "", way.wanted, way.slow_roots ? ", roots by FMAs" : "", k, t, s);
      }
    }
  }
}

/* Every instruction set gives what the scalar reference gives, in both precisions and layouts, also when the work is cut anywhere. */
static void test_variants_give_the_same_bits(void **state) {
  (void)state;
  assay_indicator_data data;
  double *block = random_batch(5, VARIANT_SERIES, 0, &data);
  char *in[2], *out[2];
  for (int k = 0; k < 2; k++) in[k] = aligned_alloc(64, 4 * VARIANT_NUMBERS * 8), out[k] = aligned_alloc(64, 4 * VARIANT_NUMBERS * 8);
  for (unsigned bits = 32; bits <= 64; bits += 32) {
    size_t size = bits / 8, count;
    for (size_t at = 0; at < 4 * VARIANT_NUMBERS; at++) {
      size_t k = at / VARIANT_NUMBERS, t = at % VARIANT_NUMBERS / VARIANT_SERIES, s = at % VARIANT_SERIES;
      double value = data.values[k][s * ROWS + t];
      float single = (float)value;
      const void *number = bits == 64 ? (void *)&value : (void *)&single;
      memcpy(in[0] + at * size, number, size);
      memcpy(in[1] + (k * VARIANT_NUMBERS + s * ROWS + t) * size, number, size);
    }
    const assay_indicator *table = assay_indicator_table(&count);
    for (size_t i = 0; i < count; i++) {
      char name[64];
      snprintf(name, sizeof name, "ind_%s_f%u", table[i].name, bits);
      const assay_kernel *kernel = assay_kernel_find(name);
      assert_non_null(kernel);
      check_variants(kernel, size, in, out);
    }
  }
  for (int k = 0; k < 2; k++) free(in[k]), free(out[k]);
  free(block);
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
  assert_null(assay_indicator_suggest(NULL));
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
      cmocka_unit_test(test_long_series_in_single_precision),
      cmocka_unit_test(test_large_batches),
      cmocka_unit_test(test_a_large_series),
      cmocka_unit_test(test_gaps_poison_nothing),
      cmocka_unit_test(test_gap_rows_are_left_out),
      cmocka_unit_test(test_devices_give_the_same_bits),
      cmocka_unit_test(test_variants_give_the_same_bits),
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
