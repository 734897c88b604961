/* SPDX-License-Identifier: MIT */
#include "history/db.h"

#include <errno.h>
#include <string.h>

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

assay_status assay_history_fail(sqlite3 *db, const char *path, const char *doing, assay_error *err) {
  int code = db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(db);
  assay_status status = status_of(code, db == NULL ? 0 : sqlite3_system_errno(db));
  return ASSAY_FAIL(err, status, "%s: cannot %s: %s%s", path, doing, db == NULL ? "out of memory" : sqlite3_errmsg(db), mend_of(status));
}

sqlite3_stmt *assay_history_statement(assay_history *history, assay_history_sql which, assay_error *err) {
  static const char *const texts[] = {
#define TEXT(name, text) text,
      ASSAY_HISTORY_STATEMENTS(TEXT)
#undef TEXT
  };
  sqlite3_stmt **statement = &history->statements[which];
  if (*statement == NULL && sqlite3_prepare_v3(history->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK) {
    assay_history_fail(history->db, history->path, "use the history", err);
    return NULL;
  }
  sqlite3_reset(*statement);
  sqlite3_clear_bindings(*statement);
  return *statement;
}

void assay_history_bind_text(sqlite3_stmt *statement, int at, const char *text) {
  sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT); /* NULL text binds NULL */
}

assay_status assay_history_do(assay_history *history, sqlite3_stmt *statement, const char *doing, assay_error *err) {
  if (statement == NULL) return status_of(sqlite3_extended_errcode(history->db), sqlite3_system_errno(history->db));
  int code = sqlite3_step(statement);
  assay_status status = code == SQLITE_DONE || code == SQLITE_ROW ? ASSAY_OK : assay_history_fail(history->db, history->path, doing, err);
  sqlite3_reset(statement);
  return status;
}

assay_status assay_history_transaction_begin(assay_history *history, assay_error *err) {
  return assay_history_do(history, assay_history_statement(history, ASSAY_SQL_BEGIN, err), "begin to write", err);
}

assay_status assay_history_transaction_end(assay_history *history, assay_status status, assay_error *err) {
  if (status == ASSAY_OK) status = assay_history_do(history, assay_history_statement(history, ASSAY_SQL_COMMIT, err), "write", err);
  /* SQLite rolls back by itself after some failures, a full disk among them; a second rollback would only hide the first message. */
  if (status != ASSAY_OK && sqlite3_get_autocommit(history->db) == 0)
    assay_history_do(history, assay_history_statement(history, ASSAY_SQL_ROLLBACK, err), "roll back", NULL);
  return status;
}
