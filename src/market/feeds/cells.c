/* SPDX-License-Identifier: MIT */
#include "market/feeds/cells.h"

#include <string.h>

bool assay_cells_read(const char *line, size_t length, char separator, size_t *at, assay_feed_text *cell) {
  size_t i = *at;
  while (i < length && line[i] == ' ') i++;
  if (i < length && line[i] == '"') {
    size_t begin = ++i;
    while (i < length && !(line[i] == '"' && (i + 1 >= length || line[i + 1] != '"'))) i += line[i] == '"' ? 2 : 1;
    *cell = (assay_feed_text){.at = line + begin, .length = (i < length ? i : length) - begin};
    *at = i < length ? i : length;
    if (i >= length) return false;
    for (i++; i < length && line[i] == ' ';) i++;
    *at = i;
    return i == length || line[i] == separator;
  }
  size_t begin = i;
  const char *end = memchr(line + i, separator, length - i);
  size_t behind = end != NULL ? (size_t)(end - line) : length;
  *at = behind;
  while (behind > begin && line[behind - 1] == ' ') behind--;
  *cell = (assay_feed_text){.at = line + begin, .length = behind - begin};
  return true;
}

bool assay_cells_line_end(const assay_feed_reader *in, size_t *length, size_t *whole) {
  const char *line = (const char *)in->data + in->at;
  size_t left = in->size - in->at;
  bool quoted = false;
  for (size_t i = 0; i < left; i++) {
    if (!quoted) {
      const char *end = memchr(line + i, '\n', left - i), *quote = memchr(line + i, '"', end != NULL ? (size_t)(end - line) - i : left - i);
      if (quote == NULL && end == NULL) break;
      if (quote == NULL) {
        *length = (size_t)(end - line);
        *whole = *length + 1;
        if (*length > 0 && line[*length - 1] == '\r') --*length;
        return true;
      }
      i = (size_t)(quote - line);
    }
    if (line[i] == '"') quoted = !quoted;
  }
  *length = *whole = left;
  if (left > 0 && line[left - 1] == '\r') --*length;
  return in->last;
}

char assay_cells_separator(const char *line, size_t length) {
  static const char candidates[] = {',', ';', '\t', '|'};
  size_t counts[sizeof candidates] = {0}, best = 0;
  bool quoted = false;
  for (size_t i = 0; i < length; i++) {
    if (line[i] == '"') quoted = !quoted;
    const char *found = quoted ? NULL : memchr(candidates, line[i], sizeof candidates);
    if (found != NULL) counts[found - candidates]++;
  }
  for (size_t i = 1; i < sizeof candidates; i++)
    if (counts[i] > counts[best]) best = i;
  return candidates[best];
}
