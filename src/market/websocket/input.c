/* SPDX-License-Identifier: MIT */
/* Bytes that come in: out of the socket, through TLS, and to the handshake or the frames. */
#include "market/websocket/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Where the empty line ends that ends a head of HTTP; 0: not yet. */
static size_t end_of_head(const uint8_t *bytes, size_t length, size_t from) {
  for (size_t i = from > 3 ? from - 3 : 0; i + 4 <= length; i++) {
    const uint8_t *cr = memchr(bytes + i, '\r', length - i - 3);
    if (cr == NULL) return 0;
    i = (size_t)(cr - bytes);
    if (memcmp(cr, "\r\n\r\n", 4) == 0) return i + 4;
  }
  return 0;
}

static void take_head(assay_ws *ws, uint8_t *bytes, size_t length) {
  size_t before = ws->head.length, limit = ws->options->header_limit, taken = length < limit + 1 - before ? length : limit + 1 - before;
  if (!assay_ws_bytes_room(&ws->head, taken)) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
    return;
  }
  memcpy(ws->head.data + before, bytes, taken);
  ws->head.length += taken;
  size_t end = end_of_head(ws->head.data, ws->head.length, before);
  if (end == 0 && ws->head.length <= limit) return;
  if (ws->role == ASSAY_WS_SERVER)
    assay_ws_server_head(ws, end); /* 0: too long */
  else
    assay_ws_client_head(ws, end);
  assay_ws_bytes_deinit(&ws->head);
  if ((ws->state == OPEN || ws->state == CLOSING) && end > before && length > end - before)
    assay_ws_take_frames(ws, bytes + (end - before), length - (end - before));
}

static void take_bytes(assay_ws *ws, uint8_t *bytes, size_t length) {
  if (ws->state == TO_SHAKE)
    take_head(ws, bytes, length);
  else if (ws->state == OPEN || ws->state == CLOSING)
    assay_ws_take_frames(ws, bytes, length);
}

static void hung_up(assay_ws *ws) {
  const char *why = ws->state < OPEN ? "the peer hung up during the handshake" : "the peer hung up without a close frame";
  assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, why);
}

/* False when the connection is over. */
static bool shake_tls(assay_ws *ws) {
  char why[REASON_SIZE] = "";
  assay_ws_tls_said said = assay_ws_tls_handshake(ws->tls, why, sizeof why);
  if (!assay_ws_tls_take(ws->tls, &ws->wire)) said = ASSAY_WS_TLS_FAILED;
  if (said == ASSAY_WS_TLS_FAILED) {
    ws->counts.faults++;
    assay_ws_flush(ws); /* the alert tells the peer */
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, why[0] != '\0' ? why : "out of memory");
    return false;
  }
  if (said == ASSAY_WS_TLS_DONE) {
    ws->tls_ready = true;
    if (ws->role == ASSAY_WS_CLIENT) assay_ws_client_shake(ws);
  }
  return ws->state != DEAD;
}

/* False when nothing of what comes behind it is looked at any more. */
static bool take_piece(assay_ws *ws, const uint8_t *bytes, size_t length) {
  if (!assay_ws_tls_feed(ws->tls, bytes, length)) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
    return false;
  }
  if (!ws->tls_ready && !shake_tls(ws)) return false;
  while (ws->tls_ready && ws->state != DEAD) {
    size_t got = 0;
    assay_ws_tls_said said = assay_ws_tls_read(ws->tls, ws->loop->plain, READ_SIZE, &got);
    if (said == ASSAY_WS_TLS_MORE) break;
    if (said == ASSAY_WS_TLS_FAILED)
      assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "TLS fails");
    else if (said == ASSAY_WS_TLS_ENDED)
      hung_up(ws);
    else
      take_bytes(ws, ws->loop->plain, got);
    if (said != ASSAY_WS_TLS_DONE) return false;
  }
  return ws->state != DEAD;
}

static void take_encrypted(assay_ws *ws, const uint8_t *bytes, size_t length) {
  for (size_t at = 0, now; at < length; at += now) {
    now = length - at < ASSAY_WS_TLS_PIECE ? length - at : ASSAY_WS_TLS_PIECE;
    if (!take_piece(ws, bytes + at, now)) return;
  }
  (void)assay_ws_tls_take(ws->tls, &ws->wire);
}

bool assay_ws_connection_read(assay_ws *ws) {
  assay_ws_loop *loop = ws->loop;
  if (ws->state == DEAD) return false;
  ssize_t got = recv(ws->fd, loop->bytes, READ_SIZE, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
  if (got < 0) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, strerror(errno));
    return true;
  }
  if (got == 0) {
    hung_up(ws);
    return true;
  }
  ws->counts.bytes_in += (uint64_t)got;
  ws->heard_ns = loop->now_ns;
  ws->pinged = false;
  ws->corked = true;
  if (ws->tls != NULL)
    take_encrypted(ws, loop->bytes, (size_t)got);
  else
    take_bytes(ws, loop->bytes, (size_t)got);
  ws->corked = false;
  if (ws->state == DEAD) return true;
  if (assay_ws_wire_left(ws) > 0 || ws->first != NULL || ws->state == SAYING_BYE) {
    if (!ws->wants_write) assay_ws_flush(ws);
  }
  assay_ws_weigh(ws);
  if (ws->state != DEAD) assay_ws_tell_drained(ws); /* a handler may have filled the queue, and all went out just now */
  return true;
}
