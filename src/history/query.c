/* SPDX-License-Identifier: MIT */
#include <assay/history.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "history/db.h"
#include "os/prim.h"
#include "result/storage.h"

/* Copies a text column into an array, cut at its end where it is longer. */
#define COPY_TEXT(to, statement, column) copy_text((to), sizeof(to), (statement), (column))
static void copy_text(char *to, size_t size, sqlite3_stmt *statement, int column) {
  const unsigned char *text = sqlite3_column_text(statement, column);
  snprintf(to, size, "%s", text == NULL ? "" : (const char *)text);
}

/* Room for one more in a heap array that doubles; false when out of memory (the array stays). */
static bool has_room(void **items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
  void *grown = assay_realloc(ASSAY_TAG_HISTORY, *items, wanted, size);
  if (grown == NULL) return false;
  *items = grown;
  *capacity = wanted;
  return true;
}

/* Whether the rows ended as they should; `full` says that memory did not suffice for one of them. */
static assay_status end_rows(assay_history *history, sqlite3_stmt *statement, int code, bool full, assay_error *err) {
  assay_status status = ASSAY_OK;
  if (full)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the rows of %s", history->path);
  else if (statement == NULL || code != SQLITE_DONE)
    status = assay_history_fail(history->db, history->path, "read", err);
  sqlite3_reset(statement);
  return status;
}

/* ---- Runs --------------------------------------------------------------------------------------------------------------------- */

static void read_run(sqlite3_stmt *row, assay_history_run *run) {
  *run = (assay_history_run){.started_at_s = sqlite3_column_int64(row, 1),
                             .duration_s = sqlite3_column_double(row, 2),
                             .state = (assay_run_state)sqlite3_column_int(row, 3),
                             .quick = sqlite3_column_int(row, 4) != 0,
                             .benchmarks = (size_t)sqlite3_column_int64(row, 10),
                             .failed = (size_t)sqlite3_column_int64(row, 11)};
  COPY_TEXT(run->id, row, 0);
  COPY_TEXT(run->machine_id, row, 5);
  COPY_TEXT(run->machine_label, row, 6);
  COPY_TEXT(run->version, row, 7);
  COPY_TEXT(run->commit, row, 8);
  COPY_TEXT(run->name, row, 9);
}

assay_status assay_history_runs(assay_history *history, const char *machine_id, size_t limit, assay_error *err, assay_history_run **runs,
                                size_t *count) {
  void *found = NULL;
  size_t length = 0, capacity = 0;
  bool full = false;
  int code = SQLITE_ERROR;
  sqlite3_stmt *list = assay_history_statement(history, ASSAY_SQL_LIST_RUNS, err);
  assay_history_bind_text(list, 1, machine_id);
  sqlite3_bind_int64(list, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
  while (list != NULL && !full && (code = sqlite3_step(list)) == SQLITE_ROW) {
    full = !has_room(&found, length, &capacity, sizeof(assay_history_run));
    if (!full) read_run(list, &((assay_history_run *)found)[length++]);
  }
  assay_status status = end_rows(history, list, code, full, err);
  if (status != ASSAY_OK) {
    assay_free(found);
    return status;
  }
  *runs = found;
  *count = length;
  return ASSAY_OK;
}

void assay_history_runs_free(assay_history_run *runs) { assay_free(runs); }

/* ---- Loading ------------------------------------------------------------------------------------------------------------------ */

static assay_status nth_ended(assay_history *history, const char *machine_id, int nth, assay_error *err, char id[17]) {
  sqlite3_stmt *find = assay_history_statement(history, ASSAY_SQL_NTH_ENDED, err);
  assay_history_bind_text(find, 1, machine_id);
  sqlite3_bind_int(find, 2, nth);
  int code = find == NULL ? SQLITE_ERROR : sqlite3_step(find);
  bool found = code == SQLITE_ROW;
  if (found) copy_text(id, 17, find, 0);
  assay_status status = end_rows(history, find, found ? SQLITE_DONE : code, false, err);
  if (status == ASSAY_OK && !found)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no %srun%s yet", history->path, nth == 0 ? "" : "earlier ",
                        machine_id != NULL ? " of this machine" : "");
  return status;
}

