/* SPDX-License-Identifier: MIT */
/* assay backtest: one configuration, beside buying and holding. */
#include "cli/backtest.h"

#include <string.h>

#include "base/number.h"
#include "cli/grid.h"
#include "report/render.h"

static void put_figures(const assay_cli_backtest_shown *s, assay_buf *out) {
  const char *name;
  char value[48], other[48];
  assay_buf_printf(out, "%-26s %14s %14s\n", "", "strategy", "hold");
  for (size_t i = 0; assay_backtest_metric_text(&s->result->metrics, i, &name, value); i++) {
    assay_backtest_metric_text(&s->benchmark->metrics, i, &name, other);
    assay_buf_printf(out, "%-26s %*s%s %*s%s\n", name, (int)(14 - assay_cli_text_width(value)), "", value,
                     (int)(14 - assay_cli_text_width(other)), "", other);
  }
}

void assay_cli_backtest_put_text(const assay_cli_backtest_job *j, const assay_cli_backtest_shown *s, bool color, assay_buf *out) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  const assay_backtest_result *r = s->result;
  assay_buf_printf(out, "%s", j->strategy->title);
  if (s->parameters != NULL && j->strategy->parameter_count > 0) assay_buf_puts(out, ": ");
  if (s->parameters != NULL) assay_cli_backtest_put_parameters(out, j->strategy, s->parameters);
  assay_buf_printf(out, "\n%s to %s, ", assay_cli_backtest_moment(j, r->first, from),
                   assay_cli_backtest_moment(j, r->first + r->metrics.bars - 1, to));
  assay_report_plural(out, r->metrics.bars, "bar");
  assay_buf_puts(out, "\n");
  if (j->bars.note != NULL) assay_buf_printf(out, "%s\n", j->bars.note);
  assay_buf_putc(out, '\n');
  assay_cli_plot plot = {.values = r->equity, .stride = 1, .count = r->metrics.bars};
  assay_cli_put_plot(out, &plot, color);
  assay_buf_putc(out, '\n');
  put_figures(s, out);
  if (r->rejection[0] != '\0') assay_buf_printf(out, "\nThe first order that was rejected: %s.\n", r->rejection);
  if (r->metrics.ruined_at != SIZE_MAX)
    assay_buf_printf(out, "\nEverything was lost on %s.\n", assay_cli_backtest_moment(j, r->metrics.ruined_at, from));
  if (s->note != NULL) assay_buf_printf(out, "\n%s\n", s->note);
}

static void json_trades(const assay_cli_backtest_job *j, assay_json *json, const assay_backtest_result *r) {
  assay_json_key(json, "trades");
  assay_json_array(json);
  for (size_t i = 0; i < r->metrics.trades && r->trades != NULL; i++) {
    char text[ASSAY_REPORT_TEXT];
    const assay_backtest_trade *t = &r->trades[i];
    assay_json_object_inline(json);
    assay_json_put_string(json, "asset", j->bars.data.names[t->asset]);
    assay_json_put_string(json, "entry", assay_cli_backtest_iso(j, t->entry_bar, text));
    assay_json_put_string(json, "exit", assay_cli_backtest_iso(j, t->exit_bar, text));
    assay_json_put_double(json, "quantity", t->quantity);
    assay_json_put_double(json, "entry_price", t->entry_price);
    assay_json_put_double(json, "exit_price", t->exit_price);
    assay_json_put_double(json, "profit", t->profit);
    assay_json_put_double(json, "fees", t->fees);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void json_fills(const assay_cli_backtest_job *j, assay_json *json, const assay_backtest_result *r) {
  assay_json_key(json, "fills");
  assay_json_array(json);
  for (size_t i = 0; i < r->metrics.fills && r->fills != NULL; i++) {
    char text[ASSAY_REPORT_TEXT];
    const assay_backtest_fill *f = &r->fills[i];
    assay_json_object_inline(json);
    assay_json_put_string(json, "asset", j->bars.data.names[f->asset]);
    assay_json_put_string(json, "at", assay_cli_backtest_iso(j, f->bar, text));
    assay_json_put_double(json, "quantity", f->quantity);
    assay_json_put_double(json, "price", f->price);
    assay_json_put_double(json, "fee", f->fee);
    assay_json_end(json);
  }
  assay_json_end(json);
}

void assay_cli_backtest_json_result(const assay_cli_backtest_job *j, assay_json *json, const assay_backtest_result *r) {
  assay_json_put_double(json, "periods_per_year", r->periods_per_year);
  assay_cli_backtest_json_metrics(json, "metrics", &r->metrics);
  assay_json_put_string(json, "rejection", r->rejection[0] != '\0' ? r->rejection : NULL);
  json_trades(j, json, r);
  json_fills(j, json, r);
  assay_json_key(json, "at");
  assay_json_array_inline(json);
  for (size_t i = 0; i < r->metrics.bars; i++) {
    char text[ASSAY_REPORT_TEXT];
    assay_json_string(json, assay_cli_backtest_iso(j, r->first + i, text));
  }
  assay_json_end(json);
  assay_json_key(json, "equity");
  assay_json_array_inline(json);
  for (size_t i = 0; i < r->metrics.bars; i++) assay_json_double(json, r->equity[i]);
  assay_json_end(json);
}

assay_status assay_cli_backtest_hold(const assay_cli_backtest_job *j, size_t first, size_t end, assay_backtest_result **result) {
  assay_backtest_options o = j->options;
  o.first = first;
  o.end = end;
  o.keep_equity = true;
  return assay_backtest_run(assay_strategy_find("hold"), NULL, &j->bars.data, &o, j->err, result);
}

assay_status assay_cli_backtest_run(const assay_cli_backtest_job *j, const double *parameters, assay_backtest_result **result) {
  assay_backtest_options o = j->options;
  o.keep_equity = o.keep_trades = true;
  o.keep_fills = j->settings->json;
  return assay_backtest_run(j->strategy, parameters, &j->bars.data, &o, j->err, result);
}

int assay_cli_backtest_once(assay_cli_backtest_job *j) {
  assay_backtest_result *result = NULL, *benchmark = NULL;
  assay_buf out = {0};
  assay_status status = assay_cli_backtest_run(j, j->parameters, &result);
  if (status == ASSAY_OK) status = assay_cli_backtest_hold(j, j->options.first, j->options.end, &benchmark);
  assay_cli_backtest_shown s = {.result = result, .benchmark = benchmark, .parameters = j->parameters};
  if (status == ASSAY_OK) status = assay_cli_backtest_write(j, &s);
  if (status == ASSAY_OK && j->settings->json) {
    assay_json json = {.out = &out, .indent = 2};
    assay_cli_backtest_json_head(j, &json, "run");
    assay_cli_backtest_json_parameters(&json, j->strategy, j->parameters);
    assay_cli_backtest_json_result(j, &json, result);
    assay_cli_backtest_json_metrics(&json, "hold", &benchmark->metrics);
    assay_json_end(&json);
  } else if (status == ASSAY_OK) {
    assay_cli_backtest_put_text(j, &s, assay_cli_use_color(j->settings->color, stdout), &out);
  }
  assay_backtest_result_destroy(result);
  assay_backtest_result_destroy(benchmark);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  assay_buf_deinit(&out);
  return code;
}
