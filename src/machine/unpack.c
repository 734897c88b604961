/* SPDX-License-Identifier: MIT */
/*
 * Unpacking an archive that may be hostile. While members are written no symbolic link exists in the tree, so nothing can be written
 * through one. Links are made at the end and then each is followed by hand: one that leaves the tree, in however many steps, fails the
 * whole archive.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "machine/archive.h"
#include "machine/snapshot.h"

typedef struct link_entry {
  const char *path, *target;
} link_entry;

typedef struct unpacking {
  struct archive *archive;
  const char *name; /* of the archive, for messages */
  int root;         /* directory being filled */
  int parent;       /* the last directory that was opened, -1 for none, and its path: members of one directory come together */
  char parent_path[ASSAY_SNAPSHOT_PATH_MAX];
  size_t entries;
  uint64_t bytes;
  assay_arena arena;
  link_entry *links;
  size_t link_count, link_capacity;
  assay_error *err;
} unpacking;

/* A member's path as plain parts "a/b/c" without "." and empty parts. False when it is absolute, climbs, or is out of bounds. */
static assay_status clean_path(unpacking *u, const char *path, char out[ASSAY_SNAPSHOT_PATH_MAX]) {
  if (path == NULL) return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: a member has a name that cannot be read", u->name);
  if (path[0] == '/') return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: member '%.100s' has an absolute path", u->name, path);
  size_t used = 0, depth = 0;
  out[0] = '\0';
  for (const char *part = path; *part != '\0';) {
    size_t length = strcspn(part, "/");
    bool nothing = length == 0 || (length == 1 && part[0] == '.');
    if (length == 2 && part[0] == '.' && part[1] == '.')
      return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: member '%.100s' climbs out with '..'", u->name, path);
    if (!nothing) {
      if (used + length + 2 > ASSAY_SNAPSHOT_PATH_MAX || ++depth > ASSAY_SNAPSHOT_DEPTH_MAX)
        return ASSAY_FAIL(u->err, ASSAY_ERR_LIMIT, "%s: member '%.100s...' is deeper than %d directories or longer than %d bytes", u->name,
                          path, ASSAY_SNAPSHOT_DEPTH_MAX, ASSAY_SNAPSHOT_PATH_MAX);
      if (used > 0) out[used++] = '/';
      memcpy(out + used, part, length);
      used += length;
      out[used] = '\0';
    }
    part += length + (part[length] == '/');
  }
  return ASSAY_OK;
}

/* Walks down from the root, making what is missing; -1 with errno. */
static int open_directory(const unpacking *u, char *path) {
  int at = dup(u->root);
  for (char *part = path; at >= 0 && *part != '\0';) {
    char *slash = strchr(part, '/');
    if (slash != NULL) *slash = '\0';
    int next = mkdirat(at, part, 0700) == 0 || errno == EEXIST ? openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    int code = errno;
    close(at);
    errno = code;
    at = next;
    if (slash == NULL) break;
    *slash = '/';
    part = slash + 1;
  }
  return at;
}

/* The directory that holds the last part of the path, and that part; -1 with errno. Stays open until the next call. */
static int open_parent(unpacking *u, const char *path, const char **last) {
  const char *slash = strrchr(path, '/');
  size_t length = slash != NULL ? (size_t)(slash - path) : 0;
  *last = slash != NULL ? slash + 1 : path;
  if (u->parent >= 0 && strlen(u->parent_path) == length && memcmp(u->parent_path, path, length) == 0) return u->parent;
  if (u->parent >= 0) close(u->parent);
  memcpy(u->parent_path, path, length);
  u->parent_path[length] = '\0';
  u->parent = open_directory(u, u->parent_path);
  return u->parent;
}

static assay_status cannot_write(unpacking *u, const char *path) {
  return ASSAY_FAIL_ERRNO(u->err, errno, "%s: cannot unpack member '%.100s'", u->name, path);
}

