/* SPDX-License-Identifier: MIT */
/* Rows of tables as bars of assets, all over the same times. */
#include "cli/bars.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "market/backtest/engine.h"
#include "market/table/bare.h"
#include "market/table/databento.h"
#include "market/table/times.h"

enum { OPEN, HIGH, LOW, CLOSE, VOLUME, COLUMNS, MOST_ASSETS = ASSAY_BACKTEST_MOST_ASSETS };

/* ---- A table ------------------------------------------------------------------------------------------------------------------------- */

/* A row of a table, and what is in it; rows of all assets are sorted into the same times. */
typedef struct row {
  int64_t time;
  size_t asset, line, table;
  double values[COLUMNS];
} row;

typedef struct reader {
  assay_cli *cli;
  const assay_cli_bars_settings *settings;
  assay_error *err;
  const char **names; /* of assets */
  const char **sources;
  size_t assets, tables;
  row *rows;
  size_t count, room;
  bool has_times, has_ranges, has_volume;
  const char *note;
} reader;

static assay_status out_of_memory(const reader *r) { return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for the bars"); }

typedef struct columns {
  size_t at[COLUMNS], clock, by, raw_close;
  bool has[COLUMNS], has_time, has_clock; /* the time of a day has a column of its own */
  assay_clock_style clocks;               /* what 1000 is there */
  assay_cli_times times;
} columns;

static const char *clock_cell(const assay_cli_table *t, const columns *c, size_t i) { return t->cells[i * t->columns + c->clock]; }

static bool read_clock(const assay_cli_table *t, const columns *c, size_t i, int64_t *ns) {
  const char *cell = clock_cell(t, c, i);
  return assay_table_clock(cell, strlen(cell), c->clocks, ns);
}

/* Dates that have a time of their own need none of another column. */
static bool are_midnights(const assay_cli_table *t, const columns *c) {
  const int64_t day_ns = INT64_C(86400000000000);
  int64_t ns;
  for (size_t i = 0; i < t->rows; i++)
    if (assay_cli_bars_date(t, &c->times, i, &ns) && ns % day_ns != 0) return false;
  return true;
}

/* 0930 and 24:00 are meant as times, which 1704187800 and "after market" are not. */
static bool is_meant_as_clock(const char *cell) { return cell[0] >= '0' && cell[0] <= '9' && strlen(cell) <= 8; }

/* What at most four digits are, as all of the column says. */
static void find_clock_style(const assay_cli_table *t, columns *c) {
  assay_clock_evidence evidence = {0};
  bool several_days = false;
  for (size_t i = 0; i < t->rows; i++) {
    const char *cell = clock_cell(t, c, i);
    assay_table_look_at_clock(cell, strlen(cell), &evidence);
    several_days = several_days || (c->has_time && c->times.at[i] != c->times.at[0]);
  }
  c->clocks = assay_table_clock_style(&evidence, several_days);
}

static assay_status odd_clock(const reader *r, const assay_cli_table *t, const columns *c, size_t i) {
  const char *cell = clock_cell(t, c, i);
  int64_t ns;
  if (c->clocks == ASSAY_CLOCK_OPEN && assay_table_clock(cell, strlen(cell), ASSAY_CLOCK_MINUTES, &ns))
    return ASSAY_FAIL(r->err, ASSAY_ERR_PARSE,
                      "%s:%zu: column '%s': '%s' may be hours and minutes, or minutes and seconds, and no row says which (09:30 says it)",
                      t->source, t->lines[i], t->names[c->clock], cell);
  return ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s' is no time of a day such as 09:30:00", t->source, t->lines[i],
                    t->names[c->clock], cell);
}

