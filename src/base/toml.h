/* SPDX-License-Identifier: MIT */
/*
 * TOML 1.0, whole (https://toml.io/en/v1.0.0). A failure names file, line, column and what was expected:
 *     "slas/mine.toml:7:9: expected a value after '=', found end of line"
 *
 *     assay_toml *doc = NULL;
 *     if (assay_toml_read("slas/mine.toml", err, &doc) != ASSAY_OK) return err->status;
 *     const assay_toml_value *slas = assay_toml_get(assay_toml_root(doc), "sla");
 *
 * A document is read-only and may be shared by threads. Values are borrowed from it.
 * Columns count characters. Values nest at most ASSAY_TOML_DEPTH deep, so a walk may recurse.
 */
#ifndef ASSAY_BASE_TOML_H
#define ASSAY_BASE_TOML_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

enum { ASSAY_TOML_DEPTH = 128 };

typedef enum assay_toml_type {
  ASSAY_TOML_STRING,
  ASSAY_TOML_INTEGER,
  ASSAY_TOML_FLOAT,
  ASSAY_TOML_BOOL,
  ASSAY_TOML_OFFSET_DATETIME,
  ASSAY_TOML_LOCAL_DATETIME,
  ASSAY_TOML_LOCAL_DATE,
  ASSAY_TOML_LOCAL_TIME,
  ASSAY_TOML_ARRAY,
  ASSAY_TOML_TABLE
} assay_toml_type;

typedef struct assay_toml_datetime {
  int year, month, day; /* 0 where the type has none */
  int hour, minute, second, nanosecond;
  int offset_minutes;
} assay_toml_datetime;

typedef struct assay_toml_value assay_toml_value;
struct assay_toml_value {
  assay_toml_type type;
  int line, column; /* from 1 */
  union {
    struct {
      const char *text; /* UTF-8, NUL-terminated; may hold NULs inside */
      size_t length;
    } string;
    int64_t integer;
    double real;
    bool boolean;
    assay_toml_datetime datetime;
    struct {
      const assay_toml_value *const *items;
      size_t count;
    } array;
    struct {
      const char *const *keys;   /* in the order of the file; NUL-terminated, may hold NULs inside */
      const size_t *key_lengths; /* bytes */
      const assay_toml_value *const *values;
      size_t count;
    } table;
  } as;
};

typedef struct assay_toml assay_toml;

/* `name` stands in messages (the file's path). `text` need not be NUL-terminated and is copied. */
assay_status assay_toml_parse(const char *text, size_t length, const char *name, assay_error *err, assay_toml **doc);
/* Reads a file of at most 16 MiB. */
assay_status assay_toml_read(const char *path, assay_error *err, assay_toml **doc);
void assay_toml_destroy(assay_toml *doc); /* accepts NULL */

const assay_toml_value *assay_toml_root(const assay_toml *doc); /* a table */
const char *assay_toml_name(const assay_toml *doc);
/* The value of a key, or NULL. `table` NULL or no table gives NULL. */
const assay_toml_value *assay_toml_get(const assay_toml_value *table, const char *key);
const char *assay_toml_type_text(assay_toml_type type); /* "a string", "an integer", "a table", ... */

/* Fetch with a type; a missing key leaves *out as it is and is ASSAY_OK; a wrong type is an error that names the place. A real accepts an
 * integer. */
assay_status assay_toml_get_string(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err,
                                   const char **out);
assay_status assay_toml_get_integer(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, int64_t *out);
assay_status assay_toml_get_real(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, double *out);
assay_status assay_toml_get_bool(const assay_toml *doc, const assay_toml_value *table, const char *key, assay_error *err, bool *out);
/* An unknown key in `table` is an error that lists the known ones (NULL-terminated) and names the nearest. */
assay_status assay_toml_check_keys(const assay_toml *doc, const assay_toml_value *table, const char *const *known, assay_error *err);
/* "file:line:column: <message>" as a parse failure at `value`. */
assay_status assay_toml_fail(const assay_toml *doc, const assay_toml_value *value, assay_error *err, const char *format, ...)
    ASSAY_PRINTF(4, 5);

#endif
