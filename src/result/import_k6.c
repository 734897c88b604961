/* SPDX-License-Identifier: MIT */
/*
 * The summary that k6 writes at the end of a load test: what handleSummary gets ("data", with type and contains of every metric), and the
 * flatter --summary-export. The shapes are k6's js/summary.go; in the export a threshold is `true` where it was *crossed*.
 *
 * Every metric of k6 becomes a benchmark of its name; tags in braces are its parameters. Times are milliseconds in both shapes.
 */
#include <math.h>
#include <string.h>

#include "result/import_lines.h"
#include "result/import_rows.h"

typedef enum k6_type { K6_TREND, K6_COUNTER, K6_RATE, K6_GAUGE } k6_type;

typedef struct k6_metric {
  const char *name;
  const json_t *object, *values; /* the same object in the export */
  bool exported;
  k6_type type;
  const char *contains; /* "time", "data", "default" */
} k6_metric;

/* ---- What a metric is --------------------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *const *words) {
  for (size_t i = 0; words[i] != NULL; i++)
    if (strstr(text, words[i]) != NULL) return true;
  return false;
}

/* The export does not say what a trend contains: k6's own names for times, and what people call theirs. */
static const char *guess_contents(const char *name) {
  static const char *const times[] = {"_duration", "_blocked",   "_connecting", "_sending", "_waiting", "_receiving", "_tls_handshaking",
                                      "ws_ping",   "web_vital_", "_time",       "_latency", "latency",  NULL};
  static const char *const data[] = {"data_sent", "data_received", "_bytes", NULL};
  return has_word(name, data) ? "data" : has_word(name, times) && strstr(name, "web_vital_cls") == NULL ? "time" : "default";
}

static k6_type guess_type(const json_t *values) {
  if (json_object_get(values, "passes") != NULL) return K6_RATE;
  if (json_object_get(values, "count") != NULL && json_object_get(values, "rate") != NULL) return K6_COUNTER;
  return json_object_get(values, "value") != NULL ? K6_GAUGE : K6_TREND;
}

static void classify(assay_importer *in, k6_metric *m) {
  static const char *const types[] = {"trend", "counter", "rate", "gauge"};
  const char *type = assay_import_opt_text(in, m->object, "type");
  m->exported = type == NULL;
  if (m->exported) {
    m->values = m->object;
    m->type = guess_type(m->object);
    m->contains = guess_contents(m->name);
    return;
  }
  m->values = assay_import_object(in, m->object, "values");
  m->contains = assay_import_opt_text(in, m->object, "contains");
  if (m->contains == NULL) m->contains = "default";
  for (int i = 0; i < 4; i++) {
    if (strcmp(type, types[i]) != 0) continue;
    m->type = (k6_type)i;
    return;
  }
  assay_import_mistake(in, "type", "expected trend, counter, rate or gauge, found \"%.40s\"", type);
}

/* Which way is better: a threshold says it ("rate<0.01"), else the name does. */
static assay_better better_of(const k6_metric *m, const char *stat, assay_better otherwise) {
  static const char *const bad[] = {"err", "fail", "drop", "timeout", "reject", "lost", "retr", NULL}, *const good[] = {"success", "checks",
                                                                                                                        "passed", "hit",
                                                                                                                        NULL};
  const char *threshold = NULL;
  const json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)json_object_get(m->object, "thresholds"), threshold, value) {
    size_t length = strlen(stat);
    const char *sign = threshold + strspn(threshold, " ");
    if (strncmp(sign, stat, length) != 0) continue;
    sign += length + strspn(sign + length, " ");
    if (*sign == '<' || *sign == '>') return *sign == '<' ? ASSAY_LOWER : ASSAY_HIGHER;
  }
  return has_word(m->name, bad) ? ASSAY_LOWER : has_word(m->name, good) ? ASSAY_HIGHER : otherwise;
}

/* ---- Values ------------------------------------------------------------------------------------------------------------------- */

static void tell(assay_importer *in, assay_imported *b, const assay_import_metric *what, double value) {
  assay_summary none = assay_import_no_summary();
  if (!isnan(value)) assay_import_summary(in, b, what, value, &none);
}

/* "p(99.9)" -> "p999"; NULL for what is no percentile. */
static const char *percentile_name(assay_importer *in, const char *stat) {
  char digits[16] = "";
  size_t used = 0;
  if (strncmp(stat, "p(", 2) != 0) return NULL;
  for (const char *c = stat + 2; *c != ')' && *c != '\0' && used + 1 < sizeof digits; c++)
    if (*c != '.') digits[used++] = *c;
  return assay_text_is_count(digits) ? assay_import_printf(in, "p%s", digits) : NULL;
}

