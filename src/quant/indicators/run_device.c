/* SPDX-License-Identifier: MIT */
/* A call on a device: everything in one launch, time-major, from one array to another; gaps are then done again here. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/indicators/run.h"
#include "quant/launch.h"

typedef struct launch {
  const assay_indicator_job *j;
  indicator_params params;
  char *in, *out, *state;
  uint32_t *marks; /* of `parts` parts; 0: no GPU, and the state has them */
  size_t in_bytes, out_bytes, state_bytes, parts;
} launch;

/* In parts, and then a look at whether they fit. */
static assay_status launch_parts(assay_quant_session *session, launch *l, const char *name, assay_quant_buffer *buffers[3],
                                 unsigned processors, assay_error *err) {
  unsigned bits = (unsigned)l->j->size * 8;
  indicator_params params = l->params;
  assay_indicator_plan plan = assay_indicator_plan_parts(l->j->indicator, l->j->series, l->j->size, processors, &params);
  l->parts = plan.parts;
  assay_free(l->marks);
  l->marks = assay_calloc(ASSAY_TAG_QUANT, plan.marks_bytes, 1);
  if (l->marks == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu parts of series", plan.parts);
  assay_quant_buffer *join[2];
  assay_status status = assay_quant_scratch(session, plan.state_bytes, "indicator states", err, &buffers[2]);
  if (status == ASSAY_OK) status = assay_quant_out(session, l->marks, plan.marks_bytes, "indicator marks", err, &join[1]);
  if (status == ASSAY_OK) status = assay_quant_launch(session, name, bits, plan.groups, &params, sizeof params, buffers, 3, err);
  join[0] = buffers[2];
  if (status == ASSAY_OK)
    status = assay_quant_launch(session, "ind_join", bits, plan.join_groups, &plan.join, sizeof plan.join, join, 2, err);
  return status;
}

static assay_status device_work(assay_quant_session *session, void *context, assay_error *err) {
  launch *l = context;
  assay_quant_buffer *buffers[3];
  char name[64];
  snprintf(name, sizeof name, "ind_%s", l->j->indicator->name);
  l->parts = 0;
  assay_status status = assay_quant_in(session, l->in, l->in_bytes, "indicator inputs", err, &buffers[0]);
  if (status == ASSAY_OK) status = assay_quant_out(session, l->out, l->out_bytes, "indicator outputs", err, &buffers[1]);
  size_t groups = (l->j->series + ASSAY_KERNEL_GROUP_SIZE - 1) / ASSAY_KERNEL_GROUP_SIZE;
  unsigned processors = assay_quant_gpu_processors(session);
  if (status == ASSAY_OK && processors > 0) {
    status = launch_parts(session, l, name, buffers, processors, err);
  } else if (status == ASSAY_OK) {
    status = assay_quant_out(session, l->state, l->state_bytes, "indicator states", err, &buffers[2]);
    if (status == ASSAY_OK)
      status = assay_quant_launch(session, name, (unsigned)l->j->size * 8, groups, &l->params, sizeof l->params, buffers, 3, err);
  }
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

/* Whether the results of series number i do not count: an input was a gap, or parts do not fit. */
static bool is_to_be_redone(const launch *l, size_t i) {
  if (l->parts == 0) return assay_indicator_has_gap(l->j, l->state + i * l->j->size);
  for (size_t part = 0; part < l->parts; part++) {
    if (l->marks[part * l->params.width + i] != 0) return true;
  }
  return false;
}

static void turn(const assay_indicator_job *j, const char *from, size_t from_step, char *to, size_t to_step, size_t rows, size_t columns) {
  if (j->size == sizeof(double)) {
    j->turns.f64((const double *)(const void *)from, from_step, (double *)(void *)to, to_step, rows, columns);
  } else {
    j->turns.f32((const float *)(const void *)from, from_step, (float *)(void *)to, to_step, rows, columns);
  }
}

/* Between the caller's layout and time-major planes. */
static void copy_plane(const assay_indicator_job *j, const char *from, char *to, bool in) {
  size_t size = j->size;
  if (j->series_step == 1) {
    memcpy(to, from, j->rows * j->series * size);
  } else if (in) {
    turn(j, from, j->series_step, to, j->series, j->series, j->rows);
  } else {
    turn(j, from, j->series, to, j->series_step, j->rows, j->series);
  }
}

static assay_status run_launch(launch *l, const assay_indicator_options *options, assay_error *err) {
  const assay_indicator_job *j = l->j;
  unsigned inputs = j->indicator->input_count, outputs = j->indicator->output_count, placed = 0;
  size_t numbers = j->rows * j->series, plane = numbers * j->size;
  for (unsigned k = 0; k < inputs; k++) {
    l->params.input[k] = (int64_t)(k * numbers);
    copy_plane(j, j->in[k], l->in + k * plane, true);
  }
  for (unsigned k = 0; k < outputs; k++) {
    if (j->out[k] == NULL) continue;
    l->params.wanted |= 1u << k;
    l->params.output[k] = (int64_t)(placed++ * numbers);
  }
  assay_quant_where where;
  assay_status status = assay_quant_run(options->device, device_work, l, err, &where);
  if (status != ASSAY_OK) return status;
  if (options->answered != NULL) snprintf(options->answered, sizeof where.device, "%s", where.device);
  for (unsigned k = 0; k < outputs; k++) {
    if (j->out[k] != NULL) copy_plane(j, l->out + (size_t)l->params.output[k] * j->size, j->out[k], false);
  }
  assay_indicator_workspace space = {.state = assay_alloc(ASSAY_TAG_QUANT, assay_indicator_state_bytes(j, 1))};
  status = space.state == NULL ? ASSAY_ERR_NO_MEMORY : ASSAY_OK;
  for (size_t i = 0; i < j->series && status == ASSAY_OK; i++) {
    if (is_to_be_redone(l, i)) status = assay_indicator_run_without_gaps(j, i, &space);
  }
  assay_free(space.state);
  assay_free(space.packed);
  return status == ASSAY_OK ? ASSAY_OK : ASSAY_FAIL(err, status, "%s: out of memory for series with gaps", j->indicator->name);
}

assay_status assay_indicator_run_on_device(const assay_indicator_job *j, const assay_indicator_options *options, assay_error *err) {
  size_t plane = j->rows * j->series * j->size, wanted = 0;
  for (unsigned k = 0; k < j->indicator->output_count; k++) wanted += j->out[k] != NULL;
  if (j->series > UINT32_MAX / 2)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s: %zu series are too many for a device", j->indicator->name, j->series);
  launch l = {.j = j, .params = j->params, .in_bytes = j->indicator->input_count * plane, .out_bytes = wanted * plane};
  l.state_bytes = assay_indicator_state_bytes(j, j->series);
  l.params.rows = j->rows;
  l.params.series = (uint32_t)j->series;
  l.params.width = (uint32_t)assay_indicator_rounded_up(j->series);
  l.params.in_row = l.params.out_row = j->series;
  l.in = assay_alloc(ASSAY_TAG_QUANT, l.in_bytes);
  l.out = assay_alloc(ASSAY_TAG_QUANT, l.out_bytes);
  l.state = assay_alloc(ASSAY_TAG_QUANT, l.state_bytes);
  assay_status status =
      l.in == NULL || l.out == NULL || l.state == NULL
          ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s: out of memory for %zu rows of %zu series", j->indicator->name, j->rows, j->series)
          : run_launch(&l, options, err);
  assay_free(l.in);
  assay_free(l.out);
  assay_free(l.state);
  assay_free(l.marks);
  return status;
}
