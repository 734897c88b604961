/* SPDX-License-Identifier: MIT */
#include "bench/registry.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"

/* Filled by constructors, in the order of linking. Running out of memory there cannot be said to anyone; it is kept for
 * assay_registry_check. */
static struct {
  const assay_bench_desc **benches;
  size_t bench_count, bench_capacity;
  const assay_suite **suites;
  size_t suite_count, suite_capacity;
  bool failed;
} registry;

static bool grow(void *list, size_t count, size_t *capacity) {
  if (count < *capacity) return true;
  size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
  void *old = NULL;
  memcpy(&old, list, sizeof old);
  void *grown = assay_realloc(ASSAY_TAG_BENCH, old, wanted, sizeof(void *));
  if (grown == NULL) return !(registry.failed = true);
  memcpy(list, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

void assay_bench_register(const assay_bench_desc *desc) {
  if (grow(&registry.benches, registry.bench_count, &registry.bench_capacity)) registry.benches[registry.bench_count++] = desc;
}

void assay_suite_register(const assay_suite *suite) {
  if (grow(&registry.suites, registry.suite_count, &registry.suite_capacity)) registry.suites[registry.suite_count++] = suite;
}

size_t assay_suite_count(void) { return registry.suite_count; }
const assay_suite *assay_suite_at(size_t index) { return index < registry.suite_count ? registry.suites[index] : NULL; }
size_t assay_registry_count(void) { return registry.bench_count; }
const assay_bench_desc *assay_registry_at(size_t index) { return registry.benches[index]; }

static char program_name[64];
static pthread_once_t program_once = PTHREAD_ONCE_INIT;

static void name_program(void) {
  char *path = NULL;
  const char *base = "program";
  if (assay_os_self_path(NULL, &path) == ASSAY_OK) base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
  size_t length = 0;
  for (; base[length] != '\0' && length + 1 < sizeof program_name; length++) {
    char c = base[length];
    program_name[length] = (char)(isalnum((unsigned char)c) || strchr("_.-", c) != NULL ? c : '_');
  }
  program_name[length] = '\0';
  assay_free(path);
}

const char *assay_registry_suite(const assay_bench_desc *desc) {
  if (desc->suite != NULL) return desc->suite;
  pthread_once(&program_once, name_program);
  return program_name;
}

const assay_bench_desc *assay_registry_find(const char *suite, const char *name) {
  for (size_t i = 0; i < registry.bench_count; i++) {
    const assay_bench_desc *desc = registry.benches[i];
    if (strcmp(desc->name, name) == 0 && strcmp(assay_registry_suite(desc), suite) == 0) return desc;
  }
  return NULL;
}

static bool is_name(const char *text) {
  if (text == NULL || text[0] == '\0') return false;
  for (; *text != '\0'; text++) {
    if (!isalnum((unsigned char)*text) && strchr("_.-", *text) == NULL) return false;
  }
  return true;
}

assay_status assay_registry_check(assay_error *err) {
  if (registry.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory while the benchmarks of this program registered");
  for (size_t i = 0; i < registry.bench_count; i++) {
    const assay_bench_desc *desc = registry.benches[i];
    const char *shown = desc->name != NULL ? desc->name : "(null)";
    if (!is_name(desc->name) || !is_name(assay_registry_suite(desc)))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "benchmark \"%s\" of suite \"%s\": names have letters, digits, _ . and - only", shown,
                        assay_registry_suite(desc));
    if (desc->run == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "benchmark %s/%s has no function", assay_registry_suite(desc), shown);
    if (assay_registry_find(assay_registry_suite(desc), desc->name) != desc)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "benchmark %s/%s is registered twice; give one of them another name",
                        assay_registry_suite(desc), shown);
  }
  return ASSAY_OK;
}
