/* SPDX-License-Identifier: MIT */
/*
 * The result from JSON. Strict about what it knows (types, words, ranges, both halves of a curve the same length) and silent about keys
 * that it does not know, so that a later minor addition stays readable. The first mistake ends the reading, with the path of the value in
 * the message.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "os/prim.h"
#include "result/storage.h"

enum {
  MAX_BYTES = 256 << 20, /* 100,000 benchmarks with two metrics each */
  MAX_ITEMS = 100000,    /* of one array of objects */
  MAX_METRICS = 1000,    /* of one benchmark */
  PATH_BYTES = 400
};

typedef struct reader {
  assay_arena *arena;
  assay_error *err;
  assay_status status; /* the first failure; everything after it gives zeros */
  size_t path_length;
  char path[PATH_BYTES]; /* "benchmarks[3].metrics[0]" */
} reader;

/* ---- Paths and failures ------------------------------------------------------------------------------------------------------- */

static void fail(reader *r, const char *key, const char *expected, const json_t *found) {
  static const char *const types[] = {"an object", "an array", "a string", "an integer", "a number", "true", "false", "null"};
  if (r->status != ASSAY_OK) return;
  const char *what = found == NULL ? "nothing" : types[json_typeof(found)];
  r->status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%.*s%s%s: expected %s, found %s", (int)r->path_length, r->path,
                         r->path_length > 0 && key[0] != '\0' ? "." : "", key, expected, what);
}

static size_t push(reader *r, const char *key, size_t index) {
  size_t before = r->path_length;
  int written =
      snprintf(r->path + before, PATH_BYTES - before, index == SIZE_MAX ? "%s%s" : "%s%s[%zu]", before > 0 ? "." : "", key, index);
  size_t room = PATH_BYTES - before - 1;
  r->path_length = before + ((size_t)written < room ? (size_t)written : room);
  return before;
}

static void pop(reader *r, size_t before) { r->path_length = before; }

/* ---- Values ------------------------------------------------------------------------------------------------------------------- */

static const char *opt_text(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_null(value)) return NULL;
  if (json_is_string(value)) return assay_arena_strdup(r->arena, json_string_value(value));
  fail(r, key, "a string or null", value);
  return NULL;
}

static const char *text(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_string(value)) return assay_arena_strdup(r->arena, json_string_value(value));
  fail(r, key, "a string", value);
  return "";
}

/* null stands for "there is none" and comes back as NaN. */
static double opt_number(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_null(value)) return NAN;
  if (json_is_number(value)) return json_number_value(value);
  fail(r, key, "a number or null", value);
  return NAN;
}

static double number(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_number(value)) return json_number_value(value);
  fail(r, key, "a number", value);
  return NAN;
}

/* A value of the right type that cannot be. */
static void mistake(reader *r, const char *key, const char *expected) {
  if (r->status == ASSAY_OK)
    r->status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%.*s%s%s: expected %s", (int)r->path_length, r->path, r->path_length > 0 ? "." : "",
                           key, expected);
}

/* Of amounts: times, sizes, shares. What is measured by the clock or counted is never below zero; NaN stands for no figure. */
static double not_negative(reader *r, const char *key, double value) {
  char expected[64];
  assay_snprintf(expected, sizeof expected, "no negative number, found %g", value);
  if (value < 0) mistake(r, key, expected);
  return value;
}

static double amount(reader *r, const json_t *object, const char *key) { return not_negative(r, key, number(r, object, key)); }

static double opt_amount(reader *r, const json_t *object, const char *key) { return not_negative(r, key, opt_number(r, object, key)); }

static int64_t integer(reader *r, const json_t *object, const char *key, int64_t low, int64_t high) {
  char expected[80];
  const json_t *value = json_object_get(object, key);
  if (json_is_integer(value) && json_integer_value(value) >= low && json_integer_value(value) <= high) return json_integer_value(value);
  snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)low, (long long)high);
  fail(r, key, expected, value);
  return low;
}

