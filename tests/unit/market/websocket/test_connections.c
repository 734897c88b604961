/* SPDX-License-Identifier: MIT */
/* Servers and clients on one loop, and peers of bare sockets that do what no good client does. */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <assay/websocket.h>

#include "market/websocket/tls.h"
#include "os/prim.h"
#include "reference.h"

/* ---- A place to stand ------------------------------------------------------------------------------------------------------------------
 */

typedef struct end {
  unsigned opened, closed, messages, pongs, drained;
  unsigned code;
  bool clean, echo, sink;
  char reason[300], last[300];
  uint8_t last_opcode;
  size_t last_length;
  uint64_t bytes;
  unsigned long long sum; /* of all bytes, weighted by place */
  assay_ws *ws;
} end;

static assay_error err;
static assay_ws_loop *loop;
static assay_ws_server *server;
static end ours, theirs; /* the server's side and the client's */

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

static assay_ws_handlers handlers_of(end *e) {
  return (assay_ws_handlers){
      .user = e, .open = on_open, .message = on_message, .pong = on_pong, .drained = on_drained, .closed = on_closed};
}

static void start_with(const assay_ws_server_options *options, bool spin) {
  err = (assay_error){0};
  ours = (end){.echo = true};
  theirs = (end){0};
  assay_ws_handlers handlers = handlers_of(&ours);
  handlers.request = on_request;
  assert_ok(assay_ws_loop_create(&(assay_ws_loop_options){.spin = spin}, &err, &loop), err);
  assert_ok(assay_ws_server_open(loop, options, &handlers, &err, &server), err);
}

static void start(const assay_ws_options *connection) {
  assay_ws_server_options options = {0};
  if (connection != NULL) options.connection = *connection;
  start_with(&options, false);
}

static void finish(void) { assay_ws_loop_destroy(loop); }

static void connect_to(const char *scheme, const char *path, const assay_ws_client_options *options) {
  char url[100];
  snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, assay_ws_server_port(server), path);
  assay_ws_handlers handlers = handlers_of(&theirs);
  assert_ok(assay_ws_connect(loop, url, options, &handlers, &err, NULL), err);
}

/* Turns until the condition holds; ten seconds are for ever. */
#define until(condition)                                                            \
  do {                                                                              \
    uint64_t give_up = assay_os_now_ns() + UINT64_C(10000000000);                   \
    while (!(condition)) {                                                          \
      if (assay_os_now_ns() > give_up) fail_msg("this never came: %s", #condition); \
      assert_ok(assay_ws_loop_turn(loop, 0.01, &err), err);                         \
    }                                                                               \
  } while (0)

static void connected(const assay_ws_client_options *options) {
  connect_to("ws", "/", options);
  until(theirs.opened == 1 && ours.opened == 1);
}

static void send_text(end *e, const char *text) { assert_ok(assay_ws_send(e->ws, ASSAY_WS_TEXT, text, strlen(text), &err), err); }

/* ---- Good manners ----------------------------------------------------------------------------------------------------------------------
 */

static void echo_of_all_sizes_with(const assay_ws_compression *compression, bool spin) {
  assay_ws_server_options options = {.connection = {.compression = *compression}};
  start_with(&options, spin);
  connected(&(assay_ws_client_options){.connection = {.compression = *compression}});
  assert_int_equal(assay_ws_compressed(theirs.ws), compression->on);
  static const size_t sizes[] = {0, 1, 125, 126, 127, 1000, 65535, 65536, 300000, 2000000};
  uint8_t *data = malloc(2000000);
  assert_non_null(data);
  for (size_t i = 0; i < 2000000; i++) data[i] = (uint8_t)(i % 251 < 128 ? i % 251 : 'a' + i / 1000 % 20);
  unsigned count = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (int binary = 0; binary < 2; binary++) {
      assert_ok(assay_ws_send(theirs.ws, binary ? ASSAY_WS_BINARY : ASSAY_WS_TEXT, data, sizes[i], &err), err);
      count++;
      until(theirs.messages == count);
      assert_int_equal(theirs.last_length, sizes[i]);
      assert_int_equal(theirs.last_opcode, binary ? ASSAY_WS_BINARY : ASSAY_WS_TEXT);
      assert_true(theirs.sum == ours.sum && theirs.bytes == ours.bytes);
      assert_memory_equal(theirs.last, data, sizes[i] < 200 ? sizes[i] : 200);
    }
  }
  if (compression->on) assert_true(assay_ws_count(theirs.ws).bytes_in < theirs.bytes / 4 * 3);
  free(data);
  assert_ok(assay_ws_close(theirs.ws, 3001, "done", &err), err);
  until(theirs.closed == 1 && ours.closed == 1);
  assert_int_equal(ours.code, 3001);
  assert_string_equal(ours.reason, "done");
  assert_true(ours.clean && theirs.clean);
  assert_int_equal(assay_ws_server_connections(server), 0);
  finish();
}

static void echo_of_all_sizes(void **state) {
  (void)state;
  echo_of_all_sizes_with(&(assay_ws_compression){0}, false);
}

static void echo_while_spinning(void **state) {
  (void)state;
  echo_of_all_sizes_with(&(assay_ws_compression){0}, true);
}

static void echo_compressed(void **state) {
  (void)state;
  echo_of_all_sizes_with(&(assay_ws_compression){.on = true}, false);
  echo_of_all_sizes_with(&(assay_ws_compression){.on = true, .server_no_context_takeover = true, .client_no_context_takeover = true},
                         false);
  echo_of_all_sizes_with(&(assay_ws_compression){.on = true, .server_window_bits = 9, .client_window_bits = 9, .level = 9, .least = 1},
                         false);
}

