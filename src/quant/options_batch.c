/* SPDX-License-Identifier: MIT */
/* Arrays of options: through tiles that fit a core's first cache into the kernels of kernels/options, and back. */
#include <pthread.h>
#include <string.h>

#include "base/float.h"
#include "kernels/kernel.h"
#include "kernels/options/options.h"
#include "quant/options.h"

enum { TILE = ASSAY_KERNEL_GROUP_SIZE };

/* The kernels, by tiles, and those for one option, where the processor has what they are built with. */
static struct { assay_kernel_fn price, greeks, greeks_all, volatility, one_price, one_greeks, one_volatility; } kernels;
static pthread_once_t find_once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
extern void assay_kernel_option_price_f64_one(const void *, void *const *, size_t, size_t);
extern void assay_kernel_option_greeks_all_f64_one(const void *, void *const *, size_t, size_t);
extern void assay_kernel_option_volatility_f64_one(const void *, void *const *, size_t, size_t);
#endif

static void find_kernels(void) {
  kernels.price = assay_kernel_function(assay_kernel_find("option_price_f64"), NULL);
  kernels.greeks = assay_kernel_function(assay_kernel_find("option_greeks_f64"), NULL);
  kernels.greeks_all = assay_kernel_function(assay_kernel_find("option_greeks_all_f64"), NULL);
  kernels.volatility = assay_kernel_function(assay_kernel_find("option_volatility_f64"), NULL);
#if defined(__x86_64__)
  if (assay_kernel_variant_best() < ASSAY_KERNEL_VARIANT_avx2) return;
  kernels.one_price = assay_kernel_option_price_f64_one;
  kernels.one_greeks = assay_kernel_option_greeks_all_f64_one;
  kernels.one_volatility = assay_kernel_option_volatility_f64_one;
#endif
}

static void run_kernel(assay_kernel_fn kernel, const option_params *params, const double *in, double *out) {
  void *buffers[] = {(void *)(uintptr_t)in, out};
  kernel(params, buffers, 0, 1);
}

/* A sign of NaN for what is neither a call nor a put: it makes the kernel's results NaN, and so shows like all that is bad. */
_Static_assert(ASSAY_OPTION_CALL == 0 && ASSAY_OPTION_PUT == 1, "signs_of_tile counts on it");
static const double sign_of[UINT8_MAX + 1] = {[ASSAY_OPTION_CALL] = 1, [ASSAY_OPTION_PUT] = -1, [2 ... UINT8_MAX] = NAN};
static double sign_of_kind(assay_option_kind kind) { return (unsigned)kind <= UINT8_MAX ? sign_of[kind] : NAN; }

/* ---- One at a time -------------------------------------------------------------------------------------------------------------- */

/* Of a tile the first lanes, as many as the widest have, all with the same option, so that no lane meets what was never written. */
enum { WIDEST = 8, MOST_OUTPUTS = OPTION_ALL_OUTPUTS };

static void run_first_of_tile(assay_kernel_fn kernel, const option_params *params, const double inputs[OPTION_INPUTS], size_t outputs,
                              double *out) {
  double in[OPTION_INPUTS * TILE], all[MOST_OUTPUTS * TILE];
  for (int i = 0; i < OPTION_INPUTS; i++) {
    for (int lane = 0; lane < WIDEST; lane++) in[i * TILE + lane] = inputs[i];
  }
  run_kernel(kernel, params, in, all);
  for (size_t i = 0; i < outputs; i++) out[i] = all[i * TILE];
}

/* By `one`, if there is one, else by the kernel for tiles: the same bits, in a third of the time. */
static void run_one(assay_kernel_fn one, assay_kernel_fn tile, const assay_option *option, double last, size_t outputs, double *out) {
  const double inputs[OPTION_INPUTS] = {sign_of_kind(option->kind), option->spot, option->strike, option->time, option->rate,
                                        option->dividend,           last};
  const option_params params = {.count = 1, .no_dividends = option->dividend == 0};
  if (one != NULL)
    run_kernel(one, &params, inputs, out);
  else
    run_first_of_tile(tile, &params, inputs, outputs, out);
}

_Static_assert(offsetof(assay_option_greeks, charm) == (OPTION_CHARM - OPTION_DELTA) * sizeof(double), "in the kernel's order");

double assay_option_closed_form(const assay_option *option, assay_option_greeks *greeks) {
  double out[OPTION_ALL_OUTPUTS];
  pthread_once(&find_once, find_kernels);
  if (greeks == NULL) {
    run_one(kernels.one_price, kernels.price, option, option->volatility, OPTION_PRICE_OUTPUTS, out);
    return out[OPTION_PRICE];
  }
  run_one(kernels.one_greeks, kernels.greeks_all, option, option->volatility, OPTION_ALL_OUTPUTS, out);
  if (!isnan(out[OPTION_PRICE])) memcpy(greeks, &out[OPTION_DELTA], sizeof *greeks);
  return out[OPTION_PRICE];
}

