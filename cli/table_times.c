/* SPDX-License-Identifier: MIT */
/* When the rows of a table are, in whichever way its column of dates and times is written, and which way they go in time. */
#include <string.h>

#include "cli/table.h"
#include "market/table/times.h"

/* Every row that has something in the column, read in one way; a row without is as late as the one before. */
typedef bool (*moment_fn)(const char *cell, int64_t *at, int64_t *nanos);
static bool moment(const char *cell, int64_t *at, int64_t *nanos) {
  const int64_t second = 1000000000;
  int64_t ns;
  if (!assay_table_moment(cell, &ns)) return false;
  *at = ns / second - (ns % second < 0);
  *nanos = ns - *at * second;
  return true;
}
/* As numbers these would count from 1970 on, or in a day; a column in which all are dates says dates. */
static bool compact(const char *cell, int64_t *at, int64_t *nanos) {
  int64_t ns;
  if (!assay_table_compact(cell, strlen(cell), 1970, &ns)) return false;
  *at = ns / 1000000000;
  *nanos = 0;
  return true;
}
static bool serial(const char *cell, int64_t *at, int64_t *nanos) { return assay_table_serial(cell, at, nanos); }
static bool month_first(const char *cell, int64_t *at, int64_t *nanos) { return assay_table_date(cell, false, at, nanos); }
static bool day_first(const char *cell, int64_t *at, int64_t *nanos) { return assay_table_date(cell, true, at, nanos); }

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

/* Steps between the rows that say when they are. */
typedef struct steps {
  assay_table_steps all;
  size_t first[2][2]; /* the first far one of each, or of the near ones, and the row before it */
} steps;

static steps steps_of(const assay_cli_table *t, const assay_cli_times *times, const int64_t *at, const size_t *rows, size_t count) {
  steps s = {0};
  size_t before = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    size_t now = rows != NULL ? rows[i] : i;
    if (assay_cell_is_gap(date_cell(t, times, now))) continue;
    size_t last = before;
    before = now;
    if (last == SIZE_MAX || (at[now] == at[last] && times->nanos[now] == times->nanos[last])) continue;
    bool back = at[now] != at[last] ? at[now] < at[last] : times->nanos[now] < times->nanos[last];
    const bool is_first = s.all.far[back] + s.all.near[back] == 0, has_far = s.all.far[back] > 0;
    const bool is_far = assay_table_step(&s.all, at[last], at[now], back);
    if (is_first || (is_far && !has_far)) s.first[back][0] = now, s.first[back][1] = last;
  }
  return s;
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
  return assay_table_direction(&s.all);
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
  static const moment_fn ways[] = {compact, moment, serial, month_first, day_first};
  *times = (assay_cli_times){0};
  if (column != NULL) {
    assay_status status = assay_cli_table_column(table, column, err, &times->column);
    if (status != ASSAY_OK) return status;
  } else if (!assay_cli_table_finds(table, ASSAY_COLUMNS_OF_TIME, &times->column)) {
    if (table->names[0][0] != '\0' || assay_cli_table_is_numeric(table, 0)) return ASSAY_OK; /* an index without a name */
    times->column = 0;
  }
  times->named = true;
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
  int direction = assay_table_direction(&s.all);
  *back = direction < 0;
  if (direction != 0) return ASSAY_OK;
  /* What turned is the way of fewer rows, unless only one of both goes far. */
  const assay_table_steps *all = &s.all;
  bool is_far = (all->far[0] > 0) != (all->far[1] > 0);
  bool most_back = is_far ? all->far[1] > 0 : all->far[1] + all->near[1] > all->far[0] + all->near[0];
  size_t row = s.first[!most_back][0], before = s.first[!most_back][1];
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: '%s' comes behind '%s' of line %zu: rows go one way in time%s", table->source,
                    table->lines[row], date_cell(table, times, row), date_cell(table, times, before), table->lines[before],
                    rows == NULL ? " (where a table has several series, --by names the column that says which)" : "");
}
