/* SPDX-License-Identifier: MIT */
#include "market/table/times.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include <assay/feed_csv.h>

#include "base/moment.h"
#include "base/text.h"
#include "market/feeds/decimal.h"

static const int64_t second_ns = 1000000000, hour_ns = INT64_C(3600000000000);

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_all_digits(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!is_digit(text[i])) return false;
  return length > 0;
}

/* ---- Since 1970 ---------------------------------------------------------------------------------------------------------------------- */

/* "1.704e+09": what it counts is whole. */
static bool read_exponent(const char *text, size_t length, uint64_t *number) {
  char copy[40];
  double value = 0;
  if (length >= sizeof copy || (memchr(text, 'e', length) == NULL && memchr(text, 'E', length) == NULL)) return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (!assay_parse_f64(copy, &value) || !(value >= 1e8 && value < 9e18)) return false;
  *number = (uint64_t)value;
  return true;
}

static bool scale_exponent(const char *text, size_t length, uint64_t scale, uint64_t *ns) {
  uint64_t number, made;
  if (!read_exponent(text, length, &number)) return false;
  if (__builtin_mul_overflow(number, scale != 0 ? scale : assay_moment_unit(number), &made)) return false;
  *ns = made;
  return true;
}

bool assay_table_count(const char *text, size_t length, uint64_t scale, uint64_t *ns) {
  uint64_t number = 0;
  size_t digits = assay_feed_whole_slow(text, length, &number);
  if (digits == 0) return false;
  const uint64_t each = scale != 0 ? scale : assay_moment_unit(number);
  uint64_t made, unit = each;
  if (digits < length && text[digits] != '.') return scale_exponent(text, length, scale, ns);
  if (__builtin_mul_overflow(number, each, &made)) return false;
  for (digits++; digits < length; digits++) {
    if (!is_digit(text[digits])) return scale_exponent(text, length, scale, ns);
    unit /= 10; /* what is finer than a nanosecond is cut off */
    if (__builtin_add_overflow(made, (uint64_t)(text[digits] - '0') * unit, &made)) return false;
  }
  *ns = made;
  return true;
}

bool assay_table_compact(const char *text, size_t length, int since, int64_t *ns) {
  assay_moment moment;
  char whole[] = "00000000000000";
  if ((length != 12 && length != 14) || !is_all_digits(text, length)) return false;
  memcpy(whole, text, length);
  return assay_moment_read(whole, sizeof whole - 1, &moment) && moment.year >= since && moment.year < 2100 && assay_moment_ns(&moment, ns);
}

/* After 2262 counts are nanoseconds of a day, as exchanges have them. */
static bool since_1970(const char *cell, int64_t *ns) {
  const size_t length = strlen(cell);
  uint64_t at = 0;
  if (assay_table_count(cell, length, 0, &at) && at < ASSAY_TABLE_SINCE_1973) return false;
  if (at < ASSAY_TABLE_SINCE_1973 || at > INT64_MAX) at = 0;
  if (at == 0 && !assay_table_count(cell, length, 1, &at)) return false;
  if (at > INT64_MAX) return false;
  *ns = (int64_t)at;
  return true;
}

bool assay_table_moment(const char *cell, int64_t *ns) {
  assay_moment moment;
  return since_1970(cell, ns) || (assay_moment_read(cell, strlen(cell), &moment) && assay_moment_ns(&moment, ns));
}

/* To the millisecond, since 09:31 is a little less as a part of a day. */
bool assay_table_serial(const char *cell, int64_t *seconds, int64_t *nanos) {
  double days;
  if (!assay_parse_f64(cell, &days) || !(days >= 10000 && days < 100000)) return false;
  const int64_t ms = llround((days - 25569) * 86400000);
  *seconds = ms / 1000 - (ms % 1000 < 0);
  *nanos = (ms - *seconds * 1000) * 1000000;
  return true;
}

/* TAQ's 093000123456789 is half past nine of a day that is not said, and no microseconds of 1973. */
static bool is_clock_of_taq(const char *text, size_t length) {
  uint64_t number = 0;
  if (length != 15 || assay_feed_whole_slow(text, length, &number) != length) return false;
  const uint64_t clock = number / 1000000000;
  return clock / 10000 < 24 && clock / 100 % 100 < 60 && clock % 100 <= 60;
}

/* Where the unit is known, eight digits are no date. */
bool assay_feed_time(const char *text, size_t length, uint64_t scale, uint64_t *time_ns) {
  enum { EXCHANGES_BY_MINUTES = 1990 };
  assay_moment moment;
  int64_t ns = 0;
  if (scale == 0 && is_clock_of_taq(text, length)) return false;
  const bool is_compact = length >= 5 && is_digit(text[4]);
  if (scale != 0 && is_compact) return assay_table_count(text, length, scale, time_ns);
  if (assay_moment_read(text, length, &moment)) {
    if (!assay_moment_ns(&moment, &ns) || ns < 0) return false;
  } else if (length != 12 || !assay_table_compact(text, length, EXCHANGES_BY_MINUTES, &ns)) {
    return assay_table_count(text, length, scale, time_ns);
  }
  *time_ns = (uint64_t)ns;
  return true;
}

