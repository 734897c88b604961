/* SPDX-License-Identifier: MIT */
/* Which run a user means, and reading it back. */
#include <assay/history.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "history/db.h"
#include "result/storage.h"

enum { ID_DIGITS = 16, ID_LEAST = 4, COMMIT_DIGITS = 40, COMMIT_LEAST = 7, LOOKED_AT = 50, SHOWN = 5 };

typedef enum found { NOT_THERE, FOUND, SEVERAL } found;

/* The text in lower case when it is nothing but hexadecimal digits, from `least` to `most` of them. */
static bool is_hex(const char *text, size_t least, size_t most, char *lower) {
  size_t length = strlen(text);
  if (length < least || length > most || strspn(text, "0123456789abcdefABCDEF") != length) return false;
  for (size_t i = 0; i <= length; i++) lower[i] = (char)tolower((unsigned char)text[i]);
  return true;
}

/* The first row's first column as an id. */
static assay_status take_id(assay_history *history, assay_error *err, found *what, char id[17]) {
  *what = assay_db_next(history) ? FOUND : NOT_THERE;
  if (*what == FOUND) assay_db_copy(id, 17, history, 0);
  return assay_db_end(history, err);
}

static assay_status nth_ended(assay_history *history, const char *machine_id, int nth, assay_error *err, char id[17]) {
  found what = NOT_THERE;
  assay_status status = machine_id != NULL ? ASSAY_DB_ASK(history, NTH_ENDED_OF, "find the newest run", err, INTEGER(nth), TEXT(machine_id))
                                           : ASSAY_DB_ASK(history, NTH_ENDED, "find the newest run", err, INTEGER(nth));
  if (status == ASSAY_OK) status = take_id(history, err, &what, id);
  if (status == ASSAY_OK && what == NOT_THERE)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no %srun%s yet", history->name, nth == 0 ? "" : "earlier ",
                        machine_id != NULL ? " of this machine" : "");
  return status;
}

static assay_status by_start(assay_history *history, const char *start, assay_error *err, found *what, char ids[2][17]) {
  size_t count = 0;
  assay_status status = ASSAY_DB_ASK(history, FIND_START, "find the run", err, TEXT(start));
  if (status != ASSAY_OK) return status;
  while (count < 2 && assay_db_next(history)) ASSAY_DB_COPY(ids[count++], history, 0);
  *what = count == 0 ? NOT_THERE : count == 1 ? FOUND : SEVERAL;
  return assay_db_end(history, err);
}

static assay_status by_baseline(assay_history *history, const char *name, assay_error *err, found *what, char id[17]) {
  assay_status status = ASSAY_DB_ASK(history, FIND_BASELINE, "find the baseline", err, TEXT(name));
  return status == ASSAY_OK ? take_id(history, err, what, id) : status;
}

/* Of several runs the newest complete one. */
static assay_status newest_of_commit(assay_history *history, const char *commit, const char *machine_id, assay_error *err, found *what,
                                     char id[17]) {
  assay_status status = ASSAY_DB_ASK(history, FIND_COMMIT, "find the commit", err, TEXT(commit), TEXT(machine_id));
  return status == ASSAY_OK ? take_id(history, err, what, id) : status;
}

static assay_status by_commit(assay_history *history, const char *start, const char *machine_id, assay_error *err, found *what,
                              char id[17]) {
  char first[COMMIT_DIGITS + 1] = "", last[COMMIT_DIGITS + 1] = "";
  assay_status status = ASSAY_DB_ASK(history, COMMIT_RANGE, "find the commit", err, TEXT(start));
  if (status != ASSAY_OK) return status;
  if (assay_db_next(history)) {
    ASSAY_DB_COPY(first, history, 0);
    ASSAY_DB_COPY(last, history, 1);
  }
  status = assay_db_end(history, err);
  *what = first[0] == '\0' ? NOT_THERE : FOUND;
  if (status != ASSAY_OK || *what == NOT_THERE) return status;
  if (strcmp(first, last) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: \"%s\" begins several commits (%s, %s, ...): give more of it", history->name, start,
                      first, last);
  status = newest_of_commit(history, first, machine_id, err, what, id);
  if (status == ASSAY_OK && *what == NOT_THERE)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: commit %s was measured on other machines, not on this one", history->name, first);
  return status;
}

