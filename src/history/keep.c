/* SPDX-License-Identifier: MIT */
/* What is kept beside the runs: names for some of them, and the judge's documents. */
#include <assay/history.h>

#include <string.h>

#include "base/alloc.h"
#include "history/db.h"
#include "os/prim.h"

/* ---- Baselines ---------------------------------------------------------------------------------------------------------------- */

assay_status assay_history_check_baseline_name(const char *name, assay_error *err) {
  size_t length = name == NULL ? 0 : strlen(name);
  if (length == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a baseline needs a name");
  if (length >= sizeof((assay_history_baseline *)0)->name)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the baseline's name \"%.20s...\" is too long: give at most %zu bytes", name,
                      sizeof((assay_history_baseline *)0)->name - 1);
  for (const char *p = name; *p != '\0'; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7f)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a baseline's name cannot have control characters (byte %zu)", (size_t)(p - name) + 1);
  if (strcmp(name, "latest") == 0 || strcmp(name, "previous") == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "\"%s\" always means a run: give the baseline another name", name);
  return ASSAY_OK;
}

assay_status assay_history_save_baseline(assay_history *history, const char *name, const char *run_id, const char *description,
                                         assay_error *err) {
  char id[17];
  assay_status status = assay_history_check_baseline_name(name, err);
  if (status == ASSAY_OK) status = assay_history_resolve(history, run_id, NULL, err, id);
  if (status != ASSAY_OK) return status;
  return ASSAY_DB_DO(history, PUT_BASELINE, "save the baseline", err, TEXT(name), TEXT(id), TEXT(description), INTEGER(assay_os_wall_s()));
}

static bool read_baseline(const assay_history *row, void *list, void *item, void *user) {
  (void)list, (void)user;
  assay_history_baseline *baseline = item;
  *baseline = (assay_history_baseline){
      .saved_at_s = assay_db_integer(row, 3), .started_at_s = assay_db_integer(row, 4), .benchmarks = (size_t)assay_db_integer(row, 9)};
  ASSAY_DB_COPY(baseline->name, row, 0);
  ASSAY_DB_COPY(baseline->description, row, 1);
  ASSAY_DB_COPY(baseline->run_id, row, 2);
  ASSAY_DB_COPY(baseline->version, row, 5);
  ASSAY_DB_COPY(baseline->commit, row, 6);
  ASSAY_DB_COPY(baseline->machine_id, row, 7);
  ASSAY_DB_COPY(baseline->machine_label, row, 8);
  return true;
}

assay_status assay_history_baselines(assay_history *history, assay_error *err, assay_history_baseline **baselines, size_t *count) {
  void *found = NULL;
  assay_status status = assay_db_do(history, ASSAY_SQL_LIST_BASELINES, NULL, 0, true, "list the baselines", err);
  if (status == ASSAY_OK) status = assay_db_rows(history, sizeof **baselines, read_baseline, NULL, err, &found, count);
  if (status == ASSAY_OK) *baselines = found;
  return status;
}

void assay_history_baselines_free(assay_history_baseline *baselines) { assay_free(baselines); }

static assay_status delete_baseline(assay_history *history, void *context, assay_error *err) {
  const char *name = context;
  char id[17];
  assay_status status = assay_history_resolve_baseline(history, name, err, id);
  return status == ASSAY_OK ? ASSAY_DB_DO(history, DELETE_BASELINE, "delete the baseline", err, TEXT(name)) : status;
}

assay_status assay_history_delete_baseline(assay_history *history, const char *name, assay_error *err) {
  return assay_db_transaction(history, delete_baseline, (void *)(uintptr_t)name, err);
}

/* ---- Documents ---------------------------------------------------------------------------------------------------------------- */

static assay_status check_key(const char *kind, const char *key, assay_error *err) {
  if (kind == NULL || kind[0] == '\0' || key == NULL || key[0] == '\0')
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a document in the history needs a kind and a key");
  return ASSAY_OK;
}

assay_status assay_history_put_document(assay_history *history, const char *kind, const char *key, const char *json, assay_error *err) {
  assay_status status = check_key(kind, key, err);
  if (status != ASSAY_OK) return status;
  return ASSAY_DB_DO(history, PUT_DOCUMENT, "store the document", err, TEXT(kind), TEXT(key), INTEGER(assay_os_wall_s()), TEXT(json));
}

static bool read_document(const assay_history *row, void *list, void *item, void *user) {
  (void)user;
  *(assay_history_document *)item = (assay_history_document){
      .key = assay_db_list_text(list, row, 0), .json = assay_db_list_text(list, row, 2), .changed_at_s = assay_db_integer(row, 1)};
  return true;
}

assay_status assay_history_documents(assay_history *history, const char *kind, assay_error *err, assay_history_document **documents,
                                     size_t *count) {
  void *found = NULL;
  assay_status status = ASSAY_DB_ASK(history, LIST_DOCUMENTS, "list the documents", err, TEXT(kind));
  if (status == ASSAY_OK) status = assay_db_list(history, sizeof **documents, read_document, NULL, err, &found, count);
  if (status == ASSAY_OK) *documents = found;
  return status;
}

void assay_history_documents_free(assay_history_document *documents) { assay_db_list_free(documents); }

typedef struct document_key {
  const char *kind, *key;
} document_key;

static assay_status delete_document(assay_history *history, void *context, assay_error *err) {
  const document_key *key = context;
  assay_status status = ASSAY_DB_ASK(history, FIND_DOCUMENT, "find the document", err, TEXT(key->kind), TEXT(key->key));
  if (status != ASSAY_OK) return status;
  bool found = assay_db_next(history);
  status = assay_db_end(history, err);
  if (status == ASSAY_OK && !found)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no %s \"%s\"", history->name, key->kind, key->key);
  return status == ASSAY_OK ? ASSAY_DB_DO(history, DELETE_DOCUMENT, "delete the document", err, TEXT(key->kind), TEXT(key->key)) : status;
}

assay_status assay_history_delete_document(assay_history *history, const char *kind, const char *key, assay_error *err) {
  document_key which = {kind, key};
  assay_status status = check_key(kind, key, err);
  return status == ASSAY_OK ? assay_db_transaction(history, delete_document, &which, err) : status;
}
