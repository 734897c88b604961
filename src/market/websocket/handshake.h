/* SPDX-License-Identifier: MIT */
/* The opening handshake (RFC 6455 sections 4.1 and 4.2, RFC 7692 section 7.1) as text in and text out. Pure, but for keys. */
#ifndef ASSAY_MARKET_WEBSOCKET_HANDSHAKE_H
#define ASSAY_MARKET_WEBSOCKET_HANDSHAKE_H

#include <assay/websocket.h>

#include "base/buf.h"

enum { ASSAY_WS_ACCEPT_SIZE = 29, ASSAY_WS_KEY_SIZE = 25, ASSAY_WS_HEADERS_MOST = 100, ASSAY_WS_LIST_MOST = 2048 };

/* Which compression both ends agreed on. */
typedef struct assay_ws_agreement {
  bool on, server_no_context, client_no_context;
  bool server_bits_asked; /* so the answer names them (RFC 7692 section 7.1.2.1), 15 too */
  uint8_t server_bits, client_bits;
} assay_ws_agreement;

typedef struct assay_ws_head {
  const char *path, *host, *origin, *key, *protocols, *extensions, *accept;   /* NUL-terminated in the text; NULL: not there */
  unsigned version, status;                                                   /* of a request; of an answer */
  char protocol_room[ASSAY_WS_LIST_MOST], extension_room[ASSAY_WS_LIST_MOST]; /* of lists that came in several lines */
} assay_ws_head;

/*
 * Reads a request or an answer that ends with an empty line; the text is cut up in place. Returns 0, or the HTTP status to refuse a request
 * with (an answer: 400) and sets *why.
 */
unsigned assay_ws_read_request(char *text, size_t length, assay_ws_head *head, const char **why);
unsigned assay_ws_read_answer(char *text, size_t length, assay_ws_head *head, const char **why);

/* Whether a web page from there may connect; see assay_ws_server_options. */
bool assay_ws_origin_allowed(const char *origin, const char *const *allowed);
/* The first of ours (NULL: none) that a list of theirs has; NULL: none. */
const char *assay_ws_choose_protocol(const char *theirs, const char *const *ours);
/* The first offer that can be kept, with the bounds of `ours`. */
assay_ws_agreement assay_ws_accept_offer(const char *extensions, const assay_ws_compression *ours);
/* What a server answered to our offer; false when it is not what was offered, which fails the connection (section 4.1). */
bool assay_ws_read_agreement(const char *extensions, const assay_ws_compression *offered, assay_ws_agreement *agreement);
void assay_ws_put_offer(assay_buf *out, const assay_ws_compression *ours);
void assay_ws_put_agreement(assay_buf *out, const assay_ws_agreement *agreement);

/* A Sec-WebSocket-Key is 16 bytes in base64. */
bool assay_ws_key_valid(const char *key);

typedef struct assay_ws_url {
  bool secure;
  char host[256]; /* without brackets */
  char port[6];
  char authority[264]; /* as Host has it */
  const char *path;    /* in the URL given, from "/" or "?"; "" when there is none */
} assay_ws_url;
assay_status assay_ws_url_parse(const char *text, assay_error *err, assay_ws_url *url);

#endif
