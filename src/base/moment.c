/* SPDX-License-Identifier: MIT */
#include "base/moment.h"

#include <string.h>

static const int64_t second_ns = 1000000000, day_s = 86400;

/* Days since 1970 of a date in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  unsigned of_era = (unsigned)(year - era * 400), of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool two(const char *text, unsigned most, unsigned *value) {
  if (!is_digit(text[0]) || !is_digit(text[1])) return false;
  *value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
  return *value <= most;
}

/* One digit or two, by what stands behind them; how many, 0: none. */
static size_t one_or_two(const char *text, size_t length, unsigned most, unsigned *value) {
  if (length == 0 || !is_digit(text[0])) return 0;
  if (length > 1 && is_digit(text[1])) return two(text, most, value) ? 2 : 0;
  *value = (unsigned)(text[0] - '0');
  return *value <= most ? 1 : 0;
}

/* ---- Dates --------------------------------------------------------------------------------------------------------------------------- */

static bool set_date(assay_moment *m, unsigned year, unsigned month, unsigned day) {
  static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month == 0 || month > 12 || day == 0 || day > lengths[month - 1] + (month == 2 && leap ? 1u : 0u)) return false;
  m->year = (int)year;
  m->month = month;
  m->day = day;
  m->days = days_of(year, month, day);
  return true;
}

bool assay_moment_day(unsigned year, unsigned month, unsigned day, int64_t *days) {
  assay_moment m;
  if (!set_date(&m, year, month, day)) return false;
  *days = m.days;
  return true;
}

static bool read_year(const char *text, unsigned *year) {
  unsigned century, rest;
  if (!two(text, 99, &century) || !two(text + 2, 99, &rest)) return false;
  *year = century * 100 + rest;
  return true;
}

/* "Dec 24 2026"; returns its bytes, 0: it is none. */
static size_t read_named(const char *text, size_t length, assay_moment *m) {
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  unsigned month = 0, day = 0, year = 0;
  size_t at = 4;
  while (length >= 10 && month < 12) {
    const char *name = names + 3 * (size_t)month++;
    if ((text[0] | 0x20) == name[0] && (text[1] | 0x20) == name[1] && (text[2] | 0x20) == name[2]) break;
    if (month == 12) return 0;
  }
  if (length < 10 || text[3] != ' ') return 0;
  for (; at < 6 && is_digit(text[at]); at++) day = day * 10 + (unsigned)(text[at] - '0');
  if (at == 4 || text[at] != ' ' || length - at < 5 || !read_year(text + at + 1, &year) || !set_date(m, year, month, day)) return 0;
  return at + 5;
}

/* "24.12.2026", "5.1.2026": with points the day is first, everywhere. */
static size_t read_pointed(const char *text, size_t length, assay_moment *m) {
  unsigned year, month, day;
  size_t at = one_or_two(text, length, 31, &day), digits;
  if (at == 0 || at >= length || text[at] != '.') return 0;
  digits = one_or_two(text + at + 1, length - at - 1, 12, &month);
  at += 1 + digits;
  if (digits == 0 || length < at + 5 || text[at] != '.' || !read_year(text + at + 1, &year) || !set_date(m, year, month, day)) return 0;
  return at + 5;
}

/* The bytes of the date that the text begins with; 0: there is none. */
static size_t read_date(const char *text, size_t length, assay_moment *m) {
  unsigned year, month, day;
  size_t pointed = length >= 8 && (text[1] == '.' || text[2] == '.') ? read_pointed(text, length, m) : 0;
  if (pointed > 0) return pointed;
  if (length < 8 || !read_year(text, &year)) return read_named(text, length, m);
  if (is_digit(text[4])) return two(text + 4, 12, &month) && two(text + 6, 31, &day) && set_date(m, year, month, day) ? 8 : 0;
  if (text[4] != '-' && text[4] != '/' && text[4] != '.') return 0;
  size_t behind = 5 + one_or_two(text + 5, length - 5, 12, &month), digits = 0;
  if (behind == 5 || behind >= length || text[behind++] != text[4]) return 0;
  digits = one_or_two(text + behind, length - behind, 31, &day);
  return digits > 0 && set_date(m, year, month, day) ? behind + digits : 0;
}

/* ---- Times of a day ------------------------------------------------------------------------------------------------------------------ */

static int64_t clock_of(unsigned hour, unsigned minute, unsigned second) {
  return (int64_t)((hour * 60u + minute) * 60u + second) * second_ns;
}

