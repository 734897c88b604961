/* SPDX-License-Identifier: MIT */
/*
 * airspeed velocity: results/<machine>/<commit>-<environment>.json, beside machine.json of the machine and benchmarks.json of the whole
 * (units, names of parameters). The layouts are those of asv/results.py: version 2 has "result_columns" and a row per benchmark, version 1
 * an object per benchmark. Every value stands for one case of the cross product of the parameters; null is a case that failed, NaN one
 * that skipped itself.
 *
 * asv runs a benchmark in several processes ("rounds") and keeps their samples in one list, without saying which is whose. So samples are
 * repetitions here; without them (asv keeps them on request only) there is one figure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "result/import_rows.h"

enum { MAX_PARAMS = 16, MAX_CASES = 100000 };

typedef struct asv_reader {
  assay_importer *in;
  const json_t *benchmarks; /* benchmarks.json; NULL when it is not there */
  const char *environment;  /* becomes a parameter; NULL: there is only one */
  const json_t *names;      /* param_names of the benchmark at hand */
} asv_reader;

/* ---- Units -------------------------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* "benchmarks.Suite.time_sort" -> "time_sort": asv tells what is measured by the beginning of the name. */
static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot == NULL ? name : dot + 1;
}

/* What the values are, and their factor to the base unit. */
static assay_import_metric metric_of(asv_reader *r, const char *name, const json_t *about, double *factor) {
  const char *part = last_part(name), *unit = json_string_value(json_object_get(about, "unit")),
             *type = json_string_value(json_object_get(about, "type"));
  *factor = 1;
  if (unit == NULL && type == NULL)
    type = begins(part, "peakmem") ? "peakmemory" : begins(part, "mem") ? "memory" : begins(part, "time") ? "time" : "track";
  if (begins(part, "peakmem") || (type != NULL && strcmp(type, "peakmemory") == 0)) return assay_import_peak_rss;
  if (type != NULL && begins(type, "time") && (unit == NULL || strcmp(unit, "seconds") == 0)) unit = "seconds";
  if (type != NULL && strcmp(type, "memory") == 0 && unit == NULL) unit = "bytes";
  if (unit != NULL && strcmp(unit, "seconds") == 0) {
    *factor = 1e9;
    return assay_import_time;
  }
  if (unit != NULL && strcmp(unit, "bytes") == 0)
    return (assay_import_metric){.name = "memory", .unit = "B", .kind = ASSAY_KIND_MEMORY, .better = ASSAY_LOWER};
  if (unit == NULL || strcmp(unit, "unit") == 0) unit = "1";
  assay_import_metric what = {.name = "value", .unit = unit, .kind = ASSAY_KIND_COUNT, .better = ASSAY_LOWER};
  const char *base = NULL;
  if (assay_import_unit(unit, &base, factor)) what.unit = base;
  what.unit = assay_import_printf(r->in, "%s", what.unit);
  assay_import_describe(what.unit, &what);
  return what;
}

/* ---- Cases -------------------------------------------------------------------------------------------------------------------- */

/* Item `i` of what may be a list, one value for all cases, or missing. */
static const json_t *item(const json_t *column, size_t i) { return json_is_array(column) ? json_array_get(column, i) : column; }

/* How many cases the lists of parameters give; 0 after a mistake. */
static size_t count_cases(asv_reader *r, const json_t *params) {
  size_t cases = 1;
  if (json_array_size(params) > MAX_PARAMS) {
    assay_import_mistake(r->in, "params", "more than %d parameters", MAX_PARAMS);
    return 0;
  }
  for (size_t i = 0; i < json_array_size(params); i++) {
    const json_t *values = json_array_get(params, i);
    size_t before = assay_import_enter(r->in, "params", i);
    if (!json_is_array(values) || json_array_size(values) == 0) assay_import_expected(r->in, "", "an array of values", values);
    assay_import_leave(r->in, before);
    cases *= json_array_size(values);
    if (cases > MAX_CASES) assay_import_mistake(r->in, "params", "more than %d cases", MAX_CASES);
    if (!assay_import_ok(r->in)) return 0;
  }
  return cases;
}

