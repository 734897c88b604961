/* SPDX-License-Identifier: MIT */
/*
 * Cells that mean two things by themselves: 1,234 and 151.234, 01/02/2024, 1000. What was read of their column says which it is, else the
 * next few hundred rows do, which is as far as a stream is asked to wait; where those say nothing either, the row is refused. A table is
 * the same rows in windows of any size, since a row of it asks the same rows behind it.
 */
#include <string.h>

#include "base/moment.h"
#include "market/feeds/cells.h"
#include "market/feeds/csv.h"
#include "market/feeds/decimal.h"
#include "market/table/numbers.h"
#include "market/table/times.h"

const char assay_csv_ask[] = "its column has to say what it is";
static const char open_number[] = "a comma or point may part thousands or decimals here, and no row nearby says which";
static const char open_day[] = "either number may be the day, and no row nearby says which";
static const char open_clock[] = "hours and minutes, or minutes and seconds: no row nearby says which";
const char assay_csv_no_date[] = "no date", assay_csv_no_number[] = "no decimal number of that many decimals";

const char *assay_csv_mend(const char *problem) {
  return problem == open_number  ? "write numbers as 1234.5"
         : problem == open_day   ? "write dates as 2026-12-24"
         : problem == open_clock ? "write times as 09:30:00"
                                 : NULL;
}

/* As text that ends with a zero; false: it is none of the things that are read here. */
enum { CELL = ASSAY_CELL_PLAIN };
static bool copy_cell(assay_feed_text cell, char text[CELL]) {
  if (cell.length >= CELL || memchr(cell.at, '\0', cell.length) != NULL) return false;
  memcpy(text, cell.at, cell.length);
  text[cell.length] = '\0';
  return true;
}

/* Once rows were asked, they are not asked again before they are read. */
static const char *ask_or(const assay_csv_reader *reader, const char *problem) {
  return reader->in.count >= reader->asked ? assay_csv_ask : problem;
}

bool assay_csv_is_gap(assay_feed_text cell) {
  char text[CELL];
  return cell.length == 0 || ((cell.at[0] < '0' || cell.at[0] > '9') && copy_cell(cell, text) && assay_cell_is_gap(text));
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------------------------- */

static bool read_plain(const char *plain, unsigned decimals, int64_t *value) {
  const size_t length = strlen(plain);
  int64_t scaled = 0;
  if (assay_feed_decimal(plain, length, decimals, value)) return true;
  if (length == 0 || assay_feed_decimal_scaled(plain, length, decimals, &scaled) != length) return false;
  *value = scaled;
  return true;
}

/* "100,03", as most numbers of a column with commas are. */
static bool read_comma(assay_feed_text cell, unsigned decimals, int64_t *value) {
  char text[24];
  const char *comma = memchr(cell.at, ',', cell.length);
  if (comma == NULL || cell.length > sizeof text) return false;
  memcpy(text, cell.at, cell.length);
  text[comma - cell.at] = '.';
  return memchr(cell.at, '.', cell.length) == NULL && assay_feed_decimal(text, cell.length, decimals, value);
}

/* Where commas part the cells, one of decimals is believed where the number itself proves it: "1.234,50", and not "1,5". */
static bool is_believed(const assay_csv_reader *reader, bool is_comma_sure) { return reader->separator != ',' || is_comma_sure; }

static bool has_two_marks(const char *text) {
  const char *mark = strpbrk(text, ".,");
  return mark != NULL && strpbrk(mark + 1, ".,") != NULL;
}

/* NULL: the style is known now, or does not matter. */
static const char *find_style(assay_csv_reader *reader, unsigned column, const char *text, assay_cell_style *style) {
  char plain[CELL];
  const bool is_point = assay_cell_plain(text, ASSAY_CELL_POINT, plain), is_comma = assay_cell_plain(text, ASSAY_CELL_COMMA, plain);
  if (!is_point && !is_comma) return assay_csv_no_number;
  *style = is_point ? ASSAY_CELL_POINT : ASSAY_CELL_COMMA;
  if (strpbrk(text, ".,") == NULL) return NULL;
  if (is_point && is_comma && !(reader->separator == ',' && strchr(text, '.') != NULL)) return ask_or(reader, open_number);
  if (*style == ASSAY_CELL_COMMA && !is_believed(reader, has_two_marks(text))) return assay_csv_no_number;
  reader->styles[column] = *style == ASSAY_CELL_POINT ? ASSAY_CSV_POINTS : ASSAY_CSV_COMMAS;
  return NULL;
}

const char *assay_csv_written(assay_csv_reader *reader, unsigned column, assay_feed_text cell, unsigned decimals, int64_t *value) {
  char text[CELL], plain[CELL];
  const uint8_t known = reader->styles[column];
  assay_cell_style style = known == ASSAY_CSV_COMMAS ? ASSAY_CELL_COMMA : ASSAY_CELL_POINT;
  if (known == ASSAY_CSV_COMMAS && read_comma(cell, decimals, value)) return NULL;
  if (!copy_cell(cell, text)) return assay_csv_no_number;
  const char *problem = known == ASSAY_CSV_UNSAID ? find_style(reader, column, text, &style) : NULL;
  if (problem != NULL) return problem;
  return assay_cell_plain(text, style, plain) && read_plain(plain, decimals, value) ? NULL : assay_csv_no_number;
}

/* ---- Dates and times ----------------------------------------------------------------------------------------------------------------- */

static const char *to_ns(int64_t seconds, int64_t nanos, uint64_t *ns) {
  int64_t all;
  if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &all) || __builtin_add_overflow(all, nanos, &all) || all < 0)
    return "no date from 1970 to 2262";
  *ns = (uint64_t)all;
  return NULL;
}

