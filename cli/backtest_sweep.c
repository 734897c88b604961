/* SPDX-License-Identifier: MIT */
/* assay backtest --sweep. */
#include "cli/backtest.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "market/backtest/engine.h"
#include "report/backtest.h"
#include "report/render.h"

assay_backtest_sweep assay_cli_backtest_sweep_of(const assay_cli_backtest_job *j) {
  return (assay_backtest_sweep){.strategy = j->strategy,
                                .parameters = j->parameters,
                                .ranges = j->ranges,
                                .range_count = j->range_count,
                                .workers = (unsigned)j->settings->workers,
                                .seconds = j->settings->seconds};
}

static const assay_ranked *sorted(const assay_cli_backtest_job *j, const assay_backtest_row *rows, size_t count) {
  assay_ranked *order = assay_arena_alloc(&j->cli->arena, count, sizeof *order);
  for (size_t i = 0; order != NULL && i < count; i++) order[i] = assay_ranked_of(rows[i].outcome, &rows[i].metrics, j->objective, i);
  if (order != NULL) assay_rank(order, count);
  return order;
}

static void count_outcomes(const assay_backtest_row *rows, size_t count, size_t outcomes[ASSAY_BACKTEST_OUTCOMES]) {
  for (size_t i = 0; i < count; i++) outcomes[rows[i].outcome]++;
}

static size_t count_not_run(const assay_backtest_row *rows, size_t count) {
  size_t outcomes[ASSAY_BACKTEST_OUTCOMES] = {0};
  count_outcomes(rows, count, outcomes);
  return outcomes[ASSAY_BACKTEST_NOT_RUN];
}

static void put_sweep(const assay_cli_backtest_job *j, const assay_ranked *order, const assay_backtest_row *rows, size_t count,
                      assay_buf *out) {
  size_t outcomes[ASSAY_BACKTEST_OUTCOMES] = {0}, shown_rows = count < j->settings->top ? count : (size_t)j->settings->top;
  count_outcomes(rows, count, outcomes);
  assay_report_plural(out, count, "configuration");
  assay_buf_printf(out, " of %s", j->strategy->name);
  for (int i = 1; i < ASSAY_BACKTEST_OUTCOMES; i++)
    if (outcomes[i] > 0) assay_buf_printf(out, ", %zu %s", outcomes[i], assay_backtest_outcome_text((assay_backtest_outcome)i));
  assay_buf_printf(out, "; best %s first\n\n", assay_backtest_objective_text(j->objective));
  for (size_t r = 0; r < j->range_count; r++) assay_buf_printf(out, "%10s", j->strategy->parameters[j->ranges[r].parameter].name);
  assay_buf_printf(out, "%12s%12s%10s%10s%10s%8s\n", "return", "a year", "Sharpe", "Calmar", "drawdown", "trades");
  for (size_t i = 0; i < shown_rows && !order[i].is_lost; i++) {
    const assay_backtest_row *row = &rows[order[i].row];
    const assay_backtest_metrics *m = &row->metrics;
    char text[6][32];
    for (size_t r = 0; r < j->range_count; r++) {
      assay_snprintf(text[0], sizeof text[0], "%.6g", row->parameters[j->ranges[r].parameter]);
      assay_buf_printf(out, "%10s", text[0]);
    }
    assay_snprintf(text[0], sizeof text[0], "%.2f %%", 100 * m->total_return);
    assay_snprintf(text[1], sizeof text[1], "%.2f %%", 100 * m->annual_return);
    assay_snprintf(text[2], sizeof text[2], "%.3f", m->sharpe);
    assay_snprintf(text[3], sizeof text[3], "%.3f", m->calmar);
    assay_snprintf(text[4], sizeof text[4], "%.2f %%", 100 * m->max_drawdown);
    assay_buf_printf(out, "%12s%12s%10s%10s%10s%8zu\n", text[0], text[1], text[2], text[3], text[4], m->trades);
  }
  for (size_t i = 0, told = 0; i < count && told < 3; i++) {
    bool all_skipped = outcomes[ASSAY_BACKTEST_SKIPPED] == count && told == 0;
    if ((rows[i].outcome < ASSAY_BACKTEST_FAILED || rows[i].outcome == ASSAY_BACKTEST_NOT_RUN) && !all_skipped) continue;
    assay_buf_printf(out, "%s: ", assay_backtest_outcome_text(rows[i].outcome));
    assay_cli_backtest_put_parameters(out, j->strategy, rows[i].parameters);
    assay_buf_printf(out, " (%s)\n", rows[i].why);
    told++;
  }
}

