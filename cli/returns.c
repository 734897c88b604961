/* SPDX-License-Identifier: MIT */
#include "cli/returns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

const char *const assay_returns_kinds[] = {"prices", "returns", NULL};

enum { MOST_ASSETS = 8192 };

typedef struct loader {
  assay_cli *cli;
  const assay_returns_settings *settings;
  assay_error *err;
  assay_cli_table table;
  assay_returns *made;
  double *values; /* rows x assets, NaN: no number */
} loader;

static assay_status out_of_memory(const loader *l) {
  return ASSAY_FAIL(l->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", l->table.source);
}

static bool of_prices(const loader *l) { return strcmp(l->settings->of, "prices") == 0; }

/* ---- Which columns ------------------------------------------------------------------------------------------------------------------- */

/* The option that takes another column. */
static const char *other_choice(const loader *l) {
  return l->settings->by != NULL ? "--value says which counts" : "--column says what the assets are";
}

/* A column of dates as numbers (20240131, seconds since 1970), or a first one that counts, is no asset, and what it is called says so. */
static bool tells_time(const loader *l, size_t column) {
  static const char *const firsts[] = {"", "unnamed: 0", "index", "year", NULL};
  const char *name = l->table.names[column];
  bool tells = assay_cli_table_is(&l->table, column, ASSAY_COLUMNS_OF_TIME);
  tells = tells || (column == 0 && assay_cli_table_is_one_of(&l->table, column, firsts));
  if (tells) assay_cli_note(l->cli, "column '%s' of %s is taken for a date; %s", name, l->table.source, other_choice(l));
  return tells;
}

/* Volumes, market capitals, changes in percent and remarks with a number here and there are no prices. */
static bool is_beside(const loader *l, size_t column) {
  size_t numbers = 0, counts = 0, percents = 0;
  for (size_t i = 0; i < l->table.rows; i++) {
    const char *cell = l->table.cells[i * l->table.columns + column];
    if (assay_cell_is_gap(cell)) continue;
    size_t length = strlen(cell);
    numbers += strpbrk(cell, "0123456789") != NULL;
    counts += length > 1 && strchr("KMBT", cell[length - 1]) != NULL;
    percents += cell[length - 1] == '%';
  }
  if (assay_cli_table_is(&l->table, column, ASSAY_COLUMN_BIT(ASSAY_COLUMN_QUANTITY))) return true;
  if (2 * counts > numbers || (2 * percents > numbers && of_prices(l))) return true;
  return l->table.rows > 2 && (numbers < 2 || 10 * numbers < l->table.rows);
}

/* Open, high, low and close are one asset: its close. */
static bool find_close(const loader *l, size_t *close) {
  size_t other;
  return of_prices(l) && assay_cli_table_finds(&l->table, ASSAY_COLUMN_BIT(ASSAY_COLUMN_HIGH), &other) &&
         assay_cli_table_finds(&l->table, ASSAY_COLUMN_BIT(ASSAY_COLUMN_LOW), &other) &&
         assay_cli_table_finds(&l->table, ASSAY_COLUMNS_OF_CLOSE, close);
}

/* Columns that are prices (of bars the close) or other figures of assets, and the names of what is beside them, which is told. */
static assay_status sort_out(loader *l, const bool *known, size_t *columns, size_t *count) {
  size_t close = SIZE_MAX;
  bool is_bars = find_close(l, &close);
  assay_buf beside = {0};
  for (size_t c = 0; c < l->table.columns; c++) {
    if ((known != NULL && known[c]) || !assay_cli_table_is_numeric(&l->table, c) || tells_time(l, c)) continue;
    if (is_bars ? c == close : !is_beside(l, c))
      columns[(*count)++] = c;
    else
      assay_buf_printf(&beside, "%s'%s'", beside.length > 0 ? ", " : "", l->table.names[c]);
  }
  assay_status status = ASSAY_OK;
  if (beside.failed)
    status = out_of_memory(l);
  else if (*count == 0 && beside.length > 0)
    status = ASSAY_FAIL(l->err, ASSAY_ERR_PARSE, "%s has no column of prices; %s takes %.200s", l->table.source,
                        l->settings->by != NULL ? "--value" : "--column", beside.data);
  else if (*count == 0)
    status = ASSAY_FAIL(l->err, ASSAY_ERR_PARSE, "%s has no column of numbers", l->table.source);
  else if (beside.length > 0)
    assay_cli_note(l->cli, "%s of %s %s left out; %s", beside.data, l->table.source, strstr(beside.data, "', '") != NULL ? "are" : "is",
                   other_choice(l));
  assay_buf_deinit(&beside);
  return status;
}

/* ---- A column an asset --------------------------------------------------------------------------------------------------------------- */

static assay_status choose_columns(loader *l, size_t *columns, size_t *count) {
  const assay_cli_words *wanted = &l->settings->columns;
  *count = 0;
  for (size_t i = 0; i < wanted->count; i++) {
    assay_status status = assay_cli_table_column(&l->table, wanted->items[i], l->err, &columns[*count]);
    if (status != ASSAY_OK) return status;
    ++*count;
  }
  return *count > 0 ? ASSAY_OK : sort_out(l, NULL, columns, count);
}

/* Rows that go back in time are turned round. */
static assay_status turn_round(loader *l) {
  assay_cli_times times;
  bool back = false;
  assay_status status = assay_cli_table_times(l->cli, &l->table, NULL, l->err, &times);
  if (status == ASSAY_OK) status = assay_cli_times_direction(&l->table, &times, NULL, l->table.rows, l->err, &back);
  if (status != ASSAY_OK || !back) return status;
  assay_cli_note(l->cli, "the rows of %s go back in time (column '%s'): they are taken from the last one up", l->table.source,
                 l->table.names[times.column]);
  const size_t rows = l->made->rows, assets = l->made->assets;
  for (size_t i = 0, j = rows - 1; i < j; i++, j--) {
    for (size_t a = 0; a < assets; a++) {
      double kept = l->values[i * assets + a];
      l->values[i * assets + a] = l->values[j * assets + a];
      l->values[j * assets + a] = kept;
    }
    size_t line = l->made->lines[i];
    l->made->lines[i] = l->made->lines[j];
    l->made->lines[j] = line;
  }
  return ASSAY_OK;
}

static assay_status load_wide(loader *l) {
  size_t room = l->table.columns + l->settings->columns.count, count = 0;
  size_t *columns = assay_arena_alloc(&l->cli->arena, room, sizeof *columns);
  if (columns == NULL) return out_of_memory(l);
  assay_status status = choose_columns(l, columns, &count);
  if (status != ASSAY_OK) return status;
  l->made->assets = count;
  l->made->rows = l->table.rows;
  l->made->lines = l->table.lines;
  l->made->names = assay_arena_alloc(&l->cli->arena, count, sizeof *l->made->names);
  l->values = assay_arena_alloc(&l->cli->arena, count * l->table.rows, sizeof *l->values);
  if (l->made->names == NULL || l->values == NULL) return out_of_memory(l);
  for (size_t a = 0; a < count && status == ASSAY_OK; a++) {
    double *numbers = NULL;
    status = assay_cli_table_numbers(l->cli, &l->table, columns[a], true, l->err, &numbers);
    l->made->names[a] = l->table.names[columns[a]];
    for (size_t i = 0; i < l->table.rows && status == ASSAY_OK; i++) l->values[i * count + a] = numbers[i];
  }
  return status == ASSAY_OK ? turn_round(l) : status;
}

/* ---- A row an asset and date --------------------------------------------------------------------------------------------------------- */

static assay_status long_columns(loader *l, size_t *by, size_t *date, size_t *value) {
  const assay_returns_settings *s = l->settings;
  assay_status status = assay_cli_table_column(&l->table, s->by, l->err, by);
  if (status == ASSAY_OK && (s->date != NULL || !assay_cli_table_finds(&l->table, ASSAY_COLUMNS_OF_TIME, date)))
    status = assay_cli_table_column(&l->table, s->date != NULL ? s->date : "date", l->err, date);
  if (status != ASSAY_OK) return status;
  if (s->value != NULL) return assay_cli_table_column(&l->table, s->value, l->err, value);
  size_t found = 0, *columns = assay_arena_alloc(&l->cli->arena, l->table.columns, sizeof *columns);
  bool *known = assay_arena_alloc(&l->cli->arena, l->table.columns, sizeof *known);
  if (columns == NULL || known == NULL) return out_of_memory(l);
  memset(known, 0, l->table.columns * sizeof *known);
  known[*by] = known[*date] = true;
  status = sort_out(l, known, columns, &found);
  if (status != ASSAY_OK) return status;
  *value = columns[0];
  if (found == 1) return ASSAY_OK;
  return ASSAY_FAIL(l->err, ASSAY_ERR_INVALID, "%s has %zu columns of numbers ('%s', '%s'%s): --value says which", l->table.source, found,
                    l->table.names[columns[0]], l->table.names[columns[1]], found > 2 ? ", ..." : "");
}

static bool has_date(const loader *l, size_t date, size_t row) { return !assay_cell_is_gap(l->table.cells[row * l->table.columns + date]); }

/* A place of each date in time, where all of them tell it; else in the order in which they first come. An asset may begin before another
 * that stands in front of it. */
typedef struct dated {
  int64_t at, nanos, otherwise;
  size_t place;
} dated;
static int by_time(const void *a, const void *b) {
  const dated *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  if (x->nanos != y->nanos) return x->nanos < y->nanos ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

/* Where 02/01/2024 can be read in two ways, both put the dates of all assets in the same order, or nothing says which it is. */
static void check_otherwise(const dated *sorted, size_t count, assay_cli_times *times) {
  for (size_t i = 1; i < count && times->otherwise != NULL; i++) {
    const dated *last = &sorted[i - 1], *now = &sorted[i];
    bool same = now->at == last->at ? now->otherwise == last->otherwise : now->otherwise > last->otherwise;
    times->unclear = times->unclear || !same;
  }
}

static assay_status order_dates(loader *l, size_t by, size_t date, assay_cli_places *dates, size_t **places) {
  assay_cli_times times;
  size_t *made = assay_arena_alloc(&l->cli->arena, dates->count + 1, sizeof *made);
  dated *sorted = assay_arena_alloc(&l->cli->arena, dates->count + 1, sizeof *sorted);
  if (made == NULL || sorted == NULL) return out_of_memory(l);
  assay_status status = assay_cli_table_times_by(l->cli, &l->table, l->table.names[date], by, l->err, &times);
  if (status == ASSAY_OK) status = assay_cli_times_are_clear(&l->table, &times, l->err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < dates->count; i++) sorted[i] = (dated){.place = i};
  for (size_t i = 0; i < l->table.rows && times.known; i++) {
    if (!has_date(l, date, i)) continue;
    dated *to = &sorted[assay_cli_place_of(dates, l->table.cells[i * l->table.columns + date])];
    *to = (dated){times.at[i], times.nanos[i], times.otherwise != NULL ? times.otherwise[i] : 0, to->place};
  }
  qsort(sorted, dates->count, sizeof *sorted, by_time);
  check_otherwise(sorted, dates->count, &times);
  status = assay_cli_times_are_clear(&l->table, &times, l->err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < dates->count; i++) made[sorted[i].place] = i;
  *places = made;
  return ASSAY_OK;
}

/* What assets and dates there are; a row without a date is left out, and told. */
static assay_status find_places(loader *l, size_t by, size_t date, assay_cli_places *assets, assay_cli_places *dates) {
  const size_t columns = l->table.columns;
  size_t undated = 0;
  assay_status status = assay_cli_places_begin(l->cli, l->table.rows, l->err, assets);
  if (status == ASSAY_OK) status = assay_cli_places_begin(l->cli, l->table.rows, l->err, dates);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < l->table.rows; i++) {
    assay_cli_place_of(assets, l->table.cells[i * columns + by]);
    if (has_date(l, date, i))
      assay_cli_place_of(dates, l->table.cells[i * columns + date]);
    else
      undated++;
  }
  if (undated == l->table.rows)
    return ASSAY_FAIL(l->err, ASSAY_ERR_PARSE, "%s has no date in column '%s'", l->table.source, l->table.names[date]);
  if (undated > 0)
    assay_cli_note(l->cli, "%zu row%s of %s without a date (column '%s') left out", undated, undated == 1 ? "" : "s", l->table.source,
                   l->table.names[date]);
  if (assets->count > MOST_ASSETS)
    return ASSAY_FAIL(l->err, ASSAY_ERR_LIMIT, "%s has %zu different '%s'; %d is the limit", l->table.source, assets->count,
                      l->table.names[by], MOST_ASSETS);
  return ASSAY_OK;
}

static assay_status load_long(loader *l) {
  size_t by = 0, date = 0, value = 0, *places = NULL;
  double *numbers = NULL;
  assay_cli_places assets, dates;
  assay_status status = long_columns(l, &by, &date, &value);
  if (status == ASSAY_OK && l->settings->columns.count > 0)
    status = ASSAY_FAIL(l->err, ASSAY_ERR_INVALID, "--column is of tables with a column an asset; with --by it is --value");
  if (status == ASSAY_OK) status = assay_cli_table_numbers(l->cli, &l->table, value, true, l->err, &numbers);
  if (status == ASSAY_OK) status = find_places(l, by, date, &assets, &dates);
  if (status == ASSAY_OK) status = order_dates(l, by, date, &dates, &places);
  if (status != ASSAY_OK) return status;
  const size_t columns = l->table.columns;
  l->values = assay_arena_alloc(&l->cli->arena, assets.count * dates.count, sizeof *l->values);
  if (l->values == NULL) return out_of_memory(l);
  for (size_t i = 0; i < assets.count * dates.count; i++) l->values[i] = NAN;
  for (size_t i = 0; i < l->table.rows; i++) {
    if (!has_date(l, date, i)) continue;
    double *cell = &l->values[places[assay_cli_place_of(&dates, l->table.cells[i * columns + date])] * assets.count +
                              assay_cli_place_of(&assets, l->table.cells[i * columns + by])];
    if (!isnan(*cell))
      return ASSAY_FAIL(l->err, ASSAY_ERR_PARSE, "%s:%zu: '%s' has a second number on '%s'", l->table.source, l->table.lines[i],
                        l->table.cells[i * columns + by], l->table.cells[i * columns + date]);
    *cell = numbers[i];
  }
  l->made->assets = assets.count;
  l->made->names = assets.items;
  l->made->rows = dates.count;
  return ASSAY_OK;
}

/* ---- Both ---------------------------------------------------------------------------------------------------------------------------- */

/* An asset that has no number in a row takes the row from all of them: a return over a gap would be one of two periods. */
static void leave_out(loader *l) {
  size_t kept = 0, assets = l->made->assets;
  for (size_t i = 0; i < l->made->rows; i++) {
    bool whole = true;
    for (size_t a = 0; a < assets; a++) whole = whole && !isnan(l->values[i * assets + a]);
    if (!whole) continue;
    memmove(l->values + kept * assets, l->values + i * assets, assets * sizeof *l->values);
    if (l->made->lines != NULL) l->made->lines[kept] = l->made->lines[i];
    kept++;
  }
  l->made->left_out = l->made->rows - kept;
  l->made->rows = kept;
  l->made->values = l->values;
}

static assay_status make_returns(loader *l) {
  assay_returns *r = l->made;
  size_t assets = r->assets;
  bool prices = of_prices(l);
  if (r->rows < (prices ? 2u : 1u))
    return ASSAY_FAIL(l->err, ASSAY_ERR_INVALID, "%s has %zu row%s in which %s; at least %d are needed", l->table.source, r->rows,
                      r->rows == 1 ? "" : "s", assets == 1 ? "there is a number" : "every asset has a number", prices ? 3 : 2);
  r->periods = prices ? r->rows - 1 : r->rows;
  r->returns = r->values;
  if (!prices) return ASSAY_OK;
  double *returns = assay_arena_alloc(&l->cli->arena, r->periods * assets, sizeof *returns);
  if (returns == NULL) return out_of_memory(l);
  for (size_t i = 0; i < r->rows; i++) {
    for (size_t a = 0; a < assets; a++) {
      double now = r->values[i * assets + a];
      if (!(now > 0))
        return ASSAY_FAIL(l->err, ASSAY_ERR_INVALID, "%s: %s has the price %g in row %zu; prices are above 0 (--of returns for returns)",
                          l->table.source, r->names[a], now, i + 1);
      if (i > 0) returns[(i - 1) * assets + a] = now / r->values[(i - 1) * assets + a] - 1;
    }
  }
  r->returns = returns;
  return ASSAY_OK;
}

/* Four columns of returns that happen to lie as bars do are assets: only a date, and a time, keep what they were taken for. */
static assay_status take_for_assets(loader *l) {
  assay_cli_table *t = &l->table;
  const char **names = assay_arena_alloc(&l->cli->arena, t->columns, sizeof *names);
  if (names == NULL) return out_of_memory(l);
  for (size_t c = 0; c < t->columns; c++)
    names[c] = assay_cli_table_is(t, c, ASSAY_COLUMNS_OF_TIME) ? t->names[c] : assay_arena_printf(&l->cli->arena, "%zu", c + 1);
  if (l->cli->arena.failed) return out_of_memory(l);
  t->names = names;
  t->shape = NULL;
  return ASSAY_OK;
}

static assay_status read_table(assay_cli *cli, const char *path, const assay_returns_settings *settings, bool together, assay_error *err,
                               assay_returns *returns) {
  *returns = (assay_returns){0};
  loader l = {.cli = cli, .settings = settings, .err = err, .made = returns};
  assay_status status = assay_cli_table_read(cli, path, err, &l.table);
  if (status != ASSAY_OK) return status;
  returns->source = l.table.source;
  if (settings->by == NULL && (settings->value != NULL || settings->date != NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s goes with --by, which names the column of the assets",
                      settings->value != NULL ? "value" : "date");
  if (l.table.shape != NULL && !of_prices(&l) && (status = take_for_assets(&l)) != ASSAY_OK) return status;
  if (l.table.shape != NULL) assay_cli_note(cli, "%s has no line of names and was read as %s", l.table.source, l.table.shape);
  if (settings->by == NULL) status = assay_cli_table_is_of_one(&l.table, err);
  if (status == ASSAY_OK) status = settings->by != NULL ? load_long(&l) : load_wide(&l);
  if (status != ASSAY_OK) return status;
  returns->values = l.values;
  if (!together) return ASSAY_OK;
  leave_out(&l);
  return make_returns(&l);
}

assay_status assay_returns_read(assay_cli *cli, const char *path, const assay_returns_settings *settings, assay_error *err,
                                assay_returns *returns) {
  return read_table(cli, path, settings, true, err, returns);
}

assay_status assay_returns_read_apart(assay_cli *cli, const char *path, const assay_returns_settings *settings, assay_error *err,
                                      assay_returns *returns) {
  return read_table(cli, path, settings, false, err, returns);
}

assay_status assay_returns_apart(assay_cli *cli, const assay_returns *returns, const assay_returns_settings *settings, size_t asset,
                                 assay_error *err, assay_returns *alone) {
  loader l = {.cli = cli, .settings = settings, .err = err, .made = alone, .table = {.source = returns->source}};
  *alone = (assay_returns){.source = returns->source, .assets = 1, .names = &returns->names[asset], .rows = returns->rows};
  l.values = assay_arena_alloc(&cli->arena, returns->rows + 1, sizeof *l.values);
  if (l.values == NULL) return out_of_memory(&l);
  for (size_t i = 0; i < returns->rows; i++) l.values[i] = returns->values[i * returns->assets + asset];
  leave_out(&l);
  return make_returns(&l);
}

assay_status assay_returns_find(const assay_returns *returns, const char *name, assay_error *err, size_t *asset) {
  const char *names[65] = {NULL};
  for (size_t a = 0; a < returns->assets; a++) {
    if (a < 64) names[a] = returns->names[a];
    if (strcasecmp(returns->names[a], name) != 0) continue;
    *asset = a;
    return ASSAY_OK;
  }
  const char *nearest = assay_nearest_word(name, names);
  if (nearest != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no asset '%s'; did you mean '%s'?", returns->source, name, nearest);
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no asset '%s' (it has %zu, the first is '%s')", returns->source, name,
                    returns->assets, returns->names[0]);
}

double *assay_returns_of(assay_cli *cli, const assay_returns *returns, size_t asset) {
  double *values = assay_arena_alloc(&cli->arena, returns->periods + 1, sizeof *values);
  for (size_t i = 0; values != NULL && i < returns->periods; i++) values[i] = returns->returns[i * returns->assets + asset];
  return values;
}

void assay_returns_say_left_out(const assay_cli *cli, const assay_returns *returns) {
  if (returns->left_out > 0)
    fprintf(stderr, "%s %s: %zu rows of %s were left out, since not every asset has a number in them\n", cli->program, cli->verb->name,
            returns->left_out, returns->source);
}

assay_status assay_returns_pairs(assay_cli *cli, const assay_returns *returns, const assay_cli_words *pairs, const char *option,
                                 assay_error *err, double *values, bool *seen) {
  for (size_t i = 0; i < pairs->count; i++) {
    const char *equals = strrchr(pairs->items[i], '=');
    size_t asset = 0;
    double value = 0;
    if (equals == NULL || equals == pairs->items[i] || !assay_parse_f64(equals + 1, &value) || !isfinite(value))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs ASSET=NUMBER, such as %s=0.5, not '%s'", option, returns->names[0],
                        pairs->items[i]);
    const char *name = assay_arena_strndup(&cli->arena, pairs->items[i], (size_t)(equals - pairs->items[i]));
    if (name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --%s", option);
    assay_status status = assay_returns_find(returns, name, err, &asset);
    if (status != ASSAY_OK) return status;
    values[asset] = value;
    if (seen != NULL) seen[asset] = true;
  }
  return ASSAY_OK;
}

const char *const assay_returns_estimators[] = {"sample", "ewma", "ledoit-wolf", "ledoit-wolf-correlation", NULL};

assay_risk_covariance_options assay_returns_estimator(const char *name, double decay, bool zero_mean) {
  static const assay_risk_estimator kinds[] = {ASSAY_RISK_SAMPLE, ASSAY_RISK_EWMA, ASSAY_RISK_LEDOIT_WOLF,
                                               ASSAY_RISK_LEDOIT_WOLF_CORRELATION};
  size_t at = 0;
  while (assay_returns_estimators[at + 1] != NULL && strcmp(assay_returns_estimators[at], name) != 0) at++;
  return (assay_risk_covariance_options){.estimator = kinds[at], .decay = decay, .zero_mean = zero_mean};
}
