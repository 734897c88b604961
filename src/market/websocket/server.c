/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "market/websocket/connection.h"
#include "os/prim.h"

enum { ACCEPTED_AT_ONCE = 64, USUAL_CONNECTIONS = 10000, BACKLOG = 1024 };

/* ---- Options (clients' too) ---------------------------------------------------------------------------------------------------------- */

static bool fill_seconds(double *seconds, double usual) {
  if (*seconds == 0) *seconds = usual;
  return !isnan(*seconds);
}

static bool bits_in_range(unsigned bits) { return bits == 0 || (bits >= 9 && bits <= 15); }

assay_status assay_ws_options_check(assay_ws_options *o, assay_error *err) {
  if (o->header_limit == 0) o->header_limit = 8192;
  if (o->frame_limit == 0) o->frame_limit = ASSAY_WS_MESSAGE_LIMIT;
  if (o->message_limit == 0) o->message_limit = ASSAY_WS_MESSAGE_LIMIT;
  if (o->queue_limit == 0) o->queue_limit = 4 * 1024 * 1024;
  if (o->compression.least == 0) o->compression.least = 64;
  if (!fill_seconds(&o->handshake_s, 10) || !fill_seconds(&o->close_s, 5) || !fill_seconds(&o->ping_s, 20) || o->handshake_s < 0 ||
      o->close_s < 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a time of a WebSocket is negative or no number");
  if (o->header_limit > 1 << 20) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "header_limit is at most 1 MiB");
  if (o->message_limit > (uint64_t)1 << 40 || o->frame_limit > (uint64_t)1 << 40)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the limits of frames and messages are at most 1 TiB");
  if ((unsigned)o->policy > ASSAY_WS_DISCONNECT) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no such policy for full queues");
  if (!bits_in_range(o->compression.server_window_bits) || !bits_in_range(o->compression.client_window_bits))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the window bits of compression are 9 to 15");
  if (o->compression.level > 9) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the level of compression is 1 to 9");
  return o->compression.on ? assay_ws_deflate_load(err) : ASSAY_OK;
}

const char *const *assay_ws_copy_list(assay_arena *arena, const char *const *list) {
  size_t count = 0;
  if (list == NULL) return NULL;
  while (list[count] != NULL) count++;
  const char **copy = assay_arena_alloc(arena, count + 1, sizeof *copy);
  for (size_t i = 0; copy != NULL && i < count; i++) copy[i] = assay_arena_strdup(arena, list[i]);
  return copy;
}

/* ---- Listening ----------------------------------------------------------------------------------------------------------------------- */

static assay_status listen_on(assay_ws_server *s, assay_error *err) {
  const char *address = s->options.address != NULL ? s->options.address : "127.0.0.1";
  char port[8];
  snprintf(port, sizeof port, "%u", s->options.port);
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
  if (getaddrinfo(address, port, &hints, &found) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "'%s' is no numeric address to listen on, such as 127.0.0.1 or ::1", address);
  int one = 1;
  assay_status status = ASSAY_OK;
  s->fd = socket(found->ai_family, SOCK_STREAM, 0);
  if (s->fd < 0 || !assay_ws_prepare_socket(s->fd, NULL) || setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      bind(s->fd, found->ai_addr, found->ai_addrlen) != 0 || listen(s->fd, BACKLOG) != 0)
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot listen on %s port %u", address, s->options.port);
  freeaddrinfo(found);
  struct sockaddr_storage bound;
  socklen_t size = sizeof bound;
  if (status == ASSAY_OK && getsockname(s->fd, (struct sockaddr *)&bound, &size) == 0)
    s->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
  return status == ASSAY_OK ? assay_os_poller_add(s->loop->poller, s->fd, ASSAY_OS_READABLE, s, err) : status;
}

assay_status assay_ws_server_open(assay_ws_loop *loop, const assay_ws_server_options *options, const assay_ws_handlers *handlers,
                                  assay_error *err, assay_ws_server **server) {
  static const assay_ws_server_options usual = {0};
  if (options == NULL) options = &usual;
  assay_ws_server *s = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *s);
  if (s == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a server");
  s->kind = WATCHED_SERVER;
  s->fd = -1;
  s->loop = loop;
  s->handlers = *handlers;
  s->options = *options;
  assay_arena_init(&s->arena, ASSAY_TAG_MARKET);
  s->options.address = assay_arena_strdup(&s->arena, options->address);
  s->options.origins = assay_ws_copy_list(&s->arena, options->origins);
  s->options.protocols = assay_ws_copy_list(&s->arena, options->protocols);
  if (s->options.connection_limit == 0) s->options.connection_limit = USUAL_CONNECTIONS;
  assay_status status = s->arena.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a server") : assay_ws_crypto_load(err);
  if (status == ASSAY_OK) status = assay_ws_options_check(&s->options.connection, err);
  if (status == ASSAY_OK && (options->certificate == NULL) != (options->key == NULL))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "TLS needs both a certificate and its key");
  if (status == ASSAY_OK && options->certificate != NULL)
    status = assay_ws_tls_server_context(options->certificate, options->key, err, &s->tls);
  if (status == ASSAY_OK) status = listen_on(s, err);
  s->next = loop->servers;
  loop->servers = s;
  if (status != ASSAY_OK) {
    assay_ws_server_destroy(s);
    return status;
  }
  *server = s;
  return ASSAY_OK;
}

