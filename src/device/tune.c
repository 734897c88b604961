/* SPDX-License-Identifier: MIT */
/* What suits finance on a device: measured with the European kernel, whose work a path is known, and cached a machine and driver. */
#include <assay/device.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assay_config.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "device/core.h"
#include "kernels/half.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "os/prim.h"

#define SCHEMA "assay-device-profile/2"

/* NORMALS: paths that a draw of one item gives. Enough sizes to see where the rate levels off; a size that takes longer than ENOUGH_NS ends
 * the search. */
enum { NORMALS = 4, DRAWS_MAX = 64, SMALLEST = 12, LARGEST = 32, TRIES = 3, FILE_MAX = 1 << 16 };
#define ENOUGH_NS 4e7
/* A hundredth of a cent on a price of 100. */
#define F32_ALLOWED 1e-4
/* A tick of a cent on a price of 100. */
#define HALF_ALLOWED 1e-4

/* ---- measuring ---------------------------------------------------------------------------------------------------------------------- */

typedef struct trial {
  double ns, mean, deviation; /* a launch and its wait; of the payoff */
  uint64_t paths;
} trial;

/* An at-the-money call over a year; prices are about ten. */
static mc_european_params params_of(const assay_device_info *info, uint64_t paths, u32 wanted) {
  uint64_t spread = paths / ((uint64_t)ASSAY_KERNEL_GROUP_SIZE * NORMALS * 16 * info->compute_units);
  u32 draws = wanted > 0 ? wanted : spread < 1 ? 1 : spread > DRAWS_MAX ? DRAWS_MAX : (u32)spread;
  u32 groups = (u32)(paths / ((uint64_t)ASSAY_KERNEL_GROUP_SIZE * NORMALS * draws));
  if (groups == 0) groups = 1;
  mc_european_params params = {.draws = draws, .full = draws, .groups = groups, .key = random_key_make(1, 2), .scale = 100, .shift = -100};
  params.paths = (u64)groups * ASSAY_KERNEL_GROUP_SIZE * NORMALS * draws;
  params.drift = -0.5 * 0.2 * 0.2 / log(2), params.width = 0.2 / log(2); /* powers of two */
  return params;
}

static assay_status launch(assay_stream *stream, const char *kernel, const mc_european_params *params, assay_buffer *sums, double *host,
                           assay_error *err) {
  assay_status status = assay_stream_launch(stream, kernel, params->groups, params, sizeof *params, &sums, 1, err);
  if (status == ASSAY_OK) status = assay_buffer_read(stream, sums, 0, host, assay_buffer_bytes(sums), err);
  return status == ASSAY_OK ? assay_stream_sync(stream, err) : status;
}

static void put_moments(const double *sums, u32 groups, trial *out) {
  double sum = 0, square = 0, count = (double)out->paths;
  for (u32 g = 0; g < groups; g++) {
    sum += sums[MC_EUROPEAN_SUMS * g + MC_EUROPEAN_PAYOFF];
    square += sums[MC_EUROPEAN_SUMS * g + MC_EUROPEAN_SQUARE];
  }
  out->mean = sum / count;
  out->deviation = sqrt(fmax(square / count - out->mean * out->mean, 0));
}