/* ---- Dates --------------------------------------------------------------------------------------------------------------------------- */

static const char *read_part(const char *p, int *value, int *digits, bool *is_month) {
  static const char names[12][4] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
  *value = *digits = 0;
  *is_month = false;
  for (; is_digit(*p) && *digits < 4; p++, ++*digits) *value = *value * 10 + (*p - '0');
  if (*digits > 0) return p;
  for (int m = 0; m < 12; m++) {
    if (strncasecmp(p, names[m], 3) != 0) continue;
    *value = m + 1;
    *is_month = true;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) p++;
    return p;
  }
  return NULL;
}

/* Behind a date; nothing is midnight. */
static bool read_clock_behind(const char *p, int64_t *ns) {
  *ns = 0;
  while (*p == ' ' || *p == 'T') p++;
  return *p == '\0' || assay_table_clock(p, strlen(p), ASSAY_CLOCK_OPEN, ns);
}

bool assay_table_date(const char *cell, bool day_first, int64_t *seconds, int64_t *nanos) {
  int value[3], digits[3], named = -1;
  const char *p = cell;
  for (int i = 0; i < 3; i++) {
    bool is_month;
    p = read_part(p, &value[i], &digits[i], &is_month);
    if (p == NULL || (is_month && named >= 0)) return false;
    if (is_month) named = i;
    if (i == 2) break;
    if (strchr("/.- ,", *p) == NULL || *p == '\0') return false;
    if (*p == '.') day_first = true; /* nobody writes months first with points */
    while (*p != '\0' && strchr("/.- ,", *p) != NULL) p++;
  }
  /* The year is last, or first where it has four digits; a month by its name leaves one place for the day. */
  int year = digits[0] == 4 ? 0 : 2, month, day;
  if (named >= 0) {
    month = named, day = 3 - named - year;
    if (named == year) return false;
  } else {
    month = year == 0 ? 1 : day_first ? 1 : 0, day = 3 - month - year;
  }
  int y = value[year] + (digits[year] == 2 ? (value[year] < 70 ? 2000 : 1900) : 0);
  if (digits[year] != 2 && digits[year] != 4) return false;
  int64_t clock = 0, days = 0;
  if (y < 0 || value[month] < 0 || value[day] < 0) return false;
  if (!assay_moment_day((unsigned)y, (unsigned)value[month], (unsigned)value[day], &days) || !read_clock_behind(p, &clock)) return false;
  const int64_t whole = clock / second_ns - (clock % second_ns < 0);
  *seconds = days * 86400 + whole;
  *nanos = clock - whole * second_ns;
  return true;
}

/* ---- Which number is the day --------------------------------------------------------------------------------------------------------- */

bool assay_table_step(assay_table_steps *steps, int64_t from, int64_t to, bool back) {
  enum { CLOCK_CHANGE = 7200 };
  const bool is_far = (back ? from - to : to - from) > CLOCK_CHANGE;
  ++*(is_far ? &steps->far[back] : &steps->near[back]);
  return is_far;
}

/* A near step against the others is a clock that was put back, and there are few of them. */
int assay_table_direction(const assay_table_steps *s) {
  enum { OFTEN = 50 };
  const bool is_far = s->far[0] + s->far[1] > 0;
  const bool back = is_far ? s->far[1] > 0 : s->near[1] > s->near[0];
  if (s->far[!back] > 0 || s->near[!back] * OFTEN > s->near[back] + s->far[back]) return 0;
  return back ? -1 : 1;
}

void assay_table_look_at_date(const char *cell, assay_date_evidence *e) {
  int64_t at[2], nanos;
  const bool is[2] = {assay_table_date(cell, false, &at[0], &nanos), assay_table_date(cell, true, &at[1], &nanos)};
  e->month_first += is[0] && !is[1];
  e->day_first += is[1] && !is[0];
  if (!is[0] || !is[1]) return;
  for (int way = 0; way < 2; way++) {
    if (e->seen && at[way] != e->last[way]) assay_table_step(&e->steps[way], e->last[way], at[way], at[way] < e->last[way]);
    e->last[way] = at[way];
  }
  e->seen = true;
}

assay_day_place assay_table_day_place(const assay_date_evidence *e) {
  if (e->day_first > 0 && e->month_first > 0) return ASSAY_DAY_EITHER;
  if (e->day_first + e->month_first > 0) return e->day_first > 0 ? ASSAY_DAY_FIRST : ASSAY_MONTH_FIRST;
  const bool months_in_order = assay_table_direction(&e->steps[0]) != 0, days_in_order = assay_table_direction(&e->steps[1]) != 0;
  return months_in_order == days_in_order ? ASSAY_DAY_OPEN : days_in_order ? ASSAY_DAY_FIRST : ASSAY_MONTH_FIRST;
}

