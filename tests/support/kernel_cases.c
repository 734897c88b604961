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
#include "kernels/montecarlo/sobol.h"
#include "kernels/options/options.h"
#include "kernels/risk/keep.h"
#include "kernels/risk/products.h"
#include "kernels/risk/scenarios.h"

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

/* Parameters that all kernels of paths understand; six ways of going through mirror images, kinds and signs. */
static mc_path_params some_paths(size_t way) {
  return (mc_path_params){.samples = 2011,
                          .draws = 2,
                          .groups = 5,
                          .steps = 7,
                          .key = random_key_make(1, 2),
                          .antithetic = way % 2,
                          .kind = (u32)(way / 2 % 4),
                          .stride = 2 * 5 * ASSAY_KERNEL_GROUP_SIZE,
                          .drift = 0.01,
                          .width = 0.1,
                          .scale = way % 3 == 0 ? -100 : 100,
                          .shift = way % 3 == 0 ? 105 : -95,
                          .mean = 0.0485,
                          .deviation = 0.1834,
                          .root_steps = sqrt(7),
                          .barrier = way / 2 % 2 ? 0.3 : -0.3,
                          .bridge = 288.5,
                          .level = way % 3 == 0 ? 0.0704 : -0.074,
                          .bump = 0.01,
                          .bump_up = 0.01,
                          .bump_down = -0.01,
                          .by_dt = {-0.15, 0.01, 0.002, 0.0003, 0.05, -0.05, 0.04, 0.01},
                          .payout = 1};
}

static void put_paths(kernel_case *made, const mc_path_params *p, size_t sums) {
  memcpy(made->params, p, sizeof *p);
  made->groups = p->groups;
  doubles(made, 0, sums * p->groups);
}

/* Barriers and lookbacks of every kind; with shocks from outside, the rows behind them are uniform numbers. */
static bool extremes(unsigned bits, size_t index, kernel_case *made, size_t sums) {
  if (index >= 12) return false;
  mc_path_params p = some_paths(index);
  p.given = index >= 8;
  put_paths(made, &p, sums);
  size_t count = p.given ? 2 * p.steps * p.stride : 1;
  reals(made, bits, 1, count, 23);
  for (size_t i = 0; i < count; i++) {
    if (bits == 64) ((double *)made->buffers[1])[i] = 0.5 + ((double *)made->buffers[1])[i] / 7;
    if (bits == 32) ((float *)made->buffers[1])[i] = 0.5f + ((float *)made->buffers[1])[i] / 7;
  }
  return true;
}
static bool mc_extremes(unsigned bits, size_t index, kernel_case *made) { return extremes(bits, index, made, MC_PRICE_SUMS); }
static bool mc_extremes_greeks(unsigned bits, size_t index, kernel_case *made) { return extremes(bits, index, made, MC_GREEKS_SUMS); }

/* Every payoff under every model. */
static mc_path_params some_walk(size_t index) {
  static const u32 kinds[] = {MC_WALK_END,
                              MC_WALK_DIGITAL,
                              MC_WALK_ARITHMETIC | MC_WALK_AVERAGE,
                              MC_WALK_GEOMETRIC,
                              MC_WALK_BARRIER | MC_WALK_UP,
                              MC_WALK_BARRIER | MC_WALK_IN,
                              MC_WALK_LOOKBACK,
                              MC_WALK_LOOKBACK | MC_WALK_UP | MC_WALK_FLOATING};
  static const double heston[8] = {0.04, 0.86, 0.0215, 0.0001, 0.35, -0.45, 0.03, 0.006};
  mc_path_params p = some_paths(index);
  p.kind = kinds[index % 8], p.walk_model = (u32)(index / 8);
  p.barrier = p.kind & MC_WALK_UP ? 0.3 : -0.3;
  if (p.walk_model == MC_WALK_MERTON)
    p.model[0] = 0.2, p.model[1] = exp(-0.2), p.model[3] = 0.2, p.model[4] = 1.4, p.model[5] = 1, p.jumps = 12;
  if (p.walk_model == MC_WALK_HESTON) memcpy(p.model, heston, sizeof heston);
  return p;
}
static bool walk(unsigned bits, size_t index, kernel_case *made, size_t sums) {
  if (index >= 27) return false;
  mc_path_params p = some_walk(index < 25 ? index % 24 : index - 9);
  p.given = index == 24 || (index > 7 && index % 4 == 1);
  if (index > 24) p.model[3] = p.model[7] = 0; /* Heston's variance comes to rest at 0 */
  if (index > 25) p.model[0] = 0;              /* and is there from the start */
  put_paths(made, &p, sums);
  size_t count = p.given ? 3 * p.steps * p.stride : 1; /* shocks, and uniform numbers behind them */
  reals(made, bits, 1, count, 29);
  for (size_t i = p.walk_model == MC_WALK_MERTON ? p.steps * p.stride : count; i < count; i++) {
    if (bits == 64) ((double *)made->buffers[1])[i] = 0.5 + ((double *)made->buffers[1])[i] / 7;
    if (bits == 32) ((float *)made->buffers[1])[i] = 0.5f + ((float *)made->buffers[1])[i] / 7;
  }
  return true;
}
static bool mc_walk(unsigned bits, size_t index, kernel_case *made) { return walk(bits, index, made, MC_PRICE_SUMS); }
static bool mc_walk_greeks(unsigned bits, size_t index, kernel_case *made) { return walk(bits, index, made, MC_WALK_GREEKS_SUMS); }

