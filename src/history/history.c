/* SPDX-License-Identifier: MIT */
/* Opening, and what a run writes. */
#include <assay/history.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "history/db.h"
#include "os/prim.h"
#include "result/storage.h"

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

assay_status assay_history_open(const char *path, assay_error *err, assay_history **history) {
  assay_history *opened = NULL;
  assay_status status = assay_history_is_url(path) ? assay_postgres_open(path, true, err, &opened) : assay_sqlite_open(path, err, &opened);
  if (status == ASSAY_OK) status = assay_history_reap(opened, err);
  if (status == ASSAY_OK)
    *history = opened;
  else
    assay_history_close(opened);
  return status;
}

/* A role that may only look cannot mark what was cut off; that is somebody else's task then. */
static assay_status open_url_read(const char *url, assay_error *err, assay_history **history) {
  assay_status status = assay_postgres_open(url, false, err, history);
  if (status == ASSAY_OK) assay_history_reap(*history, NULL);
  return status;
}

assay_status assay_history_open_read(const char *path, assay_error *err, assay_history **history) {
  if (assay_history_is_url(path)) return open_url_read(path, err, history);
  assay_error problem = {0};
  assay_status status = assay_history_open(path, &problem, history);
  /* What is wrong with the file itself stays wrong; everything else may be a matter of writing beside it. */
  bool is_verdict = status == ASSAY_ERR_CORRUPT || status == ASSAY_ERR_VERSION || status == ASSAY_ERR_NO_MEMORY;
  if (status == ASSAY_OK) return ASSAY_OK;
  if (is_verdict || !assay_os_exists(path)) return ASSAY_FAIL(err, status, "%s", problem.message);
  return assay_sqlite_open_frozen(path, err, history);
}

bool assay_history_exists(const char *path) { return assay_history_is_url(path) || assay_os_exists(path); }

void assay_history_close(assay_history *history) {
  if (history != NULL) history->driver->close(history);
}

/* ---- Owners that died --------------------------------------------------------------------------------------------------------- */

enum { FOREIGN_OWNER_S = 86400 };

typedef struct owner_row {
  int64_t run, age_s;
  assay_os_identity owner;
} owner_row;

/*
 * Gone: another boot, or in the same process namespace no such process or a later one of that number. The numbers of another namespace (a
 * container) say nothing here, nor does another boot where several hosts share the history; such a run counts as ended after a day.
 */
static bool is_gone(const owner_row *row, const assay_os_identity *here, bool is_shared) {
  bool other_boot = strcmp(row->owner.boot, here->boot) != 0;
  if (other_boot && !is_shared) return true;
  if (other_boot || row->owner.pid_namespace != here->pid_namespace) return row->age_s > FOREIGN_OWNER_S;
  assay_os_identity now;
  return !assay_os_identify(row->owner.pid, &now) || now.started != row->owner.started;
}

enum { MAX_REAPED = 64 }; /* at one opening; the next one goes on */

static assay_status list_gone(assay_history *history, const assay_os_identity *here, assay_error *err, int64_t *gone, size_t *count) {
  assay_status status = assay_db_do(history, ASSAY_SQL_LIST_RUNNING, NULL, 0, true, "read the runs", err);
  if (status != ASSAY_OK) return status;
  while (*count < MAX_REAPED && assay_db_next(history)) {
    owner_row row = {.run = assay_db_integer(history, 0),
                     .age_s = assay_os_wall_s() - assay_db_integer(history, 5),
                     .owner = {.pid = (int)assay_db_integer(history, 1),
                               .pid_namespace = (uint64_t)assay_db_integer(history, 3),
                               .started = (uint64_t)assay_db_integer(history, 4)}};
    ASSAY_DB_COPY(row.owner.boot, history, 2);
    if (is_gone(&row, here, history->driver->is_shared)) gone[(*count)++] = row.run;
  }
  return assay_db_end(history, err);
}

assay_status assay_history_reap(assay_history *history, assay_error *err) {
  int64_t gone[MAX_REAPED];
  size_t count = 0;
  assay_os_identity here;
  if (!assay_os_identify(getpid(), &here)) return ASSAY_OK; /* who is alive cannot be known here */
  assay_status status = list_gone(history, &here, err, gone, &count);
  for (size_t i = 0; status == ASSAY_OK && i < count; i++)
    status = ASSAY_DB_DO(history, SET_STATE, "mark a run interrupted", err, INTEGER(gone[i]), INTEGER(ASSAY_RUN_INTERRUPTED));
  return status;
}

/* ---- Writing ------------------------------------------------------------------------------------------------------------------ */

static const char *or_empty(const char *text) { return text == NULL ? "" : text; }
static const char *or_null(const char *text) { return text == NULL || text[0] == '\0' ? NULL : text; }

/* The result's JSON without its benchmarks, which have rows of their own. */
static assay_status document_of(const assay_result *result, assay_error *err, char **json) {
  assay_result rest = *result;
  rest.benchmark_count = 0;
  return assay_result_to_json(&rest, err, json);
}

