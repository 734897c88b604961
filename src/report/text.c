/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/utf8.h"
#include "report/render.h"

#define DASH "\u2013"
#define MINUS "\u2212"
#define ELLIPSIS "\u2026"

const char *assay_report_value(double value, const char *unit, char out[ASSAY_REPORT_TEXT]) {
  if (isnan(value)) return strcpy(out, DASH);
  char plain[ASSAY_REPORT_TEXT - 4];
  assay_format_value(value, unit, plain, sizeof plain);
  char *micro = strstr(plain, " us");
  if (micro == NULL || micro[3] != '\0') return strcpy(out, plain);
  *micro = '\0';
  snprintf(out, ASSAY_REPORT_TEXT, "%s \u00B5s", plain);
  return out;
}

const char *assay_report_tick(double value, const char *unit, char out[ASSAY_REPORT_TEXT]) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T"};
  if (unit[0] == '\0') { /* a plain number, such as a size */
    size_t k = 0;
    for (; fabs(value) >= 999.5 && k < 4; k++) value /= 1000;
    assay_snprintf(out, ASSAY_REPORT_TEXT, "%.3g%s", value, prefixes[k]);
    return out;
  }
  assay_report_value(value, unit, out);
  char *space = strchr(out, ' '), *dot = strchr(out, '.');
  if (space == NULL || dot == NULL || dot > space) return out;
  char *end = space;
  while (end[-1] == '0') end--;
  if (end[-1] == '.') end--;
  memmove(end, space, strlen(space) + 1);
  return out;
}

double assay_report_half_ratio(const assay_metric_result *metric) {
  if (isnan(metric->ci_low) || isnan(metric->ci_high) || metric->value == 0) return NAN;
  return (metric->ci_high - metric->ci_low) / 2 / fabs(metric->value);
}

/* Two digits below 10 %, none from 100 %: more would be noise. */
static int percent_decimals(double percent) { return fabs(percent) >= 99.95 ? 0 : 1; }

const char *assay_report_percent(double ratio, char out[ASSAY_REPORT_TEXT]) {
  if (isnan(ratio)) return strcpy(out, DASH);
  double percent = ratio * 100;
  if (percent >= 0 && percent < 0.05) return strcpy(out, "<0.1 %");
  if (percent > 1000) return strcpy(out, ">1000 %");
  assay_snprintf(out, ASSAY_REPORT_TEXT, "%.*f %%", percent_decimals(percent), percent);
  return out;
}

const char *assay_report_signed_percent(double ratio, char out[ASSAY_REPORT_TEXT]) {
  if (isnan(ratio)) return strcpy(out, DASH);
  double percent = ratio * 100;
  /* What rounds to zero has no sign. */
  const char *sign = percent >= 0.05 ? "+" : percent <= -0.05 ? MINUS : "";
  assay_snprintf(out, ASSAY_REPORT_TEXT, "%s%.*f %%", sign, percent_decimals(percent), fabs(percent));
  return out;
}

const char *assay_report_when(int64_t at_s, char out[ASSAY_REPORT_TEXT]) {
  time_t at = (time_t)at_s;
  struct tm parts;
  if (gmtime_r(&at, &parts) == NULL || strftime(out, ASSAY_REPORT_TEXT, "%Y-%m-%d %H:%M UTC", &parts) == 0) return strcpy(out, DASH);
  return out;
}

const char *assay_report_moment(int64_t at_ns, char out[ASSAY_REPORT_TEXT]) {
  const int64_t second = 1000000000, rest = (at_ns % second + second) % second;
  const int64_t at = at_ns / second - (at_ns % second < 0), in_minute = (at % 60 + 60) % 60;
  enum { DAY = 10, MINUTE = 16 };
  assay_report_when(at, out);
  if (strlen(out) < MINUTE) return out;
  if (rest == 0 && at % 86400 == 0) {
    out[DAY] = '\0';
  } else if (rest != 0 || in_minute != 0) {
    int length = snprintf(out + MINUTE, ASSAY_REPORT_TEXT - MINUTE, ":%02d", (int)in_minute) + MINUTE;
    if (rest != 0) length += snprintf(out + length, (size_t)(ASSAY_REPORT_TEXT - length), ".%09d", (int)rest);
    while (rest != 0 && strncmp(out + length - 3, "000", 3) == 0) length -= 3;
    snprintf(out + length, (size_t)(ASSAY_REPORT_TEXT - length), " UTC");
  }
  return out;
}