static void tell_trend(assay_importer *in, assay_imported *b, const k6_metric *m) {
  bool is_time = strcmp(m->contains, "time") == 0, is_data = strcmp(m->contains, "data") == 0;
  double factor = is_time ? 1e6 : 1;
  assay_import_metric what = {.name = is_time ? "latency" : "value",
                              .unit = is_time   ? "ns"
                                      : is_data ? "B"
                                                : "1",
                              .kind = is_time   ? ASSAY_KIND_LATENCY
                                      : is_data ? ASSAY_KIND_MEMORY
                                                : ASSAY_KIND_COUNT,
                              .better = better_of(m, "med", better_of(m, "avg", ASSAY_LOWER))};
  assay_summary stats = assay_import_no_summary();
  double median = factor * assay_import_opt_number(in, m->values, "med"), mean = factor * assay_import_opt_number(in, m->values, "avg");
  stats.median = stats.p50 = median;
  stats.mean = mean;
  stats.min = factor * assay_import_opt_number(in, m->values, "min");
  stats.max = factor * assay_import_opt_number(in, m->values, "max");
  stats.p90 = factor * assay_import_opt_number(in, m->values, "p(90)");
  stats.p95 = factor * assay_import_opt_number(in, m->values, "p(95)");
  stats.p99 = factor * assay_import_opt_number(in, m->values, "p(99)");
  stats.p999 = factor * assay_import_opt_number(in, m->values, "p(99.9)");
  double count = assay_import_opt_number(in, m->values, "count");
  if (count >= 0 && count <= 0x1p53) stats.samples = (size_t)count;
  double main = isnan(median) ? mean : median;
  if (!isnan(main)) assay_import_summary(in, b, &what, main, &stats);
  const char *stat = NULL, *base = what.name;
  const json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)m->values, stat, value) {
    const char *end = strcmp(stat, "avg") == 0                               ? "mean"
                      : strcmp(stat, "min") == 0 || strcmp(stat, "max") == 0 ? stat
                                                                             : percentile_name(in, stat);
    if (end == NULL || !assay_import_ok(in)) continue;
    what.name = assay_import_printf(in, "%s_%s", base, end);
    tell(in, b, &what, factor * assay_import_opt_number(in, m->values, stat));
  }
}

static void tell_counter(assay_importer *in, assay_imported *b, const k6_metric *m) {
  bool is_data = strcmp(m->contains, "data") == 0;
  assay_import_metric rate = is_data ? assay_import_bytes_per_second : assay_import_items_per_second;
  rate.better = better_of(m, "rate", better_of(m, "count", ASSAY_HIGHER));
  assay_import_metric count = {.name = "count",
                               .unit = is_data ? "B" : "1",
                               .kind = is_data ? ASSAY_KIND_MEMORY : ASSAY_KIND_COUNT,
                               .better = better_of(m, "count", rate.better)};
  tell(in, b, &rate, assay_import_number(in, m->values, "rate"));
  tell(in, b, &count, assay_import_number(in, m->values, "count"));
}

static void tell_rate(assay_importer *in, assay_imported *b, const k6_metric *m) {
  assay_better better = better_of(m, "rate", ASSAY_LOWER);
  assay_import_metric what = {.name = better == ASSAY_LOWER ? "error_rate" : "ratio",
                              .unit = "ratio",
                              .kind = better == ASSAY_LOWER ? ASSAY_KIND_ERROR_RATE : ASSAY_KIND_ACCURACY,
                              .better = better};
  tell(in, b, &what, assay_import_number(in, m->values, m->exported ? "value" : "rate"));
  assay_import_benchmark_fact(in, b, "passes", json_object_get(m->values, "passes"));
  assay_import_benchmark_fact(in, b, "fails", json_object_get(m->values, "fails"));
}

static void tell_gauge(assay_importer *in, assay_imported *b, const k6_metric *m) {
  bool is_time = strcmp(m->contains, "time") == 0, is_data = strcmp(m->contains, "data") == 0;
  assay_import_metric what = {.name = "value",
                              .unit = is_time   ? "ns"
                                      : is_data ? "B"
                                                : "1",
                              .kind = is_time   ? ASSAY_KIND_TIME
                                      : is_data ? ASSAY_KIND_MEMORY
                                                : ASSAY_KIND_COUNT,
                              .better = better_of(m, "value", ASSAY_LOWER)};
  double factor = is_time ? 1e6 : 1;
  assay_summary stats = assay_import_no_summary();
  stats.min = factor * assay_import_opt_number(in, m->values, "min");
  stats.max = factor * assay_import_opt_number(in, m->values, "max");
  double value = assay_import_number(in, m->values, "value");
  if (assay_import_ok(in)) assay_import_summary(in, b, &what, factor * value, &stats);
}

