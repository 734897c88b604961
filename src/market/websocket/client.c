/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "market/websocket/connection.h"
#include "os/prim.h"

struct client {
  assay_ws_url url;
  assay_ws_client_options options;
  assay_ws_handlers handlers;
  assay_ws_tls_context *tls;
  struct addrinfo *found, *address; /* all of the host; the one that is tried */
  uint64_t end_ns;                  /* of the handshake, whatever address it is with */
  char key[ASSAY_WS_KEY_SIZE];
  char trouble[2 * REASON_SIZE]; /* why the last address did not do */
  assay_arena arena;
};

void assay_ws_client_free(assay_ws *ws) {
  struct client *c = ws->client;
  assay_ws_tls_context_destroy(c->tls);
  if (c->found != NULL) freeaddrinfo(c->found);
  assay_arena_deinit(&c->arena);
  assay_free(c);
}

/* Each address gets its share of the time that is left, so that one which never answers leaves some for the next. */
static void share_time(assay_ws *ws) {
  struct client *c = ws->client;
  uint64_t now = assay_os_now_ns(), left = 0;
  for (const struct addrinfo *a = c->address; a != NULL; a = a->ai_next) left++;
  ws->deadline_ns = now < c->end_ns ? now + (c->end_ns - now) / left : c->end_ns;
  assay_ws_earliest(ws->loop, ws->deadline_ns);
}

/* Addresses are tried one after the other, within the time of the handshake. False when there is none left. */
static bool try_address(assay_ws *ws) {
  struct client *c = ws->client;
  for (; c->address != NULL; c->address = c->address->ai_next) {
    ws->fd = socket(c->address->ai_family, SOCK_STREAM, 0);
    if (ws->fd >= 0 && assay_ws_prepare_socket(ws->fd, c->address->ai_addr) &&
        (connect(ws->fd, c->address->ai_addr, c->address->ai_addrlen) == 0 || errno == EINPROGRESS) &&
        assay_os_poller_add(ws->loop->poller, ws->fd, ASSAY_OS_WRITABLE, ws, NULL) == ASSAY_OK) {
      if (getnameinfo(c->address->ai_addr, c->address->ai_addrlen, ws->address, sizeof ws->address, NULL, 0, NI_NUMERICHOST) != 0)
        ws->address[0] = '\0';
      share_time(ws);
      return true;
    }
    snprintf(c->trouble, sizeof c->trouble, "cannot connect to %s: %s", c->url.authority, strerror(errno));
    if (ws->fd >= 0) close(ws->fd);
    ws->fd = -1;
  }
  return false;
}

bool assay_ws_client_next(assay_ws *ws) {
  struct client *c = ws->client;
  assay_os_poller_remove(ws->loop->poller, ws->fd);
  close(ws->fd);
  ws->fd = -1;
  if (c->address == NULL || c->address->ai_next == NULL || assay_os_now_ns() >= c->end_ns) return false;
  c->address = c->address->ai_next;
  return try_address(ws);
}

void assay_ws_client_connected(assay_ws *ws) {
  struct client *c = ws->client;
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(ws->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) {
    snprintf(c->trouble, sizeof c->trouble, "cannot connect to %s: %s", c->url.authority, strerror(code));
    if (!assay_ws_client_next(ws)) assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, c->trouble);
    return;
  }
  ws->state = TO_SHAKE;
  ws->deadline_ns = c->end_ns;
  assay_ws_earliest(ws->loop, c->end_ns);
  assay_os_poller_change(ws->loop->poller, ws->fd, ASSAY_OS_READABLE, ws);
  if (c->tls == NULL) {
    assay_ws_client_shake(ws);
  } else if (!assay_ws_memory_find_room(ws->loop, ASSAY_WS_TLS_NEW)) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_TRY_LATER, "all connections together hold too much");
  } else if (assay_ws_tls_create(c->tls, c->url.host, NULL, &ws->tls) != ASSAY_OK) {
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "TLS cannot begin");
  } else {
    char why[REASON_SIZE];
    (void)assay_ws_tls_handshake(ws->tls, why, sizeof why);
    (void)assay_ws_tls_take(ws->tls, &ws->wire);
    assay_ws_flush(ws);
    assay_ws_weigh(ws);
  }
}

