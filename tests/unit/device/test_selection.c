/* SPDX-License-Identifier: MIT */
/* Which device is taken, and why. */
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

static assay_registry *registry_of(unsigned count, fake_backend *const *backends) {
  const assay_backend *list[4];
  assay_error err = {0};
  assay_registry *registry = NULL;
  for (unsigned i = 0; i < count; i++) list[i] = &backends[i]->backend;
  assert_ok(assay_registry_create(list, count, &err, &registry), err);
  return registry;
}

/* A GPU behind two drivers, a processor in OpenCL, and the native one. */
static assay_registry *usual(fake_backend *backends[3]) {
  backends[0] = fake(0, "cuda");
  backends[1] = fake(1, "opencl");
  backends[2] = fake(2, "cpu");
  fake_device(backends[0], "GPU by CUDA", ASSAY_DEVICE_GPU, 10);
  fake_device(backends[0], "second GPU", ASSAY_DEVICE_GPU, 11);
  fake_device(backends[1], "PoCL", ASSAY_DEVICE_CPU, 0);
  fake_device(backends[1], "GPU by OpenCL", ASSAY_DEVICE_GPU, 20);
  fake_device(backends[2], "lanes", ASSAY_DEVICE_CPU, 100);
  return registry_of(3, backends);
}

static void expect(assay_registry *registry, const char *request, const char *name, bool exact) {
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_registry_open(registry, request, &err, &device), err);
  assert_string_equal(assay_device_get_info(device)->name, name);
  assert_int_equal(assay_device_is_exact(device), exact);
  assert_true(strlen(assay_device_reason(device)) > 5);
  assay_device_close(device);
}

static void the_best_is_taken_and_the_rest_by_name(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  unsetenv("ASSAY_DEVICE");
  expect(registry, NULL, "GPU by CUDA", false);
  expect(registry, "auto", "GPU by CUDA", false);
  expect(registry, "cuda:1", "second GPU", true);
  expect(registry, "opencl", "GPU by OpenCL", true);
  expect(registry, "opencl:0", "PoCL", true);
  expect(registry, "cpu", "lanes", true);
  setenv("ASSAY_DEVICE", "opencl:1", 1);
  expect(registry, NULL, "GPU by OpenCL", true);
  expect(registry, "auto", "GPU by CUDA", false); /* who calls with a name means it */
  setenv("ASSAY_DEVICE", "", 1);
  expect(registry, NULL, "GPU by CUDA", false);
  unsetenv("ASSAY_DEVICE");
  assay_registry_destroy(registry);
}

static void the_reason_names_what_was_not_there(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry_destroy(usual(backends));
  backends[0]->count = 0, backends[0]->cause = "libcuda.so.1 is not installed";
  backends[1]->count = 1; /* PoCL */
  assay_registry *registry = registry_of(3, backends);
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  assert_string_equal(assay_device_get_info(device)->name, "lanes");
  assert_non_null(strstr(assay_device_reason(device), "cuda: libcuda.so.1 is not installed"));
  assert_non_null(strstr(assay_device_reason(device), "PoCL"));
  assay_device_close(device);
  assert_int_equal(assay_registry_open(registry, "cuda", &err, &device), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "libcuda.so.1"));
  assay_device_row rows[8];
  assert_int_equal(assay_registry_list(registry, rows, 8), 3);
  assert_string_equal(rows[0].info.name, "lanes");
  assert_string_equal(rows[2].info.id, "cuda");
  assert_false(rows[2].available);
  assert_string_equal(rows[2].cause, "libcuda.so.1 is not installed");
  assay_registry_destroy(registry);
}

