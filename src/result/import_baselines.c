/* SPDX-License-Identifier: MIT */
/*
 * Plain JSON of names and numbers: {"version", "timestamp", "benchmarks": {"group": {"small_model_ms": 85.2}}, "environment": {...}}, or
 * {"small_model_ms": 85.2} alone. Units and direction are what the names say; each number is a figure of a run of which nothing else is
 * known.
 */
#include <ctype.h>
#include <string.h>

#include "result/import.h"

enum { DEPTH = 8 };

/* The metric is named by what it measures; the benchmark keeps the file's own name. */
static const char *metric_name(const assay_import_metric *what) {
  if (strcmp(what->unit, "items/s") == 0) return "items_per_second";
  if (strcmp(what->unit, "B/s") == 0) return "bytes_per_second";
  if (strcmp(what->unit, "FLOP/s") == 0) return "flops";
  switch (what->kind) {
    case ASSAY_KIND_TIME: return "time";
    case ASSAY_KIND_LATENCY: return "latency";
    case ASSAY_KIND_MEMORY: return "memory";
    case ASSAY_KIND_ENERGY: return "energy";
    case ASSAY_KIND_ACCURACY: return "accuracy";
    case ASSAY_KIND_ERROR_RATE: return "error_rate";
    case ASSAY_KIND_THROUGHPUT: return "throughput";
    default: return "value";
  }
}

static void add_number(assay_importer *in, const char *group, const char *name, double number) {
  assay_import_metric what = {0};
  double factor = 1;
  assay_import_guess(in, name, &what, &factor);
  what.name = metric_name(&what);
  assay_imported *b = assay_import_benchmark(in, group, name, NULL, 0, NULL);
  assay_summary none = assay_import_no_summary();
  assay_import_once(in, b);
  assay_import_summary(in, b, &what, factor * number, &none);
}

static void read_group(assay_importer *in, const json_t *members, const char *group, int depth) {
  ASSAY_IMPORT_EACH(members, at) {
    const char *key = json_object_iter_key(at);
    const json_t *value = json_object_iter_value(at);
    size_t before = assay_import_enter(in, key, SIZE_MAX);
    if (json_is_number(value))
      add_number(in, group, key, json_number_value(value));
    else if (json_is_object(value) && depth < DEPTH)
      read_group(in, value, depth == 0 ? key : assay_import_printf(in, "%s.%s", group, key), depth + 1);
    else
      assay_import_expected(in, "", "a number or an object of numbers", value);
    assay_import_leave(in, before);
    if (!assay_import_ok(in)) return;
  }
}

static const char *first_text(const json_t *object, const char *const *keys) {
  for (size_t i = 0; keys[i] != NULL; i++)
    if (json_is_string(json_object_get(object, keys[i]))) return json_string_value(json_object_get(object, keys[i]));
  return NULL;
}

static void read_frame(assay_importer *in, const json_t *root) {
  static const char *const hosts[] = {"host_name", "hostname", "host", NULL}, *const cpus[] = {"cpu", "processor", NULL};
  const json_t *environment = assay_import_opt_object(in, root, "environment");
  const char *at = assay_import_opt_text(in, root, "timestamp");
  int64_t at_s = 0;
  if (at != NULL && !assay_import_parse_time(at, &at_s)) assay_import_mistake(in, "timestamp", "\"%.60s\" is no time", at);
  if (at != NULL) assay_import_started(in, at_s);
  assay_import_commit(in, assay_import_opt_text(in, root, "commit"));
  assay_import_fact_json(in, "version", json_object_get(root, "version"));
  assay_import_fact_json(in, "environment", environment);
  assay_import_machine(in, first_text(environment, hosts), first_text(environment, cpus), NULL);
}

static void read(assay_importer *in, const json_t *root) {
  if (!json_is_object(root)) {
    assay_import_expected(in, "", "an object of names and numbers", root);
    return;
  }
  if (json_object_get(root, "benchmarks") == NULL) {
    read_group(in, root, "baselines", 0);
    return;
  }
  read_frame(in, root);
  const json_t *groups = assay_import_object(in, root, "benchmarks");
  size_t before = assay_import_enter(in, "benchmarks", SIZE_MAX);
  read_group(in, groups, "baselines", 0);
  assay_import_leave(in, before);
}

/* Asked last: an object whose first value is a number or a group of them. */
static bool looks(const assay_import_look *look) {
  if (!look->is_json || strstr(look->keys, "[]") != NULL || look->keys[0] == '\0') return false;
  if (assay_import_has(look, "benchmarks"))
    return strstr(look->keys, "\nbenchmarks.") != NULL || strncmp(look->keys, "benchmarks\n", 11) == 0;
  for (const char *at = look->text; (at = strpbrk(at, ":\"")) != NULL; at++) {
    if (*at == '"') {
      for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0') at++;
      if (*at == '\0') return false;
      continue;
    }
    at++;
    at += strspn(at, " \t\r\n");
    if (*at != '{') return *at == '-' || isdigit((unsigned char)*at);
    at--;
  }
  return false;
}

const assay_import_format assay_import_baselines = {
    .name = "baselines", .what = "plain JSON of names and numbers", .looks = looks, .read_json = read};
