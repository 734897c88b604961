/* SPDX-License-Identifier: MIT */
/* What the verbs about feeds share: a file of any format as events. */
#ifndef ASSAY_CLI_FEED_H
#define ASSAY_CLI_FEED_H

#include <assay/feed_book.h>
#include <assay/feed_csv.h>
#include <assay/feed_dbn.h>
#include <assay/feed_file.h>
#include <assay/feed_fix.h>
#include <assay/feed_itch.h>

#include "cli/cli.h"

/* The rows of a table of options; the settings have fields `format` (text), `price_decimals` and `quantity_decimals` (uint64_t). */
typedef struct assay_cli_feed_settings {
  const char *format;
  uint64_t price_decimals, quantity_decimals;
} assay_cli_feed_settings;
extern const char *const assay_cli_feed_formats[];
#define ASSAY_CLI_FEED_OPTIONS(settings)                                                                                          \
  {"format",                                                                                                                      \
   'f',                                                                                                                           \
   ASSAY_CLI_TEXT,                                                                                                                \
   "FORMAT",                                                                                                                      \
   .choices = assay_cli_feed_formats,                                                                                             \
   .at = offsetof(settings, from.format),                                                                                         \
   .help = "Recognised when not given."},                                                                                         \
      {"price-decimals",                                                                                                          \
       0,                                                                                                                         \
       ASSAY_CLI_UNSIGNED,                                                                                                        \
       "N",                                                                                                                       \
       "8",                                                                                                                       \
       .low = 0,                                                                                                                  \
       .high = 15,                                                                                                                \
       .at = offsetof(settings, from.price_decimals),                                                                             \
       .help = "Of prices in text (json, csv, fix): what has more is malformed."},                                                \
  {                                                                                                                               \
    "quantity-decimals", 0, ASSAY_CLI_UNSIGNED, "N", "8", .low = 0, .high = 15, .at = offsetof(settings, from.quantity_decimals), \
                                                          .help = "Of quantities in text."                                        \
  }

enum { ASSAY_CLI_FEED_SYMBOLS = 1 << 20, ASSAY_CLI_FEED_LEVELS = 20000, ASSAY_CLI_FEED_NAME = 80 };

typedef struct assay_cli_feed_file {
  assay_cli *cli;
  const char *path;
  assay_feed_format format;
  assay_feed_file *file;
  assay_error broken; /* why it could not be read on; ASSAY_OK: it was read to its end */
  unsigned price_decimals, quantity_decimals;
  assay_binance_level *levels;
  char (*names)[ASSAY_CLI_FEED_NAME];        /* of symbols by number, up to `named`; "" where it is not known */
  uint32_t named, name_room;                 /* symbols are numbered from 1 on as they come, but in ITCH (its locates) */
  uint32_t *places, place_mask, places_used; /* numbers, where their names' hashes say */
  uint64_t seed;
  assay_dbn_map *map, *ids;              /* of DBN: symbols, and instruments whose names are known */
  char (*id_names)[ASSAY_CLI_FEED_NAME]; /* by their number in `ids` */
  uint32_t id_room;
  uint64_t days, time_ns; /* of ITCH: days so far, and the time of its day */
  uint64_t far_ns;        /* the last message's, far ahead of that; 0: it was not */
  bool no_quantities;     /* of CSV: prices alone, so a trade of 0 is one */
  uint8_t *trade_kinds;   /* of JSON: by symbol, which kind of message tells of trades */
  uint32_t trade_room;
  uint64_t unknown;            /* records of DBN of types that are not known */
  uint64_t said_again[2];      /* trades and aggTrades that the other kind has told of */
  uint64_t begun_ns, drawn_ns; /* progress on a terminal */
  bool drawn;
} assay_cli_feed_file;

/* Of an event: when it was nobody knows. */
#define ASSAY_CLI_FEED_NO_TIME UINT64_MAX

/* Opens and recognises; it is read (and unpacked) window by window. Close it, whatever it answers. */
assay_status assay_cli_feed_open(assay_cli *cli, const char *path, const assay_cli_feed_settings *settings, assay_error *err,
                                 assay_cli_feed_file *feed);
