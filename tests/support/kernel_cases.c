/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_cases.h"
#include "kernels/indicators/indicators.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "kernels/options/options.h"

/* What a row fills in: `bits` of the kernel, `index` of the case. False: no more. */
typedef bool (*fill_fn)(unsigned bits, size_t index, kernel_case *made);

static void *doubles(kernel_case *made, int place, size_t count) {
  made->bytes[place] = count * sizeof(double);
  made->buffers[place] = calloc(count, sizeof(double));
  return made->buffers[place];
}

/* Few and many groups; a last draw that is not full, down to one path. */
static bool european(size_t index, kernel_case *made, size_t sums) {
  static const struct {
    u64 paths;
    u32 groups;
  } rows[] = {{1, 1}, {100000, 7}, {262144, 33}, {999999, 64}};
  if (index >= sizeof rows / sizeof *rows) return false;
  u64 at_once = (u64)rows[index].groups * ASSAY_KERNEL_GROUP_SIZE * 4;
  mc_european_params p = {.paths = rows[index].paths,
                          .draws = (u32)((rows[index].paths + at_once - 1) / at_once),
                          .groups = rows[index].groups,
                          .full = (u32)(rows[index].paths / at_once),
                          .key = random_key_make(42, 7),
                          .drift = 0.01,
                          .width = 0.3,
                          .scale = index % 2 == 0 ? 100 : -100,
                          .shift = index % 2 == 0 ? -105 : 95};
  memcpy(made->params, &p, sizeof p);
  made->groups = p.groups;
  doubles(made, 0, sums * p.groups);
  return true;
}

static bool mc_european(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return european(index, made, MC_EUROPEAN_SUMS);
}
static bool mc_european_greeks(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return european(index, made, MC_EUROPEAN_GREEKS_SUMS);
}

static u64 random_state;
static u64 next_random(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return random_state >> 33;
}

/* Numbers of the kernel's precision in [-3, 3). */
static void reals(kernel_case *made, unsigned bits, int place, size_t count, u64 seed) {
  made->bytes[place] = count * bits / 8;
  made->buffers[place] = malloc(made->bytes[place]);
  random_state = seed;
  for (size_t i = 0; i < count; i++) {
    double value = 6.0 * (double)next_random() / 2147483648.0 - 3.0;
    if (bits == 64) ((double *)made->buffers[place])[i] = value;
    if (bits == 32) ((float *)made->buffers[place])[i] = (float)value;
  }
}

/* Steps that do and do not fill a block of draws; mirror images; shocks from outside; samples that end within a group. */
static bool paths(unsigned bits, size_t index, kernel_case *made, size_t sums, u32 kinds) {
  static const struct {
    u64 samples;
    u32 groups, draws, steps, antithetic, given;
  } table[] = {{1, 1, 1, 1, 0, 0}, {5000, 5, 4, 252, 0, 0}, {3001, 12, 1, 50, 1, 0}, {700, 3, 1, 13, 0, 1}, {600, 2, 2, 8, 1, 1}};
  size_t rows_here = sizeof table / sizeof *table;
  if (index >= rows_here * kinds) return false;
  u32 kind = (u32)(index / rows_here);
  size_t row = index % rows_here;
  u32 steps = table[row].steps;
  double width = 0.2 / sqrt(steps) * 1.4426950408889634, drift = 0.01 / steps;
  mc_path_params p = {.samples = table[row].samples,
                      .draws = table[row].draws,
                      .groups = table[row].groups,
                      .steps = steps,
                      .key = random_key_make(3, 9),
                      .antithetic = table[row].antithetic,
                      .given = table[row].given,
                      .kind = kind,
                      .stride = (u64)table[row].groups * table[row].draws * ASSAY_KERNEL_GROUP_SIZE,
                      .drift = drift,
                      .width = width,
                      .scale = 100,
                      .shift = -101,
                      .mean = steps * drift * 0.6931471805599453,
                      .deviation = sqrt(steps) * width * 0.6931471805599453,
                      .barrier = kind & 1 ? 0.2 : -0.2,
                      .bridge = 2 / (width * width * 0.6931471805599453),
                      .payout = 1};
  memcpy(made->params, &p, sizeof p);
  made->groups = p.groups;
  doubles(made, 0, sums * p.groups);
  reals(made, bits, 1, table[row].given ? p.stride * steps : 1, 11);
  return true;
}

static bool mc_asian(unsigned bits, size_t index, kernel_case *made) { return paths(bits, index, made, MC_PRICE_SUMS, 2); }
static bool mc_asian_greeks(unsigned bits, size_t index, kernel_case *made) { return paths(bits, index, made, MC_GREEKS_SUMS, 2); }

