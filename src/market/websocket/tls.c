/* SPDX-License-Identifier: MIT */
#include "market/websocket/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/library.h"

/* clang-format off */
#define CRYPTO_FUNCTIONS(X)                                                                                              \
  X(SHA1) X(EVP_EncodeBlock) X(BIO_new) X(BIO_s_mem) X(BIO_read) X(BIO_write) X(BIO_ctrl) X(ERR_get_error)               \
  X(ERR_error_string_n) X(ERR_clear_error) X(X509_verify_cert_error_string) X(X509_VERIFY_PARAM_set1_ip_asc)
#define SSL_FUNCTIONS(X)                                                                                                 \
  X(TLS_server_method) X(TLS_client_method) X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_options)        \
  X(SSL_CTX_use_certificate_chain_file) X(SSL_CTX_use_PrivateKey_file) X(SSL_CTX_check_private_key) X(SSL_CTX_set_verify) \
  X(SSL_CTX_set_default_verify_paths) X(SSL_CTX_load_verify_locations) X(SSL_new) X(SSL_free) X(SSL_set_bio)             \
  X(SSL_set_accept_state) X(SSL_set_connect_state) X(SSL_do_handshake) X(SSL_read) X(SSL_write) X(SSL_get_error)         \
  X(SSL_shutdown) X(SSL_ctrl) X(SSL_set1_host) X(SSL_get0_param) X(SSL_get_verify_result) X(SSL_free_buffers)             \
  X(SSL_is_init_finished)
/* clang-format on */

static struct { ASSAY_LIBRARY_TABLE(CRYPTO_FUNCTIONS) } crypto;
static struct { ASSAY_LIBRARY_TABLE(SSL_FUNCTIONS) } ssl;
static pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;

