/* SPDX-License-Identifier: MIT */
#include <assay/feed_csv.h>

#include <string.h>

#include "base/moment.h"
#include "market/feeds/cells.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"

enum { LOBSTER_DECIMALS = 4, HALT = 7 };

/* ---- Times --------------------------------------------------------------------------------------------------------------------------- */

static bool read_number_time(const char *text, size_t length, uint64_t scale, uint64_t *time_ns) {
  uint64_t number = 0;
  size_t digits = assay_feed_whole_slow(text, length, &number);
  if (digits == 0) return false;
  if (scale == 0) scale = assay_moment_unit(number);
  uint64_t ns, unit = scale;
  if (__builtin_mul_overflow(number, scale, &ns)) return false;
  if (digits < length && text[digits++] != '.') return false;
  for (; digits < length; digits++) {
    if (text[digits] < '0' || text[digits] > '9') return false;
    unit /= 10; /* what is finer than a nanosecond is cut off */
    if (__builtin_add_overflow(ns, (uint64_t)(text[digits] - '0') * unit, &ns)) return false;
  }
  *time_ns = ns;
  return true;
}

/* Where the unit is known, eight digits are no date. */
bool assay_feed_time(const char *text, size_t length, uint64_t scale, uint64_t *time_ns) {
  assay_moment moment;
  int64_t ns = 0;
  bool is_compact = length >= 5 && text[4] >= '0' && text[4] <= '9';
  if ((scale != 0 && is_compact) || !assay_moment_read(text, length, &moment)) return read_number_time(text, length, scale, time_ns);
  if (!assay_moment_ns(&moment, &ns) || ns < 0) return false;
  *time_ns = (uint64_t)ns;
  return true;
}

/* ---- The line of names --------------------------------------------------------------------------------------------------------------- */

typedef enum role {
  PASSED,
  TIME,
  DATE,
  PRICE,
  QUANTITY,
  SIDE,
  MAKER,
  SYMBOL,
  OPEN,
  HIGH,
  LOW,
  CLOSE,
  EVENT,
  ORDER,
  PRICE4,
  DIRECTION,
  ROLES
} role;
static const char *const role_names[ROLES] = {"",     "time", "date", "price", "quantity", "side",     "is_buyer_maker", "symbol",
                                              "open", "high", "low",  "close", "type",     "order id", "price",          "direction"};

static const struct {
  const char *name;
  role role;
} names[] = {{"time", TIME},          {"timestamp", TIME},
             {"datetime", TIME},      {"ts", TIME},
             {"ts_event", TIME},      {"open time", TIME},
             {"gmt time", TIME},      {"open_time", TIME},
             {"transact_time", TIME}, {"date", DATE},
             {"price", PRICE},        {"px", PRICE},
             {"last", PRICE},         {"quantity", QUANTITY},
             {"qty", QUANTITY},       {"size", QUANTITY},
             {"amount", QUANTITY},    {"volume", QUANTITY},
             {"shares", QUANTITY},    {"side", SIDE},
             {"aggressor", SIDE},     {"is_buyer_maker", MAKER},
             {"isbuyermaker", MAKER}, {"symbol", SYMBOL},
             {"ticker", SYMBOL},      {"stock", SYMBOL},
             {"instrument", SYMBOL},  {"open", OPEN},
             {"high", HIGH},          {"low", LOW},
             {"close", CLOSE}};

static role role_of(assay_feed_text cell, uint64_t *scale) {
  static const struct {
    const char *ending;
    uint64_t scale;
  } units[] = {{"_s", 1000000000}, {"_ms", 1000000}, {"_us", 1000}, {"_ns", 1}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (assay_cells_are_word(cell.at, cell.length, names[i].name)) return names[i].role;
    size_t length = strlen(names[i].name);
    if (names[i].role != TIME || cell.length <= length || !assay_cells_are_word(cell.at, length, names[i].name)) continue;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
      if (assay_cells_are_word(cell.at + length, cell.length - length, units[u].ending)) {
        *scale = units[u].scale;
        return TIME;
      }
  }
  return PASSED;
}

static assay_feed_step bad(assay_csv_reader *reader, const char *at, size_t next, const char *column, const char *problem,
                           const char *mend) {
  return assay_feed_fail(&reader->in, (size_t)((const uint8_t *)at - reader->in.data), next, column, problem, mend);
}

static bool has(const assay_csv_reader *reader, role wanted) { return memchr(reader->roles, (int)wanted, reader->columns) != NULL; }

/* ---- Without a line of names --------------------------------------------------------------------------------------------------------- */

static bool is_truth(assay_feed_text cell) {
  return assay_cells_are_word(cell.at, cell.length, "true") || assay_cells_are_word(cell.at, cell.length, "false");
}

