/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_fix.h: FIX 4.4, and of logs 4.2 and 4.3: messages where they lie, with BodyLength and CheckSum verified, and a session that is
 * fed messages and says what to send: logon, heartbeats, gaps and their filling, logout.
 *
 *     assay_feed_open(&reader, bytes, size);
 *     while (assay_fix_next(&reader, &message) == ASSAY_FEED_MESSAGE)
 *       if (assay_fix_is(&message, "8") && assay_fix_decimal(&message, 31, 4, &price)) use(price);     // LastPx of an execution report
 *
 *     assay_fix_session session;
 *     assay_fix_options options = {.sender = "ME", .target = "THEM", .heartbeat_s = 30, .initiator = true};
 *     assay_fix_session_init(&session, &options, out, sizeof out, &err);
 *     assay_fix_session_start(&session, now_ns);                                                       // a logon is in `out`
 *     write(socket, session.out, session.out_length), session.out_length = 0;
 *     if (assay_fix_session_receive(&session, now_ns, &message) == ASSAY_FIX_DELIVER &&
 *         assay_fix_order(&message, &terms, &order, &tag, &fault)) assay_book_apply(book, &order, 1);  // of an acceptor
 *
 * What is malformed: another BeginString (assay_fix_next takes FIX.4.4 alone, assay_fix_next_older FIX.4.2 and 4.3 too), tags out of place
 * at the start, a BodyLength or CheckSum that is not right, a field that is no tag=value. Such a message is garbled, and FIX says to ignore
 * it: assay_feed_skip goes on at the next "8=FIX". What a message of each kind has to have, and that no field is without a value, is the
 * business of assay_fix_check.
 *
 * Source: FIX 4.4 specification, volumes 1, 2 and 4 (session level: FIX session protocol 1.1). Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_FIX_H
#define ASSAY_FEED_FIX_H

#include <assay/book.h>
#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Messages ---------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_fix_message {
  const char *data; /* from "8=" on */
  size_t length;    /* with the CheckSum field */
  const char *body; /* from "35=" on, body_length bytes */
  size_t body_length;
  assay_feed_text type; /* 35 */
} assay_fix_message;

typedef struct assay_fix_field {
  uint32_t tag;
  assay_feed_text value;
} assay_fix_field;

ASSAY_API assay_feed_step assay_fix_next(assay_feed_reader *reader, assay_fix_message *message);
/* The same for logs: messages of FIX 4.2 and 4.3 too. Orders, cancels, replaces and reports have the same tags there, but for trades:
 * 4.2 says them with ExecType (150) 1 and 2, and with ExecTransType (20) whether they are new, which assay_fix_events knows. */
ASSAY_API assay_feed_step assay_fix_next_older(assay_feed_reader *reader, assay_fix_message *message);
static inline bool assay_fix_is(const assay_fix_message *message, const char *type) {
  size_t i = 0;
  while (i < message->type.length && type[i] != '\0' && type[i] == message->type.at[i]) i++;
  return i == message->type.length && type[i] == '\0';
}
/* "new order single"; NULL: not one of those that are known by name. */
ASSAY_API const char *assay_fix_name(const assay_fix_message *message);

/* All fields of the body, in their order: zero the cursor to begin; false at the end. Data fields (RawData and the like) may hold any byte.
 */
typedef struct assay_fix_cursor {
  size_t at, data; /* the next field; the length that the field before said of it */
  uint32_t data_tag;
} assay_fix_cursor;
ASSAY_API bool assay_fix_field_next(const assay_fix_message *message, assay_fix_cursor *cursor, assay_fix_field *field);
/* The first field of a tag; false: there is none. */
ASSAY_API bool assay_fix_find(const assay_fix_message *message, uint32_t tag, assay_feed_text *value);
/* The same as a number; false where it is none too. */
ASSAY_API bool assay_fix_whole(const assay_fix_message *message, uint32_t tag, uint64_t *value);
ASSAY_API bool assay_fix_decimal(const assay_fix_message *message, uint32_t tag, unsigned decimals, int64_t *value);
/* Whether the message has what its kind needs (fault->field names the tag, *tag is it); the kinds that assay_fix_name knows. */
ASSAY_API bool assay_fix_check(const assay_fix_message *message, uint32_t *tag, assay_feed_fault *fault);
/*
 * Execution reports as events, how many of them: new, trade, cancelled, replaced. A trade that is taken back or put right afterwards
 * (150=H and G, 20=1 and 2) is ASSAY_MARKET_BROKEN by its ExecRefID (19), with ASSAY_MARKET_GAP, since the book of its order is wrong from
 * there on; one that is put right is a second event, ASSAY_MARKET_TRADE as it is now, of no side, since whose order it was the first one
 * says. 0: it is no report, or says nothing of a market. Order ids that are no numbers are hashed (FNV-1a). Prices and quantities in steps
 * of 10^-decimals.
 */
