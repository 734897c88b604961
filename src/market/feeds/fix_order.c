/* SPDX-License-Identifier: MIT */
/* Orders between FIX 4.4 and the matching engine, both ways, and the execution reports that answer them. */
#include <assay/feed_fix.h>

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "market/feeds/decimal.h"
#include "market/feeds/fix.h"

enum { MOST_DECIMALS = ASSAY_FEED_MOST_DECIMALS };

/* ---- Reading ------------------------------------------------------------------------------------------------------------------------ */

/* One message on its way to an order, and what was found wrong first. */
typedef struct reading {
  const assay_fix_message *message;
  const assay_fix_terms *terms;
  assay_book_message order;
  uint32_t tag;
  assay_feed_fault fault;
} reading;

static bool wrong(reading *r, uint32_t tag, const char *field, const char *problem) {
  r->tag = tag;
  r->fault = (assay_feed_fault){.field = field, .problem = problem, .mend = "reject the message"};
  return false;
}

/* The only character of a field; 0: it is not there; ' ': it has more. */
static char letter(const assay_fix_message *message, uint32_t tag) {
  assay_feed_text text;
  if (!assay_fix_find(message, tag, &text)) return 0;
  return text.length == 1 ? text.at[0] : ' ';
}

static bool take_id(reading *r, uint32_t tag, const char *field, uint64_t *id) {
  *id = assay_fix_id(r->message, tag);
  return *id != 0 || wrong(r, tag, field, "no id, or 0");
}

static bool take_quantity(reading *r, uint32_t tag, const char *field, uint64_t *quantity) {
  int64_t value = 0;
  if (!assay_fix_decimal(r->message, tag, r->terms->quantity_decimals, &value) || value <= 0 || (uint64_t)value > ASSAY_BOOK_MOST_QUANTITY)
    return wrong(r, tag, field, "no quantity of whole steps from 1 to 2^48 - 1");
  *quantity = (uint64_t)value;
  return true;
}

static bool take_price(reading *r, uint32_t tag, const char *field, int32_t *price) {
  int64_t value = 0, tick = r->terms->tick != 0 ? r->terms->tick : 1;
  if (!assay_fix_decimal(r->message, tag, r->terms->price_decimals, &value)) return wrong(r, tag, field, "no price of whole steps");
  if (value % tick != 0) return wrong(r, tag, field, "between two ticks");
  value /= tick;
  if (value < INT32_MIN || value > INT32_MAX) return wrong(r, tag, field, "beyond the prices of a book");
  *price = (int32_t)value;
  return true;
}

static bool take_side(reading *r) {
  switch (letter(r->message, 54)) {
    case '1': r->order.side = ASSAY_BUY; return true;
    case '2':
    case '5': /* short */
    case '6': r->order.side = ASSAY_SELL; return true;
    default: return wrong(r, 54, "Side (54)", "neither buy (1) nor a way to sell (2, 5, 6)");
  }
}

static bool has_instruction(const assay_fix_message *message, char wanted) {
  assay_feed_text text = {0};
  return assay_fix_find(message, 18, &text) && memchr(text.at, wanted, text.length) != NULL;
}

/* A trailing stop is a peg to the best trade since it came in: how far behind it, in PegOffsetValue (211), which some write with the sign
 * of the side and some without. */
static bool take_trailing(reading *r) {
  uint64_t way = 0;
  assay_feed_text text;
  assay_book_message *o = &r->order;
  if (!has_instruction(r->message, 'a'))
    return wrong(r, 18, "ExecInst (18)", "of pegged orders (OrdType P) there is only the trailing stop (a)");
  if (assay_fix_find(r->message, 44, &text)) return wrong(r, 44, "Price (44)", "a trailing stop has no limit");
  if (assay_fix_find(r->message, 99, &text)) return wrong(r, 99, "StopPx (99)", "a trailing stop begins behind the last trade");
  if (assay_fix_find(r->message, 836, &text) && (!assay_fix_whole(r->message, 836, &way) || (way != 0 && way != 2)))
    return wrong(r, 836, "PegOffsetType (836)", "neither a price (0) nor ticks (2)");
  if (letter(r->message, 835) != 0 && letter(r->message, 835) != '0')
    return wrong(r, 835, "PegMoveType (835)", "a trailing stop floats (0)");
  int64_t ticks = 0;
  bool fine = way == 2 ? assay_fix_decimal(r->message, 211, 0, &ticks) && ticks >= INT32_MIN && ticks <= INT32_MAX
                       : take_price(r, 211, "PegOffsetValue (211)", &o->trigger);
  if (way == 2 && fine) o->trigger = (int32_t)ticks;
  if (!fine) return wrong(r, 211, "PegOffsetValue (211)", "no distance of whole ticks behind the best trade");
  if (o->trigger == 0 || o->trigger == INT32_MIN) return wrong(r, 211, "PegOffsetValue (211)", "a trailing stop needs a distance");
  if (o->trigger < 0) o->trigger = -o->trigger;
  o->type = ASSAY_BOOK_TRAILING_STOP;
  return true;
}

