/* SPDX-License-Identifier: MIT */
#include <assay/feed_csv.h>

#include <string.h>

#include "base/moment.h"
#include "market/feeds/cells.h"
#include "market/feeds/csv.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"

enum { LOBSTER_DECIMALS = 4, DATABENTO_DECIMALS = 9, HALT = 7, MOST_TITLES = 20 };

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

/* TAQ's 093000123456789 is half past nine of a day that is not said, and no microseconds of 1973. */
static bool is_clock(const char *text, size_t length) {
  uint64_t number = 0;
  if (length != 15 || assay_feed_whole_slow(text, length, &number) != length) return false;
  const uint64_t clock = number / 1000000000;
  return clock / 10000 < 24 && clock / 100 % 100 < 60 && clock % 100 <= 60;
}

/* 202401020930: as milliseconds it would be one of a few days of 1976. */
static bool read_minute(const char *text, size_t length, assay_moment *moment) {
  char whole[] = "00000000000000";
  uint64_t number = 0;
  if (length != 12 || assay_feed_whole_slow(text, length, &number) != length) return false;
  memcpy(whole, text, length);
  return assay_moment_read(whole, sizeof whole - 1, moment) && moment->year >= 1990 && moment->year < 2100;
}

/* Where the unit is known, eight digits are no date. */
bool assay_feed_time(const char *text, size_t length, uint64_t scale, uint64_t *time_ns) {
  assay_moment moment;
  int64_t ns = 0;
  if (scale == 0 && is_clock(text, length)) return false;
  bool is_compact = length >= 5 && text[4] >= '0' && text[4] <= '9';
  if ((scale != 0 && is_compact) || (!assay_moment_read(text, length, &moment) && !read_minute(text, length, &moment)))
    return read_number_time(text, length, scale, time_ns);
  if (!assay_moment_ns(&moment, &ns) || ns < 0) return false;
  *time_ns = (uint64_t)ns;
  return true;
}

static assay_feed_step bad(assay_csv_reader *reader, const char *at, size_t next, const char *column, const char *problem,
                           const char *mend) {
  return assay_feed_fail(&reader->in, (size_t)((const uint8_t *)at - reader->in.data), next, column, problem, mend);
}

static bool has(const assay_csv_reader *reader, assay_csv_role wanted) { return assay_csv_has(reader, wanted); }