assay_implied assay_option_implied(const assay_option *option, double price) {
  double out[OPTION_VOLATILITY_OUTPUTS];
  pthread_once(&find_once, find_kernels);
  run_one(kernels.one_volatility, kernels.volatility, option, price, OPTION_VOLATILITY_OUTPUTS, out);
  return (assay_implied){.volatility = out[OPTION_IMPLIED], .lower = out[OPTION_LOWER], .upper = out[OPTION_UPPER]};
}

/* ---- Many ---------------------------------------------------------------------------------------------------------------------- */

static double at(assay_option_input input, size_t index) { return input.values != NULL ? input.values[index] : input.value; }

static assay_option option_at(const assay_options *options, size_t index) {
  return (assay_option){.kind = options->kinds != NULL ? (assay_option_kind)options->kinds[index] : options->kind,
                        .spot = at(options->spot, index),
                        .strike = at(options->strike, index),
                        .time = at(options->time, index),
                        .rate = at(options->rate, index),
                        .dividend = at(options->dividend, index),
                        .volatility = at(options->volatility, index)};
}

/* Counts what is bad and keeps the first for a caller who would not see it otherwise. */
typedef struct bad_ones {
  size_t count, first;
  assay_option_state state;
} bad_ones;

static void note(bad_ones *bad, size_t index, assay_option_state state) {
  if (bad->count++ > 0) return;
  bad->first = index;
  bad->state = state;
}

static assay_status conclude(const bad_ones *found, bool told, assay_error *err, size_t *bad) {
  if (bad != NULL) *bad = found->count;
  if (found->count == 0 || told) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "option %zu: %s (%zu in all; pass `bad` or `status` to get the others)", found->first,
                    assay_option_state_text(found->state), found->count);
}

/* The same for a whole tile of nothing but calls and puts, in lanes: a loop that compilers see through. False when there is another kind.
 */
static bool signs_of_tile(double *restrict tile, const uint8_t *restrict kinds) {
  unsigned other = 0;
  for (size_t i = 0; i < TILE; i++) other |= kinds[i];
  if (other > ASSAY_OPTION_PUT) return false;
  for (size_t i = 0; i < TILE; i++) tile[i] = 1 - 2 * (int)kinds[i];
  return true;
}

static void fill(double *to, double value) {
  for (size_t i = 0; i < TILE; i++) to[i] = value;
}

/* What is the same for all stays in the tile from the first time on. */
static void load_shared(double *tile, const assay_options *options, const assay_option_input *inputs) {
  if (options->kinds == NULL) fill(tile, sign_of_kind(options->kind));
  for (int i = 1; i < OPTION_INPUTS; i++) fill(tile + i * TILE, inputs[i].values == NULL ? inputs[i].value : 1);
  if (options->kinds != NULL) fill(tile, 1);
}

static void load_signs(double *tile, const assay_options *options, size_t begin, size_t count) {
  if (options->kinds == NULL || (count == TILE && signs_of_tile(tile, options->kinds + begin))) return;
  for (size_t i = 0; i < count; i++) tile[i] = sign_of[options->kinds[begin + i]];
}

/* A sum of differences is 0 unless one of them is NaN: no branch, and several sums, since one would wait for each addition. */
static bool all_numbers(const double *values, size_t count) {
  double sums[8] = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t k = 0; k < 8; k++) sums[k] += values[i + k] - values[i + k];
  }
  for (; i < count; i++) sums[0] += values[i] - values[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])) == 0;
}

/* Where quantity q of a tile goes. */
typedef struct target {
  double *array;
  int quantity;
} target;

typedef assay_option_state (*state_fn)(const assay_option *option, const double *out, size_t index, double last);

static assay_option_state state_of_price(const assay_option *option, const double *out, size_t index, double last) {
  (void)out, (void)index, (void)last;
  return assay_option_check(option);
}

static assay_option_state state_of_volatility(const assay_option *option, const double *out, size_t index, double last) {
  return assay_option_check_price(option, last, out[OPTION_LOWER * TILE + index], out[OPTION_UPPER * TILE + index]);
}

static bool overlap(const double *a, const void *b, size_t b_size, size_t count) {
  uintptr_t from = (uintptr_t)a, other = (uintptr_t)b;
  return a != NULL && b != NULL && from < other + count * b_size && other < from + count * sizeof *a;
}

/* Whether a result is written over what is still to be read: then it must wait in the tile until a tile's options are done. */
static bool writes_to_inputs(const assay_options *options, const assay_option_input *inputs, const double *array) {
  if (overlap(array, options->kinds, sizeof *options->kinds, options->count)) return true;
  for (int i = 1; i < OPTION_INPUTS; i++) {
    if (overlap(array, inputs[i].values, sizeof *inputs[i].values, options->count)) return true;
  }
  return false;
}

