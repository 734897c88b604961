/* SPDX-License-Identifier: MIT */
/*
 * assay/websocket.h: WebSocket (RFC 6455). Servers and clients on an event loop, with TLS and compression (see "Connections" below); and
 * the frames as pure functions on bytes, for any other transport and for measuring:
 *
 *     assay_ws_parser parser;
 *     assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_SERVER});
 *     while ((got = read(fd, bytes, sizeof bytes)) > 0) {
 *       for (size_t at = 0, used; at < (size_t)got && parser.fault == 0; at += used) {
 *         size_t count = assay_ws_parser_feed(&parser, bytes + at, (size_t)got - at, events, 64, &used);
 *         for (size_t i = 0; i < count; i++) handle(&events[i]);                      // pieces of messages, unmasked in `bytes`
 *       }
 *       if (parser.fault != 0) close_with(parser.fault, parser.why);
 *     }
 *     size_t length = assay_ws_frame(out, ASSAY_WS_TEXT, 0, "hello", 5, NULL);        // a server's frame; `out` holds length + 14
 *
 * Everything that the RFC forbids ends in a fault with the close code it asks for (1002, 1007, 1009), at the first byte that shows it.
 * Text is UTF-8 (RFC 3629), checked as it comes, also across frames. docs/websocket.md has the rules, one by one, and the figures.
 *
 * Thread-safety: an object belongs to one thread at a time.
 */
#ifndef ASSAY_WEBSOCKET_H
#define ASSAY_WEBSOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Frames ------------------------------------------------------------------------------------------------------------------------ */

/* RFC 6455 section 11.8. The other ten are reserved, and faults. */
typedef enum assay_ws_opcode {
  ASSAY_WS_CONTINUATION = 0,
  ASSAY_WS_TEXT = 1,
  ASSAY_WS_BINARY = 2,
  ASSAY_WS_CLOSE = 8,
  ASSAY_WS_PING = 9,
  ASSAY_WS_PONG = 10
} assay_ws_opcode;

/* Whose end we are: servers take masked frames and send plain ones, clients the reverse (section 5.1). */
typedef enum assay_ws_role { ASSAY_WS_SERVER, ASSAY_WS_CLIENT } assay_ws_role;

/* Flags of events, and of frames that are written. */
enum {
  ASSAY_WS_FIRST = 1,      /* events: the first piece of a message */
  ASSAY_WS_LAST = 2,       /* events: the last one */
  ASSAY_WS_COMPRESSED = 4, /* RSV1: permessage-deflate */
  ASSAY_WS_MORE = 8        /* frames: another one of the same message follows (FIN is not set) */
};

/* Close codes that mean something here (section 7.4.1 and the IANA registry). */
enum {
  ASSAY_WS_CLOSE_NORMAL = 1000,
  ASSAY_WS_CLOSE_GOING_AWAY = 1001,
  ASSAY_WS_CLOSE_PROTOCOL = 1002,
  ASSAY_WS_CLOSE_NONE = 1005,     /* never on the wire: the frame had no code */
  ASSAY_WS_CLOSE_ABNORMAL = 1006, /* never on the wire: there was no frame */
  ASSAY_WS_CLOSE_BAD_DATA = 1007,
  ASSAY_WS_CLOSE_POLICY = 1008,
  ASSAY_WS_CLOSE_TOO_BIG = 1009,
  ASSAY_WS_CLOSE_EXTENSION = 1010,
  ASSAY_WS_CLOSE_INTERNAL = 1011,
  ASSAY_WS_CLOSE_TRY_LATER = 1013,
};

enum {
  ASSAY_WS_HEADER_MOST = 14,                /* bytes of the longest frame header */
  ASSAY_WS_CONTROL_MOST = 125,              /* bytes that a ping, pong or close may carry */
  ASSAY_WS_MESSAGE_LIMIT = 16 * 1024 * 1024 /* unless told otherwise, for frames and messages */
};

/* Whether a close frame may carry this code: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
ASSAY_API bool assay_ws_close_code_valid(unsigned code);

/* A piece of a message, or a whole control frame. */
typedef struct assay_ws_event {
  uint8_t
      *data; /* unmasked, in the bytes that were fed; of a control frame that came in pieces, in the parser. Valid until the next feed */
  size_t length;  /* bytes; of a close frame without its code */
  uint8_t opcode; /* of the message: never ASSAY_WS_CONTINUATION */
  uint8_t flags;  /* ASSAY_WS_FIRST, _LAST, _COMPRESSED */
  uint16_t code;  /* of a close frame; ASSAY_WS_CLOSE_NONE where it has none. 0 for all else */
} assay_ws_event;

