/* SPDX-License-Identifier: MIT */
/* A file as a table: separators, quotes, what stands before the names, and how the numbers of a column are written. */
#include <assay/feed_file.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/moment.h"
#include "cli/table.h"
#include "market/feeds/cells.h"
#include "market/table/bare.h"
#include "market/table/times.h"

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

static bool is_moment(const char *cell) {
  int64_t at, nanos;
  return assay_table_moment(cell, &at) || assay_table_date(cell, false, &at, &nanos) || assay_table_date(cell, true, &at, &nanos) ||
         assay_moment_read_clock(cell, strlen(cell), &at);
}

/* "OPEN " in quotes has its blank. */
static const char *name_of(reader *r, const char *cell) {
  size_t length = strlen(cell);
  while (length > 0 && is_blank(cell[length - 1])) length--;
  return cell[length] == '\0' ? cell : assay_arena_strndup(&r->cli->arena, cell, length);
}

static assay_status take_names(reader *r, size_t count) {
  assay_cli_table *t = r->table;
  bool numbers = true, any = false;
  for (size_t i = 0; i < count; i++) {
    bool is = assay_cell_is_number(r->cells[i], ASSAY_CELL_POINT);
    any = any || is;
    numbers = numbers && (is || is_moment(r->cells[i]));
  }
  numbers = numbers && any;
  if (count > MOST_COLUMNS) return ASSAY_FAIL(r->err, ASSAY_ERR_LIMIT, "%s: %zu columns; %d is the limit", t->source, count, MOST_COLUMNS);
  t->columns = count;
  t->names = assay_arena_alloc(&r->cli->arena, count, sizeof *t->names);
  if (t->names == NULL) return out_of_memory(r);
  for (size_t i = 0; i < count; i++) {
    t->names[i] = numbers ? assay_arena_printf(&r->cli->arena, "%zu", i + 1) : name_of(r, r->cells[i]);
    if (t->names[i] == NULL) return out_of_memory(r);
  }
  if (!numbers) r->cell_count = 0;
  return ASSAY_OK;
}

/* "Data provided by ..." under a table: words in one cell, and nothing but more of them behind it. */
static bool is_footer(const reader *r, const char *cell) {
  size_t letters = 0;
  for (const char *p = cell; *p != '\0'; p++) letters += isalpha((unsigned char)*p) != 0;
  if (letters < 3 || strchr(cell, ' ') == NULL || r->table->columns < 2 || r->table->rows == 0) return false;
  for (const char *p = r->at; p < r->end;) {
    const char *stop = memchr(p, '\n', (size_t)(r->end - p));
    stop = stop != NULL ? stop : r->end;
    if (*p != '"' && memchr(p, r->table->separator, (size_t)(stop - p)) != NULL) return false;
    p = stop < r->end ? stop + 1 : stop;
  }
  return true;
}

/* Cells that are behind the last name and empty are none. */
static size_t without_empty_end(reader *r, size_t count) {
  while (count > r->table->columns && r->cells[r->cell_count - 1][0] == '\0') {
    r->cell_count--;
    count--;
  }
  return count;
}