/* The last parameter runs fastest, as in Python's itertools.product. */
static assay_imported *case_of(asv_reader *r, const char *name, const json_t *params, size_t index) {
  assay_import_param list[MAX_PARAMS + 1];
  size_t count = json_array_size(params);
  for (size_t i = count; i-- > 0;) {
    const json_t *values = json_array_get(params, i), *param_name = json_array_get(r->names, i);
    list[i] = (assay_import_param){
        .name = json_is_string(param_name) ? json_string_value(param_name) : assay_import_printf(r->in, "param%zu", i + 1),
        .value = assay_import_shown(r->in, json_array_get(values, index % json_array_size(values)))};
    index /= json_array_size(values);
  }
  for (size_t i = 0; i < count; i++) /* a parameter's name may be there twice; as a key of the result it may not */
    for (size_t k = 0; k < i; k++)
      if (strcmp(list[i].name, list[k].name) == 0) list[i].name = assay_import_printf(r->in, "%s.%zu", list[i].name, i + 1);
  if (r->environment != NULL) list[count++] = (assay_import_param){.name = "environment", .value = r->environment};
  return assay_import_benchmark(r->in, "asv", name, list, count, NULL);
}

typedef struct asv_row {
  const char *name;
  const json_t *result, *params, *samples, *low, *high, *q25, *q75, *number, *repeat, *version;
} asv_row;

static void tell_stat(asv_reader *r, assay_imported *b, const char *key, const json_t *column, size_t i) {
  const json_t *value = item(column, i);
  if (json_is_number(value)) assay_import_benchmark_fact(r->in, b, key, value);
}

static void tell_samples(asv_reader *r, assay_imported *b, const assay_import_metric *what, double factor, const json_t *samples) {
  for (size_t i = 0; i < json_array_size(samples) && assay_import_ok(r->in); i++) {
    size_t before = assay_import_enter(r->in, "samples", i);
    double value = assay_import_number_of(r->in, json_array_get(samples, i));
    assay_import_leave(r->in, before);
    if (assay_import_ok(r->in)) assay_import_value(r->in, b, what, 0, value * factor);
  }
}

static void tell_case(asv_reader *r, const asv_row *row, const assay_import_metric *what, double factor, size_t i) {
  const json_t *value = item(row->result, i), *samples = item(row->samples, i);
  assay_imported *b = case_of(r, row->name, row->params, i);
  assay_import_once(r->in, b);
  if (value == NULL || json_is_null(value)) {
    assay_import_outcome(r->in, b, ASSAY_OUTCOME_FAILED, "asv has no value of it: it failed, or timed out");
  } else if (assay_import_is_nan(value) && strcmp(assay_import_shown(r->in, value), "NaN") == 0) {
    assay_import_outcome(r->in, b, ASSAY_OUTCOME_SKIPPED, "it skipped itself (asv has NaN for it)");
  } else if (!json_is_number(value)) {
    assay_import_expected(r->in, "result", "a number", value);
  } else if (json_array_size(samples) > 0) {
    tell_samples(r, b, what, factor, samples);
  } else {
    assay_summary s = assay_import_no_summary();
    s.median = s.p50 = json_number_value(value) * factor;
    const json_t *repeat = item(row->repeat, i);
    if (json_is_integer(repeat) && json_integer_value(repeat) > 0) s.samples = (size_t)json_integer_value(repeat);
    assay_import_summary(r->in, b, what, json_number_value(value) * factor, &s);
  }
  tell_stat(r, b, "ci_99_low", row->low, i);
  tell_stat(r, b, "ci_99_high", row->high, i);
  tell_stat(r, b, "q_25", row->q25, i);
  tell_stat(r, b, "q_75", row->q75, i);
  tell_stat(r, b, "number", row->number, i);
  tell_stat(r, b, "repeat", row->repeat, i);
  assay_import_benchmark_fact(r->in, b, "version", row->version);
}

