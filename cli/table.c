/* SPDX-License-Identifier: MIT */
/* Columns of a table, by their names and as numbers; cells on their way out. */
#include "cli/table.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

/* ---- Columns ------------------------------------------------------------------------------------------------------------------------ */

static bool find(const assay_cli_table *table, const char *name, size_t *column) {
  for (size_t i = 0; i < table->columns; i++)
    if (assay_column_is_called(table->names[i], name)) {
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

bool assay_cli_table_is_one_of(const assay_cli_table *table, size_t column, const char *const *names) {
  while (*names != NULL && !assay_column_is_called(table->names[column], *names)) names++;
  return *names != NULL;
}

bool assay_cli_table_has(const assay_cli_table *table, const char *const *names, size_t *column) {
  for (; *names != NULL; names++)
    if (find(table, *names, column)) return true;
  return false;
}

bool assay_cli_table_finds(const assay_cli_table *table, uint32_t roles, size_t *column) {
  const char *name;
  for (size_t at = 0; (name = assay_column_next_name(roles, ASSAY_IN_TABLES, &at)) != NULL;)
    if (find(table, name, column)) return true;
  return false;
}

static bool is_called_like(const assay_cli_table *table, size_t column, uint32_t roles, unsigned use) {
  const char *name;
  for (size_t at = 0; (name = assay_column_next_name(roles, use, &at)) != NULL;)
    if (assay_column_is_called(table->names[column], name)) return true;
  return false;
}

bool assay_cli_table_is(const assay_cli_table *table, size_t column, uint32_t roles) {
  return is_called_like(table, column, roles, ASSAY_IN_TABLES);
}

static assay_cell_style style_of(const assay_cli_table *table, size_t column) {
  return table->styles != NULL ? table->styles[column] : ASSAY_CELL_POINT;
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
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                        "%s:%zu: column '%s': '%.40s': the column leaves open what a comma in a number means (1234.5 says it)",
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
        assay_cell_is_number(cell, style) ||
        (style == ASSAY_CELL_UNKNOWN && (assay_cell_is_number(cell, ASSAY_CELL_POINT) || assay_cell_is_number(cell, ASSAY_CELL_COMMA)));
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

static bool find_symbols(const assay_cli_table *table, size_t *column) {
  const uint32_t symbol = ASSAY_COLUMN_BIT(ASSAY_COLUMN_SYMBOL);
  if (assay_cli_table_finds(table, symbol, column)) return true;
  for (size_t i = 0; i < table->columns; i++)
    if (is_called_like(table, i, symbol, ASSAY_PERHAPS_IN_TABLES) && !assay_cli_table_is_numeric(table, i)) {
      *column = i;
      return true;
    }
  return false;
}

assay_status assay_cli_table_is_of_one(const assay_cli_table *table, assay_error *err) {
  size_t column;
  if (!find_symbols(table, &column)) return ASSAY_OK;
  const char *const first = table->cells[column];
  for (size_t i = 1; i < table->rows; i++) {
    const char *cell = table->cells[i * table->columns + column];
    if (strcmp(cell, first) != 0)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s:%zu: column '%s': '%.40s' behind '%.40s': --by %s tells the assets of a table apart",
                        table->source, table->lines[i], table->names[column], cell, first, table->names[column]);
  }
  return ASSAY_OK;
}
