/* SPDX-License-Identifier: MIT */
/* A file of any format as events, for the verbs about feeds: opened, and read window by window and message by message. */
#include "cli/feed_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "market/feeds/fix.h"
#include "os/prim.h"

const char *const assay_cli_feed_formats[] = {"itch", "fix", "dbn", "json", "csv", NULL};

/* ---- Opening ------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_cli_feed_open(assay_cli *cli, const char *path, const assay_cli_feed_settings *settings, assay_error *err,
                                 assay_cli_feed_file *feed) {
  assay_feed_reader first;
  *feed = (assay_cli_feed_file){.cli = cli,
                                .path = path,
                                .begun_ns = assay_os_now_ns(),
                                .price_decimals = (unsigned)settings->price_decimals,
                                .quantity_decimals = (unsigned)settings->quantity_decimals};
  assay_status status = assay_feed_file_open(path, NULL, err, &feed->file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(feed->file, &first);
  feed->format = settings->format != NULL ? assay_feed_format_find(settings->format) : assay_feed_recognise(first.data, first.size);
  assay_feed_file_capture capture;
  if (first.size == 0 && assay_feed_file_captured(feed->file, &capture))
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s is a capture of %" PRIu64 " packets, none of which is MoldUDP64 with messages of TotalView-ITCH 5.0%s", path,
                      capture.packets, capture.cut > 0 ? " (packets were captured in part: tcpdump -s 0 takes all of them)" : "");
  if (first.size == 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is empty", path);
  if (settings->format == NULL && assay_cli_feed_is_fix(first.data, first.size)) feed->format = ASSAY_FEED_FIX;
  if (feed->format == ASSAY_FEED_FIX) status = assay_cli_feed_unwrap(feed, err);
  if (status != ASSAY_OK) return status;
  if (feed->format == ASSAY_FEED_UNKNOWN && strstr(path, "_orderbook_") != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s looks like LOBSTER's levels: its message file makes the same book", path);
  if (feed->format == ASSAY_FEED_UNKNOWN)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s does not begin like any feed that is known: --format says what it is (itch, fix, dbn, json or csv)", path);
  feed->levels = assay_alloc(ASSAY_TAG_CLI, ASSAY_CLI_FEED_LEVELS * sizeof *feed->levels);
  if (feed->levels == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
  if (!assay_os_entropy(&feed->seed, sizeof feed->seed)) feed->seed = assay_os_now_ns();
  if (feed->format != ASSAY_FEED_DBN) return ASSAY_OK;
  status = assay_dbn_map_create(ASSAY_CLI_FEED_SYMBOLS - 1, err, &feed->map);
  return status == ASSAY_OK ? assay_dbn_map_create(0, err, &feed->ids) : status;
}

void assay_cli_feed_close(assay_cli_feed_file *feed) {
  assay_free(feed->levels);
  assay_free(feed->names);
  assay_free(feed->places);
  assay_free(feed->id_names);
  assay_free(feed->trade_kinds);
  assay_dbn_map_destroy(feed->map);
  assay_dbn_map_destroy(feed->ids);
  assay_feed_file_close(feed->file);
}

/* ---- Windows ------------------------------------------------------------------------------------------------------------------------- */

/* How far a long file is read, on a terminal. */
static void show_progress(assay_cli_feed_file *feed) {
  const uint64_t patience_ns = 1000000000, redraw_ns = 200000000;
  uint64_t now = assay_os_now_ns();
  if (now - feed->begun_ns < patience_ns || now - feed->drawn_ns < redraw_ns || !isatty(STDERR_FILENO)) return;
  const assay_feed_file_place place = assay_feed_file_where(feed->file);
  const uint64_t mega = 1000000;
  feed->drawn_ns = now;
  feed->drawn = true;
  fprintf(stderr, "\r\033[Kreading %.60s: %" PRIu64, feed->path, place.read / mega);
  if (place.size > 0)
    fprintf(stderr, " of %" PRIu64 " MB, %" PRIu64 " %%", place.size / mega, place.read * 100 / place.size);
  else
    fputs(" MB", stderr);
  fflush(stderr);
}

bool assay_cli_feed_next_window(assay_cli_feed_file *feed, assay_feed_reader *reader) {
  show_progress(feed);
  return assay_feed_file_more(feed->file, reader, &feed->broken) == ASSAY_OK;
}

