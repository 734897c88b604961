/* SPDX-License-Identifier: MIT */
/* Compressed files, by libarchive, which reads all of what people compress feeds with and is loaded only for this. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <assay/feed_dbn.h>

#include "base/alloc.h"
#include "os/library.h"

#define FUNCTIONS(X)                  \
  X(archive_error_string)             \
  X(archive_read_data)                \
  X(archive_read_free)                \
  X(archive_read_new)                 \
  X(archive_read_next_header)         \
  X(archive_read_open_memory)         \
  X(archive_read_support_filter_gzip) \
  X(archive_read_support_filter_zstd) \
  X(archive_read_support_format_raw)

typedef struct functions {
  ASSAY_LIBRARY_TABLE(FUNCTIONS)
} functions;

/* Frames to be skipped (RFC 8878, 3.1.2), with which files of pzstd begin: libarchive knows a file by its first frame. */
static size_t skippable(const uint8_t *bytes, size_t size) {
  size_t at = 0;
  while (size - at >= 8 && (bytes[at] & 0xf0) == 0x50 && memcmp(bytes + at + 1, "\x2a\x4d\x18", 3) == 0) {
    uint64_t length =
        (uint64_t)bytes[at + 4] | (uint64_t)bytes[at + 5] << 8 | (uint64_t)bytes[at + 6] << 16 | (uint64_t)bytes[at + 7] << 24;
    if (length > size - at - 8) break;
    at += 8 + (size_t)length;
  }
  return at;
}

bool assay_feed_is_packed(const void *data, size_t size) {
  size_t at = skippable(data, size);
  const uint8_t *bytes = (const uint8_t *)data + at;
  size -= at;
  return size >= 4 && (memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 || memcmp(bytes, "\x1f\x8b\x08", 3) == 0);
}

static assay_status grow(uint8_t **data, size_t *capacity, size_t most, assay_error *err) {
  if (*capacity >= most) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a compressed feed is longer than %zu bytes unpacked", most);
  size_t wanted = *capacity * 2 + (size_t)65536;
  if (wanted > most) wanted = most;
  uint8_t *grown = assay_realloc(ASSAY_TAG_MARKET, *data, wanted, 1);
  if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  *data = grown;
  *capacity = wanted;
  return ASSAY_OK;
}

static assay_status read_all(const functions *f, struct archive *a, size_t most, assay_error *err, uint8_t **unpacked, size_t *size) {
  uint8_t *data = NULL;
  size_t used = 0, capacity = 0;
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK) {
    if (used == capacity) status = grow(&data, &capacity, most, err);
    if (status != ASSAY_OK) break;
    la_ssize_t got = f->archive_read_data(a, data + used, capacity - used);
    if (got < 0) status = ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the compressed feed cannot be unpacked: %s", f->archive_error_string(a));
    if (got <= 0) break;
    used += (size_t)got;
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
  static const char *const names[] = {"libarchive.so.13", "libarchive.13.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(FUNCTIONS) NULL};
  functions f;
  struct archive_entry *entry = NULL;
  assay_status status = assay_library_load(names, symbols, (void **)&f, "reading a compressed feed", "libarchive13", err);
  if (status != ASSAY_OK) return status;
  size_t at = skippable(bytes, size);
  struct archive *a = f.archive_read_new();
  if (a == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a compressed feed");
  f.archive_read_support_filter_gzip(a);
  f.archive_read_support_filter_zstd(a);
  f.archive_read_support_format_raw(a);
  if (f.archive_read_open_memory(a, (const uint8_t *)bytes + at, size - at) != ARCHIVE_OK ||
      f.archive_read_next_header(a, &entry) != ARCHIVE_OK)
    status = ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the compressed feed cannot be unpacked: %s", f.archive_error_string(a));
  else
    status = read_all(&f, a, most, err, unpacked, unpacked_size);
  f.archive_read_free(a);
  return status;
}
