/* SPDX-License-Identifier: MIT */
/* Commands, on the device whose commands run late and on the one whose commands run at once. */
#include "device/dummy/dummy.h"
#include "fake.h"

static const char *const names[] = {"dummy", "cpu"};

static assay_device *open_named(const char *name) {
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_device_open(name, &err, &device), err);
  return device;
}

static void what_is_written_is_read_back(void **state) {
  (void)state;
  for (int n = 0; n < 2; n++) {
    assay_device *device = open_named(names[n]);
    assay_error err = {0};
    assay_stream *stream = NULL;
    assay_buffer *a = NULL, *b = NULL;
    uint32_t in[100], out[100] = {0};
    for (uint32_t i = 0; i < 100; i++) in[i] = i * i;
    assert_ok(assay_stream_create(device, &err, &stream), err);
    assert_ok(assay_buffer_alloc(stream, sizeof in, "a", &err, &a), err);
    assert_ok(assay_buffer_alloc(stream, sizeof in, "b", &err, &b), err);
    assert_ok(assay_buffer_write(stream, a, 0, in, sizeof in, &err), err);
    assert_ok(assay_buffer_fill(stream, b, 0, 77, sizeof in, &err), err);
    assert_ok(assay_buffer_copy(stream, b, 40, a, 80, 120, &err), err);
    assert_ok(assay_buffer_read(stream, b, 0, out, sizeof out, &err), err);
    assert_ok(assay_stream_sync(stream, &err), err);
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(out[i], i >= 10 && i < 40 ? (i + 10) * (i + 10) : 77);
    assay_buffer_free(a), assay_buffer_free(b);
    assay_stream_destroy(stream);
    assay_device_close(device);
  }
}

static void arguments_that_are_wrong_are_refused(void **state) {
  (void)state;
  assay_device *device = open_named("dummy"), *other = open_named("cpu");
  assay_error err = {0};
  assay_stream *stream = NULL, *elsewhere = NULL;
  assay_buffer *a = NULL, *foreign = NULL;
  char bytes[64] = {0};
  mc_european_params params = small_params(1);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_stream_create(other, &err, &elsewhere), err);
  assert_ok(assay_buffer_alloc(stream, 64, "a", &err, &a), err);
  assert_ok(assay_buffer_alloc(elsewhere, 64, "foreign", &err, &foreign), err);
#define REFUSED(call) assert_int_equal((call), ASSAY_ERR_INVALID)
  REFUSED(assay_buffer_write(stream, a, 1, bytes, 64, NULL));
  REFUSED(assay_buffer_write(stream, a, 65, bytes, 0, NULL));
  REFUSED(assay_buffer_write(stream, a, 8, bytes, SIZE_MAX, NULL));
  REFUSED(assay_buffer_write(stream, foreign, 0, bytes, 8, NULL));
  REFUSED(assay_buffer_write(stream, NULL, 0, bytes, 8, NULL));
  REFUSED(assay_buffer_read(stream, a, 0, NULL, 8, NULL));
  REFUSED(assay_buffer_fill(stream, a, 2, 0, 4, NULL));
  REFUSED(assay_buffer_fill(stream, a, 0, 0, 7, NULL));
  REFUSED(assay_buffer_copy(stream, a, 0, a, 32, 8, NULL));
  REFUSED(assay_buffer_borrow_in(stream, NULL, 8, "x", NULL, &a));
  REFUSED(assay_stream_launch(stream, "mc_european_f64", 0, &params, sizeof params, &a, 1, NULL));
  REFUSED(assay_stream_launch(stream, "mc_european_f64", 1, &params, sizeof params - 1, &a, 1, NULL));
  REFUSED(assay_stream_launch(stream, "mc_european_f64", 1, &params, sizeof params, NULL, 0, NULL));
  REFUSED(assay_stream_launch(stream, "mc_european_f64", 1, &params, sizeof params, &foreign, 1, NULL));
  REFUSED(assay_stream_sync(NULL, NULL));