/* "Z", " UTC", " GMT", an offset, or one behind the word (" GMT+0100") or a blank; they end the text. */
static bool read_zone(const char *text, size_t length, assay_moment *m) {
  unsigned hours, minutes = 0;
  m->has_zone = true;
  if (length == 1 && text[0] == 'Z') return true;
  if (length >= 4 && (memcmp(text, " UTC", 4) == 0 || memcmp(text, " GMT", 4) == 0)) {
    text += 4;
    length -= 4;
    if (length == 0) return true;
  } else if (length > 3 && text[0] == ' ') {
    text++;
    length--;
  }
  if (length < 3 || (text[0] != '+' && text[0] != '-') || !two(text + 1, 23, &hours)) return false;
  size_t colon = length > 3 && text[3] == ':';
  if (length != 3 && (length != 5 + colon || !two(text + 3 + colon, 59, &minutes))) return false;
  m->east_ns = (text[0] == '-' ? -1 : 1) * clock_of(hours, minutes, 0);
  return true;
}

static bool read_clock(const char *text, size_t length, assay_moment *m) {
  unsigned hour, minute, second = 0;
  int64_t fraction = 0, unit = second_ns;
  size_t at = one_or_two(text, length, 23, &hour);
  if (at == 0 || length - at < 3 || text[at] != ':' || !two(text + at + 1, 59, &minute)) return false;
  at += 3;
  if (at < length && text[at] == ':') {
    if (length - at < 3 || !two(text + at + 1, 60, &second)) return false;
    at += 3;
    if (at < length && (text[at] == '.' || text[at] == ',')) {
      size_t begin = ++at;
      for (; at < length && is_digit(text[at]); at++) {
        if (unit == 1) return false;
        unit /= 10;
        fraction += (text[at] - '0') * unit;
      }
      if (at == begin) return false;
    }
  }
  m->clock_ns = clock_of(hour, minute, second) + fraction;
  return at == length || read_zone(text + at, length - at, m);
}

/*
 * HHMMSS; behind it a second's fraction, of up to nine digits after a blank or a point, of three, six or nine without (HistData,
 * NinjaTrader): seven would be a slip as likely as a fraction. Then a zone.
 */
static bool read_compact_clock(const char *text, size_t length, assay_moment *m) {
  unsigned hour, minute, second;
  int64_t fraction = 0, unit = second_ns;
  if (length < 6 || !two(text, 23, &hour) || !two(text + 2, 59, &minute) || !two(text + 4, 60, &second)) return false;
  size_t begin = length > 7 && (text[6] == ' ' || text[6] == '.') && is_digit(text[7]) ? 7 : 6, at = begin;
  for (; at < length && is_digit(text[at]); at++) {
    if (unit == 1) return false;
    unit /= 10;
    fraction += (text[at] - '0') * unit;
  }
  if (begin == 6 && (at - begin) % 3 != 0) return false;
  m->clock_ns = clock_of(hour, minute, second) + fraction;
  return at == length || read_zone(text + at, length - at, m);
}

/* ---- Both ---------------------------------------------------------------------------------------------------------------------------- */

bool assay_moment_read(const char *text, size_t length, assay_moment *moment) {
  assay_moment m = {0};
  size_t date = read_date(text, length, &m), left = length - date;
  const char *rest = text + date;
  if (date == 0) return false;
  if (left > 1 && rest[0] == ' ' && rest[1] == ' ') rest++, left--; /* Interactive Brokers: 20261224  18:30:05 */
  bool is_whole = left == 0, is_compact = date == 8 && is_digit(text[1]) && is_digit(text[4]);
  if (is_compact && left == 6) is_whole = read_compact_clock(rest, left, &m);
  if (is_compact && left > 0 && (rest[0] == 'T' || rest[0] == ' ')) is_whole = read_compact_clock(rest + 1, left - 1, &m);
  if (!is_whole && (rest[0] == 'T' || rest[0] == ' ' || rest[0] == 'D') && read_clock(rest + 1, left - 1, &m)) is_whole = true;
  if (!is_whole && (rest[0] == 'Z' || rest[0] == ' ')) is_whole = read_zone(rest, left, &m); /* a date with a zone */
  if (is_whole) *moment = m;
  return is_whole;
}

bool assay_moment_read_clock(const char *text, size_t length, int64_t *clock_ns) {
  assay_moment m = {0};
  if (!read_clock(text, length, &m)) return false;
  *clock_ns = m.clock_ns - m.east_ns;
  return true;
}

bool assay_moment_ns(const assay_moment *m, int64_t *ns) {
  int64_t all;
  if (__builtin_mul_overflow(m->days, day_s * second_ns, &all) || __builtin_add_overflow(all, m->clock_ns - m->east_ns, &all)) return false;
  *ns = all;
  return true;
}

uint64_t assay_moment_unit(uint64_t count) {
  return count < UINT64_C(100000000000)         ? UINT64_C(1000000000)
         : count < UINT64_C(100000000000000)    ? UINT64_C(1000000)
         : count < UINT64_C(100000000000000000) ? UINT64_C(1000)
                                                : 1;
}