static void one_end_without_compression(void **state) {
  (void)state;
  start(NULL);
  connected(&(assay_ws_client_options){.connection = {.compression = {.on = true}}});
  assert_false(assay_ws_compressed(theirs.ws));
  send_text(&theirs, "hello");
  until(theirs.messages == 1);
  finish();
}

static void parts_are_one_message(void **state) {
  (void)state;
  start(NULL);
  connected(NULL);
  assert_ok(assay_ws_send_part(theirs.ws, ASSAY_WS_TEXT, true, "one \xe2\x82", 6, &err), err);
  assert_int_equal(assay_ws_send(theirs.ws, ASSAY_WS_TEXT, "x", 1, NULL), ASSAY_ERR_INVALID);
  assert_ok(assay_ws_ping(theirs.ws, "between", 7, &err), err);
  until(theirs.pongs == 1);
  assert_string_equal(theirs.last, "between");
  assert_ok(assay_ws_send_part(theirs.ws, ASSAY_WS_TEXT, true, "", 0, &err), err);
  assert_ok(assay_ws_send_part(theirs.ws, ASSAY_WS_TEXT, false, "\xac two", 5, &err), err);
  until(theirs.messages == 1);
  assert_string_equal(theirs.last, "one \xe2\x82\xac two");
  finish();
}

static void protocols_and_paths(void **state) {
  (void)state;
  static const char *const known[] = {"trades", "depth", NULL}, *const wanted[] = {"depth", "trades", NULL},
                           *const other[] = {"chat", NULL};
  start_with(&(assay_ws_server_options){.protocols = known}, false);
  connected(&(assay_ws_client_options){.protocols = wanted});
  assert_string_equal(assay_ws_protocol(theirs.ws), "trades");
  assert_string_equal(assay_ws_protocol(ours.ws), "trades");
  theirs = (end){0};
  connect_to("ws", "/", &(assay_ws_client_options){.protocols = other});
  until(theirs.opened == 1);
  assert_null(assay_ws_protocol(theirs.ws));
  theirs = (end){0};
  connect_to("ws", "/nowhere", NULL);
  until(theirs.closed == 1);
  assert_int_equal(theirs.code, ASSAY_WS_CLOSE_ABNORMAL);
  assert_non_null(strstr(theirs.reason, "404"));
  theirs = (end){0};
  connect_to("ws", "/", &(assay_ws_client_options){.origin = "https://evil.example"});
  until(theirs.closed == 1);
  assert_non_null(strstr(theirs.reason, "403"));
  assert_int_equal(assay_ws_server_count(server).turned_away, 2);
  finish();
}

static void nobody_there(void **state) {
  (void)state;
  start(NULL);
  uint16_t port = assay_ws_server_port(server);
  assay_ws_server_destroy(server);
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  assay_ws_handlers handlers = handlers_of(&theirs);
  assert_ok(assay_ws_connect(loop, url, NULL, &handlers, &err, NULL), err);
  until(theirs.closed == 1);
  assert_non_null(strstr(theirs.reason, "cannot connect"));
  assert_int_equal(assay_ws_connect(loop, "ws://no-such-host.invalid/", NULL, &handlers, NULL, NULL), ASSAY_ERR_NOT_FOUND);
  assert_int_equal(assay_ws_connect(loop, "http://127.0.0.1/", NULL, &handlers, NULL, NULL), ASSAY_ERR_INVALID);
  finish();
}

