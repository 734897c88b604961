/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the compressed messages of a session, in fragments: every message is what a slow reading of the RFCs makes of it, at once
 * and in pieces; and what we compress in the same session is read back by both. First byte: window bits, context takeover, limit; second:
 * bytes of a fragment. Then messages, each with its length in two bytes before it.
 */
#include <stdlib.h>
#include <string.h>

#include "../support/plain_inflate.h"
#include "market/websocket/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct session {
  assay_ws_deflate *once, *pieces, *back;
  plain_inflate plain, plain_back;
  bool fresh;
  size_t limit, piece, said;
} session;

static assay_ws_deflate *create(assay_ws_role role, const assay_ws_agreement *agreement, unsigned level) {
  assay_ws_deflate *d = NULL;
  if (assay_ws_deflate_create(role, agreement, level, NULL, &d) != ASSAY_OK) abort();
  return d;
}

/* A copy of its exact size, where a sanitizer sees one byte too many. */
static uint8_t *exact(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL) abort();
  if (size > 0) memcpy(copy, data, size);
  return copy;
}

static unsigned inflate_pieces(assay_ws_deflate *d, const uint8_t *data, size_t size, size_t piece, size_t limit, assay_ws_bytes *out) {
  unsigned code = 0;
  size_t at = 0;
  do {
    size_t count = size - at < piece ? size - at : piece;
    uint8_t *copy = exact(data + at, count);
    code = assay_ws_inflate(d, copy, count, at + count == size, limit, out);
    free(copy);
    at += count;
  } while (code == 0 && at < size);
  return code;
}

static bool same(const assay_ws_bytes *bytes, const plain_inflate *plain) {
  size_t length = plain->length - plain->message;
  return bytes->length == length && (length == 0 || memcmp(bytes->data, plain->data + plain->message, length) == 0);
}

/* What was said goes back compressed, with the window of all that went back before. */
static void answer(session *s, const assay_ws_bytes *message) {
  assay_ws_bytes packed = {0};
  if (!assay_ws_compress(s->back, message->data, message->length, &packed)) abort();
  if (plain_inflate_message(&s->plain_back, packed.data, packed.length, message->length) != 0) abort();
  if (!same(message, &s->plain_back) || s->plain_back.beyond) abort();
  if (s->fresh) plain_inflate_forget(&s->plain_back);
  assay_ws_bytes_deinit(&packed);
}

/* False when the session is over. */
static bool hear(session *s, const uint8_t *data, size_t size) {
  assay_ws_bytes a = {0}, b = {0};
  unsigned expected = plain_inflate_message(&s->plain, data, size, s->limit);
  unsigned first = inflate_pieces(s->once, data, size, size + 1, s->limit, &a);
  unsigned second = inflate_pieces(s->pieces, data, size, s->piece, s->limit, &b);
  if (!s->plain.beyond && (first != expected || second != expected)) abort();
  if (expected == 0 && ((first == 0 && !same(&a, &s->plain)) || (second == 0 && !same(&b, &s->plain)))) abort();
  bool more = expected == 0 && first == 0 && second == 0;
  s->said += a.length;
  if (more && a.length > 0 && s->said < 1 << 17) answer(s, &a);
  if (s->fresh) plain_inflate_forget(&s->plain);
  assay_ws_bytes_deinit(&a);
  assay_ws_bytes_deinit(&b);
  return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const size_t limits[] = {1 << 15, 200, 4000, 1 << 14};
  if (size < 2 || size > 1 << 14 || assay_ws_deflate_load(NULL) != ASSAY_OK) return 0;
  uint8_t bits = (uint8_t)(8 + data[0] % 8), back_bits = bits > 8 ? bits : 9;
  session s = {.fresh = (data[0] & 8) != 0, .limit = limits[data[0] >> 4 & 3], .piece = 1 + data[1]};
  assay_ws_agreement agreement = {.on = true, .server_no_context = s.fresh, .client_no_context = s.fresh};
  agreement.client_bits = bits, agreement.server_bits = back_bits;
  s.plain.window = (size_t)1 << bits;
  s.plain_back.window = (size_t)1 << back_bits;
  s.once = create(ASSAY_WS_SERVER, &agreement, 1);
  s.pieces = create(ASSAY_WS_SERVER, &agreement, 1);
  s.back = create(ASSAY_WS_SERVER, &agreement, 1 + data[0] / 64 * 2u);
  for (size_t at = 2, length; size - at >= 2; at += length) {
    length = data[at] | (size_t)data[at + 1] << 8;
    at += 2;
    if (length > size - at) length = size - at;
    if (!hear(&s, data + at, length)) break;
  }
  assay_ws_deflate_destroy(s.once);
  assay_ws_deflate_destroy(s.pieces);
  assay_ws_deflate_destroy(s.back);
  plain_inflate_deinit(&s.plain);
  plain_inflate_deinit(&s.plain_back);
  return 0;
}
