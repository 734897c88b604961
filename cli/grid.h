/* SPDX-License-Identifier: MIT */
/* An answer of rows and columns, as aligned text, CSV or JSON. */
#ifndef ASSAY_CLI_GRID_H
#define ASSAY_CLI_GRID_H

#include <stdio.h>

#include "cli/cli.h"

typedef struct assay_cli_grid_cell {
  const char *text; /* NULL: the number */
  double number;    /* NaN: nothing */
  bool whole;       /* `count` instead, to the last digit */
  uint64_t count;
} assay_cli_grid_cell;

enum { ASSAY_CLI_GRID_FACTS = 16 };

/* Zero it, set names and columns, then add cells row by row. */
typedef struct assay_cli_grid {
  assay_cli *cli;
  const char *const *names;
  size_t columns;
  /* Columns from `given_from` on have a user's names, which may be any: in JSON they are in an object of this key. NULL: all are ours */
  const char *given;
  size_t given_from;
  assay_cli_grid_cell *cells;
  size_t count, capacity; /* of cells */
  bool failed;            /* out of memory */
  struct {
    const char *name;
    assay_cli_grid_cell value;
  } facts[ASSAY_CLI_GRID_FACTS]; /* keys of the JSON document, and lines below the text */
  size_t fact_count;
  uint64_t rows;       /* whole ones that were put in */
  bool on_disk;        /* as rows of CSV, so that an answer of any length takes little memory */
  FILE *spool;         /* those; NULL: there was little */
  assay_buf unspooled; /* behind them */
} assay_cli_grid;

extern const char *const assay_cli_grid_formats[];

/* Rows for a table of options; the settings have `format` (const char *) and `json` (bool). */
#define ASSAY_CLI_GRID_OPTIONS(settings)                                                            \
  {"format",                                                                                        \
   0,                                                                                               \
   ASSAY_CLI_TEXT,                                                                                  \
   "FORMAT",                                                                                        \
   "text",                                                                                          \
   .choices = assay_cli_grid_formats,                                                               \
   .at = offsetof(settings, format),                                                                \
   .help = "How the answer is written."},                                                           \
  {                                                                                                 \
    "json", 0, ASSAY_CLI_FLAG, .help = "The same as --format json.", .at = offsetof(settings, json) \
  }

/* All rows are forgotten. */
void assay_cli_grid_clear(assay_cli_grid *grid);
/* Of a grid that is on disk. */
void assay_cli_grid_close(assay_cli_grid *grid);

void assay_cli_grid_text(assay_cli_grid *grid, const char *text); /* borrowed until it is shown; on disk, until the row is whole */
void assay_cli_grid_kept(assay_cli_grid *grid, const char *text); /* of text that may move or change: a copy, where it has to wait */
void assay_cli_grid_number(assay_cli_grid *grid, double number);
void assay_cli_grid_whole(assay_cli_grid *grid, uint64_t count); /* to the last digit */
void assay_cli_grid_fact(assay_cli_grid *grid, const char *name, const char *text, double number);
void assay_cli_grid_count(assay_cli_grid *grid, const char *name, uint64_t count); /* a fact too */
/* `rows` is the key of the rows in JSON. Returns the exit code. */
int assay_cli_grid_show(assay_cli_grid *grid, const char *format, bool json, const char *schema, const char *rows);

#endif
