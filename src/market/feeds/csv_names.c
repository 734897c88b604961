/* SPDX-License-Identifier: MIT */
#include "market/feeds/csv.h"

#include <string.h>

#include "market/feeds/cells.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"
#include "market/table/bare.h"

bool assay_csv_has(const assay_csv_reader *reader, assay_column wanted) {
  return memchr(reader->roles, (int)wanted, reader->columns) != NULL;
}

/* ---- A line of names ----------------------------------------------------------------------------------------------------------------- */

static bool is_word(assay_feed_text cell, const char *word) { return assay_is_word(cell.at, cell.length, word); }

/* Names that say something only beside others. */
typedef struct hints {
  size_t name, instrument, volume; /* columns + 1; 0: none */
  bool rtype;
} hints;

static void take_hint(assay_feed_text cell, size_t column, hints *h) {
  if (h->name == 0 && is_word(cell, "name")) h->name = column + 1;
  if (h->instrument == 0 && is_word(cell, "instrument_id")) h->instrument = column + 1;
  if (h->volume == 0 && assay_column_is_some_volume(cell.at, cell.length)) h->volume = column + 1;
  h->rtype = h->rtype || is_word(cell, "rtype");
}

static void replace_role(assay_csv_reader *reader, assay_column from, assay_column to) {
  uint8_t *role = memchr(reader->roles, (int)from, reader->columns);
  if (role != NULL) *role = (uint8_t)to;
}

static void weigh(assay_csv_reader *reader, const hints *h) {
  const bool has_ranges =
      assay_csv_has(reader, ASSAY_COLUMN_OPEN) && assay_csv_has(reader, ASSAY_COLUMN_HIGH) && assay_csv_has(reader, ASSAY_COLUMN_LOW);
  /* "Last" behind open, high and low is how the bar ended. */
  if (has_ranges && !assay_csv_has(reader, ASSAY_COLUMN_CLOSE)) replace_role(reader, ASSAY_COLUMN_PRICE, ASSAY_COLUMN_CLOSE);
  reader->bars = has_ranges && assay_csv_has(reader, ASSAY_COLUMN_CLOSE);
  const bool has_symbol = assay_csv_has(reader, ASSAY_COLUMN_SYMBOL);
  if (!has_symbol && h->rtype && h->instrument > 0) reader->roles[h->instrument - 1] = ASSAY_COLUMN_SYMBOL;
  if (!has_symbol && reader->bars && h->name > 0) reader->roles[h->name - 1] = ASSAY_COLUMN_SYMBOL;
  if (!assay_csv_has(reader, ASSAY_COLUMN_QUANTITY) && h->volume > 0) reader->roles[h->volume - 1] = ASSAY_COLUMN_QUANTITY;
  reader->databento = h->rtype;
  if (!h->rtype) {
    replace_role(reader, ASSAY_COLUMN_ACTION, ASSAY_COLUMN_PASSED);
    replace_role(reader, ASSAY_COLUMN_ORDER_ID, ASSAY_COLUMN_PASSED);
  }
  reader->levels = !reader->bars && assay_csv_has(reader, ASSAY_COLUMN_SNAPSHOT) && assay_csv_has(reader, ASSAY_COLUMN_SIDE);
  reader->orders = assay_csv_has(reader, ASSAY_COLUMN_ACTION) && assay_csv_has(reader, ASSAY_COLUMN_ORDER_ID);
}