static void tell_row(asv_reader *r, asv_row *row) {
  const json_t *about = json_object_get(r->benchmarks, row->name);
  if (row->params != NULL && !json_is_array(row->params)) assay_import_expected(r->in, "params", "an array", row->params);
  size_t cases = assay_import_ok(r->in) ? count_cases(r, row->params) : 0;
  size_t values = json_is_array(row->result) ? json_array_size(row->result) : 1;
  if (row->result != NULL && !json_is_null(row->result) && values != cases && assay_import_ok(r->in))
    assay_import_mistake(r->in, "result", "%zu values for the %zu cases of its parameters", values, cases);
  double factor = 1;
  assay_import_metric what = metric_of(r, row->name, about, &factor);
  r->names = json_object_get(about, "param_names");
  for (size_t i = 0; i < cases && assay_import_ok(r->in); i++) tell_case(r, row, &what, factor, i);
}

/* ---- The two layouts ---------------------------------------------------------------------------------------------------------- */

/* "result_columns": ["result", "params", ...] and for each benchmark its values, as many as there are before nothing but null follows. */
static void read_columns(asv_reader *r, const char *name, const json_t *values, const json_t *columns) {
  asv_row row = {.name = name};
  const struct {
    const char *name;
    const json_t **place;
  } known[] = {{"result", &row.result},       {"params", &row.params},  {"samples", &row.samples}, {"stats_ci_99_a", &row.low},
               {"stats_ci_99_b", &row.high},  {"stats_q_25", &row.q25}, {"stats_q_75", &row.q75},  {"stats_number", &row.number},
               {"stats_repeat", &row.repeat}, {"version", &row.version}};
  if (!json_is_array(values)) {
    assay_import_expected(r->in, "", "an array with the columns of result_columns", values);
    return;
  }
  if (json_array_size(values) > json_array_size(columns)) assay_import_mistake(r->in, "", "more values than there are result_columns");
  for (size_t i = 0; i < json_array_size(values); i++) {
    const char *column = json_string_value(json_array_get(columns, i));
    for (size_t k = 0; column != NULL && k < sizeof known / sizeof *known; k++)
      if (strcmp(column, known[k].name) == 0) *known[k].place = json_array_get(values, i);
  }
  tell_row(r, &row);
}

/* Version 1: a number, a list, or {"result": ..., "params": ..., "stats": [{"ci_99": [a, b], "q_25": ...}], "samples": ...}. The statistics
 * are turned into columns. */
static void read_object(asv_reader *r, const char *name, const json_t *value) {
  asv_row row = {.name = name};
  json_t *low = json_array(), *high = json_array(), *q25 = json_array(), *q75 = json_array(), *number = json_array(),
         *repeat = json_array(), *single = json_array();
  row.result = json_is_object(value) ? json_object_get(value, "result") : value;
  row.params = json_object_get(value, "params");
  row.samples = json_object_get(value, "samples");
  const json_t *stats = json_object_get(value, "stats");
  /* A case without parameters may stand without its list, and so may its statistics and samples. */
  bool is_bare = json_array_size(row.params) == 0 && !json_is_array(row.result);
  if (is_bare && json_is_array(row.samples) && !json_is_array(json_array_get(row.samples, 0))) {
    json_array_append(single, (json_t *)(uintptr_t)row.samples);
    row.samples = single;
  }
  for (size_t i = 0; i < (json_is_array(stats) ? json_array_size(stats) : 1); i++) {
    const json_t *s = item(stats, i), *ci = json_object_get(s, "ci_99");
    const struct {
      json_t *to;
      json_t *from;
    } moved[] = {{low, json_array_get(ci, 0)},      {high, json_array_get(ci, 1)},          {q25, json_object_get(s, "q_25")},
                 {q75, json_object_get(s, "q_75")}, {number, json_object_get(s, "number")}, {repeat, json_object_get(s, "repeat")}};
    for (size_t k = 0; k < sizeof moved / sizeof *moved; k++)
      json_array_append_new(moved[k].to, moved[k].from != NULL ? json_incref(moved[k].from) : json_null());
  }
  row.low = low, row.high = high, row.q25 = q25, row.q75 = q75, row.number = number, row.repeat = repeat;
  tell_row(r, &row);
  json_decref(low), json_decref(high), json_decref(q25), json_decref(q75), json_decref(number), json_decref(repeat), json_decref(single);
}

