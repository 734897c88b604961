/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <assay/feed_file.h>

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cli/bars.h"

enum { MOST_COLUMNS = 16384 };
static const size_t LARGEST_FILE = (size_t)1 << 30;

typedef struct reader {
  assay_cli *cli;
  assay_error *err;
  assay_cli_table *table;
  const char *at, *end;
  size_t line;
  const char **cells;
  size_t cell_count, cell_room, line_room;
  bool has_commas; /* in cells */
} reader;

static assay_status out_of_memory(const reader *r) {
  return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", r->table->source);
}

/* ---- Cells -------------------------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool ends_cell(const reader *r) { return r->at == r->end || *r->at == r->table->separator || *r->at == '\n' || *r->at == '\r'; }

static assay_status keep(reader *r, const char *text, size_t length) {
  if (r->cell_count == r->cell_room) {
    r->cells = assay_arena_grow(&r->cli->arena, r->cells, r->cell_count, &r->cell_room, sizeof *r->cells);
    if (r->cells == NULL) return out_of_memory(r);
  }
  const char *copy = assay_arena_strndup(&r->cli->arena, text, length);
  r->cells[r->cell_count++] = copy;
  return copy != NULL ? ASSAY_OK : out_of_memory(r);
}

/* From the opening quote to behind the closing one; a quote inside is doubled. */
static assay_status read_quoted(reader *r) {
  assay_buf text = {0};
  size_t begun = r->line;
  for (r->at++; r->at < r->end && (*r->at != '"' || (r->at + 1 < r->end && r->at[1] == '"')); r->at++) {
    if (*r->at == '"') r->at++;
    if (*r->at == '\n') r->line++;
    r->has_commas = r->has_commas || *r->at == ',';
    assay_buf_putc(&text, *r->at);
  }
  assay_status status = ASSAY_OK;
  if (r->at == r->end)
    status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: a quote is opened and never closed", r->table->source, begun);
  else
    r->at++;
  if (text.failed) status = out_of_memory(r);
  if (status == ASSAY_OK) status = keep(r, text.data != NULL ? text.data : "", text.length);
  assay_buf_deinit(&text);
  while (r->at < r->end && is_blank(*r->at) && *r->at != r->table->separator) r->at++;
  if (status == ASSAY_OK && !ends_cell(r))
    status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: text behind the closing quote of a cell", r->table->source, r->line);
  return status;
}

static assay_status read_cell(reader *r) {
  while (r->at < r->end && is_blank(*r->at) && *r->at != r->table->separator) r->at++;
  if (r->at < r->end && *r->at == '"') return read_quoted(r);
  const char *begin = r->at;
  while (!ends_cell(r)) r->at++;
  const char *stop = r->at;
  while (stop > begin && is_blank(stop[-1])) stop--;
  return keep(r, begin, (size_t)(stop - begin));
}