/* ---- What a user may have meant ----------------------------------------------------------------------------------------------- */

static void put_list(assay_buf *out, const char *what, const char *const *words, size_t count) {
  if (count == 0) return;
  assay_buf_printf(out, "; %s: ", what);
  for (size_t i = 0; i < count && i < SHOWN; i++) assay_buf_printf(out, "%s%s", i > 0 ? ", " : "", words[i]);
  if (count > SHOWN) assay_buf_puts(out, ", ...");
}

/* Failing to look them up only leaves the message shorter. */
static void put_nearest(assay_history *history, const char *wanted, bool only_baselines, assay_buf *out) {
  assay_history_baseline *baselines = NULL;
  assay_history_run *runs = NULL;
  size_t baseline_count = 0, run_count = 0, count = 0;
  assay_history_baselines(history, NULL, &baselines, &baseline_count);
  if (!only_baselines) assay_history_runs(history, NULL, LOOKED_AT, NULL, &runs, &run_count);
  const char **words = assay_calloc(ASSAY_TAG_HISTORY, baseline_count + 2 * run_count + 1, sizeof *words);
  if (words != NULL) {
    for (size_t i = 0; i < baseline_count; i++) words[count++] = baselines[i].name;
    for (size_t i = 0; i < run_count; i++) words[count++] = runs[i].id;
    for (size_t i = 0; i < run_count; i++) words[count + i] = runs[i].commit;
    const char *nearest = assay_nearest_word(wanted, words);
    if (nearest != NULL && nearest[0] != '\0') assay_buf_printf(out, "; did you mean \"%s\"?", nearest);
    if (nearest == NULL) put_list(out, "baselines", words, baseline_count);
    if (nearest == NULL) put_list(out, "newest runs", words + baseline_count, run_count);
  }
  assay_free(words);
  assay_history_baselines_free(baselines);
  assay_history_runs_free(runs);
}

static assay_status not_there(assay_history *history, const char *what, const char *wanted, bool only_baselines, assay_error *err) {
  assay_buf more = {0};
  put_nearest(history, wanted, only_baselines, &more);
  ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no %s \"%s\"%s", history->name, what, wanted, more.data != NULL ? more.data : "");
  assay_buf_deinit(&more);
  return ASSAY_ERR_NOT_FOUND;
}

assay_status assay_history_resolve_baseline(assay_history *history, const char *name, assay_error *err, char id[17]) {
  found what = NOT_THERE;
  assay_status status = by_baseline(history, name, err, &what, id);
  return status == ASSAY_OK && what == NOT_THERE ? not_there(history, "baseline", name, true, err) : status;
}

static assay_status the_commit(assay_history *history, const char *commit, const char *machine_id, assay_error *err, char id[17]) {
  char lower[COMMIT_DIGITS + 1];
  found what = NOT_THERE;
  assay_status status = is_hex(commit, ID_LEAST, COMMIT_DIGITS, lower) ? by_commit(history, lower, machine_id, err, &what, id)
                                                                       : newest_of_commit(history, commit, machine_id, err, &what, id);
  return status == ASSAY_OK && what == NOT_THERE ? not_there(history, "run of commit", commit, false, err) : status;
}

