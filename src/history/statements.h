/* SPDX-License-Identifier: MIT */
/*
 * Every statement of the history, once, in words that SQLite and PostgreSQL both understand: ON CONFLICT instead of OR REPLACE, columns of
 * the row in conflict named by their table, `?1` for the first value (PostgreSQL's `$1` is made of it), no NULL and no negative LIMIT.
 * Where a filter is optional there are two statements: with "(?1 IS NULL OR ...)" neither planner uses the index.
 */
#ifndef ASSAY_HISTORY_STATEMENTS_H
#define ASSAY_HISTORY_STATEMENTS_H

#define ASSAY_SQL_INSERT_RUN                                                                                                   \
  "INSERT INTO runs(id, machine_id, started_at_s, duration_s, state, quick, version, commit_id, name, owner_pid, owner_boot, " \
  "owner_namespace, owner_started, document) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
#define ASSAY_SQL_RUN_ROWS                                                                                                             \
  "SELECT r.id, r.started_at_s, r.duration_s, r.state, r.quick, r.machine_id, m.label, r.version, r.commit_id, r.name, "               \
  "(SELECT count(*) FROM benchmarks b WHERE b.run = r.key), (SELECT count(*) FROM benchmarks b WHERE b.run = r.key AND b.status = 3) " \
  "FROM runs r JOIN machines m ON m.id = r.machine_id "
#define ASSAY_SQL_POINT_ROWS \
  "SELECT p.at_s, p.value, p.ci_low, p.ci_high, r.id, r.commit_id FROM points p JOIN runs r ON r.key = p.run AND r.state = 1 "
#define ASSAY_SQL_NAME_ROWS                                                                                                           \
  "SELECT s.machine_id, s.suite, s.benchmark, s.metric, s.unit, (SELECT count(*) FROM points p WHERE p.series = s.id) FROM series s " \
  "WHERE s.suite || '/' || s.benchmark LIKE ?1 ESCAPE '!' "
#define ASSAY_SQL_NEWEST " ORDER BY started_at_s DESC, key DESC "

/* Measured, and not put together from other runs for a baseline: such a one is no "latest". Text in a document has its quotes escaped. */
#define ASSAY_SQL_MEASURED "state <> 0 AND document NOT LIKE '%\"source\": \"baseline\"%' "

