/* SPDX-License-Identifier: MIT */
/* Values with units, as people read and write them. */
#include <assay/metric.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum { COUNT_OF_PREFIXES = 6 };

typedef struct scale {
  const char *text;
  double factor;
} scale;

/* Largest first. */
static const scale times[] = {{"h", 3600e9}, {"min", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
static const scale decimal[] = {{"P", 1e15}, {"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"", 1}};
static const scale binary[] = {{"PiB", 0x1p50}, {"TiB", 0x1p40}, {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {"B", 1}};
static const scale small[] = {{"m", 1e-3}, {"u", 1e-6}, {"n", 1e-9}, {"p", 1e-12}};

/* ---- Out ------------------------------------------------------------------------------------------------------------------------ */

/* Three or four digits. The borders lie where rounding to the next finer form would show one digit more. */
static void put_digits(double value, char *out, size_t size) {
  double magnitude = fabs(value);
  if (magnitude == 0)
    snprintf(out, size, "0");
  else if (magnitude < 0.0995)
    assay_snprintf(out, size, "%.3g", value);
  else if (magnitude < 9.9995)
    assay_snprintf(out, size, "%.3f", value);
  else if (magnitude < 999.95)
    assay_snprintf(out, size, "%.1f", value);
  else if (magnitude < 1e6)
    assay_snprintf(out, size, "%.0f", value);
  else
    assay_snprintf(out, size, "%.3e", value);
}

/* The step to show `value` in: the largest that leaves at least 1 once rounded, the last for anything smaller. */
static const scale *pick(const scale *steps, size_t count, double value) {
  for (size_t i = 0; i + 1 < count; i++)
    if (fabs(value) >= steps[i].factor * 0.99995) return &steps[i];
  return &steps[count - 1];
}

static bool is_whole(double value) { return value == floor(value) && fabs(value) < 1e6; }

static char *format_time(double ns, char *out, size_t size) {
  /* Minutes only where seconds would need four digits, hours likewise. */
  size_t first = fabs(ns) >= 2 * 3600e9 ? 0 : fabs(ns) >= 600e9 ? 1 : 2;
  const scale *step = pick(times + first, sizeof times / sizeof *times - first, ns);
  char digits[40];
  put_digits(ns / step->factor, digits, sizeof digits);
  snprintf(out, size, "%s %s", digits, step->text);
  return out;
}

static char *format_bytes(double bytes, char *out, size_t size) {
  const scale *step = pick(binary, sizeof binary / sizeof *binary, bytes);
  char digits[40];
  if (step->factor == 1 && is_whole(bytes))
    assay_snprintf(digits, sizeof digits, "%.0f", bytes);
  else
    put_digits(bytes / step->factor, digits, sizeof digits);
  snprintf(out, size, "%s %s", digits, step->text);
  return out;
}

/* The units that take a prefix right in front; a word such as items/s stands apart from it. */
static const char *const symbols[] = {"", "B", "B/s", "FLOP/s", "Hz", "J", "W"};

static const char *find_symbol(const char *unit) {
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
    if (strcmp(unit, symbols[i]) == 0) return symbols[i];
  return NULL;
}

static bool is_symbol(const char *unit) { return unit[0] != '\0' && find_symbol(unit) != NULL; }

static char *format_scaled(double value, const char *unit, char *out, size_t size) {
  bool tiny = (strcmp(unit, "J") == 0 || strcmp(unit, "W") == 0) && fabs(value) < 0.99995 && value != 0;
  const scale *step = pick(decimal, COUNT_OF_PREFIXES, value);
  if (tiny) step = pick(small, sizeof small / sizeof *small, value);
  char digits[40];
  put_digits(value / step->factor, digits, sizeof digits);
  bool apart = step->text[0] != '\0' && unit[0] != '\0' && !is_symbol(unit);
  snprintf(out, size, "%s%s%s%s%s", digits, step->text[0] != '\0' || unit[0] != '\0' ? " " : "", step->text, apart ? " " : "", unit);
  return out;
}

static bool is_rate(const char *unit) {
  size_t length = strlen(unit);
  return length >= 2 && strcmp(unit + length - 2, "/s") == 0;
}

char *assay_format_value(double value, const char *unit, char *out, size_t size) {
  if (unit == NULL || strcmp(unit, "1") == 0) unit = "";
  if (isnan(value)) {
    snprintf(out, size, "n/a");
    return out;
  }
  if (isinf(value)) {
    snprintf(out, size, "%sinf%s%s", value < 0 ? "-" : "", unit[0] != '\0' ? " " : "", unit);
    return out;
  }
  if (strcmp(unit, "ns") == 0) return format_time(value, out, size);
  if (strcmp(unit, "s") == 0) return format_time(value * 1e9, out, size);
  if (strcmp(unit, "B") == 0) return format_bytes(value, out, size);
  if (strcmp(unit, "ratio") == 0) {
    char digits[40];
    put_digits(value * 100, digits, sizeof digits);
    snprintf(out, size, "%s %%", digits);
    return out;
  }
  if (is_whole(value) && !is_rate(unit) && !is_symbol(unit)) { /* a count: 4 CPUs, 12345 allocations */
    assay_snprintf(out, size, "%.0f%s%s", value, unit[0] != '\0' ? " " : "", unit);
    return out;
  }
  return format_scaled(value, unit, out, size);
}

/* ---- In ------------------------------------------------------------------------------------------------------------------------- */

/* Moves *text past a decimal number; false when it starts with none. Only what people write: no hexadecimal, no inf, no nan. */
static bool take_number(const char **text, double *value) {
  const char *p = *text;
  char number[64];
  if (*p == '+' || *p == '-') p++;
  size_t whole = strspn(p, "0123456789"), fraction = 0;
  p += whole;
  if (*p == '.') {
    fraction = strspn(p + 1, "0123456789");
    if (fraction > 0) p += 1 + fraction;
  }
  if (whole + fraction == 0) return false;
  if (*p == 'e' || *p == 'E') {
    const char *exponent = p + 1;
    if (*exponent == '+' || *exponent == '-') exponent++;
    size_t digits = strspn(exponent, "0123456789");
    if (digits > 0) p = exponent + digits;
  }
  size_t length = (size_t)(p - *text);
  if (length >= sizeof number) return false;
  memcpy(number, *text, length);
  number[length] = '\0';
  *value = assay_strtod(number, NULL);
  *text = p;
  return isfinite(*value);
}

static bool is_item_rate(const char *unit) {
  static const char *const words[] = {"/s",      "items/s",   "ops/s",    "operations/s", "orders/s",  "messages/s", "msgs/s",
                                      "ticks/s", "trades/s",  "quotes/s", "paths/s",      "options/s", "events/s",   "requests/s",
                                      "rows/s",  "samples/s", "calls/s",  "elements/s",   "points/s"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(unit, words[i]) == 0) return true;
  return false;
}

/* A unit without any prefix, as one of the base units, or NULL. */
static const char *base_unit(const char *unit) {
  const char *symbol = find_symbol(unit);
  if (symbol != NULL) return symbol;
  if (strcmp(unit, "FLOPS") == 0) return "FLOP/s";
  return is_item_rate(unit) ? "items/s" : NULL;
}

static const char *after_prefix(const char *unit, const char *prefix) {
  size_t length = strlen(prefix);
  if (strncmp(unit, prefix, length) != 0) return NULL;
  unit += length;
  return unit + strspn(unit, " ");
}

static const char *match_time(const char *unit, double *factor) {
  if (strcmp(unit, "\xC2\xB5s") == 0 || strcmp(unit, "\xCE\xBCs") == 0) unit = "us"; /* the micro sign and the Greek letter */
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    if (strcmp(unit, times[i].text) == 0) {
      *factor = times[i].factor;
      return "ns";
    }
  }
  return NULL;
}

static const char *match_prefixed(const char *unit, double *factor) {
  const char *rest = NULL, *base = base_unit(unit);
  *factor = 1;
  if (base != NULL) return base;
  for (size_t i = 0; i + 1 < sizeof binary / sizeof *binary; i++) {
    char prefix[3] = {binary[i].text[0], 'i', '\0'};
    rest = after_prefix(unit, prefix);
    base = rest != NULL ? base_unit(rest) : NULL;
    *factor = binary[i].factor;
    if (base != NULL && base[0] == 'B') return base;
  }
  for (size_t i = 0; i + 1 < COUNT_OF_PREFIXES; i++) {
    rest = after_prefix(unit, decimal[i].text);
    if (rest == NULL && decimal[i].text[0] == 'k') rest = after_prefix(unit, "K");
    base = rest != NULL ? base_unit(rest) : NULL;
    *factor = decimal[i].factor;
    if (base != NULL) return base;
  }
  for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
    rest = after_prefix(unit, small[i].text);
    base = rest != NULL ? base_unit(rest) : NULL;
    *factor = small[i].factor;
    if (base != NULL && (base[0] == 'J' || base[0] == 'W')) return base;
  }
  return NULL;
}

assay_status assay_parse_value(const char *text, assay_error *err, double *value, const char **unit) {
  const char *p = text + strspn(text, " \t");
  double number = 0, factor = 1;
  if (!take_number(&p, &number))
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "expected a number with a unit, such as \"10 ms\", found \"%.60s\"", text);
  p += strspn(p, " \t");
  char written[32];
  size_t length = strlen(p);
  while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t')) length--;
  snprintf(written, sizeof written, "%.*s", (int)(length < sizeof written ? length : sizeof written - 1), p);
  if (strcmp(written, "%") == 0) {
    *value = number / 100; /* dividing rounds once: 7 % is 0.07 */
    *unit = "ratio";
    return ASSAY_OK;
  }
  if (strcmp(written, "ratio") == 0) {
    *value = number;
    *unit = "ratio";
    return ASSAY_OK;
  }
  const char *found = length < sizeof written ? match_time(written, &factor) : NULL;
  if (found == NULL && length < sizeof written) found = match_prefixed(written, &factor);
  if (found == NULL)
    return ASSAY_FAIL(
        err, ASSAY_ERR_PARSE,
        "unknown unit \"%s\" in \"%.60s\": expected ns us ms s min h, B KiB MiB GiB, kB MB GB, one of these or FLOP or a plural such "
        "as items with /s, Hz, J, W, %% or none",
        written, text);
  *value = factor < 1 ? number / round(1 / factor) : number * factor;
  *unit = found;
  return ASSAY_OK;
}
