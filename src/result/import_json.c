/* SPDX-License-Identifier: MIT */
/* JSON for the readers: parsing within limits, typed values whose mistakes name the place, and a look at a file's first keys. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "os/prim.h"
#include "result/import.h"

/* ---- Mistakes and places ------------------------------------------------------------------------------------------------------- */

bool assay_import_ok(const assay_importer *in) { return in->status == ASSAY_OK; }

/* What libraries and files say may hold line ends and control characters; a message is one line. */
static void make_one_line(char *text) {
  for (char *c = text; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
}

static void fail_at(assay_importer *in, assay_status status, const char *place, const char *message) {
  if (in->status != ASSAY_OK) return;
  in->status = ASSAY_FAIL(in->err, status, "%s: %s%s%s", in->file, place, place[0] != '\0' ? ": " : "", message);
}

void assay_import_mistake(assay_importer *in, const char *key, const char *format, ...) {
  if (in->status != ASSAY_OK) return;
  char message[600], place[ASSAY_IMPORT_PATH_BYTES + 200];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(message, sizeof message, format, args);
  va_end(args);
  snprintf(place, sizeof place, "%.*s%s%.180s", (int)in->path_length, in->path, in->path_length > 0 && key[0] != '\0' ? "." : "", key);
  make_one_line(message);
  make_one_line(place);
  fail_at(in, ASSAY_ERR_PARSE, place, message);
}

void assay_import_mistake_line(assay_importer *in, size_t line, const char *format, ...) {
  if (in->status != ASSAY_OK) return;
  char message[600];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(message, sizeof message, format, args);
  va_end(args);
  make_one_line(message);
  in->status = ASSAY_FAIL(in->err, ASSAY_ERR_PARSE, "%s:%zu: %s", in->file, line, message);
}

static const char *nan_token(const json_t *value);

void assay_import_expected(assay_importer *in, const char *key, const char *expected, const json_t *found) {
  static const char *const types[] = {"an object", "an array", "a string", "an integer", "a number", "true", "false", "null"};
  const char *what = found == NULL ? "nothing" : nan_token(found) != NULL ? nan_token(found) : types[json_typeof(found)];
  if (json_is_string(found) && nan_token(found) == NULL)
    assay_import_mistake(in, key, "expected %s, found the string \"%.60s\"", expected, json_string_value(found));
  else
    assay_import_mistake(in, key, "expected %s, found %s", expected, what);
}

size_t assay_import_enter(assay_importer *in, const char *key, size_t index) {
  size_t before = in->path_length, room = ASSAY_IMPORT_PATH_BYTES - before;
  int written = snprintf(in->path + before, room, index == SIZE_MAX ? "%s%.120s" : "%s%.120s[%zu]", before > 0 && key[0] != '\0' ? "." : "",
                         key, index);
  in->path_length = before + ((size_t)written < room ? (size_t)written : room - 1);
  return before;
}

void assay_import_leave(assay_importer *in, size_t before) {
  in->path_length = before;
  in->path[before] = '\0';
}

void assay_import_at_line(assay_importer *in, size_t line) {
  in->path_length = 0;
  in->path_length = (size_t)snprintf(in->path, ASSAY_IMPORT_PATH_BYTES, "line %zu", line);
}

/* ---- NaN and Infinity ------------------------------------------------------------------------------------------------------------ */

/*
 * Python's json and Google Benchmark write NaN, Infinity and -Infinity, which are not JSON. Each is replaced by a string of the same
 * length, blanks included, so that line and column in jansson's messages stay true; DEL cannot be what a tool meant to write.
 */
#define TOKEN_NAN "\x7f"
#define TOKEN_INFINITY "+\x7f"
#define TOKEN_MINUS_INFINITY "-\x7f"

static const struct token {
  const char *text, *stands, *value;
} tokens[] = {
    {"NaN", "\"" TOKEN_NAN "\"", TOKEN_NAN},
    {"-NaN", "\"" TOKEN_NAN "\" ", TOKEN_NAN},
    {"Infinity", "\"" TOKEN_INFINITY "\"    ", TOKEN_INFINITY},
    {"-Infinity", "\"" TOKEN_MINUS_INFINITY "\"     ", TOKEN_MINUS_INFINITY},
};
enum { TOKENS = sizeof tokens / sizeof *tokens };

static const char *nan_token(const json_t *value) {
  const char *text = json_is_string(value) ? json_string_value(value) : NULL;
  if (text == NULL || strchr(text, 0x7f) == NULL) return NULL;
  if (strcmp(text, TOKEN_NAN) == 0) return "NaN";
  if (strcmp(text, TOKEN_INFINITY) == 0) return "Infinity";
  return strcmp(text, TOKEN_MINUS_INFINITY) == 0 ? "-Infinity" : NULL;
}

bool assay_import_is_nan(const json_t *value) { return nan_token(value) != NULL; }

/* Between values only: in front of one stands a blank, a colon, a comma or a bracket, behind it likewise. */
static bool ends_value(char c) { return c == '\0' || strchr(" \t\r\n,]}", c) != NULL; }

/* Copies `text` into `out` with the tokens replaced, and adds up what the values will take in memory. */
static double replace_tokens(const char *text, size_t length, char *out) {
  enum { BYTES_OBJECT = 300, BYTES_ARRAY = 140, BYTES_VALUE = 64, BYTES_MEMBER = 64 }; /* of jansson, rounded up */
  double bytes = 0;
  bool in_string = false;
  memcpy(out, text, length);
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      in_string = c != '"';
      continue;
    }
    switch (c) {
      case '"': in_string = true; break;
      case '{': bytes += BYTES_OBJECT; break;
      case '[': bytes += BYTES_ARRAY; break;
      case ',': bytes += BYTES_VALUE; break;
      case ':': bytes += BYTES_MEMBER; break;
      case 'N':
      case 'I':
      case '-':
        if (i > 0 && strchr(" \t\r\n,:[", text[i - 1]) == NULL) break;
        for (size_t t = 0; t < TOKENS; t++) {
          size_t n = strlen(tokens[t].text);
          if (length - i < n || memcmp(text + i, tokens[t].text, n) != 0 || !ends_value(i + n < length ? text[i + n] : '\0')) continue;
          memcpy(out + i, tokens[t].stands, n);
          i += n - 1;
          break;
        }
        break;
      default: break;
    }
  }
  return bytes + (double)length;
}

