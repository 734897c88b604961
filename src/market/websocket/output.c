/* SPDX-License-Identifier: MIT */
/*
 * From messages to the socket. Two stores: the wire holds bytes that are encoded (masked, compressed, encrypted) and have to go out as they
 * are; the queue holds messages that can still be dropped, because nothing of them is in the compressor's window or in TLS. The wire is
 * refilled from the queue only when it is empty, so that a slow peer's backlog stays in the queue.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "market/websocket/connection.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

size_t assay_ws_wire_left(const assay_ws *ws) { return ws->wire.length - ws->wire_sent; }

static bool out_of_memory(assay_ws *ws) {
  assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
  return false;
}

static bool put_encrypted(assay_ws *ws, const uint8_t *bytes, size_t length) {
  for (size_t at = 0, now; at < length; at += now) {
    now = length - at < ASSAY_WS_TLS_PIECE ? length - at : ASSAY_WS_TLS_PIECE;
    if (!assay_ws_tls_write(ws->tls, bytes + at, now) || !assay_ws_tls_take(ws->tls, &ws->wire)) return out_of_memory(ws);
  }
  return true;
}

bool assay_ws_put_bytes(assay_ws *ws, const void *bytes, size_t length) {
  if (ws->tls != NULL) return put_encrypted(ws, bytes, length);
  if (!assay_ws_bytes_room(&ws->wire, length)) return out_of_memory(ws);
  memcpy(ws->wire.data + ws->wire.length, bytes, length);
  ws->wire.length += length;
  return true;
}

/* A message may always go as it is, and does where a compressor would have to begin to hold what is needed for messages. */
static bool may_compress(assay_ws *ws) {
  const assay_ws_loop *loop = ws->loop;
  size_t needs = assay_ws_deflate_needs_out(ws->deflate);
  return needs == 0 || (loop->held <= loop->memory_limit / 2 && needs <= loop->memory_limit / 2 - loop->held);
}

bool assay_ws_put_frame(assay_ws *ws, assay_ws_opcode opcode, unsigned flags, const void *data, size_t length, bool compress) {
  assay_ws_loop *loop = ws->loop;
  uint32_t mask = 0;
  bool masked = ws->role == ASSAY_WS_CLIENT;
  if (masked && assay_ws_masks_next(&loop->masks, NULL, &mask) != ASSAY_OK) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "the system gives no random numbers for masks");
    return false;
  }
  /* TLS takes a frame from a scratch buffer; without it, it is written where it lies until it is sent. */
  assay_ws_bytes *scratch = &loop->scratch, *out = ws->tls != NULL ? scratch : &ws->wire;
  scratch->length = 0;
  if (compress && may_compress(ws)) {
    if (!assay_ws_compress(ws->deflate, data, length, scratch)) return out_of_memory(ws);
    data = scratch->data;
    length = scratch->length;
    flags |= ASSAY_WS_COMPRESSED;
    if (out == scratch) { /* the frame goes behind what it is made of */
      if (!assay_ws_bytes_room(out, length + ASSAY_WS_HEADER_MOST)) return out_of_memory(ws);
      data = scratch->data;
    }
  }
  if (!assay_ws_bytes_room(out, length + ASSAY_WS_HEADER_MOST)) return out_of_memory(ws);
  size_t written = assay_ws_frame(out->data + out->length, opcode, flags, data, length, masked ? &mask : NULL);
  if (ws->tls != NULL) return put_encrypted(ws, out->data + out->length, written);
  out->length += written;
  return true;
}

/* ---- The queue ----------------------------------------------------------------------------------------------------------------------- */

bool assay_ws_enqueue(assay_ws *ws, assay_ws_opcode opcode, unsigned flags, bool compress, bool whole, const void *data, size_t length) {
  queued *q = length < SIZE_MAX - sizeof *q ? assay_alloc(ASSAY_TAG_MARKET, sizeof *q + length) : NULL;
  if (q == NULL) return false;
  *q = (queued){.length = length, .opcode = (uint8_t)opcode, .flags = (uint8_t)flags, .compress = compress, .whole = whole};
  if (length > 0) memcpy(q->data, data, length);
  if (ws->last != NULL)
    ws->last->next = q;
  else
    ws->first = q;
  ws->last = q;
  ws->queued_bytes += length + sizeof *q; /* a million empty messages are not nothing */
  ws->was_full = true;
  return true;
}

static void take_off(assay_ws *ws, queued *before, queued *q) {
  if (before != NULL)
    before->next = q->next;
  else
    ws->first = q->next;
  if (ws->last == q) ws->last = before;
  ws->queued_bytes -= q->length + sizeof *q;
  assay_free(q);
}

void assay_ws_forget_queue(assay_ws *ws) {
  while (ws->first != NULL) take_off(ws, NULL, ws->first);
  ws->pong_length = ws->ping_length = 0;
}