/* One line of cells; *count 0 for an empty line. */
static assay_status read_line(reader *r, size_t *count) {
  size_t first = r->cell_count;
  assay_status status = read_cell(r);
  while (status == ASSAY_OK && r->at < r->end && *r->at == r->table->separator) {
    r->at++;
    status = read_cell(r);
  }
  if (r->at < r->end && *r->at == '\r') r->at++;
  if (r->at < r->end && *r->at == '\n') r->at++;
  *count = r->cell_count - first;
  if (status == ASSAY_OK && *count == 1 && r->cells[first][0] == '\0') {
    r->cell_count = first;
    *count = 0;
  }
  return status;
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------------- */

/* What there is most of in the first line. */
static char find_separator(const char *text, size_t length) {
  static const char known[] = ",;\t|";
  size_t line = 0, best = 0;
  char found = ',';
  while (line < length && text[line] != '\n') line++;
  for (const char *s = known; *s != '\0'; s++) {
    size_t count = 0;
    for (size_t i = 0; i < line; i++) count += text[i] == *s;
    if (count > best) best = count, found = *s;
  }
  return found;
}

static assay_cell_style style_of(const assay_cli_table *table, size_t column) {
  return table->styles != NULL ? table->styles[column] : ASSAY_CELL_POINT;
}

static bool is_number(const char *cell, assay_cell_style style) {
  double value;
  return assay_cell_number(cell, style, &value) && !isnan(value);
}

static bool is_moment(const char *cell) {
  int64_t at;
  return assay_cli_parse_moment(cell, &at) || assay_cell_date(cell, false, &at) || assay_cell_date(cell, true, &at);
}

static assay_status take_names(reader *r, size_t count) {
  assay_cli_table *t = r->table;
  bool numbers = true, any = false;
  for (size_t i = 0; i < count; i++) {
    bool is = is_number(r->cells[i], ASSAY_CELL_POINT);
    any = any || is;
    numbers = numbers && (is || is_moment(r->cells[i]));
  }
  numbers = numbers && any;
  if (count > MOST_COLUMNS) return ASSAY_FAIL(r->err, ASSAY_ERR_LIMIT, "%s: %zu columns; %d is the limit", t->source, count, MOST_COLUMNS);
  t->columns = count;
  t->names = assay_arena_alloc(&r->cli->arena, count, sizeof *t->names);
  if (t->names == NULL) return out_of_memory(r);
  for (size_t i = 0; i < count; i++) t->names[i] = numbers ? assay_arena_printf(&r->cli->arena, "%zu", i + 1) : r->cells[i];
  if (!numbers) r->cell_count = 0;
  return ASSAY_OK;
}

static assay_status note_row(reader *r, size_t line, size_t count) {
  assay_cli_table *t = r->table;
  if (count != t->columns)
    return ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s:%zu: %zu cell%s where the first line has %zu", t->source, line, count,
                      count == 1 ? "" : "s", t->columns);
  if (t->rows == r->line_room) {
    t->lines = assay_arena_grow(&r->cli->arena, t->lines, t->rows, &r->line_room, sizeof *t->lines);
    if (t->lines == NULL) return out_of_memory(r);
  }
  t->lines[t->rows++] = line;
  return ASSAY_OK;
}

/* What comes before the names: "sep=;" as Excel has it, and comments. A '#' may also be the name of a first column. */
static void pass_head(reader *r) {
  while (r->at < r->end) {
    const char *stop = r->at;
    while (stop < r->end && *stop != '\n' && *stop != '\r') stop++;
    size_t length = (size_t)(stop - r->at), cells = 0;
    bool says = length == 5 && strncasecmp(r->at, "sep=", 4) == 0;
    for (const char *p = r->at; p < stop; p++) cells += strchr(",;\t|", *p) != NULL;
    bool comment = length > 0 && *r->at == '#' && (cells == 0 || (length > 1 && (r->at[1] == ' ' || r->at[1] == '#')));
    if (!says && !comment) return;
    r->table->separator = says ? r->at[4] : '\0';
    r->at = stop;
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at == '\n') r->at++;
    r->line++;
    if (says) return;
  }
}

/* yfinance has one line of names for prices, one for tickers and one for the dates: "Price,Close,..", "Ticker,AAPL,..", "Date,,..". Where
 * names are there twice, the ticker is added. */
static assay_status take_tickers(reader *r) {
  assay_cli_table *t = r->table;
  size_t count = 0, columns = t->columns;
  for (; count < 2 && count < t->rows; count++) {
    const char **row = r->cells + count * columns;
    bool rest = false, numbers = false;
    for (size_t i = 1; i < columns; i++) {
      rest = rest || row[i][0] != '\0';
      numbers = numbers || is_number(row[i], ASSAY_CELL_POINT);
    }
    bool tickers = strcasecmp(row[0], "ticker") == 0 && rest && !numbers;
    bool dates = (strcasecmp(row[0], "date") == 0 || strcasecmp(row[0], "datetime") == 0) && !rest && columns > 1;
    if (!tickers && !dates) break;
    for (size_t i = 1; i < columns && tickers; i++) {
      bool twice = false;
      for (size_t k = 1; k < columns; k++) twice = twice || (k != i && strcmp(r->cells[count * columns + k], row[i]) != 0);
      if (twice) t->names[i] = assay_arena_printf(&r->cli->arena, "%s %s", row[i], t->names[i]);
      if (t->names[i] == NULL) return out_of_memory(r);
    }
    t->names[0] = row[0];
  }
  r->cells += count * columns;
  r->cell_count -= count * columns;
  t->lines += count;
  t->rows -= count;
  return ASSAY_OK;
}

