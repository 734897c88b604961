/* SPDX-License-Identifier: MIT */
/* The part of the OS contract that Linux and macOS share. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "assay_config.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "os/prim.h"

uint64_t assay_os_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t assay_os_thread_cpu_ns(void) {
  struct timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

int64_t assay_os_wall_s(void) { return (int64_t)time(NULL); }

void assay_os_sleep_ns(uint64_t ns) {
  struct timespec left = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

assay_status assay_os_read_file(const char *path, size_t limit, assay_error *err, char **data, size_t *length) {
  bool is_stdin = strcmp(path, "-") == 0;
  const char *shown = is_stdin ? "standard input" : path;
  int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
  assay_status status = ASSAY_OK;
  assay_buf buf = {0};
  char chunk[16384];
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) status = ASSAY_FAIL_ERRNO(err, errno, "cannot read %s", shown);
    if (got <= 0) break;
    assay_buf_append(&buf, chunk, (size_t)got);
    if (buf.length > limit) {
      status = ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s is larger than %zu bytes", shown, limit);
      break;
    }
  }
  if (!is_stdin) close(fd);
  if (buf.length == 0) assay_buf_append(&buf, "", 0); /* an empty file is an empty text, not NULL */
  if (status == ASSAY_OK && buf.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", shown);
  if (status != ASSAY_OK) {
    assay_buf_deinit(&buf);
    return status;
  }
  *length = buf.length;
  *data = assay_buf_take(&buf);
  return ASSAY_OK;
}

static assay_status write_all(int fd, const char *data, size_t length, const char *path, assay_error *err) {
  while (length > 0) {
    ssize_t put = write(fd, data, length);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
    data += put;
    length -= (size_t)put;
  }
  return ASSAY_OK;
}

/* Into what is there and is no plain file: a device, a pipe, /dev/stdout. Renaming over it would destroy it. */
static assay_status write_through(const char *path, const void *data, size_t length, assay_error *err) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  assay_status status = write_all(fd, data, length, path, err);
  if (close(fd) != 0 && status == ASSAY_OK) status = ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  return status;
}

/* ---- Drafts -------------------------------------------------------------------------------------------------------------------------- */

#define UNNAMED "XXXXXX"

/* In the directory of its place, so that it is on the same file system. /proc is what gives it a name in the end. To be
 * read too, since its bytes are copied where the system refuses it that name. */
