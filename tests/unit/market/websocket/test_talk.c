/* SPDX-License-Identifier: MIT */
/* Servers and clients of ours on one loop, with good manners. */
#include <math.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/resource.h>

#include "market/websocket/connection.h"

#include "stand.h"

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

/* Who always has something to read is no reason to leave new ones at the door. */
static void a_busy_spinning_loop(void **state) {
  (void)state;
  start_with(&(assay_ws_server_options){0}, true);
  connected(NULL);
  theirs.echo = true; /* both ends say it for ever */
  send_text(&theirs, "again");
  until(theirs.messages > 1000);
  connect_to("ws", "/", NULL);
  until(ours.opened == 2);
  finish();
}

static void assert_congestion(int fd, const char *expected) {
#if defined(TCP_CONGESTION)
  char name[16] = "";
  socklen_t size = sizeof name;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
  assert_string_equal(name, expected);
#else
  (void)fd, (void)expected;
#endif
}

static void congestion_is_for_others(void **state) {
  (void)state;
  start(NULL);
  connected(NULL);
  assert_congestion(ours.ws->fd, "reno");
  assert_congestion(theirs.ws->fd, "reno");
  finish();
#if defined(TCP_CONGESTION)
  static const struct {
    const char *address;
    bool local;
  } peers[] = {{"127.8.9.10", true}, {"128.0.0.1", false},       {"192.0.2.1", false},       {"::1", true},
               {"::2", false},       {"::ffff:127.0.0.1", true}, {"::ffff:192.0.2.1", false}};
  for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
    int family = strchr(peers[i].address, ':') != NULL ? AF_INET6 : AF_INET, fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) continue; /* no IPv6 here */
    struct sockaddr_storage to = {.ss_family = (sa_family_t)family};
    void *place = family == AF_INET ? (void *)&((struct sockaddr_in *)&to)->sin_addr : (void *)&((struct sockaddr_in6 *)&to)->sin6_addr;
    char usual[16] = "";
    socklen_t size = sizeof usual;
    assert_int_equal(inet_pton(family, peers[i].address, place), 1);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, usual, &size), 0);
    assert_true(assay_ws_prepare_socket(fd, (struct sockaddr *)&to));
    assert_congestion(fd, peers[i].local ? "reno" : usual);
    close(fd);
  }
#endif
}

/* Patience of a second, so that every wait is short however slow the machine is: the loop asks again instead of sleeping, and still sees
 * all that one which sleeps would see. */
static void a_patient_loop(void **state) {
  (void)state;
  start_patient(1);
  connected(NULL);
  for (unsigned i = 0; i < 40; i++) {
    send_text(&theirs, "again");
    until(theirs.messages == i + 1);
  }
  assert_true(loop->short_waits > 0);
  for (int i = 0; i < 20; i++) assert_ok(assay_ws_loop_turn(loop, 0, &err), err); /* waits for nothing */
  connect_to("ws", "/", NULL);
  until(theirs.opened == 2 && ours.opened == 2);
  static char large[3 << 20]; /* more than sockets take at once */
  assert_ok(assay_ws_send(theirs.ws, ASSAY_WS_BINARY, large, sizeof large, &err), err);
  until(theirs.last_length == sizeof large);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
  assert_ok(assay_ws_loop_run(loop, &err), err);
  pthread_join(thread, NULL);
  /* A pause that is longer, and it sleeps again, for longer each time. */
  unsigned wanted = loop->wanted_waits;
  loop->short_waits = wanted;
  loop->patience_ns = 1000;
  assert_ok(assay_ws_loop_turn(loop, 0.002, &err), err);
  assert_int_equal(loop->short_waits, 0);
  assert_int_equal(loop->wanted_waits, 2 * wanted);
  finish();
}

/* One that is told to sleep does. */
static void an_impatient_loop(void **state) {
  (void)state;
  start_patient(-1);
  connected(NULL);
  for (unsigned i = 0; i < 40; i++) {
    send_text(&theirs, "again");
    until(theirs.messages == i + 1);
    assert_int_equal(loop->short_waits, 0);
  }
  finish();
  assert_int_equal(assay_ws_loop_create(&(assay_ws_loop_options){.patience_s = NAN}, &err, &loop), ASSAY_ERR_INVALID);
}

static void too_many_are_turned_away(void **state) {
  (void)state;
  start_with(&(assay_ws_server_options){.connection_limit = 2}, false);
  for (int i = 0; i < 3; i++) connect_to("ws", "/", NULL);
  until(theirs.opened == 2 && theirs.closed == 1);
  assert_int_equal(assay_ws_server_count(server).turned_away, 1);
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
      cmocka_unit_test(a_busy_spinning_loop),
      cmocka_unit_test(congestion_is_for_others),
      cmocka_unit_test(a_patient_loop),
      cmocka_unit_test(an_impatient_loop),
      cmocka_unit_test(too_many_are_turned_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
