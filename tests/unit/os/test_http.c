/* SPDX-License-Identifier: MIT */
/* Requests against a real server on loopback: a thread that reads each request whole and answers as it is told. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/http.h"
#include "os/prim.h"
#include "test.h"

enum { REQUESTS = 8, REQUEST_SIZE = 8192 };

typedef struct server {
  int listener, port;
  pthread_t thread;
  const char *answers[REQUESTS]; /* one a connection; NULL: never answers */
  size_t answer_count;
  bool endless; /* the body goes on for as long as it is taken */
  char requests[REQUESTS][REQUEST_SIZE];
  size_t request_count;
  volatile int ended;
} server;

static bool whole(const char *request, size_t length) {
  const char *end = strstr(request, "\r\n\r\n");
  if (end == NULL) return false;
  const char *header = strcasestr(request, "\r\nContent-Length:");
  size_t body = header != NULL && header < end ? (size_t)atol(header + 17) : 0;
  return length >= (size_t)(end + 4 - request) + body;
}

static bool readable(const server *s, int fd) {
  while (!s->ended) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, 20) > 0) return true;
  }
  return false;
}

static void serve_one(server *s, int fd) {
  size_t turn = s->request_count;
  char *request = s->requests[turn];
  size_t length = 0;
  while (!whole(request, length) && readable(s, fd)) {
    ssize_t got = read(fd, request + length, REQUEST_SIZE - 1 - length);
    if (got <= 0) return;
    length += (size_t)got;
    request[length] = '\0';
  }
  s->request_count++;
  const char *answer = turn < s->answer_count ? s->answers[turn] : NULL;
  if (answer == NULL) {
    (void)readable(s, fd); /* until the client gives up */
    return;
  }
  (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
  static const char block[65536] = {'x'};
  while (s->endless && !s->ended && send(fd, block, sizeof block, MSG_NOSIGNAL) > 0) continue;
  shutdown(fd, SHUT_WR);
}

static void *serve(void *user) {
  server *s = user;
  while (s->request_count < REQUESTS && readable(s, s->listener)) {
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) continue;
    serve_one(s, fd);
    close(fd);
  }
  return NULL;
}

static int listen_on_free_port(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

static void start(server *s, const char *const *answers) {
  while (answers != NULL && s->answer_count < REQUESTS && answers[s->answer_count] != NULL) {
    s->answers[s->answer_count] = answers[s->answer_count];
    s->answer_count++;
  }
  s->listener = listen_on_free_port(&s->port);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(server *s) {
  s->ended = 1;
  pthread_join(s->thread, NULL);
  close(s->listener);
}

static const char *address_of(int port, const char *rest) {
  static char url[512];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, rest);
  return url;
}

#define ANSWERS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FINE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void a_request_arrives_as_it_was_given(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS(FINE));
  const char *headers[] = {"Content-Type: text/plain; version=0.0.4", "X-One: 1", NULL};
  assay_http_request request = {
      .method = "PUT", .url = address_of(s.port, "/metrics/job/a?key=v"), .headers = headers, .body = "value 1\n", .body_length = 8};
  assay_error err = {0};
  long code = -1;
  assert_ok(assay_http_send(&request, &err, &code), err);
  end(&s);
  assert_int_equal(code, 200);
  assert_int_equal(s.request_count, 1);
  const char *got = s.requests[0];
  assert_true(strncmp(got, "PUT /metrics/job/a?key=v HTTP/1.1\r\n", 35) == 0);
  assert_non_null(strstr(got, "\r\nContent-Type: text/plain; version=0.0.4\r\n"));
  assert_null(strstr(got, "form-urlencoded"));
  assert_non_null(strstr(got, "\r\nX-One: 1\r\n"));
  assert_non_null(strstr(got, "\r\nUser-Agent: assay/"));
  assert_non_null(strstr(got, "\r\n\r\nvalue 1\n"));
}

static void a_request_without_a_body_has_none(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS(FINE, FINE));
  assay_error err = {0};
  assay_http_request request = {.method = "DELETE", .url = address_of(s.port, "/metrics/job/a")};
  assert_ok(assay_http_send(&request, &err, NULL), err);
  request.method = "POST";
  assert_ok(assay_http_send(&request, &err, NULL), err);
  end(&s);
  assert_true(strncmp(s.requests[0], "DELETE /metrics/job/a ", 22) == 0);
  assert_true(strncmp(s.requests[1], "POST /metrics/job/a ", 20) == 0);
  assert_non_null(strstr(s.requests[1], "Content-Length: 0"));
}

static void a_server_that_recovers_gets_it(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", FINE));
  assay_error err = {0};
  long code = -1;
  uint64_t started = assay_os_now_ns();
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/"), .body = "x", .body_length = 1, .attempts = 4};
  assert_ok(assay_http_send(&request, &err, &code), err);
  end(&s);
  assert_int_equal(code, 200);
  assert_int_equal(s.request_count, 3);
  assert_true(assay_os_now_ns() - started >= 1500 * UINT64_C(1000000)); /* 0.5 s, then 1 s */
}