static void wrong_use_is_refused(void **state) {
  (void)state;
  start(NULL);
  connected(NULL);
  assert_int_equal(assay_ws_send(theirs.ws, ASSAY_WS_PING, "", 0, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_ws_close(theirs.ws, 1005, "", NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_ws_close(theirs.ws, 1006, "", NULL), ASSAY_ERR_INVALID);
  char large[126] = {0};
  assert_int_equal(assay_ws_ping(theirs.ws, large, sizeof large, NULL), ASSAY_ERR_INVALID);
  assert_ok(assay_ws_close(theirs.ws, 0, NULL, &err), err);
  assert_int_equal(assay_ws_send(theirs.ws, ASSAY_WS_TEXT, "late", 4, NULL), ASSAY_ERR_INVALID);
  assert_ok(assay_ws_close(theirs.ws, 0, NULL, &err), err);
  until(theirs.closed == 1);
  assert_int_equal(theirs.code, 1000);
  assay_ws_handlers handlers = handlers_of(&ours);
  assay_ws_server *second = NULL;
  assert_int_equal(assay_ws_server_open(loop, &(assay_ws_server_options){.address = "localhost"}, &handlers, NULL, &second),
                   ASSAY_ERR_INVALID);
  assert_int_equal(assay_ws_server_open(loop, &(assay_ws_server_options){.port = assay_ws_server_port(server)}, &handlers, NULL, &second),
                   ASSAY_ERR_IO);
  assert_int_equal(assay_ws_server_open(loop, &(assay_ws_server_options){.certificate = "x"}, &handlers, NULL, &second), ASSAY_ERR_INVALID);
  assert_int_equal(assay_ws_server_open(loop, &(assay_ws_server_options){.connection = {.compression = {.server_window_bits = 8}}},
                                        &handlers, NULL, &second),
                   ASSAY_ERR_INVALID);
  assert_null(second);
  finish();
}

static void a_graceful_stop(void **state) {
  (void)state;
  start(NULL);
  connected(NULL);
  char large[60000];
  memset(large, 'x', sizeof large);
  for (int i = 0; i < 20; i++) assert_ok(assay_ws_send(ours.ws, ASSAY_WS_TEXT, large, sizeof large, &err), err);
  assay_ws_server_stop(server);
  until(assay_ws_server_connections(server) == 0);
  until(theirs.closed == 1);
  assert_int_equal(theirs.messages, 20); /* what was queued came first */
  assert_int_equal(theirs.code, ASSAY_WS_CLOSE_GOING_AWAY);
  assert_true(theirs.clean && ours.clean);
  finish();
}

static void *stop_soon(void *unused) {
  (void)unused;
  assay_os_sleep_ns(20000000);
  assay_ws_loop_stop(loop);
  return NULL;
}

static void a_stop_from_another_thread(void **state) {
  (void)state;
  start(NULL);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
  assert_ok(assay_ws_loop_run(loop, &err), err);
  pthread_join(thread, NULL);
  assay_ws_loop_wake(loop);
  assert_ok(assay_ws_loop_turn(loop, -1, &err), err); /* does not wait */
  finish();
}

static void many_at_once(void **state) {
  (void)state;
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  enum { WANTED = 1500 };
  unsigned many = limit.rlim_cur > 2 * WANTED + 100 ? WANTED : (unsigned)(limit.rlim_cur - 100) / 2;
  start(NULL);
  for (unsigned i = 0; i < many; i++) {
    connect_to("ws", "/", NULL);
    if (i % 50 == 49) until(theirs.opened == i + 1);
  }
  until(theirs.opened == many && ours.opened == many);
  assert_int_equal(assay_ws_server_broadcast(server, ASSAY_WS_TEXT, "to all", 6), many);
  until(theirs.messages == many);
  assay_ws_server_stop(server);
  until(theirs.closed == many && ours.closed == many);
  assert_int_equal(assay_ws_server_count(server).messages_out, many);
  finish();
}

/* First few enough for the loop to read them itself, then too many, then few again. */
static void a_spinning_loop_with_more_and_fewer(void **state) {
  (void)state;
  enum { MANY = 12 };
  start_with(&(assay_ws_server_options){0}, true);
  ours.echo = false;
  assay_ws *clients[MANY];
  char large[50000];
  memset(large, 'l', sizeof large);
  for (unsigned i = 0; i < MANY; i++) {
    connect_to("ws", "/", NULL);
    until(theirs.opened == i + 1 && ours.opened == i + 1);
    clients[i] = theirs.ws;
    for (unsigned k = 0; k <= i; k++) assert_ok(assay_ws_send(clients[k], ASSAY_WS_TEXT, large, sizeof large, &err), err);
    until(ours.messages == (i + 1) * (i + 2) / 2);
  }
  assert_int_equal(assay_ws_server_broadcast(server, ASSAY_WS_TEXT, large, sizeof large), MANY);
  until(theirs.messages == MANY);
  for (unsigned i = 0; i + 2 < MANY; i++) assert_ok(assay_ws_close(clients[i], 1000, NULL, &err), err);
  until(theirs.closed == MANY - 2 && ours.closed == MANY - 2);
  assert_int_equal(assay_ws_server_broadcast(server, ASSAY_WS_TEXT, large, sizeof large), 2);
  until(theirs.messages == MANY + 2);
  finish();
}

static void too_many_are_turned_away(void **state) {
  (void)state;
  start_with(&(assay_ws_server_options){.connection_limit = 2}, false);
  for (int i = 0; i < 3; i++) connect_to("ws", "/", NULL);
  until(theirs.opened == 2 && theirs.closed == 1);
  assert_int_equal(assay_ws_server_count(server).turned_away, 1);
  finish();
}

/* ---- Bare sockets -----------------------------------------------------------------------------------------------------------------------
 */

static const char hello[] =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\n";

static int bare_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
  assert_true(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(assay_ws_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

static void put(int fd, const void *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t got = send(fd, (const char *)bytes + at, length - at, MSG_NOSIGNAL);
    if (got > 0) at += (size_t)got;
    assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (got < 0 && ours.closed > 0) return;
  }
}

static char heard_bytes[1 << 20];
static size_t heard_length;
static bool heard_end;

static void hear(int fd) {
  assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  ssize_t got = recv(fd, heard_bytes + heard_length, sizeof heard_bytes - heard_length, 0);
  if (got > 0) heard_length += (size_t)got;
  if (got == 0) heard_end = true;
}

static int shaken(const char *more) {
  int fd = bare_socket();
  put(fd, hello, sizeof hello - 1);
  put(fd, more, strlen(more));
  put(fd, "\r\n", 2);
  heard_length = 0;
  heard_end = false;
  until((hear(fd), heard_length > 4 && memcmp(heard_bytes + heard_length - 4, "\r\n\r\n", 4) == 0));
  heard_length = 0;
  return fd;
}

static void put_masked(int fd, unsigned first, const void *data, size_t length) {
  uint8_t *frame = malloc(length + 14);
  assert_non_null(frame);
  uint32_t mask = 0x3d21fa37;
  size_t written = assay_ws_frame(frame, (assay_ws_opcode)(first & 15), (first & 0x80) != 0 ? 0 : ASSAY_WS_MORE, data, length, &mask);
  frame[0] = (uint8_t)first;
  put(fd, frame, written);
  free(frame);
}

/* The close code that the server answers with, which then hangs up. */
static unsigned answered_code(int fd) {
  until((hear(fd), heard_end));
  assert_true(heard_length >= 4 && (uint8_t)heard_bytes[0] == 0x88);
  return (uint8_t)heard_bytes[2] * 256u + (uint8_t)heard_bytes[3];
}

static void faults_are_answered_and_hung_up_on(void **state) {
  (void)state;
  static const struct {
    unsigned first;
    const char *data;
    unsigned code;
  } cases[] = {
      {0x83, "", 1002}, {0xC1, "a", 1002}, {0x80, "a", 1002}, {0x81, "\xff", 1007}, {0x82, "0123456789012345678901234567890", 1009},
      {0x09, "", 1002}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(&(assay_ws_options){.message_limit = 30});
    int fd = shaken("");
    put_masked(fd, cases[i].first, cases[i].data, strlen(cases[i].data));
    assert_int_equal(answered_code(fd), cases[i].code);
    close(fd);
    until(ours.closed == 1);
    assert_int_equal(ours.code, cases[i].code);
    assert_false(ours.clean);
    assert_int_equal(assay_ws_server_count(server).faults, 1);
    finish();
  }
}

static void unmasked_frames_are_faults(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  put(fd, "\x81\x01x", 3);
  assert_int_equal(answered_code(fd), 1002);
  close(fd);
  finish();
}

static void the_closing_handshake(void **state) {
  (void)state;
  static const struct {
    const char *payload;
    size_t length;
    unsigned said, answered;
  } cases[] = {{"\x03\xe8", 2, 1000, 1000},
               {"\x0f\xa1 bye", 6, 4001, 4001},
               {"\x03\xed", 2, 1002, 1002},
               {"\x03", 1, 1002, 1002},
               {"\x03\xe8\xff", 3, 1007, 1007}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    int fd = shaken("");
    put_masked(fd, 0x88, cases[i].payload, cases[i].length);
    assert_int_equal(answered_code(fd), cases[i].answered);
    close(fd);
    until(ours.closed == 1);
    assert_int_equal(ours.code, cases[i].said);
    finish();
  }
  /* Without a code the answer has none either. */
  start(NULL);
  int fd = shaken("");
  put_masked(fd, 0x88, "", 0);
  until((hear(fd), heard_end));
  assert_int_equal(heard_length, 2);
  assert_memory_equal(heard_bytes, "\x88\x00", 2);
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_NONE);
  assert_true(ours.clean);
  finish();
}

static void every_ping_is_answered(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  for (int i = 0; i < 10; i++) put_masked(fd, 0x89, "payload 0", 9);
  until((hear(fd), heard_length == 110));
  for (int i = 0; i < 10; i++) assert_memory_equal(heard_bytes + i * 11, "\x8a\x09payload 0", 11);
  close(fd);
  finish();
}

/* Frames in the same packet as the request, and the request a byte at a time. */
static void bytes_as_they_come(void **state) {
  (void)state;
  start(NULL);
  int fd = bare_socket();
  uint8_t all[400];
  size_t length = sizeof hello - 1;
  memcpy(all, hello, length);
  memcpy(all + length,
         "\r\n\x81\x81"
         "abcd",
         8);
  all[length + 8] = 'a' ^ 'Z';
  put(fd, all, length + 9);
  until(ours.messages == 1);
  assert_string_equal(ours.last, "Z");
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  fd = bare_socket();
  for (size_t i = 0; i < length + 9; i++) put(fd, all + i, 1);
  until(ours.messages == 2);
  close(fd);
  finish();
}

static void slow_and_endless_requests(void **state) {
  (void)state;
  start(&(assay_ws_options){.handshake_s = 0.05});
  int fd = bare_socket();
  put(fd, "GET / HTTP/1.1\r\n", 16);
  heard_end = false;
  until((hear(fd), heard_end));
  close(fd);
  assert_int_equal(assay_ws_server_count(server).faults, 1);
  assert_int_equal(ours.closed, 0); /* it never was open */
  finish();

  start(&(assay_ws_options){.header_limit = 500});
  fd = bare_socket();
  put(fd, "GET / HTTP/1.1\r\nX-Long: ", 24);
  for (int i = 0; i < 600; i++) (void)send(fd, "x", 1, MSG_NOSIGNAL);
  heard_length = 0;
  heard_end = false;
  until((hear(fd), heard_end || heard_length > 30));
  assert_memory_equal(heard_bytes, "HTTP/1.1 431", 12);
  close(fd);
  until(assay_ws_server_connections(server) == 0);
  finish();
}

static void huge_lengths_take_no_memory(void **state) {
  (void)state;
  start(&(assay_ws_options){.message_limit = (uint64_t)1 << 39, .frame_limit = (uint64_t)1 << 39});
  int fd = shaken("");
  put(fd,
      "\x82\xff\x00\x00\x00\x40\x00\x00\x00\x00"
      "mask"
      "few bytes",
      23);
  for (int i = 0; i < 5; i++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  assert_int_equal(ours.closed, 0);
  close(fd);
  until(ours.closed == 1);
  finish();
}

static void half_closed_peers_are_gone(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  shutdown(fd, SHUT_WR);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  close(fd);
  finish();
}

static void silent_peers_are_pinged_and_dropped(void **state) {
  (void)state;
  start(&(assay_ws_options){.ping_s = 0.05});
  int fd = shaken("");
  until((hear(fd), heard_length >= 2));
  assert_memory_equal(heard_bytes, "\x89\x00", 2);
  until(ours.closed == 1);
  assert_string_equal(ours.reason, "the peer does not answer pings");
  close(fd);
  finish();
}

static void peers_that_answer_pings_stay(void **state) {
  (void)state;
  start(&(assay_ws_options){.ping_s = 0.1});
  connected(NULL);
  uint64_t later = assay_os_now_ns() + 500000000;
  until(assay_os_now_ns() > later);
  assert_int_equal(theirs.closed + ours.closed, 0);
  assert_true(assay_ws_count(theirs.ws).bytes_in >= 2 + 129);
  finish();
}

static void a_close_that_is_not_answered(void **state) {
  (void)state;
  start(&(assay_ws_options){.close_s = 0.05});
  int fd = shaken("");
  assert_ok(assay_ws_close(ours.ws, 1000, "bye", &err), err);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  assert_false(ours.clean);
  close(fd);
  finish();
}

/* ---- Peers that do not read
 * --------------------------------------------------------------------------------------------------------------- */

enum { PIECE = 4096, QUEUE = 65536 };

/* Sends numbered messages to a peer that does not read until the policy has something to do. */
static unsigned fill(int *fd, assay_ws_policy policy, assay_status *status) {
  start(&(assay_ws_options){.queue_limit = QUEUE, .policy = policy, .ping_s = -1});
  *fd = shaken("");
  char data[PIECE];
  memset(data, '.', sizeof data);
  unsigned count = 0;
  for (*status = ASSAY_OK; *status == ASSAY_OK && count < 20000; count++) {
    snprintf(data, sizeof data, "%08u", count);
    *status = assay_ws_send(ours.ws, ASSAY_WS_BINARY, data, sizeof data, NULL);
    assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (ours.ws != NULL) assert_true(assay_ws_queued(ours.ws) <= QUEUE + PIECE + 64);
    if (ours.ws != NULL && assay_ws_count(ours.ws).dropped > 100) break;
  }
  return count;
}

/* Reads all, and returns the numbers of the messages that came. */
static unsigned drain(int fd, unsigned *numbers, unsigned most) {
  static uint8_t bytes[1 << 16];
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_CLIENT});
  unsigned count = 0, quiet = 0;
  char number[9] = "";
  size_t have = 0;
  while (quiet < 30) {
    assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    quiet = got > 0 ? 0 : quiet + 1;
    for (size_t at = 0, used; got > 0 && at < (size_t)got; at += used) {
      assay_ws_event e;
      size_t events = assay_ws_parser_feed(&parser, bytes + at, (size_t)got - at, &e, 1, &used);
      assert_int_equal(parser.fault, 0);
      if (events == 0) continue;
      if ((e.flags & ASSAY_WS_FIRST) != 0) have = 0;
      for (size_t i = 0; i < e.length && have < 8; i++) number[have++] = (char)e.data[i];
      if ((e.flags & ASSAY_WS_LAST) != 0 && count < most) numbers[count++] = (unsigned)strtoul(number, NULL, 10);
    }
  }
  return count;
}

static unsigned numbers[20000];

static void refused_messages_are_counted_and_nothing_is_lost(void **state) {
  (void)state;
  int fd;
  assay_status status;
  unsigned sent = fill(&fd, ASSAY_WS_REFUSE, &status) - 1;
  assert_int_equal(status, ASSAY_ERR_BUSY);
  assert_int_equal(assay_ws_count(ours.ws).refused, 1);
  assert_int_equal(drain(fd, numbers, 20000), sent);
  for (unsigned i = 0; i < sent; i++) assert_int_equal(numbers[i], i);
  assert_int_equal(ours.drained, 1);
  assert_int_equal(assay_ws_queued(ours.ws), 0);
  send_text(&ours, "again");
  close(fd);
  finish();
}

static void the_oldest_are_dropped_and_the_rest_is_in_order(void **state) {
  (void)state;
  int fd;
  assay_status status;
  unsigned sent = fill(&fd, ASSAY_WS_DROP_OLDEST, &status) + 1;
  assert_int_equal(status, ASSAY_OK);
  uint64_t dropped = assay_ws_count(ours.ws).dropped;
  assert_true(dropped > 100);
  unsigned got = drain(fd, numbers, 20000);
  assert_int_equal(got, sent - dropped);
  for (unsigned i = 1; i < got; i++) assert_true(numbers[i] > numbers[i - 1]);
  assert_int_equal(numbers[got - 1], sent - 1); /* the newest always comes */
  close(fd);
  finish();
}

static void slow_readers_are_disconnected(void **state) {
  (void)state;
  int fd;
  assay_status status;
  fill(&fd, ASSAY_WS_DISCONNECT, &status);
  assert_int_equal(status, ASSAY_ERR_BUSY);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_TRY_LATER);
  assert_int_equal(assay_ws_server_count(server).disconnected, 1);
  close(fd);
  finish();
}