#undef REFUSED
  assert_int_equal(assay_stream_launch(stream, "no_such_kernel", 1, &params, sizeof params, &a, 1, &err), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "no_such_kernel"));
  assay_buffer_free(a);
  assay_buffer_free(a); /* twice is once */
  assert_int_equal(assay_buffer_write(stream, a, 0, bytes, 8, NULL), ASSAY_ERR_INVALID);
  assay_buffer_free(NULL);
  assay_buffer_free(foreign);
  assay_stream_destroy(NULL);
  assay_stream_destroy(stream);
  assay_stream_destroy(elsewhere);
  assay_device_close(device);
  assay_device_close(other);
  assay_device_close(NULL);
}

/* On the dummy nothing runs before somebody waits, so only the event can have made the second stream see the first one's bytes. */
static void an_event_orders_two_streams(void **state) {
  (void)state;
  for (int n = 0; n < 2; n++) {
    assay_device *device = open_named(names[n]);
    assay_error err = {0};
    assay_stream *one = NULL, *two = NULL;
    assay_event *begin = NULL, *end = NULL;
    assay_buffer *a = NULL;
    uint32_t word = 0;
    double ns = -1;
    assert_ok(assay_stream_create(device, &err, &one), err);
    assert_ok(assay_stream_create(device, &err, &two), err);
    assert_ok(assay_event_create(device, &err, &begin), err);
    assert_ok(assay_event_create(device, &err, &end), err);
    assert_int_equal(assay_stream_wait(two, end, NULL), ASSAY_ERR_INVALID); /* never recorded */
    assert_ok(assay_buffer_alloc(one, 4, "a", &err, &a), err);
    assert_ok(assay_event_record(begin, one, &err), err);
    assert_ok(assay_buffer_fill(one, a, 0, 4711, 4, &err), err);
    assert_ok(assay_event_record(end, one, &err), err);
    assert_ok(assay_stream_wait(two, end, &err), err);
    assert_ok(assay_buffer_read(two, a, 0, &word, 4, &err), err);
    assert_ok(assay_stream_sync(two, &err), err);
    assert_int_equal(word, 4711);
    assert_ok(assay_event_elapsed(begin, end, &err, &ns), err);
    assert_true(ns >= 0);
    assay_event_destroy(begin), assay_event_destroy(end);
    assay_buffer_free(a);
    assay_stream_destroy(one), assay_stream_destroy(two);
    assay_device_close(device);
  }
}

/* A block that goes from one stream to another waits for what the first still does with it: the reading stands before the filling. */
static void freed_memory_waits_for_the_commands_that_use_it(void **state) {
  (void)state;
  setenv("ASSAY_DUMMY", "memory=8388608", 1);
  const assay_backend *list[] = {assay_backend_dummy()};
  assay_error err = {0};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assay_stream *one = NULL, *two = NULL;
  assay_buffer *a = NULL, *b = NULL;
  uint32_t word = 0;
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "dummy", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &one), err);
  assert_ok(assay_stream_create(device, &err, &two), err);
  assert_ok(assay_buffer_alloc(one, 5 << 20, "a", &err, &a), err);
  assert_ok(assay_buffer_fill(one, a, 0, 1, 4, &err), err);
  assert_ok(assay_buffer_read(one, a, 0, &word, 4, &err), err);
  assay_buffer_free(a);
  assert_ok(assay_buffer_alloc(two, 5 << 20, "b", &err, &b), err); /* there is room for one only */
  assert_ok(assay_buffer_fill(two, b, 0, 2, 4, &err), err);
  assert_ok(assay_stream_sync(two, &err), err); /* the first stream's commands ran before */
  assert_int_equal(word, 1);
  assay_buffer_free(b);
  assay_stream_destroy(one), assay_stream_destroy(two);
  assay_device_close(device);
  assay_registry_destroy(registry);
  unsetenv("ASSAY_DUMMY");
}

static void borrowed_arrays_are_used_in_place_or_copied(void **state) {
  (void)state;
  for (int n = 0; n < 2; n++) {
    assay_device *device = open_named(names[n]);
    assay_error err = {0};
    assay_stream *stream = NULL;
    assay_buffer *in = NULL, *out = NULL;
    const uint32_t source[3] = {1, 2, 3};
    uint32_t target[3] = {0};
    assert_ok(assay_stream_create(device, &err, &stream), err);
    assert_ok(assay_buffer_borrow_in(stream, source, sizeof source, "in", &err, &in), err);
    assert_ok(assay_buffer_borrow_out(stream, target, sizeof target, "out", &err, &out), err);
    assert_true((assay_buffer_host(out) == target) == (n == 1));
    assert_ok(assay_buffer_copy(stream, out, 0, in, 0, sizeof source, &err), err);
    assert_ok(assay_buffer_give_back(stream, out, &err), err);
    assert_ok(assay_buffer_give_back(stream, in, &err), err);
    assert_ok(assay_buffer_give_back(stream, NULL, &err), err);
    assert_ok(assay_stream_sync(stream, &err), err);
    assert_memory_equal(target, source, sizeof source);
    assay_stream_destroy(stream);
    assay_device_close(device);
  }
}

