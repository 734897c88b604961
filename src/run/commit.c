/* SPDX-License-Identifier: MIT */
/*
 * The commit of a working directory, read from the repository's own files: a benchmark should not start another program, and Git may not be
 * installed. Layout: gitrepository-layout(5).
 */
#include <assay/run.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "os/prim.h"

enum { HASH_DIGITS = 40, SMALL_FILE = 64 * 1024, PACKED_REFS = 16 * 1024 * 1024 };

/* Text of a file below `dir` without its trailing newlines, or NULL; free with assay_free. */
static char *read_below(const char *dir, const char *name, size_t limit) {
  assay_buf path = {0};
  assay_buf_printf(&path, "%s/%s", dir, name);
  char *text = NULL;
  size_t length = 0;
  if (path.failed || assay_os_read_file(path.data, limit, NULL, &text, &length) != ASSAY_OK) text = NULL;
  assay_buf_deinit(&path);
  while (text != NULL && length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = '\0';
  return text;
}

static bool take_hash(const char *text, char commit[HASH_DIGITS + 1]) {
  for (int i = 0; i < HASH_DIGITS; i++) {
    if (!isxdigit((unsigned char)text[i])) return false;
  }
  memcpy(commit, text, HASH_DIGITS);
  commit[HASH_DIGITS] = '\0';
  return true;
}

/* Joins `base` and `path` unless `path` is absolute; free with assay_free. */
static char *resolve(const char *base, const char *path) {
  assay_buf joined = {0};
  if (path[0] != '/') assay_buf_printf(&joined, "%s/", base);
  assay_buf_puts(&joined, path);
  return assay_buf_take(&joined);
}

/* The .git directory of `directory` itself: the directory, or where a .git file ("gitdir: ...", of worktrees and submodules) points. */
static char *git_dir_at(const char *directory) {
  char *dot_git = resolve(directory, ".git");
  if (dot_git == NULL) return NULL;
  char *pointer = NULL;
  size_t length = 0;
  if (assay_os_read_file(dot_git, SMALL_FILE, NULL, &pointer, &length) == ASSAY_OK) {
    assay_free(dot_git);
    pointer[strcspn(pointer, "\r\n")] = '\0';
    char *target = strncmp(pointer, "gitdir: ", 8) == 0 ? resolve(directory, pointer + 8) : NULL;
    assay_free(pointer);
    return target;
  }
  char *head = read_below(dot_git, "HEAD", SMALL_FILE);
  if (head == NULL) {
    assay_free(dot_git);
    return NULL;
  }
  assay_free(head);
  return dot_git;
}

static char *find_git_dir(const char *directory) {
  char *at = realpath(directory, NULL);
  char *found = NULL;
  while (at != NULL && (found = git_dir_at(at)) == NULL) {
    char *slash = strrchr(at, '/');
    if (slash == NULL || at[1] == '\0') break;
    slash[slash == at] = '\0';
  }
  free(at);
  return found;
}

/* "<hash> <ref>" lines of packed-refs. */
static bool find_packed(const char *git_dir, const char *ref, char commit[HASH_DIGITS + 1]) {
  char *packed = read_below(git_dir, "packed-refs", PACKED_REFS);
  bool found = false;
  size_t ref_length = strlen(ref);
  for (const char *line = packed; line != NULL && !found; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    const char *space = strpbrk(line, " \n");
    if (space == NULL) break;
    if (*space != ' ' || strncmp(space + 1, ref, ref_length) != 0) continue;
    char end = space[1 + ref_length];
    found = (end == '\0' || end == '\n' || end == '\r') && take_hash(line, commit);
  }
  assay_free(packed);
  return found;
}

static bool find_ref(const char *git_dir, const char *ref, char commit[HASH_DIGITS + 1]) {
  char *text = read_below(git_dir, ref, SMALL_FILE);
  bool found = text != NULL && take_hash(text, commit);
  assay_free(text);
  return found || find_packed(git_dir, ref, commit);
}

bool assay_run_find_commit(const char *directory, char commit[41]) {
  char *git_dir = find_git_dir(directory);
  if (git_dir == NULL) return false;
  char *head = read_below(git_dir, "HEAD", SMALL_FILE);
  bool found = head != NULL && strncmp(head, "ref: ", 5) != 0 && take_hash(head, commit);
  if (head != NULL && strncmp(head, "ref: ", 5) == 0) {
    found = find_ref(git_dir, head + 5, commit);
    /* A worktree keeps its HEAD, but shares the branches with the repository that `commondir` names. */
    char *common = found ? NULL : read_below(git_dir, "commondir", SMALL_FILE);
    char *shared = common != NULL ? resolve(git_dir, common) : NULL;
    if (shared != NULL) found = find_ref(shared, head + 5, commit);
    assay_free(shared);
    assay_free(common);
  }
  assay_free(head);
  assay_free(git_dir);
  return found;
}