assay_status assay_ws_crypto_load(assay_error *err) {
  static bool ready;
  static const char *const names[] = {"libcrypto.so.3", "libcrypto.3.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(CRYPTO_FUNCTIONS) NULL};
  pthread_mutex_lock(&load_mutex);
  assay_status status = ready ? ASSAY_OK : assay_library_load(names, symbols, (void **)&crypto, "WebSocket's handshake", "libssl3", err);
  ready |= status == ASSAY_OK;
  pthread_mutex_unlock(&load_mutex);
  return status;
}

static assay_status load_ssl(assay_error *err) {
  static bool ready;
  static const char *const names[] = {"libssl.so.3", "libssl.3.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(SSL_FUNCTIONS) NULL};
  assay_status status = assay_ws_crypto_load(err);
  if (status != ASSAY_OK) return status;
  pthread_mutex_lock(&load_mutex);
  status = ready ? ASSAY_OK : assay_library_load(names, symbols, (void **)&ssl, "TLS", "libssl3", err);
  ready |= status == ASSAY_OK;
  pthread_mutex_unlock(&load_mutex);
  return status;
}

void assay_ws_accept_of(const char *key, char accept[ASSAY_WS_ACCEPT_SIZE]) {
  char joined[64];
  uint8_t hash[SHA_DIGEST_LENGTH];
  int length = snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  crypto.SHA1((const unsigned char *)joined, (size_t)length, hash);
  crypto.EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
}

void assay_ws_key_of(const uint8_t random[16], char key[ASSAY_WS_KEY_SIZE]) { crypto.EVP_EncodeBlock((unsigned char *)key, random, 16); }

struct assay_ws_tls_context {
  SSL_CTX *ctx;
  bool verified;
  char *ca_file;                       /* NULL: the system's */
  assay_ws_tls_context *next, **known; /* of clients: the list that it is on; NULL: on none */
  size_t uses;                         /* beside the first */
};

struct assay_ws_tls {
  SSL *session;
  BIO *in, *out; /* the session's */
  bool buffered; /* it has buffers for records, as far as we know */
};

/* OpenSSL keeps a queue of errors for each thread; the first says the most. */
static const char *first_error(char *text, size_t size) {
  unsigned long code = crypto.ERR_get_error();
  if (code == 0)
    snprintf(text, size, "no cause given");
  else
    crypto.ERR_error_string_n(code, text, size);
  crypto.ERR_clear_error();
  return text;
}

static assay_status create_context(const SSL_METHOD *method, assay_error *err, assay_ws_tls_context **context) {
  char why[200];
  assay_ws_tls_context *c = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *c);
  if (c == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for TLS");
  crypto.ERR_clear_error();
  c->ctx = ssl.SSL_CTX_new(method);
  if (c->ctx == NULL || ssl.SSL_CTX_ctrl(c->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) != 1) {
    assay_status status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "TLS 1.2 is not to be had: %s", first_error(why, sizeof why));
    assay_ws_tls_context_destroy(c);
    return status;
  }
  ssl.SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  ssl.SSL_CTX_ctrl(c->ctx, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL); /* tickets resume sessions; nobody counts a cache */
  *context = c;
  return ASSAY_OK;
}

assay_status assay_ws_tls_server_context(const char *certificate, const char *key, assay_error *err, assay_ws_tls_context **context) {
  char why[200];
  assay_ws_tls_context *c = NULL;
  assay_status status = load_ssl(err);
  if (status == ASSAY_OK) status = create_context(ssl.TLS_server_method(), err, &c);
  if (status != ASSAY_OK) return status;
  if (ssl.SSL_CTX_use_certificate_chain_file(c->ctx, certificate) != 1)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is no certificate in PEM: %s", certificate, first_error(why, sizeof why));
  else if (ssl.SSL_CTX_use_PrivateKey_file(c->ctx, key, SSL_FILETYPE_PEM) != 1 || ssl.SSL_CTX_check_private_key(c->ctx) != 1)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is not the key of %s, in PEM: %s", key, certificate, first_error(why, sizeof why));
  if (status == ASSAY_OK)
    *context = c;
  else
    assay_ws_tls_context_destroy(c);
  return status;
}

static assay_ws_tls_context *find_known(assay_ws_tls_context *known, const char *ca_file, bool verified) {
  for (; known != NULL; known = known->next) {
    bool same = known->ca_file == NULL || ca_file == NULL ? known->ca_file == ca_file : strcmp(known->ca_file, ca_file) == 0;
    if (same && known->verified == verified) return known;
  }
  return NULL;
}

static bool put_on_list(assay_ws_tls_context *c, assay_ws_tls_context **known, const char *ca_file) {
  if (ca_file != NULL) {
    size_t length = strlen(ca_file) + 1;
    c->ca_file = assay_alloc(ASSAY_TAG_MARKET, length);
    if (c->ca_file == NULL) return false;
    memcpy(c->ca_file, ca_file, length);
  }
  c->known = known;
  c->next = *known;
  *known = c;
  return true;
}

assay_status assay_ws_tls_client_context(assay_ws_tls_context **known_ones, const char *ca_file, bool unverified, assay_error *err,
                                         assay_ws_tls_context **context) {
  char why[200];
  assay_ws_tls_context *again = find_known(*known_ones, ca_file, !unverified);
  if (again != NULL) {
    again->uses++;
    *context = again;
    return ASSAY_OK;
  }
  assay_ws_tls_context *c = NULL;
  assay_status status = load_ssl(err);
  if (status == ASSAY_OK) status = create_context(ssl.TLS_client_method(), err, &c);
  if (status != ASSAY_OK) return status;
  c->verified = !unverified;
  ssl.SSL_CTX_set_verify(c->ctx, unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  bool known =
      ca_file != NULL ? ssl.SSL_CTX_load_verify_locations(c->ctx, ca_file, NULL) == 1 : ssl.SSL_CTX_set_default_verify_paths(c->ctx) == 1;
  if (!known && !unverified) {
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s holds no certificates in PEM: %s", ca_file != NULL ? ca_file : "the system's store",
                        first_error(why, sizeof why));
    assay_ws_tls_context_destroy(c);
    return status;
  }
  crypto.ERR_clear_error(); /* of certificates that nobody asked for */
  if (!put_on_list(c, known_ones, ca_file)) {
    assay_ws_tls_context_destroy(c);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for TLS");
  }
  *context = c;
  return ASSAY_OK;
}

void assay_ws_tls_context_destroy(assay_ws_tls_context *context) {
  if (context == NULL) return;
  if (context->uses > 0) {
    context->uses--;
    return;
  }
  assay_ws_tls_context **at = context->known;
  while (at != NULL && *at != context) at = &(*at)->next;
  if (at != NULL) *at = context->next;
  assay_free(context->ca_file);
  if (context->ctx != NULL) ssl.SSL_CTX_free(context->ctx);
  assay_free(context);
}

/* The name in the certificate is held against the one in the URL (RFC 9110 section 4.3.4); names, not addresses, go into SNI. */
static bool expect_host(assay_ws_tls *t, const char *host, bool verified) {
  uint8_t address[16];
  bool numeric = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
  if (!numeric && ssl.SSL_ctrl(t->session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) != 1)
    return false;
  if (!verified) return true;
  return numeric ? crypto.X509_VERIFY_PARAM_set1_ip_asc(ssl.SSL_get0_param(t->session), host) == 1
                 : ssl.SSL_set1_host(t->session, host) == 1;
}

assay_status assay_ws_tls_create(assay_ws_tls_context *context, const char *host, assay_error *err, assay_ws_tls **tls) {
  assay_ws_tls *t = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *t);
  if (t == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for TLS");
  t->session = ssl.SSL_new(context->ctx);
  t->in = crypto.BIO_new(crypto.BIO_s_mem());
  t->out = crypto.BIO_new(crypto.BIO_s_mem());
  if (t->session == NULL || t->in == NULL || t->out == NULL || (host != NULL && !expect_host(t, host, context->verified))) {
    /* The BIOs belong to the session only once it has them both. */
    if (t->session != NULL && t->in != NULL && t->out != NULL) ssl.SSL_set_bio(t->session, t->in, t->out);
    assay_ws_tls_destroy(t);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for TLS");
  }
  ssl.SSL_set_bio(t->session, t->in, t->out);
  if (host != NULL)
    ssl.SSL_set_connect_state(t->session);
  else
    ssl.SSL_set_accept_state(t->session);
  *tls = t;
  return ASSAY_OK;
}

void assay_ws_tls_destroy(assay_ws_tls *tls) {
  if (tls == NULL) return;
  if (tls->session != NULL) ssl.SSL_free(tls->session);
  assay_free(tls);
}

static size_t capacity_of(BIO *bio) {
  BUF_MEM *memory = NULL;
  crypto.BIO_ctrl(bio, BIO_C_GET_BUF_MEM_PTR, 0, &memory);
  return memory != NULL ? memory->max : 0;
}

size_t assay_ws_tls_spare(const assay_ws_tls *tls) {
  return tls != NULL && tls->buffered && ssl.SSL_is_init_finished(tls->session) ? ASSAY_WS_TLS_RECORDS : 0;
}

size_t assay_ws_tls_held(const assay_ws_tls *tls) {
  size_t session = ssl.SSL_is_init_finished(tls->session) ? ASSAY_WS_TLS_IDLE + assay_ws_tls_spare(tls) : ASSAY_WS_TLS_NEW;
  return session + capacity_of(tls->in) + capacity_of(tls->out);
}

/* OpenSSL could do so by itself after each record, which makes one of 16 KiB half as dear again. */
void assay_ws_tls_shed(assay_ws_tls *tls) {
  if (assay_ws_tls_spare(tls) > 0 && ssl.SSL_free_buffers(tls->session) == 1) tls->buffered = false;
}

bool assay_ws_tls_feed(assay_ws_tls *tls, const uint8_t *bytes, size_t length) {
  return crypto.BIO_write(tls->in, bytes, (int)length) == (int)length;
}

assay_ws_tls_said assay_ws_tls_handshake(assay_ws_tls *tls, char *why, size_t why_size) {
  crypto.ERR_clear_error();
  tls->buffered = true;
  int said = ssl.SSL_do_handshake(tls->session);
  if (said == 1) return ASSAY_WS_TLS_DONE;
  int kind = ssl.SSL_get_error(tls->session, said);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return ASSAY_WS_TLS_MORE;
  char text[200];
  long verdict = ssl.SSL_get_verify_result(tls->session);
  if (verdict != X509_V_OK)
    snprintf(why, why_size, "the server's certificate is not accepted: %s", crypto.X509_verify_cert_error_string(verdict));
  else
    snprintf(why, why_size, "TLS fails: %s", first_error(text, sizeof text));
  crypto.ERR_clear_error();
  return ASSAY_WS_TLS_FAILED;
}

assay_ws_tls_said assay_ws_tls_read(assay_ws_tls *tls, uint8_t *out, size_t size, size_t *got) {
  crypto.ERR_clear_error();
  tls->buffered = true;
  int said = ssl.SSL_read(tls->session, out, size < 1 << 30 ? (int)size : 1 << 30);
  if (said > 0) {
    *got = (size_t)said;
    return ASSAY_WS_TLS_DONE;
  }
  int kind = ssl.SSL_get_error(tls->session, said);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return ASSAY_WS_TLS_MORE;
  crypto.ERR_clear_error();
  return kind == SSL_ERROR_ZERO_RETURN ? ASSAY_WS_TLS_ENDED : ASSAY_WS_TLS_FAILED;
}

bool assay_ws_tls_write(assay_ws_tls *tls, const uint8_t *bytes, size_t length) {
  crypto.ERR_clear_error();
  tls->buffered = true;
  while (length > 0) {
    int said = ssl.SSL_write(tls->session, bytes, length < 1 << 30 ? (int)length : 1 << 30);
    if (said <= 0) return false; /* memory takes all there is */
    bytes += said;
    length -= (size_t)said;
  }
  return true;
}

void assay_ws_tls_goodbye(assay_ws_tls *tls) {
  crypto.ERR_clear_error();
  (void)ssl.SSL_shutdown(tls->session);
  crypto.ERR_clear_error();
}

bool assay_ws_tls_take(assay_ws_tls *tls, assay_ws_bytes *out) {
  size_t waiting = (size_t)crypto.BIO_ctrl(tls->out, BIO_CTRL_PENDING, 0, NULL);
  if (waiting == 0) return true;
  if (!assay_ws_bytes_room(out, waiting)) return false;
  int got = crypto.BIO_read(tls->out, out->data + out->length, (int)waiting);
  if (got > 0) out->length += (size_t)got;
  return got == (int)waiting;
}
