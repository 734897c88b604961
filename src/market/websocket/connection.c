/* SPDX-License-Identifier: MIT */
/* One connection from the first byte to the last: what comes in, and the states it goes through. */
#include "market/websocket/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

/* ---- Times --------------------------------------------------------------------------------------------------------------------------- */

static uint64_t in_ns(double seconds) { return seconds < 1e9 ? (uint64_t)(seconds * 1e9) : UINT64_C(1000000000000000000); }

void assay_ws_earliest(assay_ws_loop *loop, uint64_t ns) {
  if (ns != 0 && ns < loop->next_deadline_ns) loop->next_deadline_ns = ns;
}

void assay_ws_set_deadline(assay_ws *ws, double seconds) {
  ws->deadline_ns = assay_os_now_ns() + in_ns(seconds);
  assay_ws_earliest(ws->loop, ws->deadline_ns);
}

static void expect_ping(assay_ws *ws) {
  if (ws->options->ping_s <= 0) return;
  ws->ping_ns = ws->heard_ns + in_ns(ws->options->ping_s);
  assay_ws_earliest(ws->loop, ws->ping_ns);
}

/* ---- Beginning and end --------------------------------------------------------------------------------------------------------------- */

bool assay_ws_prepare_socket(int fd) {
  int one = 1, flags = fcntl(fd, F_GETFL);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#if defined(SO_NOSIGPIPE)
  (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#endif
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

assay_ws *assay_ws_connection_create(assay_ws_loop *loop, int fd, assay_ws_role role, const assay_ws_handlers *handlers,
                                     const assay_ws_options *options) {
  assay_ws *ws = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *ws);
  if (ws == NULL) return NULL;
  ws->kind = WATCHED_CONNECTION;
  ws->fd = fd;
  ws->role = role;
  ws->loop = loop;
  ws->handlers = handlers;
  ws->options = options;
  ws->state = role == ASSAY_WS_SERVER ? TO_SHAKE : TO_CONNECT;
  ws->next = loop->first;
  if (loop->first != NULL) loop->first->previous = ws;
  loop->first = ws;
  loop->count++;
  assay_ws_set_deadline(ws, options->handshake_s);
  return ws;
}

void assay_ws_weigh(assay_ws *ws) {
  size_t now = ws->head.capacity + ws->message.capacity + ws->wire.capacity + ws->queued_bytes;
  size_t spare = assay_ws_deflate_spare(ws->deflate) + assay_ws_tls_spare(ws->tls);
  ws->loop->spare += spare - ws->spare;
  ws->spare = spare;
  now += assay_ws_deflate_held(ws->deflate);
  ws->fixed = ws->tls != NULL ? assay_ws_tls_held(ws->tls) : 0;
  now += ws->fixed;
  ws->loop->held += now - ws->held;
  ws->held = now;
}

bool assay_ws_memory_find_room(assay_ws_loop *loop, size_t more) {
  for (assay_ws *ws = loop->first; ws != NULL && loop->spare > 0 && !assay_ws_memory_has_room(loop, more); ws = ws->next) {
    if (ws->spare == 0) continue;
    assay_ws_deflate_shed(ws->deflate);
    assay_ws_tls_shed(ws->tls);
    assay_ws_weigh(ws);
  }
  return assay_ws_memory_has_room(loop, more);
}

/* The first cause stays. */
void assay_ws_set_end(assay_ws *ws, unsigned code, const char *reason, size_t length) {
  if (ws->code != 0) return;
  ws->code = code;
  if (length >= sizeof ws->reason) length = sizeof ws->reason - 1;
  memcpy(ws->reason, reason, length);
  ws->reason[length] = '\0';
}

/* It is told, and freed, at the end of the turn: a handler that sends finds no connection gone below its feet. */
void assay_ws_connection_end(assay_ws *ws, unsigned code, const char *why) {
  if (ws->state == DEAD) return;
  assay_ws_set_end(ws, code, why, strlen(why));
  ws->state = DEAD;
  assay_ws_loop *loop = ws->loop;
  if (ws->fd >= 0) {
    if (!ws->direct) assay_os_poller_remove(loop->poller, ws->fd);
    close(ws->fd);
    ws->fd = -1;
  }
  if (ws->previous != NULL)
    ws->previous->next = ws->next;
  else
    loop->first = ws->next;
  if (ws->next != NULL) ws->next->previous = ws->previous;
  loop->count--;
  loop->direct -= ws->direct;
  ws->dead_next = loop->dead; /* `next` stays, for whoever is walking along the list */
  loop->dead = ws;
}

void assay_ws_connection_free(assay_ws *ws) {
  if (ws->handlers->closed != NULL && (ws->was_open || ws->role == ASSAY_WS_CLIENT))
    ws->handlers->closed(ws->handlers->user, ws, ws->code, ws->reason, ws->close_sent && ws->close_got);
  if (ws->server != NULL) assay_ws_server_forget(ws);
  assay_ws_forget_queue(ws);
  assay_ws_bytes_deinit(&ws->wire);
  assay_ws_bytes_deinit(&ws->head);
  assay_ws_bytes_deinit(&ws->message);
  assay_ws_deflate_release(ws->deflate);
  assay_ws_tls_destroy(ws->tls);
  ws->tls = NULL;
  assay_ws_weigh(ws);
  assay_ws_deflate_destroy(ws->deflate);
  if (ws->role == ASSAY_WS_CLIENT) assay_ws_client_free(ws);
  assay_free(ws);
}

void assay_ws_connection_finish(assay_ws *ws) {
  if (ws->state >= SAYING_BYE) return;
  ws->state = SAYING_BYE;
  assay_ws_forget_queue(ws);
  assay_ws_set_deadline(ws, ws->options->close_s);
  if (ws->tls != NULL && ws->tls_ready) {
    assay_ws_tls_goodbye(ws->tls);
    (void)assay_ws_tls_take(ws->tls, &ws->wire);
  }
  if (!ws->corked) assay_ws_flush(ws);
}

/* What the peer did ends the connection: it is told why, and nothing more is read (section 7.1.7). */
static void fail(assay_ws *ws, unsigned code, const char *why) {
  uint8_t payload[ASSAY_WS_CONTROL_MOST];
  if (ws->state >= SAYING_BYE) return;
  ws->counts.faults++;
  assay_ws_set_end(ws, code, why, strlen(why));
  assay_ws_forget_queue(ws);
  if (!ws->close_sent) {
    size_t length = assay_ws_close_payload(payload, code, why);
    if (!assay_ws_put_frame(ws, ASSAY_WS_CLOSE, 0, payload, length, false)) return;
    ws->close_sent = true;
  }
  assay_ws_connection_finish(ws);
}

assay_status assay_ws_close(assay_ws *ws, unsigned code, const char *reason, assay_error *err) {
  uint8_t payload[ASSAY_WS_CONTROL_MOST];
  if (code == 0) code = ASSAY_WS_CLOSE_NORMAL;
  if (!assay_ws_close_code_valid(code)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "close code %u may not be sent", code);
  if (ws->state < OPEN) { /* there is nobody to tell yet */
    assay_ws_connection_end(ws, code, reason != NULL ? reason : "");
    return ASSAY_OK;
  }
  if (ws->state != OPEN) return ASSAY_OK;
  size_t length = assay_ws_close_payload(payload, code, reason);
  if (!assay_ws_enqueue(ws, ASSAY_WS_CLOSE, 0, false, false, payload, length))
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a close frame");
  ws->state = CLOSING;
  assay_ws_set_deadline(ws, ws->options->close_s);
  if (!ws->corked && !ws->wants_write) assay_ws_flush(ws);
  return ASSAY_OK;
}

void assay_ws_connection_open(assay_ws *ws, const assay_ws_agreement *agreement) {
  assay_ws_parser_init(&ws->parser, &(assay_ws_parser_options){.role = ws->role,
                                                               .compression = agreement->on,
                                                               .frame_limit = ws->options->frame_limit,
                                                               .message_limit = ws->options->message_limit});
  if (agreement->on) {
    if (assay_ws_deflate_create(ws->role, agreement, ws->options->compression.level, NULL, &ws->deflate) != ASSAY_OK) {
      assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
      return;
    }
    ws->compress_out = (ws->role == ASSAY_WS_SERVER ? agreement->server_bits : agreement->client_bits) >= 9;
  }
  ws->state = OPEN;
  ws->was_open = true;
  ws->deadline_ns = 0;
  ws->heard_ns = assay_os_now_ns();
  expect_ping(ws);
  if (ws->loop->spin) assay_ws_loop_adopt(ws);
  if (ws->handlers->open != NULL) ws->handlers->open(ws->handlers->user, ws);
}

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

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
    fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
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
      fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
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
    fail(ws, ASSAY_WS_CLOSE_TRY_LATER, too_much);
    return;
  }
  if (code != 0) {
    fail(ws, code,
         code == ASSAY_WS_CLOSE_TOO_BIG    ? "a message over the limit"
         : code == ASSAY_WS_CLOSE_BAD_DATA ? "a message that cannot be inflated"
                                           : "out of memory");
    return;
  }
  if (e->opcode != ASSAY_WS_TEXT || ws->message.length == before) {
    if (e->opcode == ASSAY_WS_TEXT && last && !assay_ws_utf8_complete(&ws->utf8))
      fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that ends within a character");
    return;
  }
  if (!assay_ws_utf8_feed(&ws->utf8, ws->message.data + before, ws->message.length - before))
    fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that is not UTF-8");
  else if (last && !assay_ws_utf8_complete(&ws->utf8))
    fail(ws, ASSAY_WS_CLOSE_BAD_DATA, "a text that ends within a character");
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
      fail(ws, ASSAY_WS_CLOSE_INTERNAL, "out of memory");
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

