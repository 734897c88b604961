/* SPDX-License-Identifier: MIT */
/* What the readers of all formats share. */
#ifndef ASSAY_MARKET_FEEDS_FEED_H
#define ASSAY_MARKET_FEEDS_FEED_H

#include <assay/feeds.h>

/* Notes a fault of the message at reader->at: `field_at` and `next_at` are places in the window (next_at 0: not known). */
assay_feed_step assay_feed_fail(assay_feed_reader *reader, size_t field_at, size_t next_at, const char *field, const char *problem,
                                const char *mend);
/* The window ends inside a message: more to come, or a fault when it is the last. */
assay_feed_step assay_feed_short(assay_feed_reader *reader, const char *field);

/* A table without a line of names that is known by what its first line has: the roles of its columns, and how many there are; 0: none. */
enum { ASSAY_CSV_BARE_COLUMNS = 12 };
size_t assay_csv_bare_roles(const char *line, size_t length, uint8_t roles[ASSAY_CSV_BARE_COLUMNS]);

#endif
