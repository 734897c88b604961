/* SPDX-License-Identifier: MIT */
/* assay backtest: strategies on the bars of a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/backtest_book.h"
#include "cli/backtest_report.h"
#include "cli/bars.h"
#include "cli/grid.h"
#include "os/prim.h"
#include "report/render.h"

typedef struct backtest_settings {
  assay_cli_bars_settings from;
  assay_cli_book_settings book;
  assay_cli_words parameters, sweep;
  const char *strategy, *rank, *begin, *end, *report, *color, *actions;
  double fast, slow, period;
  double cash, fee_bps, fee_share, fee_order, fee_least, slippage_bps, ticks, tick, volume_share, impact, lot, leverage, maintenance,
      periods, risk_free, seconds;
  uint64_t windows, train, workers, top, cuts;
  bool no_short, fifo, anchored, json, list, check, events;
} backtest_settings;

#define AT(field) .at = offsetof(backtest_settings, field)

typedef struct job {
  assay_cli *cli;
  const backtest_settings *settings;
  assay_error *err;
  const assay_strategy *strategy;
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_backtest_range ranges[ASSAY_STRATEGY_MOST_PARAMETERS];
  size_t range_count;
  assay_cli_bars bars;
  assay_backtest_options options;
  assay_backtest_objective objective;
} job;

static const char *const objectives[] = {"sharpe", "sortino", "calmar", "return", "drawdown", NULL};

/* ---- What is asked for --------------------------------------------------------------------------------------------------------------- */

static assay_status find_strategy(job *j) {
  const char *word = j->settings->strategy;
  if (word == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--strategy is missing: `backtest --list` shows the strategies");
  j->strategy = assay_strategy_find(word);
  if (j->strategy != NULL) return ASSAY_OK;
  const char *nearest = assay_strategy_suggest(word);
  if (nearest != NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "there is no strategy '%s'; did you mean '%s'?", word, nearest);
  return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "there is no strategy '%s' (`backtest --list` shows them)", word);
}

static assay_status find_parameter(const job *j, const char *name, unsigned *place) {
  int at = assay_strategy_parameter_at(j->strategy, name);
  if (at >= 0) {
    *place = (unsigned)at;
    return ASSAY_OK;
  }
  assay_buf known = {0};
  for (unsigned i = 0; i < j->strategy->parameter_count; i++)
    assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", j->strategy->parameters[i].name);
  assay_status status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has no parameter '%s' (it has %s)", j->strategy->name, name,
                                   known.data != NULL ? known.data : "none");
  assay_buf_deinit(&known);
  return status;
}