assay_csv_names assay_csv_read_names(assay_csv_reader *reader, const char *line, size_t length, size_t *at, const char **missing) {
  hints h = {0};
  reader->separator = assay_cells_separator(line, length);
  for (*at = 0;; ++*at) {
    assay_feed_text cell;
    if (!assay_cells_read(line, length, reader->separator, at, &cell)) return ASSAY_CSV_OPEN_QUOTE;
    if (reader->columns == ASSAY_CSV_MOST_COLUMNS) return ASSAY_CSV_TOO_MANY;
    uint64_t scale = 0; /* of this column's name */
    cell.at = assay_column_plain(cell.at, &cell.length);
    assay_column found = assay_column_of(cell.at, cell.length, &scale);
    if (found != ASSAY_COLUMN_PASSED && assay_csv_has(reader, found))
      found = ASSAY_COLUMN_PASSED; /* "volume" behind "size": the first counts */
    if (found == ASSAY_COLUMN_TIME) reader->time_scale = scale;
    take_hint(cell, reader->columns, &h);
    reader->roles[reader->columns++] = (uint8_t)found;
    if (*at >= length) break;
  }
  weigh(reader, &h);
  const bool has_time = assay_csv_has(reader, ASSAY_COLUMN_TIME) || assay_csv_has(reader, ASSAY_COLUMN_DATE);
  *missing = !has_time ? "time" : !reader->bars && !assay_csv_has(reader, ASSAY_COLUMN_PRICE) ? "price" : NULL;
  if (*missing != NULL) {
    reader->columns = 0;
    return ASSAY_CSV_MISSING;
  }
  reader->quantities = assay_csv_has(reader, ASSAY_COLUMN_QUANTITY);
  return ASSAY_CSV_NAMED;
}

bool assay_csv_is_title(const char *line, size_t length) {
  if (length == 5 && assay_is_word(line, 4, "sep=")) return true; /* what follows shows it */
  for (size_t i = 0; i < length; i++)
    if (line[i] == ',' || line[i] == ';' || line[i] == '\t' || line[i] == '|' || line[i] == '\0') return false;
  return length > 0 && line[0] != '{' && line[0] != '[' && memchr(line, '=', length < 6 ? length : 6) == NULL;
}

/* ---- Without a line of names --------------------------------------------------------------------------------------------------------- */

/* Seconds since 1970, of 2001 to 2286. */
static bool is_second(assay_feed_text cell) {
  const char *point = memchr(cell.at, '.', cell.length);
  return (point != NULL ? (size_t)(point - cell.at) : cell.length) == 10 && cell.at[0] >= '1' && assay_bare_is_number(cell);
}

/* "34200.004241176,1,16113575,18,5853300,1": seconds of a day, one of seven types, three whole numbers, a direction. */
static bool is_lobster(const assay_feed_text cells[6]) {
  const assay_feed_text time = cells[0], type = cells[1], way = cells[5];
  const char *point = memchr(time.at, '.', time.length);
  const size_t seconds = point != NULL ? (size_t)(point - time.at) : time.length;
  for (int i = 2; i < 5; i++)
    for (size_t k = 0; k < cells[i].length; k++)
      if ((cells[i].at[k] < '0' || cells[i].at[k] > '9') && (k > 0 || cells[i].at[k] != '-')) return false;
  return seconds >= 1 && seconds <= 5 && assay_bare_is_number(time) && type.length == 1 && type.at[0] >= '1' && type.at[0] <= '7' &&
         way.length >= 1 && way.length <= 2 && way.at[way.length - 1] == '1' && (way.length == 1 || way.at[0] == '-');
}

/* Two numbers within 2 % of each other are a bid and an ask. */
static bool are_near(const assay_feed_text cells[2]) {
  int64_t a = 0, b = 0;
  if (!assay_feed_decimal(cells[0].at, cells[0].length, ASSAY_FEED_MOST_DECIMALS - 5, &a) ||
      !assay_feed_decimal(cells[1].at, cells[1].length, ASSAY_FEED_MOST_DECIMALS - 5, &b))
    return false;
  return a - b <= a / 50 && b - a <= a / 50;
}

static size_t set_bars(uint8_t *roles, size_t first, size_t count) {
  static const uint8_t bar[] = {ASSAY_COLUMN_OPEN, ASSAY_COLUMN_HIGH, ASSAY_COLUMN_LOW, ASSAY_COLUMN_CLOSE, ASSAY_COLUMN_QUANTITY};
  memcpy(roles + first, bar, count - first < sizeof bar ? count - first : sizeof bar);
  return count;
}

/* When, and then a bar; or a price and a quantity. Of counts since 1970 only seconds are known here, as Kraken and BitcoinCharts have them.
 */