const char *assay_csv_date(assay_csv_reader *reader, assay_feed_text cell, uint64_t *ns) {
  char text[CELL];
  int64_t at[2], nanos[2];
  if (!copy_cell(cell, text)) return assay_csv_no_date;
  const bool day_first = reader->day_place == ASSAY_DAY_FIRST, is_known = day_first || reader->day_place == ASSAY_MONTH_FIRST;
  if (is_known && assay_table_date(text, day_first, &at[0], &nanos[0])) return to_ns(at[0], nanos[0], ns);
  bool is[2];
  for (int way = 0; way < 2; way++) is[way] = assay_table_date(text, way == 1, &at[way], &nanos[way]);
  if (!is[0] && !is[1]) return assay_csv_no_date;
  if (is_known) return day_first ? "no date with the day first, as others are" : "no date with the month first, as others are";
  if (is[0] && is[1] && at[0] != at[1]) return reader->day_place == ASSAY_DAY_EITHER ? open_day : ask_or(reader, open_day);
  if (is[0] != is[1] && reader->day_place == ASSAY_DAY_OPEN) reader->day_place = is[0] ? ASSAY_MONTH_FIRST : ASSAY_DAY_FIRST;
  return to_ns(at[!is[0]], nanos[!is[0]], ns);
}

const char *assay_csv_clock(const assay_csv_reader *reader, assay_feed_text cell, int64_t *ns) {
  static const char no_time[] = "no time of a day";
  int64_t clock = 0;
  if (assay_table_clock(cell.at, cell.length, (assay_clock_style)reader->clock_style, &clock)) return *ns = clock, NULL;
  if (reader->clock_style != ASSAY_CLOCK_OPEN || !assay_table_clock(cell.at, cell.length, ASSAY_CLOCK_MINUTES, &clock)) return no_time;
  return ask_or(reader, open_clock);
}

/* ---- The rows behind ----------------------------------------------------------------------------------------------------------------- */

enum { MOST_ROWS = 300, MOST_BYTES = 65536 };

typedef struct rows_behind {
  assay_cell_evidence numbers[ASSAY_CSV_MOST_COLUMNS];
  assay_date_evidence dates;
  assay_clock_evidence clocks;
  assay_feed_text first_date;
  bool several_days;
} rows_behind;

static void look_at_date(rows_behind *b, assay_feed_text cell, const char *text) {
  uint64_t ns;
  if (b->first_date.at == NULL) b->first_date = cell;
  b->several_days = b->several_days || cell.length != b->first_date.length || memcmp(cell.at, b->first_date.at, cell.length) != 0;
  if (!assay_feed_time(cell.at, cell.length, 0, &ns)) assay_table_look_at_date(text, &b->dates);
}

static void look_at_row(const assay_csv_reader *reader, const assay_cells_line *line, rows_behind *b) {
  const bool has_date = assay_csv_has(reader, ASSAY_COLUMN_DATE);
  size_t at = 0;
  for (unsigned column = 0; column < reader->columns && at <= line->length; column++, at++) {
    char text[CELL];
    assay_feed_text cell;
    const uint8_t role = reader->roles[column];
    if (!assay_cells_read(line->text, line->length, reader->separator, &at, &cell)) return;
    if (!copy_cell(cell, text)) continue;
    if (role == ASSAY_COLUMN_DATE || (role == ASSAY_COLUMN_TIME && !has_date))
      look_at_date(b, cell, text);
    else if (role == ASSAY_COLUMN_TIME)
      assay_table_look_at_clock(cell.at, cell.length, &b->clocks);
    else
      assay_cell_look_at(text, &b->numbers[column]);
  }
}

static void decide_numbers(assay_csv_reader *reader, const rows_behind *b) {
  assay_cell_evidence all = {0};
  for (unsigned c = 0; c < reader->columns; c++) {
    if (b->numbers[c].numbers <= b->numbers[c].others) continue; /* a remark such as "1,5" says nothing of prices */
    all.point += b->numbers[c].point;
    all.comma += b->numbers[c].comma;
  }
  for (unsigned c = 0; c < reader->columns; c++) {
    const assay_cell_evidence *e = &b->numbers[c];
    if (reader->styles[c] != ASSAY_CSV_UNSAID || e->point + e->comma + e->open_points + e->open_commas == 0) continue;
    const assay_cell_style style = assay_cell_style_of(e, &all, reader->separator);
    if (style == ASSAY_CELL_POINT) reader->styles[c] = ASSAY_CSV_POINTS;
    if (style == ASSAY_CELL_COMMA && is_believed(reader, e->comma_surely > 0)) reader->styles[c] = ASSAY_CSV_COMMAS;
  }
}

assay_feed_step assay_csv_ask_rows(assay_csv_reader *reader) {
  assay_feed_reader ahead = reader->in;
  rows_behind behind = {0};
  assay_cells_line line;
  size_t rows = 0;
  for (; rows < MOST_ROWS && ahead.at - reader->in.at < MOST_BYTES; rows++, ahead.at += line.whole) {
    const assay_feed_step step = assay_cells_next_line(&ahead, &line);
    if (step == ASSAY_FEED_MORE) return step;
    if (step != ASSAY_FEED_MESSAGE) break;
    look_at_row(reader, &line, &behind);
  }
  reader->asked = reader->in.count + (rows > 0 ? rows : 1);
  decide_numbers(reader, &behind);
  if (reader->day_place == ASSAY_DAY_OPEN) reader->day_place = (uint8_t)assay_table_day_place(&behind.dates);
  if (reader->clock_style == ASSAY_CLOCK_OPEN) reader->clock_style = (uint8_t)assay_table_clock_style(&behind.clocks, behind.several_days);
  return ASSAY_FEED_MESSAGE;
}
