/* SPDX-License-Identifier: MIT */
/*
 * Opening a capture: a tar of /sys and /proc is unpacked into a private directory, a sysctl listing is parsed in memory. What it is is
 * decided by its content, never by its name.
 */
#ifndef ASSAY_MACHINE_SNAPSHOT_H
#define ASSAY_MACHINE_SNAPSHOT_H

#include "machine/source.h"

/* Real captures: 128 cores take 9,700 entries and 1.5 MB, so about 80 entries a CPU. */
enum {
  ASSAY_SNAPSHOT_BYTES_MAX = 64 << 20,          /* the capture as it comes, compressed or not */
  ASSAY_SNAPSHOT_ENTRIES_MAX = 150000,          /* members of the archive */
  ASSAY_SNAPSHOT_FILE_BYTES_MAX = 8 << 20,      /* one member */
  ASSAY_SNAPSHOT_CONTENT_BYTES_MAX = 128 << 20, /* all members together */
  ASSAY_SNAPSHOT_PATH_MAX = 512,
  ASSAY_SNAPSHOT_DEPTH_MAX = 24,
  ASSAY_SNAPSHOT_LINKS_MAX = 50000,
  ASSAY_SYSCTL_LINES_MAX = 20000,
};

typedef struct assay_snapshot {
  assay_source source;
  assay_arena arena; /* what the source points to */
  char *directory;   /* unpacked into; NULL for a listing */
  int lock;          /* descriptor that holds the directory's lock as long as its owner lives; -1: none */
} assay_snapshot;

/* `name` stands in messages. */
assay_status assay_snapshot_open(const char *path, assay_error *err, assay_snapshot *snapshot);
assay_status assay_snapshot_open_memory(const void *data, size_t length, const char *name, assay_error *err, assay_snapshot *snapshot);
void assay_snapshot_close(assay_snapshot *snapshot);

/* Unpacks into an existing empty directory. */
assay_status assay_unpack(const void *data, size_t length, const char *name, const char *directory, assay_error *err);
/* True when the text reads as a sysctl listing; parses it into sorted pairs in the arena. */
bool assay_sysctl_looks_like(const char *text, size_t length);
assay_status assay_sysctl_parse(const char *text, size_t length, const char *name, assay_arena *arena, assay_error *err,
                                const assay_pair **pairs, size_t *count);

/* In our own captures: what could not be read, a "path<tab>reason" a line. Its presence marks the capture as ours. */
#define ASSAY_MANIFEST_PATH "/assay/manifest"
#define ASSAY_MANIFEST_HEAD "assay-capture/1"

#endif