static bool is_number(assay_feed_text cell) {
  size_t digits = 0, points = 0;
  for (size_t i = 0; i < cell.length; i++) {
    digits += cell.at[i] >= '0' && cell.at[i] <= '9';
    points += cell.at[i] == '.';
  }
  return digits > 0 && points <= 1 && digits + points == cell.length;
}

/* Thirteen digits of milliseconds or sixteen of microseconds. */
static bool is_moment(assay_feed_text cell) {
  uint64_t value;
  return (cell.length == 13 || cell.length == 16) && assay_feed_whole_slow(cell.at, cell.length, &value) == cell.length;
}

/*
 * Binance's bulk files of its spot market (data.binance.vision) have no names; which of the three they are is seen by where the time and
 * the truth values stand:
 *   trades      id, price, qty, quoteQty, time, isBuyerMaker[, isBestMatch]
 *   aggTrades   id, price, qty, first id, last id, time, isBuyerMaker[, isBestMatch]
 *   klines      open time, open, high, low, close, volume, close time, and five more numbers
 */
/* "34200.004241176,1,16113575,18,5853300,1": seconds of a day, one of seven types, three whole numbers, a direction. */
static bool is_lobster(const assay_feed_text cells[6]) {
  const assay_feed_text time = cells[0], type = cells[1], way = cells[5];
  const char *point = memchr(time.at, '.', time.length);
  const size_t seconds = point != NULL ? (size_t)(point - time.at) : time.length;
  for (int i = 2; i < 5; i++)
    for (size_t k = 0; k < cells[i].length; k++)
      if ((cells[i].at[k] < '0' || cells[i].at[k] > '9') && (k > 0 || cells[i].at[k] != '-')) return false;
  return seconds >= 1 && seconds <= 5 && is_number(time) && type.length == 1 && type.at[0] >= '1' && type.at[0] <= '7' && way.length >= 1 &&
         way.length <= 2 && way.at[way.length - 1] == '1' && (way.length == 1 || way.at[0] == '-');
}

size_t assay_csv_bare_roles(const char *line, size_t length, uint8_t roles[ASSAY_CSV_BARE_COLUMNS]) {
  assay_feed_text cells[ASSAY_CSV_BARE_COLUMNS];
  size_t count = 0;
  for (size_t at = 0; count == 0 || at <= length; at++) {
    if (count == ASSAY_CSV_BARE_COLUMNS || !assay_cells_read(line, length, ',', &at, &cells[count])) return 0;
    const bool is_signed = cells[count].length > 1 && cells[count].at[0] == '-';
    const assay_feed_text digits = {cells[count].at + is_signed, cells[count].length - is_signed};
    if (!is_number(digits) && !is_truth(cells[count])) return 0;
    count++;
  }
  memset(roles, PASSED, ASSAY_CSV_BARE_COLUMNS);
  if (count == 12 && is_moment(cells[0]) && is_moment(cells[6])) {
    static const uint8_t klines[] = {TIME, OPEN, HIGH, LOW, CLOSE, QUANTITY};
    memcpy(roles, klines, sizeof klines);
    return count;
  }
  if (count == 6 && is_lobster(cells)) {
    static const uint8_t orders[] = {TIME, EVENT, ORDER, QUANTITY, PRICE4, DIRECTION};
    memcpy(roles, orders, sizeof orders);
    return count;
  }
  size_t time = count == 6 || (count == 7 && is_truth(cells[5])) ? 4 : 5;
  if (count < 6 || count > 8 || !is_moment(cells[time]) || !is_truth(cells[time + 1])) return 0;
  roles[1] = PRICE;
  roles[2] = QUANTITY;
  roles[time] = TIME;
  roles[time + 1] = MAKER;
  return count;
}

static bool read_bare(assay_csv_reader *reader, const char *line, size_t length) {
  size_t count = assay_csv_bare_roles(line, length, reader->roles);
  if (count == 0) return false;
  reader->columns = (uint8_t)count;
  reader->separator = ',';
  reader->bars = has(reader, OPEN);
  reader->orders = has(reader, EVENT);
  if (reader->orders) reader->time_scale = 1000000000;
  reader->quantities = true;
  reader->ready = true;
  return true;
}

