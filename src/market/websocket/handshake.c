/* SPDX-License-Identifier: MIT */
#include "market/websocket/handshake.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* ---- Heads of HTTP/1.1 (RFC 9112) ---------------------------------------------------------------------------------------------------- */

static bool is_token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The line at *at without its end, NUL-terminated; NULL when it has no end, or holds a control character. */
static char *take_line(char **at, const char *end) {
  char *line = *at;
  for (char *p = line; p + 1 < end; p++) {
    if (p[0] == '\r' && p[1] == '\n') {
      *p = '\0';
      *at = p + 2;
      return line;
    }
    if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7F) return NULL;
  }
  return NULL;
}

static char *trimmed(char *text) {
  while (is_blank(*text)) text++;
  size_t length = strlen(text);
  while (length > 0 && is_blank(text[length - 1])) text[--length] = '\0';
  return text;
}

/* Whether a comma list has a token, in any case. */
static bool list_has(const char *list, const char *token) {
  size_t length = strlen(token);
  for (const char *p = list; *p != '\0';) {
    while (is_blank(*p) || *p == ',') p++;
    const char *from = p;
    while (*p != '\0' && *p != ',') p++;
    const char *to = p;
    while (to > from && is_blank(to[-1])) to--;
    if ((size_t)(to - from) == length && strncasecmp(from, token, length) == 0) return true;
  }
  return false;
}

typedef struct reading {
  assay_ws_head *head;
  bool upgrade, connection;
  const char *problem;
} reading;

/* Several lines of one list mean what one line with commas means. False when that is longer than anybody's. */
static bool add_to_list(const char **list, char room[ASSAY_WS_LIST_MOST], const char *value) {
  if (*list == NULL) {
    *list = value;
    return true;
  }
  size_t have = strlen(*list), more = strlen(value);
  if (have + 1 + more >= ASSAY_WS_LIST_MOST) return false;
  if (*list != room) memcpy(room, *list, have);
  room[have] = ',';
  memcpy(room + have + 1, value, more + 1);
  *list = room;
  return true;
}

static bool once(const char **field, const char *value) {
  if (*field != NULL) return false;
  *field = value;
  return true;
}

static bool take_header(reading *r, const char *name, const char *value) {
  assay_ws_head *h = r->head;
  if (strcasecmp(name, "Host") == 0) return once(&h->host, value);
  if (strcasecmp(name, "Origin") == 0) return once(&h->origin, value);
  if (strcasecmp(name, "Sec-WebSocket-Key") == 0) return once(&h->key, value);
  if (strcasecmp(name, "Sec-WebSocket-Accept") == 0) return once(&h->accept, value);
  if (strcasecmp(name, "Upgrade") == 0) r->upgrade |= list_has(value, "websocket");
  if (strcasecmp(name, "Connection") == 0) r->connection |= list_has(value, "upgrade");
  if (strcasecmp(name, "Sec-WebSocket-Protocol") == 0) return add_to_list(&h->protocols, h->protocol_room, value);
  if (strcasecmp(name, "Sec-WebSocket-Extensions") == 0) return add_to_list(&h->extensions, h->extension_room, value);
  /* A body would be taken for frames. */
  if (strcasecmp(name, "Transfer-Encoding") == 0) return false;
  if (strcasecmp(name, "Content-Length") == 0) return strcmp(value, "0") == 0;
  if (strcasecmp(name, "Sec-WebSocket-Version") == 0) {
    if (h->version != 0) return false;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 3 || value[digits] != '\0') return false;
    for (h->version = 0; *value != '\0'; value++) h->version = h->version * 10 + (unsigned)(*value - '0');
  }
  return true;
}

static bool read_headers(reading *r, char *at, const char *end) {
  for (unsigned count = 0;; count++) {
    char *line = take_line(&at, end);
    if (line == NULL) {
      r->problem = "a header line that is none";
      return false;
    }
    if (line[0] == '\0') break;
    char *colon = line;
    while (is_token_byte(*colon)) colon++;
    if (colon == line || *colon != ':' || count >= ASSAY_WS_HEADERS_MOST) { /* also a folded line, which RFC 9112 forbids */
      r->problem = count >= ASSAY_WS_HEADERS_MOST ? "too many header lines" : "a header line that is none";
      return false;
    }
    *colon = '\0';
    if (!take_header(r, line, trimmed(colon + 1))) {
      r->problem = "a header that contradicts itself";
      return false;
    }
  }
  return true;
}

