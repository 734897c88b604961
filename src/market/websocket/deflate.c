/* SPDX-License-Identifier: MIT */
#include "market/websocket/deflate.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "os/library.h"

/* clang-format off */
#define ZLIB_FUNCTIONS(X)                                                                                               \
  X(deflateInit2_) X(deflate) X(deflateReset) X(deflateEnd) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)   \
  X(inflateResetKeep)
/* clang-format on */

static struct { ASSAY_LIBRARY_TABLE(ZLIB_FUNCTIONS) } zlib;

assay_status assay_ws_deflate_load(assay_error *err) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static bool ready;
  static const char *const names[] = {"libz.so.1", "libz.1.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(ZLIB_FUNCTIONS) NULL};
  pthread_mutex_lock(&mutex);
  assay_status status = ready ? ASSAY_OK : assay_library_load(names, symbols, (void **)&zlib, "compressing messages", "zlib1g", err);
  ready |= status == ASSAY_OK;
  pthread_mutex_unlock(&mutex);
  return status;
}

struct assay_ws_deflate {
  z_stream out, in;
  bool out_ready, in_ready, out_fresh, in_fresh; /* fresh: each message begins anew */
  bool in_message;                               /* the last piece is not here yet */
  bool in_ended;                                 /* the message so far ends with a final block */
  int out_bits, in_bits, level;
  size_t out_held, in_held; /* bytes that zlib has */
};

/* ---- Memory -------------------------------------------------------------------------------------------------------------------------- */

enum { MEMORY_LEVEL = 8, BLOCK_HEAD = 16 };

/* What zlib takes is counted where it is taken, so that it counts towards the loop's limit whatever version of zlib it is. */
static void *take(void *held, unsigned items, unsigned size) {
  size_t bytes = (size_t)items * size + BLOCK_HEAD;
  uint8_t *block = assay_alloc(ASSAY_TAG_MARKET, bytes);
  if (block == NULL) return NULL;
  memcpy(block, &bytes, sizeof bytes);
  *(size_t *)held += bytes;
  return block + BLOCK_HEAD;
}

static void give(void *held, void *address) {
  if (address == NULL) return;
  uint8_t *block = (uint8_t *)address - BLOCK_HEAD;
  size_t bytes;
  memcpy(&bytes, block, sizeof bytes);
  *(size_t *)held -= bytes;
  assay_free(block);
}

static void prepare(z_stream *stream, size_t *held) { *stream = (z_stream){.zalloc = take, .zfree = give, .opaque = held}; }

size_t assay_ws_deflate_held(const assay_ws_deflate *d) { return d == NULL ? 0 : d->out_held + d->in_held; }

size_t assay_ws_deflate_spare(const assay_ws_deflate *d) {
  return d == NULL ? 0 : d->out_held + (d->in_fresh && !d->in_message ? d->in_held : 0);
}

/* From zlib's own account of its memory (zconf.h), and what newer versions and the state itself take beside that. */
size_t assay_ws_deflate_needs_out(const assay_ws_deflate *d) {
  return d->out_ready || d->out_bits < 9 ? 0 : ((size_t)1 << (d->out_bits + 2)) + ((size_t)1 << (MEMORY_LEVEL + 9)) + 32768;
}

size_t assay_ws_deflate_needs_in(const assay_ws_deflate *d) {
  size_t all = ((size_t)1 << d->in_bits) + 12288;
  return all > d->in_held ? all - d->in_held : 0;
}

static void end_out(assay_ws_deflate *d) {
  if (d->out_ready) zlib.deflateEnd(&d->out);
  d->out_ready = false;
}

static void end_in(assay_ws_deflate *d) {
  if (d->in_ready) zlib.inflateEnd(&d->in);
  d->in_ready = false;
}

void assay_ws_deflate_shed(assay_ws_deflate *d) {
  if (d == NULL) return;
  end_out(d);
  if (d->in_fresh && !d->in_message) end_in(d);
}

void assay_ws_deflate_release(assay_ws_deflate *d) {
  if (d == NULL) return;
  end_out(d);
  end_in(d);
}

