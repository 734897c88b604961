/* SPDX-License-Identifier: MIT */
/* Alerts and mutes in the history: what people say about them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "judge/alert.h"
#include "os/prim.h"

enum { ID_DIGITS = 16, LEAST_DIGITS = 4, LONGEST_GLOB = 400 };

/* ---- Alerts --------------------------------------------------------------------------------------------------------------------- */

assay_status assay_alerts_load(assay_history *history, assay_alerts *alerts, assay_error *err) {
  assay_history_document *documents = NULL;
  size_t count = 0;
  assay_status status = assay_history_documents(history, ASSAY_ALERT_DOCUMENT, err, &documents, &count);
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    assay_error problem = {0};
    status = assay_alerts_add_document(alerts, documents[i].json, &problem);
    if (status == ASSAY_ERR_CORRUPT) { /* one that a newer version wrote must not keep the others from being seen */
      assay_log(ASSAY_LOG_WARNING, "alert %s: %s", documents[i].key, problem.message);
      status = ASSAY_OK;
    } else if (status != ASSAY_OK) {
      ASSAY_FAIL(err, status, "%s", problem.message);
    }
  }
  assay_history_documents_free(documents);
  return status;
}

assay_status assay_alerts_save(assay_history *history, assay_alerts *alerts, size_t at, assay_error *err) {
  char *json = NULL;
  if (history == NULL) return ASSAY_OK;
  assay_status status = assay_alert_document(alerts, at, err, &json);
  if (status == ASSAY_OK) status = assay_history_put_document(history, ASSAY_ALERT_DOCUMENT, alerts->items[at].id, json, err);
  assay_string_free(json);
  return status;
}

static int newest_first(const void *a, const void *b) {
  const assay_alert *x = a, *y = b;
  if (x->opened_at_s != y->opened_at_s) return x->opened_at_s > y->opened_at_s ? -1 : 1;
  return strcmp(x->id, y->id);
}

assay_status assay_alerts_list(assay_history *history, bool all, assay_error *err, assay_alerts **alerts) {
  assay_alerts *made = NULL;
  assay_status status = assay_alerts_create(err, &made);
  if (status == ASSAY_OK) status = assay_alerts_load(history, made, err);
  if (status != ASSAY_OK) {
    assay_alerts_destroy(made);
    return status;
  }
  size_t kept = 0;
  for (size_t i = 0; i < made->count; i++)
    if (all || made->items[i].state != ASSAY_ALERT_RESOLVED) made->items[kept++] = made->items[i];
  made->count = kept;
  if (kept > 0) qsort(made->items, kept, sizeof *made->items, newest_first);
  *alerts = made;
  return ASSAY_OK;
}

static assay_status find_id(const assay_alerts *alerts, const char *id, assay_error *err, size_t *at) {
  size_t length = strlen(id), found = 0;
  if (length < LEAST_DIGITS || length > ID_DIGITS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "'%.40s' is no alert: its id, or at least %d digits of it, is needed", id, LEAST_DIGITS);
  for (size_t i = 0; i < alerts->count; i++) {
    if (strncmp(alerts->items[i].id, id, length) != 0) continue;
    *at = i;
    found++;
  }
  if (found == 0) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no alert %s; `alerts list --all` shows those there are", id);
  if (found > 1) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu alerts begin with %s; give more digits", found, id);
  return ASSAY_OK;
}

static assay_status acknowledge(assay_history *history, assay_alerts *alerts, size_t at, int64_t until_s, const char *reason,
                                assay_error *err) {
  assay_alert *alert = &alerts->items[at];
  int64_t now = assay_os_wall_s();
  if (alert->state == ASSAY_ALERT_RESOLVED)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alert %s is resolved already: there is nothing to acknowledge", alert->id);
  if (until_s != 0 && until_s <= now) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the end of an acknowledgement must lie ahead");
  alert->state = ASSAY_ALERT_ACKNOWLEDGED;
  alert->is_new = false;
  alert->until_s = until_s;
  alert->updated_at_s = now;
  alert->reason = reason;
  return assay_alerts_save(history, alerts, at, err);
}

assay_status assay_alert_acknowledge(assay_history *history, const char *id, int64_t until_s, const char *reason, assay_error *err) {
  assay_alerts *alerts = NULL;
  size_t at = 0;
  assay_status status = assay_alerts_create(err, &alerts);
  if (status == ASSAY_OK) status = assay_alerts_load(history, alerts, err);
  if (status == ASSAY_OK) status = find_id(alerts, id, err, &at);
  if (status == ASSAY_OK) status = acknowledge(history, alerts, at, until_s, reason, err);
  assay_alerts_destroy(alerts);
  return status;
}