/* Pings that are never read: one answer waits, not thousands. */
static void a_flood_of_pings_costs_no_memory(void **state) {
  (void)state;
  start(&(assay_ws_options){.queue_limit = QUEUE, .ping_s = -1});
  int fd = shaken("");
  char payload[125];
  memset(payload, 'p', sizeof payload);
  uint8_t frame[140];
  uint32_t mask = 7;
  size_t length = assay_ws_frame(frame, ASSAY_WS_PING, 0, payload, sizeof payload, &mask);
  for (unsigned i = 0; i < 60000; i++) {
    if (send(fd, frame, length, MSG_NOSIGNAL) != (ssize_t)length) break; /* the way in is full as well */
    if (i % 16 == 0) assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (ours.ws != NULL) assert_true(assay_ws_queued(ours.ws) < 400000);
  }
  close(fd);
  finish();
}

/* ---- Compression that means harm --------------------------------------------------------------------------------------------------------
 */

static void a_bomb_is_cut_short(void **state) {
  (void)state;
  /* Deflate's densest: one match of 258 zeros takes two bits here; 200 kB of it are more than 100 MB. */
  start(&(assay_ws_options){.message_limit = 1 << 20, .compression = {.on = true}});
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  static uint8_t bomb[20000];
  /* Block with fixed codes: 0x00, then matches of length 258 (code 285: 8 bits 11000101) at distance 1 (5 bits 00000). */
  size_t bit = 0;
#define BITS_MSB(code, n) \
  for (int b = (n)-1; b >= 0; b--, bit++) bomb[bit / 8] |= (uint8_t)(((code) >> b & 1) << bit % 8)
  BITS_MSB(0, 1);    /* not final */
  BITS_MSB(2, 2);    /* fixed codes: 01, least significant bit first */
  BITS_MSB(0x30, 8); /* the byte 0 */
  while (bit < 8 * sizeof bomb - 40) {
    BITS_MSB(0xC5, 8);
    BITS_MSB(0, 5);
  }
  put_masked(fd, 0xC2, bomb, sizeof bomb - 10);
  assert_int_equal(answered_code(fd), 1009);
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.messages, 0);
  finish();
}

