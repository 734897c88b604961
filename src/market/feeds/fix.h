/* SPDX-License-Identifier: MIT */
/* What the files of FIX share. */
#ifndef ASSAY_MARKET_FEEDS_FIX_H
#define ASSAY_MARKET_FEEDS_FIX_H

#include <assay/feed_fix.h>

enum { ASSAY_FIX_TIME_SIZE = 24 };

/* The problem of a message that is whole but of another version: the only one that is not ignored. */
extern const char assay_fix_other_version[];

/* A field as an id: its number, or the hash of its text. 0: it is not there. */
uint64_t assay_fix_id(const assay_fix_message *message, uint32_t tag);
/* A time as 20240102-14:30:00.123; 0: not there, or none. */
uint64_t assay_fix_time(const assay_fix_message *message, uint32_t tag);
/* The reverse, in milliseconds as FIX 4.4 has them. */
void assay_fix_time_text(uint64_t ns, char text[ASSAY_FIX_TIME_SIZE]);

#endif
