/* SPDX-License-Identifier: MIT */
/* Runs operations over sizes on devices, one call after the other, within a time that is shared out evenly. */
#include "run/crossover.h"

#include <assay/device.h>
#include <assay/gemm.h>
#include <assay/indicators.h>
#include <assay/machine.h>
#include <assay/montecarlo.h>
#include <assay/risk.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kernels/kernel.h"
#include "kernels/types.h"
#include "os/prim.h"

#include "kernels/options/options.h"

enum { MOST_DEVICES = 16, MOST_CALLS = 9, LEAST_CALLS = 3 };
/* A call that takes longer ends a curve: the next would take as many times longer as it is larger. */
static const double LONGEST_CALL = 0.4;

/* One call of an operation at a size: host call to host result. */
typedef struct call {
  const char *device_id;
  assay_device *device;
  assay_stream *stream;
  bool single; /* f32 */
  size_t size;
  void *host, *result;
  assay_buffer *from, *to;
  double answer;
} call;

typedef struct operation {
  const char *name, *what, *unit, *type;
  double smallest, largest, step;                   /* sizes grow by `step` */
  assay_status (*begin)(call *c, assay_error *err); /* NULL: nothing to prepare; what it makes, end_call frees */
  assay_status (*run)(call *c, assay_error *err);
} operation;

/* ---- Memory ------------------------------------------------------------------------------------------------------------------------ */

