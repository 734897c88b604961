/* SPDX-License-Identifier: MIT */
#include "report/term.h"

#include <string.h>

enum { DEFAULT_WIDTH = 100, MIN_WIDTH = 40 };

static const char *const ink_codes[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[33m", "\033[36m"};

assay_term assay_term_make(assay_buf *out, unsigned width, bool color) {
  size_t wanted = width == 0 ? DEFAULT_WIDTH : width;
  return (assay_term){.out = out, .width = wanted < MIN_WIDTH ? MIN_WIDTH : wanted, .bounded = width > 0, .color = color};
}

void assay_term_begin(assay_term *t, assay_ink with) {
  if (t->color && with != ASSAY_INK_PLAIN) assay_buf_puts(t->out, ink_codes[with]);
}

void assay_term_end(assay_term *t, assay_ink with) {
  if (t->color && with != ASSAY_INK_PLAIN) assay_buf_puts(t->out, "\033[0m");
}

void assay_term_put(assay_term *t, assay_ink with, const char *text) {
  assay_term_begin(t, with);
  assay_report_fit(t->out, text, assay_report_columns(text), false);
  assay_term_end(t, with);
}

void assay_term_cell(assay_term *t, assay_ink with, const char *text, size_t columns, bool right) {
  assay_term_begin(t, with);
  assay_report_fit(t->out, text, columns, right);
  assay_term_end(t, with);
}

void assay_term_spaces(assay_term *t, size_t count) {
  for (size_t i = 0; i < count; i++) assay_buf_putc(t->out, ' ');
}

void assay_term_newline(assay_term *t) {
  while (t->out->length > 0 && t->out->data[t->out->length - 1] == ' ') t->out->data[--t->out->length] = '\0';
  assay_buf_putc(t->out, '\n');
}

void assay_term_wrap(assay_term *t, assay_ink with, const char *text, size_t indent, size_t at) {
  size_t start = at;
  for (const char *p = text; *p != '\0';) {
    while (*p == ' ' || *p == '\n') p++;
    size_t bytes = strcspn(p, " \n");
    if (bytes == 0) break;
    while (p[bytes] == ' ' && p[bytes + 1] == '%') bytes += 1 + strcspn(p + bytes + 1, " \n"); /* no line begins with a percent sign */
    assay_buf word = {0};
    assay_buf_append(&word, p, bytes);
    size_t columns = word.failed ? 0 : assay_report_columns(word.data);
    if (at > indent && at + (at > start) + columns > t->width) {
      assay_term_newline(t);
      assay_term_spaces(t, indent);
      start = at = indent;
    } else if (at > start) {
      assay_buf_putc(t->out, ' ');
      at++;
    }
    if (word.failed)
      t->out->failed = true;
    else
      assay_term_put(t, with, word.data);
    assay_buf_deinit(&word);
    at += columns;
    p += bytes;
  }
  assay_term_newline(t);
}

void assay_term_name(assay_term *t, assay_ink with, const char *name, size_t indent, size_t columns) {
  if (assay_report_columns(name) <= columns) {
    assay_term_cell(t, with, name, columns, false);
    return;
  }
  size_t at = indent;
  for (const char *p = name; *p != '\0';) {
    size_t bytes = strcspn(p, "/ ");
    bytes += p[bytes] != '\0';
    assay_buf piece = {0};
    assay_buf_append(&piece, p, bytes);
    if (piece.failed) {
      t->out->failed = true;
      return;
    }
    size_t wide = assay_report_columns(piece.data);
    if (at > indent && at + wide > t->width) {
      assay_term_newline(t);
      assay_term_spaces(t, indent + 2);
      at = indent + 2;
    }
    assay_term_put(t, with, piece.data);
    assay_buf_deinit(&piece);
    at += wide;
    p += bytes;
  }
  assay_term_newline(t);
  assay_term_spaces(t, indent + columns);
}

size_t assay_term_name_columns(const assay_term *t, size_t longest, size_t part) { return t->bounded && longest > part ? part : longest; }

void assay_term_heading(assay_term *t, const char *title, const char *note) {
  assay_buf_putc(t->out, '\n');
  assay_term_put(t, ASSAY_INK_BOLD, title);
  assay_term_spaces(t, ASSAY_TERM_GAP);
  size_t at = assay_report_columns(title) + ASSAY_TERM_GAP;
  assay_term_wrap(t, ASSAY_INK_DIM, note, at, at);
}