/* "NAME=..." into the name's place and what stands behind it. */
static assay_status split_word(const job *j, const char *word, const char *option, const char *example, unsigned *place,
                               const char **rest) {
  const char *equals = strchr(word, '=');
  if (equals == NULL || equals == word) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs %s, not '%.60s'", option, example, word);
  const char *name = assay_arena_strndup(&j->cli->arena, word, (size_t)(equals - word));
  if (name == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *rest = equals + 1;
  return find_parameter(j, name, place);
}

static assay_status read_parameters(job *j) {
  const backtest_settings *s = j->settings;
  const struct {
    const char *name;
    double value;
  } usual[] = {{"fast", s->fast}, {"slow", s->slow}, {"period", s->period}};
  assay_status status = ASSAY_OK;
  unsigned place = 0;
  assay_strategy_defaults(j->strategy, j->parameters);
  for (size_t i = 0; i < sizeof usual / sizeof *usual && status == ASSAY_OK; i++) {
    if (usual[i].value == 0) continue;
    status = find_parameter(j, usual[i].name, &place);
    if (status == ASSAY_OK) j->parameters[place] = usual[i].value;
  }
  for (size_t i = 0; i < s->parameters.count && status == ASSAY_OK; i++) {
    const char *word = s->parameters.items[i], *rest = NULL;
    double value = 0;
    status = split_word(j, word, "set", "NAME=NUMBER, such as fast=10", &place, &rest);
    if (status == ASSAY_OK && !assay_parse_f64(rest, &value))
      status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--set needs NAME=NUMBER, such as fast=10, not '%.60s'", word);
    if (status == ASSAY_OK) j->parameters[place] = value;
  }
  return status;
}

/* "5..50" or "20..200:10" */
static bool read_range(assay_cli *cli, const char *text, assay_backtest_range *r) {
  const char *dots = strstr(text, ".."), *colon = strchr(text, ':');
  if (dots == NULL || (colon != NULL && colon < dots)) return false;
  const char *last = dots + 2;
  const char *first = assay_arena_strndup(&cli->arena, text, (size_t)(dots - text));
  const char *until = colon != NULL ? assay_arena_strndup(&cli->arena, last, (size_t)(colon - last)) : last;
  r->step = 1;
  return first != NULL && until != NULL && assay_parse_f64(first, &r->first) && assay_parse_f64(until, &r->last) &&
         (colon == NULL || assay_parse_f64(colon + 1, &r->step));
}

static assay_status read_sweep(job *j) {
  static const char example[] = "NAME=FIRST..LAST or NAME=FIRST..LAST:STEP, such as fast=5..50";
  for (size_t i = 0; i < j->settings->sweep.count; i++) {
    const char *word = j->settings->sweep.items[i], *rest = NULL;
    if (j->range_count == ASSAY_STRATEGY_MOST_PARAMETERS)
      return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--sweep is given more than %d times", ASSAY_STRATEGY_MOST_PARAMETERS);
    assay_backtest_range *r = &j->ranges[j->range_count++];
    assay_status status = split_word(j, word, "sweep", example, &r->parameter, &rest);
    if (status != ASSAY_OK) return status;
    if (!read_range(j->cli, rest, r)) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--sweep needs %s, not '%.60s'", example, word);
  }
  return ASSAY_OK;
}

/* The first bar that is not before a date. */
static assay_status find_bar(const job *j, const char *text, const char *option, size_t *bar) {
  const assay_bars *b = j->bars.data.bars;
  int64_t at = 0;
  if (b->times == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs bars with dates", option);
  if (!assay_cli_parse_moment(text, &at))
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs a date such as 2026-12-24, not '%.40s'", option, text);
  *bar = 0;
  while (*bar < b->count && b->times[*bar] < at) ++*bar;
  return ASSAY_OK;
}

static assay_status read_options(job *j) {
  const backtest_settings *s = j->settings;
  j->options = (assay_backtest_options){
      .cash = s->cash,
      .fees = {.per_order = s->fee_order, .per_share = s->fee_share, .rate = s->fee_bps / 1e4, .least = s->fee_least},
      .slippage = {.rate = s->slippage_bps / 1e4, .ticks = s->ticks, .tick = s->tick, .volume_share = s->volume_share, .impact = s->impact},
      .lot = s->lot,
      .leverage = s->leverage,
      .maintenance = s->maintenance,
      .no_short = s->no_short,
      .basis = s->fifo ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE,
      .periods_per_year = s->periods,
      .risk_free = s->risk_free,
      .events = s->events};
  while (strcmp(objectives[j->objective], s->rank) != 0) j->objective++;
  assay_status status = ASSAY_OK;
  if (s->begin != NULL) status = find_bar(j, s->begin, "from", &j->options.first);
  if (status == ASSAY_OK && s->end != NULL) status = find_bar(j, s->end, "to", &j->options.end);
  size_t end = s->end != NULL ? j->options.end : j->bars.rows;
  if (status == ASSAY_OK && (j->options.first >= end || end == 0))
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "no bar lies between --from and --to");
  return status;
}

static assay_status read_all(job *j) {
  assay_status status = find_strategy(j);
  if (status == ASSAY_OK) status = read_parameters(j);
  if (status == ASSAY_OK) status = read_sweep(j);
  if (status == ASSAY_OK && (j->settings->book.feed != NULL || j->settings->book.symbol != NULL))
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--feed and --symbol are for strategies in a book; %s trades on bars: --data FILE",
                        j->strategy->name);
  if (status == ASSAY_OK && j->settings->from.files.count == 0)
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--data FILE is missing: a CSV table of bars (`-`: standard input)");
  if (status == ASSAY_OK && j->settings->windows > 0 && j->range_count == 0)
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--walk-forward chooses between parameters: --sweep says which");
  if (status == ASSAY_OK) status = assay_cli_bars_read(j->cli, &j->settings->from, j->err, &j->bars);
  if (status == ASSAY_OK && j->settings->actions != NULL) status = assay_cli_bars_actions(j->cli, j->settings->actions, j->err, &j->bars);
  if (status == ASSAY_OK) status = read_options(j);
  return status;
}

/* ---- Words and numbers --------------------------------------------------------------------------------------------------------------- */

static void put_parameters(assay_buf *out, const assay_strategy *strategy, const double *parameters) {
  for (unsigned i = 0; i < strategy->parameter_count; i++) {
    assay_buf_printf(out, "%s%s=", i > 0 ? " " : "", strategy->parameters[i].name);
    assay_buf_double(out, parameters[i]);
  }
}

static const char *moment_text(const job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  if (times == NULL) {
    snprintf(text, ASSAY_REPORT_TEXT, "bar %zu", bar);
    return text;
  }
  assay_report_when(times[bar] / 1000000000, text);
  if (times[bar] / 1000000000 % 86400 == 0 && strlen(text) > 10) text[10] = '\0';
  return text;
}

