/* SPDX-License-Identifier: MIT */
/*
 * Google Benchmark's JSON (--benchmark_out, --benchmark_format=json). A row is a repetition or an aggregate of them; what a row has beside
 * the known keys are counters. Keys as in the project's docs/user_guide.md and its JSON of versions 1.4 to 1.9.
 */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "result/import.h"

enum { MOST_PARAMS = 32 };

typedef struct google {
  assay_importer *in;
  const char *suite;
  json_t *raw, *places, *aggregates; /* run names with repetitions; repetition -> place; run name -> {aggregate: row} */
  size_t skipped_aggregates, skipped_fits;
  bool are_processes; /* Assay wrote it: its repetitions are fresh processes */
} google;

/* ---- Names ------------------------------------------------------------------------------------------------------------------------- */

/* "n:64" of "sum/n:64"; not "std::sort". */
static bool is_named(const char *token, const char **colon) {
  const char *at = token;
  if (!isalpha((unsigned char)*at) && *at != '_') return false;
  while (isalnum((unsigned char)*at) || *at == '_') at++;
  *colon = at;
  return *at == ':' && at[1] != ':' && at[1] != '\0';
}

static bool is_plain_number(const char *token) {
  size_t length = strlen(token);
  return length > 0 && strspn(token, "0123456789.-") == length;
}

