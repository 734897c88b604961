/* SPDX-License-Identifier: MIT */
/*
 * assay/history.h: results over time, in SQLite (`history.db`). Every process's figures are stored the moment the process ends, so a kill
 * -9 loses at most the one in flight; a run whose owner died is marked interrupted when the history is next opened.
 *
 *     assay_history *h = NULL;
 *     assay_history_open("benchmark_results/history.db", &err, &h);
 *     assay_history_begin(h, result, &err);
 *     assay_history_put_benchmark(h, result->run.id, &result->benchmarks[0], &err);   // replaces what that run said of it before
 *     assay_history_finish(h, result, &err);
 *     assay_history_close(h);
 *
 * Thread-safety: one handle belongs to one thread; several processes may use one file (busy writers wait up to 10 s).
 * A file that is not a history, is damaged, or was written by a newer Assay is refused and not touched.
 */
#ifndef ASSAY_HISTORY_H
#define ASSAY_HISTORY_H

#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_history assay_history;

/* Creates the file when it is not there. Older schemas are migrated inside one transaction. */
ASSAY_API assay_status assay_history_open(const char *path, assay_error *err, assay_history **history);
/* For looking only: also where nothing may be written (another user's file, a read-only or full disk). Does not create the file. */
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

/* A stored run: by id (or its unique start), "latest", or "previous" (the one before the latest). An interrupted run gives what it had. */
ASSAY_API assay_status assay_history_load(assay_history *history, const char *which, const char *machine_id, assay_error *err,
                                          assay_result **result);

typedef struct assay_history_point {
  int64_t at_s;
  double value, ci_low, ci_high; /* NaN where there is no interval */
  char run_id[17];
} assay_history_point;

/* One metric of one benchmark over the complete runs, oldest first, the last `limit` points (0: all). Free with assay_history_points_free.
 */
ASSAY_API assay_status assay_history_series(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                            const char *metric, size_t limit, assay_error *err, assay_history_point **points,
                                            size_t *count);
ASSAY_API void assay_history_points_free(assay_history_point *points);

/* Named baselines: a name for a stored run, unique in the file. Saving a name again moves it. */
ASSAY_API assay_status assay_history_save_baseline(assay_history *history, const char *name, const char *run_id, const char *description,
                                                   assay_error *err);
ASSAY_API assay_status assay_history_load_baseline(assay_history *history, const char *name, assay_error *err, assay_result **result);

#ifdef __cplusplus
}
#endif
#endif
