/* SPDX-License-Identifier: MIT */
/*
 * assay/history.h: results over time, in SQLite (a file, `history.db`) or PostgreSQL (`postgresql://user@host/database`: a team's history,
 * many writers at once; libpq is loaded when it is first asked for). Every process's figures are stored the moment the process ends, so a
 * kill -9 loses at most the one in flight; a run whose owner died is marked interrupted when the history is next opened.
 *
 *     assay_history *h = NULL;
 *     assay_history_open("benchmark_results/history.db", &err, &h);
 *     assay_history_begin(h, result, &err);
 *     assay_history_put_benchmark(h, result->run.id, &result->benchmarks[0], &err);   // replaces what that run said of it before
 *     assay_history_finish(h, result, &err);
 *     assay_history_close(h);
 *
 * Thread-safety: one handle belongs to one thread; several processes may use one history (busy writers wait up to 10 s).
 * A file or database that is not a history, is damaged, or was written by a newer Assay is refused and not touched. Messages never show
 * the password of a URL.
 */
#ifndef ASSAY_HISTORY_H
#define ASSAY_HISTORY_H

#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_history assay_history;

/* `path` is a file, or a URL as libpq reads it (postgresql:// or postgres://; a password is better kept in ~/.pgpass or $PGPASSWORD). */
ASSAY_API bool assay_history_is_url(const char *path);
/* False for a file that is not there. Of a URL only opening it tells. */
ASSAY_API bool assay_history_exists(const char *path);
/* For messages: the path, or the URL without its password. Free with assay_string_free; NULL when out of memory. */
ASSAY_API char *assay_history_shown(const char *path);

/* Creates the file, or the tables in the database, when they are not there. Older schemas are migrated inside one transaction. */
ASSAY_API assay_status assay_history_open(const char *path, assay_error *err, assay_history **history);
/* For looking only: also where nothing may be written (another user's file, a read-only or full disk, a role that may only SELECT). Does
 * not create the tables in a database. */
ASSAY_API assay_status assay_history_open_read(const char *path, assay_error *err, assay_history **history);
ASSAY_API void assay_history_close(assay_history *history); /* accepts NULL */

ASSAY_API assay_status assay_history_begin(assay_history *history, const assay_result *result, assay_error *err);
ASSAY_API assay_status assay_history_put_benchmark(assay_history *history, const char *run_id, const assay_benchmark_result *benchmark,
                                                   assay_error *err);
/* Writes the whole result and marks the run complete (or interrupted, as the result says). */
ASSAY_API assay_status assay_history_finish(assay_history *history, const assay_result *result, assay_error *err);

typedef enum assay_run_state { ASSAY_RUN_RUNNING, ASSAY_RUN_COMPLETE, ASSAY_RUN_INTERRUPTED } assay_run_state;

typedef struct assay_history_run {
  char id[17];
  int64_t started_at_s;
  double duration_s;
  assay_run_state state;
  bool quick;
  char machine_id[17];
  char machine_label[160];
  char version[32];
  char commit[41]; /* "" when unknown */
  char name[128];  /* "" when unnamed */
  size_t benchmarks, failed;
} assay_history_run;

/* Newest first, at most `limit` (0: all); only those of a machine when `machine_id` is not NULL. Free with assay_history_runs_free. */
ASSAY_API assay_status assay_history_runs(assay_history *history, const char *machine_id, size_t limit, assay_error *err,
                                          assay_history_run **runs, size_t *count);
ASSAY_API void assay_history_runs_free(assay_history_run *runs);

/*
 * A stored run, asked for in this order: "latest", "previous" (the one before the latest), "baseline:NAME", "commit:REV", an id (or its
 * unique start of at least four digits), a baseline's name, a commit (or its unique start of at least seven digits; of several runs the
 * newest complete one). An interrupted run gives what it had. ASSAY_ERR_NOT_FOUND says what was looked for, and names the nearest.
 */
ASSAY_API assay_status assay_history_load(assay_history *history, const char *which, const char *machine_id, assay_error *err,
                                          assay_result **result);

typedef struct assay_history_point {
  int64_t at_s;
  double value, ci_low, ci_high; /* NaN where there is no interval */
  char run_id[17];
  char commit[41]; /* "" when unknown */
} assay_history_point;

/* One metric of one benchmark over the complete runs, oldest first, the last `limit` points (0: all). Free with assay_history_points_free.
 */