static assay_status find_styles(reader *r) {
  assay_cli_table *t = r->table;
  assay_cell_style *styles = assay_arena_alloc(&r->cli->arena, t->columns, sizeof *styles);
  assay_cell_evidence *each = assay_arena_alloc(&r->cli->arena, t->columns, sizeof *each), all = {0};
  if (styles == NULL || each == NULL) return out_of_memory(r);
  memset(each, 0, t->columns * sizeof *each);
  for (size_t i = 0; i < r->cell_count; i++) assay_cell_look_at(t->cells[i], &each[i % t->columns]);
  for (size_t c = 0; c < t->columns; c++) {
    if (each[c].numbers <= each[c].others) continue; /* a remark such as "1,5" says nothing of prices */
    all.point += each[c].point;
    all.comma += each[c].comma;
  }
  for (size_t c = 0; c < t->columns; c++) styles[c] = assay_cell_style_of(&each[c], &all, t->separator);
  t->styles = styles;
  return ASSAY_OK;
}

static assay_status read_all(reader *r) {
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && r->at < r->end) {
    size_t line = r->line, count = 0;
    status = read_line(r, &count);
    r->line++;
    if (status != ASSAY_OK || count == 0) continue;
    bool is_first = r->table->columns == 0;
    if (is_first) status = take_names(r, count);
    if (status == ASSAY_OK && (!is_first || r->cell_count > 0)) status = note_row(r, line, count);
  }
  if (status == ASSAY_OK && r->table->columns == 0)
    status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s is empty: a table with a line of names is needed", r->table->source);
  if (status == ASSAY_OK && r->table->rows > 0) status = take_tickers(r);
  if (status == ASSAY_OK && r->table->rows == 0) status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s has names and no rows", r->table->source);
  r->table->cells = r->cells;
  return status == ASSAY_OK && (r->has_commas || r->table->separator != ',') ? find_styles(r) : status;
}

/* All of it, unpacked where it is compressed, in the file's one window. */
static assay_status read_text(const assay_cli *cli, const char *path, assay_error *err, assay_feed_file **file, assay_feed_reader *whole) {
  assay_error reading = {0};
  assay_status status = assay_feed_file_open(path, &(assay_feed_file_options){.most = LARGEST_FILE}, err, file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(*file, whole);
  while (status == ASSAY_OK && !whole->last) status = assay_feed_file_more(*file, whole, &reading);
  if (status == ASSAY_ERR_LIMIT) return ASSAY_FAIL(err, status, "%s is larger than %zu bytes", path, LARGEST_FILE);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s", reading.message);
  if (assay_feed_file_where(*file).cut_off) return ASSAY_FAIL(err, ASSAY_ERR_IO, "%s became shorter while it was read", path);
  const char *changed = assay_feed_file_changed(*file);
  if (changed != NULL) assay_cli_note(cli, "%s %s", path, changed);
  return ASSAY_OK;
}

assay_status assay_cli_table_read(assay_cli *cli, const char *path, assay_error *err, assay_cli_table *table) {
  assay_feed_file *file = NULL;
  assay_feed_reader whole = {0};
  *table = (assay_cli_table){.source = strcmp(path, "-") == 0 ? "standard input" : path};
  assay_status status = read_text(cli, path, err, &file, &whole);
  const char *text = (const char *)whole.data;
  size_t length = whole.size;
  if (status == ASSAY_OK && memchr(text, '\0', length) != NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is no text: it has a NUL character%s", table->source,
                        length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)
                            ? "; it is UTF-16, and UTF-8 is read (iconv -f UTF-16 -t UTF-8)"
                            : "");
  if (status == ASSAY_OK) {
    size_t skip = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a byte order mark */
    reader r = {.cli = cli, .err = err, .table = table, .at = text + skip, .end = text + length, .line = 1};
    pass_head(&r);
    if (table->separator == '\0') table->separator = find_separator(r.at, (size_t)(r.end - r.at));
    status = read_all(&r);
  }
  assay_feed_file_close(file);
  return status;
}