/* ---- Times of a day ------------------------------------------------------------------------------------------------------------------ */

/* "9:30:05 PM", "3-PM": twelve hours, and which of the two twelves. 13 PM is what some programs make of one o'clock. */
static bool read_half_day(const char *text, size_t length, int64_t *ns) {
  const bool is_late = (text[length - 2] | 0x20) == 'p';
  int64_t clock = 0;
  uint64_t hour = 0;
  length -= 2;
  if (length > 1 && text[length - 1] == '-') length--;
  while (length > 0 && text[length - 1] == ' ') length--;
  if (length >= 1 && length <= 2 && assay_feed_whole_slow(text, length, &hour) == length)
    clock = (int64_t)hour * hour_ns;
  else if (!assay_moment_read_clock(text, length, &clock))
    return false;
  if (clock < 0 || clock >= 24 * hour_ns || (!is_late && clock >= 13 * hour_ns)) return false;
  if (is_late && clock < 12 * hour_ns) clock += 12 * hour_ns;
  if (!is_late && clock >= 12 * hour_ns) clock -= 12 * hour_ns;
  *ns = clock;
  return true;
}

static bool is_half_day(const char *text, size_t length) {
  return length > 2 && (text[length - 1] | 0x20) == 'm' && ((text[length - 2] | 0x20) == 'a' || (text[length - 2] | 0x20) == 'p');
}

/* HHMMSS as a number. */
static bool split_clock(uint64_t number, int64_t *ns) {
  *ns = (int64_t)((number / 10000 * 60 + number / 100 % 100) * 60 + number % 100) * second_ns;
  return number / 10000 < 24 && number / 100 % 100 < 60 && number % 100 < 60;
}

bool assay_table_is_minutes(const char *text, size_t length) {
  int64_t ns;
  uint64_t number = 0;
  return length == 4 && text[0] == '0' && assay_feed_whole_slow(text, length, &number) == length && number > 0 &&
         split_clock(number * 100, &ns);
}

/*
 * 93000 is a spreadsheet's 093000; 0931 has no seconds, nor have others of four digits in such a column. 1000 alone may as well be ten
 * minutes past midnight that lost its zeros.
 */
static bool read_short_clock(const char *text, size_t length, assay_clock_style style, int64_t *ns) {
  uint64_t number = 0;
  if (length == 0 || length > 5 || assay_feed_whole_slow(text, length, &number) != length) return false;
  if (length == 5 || number == 0) return split_clock(number, ns);
  if (length == 4 && text[0] == '0') return split_clock(number * 100, ns);
  if (style == ASSAY_CLOCK_OPEN) return false;
  return split_clock(style == ASSAY_CLOCK_MINUTES ? number * 100 : number, ns);
}

/* 143001 with three, six or nine digits of a fraction behind it (TAQ), perhaps with a zone; no time since 1970 has so many. */
static bool read_long_clock(const char *text, size_t length, int64_t *ns) {
  assay_moment moment;
  char whole[32] = "19700101 ";
  if (length < 6 || length > 15 || length % 3 != 0 || memchr(text, ' ', length) != NULL) return false;
  memcpy(whole + 9, text, length);
  if (!assay_moment_read(whole, 9 + length, &moment)) return false;
  *ns = moment.clock_ns - moment.east_ns;
  return true;
}

bool assay_table_clock(const char *text, size_t length, assay_clock_style style, int64_t *ns) {
  int64_t made = 0;
  const bool is = assay_moment_read_clock(text, length, &made) || read_short_clock(text, length, style, &made) ||
                  read_long_clock(text, length, &made) || (is_half_day(text, length) && read_half_day(text, length, &made));
  if (is) *ns = made;
  return is;
}

void assay_table_look_at_clock(const char *text, size_t length, assay_clock_evidence *e) {
  uint64_t number = 0;
  int64_t ns;
  if (length == 0 || length > 5 || assay_feed_whole_slow(text, length, &number) != length || number == 0) return;
  if (assay_table_is_minutes(text, length))
    e->minutes++;
  else if (length < 5 && split_clock(number * 100, &ns))
    e->open++;
  else
    e->seconds += split_clock(number, &ns);
}

assay_clock_style assay_table_clock_style(const assay_clock_evidence *e, bool several_days) {
  if (e->minutes > 0) return e->seconds == 0 ? ASSAY_CLOCK_MINUTES : ASSAY_CLOCK_OPEN;
  if (e->seconds > 0) return ASSAY_CLOCK_SECONDS;
  return e->open > 0 && several_days ? ASSAY_CLOCK_MINUTES : ASSAY_CLOCK_OPEN;
}
