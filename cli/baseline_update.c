/* SPDX-License-Identifier: MIT */
/* assay baseline update: the name moves to a newer run, or takes over what became better. */
#include <math.h>
#include <string.h>

#include "cli/baseline.h"

static assay_status check_machine(const assay_result *old, const assay_result *run, assay_error *err) {
  if (old->machine_id == NULL || run->machine_id == NULL || strcmp(old->machine_id, run->machine_id) == 0) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                    "run %s is of another machine (%s) than the baseline (%s); `baseline save` gives the name to it all the same",
                    run->run.id, run->machine_label != NULL ? run->machine_label : run->machine_id,
                    old->machine_label != NULL ? old->machine_label : old->machine_id);
}

/* Says what was taken over, a line each. */
static size_t say_taken(assay_cli_baseline_job *j, const assay_changes *changes) {
  size_t taken = 0;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (!c->is_main || !assay_baseline_takes(changes, c->suite, c->benchmark)) continue;
    assay_buf line = {0};
    taken++;
    assay_buf_printf(&line, "  %-6s  %s/%s", c->verdict == ASSAY_VERDICT_NEW ? "new" : "better", c->suite, c->benchmark);
    if (isfinite(c->change_ratio)) assay_buf_printf(&line, "  %s %+.1f %%", c->metric, c->change_ratio * 100);
    if (line.data != NULL) assay_cli_baseline_say(j, line.data);
    assay_buf_deinit(&line);
  }
  return taken;
}

static assay_status take_better(assay_cli_baseline_job *j, const char *name, assay_result *old, assay_result *run, assay_error *err) {
  assay_cli_pair pair = {.before = old, .after = run};
  assay_result *merged = NULL;
  assay_status status = assay_cli_judge(&j->inputs, &j->settings->judging, err, &pair);
  if (status != ASSAY_OK) return status;
  size_t taken = say_taken(j, pair.changes);
  if (taken == 0) {
    assay_buf_printf(&j->out, "Nothing became significantly better: the baseline stays as it is.\n");
  } else {
    status = assay_baseline_merge(old, run, pair.changes, err, &merged);
    if (status == ASSAY_OK) {
      const char *called = assay_arena_printf(&j->cli->arena, "%s, the better of %.8s and %.8s", name, old->run.id, run->run.id);
      merged->run.name = assay_result_text(merged, called);
    }
    if (status == ASSAY_OK) status = assay_history_put_result(j->history, merged, err);
    if (status == ASSAY_OK) status = assay_history_save_baseline(j->history, name, merged->run.id, j->settings->description, err);
    if (status == ASSAY_OK)
      assay_cli_baseline_say_saved(j, name, merged,
                                   assay_arena_printf(&j->cli->arena, "took over %zu of run %s and is now", taken, run->run.id));
  }
  assay_changes_destroy(pair.changes);
  assay_result_destroy(merged);
  return status;
}

static assay_status update(assay_cli_baseline_job *j, assay_error *err) {
  const char *name = j->cli->operands[0], *word = j->cli->operand_count > 1 ? j->cli->operands[1] : "latest";
  assay_result *old = NULL, *run = NULL;
  assay_status status = assay_history_load_baseline(j->history, name, err, &old);
  if (status == ASSAY_OK) status = assay_cli_baseline_load_run(j, word, err, &run);
  if (status == ASSAY_OK) status = check_machine(old, run, err);
  if (status == ASSAY_OK && j->settings->if_better) {
    status = take_better(j, name, old, run, err);
  } else if (status == ASSAY_OK) {
    status = assay_history_save_baseline(j->history, name, run->run.id, j->settings->description, err);
    if (status == ASSAY_OK) assay_cli_baseline_say_saved(j, name, run, "is now");
  }
  assay_result_destroy(old);
  assay_result_destroy(run);
  return status;
}

static int run_update(assay_cli *cli, const void *settings) { return assay_cli_baseline_work(cli, settings, true, update); }

static const assay_cli_option update_options[] = {
    {"if-better", 0, ASSAY_CLI_FLAG, ASSAY_BASELINE_AT(if_better),
     .help = "Take over only the benchmarks that became significantly better, and new ones; the others keep their figures."},
    ASSAY_BASELINE_DESCRIPTION,
    ASSAY_BASELINE_WHERE,
    {"threshold", 0, ASSAY_CLI_TEXT, "PERCENT", ASSAY_BASELINE_AT(judging.threshold),
     .help = "With --if-better: from how much better on it counts. Without it each kind of metric has its own."},
    {"thresholds", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, ASSAY_BASELINE_AT(judging.thresholds),
     .help = "With --if-better: TOML file with thresholds by kind, benchmark and metric."},
    ASSAY_CLI_END};
static const assay_cli_example update_examples[] = {
    {"move it to the last run", "baseline update main"}, {"only ever forward", "baseline update main --if-better"}, {0}};
const assay_cli_verb assay_cli_baseline_update = {
    .name = "baseline update",
    .summary = "Move a baseline to a newer run.",
    .details =
        "RUN is the latest when not given. A run of another machine is refused. With --if-better the result is put together: what became "
        "significantly better (and nothing of it worse) and what is new comes from the run, the rest stays.",
    .operands = "NAME [RUN]",
    .operands_least = 1,
    .operands_most = 2,
    .options = update_options,
    .examples = update_examples,
    .settings_size = sizeof(assay_cli_baseline_settings),
    .run = run_update,
};