static size_t count(reader *r, const json_t *object, const char *key) { return (size_t)integer(r, object, key, 0, INT64_C(1) << 53); }

static bool boolean(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_boolean(value)) fail(r, key, "true or false", value);
  return json_is_true(value);
}

/* Index of the word; the message lists them all. */
static int word(reader *r, const json_t *object, const char *key, const char *const *words) {
  const json_t *value = json_object_get(object, key);
  if (json_is_string(value))
    for (int i = 0; words[i] != NULL; i++)
      if (strcmp(words[i], json_string_value(value)) == 0) return i;
  char expected[200] = "one of";
  for (int i = 0; words[i] != NULL; i++) {
    size_t used = strlen(expected);
    snprintf(expected + used, sizeof expected - used, "%s \"%s\"", i > 0 ? "," : "", words[i]);
  }
  if (json_is_string(value) && r->status == ASSAY_OK) {
    r->status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%.*s.%s: expected %s, found \"%.60s\"", (int)r->path_length, r->path, key, expected,
                           json_string_value(value));
  }
  fail(r, key, expected, value);
  return 0;
}

static const json_t *object_at(reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_object(value)) fail(r, key, "an object", value);
  return value;
}

/* An array of at most `limit` items, with its length; NULL and 0 after a failure. */
static const json_t *array(reader *r, const json_t *object, const char *key, size_t limit, size_t *length) {
  const json_t *value = json_object_get(object, key);
  *length = 0;
  if (!json_is_array(value)) {
    fail(r, key, "an array", value);
    return NULL;
  }
  if (json_array_size(value) > limit) {
    if (r->status == ASSAY_OK)
      r->status = ASSAY_FAIL(r->err, ASSAY_ERR_LIMIT, "%.*s%s%s has %zu items; %zu is the limit", (int)r->path_length, r->path,
                             r->path_length > 0 ? "." : "", key, json_array_size(value), limit);
    return NULL;
  }
  *length = json_array_size(value);
  return value;
}

static double *doubles(reader *r, const json_t *object, const char *key, size_t *length) {
  const json_t *items = array(r, object, key, SIZE_MAX, length);
  double *values = *length == 0 ? NULL : assay_arena_alloc(r->arena, *length, sizeof *values);
  for (size_t i = 0; values != NULL && i < *length; i++) {
    const json_t *item = json_array_get(items, i);
    if (!json_is_number(item)) {
      size_t before = push(r, key, i);
      fail(r, "", "a number", item);
      pop(r, before);
      break;
    }
    values[i] = json_number_value(item);
  }
  return values;
}

/* 16 lower-case hexadecimal digits. */
static bool is_hex16(const char *s) { return strlen(s) == 16 && strspn(s, "0123456789abcdef") == 16; }

static const char *hex16(reader *r, const json_t *object, const char *key) {
  const char *value = text(r, object, key);
  if (value != NULL && !is_hex16(value)) fail(r, key, "16 hexadecimal digits", json_object_get(object, key));
  return value;
}

/* ---- The parts ---------------------------------------------------------------------------------------------------------------- */

static const char *const outcome_words[] = {"ok", "skipped", "unsupported", "failed", NULL};
static const char *const better_words[] = {"lower", "higher", NULL};

static void read_suites(reader *r, const json_t *from, assay_run_info *run) {
  const json_t *items = array(r, from, "suites", MAX_ITEMS, &run->suite_count);
  run->suites = run->suite_count == 0 ? NULL : assay_arena_alloc(r->arena, run->suite_count, sizeof *run->suites);
  for (size_t i = 0; run->suites != NULL && i < run->suite_count && r->status == ASSAY_OK; i++) {
    size_t before = push(r, "suites", i);
    const json_t *item = json_array_get(items, i);
    run->suites[i].name = text(r, item, "name");
    run->suites[i].status = (assay_outcome)word(r, item, "status", outcome_words);
    run->suites[i].reason = opt_text(r, item, "reason");
    pop(r, before);
  }
}

