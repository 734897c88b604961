/* SPDX-License-Identifier: MIT */
/*
 * The tables, and the steps from each version to the next. A released step is never changed: a new one is added behind it.
 *
 * `documents` are parts of the result's JSON (docs/result-schema.md): a run's without its benchmarks, and each benchmark's. The columns
 * beside them are copies for searching. `points` holds the numbers of all metrics clustered by series, so that a trend is one contiguous
 * read.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "history/db.h"
#include "os/prim.h"

typedef struct schema_step {
  const char *sql;
  const char *old_rows; /* brings what was stored before up to date, in SQLite's words; a shared history has nothing older than step 2 */
} schema_step;

static const schema_step steps[ASSAY_HISTORY_SCHEMA] = {
    {.sql = "CREATE TABLE schema_changes(version INTEGER PRIMARY KEY, applied_at_s INTEGER NOT NULL);"
            "CREATE TABLE machines(id TEXT PRIMARY KEY, label TEXT NOT NULL, first_seen_s INTEGER NOT NULL, last_seen_s INTEGER NOT NULL) "
            "WITHOUT ROWID;"
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
            " saved_at_s INTEGER NOT NULL) WITHOUT ROWID;"},
    /* Runs are asked for by commit; counts of a run's benchmarks need not read their documents; a series knows its unit; documents of the
     * judge. */
    {.sql = "CREATE INDEX runs_by_commit ON runs(commit_id) WHERE commit_id IS NOT NULL;"
            "CREATE INDEX benchmarks_by_status ON benchmarks(run, status);"
            "ALTER TABLE series ADD COLUMN unit TEXT;"
            "CREATE TABLE documents(kind TEXT NOT NULL, key TEXT NOT NULL, changed_at_s INTEGER NOT NULL, document TEXT NOT NULL,"
            " PRIMARY KEY(kind, key)) WITHOUT ROWID;",
     .old_rows = "UPDATE series SET unit = (SELECT json_extract(m.value, '$.unit') FROM benchmarks b, json_each(b.document, '$.metrics') m"
                 " WHERE b.run = (SELECT run FROM points WHERE points.series = series.id ORDER BY at_s DESC LIMIT 1)"
                 " AND b.suite = series.suite AND b.name = series.benchmark AND json_extract(m.value, '$.name') = series.metric)"},
};

assay_status assay_history_refuse_newer(const char *name, const char *elsewhere, int version, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_VERSION,
                    "%s was written by a newer Assay (schema %d, this one knows up to %d): upgrade Assay, or name %s; it is untouched",
                    name, version, ASSAY_HISTORY_SCHEMA, elsewhere);
}

static assay_status apply(assay_history *history, int from, assay_error *err) {
  char note[160];
  assay_status status = ASSAY_OK;
  for (int version = from; version < ASSAY_HISTORY_SCHEMA && status == ASSAY_OK; version++) {
    status = history->driver->script(history, steps[version].sql, err);
    if (status == ASSAY_OK && from > 0 && steps[version].old_rows != NULL)
      status = history->driver->script(history, steps[version].old_rows, err);
    snprintf(note, sizeof note, "INSERT INTO schema_changes VALUES(%d, %lld)", version + 1, (long long)assay_os_wall_s());
    if (status == ASSAY_OK) status = history->driver->script(history, note, err);
  }
  return status == ASSAY_OK ? history->driver->stamp(history, ASSAY_HISTORY_SCHEMA, err) : status;
}

assay_status assay_history_migrate(assay_history *history, assay_error *err) {
  const assay_db_driver *driver = history->driver;
  int version = 0;
  assay_status status = driver->version(history, err, &version);
  if (status != ASSAY_OK || version == ASSAY_HISTORY_SCHEMA) return status;
  if (version > ASSAY_HISTORY_SCHEMA) return assay_history_refuse_newer(history->name, driver->elsewhere, version, err);
  status = driver->begin_alone(history, ASSAY_DB_LOCK_SCHEMA, err);
  if (status != ASSAY_OK) return status;
  /* Another process may have done it between the look above and the lock. */
  status = driver->version(history, err, &version);
  if (status == ASSAY_OK && version > ASSAY_HISTORY_SCHEMA)
    status = assay_history_refuse_newer(history->name, driver->elsewhere, version, err);
  if (status == ASSAY_OK && version < ASSAY_HISTORY_SCHEMA) status = apply(history, version, err);
  return driver->finish(history, status, err);
}

/* ---- A look before the file is opened for writing ----------------------------------------------------------------------------- */

enum { HEADER_BYTES = 100, VERSION_AT = 60, APPLICATION_AT = 68, CHECKED_BYTES = 4 << 20 };

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
  return version > ASSAY_HISTORY_SCHEMA ? assay_history_refuse_newer(path, "another directory with --output-dir", (int)version, err)
                                        : ASSAY_OK;
}

/* True when SQLite finds the pages whole. Reading all of a large file each time it is opened would cost more than it saves (0.7 ms a MB):
 * of that SQLite compares the size with the one in its header, and finds other damage when it comes to it. */
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
    /* Only what SQLite saw in the pages is damage. That it could not look (no room for the file of its locks on a full disk, a journal that
     * only a writer may play back, another's lock) says nothing of them; opening it then says what is wrong. */
    bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE;
    if (is_damaged)
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