static assay_feed_step read_names(assay_csv_reader *reader, const char *line, size_t length, size_t whole) {
  reader->separator = assay_cells_separator(line, length);
  for (size_t at = 0;; at++) {
    assay_feed_text cell;
    if (!assay_cells_read(line, length, reader->separator, &at, &cell))
      return bad(reader, line + at, 0, "names", "a quote that is not closed", "mend the first line");
    if (reader->columns == ASSAY_CSV_MOST_COLUMNS)
      return bad(reader, line + at, 0, "names", "more than 64 columns", "cut the table to the columns that matter");
    role found = role_of(cell, &reader->time_scale);
    if (found != PASSED && has(reader, found)) found = PASSED; /* "volume" behind "size": the first one counts */
    reader->roles[reader->columns++] = (uint8_t)found;
    if (at >= length) break;
  }
  reader->bars = has(reader, OPEN) && has(reader, HIGH) && has(reader, LOW) && has(reader, CLOSE);
  const char *missing = !has(reader, TIME) && !has(reader, DATE) ? "time" : !reader->bars && !has(reader, PRICE) ? "price" : NULL;
  if (missing != NULL) {
    reader->columns = 0;
    return bad(reader, line, 0, missing, "the first line names no such column",
               "put a line of names first: time, price, quantity; or time, open, high, low, close, volume");
  }
  reader->in.at += whole;
  reader->quantities = has(reader, QUANTITY);
  reader->ready = true;
  return ASSAY_FEED_MESSAGE;
}

/* ---- Rows
 * ------------------------------------------------------------------------------------------------------------------------------------------
 */

typedef struct parse {
  assay_csv_row *row;
  uint64_t date_ns, clock_ns;
  bool has_clock;
} parse;

static bool truth(assay_feed_text cell, bool *value) {
  *value = assay_cells_are_word(cell.at, cell.length, "true") || assay_cells_are_word(cell.at, cell.length, "1");
  return *value || assay_cells_are_word(cell.at, cell.length, "false") || assay_cells_are_word(cell.at, cell.length, "0");
}

static const char *side_of(assay_feed_text cell, char *side) {
  char c = cell.length > 0 ? (char)(cell.at[0] | 0x20) : 'n';
  *side = c == 'b' ? 'B' : c == 's' || c == 'a' ? 'S' : 0;
  return *side != 0 || c == 'n' || c == 'u' ? NULL : "neither buy nor sell";
}

static const char *read_price(const assay_csv_reader *reader, assay_feed_text cell, int64_t *value) {
  if (assay_feed_decimal(cell.at, cell.length, reader->price_decimals, value)) return NULL;
  return "no decimal number of that many decimals";
}

/* Of LOBSTER: -1 stands where there is no order and no price. */
static const char *take_of_order(const assay_csv_reader *reader, role what, assay_feed_text cell, assay_csv_row *row) {
  int64_t number = 0;
  if (!assay_feed_decimal(cell.at, cell.length, 0, &number)) return "no whole number";
  if (what == DIRECTION) row->side = number == 1 ? 'B' : number == -1 ? 'S' : 0;
  if (what == DIRECTION && row->side == 0) return "neither 1 nor -1";
  if (what == ORDER) row->order = number > 0 ? (uint64_t)number : 0;
  if (what != PRICE4 || number < 0 || row->event == HALT) return NULL; /* with a halt it says what kind */
  int64_t steps = 1;
  for (unsigned i = LOBSTER_DECIMALS; i < reader->price_decimals; i++) steps *= 10;
  for (unsigned i = reader->price_decimals; i < LOBSTER_DECIMALS; i++, number /= 10)
    if (number % 10 != 0) return "no decimal number of that many decimals";
  return __builtin_mul_overflow(number, steps, &row->price) ? "no price that fits with so many decimals" : NULL;
}

/* What a type of LOBSTER is to a book. A trade with a hidden order is told by that order's direction. */
static void finish_order(assay_csv_row *row) {
  static const uint8_t kinds[] = {ASSAY_MARKET_NOTHING, ASSAY_MARKET_ADD,   ASSAY_MARKET_CANCEL, ASSAY_MARKET_DELETE,
                                  ASSAY_MARKET_EXECUTE, ASSAY_MARKET_TRADE, ASSAY_MARKET_TRADE,  ASSAY_MARKET_STATUS};
  const bool is_hidden = row->event == 5, is_cross = row->event == 6;
  row->kind = ASSAY_CSV_ORDER;
  row->event = kinds[row->event];
  if (is_hidden) row->side = row->side == 'B' ? 'S' : 'B';
  if (is_cross || row->event == ASSAY_MARKET_STATUS) row->side = 0;
}