/* Of these, what a verb that opens a file itself needs (feed_fix_log.c): whether it begins like FIX or a log of it, and then (with `cli`,
 * `path` and `file`) makes messages of the log's lines. */
bool assay_cli_feed_is_fix(const uint8_t *bytes, size_t size);
assay_status assay_cli_feed_unwrap(assay_cli_feed_file *feed, assay_error *err);
void assay_cli_feed_close(assay_cli_feed_file *feed);

/*
 * One message: its kind for people, and its events (`count` of them). `row` is what the reader found, for who knows the format. False ends
 * the walk. A malformed message comes with kind NULL and `reader->fault`; then it goes on behind it where that is known. Nothing of a
 * message is there any more when the next one comes.
 *
 * Several days of ITCH in one file: before the next one, `day_is_over` comes with kind NULL and no fault, while symbols have their names
 * still; times are of the first midnight.
 */
typedef struct assay_cli_feed_message {
  const assay_feed_reader *reader;
  const char *kind, *title; /* "A", "add order" */
  const void *row;          /* assay_itch_message, assay_fix_message, assay_dbn_record, assay_binance_message or assay_csv_row */
  const assay_market_event *events;
  size_t count;
  uint32_t symbol; /* of JSON, whose messages may have no event */
  bool says_again; /* a trade of JSON that messages of another kind tell of */
  bool day_is_over;
} assay_cli_feed_message;
typedef bool assay_cli_feed_visit(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *message);
/* Once. Where it could not be read to its end, feed->broken says why. */
void assay_cli_feed_walk(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context);

/* "250ms", "30s", "1m", "1h": nanoseconds; false: it is none, or not above 0. */
bool assay_cli_feed_parse_length(const char *text, double *ns);
/* How many of a feed's steps are one: 10 to the decimals. */
double assay_cli_feed_scale(unsigned decimals);

/* ---- Once the answer is out (feed_tell.c) -------------------------------------------------------------------------------------------- */

/* Malformed messages are passed; the first is told once the answer is out. */
typedef struct assay_cli_feed_faults {
  uint64_t count;
  assay_error first;
} assay_cli_feed_faults;
void assay_cli_feed_note_fault(assay_cli_feed_faults *faults, const assay_cli_feed_file *feed, const assay_feed_reader *reader);
/* Into a book (feed_build.c), whatever it is about: what is malformed is noted, and loses the book unless only the end is cut off. A table
 * of trades or bars is refused. */
assay_status assay_cli_feed_build(assay_feed_book *book, assay_cli_feed_faults *faults, const assay_cli_feed_file *feed,
                                  const assay_cli_feed_message *message, assay_error *err);
/* Messages that a capture of a network should have, and has not. */
uint64_t assay_cli_feed_missing(const assay_cli_feed_file *feed);
/* What is not there of a capture, to stand behind its name; false: it is whole. */
enum { ASSAY_CLI_CAPTURE_LACKS = 128 };
bool assay_cli_feed_capture_lacks(const assay_feed_file_capture *capture, char *text, size_t size);
/* What was passed or put together on the way, in notes: nothing is wrong with it. */
void assay_cli_feed_note(assay_cli *cli, const assay_cli_feed_file *feed);
/* Once the answer is out: what is to be known of it. The exit code: an answer that something is missing of is not a good one. */
int assay_cli_feed_tell(assay_cli *cli, const assay_cli_feed_file *feed, const assay_cli_feed_faults *faults, int code);

/* ---- Names (feed_names.c) ------------------------------------------------------------------------------------------------------------ */

/* Where symbols are named in each message: its number, from 1 on as they come. 0: no name, or too many. */
uint32_t assay_cli_feed_number(assay_cli_feed_file *feed, assay_feed_text text);
/* Its name; "" when it has none. */
static inline const char *assay_cli_feed_name(const assay_cli_feed_file *feed, uint32_t symbol) {
  return symbol <= feed->named && feed->names != NULL ? feed->names[symbol] : "";
}
/* The number of a symbol by its name; 0: there is none (or none yet). */
uint32_t assay_cli_feed_symbol(const assay_cli_feed_file *feed, const char *name);

#endif
