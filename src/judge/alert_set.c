/* SPDX-License-Identifier: MIT */
/* Alerts as data: the set that owns them, their title, and their JSON both ways. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "judge/alert.h"
#include "judge/changes.h"

#define SCHEMA "assay-alert/1"

enum { SHOWN_COMMIT = 10, MOST_MEMBERS = 100000 };

static const char *const level_texts[] = {"warning", "critical"};
static const char *const state_texts[] = {"open", "acknowledged", "muted", "resolved"};

const char *assay_alert_level_text(assay_alert_level level) {
  return (unsigned)level < sizeof level_texts / sizeof *level_texts ? level_texts[level] : "unknown";
}

const char *assay_alert_state_text(assay_alert_state state) {
  return (unsigned)state < sizeof state_texts / sizeof *state_texts ? state_texts[state] : "unknown";
}

/* ---- The set -------------------------------------------------------------------------------------------------------------------- */

static assay_status out_of_memory(assay_error *err) { return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for alerts"); }

assay_status assay_alerts_create(assay_error *err, assay_alerts **alerts) {
  assay_alerts *made = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *made);
  assay_alert_store *store = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *store);
  if (made == NULL || store == NULL) {
    assay_free(made);
    assay_free(store);
    return out_of_memory(err);
  }
  assay_arena_init(&store->arena, ASSAY_TAG_RESULT);
  made->storage = store;
  *alerts = made;
  return ASSAY_OK;
}

void assay_alerts_destroy(assay_alerts *alerts) {
  if (alerts == NULL) return;
  assay_alert_store *store = alerts->storage;
  assay_arena_deinit(&store->arena);
  assay_free(store);
  assay_free(alerts);
}

assay_alert *assay_alerts_add(assay_alerts *alerts) {
  assay_alert_store *store = alerts->storage;
  if (alerts->count == store->capacity) {
    size_t capacity = store->capacity;
    assay_alert *items = assay_arena_grow(&store->arena, alerts->items, alerts->count, &store->capacity, sizeof *items);
    assay_alert_extra *extras = assay_arena_grow(&store->arena, store->extras, alerts->count, &capacity, sizeof *extras);
    if (items == NULL || extras == NULL) return NULL;
    alerts->items = items;
    store->extras = extras;
  }
  store->extras[alerts->count] = (assay_alert_extra){0};
  assay_alert *added = &alerts->items[alerts->count++];
  *added = (assay_alert){.change_ratio = NAN, .ci_low = NAN, .ci_high = NAN, .noise_floor = NAN};
  return added;
}

/* ---- What is said of an alert --------------------------------------------------------------------------------------------------- */

static double worse_by(const assay_alert_change *m) { return assay_towards_worse(m->better, m->change_ratio); }

/* The gravest first, then the largest; a change from nothing is larger than any. */
static int by_size(const void *a, const void *b) {
  const assay_alert_change *x = a, *y = b;
  if (x->level != y->level) return x->level > y->level ? -1 : 1;
  double dx = isnan(worse_by(x)) ? INFINITY : worse_by(x), dy = isnan(worse_by(y)) ? INFINITY : worse_by(y);
  if (dx != dy) return dx > dy ? -1 : 1;
  int order = strcmp(x->suite, y->suite);
  if (order == 0) order = strcmp(x->benchmark, y->benchmark);
  return order != 0 ? order : strcmp(x->metric, y->metric);
}

double assay_alert_sureness(double change_ratio, double ci_low, double ci_high, double noise_floor) {
  double doubt =
      fmax(1e-6, fmax(isnan(noise_floor) ? 0 : noise_floor, isnan(ci_high - ci_low) ? fabs(change_ratio) : (ci_high - ci_low) / 2));
  return isnan(change_ratio) ? 0 : fmin(fabs(change_ratio), 1e9) / doubt;
}

