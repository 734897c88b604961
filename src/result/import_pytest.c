/* SPDX-License-Identifier: MIT */
/*
 * pytest-benchmark's JSON (--benchmark-json, --benchmark-save): seconds; "data" has the rounds, each already divided by its iterations.
 * Without "data" (saved without --benchmark-save-data, compacted) there are only its statistics.
 */
#include <math.h>
#include <string.h>

#include "result/import.h"

enum { MOST_PARAMS = 64 };

/* "tests/test_sum.py::TestSum::test_it[8]" -> "tests/test_sum.py". */
static const char *module_of(assay_importer *in, const char *fullname) {
  const char *end = fullname == NULL ? NULL : strstr(fullname, "::");
  const char *module = end == NULL || end == fullname ? NULL : assay_arena_strndup(in->arena, fullname, (size_t)(end - fullname));
  return module != NULL ? module : "pytest";
}

/* What is behind the module, without the parameters' brackets: "TestSum::test_it". */
static const char *function_of(assay_importer *in, const char *fullname, const char *name) {
  const char *start = fullname == NULL ? NULL : strstr(fullname, "::");
  start = start == NULL ? name : start + 2;
  size_t length = strlen(start), brackets = strcspn(start, "[");
  if (brackets == length || brackets == 0 || start[length - 1] != ']') brackets = length;
  const char *function = assay_arena_strndup(in->arena, start, brackets);
  return function != NULL ? function : name;
}

static bool is_plain(const json_t *value) {
  if (json_is_object(value) || json_is_array(value)) return false;
  return !json_is_string(value) || (strncmp(json_string_value(value), "UNSERIALIZABLE", 14) != 0 && strlen(json_string_value(value)) < 200);
}

/* Whether the parameters say it all: what cannot be written down (an object at some address) differs from run to run. */
static bool take_params(assay_importer *in, const json_t *params, assay_import_param *taken, size_t *count) {
  bool all_plain = json_object_size(params) <= MOST_PARAMS;
  *count = 0;
  ASSAY_IMPORT_EACH(params, at) {
    const json_t *value = json_object_iter_value(at);
    if (!is_plain(value)) all_plain = false;
    if (*count < MOST_PARAMS) taken[(*count)++] = (assay_import_param){json_object_iter_key(at), assay_import_shown(in, value)};
  }
  return all_plain;
}

static assay_imported *benchmark_of(assay_importer *in, const json_t *row) {
  const char *name = assay_import_text(in, row, "name"), *fullname = assay_import_opt_text(in, row, "fullname");
  const json_t *given = assay_import_opt_object(in, row, "params");
  assay_import_param params[MOST_PARAMS];
  size_t count = 0;
  bool by_params = take_params(in, given, params, &count) && count > 0;
  const char *function = function_of(in, fullname, name), *behind = fullname == NULL ? NULL : strstr(fullname, "::");
  const char *whole = behind != NULL ? behind + 2 : name;
  return assay_import_benchmark(in, module_of(in, fullname), function, params, count, by_params ? NULL : whole);
}

/* Rounds are samples of one process, or, where Assay wrote the file, a process each. */
static void add_rounds(assay_importer *in, assay_imported *b, const json_t *stats, bool are_processes) {
  size_t count = 0;
  const json_t *data = assay_import_array(in, stats, "data", &count);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "data", i);
    unsigned process = are_processes ? (unsigned)i : 0;
    assay_import_value(in, b, &assay_import_time, process, 1e9 * assay_import_number_of(in, json_array_get(data, i)));
    assay_import_leave(in, before);
  }
}

static double seconds(assay_importer *in, const json_t *stats, const char *key) { return 1e9 * assay_import_opt_number(in, stats, key); }

static void add_stats(assay_importer *in, assay_imported *b, const json_t *stats) {
  assay_summary said = assay_import_no_summary();
  said.median = said.p50 = seconds(in, stats, "median");
  said.mean = seconds(in, stats, "mean");
  said.stddev = seconds(in, stats, "stddev");
  said.min = seconds(in, stats, "min");
  said.max = seconds(in, stats, "max");
  said.samples = (size_t)assay_import_whole(in, stats, "rounds", 0, INT64_C(1) << 53);
  double value = isnan(said.median) ? 1e9 * assay_import_number(in, stats, "mean") : said.median;
  assay_import_summary(in, b, &assay_import_time, value, &said);
}