static void tell_environment(asv_reader *r, const json_t *root) {
  assay_importer *in = r->in;
  const json_t *params = assay_import_opt_object(in, root, "params");
  const char *host = params == NULL ? NULL : assay_import_opt_text(in, params, "machine"),
             *cpu = json_string_value(json_object_get(params, "cpu"));
  assay_import_machine(in, host, cpu, json_string_value(json_object_get(params, "os")));
  const char *commit = assay_import_opt_text(in, root, "commit_hash");
  if (commit != NULL) assay_import_commit(in, commit);
  assay_import_fact_json(in, "env_name", json_object_get(root, "env_name"));
  assay_import_fact_json(in, "python", json_object_get(root, "python"));
  assay_import_fact_json(in, "requirements", json_object_get(root, "requirements"));
  assay_import_fact_json(in, "env_vars", json_object_get(root, "env_vars"));
  assay_import_fact_json(in, "commit_date_ms", json_object_get(root, "date"));
  assay_import_fact_json(in, "machine", params);
}

/* When it ran: the earliest start of a benchmark (milliseconds since 1970). The document's "date" is the commit's. */
static void tell_started(asv_reader *r, const json_t *value) {
  if (json_is_number(value) && json_number_value(value) > 0 && json_number_value(value) < 1e15)
    assay_import_started(r->in, (int64_t)(json_number_value(value) / 1e3));
}

static void tell_times(asv_reader *r, const json_t *columns, const json_t *values) {
  for (size_t i = 0; i < json_array_size(values); i++) {
    const char *column = json_string_value(json_array_get(columns, i));
    const json_t *value = json_array_get(values, i);
    if (column != NULL && strcmp(column, "started_at") == 0) tell_started(r, value);
    if (column != NULL && strcmp(column, "duration") == 0 && json_is_number(value) && json_number_value(value) >= 0)
      assay_import_duration(r->in, json_number_value(value));
  }
}

static void read_results(asv_reader *r, const json_t *root) {
  assay_importer *in = r->in;
  int64_t version = assay_import_whole(in, root, "version", 1, INT32_MAX);
  if (assay_import_ok(in) && version > 2)
    assay_import_mistake(in, "version", "results of version %lld; versions 1 and 2 are known", (long long)version);
  const json_t *results = assay_import_object(in, root, "results");
  size_t column_count = 0;
  const json_t *columns = version == 2 ? assay_import_array(in, root, "result_columns", &column_count) : NULL;
  if (!assay_import_ok(in)) return;
  tell_environment(r, root);
  const char *name = NULL;
  const json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)results, name, value) {
    size_t outer = assay_import_enter(in, "results", SIZE_MAX), before = assay_import_enter(in, name, SIZE_MAX);
    if (version == 2) {
      read_columns(r, name, value, columns);
      tell_times(r, columns, value);
    } else {
      read_object(r, name, value);
      tell_started(r, json_object_get(json_object_get(root, "started_at"), name));
    }
    assay_import_leave(in, before);
    assay_import_leave(in, outer);
    if (!assay_import_ok(in)) return;
  }
}

/* ---- Files -------------------------------------------------------------------------------------------------------------------- */

static json_t *load(assay_importer *in, const char *path) {
  size_t length = 0;
  char *text = assay_import_load(in, path, &length);
  json_t *root = text == NULL ? NULL : assay_import_parse(in, text, length);
  assay_free(text);
  return root;
}

/* benchmarks.json stands beside the folders of the machines. */
static json_t *load_benchmarks(assay_importer *in, const char *machine_folder) {
  const char *path = assay_arena_printf(&in->scratch, "%s/../benchmarks.json", machine_folder);
  return path != NULL && assay_import_is_file(path) ? load(in, path) : NULL;
}