static assay_status check_id(const assay_result *result, assay_error *err) {
  if (result->run.id == NULL || result->run.id[0] == '\0')
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a run needs an id before it goes into the history");
  return ASSAY_OK;
}

static assay_status put_machine(assay_history *history, const assay_result *result, assay_error *err) {
  return ASSAY_DB_DO(history, PUT_MACHINE, "store the machine", err, TEXT(or_empty(result->machine_id)),
                     TEXT(or_empty(result->machine_label)), INTEGER(result->run.started_at_s));
}

/* `which` is ADD_RUN, which refuses an id that is there, or PUT_RUN. */
static assay_status put_run(assay_history *history, assay_db_statement which, const assay_result *result, assay_run_state state,
                            assay_error *err) {
  const assay_run_info *run = &result->run;
  assay_os_identity owner = {0};
  char *document = NULL;
  assay_os_identify(getpid(), &owner);
  assay_status status = document_of(result, err, &document);
  if (status != ASSAY_OK) return status;
  const assay_db_value values[] = {TEXT(run->id),
                                   TEXT(or_empty(result->machine_id)),
                                   INTEGER(run->started_at_s),
                                   REAL(isfinite(run->duration_s) ? run->duration_s : 0),
                                   INTEGER(state),
                                   INTEGER(run->quick),
                                   TEXT(or_empty(run->version)),
                                   TEXT(or_null(run->commit)),
                                   TEXT(or_null(run->name)),
                                   INTEGER(owner.pid),
                                   TEXT(owner.boot),
                                   INTEGER(owner.pid_namespace),
                                   INTEGER(owner.started),
                                   TEXT(document)};
  status = assay_db_do(history, which, values, sizeof values / sizeof *values, false, "store the run", err);
  assay_string_free(document);
  return status;
}

static assay_status begin_run(assay_history *history, void *context, assay_error *err) {
  const assay_result *result = context;
  assay_status status = put_machine(history, result, err);
  return status == ASSAY_OK ? put_run(history, ASSAY_SQL_ADD_RUN, result, ASSAY_RUN_RUNNING, err) : status;
}

/* What a transaction works on is only read, but C has one pointer for all of them. */
static void *readable(const void *context) { return (void *)(uintptr_t)context; }

assay_status assay_history_begin(assay_history *history, const assay_result *result, assay_error *err) {
  assay_status status = check_id(result, err);
  return status == ASSAY_OK ? assay_db_transaction(history, begin_run, readable(result), err) : status;
}

typedef struct run_row {
  bool found;
  int64_t key, started_at_s;
  char machine_id[64];
} run_row;

static assay_status look_for_run(assay_history *history, const char *run_id, assay_error *err, run_row *row) {
  *row = (run_row){0};
  assay_status status = ASSAY_DB_ASK(history, FIND_RUN, "find the run", err, TEXT(run_id));
  if (status != ASSAY_OK) return status;
  row->found = assay_db_next(history);
  if (row->found) {
    row->key = assay_db_integer(history, 0);
    ASSAY_DB_COPY(row->machine_id, history, 1);
    row->started_at_s = assay_db_integer(history, 2);
  }
  return assay_db_end(history, err);
}

static assay_status find_run(assay_history *history, const char *run_id, assay_error *err, run_row *row) {
  assay_status status = look_for_run(history, run_id, err, row);
  if (status == ASSAY_OK && !row->found)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: run %s was not begun in this history", history->name, run_id);
  return status;
}

static assay_status put_point(assay_history *history, const run_row *run, const assay_benchmark_result *b, const assay_metric_result *m,
                              assay_error *err) {
  assay_status status = ASSAY_DB_DO(history, ADD_SERIES, "store a figure", err, TEXT(run->machine_id), TEXT(or_empty(b->suite)),
                                    TEXT(b->name), TEXT(m->name), TEXT(or_empty(m->unit)));
  if (status != ASSAY_OK) return status;
  return ASSAY_DB_DO(history, PUT_POINT, "store a figure", err, TEXT(run->machine_id), TEXT(or_empty(b->suite)), TEXT(b->name),
                     TEXT(m->name), INTEGER(run->started_at_s), INTEGER(run->key), REAL(m->value), REAL(m->ci_low), REAL(m->ci_high));
}

/* A trend is of benchmarks that were ok: the half of a failed one is no figure to compare with. */
static assay_status put_points(assay_history *history, const run_row *run, const assay_benchmark_result *b, assay_error *err) {
  assay_status status = ASSAY_DB_DO(history, DROP_POINTS, "store a figure", err, TEXT(run->machine_id), TEXT(or_empty(b->suite)),
                                    TEXT(b->name), INTEGER(run->started_at_s), INTEGER(run->key));
  for (size_t i = 0; status == ASSAY_OK && b->status == ASSAY_OUTCOME_OK && i < b->metric_count; i++)
    if (isfinite(b->metrics[i].value)) status = put_point(history, run, b, &b->metrics[i], err);
  return status;
}

