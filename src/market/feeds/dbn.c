/* SPDX-License-Identifier: MIT */
#include <assay/feed_dbn.h>

#include <string.h>

#include "market/feeds/feed.h"

/* ---- Layouts ------------------------------------------------------------------------------------------------------------------------- */

/*
 * Fields in the order that they lie in, without gaps: name, then u (unsigned), i (signed), p (price), t (time), s (text) or c (one
 * character) and the bytes; _ is padding. What a record is longer than its layout, and what is not known of it, a test counts.
 */
#define TRADED "price p8 size u4 action c1 side c1 flags u1 depth u1 ts_recv t8 ts_in_delta i4 sequence u4 "
#define LEVEL(n) "bid_px_" n " p8 ask_px_" n " p8 bid_sz_" n " u4 ask_sz_" n " u4 bid_ct_" n " u4 ask_ct_" n " u4 "
#define LEVELS_10 LEVEL("00") LEVEL("01") LEVEL("02") LEVEL("03") LEVEL("04") LEVEL("05") LEVEL("06") LEVEL("07") LEVEL("08") LEVEL("09")
#define MERGED_LEVEL "bid_px_00 p8 ask_px_00 p8 bid_sz_00 u4 ask_sz_00 u4 bid_pb_00 u2 _ 2 ask_pb_00 u2 _ 2 "
#define INSTRUMENT                                                                                                          \
  "ts_recv t8 min_price_increment p8 display_factor p8 expiration t8 activation t8 high_limit_price p8 low_limit_price p8 " \
  "max_price_variation p8 "
#define DEPTHS "market_depth_implied i4 market_depth i4 market_segment_id u4 "
#define LOTS "max_trade_vol u4 min_lot_size i4 min_lot_size_block i4 min_lot_size_round_lot i4 min_trade_vol u4 "
#define CONTRACT "contract_multiplier i4 decay_quantity i4 original_contract_size i4 "
#define DATES "appl_id i2 maturity_year u2 decay_start_date u2 channel_id u2 "
#define TEXTS(symbol, asset)                                                                               \
  "currency s4 settl_currency s4 secsubtype s6 raw_symbol s" symbol " group s21 exchange s5 asset s" asset \
  " cfi s7 security_type s7 unit_of_measure s31 underlying s21 strike_price_currency s4 "
#define MATURITY                                                                                                        \
  "sub_fraction u1 underlying_product u1 security_update_action c1 maturity_month u1 maturity_day u1 maturity_week u1 " \
  "user_defined_instrument c1 contract_multiplier_unit i1 flow_schedule_type i1 tick_rule u1 "
#define AMOUNTS "unit_of_measure_qty p8 min_price_increment_amount p8 price_ratio p8 "

typedef struct layout {
  uint8_t type, from, to; /* versions */
  uint16_t bytes;
  const char *name, *fields;
} layout;