typedef struct assay_ws_parser_options {
  assay_ws_role role;
  bool compression;       /* permessage-deflate was agreed on: RSV1 is allowed. Compressed text is not checked here, since it has to be
                             inflated first: assay_ws_utf8_feed */
  uint64_t frame_limit;   /* bytes of payload; 0: ASSAY_WS_MESSAGE_LIMIT. Refused when the header says more, before any payload */
  uint64_t message_limit; /* of all frames of a message, as they are on the wire; 0: the same */
  const char *variant;    /* instruction set by name ("c", "avx2"); NULL: the best that is allowed (ASSAY_ISA). Unknown ones: the best */
} assay_ws_parser_options;

/* In the caller's storage. `fault` and `why` may be read; the rest is the parser's own. */
typedef struct assay_ws_parser {
  uint16_t fault;  /* 0, or the code to close with: nothing more is taken */
  const char *why; /* of a fault: static text */
  const struct assay_ws_loops *loops;
  uint64_t frame_limit, message_limit, message_bytes, left;
  uint32_t mask, utf8;
  uint8_t role, compression, state, opcode, message, flags, final, started;
  uint8_t header[ASSAY_WS_HEADER_MOST], header_have, header_need, control_have;
  uint8_t control[2][ASSAY_WS_CONTROL_MOST], control_at;
} assay_ws_parser;

ASSAY_API void assay_ws_parser_init(assay_ws_parser *parser, const assay_ws_parser_options *options);
/*
 * Takes bytes as they came, any number at a time, and unmasks them where they are. Writes at most `capacity` events, returns how many, and
 * sets *used to the bytes taken: fewer than `length` when events ran out (feed the rest) or at a fault. A message of one frame that is
 * whole in `bytes` is one event; others come in pieces as they arrive, with ASSAY_WS_FIRST on the first and ASSAY_WS_LAST on the last,
 * which may be empty. Control frames are always whole, and may come between the pieces of a message. After a close frame bytes are taken
 * and ignored (section 5.5.1). No allocation, no system call.
 */
ASSAY_API size_t assay_ws_parser_feed(assay_ws_parser *parser, uint8_t *bytes, size_t length, assay_ws_event *events, size_t capacity,
                                      size_t *used);
/* The instruction set that this parser runs on: "avx2". */
ASSAY_API const char *assay_ws_parser_variant(const assay_ws_parser *parser);

/* Writes a frame's header and returns its bytes, at most ASSAY_WS_HEADER_MOST. `mask` as its four bytes lie in memory; NULL: not masked. */
ASSAY_API size_t assay_ws_frame_header(uint8_t *out, assay_ws_opcode opcode, unsigned flags, uint64_t length, const uint32_t *mask);
/* Writes a whole frame (header and payload, masked on the way) and returns its bytes; `out` has room for length + ASSAY_WS_HEADER_MOST, and
 * does not overlap `data`. The payload of a close frame is assay_ws_close_payload's. */
ASSAY_API size_t assay_ws_frame(uint8_t *out, assay_ws_opcode opcode, unsigned flags, const void *data, size_t length,
                                const uint32_t *mask);
/* Writes code and reason, cut after a whole character where it is longer than 123 bytes; returns the bytes. 0 for ASSAY_WS_CLOSE_NONE. */
ASSAY_API size_t assay_ws_close_payload(uint8_t out[ASSAY_WS_CONTROL_MOST], unsigned code, const char *reason);
/* out = in ^ mask, repeated; `out` may be `in` but not overlap it otherwise. */
ASSAY_API void assay_ws_mask(void *out, const void *in, size_t length, uint32_t mask);

/* Masks that nobody can foresee (section 10.3), from the system's random source, 64 at a time. Zero-initialise. */
typedef struct assay_ws_masks {
  uint32_t values[64];
  unsigned left;
} assay_ws_masks;
/* ASSAY_ERR_IO when the system gives no randomness. */
ASSAY_API assay_status assay_ws_masks_next(assay_ws_masks *masks, assay_error *err, uint32_t *mask);