/* For programs: a date, or ISO 8601 to the fraction of a second that there is. */
static const char *iso_text(const job *j, size_t bar, char text[ASSAY_REPORT_TEXT]) {
  const int64_t *times = j->bars.data.bars->times;
  if (times == NULL) return moment_text(j, bar, text);
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

static void json_double(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

static void json_count(assay_json *json, const char *key, size_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}

static void json_text(assay_json *json, const char *key, const char *value) {
  assay_json_key(json, key);
  assay_json_string(json, value);
}

static void json_parameters(assay_json *json, const assay_strategy *strategy, const double *parameters) {
  assay_json_key(json, "parameters");
  assay_json_object_inline(json);
  for (unsigned i = 0; i < strategy->parameter_count; i++) json_double(json, strategy->parameters[i].name, parameters[i]);
  assay_json_end(json);
}

static void json_metrics(assay_json *json, const char *key, const assay_backtest_metrics *m) {
  assay_json_key(json, key);
  assay_json_object(json);
  json_double(json, "first_equity", m->first_equity);
  json_double(json, "last_equity", m->last_equity);
  json_double(json, "total_return", m->total_return);
  json_double(json, "annual_return", m->annual_return);
  json_double(json, "volatility", m->volatility);
  json_double(json, "downside", m->downside);
  json_double(json, "sharpe", m->sharpe);
  json_double(json, "sortino", m->sortino);
  json_double(json, "calmar", m->calmar);
  json_double(json, "max_drawdown", m->max_drawdown);
  json_count(json, "longest_drawdown", m->longest_drawdown);
  json_double(json, "exposure", m->exposure);
  json_double(json, "turnover", m->turnover);
  json_double(json, "win_rate", m->win_rate);
  json_double(json, "profit_factor", m->profit_factor);
  json_double(json, "average_trade", m->average_trade);
  json_double(json, "best_trade", m->best_trade);
  json_double(json, "worst_trade", m->worst_trade);
  json_double(json, "fees", m->fees);
  json_double(json, "realised", m->realised);
  json_double(json, "unrealised", m->unrealised);
  json_double(json, "dividends", m->dividends);
  json_count(json, "bars", m->bars);
  json_count(json, "trades", m->trades);
  json_count(json, "fills", m->fills);
  json_count(json, "orders", m->orders);
  json_count(json, "rejected", m->rejected);
  json_count(json, "margin_calls", m->margin_calls);
  json_count(json, "open_at_end", m->open_at_end);
  assay_json_key(json, "ruined_at");
  if (m->ruined_at == SIZE_MAX)
    assay_json_null(json);
  else
    assay_json_uint(json, m->ruined_at);
  assay_json_end(json);
}

static void json_head(const job *j, assay_json *json, const char *what) {
  char text[ASSAY_REPORT_TEXT];
  size_t end = j->options.end == 0 ? j->bars.rows : j->options.end;
  assay_json_object(json);
  json_text(json, "schema", "assay-backtest/1");
  json_text(json, "what", what);
  json_text(json, "strategy", j->strategy->name);
  assay_json_key(json, "assets");
  assay_json_array_inline(json);
  for (size_t a = 0; a < j->bars.data.assets; a++) assay_json_string(json, j->bars.data.names[a]);
  assay_json_end(json);
  json_text(json, "from", iso_text(j, j->options.first, text));
  json_text(json, "to", iso_text(j, end - 1, text));
}

/* ---- One run ------------------------------------------------------------------------------------------------------------------------- */

typedef struct shown {
  const assay_backtest_result *result, *benchmark;
  const double *parameters; /* NULL: they change on the way */
  const char *note;
} shown;

static void put_figures(const shown *s, assay_buf *out) {
  const char *name;
  char value[48], other[48];
  assay_buf_printf(out, "%-24s %14s %14s\n", "", "strategy", "hold");
  for (size_t i = 0; assay_backtest_metric_text(&s->result->metrics, i, &name, value); i++) {
    assay_backtest_metric_text(&s->benchmark->metrics, i, &name, other);
    assay_buf_printf(out, "%-24s %*s%s %*s%s\n", name, (int)(14 - assay_cli_text_width(value)), "", value,
                     (int)(14 - assay_cli_text_width(other)), "", other);
  }
}

static void put_text(const job *j, const shown *s, bool color, assay_buf *out) {
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  const assay_backtest_result *r = s->result;
  assay_buf_printf(out, "%s", j->strategy->title);
  if (s->parameters != NULL && j->strategy->parameter_count > 0) assay_buf_puts(out, ": ");
  if (s->parameters != NULL) put_parameters(out, j->strategy, s->parameters);
  assay_buf_printf(out, "\n%s to %s, ", moment_text(j, r->first, from), moment_text(j, r->first + r->metrics.bars - 1, to));
  assay_report_plural(out, r->metrics.bars, "bar");
  assay_buf_puts(out, "\n\n");
  assay_cli_plot plot = {.values = r->equity, .stride = 1, .count = r->metrics.bars};
  assay_cli_put_plot(out, &plot, color);
  assay_buf_putc(out, '\n');
  put_figures(s, out);
  if (r->rejection[0] != '\0') assay_buf_printf(out, "\nThe first order that was rejected: %s.\n", r->rejection);
  if (r->metrics.ruined_at != SIZE_MAX) assay_buf_printf(out, "\nEverything was lost on %s.\n", moment_text(j, r->metrics.ruined_at, from));
  if (s->note != NULL) assay_buf_printf(out, "\n%s\n", s->note);
}

static void json_trades(const job *j, assay_json *json, const assay_backtest_result *r) {
  assay_json_key(json, "trades");
  assay_json_array(json);
  for (size_t i = 0; i < r->metrics.trades && r->trades != NULL; i++) {
    char text[ASSAY_REPORT_TEXT];
    const assay_backtest_trade *t = &r->trades[i];
    assay_json_object_inline(json);
    json_text(json, "asset", j->bars.data.names[t->asset]);
    json_text(json, "entry", iso_text(j, t->entry_bar, text));
    json_text(json, "exit", iso_text(j, t->exit_bar, text));
    json_double(json, "quantity", t->quantity);
    json_double(json, "entry_price", t->entry_price);
    json_double(json, "exit_price", t->exit_price);
    json_double(json, "profit", t->profit);
    json_double(json, "fees", t->fees);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void json_fills(const job *j, assay_json *json, const assay_backtest_result *r) {
  assay_json_key(json, "fills");
  assay_json_array(json);
  for (size_t i = 0; i < r->metrics.fills && r->fills != NULL; i++) {
    char text[ASSAY_REPORT_TEXT];
    const assay_backtest_fill *f = &r->fills[i];
    assay_json_object_inline(json);
    json_text(json, "asset", j->bars.data.names[f->asset]);
    json_text(json, "at", iso_text(j, f->bar, text));
    json_double(json, "quantity", f->quantity);
    json_double(json, "price", f->price);
    json_double(json, "fee", f->fee);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void json_result(const job *j, assay_json *json, const assay_backtest_result *r) {
  json_double(json, "periods_per_year", r->periods_per_year);
  json_metrics(json, "metrics", &r->metrics);
  json_text(json, "rejection", r->rejection[0] != '\0' ? r->rejection : NULL);
  json_trades(j, json, r);
  json_fills(j, json, r);
  assay_json_key(json, "at");
  assay_json_array_inline(json);
  for (size_t i = 0; i < r->metrics.bars; i++) {
    char text[ASSAY_REPORT_TEXT];
    assay_json_string(json, iso_text(j, r->first + i, text));
  }
  assay_json_end(json);
  assay_json_key(json, "equity");
  assay_json_array_inline(json);
  for (size_t i = 0; i < r->metrics.bars; i++) assay_json_double(json, r->equity[i]);
  assay_json_end(json);
}

static assay_status write_report(const job *j, const shown *s) {
  if (j->settings->report == NULL) return ASSAY_OK;
  assay_buf title = {0}, subtitle = {0};
  char from[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT];
  assay_buf_printf(&title, "%s ", j->strategy->name);
  if (s->parameters != NULL) put_parameters(&title, j->strategy, s->parameters);
  if (s->parameters == NULL) assay_buf_puts(&title, "walk-forward");
  for (size_t a = 0; a < j->bars.data.assets && a < 8; a++) assay_buf_printf(&subtitle, "%s%s", a > 0 ? ", " : "", j->bars.data.names[a]);
  assay_buf_printf(&subtitle, "%s: %s to %s.%s%s", j->bars.data.assets > 8 ? " and more" : "", moment_text(j, s->result->first, from),
                   moment_text(j, s->result->first + s->result->metrics.bars - 1, to), s->note != NULL ? " " : "",
                   s->note != NULL ? s->note : "");
  assay_backtest_view view = {.title = title.data,
                              .subtitle = subtitle.data,
                              .result = s->result,
                              .benchmark = s->benchmark,
                              .benchmark_name = "hold",
                              .times = j->bars.data.bars->times,
                              .names = j->bars.data.names};
  assay_status status = title.failed || subtitle.failed ? ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the report")
                                                        : assay_cli_write_backtest_report(&view, j->settings->report, j->err);
  assay_buf_deinit(&title);
  assay_buf_deinit(&subtitle);
  return status;
}

/* Buying and holding over the same bars at the same costs. */
static assay_status run_benchmark(const job *j, size_t first, size_t end, assay_backtest_result **result) {
  assay_backtest_options o = j->options;
  o.first = first;
  o.end = end;
  o.keep_equity = true;
  return assay_backtest_run(assay_strategy_find("hold"), NULL, &j->bars.data, &o, j->err, result);
}

static int report_once(job *j, const double *parameters, const char *note) {
  assay_backtest_options o = j->options;
  assay_backtest_result *result = NULL, *benchmark = NULL;
  o.keep_equity = o.keep_trades = true;
  assay_status status = assay_backtest_run(j->strategy, parameters, &j->bars.data, &o, j->err, &result);
  if (status == ASSAY_OK) status = run_benchmark(j, o.first, o.end, &benchmark);
  shown s = {.result = result, .benchmark = benchmark, .parameters = parameters, .note = note};
  if (status == ASSAY_OK) status = write_report(j, &s);
  assay_backtest_result_destroy(result);
  assay_backtest_result_destroy(benchmark);
  return status == ASSAY_OK ? ASSAY_EXIT_FINE : assay_cli_fail(j->cli, j->err);
}

static int run_once(job *j, const double *parameters, const char *note) {
  assay_backtest_options o = j->options;
  assay_backtest_result *result = NULL, *benchmark = NULL;
  assay_buf out = {0};
  o.keep_equity = o.keep_trades = true;
  o.keep_fills = j->settings->json;
  assay_status status = assay_backtest_run(j->strategy, parameters, &j->bars.data, &o, j->err, &result);
  if (status == ASSAY_OK) status = run_benchmark(j, o.first, o.end, &benchmark);
  shown s = {.result = result, .benchmark = benchmark, .parameters = parameters, .note = note};
  if (status == ASSAY_OK) status = write_report(j, &s);
  if (status == ASSAY_OK && j->settings->json) {
    assay_json json = {.out = &out, .indent = 2};
    json_head(j, &json, "run");
    json_parameters(&json, j->strategy, parameters);
    json_result(j, &json, result);
    json_metrics(&json, "hold", &benchmark->metrics);
    assay_json_end(&json);
    assay_buf_putc(&out, '\n');
  } else if (status == ASSAY_OK) {
    put_text(j, &s, assay_cli_use_color(j->settings->color, stdout), &out);
  }
  assay_backtest_result_destroy(result);
  assay_backtest_result_destroy(benchmark);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  assay_buf_deinit(&out);
  return code;
}

/* ---- Sweeps -------------------------------------------------------------------------------------------------------------------------- */

static assay_backtest_sweep sweep_of(const job *j) {
  return (assay_backtest_sweep){.strategy = j->strategy,
                                .parameters = j->parameters,
                                .ranges = j->ranges,
                                .range_count = j->range_count,
                                .workers = (unsigned)j->settings->workers,
                                .seconds = j->settings->seconds};
}

/* qsort has no room for what to sort by. */
static assay_backtest_objective sort_objective;
static int by_score(const void *a, const void *b) {
  const assay_backtest_row *x = *(const assay_backtest_row *const *)a, *y = *(const assay_backtest_row *const *)b;
  double p = x->outcome == ASSAY_BACKTEST_DONE ? assay_backtest_score(&x->metrics, sort_objective) : NAN;
  double q = y->outcome == ASSAY_BACKTEST_DONE ? assay_backtest_score(&y->metrics, sort_objective) : NAN;
  if (isnan(p) != isnan(q)) return isnan(p) ? 1 : -1;
  if (p != q && !isnan(p)) return p > q ? -1 : 1;
  return x < y ? -1 : x > y;
}

static const assay_backtest_row **sorted(const job *j, const assay_backtest_row *rows, size_t count) {
  const assay_backtest_row **order = assay_arena_alloc(&j->cli->arena, count, sizeof *order);
  for (size_t i = 0; order != NULL && i < count; i++) order[i] = &rows[i];
  sort_objective = j->objective;
  if (order != NULL) qsort(order, count, sizeof *order, by_score);
  return order;
}

static void count_outcomes(const assay_backtest_row *rows, size_t count, size_t outcomes[5]) {
  for (size_t i = 0; i < count; i++) outcomes[rows[i].outcome]++;
}

static void put_sweep(const job *j, const assay_backtest_row *const *order, const assay_backtest_row *rows, size_t count, assay_buf *out) {
  size_t outcomes[5] = {0}, shown_rows = count < j->settings->top ? count : (size_t)j->settings->top;
  count_outcomes(rows, count, outcomes);
  assay_buf_printf(out, "%zu configurations of %s", count, j->strategy->name);
  for (int i = 1; i < 5; i++)
    if (outcomes[i] > 0) assay_buf_printf(out, ", %zu %s", outcomes[i], assay_backtest_outcome_text((assay_backtest_outcome)i));
  assay_buf_printf(out, "; best %s first\n\n", assay_backtest_objective_text(j->objective));
  for (size_t r = 0; r < j->range_count; r++) assay_buf_printf(out, "%10s", j->strategy->parameters[j->ranges[r].parameter].name);
  assay_buf_printf(out, "%12s%12s%10s%10s%10s%8s\n", "return", "a year", "Sharpe", "Calmar", "drawdown", "trades");
  for (size_t i = 0; i < shown_rows && order[i]->outcome == ASSAY_BACKTEST_DONE; i++) {
    const assay_backtest_metrics *m = &order[i]->metrics;
    char text[6][32];
    for (size_t r = 0; r < j->range_count; r++) {
      assay_snprintf(text[0], sizeof text[0], "%.6g", order[i]->parameters[j->ranges[r].parameter]);
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
    if (rows[i].outcome < ASSAY_BACKTEST_FAILED && !all_skipped) continue;
    assay_buf_printf(out, "%s: ", assay_backtest_outcome_text(rows[i].outcome));
    put_parameters(out, j->strategy, rows[i].parameters);
    assay_buf_printf(out, " (%s)\n", rows[i].why);
    told++;
  }
}

static void json_sweep(const job *j, const assay_backtest_row *rows, size_t count, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  size_t best = assay_backtest_best(rows, count, j->objective);
  json_head(j, &json, "sweep");
  json_text(&json, "objective", assay_backtest_objective_text(j->objective));
  assay_json_key(&json, "best");
  if (best == SIZE_MAX)
    assay_json_null(&json);
  else
    assay_json_uint(&json, best);
  assay_json_key(&json, "rows");
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) {
    assay_json_object_inline(&json);
    json_parameters(&json, j->strategy, rows[i].parameters);
    json_text(&json, "outcome", assay_backtest_outcome_text(rows[i].outcome));
    if (rows[i].outcome == ASSAY_BACKTEST_DONE)
      json_metrics(&json, "metrics", &rows[i].metrics);
    else
      json_text(&json, "why", rows[i].why);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

/* In text below the table; as JSON it is a row of the answer already, and only the report is wanted. */
static int show_best(job *j) {
  static const char note[] = "The best of many on the data that it was chosen on: --walk-forward says what it is worth on others.";
  if (j->settings->json) return report_once(j, j->parameters, note);
  fputs("\n", stdout);
  return run_once(j, j->parameters, note);
}

static int run_sweep(job *j) {
  assay_backtest_row *rows = NULL;
  size_t count = 0;
  assay_backtest_sweep sweep = sweep_of(j);
  assay_buf out = {0};
  assay_status status = assay_backtest_run_sweep(&sweep, &j->bars.data, &j->options, j->err, &rows, &count);
  const assay_backtest_row **order = status == ASSAY_OK ? sorted(j, rows, count) : NULL;
  size_t best = status == ASSAY_OK ? assay_backtest_best(rows, count, j->objective) : SIZE_MAX;
  if (status == ASSAY_OK && order == NULL) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  if (status == ASSAY_OK && j->settings->json) json_sweep(j, rows, count, &out);
  if (status == ASSAY_OK && !j->settings->json) put_sweep(j, order, rows, count, &out);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  assay_buf_deinit(&out);
  bool shows_best = code == ASSAY_EXIT_FINE && best != SIZE_MAX && (!j->settings->json || j->settings->report != NULL);
  if (shows_best) memcpy(j->parameters, rows[best].parameters, sizeof j->parameters);
  assay_backtest_rows_free(rows);
  return shows_best ? assay_cli_gravest(code, show_best(j)) : code;
}

/* ---- Walk-forward -------------------------------------------------------------------------------------------------------------------- */

static void put_windows(const job *j, const assay_backtest_walked *w, assay_buf *out) {
  assay_buf_printf(out, "%-24s %-24s %10s %10s  %s\n", "trained", "tested", "in sample", "out", "chosen");
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char from[ASSAY_REPORT_TEXT], middle[ASSAY_REPORT_TEXT], to[ASSAY_REPORT_TEXT], scores[2][32];
    moment_text(j, v->train_first, from);
    moment_text(j, v->test_first, middle);
    moment_text(j, v->test_end - 1, to);
    assay_buf_printf(out, "%-10s to %-10s %-10s to %-10s ", from, middle, middle, to);
    assay_snprintf(scores[0], sizeof scores[0], "%.2f %%", 100 * v->trained.total_return);
    assay_snprintf(scores[1], sizeof scores[1], "%.2f %%", 100 * v->tested.total_return);
    assay_buf_printf(out, "%10s %10s  ", v->chosen ? scores[0] : "-", v->chosen ? scores[1] : "-");
    if (v->chosen) put_parameters(out, j->strategy, v->parameters);
    assay_buf_puts(out, v->chosen ? "\n" : "nothing\n");
  }
  assay_buf_putc(out, '\n');
}

static void json_walk(const job *j, const assay_backtest_walked *w, const assay_backtest_result *benchmark, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  json_head(j, &json, "walk-forward");
  json_text(&json, "objective", assay_backtest_objective_text(j->objective));
  json_double(&json, "efficiency", w->efficiency);
  assay_json_key(&json, "windows");
  assay_json_array(&json);
  for (size_t i = 0; i < w->window_count; i++) {
    const assay_backtest_window *v = &w->windows[i];
    char text[ASSAY_REPORT_TEXT];
    assay_json_object(&json);
    json_text(&json, "train_from", iso_text(j, v->train_first, text));
    json_text(&json, "test_from", iso_text(j, v->test_first, text));
    json_text(&json, "test_to", iso_text(j, v->test_end - 1, text));
    if (v->chosen) json_parameters(&json, j->strategy, v->parameters);
    if (v->chosen) json_metrics(&json, "trained", &v->trained);
    if (v->chosen) json_metrics(&json, "tested", &v->tested);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  json_result(j, &json, w->result);
  json_metrics(&json, "hold", &benchmark->metrics);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static int run_walk(job *j) {
  assay_backtest_walk_forward walk = {.windows = (size_t)j->settings->windows,
                                      .train = (size_t)j->settings->train,
                                      .anchored = j->settings->anchored,
                                      .objective = j->objective};
  assay_backtest_sweep sweep = sweep_of(j);
  assay_backtest_walked *walked = NULL;
  assay_backtest_result *benchmark = NULL;
  assay_buf out = {0};
  assay_backtest_options o = j->options;
  o.keep_fills = j->settings->json;
  assay_status status = assay_backtest_run_walk_forward(&walk, &sweep, &j->bars.data, &o, j->err, &walked);
  if (status == ASSAY_OK) {
    size_t first = walked->result->first;
    status = run_benchmark(j, first, first + walked->result->metrics.bars, &benchmark);
  }
  shown s = {.result = walked != NULL ? walked->result : NULL, .benchmark = benchmark};
  if (status == ASSAY_OK) status = write_report(j, &s);
  if (status == ASSAY_OK && j->settings->json) json_walk(j, walked, benchmark, &out);
  if (status == ASSAY_OK && !j->settings->json) {
    put_windows(j, walked, &out);
    put_text(j, &s, assay_cli_use_color(j->settings->color, stdout), &out);
  }
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  assay_buf_deinit(&out);
  assay_backtest_walked_destroy(walked);
  assay_backtest_result_destroy(benchmark);
  return code;
}

/* ---- Look-ahead, the list ------------------------------------------------------------------------------------------------------------ */

static int run_check(job *j) {
  assay_backtest_peek peek;
  assay_buf out = {0};
  assay_status status =
      assay_backtest_check_lookahead(j->strategy, j->parameters, &j->bars.data, &j->options, (size_t)j->settings->cuts, j->err, &peek);
  if (status != ASSAY_OK) return assay_cli_fail(j->cli, j->err);
  if (j->settings->json) {
    assay_json json = {.out = &out, .indent = 2};
    json_head(j, &json, "lookahead");
    json_parameters(&json, j->strategy, j->parameters);
    assay_json_key(&json, "found");
    assay_json_bool(&json, peek.found);
    json_count(&json, "cuts", peek.cuts);
    json_text(&json, "why", peek.found ? peek.what : NULL);
    assay_json_end(&json);
    assay_buf_putc(&out, '\n');
  } else if (peek.found) {
    assay_buf_printf(&out, "%s looks ahead: %s\n", j->strategy->name, peek.what);
  } else {
    assay_buf_printf(&out, "%s decides the same whatever comes after: %zu cuts, two futures each\n", j->strategy->name, peek.cuts);
  }
  int code = assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  return assay_cli_gravest(code, peek.found ? ASSAY_EXIT_MISSED : ASSAY_EXIT_FINE);
}

static void list_one(const char *const words[3], const assay_strategy_parameter *parameters, unsigned count, assay_json *json,
                     assay_buf *out) {
  if (json != NULL) {
    assay_json_object(json);
    json_text(json, "name", words[0]);
    json_text(json, "title", words[1]);
    json_text(json, "summary", words[2]);
    assay_json_key(json, "parameters");
    assay_json_array(json);
  } else {
    assay_buf_printf(out, "%s: %s. %s\n", words[0], words[1], words[2]);
  }
  for (unsigned k = 0; k < count; k++) {
    const assay_strategy_parameter *p = &parameters[k];
    if (json != NULL) {
      assay_json_object_inline(json);
      json_text(json, "name", p->name);
      json_double(json, "usual", p->usual);
      json_double(json, "least", p->least);
      json_double(json, "most", p->most);
      json_text(json, "help", p->help);
      assay_json_end(json);
      continue;
    }
    char range[80];
    assay_snprintf(range, sizeof range, "%.6g (%.6g to %.6g)", p->usual, p->least, p->most);
    assay_buf_printf(out, "    %-12s %-28s %s\n", p->name, range, p->help);
  }
  if (json == NULL) return;
  assay_json_end(json);
  assay_json_end(json);
}

static int run_list(job *j) {
  assay_buf out = {0};
  assay_json document = {.out = &out, .indent = 2}, *json = j->settings->json ? &document : NULL;
  if (json != NULL) assay_json_array(json);
  for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
    const assay_strategy *s = assay_strategy_at(i);
    list_one((const char *[]){s->name, s->title, s->summary}, s->parameters, s->parameter_count, json, &out);
  }
  const assay_book_strategy *maker = &assay_book_strategy_maker;
  list_one((const char *[]){maker->name, maker->title, maker->summary}, maker->parameters, maker->parameter_count, json, &out);
  if (json != NULL) assay_json_end(json), assay_buf_putc(&out, '\n');
  int code = assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

/* What only bars have is refused where there are none, rather than passed over. */
static assay_status refuse_of_bars(const job *j) {
  const backtest_settings *s = j->settings;
  const char *option = s->sweep.count > 0        ? "sweep"
                       : s->windows > 0          ? "walk-forward"
                       : s->check                ? "check-lookahead"
                       : s->actions != NULL      ? "actions"
                       : s->begin != NULL        ? "from"
                       : s->end != NULL          ? "to"
                       : s->from.files.count > 0 ? "data"
                                                 : NULL;
  return option == NULL ? ASSAY_OK
                        : ASSAY_FAIL(j->err, ASSAY_ERR_INVALID,
                                     "--%s is for strategies on bars; %s takes --feed, --symbol, --set, fees and "
                                     "latencies",
                                     option, j->settings->strategy);
}

static int run(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  job j = {.cli = cli, .settings = raw, .err = &err};
  if (j.settings->list) return run_list(&j);
  if (assay_cli_check_backtest_report(j.settings->report, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_cli_book_settings book = j.settings->book;
  book.report = j.settings->report;
  book.cash = j.settings->cash;
  const assay_book_strategy *in_book = j.settings->strategy != NULL ? assay_cli_book_strategy(j.settings->strategy) : NULL;
  if (in_book != NULL && refuse_of_bars(&j) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (in_book != NULL)
    return assay_cli_backtest_book(cli, in_book, &book, &j.settings->parameters, j.settings->json,
                                   assay_cli_use_color(j.settings->color, stdout));
  if (read_all(&j) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (j.settings->check) return run_check(&j);
  if (j.settings->windows > 0) return run_walk(&j);
  return j.range_count > 0 ? run_sweep(&j) : run_once(&j, j.parameters, NULL);
}

static const assay_cli_option options[] = {
    {"strategy", 's', ASSAY_CLI_TEXT, "NAME", AT(strategy), .help = "Which; `backtest --list` shows them with their parameters."},
    {"data", 'd', ASSAY_CLI_REPEAT, "FILE", AT(from.files), .hint = ASSAY_CLI_FILE,
     .help = "CSV with a line of names: date, open, high, low, close, volume; or date and price. Several files are several assets. `-`: "
             "standard "
             "input."},
    {"feed", 0, ASSAY_CLI_TEXT, "FILE", AT(book.feed), .hint = ASSAY_CLI_FILE,
     .help = "Of market-making: a recorded feed (ITCH, DBN, ...)."},
    {"symbol", 0, ASSAY_CLI_TEXT, "NAME", AT(book.symbol), .help = "Of --feed: whose book; not needed where it has one symbol."},
    {"feed-us", 0, ASSAY_CLI_REAL, "N", "20", .low = 0, .high = 1e9, AT(book.feed_us),
     .help = "Of --feed: microseconds until an event is seen."},
    {"order-us", 0, ASSAY_CLI_REAL, "N", "20", .low = 0, .high = 1e9, AT(book.order_us),
     .help = "Of --feed: microseconds until an order arrives."},
    {"maker-bps", 0, ASSAY_CLI_REAL, "N", .low = -10000, .high = 10000, AT(book.maker_bps),
     .help = "Of --feed: fee for making; below 0 a rebate."},
    {"taker-bps", 0, ASSAY_CLI_REAL, "N", .low = -10000, .high = 10000, AT(book.taker_bps), .help = "Of --feed: fee for taking."},
    {"by", 0, ASSAY_CLI_TEXT, "COLUMN", AT(from.by), .help = "The rows of several assets stand in one file: this column names them."},
    {"asset", 0, ASSAY_CLI_REPEAT, "NAME", AT(from.assets), .help = "With --by: only these assets."},
    {"column", 'c', ASSAY_CLI_TEXT, "COLUMN", AT(from.column), .help = "The closes; 'close' or 'price' when not given."},
    {"adjusted", 0, ASSAY_CLI_FLAG, AT(from.adjusted), .help = "Bring all prices to the column of adjusted closes (splits, dividends)."},
    {"actions", 0, ASSAY_CLI_TEXT, "FILE", AT(actions), .hint = ASSAY_CLI_FILE,
     .help = "CSV of splits and dividends (date, split, dividend, asset), where prices are as they were traded."},
    {"fast", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(fast), .help = "The same as --set fast=ROWS."},
    {"slow", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(slow), .help = "The same as --set slow=ROWS."},
    {"period", 'p', ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(period), .help = "The same as --set period=ROWS."},
    {"set", 0, ASSAY_CLI_REPEAT, "NAME=NUMBER", AT(parameters), .help = "Any parameter by its name."},
    {"sweep", 0, ASSAY_CLI_REPEAT, "NAME=A..B[:STEP]", AT(sweep), .help = "Try these values, all combinations of several, on all cores."},
    {"rank", 0, ASSAY_CLI_TEXT, "WHAT", "sharpe", .choices = objectives, AT(rank), .help = "What the best of a sweep is best in."},
    {"top", 0, ASSAY_CLI_UNSIGNED, "N", "15", .low = 1, .high = 1e6, AT(top), .help = "How many of a sweep are shown."},
    {"walk-forward", 0, ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 10000, AT(windows),
     .help = "Choose on the past and try on what came next, N times one after the other."},
    {"train", 0, ASSAY_CLI_UNSIGNED, "N", "3", .low = 1, .high = 10000, AT(train),
     .help = "Of --walk-forward: a training is N times as long as a test."},
    {"anchored", 0, ASSAY_CLI_FLAG, AT(anchored), .help = "Of --walk-forward: every training begins with the first bar."},
    {"check-lookahead", 0, ASSAY_CLI_FLAG, AT(check),
     .help = "Run the strategy on other futures and compare what it decides before them; exit code 1 when it looks ahead."},
    {"cuts", 0, ASSAY_CLI_UNSIGNED, "N", "16", .low = 1, .high = 100000, AT(cuts), .help = "Of --check-lookahead: where futures begin."},
    {"cash", 0, ASSAY_CLI_REAL, "MONEY", "100000", .low = 1e-6, .high = 1e15, AT(cash), .help = "To begin with."},
    {"fee-bps", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 10000, AT(fee_bps), .help = "Fee in basis points of what is traded."},
    {"fee-order", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_order), .help = "Fee of each order."},
    {"fee-share", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_share), .help = "Fee of each unit."},
    {"fee-least", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_least), .help = "Least fee of an order."},
    {"slippage-bps", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 5000, AT(slippage_bps),
     .help = "Market and stop orders trade so much worse."},
    {"slippage-ticks", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e6, AT(ticks), .help = "The same in ticks of --tick."},
    {"tick", 0, ASSAY_CLI_REAL, "MONEY", "0.01", .low = 1e-12, .high = 1e9, AT(tick), .help = "Of --slippage-ticks."},
    {"volume-share", 0, ASSAY_CLI_REAL, "RATIO", .low = 0, .high = 1, AT(volume_share),
     .help = "Most of a bar's volume that orders take; the rest waits for the next."},
    {"impact", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e6, AT(impact),
     .help = "An order that is a share x of the volume moves the price by N x squared."},
    {"lot", 0, ASSAY_CLI_REAL, "UNITS", .low = 0, .high = 1e12, AT(lot),
     .help = "Whole multiples of it are traded; any fraction when not given."},
    {"leverage", 0, ASSAY_CLI_REAL, "N", "1", .low = 0.001, .high = 1000, AT(leverage), .help = "Exposure may be N times equity."},
    {"maintenance", 0, ASSAY_CLI_REAL, "RATIO", .low = 0, .high = 1, AT(maintenance),
     .help = "Below this share of exposure in equity everything is closed at the next open."},
    {"no-short", 0, ASSAY_CLI_FLAG, AT(no_short), .help = "Nothing is sold that is not there."},
    {"fifo", 0, ASSAY_CLI_FLAG, AT(fifo), .help = "What was bought first is sold first; at average cost otherwise."},
    {"risk-free", 0, ASSAY_CLI_REAL, "RATIO", .low = -1, .high = 5, AT(risk_free), .help = "Return a year that Sharpe's ratio is over."},
    {"periods", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e9, AT(periods), .help = "Bars a year; found from the dates when not given."},
    {"from", 0, ASSAY_CLI_TEXT, "DATE", AT(begin), .help = "Trade from here on; bars before it warm up."},
    {"to", 0, ASSAY_CLI_TEXT, "DATE", AT(end), .help = "End before this date."},
    {"workers", 'j', ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 256, AT(workers),
     .help = "Processes of a sweep; as many as CPUs when not given."},
    {"seconds", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 86400, AT(seconds), .help = "A configuration that takes longer is given up."},
    {"report", 'o', ASSAY_CLI_TEXT, "FILE", AT(report), .hint = ASSAY_CLI_FILE,
     .help = "Equity, drawdown, figures and trades as a page, or as a picture if the name ends in .svg."},
    {"events", 0, ASSAY_CLI_FLAG, AT(events), .help = "Call the strategy bar by bar although it could be faster: the same bits."},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, AT(color), .help = "Colours in the terminal."},
    {"list", 0, ASSAY_CLI_FLAG, AT(list), .help = "List the strategies with their parameters."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "As JSON: metrics, trades and the curve; all rows of a sweep."},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"one strategy, with fees", "backtest --strategy sma --fast 10 --slow 50 --fee-bps 5 --data sp500.csv"},
    {"all pairs of averages, as a page",
     "backtest --strategy sma --sweep fast=5..50 --sweep slow=20..200:5 --data sp500.csv --report best.html"},
    {"chosen on the past, tried on what came next",
     "backtest --strategy sma --sweep fast=5..50:5 --sweep slow=20..200:20 --walk-forward 8 --data sp500.csv"},
    {"does it see the future?", "backtest --strategy sma --check-lookahead --data sp500.csv"},
    {"quotes in a recorded book", "backtest --strategy market-making --feed day.itch --symbol AAPL --maker-bps -0.2 --set lean=1"},
    {"what there is", "backtest --list"},
    {0}};

const assay_cli_verb assay_cli_backtest = {
    .name = "backtest",
    .summary = "What a strategy would have earned on past bars.",
    .details =
        "A strategy sees a bar when it has closed, and trades on the next one: at its open, or within it where the price of an order is "
        "reached. "
        "Beside it stands buying and holding the same at the same costs. docs/backtest.md has every rule.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(backtest_settings),
    .run = run,
};