/* A driver is loaded when somebody may want it: who names the processor does not. */
static void naming_one_asks_no_other(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  setenv("ASSAY_DEVICE", "cpu", 1);
  expect(registry, NULL, "lanes", true);
  unsetenv("ASSAY_DEVICE");
  assert_int_equal(backends[0]->asked + backends[1]->asked, 0);
  expect(registry, "opencl:1", "GPU by OpenCL", true);
  assert_int_equal(backends[0]->asked, 0);
  assert_int_equal(backends[1]->asked, 1);
  expect(registry, "auto", "GPU by CUDA", false);
  assay_device_row rows[8];
  assert_int_equal(assay_registry_list(registry, rows, 8), 5);
  for (int i = 0; i < 3; i++) assert_int_equal(backends[i]->asked, 1);
  assay_registry_destroy(registry);
}

/* Its driver may end the process when it starts (PoCL does, where it gets no threads), so auto must not start what it would not take. */
static void auto_wakes_no_driver_that_it_would_not_take(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry_destroy(usual(backends));
  backends[0]->count = 0, backends[0]->cause = "no driver";
  backends[1]->count = 1; /* PoCL */
  fake_by_name(backends[1]);
  assay_registry *registry = registry_of(3, backends);
  assay_error err = {0};
  assay_device *device = NULL;
  for (int i = 0; i < 2; i++) {
    assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
    assert_string_equal(assay_device_get_info(device)->name, "lanes");
    assert_string_equal(assay_device_reason(device), "cuda: no driver; opencl (processor) is for those who ask for it; so cpu:0");
    assay_device_close(device);
    assert_ok(assay_registry_open_fallback(registry, &err, &device), err);
    assay_device_close(device);
  }
  assert_int_equal(backends[1]->asked, 0);
  assert_int_equal(backends[1]->looked_at, 1);
  expect(registry, "opencl", "PoCL", true);
  assert_int_equal(backends[1]->asked, 1);
  expect(registry, "auto", "lanes", false);
  assay_device_row rows[8];
  assert_int_equal(assay_registry_list(registry, rows, 8), 3);
  assert_int_equal(backends[1]->asked, 1);
  assay_registry_destroy(registry);
}

static void a_long_cause_ends_after_a_word(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry_destroy(usual(backends));
  backends[0]->count = 0;
  backends[0]->cause =
      "needs libcuda.so.1, which cannot be loaded: libcuda.so.1: cannot open shared object file: No such file or directory; "
      "install the driver";
  assay_registry *registry = registry_of(3, backends);
  backends[1]->count = 1;
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  const char *end = strstr(assay_device_reason(device), " ...; ");
  assert_non_null(end);
  assert_non_null(strstr(backends[0]->cause, "file: No such file"));
  assert_true(strncmp(end - 4, "file", 4) == 0 || strncmp(end - 9, "directory", 9) == 0);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

static void a_device_that_does_not_open_is_passed_over(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  backends[0]->opens = false;
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_registry_open(registry, NULL, &err, &device), err);
  assert_string_equal(assay_device_get_info(device)->id, "opencl:1");
  assert_non_null(strstr(assay_device_reason(device), "its driver is too old"));
  assay_device_close(device);
  assert_int_equal(assay_registry_open(registry, "cuda:0", &err, &device), ASSAY_ERR_UNSUPPORTED);
  assay_registry_destroy(registry);
}

static void what_is_no_device_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *request, *says;
    assay_status status;
  } rows[] = {
      {"cud", "(did you mean cuda?); devices are auto, cuda", ASSAY_ERR_INVALID},
      {"cuda:", "is no", ASSAY_ERR_INVALID},
      {"cuda:x", "no device 'cuda:x'", ASSAY_ERR_INVALID},
      {"cuda:2", "has 2 here", ASSAY_ERR_NOT_FOUND},
      {"cuda:-1", "no device", ASSAY_ERR_INVALID},
      {"AUTO", "no device", ASSAY_ERR_INVALID},
      {"", "no device", ASSAY_ERR_INVALID},
  };
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assay_error err = {0};
    assay_device *device = NULL;
    assert_int_equal(assay_registry_open(registry, rows[i].request, &err, &device), rows[i].status);
    assert_null(device);
    if (i != 1) assert_non_null(strstr(err.message, rows[i].says));
  }
  assay_registry_destroy(registry);
}

