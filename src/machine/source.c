/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/text.h"
#include "machine/source.h"

enum { PATH_MAX_HERE = 1024, ENTRIES_MAX = 65536 };

static int compare_pairs(const void *a, const void *b) {
  const assay_pair *x = a, *y = b;
  return strcmp(x->key, y->key);
}

void assay_source_sort_pairs(assay_pair *pairs, size_t count) {
  if (count > 0) qsort(pairs, count, sizeof *pairs, compare_pairs);
}

const char *assay_source_pair(const assay_source *source, const char *key) {
  if (source->pair_count == 0) return NULL;
  assay_pair wanted = {.key = key};
  const assay_pair *found = bsearch(&wanted, source->pairs, source->pair_count, sizeof wanted, compare_pairs);
  return found == NULL ? NULL : found->value;
}

static void tell(const assay_source *source, assay_record_kind kind, const char *path, const char *text, int code) {
  if (source->record != NULL) source->record(source->record_user, kind, path, text, code);
}

/* Why `path` gave nothing, in the words that a person needs to go and look. */
static const char *cause_of(const assay_source *source, assay_arena *arena, const char *path, int code) {
  if (source->kind == ASSAY_SOURCE_SYSCTL) return assay_arena_printf(arena, "a sysctl listing does not hold %s", path);
  if (source->kind == ASSAY_SOURCE_TREE) {
    const char *reason = assay_source_pair(source, path);
    if (reason != NULL) return assay_arena_printf(arena, "%s cannot be read: %s", path, reason);
    if (code == ENOENT && !source->complete) return assay_arena_printf(arena, "%s is not in the capture", path);
  }
  if (code == ENOENT || code == ENOTDIR) return assay_arena_printf(arena, "%s is not there", path);
  return assay_arena_printf(arena, "%s cannot be read: %s", path, strerror(code));
}

/* The path below the source's root; false when it does not fit. */
static bool real_path(const assay_source *source, const char *path, char *out, size_t size) {
  int length = snprintf(out, size, "%s%s", source->root != NULL ? source->root : "", path);
  return length > 0 && (size_t)length < size;
}

/* Content of a file, or NULL with errno. A non-blocking open, because a capture of this system must not hang on a fifo. */
static char *slurp(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  assay_buf buf = {0};
  char chunk[8192];
  int code = 0;
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) code = errno;
    if (got <= 0) break;
    assay_buf_append(&buf, chunk, (size_t)got);
    if (buf.length > ASSAY_SOURCE_FILE_MAX) {
      code = EFBIG;
      break;
    }
  }
  close(fd);
  if (buf.length == 0) assay_buf_append(&buf, "", 0);
  if (code == 0 && buf.failed) code = ENOMEM;
  if (code != 0) {
    assay_buf_deinit(&buf);
    errno = code;
    return NULL;
  }
  return assay_buf_take(&buf);
}

static char *read_raw(const assay_source *source, const char *path) {
  if (source->kind == ASSAY_SOURCE_SYSCTL) {
    errno = ENOENT;
    return NULL;
  }
  if (source->kind == ASSAY_SOURCE_LIVE && strncmp(path, "/assay/", 7) == 0) {
    char *text = assay_live_file(path);
    if (text == NULL) errno = ENOENT;
    return text;
  }
  char real[PATH_MAX_HERE];
  if (!real_path(source, path, real, sizeof real)) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  return slurp(real);
}

static const char *read_at(const assay_source *source, assay_arena *arena, const char **cause, const char *path) {
  char *raw = read_raw(source, path);
  int code = raw == NULL ? errno : 0;
  tell(source, ASSAY_RECORD_FILE, path, raw, code);
  if (raw == NULL) {
    if (cause != NULL) *cause = cause_of(source, arena, path, code);
    return NULL;
  }
  size_t length = strlen(raw);
  while (length > 0 && isspace((unsigned char)raw[length - 1])) length--;
  const char *text = length > 0 ? assay_arena_strndup(arena, raw, length) : NULL;
  assay_free(raw);
  if (text == NULL && cause != NULL) *cause = assay_arena_printf(arena, "%s is empty", path);
  return text;
}

/* Formats a path into `out`; false (and errno) when it does not fit. */
static bool format_path(char out[PATH_MAX_HERE], const char *format, va_list args) {
  int length = assay_vsnprintf(out, PATH_MAX_HERE, format, args);
  return length > 0 && length < PATH_MAX_HERE;
}

#define PATH_FROM_ARGS(path, format)                   \
  char path[PATH_MAX_HERE];                            \
  va_list args_;                                       \
  va_start(args_, format);                             \
  bool path##_fits = format_path(path, format, args_); \
  va_end(args_)

