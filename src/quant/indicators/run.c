/* SPDX-License-Identifier: MIT */
/* One series and batches. Everything runs the kernels; what differs is how many series a call has, and where their values lie. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/alloc.h"
#include "base/float.h"
#include "os/isa.h"
#include "quant/indicators/run.h"

/* ---- Checks ---------------------------------------------------------------------------------------------------------------------- */

static assay_status check_shape(const assay_indicator_job *j, const size_t *lengths, assay_error *err) {
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

/* The kernels take as many lanes as they have, of series in a row; a series' state begins where a pack of them does. */
enum { AT_ONCE = 2 * INDICATOR_PACK, TABLE_SERIES = 1024, ROWS_AT_ONCE = 16, ASIDE_ROWS = 256, LINE = 64 };

/* Rows of the lanes' blocks (kernels/indicators/lanes.h). */
static size_t block_rows(size_t size) {
#if defined(__x86_64__)
  if (assay_kernel_variant_best() == ASSAY_KERNEL_VARIANT_avx512) return 16;
#endif
  return LINE / size;
}

/* Offsets count from the first input and the first output: arrays of their own, as the kernels have one pointer for all of them. */
static int64_t numbers_between(const void *from, const void *to, size_t size) { return ((intptr_t)to - (intptr_t)from) / (intptr_t)size; }

/* Some series: where their values are, and what their kernel call has in common. */
typedef struct batch {
  const assay_indicator_job *j;
  assay_kernel_fn function;
  indicator_params params;
  size_t rows, series, row_step, series_step;
  const char *in[ASSAY_INDICATOR_INPUTS];
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS];
} batch;

static void begin_state(batch *b, char *state) {
  b->params = b->j->params;
  b->params.series = (uint32_t)b->series;
  b->params.width = (uint32_t)assay_indicator_rounded_up(b->series);
  b->params.in_row = b->params.out_row = b->row_step;
  b->params.wanted = 0;
  for (unsigned k = 0; k < b->j->indicator->output_count; k++) b->params.wanted |= b->out[k] == NULL ? 0u : 1u << k;
  memset(state, 0, assay_indicator_state_bytes(b->j, b->series));
}

/* Rows [begin, begin + rows), whose states go on; out[k] (NULL: not wanted) is where row `begin` of output k goes. */
static void run_rows_to(batch *b, size_t begin, size_t rows, char *const *out, char *state) {
  const assay_indicator_job *j = b->j;
  char *first = NULL;
  for (unsigned k = 0; k < j->indicator->input_count; k++) b->params.input[k] = numbers_between(b->in[0], b->in[k], j->size);
  for (unsigned k = 0; k < j->indicator->output_count; k++) {
    if (out[k] == NULL) continue;
    if (first == NULL) first = out[k];
    b->params.output[k] = numbers_between(first, out[k], j->size);
  }
  b->params.begin = begin;
  b->params.rows = rows;
  void *buffers[] = {(void *)(uintptr_t)(b->in[0] + begin * b->row_step * j->size), first, state};
  b->function(&b->params, buffers, 0, (b->series + ASSAY_KERNEL_GROUP_SIZE - 1) / ASSAY_KERNEL_GROUP_SIZE);
}

static void run_rows(batch *b, size_t begin, size_t rows, char *state) {
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS];
  for (size_t k = 0; k < ASSAY_INDICATOR_MAX_OUTPUTS; k++) out[k] = b->out[k] == NULL ? NULL : b->out[k] + begin * b->row_step * b->j->size;
  run_rows_to(b, begin, rows, out, state);
}

/* The same where blocks are no whole lines of the outputs: into the cache, and from there past it in pieces as long as they can be. At most
 * ASIDE_ROWS of AT_ONCE series, or ROWS_AT_ONCE of TABLE_SERIES. */
static void run_rows_aside(batch *b, size_t begin, size_t rows, assay_indicator_workspace *space) {
  const assay_indicator_job *j = b->j;
  bool turned = (b->params.layout & INDICATOR_TURNED) != 0;
  size_t plane = ROWS_AT_ONCE * TABLE_SERIES * j->size, step = turned ? ASIDE_ROWS + LINE / j->size : b->series;
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS];
  for (size_t k = 0; k < ASSAY_INDICATOR_MAX_OUTPUTS; k++) out[k] = b->out[k] == NULL ? NULL : space->aside + k * plane;
  b->params.out_row = step;
  run_rows_to(b, begin, rows, out, space->state);
  size_t pieces = turned ? b->series : rows, bytes = (turned ? rows : b->series) * j->size, apart = turned ? b->series_step : b->row_step;
  for (size_t k = 0; k < ASSAY_INDICATOR_MAX_OUTPUTS; k++) {
    for (size_t i = 0; out[k] != NULL && i < pieces; i++)
      j->turns.copy_past(b->out[k] + (begin * b->row_step + i * apart) * j->size, out[k] + i * step * j->size, bytes);
  }
}