enum { ASSAY_FIX_MOST_EVENTS = 2 };
ASSAY_API size_t assay_fix_events(const assay_fix_message *message, uint32_t symbol, unsigned price_decimals, unsigned quantity_decimals,
                                  assay_market_event events[ASSAY_FIX_MOST_EVENTS]);

/* ---- Orders ------------------------------------------------------------------------------------------------------------------------ */

/* What a FIX message does not say of an order, and a matching engine wants to know. */
typedef struct assay_fix_terms {
  uint32_t book, account;
  unsigned price_decimals, quantity_decimals; /* prices in steps of 10^-price_decimals, quantities of 10^-quantity_decimals; at most 15 */
  uint32_t tick;                              /* steps of a price that are one tick of the book; 0: 1 */
  uint64_t filled; /* of the order that is replaced, so far: FIX names all of it, the engine what is to be open */
} assay_fix_terms;

/*
 * A new order (D), cancel (F) or cancel/replace (G) as the message of an assay_book. False for what the engine cannot do or the message
 * does not say: fault->field and *tag name it (373 of a reject: 1 where it is not there, else 5), *order stays.
 *
 * Ids: a new order's is its ClOrdID (11). Cancel and replace name the order by OrderID (37) where that is there, and it keeps its id and,
 * with less quantity at the same price, its place (ASSAY_BOOK_MODIFY); else by OrigClOrdID (41), and a replaced one goes on as ClOrdID
 * (ASSAY_BOOK_REPLACE). Ids that are no numbers are hashed (FNV-1a); 0 is none.
 * Side (54): 1; 2, 5 and 6 sell. OrdType (40): market, limit, stop, stop limit, with Price (44) and StopPx (99); P with ExecInst a is a
 * trailing stop, PegOffsetValue (211, either sign) behind the best trade, as a price or in ticks (PegOffsetType 836, 0 or 2); of other pegs
 * there are none. TimeInForce (59): day and
 * till cancelled (the day's end is the caller's to send), immediate or cancel, fill or kill, till ExpireTime (126). ExecInst (18): G all or
 * none, 6 post-only. MaxFloor (111): an iceberg that shows so much. TransactTime (60) is the time.
 */
ASSAY_API bool assay_fix_order(const assay_fix_message *message, const assay_fix_terms *terms, assay_book_message *order, uint32_t *tag,
                               assay_feed_fault *fault);
/*
 * The reverse: the body of an order, cancel or replace for assay_fix_session_send, and its type ("D", "F", "G"). `side` and type of a
 * cancel and replace are those of the order; `request` is the ClOrdID of a cancel or modification (a replacement's is its new id). Returns
 * its bytes; 0: no room, a symbol with characters that FIX has not, or a message that FIX has no words for.
 */
ASSAY_API size_t assay_fix_put_order(char *body, size_t capacity, const assay_fix_terms *terms, const char *symbol,
                                     const assay_book_message *order, uint64_t request, const char **type);

/* An execution report (8). */
typedef struct assay_fix_report {
  char kind;   /* ExecType (150): '0' new, 'F' trade, '4' cancelled, '5' replaced, '8' rejected, 'C' expired */
  char status; /* OrdStatus (39): '0' new, '1' partly filled, '2' filled, '4' cancelled, '8' rejected, 'C' expired */
  char side;   /* 'B' or 'S' */
  uint64_t order, request, original, execution; /* OrderID (37), ClOrdID (11), OrigClOrdID (41), ExecID (17); 0: no 11, no 41 */
  uint64_t quantity, leaves, filled;            /* OrderQty (38), LeavesQty (151), CumQty (14), in steps of terms->quantity_decimals */
  uint64_t last_quantity;                       /* of a trade: LastQty (32) */
  int64_t price, last_price, average;           /* Price (44), of a trade LastPx (31), AvgPx (6), in steps of terms->price_decimals */
  uint64_t time_ns;
  const char *text; /* Text (58); NULL: none */
} assay_fix_report;

/* Its body. Returns its bytes; 0: no room, or a symbol or text with characters that FIX has not. */
ASSAY_API size_t assay_fix_put_report(char *body, size_t capacity, const assay_fix_terms *terms, const char *symbol,
                                      const assay_fix_report *report);

