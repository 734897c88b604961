/* SPDX-License-Identifier: MIT */
/* What the files of the history share: the handle, its statements, and SQLite's failures as ours. */
#ifndef ASSAY_HISTORY_DB_H
#define ASSAY_HISTORY_DB_H

#include <assay/history.h>
#include <sqlite3.h>

/* Every statement is prepared once, when it is first needed. */
#define ASSAY_HISTORY_STATEMENTS(X)                                                                                                      \
  X(BEGIN, "BEGIN IMMEDIATE")                                                                                                            \
  X(COMMIT, "COMMIT")                                                                                                                    \
  X(ROLLBACK, "ROLLBACK")                                                                                                                \
  X(PUT_MACHINE,                                                                                                                         \
    "INSERT INTO machines(id, label, first_seen_s, last_seen_s) VALUES(?1, ?2, ?3, ?3) "                                                 \
    "ON CONFLICT(id) DO UPDATE SET label = excluded.label, last_seen_s = excluded.last_seen_s")                                          \
  X(ADD_RUN,                                                                                                                             \
    "INSERT INTO runs(id, machine_id, started_at_s, duration_s, state, quick, version, commit_id, name, owner_pid, owner_boot, "         \
    "owner_namespace, owner_started, document) VALUES(?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                       \
  X(FIND_RUN, "SELECT key, machine_id, started_at_s FROM runs WHERE id = ?1")                                                            \
  X(END_RUN, "UPDATE runs SET state = ?2, duration_s = ?3, document = ?4 WHERE key = ?1")                                                \
  X(SET_STATE, "UPDATE runs SET state = ?2 WHERE key = ?1")                                                                              \
  X(LIST_RUNNING, "SELECT key, owner_pid, owner_boot, owner_namespace, owner_started, started_at_s FROM runs WHERE state = 0")           \
  X(PUT_BENCHMARK,                                                                                                                       \
    "INSERT INTO benchmarks(run, suite, name, status, position, document) VALUES(?1, ?2, ?3, ?4, "                                       \
    "coalesce(?5, (SELECT count(*) FROM benchmarks WHERE run = ?1)), ?6) "                                                               \
    "ON CONFLICT(run, suite, name) DO UPDATE SET status = excluded.status, position = coalesce(?5, position), document = "               \
    "excluded.document")                                                                                                                 \
  X(ADD_SERIES, "INSERT OR IGNORE INTO series(machine_id, suite, benchmark, metric) VALUES(?1, ?2, ?3, ?4)")                             \
  X(PUT_POINT,                                                                                                                           \
    "INSERT OR REPLACE INTO points(series, at_s, run, value, ci_low, ci_high) "                                                          \
    "SELECT id, ?5, ?6, ?7, ?8, ?9 FROM series WHERE machine_id = ?1 AND suite = ?2 AND benchmark = ?3 AND metric = ?4")                 \
  X(DROP_POINTS,                                                                                                                         \
    "DELETE FROM points WHERE at_s = ?4 AND run = ?5 AND series IN "                                                                     \
    "(SELECT id FROM series WHERE machine_id = ?1 AND suite = ?2 AND benchmark = ?3)")                                                   \
  X(LIST_RUNS,                                                                                                                           \
    "SELECT r.id, r.started_at_s, r.duration_s, r.state, r.quick, r.machine_id, m.label, r.version, r.commit_id, r.name, "               \
    "(SELECT count(*) FROM benchmarks b WHERE b.run = r.key), (SELECT count(*) FROM benchmarks b WHERE b.run = r.key AND b.status = 3) " \
    "FROM runs r JOIN machines m ON m.id = r.machine_id WHERE ?1 IS NULL OR r.machine_id = ?1 ORDER BY r.started_at_s DESC, r.key DESC " \
    "LIMIT ?2")                                                                                                                          \
  X(NTH_ENDED,                                                                                                                           \
    "SELECT id FROM runs WHERE state <> 0 AND (?1 IS NULL OR machine_id = ?1) ORDER BY started_at_s DESC, key DESC LIMIT 1 OFFSET ?2")   \
  X(FIND_START, "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2")                                             \
  X(LOAD_RUN, "SELECT document, state FROM runs WHERE id = ?1")                                                                          \
  X(LOAD_BENCHMARKS, "SELECT document FROM benchmarks WHERE run = (SELECT key FROM runs WHERE id = ?1) ORDER BY position, key")          \
  X(SERIES,                                                                                                                              \
    "SELECT p.at_s, p.value, p.ci_low, p.ci_high, r.id FROM points p JOIN runs r ON r.key = p.run AND r.state = 1 "                      \
    "WHERE p.series = (SELECT id FROM series WHERE machine_id = ?1 AND suite = ?2 AND benchmark = ?3 AND metric = ?4) "                  \
    "ORDER BY p.at_s DESC, p.run DESC LIMIT ?5")                                                                                         \
  X(SERIES_ANYWHERE,                                                                                                                     \
    "SELECT p.at_s, p.value, p.ci_low, p.ci_high, r.id FROM points p JOIN runs r ON r.key = p.run AND r.state = 1 "                      \
    "WHERE ?1 IS NULL AND p.series IN (SELECT id FROM series WHERE suite = ?2 AND benchmark = ?3 AND metric = ?4) "                      \
    "ORDER BY p.at_s DESC, p.run DESC LIMIT ?5")                                                                                         \
  X(PUT_BASELINE,                                                                                                                        \
    "INSERT INTO baselines(name, run, description, saved_at_s) VALUES(?1, (SELECT key FROM runs WHERE id = ?2), ?3, ?4) "                \
    "ON CONFLICT(name) DO UPDATE SET run = excluded.run, description = excluded.description, saved_at_s = excluded.saved_at_s")          \
  X(FIND_BASELINE, "SELECT r.id FROM baselines b JOIN runs r ON r.key = b.run WHERE b.name = ?1")

typedef enum assay_history_sql {
#define ASSAY_HISTORY_ENUM(name, text) ASSAY_SQL_##name,
  ASSAY_HISTORY_STATEMENTS(ASSAY_HISTORY_ENUM)
#undef ASSAY_HISTORY_ENUM
      ASSAY_SQL_COUNT
} assay_history_sql;

struct assay_history {
  sqlite3 *db;
  char *path;
  sqlite3_stmt *statements[ASSAY_SQL_COUNT];
};

/* Our status for SQLite's last failure on `db`, with a sentence that names the file, what was tried, and the mend where there is one. */
assay_status assay_history_fail(sqlite3 *db, const char *path, const char *doing, assay_error *err);

/* The statement, reset and without bindings; NULL after a failure. */
sqlite3_stmt *assay_history_statement(assay_history *history, assay_history_sql which, assay_error *err);
/* Binds text (NULL: SQL NULL) and real numbers (NaN: SQL NULL). */
void assay_history_bind_text(sqlite3_stmt *statement, int at, const char *text);
/* Runs a statement that gives no rows, and resets it. `statement` NULL stands for an earlier failure. */
assay_status assay_history_do(assay_history *history, sqlite3_stmt *statement, const char *doing, assay_error *err);
/* One write transaction; `end` commits when `status` is ASSAY_OK, else rolls back and gives `status` again. */
assay_status assay_history_transaction_begin(assay_history *history, assay_error *err);
assay_status assay_history_transaction_end(assay_history *history, assay_status status, assay_error *err);

/* Brings an open database to the newest schema; the tables are made in an empty one. */
assay_status assay_history_migrate(sqlite3 *db, const char *path, assay_error *err);
/* Refuses a file that is no history, is damaged or newer, looking at it read-only. */
assay_status assay_history_look(const char *path, assay_error *err);
/* Marks the runs interrupted whose owner is no more. */
assay_status assay_history_reap(assay_history *history, assay_error *err);

enum { ASSAY_HISTORY_SCHEMA = 1, ASSAY_HISTORY_APPLICATION = 0x41535359 /* "ASSY" */ };

#endif
