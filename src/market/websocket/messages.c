/* SPDX-License-Identifier: MIT */
/* Frames that come in: messages put together, inflated and handed on, pings answered, and the memory that is held for them meanwhile. */
#include "market/websocket/connection.h"

#include <string.h>

static void deliver(assay_ws *ws, const assay_ws_event *e, uint8_t *data, size_t length) {
  if (ws->state != OPEN) return; /* we said goodbye: nobody listens */
  ws->counts.messages_in++;
  if (ws->handlers->message != NULL) ws->handlers->message(ws->handlers->user, ws, (assay_ws_opcode)e->opcode, data, length);
}

static const char too_much[] = "all connections together hold too much";

/* Its memory is needed for others. What is left of a frame on the wire would come before any close frame. */
static void evict(assay_ws *ws) {
  ws->counts.disconnected++;
  assay_ws_forget_queue(ws);
  if (ws->state == OPEN && assay_ws_wire_left(ws) == 0)
    assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
  else
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
  assay_ws_bytes_deinit(&ws->message);
  assay_ws_deflate_release(ws->deflate);
  if (ws->state == DEAD) {
    assay_ws_bytes_deinit(&ws->wire);
    ws->wire_sent = 0;
  }
  assay_ws_weigh(ws);
}

/*
 * Whether `length` bytes may be added to a message that comes in, and `beside` be held for it: else whoever holds most makes room, so that
 * a few who never finish theirs do not keep all others out (what TLS holds nobody can help, and who is idle is no reason). False when that
 * is this one, which ends. The others are never in the middle of anything: one is read at a time.
 */
static bool may_hold(assay_ws *ws, size_t length, size_t beside) {
  const assay_ws_bytes *m = &ws->message;
  size_t more = (length <= m->capacity - m->length ? 0 : length > m->capacity ? length : m->capacity) + beside;
  assay_ws_weigh(ws);
  while (!assay_ws_memory_find_room(ws->loop, more)) {
    assay_ws *most = ws;
    for (assay_ws *other = ws->loop->first; other != NULL; other = other->next)
      if (other->held - other->fixed > most->held - most->fixed) most = other;
    if (most == ws) {
      ws->counts.disconnected++;
      assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
      return false;
    }
    evict(most);
  }
  return true;
}

static void take_compressed(assay_ws *ws, const assay_ws_event *e) {
  bool last = (e->flags & ASSAY_WS_LAST) != 0;
  if ((e->flags & ASSAY_WS_FIRST) != 0) ws->utf8 = (assay_ws_utf8){0};
  size_t before = ws->message.length, beside = assay_ws_deflate_needs_in(ws->deflate);
  if (!may_hold(ws, e->length + WIRE_ENOUGH, beside)) return; /* it grows; what it grows to cannot be known */
  beside = assay_ws_deflate_needs_in(ws->deflate);            /* what it had may have been given up for that room, and comes anew */
  size_t left = ws->loop->memory_limit - ws->loop->held;
  uint64_t limit = ws->options->message_limit, room = (uint64_t)before + (left > beside ? left - beside : 0);
  unsigned code = assay_ws_inflate(ws->deflate, e->data, e->length, last, limit < room ? limit : room, &ws->message);
  if (code == ASSAY_WS_CLOSE_TOO_BIG && room < limit) {
    assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
    return;
  }
  if (code != 0) {
    assay_ws_connection_fail(ws, code,
                             code == ASSAY_WS_CLOSE_TOO_BIG    ? "a message over the limit"
                             : code == ASSAY_WS_CLOSE_BAD_DATA ? "a message that cannot be inflated"
                                                               : "out of memory");
    return;
  }
  if (e->opcode != ASSAY_WS_TEXT || ws->message.length == before) {
    if (e->opcode == ASSAY_WS_TEXT && last && !assay_ws_utf8_complete(&ws->utf8))
      assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that ends within a character");
    return;
  }
  if (!assay_ws_utf8_feed(&ws->utf8, ws->message.data + before, ws->message.length - before))
    assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that is not UTF-8");
  else if (last && !assay_ws_utf8_complete(&ws->utf8))
    assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that ends within a character");
}