static void a_backend_that_lacks_a_hook_is_not_registered(void **state) {
  (void)state;
  fake_backend *odd = fake(0, "odd");
  const assay_backend *list[] = {&odd->backend};
  assay_registry *registry = NULL;
  assay_error err = {0};
  odd->backend.launch = NULL;
  assert_int_equal(assay_registry_create(list, 1, &err, &registry), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "'odd' lacks the hook 'launch'"));
  fake(0, "odd")->backend.unview = NULL;
  assay_error_clear(&err);
  assert_int_equal(assay_registry_create(list, 1, &err, &registry), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "'view'"));
  fake(0, "odd")->backend.version = 99;
  assert_int_equal(assay_registry_create(list, 1, NULL, &registry), ASSAY_ERR_VERSION);
  assert_null(registry);
}

static void one_device_is_shared_by_all_who_open_it(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  assay_error err = {0};
  assay_device *one = NULL, *two = NULL;
  assay_stream *stream = NULL;
  assay_buffer *buffer = NULL;
  assay_memory_stats stats;
  assert_ok(assay_registry_open(registry, "cpu", &err, &one), err);
  assert_ok(assay_registry_open(registry, "cpu", &err, &two), err);
  assert_ok(assay_stream_create(one, &err, &stream), err);
  assert_ok(assay_buffer_alloc(stream, 1000, "x", &err, &buffer), err);
  assay_device_memory(two, &stats);
  assert_int_equal(stats.live_buffers, 1);
  assay_device_close(one); /* the stream keeps it */
  assay_buffer_free(buffer);
  assay_stream_destroy(stream);
  assay_device_close(two);
  assay_registry_destroy(registry);
}

static void the_environment_bounds_the_memory(void **state) {
  (void)state;
  fake_backend *backends[3];
  assay_error err = {0};
  assay_device *device = NULL;
  assay_memory_stats stats;
  assay_registry *registry = usual(backends);
  setenv("ASSAY_MEMORY_FRACTION", "0.25", 1);
  assert_ok(assay_registry_open(registry, "cuda", &err, &device), err);
  assay_device_memory(device, &stats);
  assert_int_equal(stats.limit_bytes, UINT64_C(1) << 28);
  assay_device_close(device);
  static const char *const wrong[] = {"0", "1.5", "-1", "nan", "half"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    setenv("ASSAY_MEMORY_FRACTION", wrong[i], 1);
    assay_error why = {0};
    assert_int_equal(assay_registry_open(registry, "cuda:1", &why, &device), ASSAY_ERR_INVALID);
    assert_non_null(strstr(why.message, wrong[i]));
  }
  unsetenv("ASSAY_MEMORY_FRACTION");
  assay_registry_destroy(registry);
}

/* What is wrong in the environment is what the message is about, not which drivers are missing. */
static void a_wrong_setting_is_the_answer(void **state) {
  (void)state;
  static const char *const settings[][3] = {{"ASSAY_THREADS", "0", "ASSAY_THREADS=0"},
                                            {"ASSAY_MEMORY_FRACTION", "2", "ASSAY_MEMORY_FRACTION=2"},
                                            {"ASSAY_ISA", "c,foo", "ASSAY_ISA: 'foo' is no instruction set; known are c"}};
  fake_backend *absent = fake(0, "cuda");
  absent->cause = "libcuda.so.1 is not installed";
  const assay_backend *list[] = {&absent->backend, assay_backend_cpu()};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assay_error err = {0};
  assert_ok(assay_registry_create(list, 2, &err, &registry), err);
  for (size_t i = 0; i < 3; i++) {
    assay_error_clear(&err);
    setenv(settings[i][0], settings[i][1], 1);
    assert_int_equal(assay_registry_open(registry, "auto", &err, &device), ASSAY_ERR_INVALID);
    assert_ptr_equal(strstr(err.message, settings[i][2]), err.message);
    unsetenv(settings[i][0]);
  }
#if defined(__x86_64__)
  setenv("ASSAY_ISA", "x86-64-v3", 1);
#else
  setenv("ASSAY_ISA", "c", 1);
#endif
  assert_ok(assay_registry_open(registry, "auto", &err, &device), err);
  unsetenv("ASSAY_ISA");
  assay_device_close(device);
  assay_registry_destroy(registry);
}

