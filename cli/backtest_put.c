/* SPDX-License-Identifier: MIT */
/* assay backtest: parts of the answer that runs, sweeps and walks share, as text and as JSON. */
#include "cli/backtest.h"

#include <math.h>
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

const char *assay_cli_moment_iso(int64_t ns, char text[ASSAY_REPORT_TEXT]) {
  int64_t second = 1000000000, rest = (ns % second + second) % second;
  time_t seconds = (time_t)((ns - rest) / second);
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

const char *assay_cli_backtest_moment(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  if (times != NULL) return assay_report_moment(times[bar], text);
  snprintf(text, ASSAY_REPORT_TEXT, "bar %zu", bar);
  return text;
}

const char *assay_cli_backtest_iso(const assay_cli_backtest_job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  return times != NULL ? assay_cli_moment_iso(times[bar], text) : assay_cli_backtest_moment(j, bar, text);
}

void assay_cli_backtest_json_parameters(assay_json *json, const assay_strategy *strategy, const double *parameters) {
  assay_json_key(json, "parameters");
  assay_json_object_inline(json);
  for (unsigned i = 0; i < strategy->parameter_count; i++) assay_json_put_double(json, strategy->parameters[i].name, parameters[i]);
  assay_json_end(json);
}

/* Metrics under the names that programs know them by. */
#define RATIO(field) \
  { #field, offsetof(assay_backtest_metrics, field), false }
#define COUNT(field) \
  { #field, offsetof(assay_backtest_metrics, field), true }
static const struct {
  const char *name;
  size_t at;
  bool counts;
} fields[] = {RATIO(first_equity),     RATIO(last_equity), RATIO(total_return), RATIO(annual_return), RATIO(volatility),
              RATIO(downside),         RATIO(sharpe),      RATIO(sortino),      RATIO(calmar),        RATIO(max_drawdown),
              COUNT(longest_drawdown), RATIO(exposure),    RATIO(turnover),     RATIO(win_rate),      RATIO(profit_factor),
              RATIO(average_trade),    RATIO(best_trade),  RATIO(worst_trade),  RATIO(fees),          RATIO(realised),
              RATIO(unrealised),       RATIO(dividends),   COUNT(bars),         COUNT(trades),        COUNT(fills),
              COUNT(orders),           COUNT(rejected),    COUNT(margin_calls), COUNT(open_at_end),   COUNT(ruined_at)};
enum { FIELDS = sizeof fields / sizeof *fields };

static double ratio_of(const assay_backtest_metrics *m, size_t i) {
  double value;
  memcpy(&value, (const char *)m + fields[i].at, sizeof value);
  return value;
}

static size_t count_of(const assay_backtest_metrics *m, size_t i) {
  size_t value;
  memcpy(&value, (const char *)m + fields[i].at, sizeof value);
  return value;
}

void assay_cli_backtest_json_metrics(assay_json *json, const char *key, const assay_backtest_metrics *m) {
  assay_json_key(json, key);
  assay_json_object(json);
  for (size_t i = 0; i < FIELDS; i++) {
    assay_json_key(json, fields[i].name);
    if (!fields[i].counts)
      assay_json_double(json, ratio_of(m, i));
    else if (count_of(m, i) == SIZE_MAX)
      assay_json_null(json); /* ruined_at: never */
    else
      assay_json_uint(json, count_of(m, i));
  }
  assay_json_end(json);
}

void assay_cli_backtest_csv_names(assay_buf *out, const char *prefix) {
  for (size_t i = 0; i < FIELDS; i++) assay_buf_printf(out, ",%s%s", prefix, fields[i].name);
}

void assay_cli_backtest_csv_metrics(assay_buf *out, const assay_backtest_metrics *m) {
  for (size_t i = 0; i < FIELDS; i++) {
    assay_buf_putc(out, ',');
    if (m == NULL || (fields[i].counts && count_of(m, i) == SIZE_MAX)) continue;
    if (fields[i].counts)
      assay_buf_printf(out, "%zu", count_of(m, i));
    else
      assay_cli_put_number_cell(out, ratio_of(m, i));
  }
}

/* What is held to begin with. */
static void json_positions(const assay_cli_backtest_job *j, assay_json *json) {
  const assay_backtest_held *held = j->options.held;
  assay_json_key(json, "positions");
  assay_json_array(json);
  for (size_t a = 0; held != NULL && a < j->bars.data.assets; a++) {
    if (held[a].quantity == 0) continue;
    assay_json_object_inline(json);
    assay_json_put_string(json, "asset", j->bars.data.names[a]);
    assay_json_put_double(json, "quantity", held[a].quantity);
    assay_json_put_double(json, "price", held[a].price > 0 ? held[a].price : NAN);
    assay_json_end(json);
  }
  assay_json_end(json);
}

void assay_cli_backtest_json_begin(const assay_cli_backtest_job *j, assay_json *json, const char *what) {
  assay_json_object(json);
  assay_json_put_string(json, "schema", "assay-backtest/1");
  assay_json_put_string(json, "what", what);
  assay_json_put_string(json, "strategy", j->strategy->name);
}

void assay_cli_backtest_json_head(const assay_cli_backtest_job *j, assay_json *json, const char *what) {
  char text[ASSAY_REPORT_TEXT];
  size_t end = j->options.end == 0 ? j->bars.rows : j->options.end;
  assay_cli_backtest_json_begin(j, json, what);
  assay_json_key(json, "assets");
  assay_json_array_inline(json);
  for (size_t a = 0; a < j->bars.data.assets; a++) assay_json_string(json, j->bars.data.names[a]);
  assay_json_end(json);
  assay_json_put_string(json, "from", assay_cli_backtest_iso(j, j->options.first, text));
  assay_json_put_string(json, "to", assay_cli_backtest_iso(j, end - 1, text));
  assay_json_put_string(json, "note", j->bars.note);
  json_positions(j, json);
}
