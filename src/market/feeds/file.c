/* SPDX-License-Identifier: MIT */
/*
 * Recordings window by window. They are read and not mapped: a map of a file that becomes shorter is a SIGBUS, which a library has no
 * business to catch, and reading costs a copy of what decoding looks at next anyway.
 */
#include <assay/feed_dbn.h>
#include <assay/feed_file.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "market/feeds/packets.h"
#include "market/feeds/unpack.h"
#include "market/feeds/wide.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

enum { LEAST_WINDOW = 4096, PACKED_PIECE = 1 << 18, LONG_MESSAGE = 1 << 16 };
static const size_t usual_window = (size_t)1 << 20, usual_most = (size_t)1 << 28;

struct assay_feed_file {
  assay_feed_file_options options;
  const char *shown;
  char *path;
  int fd;
  struct stat begun;
  off_t begun_at; /* standard input may be read in part already */
  uint64_t taken; /* bytes read of the file */
  uint64_t passed;
  assay_unpacker *unpacker; /* NULL: it is not packed */
  assay_packets *packets;   /* NULL: it is no capture */
  assay_wide *wide;         /* NULL: it is no UTF-16 */
  uint8_t *packed;          /* a piece of the file, while its beginning is looked at and where it is packed */
  size_t packed_size, packed_at;
  int error; /* errno of the reading; 0: none */
  uint8_t *bytes;
  size_t room, used, ready; /* of `bytes`; those that are there, and those that are prepared */
  bool capture_ended;
  bool ended, last; /* nothing more comes; and nothing of it is left to prepare */
  assay_feed_file_prepare *prepare;
  void *context;
  size_t too_few; /* bytes, with which nothing could be prepared */
};

/* ---- The file ------------------------------------------------------------------------------------------------------------------------ */

/* False with file->error. */
static bool read_some(assay_feed_file *file, void *bytes, size_t most, size_t *got) {
  ssize_t read_now;
  if (file->options.may_read != NULL && !file->options.may_read(file->options.context, file->fd)) {
    file->error = ECANCELED;
    return false;
  }
  do read_now = read(file->fd, bytes, most);
  while (read_now < 0 && errno == EINTR);
  if (read_now < 0) file->error = errno;
  if (read_now < 0) return false;
  file->taken += (uint64_t)read_now;
  *got = (size_t)read_now;
  return true;
}

static assay_status unreadable(const assay_feed_file *file, assay_error *err) {
  if (file->error == ECANCELED) return ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "reading %s was given up", file->shown);
  return ASSAY_FAIL_ERRNO(err, file->error, "cannot read %s", file->shown);
}

/* For the decoder: first what was read of it already. */
static int64_t give_packed(void *context, const void **bytes) {
  assay_feed_file *file = context;
  if (file->packed_at == file->packed_size) {
    file->packed_at = 0;
    if (!read_some(file, file->packed, PACKED_PIECE, &file->packed_size)) return -1;
  }
  *bytes = file->packed + file->packed_at;
  int64_t size = (int64_t)(file->packed_size - file->packed_at);
  file->packed_at = file->packed_size;
  return size;
}

/* Bytes of the file, unpacked; 0 at the end. */
static assay_status take_plain(assay_feed_file *file, uint8_t *bytes, size_t most, assay_error *err, size_t *got) {
  if (file->unpacker != NULL) {
    assay_error unpacking = {0};
    assay_status status = assay_unpacker_read(file->unpacker, bytes, most, &unpacking, got);
    if (file->error != 0) return unreadable(file, err);
    return status == ASSAY_OK ? ASSAY_OK : ASSAY_FAIL(err, status, "%s: %s", file->shown, unpacking.message);
  }
  size_t left = file->packed_size - file->packed_at;
  if (left == 0) return read_some(file, bytes, most, got) ? ASSAY_OK : unreadable(file, err);
  *got = left < most ? left : most;
  memcpy(bytes, file->packed + file->packed_at, *got);
  file->packed_at += *got;
  return ASSAY_OK;
}