static void read_run(reader *r, const json_t *root, assay_run_info *run) {
  const json_t *from = object_at(r, root, "run");
  size_t before = push(r, "run", SIZE_MAX);
  run->id = hex16(r, from, "id");
  run->name = opt_text(r, from, "name");
  run->version = text(r, from, "version");
  run->command = opt_text(r, from, "command");
  run->commit = opt_text(r, from, "commit");
  run->source = json_object_get(from, "source") == NULL ? NULL : opt_text(r, from, "source");
  run->host = opt_text(r, from, "host");
  run->started_at_s = integer(r, from, "started_at_s", 0, INT64_C(1) << 53);
  run->duration_s = amount(r, from, "duration_s");
  run->quick = boolean(r, from, "quick");
  run->interrupted = boolean(r, from, "interrupted");
  run->processes = (unsigned)integer(r, from, "processes", 0, UINT32_MAX);
  const char *seed = hex16(r, from, "seed");
  run->seed = seed == NULL ? 0 : strtoull(seed, NULL, 16);
  read_suites(r, from, run);
  pop(r, before);
}

static void read_fact(reader *r, const json_t *from, assay_fact *fact) {
  static const char *const types[] = {"text", "integer", "real", "bool", "unavailable", NULL};
  fact->key = text(r, from, "key");
  fact->component = opt_text(r, from, "component");
  fact->type = (assay_fact_type)word(r, from, "type", types);
  switch (fact->type) {
    case ASSAY_FACT_TEXT: fact->text = text(r, from, "value"); break;
    case ASSAY_FACT_INTEGER:
      fact->integer = integer(r, from, "value", INT64_MIN, INT64_MAX);
      fact->real = (double)fact->integer;
      break;
    case ASSAY_FACT_REAL: fact->real = opt_number(r, from, "value"); break;
    case ASSAY_FACT_BOOL:
      fact->integer = boolean(r, from, "value");
      fact->real = (double)fact->integer;
      break;
    case ASSAY_FACT_UNAVAILABLE: fact->text = opt_text(r, from, "cause"); break;
  }
}

static void read_ceiling(reader *r, const json_t *from, assay_ceiling *c) {
  c->name = text(r, from, "name");
  c->unit = text(r, from, "unit");
  c->better = (assay_better)word(r, from, "better", better_words);
  c->available = boolean(r, from, "available");
  c->value = c->available ? amount(r, from, "value") : opt_amount(r, from, "value");
  c->typical = opt_amount(r, from, "typical");
  c->spread_ratio = opt_amount(r, from, "spread_ratio");
  c->detail = opt_text(r, from, "detail");
  c->cause = opt_text(r, from, "cause");
}

static void read_stats(reader *r, const json_t *metric, assay_summary *s) {
  const json_t *from = object_at(r, metric, "stats");
  size_t before = push(r, "stats", SIZE_MAX);
  s->processes = count(r, from, "processes");
  s->samples = count(r, from, "samples");
  s->set_aside = count(r, from, "set_aside");
  s->median = opt_number(r, from, "median");
  s->mean = opt_number(r, from, "mean");
  s->stddev = opt_number(r, from, "stddev");
  s->min = opt_number(r, from, "min");
  s->max = opt_number(r, from, "max");
  s->p50 = opt_number(r, from, "p50");
  s->p90 = opt_number(r, from, "p90");
  s->p95 = opt_number(r, from, "p95");
  s->p99 = opt_number(r, from, "p99");
  s->p999 = opt_number(r, from, "p999");
  s->ci_low = opt_number(r, from, "ci_low");
  s->ci_high = opt_number(r, from, "ci_high");
  pop(r, before);
}

