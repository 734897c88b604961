/* SPDX-License-Identifier: MIT */
/*
 * TA-Lib's and Tulip's side of the comparison (bench/README.md), by their C functions, so that no language binding stands between.
 * tools/fetch-peers.sh builds it with their sources. They have no batches: a batch is one series after the other, all into one output.
 */
#include <indicators.h>
#include <ta_libc.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SERIES = 1000, LENGTH = 10000, LONG = 1000000 };

static double *out[3];

static void talib_rsi(const double *x, int n) {
  int begin, count;
  TA_RSI(0, n - 1, x, 14, &begin, &count, out[0]);
}
static void talib_macd(const double *x, int n) {
  int begin, count;
  TA_MACD(0, n - 1, x, 12, 26, 9, &begin, &count, out[0], out[1], out[2]);
}
static void talib_bollinger(const double *x, int n) {
  int begin, count;
  TA_BBANDS(0, n - 1, x, 20, 2, 2, TA_MAType_SMA, &begin, &count, out[0], out[1], out[2]);
}
static void tulip_rsi(const double *x, int n) { ti_rsi(n, &x, (const double[]){14}, out); }
static void tulip_macd(const double *x, int n) { ti_macd(n, &x, (const double[]){12, 26, 9}, out); }
static void tulip_bollinger(const double *x, int n) { ti_bbands(n, &x, (const double[]){20, 2}, out); }

static const struct {
  const char *peer, *what;
  void (*run)(const double *x, int n);
} all[] = {{"TA-Lib", "rsi", talib_rsi},
           {"Tulip", "rsi", tulip_rsi},
           {"TA-Lib", "macd", talib_macd},
           {"Tulip", "macd", tulip_macd},
           {"TA-Lib", "bollinger", talib_bollinger},
           {"Tulip", "bollinger", tulip_bollinger}};

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void walk(double *x, size_t n, uint64_t seed) {
  double price = 100;
  for (size_t i = 0; i < n; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    price *= 1 + ((double)(seed >> 40) / (1 << 24) - 0.5) * 0.02;
    x[i] = price;
  }
}

int main(void) {
  double *prices = malloc(sizeof(double) * SERIES * LENGTH);
  for (int i = 0; i < 3; i++) out[i] = malloc(sizeof(double) * LONG);
  if (prices == NULL || out[0] == NULL || out[1] == NULL || out[2] == NULL) return 1;
  for (size_t s = 0; s < SERIES; s++) walk(prices + s * LENGTH, LENGTH, s);
  TA_Initialize();
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    double batch = INFINITY, series = INFINITY;
    for (int round = 0; round < 3; round++) {
      double begin = now_ns();
      for (size_t s = 0; s < SERIES; s++) all[i].run(prices + s * LENGTH, LENGTH);
      batch = fmin(batch, now_ns() - begin);
      begin = now_ns();
      all[i].run(prices, LONG);
      series = fmin(series, now_ns() - begin);
    }
    const char *version = all[i].peer[1] == 'A' ? TA_GetVersionString() : ti_version(); /* TA-Lib's goes on with the day of the build */
    const char *line = "{\"peer\": \"%s\", \"version\": \"%.5s\", \"what\": \"%s_%s\", \"value\": %.6g, \"unit\": \"ns/price\"}\n";
    printf(line, all[i].peer, version, "batch", all[i].what, batch / SERIES / LENGTH);
    printf(line, all[i].peer, version, "series", all[i].what, series / LONG);
  }
  return 0;
}
