/* SPDX-License-Identifier: MIT */
/* The history in an SQLite file. */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "history/db.h"

enum { BUSY_MS = 10000 };

typedef struct sqlite_history {
  assay_history base;
  sqlite3 *db;
  sqlite3_stmt *statements[ASSAY_SQL_COUNT]; /* prepared when first needed */
  sqlite3_stmt *rows;                        /* the question that is open */
  const char *doing;                         /* what it is for */
  int code;                                  /* how its last step went */
} sqlite_history;

static sqlite_history *of(assay_history *history) { return (sqlite_history *)history; }

/* ---- Failures ----------------------------------------------------------------------------------------------------------------- */

static assay_status status_of(int code, int system_errno) {
  switch (code & 0xff) {
    case SQLITE_FULL: return ASSAY_ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ASSAY_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ASSAY_ERR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ASSAY_ERR_PERMISSION;
    case SQLITE_NOMEM: return ASSAY_ERR_NO_MEMORY;
    case SQLITE_CONSTRAINT: return ASSAY_ERR_INVALID;
    default: break;
  }
  if (system_errno == ENOSPC || system_errno == EDQUOT) return ASSAY_ERR_NO_SPACE;
  if (system_errno == EACCES || system_errno == EPERM || system_errno == EROFS) return ASSAY_ERR_PERMISSION;
  if (system_errno == ENOENT || system_errno == ENOTDIR) return ASSAY_ERR_NOT_FOUND;
  return ASSAY_ERR_IO;
}

static const char *mend_of(assay_status status) {
  switch (status) {
    case ASSAY_ERR_NO_SPACE: return "; free some space, what was stored before is intact";
    case ASSAY_ERR_BUSY: return "; another program holds it, try again when that has ended";
    case ASSAY_ERR_CORRUPT: return "; move the file away to begin a new history, or recover it with \"sqlite3 FILE .recover\"";
    case ASSAY_ERR_PERMISSION: return "; name another directory with --output-dir, or make the file and its directory writable";
    default: return "";
  }
}

/* For SQLite's last failure. */
static assay_status fail(const sqlite_history *h, const char *doing, assay_error *err) {
  int code = h->db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(h->db);
  assay_status status = status_of(code, h->db == NULL ? 0 : sqlite3_system_errno(h->db));
  return ASSAY_FAIL(err, status, "%s: cannot %s: %s%s", h->base.name, doing, h->db == NULL ? "out of memory" : sqlite3_errmsg(h->db),
                    mend_of(status));
}

/* ---- Statements --------------------------------------------------------------------------------------------------------------- */

static void bind(sqlite3_stmt *statement, int at, const assay_db_value *value) {
  if (value->kind == ASSAY_DB_TEXT)
    sqlite3_bind_text(statement, at, value->text, -1, SQLITE_TRANSIENT); /* NULL text binds NULL */
  else if (value->kind == ASSAY_DB_INTEGER && !value->absent)
    sqlite3_bind_int64(statement, at, value->integer);
  else if (value->kind == ASSAY_DB_REAL && isfinite(value->real))
    sqlite3_bind_double(statement, at, value->real);
  else
    sqlite3_bind_null(statement, at);
}

