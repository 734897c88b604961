/* SPDX-License-Identifier: MIT */
/* A machine against an expectation profile (profiles/machines): one row a [[check]]. */
#include <assay/ceilings.h>
#include <assay/machine.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/number.h"
#include "base/toml.h"
#include "machine/facts.h"
#include "machine/validate.h"
#include "os/prim.h"

#define SUITE "hardware"

/* What a row looks at: a fact or a ceiling, in one shape. */
typedef struct subject {
  const char *cause; /* why there is none; then nothing else is set */
  const char *text;  /* of a text */
  bool is_number, is_bool;
  double number;
  const char *unit; /* of a number */
} subject;

typedef struct checker {
  const assay_machine *machine;
  const assay_ceilings *ceilings;
  const assay_toml *doc;
  assay_arena *arena;
  assay_error *err;
} checker;

/* ---- Showing -------------------------------------------------------------------------------------------------------------------- */

/* The unit is the end of a fact's name. */
static const char *unit_of(const char *key) {
  static const struct {
    const char *end, *unit;
  } units[] = {{"_bytes_per_s", "B/s"}, {"_bytes", "B"}, {"_hz", "Hz"},    {"_ns", "ns"},
               {"_ratio", "ratio"},     {".watts", "W"}, {"_celsius", "C"}};
  size_t length = strlen(key);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t end = strlen(units[i].end);
    if (length > end && strcmp(key + length - end, units[i].end) == 0) return units[i].unit;
  }
  return "";
}

static const char *show_number(checker *c, double number, const char *unit) {
  char text[64];
  if (unit[0] == '\0')
    assay_snprintf(text, sizeof text, "%.10g", number);
  else
    assay_format_value(number, unit, text, sizeof text);
  return assay_arena_strdup(c->arena, text);
}

static const char *show_subject(checker *c, const subject *s) {
  if (s->is_bool) return s->number != 0 ? "yes" : "no";
  return s->is_number ? show_number(c, s->number, s->unit) : s->text;
}

static const char *show_expected(checker *c, const assay_toml_value *value, const char *unit) {
  switch (value->type) {
    case ASSAY_TOML_STRING: return value->as.string.text;
    case ASSAY_TOML_BOOL: return value->as.boolean ? "yes" : "no";
    case ASSAY_TOML_INTEGER: return show_number(c, (double)value->as.integer, unit);
    case ASSAY_TOML_FLOAT: return show_number(c, value->as.real, unit);
    default: return "";
  }
}

/* ---- Looking -------------------------------------------------------------------------------------------------------------------- */

/* "gpus.0.cores" is not there because "gpus" is unavailable. */
static const assay_fact *nearest_absent(checker *c, const char *key) {
  char *parent = assay_arena_strdup(c->arena, key), *dot = NULL;
  while (parent != NULL && (dot = strrchr(parent, '.')) != NULL) {
    *dot = '\0';
    const assay_fact *fact = assay_machine_get(c->machine, parent);
    if (fact != NULL) return fact->type == ASSAY_FACT_UNAVAILABLE ? fact : NULL;
  }
  return NULL;
}

static subject look_at_fact(checker *c, const char *key) {
  const assay_fact *fact = assay_machine_get(c->machine, key);
  if (fact == NULL) fact = nearest_absent(c, key);
  if (fact == NULL) return (subject){.cause = assay_arena_printf(c->arena, "nothing here detects %s", key)};
  switch (fact->type) {
    case ASSAY_FACT_UNAVAILABLE: return (subject){.cause = fact->text};
    case ASSAY_FACT_TEXT: return (subject){.text = fact->text};
    case ASSAY_FACT_BOOL: return (subject){.is_number = true, .is_bool = true, .number = fact->real, .unit = ""};
    default: return (subject){.is_number = true, .number = fact->real, .unit = unit_of(key)};
  }
}

static subject look_at_ceiling(checker *c, const char *name) {
  if (c->ceilings == NULL)
    return (subject){.cause = c->machine->replayed ? "a capture cannot be measured"
                                                   : "the ceilings were not measured: run 'assay machine ceilings'"};
  const assay_ceiling *row = assay_ceilings_find(c->ceilings, name);
  if (row == NULL) return (subject){.cause = assay_arena_printf(c->arena, "there is no ceiling %s", name)};
  if (!row->available) return (subject){.cause = row->cause};
  return (subject){.is_number = true, .number = row->value, .unit = row->unit};
}

