/* SPDX-License-Identifier: MIT */
/* One series and batches. Everything runs the kernels; what differs is how many series a call has, and where their values lie. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/indicators/indicators.h"

/* A call of assay_indicator_run, in either precision: `size` is sizeof(double) or sizeof(float). */
typedef struct job {
  const assay_indicator *indicator;
  indicator_params params;
  assay_indicator_kernels kernels;
  size_t size, rows, series;
  size_t row_step, series_step; /* numbers between two rows, two series */
  const char *in[ASSAY_INDICATOR_INPUTS];
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS]; /* NULL: not wanted */
} job;

/* ---- Checks ---------------------------------------------------------------------------------------------------------------------- */

static assay_status check_shape(const job *j, const size_t *lengths, assay_error *err) {
  const char *name = j->indicator->name;
  if (j->rows == 0 || j->series == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %zu rows of %zu series are nothing to work on", name, j->rows, j->series);
  if (j->rows > SIZE_MAX / 64 / j->series)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %zu rows of %zu series fit no memory", name, j->rows, j->series);
  for (unsigned k = 0; k < j->indicator->input_count; k++) {
    assay_indicator_input input = j->indicator->inputs[k];
    if (j->in[k] == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s needs %s prices", name, assay_indicator_input_text(input));
    if (lengths[input] != 0 && lengths[input] != j->rows * j->series) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %zu numbers of input \"%s\" are not %zu rows of %zu series", name, lengths[input],
                        assay_indicator_input_text(input), j->rows, j->series);
    }
  }
  for (unsigned k = 0; k < j->indicator->output_count; k++) {
    if (j->out[k] != NULL && j->rows <= j->params.warm[k]) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %zu rows are too few: %s has its first value in row %zu", name, j->rows,
                        j->indicator->outputs[k], (size_t)j->params.warm[k] + 1);
    }
  }
  return ASSAY_OK;
}

/* ---- A few series at a time ------------------------------------------------------------------------------------------------------- */

/* What a thread needs: the state of so many series, and room for one series without its gaps. */
typedef struct workspace {
  void *state;
  size_t state_bytes;
  char *packed; /* inputs, then outputs, of one series; made when first needed */
} workspace;

enum { SERIES_AT_ONCE = ASSAY_KERNEL_GROUP_SIZE };

static size_t rounded_up(size_t count) { return (count + INDICATOR_PACK - 1) / INDICATOR_PACK * INDICATOR_PACK; }

/* Offsets count from the first input and the first output: arrays of their own, as the kernels have one pointer for all of them. */
static int64_t numbers_between(const void *from, const void *to, size_t size) { return ((intptr_t)to - (intptr_t)from) / (intptr_t)size; }

/* Runs `function` over `series` series from `in` and `out` on, from a fresh state. */
static void run_series(const job *j, assay_kernel_fn function, const char *const *in, char *const *out, size_t rows, size_t series,
                       size_t row_step, workspace *space) {
  indicator_params params = j->params;
  params.rows = rows;
  params.series = (uint32_t)series;
  params.width = (uint32_t)rounded_up(series);
  params.in_row = params.out_row = row_step;
  params.wanted = 0;
  char *first_out = NULL;
  for (unsigned k = 0; k < j->indicator->input_count; k++) params.input[k] = numbers_between(in[0], in[k], j->size);
  for (unsigned k = 0; k < j->indicator->output_count; k++) {
    if (out[k] == NULL) continue;
    if (first_out == NULL) first_out = out[k];
    params.wanted |= 1u << k;
    params.output[k] = numbers_between(first_out, out[k], j->size);
  }
  memset(space->state, 0, params.width * (1 + (size_t)params.slots) * j->size);
  void *buffers[] = {(void *)(uintptr_t)in[0], first_out, space->state};
  function(&params, buffers, 0, 1);
}

