/* SPDX-License-Identifier: MIT */
/*
 * A journal is a head and then records of one size, each with its number and a check sum, so where it was torn shows: a record is there
 * entirely or not at all. Only the end can be torn by a crash; where a sound record stands that should not, the file was damaged, which is
 * something else, and is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "market/book/crc.h"
#include "market/book/engine.h"

enum { JOURNAL_VERSION = 1, AT_ONCE = 512 };
static const char journal_magic[8] = "ASYJRNL";

typedef struct journal_head {
  char magic[8];
  uint32_t version, record_bytes;
  uint64_t first; /* number of the first record */
  uint32_t pad, crc;
} journal_head;

typedef struct journal_record {
  uint32_t crc; /* of all that follows */
  uint32_t pad;
  uint64_t number;
  assay_book_message message;
} journal_record;

enum { JOURNAL_WINDOW = AT_ONCE * sizeof(journal_record) };
_Static_assert(sizeof(journal_head) == 32 && sizeof(journal_record) == 80, "records have no holes");

struct assay_book_journal {
  int fd;
  char *path;
  uint64_t next;
  size_t count;
  bool failed; /* what was written is not known any more */
  journal_record records[AT_ONCE];
};

static uint32_t record_crc(const journal_record *r) {
  return assay_book_crc32c(0, (const uint8_t *)r + sizeof r->crc, sizeof *r - sizeof r->crc);
}
static uint32_t head_crc(const journal_head *h) { return assay_book_crc32c(0, h, sizeof *h - sizeof h->crc); }

static assay_status write_all(int fd, const void *bytes, size_t count, const char *path, assay_error *err) {
  const uint8_t *at = bytes;
  while (count > 0) {
    ssize_t put = write(fd, at, count);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot write", path);
    at += put;
    count -= (size_t)put;
  }
  return ASSAY_OK;
}

/* Reads up to `count` bytes; fewer only at the end of the file. -1: errno. */
static ssize_t read_all(int fd, void *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    ssize_t got = read(fd, (uint8_t *)bytes + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

/* What a walk over a journal does with its sound records; `book` NULL: only counts them. */
typedef struct scan {
  int fd;
  const char *path;
  assay_book *book;
  uint64_t next;  /* number of the record that should come */
  uint64_t bytes; /* sound so far */
  assay_book_journal_info info;
} scan;

static assay_status read_head(scan *s, assay_error *err, bool *there) {
  journal_head head;
  ssize_t got = read_all(s->fd, &head, sizeof head);
  if (got < 0) return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot read", s->path);
  *there = got == (ssize_t)sizeof head;
  size_t begun = (size_t)got < sizeof head.magic ? (size_t)got : sizeof head.magic;
  if (memcmp(head.magic, journal_magic, begun) == 0 && !*there) {
    s->info.torn_bytes = (uint64_t)got;
    return ASSAY_OK;
  }
  if (memcmp(head.magic, journal_magic, begun) != 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is not a journal of a book", s->path);
  if (head.crc != head_crc(&head)) return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "%s: its head is damaged", s->path);
  if (head.version != JOURNAL_VERSION || head.record_bytes != sizeof(journal_record))
    return ASSAY_FAIL(err, ASSAY_ERR_VERSION, "%s is a journal of version %u; this is version %d", s->path, head.version, JOURNAL_VERSION);
  s->next = s->info.first = head.first;
  s->bytes = sizeof head;
  return ASSAY_OK;
}

static assay_status take_record(scan *s, const journal_record *r, assay_error *err) {
  if (s->book != NULL && s->next > assay_book_applied(s->book)) {
    if (s->next != assay_book_applied(s->book) + 1)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s begins with message %llu, and the book has seen %llu: start from a later snapshot",
                        s->path, (unsigned long long)s->next, (unsigned long long)assay_book_applied(s->book));
    assay_book_apply(s->book, &r->message, 1);
    s->info.applied++;
  }
  s->next++;
  s->bytes += sizeof *r;
  s->info.records++;
  return ASSAY_OK;
}

/* Whether a whole and sound record begins there. */
static bool record_at(const uint8_t *bytes, journal_record *r) {
  memcpy(r, bytes, sizeof *r);
  return r->pad == 0 && r->number != 0 && r->crc == record_crc(r);
}

/* Behind the last record that should come nothing may be sound, wherever it begins: a crash leaves no such thing, so bytes were changed,
 * lost or put in between. Goes on to what is not whole yet. */
static assay_status look_behind(const scan *s, const uint8_t *bytes, size_t held, size_t *at, assay_error *err) {
  journal_record r;
  for (; held - *at >= sizeof r; ++*at)
    if (record_at(bytes + *at, &r))
      return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT,
                        "%s is damaged: record %llu is not where it should be, and record %llu behind that is sound", s->path,
                        (unsigned long long)s->next, (unsigned long long)r.number);
  return ASSAY_OK;
}

