/* SPDX-License-Identifier: MIT */
/* Compressed files: Zstandard and gzip in frames.c, all else of what people compress feeds with by libarchive, which is loaded only for
 * this. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <strings.h>

#include <assay/feed_dbn.h>

#include "base/alloc.h"
#include "market/feeds/frames.h"
#include "market/feeds/unpack.h"
#include "os/library.h"

#define FUNCTIONS(X)                   \
  X(archive_entry_filetype)            \
  X(archive_entry_pathname)            \
  X(archive_entry_size)                \
  X(archive_entry_size_is_set)         \
  X(archive_error_string)              \
  X(archive_read_data_block)           \
  X(archive_read_free)                 \
  X(archive_read_new)                  \
  X(archive_read_next_header)          \
  X(archive_read_open)                 \
  X(archive_read_support_filter_bzip2) \
  X(archive_read_support_filter_gzip)  \
  X(archive_read_support_filter_lz4)   \
  X(archive_read_support_filter_xz)    \
  X(archive_read_support_filter_zstd)  \
  X(archive_read_support_format_raw)   \
  X(archive_read_support_format_zip_streamable)

struct assay_unpacker {
  assay_frames *frames; /* NULL: what follows */
  struct {
    ASSAY_LIBRARY_TABLE(FUNCTIONS)
  } f;
  struct archive *archive;
  assay_unpacker_source *source;
  void *context;
  const void *first; /* taken of the source, and not given yet */
  int64_t first_size;
  const uint8_t *block; /* unpacked, and not given yet */
  size_t left;
  bool ended, is_table, is_text; /* the file is a .csv, a .txt */
  /* A .txt that is the first file may be what somebody wrote about the .csv behind it, or the table itself. */
  uint8_t *held;
  size_t held_size, held_at;
  assay_status failed; /* behind what is held */
  assay_error why;
};

enum { MOST_HELD = 1 << 20 }; /* a longer text is no remark */

/* Files of pzstd begin with such frames, and libarchive knows a file by its first one. */
uint64_t assay_unpack_skippable(const uint8_t *bytes, size_t size) {
  if (size < 8 || (bytes[0] & 0xf0) != 0x50 || memcmp(bytes + 1, "\x2a\x4d\x18", 3) != 0) return 0;
  return 8 + ((uint64_t)bytes[4] | (uint64_t)bytes[5] << 8 | (uint64_t)bytes[6] << 16 | (uint64_t)bytes[7] << 24);
}

static size_t skippable(const uint8_t *bytes, size_t size) {
  size_t at = 0;
  for (uint64_t frame; (frame = assay_unpack_skippable(bytes + at, size - at)) != 0 && frame <= size - at;) at += (size_t)frame;
  return at;
}

bool assay_feed_is_packed(const void *data, size_t size) {
  size_t at = skippable(data, size);
  const uint8_t *bytes = (const uint8_t *)data + at;
  size -= at;
  if (size < 4) return false;
  return memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 || memcmp(bytes, "\x1f\x8b\x08", 3) == 0 || memcmp(bytes, "PK\x03\x04", 4) == 0 ||
         (memcmp(bytes, "BZh", 3) == 0 && bytes[3] >= '1' && bytes[3] <= '9') ||
         memcmp(bytes,
                "\xfd"
                "7zX",
                4) == 0 ||
         memcmp(bytes, "\x04\x22\x4d\x18", 4) == 0;
}

/* ---- A piece at a time --------------------------------------------------------------------------------------------------------------- */

static la_ssize_t give(struct archive *archive, void *context, const void **bytes) {
  assay_unpacker *u = context;
  const int64_t size = u->first_size;
  (void)archive;
  u->first_size = 0;
  if (size == 0) return (la_ssize_t)u->source(u->context, bytes);
  *bytes = u->first;
  return (la_ssize_t)size;
}

static assay_status broken(const assay_unpacker *u, assay_error *err) {
  const char *why = u->f.archive_error_string(u->archive);
  return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the compressed feed cannot be unpacked: %s", why != NULL ? why : "it ends too early");
}

/* What a name of letters that the locale has not ends with, libarchive does not say: empty, it is a folder. */
static bool is_folder(const assay_unpacker *u, struct archive_entry *entry, int answer) {
  if (u->f.archive_entry_filetype(entry) == AE_IFDIR) return true;
  return answer == ARCHIVE_WARN && u->f.archive_entry_size_is_set(entry) && u->f.archive_entry_size(entry) == 0;
}

static bool ends_with(const char *name, const char *ending) {
  const size_t length = strlen(name), of = strlen(ending);
  return length >= of && strcasecmp(name + length - of, ending) == 0;
}

