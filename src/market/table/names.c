/* SPDX-License-Identifier: MIT */
#include "market/table/names.h"

#include <string.h>
#include <strings.h>

const char *const assay_column_texts[ASSAY_COLUMN_ROLES] = {
    "",    "time",  "date", "price",    "quantity", "side",      "is_buyer_maker", "symbol",     "open",        "high",
    "low", "close", "type", "order id", "price",    "direction", "action",         "event type", "is_snapshot", "adjusted close"};

enum { FEEDS = ASSAY_IN_FEEDS, TABLES = ASSAY_IN_TABLES, BOTH = FEEDS | TABLES, PERHAPS = ASSAY_PERHAPS_IN_TABLES };

/*
 * Of a role the best name is first: a table that has "date" and "close_time" is dated by "date". A feed takes its first column of a role:
 * where it has several, such as the participant's time and that of the tape, that is the earlier.
 */
static const struct {
  const char *name;
  uint8_t role, use;
} names[] = {{"date", ASSAY_COLUMN_DATE, BOTH},
             {"datetime", ASSAY_COLUMN_TIME, BOTH},
             {"timestamp", ASSAY_COLUMN_TIME, BOTH},
             {"ts", ASSAY_COLUMN_TIME, BOTH},
             {"open_time", ASSAY_COLUMN_TIME, BOTH},
             {"open time", ASSAY_COLUMN_TIME, BOTH},
             {"gmt time", ASSAY_COLUMN_TIME, BOTH},
             {"local time", ASSAY_COLUMN_TIME, BOTH},
             {"datum", ASSAY_COLUMN_DATE, BOTH},
             {"dtyyyymmdd", ASSAY_COLUMN_DATE, BOTH},
             {"trade date", ASSAY_COLUMN_DATE, BOTH},
             {"trade_date", ASSAY_COLUMN_DATE, BOTH},
             {"exchange date", ASSAY_COLUMN_DATE, BOTH},
             {"unix", ASSAY_COLUMN_TIME, BOTH},
             {"epoch", ASSAY_COLUMN_TIME, BOTH},
             {"date-time", ASSAY_COLUMN_TIME, BOTH},
             {"date_time", ASSAY_COLUMN_TIME, BOTH},
             {"ts_event", ASSAY_COLUMN_TIME, BOTH},
             {"mts", ASSAY_COLUMN_TIME, BOTH},
             {"window_start", ASSAY_COLUMN_TIME, BOTH},
             {"begins_at", ASSAY_COLUMN_TIME, BOTH},
             {"timeopen", ASSAY_COLUMN_TIME, BOTH},
             {"time_open", ASSAY_COLUMN_TIME, BOTH},
             {"time_utc", ASSAY_COLUMN_TIME, BOTH},
             {"datetime_utc", ASSAY_COLUMN_TIME, BOTH},
             {"unix time", ASSAY_COLUMN_TIME, BOTH},
             {"unix_time", ASSAY_COLUMN_TIME, BOTH},
             {"unixtime", ASSAY_COLUMN_TIME, BOTH},
             {"unix timestamp", ASSAY_COLUMN_TIME, BOTH},
             {"unix_timestamp", ASSAY_COLUMN_TIME, BOTH},
             {"observation_date", ASSAY_COLUMN_DATE, BOTH},
             {"time", ASSAY_COLUMN_TIME, BOTH},
             {"transact_time", ASSAY_COLUMN_TIME, BOTH},
             {"participant_timestamp", ASSAY_COLUMN_TIME, BOTH},
             {"sip_timestamp", ASSAY_COLUMN_TIME, BOTH},
             {"created_at", ASSAY_COLUMN_TIME, BOTH},
             {"created at", ASSAY_COLUMN_TIME, BOTH},
             {"created_time", ASSAY_COLUMN_TIME, BOTH},
             {"trade_time", ASSAY_COLUMN_TIME, BOTH},
             {"trade time", ASSAY_COLUMN_TIME, BOTH},
             {"exchange_time", ASSAY_COLUMN_TIME, BOTH},
             {"time_m", ASSAY_COLUMN_TIME, BOTH},
             {"day", ASSAY_COLUMN_DATE, TABLES},
             {"month", ASSAY_COLUMN_DATE, TABLES},
             {"period", ASSAY_COLUMN_DATE, TABLES},
             {"close_time", ASSAY_COLUMN_TIME, TABLES},
             {"close time", ASSAY_COLUMN_TIME, TABLES},
             {"close", ASSAY_COLUMN_CLOSE, BOTH},
             {"price", ASSAY_COLUMN_PRICE, BOTH},
             {"px", ASSAY_COLUMN_PRICE, FEEDS},
             {"value", ASSAY_COLUMN_PRICE, TABLES},
             {"last", ASSAY_COLUMN_PRICE, BOTH},
             {"close/last", ASSAY_COLUMN_PRICE, BOTH},
             {"px_last", ASSAY_COLUMN_PRICE, BOTH},
             {"last price", ASSAY_COLUMN_PRICE, BOTH},
             {"last_price", ASSAY_COLUMN_PRICE, BOTH},
             {"trade price", ASSAY_COLUMN_PRICE, FEEDS},
             {"trade_price", ASSAY_COLUMN_PRICE, FEEDS},
             {"closing price", ASSAY_COLUMN_PRICE, BOTH},
             {"adj close", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"adjclose", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"adj_close", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"nav", ASSAY_COLUMN_PRICE, TABLES},
             {"adjusted", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"adjusted_close", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"adjusted close", ASSAY_COLUMN_ADJUSTED, TABLES},
             {"open", ASSAY_COLUMN_OPEN, BOTH},
             {"px_open", ASSAY_COLUMN_OPEN, BOTH},
             {"open price", ASSAY_COLUMN_OPEN, BOTH},
             {"open_price", ASSAY_COLUMN_OPEN, BOTH},
             {"high", ASSAY_COLUMN_HIGH, BOTH},
             {"px_high", ASSAY_COLUMN_HIGH, BOTH},
             {"high price", ASSAY_COLUMN_HIGH, BOTH},
             {"high_price", ASSAY_COLUMN_HIGH, BOTH},
             {"low", ASSAY_COLUMN_LOW, BOTH},
             {"px_low", ASSAY_COLUMN_LOW, BOTH},
             {"low price", ASSAY_COLUMN_LOW, BOTH},
             {"low_price", ASSAY_COLUMN_LOW, BOTH},
             {"volume", ASSAY_COLUMN_QUANTITY, BOTH},
             {"vol", ASSAY_COLUMN_QUANTITY, BOTH},
             {"vol.", ASSAY_COLUMN_QUANTITY, BOTH},
             {"px_volume", ASSAY_COLUMN_QUANTITY, BOTH},
             {"volume (shares)", ASSAY_COLUMN_QUANTITY, BOTH},
             {"total volume", ASSAY_COLUMN_QUANTITY, BOTH},
             {"tottrdqty", ASSAY_COLUMN_QUANTITY, BOTH},
             {"quantity", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"qty", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"size", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"amount", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"shares", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"sz", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"tickvol", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"trade volume", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"trade_volume", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"trade_size", ASSAY_COLUMN_QUANTITY, FEEDS},
             {"symbol", ASSAY_COLUMN_SYMBOL, BOTH},
             {"ticker", ASSAY_COLUMN_SYMBOL, BOTH},
             {"#ric", ASSAY_COLUMN_SYMBOL, TABLES},
             {"sym_root", ASSAY_COLUMN_SYMBOL, BOTH},
             {"instid", ASSAY_COLUMN_SYMBOL, BOTH},
             {"instrument_id", ASSAY_COLUMN_SYMBOL, TABLES}, /* of a feed: a number that may have a name beside it */
             {"product_id", ASSAY_COLUMN_SYMBOL, BOTH},
             {"ric", ASSAY_COLUMN_SYMBOL, FEEDS | PERHAPS},
             {"instrument", ASSAY_COLUMN_SYMBOL, FEEDS | PERHAPS},
             {"instrument_name", ASSAY_COLUMN_SYMBOL, FEEDS | PERHAPS},
             {"asset", ASSAY_COLUMN_SYMBOL, PERHAPS},
             {"pair", ASSAY_COLUMN_SYMBOL, FEEDS | PERHAPS},
             {"name", ASSAY_COLUMN_SYMBOL, PERHAPS},
             {"tic", ASSAY_COLUMN_SYMBOL, PERHAPS},
             {"stock", ASSAY_COLUMN_SYMBOL, FEEDS},
             {"sym", ASSAY_COLUMN_SYMBOL, FEEDS},
             {"side", ASSAY_COLUMN_SIDE, FEEDS},
             {"aggressor", ASSAY_COLUMN_SIDE, FEEDS},
             {"aggressor_side", ASSAY_COLUMN_SIDE, FEEDS},
             {"taker_side", ASSAY_COLUMN_SIDE, FEEDS},
             {"direction", ASSAY_COLUMN_SIDE, FEEDS},
             {"is_buyer_maker", ASSAY_COLUMN_MAKER, FEEDS},
             {"isbuyermaker", ASSAY_COLUMN_MAKER, FEEDS},
             {"order_id", ASSAY_COLUMN_ORDER_ID, FEEDS},
             {"action", ASSAY_COLUMN_ACTION, FEEDS},
             {"eventtype", ASSAY_COLUMN_WORD, FEEDS},
             {"event_type", ASSAY_COLUMN_WORD, FEEDS},
             {"type", ASSAY_COLUMN_WORD, FEEDS},
             {"is_snapshot", ASSAY_COLUMN_SNAPSHOT, FEEDS},
             {"update_type", ASSAY_COLUMN_SNAPSHOT, FEEDS}};

