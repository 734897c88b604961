/* SPDX-License-Identifier: MIT */
/* The table of indicators: names, parameters, outputs, and what their kernels need. */
#include "quant/indicators/indicators.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* ---- What a kernel needs besides the data --------------------------------------------------------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* All parameters are periods: n, and the first is a window that every output waits for. */
static void periods(const double *parameters, size_t count, indicator_params *params) {
  for (size_t k = 0; k < count; k++) params->n[k] = (uint32_t)parameters[k];
  params->x[0] = 1.0 / params->n[0];
  for (int k = 0; k < 6; k++) params->warm[k] = params->n[0] - 1;
}

static const char *one_window(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  *memory = params->n[0];
  return NULL;
}

static const char *two_windows(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  *memory = 2 * (uint64_t)params->n[0];
  return NULL;
}

/* n rows back, or n changes: one row more than a window of n. */
static const char *lagged(const double *parameters, indicator_params *params, uint64_t *memory) {
  one_window(parameters, params, memory);
  params->warm[0]++;
  return NULL;
}

static const char *ema(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  params->x[0] = 2.0 / (params->n[0] + 1.0);
  params->x[1] = 1.0 / params->n[0];
  *memory = 0;
  return NULL;
}

static const char *dema(const double *parameters, indicator_params *params, uint64_t *memory) {
  ema(parameters, params, memory);
  params->warm[0] *= 2;
  return NULL;
}

static const char *tema(const double *parameters, indicator_params *params, uint64_t *memory) {
  ema(parameters, params, memory);
  params->warm[0] *= 3;
  return NULL;
}

static const char *trix(const double *parameters, indicator_params *params, uint64_t *memory) {
  tema(parameters, params, memory);
  params->warm[0]++;
  return NULL;
}

static const char *wma(const double *parameters, indicator_params *params, uint64_t *memory) {
  two_windows(parameters, params, memory);
  params->x[0] = 2.0 / (parameters[0] * (parameters[0] + 1));
  return NULL;
}

static const char *kama(const double *parameters, indicator_params *params, uint64_t *memory) {
  if (parameters[1] >= parameters[2]) return "fast must be less than slow";
  two_windows(parameters, params, memory);
  params->warm[0]++;
  params->x[1] = 2.0 / (parameters[2] + 1);
  params->x[0] = 2.0 / (parameters[1] + 1) - params->x[1];
  return NULL;
}

static const char *macd(const double *parameters, indicator_params *params, uint64_t *memory) {
  if (parameters[0] >= parameters[1]) return "fast must be less than slow";
  periods(parameters, 3, params);
  for (int k = 0; k < 3; k++) {
    params->x[2 * k] = 2.0 / (parameters[k] + 1);
    params->x[2 * k + 1] = 1.0 / parameters[k];
  }
  params->warm[0] = params->n[1] - 1;
  params->warm[1] = params->warm[2] = params->n[1] + params->n[2] - 2;
  *memory = 0;
  return NULL;
}

static const char *bollinger(const double *parameters, indicator_params *params, uint64_t *memory) {
  two_windows(parameters, params, memory);
  params->x[1] = parameters[1];
  return NULL;
}

static const char *linreg(const double *parameters, indicator_params *params, uint64_t *memory) {
  two_windows(parameters, params, memory);
  double n = parameters[0];
  params->x[1] = (n + 1) / 2;
  params->x[2] = 12 / (n * (n * n - 1));
  params->x[3] = (n - 1) / 2;
  return NULL;
}

static const char *rsi(const double *parameters, indicator_params *params, uint64_t *memory) {
  if (parameters[2] >= parameters[1]) return "oversold must be less than overbought";
  periods(parameters, 1, params);
  params->x[1] = parameters[1];
  params->x[2] = parameters[2];
  params->warm[0] = params->warm[1] = params->n[0];
  *memory = 0;
  return NULL;
}

static const char *stochrsi(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 3, params);
  params->x[1] = 1.0 / params->n[2];
  params->warm[0] = params->n[0] + params->n[1] - 1;
  params->warm[1] = params->warm[0] + params->n[2] - 1;
  *memory = 2 * (uint64_t)params->n[1] + params->n[2];
  return NULL;
}

static const char *stochf(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 2, params);
  params->x[0] = 1.0 / params->n[1];
  params->warm[1] = params->warm[0] + params->n[1] - 1;
  *memory = 2 * (uint64_t)params->n[0] + params->n[1];
  return NULL;
}

