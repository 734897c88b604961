/* SPDX-License-Identifier: MIT */
/*
 * Where facts are read from: this system, an extracted capture, or a sysctl listing. Components name absolute paths and never open a file
 * themselves, so that live detection and replay are the same code.
 *
 * A few facts are in no file: the CPUID registers, uname, the page size. They are read as files below /assay; live they are made on the
 * spot (live.c), and a capture holds them as files.
 *
 * A source is read-only while components run, except for the record of what was read (for gathering). Not thread-safe.
 */
#ifndef ASSAY_MACHINE_SOURCE_H
#define ASSAY_MACHINE_SOURCE_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

typedef enum assay_source_kind { ASSAY_SOURCE_LIVE, ASSAY_SOURCE_TREE, ASSAY_SOURCE_SYSCTL } assay_source_kind;

typedef enum assay_record_kind { ASSAY_RECORD_FILE, ASSAY_RECORD_LINK, ASSAY_RECORD_DIRECTORY } assay_record_kind;

/* Told about everything that is read; `text` is the content or the target of a link, NULL when it could not be read (then `code` is errno).
 */
typedef void (*assay_source_record)(void *user, assay_record_kind kind, const char *path, const char *text, int code);

typedef struct assay_pair {
  const char *key, *value;
} assay_pair;

typedef struct assay_source {
  assay_source_kind kind;
  const char *root;        /* TREE: directory of the extracted capture; "" when live */
  bool complete;           /* what is not there is not on the machine; false for captures of other tools, which may just not hold it */
  const assay_pair *pairs; /* SYSCTL: sorted by key. TREE: what the manifest says could not be read, path -> reason */
  size_t pair_count;
  assay_source_record record;
  void *record_user;
} assay_source;

enum { ASSAY_SOURCE_FILE_MAX = 16 << 20 };

/*
 * Text of a file without trailing white space, in the arena. NULL when it cannot be read or is empty; then *cause (unless `cause` is NULL)
 * says exactly why: "/proc/meminfo is not there".
 */
const char *assay_source_read(const assay_source *source, assay_arena *arena, const char **cause, const char *path, ...) ASSAY_PRINTF(4, 5);
/* The whole decimal or 0x number that a file holds. */
bool assay_source_u64(const assay_source *source, assay_arena *arena, const char **cause, uint64_t *value, const char *path, ...)
    ASSAY_PRINTF(5, 6);
/* Target of a symbolic link, or NULL. */
const char *assay_source_link(const assay_source *source, assay_arena *arena, const char *path, ...) ASSAY_PRINTF(3, 4);
/* Entries of a directory that begin with `prefix`, in natural order (cpu2 before cpu10). A directory that is not there gives 0 and sets
 * *cause. */
size_t assay_source_list(const assay_source *source, assay_arena *arena, const char **cause, const char *prefix, const char *const **names,
                         const char *path, ...) ASSAY_PRINTF(6, 7);
bool assay_source_exists(const assay_source *source, const char *path);

/* The value of a sysctl, or NULL. */
const char *assay_source_pair(const assay_source *source, const char *key);
/* Sorts pairs so that they can be found. */
void assay_source_sort_pairs(assay_pair *pairs, size_t count);

/* The text of a file below /assay on this system, or NULL when this system has none of that name. Free with assay_free. */
char *assay_live_file(const char *path);

#endif