/* Of UTF-16 as UTF-8; 0 at the end. */
static assay_status take_wide(assay_feed_file *file, uint8_t *bytes, size_t most, assay_error *err, size_t *got) {
  assay_wide *w = file->wide;
  while ((*got = assay_wide_read(w, bytes, most)) == 0 && !w->ended) {
    size_t left = w->used - w->at, came = 0;
    memmove(w->in, w->in + w->at, left);
    assay_status status = take_plain(file, w->in + left, sizeof w->in - left, err, &came);
    if (status != ASSAY_OK) return status;
    w->at = 0;
    w->used = left + came;
    w->ended = came == 0;
  }
  return ASSAY_OK;
}

/* Bytes as the readers of formats get them; 0 at the end. */
static assay_status take_some(assay_feed_file *file, uint8_t *bytes, size_t most, assay_error *err, size_t *got) {
  if (file->wide != NULL) return take_wide(file, bytes, most, err, got);
  if (file->packets == NULL) return take_plain(file, bytes, most, err, got);
  while (true) {
    assay_error reading = {0};
    assay_status status = assay_packets_read(file->packets, bytes, most, &reading, got);
    if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s: %s", file->shown, reading.message);
    if (*got > 0 || file->capture_ended) return ASSAY_OK;
    size_t room, came = 0;
    uint8_t *to = assay_packets_room(file->packets, &room);
    status = take_plain(file, to, room, err, &came);
    if (status != ASSAY_OK) return status;
    assay_packets_came(file->packets, came);
    file->capture_ended = came == 0;
  }
}

/* ---- How it begins ------------------------------------------------------------------------------------------------------------------- */

/* So that `wanted` bytes of the beginning are there, unless it ends before. */
static bool see(assay_feed_file *file, size_t wanted) {
  while (file->packed_size - file->packed_at < wanted) {
    size_t left = file->packed_size - file->packed_at, got = 0;
    memmove(file->packed, file->packed + file->packed_at, left);
    file->packed_at = 0;
    file->packed_size = left;
    if (!read_some(file, file->packed + left, PACKED_PIECE - left, &got)) return false;
    if (got == 0) return true;
    file->packed_size += got;
  }
  return true;
}

static bool pass(assay_feed_file *file, uint64_t count) {
  while (count > 0) {
    if (!see(file, 1)) return false;
    size_t left = file->packed_size - file->packed_at;
    if (left == 0) return true;
    size_t now = count < left ? (size_t)count : left;
    file->packed_at += now;
    count -= now;
  }
  return true;
}

static assay_status look_at_beginning(assay_feed_file *file, assay_error *err) {
  uint64_t frame;
  do {
    if (!see(file, 8)) return unreadable(file, err);
    frame = assay_unpack_skippable(file->packed + file->packed_at, file->packed_size - file->packed_at);
    if (!pass(file, frame)) return unreadable(file, err);
  } while (frame > 0);
  if (!assay_feed_is_packed(file->packed + file->packed_at, file->packed_size - file->packed_at)) return ASSAY_OK;
  assay_error unpacking = {0};
  const uint64_t at = (uint64_t)file->begun_at + file->taken - (file->packed_size - file->packed_at);
  assay_status status = assay_unpacker_open(give_packed, file, at, &unpacking, &file->unpacker);
  if (status == ASSAY_OK) return ASSAY_OK;
  return file->error != 0 ? unreadable(file, err) : ASSAY_FAIL(err, status, "%s: %s", file->shown, unpacking.message);
}

/* ---- Windows ------------------------------------------------------------------------------------------------------------------------- */

static assay_status make_room(assay_feed_file *file, assay_error *err) {
  if (file->used < file->room) return ASSAY_OK;
  if (file->room >= file->options.most)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s: a message at byte %llu is longer than %zu bytes", file->shown,
                      (unsigned long long)file->passed, file->options.most);
  size_t room = file->room < file->options.most / 2 ? 2 * file->room : file->options.most;
  uint8_t *grown = assay_realloc(ASSAY_TAG_MARKET, file->bytes, room, 1);
  if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a message of %s", file->shown);
  file->bytes = grown;
  file->room = room;
  return ASSAY_OK;
}