/* `position` < 0: where it is, or behind the others. */
static assay_status put_benchmark(assay_history *history, const run_row *run, const assay_benchmark_result *b, int64_t position,
                                  assay_error *err) {
  char *document = NULL;
  assay_status status = assay_benchmark_result_to_json(b, err, &document);
  if (status != ASSAY_OK) return status;
  assay_db_value place = INTEGER(position);
  place.absent = position < 0;
  status = ASSAY_DB_DO(history, PUT_BENCHMARK, "store a benchmark", err, INTEGER(run->key), TEXT(or_empty(b->suite)), TEXT(b->name),
                       INTEGER(b->status), place, TEXT(document));
  assay_string_free(document);
  return status == ASSAY_OK ? put_points(history, run, b, err) : status;
}

typedef struct one_benchmark {
  const char *run_id;
  const assay_benchmark_result *benchmark;
} one_benchmark;

static assay_status put_one(assay_history *history, void *context, assay_error *err) {
  const one_benchmark *one = context;
  run_row run;
  assay_status status = find_run(history, one->run_id, err, &run);
  return status == ASSAY_OK ? put_benchmark(history, &run, one->benchmark, -1, err) : status;
}

assay_status assay_history_put_benchmark(assay_history *history, const char *run_id, const assay_benchmark_result *benchmark,
                                         assay_error *err) {
  one_benchmark one = {run_id, benchmark};
  return assay_db_transaction(history, put_one, &one, err);
}

static assay_status put_all(assay_history *history, const run_row *run, const assay_result *result, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; status == ASSAY_OK && i < result->benchmark_count; i++)
    status = put_benchmark(history, run, &result->benchmarks[i], (int64_t)i, err);
  return status;
}

static assay_run_state end_state(const assay_result *result) {
  return result->run.interrupted ? ASSAY_RUN_INTERRUPTED : ASSAY_RUN_COMPLETE;
}

static assay_status end_run(assay_history *history, const run_row *run, const assay_result *result, assay_error *err) {
  char *document = NULL;
  assay_status status = document_of(result, err, &document);
  if (status != ASSAY_OK) return status;
  status = ASSAY_DB_DO(history, END_RUN, "end the run", err, INTEGER(run->key), INTEGER(end_state(result)),
                       REAL(isfinite(result->run.duration_s) ? result->run.duration_s : 0), TEXT(document));
  assay_string_free(document);
  return status;
}

static assay_status finish_run(assay_history *history, void *context, assay_error *err) {
  const assay_result *result = context;
  run_row run;
  assay_status status = find_run(history, result->run.id, err, &run);
  if (status == ASSAY_OK) status = put_all(history, &run, result, err);
  return status == ASSAY_OK ? end_run(history, &run, result, err) : status;
}

assay_status assay_history_finish(assay_history *history, const assay_result *result, assay_error *err) {
  assay_status status = check_id(result, err);
  return status == ASSAY_OK ? assay_db_transaction(history, finish_run, readable(result), err) : status;
}

/* What a run of that id said before; baselines go on naming it. */
static assay_status drop_run(assay_history *history, const run_row *run, assay_error *err) {
  assay_status status =
      ASSAY_DB_DO(history, DROP_RUN_POINTS, "replace the run", err, INTEGER(run->key), INTEGER(run->started_at_s), TEXT(run->machine_id));
  return status == ASSAY_OK ? ASSAY_DB_DO(history, DROP_BENCHMARKS, "replace the run", err, INTEGER(run->key)) : status;
}

static assay_status put_whole(assay_history *history, void *context, assay_error *err) {
  const assay_result *result = context;
  run_row run;
  assay_status status = put_machine(history, result, err);
  if (status == ASSAY_OK) status = look_for_run(history, result->run.id, err, &run);
  if (status == ASSAY_OK && run.found) status = drop_run(history, &run, err);
  if (status == ASSAY_OK) status = put_run(history, ASSAY_SQL_PUT_RUN, result, end_state(result), err);
  if (status == ASSAY_OK) status = find_run(history, result->run.id, err, &run);
  if (status == ASSAY_OK) status = put_all(history, &run, result, err);
  /* What was put together from other runs is no point of any series: its figures are there already. */
  bool put_together = result->run.source != NULL && strcmp(result->run.source, ASSAY_SOURCE_BASELINE) == 0;
  if (status == ASSAY_OK && put_together)
    status =
        ASSAY_DB_DO(history, DROP_RUN_POINTS, "keep the series", err, INTEGER(run.key), INTEGER(run.started_at_s), TEXT(run.machine_id));
  return status;
}

assay_status assay_history_put_result(assay_history *history, const assay_result *result, assay_error *err) {
  assay_status status = check_id(result, err);
  return status == ASSAY_OK ? assay_db_transaction(history, put_whole, readable(result), err) : status;
}
