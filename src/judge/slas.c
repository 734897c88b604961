/* SPDX-License-Identifier: MIT */
/* Limits that must be kept: read from TOML, then held against the figures of a result. */
#include <assay/judge.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/toml.h"
#include "judge/disturbed.h"
#include "judge/value.h"
#include "os/prim.h"
#include "result/storage.h"

struct assay_slas {
  assay_arena arena;
  size_t count, capacity;
  assay_sla_result *items; /* not judged yet */
};

/* ---- Reading ------------------------------------------------------------------------------------------------------------------ */

static assay_status create(assay_error *err, assay_slas **slas) {
  assay_slas *created = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *created);
  if (created == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for limits");
  assay_arena_init(&created->arena, ASSAY_TAG_RESULT);
  *slas = created;
  return ASSAY_OK;
}

void assay_slas_destroy(assay_slas *slas) {
  if (slas == NULL) return;
  assay_arena_deinit(&slas->arena);
  assay_free(slas);
}

/* A later limit of the same name takes the place of the earlier one, so that users can tighten or loosen a shipped one. */
static assay_status add(assay_slas *slas, const assay_sla_result *sla, assay_error *err) {
  size_t at = 0;
  while (at < slas->count && strcmp(slas->items[at].name, sla->name) != 0) at++;
  if (at == slas->capacity) {
    assay_sla_result *grown = assay_arena_grow(&slas->arena, slas->items, slas->count, &slas->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for limits");
    slas->items = grown;
  }
  assay_sla_result copy = *sla;
  copy.name = assay_arena_strdup(&slas->arena, sla->name);
  copy.description = assay_arena_strdup(&slas->arena, sla->description);
  copy.benchmark = assay_arena_strdup(&slas->arena, sla->benchmark);
  copy.metric = assay_arena_strdup(&slas->arena, sla->metric);
  copy.unit = assay_arena_strdup(&slas->arena, sla->unit);
  if (slas->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for limits");
  slas->items[at] = copy;
  if (at == slas->count) slas->count++;
  return ASSAY_OK;
}

static assay_status read_limit(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err,
                               assay_sla_result *sla) {
  const char *text = NULL;
  assay_status status = assay_toml_get_string(doc, table, key, err, &text);
  if (status != ASSAY_OK) return status;
  assay_error inner = {0};
  if (assay_parse_value(text, &inner, &sla->limit, &sla->unit) != ASSAY_OK)
    return assay_toml_fail(doc, assay_toml_get(table, key), err, "%s (a limit reads like \"10 ms\", \"50K/s\" or \"64 MiB\")",
                           inner.message);
  sla->is_max = strcmp(key, "max") == 0;
  return ASSAY_OK;
}

static assay_status need(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, const char **text) {
  assay_status status = assay_toml_get_string(doc, table, key, err, text);
  if (status == ASSAY_OK && (*text == NULL || (*text)[0] == '\0')) {
    const assay_toml_value *at = assay_toml_get(table, key);
    return assay_toml_fail(doc, at != NULL ? at : table, err, "this limit needs a %s", key);
  }
  return status;
}

static assay_status read_sla(assay_slas *slas, const assay_toml *doc, const assay_toml_value *table, assay_error *err) {
  static const char *const known[] = {"name", "description", "benchmark", "metric", "max", "min", NULL};
  assay_sla_result sla = {.value = NAN};
  if (table->type != ASSAY_TOML_TABLE)
    return assay_toml_fail(doc, table, err, "expected a table ([[sla]]), found %s", assay_toml_type_text(table->type));
  bool has_max = assay_toml_get(table, "max") != NULL, has_min = assay_toml_get(table, "min") != NULL;
  assay_status status = assay_toml_check_keys(doc, table, known, err);
  if (status == ASSAY_OK) status = need(doc, table, "name", err, &sla.name);
  if (status == ASSAY_OK) status = need(doc, table, "benchmark", err, &sla.benchmark);
  if (status == ASSAY_OK) status = assay_toml_get_string(doc, table, "description", err, &sla.description);
  if (status == ASSAY_OK) status = assay_toml_get_string(doc, table, "metric", err, &sla.metric);
  if (status == ASSAY_OK && has_max == has_min)
    status = assay_toml_fail(doc, table, err, "the limit \"%s\" needs either max or min%s", sla.name, has_max ? ", not both" : "");
  if (status == ASSAY_OK) status = read_limit(doc, table, has_max ? "max" : "min", err, &sla);
  return status == ASSAY_OK ? add(slas, &sla, err) : status;
}

static assay_status add_document(assay_slas *slas, const assay_toml *doc, assay_error *err) {
  static const char *const known[] = {"sla", NULL};
  const assay_toml_value *root = assay_toml_root(doc), *list = assay_toml_get(root, "sla");
  assay_status status = assay_toml_check_keys(doc, root, known, err);
  if (status != ASSAY_OK || list == NULL) return status;
  if (list->type != ASSAY_TOML_ARRAY)
    return assay_toml_fail(doc, list, err, "expected tables ([[sla]]), found %s", assay_toml_type_text(list->type));
  for (size_t i = 0; i < list->as.array.count && status == ASSAY_OK; i++) status = read_sla(slas, doc, list->as.array.items[i], err);
  return status;
}

static assay_status add_one_file(assay_slas *slas, const char *path, assay_error *err) {
  assay_toml *doc = NULL;
  assay_status status = assay_toml_read(path, err, &doc);
  if (status != ASSAY_OK) return status;
  status = add_document(slas, doc, err);
  assay_toml_destroy(doc);
  return status;
}

static int is_toml(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 5, ".toml") == 0;
}

/* In the order of the names, so that which of two wins does not depend on the file system. */
static assay_status add_directory(assay_slas *slas, const char *path, assay_error *err) {
  struct dirent **entries = NULL;
  int count = scandir(path, &entries, is_toml, alphasort);
  if (count < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot read the limits in %s", path);
  assay_status status = ASSAY_OK;
  for (int i = 0; i < count; i++) {
    char file[4096];
    if (status == ASSAY_OK && snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name) >= (int)sizeof file)
      status = ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the path %.200s... is too long", path);
    if (status == ASSAY_OK) status = add_one_file(slas, file, err);
    free(entries[i]);
  }
  free(entries);
  return status;
}

assay_status assay_slas_add_file(assay_slas *slas, const char *path, assay_error *err) {
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return add_directory(slas, path, err);
  return add_one_file(slas, path, err);
}

assay_status assay_slas_load(const char *path, assay_error *err, assay_slas **slas) {
  assay_slas *loaded = NULL;
  char *shipped = NULL;
  assay_status status = create(err, &loaded);
  if (status == ASSAY_OK && path == NULL) status = assay_os_find_data("profiles/slas", err, &shipped);
  if (status == ASSAY_OK) status = assay_slas_add_file(loaded, path != NULL ? path : shipped, err);
  assay_free(shipped);
  if (status != ASSAY_OK) {
    assay_slas_destroy(loaded);
    return status;
  }
  *slas = loaded;
  return ASSAY_OK;
}

/* ---- Judging ------------------------------------------------------------------------------------------------------------------ */

/* Without a named metric a limit looks at the main one: the time, or the latency. */
static const assay_metric_result *metric_for(const assay_sla_result *sla, const assay_benchmark_result *b) {
  if (sla->metric != NULL) return assay_benchmark_metric(b, sla->metric);
  return b->metric_count > 0 ? &b->metrics[0] : NULL;
}

/* A limit without a unit ("max" of "3") is in whatever unit the metric has. */
static bool has_unit(const assay_sla_result *sla, const assay_metric_result *m) {
  return sla->unit[0] == '\0' || strcmp(sla->unit, m->unit) == 0;
}

/*
 * The whole interval on one side of the limit decides; an interval that holds the limit does not. One process has no interval: then the
 * figure itself.
 */
static assay_sla_status side_of(const assay_sla_result *sla, const assay_metric_result *m) {
  bool known = isfinite(m->ci_low) && isfinite(m->ci_high);
  double best = !known ? m->value : sla->is_max ? m->ci_low : m->ci_high, worst = !known ? m->value : sla->is_max ? m->ci_high : m->ci_low;
  if (sla->is_max ? worst <= sla->limit : worst >= sla->limit) return ASSAY_SLA_MET;
  return (sla->is_max ? best > sla->limit : best < sla->limit) ? ASSAY_SLA_MISSED : ASSAY_SLA_INCONCLUSIVE;
}

/* One limit over the benchmarks that it matches. */
typedef struct verdict {
  assay_sla_result sla;              /* of the worst so far; NOT_APPLICABLE before the first */
  const assay_metric_result *figure; /* the metric that decided it */
  size_t matched, judged;
  bool misfit;         /* a benchmark ran, but the limit's metric or unit is not one that it has: most likely a slip of the pen */
  const char *problem; /* why the first of those that gave no figure gave none */
  const char *excuse;  /* what others did, where that is why the figure decides nothing; NULL: its interval is */
} verdict;

/* The share of single answers that lie beyond the figure, by the end of its name ("round_trip_p99"); one that says none is taken for the
 * median, as "latency" is. */
static double share_beyond(const char *metric) {
  const char *end = strrchr(metric, '_');
  const char *digits = end != NULL && end[1] == 'p' ? end + 2 : "";
  double share = 1, place = 0.1;
  if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits)) return 0.5;
  for (; *digits != '\0'; digits++, place /= 10) share -= place * (*digits - '0');
  return share;
}

