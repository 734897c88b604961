/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <assay/feed_file.h>

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

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
  static const char known[] = ",;\t";
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

static bool is_gap(const char *cell) {
  static const char *const words[] = {"", "nan", "na", "n/a", "null", "none", "-"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(cell, words[i]) == 0) return true;
  return false;
}

static bool is_number(const char *cell) {
  double value;
  return assay_parse_f64(cell, &value) && !isnan(value);
}

static assay_status take_names(reader *r, size_t count) {
  assay_cli_table *t = r->table;
  bool numbers = true;
  for (size_t i = 0; i < count; i++) numbers = numbers && is_number(r->cells[i]);
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
  if (status == ASSAY_OK && r->table->rows == 0) status = ASSAY_FAIL(r->err, ASSAY_ERR_PARSE, "%s has names and no rows", r->table->source);
  r->table->cells = r->cells;
  return status;
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
  if (status == ASSAY_OK) {
    size_t skip = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a byte order mark */
    table->separator = find_separator(text + skip, length - skip);
    reader r = {.cli = cli, .err = err, .table = table, .at = text + skip, .end = text + length, .line = 1};
    status = read_all(&r);
  }
  assay_feed_file_close(file);
  return status;
}

/* ---- Columns ------------------------------------------------------------------------------------------------------------------------ */

static bool find(const assay_cli_table *table, const char *name, size_t *column) {
  for (size_t i = 0; i < table->columns; i++)
    if (strcasecmp(table->names[i], name) == 0) {
      *column = i;
      return true;
    }
  return false;
}

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

bool assay_cli_table_has(const assay_cli_table *table, const char *const *names, size_t *column) {
  for (; *names != NULL; names++)
    if (find(table, *names, column)) return true;
  return false;
}

assay_status assay_cli_table_numbers(assay_cli *cli, const assay_cli_table *table, size_t column, bool gaps, assay_error *err,
                                     double **values) {
  double *made = assay_arena_alloc(&cli->arena, table->rows + 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", table->source);
  for (size_t i = 0; i < table->rows; i++) {
    const char *cell = table->cells[i * table->columns + column];
    if (assay_parse_f64(cell, &made[i]) && isfinite(made[i])) continue;
    made[i] = NAN;
    if (is_gap(cell) && gaps) continue;
    if (is_gap(cell))
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s' has no number here, and one is needed", table->source, table->lines[i],
                        table->names[column]);
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s' is no number", table->source, table->lines[i],
                      table->names[column], cell);
  }
  *values = made;
  return ASSAY_OK;
}

bool assay_cli_table_is_numeric(const assay_cli_table *table, size_t column) {
  bool any = false;
  for (size_t i = 0; i < table->rows; i++) {
    const char *cell = table->cells[i * table->columns + column];
    bool number = is_number(cell);
    if (!number && !is_gap(cell)) return false;
    any = any || number;
  }
  return any;
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
