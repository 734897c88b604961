/* SPDX-License-Identifier: MIT */
/*
 * Matrix products over device buffers: device_gemm [DEVICE]. The best of some rounds of ten products each, timed by the device's own
 * events; what cuBLASLt does by other ways (torch.matmul, say) is to be measured beside it on the same machine.
 */
#include <assay/device.h>
#include <assay/gemm.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 12, PRODUCTS = 10 };

static assay_error err;

static void need(assay_status status) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err.message);
  exit(EXIT_FAILURE);
}

/* Random bits would be NaNs and infinities; a pattern of small numbers keeps the multipliers as busy as data does. */
static void fill(assay_stream *stream, assay_buffer *buffer, size_t count, assay_dtype type) {
  char *values = malloc(count * assay_dtype_size(type));
  if (values == NULL) exit(EXIT_FAILURE);
  uint64_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value = (double)(state >> 11) * 0x1p-53 - 0.5;
    if (type == ASSAY_F64) ((double *)(void *)values)[i] = value;
    if (type == ASSAY_F32) ((float *)(void *)values)[i] = (float)value;
  }
  need(assay_buffer_write(stream, buffer, 0, values, count * assay_dtype_size(type), &err));
  need(assay_stream_sync(stream, &err));
  free(values);
}

static void measure(assay_device *device, assay_stream *stream, assay_dtype type, size_t n) {
  assay_buffer_scope scope = {0};
  assay_buffer *matrix[3];
  assay_event *begin, *end;
  for (int i = 0; i < 3; i++) {
    need(assay_scope_alloc(&scope, stream, n * n * assay_dtype_size(type), "matrix", &err, &matrix[i]));
    if (i < 2) fill(stream, matrix[i], n * n, type);
  }
  need(assay_event_create(device, &err, &begin));
  need(assay_event_create(device, &err, &end));
  assay_gemm_args args = {.type = type, .m = n, .n = n, .k = n, .alpha = 1};
  double best = 1e300;
  for (int round = 0; round < ROUNDS; round++) {
    double ns;
    need(assay_event_record(begin, stream, &err));
    for (int i = 0; i < PRODUCTS; i++) need(assay_stream_gemm(stream, &args, matrix[0], matrix[1], matrix[2], &err));
    need(assay_event_record(end, stream, &err));
    need(assay_event_elapsed(begin, end, &err, &ns));
    if (ns / PRODUCTS < best) best = ns / PRODUCTS;
  }
  printf("%s %s gemm %zu: %.2f TFLOP/s, %.1f us\n", assay_device_get_info(device)->id, assay_dtype_text(type), n,
         2.0 * (double)n * (double)n * (double)n / best / 1e3, best / 1e3);
  assay_event_destroy(begin);
  assay_event_destroy(end);
  assay_scope_end(&scope);
}

int main(int argc, char **argv) {
  assay_device *device;
  assay_stream *stream;
  need(assay_device_open(argc > 1 ? argv[1] : NULL, &err, &device));
  need(assay_stream_create(device, &err, &stream));
  if (!assay_device_supports(device, "gemm_f32")) {
    printf("%s has no library for matrix products\n", assay_device_get_info(device)->id);
  } else {
    size_t large = assay_device_get_info(device)->kind == ASSAY_DEVICE_GPU ? 8192 : 512;
    for (int single = 0; single < 2; single++) {
      measure(device, stream, single ? ASSAY_F32 : ASSAY_F64, large);
      measure(device, stream, single ? ASSAY_F32 : ASSAY_F64, large / 4);
    }
  }
  assay_stream_destroy(stream);
  assay_device_close(device);
  return EXIT_SUCCESS;
}
