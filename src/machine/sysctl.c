/* SPDX-License-Identifier: MIT */
/* The output of `sysctl -a`: "hw.ncpu: 10" or "hw.ncpu = 10" a line. Values may go on over lines that have no key. */
#include <ctype.h>
#include <string.h>

#include "machine/snapshot.h"

/* The key's length when the line is "key: value" or "key=value" with a dotted key, else 0. */
static size_t key_length(const char *line, size_t length) {
  size_t key = 0, dots = 0;
  while (key < length && (isalnum((unsigned char)line[key]) || strchr("._-%", line[key]) != NULL) && line[key] != '\0')
    dots += line[key++] == '.';
  if (key == 0 || key > 128 || dots == 0 || !isalpha((unsigned char)line[0])) return 0;
  size_t separator = key;
  while (separator < length && line[separator] == ' ') separator++;
  return separator < length && (line[separator] == ':' || line[separator] == '=') ? key : 0;
}

static size_t line_length(const char *text, size_t left) {
  const char *end = memchr(text, '\n', left);
  return end == NULL ? left : (size_t)(end - text);
}

bool assay_sysctl_looks_like(const char *text, size_t length) {
  if (memchr(text, '\0', length) != NULL) return false;
  size_t lines = 0, keys = 0;
  while (length > 0 && lines < 50) {
    size_t line = line_length(text, length);
    bool blank = true;
    for (size_t i = 0; i < line; i++) blank &= isspace((unsigned char)text[i]) != 0;
    if (!blank && text[0] != '#') {
      lines++;
      keys += key_length(text, line) > 0;
    }
    size_t step = line < length ? line + 1 : line;
    text += step;
    length -= step;
  }
  return keys > 0 && keys * 2 >= lines;
}

static const char *trimmed(assay_arena *arena, const char *text, size_t length) {
  while (length > 0 && isspace((unsigned char)*text)) {
    text++;
    length--;
  }
  while (length > 0 && isspace((unsigned char)text[length - 1])) length--;
  return assay_arena_strndup(arena, text, length);
}

assay_status assay_sysctl_parse(const char *text, size_t length, const char *name, assay_arena *arena, assay_error *err,
                                const assay_pair **pairs, size_t *count) {
  assay_pair *found = NULL;
  size_t used = 0, capacity = 0;
  while (length > 0) {
    size_t line = line_length(text, length), key = key_length(text, line);
    if (key > 0) {
      if (used == ASSAY_SYSCTL_LINES_MAX)
        return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s: more than %d sysctl values", name, ASSAY_SYSCTL_LINES_MAX);
      if (used == capacity) {
        assay_pair *more = assay_arena_grow(arena, found, used, &capacity, sizeof *more);
        if (more == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", name);
        found = more;
      }
      const char *separator = text + key + strspn(text + key, " ");
      found[used++] =
          (assay_pair){assay_arena_strndup(arena, text, key), trimmed(arena, separator + 1, (size_t)(text + line - separator - 1))};
    }
    size_t step = line < length ? line + 1 : line;
    text += step;
    length -= step;
  }
  if (arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", name);
  assay_source_sort_pairs(found, used);
  *pairs = found;
  *count = used;
  return ASSAY_OK;
}
