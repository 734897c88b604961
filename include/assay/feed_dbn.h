/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_dbn.h: Databento Binary Encoding, versions 1 to 3: metadata, then records where they lie.
 *
 *     assay_dbn_reader reader;
 *     assay_dbn_record record;
 *     assay_market_event events[ASSAY_DBN_MOST_EVENTS];
 *     assay_dbn_open(&reader, bytes, size);                                  // of a .zst file: assay_feed_unpack first
 *     while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
 *       uint32_t symbol = assay_dbn_map_number(map, &record);                // 1, 2, 3: instrument ids are any numbers
 *       assay_feed_book_apply(book, events, assay_dbn_events(&reader, &record, symbol, events));
 *     }
 *     assay_feed_explain(&reader.in, "DBN", &err);
 *
 * `assay_dbn_text(&record, "raw_symbol")` gives any text of any record by its name.
 *
 * Units: prices are 10^-9; ASSAY_DBN_NO_PRICE is none. Times are ns since 1970, UINT64_MAX none. Numbers are little-endian.
 *
 * What is malformed: no "DBN", a version above 3, metadata whose lists do not fit it, a record shorter than its header, and one whose
 * length is not the one of its type and version. A type of record that is not known is passed over (`unknown` counts it): its length says
 * where it ends.
 *
 * Source: Databento's documentation of DBN, and the layouts of its reference implementations (dbn 0.5x). Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_DBN_H
#define ASSAY_FEED_DBN_H

#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_DBN_NO_PRICE INT64_MAX

/* The rtype of a header. */
typedef enum assay_dbn_type {
  ASSAY_DBN_TRADE = 0x00, /* mbp-0 */
  ASSAY_DBN_MBP_1 = 0x01, /* tbbo too */
  ASSAY_DBN_MBP_10 = 0x0a,
  ASSAY_DBN_OHLCV = 0x11, /* deprecated; 1s to 1d and end of day are 0x20 to 0x24 */
  ASSAY_DBN_STATUS = 0x12,
  ASSAY_DBN_DEFINITION = 0x13,
  ASSAY_DBN_IMBALANCE = 0x14,
  ASSAY_DBN_ERROR = 0x15,
  ASSAY_DBN_SYMBOL_MAPPING = 0x16,
  ASSAY_DBN_SYSTEM = 0x17,
  ASSAY_DBN_STATISTICS = 0x18,
  ASSAY_DBN_OHLCV_1S = 0x20,
  ASSAY_DBN_OHLCV_1M = 0x21,
  ASSAY_DBN_OHLCV_1H = 0x22,
  ASSAY_DBN_OHLCV_1D = 0x23,
  ASSAY_DBN_OHLCV_EOD = 0x24,
  ASSAY_DBN_MBO = 0xa0,
  ASSAY_DBN_CMBP_1 = 0xb1,
  ASSAY_DBN_CBBO_1S = 0xc0,
  ASSAY_DBN_CBBO_1M = 0xc1,
  ASSAY_DBN_TCBBO = 0xc2,
  ASSAY_DBN_BBO_1S = 0xc3,
  ASSAY_DBN_BBO_1M = 0xc4
} assay_dbn_type;

/* "mbo", "mbp-1", "ohlcv-1m", ...; NULL: not known. */
ASSAY_API const char *assay_dbn_type_text(unsigned type);

/* Whether records of a type are bars (ohlcv). */
static inline bool assay_dbn_is_bar(unsigned type) {
  return type == ASSAY_DBN_OHLCV || (type >= ASSAY_DBN_OHLCV_1S && type <= ASSAY_DBN_OHLCV_EOD);
}

typedef struct assay_dbn_list {
  const uint8_t *at; /* texts of `width` bytes, padded with zeros */
  uint32_t count, width;
} assay_dbn_list;

/* Lists lie in the window that the metadata came in. */
typedef struct assay_dbn_metadata {
  uint8_t version;
  assay_feed_text dataset;
  uint16_t schema; /* 0xffff: mixed */
  uint64_t start_ns, end_ns, limit;
  uint8_t stype_in, stype_out; /* 0xff: none */
  bool ts_out;                 /* each record has the time of its sending behind it */
  uint16_t symbol_width;
  assay_dbn_list symbols, partial, not_found;
  uint32_t mappings;
  const uint8_t *mapping; /* the first: text, count, then intervals of two dates (YYYYMMDD) and a text */
} assay_dbn_metadata;

typedef struct assay_dbn_record {
  const uint8_t *data;
  uint16_t length; /* with ts_out, where it is there */
  uint8_t type, version;
  bool has_ts_out;
} assay_dbn_record;

typedef struct assay_dbn_reader {
  assay_feed_reader in;
  bool ready; /* the metadata is read */
  assay_dbn_metadata metadata;
  uint64_t unknown; /* records of types that are not known */
} assay_dbn_reader;

ASSAY_API void assay_dbn_open(assay_dbn_reader *reader, const void *bytes, size_t size);
/* Reads the metadata only; ASSAY_FEED_MESSAGE: reader->metadata is there. assay_dbn_next does it by itself. */
ASSAY_API assay_feed_step assay_dbn_read_metadata(assay_dbn_reader *reader);
ASSAY_API assay_feed_step assay_dbn_next(assay_dbn_reader *reader, assay_dbn_record *record);
/* The index-th text of a list, without its padding. */
ASSAY_API assay_feed_text assay_dbn_item(const assay_dbn_list *list, uint32_t index);

