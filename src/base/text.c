/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"

/* Matches one character against the set that starts at `p` (after '['); *end is set past the ']'. A set that is not closed is a plain '['.
 */
static bool match_set(const char *p, char c, const char **end) {
  bool negated = *p == '!' || *p == '^';
  if (negated) p++;
  const char *first = p;
  bool found = false;
  for (; *p != '\0' && (*p != ']' || p == first); p++) {
    if (p[1] == '-' && p[2] != '\0' && p[2] != ']') {
      if ((unsigned char)c >= (unsigned char)p[0] && (unsigned char)c <= (unsigned char)p[2]) found = true;
      p += 2;
    } else if (*p == c) {
      found = true;
    }
  }
  *end = *p == ']' ? p + 1 : NULL;
  return found != negated;
}

static bool match_here(const char *pattern, const char *text) {
  const char *star = NULL, *retry = NULL;
  while (*text != '\0') {
    const char *after = NULL;
    if (*pattern == '*') {
      star = ++pattern;
      retry = text;
      continue;
    }
    bool set_matches = *pattern == '[' && match_set(pattern + 1, *text, &after);
    if (after != NULL && set_matches) {
      pattern = after;
      text++;
    } else if (after == NULL && *pattern != '\0' && (*pattern == '?' || *pattern == *text)) {
      pattern++;
      text++;
    } else if (star != NULL) {
      pattern = star;
      text = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

bool assay_glob_match(const char *pattern, const char *text) {
  if (strpbrk(pattern, "*?[") == NULL) return strstr(text, pattern) != NULL;
  return match_here(pattern, text);
}

/* Whether the pattern matches the text, or the part of it behind the suite. */
static bool match_behind(const char *pattern, const char *text, size_t suite_length) {
  return assay_glob_match(pattern, text) || assay_glob_match(pattern, text + suite_length + 1);
}

bool assay_glob_match_benchmark(const char *pattern, const char *suite, const char *name, const char *metric) {
  char small[512], *text = small;
  size_t suite_length = strlen(suite), size = suite_length + strlen(name) + (metric != NULL ? strlen(metric) : 0) + 3;
  if (size > sizeof small) text = assay_alloc(ASSAY_TAG_BASE, size);
  if (text == NULL) return assay_glob_match(pattern, name);
  int length = snprintf(text, size, "%s/%s", suite, name);
  bool matches = match_behind(pattern, text, suite_length);
  if (!matches && metric != NULL) {
    snprintf(text + length, size - (size_t)length, ":%s", metric);
    matches = match_behind(pattern, text, suite_length);
  }
  if (text != small) assay_free(text);
  return matches;
}

enum { LONGEST_WORD = 63 };

static size_t edit_distance(const char *a, const char *b) {
  size_t row[LONGEST_WORD + 1], na = strlen(a), nb = strlen(b);
  if (na > LONGEST_WORD || nb > LONGEST_WORD) return LONGEST_WORD;
  for (size_t j = 0; j <= nb; j++) row[j] = j;
  for (size_t i = 1; i <= na; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= nb; j++) {
      size_t best = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[nb];
}

const char *assay_nearest_word(const char *word, const char *const *words) {
  const char *nearest = NULL;
  size_t best = strlen(word) / 3 + 2; /* more edits than that is another word */
  for (; *words != NULL; words++) {
    size_t distance = edit_distance(word, *words);
    if (distance < best) {
      best = distance;
      nearest = *words;
    }
  }
  return nearest;
}

uint64_t assay_hash(uint64_t hash, const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < count; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
  return hash;
}

bool assay_parse_u64(const char *text, uint64_t *value) {
  if (!isdigit((unsigned char)text[0])) return false;
  char *end = NULL;
  errno = 0;
  unsigned long long parsed = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  *value = parsed;
  return true;
}

bool assay_parse_f64(const char *text, double *value) {
  if (text[0] == '\0' || isspace((unsigned char)text[0])) return false;
  char *end = NULL;
  double parsed = assay_strtod(text, &end);
  if (*end != '\0') return false;
  *value = parsed;
  return true;
}