static const assay_alert_change *surest_of(const assay_alert *alert) {
  const assay_alert_change *surest = &alert->changes[0];
  double best = -1;
  for (size_t i = 0; i < alert->change_count; i++) {
    const assay_alert_change *m = &alert->changes[i];
    double sureness = assay_alert_sureness(m->change_ratio, m->ci_low, m->ci_high, m->noise_floor);
    if (m->level == alert->level && sureness > best) {
      best = sureness;
      surest = m;
    }
  }
  return surest;
}

static void put_step(assay_buf *out, const assay_alert_change *m) {
  char before[64], after[64];
  if (isfinite(m->change_ratio) && m->kind == ASSAY_KIND_ERROR_RATE)
    assay_buf_printf(out, "%+.2f points", m->change_ratio * 100);
  else if (isfinite(m->change_ratio))
    assay_buf_printf(out, "%+.1f %%", m->change_ratio * 100);
  else
    assay_buf_printf(out, "%s -> %s", assay_format_value(m->before, m->unit, before, sizeof before),
                     assay_format_value(m->after, m->unit, after, sizeof after));
}

static void put_where(assay_buf *out, const assay_alert *alert, bool everything) {
  bool same_code = alert->commit_to[0] != '\0' && strcmp(alert->commit_from, alert->commit_to) == 0;
  if (same_code)
    assay_buf_printf(out, ", at the same commit %.*s", SHOWN_COMMIT, alert->commit_to);
  else if (alert->commit_to[0] != '\0' && alert->commit_from[0] != '\0')
    assay_buf_printf(out, ", in %.*s..%.*s", SHOWN_COMMIT, alert->commit_from, SHOWN_COMMIT, alert->commit_to);
  else if (alert->commit_to[0] != '\0')
    assay_buf_printf(out, ", not after %.*s", SHOWN_COMMIT, alert->commit_to);
  if (everything) assay_buf_puts(out, ", as nearly everything measured");
  if (everything || same_code) assay_buf_puts(out, ": look at the machine first");
}

static const char *title_of(assay_arena *arena, const assay_alert *alert, const assay_alert_change *surest, bool everything) {
  assay_buf out = {0};
  assay_buf_printf(&out, "%s/%s %s ", surest->suite, surest->benchmark, surest->metric);
  put_step(&out, surest);
  if (alert->change_count > 1) assay_buf_printf(&out, " and %zu more", alert->change_count - 1);
  put_where(&out, alert, everything);
  char *text = out.failed ? NULL : assay_arena_strdup(arena, out.data);
  /* One line, whatever a benchmark is called. */
  for (char *c = text; c != NULL && *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
  assay_buf_deinit(&out);
  return text;
}

assay_status assay_alert_refresh(assay_alerts *alerts, assay_alert *alert, bool everything, assay_error *err) {
  alert->level = ASSAY_ALERT_WARNING;
  for (size_t i = 0; i < alert->change_count; i++)
    if (alert->changes[i].level > alert->level) alert->level = alert->changes[i].level;
  qsort(alert->changes, alert->change_count, sizeof *alert->changes, by_size);
  const assay_alert_change *surest = surest_of(alert);
  alert->change_ratio = surest->change_ratio;
  alert->ci_low = surest->ci_low;
  alert->ci_high = surest->ci_high;
  alert->noise_floor = surest->noise_floor;
  alert->title = title_of(assay_alerts_arena(alerts), alert, surest, everything);
  return alert->title != NULL ? ASSAY_OK : out_of_memory(err);
}

/* ---- JSON out ------------------------------------------------------------------------------------------------------------------- */

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_put_string(json, key, text != NULL && text[0] != '\0' ? text : NULL);
}

static void put_int(assay_json *json, const char *key, int64_t value) {
  assay_json_key(json, key);
  assay_json_int(json, value);
}

static void put_bool(assay_json *json, const char *key, bool value) {
  assay_json_key(json, key);
  assay_json_bool(json, value);
}

