/* SPDX-License-Identifier: MIT */
#include "machine/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/prim.h"

static bool is_directory(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool holds_machine(assay_arena *arena, const char *directory) {
  const char *sys = assay_arena_printf(arena, "%s/sys", directory), *proc = assay_arena_printf(arena, "%s/proc", directory);
  return sys != NULL && proc != NULL && (is_directory(sys) || is_directory(proc));
}

/* The root of the capture: the directory itself, or the single one in it. NULL when neither holds /sys or /proc. */
static const char *find_root(assay_arena *arena, const char *directory) {
  if (holds_machine(arena, directory)) return directory;
  DIR *dir = opendir(directory);
  if (dir == NULL) return NULL;
  const char *only = NULL;
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    count++;
    only = assay_arena_printf(arena, "%s/%s", directory, entry->d_name);
  }
  closedir(dir);
  return count == 1 && only != NULL && is_directory(only) && holds_machine(arena, only) ? only : NULL;
}

/* Lines of "path<tab>reason" behind the head. */
static void read_manifest(assay_snapshot *snapshot) {
  assay_source *source = &snapshot->source;
  const char *text = assay_source_read(source, &snapshot->arena, NULL, ASSAY_MANIFEST_PATH);
  if (text == NULL || strncmp(text, ASSAY_MANIFEST_HEAD, strlen(ASSAY_MANIFEST_HEAD)) != 0) return;
  source->complete = true;
  assay_pair *pairs = NULL;
  size_t count = 0, capacity = 0;
  for (const char *line = text; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    const char *tab = memchr(line, '\t', length);
    if (tab != NULL && line[0] == '/') {
      if (count == capacity) {
        assay_pair *more = assay_arena_grow(&snapshot->arena, pairs, count, &capacity, sizeof *more);
        if (more == NULL) break;
        pairs = more;
      }
      pairs[count].key = assay_arena_strndup(&snapshot->arena, line, (size_t)(tab - line));
      pairs[count].value = assay_arena_strndup(&snapshot->arena, tab + 1, (size_t)(line + length - tab - 1));
      if (pairs[count].key == NULL || pairs[count].value == NULL) break;
      count++;
    }
    line += length + (line[length] == '\n');
  }
  assay_source_sort_pairs(pairs, count);
  source->pairs = pairs;
  source->pair_count = count;
}

#define PREFIX "assay-capture-"

/* Not one that its owner has made and not locked yet. */
enum { LEFT_BEHIND_S = 10 };

/* A directory whose owner was killed: ours, and its lock, which ends with the owner, is free. Process numbers would not tell, since
 * containers that share a directory count their own. */
static bool is_left_behind(int parent, const char *name) {
  struct stat info;
  if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid()) return false;
  if (assay_os_wall_s() - (int64_t)info.st_mtime < LEFT_BEHIND_S) return false;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
  close(fd);
  return is_free;
}

static void remove_left_behind(const char *base) {
  DIR *dir = opendir(base);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || !is_left_behind(dirfd(dir), entry->d_name)) continue;
    assay_buf path = {0};
    assay_buf_printf(&path, "%s/%s", base, entry->d_name);
    if (!path.failed) assay_os_remove_tree(path.data);
    assay_buf_deinit(&path);
  }
  closedir(dir);
}

