/* SPDX-License-Identifier: MIT */
/* The OpenCL backend on every device that is here: PoCL where nothing else is. */
#include "base/alloc.h"
#include "contract.h"
#include "device/binary_cache.h"
#include "device/opencl/api.h"
#include "device/opencl/program.h"

/* ---- Failures say what happened ------------------------------------------------------------------------------------------------- */

static void errors_have_names(void **state) {
  (void)state;
  assay_error err = {0};
  assert_int_equal(assay_cl_fail(&err, CL_MEM_OBJECT_ALLOCATION_FAILURE, "GPU", "allocating"), ASSAY_ERR_NO_MEMORY);
  assert_string_equal(err.message, "allocating failed on GPU: CL_MEM_OBJECT_ALLOCATION_FAILURE");
  assay_error_clear(&err);
  assert_int_equal(assay_cl_fail(&err, CL_OUT_OF_RESOURCES, "GPU", "a kernel"), ASSAY_ERR_LOST);
  assay_error_clear(&err);
  assert_int_equal(assay_cl_fail(&err, -9999, "GPU", "reading"), ASSAY_ERR_IO);
  assert_string_equal(err.message, "reading failed on GPU: OpenCL error -9999");
}

static bool first_device(cl_platform_id *platform, cl_device_id *device) {
  cl_uint count = 0;
  return assay_cl_load(NULL) == ASSAY_OK && assay_cl.clGetPlatformIDs(1, platform, &count) == CL_SUCCESS && count > 0 &&
         assay_cl.clGetDeviceIDs(*platform, CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU, 1, device, &count) == CL_SUCCESS && count > 0;
}

typedef struct place {
  cl_platform_id platform;
  cl_device_id device;
  cl_context context;
  assay_cl_facts facts;
} place;

static place open_place(void) {
  place p = {0};
  assay_error err = {0};
  if (!first_device(&p.platform, &p.device)) skip();
  assert_ok(assay_cl_get_facts(p.platform, p.device, &err, &p.facts), err);
  p.context = assay_cl.clCreateContext(NULL, 1, &p.device, NULL, NULL, NULL);
  assert_non_null(p.context);
  return p;
}

/* The compiler's own words end in the sentence, with the place in our file. */
static void build_logs_are_passed_on(void **state) {
  (void)state;
  place p = open_place();
  static const char *const parts[] = {"#line 40 \"kernels/wrong.c\"\n", "__kernel void wrong(__global int *x) { x[0] = no_such_thing; }\n",
                                      NULL};
  const assay_embedded wrong = {.file = "wrong", .parts = parts};
  assay_error err = {0};
  cl_program program = NULL;
  assert_int_equal(assay_cl_build(p.context, p.device, &p.facts, &wrong, 32, &err, &program), ASSAY_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "no_such_thing"));
  /* NVIDIA's compiler does not follow #line. */
  assert_true(strstr(err.message, "kernels/wrong.c:40") != NULL || strstr(err.message, "<kernel>:") != NULL);
  assert_null(strchr(err.message, '\n'));
  assert_null(program);
  assay_cl.clReleaseContext(p.context);
}

/* The second build comes from the cache: a source that would not compile proves it, since the key is over the good one. */
static void binaries_are_cached(void **state) {
  (void)state;
  place p = open_place();
  assay_error err = {0};
  static const char *const parts[] = {"__kernel void cached(__global int *x) { x[get_global_id(0)] = 3; }\n", NULL};
  const assay_embedded file = {.file = "cached", .parts = parts};
  char folder[600], command[700];
  snprintf(folder, sizeof folder, "%s/cache", test_temp_dir());
  setenv("ASSAY_CACHE_DIR", folder, 1);
  for (int turn = 0; turn < 3; turn++) {
    cl_program program = NULL;
    assert_ok(assay_cl_build(p.context, p.device, &p.facts, &file, 32, &err, &program), err);
    cl_kernel kernel = assay_cl.clCreateKernel(program, "cached", NULL);
    assert_non_null(kernel);
    assay_cl.clReleaseKernel(kernel);
    assay_cl.clReleaseProgram(program);
    snprintf(command, sizeof command, "test \"$(ls '%s/opencl' | wc -l)\" = 1", folder);
    assert_int_equal(system(command), 0);
    if (turn == 0) continue;
    /* What a full disk or a crash leaves behind is not handed to the driver. */
    snprintf(command, sizeof command, "cd '%s/opencl' && for f in *; do head -c 100 \"$f\" >x && mv x \"$f\"; done", folder);
    assert_int_equal(system(command), 0);
  }
  assay_cl.clReleaseContext(p.context);
}

static void cache_gives_back_what_was_stored(void **state) {
  (void)state;
  char folder[600];
  snprintf(folder, sizeof folder, "%s/plain", test_temp_dir());
  setenv("ASSAY_CACHE_DIR", folder, 1);
  char *data = NULL;
  size_t length = 0;
  assert_false(assay_binary_cache_load("opencl", 5, &data, &length));
  assay_binary_cache_store("opencl", 5, "four", 4);
  assert_false(assay_binary_cache_load("opencl", 6, &data, &length));
  assert_false(assay_binary_cache_load("cuda", 5, &data, &length));
  assert_true(assay_binary_cache_load("opencl", 5, &data, &length));
  assert_int_equal(length, 4);
  assert_memory_equal(data, "four", 4);
  assay_free(data);
}

int main(void) {
  char cache[600];
  snprintf(cache, sizeof cache, "%s/first", test_temp_dir());
  setenv("ASSAY_CACHE_DIR", cache, 1);
  const struct CMUnitTest first[] = {cmocka_unit_test(errors_have_names), cmocka_unit_test(cache_gives_back_what_was_stored),
                                     cmocka_unit_test(build_logs_are_passed_on), cmocka_unit_test(binaries_are_cached)};
  int failed = cmocka_run_group_tests(first, NULL, NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contract_describes_itself),
      cmocka_unit_test(contract_round_trips),
      cmocka_unit_test(contract_copies_and_fills),
      cmocka_unit_test(contract_keeps_order),
      cmocka_unit_test(contract_orders_queues),
      cmocka_unit_test(contract_times_events),
      cmocka_unit_test(contract_gives_same_bits),
      cmocka_unit_test(contract_runs_queues_at_once),
      cmocka_unit_test(contract_refuses_unknown_kernels),
      cmocka_unit_test(contract_says_when_memory_is_out),
      cmocka_unit_test(contract_reopens),
  };
  contract_open(assay_backend_opencl());
  do failed += cmocka_run_group_tests(tests, NULL, NULL);
  while (contract_next());
  return failed;
}