static assay_feed_step read_names(assay_csv_reader *reader, const char *line, size_t length, size_t whole) {
  const char *missing = NULL;
  size_t at = 0;
  switch (assay_csv_read_names(reader, line, length, &at, &missing)) {
    case ASSAY_CSV_OPEN_QUOTE: return bad(reader, line + at, 0, "names", "a quote that is not closed", "mend the first line");
    case ASSAY_CSV_TOO_MANY: return bad(reader, line + at, 0, "names", "more than 128 columns", "cut the table to the columns that matter");
    case ASSAY_CSV_MISSING:
      return bad(reader, line, 0, missing, "the first line names no such column",
                 "put a line of names first: time, price, quantity; or time, open, high, low, close, volume");
    default: break;
  }
  reader->in.at += whole;
  reader->ready = true;
  return ASSAY_FEED_MESSAGE;
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------------- */

typedef struct parse {
  assay_csv_row *row;
  uint64_t date_ns, clock_ns;
  bool has_clock;
  const char *odd_date; /* where nothing else says when */
  bool lacks_price;     /* one of the prices is not there */
  bool is_quote, is_snapshot, is_hhmm;
  bool has_steps, has_readable; /* of Databento: prices in 10^-9, and readable ones */
  char action;
} parse;

/* What programs write where there is nothing. */
static bool is_gap(const assay_csv_reader *reader, assay_feed_text cell) {
  static const char *const words[] = {"nan", "null", "n/a", "na", "none", "-", "#n/a"};
  if (cell.length == 0) return true;
  if (reader->databento && cell.length == 19 && memcmp(cell.at, "9223372036854775807", 19) == 0) return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (assay_cells_are_word(cell.at, cell.length, words[i])) return true;
  return false;
}

/*
 * "$1,234.50", "1.234,50", "100,03" where something else parts the cells: what points and commas mean has to be in the number itself, since
 * rows are read one by one. Three digits behind one comma are a thousand only where commas part the cells, and one to three stand before
 * it that do not begin with 0: 0,123 is none.
 */
static bool read_written(const assay_csv_reader *reader, assay_feed_text cell, unsigned decimals, int64_t *value) {
  char text[40];
  size_t length = 0, marks[2] = {0}, last = 0, groups = 0;
  if (cell.length > 0 && cell.at[0] == '$') cell.at++, cell.length--;
  if (cell.length == 0 || cell.length > sizeof text) return false;
  const size_t sign = cell.at[0] == '-' || cell.at[0] == '+';
  for (size_t i = 0; i < cell.length; i++) {
    if (cell.at[i] != ',' && cell.at[i] != '.') continue;
    marks[cell.at[i] == ',']++;
    last = i;
  }
  const bool both = marks[0] > 0 && marks[1] > 0, is_one = marks[0] + marks[1] == 1;
  if (is_one && marks[1] == 1 && cell.length - last == 4 && reader->separator != ',') return false;
  const bool is_decimal = both ? marks[cell.at[last] == ','] == 1 : is_one && (marks[0] == 1 || reader->separator != ',');
  if (both && !is_decimal) return false;
  for (size_t i = 0; i < cell.length; i++) {
    const bool is_mark = cell.at[i] == ',' || cell.at[i] == '.';
    if (is_mark && !(is_decimal && i == last)) { /* three digits behind it, and no more */
      size_t digits = 0;
      while (i + 1 + digits < cell.length && cell.at[i + 1 + digits] >= '0' && cell.at[i + 1 + digits] <= '9') digits++;
      if (digits != 3 || (both && cell.at[i] == cell.at[last])) return false;
      if (groups++ == 0 && (length <= sign || length > sign + 3 || text[sign] == '0')) return false;
    } else {
      text[length++] = is_mark ? '.' : cell.at[i];
    }
  }
  return (groups > 0 || is_decimal) && assay_feed_decimal(text, length, decimals, value);
}

static bool read_decimal(const assay_csv_reader *reader, assay_feed_text cell, unsigned decimals, int64_t *value) {
  int64_t scaled = 0;
  if (assay_feed_decimal(cell.at, cell.length, decimals, value)) return true;
  if (cell.length == 0 || assay_feed_decimal_scaled(cell.at, cell.length, decimals, &scaled) != cell.length)
    return read_written(reader, cell, decimals, value);
  *value = scaled;
  return true;
}

static bool truth(assay_feed_text cell, bool *value) {
  *value = assay_cells_are_word(cell.at, cell.length, "true") || assay_cells_are_word(cell.at, cell.length, "1");
  return *value || assay_cells_are_word(cell.at, cell.length, "false") || assay_cells_are_word(cell.at, cell.length, "0");
}

static const char *side_of(assay_feed_text cell, char *side) {
  char c = cell.length > 0 ? (char)(cell.at[0] | 0x20) : 'n';
  *side = c == 'b' ? 'B' : c == 's' || c == 'a' ? 'S' : 0;
  return *side != 0 || c == 'n' || c == 'u' ? NULL : "neither buy nor sell";
}

/* A whole number of steps of 10^-from as one of steps of 10^-price_decimals. NULL: it is one. */
static const char *rescale(const assay_csv_reader *reader, int64_t number, unsigned from, int64_t *value) {
  int64_t steps = 1;
  for (unsigned i = from; i < reader->price_decimals; i++) steps *= 10;
  for (unsigned i = reader->price_decimals; i < from; i++, number /= 10)
    if (number % 10 != 0) return "no decimal number of that many decimals";
  return __builtin_mul_overflow(number, steps, value) ? "no price that fits with so many decimals" : NULL;
}

/* Databento's prices are in 10^-9, unless they were made readable: those have a point, in all of a table. 0 is the same in both. */
static const char *read_price(const assay_csv_reader *reader, assay_feed_text cell, int64_t *value, parse *p) {
  int64_t number = 0;
  if (reader->databento && assay_feed_decimal(cell.at, cell.length, 0, &number) && memchr(cell.at, '.', cell.length) == NULL &&
      number != INT64_MAX) {
    p->has_steps = p->has_steps || number != 0;
    return p->has_steps && (p->has_readable || reader->prices_are_readable) ? "in 10^-9, and others have a point"
                                                                            : rescale(reader, number, DATABENTO_DECIMALS, value);
  }
  if (!(reader->databento && is_gap(reader, cell)) && read_decimal(reader, cell, reader->price_decimals, value)) {
    p->has_readable = p->has_readable || reader->databento;
    return p->has_steps || (p->has_readable && reader->prices_are_steps) ? "with a point, and others are in 10^-9" : NULL;
  }
  if (is_gap(reader, cell)) return p->lacks_price = true, NULL;
  return "no decimal number of that many decimals";
}

/* Of LOBSTER: -1 stands where there is no order and no price. */
static const char *take_of_order(const assay_csv_reader *reader, assay_csv_role what, assay_feed_text cell, assay_csv_row *row) {
  int64_t number = 0;
  if (!assay_feed_decimal(cell.at, cell.length, 0, &number)) return "no whole number";
  if (what == ASSAY_CSV_DIRECTION) row->side = number == 1 ? 'B' : number == -1 ? 'S' : 0;
  if (what == ASSAY_CSV_DIRECTION && row->side == 0) return "neither 1 nor -1";
  if (what == ASSAY_CSV_ORDER_ID) row->order = number > 0 ? (uint64_t)number : 0;
  if (what != ASSAY_CSV_PRICE4 || number < 0 || row->event == HALT) return NULL; /* with a halt it says what kind */
  return rescale(reader, number, LOBSTER_DECIMALS, &row->price);
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

/* What Databento's actions are to a book, as in its records of orders; where there are none, only its trades are told. */
static void finish_action(const assay_csv_reader *reader, const parse *p, assay_csv_row *row) {
  if (!reader->orders) {
    if (p->action != 'T') row->kind = ASSAY_CSV_OTHER;
    return;
  }
  row->kind = ASSAY_CSV_ORDER;
  row->event = p->action == 'A'                        ? ASSAY_MARKET_ADD
               : p->action == 'M'                      ? ASSAY_MARKET_REPLACE
               : p->action == 'C' && row->quantity > 0 ? ASSAY_MARKET_CANCEL
               : p->action == 'R'                      ? ASSAY_MARKET_CLEAR
               : p->action == 'T' && !p->lacks_price   ? ASSAY_MARKET_TRADE
                                                       : ASSAY_MARKET_NOTHING;
  if (p->lacks_price) row->price = ASSAY_FEED_NO_PRICE;
  if (row->event == ASSAY_MARKET_CLEAR) row->price = 0;
}

static void finish_kind(const assay_csv_reader *reader, const parse *p, assay_csv_row *row) {
  if (has(reader, ASSAY_CSV_EVENT)) {
    finish_order(row);
  } else if (has(reader, ASSAY_CSV_ACTION)) {
    finish_action(reader, p, row);
  } else if (p->is_quote) {
    row->kind = ASSAY_CSV_OTHER;
  } else if (reader->levels) {
    row->kind = row->side == 0 ? ASSAY_CSV_OTHER : ASSAY_CSV_ORDER;
    row->event = ASSAY_MARKET_QUOTE;
  }
  if (p->lacks_price && row->kind != ASSAY_CSV_ORDER) row->kind = ASSAY_CSV_OTHER, row->open = row->high = row->low = row->close = 0;
  if (p->lacks_price && reader->levels) row->kind = ASSAY_CSV_OTHER;
}

/*
 * 93000 is a spreadsheet's 093000; 0931 has no seconds, nor have others of four digits in such a table. 1000 alone may as well be ten
 * minutes past midnight that lost its zeros.
 */
static bool read_short_clock(const assay_csv_reader *reader, assay_feed_text cell, parse *p, int64_t *clock) {
  uint64_t number = 0;
  if (assay_feed_whole_slow(cell.at, cell.length, &number) != cell.length || cell.length == 0 || cell.length > 5) return false;
  p->is_hhmm = cell.length == 4 && cell.at[0] == '0';
  if (cell.length != 5 && number != 0 && !(cell.length == 4 && (p->is_hhmm || reader->clocks_are_hhmm))) return false;
  const uint64_t seconds = cell.length == 5 ? number : number * 100;
  *clock = (int64_t)((seconds / 10000 * 60 + seconds / 100 % 100) * 60 + seconds % 100) * 1000000000;
  return seconds / 10000 < 24 && seconds / 100 % 100 < 60 && seconds % 100 < 60;
}

/* "14:30:01.5", or 143001 with three, six or nine digits of a fraction behind it (TAQ); no time since 1970 has so many. */
static bool read_clock(const assay_csv_reader *reader, assay_feed_text cell, parse *p, int64_t *clock) {
  assay_moment moment;
  char text[32] = "19700101";
  if (assay_moment_read_clock(cell.at, cell.length, clock)) return *clock >= 0;
  if (read_short_clock(reader, cell, p, clock)) return true;
  if (cell.length < 6 || cell.length > 15 || cell.length % 3 != 0 || memchr(cell.at, ' ', cell.length) != NULL) return false;
  text[8] = ' ';
  memcpy(text + 9, cell.at, cell.length);
  if (!assay_moment_read(text, 9 + cell.length, &moment)) return false;
  *clock = moment.clock_ns - moment.east_ns;
  return *clock >= 0;
}

/* Where there is a date, what counts from 1970 on counts to 1973 at least, as nothing that is a date or a clock does. */
static const char *read_moment(assay_feed_text cell, uint64_t scale, uint64_t *time_ns) {
  assay_moment moment;
  uint64_t ns = 0;
  if (!assay_feed_time(cell.at, cell.length, scale, &ns)) return "no time";
  if (ns < UINT64_C(100000000000000000) && (scale != 0 || !assay_moment_read(cell.at, cell.length, &moment)))
    return "no time of a day, and none since 1970";
  *time_ns = ns;
  return NULL;
}

static bool begins_with(assay_feed_text cell, const char *word) {
  const size_t length = strlen(word);
  return cell.length >= length && assay_cells_are_word(cell.at, length, word);
}

/* Of Tardis: true or false; of Binance: snap or set. */
static bool is_snapshot(assay_feed_text cell, bool *value) {
  if (truth(cell, value) || cell.length == 0) return true;
  *value = begins_with(cell, "snap");
  return *value || begins_with(cell, "set") || begins_with(cell, "delta") || begins_with(cell, "update") || begins_with(cell, "delete");
}

/* What is wrong with a cell; NULL: nothing. */
static const char *take_cell(const assay_csv_reader *reader, assay_csv_role what, assay_feed_text cell, parse *p) {
  assay_csv_row *row = p->row;
  bool maker = false;
  int64_t clock = 0;
  switch (what) {
    case ASSAY_CSV_DATE:
      if (read_moment(cell, 0, &p->date_ns) != NULL) p->odd_date = cell.at;
      return NULL;
    case ASSAY_CSV_TIME:
      p->has_clock = has(reader, ASSAY_CSV_DATE) && read_clock(reader, cell, p, &clock);
      p->clock_ns = (uint64_t)clock;
      if (p->has_clock) return NULL;
      if (has(reader, ASSAY_CSV_DATE)) return read_moment(cell, reader->time_scale, &row->time_ns);
      return assay_feed_time(cell.at, cell.length, reader->time_scale, &row->time_ns) ? NULL : "no time";
    case ASSAY_CSV_PRICE: return read_price(reader, cell, &row->price, p);
    case ASSAY_CSV_OPEN: return read_price(reader, cell, &row->open, p);
    case ASSAY_CSV_HIGH: return read_price(reader, cell, &row->high, p);
    case ASSAY_CSV_LOW: return read_price(reader, cell, &row->low, p);
    case ASSAY_CSV_CLOSE: return read_price(reader, cell, &row->close, p);
    case ASSAY_CSV_QUANTITY:
      if (reader->databento && is_gap(reader, cell)) return NULL; /* which is written as a number too */
      if (read_decimal(reader, cell, reader->quantity_decimals, &row->quantity) && row->quantity >= 0) return NULL;
      return is_gap(reader, cell) ? NULL : "no decimal number from 0 on of that many decimals";
    case ASSAY_CSV_SIDE: return side_of(cell, &row->side);
    case ASSAY_CSV_MAKER:
      if (!truth(cell, &maker)) return "neither true nor false";
      row->side = maker ? 'S' : 'B';
      return NULL;
    case ASSAY_CSV_SYMBOL: row->symbol = cell; return NULL;
    case ASSAY_CSV_EVENT:
      return cell.length == 1 && cell.at[0] >= '1' && cell.at[0] <= '7' ? (row->event = (uint8_t)(cell.at[0] - '0'), NULL)
                                                                        : "none of 1 to 7";
    case ASSAY_CSV_ACTION: p->action = cell.length == 1 ? cell.at[0] : 0; return NULL;
    case ASSAY_CSV_WORD: p->is_quote = begins_with(cell, "quote") || begins_with(cell, "bid") || begins_with(cell, "ask"); return NULL;
    case ASSAY_CSV_SNAPSHOT: return is_snapshot(cell, &p->is_snapshot) || !reader->levels ? NULL : "neither true nor false";
    case ASSAY_CSV_ORDER_ID:
      if (!reader->databento) return take_of_order(reader, what, cell, row);
      return assay_feed_whole_slow(cell.at, cell.length, &row->order) == cell.length ? NULL : "no whole number";
    case ASSAY_CSV_PRICE4:
    case ASSAY_CSV_DIRECTION: return take_of_order(reader, what, cell, row);
    default: return NULL;
  }
}

/* Of a whole book the first row is behind the end of the book before: what says so comes first, and the row is read again. */
static bool ends_book(assay_csv_reader *reader, const parse *p, const assay_csv_row *row) {
  if (!reader->levels || !p->is_snapshot || row->kind != ASSAY_CSV_ORDER) return false;
  uint64_t key = row->time_ns;
  for (size_t i = 0; i < row->symbol.length; i++) key = (key ^ (uint8_t)row->symbol.at[i]) * UINT64_C(0x100000001b3);
  const unsigned known = reader->snapshots < ASSAY_CSV_SNAPSHOTS ? reader->snapshots : ASSAY_CSV_SNAPSHOTS;
  for (unsigned i = 1; i <= known; i++) /* the newest first */
    if (reader->snapshot[(reader->snapshots - i) % ASSAY_CSV_SNAPSHOTS] == key) return false;
  reader->snapshot[reader->snapshots++ % ASSAY_CSV_SNAPSHOTS] = key;
  if (reader->snapshots == 2 * ASSAY_CSV_SNAPSHOTS) reader->snapshots = ASSAY_CSV_SNAPSHOTS;
  return true;
}

static const uint64_t day_ns = UINT64_C(86400000000000);

static assay_feed_step read_row(assay_csv_reader *reader, const char *line, size_t length, size_t whole, assay_csv_row *out) {
  const char *const mend = "skip the row, mend it, or read with more decimals (fewer for numbers too large)";
  const char *const mend_time = "write times as 2026-12-24 18:30:05, or as numbers since 1970";
  size_t next = reader->in.at + whole, at = 0;
  assay_csv_row made = {.kind = reader->bars ? ASSAY_CSV_BAR : ASSAY_CSV_TICK}, *const row = &made;
  parse p = {.row = row};
  for (unsigned column = 0; column < reader->columns; column++, at++) {
    assay_feed_text cell;
    assay_csv_role what = (assay_csv_role)reader->roles[column];
    if (at > length) return bad(reader, line + length, next, "columns", "fewer of them than names", mend);
    if (!assay_cells_read(line, length, reader->separator, &at, &cell))
      return bad(reader, line + at, next, "quotes", "a quote that is not closed, or text behind one", mend);
    const char *problem = take_cell(reader, what, cell, &p);
    if (problem != NULL) return bad(reader, cell.at, next, assay_csv_role_names[what], problem, what == ASSAY_CSV_TIME ? mend_time : mend);
  }
  for (size_t behind = at; behind <= length; behind++) { /* empty ones do no harm */
    assay_feed_text cell;
    if (!assay_cells_read(line, length, reader->separator, &behind, &cell) || cell.length > 0)
      return bad(reader, line + at, next, "columns", "more of them than names", mend);
  }
  if (p.odd_date != NULL && (p.has_clock || !has(reader, ASSAY_CSV_TIME)))
    return bad(reader, p.odd_date, next, "date", "no date", mend_time);
  /* A date that has a time of its own needs no other, and once one had, no midnight does. */
  if (has(reader, ASSAY_CSV_DATE) && p.date_ns % day_ns != 0) reader->dates_have_clocks = true;
  if (has(reader, ASSAY_CSV_DATE) && (p.has_clock || !has(reader, ASSAY_CSV_TIME)))
    row->time_ns = p.date_ns + (reader->dates_have_clocks ? 0 : p.clock_ns);
  finish_kind(reader, &p, row);
  if (row->kind == ASSAY_CSV_BAR) {
    if (row->high < row->low) return bad(reader, line, next, "high", "below the low", mend);
    row->price = row->close;
  }
  reader->clocks_are_hhmm = reader->clocks_are_hhmm || p.is_hhmm;
  reader->prices_are_steps = reader->prices_are_steps || p.has_steps;
  reader->prices_are_readable = reader->prices_are_readable || p.has_readable;
  *out = made;
  if (ends_book(reader, &p, row)) {
    *out = (assay_csv_row){.kind = ASSAY_CSV_ORDER, .event = ASSAY_MARKET_CLEAR, .time_ns = row->time_ns, .symbol = row->symbol};
    return ASSAY_FEED_MESSAGE;
  }
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
    if (step == ASSAY_FEED_END && reader->titles > 0 && !reader->ready)
      return bad(reader, (const char *)reader->in.data + reader->in.at, 0, "names", "no line has any",
                 "put a line of names first: time, price, quantity; or time, open, high, low, close, volume");
    if (step != ASSAY_FEED_MESSAGE) return step;
    if (!reader->ready && reader->titles < MOST_TITLES && assay_csv_is_title(line.text, line.length)) {
      reader->in.at += line.whole;
      reader->titles++;
      continue;
    }
    reader->ready = reader->ready || assay_csv_read_bare(reader, line.text, line.length);
    if (reader->ready) return read_row(reader, line.text, line.length, line.whole, row);
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
                                .kind = row->kind == ASSAY_CSV_ORDER   ? row->event
                                        : row->kind == ASSAY_CSV_OTHER ? (uint8_t)ASSAY_MARKET_NOTHING
                                                                       : (uint8_t)ASSAY_MARKET_TRADE,
                                .side = row->side,
                                .decimals = (uint8_t)(reader->price_decimals | reader->quantity_decimals << 4),
                                .flags = ASSAY_MARKET_LAST};
  if (event->kind == ASSAY_MARKET_REPLACE) event->other_id = row->order;
}