static void read_metric_ceiling(reader *r, const json_t *metric, assay_metric_result *m) {
  const json_t *from = json_object_get(metric, "ceiling");
  m->ceiling_value = m->ceiling_share = NAN;
  if (json_is_null(from)) return;
  if (!json_is_object(from)) {
    fail(r, "ceiling", "an object or null", from);
    return;
  }
  size_t before = push(r, "ceiling", SIZE_MAX);
  m->ceiling = text(r, from, "name");
  m->ceiling_value = amount(r, from, "value");
  m->ceiling_share = amount(r, from, "share");
  pop(r, before);
}

/* A benchmark's own metric may be below zero, such as a drift. */
bool assay_metric_is_amount(const char *metric) {
  static const char *const amounts[] = {"time",     "latency",          "latency_p99",      "latency_p999",
                                        "cpu_time", "items_per_second", "bytes_per_second", "flops",
                                        "peak_rss", "allocations",      "allocated_bytes"};
  for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
    if (strcmp(metric, amounts[i]) == 0) return true;
  return false;
}

/* What no run can have: a figure of no process, an interval that is upside down, time or work below zero. */
static void check_metric(reader *r, const assay_metric_result *m) {
  if (m->process_count == 0) mistake(r, "processes", "at least one value behind a figure, found none");
  if (m->ci_low > m->ci_high) mistake(r, "ci_high", "no less than ci_low");
  if (!assay_metric_is_amount(m->name)) return;
  not_negative(r, "value", m->value);
  not_negative(r, "ci_low", m->ci_low);
  for (size_t i = 0; i < m->process_count; i++) not_negative(r, "processes", m->processes[i]);
  not_negative(r, "stats.min", m->stats.min);
  not_negative(r, "stats.median", m->stats.median);
}

/* The samples of each process, an array each; optional like `replicate`, which older results do not have. */
static void read_samples(reader *r, const json_t *metric, assay_metric_result *m) {
  if (json_is_null(json_object_get(metric, "samples")) || json_object_get(metric, "samples") == NULL) return;
  size_t rows = 0, total = 0, filled = 0;
  const json_t *from = array(r, metric, "samples", SIZE_MAX, &rows);
  if (rows != m->process_count) mistake(r, "samples", "as many arrays as processes");
  for (size_t p = 0; p < rows; p++) total += json_array_size(json_array_get(from, p));
  if (r->status != ASSAY_OK || rows == 0) return;
  size_t *counts = assay_arena_alloc(r->arena, rows, sizeof *counts);
  double *samples = assay_arena_alloc(r->arena, total + 1, sizeof *samples);
  size_t before = push(r, "samples", SIZE_MAX);
  for (size_t p = 0; counts != NULL && samples != NULL && p < rows && r->status == ASSAY_OK; p++) {
    const json_t *row = json_array_get(from, p);
    char place[32];
    snprintf(place, sizeof place, "%zu", p);
    if (!json_is_array(row)) fail(r, place, "an array", row);
    counts[p] = json_array_size(row);
    for (size_t i = 0; i < counts[p] && r->status == ASSAY_OK; i++) {
      const json_t *item = json_array_get(row, i);
      if (!json_is_number(item)) fail(r, place, "numbers", item);
      samples[filled++] = json_number_value(item);
    }
  }
  pop(r, before);
  m->sample_counts = counts;
  m->samples = samples;
}

static void read_replicates(reader *r, const json_t *metric, assay_metric_result *m) {
  static const char *const words[] = {"process", "repetition", "run", "exact", NULL};
  const json_t *replicate = json_object_get(metric, "replicate");
  if (replicate != NULL && !json_is_null(replicate)) m->replicate = (assay_replicate)word(r, metric, "replicate", words);
  read_samples(r, metric, m);
}

/* Optional: only verdicts that were looked at again have it. */
static void read_recheck(reader *r, const json_t *metric, assay_recheck *recheck) {
  const json_t *from = json_object_get(metric, "recheck");
  if (from == NULL || json_is_null(from)) return;
  if (!json_is_object(from)) {
    fail(r, "recheck", "an object or null", from);
    return;
  }
  size_t before = push(r, "recheck", SIZE_MAX);
  recheck->against = hex16(r, from, "against");
  recheck->confirmed = boolean(r, from, "confirmed");
  recheck->reason = recheck->confirmed ? opt_text(r, from, "reason") : text(r, from, "reason");
  pop(r, before);
}

