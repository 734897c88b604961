/* SPDX-License-Identifier: MIT */
#include "result/import_rows.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

void assay_import_suite(assay_importer *in, const char *name, assay_outcome outcome, const char *reason) {
  if (!assay_import_ok(in)) return;
  const assay_run_info *run = &in->result->run;
  for (size_t i = 0; i < run->suite_count; i++) {
    if (strcmp(run->suites[i].name, name) != 0) continue;
    if (run->suites[i].status >= outcome) return;
    run->suites[i].status = outcome;
    run->suites[i].reason = assay_result_text(in->result, reason);
    return;
  }
  assay_error err = {0};
  if (assay_result_add_suite(in->result, name, outcome, reason, &err) != ASSAY_OK) assay_import_mistake(in, "", "%s", err.message);
}

void assay_import_check(assay_importer *in, const assay_check *check) {
  assay_check copied = *check;
  assay_error err = {0};
  assay_check_list list = {.items = &copied, .count = 1};
  if (assay_import_ok(in) && assay_result_add_checks(in->result, &list, &err) != ASSAY_OK) assay_import_mistake(in, "", "%s", err.message);
}

/* ---- Files -------------------------------------------------------------------------------------------------------------------- */

enum { MOST_FILES = 100000, MOST_NAMES = 500000 };

bool assay_import_is_file(const char *path) {
  struct stat at;
  return stat(path, &at) == 0 && S_ISREG(at.st_mode);
}

bool assay_import_is_directory(const char *path) {
  struct stat at;
  return stat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

const char *assay_import_folder(assay_arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return ".";
  return slash == path ? "/" : assay_arena_strndup(arena, path, (size_t)(slash - path));
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool push(assay_arena *arena, assay_import_files *list, const char *path) {
  if (list->count == list->capacity) {
    void *grown = assay_arena_grow(arena, list->paths, list->count, &list->capacity, sizeof *list->paths);
    if (grown == NULL) return false;
    list->paths = grown;
  }
  list->paths[list->count++] = path;
  return true;
}

static bool is_plain_directory(const char *path) {
  struct stat at;
  return lstat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

/* The names in a directory, in order, so that the same files give the same result on every file system. */
static bool list_names(assay_importer *in, assay_arena *arena, const char *directory, assay_import_files *names) {
  DIR *dir = opendir(directory);
  if (dir == NULL) {
    if (in != NULL && in->status == ASSAY_OK) in->status = ASSAY_FAIL_ERRNO(in->err, errno, "cannot read the directory %s", directory);
    return false;
  }
  bool fine = true;
  for (struct dirent *entry = NULL; fine && names->count <= MOST_NAMES && (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    const char *name = assay_arena_strdup(arena, entry->d_name);
    fine = name != NULL && push(arena, names, name);
  }
  closedir(dir);
  if (names->count > 0) qsort(names->paths, names->count, sizeof *names->paths, by_text);
  return fine;
}

static void fail_many(assay_importer *in, const char *directory) {
  if (in != NULL && in->status == ASSAY_OK)
    in->status = ASSAY_FAIL(in->err, ASSAY_ERR_LIMIT, "%s: more than %d files, or %d of results: give a folder further down", directory,
                            MOST_NAMES, MOST_FILES);
}

void assay_import_find(assay_importer *in, assay_arena *arena, const char *directory, const char *pattern, int depth,
                       assay_import_files *files) {
  assay_import_files names = {0};
  if (!list_names(in, arena, directory, &names)) return;
  for (size_t i = 0; i < names.count && (in == NULL || assay_import_ok(in)); i++) {
    const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
    const char *path = assay_arena_printf(arena, "%s%s%s", directory, slash, names.paths[i]);
    if (path == NULL) return;
    if (files->visited++ >= MOST_NAMES || files->count >= MOST_FILES) {
      fail_many(in, directory);
      return;
    }
    if (is_plain_directory(path)) {
      if (depth > 0) assay_import_find(in, arena, path, pattern, depth - 1, files);
    } else if (assay_glob_match(pattern, names.paths[i]) && assay_import_is_file(path)) {
      if (!push(arena, files, path)) return;
    }
  }
}