static const layout layouts[] = {
    {ASSAY_DBN_TRADE, 1, 3, 48, "trade", TRADED},
    {ASSAY_DBN_MBP_1, 1, 3, 80, "mbp-1", TRADED LEVEL("00")},
    {ASSAY_DBN_MBP_10, 1, 3, 368, "mbp-10", TRADED LEVELS_10},
    {ASSAY_DBN_OHLCV, 1, 3, 56, "ohlcv", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_OHLCV_1S, 1, 3, 56, "ohlcv-1s", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_OHLCV_1M, 1, 3, 56, "ohlcv-1m", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_OHLCV_1H, 1, 3, 56, "ohlcv-1h", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_OHLCV_1D, 1, 3, 56, "ohlcv-1d", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_OHLCV_EOD, 1, 3, 56, "ohlcv-eod", "open p8 high p8 low p8 close p8 volume u8 "},
    {ASSAY_DBN_STATUS, 1, 3, 40, "status",
     "ts_recv t8 action u2 reason u2 trading_event u2 is_trading c1 is_quoting c1 is_short_sell_restricted c1 _ 7 "},
    {ASSAY_DBN_DEFINITION, 1, 1, 360, "definition",
     INSTRUMENT "trading_reference_price p8 " AMOUNTS "inst_attrib_value i4 underlying_id u4 raw_instrument_id u4 " DEPTHS LOTS
                "_ 4 " CONTRACT "_ 4 trading_reference_date u2 " DATES TEXTS(
                    "22", "7") "instrument_class c1 _ 2 strike_price p8 _ 6 match_algorithm c1 "
                               "md_security_trading_status u1 main_fraction u1 price_display_format u1 settl_price_type u1 " MATURITY
                               "_ 3 "},
    {ASSAY_DBN_DEFINITION, 2, 2, 400, "definition",
     INSTRUMENT "trading_reference_price p8 " AMOUNTS
                "strike_price p8 inst_attrib_value i4 underlying_id u4 raw_instrument_id u4 " DEPTHS LOTS CONTRACT
                "trading_reference_date u2 " DATES TEXTS("71", "7") "instrument_class c1 match_algorithm c1 md_security_trading_status u1 "
                                                                    "main_fraction u1 price_display_format u1 settl_price_type u1 " MATURITY
                                                                    "_ 10 "},
    {ASSAY_DBN_DEFINITION, 3, 3, 520, "definition",
     INSTRUMENT AMOUNTS
     "strike_price p8 raw_instrument_id u8 leg_price p8 leg_delta p8 inst_attrib_value i4 underlying_id u4 " DEPTHS LOTS CONTRACT
     "leg_instrument_id u4 leg_ratio_price_numerator i4 leg_ratio_price_denominator i4 leg_ratio_qty_numerator i4 "
     "leg_ratio_qty_denominator i4 leg_underlying_id u4 " DATES "leg_count u2 leg_index u2 " TEXTS(
         "71", "11") "leg_raw_symbol s71 instrument_class c1 match_algorithm c1 main_fraction u1 price_display_format u1 " MATURITY
                     "leg_instrument_class c1 leg_side c1 _ 17 "},
    {ASSAY_DBN_IMBALANCE, 1, 3, 112, "imbalance",
     "ts_recv t8 ref_price p8 auction_time t8 cont_book_clr_price p8 auct_interest_clr_price p8 ssr_filling_price p8 ind_match_price p8 "
     "upper_collar p8 lower_collar p8 paired_qty u4 total_imbalance_qty u4 market_imbalance_qty u4 unpaired_qty u4 auction_type c1 side c1 "
     "auction_status u1 freeze_status u1 num_extensions u1 unpaired_side c1 significant_imbalance c1 _ 1 "},
    {ASSAY_DBN_ERROR, 1, 1, 80, "error", "err s64 "},
    {ASSAY_DBN_ERROR, 2, 3, 320, "error", "err s302 code u1 is_last u1 "},
    {ASSAY_DBN_SYMBOL_MAPPING, 1, 1, 80, "symbol-mapping", "stype_in_symbol s22 stype_out_symbol s22 _ 4 start_ts t8 end_ts t8 "},
    {ASSAY_DBN_SYMBOL_MAPPING, 2, 3, 176, "symbol-mapping",
     "stype_in u1 stype_in_symbol s71 stype_out u1 stype_out_symbol s71 start_ts t8 end_ts t8 "},
    {ASSAY_DBN_SYSTEM, 1, 1, 80, "system", "msg s64 "},
    {ASSAY_DBN_SYSTEM, 2, 3, 320, "system", "msg s303 code u1 "},
    {ASSAY_DBN_STATISTICS, 1, 2, 64, "statistics",
     "ts_recv t8 ts_ref t8 price p8 quantity i4 sequence u4 ts_in_delta i4 stat_type u2 channel_id u2 update_action u1 stat_flags u1 _ 6 "},
    {ASSAY_DBN_STATISTICS, 3, 3, 80, "statistics",
     "ts_recv t8 ts_ref t8 price p8 quantity i8 sequence u4 ts_in_delta i4 stat_type u2 channel_id u2 update_action u1 stat_flags u1 _ "
     "18 "},
    {ASSAY_DBN_MBO, 1, 3, 56, "mbo",
     "order_id u8 price p8 size u4 flags u1 channel_id u1 action c1 side c1 ts_recv t8 ts_in_delta i4 sequence u4 "},
    {ASSAY_DBN_CMBP_1, 1, 3, 80, "cmbp-1", "price p8 size u4 action c1 side c1 flags u1 _ 1 ts_recv t8 ts_in_delta i4 _ 4 " MERGED_LEVEL},
    {ASSAY_DBN_CBBO_1S, 1, 3, 80, "cbbo-1s", "price p8 size u4 _ 1 side c1 flags u1 _ 1 ts_recv t8 _ 8 " MERGED_LEVEL},
    {ASSAY_DBN_CBBO_1M, 1, 3, 80, "cbbo-1m", "price p8 size u4 _ 1 side c1 flags u1 _ 1 ts_recv t8 _ 8 " MERGED_LEVEL},
    {ASSAY_DBN_TCBBO, 1, 3, 80, "tcbbo", "price p8 size u4 action c1 side c1 flags u1 _ 1 ts_recv t8 ts_in_delta i4 _ 4 " MERGED_LEVEL},
    {ASSAY_DBN_BBO_1S, 1, 3, 80, "bbo-1s", "price p8 size u4 _ 1 side c1 flags u1 _ 1 ts_recv t8 _ 4 sequence u4 " LEVEL("00")},
    {ASSAY_DBN_BBO_1M, 1, 3, 80, "bbo-1m", "price p8 size u4 _ 1 side c1 flags u1 _ 1 ts_recv t8 _ 4 sequence u4 " LEVEL("00")},
};
static const char header[] = "length u1 rtype u1 publisher_id u2 instrument_id u4 ts_event t8 ";
enum { HEADER = 16, TS_OUT = 8, METADATA_HEAD = 8, METADATA_FIXED = 100, NEWEST = 3 };