static assay_status by_start(assay_history *history, const char *start, assay_error *err, char id[17]) {
  sqlite3_stmt *find = assay_history_statement(history, ASSAY_SQL_FIND_START, err);
  assay_history_bind_text(find, 1, start);
  size_t found = 0;
  int code = SQLITE_ERROR;
  char ids[2][17];
  while (find != NULL && (code = sqlite3_step(find)) == SQLITE_ROW) copy_text(ids[found++], 17, find, 0);
  assay_status status = end_rows(history, find, code, false, err);
  if (status != ASSAY_OK) return status;
  if (found == 0) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: no run begins with \"%s\"", history->path, start);
  if (found > 1)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: \"%s\" begins several runs (%s, %s, ...): give more of it", history->path, start, ids[0],
                      ids[1]);
  memcpy(id, ids[0], 17);
  return ASSAY_OK;
}

static assay_status resolve(assay_history *history, const char *which, const char *machine_id, assay_error *err, char id[17]) {
  if (strcmp(which, "latest") == 0) return nth_ended(history, machine_id, 0, err, id);
  if (strcmp(which, "previous") == 0) return nth_ended(history, machine_id, 1, err, id);
  if (which[0] == '\0' || strlen(which) > 16 || strspn(which, "0123456789abcdef") != strlen(which))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "\"%s\" names no run: give an id or its start (hexadecimal digits), \"latest\" or \"previous\"", which);
  return by_start(history, which, err, id);
}

/* A stored document that does not read back means that the file was changed by hand or is damaged in a way that SQLite does not see. */
static assay_status damaged(assay_history *history, const char *id, const assay_error *inner, assay_error *err) {
  return ASSAY_FAIL(err, inner->status == ASSAY_ERR_PARSE ? ASSAY_ERR_CORRUPT : inner->status, "%s: run %s cannot be read: %s",
                    history->path, id, inner->message);
}

static assay_status load_run(assay_history *history, const char *id, assay_error *err, assay_result **result) {
  sqlite3_stmt *load = assay_history_statement(history, ASSAY_SQL_LOAD_RUN, err);
  assay_history_bind_text(load, 1, id);
  int code = load == NULL ? SQLITE_ERROR : sqlite3_step(load);
  if (code != SQLITE_ROW) return end_rows(history, load, code == SQLITE_DONE ? SQLITE_ERROR : code, false, err);
  assay_error inner = {0};
  assay_status status =
      assay_result_from_json((const char *)sqlite3_column_text(load, 0), (size_t)sqlite3_column_bytes(load, 0), &inner, result);
  if (status != ASSAY_OK)
    status = damaged(history, id, &inner, err);
  else if (sqlite3_column_int(load, 1) == ASSAY_RUN_INTERRUPTED)
    (*result)->run.interrupted = true;
  sqlite3_reset(load);
  return status;
}

static assay_status load_benchmarks(assay_history *history, const char *id, assay_result *result, assay_error *err) {
  sqlite3_stmt *load = assay_history_statement(history, ASSAY_SQL_LOAD_BENCHMARKS, err);
  assay_history_bind_text(load, 1, id);
  int code = SQLITE_ERROR;
  assay_status status = ASSAY_OK;
  while (load != NULL && status == ASSAY_OK && (code = sqlite3_step(load)) == SQLITE_ROW) {
    assay_error inner = {0};
    status =
        assay_result_add_benchmark_json(result, (const char *)sqlite3_column_text(load, 0), (size_t)sqlite3_column_bytes(load, 0), &inner);
    if (status != ASSAY_OK) status = damaged(history, id, &inner, err);
  }
  if (status == ASSAY_OK) return end_rows(history, load, code, false, err);
  sqlite3_reset(load);
  return status;
}

static assay_status load(assay_history *history, const char *id, assay_error *err, assay_result **result) {
  assay_result *loaded = NULL;
  assay_status status = load_run(history, id, err, &loaded);
  if (status == ASSAY_OK) status = load_benchmarks(history, id, loaded, err);
  if (status != ASSAY_OK) {
    assay_result_destroy(loaded);
    return status;
  }
  *result = loaded;
  return ASSAY_OK;
}

