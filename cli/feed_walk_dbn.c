/* SPDX-License-Identifier: MIT */
/* DBN, record by record: instruments are numbers, and names come in the metadata or on the way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/feed_walk.h"

static void name_instrument(assay_cli_feed_file *feed, uint32_t instrument, assay_feed_text name) {
  if (name.at == NULL || name.length == 0 || name.length >= ASSAY_CLI_FEED_NAME) return;
  uint32_t at = assay_dbn_map_add(feed->ids, 0, instrument);
  if (at == 0 || !assay_cli_feed_grow_names(&feed->id_names, &feed->id_room, at)) return;
  memcpy(feed->id_names[at], name.at, name.length);
  feed->id_names[at][name.length] = '\0';
}

static bool whole_number(assay_feed_text text, uint32_t *number) {
  int64_t value = 0;
  if (text.length == 0 || !assay_feed_decimal(text.at, text.length, 0, &value) || value < 0 || value > UINT32_MAX) return false;
  *number = (uint32_t)value;
  return true;
}

/* The metadata's mappings: a symbol, and what it was called from one day to another. One of the two is the instrument's id, mostly. */
static void name_from_metadata(assay_cli_feed_file *feed, const assay_dbn_metadata *m) {
  enum { STYPE_INSTRUMENT = 0 };
  const uint8_t *at = m->mapping;
  for (uint32_t i = 0; i < m->mappings; i++) {
    const assay_dbn_list from = {.at = at, .count = 1, .width = m->symbol_width};
    assay_feed_text name = assay_dbn_item(&from, 0);
    at += m->symbol_width;
    uint32_t intervals = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    at += 4;
    for (uint32_t k = 0; k < intervals; k++, at += 8 + (size_t)m->symbol_width) {
      const assay_dbn_list to = {.at = at + 8, .count = 1, .width = m->symbol_width};
      assay_feed_text other = assay_dbn_item(&to, 0);
      uint32_t instrument;
      if (m->stype_in == STYPE_INSTRUMENT && m->stype_out != STYPE_INSTRUMENT) {
        if (whole_number(name, &instrument)) name_instrument(feed, instrument, other);
      } else if (whole_number(other, &instrument)) {
        name_instrument(feed, instrument, name);
      }
    }
  }
}

/* The number of a record's symbol. A new one is called as its instrument is: by its id when that has no name, and with the publisher's
 * number (or the instrument's) behind it where the name is another's already. */
static uint32_t number_instrument(assay_cli_feed_file *feed, const assay_dbn_record *record, bool again) {
  uint32_t symbol = assay_dbn_map_number(feed->map, record), instrument = assay_dbn_instrument(record);
  if (symbol == 0) return UINT32_MAX; /* which no book has */
  if (symbol <= feed->named && !again) return symbol;
  uint32_t id = assay_dbn_map_find(feed->ids, 0, instrument), other;
  char name[ASSAY_CLI_FEED_NAME], longer[ASSAY_CLI_FEED_NAME];
  if (id != 0)
    memcpy(name, feed->id_names[id], sizeof name);
  else
    snprintf(name, sizeof name, "%" PRIu32, instrument);
  memcpy(longer, name, sizeof name);
  if ((other = assay_cli_feed_symbol(feed, longer)) != 0 && other != symbol)
    snprintf(longer, sizeof longer, "%.66s@%u", name, assay_dbn_publisher(record));
  if ((other = assay_cli_feed_symbol(feed, longer)) != 0 && other != symbol)
    snprintf(longer, sizeof longer, "%.50s@%u#%" PRIu32, name, assay_dbn_publisher(record), instrument);
  assay_cli_feed_give_name(feed, symbol, longer, strlen(longer));
  return symbol;
}

static uint32_t name_from_dbn(assay_cli_feed_file *feed, const assay_dbn_record *record) {
  const char *field = record->type == ASSAY_DBN_DEFINITION       ? "raw_symbol"
                      : record->type == ASSAY_DBN_SYMBOL_MAPPING ? "stype_out_symbol"
                                                                 : NULL;
  if (record->type == ASSAY_DBN_SYSTEM || record->type == ASSAY_DBN_ERROR) return UINT32_MAX;
  if (field != NULL) name_instrument(feed, assay_dbn_instrument(record), assay_dbn_text(record, field));
  return number_instrument(feed, record, field != NULL);
}

void assay_cli_feed_walk_dbn(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_dbn_open(&reader, NULL, 0);
  assay_feed_file_begin(feed->file, &reader.in);
  assay_feed_step begun;
  while ((begun = assay_dbn_read_metadata(&reader)) == ASSAY_FEED_MORE)
    if (!assay_cli_feed_next_window(feed, &reader.in)) return;
  if (begun == ASSAY_FEED_MESSAGE) name_from_metadata(feed, &reader.metadata);
  do {
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[ASSAY_DBN_MOST_EVENTS];
      size_t count = assay_dbn_events(&reader, &record, name_from_dbn(feed, &record), events);
      const char *kind = assay_dbn_type_text(record.type);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, kind, "", &record, events, count})) return;
    }
    feed->unknown = reader.unknown;
  } while (assay_cli_feed_go_on(feed, &reader.in, visit, context));
}