/* ---- Checks ------------------------------------------------------------------------------------------------------------------- */

/* "p(95)<500" beside p(95) of the values: what was measured, in the words of the threshold. */
static const char *measured_of(assay_importer *in, const k6_metric *m, const char *threshold) {
  char stat[40];
  size_t length = strcspn(threshold, " <>=!");
  if (length >= sizeof stat) return NULL;
  memcpy(stat, threshold, length);
  stat[length] = '\0';
  const json_t *value = json_object_get(m->values, m->exported && strcmp(stat, "rate") == 0 && m->type == K6_RATE ? "value" : stat);
  return json_is_number(value) ? assay_import_printf(in, "%s=%.6g", stat, json_number_value(value)) : NULL;
}

static void tell_thresholds(assay_importer *in, const k6_metric *m) {
  const json_t *thresholds = assay_import_opt_object(in, m->object, "thresholds"), *found = NULL;
  const char *source = NULL;
  json_object_foreach((json_t *)(uintptr_t)thresholds, source, found) {
    const json_t *said = json_is_object(found) ? json_object_get(found, "ok") : found;
    if (!json_is_boolean(said)) {
      size_t before = assay_import_enter(in, "thresholds", SIZE_MAX);
      assay_import_expected(in, source, "true or false", said);
      assay_import_leave(in, before);
      return;
    }
    bool kept = json_is_object(found) ? json_is_true(said) : !json_is_true(said);
    assay_import_check(in, &(assay_check){.suite = "k6 thresholds",
                                          .name = assay_import_printf(in, "%s: %s", m->name, source),
                                          .status = kept ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL,
                                          .expected = source,
                                          .measured = measured_of(in, m, source)});
  }
}

static void tell_check(assay_importer *in, const json_t *check) {
  const char *name = assay_import_text(in, check, "name"), *path = assay_import_opt_text(in, check, "path");
  int64_t passes = assay_import_whole(in, check, "passes", 0, INT64_C(1) << 53),
          fails = assay_import_whole(in, check, "fails", 0, INT64_C(1) << 53);
  if (path != NULL && strncmp(path, "::", 2) == 0) path += 2;
  assay_import_check(
      in, &(assay_check){.suite = "k6 checks",
                         .name = path != NULL && path[0] != '\0' ? path : name,
                         .status = fails == 0 ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL,
                         .expected = "no failure",
                         .measured = assay_import_printf(in, "%lld of %lld passed", (long long)passes, (long long)(passes + fails))});
}

/* Groups and checks are arrays in what handleSummary gets, objects by name in the export. */
static void each(assay_importer *in, const json_t *group, const char *key, void (*tell_one)(assay_importer *, const json_t *, int),
                 int depth) {
  json_t *members = json_object_get(group, key);
  if (members == NULL || json_is_null(members)) return;
  if (!json_is_array(members) && !json_is_object(members)) assay_import_expected(in, key, "an array or an object", members);
  for (size_t i = 0; i < json_array_size(members) && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, key, i);
    tell_one(in, json_array_get(members, i), depth);
    assay_import_leave(in, before);
  }
  const char *name = NULL;
  json_t *member = NULL;
  json_object_foreach(members, name, member) {
    size_t outer = assay_import_enter(in, key, SIZE_MAX), before = assay_import_enter(in, name, SIZE_MAX);
    tell_one(in, member, depth);
    assay_import_leave(in, before);
    assay_import_leave(in, outer);
    if (!assay_import_ok(in)) return;
  }
}

static void tell_check_at(assay_importer *in, const json_t *check, int depth) {
  (void)depth;
  if (json_is_object(check))
    tell_check(in, check);
  else
    assay_import_expected(in, "", "a check", check);
}

static void tell_group(assay_importer *in, const json_t *group, int depth) {
  enum { DEPTH = 64 };
  if (depth == DEPTH) {
    assay_import_mistake(in, "", "more than %d groups inside each other", DEPTH);
    return;
  }
  if (!json_is_object(group)) {
    assay_import_expected(in, "", "a group", group);
    return;
  }
  each(in, group, "checks", tell_check_at, depth + 1);
  each(in, group, "groups", tell_group, depth + 1);
}

/* ---- The document ------------------------------------------------------------------------------------------------------------- */

