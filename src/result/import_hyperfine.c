/* SPDX-License-Identifier: MIT */
/*
 * hyperfine's JSON (--export-json). Every run of the command is a process. Version 1 has arrays of seconds; version 2 (schema_version 2)
 * one object a run with value and unit of each quantity.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "result/import.h"

enum { MOST_PARAMS = 32 };

typedef struct exits {
  size_t runs, failed;
  int64_t first;
  bool by_signal;
} exits;

static void count_exit(exits *e, const json_t *code) {
  e->runs++;
  if (code == NULL || (json_is_integer(code) && json_integer_value(code) == 0)) return;
  if (e->failed++ > 0) return;
  e->by_signal = !json_is_integer(code); /* null: it was ended */
  e->first = json_integer_value(code);
}

static void tell_exits(assay_importer *in, assay_imported *b, const exits *e) {
  if (e->failed == 0) return;
  const char *how = e->by_signal ? "was ended by a signal" : assay_import_printf(in, "ended with exit code %lld", (long long)e->first);
  assay_import_outcome(in, b, ASSAY_OUTCOME_FAILED,
                       assay_import_printf(in, "%zu of %zu runs failed: the first %s", e->failed, e->runs, how));
}

/* In version 2 a parameter is {"value": "8"}. */
static assay_imported *benchmark_of(assay_importer *in, const json_t *row) {
  const char *command = assay_import_text(in, row, "command"), *name = assay_import_opt_text(in, row, "name");
  const json_t *given = assay_import_opt_object(in, row, "parameters");
  assay_import_param params[MOST_PARAMS];
  size_t count = 0;
  ASSAY_IMPORT_EACH(given, at) {
    const json_t *value = json_object_iter_value(at);
    if (json_is_object(value)) value = json_object_get(value, "value");
    if (count < MOST_PARAMS) params[count++] = (assay_import_param){json_object_iter_key(at), assay_import_shown(in, value)};
  }
  return assay_import_benchmark(in, "hyperfine", name != NULL && name[0] != '\0' ? name : command, params, count, NULL);
}

/* ---- Version 1 --------------------------------------------------------------------------------------------------------------------- */

static void add_all(assay_importer *in, assay_imported *b, const json_t *row, const char *key, const assay_import_metric *what,
                    double factor) {
  size_t count = 0;
  const json_t *items = assay_import_opt_array(in, row, key, &count);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, key, i);
    assay_import_value(in, b, what, (unsigned)i, factor * assay_import_number_of(in, json_array_get(items, i)));
    assay_import_leave(in, before);
  }
}

/* Without "times" there are the statistics. */
static void add_statistics(assay_importer *in, assay_imported *b, const json_t *row) {
  assay_summary said = assay_import_no_summary();
  said.mean = 1e9 * assay_import_opt_number(in, row, "mean");
  said.stddev = 1e9 * assay_import_opt_number(in, row, "stddev");
  said.median = said.p50 = 1e9 * assay_import_opt_number(in, row, "median");
  said.min = 1e9 * assay_import_opt_number(in, row, "min");
  said.max = 1e9 * assay_import_opt_number(in, row, "max");
  double value = isnan(said.median) ? 1e9 * assay_import_number(in, row, "mean") : said.median;
  assay_import_summary(in, b, &assay_import_time, value, &said);
}

/* User and system time are means over the runs, in one number each. */
static void add_cpu_time(assay_importer *in, assay_imported *b, const json_t *row, size_t runs) {
  double user = assay_import_opt_number(in, row, "user"), kernel = assay_import_opt_number(in, row, "system");
  if (isnan(user) || isnan(kernel)) return;
  assay_summary said = assay_import_no_summary();
  said.samples = runs;
  said.mean = 1e9 * (user + kernel);
  assay_import_summary(in, b, &assay_import_cpu_time, said.mean, &said);
}

