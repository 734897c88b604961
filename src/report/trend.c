/* SPDX-License-Identifier: MIT */
/* Series out of the history, with their change points. */
#include <assay/trend.h>

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"

typedef struct loader {
  assay_history *history;
  const char *metric; /* glob; NULL: the main one */
  size_t limit;
  assay_trends *made;
  assay_arena *arena;
  size_t capacity;
  assay_error *err;
} loader;

/* ---- Which series ---------------------------------------------------------------------------------------------------------------- */

/* Of a benchmark on whatever machine: these stand together in the list. */
static bool same_benchmark(const assay_history_name *a, const assay_history_name *b) {
  return strcmp(a->suite, b->suite) == 0 && strcmp(a->benchmark, b->benchmark) == 0;
}

/* Smaller says more. */
static int rank_of(const char *metric) {
  static const char *const order[] = {"time", "latency"};
  for (int i = 0; i < 2; i++)
    if (strcmp(metric, order[i]) == 0) return i;
  return 2;
}

static bool is_main(const assay_history_name *names, size_t count, size_t at) {
  size_t from = at;
  while (from > 0 && same_benchmark(&names[from - 1], &names[at])) from--;
  for (size_t i = from; i < count && same_benchmark(&names[i], &names[at]); i++) {
    if (i == at || strcmp(names[i].machine_id, names[at].machine_id) != 0) continue;
    int mine = rank_of(names[at].metric), its = rank_of(names[i].metric);
    if (its < mine || (its == mine && i < at)) return false;
  }
  return true;
}

/* ---- One series ------------------------------------------------------------------------------------------------------------------- */

static assay_status find_changes(assay_trend *trend, assay_error *err) {
  double *values = assay_calloc(ASSAY_TAG_REPORT, trend->count + 1, sizeof *values);
  if (values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a trend");
  for (size_t i = 0; i < trend->count; i++) values[i] = isfinite(trend->points[i].value) ? trend->points[i].value : NAN;
  assay_status status = assay_changepoints_find(values, trend->count, 1, err, &trend->changes, &trend->change_count);
  assay_free(values);
  return status;
}

static assay_status add(loader *l, const assay_history_name *name) {
  if (l->made->count == l->capacity) {
    assay_trend *grown = assay_arena_grow(l->arena, l->made->items, l->made->count, &l->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(l->err, ASSAY_ERR_NO_MEMORY, "out of memory for trends");
    l->made->items = grown;
  }
  assay_trend *trend = &l->made->items[l->made->count++]; /* counted at once, so that it is freed whatever happens */
  *trend = (assay_trend){.suite = assay_arena_strdup(l->arena, name->suite),
                         .benchmark = assay_arena_strdup(l->arena, name->benchmark),
                         .metric = assay_arena_strdup(l->arena, name->metric),
                         .unit = assay_arena_strdup(l->arena, name->unit != NULL ? name->unit : "")};
  memcpy(trend->machine_id, name->machine_id, sizeof trend->machine_id);
  if (l->arena->failed) return ASSAY_FAIL(l->err, ASSAY_ERR_NO_MEMORY, "out of memory for trends");
  assay_status status = assay_history_series(l->history, name->machine_id, name->suite, name->benchmark, name->metric, l->limit, l->err,
                                             &trend->points, &trend->count);
  if (status == ASSAY_OK) status = find_changes(trend, l->err);
  /* Only what changed is asked for its direction: an improvement has another colour. */
  if (status == ASSAY_OK && trend->change_count > 0)
    assay_history_better(l->history, trend->points[trend->count - 1].run_id, trend->suite, trend->benchmark, trend->metric, NULL,
                         &trend->better);
  return status;
}

static assay_status add_all(loader *l, const assay_history_name *names, size_t count) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    bool wanted = l->metric != NULL ? assay_glob_match(l->metric, names[i].metric) : is_main(names, count, i);
    if (wanted) status = add(l, &names[i]);
  }
  return status;
}

/* ---- Nothing matches --------------------------------------------------------------------------------------------------------------- */

enum { MOST_KNOWN = 4096 };

static assay_status say_nearest(loader *l, const char *machine_id, const char *glob) {
  assay_history_name *names = NULL;
  size_t count = 0, known = 0;
  assay_status status = assay_history_names(l->history, machine_id, NULL, l->err, &names, &count);
  if (status != ASSAY_OK) return status;
  const char **words = assay_arena_alloc(l->arena, 2 * (size_t)MOST_KNOWN + 1, sizeof *words);
  for (size_t i = 0; words != NULL && i < count && known + 2 < 2 * MOST_KNOWN; i++) {
    words[known++] = assay_arena_printf(l->arena, "%s/%s", names[i].suite, names[i].benchmark);
    words[known++] = assay_arena_strdup(l->arena, names[i].benchmark);
  }
  const char *nearest = words != NULL && !l->arena->failed ? assay_nearest_word(glob, words) : NULL;
  assay_history_names_free(names);
  if (count == 0) return ASSAY_FAIL(l->err, ASSAY_ERR_NOT_FOUND, "the history has no figures yet");
  if (nearest != NULL)
    return ASSAY_FAIL(l->err, ASSAY_ERR_NOT_FOUND, "the history has no benchmark '%s'; did you mean '%s'?", glob, nearest);
  return ASSAY_FAIL(l->err, ASSAY_ERR_NOT_FOUND, "the history has no benchmark that matches '%s' (`history show` lists those of a run)",
                    glob);
}