/* ---- Columns ------------------------------------------------------------------------------------------------------------------------ */

/* Some sites put names in <>. */
static bool is_called(const char *given, const char *name) {
  size_t length = strlen(given);
  if (length > 2 && given[0] == '<' && given[length - 1] == '>' && name[0] != '<')
    return strlen(name) == length - 2 && strncasecmp(given + 1, name, length - 2) == 0;
  return strcasecmp(given, name) == 0;
}

static bool find(const assay_cli_table *table, const char *name, size_t *column) {
  for (size_t i = 0; i < table->columns; i++)
    if (is_called(table->names[i], name)) {
      *column = i;
      return true;
    }
  return false;
}

const char *const assay_cli_time_names[] = {
    "date",          "datetime", "timestamp",  "time",       "ts",         "open_time", "open time", "gmt time",
    "local time",    "datum",    "dtyyyymmdd", "trade date", "trade_date", "day",       "month",     "period",
    "exchange date", "unix",     "epoch",      "close_time", "close time", NULL};
const char *const assay_cli_closes[] = {"close",      "price",         "value",     "last",     "close/last", "px_last", "last price",
                                        "last_price", "closing price", "adj close", "adjclose", "adj_close",  "nav",     NULL};
const char *const assay_cli_highs[] = {"high", "px_high", "high price", NULL};
const char *const assay_cli_lows[] = {"low", "px_low", "low price", NULL};
const char *const assay_cli_volumes[] = {"volume", "vol", "vol.", "px_volume", "volume (shares)", NULL};

assay_status assay_cli_table_column(const assay_cli_table *table, const char *name, assay_error *err, size_t *column) {
  uint64_t number = 0;
  if (find(table, name, column)) return ASSAY_OK;
  if (assay_parse_u64(name, &number) && number >= 1 && number <= table->columns) {
    *column = (size_t)number - 1;
    return ASSAY_OK;
  }
  const char *words[65] = {NULL};
  for (size_t i = 0; i < table->columns && i < 64; i++) words[i] = table->names[i];
  const char *nearest = assay_nearest_word(name, words);
  if (nearest != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no column '%s'; did you mean '%s'?", table->source, name, nearest);
  assay_buf known = {0};
  for (size_t i = 0; i < table->columns && i < 12; i++) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", table->names[i]);
  assay_status status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no column '%s' (it has %s%s)", table->source, name,
                                   known.data != NULL ? known.data : "", table->columns > 12 ? ", ..." : "");
  assay_buf_deinit(&known);
  return status;
}

bool assay_cli_table_is_one_of(const assay_cli_table *table, size_t column, const char *const *names) {
  while (*names != NULL && !is_called(table->names[column], *names)) names++;
  return *names != NULL;
}

bool assay_cli_table_has(const assay_cli_table *table, const char *const *names, size_t *column) {
  for (; *names != NULL; names++)
    if (find(table, *names, column)) return true;
  return false;
}

assay_status assay_cli_table_numbers(assay_cli *cli, const assay_cli_table *table, size_t column, bool gaps, assay_error *err,
                                     double **values) {
  const assay_cell_style style = style_of(table, column);
  double *made = assay_arena_alloc(&cli->arena, table->rows + 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", table->source);
  for (size_t i = 0; i < table->rows; i++) {
    const char *cell = table->cells[i * table->columns + column];
    if (assay_cell_number(cell, style, &made[i]) && isfinite(made[i])) continue;
    made[i] = NAN;
    bool gap = assay_cell_is_gap(cell);
    if (gap && gaps) continue;
    if (gap)
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s' has no number here, and one is needed", table->source, table->lines[i],
                        table->names[column]);
    if (style == ASSAY_CELL_UNKNOWN && strchr(cell, ',') != NULL)
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s': the column leaves open what a comma in a number means",
                        table->source, table->lines[i], table->names[column], cell);
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s' is no number", table->source, table->lines[i],
                      table->names[column], cell);
  }
  *values = made;
  return ASSAY_OK;
}