/* What macOS and HistData put beside a table: "__MACOSX/._A.csv", and behind it a report of how it was made. */
static bool is_beside(const assay_unpacker *u, struct archive_entry *entry) {
  const char *name = u->f.archive_entry_pathname(entry);
  return name != NULL && (strncmp(name, "__MACOSX/", 9) == 0 || (u->is_table && ends_with(name, ".txt")));
}

/* A warning is about a name or a time, and folders are passed over. */
static int next_file(assay_unpacker *u) {
  struct archive_entry *entry = NULL;
  int answer;
  do answer = u->f.archive_read_next_header(u->archive, &entry);
  while ((answer == ARCHIVE_OK || answer == ARCHIVE_WARN) && (is_folder(u, entry, answer) || is_beside(u, entry)));
  if (answer == ARCHIVE_OK || answer == ARCHIVE_WARN) {
    const char *name = u->f.archive_entry_pathname(entry);
    u->is_table = name != NULL && ends_with(name, ".csv");
    u->is_text = name != NULL && ends_with(name, ".txt");
  }
  return answer == ARCHIVE_WARN ? ARCHIVE_OK : answer;
}

/* Behind the one file. A zip whose list of files is cut off ends without one, and without an error's words. */
static assay_status see_end(assay_unpacker *u, assay_error *err) {
  int answer = next_file(u);
  if (answer == ARCHIVE_OK) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "there are several files in it: unpack it, and read one by one");
  return answer == ARCHIVE_EOF || u->f.archive_error_string(u->archive) == NULL ? ASSAY_OK : broken(u, err);
}

static assay_status keep_block(assay_unpacker *u, const void *block, size_t size, assay_error *err) {
  if (size > 0) {
    uint8_t *grown = assay_realloc(ASSAY_TAG_MARKET, u->held, u->held_size + size, 1);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
    memcpy(grown + u->held_size, block, size);
    u->held = grown;
    u->held_size += size;
  }
  return ASSAY_OK;
}

/* Reads the .txt before anybody gets it, and forgets it where a .csv comes. What goes wrong is told behind what is held. */
static void hold_text(assay_unpacker *u) {
  while (u->held_size < MOST_HELD && u->failed == ASSAY_OK) {
    la_int64_t offset = 0;
    const void *block = NULL;
    size_t size = 0;
    const int answer = u->f.archive_read_data_block(u->archive, &block, &size, &offset);
    if (answer == ARCHIVE_EOF) {
      u->ended = true;
      break;
    }
    u->failed = answer < ARCHIVE_OK ? broken(u, &u->why) : keep_block(u, block, size, &u->why);
  }
  if (!u->ended) return;
  u->failed = see_end(u, &u->why);
  if (!u->is_table) return;
  u->failed = ASSAY_OK;
  u->held_size = 0;
  u->ended = false;
}