const char *assay_source_read(const assay_source *source, assay_arena *arena, const char **cause, const char *format, ...) {
  PATH_FROM_ARGS(path, format);
  if (!path_fits) {
    if (cause != NULL) *cause = "its path is too long";
    return NULL;
  }
  return read_at(source, arena, cause, path);
}

bool assay_source_u64(const assay_source *source, assay_arena *arena, const char **cause, uint64_t *value, const char *format, ...) {
  PATH_FROM_ARGS(path, format);
  if (!path_fits) {
    if (cause != NULL) *cause = "its path is too long";
    return false;
  }
  const char *text = read_at(source, arena, cause, path);
  if (text == NULL) return false;
  if (strncmp(text, "0x", 2) == 0) {
    char *end = NULL;
    errno = 0;
    uint64_t number = strtoull(text + 2, &end, 16);
    if (errno == 0 && end != text + 2 && *end == '\0') {
      *value = number;
      return true;
    }
  } else if (assay_parse_u64(text, value)) {
    return true;
  }
  if (cause != NULL) *cause = assay_arena_printf(arena, "%s holds '%.40s', which is not a number that can be used", path, text);
  return false;
}

const char *assay_source_link(const assay_source *source, assay_arena *arena, const char *format, ...) {
  PATH_FROM_ARGS(path, format);
  char real[PATH_MAX_HERE], target[PATH_MAX_HERE];
  if (!path_fits || source->kind == ASSAY_SOURCE_SYSCTL || !real_path(source, path, real, sizeof real)) return NULL;
  ssize_t length = readlink(real, target, sizeof target - 1);
  if (length <= 0) return NULL;
  target[length] = '\0';
  tell(source, ASSAY_RECORD_LINK, path, target, 0);
  return assay_arena_strdup(arena, target);
}

/* Runs of digits compare as numbers, everything else by byte. */
static int natural_compare(const char *a, const char *b) {
  while (*a != '\0' && *b != '\0') {
    if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
      while (*a == '0' && isdigit((unsigned char)a[1])) a++;
      while (*b == '0' && isdigit((unsigned char)b[1])) b++;
      size_t digits_a = strspn(a, "0123456789"), digits_b = strspn(b, "0123456789");
      if (digits_a != digits_b) return digits_a < digits_b ? -1 : 1;
      int order = strncmp(a, b, digits_a);
      if (order != 0) return order;
      a += digits_a;
      b += digits_b;
      continue;
    }
    if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    a++;
    b++;
  }
  return (*a != '\0') - (*b != '\0');
}

static int compare_names(const void *a, const void *b) { return natural_compare(*(const char *const *)a, *(const char *const *)b); }

size_t assay_source_list(const assay_source *source, assay_arena *arena, const char **cause, const char *prefix, const char *const **names,
                         const char *format, ...) {
  PATH_FROM_ARGS(path, format);
  char real[PATH_MAX_HERE];
  DIR *dir = NULL;
  errno = ENOENT;
  if (path_fits && source->kind != ASSAY_SOURCE_SYSCTL && real_path(source, path, real, sizeof real)) dir = opendir(real);
  if (dir == NULL) {
    if (cause != NULL) *cause = cause_of(source, arena, path, errno);
    return 0;
  }
  tell(source, ASSAY_RECORD_DIRECTORY, path, "", 0);
  const char **found = NULL;
  size_t count = 0, capacity = 0;
  for (struct dirent *entry; count < ENTRIES_MAX && (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
    if (count == capacity) {
      const char **more = assay_arena_grow(arena, found, count, &capacity, sizeof *found);
      if (more == NULL) break;
      found = more;
    }
    found[count] = assay_arena_strdup(arena, entry->d_name);
    if (found[count] == NULL) break;
    char below[PATH_MAX_HERE];
    struct stat info;
    if (source->record != NULL && (size_t)snprintf(below, sizeof below, "%s/%s", path, found[count]) < sizeof below &&
        stat(below, &info) == 0 && S_ISDIR(info.st_mode))
      tell(source, ASSAY_RECORD_DIRECTORY, below, "", 0);
    count++;
  }
  closedir(dir);
  if (count > 1) qsort(found, count, sizeof *found, compare_names);
  if (count == 0 && cause != NULL)
    *cause = prefix[0] == '\0' ? assay_arena_printf(arena, "%s is empty", path) : assay_arena_printf(arena, "%s has no %s*", path, prefix);
  *names = found;
  return count;
}

bool assay_source_exists(const assay_source *source, const char *path) {
  char real[PATH_MAX_HERE];
  if (source->kind == ASSAY_SOURCE_SYSCTL || !real_path(source, path, real, sizeof real)) return false;
  struct stat info;
  if (stat(real, &info) != 0) return false;
  tell(source, S_ISDIR(info.st_mode) ? ASSAY_RECORD_DIRECTORY : ASSAY_RECORD_FILE, path, "", 0);
  return true;
}
