/* SPDX-License-Identifier: MIT */
#include <assay/feed_orders.h>

#include <assay/feed_csv.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "market/feeds/cells.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"

/* ---- Words --------------------------------------------------------------------------------------------------------------------------- */

typedef struct word {
  const char *text; /* in small letters, without what stands between its parts */
  uint8_t value;
} word;

static bool is_between(char c) { return c == ' ' || c == '-' || c == '_'; }

/* "order_id", "Order ID", "orderId" are one word; a side of -1 is not that of 1. NULL: no such word. */
static const word *find_word(const word *words, size_t count, assay_feed_text cell) {
  char text[32];
  size_t length = 0;
  if (cell.length == 0 || is_between(cell.at[0]) || is_between(cell.at[cell.length - 1])) return NULL;
  for (size_t i = 0; i < cell.length; i++) {
    if (is_between(cell.at[i])) continue;
    if (length == sizeof text) return NULL;
    text[length++] = cell.at[i];
  }
  for (size_t i = 0; i < count; i++)
    if (assay_is_word(text, length, words[i].text)) return &words[i];
  return NULL;
}

enum { MARKET_KIND = ASSAY_BOOK_KINDS, IOC_KIND, REVIVE_KIND };
static const word kinds[] = {
    {"new", ASSAY_BOOK_NEW},
    {"add", ASSAY_BOOK_NEW},
    {"submit", ASSAY_BOOK_NEW},
    {"insert", ASSAY_BOOK_NEW},
    {"limit", ASSAY_BOOK_NEW},
    {"market", MARKET_KIND},
    {"ioc", IOC_KIND},
    {"cancel", ASSAY_BOOK_CANCEL},
    {"delete", ASSAY_BOOK_CANCEL},
    {"modify", ASSAY_BOOK_MODIFY},
    {"amend", ASSAY_BOOK_MODIFY},
    {"replace", ASSAY_BOOK_REPLACE},
    {"clock", ASSAY_BOOK_CLOCK},
    {"phase", ASSAY_BOOK_PHASE},
    {"uncross", ASSAY_BOOK_UNCROSS},
    {"masscancel", ASSAY_BOOK_MASS_CANCEL},
    {"limits", ASSAY_BOOK_LIMITS},
    {"kill", ASSAY_BOOK_KILL},
    {"revive", REVIVE_KIND},
};
static const word sides[] = {{"buy", ASSAY_BUY},   {"bid", ASSAY_BUY},  {"b", ASSAY_BUY},  {"1", ASSAY_BUY},
                             {"sell", ASSAY_SELL}, {"ask", ASSAY_SELL}, {"s", ASSAY_SELL}, {"2", ASSAY_SELL}};
static const word types[] = {
    {"limit", ASSAY_BOOK_LIMIT},
    {"market", ASSAY_BOOK_MARKET},
    {"stop", ASSAY_BOOK_STOP},
    {"stoplimit", ASSAY_BOOK_STOP_LIMIT},
    {"trailingstop", ASSAY_BOOK_TRAILING_STOP},
    {"trailingstoplimit", ASSAY_BOOK_TRAILING_STOP_LIMIT},
    {"iceberg", ASSAY_BOOK_ICEBERG},
    {"postonly", ASSAY_BOOK_POST_ONLY},
};
static const word tifs[] = {{"gtc", ASSAY_BOOK_GTC}, {"day", ASSAY_BOOK_GTC}, {"ioc", ASSAY_BOOK_IOC},
                            {"fok", ASSAY_BOOK_FOK}, {"aon", ASSAY_BOOK_AON}, {"gtd", ASSAY_BOOK_GTD}};
static const word self_trades[] = {{"allow", ASSAY_BOOK_ALLOW},
                                   {"none", ASSAY_BOOK_ALLOW},
                                   {"cancelnewest", ASSAY_BOOK_CANCEL_NEWEST},
                                   {"canceloldest", ASSAY_BOOK_CANCEL_OLDEST},
                                   {"cancelboth", ASSAY_BOOK_CANCEL_BOTH},
                                   {"decrement", ASSAY_BOOK_DECREMENT}};
