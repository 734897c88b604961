/* SPDX-License-Identifier: MIT */
#include "os/http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "assay_config.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "os/library.h"
#include "os/prim.h"

/* Macros that only check the types of arguments would be taken for the table's fields. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

/* clang-format off */
#define CURL_FUNCTIONS(X)                                                                                          \
  X(curl_global_init) X(curl_easy_init) X(curl_easy_cleanup) X(curl_easy_setopt) X(curl_easy_getinfo)              \
  X(curl_easy_strerror) X(curl_slist_append) X(curl_slist_free_all) X(curl_multi_init) X(curl_multi_cleanup)       \
  X(curl_multi_add_handle) X(curl_multi_remove_handle) X(curl_multi_perform) X(curl_multi_poll)                    \
  X(curl_multi_info_read) X(curl_multi_strerror) X(curl_url) X(curl_url_cleanup) X(curl_url_set) X(curl_url_get)   \
  X(curl_free)
/* clang-format on */

static struct { ASSAY_LIBRARY_TABLE(CURL_FUNCTIONS) } curl;

enum { ANSWER_LIMIT = 64 * 1024, ANSWER_SHOWN = 400, REDIRECTS = 5, POLL_MS = 100 };
static const double first_wait_s = 0.5, longest_wait_s = 30, usual_timeout_s = 10, longest_timeout_s = 1e6;

static assay_status load_curl(assay_error *err) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static bool ready;
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(CURL_FUNCTIONS) NULL};
  pthread_mutex_lock(&mutex);
  assay_status status = ASSAY_OK;
  if (!ready) {
    status = assay_library_load(names, symbols, (void **)&curl, "sending over HTTP", "libcurl4", err);
    if (status == ASSAY_OK && curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "libcurl cannot be initialised");
    ready = status == ASSAY_OK;
  }
  pthread_mutex_unlock(&mutex);
  return status;
}

/* ---- Addresses ------------------------------------------------------------------------------------------------------------------ */

typedef struct address {
  CURLU *url;
  char *scheme, *host, *port, *path, *query, *user, *password; /* curl's; NULL where the URL has none */
} address;

static void address_deinit(address *a) {
  char *parts[] = {a->scheme, a->host, a->port, a->path, a->query, a->user, a->password};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) curl.curl_free(parts[i]);
  curl.curl_url_cleanup(a->url);
  *a = (address){0};
}

static bool address_parse(const char *text, address *a) {
  *a = (address){.url = curl.curl_url()};
  if (a->url == NULL || curl.curl_url_set(a->url, CURLUPART_URL, text, 0) != CURLUE_OK) {
    address_deinit(a);
    return false;
  }
  (void)curl.curl_url_get(a->url, CURLUPART_SCHEME, &a->scheme, 0);
  (void)curl.curl_url_get(a->url, CURLUPART_HOST, &a->host, 0);
  (void)curl.curl_url_get(a->url, CURLUPART_PORT, &a->port, CURLU_DEFAULT_PORT);
  (void)curl.curl_url_get(a->url, CURLUPART_PATH, &a->path, 0);
  (void)curl.curl_url_get(a->url, CURLUPART_QUERY, &a->query, 0);
  (void)curl.curl_url_get(a->url, CURLUPART_USER, &a->user, 0);
  (void)curl.curl_url_get(a->url, CURLUPART_PASSWORD, &a->password, 0);
  if (a->scheme != NULL && a->host != NULL && (strcmp(a->scheme, "http") == 0 || strcmp(a->scheme, "https") == 0)) return true;
  address_deinit(a);
  return false;
}

/* A redirect may upgrade to https; anything else that differs could hand what we send to somebody else. */
static bool same_place(const address *from, const address *to) {
  if (strcasecmp(from->host, to->host) != 0) return false;
  if (strcmp(from->scheme, to->scheme) != 0) return strcmp(to->scheme, "https") == 0;
  return from->port != NULL && to->port != NULL && strcmp(from->port, to->port) == 0;
}

/* Scheme, host, port as they were given, path: what a message may show. */
static void put_address(assay_buf *out, const address *a, bool secret_path) {
  const char *usual = strcmp(a->scheme, "https") == 0 ? "443" : "80";
  assay_buf_printf(out, "%s://", a->scheme);
  assay_buf_plain(out, a->host);
  if (a->port != NULL && strcmp(a->port, usual) != 0) assay_buf_printf(out, ":%s", a->port);
  if (secret_path)
    assay_buf_puts(out, "/...");
  else if (a->path != NULL && strcmp(a->path, "/") != 0)
    assay_buf_plain(out, a->path);
}