assay_status assay_history_resolve(assay_history *history, const char *which, const char *machine_id, assay_error *err, char id[17]) {
  static const char baseline[] = "baseline:", commit[] = "commit:";
  char lower[COMMIT_DIGITS + 1], ids[2][17];
  found by_id = NOT_THERE, what = NOT_THERE;
  if (strcmp(which, "latest") == 0) return nth_ended(history, machine_id, 0, err, id);
  if (strcmp(which, "previous") == 0) return nth_ended(history, machine_id, 1, err, id);
  if (strncmp(which, baseline, sizeof baseline - 1) == 0)
    return assay_history_resolve_baseline(history, which + sizeof baseline - 1, err, id);
  if (strncmp(which, commit, sizeof commit - 1) == 0) return the_commit(history, which + sizeof commit - 1, machine_id, err, id);
  if (which[0] == '\0')
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "\"\" names no run: give \"latest\", \"previous\", an id or its start, a baseline's name or a commit");

  assay_status status = ASSAY_OK;
  if (is_hex(which, ID_LEAST, ID_DIGITS, lower)) status = by_start(history, lower, err, &by_id, ids);
  if (status == ASSAY_OK && by_id == FOUND) memcpy(id, ids[0], 17);
  if (status != ASSAY_OK || by_id == FOUND) return status;
  status = by_baseline(history, which, err, &what, id);
  if (status != ASSAY_OK || what == FOUND) return status;
  /* An imported run may have a revision that is not git's. */
  status = is_hex(which, COMMIT_LEAST, COMMIT_DIGITS, lower) ? by_commit(history, lower, machine_id, err, &what, id)
                                                             : newest_of_commit(history, which, machine_id, err, &what, id);
  if (status != ASSAY_OK || what == FOUND) return status;
  if (by_id == SEVERAL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: \"%s\" begins several runs (%s, %s, ...): give more of it", history->name, which, ids[0],
                      ids[1]);
  return not_there(history, "run, baseline or commit", which, false, err);
}

/* ---- Reading it back ---------------------------------------------------------------------------------------------------------- */

/* A stored document that does not read back means that the file was changed by hand or is damaged in a way that SQLite does not see. */
static assay_status damaged(const assay_history *history, const char *id, const assay_error *inner, assay_error *err) {
  return ASSAY_FAIL(err, inner->status == ASSAY_ERR_PARSE ? ASSAY_ERR_CORRUPT : inner->status, "%s: run %s cannot be read: %s",
                    history->name, id, inner->message);
}

static assay_status load_run(assay_history *history, const char *id, assay_error *err, assay_result **result) {
  assay_error inner = {0};
  size_t length = 0;
  assay_result *loaded = NULL;
  assay_status status = ASSAY_DB_ASK(history, LOAD_RUN, "read the run", err, TEXT(id));
  if (status != ASSAY_OK) return status;
  if (assay_db_next(history)) {
    const char *json = assay_db_bytes(history, 0, &length);
    status = assay_result_from_json(json, length, &inner, &loaded);
    if (status == ASSAY_OK && assay_db_integer(history, 1) == ASSAY_RUN_INTERRUPTED) loaded->run.interrupted = true;
    if (status != ASSAY_OK) damaged(history, id, &inner, err);
  }
  assay_status read = assay_db_end(history, err);
  if (status == ASSAY_OK) status = read;
  if (status == ASSAY_OK && loaded == NULL) /* taken away since it was found */
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: there is no run %s", history->name, id);
  if (status == ASSAY_OK)
    *result = loaded;
  else
    assay_result_destroy(loaded);
  return status;
}

static assay_status load_benchmarks(assay_history *history, const char *id, assay_result *result, assay_error *err) {
  assay_error inner = {0};
  size_t length = 0;
  assay_status status = ASSAY_DB_ASK(history, LOAD_BENCHMARKS, "read the run", err, TEXT(id));
  if (status != ASSAY_OK) return status;
  while (inner.status == ASSAY_OK && assay_db_next(history)) {
    const char *json = assay_db_bytes(history, 0, &length);
    assay_result_add_benchmark_json(result, json, length, &inner);
  }
  if (inner.status != ASSAY_OK) damaged(history, id, &inner, err);
  status = assay_db_end(history, err);
  return inner.status != ASSAY_OK ? inner.status : status;
}

assay_status assay_history_better(assay_history *history, const char *run_id, const char *suite, const char *benchmark, const char *metric,
                                  assay_error *err, assay_better *better) {
  assay_error inner = {0};
  size_t length = 0;
  bool known = false;
  assay_result *holder = NULL;
  assay_status status = ASSAY_DB_ASK(history, LOAD_BENCHMARK, "read a benchmark", err, TEXT(run_id), TEXT(suite), TEXT(benchmark));
  if (status != ASSAY_OK) return status;
  status = assay_result_create(&inner, &holder);
  if (status == ASSAY_OK && assay_db_next(history)) {
    const char *json = assay_db_bytes(history, 0, &length);
    status = assay_result_add_benchmark_json(holder, json, length, &inner);
  }
  assay_status ended = assay_db_end(history, err);
  if (status != ASSAY_OK) damaged(history, run_id, &inner, err);
  if (status == ASSAY_OK) status = ended;
  const assay_benchmark_result *b = status == ASSAY_OK ? assay_result_find(holder, suite, benchmark) : NULL;
  const assay_metric_result *m = b != NULL ? assay_benchmark_metric(b, metric) : NULL;
  known = m != NULL;
  if (known) *better = m->better;
  assay_result_destroy(holder);
  if (status != ASSAY_OK || known) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: run %s has no figure %s of %s/%s", history->name, run_id, metric, suite, benchmark);
}

