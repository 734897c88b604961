/* SPDX-License-Identifier: MIT */
#include "result/import_lines.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static bool refuse(assay_importer *in, const char *start, const char *place, const char *what) {
  size_t line = 1, column = 1;
  for (const char *c = start; c < place; c++) {
    column = *c == '\n' ? 1 : column + 1;
    line += *c == '\n';
  }
  assay_import_mistake_line(in, line, "column %zu: %s", column, what);
  return false;
}

void assay_text_mistake(assay_importer *in, const assay_text_lines *lines, const char *line, const char *at, const char *what) {
  assay_import_mistake_line(in, lines->number, "column %zu: %s", (size_t)(at - line) + 1, what);
}

/* ESC [ digits and semicolons, then a letter: blanks, so that columns stay what an editor shows. Gives what is behind it. */
static char *blank_escape(char *c) {
  char *last = c + 1;
  if (*last == '[') last += 1 + strspn(last + 1, "0123456789;");
  if (c[1] != '[' || *last == '\0' || *last == '\n') last = c;
  memset(c, ' ', (size_t)(last - c) + 1);
  return last + 1;
}

bool assay_text_lines_begin(assay_importer *in, assay_arena *arena, const char *text, size_t length, assay_text_lines *lines) {
  static const char *const bom = "\xef\xbb\xbf";
  if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
    return refuse(in, text, text, "this is UTF-16 (PowerShell's \">\" writes it): save it as UTF-8");
  char *start = assay_arena_alloc(arena, length + 1, 1), *end = start + length;
  if (start == NULL) return false;
  memcpy(start, text, length);
  size_t skip = length >= 3 && memcmp(text, bom, 3) == 0 ? 3 : 0;
  for (char *c = start + skip; c < end;) {
    if (*c == '\0') return refuse(in, start, c, "a NUL byte: not text");
    if (*c == '\x1b') {
      c = blank_escape(c);
      continue;
    }
    size_t bytes = (unsigned char)*c < 0x80 ? 1 : assay_utf8_length(c);
    if (bytes == 0) return refuse(in, start, c, "bytes that are not UTF-8");
    c += bytes;
  }
  *lines = (assay_text_lines){.at = start + skip, .end = end};
  return true;
}

char *assay_text_lines_next(assay_text_lines *lines) {
  if (lines->at >= lines->end) return NULL;
  char *line = lines->at, *end = memchr(line, '\n', (size_t)(lines->end - line));
  lines->whole = end != NULL;
  if (end == NULL) end = lines->end;
  lines->at = end + 1;
  lines->number++;
  *end = '\0';
  if (end > line && end[-1] == '\r') end[-1] = '\0';
  return line;
}

char *assay_text_word(char **at) {
  char *word = *at + strspn(*at, " \t");
  if (*word == '\0') return NULL;
  char *end = word + strcspn(word, " \t");
  *at = *end == '\0' ? end : end + 1;
  *end = '\0';
  return word;
}

bool assay_text_number(const char *word, bool commas, double *value) {
  char digits[64];
  size_t used = 0, seen = 0;
  for (const char *c = word; *c != '\0'; c++) {
    if (commas && *c == ',') continue;
    if (strchr("0123456789+-.eE", *c) == NULL || used + 1 == sizeof digits) return false;
    seen += *c >= '0' && *c <= '9';
    digits[used++] = *c;
  }
  digits[used] = '\0';
  double parsed = NAN;
  if (seen == 0 || !assay_parse_f64(digits, &parsed) || !isfinite(parsed)) return false;
  *value = parsed;
  return true;
}

bool assay_text_is_count(const char *word) { return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0'; }

char *assay_text_trim(char *text) {
  text += strspn(text, " \t");
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
  text[length] = '\0';
  return text;
}
