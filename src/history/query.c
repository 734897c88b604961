/* SPDX-License-Identifier: MIT */
/* Runs, series and what they say of the noise. */
#include <assay/history.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "history/db.h"

/* NULL is all in PostgreSQL and an error in SQLite, a negative number the reverse. */
static int64_t limit_of(size_t limit) { return limit == 0 || limit > INT64_MAX ? INT64_MAX : (int64_t)limit; }

/* ---- Runs --------------------------------------------------------------------------------------------------------------------- */

static bool read_run(const assay_history *row, void *list, void *item, void *user) {
  (void)list, (void)user;
  assay_history_run *run = item;
  *run = (assay_history_run){.started_at_s = assay_db_integer(row, 1),
                             .duration_s = assay_db_real(row, 2),
                             .state = (assay_run_state)assay_db_integer(row, 3),
                             .quick = assay_db_integer(row, 4) != 0,
                             .benchmarks = (size_t)assay_db_integer(row, 10),
                             .failed = (size_t)assay_db_integer(row, 11)};
  ASSAY_DB_COPY(run->id, row, 0);
  ASSAY_DB_COPY(run->machine_id, row, 5);
  ASSAY_DB_COPY(run->machine_label, row, 6);
  ASSAY_DB_COPY(run->version, row, 7);
  ASSAY_DB_COPY(run->commit, row, 8);
  ASSAY_DB_COPY(run->name, row, 9);
  return true;
}

assay_status assay_history_runs(assay_history *history, const char *machine_id, size_t limit, assay_error *err, assay_history_run **runs,
                                size_t *count) {
  void *found = NULL;
  assay_status status = machine_id != NULL
                            ? ASSAY_DB_ASK(history, LIST_RUNS_OF, "list the runs", err, INTEGER(limit_of(limit)), TEXT(machine_id))
                            : ASSAY_DB_ASK(history, LIST_RUNS, "list the runs", err, INTEGER(limit_of(limit)));
  if (status == ASSAY_OK) status = assay_db_rows(history, sizeof **runs, read_run, NULL, err, &found, count);
  if (status == ASSAY_OK) *runs = found;
  return status;
}

void assay_history_runs_free(assay_history_run *runs) { assay_free(runs); }

/* ---- Series ------------------------------------------------------------------------------------------------------------------- */

static void reverse(assay_history_point *points, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    assay_history_point swapped = points[i];
    points[i] = points[count - 1 - i];
    points[count - 1 - i] = swapped;
  }
}

static bool read_point(const assay_history *row, void *list, void *item, void *user) {
  (void)list, (void)user;
  assay_history_point *point = item;
  *point = (assay_history_point){
      .at_s = assay_db_integer(row, 0), .value = assay_db_real(row, 1), .ci_low = assay_db_real(row, 2), .ci_high = assay_db_real(row, 3)};
  ASSAY_DB_COPY(point->run_id, row, 4);
  ASSAY_DB_COPY(point->commit, row, 5);
  return true;
}

assay_status assay_history_series(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                  const char *metric, size_t limit, assay_error *err, assay_history_point **points, size_t *count) {
  void *found = NULL;
  assay_status status = machine_id != NULL ? ASSAY_DB_ASK(history, SERIES, "read the series", err, INTEGER(limit_of(limit)), TEXT(suite),
                                                          TEXT(benchmark), TEXT(metric), TEXT(machine_id))
                                           : ASSAY_DB_ASK(history, SERIES_ANYWHERE, "read the series", err, INTEGER(limit_of(limit)),
                                                          TEXT(suite), TEXT(benchmark), TEXT(metric));
  if (status == ASSAY_OK) status = assay_db_rows(history, sizeof **points, read_point, NULL, err, &found, count);
  if (status != ASSAY_OK) return status;
  reverse(found, *count);
  *points = found;
  return ASSAY_OK;
}

void assay_history_points_free(assay_history_point *points) { assay_free(points); }

/* ---- Names -------------------------------------------------------------------------------------------------------------------- */

