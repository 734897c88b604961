/* SPDX-License-Identifier: MIT */
/* When bars are: dates of a column that says them, and times of a day that may have a column of their own. */
#include <string.h>
#include <strings.h>

#include "base/moment.h"
#include "base/text.h"
#include "cli/bars.h"

/* "1704187800.25", or "1.704e+09", as programs write what they keep in doubles: to the digit that is written, or that a double has. */
static bool parse_real(const char *text, uint64_t *count, uint64_t *parts, unsigned *digits) {
  const size_t whole = strspn(text, "0123456789");
  double value = 0;
  *digits = 0;
  *parts = 0;
  if (whole > 0 && whole < 19 && text[whole] == '.' && text[whole + 1] != '\0' &&
      text[whole + 1 + strspn(text + whole + 1, "0123456789")] == '\0') {
    *count = 0;
    for (size_t i = 0; i < whole; i++) *count = *count * 10 + (uint64_t)(text[i] - '0');
    for (const char *p = text + whole + 1; *p != '\0' && *digits < 9; p++, ++*digits) *parts = *parts * 10 + (uint64_t)(*p - '0');
    return true;
  }
  if (strpbrk(text, "eE") == NULL || !assay_parse_f64(text, &value) || !(value >= 1e8 && value < 9e18)) return false;
  *count = (uint64_t)value;
  return true;
}

/* Counts since 1970 say by their size what they count: seconds, milliseconds, microseconds or nanoseconds, from 1973 on. */
static bool parse_count(const char *text, int64_t *ns) {
  uint64_t count = 0, parts = 0, of = 1;
  unsigned digits = 0;
  if (!assay_parse_u64(text, &count) && !parse_real(text, &count, &parts, &digits)) return false;
  if (count < 100000000 || count > INT64_MAX) return false;
  uint64_t unit = assay_moment_unit(count);
  if (count > INT64_MAX / unit) unit = 1; /* after 2262: nanoseconds of a day, as exchanges count them */
  while (digits-- > 0) of *= 10;
  const uint64_t rest = parts * unit / of;
  if (count * unit + rest > INT64_MAX) return false;
  *ns = (int64_t)(count * unit + rest);
  return true;
}

bool assay_cli_parse_compact(const char *text, int64_t *ns) {
  assay_moment moment;
  char whole[] = "00000000000000";
  const size_t length = strlen(text);
  if ((length != 12 && length != 14) || strspn(text, "0123456789") != length) return false;
  memcpy(whole, text, length);
  return assay_moment_read(whole, sizeof whole - 1, &moment) && moment.year >= 1970 && moment.year < 2100 && assay_moment_ns(&moment, ns);
}

/* More than eight digits count; eight are a day, since as seconds they would be of 1970. */
bool assay_cli_parse_moment(const char *text, int64_t *ns) {
  assay_moment moment;
  return parse_count(text, ns) || (assay_moment_read(text, strlen(text), &moment) && assay_moment_ns(&moment, ns));
}

/* "9:30:05 PM": twelve hours, and which of the two twelves. */
static bool parse_half_day(const char *text, size_t length, int64_t *ns) {
  const int64_t hour_ns = INT64_C(3600000000000);
  const bool is_late = (text[length - 2] | 0x20) == 'p';
  length -= 2;
  while (length > 0 && text[length - 1] == ' ') length--;
  int64_t clock = 0;
  if (!assay_moment_read_clock(text, length, &clock) || clock < hour_ns || clock >= 13 * hour_ns) return false;
  *ns = clock % (12 * hour_ns) + (is_late ? 12 * hour_ns : 0);
  return true;
}

bool assay_cli_bars_clock(const char *text, int64_t *ns) {
  uint64_t count = 0;
  const size_t length = strlen(text);
  if (length > 4 && (strcasecmp(text + length - 2, "am") == 0 || strcasecmp(text + length - 2, "pm") == 0))
    return parse_half_day(text, length, ns);
  if ((length != 6 && length != 5) || !assay_parse_u64(text, &count)) return assay_moment_read_clock(text, length, ns);
  *ns = (int64_t)((count / 10000 * 60 + count / 100 % 100) * 60 + count % 100) * 1000000000;
  return count / 10000 < 24 && count / 100 % 100 < 60 && count % 100 < 60;
}

bool assay_cli_bars_date(const assay_cli_table *t, const assay_cli_times *times, size_t i, int64_t *ns) {
  const int64_t second = 1000000000, most = INT64_MAX / second - 1;
  if (assay_cell_is_gap(t->cells[i * t->columns + times->column]) || times->at[i] > most || times->at[i] < -most) return false;
  *ns = times->at[i] * second + times->nanos[i];
  return true;
}

assay_status assay_cli_bars_odd_date(const assay_cli_table *t, const assay_cli_times *times, size_t i, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s' is no date such as 2026-12-24, and no time since 1970", t->source,
                    t->lines[i], t->names[times->column], t->cells[i * t->columns + times->column]);
}

/* The first cell that nobody can read, such as the Total of a footer, and not the first that needs the whole column. */
static assay_status find_odd_date(const assay_cli_table *t, const assay_cli_times *times, assay_error *err) {
  int64_t at;
  size_t odd = 0;
  for (size_t i = t->rows; i > 0; i--) {
    const char *cell = t->cells[(i - 1) * t->columns + times->column];
    if (!assay_cell_is_gap(cell) && !assay_cli_parse_moment(cell, &at) && !assay_cell_date(cell, false, &at) &&
        !assay_cell_date(cell, true, &at))
      odd = i - 1;
  }
  return assay_cli_bars_odd_date(t, times, odd, err);
}

assay_status assay_cli_bars_times(assay_cli *cli, const assay_cli_table *t, size_t by, assay_error *err, assay_cli_times *times) {
  static const char *const perhaps[] = {"day", "month", "period", "", NULL};
  assay_status status = assay_cli_table_times_by(cli, t, NULL, by, err, times);
  times->unclear = times->unclear || times->otherwise != NULL;
  if (status == ASSAY_OK) status = assay_cli_times_are_clear(t, times, err);
  if (status != ASSAY_OK || !times->named || times->known) return status;
  if (!assay_cli_table_is_one_of(t, times->column, perhaps)) return find_odd_date(t, times, err);
  times->named = false;
  return ASSAY_OK;
}
