/* SPDX-License-Identifier: MIT */
/*
 * JMH's JSON (-rf json): an array of benchmarks, each in one mode. rawData[fork][iteration]; in mode "sample" a histogram
 * rawDataHistogram[fork][iteration][bucket] = [value, count]. NaN and infinities are the strings "NaN", "+INF" and "-INF".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/import.h"

enum { MOST_PARAMS = 64 };

static const assay_import_metric latency = {"latency", "ns", ASSAY_KIND_LATENCY, ASSAY_LOWER};
static const assay_import_metric single_shot = {"single_shot", "ns", ASSAY_KIND_TIME, ASSAY_LOWER};

/* ---- Numbers ----------------------------------------------------------------------------------------------------------------------- */

static bool is_no_figure(const json_t *value) {
  const char *text = json_string_value(value);
  return assay_import_is_nan(value) ||
         (text != NULL && (strcmp(text, "NaN") == 0 || strcmp(text, "+INF") == 0 || strcmp(text, "-INF") == 0));
}

static double figure(assay_importer *in, const json_t *value) {
  return value == NULL || is_no_figure(value) ? NAN : assay_import_number_of(in, value);
}

static double member(assay_importer *in, const json_t *object, const char *key) {
  size_t before = assay_import_enter(in, key, SIZE_MAX);
  double value = figure(in, json_object_get(object, key));
  assay_import_leave(in, before);
  return value;
}

/* ---- Raw data ---------------------------------------------------------------------------------------------------------------------- */

/* How many values there were. */
static size_t add_raw(assay_importer *in, assay_imported *b, const json_t *metric, const assay_import_metric *what, double factor) {
  size_t forks = 0, added = 0;
  const json_t *raw = assay_import_opt_array(in, metric, "rawData", &forks);
  for (size_t f = 0; f < forks && assay_import_ok(in); f++) {
    size_t before = assay_import_enter(in, "rawData", f);
    const json_t *iterations = json_array_get(raw, f);
    if (!json_is_array(iterations)) assay_import_expected(in, "", "an array", iterations);
    for (size_t i = 0; i < json_array_size(iterations) && assay_import_ok(in); i++) {
      size_t inner = assay_import_enter(in, "", i);
      double value = figure(in, json_array_get(iterations, i));
      if (!isnan(value)) assay_import_value(in, b, what, (unsigned)f, factor * value), added++;
      assay_import_leave(in, inner);
    }
    assay_import_leave(in, before);
  }
  return added;
}

/* Of a report without raw data (-Djmh.json.rawData=false): the score; its error is half of the interval at 99.9 %. */
static void add_score(assay_importer *in, assay_imported *b, const json_t *metric, const assay_import_metric *what, double factor,
                      const assay_summary *percentiles) {
  double score = member(in, metric, "score");
  if (isnan(score)) return;
  assay_summary said = *percentiles;
  said.mean = factor * score;
  assay_import_summary(in, b, what, factor * score, &said);
}

static assay_summary percentiles_of(assay_importer *in, const json_t *metric, double factor) {
  assay_summary said = assay_import_no_summary();
  const json_t *from = assay_import_opt_object(in, metric, "scorePercentiles");
  size_t before = assay_import_enter(in, "scorePercentiles", SIZE_MAX);
  said.min = factor * member(in, from, "0.0");
  said.p50 = factor * member(in, from, "50.0");
  said.p90 = factor * member(in, from, "90.0");
  said.p95 = factor * member(in, from, "95.0");
  said.p99 = factor * member(in, from, "99.0");
  said.p999 = factor * member(in, from, "99.9");
  said.max = factor * member(in, from, "100.0");
  assay_import_leave(in, before);
  return said;
}

/* ---- Mode "sample" ----------------------------------------------------------------------------------------------------------------- */

typedef struct bucket {
  double value, count;
} bucket;

typedef struct buckets {
  bucket *items;
  size_t count, capacity;
  double operations;
} buckets;

static int by_value(const void *a, const void *b) {
  const bucket *x = a, *y = b;
  return x->value < y->value ? -1 : x->value > y->value;
}

/* The value below which a share q of the operations lies. */
static double quantile(const buckets *all, double q) {
  double seen = 0;
  for (size_t i = 0; i < all->count; i++) {
    seen += all->items[i].count;
    if (seen >= q * all->operations) return all->items[i].value;
  }
  return all->count == 0 ? NAN : all->items[all->count - 1].value;
}

static void add_bucket(assay_importer *in, buckets *all, const json_t *pair) {
  const json_t *value = json_array_get(pair, 0), *count = json_array_get(pair, 1);
  if (json_array_size(pair) != 2 || !json_is_number(value) || !json_is_integer(count) || json_integer_value(count) < 0) {
    assay_import_expected(in, "", "a pair of a time and a count", pair);
    return;
  }
  if (all->count == all->capacity) {
    void *grown = assay_arena_grow(&in->scratch, all->items, all->count, &all->capacity, sizeof *all->items);
    if (grown == NULL) return;
    all->items = grown;
  }
  all->items[all->count++] = (bucket){json_number_value(value), (double)json_integer_value(count)};
  all->operations += (double)json_integer_value(count);
}