/* Others make what takes time take longer, and nothing else worse. A single answer waits as long as it takes to get a CPU. */
static bool others_may_worsen(const assay_sla_result *sla, const assay_metric_result *m, const assay_disturbance *d) {
  if (d->says == NULL || sla->is_max != (m->better == ASSAY_LOWER)) return false;
  if (m->kind == ASSAY_KIND_LATENCY) return share_beyond(m->name) <= d->delayed;
  double beyond = sla->is_max ? m->value / sla->limit : sla->limit / m->value;
  return (m->kind == ASSAY_KIND_TIME || m->kind == ASSAY_KIND_THROUGHPUT) && beyond <= d->slower;
}

/* The worst verdict counts, and of several with that verdict the worst figure. A figure that others have worsened is not missed: who says
 * that needs to have measured the program alone. */
static void take_worst(verdict *v, const assay_metric_result *m, const assay_disturbance *d) {
  static const int gravity[] = {[ASSAY_SLA_NOT_APPLICABLE] = 0, [ASSAY_SLA_MET] = 1, [ASSAY_SLA_INCONCLUSIVE] = 2, [ASSAY_SLA_MISSED] = 3};
  assay_sla_result *sla = &v->sla;
  assay_sla_status status = side_of(sla, m);
  const char *excuse = status == ASSAY_SLA_MISSED && others_may_worsen(sla, m, d) ? d->says : NULL;
  if (excuse != NULL) status = ASSAY_SLA_INCONCLUSIVE;
  if (gravity[status] < gravity[sla->status]) return;
  if (status == sla->status && (sla->is_max ? m->value <= sla->value : m->value >= sla->value)) return;
  sla->status = status;
  sla->value = m->value;
  sla->metric = m->name;
  sla->unit = m->unit;
  v->figure = m;
  v->excuse = excuse;
}

