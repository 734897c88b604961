/* SPDX-License-Identifier: MIT */
/* assay backtest --walk-forward. */
#include "cli/backtest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "report/backtest.h"
#include "report/render.h"

enum { SPAN = 2 * ASSAY_REPORT_TEXT + 8, FIGURE = 10 };

/* "2020-01-02 to 2020-06-30": from bar `first` to before bar `end`. */
static void span_text(const assay_cli_backtest_job *j, size_t first, size_t end, char text[SPAN]) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  snprintf(text, SPAN, "%s to %s", assay_cli_backtest_moment(j, first, from), assay_cli_backtest_moment(j, end - 1, to));
}

static int width_of_spans(const assay_cli_backtest_job *j, const assay_backtest_walked *w) {
  int width = (int)strlen("trained");
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char text[2][SPAN];
    span_text(j, v->train_first, v->test_first, text[0]);
    span_text(j, v->test_first, v->test_end, text[1]);
    for (int k = 0; k < 2; k++) width = (int)strlen(text[k]) > width ? (int)strlen(text[k]) : width;
  }
  return width;
}

static void put_window(const assay_cli_backtest_job *j, const assay_backtest_window *v, int width, assay_buf *out) {
  char spans[2][SPAN], trained[48], tested[48];
  span_text(j, v->train_first, v->test_first, spans[0]);
  span_text(j, v->test_first, v->test_end, spans[1]);
  assay_backtest_figure_text(v->trained.annual_return, ASSAY_FIGURE_PERCENT, trained);
  assay_backtest_figure_text(v->tested.annual_return, ASSAY_FIGURE_PERCENT, tested);
  assay_buf_printf(out, "%-*s  %-*s ", width, spans[0], width, spans[1]);
  assay_report_fit(out, v->chosen ? trained : "-", FIGURE, true);
  assay_buf_putc(out, ' ');
  assay_report_fit(out, v->tested.bars > 0 ? tested : "-", FIGURE, true);
  assay_buf_puts(out, "  ");
  if (v->chosen)
    assay_cli_backtest_put_parameters(out, j->strategy, v->parameters);
  else
    assay_buf_printf(out, "nothing: %s", v->why);
  assay_buf_putc(out, '\n');
}

static void put_windows(const assay_cli_backtest_job *j, const assay_backtest_walked *w, assay_buf *out) {
  const int width = width_of_spans(j, w);
  assay_buf_printf(out, "%-*s  %-*s %*s %*s  %s\n", width, "trained", width, "tested", FIGURE, "a year", FIGURE, "tested", "chosen");
  for (size_t i = 0; i < w->window_count; i++) put_window(j, &w->windows[i], width, out);
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
