/* SPDX-License-Identifier: MIT */
/*
 * assay/websocket.h: WebSocket (RFC 6455). Frames as pure functions on bytes, for any transport and for measuring.
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

#ifdef __cplusplus
}
#endif
#endif
