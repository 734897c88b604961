/* SPDX-License-Identifier: MIT */
/*
 * Dates and times as people and programs write them; in no locale. Pure.
 *
 * A date is 2026-12-24, 2026/12/24, 2026.12.24, 24.12.2026, 20261224 or Dec 24 2026; 2026-1-5, 2026/1/5 and 5.1.2026 too. Behind it, after
 * T, a blank or two or D (kdb): 18:30, 9:30, 18:30:05, up to nine digits of a second's fraction after a point or comma; then Z, UTC or GMT
 * after a blank, or an offset (+05:30, -0500, +01), also behind those. 20261224183005 is both without a sign; so are 20261224 183005 and
 * 20261224T183005, behind which a fraction may stand (three, six or nine digits at once, any up to nine after a point or blank) and a zone.
 */
#ifndef ASSAY_BASE_MOMENT_H
#define ASSAY_BASE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct assay_moment {
  int year;
  unsigned month, day; /* from 1 on */
  int64_t days;        /* since 1970 */
  int64_t clock_ns;    /* since its midnight; 0 without a time. A leap second is the next minute's first */
  int64_t east_ns;     /* of the offset; 0 without one */
  bool has_zone;       /* Z, UTC or an offset is there */
} assay_moment;

/* All of the text, or false and *moment stays. */
bool assay_moment_read(const char *text, size_t length, assay_moment *moment);
/* Days since 1970 of a date; false: the calendar has none such (30 February). */
bool assay_moment_day(unsigned year, unsigned month, unsigned day, int64_t *days);
/* The time of a day alone, in universal time: less than 0 or more than a day where an offset says so. */
bool assay_moment_read_clock(const char *text, size_t length, int64_t *clock_ns);
/* Since 1970, in universal time where it names no zone. False: before 1677 or after 2262. */
bool assay_moment_ns(const assay_moment *moment, int64_t *ns);
/*
 * ns of a whole number of seconds, milliseconds, microseconds or nanoseconds since 1970, by its size (below 10^11, 10^14, 10^17, above): in
 * each unit those are times from 1973 to 5138.
 */
uint64_t assay_moment_unit(uint64_t count);

#endif
