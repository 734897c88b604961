/* SPDX-License-Identifier: MIT */
/* The embedded sources through the real NVRTC, which needs no GPU; skipped where there is none. */
#include "base/alloc.h"
#include "device/cuda/api.h"
#include "device/cuda/module.h"
#include "test.h"

static const assay_cu_target hopper = {"a Hopper", 9, 0};

/* Every kernel file compiles at run time too; needs no GPU. */
static void sources_compile_at_run_time(void **state) {
  (void)state;
  assay_error err = {0};
  if (assay_nvrtc_load(&err) != ASSAY_OK) {
    assert_non_null(strstr(err.message, "libnvrtc"));
    printf("%s\n", err.message);
    skip();
  }
  for (const assay_embedded *file = assay_embedded_files; file->file != NULL; file++) {
    for (unsigned bits = 32; bits <= 64; bits += 32) {
      char *cubin = NULL;
      size_t length = 0;
      assert_ok(assay_cu_compile(&hopper, file, bits, &err, &cubin, &length), err);
      assert_true(length > 1000 && memcmp(cubin,
                                          "\x7F"
                                          "ELF",
                                          4) == 0);
      assay_free(cubin);
    }
  }
}

static void wrong_sources_say_where(void **state) {
  (void)state;
  static const char *const parts[] = {"#line 7 \"kernels/wrong.c\"\n", "extern \"C\" __global__ void k() { no_such_thing(); }\n", NULL};
  const assay_embedded wrong = {.file = "wrong", .parts = parts};
  assay_error err = {0};
  char *cubin = NULL;
  size_t length = 0;
  if (assay_nvrtc_load(NULL) != ASSAY_OK) skip();
  assert_int_equal(assay_cu_compile(&hopper, &wrong, 64, &err, &cubin, &length), ASSAY_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "kernels/wrong.c(7)"));
  assert_non_null(strstr(err.message, "no_such_thing"));
  assert_null(cubin);
}

int main(void) {
  char cache[600];
  snprintf(cache, sizeof cache, "%s/cache", test_temp_dir());
  setenv("ASSAY_CACHE_DIR", cache, 1);
  const struct CMUnitTest tests[] = {cmocka_unit_test(sources_compile_at_run_time), cmocka_unit_test(wrong_sources_say_where)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
