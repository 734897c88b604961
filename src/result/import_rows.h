/* SPDX-License-Identifier: MIT */
/* What several formats have besides benchmarks: suites that failed, rows of checks, and files in a directory. */
#ifndef ASSAY_RESULT_IMPORT_ROWS_H
#define ASSAY_RESULT_IMPORT_ROWS_H

#include "result/import.h"

/* A package, crate or test case as a whole; the worst outcome of all mentions stays. Text is copied. */
void assay_import_suite(assay_importer *in, const char *name, assay_outcome outcome, const char *reason);
/* A limit or assertion of the tool's own, and whether it was kept. */
void assay_import_check(assay_importer *in, const assay_check *check);

/* Paths in an arena, in the order of their names. */
typedef struct assay_import_files {
  const char **paths;
  size_t count, capacity;
  size_t visited; /* names looked at */
} assay_import_files;

/*
 * The files below `directory` whose name matches the pattern (assay_glob_match), at most `depth` folders down; links to directories are not
 * followed. A directory that cannot be read, more than 100,000 files and more than 500,000 names are mistakes; `in` may be NULL, then it
 * ends there.
 */
void assay_import_find(assay_importer *in, assay_arena *arena, const char *directory, const char *pattern, int depth,
                       assay_import_files *files);
/* "a/b/c.json" -> "a/b"; "." where there is no slash. In the arena. */
const char *assay_import_folder(assay_arena *arena, const char *path);

/* Whether there is a plain file of that path. */
bool assay_import_is_file(const char *path);
bool assay_import_is_directory(const char *path);

#endif