static void read_document(assay_importer *in, const json_t *root, const json_t *benchmarks, const char *environment) {
  asv_reader r = {.in = in, .benchmarks = benchmarks, .environment = environment};
  if (json_is_object(root))
    read_results(&r, root);
  else
    assay_import_expected(in, "", "results of asv, which are an object", root);
}

static void read_asv(assay_importer *in, const json_t *root) {
  const char *file = in->file, *folder = assay_import_folder(&in->scratch, file);
  json_t *benchmarks = folder == NULL || !assay_import_is_file(file) ? NULL : load_benchmarks(in, folder);
  in->file = file;
  if (benchmarks == NULL && assay_import_ok(in))
    assay_import_note(in, "names of parameters and units: there is no benchmarks.json beside the results");
  if (assay_import_ok(in)) read_document(in, root, benchmarks, NULL);
  json_decref(benchmarks);
}

typedef struct asv_file {
  const char *path, *commit, *environment, *folder;
  double date;
} asv_file;

/* The text of a member at the beginning of a file as asv writes it; NULL when it is not plainly there. */
static const char *member_text(assay_arena *arena, const char *head, const char *start) {
  const char *at = strstr(head, start);
  if (at == NULL) return NULL;
  at += strlen(start);
  size_t length = strcspn(at, "\"\\");
  return at[length] == '"' ? assay_arena_strndup(arena, at, length) : NULL;
}

/* A history has a file a commit, and all but the newest need not be parsed: what is asked for stands in their first line, in this form. */
static bool glance(assay_arena *arena, const char *path, asv_file *file) {
  enum { HEAD = 4096 };
  static const char *const start = "\"date\": ";
  char head[HEAD + 1];
  FILE *stream = fopen(path, "re");
  if (stream == NULL) return false;
  size_t length = fread(head, 1, HEAD, stream);
  fclose(stream);
  head[length] = '\0';
  char *results = strstr(head, "\"params\": ");
  if (results == NULL) return false;
  *results = '\0';
  const char *date = strstr(head, start);
  if (date == NULL) return false;
  date += strlen(start);
  size_t digits = strspn(date, "0123456789");
  if (digits == 0 || digits > 15 || date[digits] != ',') return false;
  *file = (asv_file){.path = path,
                     .commit = member_text(arena, head, "\"commit_hash\": \""),
                     .environment = member_text(arena, head, "\"env_name\": \""),
                     .folder = assay_import_folder(arena, path),
                     .date = (double)strtoull(date, NULL, 10)};
  return file->commit != NULL && file->environment != NULL && file->folder != NULL;
}

/* What a result file says of itself; false when it is not one. */
static bool describe_file(assay_importer *in, assay_arena *arena, const char *path, asv_file *file) {
  if (glance(arena, path, file)) return true;
  json_t *root = load(in, path);
  const char *commit = json_string_value(json_object_get(root, "commit_hash")),
             *environment = json_string_value(json_object_get(root, "env_name"));
  const json_t *date = json_object_get(root, "date");
  bool is_result = root != NULL && json_object_get(root, "results") != NULL;
  if (is_result)
    *file = (asv_file){.path = path,
                       .commit = assay_arena_strdup(arena, commit != NULL ? commit : ""),
                       .environment = assay_arena_strdup(arena, environment != NULL ? environment : ""),
                       .folder = assay_import_folder(arena, path),
                       .date = json_is_number(date) ? json_number_value(date) : 0};
  json_decref(root);
  return is_result && file->commit != NULL && file->environment != NULL && file->folder != NULL;
}