static assay_status scan_records(scan *s, uint8_t *bytes, assay_error *err) {
  uint64_t end = s->bytes;
  size_t held = 0;
  bool torn = false;
  for (;;) {
    const size_t room = JOURNAL_WINDOW - held;
    ssize_t got = read_all(s->fd, bytes + held, room);
    if (got < 0) return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot read", s->path);
    held += (size_t)got;
    end += (size_t)got;
    size_t at = 0;
    assay_status status = ASSAY_OK;
    for (journal_record r; status == ASSAY_OK && !torn && held - at >= sizeof r;) {
      torn = !record_at(bytes + at, &r) || r.number != s->next;
      if (torn) break;
      at += sizeof r;
      status = take_record(s, &r, err);
    }
    if (status == ASSAY_OK && torn) status = look_behind(s, bytes, held, &at, err);
    if (status != ASSAY_OK) return status;
    /* At the end of what is there now: somebody may be writing. */
    if ((size_t)got < room) break;
    memmove(bytes, bytes + at, held - at);
    held -= at;
  }
  s->info.torn_bytes = end - s->bytes;
  return ASSAY_OK;
}

static assay_status scan_file(scan *s, assay_error *err, bool *there) {
  uint8_t *bytes = assay_alloc(ASSAY_TAG_MARKET, JOURNAL_WINDOW);
  if (bytes == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to read %s", s->path);
  assay_status status = read_head(s, err, there);
  if (status == ASSAY_OK && *there) status = scan_records(s, bytes, err);
  assay_free(bytes);
  s->info.next = s->next;
  return status;
}

assay_status assay_book_journal_replay(const char *path, assay_book *book, assay_error *err, assay_book_journal_info *info) {
  scan s = {.path = path, .book = book, .next = 1};
  bool there;
  s.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (s.fd < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
  assay_status status = scan_file(&s, err, &there);
  close(s.fd);
  if (status != ASSAY_OK) return status;
  if (info != NULL) *info = s.info;
  if (there && s.next <= assay_book_applied(book))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "%s ends with message %llu, and the book has seen %llu: it is another's journal, or its end is lost", path,
                      (unsigned long long)(s.next - 1), (unsigned long long)assay_book_applied(book));
  return ASSAY_OK;
}

/* Two writers would write over each other's records. The lock goes with the descriptor, also when the process dies. */
static assay_status lock(int fd, const char *path, assay_error *err) {
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "%s is open for writing already: a journal has one writer", path);
    return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot lock it", path);
  }
  return ASSAY_OK;
}

/* A new file outlives a power cut only when its name in the directory is on the disk as well. */
static assay_status sync_directory(const char *path, assay_error *err) {
  const char *slash = strrchr(path, '/');
  char *directory = slash == NULL ? assay_strdup(ASSAY_TAG_MARKET, ".") : assay_strdup(ASSAY_TAG_MARKET, path);
  if (directory == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a journal");
  if (slash != NULL) directory[slash == path ? 1 : slash - path] = 0;
  assay_status status = ASSAY_OK;
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) /* some file systems cannot, and need not */
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot sync the directory of %s", path);
  if (fd >= 0) close(fd);
  assay_free(directory);
  return status;
}