static assay_status note_row(reader *r, size_t line, size_t count) {
  assay_cli_table *t = r->table;
  count = without_empty_end(r, count);
  if (count == 1 && is_footer(r, r->cells[r->cell_count - 1])) {
    assay_cli_note(r->cli, "%s:%zu: the table ends here: '%.60s'", t->source, line, r->cells[--r->cell_count]);
    r->at = r->end;
    return ASSAY_OK;
  }
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

static const char *end_of_line(const reader *r, const char *at) {
  while (at < r->end && *at != '\n' && *at != '\r') at++;
  return at;
}
static const char *next_line(const reader *r, const char *at) {
  at = end_of_line(r, at);
  if (at < r->end && *at == '\r') at++;
  if (at < r->end && *at == '\n') at++;
  return at;
}
static size_t separators_in(const char *at, const char *stop) {
  size_t count = 0;
  for (; at < stop; at++) count += *at != '\0' && strchr(",;\t|", *at) != NULL;
  return count;
}

/* Three names or more, none of which begins as a number does. */
static bool is_line_of_names(const char *at, const char *stop) {
  bool begins = true;
  size_t cells = 1;
  for (; at < stop; at++) {
    const bool ends = strchr(",;\t|", *at) != NULL;
    if (begins && (isdigit((unsigned char)*at) || strchr("+-.", *at) != NULL)) return false;
    cells += ends;
    begins = ends || (begins && (*at == ' ' || *at == '"'));
  }
  return cells >= 3;
}

/* Titles: "https://www.CryptoDataDownload.com", "Historical Prices", alone in their lines, before a line of names. */
static void pass_titles(reader *r) {
  enum { MOST_TITLES = 20 };
  const char *at = r->at;
  size_t lines = 0;
  for (; at < r->end && lines < MOST_TITLES && separators_in(at, end_of_line(r, at)) == 0; lines++) at = next_line(r, at);
  if (lines == 0 || at == r->end || !is_line_of_names(at, end_of_line(r, at))) return;
  r->at = at;
  r->line += lines;
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
      numbers = numbers || assay_cell_is_number(row[i], ASSAY_CELL_POINT);
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

static bool are_ranges(const assay_cli_table *t, size_t first) {
  for (size_t i = 0; i < t->rows; i++) {
    double v[4];
    for (size_t k = 0; k < 4; k++)
      if (!assay_cell_number(t->cells[i * t->columns + first + k], ASSAY_CELL_POINT, &v[k])) return false;
    if (!(v[1] >= v[0] && v[1] >= v[3] && v[2] <= v[0] && v[2] <= v[3])) return false;
  }
  return true;
}

/* What the first row may be the rest has to be, too. */
static void name_bars(assay_cli_table *t) {
  static const char *names[2][8] = {{"date", "open", "high", "low", "close", "volume", "count"},
                                    {"date", "time", "open", "high", "low", "close", "volume", "count"}};
  static const char *const shapes[2][3] = {
      {"date, open, high, low, close", "date, open, high, low, close, volume", "date, open, high, low, close, volume, count"},
      {"date, time, open, high, low, close", "date, time, open, high, low, close, volume",
       "date, time, open, high, low, close, volume, count"}};
  assay_feed_text cells[2];
  if (t->rows == 0 || strcmp(t->names[0], "1") != 0 || t->columns < 2) return;
  for (size_t i = 0; i < 2; i++) cells[i] = (assay_feed_text){.at = t->cells[i], .length = strlen(t->cells[i])};
  const size_t first = assay_bare_moment(cells, 2), left = t->columns - first;
  if (first == 0 || left < ASSAY_BARE_LEAST_BAR || left > ASSAY_BARE_MOST_BAR || !are_ranges(t, first)) return;
  t->names = names[first - 1];
  t->shape = shapes[first - 1][left - ASSAY_BARE_LEAST_BAR];
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
  if (status == ASSAY_OK) name_bars(r->table);
  return status == ASSAY_OK && (r->has_commas || r->table->separator != ',') ? find_styles(r) : status;
}

static const char *behind_blanks(const char *at, const char *end) {
  while (at < end && isspace((unsigned char)*at)) at++;
  return at;
}

/* What services send in place of a table: a web page, or JSON: what went wrong, or rows as lists in a list (Binance's klines). */
static assay_status see_that_it_is_a_table(const assay_cli_table *table, const char *text, size_t length, assay_error *err) {
  const char *const end = text + length, *const at = behind_blanks(text, end);
  const char *const inner = at < end && *at == '[' ? behind_blanks(at + 1, end) : end;
  const bool has_lists = inner < end && *inner == '[';
  const char *what =
      at == end                                                                                ? NULL
      : *at == '{' || has_lists || (*at == '[' && memchr(at, '{', (size_t)(end - at)) != NULL) ? "JSON"
      : end - at > 5 && (strncasecmp(at, "<!doc", 5) == 0 || strncasecmp(at, "<html", 5) == 0 || strncasecmp(at, "<?xml", 5) == 0)
          ? "a web page or XML"
          : NULL;
  if (what == NULL) return ASSAY_OK;
  int most = end - at < 70 ? (int)(end - at) : 70;
  char begins[71];
  snprintf(begins, sizeof begins, "%.*s", most, at);
  for (char *p = begins; *p != '\0'; p++) *p = *p >= 0 && *p < ' ' ? ' ' : *p;
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is %s, and no table of text: %s ...%s", table->source, what, begins,
                    has_lists ? " (`jq -r '.[] | @csv'` makes one of a list of rows)" : "");
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
    status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is no text: it has a NUL character", table->source);
  if (status == ASSAY_OK) status = see_that_it_is_a_table(table, text, length, err);
  if (status == ASSAY_OK) {
    size_t skip = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a byte order mark */
    reader r = {.cli = cli, .err = err, .table = table, .at = text + skip, .end = text + length, .line = 1};
    pass_head(&r);
    if (table->separator == '\0') pass_titles(&r);
    if (table->separator == '\0') table->separator = assay_cells_separator(r.at, (size_t)(end_of_line(&r, r.at) - r.at));
    status = read_all(&r);
  }
  assay_feed_file_close(file);
  return status;
}