/* A pattern of LIKE for "suite/benchmark" that matches at least what the glob does, which may mean the bare name: whatever is ruled out by
 * it need not be counted. */
static void put_like(assay_buf *out, const char *glob) {
  bool is_part = glob == NULL || strpbrk(glob, "*?[") == NULL; /* without signs it matches anywhere */
  assay_buf_putc(out, '%');
  for (const char *p = glob == NULL ? "" : glob; *p != '\0'; p++) {
    if (strchr("%_!", *p) != NULL) assay_buf_putc(out, '!');
    assay_buf_putc(out, strchr("*?[", *p) != NULL ? '%' : *p);
    if (*p == '[') break; /* a set, and everything behind it */
  }
  if (is_part && glob != NULL) assay_buf_putc(out, '%');
}

static bool is_wanted(const assay_history *row, const char *glob) {
  if (assay_db_integer(row, 5) == 0) return false; /* a series whose figures were taken back */
  return glob == NULL || assay_glob_match_benchmark(glob, assay_db_text(row, 1), assay_db_text(row, 2), NULL);
}

static bool read_name(const assay_history *row, void *list, void *item, void *glob) {
  assay_history_name *name = item;
  if (!is_wanted(row, glob)) return false;
  *name = (assay_history_name){.suite = assay_db_list_text(list, row, 1),
                               .benchmark = assay_db_list_text(list, row, 2),
                               .metric = assay_db_list_text(list, row, 3),
                               .unit = assay_db_list_text(list, row, 4),
                               .points = (size_t)assay_db_integer(row, 5)};
  ASSAY_DB_COPY(name->machine_id, row, 0);
  return true;
}

assay_status assay_history_names(assay_history *history, const char *machine_id, const char *glob, assay_error *err,
                                 assay_history_name **names, size_t *count) {
  void *found = NULL;
  assay_buf like = {0};
  put_like(&like, glob);
  if (like.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the names of %s", history->name);
  assay_status status = machine_id != NULL ? ASSAY_DB_ASK(history, NAMES_OF, "list the series", err, TEXT(like.data), TEXT(machine_id))
                                           : ASSAY_DB_ASK(history, NAMES, "list the series", err, TEXT(like.data));
  assay_buf_deinit(&like);
  if (status == ASSAY_OK) status = assay_db_list(history, sizeof **names, read_name, (void *)(uintptr_t)glob, err, &found, count);
  if (status == ASSAY_OK) *names = found;
  return status;
}

void assay_history_names_free(assay_history_name *names) { assay_db_list_free(names); }

/* ---- Noise -------------------------------------------------------------------------------------------------------------------- */

enum { NOISE_RUNS = 50, NOISE_LEAST = 6 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Differences of neighbours are blind to a slow drift, and a low quantile of them to those where the code changed: in a young history these
 * may be half. For a normal distribution 35 % of |d| lie below 0.4538 sigma, and 19 of 20 below 1.96 sigma. */
static double noise_of(const assay_history_point *points, size_t count) {
  double differences[NOISE_RUNS];
  size_t kept = 0;
  for (size_t i = 1; i < count; i++)
    if (points[i - 1].value > 0 && points[i].value > 0) differences[kept++] = fabs(log(points[i].value / points[i - 1].value));
  if (kept + 1 < NOISE_LEAST) return NAN;
  qsort(differences, kept, sizeof *differences, ascending);
  return expm1(1.959964 / 0.453762 * assay_stats_quantile_sorted(differences, kept, 0.35));
}

assay_status assay_history_noise(assay_history *history, const char *machine_id, const char *suite, const char *benchmark,
                                 const char *metric, assay_error *err, double *ratio) {
  assay_history_point *points = NULL;
  size_t count = 0;
  assay_status status = assay_history_series(history, machine_id, suite, benchmark, metric, NOISE_RUNS, err, &points, &count);
  if (status == ASSAY_OK) *ratio = noise_of(points, count);
  assay_history_points_free(points);
  return status;
}