/* ---- UTF-8 as it streams ---------------------------------------------------------------------------------------------------------- */

/* Zero-initialise at the start of a text. */
typedef struct assay_ws_utf8 {
  uint32_t last; /* the last three bytes: all that the next byte's fate depends on */
} assay_ws_utf8;
/* False as soon as no continuation could make the text valid; false ever after. */
ASSAY_API bool assay_ws_utf8_feed(assay_ws_utf8 *state, const void *bytes, size_t length);
/* Whether the text may end here. */
ASSAY_API bool assay_ws_utf8_complete(const assay_ws_utf8 *state);

/* ---- Connections ------------------------------------------------------------------------------------------------------------------- */

/*
 * Servers and clients live on a loop, which belongs to one thread and calls the handlers; there may be a loop a thread.
 *
 *     static void echo(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
 *       assay_ws_send(ws, opcode, data, length, NULL);
 *     }
 *     assay_ws_loop_create(NULL, &err, &loop);
 *     assay_ws_server_open(loop, &(assay_ws_server_options){.port = 9000}, &(assay_ws_handlers){.message = echo}, &err, &server);
 *     assay_ws_connect(loop, "wss://example.com/feed", NULL, &(assay_ws_handlers){.message = show}, &err, NULL);
 *     assay_ws_loop_run(loop, &err);                                                       // until assay_ws_loop_stop
 *     assay_ws_loop_destroy(loop);                                                         // and all that lives on it
 */
typedef struct assay_ws_loop assay_ws_loop;
typedef struct assay_ws_server assay_ws_server;
typedef struct assay_ws assay_ws; /* a connection */

typedef struct assay_ws_loop_options {
  bool spin; /* ask again and again instead of sleeping: the shortest way from a byte to its handler, for a whole core */
  /*
   * A loop that sleeps asks again for so long first, while what comes comes within that time: being woken takes longer. Where the pauses
   * are longer it sleeps at once. 0: 50 us; below 0: it always sleeps at once. At most 1 s.
   */
  double patience_s;
  /*
   * Bytes that all its connections together may hold of messages that are not whole yet, of what waits to be sent, and for compression (up
   * to 300 KiB a connection that sends compressed messages, 45 KiB one that gets them), and for TLS (by what OpenSSL takes: 28 KiB a
   * connection, 34 for records, given up where messages need the room, 72 while it shakes hands; turned away without room for that); 0: 1
   * GiB. Once half is in use messages go uncompressed and compression is not agreed on any more. Where more comes in, the connection that
   * holds most ends with ASSAY_WS_CLOSE_TRY_LATER; where more is sent, it is as if the connection's own queue were full.
   */
  size_t memory_limit;
} assay_ws_loop_options;

/* `options` may be NULL. */
ASSAY_API assay_status assay_ws_loop_create(const assay_ws_loop_options *options, assay_error *err, assay_ws_loop **loop);
/* Ends all connections at once, without a word to their peers (`closed` is called), and all servers. Not from a handler. */
ASSAY_API void assay_ws_loop_destroy(assay_ws_loop *loop);
/* Waits at most so long for something to happen (below 0: for ever), and does it. Not from a handler. */
ASSAY_API assay_status assay_ws_loop_turn(assay_ws_loop *loop, double timeout_s, assay_error *err);
/* Turns until assay_ws_loop_stop. */
ASSAY_API assay_status assay_ws_loop_run(assay_ws_loop *loop, assay_error *err);
/* Ends assay_ws_loop_run, and a turn that waits. These two from any thread, and from a signal handler. */
ASSAY_API void assay_ws_loop_stop(assay_ws_loop *loop);
/* Ends a turn that waits. */
ASSAY_API void assay_ws_loop_wake(assay_ws_loop *loop);

/* What becomes of a message when the queue to a peer that reads too slowly is full. */
typedef enum assay_ws_policy {
  ASSAY_WS_REFUSE,      /* sending fails with ASSAY_ERR_BUSY; `drained` tells when to go on */
  ASSAY_WS_DROP_OLDEST, /* the oldest whole messages that have not begun to go out make room */
  ASSAY_WS_DISCONNECT   /* what is queued is forgotten, and behind what is on its way goes ASSAY_WS_CLOSE_TRY_LATER; where the peer has not
                           read that within close_s, the connection ends without it */
} assay_ws_policy;