static assay_status archive_failed(unpacking *u) {
  const char *why = assay_libarchive.archive_error_string(u->archive);
  return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: not a whole archive: %s", u->name, why != NULL ? why : "unreadable");
}

static assay_status copy_content(unpacking *u, int fd, const char *path) {
  char chunk[16384];
  uint64_t size = 0;
  for (;;) {
    la_ssize_t got = assay_libarchive.archive_read_data(u->archive, chunk, sizeof chunk);
    if (got == 0) return ASSAY_OK;
    if (got < 0) return archive_failed(u);
    size += (uint64_t)got;
    u->bytes += (uint64_t)got;
    if (size > ASSAY_SNAPSHOT_FILE_BYTES_MAX || u->bytes > ASSAY_SNAPSHOT_CONTENT_BYTES_MAX)
      return ASSAY_FAIL(u->err, ASSAY_ERR_LIMIT, "%s: member '%.100s' takes it over %d MiB a file or %d MiB in all", u->name, path,
                        ASSAY_SNAPSHOT_FILE_BYTES_MAX >> 20, ASSAY_SNAPSHOT_CONTENT_BYTES_MAX >> 20);
    if (write(fd, chunk, (size_t)got) != got) return cannot_write(u, path);
  }
}

static assay_status unpack_file(unpacking *u, struct archive_entry *entry, const char *path) {
  /* A sparse or lying size is refused before a byte of it is produced. */
  if (assay_libarchive.archive_entry_size_is_set(entry) && assay_libarchive.archive_entry_size(entry) > ASSAY_SNAPSHOT_FILE_BYTES_MAX)
    return ASSAY_FAIL(u->err, ASSAY_ERR_LIMIT, "%s: member '%.100s' is larger than %d MiB", u->name, path,
                      ASSAY_SNAPSHOT_FILE_BYTES_MAX >> 20);
  const char *last = NULL;
  int parent = open_parent(u, path, &last);
  if (parent < 0) return cannot_write(u, path);
  unlinkat(parent, last, 0); /* the later member of one name counts, as in tar; never written into the earlier file, which may be linked */
  int fd = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_write(u, path);
  assay_status status = copy_content(u, fd, path);
  close(fd);
  return status;
}

static assay_status unpack_directory(unpacking *u, const char *path) {
  if (path[0] == '\0') return ASSAY_OK;
  const char *last = NULL;
  int parent = open_parent(u, path, &last);
  if (parent < 0) return cannot_write(u, path);
  return mkdirat(parent, last, 0700) == 0 || errno == EEXIST ? ASSAY_OK : cannot_write(u, path);
}

static assay_status unpack_hard_link(unpacking *u, const char *target, const char *path) {
  char from[ASSAY_SNAPSHOT_PATH_MAX];
  assay_status status = clean_path(u, target, from);
  if (status != ASSAY_OK) return status;
  const char *from_last = NULL, *last = NULL;
  int from_parent = open_parent(u, from, &from_last);
  if (from_parent >= 0) from_parent = dup(from_parent);
  int parent = open_parent(u, path, &last);
  if (from_parent < 0 || parent < 0 || linkat(from_parent, from_last, parent, last, 0) != 0)
    status = ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: member '%.100s' is a hard link to '%.100s', which is not a file of the archive",
                        u->name, path, target);
  if (from_parent >= 0) close(from_parent);
  return status;
}