static void read_row_1(assay_importer *in, const json_t *row, assay_imported *b) {
  size_t runs = json_array_size(json_object_get(row, "times")), codes = 0;
  exits e = {0};
  const json_t *times = json_object_get(row, "times");
  if (times == NULL || json_is_null(times))
    add_statistics(in, b, row);
  else
    add_all(in, b, row, "times", &assay_import_time, 1e9);
  add_cpu_time(in, b, row, runs);
  add_all(in, b, row, "memory_usage_byte", &assay_import_peak_rss, 1);
  const json_t *exit_codes = assay_import_opt_array(in, row, "exit_codes", &codes);
  for (size_t i = 0; i < codes; i++) count_exit(&e, json_array_get(exit_codes, i));
  tell_exits(in, b, &e);
}

/* ---- Version 2 --------------------------------------------------------------------------------------------------------------------- */

static void name_quantity(assay_importer *in, const char *key, const char *base, assay_import_metric *what) {
  assay_import_describe(base, what);
  what->name = assay_import_own_name(in, key);
  if (strcmp(key, "time_wall_clock") == 0) *what = assay_import_time;
  if (strcmp(key, "time_cpu") == 0) *what = assay_import_cpu_time;
  if (strcmp(key, "memory_peak_resident") == 0) *what = assay_import_peak_rss;
}

/* {"value": 1.5, "unit": "second"}; counts have no unit. */
static void add_quantity(assay_importer *in, assay_imported *b, const json_t *measurement, const char *key, unsigned run) {
  const json_t *quantity = json_object_get(measurement, key);
  if (!json_is_object(quantity)) return;
  size_t before = assay_import_enter(in, key, SIZE_MAX);
  const char *unit = assay_import_opt_text(in, quantity, "unit"), *base = "1";
  double factor = 1, value = assay_import_opt_number(in, quantity, "value");
  assay_import_metric what = {0};
  if (unit != NULL && !assay_import_unit(unit, &base, &factor)) base = unit;
  name_quantity(in, key, base, &what);
  if (!isnan(value)) assay_import_value(in, b, &what, run, factor * value);
  assay_import_leave(in, before);
}

static void read_row_2(assay_importer *in, const json_t *row, assay_imported *b, const char *primary) {
  size_t count = 0;
  exits e = {0};
  const json_t *runs = assay_import_array(in, row, "measurements", &count);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "measurements", i);
    const json_t *run = json_array_get(runs, i);
    if (!json_is_object(run)) assay_import_expected(in, "", "an object", run);
    add_quantity(in, b, run, primary, (unsigned)i);
    ASSAY_IMPORT_EACH(run, at) {
      if (strcmp(json_object_iter_key(at), primary) != 0) add_quantity(in, b, run, json_object_iter_key(at), (unsigned)i);
    }
    count_exit(&e, json_object_get(run, "exit_code"));
    assay_import_leave(in, before);
  }
  tell_exits(in, b, &e);
}

static void read_metadata(assay_importer *in, const json_t *root) {
  const json_t *metadata = assay_import_opt_object(in, root, "metadata");
  const char *started = assay_import_opt_text(in, metadata, "start_time");
  int64_t at_s = 0;
  if (started != NULL && assay_import_parse_time(started, &at_s)) assay_import_started(in, at_s);
  assay_import_tool_version(in, assay_import_opt_text(in, metadata, "hyperfine_version"));
  assay_import_fact_json(in, "platform", json_object_get(metadata, "platform"));
}

static void read(assay_importer *in, const json_t *root) {
  size_t count = 0;
  const json_t *rows = assay_import_array(in, root, "results", &count);
  const char *primary = assay_import_opt_text(in, root, "primary_metric");
  read_metadata(in, root);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "results", i);
    const json_t *row = json_array_get(rows, i);
    assay_imported *b = benchmark_of(in, row);
    assay_import_once(in, b);
    if (json_object_get(row, "measurements") != NULL)
      read_row_2(in, row, b, primary != NULL ? primary : "time_wall_clock");
    else
      read_row_1(in, row, b);
    assay_import_leave(in, before);
  }
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "results[].command") || assay_import_has(look, "metadata.hyperfine_version");
}

const assay_import_format assay_import_hyperfine = {.name = "hyperfine", .what = "hyperfine's JSON", .looks = looks, .read_json = read};