bool assay_cli_table_is_numeric(const assay_cli_table *table, size_t column) {
  const assay_cell_style style = style_of(table, column);
  size_t numbers = 0, others = 0;
  for (size_t i = 0; i < table->rows; i++) {
    const char *cell = table->cells[i * table->columns + column];
    /* What a comma means may be open: it is a number all the same, and told by its line when it is asked for. */
    bool number =
        is_number(cell, style) || (style == ASSAY_CELL_UNKNOWN && (is_number(cell, ASSAY_CELL_POINT) || is_number(cell, ASSAY_CELL_COMMA)));
    numbers += number;
    others += !number && !assay_cell_is_gap(cell);
  }
  return numbers > others;
}

/* ---- Words -------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_cli_places_begin(assay_cli *cli, size_t most, assay_error *err, assay_cli_places *places) {
  *places = (assay_cli_places){.bucket_count = 64};
  while (places->bucket_count < 2 * most) places->bucket_count *= 2;
  places->items = assay_arena_alloc(&cli->arena, most + 1, sizeof *places->items);
  places->buckets = assay_arena_alloc(&cli->arena, places->bucket_count, sizeof *places->buckets);
  if (places->items == NULL || places->buckets == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the table");
  memset(places->buckets, 0, places->bucket_count * sizeof *places->buckets);
  return ASSAY_OK;
}

size_t assay_cli_place_of(assay_cli_places *p, const char *text) {
  size_t at = (size_t)assay_hash(ASSAY_HASH_START, text, strlen(text)) & (p->bucket_count - 1);
  while (p->buckets[at] != 0 && strcmp(p->items[p->buckets[at] - 1], text) != 0) at = (at + 1) & (p->bucket_count - 1);
  if (p->buckets[at] == 0) {
    p->items[p->count++] = text;
    p->buckets[at] = p->count;
  }
  return p->buckets[at] - 1;
}

/* ---- Time ---------------------------------------------------------------------------------------------------------------------------- */

/* Every row that has something in the column, read in one way; a row without is as late as the one before. */
typedef bool (*moment_fn)(const char *cell, int64_t *at, int64_t *nanos);
static bool moment(const char *cell, int64_t *at, int64_t *nanos) {
  const int64_t second = 1000000000;
  int64_t ns;
  if (!assay_cli_parse_moment(cell, &ns)) return false;
  *at = ns / second - (ns % second < 0);
  *nanos = ns - *at * second;
  return true;
}
/* A spreadsheet's days since the end of 1899, from 1927 to 2173. */
static bool serial(const char *cell, int64_t *at, int64_t *nanos) {
  double days;
  if (!assay_parse_f64(cell, &days) || !(days >= 10000 && days < 100000)) return false;
  *at = (int64_t)((days - 25569) * 86400);
  *nanos = 0;
  return true;
}
static bool month_first(const char *cell, int64_t *at, int64_t *nanos) {
  *nanos = 0;
  return assay_cell_date(cell, false, at);
}
static bool day_first(const char *cell, int64_t *at, int64_t *nanos) {
  *nanos = 0;
  return assay_cell_date(cell, true, at);
}

static const char *date_cell(const assay_cli_table *t, const assay_cli_times *times, size_t row) {
  return t->cells[row * t->columns + times->column];
}

static bool read_times(const assay_cli_table *t, const assay_cli_times *times, moment_fn read, int64_t *at, int64_t *nanos) {
  int64_t last = INT64_MIN, part = 0;
  bool any = false;
  for (size_t i = 0; i < t->rows; i++) {
    const char *cell = date_cell(t, times, i);
    bool gap = assay_cell_is_gap(cell);
    if (!gap && !read(cell, &last, &part)) return false;
    any = any || !gap;
    at[i] = last;
    nanos[i] = part;
  }
  return any;
}

/* Steps between the rows that say when they are. Clocks are put back by an hour or two once a year: near. */
typedef struct steps {
  size_t far[2], near[2]; /* forth, back */
  size_t first[2][2];     /* the first of each, and the row before it */
} steps;

