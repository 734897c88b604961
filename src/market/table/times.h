/* SPDX-License-Identifier: MIT */
/*
 * When rows of market tables are, as people and programs write it, beyond what base/moment.h knows: counts since 1970 in any unit, dates
 * that say neither which number is the day nor which the month, times of a day that lost a zero or never had a colon. Where a cell may mean
 * two things its column is asked (the evidence below); the readers of feeds ask a few hundred rows, those of tables all. Pure.
 */
#ifndef ASSAY_MARKET_TABLE_TIMES_H
#define ASSAY_MARKET_TABLE_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Since 1970 ---------------------------------------------------------------------------------------------------------------------- */

/* A count since 1970 in units of `scale` ns; 0: by its size (assay_moment_unit). It may have a fraction, of which what is finer than a
 * nanosecond is cut off, or an exponent ("1.704e+09", as programs write what they keep in doubles). */
bool assay_table_count(const char *text, size_t length, uint64_t scale, uint64_t *ns);
/* What counts from 1970 on reaches 1973 at least, as nothing that is a date or a time of a day does. */
#define ASSAY_TABLE_SINCE_1973 UINT64_C(100000000000000000)
/* "202412241830" and "20241224183000", from the year `since` to 2099: as counts they would be of a few days of 1976. */
bool assay_table_compact(const char *text, size_t length, int since, int64_t *ns);
/* What says it all, as ns since 1970: such a count from 1973 on, or a date that base/moment.h knows (eight digits are a day, since as
 * seconds they would be of 1970). */
bool assay_table_moment(const char *cell, int64_t *ns);
/* A spreadsheet's days since the end of 1899, from 1927 to 2173, to the millisecond. */
bool assay_table_serial(const char *cell, int64_t *seconds, int64_t *nanos);

/* ---- Dates --------------------------------------------------------------------------------------------------------------------------- */

/* A date, with or without a time, of the forms that assay_moment_read leaves out: 02/01/2024, 2.1.2024 17:30, 2-Jan-24, Jan 2, 2024 3 PM.
 * Seconds since 1970, and nanoseconds of that second. Which of two numbers is the day, `day_first` says; with points it is the first. */
bool assay_table_date(const char *cell, bool day_first, int64_t *seconds, int64_t *nanos);

/* Steps in time from row to row: far, or within the hour or two that clocks are put back once a year. */
typedef struct assay_table_steps {
  size_t far[2], near[2]; /* forth, back */
} assay_table_steps;
/* Whether a step is far. */
bool assay_table_step(assay_table_steps *steps, int64_t from, int64_t to, bool back);
/* 1: the rows go forth, -1: back, 0: to and fro. */
int assay_table_direction(const assay_table_steps *steps);

/* Which number is the day, as the dates of a column say. */
typedef enum assay_day_place { ASSAY_DAY_OPEN, ASSAY_DAY_FIRST, ASSAY_MONTH_FIRST, ASSAY_DAY_EITHER } assay_day_place;
typedef struct assay_date_evidence {
  size_t day_first, month_first; /* dates that are one in one way only */
  bool seen;                     /* one that is a date in both ways */
  int64_t last[2];               /* the last of those, with the month first and with the day first */
  assay_table_steps steps[2];
} assay_date_evidence;
void assay_table_look_at_date(const char *cell, assay_date_evidence *evidence);
/* A 13th month says it, or an order in time that only one way has. OPEN: nothing does. EITHER: some say this and some say that. */
assay_day_place assay_table_day_place(const assay_date_evidence *evidence);

/* ---- Times of a day ------------------------------------------------------------------------------------------------------------------ */

/* What at most four digits without a colon are. */
typedef enum assay_clock_style {
  ASSAY_CLOCK_OPEN,    /* may be either; 0 is midnight, and 0931 can only be half past nine */
  ASSAY_CLOCK_MINUTES, /* 931 is 09:31 */
  ASSAY_CLOCK_SECONDS  /* 931 is 00:09:31, which lost its zeros in a spreadsheet */
} assay_clock_style;
/* 9:30, 09:30:05.25, 9:30 AM, 3-PM, with a zone behind all but those; 093005, behind which three, six or nine digits of a fraction may
 * stand; 93005 (a spreadsheet's). Less than 0 or more than a day where an offset says so. */
bool assay_table_clock(const char *text, size_t length, assay_clock_style style, int64_t *ns);
/* Whether it is 0931 and such. */
bool assay_table_is_minutes(const char *text, size_t length);

typedef struct assay_clock_evidence {
  size_t minutes, seconds, open; /* such as 0931; such as 93000, or 3000, which is no time of 24 hours; such as 931 and 1000 */
} assay_clock_evidence;
void assay_table_look_at_clock(const char *text, size_t length, assay_clock_evidence *evidence);
/* `several_days`: the rows are of more than one. Nobody trades in the first 24 minutes of each day alone. */
assay_clock_style assay_table_clock_style(const assay_clock_evidence *evidence, bool several_days);

#endif