static assay_status make_directory_in(const char *base, assay_error *err, assay_snapshot *snapshot) {
  remove_left_behind(base);
  assay_buf path = {0};
  assay_buf_printf(&path, "%s/" PREFIX "XXXXXX", base);
  if (path.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  if (mkdtemp(path.data) == NULL) {
    assay_status status = ASSAY_FAIL_ERRNO(err, errno, "cannot create a temporary directory %s", path.data);
    assay_buf_deinit(&path);
    return status;
  }
  snapshot->directory = assay_buf_take(&path);
  snapshot->lock = open(snapshot->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (snapshot->lock >= 0) flock(snapshot->lock, LOCK_EX | LOCK_NB);
  return ASSAY_OK;
}

static void drop_directory(assay_snapshot *snapshot) {
  if (snapshot->directory != NULL) assay_os_remove_tree(snapshot->directory);
  assay_free(snapshot->directory);
  snapshot->directory = NULL;
  if (snapshot->lock >= 0) close(snapshot->lock);
  snapshot->lock = -1;
}

/*
 * Thousands of tiny files: in memory a replay of 128 cores takes 0.3 s, on a disk that others write to up to 20 s. A directory that the
 * user chose ($TMPDIR) is respected.
 */
static assay_status make_directory(bool in_memory, assay_error *err, assay_snapshot *snapshot) {
  const char *chosen = getenv("TMPDIR");
  if (chosen != NULL && chosen[0] != '\0') return make_directory_in(chosen, err, snapshot);
  if (in_memory && make_directory_in("/dev/shm", NULL, snapshot) == ASSAY_OK) return ASSAY_OK;
  return make_directory_in("/tmp", err, snapshot);
}

static assay_status unpack_somewhere(const void *data, size_t length, const char *name, assay_error *err, assay_snapshot *snapshot) {
  assay_error first = {0};
  assay_status status = make_directory(true, &first, snapshot);
  if (status == ASSAY_OK) status = assay_unpack(data, length, name, snapshot->directory, &first);
  if (status == ASSAY_ERR_NO_SPACE) { /* containers have little shared memory */
    drop_directory(snapshot);
    assay_error_clear(&first);
    status = make_directory(false, &first, snapshot);
    if (status == ASSAY_OK) status = assay_unpack(data, length, name, snapshot->directory, &first);
  }
  if (status != ASSAY_OK && err != NULL && err->status == ASSAY_OK) *err = first;
  return status;
}

static assay_status open_archive(const void *data, size_t length, const char *name, assay_error *err, assay_snapshot *snapshot) {
  assay_status status = unpack_somewhere(data, length, name, err, snapshot);
  if (status != ASSAY_OK) return status;
  snapshot->source.kind = ASSAY_SOURCE_TREE;
  snapshot->source.root = find_root(&snapshot->arena, snapshot->directory);
  if (snapshot->source.root == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s: holds neither /sys nor /proc at its top or below one leading directory", name);
  read_manifest(snapshot);
  return ASSAY_OK;
}

assay_status assay_snapshot_open_memory(const void *data, size_t length, const char *name, assay_error *err, assay_snapshot *snapshot) {
  *snapshot = (assay_snapshot){.lock = -1};
  assay_arena_init(&snapshot->arena, ASSAY_TAG_MACHINE);
  if (length == 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is empty: expected a tar of /sys and /proc, or a sysctl listing", name);
  assay_status status;
  if (assay_sysctl_looks_like(data, length)) {
    snapshot->source.kind = ASSAY_SOURCE_SYSCTL;
    status = assay_sysctl_parse(data, length, name, &snapshot->arena, err, &snapshot->source.pairs, &snapshot->source.pair_count);
  } else {
    status = open_archive(data, length, name, err, snapshot);
  }
  if (status != ASSAY_OK) assay_snapshot_close(snapshot);
  return status;
}

assay_status assay_snapshot_open(const char *path, assay_error *err, assay_snapshot *snapshot) {
  char *data = NULL;
  size_t length = 0;
  assay_status status = assay_os_read_file(path, ASSAY_SNAPSHOT_BYTES_MAX, err, &data, &length);
  if (status != ASSAY_OK) return status;
  status = assay_snapshot_open_memory(data, length, strcmp(path, "-") == 0 ? "standard input" : path, err, snapshot);
  assay_free(data);
  return status;
}

void assay_snapshot_close(assay_snapshot *snapshot) {
  drop_directory(snapshot);
  assay_arena_deinit(&snapshot->arena);
  *snapshot = (assay_snapshot){.lock = -1};
}