/* The prices themselves, under each model, logarithms, and variances. */
static bool mc_paths(unsigned bits, size_t index, kernel_case *made) {
  if (index >= 5) return false;
  mc_path_params p = index == 4 ? some_walk(16) : some_walk(8 * (index % 3) + index % 2);
  if (index == 3) p.kind |= MC_PATHS_LOGARITHMS;
  if (index == 4) p.kind |= MC_PATHS_VARIANCES;
  p.scale = 100, p.first = 512, p.stride = 3 * ASSAY_KERNEL_GROUP_SIZE;
  memcpy(made->params, &p, sizeof p);
  made->groups = 3;
  reals(made, bits, 0, (p.antithetic ? 2 : 1) * (p.steps + 1) * p.stride, 31);
  return true;
}
static bool mc_ends(unsigned bits, size_t index, kernel_case *made) {
  if (index >= 2) return false;
  mc_path_params p = some_paths(0);
  p.scale = 100, p.first = index * 5 * ASSAY_KERNEL_GROUP_SIZE, p.stride = 3 * ASSAY_KERNEL_GROUP_SIZE;
  memcpy(made->params, &p, sizeof p);
  made->groups = 3;
  reals(made, bits, 0, 4 * p.stride, 37);
  return true;
}

/* A rule that lets some paths end on the way. */
static bool exercise(unsigned bits, const mc_path_params *p, kernel_case *made) {
  static const double rule[MC_RULE] = {0.99, 4, -4, 3, 1, 0.5, 0.25, 20, -0.8, 0.3, 0.1, 0.05, 0.2, 0.995};
  put_paths(made, p, MC_PRICE_SUMS);
  size_t shocks = MC_RULE * p->steps, count = shocks + (p->given ? 3 * p->steps * p->stride : 0);
  reals(made, bits, 1, count, 89);
  for (size_t i = p->walk_model == MC_WALK_MERTON ? shocks + p->steps * p->stride : count; i < count; i++) { /* uniform numbers */
    if (bits == 64) ((double *)made->buffers[1])[i] = 0.5 + ((double *)made->buffers[1])[i] / 7;
    if (bits == 32) ((float *)made->buffers[1])[i] = 0.5f + ((float *)made->buffers[1])[i] / 7;
  }
  for (size_t i = 0; i < shocks; i++) {
    if (bits == 64) ((double *)made->buffers[1])[i] = rule[i % MC_RULE];
    if (bits == 32) ((float *)made->buffers[1])[i] = (float)rule[i % MC_RULE];
  }
  return true;
}
static bool mc_american(unsigned bits, size_t index, kernel_case *made) {
  mc_path_params p = some_paths(index);
  return index < 6 && exercise(bits, &p, made);
}
/* Under each model; mirror images too; shocks from outside. */
static bool mc_exercise(unsigned bits, size_t index, kernel_case *made) {
  if (index >= 9) return false;
  mc_path_params p = some_walk(8 * (index % 3));
  p.antithetic = index >= 3 && index < 6;
  p.given = index >= 6;
  return exercise(bits, &p, made);
}