static assay_status open_archive(assay_unpacker *u, assay_error *err) {
  static const char *const names[] = {"libarchive.so.13", "libarchive.13.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(FUNCTIONS) NULL};
  assay_status status = assay_library_load(names, symbols, (void **)&u->f, "reading a compressed feed", "libarchive13", err);
  if (status != ASSAY_OK) return status;
  u->archive = u->f.archive_read_new();
  if (u->archive == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  u->f.archive_read_support_filter_bzip2(u->archive);
  u->f.archive_read_support_filter_gzip(u->archive);
  u->f.archive_read_support_filter_lz4(u->archive);
  u->f.archive_read_support_filter_xz(u->archive);
  u->f.archive_read_support_filter_zstd(u->archive);
  u->f.archive_read_support_format_raw(u->archive);
  u->f.archive_read_support_format_zip_streamable(u->archive);
  int opened = u->f.archive_read_open(u->archive, u, NULL, give, NULL);
  if (opened == ARCHIVE_OK) opened = next_file(u);
  u->ended = opened == ARCHIVE_EOF; /* nothing was packed */
  if (opened != ARCHIVE_OK && !u->ended) return broken(u, err);
  if (opened == ARCHIVE_OK && u->is_text) hold_text(u);
  return ASSAY_OK;
}

/* Where a stream's own library is not there, libarchive has its code in itself. */
static assay_status open_stream(assay_unpacker *u, uint64_t at, assay_error *err) {
  u->first_size = u->source(u->context, &u->first);
  if (u->first_size < 0) return ASSAY_FAIL(err, ASSAY_ERR_IO, "the compressed feed cannot be read");
  assay_status status = ASSAY_ERR_UNSUPPORTED;
  if (assay_frames_are(u->first, (size_t)u->first_size))
    status = assay_frames_open(u->source, u->context, u->first, (size_t)u->first_size, at, err, &u->frames);
  return status == ASSAY_ERR_UNSUPPORTED ? open_archive(u, err) : status;
}

assay_status assay_unpacker_open(assay_unpacker_source *source, void *context, uint64_t at, assay_error *err, assay_unpacker **unpacker) {
  assay_unpacker *u = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *u);
  if (u == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  u->source = source;
  u->context = context;
  assay_status status = open_stream(u, at, err);
  if (status != ASSAY_OK)
    assay_unpacker_close(u);
  else
    *unpacker = u;
  return status;
}

/* By blocks: archive_read_data loses what it has got when an error follows. */
assay_status assay_unpacker_read(assay_unpacker *u, void *bytes, size_t most, assay_error *err, size_t *got) {
  if (u->frames != NULL) return assay_frames_read(u->frames, bytes, most, err, got);
  if (u->held_at < u->held_size) {
    *got = u->held_size - u->held_at < most ? u->held_size - u->held_at : most;
    memcpy(bytes, u->held + u->held_at, *got);
    u->held_at += *got;
    return ASSAY_OK;
  }
  if (u->failed != ASSAY_OK) return ASSAY_FAIL(err, u->failed, "%s", u->why.message);
  while (u->left == 0 && !u->ended) {
    la_int64_t offset = 0;
    const void *block = NULL;
    int answer = u->f.archive_read_data_block(u->archive, &block, &u->left, &offset);
    if (answer < ARCHIVE_OK) {
      u->left = 0;
      return broken(u, err);
    }
    u->block = block;
    u->ended = answer == ARCHIVE_EOF;
    if (!u->ended) continue;
    u->left = 0;
    assay_status status = see_end(u, err);
    if (status != ASSAY_OK) return status;
  }
  *got = u->left < most ? u->left : most;
  if (*got == 0) return ASSAY_OK;
  memcpy(bytes, u->block, *got);
  u->block += *got;
  u->left -= *got;
  return ASSAY_OK;
}

void assay_unpacker_close(assay_unpacker *u) {
  if (u == NULL) return;
  if (u->archive != NULL) u->f.archive_read_free(u->archive);
  assay_frames_close(u->frames);
  assay_free(u->held);
  assay_free(u);
}

/* ---- All at once --------------------------------------------------------------------------------------------------------------------- */

typedef struct memory {
  const uint8_t *bytes;
  size_t size;
} memory;

static int64_t give_all(void *context, const void **bytes) {
  memory *m = context;
  size_t size = m->size;
  *bytes = m->bytes;
  m->size = 0;
  return (int64_t)size;
}

/* One byte more than may come says that there are too many. */
static assay_status grow(uint8_t **data, size_t *capacity, size_t most, assay_error *err) {
  if (*capacity > most) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a compressed feed is longer than %zu bytes unpacked", most);
  size_t wanted = *capacity * 2 + (size_t)65536;
  if (wanted > most) wanted = most < SIZE_MAX ? most + 1 : most;
  uint8_t *grown = assay_realloc(ASSAY_TAG_MARKET, *data, wanted, 1);
  if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  *data = grown;
  *capacity = wanted;
  return ASSAY_OK;
}

static assay_status read_all(assay_unpacker *u, size_t most, assay_error *err, uint8_t **unpacked, size_t *size) {
  uint8_t *data = NULL;
  size_t used = 0, capacity = 0;
  assay_status status = ASSAY_OK;
  for (size_t got = 1; status == ASSAY_OK && got > 0;) {
    if (used == capacity) status = grow(&data, &capacity, most, err);
    if (status == ASSAY_OK) status = assay_unpacker_read(u, data + used, capacity - used, err, &got);
    if (status == ASSAY_OK) used += got;
  }
  if (status != ASSAY_OK) {
    assay_free(data);
    return status;
  }
  *unpacked = data;
  *size = used;
  return ASSAY_OK;
}

assay_status assay_feed_unpack(const void *bytes, size_t size, size_t most, assay_error *err, uint8_t **unpacked, size_t *unpacked_size) {
  size_t at = skippable(bytes, size);
  memory from = {(const uint8_t *)bytes + at, size - at};
  assay_unpacker *u = NULL;
  assay_status status = assay_unpacker_open(give_all, &from, at, err, &u);
  if (status == ASSAY_OK) status = read_all(u, most, err, unpacked, unpacked_size);
  assay_unpacker_close(u);
  return status;
}
