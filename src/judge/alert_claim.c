/* SPDX-License-Identifier: MIT */
/*
 * Who tells an alert. Runs that end together find the same news in the history, and one of them is to send it: the one that claimed it
 * first. A claim ends by itself, so what a killed run was about to tell is told by the next one.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "history/db.h"
#include "judge/alert.h"

#define CLAIM_DOCUMENT "telling"

typedef struct claim {
  const char *kind, *key; /* of the document that says that there is something to tell */
  int64_t now_s, until_s;
  bool mine;
} claim;

static assay_status find_document(assay_history *history, const char *kind, const char *key, assay_error *err, json_t **found) {
  assay_history_document *documents = NULL;
  size_t count = 0;
  assay_status status = assay_history_documents(history, kind, err, &documents, &count);
  for (size_t i = 0; i < count && status == ASSAY_OK; i++)
    if (strcmp(documents[i].key, key) == 0) *found = json_loads(documents[i].json, JSON_REJECT_DUPLICATES, NULL);
  assay_history_documents_free(documents);
  return status;
}

/* What waits in the outbox is to be told as long as it is there; an alert until it has been. */
static bool is_to_tell(const claim *c, const json_t *document) {
  if (document == NULL) return false;
  return strcmp(c->kind, ASSAY_ALERT_DOCUMENT) != 0 || json_is_true(json_object_get(document, "is_new"));
}

static assay_status put_claim(assay_history *history, const claim *c, assay_error *err) {
  char text[64];
  snprintf(text, sizeof text, "{\"schema\": \"assay-telling/1\", \"until_s\": %lld}", (long long)c->until_s);
  return assay_history_put_document(history, CLAIM_DOCUMENT, c->key, text, err);
}

static assay_status try_claim(assay_history *history, void *context, assay_error *err) {
  claim *c = context;
  json_t *document = NULL, *other = NULL;
  c->mine = false;
  assay_status status = find_document(history, c->kind, c->key, err, &document);
  if (status == ASSAY_OK) status = find_document(history, CLAIM_DOCUMENT, c->key, err, &other);
  bool free_now = json_integer_value(json_object_get(other, "until_s")) <= c->now_s;
  if (status == ASSAY_OK && free_now && is_to_tell(c, document)) {
    status = put_claim(history, c, err);
    c->mine = status == ASSAY_OK;
  }
  json_decref(document);
  json_decref(other);
  return status;
}

assay_status assay_alert_claim(assay_history *history, const char *kind, const char *key, int64_t now_s, int64_t seconds, assay_error *err,
                               bool *mine) {
  claim c = {.kind = kind, .key = key, .now_s = now_s, .until_s = now_s + seconds};
  assay_status status = assay_db_alone(history, ASSAY_DB_LOCK_ALERTS, try_claim, &c, err);
  if (status == ASSAY_OK) *mine = c.mine;
  return status;
}

assay_status assay_alert_release(assay_history *history, const char *key, assay_error *err) {
  assay_error problem = {0};
  assay_status status = assay_history_delete_document(history, CLAIM_DOCUMENT, key, &problem);
  bool ended = status == ASSAY_ERR_NOT_FOUND; /* it took so long that another run claimed it, and has released it */
  return status == ASSAY_OK || ended ? ASSAY_OK : ASSAY_FAIL(err, status, "%s", problem.message);
}

/* It may have become something else meanwhile, which is news of its own. */
static assay_status mark_told(assay_history *history, void *context, assay_error *err) {
  const assay_alert *alert = context;
  assay_alerts *stored = NULL;
  assay_status status = assay_alerts_create(err, &stored);
  if (status == ASSAY_OK) status = assay_alerts_load(history, stored, err);
  for (size_t i = 0; status == ASSAY_OK && i < stored->count; i++) {
    assay_alert *now = &stored->items[i];
    if (strcmp(now->id, alert->id) != 0 || now->state != alert->state || now->level != alert->level) continue;
    now->is_new = false;
    status = assay_alerts_save(history, stored, i, err);
  }
  assay_alerts_destroy(stored);
  return status == ASSAY_OK ? assay_alert_release(history, alert->id, err) : status;
}

assay_status assay_alert_told(assay_history *history, const assay_alert *alert, assay_error *err) {
  return assay_db_alone(history, ASSAY_DB_LOCK_ALERTS, mark_told, (void *)(uintptr_t)alert, err);
}
