/* SPDX-License-Identifier: MIT */
/* What the backends say where their libraries are missing: run with a loader that finds none. */
#include "device/backend.h"
#include "device/cuda/api.h"
#include "device/cuda/health.h"
#include "test.h"

static void check(const assay_backend *backend, const char *library) {
  assay_device_info infos[2];
  char cause[256] = "";
  size_t count = backend->enumerate(infos, 2, cause, sizeof cause);
  if (count > 0) {
    printf("%s is here\n", library);
    skip();
  }
  printf("%s\n", cause);
  if (strstr(cause, library) == NULL && strstr(cause, "runs but") == NULL && strstr(cause, "does not start") == NULL &&
      strstr(cause, "driver") == NULL)
    fail_msg("no cause: %s", cause);
}

static void cuda_says_its_cause(void **state) {
  (void)state;
  check(assay_backend_cuda(), "libcuda.so.1");
}

static void opencl_says_its_cause(void **state) {
  (void)state;
  check(assay_backend_opencl(), "libOpenCL.so.1");
}

static void health_says_its_cause(void **state) {
  (void)state;
  assay_device_health health = {.cause = ""};
  assay_cu_health("0000:01:00.0", &health);
  assert_true(health.cause[0] != '\0' || health.temperature_celsius > 0);
}

static void opening_what_is_not_there_fails(void **state) {
  (void)state;
  assay_error err = {0};
  void *device = &device;
  if (assay_cu_load(NULL) == ASSAY_OK) skip();
  assert_int_equal(assay_backend_cuda()->open(0, &err, &device), ASSAY_ERR_UNSUPPORTED);
  assert_ptr_equal(device, &device);
  assert_non_null(strstr(err.message, "CUDA"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cuda_says_its_cause), cmocka_unit_test(opencl_says_its_cause),
                                     cmocka_unit_test(health_says_its_cause), cmocka_unit_test(opening_what_is_not_there_fails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
