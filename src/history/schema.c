/* SPDX-License-Identifier: MIT */
/*
 * The tables, and the steps from each version to the next. A released step is never changed: a new one is added behind it.
 *
 * `documents` are parts of the result's JSON (docs/result-schema.md): a run's without its benchmarks, and each benchmark's. The columns
 * beside them are copies for searching. `points` holds the numbers of all metrics clustered by series, so that a trend is one contiguous
 * read.
 */
#include <stdio.h>
#include <string.h>

#include "history/db.h"
#include "os/prim.h"

static const char *const steps[ASSAY_HISTORY_SCHEMA] = {
    "CREATE TABLE schema_changes(version INTEGER PRIMARY KEY, applied_at_s INTEGER NOT NULL);"
    "CREATE TABLE machines(id TEXT PRIMARY KEY, label TEXT NOT NULL, first_seen_s INTEGER NOT NULL, last_seen_s INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE runs(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, machine_id TEXT NOT NULL REFERENCES machines(id),"
    " started_at_s INTEGER NOT NULL, duration_s REAL NOT NULL,"
    " state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 2)," /* assay_run_state */
    " quick INTEGER NOT NULL, version TEXT NOT NULL, commit_id TEXT, name TEXT,"
    " owner_pid INTEGER, owner_boot TEXT, owner_namespace INTEGER, owner_started INTEGER, document TEXT NOT NULL);"
    "CREATE INDEX runs_by_time ON runs(started_at_s);"
    "CREATE INDEX runs_by_machine ON runs(machine_id, started_at_s);"
    "CREATE INDEX runs_running ON runs(state) WHERE state = 0;"
    "CREATE TABLE benchmarks(key INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE,"
    " suite TEXT NOT NULL, name TEXT NOT NULL,"
    " status INTEGER NOT NULL," /* assay_outcome */
    " position INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE(run, suite, name));"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, machine_id TEXT NOT NULL REFERENCES machines(id), suite TEXT NOT NULL,"
    " benchmark TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE(suite, benchmark, metric, machine_id));"
    "CREATE TABLE points(series INTEGER NOT NULL REFERENCES series(id), at_s INTEGER NOT NULL,"
    " run INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE, value REAL NOT NULL, ci_low REAL, ci_high REAL,"
    " PRIMARY KEY(series, at_s, run)) WITHOUT ROWID;"
    "CREATE TABLE baselines(name TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(key), description TEXT,"
    " saved_at_s INTEGER NOT NULL) WITHOUT ROWID;",
};

static int read_version(sqlite3 *db, int *version) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) *version = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  return code == SQLITE_ROW ? SQLITE_OK : code;
}

static assay_status refuse_newer(const char *path, int version, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_VERSION,
                    "%s was written by a newer Assay (schema %d, this one knows up to %d): upgrade Assay, or name another directory with "
                    "--output-dir; the file is untouched",
                    path, version, ASSAY_HISTORY_SCHEMA);
}

static int apply(sqlite3 *db, int from) {
  char stamp[160];
  int code = SQLITE_OK;
  for (int version = from; version < ASSAY_HISTORY_SCHEMA && code == SQLITE_OK; version++) {
    code = sqlite3_exec(db, steps[version], NULL, NULL, NULL);
    snprintf(stamp, sizeof stamp, "INSERT INTO schema_changes VALUES(%d, %lld)", version + 1, (long long)assay_os_wall_s());
    if (code == SQLITE_OK) code = sqlite3_exec(db, stamp, NULL, NULL, NULL);
  }
  snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d", ASSAY_HISTORY_APPLICATION, ASSAY_HISTORY_SCHEMA);
  return code == SQLITE_OK ? sqlite3_exec(db, stamp, NULL, NULL, NULL) : code;
}

