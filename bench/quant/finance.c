/* SPDX-License-Identifier: MIT */
/* The figures of options, simulation and indicators of bench/README.md's table, through the public headers. One thread; the best of some
 * rounds. */
#include <assay/indicators.h>
#include <assay/montecarlo.h>
#include <assay/options.h>

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "figure.h"

/* A figure of a call that failed would be the speed of failing. */
static void check(assay_status status, const assay_error *err) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

static double *numbers(size_t count) {
  double *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
  if (values == NULL) exit(EXIT_FAILURE);
  memset(values, 0, count * sizeof *values); /* pages exist before the clock starts */
  return values;
}

static uint64_t state = 1;
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) * 0x1p-53;
}

/* ---- Simulation --------------------------------------------------------------------------------------------------------------- */

static assay_mc_result result;

static double seconds_of(const assay_mc_params *option, int rounds) {
  assay_error err = {0};
  double best = 1e30;
  for (int i = 0; i <= rounds; i++) {
    uint64_t begin = figure_now_ns();
    check(assay_mc_price(option, &err, &result), &err);
    double took = (double)(figure_now_ns() - begin) / 1e9;
    if (i > 0 && took < best) best = took;
  }
  return best;
}

/* Also hands the price to the next figure. */
static const char *said(void) {
  static char text[120];
  figure_price(result.price, result.standard_error);
  snprintf(text, sizeof text, "%s %s, price %.5f +- %.5f", result.device, result.isa, result.price, result.standard_error);
  return text;
}

static void simulation(void) {
  assay_mc_params european = {.spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2, .paths = 1 << 22, .seed = 1};
  double plain = 0;
  for (int single = 0; single < 2; single++) {
    european.precision = single ? ASSAY_MC_F32 : ASSAY_MC_F64;
    double took = seconds_of(&european, 5);
    if (!single) plain = took;
    figure(single ? "european_mc_f32" : "european_mc_f64", (double)european.paths / took, "paths/s", said());
  }
  european.precision = ASSAY_MC_F64;
  european.greeks = true;
  double with_greeks = seconds_of(&european, 5);
  figure("european_mc_greeks_ratio", with_greeks / plain, "ratio", said());
  assay_mc_params asian = {.payoff = ASSAY_MC_ASIAN_ARITHMETIC,
                           .spot = 100,
                           .strike = 110,
                           .time = 1,
                           .rate = 0.05,
                           .volatility = 0.2,
                           .steps = 252,
                           .paths = 1 << 15,
                           .seed = 1};
  for (int single = 0; single < 2; single++) {
    asian.precision = single ? ASSAY_MC_F32 : ASSAY_MC_F64;
    double took = seconds_of(&asian, 4);
    figure(single ? "asian_252_f32" : "asian_252_f64", (double)asian.paths / took, "paths/s", said());
  }
  /* The same paths from Sobol points, and what they are worth: how much longer pseudo-random paths take to the same standard error. */
  asian.paths = 1 << 16;
  for (int single = 0; single < 2; single++) {
    asian.precision = single ? ASSAY_MC_F32 : ASSAY_MC_F64;
    asian.sampling = ASSAY_MC_PSEUDO;
    double pseudo = seconds_of(&asian, 2), error = result.standard_error;
    asian.sampling = ASSAY_MC_SOBOL;
    double sobol = seconds_of(&asian, 2), fewer = error / result.standard_error;
    char note[160];
    snprintf(note, sizeof note, "%.2f of pseudo-random paths' speed; standard error %.2g, theirs %.2g", pseudo / sobol,
             result.standard_error, error);
    figure(single ? "asian_252_sobol_f32" : "asian_252_sobol_f64", (double)asian.paths / sobol, "paths/s", note);
    figure(single ? "sobol_gain_f32" : "sobol_gain_f64", fewer * fewer * pseudo / sobol, "ratio",
           "pseudo-random paths' time to the same standard error");
  }
  assay_mc_params american = {.payoff = ASSAY_MC_AMERICAN,
                              .put = true,
                              .spot = 100,
                              .strike = 110,
                              .time = 1,
                              .rate = 0.05,
                              .volatility = 0.2,
                              .steps = 50,
                              .paths = 100000,
                              .seed = 1};
  assay_error err = {0};
  if (assay_mc_price(&american, &err, &result) != ASSAY_OK) return figure_absent("lsm_50x100k", err.message);
  double took = seconds_of(&american, 3);
  figure("lsm_50x100k", took * 1e3, "ms", said());
}