/* "http://a:80/b" (RFC 6455 section 4.2.1 allows it) as "/b" and "a:80", both in the room of the target; NULL where it is none. */
static char *origin_form(char *target, const char **authority) {
  static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
  size_t scheme = 0;
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes && scheme == 0; i++) {
    if (strncasecmp(target, schemes[i], strlen(schemes[i])) == 0) scheme = strlen(schemes[i]);
  }
  size_t length = scheme == 0 ? 0 : strcspn(target + scheme, "/?");
  if (length == 0 || memchr(target + scheme, '@', length) != NULL) return NULL;
  char *path = target + scheme + length;
  memmove(target, target + scheme, length);
  target[length] = '\0';
  *authority = target;
  if (*path != '/') *--path = '/'; /* where the scheme was: it is longer than that and an end */
  return path;
}

unsigned assay_ws_read_request(char *text, size_t length, assay_ws_head *head, const char **why) {
  memset(head, 0, offsetof(assay_ws_head, protocol_room));
  reading r = {.head = head};
  const size_t empty = length >= 2 && text[0] == '\r' && text[1] == '\n' ? 2 : 0; /* RFC 9112, 2.2: one before it is passed */
  char *at = text + empty, *line = take_line(&at, text + length);
  *why = "not a request of HTTP/1.1";
  if (line == NULL) return 400;
  char *path = strchr(line, ' ');
  if (path == NULL || path == line) return 400;
  char *version = strchr(path + 1, ' ');
  if (version == NULL || strcmp(version, " HTTP/1.1") != 0) return 400;
  *path++ = '\0';
  *version = '\0';
  for (const char *p = path; *p != '\0'; p++) {
    if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7F || *p == '#') return 400;
  }
  const char *authority = NULL;
  if (path[0] != '/' && (path = origin_form(path, &authority)) == NULL) return 400;
  if (strcmp(line, "GET") != 0) {
    *why = "not a GET";
    return 405;
  }
  head->path = path;
  if (!read_headers(&r, at, text + length)) {
    *why = r.problem;
    return 400;
  }
  *why = "not a request for a WebSocket";
  if (!r.upgrade || !r.connection) return 426;
  if (head->version != 13) {
    *why = "another version of WebSocket than 13";
    return 426;
  }
  *why = "no Host";
  if (head->host == NULL || head->host[0] == '\0') return 400;
  if (authority != NULL) head->host = authority; /* whatever Host says (RFC 9112 section 3.2.2) */
  *why = "no valid Sec-WebSocket-Key";
  if (head->key == NULL || !assay_ws_key_valid(head->key)) return 400;
  *why = NULL;
  return 0;
}

