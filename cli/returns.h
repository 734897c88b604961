/* SPDX-License-Identifier: MIT */
/* Returns of several assets out of a table: what `assay risk` and `assay portfolio` begin with. */
#ifndef ASSAY_CLI_RETURNS_H
#define ASSAY_CLI_RETURNS_H

#include <assay/risk.h>

#include "cli/table.h"

typedef struct assay_returns_settings {
  assay_cli_words columns;
  const char *by, *value, *date, *of;
} assay_returns_settings;

/* Rows for a table of options; the settings have a field `from` of that type. */
#define ASSAY_RETURNS_OPTIONS(settings)                                                                                               \
  {"column",                                                                                                                          \
   'c',                                                                                                                               \
   ASSAY_CLI_REPEAT,                                                                                                                  \
   "NAME|N",                                                                                                                          \
   .at = offsetof(settings, from.columns),                                                                                            \
   .help = "A column of the table, an asset each; without it every column of numbers."},                                              \
      {"of",                                                                                                                          \
       0,                                                                                                                             \
       ASSAY_CLI_TEXT,                                                                                                                \
       "WHAT",                                                                                                                        \
       "prices",                                                                                                                      \
       .choices = assay_returns_kinds,                                                                                                \
       .at = offsetof(settings, from.of),                                                                                             \
       .help = "What the numbers are: prices become simple returns from row to row; returns are taken as they are."},                 \
      {"by",                                                                                                                          \
       0,                                                                                                                             \
       ASSAY_CLI_TEXT,                                                                                                                \
       "COLUMN",                                                                                                                      \
       .at = offsetof(settings, from.by),                                                                                             \
       .help = "The table has a row for each asset and date: this column names the asset."},                                          \
      {"value",                                                                                                                       \
       0,                                                                                                                             \
       ASSAY_CLI_TEXT,                                                                                                                \
       "COLUMN",                                                                                                                      \
       .at = offsetof(settings, from.value),                                                                                          \
       .help = "With --by: the column of the numbers; when not given the only one, or of bars the close."},                           \
  {                                                                                                                                   \
    "date", 0, ASSAY_CLI_TEXT, "COLUMN", .at = offsetof(settings, from.date),                                                         \
                                         .help = "With --by: the column that says which rows belong together; 'date' when not given." \
  }

extern const char *const assay_returns_kinds[];

typedef struct assay_returns {
  const char *source;
  size_t assets, rows;   /* of the values */
  const char **names;    /* of the assets */
  const double *values;  /* rows x assets: as the table has them */
  size_t periods;        /* of the returns: rows - 1 for prices */
  const double *returns; /* periods x assets */
  size_t left_out;       /* rows in which not every asset has a number */
  size_t *lines;         /* of each row of values, where a row is one line; NULL with --by */
} assay_returns;

/* Rows in which an asset has no number are left out, for all assets, and counted. */
assay_status assay_returns_read(assay_cli *cli, const char *path, const assay_returns_settings *settings, assay_error *err,
                                assay_returns *returns);
/* The same where each asset is looked at by itself: nothing is left out, numbers that are not there are NaN, and there are no returns yet.
 */
assay_status assay_returns_read_apart(assay_cli *cli, const char *path, const assay_returns_settings *settings, assay_error *err,
                                      assay_returns *returns);
/* What one asset has: its numbers, and the returns that follow from them (or that they are). */
assay_status assay_returns_apart(assay_cli *cli, const assay_returns *returns, const assay_returns_settings *settings, size_t asset,
                                 assay_error *err, assay_returns *alone);
/* Place of an asset by its name, in any case. */
assay_status assay_returns_find(const assay_returns *returns, const char *name, assay_error *err, size_t *asset);
/* The returns of one asset as an array of their own. */
double *assay_returns_of(assay_cli *cli, const assay_returns *returns, size_t asset);
/* "MSFT=0.5": one number an asset; those that are not named stay as they are. `seen` (NULL: not wanted) says which were named. */
assay_status assay_returns_pairs(assay_cli *cli, const assay_returns *returns, const assay_cli_words *words, const char *option,
                                 assay_error *err, double *values, bool *seen);
/* The covariance that a user names. */
extern const char *const assay_returns_estimators[];
assay_risk_covariance_options assay_returns_estimator(const char *name, double decay, bool zero_mean);
/* On standard error, when rows were left out. */
void assay_returns_say_left_out(const assay_cli *cli, const assay_returns *returns);

#endif