/* A column of other things is left alone; one of times has no cell that is none, since its row would be hours away. */
static assay_status find_clocks(reader *r, const assay_cli_table *t, columns *c) {
  static const char *const names[] = {"time", "time_m", NULL};
  int64_t ns;
  size_t clocks = 0, odd = t->rows;
  if (!assay_cli_table_has(t, names, &c->clock) || (c->times.named && c->clock == c->times.column)) return ASSAY_OK;
  find_clock_style(t, c);
  for (size_t i = t->rows; i > 0; i--)
    if (read_clock(t, c, i - 1, &ns))
      clocks++;
    else
      odd = i - 1;
  c->has_clock = clocks == t->rows && clocks > 0;
  if (c->has_clock || (clocks == 0 && !(c->has_time && is_meant_as_clock(clock_cell(t, c, 0)) && are_midnights(t, c)))) return ASSAY_OK;
  return odd_clock(r, t, c, odd);
}

/* A date and one column of numbers (FRED) leave no choice. */
static bool find_only_price(const assay_cli_table *t, size_t *column) {
  size_t time;
  if (t->columns != 2 || !assay_cli_table_finds(t, ASSAY_COLUMNS_OF_TIME, &time) || !assay_cli_table_is_numeric(t, 1 - time)) return false;
  *column = 1 - time;
  return true;
}

static assay_status no_close(const reader *r, const assay_cli_table *t) {
  assay_buf known = {0};
  if (strcmp(t->names[0], "1") == 0)
    return ASSAY_FAIL(
        r->err, ASSAY_ERR_NOT_FOUND,
        "%s has no line of names, and what its columns are is not to be seen: put one first, such as date,open,high,low,close,volume",
        t->source);
  for (size_t i = 0; i < t->columns && i < 12; i++) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", t->names[i]);
  assay_status status =
      ASSAY_FAIL(r->err, ASSAY_ERR_NOT_FOUND, "%s has no column 'close' or 'price': --column says which it is (it has %s%s)", t->source,
                 known.data != NULL ? known.data : "", t->columns > 12 ? ", ..." : "");
  assay_buf_deinit(&known);
  return status;
}

static bool find_volume(const assay_cli_table *t, size_t *column) {
  for (size_t i = 0; i < t->columns; i++)
    if (assay_column_is_some_volume(t->names[i], strlen(t->names[i]))) {
      *column = i;
      return true;
    }
  return false;
}

static assay_status find_columns(reader *r, const assay_cli_table *t, columns *c) {
  static const uint32_t own[COLUMNS] = {ASSAY_COLUMN_BIT(ASSAY_COLUMN_OPEN), ASSAY_COLUMN_BIT(ASSAY_COLUMN_HIGH),
                                        ASSAY_COLUMN_BIT(ASSAY_COLUMN_LOW), ASSAY_COLUMNS_OF_CLOSE,
                                        ASSAY_COLUMN_BIT(ASSAY_COLUMN_QUANTITY)};
  assay_status status = ASSAY_OK;
  *c = (columns){0};
  for (int i = 0; i < COLUMNS; i++) c->has[i] = i != CLOSE && assay_cli_table_finds(t, own[i], &c->at[i]);
  c->has[VOLUME] = c->has[VOLUME] || find_volume(t, &c->at[VOLUME]);
  bool ranges = c->has[OPEN] && c->has[HIGH] && c->has[LOW];
  c->has[OPEN] = c->has[HIGH] = c->has[LOW] = ranges;
  if (r->settings->column != NULL)
    status = assay_cli_table_column(t, r->settings->column, r->err, &c->at[CLOSE]);
  else if (!assay_cli_table_finds(t, ASSAY_COLUMNS_OF_CLOSE, &c->at[CLOSE]) && !find_only_price(t, &c->at[CLOSE]))
    status = no_close(r, t);
  c->raw_close = c->at[CLOSE];
  if (status == ASSAY_OK && r->settings->adjusted && !assay_cli_table_finds(t, ASSAY_COLUMN_BIT(ASSAY_COLUMN_ADJUSTED), &c->at[CLOSE]))
    status = ASSAY_FAIL(r->err, ASSAY_ERR_NOT_FOUND, "%s has no adjusted close ('adjclose', 'adj close')", t->source);
  if (status == ASSAY_OK && r->settings->by != NULL) status = assay_cli_table_column(t, r->settings->by, r->err, &c->by);
  return status == ASSAY_OK && r->settings->by == NULL ? assay_cli_table_is_of_one(t, r->err) : status;
}