static steps steps_of(const assay_cli_table *t, const assay_cli_times *times, const int64_t *at, const size_t *rows, size_t count) {
  enum { CLOCK_CHANGE = 7200 };
  steps s = {0};
  size_t before = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    size_t now = rows != NULL ? rows[i] : i;
    if (assay_cell_is_gap(date_cell(t, times, now))) continue;
    size_t last = before;
    before = now;
    if (last == SIZE_MAX || (at[now] == at[last] && times->nanos[now] == times->nanos[last])) continue;
    bool back = at[now] != at[last] ? at[now] < at[last] : times->nanos[now] < times->nanos[last];
    bool far = (back ? at[last] - at[now] : at[now] - at[last]) > CLOCK_CHANGE;
    if (s.far[back] + s.near[back] == 0 || (far && s.far[back] == 0)) s.first[back][0] = now, s.first[back][1] = last;
    ++*(far ? &s.far[back] : &s.near[back]);
  }
  return s;
}

/* 1: forth, -1: back, 0: both. A near step against the others is a clock that was put back, and there are few of them. */
static int direction_of(const steps *s) {
  enum { OFTEN = 50 };
  const bool is_far = s->far[0] + s->far[1] > 0;
  const bool back = is_far ? s->far[1] > 0 : s->near[1] > s->near[0];
  if (s->far[!back] > 0 || s->near[!back] * OFTEN > s->near[back] + s->far[back]) return 0;
  return back ? -1 : 1;
}

/* Rows of one series behind another. */
typedef struct series {
  size_t count;
  size_t *begins, *rows; /* begins[count] is their number; NULL: one series of all rows */
} series;

static assay_status split_series(assay_cli *cli, const assay_cli_table *t, size_t by, assay_error *err, series *made) {
  assay_cli_places places;
  *made = (series){.count = 1};
  if (by == SIZE_MAX) return ASSAY_OK;
  assay_status status = assay_cli_places_begin(cli, t->rows, err, &places);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < t->rows; i++) assay_cli_place_of(&places, t->cells[i * t->columns + by]);
  made->begins = assay_arena_alloc(&cli->arena, places.count + 2, sizeof *made->begins);
  made->rows = assay_arena_alloc(&cli->arena, t->rows + 1, sizeof *made->rows);
  if (made->begins == NULL || made->rows == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
  memset(made->begins, 0, (places.count + 2) * sizeof *made->begins);
  for (size_t i = 0; i < t->rows; i++) made->begins[assay_cli_place_of(&places, t->cells[i * t->columns + by]) + 2]++;
  for (size_t k = 2; k < places.count + 2; k++) made->begins[k] += made->begins[k - 1];
  for (size_t i = 0; i < t->rows; i++) made->rows[made->begins[assay_cli_place_of(&places, t->cells[i * t->columns + by]) + 1]++] = i;
  made->count = places.count;
  return ASSAY_OK;
}

static int direction_of_series(const assay_cli_table *t, const assay_cli_times *times, const int64_t *at, const series *all, size_t k) {
  steps s = all->rows == NULL ? steps_of(t, times, at, NULL, t->rows)
                              : steps_of(t, times, at, all->rows + all->begins[k], all->begins[k + 1] - all->begins[k]);
  return direction_of(&s);
}

/* 02/01/2024 is in order in one of two ways, or in both in the same one: then it does not matter which. */
static void choose_way(const assay_cli_table *t, const series *all, int64_t *other, assay_cli_times *times) {
  bool in_order[2] = {true, true}, differ = false;
  for (size_t i = 0; i < t->rows; i++) differ = differ || times->at[i] != other[i];
  times->known = !differ;
  if (!differ) return;
  differ = false;
  for (size_t k = 0; k < all->count; k++) {
    int one = direction_of_series(t, times, times->at, all, k), two = direction_of_series(t, times, other, all, k);
    in_order[0] = in_order[0] && one != 0;
    in_order[1] = in_order[1] && two != 0;
    differ = differ || one != two;
  }
  times->known = (in_order[0] || in_order[1]) && !(in_order[0] && in_order[1] && differ);
  times->unclear = !times->known;
  if (in_order[0] && in_order[1]) times->otherwise = other;
  if (times->known && !in_order[0]) times->at = other;
}

