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