/* What could not be prepared is looked at again when it is twice as much: a pipe gives little at a time. */
static void prepare_new(assay_feed_file *file) {
  if (file->prepare == NULL) file->ready = file->used;
  if (file->prepare == NULL || file->last) return;
  size_t waiting = file->used - file->ready;
  if (!file->ended && waiting < 2 * file->too_few) return;
  size_t done = file->prepare(file->context, file->bytes + file->ready, waiting, file->ended);
  file->ready += file->ended || done > waiting ? waiting : done;
  file->too_few = done == 0 ? waiting : 0;
}

/* A pipe that gives nothing at the moment may do so for ever. */
static bool is_quiet(const assay_feed_file *file) {
  struct pollfd source = {.fd = file->fd, .events = POLLIN};
  return file->packed_at == file->packed_size && poll(&source, 1, 0) == 0;
}

/* Until more than `before` bytes are ready, and of a long message twice as many are there (what is cut off again and again is not looked at
 * as often; what a pipe brings does not wait for what it does not bring yet), or all, or as many as there may be. */
static assay_status fill(assay_feed_file *file, size_t before, assay_error *err) {
  bool is_long = before >= LONG_MESSAGE;
  while (!file->last &&
         (file->ready <= before || (is_long && file->used < 2 * before && file->used < file->options.most && !is_quiet(file)))) {
    size_t got = 0;
    assay_status status = make_room(file, err);
    if (status == ASSAY_OK && !file->ended) status = take_some(file, file->bytes + file->used, file->room - file->used, err, &got);
    if (status != ASSAY_OK) return status;
    file->used += got;
    file->ended = got == 0;
    prepare_new(file);
    file->last = file->ended;
  }
  return ASSAY_OK;
}

/* Opening a pipe by its name waits for who writes to it, where nobody is asked whether to go on; with may_read that waits instead. */
static int open_for_reading(const assay_feed_file *file, const char *path) {
  const bool may_wait = file->options.may_read == NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | (may_wait ? 0 : O_NONBLOCK));
  if (fd >= 0 && !may_wait) (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  return fd;
}