/* ---- Sessions ---------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_fix_state { ASSAY_FIX_CLOSED, ASSAY_FIX_LOGGING_ON, ASSAY_FIX_ON, ASSAY_FIX_LOGGING_OUT } assay_fix_state;

typedef enum assay_fix_verdict {
  ASSAY_FIX_DELIVER,    /* an application message, in sequence */
  ASSAY_FIX_ADMIN,      /* of the session itself, dealt with */
  ASSAY_FIX_LATER,      /* behind a gap that was asked for: it comes again */
  ASSAY_FIX_DUPLICATE,  /* seen before */
  ASSAY_FIX_REJECTED,   /* a reject is in `out` */
  ASSAY_FIX_DISCONNECT, /* send `out`, then close: `reason` */
  ASSAY_FIX_GARBLED     /* no message at all: counted, and ignored */
} assay_fix_verdict;

typedef struct assay_fix_options {
  const char *sender, *target; /* borrowed; at most 32 characters each */
  unsigned heartbeat_s;        /* 0: 30. An acceptor takes its peer's, 0 of which means no heartbeats at all */
  bool initiator;
  uint64_t next_out, next_in; /* 0: 1; where a session of before goes on */
  /* Initiators: the logon says which number is expected next (789), and a peer that answers with its own repeats what is missing without
   * being asked, as we do. Acceptors answer whoever says it. */
  bool next_expected;
  uint64_t resend_most; /* messages that a resend request asks for at a time; 0: all */
  unsigned accuracy_s;  /* a SendingTime (52) so many seconds from now ends the session; 0: it is not compared with the clock */
  /* A message of before that has to go out again: its type and body (from behind the header on), and when it was sent first (0: not known).
   * False: fill the gap. May be NULL. */
  bool (*stored)(void *context, uint64_t sequence, const char **type, const char **body, size_t *length, uint64_t *sent_ns);
  void *context;
} assay_fix_options;

typedef struct assay_fix_session {
  assay_fix_options options;
  assay_fix_state state;
  uint64_t next_out, next_in;
  uint64_t gap_end, asked_end;    /* messages up to this one lack (0: no gap), up to this one they were asked for */
  uint64_t repeat_at, repeat_end; /* those of ours that the peer asked for and that `out` has had no room for yet; repeat_end 0: none */
  uint64_t last_out_ns, last_in_ns, asked_ns, gap_asked_ns;
  uint64_t garbled;   /* what was no message, see assay_fix_session_garbled */
  bool asked;         /* a test request is unanswered */
  const char *reason; /* of the last disconnect */
  char *out;          /* what has to be sent, in this order */
  size_t out_length, out_capacity;
  bool overflow; /* `out` was too small for something, which is lost */
} assay_fix_session;

/* ASSAY_ERR_INVALID: names that are empty or too long, room for fewer than 1,024 bytes. */
ASSAY_API assay_status assay_fix_session_init(assay_fix_session *session, const assay_fix_options *options, char *out, size_t capacity,
                                              assay_error *err);
/* An initiator's logon. */
ASSAY_API void assay_fix_session_start(assay_fix_session *session, uint64_t now_ns);
ASSAY_API assay_fix_verdict assay_fix_session_receive(assay_fix_session *session, uint64_t now_ns, const assay_fix_message *message);
/* What the reader calls malformed (reader.fault), before assay_feed_skip: FIX says to ignore what is garbled, and it comes again as a gap.
 * A whole message of another version ends the session. */
ASSAY_API assay_fix_verdict assay_fix_session_garbled(assay_fix_session *session, uint64_t now_ns, const assay_feed_fault *fault);
/* Heartbeats, test requests, and the end of a peer that is silent: call it now and then (a few times a second). */
ASSAY_API assay_fix_verdict assay_fix_session_tick(assay_fix_session *session, uint64_t now_ns);
/* Appends an application message (fields "tag=value" with SOH behind each); false: not logged on, or no room. What the peer asked for again
 * comes first: it goes on with every call once `out` was sent. */
ASSAY_API bool assay_fix_session_send(assay_fix_session *session, uint64_t now_ns, const char *type, const char *body, size_t length);
ASSAY_API void assay_fix_session_logout(assay_fix_session *session, uint64_t now_ns, const char *text);

/* Writes a whole message: header (8, 9, 35, 49, 56, 34, 43 and 122 when it was sent before, at `first_ns`, 52), body, 10. 0: it is new.
 * Returns its bytes; 0: no room. */
ASSAY_API size_t assay_fix_write(char *out, size_t capacity, const char *type, const char *sender, const char *target, uint64_t sequence,
                                 uint64_t now_ns, uint64_t first_ns, const char *body, size_t length);

#ifdef __cplusplus
}
#endif
#endif