static const char *stoch(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 3, params);
  params->x[0] = 1.0 / params->n[1];
  params->x[1] = 1.0 / params->n[2];
  params->warm[0] = params->n[0] + params->n[1] - 2;
  params->warm[1] = params->warm[0] + params->n[2] - 1;
  *memory = 2 * (uint64_t)params->n[0] + params->n[1] + params->n[2];
  return NULL;
}

static const char *mfi(const double *parameters, indicator_params *params, uint64_t *memory) {
  two_windows(parameters, params, memory);
  params->warm[0]++;
  return NULL;
}

/* Its window is the period and the row before. */
static const char *aroon(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  params->x[0] = 100.0 / params->n[0];
  params->n[0]++;
  for (int k = 0; k < 3; k++) params->warm[k]++;
  *memory = 4 * (uint64_t)params->n[0];
  return NULL;
}

static const char *atr(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  params->warm[0]++;
  *memory = 0;
  return NULL;
}

static const char *adx(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 1, params);
  params->x[1] = 1 - params->x[0];
  params->warm[0] = 2 * params->n[0] - 1;
  params->warm[1] = params->warm[2] = params->n[0];
  *memory = 0;
  return NULL;
}

static const char *keltner(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 2, params);
  params->x[0] = 2.0 / (parameters[0] + 1);
  params->x[1] = 1.0 / parameters[0];
  params->x[2] = 1.0 / parameters[1];
  params->x[3] = parameters[2];
  params->warm[0] = params->warm[2] = larger(params->n[0] - 1, params->n[1]);
  *memory = 0;
  return NULL;
}

static const char *ichimoku(const double *parameters, indicator_params *params, uint64_t *memory) {
  periods(parameters, 4, params);
  const uint32_t *n = params->n;
  params->warm[1] = n[1] - 1;
  params->warm[2] = larger(n[0], n[1]) - 1 + n[3];
  params->warm[3] = n[2] - 1 + n[3];
  *memory = 2 * ((uint64_t)n[0] + n[1] + n[2] + n[3]);
  return NULL;
}

static const char *psar(const double *parameters, indicator_params *params, uint64_t *memory) {
  params->x[0] = fmin(parameters[0], parameters[1]);
  params->x[1] = parameters[1];
  params->warm[0] = 1;
  *memory = 0;
  return NULL;
}

static const char *nothing(const double *parameters, indicator_params *params, uint64_t *memory) {
  (void)parameters, (void)params;
  *memory = 0;
  return NULL;
}

/* ---- The table ------------------------------------------------------------------------------------------------------------------- */

#define PERIOD(name, usual, least) \
  { name, usual, least, ASSAY_INDICATOR_MAX_PERIOD, true }
#define NUMBER(name, usual, least, most) \
  { name, usual, least, most, false }
#define CLOSE .input_count = 1, .inputs = {ASSAY_INDICATOR_CLOSE}
#define RANGE .input_count = 2, .inputs = {ASSAY_INDICATOR_HIGH, ASSAY_INDICATOR_LOW}
#define BAR .input_count = 3, .inputs = {ASSAY_INDICATOR_HIGH, ASSAY_INDICATOR_LOW, ASSAY_INDICATOR_CLOSE}
#define CLOSE_VOLUME .input_count = 2, .inputs = {ASSAY_INDICATOR_CLOSE, ASSAY_INDICATOR_VOLUME}
#define BAR_VOLUME .input_count = 4, .inputs = {ASSAY_INDICATOR_HIGH, ASSAY_INDICATOR_LOW, ASSAY_INDICATOR_CLOSE, ASSAY_INDICATOR_VOLUME}