static bool take_type(reading *r) {
  assay_book_message *o = &r->order;
  switch (letter(r->message, 40)) {
    case '1': o->type = ASSAY_BOOK_MARKET; return true;
    case '2': o->type = ASSAY_BOOK_LIMIT; return take_price(r, 44, "Price (44)", &o->price);
    case '3': o->type = ASSAY_BOOK_STOP; return take_price(r, 99, "StopPx (99)", &o->trigger);
    case '4':
      o->type = ASSAY_BOOK_STOP_LIMIT;
      return take_price(r, 44, "Price (44)", &o->price) && take_price(r, 99, "StopPx (99)", &o->trigger);
    case 'P': return take_trailing(r);
    default: return wrong(r, 40, "OrdType (40)", "not market (1), limit (2), stop (3), stop limit (4) or a trailing stop (P)");
  }
}

static bool take_time_in_force(reading *r) {
  assay_book_message *o = &r->order;
  switch (letter(r->message, 59)) {
    case 0:
    case '0':
    case '1': o->tif = ASSAY_BOOK_GTC; return true;
    case '3': o->tif = ASSAY_BOOK_IOC; return true;
    case '4': o->tif = ASSAY_BOOK_FOK; return true;
    case '6':
      o->tif = ASSAY_BOOK_GTD;
      o->expire = assay_fix_time(r->message, 126);
      return o->expire != 0 || wrong(r, 126, "ExpireTime (126)", "no time, for an order that is good till then");
    default: return wrong(r, 59, "TimeInForce (59)", "not day (0), GTC (1), IOC (3), FOK (4) or GTD (6)");
  }
}

/* ExecInst holds letters with blanks between them. */
static bool take_instructions(reading *r) {
  assay_book_message *o = &r->order;
  assay_feed_text text = {0};
  (void)assay_fix_find(r->message, 18, &text);
  for (size_t i = 0; i < text.length; i++) {
    char c = text.at[i];
    if (c == ' ') continue;
    if (c == 'G' && o->tif == ASSAY_BOOK_GTC)
      o->tif = ASSAY_BOOK_AON;
    else if (c == '6' && o->type == ASSAY_BOOK_LIMIT)
      o->type = ASSAY_BOOK_POST_ONLY;
    else if (c != 'a' || o->type != ASSAY_BOOK_TRAILING_STOP)
      return wrong(r, 18, "ExecInst (18)",
                   "not all or none (G, of an order that waits), post-only (6, of a limit) or a trailing stop (a, of OrdType P)");
  }
  if (!assay_fix_find(r->message, 111, &text)) return true;
  if (!take_quantity(r, 111, "MaxFloor (111)", &o->display)) return false;
  if (o->display >= o->quantity) return (o->display = 0, true); /* shows all there is */
  if (o->type != ASSAY_BOOK_LIMIT) return wrong(r, 111, "MaxFloor (111)", "not of a plain limit order");
  o->type = ASSAY_BOOK_ICEBERG;
  return true;
}

/* The order that a cancel or replace is about; false also when it names none. */
static bool take_target(reading *r, bool *by_number) {
  assay_feed_text text;
  *by_number = assay_fix_find(r->message, 37, &text);
  return *by_number ? take_id(r, 37, "OrderID (37)", &r->order.id) : take_id(r, 41, "OrigClOrdID (41)", &r->order.id);
}

static bool take_new(reading *r) {
  r->order.kind = ASSAY_BOOK_NEW;
  return take_id(r, 11, "ClOrdID (11)", &r->order.id) && take_side(r) && take_quantity(r, 38, "OrderQty (38)", &r->order.quantity) &&
         take_type(r) && take_time_in_force(r) && take_instructions(r);
}

static bool take_cancel(reading *r) {
  bool by_number;
  r->order.kind = ASSAY_BOOK_CANCEL;
  return take_side(r) && take_target(r, &by_number);
}

/* OrderQty is of the whole order, with what has traded. */
static bool take_replace(reading *r) {
  assay_book_message *o = &r->order;
  bool by_number;
  if (!take_side(r) || !take_target(r, &by_number) || !take_quantity(r, 38, "OrderQty (38)", &o->quantity) || !take_type(r)) return false;
  if (o->quantity <= r->terms->filled) return wrong(r, 38, "OrderQty (38)", "no more than has traded already");
  o->quantity -= r->terms->filled;
  o->kind = by_number ? ASSAY_BOOK_MODIFY : ASSAY_BOOK_REPLACE;
  return by_number || take_id(r, 11, "ClOrdID (11)", &o->new_id);
}