static void what_cannot_get_better_is_not_repeated(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS("HTTP/1.1 400 Bad\r\nContent-Length: 37\r\n\r\nno \x1b[31mtimestamps\n\n  are allowed  here", FINE));
  assay_error err = {0};
  long code = -1;
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/push"), .attempts = 3};
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  end(&s);
  assert_int_equal(code, 400);
  assert_int_equal(s.request_count, 1);
  assert_non_null(strstr(err.message, "/push answered 400: no [31mtimestamps are allowed"));
  assert_null(strchr(err.message, '\x1b'));
}

static void secrets_stay_out_of_messages(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS("HTTP/1.1 404 No\r\nConnection: close\r\n\r\ncannot POST /services/T0/hidden?token=tk123 for geheim",
                    "HTTP/1.1 404 No\r\nConnection: close\r\n\r\nno such thing"));
  char url[256];
  snprintf(url, sizeof url, "http://joe:geheim@127.0.0.1:%d/services/T0/hidden?token=tk123", s.port);
  assay_error err = {0}, second = {0};
  assay_http_request request = {.method = "POST", .url = url, .secret_path = true};
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_IO);
  request.secret_path = false;
  assert_int_equal(assay_http_send(&request, &second, NULL), ASSAY_ERR_IO);
  end(&s);
  assert_non_null(strstr(s.requests[0], "Authorization: Basic am9lOmdlaGVpbQ=="));
  assert_non_null(strstr(err.message, "cannot POST"));
  assert_null(strstr(err.message, "hidden"));
  assert_null(strstr(err.message, "geheim"));
  assert_null(strstr(err.message, "tk123"));
  assert_non_null(strstr(second.message, "/services/T0/hidden"));
  assert_null(strstr(second.message, "geheim"));
  assert_null(strstr(second.message, "tk123"));
}

static void a_redirect_hides_no_secret_of_the_first_address(void **state) {
  (void)state;
  server s = {0};
  start(&s, ANSWERS("HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                    "HTTP/1.1 404 No\r\nConnection: close\r\n\r\nno hook T0PSECRET is known, /hooks/T0PSECRET"));
  assay_error err = {0};
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/hooks/T0PSECRET"), .secret_path = true};
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_IO);
  end(&s);
  assert_non_null(strstr(err.message, "no hook"));
  assert_null(strstr(err.message, "T0PSECRET"));
}

static void nobody_there_is_said(void **state) {
  (void)state;
  int port = 0;
  int fd = listen_on_free_port(&port);
  close(fd); /* free again: refused */
  assay_error err = {0};
  long code = -1;
  assay_http_request request = {.method = "POST", .url = address_of(port, "/x"), .attempts = 2};
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  assert_int_equal(code, 0);
  assert_non_null(strstr(err.message, address_of(port, "/x")));
  assert_non_null(strstr(err.message, "onnect"));
  assert_non_null(strstr(err.message, "(tried 2 times)"));
}

static void a_server_that_hangs_ends_by_the_timeout(void **state) {
  (void)state;
  server s = {0};
  start(&s, NULL);
  assay_error err = {0};
  long code = -1;
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/"), .timeout_s = 0.3};
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  end(&s);
  assert_int_equal(code, 0);
  assert_non_null(strstr(err.message, "timed out"));
}

static double seconds_since(uint64_t start_ns) { return (double)(assay_os_now_ns() - start_ns) / 1e9; }

/* The bounds are far apart: without the deadline each of these takes 20 s or longer. */
static void a_server_that_asks_for_a_long_pause_does_not_get_it(void **state) {
  (void)state;
  server s = {0};
  const char *busy = "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  start(&s, ANSWERS(busy, busy));
  assay_error err = {0};
  long code = -1;
  uint64_t begun = assay_os_now_ns();
  assay_http_request request = {
      .method = "POST", .url = address_of(s.port, "/"), .attempts = 5, .deadline_ns = begun + 5 * UINT64_C(1000000000)};
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  assert_true(seconds_since(begun) < 15);
  end(&s);
  assert_int_equal(code, 503);
  assert_int_equal(s.request_count, 1); /* the pause would have lasted longer than there is time */
}

static void the_deadline_ends_transfers_and_redirects(void **state) {
  (void)state;
  server s = {0}, hung = {0};
  start(&hung, NULL);
  assay_error err = {0};
  uint64_t begun = assay_os_now_ns();
  assay_http_request request = {
      .method = "POST", .url = address_of(hung.port, "/"), .timeout_s = 20, .attempts = 9, .deadline_ns = begun + UINT64_C(300000000)};
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_IO);
  assert_true(seconds_since(begun) < 15);
  end(&hung);
  assert_non_null(strstr(err.message, "timed out"));
  /* The redirect is answered at once, its target never: the time of one attempt is for both. */
  start(&s, ANSWERS("HTTP/1.1 307 There\r\nLocation: /new\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  begun = assay_os_now_ns();
  request.url = address_of(s.port, "/old");
  request.deadline_ns = begun + 2 * UINT64_C(1000000000);
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_IO);
  assert_true(seconds_since(begun) < 15);
  end(&s);
  assert_int_equal(s.request_count, 2);
}

static volatile int stop;
static void *stop_soon(void *user) {
  server *s = user;
  while (s->request_count == 0 && !s->ended) assay_os_sleep_ns(1000 * 1000);
  stop = 1;
  return NULL;
}

static void a_stop_ends_the_wait(void **state) {
  (void)state;
  server s = {0};
  start(&s, NULL);
  pthread_t thread;
  stop = 0;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, &s), 0);
  assay_error err = {0};
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/"), .timeout_s = 50, .attempts = 9, .stop = &stop};
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_INTERRUPTED);
  pthread_join(thread, NULL);
  end(&s);
}