static assay_status asset_of(reader *r, const char *name, bool *wanted, size_t *asset) {
  const assay_cli_words *w = &r->settings->assets;
  *wanted = w->count == 0;
  for (size_t i = 0; i < w->count; i++) *wanted = *wanted || strcmp(w->items[i], name) == 0;
  if (!*wanted) return ASSAY_OK;
  for (size_t i = r->assets; i > 0; i--)
    if (strcmp(r->names[i - 1], name) == 0) {
      *asset = i - 1;
      return ASSAY_OK;
    }
  if (r->assets == MOST_ASSETS) return ASSAY_FAIL(r->err, ASSAY_ERR_LIMIT, "there are more than %d assets", MOST_ASSETS);
  r->names[r->assets] = name;
  *asset = r->assets++;
  return ASSAY_OK;
}

static assay_status add_row(reader *r, const row *made) {
  if (r->count == r->room) {
    r->rows = assay_arena_grow(&r->cli->arena, r->rows, r->count, &r->room, sizeof *r->rows);
    if (r->rows == NULL) return out_of_memory(r);
  }
  r->rows[r->count++] = *made;
  return ASSAY_OK;
}

static void add_note(reader *r, const char *note) {
  r->note = r->note == NULL ? note : assay_arena_printf(&r->cli->arena, "%s %s", r->note, note);
}

