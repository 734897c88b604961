/* SPDX-License-Identifier: MIT */
/* After a run: is something worse than before, is that news, and who is to be told. `run --alerts` and `monitor` share this. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "judge/alert.h"
#include "judge/alert_rules.h"
#include "os/prim.h"

/* ---- What to compare with ----------------------------------------------------------------------------------------------------------- */

enum { LOOK_BACK_RUNS = 30 };

static bool has_figure(const assay_benchmark_result *b) { return b != NULL && b->status == ASSAY_OUTCOME_OK && b->metric_count > 0; }

/* Takes over what `from` measured and `before` lacks so far. */
static assay_status take_missing(const assay_result *from, assay_result *before, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < from->benchmark_count && status == ASSAY_OK; i++) {
    const assay_benchmark_result *b = &from->benchmarks[i];
    if (has_figure(b) && assay_result_find(before, b->suite, b->name) == NULL) status = assay_result_add_benchmark(before, b, err);
  }
  return status;
}

static void add_part(assay_cli *cli, const assay_run_info *run, assay_cli_previous *p) {
  size_t before = p->count > 0 ? p->parts[p->count - 1].end : 0;
  if (p->result->benchmark_count == before) return; /* it had nothing that newer ones lack */
  p->parts[p->count].end = p->result->benchmark_count;
  p->parts[p->count].started_at_s = run->started_at_s;
  p->parts[p->count].commit = assay_arena_strdup(&cli->arena, run->commit);
  p->count++;
}

/* The newest run whole, older ones as far as they have something more. */
static assay_status take_run(assay_cli *cli, assay_history *history, const char *id, assay_cli_previous *p, assay_error *err) {
  assay_result *run = NULL;
  assay_status status = assay_history_load(history, id, NULL, err, &run);
  if (status != ASSAY_OK) return status;
  if (p->result == NULL) {
    p->result = run;
    add_part(cli, &run->run, p);
    return ASSAY_OK;
  }
  status = take_missing(run, p->result, err);
  add_part(cli, &run->run, p);
  assay_result_destroy(run);
  return status;
}

static assay_status look_back(assay_cli *cli, assay_history *history, bool quick, assay_cli_previous *p, assay_error *err) {
  assay_machine *machine = NULL;
  assay_history_run *runs = NULL;
  size_t count = 0;
  assay_status status = assay_machine_detect(NULL, err, &machine);
  if (status == ASSAY_OK) status = assay_history_runs(history, assay_machine_id(machine), LOOK_BACK_RUNS, err, &runs, &count);
  for (size_t i = 0; i < count && status == ASSAY_OK && p->count < ASSAY_CLI_PREVIOUS_PARTS; i++)
    if (runs[i].state == ASSAY_RUN_COMPLETE && runs[i].quick == quick) status = take_run(cli, history, runs[i].id, p, err);
  assay_history_runs_free(runs);
  assay_machine_destroy(machine);
  return status;
}

assay_status assay_cli_load_previous(assay_cli *cli, const char *history_path, bool quick, assay_error *err, assay_cli_previous *previous) {
  assay_history *history = NULL;
  assay_error problem = {0};
  *previous = (assay_cli_previous){0};
  if (!assay_history_exists(history_path)) return ASSAY_OK; /* the first run makes it */
  assay_status status = assay_history_open_read(history_path, &problem, &history);
  if (status == ASSAY_ERR_NOT_FOUND) return ASSAY_OK; /* a database without our tables yet */
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s", problem.message);
  status = look_back(cli, history, quick, previous, err);
  assay_history_close(history);
  return status;
}