static const assay_indicator table[] = {
    {.name = "sma",
     .aliases = {"ma"},
     .title = "simple moving average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"sma"}},
    {.name = "ema",
     .title = "exponential moving average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"ema"}},
    {.name = "wma",
     .title = "weighted moving average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"wma"}},
    {.name = "dema",
     .title = "double exponential moving average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"dema"}},
    {.name = "tema",
     .title = "triple exponential moving average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"tema"}},
    {.name = "kama",
     .title = "Kaufman's adaptive moving average",
     CLOSE,
     .parameter_count = 3,
     .parameters = {PERIOD("period", 10, 1), PERIOD("fast", 2, 1), PERIOD("slow", 30, 2)},
     .output_count = 1,
     .outputs = {"kama"}},
    {.name = "trix",
     .title = "rate of change of a triple exponential average",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 15, 1)},
     .output_count = 1,
     .outputs = {"trix"}},
    {.name = "macd",
     .title = "moving average convergence/divergence",
     CLOSE,
     .parameter_count = 3,
     .parameters = {PERIOD("fast", 12, 1), PERIOD("slow", 26, 2), PERIOD("signal", 9, 1)},
     .output_count = 3,
     .outputs = {"macd", "signal", "histogram"}},
    {.name = "bollinger",
     .aliases = {"bbands", "bb"},
     .title = "Bollinger bands",
     CLOSE,
     .parameter_count = 2,
     .parameters = {PERIOD("period", 20, 1), NUMBER("deviations", 2, 0, 1000)},
     .output_count = 3,
     .outputs = {"upper", "middle", "lower"}},
    {.name = "stddev",
     .aliases = {"std"},
     .title = "standard deviation (of the population)",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"stddev"}},
    {.name = "linreg",
     .aliases = {"linear-regression", "lr"},
     .title = "linear regression",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 2)},
     .output_count = 3,
     .outputs = {"value", "slope", "intercept"}},
    {.name = "rsi",
     .title = "relative strength index",
     CLOSE,
     .parameter_count = 3,
     .parameters = {PERIOD("period", 14, 1), NUMBER("overbought", 70, 0, 100), NUMBER("oversold", 30, 0, 100)},
     .output_count = 2,
     .outputs = {"rsi", "crossing"}},
    {.name = "stochrsi",
     .aliases = {"stochastic-rsi"},
     .title = "stochastic of the RSI",
     CLOSE,
     .parameter_count = 3,
     .parameters = {PERIOD("period", 14, 1), PERIOD("k", 14, 1), PERIOD("d", 3, 1)},
     .output_count = 2,
     .outputs = {"k", "d"}},
    {.name = "stochf",
     .aliases = {"stochastic-fast"},
     .title = "fast stochastic",
     BAR,
     .parameter_count = 2,
     .parameters = {PERIOD("period", 14, 1), PERIOD("d", 3, 1)},
     .output_count = 2,
     .outputs = {"k", "d"}},
    {.name = "stoch",
     .aliases = {"stochastic", "stochastic-slow"},
     .title = "slow stochastic",
     BAR,
     .parameter_count = 3,
     .parameters = {PERIOD("period", 14, 1), PERIOD("slowing", 3, 1), PERIOD("d", 3, 1)},
     .output_count = 2,
     .outputs = {"k", "d"}},
    {.name = "williams",
     .aliases = {"willr", "williams-r"},
     .title = "Williams %R",
     BAR,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 1)},
     .output_count = 1,
     .outputs = {"williams"}},
    {.name = "cci",
     .title = "commodity channel index",
     BAR,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"cci"}},
    {.name = "mfi",
     .title = "money flow index",
     BAR_VOLUME,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 1)},
     .output_count = 1,
     .outputs = {"mfi"}},
    {.name = "roc",
     .title = "rate of change in percent",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 10, 1)},
     .output_count = 1,
     .outputs = {"roc"}},
    {.name = "momentum",
     .aliases = {"mom"},
     .title = "momentum",
     CLOSE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 10, 1)},
     .output_count = 1,
     .outputs = {"momentum"}},
    {.name = "aroon",
     .title = "Aroon",
     RANGE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 1)},
     .output_count = 3,
     .outputs = {"up", "down", "oscillator"}},
    {.name = "atr",
     .title = "average true range",
     BAR,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 1)},
     .output_count = 1,
     .outputs = {"atr"}},
    {.name = "adx",
     .aliases = {"dmi", "di"},
     .title = "average directional index and indicators",
     BAR,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 14, 2)},
     .output_count = 3,
     .outputs = {"adx", "plus_di", "minus_di"}},
    {.name = "donchian",
     .title = "Donchian channel",
     RANGE,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 3,
     .outputs = {"upper", "middle", "lower"}},
    {.name = "keltner",
     .title = "Keltner channel",
     BAR,
     .parameter_count = 3,
     .parameters = {PERIOD("period", 20, 1), PERIOD("range", 10, 1), NUMBER("width", 2, 0, 1000)},
     .output_count = 3,
     .outputs = {"upper", "middle", "lower"}},
    {.name = "ichimoku",
     .title = "Ichimoku cloud",
     RANGE,
     .parameter_count = 4,
     .parameters = {PERIOD("conversion", 9, 1), PERIOD("base", 26, 1), PERIOD("span", 52, 1), PERIOD("displacement", 26, 1)},
     .output_count = 4,
     .outputs = {"conversion", "base", "span_a", "span_b"}},
    {.name = "psar",
     .aliases = {"sar", "parabolic-sar"},
     .title = "parabolic stop and reverse",
     RANGE,
     .parameter_count = 2,
     .parameters = {NUMBER("acceleration", 0.02, 0, 1), NUMBER("maximum", 0.2, 0, 1)},
     .output_count = 1,
     .outputs = {"psar"}},
    {.name = "obv", .title = "on-balance volume", CLOSE_VOLUME, .output_count = 1, .outputs = {"obv"}},
    {.name = "vwap", .title = "volume-weighted average price since the first row", BAR_VOLUME, .output_count = 1, .outputs = {"vwap"}},
    {.name = "rvwap",
     .aliases = {"rolling-vwap"},
     .title = "volume-weighted average price of a window",
     BAR_VOLUME,
     .parameter_count = 1,
     .parameters = {PERIOD("period", 20, 1)},
     .output_count = 1,
     .outputs = {"rvwap"}},
};