static void the_processor_is_always_there(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  assert_ok(assay_device_open("cpu", &err, &device), err);
  const assay_device_info *info = assay_device_get_info(device);
  assert_string_equal(info->id, "cpu");
  assert_true(info->name[0] != '\0' && info->memory_bytes > 1 << 20);
  assert_true(assay_device_supports(device, "mc_european_f64"));
  assert_false(assay_device_supports(device, "no such kernel"));
  assay_device_health health;
  assay_device_get_health(device, &health);
  /* What is not known has a cause. */
  if (!(health.power_watts == health.power_watts)) assert_true(health.cause[0] != '\0');
  assay_device_close(device);
  const assay_backend *list[] = {assay_backend_cpu()};
  assay_registry *registry = NULL;
  setenv("ASSAY_THREADS", "many", 1);
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_int_equal(assay_registry_open(registry, "cpu", &err, &device), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "ASSAY_THREADS=many"));
  unsetenv("ASSAY_THREADS");
  assay_registry_destroy(registry);
}

/* ---- Drivers that take their time --------------------------------------------------------------------------------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static const char *closed_to, *waiting;

/* Whoever comes to a closed gate says so and stays until it is opened. */
static void wait_at_gate(const char *what) {
  pthread_mutex_lock(&gate);
  while (closed_to != NULL && strcmp(closed_to, what) == 0) {
    waiting = what;
    pthread_cond_broadcast(&gate_moved);
    pthread_cond_wait(&gate_moved, &gate);
  }
  pthread_mutex_unlock(&gate);
}

static void wait_until_somebody_waits(void) {
  pthread_mutex_lock(&gate);
  while (waiting == NULL) pthread_cond_wait(&gate_moved, &gate);
  pthread_mutex_unlock(&gate);
}

static void set_gate(const char *what) {
  pthread_mutex_lock(&gate);
  closed_to = what;
  waiting = NULL;
  pthread_cond_broadcast(&gate_moved);
  pthread_mutex_unlock(&gate);
}

static void *open_slow(void *registry) {
  assay_device *device = NULL;
  return assay_registry_open(registry, "cuda:0", NULL, &device) == ASSAY_OK ? device : NULL;
}

/* While one driver is loaded, or one device opens, others are opened and listed; who wants the same one gets it from the first. */
static void a_slow_driver_holds_up_nobody_else(void **state) {
  (void)state;
  enum { CALLERS = 3 };
  static const char *const slow[] = {"enumerate", "open"};
  for (size_t i = 0; i < 2; i++) {
    fake_backend *backends[3];
    assay_registry *registry = usual(backends);
    pthread_t callers[CALLERS];
    assay_device *devices[CALLERS];
    backends[0]->wait = wait_at_gate;
    set_gate(slow[i]);
    for (size_t k = 0; k < CALLERS; k++) assert_int_equal(pthread_create(&callers[k], NULL, open_slow, registry), 0);
    wait_until_somebody_waits();
    expect(registry, "cpu", "lanes", true);
    expect(registry, "opencl:1", "GPU by OpenCL", true);
    if (i == 1) {
      assay_device_row rows[8];
      assert_int_equal(assay_registry_list(registry, rows, 8), 5);
      assert_true(rows[0].available);
    }
    set_gate(NULL);
    for (size_t k = 0; k < CALLERS; k++) {
      void *device = NULL;
      pthread_join(callers[k], &device);
      assert_non_null(devices[k] = device);
      assert_ptr_equal(devices[k]->core, devices[0]->core);
    }
    assert_int_equal(backends[0]->asked, 1);
    assert_int_equal(backends[0]->opened, 1);
    for (size_t k = 0; k < CALLERS; k++) assay_device_close(devices[k]);
    assay_registry_destroy(registry);
  }
}