/* permessage-deflate (RFC 7692). Agreed on in the handshake; a peer that does not speak it goes without. */
typedef struct assay_ws_compression {
  bool on;                                         /* offered, or accepted */
  bool server_no_context_takeover;                 /* each message of the server begins anew: less memory, less compression */
  bool client_no_context_takeover;                 /* the same for the client's */
  unsigned server_window_bits, client_window_bits; /* 9 to 15; 0: 15. The most that is asked for */
  bool strict;    /* clients: rather none than a server that keeps to less than was asked of it; else a second offer asks nothing of it */
  unsigned level; /* 1 to 9; 0: 1 */
  size_t least;   /* shorter messages go as they are; 0: 64 bytes */
} assay_ws_compression;

/* Of each connection, at either end. 0 takes the default of every number. */
typedef struct assay_ws_options {
  size_t header_limit;                 /* bytes of a handshake; 8 KiB */
  uint64_t frame_limit, message_limit; /* bytes, of a message after it was inflated too; 16 MiB */
  size_t queue_limit;                  /* bytes waiting to be sent; 4 MiB. A message that finds the queue empty may be longer */
  assay_ws_policy policy;
  double handshake_s; /* to connect and shake hands; 10 */
  double close_s;     /* for the peer to answer a close frame, and then to hang up; 5 */
  double ping_s;      /* a ping is sent after so long without a byte from the peer, which is gone after as long again
                         without one; 20. Below 0: never */
  assay_ws_compression compression;
} assay_ws_options;

/* What a client asked for, in the bytes it sent: valid during the handler. */
typedef struct assay_ws_request {
  const char *path;          /* with its query: "/feed?symbol=A" */
  const char *host, *origin; /* NULL where there was none */
  const char *protocol;      /* that was agreed on; NULL: none */
  const char *address;       /* of the peer: "127.0.0.1" */
} assay_ws_request;

/* Each may be NULL. A handler may send, close, and stop the loop; the connection is gone once `closed` returns. */
typedef struct assay_ws_handlers {
  void *user;
  /* Servers: false refuses with 404. */
  bool (*request)(void *user, assay_ws *ws, const assay_ws_request *request);
  void (*open)(void *user, assay_ws *ws);
  /* A whole message: ASSAY_WS_TEXT (valid UTF-8) or ASSAY_WS_BINARY. The data may be changed, and is gone after the handler. */
  void (*message)(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length);
  void (*pong)(void *user, assay_ws *ws, const uint8_t *data, size_t length);
  /* The queue is empty again after it was not. */
  void (*drained)(void *user, assay_ws *ws);
  /*
   * Always the last. The code and reason are the peer's, or ours where we ended it for what the peer did (then `reason` says what), or
   * ASSAY_WS_CLOSE_ABNORMAL with the cause where there was no close frame at all. `clean`: both ends sent one.
   */
  void (*closed)(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean);
} assay_ws_handlers;

typedef struct assay_ws_server_options {
  const char *address; /* numeric; NULL: 127.0.0.1, so that only this machine can connect */
  uint16_t port;       /* 0: any that is free */
  /*
   * Web pages that may connect, as browsers name their origin ("https://example.com"), NULL-terminated; "*" allows all. NULL: only pages of
   * this machine (http or https, localhost, 127.0.0.1 or [::1], any port). Programs that send no Origin are not held to it.
   */
  const char *const *origins;
  const char *const *protocols;  /* subprotocols in the order of preference, NULL-terminated; NULL: none */
  const char *certificate, *key; /* files in PEM; both set: TLS (1.2 and later), through OpenSSL */
  size_t connection_limit;       /* at a time; more are turned away. 0: 10,000 */
  assay_ws_options connection;
} assay_ws_server_options;

typedef struct assay_ws_client_options {
  const char *origin;           /* NULL: none is sent */
  const char *const *protocols; /* offered, NULL-terminated; NULL: none */
  const char *ca_file;          /* PEM of who may sign the server's certificate; NULL: the system's */
  bool unverified;              /* do not look at the certificate: anybody may sit in between */
  assay_ws_options connection;
} assay_ws_client_options;

/* Listens. Options (NULL: as usual) and handlers are copied, their texts too. ASSAY_ERR_IO when the address cannot be had;
 * ASSAY_ERR_UNSUPPORTED without libcrypto (and libssl for TLS, libz for compression), which are loaded here. */