static void take_frames(assay_ws *ws, uint8_t *bytes, size_t length) {
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
  if (ws->parser.fault != 0 && ws->state < SAYING_BYE) fail(ws, ws->parser.fault, ws->parser.why);
}

/* ---- Bytes --------------------------------------------------------------------------------------------------------------------------- */

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
    take_frames(ws, bytes + (end - before), length - (end - before));
}

static void take_bytes(assay_ws *ws, uint8_t *bytes, size_t length) {
  if (ws->state == TO_SHAKE)
    take_head(ws, bytes, length);
  else if (ws->state == OPEN || ws->state == CLOSING)
    take_frames(ws, bytes, length);
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

void assay_ws_tell_drained(assay_ws *ws) {
  if (!ws->was_full || ws->first != NULL || ws->wants_write || ws->state != OPEN) return;
  ws->was_full = false;
  if (ws->handlers->drained != NULL) ws->handlers->drained(ws->handlers->user, ws);
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

void assay_ws_connection_ready(assay_ws *ws, unsigned what) {
  if (ws->state == TO_CONNECT) {
    assay_ws_client_connected(ws);
    return;
  }
  if ((what & ASSAY_OS_WRITABLE) != 0 && ws->state != DEAD) {
    assay_ws_flush(ws);
    assay_ws_weigh(ws); /* what it was encoded with counts too */
  }
  if ((what & ASSAY_OS_READABLE) != 0 && ws->state != DEAD) (void)assay_ws_connection_read(ws);
  if (ws->state != DEAD) assay_ws_tell_drained(ws);
}

void assay_ws_connection_deadline(assay_ws *ws) {
  uint64_t now = ws->loop->now_ns;
  if (ws->deadline_ns != 0 && now >= ws->deadline_ns) {
    if (ws->state == TO_CONNECT && assay_ws_client_next(ws)) return;
    ws->counts.faults += ws->state < OPEN || ws->state == CLOSING;
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL,
                            ws->state < OPEN       ? "the handshake took too long"
                            : ws->state == CLOSING ? "the peer did not answer the close frame"
                                                   : "the peer did not hang up");
    return;
  }
  assay_ws_earliest(ws->loop, ws->deadline_ns);
  if (ws->state != OPEN || ws->options->ping_s <= 0) return;
  /* What came while this program was held up counts. */
  if (now >= ws->ping_ns && ws->pinged && !assay_ws_connection_read(ws)) {
    ws->counts.faults++;
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "the peer does not answer pings");
    return;
  }
  if (ws->state != OPEN) return;
  if (now >= ws->ping_ns && now - ws->heard_ns >= in_ns(ws->options->ping_s)) {
    (void)assay_ws_ping(ws, NULL, 0, NULL);
    if (ws->state != OPEN) return;
    ws->pinged = true;
    ws->ping_ns = now + in_ns(ws->options->ping_s);
  } else if (now >= ws->ping_ns) {
    expect_ping(ws);
  }
  assay_ws_earliest(ws->loop, ws->ping_ns);
}

/* ---- Small answers ------------------------------------------------------------------------------------------------------------------- */

void assay_ws_set_data(assay_ws *ws, void *data) { ws->data = data; }
void *assay_ws_data(const assay_ws *ws) { return ws->data; }
bool assay_ws_compressed(const assay_ws *ws) { return ws->deflate != NULL; }
const char *assay_ws_protocol(const assay_ws *ws) { return ws->protocol; }
assay_ws_counts assay_ws_count(const assay_ws *ws) { return ws->counts; }