static int open_nameless(const assay_os_draft *draft) {
#if defined(O_TMPFILE)
  const char *slash = strrchr(draft->place, '/');
  assay_buf directory = {0};
  if (slash != NULL) assay_buf_append(&directory, draft->place, (size_t)(slash - draft->place) + 1);
  int fd = directory.failed || access("/proc/self/fd", X_OK) != 0
               ? -1
               : open(slash != NULL ? directory.data : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  assay_buf_deinit(&directory);
  return fd;
#else
  (void)draft;
  return -1;
#endif
}

typedef bool draft_step(assay_os_draft *draft);

/* Tries names until one is free, since only renaming may replace what is there. */
static bool try_names(assay_os_draft *draft, draft_step *take) {
  enum { TRIES = 100 };
  for (int i = 0; i < TRIES; i++) {
    unsigned random = 0;
    if (!assay_os_entropy(&random, sizeof random)) return false;
    snprintf(draft->beside + strlen(draft->beside) - strlen(UNNAMED), sizeof UNNAMED, "%06x", random & 0xffffff);
    draft->is_named = take(draft);
    if (draft->is_named || errno != EEXIST) break;
  }
  return draft->is_named;
}

/* As readable as any file of the user's: not by mkstemp, whose files are private. */
static bool create_beside(assay_os_draft *draft) {
  draft->fd = open(draft->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return draft->fd >= 0;
}

static bool link_beside(assay_os_draft *draft) {
  char own[40];
  snprintf(own, sizeof own, "/proc/self/fd/%d", draft->fd);
  return linkat(AT_FDCWD, own, AT_FDCWD, draft->beside, AT_SYMLINK_FOLLOW) == 0;
}

/* Whose file is replaced has said who may read it. */
static bool take_permissions(int fd, const struct stat *old) {
  struct stat now;
  if (fstat(fd, &now) != 0) return false;
  return (now.st_mode & 0777) == (old->st_mode & 0777) || fchmod(fd, old->st_mode & 0777) == 0;
}

static bool copy_all(int from, int to) {
  char part[1 << 14];
  ssize_t got;
  for (off_t at = 0; (got = pread(from, part, sizeof part, at)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || write_all(to, part, (size_t)got, "", NULL) != ASSAY_OK) return false;
    at += got;
  }
  return fsync(to) == 0;
}

/* A sandbox, or a file system of a program's own, may open what has no name and refuse to give it one. */
static bool copy_beside(assay_os_draft *draft) {
  const int nameless = draft->fd;
  struct stat mode;
  bool is_copied = try_names(draft, create_beside);
  if (!is_copied)
    draft->fd = nameless;
  else
    is_copied = fstat(nameless, &mode) == 0 && take_permissions(draft->fd, &mode) && copy_all(nameless, draft->fd);
  if (draft->fd != nameless) {
    const int why = errno;
    close(nameless);
    errno = why;
  }
  return is_copied;
}

static bool give_name(assay_os_draft *draft) {
  if (try_names(draft, link_beside)) return true;
  return errno != EEXIST && errno != ENOSPC && errno != EDQUOT && copy_beside(draft);
}

static char *copy_of(const char *text, size_t length, const char *ending) {
  assay_buf copy = {0};
  assay_buf_append(&copy, text, length);
  assay_buf_printf(&copy, "%s", ending);
  return copy.failed ? (assay_buf_deinit(&copy), NULL) : assay_buf_take(&copy);
}

/* Where it will stand, and a short name in that directory, which is allowed wherever its own is. */
static bool name_draft(const char *path, assay_os_draft *draft) {
  char *target = realpath(path, NULL); /* a link that leads nowhere is written as it stands */
  const char *place = target != NULL ? target : path, *slash = strrchr(place, '/');
  draft->place = copy_of(place, strlen(place), "");
  draft->beside = copy_of(place, slash != NULL ? (size_t)(slash - place) + 1 : 0, ".assay." UNNAMED);
  free(target);
  return draft->place != NULL && draft->beside != NULL;
}

/* What would be refused in the end is refused before the work. */
static assay_status look_at_place(const char *path, assay_error *err, struct stat *old, bool *is_there) {
  if (path[0] == '\0') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the name of the file to write is empty");
  *is_there = stat(path, old) == 0;
  if (!*is_there && errno == ENAMETOOLONG) return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  if (*is_there && S_ISDIR(old->st_mode)) return ASSAY_FAIL_ERRNO(err, EISDIR, "cannot write %s", path);
  return ASSAY_OK;
}

assay_status assay_os_draft_open(const char *path, assay_error *err, assay_os_draft *draft) {
  assay_os_draft made = {.fd = -1};
  struct stat old;
  bool is_there = false;
  assay_status status = look_at_place(path, err, &old, &is_there);
  if (status != ASSAY_OK) return status;
  if (!name_draft(path, &made)) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
  if (status == ASSAY_OK) made.fd = open_nameless(&made);
  if (status == ASSAY_OK && ((made.fd < 0 && !try_names(&made, create_beside)) || (is_there && !take_permissions(made.fd, &old))))
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  if (status == ASSAY_OK)
    *draft = made;
  else
    assay_os_draft_drop(&made);
  return status;
}

static void end_draft(assay_os_draft *draft) {
  assay_free(draft->place);
  assay_free(draft->beside);
  *draft = (assay_os_draft){.fd = -1};
}

assay_status assay_os_draft_put(assay_os_draft *draft, assay_error *err) {
  bool done = draft->is_named || give_name(draft);
  if (done) done = rename(draft->beside, draft->place) == 0;
  assay_status status = done ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", draft->place);
  if (!done && draft->is_named) unlink(draft->beside);
  if (close(draft->fd) != 0 && status == ASSAY_OK) status = ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", draft->place);
  end_draft(draft);
  return status;
}

void assay_os_draft_drop(assay_os_draft *draft) {
  if (draft->is_named) unlink(draft->beside);
  if (draft->fd >= 0) close(draft->fd);
  end_draft(draft);
}

assay_status assay_os_write_file(const char *path, const void *data, size_t length, assay_error *err) {
  struct stat there;
  assay_os_draft draft;
  if (stat(path, &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)) return write_through(path, data, length, err);
  assay_status status = assay_os_draft_open(path, err, &draft);
  if (status != ASSAY_OK) return status;
  status = write_all(draft.fd, data, length, path, err);
  if (status == ASSAY_OK && fsync(draft.fd) != 0) status = ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  if (status == ASSAY_OK) return assay_os_draft_put(&draft, err);
  assay_os_draft_drop(&draft);
  return status;
}

assay_status assay_os_make_dirs(const char *path, assay_error *err) {
  char *partial = assay_strdup(ASSAY_TAG_BASE, path);
  if (partial == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  assay_status status = ASSAY_OK;
  for (char *p = partial + 1; status == ASSAY_OK; p++) {
    char separator = *p;
    if (separator != '/' && separator != '\0') continue;
    *p = '\0';
    if (partial[0] != '\0' && mkdir(partial, 0777) != 0 && errno != EEXIST)
      status = ASSAY_FAIL_ERRNO(err, errno, "cannot create directory %s", partial);
    *p = separator;
    if (separator == '\0') break;
  }
  struct stat info;
  if (status == ASSAY_OK && stat(path, &info) != 0) status = ASSAY_FAIL_ERRNO(err, errno, "cannot use directory %s", path);
  if (status == ASSAY_OK && !S_ISDIR(info.st_mode))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is there, but is not a directory", path);
  assay_free(partial);
  return status;
}

bool assay_os_exists(const char *path) { return access(path, F_OK) == 0; }

assay_status assay_os_temp_dir(assay_error *err, char **path) {
  const char *base = getenv("TMPDIR");
  assay_buf name = {0};
  assay_buf_printf(&name, "%s/assay-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
  if (name.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  if (mkdtemp(name.data) == NULL) {
    assay_status status = ASSAY_FAIL_ERRNO(err, errno, "cannot create a temporary directory %s", name.data);
    assay_buf_deinit(&name);
    return status;
  }
  *path = assay_buf_take(&name);
  return ASSAY_OK;
}

static void remove_at(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  DIR *dir = fdopendir(fd);
  if (dir == NULL) {
    close(fd);
    return;
  }
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) remove_at(fd, entry->d_name);
  }
  closedir(dir);
  unlinkat(parent, name, AT_REMOVEDIR);
}

void assay_os_remove_tree(const char *path) { remove_at(AT_FDCWD, path); }

/* Joins with '/'; NULL when a part is NULL or empty, or memory is out. */
static char *join(const char *a, const char *b) {
  if (a == NULL || a[0] == '\0') return NULL;
  assay_buf buf = {0};
  assay_buf_printf(&buf, "%s/%s", a, b);
  return assay_buf_take(&buf);
}

assay_status assay_os_cache_dir(assay_error *err, char **path) {
  const char *own = getenv("ASSAY_CACHE_DIR");
  char *dir = own != NULL && own[0] != '\0' ? assay_strdup(ASSAY_TAG_BASE, own) : NULL;
  if (dir == NULL) dir = join(getenv("XDG_CACHE_HOME"), "assay");
#ifdef __APPLE__
  if (dir == NULL) dir = join(getenv("HOME"), "Library/Caches/assay");
#endif
  if (dir == NULL) dir = join(getenv("HOME"), ".cache/assay");
  if (dir == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "no cache directory: set HOME or ASSAY_CACHE_DIR");
  assay_status status = assay_os_make_dirs(dir, err);
  if (status == ASSAY_OK)
    *path = dir;
  else
    assay_free(dir);
  return status;
}

/* <dir of the executable>/<up>/<relative> when it exists, else NULL. */
static char *beside_executable(const char *up, const char *relative) {
  char *self = NULL;
  if (assay_os_self_path(NULL, &self) != ASSAY_OK) return NULL;
  char *slash = strrchr(self, '/');
  if (slash != NULL) *slash = '\0';
  assay_buf buf = {0};
  assay_buf_printf(&buf, "%s/%s/%s", self, up, relative);
  assay_free(self);
  char *found = assay_buf_take(&buf);
  if (found != NULL && !assay_os_exists(found)) {
    assay_free(found);
    found = NULL;
  }
  return found;
}

assay_status assay_os_find_data(const char *relative, assay_error *err, char **path) {
  const char *own = getenv("ASSAY_DATA_DIR");
  if (own != NULL && own[0] != '\0') {
    char *found = join(own, relative);
    if (found != NULL && assay_os_exists(found)) {
      *path = found;
      return ASSAY_OK;
    }
    assay_free(found);
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s is not in ASSAY_DATA_DIR=%s", relative, own);
  }
  static const char *const ups[] = {"../share/assay", "..", "../.."};
  for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
    char *found = beside_executable(ups[i], relative);
    if (found != NULL) {
      *path = found;
      return ASSAY_OK;
    }
  }
  static const char *const places[] = {ASSAY_DATA_DIR_INSTALLED, ASSAY_DATA_DIR_SOURCE};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char *found = join(places[i], relative);
    if (found != NULL && assay_os_exists(found)) {
      *path = found;
      return ASSAY_OK;
    }
    assay_free(found);
  }
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s is not installed; set ASSAY_DATA_DIR to the directory that holds it", relative);
}

unsigned assay_os_within_quota(size_t cpus, double quota) {
  if (quota > 0 && quota < (double)cpus) cpus = (size_t)ceil(quota);
  return cpus == 0 ? 1 : cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

size_t assay_os_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

bool assay_os_entropy(void *out, size_t length) { return getentropy(out, length) == 0; }