static bool is_gap(const job *j, const char *at) {
  double d;
  float f;
  if (j->size == sizeof d) return memcpy(&d, at, sizeof d), assay_indicator_is_gap(d);
  return memcpy(&f, at, sizeof f), assay_indicator_is_gap_f32(f);
}

static void put_nan(const job *j, char *at) {
  if (j->size == sizeof(double)) {
    memcpy(at, &(double){NAN}, sizeof(double));
  } else {
    memcpy(at, &(float){NAN}, sizeof(float));
  }
}

/* One series again, without its gaps. */
static assay_status run_without_gaps(const job *j, size_t series, workspace *space) {
  unsigned inputs = j->indicator->input_count, outputs = j->indicator->output_count;
  size_t size = j->size, plane = j->rows * size;
  if (space->packed == NULL) space->packed = assay_alloc(ASSAY_TAG_QUANT, (inputs + outputs) * plane);
  if (space->packed == NULL) return ASSAY_ERR_NO_MEMORY;
  const char *in[ASSAY_INDICATOR_INPUTS];
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS];
  for (unsigned k = 0; k < inputs; k++) in[k] = space->packed + k * plane;
  for (unsigned k = 0; k < outputs; k++) out[k] = j->out[k] == NULL ? NULL : space->packed + (inputs + k) * plane;

  size_t count = 0;
  for (size_t row = 0; row < j->rows; row++) {
    size_t at = (row * j->row_step + series * j->series_step) * size;
    bool gap = false;
    for (unsigned k = 0; k < inputs; k++) {
      gap |= is_gap(j, j->in[k] + at);
      memcpy(space->packed + k * plane + count * size, j->in[k] + at, size);
    }
    if (gap) {
      for (unsigned k = 0; k < outputs; k++) {
        if (out[k] != NULL) put_nan(j, j->out[k] + at);
      }
    } else {
      count++;
    }
  }
  if (count > 0) run_series(j, j->kernels.one, in, out, count, 1, 1, space);
  for (size_t row = 0, from = 0; row < j->rows && from < count; row++) {
    size_t at = (row * j->row_step + series * j->series_step) * size;
    bool gap = false;
    for (unsigned k = 0; k < inputs; k++) gap |= is_gap(j, j->in[k] + at);
    if (gap) continue;
    for (unsigned k = 0; k < outputs; k++) {
      if (out[k] != NULL) memcpy(j->out[k] + at, out[k] + from * size, size);
    }
    from++;
  }
  return ASSAY_OK;
}

static assay_status redo_gaps(const job *j, size_t first, size_t count, workspace *space) {
  unsigned char marked[SERIES_AT_ONCE];
  for (size_t i = 0; i < count; i++) {
    const char *mark = (const char *)space->state + i * j->size;
    marked[i] = is_gap(j, mark);
  }
  for (size_t i = 0; i < count; i++) {
    if (marked[i] && run_without_gaps(j, first + i, space) != ASSAY_OK) return ASSAY_ERR_NO_MEMORY;
  }
  return ASSAY_OK;
}

static assay_status run_chunk(const job *j, size_t first, size_t count, workspace *space) {
  const char *in[ASSAY_INDICATOR_INPUTS];
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS];
  for (unsigned k = 0; k < j->indicator->input_count; k++) in[k] = j->in[k] + first * j->series_step * j->size;
  for (unsigned k = 0; k < j->indicator->output_count; k++)
    out[k] = j->out[k] == NULL ? NULL : j->out[k] + first * j->series_step * j->size;
  run_series(j, j->series_step == 1 ? j->kernels.lanes : j->kernels.one, in, out, j->rows, count, j->row_step, space);
  return redo_gaps(j, first, count, space);
}

/* ---- The whole job ----------------------------------------------------------------------------------------------------------------- */

typedef struct crew {
  const job *j;
  size_t at_once;
  atomic_size_t next;
  atomic_int status;
} crew;

