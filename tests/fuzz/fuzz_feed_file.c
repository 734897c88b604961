/* SPDX-License-Identifier: MIT */
/* Any bytes as a file, of which windows are taken in pieces of any size: what comes is what it has, in order. Packed ones come unpacked, or
 * it is told. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <assay/feed_dbn.h>
#include <assay/feed_file.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPEATS = 300, LARGEST = 1 << 16 };

static char path[] = "/tmp/assay-fuzz-file-XXXXXX";
static int fd = -1;

static void remove_file(void) { unlink(path); }

static bool put(const uint8_t *data, size_t size, unsigned times) {
  if (fd < 0) {
    fd = mkstemp(path);
    if (fd < 0) return false;
    atexit(remove_file);
  }
  bool done = ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0;
  for (unsigned i = 0; i < times && done; i++) done = write(fd, data, size) == (ssize_t)size;
  return done;
}

/* In words of the input: how much of a window is used, now and then nothing. */
static size_t used_of(const uint8_t *data, size_t size, unsigned *turn, size_t window) {
  uint8_t word = data[(*turn)++ % size];
  return word < 128 ? window : word == 255 ? 0 : window * (word - 128u) / 128;
}

/* Captures of a network give what their packets hold, and may be damaged; UTF-16 gives the UTF-8 that it comes to. */
static bool is_made_over(const uint8_t *data, size_t size) {
  static const char magics[][5] = {"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\n\r\r\n"};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (size >= 4 && memcmp(data, magics[i], 4) == 0) return true;
  return size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > LARGEST) return 0;
  uint8_t first[4]; /* of what is repeated */
  for (size_t i = 0; i < sizeof first; i++) first[i] = data[i % size];
  const bool is_packed = assay_feed_is_packed(data, size) || assay_feed_is_packed(first, sizeof first) || is_made_over(first, sizeof first),
             skips = (first[0] & 0xf0) == 0x50 && memcmp(first + 1, "\x2a\x4d\x18", 3) == 0;
  const unsigned times = is_packed ? 1 : 1 + (unsigned)(data[0] % REPEATS);
  if (!put(data, size, times)) return 0;
  assay_feed_file *file = NULL;
  assay_feed_reader reader;
  if (assay_feed_file_open(path, &(assay_feed_file_options){.window = 4096, .most = 1 << 20}, NULL, &file) != ASSAY_OK) {
    if (!is_packed && !skips) abort(); /* behind what is skipped may be a capture, which cannot be read */
    return 0;
  }
  uint64_t at = 0;
  unsigned turn = 0;
  assay_feed_file_begin(file, &reader);
  for (;;) {
    reader.at = reader.last ? reader.size : used_of(data, size, &turn, reader.size);
    if (reader.base != at) abort();
    for (size_t i = 0; i < reader.at && !is_packed && !skips; i++)
      if (reader.data[i] != data[(at + i) % size]) abort();
    at += reader.at;
    if (reader.last || assay_feed_file_more(file, &reader, NULL) != ASSAY_OK) break;
  }
  if (reader.last && !is_packed && !skips && at != (uint64_t)size * times) abort();
  assay_feed_file_close(file);
  return 0;
}
