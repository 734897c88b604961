/* SPDX-License-Identifier: MIT */
/*
 * What the readers told, and how it becomes a result. The values of a metric are kept one after the other, each with its process (the
 * invocation and the number within it), and are grouped when everything was read.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay_config.h"
#include "base/number.h"
#include "base/text.h"
#include "result/import.h"
#include "result/storage.h"

enum {
  MOST_BENCHMARKS = 100000, /* what can be read back */
  MOST_METRICS = 1000,
  MOST_FACTS = 10000,
  MOST_KEPT = 2000000 /* values in all: their JSON stays below what can be read back */
};

typedef struct told_value {
  uint64_t process;
  double value;
  size_t order;
} told_value;

typedef struct told_metric {
  assay_import_metric what;
  told_value *values;
  size_t count, capacity;
  assay_summary stats; /* of the last assay_import_summary or assay_import_distribution */
  bool is_summary, is_exact, has_distribution;
} told_metric;

struct assay_imported {
  assay_benchmark_result b;
  const char *place;   /* where it was mentioned first in this invocation */
  unsigned invocation; /* in which that was; UINT_MAX: not yet asked */
  told_metric *metrics;
  size_t metric_count, metric_capacity;
};

const assay_import_metric assay_import_time = {"time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER},
                          assay_import_cpu_time = {"cpu_time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER},
                          assay_import_items_per_second = {"items_per_second", "items/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER},
                          assay_import_bytes_per_second = {"bytes_per_second", "B/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER},
                          assay_import_peak_rss = {"peak_rss", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER};

/* ---- A map from text to a number ------------------------------------------------------------------------------------------------- */

static size_t slot_of(const assay_import_map *map, const char *key) {
  size_t at = (size_t)assay_hash(ASSAY_HASH_START, key, strlen(key)) & (map->capacity - 1);
  while (map->slots[at].key != NULL && strcmp(map->slots[at].key, key) != 0) at = (at + 1) & (map->capacity - 1);
  return at;
}

static bool grow_map(assay_importer *in, assay_import_map *map) {
  assay_import_map grown = {.capacity = map->capacity == 0 ? 64 : map->capacity * 2, .count = map->count};
  grown.slots = assay_arena_alloc(&in->scratch, grown.capacity, sizeof *grown.slots);
  if (grown.slots == NULL) return false;
  for (size_t i = 0; i < map->capacity; i++)
    if (map->slots[i].key != NULL) grown.slots[slot_of(&grown, map->slots[i].key)] = map->slots[i];
  *map = grown;
  return true;
}

/* The value of a key; a new key gets `value` and stays as long as `key` does. *is_new says which. NULL: out of memory. */
static size_t *look_up(assay_importer *in, assay_import_map *map, const char *key, size_t value, bool *is_new) {
  *is_new = false;
  if (key == NULL || (map->count * 2 >= map->capacity && !grow_map(in, map))) return NULL;
  struct assay_import_slot *slot = &map->slots[slot_of(map, key)];
  if (slot->key == NULL) {
    *is_new = true;
    slot->key = key;
    slot->value = value;
    map->count++;
  }
  return &slot->value;
}

static void *grow(assay_importer *in, void *items, size_t count, size_t *capacity, size_t size) {
  return count < *capacity ? items : assay_arena_grow(&in->scratch, items, count, capacity, size);
}

const char *assay_import_printf(assay_importer *in, const char *format, ...) {
  char text[2000];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *copied = assay_arena_strdup(in->arena, text);
  return copied != NULL ? copied : "";
}

static void fail_limit(assay_importer *in, const char *message) {
  if (in->status == ASSAY_OK) in->status = ASSAY_FAIL(in->err, ASSAY_ERR_LIMIT, "%s: %s", in->file, message);
}

/* ---- Benchmarks ------------------------------------------------------------------------------------------------------------------ */

static const char *composed_name(assay_importer *in, const char *base, const assay_import_param *params, size_t count) {
  assay_buf name = {0};
  assay_buf_puts(&name, base);
  for (size_t i = 0; i < count; i++) assay_buf_printf(&name, "/%s=%s", params[i].name, params[i].value);
  if (name.failed) in->arena->failed = true;
  const char *text = assay_arena_strdup(in->arena, name.data);
  assay_buf_deinit(&name);
  return text;
}

static assay_imported *make_benchmark(assay_importer *in, const char *suite, const char *base, const assay_import_param *params,
                                      size_t count, const char *name) {
  assay_imported *made = assay_arena_alloc(&in->scratch, 1, sizeof *made);
  if (made == NULL) return in->nobody;
  assay_benchmark_result *b = &made->b;
  *b = (assay_benchmark_result){.suite = assay_arena_strdup(in->arena, suite),
                                .name = assay_arena_strdup(in->arena, name),
                                .base_name = assay_arena_strdup(in->arena, base),
                                .steady = ASSAY_STEADY_UNTESTED,
                                .param_count = count,
                                .set_aside_ratio = NAN,
                                .disturbed_ratio = NAN,
                                .clock_resolution_ns = NAN,
                                .clock_cost_ns = NAN,
                                .counters_cause = "imported: the other tool did not count",
                                .allocations_cause = "imported: the other tool did not count"};
  b->covariates = (assay_covariates){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  b->params = count == 0 ? NULL : assay_arena_alloc(in->arena, count, sizeof *b->params);
  for (size_t i = 0; b->params != NULL && i < count; i++) {
    b->params[i].name = assay_arena_strdup(in->arena, params[i].name);
    b->params[i].value = assay_arena_strdup(in->arena, params[i].value);
  }
  made->invocation = UINT32_MAX;
  return made;
}

assay_imported *assay_import_benchmark(assay_importer *in, const char *suite, const char *base, const assay_import_param *params,
                                       size_t count, const char *name) {
  if (in->status != ASSAY_OK) return in->nobody;
  if (name == NULL) name = composed_name(in, base, params, count);
  if (name == NULL) return in->nobody;
  if (name[0] == '\0') {
    assay_import_mistake(in, "", "a benchmark without a name");
    return in->nobody;
  }
  /* \1 cannot stand in either part unescaped often enough to matter: it only keeps "a"+"bc" apart from "ab"+"c". */
  assay_buf both = {0};
  assay_buf_printf(&both, "%s\1%s", suite, name);
  const char *key = assay_arena_strdup(&in->scratch, both.data);
  assay_buf_deinit(&both);
  bool is_new = false;
  size_t *index = look_up(in, &in->by_name, key, in->benchmark_count, &is_new);
  if (index == NULL) return in->nobody;
  if (!is_new) return in->benchmarks[*index];
  if (in->benchmark_count >= MOST_BENCHMARKS) {
    fail_limit(in, "more than 100000 benchmarks");
    return in->nobody;
  }
  void *grown = grow(in, in->benchmarks, in->benchmark_count, &in->benchmark_capacity, sizeof(assay_imported *));
  if (grown == NULL) {
    in->scratch.failed = true;
    return in->nobody;
  }
  in->benchmarks = grown;
  assay_imported *made = make_benchmark(in, suite, base, params, count, name);
  in->benchmarks[in->benchmark_count++] = made;
  return made;
}

void assay_import_once(assay_importer *in, assay_imported *b) {
  if (in->status != ASSAY_OK || b == in->nobody) return;
  const char *place = in->path_length > 0 ? in->path : "the document";
  if (b->invocation == in->invocation) {
    char message[500];
    snprintf(message, sizeof message, "the benchmark \"%.200s\" of %.100s is there already, at %.100s", b->b.name, b->b.suite, b->place);
    assay_import_mistake(in, "", "%s", message);
    return;
  }
  b->invocation = in->invocation;
  b->place = assay_arena_strdup(&in->scratch, place);
}

void assay_import_outcome(assay_importer *in, assay_imported *b, assay_outcome outcome, const char *reason) {
  static const int severity[] = {
      [ASSAY_OUTCOME_OK] = 0, [ASSAY_OUTCOME_SKIPPED] = 1, [ASSAY_OUTCOME_UNSUPPORTED] = 2, [ASSAY_OUTCOME_FAILED] = 3};
  if (b == in->nobody || severity[outcome] <= severity[b->b.status]) return;
  b->b.status = outcome;
  b->b.reason = assay_arena_strdup(in->arena, reason != NULL && reason[0] != '\0' ? reason : "no reason was given");
}

/* ---- Values ------------------------------------------------------------------------------------------------------------------------ */

static told_metric *metric_of(assay_importer *in, assay_imported *b, const assay_import_metric *what) {
  if (in->status != ASSAY_OK || b == in->nobody) return NULL;
  for (size_t i = 0; i < b->metric_count; i++) {
    told_metric *m = &b->metrics[i];
    if (strcmp(m->what.name, what->name) != 0) continue;
    if (strcmp(m->what.unit, what->unit) == 0) return m;
    assay_import_mistake(in, "", "\"%.100s\" of \"%.100s\" is in %.40s here and in %.40s before", what->name, b->b.name, what->unit,
                         m->what.unit);
    return NULL;
  }
  if (b->metric_count >= MOST_METRICS) {
    fail_limit(in, "more than 1000 metrics of one benchmark");
    return NULL;
  }
  void *grown = grow(in, b->metrics, b->metric_count, &b->metric_capacity, sizeof *b->metrics);
  if (grown == NULL) return NULL;
  b->metrics = grown;
  told_metric *m = &b->metrics[b->metric_count++];
  *m = (told_metric){.what = *what};
  m->what.name = assay_arena_strdup(in->arena, what->name);
  m->what.unit = assay_arena_strdup(in->arena, what->unit);
  return m->what.name != NULL && m->what.unit != NULL ? m : NULL;
}

static told_metric *tell(assay_importer *in, assay_imported *b, const assay_import_metric *what, unsigned process, double value) {
  told_metric *m = metric_of(in, b, what);
  if (m == NULL) return NULL;
  if (!isfinite(value)) {
    assay_import_mistake(in, "", "%.60s is not a finite number in %s", what->name, what->unit);
    return NULL;
  }
  if (value < 0 && assay_metric_is_amount(what->name)) {
    assay_import_mistake(in, "", "%.60s is below zero (%g %s)", what->name, value, what->unit);
    return NULL;
  }
  void *grown = grow(in, m->values, m->count, &m->capacity, sizeof *m->values);
  if (grown == NULL) return NULL;
  m->values = grown;
  m->values[m->count] =
      (told_value){.process = (uint64_t)in->invocation << 32 | process, .value = value == 0 ? 0 : value, .order = m->count};
  m->count++;
  in->value_count++;
  return m;
}

void assay_import_value(assay_importer *in, assay_imported *b, const assay_import_metric *what, unsigned process, double value) {
  tell(in, b, what, process, value);
}

void assay_import_exact(assay_importer *in, assay_imported *b, const assay_import_metric *what, double value) {
  told_metric *m = tell(in, b, what, 0, value);
  if (m != NULL) m->is_exact = true;
}

/* What cannot be: a least or typical time below zero. */
static void check_stats(assay_importer *in, const assay_import_metric *what, const assay_summary *stats) {
  const double amounts[] = {stats->median, stats->mean, stats->min, stats->max, stats->p50,
                            stats->p90,    stats->p95,  stats->p99, stats->p999};
  for (size_t i = 0; i < sizeof amounts / sizeof *amounts && assay_metric_is_amount(what->name); i++) {
    if (amounts[i] < 0) assay_import_mistake(in, "", "a statistic of %.60s is below zero (%g %s)", what->name, amounts[i], what->unit);
  }
}

void assay_import_summary(assay_importer *in, assay_imported *b, const assay_import_metric *what, double value,
                          const assay_summary *stats) {
  told_metric *m = tell(in, b, what, 0, value);
  if (m == NULL) return;
  check_stats(in, what, stats);
  m->is_summary = true;
  m->stats = *stats;
}

void assay_import_distribution(assay_importer *in, assay_imported *b, const assay_import_metric *what, const assay_summary *stats) {
  told_metric *m = metric_of(in, b, what);
  if (m == NULL) return;
  check_stats(in, what, stats);
  m->has_distribution = true;
  m->stats = *stats;
}

assay_summary assay_import_no_summary(void) {
  return (assay_summary){.median = NAN,
                         .mean = NAN,
                         .stddev = NAN,
                         .min = NAN,
                         .max = NAN,
                         .p50 = NAN,
                         .p90 = NAN,
                         .p95 = NAN,
                         .p99 = NAN,
                         .p999 = NAN,
                         .ci_low = NAN,
                         .ci_high = NAN};
}

/* ---- Facts and notes -------------------------------------------------------------------------------------------------------------- */

static assay_fact *new_fact(assay_importer *in, const char *key) {
  if (in->status != ASSAY_OK) return NULL;
  char full[400];
  snprintf(full, sizeof full, "import.%.380s", key);
  for (char *c = full; *c != '\0'; c++)
    if ((unsigned char)*c <= 0x20 || *c == 0x7f) *c = '_';
  /* A cut in the middle of a character would be no text any more: drop what is left of it. */
  size_t length = strlen(full);
  while (length > 0 && length >= sizeof full - 20 && (full[length - 1] & 0x80) != 0) full[--length] = '\0';
  const char *kept = assay_arena_strdup(in->arena, full);
  if (kept != NULL && in->by_fact.capacity > 0 && in->by_fact.slots[slot_of(&in->by_fact, kept)].key != NULL) return NULL;
  if (in->result->fact_count >= MOST_FACTS) {
    in->fact_dropped++;
    return NULL;
  }
  bool is_new = false;
  assay_fact *grown = assay_result_room(in->result, in->result->facts, in->result->fact_count,
                                        &assay_result_storage_of(in->result)->fact_capacity, sizeof *grown);
  if (grown == NULL || look_up(in, &in->by_fact, kept, 0, &is_new) == NULL) return NULL;
  in->result->facts = grown;
  assay_fact *fact = &grown[in->result->fact_count++];
  *fact = (assay_fact){.key = kept, .component = "import"};
  return fact;
}

void assay_import_fact(assay_importer *in, const char *key, const char *text) {
  assay_fact *fact = text == NULL ? NULL : new_fact(in, key);
  if (fact == NULL) return;
  fact->type = ASSAY_FACT_TEXT;
  fact->text = assay_arena_strdup(in->arena, text);
}

void assay_import_fact_real(assay_importer *in, const char *key, double value) {
  assay_fact *fact = !isfinite(value) ? NULL : new_fact(in, key);
  if (fact == NULL) return;
  fact->type = ASSAY_FACT_REAL;
  fact->real = value;
}

static void set_whole(assay_fact *fact, assay_fact_type type, int64_t value) {
  if (fact == NULL) return;
  fact->type = type;
  fact->integer = value;
  fact->real = (double)value;
}

void assay_import_fact_whole(assay_importer *in, const char *key, int64_t value) {
  set_whole(new_fact(in, key), ASSAY_FACT_INTEGER, value);
}

void assay_import_fact_bool(assay_importer *in, const char *key, bool value) { set_whole(new_fact(in, key), ASSAY_FACT_BOOL, value); }

static void put_json_fact(assay_importer *in, const char *key, const json_t *value, int depth) {
  enum { DEPTH = 6 };
  char inner[300];
  if (value == NULL || json_is_null(value) || assay_import_is_nan(value)) return;
  if (json_is_string(value)) {
    assay_import_fact(in, key, json_string_value(value));
  } else if (json_is_integer(value)) {
    assay_import_fact_whole(in, key, json_integer_value(value));
  } else if (json_is_real(value)) {
    assay_import_fact_real(in, key, json_real_value(value));
  } else if (json_is_boolean(value)) {
    assay_import_fact_bool(in, key, json_is_true(value));
  } else if (depth >= DEPTH) {
    assay_import_fact(in, key, assay_import_shown(in, value));
  } else if (json_is_array(value)) {
    for (size_t i = 0; i < json_array_size(value); i++) {
      snprintf(inner, sizeof inner, "%.250s.%zu", key, i);
      put_json_fact(in, inner, json_array_get(value, i), depth + 1);
    }
  } else {
    json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterator has no const form */
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
      snprintf(inner, sizeof inner, "%.150s.%.120s", key, json_object_iter_key(at));
      put_json_fact(in, inner, json_object_iter_value(at), depth + 1);
    }
  }
}

void assay_import_fact_json(assay_importer *in, const char *key, const json_t *value) { put_json_fact(in, key, value, 0); }

void assay_import_benchmark_fact(assay_importer *in, const assay_imported *b, const char *key, const json_t *value) {
  if (b == in->nobody) return;
  char full[400];
  snprintf(full, sizeof full, "benchmarks.%.100s/%.120s.%.70s", b->b.suite, b->b.name, key);
  put_json_fact(in, full, value, 0);
}

static void put_remark(assay_importer *in, const char *kind, size_t *count, const char *text) {
  char key[40];
  bool is_new = false;
  if (look_up(in, &in->by_note, assay_arena_strdup(&in->scratch, text), 0, &is_new) == NULL || !is_new) return;
  snprintf(key, sizeof key, "%s.%zu", kind, (*count)++);
  assay_import_fact(in, key, text);
}

void assay_import_note(assay_importer *in, const char *format, ...) {
  char text[500];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_remark(in, "left_out", &in->note_count, text);
}

void assay_import_warn(assay_importer *in, const char *format, ...) {
  char text[500];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_remark(in, "warning", &in->warning_count, text);
}

const char *assay_import_content(assay_importer *in, const char *text, size_t length) {
  char key[48];
  uint64_t hash = assay_hash(ASSAY_HASH_START, text, length), other = assay_hash(~hash, text, length);
  snprintf(key, sizeof key, "%zx %016llx %016llx", length, (unsigned long long)hash, (unsigned long long)other);
  bool is_new = false;
  const size_t *index = look_up(in, &in->by_content, assay_arena_strdup(&in->scratch, key), in->content_count, &is_new);
  if (index == NULL || !is_new) return index == NULL ? NULL : in->contents[*index];
  void *grown = grow(in, in->contents, in->content_count, &in->content_capacity, sizeof *in->contents);
  if (grown == NULL) return NULL;
  in->contents = grown;
  in->contents[in->content_count++] = in->file;
  return NULL;
}

/* ---- The run and its machine ------------------------------------------------------------------------------------------------------ */

void assay_import_next_invocation(assay_importer *in) { in->invocation++; }

static void add_machine(assay_importer *in, const char *id, const char *label) {
  bool is_new = false;
  if (id == NULL || look_up(in, &in->by_machine, id, 0, &is_new) == NULL || !is_new) return;
  void *grown = grow(in, in->machines, in->machine_count, &in->machine_capacity, sizeof *in->machines);
  if (grown == NULL) return;
  in->machines = grown;
  in->machines[in->machine_count++] = (assay_import_machine_name){id, label};
}

void assay_import_machine(assay_importer *in, const char *host, const char *processor, const char *system) {
  const char *parts[] = {host, processor, system};
  assay_buf label = {0};
  for (size_t i = 0; i < 3; i++) {
    if (parts[i] == NULL || parts[i][0] == '\0') continue;
    assay_buf_printf(&label, "%s%s", label.length > 0 ? ", " : "", parts[i]);
  }
  if (label.length > 0) {
    uint64_t hash = assay_hash(assay_hash(ASSAY_HASH_START, "import", 7), label.data, label.length);
    add_machine(in, assay_import_printf(in, "%016llx", (unsigned long long)hash), assay_arena_strdup(in->arena, label.data));
  }
  assay_buf_deinit(&label);
}

void assay_import_hardware(assay_importer *in, const char *id, const char *label) {
  add_machine(in, assay_arena_strdup(in->arena, id), assay_arena_strdup(in->arena, label));
}

bool assay_import_own_machine(assay_importer *in, const json_t *about) {
  const char *id = json_string_value(json_object_get(about, "assay_machine_id"));
  if (id == NULL || strlen(id) != 16 || strspn(id, "0123456789abcdef") != 16) return false;
  assay_import_hardware(in, id, json_string_value(json_object_get(about, "assay_machine")));
  return true;
}

void assay_import_started(assay_importer *in, int64_t at_s) {
  if (at_s >= 0 && at_s < in->started_at_s && at_s < INT64_C(1) << 53) in->started_at_s = at_s;
}

void assay_import_commit(assay_importer *in, const char *revision) {
  if (revision == NULL || revision[0] == '\0') return;
  if (in->commit == NULL)
    in->commit = assay_arena_strdup(in->arena, revision);
  else if (strcmp(in->commit, revision) != 0)
    in->commits_differ = true;
}

void assay_import_command(assay_importer *in, const char *command) {
  if (in->command == NULL && command != NULL && command[0] != '\0') in->command = assay_arena_strdup(in->arena, command);
}

void assay_import_duration(assay_importer *in, double seconds) {
  if (isfinite(seconds) && seconds > 0) in->duration_s += seconds;
}

void assay_import_tool_version(assay_importer *in, const char *version) { assay_import_fact(in, "tool_version", version); }

const char *assay_import_program(assay_importer *in, const char *path, const char *fallback) {
  if (path == NULL) return fallback;
  const char *start = path;
  for (const char *c = path; *c != '\0'; c++)
    if (*c == '/' || *c == '\\') start = c + 1;
  size_t length = strlen(start);
  if (length > 4 && strcmp(start + length - 4, ".exe") == 0) length -= 4;
  const char *stem = length == 0 ? NULL : assay_arena_strndup(in->arena, start, length);
  return stem != NULL ? stem : fallback;
}

/* ---- From values to metrics -------------------------------------------------------------------------------------------------------- */

static int by_process(const void *a, const void *b) {
  const told_value *x = a, *y = b;
  if (x->process != y->process) return x->process < y->process ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

/* The groups of one process each: their first values and lengths. `flat` has all values in order. */
static size_t group(const told_metric *told, double *flat, const double **rows, size_t *counts) {
  size_t groups = 0;
  for (size_t i = 0; i < told->count; i++) {
    flat[i] = told->values[i].value;
    if (i == 0 || told->values[i].process != told->values[i - 1].process) {
      rows[groups] = &flat[i];
      counts[groups++] = 0;
    }
    counts[groups - 1]++;
  }
  return groups;
}

static double or_value(double said, double otherwise) { return isnan(said) ? otherwise : said; }

/* Of a figure that is all that is known of a run: what the tool said of what stands behind it. */
static void set_said_stats(assay_metric_result *m, const assay_summary *said) {
  assay_summary s = *said;
  s.processes = 1;
  s.set_aside = 0;
  if (s.samples == 0) s.samples = 1;
  s.median = or_value(s.median, or_value(s.p50, m->value));
  s.mean = or_value(s.mean, m->value);
  s.min = or_value(s.min, NAN);
  m->stats = s;
}

/* Percentiles over all operations instead of over the few values of processes. */
static void set_distribution(assay_summary *stats, const assay_summary *said) {
  if (said->samples > 0) stats->samples = said->samples;
  stats->min = or_value(said->min, stats->min);
  stats->max = or_value(said->max, stats->max);
  stats->p50 = or_value(said->p50, stats->p50);
  stats->p90 = or_value(said->p90, stats->p90);
  stats->p95 = or_value(said->p95, stats->p95);
  stats->p99 = or_value(said->p99, stats->p99);
  stats->p999 = or_value(said->p999, stats->p999);
}

/* Scratch of one metric, kept from one to the next. */
typedef struct workbench {
  const double **rows;
  size_t *counts, capacity;
} workbench;

static bool make_room(assay_importer *in, workbench *bench, size_t count) {
  if (count <= bench->capacity) return true;
  bench->rows = assay_arena_alloc(&in->scratch, count, sizeof *bench->rows);
  bench->counts = assay_arena_alloc(&in->scratch, count, sizeof *bench->counts);
  bench->capacity = count;
  return bench->rows != NULL && bench->counts != NULL;
}

static void keep_samples(assay_importer *in, assay_metric_result *m, const workbench *bench, const double *flat, size_t count) {
  if (in->value_count > MOST_KEPT) {
    assay_import_note(in, "the single samples of processes: there are %zu values, and more than %d are not kept", in->value_count,
                      MOST_KEPT);
    return;
  }
  size_t *counts = assay_arena_alloc(in->arena, m->process_count, sizeof *counts);
  if (counts == NULL) return;
  memcpy(counts, bench->counts, m->process_count * sizeof *counts);
  m->sample_counts = counts;
  m->samples = flat;
  (void)count;
}

static void finish_metric(assay_importer *in, workbench *bench, told_metric *told, assay_metric_result *m) {
  qsort(told->values, told->count, sizeof *told->values, by_process);
  double *flat = assay_arena_alloc(in->arena, told->count, sizeof *flat);
  if (flat == NULL || !make_room(in, bench, told->count)) return;
  size_t groups = group(told, flat, bench->rows, bench->counts);
  bool is_one_process = groups == 1 && told->count > 1;
  *m = (assay_metric_result){.name = told->what.name,
                             .unit = told->what.unit,
                             .kind = told->what.kind,
                             .better = told->what.better,
                             .ceiling_value = NAN,
                             .ceiling_share = NAN,
                             .replicate = told->is_exact     ? ASSAY_REPLICATE_EXACT
                                          : told->is_summary ? ASSAY_REPLICATE_RUN
                                          : is_one_process   ? ASSAY_REPLICATE_REPETITION
                                                             : ASSAY_REPLICATE_PROCESS};
  if (is_one_process) {
    if (in->value_count > MOST_KEPT) {
      m->replicate = ASSAY_REPLICATE_RUN;
      assay_import_note(in, "the single repetitions: there are %zu values, and more than %d are not kept", in->value_count, MOST_KEPT);
    } else {
      groups = told->count;
      for (size_t i = 0; i < groups; i++) bench->rows[i] = &flat[i], bench->counts[i] = 1;
    }
  }
  assay_error problem = {0};
  if (assay_stats_summarize(bench->rows, bench->counts, groups, &problem, &m->stats) != ASSAY_OK) {
    if (in->status == ASSAY_OK) in->status = ASSAY_FAIL(in->err, problem.status, "%s of %s: %s", m->name, in->file, problem.message);
    return;
  }
  m->process_count = groups;
  m->processes = groups == told->count ? flat : assay_arena_alloc(in->arena, groups, sizeof *m->processes);
  if (m->processes == NULL) return;
  if (groups < told->count) {
    for (size_t p = 0; p < groups; p++) m->processes[p] = assay_stats_median(bench->rows[p], bench->counts[p]);
    if (groups > 1) keep_samples(in, m, bench, flat, told->count);
  }
  m->value = m->stats.median;
  /* Repetitions know nothing of the next process: their interval stays among the statistics. */
  bool is_between = m->replicate != ASSAY_REPLICATE_REPETITION;
  m->ci_low = is_between ? m->stats.ci_low : NAN;
  m->ci_high = is_between ? m->stats.ci_high : NAN;
  if (!is_between) m->stats.processes = 1;
  if (told->is_summary && groups == 1) set_said_stats(m, &told->stats);
  if (told->has_distribution) set_distribution(&m->stats, &told->stats);
}

static void finish_benchmark(assay_importer *in, workbench *bench, assay_imported *from, assay_benchmark_result *b) {
  *b = from->b;
  b->metrics = from->metric_count == 0 ? NULL : assay_arena_alloc(in->arena, from->metric_count, sizeof *b->metrics);
  b->metric_count = 0;
  for (size_t i = 0; b->metrics != NULL && i < from->metric_count && in->status == ASSAY_OK; i++) {
    if (from->metrics[i].count == 0) continue;
    assay_metric_result *m = &b->metrics[b->metric_count++];
    finish_metric(in, bench, &from->metrics[i], m);
    unsigned processes = m->replicate == ASSAY_REPLICATE_REPETITION ? 1 : (unsigned)m->process_count;
    if (processes > in->result->run.processes) in->result->run.processes = processes;
  }
  if (b->metric_count == 0 && b->status == ASSAY_OUTCOME_OK) {
    b->status = ASSAY_OUTCOME_SKIPPED;
    b->reason = "the file gives no figure of it";
  }
}

/* Those that a reader told (assay_import_suite) are there already. */
static void list_suites(assay_importer *in) {
  assay_import_map seen = {0};
  bool is_first = false;
  for (size_t i = 0; i < in->result->run.suite_count; i++) look_up(in, &seen, in->result->run.suites[i].name, 0, &is_first);
  for (size_t i = 0; i < in->result->benchmark_count; i++) {
    bool is_new = false;
    const char *suite = in->result->benchmarks[i].suite;
    if (look_up(in, &seen, suite, 0, &is_new) != NULL && is_new) assay_result_add_suite(in->result, suite, ASSAY_OUTCOME_OK, NULL, in->err);
  }
}

static int by_id(const void *a, const void *b) {
  return strcmp(((const assay_import_machine_name *)a)->id, ((const assay_import_machine_name *)b)->id);
}

/* Several machines together are one of their own: the same ones in any order. */
static void set_machine(assay_importer *in) {
  if (in->machine_count == 0) return;
  qsort(in->machines, in->machine_count, sizeof *in->machines, by_id);
  uint64_t hash = ASSAY_HASH_START;
  for (size_t i = 0; i < in->machine_count; i++) hash = assay_hash(hash, in->machines[i].id, strlen(in->machines[i].id) + 1);
  bool is_one = in->machine_count == 1;
  const char *first = in->machines[0].label != NULL ? in->machines[0].label : "unnamed";
  in->result->machine_id = is_one ? in->machines[0].id : assay_import_printf(in, "%016llx", (unsigned long long)hash);
  in->result->machine_label = is_one ? first : assay_import_printf(in, "%zu machines: %s; ...", in->machine_count, first);
  in->result->run.host = in->result->machine_label;
  if (!is_one) assay_import_warn(in, "the values come from %zu machines", in->machine_count);
}

static void set_run(assay_importer *in, const char *source, const char *id, int64_t otherwise_started_at_s) {
  assay_run_info *run = &in->result->run;
  run->id = assay_arena_strdup(in->arena, id);
  run->version = ASSAY_VERSION;
  run->source = assay_arena_strdup(in->arena, source);
  run->command = in->command;
  run->commit = in->commits_differ ? NULL : in->commit;
  run->started_at_s = in->started_at_s == INT64_MAX ? otherwise_started_at_s : in->started_at_s;
  run->duration_s = in->duration_s;
  if (in->commits_differ) assay_import_note(in, "the commit: the files name different ones");
}

void assay_importer_finish(assay_importer *in, const char *source, const char *id, int64_t otherwise_started_at_s, assay_result **result) {
  if (in->whole != NULL && in->status == ASSAY_OK) {
    *result = in->whole;
    in->whole = NULL;
    return;
  }
  if (in->status == ASSAY_OK && in->benchmark_count == 0) assay_import_mistake(in, "", "there is no benchmark in it");
  assay_result *r = in->result;
  workbench bench = {0};
  r->benchmarks = assay_arena_alloc(in->arena, in->benchmark_count + 1, sizeof *r->benchmarks);
  assay_result_storage_of(r)->benchmark_capacity = in->benchmark_count + 1;
  for (size_t i = 0; r->benchmarks != NULL && i < in->benchmark_count && in->status == ASSAY_OK; i++) {
    finish_benchmark(in, &bench, in->benchmarks[i], &r->benchmarks[i]);
    r->benchmark_count++;
  }
  if (in->fact_dropped > 0) {
    r->fact_count--; /* the last one makes room for this */
    assay_import_note(in, "%zu facts: more than %d are not kept", in->fact_dropped + 1, MOST_FACTS);
  }
  set_machine(in);
  set_run(in, source, id, otherwise_started_at_s);
  list_suites(in);
  if (in->status == ASSAY_OK && (in->arena->failed || in->scratch.failed))
    in->status = ASSAY_FAIL(in->err, ASSAY_ERR_NO_MEMORY, "out of memory for what %s holds", in->file);
  if (in->status != ASSAY_OK) return;
  *result = r;
  in->result = NULL;
}

assay_status assay_importer_init(assay_importer *in, assay_error *err) {
  *in = (assay_importer){.err = err, .file = "", .started_at_s = INT64_MAX};
  assay_status status = assay_result_create(err, &in->result);
  if (status != ASSAY_OK) return status;
  in->arena = assay_result_arena(in->result);
  assay_arena_init(&in->scratch, ASSAY_TAG_RESULT);
  in->nobody = assay_arena_alloc(&in->scratch, 1, sizeof *in->nobody);
  if (in->nobody == NULL) {
    assay_importer_deinit(in);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  return ASSAY_OK;
}

void assay_importer_deinit(assay_importer *in) {
  if (in->arena == NULL) return;
  assay_arena_deinit(&in->scratch);
  assay_result_destroy(in->result);
  assay_result_destroy(in->whole);
  *in = (assay_importer){0};
}