static void read_metric(reader *r, const json_t *from, assay_metric_result *m) {
  static const char *const kinds[] = {"time", "latency", "throughput", "accuracy", "error_rate", "memory", "energy", "count", NULL};
  m->name = text(r, from, "name");
  m->unit = text(r, from, "unit");
  m->kind = (assay_metric_kind)word(r, from, "kind", kinds);
  m->better = (assay_better)word(r, from, "better", better_words);
  m->value = number(r, from, "value");
  m->ci_low = opt_number(r, from, "ci_low");
  m->ci_high = opt_number(r, from, "ci_high");
  read_stats(r, from, &m->stats);
  m->processes = doubles(r, from, "processes", &m->process_count);
  read_replicates(r, from, m);
  read_recheck(r, from, &m->recheck);
  read_metric_ceiling(r, from, m);
  if (r->status == ASSAY_OK) check_metric(r, m);
}

static void read_covariates(reader *r, const json_t *benchmark, assay_covariates *c) {
  const json_t *from = object_at(r, benchmark, "covariates");
  size_t before = push(r, "covariates", SIZE_MAX);
  c->steal_ms = opt_number(r, from, "steal_ms");
  c->voluntary_switches = opt_number(r, from, "voluntary_switches");
  c->involuntary_switches = opt_number(r, from, "involuntary_switches");
  c->migrations = opt_number(r, from, "migrations");
  c->minor_faults = opt_number(r, from, "minor_faults");
  c->major_faults = opt_number(r, from, "major_faults");
  c->pressure_us = opt_number(r, from, "pressure_us");
  c->throttled_us = opt_number(r, from, "throttled_us");
  c->spin_ratio = opt_number(r, from, "spin_ratio");
  c->others_cpus = json_object_get(from, "others_cpus") == NULL ? NAN : opt_number(r, from, "others_cpus"); /* not in 0.1 */
  c->own_cpus = json_object_get(from, "own_cpus") == NULL ? NAN : opt_number(r, from, "own_cpus");
  c->stolen_cpus = json_object_get(from, "stolen_cpus") == NULL ? NAN : opt_number(r, from, "stolen_cpus");
  pop(r, before);
}

static void read_curve(reader *r, const json_t *benchmark, const char *key, assay_latency_curve *curve) {
  const json_t *from = json_object_get(benchmark, key);
  if (json_is_null(from)) return;
  if (!json_is_object(from)) {
    fail(r, key, "an object or null", from);
    return;
  }
  size_t before = push(r, key, SIZE_MAX), values = 0;
  curve->quantiles = doubles(r, from, "quantiles", &curve->count);
  curve->values_ns = doubles(r, from, "values_ns", &values);
  if (values != curve->count) fail(r, "values_ns", "as many values as quantiles", json_object_get(from, "values_ns"));
  for (size_t i = 0; r->status == ASSAY_OK && i < curve->count; i++)
    if (curve->quantiles[i] < 0 || curve->quantiles[i] > 1) fail(r, "quantiles", "numbers from 0 to 1", json_object_get(from, "quantiles"));
  for (size_t i = 0; r->status == ASSAY_OK && i < curve->count; i++) {
    not_negative(r, "values_ns", curve->values_ns[i]);
    if (i > 0 && !(curve->quantiles[i] > curve->quantiles[i - 1])) mistake(r, "quantiles", "an ascending order");
    if (i > 0 && curve->values_ns[i] < curve->values_ns[i - 1]) mistake(r, "values_ns", "an order that does not descend");
  }
  pop(r, before);
}

