/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_fix.h: FIX 4.4: messages where they lie, with BodyLength and CheckSum verified, and a session that is fed messages and says
 * what to send: logon, heartbeats, gaps and their filling, logout.
 *
 *     assay_feed_open(&reader, bytes, size);
 *     while (assay_fix_next(&reader, &message) == ASSAY_FEED_MESSAGE)
 *       if (assay_fix_is(&message, "8") && assay_fix_decimal(&message, 31, 4, &price)) use(price);     // LastPx of an execution report
 *
 *     assay_fix_session session;
 *     assay_fix_session_init(&session, &(assay_fix_options){.sender = "ME", .target = "THEM", .heartbeat_s = 30, .initiator = true}, out,
 * sizeof out); assay_fix_session_start(&session, now_ns);                             // a logon is in `out` write(socket, session.out,
 * session.out_length), session.out_length = 0; if (assay_fix_session_receive(&session, now_ns, &message) == ASSAY_FIX_DELIVER)
 * apply(&message);
 *
 * What is malformed: another BeginString, tags out of place at the start, a BodyLength or CheckSum that is not right, a field that is no
 * tag=value. Such a message is garbled, and FIX says to ignore it: assay_feed_skip goes on at the next "8=FIX". What a message of each kind
 * has to have is the business of assay_fix_check.
 *
 * Source: FIX 4.4 specification, volumes 1, 2 and 4 (session level: FIX session protocol 1.1). Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_FIX_H
#define ASSAY_FEED_FIX_H

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
/* Execution reports as events: new, trade, cancelled, replaced. Order ids that are no numbers are hashed (FNV-1a). Prices and quantities in
 * steps of 10^-decimals. */
ASSAY_API bool assay_fix_event(const assay_fix_message *message, uint32_t symbol, unsigned price_decimals, unsigned quantity_decimals,
                               assay_market_event *event);

/* ---- Sessions ---------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_fix_state { ASSAY_FIX_CLOSED, ASSAY_FIX_LOGGING_ON, ASSAY_FIX_ON, ASSAY_FIX_LOGGING_OUT } assay_fix_state;

typedef enum assay_fix_verdict {
  ASSAY_FIX_DELIVER,   /* an application message, in sequence */
  ASSAY_FIX_ADMIN,     /* of the session itself, dealt with */
  ASSAY_FIX_LATER,     /* behind a gap that was asked for: it comes again */
  ASSAY_FIX_DUPLICATE, /* seen before */
  ASSAY_FIX_REJECTED,  /* a reject is in `out` */
  ASSAY_FIX_DISCONNECT /* send `out`, then close: `reason` */
} assay_fix_verdict;

typedef struct assay_fix_options {
  const char *sender, *target; /* borrowed; at most 32 characters each */
  unsigned heartbeat_s;        /* 0: 30 */
  bool initiator;
  uint64_t next_out, next_in; /* 0: 1; where a session of before goes on */
  /* A message of before that has to go out again: its type and body (from behind the header on). False: fill the gap. May be NULL. */
  bool (*stored)(void *context, uint64_t sequence, const char **type, const char **body, size_t *length);
  void *context;
} assay_fix_options;

typedef struct assay_fix_session {
  assay_fix_options options;
  assay_fix_state state;
  uint64_t next_out, next_in;
  uint64_t gap_end; /* messages up to this one were asked for; 0: no gap */
  uint64_t last_out_ns, last_in_ns, asked_ns, gap_asked_ns;
  bool asked;         /* a test request is unanswered */
  const char *reason; /* of the last disconnect */
  char *out;          /* what has to be sent, in this order */
  size_t out_length, out_capacity;
  bool overflow; /* `out` was too small for something */
} assay_fix_session;

/* ASSAY_ERR_INVALID: names that are empty or too long, room for fewer than 1,024 bytes. */
ASSAY_API assay_status assay_fix_session_init(assay_fix_session *session, const assay_fix_options *options, char *out, size_t capacity,
                                              assay_error *err);
/* An initiator's logon. */
ASSAY_API void assay_fix_session_start(assay_fix_session *session, uint64_t now_ns);
ASSAY_API assay_fix_verdict assay_fix_session_receive(assay_fix_session *session, uint64_t now_ns, const assay_fix_message *message);
/* Heartbeats, test requests, and the end of a peer that is silent: call it now and then (a few times a second). */
ASSAY_API assay_fix_verdict assay_fix_session_tick(assay_fix_session *session, uint64_t now_ns);
/* Appends an application message (fields "tag=value" with SOH behind each); false: not logged on, or no room. */
ASSAY_API bool assay_fix_session_send(assay_fix_session *session, uint64_t now_ns, const char *type, const char *body, size_t length);
ASSAY_API void assay_fix_session_logout(assay_fix_session *session, uint64_t now_ns, const char *text);

/* Writes a whole message: header (8, 9, 35, 49, 56, 34, 43 and 122 when repeated, 52), body, 10. Returns its bytes; 0: no room. */
ASSAY_API size_t assay_fix_write(char *out, size_t capacity, const char *type, const char *sender, const char *target, uint64_t sequence,
                                 uint64_t now_ns, bool repeated, const char *body, size_t length);

#ifdef __cplusplus
}
#endif
#endif