static const word phases[] = {
    {"continuous", ASSAY_BOOK_CONTINUOUS}, {"auction", ASSAY_BOOK_AUCTION}, {"halted", ASSAY_BOOK_HALTED}, {"closed", ASSAY_BOOK_CLOSED}};
#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* ---- The line of names --------------------------------------------------------------------------------------------------------------- */

typedef enum role {
  PASSED,
  KIND,
  ID,
  NEW_ID,
  TIME,
  ACCOUNT,
  BOOK,
  SYMBOL,
  SIDE,
  TYPE,
  TIF,
  PRICE,
  QUANTITY,
  DISPLAY,
  TRIGGER,
  EXPIRE,
  SELF_TRADE,
  PHASE,
  ROLES
} role;
static const char *const role_names[ROLES] = {"",     "kind", "id",    "new_id",   "time",    "account", "book",   "symbol",     "side",
                                              "type", "tif",  "price", "quantity", "display", "trigger", "expire", "self_trade", "phase"};
static const word columns[] = {
    {"kind", KIND},
    {"action", KIND},
    {"op", KIND},
    {"eventtype", KIND},
    {"msgtype", KIND},
    {"messagetype", KIND},
    {"id", ID},
    {"orderid", ID},
    {"orderref", ID},
    {"newid", NEW_ID},
    {"neworderid", NEW_ID},
    {"neworderref", NEW_ID},
    {"time", TIME},
    {"timestamp", TIME},
    {"timens", TIME},
    {"timestampns", TIME},
    {"ts", TIME},
    {"tsns", TIME},
    {"account", ACCOUNT},
    {"accountid", ACCOUNT},
    {"book", BOOK},
    {"symbol", SYMBOL},
    {"ticker", SYMBOL},
    {"instrument", SYMBOL},
    {"side", SIDE},
    {"type", TYPE},
    {"ordertype", TYPE},
    {"ordtype", TYPE},
    {"tif", TIF},
    {"timeinforce", TIF},
    {"price", PRICE},
    {"px", PRICE},
    {"limitprice", PRICE},
    {"quantity", QUANTITY},
    {"qty", QUANTITY},
    {"size", QUANTITY},
    {"sz", QUANTITY},
    {"shares", QUANTITY},
    {"display", DISPLAY},
    {"displayqty", DISPLAY},
    {"displayquantity", DISPLAY},
    {"displaysize", DISPLAY},
    {"trigger", TRIGGER},
    {"triggerprice", TRIGGER},
    {"stopprice", TRIGGER},
    {"stoppx", TRIGGER},
    {"expire", EXPIRE},
    {"expiry", EXPIRE},
    {"expiretime", EXPIRE},
    {"selftrade", SELF_TRADE},
    {"selftradeprevention", SELF_TRADE},
    {"stp", SELF_TRADE},
    {"phase", PHASE},
};

static bool has(const assay_order_reader *reader, role wanted) { return memchr(reader->roles, (int)wanted, reader->columns) != NULL; }

static assay_feed_step bad(assay_order_reader *reader, const char *at, size_t next, const char *column, const char *problem,
                           const char *mend) {
  return assay_feed_fail(&reader->in, (size_t)((const uint8_t *)at - reader->in.data), next, column, problem, mend);
}

static assay_feed_step read_names(assay_order_reader *reader, const char *line, size_t length, size_t whole) {
  reader->separator = assay_cells_separator(line, length);
  for (size_t at = 0;; at++) {
    assay_feed_text cell;
    if (!assay_cells_read(line, length, reader->separator, &at, &cell))
      return bad(reader, line + at, 0, "names", "a quote that is not closed", "mend the first line");
    if (reader->columns == ASSAY_ORDERS_MOST_COLUMNS)
      return bad(reader, line + at, 0, "names", "more than 64 columns", "cut the table to the columns that matter");
    const word *found = find_word(columns, LENGTH(columns), cell);
    role what = found != NULL ? (role)found->value : PASSED;
    if (what != PASSED && has(reader, what)) {
      reader->columns = 0;
      return bad(reader, cell.at, 0, role_names[what], "two columns of it", "leave one of them out");
    }
    reader->roles[reader->columns++] = (uint8_t)what;
    if (at >= length) break;
  }
  if (!has(reader, ID)) {
    reader->columns = 0;
    return bad(reader, line, 0, "id", "the first line names no such column",
               "put a line of names first, such as: kind, id, account, side, type, tif, price, quantity");
  }
  reader->in.at += whole;
  reader->ready = true;
  return ASSAY_FEED_MESSAGE;
}