static void read_params(reader *r, const json_t *benchmark, assay_benchmark_result *b) {
  const json_t *from = object_at(r, benchmark, "params");
  b->param_count = json_object_size(from);
  b->params = b->param_count == 0 ? NULL : assay_arena_alloc(r->arena, b->param_count, sizeof *b->params);
  if (b->params == NULL) return;
  size_t before = push(r, "params", SIZE_MAX), i = 0;
  /* jansson iterates in the order of insertion, which is that of the file. */
  for (void *at = json_object_iter((json_t *)(uintptr_t)from); at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)from, at), i++) {
    b->params[i].name = assay_arena_strdup(r->arena, json_object_iter_key(at));
    b->params[i].value = text(r, from, json_object_iter_key(at));
  }
  pop(r, before);
}

static void read_metrics(reader *r, const json_t *from, assay_benchmark_result *b) {
  const json_t *items = array(r, from, "metrics", MAX_METRICS, &b->metric_count);
  b->metrics = b->metric_count == 0 ? NULL : assay_arena_alloc(r->arena, b->metric_count, sizeof *b->metrics);
  for (size_t i = 0; b->metrics != NULL && i < b->metric_count && r->status == ASSAY_OK; i++) {
    size_t before = push(r, "metrics", i);
    read_metric(r, json_array_get(items, i), &b->metrics[i]);
    pop(r, before);
  }
}

static void read_benchmark(reader *r, const json_t *from, assay_benchmark_result *b) {
  b->name = text(r, from, "name");
  b->suite = text(r, from, "suite");
  b->base_name = text(r, from, "base_name");
  read_params(r, from, b);
  b->status = (assay_outcome)word(r, from, "status", outcome_words);
  b->reason = opt_text(r, from, "reason");
  read_metrics(r, from, b);
  b->complexity = opt_text(r, from, "complexity");
  b->steady = json_is_null(json_object_get(from, "steady")) ? ASSAY_STEADY_UNTESTED
              : boolean(r, from, "steady")                  ? ASSAY_STEADY_YES
                                                            : ASSAY_STEADY_NO;
  b->set_aside_ratio = opt_amount(r, from, "set_aside_ratio");
  b->disturbed_ratio = opt_amount(r, from, "disturbed_ratio");
  b->set_aside_why = opt_text(r, from, "set_aside_why");
  b->clock_resolution_ns = opt_amount(r, from, "clock_resolution_ns");
  b->clock_cost_ns = opt_number(r, from, "clock_cost_ns");
  read_covariates(r, from, &b->covariates);
  b->counters_cause = opt_text(r, from, "counters_cause");
  b->allocations_cause = opt_text(r, from, "allocations_cause");
  read_curve(r, from, "latency", &b->latency);
  read_curve(r, from, "service", &b->service);
  double rate_hz = opt_amount(r, from, "rate_hz"), achieved_hz = opt_amount(r, from, "rate_achieved_hz");
  b->rate_hz = isnan(rate_hz) ? 0 : rate_hz;
  b->rate_achieved_hz = isnan(rate_hz) ? 0 : achieved_hz;
}

static void read_complexity(reader *r, const json_t *from, assay_complexity_result *c) {
  const char *orders[ASSAY_O_UNCLEAR + 2] = {0};
  for (int i = 0; i <= ASSAY_O_UNCLEAR; i++) orders[i] = assay_big_o_text((assay_big_o)i);
  c->suite = text(r, from, "suite");
  c->base_name = text(r, from, "base_name");
  c->param = text(r, from, "param");
  c->name = text(r, from, "name");
  c->fit.order = (assay_big_o)word(r, from, "order", orders);
  c->fit.coefficient = opt_number(r, from, "coefficient");
  c->fit.rms_ratio = opt_number(r, from, "rms_ratio");
}