/* What the test noted itself: numbers are figures of it, all else facts. */
static void add_extra_info(assay_importer *in, assay_imported *b, const json_t *row) {
  const json_t *extra = assay_import_opt_object(in, row, "extra_info");
  ASSAY_IMPORT_EACH(extra, at) {
    const char *key = json_object_iter_key(at);
    const json_t *value = json_object_iter_value(at);
    assay_import_metric what = {0};
    double factor = 1;
    if (!json_is_number(value)) {
      char fact[200] = "extra_info.";
      strncat(fact, key, sizeof fact - strlen(fact) - 1);
      assay_import_benchmark_fact(in, b, fact, value);
      continue;
    }
    assay_import_guess(in, key, &what, &factor);
    assay_import_value(in, b, &what, 0, factor * json_number_value(value));
  }
}

static void read_row(assay_importer *in, const json_t *row, bool are_processes, const json_t **options) {
  assay_imported *b = benchmark_of(in, row);
  assay_import_once(in, b);
  const json_t *stats = assay_import_object(in, row, "stats"), *own_options = assay_import_opt_object(in, row, "options");
  if (!assay_import_ok(in)) return;
  size_t before = assay_import_enter(in, "stats", SIZE_MAX);
  const json_t *data = json_object_get(stats, "data");
  if (data != NULL && !json_is_null(data))
    add_rounds(in, b, stats, are_processes);
  else
    add_stats(in, b, stats);
  assay_import_leave(in, before);
  add_extra_info(in, b, row);
  assay_import_benchmark_fact(in, b, "group", json_object_get(row, "group"));
  if (*options == NULL) *options = own_options;
  if (own_options != *options && !json_equal(own_options, *options)) assay_import_benchmark_fact(in, b, "options", own_options);
}

static void read_environment(assay_importer *in, const json_t *root) {
  const json_t *machine = assay_import_opt_object(in, root, "machine_info"), *commit = assay_import_opt_object(in, root, "commit_info");
  const json_t *cpu = json_object_get(machine, "cpu");
  const char *brand = json_string_value(json_object_get(cpu, "brand_raw"));
  if (brand == NULL) brand = json_string_value(json_object_get(cpu, "brand"));
  if (brand == NULL) brand = json_string_value(json_object_get(machine, "processor"));
  if (!assay_import_own_machine(in, machine))
    assay_import_machine(in, json_string_value(json_object_get(machine, "node")), brand,
                         json_string_value(json_object_get(machine, "machine")));
  assay_import_fact(in, "host_name", json_string_value(json_object_get(machine, "node")));
  assay_import_fact_json(in, "machine_info", machine);
  const char *revision = json_string_value(json_object_get(commit, "id"));
  if (revision != NULL && strcmp(revision, "unversioned") != 0 && strcmp(revision, "unknown") != 0) {
    assay_import_commit(in, revision);
    assay_import_fact_json(in, "commit", commit);
    if (json_is_true(json_object_get(commit, "dirty"))) assay_import_warn(in, "the working tree had changes that are not in the commit");
  }
  const char *at = assay_import_opt_text(in, root, "datetime");
  int64_t at_s = 0;
  if (at != NULL && assay_import_parse_time(at, &at_s)) assay_import_started(in, at_s);
  assay_import_tool_version(in, assay_import_opt_text(in, root, "version"));
}

static void read(assay_importer *in, const json_t *root) {
  size_t count = 0;
  const json_t *rows = assay_import_array(in, root, "benchmarks", &count), *options = NULL;
  const char *replicate = assay_import_opt_text(in, root, "assay_replicate");
  bool are_processes = replicate != NULL && strcmp(replicate, assay_replicate_text(ASSAY_REPLICATE_PROCESS)) == 0;
  read_environment(in, root);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "benchmarks", i);
    read_row(in, json_array_get(rows, i), are_processes, &options);
    assay_import_leave(in, before);
  }
  assay_import_fact_json(in, "options", options);
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "machine_info.python_version") || assay_import_has(look, "benchmarks[].fullname") ||
         assay_import_has(look, "benchmarks[].stats.rounds");
}

const assay_import_format assay_import_pytest = {
    .name = "pytest-benchmark", .what = "pytest-benchmark's JSON", .looks = looks, .read_json = read};
