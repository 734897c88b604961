/* SPDX-License-Identifier: MIT */
/* UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character that starts at `text` (NUL-terminated), or 0 where none does. */
size_t assay_utf8_length(const char *text);
/*
 * The same for a character that may go to a terminal as it is. 0 also for control characters, which could move the cursor or colour what
 * follows, and for the controls of bidirectional text and of lines (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to
 * U+2069), which could reorder it.
 */
size_t assay_utf8_shown(const char *text);
/* Writes the character and returns its bytes (1-4), or 0 for a code point that UTF-8 cannot hold. `out` has room for 4. */
size_t assay_utf8_encode(uint32_t code_point, char *out);

#endif
