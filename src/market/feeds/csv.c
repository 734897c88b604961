/* SPDX-License-Identifier: MIT */
#include <assay/feed_csv.h>

#include <string.h>

#include "base/moment.h"
#include "market/feeds/cells.h"
#include "market/feeds/csv.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"
#include "market/table/databento.h"
#include "market/table/times.h"

enum { LOBSTER_DECIMALS = 4, HALT = 7, MOST_TITLES = 20 };

static assay_feed_step bad(assay_csv_reader *reader, const char *at, size_t next, const char *column, const char *problem,
                           const char *mend) {
  return assay_feed_fail(&reader->in, (size_t)((const uint8_t *)at - reader->in.data), next, column, problem, mend);
}

static bool has(const assay_csv_reader *reader, assay_column wanted) { return assay_csv_has(reader, wanted); }

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
  uint64_t date_ns;
  int64_t clock_ns;
  bool has_date, has_clock; /* there is a column of dates; the other has a time of that day */
  assay_feed_text odd_date; /* not in a form that says all of it */
  bool lacks_price;         /* one of the prices is not there */
  bool is_quote, is_snapshot, is_hhmm;
  bool has_steps, has_readable; /* of Databento: prices in 10^-9, and readable ones */
  char action;
} parse;

/* What programs write where there is nothing. */
static bool is_gap(const assay_csv_reader *reader, assay_feed_text cell) {
  return (reader->databento && assay_databento_is_none(cell)) || assay_csv_is_gap(cell);
}

/* Where commas part the cells a point is one of decimals, from there on; elsewhere its column says what it is. */
static const char *read_number(assay_csv_reader *reader, unsigned column, assay_feed_text cell, unsigned decimals, int64_t *value) {
  const uint8_t style = reader->styles[column];
  const bool is_new = style == ASSAY_CSV_UNSAID && memchr(cell.at, '.', cell.length) != NULL;
  if (style != ASSAY_CSV_COMMAS && (!is_new || reader->separator == ',') && assay_feed_decimal(cell.at, cell.length, decimals, value)) {
    if (is_new) reader->styles[column] = ASSAY_CSV_POINTS;
    return NULL;
  }
  return assay_csv_written(reader, column, cell, decimals, value);
}

