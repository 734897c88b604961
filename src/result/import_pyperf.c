/* SPDX-License-Identifier: MIT */
/*
 * pyperf's JSON: benchmarks of runs, each run a worker process with its values, which are already divided by the loops. Metadata that all
 * share stands once, at the top.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "result/import.h"

static const assay_import_metric memory = {"memory", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER};
static const assay_import_metric amount = {"value", "1", ASSAY_KIND_COUNT, ASSAY_LOWER};

/* Of a run, else of its benchmark, else of the suite. */
static const json_t *metadata_of(const json_t *const *levels, const char *key) {
  for (size_t i = 0; i < 3; i++) {
    const json_t *value = json_object_get(json_object_get(levels[i], "metadata"), key);
    if (value != NULL && !json_is_null(value)) return value;
  }
  return NULL;
}

static const assay_import_metric *unit_of(assay_importer *in, const json_t *const *levels, double *factor) {
  const json_t *unit = metadata_of(levels, "unit");
  *factor = 1;
  if (unit == NULL || (json_is_string(unit) && strcmp(json_string_value(unit), "second") == 0)) {
    *factor = 1e9;
    return &assay_import_time;
  }
  if (json_is_string(unit) && strcmp(json_string_value(unit), "byte") == 0) return &memory;
  if (json_is_string(unit) && strcmp(json_string_value(unit), "integer") == 0) return &amount;
  assay_import_expected(in, "metadata.unit", "\"second\", \"byte\" or \"integer\"", unit);
  return &amount;
}

typedef struct tally {
  size_t calibrations, warmups;
} tally;

static void read_run(assay_importer *in, assay_imported *b, const json_t *const *levels, unsigned process, tally *left) {
  const json_t *run = levels[0];
  double factor = 1;
  size_t count = 0;
  const assay_import_metric *what = unit_of(in, levels, &factor);
  const json_t *values = assay_import_opt_array(in, run, "values", &count),
               *peak = json_object_get(json_object_get(run, "metadata"), "mem_max_rss");
  left->warmups += json_array_size(json_object_get(run, "warmups"));
  if (values == NULL) {
    left->calibrations++;
    return;
  }
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "values", i);
    assay_import_value(in, b, what, process, factor * assay_import_number_of(in, json_array_get(values, i)));
    assay_import_leave(in, before);
  }
  if (json_is_number(peak)) assay_import_value(in, b, &assay_import_peak_rss, process, json_number_value(peak));
}

static const char *shared_text(assay_importer *in, const json_t *const *levels, const char *key) {
  const json_t *value = metadata_of(levels, key);
  return value == NULL ? NULL : assay_import_shown(in, value);
}

/* The start of the first run and how long all of them took. */
static void read_times(assay_importer *in, const json_t *const *levels) {
  const char *date = json_string_value(metadata_of(levels, "date"));
  const json_t *duration = json_object_get(json_object_get(levels[0], "metadata"), "duration");
  int64_t at_s = 0;
  if (date != NULL && assay_import_parse_time(date, &at_s)) assay_import_started(in, at_s);
  if (json_is_number(duration)) assay_import_duration(in, json_number_value(duration));
}

static void read_benchmark(assay_importer *in, const json_t *root, const json_t *benchmark, tally *left) {
  const json_t *levels[3] = {NULL, benchmark, root};
  const json_t *name = metadata_of(levels, "name");
  size_t count = 0;
  if (name != NULL && !json_is_string(name)) assay_import_expected(in, "metadata.name", "a string", name);
  assay_imported *b = assay_import_benchmark(in, "pyperf", name != NULL ? json_string_value(name) : "benchmark", NULL, 0, NULL);
  assay_import_once(in, b);
  static const char *const kept[] = {"loops", "inner_loops", "description", "timeit_stmt", "timeit_setup", "unit", "tags", NULL};
  for (size_t i = 0; kept[i] != NULL; i++)
    assay_import_benchmark_fact(in, b, kept[i], json_object_get(json_object_get(benchmark, "metadata"), kept[i]));
  const json_t *runs = assay_import_array(in, benchmark, "runs", &count);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "runs", i);
    levels[0] = json_array_get(runs, i);
    if (!json_is_object(levels[0])) assay_import_expected(in, "", "an object", levels[0]);
    read_run(in, b, levels, (unsigned)i, left);
    read_times(in, levels);
    /* pyperf moves what all runs share upwards only when a file is saved; a single run's metadata may hold everything. */
    const char *host = shared_text(in, levels, "hostname"), *cpu = shared_text(in, levels, "cpu_model_name");
    assay_import_machine(in, host, cpu, NULL);
    assay_import_fact(in, "host_name", host);
    assay_import_fact_json(in, "metadata", json_object_get(levels[0], "metadata"));
    assay_import_leave(in, before);
  }
}

static void read(assay_importer *in, const json_t *root) {
  size_t count = 0;
  tally left = {0};
  const json_t *levels[3] = {NULL, NULL, root};
  const json_t *benchmarks = assay_import_array(in, root, "benchmarks", &count);
  assay_import_tool_version(in, shared_text(in, levels, "perf_version"));
  assay_import_fact_json(in, "metadata", json_object_get(root, "metadata"));
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "benchmarks", i);
    if (json_is_object(json_array_get(benchmarks, i)))
      read_benchmark(in, root, json_array_get(benchmarks, i), &left);
    else
      assay_import_expected(in, "", "an object", json_array_get(benchmarks, i));
    assay_import_leave(in, before);
  }
  if (left.calibrations > 0) assay_import_note(in, "%zu runs that only calibrated the number of loops", left.calibrations);
  if (left.warmups > 0) assay_import_note(in, "%zu warm-up values", left.warmups);
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "benchmarks[].runs[].values") || assay_import_has(look, "benchmarks[].runs[].warmups") ||
         assay_import_has(look, "benchmarks[].runs[].metadata") || assay_import_has(look, "metadata.perf_version");
}

const assay_import_format assay_import_pyperf = {.name = "pyperf", .what = "pyperf's JSON", .looks = looks, .read_json = read};