/* In the same order. */
enum { FIRST = 1, EVERY_OTHER = 1 | 4 | 16 };
static const assay_indicator_hidden hidden[] = {
    {one_window, true, 0}, {ema, false, FIRST},    {wma, true, 0},       {dema, false, FIRST},
    {tema, false, FIRST},  {kama, false, 0},       {trix, false, FIRST}, {macd, false, EVERY_OTHER},
    {bollinger, true, 0},  {two_windows, true, 0}, {linreg, true, 0},    {rsi, false, FIRST},
    {stochrsi, false, 0},  {stochf, false, 0},     {stoch, false, 0},    {two_windows, true, 0},
    {one_window, true, 0}, {mfi, false, 0},        {lagged, false, 0},   {lagged, false, 0},
    {aroon, true, 0},      {atr, false, FIRST},    {adx, false, FIRST},  {two_windows, true, 0},
    {keltner, false, 0},   {ichimoku, false, 0},   {psar, false, 0},     {nothing, false, 0},
    {nothing, false, 0},   {two_windows, true, 0},
};
_Static_assert(sizeof hidden / sizeof *hidden == sizeof table / sizeof *table, "a row each");

/* The scalar kernels: "one" is built with the processor's FMA, which the reference "c" has to ask the C library for. */
#if defined(__x86_64__)
#define INDICATOR_KERNEL(name, file)                                                          \
  extern void assay_kernel_ind_##name##_f32_one(const void *, void *const *, size_t, size_t); \
  extern void assay_kernel_ind_##name##_f64_one(const void *, void *const *, size_t, size_t);
#include "kernels/indicators/names.def"
#undef INDICATOR_KERNEL
#endif

/* A stream's steps, likewise; in "c" where that is all there is. */
#define INDICATOR_KERNEL(name, file)                                                                                                  \
  extern void assay_kernel_ind_##name##_f64_stream_c(const indicator_params *, indicator_rows *, double *, const double *, double *); \
  extern void assay_kernel_ind_##name##_f64_stream(const indicator_params *, indicator_rows *, double *, const double *, double *);
#include "kernels/indicators/names.def"
#undef INDICATOR_KERNEL

static const struct {
  const char *name;
  const char *kernels[2];
  assay_kernel_fn one[2];
  assay_indicator_step_fn step_c, step;
} kernels[] = {
#if defined(__x86_64__)
#define INDICATOR_KERNEL(name, file)                                       \
  {#name,                                                                  \
   {"ind_" #name "_f32", "ind_" #name "_f64"},                             \
   {assay_kernel_ind_##name##_f32_one, assay_kernel_ind_##name##_f64_one}, \
   assay_kernel_ind_##name##_f64_stream_c,                                 \
   assay_kernel_ind_##name##_f64_stream},
#else
#define INDICATOR_KERNEL(name, file) \
  {#name, {"ind_" #name "_f32", "ind_" #name "_f64"}, {NULL, NULL}, assay_kernel_ind_##name##_f64_stream_c, NULL},
#endif
#include "kernels/indicators/names.def"
#undef INDICATOR_KERNEL
};

assay_indicator_kernels assay_indicator_kernels_of(const assay_indicator *indicator, unsigned bits) {
  assay_indicator_kernels found = {NULL, NULL, NULL};
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    if (strcmp(kernels[i].name, indicator->name) != 0) continue;
    found.table = assay_kernel_find(kernels[i].kernels[bits == 64]);
    found.lanes = assay_kernel_function(found.table, NULL);
    found.one = found.table->variants[ASSAY_KERNEL_VARIANT_c];
#if defined(__x86_64__)
    if (assay_kernel_variant_best() >= ASSAY_KERNEL_VARIANT_avx2) found.one = kernels[i].one[bits == 64];
#endif
  }
  return found;
}

assay_indicator_step_fn assay_indicator_step_of(const assay_indicator *indicator) {
  size_t at = 0;
  while (strcmp(kernels[at].name, indicator->name) != 0) at++;
#if defined(__x86_64__)
  if (assay_kernel_variant_best() >= ASSAY_KERNEL_VARIANT_avx2) return kernels[at].step;
#endif
  return kernels[at].step_c;
}

/* ---- Looking things up ----------------------------------------------------------------------------------------------------------- */

static const char *const input_texts[] = {"high", "low", "close", "volume"};
const char *assay_indicator_input_text(assay_indicator_input input) {
  return (unsigned)input < ASSAY_INDICATOR_INPUTS ? input_texts[input] : "unknown";
}

const assay_indicator *assay_indicator_table(size_t *count) {
  *count = sizeof table / sizeof *table;
  return table;
}

const assay_indicator_hidden *assay_indicator_hidden_of(const assay_indicator *indicator) { return &hidden[indicator - table]; }

const assay_indicator *assay_indicator_find(const char *name) {
  if (name == NULL) return NULL;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcasecmp(table[i].name, name) == 0) return &table[i];
    for (size_t k = 0; k < ASSAY_INDICATOR_MAX_ALIASES && table[i].aliases[k] != NULL; k++) {
      if (strcasecmp(table[i].aliases[k], name) == 0) return &table[i];
    }
  }
  return NULL;
}

const char *assay_indicator_suggest(const char *name) {
  if (name == NULL) return NULL;
  const char *words[sizeof table / sizeof *table * (ASSAY_INDICATOR_MAX_ALIASES + 1) + 1];
  size_t count = 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    words[count++] = table[i].name;
    for (size_t k = 0; k < ASSAY_INDICATOR_MAX_ALIASES && table[i].aliases[k] != NULL; k++) words[count++] = table[i].aliases[k];
  }
  words[count] = NULL;
  return assay_nearest_word(name, words);
}