/* One, some, and as many assets as there may be. */
static bool basket(unsigned bits, size_t index, kernel_case *made, bool greeks) {
  static const u32 assets[] = {1, 5, MC_BASKET_INVERSE - MC_BASKET_MATRIX};
  if (index >= 6) return false;
  mc_path_params p = some_paths(index);
  p.steps = assets[index / 2];
  p.shift = -95;
  p.given = index % 3 == 2;
  put_paths(made, &p, greeks ? MC_BASKET_ASSETS + MC_BASKET_EACH * p.steps : MC_PRICE_SUMS);
  reals(made, bits, 1, (MC_BASKET_ROW + (p.given ? p.stride : 0)) * p.steps, 41);
  for (size_t i = 0; i < MC_BASKET_ROW * p.steps; i++) {
    double scale = i % MC_BASKET_ROW == 0 ? 30 : 0.1;
    if (bits == 64) ((double *)made->buffers[1])[i] *= scale;
    if (bits == 32) ((float *)made->buffers[1])[i] *= (float)scale;
  }
  return true;
}
static bool mc_basket(unsigned bits, size_t index, kernel_case *made) { return basket(bits, index, made, false); }
static bool mc_basket_greeks(unsigned bits, size_t index, kernel_case *made) { return basket(bits, index, made, true); }

/* Steps that do and do not fill blocks of draws, and samples that end within a group. */
static bool mc_average(unsigned bits, size_t index, kernel_case *made) {
  static const u32 steps[] = {1, 4, 7, 252};
  static const double factor[8] = {1.0001, 0.0126, 8e-5, 3.3e-7, 1e-9, 2.6e-12, 5.5e-15, 1e-17};
  (void)bits;
  if (index >= sizeof steps / sizeof *steps) return false;
  mc_path_params p = some_paths(index);
  p.steps = steps[index];
  memcpy(p.model, factor, sizeof factor);
  put_paths(made, &p, MC_AVERAGE_SUMS);
  return true;
}

/* Normal and Student's, linear and not; assets that do and do not fill a block of draws. */
static bool risk_scenarios(unsigned bits, size_t index, kernel_case *made) {
  if (index >= 6) return false;
  u32 assets = index % 2 == 0 ? 5 : 8;
  risk_scenarios_params p = {.assets = assets,
                             .padded = 8,
                             .degrees = index % 3 == 0 ? 0 : 5,
                             .linear = index == 4,
                             .log_returns = index % 2,
                             .first = 1000,
                             .key = random_key_make(5, 6),
                             .offset = 3};
  memcpy(made->params, &p, sizeof p);
  made->groups = 3;
  reals(made, bits, 0, 8 * 8, 43);
  for (size_t i = 0; i < 8 * 8; i++) {
    double scale = i % 8 <= i / 8 && i / 8 < assets ? 0.01 : 0;
    if (bits == 64) ((double *)made->buffers[0])[i] *= scale;
    if (bits == 32) ((float *)made->buffers[0])[i] *= (float)scale;
  }
  reals(made, bits, 1, 4 * 8, 47);
  reals(made, bits, 2, made->groups * ASSAY_KERNEL_GROUP_SIZE * p.padded, 1);
  reals(made, bits, 3, made->groups * ASSAY_KERNEL_GROUP_SIZE, 1);
  made->own = 1u << 2;
  return true;
}

/* Panels that are full and one that is not, into sums that are new and old ones. Three vectors of 512 bits are 24 numbers of f64, 48 of
 * f32. */
static bool risk_pack(unsigned bits, size_t index, kernel_case *made) {
  static const u32 widths[] = {24, 48, 24};
  if (index >= sizeof widths / sizeof *widths) return false;
  u32 width = bits == 32 ? RISK_PANEL : widths[index];
  risk_pack_params p = {.assets = 101, .panels = 3, .begin = 3, .periods = 77, .width = width, .first = index == 0};
  memcpy(made->params, &p, sizeof p);
  made->groups = p.panels;
  size_t room = (size_t)p.panels * RISK_PANEL;
  reals(made, bits, 0, (size_t)(p.begin + p.periods) * p.assets, 53);
  reals(made, bits, 1, p.assets, 59);
  reals(made, bits, 2, p.begin + p.periods, 61);
  reals(made, bits, 3, room * p.periods, 1);
  reals(made, bits, 4, room, 67);
  return true;
}

