/* SPDX-License-Identifier: MIT */
/* Tables of text, cell by cell: what the readers of ticks, of bars and of orders share. */
#ifndef ASSAY_MARKET_FEEDS_CELLS_H
#define ASSAY_MARKET_FEEDS_CELLS_H

#include <assay/feeds.h>

/* Whether the text is `name` in any case; names are in small letters. */
bool assay_cells_are_word(const char *text, size_t length, const char *name);
/* The cell that begins at *at: its text without quotes and blanks at the ends. *at ends on the separator or the line's end. False: a quote
 * that is not closed (*at is the end) or text behind one (*at is there). */
bool assay_cells_read(const char *line, size_t length, char separator, size_t *at, assay_feed_text *cell);
/* Length of the line at reader->at without its end, and with it; a line end in quotes does not count. False: it is not all here. */
bool assay_cells_line(const assay_feed_reader *in, size_t *length, size_t *whole);
/* A comma, else a semicolon, else a tab: what the line has. */
char assay_cells_separator(const char *line, size_t length);

#endif
