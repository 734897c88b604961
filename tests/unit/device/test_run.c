/* SPDX-License-Identifier: MIT */
/* Work whose device fails in the middle of it. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

enum { GROUPS = 5 };

typedef struct pricing {
  double sums[GROUPS * MC_EUROPEAN_SUMS];
  unsigned begun;
} pricing;

static assay_status price(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  pricing *job = context;
  job->begun++;
  return small_run(device, stream, GROUPS, job->sums, err);
}

/* The dummy as a GPU that auto takes, and the real processor to move to. */
static assay_registry *two_devices(void) {
  fake_backend *gpu = fake(0, "gpu");
  fake_device(gpu, "a GPU", ASSAY_DEVICE_GPU, 10);
  const assay_backend *list[] = {&gpu->backend, assay_backend_cpu()};
  assay_error err = {0};
  assay_registry *registry = NULL;
  assert_ok(assay_registry_create(list, 2, &err, &registry), err);
  return registry;
}

static void expect_sums(const pricing *job) {
  static double reference[GROUPS * MC_EUROPEAN_SUMS];
  mc_european_params params = small_params(GROUPS);
  void *buffers[] = {reference};
  assay_kernel_find("mc_european_f64")->variants[ASSAY_KERNEL_VARIANT_c](&params, buffers, 0, GROUPS);
  assert_true(reference[0] > 0);
  assert_memory_equal(job->sums, reference, sizeof reference);
}

static void all_is_well_on_the_first(void **state) {
  (void)state;
  fake_options(NULL);
  assay_registry *registry = two_devices();
  assay_error err = {0};
  assay_device *device = NULL;
  assay_device_outcome outcome;
  pricing work = {0};
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  assert_ok(assay_device_run(device, price, &work, &err, &outcome), err);
  assert_string_equal(outcome.device, "gpu:0");
  assert_false(outcome.fell_back);
  assert_int_equal(work.begun, 1);
  expect_sums(&work);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

/* Each failure moves the work when auto chose the device, and is returned when it was asked for. */
static void a_failing_device_is_told_and_the_work_moves(void **state) {
  (void)state;
  static const struct {
    const char *options, *says;
    assay_status status;
  } rows[] = {
      {"launch=1", "lost at a launch", ASSAY_ERR_LOST},
      {"sync=1", "lost at a wait", ASSAY_ERR_LOST},
      {"launch_memory=1", "out of memory", ASSAY_ERR_NO_MEMORY},
      {"alloc=1", "80 B wanted for sums", ASSAY_ERR_NO_MEMORY},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int exact = 0; exact < 2; exact++) {
      fake_options(rows[i].options);
      assay_registry *registry = two_devices();
      assay_error err = {0};
      assay_device *device = NULL;
      assay_device_outcome outcome = {.device = "nobody"};
      pricing work = {0};
      assert_ok(assay_registry_open(registry, exact ? "gpu" : "auto", &err, &device), err);
      assay_status status = assay_device_run(device, price, &work, &err, &outcome);
      if (exact) {
        assert_int_equal(status, rows[i].status);
        assert_non_null(strstr(err.message, rows[i].says));
        assert_non_null(strstr(err.message, "gpu:0 was asked for"));
        assert_string_equal(outcome.device, "nobody");
        assert_int_equal(work.begun, 1);
      } else {
        assert_ok(status, err);
        assert_string_equal(outcome.device, "cpu");
        assert_true(outcome.fell_back);
        assert_non_null(strstr(outcome.reason, rows[i].says));
        assert_int_equal(work.begun, 2);
        expect_sums(&work);
      }
      assay_device_close(device);
      assay_registry_destroy(registry);
    }
  }
  fake_options(NULL);
}

