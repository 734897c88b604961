/* SPDX-License-Identifier: MIT */
#include "market/feeds/frames.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "market/feeds/zstd_api.h"
#include "os/library.h"

#define ZSTD_FUNCTIONS(X) X(ZSTD_createDStream) X(ZSTD_freeDStream) X(ZSTD_decompressStream) X(ZSTD_isError) X(ZSTD_getErrorName)
#define ZLIB_FUNCTIONS(X) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)

/* A piece of the stream, and a place for what it comes to. */
typedef struct pieces {
  const uint8_t *in;
  size_t in_left;
  uint8_t *out;
  size_t out_left;
} pieces;

typedef enum step { GOES_ON, FRAME_ENDS, IS_PADDING, FAILS } step;

typedef struct codec {
  const char *frame; /* what its parts are called */
  uint8_t magic[4];
  size_t magic_size;
  assay_status (*open)(assay_frames *f, assay_error *err);
  /* Of both pieces what it can; f->why when it fails. */
  step (*unpack)(assay_frames *f, pieces *p);
  void (*close)(assay_frames *f);
} codec;

struct assay_frames {
  const codec *codec;
  struct {
    ASSAY_LIBRARY_TABLE(ZSTD_FUNCTIONS)
  } zstd;
  struct {
    ASSAY_LIBRARY_TABLE(ZLIB_FUNCTIONS)
  } zlib;
  ZSTD_DStream *stream;
  size_t wanted; /* bytes that it asks for */
  z_stream z;
  bool z_ready;
  assay_unpacker_source *source;
  void *context;
  const uint8_t *in;
  size_t in_left;
  uint64_t at, frame_at; /* in the file: of what comes next, and where its frame begins */
  bool in_frame;         /* some of it has been taken */
  bool is_full;          /* all room was taken: there may be more without another byte of the stream */
  bool source_ended, ended;
  const char *why;
};

/* ---- Zstandard ----------------------------------------------------------------------------------------------------------------------- */

static assay_status open_zstd(assay_frames *f, assay_error *err) {
  static const char *const names[] = {"libzstd.so.1", "libzstd.1.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(ZSTD_FUNCTIONS)
                                                                                                        NULL};
  assay_status status = assay_library_load(names, symbols, (void **)&f->zstd, "reading a Zstandard-compressed feed", "libzstd1", err);
  if (status != ASSAY_OK) return status;
  f->stream = f->zstd.ZSTD_createDStream();
  return f->stream != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
}

/* A block at a time: a call that fails does not say what it made of those before. What it asks for is the block and the next one's head. */
static step unpack_zstd(assay_frames *f, pieces *p) {
  enum { BLOCK_HEAD = 3 };
  const size_t block = f->wanted > BLOCK_HEAD ? f->wanted - BLOCK_HEAD : BLOCK_HEAD;
  ZSTD_inBuffer in = {.src = p->in, .size = p->in_left < block ? p->in_left : block};
  ZSTD_outBuffer out = {.dst = p->out, .size = p->out_left};
  const size_t answer = f->zstd.ZSTD_decompressStream(f->stream, &out, &in);
  p->in += in.pos;
  p->in_left -= in.pos;
  p->out += out.pos;
  p->out_left -= out.pos;
  f->wanted = answer;
  if (!f->zstd.ZSTD_isError(answer)) return answer == 0 ? FRAME_ENDS : GOES_ON;
  f->why = f->zstd.ZSTD_getErrorName(answer);
  return FAILS;
}

static void close_zstd(assay_frames *f) {
  if (f->stream != NULL) f->zstd.ZSTD_freeDStream(f->stream);
}

/* ---- gzip ---------------------------------------------------------------------------------------------------------------------------- */

