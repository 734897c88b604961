/* SPDX-License-Identifier: MIT */
/* One connection from the beginning to the end: the states that it goes through, and the times that end it. */
#include "market/websocket/connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

static bool is_loopback(const struct sockaddr *peer) {
  if (peer->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  if (peer->sa_family != AF_INET6) return false;
  const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == IN_LOOPBACKNET);
}

/* Nothing is congested within a machine: BBR, where it is the usual one, only takes time to pace each segment. Anybody may have Reno. */
static void control_no_congestion(int fd) {
#if defined(TCP_CONGESTION)
  (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
#else
  (void)fd;
#endif
}

bool assay_ws_prepare_socket(int fd, const struct sockaddr *peer) {
  int one = 1, flags = fcntl(fd, F_GETFL);
  if (peer != NULL && is_loopback(peer)) control_no_congestion(fd);
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

void assay_ws_connection_fail(assay_ws *ws, unsigned code, const char *why) {
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

/* ---- Turns ----------------------------------------------------------------------------------------------------------------------------
 */

void assay_ws_tell_drained(assay_ws *ws) {
  if (!ws->was_full || ws->first != NULL || ws->wants_write || ws->state != OPEN) return;
  ws->was_full = false;
  if (ws->handlers->drained != NULL) ws->handlers->drained(ws->handlers->user, ws);
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
    ws->counts.faults += ws->state < OPEN || (ws->state == CLOSING && ws->code == 0); /* a slow reader has been counted already */
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
