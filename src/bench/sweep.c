/* SPDX-License-Identifier: MIT */
#include "bench/sweep.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"

typedef struct expansion {
  assay_arena *arena;
  const char *name, *text; /* of the parameter, for messages */
  unsigned cpus;
  assay_error *err;
  assay_sweep sweep;
  size_t capacity;
} expansion;

static const struct {
  const char *text;
  double factor;
} suffixes[] = {{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}};

/* The whole text as a number with a suffix, or the word "cpus". */
static bool parse_number(const expansion *x, const char *text, double *value) {
  if (strcmp(text, "cpus") == 0) {
    *value = x->cpus;
    return true;
  }
  const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
  if (!isdigit((unsigned char)digits[0]) && digits[0] != '.') return false; /* strtod would take "inf" and "nan" */
  if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) return false;
  char *end = NULL;
  double parsed = assay_strtod(text, &end);
  if (end == text) return false;
  double factor = *end == '\0' ? 1 : 0;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    if (strcmp(end, suffixes[i].text) == 0) factor = suffixes[i].factor;
  }
  if (factor == 0 || !isfinite(parsed * factor)) return false;
  *value = parsed * factor;
  return true;
}

static assay_status add_text(expansion *x, const char *value) {
  if (x->sweep.count >= ASSAY_SWEEP_LIMIT)
    return ASSAY_FAIL(x->err, ASSAY_ERR_LIMIT, "parameter %s=%s has more than %d values", x->name, x->text, ASSAY_SWEEP_LIMIT);
  if (x->sweep.count == x->capacity) {
    const char **grown = assay_arena_grow(x->arena, x->sweep.values, x->sweep.count, &x->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(x->err, ASSAY_ERR_NO_MEMORY, "out of memory for the values of parameter %s", x->name);
    x->sweep.values = grown;
  }
  const char *copy = assay_arena_strdup(x->arena, value);
  if (copy == NULL) return ASSAY_FAIL(x->err, ASSAY_ERR_NO_MEMORY, "out of memory for the values of parameter %s", x->name);
  x->sweep.values[x->sweep.count++] = copy;
  return ASSAY_OK;
}

static assay_status add_number(expansion *x, double value) {
  assay_buf buf = {0};
  /* 2^53: below it a whole number is exact in a double, so "1000000" is never written as 1e+06. */
  if (value == floor(value) && fabs(value) < 9007199254740992.0)
    assay_buf_printf(&buf, "%.0f", value == 0 ? 0 : value);
  else
    assay_buf_double(&buf, value);
  assay_status status = buf.failed ? ASSAY_FAIL(x->err, ASSAY_ERR_NO_MEMORY, "out of memory") : add_text(x, buf.data);
  assay_buf_deinit(&buf);
  return status;
}

/* from, from + step, ... up to `to`, which is there when hit. Multiplied, not added up, so that 0..1+0.1 hits 1. */
static assay_status add_arithmetic(expansion *x, double from, double to, double step) {
  if (!(step > 0)) return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s: the step must be above 0", x->name, x->text);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; status == ASSAY_OK; i++) {
    double value = from + (double)i * step;
    if (value > to + step * 1e-9) break;
    double near = round(value * 1e12) / 1e12; /* 0.30000000000000004 is meant as 0.3 */
    status = add_number(x, fabs(near - value) < 1e-12 * fabs(value) ? near : value);
  }
  return status;
}

/* from, from * factor, ... and always `to` last. Whole ends give whole values. */
static assay_status add_geometric(expansion *x, double from, double to, double factor) {
  if (!(factor > 1) || !(from > 0))
    return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s: a range with * starts above 0 and has a factor above 1", x->name,
                      x->text);
  bool whole = from == floor(from) && to == floor(to);
  double last = NAN;
  assay_status status = ASSAY_OK;
  for (double value = from; status == ASSAY_OK && value < to * (1 - 1e-9); value *= factor) {
    double shown = whole ? round(value) : value;
    if (shown == last || shown >= to) continue;
    status = add_number(x, shown);
    last = shown;
  }
  return status == ASSAY_OK ? add_number(x, to) : status;
}

/* "<from>..<to>", "<from>..<to>+<step>" or "<from>..<to>*<factor>"; `dots` points at "..". */
static assay_status add_range(expansion *x, double from, char *rest) {
  double to = 0, by = 1;
  size_t length = strlen(rest);
  char kind = '\0';
  /* Exponents may have a '+' of their own (1e+3): the operator is the last one that does not follow an e. */
  for (size_t i = length; i-- > 1;) {
    if (rest[i] == '*' || (rest[i] == '+' && rest[i - 1] != 'e' && rest[i - 1] != 'E')) {
      kind = rest[i];
      rest[i] = '\0';
      if (!parse_number(x, rest + i + 1, &by))
        return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s: \"%s\" behind %c is not a number", x->name, x->text, rest + i + 1,
                          kind);
      break;
    }
  }
  if (!parse_number(x, rest, &to))
    return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s: a range ends with a number, not \"%s\"", x->name, x->text, rest);
  if (to < from)
    return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s: the range goes downwards; write the smaller end first", x->name,
                      x->text);
  return kind == '*' ? add_geometric(x, from, to, by) : add_arithmetic(x, from, to, by);
}

static assay_status add_item(expansion *x, char *item) {
  if (item[0] == '\0') return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "parameter %s=%s has an empty value", x->name, x->text);
  for (const char *p = item; *p != '\0'; p++) {
    if (iscntrl((unsigned char)*p))
      return ASSAY_FAIL(x->err, ASSAY_ERR_INVALID, "a value of parameter %s has a control character", x->name);
  }
  double value = 0;
  if (parse_number(x, item, &value)) return add_number(x, value);
  char *dots = strstr(item, "..");
  if (dots == NULL) return add_text(x, item);
  *dots = '\0';
  bool is_range = parse_number(x, item, &value); /* "../data" is a word */
  if (is_range) return add_range(x, value, dots + 2);
  *dots = '.';
  return add_text(x, item);
}

assay_status assay_sweep_expand(assay_arena *arena, const char *name, const char *text, unsigned cpus, assay_error *err,
                                assay_sweep *sweep) {
  expansion x = {.arena = arena, .name = name, .text = text, .cpus = cpus, .err = err};
  char *copy = assay_arena_strdup(arena, text);
  if (copy == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the values of parameter %s", name);
  assay_status status = ASSAY_OK;
  for (char *at = copy, *next; at != NULL && status == ASSAY_OK; at = next) {
    next = strchr(at, ',');
    if (next != NULL) *next++ = '\0';
    while (isspace((unsigned char)*at)) at++;
    size_t length = strlen(at);
    while (length > 0 && isspace((unsigned char)at[length - 1])) at[--length] = '\0';
    status = add_item(&x, at);
  }
  if (status == ASSAY_OK) *sweep = x.sweep;
  return status;
}