static void read_fork(assay_importer *in, const json_t *iterations, buckets *all) {
  if (!json_is_array(iterations)) assay_import_expected(in, "", "an array", iterations);
  for (size_t i = 0; i < json_array_size(iterations) && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "", i);
    const json_t *pairs = json_array_get(iterations, i);
    if (!json_is_array(pairs)) assay_import_expected(in, "", "an array", pairs);
    for (size_t k = 0; k < json_array_size(pairs) && assay_import_ok(in); k++) {
      size_t inner = assay_import_enter(in, "", k);
      add_bucket(in, all, json_array_get(pairs, k));
      assay_import_leave(in, inner);
    }
    assay_import_leave(in, before);
  }
  if (all->items != NULL) qsort(all->items, all->count, sizeof *all->items, by_value);
}

/* A process's value is its median operation, as of our own latency benchmarks; tails where ten operations lie beyond. */
static double add_histogram(assay_importer *in, assay_imported *b, const json_t *metric, double factor) {
  static const struct {
    assay_import_metric what;
    double q;
  } tails[] = {{{"latency_p99", "ns", ASSAY_KIND_LATENCY, ASSAY_LOWER}, 0.99},
               {{"latency_p999", "ns", ASSAY_KIND_LATENCY, ASSAY_LOWER}, 0.999}};
  size_t forks = 0;
  double operations = 0;
  const json_t *raw = assay_import_opt_array(in, metric, "rawDataHistogram", &forks);
  for (size_t f = 0; f < forks && assay_import_ok(in); f++) {
    buckets all = {0};
    size_t before = assay_import_enter(in, "rawDataHistogram", f);
    read_fork(in, json_array_get(raw, f), &all);
    if (all.operations > 0) assay_import_value(in, b, &latency, (unsigned)f, factor * quantile(&all, 0.5));
    for (size_t t = 0; t < 2; t++)
      if (all.operations * (1 - tails[t].q) >= 10 - 1e-6)
        assay_import_value(in, b, &tails[t].what, (unsigned)f, factor * quantile(&all, tails[t].q));
    operations += all.operations;
    assay_import_leave(in, before);
  }
  return operations;
}

/* ---- A benchmark ------------------------------------------------------------------------------------------------------------------- */

static double unit_of(assay_importer *in, const json_t *metric, const char **base) {
  const char *unit = assay_import_text(in, metric, "scoreUnit");
  double factor = 1;
  *base = unit;
  if (!assay_import_unit(unit, base, &factor))
    *base = unit[0] == '\0' || strcmp(unit, "counts") == 0 || strcmp(unit, "#") == 0 ? "1" : unit;
  return factor;
}

static void read_primary(assay_importer *in, assay_imported *b, const json_t *row, const char *mode) {
  const json_t *metric = assay_import_object(in, row, "primaryMetric");
  if (!assay_import_ok(in)) return;
  size_t before = assay_import_enter(in, "primaryMetric", SIZE_MAX);
  const char *base = NULL;
  double factor = unit_of(in, metric, &base);
  bool is_rate = strcmp(mode, "thrpt") == 0;
  const assay_import_metric *what = is_rate                       ? &assay_import_items_per_second
                                    : strcmp(mode, "sample") == 0 ? &latency
                                    : strcmp(mode, "ss") == 0     ? &single_shot
                                                                  : &assay_import_time;
  if (strcmp(base, what->unit) != 0)
    assay_import_mistake(in, "scoreUnit", "\"%.40s\" is no unit of mode \"%.20s\"", assay_import_text(in, metric, "scoreUnit"), mode);
  assay_summary said = percentiles_of(in, metric, factor);
  if (what == &latency) {
    double operations = add_histogram(in, b, metric, factor);
    said.samples = operations < 1e15 ? (size_t)operations : 0;
    if (operations > 0)
      assay_import_distribution(in, b, what, &said);
    else
      add_score(in, b, metric, what, factor, &said);
  } else if (add_raw(in, b, metric, what, factor) == 0) {
    add_score(in, b, metric, what, factor, &said);
  }
  assay_import_leave(in, before);
}