/* One that does not open is not waited for in vain. */
static void who_waits_for_a_device_that_fails_tries_it_himself(void **state) {
  (void)state;
  enum { CALLERS = 3 };
  fake_backend *backends[3];
  assay_registry *registry = usual(backends);
  pthread_t callers[CALLERS];
  backends[0]->wait = wait_at_gate;
  backends[0]->opens = false;
  set_gate("open");
  for (size_t k = 0; k < CALLERS; k++) assert_int_equal(pthread_create(&callers[k], NULL, open_slow, registry), 0);
  wait_until_somebody_waits();
  set_gate(NULL);
  for (size_t k = 0; k < CALLERS; k++) {
    void *device = &device;
    pthread_join(callers[k], &device);
    assert_null(device);
  }
  assert_int_equal(backends[0]->opened, CALLERS);
  assay_registry_destroy(registry);
}

/* A child of fork whose parent was loading a driver or opening a device goes on without it; what does not mind forks is opened there. */
static void a_fork_while_a_device_opens_leaves_nobody_waiting(void **state) {
  (void)state;
  static const char *const slow[] = {"enumerate", "open"};
  for (size_t i = 0; i < 4; i++) {
    fake_backend *backends[3];
    assay_registry *registry = usual(backends);
    backends[0]->backend.of_one_process = i >= 2;
    backends[0]->wait = wait_at_gate;
    set_gate(slow[i % 2]);
    pthread_t caller;
    assert_int_equal(pthread_create(&caller, NULL, open_slow, registry), 0);
    wait_until_somebody_waits();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      alarm(20);
      closed_to = NULL;
      assay_device_row rows[8];
      assay_device *device = NULL, *best = NULL;
      assay_error err = {0};
      assay_status status = assay_registry_open(registry, "cuda:0", &err, &device);
      bool fine = i < 2 ? status == ASSAY_OK : status != ASSAY_OK && strstr(err.message, "forked") != NULL;
      fine = fine && assay_registry_list(registry, rows, 8) > 0;
      fine = fine && assay_registry_open(registry, "auto", NULL, &best) == ASSAY_OK;
      fine = fine && strcmp(assay_device_get_info(best)->name, i < 2 ? "GPU by CUDA" : "GPU by OpenCL") == 0;
      _exit(fine ? 0 : 1);
    }
    set_gate(NULL);
    void *device = NULL;
    pthread_join(caller, &device);
    assert_non_null(device);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assay_device_close(device);
    assay_registry_destroy(registry);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_is_taken_and_the_rest_by_name),
      cmocka_unit_test(the_reason_names_what_was_not_there),
      cmocka_unit_test(naming_one_asks_no_other),
      cmocka_unit_test(auto_wakes_no_driver_that_it_would_not_take),
      cmocka_unit_test(a_long_cause_ends_after_a_word),
      cmocka_unit_test(a_device_that_does_not_open_is_passed_over),
      cmocka_unit_test(what_is_no_device_is_refused),
      cmocka_unit_test(a_backend_that_lacks_a_hook_is_not_registered),
      cmocka_unit_test(one_device_is_shared_by_all_who_open_it),
      cmocka_unit_test(the_environment_bounds_the_memory),
      cmocka_unit_test(a_wrong_setting_is_the_answer),
      cmocka_unit_test(the_processor_is_always_there),
      cmocka_unit_test(a_slow_driver_holds_up_nobody_else),
      cmocka_unit_test(who_waits_for_a_device_that_fails_tries_it_himself),
      cmocka_unit_test(a_fork_while_a_device_opens_leaves_nobody_waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