size_t assay_ws_queued(const assay_ws *ws) { return assay_ws_wire_left(ws) + ws->queued_bytes; }

/* One that finds the queue empty may be longer than it; but for all connections together there is a limit too. */
static bool fits(assay_ws *ws, size_t length) {
  size_t waiting = assay_ws_queued(ws), limit = ws->options->queue_limit;
  assay_ws_weigh(ws);
  return (waiting == 0 || (length <= limit && waiting <= limit - length)) && assay_ws_memory_find_room(ws->loop, length);
}

/* Drops whole messages from the front until `length` fits; pieces and close frames stay where they are. */
static bool make_room(assay_ws *ws, size_t length) {
  queued *before = NULL, *q = ws->first;
  while (q != NULL && !fits(ws, length)) {
    queued *next = q->next;
    if (q->whole) {
      take_off(ws, before, q);
      ws->counts.dropped++;
    } else {
      before = q;
    }
    q = next;
  }
  return fits(ws, length);
}

/* ---- Out ----------------------------------------------------------------------------------------------------------------------------- */

/* False when the connection ended, or nothing more goes out now. */
static bool write_some(assay_ws *ws) {
  while (assay_ws_wire_left(ws) > 0) {
    ssize_t got = send(ws->fd, ws->wire.data + ws->wire_sent, assay_ws_wire_left(ws), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (got < 0) {
      assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, strerror(errno));
      return false;
    }
    ws->wire_sent += (size_t)got;
    ws->counts.bytes_out += (uint64_t)got;
  }
  ws->wire.length = ws->wire_sent = 0;
  /* One large message is not kept room for. */
  if (ws->wire.capacity > 4 * WIRE_ENOUGH || assay_ws_memory_is_tight(ws->loop)) assay_ws_bytes_deinit(&ws->wire);
  return true;
}

/* Encodes from the queue; control frames go first, since they may stand between the pieces of a message. */
static bool refill(assay_ws *ws) {
  if (ws->pong_length > 0) {
    size_t length = ws->pong_length - 1u;
    ws->pong_length = 0;
    if (!assay_ws_put_frame(ws, ASSAY_WS_PONG, 0, ws->pong, length, false)) return false;
  }
  if (ws->ping_length > 0) {
    size_t length = ws->ping_length - 1u;
    ws->ping_length = 0;
    if (!assay_ws_put_frame(ws, ASSAY_WS_PING, 0, ws->ping, length, false)) return false;
  }
  while (ws->first != NULL && assay_ws_wire_left(ws) < WIRE_ENOUGH) {
    queued *q = ws->first;
    bool close = q->opcode == ASSAY_WS_CLOSE;
    if (!assay_ws_put_frame(ws, (assay_ws_opcode)q->opcode, q->flags, q->data, q->length, q->compress)) return false;
    take_off(ws, NULL, q);
    if (!close) continue;
    assay_ws_forget_queue(ws); /* nothing may follow */
    ws->close_sent = true;
    if (ws->close_got) assay_ws_connection_finish(ws);
  }
  return true;
}

static void ask_to_write(assay_ws *ws, bool wanted) {
  if (ws->wants_write == wanted || ws->state == DEAD) return;
  ws->wants_write = wanted;
  if (!ws->direct) assay_os_poller_change(ws->loop->poller, ws->fd, ASSAY_OS_READABLE | (wanted ? (unsigned)ASSAY_OS_WRITABLE : 0), ws);
}

void assay_ws_flush(assay_ws *ws) {
  if (ws->state == DEAD || ws->state == TO_CONNECT) return;
  for (;;) {
    if (!write_some(ws)) break;
    bool waiting = ws->first != NULL || ws->pong_length > 0 || ws->ping_length > 0;
    if (!waiting || ws->state == SAYING_BYE || ws->state == LINGERING) break;
    if (!refill(ws)) return;
  }
  if (ws->state == DEAD) return;
  ask_to_write(ws, assay_ws_wire_left(ws) > 0);
  if (assay_ws_wire_left(ws) > 0) return;
  if (ws->state == SAYING_BYE) {
    if (ws->role == ASSAY_WS_SERVER) shutdown(ws->fd, SHUT_WR); /* the server hangs up first (section 7.1.1) */
    ws->state = LINGERING;
  }
}

/* What is queued is forgotten. The wire is not: it may end within a frame, and the close frame comes behind it. A peer that has not read
 * so much within close_s is hung up on; one whose memory is needed for others, at once. */