/* ---- Options ------------------------------------------------------------------------------------------------------------------ */

enum { OPTIONS = 4096 };

static void closed_forms(void) {
  static uint8_t kinds[OPTIONS];
  static double strike[OPTIONS], time[OPTIONS], rate[OPTIONS], sigma[OPTIONS], price[OPTIONS], greek[5][OPTIONS], found[OPTIONS];
  for (size_t i = 0; i < OPTIONS; i++) { /* as the peers have them */
    kinds[i] = i % 2 == 0 ? ASSAY_OPTION_CALL : ASSAY_OPTION_PUT;
    strike[i] = 80 + (double)(i % 41), time[i] = 0.1 + (double)(i % 23) * 0.1;
    rate[i] = 0.01 * (double)(i % 6), sigma[i] = 0.1 + 0.02 * (double)(i % 17);
  }
  assay_options options = {.count = OPTIONS,
                           .kinds = kinds,
                           .spot = assay_option_all(100),
                           .strike = assay_option_each(strike),
                           .time = assay_option_each(time),
                           .rate = assay_option_each(rate),
                           .volatility = assay_option_each(sigma)};
  assay_options_out out = {.price = price, .delta = greek[0], .gamma = greek[1], .vega = greek[2], .theta = greek[3], .rho = greek[4]};
  assay_error err = {0};
  double ns = FIGURE_BEST_NS(30, check(assay_options_price(&options, &out, &err, NULL), &err));
  figure("closed_form_greeks", ns / OPTIONS, "ns/option", NULL);
  size_t bad = 0;
  ns = FIGURE_BEST_NS(30, check(assay_options_implied_volatility(&options, assay_option_each(price), found, NULL, &err, &bad), &err));
  double worst = 0;
  for (size_t i = 0; i < OPTIONS; i++) {
    double off = greek[2][i] > 1 ? found[i] / sigma[i] - 1 : 0; /* with little vega the price does not determine it */
    worst = off * off > worst * worst ? off : worst;
  }
  char note[80];
  snprintf(note, sizeof note, "worst error %.1e of the volatility, %zu not solved", worst, bad);
  figure("implied_volatility", ns / OPTIONS, "ns/option", note);
}

static void tree(void) {
  assay_option option = {.kind = ASSAY_OPTION_PUT, .spot = 100, .strike = 110, .time = 1, .rate = 0.05, .volatility = 0.2};
  assay_tree crr = {.method = ASSAY_TREE_CRR, .exercise = ASSAY_EXERCISE_AMERICAN, .steps = 1000};
  assay_error err = {0};
  double price = 0;
  double ns = FIGURE_BEST_NS(20, check(assay_tree_price(&option, &crr, &err, &price, NULL), &err));
  figure_price(price, 0);
  figure("crr_1000", ns / 1e6, "ms", NULL);
}

/* ---- Indicators --------------------------------------------------------------------------------------------------------------- */

enum { SERIES = 1000, ROWS = 10000, LONG = 1000000, LINE = 64 / sizeof(double) };

/* A line to where nothing is read first, as results of a batch go. */
#if defined(__x86_64__)
#define PAST_THE_CACHE __attribute__((target("avx")))
static inline PAST_THE_CACHE void copy_line(double *to, const double *from) {
  _mm256_stream_pd(to, _mm256_load_pd(from));
  _mm256_stream_pd(to + 4, _mm256_load_pd(from + 4));
}
static bool has_lines_past(void) { return __builtin_cpu_supports("avx"); }
#else
#define PAST_THE_CACHE
static inline void copy_line(double *to, const double *from) { memcpy(to, from, LINE * sizeof *to); }
static bool has_lines_past(void) { return true; }
#endif

/* The memory's part of a batch: every line is read and goes to all outputs, `at_once` series side by side, `piece` numbers of each, and the
 * lines of an output one after the other. The page after is asked for when one begins. */
