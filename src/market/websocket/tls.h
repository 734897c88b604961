/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL, loaded when first needed: libcrypto for the handshake's SHA-1 and base64, libssl for TLS. A TLS session works on bytes in
 * memory, so that one loop reads and writes all sockets alike.
 */
#ifndef ASSAY_MARKET_WEBSOCKET_TLS_H
#define ASSAY_MARKET_WEBSOCKET_TLS_H

#include "market/websocket/deflate.h"

/* Sec-WebSocket-Accept of a key (section 4.2.2). */
assay_status assay_ws_crypto_load(assay_error *err);
void assay_ws_accept_of(const char *key, char accept[ASSAY_WS_ACCEPT_SIZE]);
void assay_ws_key_of(const uint8_t random[16], char key[ASSAY_WS_KEY_SIZE]);

typedef struct assay_ws_tls_context assay_ws_tls_context; /* certificates; outlived by no session */
typedef struct assay_ws_tls assay_ws_tls;                 /* a connection's */

assay_status assay_ws_tls_server_context(const char *certificate, const char *key, assay_error *err, assay_ws_tls_context **context);
/* `ca_file` NULL: the system's. One that is among the `known` already is that one again: the system's certificates take 0.8 MiB. */
assay_status assay_ws_tls_client_context(assay_ws_tls_context **known, const char *ca_file, bool unverified, assay_error *err,
                                         assay_ws_tls_context **context);
/* Once for each time that it was given. */
void assay_ws_tls_context_destroy(assay_ws_tls_context *context);
/* `host`: a client's server, whose name (or numeric address) the certificate has to have; NULL: a server. */
assay_status assay_ws_tls_create(assay_ws_tls_context *context, const char *host, assay_error *err, assay_ws_tls **tls);
void assay_ws_tls_destroy(assay_ws_tls *tls);

/*
 * Bytes that a session holds: its two buffers, which say how large they are, and what OpenSSL has beside them, by what 3.0 takes (a test
 * holds both together against malloc's own account). Its hooks for memory are one set for the whole process, to be had only before its
 * first use: not for a library.
 */
enum {
  ASSAY_WS_TLS_NEW = 72 << 10,    /* while it shakes hands */
  ASSAY_WS_TLS_IDLE = 28 << 10,   /* then */
  ASSAY_WS_TLS_RECORDS = 34 << 10 /* and the buffers of its records, which it can do without between two of them */
};
size_t assay_ws_tls_held(const assay_ws_tls *tls);
/* What of it assay_ws_tls_shed may give up; the next record takes it again. Both accept NULL. */
size_t assay_ws_tls_spare(const assay_ws_tls *tls);
void assay_ws_tls_shed(assay_ws_tls *tls);
/* Bytes at a time into a session and out of it: its buffers never shrink. */
enum { ASSAY_WS_TLS_PIECE = 16 << 10 };

typedef enum assay_ws_tls_said { ASSAY_WS_TLS_DONE, ASSAY_WS_TLS_MORE, ASSAY_WS_TLS_ENDED, ASSAY_WS_TLS_FAILED } assay_ws_tls_said;

/* What came from the socket. False when memory is out. */
bool assay_ws_tls_feed(assay_ws_tls *tls, const uint8_t *bytes, size_t length);
/* DONE once the handshake is; FAILED sets the text of the failure. */
assay_ws_tls_said assay_ws_tls_handshake(assay_ws_tls *tls, char *why, size_t why_size);
/* DONE with *got bytes; MORE: nothing until more is fed; ENDED: the peer said goodbye. */
assay_ws_tls_said assay_ws_tls_read(assay_ws_tls *tls, uint8_t *out, size_t size, size_t *got);
bool assay_ws_tls_write(assay_ws_tls *tls, const uint8_t *bytes, size_t length);
void assay_ws_tls_goodbye(assay_ws_tls *tls);
/* Appends what has to go to the socket. */
bool assay_ws_tls_take(assay_ws_tls *tls, assay_ws_bytes *out);

#endif
