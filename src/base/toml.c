/* SPDX-License-Identifier: MIT */
/* A parsed TOML document: making one, looking into it, complaining about it. The grammar is in toml_parse.c, strings and numbers in
 * toml_scalar.c. */
#include "base/toml.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "base/toml_node.h"
#include "os/prim.h"

enum { FILE_LIMIT = 16 << 20 };

assay_status assay_toml_parse(const char *text, size_t length, const char *name, assay_error *err, assay_toml **doc) {
  if (length > INT_MAX) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s is too large: %zu bytes", name, length);
  assay_toml *made = assay_calloc(ASSAY_TAG_BASE, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", name);
  assay_arena_init(&made->arena, ASSAY_TAG_BASE);
  made->name = assay_arena_strdup(&made->arena, name);
  /* The parser looks one byte past the end, so it works on a terminated copy. */
  char *copy = assay_arena_alloc(&made->arena, length + 1, 1);
  assay_status status = ASSAY_OK;
  if (copy == NULL || made->name == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", name);
  } else {
    if (length > 0) memcpy(copy, text, length);
    assay_toml_cursor cursor = {.text = copy,
                                .at = copy,
                                .end = copy + length,
                                .name = made->name,
                                .arena = &made->arena,
                                .err = err,
                                .mark = copy,
                                .mark_line = 1,
                                .mark_column = 1};
    if (!assay_toml_parse_document(&cursor, made)) status = cursor.status;
    assay_buf_deinit(&cursor.scratch);
  }
  if (status != ASSAY_OK) {
    assay_toml_destroy(made);
    return status;
  }
  *doc = made;
  return ASSAY_OK;
}

assay_status assay_toml_read(const char *path, assay_error *err, assay_toml **doc) {
  char *text = NULL;
  size_t length = 0;
  assay_status status = assay_os_read_file(path, FILE_LIMIT, err, &text, &length);
  if (status != ASSAY_OK) return status;
  status = assay_toml_parse(text, length, path, err, doc);
  assay_free(text);
  return status;
}

void assay_toml_destroy(assay_toml *doc) {
  if (doc == NULL) return;
  assay_arena_deinit(&doc->arena);
  assay_free(doc);
}

const assay_toml_value *assay_toml_root(const assay_toml *doc) { return &doc->root->value; }

const char *assay_toml_name(const assay_toml *doc) { return doc->name; }

static bool same_key(const assay_toml_node *table, size_t i, const char *key, size_t length) {
  return table->key_lengths[i] == length && memcmp(table->keys[i], key, length) == 0;
}

const assay_toml_value *assay_toml_find(const assay_toml_node *table, const char *key, size_t length) {
  if (table->slots == NULL) {
    for (size_t i = 0; i < table->value.as.table.count; i++)
      if (same_key(table, i, key, length)) return table->items[i];
    return NULL;
  }
  size_t mask = table->slot_count - 1;
  for (size_t slot = assay_hash(ASSAY_HASH_START, key, length) & mask; table->slots[slot] != 0; slot = (slot + 1) & mask) {
    size_t i = table->slots[slot] - 1;
    if (same_key(table, i, key, length)) return table->items[i];
  }
  return NULL;
}

const assay_toml_value *assay_toml_get(const assay_toml_value *table, const char *key) {
  if (table == NULL || table->type != ASSAY_TOML_TABLE) return NULL;
  return assay_toml_find((const assay_toml_node *)table, key, strlen(key));
}

const char *assay_toml_type_text(assay_toml_type type) {
  static const char *const texts[] = {"a string",    "an integer", "a real number", "true or false", "a date-time with an offset",
                                      "a date-time", "a date",     "a time of day", "an array",      "a table"};
  return (unsigned)type < sizeof texts / sizeof *texts ? texts[type] : "an unknown type";
}

assay_status assay_toml_fail(const assay_toml *doc, const assay_toml_value *value, assay_error *err, const char *format, ...) {
  char message[800];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%d:%d: %s", doc->name, value->line, value->column, message);
}

static assay_status wrong_type(const assay_toml *doc, const assay_toml_value *value, const char *key, assay_toml_type wanted,
                               assay_error *err) {
  return assay_toml_fail(doc, value, err, "expected %s for '%s', found %s", assay_toml_type_text(wanted), key,
                         assay_toml_type_text(value->type));
}

assay_status assay_toml_get_string(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err,
                                   const char **out) {
  const assay_toml_value *value = assay_toml_get(table, key);
  if (value == NULL) return ASSAY_OK;
  if (value->type != ASSAY_TOML_STRING) return wrong_type(doc, value, key, ASSAY_TOML_STRING, err);
  /* What the caller gets ends at a NUL; cutting a text short without a word would be worse than refusing it. */
  if (memchr(value->as.string.text, '\0', value->as.string.length) != NULL)
    return assay_toml_fail(doc, value, err, "expected text without a NUL character for '%s'", key);
  *out = value->as.string.text;
  return ASSAY_OK;
}

assay_status assay_toml_get_integer(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, int64_t *out) {
  const assay_toml_value *value = assay_toml_get(table, key);
  if (value == NULL) return ASSAY_OK;
  if (value->type != ASSAY_TOML_INTEGER) return wrong_type(doc, value, key, ASSAY_TOML_INTEGER, err);
  *out = value->as.integer;
  return ASSAY_OK;
}

assay_status assay_toml_get_real(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, double *out) {
  const assay_toml_value *value = assay_toml_get(table, key);
  if (value == NULL) return ASSAY_OK;
  if (value->type == ASSAY_TOML_INTEGER)
    *out = (double)value->as.integer;
  else if (value->type == ASSAY_TOML_FLOAT)
    *out = value->as.real;
  else
    return wrong_type(doc, value, key, ASSAY_TOML_FLOAT, err);
  return ASSAY_OK;
}

assay_status assay_toml_get_bool(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, bool *out) {
  const assay_toml_value *value = assay_toml_get(table, key);
  if (value == NULL) return ASSAY_OK;
  if (value->type != ASSAY_TOML_BOOL) return wrong_type(doc, value, key, ASSAY_TOML_BOOL, err);
  *out = value->as.boolean;
  return ASSAY_OK;
}

static bool is_known(const char *key, const char *const *known) {
  for (; *known != NULL; known++)
    if (strcmp(key, *known) == 0) return true;
  return false;
}

assay_status assay_toml_check_keys(const assay_toml *doc, const assay_toml_value *table, const char *const *known, assay_error *err) {
  if (table->type != ASSAY_TOML_TABLE)
    return assay_toml_fail(doc, table, err, "expected a table, found %s", assay_toml_type_text(table->type));
  for (size_t i = 0; i < table->as.table.count; i++) {
    const char *key = table->as.table.keys[i];
    if (is_known(key, known)) continue;
    char list[600] = "";
    size_t used = 0;
    for (const char *const *word = known; *word != NULL && used < sizeof list; word++)
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", word == known ? "" : ", ", *word);
    const char *nearest = assay_nearest_word(key, known);
    return assay_toml_fail(doc, table->as.table.values[i], err, "unknown key '%.60s'%s%s%s; expected one of %s", key,
                           nearest != NULL ? " (did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'?)" : "", list);
  }
  return ASSAY_OK;
}
