/* SPDX-License-Identifier: MIT */
/* Logs of FIX, as programs write them, made into messages. */
#include <string.h>

#include "cli/feed.h"

/* Whether one of the first lines has a FIX message in it, behind a time or whatever else a log writes before each. */
static bool looks_like_fix_log(const uint8_t *bytes, size_t size) {
  enum { BEGINNING = 4096 };
  const uint8_t *found = memmem(bytes, size < BEGINNING ? size : BEGINNING, "8=FIX.", 6);
  return found != NULL && (found == bytes || !strchr("0123456789", found[-1]) || found[-1] == '\0');
}

/*
 * Logs of FIX write a time before each message, and bars where its separators are. Bars become separators, and what stands between two
 * messages line ends, which the reader passes: so every place keeps its number. A stream as it came over the line is left as it is.
 */
static bool is_fix_log(const uint8_t *bytes, size_t size) {
  size_t first = 0;
  while (first < size && bytes[first] != '|' && bytes[first] != 1) first++;
  return first < size && (bytes[first] == '|' || size < 5 || memcmp(bytes, "8=FIX", 5) != 0);
}

/* The character that ends the fields of the message at `begin`; 0: that is not to be seen yet. */
static uint8_t separator_of(const uint8_t *begin, const uint8_t *end, bool last) {
  const uint8_t *line = memchr(begin, '\n', (size_t)(end - begin)), *const most = line != NULL ? line : end;
  const uint8_t *at = begin;
  while (at < most && *at != '|' && *at != 1) at++;
  return at < most ? *at : line != NULL || last ? 1 : 0;
}

/* What stands between the first BeginString and BodyLength where no log of ours has it ("^A", "<SOH>"), or a length of 0. In a message that
 * is next; in a line of prose it is not. */
static assay_feed_text odd_separator(const uint8_t *bytes, size_t size) {
  enum { VERSION = 9, MOST = 8 };
  const assay_feed_text none = {NULL, 0};
  const uint8_t *found = memmem(bytes, size, "8=FIX.4.", VERSION - 1), *const end = bytes + size;
  if (found == NULL || end - found < VERSION + MOST + 2) return none;
  const uint8_t *length = memmem(found + VERSION, MOST + 2, "9=", 2);
  if (length == NULL || length == found + VERSION || memchr(found + VERSION, '\n', (size_t)(length - found) - VERSION) != NULL) return none;
  const assay_feed_text text = {(const char *)found + VERSION, (size_t)(length - found) - VERSION};
  return text.length == 1 && (text.at[0] == '|' || text.at[0] == 1) ? none : text;
}

/* For sed. */
static void escape(assay_feed_text text, char escaped[20]) {
  size_t length = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (strchr("^\\.*[$/", text.at[i]) != NULL) escaped[length++] = '\\';
    escaped[length++] = text.at[i];
  }
  escaped[length] = '\0';
}

static size_t unwrap_fix_log(void *context, uint8_t *bytes, size_t size, bool last) {
  enum { PART = 4 }; /* of "8=FIX" */
  uint8_t *at = bytes, *const end = bytes + size, *begin;
  (void)context;
  while ((begin = memmem(at, (size_t)(end - at), "8=FIX", 5)) != NULL) {
    const uint8_t separator = separator_of(begin, end, last), check[] = {separator, '1', '0', '='};
    const uint8_t *sum = separator != 0 ? memmem(begin, (size_t)(end - begin), check, sizeof check) : NULL;
    const uint8_t *behind = sum != NULL ? memchr(sum + 1, separator, (size_t)(end - sum - 1)) : NULL;
    memset(at, '\n', (size_t)(begin - at));
    if (behind == NULL && !last) return (size_t)(begin - bytes);
    behind = behind != NULL ? behind + 1 : end;
    for (at = begin; at < behind; at++)
      if (*at == '|' && separator == '|') *at = 1;
  }
  size_t left = (size_t)(end - at), keep = last ? 0 : left < PART ? left : PART;
  memset(at, '\n', left - keep);
  return size - keep;
}

assay_status assay_cli_feed_unwrap(assay_cli_feed_file *feed, assay_error *err) {
  assay_feed_reader first;
  assay_feed_file_begin(feed->file, &first);
  const assay_feed_text odd = odd_separator(first.data, first.size);
  const bool is_file = strcmp(feed->path, "-") != 0 && strcmp(feed->path, "standard input") != 0;
  char escaped[20];
  escape(odd, escaped);
  if (odd.length > 0 && strpbrk(escaped, "\001|'") == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s writes '%.*s' between fields: `sed 's/%s/|/g'%s%s | %s %s -` reads it", feed->path,
                      (int)odd.length, odd.at, escaped, is_file ? " " : "", is_file ? feed->path : "", feed->cli->program,
                      feed->cli->verb->name);
  if (!is_fix_log(first.data, first.size)) return ASSAY_OK;
  return assay_feed_file_set_prepare(feed->file, unwrap_fix_log, NULL, err);
}

bool assay_cli_feed_is_fix(const uint8_t *bytes, size_t size) {
  const assay_feed_format format = assay_feed_recognise(bytes, size);
  if (format != ASSAY_FEED_UNKNOWN && format != ASSAY_FEED_CSV) return format == ASSAY_FEED_FIX;
  return looks_like_fix_log(bytes, size);
}