unsigned assay_ws_read_answer(char *text, size_t length, assay_ws_head *head, const char **why) {
  memset(head, 0, offsetof(assay_ws_head, protocol_room));
  reading r = {.head = head};
  char *at = text, *line = take_line(&at, text + length);
  *why = "the server's answer is not HTTP/1.1";
  if (line == NULL || strncmp(line, "HTTP/1.1 ", 9) != 0 || strspn(line + 9, "0123456789") != 3) return 400;
  if (line[12] != ' ' && line[12] != '\0') return 400;
  head->status = (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 + (unsigned)(line[11] - '0');
  if (head->status != 101) {
    *why = "the server does not switch to WebSocket";
    return 400;
  }
  if (!read_headers(&r, at, text + length)) {
    *why = "the server's answer has a header that is none";
    return 400;
  }
  *why = "the server's answer is not that of a WebSocket";
  if (!r.upgrade || !r.connection || head->accept == NULL) return 400;
  *why = NULL;
  return 0;
}

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 24 characters: 21 of 6 bits, one whose last 4 bits are 0, two of padding. */
bool assay_ws_key_valid(const char *key) {
  if (strlen(key) != 24 || strcmp(key + 22, "==") != 0) return false;
  for (size_t i = 0; i < 22; i++) {
    if (base64_value(key[i]) < 0) return false;
  }
  return (base64_value(key[21]) & 15) == 0;
}

/* ---- Who may connect, and in what words ---------------------------------------------------------------------------------------------- */

bool assay_ws_origin_allowed(const char *origin, const char *const *allowed) {
  if (origin == NULL) return true;
  if (allowed == NULL) {
    static const char *const schemes[] = {"http://", "https://"}, *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < 6; i++) {
      size_t scheme = strlen(schemes[i / 3]), host = strlen(hosts[i % 3]);
      if (strncasecmp(origin, schemes[i / 3], scheme) != 0 || strncasecmp(origin + scheme, hosts[i % 3], host) != 0) continue;
      const char *rest = origin + scheme + host;
      if (rest[0] == '\0' || (rest[0] == ':' && rest[1] != '\0' && rest[1 + strspn(rest + 1, "0123456789")] == '\0')) return true;
    }
    return false;
  }
  for (; *allowed != NULL; allowed++) {
    if (strcmp(*allowed, "*") == 0 || strcasecmp(*allowed, origin) == 0) return true;
  }
  return false;
}

/* Protocols differ by case (section 4.1: tokens are compared as they are). */
const char *assay_ws_choose_protocol(const char *theirs, const char *const *ours) {
  if (theirs == NULL || ours == NULL) return NULL;
  for (; *ours != NULL; ours++) {
    size_t length = strlen(*ours);
    for (const char *p = theirs; *p != '\0';) {
      while (is_blank(*p) || *p == ',') p++;
      const char *from = p;
      while (*p != '\0' && *p != ',' && !is_blank(*p)) p++;
      if ((size_t)(p - from) == length && length > 0 && strncmp(from, *ours, length) == 0) return *ours;
      while (*p != '\0' && *p != ',') p++;
    }
  }
  return NULL;
}

/* ---- permessage-deflate -------------------------------------------------------------------------------------------------------------- */

enum { SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT, SERVER_BITS, CLIENT_BITS, PARAMETERS };
static const char *const parameter_names[] = {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
                                              "client_max_window_bits"};

typedef struct extension {
  bool deflate; /* it is permessage-deflate */
  bool right;   /* and every parameter is known, there once, and in its range */
  bool given[PARAMETERS];
  unsigned value[PARAMETERS]; /* of bits; 0: without a value */
} extension;

typedef struct word {
  const char *from;
  size_t length;
} word;

static void skip_blanks(const char **at) {
  while (is_blank(**at)) (*at)++;
}

static word take_token(const char **at) {
  skip_blanks(at);
  word w = {*at, 0};
  while (is_token_byte(**at)) (*at)++;
  w.length = (size_t)(*at - w.from);
  skip_blanks(at);
  return w;
}

static bool word_is(word w, const char *text) { return strlen(text) == w.length && strncasecmp(w.from, text, w.length) == 0; }

/* "=15" or "=\"15\"" */
static bool take_value(const char **at, word *value) {
  *value = (word){0};
  if (**at != '=') return true;
  (*at)++;
  skip_blanks(at);
  bool quoted = **at == '"';
  if (quoted) (*at)++;
  *value = take_token(at);
  if (quoted && **at != '"') return false;
  if (quoted) (*at)++;
  skip_blanks(at);
  return value->length > 0;
}

static bool read_bits(word w, unsigned *bits) {
  if (w.length == 1 && w.from[0] >= '8' && w.from[0] <= '9')
    *bits = (unsigned)(w.from[0] - '0');
  else if (w.length == 2 && w.from[0] == '1' && w.from[1] >= '0' && w.from[1] <= '5')
    *bits = 10 + (unsigned)(w.from[1] - '0');
  else
    return false;
  return true;
}