static void debug_mode_is_on_or_off(void **state) {
  (void)state;
  const assay_backend *list[] = {assay_backend_dummy()};
  static const char *const words[] = {"no", "2", "true"};
  for (size_t i = 0; i < 3; i++) {
    assay_error err = {0};
    assay_registry *registry = NULL;
    assay_device *device = NULL;
    assert_ok(assay_registry_create(list, 1, &err, &registry), err);
    setenv("ASSAY_DEBUG", words[i], 1);
    assert_int_equal(assay_registry_open(registry, "dummy", &err, &device), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "ASSAY_DEBUG="));
    setenv("ASSAY_DEBUG", "0", 1);
    err = (assay_error){0};
    assert_ok(assay_registry_open(registry, "dummy", &err, &device), err);
    assay_device_close(device);
    assay_registry_destroy(registry);
    unsetenv("ASSAY_DEBUG");
  }
}

static void debug_mode_shows_fresh_memory_as_nan(void **state) {
  (void)state;
  setenv("ASSAY_DEBUG", "1", 1);
  const assay_backend *list[] = {assay_backend_dummy()};
  assay_error err = {0};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "dummy", &err, &device), err);
  assay_stream *stream = NULL;
  assay_buffer *a = NULL;
  double values[4] = {0};
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, sizeof values, "a", &err, &a), err);
  assert_ok(assay_buffer_read(stream, a, 0, values, sizeof values, &err), err); /* waits by itself */
  for (int i = 0; i < 4; i++) assert_true(values[i] != values[i]);
  assay_buffer_free(a);
  assay_stream_destroy(stream);
  assay_device_close(device);
  assay_registry_destroy(registry);
  unsetenv("ASSAY_DEBUG");
}

static void streams_are_limited_and_come_back(void **state) {
  (void)state;
  assay_device *device = open_named("dummy");
  assay_error err = {0};
  assay_stream *streams[ASSAY_POOL_STREAMS] = {0}, *more = NULL;
  for (int i = 0; i < ASSAY_POOL_STREAMS; i++) assert_ok(assay_stream_create(device, &err, &streams[i]), err);
  assert_int_equal(assay_stream_create(device, &err, &more), ASSAY_ERR_LIMIT);
  assert_null(more);
  assay_stream_destroy(streams[17]);
  assay_error_clear(&err);
  assert_ok(assay_stream_create(device, &err, &streams[17]), err);
  for (int i = 0; i < ASSAY_POOL_STREAMS; i++) assay_stream_destroy(streams[i]);
  assay_device_close(device);
}

static void the_dummy_takes_only_what_it_knows(void **state) {
  (void)state;
  static const char *const wrong[] = {"memory", "memory=", "memory=x", "alloc=-1", "speed=3", "=1", "launch=1;sync=2"};
  assay_dummy_options options = {0};
  assay_error err = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(assay_dummy_parse(wrong[i], NULL, &options), ASSAY_ERR_INVALID);
  assert_ok(assay_dummy_parse("memory=1024,launch=3,", &err, &options), err);
  assert_int_equal(options.memory, 1024);
  assert_int_equal(options.launch, 3);
  assert_int_equal(options.sync, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_back),
      cmocka_unit_test(arguments_that_are_wrong_are_refused),
      cmocka_unit_test(an_event_orders_two_streams),
      cmocka_unit_test(freed_memory_waits_for_the_commands_that_use_it),
      cmocka_unit_test(borrowed_arrays_are_used_in_place_or_copied),
      cmocka_unit_test(debug_mode_is_on_or_off),
      cmocka_unit_test(debug_mode_shows_fresh_memory_as_nan),
      cmocka_unit_test(streams_are_limited_and_come_back),
      cmocka_unit_test(the_dummy_takes_only_what_it_knows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