void assay_ws_client_shake(assay_ws *ws) {
  struct client *c = ws->client;
  const char *path = c->url.path;
  assay_buf request = {0};
  assay_buf_printf(&request, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n",
                   path[0] == '/' ? "" : "/", path, c->url.authority, c->key);
  assay_buf_puts(&request, "Sec-WebSocket-Version: 13\r\n");
  if (c->options.origin != NULL) assay_buf_printf(&request, "Origin: %s\r\n", c->options.origin);
  for (const char *const *p = c->options.protocols; p != NULL && *p != NULL; p++)
    assay_buf_printf(&request, "%s%s%s", p == c->options.protocols ? "Sec-WebSocket-Protocol: " : ", ", *p, p[1] == NULL ? "\r\n" : "");
  if (ws->options->compression.on) {
    assay_buf_puts(&request, "Sec-WebSocket-Extensions: ");
    assay_ws_put_offer(&request, &ws->options->compression);
    assay_buf_puts(&request, "\r\n");
  }
  assay_buf_puts(&request, "\r\n");
  if (request.failed)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "out of memory");
  else if (assay_ws_put_bytes(ws, request.data, request.length) && !ws->corked)
    assay_ws_flush(ws);
  assay_buf_deinit(&request);
}

void assay_ws_client_head(assay_ws *ws, size_t end) {
  struct client *c = ws->client;
  assay_ws_head head;
  assay_ws_agreement agreement;
  char expected[ASSAY_WS_ACCEPT_SIZE], said[REASON_SIZE];
  const char *why = "the server's answer is too long";
  unsigned status = end == 0 ? 400 : assay_ws_read_answer((char *)ws->head.data, end, &head, &why);
  if (status != 0 && end != 0 && head.status != 0 && head.status != 101) {
    snprintf(said, sizeof said, "%s: it answers with HTTP status %u", why, head.status);
    why = said;
  }
  if (status == 0) {
    assay_ws_accept_of(c->key, expected);
    if (strcmp(expected, head.accept) != 0)
      why = "the server's answer is not to our key";
    else if (!assay_ws_read_agreement(head.extensions, &ws->options->compression, &agreement))
      why = "the server chose an extension that was not offered";
    else if (head.protocols != NULL && (ws->protocol = assay_ws_choose_protocol(head.protocols, c->options.protocols)) == NULL)
      why = "the server chose a protocol that was not offered";
  }
  if (why != NULL) {
    ws->counts.faults++;
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, why);
  } else {
    assay_ws_connection_open(ws, &agreement);
  }
}

/* Nothing in a header that would end it. */
static bool is_plain(const char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text < 0x20 || *text == 0x7F) return false;
  }
  return true;
}

static assay_status fill(struct client *c, assay_ws_loop *loop, const char *url, const assay_ws_client_options *options, assay_error *err) {
  assay_arena_init(&c->arena, ASSAY_TAG_MARKET);
  if (options != NULL) c->options = *options;
  url = assay_arena_strdup(&c->arena, url);
  c->options.origin = assay_arena_strdup(&c->arena, c->options.origin);
  c->options.protocols = assay_ws_copy_list(&c->arena, c->options.protocols);
  if (c->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a client");
  bool plain = c->options.origin == NULL || is_plain(c->options.origin);
  for (const char *const *p = c->options.protocols; p != NULL && *p != NULL; p++) plain = plain && is_plain(*p) && **p != '\0';
  if (!plain) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an origin or protocol holds a control character");
  assay_status status = assay_ws_url_parse(url, err, &c->url);
  if (status == ASSAY_OK) status = assay_ws_options_check(&c->options.connection, err);
  if (status == ASSAY_OK) status = assay_ws_crypto_load(err);
  if (status == ASSAY_OK && c->url.secure)
    status = assay_ws_tls_client_context(&loop->tls_known, c->options.ca_file, c->options.unverified, err, &c->tls);
  if (status != ASSAY_OK) return status;
  uint8_t random[16];
  if (!assay_os_entropy(random, sizeof random)) return ASSAY_FAIL_ERRNO(err, errno, "the system gives no random numbers");
  assay_ws_key_of(random, c->key);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  int code = getaddrinfo(c->url.host, c->url.port, &hints, &c->found);
  if (code != 0) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "no address of '%s': %s", c->url.host, gai_strerror(code));
  c->address = c->found;
  return ASSAY_OK;
}

assay_status assay_ws_connect(assay_ws_loop *loop, const char *url, const assay_ws_client_options *options,
                              const assay_ws_handlers *handlers, assay_error *err, assay_ws **ws) {
  struct client *c = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *c);
  if (c == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a client");
  c->handlers = *handlers;
  assay_status status = fill(c, loop, url, options, err);
  assay_ws *made = NULL;
  if (status == ASSAY_OK) {
    made = assay_ws_connection_create(loop, -1, ASSAY_WS_CLIENT, &c->handlers, &c->options.connection);
    if (made == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a client");
  }
  if (status != ASSAY_OK) {
    assay_ws unfinished = {.client = c};
    assay_ws_client_free(&unfinished);
    return status;
  }
  made->client = c;
  c->end_ns = made->deadline_ns;
  if (!try_address(made)) assay_ws_connection_end(made, ASSAY_WS_CLOSE_ABNORMAL, c->trouble);
  if (ws != NULL) *ws = made;
  return ASSAY_OK;
}