/* ---- Rows ---------------------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(assay_feed_text cell) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < cell.length; i++) hash = (hash ^ (uint8_t)cell.at[i]) * UINT64_C(0x100000001b3);
  return hash != 0 ? hash : 1;
}

static const char *take_id(assay_feed_text cell, uint64_t *id) {
  size_t digits = 0;
  while (digits < cell.length && cell.at[digits] >= '0' && cell.at[digits] <= '9') digits++;
  if (digits < cell.length)
    *id = hash_of(cell);
  else if (assay_feed_whole_slow(cell.at, cell.length, id) != cell.length)
    return "a number above 2^64 - 1";
  return NULL;
}

static const char *take_whole(assay_feed_text cell, uint64_t most, uint64_t *value) {
  uint64_t number = 0;
  if (assay_feed_whole_slow(cell.at, cell.length, &number) != cell.length || number > most) return "no whole number that it can have";
  *value = number;
  return NULL;
}

static const char *take_number(assay_feed_text cell, unsigned decimals, int64_t low, int64_t high, int64_t *value) {
  int64_t number = 0;
  if (!assay_feed_decimal(cell.at, cell.length, decimals, &number)) return "no decimal number of that many decimals";
  if (number < low || number > high) return "more than a book can hold";
  *value = number;
  return NULL;
}

static const char *take_time(assay_feed_text cell, uint64_t *time_ns) {
  if (memchr(cell.at, '.', cell.length) == NULL || memchr(cell.at, '-', cell.length) != NULL)
    if (assay_feed_time(cell.at, cell.length, 1, time_ns)) return NULL;
  return "no whole number of nanoseconds, and no date such as 2026-12-24T09:30:00Z";
}

static const char *take_word(const word *words, size_t count, assay_feed_text cell, const char *problem, uint8_t *value) {
  const word *found = find_word(words, count, cell);
  if (found == NULL) return problem;
  *value = found->value;
  return NULL;
}

/* What the kind may have said already (it is 0 where it has not) is not said otherwise. */
static const char *take_other(const word *words, size_t count, assay_feed_text cell, const char *problem, const char *contradiction,
                              uint8_t *value) {
  const uint8_t before = *value;
  uint8_t now = 0;
  problem = take_word(words, count, cell, problem, &now);
  if (problem != NULL) return problem;
  if (before != 0 && now != before) return contradiction;
  *value = now;
  return NULL;
}

static const char *const no_kind = "no kind of message (new, cancel, modify, replace, clock, phase, uncross, mass_cancel, limits, kill)";

/* A new order may say its type, or its time in force, instead. */
static const char *take_kind(assay_feed_text cell, assay_book_message *m) {
  uint8_t kind = 0;
  if (cell.length > 0 && take_word(kinds, LENGTH(kinds), cell, no_kind, &kind) != NULL) return no_kind;
  if (kind == MARKET_KIND) m->type = ASSAY_BOOK_MARKET;
  if (kind == IOC_KIND) m->tif = ASSAY_BOOK_IOC;
  m->kind = kind == REVIVE_KIND ? ASSAY_BOOK_KILL : kind < ASSAY_BOOK_KINDS ? kind : ASSAY_BOOK_NEW;
  if (m->kind == ASSAY_BOOK_KILL) m->type = kind == ASSAY_BOOK_KILL;
  return NULL;
}

/* Of limits, numbers stand in fields that have other names and other ranges. */
static const char *take_limit(role what, assay_feed_text cell, assay_book_message *m) {
  uint64_t number = 0;
  if (what != PRICE && what != TRIGGER && what != QUANTITY && what != DISPLAY && what != EXPIRE) return NULL;
  const char *problem = take_whole(cell, what == PRICE || what == TRIGGER ? UINT32_MAX : UINT64_MAX, &number);
  if (problem != NULL) return problem;
  if (what == PRICE) m->price = (int32_t)(uint32_t)number;
  if (what == TRIGGER) m->trigger = (int32_t)(uint32_t)number;
  if (what == QUANTITY) m->quantity = number;
  if (what == DISPLAY) m->display = number;
  if (what == EXPIRE) m->expire = number;
  return NULL;
}