static void *work(void *context) {
  crew *c = context;
  const job *j = c->j;
  workspace space = {.state_bytes = rounded_up(c->at_once) * (1 + (size_t)j->params.slots) * j->size};
  space.state = assay_alloc(ASSAY_TAG_QUANT, space.state_bytes);
  assay_status status = space.state == NULL ? ASSAY_ERR_NO_MEMORY : ASSAY_OK;
  while (status == ASSAY_OK && atomic_load(&c->status) == ASSAY_OK) {
    size_t first = atomic_fetch_add(&c->next, c->at_once);
    if (first >= j->series) break;
    status = run_chunk(j, first, j->series - first < c->at_once ? j->series - first : c->at_once, &space);
  }
  if (status != ASSAY_OK) atomic_store(&c->status, status);
  assay_free(space.state);
  assay_free(space.packed);
  return NULL;
}

enum { MOST_THREADS = 256 };

static assay_status run(const job *j, unsigned threads, assay_error *err) {
  crew c = {.j = j, .at_once = j->series_step == 1 && j->series > 1 ? SERIES_AT_ONCE : 1};
  size_t chunks = (j->series + c.at_once - 1) / c.at_once, wanted = threads == 0 ? 1 : threads;
  if (wanted > chunks) wanted = chunks;
  if (wanted > MOST_THREADS) wanted = MOST_THREADS;
  pthread_t others[MOST_THREADS];
  size_t started = 0;
  /* A thread that cannot be started leaves its share to the others. */
  while (started + 1 < wanted && pthread_create(&others[started], NULL, work, &c) == 0) started++;
  work(&c);
  for (size_t i = 0; i < started; i++) pthread_join(others[i], NULL);
  if (atomic_load(&c.status) == ASSAY_OK) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s: out of memory for %zu rows of %zu series", j->indicator->name, j->rows, j->series);
}

static assay_status run_any(job *j, const double *parameters, assay_indicator_layout layout, const size_t *lengths,
                            const assay_indicator_options *options, assay_error *err) {
  assay_status status = assay_indicator_prepare(j->indicator, parameters, err, &j->params);
  if (status != ASSAY_OK) return status;
  status = check_shape(j, lengths, err);
  if (status != ASSAY_OK) return status;
  j->kernels = assay_indicator_kernels_of(j->indicator, j->size == sizeof(double) ? 64 : 32);
  bool time_major = layout == ASSAY_INDICATOR_TIME_MAJOR && j->series > 1;
  j->row_step = time_major ? j->series : 1;
  j->series_step = time_major ? 1 : j->rows;
  return run(j, options == NULL ? 1 : options->threads, err);
}

assay_status assay_indicator_run(const assay_indicator *indicator, const double *parameters, const assay_indicator_data *data,
                                 const assay_indicator_options *options, assay_error *err, double *const *outputs) {
  job j = {.indicator = indicator, .size = sizeof(double), .rows = data->rows, .series = data->series};
  for (unsigned k = 0; k < indicator->input_count; k++) j.in[k] = (const char *)data->values[indicator->inputs[k]];
  for (unsigned k = 0; k < indicator->output_count; k++) j.out[k] = (char *)outputs[k];
  return run_any(&j, parameters, data->layout, data->lengths, options, err);
}

assay_status assay_indicator_run_f32(const assay_indicator *indicator, const double *parameters, const assay_indicator_data_f32 *data,
                                     const assay_indicator_options *options, assay_error *err, float *const *outputs) {
  job j = {.indicator = indicator, .size = sizeof(float), .rows = data->rows, .series = data->series};
  for (unsigned k = 0; k < indicator->input_count; k++) j.in[k] = (const char *)data->values[indicator->inputs[k]];
  for (unsigned k = 0; k < indicator->output_count; k++) j.out[k] = (char *)outputs[k];
  return run_any(&j, parameters, data->layout, data->lengths, options, err);
}
