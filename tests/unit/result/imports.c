/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>

#include "os/prim.h"

assay_result *import_text(const char *format, const char *text) {
  assay_error err = {0};
  assay_result *result = NULL, *recognised = NULL;
  assert_ok(assay_import_memory("file", text, strlen(text), format, &err, &result), err);
  assert_ok(assay_import_memory("file", text, strlen(text), NULL, &err, &recognised), err);
  assert_string_equal(recognised->run.source, format);
  assay_result_destroy(recognised);
  assert_round_trip(result);
  return result;
}

const char *put_file(const char *folder, const char *name, const char *text) {
  static char path[700];
  assay_error err = {0};
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), folder);
  assert_ok(assay_os_make_dirs(path, &err), err);
  snprintf(path, sizeof path, "%s/%s/%s", test_temp_dir(), folder, name);
  assert_ok(assay_os_write_file(path, text, strlen(text), &err), err);
  return path;
}

assay_result *import_tree(const char *format, const char *relative) {
  char path[700];
  const char *paths[] = {path};
  assay_error err = {0};
  assay_result *r = NULL;
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), relative);
  assert_string_equal(assay_import_recognise(path, &err), format);
  assert_ok(assay_import(paths, 1, NULL, &err, &r), err);
  assert_round_trip(r);
  return r;
}

const char *refused(const char *format, const char *text) {
  static assay_error err;
  assay_result *result = NULL;
  err = (assay_error){0};
  if (assay_import_memory("file", text, strlen(text), format, &err, &result) == ASSAY_OK) fail_msg("accepted: %s", text);
  assert_null(result);
  assert_says(err.message, "file");
  return err.message;
}

const assay_benchmark_result *benchmark(const assay_result *result, const char *suite, const char *name) {
  const assay_benchmark_result *b = assay_result_find(result, suite, name);
  if (b == NULL) {
    for (size_t i = 0; i < result->benchmark_count; i++)
      print_error("there is %s / %s\n", result->benchmarks[i].suite, result->benchmarks[i].name);
    fail_msg("there is no %s / %s", suite, name);
  }
  return b;
}

const assay_metric_result *metric(const assay_result *result, const char *suite, const char *name, const char *wanted) {
  const assay_benchmark_result *b = benchmark(result, suite, name);
  const assay_metric_result *m = assay_benchmark_metric(b, wanted);
  if (m == NULL) {
    for (size_t i = 0; i < b->metric_count; i++) print_error("there is %s\n", b->metrics[i].name);
    fail_msg("%s has no %s", name, wanted);
  }
  return m;
}

void assert_values(const assay_metric_result *m, assay_replicate replicate, size_t count, ...) {
  va_list values;
  assert_string_equal(assay_replicate_text(m->replicate), assay_replicate_text(replicate));
  assert_int_equal(m->process_count, count);
  va_start(values, count);
  for (size_t i = 0; i < count; i++) {
    double expected = va_arg(values, double);
    assert_near(m->processes[i], expected, 1e-12 * (1 + (expected < 0 ? -expected : expected)));
  }
  va_end(values);
}

const assay_fact *fact(const assay_result *result, const char *key) {
  for (size_t i = 0; i < result->fact_count; i++)
    if (strcmp(result->facts[i].key, key) == 0) return &result->facts[i];
  return NULL;
}

void assert_fact(const assay_result *result, const char *key, const char *text) {
  const assay_fact *found = fact(result, key);
  if (found == NULL) fail_msg("there is no fact %s", key);
  assert_int_equal(found->type, ASSAY_FACT_TEXT);
  assert_string_equal(found->text, text);
  assert_string_equal(found->component, "import");
}

void assert_round_trip(const assay_result *result) {
  assay_error err = {0};
  char *first = NULL, *second = NULL;
  assay_result *back = NULL;
  assert_ok(assay_result_to_json(result, &err, &first), err);
  assert_ok(assay_result_from_json(first, strlen(first), &err, &back), err);
  assert_ok(assay_result_to_json(back, &err, &second), err);
  assert_string_equal(first, second);
  assay_string_free(first);
  assay_string_free(second);
  assay_result_destroy(back);
}