static assay_status open_path(assay_feed_file *file, const char *path, assay_error *err) {
  bool is_stdin = strcmp(path, "-") == 0;
  size_t length = strlen(path) + 1;
  file->path = assay_alloc(ASSAY_TAG_MARKET, length);
  file->bytes = assay_alloc(ASSAY_TAG_MARKET, file->room);
  file->packed = assay_alloc(ASSAY_TAG_MARKET, PACKED_PIECE);
  if (file->path == NULL || file->bytes == NULL || file->packed == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
  memcpy(file->path, path, length);
  file->shown = is_stdin ? "standard input" : file->path;
  file->fd = is_stdin ? STDIN_FILENO : open_for_reading(file, path);
  if (file->fd < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
  if (fstat(file->fd, &file->begun) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot read %s", file->shown);
  file->begun_at = S_ISREG(file->begun.st_mode) ? lseek(file->fd, 0, SEEK_CUR) : 0;
  return look_at_beginning(file, err);
}

static assay_status begin_wide(assay_feed_file *file, assay_error *err) {
  file->wide = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *file->wide);
  if (file->wide == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", file->shown);
  file->wide->is_big = file->bytes[0] == 0xfe;
  memcpy(file->wide->in, file->bytes, file->used);
  file->wide->used = file->used;
  file->used = 0;
  return ASSAY_OK;
}

/* The first bytes say whether it is a capture, or UTF-16. If so they are its own, and the window is filled with what it comes to. */
static assay_status look_for_capture(assay_feed_file *file, assay_error *err) {
  const size_t magic = 4, piece = ASSAY_WIDE_ROOM, most = file->room < piece ? file->room : piece;
  size_t got = 1, room;
  while (file->used < magic && got > 0) {
    assay_status status = take_plain(file, file->bytes + file->used, most - file->used, err, &got);
    if (status != ASSAY_OK) return status;
    file->used += got;
  }
  if (assay_wide_is(file->bytes, file->used)) return begin_wide(file, err);
  if (!assay_packets_are(file->bytes, file->used)) {
    if (file->used > 0) prepare_new(file);
    return ASSAY_OK;
  }
  file->packets = assay_packets_create();
  if (file->packets == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", file->shown);
  memcpy(assay_packets_room(file->packets, &room), file->bytes, file->used);
  assay_packets_came(file->packets, file->used);
  file->used = 0;
  return ASSAY_OK;
}

assay_status assay_feed_file_open(const char *path, const assay_feed_file_options *options, assay_error *err, assay_feed_file **file) {
  assay_feed_file *opened = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *opened);
  if (opened == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
  if (options != NULL) opened->options = *options;
  assay_feed_file_options *o = &opened->options;
  if (o->window == 0) o->window = usual_window;
  if (o->window < LEAST_WINDOW) o->window = LEAST_WINDOW;
  if (o->most == 0) o->most = usual_most;
  if (o->most < o->window) o->most = o->window;
  opened->room = o->window;
  opened->fd = -1;
  assay_status status = open_path(opened, path, err);
  if (status == ASSAY_OK) status = look_for_capture(opened, err);
  if (status == ASSAY_OK) status = fill(opened, 0, err);
  if (status != ASSAY_OK)
    assay_feed_file_close(opened);
  else
    *file = opened;
  return status;
}

void assay_feed_file_close(assay_feed_file *file) {
  if (file == NULL) return;
  assay_unpacker_close(file->unpacker);
  assay_packets_destroy(file->packets);
  assay_free(file->wide);
  if (file->fd >= 0 && file->fd != STDIN_FILENO) close(file->fd);
  assay_free(file->packed);
  assay_free(file->bytes);
  assay_free(file->path);
  assay_free(file);
}

void assay_feed_file_begin(const assay_feed_file *file, assay_feed_reader *reader) {
  assay_feed_open(reader, file->bytes, file->ready);
  reader->last = file->last;
}

assay_status assay_feed_file_more(assay_feed_file *file, assay_feed_reader *reader, assay_error *err) {
  if (file->last) return ASSAY_OK;
  size_t at = reader->at;
  if (at > 0) {
    memmove(file->bytes, file->bytes + at, file->used - at);
    file->used -= at;
    file->ready -= at;
    file->passed += at;
  }
  assay_status status = fill(file, file->ready, err);
  /* Where it cannot be filled, what is left of the old window is still the reader's. */
  assay_feed_window(reader, file->bytes, file->ready, file->last);
  return status;
}

assay_status assay_feed_file_set_prepare(assay_feed_file *file, assay_feed_file_prepare *prepare, void *context, assay_error *err) {
  file->prepare = prepare;
  file->context = context;
  file->ready = 0;
  file->last = false;
  prepare_new(file);
  file->last = file->ended;
  return fill(file, 0, err);
}

/* ---- What is known of it --------------------------------------------------------------------------------------------------------------
 */

assay_feed_file_place assay_feed_file_where(const assay_feed_file *file) {
  uint64_t size = S_ISREG(file->begun.st_mode) ? (uint64_t)file->begun.st_size : 0, at = (uint64_t)file->begun_at + file->taken;
  return (assay_feed_file_place){.read = file->taken,
                                 .size = size,
                                 .passed = file->passed + (file->last ? file->used : 0),
                                 .packed = file->unpacker != NULL || file->packets != NULL || file->wide != NULL,
                                 .cut_off = file->unpacker == NULL && file->ended && at < size};
}

bool assay_feed_file_captured(const assay_feed_file *file, assay_feed_file_capture *capture) {
  if (file->packets == NULL) return false;
  *capture = assay_packets_count(file->packets);
  return true;
}

bool assay_feed_file_lost_before(assay_feed_file *file, uint64_t at) {
  return file->packets != NULL && assay_packets_lost_before(file->packets, at);
}

const char *assay_feed_file_changed(const assay_feed_file *file) {
  struct stat now;
  if (!S_ISREG(file->begun.st_mode) || fstat(file->fd, &now) != 0) return NULL;
  if (now.st_size < file->begun.st_size) return "became shorter while it was read";
  if (now.st_size > file->begun.st_size) return "became longer while it was read";
  if (now.st_mtim.tv_sec == file->begun.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->begun.st_mtim.tv_nsec) return NULL;
  return "was written to while it was read";
}