/* The best of some tries: what else runs can only make it slower. `draws` of an item; 0: what spreads the paths well. */
static assay_status try_draws(assay_device *device, assay_stream *stream, const char *kernel, uint64_t paths, u32 draws, assay_error *err,
                              trial *out) {
  const mc_european_params params = params_of(assay_device_get_info(device), paths, draws);
  size_t bytes = params.groups * MC_EUROPEAN_SUMS * sizeof(double);
  double *host = assay_calloc(ASSAY_TAG_DEVICE, params.groups, MC_EUROPEAN_SUMS * sizeof *host);
  assay_buffer *sums = NULL;
  if (host == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the sums of %u groups", params.groups);
  *out = (trial){.ns = INFINITY, .paths = params.paths};
  assay_status status = assay_buffer_alloc(stream, bytes, "tune", err, &sums);
  for (int i = -1; i < TRIES && status == ASSAY_OK; i++) {
    uint64_t begin = assay_os_now_ns();
    status = launch(stream, kernel, &params, sums, host, err);
    if (i >= 0) out->ns = fmin(out->ns, (double)(assay_os_now_ns() - begin));
  }
  if (status == ASSAY_OK) put_moments(host, params.groups, out);
  assay_buffer_free(sums);
  assay_free(host);
  return status;
}

static assay_status try_size(assay_device *device, assay_stream *stream, const char *kernel, uint64_t paths, assay_error *err, trial *out) {
  return try_draws(device, stream, kernel, paths, 0, err, out);
}

/* How many paths a group does best: few keep more groups busy, many have less to add up. */
static assay_status measure_tiles(assay_device *device, assay_stream *stream, const char *kernel, uint64_t paths, assay_error *err,
                                  uint64_t *tile) {
  double best = 0;
  for (u32 draws = 1; draws <= 4 * DRAWS_MAX; draws *= 2) {
    uint64_t each = (uint64_t)ASSAY_KERNEL_GROUP_SIZE * NORMALS * draws;
    trial at;
    if (each > paths && draws > 1) break;
    assay_status status = try_draws(device, stream, kernel, paths, draws, err, &at);
    if (status != ASSAY_OK) return status;
    double rate = (double)at.paths / at.ns;
    if (rate > best) best = rate, *tile = each;
  }
  return ASSAY_OK;
}

/* What half precision would do to a path: prices at the end, as the device draws them, rounded to it. */
static assay_status measure_half(assay_stream *stream, assay_error *err, double *error) {
  enum { GROUPS = 64, COUNT = GROUPS * ASSAY_KERNEL_GROUP_SIZE * NORMALS };
  const mc_european_params like = params_of(&(assay_device_info){.compute_units = 1}, COUNT, 1);
  const mc_path_params params = {.groups = GROUPS,
                                 .draws = 1,
                                 .steps = 1,
                                 .key = like.key,
                                 .stride = GROUPS * ASSAY_KERNEL_GROUP_SIZE,
                                 .drift = like.drift,
                                 .width = like.width,
                                 .scale = like.scale};
  float *ends = assay_calloc(ASSAY_TAG_DEVICE, COUNT, sizeof *ends);
  assay_buffer *values = NULL;
  if (ends == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %d prices", COUNT);
  assay_status status = assay_buffer_alloc(stream, COUNT * sizeof *ends, "tune", err, &values);
  if (status == ASSAY_OK) status = assay_stream_launch(stream, "mc_ends_f32", GROUPS, &params, sizeof params, &values, 1, err);
  if (status == ASSAY_OK) status = assay_buffer_read(stream, values, 0, ends, COUNT * sizeof *ends, err);
  if (status == ASSAY_OK) status = assay_stream_sync(stream, err);
  double worst = 0;
  for (int i = 0; i < COUNT && status == ASSAY_OK; i++) {
    double kept = (double)assay_half_from_f16(assay_half_to_f16(ends[i]));
    worst = fmax(worst, fabs(kept / (double)ends[i] - 1));
  }
  *error = worst;
  assay_buffer_free(values);
  assay_free(ends);
  return status;
}

typedef struct rates {
  trial trials[LARGEST];
  size_t count;
  double best; /* paths a second */
} rates;

static assay_status measure_rates(assay_device *device, assay_stream *stream, const char *kernel, assay_error *err, rates *out) {
  *out = (rates){.best = 0};
  assay_status status = ASSAY_OK;
  for (int size = SMALLEST; size <= LARGEST && status == ASSAY_OK; size++) {
    trial *at = &out->trials[out->count];
    status = try_size(device, stream, kernel, UINT64_C(1) << size, err, at);
    if (status != ASSAY_OK) break;
    out->count++;
    out->best = fmax(out->best, (double)at->paths / at->ns * 1e9);
    if (at->ns > ENOUGH_NS) break;
  }
  return status;
}

static uint64_t batch_of(const rates *of) {
  for (size_t i = 0; i < of->count; i++) {
    if ((double)of->trials[i].paths / of->trials[i].ns * 1e9 >= 0.9 * of->best) return of->trials[i].paths;
  }
  return of->trials[of->count - 1].paths;
}

/* The mean over paths and their mirror images. */
static assay_status mean_with_mirror(assay_device *device, assay_stream *stream, const char *kernel, assay_error *err, double *mean) {
  mc_european_params params = params_of(assay_device_get_info(device), UINT64_C(1) << 20, 0);
  double *host = assay_calloc(ASSAY_TAG_DEVICE, params.groups, MC_EUROPEAN_SUMS * sizeof *host);
  assay_buffer *sums = NULL;
  if (host == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the sums of %u groups", params.groups);
  assay_status status = assay_buffer_alloc(stream, params.groups * MC_EUROPEAN_SUMS * sizeof *host, "tune", err, &sums);
  *mean = 0;
  for (int side = 0; side < 2 && status == ASSAY_OK; side++) {
    trial half = {.paths = params.paths};
    status = launch(stream, kernel, &params, sums, host, err);
    if (status == ASSAY_OK) put_moments(host, params.groups, &half);
    *mean += half.mean / 2;
    params.width = -params.width;
  }
  assay_buffer_free(sums);
  assay_free(host);
  return status;
}

/*
 * A pair of normals is r (sin a, cos a) with signs; from the same words, one precision has its angle a quarter of a turn from the other's,
 * which changes places and signs alone. So over paths and their mirror images both precisions see the same normals, and their means differ
 * by what is rounded in single precision, not by chance.
 */
static assay_status judge_f32(assay_device *device, assay_stream *stream, assay_error *err, assay_finance_profile *profile) {
  double f32 = 0, f64 = 0;
  assay_status status = mean_with_mirror(device, stream, "mc_european_f32", err, &f32);
  if (status == ASSAY_OK) status = mean_with_mirror(device, stream, "mc_european_f64", err, &f64);
  if (status != ASSAY_OK) return status;
  profile->f32_error_ratio = fabs(f32 - f64) / f64;
  profile->use_f32 = profile->f32_error_ratio <= F32_ALLOWED && profile->paths_per_s_f32 >= 1.25 * profile->paths_per_s_f64;
  return ASSAY_OK;
}

static assay_status measure_on(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  assay_finance_profile *profile = context;
  rates f32, f64;
  trial one;
  assay_status status = try_size(device, stream, "mc_european_f32", 1, err, &one);
  if (status == ASSAY_OK) status = measure_rates(device, stream, "mc_european_f32", err, &f32);
  if (status != ASSAY_OK) return status;
  profile->launch_ns = one.ns;
  profile->paths_per_s_f32 = f32.best, profile->paths_per_s_f64 = NAN;
  profile->f32_error_ratio = NAN, profile->use_f32 = true;
  profile->batch_paths = batch_of(&f32);
  status = measure_half(stream, err, &profile->f16_error_ratio);
  if (status != ASSAY_OK) return status;
  profile->use_fp16 = profile->f16_error_ratio <= HALF_ALLOWED;
  if (!assay_device_supports(device, "mc_european_f64"))
    return measure_tiles(device, stream, "mc_european_f32", profile->batch_paths, err, &profile->tile_paths);
  status = measure_rates(device, stream, "mc_european_f64", err, &f64);
  if (status != ASSAY_OK) return status;
  profile->paths_per_s_f64 = f64.best;
  status = judge_f32(device, stream, err, profile);
  if (!profile->use_f32) profile->batch_paths = batch_of(&f64);
  if (status != ASSAY_OK) return status;
  return measure_tiles(device, stream, profile->use_f32 ? "mc_european_f32" : "mc_european_f64", profile->batch_paths, err,
                       &profile->tile_paths);
}

/* ---- the cache ---------------------------------------------------------------------------------------------------------------------- */

/* Another driver, instruction set, number of threads or version of ours is another answer. */
static char *cache_path(const assay_device_info *info) {
  char *dir = NULL;
  if (assay_os_cache_dir(NULL, &dir) != ASSAY_OK) return NULL;
  const char *const parts[] = {info->id, info->name, info->driver, info->isa, ASSAY_VERSION};
  uint64_t hash = ASSAY_HASH_START;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) hash = assay_hash(hash, parts[i], strlen(parts[i]) + 1);
  assay_buf path = {0};
  assay_buf_printf(&path, "%s/device-%016llx.json", dir, (unsigned long long)hash);
  assay_free(dir);
  return assay_buf_take(&path);
}

static void write_cache(const char *path, const assay_finance_profile *profile) {
  assay_buf buf = {0};
  assay_json json = {.out = &buf, .indent = 2};
  assay_json_object(&json);
  assay_json_key(&json, "schema");
  assay_json_string(&json, SCHEMA);
  assay_json_key(&json, "device");
  assay_json_string(&json, profile->device);
  assay_json_key(&json, "batch_paths");
  assay_json_uint(&json, profile->batch_paths);
  assay_json_key(&json, "tile_paths");
  assay_json_uint(&json, profile->tile_paths);
  assay_json_key(&json, "f16_error_ratio");
  assay_json_double(&json, profile->f16_error_ratio);
  assay_json_key(&json, "paths_per_s_f32");
  assay_json_double(&json, profile->paths_per_s_f32);
  assay_json_key(&json, "paths_per_s_f64");
  assay_json_double(&json, profile->paths_per_s_f64);
  assay_json_key(&json, "launch_ns");
  assay_json_double(&json, profile->launch_ns);
  assay_json_key(&json, "f32_error_ratio");
  assay_json_double(&json, profile->f32_error_ratio);
  assay_json_key(&json, "use_f32");
  assay_json_bool(&json, profile->use_f32);
  assay_json_key(&json, "measured_at_s");
  assay_json_int(&json, profile->measured_at_s);
  assay_json_end(&json);
  if (!buf.failed && buf.data != NULL) assay_os_write_file(path, buf.data, buf.length, NULL);
  assay_buf_deinit(&buf);
}

/* Null stands for what the device lacks. */
static bool get_number(const json_t *object, const char *key, bool may_lack, double *value) {
  const json_t *item = json_object_get(object, key);
  *value = json_is_number(item) ? json_number_value(item) : NAN;
  return json_is_number(item) ? *value >= 0 && isfinite(*value) : may_lack && json_is_null(item);
}

static bool parse_cache(const json_t *object, assay_finance_profile *profile) {
  const char *schema = json_string_value(json_object_get(object, "schema"));
  const json_t *use_f32 = json_object_get(object, "use_f32");
  double batch = 0, tile = 0, at = 0;
  if (schema == NULL || strcmp(schema, SCHEMA) != 0 || !json_is_boolean(use_f32)) return false;
  bool fine = get_number(object, "batch_paths", false, &batch) && get_number(object, "tile_paths", false, &tile) &&
              get_number(object, "f16_error_ratio", false, &profile->f16_error_ratio) && get_number(object, "measured_at_s", false, &at) &&
              get_number(object, "paths_per_s_f32", false, &profile->paths_per_s_f32) &&
              get_number(object, "paths_per_s_f64", true, &profile->paths_per_s_f64) &&
              get_number(object, "launch_ns", false, &profile->launch_ns) &&
              get_number(object, "f32_error_ratio", true, &profile->f32_error_ratio);
  if (!fine || batch < 1 || batch > 1e15 || tile < 1 || tile > 1e15 || at > 1e15) return false;
  profile->batch_paths = (uint64_t)batch;
  profile->tile_paths = (uint64_t)tile;
  profile->use_fp16 = profile->f16_error_ratio <= HALF_ALLOWED;
  profile->measured_at_s = (int64_t)at;
  profile->use_f32 = json_is_true(use_f32);
  return true;
}

static bool read_cache(const char *path, assay_finance_profile *profile) {
  char *text = NULL;
  size_t length = 0;
  if (!assay_os_exists(path) || assay_os_read_file(path, FILE_MAX, NULL, &text, &length) != ASSAY_OK) return false;
  json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
  bool fine = object != NULL && parse_cache(object, profile);
  json_decref(object);
  assay_free(text);
  return fine;
}

assay_status assay_device_profile_finance(assay_device *device, bool anew, assay_error *err, assay_finance_profile *out) {
  assay_device *taken = device;
  if (out == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_device_profile_finance needs a place for the profile");
  assay_status status = device == NULL ? assay_device_default(err, &taken) : ASSAY_OK;
  if (status != ASSAY_OK) return status;
  const assay_device_info *info = assay_device_get_info(taken);
  assay_finance_profile profile = {.use_fp16 = false};
  memcpy(profile.device, info->id, sizeof profile.device);
  char *path = cache_path(info);
  profile.cached = !anew && path != NULL && read_cache(path, &profile);
  if (!profile.cached) {
    assay_stream *stream = NULL;
    status = assay_stream_create(taken, err, &stream);
    if (status == ASSAY_OK) status = measure_on(taken, stream, &profile, err);
    assay_stream_destroy(stream);
    profile.measured_at_s = assay_os_wall_s();
    if (status == ASSAY_OK && path != NULL) write_cache(path, &profile);
  }
  assay_free(path);
  if (status == ASSAY_OK) *out = profile;
  return status;
}