static assay_status remember_link(unpacking *u, const char *path, const char *target) {
  if (target == NULL || target[0] == '\0' || target[0] == '/' || strlen(target) >= ASSAY_SNAPSHOT_PATH_MAX)
    return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: member '%.100s' is a link that leaves the archive, to '%.100s'", u->name, path,
                      target != NULL ? target : "");
  if (u->link_count == ASSAY_SNAPSHOT_LINKS_MAX)
    return ASSAY_FAIL(u->err, ASSAY_ERR_LIMIT, "%s: more than %d links", u->name, ASSAY_SNAPSHOT_LINKS_MAX);
  if (u->link_count == u->link_capacity) {
    link_entry *more = assay_arena_grow(&u->arena, u->links, u->link_count, &u->link_capacity, sizeof *more);
    if (more == NULL) return ASSAY_FAIL(u->err, ASSAY_ERR_NO_MEMORY, "out of memory for the links of %s", u->name);
    u->links = more;
  }
  u->links[u->link_count++] = (link_entry){assay_arena_strdup(&u->arena, path), assay_arena_strdup(&u->arena, target)};
  if (u->arena.failed) return ASSAY_FAIL(u->err, ASSAY_ERR_NO_MEMORY, "out of memory for the links of %s", u->name);
  return ASSAY_OK;
}

static assay_status unpack_entry(unpacking *u, struct archive_entry *entry) {
  char path[ASSAY_SNAPSHOT_PATH_MAX];
  assay_status status = clean_path(u, assay_libarchive.archive_entry_pathname(entry), path);
  if (status != ASSAY_OK) return status;
  if (++u->entries > ASSAY_SNAPSHOT_ENTRIES_MAX)
    return ASSAY_FAIL(u->err, ASSAY_ERR_LIMIT, "%s: more than %d members", u->name, ASSAY_SNAPSHOT_ENTRIES_MAX);
  const char *hard_link = assay_libarchive.archive_entry_hardlink(entry);
  if (hard_link != NULL) return unpack_hard_link(u, hard_link, path);
  switch (assay_libarchive.archive_entry_filetype(entry)) {
    case AE_IFREG: return path[0] == '\0' ? ASSAY_OK : unpack_file(u, entry, path);
    case AE_IFDIR: return unpack_directory(u, path);
    case AE_IFLNK: return remember_link(u, path, assay_libarchive.archive_entry_symlink(entry));
    default:
      return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT,
                        "%s: member '%.100s' is a device, fifo or socket; a capture holds files, directories and links", u->name, path);
  }
}

static assay_status unpack_members(unpacking *u) {
  for (;;) {
    struct archive_entry *entry = NULL;
    int code = assay_libarchive.archive_read_next_header(u->archive, &entry);
    if (code == ARCHIVE_EOF) return ASSAY_OK;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return archive_failed(u);
    assay_status status = unpack_entry(u, entry);
    if (status != ASSAY_OK) return status;
  }
}

static assay_status make_links(unpacking *u) {
  for (size_t i = 0; i < u->link_count; i++) {
    const char *path = u->links[i].path, *last = NULL;
    /* O_NOFOLLOW refuses a member below a link that was made before. */
    int parent = open_parent(u, path, &last);
    if (parent < 0) return cannot_write(u, path);
    /* A file or link of that name is there already: the first stays. */
    if (symlinkat(u->links[i].target, parent, last) != 0 && errno != EEXIST) return cannot_write(u, path);
  }
  return ASSAY_OK;
}

/* ---- Do links stay inside? ------------------------------------------------------------------------------------------ */

enum { LINK_STEPS_MAX = 40, WALK_MAX = 4096 };

static void step_up(char *at) {
  char *slash = strrchr(at, '/');
  *(slash != NULL ? slash : at) = '\0';
}

/* Puts where the link at `at` leads before `next`, what is still to be walked behind it, into `rest`; false: that is too long. */
static bool put_before(const char *link, size_t length, const char *next, char rest[WALK_MAX * 2]) {
  char joined[WALK_MAX * 2];
  const size_t left = strlen(next);
  if (length + left + 2 > sizeof joined) return false;
  memcpy(joined, link, length);
  joined[length] = '/';
  memcpy(joined + length + 1, next, left + 1); /* `next` may lie in `rest` */
  memcpy(rest, joined, length + left + 2);
  return true;
}

/*
 * Follows a path the way the kernel does, but by hand from the root: `at` is where we are ("" is the root, else "a/b"), `rest` what is
 * still to be walked. False as soon as a step leaves the root. A name that is not there counts as a directory.
 */