static void put_member(assay_json *json, const assay_alert_change *m) {
  assay_json_object(json);
  put_text(json, "suite", m->suite);
  put_text(json, "benchmark", m->benchmark);
  put_text(json, "metric", m->metric);
  put_text(json, "unit", m->unit);
  put_text(json, "kind", assay_metric_kind_text(m->kind));
  put_text(json, "better", m->better == ASSAY_LOWER ? "lower" : "higher");
  put_text(json, "level", assay_alert_level_text(m->level));
  put_bool(json, "gone", m->gone);
  assay_json_put_double(json, "before", m->before);
  assay_json_put_double(json, "after", m->after);
  assay_json_put_double(json, "latest", m->latest);
  assay_json_put_double(json, "change_ratio", m->change_ratio);
  assay_json_put_double(json, "ci_low", m->ci_low);
  assay_json_put_double(json, "ci_high", m->ci_high);
  assay_json_put_double(json, "noise_floor", m->noise_floor);
  assay_json_end(json);
}

static void put_head(assay_json *json, const assay_alert *alert) {
  put_text(json, "schema", SCHEMA);
  put_text(json, "id", alert->id);
  put_text(json, "level", assay_alert_level_text(alert->level));
  put_text(json, "state", assay_alert_state_text(alert->state));
  put_text(json, "title", alert->title);
  put_text(json, "reason", alert->reason);
  put_text(json, "machine_id", alert->machine_id);
  put_int(json, "opened_at_s", alert->opened_at_s);
  put_int(json, "updated_at_s", alert->updated_at_s);
  put_int(json, "until_s", alert->until_s);
  put_text(json, "commit_from", alert->commit_from);
  put_text(json, "commit_to", alert->commit_to);
  assay_json_put_double(json, "change_ratio", alert->change_ratio);
  assay_json_put_double(json, "ci_low", alert->ci_low);
  assay_json_put_double(json, "ci_high", alert->ci_high);
  assay_json_put_double(json, "noise_floor", alert->noise_floor);
  put_int(json, "change_count", (int64_t)alert->change_count);
}

static assay_status write_json(const assay_alert *alert, const assay_alert_extra *extra, size_t limit, assay_error *err, char **text) {
  assay_buf out = {0};
  assay_json json = {.out = &out};
  assay_json_object(&json);
  put_head(&json, alert);
  if (extra != NULL) {
    put_int(&json, "from_s", extra->from_s);
    put_int(&json, "to_s", extra->to_s);
    put_bool(&json, "is_new", alert->is_new);
  }
  assay_json_key(&json, "changes");
  assay_json_array(&json);
  for (size_t i = 0; i < alert->change_count && (limit == 0 || i < limit); i++) put_member(&json, &alert->changes[i]);
  assay_json_end(&json);
  assay_json_end(&json);
  char *made = assay_buf_take(&out);
  if (made == NULL) return out_of_memory(err);
  *text = made;
  return ASSAY_OK;
}

assay_status assay_alert_to_json(const assay_alert *alert, size_t limit, assay_error *err, char **json) {
  return write_json(alert, NULL, limit, err, json);
}

assay_status assay_alert_document(assay_alerts *alerts, size_t at, assay_error *err, char **json) {
  return write_json(&alerts->items[at], assay_alerts_extra(alerts, at), 0, err, json);
}

