/* SPDX-License-Identifier: MIT */
/*
 * Rows below one of a few lines of names, read as a feed and as a table of finance: what both can read is the same moment and the same
 * price, and a feed is the same rows in windows of any size. Behind a '#' the bytes are one cell, read in every way: what is read keeps to
 * its bounds, and means the same with what people put around it.
 */
#include <assay/feed_csv.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/table.h"
#include "market/table/times.h"
#include "windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- One cell ------------------------------------------------------------------------------------------------------------------------ */

static const int64_t second_ns = 1000000000, day_s = 86400;

static void check_number(const char *cell) {
  char plain[ASSAY_CELL_PLAIN], swapped[100];
  double value, again;
  const size_t length = strlen(cell);
  for (size_t i = 0; i <= length; i++) swapped[i] = cell[i] == ',' ? '.' : cell[i] == '.' ? ',' : cell[i];
  if (assay_cell_plain(cell, ASSAY_CELL_POINT, plain) && (!assay_cell_number(plain, ASSAY_CELL_POINT, &value) || isnan(value))) abort();
  /* A decimal comma is a decimal point that is written as one; but by twos digits go with points only. */
  if (!assay_cell_plain(cell, ASSAY_CELL_COMMA, plain)) return;
  if (!assay_cell_number(cell, ASSAY_CELL_COMMA, &value) || !assay_cell_number(swapped, ASSAY_CELL_POINT, &again)) abort();
  if (value != again) abort();
}

static void check_times(const char *cell) {
  const size_t length = strlen(cell);
  int64_t seconds[2] = {0}, nanos[2], ns[3] = {0};
  bool is[3];
  for (int way = 0; way < 2; way++) {
    is[way] = assay_table_date(cell, way == 1, &seconds[way], &nanos[way]);
    if (is[way] && (nanos[way] < 0 || nanos[way] >= second_ns)) abort();
  }
  assay_date_evidence dates = {0};
  assay_table_look_at_date(cell, &dates);
  if (dates.month_first != (is[0] && !is[1]) || dates.day_first != (is[1] && !is[0]) || dates.seen != (is[0] && is[1])) abort();
  for (int style = 0; style < 3; style++) {
    is[style] = assay_table_clock(cell, length, (assay_clock_style)style, &ns[style]);
    if (is[style] && (ns[style] < -day_s * second_ns || ns[style] > 2 * day_s * second_ns)) abort();
    if (style > 0 && is[0] && (!is[style] || ns[style] != ns[0])) abort(); /* what is clear stays what it is */
  }
  uint64_t count = 0;
  int64_t moment;
  if (assay_table_count(cell, length, 1, &count) && strspn(cell, "0123456789") == length && count != strtoull(cell, NULL, 10)) abort();
  const bool is_both = assay_table_moment(cell, &moment) && moment >= 0 && assay_feed_time(cell, length, 0, &count);
  /* Twelve digits may be minutes, which only a column can tell from milliseconds; and behind 2262 it is of a day that is not said. */
  if (is_both && (uint64_t)moment != count && length != 12 && count <= INT64_MAX) abort();
}

static void check_cell(const uint8_t *data, size_t size) {
  char cell[90];
  uint64_t scale = 0;
  if (size >= sizeof cell) return;
  memcpy(cell, data, size);
  cell[size] = '\0';
  assay_column_of((const char *)data, size, &scale);
  assay_column_is_some_volume((const char *)data, size);
  if (memchr(data, '\0', size) != NULL) return;
  check_number(cell);
  check_times(cell);
}

/* ---- Rows ---------------------------------------------------------------------------------------------------------------------------- */

enum { MOST_ROWS = 2000 };
static const char *const names[] = {"date,price\n",      "date;price\n",       "time;price\n",      "date,time,price\n",
                                    "date;time;price\n", "time\tprice;size\n", "time|price|size\n", "date,open,high,low,close,volume\n"};

typedef struct rows {
  size_t count;
  bool all; /* none of them was refused */
  uint64_t times[MOST_ROWS];
  int64_t prices[MOST_ROWS];
} rows;

static void keep(rows *to, const assay_csv_row *row) {
  if (to->count == MOST_ROWS) return;
  to->times[to->count] = row->time_ns;
  to->prices[to->count++] = row->kind == ASSAY_CSV_OTHER ? INT64_MIN : row->price;
}

