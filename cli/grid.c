/* SPDX-License-Identifier: MIT */
#include "cli/grid.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "cli/table.h"

const char *const assay_cli_grid_formats[] = {"text", "csv", "json", NULL};

static void put_csv_cells(const assay_cli_grid *grid, assay_buf *out) {
  for (size_t i = 0; i < grid->count; i++) {
    if (grid->cells[i].text != NULL)
      assay_cli_put_cell(out, grid->cells[i].text, ',');
    else if (grid->cells[i].whole)
      assay_buf_printf(out, "%llu", (unsigned long long)grid->cells[i].count);
    else
      assay_cli_put_number_cell(out, grid->cells[i].number);
    assay_buf_putc(out, i % grid->columns == grid->columns - 1 ? '\n' : ',');
  }
}

/* A file without a name: it goes with the process. */
static void spool_row(assay_cli_grid *grid) {
  const size_t at_once = (size_t)1 << 16;
  put_csv_cells(grid, &grid->unspooled);
  grid->count = 0;
  if (grid->unspooled.failed) grid->failed = true;
  if (grid->failed || grid->unspooled.length < at_once) return;
  if (grid->spool == NULL) grid->spool = tmpfile();
  grid->failed = grid->spool == NULL || fwrite(grid->unspooled.data, 1, grid->unspooled.length, grid->spool) != grid->unspooled.length;
  grid->unspooled.length = 0;
}

static void add(assay_cli_grid *grid, assay_cli_grid_cell cell) {
  if (grid->count == grid->capacity) {
    grid->cells = assay_arena_grow(&grid->cli->arena, grid->cells, grid->count, &grid->capacity, sizeof *grid->cells);
    grid->failed = grid->failed || grid->cells == NULL;
  }
  if (grid->failed) return;
  grid->cells[grid->count++] = cell;
  if (grid->count % grid->columns != 0) return;
  grid->rows++;
  if (grid->on_disk) spool_row(grid);
}

void assay_cli_grid_clear(assay_cli_grid *grid) {
  grid->count = grid->rows = 0;
  grid->unspooled.length = 0;
  if (grid->spool != NULL) fclose(grid->spool);
  grid->spool = NULL;
}

void assay_cli_grid_close(assay_cli_grid *grid) {
  assay_cli_grid_clear(grid);
  assay_buf_deinit(&grid->unspooled);
}

void assay_cli_grid_text(assay_cli_grid *grid, const char *text) { add(grid, (assay_cli_grid_cell){.text = text != NULL ? text : ""}); }
void assay_cli_grid_kept(assay_cli_grid *grid, const char *text) {
  const char *kept = grid->on_disk || text[0] == '\0' ? text : assay_arena_strndup(&grid->cli->arena, text, strlen(text));
  grid->failed = grid->failed || kept == NULL;
  assay_cli_grid_text(grid, kept);
}
void assay_cli_grid_number(assay_cli_grid *grid, double number) {
  add(grid, (assay_cli_grid_cell){.number = number == 0 ? 0 : number}); /* no -0 */
}
void assay_cli_grid_whole(assay_cli_grid *grid, uint64_t count) { add(grid, (assay_cli_grid_cell){.whole = true, .count = count}); }

static void add_fact(assay_cli_grid *grid, const char *name, assay_cli_grid_cell value) {
  if (grid->fact_count == ASSAY_CLI_GRID_FACTS) return;
  grid->facts[grid->fact_count].name = name;
  grid->facts[grid->fact_count++].value = value;
}

void assay_cli_grid_fact(assay_cli_grid *grid, const char *name, const char *text, double number) {
  add_fact(grid, name, (assay_cli_grid_cell){.text = text, .number = number});
}

void assay_cli_grid_count(assay_cli_grid *grid, const char *name, uint64_t count) {
  add_fact(grid, name, (assay_cli_grid_cell){.whole = true, .count = count});
}

/* ---- JSON and CSV -------------------------------------------------------------------------------------------------------------------- */

static void put_cell(assay_json *json, const char *key, const assay_cli_grid_cell *cell) {
  assay_json_key(json, key);
  if (cell->text != NULL)
    assay_json_string(json, cell->text[0] != '\0' ? cell->text : NULL);
  else if (cell->whole)
    assay_json_uint(json, cell->count);
  else
    assay_json_double(json, cell->number);
}

static void put_row(const assay_cli_grid *grid, const assay_cli_grid_cell *row, assay_json *json) {
  assay_json_object_inline(json);
  for (size_t c = 0; c < grid->columns; c++) {
    if (grid->given != NULL && c == grid->given_from) {
      assay_json_key(json, grid->given);
      assay_json_object_inline(json);
    }
    put_cell(json, grid->names[c], &row[c]);
  }
  if (grid->given != NULL) assay_json_end(json);
  assay_json_end(json);
}

static void put_json(const assay_cli_grid *grid, const char *schema, const char *rows, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", schema);
  for (size_t i = 0; i < grid->fact_count; i++) put_cell(&json, grid->facts[i].name, &grid->facts[i].value);
  assay_json_key(&json, rows);
  assay_json_array(&json);
  for (size_t i = 0; i < grid->count; i += grid->columns) put_row(grid, grid->cells + i, &json);
  assay_json_end(&json);
  assay_json_end(&json);
}