static assay_status begin_transfer(call *c, assay_error *err) {
  c->host = assay_calloc(ASSAY_TAG_BENCH, c->size, 1);
  if (c->host == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu bytes to transfer", c->size);
  return assay_buffer_alloc(c->stream, c->size, "crossover", err, &c->from);
}

static assay_status begin_copy(call *c, assay_error *err) {
  assay_status status = assay_buffer_alloc(c->stream, c->size, "crossover", err, &c->from);
  if (status == ASSAY_OK) status = assay_buffer_alloc(c->stream, c->size, "crossover", err, &c->to);
  if (status == ASSAY_OK) status = assay_buffer_fill(c->stream, c->from, 0, 0x3F800000u, c->size, err);
  return status == ASSAY_OK ? assay_stream_sync(c->stream, err) : status;
}

static assay_status upload(call *c, assay_error *err) {
  assay_status status = assay_buffer_write(c->stream, c->from, 0, c->host, c->size, err);
  return status == ASSAY_OK ? assay_stream_sync(c->stream, err) : status;
}

static assay_status download(call *c, assay_error *err) {
  assay_status status = assay_buffer_read(c->stream, c->from, 0, c->host, c->size, err);
  return status == ASSAY_OK ? assay_stream_sync(c->stream, err) : status;
}

static assay_status copy(call *c, assay_error *err) {
  assay_status status = assay_buffer_copy(c->stream, c->to, 0, c->from, 0, c->size, err);
  return status == ASSAY_OK ? assay_stream_sync(c->stream, err) : status;
}

/* ---- Finance ----------------------------------------------------------------------------------------------------------------------- */

static assay_status price(call *c, assay_mc_params *option, assay_error *err) {
  option->spot = 100;
  option->strike = 110;
  option->rate = 0.05;
  option->volatility = 0.2;
  option->paths = c->size;
  option->seed = 7;
  option->precision = c->single ? ASSAY_MC_F32 : ASSAY_MC_F64;
  option->device = c->device_id;
  assay_mc_result result;
  assay_status status = assay_mc_price(option, err, &result);
  if (status == ASSAY_OK) c->answer = result.price;
  return status;
}

static assay_status european(call *c, assay_error *err) {
  assay_mc_params option = {.payoff = ASSAY_MC_EUROPEAN, .time = 0.25};
  return price(c, &option, err);
}

static assay_status asian(call *c, assay_error *err) {
  assay_mc_params option = {.payoff = ASSAY_MC_ASIAN_ARITHMETIC, .time = 1, .steps = 252};
  return price(c, &option, err);
}

/* Numbers between 0.5 and 1.5, and room for what comes of them. */
static assay_status begin_numbers(call *c, size_t numbers, size_t number, size_t results, assay_error *err) {
  c->host = assay_calloc(ASSAY_TAG_BENCH, numbers, number);
  c->result = assay_calloc(ASSAY_TAG_BENCH, results, number);
  if (c->host == NULL || c->result == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu numbers and %zu results", numbers, results);
  uint64_t state = 1;
  for (size_t i = 0; i < numbers; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value = 0.5 + (double)(state >> 11) * 0x1p-53;
    if (number == sizeof(double)) ((double *)c->host)[i] = value;
    if (number == sizeof(float)) ((float *)c->host)[i] = (float)value;
  }
  return ASSAY_OK;
}

/* What a batch of options holds: seven numbers in, price and five Greeks out, in tiles of a work group. */
enum { OPTION_ROWS = OPTION_GREEKS_OUTPUTS };

static assay_status begin_options(call *c, assay_error *err) {
  assay_status status = begin_numbers(c, c->size * OPTION_INPUTS, sizeof(double), c->size * OPTION_ROWS, err);
  double *in = c->host;
  for (size_t i = 0; i < c->size && status == ASSAY_OK; i++) {
    double *tile = in + i / ASSAY_KERNEL_GROUP_SIZE * ASSAY_KERNEL_GROUP_SIZE * OPTION_INPUTS + i % ASSAY_KERNEL_GROUP_SIZE;
    tile[OPTION_SIGN * ASSAY_KERNEL_GROUP_SIZE] = i % 2 == 0 ? 1 : -1;
    tile[OPTION_SPOT * ASSAY_KERNEL_GROUP_SIZE] *= 100;
    tile[OPTION_STRIKE * ASSAY_KERNEL_GROUP_SIZE] *= 100;
    tile[OPTION_RATE * ASSAY_KERNEL_GROUP_SIZE] *= 0.05;
    tile[OPTION_DIVIDEND * ASSAY_KERNEL_GROUP_SIZE] *= 0.02;
    tile[OPTION_VOLATILITY * ASSAY_KERNEL_GROUP_SIZE] *= 0.3;
  }
  return status;
}

/* From the caller's arrays to the caller's array, by way of the device's memory if it has its own. */
static assay_status options(call *c, assay_error *err) {
  const option_params params = {.count = c->size};
  assay_buffer *buffers[2] = {NULL};
  size_t groups = (c->size + ASSAY_KERNEL_GROUP_SIZE - 1) / ASSAY_KERNEL_GROUP_SIZE;
  assay_status status = assay_buffer_borrow_in(c->stream, c->host, c->size * OPTION_INPUTS * sizeof(double), "crossover", err, &buffers[0]);
  if (status == ASSAY_OK)
    status = assay_buffer_borrow_out(c->stream, c->result, c->size * OPTION_ROWS * sizeof(double), "crossover", err, &buffers[1]);
  if (status == ASSAY_OK) status = assay_stream_launch(c->stream, "option_greeks_f64", groups, &params, sizeof params, buffers, 2, err);
  if (status == ASSAY_OK) {
    status = assay_buffer_give_back(c->stream, buffers[1], err);
    buffers[1] = NULL;
  }
  if (status == ASSAY_OK) status = assay_stream_sync(c->stream, err);
  assay_buffer_free(buffers[0]);
  assay_buffer_free(buffers[1]);
  if (status == ASSAY_OK) c->answer = ((const double *)c->result)[0];
  return status;
}

enum { INDICATOR_ROWS = 1000 };

static assay_status begin_indicator(call *c, assay_error *err) {
  return begin_numbers(c, c->size * INDICATOR_ROWS, sizeof(double), c->size * INDICATOR_ROWS, err);
}

static assay_status indicator(call *c, assay_error *err) {
  const assay_device_info *info = assay_device_get_info(c->device);
  /* Over the caller's own memory the calling thread's way copies nothing. */
  bool in_place = (info->flags & ASSAY_DEVICE_HOST_MEMORY) != 0;
  assay_indicator_data data = {.rows = INDICATOR_ROWS, .series = c->size, .layout = ASSAY_INDICATOR_TIME_MAJOR};
  data.values[ASSAY_INDICATOR_CLOSE] = c->host;
  assay_indicator_options how = {.device = in_place ? NULL : c->device_id, .threads = info->compute_units};
  double *outputs[ASSAY_INDICATOR_MAX_OUTPUTS] = {c->result};
  assay_status status = assay_indicator_run(assay_indicator_find("rsi"), NULL, &data, &how, err, outputs);
  if (status == ASSAY_OK) c->answer = ((const double *)c->result)[c->size * INDICATOR_ROWS - 1];
  return status;
}

static assay_status value_at_risk(call *c, assay_error *err) {
  enum { ASSETS = 8 };
  static const double positions[ASSETS] = {100, -50, 30, 80, -20, 60, 10, 40}, level = 0.99;
  double covariance[ASSETS * ASSETS];
  for (int i = 0; i < ASSETS * ASSETS; i++) covariance[i] = i % (ASSETS + 1) == 0 ? 4e-4 : 1e-4;
  assay_risk_simulation simulation = {
      .assets = ASSETS, .positions = positions, .covariance = covariance, .scenarios = c->size, .seed = 7, .device = c->device_id};
  assay_risk_simulated found;
  assay_status status = assay_risk_monte_carlo(&simulation, &level, 1, err, NULL, &found);
  if (status == ASSAY_OK) c->answer = found.tail.var;
  return status;
}

/* ---- Matrix products --------------------------------------------------------------------------------------------------------------- */

static assay_status begin_product(call *c, assay_error *err) {
  size_t n = c->size;
  return begin_numbers(c, 2 * n * n, c->single ? sizeof(float) : sizeof(double), n * n, err);
}

/* Libraries add up in orders of their own, so there is no answer to compare. */
static assay_status product(call *c, assay_error *err) {
  size_t n = c->size, bytes = n * n * (c->single ? sizeof(float) : sizeof(double));
  assay_gemm_args args = {.type = c->single ? ASSAY_F32 : ASSAY_F64, .m = n, .n = n, .k = n, .alpha = 1};
  assay_buffer *a = NULL, *b = NULL, *to = NULL;
  assay_status status = assay_buffer_borrow_in(c->stream, c->host, bytes, "crossover", err, &a);
  if (status == ASSAY_OK) status = assay_buffer_borrow_in(c->stream, (const char *)c->host + bytes, bytes, "crossover", err, &b);
  if (status == ASSAY_OK) status = assay_buffer_borrow_out(c->stream, c->result, bytes, "crossover", err, &to);
  if (status == ASSAY_OK) status = assay_stream_gemm(c->stream, &args, a, b, to, err);
  if (status == ASSAY_OK) {
    status = assay_buffer_give_back(c->stream, to, err);
    to = NULL;
  }
  if (status == ASSAY_OK) status = assay_stream_sync(c->stream, err);
  assay_buffer_free(a);
  assay_buffer_free(b);
  assay_buffer_free(to);
  return status;
}

static const operation operations[] = {
    {"upload", "host to device", "bytes", "memory", 4096, 268435456, 4, begin_transfer, upload},
    {"download", "device to host", "bytes", "memory", 4096, 268435456, 4, begin_transfer, download},
    {"copy", "copy within a device", "bytes", "memory", 4096, 1073741824, 4, begin_copy, copy},
    {"european", "Monte Carlo, European option", "paths", "f32", 1024, 1073741824, 4, NULL, european},
    {"european", "Monte Carlo, European option", "paths", "f64", 1024, 1073741824, 4, NULL, european},
    {"asian", "Monte Carlo, Asian option of 252 steps", "paths", "f32", 1024, 16777216, 4, NULL, asian},
    {"asian", "Monte Carlo, Asian option of 252 steps", "paths", "f64", 1024, 16777216, 4, NULL, asian},
    {"options", "options in closed form with five Greeks", "options", "f64", 1024, 16777216, 4, begin_options, options},
    {"indicator", "RSI over series of 1,000 prices", "series", "f64", 16, 65536, 4, begin_indicator, indicator},
    {"var", "value at risk of eight assets by simulation", "scenarios", "f64", 1024, 67108864, 4, NULL, value_at_risk},
    {"gemm", "product of square matrices", "rows", "f32", 64, 8192, 2, begin_product, product},
    {"gemm", "product of square matrices", "rows", "f64", 64, 8192, 2, begin_product, product},
};

enum { OPERATIONS = sizeof operations / sizeof *operations, MOST_POINTS = 24 };

/* ---- Measuring --------------------------------------------------------------------------------------------------------------------- */

typedef struct measuring {
  const assay_crossover_config *config;
  double seconds_each; /* for a curve */
  assay_error *err;
  assay_arena *storage;
} measuring;

static double now_s(void) { return (double)assay_os_now_ns() / 1e9; }

static bool is_stopped(const measuring *m) { return m->config->stop != NULL && *m->config->stop != 0; }

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void end_call(call *c) {
  assay_buffer_free(c->from);
  assay_buffer_free(c->to);
  assay_free(c->host);
  assay_free(c->result);
  c->from = c->to = NULL;
  c->host = c->result = NULL;
}

/* Times calls for about `seconds` once a first one, which fills caches and compiles kernels, is over; `*prepared` is what that one took
 * beyond the others. */
static assay_status measure_point(const operation *op, call *c, double seconds, assay_error *err, assay_crossover_point *point,
                                  double *prepared) {
  double times[MOST_CALLS];
  unsigned calls = 0;
  c->answer = NAN;
  assay_status status = op->begin != NULL ? op->begin(c, err) : ASSAY_OK;
  double start = now_s(), first = 0;
  if (status == ASSAY_OK) status = op->run(c, err);
  first = now_s() - start;
  double until = now_s() + seconds;
  while (status == ASSAY_OK && calls < MOST_CALLS && (calls < LEAST_CALLS || now_s() < until)) {
    double begin = now_s();
    status = op->run(c, err);
    times[calls++] = now_s() - begin;
  }
  end_call(c);
  if (status != ASSAY_OK) return status;
  qsort(times, calls, sizeof *times, by_value);
  *point = (assay_crossover_point){
      .size = (double)c->size, .seconds = times[calls / 2], .low = times[0], .high = times[calls - 1], .calls = calls, .answer = c->answer};
  *prepared = fmax(first - point->high, 0);
  return ASSAY_OK;
}

/* A driver may compile for a second or two before it first does anything, and again where it has a kernel of its own for large sizes. A
 * curve that paid for that would end after its smallest size and speak of no other, so its time is without it. */
static assay_status measure_sizes(const measuring *m, const operation *op, call *c, assay_crossover_point points[MOST_POINTS],
                                  size_t *count) {
  const assay_device_info *info = assay_device_get_info(c->device);
  double end = now_s() + m->seconds_each;
  for (double size = op->smallest; size <= op->largest && *count < MOST_POINTS; size *= op->step) {
    if (is_stopped(m)) return ASSAY_FAIL(m->err, ASSAY_ERR_INTERRUPTED, "stopped while measuring %s on %s", op->name, c->device_id);
    bool memory = strcmp(op->unit, "bytes") == 0;
    if (memory && (size > (double)info->max_buffer_bytes || 4 * size > (double)info->memory_bytes)) break;
    c->size = (size_t)size;
    assay_error own = {0};
    double prepared = 0;
    assay_status status = measure_point(op, c, m->seconds_each / 24, &own, &points[*count], &prepared);
    if (status == ASSAY_ERR_NO_MEMORY && *count > 0) break; /* as large as it gets here */
    if (status != ASSAY_OK) return ASSAY_FAIL(m->err, status, "%s", own.message);
    end += prepared;
    double took = points[(*count)++].seconds;
    if (took * op->step > LONGEST_CALL || now_s() + took * op->step * (LEAST_CALLS + 1) > end) break;
  }
  return ASSAY_OK;
}

static assay_status measure_curve(const measuring *m, const operation *op, const char *id, assay_crossover_curve *curve) {
  call c = {.device_id = id, .single = strcmp(op->type, "f32") == 0};
  assay_crossover_point points[MOST_POINTS];
  *curve = (assay_crossover_curve){
      .operation = op->name, .type = op->type, .what = op->what, .unit = op->unit, .device = assay_arena_strdup(m->storage, id)};
  assay_error own = {0};
  measuring mine = *m;
  mine.err = &own;
  assay_status status = assay_device_open(id, &own, &c.device);
  if (status == ASSAY_OK) status = assay_stream_create(c.device, &own, &c.stream);
  if (status == ASSAY_OK) status = measure_sizes(&mine, op, &c, points, &curve->count);
  assay_stream_destroy(c.stream);
  assay_device_close(c.device);
  if (status == ASSAY_ERR_INTERRUPTED) return ASSAY_FAIL(m->err, status, "%s", own.message);
  if (status != ASSAY_OK) {
    curve->cause = assay_arena_strdup(m->storage, own.message);
    curve->count = 0;
  }
  assay_crossover_point *kept = assay_arena_alloc(m->storage, curve->count + 1, sizeof *kept);
  if (kept != NULL) memcpy(kept, points, curve->count * sizeof *kept);
  curve->points = kept;
  return m->storage->failed ? ASSAY_FAIL(m->err, ASSAY_ERR_NO_MEMORY, "out of memory for a curve") : ASSAY_OK;
}

/* ---- What is measured -------------------------------------------------------------------------------------------------------------- */

/* An item is the name, without its number ("cuda" of "cuda:1"), or, with `beginnings`, any beginning of it. */
static bool means(const char *item, size_t length, const char *name, bool beginnings) {
  return strncmp(item, name, length) == 0 && (beginnings || name[length] == '\0' || name[length] == ':');
}

/* Whether one of the comma list's items means `name`. */
static bool is_wanted(const char *list, const char *name, bool beginnings) {
  if (list == NULL) return true;
  for (const char *p = list; *p != '\0';) {
    size_t length = strcspn(p, ",");
    if (length > 0 && means(p, length, name, beginnings)) return true;
    p += length + (p[length] == ',');
  }
  return false;
}

/* Every item of the list must be good for something. */
static assay_status check_list(const char *list, const char *const *names, size_t count, bool beginnings, const char *kind,
                               assay_error *err) {
  for (const char *p = list; p != NULL && *p != '\0';) {
    size_t length = strcspn(p, ",");
    bool found = length == 0;
    assay_buf known = {0};
    for (size_t i = 0; i < count; i++) {
      found |= means(p, length, names[i], beginnings);
      if (i == 0 || strcmp(names[i], names[i - 1]) != 0) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    assay_status status = found ? ASSAY_OK
                                : ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no %s '%.*s'; there are: %s", kind, (int)length, p,
                                             known.data != NULL ? known.data : "none");
    assay_buf_deinit(&known);
    if (status != ASSAY_OK) return status;
    p += length + (p[length] == ',');
  }
  return ASSAY_OK;
}

/* A device that was named and is not there has a cause. */
static assay_status check_absent(const char *list, const assay_device_row *rows, size_t count, assay_error *err) {
  for (const char *p = list; p != NULL && *p != '\0';) {
    size_t length = strcspn(p, ",");
    const assay_device_row *absent = NULL;
    for (size_t i = 0; i < count && length > 0; i++) {
      if (!means(p, length, rows[i].info.id, false)) continue;
      absent = &rows[i];
      if (rows[i].available) break;
    }
    if (absent != NULL && !absent->available)
      return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no device '%.*s' here: %s", (int)length, p, absent->cause);
    p += length + (p[length] == ',');
  }
  return ASSAY_OK;
}

static size_t find_devices(const char *wanted, assay_device_row rows[MOST_DEVICES], const char *ids[MOST_DEVICES], assay_error *err,
                           assay_status *status) {
  size_t found = 0, count = assay_device_list(rows, MOST_DEVICES);
  if (count > MOST_DEVICES) count = MOST_DEVICES;
  for (size_t i = 0; i < count; i++)
    if (rows[i].available && (rows[i].info.flags & ASSAY_DEVICE_DUMMY) == 0) ids[found++] = rows[i].info.id;
  *status = check_absent(wanted, rows, count, err);
  return found;
}

static assay_status measure_all(const measuring *m, const char *const *ids, size_t devices, assay_crossover *made) {
  const assay_crossover_config *config = m->config;
  size_t total = 0, done = 0;
  for (size_t o = 0; o < OPERATIONS; o++)
    for (size_t d = 0; d < devices; d++)
      total += is_wanted(config->operations, operations[o].name, true) && is_wanted(config->devices, ids[d], false);
  measuring each = *m;
  each.seconds_each = (config->seconds > 0 ? config->seconds : 30) / (double)(total > 0 ? total : 1);
  assay_crossover_curve *curves = assay_arena_alloc(m->storage, total + 1, sizeof *curves);
  if (curves == NULL) return ASSAY_FAIL(m->err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu curves", total);
  assay_status status = ASSAY_OK;
  for (size_t o = 0; o < OPERATIONS; o++) {
    for (size_t d = 0; status == ASSAY_OK && d < devices; d++) {
      if (!is_wanted(config->operations, operations[o].name, true) || !is_wanted(config->devices, ids[d], false)) continue;
      if (config->progress != NULL) config->progress(config->user, operations[o].name, ids[d], (double)done / (double)total);
      status = measure_curve(&each, &operations[o], ids[d], &curves[done]);
      done++;
    }
  }
  made->curves = curves;
  made->curve_count = done;
  return status;
}

static assay_status check_config(const assay_crossover_config *config, const char *const *ids, size_t devices, assay_error *err) {
  const char *names[OPERATIONS];
  for (size_t i = 0; i < OPERATIONS; i++) names[i] = operations[i].name;
  if (isnan(config->seconds) || config->seconds < 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the time to measure is %g seconds; give 0 or more", config->seconds);
  assay_status status = check_list(config->operations, names, OPERATIONS, true, "operation", err);
  return status == ASSAY_OK ? check_list(config->devices, ids, devices, false, "device", err) : status;
}

static const char *machine_label(assay_arena *storage) {
  assay_machine *machine = NULL;
  if (assay_machine_detect(NULL, NULL, &machine) != ASSAY_OK) return NULL;
  const char *label = assay_arena_strdup(storage, assay_machine_label(machine));
  assay_machine_destroy(machine);
  return label;
}

assay_status assay_crossover_measure(const assay_crossover_config *config, assay_error *err, assay_crossover **found) {
  static const assay_crossover_config defaults = {0};
  if (found == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_crossover_measure needs a place for what it finds (NULL)");
  if (config == NULL) config = &defaults;
  assay_device_row rows[MOST_DEVICES];
  const char *ids[MOST_DEVICES];
  assay_status status = ASSAY_OK;
  size_t devices = find_devices(config->devices, rows, ids, err, &status);
  if (status == ASSAY_OK) status = check_config(config, ids, devices, err);
  if (status != ASSAY_OK) return status;
  assay_arena *storage = assay_alloc(ASSAY_TAG_BENCH, sizeof *storage);
  if (storage == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for comparing devices");
  assay_arena_init(storage, ASSAY_TAG_BENCH);
  assay_crossover *made = assay_arena_alloc(storage, 1, sizeof *made);
  const measuring m = {.config = config, .err = err, .storage = storage};
  status = made != NULL ? measure_all(&m, ids, devices, made) : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for comparing devices");
  if (status == ASSAY_OK) {
    made->at_s = assay_os_wall_s();
    made->machine = machine_label(storage);
    made->storage = storage;
    status = assay_crossover_advise(made->curves, made->curve_count, storage, &made->advice, &made->advice_count);
    if (status != ASSAY_OK) ASSAY_FAIL(err, status, "out of memory for the guide");
  }
  if (status != ASSAY_OK) {
    assay_arena_deinit(storage);
    assay_free(storage);
    return status;
  }
  *found = made;
  return ASSAY_OK;
}

void assay_crossover_destroy(assay_crossover *found) {
  if (found == NULL) return;
  assay_arena *storage = found->storage;
  assay_arena_deinit(storage);
  assay_free(storage);
}
