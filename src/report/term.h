/* SPDX-License-Identifier: MIT */
/* Lines of a terminal: aligned by columns (not bytes), no wider than it is, colour only when asked for. */
#ifndef ASSAY_REPORT_TERM_H
#define ASSAY_REPORT_TERM_H

#include "report/changes.h"
#include "report/render.h"

#define ASSAY_GLYPH_TICK "\u2713"
#define ASSAY_GLYPH_CROSS "\u2717"
#define ASSAY_GLYPH_NONE "\u2013"

enum { ASSAY_TERM_GAP = 2 }; /* columns between columns */

typedef enum assay_ink {
  ASSAY_INK_PLAIN,
  ASSAY_INK_BOLD,
  ASSAY_INK_DIM,
  ASSAY_INK_GOOD,
  ASSAY_INK_BAD,
  ASSAY_INK_UNSURE,
  ASSAY_INK_BAR
} assay_ink;

typedef struct assay_term {
  const assay_render *r; /* the run that is reported; NULL when a comparison is */
  assay_buf *out;
  size_t width;
  bool bounded; /* on a terminal; in a pipe no name is cut and no column left out */
  bool color;
} assay_term;

/* `width` as in the contexts: 0 for none. */
assay_term assay_term_make(assay_buf *out, unsigned width, bool color);
void assay_term_begin(assay_term *t, assay_ink with);
void assay_term_end(assay_term *t, assay_ink with);
void assay_term_put(assay_term *t, assay_ink with, const char *text);
/* A cell that fills its column; what is too long loses its middle, so names go through assay_term_name. */
void assay_term_cell(assay_term *t, assay_ink with, const char *text, size_t columns, bool right);
void assay_term_spaces(assay_term *t, size_t count);
/* Without the spaces that padded the last cell: they would wrap on a narrower terminal and show up in diffs. */
void assay_term_newline(assay_term *t);
/* Words of `text` in lines that begin at `indent`; the first line stands at `at` already. A word longer than a line stays whole. */
void assay_term_wrap(assay_term *t, assay_ink with, const char *text, size_t indent, size_t at);
/*
 * A name in a column that begins at `indent`. One that is too long is never cut, since its end tells it from the others: it takes lines of
 * its own, broken behind slashes and spaces, and what follows stands on the next.
 */
void assay_term_name(assay_term *t, assay_ink with, const char *name, size_t indent, size_t columns);
/* How wide a column of names becomes: all of them in a pipe, at most a part of the line on a terminal. */
size_t assay_term_name_columns(const assay_term *t, size_t longest, size_t part);
void assay_term_heading(assay_term *t, const char *title, const char *note);

/* The tables of a comparison; with `all` also what did not change (changes_terminal.c). */
void assay_term_changes(assay_term *t, const assay_changes_view *view, bool all);

#endif