static void a_lost_device_is_not_taken_again(void **state) {
  (void)state;
  fake_options("launch=2");
  assay_registry *registry = two_devices();
  assay_error err = {0};
  assay_device *device = NULL, *next = NULL;
  assay_device_outcome outcome;
  assay_device_row rows[4];
  pricing work = {0};
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  assert_ok(assay_device_run(device, price, &work, &err, &outcome), err);
  assert_string_equal(outcome.device, "gpu:0");
  for (int i = 0; i < 3; i++) {
    assert_ok(assay_device_run(device, price, &work, &err, &outcome), err);
    assert_string_equal(outcome.device, "cpu");
    assert_non_null(strstr(outcome.reason, "lost"));
    expect_sums(&work);
  }
  for (int closed = 0; closed < 2; closed++) {
    assert_ok(assay_registry_open(registry, "auto", &err, &next), err);
    assert_string_equal(assay_device_get_info(next)->id, "cpu");
    assert_non_null(strstr(assay_device_reason(next), "lost"));
    assay_device_close(next);
    assert_int_equal(assay_registry_list(registry, rows, 4), 2);
    assert_false(rows[closed].available && strcmp(rows[closed].info.id, "gpu:0") == 0);
    if (!closed) assay_device_close(device);
  }
  fake_options(NULL);
  assay_registry_destroy(registry);
}

/* ---- More work than streams ---------------------------------------------------------------------------------------------------------- */

typedef struct in_turn {
  assay_device *device;
  pricing job;
  assay_status status;
  atomic_bool done;
} in_turn;

static void *run_in_turn(void *user) {
  in_turn *turn = user;
  turn->status = assay_device_run(turn->device, price, &turn->job, NULL, NULL);
  atomic_store(&turn->done, true);
  return NULL;
}

static assay_status nested(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  (void)stream;
  pricing job = {0};
  *(assay_status *)context = assay_device_run(device, price, &job, err, NULL);
  return ASSAY_OK;
}

/* Any thread may price at any time: it waits for its turn. Work within work does not, as all might wait for each other. */
static void more_threads_than_streams(void **state) {
  (void)state;
  fake_options(NULL);
  assay_registry *registry = two_devices();
  assay_error err = {0};
  static in_turn turn;
  assay_stream *streams[ASSAY_POOL_STREAMS];
  assert_ok(assay_registry_open(registry, "gpu", &err, &turn.device), err);
  for (int i = 0; i < ASSAY_POOL_STREAMS; i++) assert_ok(assay_stream_create(turn.device, &err, &streams[i]), err);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_in_turn, &turn), 0);
  usleep(20000);
  assert_false(atomic_load(&turn.done));
  assay_stream_destroy(streams[5]);
  pthread_join(thread, NULL);
  assert_int_equal(turn.status, ASSAY_OK);
  expect_sums(&turn.job);
  assay_status inner = ASSAY_OK;
  assert_ok(assay_device_run(turn.device, nested, &inner, &err, NULL), err);
  assert_int_equal(inner, ASSAY_ERR_LIMIT);
  for (int i = 0; i < ASSAY_POOL_STREAMS; i++) {
    if (i != 5) assay_stream_destroy(streams[i]);
  }
  assay_device_close(turn.device);
  assay_registry_destroy(registry);
}

static assay_status no_view(void *opened, void *memory, size_t offset, size_t bytes, assay_error *err, void **view) {
  (void)opened, (void)memory, (void)offset, (void)bytes, (void)view;
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no more views");
}
static void drop_view(void *opened, void *view) { (void)opened, (void)view; }

/* The status is the same whether the caller wants words or not: the fallback goes by it. */
static void a_failure_without_words_keeps_its_status(void **state) {
  (void)state;
  fake_options(NULL);
  fake_backend *gpu = fake(0, "gpu");
  fake_device(gpu, "a GPU", ASSAY_DEVICE_GPU, 10);
  gpu->backend.view = no_view;
  gpu->backend.unview = drop_view;
  const assay_backend *list[] = {&gpu->backend};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *buffer = NULL;
  assay_error err = {0};
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "gpu", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_int_equal(assay_buffer_alloc(stream, 64, "x", NULL, &buffer), ASSAY_ERR_NO_MEMORY);
  assert_int_equal(assay_buffer_alloc(stream, 64, "x", &err, &buffer), ASSAY_ERR_NO_MEMORY);
  assay_stream_destroy(stream);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

static int syncs;
static assay_status counted_sync(void *opened, void *queue, assay_error *err) {
  syncs++;
  return assay_backend_dummy()->queue_sync(opened, queue, err);
}

/* A device that counts as lost may still write to the caller's arrays until its queue has run dry. */
static void a_stream_of_a_lost_device_is_drained(void **state) {
  (void)state;
  fake_options(NULL);
  fake_backend *gpu = fake(0, "gpu");
  fake_device(gpu, "a GPU", ASSAY_DEVICE_GPU, 10);
  gpu->backend.queue_sync = counted_sync;
  const assay_backend *list[] = {&gpu->backend};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *buffer = NULL;
  assay_error err = {0};
  uint32_t values[64] = {0};
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "gpu", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, sizeof values, "values", &err, &buffer), err);
  assert_ok(assay_buffer_read(stream, buffer, 0, values, sizeof values, &err), err);
  assay_core_note(device->core, ASSAY_ERR_LOST, NULL);
  syncs = 0;
  assay_buffer_free(buffer);
  assay_stream_destroy(stream);
  assert_int_equal(syncs, 1);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