/* A table has no objects: what a user gave the name of a column of ours says whose it is. */
static bool is_ours(const assay_cli_grid *grid, const char *name) {
  for (size_t c = 0; c < grid->given_from; c++)
    if (strcmp(grid->names[c], name) == 0) return true;
  return false;
}

static const char *title(const assay_cli_grid *grid, size_t column) {
  const char *name = grid->names[column];
  if (grid->given == NULL || column < grid->given_from || !is_ours(grid, name)) return name;
  const char *made = assay_arena_printf(&grid->cli->arena, "%s:%s", grid->given, name);
  return made != NULL ? made : name;
}

static void put_csv(const assay_cli_grid *grid, assay_buf *out) {
  for (size_t c = 0; c < grid->columns; c++) {
    assay_cli_put_cell(out, title(grid, c), ',');
    assay_buf_putc(out, c + 1 < grid->columns ? ',' : '\n');
  }
  put_csv_cells(grid, out);
}

/* Behind the line of names. */
static int print_spool(assay_cli_grid *grid, int code) {
  char piece[16384];
  size_t got = 0;
  bool is_read = grid->spool == NULL || fseek(grid->spool, 0, SEEK_SET) == 0, is_written = true;
  while (code == ASSAY_EXIT_FINE && is_read && is_written && grid->spool != NULL && (got = fread(piece, 1, sizeof piece, grid->spool)) > 0)
    is_written = fwrite(piece, 1, got, stdout) == got;
  if (grid->spool != NULL && ferror(grid->spool)) is_read = false;
  if (code != ASSAY_EXIT_FINE) return code;
  is_written = is_written && fflush(stdout) == 0;
  if (is_read && is_written) return grid->unspooled.length > 0 ? assay_cli_print(grid->cli, grid->unspooled.data) : code;
  assay_error err = {0};
  ASSAY_FAIL(&err, ASSAY_ERR_IO, is_read ? "standard output cannot be written" : "the answer's temporary file cannot be read");
  return assay_cli_fail(grid->cli, &err);
}

/* ---- Text ---------------------------------------------------------------------------------------------------------------------------- */

static const char *shown(const assay_cli_grid_cell *cell, char text[32]) {
  if (cell->text != NULL) return cell->text;
  if (cell->whole)
    snprintf(text, 32, "%llu", (unsigned long long)cell->count);
  else if (isnan(cell->number))
    snprintf(text, 32, "-");
  else
    assay_snprintf(text, 32, "%.6g", cell->number);
  return text;
}

/* Texts to the left, numbers to the right. */
static void put_aligned(assay_buf *out, const char *text, size_t width, bool left, bool last) {
  size_t used = assay_cli_text_width(text);
  if (!left) assay_buf_printf(out, "%*s", (int)(width > used ? width - used : 0), "");
  assay_buf_plain(out, text);
  if (left && !last) assay_buf_printf(out, "%*s", (int)(width > used ? width - used : 0), "");
  assay_buf_puts(out, last ? "\n" : "  ");
}

static void put_text(const assay_cli_grid *grid, assay_buf *out) {
  char text[32];
  size_t *widths = assay_arena_alloc(&grid->cli->arena, grid->columns, sizeof *widths);
  if (widths == NULL) {
    out->failed = true;
    return;
  }
  for (size_t c = 0; c < grid->columns; c++) widths[c] = assay_cli_text_width(title(grid, c));
  for (size_t i = 0; i < grid->count; i++) {
    size_t width = assay_cli_text_width(shown(&grid->cells[i], text));
    if (width > widths[i % grid->columns]) widths[i % grid->columns] = width;
  }
  for (size_t c = 0; c < grid->columns; c++)
    put_aligned(out, title(grid, c), widths[c], grid->count > c && grid->cells[c].text != NULL, c + 1 == grid->columns);
  for (size_t i = 0; i < grid->count; i++) {
    size_t c = i % grid->columns;
    put_aligned(out, shown(&grid->cells[i], text), widths[c], grid->cells[i].text != NULL, c + 1 == grid->columns);
  }
  if (grid->fact_count > 0) assay_buf_putc(out, '\n');
  for (size_t i = 0; i < grid->fact_count; i++) {
    assay_cli_pad(out, grid->facts[i].name, 20);
    assay_buf_plain(out, shown(&grid->facts[i].value, text));
    assay_buf_putc(out, '\n');
  }
}

int assay_cli_grid_show(assay_cli_grid *grid, const char *format, bool json, const char *schema, const char *rows) {
  assay_buf out = {0};
  if (json || strcmp(format, "json") == 0)
    put_json(grid, schema, rows, &out);
  else if (strcmp(format, "csv") == 0)
    put_csv(grid, &out);
  else
    put_text(grid, &out);
  int code = ASSAY_EXIT_CANNOT_RUN;
  if (out.failed || grid->failed) {
    assay_error err = {0};
    ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, grid->on_disk ? "out of memory, or of room for temporary files" : "out of memory for the answer");
    code = assay_cli_fail(grid->cli, &err);
  } else {
    code = print_spool(grid, assay_cli_print(grid->cli, out.data));
  }
  assay_buf_deinit(&out);
  return code;
}