const char *assay_report_duration(double seconds, char out[ASSAY_REPORT_TEXT]) {
  if (!(seconds >= 0) || seconds > 1e9) return strcpy(out, DASH);
  if (seconds < 10)
    assay_snprintf(out, ASSAY_REPORT_TEXT, "%.1f s", seconds);
  else if (seconds < 59.5)
    assay_snprintf(out, ASSAY_REPORT_TEXT, "%.0f s", seconds);
  else if (seconds < 3599.5)
    snprintf(out, ASSAY_REPORT_TEXT, "%d min %02d s", (int)(seconds + 0.5) / 60, (int)(seconds + 0.5) % 60);
  else
    snprintf(out, ASSAY_REPORT_TEXT, "%d h %02d min", (int)(seconds / 60 + 0.5) / 60, (int)(seconds / 60 + 0.5) % 60);
  return out;
}

void assay_report_plural(assay_buf *out, size_t count, const char *singular) {
  assay_buf_printf(out, "%zu %s%s", count, singular, count == 1 ? "" : "s");
}

/* ---- Columns ------------------------------------------------------------------------------------------------------------------------ */

static uint32_t decode(const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text;
  if (length <= 1) return p[0];
  uint32_t code = p[0] & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; i++) code = code << 6 | (p[i] & 0x3F);
  return code;
}

typedef struct range {
  uint32_t first, last;
} range;

/* The blocks that terminals draw in no or in two columns (Unicode 15, East Asian Width W and F); rarer ones are taken as one. */
static const range none_wide[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20F0}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
static const range twice_wide[] = {{0x1100, 0x115F}, {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
                                   {0xA000, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                   {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

static bool is_in(uint32_t code, const range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (code >= ranges[i].first && code <= ranges[i].last) return true;
  }
  return false;
}

static const range directional[] = {{0x061C, 0x061C}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}};

size_t assay_report_bidi(const char *text) {
  size_t length = assay_utf8_length(text);
  return length > 1 && is_in(decode(text, length), directional, sizeof directional / sizeof *directional) ? length : 0;
}

void assay_report_xml(assay_buf *out, const char *text) {
  for (const char *p = text; p != NULL && *p != '\0';) {
    size_t plain = 0;
    while (p[plain] != '\0' && assay_report_bidi(p + plain) == 0) plain++;
    if (p[plain] == '\0') {
      assay_buf_xml(out, p);
      return;
    }
    assay_buf part = {0};
    assay_buf_append(&part, p, plain);
    if (part.failed) out->failed = true;
    if (part.data != NULL) assay_buf_xml(out, part.data);
    assay_buf_deinit(&part);
    assay_buf_puts(out, "\uFFFD");
    p += plain + assay_report_bidi(p + plain);
  }
}

/* Bytes and columns of the character at `text`; a byte that is no UTF-8 is one column of U+FFFD. */
static size_t step(const char *text, size_t *columns) {
  size_t length = assay_utf8_length(text);
  *columns = 1;
  if (length == 0) return 1;
  if (assay_report_bidi(text) > 0) return length;
  uint32_t code = decode(text, length);
  if (code >= 0x300 && is_in(code, none_wide, sizeof none_wide / sizeof *none_wide)) *columns = 0;
  if (code >= 0x1100 && is_in(code, twice_wide, sizeof twice_wide / sizeof *twice_wide)) *columns = 2;
  return length;
}

void assay_report_change_name(const assay_change *change, assay_buf *out) {
  assay_buf_puts(out, change->benchmark);
  if (!change->is_main) assay_buf_printf(out, " (%s)", change->metric);
}

size_t assay_report_columns(const char *text) {
  size_t total = 0, columns;
  for (const char *p = text; *p != '\0'; total += columns) p += step(p, &columns);
  return total;
}

/* What could move the cursor, colour or reorder the rest of the line, and broken UTF-8, become U+FFFD. */
static void append_character(assay_buf *out, const char *p, size_t bytes) {
  if (assay_utf8_shown(p) > 0)
    assay_buf_append(out, p, bytes);
  else
    assay_buf_puts(out, "\uFFFD");
}

void assay_report_fit(assay_buf *out, const char *text, size_t columns, bool right) {
  size_t total = assay_report_columns(text), at = 0, width;
  if (right)
    for (size_t i = total; i < columns; i++) assay_buf_putc(out, ' ');
  /* Names differ at both ends (the benchmark, the parameter's value), so the middle goes. */
  size_t head = total <= columns ? total : (columns - 1) / 2, tail_from = total <= columns ? total : total - (columns - 1 - head);
  bool cut = false;
  size_t written = 0;
  for (const char *p = text; *p != '\0'; at += width) {
    size_t bytes = step(p, &width);
    if (at + width <= head || at >= tail_from) {
      append_character(out, p, bytes);
      written += width;
    } else if (!cut) {
      assay_buf_puts(out, ELLIPSIS);
      written++;
      cut = true;
    }
    p += bytes;
  }
  if (!right)
    for (size_t i = written; i < columns; i++) assay_buf_putc(out, ' ');
}