static void a_redirect_stays_at_home(void **state) {
  (void)state;
  server s = {0}, stranger = {0};
  start(&stranger, ANSWERS(FINE));
  char away[256];
  snprintf(away, sizeof away, "HTTP/1.1 302 Away\r\nLocation: http://localhost:%d/taken?token=tk1\r\nContent-Length: 0\r\n\r\n",
           stranger.port);
  start(&s, ANSWERS("HTTP/1.1 307 There\r\nLocation: /new\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", FINE, away));
  assay_error err = {0};
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/old"), .body = "body", .body_length = 4};
  assert_ok(assay_http_send(&request, &err, NULL), err);
  long code = -1;
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  end(&s);
  end(&stranger);
  assert_true(strncmp(s.requests[1], "POST /new ", 10) == 0);
  assert_non_null(strstr(s.requests[1], "\r\n\r\nbody"));
  assert_int_equal(code, 302);
  assert_int_equal(stranger.request_count, 0);
  assert_non_null(strstr(err.message, "a redirect to http://localhost:"));
  assert_null(strstr(err.message, "tk1"));
}

static void an_endless_answer_is_cut(void **state) {
  (void)state;
  server s = {.endless = true};
  start(&s, ANSWERS("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 418 Tea\r\n\r\nshort and "));
  assay_error err = {0};
  long code = -1;
  assay_http_request request = {.method = "POST", .url = address_of(s.port, "/"), .timeout_s = 30};
  assert_ok(assay_http_send(&request, &err, &code), err);
  assert_int_equal(code, 200);
  assert_int_equal(assay_http_send(&request, &err, &code), ASSAY_ERR_IO);
  end(&s);
  assert_int_equal(code, 418);
  assert_non_null(strstr(err.message, "answered 418: short and"));
}

static void other_addresses_are_refused(void **state) {
  (void)state;
  static const char *const urls[] = {"file:///etc/passwd", "ftp://h/x", "example.org", "", "http://", "javascript:alert(1)", NULL};
  for (size_t i = 0; urls[i] != NULL; i++) {
    assay_error err = {0};
    assay_http_request request = {.method = "POST", .url = urls[i]};
    assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "http://"));
  }
  assay_error err = {0};
  const char *headers[] = {"X: 1\r\nY: 2", NULL};
  assay_http_request request = {.method = "POST", .url = "http://127.0.0.1:1/", .headers = headers};
  assert_int_equal(assay_http_send(&request, &err, NULL), ASSAY_ERR_INVALID);
}

int main(void) {
  static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) unsetenv(proxies[i]);
  assay_error err = {0};
  assay_http_request nothing = {.method = "GET", .url = "nowhere"};
  if (assay_http_send(&nothing, &err, NULL) == ASSAY_ERR_UNSUPPORTED) {
    printf("skipped: %s\n", err.message);
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_arrives_as_it_was_given),
      cmocka_unit_test(a_request_without_a_body_has_none),
      cmocka_unit_test(a_server_that_recovers_gets_it),
      cmocka_unit_test(what_cannot_get_better_is_not_repeated),
      cmocka_unit_test(secrets_stay_out_of_messages),
      cmocka_unit_test(a_redirect_hides_no_secret_of_the_first_address),
      cmocka_unit_test(nobody_there_is_said),
      cmocka_unit_test(a_server_that_hangs_ends_by_the_timeout),
      cmocka_unit_test(a_server_that_asks_for_a_long_pause_does_not_get_it),
      cmocka_unit_test(the_deadline_ends_transfers_and_redirects),
      cmocka_unit_test(a_stop_ends_the_wait),
      cmocka_unit_test(a_redirect_stays_at_home),
      cmocka_unit_test(an_endless_answer_is_cut),
      cmocka_unit_test(other_addresses_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