/* Room for that; false: there is none, and results go through the cache. */
static bool has_aside(const assay_indicator_job *j, assay_indicator_workspace *space) {
  if (space->aside == NULL)
    space->aside = assay_alloc(ASSAY_TAG_QUANT, j->indicator->output_count * (size_t)ROWS_AT_ONCE * TABLE_SERIES * j->size);
  return space->aside != NULL;
}

/* Rows from `begin` on until a line of every output begins, fewer than LINE; LINE where there is no such row. */
static size_t rows_to_a_line(const batch *b, size_t begin) {
  size_t rows = LINE;
  for (unsigned k = 0; k < b->j->indicator->output_count; k++) {
    if (b->out[k] == NULL) continue;
    size_t mine = -((uintptr_t)b->out[k] + begin * b->j->size) % LINE / b->j->size;
    if (rows != LINE && rows != mine) return LINE;
    rows = mine;
  }
  return rows;
}

static bool are_rows_lines(const batch *b) {
  uintptr_t odd = b->row_step * b->j->size;
  for (unsigned k = 0; k < b->j->indicator->output_count; k++) odd |= (uintptr_t)b->out[k];
  return odd % LINE == 0;
}

/* One series whose values lie one after the other. */
static void run_one(batch *b, assay_indicator_workspace *space) {
  begin_state(b, space->state);
  run_rows(b, 0, b->rows, space->state);
}

/* Series that lie in one piece each, some at a time over all rows: as many places in memory are read and written at once as the processor
 * can follow. Rows [from, rows), all before them were done. */
static void run_series(batch *b, size_t from, assay_indicator_workspace *space) {
  size_t size = b->j->size, head = rows_to_a_line(b, from);
  b->params.layout = INDICATOR_TURNED;
  b->params.in_row = b->params.out_row = b->series_step;
  bool lines = head < LINE && b->series_step * size % LINE == 0 && head < b->rows - from;
  if (b->j->past_cache && !lines && has_aside(b->j, space)) {
    for (size_t begin = from; begin < b->rows; begin += ASIDE_ROWS)
      run_rows_aside(b, begin, b->rows - begin < ASIDE_ROWS ? b->rows - begin : ASIDE_ROWS, space);
    return;
  }
  if (b->j->past_cache && lines) {
    if (head > 0) run_rows(b, from, head, space->state);
    from += head;
    b->params.layout |= INDICATOR_PAST;
  }
  run_rows(b, from, b->rows - from, space->state);
}

/* Rows that lie in one piece each, some at a time over all series, for the same reason. */
static void run_table(batch *b, assay_indicator_workspace *space) {
  bool lines = are_rows_lines(b), aside = b->j->past_cache && !lines && has_aside(b->j, space);
  b->params.layout = b->j->past_cache && lines ? INDICATOR_PAST : 0;
  size_t at_once = aside ? block_rows(b->j->size) : ROWS_AT_ONCE; /* a block at a time: what is aside takes room in the cache */
  for (size_t begin = 0; begin < b->rows; begin += at_once) {
    size_t rows = b->rows - begin < at_once ? b->rows - begin : at_once;
    if (aside) {
      run_rows_aside(b, begin, rows, space);
    } else {
      run_rows(b, begin, rows, space->state);
    }
  }
}

static void put_nan(const assay_indicator_job *j, char *at) {
  if (j->size == sizeof(double)) {
    memcpy(at, &(double){NAN}, sizeof(double));
  } else {
    memcpy(at, &(float){NAN}, sizeof(float));
  }
}

