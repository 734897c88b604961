/* SPDX-License-Identifier: MIT */
/* The CUDA backend: on the real driver where there is one, else on fake_cuda.c, which meson puts in the way of the loader. */
#include <dlfcn.h>
#include <math.h>

#include "base/alloc.h"
#include "contract.h"
#include "device/cuda/api.h"
#include "device/cuda/health.h"
#include "device/cuda/module.h"
#include "fake_cuda.h"
#include "kernels/kernel.h"

static fake_cuda_fail_fn *fail_call; /* NULL: the driver is real */
static fake_cuda_live_fn *live_blocks;

static bool kernel_sizes(const char *name, size_t *params_bytes, size_t *buffers) {
  const assay_kernel *kernel = assay_kernel_find(name);
  if (kernel == NULL) return false;
  *params_bytes = kernel->params_bytes;
  *buffers = kernel->buffers;
  return true;
}

static void run_kernel(const char *name, const void *params, void *const *buffers, size_t groups) {
  assay_kernel_function(assay_kernel_find(name), NULL)(params, buffers, 0, groups);
}

static void connect_fake(void) {
  static const fake_cuda_kernels kernels = {kernel_sizes, run_kernel};
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  fake_cuda_set_fn *set = NULL;
  *(void **)&set = dlsym(library, "fake_cuda_set");
  *(void **)&fail_call = dlsym(library, "fake_cuda_fail");
  *(void **)&live_blocks = dlsym(library, "fake_cuda_live");
  if (set != NULL) set(&kernels);
}

/* ---- Failures ----------------------------------------------------------------------------------------------------------------------- */

typedef struct opened {
  const assay_backend *backend;
  void *device, *queue, *memory;
} opened;

static opened open_fake(void) {
  opened o = {.backend = assay_backend_cuda()};
  assay_error err = {0};
  if (fail_call == NULL) skip();
  assert_ok(o.backend->open(0, &err, &o.device), err);
  assert_ok(o.backend->queue_create(o.device, &err, &o.queue), err);
  assert_ok(o.backend->memory_alloc(o.device, 1000, &err, &o.memory), err);
  return o;
}

static void close_fake(opened *o) {
  o->backend->memory_free(o->device, o->memory);
  o->backend->queue_destroy(o->device, o->queue);
  o->backend->close(o->device);
  assert_int_equal(live_blocks(), 0);
}

/* A kernel that brings the device down shows at the next wait: lost, with the driver's own name. */
static void a_lost_device_is_said(void **state) {
  (void)state;
  opened o = open_fake();
  assay_error err = {0};
  assay_slice slice = {.memory = o.memory, .bytes = 1000};
  fail_call("cuStreamSynchronize", CUDA_ERROR_ILLEGAL_ADDRESS, 0);
  assert_ok(o.backend->fill(o.device, o.queue, &slice, 1, &err), err);
  assert_int_equal(o.backend->queue_sync(o.device, o.queue, &err), ASSAY_ERR_LOST);
  assert_non_null(strstr(err.message, "CUDA_ERROR_ILLEGAL_ADDRESS"));
  assert_non_null(strstr(err.message, "Fake GPU"));
  close_fake(&o);
}

static void every_call_passes_its_failure_on(void **state) {
  (void)state;
  static const struct {
    const char *function;
    int code;
    assay_status status;
  } rows[] = {{"cuMemAlloc_v2", 2, ASSAY_ERR_NO_MEMORY},          {"cuMemAlloc_v2", 719, ASSAY_ERR_LOST},
              {"cuStreamCreate", 2, ASSAY_ERR_NO_MEMORY},         {"cuMemHostAlloc", 2, ASSAY_ERR_NO_MEMORY},
              {"cuModuleLoadDataEx", 214, ASSAY_ERR_LOST},        {"cuModuleGetFunction", 500, ASSAY_ERR_NOT_FOUND},
              {"cuLaunchKernel", 701, ASSAY_ERR_UNSUPPORTED},     {"cuMemcpyDtoHAsync_v2", 700, ASSAY_ERR_LOST},
              {"cuMemcpyHtoDAsync_v2", 46, ASSAY_ERR_UNSUPPORTED}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    opened o = open_fake();
    const assay_backend *b = o.backend;
    assay_error err = {0};
    void *queue = NULL, *memory = NULL, *kernel = NULL;
    unsigned char data[100] = {0}, params[512] = {0};
    assay_slice slice = {.memory = o.memory, .bytes = 100};
    fail_call(rows[i].function, rows[i].code, 0);
    assay_status status = b->memory_alloc(o.device, 5000, &err, &memory);
    if (status == ASSAY_OK) status = b->queue_create(o.device, &err, &queue);
    if (status == ASSAY_OK) status = b->write(o.device, queue, &slice, data, &err);
    if (status == ASSAY_OK) status = b->kernel_find(o.device, "mc_european_f64", &err, &kernel);
    if (status == ASSAY_OK)
      status = b->launch(o.device, queue, kernel, 1, params, assay_kernel_find("mc_european_f64")->params_bytes, &slice, 1, &err);
    if (status == ASSAY_OK) status = b->read(o.device, queue, &slice, data, &err);
    assert_int_equal(status, rows[i].status);
    if (memory != NULL) b->memory_free(o.device, memory);
    if (queue != NULL) {
      b->queue_sync(o.device, queue, NULL);
      b->queue_destroy(o.device, queue);
    }
    close_fake(&o);
  }
}

