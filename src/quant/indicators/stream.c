/* SPDX-License-Identifier: MIT */
/* One row at a time: the definition of every indicator. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/indicators/indicators.h"

struct assay_indicator_stream {
  const assay_indicator *indicator;
  assay_kernel_fn step;
  indicator_params params;
  size_t count; /* reals of state */
  double state[];
};

assay_status assay_indicator_stream_create(const assay_indicator *indicator, const double *parameters, assay_error *err,
                                           assay_indicator_stream **stream) {
  if (indicator == NULL || stream == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_indicator_stream_create needs an indicator and a place for the stream");
  indicator_params params;
  assay_status status = assay_indicator_prepare(indicator, parameters, err, &params);
  if (status != ASSAY_OK) return status;
  params.rows = params.series = params.width = 1;
  params.wanted = ~0u;
  for (int k = 0; k < 4; k++) params.input[k] = k;
  for (int k = 0; k < 6; k++) params.output[k] = k;
  size_t count = 1 + (size_t)params.slots;
  assay_indicator_stream *made = assay_calloc(ASSAY_TAG_QUANT, 1, sizeof *made + count * sizeof(double));
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a stream of %s", indicator->name);
  made->indicator = indicator;
  made->step = assay_indicator_kernels_of(indicator, 64).one;
  made->params = params;
  made->count = count;
  *stream = made;
  return ASSAY_OK;
}

void assay_indicator_stream_destroy(assay_indicator_stream *stream) { assay_free(stream); }

void assay_indicator_stream_reset(assay_indicator_stream *stream) {
  stream->params.begin = 0;
  memset(stream->state, 0, stream->count * sizeof *stream->state);
}

size_t assay_indicator_stream_bytes(const assay_indicator_stream *stream) { return sizeof *stream + stream->count * sizeof(double); }

void assay_indicator_stream_update(assay_indicator_stream *stream, const double *inputs, double *outputs) {
  bool gap = false;
  for (unsigned k = 0; k < stream->indicator->input_count; k++) gap |= assay_indicator_is_gap(inputs[k]);
  if (gap) {
    for (unsigned k = 0; k < stream->indicator->output_count; k++) outputs[k] = NAN;
    return;
  }
  /* The kernel reads its input only. */
  void *buffers[] = {(void *)(uintptr_t)inputs, outputs, stream->state};
  stream->step(&stream->params, buffers, 0, 1);
  stream->params.begin++;
}