static bool take_parameter(extension *e, word name, word value) {
  for (size_t i = 0; i < PARAMETERS; i++) {
    if (!word_is(name, parameter_names[i])) continue;
    if (e->given[i]) return false;
    e->given[i] = true;
    if (i < SERVER_BITS) return value.length == 0;
    if (value.length == 0) return i == CLIENT_BITS;
    return read_bits(value, &e->value[i]);
  }
  return false;
}

/* The next one of the list; false at its end, and where it is no list of extensions (*broken). */
static bool next_extension(const char **at, extension *e, bool *broken) {
  *e = (extension){.right = true};
  while (is_blank(**at) || **at == ',') (*at)++;
  if (**at == '\0') return false;
  word name = take_token(at);
  *broken = name.length == 0;
  e->deflate = word_is(name, "permessage-deflate");
  while (!*broken && **at == ';') {
    (*at)++;
    word parameter = take_token(at), value;
    *broken = parameter.length == 0 || !take_value(at, &value);
    if (!*broken && e->deflate) e->right = take_parameter(e, parameter, value) && e->right;
  }
  if (**at != ',' && **at != '\0') *broken = true;
  return !*broken;
}

static unsigned bits_of(unsigned given) { return given == 0 ? 15 : given < 9 ? 9 : given > 15 ? 15 : given; }
static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

/* zlib cannot deflate with a window of 8 bits, so an offer that asks a server to is declined. */
assay_ws_agreement assay_ws_accept_offer(const char *extensions, const assay_ws_compression *ours) {
  extension e;
  bool broken = false;
  if (!ours->on || extensions == NULL) return (assay_ws_agreement){0};
  for (const char *at = extensions; next_extension(&at, &e, &broken);) {
    if (!e.deflate || !e.right || (e.given[SERVER_BITS] && e.value[SERVER_BITS] < 9)) continue;
    return (assay_ws_agreement){
        .on = true,
        .server_no_context = ours->server_no_context_takeover || e.given[SERVER_NO_CONTEXT],
        .client_no_context = ours->client_no_context_takeover || e.given[CLIENT_NO_CONTEXT],
        .server_bits_asked = e.given[SERVER_BITS],
        .server_bits = (uint8_t)smaller(bits_of(ours->server_window_bits), e.given[SERVER_BITS] ? e.value[SERVER_BITS] : 15),
        /* Only a client that says it understands the parameter may be held to one. */
        .client_bits = (uint8_t)(!e.given[CLIENT_BITS]
                                     ? 15
                                     : smaller(bits_of(ours->client_window_bits), e.value[CLIENT_BITS] == 0 ? 15 : e.value[CLIENT_BITS])),
    };
  }
  return (assay_ws_agreement){0};
}

void assay_ws_put_agreement(assay_buf *out, const assay_ws_agreement *agreement) {
  assay_buf_puts(out, "permessage-deflate");
  if (agreement->server_no_context) assay_buf_puts(out, "; server_no_context_takeover");
  if (agreement->client_no_context) assay_buf_puts(out, "; client_no_context_takeover");
  if (agreement->server_bits_asked || agreement->server_bits < 15)
    assay_buf_printf(out, "; server_max_window_bits=%u", agreement->server_bits);
  if (agreement->client_bits < 15) assay_buf_printf(out, "; client_max_window_bits=%u", agreement->client_bits);
}

/* Something is asked of the server, and where it cannot do that there may be compression all the same. */
static bool has_fallback(const assay_ws_compression *ours) {
  return !ours->strict && (ours->server_no_context_takeover || bits_of(ours->server_window_bits) < 15);
}

static void put_client_part(assay_buf *out, const assay_ws_compression *ours) {
  if (ours->client_no_context_takeover) assay_buf_puts(out, "; client_no_context_takeover");
  assay_buf_puts(out, "; client_max_window_bits");
  if (bits_of(ours->client_window_bits) < 15) assay_buf_printf(out, "=%u", bits_of(ours->client_window_bits));
}

