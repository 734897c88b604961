/* SPDX-License-Identifier: MIT */
/* A file of any format as events, for the verbs about feeds. */
#include "cli/feed.h"

#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"

const char *const assay_cli_feed_formats[] = {"itch", "fix", "dbn", "json", "csv", NULL};

/* ---- Opening ----------------------------------------------------------------------------------------------------------------------------
 */

assay_status assay_cli_feed_open(assay_cli *cli, const char *path, const assay_cli_feed_settings *settings, assay_error *err,
                                 assay_cli_feed_file *feed) {
  const size_t most = (size_t)1 << 36;
  *feed = (assay_cli_feed_file){.cli = cli,
                                .path = path,
                                .price_decimals = (unsigned)settings->price_decimals,
                                .quantity_decimals = (unsigned)settings->quantity_decimals};
  assay_status status = assay_os_read_file(path, most, err, &feed->raw, &feed->size);
  if (status != ASSAY_OK) return status;
  feed->bytes = (const uint8_t *)feed->raw;
  if (assay_feed_is_packed(feed->bytes, feed->size)) {
    status = assay_feed_unpack(feed->bytes, feed->size, most, err, &feed->unpacked, &feed->size);
    if (status != ASSAY_OK) return status;
    feed->bytes = feed->unpacked;
  }
  feed->format = settings->format != NULL ? assay_feed_format_find(settings->format) : assay_feed_recognise(feed->bytes, feed->size);
  if (feed->size == 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is empty", path);
  if (feed->format == ASSAY_FEED_UNKNOWN)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s does not begin like any feed that is known: --format says what it is (itch, fix, dbn, json or csv)", path);
  feed->levels = assay_alloc(ASSAY_TAG_CLI, ASSAY_CLI_FEED_LEVELS * sizeof *feed->levels);
  feed->names = assay_calloc(ASSAY_TAG_CLI, ASSAY_CLI_FEED_SYMBOLS, sizeof *feed->names);
  return feed->levels != NULL && feed->names != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
}

void assay_cli_feed_close(assay_cli_feed_file *feed) {
  assay_free(feed->levels);
  assay_free(feed->names);
  assay_feed_generated_free(feed->unpacked);
  assay_free(feed->raw);
}

/* ---- Symbols
 * ------------------------------------------------------------------------------------------------------------------------------ */

static void name_symbol(assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length) {
  while (length > 0 && text[length - 1] == ' ') length--;
  if (symbol >= ASSAY_CLI_FEED_SYMBOLS || length == 0 || length >= ASSAY_CLI_FEED_NAME) return;
  memcpy(feed->names[symbol], text, length);
  feed->names[symbol][length] = '\0';
}

/* Formats that name symbols in each message: numbered as they come. 0: no name, or too many. */
static uint32_t number_symbol(assay_cli_feed_file *feed, assay_feed_text text) {
  if (text.at == NULL || text.length == 0 || text.length >= ASSAY_CLI_FEED_NAME) return 0;
  for (uint32_t i = 1; i <= feed->named; i++)
    if (strlen(feed->names[i]) == text.length && memcmp(feed->names[i], text.at, text.length) == 0) return i;
  if (feed->named + 1 >= ASSAY_CLI_FEED_SYMBOLS) return 0;
  name_symbol(feed, ++feed->named, text.at, text.length);
  return feed->named;
}

uint32_t assay_cli_feed_symbol(const assay_cli_feed_file *feed, const char *name) {
  for (uint32_t i = 1; i < ASSAY_CLI_FEED_SYMBOLS; i++)
    if (strcmp(feed->names[i], name) == 0) return i;
  return 0;
}

/* ---- Walking
 * -------------------------------------------------------------------------------------------------------------------------------- */

/* A fault is told, and passed where its end is known. */
static bool pass_fault(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_cli_feed_visit *visit, void *context) {
  if (reader->fault.problem == NULL) return false;
  return visit(context, feed, &(assay_cli_feed_message){.reader = reader}) && assay_feed_skip(reader);
}

static void walk_itch(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_feed_reader reader;
  assay_itch_message m;
  assay_feed_open(&reader, feed->bytes, feed->size);
  do {
    while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      const char kind[2] = {m.type, '\0'};
      assay_itch_event(&m, &event);
      if (m.type == 'R') name_symbol(feed, assay_itch_locate(&m), m.as->directory.stock, sizeof m.as->directory.stock);
      if (m.type == 'A' || m.type == 'F')
        if (feed->names[event.symbol][0] == '\0') name_symbol(feed, event.symbol, m.as->add.stock, sizeof m.as->add.stock);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, assay_itch_name(m.type), &m, &event, 1})) return;
    }
  } while (pass_fault(feed, &reader, visit, context));
}