/* ---- Comparing ------------------------------------------------------------------------------------------------------------------ */

/* The number that a profile states: 12, 0.5, true, or a text with a unit such as "546 GB/s". */
static assay_status expected_number(checker *c, const assay_toml_value *value, double *number) {
  const char *unit = NULL;
  switch (value->type) {
    case ASSAY_TOML_INTEGER: *number = (double)value->as.integer; return ASSAY_OK;
    case ASSAY_TOML_FLOAT: *number = value->as.real; return ASSAY_OK;
    case ASSAY_TOML_BOOL: *number = value->as.boolean ? 1 : 0; return ASSAY_OK;
    case ASSAY_TOML_STRING:
      if (assay_parse_value(value->as.string.text, NULL, number, &unit) == ASSAY_OK) return ASSAY_OK;
      break;
    default: break;
  }
  return assay_toml_fail(c->doc, value, c->err, "expected a number, or a text such as \"546 GB/s\"");
}

static assay_status expected_text(checker *c, const assay_toml_value *value, const char **text) {
  if (value->type != ASSAY_TOML_STRING)
    return assay_toml_fail(c->doc, value, c->err, "expected a string, found %s", assay_toml_type_text(value->type));
  *text = value->as.string.text;
  return ASSAY_OK;
}

static assay_status is_equal(checker *c, const subject *s, const assay_toml_value *value, bool *holds) {
  if (s->text != NULL) {
    const char *text = NULL;
    assay_status status = expected_text(c, value, &text);
    if (status == ASSAY_OK) *holds = strcasecmp(s->text, text) == 0;
    return status;
  }
  double number = 0;
  assay_status status = expected_number(c, value, &number);
  double difference = s->number - number, magnitude = number < 0 ? -number : number;
  if (status == ASSAY_OK) *holds = difference <= 1e-9 * magnitude && difference >= -1e-9 * magnitude;
  return status;
}

static assay_status is_within(checker *c, const subject *s, const assay_toml_value *value, bool lowest, bool *holds) {
  double number = 0;
  assay_status status = expected_number(c, value, &number);
  if (status == ASSAY_OK && s->cause == NULL && !s->is_number)
    return assay_toml_fail(c->doc, value, c->err, "\"%s\" is a text: min and max compare numbers", s->text);
  if (status == ASSAY_OK) *holds = lowest ? s->number >= number : s->number <= number;
  return status;
}

static assay_status does_contain(checker *c, const subject *s, const assay_toml_value *value, bool *holds) {
  const char *text = NULL;
  assay_status status = expected_text(c, value, &text);
  if (status == ASSAY_OK) *holds = s->text != NULL && strcasestr(s->text, text) != NULL;
  return status;
}

static assay_status is_one_of(checker *c, const subject *s, const assay_toml_value *value, bool *holds) {
  if (value->type != ASSAY_TOML_ARRAY || value->as.array.count == 0)
    return assay_toml_fail(c->doc, value, c->err, "expected an array of values");
  bool any = false;
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < value->as.array.count && status == ASSAY_OK; i++) {
    bool one = false;
    status = is_equal(c, s, value->as.array.items[i], &one);
    any = any || one;
  }
  if (status == ASSAY_OK) *holds = any;
  return status;
}

/* ---- A row ---------------------------------------------------------------------------------------------------------------------- */

static const char *show_one_of(checker *c, const assay_toml_value *array, const char *unit) {
  assay_buf buf = {0};
  for (size_t i = 0; i < array->as.array.count; i++)
    assay_buf_printf(&buf, "%s%s", i > 0 ? ", " : "one of ", show_expected(c, array->as.array.items[i], unit));
  const char *text = assay_arena_strdup(c->arena, buf.data);
  assay_buf_deinit(&buf);
  return text;
}

