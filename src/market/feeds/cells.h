/* SPDX-License-Identifier: MIT */
/* Tables of text, cell by cell: what the readers of ticks, of bars and of orders share. */
#ifndef ASSAY_MARKET_FEEDS_CELLS_H
#define ASSAY_MARKET_FEEDS_CELLS_H

#include <string.h>

#include <assay/feeds.h>

#include "market/table/names.h"

/* The cell that begins at *at: its text without quotes and blanks at the ends. *at ends on the separator or the line's end. False: a quote
 * that is not closed (*at is the end) or text behind one (*at is there). */
bool assay_cells_read(const char *line, size_t length, char separator, size_t *at, assay_feed_text *cell);
/* A comma, a semicolon, a tab or a bar: what the line has most of outside quotes, else a comma. */
char assay_cells_separator(const char *line, size_t length);

/* ---- Lines --------------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_cells_line {
  const char *text;
  size_t length, whole; /* without its end, and with it; a line end in quotes is none */
} assay_cells_line;

/* Length and whole of the line at in->at. False: it is not all here. */
bool assay_cells_line_end(const assay_feed_reader *in, size_t *length, size_t *whole);

/* ASSAY_FEED_MESSAGE: the next line that is not empty, at in->at, behind the mark of UTF-8 that a file may begin with. Else what there is
 * instead: it is not all here, the end, or the fault that reading stopped at. */
static inline assay_feed_step assay_cells_next_line(assay_feed_reader *in, assay_cells_line *line) {
  if (in->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  if (in->at == 0 && in->base == 0) {
    if (in->size < 3 && !in->last) return ASSAY_FEED_MORE;
    if (in->size >= 3 && memcmp(in->data, "\xef\xbb\xbf", 3) == 0) in->at = 3;
  }
  while (true) {
    if (in->at == in->size) return in->last ? ASSAY_FEED_END : ASSAY_FEED_MORE;
    if (!assay_cells_line_end(in, &line->length, &line->whole)) return ASSAY_FEED_MORE;
    if (line->length > 0) break;
    in->at += line->whole;
  }
  line->text = (const char *)in->data + in->at;
  return ASSAY_FEED_MESSAGE;
}

#endif
