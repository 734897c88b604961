/* SPDX-License-Identifier: MIT */
/*
 * For toml_compare.py: reads documents from standard input, each as its length in decimal, a line end and its bytes, and answers each with
 * a line of JSON: the tree with every value as ["type", "text"], or {"error": "..."}. Integers and reals go out as text, so that nothing is
 * rounded on the way.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/toml.h"

static void put(assay_json *json, const assay_toml_value *value);

static void put_pair(assay_json *json, const char *type, const char *text) {
  assay_json_array(json);
  assay_json_string(json, type);
  assay_json_string(json, text);
  assay_json_end(json);
}

static void put_datetime(assay_json *json, const assay_toml_value *value) {
  const assay_toml_datetime *t = &value->as.datetime;
  static const char *const types[] = {"offset-datetime", "local-datetime", "local-date", "local-time"};
  char text[160];
  snprintf(text, sizeof text, "%d-%d-%d %d:%d:%d.%06d %d", t->year, t->month, t->day, t->hour, t->minute, t->second, t->nanosecond / 1000,
           t->offset_minutes);
  put_pair(json, types[value->type - ASSAY_TOML_OFFSET_DATETIME], text);
}

static void put(assay_json *json, const assay_toml_value *value) {
  char text[64];
  switch (value->type) {
    case ASSAY_TOML_STRING: put_pair(json, "string", value->as.string.text); break;
    case ASSAY_TOML_INTEGER:
      snprintf(text, sizeof text, "%" PRId64, value->as.integer);
      put_pair(json, "integer", text);
      break;
    case ASSAY_TOML_FLOAT:
      snprintf(text, sizeof text, "%a", value->as.real);
      put_pair(json, "float", isnan(value->as.real) ? "nan" : text);
      break;
    case ASSAY_TOML_BOOL: put_pair(json, "bool", value->as.boolean ? "true" : "false"); break;
    case ASSAY_TOML_ARRAY:
      assay_json_object(json);
      assay_json_key(json, "array");
      assay_json_array(json);
      for (size_t i = 0; i < value->as.array.count; i++) put(json, value->as.array.items[i]);
      assay_json_end(json);
      assay_json_end(json);
      break;
    case ASSAY_TOML_TABLE:
      assay_json_object(json);
      assay_json_key(json, "table");
      assay_json_object(json);
      for (size_t i = 0; i < value->as.table.count; i++) {
        assay_json_key(json, value->as.table.keys[i]);
        put(json, value->as.table.values[i]);
      }
      assay_json_end(json);
      assay_json_end(json);
      break;
    default: put_datetime(json, value); break;
  }
}

static void answer(const char *text, size_t length) {
  assay_error err = {0};
  assay_toml *doc = NULL;
  assay_buf out = {0};
  assay_json json = {.out = &out};
  if (assay_toml_parse(text, length, "doc", &err, &doc) == ASSAY_OK) {
    put(&json, assay_toml_root(doc));
  } else {
    assay_json_object(&json);
    assay_json_key(&json, "error");
    assay_json_string(&json, err.message);
    assay_json_end(&json);
  }
  puts(out.data);
  assay_buf_deinit(&out);
  assay_toml_destroy(doc);
}

int main(void) {
  size_t length = 0;
  while (scanf("%zu", &length) == 1 && getchar() == '\n') {
    char *text = malloc(length + 1);
    if (text == NULL || fread(text, 1, length, stdin) != length) return 1;
    answer(text, length);
    free(text);
  }
  return 0;
}