/* All conditions of a row; each must hold. An unavailable subject is still checked for what the profile says wrongly. */
static assay_status compare(checker *c, const assay_toml_value *row, const subject *s, const char **expected, bool *holds) {
  const char *unit = s->unit != NULL ? s->unit : "";
  const assay_toml_value *equals = assay_toml_get(row, "equals"), *low = assay_toml_get(row, "min"), *high = assay_toml_get(row, "max");
  const assay_toml_value *contains = assay_toml_get(row, "contains"), *one_of = assay_toml_get(row, "one_of");
  const assay_toml_value *differs = assay_toml_get(row, "differs");
  if (equals == NULL && differs == NULL && low == NULL && high == NULL && contains == NULL && one_of == NULL)
    return assay_toml_fail(c->doc, row, c->err, "a check needs one of equals, differs, min, max, contains or one_of");
  bool all = true, one = false;
  assay_status status = ASSAY_OK;
  if (equals != NULL && s->cause == NULL) status = is_equal(c, s, equals, &one), all = all && one;
  if (differs != NULL && s->cause == NULL && status == ASSAY_OK) status = is_equal(c, s, differs, &one), all = all && !one;
  if (low != NULL && status == ASSAY_OK) status = is_within(c, s, low, true, &one), all = all && one;
  if (high != NULL && status == ASSAY_OK) status = is_within(c, s, high, false, &one), all = all && one;
  if (contains != NULL && status == ASSAY_OK) status = does_contain(c, s, contains, &one), all = all && one;
  if (one_of != NULL && status == ASSAY_OK && s->cause == NULL) status = is_one_of(c, s, one_of, &one), all = all && one;
  if (status != ASSAY_OK) return status;
  if (equals != NULL)
    *expected = show_expected(c, equals, unit);
  else if (differs != NULL)
    *expected = assay_arena_printf(c->arena, "not %s", show_expected(c, differs, unit));
  else if (contains != NULL)
    *expected = assay_arena_printf(c->arena, "contains \"%s\"", show_expected(c, contains, unit));
  else if (one_of != NULL)
    *expected = show_one_of(c, one_of, unit);
  else if (low != NULL && high != NULL)
    *expected = assay_arena_printf(c->arena, "%s to %s", show_expected(c, low, unit), show_expected(c, high, unit));
  else
    *expected =
        assay_arena_printf(c->arena, "%s %s", low != NULL ? "at least" : "at most", show_expected(c, low != NULL ? low : high, unit));
  *holds = all;
  return ASSAY_OK;
}

static assay_status check_row(checker *c, const assay_toml_value *row, assay_check_list *checks) {
  static const char *const known[] = {"name", "fact",     "ceiling", "equals",         "differs", "min",
                                      "max",  "contains", "one_of",  "recommendation", "source",  NULL};
  if (row->type != ASSAY_TOML_TABLE) return assay_toml_fail(c->doc, row, c->err, "expected [[check]] tables");
  const char *name = NULL, *fact = NULL, *ceiling = NULL, *recommendation = NULL, *source = NULL, *expected = NULL;
  assay_status status = assay_toml_check_keys(c->doc, row, known, c->err);
  if (status == ASSAY_OK) status = assay_toml_get_string(c->doc, row, "name", c->err, &name);
  if (status == ASSAY_OK) status = assay_toml_get_string(c->doc, row, "fact", c->err, &fact);
  if (status == ASSAY_OK) status = assay_toml_get_string(c->doc, row, "ceiling", c->err, &ceiling);
  if (status == ASSAY_OK) status = assay_toml_get_string(c->doc, row, "recommendation", c->err, &recommendation);
  if (status == ASSAY_OK) status = assay_toml_get_string(c->doc, row, "source", c->err, &source);
  if (status != ASSAY_OK) return status;
  if (name == NULL) return assay_toml_fail(c->doc, row, c->err, "a check needs a name");
  if ((fact == NULL) == (ceiling == NULL)) return assay_toml_fail(c->doc, row, c->err, "a check needs either a fact or a ceiling");
  subject s = fact != NULL ? look_at_fact(c, fact) : look_at_ceiling(c, ceiling);
  bool holds = false;
  status = compare(c, row, &s, &expected, &holds);
  if (status != ASSAY_OK) return status;
  assay_check check = {.suite = SUITE, .name = name, .expected = expected, .status = holds ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL};
  if (s.cause != NULL) {
    check.status = ASSAY_CHECK_UNAVAILABLE;
    check.cause = s.cause;
  } else {
    check.measured = show_subject(c, &s);
    check.cause = source;
  }
  if (check.status == ASSAY_CHECK_FAIL)
    check.recommendation =
        recommendation != NULL ? recommendation : "nothing on this machine mends it: choose the profile that fits it, or change this row";
  return assay_check_list_add(checks, &check, c->err);
}

