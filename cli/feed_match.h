/* SPDX-License-Identifier: MIT */
/* The inside of assay feed match: orders come in, an engine matches them, events go out. */
#ifndef ASSAY_CLI_FEED_MATCH_H
#define ASSAY_CLI_FEED_MATCH_H

#include <assay/feed_orders.h>

#include <openssl/evp.h>
#include <stdio.h>

#include "cli/feed.h"
#include "os/prim.h"

typedef struct assay_match_settings {
  const char *events, *records, *journal, *expect;
  uint64_t accounts, books, most_orders, price_decimals, quantity_decimals;
  bool raw, json;
} assay_match_settings;

enum { ASSAY_MATCH_AT_ONCE = 256, ASSAY_MATCH_HASH_TEXT = 65 };

/* Where events go in one form: into a hash, and a file where one was asked for. */
typedef struct assay_match_output {
  const char *path;
  FILE *file;
  assay_os_draft draft; /* a file stands in its place when all is done */
  bool has_draft;       /* else it is written through */
  EVP_MD_CTX *hash;
  char text[ASSAY_MATCH_HASH_TEXT]; /* "" without libcrypto */
} assay_match_output;

/* What has traded of an order that is open: FIX names all of its quantity, the engine what is open. */
typedef struct assay_match_filled_order {
  uint64_t id, quantity; /* quantity 0: a free place */
} assay_match_filled_order;
typedef struct assay_match_filled {
  assay_match_filled_order *orders; /* by hash; NULL: nobody asks */
  size_t count, room;
  uint64_t seed; /* of that hash: the file chooses the ids, and nobody's choice may make them collide */
} assay_match_filled;

typedef struct assay_match_job {
  const assay_match_settings *settings;
  assay_cli *cli;
  assay_error *err;
  assay_status status;
  assay_book *book;
  assay_book_journal *journal;
  assay_match_output rows, records;
  uint64_t events[ASSAY_BOOK_EVENTS], traded;
  assay_book_message waiting[ASSAY_MATCH_AT_ONCE];
  size_t waiting_count;
  assay_cli_feed_file symbols; /* the file, and its names */
  assay_match_filled filled;   /* of FIX */
  uint64_t passed;             /* messages of FIX that are no orders */
  uint64_t torn;               /* bytes at the end that are no whole message */
  assay_cli_feed_faults faults;
} assay_match_job;

/* ---- Orders in (feed_match_orders.c) ------------------------------------------------------------------------------------------------ */

/* All of the open file into the engine, whichever form its orders have. */
assay_status assay_match_file(assay_match_job *j, const char *path);

/* ---- What has traded (feed_match_filled.c) ------------------------------------------------------------------------------------------ */

/* Before anything else; false without memory, as below. */
bool assay_match_filled_begin(assay_match_filled *filled);
bool assay_match_filled_follow(assay_match_filled *filled, const assay_book_event *event);
uint64_t assay_match_filled_of(const assay_match_filled *filled, uint64_t id);
void assay_match_filled_end(assay_match_filled *filled);

/* ---- Events out (feed_match_output.c) ----------------------------------------------------------------------------------------------- */

/* Once, before outputs are opened with a hash. */
assay_status assay_match_load_hash(assay_error *err);
/* `path` NULL: for the hash alone. */
assay_status assay_match_open(assay_match_job *j, assay_match_output *out, const char *path, bool has_hash);
/* A failure is the job's, unless it has one already. */
void assay_match_write(assay_match_job *j, assay_match_output *out, const void *bytes, size_t size);
/* The hash is known then, and the file stands in its place unless the job has failed. */
void assay_match_finish(assay_match_job *j, assay_match_output *out);

#endif
