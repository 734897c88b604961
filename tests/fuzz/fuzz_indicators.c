/* SPDX-License-Identifier: MIT */
/* Any indicator with any parameters over any numbers: no crash, and the batch is the stream to the bit. */
#include <assay/indicators.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct reader {
  const uint8_t *data;
  size_t size, at;
} reader;

static uint8_t byte(reader *r) { return r->at < r->size ? r->data[r->at++] : 0; }

/* Mostly prices; now and then a gap, or the bytes as they are. */
static double number(reader *r) {
  uint8_t kind = byte(r);
  if (kind < 200) return 100 + kind * 0.25;
  if (kind < 230) return (byte(r) - 128.0) * 1e6;
  if (kind < 240) return NAN;
  double raw = 0;
  uint8_t bytes[8];
  for (size_t i = 0; i < 8; i++) bytes[i] = byte(r);
  memcpy(&raw, bytes, sizeof raw);
  return raw;
}

static double parameter(reader *r, const assay_indicator_parameter *parameter) {
  uint8_t kind = byte(r);
  if (kind < 100) return parameter->usual;
  if (kind < 240) return kind - 100;
  return number(r);
}

static int differs(double a, double b) { return memcmp(&a, &b, sizeof a) != 0 && !(isnan(a) && isnan(b)); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static double in[4][MOST], out[4][MOST];
  reader r = {data, size, 0};
  size_t count;
  const assay_indicator *table = assay_indicator_table(&count), *indicator = &table[byte(&r) % count];
  double parameters[ASSAY_INDICATOR_MAX_PARAMETERS];
  for (unsigned k = 0; k < indicator->parameter_count; k++) parameters[k] = parameter(&r, &indicator->parameters[k]);
  assay_indicator_data d = {.series = 1 + byte(&r) % 20, .values = {in[0], in[1], in[2], in[3]}};
  d.rows = 1 + byte(&r) % (MOST / d.series);
  d.layout = byte(&r) % 2 == 0 ? ASSAY_INDICATOR_SERIES_MAJOR : ASSAY_INDICATOR_TIME_MAJOR;
  for (size_t i = 0; i < d.rows * d.series; i++) {
    for (size_t k = 0; k < 4; k++) in[k][i] = number(&r);
  }
  double *outputs[] = {out[0], out[1], out[2], out[3]};
  assay_error err = {0};
  if (assay_indicator_run(indicator, parameters, &d, NULL, &err, outputs) != ASSAY_OK) return 0;
  assay_indicator_stream *stream;
  if (assay_indicator_stream_create(indicator, parameters, &err, &stream) != ASSAY_OK) abort();
  for (size_t s = 0; s < d.series; s++) {
    assay_indicator_stream_reset(stream);
    for (size_t t = 0; t < d.rows; t++) {
      size_t at = d.layout == ASSAY_INDICATOR_SERIES_MAJOR ? s * d.rows + t : t * d.series + s;
      double row[4], expected[4];
      for (unsigned k = 0; k < indicator->input_count; k++) row[k] = in[indicator->inputs[k]][at];
      assay_indicator_stream_update(stream, row, expected);
      for (unsigned k = 0; k < indicator->output_count; k++) {
        if (differs(out[k][at], expected[k])) abort();
      }
    }
  }
  assay_indicator_stream_destroy(stream);
  return 0;
}