/* The files of the commit whose date is the latest, of one machine. */
static size_t choose_newest(assay_importer *in, asv_file *files, size_t count) {
  size_t kept = 0, newest = 0;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(files[i].folder, files[0].folder) != 0) {
      assay_import_mistake(in, "", "results of several machines (%s and %s): give the folder of one", files[0].folder, files[i].folder);
      return 0;
    }
    if (files[i].date > files[newest].date) newest = i;
  }
  const char *commit = files[newest].commit;
  for (size_t i = 0; i < count; i++)
    if (strcmp(files[i].commit, commit) == 0) files[kept++] = files[i];
  if (kept < count)
    assay_import_note(in, "%zu result files of other commits: this is the newest, %s; name a file to take another", count - kept, commit);
  return kept;
}

static void read_chosen(assay_importer *in, const asv_file *files, size_t count) {
  json_t *benchmarks = load_benchmarks(in, files[0].folder);
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    json_t *root = load(in, files[i].path);
    if (root != NULL) read_document(in, root, benchmarks, count > 1 ? files[i].environment : NULL);
    json_decref(root);
  }
  json_decref(benchmarks);
}

/* The folder of all results or of one machine; also the project's own, which has "results" or ".asv/results" in it. */
static const char *results_in(assay_arena *arena, const char *path) {
  static const char *const inner[] = {"/.asv/results", "/results", "/_asv_results"};
  for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
    const char *full = assay_arena_printf(arena, "%s%s", path, inner[i]);
    if (full != NULL && assay_import_is_directory(full)) return full;
  }
  return path;
}

static void list_results(assay_importer *in, assay_arena *arena, const char *path, assay_import_files *found) {
  assay_import_files all = {0};
  assay_import_find(in, arena, results_in(arena, path), "*.json", 1, &all);
  for (size_t i = 0; i < all.count; i++) {
    const char *slash = strrchr(all.paths[i], '/'), *name = slash == NULL ? all.paths[i] : slash + 1;
    const char *folder = assay_import_folder(arena, all.paths[i]),
               *machine = folder == NULL ? NULL : assay_arena_printf(arena, "%s/machine.json", folder);
    if (strcmp(name, "machine.json") == 0 || strcmp(name, "benchmarks.json") == 0 || strchr(name, '-') == NULL) continue;
    if (machine != NULL && assay_import_is_file(machine)) all.paths[found->count++] = all.paths[i];
  }
  found->paths = all.paths;
}

static void read_asv_directory(assay_importer *in, const char *path) {
  assay_arena arena;
  assay_import_files files = {0};
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  uint64_t id = in->loaded;
  list_results(in, &arena, path, &files);
  asv_file *described = assay_arena_alloc(&arena, files.count + 1, sizeof *described);
  size_t count = 0;
  for (size_t i = 0; i < files.count && described != NULL && assay_import_ok(in); i++)
    if (describe_file(in, &arena, files.paths[i], &described[count])) count++;
  if (described == NULL || arena.failed)
    assay_import_mistake(in, "", "out of memory");
  else if (count == 0)
    assay_import_mistake(in, "", "no results of asv in it (<machine>/<commit>-<environment>.json)");
  if (assay_import_ok(in)) count = choose_newest(in, described, count);
  in->loaded = id; /* files of other commits are not what this run is known by */
  in->loaded_at_s = INT64_MAX;
  if (assay_import_ok(in) && count > 0) read_chosen(in, described, count);
  assay_arena_deinit(&arena);
}

static bool looks_asv_directory(const char *path) {
  assay_arena arena;
  assay_import_files files = {0};
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  list_results(NULL, &arena, path, &files);
  bool found = files.count > 0;
  assay_arena_deinit(&arena);
  return found;
}

static bool looks_asv(const assay_import_look *look) {
  return look->is_json &&
         (assay_import_has(look, "result_columns") ||
          (assay_import_has(look, "commit_hash") && (assay_import_has(look, "results") || assay_import_has(look, "env_name"))));
}

const assay_import_format assay_import_asv = {.name = "asv",
                                              .what = "results of airspeed velocity (a file, or the folder of a machine)",
                                              .looks = looks_asv,
                                              .read_json = read_asv,
                                              .looks_directory = looks_asv_directory,
                                              .read_directory = read_asv_directory};
