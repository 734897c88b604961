/* SPDX-License-Identifier: MIT */
/* TOML's strings, numbers, booleans and dates. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/toml_node.h"
#include "base/utf8.h"

/* ---- Places and messages ---------------------------------------------------------------------------------------------------- */

void assay_toml_place(assay_toml_cursor *c, const char *at, int *line, int *column) {
  if (at < c->mark) {
    c->mark = c->text;
    c->mark_line = c->mark_column = 1;
  }
  for (; c->mark < at; c->mark++) {
    if (*c->mark == '\n') {
      c->mark_line++;
      c->mark_column = 1;
    } else if (((unsigned char)*c->mark & 0xC0) != 0x80) {
      c->mark_column++;
    }
  }
  *line = c->mark_line;
  *column = c->mark_column;
}

bool assay_toml_expected(assay_toml_cursor *c, const char *at, const char *format, ...) {
  char message[800];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(message, sizeof message, format, args);
  va_end(args);
  int line = 0, column = 0;
  assay_toml_place(c, at, &line, &column);
  c->status = ASSAY_FAIL(c->err, ASSAY_ERR_PARSE, "%s:%d:%d: %s", c->name, line, column, message);
  return false;
}

bool assay_toml_out_of_memory(assay_toml_cursor *c) {
  c->status = ASSAY_FAIL(c->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", c->name);
  return false;
}

const char *assay_toml_found(const assay_toml_cursor *c, const char *at, char out[16]) {
  if (at >= c->end) return "end of file";
  if (*at == '\n' || (*at == '\r' && at[1] == '\n')) return "end of line";
  unsigned char byte = (unsigned char)*at;
  if (byte < 0x20 || byte == 0x7f)
    snprintf(out, 16, "U+%04X", byte);
  else
    snprintf(out, 16, "'%.*s'", (int)assay_utf8_length(at), at);
  return out;
}

/* ---- Strings ------------------------------------------------------------------------------------------------------------------ */

static bool is_control(char c) { return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f; }

static bool at_newline(const char *at) { return *at == '\n' || (*at == '\r' && at[1] == '\n'); }

bool assay_toml_skip_comment(assay_toml_cursor *c) {
  for (; c->at < c->end && !at_newline(c->at); c->at++) {
    char found[16];
    if (is_control(*c->at))
      return assay_toml_expected(c, c->at, "expected no control character in a comment, found %s", assay_toml_found(c, c->at, found));
  }
  return true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* \uXXXX or \UXXXXXXXX, the cursor on the u. */
static bool parse_code_point(assay_toml_cursor *c) {
  const char *start = c->at - 1;
  int digits = *c->at == 'u' ? 4 : 8;
  uint32_t code_point = 0;
  c->at++;
  for (int i = 0; i < digits; i++, c->at++) {
    char found[16];
    if (hex_digit(*c->at) < 0)
      return assay_toml_expected(c, c->at, "expected %d hexadecimal digits after \\%c, found %s", digits, start[1],
                                 assay_toml_found(c, c->at, found));
    code_point = code_point << 4 | (uint32_t)hex_digit(*c->at);
  }
  char bytes[4];
  size_t count = assay_utf8_encode(code_point, bytes);
  if (count == 0) return assay_toml_expected(c, start, "expected a Unicode character, found the code point U+%04X", (unsigned)code_point);
  assay_buf_append(&c->scratch, bytes, count);
  return true;
}

/* A backslash at the end of a line swallows the line end and all blanks and line ends after it. */
static bool skip_line_continuation(assay_toml_cursor *c) {
  const char *p = c->at;
  while (*p == ' ' || *p == '\t') p++;
  if (!at_newline(p)) return false;
  while (*p == ' ' || *p == '\t' || at_newline(p)) p++;
  c->at = p;
  return true;
}

/* The cursor is past the backslash. */
static bool parse_escape(assay_toml_cursor *c, bool multi_line) {
  static const char names[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
  if (c->at < c->end && (*c->at == 'u' || *c->at == 'U')) return parse_code_point(c);
  const char *name = c->at < c->end ? strchr(names, *c->at) : NULL;
  if (name != NULL && *name != '\0') {
    assay_buf_putc(&c->scratch, bytes[name - names]);
    c->at++;
    return true;
  }
  if (multi_line && skip_line_continuation(c)) return true;
  char found[16];
  return assay_toml_expected(
      c, c->at, "expected one of b t n f r \" \\ u U after a backslash, found %s (a literal 'string' takes backslashes as they are)",
      assay_toml_found(c, c->at, found));
}

/* Up to the closing quote: one `quote`, or three of them when multi_line. The cursor is behind the opening. */
static bool parse_string_body(assay_toml_cursor *c, const char *start, char quote, bool multi_line) {
  char found[16];
  for (;;) {
    if (c->at >= c->end || (!multi_line && at_newline(c->at))) {
      int line = 0, column = 0;
      assay_toml_place(c, start, &line, &column);
      return assay_toml_expected(c, c->at, "expected the closing %.*s of the string that starts at %d:%d, found %s", multi_line ? 3 : 1,
                                 start, line, column, assay_toml_found(c, c->at, found));
    }
    if (*c->at == quote) {
      size_t run = strspn(c->at, (char[]){quote, '\0'});
      if (!multi_line) {
        c->at++;
        return true;
      }
      if (run >= 3) { /* the last three close; up to two before them belong to the text */
        size_t inside = run - 3 > 2 ? 2 : run - 3;
        assay_buf_append(&c->scratch, c->at, inside);
        c->at += inside + 3;
        return true;
      }
      assay_buf_append(&c->scratch, c->at, run);
      c->at += run;
    } else if (*c->at == '\\' && quote == '"') {
      c->at++;
      if (!parse_escape(c, multi_line)) return false;
    } else if (at_newline(c->at)) { /* CRLF becomes LF, so that a file means the same on every system */
      c->at += *c->at == '\r' ? 2 : 1;
      assay_buf_putc(&c->scratch, '\n');
    } else if (is_control(*c->at)) {
      return assay_toml_expected(c, c->at, "expected no control character in a string, found %s", assay_toml_found(c, c->at, found));
    } else {
      assay_buf_putc(&c->scratch, *c->at++);
    }
  }
}

bool assay_toml_parse_string(assay_toml_cursor *c, bool multi_line_allowed, const char **text, size_t *length) {
  const char *start = c->at;
  char quote = *start;
  bool multi_line = start[1] == quote && start[2] == quote;
  if (multi_line && !multi_line_allowed) return assay_toml_expected(c, start, "expected a key in single quotes, found a multi-line string");
  c->at += multi_line ? 3 : 1;
  if (multi_line && at_newline(c->at)) c->at += *c->at == '\r' ? 2 : 1; /* a line end right behind the opening is no part of the text */
  assay_buf_clear(&c->scratch);
  if (!parse_string_body(c, start, quote, multi_line)) return false;
  const char *copy = assay_arena_strndup(c->arena, c->scratch.data == NULL ? "" : c->scratch.data, c->scratch.length);
  if (copy == NULL || c->scratch.failed) return assay_toml_out_of_memory(c);
  *text = copy;
  *length = c->scratch.length;
  return true;
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with single underscores between them; returns how many bytes, 0 when `p` starts with none or an underscore has a digit missing. */
static size_t digit_run(const char *p, const char *end, int base) {
  const char *start = p;
  bool wants_digit = true;
  for (; p < end; p++) {
    int digit = hex_digit(*p);
    if (digit >= 0 && digit < base)
      wants_digit = false;
    else if (*p == '_' && !wants_digit)
      wants_digit = true;
    else
      break;
  }
  return wants_digit ? 0 : (size_t)(p - start);
}

static bool parse_based_integer(assay_toml_cursor *c, const char *start, const char *end, assay_toml_value *value) {
  int base = start[1] == 'x' ? 16 : start[1] == 'o' ? 8 : 2;
  const char *digits = start + 2;
  if (digits == end || digit_run(digits, end, base) != (size_t)(end - digits))
    return assay_toml_expected(c, start, "expected %s digits with single underscores between them, found '%.*s'",
                               base == 16  ? "hexadecimal"
                               : base == 8 ? "octal"
                                           : "binary",
                               (int)(end - start > 60 ? 60 : end - start), start);
  int64_t number = 0;
  for (; digits < end; digits++) {
    if (*digits == '_') continue;
    if (__builtin_mul_overflow(number, (int64_t)base, &number) || __builtin_add_overflow(number, (int64_t)hex_digit(*digits), &number))
      return assay_toml_expected(c, start, "expected an integer of 64 bits, found %.*s", (int)(end - start > 60 ? 60 : end - start), start);
  }
  value->type = ASSAY_TOML_INTEGER;
  value->as.integer = number;
  return true;
}

static bool parse_decimal_integer(assay_toml_cursor *c, const char *start, const char *end, assay_toml_value *value) {
  bool negative = *start == '-';
  int64_t number = 0;
  for (const char *p = start; p < end; p++) {
    if (!is_digit(*p)) continue;
    int64_t digit = negative ? -(int64_t)(*p - '0') : *p - '0'; /* towards the sign, so that the least integer is reached */
    if (__builtin_mul_overflow(number, (int64_t)10, &number) || __builtin_add_overflow(number, digit, &number))
      return assay_toml_expected(c, start, "expected an integer of 64 bits, found %.*s", (int)(end - start > 60 ? 60 : end - start), start);
  }
  value->type = ASSAY_TOML_INTEGER;
  value->as.integer = number;
  return true;
}

static bool parse_real(assay_toml_cursor *c, const char *start, const char *end, assay_toml_value *value) {
  assay_buf_clear(&c->scratch);
  for (const char *p = start; p < end; p++)
    if (*p != '_') assay_buf_putc(&c->scratch, *p);
  if (c->scratch.failed) return assay_toml_out_of_memory(c);
  value->type = ASSAY_TOML_FLOAT;
  value->as.real = assay_strtod(c->scratch.data, NULL);
  return true;
}

static bool parse_number(assay_toml_cursor *c, const char *start, const char *end, assay_toml_value *value) {
  int shown = (int)(end - start > 60 ? 60 : end - start);
  const char *p = start;
  bool is_signed = *p == '+' || *p == '-';
  if (is_signed) p++;
  if (end - p >= 2 && *p == '0' && (p[1] == 'x' || p[1] == 'o' || p[1] == 'b')) {
    if (is_signed) return assay_toml_expected(c, start, "expected no sign before 0%c, found '%.*s'", p[1], shown, start);
    return parse_based_integer(c, start, end, value);
  }
  size_t whole = digit_run(p, end, 10);
  if (whole == 0) return assay_toml_expected(c, start, "expected a number with digits, found '%.*s'", shown, start);
  if (whole > 1 && *p == '0') return assay_toml_expected(c, start, "expected a number without leading zeros, found '%.*s'", shown, start);
  p += whole;
  if (p == end) return parse_decimal_integer(c, start, end, value);
  bool good = true;
  if (*p == '.') {
    size_t fraction = digit_run(p + 1, end, 10);
    good = fraction > 0;
    p += 1 + fraction;
  }
  if (good && p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    size_t exponent = digit_run(p, end, 10);
    good = exponent > 0;
    p += exponent;
  }
  if (!good || p != end) return assay_toml_expected(c, start, "expected a number such as 12, 0x1f or 1.5e-3, found '%.*s'", shown, start);
  return parse_real(c, start, end, value);
}

/* ---- Dates and times ---------------------------------------------------------------------------------------------------------- */

static bool take_digits(const char **p, const char *end, int count, int *value) {
  int number = 0;
  for (int i = 0; i < count; i++) {
    if (*p >= end || !is_digit(**p)) return false;
    number = number * 10 + (**p - '0');
    ++*p;
  }
  *value = number;
  return true;
}

static bool take_char(const char **p, const char *end, char wanted) {
  if (*p >= end || **p != wanted) return false;
  ++*p;
  return true;
}

static int days_in_month(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **p, const char *end, assay_toml_datetime *date) {
  return take_digits(p, end, 4, &date->year) && take_char(p, end, '-') && take_digits(p, end, 2, &date->month) && take_char(p, end, '-') &&
         take_digits(p, end, 2, &date->day) && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
         date->day <= days_in_month(date->year, date->month);
}

/* Second 60 is a leap second (RFC 3339). Digits behind the ninth of a fraction are cut off, as the specification asks. */
static bool take_time(const char **p, const char *end, assay_toml_datetime *time) {
  if (!take_digits(p, end, 2, &time->hour) || !take_char(p, end, ':') || !take_digits(p, end, 2, &time->minute) ||
      !take_char(p, end, ':') || !take_digits(p, end, 2, &time->second) || time->hour > 23 || time->minute > 59 || time->second > 60)
    return false;
  if (*p >= end || **p != '.') return true;
  ++*p;
  int unit = 100000000;
  if (*p >= end || !is_digit(**p)) return false;
  for (; *p < end && is_digit(**p); ++*p, unit /= 10) time->nanosecond += (**p - '0') * unit;
  return true;
}

static bool take_offset(const char **p, const char *end, assay_toml_datetime *time) {
  if (take_char(p, end, 'Z') || take_char(p, end, 'z')) return true;
  bool negative = **p == '-';
  int hours = 0, minutes = 0;
  ++*p;
  if (!take_digits(p, end, 2, &hours) || !take_char(p, end, ':') || !take_digits(p, end, 2, &minutes) || hours > 23 || minutes > 59)
    return false;
  time->offset_minutes = (negative ? -1 : 1) * (hours * 60 + minutes);
  return true;
}

static bool parse_datetime(assay_toml_cursor *c, const char *start, const char *end, assay_toml_value *value) {
  const char *p = start;
  assay_toml_datetime when = {0};
  bool good = true;
  if (start[2] == ':') {
    value->type = ASSAY_TOML_LOCAL_TIME;
    good = take_time(&p, end, &when);
  } else {
    value->type = ASSAY_TOML_LOCAL_DATE;
    good = take_date(&p, end, &when);
    if (good && p < end && (*p == 'T' || *p == 't' || *p == ' ')) {
      p++;
      value->type = ASSAY_TOML_LOCAL_DATETIME;
      good = take_time(&p, end, &when);
      if (good && p < end) {
        value->type = ASSAY_TOML_OFFSET_DATETIME;
        good = strchr("Zz+-", *p) != NULL && take_offset(&p, end, &when);
      }
    }
  }
  if (!good || p != end)
    return assay_toml_expected(c, start,
                               "expected a date and time that exist, as 2026-01-31T23:59:59.5+01:00 or a part of it, found '%.*s'",
                               (int)(end - start > 60 ? 60 : end - start), start);
  value->as.datetime = when;
  return true;
}

/* ---- Any scalar -------------------------------------------------------------------------------------------------------------- */

static bool in_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '+' || c == '-' || c == '.' || c == ':';
}

static bool looks_like_date(const char *p) { return strspn(p, "0123456789") == 4 && p[4] == '-'; }

/* A run of letters, digits and signs; a date may go on behind one blank with the time of day. */
static const char *word_end(const char *start) {
  const char *p = start;
  while (in_word(*p)) p++;
  if (looks_like_date(start) && p - start == 10 && *p == ' ' && is_digit(p[1]) && is_digit(p[2]) && p[3] == ':') {
    p++;
    while (in_word(*p)) p++;
  }
  return p;
}

static bool is_word(const char *start, const char *end, const char *word) {
  return (size_t)(end - start) == strlen(word) && memcmp(start, word, strlen(word)) == 0;
}

static bool parse_special_real(const char *start, const char *end, assay_toml_value *value) {
  bool negative = *start == '-';
  const char *name = start + (negative || *start == '+');
  bool infinite = is_word(name, end, "inf");
  if (!infinite && !is_word(name, end, "nan")) return false;
  value->type = ASSAY_TOML_FLOAT;
  value->as.real = infinite ? (double)INFINITY : (double)NAN;
  if (negative) value->as.real = -value->as.real;
  return true;
}

bool assay_toml_parse_scalar(assay_toml_cursor *c, assay_toml_value *value) {
  const char *start = c->at;
  if (*start == '"' || *start == '\'') {
    value->type = ASSAY_TOML_STRING;
    return assay_toml_parse_string(c, true, &value->as.string.text, &value->as.string.length);
  }
  const char *end = word_end(start);
  char found[16];
  if (end == start) return assay_toml_expected(c, start, "expected a value, found %s", assay_toml_found(c, start, found));
  c->at = end;
  if (is_word(start, end, "true") || is_word(start, end, "false")) {
    value->type = ASSAY_TOML_BOOL;
    value->as.boolean = *start == 't';
    return true;
  }
  if (parse_special_real(start, end, value)) return true;
  if (looks_like_date(start) || (is_digit(start[0]) && is_digit(start[1]) && start[2] == ':')) return parse_datetime(c, start, end, value);
  if (is_digit(*start) || *start == '+' || *start == '-' || *start == '.') return parse_number(c, start, end, value);
  return assay_toml_expected(c, start, "expected a value (text goes in quotes; true and false are in lower case), found '%.*s'",
                             (int)(end - start > 60 ? 60 : end - start), start);
}