bool assay_fix_order(const assay_fix_message *message, const assay_fix_terms *terms, assay_book_message *order, uint32_t *tag,
                     assay_feed_fault *fault) {
  reading r = {.message = message, .terms = terms, .order = {.book = terms->book, .account = terms->account}};
  bool fine;
  if (terms->price_decimals > MOST_DECIMALS || terms->quantity_decimals > MOST_DECIMALS)
    fine = wrong(&r, 0, "decimals", "more than 15 in the terms");
  else if (!assay_fix_is(message, "D") && !assay_fix_is(message, "F") && !assay_fix_is(message, "G"))
    fine = wrong(&r, 35, "MsgType (35)", "not an order (D), a cancel (F) or a replace (G)");
  else if (!assay_fix_check(message, &r.tag, &r.fault))
    fine = false;
  else
    fine = message->type.at[0] == 'D' ? take_new(&r) : message->type.at[0] == 'F' ? take_cancel(&r) : take_replace(&r);
  r.order.time = assay_fix_time(message, 60);
  if (fine && r.order.time == 0) fine = wrong(&r, 60, "TransactTime (60)", "no time such as 20240102-14:30:00.123");
  if (fine) {
    *order = r.order;
  } else {
    *tag = r.tag;
    *fault = r.fault;
  }
  return fine;
}

/* ---- Writing ------------------------------------------------------------------------------------------------------------------------ */

/* A body that is being written; once it failed it stays so. */
typedef struct writing {
  char *out;
  size_t length, capacity;
  bool failed;
} writing;

static void put_text(writing *w, uint32_t tag, const char *text) {
  char head[16];
  size_t head_length = (size_t)assay_snprintf(head, sizeof head, "%" PRIu32 "=", tag), length = strlen(text);
  for (size_t i = 0; i < length; i++) w->failed |= text[i] == 1;
  w->failed |= length == 0 || head_length + length + 1 > w->capacity - w->length;
  if (w->failed) return;
  memcpy(w->out + w->length, head, head_length);
  memcpy(w->out + w->length + head_length, text, length);
  w->length += head_length + length + 1;
  w->out[w->length - 1] = 1;
}

static void put_letter(writing *w, uint32_t tag, char letter_of) { put_text(w, tag, (char[]){letter_of, '\0'}); }

static void put_whole(writing *w, uint32_t tag, uint64_t value) {
  char text[24];
  assay_snprintf(text, sizeof text, "%" PRIu64, value);
  put_text(w, tag, text);
}

static void put_steps(writing *w, uint32_t tag, bool negative, uint64_t value, unsigned decimals) {
  char text[48];
  uint64_t unit = assay_tens[decimals];
  if (decimals == 0)
    assay_snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "", value);
  else
    assay_snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, negative ? "-" : "", value / unit, (int)decimals, value % unit);
  put_text(w, tag, text);
}

static void put_price(writing *w, uint32_t tag, int64_t steps, const assay_fix_terms *terms) {
  put_steps(w, tag, steps < 0, steps < 0 ? 0 - (uint64_t)steps : (uint64_t)steps, terms->price_decimals);
}

static void put_ticks(writing *w, uint32_t tag, int32_t price, const assay_fix_terms *terms) {
  put_price(w, tag, (int64_t)price * (terms->tick != 0 ? terms->tick : 1), terms);
}

static void put_quantity(writing *w, uint32_t tag, uint64_t quantity, const assay_fix_terms *terms) {
  put_steps(w, tag, false, quantity, terms->quantity_decimals);
}

static void put_time(writing *w, uint32_t tag, uint64_t ns) {
  char text[ASSAY_FIX_TIME_SIZE];
  assay_fix_time_text(ns, text);
  put_text(w, tag, text);
}

static void put_type(writing *w, const assay_book_message *o, const assay_fix_terms *terms) {
  static const char letters[ASSAY_BOOK_TYPES] = {
      [ASSAY_BOOK_LIMIT] = '2',   [ASSAY_BOOK_MARKET] = '1',    [ASSAY_BOOK_STOP] = '3',         [ASSAY_BOOK_STOP_LIMIT] = '4',
      [ASSAY_BOOK_ICEBERG] = '2', [ASSAY_BOOK_POST_ONLY] = '2', [ASSAY_BOOK_TRAILING_STOP] = 'P'};
  char type = o->type < ASSAY_BOOK_TYPES ? letters[o->type] : 0;
  w->failed |= type == 0; /* no words for a trailing stop with a limit */
  w->failed |= type == 'P' && o->trigger <= 0;
  if (w->failed) return;
  put_letter(w, 40, type);
  if (type == '2' || type == '4') put_ticks(w, 44, o->price, terms);
  if (type == '3' || type == '4') put_ticks(w, 99, o->trigger, terms);
  if (type == 'P') put_ticks(w, 211, o->side == ASSAY_BUY ? o->trigger : -o->trigger, terms);
}

