/* SPDX-License-Identifier: MIT */
#include "result/import_look.h"

#include <string.h>

enum { LEVELS = 6, PATH_BYTES = 256, KEYS_BYTES = 16 << 10 };

typedef struct looker {
  const char *at, *end;
  assay_buf *keys;
  int depth; /* of brackets */
  size_t lengths[64];
  bool is_array[64], expects_key;
  char path[PATH_BYTES];
  size_t path_length;
} looker;

/* The string that starts at the quote; its bytes as they stand. False when it is cut off. */
static bool take_string(looker *l, const char **text, size_t *length) {
  const char *start = ++l->at;
  while (l->at < l->end && *l->at != '"') l->at += *l->at == '\\' ? 2 : 1;
  if (l->at >= l->end) return false;
  *text = start;
  *length = (size_t)(l->at++ - start);
  return true;
}

static bool is_listed(const looker *l) {
  for (const char *at = l->keys->data; at != NULL && *at != '\0';) {
    const char *stop = strchr(at, '\n');
    if (stop == NULL) return false;
    if ((size_t)(stop - at) == l->path_length && memcmp(at, l->path, l->path_length) == 0) return true;
    at = stop + 1;
  }
  return false;
}

static void extend(looker *l, const char *text, size_t length) {
  if (length >= PATH_BYTES - l->path_length) length = PATH_BYTES - l->path_length - 1;
  memcpy(l->path + l->path_length, text, length);
  l->path_length += length;
}

static void take_key(looker *l) {
  const char *key = NULL;
  size_t length = 0;
  if (!take_string(l, &key, &length)) return;
  l->path_length = l->lengths[l->depth];
  if (l->path_length > 0) extend(l, ".", 1);
  extend(l, key, length);
  if (l->depth <= LEVELS && l->keys->length < KEYS_BYTES && memchr(key, '\n', length) == NULL && !is_listed(l)) {
    assay_buf_append(l->keys, l->path, l->path_length);
    assay_buf_putc(l->keys, '\n');
  }
  l->expects_key = false;
}

static bool open_bracket(looker *l, bool is_array) {
  if (l->depth + 1 >= (int)(sizeof l->lengths / sizeof *l->lengths)) return false;
  if (is_array) extend(l, "[]", 2);
  l->depth++;
  l->lengths[l->depth] = l->path_length;
  l->is_array[l->depth] = is_array;
  l->expects_key = !is_array;
  return true;
}

void assay_import_look_keys(const char *text, size_t length, assay_buf *keys) {
  looker l = {.at = text, .end = text + length, .keys = keys};
  const char *ignored = NULL;
  size_t ignored_length = 0;
  while (l.at < l.end) {
    switch (*l.at) {
      case '"':
        if (l.expects_key)
          take_key(&l);
        else if (!take_string(&l, &ignored, &ignored_length))
          return;
        continue;
      case '{':
      case '[':
        if (!open_bracket(&l, *l.at == '[')) return;
        break;
      case '}':
      case ']':
        if (l.depth == 0) return;
        l.depth--;
        l.path_length = l.lengths[l.depth];
        l.expects_key = false;
        break;
      case ',':
        l.path_length = l.lengths[l.depth];
        l.expects_key = l.depth > 0 && !l.is_array[l.depth];
        break;
      default: break;
    }
    l.at++;
  }
}