static void stop_listening(assay_ws_server *s) {
  if (s->fd < 0) return;
  assay_os_poller_remove(s->loop->poller, s->fd);
  close(s->fd);
  s->fd = -1;
}

void assay_ws_server_stop(assay_ws_server *server) {
  stop_listening(server);
  for (assay_ws *ws = server->first; ws != NULL; ws = ws->server_next) {
    if (ws->state == TO_SHAKE)
      assay_ws_connection_end(ws, ASSAY_WS_CLOSE_GOING_AWAY, "the server stops");
    else
      (void)assay_ws_close(ws, ASSAY_WS_CLOSE_GOING_AWAY, "the server stops", NULL);
  }
}

void assay_ws_server_destroy(assay_ws_server *server) {
  if (server == NULL) return;
  assay_ws_loop *loop = server->loop;
  stop_listening(server);
  for (assay_ws *ws = server->first; ws != NULL; ws = ws->server_next)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_GOING_AWAY, "the server is gone");
  for (assay_ws **at = &loop->dead; *at != NULL;) {
    assay_ws *ws = *at;
    if (ws->server != server) {
      at = &ws->dead_next;
      continue;
    }
    *at = ws->dead_next;
    assay_ws_connection_free(ws);
  }
  for (assay_ws_server **at = &loop->servers; *at != NULL; at = &(*at)->next) {
    if (*at != server) continue;
    *at = server->next;
    break;
  }
  assay_ws_tls_context_destroy(server->tls);
  assay_arena_deinit(&server->arena);
  assay_free(server);
}

uint16_t assay_ws_server_port(const assay_ws_server *server) { return server->port; }
size_t assay_ws_server_connections(const assay_ws_server *server) { return server->count; }

/* ---- Connections --------------------------------------------------------------------------------------------------------------------- */

static void admit(assay_ws_server *s, int fd, const struct sockaddr *from, socklen_t size) {
  assay_ws *ws = NULL;
  if (s->count >= s->options.connection_limit || (s->tls != NULL && !assay_ws_memory_find_room(s->loop, ASSAY_WS_TLS_NEW)) ||
      !assay_ws_prepare_socket(fd, from) ||
      (ws = assay_ws_connection_create(s->loop, fd, ASSAY_WS_SERVER, &s->handlers, &s->options.connection)) == NULL) {
    s->counts.turned_away++;
    close(fd);
    return;
  }
  s->counts.accepted++;
  s->count++;
  ws->server = s;
  ws->server_next = s->first;
  if (s->first != NULL) s->first->server_previous = ws;
  s->first = ws;
  if (getnameinfo(from, size, ws->address, sizeof ws->address, NULL, 0, NI_NUMERICHOST) != 0) ws->address[0] = '\0';
  if (s->tls != NULL && assay_ws_tls_create(s->tls, NULL, NULL, &ws->tls) != ASSAY_OK)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
  else if (assay_os_poller_add(s->loop->poller, fd, ASSAY_OS_READABLE, ws, NULL) != ASSAY_OK)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "the system waits for no more connections");
  assay_ws_weigh(ws);
}