/* Below the diagonal, and beyond the last asset, anything may be written. */
static void settle_products(const kernel_case *made, void *const *buffers) {
  risk_products_params p;
  memcpy(&p, made->params, sizeof p);
  size_t side = (size_t)p.panels * RISK_PANEL, size = made->kernel->bits / 8;
  char *sums = buffers[1];
  for (size_t row = 0; row < side; row++) {
    for (size_t column = 0; column < side; column++) {
      if (column < row || column >= p.assets) memset(sums + (row * side + column) * size, 0, size);
    }
  }
}

/* As of risk_pack; and one period of one asset. */
static bool risk_products(unsigned bits, size_t index, kernel_case *made) {
  static const struct {
    u32 assets, periods, width, first;
  } table[] = {{101, 77, 24, 1}, {101, 128, 48, 0}, {144, 5, 24, 0}, {1, 1, 48, 1}};
  if (index >= sizeof table / sizeof *table) return false;
  risk_products_params p = {.assets = table[index].assets,
                            .panels = (table[index].assets + RISK_PANEL - 1) / RISK_PANEL,
                            .periods = table[index].periods,
                            .width = bits == 32 ? RISK_PANEL : table[index].width,
                            .first = table[index].first};
  memcpy(made->params, &p, sizeof p);
  made->groups = (size_t)p.panels * (p.panels + 1) / 2;
  made->settle = settle_products;
  size_t room = (size_t)p.panels * RISK_PANEL;
  reals(made, bits, 0, room * p.periods, 71);
  reals(made, bits, 1, room * room, 73);
  return true;
}

static double real_at(const void *values, unsigned bits, size_t place) {
  return bits == 64 ? ((const double *)values)[place] : (double)((const float *)values)[place];
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* What the items of a group keep goes to the front of the group in ascending order, and the rest is 0; its first item counts them. */
static void settle_kept(const kernel_case *made, void *const *buffers) {
  risk_keep_params p;
  memcpy(&p, made->params, sizeof p);
  unsigned bits = made->kernel->bits;
  size_t items = ASSAY_KERNEL_GROUP_SIZE, span = p.each * items, room = made->bytes[1] / (bits / 8);
  double *all = calloc(room, sizeof *all);
  u32 *counts = buffers[2];
  for (size_t g = 0; g < made->groups; g++) {
    u32 kept = 0, bad = 0;
    for (size_t item = g * items; item < (g + 1) * items; item++) {
      bad |= counts[item] == RISK_KEEP_BAD;
      for (u32 k = 0; !bad && k < counts[item]; k++) all[g * span + kept++] = real_at(buffers[1], bits, item * p.each + k);
      counts[item] = 0;
    }
    for (u32 k = 0; bad && k < kept; k++) all[g * span + k] = 0; /* whoever saw it may have kept others before */
    qsort(all + g * span, bad ? 0 : kept, sizeof *all, by_size);
    counts[g * items] = bad ? RISK_KEEP_BAD : kept;
  }
  for (size_t k = 0; k < room; k++) {
    if (bits == 64) ((double *)buffers[1])[k] = all[k];
    if (bits == 32) ((float *)buffers[1])[k] = (float)all[k];
  }
  free(all);
}

/* Few, all and none; a group that ends early, and one with nothing in it; numbers that are none, in a vector and behind the last one. */
static bool risk_keep(unsigned bits, size_t index, kernel_case *made) {
  enum { EACH = 5, SPAN = EACH * ASSAY_KERNEL_GROUP_SIZE, GROUPS = 3, COUNT = 2 * SPAN - 37 };
  static const struct {
    u64 begin;
    double limit, odd;
    size_t at;
  } table[] = {{0, -2.5, 0, 0}, {7, 4, 0, 0}, {3, -4, 0, 0}, {0, -1, NAN, 700}, {0, -1, INFINITY, COUNT - 1}, {0, -1, -INFINITY, 0}};
  if (index >= sizeof table / sizeof *table) return false;
  risk_keep_params p = {.count = COUNT, .begin = table[index].begin, .limit = table[index].limit, .each = EACH};
  memcpy(made->params, &p, sizeof p);
  made->groups = GROUPS;
  made->settle = settle_kept;
  reals(made, bits, 0, COUNT, 79);
  if (table[index].odd != 0) {
    if (bits == 64) ((double *)made->buffers[0])[table[index].at] = table[index].odd;
    if (bits == 32) ((float *)made->buffers[0])[table[index].at] = (float)table[index].odd;
  }
  reals(made, bits, 1, GROUPS * SPAN + 8, 83);
  made->bytes[2] = GROUPS * ASSAY_KERNEL_GROUP_SIZE * sizeof(u32);
  made->buffers[2] = calloc(GROUPS * ASSAY_KERNEL_GROUP_SIZE, sizeof(u32));
  return true;
}

/* Any words do as direction numbers. One step, an odd bridge, and uniform numbers behind it. */
static bool mc_sobol(unsigned bits, size_t index, kernel_case *made) {
  static const struct {
    u32 steps, uniform, first, walks, skip;
  } table[] = {{1, 0, 0, 1, 0}, {5, 5, 768, 1, 0}, {5, 0, 256, 2, 33}, {1, 0, 0, 7, 7}};
  if (index >= sizeof table / sizeof *table) return false;
  u32 steps = table[index].steps, groups = 2;
  mc_sobol_params p = {.stride = (u64)groups * ASSAY_KERNEL_GROUP_SIZE + 16,
                       .first = table[index].first,
                       .steps = steps,
                       .coordinates = table[index].walks * steps + table[index].uniform,
                       .bits = 11,
                       .walks = table[index].walks,
                       .skip = table[index].skip};
  memcpy(made->params, &p, sizeof p);
  made->groups = groups;
  made->bytes[0] = (size_t)p.coordinates * MC_SOBOL_ROW * sizeof(u32);
  u32 *words = made->buffers[0] = malloc(made->bytes[0]);
  random_state = 21;
  static const u32 bridge[5][3] = {{5, 0, 0}, {2, 0, 5}, {1, 0, 2}, {3, 2, 5}, {4, 3, 5}};
  for (u32 c = 0; c < p.coordinates; c++) {
    u32 *row = words + (size_t)MC_SOBOL_ROW * c;
    for (int k = 0; k < MC_SOBOL_ROW; k++) row[k] = (u32)(next_random() << 16 ^ next_random());
    const u32 *point = bridge[steps == 1 ? 0 : c / p.walks % 5];
    row[MC_SOBOL_AT] = steps == 1 ? 1 : point[0], row[MC_SOBOL_LEFT] = point[1], row[MC_SOBOL_RIGHT] = point[2];
  }
  reals(made, bits, 1, (size_t)steps * MC_SOBOL_BRIDGE, 22);
  doubles(made, 2, p.skip + p.coordinates * p.stride);
  return true;
}

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

static bool is_one_of(const char *name, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strncmp(name, names[i], strlen(names[i])) == 0 && name[strlen(names[i])] == '_') return true;
  }
  return false;
}

