/* SPDX-License-Identifier: MIT */
/* How much worse counts, by kind of metric and by benchmark: read from TOML. */
#include <assay/compare.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/toml.h"
#include "os/prim.h"

static const double CRITICAL = 2.5; /* times the warning, where only that is given: as 20 % and 50 % of row H11 */

enum { KINDS = ASSAY_KIND_COUNT + 1 };

/* Row N11; memory, energy and counts have none there: they repeat well, and 5 to 10 % of them is something that somebody did. */
static const double row_n11[KINDS] = {
    [ASSAY_KIND_TIME] = 0.05,       [ASSAY_KIND_LATENCY] = 0.20, [ASSAY_KIND_THROUGHPUT] = 0.10, [ASSAY_KIND_ACCURACY] = 0.02,
    [ASSAY_KIND_ERROR_RATE] = 0.01, [ASSAY_KIND_MEMORY] = 0.10,  [ASSAY_KIND_ENERGY] = 0.10,     [ASSAY_KIND_COUNT] = 0.05,
};

typedef struct rule {
  const char *benchmark, *metric; /* globs */
  assay_threshold threshold;
} rule;

struct assay_thresholds {
  assay_arena arena;
  assay_threshold kinds[KINDS];
  size_t count, capacity;
  rule *rules; /* the last that matches counts */
};

static assay_status create(assay_error *err, assay_thresholds **thresholds) {
  assay_thresholds *made = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for thresholds");
  assay_arena_init(&made->arena, ASSAY_TAG_RESULT);
  for (int kind = 0; kind < KINDS; kind++)
    made->kinds[kind] = (assay_threshold){.warning = row_n11[kind], .critical = CRITICAL * row_n11[kind]};
  *thresholds = made;
  return ASSAY_OK;
}

void assay_thresholds_destroy(assay_thresholds *thresholds) {
  if (thresholds == NULL) return;
  assay_arena_deinit(&thresholds->arena);
  assay_free(thresholds);
}