static void read_check(reader *r, const json_t *from, assay_check *c) {
  static const char *const words[] = {"pass", "fail", "unavailable", NULL};
  c->suite = opt_text(r, from, "suite");
  c->name = text(r, from, "name");
  c->status = (assay_check_status)word(r, from, "status", words);
  c->expected = opt_text(r, from, "expected");
  c->measured = opt_text(r, from, "measured");
  c->cause = opt_text(r, from, "cause");
  c->recommendation = opt_text(r, from, "recommendation");
}

static void read_sla(reader *r, const json_t *from, assay_sla_result *s) {
  static const char *const statuses[] = {"met", "missed", "not_applicable", "inconclusive", NULL}, *const bounds[] = {"min", "max", NULL};
  s->name = text(r, from, "name");
  s->description = opt_text(r, from, "description");
  s->benchmark = text(r, from, "benchmark");
  s->metric = text(r, from, "metric");
  s->unit = text(r, from, "unit");
  s->is_max = word(r, from, "bound", bounds) == 1;
  s->limit = number(r, from, "limit");
  s->value = opt_number(r, from, "value");
  s->status = (assay_sla_status)word(r, from, "status", statuses);
  s->reason = opt_text(r, from, "reason");
}

static void read_recommendation(reader *r, const json_t *from, assay_recommendation *c) {
  c->title = text(r, from, "title");
  c->because = text(r, from, "because");
  c->command = opt_text(r, from, "command");
  c->priority = (int)integer(r, from, "priority", 1, 3);
}

/* Reads `from`.plural into result->plural, an object at a time. */
#define READ_ARRAY(r, result, from, plural, singular)                                                        \
  do {                                                                                                       \
    const json_t *items_ = array((r), (from), #plural, MAX_ITEMS, &(result)->singular##_count);              \
    size_t count_ = (result)->singular##_count;                                                              \
    (result)->plural = count_ == 0 ? NULL : assay_arena_alloc((r)->arena, count_, sizeof *(result)->plural); \
    assay_result_storage_of(result)->singular##_capacity = count_;                                           \
    for (size_t i = 0; (result)->plural != NULL && i < count_ && (r)->status == ASSAY_OK; i++) {             \
      size_t before_ = push((r), #plural, i);                                                                \
      if (!json_is_object(json_array_get(items_, i))) fail((r), "", "an object", json_array_get(items_, i)); \
      read_##singular((r), json_array_get(items_, i), &(result)->plural[i]);                                 \
      pop((r), before_);                                                                                     \
    }                                                                                                        \
  } while (0)

static void read_machine(reader *r, const json_t *root, assay_result *result) {
  const json_t *from = object_at(r, root, "machine");
  size_t before = push(r, "machine", SIZE_MAX);
  result->machine_id = opt_text(r, from, "id");
  result->machine_label = opt_text(r, from, "label");
  READ_ARRAY(r, result, from, facts, fact);
  pop(r, before);
}

static int by_name(const void *a, const void *b) {
  const assay_benchmark_result *x = *(const assay_benchmark_result *const *)a, *y = *(const assay_benchmark_result *const *)b;
  int suites = strcmp(x->suite, y->suite);
  return suites != 0 ? suites : strcmp(x->name, y->name);
}

static void refuse_duplicates(reader *r, const assay_result *result) {
  size_t n = result->benchmark_count;
  const assay_benchmark_result **sorted = assay_arena_alloc(r->arena, n, sizeof *sorted);
  if (r->status != ASSAY_OK || sorted == NULL) return;
  for (size_t i = 0; i < n; i++) sorted[i] = &result->benchmarks[i];
  qsort(sorted, n, sizeof *sorted, by_name);
  for (size_t i = 1; i < n && r->status == ASSAY_OK; i++)
    if (by_name(&sorted[i - 1], &sorted[i]) == 0)
      r->status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "benchmarks: \"%s/%s\" is there twice", sorted[i]->suite, sorted[i]->name);
}

static void read_schema(reader *r, const json_t *root) {
  const json_t *schema = json_object_get(root, "schema");
  const char *name = json_is_string(schema) ? json_string_value(schema) : "", *prefix = "assay-result/";
  if (strcmp(name, ASSAY_RESULT_SCHEMA) == 0) return;
  size_t digits = strspn(name + (strncmp(name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0), "0123456789");
  if (strncmp(name, prefix, strlen(prefix)) == 0 && digits > 0)
    r->status = ASSAY_FAIL(r->err, ASSAY_ERR_VERSION, "written by another Assay (schema \"%.40s\", this one reads \"%s\"): upgrade Assay",
                           name, ASSAY_RESULT_SCHEMA);
  else
    r->status =
        ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "not a result of Assay: \"schema\" is not \"%s\" (`assay import` reads other tools' results)",
                   ASSAY_RESULT_SCHEMA);
}

static void read_result(reader *r, const json_t *root, assay_result *result) {
  read_schema(r, root);
  if (r->status != ASSAY_OK) return;
  read_run(r, root, &result->run);
  read_machine(r, root, result);
  READ_ARRAY(r, result, root, benchmarks, benchmark);
  refuse_duplicates(r, result);
  READ_ARRAY(r, result, root, complexities, complexity);
  READ_ARRAY(r, result, root, checks, check);
  READ_ARRAY(r, result, root, slas, sla);
  READ_ARRAY(r, result, root, recommendations, recommendation);
  result->ceilings_quick = boolean(r, root, "ceilings_quick");
  READ_ARRAY(r, result, root, ceilings, ceiling);
  assay_result_storage_of(result)->suite_capacity = result->run.suite_count;
}

/* ---- Entrances ---------------------------------------------------------------------------------------------------------------- */

static assay_status parse(const char *json, size_t length, assay_error *err, json_t **root) {
  if (length > MAX_BYTES)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu bytes of JSON are over the limit of %d MiB for a result", length, MAX_BYTES >> 20);
  json_error_t where;
  *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &where);
  if (*root == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "not valid JSON at line %d, column %d: %s", where.line, where.column, where.text);
  if (json_is_object(*root)) return ASSAY_OK;
  json_decref(*root);
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "not a result of Assay: the JSON is not an object (`assay import` reads other tools' results)");
}