/* Where no column is of kinds, that of types may have them: limit, market, cancel, modify. */
static bool type_says_kind(const assay_order_reader *reader, assay_feed_text cell) {
  return cell.length > 0 && !has(reader, KIND) && find_word(types, LENGTH(types), cell) == NULL &&
         find_word(kinds, LENGTH(kinds), cell) != NULL;
}

static bool is_about_phase(const assay_book_message *m) { return m->kind == ASSAY_BOOK_PHASE || m->kind == ASSAY_BOOK_UNCROSS; }

/* What is wrong with a cell that is not empty; NULL: nothing. The kind is known by then. */
static const char *take_cell(const assay_order_reader *reader, role what, assay_feed_text cell, assay_order_row *row) {
  assay_book_message *m = &row->message;
  const int64_t most = (int64_t)ASSAY_BOOK_MOST_QUANTITY;
  int64_t number = 0;
  uint64_t whole = 0;
  const char *problem = NULL;
  if (m->kind == ASSAY_BOOK_LIMITS && (problem = take_limit(what, cell, m)) != NULL) return problem;
  if (m->kind == ASSAY_BOOK_LIMITS && what >= PRICE && what <= EXPIRE) return NULL;
  switch (what) {
    case ID: return take_id(cell, &m->id);
    case NEW_ID: return m->kind == ASSAY_BOOK_REPLACE ? take_id(cell, &m->new_id) : NULL;
    case EXPIRE: return m->kind != ASSAY_BOOK_REPLACE ? take_time(cell, &m->expire) : NULL;
    case TIME: return take_time(cell, &m->time);
    case ACCOUNT:
      problem = take_whole(cell, UINT32_MAX, &whole);
      m->account = (uint32_t)whole;
      return problem;
    case BOOK:
      if (assay_is_word(cell.at, cell.length, "all"))
        whole = ASSAY_BOOK_ALL;
      else
        problem = take_whole(cell, UINT32_MAX - 1, &whole);
      m->book = (uint32_t)whole;
      return problem;
    case SIDE: return take_word(sides, LENGTH(sides), cell, "neither buy nor sell", &m->side);
    case TYPE:
      if (m->kind != ASSAY_BOOK_NEW || type_says_kind(reader, cell)) return NULL;
      return take_other(types, LENGTH(types), cell, "no type of order", "another type than the kind says", &m->type);
    case TIF:
      return take_other(tifs, LENGTH(tifs), cell, "no time in force (gtc, day, ioc, fok, aon, gtd)",
                        "another time in force than the kind says", &m->tif);
    case SELF_TRADE: return take_word(self_trades, LENGTH(self_trades), cell, "no policy of self-trade prevention", &m->self_trade);
    case PHASE: return is_about_phase(m) ? take_word(phases, LENGTH(phases), cell, "no phase of a book", &m->type) : NULL;
    case PRICE:
      problem = take_number(cell, reader->price_decimals, INT32_MIN, INT32_MAX, &number);
      m->price = (int32_t)number;
      return problem;
    case TRIGGER:
      problem = take_number(cell, reader->price_decimals, INT32_MIN, INT32_MAX, &number);
      m->trigger = (int32_t)number;
      return problem;
    case QUANTITY:
      problem = take_number(cell, reader->quantity_decimals, 0, most, &number);
      m->quantity = (uint64_t)number;
      return problem;
    case DISPLAY:
      problem = take_number(cell, reader->quantity_decimals, 0, most, &number);
      m->display = (uint64_t)number;
      return problem;
    case SYMBOL: row->symbol = cell; return NULL;
    default: return NULL;
  }
}

static bool has_decimals(role what) { return what == PRICE || what == TRIGGER || what == QUANTITY || what == DISPLAY; }

