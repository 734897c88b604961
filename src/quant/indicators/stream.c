/* SPDX-License-Identifier: MIT */
/* One row at a time: the definition of every indicator. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/indicators/indicators.h"

struct assay_indicator_stream {
  assay_indicator_step_fn step;
  unsigned inputs, outputs;
  indicator_rows rows;
  indicator_params params;
  double state[];
};

assay_status assay_indicator_stream_create(const assay_indicator *indicator, const double *parameters, assay_error *err,
                                           assay_indicator_stream **stream) {
  if (indicator == NULL || stream == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_indicator_stream_create needs an indicator and a place for the stream");
  indicator_params params;
  assay_status status = assay_indicator_prepare(indicator, parameters, err, &params);
  if (status != ASSAY_OK) return status;
  params.wanted = ~0u;
  assay_indicator_stream *made = assay_calloc(ASSAY_TAG_QUANT, 1, sizeof *made + params.slots * sizeof(double));
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a stream of %s", indicator->name);
  made->step = assay_indicator_step_of(indicator);
  made->inputs = indicator->input_count;
  made->outputs = indicator->output_count;
  made->params = params;
  *stream = made;
  return ASSAY_OK;
}

void assay_indicator_stream_destroy(assay_indicator_stream *stream) { assay_free(stream); }

void assay_indicator_stream_reset(assay_indicator_stream *stream) {
  stream->rows = (indicator_rows){0};
  memset(stream->state, 0, stream->params.slots * sizeof *stream->state);
}

size_t assay_indicator_stream_bytes(const assay_indicator_stream *stream) {
  return sizeof *stream + stream->params.slots * sizeof *stream->state;
}

void assay_indicator_stream_update(assay_indicator_stream *stream, const double *inputs, double *outputs) {
  bool gap = false;
  for (unsigned k = 0; k < stream->inputs; k++) gap |= assay_indicator_is_gap(inputs[k]);
  if (!gap) {
    stream->step(&stream->params, &stream->rows, stream->state, inputs, outputs);
    return;
  }
  for (unsigned k = 0; k < stream->outputs; k++) outputs[k] = NAN;
}