/* Why a benchmark that matches gives no figure; NULL when it does, and then it was taken. */
static const char *try_benchmark(assay_result *result, const assay_sla_result *wanted, const assay_benchmark_result *b, verdict *v) {
  assay_arena *arena = assay_result_arena(result);
  if (b->status != ASSAY_OUTCOME_OK)
    return assay_arena_printf(arena, "%s/%s %s%s%s%s", b->suite, b->name, b->status == ASSAY_OUTCOME_FAILED ? "" : "is ",
                              assay_outcome_text(b->status), b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
  const assay_metric_result *m = metric_for(wanted, b);
  v->misfit = v->misfit || m == NULL || !has_unit(wanted, m);
  if (m == NULL)
    return assay_arena_printf(arena, "%s/%s has no metric \"%s\"", b->suite, b->name, wanted->metric != NULL ? wanted->metric : "time");
  if (!has_unit(wanted, m))
    return assay_arena_printf(arena, "the limit is in %s, but %s of %s/%s is in %s", wanted->unit, m->name, b->suite, b->name, m->unit);
  v->judged++;
  assay_disturbance disturbance = assay_judge_disturbance(arena, result, b);
  take_worst(v, m, &disturbance);
  return NULL;
}

static const char *reason_of(assay_arena *arena, const verdict *v, const char *pattern) {
  if (v->judged == 0) return v->problem != NULL ? v->problem : assay_arena_printf(arena, "no benchmark matches %s", pattern);
  const char *part = NULL, *doubt = NULL;
  if (v->judged < v->matched)
    part = assay_arena_printf(arena, "%zu of %zu benchmarks that match were judged; %s", v->judged, v->matched, v->problem);
  if (v->sla.status == ASSAY_SLA_INCONCLUSIVE && v->excuse != NULL) {
    doubt = assay_arena_printf(arena, "the limit is missed, but %s", v->excuse);
  } else if (v->sla.status == ASSAY_SLA_INCONCLUSIVE) {
    char low[ASSAY_JUDGE_VALUE], high[ASSAY_JUDGE_VALUE];
    doubt = assay_arena_printf(arena, "its 95 %% interval, %s to %s, holds the limit",
                               assay_judge_value(v->figure->ci_low, v->figure->unit, low),
                               assay_judge_value(v->figure->ci_high, v->figure->unit, high));
  }
  return part != NULL && doubt != NULL ? assay_arena_printf(arena, "%s; %s", doubt, part) : part != NULL ? part : doubt;
}

static assay_status judge(const assay_sla_result *wanted, assay_result *result, assay_error *err) {
  verdict v = {.sla = *wanted};
  assay_arena *arena = assay_result_arena(result);
  v.sla.value = NAN;
  v.sla.status = ASSAY_SLA_NOT_APPLICABLE;
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (!assay_glob_match_benchmark(wanted->benchmark, b->suite, b->name, NULL)) continue;
    v.matched++;
    const char *problem = try_benchmark(result, wanted, b, &v);
    if (v.problem == NULL) v.problem = problem;
  }
  if (v.judged == 0 && v.misfit) v.sla.status = ASSAY_SLA_INCONCLUSIVE; /* it must not pass for kept */
  v.sla.reason = reason_of(arena, &v, wanted->benchmark);
  if (v.sla.metric == NULL) v.sla.metric = "time";
  return assay_result_add_sla(result, &v.sla, err);
}

assay_status assay_slas_apply(const assay_slas *slas, assay_result *result, assay_error *err) {
  assay_status status = ASSAY_OK;
  result->sla_count = 0;
  for (size_t i = 0; i < slas->count && status == ASSAY_OK; i++) status = judge(&slas->items[i], result, err);
  return status;
}
