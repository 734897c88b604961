/* SPDX-License-Identifier: MIT */
/* Text that a tool wrote for a person, a line and a word at a time, in place. Not thread-safe; the text is changed. */
#ifndef ASSAY_RESULT_IMPORT_LINES_H
#define ASSAY_RESULT_IMPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "result/import.h"

typedef struct assay_text_lines {
  char *at, *end;
  size_t number; /* of the line that the last call gave, from 1 */
  bool whole;    /* it ended with a newline: false for the last line of a file that was cut off (or written so) */
} assay_text_lines;

/*
 * Makes a copy of `text` in `arena` ready: a byte order mark is passed over, colours (ESC [ ... m) become blanks, and what is not text is
 * a mistake with its line and column: invalid UTF-8, NUL, UTF-16 (as PowerShell's `>` writes). False then.
 */
bool assay_text_lines_begin(assay_importer *in, assay_arena *arena, const char *text, size_t length, assay_text_lines *lines);
/* The next line without its end (LF or CRLF), NUL-terminated; NULL behind the last. */
char *assay_text_lines_next(assay_text_lines *lines);

/* The next word of blanks and tabs, NUL-terminated; NULL when there is none. *at moves behind it. */
char *assay_text_word(char **at);
/* The whole word is a decimal number ("1234", "-1.5e+06", with `commas` "1,234.5"). False for NaN, infinities, hexadecimal and junk. */
bool assay_text_number(const char *word, bool commas, double *value);
/* Decimal digits only. */
bool assay_text_is_count(const char *word);
/* "FILE:12: column 5: <what>", where `at` stands in `line`, the last that was given. */
void assay_text_mistake(assay_importer *in, const assay_text_lines *lines, const char *line, const char *at, const char *what);
/* Without the blanks at both ends; in place. */
char *assay_text_trim(char *text);

#endif
