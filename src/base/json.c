/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <assert.h>
#include <math.h>

#include "base/utf8.h"

static void newline(assay_json *json) {
  if (json->indent == 0) return;
  assay_buf_putc(json->out, '\n');
  for (int i = 0; i < json->depth * json->indent; i++) assay_buf_putc(json->out, ' ');
}

static void before_value(assay_json *json) {
  if (json->after_key) {
    json->after_key = false;
    return;
  }
  if (json->depth == 0) return;
  bool *filled = &json->levels[json->depth - 1].filled;
  bool on_one_line = json->levels[json->depth - 1].inline_items;
  if (*filled) assay_buf_puts(json->out, on_one_line && json->indent > 0 ? ", " : ",");
  *filled = true;
  if (!on_one_line) newline(json);
}

static void open_level(assay_json *json, char open, char close, bool on_one_line) {
  assert(json->depth < ASSAY_JSON_DEPTH);
  if (json->depth > 0 && json->levels[json->depth - 1].inline_items) on_one_line = true;
  before_value(json);
  assay_buf_putc(json->out, open);
  json->levels[json->depth].close = close;
  json->levels[json->depth].filled = false;
  json->levels[json->depth].inline_items = on_one_line;
  json->depth++;
}

void assay_json_object(assay_json *json) { open_level(json, '{', '}', false); }
void assay_json_array(assay_json *json) { open_level(json, '[', ']', false); }
void assay_json_object_inline(assay_json *json) { open_level(json, '{', '}', true); }
void assay_json_array_inline(assay_json *json) { open_level(json, '[', ']', true); }

void assay_json_end(assay_json *json) {
  assert(json->depth > 0);
  json->depth--;
  if (json->levels[json->depth].filled && !json->levels[json->depth].inline_items) newline(json);
  assay_buf_putc(json->out, json->levels[json->depth].close);
  if (json->depth == 0 && json->indent > 0) assay_buf_putc(json->out, '\n');
}

static void put_string(assay_buf *out, const char *text) {
  assay_buf_putc(out, '"');
  for (const char *p = text; *p != '\0';) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') {
      assay_buf_putc(out, '\\');
      assay_buf_putc(out, *p++);
    } else if (c == '\n') {
      assay_buf_puts(out, "\\n");
      p++;
    } else if (c == '\t') {
      assay_buf_puts(out, "\\t");
      p++;
    } else if (c < 0x20 || c == 0x7f) {
      assay_buf_printf(out, "\\u%04x", c);
      p++;
    } else {
      size_t length = assay_utf8_length(p);
      if (length == 0) {
        assay_buf_puts(out, "\xEF\xBF\xBD");
        p++;
      } else {
        assay_buf_append(out, p, length);
        p += length;
      }
    }
  }
  assay_buf_putc(out, '"');
}

void assay_json_key(assay_json *json, const char *key) {
  before_value(json);
  put_string(json->out, key);
  assay_buf_puts(json->out, json->indent > 0 ? ": " : ":");
  json->after_key = true;
}

void assay_json_string(assay_json *json, const char *text) {
  before_value(json);
  if (text == NULL)
    assay_buf_puts(json->out, "null");
  else
    put_string(json->out, text);
}

void assay_json_double(assay_json *json, double value) {
  before_value(json);
  if (isfinite(value))
    assay_buf_double(json->out, value);
  else
    assay_buf_puts(json->out, "null");
}

void assay_json_int(assay_json *json, int64_t value) {
  before_value(json);
  assay_buf_printf(json->out, "%lld", (long long)value);
}

void assay_json_uint(assay_json *json, uint64_t value) {
  before_value(json);
  assay_buf_printf(json->out, "%llu", (unsigned long long)value);
}

void assay_json_bool(assay_json *json, bool value) {
  before_value(json);
  assay_buf_puts(json->out, value ? "true" : "false");
}

void assay_json_null(assay_json *json) {
  before_value(json);
  assay_buf_puts(json->out, "null");
}

void assay_json_put_string(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text);
}

void assay_json_put_double(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

void assay_json_put_uint(assay_json *json, const char *key, uint64_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}