static assay_status load(assay_history *history, const char *id, assay_error *err, assay_result **result) {
  assay_result *loaded = NULL;
  assay_status status = load_run(history, id, err, &loaded);
  if (status == ASSAY_OK) status = load_benchmarks(history, id, loaded, err);
  if (status == ASSAY_OK)
    *result = loaded;
  else
    assay_result_destroy(loaded);
  return status;
}

assay_status assay_history_load(assay_history *history, const char *which, const char *machine_id, assay_error *err,
                                assay_result **result) {
  char id[17];
  assay_status status = assay_history_resolve(history, which, machine_id, err, id);
  return status == ASSAY_OK ? load(history, id, err, result) : status;
}

assay_status assay_history_load_baseline(assay_history *history, const char *name, assay_error *err, assay_result **result) {
  char id[17];
  assay_status status = assay_history_resolve_baseline(history, name, err, id);
  return status == ASSAY_OK ? load(history, id, err, result) : status;
}

/* ---- Before a file takes the place of a run ------------------------------------------------------------------------------------- */

static assay_status is_same_benchmark(const assay_benchmark_result *a, const assay_benchmark_result *b, assay_error *err, bool *same) {
  char *one = NULL, *other = NULL;
  assay_status status = assay_benchmark_result_to_json(a, err, &one);
  if (status == ASSAY_OK) status = assay_benchmark_result_to_json(b, err, &other);
  if (status == ASSAY_OK) *same = strcmp(one, other) == 0;
  assay_string_free(one);
  assay_string_free(other);
  return status;
}

static assay_status has_same_figures(const assay_result *a, const assay_result *b, assay_error *err, bool *same) {
  assay_status status = ASSAY_OK;
  *same = a->benchmark_count == b->benchmark_count;
  for (size_t i = 0; status == ASSAY_OK && *same && i < a->benchmark_count; i++)
    status = is_same_benchmark(&a->benchmarks[i], &b->benchmarks[i], err, same);
  return status;
}

/* The first baseline of that run; "" without. */
static assay_status baseline_of(assay_history *history, const char *run_id, assay_error *err, char name[128]) {
  assay_history_baseline *all = NULL;
  size_t count = 0;
  name[0] = '\0';
  assay_status status = assay_history_baselines(history, err, &all, &count);
  for (size_t i = 0; i < count && name[0] == '\0'; i++)
    if (strcmp(all[i].run_id, run_id) == 0) snprintf(name, 128, "%s", all[i].name);
  assay_history_baselines_free(all);
  return status;
}

assay_status assay_history_check_import(assay_history *history, const assay_result *result, assay_error *err) {
  assay_error looked = {0};
  assay_result *there = NULL;
  char baseline[128] = "";
  bool same = true, is_measured = false;
  assay_status status = load(history, result->run.id, &looked, &there);
  if (status == ASSAY_ERR_NOT_FOUND) return ASSAY_OK;
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s", looked.message);
  is_measured = there->run.source == NULL;
  status = has_same_figures(there, result, err, &same);
  if (status == ASSAY_OK && !same) status = baseline_of(history, result->run.id, err, baseline);
  if (status == ASSAY_OK && !same && (is_measured || baseline[0] != '\0'))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "run %s is in the history already with other figures%s%s%s: a file does not replace it; import "
                        "it into another history, or give its run another id",
                        result->run.id, baseline[0] != '\0' ? ", as baseline '" : "", baseline, baseline[0] != '\0' ? "'" : "");
  assay_result_destroy(there);
  return status;
}
