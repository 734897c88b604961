/* SPDX-License-Identifier: MIT */
/* TLS: certificates that are known and that are not, and peers that do not speak it. */
#ifdef __linux__
#include <malloc.h>
#endif

#include "market/websocket/connection.h" /* first: it has a `loop` of its own */

#include "stand.h"

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

/* ---- Memory -------------------------------------------------------------------------------------------------------------------------- */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static size_t taken(void) {
  struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}
#else
static size_t taken(void) { return 0; } /* a sanitizer's malloc keeps no such account */
#endif

/* What is counted is what malloc has given, not much less and not twice as much: fresh, and after a message that filled the buffers. */
static void tls_memory_is_counted(void **state) {
  (void)state;
  enum { CLIENTS = 40 };
  static uint8_t large[200000];
  assay_ws *clients[CLIENTS];
  start_tls();
  connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate}); /* what is there once only */
  until(theirs.opened == 1 && ours.opened == 1);
  assert_ok(assay_ws_send(theirs.ws, ASSAY_WS_BINARY, large, sizeof large, &err), err);
  until(theirs.messages == 1);
  size_t before = taken(), held_before = loop->held;
  for (unsigned i = 0; i < CLIENTS; i++) {
    connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate});
    until(theirs.opened == 2 + i && ours.opened == 2 + i);
    clients[i] = theirs.ws;
  }
  for (int talked = 0; talked < 2; talked++) {
    for (unsigned i = 0; i < CLIENTS && talked == 1; i++) {
      unsigned messages = theirs.messages;
      assert_ok(assay_ws_send(clients[i], ASSAY_WS_BINARY, large, sizeof large, &err), err);
      until(theirs.messages == messages + 1);
    }
    size_t counted = (loop->held - held_before) / CLIENTS / 2, real = (taken() - before) / CLIENTS / 2;
    if (before > 0 && !(counted > 0.6 * (double)real && counted < 1.6 * (double)real))
      fail_msg("%zu bytes a connection are counted, and %zu taken (after %d messages)", counted, real, talked);
    assert_true(counted >= ASSAY_WS_TLS_IDLE);
  }
  finish();
}

/* Who says nothing holds what a handshake takes. When they are gone there is room again. */
static void tls_without_room_is_turned_away(void **state) {
  (void)state;
  enum { PEERS = 20, LIMIT = 400 << 10, FIT = LIMIT / ASSAY_WS_TLS_NEW };
  if (!make_certificate()) test_skip("the openssl command is not here");
  err = (assay_error){0};
  ours = (end){.echo = true};
  theirs = (end){0};
  assay_ws_handlers handlers = handlers_of(&ours);
  assert_ok(assay_ws_loop_create(&(assay_ws_loop_options){.memory_limit = LIMIT}, &err, &loop), err);
  assert_ok(assay_ws_server_open(loop, &(assay_ws_server_options){.certificate = certificate, .key = key}, &handlers, &err, &server), err);
  int fds[PEERS];
  for (int i = 0; i < PEERS; i++) fds[i] = bare_socket();
  until(assay_ws_server_count(server).accepted + assay_ws_server_count(server).turned_away == PEERS);
  assert_int_equal(assay_ws_server_count(server).accepted, FIT);
  assert_true(loop->held <= LIMIT);
  connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate});
  until(theirs.closed == 1);
  assert_string_equal(theirs.reason, "all connections together hold too much");
  for (int i = 0; i < PEERS; i++) close(fds[i]);
  until(assay_ws_server_connections(server) == 0);
  assert_int_equal(loop->held, 0);
  connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate});
  until(theirs.opened == 1);
  send_text(&theirs, "here");
  until(theirs.messages == 1);
  finish();
}

/* One that idles is not ended for a message that another one cannot finish. */
static void tls_that_idles_stays(void **state) {
  (void)state;
  static uint8_t piece[2000];
  if (!make_certificate()) test_skip("the openssl command is not here");
  err = (assay_error){0};
  ours = theirs = (end){0};
  assay_ws_handlers handlers = handlers_of(&ours);
  assert_ok(assay_ws_loop_create(&(assay_ws_loop_options){.memory_limit = 400 << 10}, &err, &loop), err);
  assert_ok(assay_ws_server_open(loop, &(assay_ws_server_options){.certificate = certificate, .key = key}, &handlers, &err, &server), err);
  for (unsigned i = 0; i < 2; i++) {
    connect_to("wss", "/", &(assay_ws_client_options){.ca_file = certificate});
    until(theirs.opened == i + 1 && ours.opened == i + 1);
  }
  for (int i = 0; i < 400 && theirs.closed == 0; i++) {
    (void)assay_ws_send_part(theirs.ws, ASSAY_WS_BINARY, true, piece, sizeof piece, NULL);
    assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  }
  until(theirs.closed == 1 && ours.closed == 1); /* only that one */
  assert_int_equal(assay_ws_server_connections(server), 1);
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
  put(fd, hello, strlen(hello));
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
      cmocka_unit_test(tls_with_a_certificate_that_is_known),     cmocka_unit_test(tls_memory_is_counted),
      cmocka_unit_test(tls_without_room_is_turned_away),          cmocka_unit_test(tls_that_idles_stays),
      cmocka_unit_test(tls_with_a_certificate_that_nobody_knows), cmocka_unit_test(tls_for_another_host),
      cmocka_unit_test(tls_and_those_who_do_not_speak_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