static const layout *layout_of(unsigned type, unsigned version) {
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
    if (layouts[i].type == type && version >= layouts[i].from && version <= layouts[i].to) return &layouts[i];
  return NULL;
}

const char *assay_dbn_type_text(unsigned type) {
  const layout *l = layout_of(type, NEWEST);
  return l != NULL ? l->name : NULL;
}

/* ---- Little-endian numbers at any address -------------------------------------------------------------------------------------------- */

static uint64_t number_at(const uint8_t *bytes, size_t count) {
  uint64_t number = 0;
  for (size_t i = count; i-- > 0;) number = number << 8 | bytes[i];
  return number;
}
static inline uint32_t u32_at(const uint8_t *bytes) { return (uint32_t)number_at(bytes, 4); }
static inline uint64_t u64_at(const uint8_t *bytes) { return number_at(bytes, 8); }

/* ---- Metadata ------------------------------------------------------------------------------------------------------------------------ */

static assay_feed_text padded_text(const uint8_t *at, size_t width) {
  const uint8_t *end = memchr(at, '\0', width);
  return (assay_feed_text){.at = (const char *)at, .length = end != NULL ? (size_t)(end - at) : width};
}

assay_feed_text assay_dbn_item(const assay_dbn_list *list, uint32_t index) {
  if (index >= list->count) return (assay_feed_text){0};
  return padded_text(list->at + (size_t)index * list->width, list->width);
}

static bool read_list(const uint8_t **at, const uint8_t *end, uint16_t width, assay_dbn_list *list) {
  if (end - *at < 4) return false;
  uint32_t count = u32_at(*at);
  *at += 4;
  if (count > (size_t)(end - *at) / width) return false;
  *list = (assay_dbn_list){.at = *at, .count = count, .width = width};
  *at += (size_t)count * width;
  return true;
}

static bool read_mappings(const uint8_t **at, const uint8_t *end, uint16_t width, assay_dbn_metadata *metadata) {
  if (end - *at < 4) return false;
  metadata->mappings = u32_at(*at);
  metadata->mapping = *at += 4;
  for (uint32_t i = 0; i < metadata->mappings; i++) {
    if ((size_t)(end - *at) < width + (size_t)4) return false;
    uint32_t intervals = u32_at(*at + width);
    *at += width + 4;
    if (intervals > (size_t)(end - *at) / (8 + (size_t)width)) return false;
    *at += intervals * (8 + (size_t)width);
  }
  return true;
}

/* As of dbn 0.73 (October 2026) version 4 is in development, and its records' layouts are to come with the stream. */
static const char unreleased[] = "version 4 is not released, and its layouts are not settled; only versions 1 to 3 are known";

static assay_feed_step bad(assay_dbn_reader *reader, size_t at, const char *field, const char *problem) {
  return assay_feed_fail(&reader->in, at, 0, field, problem, "fetch the file again, or read it with a tool of its version");
}