ASSAY_API assay_status assay_ws_server_open(assay_ws_loop *loop, const assay_ws_server_options *options, const assay_ws_handlers *handlers,
                                            assay_error *err, assay_ws_server **server);
ASSAY_API uint16_t assay_ws_server_port(const assay_ws_server *server);
/*
 * Begins a graceful stop: no new connections; those that are there get what is queued for them and a close frame
 * (ASSAY_WS_CLOSE_GOING_AWAY), and end within close_s. assay_ws_server_connections is 0 when all have.
 */
ASSAY_API void assay_ws_server_stop(assay_ws_server *server);
/* Connections that are open, shake hands or say goodbye. */
ASSAY_API size_t assay_ws_server_connections(const assay_ws_server *server);
/* Ends its connections at once. Not from a handler. Accepts NULL. */
ASSAY_API void assay_ws_server_destroy(assay_ws_server *server);
/* Sends to every open connection and returns to how many it went; the others' policies and counts apply. */
ASSAY_API size_t assay_ws_server_broadcast(assay_ws_server *server, assay_ws_opcode opcode, const void *data, size_t length);

/*
 * Begins to connect to ws://host[:port]/path or wss://; `open` or `closed` tells how it went. Looking a name up blocks. `options` may be
 * NULL. ASSAY_ERR_INVALID for a URL that is none, ASSAY_ERR_NOT_FOUND for a host without an address. *ws (may be NULL) is valid until
 * `closed`.
 */
ASSAY_API assay_status assay_ws_connect(assay_ws_loop *loop, const char *url, const assay_ws_client_options *options,
                                        const assay_ws_handlers *handlers, assay_error *err, assay_ws **ws);

/*
 * Sends a message, at once where the system takes it. Text has to be UTF-8. ASSAY_ERR_BUSY: the queue is full (see assay_ws_policy);
 * ASSAY_ERR_INVALID: the connection is not open; ASSAY_ERR_LIMIT: it is longer than the loop's memory_limit.
 */
ASSAY_API assay_status assay_ws_send(assay_ws *ws, assay_ws_opcode opcode, const void *data, size_t length, assay_error *err);
/* A piece of a message, `more` while others follow; the opcode counts on the first. Pieces are never dropped, and go uncompressed. */
ASSAY_API assay_status assay_ws_send_part(assay_ws *ws, assay_ws_opcode opcode, bool more, const void *data, size_t length,
                                          assay_error *err);
/* At most 125 bytes; the answer comes to `pong`. A ping that waits behind a full queue is replaced by a later one. */
ASSAY_API assay_status assay_ws_ping(assay_ws *ws, const void *data, size_t length, assay_error *err);
/* Begins the closing handshake, behind what is queued. A code that may not be sent is ASSAY_ERR_INVALID; 0: ASSAY_WS_CLOSE_NORMAL. A second
 * call does nothing. `reason` may be NULL. */
ASSAY_API assay_status assay_ws_close(assay_ws *ws, unsigned code, const char *reason, assay_error *err);
/* Bytes that the system has not taken yet. */
ASSAY_API size_t assay_ws_queued(const assay_ws *ws);
/* A pointer of the user's own; NULL at first. */
ASSAY_API void assay_ws_set_data(assay_ws *ws, void *data);
ASSAY_API void *assay_ws_data(const assay_ws *ws);
/* Whether messages may be compressed. */
ASSAY_API bool assay_ws_compressed(const assay_ws *ws);
/* The subprotocol; NULL: none. */
ASSAY_API const char *assay_ws_protocol(const assay_ws *ws);

typedef struct assay_ws_counts {
  uint64_t messages_in, messages_out; /* handed to `message`; taken by assay_ws_send */
  uint64_t bytes_in, bytes_out;       /* on the wire */
  uint64_t refused, dropped;          /* messages, by the policy */
  uint64_t disconnected;              /* connections, by the policy, or since all together held too much */
  uint64_t accepted, turned_away;     /* servers: connections; those over the limit, with a bad handshake or origin */
  uint64_t faults;                    /* connections that we ended for what the peer sent, or did not send in time */
} assay_ws_counts;
ASSAY_API assay_ws_counts assay_ws_count(const assay_ws *ws);
/* Of all its connections, those that are gone too. */
ASSAY_API assay_ws_counts assay_ws_server_count(const assay_ws_server *server);

#ifdef __cplusplus
}
#endif
#endif