static assay_status start(assay_history *history, assay_db_statement which, const assay_db_value *values, size_t count, bool rows,
                          const char *doing, assay_error *err) {
  sqlite_history *h = of(history);
  sqlite3_stmt **statement = &h->statements[which];
  if (*statement == NULL && sqlite3_prepare_v3(h->db, assay_db_texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
    return fail(h, doing, err);
  for (size_t i = 0; i < count; i++) bind(*statement, (int)i + 1, &values[i]);
  h->rows = *statement;
  h->doing = doing;
  h->code = SQLITE_ROW;
  if (rows) return ASSAY_OK;
  h->code = sqlite3_step(*statement);
  return history->driver->end(history, err);
}

static bool next(assay_history *history) {
  sqlite_history *h = of(history);
  if (h->code == SQLITE_ROW) h->code = sqlite3_step(h->rows);
  return h->code == SQLITE_ROW;
}

static assay_status end(assay_history *history, assay_error *err) {
  sqlite_history *h = of(history);
  assay_status status = h->code == SQLITE_DONE || h->code == SQLITE_ROW ? ASSAY_OK : fail(h, h->doing, err);
  sqlite3_reset(h->rows);
  sqlite3_clear_bindings(h->rows);
  h->rows = NULL;
  return status;
}

static const char *text(const assay_history *history, int column, size_t *length) {
  sqlite3_stmt *rows = ((const sqlite_history *)history)->rows;
  const char *found = (const char *)sqlite3_column_text(rows, column);
  *length = (size_t)sqlite3_column_bytes(rows, column);
  return found;
}

static int64_t integer(const assay_history *history, int column) {
  return sqlite3_column_int64(((const sqlite_history *)history)->rows, column);
}

static double real(const assay_history *history, int column) {
  sqlite3_stmt *rows = ((const sqlite_history *)history)->rows;
  return sqlite3_column_type(rows, column) == SQLITE_NULL ? NAN : sqlite3_column_double(rows, column);
}

static assay_status execute(assay_history *history, const char *sql, const char *doing, assay_error *err) {
  sqlite_history *h = of(history);
  return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK : fail(h, doing, err);
}

static assay_status begin(assay_history *history, assay_error *err) { return execute(history, "BEGIN IMMEDIATE", "begin to write", err); }

/* One writer at a time is SQLite's own rule, and an immediate transaction is one from its first statement on. */
static assay_status begin_alone(assay_history *history, assay_db_lock lock, assay_error *err) {
  (void)lock;
  return begin(history, err);
}

static assay_status finish(assay_history *history, assay_status status, assay_error *err) {
  if (status == ASSAY_OK) status = execute(history, "COMMIT", "write", err);
  /* SQLite rolls back by itself after some failures, a full disk among them; a second rollback would only hide the first message. */
  if (status != ASSAY_OK && sqlite3_get_autocommit(of(history)->db) == 0) execute(history, "ROLLBACK", "roll back", NULL);
  return status;
}

/* ---- Schema ------------------------------------------------------------------------------------------------------------------- */

static assay_status version(assay_history *history, assay_error *err, int *found) {
  sqlite_history *h = of(history);
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(h->db, "PRAGMA user_version", -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) *found = sqlite3_column_int(statement, 0);
  assay_status status = code == SQLITE_ROW ? ASSAY_OK : fail(h, "read the schema", err);
  sqlite3_finalize(statement);
  return status;
}

static assay_status script(assay_history *history, const char *sql, assay_error *err) {
  return execute(history, sql, "prepare the tables", err);
}

static assay_status stamp(assay_history *history, int to, assay_error *err) {
  char sql[100];
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", ASSAY_HISTORY_APPLICATION, to);
  return script(history, sql, err);
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

static void close_file(assay_history *history) {
  sqlite_history *h = of(history);
  for (int i = 0; i < ASSAY_SQL_COUNT; i++) sqlite3_finalize(h->statements[i]);
  sqlite3_close(h->db);
  assay_free(h->base.name);
  assay_free(h);
}

static const assay_db_driver driver = {.start = start,
                                       .next = next,
                                       .text = text,
                                       .integer = integer,
                                       .real = real,
                                       .end = end,
                                       .begin = begin,
                                       .finish = finish,
                                       .version = version,
                                       .begin_alone = begin_alone,
                                       .script = script,
                                       .stamp = stamp,
                                       .close = close_file,
                                       .elsewhere = "another directory with --output-dir"};

static assay_status open_uri(const char *path, const char *uri, int flags, assay_error *err, assay_history **history) {
  sqlite_history *h = assay_calloc(ASSAY_TAG_HISTORY, 1, sizeof *h);
  if (h == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  h->base.driver = &driver;
  h->base.name = assay_strdup(ASSAY_TAG_HISTORY, path);
  assay_status status = ASSAY_OK;
  if (h->base.name == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  else if (sqlite3_open_v2(uri, &h->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    status = fail(h, "open the history", err);
  if (status != ASSAY_OK) {
    close_file(&h->base);
    return status;
  }
  *history = &h->base;
  return ASSAY_OK;
}

/* WAL: readers do not wait for the writer, and a killed writer costs nothing. NORMAL: only a power failure can lose the last transaction,
 * and never tears the file. A file system without shared memory cannot do WAL; then the rollback journal stays, which is slower and as
 * safe. The schema comes first: a file that is refused is not touched. */
static assay_status configure(assay_history *history, assay_error *err) {
  sqlite3_busy_timeout(of(history)->db, BUSY_MS);
  sqlite3_exec(of(history)->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
  assay_status status = assay_history_migrate(history, err);
  if (status == ASSAY_OK) sqlite3_exec(of(history)->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
  return status;
}

assay_status assay_sqlite_open(const char *path, assay_error *err, assay_history **history) {
  assay_history *opened = NULL;
  assay_status status = assay_history_look(path, err);
  if (status == ASSAY_OK) status = open_uri(path, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err, &opened);
  if (status == ASSAY_OK) status = configure(opened, err);
  if (status == ASSAY_OK)
    *history = opened;
  else
    assay_history_close(opened);
  return status;
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

/* An older schema lacks what the statements name, and the file may not be changed: a copy may. */
static assay_status copy_to_memory(assay_history **history, assay_error *err) {
  assay_history *copy = NULL;
  assay_status status = open_uri((*history)->name, ":memory:", SQLITE_OPEN_READWRITE, err, &copy);
  if (status != ASSAY_OK) return status;
  sqlite3_backup *backup = sqlite3_backup_init(of(copy)->db, "main", of(*history)->db, "main");
  if (backup != NULL) {
    sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
  }
  if (sqlite3_errcode(of(copy)->db) != SQLITE_OK) status = fail(of(copy), "read the history", err);
  if (status == ASSAY_OK) status = assay_history_migrate(copy, err);
  assay_history *unwanted = status == ASSAY_OK ? *history : copy;
  if (status == ASSAY_OK) *history = copy;
  assay_history_close(unwanted);
  return status;
}

assay_status assay_sqlite_open_frozen(const char *path, assay_error *err, assay_history **history) {
  assay_history *opened = NULL;
  int found = 0;
  char *uri = immutable_uri(path);
  if (uri == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  assay_status status = open_uri(path, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err, &opened);
  assay_free(uri);
  if (status == ASSAY_OK) status = version(opened, err, &found);
  if (status == ASSAY_OK && found < ASSAY_HISTORY_SCHEMA) status = copy_to_memory(&opened, err);
  if (status == ASSAY_OK)
    *history = opened;
  else
    assay_history_close(opened);
  return status;
}
