/* SPDX-License-Identifier: MIT */
/* Matrix products on every device that has them, against the host's own: a real GPU's, or cuBLASLt's stand-in over the driver's stand-in.
 */
#include <assay/device.h>
#include <assay/gemm.h>

#include <math.h>

#include "base/random.h"
#include "test.h"

enum { MOST = 60, ROOM = 5000 };

static double values[3][ROOM], want[ROOM], got[ROOM];

static void put(double *array, size_t at, assay_dtype type, double value) {
  if (type == ASSAY_F64) array[at] = value;
  if (type == ASSAY_F32) ((float *)array)[at] = (float)value;
}
static double take(const double *array, size_t at, assay_dtype type) {
  return type == ASSAY_F64 ? array[at] : (double)((const float *)array)[at];
}

static assay_gemm_args random_args(assay_random *random, assay_dtype type) {
  static const double factors[] = {1, -0.75, 0};
  bool ta = assay_random_below(random, 2) == 1, tb = assay_random_below(random, 2) == 1;
  size_t m = 1 + assay_random_below(random, MOST), n = 1 + assay_random_below(random, MOST), k = 1 + assay_random_below(random, MOST);
  size_t extra = assay_random_below(random, 2) * 4;
  assay_gemm_args args = {.type = type, .transpose_a = ta, .transpose_b = tb, .m = m, .n = n, .k = k};
  args.alpha = factors[assay_random_below(random, 3)], args.beta = factors[assay_random_below(random, 3)];
  args.stride_a = (ta ? m : k) + extra, args.stride_b = (tb ? k : n) + extra, args.stride_c = n + extra;
  for (size_t i = 0; i < ROOM; i++) {
    for (int matrix = 0; matrix < 3; matrix++) put(values[matrix], i, type, assay_random_unit(random) - 0.5);
    put(want, i, type, take(values[2], i, type));
  }
  return args;
}

static void check(assay_device *device, assay_random *random, assay_dtype type) {
  assay_gemm_args args = random_args(random, type);
  assay_gemm_args host = args;
  host.a = values[0], host.b = values[1], host.c = want;
  assay_error err = {0};
  assert_ok(assay_gemm(&host, ASSAY_GEMM_BUILTIN, &err), err);
  size_t bytes = ROOM * assay_dtype_size(type);
  assay_stream *stream = NULL;
  assay_buffer *buffers[3] = {0};
  assert_ok(assay_stream_create(device, &err, &stream), err);
  for (int i = 0; i < 3; i++) {
    assert_ok(assay_buffer_alloc(stream, bytes, "matrix", &err, &buffers[i]), err);
    assert_ok(assay_buffer_write(stream, buffers[i], 0, values[i], bytes, &err), err);
  }
  assert_ok(assay_stream_gemm(stream, &args, buffers[0], buffers[1], buffers[2], &err), err);
  assert_ok(assay_buffer_read(stream, buffers[2], 0, got, bytes, &err), err);
  assert_ok(assay_stream_sync(stream, &err), err);
  double tolerance = (type == ASSAY_F64 ? 0x1p-52 : 0x1p-23) * (double)(args.k + 2) * 0.25 * (double)(args.k + 1);
  for (size_t i = 0; i < ROOM; i++) { /* also what lies between the rows and behind them */
    if (fabs(take(got, i, type) - take(want, i, type)) <= tolerance) continue;
    fail_msg("%s, %s, %zu x %zu x %zu%s%s, alpha %g, beta %g: element %zu is %g, not %g", assay_device_get_info(device)->id,
             assay_dtype_text(type), args.m, args.n, args.k, args.transpose_a ? ", A transposed" : "",
             args.transpose_b ? ", B transposed" : "", args.alpha, args.beta, i, take(got, i, type), take(want, i, type));
  }
  for (int i = 0; i < 3; i++) assay_buffer_free(buffers[i]);
  assay_stream_destroy(stream);
}

