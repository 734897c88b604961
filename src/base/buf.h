/* SPDX-License-Identifier: MIT */
/*
 * A growing text buffer, always NUL-terminated once it holds anything. Out of memory is sticky (`failed`), so writers append freely and
 * check once. Zero-initialise to start. Not thread-safe.
 */
#ifndef ASSAY_BASE_BUF_H
#define ASSAY_BASE_BUF_H

#include <assay/status.h>

#include <stdbool.h>

typedef struct assay_buf {
  char *data; /* NULL while empty */
  size_t length, capacity;
  bool failed;
} assay_buf;

void assay_buf_append(assay_buf *buf, const char *bytes, size_t count);
void assay_buf_puts(assay_buf *buf, const char *text);
void assay_buf_putc(assay_buf *buf, char c);
void assay_buf_printf(assay_buf *buf, const char *format, ...) ASSAY_PRINTF(2, 3);
/* Shortest decimal text that reads back as the same double; the same on every platform. `nan`/`inf` as printf gives them. */
void assay_buf_double(assay_buf *buf, double value);
/* Text for HTML and XML: & < > " ' escaped; control characters that XML forbids and bytes that are not UTF-8 replaced by U+FFFD. */
void assay_buf_xml(assay_buf *buf, const char *text);
/* Text from outside for a terminal: what assay_utf8_shown refuses becomes U+FFFD. */
void assay_buf_plain(assay_buf *buf, const char *text);
void assay_buf_clear(assay_buf *buf);
/* Hands the text over (free with assay_free); NULL when failed or empty. The buffer is empty afterwards. */
char *assay_buf_take(assay_buf *buf);
void assay_buf_deinit(assay_buf *buf);

#endif