/* ---- One request ------------------------------------------------------------------------------------------------------------------ */

typedef struct exchange {
  const assay_http_request *request;
  CURL *easy;
  CURLM *multi;
  struct curl_slist *headers;
  address at;       /* where it is sent now */
  assay_buf answer; /* its beginning */
  char curl_words[CURL_ERROR_SIZE];
  CURLcode result;
  uint64_t end_ns; /* of this attempt */
  long code;       /* 0: no answer */
} exchange;

static size_t keep_answer(char *data, size_t one, size_t length, void *user) {
  exchange *x = user;
  length *= one;
  size_t room = ANSWER_LIMIT - x->answer.length;
  assay_buf_append(&x->answer, data, length < room ? length : room);
  return length <= room && !x->answer.failed ? length : 0; /* 0 ends the transfer: the status is known, and that is what counts */
}

static bool has_header(const char *const *headers, const char *name) {
  for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
    if (strncasecmp(headers[i], name, strlen(name)) == 0 && headers[i][strlen(name)] == ':') return true;
  return false;
}

static bool add_header(exchange *x, const char *line) {
  struct curl_slist *longer = curl.curl_slist_append(x->headers, line);
  if (longer != NULL) x->headers = longer;
  return longer != NULL;
}

static assay_status build_headers(exchange *x, assay_error *err) {
  const char *const *headers = x->request->headers;
  for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
    if (strpbrk(headers[i], "\r\n") != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an HTTP header cannot hold a line end");
  bool fine = add_header(x, "Expect:"); /* or curl waits a second for "100 Continue" before it sends a longer body */
  if (!has_header(headers, "Content-Type")) fine = fine && add_header(x, "Content-Type:"); /* or curl calls it a form */
  for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) fine = fine && add_header(x, headers[i]);
  return fine ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an HTTP request");
}

static bool set_options(exchange *x) {
  const assay_http_request *r = x->request;
  bool fine = true;
#define SET(option, value) fine = fine && curl.curl_easy_setopt(x->easy, option, value) == CURLE_OK
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_ERRORBUFFER, x->curl_words);
  SET(CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
  SET(CURLOPT_HTTPHEADER, x->headers);
  SET(CURLOPT_FOLLOWLOCATION, 0L); /* we look at each target ourselves */
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_WRITEFUNCTION, keep_answer);
  SET(CURLOPT_WRITEDATA, (void *)x);
  if (r->body != NULL || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, r->body != NULL ? r->body : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body != NULL ? r->body_length : 0));
  }
  SET(CURLOPT_CUSTOMREQUEST, r->method);
#undef SET
  return fine;
}

static bool stopped(const assay_http_request *request) { return request->stop != NULL && *request->stop != 0; }

static double left_s(uint64_t end_ns) {
  uint64_t now = assay_os_now_ns();
  return now < end_ns ? (double)(end_ns - now) / 1e9 : 0;
}

/* Until the end of the attempt: a redirect does not start the clock anew. */
static bool set_timeout(exchange *x) {
  long ms = (long)ceil(left_s(x->end_ns) * 1e3);
  if (ms < 1) ms = 1; /* 0 would be for ever */
  return curl.curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
         curl.curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == CURLE_OK;
}

/* One transfer to x->at. The multi interface only because it lets us look at `stop` in between. */
static assay_status transfer(exchange *x, assay_error *err) {
  assay_buf_clear(&x->answer);
  x->curl_words[0] = '\0';
  x->code = 0;
  if (!set_timeout(x) || curl.curl_easy_setopt(x->easy, CURLOPT_CURLU, x->at.url) != CURLE_OK ||
      curl.curl_multi_add_handle(x->multi, x->easy) != CURLM_OK)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an HTTP request");
  int running = 1;
  CURLMcode code = CURLM_OK;
  bool interrupted = false;
  while (code == CURLM_OK && running != 0 && !(interrupted = stopped(x->request))) {
    code = curl.curl_multi_perform(x->multi, &running);
    if (code == CURLM_OK && running != 0) code = curl.curl_multi_poll(x->multi, NULL, 0, POLL_MS, NULL);
  }
  x->result = CURLE_FAILED_INIT;
  int left = 0;
  for (CURLMsg *message; (message = curl.curl_multi_info_read(x->multi, &left)) != NULL;)
    if (message->msg == CURLMSG_DONE) x->result = message->data.result;
  (void)curl.curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->code);
  (void)curl.curl_multi_remove_handle(x->multi, x->easy);
  if (interrupted) return ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "interrupted while sending to %s://%s", x->at.scheme, x->at.host);
  return code == CURLM_OK ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_IO, "libcurl: %s", curl.curl_multi_strerror(code));
}