/* A driver that lacks something has not lost its device. */
static void what_is_missing_is_no_loss(void **state) {
  (void)state;
  static const int unsupported[] = {200, 209, 215, 218, 221, 222, 223, 224, 225, 800, 801, 802, 803, 804};
  static const int lost[] = {3, 4, 214, 220, 700, 702, 714, 715, 716, 717, 718, 719, 999};
  for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
    assert_int_equal(assay_cu_failure_status((CUresult)unsupported[i]), ASSAY_ERR_UNSUPPORTED);
  for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) assert_int_equal(assay_cu_failure_status((CUresult)lost[i]), ASSAY_ERR_LOST);
  assert_int_equal(assay_cu_failure_status((CUresult)400), ASSAY_ERR_INTERNAL);
}

static void opening_can_fail(void **state) {
  (void)state;
  if (fail_call == NULL) skip();
  assay_error err = {0};
  void *device = &device;
  fail_call("cuDevicePrimaryCtxRetain", CUDA_ERROR_OUT_OF_MEMORY, 0);
  assert_int_equal(assay_backend_cuda()->open(0, &err, &device), ASSAY_ERR_NO_MEMORY);
  assert_ptr_equal(device, &device);
  assay_error_clear(&err);
  assert_int_not_equal(assay_backend_cuda()->open(3, &err, &device), ASSAY_OK);
}

/* ---- Kernels that nvcc did not make ---------------------------------------------------------------------- */

/* A device that nvcc's binary does not know gets NVRTC's. */
static void foreign_devices_get_their_own(void **state) {
  (void)state;
  opened o = open_fake();
  assay_error err = {0};
  void *kernel = NULL;
  if (assay_embedded_find("montecarlo/european")->fatbin[0].data != NULL) /* else NVRTC's is the first already */
    fail_call("cuModuleLoadDataEx", CUDA_ERROR_NO_BINARY_FOR_GPU, 0);
  assay_status status = o.backend->kernel_find(o.device, "mc_european_f32", &err, &kernel);
  assert_ok(status, err);
  close_fake(&o);
}

/* ---- Health ------------------------------------------------------------------------------------------------------------------------- */

static void health_is_in_our_units(void **state) {
  (void)state;
  if (fail_call == NULL) skip();
  assay_device_health h = {.power_limit_watts = NAN};
  assay_cu_health("0000:01:00.0", &h);
  assert_near(h.temperature_celsius, 41, 0);
  assert_near(h.power_watts, 123.456, 1e-9);
  assert_true(isnan(h.power_limit_watts));
  assert_near(h.clock_hz, 1.98e9, 0);
  assert_near(h.memory_clock_hz, 3.201e9, 0);
  assert_near(h.max_clock_hz, 2e9, 0);
  assert_near(h.utilisation_ratio, 0.25, 1e-12);
  assert_near(h.memory_free_bytes, 6000, 0);
  assert_string_equal(h.throttled, "power cap, thermal (hardware)");
  assert_string_equal(h.cause, "power limit: Not Supported");
  assay_device_health other = {.temperature_celsius = NAN};
  assay_cu_health("0000:99:00.0", &other);
  assert_true(isnan(other.temperature_celsius));
  assert_non_null(strstr(other.cause, "Not Found"));
}

static void idle_gpus_are_not_throttled(void **state) {
  (void)state;
  char text[128];
  assay_cu_throttle_text(0x1 | 0x2, text, sizeof text);
  assert_string_equal(text, "");
  char little[8];
  assay_cu_throttle_text(~0ull, little, sizeof little);
  assert_true(strlen(little) < sizeof little);
}

int main(void) {
  char cache[600];
  snprintf(cache, sizeof cache, "%s/cache", test_temp_dir());
  setenv("ASSAY_CACHE_DIR", cache, 1);
  connect_fake();
  const struct CMUnitTest fake[] = {cmocka_unit_test(what_is_missing_is_no_loss),    cmocka_unit_test(opening_can_fail),
                                    cmocka_unit_test(a_lost_device_is_said),         cmocka_unit_test(every_call_passes_its_failure_on),
                                    cmocka_unit_test(foreign_devices_get_their_own), cmocka_unit_test(health_is_in_our_units),
                                    cmocka_unit_test(idle_gpus_are_not_throttled)};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contract_describes_itself),        cmocka_unit_test(contract_round_trips),
      cmocka_unit_test(contract_copies_and_fills),        cmocka_unit_test(contract_keeps_order),
      cmocka_unit_test(contract_orders_queues),           cmocka_unit_test(contract_times_events),
      cmocka_unit_test(contract_gives_same_bits),         cmocka_unit_test(contract_gives_results_directly),
      cmocka_unit_test(contract_runs_queues_at_once),     cmocka_unit_test(contract_refuses_unknown_kernels),
      cmocka_unit_test(contract_says_when_memory_is_out), cmocka_unit_test(contract_reopens),
  };
  int failed = 0;
  contract_open(assay_backend_cuda());
  do failed += cmocka_run_group_tests(tests, NULL, NULL);
  while (contract_next());
  return failed + cmocka_run_group_tests(fake, NULL, NULL);
}
