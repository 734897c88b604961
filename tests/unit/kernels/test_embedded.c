/* SPDX-License-Identifier: MIT */
/* The kernel files as drivers see them: whole, once, without a line that a driver's compiler cannot follow. */
#include <ctype.h>

#include "base/alloc.h"
#include "kernels/embedded/embedded.h"
#include "kernels/kernel.h"
#include "test.h"

static size_t count_of(const char *text, const char *word) {
  size_t count = 0;
  for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word)) count++;
  return count;
}

static void every_kernel_has_its_source(void **state) {
  (void)state;
  size_t count = 0;
  const assay_kernel *kernels = assay_kernel_table(&count);
  assert_true(count > 0);
  for (size_t i = 0; i < count; i++) {
    const assay_embedded *file = assay_embedded_find(kernels[i].file);
    if (file == NULL)
      fail_msg("%s is in no embedded file: is \"%s\" in kernel_files of src/kernels/meson.build?", kernels[i].name, kernels[i].file);
    char *source = assay_embedded_source(file);
    assert_non_null(source);
    char base[100];
    snprintf(base, sizeof base, "(%.*s,", (int)(strlen(kernels[i].name) - strlen("_f32")), kernels[i].name);
    if (strstr(source, base) == NULL) fail_msg("%s does not define %s", kernels[i].file, kernels[i].name);
    assay_free(source);
  }
}

static void headers_are_there_once(void **state) {
  (void)state;
  for (const assay_embedded *file = assay_embedded_files; file->file != NULL; file++) {
    char *source = assay_embedded_source(file);
    assert_non_null(source);
    assert_int_equal(count_of(source, "\n#include \""), 0);
    assert_int_equal(count_of(source, "#define ASSAY_KERNELS_DIALECT_H\n"), 1);
    assert_int_equal(count_of(source, "#define ASSAY_KERNELS_DIALECT_OPENCL_H\n"), 1);
    assert_int_equal(count_of(source, "ASSAY_KERNELS_DIALECT_NATIVE_H"), 0);
    assay_free(source);
  }
}

/* Conditionals must still be balanced: a header cut at the wrong line would take half of one with it. */
static void conditionals_are_balanced(void **state) {
  (void)state;
  for (const assay_embedded *file = assay_embedded_files; file->file != NULL; file++) {
    char *source = assay_embedded_source(file), *rest = NULL;
    assert_non_null(source);
    int depth = 0;
    for (char *line = strtok_r(source, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
      while (isspace((unsigned char)*line)) line++;
      if (strncmp(line, "#if", 3) == 0) depth++;
      if (strncmp(line, "#endif", 6) == 0) depth--;
      assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assay_free(source);
  }
}

static void files_have_identities(void **state) {
  (void)state;
  for (const assay_embedded *file = assay_embedded_files; file->file != NULL; file++) {
    assert_int_equal(assay_embedded_hash(file), assay_embedded_hash(file));
    for (const assay_embedded *other = assay_embedded_files; other != file; other++) {
      assert_int_not_equal(assay_embedded_hash(file), assay_embedded_hash(other));
      assert_string_not_equal(file->file, other->file);
    }
  }
  assert_null(assay_embedded_find("montecarlo"));
  assert_null(assay_embedded_find(""));
}

/* A fat binary begins with a fixed word; both precisions are there or none. */
static void binaries_are_cuda(void **state) {
  (void)state;
  for (const assay_embedded *file = assay_embedded_files; file->file != NULL; file++) {
    assert_int_equal(file->fatbin[0].data == NULL, file->fatbin[1].data == NULL);
    for (int i = 0; i < 2 && file->fatbin[i].data != NULL; i++) {
      static const unsigned char start[4] = {0x50, 0xED, 0x55, 0xBA};
      assert_true(file->fatbin[i].end - file->fatbin[i].data > 1000);
      assert_memory_equal(file->fatbin[i].data, start, sizeof start);
    }
  }
  if (assay_embedded_files[0].fatbin[0].data == NULL) printf("this build had no nvcc\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kernel_has_its_source), cmocka_unit_test(headers_are_there_once), cmocka_unit_test(conditionals_are_balanced),
      cmocka_unit_test(files_have_identities),       cmocka_unit_test(binaries_are_cuda),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