assay_status assay_thresholds_uniform(double ratio, assay_error *err, assay_thresholds **thresholds) {
  if (!(ratio >= 0 && ratio < 1e6)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a threshold must be 0 %% or more, not %g %%", ratio * 100);
  assay_thresholds *made = NULL;
  assay_status status = create(err, &made);
  if (status != ASSAY_OK) return status;
  for (int kind = 0; kind < KINDS; kind++) made->kinds[kind] = (assay_threshold){.warning = ratio, .critical = CRITICAL * ratio};
  *thresholds = made;
  return ASSAY_OK;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------------ */

/* "5 %", "1 point", or a plain number (a ratio). */
static assay_status read_share(const assay_toml *doc, const assay_toml_value *value, assay_error *err, double *share) {
  double read = -1;
  const char *unit = "";
  if (value->type == ASSAY_TOML_INTEGER) read = (double)value->as.integer;
  if (value->type == ASSAY_TOML_FLOAT) read = value->as.real;
  if (value->type == ASSAY_TOML_STRING && assay_parse_value(value->as.string.text, NULL, &read, &unit) != ASSAY_OK) read = -1;
  bool is_share = *unit == '\0' || strcmp(unit, "ratio") == 0;
  if (!is_share || !(read >= 0 && read < 1e6)) return assay_toml_fail(doc, value, err, "a threshold reads like \"5 %%\" or 0.05");
  *share = read;
  return ASSAY_OK;
}

/* `value`: a share, or a table with `warning` and `critical` among its keys. */
static assay_status read_threshold(const assay_toml *doc, const assay_toml_value *value, assay_error *err, assay_threshold *threshold) {
  bool is_table = value->type == ASSAY_TOML_TABLE;
  const assay_toml_value *warning = is_table ? assay_toml_get(value, "warning") : value;
  const assay_toml_value *critical = is_table ? assay_toml_get(value, "critical") : NULL;
  if (warning == NULL) return assay_toml_fail(doc, value, err, "a threshold needs a warning");
  assay_threshold read = {0};
  assay_status status = read_share(doc, warning, err, &read.warning);
  read.critical = CRITICAL * read.warning;
  if (status == ASSAY_OK && critical != NULL) status = read_share(doc, critical, err, &read.critical);
  if (status == ASSAY_OK && read.critical < read.warning)
    status = assay_toml_fail(doc, critical, err, "the critical threshold is below the warning");
  if (status == ASSAY_OK) *threshold = read;
  return status;
}

static assay_status read_kinds(assay_thresholds *thresholds, const assay_toml *doc, const assay_toml_value *table, assay_error *err) {
  const char *known[KINDS + 1] = {NULL};
  static const char *const levels[] = {"warning", "critical", NULL};
  for (int kind = 0; kind < KINDS; kind++) known[kind] = assay_metric_kind_text((assay_metric_kind)kind);
  if (table->type != ASSAY_TOML_TABLE) return assay_toml_fail(doc, table, err, "expected a table ([thresholds])");
  assay_status status = assay_toml_check_keys(doc, table, known, err);
  for (int kind = 0; kind < KINDS && status == ASSAY_OK; kind++) {
    const assay_toml_value *value = assay_toml_get(table, known[kind]);
    if (value == NULL) continue;
    if (value->type == ASSAY_TOML_TABLE) status = assay_toml_check_keys(doc, value, levels, err);
    if (status == ASSAY_OK) status = read_threshold(doc, value, err, &thresholds->kinds[kind]);
  }
  return status;
}

static assay_status add_rule(assay_thresholds *thresholds, const rule *from, assay_error *err) {
  if (thresholds->count == thresholds->capacity) {
    rule *grown =
        assay_arena_grow(&thresholds->arena, thresholds->rules, thresholds->count, &thresholds->capacity, sizeof *thresholds->rules);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for thresholds");
    thresholds->rules = grown;
  }
  rule copy = {.benchmark = assay_arena_strdup(&thresholds->arena, from->benchmark),
               .metric = assay_arena_strdup(&thresholds->arena, from->metric),
               .threshold = from->threshold};
  if (thresholds->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for thresholds");
  thresholds->rules[thresholds->count++] = copy;
  return ASSAY_OK;
}

static assay_status read_rule(assay_thresholds *thresholds, const assay_toml *doc, const assay_toml_value *table, assay_error *err) {
  static const char *const known[] = {"benchmark", "metric", "warning", "critical", NULL};
  rule read = {.benchmark = "*", .metric = "*"};
  if (table->type != ASSAY_TOML_TABLE) return assay_toml_fail(doc, table, err, "expected a table ([[threshold]])");
  assay_status status = assay_toml_check_keys(doc, table, known, err);
  if (status == ASSAY_OK) status = assay_toml_get_string(doc, table, "benchmark", err, &read.benchmark);
  if (status == ASSAY_OK) status = assay_toml_get_string(doc, table, "metric", err, &read.metric);
  if (status == ASSAY_OK) status = read_threshold(doc, table, err, &read.threshold);
  return status == ASSAY_OK ? add_rule(thresholds, &read, err) : status;
}

static assay_status read_rules(assay_thresholds *thresholds, const assay_toml *doc, const assay_toml_value *list, assay_error *err) {
  if (list->type != ASSAY_TOML_ARRAY) return assay_toml_fail(doc, list, err, "expected tables ([[threshold]])");
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < list->as.array.count && status == ASSAY_OK; i++) status = read_rule(thresholds, doc, list->as.array.items[i], err);
  return status;
}

/* A configuration file (assay.toml) has other tables beside these; whose file it is looks after them. */
static assay_status add_file(assay_thresholds *thresholds, const char *path, assay_error *err) {
  assay_toml *doc = NULL;
  assay_status status = assay_toml_read(path, err, &doc);
  if (status != ASSAY_OK) return status;
  const assay_toml_value *root = assay_toml_root(doc), *kinds = assay_toml_get(root, "thresholds"),
                         *rules = assay_toml_get(root, "threshold");
  if (kinds == NULL && rules == NULL)
    status =
        ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s has neither [thresholds] nor [[threshold]] (profiles/thresholds/assay.toml shows both)", path);
  if (status == ASSAY_OK && kinds != NULL) status = read_kinds(thresholds, doc, kinds, err);
  if (status == ASSAY_OK && rules != NULL) status = read_rules(thresholds, doc, rules, err);
  assay_toml_destroy(doc);
  return status;
}

assay_status assay_thresholds_load(const char *path, assay_error *err, assay_thresholds **thresholds) {
  assay_thresholds *made = NULL;
  char *shipped = NULL;
  assay_status status = create(err, &made);
  if (status == ASSAY_OK) status = assay_os_find_data("profiles/thresholds/assay.toml", err, &shipped);
  if (status == ASSAY_OK) status = add_file(made, shipped, err);
  if (status == ASSAY_OK && path != NULL) status = add_file(made, path, err);
  assay_free(shipped);
  if (status == ASSAY_OK)
    *thresholds = made;
  else
    assay_thresholds_destroy(made);
  return status;
}

assay_threshold assay_threshold_for(const assay_thresholds *thresholds, const char *suite, const char *benchmark, const char *metric,
                                    assay_metric_kind kind) {
  unsigned k = (unsigned)kind < KINDS ? (unsigned)kind : ASSAY_KIND_TIME;
  if (thresholds == NULL) return (assay_threshold){.warning = row_n11[k], .critical = CRITICAL * row_n11[k]};
  for (size_t i = thresholds->count; i-- > 0;) {
    const rule *r = &thresholds->rules[i];
    if (assay_glob_match_benchmark(r->benchmark, suite, benchmark, NULL) && assay_glob_match(r->metric, metric)) return r->threshold;
  }
  return thresholds->kinds[k];
}