/* ---- Files and documents --------------------------------------------------------------------------------------------------------- */

static double physical_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? (double)pages * (double)size : INFINITY;
}

char *assay_import_load(assay_importer *in, const char *path, size_t *length) {
  in->file = strcmp(path, "-") == 0 ? "standard input" : assay_arena_strdup(&in->scratch, path);
  in->path_length = 0;
  if (in->file == NULL) in->file = "a file";
  if (in->status != ASSAY_OK) return NULL;
  char *data = NULL;
  assay_error inner = {0};
  struct stat info;
  bool is_plain = strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
  assay_status status = is_plain && (uint64_t)info.st_size > in->limit
                            ? ASSAY_FAIL(&inner, ASSAY_ERR_LIMIT, "%s is larger than %zu bytes", path, in->limit)
                            : assay_os_read_file(path, in->limit, &inner, &data, length);
  if (status == ASSAY_OK) {
    in->loaded = assay_hash(in->loaded, data, *length);
    if (is_plain && info.st_mtime > 0 && (int64_t)info.st_mtime < in->loaded_at_s) in->loaded_at_s = (int64_t)info.st_mtime;
    return data;
  }
  in->status = ASSAY_FAIL(in->err, status, "%s%s", inner.message,
                          status == ASSAY_ERR_LIMIT ? ", which is as much as is read; ASSAY_IMPORT_LIMIT changes that" : "");
  return NULL;
}