enum { NAMES = sizeof names / sizeof *names };

bool assay_is_word(const char *text, size_t length, const char *name) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    if (name[i] == '\0' || c != name[i]) return false;
  }
  return name[length] == '\0';
}

/* Without the <> of MetaTrader and Stooq, the # of Refinitiv, what stands behind a / in another language (OKX), and blanks in quotes. */
const char *assay_column_plain(const char *text, size_t *length) {
  size_t left = *length;
  for (; left > 0 && (*text == '<' || *text == '#' || *text == ' '); left--) text++;
  for (size_t i = 1; i + 1 < left; i++)
    if (text[i] == '/' && (unsigned char)text[i + 1] >= 0x80) left = i;
  while (left > 0 && (text[left - 1] == '>' || text[left - 1] == ' ')) left--;
  *length = left;
  return text;
}

/* The ns of "_ms" and such; 0: it is none. */
static uint64_t unit_of(const char *ending, size_t length) {
  static const struct {
    const char *ending;
    uint64_t ns;
  } units[] = {{"_s", 1000000000}, {"_ms", 1000000}, {"_us", 1000}, {"_ns", 1}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (assay_is_word(ending, length, units[i].ending)) return units[i].ns;
  return 0;
}

assay_column assay_column_of(const char *name, size_t length, uint64_t *scale) {
  name = assay_column_plain(name, &length);
  for (size_t i = 0; i < NAMES; i++)
    if ((names[i].use & ASSAY_IN_FEEDS) != 0 && assay_is_word(name, length, names[i].name)) return (assay_column)names[i].role;
  for (size_t i = 0; i < NAMES; i++) {
    const size_t whole = strlen(names[i].name);
    if (names[i].role != ASSAY_COLUMN_TIME || (names[i].use & ASSAY_IN_FEEDS) == 0 || length <= whole) continue;
    const uint64_t unit = assay_is_word(name, whole, names[i].name) ? unit_of(name + whole, length - whole) : 0;
    if (unit == 0) continue;
    *scale = unit;
    return ASSAY_COLUMN_TIME;
  }
  return ASSAY_COLUMN_PASSED;
}

const char *assay_column_next_name(uint32_t roles, unsigned use, size_t *at) {
  while (*at < NAMES) {
    const size_t i = (*at)++;
    if ((names[i].use & use) != 0 && (roles & ASSAY_COLUMN_BIT(names[i].role)) != 0) return names[i].name;
  }
  return NULL;
}

bool assay_column_is_called(const char *given, const char *name) {
  size_t length = strlen(given);
  if (strcasecmp(given, name) == 0) return true;
  given = assay_column_plain(given, &length);
  return strlen(name) == length && strncasecmp(given, name, length) == 0;
}

bool assay_column_is_some_volume(const char *given, size_t length) {
  given = assay_column_plain(given, &length);
  return length > 7 && assay_is_word(given, 6, "volume") && (given[6] == ' ' || given[6] == '_');
}