static PAST_THE_CACHE void copy_series(const double *prices, double *const *out, size_t outputs, size_t at_once, size_t piece) {
  enum { PAGE = 4096 / sizeof(double) };
  for (size_t first = 0; first < SERIES; first += at_once) {
    for (size_t row = 0; row < ROWS; row += piece) {
      for (size_t k = 0; k < outputs; k++) {
        for (size_t at = first * ROWS + row; at < (first + at_once) * ROWS; at += ROWS) {
          if (row % PAGE < piece) __builtin_prefetch(out[k] + at + PAGE, 0, 0);
          for (size_t i = at; i < at + piece; i += LINE) copy_line(out[k] + i, prices + i);
        }
      }
    }
  }
}
/* In ns a price, in the best order of some, which lie up to half apart; 0: not known here. */
static double memory_ns(const double *prices, double *const *out, size_t outputs) {
  static const size_t orders[][2] = {{8, LINE}, {4, LINE}, {8, 2 * LINE}, {1, 10 * LINE}};
  double best = 1e30;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    if (!has_lines_past()) return 0;
    double ns = FIGURE_BEST_NS(2, copy_series(prices, out, outputs, orders[i][0], orders[i][1]));
    best = ns < best ? ns : best;
  }
  return best / SERIES / ROWS;
}

static void indicators(void) {
  static const struct {
    const char *name, *batch, *turned, *series;
  } all[] = {{"rsi", "batch_rsi", "batch_rsi_time_major", "series_rsi"},
             {"macd", "batch_macd", "batch_macd_time_major", "series_macd"},
             {"bollinger", "batch_bollinger", "batch_bollinger_time_major", "series_bollinger"}};
  double *prices = numbers((size_t)SERIES * ROWS), *out[ASSAY_INDICATOR_MAX_OUTPUTS];
  for (size_t i = 0; i < ASSAY_INDICATOR_MAX_OUTPUTS; i++) out[i] = numbers((size_t)SERIES * ROWS);
  double price = 100;
  for (size_t i = 0; i < (size_t)SERIES * ROWS; i++) {
    price *= 1 + (uniform() - 0.5) * 0.02;
    if (i % ROWS == 0 && i >= LONG) price = 100;
    prices[i] = price;
  }
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const assay_indicator *indicator = assay_indicator_find(all[i].name);
    if (indicator == NULL) {
      figure_absent(all[i].batch, "there is no such indicator");
      continue;
    }
    /* What TA-Lib and Tulip give as well: the values, not our RSI's crossings. */
    double *wanted[ASSAY_INDICATOR_MAX_OUTPUTS] = {out[0], out[1], out[2], out[3]};
    for (size_t k = strcmp(all[i].name, "rsi") == 0 ? 1 : indicator->output_count; k < ASSAY_INDICATOR_MAX_OUTPUTS; k++) wanted[k] = NULL;
    assay_error err = {0};
    assay_indicator_data data = {.rows = ROWS, .series = SERIES};
    data.values[ASSAY_INDICATOR_CLOSE] = prices;
    size_t outputs = 0;
    while (outputs < ASSAY_INDICATOR_MAX_OUTPUTS && wanted[outputs] != NULL) outputs++;
    double memory = memory_ns(prices, wanted, outputs);
    double ns = FIGURE_BEST_NS(4, check(assay_indicator_run(indicator, NULL, &data, NULL, &err, wanted), &err));
    figure_beside(all[i].batch, ns / SERIES / ROWS, "ns/price", memory, "limit: moving the same memory");
    data.layout = ASSAY_INDICATOR_TIME_MAJOR;
    ns = FIGURE_BEST_NS(4, check(assay_indicator_run(indicator, NULL, &data, NULL, &err, wanted), &err));
    figure(all[i].turned, ns / SERIES / ROWS, "ns/price", NULL);
    data.layout = ASSAY_INDICATOR_SERIES_MAJOR;
    data.rows = LONG, data.series = 1;
    ns = FIGURE_BEST_NS(5, check(assay_indicator_run(indicator, NULL, &data, NULL, &err, wanted), &err));
    figure(all[i].series, ns / LONG, "ns/price", NULL);
  }
  free(prices);
  for (size_t i = 0; i < ASSAY_INDICATOR_MAX_OUTPUTS; i++) free(out[i]);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  setenv("ASSAY_THREADS", "1", 0);
  setenv("ASSAY_DEVICE", "cpu", 0);
  simulation();
  closed_forms();
  tree();
  indicators();
  return figure_end();
}