assay_status assay_indicator_run_without_gaps(const assay_indicator_job *j, size_t series, assay_indicator_workspace *space) {
  unsigned inputs = j->indicator->input_count, outputs = j->indicator->output_count;
  size_t size = j->size, plane = j->rows * size;
  if (space->packed == NULL) space->packed = assay_alloc(ASSAY_TAG_QUANT, (inputs + outputs) * plane);
  if (space->packed == NULL) return ASSAY_ERR_NO_MEMORY;
  const char *in[ASSAY_INDICATOR_INPUTS] = {NULL};
  char *out[ASSAY_INDICATOR_MAX_OUTPUTS] = {NULL};
  for (unsigned k = 0; k < inputs; k++) in[k] = space->packed + k * plane;
  for (unsigned k = 0; k < outputs; k++) out[k] = j->out[k] == NULL ? NULL : space->packed + (inputs + k) * plane;

  size_t count = 0;
  for (size_t row = 0; row < j->rows; row++) {
    size_t at = (row * j->row_step + series * j->series_step) * size;
    bool gap = false;
    for (unsigned k = 0; k < inputs; k++) {
      gap |= assay_indicator_has_gap(j, j->in[k] + at);
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
  if (count > 0) {
    batch b = {.j = j, .function = j->kernels.one, .rows = count, .series = 1, .row_step = 1, .series_step = 1};
    memcpy(b.in, in, sizeof in);
    memcpy(b.out, out, sizeof out);
    run_one(&b, space);
  }
  for (size_t row = 0, from = 0; row < j->rows && from < count; row++) {
    size_t at = (row * j->row_step + series * j->series_step) * size;
    bool gap = false;
    for (unsigned k = 0; k < inputs; k++) gap |= assay_indicator_has_gap(j, j->in[k] + at);
    if (gap) continue;
    for (unsigned k = 0; k < outputs; k++) {
      if (out[k] != NULL) memcpy(j->out[k] + at, out[k] + from * size, size);
    }
    from++;
  }
  return ASSAY_OK;
}

static assay_status redo_gaps(const assay_indicator_job *j, size_t first, size_t count, assay_indicator_workspace *space) {
  bool marked[TABLE_SERIES]; /* the state is that of the series that is done again */
  for (size_t i = 0; i < count; i++) marked[i] = assay_indicator_has_gap(j, space->state + i * j->size);
  for (size_t i = 0; i < count; i++) {
    if (marked[i] && assay_indicator_run_without_gaps(j, first + i, space) != ASSAY_OK) return ASSAY_ERR_NO_MEMORY;
  }
  return ASSAY_OK;
}

/*
 * One long series in lanes, each of which does a part, from some rows before it on: where a row depends on the n rows before it alone, from
 * n. Parts begin at multiples of n, where the blocks of the windows do, so that the bits are those of the series as a whole. What fades
 * has forgotten its beginning after some hundred rows; if the registers are those that the part before ends with, to the bit, nothing
 * differs from there on, and if not, the part is done again from those.
 */
enum { PARTS = AT_ONCE + 1, REGISTER_BYTES = INDICATOR_REGISTERS * sizeof(double) };
typedef struct joints {
  char began[PARTS][REGISTER_BYTES], ended[PARTS][REGISTER_BYTES]; /* the lanes' parts, and the rest */
} joints;

/* Of a series among `series`, by lanes of so many bytes: one series alone has a lane of one number. */
static void copy_registers(const assay_indicator_job *j, const char *state, size_t series, size_t lane_bytes, size_t at, char *registers) {
  size_t lanes = lane_bytes / j->size, first = assay_indicator_rounded_up(series) + at / lanes * lanes * j->params.slots;
  for (size_t k = 0; k < INDICATOR_REGISTERS; k++)
    memcpy(registers + k * j->size, state + (first + k * lanes + at % lanes) * j->size, j->size);
}
static size_t bytes_of_lanes(void) {
#if defined(__x86_64__)
  if (assay_kernel_variant_best() == ASSAY_KERNEL_VARIANT_avx512) return 64;
  if (assay_kernel_variant_best() == ASSAY_KERNEL_VARIANT_avx2) return 32;
#endif
  return 16;
}

/* Rows [begin, begin + rows) of one series again, from the registers that the rows before ended with to those that these end with. */
static void redo_part(batch *b, size_t begin, size_t rows, const char *from, char *to, char *state) {
  size_t size = b->j->size;
  begin_state(b, state);
  memcpy(state + INDICATOR_PACK * size, from, INDICATOR_REGISTERS * size);
  run_rows(b, begin, rows, state);
  copy_registers(b->j, state, 1, size, 0, to);
}
static void redo_parts_that_do_not_fit(batch *b, size_t lead, size_t part, joints *found, char *state) {
  for (size_t i = 1; i < PARTS; i++) {
    size_t begin = lead + i * part, rows = i + 1 < PARTS ? part : b->rows - begin;
    if (rows > 0 && memcmp(found->ended[i - 1], found->began[i], INDICATOR_REGISTERS * b->j->size) != 0)
      redo_part(b, begin, rows, found->ended[i - 1], found->ended[i], state);
  }
}

/* Rows that a part begins earlier; 0: it cannot be cut. */
static size_t rows_of_lead(const assay_indicator_job *j) {
  const assay_indicator_hidden *hidden = assay_indicator_hidden_of(j->indicator);
  if (hidden->finite) return j->params.n[0];
  if (hidden->factors == 0 || j->params.slots != INDICATOR_REGISTERS) return 0;
  return (assay_indicator_rows_to_forget(j->indicator, &j->params, j->size) + LINE) / LINE * LINE;
}

static bool run_cut(batch *b, assay_indicator_workspace *space) {
  const assay_indicator_job *j = b->j;
  size_t lead = rows_of_lead(j), size = j->size;
  bool fades = !assay_indicator_hidden_of(j->indicator)->finite;
  if (!j->lanes_turn || lead == 0 || b->rows / AT_ONCE < 4 * lead + LINE) return false;
  size_t unit = fades ? LINE : lead, part = (b->rows - lead) / AT_ONCE / unit * unit, rest = part * AT_ONCE;
  joints found = {0};
  bool gap = false;
  batch head = *b, tail = *b, lanes = *b;
  head.rows = lead;
  run_one(&head, space);
  gap |= assay_indicator_has_gap(j, space->state);
  /* The first rows of the rest come out wrong here and right from the last lane. */
  tail.rows = b->rows - rest;
  for (unsigned k = 0; k < j->indicator->input_count; k++) tail.in[k] += rest * size;
  for (unsigned k = 0; k < j->indicator->output_count; k++) tail.out[k] = b->out[k] == NULL ? NULL : b->out[k] + rest * size;
  begin_state(&tail, space->state);
  run_rows(&tail, 0, lead, space->state);
  copy_registers(j, space->state, 1, size, 0, found.began[AT_ONCE]);
  run_rows(&tail, lead, tail.rows - lead, space->state);
  gap |= assay_indicator_has_gap(j, space->state);
  lanes.function = j->kernels.lanes;
  lanes.rows = part + lead;
  lanes.series = AT_ONCE;
  lanes.series_step = part;
  begin_state(&lanes, space->state);
  uint32_t wanted = lanes.params.wanted;
  if (!fades) lanes.params.wanted = 0; /* what fades may carry a result, as the RSI does; these are all written over */
  lanes.params.layout = INDICATOR_TURNED;
  lanes.params.in_row = lanes.params.out_row = part;
  run_rows(&lanes, 0, lead, space->state);
  for (size_t i = 0; i < AT_ONCE; i++) copy_registers(j, space->state, AT_ONCE, bytes_of_lanes(), i, found.began[i]);
  lanes.params.wanted = wanted;
  run_series(&lanes, lead, space);
  for (size_t i = 0; i < AT_ONCE; i++) {
    copy_registers(j, space->state, AT_ONCE, bytes_of_lanes(), i, found.ended[i]);
    gap |= assay_indicator_has_gap(j, space->state + i * size);
  }
  if (gap) {
    memcpy(space->state, j->size == sizeof(double) ? (const void *)&(double){NAN} : (const void *)&(float){NAN}, size);
  } else if (fades) {
    redo_parts_that_do_not_fit(b, lead, part, &found, space->state);
  }
  return true;
}

static assay_status run_chunk(const assay_indicator_job *j, size_t first, size_t count, assay_indicator_workspace *space) {
  batch b = {
      .j = j, .function = j->kernels.lanes, .rows = j->rows, .series = count, .row_step = j->row_step, .series_step = j->series_step};
  for (unsigned k = 0; k < j->indicator->input_count; k++) b.in[k] = j->in[k] + first * j->series_step * j->size;
  for (unsigned k = 0; k < j->indicator->output_count; k++)
    b.out[k] = j->out[k] == NULL ? NULL : j->out[k] + first * j->series_step * j->size;
  if (count == 1) {
    b.function = j->kernels.one;
    if (j->row_step != 1 || !run_cut(&b, space)) run_one(&b, space);
  } else {
    begin_state(&b, space->state);
    if (j->series_step == 1) {
      run_table(&b, space);
    } else {
      run_series(&b, 0, space);
    }
  }
  return redo_gaps(j, first, count, space);
}

/* ---- The whole job ----------------------------------------------------------------------------------------------------------------- */

typedef struct crew {
  const assay_indicator_job *j;
  size_t at_once;
  atomic_size_t next;
  atomic_int status;
} crew;

static void *work(void *context) {
  crew *c = context;
  const assay_indicator_job *j = c->j;
  assay_indicator_workspace space = {.state = assay_alloc(ASSAY_TAG_QUANT, assay_indicator_state_bytes(j, c->at_once))};
  assay_status status = space.state == NULL ? ASSAY_ERR_NO_MEMORY : ASSAY_OK;
  while (status == ASSAY_OK && atomic_load(&c->status) == ASSAY_OK) {
    size_t first = atomic_fetch_add(&c->next, c->at_once);
    if (first >= j->series) break;
    status = run_chunk(j, first, j->series - first < c->at_once ? j->series - first : c->at_once, &space);
  }
#if defined(__x86_64__)
  _mm_sfence(); /* stores past the cache wait for no release: others may read them once the call has returned */
#endif
  if (status != ASSAY_OK) atomic_store(&c->status, status);
  assay_free(space.state);
  assay_free(space.aside);
  assay_free(space.packed);
  return NULL;
}

enum { MOST_THREADS = 256 };

static assay_status run(const assay_indicator_job *j, unsigned threads, assay_error *err) {
  crew c = {.j = j, .at_once = j->series_step == 1 ? TABLE_SERIES : j->lanes_turn ? AT_ONCE : 1};
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

/* More than this does not stay in the cache that one core has to itself. */
enum { PAST_CACHE_BYTES = 4 << 20 };

static assay_status check_given(const void *indicator, const void *data, const void *outputs, assay_error *err) {
  if (indicator != NULL && data != NULL && outputs != NULL) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_indicator_run needs %s (NULL)",
                    indicator == NULL ? "an indicator"
                    : data == NULL    ? "data"
                                      : "an array of outputs");
}

static assay_status run_any(assay_indicator_job *j, const double *parameters, assay_indicator_layout layout, const size_t *lengths,
                            const assay_indicator_options *options, assay_error *err) {
  assay_status status = assay_indicator_prepare(j->indicator, parameters, err, &j->params);
  if (status == ASSAY_OK && layout != ASSAY_INDICATOR_TIME_MAJOR && layout != ASSAY_INDICATOR_SERIES_MAJOR)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: there is no layout %d", j->indicator->name, (int)layout);
  if (status != ASSAY_OK) return status;
  status = check_shape(j, lengths, err);
  if (status != ASSAY_OK) return status;
  j->kernels = assay_indicator_kernels_of(j->indicator, j->size == sizeof(double) ? 64 : 32);
  bool time_major = layout == ASSAY_INDICATOR_TIME_MAJOR && j->series > 1;
  size_t wanted = 0;
  for (unsigned k = 0; k < j->indicator->output_count; k++) wanted += j->out[k] != NULL;
  j->past_cache = wanted * j->rows * j->series * j->size > PAST_CACHE_BYTES;
  j->turns = assay_turns_best();
  j->lanes_turn = assay_kernel_variant_best() != ASSAY_KERNEL_VARIANT_c;
  j->params.slow_roots = assay_isa_has_slow_roots();
  j->row_step = time_major ? j->series : 1;
  j->series_step = time_major ? 1 : j->rows;
  if (wanted == 0) return ASSAY_OK;
  if (options != NULL && options->device != NULL) return assay_indicator_run_on_device(j, options, err);
  return run(j, options == NULL ? 1 : options->threads, err);
}

assay_status assay_indicator_run(const assay_indicator *indicator, const double *parameters, const assay_indicator_data *data,
                                 const assay_indicator_options *options, assay_error *err, double *const *outputs) {
  ASSAY_FLOAT_USUAL;
  assay_status given = check_given(indicator, data, outputs, err);
  if (given != ASSAY_OK) return given;
  assay_indicator_job j = {.indicator = indicator, .size = sizeof(double), .rows = data->rows, .series = data->series};
  for (unsigned k = 0; k < indicator->input_count; k++) j.in[k] = (const char *)data->values[indicator->inputs[k]];
  for (unsigned k = 0; k < indicator->output_count; k++) j.out[k] = (char *)outputs[k];
  return run_any(&j, parameters, data->layout, data->lengths, options, err);
}

assay_status assay_indicator_run_f32(const assay_indicator *indicator, const double *parameters, const assay_indicator_data_f32 *data,
                                     const assay_indicator_options *options, assay_error *err, float *const *outputs) {
  ASSAY_FLOAT_USUAL;
  assay_status given = check_given(indicator, data, outputs, err);
  if (given != ASSAY_OK) return given;
  assay_indicator_job j = {.indicator = indicator, .size = sizeof(float), .rows = data->rows, .series = data->series};
  for (unsigned k = 0; k < indicator->input_count; k++) j.in[k] = (const char *)data->values[indicator->inputs[k]];
  for (unsigned k = 0; k < indicator->output_count; k++) j.out[k] = (char *)outputs[k];
  return run_any(&j, parameters, data->layout, data->lengths, options, err);
}