static bool truth(assay_feed_text cell, bool *value) {
  *value = assay_is_word(cell.at, cell.length, "true") || assay_is_word(cell.at, cell.length, "1");
  return *value || assay_is_word(cell.at, cell.length, "false") || assay_is_word(cell.at, cell.length, "0");
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

/* NULL: the table has prices of that kind alone so far. */
static const char *take_unit(const assay_csv_reader *reader, assay_databento_unit unit, parse *p) {
  p->has_steps = p->has_steps || unit == ASSAY_DATABENTO_STEPS;
  p->has_readable = p->has_readable || unit == ASSAY_DATABENTO_READABLE;
  const bool are_steps = p->has_steps || reader->prices_are_steps, are_readable = p->has_readable || reader->prices_are_readable;
  if (!are_steps || !are_readable) return NULL;
  return unit == ASSAY_DATABENTO_STEPS ? "in 10^-9, and others have a point" : "with a point, and others are in 10^-9";
}

static const char *read_price(assay_csv_reader *reader, unsigned column, assay_feed_text cell, int64_t *value, parse *p) {
  int64_t steps = 0;
  const assay_databento_unit unit = reader->databento ? assay_databento_unit_of(cell) : ASSAY_DATABENTO_EITHER;
  if (unit == ASSAY_DATABENTO_STEPS && assay_feed_decimal(cell.at, cell.length, 0, &steps)) {
    const char *problem = take_unit(reader, unit, p);
    return problem != NULL ? problem : rescale(reader, steps, ASSAY_DATABENTO_DECIMALS, value);
  }
  const char *problem = read_number(reader, column, cell, reader->price_decimals, value);
  const bool is_none = reader->databento && assay_databento_is_none(cell);
  if (problem == NULL && !is_none) return take_unit(reader, unit, p);
  if (is_none || is_gap(reader, cell)) return p->lacks_price = true, NULL;
  return problem;
}

/* A gap is 0; of Databento it is written as a number too. */
static const char *read_quantity(assay_csv_reader *reader, unsigned column, assay_feed_text cell, assay_csv_row *row) {
  if (reader->databento && is_gap(reader, cell)) return NULL;
  const char *problem = read_number(reader, column, cell, reader->quantity_decimals, &row->quantity);
  if ((problem == NULL && row->quantity >= 0) || (problem != NULL && is_gap(reader, cell))) return NULL;
  return problem != NULL && problem != assay_csv_no_number ? problem : "no decimal number from 0 on of that many decimals";
}

/* Of LOBSTER: -1 stands where there is no order and no price. */
static const char *take_of_order(const assay_csv_reader *reader, assay_column what, assay_feed_text cell, assay_csv_row *row) {
  int64_t number = 0;
  if (!assay_feed_decimal(cell.at, cell.length, 0, &number)) return "no whole number";
  if (what == ASSAY_COLUMN_DIRECTION) row->side = number == 1 ? 'B' : number == -1 ? 'S' : 0;
  if (what == ASSAY_COLUMN_DIRECTION && row->side == 0) return "neither 1 nor -1";
  if (what == ASSAY_COLUMN_ORDER_ID) row->order = number > 0 ? (uint64_t)number : 0;
  if (what != ASSAY_COLUMN_PRICE4 || number < 0 || row->event == HALT) return NULL; /* with a halt it says what kind */
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
  if (reader->orders && has(reader, ASSAY_COLUMN_EVENT)) {
    finish_order(row);
  } else if (reader->databento && has(reader, ASSAY_COLUMN_ACTION)) {
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

static const char no_time[] = "no time";

/* Where there is a date, what counts from 1970 on counts to 1973 at least, as nothing that is a date or a clock does. */
static const char *read_moment(assay_feed_text cell, uint64_t scale, uint64_t *time_ns) {
  assay_moment moment;
  uint64_t ns = 0;
  if (!assay_feed_time(cell.at, cell.length, scale, &ns)) return no_time;
  if (ns < UINT64_C(100000000000000000) && (scale != 0 || !assay_moment_read(cell.at, cell.length, &moment)))
    return "no time of a day, and none since 1970";
  *time_ns = ns;
  return NULL;
}

/* Beside a date that of its day; alone, or where it counts from 1970 on, all of it. */
static const char *read_time(assay_csv_reader *reader, assay_feed_text cell, parse *p) {
  const bool has_date = p->has_date;
  int64_t clock = 0;
  const char *problem = has_date ? assay_csv_clock(reader, cell, &clock) : NULL;
  if (has_date && problem == NULL) {
    p->has_clock = true;
    p->clock_ns = clock;
    p->is_hhmm = cell.length == 4 && assay_table_is_minutes(cell.at, cell.length);
    return NULL;
  }
  if (problem == assay_csv_ask) return problem;
  uint64_t *const ns = &p->row->time_ns;
  const char *of_moment = has_date ? read_moment(cell, reader->time_scale, ns) : no_time;
  if (of_moment == NULL || (!has_date && assay_feed_time(cell.at, cell.length, reader->time_scale, ns))) return NULL;
  const char *of_date = reader->time_scale == 0 ? assay_csv_date(reader, cell, ns) : assay_csv_no_date;
  if (of_date != assay_csv_no_date) return of_date;
  return problem != NULL && assay_csv_mend(problem) != NULL ? problem : of_moment;
}

static bool begins_with(assay_feed_text cell, const char *word) {
  const size_t length = strlen(word);
  return cell.length >= length && assay_is_word(cell.at, length, word);
}

/* Of Tardis: true or false; of Binance: snap or set. */
static bool is_snapshot(assay_feed_text cell, bool *value) {
  if (truth(cell, value) || cell.length == 0) return true;
  *value = begins_with(cell, "snap");
  return *value || begins_with(cell, "set") || begins_with(cell, "delta") || begins_with(cell, "update") || begins_with(cell, "delete");
}

/* What is wrong with a cell; NULL: nothing. */
static const char *take_cell(assay_csv_reader *reader, unsigned column, assay_feed_text cell, parse *p) {
  const assay_column what = (assay_column)reader->roles[column];
  assay_csv_row *row = p->row;
  bool maker = false;
  switch (what) {
    case ASSAY_COLUMN_DATE:
      if (read_moment(cell, 0, &p->date_ns) != NULL) p->odd_date = cell;
      return NULL;
    case ASSAY_COLUMN_TIME: return read_time(reader, cell, p);
    case ASSAY_COLUMN_PRICE: return read_price(reader, column, cell, &row->price, p);
    case ASSAY_COLUMN_OPEN: return read_price(reader, column, cell, &row->open, p);
    case ASSAY_COLUMN_HIGH: return read_price(reader, column, cell, &row->high, p);
    case ASSAY_COLUMN_LOW: return read_price(reader, column, cell, &row->low, p);
    case ASSAY_COLUMN_CLOSE: return read_price(reader, column, cell, &row->close, p);
    case ASSAY_COLUMN_QUANTITY: return read_quantity(reader, column, cell, row);
    case ASSAY_COLUMN_SIDE: return side_of(cell, &row->side);
    case ASSAY_COLUMN_MAKER:
      if (!truth(cell, &maker)) return "neither true nor false";
      row->side = maker ? 'S' : 'B';
      return NULL;
    case ASSAY_COLUMN_SYMBOL: row->symbol = cell; return NULL;
    case ASSAY_COLUMN_EVENT:
      return cell.length == 1 && cell.at[0] >= '1' && cell.at[0] <= '7' ? (row->event = (uint8_t)(cell.at[0] - '0'), NULL)
                                                                        : "none of 1 to 7";
    case ASSAY_COLUMN_ACTION: p->action = cell.length == 1 ? cell.at[0] : 0; return NULL;
    case ASSAY_COLUMN_WORD: p->is_quote = begins_with(cell, "quote") || begins_with(cell, "bid") || begins_with(cell, "ask"); return NULL;
    case ASSAY_COLUMN_SNAPSHOT: return is_snapshot(cell, &p->is_snapshot) || !reader->levels ? NULL : "neither true nor false";
    case ASSAY_COLUMN_ORDER_ID:
      if (!reader->databento) return take_of_order(reader, what, cell, row);
      return assay_feed_whole_slow(cell.at, cell.length, &row->order) == cell.length ? NULL : "no whole number";
    case ASSAY_COLUMN_PRICE4:
    case ASSAY_COLUMN_DIRECTION: return take_of_order(reader, what, cell, row);
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

static assay_feed_step read_row(assay_csv_reader *reader, const assay_cells_line *line, assay_csv_row *out);

static const char mend_row[] = "skip the row, mend it, or read with more decimals (fewer for numbers too large)";

/* A cell that the rows behind have to explain is read again when they have: they are not asked twice. */
static assay_feed_step refuse(assay_csv_reader *reader, const assay_cells_line *line, const char *at, assay_column what,
                              const char *problem, assay_csv_row *out) {
  const bool is_time = what == ASSAY_COLUMN_TIME || what == ASSAY_COLUMN_DATE;
  const char *mend = assay_csv_mend(problem);
  if (problem == assay_csv_ask) {
    const assay_feed_step step = assay_csv_ask_rows(reader);
    return step == ASSAY_FEED_MESSAGE ? read_row(reader, line, out) : step;
  }
  if (mend == NULL) mend = is_time ? "write times as 2026-12-24 18:30:05, or as numbers since 1970" : mend_row;
  return bad(reader, at, reader->in.at + line->whole, assay_column_texts[what], problem, mend);
}

/* A date that has a time of its own needs no other, and once one had, no midnight does. Where the other column has all of it, the date does
 * not matter. */
static const char *join_date(assay_csv_reader *reader, parse *p) {
  if (!p->has_date) return NULL;
  const bool is_needed = p->has_clock || !has(reader, ASSAY_COLUMN_TIME);
  if (p->odd_date.at != NULL && is_needed) {
    const char *problem = assay_csv_date(reader, p->odd_date, &p->date_ns);
    if (problem != NULL) return problem;
  }
  if (p->date_ns % day_ns != 0) reader->dates_have_clocks = true;
  if (!is_needed) return NULL;
  const int64_t clock = reader->dates_have_clocks ? 0 : p->clock_ns; /* below 0 just behind midnight, where an offset says so */
  if (clock < 0 && p->date_ns < (uint64_t)-clock) return "no time since 1970";
  p->row->time_ns = p->date_ns + (uint64_t)clock;
  return NULL;
}

static assay_feed_step read_row(assay_csv_reader *reader, const assay_cells_line *line, assay_csv_row *out) {
  const char *const text = line->text;
  const size_t next = reader->in.at + line->whole, length = line->length;
  size_t at = 0;
  assay_csv_row made = {.kind = reader->bars ? ASSAY_CSV_BAR : ASSAY_CSV_TICK}, *const row = &made;
  parse p = {.row = row, .has_date = has(reader, ASSAY_COLUMN_DATE)};
  for (unsigned column = 0; column < reader->columns; column++, at++) {
    assay_feed_text cell;
    if (at > length) return bad(reader, text + length, next, "columns", "fewer of them than names", mend_row);
    if (!assay_cells_read(text, length, reader->separator, &at, &cell))
      return bad(reader, text + at, next, "quotes", "a quote that is not closed, or text behind one", mend_row);
    const char *problem = take_cell(reader, column, cell, &p);
    if (problem != NULL) return refuse(reader, line, cell.at, (assay_column)reader->roles[column], problem, out);
  }
  for (size_t behind = at; behind <= length; behind++) { /* empty ones do no harm */
    assay_feed_text cell;
    if (!assay_cells_read(text, length, reader->separator, &behind, &cell) || cell.length > 0)
      return bad(reader, text + at, next, "columns", "more of them than names", mend_row);
  }
  const char *problem = join_date(reader, &p);
  if (problem != NULL) return refuse(reader, line, p.odd_date.at != NULL ? p.odd_date.at : text, ASSAY_COLUMN_DATE, problem, out);
  finish_kind(reader, &p, row);
  if (row->kind == ASSAY_CSV_BAR) {
    if (row->high < row->low) return bad(reader, text, next, "high", "below the low", mend_row);
    row->price = row->close;
  }
  if (p.is_hhmm && reader->clock_style == ASSAY_CLOCK_OPEN) reader->clock_style = ASSAY_CLOCK_MINUTES;
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
    if (reader->ready) return read_row(reader, &line, row);
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