static void devices_multiply_as_the_host_does(void **state) {
  (void)state;
  assay_device_row rows[16];
  size_t count = assay_device_list(rows, 16), tested = 0;
  assay_random random;
  assay_random_init(&random, 6);
  for (size_t i = 0; i < count && i < 16; i++) {
    assay_device *device = NULL;
    if (!rows[i].available || assay_device_open(rows[i].info.id, NULL, &device) != ASSAY_OK) continue;
    if (assay_device_supports(device, "gemm_f32")) {
      for (int round = 0; round < 40; round++) check(device, &random, round % 2 == 0 ? ASSAY_F32 : ASSAY_F64);
      print_message("%s: products are the host's\n", rows[i].info.id);
      tested++;
    }
    assay_device_close(device);
  }
  assert_true(tested >= 1); /* the cpu always */
}

/* What cuBLASLt works in comes from the pool: statistics and limits see it, and a second product gets it without asking the device. */
static void the_room_of_a_product_is_the_pool_s(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  if (assay_device_open("cuda", NULL, &device) != ASSAY_OK) skip();
  if (!assay_device_supports(device, "gemm_f64")) {
    assay_device_close(device);
    skip();
  }
  assay_stream *stream = NULL;
  assay_buffer *x = NULL, *y = NULL;
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, 4096, "factor", &err, &x), err);
  assert_ok(assay_buffer_alloc(stream, 4096, "product", &err, &y), err);
  const assay_gemm_args args = {.type = ASSAY_F64, .m = 4, .n = 4, .k = 4, .alpha = 1};
  assay_memory_stats before, after;
  assert_ok(assay_stream_gemm(stream, &args, x, x, y, &err), err);
  assay_device_memory(device, &before);
  assert_true(before.peak_live_bytes >= UINT64_C(32) << 20);
  assert_int_equal(before.live_buffers, 2);
  assert_ok(assay_stream_gemm(stream, &args, x, x, y, &err), err);
  assay_device_memory(device, &after);
  assert_int_equal(after.allocations, before.allocations + 1);
  assert_int_equal(after.hits, before.hits + 1);
  assert_ok(assay_stream_sync(stream, &err), err);

  uint64_t limit = after.limit_bytes;
  assay_device_trim(device, 0);
  assay_device_set_memory_limit(device, UINT64_C(8) << 20);
  assert_int_equal(assay_stream_gemm(stream, &args, x, x, y, &err), ASSAY_ERR_NO_MEMORY);
  assert_non_null(strstr(err.message, "room for a matrix product"));
  assay_device_set_memory_limit(device, limit);
  assay_buffer_free(x), assay_buffer_free(y);
  assay_stream_destroy(stream);
  assay_device_close(device);
}

static void wrong_arguments_are_refused(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *small = NULL, *large = NULL, *other = NULL;
  assert_ok(assay_device_open("cpu", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, 100, "small", &err, &small), err);
  assert_ok(assay_buffer_alloc(stream, 1000, "large", &err, &large), err);
  assert_ok(assay_buffer_alloc(stream, 1000, "other", &err, &other), err);
  const assay_gemm_args args = {.type = ASSAY_F64, .m = 4, .n = 4, .k = 4, .alpha = 1};
  assert_int_equal(assay_stream_gemm(stream, &args, large, large, small, &err), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "C needs 128 bytes, its buffer has 100"));
  assert_int_equal(assay_stream_gemm(stream, &args, small, large, other, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stream_gemm(stream, &args, NULL, large, other, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stream_gemm(stream, &args, large, other, other, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_stream_gemm(NULL, &args, large, large, other, NULL), ASSAY_ERR_INVALID);
  assay_gemm_args odd = args;
  odd.type = ASSAY_BF16;
  assert_int_equal(assay_stream_gemm(stream, &odd, large, large, other, NULL), ASSAY_ERR_INVALID);
  assay_buffer_free(small), assay_buffer_free(large), assay_buffer_free(other);
  assay_stream_destroy(stream);
  assay_device_close(device);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(devices_multiply_as_the_host_does),
      cmocka_unit_test(the_room_of_a_product_is_the_pool_s),
      cmocka_unit_test(wrong_arguments_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