static assay_feed_step read_row(assay_order_reader *reader, const char *line, size_t length, size_t whole, assay_order_row *out) {
  const char *const mend = "skip the row, or mend it";
  assay_feed_text cells[ASSAY_ORDERS_MOST_COLUMNS];
  size_t next = reader->in.at + whole, at = 0;
  const char *problem = NULL;
  assay_order_row made = {0}, *const row = &made;
  for (unsigned column = 0; column < reader->columns; column++, at++) {
    if (at > length) return bad(reader, line + length, next, "columns", "fewer of them than names", mend);
    if (!assay_cells_read(line, length, reader->separator, &at, &cells[column]))
      return bad(reader, line + at, next, "quotes", "a quote that is not closed, or text behind one", mend);
    const role what = (role)reader->roles[column];
    if (what == KIND || (what == TYPE && type_says_kind(reader, cells[column]))) problem = take_kind(cells[column], &row->message);
    if (problem != NULL) return bad(reader, cells[column].at, next, role_names[KIND], problem, mend);
  }
  if (at <= length) return bad(reader, line + at, next, "columns", "more of them than names", mend);
  for (unsigned column = 0; column < reader->columns; column++) {
    if ((role)reader->roles[column] == SYMBOL) row->symbol = cells[column]; /* empty too: there is such a column */
    if (cells[column].length == 0) continue;
    problem = take_cell(reader, (role)reader->roles[column], cells[column], row);
    if (problem != NULL)
      return bad(reader, cells[column].at, next, role_names[reader->roles[column]], problem,
                 has_decimals((role)reader->roles[column])
                     ? "skip the row, mend it, or read with more decimals (--price-decimals, --quantity-decimals)"
                     : mend);
  }
  *out = made;
  reader->in.at = next;
  reader->in.count++;
  return ASSAY_FEED_MESSAGE;
}

void assay_orders_open(assay_order_reader *reader, const void *text, size_t size, unsigned price_decimals, unsigned quantity_decimals) {
  const unsigned most = ASSAY_FEED_MOST_DECIMALS;
  *reader = (assay_order_reader){.price_decimals = price_decimals < most ? price_decimals : most,
                                 .quantity_decimals = quantity_decimals < most ? quantity_decimals : most};
  assay_feed_open(&reader->in, text, size);
}

assay_feed_step assay_orders_next(assay_order_reader *reader, assay_order_row *row) {
  while (true) {
    assay_cells_line line;
    assay_feed_step step = assay_cells_next_line(&reader->in, &line);
    if (step != ASSAY_FEED_MESSAGE) return step;
    if (reader->ready) return read_row(reader, line.text, line.length, line.whole, row);
    step = read_names(reader, line.text, line.length, line.whole);
    if (step != ASSAY_FEED_MESSAGE) return step;
  }
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

const char *assay_orders_event_names(void) {
  return "sequence,time,kind,id,other,side,price,quantity,remaining,book,account,reason,flags\n";
}

const char *assay_orders_reason(unsigned reason) {
  static const char *const names[] = {
#define REASON_NAME(symbol, text) #symbol,
      ASSAY_BOOK_REASON_LIST(REASON_NAME)
#undef REASON_NAME
  };
  return reason < ASSAY_BOOK_REASONS ? names[reason] : "UNKNOWN";
}

/* A message that is rejected may have named any. */
static const char *side_text(unsigned side, char number[4]) {
  if (side > ASSAY_SELL) snprintf(number, 4, "%u", side & 255);
  return side == ASSAY_BUY ? "buy" : side == ASSAY_SELL ? "sell" : number;
}

size_t assay_orders_put_event(const assay_book_event *e, char row[ASSAY_ORDERS_MOST_ROW]) {
  char side[4];
  int length =
      snprintf(row, ASSAY_ORDERS_MOST_ROW,
               "%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 ",%s,%" PRId32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%s,%u\n",
               e->sequence, e->time, assay_book_event_text(e->kind), e->id, e->other, side_text(e->side, side), e->price, e->quantity,
               e->remaining, e->book, e->account, assay_orders_reason(e->reason), e->flags);
  return length > 0 && length < ASSAY_ORDERS_MOST_ROW ? (size_t)length : 0;
}