json_t *assay_import_parse(assay_importer *in, const char *text, size_t length) {
  if (in->status != ASSAY_OK) return NULL;
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, length -= 3; /* what PowerShell's redirection puts in front */
  char *clean = assay_alloc(ASSAY_TAG_RESULT, length + 1);
  if (clean == NULL) {
    fail_at(in, ASSAY_ERR_NO_MEMORY, "", "out of memory");
    return NULL;
  }
  json_t *root = NULL;
  double bytes = replace_tokens(text, length, clean);
  if (bytes > physical_memory() / 2) {
    in->status = ASSAY_FAIL(in->err, ASSAY_ERR_LIMIT, "%s: its values would take %.1f GiB of memory, more than half of this machine's",
                            in->file, bytes / 0x1p30);
  } else {
    json_error_t where;
    root = json_loadb(clean, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (root == NULL) {
      make_one_line(where.text);
      in->status = ASSAY_FAIL(in->err, ASSAY_ERR_PARSE, "%s:%d:%d: not valid JSON: %s", in->file, where.line, where.column, where.text);
    }
  }
  assay_free(clean);
  return root;
}

/* ---- Values ------------------------------------------------------------------------------------------------------------------------ */

static bool is_absent(const json_t *value) { return value == NULL || json_is_null(value); }

const char *assay_import_text(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_string(value) && nan_token(value) == NULL) return json_string_value(value);
  assay_import_expected(in, key, "a string", value);
  return "";
}

const char *assay_import_opt_text(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (is_absent(value)) return NULL;
  return json_is_string(value) && nan_token(value) == NULL ? json_string_value(value)
                                                           : (assay_import_expected(in, key, "a string or null", value), NULL);
}

double assay_import_number_of(assay_importer *in, const json_t *value) {
  if (json_is_number(value)) return json_number_value(value);
  assay_import_expected(in, "", "a number", value);
  return 0;
}

double assay_import_number(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_number(value)) return json_number_value(value);
  assay_import_expected(in, key, "a number", value);
  return 0;
}

double assay_import_opt_number(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (is_absent(value) || nan_token(value) != NULL) return NAN;
  if (json_is_number(value)) return json_number_value(value);
  assay_import_expected(in, key, "a number or null", value);
  return NAN;
}

int64_t assay_import_whole(assay_importer *in, const json_t *object, const char *key, int64_t low, int64_t high) {
  const json_t *value = json_object_get(object, key);
  if (json_is_integer(value) && json_integer_value(value) >= low && json_integer_value(value) <= high) return json_integer_value(value);
  char expected[80];
  snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)low, (long long)high);
  if (json_is_integer(value))
    assay_import_mistake(in, key, "expected %s, found %lld", expected, (long long)json_integer_value(value));
  else
    assay_import_expected(in, key, expected, value);
  return low;
}

bool assay_import_opt_bool(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!is_absent(value) && !json_is_boolean(value)) assay_import_expected(in, key, "true or false", value);
  return json_is_true(value);
}

const json_t *assay_import_object(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_object(value)) return value;
  assay_import_expected(in, key, "an object", value);
  return NULL;
}

const json_t *assay_import_opt_object(assay_importer *in, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return is_absent(value) ? NULL : assay_import_object(in, object, key);
}

const json_t *assay_import_array(assay_importer *in, const json_t *object, const char *key, size_t *count) {
  const json_t *value = json_object_get(object, key);
  *count = json_array_size(value);
  if (json_is_array(value)) return value;
  assay_import_expected(in, key, "an array", value);
  return NULL;
}

const json_t *assay_import_opt_array(assay_importer *in, const json_t *object, const char *key, size_t *count) {
  *count = 0;
  return is_absent(json_object_get(object, key)) ? NULL : assay_import_array(in, object, key, count);
}

const char *assay_import_shown(assay_importer *in, const json_t *value) {
  if (json_is_string(value)) {
    const char *token = nan_token(value);
    return assay_arena_strdup(in->arena, token != NULL ? token : json_string_value(value));
  }
  char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
  const char *text = dumped == NULL ? "" : assay_arena_strdup(in->arena, dumped);
  free(dumped);
  return text != NULL ? text : "";
}

/* ---- A look at the beginning ------------------------------------------------------------------------------------------------------- */

static bool has_line(const char *lines, const char *start, bool whole) {
  size_t length = strlen(start);
  for (const char *at = lines; at != NULL && *at != '\0';) {
    if (strncmp(at, start, length) == 0 && (!whole || at[length] == '\n')) return true;
    at = strchr(at, '\n');
    if (at != NULL) at++;
  }
  return false;
}

bool assay_import_has(const assay_import_look *look, const char *path) { return has_line(look->keys, path, true); }

bool assay_import_has_line(const assay_import_look *look, const char *start) { return has_line(look->text, start, false); }
