/* SPDX-License-Identifier: MIT */
/* TLS: certificates that are known and that are not, and peers that do not speak it. */
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
      cmocka_unit_test(tls_with_a_certificate_that_is_known),
      cmocka_unit_test(tls_with_a_certificate_that_nobody_knows),
      cmocka_unit_test(tls_for_another_host),
      cmocka_unit_test(tls_and_those_who_do_not_speak_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
