/* SPDX-License-Identifier: MIT */
/* After a run: is something worse than before, is that news, and who is to be told. `run --alerts` and `monitor` share this. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "judge/alert.h"
#include "os/prim.h"

enum { LOOK_BACK_RUNS = 20 };

typedef struct noise_of {
  assay_history *history;
  const char *machine_id;
} noise_of;

static double noise(const char *suite, const char *benchmark, const char *metric, void *user) {
  const noise_of *of = user;
  double ratio = NAN;
  return assay_history_noise(of->history, of->machine_id, suite, benchmark, metric, NULL, &ratio) == ASSAY_OK ? ratio : NAN;
}

/* ---- What to compare with ----------------------------------------------------------------------------------------------------------- */

static bool has_figure(const assay_benchmark_result *b) { return b != NULL && b->status == ASSAY_OUTCOME_OK && b->metric_count > 0; }

/* Takes over what `after` measured and `before` lacks so far. */
static assay_status take_missing(const assay_result *from, const assay_result *after, assay_result *before, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < after->benchmark_count && status == ASSAY_OK; i++) {
    const assay_benchmark_result *b = &after->benchmarks[i];
    const assay_benchmark_result *old = assay_result_find(from, b->suite, b->name);
    if (!has_figure(b) || !has_figure(old) || assay_result_find(before, b->suite, b->name) != NULL) continue;
    status = assay_result_add_benchmark(before, old, err);
  }
  return status;
}

static size_t missing(const assay_result *after, const assay_result *before) {
  size_t count = 0;
  for (size_t i = 0; i < after->benchmark_count; i++) {
    const assay_benchmark_result *b = &after->benchmarks[i];
    count += has_figure(b) && (before == NULL || assay_result_find(before, b->suite, b->name) == NULL);
  }
  return count;
}

static bool is_comparable(const assay_history_run *run, const assay_result *after) {
  return run->state == ASSAY_RUN_COMPLETE && run->quick == after->run.quick && strcmp(run->id, after->run.id) != 0 &&
         run->started_at_s <= after->run.started_at_s;
}

/*
 * The last time that each benchmark was measured in this manner on this machine: mostly all of it is the run before; after runs of single
 * suites it is put together from several. Its time and commit are those of the oldest, so that a range never promises too much.
 */
static assay_status load_previous(assay_history *history, const assay_result *after, assay_error *err, assay_result **before) {
  assay_history_run *runs = NULL;
  size_t count = 0;
  assay_status status = assay_history_runs(history, after->machine_id, LOOK_BACK_RUNS, err, &runs, &count);
  assay_result *made = NULL;
  for (size_t i = 0; i < count && status == ASSAY_OK && (made == NULL || missing(after, made) > 0); i++) {
    assay_result *run = NULL;
    if (!is_comparable(&runs[i], after)) continue;
    status = assay_history_load(history, runs[i].id, NULL, err, &run);
    if (status != ASSAY_OK) break;
    if (made == NULL) {
      size_t common = missing(after, NULL) - missing(after, run);
      if (common > 0)
        made = run;
      else
        assay_result_destroy(run);
      continue;
    }
    size_t lacked = missing(after, made);
    status = take_missing(run, after, made, err);
    if (missing(after, made) < lacked) {
      made->run.started_at_s = run->run.started_at_s;
      made->run.commit = assay_result_text(made, run->run.commit);
    }
    assay_result_destroy(run);
  }
  assay_history_runs_free(runs);
  if (status != ASSAY_OK)
    assay_result_destroy(made);
  else
    *before = made;
  return status;
}

/* ---- What to say -------------------------------------------------------------------------------------------------------------------- */

static const char *shown_state(const assay_alert *alert) {
  if (alert->is_new) return alert->state == ASSAY_ALERT_RESOLVED ? "resolved" : "new";
  return assay_alert_state_text(alert->state);
}

void assay_cli_put_alert(assay_buf *out, const assay_alert *alert) {
  assay_buf_printf(out, "  %-8s  %-12s  %.8s  ", assay_alert_level_text(alert->level), shown_state(alert), alert->id);
  assay_buf_plain(out, alert->title);
  assay_buf_putc(out, '\n');
}

