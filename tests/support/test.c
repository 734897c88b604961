/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

void test_assert_near(double actual, double expected, double tolerance, const char *what, const char *file, int line) {
  if (fabs(actual - expected) <= tolerance || actual == expected) return;
  print_error("%s is %.17g, expected %.17g within %g\n", what, actual, expected, tolerance);
  _fail(file, line);
}

void test_assert_ok(assay_status status, const assay_error *err, const char *what, const char *file, int line) {
  if (status == ASSAY_OK) return;
  print_error("%s gave \"%s\": %s\n", what, assay_status_text(status), err->message);
  _fail(file, line);
}

const char *test_shared_path(const char *relative) {
  static char path[4096];
  const char *base = getenv("ASSAY_SHARED_DIR");
  if (base != NULL)
    snprintf(path, sizeof path, "%s/%s", base, relative);
  else
    snprintf(path, sizeof path, "%s/../shared/%s", ASSAY_TEST_SOURCE, relative);
  return access(path, R_OK) == 0 ? path : NULL;
}

void test_skip(const char *why) {
  print_message("skipped: %s\n", why);
  skip();
}

static char *temp_dir;

static void remove_temp_dir(void) {
  assay_os_remove_tree(temp_dir);
  assay_free(temp_dir);
}

const char *test_temp_dir(void) {
  if (temp_dir != NULL) return temp_dir;
  assay_error err = {0};
  if (assay_os_temp_dir(&err, &temp_dir) != ASSAY_OK) {
    print_error("%s\n", err.message);
    exit(1);
  }
  atexit(remove_temp_dir);
  return temp_dir;
}

const char *test_source_path(const char *relative) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/tests/%s", ASSAY_TEST_SOURCE, relative);
  return path;
}

void test_assert_golden(const char *name, const char *text) {
  char relative[200];
  snprintf(relative, sizeof relative, "golden/%s", name);
  const char *path = test_source_path(relative);
  assay_error err = {0};
  if (getenv("ASSAY_GOLDEN_UPDATE") != NULL) {
    assert_ok(assay_os_write_file(path, text, strlen(text), &err), err);
    return;
  }
  char *expected = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(path, 1 << 22, &err, &expected, &length), err);
  if (strcmp(expected, text) != 0) {
    size_t at = 0, line = 1;
    for (; expected[at] == text[at]; at++) line += text[at] == '\n';
    print_error(
        "%s differs from line %zu on; if that is meant: ASSAY_GOLDEN_UPDATE=1 meson test -C build\n  expected: %.120s\n  "
        "actual:   %.120s\n",
        path, line, expected + at, text + at);
    fail();
  }
  assay_free(expected);
}