/* "sum/n:64/8/real_time" becomes "sum/n=64/8/real_time" with the parameters n and arg. */
static assay_imported *benchmark_of(google *g, const char *run_name) {
  assay_importer *in = g->in;
  assay_import_param params[MOST_PARAMS];
  size_t count = 0, bare = 0;
  char *copy = assay_arena_strdup(&in->scratch, run_name), *rest = NULL;
  if (copy == NULL) return in->nobody;
  const char *base = strtok_r(copy, "/", &rest);
  if (base == NULL) base = run_name;
  assay_buf name = {0};
  assay_buf_puts(&name, base);
  for (char *token = strtok_r(NULL, "/", &rest); token != NULL; token = strtok_r(NULL, "/", &rest)) {
    const char *colon = NULL;
    assay_import_param param = {0};
    if (is_named(token, &colon)) {
      param = (assay_import_param){.name = assay_arena_strndup(&in->scratch, token, (size_t)(colon - token)), .value = colon + 1};
      assay_buf_printf(&name, "/%s=%s", param.name != NULL ? param.name : "", param.value);
    } else {
      if (is_plain_number(token))
        param = (assay_import_param){.name = bare == 0 ? "arg" : assay_import_printf(in, "arg%zu", bare + 1), .value = token};
      bare += param.name != NULL;
      assay_buf_printf(&name, "/%s", token);
    }
    bool is_there = param.name == NULL || count == MOST_PARAMS;
    for (size_t i = 0; i < count && !is_there; i++) is_there = strcmp(params[i].name, param.name) == 0;
    if (!is_there) params[count++] = param;
  }
  assay_imported *b = name.failed ? in->nobody : assay_import_benchmark(in, g->suite, base, params, count, name.data);
  assay_buf_deinit(&name);
  return b;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* The aggregate that a row is, NULL for a repetition. Versions before 1.5 say it in the name only. */
static const char *aggregate_of(assay_importer *in, const json_t *row, const char *name) {
  static const char *const endings[] = {"mean", "median", "stddev", "cv", NULL};
  const char *type = assay_import_opt_text(in, row, "run_type"), *aggregate = assay_import_opt_text(in, row, "aggregate_name");
  if (json_object_get(row, "cpu_coefficient") != NULL) return "BigO";
  if (json_object_get(row, "rms") != NULL) return "RMS";
  if (type != NULL) return strcmp(type, "aggregate") != 0 ? NULL : aggregate != NULL ? aggregate : "";
  for (size_t i = 0; endings[i] != NULL; i++) {
    char ending[16];
    snprintf(ending, sizeof ending, "_%s", endings[i]);
    if (ends_with(name, ending)) return endings[i];
  }
  return NULL;
}

/* Without "run_name" an aggregate's name has its ending. */
static const char *run_name_of(assay_importer *in, const json_t *row, const char *name, const char *aggregate) {
  const char *run_name = assay_import_opt_text(in, row, "run_name");
  if (run_name != NULL && run_name[0] != '\0') return run_name;
  size_t length = strlen(name), ending = aggregate == NULL ? 0 : strlen(aggregate) + 1;
  if (ending == 0 || ending >= length) return name;
  const char *cut = assay_arena_strndup(&in->scratch, name, length - ending);
  return cut != NULL ? cut : name;
}

static double time_factor(assay_importer *in, const json_t *row) {
  const char *unit = assay_import_opt_text(in, row, "time_unit"), *base = NULL;
  double factor = 1;
  if (unit != NULL && (!assay_import_unit(unit, &base, &factor) || strcmp(base, "ns") != 0))
    assay_import_mistake(in, "time_unit", "expected \"ns\", \"us\", \"ms\" or \"s\", found \"%.40s\"", unit);
  return factor;
}

static bool is_counter(const char *key, const json_t *value) {
  static const char *const known[] = {"name",
                                      "family_index",
                                      "per_family_instance_index",
                                      "run_name",
                                      "run_type",
                                      "repetitions",
                                      "repetition_index",
                                      "threads",
                                      "iterations",
                                      "real_time",
                                      "cpu_time",
                                      "time_unit",
                                      "aggregate_name",
                                      "aggregate_unit",
                                      "error_occurred",
                                      "error_message",
                                      "skipped",
                                      "skip_message",
                                      "label",
                                      NULL};
  for (size_t i = 0; known[i] != NULL; i++)
    if (strcmp(known[i], key) == 0) return false;
  return json_is_number(value);
}

static const assay_import_metric *counter_metric(assay_importer *in, const char *key, assay_import_metric *own, double *factor) {
  /* What its memory manager counts. */
  static const assay_import_metric memory[] = {{"max_bytes_used", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER},
                                               {"total_allocated_bytes", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER},
                                               {"net_heap_growth", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER}},
                                   allocations = {"allocations", "1", ASSAY_KIND_COUNT, ASSAY_LOWER};
  *factor = 1;
  for (size_t i = 0; i < 3; i++)
    if (strcmp(key, memory[i].name) == 0) return &memory[i];
  if (strcmp(key, "allocs_per_iter") == 0) return &allocations;
  if (strcmp(key, "items_per_second") == 0) return &assay_import_items_per_second;
  if (strcmp(key, "bytes_per_second") == 0) return &assay_import_bytes_per_second;
  assay_import_guess(in, key, own, factor);
  return own;
}

/* Whether it was an error or a skip; those rows have no figures. */
static bool take_outcome(assay_importer *in, const json_t *row, assay_imported *b) {
  bool failed = assay_import_opt_bool(in, row, "error_occurred"), skipped = assay_import_opt_bool(in, row, "skipped");
  if (failed) assay_import_outcome(in, b, ASSAY_OUTCOME_FAILED, assay_import_opt_text(in, row, "error_message"));
  if (skipped) assay_import_outcome(in, b, ASSAY_OUTCOME_SKIPPED, assay_import_opt_text(in, row, "skip_message"));
  return failed || skipped;
}

static void read_repetition(google *g, const json_t *row, const char *run_name) {
  assay_importer *in = g->in;
  assay_imported *b = benchmark_of(g, run_name);
  assay_import_benchmark_fact(in, b, "label", json_object_get(row, "label"));
  if (take_outcome(in, row, b)) return;
  double factor = time_factor(in, row), cpu = assay_import_opt_number(in, row, "cpu_time");
  json_int_t index = json_integer_value(json_object_get(row, "repetition_index"));
  unsigned process = g->are_processes && index > 0 && index < UINT_MAX ? (unsigned)index : 0;
  assay_import_value(in, b, &assay_import_time, process, factor * assay_import_number(in, row, "real_time"));
  /* What Assay writes where that format cannot do without a CPU time. */
  const char *label = assay_import_opt_text(in, row, "label");
  if (label != NULL && strncmp(label, "cpu_time was not measured", 25) == 0) cpu = NAN;
  if (!isnan(cpu)) assay_import_value(in, b, &assay_import_cpu_time, process, factor * cpu);
  ASSAY_IMPORT_EACH(row, at) {
    const char *key = json_object_iter_key(at);
    const json_t *value = json_object_iter_value(at);
    assay_import_metric own = {0};
    if (!is_counter(key, value)) continue;
    const assay_import_metric *what = counter_metric(in, key, &own, &factor);
    assay_import_value(in, b, what, process, factor * json_number_value(value));
  }
}

/* Repetitions of one name have an index each; two rows with the same are two benchmarks of one name. */
static void refuse_twice(google *g, const json_t *row, const char *run_name) {
  const json_t *index = json_object_get(row, "repetition_index");
  if (!json_is_integer(index) || json_integer_value(index) < 0) return;
  const char *key = assay_import_printf(g->in, "%lld %s", (long long)json_integer_value(index), run_name);
  const json_t *first = json_object_get(g->places, key);
  if (first != NULL) {
    assay_import_mistake(g->in, "name", "\"%.200s\" is there twice: also in %.60s", run_name, json_string_value(first));
    return;
  }
  json_object_set_new(g->places, key, json_string(g->in->path));
}

static void keep_aggregate(google *g, const json_t *row, const char *run_name, const char *aggregate) {
  json_t *group = json_object_get(g->aggregates, run_name);
  if (group == NULL) {
    group = json_object();
    json_object_set_new(g->aggregates, run_name, group);
  }
  if (json_object_get(group, aggregate) != NULL)
    assay_import_mistake(g->in, "name", "the %.60s of \"%.200s\" is there twice", aggregate, run_name);
  json_object_set(group, aggregate, (json_t *)(uintptr_t)row);
}

static void read_row(google *g, const json_t *row) {
  assay_importer *in = g->in;
  const char *name = assay_import_text(in, row, "name"), *aggregate = aggregate_of(in, row, name);
  const char *run_name = run_name_of(in, row, name, aggregate);
  if (!assay_import_ok(in)) return;
  if (aggregate != NULL && (strcmp(aggregate, "BigO") == 0 || strcmp(aggregate, "RMS") == 0)) {
    g->skipped_fits++;
  } else if (aggregate != NULL) {
    keep_aggregate(g, row, run_name, aggregate);
  } else {
    refuse_twice(g, row, run_name);
    json_object_set_new(g->raw, run_name, json_true());
    read_repetition(g, row, run_name);
  }
}

/* ---- Reports of aggregates only ---------------------------------------------------------------------------------------------------- */

static double said(const json_t *group, const char *aggregate, const char *key, double factor) {
  const json_t *value = json_object_get(json_object_get(group, aggregate), key);
  return json_is_number(value) ? factor * json_number_value(value) : NAN;
}

static void add_summary(google *g, assay_imported *b, const json_t *group, const char *main_row, const char *key,
                        const assay_import_metric *what, double factor) {
  assay_summary stats = assay_import_no_summary();
  stats.median = stats.p50 = said(group, "median", key, factor);
  stats.mean = said(group, "mean", key, factor);
  stats.stddev = said(group, "stddev", key, factor);
  stats.min = said(group, "min", key, factor);
  stats.max = said(group, "max", key, factor);
  const json_t *count = json_object_get(json_object_get(group, main_row), "repetitions");
  stats.samples = json_is_integer(count) && json_integer_value(count) > 0 ? (size_t)json_integer_value(count) : 0;
  double value = said(group, main_row, key, factor);
  if (isnan(value)) return;
  assay_import_summary(g->in, b, what, value, &stats);
}

static void read_group(google *g, const char *run_name, const json_t *group) {
  assay_importer *in = g->in;
  const char *main_row = json_object_get(group, "median") != NULL ? "median" : "mean";
  const json_t *row = json_object_get(group, main_row);
  assay_imported *b = benchmark_of(g, run_name);
  if (row == NULL || take_outcome(in, row, b)) return;
  double factor = time_factor(in, row);
  add_summary(g, b, group, main_row, "real_time", &assay_import_time, factor);
  add_summary(g, b, group, main_row, "cpu_time", &assay_import_cpu_time, factor);
  ASSAY_IMPORT_EACH(row, at) {
    const char *key = json_object_iter_key(at);
    assay_import_metric own = {0};
    if (!is_counter(key, json_object_iter_value(at))) continue;
    const assay_import_metric *what = counter_metric(in, key, &own, &factor);
    add_summary(g, b, group, main_row, key, what, factor);
  }
}

static void read_aggregates(google *g) {
  ASSAY_IMPORT_EACH(g->aggregates, at) {
    const char *run_name = json_object_iter_key(at);
    if (!assay_import_ok(g->in)) return;
    if (json_object_get(g->raw, run_name) == NULL)
      read_group(g, run_name, json_object_iter_value(at));
    else
      g->skipped_aggregates += json_object_size(json_object_iter_value(at));
  }
}

/* ---- The document ------------------------------------------------------------------------------------------------------------------ */

static void read_context(google *g, const json_t *root) {
  assay_importer *in = g->in;
  const json_t *context = assay_import_opt_object(in, root, "context");
  size_t before = assay_import_enter(in, "context", SIZE_MAX);
  const char *date = assay_import_opt_text(in, context, "date"), *executable = assay_import_opt_text(in, context, "executable");
  const char *build = assay_import_opt_text(in, context, "library_build_type");
  const json_t *cpus = json_object_get(context, "num_cpus");
  int64_t at_s = 0;
  if (date != NULL && assay_import_parse_time(date, &at_s)) assay_import_started(in, at_s);
  assay_import_command(in, executable);
  assay_import_tool_version(in, assay_import_opt_text(in, context, "library_version"));
  g->suite = assay_import_program(in, executable, "google-benchmark");
  const char *replicate = assay_import_opt_text(in, context, "assay_replicate");
  g->are_processes = replicate != NULL && strcmp(replicate, assay_replicate_text(ASSAY_REPLICATE_PROCESS)) == 0;
  if (!assay_import_own_machine(in, context))
    assay_import_machine(in, assay_import_opt_text(in, context, "host_name"),
                         json_is_integer(cpus) ? assay_import_printf(in, "%lld CPUs", (long long)json_integer_value(cpus)) : NULL, NULL);
  if (context != NULL) {
    ASSAY_IMPORT_EACH(context, at) {
      const char *key = json_object_iter_key(at);
      if (strcmp(key, "date") != 0 && strcmp(key, "library_version") != 0)
        assay_import_fact_json(in, strcmp(key, "mhz_per_cpu") == 0 ? "cpu_mhz" : key, json_object_iter_value(at));
    }
  }
  if (build != NULL && strcmp(build, "debug") == 0)
    assay_import_warn(in, "the benchmark library was built for debugging: its own cost is part of short times");
  if (json_is_true(json_object_get(context, "cpu_scaling_enabled")))
    assay_import_warn(in, "the processor's frequency was free to change (cpu_scaling_enabled)");
  assay_import_leave(in, before);
}

static void read(assay_importer *in, const json_t *root) {
  google g = {.in = in, .raw = json_object(), .places = json_object(), .aggregates = json_object()};
  size_t count = 0;
  read_context(&g, root);
  const json_t *rows = assay_import_array(in, root, "benchmarks", &count);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "benchmarks", i);
    if (json_is_object(json_array_get(rows, i)))
      read_row(&g, json_array_get(rows, i));
    else
      assay_import_expected(in, "", "an object", json_array_get(rows, i));
    assay_import_leave(in, before);
  }
  read_aggregates(&g);
  if (g.skipped_aggregates > 0)
    assay_import_note(in, "%zu rows of aggregates: the repetitions they were made of are here", g.skipped_aggregates);
  if (g.skipped_fits > 0) assay_import_note(in, "%zu rows of fitted complexity: the values they were fitted to are here", g.skipped_fits);
  json_decref(g.raw);
  json_decref(g.places);
  json_decref(g.aggregates);
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "context.num_cpus") || assay_import_has(look, "context.library_build_type") ||
         assay_import_has(look, "benchmarks[].real_time") || assay_import_has(look, "benchmarks[].run_name");
}

const assay_import_format assay_import_google = {
    .name = "google-benchmark", .what = "Google Benchmark's JSON", .looks = looks, .read_json = read};