static void put_outcome(const assay_alerts *alerts, const char *against, assay_buf *out) {
  size_t fresh = 0;
  assay_buf_printf(out, "Alerts, against %s:\n", against);
  for (size_t i = 0; i < alerts->count; i++) {
    assay_cli_put_alert(out, &alerts->items[i]);
    fresh += alerts->items[i].is_new;
    if (alerts->items[i].is_new)
      assay_log(ASSAY_LOG_INFO, "alert %.8s, %s, %s: %s", alerts->items[i].id, assay_alert_level_text(alerts->items[i].level),
                shown_state(&alerts->items[i]), alerts->items[i].title);
  }
  if (alerts->count == 0)
    assay_buf_puts(out, "  none\n");
  else if (fresh == 0)
    assay_buf_puts(out, "  nothing new\n");
}

static int code_of(const assay_alerts *alerts) {
  for (size_t i = 0; i < alerts->count; i++)
    if (alerts->items[i].is_new && alerts->items[i].state == ASSAY_ALERT_OPEN) return ASSAY_EXIT_MISSED;
  return ASSAY_EXIT_FINE;
}

/* ---- Both --------------------------------------------------------------------------------------------------------------------------- */

typedef struct judgement {
  assay_history *history;
  assay_result *previous; /* loaded here; NULL when the baseline is used */
  assay_changes *changes;
  assay_alerts *alerts;
  const char *against;
} judgement;

static assay_status compare(assay_cli *cli, const assay_result *after, const assay_result *baseline, judgement *j, assay_error *err) {
  assay_status status = baseline == NULL ? load_previous(j->history, after, err, &j->previous) : ASSAY_OK;
  const assay_result *before = baseline != NULL ? baseline : j->previous;
  if (status != ASSAY_OK || before == NULL) return status;
  noise_of user = {j->history, after->machine_id};
  assay_compare_config config = {.noise = noise, .noise_user = &user, .every_metric = true};
  status = assay_compare(before, after, &config, err, &j->changes);
  /* A baseline is what the user chose to compare with; without one the whole history may speak. */
  if (status == ASSAY_OK && baseline == NULL && after->machine_id != NULL)
    status = assay_alert_watch(j->changes, after->machine_id, j->history, err);
  j->against = assay_arena_printf(&cli->arena, baseline != NULL ? "the baseline (run %s)" : "the run before (%s)", before->run.id);
  return status;
}

static assay_status judge(assay_cli *cli, const assay_alert_rules *rules, const char *history_path, const assay_result *after,
                          const assay_result *baseline, judgement *j, assay_error *err) {
  assay_status status = assay_history_open(history_path, err, &j->history);
  if (status == ASSAY_OK) status = compare(cli, after, baseline, j, err);
  if (status != ASSAY_OK || j->changes == NULL) return status;
  assay_alerts_context context = {.before = baseline != NULL ? baseline : j->previous, .after = after};
  return assay_alerts_find(rules, j->changes, &context, j->history, err, &j->alerts);
}

static void say(assay_cli *cli, const judgement *j, FILE *stream) {
  assay_buf out = {0};
  if (j->alerts != NULL)
    put_outcome(j->alerts, j->against, &out);
  else
    assay_buf_puts(&out, "Alerts: there is no earlier run of this machine to compare with yet\n");
  if (out.data != NULL && !out.failed) fputs(out.data, stream);
  assay_buf_deinit(&out);
  (void)cli;
}

int assay_cli_alert(assay_cli *cli, const assay_alert_rules *rules, const char *history_path, const assay_result *after,
                    const assay_result *baseline, FILE *stream) {
  assay_error err = {0};
  judgement j = {0};
  int code = ASSAY_EXIT_FINE;
  assay_status status = judge(cli, rules, history_path, after, baseline, &j, &err);
  if (status == ASSAY_OK) {
    say(cli, &j, stream);
    if (j.alerts != NULL) code = code_of(j.alerts);
    if (j.alerts != NULL) status = assay_alerts_send(j.alerts, rules, j.history, &err);
  }
  if (status != ASSAY_OK) code = assay_cli_fail(cli, &err), code = ASSAY_EXIT_CANNOT_RUN;
  assay_alerts_destroy(j.alerts);
  assay_changes_destroy(j.changes);
  assay_result_destroy(j.previous);
  assay_history_close(j.history);
  return code;
}
