/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "machine/lines.h"

/* When the line is "key : value" gives the value's bounds. Keys compare whole: "model" is not "model name". */
static bool value_of_line(const char *line, const char *end, const char *key, const char **value, size_t *length) {
  const char *colon = memchr(line, ':', (size_t)(end - line));
  if (colon == NULL) return false;
  const char *key_end = colon;
  while (key_end > line && isspace((unsigned char)key_end[-1])) key_end--;
  size_t key_length = strlen(key);
  if ((size_t)(key_end - line) != key_length || memcmp(line, key, key_length) != 0) return false;
  const char *start = colon + 1;
  while (start < end && isspace((unsigned char)*start)) start++;
  while (end > start && isspace((unsigned char)end[-1])) end--;
  *value = start;
  *length = (size_t)(end - start);
  return true;
}

/* The next line of that key from *at on; moves *at behind it. */
static bool next_value(const char **at, const char *key, const char **value, size_t *length) {
  while (**at != '\0') {
    const char *line = *at, *end = line + strcspn(line, "\n");
    *at = *end == '\0' ? end : end + 1;
    if (value_of_line(line, end, key, value, length)) return true;
  }
  return false;
}

const char *assay_lines_value(assay_arena *arena, const char *text, const char *key) {
  const char *value = NULL;
  size_t length = 0;
  if (text == NULL || !next_value(&text, key, &value, &length) || length == 0) return NULL;
  return assay_arena_strndup(arena, value, length);
}

static bool list_has(const char *list, size_t list_length, const char *word, size_t word_length) {
  for (size_t i = 0; i + word_length <= list_length;) {
    while (i < list_length && isspace((unsigned char)list[i])) i++;
    size_t end = i;
    while (end < list_length && !isspace((unsigned char)list[end])) end++;
    if (end - i == word_length && word_length > 0 && memcmp(list + i, word, word_length) == 0) return true;
    i = end + 1;
  }
  return false;
}

bool assay_words_have(const char *list, const char *word) { return list != NULL && list_has(list, strlen(list), word, strlen(word)); }

/* Takes from `words` (in place) those that are not in the list. */
static void keep_common(char *words, const char *list, size_t length) {
  char *out = words;
  for (char *word = words; *word != '\0';) {
    while (*word == ' ') word++;
    size_t word_length = strcspn(word, " ");
    char *next = word + word_length;
    if (word_length > 0 && list_has(list, length, word, word_length)) {
      if (out != words) *out++ = ' ';
      memmove(out, word, word_length);
      out += word_length;
    }
    word = next;
  }
  *out = '\0';
}

const char *assay_lines_common_words(assay_arena *arena, const char *text, const char *key) {
  const char *value = NULL, *first = NULL;
  size_t length = 0, first_length = 0;
  if (text == NULL || !next_value(&text, key, &first, &first_length)) return NULL;
  char *words = assay_arena_strndup(arena, first, first_length);
  if (words == NULL) return NULL;
  for (char *c = words; *c != '\0'; c++) {
    if (isspace((unsigned char)*c)) *c = ' ';
  }
  while (next_value(&text, key, &value, &length)) {
    /* Most machines have the same line for every CPU. */
    if (length == first_length && memcmp(value, first, length) == 0) continue;
    keep_common(words, value, length);
  }
  return words;
}