static bool has_windows(const char *name) {
  static const char *const names[] = {"ind_ema", "ind_dema", "ind_tema",    "ind_trix", "ind_macd", "ind_rsi",
                                      "ind_atr", "ind_adx",  "ind_keltner", "ind_psar", "ind_obv",  "ind_vwap"};
  return !is_one_of(name, names, sizeof names / sizeof *names);
}

/* Whose parts fit, since a row depends on a window or what was before fades. */
static bool goes_in_parts(const char *name) {
  static const char *const names[] = {"ind_sma",      "ind_wma",   "ind_bollinger", "ind_stddev", "ind_linreg", "ind_donchian",
                                      "ind_williams", "ind_rvwap", "ind_aroon",     "ind_ema",    "ind_dema",   "ind_tema",
                                      "ind_trix",     "ind_macd",  "ind_rsi",       "ind_atr",    "ind_adx"};
  return is_one_of(name, names, sizeof names / sizeof *names);
}

/* Any indicator: all take the same. Rows enough for several blocks of every window, and a last group that is not full; then in parts whose
 * windows lie in the group's own memory, and in parts with one output, which the reference does not see. */
static bool indicator(unsigned bits, size_t index, kernel_case *made) {
  enum { INDICATOR_SERIES = 300, INDICATOR_PADDED = 304, INDICATOR_PLANES = 4, PARTS = 3, PART_ROWS = 495 };
  const u32 windows = has_windows(made->kernel->name) ? 66 : 0;
  bool in_parts = goes_in_parts(made->kernel->name), cut = index > 0 && in_parts;
  if (index >= 3) return false;
  const size_t INDICATOR_ROWS = cut ? 1300 : 150, parts = cut ? PARTS : 1;
  indicator_params p = {.in_row = INDICATOR_SERIES,
                        .out_row = INDICATOR_SERIES,
                        .rows = INDICATOR_ROWS,
                        .series = INDICATOR_SERIES,
                        .width = INDICATOR_PADDED,
                        .slots = INDICATOR_REGISTERS + windows,
                        .wanted = index == 2 ? 1 : 15,
                        .warm = {3, 4, 5, 6},
                        .n = {9, 12, 5, 7},
                        .x = {0.11, 0.2, 0.3, 0.25, 0.4, 0.5, 0.6, 0.7}};
  if (index > 0) {
    p.group_series = index == 1 ? 32 : 60;
    p.part_groups = (INDICATOR_SERIES + p.group_series - 1) / p.group_series;
    p.part_rows = cut ? PART_ROWS : INDICATOR_ROWS;
    p.still = 30;
  }
  if (cut) p.lead = 486, p.fades = 1; /* a multiple of the first window, as the rows of a part are */
  if (cut && index == 2) p.head = 279;
  size_t plane = (size_t)INDICATOR_ROWS * INDICATOR_SERIES;
  for (int k = 0; k < INDICATOR_PLANES; k++) p.input[k] = p.output[k] = (i64)((size_t)k * plane);
  made->groups = (index == 0 ? 2 : p.part_groups) * parts;
  made->own = 1u << 2;
  reals(made, bits, 0, INDICATOR_PLANES * plane, 17);
  for (size_t i = 0; i < INDICATOR_PLANES * plane; i++) { /* prices */
    if (bits == 64) ((double *)made->buffers[0])[i] += 50;
    if (bits == 32) ((float *)made->buffers[0])[i] += 50;
  }
  reals(made, bits, 1, INDICATOR_PLANES * plane, 18);
  doubles(made, 2, parts * INDICATOR_PADDED * (1 + (size_t)p.slots + INDICATOR_REGISTERS));
  if (index == 1) p.local_slots = windows;
  memcpy(made->params, &p, sizeof p);
  return true;
}