static bool stays_inside(int root, const char *directory, const char *target) {
  char at[WALK_MAX], rest[WALK_MAX * 2];
  if (strlen(directory) >= sizeof at || strlen(target) >= sizeof rest) return false;
  memcpy(at, directory, strlen(directory) + 1);
  memcpy(rest, target, strlen(target) + 1);
  int links = 0;
  for (char *part = rest; *part != '\0';) {
    size_t length = strcspn(part, "/");
    char *next = part + length + (part[length] == '/');
    part[length] = '\0';
    if (length == 0 || strcmp(part, ".") == 0) {
      part = next;
      continue;
    }
    if (strcmp(part, "..") == 0) {
      if (at[0] == '\0') return false;
      step_up(at);
      part = next;
      continue;
    }
    size_t used = strlen(at);
    if (used + length + 2 > sizeof at) return false;
    size_t before = used;
    if (used > 0) at[used++] = '/';
    memcpy(at + used, part, length + 1);
    struct stat info;
    if (fstatat(root, at, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
      char link[WALK_MAX];
      ssize_t link_length = readlinkat(root, at, link, sizeof link - 1);
      if (link_length <= 0 || link[0] == '/' || ++links > LINK_STEPS_MAX)
        return link_length > 0 && link[0] != '/'; /* a loop leads nowhere */
      if (!put_before(link, (size_t)link_length, next, rest)) return false;
      at[before] = '\0';
      part = rest;
      continue;
    }
    part = next;
  }
  return true;
}

static assay_status check_links(unpacking *u) {
  for (size_t i = 0; i < u->link_count; i++) {
    const char *path = u->links[i].path, *slash = strrchr(path, '/');
    const char *directory = slash != NULL ? assay_arena_strndup(&u->arena, path, (size_t)(slash - path)) : "";
    if (directory == NULL) return ASSAY_FAIL(u->err, ASSAY_ERR_NO_MEMORY, "out of memory for the links of %s", u->name);
    if (!stays_inside(u->root, directory, u->links[i].target))
      return ASSAY_FAIL(u->err, ASSAY_ERR_CORRUPT, "%s: member '%.100s' is a link that leaves the archive, to '%.100s'", u->name, path,
                        u->links[i].target);
  }
  return ASSAY_OK;
}

static struct archive *open_archive(const void *data, size_t length) {
  struct archive *archive = assay_libarchive.archive_read_new();
  if (archive == NULL) return NULL;
  assay_libarchive.archive_read_support_filter_gzip(archive);
  assay_libarchive.archive_read_support_filter_bzip2(archive);
  assay_libarchive.archive_read_support_filter_xz(archive);
  assay_libarchive.archive_read_support_filter_zstd(archive);
  assay_libarchive.archive_read_support_format_tar(archive);
  assay_libarchive.archive_read_open_memory(archive, data, length); /* a failure shows at the first header */
  return archive;
}

assay_status assay_unpack(const void *data, size_t length, const char *name, const char *directory, assay_error *err) {
  unpacking u = {.name = name, .parent = -1, .err = err};
  assay_arena_init(&u.arena, ASSAY_TAG_MACHINE);
  assay_status status = ASSAY_OK;
  u.root = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (u.root < 0) {
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", directory);
    goto done;
  }
  status = assay_libarchive_load(err);
  if (status != ASSAY_OK) goto done;
  u.archive = open_archive(data, length);
  if (u.archive == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory to read %s", name);
    goto done;
  }
  status = unpack_members(&u);
  if (status == ASSAY_OK) status = make_links(&u);
  if (status == ASSAY_OK) status = check_links(&u);
done:
  if (u.archive != NULL) assay_libarchive.archive_read_free(u.archive);
  if (u.parent >= 0) close(u.parent);
  if (u.root >= 0) close(u.root);
  assay_arena_deinit(&u.arena);
  return status;
}
