/* SPDX-License-Identifier: MIT */
/* assay backtest: parts of the answer that runs, sweeps and walks share, as text and as JSON. */
#include "cli/backtest.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "report/render.h"

void assay_cli_backtest_put_parameters(assay_buf *out, const assay_strategy *strategy, const double *parameters) {
  for (unsigned i = 0; i < strategy->parameter_count; i++) {
    assay_buf_printf(out, "%s%s=", i > 0 ? " " : "", strategy->parameters[i].name);
    assay_buf_double(out, parameters[i]);
  }
}

const char *assay_cli_backtest_moment(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  if (times == NULL) {
    snprintf(text, ASSAY_REPORT_TEXT, "bar %zu", bar);
    return text;
  }
  assay_report_when(times[bar] / 1000000000, text);
  if (times[bar] / 1000000000 % 86400 == 0 && strlen(text) > 10) text[10] = '\0';
  return text;
}

const char *assay_cli_backtest_iso(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  if (times == NULL) return assay_cli_backtest_moment(j, bar, text);
  int64_t second = 1000000000, rest = (times[bar] % second + second) % second;
  time_t seconds = (time_t)((times[bar] - rest) / second);
  struct tm when = {0};
  gmtime_r(&seconds, &when);
  bool is_day = rest == 0 && seconds % 86400 == 0;
  size_t length = strftime(text, ASSAY_REPORT_TEXT, is_day ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%S", &when);
  if (rest != 0) {
    snprintf(text + length, ASSAY_REPORT_TEXT - length, ".%09d", (int)rest);
    while (text[strlen(text) - 1] == '0') text[strlen(text) - 1] = '\0';
  }
  if (!is_day) strcat(text, "Z");
  return text;
}

void assay_cli_json_number(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

void assay_cli_json_count(assay_json *json, const char *key, size_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}

void assay_cli_json_text(assay_json *json, const char *key, const char *value) {
  assay_json_key(json, key);
  assay_json_string(json, value);
}

void assay_cli_backtest_json_parameters(assay_json *json, const assay_strategy *strategy, const double *parameters) {
  assay_json_key(json, "parameters");
  assay_json_object_inline(json);
  for (unsigned i = 0; i < strategy->parameter_count; i++) assay_cli_json_number(json, strategy->parameters[i].name, parameters[i]);
  assay_json_end(json);
}

void assay_cli_backtest_json_metrics(assay_json *json, const char *key, const assay_backtest_metrics *m) {
  assay_json_key(json, key);
  assay_json_object(json);
  assay_cli_json_number(json, "first_equity", m->first_equity);
  assay_cli_json_number(json, "last_equity", m->last_equity);
  assay_cli_json_number(json, "total_return", m->total_return);
  assay_cli_json_number(json, "annual_return", m->annual_return);
  assay_cli_json_number(json, "volatility", m->volatility);
  assay_cli_json_number(json, "downside", m->downside);
  assay_cli_json_number(json, "sharpe", m->sharpe);
  assay_cli_json_number(json, "sortino", m->sortino);
  assay_cli_json_number(json, "calmar", m->calmar);
  assay_cli_json_number(json, "max_drawdown", m->max_drawdown);
  assay_cli_json_count(json, "longest_drawdown", m->longest_drawdown);
  assay_cli_json_number(json, "exposure", m->exposure);
  assay_cli_json_number(json, "turnover", m->turnover);
  assay_cli_json_number(json, "win_rate", m->win_rate);
  assay_cli_json_number(json, "profit_factor", m->profit_factor);
  assay_cli_json_number(json, "average_trade", m->average_trade);
  assay_cli_json_number(json, "best_trade", m->best_trade);
  assay_cli_json_number(json, "worst_trade", m->worst_trade);
  assay_cli_json_number(json, "fees", m->fees);
  assay_cli_json_number(json, "realised", m->realised);
  assay_cli_json_number(json, "unrealised", m->unrealised);
  assay_cli_json_number(json, "dividends", m->dividends);
  assay_cli_json_count(json, "bars", m->bars);
  assay_cli_json_count(json, "trades", m->trades);
  assay_cli_json_count(json, "fills", m->fills);
  assay_cli_json_count(json, "orders", m->orders);
  assay_cli_json_count(json, "rejected", m->rejected);
  assay_cli_json_count(json, "margin_calls", m->margin_calls);
  assay_cli_json_count(json, "open_at_end", m->open_at_end);
  assay_json_key(json, "ruined_at");
  if (m->ruined_at == SIZE_MAX)
    assay_json_null(json);
  else
    assay_json_uint(json, m->ruined_at);
  assay_json_end(json);
}

void assay_cli_backtest_json_head(const assay_cli_backtest_job *j, assay_json *json, const char *what) {
  char text[ASSAY_REPORT_TEXT];
  size_t end = j->options.end == 0 ? j->bars.rows : j->options.end;
  assay_json_object(json);
  assay_cli_json_text(json, "schema", "assay-backtest/1");
  assay_cli_json_text(json, "what", what);
  assay_cli_json_text(json, "strategy", j->strategy->name);
  assay_json_key(json, "assets");
  assay_json_array_inline(json);
  for (size_t a = 0; a < j->bars.data.assets; a++) assay_json_string(json, j->bars.data.names[a]);
  assay_json_end(json);
  assay_cli_json_text(json, "from", assay_cli_backtest_iso(j, j->options.first, text));
  assay_cli_json_text(json, "to", assay_cli_backtest_iso(j, end - 1, text));
}