/* Parts that fit, one that differs in a bit, and one with a gap. */
static bool ind_join(unsigned bits, size_t index, kernel_case *made) {
  enum { SERIES = 300, WIDTH = 304, SLOTS = INDICATOR_REGISTERS + 3, PARTS = 3 };
  if (index >= 1) return false;
  indicator_join_params p = {.series = SERIES, .width = WIDTH, .slots = SLOTS, .parts = PARTS, .part_groups = 2, .fades = 1};
  memcpy(made->params, &p, sizeof p);
  made->groups = 2 * PARTS;
  size_t each = WIDTH * (1 + SLOTS), size = bits / 8;
  reals(made, bits, 0, PARTS * (each + WIDTH * INDICATOR_REGISTERS), 71);
  char *state = made->buffers[0];
  for (size_t part = 0; part < PARTS; part++) {
    memset(state + part * each * size, 0, WIDTH * size);
    if (part > 0)
      memcpy(state + (PARTS * each + part * WIDTH * INDICATOR_REGISTERS) * size, state + ((part - 1) * each + WIDTH) * size,
             (size_t)WIDTH * INDICATOR_REGISTERS * size);
  }
  state[(PARTS * each + 2 * WIDTH * INDICATOR_REGISTERS + 5 * WIDTH + 77) * size] ^= 1;
  memset(state + (1 * each + 33) * size, 0x7F, size);
  made->bytes[1] = PARTS * WIDTH * sizeof(u32);
  made->buffers[1] = calloc(PARTS * WIDTH, sizeof(u32));
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
    {"mc_average", mc_average},
    {"mc_barrier", mc_extremes},
    {"mc_barrier_greeks", mc_extremes_greeks},
    {"mc_lookback", mc_extremes},
    {"mc_lookback_greeks", mc_extremes_greeks},
    {"mc_walk", mc_walk},
    {"mc_walk_greeks", mc_walk_greeks},
    {"mc_paths", mc_paths},
    {"mc_ends", mc_ends},
    {"mc_american", mc_american},
    {"mc_exercise", mc_exercise},
    {"mc_basket", mc_basket},
    {"mc_basket_greeks", mc_basket_greeks},
    {"risk_scenarios", risk_scenarios},
    {"risk_pack", risk_pack},
    {"risk_products", risk_products},
    {"risk_keep", risk_keep},
    {"mc_sobol", mc_sobol},
    {"ind_join", ind_join},
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

void kernel_case_settle(const kernel_case *made, void *const *buffers) {
  if (made->settle != NULL) made->settle(made, buffers);
}