/* A gap in the close is no bar; other gaps are refused where the row is checked. */
static assay_status read_rows(reader *r, const assay_cli_table *t, const columns *c, double *const numbers[COLUMNS], const double *raw,
                              const char *own_name) {
  for (size_t i = 0; i < t->rows; i++) {
    const char *name = r->settings->by != NULL ? t->cells[i * t->columns + c->by] : own_name;
    row made = {.line = t->lines[i], .table = r->tables, .time = (int64_t)i};
    bool wanted = true;
    assay_status status = asset_of(r, name, &wanted, &made.asset);
    if (status != ASSAY_OK) return status;
    if (!wanted || isnan(numbers[CLOSE][i])) continue;
    if (c->has_time && !assay_cli_bars_date(t, &c->times, i, &made.time)) return assay_cli_bars_odd_date(t, &c->times, i, r->err);
    int64_t clock = 0;
    if (c->has_clock && read_clock(t, c, i, &clock)) made.time += clock;
    double scale = r->settings->adjusted ? numbers[CLOSE][i] / raw[i] : 1;
    for (int k = 0; k < COLUMNS; k++)
      made.values[k] = !c->has[k] && k != CLOSE ? NAN : k == CLOSE || k == VOLUME ? numbers[k][i] : numbers[k][i] * scale;
    if (made.values[HIGH] < made.values[CLOSE] && made.values[HIGH] > made.values[CLOSE] * (1 - 1e-9))
      made.values[HIGH] = made.values[CLOSE];
    if (made.values[LOW] > made.values[CLOSE] && made.values[LOW] < made.values[CLOSE] * (1 + 1e-9)) made.values[LOW] = made.values[CLOSE];
    status = add_row(r, &made);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

static assay_status find_dates(reader *r, const assay_cli_table *t, columns *c) {
  assay_status status = assay_cli_bars_times(r->cli, t, r->settings->by != NULL ? c->by : SIZE_MAX, r->err, &c->times);
  c->has_time = c->times.named;
  for (size_t i = 0; status == ASSAY_OK && c->has_time && i < t->rows; i++) {
    const char *cell = t->cells[i * t->columns + c->times.column];
    int64_t month_first = 0, day_first = 0, nanos;
    if (!assay_table_date(cell, false, &month_first, &nanos) || !assay_table_date(cell, true, &day_first, &nanos) ||
        month_first == day_first)
      continue;
    add_note(r, assay_arena_printf(&r->cli->arena, "Dates of %s such as %.40s were read with the %s first.", t->source, cell,
                                   c->times.at[i] == month_first ? "month" : "day"));
    break;
  }
  return status;
}

/* Many sites put the newest row first. Where all assets of a table go back in time, it is read from its end. */
static assay_status turn_around(reader *r, size_t begin) {
  const row **last = assay_arena_alloc(&r->cli->arena, r->assets + 1, sizeof *last);
  size_t steps = 0;
  if (last == NULL) return out_of_memory(r);
  for (size_t a = 0; a < r->assets; a++) last[a] = NULL;
  for (size_t i = begin; i < r->count; i++) {
    const row *now = &r->rows[i], *before = last[now->asset];
    if (before != NULL && now->time >= before->time) return ASSAY_OK;
    steps += before != NULL;
    last[now->asset] = now;
  }
  if (steps < 2) return ASSAY_OK; /* two rows the wrong way round are a mistake */
  for (size_t i = begin, k = r->count - 1; i < k; i++, k--) {
    row other = r->rows[i];
    r->rows[i] = r->rows[k];
    r->rows[k] = other;
  }
  add_note(
      r, assay_arena_printf(&r->cli->arena, "The rows of %s go back in time, and were read from the last one up.", r->sources[r->tables]));
  return ASSAY_OK;
}

/* ---- Tables without names ------------------------------------------------------------------------------------------------------------ */

static assay_bare_table binance_table(const assay_cli_table *t) {
  assay_feed_text cells[12];
  double number;
  if (!assay_parse_f64(t->names[0], &number) || t->columns > 12) return ASSAY_BARE_OTHER;
  for (size_t i = 0; i < t->columns; i++) cells[i] = (assay_feed_text){.at = t->cells[i], .length = strlen(t->cells[i])};
  return assay_bare_binance(cells, t->columns);
}

static assay_feed_text cell_at(const assay_cli_table *t, size_t line, size_t column) {
  const char *cell = t->cells[line * t->columns + column];
  return (assay_feed_text){.at = cell, .length = strlen(cell)};
}

/* One price in each unit, and the line by which the table has both; 0: it has not. */
typedef struct units {
  const char *steps, *readable;
  size_t line;
} units;

static units find_units(const assay_cli_table *t, const size_t *prices, int count) {
  units u = {0};
  for (size_t i = 0; i < t->rows && u.line == 0; i++) {
    for (int k = 0; k < count; k++) {
      const assay_feed_text cell = cell_at(t, i, prices[k]);
      const assay_databento_unit unit = assay_databento_unit_of(cell);
      if (unit == ASSAY_DATABENTO_STEPS) u.steps = cell.at;
      if (unit == ASSAY_DATABENTO_READABLE) u.readable = cell.at;
    }
    if (u.steps != NULL && u.readable != NULL) u.line = t->lines[i];
  }
  return u;
}

static void scale_prices(const assay_cli_table *t, size_t column, bool are_steps, double *prices) {
  double step = 1;
  for (int i = 0; i < ASSAY_DATABENTO_DECIMALS && are_steps; i++) step *= 10;
  for (size_t i = 0; i < t->rows; i++) prices[i] = assay_databento_is_none(cell_at(t, i, column)) ? NAN : prices[i] / step;
}

static assay_status scale_databento(const reader *r, const assay_cli_table *t, const columns *c, double *const numbers[COLUMNS],
                                    double *raw) {
  static const char *const rtype[] = {"rtype", NULL}, *const names[] = {"open", "high", "low", "close", "price", NULL};
  size_t column, prices[COLUMNS];
  double *of_prices[COLUMNS];
  int count = 0;
  if (!assay_cli_table_has(t, rtype, &column)) return ASSAY_OK;
  for (int k = 0; k <= VOLUME; k++) { /* the last is the close as it was */
    const size_t at = k == VOLUME ? c->raw_close : c->at[k];
    double *const values = k == VOLUME ? raw : numbers[k];
    if (values == NULL || !assay_cli_table_is_one_of(t, at, names)) continue;
    prices[count] = at;
    of_prices[count++] = values;
  }
  const units u = find_units(t, prices, count);
  if (u.line > 0)
    return ASSAY_FAIL(
        r->err, ASSAY_ERR_PARSE,
        "%s:%zu: prices such as %.40s have a point, and others such as %.40s have none: of Databento they are all in 10^-9 or "
        "all readable",
        t->source, u.line, u.readable, u.steps);
  for (int k = 0; k < count; k++) scale_prices(t, prices[k], u.steps != NULL, of_prices[k]);
  return ASSAY_OK;
}

/* Klines get the names that they have at Binance; of the others no bars are made here. */
static assay_status name_columns(reader *r, assay_cli_table *t) {
  static const char *klines[] = {"open_time",       "open",       "high",         "low",   "close",
                                 "volume",          "close_time", "quote_volume", "count", "taker_buy_volume",
                                 "taker_buy_quote", "ignore"};
  static const char *const of_trades[] = {"is_buyer_maker", "isbuyermaker", "agg_trade_id", NULL};
  const assay_bare_table known = r->settings->column == NULL ? binance_table(t) : ASSAY_BARE_OTHER;
  size_t column;
  if (known == ASSAY_BARE_OTHER && r->settings->column == NULL && assay_cli_table_has(t, of_trades, &column))
    return ASSAY_FAIL(
        r->err, ASSAY_ERR_INVALID,
        "%s is a table of trades (column '%s'), not of bars: `assay feed bars --every 1h %s` makes bars of them, and --data - "
        "reads those",
        t->source, t->names[column], t->source);
  if (t->shape != NULL) add_note(r, assay_arena_printf(&r->cli->arena, "%s has no line of names and was read as %s.", t->source, t->shape));
  if (known == ASSAY_BARE_OTHER) return ASSAY_OK;
  if (known == ASSAY_BARE_BOOK_TICKER)
    return ASSAY_FAIL(r->err, ASSAY_ERR_INVALID, "%s has no line of names and looks like Binance's %s: no bars", t->source,
                      assay_bare_table_text(known));
  if (known != ASSAY_BARE_KLINES)
    return ASSAY_FAIL(r->err, ASSAY_ERR_INVALID,
                      "%s has no line of names and looks like Binance's %s, not like bars: `assay feed bars --every 1h %s` makes bars of "
                      "them, and --data - reads those",
                      t->source, assay_bare_table_text(known), t->source);
  t->names = klines;
  add_note(r,
           assay_arena_printf(&r->cli->arena,
                              "%s has no line of names and was read as Binance's klines: open time in %s, open, high, low, close, volume.",
                              t->source, strlen(t->cells[0]) == 13 ? "milliseconds" : "microseconds"));
  return ASSAY_OK;
}

/* ---- Files --------------------------------------------------------------------------------------------------------------------------- */

const char *assay_cli_bars_name(assay_arena *arena, const char *path) {
  static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2"};
  const char *slash = strrchr(path, '/');
  char *name = assay_arena_strdup(arena, slash != NULL ? slash + 1 : path), *dot = name != NULL ? strrchr(name, '.') : NULL;
  for (size_t i = 0; dot != NULL && dot > name && i < sizeof packed / sizeof *packed; i++) {
    if (strcmp(dot, packed[i]) != 0) continue;
    *dot = '\0';
    dot = strrchr(name, '.');
    break;
  }
  if (dot != NULL && dot > name) *dot = '\0';
  return name;
}

static assay_status read_file(reader *r, const char *path) {
  assay_cli_table t;
  columns c;
  double *numbers[COLUMNS] = {NULL}, *raw = NULL;
  const char *name = assay_cli_bars_name(&r->cli->arena, path);
  assay_status status = name == NULL ? out_of_memory(r) : assay_cli_table_read(r->cli, path, r->err, &t);
  if (status == ASSAY_OK) status = name_columns(r, &t);
  if (status == ASSAY_OK) status = find_columns(r, &t, &c);
  if (status == ASSAY_OK) status = find_dates(r, &t, &c);
  if (status == ASSAY_OK) status = find_clocks(r, &t, &c);
  if (status == ASSAY_OK && c.has_time && c.has_clock && !are_midnights(&t, &c)) {
    c.has_clock = false;
    add_note(r, assay_arena_printf(&r->cli->arena, "Column '%s' of %s was left out: the dates have a time of their own.", t.names[c.clock],
                                   t.source));
  }
  for (int i = 0; i < COLUMNS && status == ASSAY_OK; i++)
    if (c.has[i] || i == CLOSE) status = assay_cli_table_numbers(r->cli, &t, c.at[i], true, r->err, &numbers[i]);
  if (status == ASSAY_OK) status = assay_cli_table_numbers(r->cli, &t, c.raw_close, true, r->err, &raw);
  if (status != ASSAY_OK) return status;
  status = scale_databento(r, &t, &c, numbers, raw);
  if (status != ASSAY_OK) return status;
  r->sources[r->tables] = t.source;
  bool first = r->tables == 0;
  if (!first && c.has_time != r->has_times)
    return ASSAY_FAIL(r->err, ASSAY_ERR_INVALID, "%s %s dates, unlike the first file", path, c.has_time ? "has" : "has no");
  r->has_times = c.has_time;
  r->has_ranges = c.has[OPEN] && (first || r->has_ranges);
  r->has_volume = c.has[VOLUME] && (first || r->has_volume);
  const size_t before = r->count;
  status = read_rows(r, &t, &c, numbers, raw, name);
  if (status == ASSAY_OK && c.has_time) status = turn_around(r, before);
  r->tables++;
  return status;
}

/* ---- Into bars ----------------------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  if (x->asset != y->asset) return x->asset < y->asset ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

/* Rows of one asset have to ascend as they stand; those of several are brought together. */
static assay_status check_order(const reader *r) {
  const row **last = assay_arena_alloc(&r->cli->arena, r->assets, sizeof *last);
  if (last == NULL) return out_of_memory(r);
  for (size_t a = 0; a < r->assets; a++) last[a] = NULL;
  for (size_t i = 0; i < r->count; i++) {
    const row *now = &r->rows[i], *before = last[now->asset];
    if (before != NULL && now->time <= before->time)
      return ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: its date is not after that of line %zu: rows of an asset ascend in time",
                        r->sources[now->table], now->line, before->line);
    last[now->asset] = now;
  }
  return ASSAY_OK;
}

static assay_status fill_bars(reader *r, assay_cli_bars *made) {
  size_t times = 0;
  for (size_t i = 0; i < r->count; i++) times += i == 0 || r->rows[i].time != r->rows[i - 1].time;
  assay_bars *bars = assay_arena_alloc(&r->cli->arena, r->assets, sizeof *bars);
  int64_t *when = assay_arena_alloc(&r->cli->arena, times, sizeof *when);
  double *values = assay_arena_alloc(&r->cli->arena, times * r->assets * COLUMNS, sizeof *values);
  if (bars == NULL || when == NULL || values == NULL) return out_of_memory(r);
  for (size_t i = 0; i < times * r->assets * COLUMNS; i++) values[i] = NAN;
  size_t at = 0;
  for (size_t i = 0; i < r->count; i++) {
    const row *from = &r->rows[i];
    at += i > 0 && from->time != r->rows[i - 1].time;
    when[at] = from->time;
    for (int k = 0; k < COLUMNS; k++) values[(from->asset * COLUMNS + (size_t)k) * times + at] = from->values[k];
  }
  for (size_t a = 0; a < r->assets; a++) {
    double *own = values + a * COLUMNS * times;
    bars[a] = (assay_bars){.count = times,
                           .times = r->has_times ? when : NULL,
                           .open = r->has_ranges ? own + OPEN * times : NULL,
                           .high = r->has_ranges ? own + HIGH * times : NULL,
                           .low = r->has_ranges ? own + LOW * times : NULL,
                           .close = own + CLOSE * times,
                           .volume = r->has_volume ? own + VOLUME * times : NULL};
  }
  made->rows = times;
  made->data = (assay_backtest_data){.assets = r->assets, .bars = bars, .names = r->names};
  return ASSAY_OK;
}

/* With the line that a bar came from, which the library cannot know. */
static assay_status check_rows(const reader *r) {
  for (size_t i = 0; i < r->count; i++) {
    const row *from = &r->rows[i];
    const double *v = from->values;
    assay_bars bar = {.count = 1, .close = &v[CLOSE]};
    if (r->has_ranges) bar.open = &v[OPEN], bar.high = &v[HIGH], bar.low = &v[LOW];
    if (r->has_volume) bar.volume = &v[VOLUME];
    const char *wrong = assay_backtest_wrong_bar(&bar, 0);
    if (wrong != NULL) return ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: %s", r->sources[from->table], from->line, wrong);
  }
  return ASSAY_OK;
}

assay_status assay_cli_bars_read(assay_cli *cli, const assay_cli_bars_settings *settings, assay_error *err, assay_cli_bars *bars) {
  reader r = {.cli = cli, .settings = settings, .err = err};
  r.names = assay_arena_alloc(&cli->arena, MOST_ASSETS + 1, sizeof *r.names);
  r.sources = assay_arena_alloc(&cli->arena, settings->files.count + 1, sizeof *r.sources);
  if (r.names == NULL || r.sources == NULL) return out_of_memory(&r);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < settings->files.count && status == ASSAY_OK; i++) {
    size_t before = r.count;
    status = read_file(&r, settings->files.items[i]);
    if (status == ASSAY_OK && r.count == before)
      status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no bars%s", r.sources[i],
                          settings->assets.count > 0 ? " of the assets asked for" : "");
  }
  for (size_t i = 0; i < settings->assets.count && status == ASSAY_OK; i++) {
    bool found = false;
    for (size_t a = 0; a < r.assets; a++) found = found || strcmp(r.names[a], settings->assets.items[i]) == 0;
    if (!found) status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "no row is of the asset '%s'", settings->assets.items[i]);
  }
  if (status == ASSAY_OK) status = check_rows(&r);
  if (status == ASSAY_OK) status = check_order(&r);
  if (status != ASSAY_OK) return status;
  qsort(r.rows, r.count, sizeof *r.rows, by_time);
  if (!r.has_times) add_note(&r, assay_arena_printf(&cli->arena, "%s has no dates: its rows are bars in their order.", r.sources[0]));
  status = fill_bars(&r, bars);
  bars->note = r.note;
  return status;
}

