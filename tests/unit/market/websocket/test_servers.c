/* SPDX-License-Identifier: MIT */
/* Servers of bare sockets that clients should not trust. */
#ifdef __linux__
#include <dlfcn.h>
#include <netdb.h>
#endif

#include "stand.h"

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

#ifdef __linux__

/* ---- Hosts with several addresses
 * ---------------------------------------------------------------------------------------------------------
 */

/* "two.example" has two, both of `two_port` on loopback: this program's function comes before the system's. */
static char two_port[8];

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (host == NULL || strcmp(host, "two.example") != 0) return real(host, service, hints, found);
  int code = real("127.0.0.1", two_port, hints, found);
  return code != 0 ? code : real("127.0.0.1", service, hints, &(*found)->ai_next);
}

/* A port whose connections stay unanswered: nobody accepts, and no more may wait. */
static int deaf_listener(uint16_t *port, int waiting[8]) {
  int fd = listener(port);
  assert_int_equal(listen(fd, 0), 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < 8; i++) {
    waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(waiting[i], (struct sockaddr *)&to, sizeof to);
  }
  return fd;
}

/* The time of the handshake is for all addresses together: where no one answers it is not waited anew for each, and one that does not
 * answer leaves time for the next. */
static void addresses_share_the_time(void **state) {
  (void)state;
  start(NULL);
  uint16_t port;
  int waiting[8], deaf = deaf_listener(&port, waiting);
  char url[64];
  end one = {0}, good = {0};
  const assay_ws_client_options options = {.connection = {.handshake_s = 0.6}}, longer = {.connection = {.handshake_s = 4}};
  assay_ws_handlers of_two = handlers_of(&theirs), of_one = handlers_of(&one), of_good = handlers_of(&good);
  snprintf(two_port, sizeof two_port, "%u", port);
  snprintf(url, sizeof url, "ws://two.example:%u/", port);
  assert_ok(assay_ws_connect(loop, url, &options, &of_two, &err, NULL), err);
  snprintf(url, sizeof url, "ws://two.example:%u/", assay_ws_server_port(server));
  assert_ok(assay_ws_connect(loop, url, &longer, &of_good, &err, NULL), err);
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", port);
  assert_ok(assay_ws_connect(loop, url, &options, &of_one, &err, NULL), err);
  until(one.closed == 1);
  /* A turn may end early, with something of the good one. */
  for (int turns = 0; turns < 30 && theirs.closed == 0; turns++) assert_ok(assay_ws_loop_turn(loop, 0.01, &err), err);
  assert_int_equal(theirs.closed, 1);
  assert_int_equal(theirs.opened, 0);
  until(good.opened == 1 || good.closed == 1);
  assert_int_equal(good.opened, 1);
  for (int i = 0; i < 8; i++) close(waiting[i]);
  close(deaf);
  finish();
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_that_a_client_refuses),
      cmocka_unit_test(faults_of_servers_are_answered),
      cmocka_unit_test(what_a_client_does_with_good_frames),
      cmocka_unit_test(a_server_that_never_hangs_up),
      cmocka_unit_test(servers_that_choose_what_was_not_offered),
#ifdef __linux__
      cmocka_unit_test(addresses_share_the_time),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