/* What profilers and auxiliary counters say: "gc.alloc.rate.norm" in B/op. Older versions put a middle dot in front. */
static void read_secondary(assay_importer *in, assay_imported *b, const json_t *row) {
  const json_t *metrics = assay_import_opt_object(in, row, "secondaryMetrics");
  size_t before = assay_import_enter(in, "secondaryMetrics", SIZE_MAX);
  ASSAY_IMPORT_EACH(metrics, at) {
    const char *name = json_object_iter_key(at), *base = NULL;
    const json_t *metric = json_object_iter_value(at);
    size_t inner = assay_import_enter(in, name, SIZE_MAX);
    double factor = unit_of(in, metric, &base);
    assay_import_metric what = {0};
    assay_import_describe(base, &what);
    if (strncmp(name, "\xc2\xb7", 2) == 0) name += 2;
    what.name = assay_import_own_name(in, name);
    if (strncmp(name, "gc.", 3) == 0) { /* a higher rate of garbage is no throughput */
      what.better = ASSAY_LOWER;
      if (what.kind == ASSAY_KIND_THROUGHPUT) what.kind = ASSAY_KIND_COUNT;
    }
    assay_summary none = assay_import_no_summary();
    if (name[0] != '\0' && add_raw(in, b, metric, &what, factor) == 0) add_score(in, b, metric, &what, factor, &none);
    assay_import_leave(in, inner);
    if (!assay_import_ok(in)) break;
  }
  assay_import_leave(in, before);
}

/* "org.acme.SumBench.sum" -> suite "org.acme.SumBench", "sum". */
static assay_imported *benchmark_of(assay_importer *in, const json_t *row) {
  const char *full = assay_import_text(in, row, "benchmark"), *dot = strrchr(full, '.');
  const char *suite = dot == NULL || dot == full ? NULL : assay_arena_strndup(in->arena, full, (size_t)(dot - full));
  const json_t *given = assay_import_opt_object(in, row, "params"), *threads = json_object_get(row, "threads");
  assay_import_param params[MOST_PARAMS + 1];
  size_t count = 0;
  ASSAY_IMPORT_EACH(given, at) {
    if (count < MOST_PARAMS)
      params[count++] = (assay_import_param){json_object_iter_key(at), assay_import_shown(in, json_object_iter_value(at))};
  }
  if (json_is_integer(threads) && json_integer_value(threads) != 1)
    params[count++] = (assay_import_param){"threads", assay_import_shown(in, threads)};
  return assay_import_benchmark(in, suite != NULL ? suite : "jmh", suite != NULL ? dot + 1 : full, params, count, NULL);
}

/* One benchmark may be there once in each mode. */
static void refuse_twice(assay_importer *in, json_t *seen, const assay_imported *b, const char *full, const char *mode) {
  char key[40];
  snprintf(key, sizeof key, "%p %.10s", (const void *)b, mode);
  const json_t *first = json_object_get(seen, key);
  if (first != NULL)
    assay_import_mistake(in, "", "\"%.200s\" in mode \"%.20s\" is there twice: also in %.60s", full, mode, json_string_value(first));
  json_object_set_new(seen, key, json_string(in->path));
}

static void read_row(assay_importer *in, const json_t *row, json_t *seen) {
  static const char *const modes[] = {"thrpt", "avgt", "sample", "ss", NULL};
  const char *mode = assay_import_text(in, row, "mode");
  bool is_known = false;
  for (size_t i = 0; modes[i] != NULL; i++) is_known |= strcmp(mode, modes[i]) == 0;
  if (!is_known) assay_import_mistake(in, "mode", "expected \"thrpt\", \"avgt\", \"sample\" or \"ss\", found \"%.40s\"", mode);
  assay_imported *b = benchmark_of(in, row);
  if (!assay_import_ok(in)) return;
  refuse_twice(in, seen, b, assay_import_text(in, row, "benchmark"), mode);
  read_primary(in, b, row, mode);
  read_secondary(in, b, row);
  assay_import_tool_version(in, assay_import_opt_text(in, row, "jmhVersion"));
  static const char *const kept[] = {"jvm",
                                     "jvmArgs",
                                     "jdkVersion",
                                     "vmName",
                                     "vmVersion",
                                     "forks",
                                     "warmupIterations",
                                     "warmupTime",
                                     "warmupBatchSize",
                                     "measurementIterations",
                                     "measurementTime",
                                     "measurementBatchSize",
                                     NULL};
  for (size_t i = 0; kept[i] != NULL; i++) assay_import_fact_json(in, kept[i], json_object_get(row, kept[i]));
}

static void read(assay_importer *in, const json_t *root) {
  json_t *seen = json_object();
  if (!json_is_array(root)) assay_import_expected(in, "", "an array of benchmarks", root);
  for (size_t i = 0; i < json_array_size(root) && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, "", i);
    if (json_is_object(json_array_get(root, i)))
      read_row(in, json_array_get(root, i), seen);
    else
      assay_import_expected(in, "", "an object", json_array_get(root, i));
    assay_import_leave(in, before);
  }
  json_decref(seen);
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "[].jmhVersion") || assay_import_has(look, "[].primaryMetric") ||
         (assay_import_has(look, "[].benchmark") && assay_import_has(look, "[].mode"));
}

const assay_import_format assay_import_jmh = {.name = "jmh", .what = "JMH's JSON", .looks = looks, .read_json = read};
