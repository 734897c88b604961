/* SPDX-License-Identifier: MIT */
/* permessage-deflate's streams (RFC 7692 section 7.2), through zlib, which is loaded when first needed. */
#ifndef ASSAY_MARKET_WEBSOCKET_DEFLATE_H
#define ASSAY_MARKET_WEBSOCKET_DEFLATE_H

#include "market/websocket/handshake.h"

typedef struct assay_ws_deflate assay_ws_deflate; /* both directions of a connection; a direction's memory is taken at its first message */

assay_status assay_ws_deflate_load(assay_error *err);
assay_status assay_ws_deflate_create(assay_ws_role role, const assay_ws_agreement *agreement, unsigned level, assay_error *err,
                                     assay_ws_deflate **deflate);
void assay_ws_deflate_destroy(assay_ws_deflate *deflate);

/* ---- Memory of zlib's, in bytes. NULL is no compression. */
size_t assay_ws_deflate_held(const assay_ws_deflate *deflate);
/* What of it assay_ws_deflate_shed gives back. */
size_t assay_ws_deflate_spare(const assay_ws_deflate *deflate);
/* The most that the next message takes beside what is held. */
size_t assay_ws_deflate_needs_out(const assay_ws_deflate *deflate);
size_t assay_ws_deflate_needs_in(const assay_ws_deflate *deflate);
/* Gives back what can be had anew: who compresses may always begin with an empty window, who inflates only where that was agreed on. */
void assay_ws_deflate_shed(assay_ws_deflate *deflate);
/* All: nothing comes or goes any more. */
void assay_ws_deflate_release(assay_ws_deflate *deflate);

/* Bytes that grow; see assay_ws_bytes_room. */
typedef struct assay_ws_bytes {
  uint8_t *data;
  size_t length, capacity;
} assay_ws_bytes;
/* Room for `more` bytes behind the length; false when memory is out. */
bool assay_ws_bytes_room(assay_ws_bytes *bytes, size_t more);
void assay_ws_bytes_deinit(assay_ws_bytes *bytes);

/* Appends a compressed message to `out`, without its last four bytes. False when memory is out. */
bool assay_ws_compress(assay_ws_deflate *deflate, const void *data, size_t length, assay_ws_bytes *out);
/*
 * Inflates a piece of a message onto the end of `out`, `last` the last one, and stops at `limit` bytes in all. 0, or the code to close
 * with: 1007 for what is no deflate, 1009 over the limit, 1011 out of memory.
 */
unsigned assay_ws_inflate(assay_ws_deflate *deflate, const uint8_t *data, size_t length, bool last, uint64_t limit, assay_ws_bytes *out);

#endif