/* ---- One of several ------------------------------------------------------------------------------------------------------------------ */

static const double *take_values(assay_cli *cli, const double *from, const double *close, size_t rows, size_t own) {
  double *values = from != NULL ? assay_arena_alloc(&cli->arena, own, sizeof *values) : NULL;
  for (size_t i = 0, at = 0; values != NULL && i < rows; i++)
    if (!isnan(close[i])) values[at++] = from[i];
  return values;
}

assay_status assay_cli_bars_take(assay_cli *cli, const assay_cli_bars *all, size_t asset, assay_error *err, assay_cli_bars *own) {
  const assay_bars *from = &all->data.bars[asset];
  size_t count = 0;
  for (size_t i = 0; i < all->rows; i++) count += !isnan(from->close[i]);
  assay_bars *bars = assay_arena_alloc(&cli->arena, 1, sizeof *bars);
  int64_t *times = assay_arena_alloc(&cli->arena, count, sizeof *times);
  if (bars == NULL || times == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the bars");
  for (size_t i = 0, at = 0; from->times != NULL && i < all->rows; i++)
    if (!isnan(from->close[i])) times[at++] = from->times[i];
  *bars = (assay_bars){.count = count,
                       .times = from->times != NULL ? times : NULL,
                       .open = take_values(cli, from->open, from->close, all->rows, count),
                       .high = take_values(cli, from->high, from->close, all->rows, count),
                       .low = take_values(cli, from->low, from->close, all->rows, count),
                       .close = take_values(cli, from->close, from->close, all->rows, count),
                       .volume = take_values(cli, from->volume, from->close, all->rows, count)};
  if (cli->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the bars");
  *own = (assay_cli_bars){
      .data = {.assets = 1, .bars = bars, .names = &all->data.names[asset]}, .rows = count, .is_part = true, .note = all->note};
  return ASSAY_OK;
}