assay_status assay_history_load(assay_history *history, const char *which, const char *machine_id, assay_error *err,
                                assay_result **result) {
  char id[17];
  assay_status status = resolve(history, which, machine_id, err, id);
  return status == ASSAY_OK ? load(history, id, err, result) : status;
}

/* ---- Series ------------------------------------------------------------------------------------------------------------------- */

static double column_or_nan(sqlite3_stmt *row, int column) {
  return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN : sqlite3_column_double(row, column);
}

static void reverse(assay_history_point *points, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    assay_history_point swapped = points[i];
    points[i] = points[count - 1 - i];
    points[count - 1 - i] = swapped;
  }
}

assay_status assay_history_series(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                  const char *metric, size_t limit, assay_error *err, assay_history_point **points, size_t *count) {
  void *found = NULL;
  size_t length = 0, capacity = 0;
  bool full = false;
  int code = SQLITE_ERROR;
  sqlite3_stmt *rows = assay_history_statement(history, machine_id != NULL ? ASSAY_SQL_SERIES : ASSAY_SQL_SERIES_ANYWHERE, err);
  assay_history_bind_text(rows, 1, machine_id);
  assay_history_bind_text(rows, 2, suite);
  assay_history_bind_text(rows, 3, benchmark);
  assay_history_bind_text(rows, 4, metric);
  sqlite3_bind_int64(rows, 5, limit == 0 ? -1 : (sqlite3_int64)limit);
  while (rows != NULL && !full && (code = sqlite3_step(rows)) == SQLITE_ROW) {
    full = !has_room(&found, length, &capacity, sizeof(assay_history_point));
    if (full) break;
    assay_history_point *point = &((assay_history_point *)found)[length++];
    *point = (assay_history_point){.at_s = sqlite3_column_int64(rows, 0),
                                   .value = sqlite3_column_double(rows, 1),
                                   .ci_low = column_or_nan(rows, 2),
                                   .ci_high = column_or_nan(rows, 3)};
    COPY_TEXT(point->run_id, rows, 4);
  }
  assay_status status = end_rows(history, rows, code, full, err);
  if (status != ASSAY_OK) {
    assay_free(found);
    return status;
  }
  reverse(found, length);
  *points = found;
  *count = length;
  return ASSAY_OK;
}

void assay_history_points_free(assay_history_point *points) { assay_free(points); }

/* ---- Baselines ---------------------------------------------------------------------------------------------------------------- */

assay_status assay_history_save_baseline(assay_history *history, const char *name, const char *run_id, const char *description,
                                         assay_error *err) {
  char id[17];
  if (name[0] == '\0') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a baseline needs a name");
  assay_status status = resolve(history, run_id, NULL, err, id);
  if (status != ASSAY_OK) return status;
  sqlite3_stmt *put = assay_history_statement(history, ASSAY_SQL_PUT_BASELINE, err);
  assay_history_bind_text(put, 1, name);
  assay_history_bind_text(put, 2, id);
  assay_history_bind_text(put, 3, description);
  sqlite3_bind_int64(put, 4, assay_os_wall_s());
  return assay_history_do(history, put, "save the baseline", err);
}

assay_status assay_history_load_baseline(assay_history *history, const char *name, assay_error *err, assay_result **result) {
  char id[17];
  sqlite3_stmt *find = assay_history_statement(history, ASSAY_SQL_FIND_BASELINE, err);
  assay_history_bind_text(find, 1, name);
  int code = find == NULL ? SQLITE_ERROR : sqlite3_step(find);
  bool found = code == SQLITE_ROW;
  if (found) copy_text(id, sizeof id, find, 0);
  assay_status status = end_rows(history, find, found ? SQLITE_DONE : code, false, err);
  if (status != ASSAY_OK) return status;
  if (!found) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no baseline \"%s\"", history->path, name);
  return load(history, id, err, result);
}