static void take_message(assay_ws *ws, const assay_ws_event *e) {
  bool last = (e->flags & ASSAY_WS_LAST) != 0;
  if ((e->flags & ASSAY_WS_COMPRESSED) != 0) {
    take_compressed(ws, e);
    if (ws->state >= SAYING_BYE) return;
  } else if (last && (e->flags & ASSAY_WS_FIRST) != 0) {
    deliver(ws, e, e->data, e->length);
    return;
  } else {
    if (!may_hold(ws, e->length, 0)) return;
    if (!assay_ws_bytes_room(&ws->message, e->length + 1)) {
      assay_ws_connection_fail(ws, ASSAY_WS_CLOSE_INTERNAL, "out of memory");
      return;
    }
    if (e->length > 0) memcpy(ws->message.data + ws->message.length, e->data, e->length);
    ws->message.length += e->length;
  }
  if (!last) return;
  static uint8_t nothing;
  deliver(ws, e, ws->message.length > 0 ? ws->message.data : &nothing, ws->message.length);
  ws->message.length = 0;
  if (ws->message.capacity > WIRE_ENOUGH || assay_ws_memory_is_tight(ws->loop)) {
    assay_ws_bytes_deinit(&ws->message); /* idle connections hold no large blocks */
    if (assay_ws_memory_is_tight(ws->loop)) assay_ws_deflate_shed(ws->deflate);
  }
}

static void take_ping(assay_ws *ws, const assay_ws_event *e) {
  if (ws->state != OPEN) return;
  if (!ws->wants_write && assay_ws_wire_left(ws) < WIRE_ENOUGH) {
    (void)assay_ws_put_frame(ws, ASSAY_WS_PONG, 0, e->data, e->length, false);
    return;
  }
  /* A peer that pings and does not read gets the answer to its last one (section 5.5.3). */
  ws->pong_length = (uint8_t)(e->length + 1);
  if (e->length > 0) memcpy(ws->pong, e->data, e->length);
}

static void take_close(assay_ws *ws, const assay_ws_event *e) {
  uint8_t payload[ASSAY_WS_CONTROL_MOST];
  ws->close_got = true;
  assay_ws_set_end(ws, e->code, (const char *)e->data, e->length);
  if (!ws->close_sent) { /* the answer repeats the code; messages that wait would not be read any more */
    assay_ws_forget_queue(ws);
    size_t length = assay_ws_close_payload(payload, e->code, "");
    if (!assay_ws_put_frame(ws, ASSAY_WS_CLOSE, 0, payload, length, false)) return;
    ws->close_sent = true;
  }
  assay_ws_connection_finish(ws);
}

void assay_ws_take_frames(assay_ws *ws, uint8_t *bytes, size_t length) {
  assay_ws_event *events = ws->loop->events;
  for (size_t at = 0, used; at < length && ws->state < SAYING_BYE && ws->parser.fault == 0; at += used) {
    size_t count = assay_ws_parser_feed(&ws->parser, bytes + at, length - at, events, EVENTS_AT_ONCE, &used);
    for (size_t i = 0; i < count && ws->state < SAYING_BYE; i++) {
      assay_ws_event *e = &events[i];
      if (e->opcode == ASSAY_WS_PING)
        take_ping(ws, e);
      else if (e->opcode == ASSAY_WS_CLOSE)
        take_close(ws, e);
      else if (e->opcode != ASSAY_WS_PONG)
        take_message(ws, e);
      else if (ws->state == OPEN && ws->handlers->pong != NULL)
        ws->handlers->pong(ws->handlers->user, ws, e->data, e->length);
    }
  }
  if (ws->parser.fault != 0 && ws->state < SAYING_BYE) assay_ws_connection_fail(ws, ws->parser.fault, ws->parser.why);
}