/* FIX has one ExecInst for what a trailing stop, post-only and all or none are. */
static void put_instructions(writing *w, const assay_book_message *o, bool whole) {
  char text[8] = "";
  size_t length = 0;
  if (o->type == ASSAY_BOOK_TRAILING_STOP) text[length++] = 'a';
  if (o->type == ASSAY_BOOK_POST_ONLY) text[length++] = '6';
  if (whole && length > 0) text[length++] = ' ';
  if (whole) text[length++] = 'G';
  if (length > 0) put_text(w, 18, text);
}

static void put_conditions(writing *w, const assay_book_message *o, const assay_fix_terms *terms) {
  static const char letters[ASSAY_BOOK_TIFS] = {
      [ASSAY_BOOK_GTC] = '1', [ASSAY_BOOK_IOC] = '3', [ASSAY_BOOK_FOK] = '4', [ASSAY_BOOK_AON] = '1', [ASSAY_BOOK_GTD] = '6'};
  w->failed |= o->tif >= ASSAY_BOOK_TIFS;
  if (w->failed) return;
  put_letter(w, 59, letters[o->tif]);
  if (o->tif == ASSAY_BOOK_GTD) put_time(w, 126, o->expire);
  if (o->type == ASSAY_BOOK_ICEBERG) put_quantity(w, 111, o->display, terms);
}

static bool terms_fit(const assay_fix_terms *terms) {
  return terms->price_decimals <= MOST_DECIMALS && terms->quantity_decimals <= MOST_DECIMALS;
}

size_t assay_fix_put_order(char *body, size_t capacity, const assay_fix_terms *terms, const char *symbol, const assay_book_message *o,
                           uint64_t request, const char **type) {
  writing w = {.out = body, .capacity = capacity, .failed = !terms_fit(terms) || o->side > ASSAY_SELL};
  bool is_new = o->kind == ASSAY_BOOK_NEW, cancel = o->kind == ASSAY_BOOK_CANCEL, modify = o->kind == ASSAY_BOOK_MODIFY,
       replace = o->kind == ASSAY_BOOK_REPLACE;
  if (w.failed || (!is_new && !cancel && !modify && !replace)) return 0;
  put_whole(&w, 11, is_new ? o->id : replace ? o->new_id : request);
  if (modify) put_whole(&w, 37, o->id);
  if (!is_new) put_whole(&w, 41, o->id);
  put_text(&w, 55, symbol);
  put_letter(&w, 54, o->side == ASSAY_BUY ? '1' : '2');
  put_time(&w, 60, o->time);
  if (!cancel || o->quantity > 0) put_quantity(&w, 38, o->quantity + (is_new ? 0 : terms->filled), terms);
  if (!cancel) put_type(&w, o, terms);
  if (!cancel) put_instructions(&w, o, is_new && o->tif == ASSAY_BOOK_AON);
  if (is_new) put_conditions(&w, o, terms);
  if (w.failed) return 0;
  *type = is_new ? "D" : cancel ? "F" : "G";
  return w.length;
}

size_t assay_fix_put_report(char *body, size_t capacity, const assay_fix_terms *terms, const char *symbol, const assay_fix_report *r) {
  writing w = {.out = body, .capacity = capacity, .failed = !terms_fit(terms)};
  if (w.failed) return 0;
  put_whole(&w, 37, r->order);
  if (r->request != 0) put_whole(&w, 11, r->request);
  if (r->original != 0) put_whole(&w, 41, r->original);
  put_whole(&w, 17, r->execution);
  put_letter(&w, 150, r->kind);
  put_letter(&w, 39, r->status);
  put_text(&w, 55, symbol);
  put_letter(&w, 54, r->side == 'B' ? '1' : '2');
  put_quantity(&w, 38, r->quantity, terms);
  put_price(&w, 44, r->price, terms);
  if (r->kind == 'F') {
    put_price(&w, 31, r->last_price, terms);
    put_quantity(&w, 32, r->last_quantity, terms);
  }
  put_quantity(&w, 151, r->leaves, terms);
  put_quantity(&w, 14, r->filled, terms);
  put_price(&w, 6, r->average, terms);
  put_time(&w, 60, r->time_ns);
  if (r->text != NULL) put_text(&w, 58, r->text);
  return w.failed ? 0 : w.length;
}