assay_status assay_result_from_json(const char *json, size_t length, assay_error *err, assay_result **result) {
  json_t *root = NULL;
  assay_status status = parse(json, length, err, &root);
  if (status != ASSAY_OK) return status;
  assay_result *created = NULL;
  status = assay_result_create(err, &created);
  if (status == ASSAY_OK) {
    reader r = {.arena = assay_result_arena(created), .err = err};
    read_result(&r, root, created);
    status = r.status == ASSAY_OK ? assay_result_added(created, err) : r.status;
  }
  json_decref(root);
  if (status != ASSAY_OK) {
    assay_result_destroy(created);
    return status;
  }
  *result = created;
  return ASSAY_OK;
}

assay_status assay_result_add_benchmark_json(assay_result *result, const char *json, size_t length, assay_error *err) {
  json_t *root = NULL;
  assay_status status = parse(json, length, err, &root);
  if (status != ASSAY_OK) return status;
  reader r = {.arena = assay_result_arena(result), .err = err};
  assay_benchmark_result benchmark = {0};
  read_benchmark(&r, root, &benchmark);
  json_decref(root);
  return r.status == ASSAY_OK ? assay_result_add_benchmark(result, &benchmark, err) : r.status;
}

assay_status assay_result_read(const char *path, assay_error *err, assay_result **result) {
  char *data = NULL;
  size_t length = 0;
  assay_status status = assay_os_read_file(path, MAX_BYTES, err, &data, &length);
  if (status != ASSAY_OK) return status;
  assay_error inner = {0};
  status = assay_result_from_json(data, length, &inner, result);
  assay_free(data);
  if (status == ASSAY_OK) return ASSAY_OK;
  return ASSAY_FAIL(err, status, "%s: %s", strcmp(path, "-") == 0 ? "standard input" : path, inner.message);
}
