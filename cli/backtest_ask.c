/* SPDX-License-Identifier: MIT */
/* assay backtest: what is asked for, as strategy, parameters, ranges, bars and options. */
#include "cli/backtest.h"

#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "market/table/times.h"

const char *const assay_cli_backtest_objectives[] = {"sharpe", "sortino", "calmar", "return", "drawdown", NULL};

static assay_status find_strategy(assay_cli_backtest_job *j) {
  const char *word = j->settings->strategy;
  if (word == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--strategy is missing: `backtest --list` shows the strategies");
  j->strategy = assay_strategy_find(word);
  if (j->strategy != NULL) return ASSAY_OK;
  const char *nearest = assay_strategy_suggest(word);
  if (nearest != NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "there is no strategy '%s'; did you mean '%s'?", word, nearest);
  return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "there is no strategy '%s' (`backtest --list` shows them)", word);
}

static assay_status find_parameter(const assay_cli_backtest_job *j, const char *name, unsigned *place) {
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
static assay_status split_word(const assay_cli_backtest_job *j, const char *word, const char *option, const char *example, unsigned *place,
                               const char **rest) {
  const char *equals = strchr(word, '=');
  if (equals == NULL || equals == word) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs %s, not '%.60s'", option, example, word);
  const char *name = assay_arena_strndup(&j->cli->arena, word, (size_t)(equals - word));
  if (name == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *rest = equals + 1;
  return find_parameter(j, name, place);
}

static assay_status read_parameters(assay_cli_backtest_job *j) {
  const assay_cli_backtest_settings *s = j->settings;
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

/* "5,10,20" */
static bool read_list(assay_cli *cli, const char *text, assay_backtest_range *r) {
  size_t count = 1;
  for (const char *p = text; *p != '\0'; p++) count += *p == ',';
  double *values = assay_arena_alloc(&cli->arena, count, sizeof *values);
  for (r->value_count = 0; values != NULL && r->value_count < count; r->value_count++) {
    size_t length = strcspn(text, ",");
    const char *cell = assay_arena_strndup(&cli->arena, text, length);
    if (cell == NULL || !assay_parse_f64(cell, &values[r->value_count])) return false;
    text += length + (text[length] == ',');
  }
  r->values = values;
  return values != NULL;
}

/* "5..50", "20..200:10", or a list. */
static bool read_range(assay_cli *cli, const char *text, assay_backtest_range *r) {
  const char *dots = strstr(text, ".."), *colon = strchr(text, ':');
  if (dots == NULL && strchr(text, ',') != NULL) return read_list(cli, text, r);
  if (dots == NULL || (colon != NULL && colon < dots)) return false;
  const char *last = dots + 2;
  const char *first = assay_arena_strndup(&cli->arena, text, (size_t)(dots - text));
  const char *until = colon != NULL ? assay_arena_strndup(&cli->arena, last, (size_t)(colon - last)) : last;
  r->step = 1;
  return first != NULL && until != NULL && assay_parse_f64(first, &r->first) && assay_parse_f64(until, &r->last) &&
         (colon == NULL || assay_parse_f64(colon + 1, &r->step));
}

static assay_status read_sweep(assay_cli_backtest_job *j) {
  static const char example[] = "NAME=FIRST..LAST, NAME=FIRST..LAST:STEP or NAME=A,B,C, such as fast=5..50";
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
static assay_status find_bar(const assay_cli_backtest_job *j, const char *text, const char *option, size_t *bar) {
  const assay_bars *b = j->bars.data.bars;
  int64_t at = 0;
  if (b->times == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs bars with dates", option);
  if (!assay_table_compact(text, strlen(text), 1970, &at) && !assay_table_moment(text, &at))
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--%s needs a date such as 2026-12-24, not '%.40s'", option, text);
  *bar = 0;
  while (*bar < b->count && b->times[*bar] < at) ++*bar;
  return ASSAY_OK;
}

/* "AAPL=100@52.30", "AAPL=-5", or without a name where there is one asset. */
static assay_status read_position(assay_cli_backtest_job *j, const char *word, assay_backtest_held *held, bool *given) {
  const assay_backtest_data *data = &j->bars.data;
  const char *equals = strrchr(word, '='), *rest = equals != NULL ? equals + 1 : word, *at = strchr(rest, '@');
  size_t asset = 0, length = equals != NULL ? (size_t)(equals - word) : 0;
  while (equals != NULL && asset < data->assets && (strlen(data->names[asset]) != length || strncmp(data->names[asset], word, length) != 0))
    asset++;
  if (asset == data->assets)
    return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "--position %.60s: there is no asset '%.*s' (the first is '%s')", word, (int)length,
                      word, data->names[0]);
  if (equals == NULL && data->assets > 1)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--position %.60s: of several assets it says which, such as %s=100", word, data->names[0]);
  if (given[asset]) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--position says twice what is held of %s", data->names[asset]);
  const char *number = at != NULL ? assay_arena_strndup(&j->cli->arena, rest, (size_t)(at - rest)) : rest;
  assay_backtest_held made = {0};
  bool is_one = number != NULL && assay_parse_f64(number, &made.quantity);
  if (is_one && at != NULL) is_one = assay_parse_f64(at + 1, &made.price) && made.price > 0;
  if (!is_one)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID,
                      "--position needs QUANTITY, NAME=QUANTITY or NAME=QUANTITY@PRICE, such as 100@52.30, not '%.60s'", word);
  given[asset] = true;
  held[asset] = made;
  return ASSAY_OK;
}

static assay_status read_positions(assay_cli_backtest_job *j) {
  const assay_cli_words *words = &j->settings->positions;
  if (words->count == 0 && !(j->settings->cash > 0))
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--cash is above 0 unless --position says that something is held");
  if (words->count == 0) return ASSAY_OK;
  assay_backtest_held *held = assay_arena_alloc(&j->cli->arena, j->bars.data.assets, sizeof *held);
  bool *given = assay_arena_alloc(&j->cli->arena, j->bars.data.assets, sizeof *given);
  if (held == NULL || given == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for positions");
  memset(held, 0, j->bars.data.assets * sizeof *held);
  memset(given, 0, j->bars.data.assets * sizeof *given);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < words->count && status == ASSAY_OK; i++) status = read_position(j, words->items[i], held, given);
  j->options.held = held;
  return status;
}

assay_status assay_cli_backtest_read_options(assay_cli_backtest_job *j) {
  const assay_cli_backtest_settings *s = j->settings;
  j->options = (assay_backtest_options){
      .cash = s->cash,
      .fees = {.per_order = s->fee_order, .per_share = s->fee_share, .rate = s->fee_bps / 1e4, .least = s->fee_least},
      .slippage = {.rate = s->slippage_bps / 1e4, .ticks = s->ticks, .tick = s->tick, .volume_share = s->volume_share, .impact = s->impact},
      .lot = s->lot,
      .leverage = s->leverage,
      .maintenance = s->maintenance,
      .close_at_end = s->close_at_end,
      .no_short = s->no_short,
      .basis = s->fifo ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE,
      .periods_per_year = s->periods,
      .risk_free = s->risk_free,
      .events = s->events};
  if (j->bars.data.bars->times == NULL)
    j->bars.note = assay_arena_printf(
        &j->cli->arena,
        s->periods > 0 ? "%s A year is %.6g of them, as --periods says." : "%s A year is taken as %.6g of them; --periods says otherwise.",
        j->bars.note, s->periods > 0 ? s->periods : assay_backtest_periods_per_year(j->bars.data.bars));
  while (strcmp(assay_cli_backtest_objectives[j->objective], s->rank) != 0) j->objective++;
  assay_status status = read_positions(j);
  if (status == ASSAY_OK && s->begin != NULL) status = find_bar(j, s->begin, "from", &j->options.first);
  if (status == ASSAY_OK && s->end != NULL) status = find_bar(j, s->end, "to", &j->options.end);
  size_t end = s->end != NULL ? j->options.end : j->bars.rows;
  if (status == ASSAY_OK && (j->options.first >= end || end == 0))
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "no bar lies between --from and --to");
  return status;
}

assay_status assay_cli_backtest_read_bars(assay_cli_backtest_job *j) {
  assay_status status = assay_cli_bars_read(j->cli, &j->settings->from, j->err, &j->bars);
  if (status == ASSAY_OK && j->settings->actions != NULL) status = assay_cli_bars_actions(j->cli, j->settings->actions, j->err, &j->bars);
  return status;
}

/* --each has no account of all symbols together. */
static assay_status refuse_of_one(const assay_cli_backtest_job *j) {
  const assay_cli_backtest_settings *s = j->settings;
  const char *option = s->check ? "check-lookahead" : s->positions.count > 0 ? "position" : NULL;
  if (option != NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--each runs symbols by themselves, without --%s", option);
  if (!(s->cash > 0)) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--cash is above 0: each symbol begins with it");
  return ASSAY_OK;
}

assay_status assay_cli_backtest_read(assay_cli_backtest_job *j) {
  assay_status status = find_strategy(j);
  if (status == ASSAY_OK) status = read_parameters(j);
  if (status == ASSAY_OK) status = read_sweep(j);
  const assay_cli_book_settings *book = &j->settings->book;
  if (status == ASSAY_OK && (book->feed != NULL || book->symbol != NULL || book->format != NULL))
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID,
                        "--feed, --symbol and --format are for strategies in a book; %s trades on bars: --data FILE", j->strategy->name);
  if (status == ASSAY_OK && j->settings->from.files.count == 0)
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--data FILE is missing: a CSV table of bars (`-`: standard input)");
  if (status == ASSAY_OK && j->settings->carry && j->settings->windows == 0)
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--carry is of --walk-forward, whose tests follow each other");
  if (status == ASSAY_OK && j->settings->windows > 0 && j->range_count == 0)
    status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--walk-forward chooses between parameters: --sweep says which");
  if (status == ASSAY_OK && j->settings->each) return refuse_of_one(j);
  if (status == ASSAY_OK) status = assay_cli_backtest_read_bars(j);
  return status == ASSAY_OK ? assay_cli_backtest_read_options(j) : status;
}