ASSAY_API assay_status assay_history_series(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                            const char *metric, size_t limit, assay_error *err, assay_history_point **points,
                                            size_t *count);
ASSAY_API void assay_history_points_free(assay_history_point *points);
/* In which direction that metric is better, as the run says; ASSAY_ERR_NOT_FOUND when it has no such figure. */
ASSAY_API assay_status assay_history_better(assay_history *history, const char *run_id, const char *suite, const char *benchmark,
                                            const char *metric, assay_error *err, assay_better *better);

/* Stores a whole finished result at once (an imported one, a merged baseline): all of it or nothing. A run of that id that is there
 * already is replaced. */
ASSAY_API assay_status assay_history_put_result(assay_history *history, const assay_result *result, assay_error *err);

/* The series there are, for `trend` and completion: "suite/benchmark" and metric; machine_id NULL: of all machines. Free with
 * assay_history_names_free. */
typedef struct assay_history_name {
  char machine_id[17];
  const char *suite, *benchmark, *metric, *unit; /* owned by the list */
  size_t points;
} assay_history_name;
ASSAY_API assay_status assay_history_names(assay_history *history, const char *machine_id, const char *glob, assay_error *err,
                                           assay_history_name **names, size_t *count);
ASSAY_API void assay_history_names_free(assay_history_name *names);

/*
 * How much the same code differs between two runs on that machine: 19 of 20 differences between neighbouring complete runs of the last 50
 * are below *ratio (robust: from a low quantile of the absolute differences of logarithms, so that a few steps do not count). NaN for fewer
 * than six runs.
 */
ASSAY_API assay_status assay_history_noise(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                           const char *metric, assay_error *err, double *ratio);

/* ---- Baselines: a name for a stored run, unique in the history ------------------------------------------------------------------- */

typedef struct assay_history_baseline {
  char name[128], description[512]; /* description "" when there is none */
  char run_id[17];
  int64_t saved_at_s, started_at_s; /* of the name, of the run */
  char version[32], commit[41], machine_id[17], machine_label[160];
  size_t benchmarks;
} assay_history_baseline;

/* Whether a result that was read from a file may be put into the history: ASSAY_ERR_INVALID when it bears the id of a run that is there
 * with other figures, and that run was measured by Assay or is a baseline. */
ASSAY_API assay_status assay_history_check_import(assay_history *history, const assay_result *result, assay_error *err);

/* Whether a baseline can be called so: ASSAY_ERR_INVALID says why not. */
ASSAY_API assay_status assay_history_check_baseline_name(const char *name, assay_error *err);
/* Saving a name again moves it (`baseline save` asks for --force first); a NULL description then keeps the old one. A name is 1 to 127
 * bytes without control characters, and not "latest" or "previous". */
ASSAY_API assay_status assay_history_save_baseline(assay_history *history, const char *name, const char *run_id, const char *description,
                                                   assay_error *err);
ASSAY_API assay_status assay_history_load_baseline(assay_history *history, const char *name, assay_error *err, assay_result **result);
/* By name. Free with assay_history_baselines_free. */
ASSAY_API assay_status assay_history_baselines(assay_history *history, assay_error *err, assay_history_baseline **baselines, size_t *count);
ASSAY_API void assay_history_baselines_free(assay_history_baseline *baselines);
/* The run stays. ASSAY_ERR_NOT_FOUND names the nearest. */
ASSAY_API assay_status assay_history_delete_baseline(assay_history *history, const char *name, assay_error *err);

/* ---- Documents: what the judge remembers between runs (alerts, mutes), as JSON under a kind and a key ---------------------------- */

typedef struct assay_history_document {
  const char *key, *json; /* owned by the list */
  int64_t changed_at_s;
} assay_history_document;

ASSAY_API assay_status assay_history_put_document(assay_history *history, const char *kind, const char *key, const char *json,
                                                  assay_error *err);
/* By key. Free with assay_history_documents_free. */
ASSAY_API assay_status assay_history_documents(assay_history *history, const char *kind, assay_error *err,
                                               assay_history_document **documents, size_t *count);
ASSAY_API void assay_history_documents_free(assay_history_document *documents);
ASSAY_API assay_status assay_history_delete_document(assay_history *history, const char *kind, const char *key, assay_error *err);

#ifdef __cplusplus
}
#endif
#endif