/* An empty file gets its head; what is torn is cut off, so that the next record follows the last sound one. */
static assay_status make_ready(scan *s, bool there, uint64_t first, assay_error *err) {
  if (!there) {
    journal_head head = {.version = JOURNAL_VERSION, .record_bytes = sizeof(journal_record), .first = first};
    memcpy(head.magic, journal_magic, sizeof head.magic);
    head.crc = head_crc(&head);
    if (ftruncate(s->fd, 0) != 0 || lseek(s->fd, 0, SEEK_SET) != 0) return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot start it", s->path);
    s->next = s->info.first = s->info.next = first;
    assay_status status = write_all(s->fd, &head, sizeof head, s->path, err);
    return status == ASSAY_OK ? sync_directory(s->path, err) : status;
  }
  if (first > s->next)
    return ASSAY_FAIL(
        err, ASSAY_ERR_INVALID,
        "%s ends before message %llu, and what comes is message %llu: those between are lost; begin a journal of its own for what "
        "follows the snapshot",
        s->path, (unsigned long long)s->next, (unsigned long long)first);
  if (s->info.torn_bytes > 0 && ftruncate(s->fd, (off_t)s->bytes) != 0)
    return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot cut its torn end off", s->path);
  if (lseek(s->fd, (off_t)s->bytes, SEEK_SET) < 0) return ASSAY_FAIL_ERRNO(err, errno, "%s: cannot go to its end", s->path);
  return ASSAY_OK;
}

assay_status assay_book_journal_open(const char *path, uint64_t first, assay_error *err, assay_book_journal **journal,
                                     assay_book_journal_info *info) {
  scan s = {.path = path, .next = 1};
  bool there = false;
  assay_book_journal *j = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *j);
  char *copy = assay_strdup(ASSAY_TAG_MARKET, path);
  s.fd = first == 0 ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  assay_status status = ASSAY_OK;
  if (first == 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "messages are numbered from 1 on");
  else if (s.fd < 0)
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
  else if (j == NULL || copy == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a journal");
  if (status == ASSAY_OK) status = lock(s.fd, path, err);
  if (status == ASSAY_OK) status = scan_file(&s, err, &there);
  if (status == ASSAY_OK) status = make_ready(&s, there, first, err);
  if (status != ASSAY_OK) {
    if (s.fd >= 0) close(s.fd);
    assay_free(copy);
    assay_free(j);
    return status;
  }
  j->fd = s.fd;
  j->path = copy;
  j->next = s.next;
  *journal = j;
  if (info != NULL) *info = s.info;
  return ASSAY_OK;
}

static assay_status flush(assay_book_journal *j, assay_error *err) {
  if (j->failed) return ASSAY_FAIL(err, ASSAY_ERR_IO, "%s: an earlier write failed; open it anew", j->path);
  assay_status status = write_all(j->fd, j->records, j->count * sizeof *j->records, j->path, err);
  j->count = 0;
  j->failed = status != ASSAY_OK;
  return status;
}

assay_status assay_book_journal_append(assay_book_journal *j, const assay_book_message *messages, size_t count, assay_error *err) {
  if (j->failed) return flush(j, err);
  for (size_t i = 0; i < count; i++) {
    if (j->count == AT_ONCE) {
      assay_status status = flush(j, err);
      if (status != ASSAY_OK) return status;
    }
    journal_record *r = &j->records[j->count++];
    r->pad = 0;
    r->number = j->next++;
    r->message = messages[i];
    r->crc = record_crc(r);
  }
  return ASSAY_OK;
}

assay_status assay_book_journal_write(assay_book_journal *j, assay_error *err) { return flush(j, err); }

assay_status assay_book_journal_sync(assay_book_journal *j, assay_error *err) {
  assay_status status = flush(j, err);
  if (status == ASSAY_OK && fsync(j->fd) != 0) {
    j->failed = true;
    status = ASSAY_FAIL_ERRNO(err, errno, "%s: cannot sync", j->path);
  }
  return status;
}

assay_status assay_book_journal_close(assay_book_journal *j, assay_error *err) {
  if (j == NULL) return ASSAY_OK;
  assay_status status = flush(j, err);
  close(j->fd);
  assay_free(j->path);
  assay_free(j);
  return status;
}
