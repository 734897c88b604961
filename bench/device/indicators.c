/* SPDX-License-Identifier: MIT */
/*
 * Batch indicators over data that is on the device: bench/device/indicators [cuda|opencl]. The rate is of the prices read once and the
 * results written once, over the time between the device's own events; the bar, half of what a copy does on an H200, is for CUDA there.
 * Every result is compared with the processor's, to the bit, but those of series that the device says do not fit: the host does these
 * again.
 */
#include <assay/device.h>
#include <assay/indicators.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/indicators/indicators.h"

static assay_error err;
static bool missed;

static void need(assay_status status) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err.message);
  exit(EXIT_FAILURE);
}

static void *room(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) exit(EXIT_FAILURE);
  return memory;
}

/* Random walks, time-major. */
static double *make_prices(size_t rows, size_t series) {
  double *prices = room(rows * series * sizeof *prices);
  uint64_t state = 1;
  for (size_t i = 0; i < rows * series; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double step = ((double)(state >> 11) * 0x1p-53 - 0.5) * 0.04;
    prices[i] = i < series ? 100 * (1 + step) : prices[i - series] * (1 + step);
  }
  return prices;
}

typedef struct batch {
  assay_device *device;
  assay_stream *stream;
  const double *prices;
  size_t rows, series;
} batch;

/* Rows of `series` numbers, of which those of series that do not fit do not count. */
static size_t count_different(const double *a, const double *b, size_t rows, size_t series, const bool *unfit) {
  size_t different = 0;
  for (size_t i = 0; i < rows * series; i++)
    different += !unfit[i % series] && memcmp(&a[i], &b[i], sizeof *a) != 0 && !(a[i] != a[i] && b[i] != b[i]);
  return different;
}

static void check(const batch *b, const assay_indicator *indicator, unsigned outputs, const double *found, const bool *unfit, char *said,
                  size_t size) {
  size_t plane = b->rows * b->series;
  double *expected = room(outputs * plane * sizeof *expected), *out[ASSAY_INDICATOR_MAX_OUTPUTS] = {NULL};
  for (unsigned k = 0; k < outputs; k++) out[k] = expected + k * plane;
  assay_indicator_data data = {.rows = b->rows, .series = b->series, .layout = ASSAY_INDICATOR_TIME_MAJOR};
  data.values[ASSAY_INDICATOR_CLOSE] = b->prices;
  assay_indicator_options options = {.threads = 16};
  need(assay_indicator_run(indicator, NULL, &data, &options, &err, out));
  size_t different = count_different(expected, found, outputs * b->rows, b->series, unfit);
  if (different > 0) missed = true;
  if (different > 0)
    snprintf(said, size, "%zu RESULTS DIFFER FROM THE PROCESSOR'S", different);
  else
    snprintf(said, size, "every result has the processor's bits");
  free(expected);
}

static void measure(const batch *b, const char *name) {
  const assay_indicator *indicator = assay_indicator_find(name);
  unsigned outputs = strcmp(name, "rsi") == 0 ? 1 : indicator->output_count; /* not its crossings */
  size_t plane = b->rows * b->series, bytes = plane * sizeof(double);
  indicator_params params;
  need(assay_indicator_prepare(indicator, NULL, &err, &params));
  params.rows = b->rows;
  params.in_row = params.out_row = b->series;
  for (unsigned k = 0; k < outputs; k++) {
    params.wanted |= 1u << k;
    params.output[k] = (int64_t)(k * plane);
  }
  unsigned processors = assay_device_get_info(b->device)->compute_units;
  assay_indicator_plan plan = assay_indicator_plan_parts(indicator, b->series, sizeof(double), processors, &params);
  assay_buffer_scope scope = {0};
  assay_buffer *in, *out, *state, *marks;
  need(assay_scope_alloc(&scope, b->stream, bytes, "prices", &err, &in));
  need(assay_scope_alloc(&scope, b->stream, outputs * bytes, "results", &err, &out));
  need(assay_scope_alloc(&scope, b->stream, plan.state_bytes, "states", &err, &state));
  need(assay_scope_alloc(&scope, b->stream, plan.marks_bytes, "marks", &err, &marks));
  need(assay_buffer_write(b->stream, in, 0, b->prices, bytes, &err));
  assay_event *begin, *end;
  need(assay_event_create(b->device, &err, &begin));
  need(assay_event_create(b->device, &err, &end));
  char kernel[64];
  snprintf(kernel, sizeof kernel, "ind_%s_f64", name);
  double best = 1e300;
  for (int round = 0; round < 12; round++) {
    double ns;
    need(assay_event_record(begin, b->stream, &err));
    need(assay_stream_launch(b->stream, kernel, plan.groups, &params, sizeof params, (assay_buffer *[]){in, out, state}, 3, &err));
    need(assay_stream_launch(b->stream, "ind_join_f64", plan.join_groups, &plan.join, sizeof plan.join, (assay_buffer *[]){state, marks}, 2,
                             &err));
    need(assay_event_record(end, b->stream, &err));
    need(assay_event_elapsed(begin, end, &err, &ns));
    if (ns < best) best = ns;
  }
  double *found = room(outputs * bytes);
  uint32_t *marked = room(plan.marks_bytes);
  need(assay_buffer_read(b->stream, out, 0, found, outputs * bytes, &err));
  need(assay_buffer_read(b->stream, marks, 0, marked, plan.marks_bytes, &err));
  need(assay_stream_sync(b->stream, &err));
  size_t apart = 0;
  bool *unfit = room(b->series * sizeof *unfit);
  for (size_t i = 0; i < b->series; i++) {
    unfit[i] = false;
    for (size_t part = 0; part < plan.parts; part++) unfit[i] |= marked[part * params.width + i] != 0;
    apart += unfit[i];
  }
  char said[100], what[100];
  check(b, indicator, outputs, found, unfit, said, sizeof said);
  double rate = 1e-3 * (double)((1 + outputs) * bytes) / best;
  if (rate < 2.1) missed = true;
  snprintf(what, sizeof what, "batch %s, %zu x %zu f64", name, b->series, b->rows);
  printf("%s  %-44s %16s %12.4g %-9s  %.1f us in %zu parts of %llu rows, %zu series done again; %s\n", rate < 2.1 ? "MISSED" : "met   ",
         what, ">= 2.1", rate, "TB/s", best * 1e-3, plan.parts, (unsigned long long)(plan.parts > 1 ? params.part_rows : params.rows),
         apart, said);
  fflush(stdout);
  free(found), free(marked), free(unfit);
  assay_event_destroy(begin), assay_event_destroy(end);
  assay_scope_end(&scope);
}

int main(int argc, char **argv) {
  static const size_t shapes[][2] = {{10000, 1000}, {10000, 4000}, {2000, 50000}};
  batch b = {.device = NULL};
  if (assay_device_open(argc > 1 ? argv[1] : "cuda", &err, &b.device) != ASSAY_OK) {
    printf("%s\n", err.message);
    return 77;
  }
  need(assay_stream_create(b.device, &err, &b.stream));
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    b.rows = shapes[i][0], b.series = shapes[i][1];
    double *prices = make_prices(b.rows, b.series);
    b.prices = prices;
    measure(&b, "rsi");
    measure(&b, "macd");
    measure(&b, "bollinger");
    free(prices);
  }
  assay_stream_destroy(b.stream);
  assay_device_close(b.device);
  return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