void assay_ws_put_offer(assay_buf *out, const assay_ws_compression *ours) {
  assay_buf_puts(out, "permessage-deflate");
  if (ours->server_no_context_takeover) assay_buf_puts(out, "; server_no_context_takeover");
  if (bits_of(ours->server_window_bits) < 15) assay_buf_printf(out, "; server_max_window_bits=%u", bits_of(ours->server_window_bits));
  put_client_part(out, ours);
  if (!has_fallback(ours)) return;
  assay_buf_puts(out, ", permessage-deflate");
  put_client_part(out, ours);
}

bool assay_ws_read_agreement(const char *extensions, const assay_ws_compression *offered, assay_ws_agreement *agreement) {
  *agreement = (assay_ws_agreement){0};
  extension e;
  bool broken = false, found = false, bound = !has_fallback(offered);
  if (extensions == NULL) return true;
  for (const char *at = extensions; next_extension(&at, &e, &broken);) {
    if (!offered->on || found || !e.deflate || !e.right) return false;
    found = true;
    unsigned most = bound ? bits_of(offered->server_window_bits) : 15;
    if (most < 15 && !e.given[SERVER_BITS]) return false;
    if (e.given[SERVER_BITS] && e.value[SERVER_BITS] > most) return false;
    if (e.given[CLIENT_BITS] && e.value[CLIENT_BITS] == 0) return false; /* an answer has a value */
    if (bound && offered->server_no_context_takeover && !e.given[SERVER_NO_CONTEXT]) return false;
    *agreement = (assay_ws_agreement){
        .on = true,
        .server_no_context = e.given[SERVER_NO_CONTEXT],
        .client_no_context = e.given[CLIENT_NO_CONTEXT] || offered->client_no_context_takeover,
        .server_bits = (uint8_t)(e.given[SERVER_BITS] ? e.value[SERVER_BITS] : 15),
        .client_bits = (uint8_t)smaller(bits_of(offered->client_window_bits), e.given[CLIENT_BITS] ? e.value[CLIENT_BITS] : 15),
    };
  }
  return !broken;
}

/* ---- Addresses ----------------------------------------------------------------------------------------------------------------------- */

assay_status assay_ws_url_parse(const char *text, assay_error *err, assay_ws_url *url) {
  assay_ws_url u = {0};
  size_t scheme = strncasecmp(text, "ws://", 5) == 0 ? 5 : strncasecmp(text, "wss://", 6) == 0 ? 6 : 0;
  if (scheme == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "not an address of a WebSocket: it must be ws://HOST... or wss://HOST...");
  u.secure = scheme == 6;
  const char *from = text + scheme, *end = from + strcspn(from, "/?#"), *host = from, *host_end, *port = NULL;
  for (const char *p = text; *p != '\0'; p++) {
    if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7F)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an address holds no blanks, control or non-ASCII characters: write them as %%XX");
  }
  if (memchr(from, '@', (size_t)(end - from)) != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a name and password in the address are not supported");
  if (strchr(end, '#') != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an address of a WebSocket has no part after '#'");
  if (*host == '[') {
    host++;
    host_end = memchr(host, ']', (size_t)(end - host));
    if (host_end == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the address has '[' without ']'");
    if (host_end + 1 < end && host_end[1] != ':') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the address has something behind ']'");
    if (host_end + 1 < end) port = host_end + 2;
  } else {
    host_end = memchr(host, ':', (size_t)(end - host));
    if (host_end != NULL) port = host_end + 1;
    if (host_end == NULL) host_end = end;
  }
  size_t length = (size_t)(host_end - host);
  if (length == 0 || length >= sizeof u.host) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the address has no host");
  memcpy(u.host, host, length);
  if (port != NULL) {
    size_t digits = (size_t)(end - port);
    unsigned number = 0;
    if (digits == 0 || digits > 5 || strspn(port, "0123456789") < digits)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the port of the address is no number from 1 to 65535");
    for (size_t i = 0; i < digits; i++) number = number * 10 + (unsigned)(port[i] - '0');
    if (number == 0 || number > 65535) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the port of the address is no number from 1 to 65535");
    memcpy(u.port, port, digits);
  } else {
    strcpy(u.port, u.secure ? "443" : "80");
  }
  memcpy(u.authority, from, (size_t)(end - from));
  u.path = end;
  *url = u;
  return ASSAY_OK;
}