assay_feed_step assay_dbn_read_metadata(assay_dbn_reader *reader) {
  assay_feed_reader *in = &reader->in;
  const uint8_t *bytes = in->data + in->at;
  size_t left = in->size - in->at;
  assay_dbn_metadata *m = &reader->metadata;
  if (in->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  if (left == 0 && in->last && in->base == 0) return ASSAY_FEED_END;
  if (memcmp(bytes, "DBN", left < 3 ? left : 3) != 0) return bad(reader, in->at, "magic", "these are not the bytes that DBN begins with");
  if (left < METADATA_HEAD) return assay_feed_short(in, "metadata");
  if (bytes[3] == 0 || bytes[3] > NEWEST)
    return assay_feed_fail(in, in->at + 3, 0, "version", bytes[3] == NEWEST + 1 ? unreleased : "only versions 1 to 3 are known",
                           "convert the file to version 3 with the venue's own tool (dbn, or databento's client)");
  uint32_t length = u32_at(bytes + 4);
  if (length < METADATA_FIXED + 5 * 4) return bad(reader, in->at + 4, "metadata length", "shorter than what metadata always has");
  if (length > UINT32_C(1) << 30) return bad(reader, in->at + 4, "metadata length", "more than a gigabyte");
  if (left - METADATA_HEAD < length) return assay_feed_short(in, "metadata");
  const uint8_t *fixed = bytes + METADATA_HEAD, *end = fixed + length;
  bool first = bytes[3] == 1;
  const uint8_t *types = fixed + (first ? 50 : 42);
  *m = (assay_dbn_metadata){.version = bytes[3],
                            .dataset = padded_text(fixed, 16),
                            .schema = (uint16_t)number_at(fixed + 16, 2),
                            .start_ns = u64_at(fixed + 18),
                            .end_ns = u64_at(fixed + 26),
                            .limit = u64_at(fixed + 34),
                            .stype_in = types[0],
                            .stype_out = types[1],
                            .ts_out = types[2] != 0,
                            .symbol_width = first ? 22 : (uint16_t)number_at(types + 3, 2)};
  if (m->symbol_width == 0) return bad(reader, (size_t)(types + 3 - in->data), "symbol_cstr_len", "no symbol is 0 characters long");
  const uint8_t *at = fixed + METADATA_FIXED;
  if (u32_at(at) != 0) return bad(reader, (size_t)(at - in->data), "schema definition", "the versions that are known have none");
  at += 4;
  if (!read_list(&at, end, m->symbol_width, &m->symbols))
    return bad(reader, (size_t)(at - in->data), "symbols", "longer than the metadata");
  if (!read_list(&at, end, m->symbol_width, &m->partial))
    return bad(reader, (size_t)(at - in->data), "partial", "longer than the metadata");
  if (!read_list(&at, end, m->symbol_width, &m->not_found))
    return bad(reader, (size_t)(at - in->data), "not_found", "longer than the metadata");
  if (!read_mappings(&at, end, m->symbol_width, m)) return bad(reader, (size_t)(at - in->data), "mappings", "longer than the metadata");
  in->at += METADATA_HEAD + length;
  reader->ready = true;
  return ASSAY_FEED_MESSAGE;
}

/* ---- Records ------------------------------------------------------------------------------------------------------------------------- */

void assay_dbn_open(assay_dbn_reader *reader, const void *bytes, size_t size) {
  *reader = (assay_dbn_reader){0};
  assay_feed_open(&reader->in, bytes, size);
}

/* The commonest first: files of orders are the ones that are large. */
static inline unsigned length_of(unsigned type, unsigned version) {
  if (type == ASSAY_DBN_MBO) return 56;
  const layout *l = layout_of(type, version);
  return l != NULL ? l->bytes : 0;
}

assay_feed_step assay_dbn_next(assay_dbn_reader *reader, assay_dbn_record *record) {
  assay_feed_reader *in = &reader->in;
  if (in->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  if (!reader->ready) {
    assay_feed_step step = assay_dbn_read_metadata(reader);
    if (step != ASSAY_FEED_MESSAGE) return step;
  }
  const unsigned more = reader->metadata.ts_out ? TS_OUT : 0;
  while (in->at < in->size) {
    const uint8_t *bytes = in->data + in->at;
    size_t left = in->size - in->at;
    unsigned length = bytes[0] * 4u;
    if (length < HEADER)
      return assay_feed_fail(in, in->at, 0, "length", "shorter than a record's header", "nothing behind this place can be read");
    if (left < HEADER) return assay_feed_short(in, "header");
    unsigned right = length_of(bytes[1], reader->metadata.version);
    if (right != 0 && length != right + more)
      return assay_feed_fail(in, in->at, length <= left ? in->at + length : 0, "length",
                             "not the length of this type of record in this version",
                             "skip it if the next record is right, else fetch the file again");
    if (length > left) return assay_feed_short(in, "record");
    in->at += length;
    if (right == 0) {
      reader->unknown++;
      continue;
    }
    in->count++;
    *record = (assay_dbn_record){
        .data = bytes, .length = (uint16_t)length, .type = bytes[1], .version = reader->metadata.version, .has_ts_out = more != 0};
    return ASSAY_FEED_MESSAGE;
  }
  return in->last ? ASSAY_FEED_END : ASSAY_FEED_MORE;
}

/* ---- Fields -------------------------------------------------------------------------------------------------------------------------- */

static unsigned count_of(const char **text) {
  unsigned count = 0;
  while (**text >= '0' && **text <= '9') count = count * 10 + (unsigned)(*(*text)++ - '0');
  return count;
}

/* The next field of a layout, padding passed over; false at its end. */
static bool next_field(const char **text, uint16_t *offset, assay_dbn_field *field) {
  static const char kinds[] = "uiptsc";
  while (**text != '\0') {
    const char *name = *text, *blank = strchr(name, ' ');
    bool padding = *name == '_';
    *text = blank + 1;
    char kind = padding ? 'u' : *(*text)++;
    unsigned bytes = count_of(text);
    while (**text == ' ') ++*text;
    *field = (assay_dbn_field){.name = {name, (size_t)(blank - name)},
                               .kind = (assay_dbn_kind)(strchr(kinds, kind) - kinds),
                               .offset = *offset,
                               .bytes = (uint16_t)bytes};
    *offset = (uint16_t)(*offset + bytes);
    if (!padding) return true;
  }
  return false;
}

typedef bool chosen(const assay_dbn_field *field, size_t index, const void *wanted);

static bool walk(const assay_dbn_record *record, chosen *is_wanted, const void *wanted, assay_dbn_field *field) {
  const layout *l = layout_of(record->type, record->version);
  if (l == NULL) return false;
  const char *parts[] = {header, l->fields, record->has_ts_out ? "ts_out t8 " : ""};
  uint16_t offset = 0;
  size_t index = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *text = parts[i];
    assay_dbn_field found;
    while (next_field(&text, &offset, &found))
      if (is_wanted(&found, index++, wanted)) {
        *field = found;
        return true;
      }
    if (i == 1) offset = l->bytes;
  }
  return false;
}

static bool has_index(const assay_dbn_field *field, size_t index, const void *wanted) {
  (void)field;
  return index == *(const size_t *)wanted;
}
static bool has_name(const assay_dbn_field *field, size_t index, const void *wanted) {
  const char *name = wanted;
  (void)index;
  return strlen(name) == field->name.length && memcmp(name, field->name.at, field->name.length) == 0;
}

bool assay_dbn_field_at(const assay_dbn_record *record, size_t index, assay_dbn_field *field) {
  return walk(record, has_index, &index, field);
}
bool assay_dbn_find(const assay_dbn_record *record, const char *name, assay_dbn_field *field) {
  return walk(record, has_name, name, field);
}

int64_t assay_dbn_number(const assay_dbn_record *record, const assay_dbn_field *field) {
  if (field->kind == ASSAY_DBN_TEXT || field->bytes > 8) return 0;
  uint64_t number = number_at(record->data + field->offset, field->bytes);
  unsigned unused = 64 - 8u * field->bytes;
  return field->kind == ASSAY_DBN_SIGNED || field->kind == ASSAY_DBN_PRICE ? (int64_t)(number << unused) >> unused : (int64_t)number;
}

assay_feed_text assay_dbn_text(const assay_dbn_record *record, const char *name) {
  assay_dbn_field field;
  if (!assay_dbn_find(record, name, &field) || field.kind != ASSAY_DBN_TEXT) return (assay_feed_text){0};
  return padded_text(record->data + field.offset, field.bytes);
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

enum { DECIMALS = 9 };
enum { FLAG_LAST = 128, FLAG_TOP = 64, FLAG_LEVEL = 16, FLAG_GAP = 4 }; /* F_LAST, F_TOB, F_MBP, F_MAYBE_BAD_BOOK */

static char side_of(uint8_t side) { return side == 'B' ? 'B' : side == 'A' ? 'S' : 0; }

static uint8_t flags_of(uint8_t flags) {
  return (uint8_t)(((flags & FLAG_LAST) != 0 ? ASSAY_MARKET_LAST : 0) | ((flags & FLAG_GAP) != 0 ? ASSAY_MARKET_GAP : 0));
}

/* Venues that publish their best prices only, and those that publish levels, come as orders too. The former's addition is all that there is
 * on its side (nothing, when it has no price), and so for the latter at a price. */
static bool put_level(const uint8_t *data, assay_market_event *event) {
  bool gone = data[38] == 'C' || event->price == ASSAY_DBN_NO_PRICE;
  if (event->side == 0 || strchr("AMC", data[38]) == NULL) return false;
  event->kind = ASSAY_MARKET_QUOTE;
  event->order_id = event->other_id = 0;
  if (gone) event->quantity = 0;
  if ((data[36] & FLAG_TOP) != 0) event->flags |= ASSAY_MARKET_WHOLE_SIDE;
  return true;
}

/* By the record's action: Add, Modify, Cancel, cleaR, Trade, Fill, None. A trade tells of the aggressor and a fill of the order that
 * rested; both leave the order as it is, a cancel takes off what was filled. */
static bool put_order(const uint8_t *data, assay_market_event *event) {
  uint8_t action = data[38];
  event->order_id = u64_at(data + 16);
  event->price = (int64_t)u64_at(data + 24);
  event->quantity = u32_at(data + 32);
  event->side = side_of(data[39]);
  event->flags = flags_of(data[36]);
  if ((data[36] & (FLAG_TOP | FLAG_LEVEL)) != 0 && action != 'R' && action != 'T') return put_level(data, event);
  switch (action) {
    case 'A': event->kind = ASSAY_MARKET_ADD; break;
    case 'M': event->kind = ASSAY_MARKET_REPLACE, event->other_id = event->order_id; break;
    case 'C': event->kind = ASSAY_MARKET_CANCEL; return event->quantity != 0;
    case 'R': event->kind = ASSAY_MARKET_CLEAR, event->price = 0; break;
    case 'T': event->kind = ASSAY_MARKET_TRADE; return event->price != ASSAY_DBN_NO_PRICE;
    default: return false;
  }
  return true;
}

/* Where ts_recv stands; 0: the record has none. */
static unsigned received_at(unsigned type) {
  switch (type) {
    case ASSAY_DBN_MBO: return 40;
    case ASSAY_DBN_STATUS: return 16;
    case ASSAY_DBN_TRADE:
    case ASSAY_DBN_MBP_1:
    case ASSAY_DBN_MBP_10:
    case ASSAY_DBN_CMBP_1:
    case ASSAY_DBN_TCBBO:
    case ASSAY_DBN_CBBO_1S:
    case ASSAY_DBN_CBBO_1M:
    case ASSAY_DBN_BBO_1S:
    case ASSAY_DBN_BBO_1M: return 32;
    default: return 0;
  }
}

/* Of what comes in intervals, and of some venues, the event has no time: then when it was received. */
static uint64_t time_of(const assay_dbn_record *record) {
  uint64_t time = u64_at(record->data + 8);
  unsigned at = received_at(record->type);
  return time != UINT64_MAX || at == 0 ? time : u64_at(record->data + at);
}

static bool put_trade(const uint8_t *data, assay_market_event *event) {
  event->kind = ASSAY_MARKET_TRADE;
  event->price = (int64_t)u64_at(data + 16);
  event->quantity = u32_at(data + 24);
  event->side = side_of(data[29]);
  event->flags = flags_of(data[30]);
  return event->price != ASSAY_DBN_NO_PRICE;
}

bool assay_dbn_event(const assay_dbn_reader *reader, const assay_dbn_record *record, assay_market_event *event) {
  const uint8_t *data = record->data;
  (void)reader;
  *event = (assay_market_event){.time_ns = time_of(record), .symbol = assay_dbn_instrument(record), .decimals = DECIMALS};
  switch (record->type) {
    case ASSAY_DBN_MBO: return put_order(data, event);
    case ASSAY_DBN_MBP_1:
    case ASSAY_DBN_MBP_10:
    case ASSAY_DBN_CMBP_1:
    case ASSAY_DBN_TCBBO: return data[28] == 'T' && put_trade(data, event);
    case ASSAY_DBN_TRADE: return put_trade(data, event);
    case ASSAY_DBN_OHLCV:
    case ASSAY_DBN_OHLCV_1S:
    case ASSAY_DBN_OHLCV_1M:
    case ASSAY_DBN_OHLCV_1H:
    case ASSAY_DBN_OHLCV_1D:
    case ASSAY_DBN_OHLCV_EOD: /* its volume at its close */
      event->kind = ASSAY_MARKET_TRADE;
      event->price = (int64_t)u64_at(data + 40);
      event->quantity = u64_at(data + 48);
      return event->price != ASSAY_DBN_NO_PRICE;
    case ASSAY_DBN_STATUS:
      event->kind = ASSAY_MARKET_STATUS;
      event->order_id = number_at(data + 24, 2);
      return true;
    default: return false;
  }
}

static size_t levels_of(unsigned type) {
  switch (type) {
    case ASSAY_DBN_MBP_10: return 10;
    case ASSAY_DBN_MBP_1:
    case ASSAY_DBN_CMBP_1:
    case ASSAY_DBN_TCBBO:
    case ASSAY_DBN_CBBO_1S:
    case ASSAY_DBN_CBBO_1M:
    case ASSAY_DBN_BBO_1S:
    case ASSAY_DBN_BBO_1M: return 1;
    default: return 0;
  }
}

/* Merged levels name a venue where the others count orders. */
static bool counts_orders(unsigned type) {
  return type == ASSAY_DBN_MBP_1 || type == ASSAY_DBN_MBP_10 || type == ASSAY_DBN_BBO_1S || type == ASSAY_DBN_BBO_1M;
}

size_t assay_dbn_quotes(const assay_dbn_record *record, assay_market_event *events, size_t capacity) {
  size_t levels = levels_of(record->type), count = 0;
  uint8_t flags = levels > 0 ? flags_of(record->data[30]) & ASSAY_MARKET_GAP : 0;
  for (size_t i = 0; i < 2 * levels && count < capacity; i++, count++) {
    const uint8_t *level = record->data + 48 + 32 * (i / 2);
    bool ask = i % 2 == 1;
    int64_t price = (int64_t)u64_at(level + (ask ? 8 : 0));
    bool there = price != ASSAY_DBN_NO_PRICE;
    events[count] = (assay_market_event){
        .time_ns = time_of(record),
        .symbol = assay_dbn_instrument(record),
        .decimals = DECIMALS,
        .kind = ASSAY_MARKET_QUOTE,
        .side = ask ? 'S' : 'B',
        .price = price,
        .quantity = there ? u32_at(level + (ask ? 20 : 16)) : 0,
        .order_id = there && counts_orders(record->type) ? u32_at(level + (ask ? 28 : 24)) : 0,
        .flags = (uint8_t)(flags | (i < 2 ? ASSAY_MARKET_WHOLE_SIDE : 0) | (i + 1 == 2 * levels ? ASSAY_MARKET_LAST : 0))};
  }
  return count;
}

size_t assay_dbn_events(const assay_dbn_reader *reader, const assay_dbn_record *record, uint32_t symbol,
                        assay_market_event events[ASSAY_DBN_MOST_EVENTS]) {
  size_t count = assay_dbn_event(reader, record, events);
  size_t quotes = assay_dbn_quotes(record, events + count, ASSAY_DBN_MOST_EVENTS - count);
  if (count > 0 && quotes > 0) events[0].flags &= (uint8_t)~ASSAY_MARKET_LAST;
  count += quotes;
  for (size_t i = 0; i < count; i++) events[i].symbol = symbol;
  return count;
}