enum { MAX_TAGS = 16 };

/* "http_req_duration{status:200,method:GET}": the tags are parameters. */
static assay_imported *benchmark_of(assay_importer *in, const char *name) {
  assay_import_param params[MAX_TAGS];
  size_t count = 0;
  const char *brace = strchr(name, '{');
  if (brace == NULL || name[strlen(name) - 1] != '}') return assay_import_benchmark(in, "k6", name, NULL, 0, name);
  const char *base = assay_import_printf(in, "%.*s", (int)(brace - name), name);
  for (const char *tag = brace + 1; *tag != '\0' && *tag != '}' && count < MAX_TAGS;) {
    size_t length = strcspn(tag, ",}"), colon = strcspn(tag, ":,}");
    const char *key = assay_import_printf(in, "%.*s", (int)colon, tag);
    bool is_new = tag[colon] == ':' && colon > 0;
    for (size_t i = 0; i < count; i++) is_new &= strcmp(params[i].name, key) != 0;
    if (is_new)
      params[count++] =
          (assay_import_param){.name = key, .value = assay_import_printf(in, "%.*s", (int)(length - colon - 1), tag + colon + 1)};
    tag += length + (tag[length] == ',');
  }
  return assay_import_benchmark(in, "k6", base, params, count, name);
}

/* How many virtual users there were is how it was run, not a result. */
static bool is_setting(const char *name) { return strcmp(name, "vus") == 0 || strcmp(name, "vus_max") == 0; }

static void tell_metric(assay_importer *in, const char *name, const json_t *object) {
  static void (*const tellers[])(assay_importer *, assay_imported *, const k6_metric *) = {tell_trend, tell_counter, tell_rate, tell_gauge};
  k6_metric m = {.name = name, .object = object};
  if (!json_is_object(object)) {
    assay_import_expected(in, "", "an object", object);
    return;
  }
  classify(in, &m);
  if (!assay_import_ok(in)) return;
  size_t before = m.exported ? assay_import_enter(in, "", SIZE_MAX) : assay_import_enter(in, "values", SIZE_MAX);
  if (is_setting(name)) {
    assay_import_fact_json(in, name, json_object_get(m.values, "max"));
  } else {
    assay_imported *b = benchmark_of(in, name);
    assay_import_once(in, b);
    tellers[m.type](in, b, &m);
  }
  assay_import_leave(in, before);
  tell_thresholds(in, &m);
}

static void read_k6(assay_importer *in, const json_t *root) {
  const json_t *metrics = assay_import_object(in, root, "metrics");
  const char *name = NULL;
  const json_t *object = NULL;
  json_object_foreach((json_t *)(uintptr_t)metrics, name, object) {
    size_t outer = assay_import_enter(in, "metrics", SIZE_MAX), before = assay_import_enter(in, name, SIZE_MAX);
    tell_metric(in, name, object);
    assay_import_leave(in, before);
    assay_import_leave(in, outer);
    if (!assay_import_ok(in)) return;
  }
  const json_t *group = assay_import_opt_object(in, root, "root_group"), *state = assay_import_opt_object(in, root, "state");
  if (group != NULL) {
    size_t before = assay_import_enter(in, "root_group", SIZE_MAX);
    tell_group(in, group, 0);
    assay_import_leave(in, before);
  }
  if (state != NULL) {
    double ms = assay_import_opt_number(in, state, "testRunDurationMs");
    if (ms >= 0) assay_import_duration(in, ms / 1e3);
  }
  assay_import_fact_json(in, "options", json_object_get(root, "options"));
}

/* Any of them may come first, and be longer than the beginning. */
static bool looks_k6(const assay_import_look *look) {
  static const char *const paths[] = {"root_group.groups",
                                      "root_group.checks",
                                      "options.summaryTrendStats",
                                      "state.testRunDurationMs",
                                      "metrics.http_reqs",
                                      "metrics.iterations",
                                      "metrics.vus",
                                      "metrics.vus_max",
                                      "metrics.data_sent",
                                      "metrics.data_received",
                                      "metrics.iteration_duration",
                                      "metrics.http_req_duration",
                                      "metrics.http_req_blocked",
                                      "metrics.http_req_connecting"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (look->is_json && assay_import_has(look, paths[i])) return true;
  return look->is_json && assay_import_has(look, "metrics") && assay_import_has(look, "root_group");
}

const assay_import_format assay_import_k6 = {.name = "k6",
                                             .what = "k6's end-of-test summary (--summary-export, or the data of handleSummary)",
                                             .looks = looks_k6,
                                             .read_json = read_k6};
