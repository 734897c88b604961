/* SPDX-License-Identifier: MIT */
/* assay backtest --walk-forward. */
#include "cli/backtest.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "report/render.h"

static void put_windows(const assay_cli_backtest_job *j, const assay_backtest_walked *w, assay_buf *out) {
  assay_buf_printf(out, "%-24s %-24s %10s %10s  %s\n", "trained", "tested", "a year", "tested", "chosen");
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char from[ASSAY_REPORT_TEXT], middle[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT], scores[2][32];
    assay_cli_backtest_moment(j, v->train_first, from);
    assay_cli_backtest_moment(j, v->test_first, middle);
    assay_cli_backtest_moment(j, v->test_end - 1, to);
    assay_buf_printf(out, "%-10s to %-10s %-10s to %-10s ", from, middle, middle, to);
    assay_snprintf(scores[0], sizeof scores[0], "%.2f %%", 100 * v->trained.annual_return);
    assay_snprintf(scores[1], sizeof scores[1], "%.2f %%", 100 * v->tested.annual_return);
    assay_buf_printf(out, "%10s %10s  ", v->chosen ? scores[0] : "-", v->tested.bars > 0 ? scores[1] : "-");
    if (v->chosen)
      assay_cli_backtest_put_parameters(out, j->strategy, v->parameters);
    else
      assay_buf_printf(out, "nothing: %s", v->why);
    assay_buf_putc(out, '\n');
  }
  if (isfinite(w->efficiency)) {
    char kept[32];
    assay_snprintf(kept, sizeof kept, "%.0f %%", 100 * w->efficiency);
    assay_buf_printf(out, "Of the return a year in training %s were left in the tests.\n", kept);
  }
  assay_buf_putc(out, '\n');
}

static void json_walk(const assay_cli_backtest_job *j, const assay_backtest_walked *w, const assay_backtest_result *benchmark,
                      assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_cli_backtest_json_head(j, &json, "walk-forward");
  assay_json_put_string(&json, "objective", assay_backtest_objective_text(j->objective));
  assay_json_put_double(&json, "efficiency", w->efficiency);
  assay_json_key(&json, "carry");
  assay_json_bool(&json, j->settings->carry);
  assay_json_key(&json, "windows");
  assay_json_array(&json);
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char text[ASSAY_REPORT_TEXT];
    assay_json_object(&json);
    assay_json_put_string(&json, "train_from", assay_cli_backtest_iso(j, v->train_first, text));
    assay_json_put_string(&json, "test_from", assay_cli_backtest_iso(j, v->test_first, text));
    assay_json_put_string(&json, "test_to", assay_cli_backtest_iso(j, v->test_end - 1, text));
    if (v->chosen) assay_cli_backtest_json_parameters(&json, j->strategy, v->parameters);
    if (v->chosen) assay_cli_backtest_json_metrics(&json, "trained", &v->trained);
    if (!v->chosen) assay_json_put_string(&json, "why", v->why);
    if (v->tested.bars > 0) assay_cli_backtest_json_metrics(&json, "tested", &v->tested);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_cli_backtest_json_result(j, &json, w->result);
  assay_cli_backtest_json_metrics(&json, "hold", &benchmark->metrics);
  assay_json_end(&json);
}

assay_backtest_walk_forward assay_cli_backtest_walk_of(const assay_cli_backtest_job *j) {
  return (assay_backtest_walk_forward){.windows = (size_t)j->settings->windows,
                                       .train = (size_t)j->settings->train,
                                       .anchored = j->settings->anchored,
                                       .carry = j->settings->carry,
                                       .objective = j->objective};
}

int assay_cli_backtest_walk(assay_cli_backtest_job *j) {
  const assay_backtest_walk_forward walk = assay_cli_backtest_walk_of(j);
  assay_backtest_sweep sweep = assay_cli_backtest_sweep_of(j);
  assay_backtest_walked *walked = NULL;
  assay_backtest_result *benchmark = NULL;
  assay_buf out = {0};
  assay_backtest_options o = j->options;
  o.keep_fills = j->settings->json;
  sweep.stop = assay_cli_stop_on_signal();
  assay_status status = assay_backtest_run_walk_forward(&walk, &sweep, &j->bars.data, &o, j->err, &walked);
  if (status == ASSAY_OK) {
    size_t first = walked->result->first;
    status = assay_cli_backtest_hold(j, first, first + walked->result->metrics.bars, &benchmark);
  }
  const assay_backtest_choice choice = {
      .strategy = j->strategy, .ranges = j->ranges, .range_count = j->range_count, .objective = j->objective, .walked = walked};
  assay_cli_backtest_shown s = {.result = walked != NULL ? walked->result : NULL, .benchmark = benchmark, .choice = &choice};
  if (status == ASSAY_OK) status = assay_cli_backtest_write(j, &s);
  if (status == ASSAY_OK && j->settings->json) json_walk(j, walked, benchmark, &out);
  if (status == ASSAY_OK && !j->settings->json) {
    put_windows(j, walked, &out);
    assay_cli_backtest_put_text(j, &s, assay_cli_use_color(j->settings->color, stdout), &out);
  }
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  assay_buf_deinit(&out);
  assay_backtest_walked_destroy(walked);
  assay_backtest_result_destroy(benchmark);
  return code;
}