assay_status assay_history_migrate(sqlite3 *db, const char *path, assay_error *err) {
  int version = 0;
  if (read_version(db, &version) != SQLITE_OK) return assay_history_fail(db, path, "read the schema", err);
  if (version == ASSAY_HISTORY_SCHEMA) return ASSAY_OK;
  if (version > ASSAY_HISTORY_SCHEMA) return refuse_newer(path, version, err);
  if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return assay_history_fail(db, path, "begin to write", err);
  /* Another process may have done it between the look above and the lock. */
  int code = read_version(db, &version);
  if (code == SQLITE_OK && version < ASSAY_HISTORY_SCHEMA) code = apply(db, version);
  if (code == SQLITE_OK) code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
  if (code == SQLITE_OK) return version > ASSAY_HISTORY_SCHEMA ? refuse_newer(path, version, err) : ASSAY_OK;
  assay_status status = assay_history_fail(db, path, "prepare the tables", err);
  sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

/* ---- A look before the file is opened for writing ----------------------------------------------------------------------------- */

enum { HEADER_BYTES = 100, VERSION_AT = 60, APPLICATION_AT = 68, CHECKED_BYTES = 64 << 20 };

static uint32_t big_endian(const unsigned char *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* The identity of an SQLite file stands in its first 100 bytes (https://www.sqlite.org/fileformat2.html, 1.3). */
static assay_status look_at_header(const char *path, const unsigned char *header, size_t length, assay_error *err) {
  static const char magic[16] = "SQLite format 3";
  if (length < HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0)
    return ASSAY_FAIL(
        err, ASSAY_ERR_CORRUPT,
        "%s is not a history (not an SQLite database, or its beginning is damaged): move it away to begin a new one; it is untouched",
        path);
  if (big_endian(header + APPLICATION_AT) != ASSAY_HISTORY_APPLICATION)
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT,
                      "%s is an SQLite database of another program: name another directory with --output-dir; it is untouched", path);
  uint32_t version = big_endian(header + VERSION_AT);
  return version > ASSAY_HISTORY_SCHEMA ? refuse_newer(path, (int)version, err) : ASSAY_OK;
}

/* True when SQLite finds the pages whole. Reading all of a large file at every run would cost more than it saves. */
static bool is_whole(sqlite3 *db, sqlite3_int64 bytes) {
  sqlite3_stmt *statement = NULL;
  const char *sql = bytes <= CHECKED_BYTES ? "PRAGMA quick_check(1)" : "SELECT count(*) FROM sqlite_schema";
  bool whole = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
  if (whole && bytes <= CHECKED_BYTES) whole = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
  sqlite3_finalize(statement);
  return whole;
}

static assay_status look_inside(const char *path, sqlite3_int64 bytes, assay_error *err) {
  sqlite3 *db = NULL;
  assay_status status = ASSAY_OK;
  int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
  if (db != NULL) sqlite3_busy_timeout(db, 10000);
  if (code == SQLITE_OK && !is_whole(db, bytes)) {
    code = sqlite3_errcode(db);
    /* A writer that died leaves a journal that only a writer may play back: then opening for writing mends it. */
    bool cannot_look = code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_BUSY;
    if (!cannot_look)
      status = ASSAY_FAIL(err, ASSAY_ERR_CORRUPT,
                          "%s is damaged (truncated or overwritten): move it away to begin a new history, or recover what is left with "
                          "\"sqlite3 FILE .recover\"; it is untouched",
                          path);
  }
  sqlite3_close(db);
  return status;
}

assay_status assay_history_look(const char *path, assay_error *err) {
  unsigned char header[HEADER_BYTES];
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return ASSAY_OK; /* opening it for writing says why, or makes it */
  size_t length = fread(header, 1, sizeof header, file);
  long bytes = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  fclose(file);
  if (length == 0 && bytes == 0) return ASSAY_OK; /* empty: a history that was never begun */
  assay_status status = look_at_header(path, header, length, err);
  return status == ASSAY_OK ? look_inside(path, bytes, err) : status;
}