/* ---- Mutes ---------------------------------------------------------------------------------------------------------------------- */

static assay_status unmute(assay_history *history, const char *glob, assay_error *err) {
  assay_alert_mute_entry *mutes = NULL;
  size_t count = 0;
  bool found = false;
  assay_status status = assay_alert_mutes(history, err, &mutes, &count);
  for (size_t i = 0; i < count; i++) found = found || strcmp(mutes[i].glob, glob) == 0;
  if (status == ASSAY_OK && !found) {
    const char *words[64] = {NULL};
    for (size_t i = 0; i < count && i < 63; i++) words[i] = mutes[i].glob;
    const char *nearest = assay_nearest_word(glob, words);
    status = nearest != NULL ? ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "'%.80s' is not muted; did you mean '%s'?", glob, nearest)
                             : ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "'%.80s' is not muted; `alerts list` shows what is", glob);
  }
  assay_alert_mutes_free(mutes);
  return status == ASSAY_OK ? assay_history_delete_document(history, ASSAY_ALERT_MUTE_DOCUMENT, glob, err) : status;
}

assay_status assay_alert_mute(assay_history *history, const char *glob, int64_t until_s, const char *reason, assay_error *err) {
  if (glob[0] == '\0' || strlen(glob) > LONGEST_GLOB)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a mute needs a glob over \"suite/benchmark\" of 1 to %d bytes", LONGEST_GLOB);
  if (until_s == 0) return unmute(history, glob, err);
  if (until_s <= assay_os_wall_s()) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the end of a mute must lie ahead");
  assay_buf out = {0};
  assay_json json = {.out = &out};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-mute/1");
  assay_json_key(&json, "until_s");
  assay_json_int(&json, until_s);
  assay_json_put_string(&json, "reason", reason);
  assay_json_end(&json);
  assay_status status = out.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a mute")
                                   : assay_history_put_document(history, ASSAY_ALERT_MUTE_DOCUMENT, glob, out.data, err);
  assay_buf_deinit(&out);
  return status;
}

/* One block: the entries, then their texts. */
static assay_alert_mute_entry *make_entries(const assay_history_document *documents, size_t count, int64_t now, size_t *kept) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += strlen(documents[i].key) + strlen(documents[i].json) + 2;
  assay_alert_mute_entry *entries = assay_calloc(ASSAY_TAG_RESULT, 1, (count + 1) * sizeof *entries + bytes);
  char *texts = entries != NULL ? (char *)(entries + count + 1) : NULL;
  *kept = 0;
  for (size_t i = 0; entries != NULL && i < count; i++) {
    json_t *mute = json_loads(documents[i].json, JSON_REJECT_DUPLICATES, NULL);
    int64_t until = (int64_t)json_integer_value(json_object_get(mute, "until_s"));
    const char *reason = json_string_value(json_object_get(mute, "reason"));
    if (until > now) {
      assay_alert_mute_entry *entry = &entries[(*kept)++];
      *entry = (assay_alert_mute_entry){.glob = texts, .until_s = until};
      texts = stpcpy(texts, documents[i].key) + 1;
      if (reason != NULL) {
        entry->reason = texts;
        texts = stpcpy(texts, reason) + 1;
      }
    }
    json_decref(mute);
  }
  return entries;
}

assay_status assay_alert_mutes(assay_history *history, assay_error *err, assay_alert_mute_entry **mutes, size_t *count) {
  assay_history_document *documents = NULL;
  size_t found = 0, kept = 0;
  assay_status status = assay_history_documents(history, ASSAY_ALERT_MUTE_DOCUMENT, err, &documents, &found);
  if (status != ASSAY_OK) return status;
  assay_alert_mute_entry *entries = make_entries(documents, found, assay_os_wall_s(), &kept);
  assay_history_documents_free(documents);
  if (entries == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for mutes");
  *mutes = entries;
  *count = kept;
  return ASSAY_OK;
}

void assay_alert_mutes_free(assay_alert_mute_entry *mutes) { assay_free(mutes); }

int64_t assay_alert_muted_until(const assay_alert_mute_entry *mutes, size_t count, const char *suite, const char *benchmark,
                                const char *metric, int64_t now_s) {
  int64_t until = 0;
  for (size_t i = 0; i < count; i++) {
    bool matches = assay_glob_match_benchmark(mutes[i].glob, suite, benchmark, metric);
    if (matches && mutes[i].until_s > now_s && mutes[i].until_s > until) until = mutes[i].until_s;
  }
  return until;
}
