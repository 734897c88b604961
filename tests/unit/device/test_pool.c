/* SPDX-License-Identifier: MIT */
/* The memory pool, beside a slow reference and in what it says about itself. */
#include "device/pool.h"

#include <pthread.h>

#include "base/random.h"
#include "fake.h"
#include "pool_script.h"

static void random_operations_agree_with_a_list(void **state) {
  (void)state;
  enum { RUNS = 12, OPS = 500 };
  static unsigned char ops[OPS * 4];
  for (uint64_t seed = 0; seed < RUNS; seed++) {
    assay_random random;
    assay_random_init(&random, seed);
    for (size_t i = 0; i < sizeof ops; i++) ops[i] = (unsigned char)assay_random_next(&random);
    const char *wrong = script_run(ops, sizeof ops);
    if (wrong != NULL) fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
  }
}

/* Every size up to 2^20, then a step of a thousandth: the bound, that classes ascend, and that a class size is its own class. */
static void an_eighth_at_most_is_unused(void **state) {
  (void)state;
  size_t before = 0;
  for (size_t bytes = 1; bytes < (size_t)1 << 44; bytes += bytes < 1 << 16 ? 1 : bytes / 1000) {
    size_t block = assay_pool_class_bytes(bytes, 64);
    assert_true(block >= bytes && block >= before && block % 64 == 0);
    if (bytes >= 8 * 64) assert_true((double)(block - bytes) <= 0.125 * (double)block);
    assert_int_equal(assay_pool_class_bytes(block, 64), block);
    before = block;
  }
}

static assay_registry *registry;

static assay_device *open_dummy(const char *options) {
  fake_options(options);
  const assay_backend *list[] = {assay_backend_dummy()};
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "dummy", &err, &device), err);
  return device;
}

static void close_dummy(assay_device *device) {
  assay_device_close(device);
  assay_registry_destroy(registry);
  fake_options(NULL);
}

static void the_second_of_a_kind_is_a_hit(void **state) {
  (void)state;
  assay_device *device = open_dummy(NULL);
  assay_error err = {0};
  assay_stream *stream = NULL;
  assay_memory_stats stats;
  assay_memory_row rows[8];
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assay_device_memory(device, &stats);
  assert_true(stats.hit_ratio != stats.hit_ratio); /* unknown, not 0 */
  for (int i = 0; i < 100; i++) {
    assay_buffer *buffer = NULL;
    assert_ok(assay_buffer_alloc(stream, 10000 + (size_t)i, "x", &err, &buffer), err);
    assert_int_equal(assay_buffer_bytes(buffer), 10000 + i);
    assert_null(assay_buffer_host(buffer));
    assay_buffer_free(buffer);
  }
  assay_device_memory(device, &stats);
  assert_int_equal(stats.allocations, 100);
  assert_int_equal(stats.hits, 99);
  assert_near(stats.hit_ratio, 0.99, 1e-12);
  assert_int_equal(assay_device_memory_classes(device, rows, 8), 1);
  assert_int_equal(rows[0].class_bytes, 10240);
  assert_int_equal(rows[0].peak_live_bytes, 10240);
  assert_int_equal(rows[0].live_buffers, 0);
  assert_true(assay_device_trim(device, 0) == stats.reserved_bytes);
  assay_stream_destroy(stream);
  close_dummy(device);
}

static void who_holds_the_memory_is_named(void **state) {
  (void)state;
  assay_device *device = open_dummy("memory=40000000");
  assay_error err = {0};
  assay_stream *stream = NULL;
  assay_buffer *large = NULL, *small[3] = {0}, *more = NULL;
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, 20 << 20, "paths", &err, &large), err);
  for (int i = 0; i < 3; i++) assert_ok(assay_buffer_alloc(stream, 2 << 20, "weights", &err, &small[i]), err);
  assert_int_equal(assay_buffer_alloc(stream, 16 << 20, "scenarios", &err, &more), ASSAY_ERR_NO_MEMORY);
  assert_null(more);
  assert_non_null(strstr(err.message, "16.0 MiB wanted for scenarios"));
  assert_non_null(strstr(err.message, "20.0 MiB by paths (1 buffer), 6.000 MiB by weights (3 buffers)"));
  assay_memory_row rows[4];
  assert_int_equal(assay_device_memory_labels(device, rows, 4), 2);
  assert_string_equal(rows[0].label, "paths");
  assert_int_equal(rows[1].live_buffers, 3);
  assay_memory_stats stats;
  assay_device_memory(device, &stats);
  assert_true(stats.pressure >= ASSAY_PRESSURE_MODERATE);
  assay_buffer_free(large);
  assay_error_clear(&err);
  assert_ok(assay_buffer_alloc(stream, 16 << 20, "scenarios", &err, &more), err);
  assay_buffer_free(more);
  for (int i = 0; i < 3; i++) assay_buffer_free(small[i]);
  assay_device_memory(device, &stats);
  assert_int_equal(stats.pressure, ASSAY_PRESSURE_NONE);
  assay_stream_destroy(stream);
  close_dummy(device);
}

