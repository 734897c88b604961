/* SPDX-License-Identifier: MIT */
#include "stand.h"

#include <netinet/tcp.h>

assay_error err;
assay_ws_loop *loop;
assay_ws_server *server;
end ours, theirs;

static void on_open(void *user, assay_ws *ws) {
  end *e = user;
  e->opened++;
  e->ws = ws;
}

static void on_message(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  end *e = user;
  e->messages++;
  e->bytes += length;
  for (size_t i = 0; i < length; i += length / 100 + 1) e->sum += data[i] * (i + 1);
  e->last_opcode = (uint8_t)opcode;
  e->last_length = length;
  size_t kept = length < sizeof e->last - 1 ? length : sizeof e->last - 1;
  memcpy(e->last, data, kept);
  e->last[kept] = '\0';
  if (e->echo) (void)assay_ws_send(ws, opcode, data, length, NULL);
}

static void on_pong(void *user, assay_ws *ws, const uint8_t *data, size_t length) {
  (void)ws;
  end *e = user;
  e->pongs++;
  snprintf(e->last, sizeof e->last, "%.*s", (int)length, (const char *)data);
}

static void on_drained(void *user, assay_ws *ws) {
  (void)ws;
  ((end *)user)->drained++;
}

static void on_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws;
  end *e = user;
  e->closed++;
  e->code = code;
  e->clean = clean;
  snprintf(e->reason, sizeof e->reason, "%s", reason);
  if (e->ws == ws) e->ws = NULL;
}

static bool on_request(void *user, assay_ws *ws, const assay_ws_request *request) {
  (void)user;
  (void)ws;
  return strcmp(request->path, "/nowhere") != 0;
}

assay_ws_handlers handlers_of(end *e) {
  return (assay_ws_handlers){
      .user = e, .open = on_open, .message = on_message, .pong = on_pong, .drained = on_drained, .closed = on_closed};
}

static void start_on(const assay_ws_loop_options *how, const assay_ws_server_options *options) {
  err = (assay_error){0};
  ours = (end){.echo = true};
  theirs = (end){0};
  assay_ws_handlers handlers = handlers_of(&ours);
  handlers.request = on_request;
  assert_ok(assay_ws_loop_create(how, &err, &loop), err);
  assert_ok(assay_ws_server_open(loop, options, &handlers, &err, &server), err);
}

void start_with(const assay_ws_server_options *options, bool spin) { start_on(&(assay_ws_loop_options){.spin = spin}, options); }

void start_patient(double patience_s) { start_on(&(assay_ws_loop_options){.patience_s = patience_s}, &(assay_ws_server_options){0}); }

void start(const assay_ws_options *connection) {
  assay_ws_server_options options = {0};
  if (connection != NULL) options.connection = *connection;
  start_with(&options, false);
}

void finish(void) { assay_ws_loop_destroy(loop); }

void connect_to(const char *scheme, const char *path, const assay_ws_client_options *options) {
  char url[100];
  snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, assay_ws_server_port(server), path);
  assay_ws_handlers handlers = handlers_of(&theirs);
  assert_ok(assay_ws_connect(loop, url, options, &handlers, &err, NULL), err);
}

void connected(const assay_ws_client_options *options) {
  connect_to("ws", "/", options);
  until(theirs.opened == 1 && ours.opened == 1);
}

void send_text(end *e, const char *text) { assert_ok(assay_ws_send(e->ws, ASSAY_WS_TEXT, text, strlen(text), &err), err); }

/* ---- Bare sockets ---------------------------------------------------------------------------------------------------------------- */

const char hello[] =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\n";

int bare_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096, one = 1;
  assert_true(fd >= 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(assay_ws_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

void put(int fd, const void *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t got = send(fd, (const char *)bytes + at, length - at, MSG_NOSIGNAL);
    if (got > 0) at += (size_t)got;
    assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (got < 0 && ours.closed > 0) return;
  }
}

char heard_bytes[1 << 20];
size_t heard_length;
bool heard_end;

void hear(int fd) {
  ssize_t got = -1;
  for (int waits = 0; waits < 2 && got < 0; waits++) { /* only where nothing is there already */
    assert_ok(assay_ws_loop_turn(loop, waits * 0.001, &err), err);
    got = recv(fd, heard_bytes + heard_length, sizeof heard_bytes - heard_length, 0);
  }
  if (got > 0) heard_length += (size_t)got;
  if (got == 0) heard_end = true;
}

int shaken(const char *more) {
  int fd = bare_socket();
  put(fd, hello, strlen(hello));
  put(fd, more, strlen(more));
  put(fd, "\r\n", 2);
  heard_length = 0;
  heard_end = false;
  until((hear(fd), heard_length > 4 && memcmp(heard_bytes + heard_length - 4, "\r\n\r\n", 4) == 0));
  heard_length = 0;
  return fd;
}

void put_masked(int fd, unsigned first, const void *data, size_t length) {
  uint8_t *frame = malloc(length + 14);
  assert_non_null(frame);
  uint32_t mask = 0x3d21fa37;
  size_t written = assay_ws_frame(frame, (assay_ws_opcode)(first & 15), (first & 0x80) != 0 ? 0 : ASSAY_WS_MORE, data, length, &mask);
  frame[0] = (uint8_t)first;
  put(fd, frame, written);
  free(frame);
}

unsigned answered_code(int fd) {
  until((hear(fd), heard_end));
  assert_true(heard_length >= 4 && (uint8_t)heard_bytes[0] == 0x88);
  return (uint8_t)heard_bytes[2] * 256u + (uint8_t)heard_bytes[3];
}

int listener(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 5) == 0 &&
              getsockname(fd, (struct sockaddr *)&at, &size) == 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  *port = ntohs(at.sin_port);
  return fd;
}

int bare_server(const char *more, const assay_ws_client_options *options, const assay_ws_handlers *handlers) {
  uint16_t port;
  int listening = listener(&port), fd = -1;
  char url[64], answer[600], accept_key[ASSAY_WS_ACCEPT_SIZE];
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  assert_ok(assay_ws_connect(loop, url, options, handlers, &err, NULL), err);
  until((fd = accept(listening, NULL, NULL)) >= 0);
  close(listening);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  heard_length = 0;
  heard_end = false;
  until((hear(fd), heard_length > 4 && memcmp(heard_bytes + heard_length - 4, "\r\n\r\n", 4) == 0));
  heard_bytes[heard_length] = '\0';
  const char *key_line = strstr(heard_bytes, "Sec-WebSocket-Key: ");
  assert_non_null(key_line);
  assay_ws_accept_of(key_line + 19, accept_key);
  snprintf(answer, sizeof answer, "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
           accept_key, more);
  assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
  heard_length = 0;
  return fd;
}

transcript from_client;

void hear_client(int fd) {
  until((hear(fd), heard_length >= 8 && ((uint8_t)heard_bytes[0] & 0x0F) != 0));
  transcript_clear(&from_client);
  reference_parse((const uint8_t *)heard_bytes, heard_length, ASSAY_WS_SERVER, true, 1 << 20, 1 << 20, &from_client);
  assert_int_equal(from_client.fault, 0); /* masked, and all else as it should be */
}