/* Options of every sort, in the order of the kernels' inputs: usual ones, far and worthless ones, and some that are refused. */
static bool options(size_t index, kernel_case *made, size_t outputs, bool prices) {
  static const u64 groups[] = {1, 5};
  if (index >= sizeof groups / sizeof *groups) return false;
  option_params p = {.count = groups[index] * ASSAY_KERNEL_GROUP_SIZE};
  memcpy(made->params, &p, sizeof p);
  made->groups = groups[index];
  double *in = doubles(made, 0, p.count * OPTION_INPUTS);
  doubles(made, 1, p.count * outputs);
  random_state = 5 + index;
  for (u64 i = 0; i < p.count; i++) {
    double unit[OPTION_INPUTS];
    for (int q = 0; q < OPTION_INPUTS; q++) unit[q] = (double)next_random() / 2147483648.0;
    double far = i % 5 == 0 ? 8 : 1, spot = 100 * exp(unit[OPTION_SPOT] - 0.5), strike = 100 * exp(far * (unit[OPTION_STRIKE] - 0.5));
    double values[OPTION_INPUTS] = {i % 2 == 0 ? 1 : -1,
                                    spot,
                                    strike,
                                    exp(far * 2 * (unit[OPTION_TIME] - 0.5)),
                                    0.2 * unit[OPTION_RATE] - 0.05,
                                    0.1 * unit[OPTION_DIVIDEND],
                                    exp(far * (unit[OPTION_VOLATILITY] - 2))};
    if (prices)
      values[OPTION_VOLATILITY] = fmax(i % 2 == 0 ? spot - strike : strike - spot, 0) + 30 * pow(unit[OPTION_VOLATILITY], 4 * far);
    if (i % 37 == 0) values[i / 37 % OPTION_INPUTS] = i % 3 == 0 ? NAN : i % 3 == 1 ? 0 : -1;
    for (int q = 0; q < OPTION_INPUTS; q++)
      in[(i / ASSAY_KERNEL_GROUP_SIZE * OPTION_INPUTS + (u64)q) * ASSAY_KERNEL_GROUP_SIZE + i % ASSAY_KERNEL_GROUP_SIZE] = values[q];
  }
  return true;
}
static bool option_price(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return options(index, made, OPTION_PRICE_OUTPUTS, false);
}
static bool option_greeks(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return options(index, made, OPTION_GREEKS_OUTPUTS, false);
}
static bool option_greeks_all(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return options(index, made, OPTION_ALL_OUTPUTS, false);
}
static bool option_volatility(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return options(index, made, OPTION_VOLATILITY_OUTPUTS, true);
}

/* Any indicator: all take the same. Rows enough for several blocks of every window, and a last group that is not full. */
static bool indicator(unsigned bits, size_t index, kernel_case *made) {
  enum { INDICATOR_ROWS = 150, INDICATOR_SERIES = 300, INDICATOR_WIDTH = 304, INDICATOR_PLANES = 4 };
  if (index >= 1) return false;
  indicator_params p = {.in_row = INDICATOR_SERIES,
                        .out_row = INDICATOR_SERIES,
                        .rows = INDICATOR_ROWS,
                        .series = INDICATOR_SERIES,
                        .width = INDICATOR_WIDTH,
                        .slots = INDICATOR_REGISTERS + 100,
                        .wanted = 15,
                        .warm = {3, 4, 5, 6},
                        .n = {9, 12, 5, 7},
                        .x = {0.11, 0.2, 0.3, 0.25, 0.4, 0.5, 0.6, 0.7}};
  size_t plane = (size_t)INDICATOR_ROWS * INDICATOR_SERIES;
  for (int k = 0; k < INDICATOR_PLANES; k++) p.input[k] = p.output[k] = (i64)((size_t)k * plane);
  memcpy(made->params, &p, sizeof p);
  made->groups = 2;
  made->own = 1u << 2;
  reals(made, bits, 0, INDICATOR_PLANES * plane, 17);
  for (size_t i = 0; i < INDICATOR_PLANES * plane; i++) { /* prices */
    if (bits == 64) ((double *)made->buffers[0])[i] += 50;
    if (bits == 32) ((float *)made->buffers[0])[i] += 50;
  }
  reals(made, bits, 1, INDICATOR_PLANES * plane, 18);
  doubles(made, 2, INDICATOR_WIDTH * (1 + (size_t)p.slots));
  return true;
}

static const struct {
  const char *kernel; /* without precision */
  fill_fn fill;
} rows[] = {
    {"option_price", option_price},
    {"option_greeks", option_greeks},
    {"option_greeks_all", option_greeks_all},
    {"option_volatility", option_volatility},
    {"mc_european", mc_european},
    {"mc_european_greeks", mc_european_greeks},
    {"mc_asian", mc_asian},
    {"mc_asian_greeks", mc_asian_greeks},
#define INDICATOR_KERNEL(name, file) {"ind_" #name, indicator},
#include "kernels/indicators/names.def"
#undef INDICATOR_KERNEL
};

bool kernel_case_make(const assay_kernel *kernel, size_t index, kernel_case *made) {
  size_t length = strlen(kernel->name) - strlen("_f32");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strlen(rows[i].kernel) != length || strncmp(rows[i].kernel, kernel->name, length) != 0) continue;
    *made = (kernel_case){.kernel = kernel};
    return rows[i].fill(kernel->bits, index, made);
  }
  return false;
}

void kernel_case_free(kernel_case *made) {
  for (size_t i = 0; i < ASSAY_KERNEL_MAX_BUFFERS; i++) free(made->buffers[i]);
}

void kernel_case_run(const kernel_case *made, size_t variant, void *const *buffers) {
  made->kernel->variants[variant](made->params, buffers, 0, made->groups);
}