static assay_status load(loader *l, const char *machine_id, const char *glob) {
  assay_history_name *names = NULL;
  size_t count = 0;
  assay_status status = assay_history_names(l->history, machine_id, glob, l->err, &names, &count);
  if (status != ASSAY_OK) return status;
  status = add_all(l, names, count);
  assay_history_names_free(names);
  if (status != ASSAY_OK || l->made->count > 0) return status;
  if (count == 0) return say_nearest(l, machine_id, glob);
  return ASSAY_FAIL(l->err, ASSAY_ERR_NOT_FOUND, "'%s' is in the history, but has no metric '%s'", glob, l->metric);
}

assay_status assay_trends_load(assay_history *history, const char *machine_id, const char *glob, const char *metric, size_t limit,
                               assay_error *err, assay_trends **trends) {
  loader l = {.history = history, .metric = metric, .limit = limit, .err = err};
  l.made = assay_calloc(ASSAY_TAG_REPORT, 1, sizeof *l.made);
  if (l.made != NULL) l.made->storage = l.arena = assay_calloc(ASSAY_TAG_REPORT, 1, sizeof *l.arena);
  if (l.arena == NULL) {
    assay_free(l.made);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for trends");
  }
  assay_arena_init(l.arena, ASSAY_TAG_REPORT);
  assay_status status = load(&l, machine_id, glob);
  if (status == ASSAY_OK)
    *trends = l.made;
  else
    assay_trends_destroy(l.made);
  return status;
}

void assay_trends_destroy(assay_trends *trends) {
  if (trends == NULL) return;
  for (size_t i = 0; i < trends->count; i++) {
    assay_history_points_free(trends->items[i].points);
    assay_changepoints_free(trends->items[i].changes);
  }
  assay_arena_deinit(trends->storage);
  assay_free(trends->storage);
  assay_free(trends);
}

/* The last run that was surely before it, and the first that was surely not. */
void assay_trend_commits(const assay_trend *trend, const assay_changepoint *change, const char **from, const char **to) {
  *from = change->low > 0 ? trend->points[change->low - 1].commit : "";
  *to = change->high < trend->count ? trend->points[change->high].commit : "";
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------------------- */

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_put_string(json, key, text[0] != '\0' ? text : NULL);
}

static void put_point(assay_json *json, const assay_history_point *p) {
  assay_json_object_inline(json);
  assay_json_key(json, "at_s");
  assay_json_int(json, p->at_s);
  put_text(json, "run", p->run_id);
  put_text(json, "commit", p->commit);
  assay_json_put_double(json, "value", p->value);
  assay_json_put_double(json, "ci_low", p->ci_low);
  assay_json_put_double(json, "ci_high", p->ci_high);
  assay_json_end(json);
}

static void put_change(assay_json *json, const assay_trend *trend, const assay_changepoint *c) {
  const char *from, *to;
  assay_trend_commits(trend, c, &from, &to);
  assay_json_object_inline(json);
  assay_json_put_uint(json, "index", c->index);
  assay_json_put_uint(json, "low", c->low);
  assay_json_put_uint(json, "high", c->high);
  put_text(json, "kind", assay_changepoint_kind_text(c->kind));
  put_text(json, "run", trend->points[c->index].run_id);
  put_text(json, "commit_from", from);
  put_text(json, "commit_to", to);
  assay_json_put_double(json, "before", c->before);
  assay_json_put_double(json, "after", c->after);
  assay_json_put_double(json, "change_ratio", c->change_ratio);
  assay_json_put_double(json, "p_value", c->p_value);
  assay_json_end(json);
}

static void put_trend(assay_json *json, const assay_trend *trend) {
  assay_json_object(json);
  put_text(json, "suite", trend->suite);
  put_text(json, "benchmark", trend->benchmark);
  put_text(json, "metric", trend->metric);
  put_text(json, "unit", trend->unit);
  put_text(json, "machine_id", trend->machine_id);
  assay_json_key(json, "points");
  assay_json_array(json);
  for (size_t i = 0; i < trend->count; i++) put_point(json, &trend->points[i]);
  assay_json_end(json);
  assay_json_key(json, "changepoints");
  assay_json_array(json);
  for (size_t i = 0; i < trend->change_count; i++) put_change(json, trend, &trend->changes[i]);
  assay_json_end(json);
  assay_json_end(json);
}

assay_status assay_trends_json(const assay_trends *trends, assay_error *err, char **json) {
  assay_buf out = {0};
  assay_json j = {.out = &out, .indent = 2};
  assay_json_object(&j);
  put_text(&j, "schema", "assay-trend/1");
  assay_json_key(&j, "series");
  assay_json_array(&j);
  for (size_t i = 0; i < trends->count; i++) put_trend(&j, &trends->items[i]);
  assay_json_end(&j);
  assay_json_end(&j);
  assay_buf_putc(&out, '\n');
  char *text = assay_buf_take(&out);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the trends");
  *json = text;
  return ASSAY_OK;
}
