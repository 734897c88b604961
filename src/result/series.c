/* SPDX-License-Identifier: MIT */
#include "result/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* ---- Cells ------------------------------------------------------------------------------------------------------------------------- */

typedef struct cell {
  const char *text; /* unquoted, trimmed */
  size_t line, column;
} cell;

typedef struct row {
  size_t first, count; /* cells */
  size_t line;
} row;

typedef struct table {
  const char *source;
  assay_arena *arena;
  assay_error *err;
  char separator; /* ' ': any blanks */
  cell *cells;
  size_t cell_count, cell_room;
  row *rows;
  size_t row_count, row_room;
} table;

typedef struct cursor {
  const char *at, *end;
  size_t line;
} cursor;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool ends_line(const cursor *c) { return c->at == c->end || *c->at == '\n' || *c->at == '\r'; }

static void next_line(cursor *c) {
  if (c->at < c->end && *c->at == '\r') c->at++;
  if (c->at < c->end && *c->at == '\n') c->at++;
  c->line++;
}

static assay_status add_cell(table *t, const char *text, size_t length, const cursor *at, const row *r) {
  if (t->cell_count == t->cell_room) {
    cell *grown = assay_arena_grow(t->arena, t->cells, t->cell_count, &t->cell_room, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
    t->cells = grown;
  }
  while (length > 0 && is_blank(text[0])) text++, length--;
  while (length > 0 && is_blank(text[length - 1])) length--;
  const char *copy = assay_arena_strndup(t->arena, text, length);
  if (copy == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
  t->cells[t->cell_count] = (cell){.text = copy, .line = at->line, .column = t->cell_count - r->first + 1};
  t->cell_count++;
  return ASSAY_OK;
}

/* The cursor is on the opening quote; afterwards behind the closing one. A quote inside is doubled. */
static assay_status read_quoted(table *t, cursor *c, const row *r) {
  cursor begin = *c;
  char *text = assay_arena_alloc(t->arena, (size_t)(c->end - c->at) < 64 ? 64 : 256, 1);
  size_t length = 0, room = (size_t)(c->end - c->at) < 64 ? 64 : 256;
  if (text == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
  for (c->at++; c->at < c->end; c->at++) {
    if (*c->at == '"') {
      if (c->at + 1 == c->end || c->at[1] != '"') {
        c->at++;
        return add_cell(t, text, length, &begin, r);
      }
      c->at++;
    }
    if (*c->at == '\n') c->line++;
    if (length == room) {
      text = assay_arena_grow(t->arena, text, length, &room, 1);
      if (text == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
    }
    text[length++] = (unsigned char)*c->at < ' ' ? ' ' : *c->at; /* a line break inside quotes */
  }
  return ASSAY_FAIL(t->err, ASSAY_ERR_PARSE, "%s:%zu: the quote that opens in column %zu is not closed", t->source, begin.line,
                    t->cell_count - r->first + 1);
}

static assay_status read_row(table *t, cursor *c) {
  row r = {.first = t->cell_count, .line = c->line};
  assay_status status = ASSAY_OK;
  for (;;) {
    while (!ends_line(c) && is_blank(*c->at) && *c->at != t->separator) c->at++;
    if (t->separator == ' ') {
      while (!ends_line(c) && is_blank(*c->at)) c->at++;
      if (ends_line(c) && t->cell_count > r.first) break; /* blanks at the end */
    }
    if (!ends_line(c) && *c->at == '"') {
      status = read_quoted(t, c, &r);
      while (status == ASSAY_OK && !ends_line(c) && is_blank(*c->at) && *c->at != t->separator) c->at++;
      if (status == ASSAY_OK && !ends_line(c) && *c->at != t->separator)
        status = ASSAY_FAIL(t->err, ASSAY_ERR_PARSE, "%s:%zu: column %zu goes on behind its closing quote", t->source, c->line,
                            t->cell_count - r.first);
    } else {
      const char *begin = c->at;
      while (!ends_line(c) && *c->at != t->separator && !(t->separator == ' ' && is_blank(*c->at))) c->at++;
      status = add_cell(t, begin, (size_t)(c->at - begin), c, &r);
    }
    if (status != ASSAY_OK) return status;
    if (ends_line(c)) break;
    c->at++;
  }
  r.count = t->cell_count - r.first;
  if (t->row_count == t->row_room) {
    row *grown = assay_arena_grow(t->arena, t->rows, t->row_count, &t->row_room, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
    t->rows = grown;
  }
  t->rows[t->row_count++] = r;
  return ASSAY_OK;
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------------------------ */

typedef enum reading { NUMBER, MISSING, NO_NUMBER, INFINITE, TOO_LARGE } reading;

static bool is_missing(const char *text) {
  static const char *const words[] = {"", "nan", "na", "n/a", "null", "none", "nil", "-", ".", "?", "missing"};
  if ((text[0] == '+' || text[0] == '-') && strcasecmp(text + 1, "nan") == 0) return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(text, words[i]) == 0) return true;
  return false;
}

static bool is_infinite(const char *text) {
  if (text[0] == '+' || text[0] == '-') text++;
  return strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0;
}

/* A decimal number; with a comma for its point where commas do not separate. */
static reading read_number(const char *text, bool comma, double *value) {
  char plain[400];
  if (is_missing(text)) return MISSING;
  if (is_infinite(text)) return INFINITE;
  size_t length = strlen(text);
  if (length >= sizeof plain || strspn(text, "+-0123456789.,eE") != length) return NO_NUMBER;
  memcpy(plain, text, length + 1);
  char *point = strchr(plain, ',');
  if (point != NULL && (!comma || strchr(plain, '.') != NULL)) return NO_NUMBER;
  if (point != NULL) *point = '.';
  if (!assay_parse_f64(plain, value)) return NO_NUMBER;
  return isinf(*value) ? TOO_LARGE : NUMBER;
}

static reading number_of(const table *t, const cell *c, double *value) { return read_number(c->text, t->separator != ',', value); }

/* ---- What kind of table it is -------------------------------------------------------------------------------------------------------- */

typedef struct marks {
  bool tab, semicolon, comma, blank;
} marks;

/* What could separate columns in this line, outside of quotes; blanks in front of the first word say nothing. */
static marks find_marks(cursor *c) {
  marks found = {0};
  bool quoted = false, word = false, gap = false;
  for (; c->at < c->end && (quoted || !ends_line(c)); c->at++) {
    if (*c->at == '"') quoted = !quoted;
    if (quoted) continue;
    found.tab |= *c->at == '\t';
    found.semicolon |= *c->at == ';';
    found.comma |= *c->at == ',';
    found.blank |= gap && *c->at != ' ';
    word |= *c->at != ' ';
    gap = word && *c->at == ' ';
  }
  return found;
}

static bool skip_empty_lines(cursor *c) {
  while (c->at < c->end) {
    cursor ahead = *c;
    while (!ends_line(&ahead) && is_blank(*ahead.at)) ahead.at++;
    if (!ends_line(&ahead) && *ahead.at != '#') return true;
    while (!ends_line(&ahead)) ahead.at++;
    *c = ahead;
    if (c->at < c->end) next_line(c);
  }
  return false;
}

/* By the first line that is no comment: tab before semicolon before comma; blanks only where the next line has some too, since the one line
 * may be a name of two words. */
static char find_separator(cursor c) {
  marks first = find_marks(&c);
  if (first.tab) return '\t';
  if (first.semicolon) return ';';
  if (first.comma || !first.blank) return ',';
  if (c.at < c.end) next_line(&c);
  return !skip_empty_lines(&c) || find_marks(&c).blank ? ' ' : ',';
}

/*
 * A line without cells is a row without a measurement where there is one column (indices go on counting), and nothing where there are
 * several, or at the end. Comments are never rows.
 */
static assay_status read_rows(table *t, cursor *c) {
  size_t empty = 0;
  while (c->at < c->end) {
    cursor ahead = *c;
    while (!ends_line(&ahead) && is_blank(*ahead.at)) ahead.at++;
    bool comment = !ends_line(&ahead) && *ahead.at == '#';
    if (ends_line(&ahead) || comment) {
      while (!ends_line(&ahead)) ahead.at++;
      empty += !comment;
      *c = ahead;
    } else {
      if (t->row_count > 0 && t->rows[0].count == 1)
        for (; empty > 0; empty--) {
          cursor nothing = {.at = c->at, .end = c->at, .line = c->line - empty};
          assay_status status = read_row(t, &nothing);
          if (status != ASSAY_OK) return status;
        }
      empty = 0;
      assay_status status = read_row(t, c);
      if (status != ASSAY_OK) return status;
    }
    if (c->at < c->end) next_line(c);
  }
  return ASSAY_OK;
}

/* Rows are as wide as the first one; empty cells beyond that (a separator at the end of each line) do not count. */
static assay_status check_widths(table *t) {
  size_t width = t->rows[0].count;
  if (t->row_count > 1 && width > 1 && t->rows[1].count == width - 1 && t->cells[t->rows[0].first + width - 1].text[0] == '\0') width--;
  for (size_t i = 0; i < t->row_count; i++) {
    row *r = &t->rows[i];
    while (r->count > width && t->cells[r->first + r->count - 1].text[0] == '\0') r->count--;
    if (r->count != width)
      return ASSAY_FAIL(t->err, ASSAY_ERR_PARSE, "%s:%zu: %zu column%s here, and %zu in line %zu; every line needs as many", t->source,
                        r->line, r->count, r->count == 1 ? "" : "s", width, t->rows[0].line);
  }
  return ASSAY_OK;
}

/* ---- Columns ------------------------------------------------------------------------------------------------------------------------ */

static const cell *cell_at(const table *t, size_t r, size_t column) { return &t->cells[t->rows[r].first + column]; }

/* What the first cell of a column that is not empty holds: MISSING when all are empty. */
static reading kind_of(const table *t, size_t first_row, size_t column) {
  double value;
  for (size_t r = first_row; r < t->row_count; r++) {
    reading what = number_of(t, cell_at(t, r, column), &value);
    if (what != MISSING) return what;
  }
  return MISSING;
}

/* The first line holds names when one stands above numbers, or when there is nothing but words in it. A date beside a number is no name. */
static bool has_names(const table *t) {
  double value;
  bool number = false, word = false;
  if (t->row_count < 2) return false;
  for (size_t i = 0; i < t->rows[0].count; i++) {
    reading what = number_of(t, cell_at(t, 0, i), &value);
    number |= what != NO_NUMBER && what != MISSING;
    word |= what == NO_NUMBER;
    if (what == NO_NUMBER && kind_of(t, 1, i) == NUMBER) return true;
  }
  return word && !number;
}

/* Whether the column only counts: it grows by the same step (but for 1 % of it) from row to row, as a row's number, a year or a clock does.
 */
static bool only_counts(const table *t, size_t first_row, size_t column) {
  double before, now, step = 0;
  if (t->row_count - first_row < 3 || number_of(t, cell_at(t, first_row, column), &before) != NUMBER) return false;
  for (size_t r = first_row + 1; r < t->row_count; r++, before = now) {
    if (number_of(t, cell_at(t, r, column), &now) != NUMBER) return false;
    if (r == first_row + 1) step = now - before;
    if (!(step > 0) || fabs(now - before - step) > 0.01 * step) return false;
  }
  return true;
}

static assay_status find_wanted(const table *t, bool named, const char *wanted, size_t *column) {
  size_t matches = 0, width = t->rows[0].count;
  for (size_t i = 0; named && i < width; i++)
    if (strcmp(cell_at(t, 0, i)->text, wanted) == 0 && matches++ == 0) *column = i;
  if (matches > 1)
    return ASSAY_FAIL(t->err, ASSAY_ERR_INVALID, "%s:%zu: %zu columns are called '%s'; name it by its number", t->source, t->rows[0].line,
                      matches, wanted);
  if (matches == 1) return ASSAY_OK;
  uint64_t number = 0;
  if (assay_parse_u64(wanted, &number) && number >= 1 && number <= width) {
    *column = (size_t)number - 1;
    return ASSAY_OK;
  }
  const char **names = assay_arena_alloc(t->arena, width + 1, sizeof *names);
  for (size_t i = 0; named && names != NULL && i < width; i++) names[i] = cell_at(t, 0, i)->text;
  const char *nearest = named && names != NULL ? assay_nearest_word(wanted, names) : NULL;
  if (nearest != NULL)
    return ASSAY_FAIL(t->err, ASSAY_ERR_NOT_FOUND, "%s has no column '%s'; did you mean '%s'?", t->source, wanted, nearest);
  return ASSAY_FAIL(t->err, ASSAY_ERR_NOT_FOUND, "%s has no column '%s'; it has %zu%s", t->source, wanted, width,
                    named ? "" : " without names: use a number from 1");
}

/* Which columns to take. */
static assay_status choose(const table *t, bool named, const char *const *wanted, size_t wanted_count, size_t **chosen, size_t *count) {
  size_t width = t->rows[0].count, first_row = named ? 1 : 0, room = wanted_count > width ? wanted_count : width;
  size_t *columns = assay_arena_alloc(t->arena, room, sizeof *columns);
  *count = 0;
  if (columns == NULL) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
  for (size_t i = 0; i < wanted_count; i++) {
    assay_status status = find_wanted(t, named, wanted[i], &columns[*count]);
    if (status != ASSAY_OK) return status;
    ++*count;
  }
  for (size_t i = 0; wanted_count == 0 && i < width; i++) {
    reading what = kind_of(t, first_row, i);
    if (width == 1 || (what != NO_NUMBER && what != MISSING)) columns[(*count)++] = i;
  }
  for (size_t i = 0; wanted_count == 0 && *count == 0 && i < width; i++)
    if (kind_of(t, first_row, i) == MISSING) columns[(*count)++] = i;
  if (wanted_count == 0 && *count > 1 && columns[0] == 0 && only_counts(t, first_row, 0))
    memmove(columns, columns + 1, --*count * sizeof *columns);
  *chosen = columns;
  return ASSAY_OK;
}

static assay_status fill(const table *t, bool named, const size_t *chosen, size_t count, assay_series *series) {
  size_t first_row = named ? 1 : 0, rows = t->row_count - first_row;
  series->rows = rows;
  series->columns = count;
  series->values = assay_arena_alloc(t->arena, rows * count, sizeof *series->values);
  series->names = assay_arena_alloc(t->arena, count, sizeof *series->names);
  if (t->arena->failed) return ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
  for (size_t k = 0; k < count; k++) {
    const char *name = named ? cell_at(t, 0, chosen[k])->text : "";
    series->names[k] = name[0] != '\0' ? name : assay_arena_printf(t->arena, "%zu", chosen[k] + 1);
  }
  for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < count; k++) {
      const cell *c = cell_at(t, r + first_row, chosen[k]);
      double value = NAN;
      reading what = number_of(t, c, &value);
      if (what == NO_NUMBER)
        return ASSAY_FAIL(t->err, ASSAY_ERR_PARSE, "%s:%zu: column %zu: '%.40s' is no number", t->source, c->line, c->column, c->text);
      if (what == INFINITE || what == TOO_LARGE)
        return ASSAY_FAIL(t->err, ASSAY_ERR_PARSE, "%s:%zu: column %zu: '%.40s' is %s; leave the cell empty where nothing was measured",
                          t->source, c->line, c->column, c->text, what == INFINITE ? "infinite" : "too large for a number");
      series->values[r * count + k] = what == NUMBER ? value : NAN;
    }
  return assay_arena_alloc(t->arena, 1, 1) != NULL ? ASSAY_OK : ASSAY_FAIL(t->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t->source);
}

assay_status assay_series_read(const char *text, size_t length, const char *source, const char *const *wanted, size_t wanted_count,
                               assay_arena *arena, assay_error *err, assay_series *series) {
  table t = {.source = source, .arena = arena, .err = err};
  cursor c = {.at = text, .end = text + length, .line = 1};
  if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) c.at += 3;
  const char *zero = length > 0 ? memchr(text, '\0', length) : NULL;
  if (zero != NULL) {
    size_t line = 1;
    for (const char *p = text; p < zero; p++) line += *p == '\n';
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: this is no text (it has a zero byte)", source, line);
  }
  if (!skip_empty_lines(&c))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no values: one number a line, or columns, is what is read", source);
  t.separator = find_separator(c);
  assay_status status = read_rows(&t, &c);
  if (status == ASSAY_OK) status = check_widths(&t);
  if (status != ASSAY_OK) return status;
  bool named = has_names(&t);
  size_t *chosen = NULL, count = 0;
  assay_series made = {0};
  status = choose(&t, named, wanted, wanted_count, &chosen, &count);
  if (status != ASSAY_OK) return status;
  if (count == 0) {
    const cell *first = cell_at(&t, named ? 1 : 0, 0);
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column %zu: '%.40s' is no number, and no other column has any", source, first->line,
                      first->column, first->text);
  }
  if (t.row_count == 1 && t.rows[0].count > 2)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is one line of %zu values; a series has one value a line (`tr ',' '\\n'` makes it so)",
                      source, t.rows[0].count);
  status = fill(&t, named, chosen, count, &made);
  if (status == ASSAY_OK) *series = made;
  return status;
}