void assay_indicator_defaults(const assay_indicator *indicator, double *parameters) {
  for (unsigned k = 0; k < indicator->parameter_count; k++) parameters[k] = indicator->parameters[k].usual;
}

int assay_indicator_parameter_at(const assay_indicator *indicator, const char *name) {
  for (unsigned k = 0; k < indicator->parameter_count; k++) {
    if (strcasecmp(indicator->parameters[k].name, name) == 0) return (int)k;
  }
  return -1;
}

int assay_indicator_output_at(const assay_indicator *indicator, const char *name) {
  for (unsigned k = 0; k < indicator->output_count; k++) {
    if (strcasecmp(indicator->outputs[k], name) == 0) return (int)k;
  }
  return -1;
}

/* ---- Parameters ------------------------------------------------------------------------------------------------------------------- */

static assay_status check(const assay_indicator *indicator, const double *parameters, assay_error *err) {
  for (unsigned k = 0; k < indicator->parameter_count; k++) {
    const assay_indicator_parameter *parameter = &indicator->parameters[k];
    double value = parameters[k];
    if (!(value >= parameter->least && value <= parameter->most)) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is %g, which is not between %g and %g", indicator->name, parameter->name, value,
                        parameter->least, parameter->most);
    }
    if (parameter->whole && value != floor(value))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is %g, but counts whole rows", indicator->name, parameter->name, value);
  }
  return ASSAY_OK;
}

assay_status assay_indicator_prepare(const assay_indicator *indicator, const double *parameters, assay_error *err,
                                     indicator_params *params) {
  double usual[ASSAY_INDICATOR_MAX_PARAMETERS];
  if (parameters == NULL) {
    assay_indicator_defaults(indicator, usual);
    parameters = usual;
  }
  assay_status status = check(indicator, parameters, err);
  if (status != ASSAY_OK) return status;
  indicator_params made = {0};
  uint64_t memory;
  const char *wrong = assay_indicator_hidden_of(indicator)->prepare(parameters, &made, &memory);
  if (wrong != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s", indicator->name, wrong);
  made.slots = (uint32_t)(INDICATOR_REGISTERS + memory);
  for (int k = 0; k < 6; k++) made.still = larger(made.still, made.warm[k] + 2);
  *params = made;
  return ASSAY_OK;
}

assay_status assay_indicator_warmup(const assay_indicator *indicator, const double *parameters, assay_error *err, size_t *rows) {
  indicator_params params;
  if (indicator == NULL || rows == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_indicator_warmup needs %s (NULL)",
                      indicator == NULL ? "an indicator" : "a place for the rows");
  assay_status status = assay_indicator_prepare(indicator, parameters, err, &params);
  if (status != ASSAY_OK) return status;
  for (unsigned k = 0; k < indicator->output_count; k++) rows[k] = params.warm[k];
  return ASSAY_OK;
}