void assay_ws_server_accept(assay_ws_server *s) {
  for (int i = 0; i < ACCEPTED_AT_ONCE && s->fd >= 0; i++) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    int fd = accept(s->fd, (struct sockaddr *)&from, &size);
    if (fd >= 0) {
      admit(s, fd, (struct sockaddr *)&from, size);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      /* It would be told again at once, and again: a pause, until somebody has hung up. */
      assay_os_poller_change(s->loop->poller, s->fd, 0, s);
      s->resume_ns = assay_os_now_ns() + 100000000;
      assay_ws_earliest(s->loop, s->resume_ns);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void assay_ws_server_deadline(assay_ws_server *s) {
  if (s->resume_ns == 0 || s->fd < 0) return;
  if (s->loop->now_ns < s->resume_ns) {
    assay_ws_earliest(s->loop, s->resume_ns);
    return;
  }
  s->resume_ns = 0;
  assay_os_poller_change(s->loop->poller, s->fd, ASSAY_OS_READABLE, s);
}

void assay_ws_server_forget(assay_ws *ws) {
  assay_ws_server *s = ws->server;
  if (ws->server_previous != NULL)
    ws->server_previous->server_next = ws->server_next;
  else
    s->first = ws->server_next;
  if (ws->server_next != NULL) ws->server_next->server_previous = ws->server_previous;
  s->count--;
  uint64_t *to = (uint64_t *)&s->counts;
  const uint64_t *from = (const uint64_t *)&ws->counts;
  for (size_t i = 0; i < sizeof s->counts / sizeof *to; i++) to[i] += from[i];
}

assay_ws_counts assay_ws_server_count(const assay_ws_server *server) {
  assay_ws_counts all = server->counts;
  uint64_t *to = (uint64_t *)&all;
  for (const assay_ws *ws = server->first; ws != NULL; ws = ws->server_next) {
    const uint64_t *from = (const uint64_t *)&ws->counts;
    for (size_t i = 0; i < sizeof all / sizeof *to; i++) to[i] += from[i];
  }
  return all;
}

size_t assay_ws_server_broadcast(assay_ws_server *server, assay_ws_opcode opcode, const void *data, size_t length) {
  size_t sent = 0;
  for (assay_ws *ws = server->first; ws != NULL; ws = ws->server_next)
    if (ws->state == OPEN) sent += assay_ws_send(ws, opcode, data, length, NULL) == ASSAY_OK;
  return sent;
}

/* ---- The handshake ------------------------------------------------------------------------------------------------------------------- */

static void refuse(assay_ws *ws, unsigned status, const char *why) {
  static const struct {
    unsigned status;
    const char *text, *more;
  } answers[] = {{400, "Bad Request", ""},
                 {403, "Forbidden", ""},
                 {404, "Not Found", ""},
                 {405, "Method Not Allowed", "Allow: GET\r\n"},
                 {426, "Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
                 {431, "Request Header Fields Too Large", ""}};
  char answer[600];
  size_t at = 0;
  while (answers[at].status != status) at++;
  int length = snprintf(answer, sizeof answer,
                        "HTTP/1.1 %u %s\r\n%sConnection: %sclose\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n", status,
                        answers[at].text, answers[at].more, status == 426 ? "upgrade, " : "", strlen(why) + 1, why);
  ws->counts.turned_away++;
  assay_ws_set_end(ws, ASSAY_WS_CLOSE_ABNORMAL, why, strlen(why));
  if (assay_ws_put_bytes(ws, answer, (size_t)length)) assay_ws_connection_finish(ws);
}

static void accept_request(assay_ws *ws, const assay_ws_head *head) {
  const assay_ws_compression *compression = &ws->options->compression;
  assay_ws_agreement agreement = {0};
  if (!assay_ws_memory_is_tight(ws->loop)) agreement = assay_ws_accept_offer(head->extensions, compression);
  char accept[ASSAY_WS_ACCEPT_SIZE];
  assay_buf answer = {0};
  assay_ws_accept_of(head->key, accept);
  assay_buf_printf(&answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                   accept);
  if (ws->protocol != NULL) assay_buf_printf(&answer, "Sec-WebSocket-Protocol: %s\r\n", ws->protocol);
  if (agreement.on) {
    assay_buf_puts(&answer, "Sec-WebSocket-Extensions: ");
    assay_ws_put_agreement(&answer, &agreement);
    assay_buf_puts(&answer, "\r\n");
  }
  assay_buf_puts(&answer, "\r\n");
  if (answer.failed)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
  else if (assay_ws_put_bytes(ws, answer.data, answer.length))
    assay_ws_connection_open(ws, &agreement);
  assay_buf_deinit(&answer);
}

void assay_ws_server_head(assay_ws *ws, size_t end) {
  assay_ws_head head;
  const char *why = "the request is too long";
  const assay_ws_server_options *options = &ws->server->options;
  unsigned status = end == 0 ? 431 : assay_ws_read_request((char *)ws->head.data, end, &head, &why);
  if (status == 0 && !assay_ws_origin_allowed(head.origin, options->origins)) {
    status = 403;
    why = "pages of this origin may not connect";
  }
  if (status == 0) {
    ws->protocol = assay_ws_choose_protocol(head.protocols, options->protocols);
    assay_ws_request request = {head.path, head.host, head.origin, ws->protocol, ws->address};
    const assay_ws_handlers *h = ws->handlers;
    if (h->request != NULL && !h->request(h->user, ws, &request)) {
      status = 404;
      why = "there is nothing here";
    }
  }
  if (ws->state == DEAD) return;
  if (status != 0)
    refuse(ws, status, why);
  else
    accept_request(ws, &head);
}