/* ---- Streams ------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_ws_deflate_create(assay_ws_role role, const assay_ws_agreement *agreement, unsigned level, assay_error *err,
                                     assay_ws_deflate **deflate) {
  assay_ws_deflate *d = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *d);
  if (d == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for compression");
  bool server = role == ASSAY_WS_SERVER;
  d->out_bits = server ? agreement->server_bits : agreement->client_bits;
  d->in_bits = server ? agreement->client_bits : agreement->server_bits;
  d->out_fresh = server ? agreement->server_no_context : agreement->client_no_context;
  d->in_fresh = server ? agreement->client_no_context : agreement->server_no_context;
  d->level = level == 0 ? 1 : (int)level;
  *deflate = d;
  return ASSAY_OK;
}

void assay_ws_deflate_destroy(assay_ws_deflate *d) {
  assay_ws_deflate_release(d);
  assay_free(d);
}

bool assay_ws_bytes_room(assay_ws_bytes *bytes, size_t more) {
  if (more <= bytes->capacity - bytes->length) return true;
  size_t capacity = bytes->capacity < 1024 ? 1024 : bytes->capacity;
  if (more > SIZE_MAX / 4 - bytes->length) return false;
  while (capacity < bytes->length + more) capacity *= 2;
  uint8_t *data = assay_realloc(ASSAY_TAG_MARKET, bytes->data, capacity, 1);
  if (data == NULL) return false;
  bytes->data = data;
  bytes->capacity = capacity;
  return true;
}

void assay_ws_bytes_deinit(assay_ws_bytes *bytes) {
  assay_free(bytes->data);
  *bytes = (assay_ws_bytes){0};
}

static unsigned at_most(size_t count) { return count < 1 << 30 ? (unsigned)count : 1u << 30; }

bool assay_ws_compress(assay_ws_deflate *d, const void *data, size_t length, assay_ws_bytes *out) {
  if (d->out_bits < 9) return false; /* zlib has no window of 256 bytes */
  if (!d->out_ready) {
    prepare(&d->out, &d->out_held);
    if (zlib.deflateInit2_(&d->out, d->level, Z_DEFLATED, -d->out_bits, MEMORY_LEVEL, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                           (int)sizeof(z_stream)) != Z_OK)
      return false;
    d->out_ready = true;
  }
  const uint8_t *at = data;
  size_t left = length;
  for (;;) {
    unsigned piece = at_most(left);
    if (!assay_ws_bytes_room(out, piece / 2 + 128)) return false;
    unsigned room = at_most(out->capacity - out->length);
    d->out.next_in = at;
    d->out.avail_in = piece;
    d->out.next_out = out->data + out->length;
    d->out.avail_out = room;
    int said = zlib.deflate(&d->out, piece == left ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    if (said != Z_OK && said != Z_BUF_ERROR) return false;
    size_t taken = piece - d->out.avail_in;
    at += taken;
    left -= taken;
    out->length += room - d->out.avail_out;
    if (left == 0 && d->out.avail_out > 0) break; /* else the flush is not complete */
  }
  if (out->length < 4 || memcmp(out->data + out->length - 4, "\0\0\xff\xff", 4) != 0) return false;
  out->length -= 4;
  if (d->out_fresh) zlib.deflateReset(&d->out);
  return true;
}

/*
 * Inflates `length` bytes onto the end of `out`. *ended: they end with a final block, and nothing behind it. Such a block ends zlib's
 * stream but not ours (section 7.2.3.4), which goes on at the next byte with the same window: inflateResetKeep leaves it where it is, so
 * that a message of a million final blocks costs no million copies of it.
 */
static unsigned inflate_some(assay_ws_deflate *d, const uint8_t *data, size_t length, uint64_t limit, assay_ws_bytes *out, bool *ended) {
  d->in.next_in = data;
  d->in.avail_in = (unsigned)length;
  *ended = false;
  for (;;) {
    /* One byte more than the limit tells that there is more. */
    uint64_t allowed = limit - out->length + 1;
    size_t wanted = d->in.avail_in * 3 + 256;
    if (!assay_ws_bytes_room(out, wanted < allowed ? wanted : (size_t)allowed)) return ASSAY_WS_CLOSE_INTERNAL;
    size_t free_bytes = out->capacity - out->length;
    unsigned room = at_most(free_bytes < allowed ? free_bytes : (size_t)allowed);
    d->in.next_out = out->data + out->length;
    d->in.avail_out = room;
    int said = zlib.inflate(&d->in, Z_SYNC_FLUSH);
    out->length += room - d->in.avail_out;
    if (out->length > limit) return ASSAY_WS_CLOSE_TOO_BIG;
    if (said == Z_STREAM_END) {
      if (zlib.inflateResetKeep(&d->in) != Z_OK) return ASSAY_WS_CLOSE_BAD_DATA;
      *ended = d->in.avail_in == 0;
      if (*ended) return 0;
      continue;
    }
    if (said == Z_BUF_ERROR || (said == Z_OK && d->in.avail_in == 0 && d->in.avail_out > 0)) return 0;
    if (said == Z_MEM_ERROR) return ASSAY_WS_CLOSE_INTERNAL;
    if (said != Z_OK) return ASSAY_WS_CLOSE_BAD_DATA;
  }
}

/*
 * The four bytes that the sender left out (section 7.2.2) are the length of an empty stored block, whose first bits end the message. Where
 * the message was cut off they would be taken for something else: data, symbols, half a header. zlib tells how many bits it holds that it
 * cannot use yet: only where it waits for such a length are that both bytes of the first half, for no code is longer than fifteen bits.
 */
static unsigned finish_message(assay_ws_deflate *d, uint64_t limit, assay_ws_bytes *out) {
  bool ended = d->in_ended, unused;
  d->in_ended = false;
  if (!ended) { /* a final block needs nothing behind it */
    unsigned code = inflate_some(d, (const uint8_t *)"\0\0", 2, limit, out, &unused);
    if (code == 0 && d->in.data_type == 16)
      code = inflate_some(d, (const uint8_t *)"\xff\xff", 2, limit, out, &unused);
    else if (code != ASSAY_WS_CLOSE_INTERNAL)
      code = ASSAY_WS_CLOSE_BAD_DATA;
    if (code != 0) return code;
  }
  if (d->in_fresh) zlib.inflateReset(&d->in);
  return 0;
}

unsigned assay_ws_inflate(assay_ws_deflate *d, const uint8_t *data, size_t length, bool last, uint64_t limit, assay_ws_bytes *out) {
  if (!d->in_ready) {
    prepare(&d->in, &d->in_held);
    if (zlib.inflateInit2_(&d->in, -d->in_bits, ZLIB_VERSION, (int)sizeof(z_stream)) != Z_OK) return ASSAY_WS_CLOSE_INTERNAL;
    d->in_ready = true;
  }
  d->in_message = !last;
  unsigned code = 0;
  for (size_t at = 0; code == 0 && at < length;) {
    size_t piece = length - at < 1 << 20 ? length - at : 1 << 20;
    code = inflate_some(d, data + at, piece, limit, out, &d->in_ended);
    at += piece;
  }
  return code != 0 || !last ? code : finish_message(d, limit, out);
}