/* Time and commit of the oldest run that something was compared with, so that a range never promises too much. */
static void date_by_use(assay_cli_previous *p, const assay_result *after) {
  size_t oldest = 0;
  for (size_t i = 0, part = 0; i < p->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &p->result->benchmarks[i];
    while (part + 1 < p->count && i >= p->parts[part].end) part++;
    if (has_figure(assay_result_find(after, b->suite, b->name)) && part > oldest) oldest = part;
  }
  if (p->count == 0) return;
  p->result->run.started_at_s = p->parts[oldest].started_at_s;
  p->result->run.commit = p->parts[oldest].commit;
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

static bool has_common(const assay_changes *changes) {
  return changes != NULL && changes->count > changes->verdicts[ASSAY_VERDICT_NEW] + changes->verdicts[ASSAY_VERDICT_MISSING];
}

static assay_status find(const assay_alert_rules *rules, const assay_cli_alerting *a, assay_history *history, assay_error *err,
                         assay_alerts **alerts) {
  assay_alerts_context context = {.before = a->before, .after = a->after};
  assay_status status = ASSAY_OK;
  /* A baseline is what the user chose to compare with; without one the whole history may speak. */
  if (a->previous != NULL && a->after->machine_id != NULL) status = assay_alert_watch(a->changes, a->after->machine_id, history, err);
  return status == ASSAY_OK ? assay_alerts_find(rules, a->changes, &context, history, err, alerts) : status;
}

static int tell(assay_cli *cli, const assay_alert_rules *rules, const assay_alerts *alerts, const assay_cli_alerting *a,
                assay_history *history, assay_error *err) {
  assay_buf out = {0};
  put_outcome(alerts,
              assay_arena_printf(&cli->arena, "%s (run %s)", a->previous != NULL ? "the run before" : "the baseline", a->before->run.id),
              &out);
  if (out.data != NULL && !out.failed) fputs(out.data, a->stream);
  fflush(a->stream);
  assay_buf_deinit(&out);
  return assay_alerts_send(alerts, rules, history, err) == ASSAY_OK ? code_of(alerts) : assay_cli_fail(cli, err);
}

int assay_cli_alert(assay_cli *cli, const assay_alert_rules *rules, const assay_cli_alerting *alerting) {
  assay_error err = {0};
  assay_cli_alerting a = *alerting;
  assay_history *history = NULL;
  assay_alerts *alerts = NULL;
  if (a.previous != NULL) a.before = a.previous->result;
  if (a.before == NULL || !has_common(a.changes)) {
    fputs("Alerts: there is no earlier run of this machine to compare with yet\n", a.stream);
    return ASSAY_EXIT_FINE;
  }
  if (a.previous != NULL) date_by_use(a.previous, a.after);
  assay_status status = assay_history_open(a.history_path, &err, &history);
  if (status == ASSAY_OK) status = find(rules, &a, history, &err, &alerts);
  int code = status == ASSAY_OK ? tell(cli, rules, alerts, &a, history, &err) : assay_cli_fail(cli, &err);
  assay_alerts_destroy(alerts);
  assay_history_close(history);
  return err.status == ASSAY_OK ? code : ASSAY_EXIT_CANNOT_RUN;
}

/* ---- Rules ------------------------------------------------------------------------------------------------------------------------- */

/* Row N11, for those who only want to look. */
static const char shipped_rules[] =
    "alerts:\n  time: {warning: 5%, critical: 12.5%}\n  accuracy: {warning: 2%, critical: 5%}\n"
    "  throughput: {warning: 10%, critical: 25%}\n  latency: {warning: 20%, critical: 50%}\n"
    "  error_rate: {warning: 1%, critical: 2.5%}\n  memory: {warning: 10%, critical: 25%}\n"
    "  energy: {warning: 10%, critical: 25%}\n  count: {warning: 5%, critical: 12.5%}\n";

assay_status assay_cli_read_rules(const char *path, assay_error *err, assay_alert_rules **rules) {
  if (strcmp(path, ASSAY_CLI_SHIPPED_RULES) != 0 || assay_os_exists(path)) return assay_alert_rules_read(path, err, rules);
  return assay_alert_rules_parse(shipped_rules, sizeof shipped_rules - 1, "the shipped rules", false, err, rules);
}