static size_t roles_of_dated(const assay_feed_text *cells, size_t count, uint8_t *roles) {
  const size_t first = assay_bare_moment(cells, count), left = count - first;
  const bool is_counted = assay_bare_is_number(cells[0]), has_clock = first == 2;
  if (first == 0 || left == 0 || (is_counted && !is_second(cells[0]))) return 0;
  for (size_t i = first; i < count; i++)
    if (!assay_bare_is_number(cells[i])) return 0;
  const bool is_bar = assay_bare_is_bar(cells + first, left, is_counted);
  if (!is_bar && (left != 2 || are_near(cells + first))) return 0;
  roles[0] = has_clock ? ASSAY_COLUMN_DATE : ASSAY_COLUMN_TIME;
  if (has_clock) roles[1] = ASSAY_COLUMN_TIME;
  if (is_bar) return set_bars(roles, first, count);
  roles[first] = ASSAY_COLUMN_PRICE;
  roles[first + 1] = ASSAY_COLUMN_QUANTITY;
  return count;
}

static size_t roles_of_binance(const assay_feed_text *cells, size_t count, uint8_t *roles) {
  const assay_bare_table table = assay_bare_binance(cells, count);
  const size_t time = table == ASSAY_BARE_TRADES ? 4 : 5;
  if (table == ASSAY_BARE_OTHER || table == ASSAY_BARE_BOOK_TICKER) return 0;
  if (table == ASSAY_BARE_KLINES) {
    roles[0] = ASSAY_COLUMN_TIME;
    set_bars(roles, 1, 6);
    return count;
  }
  roles[1] = ASSAY_COLUMN_PRICE;
  roles[2] = ASSAY_COLUMN_QUANTITY;
  roles[time] = ASSAY_COLUMN_TIME;
  roles[time + 1] = ASSAY_COLUMN_MAKER;
  return count;
}

size_t assay_csv_bare_roles(const char *line, size_t length, uint8_t roles[ASSAY_CSV_BARE_COLUMNS]) {
  assay_feed_text cells[ASSAY_CSV_BARE_COLUMNS];
  const char separator = assay_cells_separator(line, length);
  size_t count = 0, values = 0;
  for (size_t at = 0; count == 0 || at <= length; at++) {
    if (count == ASSAY_CSV_BARE_COLUMNS || !assay_cells_read(line, length, separator, &at, &cells[count])) return 0;
    const bool is_signed = cells[count].length > 1 && cells[count].at[0] == '-';
    const assay_feed_text digits = {cells[count].at + is_signed, cells[count].length - is_signed};
    values += assay_bare_is_number(digits) || assay_bare_is_truth(cells[count]);
    count++;
  }
  memset(roles, ASSAY_COLUMN_PASSED, ASSAY_CSV_BARE_COLUMNS);
  const size_t dated = roles_of_dated(cells, count, roles);
  if (dated > 0 || values < count || separator != ',') return dated;
  if (count == 6 && is_lobster(cells)) {
    static const uint8_t orders[] = {ASSAY_COLUMN_TIME,     ASSAY_COLUMN_EVENT,  ASSAY_COLUMN_ORDER_ID,
                                     ASSAY_COLUMN_QUANTITY, ASSAY_COLUMN_PRICE4, ASSAY_COLUMN_DIRECTION};
    memcpy(roles, orders, sizeof orders);
    return count;
  }
  return roles_of_binance(cells, count, roles);
}

bool assay_csv_read_bare(assay_csv_reader *reader, const char *line, size_t length) {
  size_t count = assay_csv_bare_roles(line, length, reader->roles);
  if (count == 0) return false;
  reader->columns = (uint8_t)count;
  reader->separator = assay_cells_separator(line, length);
  reader->bars = assay_csv_has(reader, ASSAY_COLUMN_OPEN);
  reader->orders = assay_csv_has(reader, ASSAY_COLUMN_EVENT);
  if (reader->orders) reader->time_scale = 1000000000;
  reader->quantities = assay_csv_has(reader, ASSAY_COLUMN_QUANTITY);
  return true;
}
