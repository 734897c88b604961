/* SPDX-License-Identifier: MIT */
/* A made market as the log of a FIX session: what a firm that has all the orders sends, and what the exchange answers. */
#include <inttypes.h>
#include <string.h>

#include <assay/feed_fix.h>

#include "base/number.h"
#include "market/feeds/generate.h"

enum { LONGEST = 1000 };
static const char firm[] = "FIRM", exchange[] = "ASSAY";

static void put(assay_made_market *market, bool ours, const char *type, const char *body, assay_buf *out) {
  char message[LONGEST];
  uint64_t *sequence = ours ? &market->fix_out : &market->fix_in;
  size_t length = assay_fix_write(message, sizeof message, type, ours ? firm : exchange, ours ? exchange : firm, ++*sequence,
                                  market->now_ns, 0, body, strlen(body));
  assay_buf_append(out, message, length);
}

static void put_time(assay_made_market *market, char time[32]) {
  /* The header of a message has it already: 52=...|10=. */
  char message[LONGEST];
  size_t length = assay_fix_write(message, sizeof message, "0", "A", "B", 1, market->now_ns, 0, "", 0);
  memcpy(time, message + length - 7 - 22, 21);
  time[21] = '\0';
}

typedef struct order {
  uint64_t id, before;
  char side;
  int64_t price;
  uint64_t quantity;
} order;

static void put_request(assay_made_market *market, const assay_market_event *event, const char *type, const order *o, assay_buf *out) {
  char body[LONGEST], name[8], time[32], original[40] = "";
  assay_made_name(event->symbol, name);
  put_time(market, time);
  if (type[0] != 'D') assay_snprintf(original, sizeof original, "41=%" PRIu64 "\001", o->before);
  if (type[0] == 'F')
    assay_snprintf(body, sizeof body, "11=%" PRIu64 "\001%s55=%s\00154=%c\00160=%s\00138=%" PRIu64 "\001", o->id, original, name, o->side,
                   time, o->quantity);
  else
    assay_snprintf(body, sizeof body,
                   "11=%" PRIu64 "\001%s55=%s\00154=%c\00160=%s\00138=%" PRIu64 "\00140=2\00144=%" PRId64 ".%04d\00159=0\001", o->id,
                   original, name, o->side, time, o->quantity, o->price / 10000, (int)(o->price % 10000));
  put(market, true, type, body, out);
}

static void put_report(assay_made_market *market, const assay_market_event *event, char kind, char state, const order *o, uint64_t filled,
                       assay_buf *out) {
  char body[LONGEST], name[8], time[32], fill[80] = "";
  assay_made_name(event->symbol, name);
  put_time(market, time);
  if (filled > 0)
    assay_snprintf(fill, sizeof fill, "31=%" PRId64 ".%04d\00132=%" PRIu64 "\001", o->price / 10000, (int)(o->price % 10000), filled);
  assay_snprintf(body, sizeof body,
                 "37=%" PRIu64 "\00117=%" PRIu64 "\001150=%c\00139=%c\00155=%s\00154=%c\00138=%" PRIu64 "\00144=%" PRId64
                 ".%04d\001%s151=%" PRIu64 "\00114=%" PRIu64 "\0016=0\00160=%s\001",
                 o->id, ++market->fix_reports, kind, state, name, o->side, o->quantity + filled, o->price / 10000, (int)(o->price % 10000),
                 fill, o->quantity, filled, time);
  put(market, false, "8", body, out);
}

static void begin(assay_made_market *market, assay_buf *out) {
  put(market, true, "A", "98=0\001108=30\001", out);
  put(market, false, "A", "98=0\001108=30\001", out);
}

static void end(assay_made_market *market, assay_buf *out) {
  put(market, true, "5", "", out);
  put(market, false, "5", "", out);
}

static void write_event(assay_made_market *market, const assay_market_event *event, const assay_made_order *resting, assay_buf *out) {
  order o = {.id = event->order_id, .before = event->order_id, .side = resting->side == 0 ? '1' : '2'};
  o.price = assay_made_price(market, event->symbol, resting->level);
  o.quantity = resting->quantity;
  if (market->fix_out % 500 == 499) put(market, true, "0", "", out);
  switch (event->kind) {
    case ASSAY_MARKET_ADD:
      o.side = event->side == 'B' ? '1' : '2';
      o.price = event->price;
      o.quantity = event->quantity;
      put_request(market, event, "D", &o, out);
      put_report(market, event, '0', '0', &o, 0, out);
      break;
    case ASSAY_MARKET_EXECUTE:
      o.quantity -= event->quantity;
      put_report(market, event, 'F', o.quantity == 0 ? '2' : '1', &o, event->quantity, out);
      break;
    case ASSAY_MARKET_CANCEL:
      o.quantity -= event->quantity;
      if (o.quantity > 0) {
        put_request(market, event, "G", &o, out);
        put_report(market, event, '5', '0', &o, 0, out);
        break;
      }
      /* fall through */
    case ASSAY_MARKET_DELETE:
      put_request(market, event, "F", &o, out);
      o.quantity = 0;
      put_report(market, event, '4', '4', &o, 0, out);
      break;
    case ASSAY_MARKET_REPLACE: /* orders keep the exchange's id, so this is a cancel and a new one */
      put_request(market, event, "F", &o, out);
      o.quantity = 0;
      put_report(market, event, '4', '4', &o, 0, out);
      o.id = event->other_id;
      o.price = event->price;
      o.quantity = event->quantity;
      put_request(market, event, "D", &o, out);
      put_report(market, event, '0', '0', &o, 0, out);
      break;
    default: { /* a request too late, and its refusal */
      char body[LONGEST];
      o.id = 0, o.before = 0, o.side = '1', o.quantity = event->quantity;
      put_request(market, event, "F", &o, out);
      assay_snprintf(body, sizeof body, "37=NONE\00111=0\00141=0\00139=8\001434=1\001102=1\001");
      put(market, false, "9", body, out);
      break;
    }
  }
}

const assay_feed_writer assay_feed_write_fix = {begin, write_event, end};