/* Where a redirect leads, when it may be followed: true, and x->at is the new place. */
static bool redirected(exchange *x) {
  const char *target = NULL;
  address to;
  if (x->code != 301 && x->code != 302 && x->code != 307 && x->code != 308) return false;
  if (curl.curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == NULL) return false;
  if (!address_parse(target, &to)) return false;
  if (!same_place(&x->at, &to)) {
    address_deinit(&to);
    return false;
  }
  /* Who may send here may send there; a URL in a Location header rarely repeats it. */
  if (x->at.user != NULL) (void)curl.curl_url_set(to.url, CURLUPART_USER, x->at.user, 0);
  if (x->at.password != NULL) (void)curl.curl_url_set(to.url, CURLUPART_PASSWORD, x->at.password, 0);
  address_deinit(&x->at);
  x->at = to;
  return true;
}

static bool answered_well(const exchange *x) { return x->code >= 200 && x->code < 300; }

static bool worth_another_try(const exchange *x) {
  if (x->code != 0) return x->code == 429 || (x->code >= 500 && x->code < 600);
  switch (x->result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_OUT_OF_MEMORY: return false;
    default: return true;
  }
}

/* ---- What went wrong ----------------------------------------------------------------------------------------------------------------- */

/* Servers like to repeat the address that they were asked for. */
static void blank_out(char *text, const char *secret) {
  size_t length = secret != NULL ? strlen(secret) : 0;
  if (length < 3) return; /* "/" is none */
  for (char *at = text; (at = strstr(at, secret)) != NULL; at += length) memset(at, '*', length);
}

static void blank_out_address(char *text, const address *a, bool secret_path) {
  enum { SHORTEST = 6 }; /* a part of a path that could be a secret by itself */
  char part[256];
  blank_out(text, a->password);
  blank_out(text, a->query);
  if (!secret_path || a->path == NULL) return;
  blank_out(text, a->path);
  for (const char *p = a->path; *p != '\0';) {
    size_t length = strcspn(p, "/");
    if (length >= SHORTEST && length < sizeof part) {
      memcpy(part, p, length);
      part[length] = '\0';
      blank_out(text, part);
    }
    p += length + (p[length] == '/');
  }
}

/* The beginning of the answer on one line, without what a terminal would obey. */
static void put_answer(assay_buf *out, const exchange *x) {
  char shown[ANSWER_SHOWN + 1];
  size_t length = 0;
  bool space = false;
  char *text = x->answer.data;
  if (text == NULL) return;
  address asked; /* a redirect may have led elsewhere */
  blank_out_address(text, &x->at, x->request->secret_path);
  if (address_parse(x->request->url, &asked)) {
    blank_out_address(text, &asked, x->request->secret_path);
    address_deinit(&asked);
  }
  for (size_t step; *text != '\0' && length + 8 < sizeof shown; text += step) {
    size_t bytes = assay_utf8_shown(text);
    step = bytes > 0 ? bytes : 1;
    if (bytes == 0 || *text == ' ') {
      space = length > 0;
      continue;
    }
    if (space) shown[length++] = ' ';
    space = false;
    memcpy(shown + length, text, bytes);
    length += bytes;
  }
  shown[length] = '\0';
  if (length > 0) assay_buf_printf(out, ": %s%s", shown, *text != '\0' ? "..." : "");
}