static void json_luck(assay_json *json, const assay_backtest_luck *luck) {
  assay_json_key(json, "luck");
  if (luck == NULL) {
    assay_json_null(json);
    return;
  }
  assay_json_object_inline(json);
  assay_json_put_uint(json, "trials", luck->trials);
  assay_json_put_double(json, "correlation", luck->correlation);
  assay_json_put_double(json, "independent", luck->independent);
  assay_json_put_double(json, "best_sharpe", luck->best);
  assay_json_put_double(json, "spread", luck->spread);
  assay_json_put_double(json, "expected_best", luck->expected_best);
  assay_json_put_double(json, "deflated_sharpe", luck->probability);
  assay_json_end(json);
}

static void json_sweep(const assay_cli_backtest_job *j, const assay_backtest_choice *c, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_cli_backtest_json_head(j, &json, "sweep");
  assay_json_put_string(&json, "objective", assay_backtest_objective_text(j->objective));
  assay_json_key(&json, "partial");
  assay_json_bool(&json, count_not_run(c->rows, c->row_count) > 0);
  assay_json_key(&json, "best");
  if (c->best == SIZE_MAX)
    assay_json_null(&json);
  else
    assay_json_uint(&json, c->best);
  json_luck(&json, c->luck);
  assay_json_key(&json, "rows");
  assay_json_array(&json);
  for (size_t i = 0; i < c->row_count; i++) {
    const assay_backtest_row *row = &c->rows[i];
    assay_json_object_inline(&json);
    assay_cli_backtest_json_parameters(&json, j->strategy, row->parameters);
    assay_json_put_string(&json, "outcome", assay_backtest_outcome_text(row->outcome));
    if (row->outcome == ASSAY_BACKTEST_DONE)
      assay_cli_backtest_json_metrics(&json, "metrics", &row->metrics);
    else
      assay_json_put_string(&json, "why", row->why);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

/* What the best is worth, in a sentence below its figures. */
static void put_luck(const assay_backtest_luck *l, assay_buf *out) {
  char best[48], expected[48], sure[48], count[80] = "";
  if (l->trials > 1 && isfinite(l->probability)) {
    assay_snprintf(best, sizeof best, "%.2f", l->best);
    assay_snprintf(expected, sizeof expected, "%.2f", l->expected_best);
    assay_snprintf(sure, sizeof sure, "%.1f %%", 100 * l->probability);
    if (l->correlation > 0) assay_snprintf(count, sizeof count, " (as much alike as %.0f that have nothing in common)", l->independent);
    assay_buf_printf(
        out,
        "The best of %zu%s, on the data that it was chosen on: a Sharpe ratio of %s,\nwhere luck alone would show %s as the best of so "
        "many (deflated Sharpe ratio %s; 95 %% is a usual bar). ",
        l->trials, count, best, expected, sure);
  } else {
    assay_buf_puts(out, "The best of many on the data that it was chosen on. ");
  }
  assay_buf_puts(out, "--walk-forward says what it is worth on others.");
}

/* The best once more, with its curve, beside buying and holding: for the text, the files, and what it is worth. */
static assay_status show_best(assay_cli_backtest_job *j, assay_backtest_choice *c, assay_buf *out) {
  assay_backtest_result *result = NULL, *benchmark = NULL;
  assay_backtest_luck luck;
  double correlation = NAN;
  assay_buf note = {0};
  memcpy(j->parameters, c->rows[c->best].parameters, sizeof j->parameters);
  assay_status status = assay_cli_backtest_run(j, j->parameters, &result);
  if (status == ASSAY_OK) status = assay_cli_backtest_hold(j, j->options.first, j->options.end, &benchmark);
  const assay_backtest_sweep sweep = assay_cli_backtest_sweep_of(j);
  if (status == ASSAY_OK)
    status = assay_backtest_correlate(&sweep, &j->bars.data, &j->options, c->rows, c->row_count, j->err, &correlation);
  if (status == ASSAY_OK) status = assay_backtest_measure_luck(c->rows, c->row_count, result, correlation, j->err, &luck);
  if (status == ASSAY_OK) {
    c->luck = &luck;
    put_luck(&luck, &note);
    assay_cli_backtest_shown s = {.result = result, .benchmark = benchmark, .parameters = j->parameters, .note = note.data, .choice = c};
    status = assay_cli_backtest_write(j, &s);
    if (j->settings->json) json_sweep(j, c, out);
    if (!j->settings->json) assay_cli_backtest_put_text(j, &s, assay_cli_use_color(j->settings->color, stdout), out);
  }
  assay_buf_deinit(&note);
  assay_backtest_result_destroy(result);
  assay_backtest_result_destroy(benchmark);
  return status;
}

/* What was done when somebody said stop is an answer, but not the one that was asked for. */
static int tell_stopped(const assay_cli_backtest_job *j, const assay_backtest_row *rows, size_t count, int code) {
  const size_t not_run = count_not_run(rows, count);
  if (not_run == 0) return code;
  assay_cli_note(j->cli, "stopped: %zu of %zu configurations are not run, and the answer is of the others", not_run, count);
  return assay_cli_gravest(code, 130);
}

static assay_status refuse_reports(const assay_backtest_choice *c, assay_error *err) {
  char why[160];
  assay_backtest_tell_unscored(c->rows, c->row_count, c->objective, why);
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is nothing that a report could show: %s", why);
}

int assay_cli_backtest_sweep(assay_cli_backtest_job *j) {
  assay_backtest_row *rows = NULL;
  size_t count = 0;
  assay_backtest_sweep sweep = assay_cli_backtest_sweep_of(j);
  assay_buf out = {0};
  bool json = j->settings->json;
  sweep.stop = assay_cli_stop_on_signal();
  assay_status status = assay_backtest_run_sweep(&sweep, &j->bars.data, &j->options, j->err, &rows, &count);
  const assay_ranked *order = status == ASSAY_OK ? sorted(j, rows, count) : NULL;
  if (status == ASSAY_OK && order == NULL) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  if (status == ASSAY_OK && !json) put_sweep(j, order, rows, count, &out);
  assay_backtest_choice choice = {.strategy = j->strategy,
                                  .ranges = j->ranges,
                                  .range_count = j->range_count,
                                  .objective = j->objective,
                                  .rows = rows,
                                  .row_count = count,
                                  .most_rows = j->settings->top > 200 ? (size_t)j->settings->top : 200};
  choice.best = status == ASSAY_OK ? assay_backtest_best(rows, count, j->objective) : SIZE_MAX;
  bool has_best = choice.best != SIZE_MAX;
  if (status == ASSAY_OK && has_best && !json) assay_buf_putc(&out, '\n');
  if (status == ASSAY_OK && has_best) status = show_best(j, &choice, &out);
  if (status == ASSAY_OK && !has_best && json) json_sweep(j, &choice, &out);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  if (status == ASSAY_OK && !has_best && j->settings->reports.count > 0 && count_not_run(rows, count) == 0)
    status = refuse_reports(&choice, j->err);
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  if (status == ASSAY_OK) code = tell_stopped(j, rows, count, code);
  assay_buf_deinit(&out);
  assay_backtest_rows_free(rows);
  return code;
}
