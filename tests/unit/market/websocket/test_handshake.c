/* SPDX-License-Identifier: MIT */
/* The opening handshake as text: requests, answers, origins, protocols, offers of compression, addresses. */
#include "test.h"

#include "market/websocket/tls.h"

static char text[8192];
static assay_ws_head head;
static const char *why;

static unsigned request(const char *format, const char *with) {
  int length = snprintf(text, sizeof text, format, with);
  return assay_ws_read_request(text, (size_t)length, &head, &why);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define USUAL "Host: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"

/* RFC 6455 section 1.3. */
static void the_example_of_the_rfc(void **state) {
  (void)state;
  assay_error err = {0};
  char accept[ASSAY_WS_ACCEPT_SIZE];
  assert_ok(assay_ws_crypto_load(&err), err);
  assay_ws_accept_of("dGhlIHNhbXBsZSBub25jZQ==", accept);
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_int_equal(
      request("GET /chat?a=b HTTP/1.1\r\n" USUAL KEY "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\r\n%s", ""),
      0);
  assert_string_equal(head.path, "/chat?a=b");
  assert_string_equal(head.origin, "http://example.com");
  assert_string_equal(head.protocols, "chat, superchat");
  assert_int_equal(request("\r\nGET / HTTP/1.1\r\n" USUAL KEY "\r\n%s", ""), 0); /* RFC 9112, section 2.2 */
  assert_string_equal(head.path, "/");
  assert_int_equal(request("\r\n\r\nGET / HTTP/1.1\r\n" USUAL KEY "\r\n%s", ""), 400);
}

static void keys_are_sixteen_bytes(void **state) {
  (void)state;
  char key[ASSAY_WS_KEY_SIZE];
  assay_error err = {0};
  assert_ok(assay_ws_crypto_load(&err), err);
  assay_ws_key_of((const uint8_t *)"the sample nonce", key);
  assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
  assert_true(assay_ws_key_valid(key));
  static const char *const wrong[] = {"",
                                      "dGhlIHNhbXBsZSBub25jZQ=",
                                      "dGhlIHNhbXBsZSBub25jZQ===",
                                      "dGhlIHNhbXBsZSBub25jZR==",
                                      "dGhl HNhbXBsZSBub25jZQ==",
                                      "dGhlIHNhbXBsZSBub25jZQQQ"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(assay_ws_key_valid(wrong[i]));
}

static void requests_that_are_refused(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    const char *text;
  } cases[] = {
      {405, "POST / HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET / HTTP/1.0\r\n" USUAL KEY "\r\n"},
      {400, "GET / HTTP/1.1 \r\n" USUAL KEY "\r\n"},
      {400, "GET  / HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET ftp://a/ HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET http:///a HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET http://me@a/ HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET http:// HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET a HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET http://a/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n"},
      {400, "GET /\x01 HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET /a#b HTTP/1.1\r\n" USUAL KEY "\r\n"},
      {400, "GET\r\n\r\n"},
      {400, "\r\n\r\n"},
      {426, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {426, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n"},
      {426, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n"},
      {426, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" KEY "\r\n"},
      {426, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY "\r\n"},
      {400, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL "\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY KEY "\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL "Host: other\r\n" KEY "\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL "Sec-WebSocket-Version: 13\r\n" KEY "\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL "Sec-WebSocket-Key: short\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "Content-Length: 5\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "Transfer-Encoding: chunked\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY " folded: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "No colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "Blank : x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY ": x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "A: \x02\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" USUAL KEY "A: bare\nB: c\r\n\r\n"},
      {0,
       "GET / HTTP/1.1\r\nhost:a\r\nUPGRADE: h2c, WebSocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-version:13\r\n" KEY "\r\n"},
      {0, "GET / HTTP/1.1\r\n" USUAL KEY "Content-Length: 0\r\n\r\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned status = request("%s", cases[i].text);
    if (status != cases[i].status) fail_msg("%u, not %u, for %s", status, cases[i].status, cases[i].text);
    assert_true((why == NULL) == (status == 0));
  }
}

/* RFC 6455 section 4.2.1 allows a whole address for a target; its host counts then (RFC 9112 section 3.2.2). */
static void targets_that_are_addresses(void **state) {
  (void)state;
  static const struct {
    const char *target, *host, *path;
  } cases[] = {
      {"http://a:80/feed?b=http://c/", "a:80", "/feed?b=http://c/"},
      {"HTTPS://example.com", "example.com", "/"},
      {"ws://a?b=/c", "a", "/?b=/c"},
      {"wss://[::1]:7/", "[::1]:7", "/"},
      {"/http://a/", "server.example.com", "/http://a/"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" USUAL KEY "\r\n", cases[i].target);
    assert_int_equal(assay_ws_read_request(text, (size_t)length, &head, &why), 0);
    assert_string_equal(head.host, cases[i].host);
    assert_string_equal(head.path, cases[i].path);
  }
}

static void many_header_lines_are_refused(void **state) {
  (void)state;
  char many[4000] = "";
  for (int i = 0; i < 120; i++) strcat(many, "X-Nothing: here\r\n");
  assert_int_equal(request("GET / HTTP/1.1\r\n%s" USUAL KEY "\r\n", many), 400);
}

static void lists_in_several_lines_are_one(void **state) {
  (void)state;
  assert_int_equal(request("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: a\r\n" USUAL "Sec-WebSocket-Protocol: b, c\r\n" KEY
                           "Sec-WebSocket-Protocol: d\r\n\r\n%s",
                           ""),
                   0);
  assert_string_equal(head.protocols, "a,b, c,d");
  assert_string_equal(head.host, "server.example.com");
  static const char *const ours[] = {"d", "b", NULL}, *const none[] = {"x", NULL};
  assert_string_equal(assay_ws_choose_protocol(head.protocols, ours), "d");
  assert_null(assay_ws_choose_protocol(head.protocols, none));
  assert_null(assay_ws_choose_protocol(NULL, ours));
  assert_null(assay_ws_choose_protocol("B", ours));
}

static void origins(void **state) {
  (void)state;
  static const char *const list[] = {"https://example.com", NULL}, *const any[] = {"*", NULL};
  static const char *const own[] = {"http://localhost", "https://localhost:8443", "http://127.0.0.1:80", "http://[::1]:9",
                                    "HTTP://LOCALHOST"};
  static const char *const foreign[] = {
      "https://example.com",      "null",      "file://", "http://localhost.evil.example", "http://localhost:", "http://localhost:80x",
      "http://127.0.0.1.example", "localhost", ""};
  assert_true(assay_ws_origin_allowed(NULL, NULL));
  assert_true(assay_ws_origin_allowed(NULL, list));
  for (size_t i = 0; i < 5; i++) assert_true(assay_ws_origin_allowed(own[i], NULL));
  for (size_t i = 0; i < 9; i++) assert_false(assay_ws_origin_allowed(foreign[i], NULL));
  assert_true(assay_ws_origin_allowed("https://EXAMPLE.com", list));
  assert_false(assay_ws_origin_allowed("https://example.com:444", list));
  assert_false(assay_ws_origin_allowed("http://localhost", list));
  assert_true(assay_ws_origin_allowed("null", any));
}

/* ---- permessage-deflate: RFC 7692 section 7.1 --------------------------------------------------------------------------------------- */

static const char *answered(const char *offers, const assay_ws_compression *ours) {
  static char said[200];
  assay_buf out = {0};
  assay_ws_agreement agreement = assay_ws_accept_offer(offers, ours);
  if (!agreement.on) return "";
  assay_ws_put_agreement(&out, &agreement);
  snprintf(said, sizeof said, "%s", out.data);
  assay_buf_deinit(&out);
  return strcmp(said, "permessage-deflate") == 0 ? "yes" : said + strlen("permessage-deflate; ");
}

static void offers(void **state) {
  (void)state;
  const assay_ws_compression on = {.on = true}, off = {0},
                             lean = {.on = true,
                                     .server_no_context_takeover = true,
                                     .client_no_context_takeover = true,
                                     .server_window_bits = 10,
                                     .client_window_bits = 11};
  static const struct {
    const char *offers, *plain, *lean;
  } cases[] = {
      {"permessage-deflate", "yes", "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits", "yes",
       "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11"},
      {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=\"12\"", "server_max_window_bits=12; client_max_window_bits=9",
       "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9"},
      {"permessage-deflate; server_max_window_bits=9", "server_max_window_bits=9", NULL},
      /* Asked for, it is answered (RFC 7692 section 7.1.2.1), also where nothing is given up. */
      {"permessage-deflate; server_max_window_bits=15", "server_max_window_bits=15", NULL},
      {"permessage-deflate; server_max_window_bits=15; client_max_window_bits=15", "server_max_window_bits=15", NULL},
      {"permessage-deflate;server_no_context_takeover;client_no_context_takeover", "server_no_context_takeover; client_no_context_takeover",
       NULL},
      {"x-other, permessage-deflate", "yes", NULL},
      {"PERMESSAGE-DEFLATE", "yes", NULL},
      /* Declined: zlib cannot keep it, unknown, twice, out of range, a value too many or too few. */
      {"permessage-deflate; server_max_window_bits=8", "", ""},
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits", "yes", NULL},
      {"permessage-deflate; unknown", "", ""},
      {"permessage-deflate; unknown=1, permessage-deflate", "yes", NULL},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", "", ""},
      {"permessage-deflate; server_max_window_bits", "", ""},
      {"permessage-deflate; server_max_window_bits=16", "", ""},
      {"permessage-deflate; server_max_window_bits=7", "", ""},
      {"permessage-deflate; server_max_window_bits=010", "", ""},
      {"permessage-deflate; client_max_window_bits=abc", "", ""},
      {"permessage-deflate; server_no_context_takeover=1", "", ""},
      {"x-webkit-deflate-frame", "", ""},
      {"permessage-deflate; =", "", ""},
      {"permessage-deflate; client_max_window_bits=\"15", "", ""},
      {"permessage-deflate junk", "", ""},
      {";", "", ""},
      {"", "", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_string_equal(answered(cases[i].offers, &on), cases[i].plain);
    assert_string_equal(answered(cases[i].offers, &off), "");
    if (cases[i].lean != NULL) assert_string_equal(answered(cases[i].offers, &lean), cases[i].lean);
  }
}

static void answers_to_our_offer(void **state) {
  (void)state;
  const assay_ws_compression on = {.on = true}, off = {0},
                             lean = {.on = true, .server_no_context_takeover = true, .server_window_bits = 10, .strict = true},
                             lax = {.on = true, .server_no_context_takeover = true, .server_window_bits = 10};
  static const struct {
    const char *answer;
    bool plain, lean;
  } cases[] = {
      {"permessage-deflate", true, false},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits=10", true, true},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits=8", true, true},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits=11", true, false},
      {"permessage-deflate; server_max_window_bits=10", true, false},
      {"permessage-deflate; client_max_window_bits=10; client_no_context_takeover", true, false},
      {"permessage-deflate; client_max_window_bits", false, false},
      {"permessage-deflate; server_max_window_bits=16", false, false},
      {"permessage-deflate; unknown", false, false},
      {"permessage-deflate, permessage-deflate", false, false},
      {"x-other", false, false},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", false, false},
      {"permessage-deflate;", false, false},
  };
  assay_ws_agreement agreement;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(assay_ws_read_agreement(cases[i].answer, &on, &agreement), cases[i].plain);
    assert_int_equal(assay_ws_read_agreement(cases[i].answer, &lean, &agreement), cases[i].lean);
    assert_int_equal(assay_ws_read_agreement(cases[i].answer, &lax, &agreement), cases[i].plain);
    assert_false(assay_ws_read_agreement(cases[i].answer, &off, &agreement));
  }
  assert_true(assay_ws_read_agreement(NULL, &on, &agreement));
  assert_false(agreement.on);
}

static void what_we_offer(void **state) {
  (void)state;
  static const struct {
    assay_ws_compression ours;
    const char *offer;
  } cases[] = {
      {{.on = true}, "permessage-deflate; client_max_window_bits"},
      {{.on = true, .client_no_context_takeover = true, .client_window_bits = 11},
       "permessage-deflate; client_no_context_takeover; client_max_window_bits=11"},
      {{.on = true, .server_no_context_takeover = true, .server_window_bits = 10, .strict = true},
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits"},
      {{.on = true, .server_no_context_takeover = true},
       "permessage-deflate; server_no_context_takeover; client_max_window_bits, permessage-deflate; client_max_window_bits"},
      {{.on = true, .server_window_bits = 9, .client_window_bits = 10, .client_no_context_takeover = true},
       "permessage-deflate; server_max_window_bits=9; client_no_context_takeover; client_max_window_bits=10, "
       "permessage-deflate; client_no_context_takeover; client_max_window_bits=10"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_buf offer = {0}, answer = {0};
    assay_ws_agreement made, read;
    assay_ws_put_offer(&offer, &cases[i].ours);
    assert_string_equal(offer.data, cases[i].offer);
    /* Whatever a server of ours makes of it is what was offered. */
    made = assay_ws_accept_offer(offer.data, &(assay_ws_compression){.on = true, .server_window_bits = 12});
    assay_ws_put_agreement(&answer, &made);
    assert_true(made.on && assay_ws_read_agreement(answer.data, &cases[i].ours, &read));
    assert_true(read.on && read.server_bits == made.server_bits && read.server_no_context == made.server_no_context);
    assert_true(read.client_bits <= made.client_bits && (read.client_no_context || !made.client_no_context));
    assay_buf_deinit(&offer);
    assay_buf_deinit(&answer);
  }
}

static void answers_of_servers(void **state) {
  (void)state;
  static const struct {
    bool fine;
    const char *text;
  } cases[] = {
      {true, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {true, "HTTP/1.1 101\r\nUpgrade: WEBSOCKET\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.1 1010 What\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"},
      {false, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
      {false,
       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: "
       "y\r\n\r\n"},
      {false, "ICY 200 OK\r\n\r\n"},
      {false, "\r\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(text, sizeof text, "%s", cases[i].text);
    assert_int_equal(assay_ws_read_answer(text, strlen(text), &head, &why) == 0, cases[i].fine);
  }
}

static void addresses(void **state) {
  (void)state;
  static const struct {
    const char *url, *host, *port, *authority, *path;
    bool secure;
  } fine[] = {
      {"ws://localhost:9000/feed?a=b", "localhost", "9000", "localhost:9000", "/feed?a=b", false},
      {"wss://example.com", "example.com", "443", "example.com", "", true},
      {"WS://example.com?x", "example.com", "80", "example.com", "?x", false},
      {"ws://[::1]:7/", "::1", "7", "[::1]:7", "/", false},
      {"ws://[::1]", "::1", "80", "[::1]", "", false},
  };
  static const char *const wrong[] = {
      "http://a",    "ws://",    "ws://:80/",    "ws://a:0/",           "ws://a:65536", "ws://a:x",        "ws://a:", "ws://[::1",
      "ws://[::1]x", "ws://a b", "ws://a/#frag", "ws://user:secret@a/", "ws://a/\x01",  "ws://a/\xc3\xa4", "",        "ws:/a"};
  assay_error err = {0};
  assay_ws_url url;
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    assert_ok(assay_ws_url_parse(fine[i].url, &err, &url), err);
    assert_string_equal(url.host, fine[i].host);
    assert_string_equal(url.port, fine[i].port);
    assert_string_equal(url.authority, fine[i].authority);
    assert_string_equal(url.path, fine[i].path);
    assert_int_equal(url.secure, fine[i].secure);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(assay_ws_url_parse(wrong[i], NULL, &url), ASSAY_ERR_INVALID);
  char longest[600] = "ws://";
  memset(longest + 5, 'a', 400);
  assert_int_equal(assay_ws_url_parse(longest, NULL, &url), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_example_of_the_rfc),
      cmocka_unit_test(keys_are_sixteen_bytes),
      cmocka_unit_test(requests_that_are_refused),
      cmocka_unit_test(targets_that_are_addresses),
      cmocka_unit_test(many_header_lines_are_refused),
      cmocka_unit_test(lists_in_several_lines_are_one),
      cmocka_unit_test(origins),
      cmocka_unit_test(offers),
      cmocka_unit_test(answers_to_our_offer),
      cmocka_unit_test(what_we_offer),
      cmocka_unit_test(answers_of_servers),
      cmocka_unit_test(addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