/* Whether where a malformed message ends may be in what is not in the window yet: then it is looked at again with more behind it. */
static bool look_further(assay_cli_feed_file *feed, assay_feed_reader *reader) {
  const size_t far_enough = (size_t)1 << 24;
  const assay_feed_fault fault = reader->fault;
  if (reader->last || reader->size - reader->at > far_enough) return false;
  if (fault.next != 0 && fault.next - reader->base <= reader->size) return false;
  reader->fault = (assay_feed_fault){0};
  if (assay_cli_feed_next_window(feed, reader)) return true;
  reader->fault = fault;
  return false;
}

bool assay_cli_feed_go_on(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_cli_feed_visit *visit, void *context) {
  if (reader->fault.problem == NULL) return !reader->last && assay_cli_feed_next_window(feed, reader);
  if (look_further(feed, reader)) return true;
  return visit(context, feed, &(assay_cli_feed_message){.reader = reader}) && assay_feed_skip(reader);
}

/* ---- Walking ------------------------------------------------------------------------------------------------------------------------- */

/* The formats that take no more than a loop stand here, the others in files of their own. */
static void walk_fix(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_file_begin(feed->file, &reader);
  do {
    while (assay_fix_next_older(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[ASSAY_FIX_MOST_EVENTS];
      assay_feed_text symbol = {0};
      char kind[8] = "";
      memcpy(kind, m.type.at, m.type.length < sizeof kind ? m.type.length : sizeof kind - 1);
      assay_fix_find(&m, 55, &symbol);
      size_t count = assay_fix_events(&m, assay_cli_feed_number(feed, symbol), feed->price_decimals, feed->quantity_decimals, events);
      for (size_t i = 0; i < count; i++)
        if (events[i].time_ns == 0) events[i].time_ns = ASSAY_CLI_FEED_NO_TIME;
      const char *name = assay_fix_name(&m);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, name != NULL ? name : "other", &m, events, count})) return;
    }
  } while (assay_cli_feed_go_on(feed, &reader, visit, context));
}

/* "dir/AAPL_2012-06-21_34200000_57600000_message_10.csv" is AAPL's: rows of LOBSTER name no symbol. */
static assay_feed_text symbol_of_path(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
  if (strcmp(path, "-") == 0) base = "stdin";
  return (assay_feed_text){.at = base, .length = strcspn(base, "_.")};
}

static void walk_csv(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, NULL, 0, feed->price_decimals, feed->quantity_decimals);
  assay_feed_file_begin(feed->file, &reader.in);
  do {
    while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      feed->no_quantities = !reader.quantities;
      if (row.kind == ASSAY_CSV_ORDER && row.symbol.length == 0) row.symbol = symbol_of_path(feed->path);
      assay_csv_event(&reader, &row, assay_cli_feed_number(feed, row.symbol), &event);
      const char *kind = row.kind == ASSAY_CSV_BAR     ? "bar"
                         : row.kind == ASSAY_CSV_ORDER ? assay_market_kind_text(row.event)
                         : row.kind == ASSAY_CSV_OTHER ? "other"
                                                       : "tick";
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, kind, "", &row, &event, 1})) return;
    }
  } while (assay_cli_feed_go_on(feed, &reader.in, visit, context));
}

void assay_cli_feed_walk(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  switch (feed->format) {
    case ASSAY_FEED_ITCH: assay_cli_feed_walk_itch(feed, visit, context); break;
    case ASSAY_FEED_FIX: walk_fix(feed, visit, context); break;
    case ASSAY_FEED_DBN: assay_cli_feed_walk_dbn(feed, visit, context); break;
    case ASSAY_FEED_JSON: assay_cli_feed_walk_json(feed, visit, context); break;
    default: walk_csv(feed, visit, context); break;
  }
  if (feed->drawn) fputs("\r\033[K", stderr);
  feed->drawn = false;
}

bool assay_cli_feed_parse_length(const char *text, double *ns) {
  const size_t length = strlen(text);
  char number[40] = "";
  double amount = 0;
  if (length > 2 && length < sizeof number && strcmp(text + length - 2, "ms") == 0) {
    memcpy(number, text, length - 2);
    *ns = assay_parse_f64(number, &amount) ? amount * 1e6 : 0;
    if (*ns > 0 && amount < 1e9) return true;
  }
  assay_error ignored = {0};
  *ns = assay_cli_parse_duration(text, "--every", &ignored, &amount) == ASSAY_OK ? amount * 1e9 : 0;
  return *ns > 0 && amount < 1e9;
}

double assay_cli_feed_scale(unsigned decimals) {
  double scale = 1;
  for (unsigned i = 0; i < decimals; i++) scale *= 10;
  return scale;
}