static void a_limit_holds_and_can_be_moved(void **state) {
  (void)state;
  assay_device *device = open_dummy(NULL);
  assay_error err = {0};
  assay_stream *stream = NULL;
  assay_buffer *buffer = NULL;
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assay_device_set_memory_limit(device, 1 << 20);
  assert_int_equal(assay_buffer_alloc(stream, 2 << 20, "x", &err, &buffer), ASSAY_ERR_NO_MEMORY);
  assert_non_null(strstr(err.message, "at most 1.000 MiB"));
  assay_device_set_memory_limit(device, 4 << 20);
  assay_error_clear(&err);
  assert_ok(assay_buffer_alloc(stream, 2 << 20, "x", &err, &buffer), err);
  assay_buffer_free(buffer);
  assert_int_equal(assay_buffer_alloc(stream, 0, "x", NULL, &buffer), ASSAY_ERR_INVALID);
  assert_int_equal(assay_buffer_alloc(stream, SIZE_MAX, "x", NULL, &buffer), ASSAY_ERR_NO_MEMORY);
  assay_stream_destroy(stream);
  close_dummy(device);
}

static void what_is_kept_under_a_key_keeps_its_contents(void **state) {
  (void)state;
  assay_device *device = open_dummy("memory=33554432");
  assay_error err = {0};
  assay_stream *one = NULL, *two = NULL;
  assay_buffer *table = NULL, *again = NULL, *large = NULL;
  bool fresh = false;
  uint32_t word = 0;
  assert_ok(assay_stream_create(device, &err, &one), err);
  assert_ok(assay_stream_create(device, &err, &two), err);
  assert_ok(assay_buffer_cached(one, "sobol/1024", 4096, "directions", &err, &fresh, &table), err);
  assert_true(fresh);
  assert_ok(assay_buffer_fill(one, table, 0, 12345, 4096, &err), err);
  /* While it is in use nobody else may see it half written. */
  assert_ok(assay_buffer_cached(two, "sobol/1024", 4096, "directions", &err, &fresh, &again), err);
  assert_true(fresh && again != table);
  assay_buffer_free(again);
  assay_buffer_free(table);
  assay_memory_stats before, after;
  assay_device_memory(device, &before);
  assert_int_equal(before.live_buffers + before.live_bytes + before.requested_bytes, 0); /* what is kept is in nobody's hands */
  assert_int_equal(before.cached_bytes, 4096);
  /* Another stream waits for the one that filled it, which was never synced. */
  assert_ok(assay_buffer_cached(two, "sobol/1024", 4096, "directions", &err, &fresh, &again), err);
  assert_false(fresh);
  assert_ptr_equal(again, table);
  assay_device_memory(device, &after);
  assert_int_equal(after.allocations, before.allocations + 1);
  assert_int_equal(after.hits, before.hits + 1);
  assert_int_equal(after.live_buffers, 1);
  assert_int_equal(after.live_bytes, 4096);
  assert_int_equal(after.cached_bytes, 0);
  assert_ok(assay_buffer_read(two, again, 4092, &word, sizeof word, &err), err);
  assert_ok(assay_stream_sync(two, &err), err);
  assert_int_equal(word, 12345);
  assay_buffer_free(again);
  /* What needs all the memory drives it out. */
  assert_ok(assay_buffer_alloc(one, 28 << 20, "everything", &err, &large), err);
  assay_buffer_free(large);
  assert_ok(assay_buffer_cached(one, "sobol/1024", 4096, "directions", &err, &fresh, &table), err);
  assert_true(fresh);
  assay_buffer_free(table);
  char key[80];
  memset(key, 'k', sizeof key);
  key[79] = '\0';
  assert_int_equal(assay_buffer_cached(one, key, 4096, "x", NULL, &fresh, &table), ASSAY_ERR_INVALID);
  /* What could not be filled is for nobody. */
  assert_ok(assay_buffer_cached(one, "half", 4096, "directions", &err, &fresh, &table), err);
  assay_buffer_discard(table);
  assert_ok(assay_buffer_cached(one, "half", 4096, "directions", &err, &fresh, &table), err);
  assert_true(fresh);
  assay_buffer_free(table);
  assert_ok(assay_buffer_cached(one, "half", 4096, "directions", &err, &fresh, &table), err);
  assert_false(fresh);
  assay_buffer_discard(table);
  assay_stream_destroy(one);
  assay_stream_destroy(two);
  close_dummy(device);
}