static void walk_fix(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_open(&reader, feed->bytes, feed->size);
  do {
    while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      assay_feed_text symbol = {0};
      char kind[8] = "";
      memcpy(kind, m.type.at, m.type.length < sizeof kind ? m.type.length : sizeof kind - 1);
      assay_fix_find(&m, 55, &symbol);
      size_t count = assay_fix_event(&m, number_symbol(feed, symbol), feed->price_decimals, feed->quantity_decimals, &event);
      const char *name = assay_fix_name(&m);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, name != NULL ? name : "other", &m, &event, count})) return;
    }
  } while (pass_fault(feed, &reader, visit, context));
}

static void name_from_dbn(assay_cli_feed_file *feed, const assay_dbn_record *record) {
  uint32_t symbol = assay_dbn_instrument(record);
  const char *field = record->type == ASSAY_DBN_DEFINITION       ? "raw_symbol"
                      : record->type == ASSAY_DBN_SYMBOL_MAPPING ? "stype_out_symbol"
                                                                 : NULL;
  if (field == NULL) return;
  assay_feed_text text = assay_dbn_text(record, field);
  if (text.at != NULL) name_symbol(feed, symbol, text.at, text.length);
}

/* The metadata's mappings: a symbol, and what it was called (its number, mostly) from one day to another. */
static void name_from_metadata(assay_cli_feed_file *feed, const assay_dbn_metadata *m) {
  const uint8_t *at = m->mapping;
  for (uint32_t i = 0; i < m->mappings; i++) {
    const assay_dbn_list name = {.at = at, .count = 1, .width = m->symbol_width};
    assay_feed_text text = assay_dbn_item(&name, 0);
    at += m->symbol_width;
    uint32_t intervals = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    at += 4;
    for (uint32_t k = 0; k < intervals; k++, at += 8 + (size_t)m->symbol_width) {
      const assay_dbn_list number = {.at = at + 8, .count = 1, .width = m->symbol_width};
      assay_feed_text digits = assay_dbn_item(&number, 0);
      int64_t symbol = 0;
      if (digits.length > 0 && assay_feed_decimal(digits.at, digits.length, 0, &symbol) && symbol > 0 && symbol < ASSAY_CLI_FEED_SYMBOLS)
        name_symbol(feed, (uint32_t)symbol, text.at, text.length);
    }
  }
}

static void walk_dbn(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_dbn_open(&reader, feed->bytes, feed->size);
  if (assay_dbn_read_metadata(&reader) == ASSAY_FEED_MESSAGE) name_from_metadata(feed, &reader.metadata);
  do {
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[20];
      size_t count = 0;
      name_from_dbn(feed, &record);
      if (record.type == ASSAY_DBN_MBP_1 || record.type == ASSAY_DBN_MBP_10) {
        count = assay_dbn_event(&reader, &record, events) && events[0].kind == ASSAY_MARKET_TRADE;
        count += assay_dbn_quotes(&record, events + count, 20 - count);
      } else {
        count = assay_dbn_event(&reader, &record, events);
      }
      const char *kind = assay_dbn_type_text(record.type);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, kind, "", &record, events, count})) return;
    }
  } while (pass_fault(feed, &reader.in, visit, context));
}

static void walk_json(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  static assay_market_event events[ASSAY_CLI_FEED_LEVELS + 1];
  assay_binance_reader reader;
  assay_binance_message m;
  assay_binance_open(&reader, feed->bytes, feed->size, feed->price_decimals, feed->quantity_decimals, feed->levels, ASSAY_CLI_FEED_LEVELS);
  do {
    while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      uint32_t symbol = m.kind == ASSAY_BINANCE_OTHER ? 0 : number_symbol(feed, m.symbol);
      size_t count = assay_binance_events(&reader, &m, symbol, 0, events, ASSAY_CLI_FEED_LEVELS + 1);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, assay_binance_kind_text(m.kind), "", &m, events, count})) return;
    }
  } while (pass_fault(feed, &reader.in, visit, context));
}

static void walk_csv(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, feed->bytes, feed->size, feed->price_decimals, feed->quantity_decimals);
  do {
    while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      assay_csv_event(&reader, &row, number_symbol(feed, row.symbol), &event);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, row.kind == ASSAY_CSV_BAR ? "bar" : "tick", "", &row, &event, 1}))
        return;
    }
  } while (pass_fault(feed, &reader.in, visit, context));
}

void assay_cli_feed_walk(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  switch (feed->format) {
    case ASSAY_FEED_ITCH: walk_itch(feed, visit, context); break;
    case ASSAY_FEED_FIX: walk_fix(feed, visit, context); break;
    case ASSAY_FEED_DBN: walk_dbn(feed, visit, context); break;
    case ASSAY_FEED_JSON: walk_json(feed, visit, context); break;
    default: walk_csv(feed, visit, context); break;
  }
}