static void put_trouble(assay_buf *out, const exchange *x) {
  put_address(out, &x->at, x->request->secret_path);
  if (x->code == 0) {
    assay_buf_puts(out, ": ");
    assay_buf_plain(out, x->curl_words[0] != '\0' ? x->curl_words : curl.curl_easy_strerror(x->result));
    return;
  }
  assay_buf_printf(out, " answered %ld", x->code);
  const char *target = NULL;
  address to;
  if (x->code >= 300 && x->code < 400 && curl.curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &target) == CURLE_OK && target != NULL &&
      address_parse(target, &to)) {
    assay_buf_puts(out, ", a redirect to ");
    put_address(out, &to, x->request->secret_path);
    assay_buf_puts(out, " that is not followed; give the address that it leads to");
    address_deinit(&to);
    return;
  }
  put_answer(out, x);
}

static assay_status fail(exchange *x, unsigned attempts, assay_error *err) {
  assay_buf said = {0};
  put_trouble(&said, x);
  if (attempts > 1) assay_buf_printf(&said, " (tried %u times)", attempts);
  assay_status status = ASSAY_FAIL(err, ASSAY_ERR_IO, "%s", said.data != NULL ? said.data : "HTTP request failed");
  assay_buf_deinit(&said);
  return status;
}

/* ---- Again and again ----------------------------------------------------------------------------------------------------------------- */

/* Sends once, through at most a few redirects. */
static assay_status attempt(exchange *x, assay_error *err) {
  const assay_http_request *r = x->request;
  double timeout_s = r->timeout_s > 0 ? fmin(r->timeout_s, longest_timeout_s) : usual_timeout_s;
  x->end_ns = assay_os_now_ns() + (uint64_t)(timeout_s * 1e9);
  if (r->deadline_ns != 0 && r->deadline_ns < x->end_ns) x->end_ns = r->deadline_ns;
  assay_status status = transfer(x, err);
  for (int i = 0; status == ASSAY_OK && i < REDIRECTS && redirected(x); i++) status = transfer(x, err);
  return status;
}

static double wait_before(exchange *x, unsigned done) {
  double wait_s = fmin(ldexp(first_wait_s, done < 16 ? (int)done - 1 : 15), longest_wait_s);
  curl_off_t asked = 0; /* Retry-After */
  if (x->code != 0 && curl.curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK && (double)asked > wait_s)
    wait_s = fmin((double)asked, longest_wait_s);
  return wait_s;
}

static void wait_for(const assay_http_request *request, double seconds) {
  for (uint64_t end = assay_os_now_ns() + (uint64_t)(seconds * 1e9); assay_os_now_ns() < end && !stopped(request);)
    assay_os_sleep_ns(20 * 1000 * 1000);
}

static assay_status send_until_answered(exchange *x, assay_error *err) {
  unsigned attempts = x->request->attempts > 0 ? x->request->attempts : 1;
  for (unsigned done = 1;; done++) {
    assay_status status = attempt(x, err);
    if (status != ASSAY_OK || answered_well(x)) return status;
    if (done >= attempts || !worth_another_try(x)) return fail(x, done, err);
    double wait_s = wait_before(x, done);
    if (x->request->deadline_ns != 0 && wait_s >= left_s(x->request->deadline_ns)) return fail(x, done, err); /* a wait for nothing */
    assay_buf said = {0};
    put_trouble(&said, x);
    assay_log(ASSAY_LOG_INFO, "%s; again in %.1f s", said.data != NULL ? said.data : "", wait_s);
    assay_buf_deinit(&said);
    wait_for(x->request, wait_s);
  }
}

assay_status assay_http_send(const assay_http_request *request, assay_error *err, long *code) {
  exchange x = {.request = request};
  if (code != NULL) *code = 0;
  assay_status status = load_curl(err);
  if (status != ASSAY_OK) return status;
  if (!address_parse(request->url, &x.at))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "not an address that can be sent to: it must be http://HOST... or https://HOST...");
  status = build_headers(&x, err);
  if (status != ASSAY_OK) goto out;
  x.easy = curl.curl_easy_init();
  x.multi = curl.curl_multi_init();
  if (x.easy == NULL || x.multi == NULL || !set_options(&x)) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an HTTP request");
    goto out;
  }
  status = send_until_answered(&x, err);
  if (code != NULL) *code = x.code;

out:
  if (x.easy != NULL) curl.curl_easy_cleanup(x.easy);
  if (x.multi != NULL) (void)curl.curl_multi_cleanup(x.multi);
  curl.curl_slist_free_all(x.headers);
  address_deinit(&x.at);
  assay_buf_deinit(&x.answer);
  return status;
}
