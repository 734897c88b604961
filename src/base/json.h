/* SPDX-License-Identifier: MIT */
/*
 * JSON out, with stable key order and number format: keys come out in the order they are written, doubles as the shortest text that
 * reads back the same, integers as integers, NaN and infinities as null. (JSON in is jansson's work.)
 * Invalid UTF-8 in strings is replaced by U+FFFD, so the output is always valid JSON.
 *
 *     assay_json json = {.out = &buf, .indent = 2};
 *     assay_json_object(&json);
 *     assay_json_put_string(&json, "name", "sum");
 *     assay_json_key(&json, "rates");
 *     assay_json_array(&json);
 *     assay_json_double(&json, 0.05);
 *     assay_json_end(&json);
 *     assay_json_end(&json);
 */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"

enum { ASSAY_JSON_DEPTH = 64 };

typedef struct assay_json {
  assay_buf *out;
  int indent; /* spaces a level; 0: one line */
  int depth;
  bool after_key;
  struct {
    char close;
    bool filled, inline_items;
  } levels[ASSAY_JSON_DEPTH];
} assay_json;

void assay_json_object(assay_json *json);
void assay_json_array(assay_json *json);
/* An object or array printed on one line even when indenting, for rows of a table; what is opened inside goes on the same line. */
void assay_json_object_inline(assay_json *json);
void assay_json_array_inline(assay_json *json);
void assay_json_end(assay_json *json);
void assay_json_key(assay_json *json, const char *key);
/* NULL text writes null. */
void assay_json_string(assay_json *json, const char *text);
void assay_json_double(assay_json *json, double value);
void assay_json_int(assay_json *json, int64_t value);
void assay_json_uint(assay_json *json, uint64_t value);
void assay_json_bool(assay_json *json, bool value);
void assay_json_null(assay_json *json);

/* A key and its value. */
void assay_json_put_string(assay_json *json, const char *key, const char *text);
void assay_json_put_double(assay_json *json, const char *key, double value);
void assay_json_put_uint(assay_json *json, const char *key, uint64_t value);

#endif
