/* SPDX-License-Identifier: MIT */
/* The whole system at once, on the job that this laboratory is for: daily bars as text come in, a moving-average signal and its profit come
 * out. */
#include <assay/bench.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BARS = 2520, FAST = 20, SLOW = 50, LINE = 96 };

typedef struct bars {
  double open[BARS], high[BARS], low[BARS], close[BARS], volume[BARS];
  int count, malformed;
} bars;

/* Ten years of a random walk, in the form "date,open,high,low,close,volume". */
static char *write_bars(uint64_t seed, double *closes) {
  char *text = malloc((size_t)BARS * LINE), *at = text;
  double price = 100;
  for (int i = 0; text != NULL && i < BARS; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    double step = ((double)(seed >> 11) * 0x1p-53 - 0.5) * 0.04, open = price;
    price *= 1 + step;
    closes[i] = round(price * 1e6) / 1e6;
    double high = fmax(open, price) * 1.002, low = fmin(open, price) * 0.998;
    at += snprintf(at, LINE, "20%02d-%02d-%02d,%.6f,%.6f,%.6f,%.6f,%d\n", i / 252, 1 + i % 252 / 21, 1 + i % 21, open, high, low, price,
                   100000 + (int)(seed >> 44));
  }
  return text;
}

static bool parse_bar(const char **at, bars *out) {
  const char *p = strchr(*at, ',');
  if (p == NULL) return false;
  double *const columns[] = {out->open, out->high, out->low, out->close, out->volume};
  for (size_t c = 0; c < 5; c++) {
    char *end = NULL;
    if (*p != ',') return false;
    columns[c][out->count] = strtod(p + 1, &end);
    p = end;
  }
  *at = *p == '\n' ? p + 1 : p;
  out->count++;
  return true;
}

static void parse_bars(const char *text, bars *out) {
  out->count = out->malformed = 0;
  while (*text != '\0' && out->count < BARS) {
    if (parse_bar(&text, out)) continue;
    out->malformed++;
    const char *end = strchr(text, '\n');
    if (end == NULL) break;
    text = end + 1;
  }
}

/* Long while the fast average is above the slow one, decided on the close and held over the next bar. */
static double profit_of_cross(const bars *in) {
  double fast = 0, slow = 0, profit = 0;
  bool held = false;
  for (int i = 0; i < in->count; i++) {
    if (held) profit += in->close[i] - in->close[i - 1];
    fast += in->close[i] - (i >= FAST ? in->close[i - FAST] : 0);
    slow += in->close[i] - (i >= SLOW ? in->close[i - SLOW] : 0);
    held = i >= SLOW && fast / FAST > slow / SLOW;
  }
  return profit;
}

ASSAY_BENCH(bars_to_signal, .suite = "performance", .summary = "2,520 daily bars: parse the text, two averages, the signal's profit") {
  static double closes[BARS];
  static bars parsed;
  char *text = write_bars(assay_bench_seed(b), closes);
  if (text == NULL) return assay_bench_fail(b, "out of memory");
  ASSAY_LOOP(b) {
    parse_bars(text, &parsed);
    assay_keep(profit_of_cross(&parsed));
  }
  int right = 0;
  for (int i = 0; i < parsed.count; i++) right += fabs(parsed.close[i] - closes[i]) < 1e-9;
  assay_bench_items(b, BARS);
  assay_bench_metric(b, "accuracy", (double)right / BARS, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
  assay_bench_metric(b, "malformed", (double)parsed.malformed / BARS, "ratio", ASSAY_KIND_ERROR_RATE, ASSAY_LOWER);
  free(text);
}