assay_status assay_cli_table_times_by(assay_cli *cli, const assay_cli_table *table, const char *column, size_t by, assay_error *err,
                                      assay_cli_times *times) {
  static const moment_fn ways[] = {moment, serial, month_first, day_first};
  *times = (assay_cli_times){0};
  if (column != NULL) {
    assay_status status = assay_cli_table_column(table, column, err, &times->column);
    if (status != ASSAY_OK) return status;
  } else if (!assay_cli_table_has(table, assay_cli_time_names, &times->column)) {
    if (table->names[0][0] != '\0' || assay_cli_table_is_numeric(table, 0)) return ASSAY_OK; /* an index without a name */
    times->column = 0;
  }
  int64_t *other = assay_arena_alloc(&cli->arena, table->rows + 1, sizeof *other);
  times->at = assay_arena_alloc(&cli->arena, table->rows + 1, sizeof *times->at);
  times->nanos = assay_arena_alloc(&cli->arena, table->rows + 1, sizeof *times->nanos);
  if (times->at == NULL || times->nanos == NULL || other == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", table->source);
  for (size_t i = 0; i < sizeof ways / sizeof *ways && !times->known; i++) {
    times->known = read_times(table, times, ways[i], times->at, times->nanos);
    if (!times->known || ways[i] != month_first || !read_times(table, times, day_first, other, times->nanos)) continue;
    series all;
    assay_status status = split_series(cli, table, by, err, &all);
    if (status == ASSAY_OK) choose_way(table, &all, other, times);
    return status;
  }
  return ASSAY_OK;
}

assay_status assay_cli_table_times(assay_cli *cli, const assay_cli_table *table, const char *column, assay_error *err,
                                   assay_cli_times *times) {
  return assay_cli_table_times_by(cli, table, column, SIZE_MAX, err, times);
}

assay_status assay_cli_times_are_clear(const assay_cli_table *table, const assay_cli_times *times, assay_error *err) {
  size_t row = 0;
  if (!times->unclear) return ASSAY_OK;
  while (row + 1 < table->rows && assay_cell_is_gap(date_cell(table, times, row))) row++;
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s': nothing says which number is the day (2026-12-24 says it)",
                    table->source, table->lines[row], table->names[times->column], date_cell(table, times, row));
}

assay_status assay_cli_times_direction(const assay_cli_table *table, const assay_cli_times *times, const size_t *rows, size_t count,
                                       assay_error *err, bool *back) {
  *back = false;
  assay_status status = assay_cli_times_are_clear(table, times, err);
  if (status != ASSAY_OK || !times->known || count < 2) return status;
  steps s = steps_of(table, times, times->at, rows, count);
  int direction = direction_of(&s);
  *back = direction < 0;
  if (direction != 0) return ASSAY_OK;
  /* What turned is the way of fewer rows, unless only one of both goes far. */
  bool is_far = (s.far[0] > 0) != (s.far[1] > 0), most_back = is_far ? s.far[1] > 0 : s.far[1] + s.near[1] > s.far[0] + s.near[0];
  size_t row = s.first[!most_back][0], before = s.first[!most_back][1];
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: '%s' comes behind '%s' of line %zu: rows go one way in time%s", table->source,
                    table->lines[row], date_cell(table, times, row), date_cell(table, times, before), table->lines[before],
                    rows == NULL ? " (where a table has several series, --by names the column that says which)" : "");
}

/* ---- Out ---------------------------------------------------------------------------------------------------------------------------- */

void assay_cli_put_cell(assay_buf *out, const char *text, char separator) {
  const char special[] = {separator, '"', '\n', '\r', '\0'};
  if (strpbrk(text, special) == NULL) {
    assay_buf_puts(out, text);
    return;
  }
  assay_buf_putc(out, '"');
  for (; *text != '\0'; text++) {
    if (*text == '"') assay_buf_putc(out, '"');
    assay_buf_putc(out, *text);
  }
  assay_buf_putc(out, '"');
}

void assay_cli_put_number_cell(assay_buf *out, double value) {
  if (isfinite(value)) assay_buf_double(out, value);
}