static assay_status open_gzip(assay_frames *f, assay_error *err) {
  static const char *const names[] = {"libz.so.1", "libz.1.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(ZLIB_FUNCTIONS) NULL};
  const int gzip_only = 16;
  assay_status status = assay_library_load(names, symbols, (void **)&f->zlib, "reading a gzip-compressed feed", "zlib1g", err);
  if (status != ASSAY_OK) return status;
  f->z_ready = f->zlib.inflateInit2_(&f->z, gzip_only + MAX_WBITS, ZLIB_VERSION, (int)sizeof f->z) == Z_OK;
  return f->z_ready ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
}

static unsigned as_unsigned(size_t size) { return size < UINT_MAX ? (unsigned)size : UINT_MAX; }

/* Tapes and block devices leave zeros behind a member. */
static bool pass_padding(const assay_frames *f, pieces *p) {
  const size_t before = p->in_left;
  if (f->in_frame) return false;
  for (; p->in_left > 0 && p->in[0] == 0; p->in_left--) p->in++;
  return p->in_left < before;
}

static step unpack_gzip(assay_frames *f, pieces *p) {
  if (pass_padding(f, p)) return IS_PADDING;
  const unsigned in = as_unsigned(p->in_left), out = as_unsigned(p->out_left);
  f->z.next_in = p->in;
  f->z.avail_in = in;
  f->z.next_out = p->out;
  f->z.avail_out = out;
  const int answer = f->zlib.inflate(&f->z, Z_NO_FLUSH);
  p->in += in - f->z.avail_in;
  p->in_left -= in - f->z.avail_in;
  p->out += out - f->z.avail_out;
  p->out_left -= out - f->z.avail_out;
  if (answer == Z_STREAM_END) return f->zlib.inflateReset(&f->z) == Z_OK ? FRAME_ENDS : FAILS;
  if (answer == Z_OK || answer == Z_BUF_ERROR) return GOES_ON;
  f->why = f->z.msg != NULL ? f->z.msg : "out of memory";
  return FAILS;
}

static void close_gzip(assay_frames *f) {
  if (f->z_ready) f->zlib.inflateEnd(&f->z);
}

/* ---- Both ---------------------------------------------------------------------------------------------------------------------------- */

static const codec codecs[] = {
    {"frame", {0x28, 0xb5, 0x2f, 0xfd}, 4, open_zstd, unpack_zstd, close_zstd},
    {"member", {0x1f, 0x8b, 0x08}, 3, open_gzip, unpack_gzip, close_gzip},
};

static const codec *codec_of(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
    if (size >= 4 && memcmp(bytes, codecs[i].magic, codecs[i].magic_size) == 0) return &codecs[i];
  return NULL;
}

bool assay_frames_are(const uint8_t *bytes, size_t size) { return codec_of(bytes, size) != NULL; }

assay_status assay_frames_open(assay_unpacker_source *source, void *context, const uint8_t *first, size_t size, uint64_t at,
                               assay_error *err, assay_frames **frames) {
  assay_frames *f = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *f);
  if (f == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  f->codec = codec_of(first, size);
  f->source = source;
  f->context = context;
  f->in = first;
  f->in_left = size;
  f->at = f->frame_at = at;
  assay_status status = f->codec->open(f, err);
  if (status != ASSAY_OK)
    assay_frames_close(f);
  else
    *frames = f;
  return status;
}

void assay_frames_close(assay_frames *f) {
  if (f == NULL) return;
  f->codec->close(f);
  assay_free(f);
}

/* False: the source cannot be read. */
static bool have_input(assay_frames *f) {
  if (f->in_left > 0 || f->is_full || f->source_ended) return true;
  const void *bytes = NULL;
  const int64_t size = f->source(f->context, &bytes);
  f->in = bytes;
  f->in_left = size > 0 ? (size_t)size : 0;
  f->source_ended = size == 0;
  return size >= 0;
}

static assay_status broken(const assay_frames *f, assay_error *err) {
  if (f->at - f->frame_at >= f->codec->magic_size)
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the compressed feed cannot be unpacked at byte %" PRIu64 ": %s", f->at, f->why);
  return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the compressed feed cannot be unpacked: no %s begins at byte %" PRIu64 " (%s)",
                    f->codec->frame, f->frame_at, f->why);
}

static assay_status cut_off(const assay_frames *f, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT,
                    "the compressed feed is cut off at byte %" PRIu64 ", in the %s that begins at byte %" PRIu64 "; fetch the rest of it",
                    f->at, f->codec->frame, f->frame_at);
}

/* Takes of the stream what makes something, or nothing more. */
static step go_on(assay_frames *f, uint8_t *bytes, size_t most, size_t *got) {
  pieces p = {f->in, f->in_left, bytes, most};
  const step done = f->codec->unpack(f, &p);
  const size_t taken = f->in_left - p.in_left;
  f->in = p.in;
  f->in_left = p.in_left;
  f->at += taken;
  *got = most - p.out_left;
  f->is_full = p.out_left == 0;
  const bool is_between = done == FRAME_ENDS || done == IS_PADDING;
  f->in_frame = !is_between && (f->in_frame || taken > 0);
  if (is_between) f->frame_at = f->at;
  return done;
}

assay_status assay_frames_read(assay_frames *f, void *bytes, size_t most, assay_error *err, size_t *got) {
  *got = 0;
  while (*got == 0 && !f->ended) {
    if (!have_input(f)) return ASSAY_FAIL(err, ASSAY_ERR_IO, "the compressed feed cannot be read");
    if (f->source_ended && f->in_left == 0 && !f->is_full && !f->in_frame) f->ended = true;
    if (f->ended || f->why != NULL) break;
    const uint64_t before = f->at;
    const step done = go_on(f, bytes, most, got);
    if (done == GOES_ON && *got == 0 && f->at == before && f->source_ended) return cut_off(f, err);
  }
  return *got > 0 || f->why == NULL ? ASSAY_OK : broken(f, err);
}