static void defragmenting_moves_what_may_be_moved(void **state) {
  (void)state;
  enum { COUNT = 40 };
  assay_device *device = open_dummy(NULL);
  assay_error err = {0};
  assay_stream *stream = NULL;
  assay_buffer *buffers[COUNT];
  assay_memory_stats before, after;
  assert_ok(assay_stream_create(device, &err, &stream), err);
  for (uint32_t i = 0; i < COUNT; i++) {
    assert_ok(assay_buffer_alloc(stream, 1 << 20, "x", &err, &buffers[i]), err);
    assert_ok(assay_buffer_fill(stream, buffers[i], 0, i, 1 << 20, &err), err);
  }
  for (uint32_t i = 0; i < COUNT; i++) {
    if (i % 8 != 0) assay_buffer_free(buffers[i]);
  }
  assay_device_trim(device, 0);
  assay_device_memory(device, &before);
  assert_true(assay_device_defragment(device) > 0);
  assay_device_memory(device, &after);
  assert_true(after.reserved_bytes < before.reserved_bytes);
  assert_int_equal(after.reserved_bytes, 8 << 20); /* one slab */
  assert_int_equal(after.live_bytes, before.live_bytes);
  for (uint32_t i = 0; i < COUNT; i += 8) {
    uint32_t word = UINT32_MAX;
    assert_ok(assay_buffer_read(stream, buffers[i], (1 << 20) - 4, &word, sizeof word, &err), err);
    assert_ok(assay_stream_sync(stream, &err), err);
    assert_int_equal(word, i);
    assay_buffer_free(buffers[i]);
  }
  assay_stream_destroy(stream);
  close_dummy(device);
}

static void a_scope_frees_all_of_its_own(void **state) {
  (void)state;
  assay_device *device = open_dummy(NULL);
  assay_error err = {0};
  assay_stream *stream = NULL;
  assay_memory_stats stats;
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assay_buffer_scope scope = {0};
  for (size_t i = 1; i <= 10; i++) {
    assay_buffer *buffer = NULL;
    assert_ok(assay_scope_alloc(&scope, stream, i * 100, "x", &err, &buffer), err);
  }
  assay_device_memory(device, &stats);
  assert_int_equal(stats.live_buffers, 10);
  assert_int_equal(stats.requested_bytes, 5500);
  assay_scope_end(&scope);
  assay_scope_end(&scope);
  assay_device_memory(device, &stats);
  assert_int_equal(stats.live_buffers, 0);
  assay_stream_destroy(stream);
  close_dummy(device);
}

enum { THREADS = 4, ROUNDS = 1500 };

typedef struct churner {
  assay_device *device;
  unsigned seed;
  bool fine;
} churner;

static void *churn(void *user) {
  churner *self = user;
  assay_stream *stream = NULL;
  assay_buffer *held[16] = {0};
  assay_random random;
  assay_random_init(&random, self->seed);
  self->fine = assay_stream_create(self->device, NULL, &stream) == ASSAY_OK;
  for (int i = 0; i < ROUNDS && self->fine; i++) {
    size_t at = (size_t)assay_random_below(&random, 16);
    assay_buffer_free(held[at]);
    held[at] = NULL;
    size_t bytes = 1 + (size_t)assay_random_below(&random, 5000);
    self->fine = assay_buffer_alloc(stream, bytes, "churn", NULL, &held[at]) == ASSAY_OK;
    /* Nobody else writes here: what is put in stays until it is freed. */
    if (self->fine) memset(assay_buffer_host(held[at]), (int)self->seed, bytes);
    for (size_t k = 0; k < 16; k++) {
      if (held[k] != NULL && *(const char *)assay_buffer_host(held[k]) != (char)self->seed) self->fine = false;
    }
    if (i % 500 == 0) assay_device_trim(self->device, 0);
  }
  for (size_t k = 0; k < 16; k++) assay_buffer_free(held[k]);
  assay_stream_destroy(stream);
  return NULL;
}

static void threads_share_one_pool(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  pthread_t ids[THREADS];
  churner churners[THREADS];
  assert_ok(assay_device_open("cpu", &err, &device), err);
  for (unsigned i = 0; i < THREADS; i++) {
    churners[i] = (churner){.device = device, .seed = i + 1};
    assert_int_equal(pthread_create(&ids[i], NULL, churn, &churners[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(ids[i], NULL);
    assert_true(churners[i].fine);
  }
  assay_memory_stats stats;
  assay_device_memory(device, &stats);
  assert_int_equal(stats.allocations, THREADS * ROUNDS);
  assert_int_equal(stats.live_buffers, 0);
  assay_device_close(device);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_operations_agree_with_a_list),
      cmocka_unit_test(an_eighth_at_most_is_unused),
      cmocka_unit_test(the_second_of_a_kind_is_a_hit),
      cmocka_unit_test(who_holds_the_memory_is_named),
      cmocka_unit_test(a_limit_holds_and_can_be_moved),
      cmocka_unit_test(what_is_kept_under_a_key_keeps_its_contents),
      cmocka_unit_test(defragmenting_moves_what_may_be_moved),
      cmocka_unit_test(a_scope_frees_all_of_its_own),
      cmocka_unit_test(threads_share_one_pool),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