/* ---- The profile ---------------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* "a, b, c": the shipped profiles. */
static void list_profiles(assay_buf *out) {
  enum { MOST = 100 };
  char *dir = NULL, *names[MOST];
  size_t count = 0;
  if (assay_os_find_data("profiles/machines", NULL, &dir) != ASSAY_OK) return;
  DIR *open = opendir(dir);
  for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL && count < MOST;) {
    size_t length = strlen(entry->d_name);
    if (length <= 5 || strcmp(entry->d_name + length - 5, ".toml") != 0) continue;
    names[count] = assay_strdup(ASSAY_TAG_MACHINE, entry->d_name);
    if (names[count] == NULL) break;
    names[count++][length - 5] = '\0';
  }
  if (open != NULL) closedir(open);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    assay_buf_printf(out, "%s%s", i > 0 ? ", " : "", names[i]);
    assay_free(names[i]);
  }
  assay_free(dir);
}

/* A name of a shipped profile, or the path of one's own: that has a slash or ends in ".toml". */
static assay_status find_profile(const char *profile, assay_error *err, char **path) {
  size_t length = strlen(profile);
  if (strchr(profile, '/') != NULL || (length > 5 && strcmp(profile + length - 5, ".toml") == 0)) {
    *path = assay_strdup(ASSAY_TAG_MACHINE, profile);
    return *path != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  assay_buf name = {0}, known = {0};
  assay_buf_printf(&name, "profiles/machines/%s.toml", profile);
  assay_status status = name.failed ? ASSAY_ERR_NO_MEMORY : assay_os_find_data(name.data, NULL, path);
  if (status != ASSAY_OK) {
    list_profiles(&known);
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no machine profile \"%s\"; known: %s; or give the path of a .toml file",
                        profile, known.data != NULL ? known.data : "none");
  }
  assay_buf_deinit(&name);
  assay_buf_deinit(&known);
  return status;
}

static assay_status check_profile(checker *c, assay_check_list *checks) {
  static const char *const known[] = {"name", "title", "source", "check", NULL};
  const assay_toml_value *root = assay_toml_root(c->doc), *rows = assay_toml_get(root, "check");
  assay_status status = assay_toml_check_keys(c->doc, root, known, c->err);
  if (status == ASSAY_OK && (rows == NULL || rows->type != ASSAY_TOML_ARRAY))
    status = assay_toml_fail(c->doc, rows != NULL ? rows : root, c->err, "a machine profile needs [[check]] tables");
  for (size_t i = 0; status == ASSAY_OK && i < rows->as.array.count; i++) status = check_row(c, rows->as.array.items[i], checks);
  return status;
}

assay_status assay_machine_check(const assay_machine *machine, const assay_ceilings *ceilings, const char *profile, assay_error *err,
                                 assay_check_list **checks) {
  assay_check_list *list = NULL;
  assay_toml *doc = NULL;
  char *path = NULL;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_status status = assay_check_list_create(err, &list);
  if (status != ASSAY_OK) goto done;
  if (profile == NULL) {
    status = assay_machine_validate(machine, ceilings, &arena, list, err);
    goto done;
  }
  status = find_profile(profile, err, &path);
  if (status == ASSAY_OK) status = assay_toml_read(path, err, &doc);
  checker c = {.machine = machine, .ceilings = ceilings, .doc = doc, .arena = &arena, .err = err};
  if (status == ASSAY_OK) status = check_profile(&c, list);
  if (status == ASSAY_OK && arena.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the checks");
done:
  if (status == ASSAY_OK)
    *checks = list;
  else
    assay_check_list_destroy(list);
  assay_toml_destroy(doc);
  assay_free(path);
  assay_arena_deinit(&arena);
  return status;
}