static void what_does_not_inflate_is_a_fault(void **state) {
  (void)state;
  start(&(assay_ws_options){.compression = {.on = true}});
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  put_masked(fd, 0xC2, "\xff\xff\xff", 3);
  assert_int_equal(answered_code(fd), 1007);
  close(fd);
  finish();
}

/* RFC 7692 section 7.2.3: "Hello" as the RFC has it, in fragments, repeated with the window, stored, and with a final block. */
static void the_examples_of_rfc_7692(void **state) {
  (void)state;
  static const struct {
    const char *what, *frames[3];
    size_t lengths[3];
  } cases[] = {
      {"one frame", {"\xf2\x48\xcd\xc9\xc9\x07\x00"}, {7}},
      {"two fragments", {"\xf2\x48\xcd", "\xc9\xc9\x07\x00"}, {3, 4}},
      {"no compression", {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"}, {11}},
      {"a final block", {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, {8}},
      {"two blocks", {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}, {13}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(&(assay_ws_options){.compression = {.on = true}});
    ours.echo = false;
    int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    for (int f = 0; f < 3 && cases[i].frames[f] != NULL; f++)
      put_masked(fd, (f == 0 ? 0x41u : 0u) | (f == 2 || cases[i].frames[f + 1] == NULL ? 0x80u : 0u), cases[i].frames[f],
                 cases[i].lengths[f]);
    until(ours.messages == 1);
    assert_string_equal(ours.last, "Hello");
    if (i == 0) { /* the second message points into the first */
      put_masked(fd, 0xC1, "\xf2\x00\x11\x00\x00", 5);
      until(ours.messages == 2);
      assert_string_equal(ours.last, "Hello");
    }
    close(fd);
    finish();
  }
}

/* Compressed text is checked as it is inflated, across blocks and frames. */
static void compressed_text_is_checked(void **state) {
  (void)state;
  start(&(assay_ws_options){.compression = {.on = true}});
  ours.echo = false;
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  put_masked(fd, 0x41, "\x00\x02\x00\xfd\xff\xe2\x82", 7); /* stored: two thirds of a character */
  put_masked(fd, 0x80, "\x00\x01\x00\xfe\xff\xac\x00", 7);
  until(ours.messages == 1);
  assert_string_equal(ours.last, "\xe2\x82\xac");
  put_masked(fd, 0x41, "\x00\x02\x00\xfd\xff\xe2\x82", 7);
  put_masked(fd, 0x00, "\x00\x01\x00\xfe\xff\x41", 6); /* wrong before the message ends */
  assert_int_equal(answered_code(fd), 1007);
  close(fd);
  finish();
}

/* ---- Servers that clients should not trust
 * ------------------------------------------------------------------------------------------------ */

static int listener(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 5) == 0 &&
              getsockname(fd, (struct sockaddr *)&at, &size) == 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  *port = ntohs(at.sin_port);
  return fd;
}

static void answers_that_a_client_refuses(void **state) {
  (void)state;
  static const struct {
    const char *answer, *says;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "status 200"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
       "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
       "not to our key"},
      {"junk\r\n\r\n", "not HTTP/1.1"},
      {"HTTP/1.1 101 Switching", "hung up during the handshake"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    uint16_t port;
    int listening = listener(&port), fd = -1;
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
    assay_ws_handlers handlers = handlers_of(&theirs);
    assert_ok(assay_ws_connect(loop, url, NULL, &handlers, &err, NULL), err);
    until((fd = accept(listening, NULL, NULL)) >= 0);
    heard_length = 0;
    heard_end = false;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    until((hear(fd), heard_length > 4 && memcmp(heard_bytes + heard_length - 4, "\r\n\r\n", 4) == 0));
    assert_memory_equal(heard_bytes, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(send(fd, cases[i].answer, strlen(cases[i].answer), MSG_NOSIGNAL), strlen(cases[i].answer));
    if (i == 3) close(fd);
    until(theirs.closed == 1);
    if (strstr(theirs.reason, cases[i].says) == NULL) fail_msg("'%s' does not say '%s'", theirs.reason, cases[i].says);
    if (i != 3) close(fd);
    close(listening);
    finish();
  }
}

/* A server of bare sockets that our client is connected to; `more` are header lines of its answer. */
static int bare_server(const char *more, const assay_ws_client_options *options, const assay_ws_handlers *handlers) {
  uint16_t port;
  int listening = listener(&port), fd = -1;
  char url[64], answer[600], accept_key[ASSAY_WS_ACCEPT_SIZE];
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  assert_ok(assay_ws_connect(loop, url, options, handlers, &err, NULL), err);
  until((fd = accept(listening, NULL, NULL)) >= 0);
  close(listening);
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

/* What the client said, as a server hears it. */
static transcript from_client;

static void hear_client(int fd) {
  until((hear(fd), heard_length >= 8 && ((uint8_t)heard_bytes[0] & 0x0F) != 0));
  transcript_clear(&from_client);
  reference_parse((const uint8_t *)heard_bytes, heard_length, ASSAY_WS_SERVER, true, 1 << 20, 1 << 20, &from_client);
  assert_int_equal(from_client.fault, 0); /* masked, and all else as it should be */
}

static void faults_of_servers_are_answered(void **state) {
  (void)state;
  static const struct {
    const char *frame;
    size_t length;
    unsigned code;
  } cases[] = {
      {"\x83\x00", 2, 1002},
      {"\xC1\x01"
       "a",
       3, 1002},
      {"\x80\x00", 2, 1002},
      {"\x81\x02\xc3\x28", 4, 1007},
      {"\x81\x81"
       "mask"
       "x",
       7, 1002},
      {"\x82\x1f"
       "0123456789012345678901234567890",
       33, 1009},
      {"\x09\x00", 2, 1002},
      {"\x88\x02\x03\xed", 4, 1002},
      {"\x88\x03\x03\xe8\xff", 5, 1007},
      {"\x81\x7e\x00\x05"
       "hello",
       9, 1002},
      {"\x01\x01"
       "a"
       "\x81\x01"
       "b",
       6, 1002},
      {"\x88\x01\x03", 3, 1002},
      {"\x89\x7e\x00\x80", 4, 1002},
      {"\xb1\x00", 2, 1002},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    assay_ws_handlers handlers = handlers_of(&theirs);
    int fd = bare_server("", &(assay_ws_client_options){.connection = {.message_limit = 30}}, &handlers);
    assert_int_equal(send(fd, cases[i].frame, cases[i].length, MSG_NOSIGNAL), cases[i].length);
    hear_client(fd);
    assert_int_equal(from_client.count, 1);
    assert_int_equal(from_client.items[0].code, cases[i].code);
    close(fd);
    until(theirs.closed == 1);
    assert_int_equal(theirs.code, cases[i].code);
    assert_int_equal(theirs.messages, 0);
    finish();
  }
}

static void what_a_client_does_with_good_frames(void **state) {
  (void)state;
  start(NULL);
  theirs.echo = true;
  assay_ws_handlers handlers = handlers_of(&theirs);
  int fd = bare_server("", NULL, &handlers);
  static const char frames[] =
      "\x01\x03"
      "Hel"
      "\x89\x04"
      "ping"
      "\x80\x02"
      "lo"
      "\x8a\x00"
      "\x82\x00";
  for (size_t i = 0; i < sizeof frames - 1; i++) {
    assert_int_equal(send(fd, frames + i, 1, MSG_NOSIGNAL), 1);
    assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
  }
  until((hear(fd), heard_length >= 10 + 11 + 6)); /* masked: a pong of 4 bytes, a text of 5, an empty binary */
  hear_client(fd);
  assert_int_equal(from_client.count, 3);
  assert_int_equal(from_client.items[0].opcode, ASSAY_WS_PONG);
  assert_memory_equal(from_client.items[0].data, "ping", 4);
  assert_memory_equal(from_client.items[1].data, "Hello", 5);
  assert_int_equal(from_client.items[2].opcode, ASSAY_WS_BINARY);
  assert_int_equal(theirs.pongs, 1);
  assert_memory_not_equal(heard_bytes + 2, heard_bytes + 10 + 2, 4); /* masks differ from frame to frame */
  heard_length = 0;
  assert_int_equal(send(fd,
                        "\x88\x05\x0f\xa0"
                        "bye",
                        7, MSG_NOSIGNAL),
                   7);
  hear_client(fd);
  assert_int_equal(from_client.items[0].code, 4000);
  assert_int_equal(theirs.closed, 0); /* the server hangs up first */
  close(fd);
  until(theirs.closed == 1);
  assert_true(theirs.clean);
  assert_string_equal(theirs.reason, "bye");
  finish();
}

static void a_server_that_never_hangs_up(void **state) {
  (void)state;
  start(NULL);
  assay_ws_handlers handlers = handlers_of(&theirs);
  int fd = bare_server("", &(assay_ws_client_options){.connection = {.close_s = 0.05}}, &handlers);
  assert_int_equal(send(fd, "\x88\x02\x03\xe8", 4, MSG_NOSIGNAL), 4);
  until(theirs.closed == 1);
  assert_true(theirs.clean);
  close(fd);
  finish();
}

/* Extensions and protocols that nobody offered, and a window that zlib does not have. */
static void servers_that_choose_what_was_not_offered(void **state) {
  (void)state;
  static const struct {
    const char *more, *says;
    bool compression;
  } cases[] = {
      {"Sec-WebSocket-Extensions: permessage-deflate\r\n", "extension", false},
      {"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=20\r\n", "extension", true},
      {"Sec-WebSocket-Extensions: x-unknown\r\n", "extension", true},
      {"Sec-WebSocket-Protocol: chat\r\n", "protocol", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    assay_ws_handlers handlers = handlers_of(&theirs);
    int fd = bare_server(cases[i].more, &(assay_ws_client_options){.connection = {.compression = {.on = cases[i].compression}}}, &handlers);
    until(theirs.closed == 1);
    assert_int_equal(theirs.opened, 0);
    assert_non_null(strstr(theirs.reason, cases[i].says));
    close(fd);
    finish();
  }
  start(NULL);
  assay_ws_handlers handlers = handlers_of(&theirs);
  int fd = bare_server("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8\r\n",
                       &(assay_ws_client_options){.connection = {.compression = {.on = true}}}, &handlers);
  until(theirs.opened == 1);
  char text[200];
  memset(text, 'a', sizeof text);
  assert_ok(assay_ws_send(theirs.ws, ASSAY_WS_TEXT, text, sizeof text, &err), err); /* so it goes as it is */
  hear_client(fd);
  assert_false(from_client.items[0].compressed);
  assert_int_equal(from_client.items[0].length, sizeof text);
  close(fd);
  until(theirs.closed == 1);
  finish();
}

/* ---- TLS
 * ---------------------------------------------------------------------------------------------------------------------------------- */

static const char *certificate, *key;

/* A certificate for localhost and 127.0.0.1 that signs itself, made by the openssl command. */
static bool make_certificate(void) {
  static char certificate_path[600], key_path[600];
  char command[2000];
  if (certificate != NULL) return true;
  snprintf(certificate_path, sizeof certificate_path, "%s/certificate.pem", test_temp_dir());
  snprintf(key_path, sizeof key_path, "%s/key.pem", test_temp_dir());
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext "
           "'subjectAltName=DNS:localhost,IP:127.0.0.1' "
           "-keyout '%s' -out '%s' >/dev/null 2>&1",
           key_path, certificate_path);
  if (system(command) != 0) return false;
  certificate = certificate_path;
  key = key_path;
  return true;
}

static void start_tls(void) {
  if (!make_certificate()) test_skip("the openssl command is not here");
  start_with(&(assay_ws_server_options){.certificate = certificate, .key = key, .connection = {.compression = {.on = true}}}, false);
}

static void tls_with_a_certificate_that_is_known(void **state) {
  (void)state;
  start_tls();
  connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate, .connection = {.compression = {.on = true}}});
  until(theirs.opened == 1);
  static uint8_t large[3000000];
  for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * i >> 7);
  assert_ok(assay_ws_send(theirs.ws, ASSAY_WS_BINARY, large, sizeof large, &err), err);
  until(theirs.messages == 1);
  assert_int_equal(theirs.last_length, sizeof large);
  assert_true(theirs.sum == ours.sum);
  send_text(&theirs, "short");
  until(theirs.messages == 2);
  assert_ok(assay_ws_close(theirs.ws, 1000, "", &err), err);
  until(theirs.closed == 1 && ours.closed == 1);
  assert_true(theirs.clean && ours.clean);
  finish();
}

static void tls_with_a_certificate_that_nobody_knows(void **state) {
  (void)state;
  start_tls();
  connect_to("wss", "/", NULL);
  until(theirs.closed == 1);
  assert_int_equal(theirs.opened, 0);
  assert_non_null(strstr(theirs.reason, "certificate is not accepted"));
  theirs = (end){0};
  connect_to("wss", "/", &(assay_ws_client_options){.unverified = true});
  until(theirs.opened == 1);
  finish();
}

static void tls_for_another_host(void **state) {
  (void)state;
  start_tls();
  assay_ws_server *other = NULL;
  assay_ws_handlers handlers = handlers_of(&ours);
  if (assay_ws_server_open(loop, &(assay_ws_server_options){.address = "127.0.0.2", .certificate = certificate, .key = key}, &handlers,
                           NULL, &other) == ASSAY_OK) {
    char url[64];
    snprintf(url, sizeof url, "wss://127.0.0.2:%u/", assay_ws_server_port(other));
    assay_ws_handlers client = handlers_of(&theirs);
    assert_ok(assay_ws_connect(loop, url, &(assay_ws_client_options){.ca_file = certificate}, &client, &err, NULL), err);
    until(theirs.closed == 1);
    assert_non_null(strstr(theirs.reason, "certificate is not accepted"));
    assert_int_equal(theirs.opened, 0);
  }
  finish();
}

static void tls_and_those_who_do_not_speak_it(void **state) {
  (void)state;
  start_tls();
  int fd = bare_socket();
  put(fd, hello, sizeof hello - 1);
  heard_end = false;
  until((hear(fd), heard_end || assay_ws_server_connections(server) == 0));
  close(fd);
  connect_to("ws", "/", NULL);
  until(theirs.closed == 1);
  assert_int_equal(theirs.opened, 0);
  assay_ws_server *second = NULL;
  assay_ws_handlers handlers = handlers_of(&ours);
  assert_int_equal(
      assay_ws_server_open(loop, &(assay_ws_server_options){.certificate = "/nowhere.pem", .key = key}, &handlers, NULL, &second),
      ASSAY_ERR_INVALID);
  assert_int_equal(
      assay_ws_server_open(loop, &(assay_ws_server_options){.certificate = certificate, .key = certificate}, &handlers, NULL, &second),
      ASSAY_ERR_INVALID);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo_of_all_sizes),
      cmocka_unit_test(echo_while_spinning),
      cmocka_unit_test(echo_compressed),
      cmocka_unit_test(one_end_without_compression),
      cmocka_unit_test(parts_are_one_message),
      cmocka_unit_test(protocols_and_paths),
      cmocka_unit_test(nobody_there),
      cmocka_unit_test(wrong_use_is_refused),
      cmocka_unit_test(a_graceful_stop),
      cmocka_unit_test(a_stop_from_another_thread),
      cmocka_unit_test(many_at_once),
      cmocka_unit_test(a_spinning_loop_with_more_and_fewer),
      cmocka_unit_test(too_many_are_turned_away),
      cmocka_unit_test(faults_are_answered_and_hung_up_on),
      cmocka_unit_test(unmasked_frames_are_faults),
      cmocka_unit_test(the_closing_handshake),
      cmocka_unit_test(every_ping_is_answered),
      cmocka_unit_test(bytes_as_they_come),
      cmocka_unit_test(slow_and_endless_requests),
      cmocka_unit_test(huge_lengths_take_no_memory),
      cmocka_unit_test(half_closed_peers_are_gone),
      cmocka_unit_test(silent_peers_are_pinged_and_dropped),
      cmocka_unit_test(peers_that_answer_pings_stay),
      cmocka_unit_test(a_close_that_is_not_answered),
      cmocka_unit_test(refused_messages_are_counted_and_nothing_is_lost),
      cmocka_unit_test(the_oldest_are_dropped_and_the_rest_is_in_order),
      cmocka_unit_test(slow_readers_are_disconnected),
      cmocka_unit_test(a_flood_of_pings_costs_no_memory),
      cmocka_unit_test(a_bomb_is_cut_short),
      cmocka_unit_test(what_does_not_inflate_is_a_fault),
      cmocka_unit_test(the_examples_of_rfc_7692),
      cmocka_unit_test(compressed_text_is_checked),
      cmocka_unit_test(answers_that_a_client_refuses),
      cmocka_unit_test(faults_of_servers_are_answered),
      cmocka_unit_test(what_a_client_does_with_good_frames),
      cmocka_unit_test(a_server_that_never_hangs_up),
      cmocka_unit_test(servers_that_choose_what_was_not_offered),
      cmocka_unit_test(tls_with_a_certificate_that_is_known),
      cmocka_unit_test(tls_with_a_certificate_that_nobody_knows),
      cmocka_unit_test(tls_for_another_host),
      cmocka_unit_test(tls_and_those_who_do_not_speak_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