#define ASSAY_DB_STATEMENTS(X)                                                                                                           \
  X(PUT_MACHINE,                                                                                                                         \
    "INSERT INTO machines(id, label, first_seen_s, last_seen_s) VALUES(?1, ?2, ?3, ?3) ON CONFLICT(id) DO UPDATE SET "                   \
    "label = CASE WHEN excluded.last_seen_s >= machines.last_seen_s THEN excluded.label ELSE machines.label END, "                       \
    "first_seen_s = CASE WHEN excluded.first_seen_s < machines.first_seen_s THEN excluded.first_seen_s ELSE machines.first_seen_s END, " \
    "last_seen_s = CASE WHEN excluded.last_seen_s > machines.last_seen_s THEN excluded.last_seen_s ELSE machines.last_seen_s END")       \
  X(ADD_RUN, ASSAY_SQL_INSERT_RUN)                                                                                                       \
  X(PUT_RUN, ASSAY_SQL_INSERT_RUN                                                                                                        \
    " ON CONFLICT(id) DO UPDATE SET machine_id = excluded.machine_id, started_at_s = excluded.started_at_s, duration_s = "               \
    "excluded.duration_s, state = excluded.state, quick = excluded.quick, version = excluded.version, commit_id = excluded.commit_id, "  \
    "name = excluded.name, document = excluded.document")                                                                                \
  X(FIND_RUN, "SELECT key, machine_id, started_at_s FROM runs WHERE id = ?1")                                                            \
  X(END_RUN, "UPDATE runs SET state = ?2, duration_s = ?3, document = ?4 WHERE key = ?1")                                                \
  X(SET_STATE, "UPDATE runs SET state = ?2 WHERE key = ?1")                                                                              \
  X(LIST_RUNNING, "SELECT key, owner_pid, owner_boot, owner_namespace, owner_started, started_at_s FROM runs WHERE state = 0")           \
  X(PUT_BENCHMARK,                                                                                                                       \
    "INSERT INTO benchmarks(run, suite, name, status, position, document) VALUES(?1, ?2, ?3, ?4, "                                       \
    "coalesce(?5, (SELECT count(*) FROM benchmarks WHERE run = ?1)), ?6) "                                                               \
    "ON CONFLICT(run, suite, name) DO UPDATE SET status = excluded.status, position = coalesce(?5, benchmarks.position), document = "    \
    "excluded.document")                                                                                                                 \
  X(DROP_BENCHMARKS, "DELETE FROM benchmarks WHERE run = ?1")                                                                            \
  /* Nothing is written, and no row locked, where the series is there already: nearly always. */                                         \
  X(ADD_SERIES,                                                                                                                          \
    "INSERT INTO series(machine_id, suite, benchmark, metric, unit) SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS "                         \
    "(SELECT 1 FROM series WHERE suite = ?2 AND benchmark = ?3 AND metric = ?4 AND machine_id = ?1 AND unit = ?5) "                      \
    "ON CONFLICT(suite, benchmark, metric, machine_id) DO UPDATE SET unit = excluded.unit")                                              \
  X(PUT_POINT,                                                                                                                           \
    "INSERT INTO points(series, at_s, run, value, ci_low, ci_high) "                                                                     \
    "SELECT id, ?5, ?6, ?7, ?8, ?9 FROM series WHERE suite = ?2 AND benchmark = ?3 AND metric = ?4 AND machine_id = ?1 "                 \
    "ON CONFLICT(series, at_s, run) DO UPDATE SET value = excluded.value, ci_low = excluded.ci_low, ci_high = excluded.ci_high")         \
  X(DROP_POINTS,                                                                                                                         \
    "DELETE FROM points WHERE at_s = ?4 AND run = ?5 AND series IN "                                                                     \
    "(SELECT id FROM series WHERE machine_id = ?1 AND suite = ?2 AND benchmark = ?3)")                                                   \
  X(DROP_RUN_POINTS,                                                                                                                     \
    "DELETE FROM points WHERE at_s = ?2 AND run = ?1 AND series IN (SELECT s.id FROM benchmarks b JOIN series s "                        \
    "ON s.suite = b.suite AND s.benchmark = b.name AND s.machine_id = ?3 WHERE b.run = ?1)")                                             \
  X(LIST_RUNS, ASSAY_SQL_RUN_ROWS "ORDER BY r.started_at_s DESC, r.key DESC LIMIT ?1")                                                   \
  X(LIST_RUNS_OF, ASSAY_SQL_RUN_ROWS "WHERE r.machine_id = ?2 ORDER BY r.started_at_s DESC, r.key DESC LIMIT ?1")                        \
  X(NTH_ENDED, "SELECT id FROM runs WHERE " ASSAY_SQL_MEASURED ASSAY_SQL_NEWEST "LIMIT 1 OFFSET ?1")                                     \
  X(NTH_ENDED_OF, "SELECT id FROM runs WHERE " ASSAY_SQL_MEASURED "AND machine_id = ?2" ASSAY_SQL_NEWEST "LIMIT 1 OFFSET ?1")            \
  X(FIND_START, "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2")                                             \
  X(COMMIT_RANGE, "SELECT min(commit_id), max(commit_id) FROM runs WHERE commit_id >= ?1 AND commit_id < ?1 || 'g' AND state <> 0")      \
  X(FIND_COMMIT, "SELECT id FROM runs WHERE commit_id = ?1 AND " ASSAY_SQL_MEASURED                                                      \
                 "AND (?2 IS NULL OR machine_id = ?2) "                                                                                  \
                 "ORDER BY CASE state WHEN 1 THEN 0 ELSE 1 END, started_at_s DESC, key DESC LIMIT 1")                                    \
  X(LOAD_RUN, "SELECT document, state FROM runs WHERE id = ?1")                                                                          \
  X(LOAD_BENCHMARKS, "SELECT document FROM benchmarks WHERE run = (SELECT key FROM runs WHERE id = ?1) ORDER BY position, key")          \
  X(LOAD_BENCHMARK, "SELECT document FROM benchmarks WHERE run = (SELECT key FROM runs WHERE id = ?1) AND suite = ?2 AND name = ?3")     \
  X(SERIES, ASSAY_SQL_POINT_ROWS                                                                                                         \
    "WHERE p.series = (SELECT id FROM series WHERE suite = ?2 AND benchmark = ?3 AND metric = ?4 AND machine_id = ?5) "                  \
    "ORDER BY p.at_s DESC, p.run DESC LIMIT ?1")                                                                                         \
  X(SERIES_ANYWHERE, ASSAY_SQL_POINT_ROWS                                                                                                \
    "WHERE p.series IN (SELECT id FROM series WHERE suite = ?2 AND benchmark = ?3 AND metric = ?4) "                                     \
    "ORDER BY p.at_s DESC, p.run DESC LIMIT ?1")                                                                                         \
  X(NAMES, ASSAY_SQL_NAME_ROWS "ORDER BY s.suite, s.benchmark, s.metric, s.machine_id")                                                  \
  X(NAMES_OF, ASSAY_SQL_NAME_ROWS "AND s.machine_id = ?2 ORDER BY s.suite, s.benchmark, s.metric")                                       \
  X(PUT_BASELINE,                                                                                                                        \
    "INSERT INTO baselines(name, run, description, saved_at_s) VALUES(?1, (SELECT key FROM runs WHERE id = ?2), ?3, ?4) "                \
    "ON CONFLICT(name) DO UPDATE SET run = excluded.run, description = coalesce(excluded.description, baselines.description), "          \
    "saved_at_s = excluded.saved_at_s")                                                                                                  \
  X(FIND_BASELINE, "SELECT r.id FROM baselines b JOIN runs r ON r.key = b.run WHERE b.name = ?1")                                        \
  X(LIST_BASELINES,                                                                                                                      \
    "SELECT b.name, b.description, r.id, b.saved_at_s, r.started_at_s, r.version, r.commit_id, r.machine_id, m.label, "                  \
    "(SELECT count(*) FROM benchmarks x WHERE x.run = r.key) FROM baselines b JOIN runs r ON r.key = b.run "                             \
    "JOIN machines m ON m.id = r.machine_id ORDER BY b.name")                                                                            \
  X(DELETE_BASELINE, "DELETE FROM baselines WHERE name = ?1")                                                                            \
  X(PUT_DOCUMENT,                                                                                                                        \
    "INSERT INTO documents(kind, key, changed_at_s, document) VALUES(?1, ?2, ?3, ?4) "                                                   \
    "ON CONFLICT(kind, key) DO UPDATE SET changed_at_s = excluded.changed_at_s, document = excluded.document")                           \
  X(FIND_DOCUMENT, "SELECT 1 FROM documents WHERE kind = ?1 AND key = ?2")                                                               \
  X(LIST_DOCUMENTS, "SELECT key, changed_at_s, document FROM documents WHERE kind = ?1 ORDER BY key")                                    \
  X(DELETE_DOCUMENT, "DELETE FROM documents WHERE kind = ?1 AND key = ?2")

typedef enum assay_db_statement {
#define ASSAY_DB_ENUM(name, text) ASSAY_SQL_##name,
  ASSAY_DB_STATEMENTS(ASSAY_DB_ENUM)
#undef ASSAY_DB_ENUM
      ASSAY_SQL_COUNT
} assay_db_statement;

/* The text of each, as it stands above. */
extern const char *const assay_db_texts[ASSAY_SQL_COUNT];

#endif