/* What is wrong with a cell; NULL: nothing. */
static const char *take_cell(const assay_csv_reader *reader, role what, assay_feed_text cell, parse *p) {
  assay_csv_row *row = p->row;
  bool maker = false;
  int64_t clock = 0;
  switch (what) {
    case DATE: return assay_feed_time(cell.at, cell.length, 0, &p->date_ns) ? NULL : "no date";
    case TIME:
      p->has_clock = has(reader, DATE) && assay_moment_read_clock(cell.at, cell.length, &clock) && clock >= 0;
      p->clock_ns = (uint64_t)clock;
      if (p->has_clock) return NULL;
      return assay_feed_time(cell.at, cell.length, reader->time_scale, &row->time_ns) ? NULL : "no time";
    case PRICE: return read_price(reader, cell, &row->price);
    case OPEN: return read_price(reader, cell, &row->open);
    case HIGH: return read_price(reader, cell, &row->high);
    case LOW: return read_price(reader, cell, &row->low);
    case CLOSE: return read_price(reader, cell, &row->close);
    case QUANTITY:
      if (cell.length == 0) return NULL;
      return assay_feed_decimal(cell.at, cell.length, reader->quantity_decimals, &row->quantity) && row->quantity >= 0
                 ? NULL
                 : "no decimal number from 0 on of that many decimals";
    case SIDE: return side_of(cell, &row->side);
    case MAKER:
      if (!truth(cell, &maker)) return "neither true nor false";
      row->side = maker ? 'S' : 'B';
      return NULL;
    case SYMBOL: row->symbol = cell; return NULL;
    case EVENT:
      return cell.length == 1 && cell.at[0] >= '1' && cell.at[0] <= '7' ? (row->event = (uint8_t)(cell.at[0] - '0'), NULL)
                                                                        : "none of 1 to 7";
    case ORDER:
    case PRICE4:
    case DIRECTION: return take_of_order(reader, what, cell, row);
    default: return NULL;
  }
}

static const uint64_t day_ns = UINT64_C(86400000000000);

static assay_feed_step read_row(assay_csv_reader *reader, const char *line, size_t length, size_t whole, assay_csv_row *out) {
  const char *const mend = "skip the row, mend it, or read with more decimals (fewer for numbers too large)";
  size_t next = reader->in.at + whole, at = 0;
  assay_csv_row made = {.kind = reader->bars ? ASSAY_CSV_BAR : ASSAY_CSV_TICK}, *const row = &made;
  parse p = {.row = row};
  for (unsigned column = 0; column < reader->columns; column++, at++) {
    assay_feed_text cell;
    role what = (role)reader->roles[column];
    if (at > length) return bad(reader, line + length, next, "columns", "fewer of them than names", mend);
    if (!assay_cells_read(line, length, reader->separator, &at, &cell))
      return bad(reader, line + at, next, "quotes", "a quote that is not closed, or text behind one", mend);
    const char *problem = take_cell(reader, what, cell, &p);
    if (problem != NULL) return bad(reader, cell.at, next, role_names[what], problem, mend);
  }
  if (at <= length) return bad(reader, line + at, next, "columns", "more of them than names", mend);
  /* A date that has a time of its own needs no other, and once one had, no midnight does. */
  if (has(reader, DATE) && p.date_ns % day_ns != 0) reader->dates_have_clocks = true;
  if (has(reader, DATE) && (p.has_clock || !has(reader, TIME))) row->time_ns = p.date_ns + (reader->dates_have_clocks ? 0 : p.clock_ns);
  if (reader->orders) finish_order(row);
  if (row->kind == ASSAY_CSV_BAR) {
    if (row->high < row->low) return bad(reader, line, next, "high", "below the low", mend);
    row->price = row->close;
  }
  *out = made;
  reader->in.at = next;
  reader->in.count++;
  return ASSAY_FEED_MESSAGE;
}

void assay_csv_open(assay_csv_reader *reader, const void *text, size_t size, unsigned price_decimals, unsigned quantity_decimals) {
  *reader =
      (assay_csv_reader){.price_decimals = price_decimals < ASSAY_FEED_MOST_DECIMALS ? price_decimals : ASSAY_FEED_MOST_DECIMALS,
                         .quantity_decimals = quantity_decimals < ASSAY_FEED_MOST_DECIMALS ? quantity_decimals : ASSAY_FEED_MOST_DECIMALS};
  assay_feed_open(&reader->in, text, size);
}

assay_feed_step assay_csv_next(assay_csv_reader *reader, assay_csv_row *row) {
  while (true) {
    assay_cells_line line;
    assay_feed_step step = assay_cells_next_line(&reader->in, &line);
    if (step != ASSAY_FEED_MESSAGE) return step;
    if (reader->ready || read_bare(reader, line.text, line.length)) return read_row(reader, line.text, line.length, line.whole, row);
    step = read_names(reader, line.text, line.length, line.whole);
    if (step != ASSAY_FEED_MESSAGE) return step;
  }
}

void assay_csv_event(const assay_csv_reader *reader, const assay_csv_row *row, uint32_t symbol, assay_market_event *event) {
  *event = (assay_market_event){.time_ns = row->time_ns,
                                .price = row->price,
                                .quantity = (uint64_t)row->quantity,
                                .order_id = row->order,
                                .symbol = symbol,
                                .kind = row->kind == ASSAY_CSV_ORDER ? row->event : (uint8_t)ASSAY_MARKET_TRADE,
                                .side = row->side,
                                .decimals = (uint8_t)(reader->price_decimals | reader->quantity_decimals << 4),
                                .flags = ASSAY_MARKET_LAST};
}