/* ---- JSON in -------------------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : "";
}

static double real_of(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t int_of(const json_t *object, const char *key) { return (int64_t)json_integer_value(json_object_get(object, key)); }

static bool index_of(const char *text, const char *const *texts, size_t count, int *index) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(text, texts[i]) != 0) continue;
    *index = (int)i;
    return true;
  }
  return false;
}

static void copy_text(char *out, size_t size, const char *text) { snprintf(out, size, "%s", text); }

static bool take_member(assay_arena *arena, const json_t *from, assay_alert_change *m) {
  int level = 0;
  if (!index_of(text_of(from, "level"), level_texts, 2, &level) || !assay_metric_kind_parse(text_of(from, "kind"), &m->kind)) return false;
  m->level = (assay_alert_level)level;
  m->suite = assay_arena_strdup(arena, text_of(from, "suite"));
  m->benchmark = assay_arena_strdup(arena, text_of(from, "benchmark"));
  m->metric = assay_arena_strdup(arena, text_of(from, "metric"));
  m->unit = assay_arena_strdup(arena, text_of(from, "unit"));
  m->better = strcmp(text_of(from, "better"), "higher") == 0 ? ASSAY_HIGHER : ASSAY_LOWER;
  m->gone = json_is_true(json_object_get(from, "gone"));
  m->before = real_of(from, "before");
  m->after = real_of(from, "after");
  m->latest = real_of(from, "latest");
  m->change_ratio = real_of(from, "change_ratio");
  m->ci_low = real_of(from, "ci_low");
  m->ci_high = real_of(from, "ci_high");
  m->noise_floor = real_of(from, "noise_floor");
  return true;
}

static bool take_members(assay_arena *arena, const json_t *list, assay_alert *alert) {
  size_t count = json_array_size(list);
  if (count == 0 || count > MOST_MEMBERS) return false;
  alert->changes = assay_arena_alloc(arena, count, sizeof *alert->changes);
  for (size_t i = 0; alert->changes != NULL && i < count; i++)
    if (!take_member(arena, json_array_get(list, i), &alert->changes[alert->change_count++])) return false;
  return true;
}

static bool take_head(assay_arena *arena, const json_t *from, assay_alert *alert) {
  int level = 0, state = 0;
  if (strcmp(text_of(from, "schema"), SCHEMA) != 0 || strlen(text_of(from, "id")) != 16) return false;
  if (!index_of(text_of(from, "level"), level_texts, 2, &level) || !index_of(text_of(from, "state"), state_texts, 4, &state)) return false;
  alert->level = (assay_alert_level)level;
  alert->state = (assay_alert_state)state;
  copy_text(alert->id, sizeof alert->id, text_of(from, "id"));
  copy_text(alert->machine_id, sizeof alert->machine_id, text_of(from, "machine_id"));
  copy_text(alert->commit_from, sizeof alert->commit_from, text_of(from, "commit_from"));
  copy_text(alert->commit_to, sizeof alert->commit_to, text_of(from, "commit_to"));
  alert->title = assay_arena_strdup(arena, text_of(from, "title"));
  alert->reason = text_of(from, "reason")[0] != '\0' ? assay_arena_strdup(arena, text_of(from, "reason")) : NULL;
  alert->is_new = json_is_true(json_object_get(from, "is_new"));
  alert->opened_at_s = int_of(from, "opened_at_s");
  alert->updated_at_s = int_of(from, "updated_at_s");
  alert->until_s = int_of(from, "until_s");
  alert->change_ratio = real_of(from, "change_ratio");
  alert->ci_low = real_of(from, "ci_low");
  alert->ci_high = real_of(from, "ci_high");
  alert->noise_floor = real_of(from, "noise_floor");
  return true;
}

assay_status assay_alerts_add_document(assay_alerts *alerts, const char *json, assay_error *err) {
  json_error_t problem;
  json_t *from = json_loads(json, JSON_REJECT_DUPLICATES, &problem);
  assay_alert *alert = from != NULL ? assay_alerts_add(alerts) : NULL;
  assay_arena *arena = assay_alerts_arena(alerts);
  bool taken = alert != NULL && take_head(arena, from, alert) && take_members(arena, json_object_get(from, "changes"), alert);
  if (taken) {
    assay_alert_extra *extra = assay_alerts_extra(alerts, alerts->count - 1);
    extra->from_s = int_of(from, "from_s");
    extra->to_s = int_of(from, "to_s");
  } else if (alert != NULL) {
    alerts->count--;
  }
  json_decref(from);
  if (arena->failed) return out_of_memory(err);
  return taken ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "an alert in the history is not one that this version can read");
}