static void read_feed(const char *text, size_t size, bool in_windows, rows *made) {
  assay_csv_reader reader;
  assay_csv_row row;
  size_t end = 0;
  assay_csv_open(&reader, text, in_windows ? 0 : size, 6, 6);
  reader.in.last = !in_windows;
  *made = (rows){.all = true};
  while (true) {
    const assay_feed_step step = assay_csv_next(&reader, &row);
    if (step == ASSAY_FEED_MORE)
      next_window(&reader.in, text, size, &end);
    else if (step == ASSAY_FEED_MESSAGE)
      keep(made, &row);
    else if (step == ASSAY_FEED_MALFORMED && assay_feed_skip(&reader.in))
      made->all = false;
    else
      break;
  }
  made->all = made->all && reader.in.fault.problem == NULL;
}

static void compare(assay_cli *cli, const assay_cli_table *t, const rows *feed) {
  static const char *const closes[] = {"close", "price", NULL};
  assay_cli_times times;
  assay_error err = {0};
  double *prices = NULL;
  size_t column = 0;
  if (t->rows != feed->count || !assay_cli_table_has(t, closes, &column)) return;
  if (assay_cli_table_numbers(cli, t, column, true, &err, &prices) == ASSAY_OK)
    for (size_t i = 0; i < t->rows; i++) {
      const bool is_gap = feed->prices[i] == INT64_MIN;
      if (is_gap != (isnan(prices[i]) != 0) && !is_gap) abort();
      if (!is_gap && fabs(prices[i] * 1e6 - (double)feed->prices[i]) > 1e-9 * fabs(prices[i] * 1e6)) abort();
    }
  /* A date with a time beside it is put together by who makes bars of them. */
  if (t->columns == 3 && strcmp(t->names[1], "time") == 0) return;
  if (assay_cli_table_times(cli, t, NULL, &err, &times) != ASSAY_OK || !times.known) return;
  for (size_t i = 0; i < t->rows; i++) {
    const char *cell = t->cells[i * t->columns + times.column];
    const size_t length = strlen(cell);
    if (assay_cell_is_gap(cell) || times.at[i] < 0 || times.at[i] > INT64_MAX / second_ns - 1) continue;
    if (length == 12 || length == 14 || times.otherwise != NULL) continue;               /* of a whole column, these say more */
    if (feed->times[i] < ASSAY_TABLE_SINCE_1973 || feed->times[i] > INT64_MAX) continue; /* or of a day that is not said */
    if ((uint64_t)(times.at[i] * second_ns + times.nanos[i]) != feed->times[i]) abort();
  }
}

static void check_rows(const char *text, size_t size) {
  static rows feed, pieces;
  read_feed(text, size, false, &feed);
  read_feed(text, size, true, &pieces);
  if (feed.count != pieces.count || feed.all != pieces.all || memcmp(feed.times, pieces.times, feed.count * sizeof *feed.times) != 0 ||
      memcmp(feed.prices, pieces.prices, feed.count * sizeof *feed.prices) != 0)
    abort();
  int fd = memfd_create("table", MFD_CLOEXEC);
  char path[40];
  if (fd < 0 || write(fd, text, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  static const assay_cli_verb verb = {.name = "table"};
  static FILE *unread; /* where the notes of so many tables go */
  if (unread == NULL && (unread = fopen("/dev/null", "w")) == NULL) abort();
  assay_cli cli = {.program = "fuzz", .verb = &verb};
  assay_cli_table table;
  assay_error err = {0};
  FILE *const shown = stderr;
  assay_arena_init(&cli.arena, ASSAY_TAG_CLI);
  stderr = unread;
  const assay_status status = assay_cli_table_read(&cli, path, &err, &table);
  stderr = shown;
  if (status != ASSAY_OK) {
    if (err.message[0] == '\0') abort();
  } else if (feed.all && feed.count < MOST_ROWS) {
    compare(&cli, &table, &feed);
  }
  assay_arena_deinit(&cli.arena);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[1 << 16];
  if (size < 1) return 0;
  if (data[0] == '#') {
    check_cell(data + 1, size - 1);
    return 0;
  }
  const char *line = names[data[0] % (sizeof names / sizeof *names)];
  const size_t length = strlen(line);
  if (size - 1 > sizeof text - length) return 0;
  memcpy(text, line, length);
  memcpy(text + length, data + 1, size - 1);
  check_rows(text, length + size - 1);
  return 0;
}