/* Drivers do not survive a fork; the processor's lanes do. */
static void a_child_of_fork_does_not_use_the_parents_driver(void **state) {
  (void)state;
  fake_options(NULL);
  assay_registry *registry = two_devices();
  assay_error err = {0};
  assay_device *device = NULL;
  pricing work = {0};
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  ((assay_backend *)(uintptr_t)device->core->backend)->of_one_process = true;
  assert_ok(assay_device_run(device, price, &work, &err, NULL), err);
  pid_t child = fork();
  if (child == 0) {
    assay_stream *stream = NULL;
    assay_device *other = NULL;
    assay_device_outcome outcome = {.fell_back = false};
    bool fine = assay_stream_create(device, &err, &stream) == ASSAY_ERR_LOST && strstr(err.message, "fork") != NULL;
    fine =
        fine && assay_registry_open(registry, "auto", NULL, &other) == ASSAY_OK && assay_device_get_info(other)->kind == ASSAY_DEVICE_CPU;
    fine = fine && assay_device_run(device, price, &work, NULL, &outcome) == ASSAY_OK && outcome.fell_back;
    _exit(fine ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_ok(assay_device_run(device, price, &work, &err, NULL), err);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

static assay_status wrong(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  (void)device, (void)stream;
  ++*(unsigned *)context;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the strike is negative");
}

static void a_failure_of_the_work_itself_is_not_tried_again(void **state) {
  (void)state;
  fake_options(NULL);
  assay_registry *registry = two_devices();
  assay_error err = {0};
  assay_device *device = NULL;
  unsigned begun = 0;
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  assert_int_equal(assay_device_run(device, wrong, &begun, &err, NULL), ASSAY_ERR_INVALID);
  assert_string_equal(err.message, "the strike is negative");
  assert_int_equal(begun, 1);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

static void the_default_device_is_what_the_environment_says(void **state) {
  (void)state;
  setenv("ASSAY_DEVICE", "dummy", 1);
  fake_options(NULL);
  assay_error err = {0};
  assay_device_outcome outcome;
  pricing work = {0};
  assert_ok(assay_device_run(NULL, price, &work, &err, &outcome), err);
  assert_string_equal(outcome.device, "dummy");
  assert_non_null(strstr(outcome.reason, "ASSAY_DEVICE=dummy"));
  expect_sums(&work);
  assay_device *device = NULL, *again = NULL;
  assert_ok(assay_device_default(&err, &device), err);
  assert_ok(assay_device_default(&err, &again), err);
  assert_ptr_equal(device, again);
  unsetenv("ASSAY_DEVICE");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_is_well_on_the_first),
      cmocka_unit_test(a_failing_device_is_told_and_the_work_moves),
      cmocka_unit_test(a_lost_device_is_not_taken_again),
      cmocka_unit_test(more_threads_than_streams),
      cmocka_unit_test(a_failure_without_words_keeps_its_status),
      cmocka_unit_test(a_stream_of_a_lost_device_is_drained),
      cmocka_unit_test(a_child_of_fork_does_not_use_the_parents_driver),
      cmocka_unit_test(a_failure_of_the_work_itself_is_not_tried_again),
      cmocka_unit_test(the_default_device_is_what_the_environment_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