static void disconnect(assay_ws *ws, size_t length) {
  static const char why[] = "the peer reads too slowly";
  ws->counts.disconnected++;
  for (const queued *q = ws->first; q != NULL; q = q->next) ws->counts.dropped += (q->flags & ASSAY_WS_MORE) == 0;
  assay_ws_forget_queue(ws);
  assay_ws_weigh(ws);
  assay_ws_set_end(ws, ASSAY_WS_CLOSE_TRY_LATER, why, strlen(why));
  if (!assay_ws_memory_has_room(ws->loop, length) || assay_ws_close(ws, ASSAY_WS_CLOSE_TRY_LATER, why, NULL) != ASSAY_OK)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_TRY_LATER, why);
}

static assay_status full(assay_ws *ws, size_t length, assay_error *err) {
  if (ws->options->policy == ASSAY_WS_DISCONNECT) {
    disconnect(ws, length);
    return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "the peer reads too slowly and is disconnected");
  }
  ws->counts.refused++;
  ws->was_full = true; /* also where nothing is queued: one long message on the wire fills it too */
  assay_ws_loop *loop = ws->loop;
  if (!assay_ws_memory_has_room(loop, length)) {
    if (loop->starved == 0 || length < loop->starved) loop->starved = length > 0 ? length : 1;
    return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "all connections together hold the %zu bytes that they may", loop->memory_limit);
  }
  return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "the queue of %zu bytes to the peer is full", ws->options->queue_limit);
}

static assay_status must_be_open(const assay_ws *ws, assay_error *err) {
  if (ws->state == OPEN) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, ws->state < OPEN ? "the connection is not open yet" : "the connection is closed");
}

static assay_status send_frame(assay_ws *ws, assay_ws_opcode opcode, unsigned flags, bool whole, const void *data, size_t length,
                               assay_error *err) {
  bool compress = whole && ws->compress_out && length >= ws->options->compression.least;
  if (ws->corked && !ws->wants_write && assay_ws_wire_left(ws) >= WIRE_ENOUGH) assay_ws_flush(ws);
  assay_status status = must_be_open(ws, err);
  if (status != ASSAY_OK) return status;
  if (length > ws->loop->memory_limit)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a message of %zu bytes is longer than all connections together may hold (%zu)", length,
                      ws->loop->memory_limit);
  if (!fits(ws, length)) {
    if (!ws->wants_write) assay_ws_flush(ws); /* answers that were only gathered, the handshake's too, are no backlog */
    status = must_be_open(ws, err);
    if (status != ASSAY_OK) return status;
    if (!fits(ws, length) && (ws->options->policy != ASSAY_WS_DROP_OLDEST || !make_room(ws, length))) return full(ws, length, err);
  }
  ws->counts.messages_out += (flags & ASSAY_WS_MORE) == 0;
  /* Behind a backlog it waits where it can be dropped. */
  if (ws->first != NULL || ws->wants_write || assay_ws_wire_left(ws) >= WIRE_ENOUGH) {
    if (!assay_ws_enqueue(ws, opcode, flags, compress, whole, data, length))
      return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a message of %zu bytes", length);
  } else if (!assay_ws_put_frame(ws, opcode, flags, data, length, compress)) {
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a message of %zu bytes", length);
  }
  if (!ws->corked && !ws->wants_write) assay_ws_flush(ws);
  assay_ws_weigh(ws);
  return ASSAY_OK;
}

assay_status assay_ws_send(assay_ws *ws, assay_ws_opcode opcode, const void *data, size_t length, assay_error *err) {
  if (opcode != ASSAY_WS_TEXT && opcode != ASSAY_WS_BINARY)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a message is ASSAY_WS_TEXT or ASSAY_WS_BINARY");
  assay_status status = must_be_open(ws, err);
  if (status != ASSAY_OK) return status;
  if (ws->part_open) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a message in parts is not finished yet");
  return send_frame(ws, opcode, 0, true, data, length, err);
}

assay_status assay_ws_send_part(assay_ws *ws, assay_ws_opcode opcode, bool more, const void *data, size_t length, assay_error *err) {
  if (opcode != ASSAY_WS_TEXT && opcode != ASSAY_WS_BINARY)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a message is ASSAY_WS_TEXT or ASSAY_WS_BINARY");
  assay_status status = must_be_open(ws, err);
  if (status == ASSAY_OK)
    status = send_frame(ws, ws->part_open ? ASSAY_WS_CONTINUATION : opcode, more ? ASSAY_WS_MORE : 0, false, data, length, err);
  if (status == ASSAY_OK) ws->part_open = more;
  return status;
}

assay_status assay_ws_ping(assay_ws *ws, const void *data, size_t length, assay_error *err) {
  if (length > ASSAY_WS_CONTROL_MOST) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a ping carries at most 125 bytes");
  assay_status status = must_be_open(ws, err);
  if (status != ASSAY_OK) return status;
  ws->ping_length = (uint8_t)(length + 1);
  if (length > 0) memcpy(ws->ping, data, length);
  if (!ws->corked && !ws->wants_write) assay_ws_flush(ws);
  return ASSAY_OK;
}
