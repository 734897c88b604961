/* SPDX-License-Identifier: MIT */
#include <assay/history.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "history/db.h"
#include "os/prim.h"
#include "result/storage.h"

enum { BUSY_MS = 10000, FOREIGN_OWNER_S = 86400 };

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

/* WAL: readers do not wait for the writer, and a killed writer costs nothing. NORMAL: only a power failure can lose the last transaction,
 * and never tears the file. A file system without shared memory cannot do WAL; then the rollback journal stays, which is slower and as
 * safe. */
static assay_status configure(assay_history *history, assay_error *err) {
  sqlite3_busy_timeout(history->db, BUSY_MS);
  sqlite3_exec(history->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
  assay_status status = assay_history_migrate(history->db, history->path, err);
  if (status != ASSAY_OK) return status;
  sqlite3_exec(history->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
  return assay_history_reap(history, err);
}

assay_status assay_history_open(const char *path, assay_error *err, assay_history **history) {
  assay_status status = assay_history_look(path, err);
  if (status != ASSAY_OK) return status;
  assay_history *opened = assay_calloc(ASSAY_TAG_HISTORY, 1, sizeof *opened);
  if (opened != NULL) opened->path = assay_strdup(ASSAY_TAG_HISTORY, path);
  if (opened == NULL || opened->path == NULL) {
    assay_history_close(opened);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  }
  if (sqlite3_open_v2(path, &opened->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    status = assay_history_fail(opened->db, path, "open the history", err);
  if (status == ASSAY_OK) status = configure(opened, err);
  if (status != ASSAY_OK) {
    assay_history_close(opened);
    return status;
  }
  *history = opened;
  return ASSAY_OK;
}

/* A path as an SQLite URI that promises that nobody writes: then no lock and no file beside it is needed. */
static char *immutable_uri(const char *path) {
  assay_buf uri = {0};
  assay_buf_puts(&uri, "file:");
  for (const char *p = path; *p != '\0'; p++) {
    if (*p == '%' || *p == '?' || *p == '#')
      assay_buf_printf(&uri, "%%%02X", (unsigned)*p);
    else
      assay_buf_putc(&uri, *p);
  }
  assay_buf_puts(&uri, "?immutable=1");
  return assay_buf_take(&uri);
}

assay_status assay_history_open_read(const char *path, assay_error *err, assay_history **history) {
  assay_error problem = {0};
  assay_status status = assay_history_open(path, &problem, history);
  /* What is wrong with the file itself stays wrong; everything else may be a matter of writing beside it. */
  bool is_verdict = status == ASSAY_ERR_CORRUPT || status == ASSAY_ERR_VERSION || status == ASSAY_ERR_NO_MEMORY;
  if (status == ASSAY_OK) return ASSAY_OK;
  if (is_verdict || !assay_os_exists(path)) return ASSAY_FAIL(err, status, "%s", problem.message);
  assay_history *opened = assay_calloc(ASSAY_TAG_HISTORY, 1, sizeof *opened);
  char *uri = immutable_uri(path);
  if (opened != NULL) opened->path = assay_strdup(ASSAY_TAG_HISTORY, path);
  if (opened == NULL || opened->path == NULL || uri == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  else if (sqlite3_open_v2(uri, &opened->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    status = assay_history_fail(opened->db, path, "open the history", err);
  else
    status = ASSAY_OK;
  assay_free(uri);
  if (status == ASSAY_OK)
    *history = opened;
  else
    assay_history_close(opened);
  return status;
}

void assay_history_close(assay_history *history) {
  if (history == NULL) return;
  for (int i = 0; i < ASSAY_SQL_COUNT; i++) sqlite3_finalize(history->statements[i]);
  sqlite3_close(history->db);
  assay_free(history->path);
  assay_free(history);
}

/* ---- Owners that died --------------------------------------------------------------------------------------------------------- */

/*
 * Gone: another boot, or in the same process namespace no such process or a later one of that number. The numbers of another namespace (a
 * container) say nothing here; such a run counts as ended after a day.
 */
static bool is_gone(const assay_os_identity *owner, const assay_os_identity *here, int64_t age_s) {
  if (strcmp(owner->boot, here->boot) != 0) return true;
  if (owner->pid_namespace != here->pid_namespace) return age_s > FOREIGN_OWNER_S;
  assay_os_identity now;
  return !assay_os_identify(owner->pid, &now) || now.started != owner->started;
}

enum { MAX_REAPED = 64 }; /* at one opening; the next one goes on */

assay_status assay_history_reap(assay_history *history, assay_error *err) {
  sqlite3_int64 gone[MAX_REAPED];
  size_t count = 0;
  assay_os_identity here;
  if (!assay_os_identify(getpid(), &here)) return ASSAY_OK; /* who is alive cannot be known here */
  sqlite3_stmt *list = assay_history_statement(history, ASSAY_SQL_LIST_RUNNING, err);
  int code = SQLITE_DONE;
  while (list != NULL && count < MAX_REAPED && (code = sqlite3_step(list)) == SQLITE_ROW) {
    assay_os_identity owner = {.pid = sqlite3_column_int(list, 1),
                               .pid_namespace = (uint64_t)sqlite3_column_int64(list, 3),
                               .started = (uint64_t)sqlite3_column_int64(list, 4)};
    const unsigned char *boot = sqlite3_column_text(list, 2);
    snprintf(owner.boot, sizeof owner.boot, "%s", boot == NULL ? "" : (const char *)boot);
    if (is_gone(&owner, &here, assay_os_wall_s() - sqlite3_column_int64(list, 5))) gone[count++] = sqlite3_column_int64(list, 0);
  }
  sqlite3_reset(list);
  if (code != SQLITE_DONE && code != SQLITE_ROW) return assay_history_fail(history->db, history->path, "read the runs", err);
  for (size_t i = 0; i < count; i++) {
    sqlite3_stmt *set = assay_history_statement(history, ASSAY_SQL_SET_STATE, err);
    sqlite3_bind_int64(set, 1, gone[i]);
    sqlite3_bind_int(set, 2, ASSAY_RUN_INTERRUPTED);
    assay_status status = assay_history_do(history, set, "mark a run interrupted", err);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

/* ---- Writing ------------------------------------------------------------------------------------------------------------------ */

static const char *or_empty(const char *text) { return text == NULL ? "" : text; }

static void bind_double(sqlite3_stmt *statement, int at, double value) {
  if (isfinite(value))
    sqlite3_bind_double(statement, at, value);
  else
    sqlite3_bind_null(statement, at);
}

/* The result's JSON without its benchmarks, which have rows of their own. */
static assay_status document_of(const assay_result *result, assay_error *err, char **json) {
  assay_result rest = *result;
  rest.benchmark_count = 0;
  return assay_result_to_json(&rest, err, json);
}

static assay_status put_machine(assay_history *history, const assay_result *result, assay_error *err) {
  sqlite3_stmt *put = assay_history_statement(history, ASSAY_SQL_PUT_MACHINE, err);
  assay_history_bind_text(put, 1, or_empty(result->machine_id));
  assay_history_bind_text(put, 2, or_empty(result->machine_label));
  sqlite3_bind_int64(put, 3, result->run.started_at_s);
  return assay_history_do(history, put, "store the machine", err);
}

static assay_status add_run(assay_history *history, const assay_result *result, const char *document, assay_error *err) {
  const assay_run_info *run = &result->run;
  assay_os_identity owner = {0};
  assay_os_identify(getpid(), &owner);
  sqlite3_stmt *add = assay_history_statement(history, ASSAY_SQL_ADD_RUN, err);
  assay_history_bind_text(add, 1, run->id);
  assay_history_bind_text(add, 2, or_empty(result->machine_id));
  sqlite3_bind_int64(add, 3, run->started_at_s);
  sqlite3_bind_double(add, 4, run->duration_s);
  sqlite3_bind_int(add, 5, run->quick);
  assay_history_bind_text(add, 6, or_empty(run->version));
  assay_history_bind_text(add, 7, run->commit);
  assay_history_bind_text(add, 8, run->name);
  sqlite3_bind_int(add, 9, owner.pid);
  assay_history_bind_text(add, 10, owner.boot);
  sqlite3_bind_int64(add, 11, (sqlite3_int64)owner.pid_namespace);
  sqlite3_bind_int64(add, 12, (sqlite3_int64)owner.started);
  assay_history_bind_text(add, 13, document);
  return assay_history_do(history, add, "store the run", err);
}

assay_status assay_history_begin(assay_history *history, const assay_result *result, assay_error *err) {
  if (result->run.id == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a run needs an id before it goes into the history");
  char *document = NULL;
  assay_status status = document_of(result, err, &document);
  if (status != ASSAY_OK) return status;
  status = assay_history_transaction_begin(history, err);
  if (status == ASSAY_OK) {
    status = put_machine(history, result, err);
    if (status == ASSAY_OK) status = add_run(history, result, document, err);
    status = assay_history_transaction_end(history, status, err);
  }
  assay_string_free(document);
  return status;
}

typedef struct run_row {
  sqlite3_int64 key;
  int64_t started_at_s;
  char machine_id[64];
} run_row;

static assay_status find_run(assay_history *history, const char *run_id, assay_error *err, run_row *row) {
  sqlite3_stmt *find = assay_history_statement(history, ASSAY_SQL_FIND_RUN, err);
  assay_history_bind_text(find, 1, run_id);
  int code = find == NULL ? SQLITE_ERROR : sqlite3_step(find);
  assay_status status = ASSAY_OK;
  if (code == SQLITE_ROW) {
    row->key = sqlite3_column_int64(find, 0);
    snprintf(row->machine_id, sizeof row->machine_id, "%s", (const char *)sqlite3_column_text(find, 1));
    row->started_at_s = sqlite3_column_int64(find, 2);
  } else if (code == SQLITE_DONE) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: run %s was not begun in this history", history->path, run_id);
  } else {
    status = assay_history_fail(history->db, history->path, "find the run", err);
  }
  sqlite3_reset(find);
  return status;
}

static void bind_series(sqlite3_stmt *statement, const run_row *run, const assay_benchmark_result *b) {
  assay_history_bind_text(statement, 1, run->machine_id);
  assay_history_bind_text(statement, 2, b->suite);
  assay_history_bind_text(statement, 3, b->name);
}

static assay_status put_point(assay_history *history, const run_row *run, const assay_benchmark_result *b, const assay_metric_result *m,
                              assay_error *err) {
  sqlite3_stmt *series = assay_history_statement(history, ASSAY_SQL_ADD_SERIES, err);
  bind_series(series, run, b);
  assay_history_bind_text(series, 4, m->name);
  assay_status status = assay_history_do(history, series, "store a figure", err);
  if (status != ASSAY_OK) return status;
  sqlite3_stmt *point = assay_history_statement(history, ASSAY_SQL_PUT_POINT, err);
  bind_series(point, run, b);
  assay_history_bind_text(point, 4, m->name);
  sqlite3_bind_int64(point, 5, run->started_at_s);
  sqlite3_bind_int64(point, 6, run->key);
  bind_double(point, 7, m->value);
  bind_double(point, 8, m->ci_low);
  bind_double(point, 9, m->ci_high);
  return assay_history_do(history, point, "store a figure", err);
}

/* A trend is of benchmarks that were ok: the half of a failed one is no figure to compare with. */
static assay_status put_points(assay_history *history, const run_row *run, const assay_benchmark_result *b, assay_error *err) {
  sqlite3_stmt *drop = assay_history_statement(history, ASSAY_SQL_DROP_POINTS, err);
  bind_series(drop, run, b);
  sqlite3_bind_int64(drop, 4, run->started_at_s);
  sqlite3_bind_int64(drop, 5, run->key);
  assay_status status = assay_history_do(history, drop, "store a figure", err);
  for (size_t i = 0; status == ASSAY_OK && b->status == ASSAY_OUTCOME_OK && i < b->metric_count; i++)
    if (isfinite(b->metrics[i].value)) status = put_point(history, run, b, &b->metrics[i], err);
  return status;
}

/* `position` < 0: where it is, or behind the others. */
static assay_status put_benchmark(assay_history *history, const run_row *run, const assay_benchmark_result *b, int64_t position,
                                  assay_error *err) {
  char *document = NULL;
  assay_status status = assay_benchmark_result_to_json(b, err, &document);
  if (status != ASSAY_OK) return status;
  sqlite3_stmt *put = assay_history_statement(history, ASSAY_SQL_PUT_BENCHMARK, err);
  sqlite3_bind_int64(put, 1, run->key);
  assay_history_bind_text(put, 2, b->suite);
  assay_history_bind_text(put, 3, b->name);
  sqlite3_bind_int(put, 4, b->status);
  if (position >= 0) sqlite3_bind_int64(put, 5, position);
  assay_history_bind_text(put, 6, document);
  status = assay_history_do(history, put, "store a benchmark", err);
  assay_string_free(document);
  return status == ASSAY_OK ? put_points(history, run, b, err) : status;
}

assay_status assay_history_put_benchmark(assay_history *history, const char *run_id, const assay_benchmark_result *benchmark,
                                         assay_error *err) {
  run_row run;
  assay_status status = assay_history_transaction_begin(history, err);
  if (status != ASSAY_OK) return status;
  status = find_run(history, run_id, err, &run);
  if (status == ASSAY_OK) status = put_benchmark(history, &run, benchmark, -1, err);
  return assay_history_transaction_end(history, status, err);
}

static assay_status end_run(assay_history *history, const run_row *run, const assay_result *result, assay_error *err) {
  char *document = NULL;
  assay_status status = document_of(result, err, &document);
  if (status != ASSAY_OK) return status;
  sqlite3_stmt *end = assay_history_statement(history, ASSAY_SQL_END_RUN, err);
  sqlite3_bind_int64(end, 1, run->key);
  sqlite3_bind_int(end, 2, result->run.interrupted ? ASSAY_RUN_INTERRUPTED : ASSAY_RUN_COMPLETE);
  sqlite3_bind_double(end, 3, result->run.duration_s);
  assay_history_bind_text(end, 4, document);
  status = assay_history_do(history, end, "end the run", err);
  assay_string_free(document);
  return status;
}

assay_status assay_history_finish(assay_history *history, const assay_result *result, assay_error *err) {
  run_row run;
  assay_status status = assay_history_transaction_begin(history, err);
  if (status != ASSAY_OK) return status;
  status = find_run(history, result->run.id, err, &run);
  for (size_t i = 0; status == ASSAY_OK && i < result->benchmark_count; i++)
    status = put_benchmark(history, &run, &result->benchmarks[i], (int64_t)i, err);
  if (status == ASSAY_OK) status = end_run(history, &run, result, err);
  return assay_history_transaction_end(history, status, err);
}