/* A whole tile's inputs are read, and its results written, where they are: the kernel then waits less for the caches than copies do. */
static void run_tiles(assay_kernel_fn kernel, const assay_options *options, assay_option_input last, const target *targets,
                      size_t target_count, uint8_t *status, state_fn state_of, bad_ones *bad) {
  const assay_option_input inputs[OPTION_INPUTS] = {{NULL, 0},         options->spot, options->strike, options->time, options->rate,
                                                    options->dividend, last};
  double in[OPTION_INPUTS * TILE] __attribute__((aligned(64))), out[OPTION_ALL_OUTPUTS * TILE] __attribute__((aligned(64)));
  option_params params = {.no_dividends = options->dividend.values == NULL && options->dividend.value == 0};
  bool in_place = true;
  for (size_t t = 0; t < target_count; t++) in_place = in_place && !writes_to_inputs(options, inputs, targets[t].array);
  load_shared(in, options, inputs);
  for (size_t begin = 0; begin < options->count; begin += TILE) {
    size_t count = options->count - begin < TILE ? options->count - begin : TILE;
    bool whole = count == TILE, direct = whole && in_place;
    params.count = count;
    load_signs(in, options, begin, count);
    for (int i = 1; i < OPTION_INPUTS; i++) {
      if (inputs[i].values == NULL) continue;
      params.in_at[i] = whole ? (uintptr_t)(inputs[i].values + begin) : 0;
      if (!whole) memcpy(in + i * TILE, inputs[i].values + begin, count * sizeof *in);
    }
    for (size_t t = 0; t < target_count; t++)
      params.out_at[targets[t].quantity] = direct && targets[t].array != NULL ? (uintptr_t)(targets[t].array + begin) : 0;
    run_kernel(kernel, &params, in, out);
    if (status != NULL) memset(status + begin, ASSAY_OPTION_FINE, count);
    const double *first = params.out_at[0] != 0 ? (const double *)(uintptr_t)params.out_at[0] : out;
    if (!all_numbers(first, count)) {
      for (size_t i = 0; i < count; i++) {
        if (first[i] == first[i]) continue;
        assay_option option = option_at(options, begin + i);
        assay_option_state state = state_of(&option, out, i, at(last, begin + i));
        note(bad, begin + i, state);
        if (status != NULL) status[begin + i] = (uint8_t)state;
      }
    }
    for (size_t t = 0; t < target_count && !direct; t++) {
      if (targets[t].array != NULL) memcpy(targets[t].array + begin, out + targets[t].quantity * TILE, count * sizeof *out);
    }
  }
}

assay_status assay_options_price(const assay_options *options, const assay_options_out *out, assay_error *err, size_t *bad) {
  ASSAY_FLOAT_USUAL;
  if (options == NULL || out == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_options_price needs %s (NULL)",
                      options == NULL ? "options" : "places for what it finds");
  pthread_once(&find_once, find_kernels);
  const target targets[] = {{out->price, OPTION_PRICE}, {out->delta, OPTION_DELTA}, {out->gamma, OPTION_GAMMA},
                            {out->vega, OPTION_VEGA},   {out->theta, OPTION_THETA}, {out->rho, OPTION_RHO},
                            {out->vanna, OPTION_VANNA}, {out->volga, OPTION_VOLGA}, {out->charm, OPTION_CHARM}};
  bool second = out->vanna != NULL || out->volga != NULL || out->charm != NULL;
  bool first = out->delta != NULL || out->gamma != NULL || out->vega != NULL || out->theta != NULL || out->rho != NULL;
  bad_ones found = {0};
  run_tiles(second  ? kernels.greeks_all
            : first ? kernels.greeks
                    : kernels.price,
            options, options->volatility, targets,
            second  ? OPTION_ALL_OUTPUTS
            : first ? OPTION_GREEKS_OUTPUTS
                    : OPTION_PRICE_OUTPUTS,
            out->status, state_of_price, &found);
  return conclude(&found, out->status != NULL || bad != NULL, err, bad);
}

assay_status assay_options_implied_volatility(const assay_options *options, assay_option_input price, double *volatility, uint8_t *status,
                                              assay_error *err, size_t *bad) {
  ASSAY_FLOAT_USUAL;
  if (options == NULL || (volatility == NULL && options->count > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_options_implied_volatility needs %s (NULL)",
                      options == NULL ? "options" : "a place for the volatilities");
  pthread_once(&find_once, find_kernels);
  bad_ones found = {0};
  run_tiles(kernels.volatility, options, price, &(target){volatility, OPTION_IMPLIED}, 1, status, state_of_volatility, &found);
  return conclude(&found, status != NULL || bad != NULL, err, bad);
}