static inline uint32_t assay_dbn_instrument(const assay_dbn_record *record) {
  return (uint32_t)record->data[4] | (uint32_t)record->data[5] << 8 | (uint32_t)record->data[6] << 16 | (uint32_t)record->data[7] << 24;
}

typedef enum assay_dbn_kind {
  ASSAY_DBN_UNSIGNED,
  ASSAY_DBN_SIGNED,
  ASSAY_DBN_PRICE,
  ASSAY_DBN_TIME,
  ASSAY_DBN_TEXT,
  ASSAY_DBN_CHAR
} assay_dbn_kind;

/* A field of a record of one version. The first five of all are the header: length (in 4 bytes), rtype, publisher_id, instrument_id,
 * ts_event. */
typedef struct assay_dbn_field {
  assay_feed_text name;
  assay_dbn_kind kind;
  uint16_t offset, bytes;
} assay_dbn_field;

/* The index-th field of a record; false past the last. */
ASSAY_API bool assay_dbn_field_at(const assay_dbn_record *record, size_t index, assay_dbn_field *field);
ASSAY_API bool assay_dbn_find(const assay_dbn_record *record, const char *name, assay_dbn_field *field);
/* A number of a field, sign extended; 0 of text. */
ASSAY_API int64_t assay_dbn_number(const assay_dbn_record *record, const assay_dbn_field *field);
/* A text of a record by its name, without padding; `at` NULL: it has none of that name. */
ASSAY_API assay_feed_text assay_dbn_text(const assay_dbn_record *record, const char *name);

static inline uint16_t assay_dbn_publisher(const assay_dbn_record *record) { return (uint16_t)(record->data[2] | record->data[3] << 8); }

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_DBN_MOST_EVENTS = 21 };

/*
 * All events of a record, for `symbol`: at most one of an order, a trade, a bar or a state, then the levels of a record that has some,
 * which are all that there are on their sides (ASSAY_MARKET_WHOLE_SIDE). Returns how many: 0 for what is none (a definition, an empty
 * action).
 *
 * An order that is modified is ASSAY_MARKET_REPLACE under its own id. Records of orders that are none (F_TOB: a venue's best price; F_MBP:
 * a level) are quotes. A trade without a price is nothing; an order may have none (ASSAY_FEED_NO_PRICE). Where the event has no time it has
 * that of its receipt; UINT64_MAX is left where there is none either.
 */
ASSAY_API size_t assay_dbn_events(const assay_dbn_reader *reader, const assay_dbn_record *record, uint32_t symbol,
                                  assay_market_event events[ASSAY_DBN_MOST_EVENTS]);
/* The first part of it, with the instrument id for a symbol. False: there is none. */
ASSAY_API bool assay_dbn_event(const assay_dbn_reader *reader, const assay_dbn_record *record, assay_market_event *event);
/* And the second, of mbp-1 (tbbo), mbp-10, cmbp-1, tcbbo, bbo and cbbo records: bid and ask by turns, at most `capacity`; returns how many.
 * A level that is not there has quantity 0. */
ASSAY_API size_t assay_dbn_quotes(const assay_dbn_record *record, assay_market_event *events, size_t capacity);

/*
 * Numbers from 1 on for symbols as they come: instrument ids are any 32-bit numbers (42140878), and a file of several venues has the same
 * one from several publishers, each with books of its own. Thread-safety: one map belongs to one thread at a time.
 */
typedef struct assay_dbn_map assay_dbn_map;
/* `most` symbols; 0: 2^24, which is the most that there can be. */
ASSAY_API assay_status assay_dbn_map_create(uint32_t most, assay_error *err, assay_dbn_map **map);
/* Accepts NULL. */
ASSAY_API void assay_dbn_map_destroy(assay_dbn_map *map);
/* The number of a record's symbol, a new one when it is the first; 0: there are too many, or no memory. */
ASSAY_API uint32_t assay_dbn_map_number(assay_dbn_map *map, const assay_dbn_record *record);
/* The same for who has no record. */
ASSAY_API uint32_t assay_dbn_map_add(assay_dbn_map *map, uint16_t publisher, uint32_t instrument);
/* 0: there is none. */
ASSAY_API uint32_t assay_dbn_map_find(const assay_dbn_map *map, uint16_t publisher, uint32_t instrument);
/* Who a number is; zeros for none. */
ASSAY_API void assay_dbn_map_key(const assay_dbn_map *map, uint32_t number, uint16_t *publisher, uint32_t *instrument);
/* Numbers given so far. */
ASSAY_API uint32_t assay_dbn_map_count(const assay_dbn_map *map);

/* ---- Compressed files ---------------------------------------------------------------------------------------------------------------- */

/* Whether bytes begin as Zstandard, gzip, bzip2, xz, LZ4 or zip do. */
ASSAY_API bool assay_feed_is_packed(const void *bytes, size_t size);
/*
 * Unpacks Zstandard, gzip, bzip2, xz, LZ4 (several frames too) or a zip of one file, or of a .csv and behind it a .txt
 * which is passed (libarchive is loaded for it: ASSAY_ERR_UNSUPPORTED
 * where it is not there). ASSAY_ERR_CORRUPT: they end too early or are broken; ASSAY_ERR_LIMIT: more than `most` bytes. Free *unpacked with
 * assay_feed_generated_free.
 */
ASSAY_API assay_status assay_feed_unpack(const void *bytes, size_t size, size_t most, assay_error *err, uint8_t **unpacked,
                                         size_t *unpacked_size);

#ifdef __cplusplus
}
#endif
#endif
