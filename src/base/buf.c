/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/utf8.h"

static bool reserve(assay_buf *buf, size_t more) {
  if (buf->failed) return false;
  if (more > SIZE_MAX / 2 - buf->length) return !(buf->failed = true);
  size_t wanted = buf->length + more + 1;
  if (wanted <= buf->capacity) return true;
  size_t capacity = buf->capacity == 0 ? 256 : buf->capacity;
  while (capacity < wanted) capacity *= 2;
  char *data = assay_realloc(ASSAY_TAG_BASE, buf->data, capacity, 1);
  if (data == NULL) return !(buf->failed = true);
  buf->data = data;
  buf->capacity = capacity;
  return true;
}

void assay_buf_append(assay_buf *buf, const char *bytes, size_t count) {
  if (!reserve(buf, count)) return;
  if (count > 0) memcpy(buf->data + buf->length, bytes, count);
  buf->length += count;
  buf->data[buf->length] = '\0';
}

void assay_buf_puts(assay_buf *buf, const char *text) { assay_buf_append(buf, text, strlen(text)); }

void assay_buf_putc(assay_buf *buf, char c) { assay_buf_append(buf, &c, 1); }

void assay_buf_printf(assay_buf *buf, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = assay_vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (length < 0) buf->failed = true;
  if (length >= 0 && reserve(buf, (size_t)length)) {
    assay_vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    buf->length += (size_t)length;
  }
  va_end(again);
}

void assay_buf_double(assay_buf *buf, double value) {
  char text[ASSAY_NUMBER_TEXT];
  assay_buf_append(buf, text, assay_write_double(value, text));
}

/* XML 1.0 has no control characters but tab and line ends, and neither U+FFFE nor U+FFFF. */
static bool xml_forbids(const char *p, size_t length) {
  if (length == 0) return true;
  if (length == 1) return (unsigned char)*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r';
  return length == 3 && (memcmp(p, "\xEF\xBF\xBE", 3) == 0 || memcmp(p, "\xEF\xBF\xBF", 3) == 0);
}

void assay_buf_plain(assay_buf *buf, const char *text) {
  for (const char *p = text; *p != '\0';) {
    size_t shown = assay_utf8_shown(p), length = assay_utf8_length(p);
    if (shown > 0)
      assay_buf_append(buf, p, shown);
    else
      assay_buf_puts(buf, "\uFFFD");
    p += length > 0 ? length : 1;
  }
}

void assay_buf_xml(assay_buf *buf, const char *text) {
  for (const char *p = text; *p != '\0';) {
    size_t length = assay_utf8_length(p);
    switch (*p) {
      case '&': assay_buf_puts(buf, "&amp;"); break;
      case '<': assay_buf_puts(buf, "&lt;"); break;
      case '>': assay_buf_puts(buf, "&gt;"); break;
      case '"': assay_buf_puts(buf, "&quot;"); break;
      case '\'': assay_buf_puts(buf, "&#39;"); break;
      default:
        if (xml_forbids(p, length))
          assay_buf_puts(buf, "\xEF\xBF\xBD");
        else
          assay_buf_append(buf, p, length);
    }
    p += length > 0 ? length : 1;
  }
}

void assay_buf_clear(assay_buf *buf) {
  buf->length = 0;
  if (buf->data != NULL) buf->data[0] = '\0';
}

char *assay_buf_take(assay_buf *buf) {
  char *data = buf->failed ? NULL : buf->data;
  if (buf->failed) assay_free(buf->data);
  *buf = (assay_buf){.failed = buf->failed};
  return data;
}

void assay_buf_deinit(assay_buf *buf) {
  assay_free(buf->data);
  *buf = (assay_buf){0};
}
